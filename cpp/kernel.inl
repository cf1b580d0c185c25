// The kernel's body. Included once per instruction set, inside its namespace and target region,
// after its simd_*.h.
//
// Lanes are columns. A block of kLanes neighbouring columns goes through three steps:
//   1. blend the mask's rows at the columns (horizontal pass);
//   2. find each column's changes, slot by slot: slot 0 of a lane is its first change, and so on;
//   3. put the changes in order of position and write the differences of runs as characters.
// Step 2 has two roads. A mask with few pixel rows is evaluated row by row. Otherwise only the
// mask's own rows are compared with the threshold: between two that lie on different sides of it
// there is exactly one change, because a column is monotone between two mask rows, and that one
// is computed from the crossing of the line and confirmed with the exact arithmetic. Values so
// near to the threshold that rounding could decide are left to the general road.

namespace {

// Rounding moves no blended value by more than 2^-21 of the mask's magnitude: a mask row that far
// from the threshold decides for all pixels that it is blended into, and twice that far away for
// all columns too.
constexpr float kRowMargin = 0x1p-20F;
constexpr float kCellMargin = 0x1p-19F;
// Where a column rises by at least this part of the magnitude per pixel, the nearest pixel to the
// crossing decides alone: all others are at least half a pixel away.
constexpr float kSlopeMargin = 0x1p-18F;
// Above this, differences of mask values might overflow.
constexpr float kMaxMagnitude = 1e30F;
// Below this, rounding is not relative to the values any more (they are subnormal).
constexpr float kMinMagnitude = 1e-30F;
// Crossings are computed in float: pixel numbers must be exact and a pixel not too small a step.
constexpr double kMaxRows = 131072;
constexpr double kMinScale = 0x1p-14;

template <bool kFused>
inline Floats blend(Floats p, Floats q, Floats weight) {
  const Floats slope = sub(q, p);
  if constexpr (kFused) {
    return fused(slope, weight, p);
  } else {
    return add(p, mul(slope, weight));
  }
}

struct Taps {
  Ints nodes;
  Floats weights;
  std::int32_t first, span;  // smallest node; how far beyond it the last neighbour lies
};

// tap() of kLanes pixels from `pixel` on, in loops the compiler turns into vectors.
template <Rule kRule>
inline Taps taps(const Axis& axis, std::int64_t pixel) {
  std::int32_t nodes[kLanes];
  float weights[kLanes];
  if constexpr (kRule == Rule::cv2) {
    const double first = static_cast<double>(pixel) - axis.origin;
    const double last = axis.side + 1;
    for (int lane = 0; lane < kLanes; ++lane) {
      const double c = (first + lane + 0.5) * axis.scale - 0.5;
      const double cell = __builtin_floor(c);
      const double clamped = cell < 0 ? 0 : (cell > last ? last : cell);
      nodes[lane] = static_cast<std::int32_t>(clamped);
      const auto weight = static_cast<float>(c - cell);
      weights[lane] = cell < 0 || cell >= last ? 0.0F : weight;
    }
  } else {
    const auto side = static_cast<float>(axis.side);
    const auto first = static_cast<std::int32_t>(pixel);
    for (int lane = 0; lane < kLanes; ++lane) {
      const auto at = static_cast<float>(first + lane);
      float u;
      bool before;
      bool beyond;
      if constexpr (kRule == Rule::tf) {
        u = axis.start + at * axis.step;
        before = !(u >= 0.0F);
        beyond = u > side - 1.0F;
      } else {
        u = (at + 0.5F - axis.start) / axis.step * side - 0.5F;
        before = !(u >= -1.0F);
        beyond = u >= side;
      }
      const float inside = before || beyond ? 0.0F : u;
      const float cell = __builtin_floorf(inside);
      const auto node = static_cast<std::int32_t>(cell) + 1;
      nodes[lane] = before ? 0 : (beyond ? axis.side + 1 : node);
      weights[lane] = before || beyond ? 0.0F : inside - cell;
    }
  }
  return {load(nodes), load(weights), nodes[0], nodes[kLanes - 1] + 1 - nodes[0]};
}

template <Rule kRule, bool kFused>
class Encoder {
 public:
  Encoder(Workspace& workspace, const Placement& placement, Batch& batch)
      : w_(workspace),
        placement_(placement),
        y_(placement.y),
        height_(static_cast<std::int32_t>(batch.image().height)),
        pixels_(static_cast<std::int32_t>(batch.image().height * batch.image().width)),
        out_(batch.open_mask()),
        above_(placement.above),
        dense_(placement.y.end - placement.y.begin <= kMaxDenseRows),
        full_height_(placement.y.begin == 0 && placement.y.end == batch.image().height),
        writer_(out_, static_cast<std::uint64_t>(pixels_)) {}

