// 8 lanes: AVX2, FMA and BMI2. The same names in every simd_*.h.
// A set of lanes is a number, lane 0 in bit 0.

inline constexpr int kLanes = 8;
using Floats = __m256;
using Ints = __m256i;
using Lanes = std::uint32_t;
inline constexpr Lanes kAllLanes = 0xFF;

inline Floats load(const float* p) { return _mm256_loadu_ps(p); }
inline void store(float* p, Floats a) { _mm256_storeu_ps(p, a); }
inline Ints load(const std::int32_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
inline void store(std::int32_t* p, Ints a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a);
}
inline Floats splat(float a) { return _mm256_set1_ps(a); }
inline Ints splat(std::int32_t a) { return _mm256_set1_epi32(a); }
inline Ints lane_numbers() { return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); }
inline Floats load_first(const float* p, std::int32_t count) {  // the rest zeros, not read
  return _mm256_maskload_ps(p, _mm256_cmpgt_epi32(splat(count), lane_numbers()));
}

inline Floats add(Floats a, Floats b) { return _mm256_add_ps(a, b); }
inline Floats sub(Floats a, Floats b) { return _mm256_sub_ps(a, b); }
inline Floats mul(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
inline Floats div(Floats a, Floats b) { return _mm256_div_ps(a, b); }
inline constexpr bool kHasFused = true;
inline Floats fused(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
inline Floats absolute(Floats a) { return _mm256_andnot_ps(splat(-0.0F), a); }
inline Ints as_ints(Floats a) { return _mm256_castps_si256(a); }
inline Floats min(Floats a, Floats b) { return _mm256_min_ps(a, b); }
// a * b + c, rounded once or twice: where the last bits do not matter.
inline Floats roughly_fused(Floats a, Floats b, Floats c) { return fused(a, b, c); }
// Of the size of an integer.
inline double truncated(double a) { return __builtin_trunc(a); }
inline Ints rounded_up(Floats a) {
  return _mm256_cvttps_epi32(_mm256_round_ps(a, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC));
}
// min(a, |b|), of an a that is not negative.
inline Floats nearer(Floats a, Floats b) { return min(a, absolute(b)); }
// How far away the nearest integer is.
inline Floats off_integer(Floats a) {
  return absolute(sub(a, _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)));
}

inline Ints add(Ints a, Ints b) { return _mm256_add_epi32(a, b); }
inline Ints sub(Ints a, Ints b) { return _mm256_sub_epi32(a, b); }
inline Ints min(Ints a, Ints b) { return _mm256_min_epi32(a, b); }
inline Ints max(Ints a, Ints b) { return _mm256_max_epi32(a, b); }
inline Ints bit_and(Ints a, Ints b) { return _mm256_and_si256(a, b); }
inline Ints bit_or(Ints a, Ints b) { return _mm256_or_si256(a, b); }
inline Ints shift_left(Ints a, int n) { return _mm256_slli_epi32(a, n); }
inline Ints shift_right(Ints a, int n) { return _mm256_srli_epi32(a, n); }
// a, or of a negative number -a - 1.
inline Ints without_sign(Ints a) { return max(a, _mm256_xor_si256(a, splat(-1))); }

inline Lanes to_lanes(__m256 mask) { return static_cast<Lanes>(_mm256_movemask_ps(mask)); }
inline Lanes to_lanes(__m256i mask) { return to_lanes(_mm256_castsi256_ps(mask)); }
inline __m256i to_mask(Lanes lanes) {
  const __m256i bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  return _mm256_cmpeq_epi32(bit_and(splat(static_cast<std::int32_t>(lanes)), bits), bits);
}
inline Lanes greater(Floats a, Floats b) { return to_lanes(_mm256_cmp_ps(a, b, _CMP_GT_OQ)); }
inline Lanes equal(Ints a, Ints b) { return to_lanes(_mm256_cmpeq_epi32(a, b)); }
inline Floats select(Lanes lanes, Floats a, Floats b) {  // a in `lanes`, else b
  return _mm256_blendv_ps(b, a, _mm256_castsi256_ps(to_mask(lanes)));
}
inline Ints select(Lanes lanes, Ints a, Ints b) { return _mm256_blendv_epi8(b, a, to_mask(lanes)); }
// a with the bits of `bits` where x > y.
inline Ints with_bits(Ints a, Floats x, Floats y, Ints bits) {
  return bit_or(a, bit_and(_mm256_castps_si256(_mm256_cmp_ps(x, y, _CMP_GT_OQ)), bits));
}
// Whether low <= a < low + 2^n in all lanes of `lanes`; `size` = 2^n.
inline bool all_within(Lanes lanes, Ints a, std::int32_t low, std::int32_t size) {
  const Ints outside = _mm256_andnot_si256(splat(size - 1), sub(a, splat(low)));
  return (~equal(outside, _mm256_setzero_si256()) & lanes) == 0;
}

// The row's values at nodes and at nodes + 1. `first` is the smallest node, `span` how far beyond
// it the values needed lie.
struct Neighbours {
  Floats p, q;
};
inline Neighbours fetch(const float* row, Ints nodes, std::int32_t first, std::int32_t span) {
  const Ints offsets = sub(nodes, splat(first));
  row += first;
  if (span < 8) {
    return {_mm256_permutevar8x32_ps(load(row), offsets),
            _mm256_permutevar8x32_ps(load(row + 1), offsets)};
  }
  return {_mm256_i32gather_ps(row, offsets, 4), _mm256_i32gather_ps(row + 1, offsets, 4)};
}

// a[lane - 1], and in lane 0 the last one of `before`.
inline Ints shift_in(Ints a, Ints before) {
  return _mm256_permutevar8x32_epi32(_mm256_blend_epi32(a, before, 0x80),
                                     _mm256_setr_epi32(7, 0, 1, 2, 3, 4, 5, 6));
}
// a[0], b[0], a[1], b[1], ..
inline void interleave(Ints a, Ints b, Ints& low, Ints& high) {
  const Ints pairs_0145 = _mm256_unpacklo_epi32(a, b);
  const Ints pairs_2367 = _mm256_unpackhi_epi32(a, b);
  low = _mm256_permute2x128_si256(pairs_0145, pairs_2367, 0x20);
  high = _mm256_permute2x128_si256(pairs_0145, pairs_2367, 0x31);
}
// 16 bits of each lane, which must not use more.
inline __m128i narrow(Ints a) {
  return _mm256_castsi256_si128(_mm256_permute4x64_epi64(
      _mm256_packus_epi32(a, _mm256_setzero_si256()), _MM_SHUFFLE(3, 1, 2, 0)));
}
// The low bytes of a[0], b[0], a[1], b[1], ..; the other bytes must be zero.
inline void store_byte_pairs(std::uint8_t* out, Ints a, Ints b) {
  const Ints pairs = _mm256_or_si256(a, _mm256_slli_epi32(b, 8));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), narrow(pairs));
}

