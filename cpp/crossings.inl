// The changes of a block of columns where the mask covers many pixel rows.
//
// Only the mask's own rows are compared with the threshold. Between two rows on different sides of
// it a column changes exactly once, because it is monotone between two mask rows; and it does so
// at the first pixel behind the crossing of the line. All this is plain float arithmetic with a
// bound on its error. What the bound does not decide, the exact arithmetic does: a change too near
// to a pixel by search(), a column too near to the threshold by the general road.

template <Rule kRule, bool kFused>
class CrossingFinder {
 public:
  static constexpr Rule kAxisRule = kRule;

  CrossingFinder(Workspace& workspace, const Placement& placement)
      : w_(workspace),
        mask_(workspace.mask),
        y_(placement.y),
        above_(placement.above),
        words_(workspace, placement.x) {
    margin_ = value_margin(mask_);
    first_node_ = tap(y_, y_.begin).node;
    last_node_ = tap(y_, y_.end - 1).node + 1;
    const std::int32_t nodes = y_.side + 2;
    if (last_node_ == nodes) --last_node_;  // nothing follows the zero after the mask

    // pixel row, counted from row_origin_ = (mask row + crossing's weight) * a + b
    double a = 0;
    double b = 0;
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
    minus_a_ = -static_cast<float>(a);
    float* bases = workspace.bases.data();
    bases[first_node_] = kBeforeAll;  // columns on in the first visible row turn on there
    for (std::int32_t node = first_node_ + 1; node <= last_node_; ++node) {
      bases[node] = static_cast<float>((node - 1) * a + b);
    }
    bases_ = bases;
    // Roundings of the line: half a unit of a row twice, and of a cell's rows eight times at most;
    // and of the convention's own coordinates where these are float.
    const double reach = std::max(std::fabs(static_cast<double>(y_.begin - row_origin_)),
                                  std::fabs(static_cast<double>(y_.end - row_origin_)));
    row_margin_ = static_cast<float>(kRule == Rule::cv2 ? 0x1p-23 * (1.01 * reach + 8 * a)
                                                        : 0x1p-21 * (reach + 2 * a + std::fabs(b)));
    value_margin_rows_ = margin_ * static_cast<float>(a);
    if (CellWords::fit(mask_)) words_.prepare(mask_, first_node_, last_node_, above_, margin_);
  }

  // What the block's cells alone tell. Bit k of `rows`: mask row first_node_ + k must be looked at,
  // as some column may change between it and a neighbour, or as the first one is not sure. `on`:
  // else all columns of the first row are surely above.
  struct Plan {
    std::uint64_t rows;
    bool on;
  };
  MASKRLE_STAGE Plan plan(const Taps& columns) const {
    if (!CellWords::fit(mask_)) return {all_rows(first_node_), false};
    const RowWords words = words_.of(columns);
    const std::uint64_t rows = all_rows(first_node_);
    const std::uint64_t may_change =
        ~((words.above & words.above >> 1) | (words.below & words.below >> 1)) & rows >> 1;
    const std::uint64_t first_unsure = ~(words.above | words.below) & 1;  // it may be the only one
    return {may_change | may_change << 1 | first_unsure, (words.above & 1) != 0};
  }

  // Returns the columns that come so near to the threshold that rounding could decide: these must
  // be left to the general road.
  MASKRLE_STAGE Lanes find(const Taps& columns, const Plan& plan, Lanes valid, Slots& slots) {
    const Changes none{splat(0.0F), splat(1.0F), splat(bases_[first_node_])};
    Pass pass{ColumnOrder(plan.on ? valid : 0), splat(std::numeric_limits<float>::infinity()), none,
              none};
    store(w_.offsets, splat(0.0F));
    std::uint64_t rows = plan.rows;
    for (std::int32_t base = first_node_;;) {
      const std::uint64_t changed = evaluate(columns, base, rows, valid, pass);
      collect(columns, base, changed, pass, slots);
      base += 64;
      if (base > last_node_ || CellWords::fit(mask_)) break;
      store(w_.offsets, load(w_.offsets + 64 * kLanes));
      rows = all_rows(base);
    }
    if (pass.order.seen_first() != 0) finish(columns, pass, slots);
    return ~greater(pass.gap, splat(margin_)) & valid;
  }

 private:
  friend struct FinderStages;  // in benchmarks/: times the stages one by one

  static constexpr bool kBlendFused = kFused && kHasFused;
  // A pixel row before all others that there can be, and not near to a pixel.
  static constexpr float kBeforeAll = -0x1p20F - 0.5F;

  // Changes of some lanes: the values less the threshold of the mask rows before and behind each,
  // and the pixel row of the former.
  struct Changes {
    Floats before, behind, base;
  };
  struct Pass {
    ColumnOrder order;
    Floats gap;             // the least distance of a mask row's value to the threshold
    Changes first, second;  // of each column; the others are in the slots
  };

  // As bits, at most 64 of the mask rows from `node` on.
  std::uint64_t all_rows(std::int32_t node) const {
    const std::int32_t more = std::min(last_node_ - node, 63);
    return ~std::uint64_t{0} >> (63 - more);
  }