  void run(Batch& batch) {
    if (y_.begin < y_.end) {
      dense_ ? prepare_dense() : prepare_crossings();
      for (std::int64_t x = placement_.x.begin; x < placement_.x.end; x += kLanes) block(x);
    }
    close(batch);
  }

 private:
  // --- the horizontal pass ---------------------------------------------------------------------

  Floats blended_row(const Taps& columns, std::int32_t node) const {
    const Neighbours n = fetch(w_.mask.row(node), columns.nodes, columns.first, columns.span);
    return blend<kFused>(n.p, n.q, columns.weights);
  }

  // --- changes of a block of columns -----------------------------------------------------------

  void block(std::int64_t x) {
    const std::int64_t left = placement_.x.end - x;
    valid_ = left >= kLanes ? (1U << (kLanes - 1) << 1) - 1 : (1U << left) - 1;
    const Taps columns = taps<kRule>(placement_.x, x);
    slots_ = 0;
    if (dense_) {
      dense_changes(columns);
    } else if (!crossings(columns)) {
      general_changes(x);
    }
    if (slots_ > 0) {
      add_extent(x);
      write(x);
    }
  }

  // The next free slot of each lane in `lanes`, one after the other: assign(slot, lanes of it).
  template <typename Assign>
  void next_slots(Lanes lanes, Assign assign) {
    for (std::int32_t slot = 0; lanes != 0; ++slot) {
      if (slot == slots_) {
        w_.seen[static_cast<std::size_t>(slot)] = 0;
        ++slots_;
      }
      Lanes& seen = w_.seen[static_cast<std::size_t>(slot)];
      const Lanes here = lanes & ~seen;
      if (here == 0) continue;
      assign(slot, here);
      seen |= here;
      lanes ^= here;
    }
  }

  void add_rows(Lanes lanes, std::int32_t row) {
    next_slots(lanes, [&](std::int32_t slot, Lanes here) {
      std::int32_t* at = slot_rows(slot);
      store(at, select(here, splat(row), load(at)));
    });
  }

  std::int32_t* slot_rows(std::int32_t slot) { return w_.row.data() + slot * kLanes; }

  // --- few pixel rows: all of them -------------------------------------------------------------

  void prepare_dense() {
    for (std::int64_t y = y_.begin; y < y_.end; y += kLanes) {
      const Taps rows = taps<kRule>(y_, y);
      store(row_nodes_ + (y - y_.begin), rows.nodes);
      store(row_weights_ + (y - y_.begin), rows.weights);
    }
  }

  void dense_changes(const Taps& columns) {
    const auto count = static_cast<std::int32_t>(y_.end - y_.begin);
    const auto begin = static_cast<std::int32_t>(y_.begin);
    std::int32_t node = row_nodes_[0];
    Floats p = blended_row(columns, node);
    Floats q = blended_row(columns, node + 1);
    Lanes on = 0;
    for (std::int32_t r = 0; r < count; ++r) {
      if (row_nodes_[r] != node) {
        p = row_nodes_[r] == node + 1 ? q : blended_row(columns, row_nodes_[r]);
        node = row_nodes_[r];
        q = blended_row(columns, node + 1);
      }
      const Floats value = blend<kFused>(p, q, splat(row_weights_[r]));
      const Lanes now = greater(value, splat(above_)) & valid_;
      if (now != on) add_rows(now ^ on, begin + r);
      on = now;
    }
    if (on != 0) add_rows(on, begin + count);
  }