#include "simd_pairs.inl"

// The low byte of each lane.
inline void store_bytes(std::uint8_t* out, Ints a) {
  const __m256i first_bytes = _mm256_shuffle_epi8(
      a, _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 4, 8, 12,
                          -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1));
  const __m128i joined = _mm_unpacklo_epi32(_mm256_castsi256_si128(first_bytes),
                                            _mm256_extracti128_si256(first_bytes, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(out), joined);
}

// `value` where a > limit, else 0.
inline Ints where_greater(Ints a, std::int32_t limit, std::int32_t value) {
  return bit_and(_mm256_cmpgt_epi32(a, splat(limit)), splat(value));
}
// The bytes of a under the ones of `kept`, next to each other; returns one past the last. Writes
// up to 8 bytes more.
inline std::uint8_t* pack_bytes(std::uint8_t* out, Ints a, Ints kept) {
  std::uint64_t bytes[4];
  std::uint64_t masks[4];
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(bytes), a);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(masks), kept);
  for (int k = 0; k < 4; ++k) {
    const std::uint64_t packed = _pext_u64(bytes[k], masks[k]);
    __builtin_memcpy(out, &packed, sizeof packed);
    out += __builtin_popcountll(masks[k]) / 8;
  }
  return out;
}

template <typename Join>
inline std::int32_t reduce(Ints a, Join join) {
  std::int32_t values[kLanes];
  store(values, a);
  std::int32_t result = values[0];
  for (int lane = 1; lane < kLanes; ++lane) result = join(result, values[lane]);
  return result;
}
inline std::int32_t sum(Ints a) {
  return reduce(a, [](std::int32_t x, std::int32_t y) { return x + y; });
}
inline std::int32_t smallest(Ints a) {
  return reduce(a, [](std::int32_t x, std::int32_t y) { return x < y ? x : y; });
}
inline std::int32_t largest(Ints a) {
  return reduce(a, [](std::int32_t x, std::int32_t y) { return x > y ? x : y; });
}
