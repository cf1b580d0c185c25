// Changes put into order, where the instruction set has no compress. Part of simd_*.h.

// begin[0], end[0], begin[1], end[1], .. of the chosen lanes; returns one past the last written.
inline std::int32_t* store_pairs(std::int32_t* out, Lanes lanes, Ints begin, Ints end) {
  Ints low;
  Ints high;
  interleave(begin, end, low, high);
  std::int32_t pairs[2 * kLanes];
  store(pairs, low);
  store(pairs + kLanes, high);
  for (int lane = 0; lane < kLanes; ++lane) {
    __builtin_memcpy(out, pairs + 2 * lane, 2 * sizeof(std::int32_t));
    out += (lanes >> lane & 1U) * 2;
  }
  return out;
}

// begin[0], end[0], begin2[0], end2[0], begin[1], .. of the chosen lanes, of two sets; returns one
// past the last written.
inline std::int32_t* store_quads(std::int32_t* out, Lanes lanes, Ints begin, Ints end, Lanes lanes2,
                                 Ints begin2, Ints end2) {
  std::int32_t pairs[2][2 * kLanes];
  Ints low;
  Ints high;
  interleave(begin, end, low, high);
  store(pairs[0], low);
  store(pairs[0] + kLanes, high);
  interleave(begin2, end2, low, high);
  store(pairs[1], low);
  store(pairs[1] + kLanes, high);
  for (int lane = 0; lane < kLanes; ++lane) {
    __builtin_memcpy(out, pairs[0] + 2 * lane, 2 * sizeof(std::int32_t));
    out += (lanes >> lane & 1U) * 2;
    __builtin_memcpy(out, pairs[1] + 2 * lane, 2 * sizeof(std::int32_t));
    out += (lanes2 >> lane & 1U) * 2;
  }
  return out;
}
