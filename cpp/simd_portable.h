// 8 lanes in the compiler's own vectors: SSE2 on any x86-64, NEON on aarch64, whatever else there
// is elsewhere. The same names in every simd_*.h. A set of lanes is a number, lane 0 in bit 0.

inline constexpr int kLanes = 8;
typedef float Floats __attribute__((vector_size(32)));
typedef std::int32_t Ints __attribute__((vector_size(32)));
typedef std::uint32_t Unsigned __attribute__((vector_size(32)));
using Lanes = std::uint32_t;
inline constexpr Lanes kAllLanes = 0xFF;

inline Floats load(const float* p) {
  Floats a;
  std::memcpy(&a, p, sizeof a);
  return a;
}
inline Floats load_first(const float* p, std::int32_t count) {  // the rest zeros, not read
  Floats a{};
  std::memcpy(&a, p, static_cast<std::size_t>(count) * sizeof(float));
  return a;
}
inline void store(float* p, Floats a) { std::memcpy(p, &a, sizeof a); }
inline Ints load(const std::int32_t* p) {
  Ints a;
  std::memcpy(&a, p, sizeof a);
  return a;
}
inline void store(std::int32_t* p, Ints a) { std::memcpy(p, &a, sizeof a); }
inline Floats splat(float a) { return Floats{a, a, a, a, a, a, a, a}; }
inline Ints splat(std::int32_t a) { return Ints{a, a, a, a, a, a, a, a}; }

inline Floats add(Floats a, Floats b) { return a + b; }
inline Floats sub(Floats a, Floats b) { return a - b; }
inline Floats mul(Floats a, Floats b) { return a * b; }
inline Floats div(Floats a, Floats b) { return a / b; }
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
inline constexpr bool kHasFused = true;
#else
inline constexpr bool kHasFused = false;
#endif
inline Floats fused(Floats a, Floats b, Floats c) {
  Floats r;
  for (int lane = 0; lane < kLanes; ++lane) r[lane] = std::fma(a[lane], b[lane], c[lane]);
  return r;
}
inline Floats absolute(Floats a) { return (Floats)((Ints)a & splat(0x7fffffff)); }
inline Ints as_ints(Floats a) { return (Ints)a; }
inline Floats min(Floats a, Floats b) { return a < b ? a : b; }
inline Floats max(Floats a, Floats b) { return a > b ? a : b; }
// a * b + c, rounded once or twice: where the last bits do not matter.
inline Floats roughly_fused(Floats a, Floats b, Floats c) {
  if constexpr (kHasFused) return fused(a, b, c);
  return a * b + c;
}
inline Floats nearest(Floats a) {  // of magnitudes below 2^22
  const Floats shift = splat(0x1.8p23F);
  return (a + shift) - shift;
}
inline Ints rounded_up(Floats a) {
  const Floats near = nearest(a);
  return __builtin_convertvector(near, Ints) - (a > near);
}
// min(a, |b|), of an a that is not negative.
inline Floats nearer(Floats a, Floats b) { return min(a, absolute(b)); }
// How far away the nearest integer is.
inline Floats off_integer(Floats a) { return absolute(a - nearest(a)); }

// Lanes that do not count may overflow: they wrap around, as in every instruction set.
inline Ints add(Ints a, Ints b) { return (Ints)((Unsigned)a + (Unsigned)b); }
inline Ints sub(Ints a, Ints b) { return (Ints)((Unsigned)a - (Unsigned)b); }
inline Ints min(Ints a, Ints b) { return a < b ? a : b; }
inline Ints max(Ints a, Ints b) { return a > b ? a : b; }
inline Ints bit_and(Ints a, Ints b) { return a & b; }
inline Ints bit_or(Ints a, Ints b) { return a | b; }
inline Ints shift_left(Ints a, int n) { return a << n; }
inline Ints shift_right(Ints a, int n) { return (Ints)((Unsigned)a >> n); }
// a, or of a negative number -a - 1.
inline Ints without_sign(Ints a) { return max(a, ~a); }