  // --- many pixel rows: crossings --------------------------------------------------------------

  void prepare_crossings() {
    magnitude_ = w_.mask.magnitude > kMinMagnitude ? w_.mask.magnitude : kMinMagnitude;
    row_above_ = above_ + magnitude_ * kRowMargin;
    row_below_ = above_ - magnitude_ * kRowMargin;
    slope_margin_ = magnitude_ * kSlopeMargin / static_cast<float>(y_.scale);
    first_node_ = tap(y_, y_.begin).node;
    last_node_ = tap(y_, y_.end - 1).node + 1;
    const std::int32_t nodes = y_.side + 2;
    if (last_node_ == nodes) --last_node_;  // nothing follows the zero after the mask

    // pixel row, counted from row_origin_ = (mask row + crossing's weight) * a + b
    double a = 0;
    double b = 0;
    row_origin_ = 0;
    if constexpr (kRule == Rule::cv2) {
      a = 1.0 / y_.scale;
      b = 0.5 * a - 0.5;
      row_origin_ = static_cast<std::int32_t>(y_.origin);
    } else if constexpr (kRule == Rule::tf) {
      a = 1.0 / static_cast<double>(y_.step);
      b = (-1.0 - static_cast<double>(y_.start)) * a;
    } else {
      a = static_cast<double>(y_.step) / y_.side;
      b = -0.5 * a + static_cast<double>(y_.start) - 0.5;
    }
    guess_a_ = static_cast<float>(a);
    guess_b_ = static_cast<float>(b);
    has_words_ = nodes <= Workspace::kWords && placement_.x.side + 2 <= Workspace::kWords;
    if (has_words_) prepare_words();
  }

  void prepare_words() {
    const float margin = magnitude_ * kCellMargin;
    const Floats surely = splat(above_ + margin);
    const Floats maybe = splat(above_ - margin);
    const std::int32_t columns = placement_.x.side + 2;
    for (std::int32_t node = first_node_; node <= last_node_; ++node) {
      const float* row = w_.mask.row(node);
      std::uint64_t a = 0;
      std::uint64_t b = 0;
      for (std::int32_t x = 0; x < columns; x += kLanes) {
        const Floats values = load(row + x);
        a |= std::uint64_t{greater(values, surely)} << x;
        b |= std::uint64_t{greater(values, maybe)} << x;
      }
      w_.surely_above[node - first_node_] = a;
      w_.maybe_above[node - first_node_] = b;
    }
  }

  // Pairs of neighbouring mask rows, as bits counted from first_node_, between which some column
  // may change. `on`: whether the first row is surely above, all columns; `off`: surely below.
  std::uint64_t candidate_pairs(const Taps& columns, bool& on, bool& off) const {
    const std::int32_t count = last_node_ - first_node_ + 1;
    const std::uint64_t wanted = (~std::uint64_t{0} >> (63 - columns.span)) << columns.first;
    const WordSets sets = compare_words(w_.surely_above, w_.maybe_above, wanted, count);
    on = (sets.all & 1) != 0;
    off = (sets.none & 1) != 0;
    const std::uint64_t pairs = (std::uint64_t{1} << (count - 1)) - 1;
    return ~((sets.all & sets.all >> 1) | (sets.none & sets.none >> 1)) & pairs;
  }

  struct Row {
    Floats values;
    Lanes above;
  };
  // The mask row at the columns; `near` gathers the lanes too near to the threshold.
  Row evaluate(const Taps& columns, std::int32_t node, Lanes& near) const {
    const Floats values = blended_row(columns, node);
    const Lanes above = greater(values, splat(row_above_));
    near |= above ^ greater(values, splat(row_below_));
    return {values, above & valid_};
  }

