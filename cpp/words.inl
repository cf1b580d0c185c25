// Which mask rows can matter to a block of columns, told from the mask's cells alone.
//
// Bit k of a column's word tells of its cell in the k-th visible mask row whether it lies surely
// above the threshold, or not surely below. The words of all columns that a block blends, joined,
// tell which rows lie surely on one side of it, all along the block. They are joined beforehand in
// windows of as many columns as make a block's columns one window or two.

struct RowWords {
  std::uint64_t above, below;  // rows that are surely so in all columns of the block
};

class CellWords {
 public:
  CellWords(Workspace& workspace, const Axis& x)
      : above_(workspace.surely_above), maybe_(workspace.maybe_above), columns_(x.side + 2) {
    // A block's pixels lie in so many cells, or one more; each blends the next as well.
    const double cells = std::min((kLanes - 1) * x.scale, 62.0);
    while (2 * window_ <= static_cast<std::int32_t>(cells) + 2) window_ *= 2;
  }

  // Whether a word has bits for all mask rows, and there is room for all columns' words.
  static bool fit(const PaddedMask& mask) {
    return mask.size.height + 2 <= Workspace::kWords && mask.size.width + 2 <= Workspace::kWords;
  }

  MASKRLE_STAGE void prepare(const PaddedMask& mask, std::int32_t first_node,
                             std::int32_t last_node, float above, float margin) {
    const Floats surely = splat(above + 2 * margin);
    const Floats maybe = splat(above - 2 * margin);
    for (std::int32_t x = 0; x < columns_; x += kLanes) {
      Ints above_rows[2];
      Ints maybe_rows[2];
      for (std::int32_t half = 0; half < 2; ++half) {
        Ints a = splat(0);
        Ints b = splat(0);
        Ints bit = splat(1);
        const std::int32_t end = std::min(last_node + 1, first_node + 32 * (half + 1));
        for (std::int32_t node = first_node + 32 * half; node < end; ++node) {
          const Floats values = load(mask.row(node) + x);
          a = with_bits(a, values, surely, bit);
          b = with_bits(b, values, maybe, bit);
          bit = add(bit, bit);
        }
        above_rows[half] = a;
        maybe_rows[half] = b;
      }
      put(above_ + x, above_rows);
      put(maybe_ + x, maybe_rows);
    }
    // Beyond the last column: what changes no window.
    std::fill_n(above_ + columns_, Workspace::kMaxWindow, ~std::uint64_t{0});
    std::fill_n(maybe_ + columns_, Workspace::kMaxWindow, std::uint64_t{0});
    for (std::int32_t width = 1; width < window_; width *= 2) {
      for (std::int32_t x = 0; x < columns_; ++x) above_[x] &= above_[x + width];
      for (std::int32_t x = 0; x < columns_; ++x) maybe_[x] |= maybe_[x + width];
    }
  }

  RowWords of(const Taps& columns) const {
    // Two windows that overlap, or, where a few columns come twice, one that holds more.
    const std::int32_t one = columns.first;
    const std::int32_t other = std::max(one, columns.first + columns.span + 1 - window_);
    if (other > one + window_) [[unlikely]]
      return {0, 0};
    return {above_[one] & above_[other], ~(maybe_[one] | maybe_[other])};
  }

 private:
  // kLanes words from their low and high halves.
  static void put(std::uint64_t* words, const Ints halves[2]) {
    std::int32_t low[kLanes];
    std::int32_t high[kLanes];
    store(low, halves[0]);
    store(high, halves[1]);
    for (int lane = 0; lane < kLanes; ++lane) {
      words[lane] = static_cast<std::uint32_t>(low[lane]) |
                    std::uint64_t{static_cast<std::uint32_t>(high[lane])} << 32;
    }
  }

  std::uint64_t* above_;
  std::uint64_t* maybe_;
  std::int32_t columns_;
  std::int32_t window_ = 1;  // each word holds so many columns together
};