  // The mask rows `base` + bits of `rows`, less the threshold, and which columns are above it.
  // Returns the rows at which some column changes.
  MASKRLE_STAGE std::uint64_t evaluate(const Taps& block, std::int32_t base, std::uint64_t rows,
                                       Lanes valid, Pass& pass) const {
    const Taps columns = block;  // copies, which compilers may keep in registers
    const PaddedMask mask = mask_;
    const Floats threshold = splat(above_);
    float* offsets = w_.offsets + kLanes;
    Lanes* above = w_.above;
    Floats gap = pass.gap;
    Lanes before = pass.order.on();
    std::uint64_t changed = 0;
    for (; rows != 0; rows &= rows - 1) {
      const std::int32_t row = __builtin_ctzll(rows);
      const Floats values = blended_row<kBlendFused>(mask, columns, base + row);
      const Floats offset = sub(values, threshold);
      gap = nearer(gap, offset);
      store(offsets + row * kLanes, offset);
      const Lanes now = greater(offset, splat(0.0F)) & valid;
      above[row] = now;
      changed |= std::uint64_t{now != before} << row;
      before = now;
    }
    pass.gap = gap;
    return changed;
  }

  // Puts the changes at some rows into each column's order. Those of the first two are taken
  // without branches, as which lanes change is not to be predicted.
  MASKRLE_STAGE void collect(const Taps& columns, std::int32_t base, std::uint64_t rows, Pass& pass,
                             Slots& slots) const {
    Changes first = pass.first;
    Changes second = pass.second;
    ColumnOrder order = pass.order;
    for (; rows != 0; rows &= rows - 1) {
      const std::int32_t row = __builtin_ctzll(rows);
      const float* offsets = w_.offsets + row * kLanes;
      const float row_base = bases_[base + row];
      const ColumnOrder::Step step = order.step(w_.above[row]);
      take(first, step.first, offsets, row_base);
      take(second, step.second, offsets, row_base);
      if (step.later != 0) [[unlikely]] {
        const Changes changes{load(offsets), load(offsets + kLanes), splat(row_base)};
        slots.add_later(step.later, solve(columns, changes, step.later, step.before));
      }
    }
    pass.order = order;
    pass.first = first;
    pass.second = second;
  }

  static void take(Changes& to, Lanes lanes, const float* offsets, float base) {
    to.before = select(lanes, load(offsets), to.before);
    to.behind = select(lanes, load(offsets + kLanes), to.behind);
    to.base = select(lanes, splat(base), to.base);
  }

  // Pixel rows of changes.
  Ints solve(const Taps& columns, const Changes& at, Lanes lanes, Lanes falling) const {
    // Where the line between the two mask rows meets the threshold.
    const Floats inverse = div(splat(1.0F), sub(at.behind, at.before));
    const Floats meeting = roughly_fused(mul(at.before, splat(minus_a_)), inverse, at.base);
    Ints rows = add(rounded_up(meeting), splat(row_origin_));
    // Sure: further from a pixel than all roundings, of the row and of the values, amount to.
    const Lanes sure =
        greater(off_integer(meeting),
                roughly_fused(absolute(inverse), splat(value_margin_rows_), splat(row_margin_)));
    const Lanes unsure = lanes & ~sure;
    if (unsure != 0) [[unlikely]]
      rows = search(columns, at.base, unsure, falling, rows);
    return min(max(rows, splat(static_cast<std::int32_t>(y_.begin))),
               splat(static_cast<std::int32_t>(y_.end)));
  }

  // Columns that are on in the last visible row end behind it; and empty runs are dropped.
  void finish(const Taps& columns, const Pass& pass, Slots& slots) const {
    const auto end = static_cast<std::int32_t>(y_.end);
    const Lanes begun = pass.order.seen_first();
    const Lanes ended = pass.order.seen_second();
    const Ints first = solve(columns, pass.first, begun, 0);
    const Ints second = select(ended, solve(columns, pass.second, ended, kAllLanes), splat(end));
    if (slots.count() == 0 && (equal(first, second) & begun) == 0) [[likely]] {
      slots.put_first_two(begun, first, begun, second);
      return;
    }
    slots.put_first_two(begun, first, ended, second);
    slots.end_open_columns(end);
    slots.drop_empty_runs();
  }

  // The changes of some lanes by bisection with the exact arithmetic. A base tells the mask row.
  Ints search(const Taps& columns, Floats bases, Lanes lanes, Lanes falling, Ints rows) const {
    float lane_bases[kLanes];
    std::int32_t column_nodes[kLanes];
    float weights[kLanes];
    std::int32_t found[kLanes];
    store(lane_bases, bases);
    store(column_nodes, columns.nodes);
    store(weights, columns.weights);
    store(found, rows);
    for (; lanes != 0; lanes &= lanes - 1) {
      const std::int32_t lane = __builtin_ctz(lanes);
      const std::int32_t node =
          static_cast<std::int32_t>(
              std::find(bases_ + first_node_, bases_ + last_node_, lane_bases[lane]) - bases_) -
          1;
      if (node < first_node_) {  // on from the first visible row on
        found[lane] = static_cast<std::int32_t>(y_.begin);
        continue;
      }
      const float* cells = mask_.row(node) + column_nodes[lane];
      const float p = blend_values(cells[0], cells[1], weights[lane], kFused);
      cells += mask_.stride;
      const float q = blend_values(cells[0], cells[1], weights[lane], kFused);
      const bool turns_on = (falling >> lane & 1U) == 0;
      const auto has_changed = [&](std::int64_t y) {
        const Tap row = tap(y_, y);
        if (row.node != node) return row.node > node;
        return (blend_values(p, q, row.weight, kFused) > above_) == turns_on;
      };
      found[lane] =
          static_cast<std::int32_t>(first_pixel_near(y_.begin, y_.end, found[lane], has_changed));
    }
    return load(found);
  }

  Workspace& w_;
  const PaddedMask& mask_;
  const Axis& y_;
  float above_, margin_;
  float minus_a_, row_margin_, value_margin_rows_;
  const float* bases_;  // of each mask row: pixel row, from row_origin_ on, of the one before
  std::int32_t first_node_, last_node_, row_origin_ = 0;
  CellWords words_;
};