  // False where the block must be left to the general road.
  bool crossings(const Taps& columns) {
    Lanes near = 0;
    Lanes initial = 0;
    Row row{};
    std::int32_t known = -1;  // the node of `row`
    const auto step = [&](std::int32_t node) {
      if (known != node) row = evaluate(columns, node, near);
      const Row next = evaluate(columns, node + 1, near);
      const Lanes differing = row.above ^ next.above;
      if (differing != 0) {
        next_slots(differing, [&](std::int32_t slot, Lanes here) {
          const std::int32_t at = slot * kLanes;
          store(w_.p.data() + at, select(here, row.values, load(w_.p.data() + at)));
          store(w_.q.data() + at, select(here, next.values, load(w_.q.data() + at)));
          float* nodes = w_.node.data() + at;
          store(nodes, select(here, splat(static_cast<float>(node)), load(nodes)));
        });
      }
      row = next;
      known = node + 1;
    };
    const auto start = [&](Lanes on) {
      initial = on;
      if (on != 0) next_slots(on, [](std::int32_t, Lanes) {});
    };
    if (has_words_) {
      bool on = false;
      bool off = false;
      std::uint64_t pairs = candidate_pairs(columns, on, off);
      if (on) {
        start(valid_);
      } else if (!off) {
        row = evaluate(columns, first_node_, near);
        known = first_node_;
        start(row.above);
      }
      for (; pairs != 0; pairs &= pairs - 1) step(first_node_ + __builtin_ctzll(pairs));
    } else {
      row = evaluate(columns, first_node_, near);
      known = first_node_;
      start(row.above);
      for (std::int32_t node = first_node_; node < last_node_; ++node) step(node);
    }
    if ((near & valid_) != 0) return false;
    if (slots_ == 0) return true;

    for (std::int32_t slot = 0; slot < slots_; ++slot) solve(slot, slot == 0 ? initial : 0);
    for (std::int32_t slot = 0; slot < slots_; slot += 2) end_open_lanes(slot);
    drop_empty_runs();
    return true;
  }

  Floats row_weights(Floats row, Floats node) const {
    if constexpr (kRule == Rule::cv2) {
      return cv2_weight(row, node, y_.scale);
    } else {
      Floats u;
      if constexpr (kRule == Rule::tf) {
        u = add(splat(y_.start), mul(row, splat(y_.step)));
      } else {
        u = div(sub(add(row, splat(0.5F)), splat(y_.start)), splat(y_.step));
        u = sub(mul(u, splat(static_cast<float>(y_.side))), splat(0.5F));
      }
      return sub(u, sub(node, splat(1.0F)));
    }
  }

  // The slot's changes from the crossings; lanes in `initial` are on from the first row on.
  void solve(std::int32_t slot, Lanes initial) {
    const Floats p = load(w_.p.data() + slot * kLanes);
    const Floats q = load(w_.q.data() + slot * kLanes);
    const Floats node = load(w_.node.data() + slot * kLanes);
    const Floats threshold = splat(above_);
    const Floats slope = sub(q, p);
    const Floats crossing = add(node, div(sub(threshold, p), slope));
    const auto lowest = static_cast<float>(y_.begin - row_origin_ - 1);
    const auto highest = static_cast<float>(y_.end - row_origin_);
    const Floats guess = add(mul(crossing, splat(guess_a_)), splat(guess_b_));
    const Floats row = nearest(min(max(guess, splat(lowest)), splat(highest)));
    const Floats value = blend<kFused>(p, q, row_weights(row, node));
    const Lanes above = greater(value, threshold);
    const Lanes changed =
        slot % 2 == 0 ? above : ~above;  // changes alternate, from off to on first
    Ints rows = add(to_ints(row), splat(row_origin_));
    rows = select(changed, rows, add(rows, splat(1)));
    const auto begin = static_cast<std::int32_t>(y_.begin);
    rows = min(max(rows, splat(begin)), splat(static_cast<std::int32_t>(y_.end)));
    rows = select(initial, splat(begin), rows);
    store(slot_rows(slot), rows);
    const Lanes sure = greater(absolute(slope), splat(slope_margin_));
    Lanes unsure = w_.seen[static_cast<std::size_t>(slot)] & ~sure & ~initial;
    for (; unsure != 0; unsure &= unsure - 1) search(slot, __builtin_ctz(unsure));
  }

