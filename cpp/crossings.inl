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
      : w_(workspace), mask_(workspace.mask), y_(placement.y), above_(placement.above) {
    margin_ = value_margin(mask_);
    row_above_ = above_ + margin_;
    row_below_ = above_ - margin_;
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
    line_a_ = static_cast<float>(a);
    line_b_ = static_cast<float>(b);
    // Roundings of the line (a dozen of half a unit), and of the convention's own coordinates
    // where these are float.
    const double reach = std::max(std::fabs(static_cast<double>(y_.begin - row_origin_)),
                                  std::fabs(static_cast<double>(y_.end - row_origin_)));
    const double unit = kRule == Rule::cv2 ? 0x1p-22 : 0x1p-21;
    row_margin_ = static_cast<float>(unit * (reach + 2 * a + std::fabs(b)));
    value_margin_rows_ = margin_ * line_a_;
    has_words_ = nodes <= Workspace::kWords && placement.x.side + 2 <= Workspace::kWords;
    if (has_words_) prepare_words(placement.x.side + 2);
  }

  // What the block's cells alone tell. Bit k of `pairs`: some column may change between mask rows
  // first_node_ + k and k + 1. `on`, `off`: all columns of the first row are surely above, below.
  struct Plan {
    std::uint64_t pairs;
    bool on, off;
  };
  Plan plan(const Taps& columns) const {
    if (!has_words_) return {~std::uint64_t{0}, false, false};
    const std::int32_t count = last_node_ - first_node_ + 1;
    // The neighbour of the mask's last node may lie beyond the words: its weight is 0.
    const std::int32_t span = columns.span < 63 ? columns.span : 63;
    const std::uint64_t wanted = (~std::uint64_t{0} >> (63 - span)) << columns.first;
    const WordSets sets = compare_words(w_.surely_above, w_.maybe_above, wanted, count);
    const std::uint64_t all = (std::uint64_t{1} << (count - 1)) - 1;
    const std::uint64_t sure = (sets.all & sets.all >> 1) | (sets.none & sets.none >> 1);
    return {~sure & all, (sets.all & 1) != 0, (sets.none & 1) != 0};
  }

  // Returns the columns that come so near to the threshold that rounding could decide: these must
  // be left to the general road.
  MASKRLE_STAGE Lanes find(const Taps& columns, const Plan& plan, Lanes valid, Slots& slots) {
    State s(valid, slots);
    if (plan.on) {
      s.initial = valid;
    } else if (!plan.off) {
      start(columns, s);
    }
    s.seen_first = s.initial;
    if (has_words_) {
      for (std::uint64_t pairs = plan.pairs; pairs != 0; pairs &= pairs - 1) {
        step(columns, first_node_ + __builtin_ctzll(pairs), s);
      }
    } else {
      for (std::int32_t node = first_node_; node < last_node_; ++node) step(columns, node, s);
    }
    if (s.seen_first == 0) return s.near & valid;

    slots.put_first_two(s.seen_first,
                        solve(columns, s.first, 0, s.seen_first & ~s.initial, s.initial),
                        s.seen_second, solve(columns, s.second, 1, s.seen_second, 0));
    for (std::int32_t slot = 2; slot < slots.count(); ++slot) {
      const std::int32_t at = slot * kLanes;
      const Crossing crossing{load(&w_.p[0] + at), load(&w_.q[0] + at), load(&w_.node[0] + at)};
      store(slots.rows(slot), solve(columns, crossing, slot, slots.seen(slot), 0));
    }
    slots.end_open_columns(static_cast<std::int32_t>(y_.end));
    slots.drop_empty_runs();
    return s.near & valid;
  }

 private:
  // A mask row at the columns.
  struct Row {
    Floats values;
    Lanes above;
  };
  // A change between mask rows `node` and `node` + 1, whose values are p and q.
  struct Crossing {
    Floats p, q, node;
  };
  struct State {
    State(Lanes valid_lanes, Slots& block) : valid(valid_lanes), slots(block) {}

    Lanes valid;
    Slots& slots;
    Lanes near = 0;     // too near to the threshold
    Lanes initial = 0;  // on from the first visible pixel row on
    Row row{};          // the mask row evaluated last
    std::int32_t node = -1;
    Crossing first{}, second{};  // slots 0 and 1; the others are in the workspace
    Lanes seen_first = 0, seen_second = 0;
  };

  // Which cells are surely above or surely below the threshold, as bits of a row's columns.
  void prepare_words(std::int32_t columns) {
    const Floats surely = splat(above_ + 2 * margin_);
    const Floats maybe = splat(above_ - 2 * margin_);
    for (std::int32_t node = first_node_; node <= last_node_; ++node) {
      const float* row = mask_.row(node);
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

  Row evaluate(const Taps& columns, std::int32_t node, State& s) const {
    const Floats values = blended_row < kFused && kHasFused > (mask_, columns, node);
    const Lanes above = greater(values, splat(row_above_));
    s.near |= above ^ greater(values, splat(row_below_));
    return {values, above & s.valid};
  }

  void start(const Taps& columns, State& s) const {
    s.row = evaluate(columns, first_node_, s);
    s.node = first_node_;
    s.initial = s.row.above;
  }

  // The changes between mask rows `node` and `node` + 1. Without branches for the first two of a
  // column: which lanes change is not to be predicted.
  void step(const Taps& columns, std::int32_t node, State& s) {
    const Row row = s.node == node ? s.row : evaluate(columns, node, s);
    const Row next = evaluate(columns, node + 1, s);
    const Lanes rising = next.above & ~row.above;
    const Lanes falling = row.above & ~next.above;
    const Lanes first = rising & ~s.seen_first;
    const Lanes second = falling & ~s.seen_second;
    const Crossing crossing{row.values, next.values, splat(static_cast<float>(node))};
    take(s.first, first, crossing);
    take(s.second, second, crossing);
    s.seen_first |= first;
    s.seen_second |= second;
    const Lanes later = (rising ^ first) | (falling ^ second);
    if (later != 0) [[unlikely]] {
      s.slots.add_later(later, [&](std::int32_t slot, Lanes here) {
        const std::int32_t at = slot * kLanes;
        Crossing old{load(&w_.p[0] + at), load(&w_.q[0] + at), load(&w_.node[0] + at)};
        take(old, here, crossing);
        store(&w_.p[0] + at, old.p);
        store(&w_.q[0] + at, old.q);
        store(&w_.node[0] + at, old.node);
      });
    }
    s.row = next;
    s.node = node + 1;
  }

  static void take(Crossing& to, Lanes lanes, const Crossing& from) {
    to.p = select(lanes, from.p, to.p);
    to.q = select(lanes, from.q, to.q);
    to.node = select(lanes, from.node, to.node);
  }

  // Pixel rows of a slot's changes, from its crossings; of `initial` lanes, the first visible row.
  Ints solve(const Taps& columns, const Crossing& at, std::int32_t slot, Lanes lanes,
             Lanes initial) const {
    const Floats slope = sub(at.q, at.p);
    const Floats crossing = add(at.node, div(sub(splat(above_), at.p), slope));
    const auto lowest = static_cast<float>(y_.begin - row_origin_);
    const auto highest = static_cast<float>(y_.end - row_origin_);
    const Floats line = add(mul(crossing, splat(line_a_)), splat(line_b_));
    const Floats row = min(max(line, splat(lowest - 0.5F)), splat(highest + 0.5F));
    const Floats pixel = nearest(row);
    // Sure: further from the pixel than all roundings, of the row and of the values, amount to.
    const Floats distance = sub(absolute(sub(row, pixel)), splat(row_margin_));
    const Lanes sure = greater(mul(distance, absolute(slope)), splat(value_margin_rows_));
    Ints rows = add(to_ints(pixel), splat(row_origin_));
    rows = select(greater(row, pixel), add(rows, splat(1)), rows);
    const Ints begin = splat(static_cast<std::int32_t>(y_.begin));
    rows = min(max(rows, begin), splat(static_cast<std::int32_t>(y_.end)));
    rows = select(initial, begin, rows);
    const Lanes unsure = lanes & ~sure;
    if (unsure != 0) [[unlikely]]
      rows = search(columns, at.node, slot, unsure, rows);
    return rows;
  }

  // The changes of some lanes by bisection with the exact arithmetic.
  Ints search(const Taps& columns, Floats crossing_nodes, std::int32_t slot, Lanes lanes,
              Ints rows) const {
    float nodes[kLanes];
    std::int32_t column_nodes[kLanes];
    float weights[kLanes];
    std::int32_t found[kLanes];
    store(nodes, crossing_nodes);
    store(column_nodes, columns.nodes);
    store(weights, columns.weights);
    store(found, rows);
    for (; lanes != 0; lanes &= lanes - 1) {
      const std::int32_t lane = __builtin_ctz(lanes);
      const auto node = static_cast<std::int32_t>(nodes[lane]);
      const float* cells = mask_.row(node) + column_nodes[lane];
      const float p = blend_values(cells[0], cells[1], weights[lane], kFused);
      cells += mask_.stride;
      const float q = blend_values(cells[0], cells[1], weights[lane], kFused);
      const auto has_changed = [&](std::int64_t y) {
        const Tap row = tap(y_, y);
        if (row.node != node) return row.node > node;
        return (blend_values(p, q, row.weight, kFused) > above_) == (slot % 2 == 0);
      };
      found[lane] = static_cast<std::int32_t>(first_pixel(y_.begin, y_.end, has_changed));
    }
    return load(found);
  }

  Workspace& w_;
  const PaddedMask& mask_;
  const Axis& y_;
  float above_, margin_, row_above_, row_below_;
  float line_a_, line_b_, row_margin_, value_margin_rows_;
  std::int32_t first_node_, last_node_, row_origin_ = 0;
  bool has_words_;
};