inline Lanes to_lanes(Ints mask) {
  const Ints bits = mask & Ints{1, 2, 4, 8, 16, 32, 64, 128};
  std::int32_t lanes = 0;
  for (int lane = 0; lane < kLanes; ++lane) lanes |= bits[lane];
  return static_cast<Lanes>(lanes);
}
inline Ints to_mask(Lanes lanes) {
  const Ints bits{1, 2, 4, 8, 16, 32, 64, 128};
  return (splat(static_cast<std::int32_t>(lanes)) & bits) == bits;
}
inline Lanes greater(Floats a, Floats b) { return to_lanes(a > b); }
inline Lanes equal(Ints a, Ints b) { return to_lanes(a == b); }
inline Floats select(Lanes lanes, Floats a, Floats b) {  // a in `lanes`, else b
  return to_mask(lanes) ? a : b;
}
inline Ints select(Lanes lanes, Ints a, Ints b) { return to_mask(lanes) ? a : b; }
// a with the bits of `bits` where x > y.
inline Ints with_bits(Ints a, Floats x, Floats y, Ints bits) { return a | ((x > y) & bits); }
// Whether low <= a < low + 2^n in all lanes of `lanes`; `size` = 2^n.
inline bool all_within(Lanes lanes, Ints a, std::int32_t low, std::int32_t size) {
  return (to_lanes((sub(a, splat(low)) & ~splat(size - 1)) != splat(0)) & lanes) == 0;
}

// The row's values at nodes and at nodes + 1. `first` is the smallest node, `span` how far beyond
// it the values needed lie.
struct Neighbours {
  Floats p, q;
};
inline Neighbours fetch(const float* row, Ints nodes, std::int32_t first, std::int32_t span) {
  static_cast<void>(first);
  static_cast<void>(span);
  Neighbours n;
  for (int lane = 0; lane < kLanes; ++lane) {
    n.p[lane] = row[nodes[lane]];
    n.q[lane] = row[nodes[lane] + 1];
  }
  return n;
}

// a[lane - 1], and in lane 0 the last one of `before`.
inline Ints shift_in(Ints a, Ints before) {
  return Ints{before[7], a[0], a[1], a[2], a[3], a[4], a[5], a[6]};
}
// a[0], b[0], a[1], b[1], ..
inline void interleave(Ints a, Ints b, Ints& low, Ints& high) {
  low = Ints{a[0], b[0], a[1], b[1], a[2], b[2], a[3], b[3]};
  high = Ints{a[4], b[4], a[5], b[5], a[6], b[6], a[7], b[7]};
}
// The low bytes of a[0], b[0], a[1], b[1], ..; the other bytes must be zero.
inline void store_byte_pairs(std::uint8_t* out, Ints a, Ints b) {
  for (int lane = 0; lane < kLanes; ++lane) {
    out[2 * lane] = static_cast<std::uint8_t>(a[lane]);
    out[2 * lane + 1] = static_cast<std::uint8_t>(b[lane]);
  }
}

// begin[0], end[0], begin[1], end[1], .. of the chosen lanes; returns one past the last written.
inline std::int32_t* store_pairs(std::int32_t* out, Lanes lanes, Ints begin, Ints end) {
  for (int lane = 0; lane < kLanes; ++lane) {
    out[0] = begin[lane];
    out[1] = end[lane];
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

// The low byte of each lane.
inline void store_bytes(std::uint8_t* out, Ints a) {
  for (int lane = 0; lane < kLanes; ++lane) out[lane] = static_cast<std::uint8_t>(a[lane]);
}

// `value` where a > limit, else 0.
inline Ints where_greater(Ints a, std::int32_t limit, std::int32_t value) {
  return (a > splat(limit)) & splat(value);
}
// The bytes of a under the ones of `kept`, the first ones of each lane, next to each other; returns
// one past the last. Writes up to 8 bytes more.
inline std::uint8_t* pack_bytes(std::uint8_t* out, Ints a, Ints kept) {
  for (int lane = 0; lane < kLanes; ++lane) {
    const std::int32_t bytes = a[lane];
    std::memcpy(out, &bytes, sizeof bytes);
    out += std::popcount(static_cast<std::uint32_t>(kept[lane])) / 8;
  }
  return out;
}

#include "simd_reduce.inl"
