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
    // The mask rows that are blended: all from the first to the last, or, where these are more, two
    // for each pixel row.
    const std::int32_t first = tap(y, y.begin).node;
    const std::int32_t span = tap(y, y.end - 1).node + 2 - first;
    const bool is_sparse = span > 2 * count_;
    node_count_ = is_sparse ? 2 * count_ : span;
    for (std::int32_t k = 0; k < node_count_; ++k) {
      nodes_[k] = is_sparse ? row_nodes[k / 2] + k % 2 : first + k;
    }
    for (std::int32_t r = 0; r < count_; ++r) row_at_[r] = is_sparse ? 2 * r : row_nodes[r] - first;
  }

  struct Plan {};
  Plan plan(const Taps&) const { return {}; }

  // Returns the columns that must be left to the general road.
  MASKRLE_STAGE Lanes find(const Taps& columns, Plan, Lanes valid, Slots& slots) {
    for (std::int32_t k = 0; k < node_count_; ++k) {
      store(blended_ + k * kLanes, blended_row<kBlendFused>(mask_, columns, nodes_[k]));
    }
    Ints first = splat(0);
    Ints second = splat(0);
    ColumnOrder order(0);
    Lanes near = 0;
    for (std::int32_t base = 0; base < count_; base += kTogether) {
      Lanes on[kTogether];
      std::uint64_t rows = evaluate(base, valid, order.on(), on, near);
      // The first two changes without branches, as which lanes change is not to be predicted.
      for (; rows != 0; rows &= rows - 1) {
        const std::int32_t r = __builtin_ctzll(rows);
        const Ints row = splat(begin_ + base + r);
        const ColumnOrder::Step step = order.step(on[r]);
        first = select(step.first, row, first);
        second = select(step.second, row, second);
        if (step.later != 0) [[unlikely]]
          slots.add_later(step.later, row);
      }
    }
    const Lanes begun = order.seen_first();
    const Lanes ended = order.seen_second();
    if (begun == 0) return near & valid;
    const Ints end = splat(begin_ + count_);
    slots.put_first_two(begun, first, begun, select(ended, second, end));
    if ((order.on() & ended) != 0) slots.add_later(order.on() & ended, end);
    return near & valid;
  }

 private:
  friend struct FinderStages;  // in benchmarks/: times the stages one by one

  static constexpr bool kIsExact = !kFused || kHasFused;
  static constexpr bool kBlendFused = kFused && kHasFused;
  static constexpr std::int32_t kTogether = 64;

  // Which columns are on in at most kTogether pixel rows. Returns the rows at which some column
  // changes.
  std::uint64_t evaluate(std::int32_t base, Lanes valid, Lanes before, Lanes* on,
                         Lanes& near) const {
    std::uint64_t changed = 0;
    const std::int32_t rows = std::min(count_ - base, kTogether);
    for (std::int32_t r = 0; r < rows; ++r) {
      const float* p = blended_ + row_at_[base + r] * kLanes;
      const Floats weight = splat(row_weights_[base + r]);
      const Floats value = blend<kBlendFused>(load(p), load(p + kLanes), weight);
      const Lanes now = greater(value, splat(above_)) & valid;
      if constexpr (!kIsExact) {
        near |= greater(value, splat(above_ - margin_)) ^ greater(value, splat(above_ + margin_));
      }
      on[r] = now;
      changed |= std::uint64_t{now != before} << r;
      before = now;
    }
    return changed;
  }

  const PaddedMask& mask_;
  float* blended_;  // the mask rows at the columns, kLanes each
  float above_, margin_;
  std::int32_t begin_ = 0, count_ = 0, node_count_ = 0;
  float row_weights_[kMaxDenseRows + kLanes];
  std::int32_t row_at_[kMaxDenseRows];  // index of a pixel row's mask row in nodes_
  std::int32_t nodes_[2 * kMaxDenseRows];
};
