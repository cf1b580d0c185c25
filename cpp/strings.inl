// A mask's changes, block by block -> its COCO string, area and tight box.

class MaskWriter {
 public:
  MaskWriter(Workspace& workspace, const Placement& placement, Batch& batch)
      : changes_(workspace.changes.data()),
        height_(static_cast<std::int32_t>(batch.image().height)),
        pixels_(static_cast<std::int32_t>(batch.image().height * batch.image().width)),
        out_(batch.open_mask()),
        full_height_(placement.y.begin == 0 && placement.y.end == batch.image().height) {
    std::int32_t tops[kLanes];  // unsigned: lanes beyond the image may overflow
    for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
      tops[lane] = static_cast<std::int32_t>(lane * static_cast<std::uint32_t>(height_));
    }
    tops_ = load(tops);
  }

  // The block of columns from `x` on, if any of them changes.
  MASKRLE_STAGE void write(std::int64_t x, Slots& slots) {
    if (slots.count() == 0) return;
    const Lanes any = slots.seen(0);
    if (x_max_ < 0) x_min_ = x + __builtin_ctz(any);
    x_max_ = x + 31 - __builtin_clz(any);
    if (slots.count() == 2 && any == kAllLanes && x_max_ - x_min_ >= kLanes && !full_height_) {
      write_simple_block(x, load(slots.rows(0)), load(slots.rows(1)));
    } else {
      write_block(x, slots);
    }
  }

  void close(Batch& batch) {
    if (x_max_ < 0) {
      out_.commit(write_number(pixels_, out_.reserve(kMaxRunChars)));
      batch.close_mask(0, Extent{});
      return;
    }
    store(changes_, last_);
    std::int32_t* end = changes_ + kLanes;
    if (withheld_) *end++ = bottom_;
    if (end[-1] < pixels_) *end++ = pixels_;
    write_differences(end);
    batch.close_mask(sum(area_), {x_min_, x_max_, smallest(y_first_), largest(y_end_) - 1});
  }

 private:
  // Any block.
  MASKRLE_STAGE void write_block(std::int64_t x, Slots& slots) {
    const Ints zero = splat(0);
    y_first_ = min(y_first_, select(slots.seen(0), load(slots.rows(0)), y_first_));
    for (std::int32_t slot = 0; slot < slots.count(); slot += 2) {
      const Lanes seen = slots.seen(slot);
      const Ints begin = load(slots.rows(slot));
      const Ints end = load(slots.rows(slot + 1));
      area_ = add(area_, select(seen, sub(end, begin), zero));
      y_end_ = max(y_end_, select(seen, end, zero));
    }
    store(changes_, last_);
    std::int32_t* begin = changes_ + kLanes;
    std::int32_t* end = begin;
    if (withheld_) *end++ = bottom_;
    end = in_order(x, slots, end);
    if (full_height_) end = joined(x, begin, end);
    if (end == begin) return;
    if (!begun_) {  // the first three runs are no differences: so let those before be zeros
      begun_ = true;
      out_.commit(write_number(*begin, out_.reserve(kMaxRunChars)));
      std::fill_n(changes_, kLanes, *begin);
      std::copy(begin + 1, end, begin);
      --end;
    }
    write_differences(end);
    last_ = load(end - kLanes);
  }

  // Positions in the image, column by column; returns one past the last.
  std::int32_t* in_order(std::int64_t x, Slots& slots, std::int32_t* out) const {
    const Ints tops = add(tops_, splat(top_of(x)));
    if (slots.count() == 2) {
      return store_pairs(out, slots.seen(0), add(load(slots.rows(0)), tops),
                         add(load(slots.rows(1)), tops));
    }
    if (slots.count() == 4) {
      return store_quads(out, slots.seen(0), add(load(slots.rows(0)), tops),
                         add(load(slots.rows(1)), tops), slots.seen(2),
                         add(load(slots.rows(2)), tops), add(load(slots.rows(3)), tops));
    }
    std::int32_t lane_tops[kLanes];
    store(lane_tops, tops);
    for (Lanes lanes = slots.seen(0); lanes != 0; lanes &= lanes - 1) {
      const std::int32_t lane = __builtin_ctz(lanes);
      for (std::int32_t slot = 0; slot < slots.count(); slot += 2) {
        out[0] = slots.rows(slot)[lane] + lane_tops[lane];
        out[1] = slots.rows(slot + 1)[lane] + lane_tops[lane];
        out += (slots.seen(slot) >> lane & 1U) * 2;
      }
    }
    return out;
  }

  // A run that goes on into the next column: ends and beginnings at one position are none. What
  // the block's last column leaves open is withheld until the next block has been seen.
  std::int32_t* joined(std::int64_t x, const std::int32_t* at, const std::int32_t* end) {
    std::int32_t* const begin = changes_ + kLanes;
    std::int32_t* out = begin;
    for (; at < end; ++at) {
      if (out > begin && out[-1] == *at) {
        --out;
      } else {
        *out++ = *at;
      }
    }
    bottom_ = top_of(x + kLanes);
    withheld_ = out > begin && out[-1] == bottom_;
    return withheld_ ? out - 1 : out;
  }

  // Each run's difference to the run two before, that is of four neighbouring changes.
  MASKRLE_STAGE void write_differences(const std::int32_t* end) {
    const std::int32_t* at = changes_ + kLanes;
    std::uint8_t* out = out_.reserve(static_cast<std::size_t>(end - at + kLanes) * kMaxRunChars);
    for (; at < end; at += kLanes) {
      const Ints run = sub(load(at), load(at - 1));
      const Ints before = sub(load(at - 2), load(at - 3));
      out = write_numbers(sub(run, before), end - at < kLanes ? end - at : kLanes, out);
    }
    out_.commit(out);
  }

  // The usual block: in each column one run, from `begin` to `end`. Its differences are those to
  // the column before.
  MASKRLE_STAGE void write_simple_block(std::int64_t x, Ints begin, Ints end) {
    const Ints ones = sub(end, begin);
    area_ = add(area_, ones);
    y_first_ = min(y_first_, begin);
    y_end_ = max(y_end_, end);
    const Ints last = sub(last_, splat(top_of(x)));
    const Ints last_runs = sub(last, shift_in(last, last));
    const Ints zeros = sub(begin, shift_in(sub(end, splat(height_)), last));
    const Ints zeros_difference = sub(zeros, shift_in(zeros, shift_in(last_runs, last_runs)));
    const Ints ones_difference = sub(ones, shift_in(ones, last_runs));
    std::uint8_t* out = out_.reserve(3 * kLanes * kMaxRunChars);
    if (all_within(kAllLanes, zeros_difference, -16, 32) &&
        all_within(kAllLanes, ones_difference, -16, 32)) {
      store_byte_pairs(out, to_character(zeros_difference), to_character(ones_difference));
      out += 2 * kLanes;
    } else {
      Ints low;
      Ints high;
      interleave(zeros_difference, ones_difference, low, high);
      out = write_numbers(low, kLanes, out);
      out = write_numbers(high, kLanes, out);
    }
    out_.commit(out);
    const Ints tops = add(tops_, splat(top_of(x)));
    Ints before;
    interleave(add(begin, tops), add(end, tops), before, last_);
  }

  // Position of a column's first pixel. Unsigned: columns beyond the image may overflow.
  std::int32_t top_of(std::int64_t x) const {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(x) *
                                     static_cast<std::uint32_t>(height_));
  }

  static Ints to_character(Ints a) { return add(bit_and(a, splat(31)), splat(48)); }

  // The first `count` numbers as COCO writes them, see write_number(). Nearly all take one
  // character.
  static std::uint8_t* write_numbers(Ints numbers, std::ptrdiff_t count, std::uint8_t* out) {
    const Lanes lanes = (1U << (count - 1) << 1) - 1;
    if (all_within(lanes, numbers, -16, 32)) {
      store_bytes(out, to_character(numbers));
      return out + count;
    }
    if (all_within(lanes, numbers, -(1 << 19), 1 << 20)) {  // up to four characters, one a byte
      const auto group = [&](int k) {
        return bit_and(shift_left(numbers, 3 * k), splat(0x1F << 8 * k));
      };
      const Ints groups = bit_or(bit_or(group(0), group(1)), bit_or(group(2), group(3)));
      const Ints size = without_sign(numbers);
      const Ints kept =
          bit_or(bit_or(splat(0xFF), where_greater(size, (1 << 4) - 1, 0xFF00)),
                 bit_or(where_greater(size, (1 << 9) - 1, 0xFF0000),
                        where_greater(size, (1 << 14) - 1, static_cast<int>(0xFF000000U))));
      const Ints more = bit_and(shift_right(kept, 8), splat(0x20202020));
      const Ints characters = add(add(groups, splat(0x30303030)), more);
      return pack_bytes(out, characters, select(lanes, kept, splat(0)));
    }
    std::int32_t values[kLanes];
    store(values, numbers);
    for (std::ptrdiff_t k = 0; k < count; ++k) out = write_number(values[k], out);
    return out;
  }

  std::int32_t* changes_;  // the last kLanes positions written, then a block's
  std::int32_t height_, pixels_;
  ByteBuffer& out_;
  bool full_height_;
  bool begun_ = false;
  bool withheld_ = false;  // a position, bottom_, is still to be written or to be joined
  std::int32_t bottom_ = 0;
  Ints tops_;             // positions of a block's columns, from the first one's
  Ints last_ = splat(0);  // the positions written last, in the last lanes
  std::int64_t x_min_ = 0, x_max_ = -1;
  Ints area_ = splat(0), y_first_ = splat(INT32_MAX), y_end_ = splat(0);
};
