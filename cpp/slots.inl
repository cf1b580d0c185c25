// A block's changes: slot 0 of a lane is its column's first change, slot 1 the second, and so on.
// Changes alternate, so even slots turn a column on and odd ones turn it off.

// Tells, as the rows of a block go by, which change of its column each lane makes.
class ColumnOrder {
 public:
  // `initial`: the lanes that are on before the first row.
  explicit ColumnOrder(Lanes initial) : on_(initial), seen_first_(initial) {}

  // The lanes that make their column's first change in a row, the second, and a later one; and
  // those that were on before.
  struct Step {
    Lanes first, second, later, before;
  };
  Step step(Lanes on) {
    // A lane that has not begun was never on; one that has begun and not ended was, ever since.
    const Lanes off = seen_first_ & ~on;
    const Step step{on & ~seen_first_, off & ~seen_second_, (on ^ on_) & seen_second_, on_};
    on_ = on;
    seen_first_ |= on;
    seen_second_ |= off;
    return step;
  }

  Lanes on() const { return on_; }  // in the row taken last
  Lanes seen_first() const { return seen_first_; }
  Lanes seen_second() const { return seen_second_; }

 private:
  Lanes on_, seen_first_, seen_second_ = 0;
};

class Slots {
 public:
  // A workspace has room for two blocks' slots, set 0 and set 1.
  Slots(Workspace& workspace, std::size_t set)
      : rows_(workspace.row[set].data()), seen_(workspace.seen[set].data()) {}

  std::int32_t count() const { return count_; }
  Lanes& seen(std::int32_t slot) { return seen_[slot]; }
  std::int32_t* rows(std::int32_t slot) { return rows_ + slot * kLanes; }

  void clear() { count_ = 0; }

  // Slots 0 and 1, which most columns have no more than.
  void put_first_two(Lanes first, Ints first_rows, Lanes second, Ints second_rows) {
    seen(0) = first;
    seen(1) = second;
    store(rows(0), first_rows);
    store(rows(1), second_rows);
    if (count_ < 2) count_ = 2;
  }

  // One more change of each lane that has two or more.
  void add_later(Lanes lanes, Ints rows_here) {
    if (count_ < 2) count_ = 2;
    for (std::int32_t slot = 2; lanes != 0; ++slot) {
      if (slot == count_) {
        seen(slot) = 0;
        ++count_;
      }
      const Lanes here = lanes & ~seen(slot);
      if (here == 0) continue;
      store(rows(slot), select(here, rows_here, load(rows(slot))));
      seen(slot) |= here;
      lanes ^= here;
    }
  }

  void keep_of_later(Lanes lanes) {
    for (std::int32_t slot = 2; slot < count_; ++slot) seen(slot) &= lanes;
  }

  // Columns that are on in the last visible row end behind it.
  void end_open_columns(std::int32_t end) {
    for (std::int32_t slot = 0; slot < count_; slot += 2) {
      const Lanes begun = seen(slot);
      const Lanes ended = slot + 1 < count_ ? seen(slot + 1) : 0;
      if (begun == ended) continue;
      if (slot + 1 == count_) ++count_;
      seen(slot + 1) = begun;
      store(rows(slot + 1), select(begun & ~ended, splat(end), load(rows(slot + 1))));
    }
  }

  // Two changes in one row are none.
  void drop_empty_runs() {
    Lanes lanes = 0;
    for (std::int32_t slot = 1; slot < count_; ++slot) {
      lanes |= equal(load(rows(slot - 1)), load(rows(slot))) & seen(slot);
    }
    for (; lanes != 0; lanes &= lanes - 1) drop_empty_runs_of(__builtin_ctz(lanes));
    drop_unused();
  }

  // One column's changes, instead of those it has.
  void replace_column(std::int32_t lane, const std::vector<std::int64_t>& changes) {
    for (std::int32_t slot = 0; slot < count_; ++slot) seen(slot) &= ~(1U << lane);
    std::int32_t slot = 0;
    for (const std::int64_t row : changes) {
      if (slot == count_) seen(count_++) = 0;
      seen(slot) |= 1U << lane;
      rows(slot++)[lane] = static_cast<std::int32_t>(row);
    }
    drop_unused();
  }

 private:
  void drop_unused() {
    while (count_ > 0 && seen(count_ - 1) == 0) --count_;
  }

  void drop_empty_runs_of(std::int32_t lane) {
    std::int32_t kept = 0;
    for (std::int32_t slot = 0; slot < count_ && (seen(slot) >> lane & 1U) != 0; ++slot) {
      seen(slot) &= ~(1U << lane);
      const std::int32_t row = rows(slot)[lane];
      if (kept > 0 && rows(kept - 1)[lane] == row) {
        --kept;
      } else {
        rows(kept++)[lane] = row;
      }
    }
    for (std::int32_t slot = 0; slot < kept; ++slot) seen(slot) |= 1U << lane;
  }

  std::int32_t* rows_;
  Lanes* seen_;
  std::int32_t count_ = 0;
};