  // One lane's change by bisection, where the line is too flat to tell.
  void search(std::int32_t slot, std::int32_t lane) {
    const auto at = static_cast<std::size_t>(slot * kLanes + lane);
    const auto node = static_cast<std::int32_t>(w_.node[at]);
    const bool rising = slot % 2 == 0;
    std::int64_t low = y_.begin;
    std::int64_t high = y_.end;
    while (low < high) {
      const std::int64_t middle = low + (high - low) / 2;
      const Tap row = tap(y_, middle);
      bool changed = row.node > node;
      if (row.node == node) {
        const float value = blend_values(w_.p[at], w_.q[at], row.weight, kFused);
        changed = (value > above_) == rising;
      }
      if (changed) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    slot_rows(slot)[lane] = static_cast<std::int32_t>(low);
  }

  // Columns that are on in the last visible row end there: `slot` begins their last run.
  void end_open_lanes(std::int32_t slot) {
    const Lanes begun = w_.seen[static_cast<std::size_t>(slot)];
    const Lanes ended = slot + 1 < slots_ ? w_.seen[static_cast<std::size_t>(slot + 1)] : 0;
    if (begun == ended) return;
    if (slot + 1 == slots_) ++slots_;
    w_.seen[static_cast<std::size_t>(slot + 1)] = begun;
    std::int32_t* at = slot_rows(slot + 1);
    store(at, select(begun & ~ended, splat(static_cast<std::int32_t>(y_.end)), load(at)));
  }

  // Two changes in one row are none.
  void drop_empty_runs() {
    Lanes lanes = 0;
    for (std::int32_t slot = 1; slot < slots_; ++slot) {
      lanes |= equal(load(slot_rows(slot - 1)), load(slot_rows(slot))) &
               w_.seen[static_cast<std::size_t>(slot)];
    }
    for (; lanes != 0; lanes &= lanes - 1) {
      const std::int32_t lane = __builtin_ctz(lanes);
      std::int32_t kept = 0;
      for (std::int32_t slot = 0; slot < slots_; ++slot) {
        Lanes& seen = w_.seen[static_cast<std::size_t>(slot)];
        if ((seen >> lane & 1U) == 0) break;
        seen &= ~(1U << lane);
        const std::int32_t row = slot_rows(slot)[lane];
        if (kept > 0 && slot_rows(kept - 1)[lane] == row) {
          --kept;
        } else {
          slot_rows(kept++)[lane] = row;
        }
      }
      for (std::int32_t slot = 0; slot < kept; ++slot) {
        w_.seen[static_cast<std::size_t>(slot)] |= 1U << lane;
      }
    }
    while (slots_ > 0 && w_.seen[static_cast<std::size_t>(slots_ - 1)] == 0) --slots_;
  }

  // --- the exact road for one block ------------------------------------------------------------

  void general_changes(std::int64_t x) {
    if (!general_ready_) w_.general.prepare(w_.mask, placement_);
    general_ready_ = true;
    slots_ = 0;
    for (Lanes lanes = valid_; lanes != 0; lanes &= lanes - 1) {
      const std::int32_t lane = __builtin_ctz(lanes);
      std::int32_t slot = 0;
      for (const std::int64_t row : w_.general.column(x + lane)) {
        if (slot == slots_) w_.seen[static_cast<std::size_t>(slots_++)] = 0;
        w_.seen[static_cast<std::size_t>(slot)] |= 1U << lane;
        slot_rows(slot++)[lane] = static_cast<std::int32_t>(row);
      }
    }
  }

  // --- area, tight box, string -----------------------------------------------------------------

  void add_extent(std::int64_t x) {
    const Lanes any = w_.seen[0];
    const std::int64_t first = x + __builtin_ctz(any);
    if (x_min_ < 0) x_min_ = first;
    x_max_ = x + 31 - __builtin_clz(any);
    const Ints zero = splat(0);
    for (std::int32_t slot = 0; slot < slots_; slot += 2) {
      const Lanes seen = w_.seen[static_cast<std::size_t>(slot)];
      const Ints begin = load(slot_rows(slot));
      const Ints end = load(slot_rows(slot + 1));
      area_ = add(area_, select(seen, sub(end, begin), zero));
      if (slot == 0) y_first_ = min(y_first_, select(seen, begin, splat(INT32_MAX)));
      y_end_ = max(y_end_, select(seen, end, zero));
    }
  }

  void write(std::int64_t x) {
    std::int32_t* begin = w_.changes.data() + Workspace::kHistory;
    std::int32_t* end = begin;
    std::int32_t tops[kLanes];  // unsigned: lanes beyond the image may overflow
    for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
      tops[lane] = static_cast<std::int32_t>((static_cast<std::uint32_t>(x) + lane) *
                                             static_cast<std::uint32_t>(height_));
    }
    if (slots_ == 2) {
      const Ints top = load(tops);
      end =
          store_pairs(end, w_.seen[0], add(load(slot_rows(0)), top), add(load(slot_rows(1)), top));
    } else {
      for (Lanes lanes = w_.seen[0]; lanes != 0; lanes &= lanes - 1) {
        const std::int32_t lane = __builtin_ctz(lanes);
        for (std::int32_t slot = 0; slot < slots_; slot += 2) {
          end[0] = slot_rows(slot)[lane] + tops[lane];
          end[1] = slot_rows(slot + 1)[lane] + tops[lane];
          end += (w_.seen[static_cast<std::size_t>(slot)] >> lane & 1U) * 2;
        }
      }
    }
    if (full_height_) {  // a run may go on into the next column
      for (; begin < end; ++begin) writer_.change(static_cast<std::uint64_t>(*begin));
      return;
    }
    if (!begun_) {
      begun_ = true;
      out_.commit(write_number(*begin, out_.reserve(kMaxRunChars)));
      std::fill_n(w_.changes.data(), Workspace::kHistory, *begin);
      ++begin;
    }
    write_differences(begin, end);
  }

