// The changes of a block of columns where the mask covers few pixel rows: all rows are evaluated.
//
// Where the machine has no fused multiplication and addition, the blends are unfused, and columns
// that come so near to the threshold that this could matter are left to the general road.

template <Rule kRule, bool kFused>
class DenseFinder {
 public:
  static constexpr Rule kAxisRule = kRule;

  DenseFinder(Workspace& workspace, const Placement& placement)
      : mask_(workspace.mask),
        blended_(workspace.blended.data()),
        above_(placement.above),
        margin_(value_margin(workspace.mask)) {
    const Axis& y = placement.y;
    begin_ = static_cast<std::int32_t>(y.begin);
    count_ = static_cast<std::int32_t>(y.end - y.begin);
    std::int32_t row_nodes[kMaxDenseRows + kLanes];
    for (std::int32_t r = 0; r < count_; r += kLanes) {
      const Taps rows = taps<kRule>(y, y.begin + r);
      store(row_nodes + r, rows.nodes);
      store(row_weights_ + r, rows.weights);
    }
    // The mask rows that are blended, each once, in order: a row's successor follows it.
    for (std::int32_t r = 0; r < count_; ++r) {
      for (const std::int32_t node : {row_nodes[r], row_nodes[r] + 1}) {
        if (node_count_ == 0 || nodes_[node_count_ - 1] < node) nodes_[node_count_++] = node;
      }
      row_at_[r] = node_count_ - 2 - (nodes_[node_count_ - 1] - row_nodes[r] - 1);
    }
  }

  struct Plan {};
  Plan plan(const Taps&) const { return {}; }

  // Returns the columns that must be left to the general road.
  MASKRLE_STAGE Lanes find(const Taps& columns, Plan, Lanes valid, Slots& slots) {
    constexpr bool kIsExact = !kFused || kHasFused;
    constexpr bool kBlendFused = kFused && kHasFused;
    Lanes near = 0;
    for (std::int32_t k = 0; k < node_count_; ++k) {
      store(blended_ + k * kLanes, blended_row<kBlendFused>(mask_, columns, nodes_[k]));
    }
    Ints first = splat(0);
    Ints second = splat(0);
    Lanes seen_first = 0;
    Lanes seen_second = 0;
    Lanes now = 0;
    for (std::int32_t r = 0; r <= count_; ++r) {
      const Lanes before = now;
      now = 0;  // behind the last row
      if (r < count_) {
        const float* p = blended_ + row_at_[r] * kLanes;
        const Floats value = blend<kBlendFused>(load(p), load(p + kLanes), splat(row_weights_[r]));
        now = greater(value, splat(above_)) & valid;
        if constexpr (!kIsExact) {
          near |= greater(value, splat(above_ - margin_)) ^ greater(value, splat(above_ + margin_));
        }
      }
      // A lane that has not begun was never on; one that has begun and not ended was, ever since.
      const Ints row = splat(begin_ + r);
      const Lanes off = seen_first & ~now;
      const Lanes later = (now ^ before) & seen_second;
      first = select(now & ~seen_first, row, first);
      second = select(off & ~seen_second, row, second);
      seen_first |= now;
      seen_second |= off;
      if (later != 0) [[unlikely]]
        slots.add_later(later, row);
    }
    if (seen_first != 0) slots.put_first_two(seen_first, first, seen_second, second);
    return near & valid;
  }

 private:
  const PaddedMask& mask_;
  float* blended_;  // the mask rows at the columns, kLanes each
  float above_, margin_;
  std::int32_t begin_ = 0, count_ = 0, node_count_ = 0;
  float row_weights_[kMaxDenseRows + kLanes];
  std::int32_t row_at_[kMaxDenseRows];  // index of a pixel row's mask row in nodes_
  std::int32_t nodes_[2 * kMaxDenseRows];
};
