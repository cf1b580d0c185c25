// 8 lanes in two of the compiler's 16-byte vectors: the baseline of x86-64 (SSE2) and of aarch64
// (NEON), and whatever there is elsewhere. Twice as wide vectors would compile to scalar code
// there. The same names in every simd_*.h. A set of lanes is a number, lane 0 in bit 0.

inline constexpr int kLanes = 8;
using FloatHalf = float __attribute__((vector_size(16)));
using IntHalf = std::int32_t __attribute__((vector_size(16)));
using UnsignedHalf = std::uint32_t __attribute__((vector_size(16)));
struct Floats {
  FloatHalf low, high;
};
struct Ints {
  IntHalf low, high;
};
using Lanes = std::uint32_t;
inline constexpr Lanes kAllLanes = 0xFF;

// What these vectors lack, or compilers do not see: kHasFused and roughly_fused(); even_lanes() and
// odd_lanes() of a, then those of b; truncated(); nearest_integers(); to_lanes() of two halves'
// masks; to_shorts() of lanes below 2^15 and to_bytes() of shorts below 2^8; shift_in().
#if defined(MASKRLE_PORTABLE)  // for tests: as if this machine were another
#include "halves_portable.h"
#elif defined(__SSE2__)
#include "halves_sse2.h"
#elif defined(__aarch64__)
#include "halves_neon.h"
#else
#include "halves_portable.h"
#endif

// Half by half: GCC copies structures of two vectors by way of the stack.
template <typename Half>
inline Half load_half(const void* p) {
  Half a;
  std::memcpy(&a, p, sizeof a);
  return a;
}
template <typename Both>
inline void store_halves(void* p, Both a) {
  std::memcpy(p, &a.low, sizeof a.low);
  std::memcpy(static_cast<std::byte*>(p) + sizeof a.low, &a.high, sizeof a.high);
}
inline Floats load(const float* p) {
  return {load_half<FloatHalf>(p), load_half<FloatHalf>(p + 4)};
}
inline void store(float* p, Floats a) { store_halves(p, a); }
inline Ints load(const std::int32_t* p) {
  return {load_half<IntHalf>(p), load_half<IntHalf>(p + 4)};
}
inline void store(std::int32_t* p, Ints a) { store_halves(p, a); }
inline FloatHalf load_first_of_half(const float* p, std::int32_t count) {
  FloatHalf a{};
  switch (count) {  // sizes that compilers know: no calls
    case 0:
      break;
    case 1:
      std::memcpy(&a, p, sizeof *p);
      break;
    case 2:
      std::memcpy(&a, p, 2 * sizeof *p);
      break;
    default:
      std::memcpy(&a, p, 3 * sizeof *p);
  }
  return a;
}
inline Floats load_first(const float* p, std::int32_t count) {  // the rest zeros, not read
  if (count < 4) return {load_first_of_half(p, count), FloatHalf{}};
  return {load_half<FloatHalf>(p), load_first_of_half(p + 4, count - 4)};
}
inline Floats splat(float a) {
  const FloatHalf half{a, a, a, a};
  return {half, half};
}
inline Ints splat(std::int32_t a) {
  const IntHalf half{a, a, a, a};
  return {half, half};
}