  // Each run's difference to the run two before, that is of four neighbouring changes.
  void write_differences(const std::int32_t* begin, const std::int32_t* end) {
    std::uint8_t* out = out_.reserve(static_cast<std::size_t>(end - begin + kLanes) * kMaxRunChars);
    for (const std::int32_t* at = begin; at < end; at += kLanes) {
      const Ints run = sub(load(at), load(at - 1));
      const Ints before = sub(load(at - 2), load(at - 3));
      const Ints difference = sub(run, before);
      const std::ptrdiff_t count = end - at < kLanes ? end - at : kLanes;
      if (all_within((1U << (count - 1) << 1) - 1, difference, -16, 32)) {
        store_bytes(out, add(bit_and(difference, splat(31)), splat(48)));
        out += count;
        continue;
      }
      std::int32_t values[kLanes];
      store(values, difference);
      for (std::ptrdiff_t k = 0; k < count; ++k) out = write_short_number(values[k], out);
    }
    out_.commit(out);
    for (std::size_t k = 0; k < Workspace::kHistory; ++k) {
      w_.changes[k] =
          end[static_cast<std::ptrdiff_t>(k) - static_cast<std::ptrdiff_t>(Workspace::kHistory)];
    }
  }

  // write_number with the usual one or two characters free of branches.
  static std::uint8_t* write_short_number(std::int32_t value, std::uint8_t* out) {
    if (static_cast<std::uint32_t>(value) + 512U >= 1024U) return write_number(value, out);
    const std::uint32_t two = static_cast<std::uint32_t>(value) + 16U >= 32U ? 1U : 0U;
    const auto bits = static_cast<std::uint32_t>(value);
    out[0] = static_cast<std::uint8_t>((bits & 31U) + 48U + (two << 5));
    out[1] = static_cast<std::uint8_t>((bits >> 5 & 31U) + 48U);
    return out + 1 + two;
  }

  void close(Batch& batch) {
    if (full_height_) {
      static_cast<void>(writer_.finish());
    } else if (!begun_) {
      out_.commit(write_number(pixels_, out_.reserve(kMaxRunChars)));
    } else if (w_.changes[2] < pixels_) {
      const std::int32_t difference = pixels_ - w_.changes[2] - (w_.changes[1] - w_.changes[0]);
      out_.commit(write_number(difference, out_.reserve(kMaxRunChars)));
    }
    Extent extent;
    if (x_min_ >= 0) {
      extent = {x_min_, x_max_, smallest(y_first_), largest(y_end_) - 1};
    }
    batch.close_mask(sum(area_), extent);
  }

  Workspace& w_;
  const Placement& placement_;
  const Axis& y_;
  std::int32_t height_, pixels_;
  ByteBuffer& out_;
  float above_;
  bool dense_, full_height_;
  RunWriter writer_;  // of masks as high as the image

  std::int32_t row_nodes_[kMaxDenseRows + kLanes];
  float row_weights_[kMaxDenseRows + kLanes];

  float magnitude_ = 0, row_above_ = 0, row_below_ = 0, slope_margin_ = 0, guess_a_ = 0,
        guess_b_ = 0;
  std::int32_t first_node_ = 0, last_node_ = 0, row_origin_ = 0;
  bool has_words_ = false, general_ready_ = false, begun_ = false;

  Lanes valid_ = 0;
  std::int32_t slots_ = 0;
  std::int64_t x_min_ = -1, x_max_ = -1;
  Ints area_ = splat(0), y_first_ = splat(INT32_MAX), y_end_ = splat(0);
};

// Whether the vectors' numbers are exact for this mask; if not, the general road takes all of it.
inline bool fits(const Workspace& workspace, const Placement& placement, ImageSize image) {
  const Axis& y = placement.y;
  if (!placement.x.ascending || !y.ascending) return false;
  if (image.height * image.width > INT32_MAX) return false;
  if (!(workspace.mask.magnitude <= kMaxMagnitude)) return false;
  // Below zero, the tf convention's outside is on: a step, not a line, at the mask's edge.
  if (y.rule == Rule::tf && placement.above < 0.0F) return false;
  if (y.end - y.begin <= kMaxDenseRows) return true;
  const double rows =
      y.rule == Rule::cv2 ? (y.side + 2) / y.scale : static_cast<double>(image.height);
  return rows <= kMaxRows && y.scale >= kMinScale;
}

void encode(Workspace& workspace, const Placement& placement, Batch& batch) {
  if (!fits(workspace, placement, batch.image())) {
    workspace.general.encode(workspace.mask, placement, batch);
    return;
  }
  switch (placement.y.rule) {
    case Rule::cv2:
      Encoder<Rule::cv2, true>(workspace, placement, batch).run(batch);
      break;
    case Rule::tf:
      Encoder<Rule::tf, false>(workspace, placement, batch).run(batch);
      break;
    case Rule::detectron2:
      Encoder<Rule::detectron2, false>(workspace, placement, batch).run(batch);
      break;
  }
}

// --- select: the channel into the padded mask ---------------------------------------------------

void select_channel(Workspace& workspace, const MaskArray& masks, const std::byte* source) {
  const auto [height, width] = masks.size;
  const bool contiguous = masks.scalar == Scalar::float32 && masks.column_stride == sizeof(float);
  Ints worst = splat(0);  // largest absolute value, as bits: NaN and infinity are the largest
  for (std::int32_t y = 0; y < height; ++y, source += masks.row_stride) {
    float* row = workspace.mask_row(y + 1) + 1;
    if (!contiguous) gather_row(masks, source, row);
    const float* values = contiguous ? reinterpret_cast<const float*>(source) : row;
    for (std::int32_t x = 0; x < width; x += kLanes) {
      const std::int32_t left = width - x;
      const Floats part = left >= kLanes ? load(values + x) : load_first(values + x, left);
      worst = max(worst, bit_and(as_ints(part), splat(0x7fffffff)));
      if (contiguous) store(row + x, part);  // zeros behind the row's end, as there should be
    }
  }
  workspace.mask.magnitude = std::bit_cast<float>(largest(worst));
}

}  // namespace