inline Floats add(Floats a, Floats b) { return {a.low + b.low, a.high + b.high}; }
inline Floats sub(Floats a, Floats b) { return {a.low - b.low, a.high - b.high}; }
inline Floats mul(Floats a, Floats b) { return {a.low * b.low, a.high * b.high}; }
inline Floats div(Floats a, Floats b) { return {a.low / b.low, a.high / b.high}; }
// a * b + c, rounded once if kHasFused, else twice: where the last bits do not matter.
inline Floats roughly_fused(Floats a, Floats b, Floats c) {
  return {roughly_fused(a.low, b.low, c.low), roughly_fused(a.high, b.high, c.high)};
}
// To be used only if kHasFused.
inline Floats fused(Floats a, Floats b, Floats c) { return roughly_fused(a, b, c); }
inline Ints as_ints(Floats a) { return {(IntHalf)a.low, (IntHalf)a.high}; }
inline FloatHalf absolute(FloatHalf a) { return (FloatHalf)((IntHalf)a & 0x7fffffff); }
inline Floats absolute(Floats a) { return {absolute(a.low), absolute(a.high)}; }
// min(a, |b|), of an a that is not negative.
inline FloatHalf nearer(FloatHalf a, FloatHalf b) { return absolute(b) < a ? absolute(b) : a; }
inline Floats nearer(Floats a, Floats b) { return {nearer(a.low, b.low), nearer(a.high, b.high)}; }
inline FloatHalf nearest(FloatHalf a) {
  return __builtin_convertvector(nearest_integers(a), FloatHalf);
}
// How far away the nearest integer is.
inline Floats off_integer(Floats a) {
  return {absolute(a.low - nearest(a.low)), absolute(a.high - nearest(a.high))};
}

// Also of halves. Lanes that do not count may overflow: they wrap around, as in every instruction
// set.
inline IntHalf add(IntHalf a, IntHalf b) { return (IntHalf)((UnsignedHalf)a + (UnsignedHalf)b); }
inline IntHalf sub(IntHalf a, IntHalf b) { return (IntHalf)((UnsignedHalf)a - (UnsignedHalf)b); }
inline IntHalf min(IntHalf a, IntHalf b) { return a < b ? a : b; }
inline IntHalf max(IntHalf a, IntHalf b) { return a > b ? a : b; }
inline IntHalf shift_right(IntHalf a, int n) { return (IntHalf)((UnsignedHalf)a >> n); }
inline Ints add(Ints a, Ints b) { return {add(a.low, b.low), add(a.high, b.high)}; }
inline Ints sub(Ints a, Ints b) { return {sub(a.low, b.low), sub(a.high, b.high)}; }
inline Ints min(Ints a, Ints b) { return {min(a.low, b.low), min(a.high, b.high)}; }
inline Ints max(Ints a, Ints b) { return {max(a.low, b.low), max(a.high, b.high)}; }
inline IntHalf rounded_up(FloatHalf a) { return sub(nearest_integers(a), a > nearest(a)); }
inline Ints rounded_up(Floats a) { return {rounded_up(a.low), rounded_up(a.high)}; }
inline Ints bit_and(Ints a, Ints b) { return {a.low & b.low, a.high & b.high}; }
inline Ints bit_or(Ints a, Ints b) { return {a.low | b.low, a.high | b.high}; }
inline Ints shift_left(Ints a, int n) { return {a.low << n, a.high << n}; }
inline Ints shift_right(Ints a, int n) { return {shift_right(a.low, n), shift_right(a.high, n)}; }
// a, or of a negative number -a - 1.
inline Ints without_sign(Ints a) { return max(a, {~a.low, ~a.high}); }

inline Ints to_mask(Lanes lanes) {
  const Ints all = splat(static_cast<std::int32_t>(lanes));
  const Ints bits{{1, 2, 4, 8}, {16, 32, 64, 128}};
  return {(all.low & bits.low) == bits.low, (all.high & bits.high) == bits.high};
}
inline Lanes greater(Floats a, Floats b) { return to_lanes(a.low > b.low, a.high > b.high); }
inline Lanes equal(Ints a, Ints b) { return to_lanes(a.low == b.low, a.high == b.high); }
inline Ints select(Lanes lanes, Ints a, Ints b) {  // a in `lanes`, else b
  const Ints mask = to_mask(lanes);
  return {mask.low ? a.low : b.low, mask.high ? a.high : b.high};
}
inline Floats select(Lanes lanes, Floats a, Floats b) {
  const Ints mask = to_mask(lanes);
  return {mask.low ? a.low : b.low, mask.high ? a.high : b.high};
}
// a with the bits of `bits` where x > y.
inline Ints with_bits(Ints a, Floats x, Floats y, Ints bits) {
  return {a.low | ((x.low > y.low) & bits.low), a.high | ((x.high > y.high) & bits.high)};
}
// Whether low <= a < low + 2^n in all lanes of `lanes`; `size` = 2^n.
inline bool all_within(Lanes lanes, Ints a, std::int32_t low, std::int32_t size) {
  return (~equal(bit_and(sub(a, splat(low)), splat(-size)), splat(0)) & lanes) == 0;
}

// The row's values at nodes and at nodes + 1: of each lane both in one load. `first` and `span` are
// for machines that permute.
struct Neighbours {
  Floats p, q;
};
inline void fetch(const float* row, IntHalf nodes, FloatHalf& p, FloatHalf& q) {
  using Pairs = std::int64_t __attribute__((vector_size(16)));
  const auto pair = [&](std::int32_t node) {
    std::int64_t both;
    std::memcpy(&both, row + node, sizeof both);
    return both;
  };
  const auto low = (FloatHalf)Pairs{pair(nodes[0]), pair(nodes[1])};
  const auto high = (FloatHalf)Pairs{pair(nodes[2]), pair(nodes[3])};
  p = even_lanes(low, high);
  q = odd_lanes(low, high);
}
inline Neighbours fetch(const float* row, Ints nodes, std::int32_t /*first*/,
                        std::int32_t /*span*/) {
  Neighbours n;
  fetch(row, nodes.low, n.p.low, n.q.low);
  fetch(row, nodes.high, n.p.high, n.q.high);
  return n;
}

// a[lane - 1], and in lane 0 the last one of `before`.
inline Ints shift_in(Ints a, Ints before) {
  return {shift_in(a.low, before.high), shift_in(a.high, a.low)};
}
// a[0], b[0], a[1], b[1], ..
inline Ints interleave(IntHalf a, IntHalf b) {
  return {IntHalf{a[0], b[0], a[1], b[1]}, IntHalf{a[2], b[2], a[3], b[3]}};
}
inline void interleave(Ints a, Ints b, Ints& low, Ints& high) {
  low = interleave(a.low, b.low);
  high = interleave(a.high, b.high);
}
// The low bytes of a[0], b[0], a[1], b[1], ..; the other bytes must be zero, and b below 128.
inline void store_byte_pairs(std::uint8_t* out, Ints a, Ints b) {
  const auto pairs = to_shorts(a.low | b.low << 8, a.high | b.high << 8);
  std::memcpy(out, &pairs, sizeof pairs);
}

#include "simd_pairs.inl"

// The low byte of each lane; the other bytes must be zero.
inline void store_bytes(std::uint8_t* out, Ints a) {
  const auto bytes = to_bytes(to_shorts(a.low, a.high));
  std::memcpy(out, &bytes, kLanes);
}

// `value` where a > limit, else 0.
inline Ints where_greater(Ints a, std::int32_t limit, std::int32_t value) {
  return {(a.low > limit) & value, (a.high > limit) & value};
}
// The bytes of a under the ones of `kept`, the first ones of each lane, next to each other; returns
// one past the last. Writes up to 8 bytes more.
inline std::uint8_t* pack_bytes(std::uint8_t* out, Ints a, Ints kept) {
  const Ints ones = bit_and(kept, splat(0x01010101));
  std::int32_t bytes[kLanes];
  std::uint32_t counts[kLanes];
  store_halves(bytes, a);
  store_halves(counts, ones);
  for (int lane = 0; lane < kLanes; ++lane) {
    std::memcpy(out, bytes + lane, sizeof bytes[lane]);
    out += counts[lane] * 0x01010101U >> 24;
  }
  return out;
}

inline std::int32_t sum(Ints a) {
  const IntHalf sums = add(a.low, a.high);
  return sums[0] + sums[1] + sums[2] + sums[3];
}
inline std::int32_t smallest(Ints a) {
  const IntHalf half = min(a.low, a.high);
  return std::min({half[0], half[1], half[2], half[3]});
}
inline std::int32_t largest(Ints a) {
  const IntHalf half = max(a.low, a.high);
  return std::max({half[0], half[1], half[2], half[3]});
}
