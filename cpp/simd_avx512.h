// 16 lanes: AVX-512 F, BW, DQ and VL. The same names in every simd_*.h.
// A set of lanes is a number, lane 0 in bit 0.

inline constexpr int kLanes = 16;
using Floats = __m512;
using Ints = __m512i;
using Lanes = std::uint32_t;
inline constexpr Lanes kAllLanes = 0xFFFF;

inline Floats load(const float* p) { return _mm512_loadu_ps(p); }
inline Floats load_first(const float* p, std::int32_t count) {  // the rest zeros, not read
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << count) - 1), p);
}
inline void store(float* p, Floats a) { _mm512_storeu_ps(p, a); }
inline Ints load(const std::int32_t* p) { return _mm512_loadu_si512(p); }
inline void store(std::int32_t* p, Ints a) { _mm512_storeu_si512(p, a); }
inline Floats splat(float a) { return _mm512_set1_ps(a); }
inline Ints splat(std::int32_t a) { return _mm512_set1_epi32(a); }

inline Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
inline Floats sub(Floats a, Floats b) { return _mm512_sub_ps(a, b); }
inline Floats mul(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
inline Floats div(Floats a, Floats b) { return _mm512_div_ps(a, b); }
inline constexpr bool kHasFused = true;
inline Floats fused(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
inline Floats absolute(Floats a) { return _mm512_abs_ps(a); }
inline Ints as_ints(Floats a) { return _mm512_castps_si512(a); }
// a * b + c, rounded once or twice: where the last bits do not matter.
inline Floats roughly_fused(Floats a, Floats b, Floats c) { return fused(a, b, c); }
// Of the size of an integer.
inline double truncated(double a) { return __builtin_trunc(a); }
inline Ints rounded_up(Floats a) {
  return _mm512_cvt_roundps_epi32(a, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC);
}
// min(a, |b|), of an a that is not negative.
inline Floats nearer(Floats a, Floats b) { return _mm512_range_ps(a, b, 0b1010); }
// How far away the nearest integer is.
inline Floats off_integer(Floats a) {
  return absolute(sub(a, _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)));
}

inline Ints add(Ints a, Ints b) { return _mm512_add_epi32(a, b); }
inline Ints sub(Ints a, Ints b) { return _mm512_sub_epi32(a, b); }
inline Ints min(Ints a, Ints b) { return _mm512_min_epi32(a, b); }
inline Ints max(Ints a, Ints b) { return _mm512_max_epi32(a, b); }

inline Lanes greater(Floats a, Floats b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
inline Lanes equal(Ints a, Ints b) { return _mm512_cmpeq_epi32_mask(a, b); }
inline Floats select(Lanes lanes, Floats a, Floats b) {  // a in `lanes`, else b
  return _mm512_mask_blend_ps(static_cast<__mmask16>(lanes), b, a);
}
inline Ints select(Lanes lanes, Ints a, Ints b) {
  return _mm512_mask_blend_epi32(static_cast<__mmask16>(lanes), b, a);
}
// a with the bits of `bits` where x > y.
inline Ints with_bits(Ints a, Floats x, Floats y, Ints bits) {
  return _mm512_mask_or_epi32(a, _mm512_cmp_ps_mask(x, y, _CMP_GT_OQ), a, bits);
}
// Whether low <= a < low + 2^n in all lanes of `lanes`; `size` = 2^n.
inline bool all_within(Lanes lanes, Ints a, std::int32_t low, std::int32_t size) {
  return _mm512_mask_cmpge_epu32_mask(static_cast<__mmask16>(lanes), sub(a, splat(low)),
                                      splat(size)) == 0;
}

// The row's values at nodes and at nodes + 1. `first` is the smallest node, `span` how far beyond
// it the values needed lie.
struct Neighbours {
  Floats p, q;
};
inline Neighbours fetch(const float* row, Ints nodes, std::int32_t first, std::int32_t span) {
  const Ints offsets = sub(nodes, splat(first));
  row += first;
  if (span < 16) {
    return {_mm512_permutexvar_ps(offsets, load(row)),
            _mm512_permutexvar_ps(offsets, load(row + 1))};
  }
  if (span < 32) {
    return {_mm512_permutex2var_ps(load(row), offsets, load(row + 16)),
            _mm512_permutex2var_ps(load(row + 1), offsets, load(row + 17))};
  }
  return {_mm512_i32gather_ps(offsets, row, 4), _mm512_i32gather_ps(offsets, row + 1, 4)};
}

// a[lane - 1], and in lane 0 the last one of `before`.
inline Ints shift_in(Ints a, Ints before) { return _mm512_alignr_epi32(a, before, 15); }
// a[0], b[0], a[1], b[1], ..
inline void interleave(Ints a, Ints b, Ints& low, Ints& high) {
  const Ints even = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  low = _mm512_permutex2var_epi32(a, even, b);
  high = _mm512_permutex2var_epi32(a, add(even, splat(8)), b);
}
// The low bytes of a[0], b[0], a[1], b[1], ..; the other bytes must be zero.
inline void store_byte_pairs(std::uint8_t* out, Ints a, Ints b) {
  const Ints pairs = _mm512_or_si512(a, _mm512_slli_epi32(b, 8));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm512_cvtepi32_epi16(pairs));
}

// begin[0], end[0], begin[1], end[1], .. of the chosen lanes; returns one past the last written.
inline std::int32_t* store_pairs(std::int32_t* out, Lanes lanes, Ints begin, Ints end) {
  Ints low;
  Ints high;
  interleave(begin, end, low, high);
  if (lanes == kAllLanes) {
    store(out, low);
    store(out + 16, high);
    return out + 32;
  }
  const std::uint32_t twice = _pdep_u32(lanes, 0x55555555U) * 3;
  store(out, _mm512_maskz_compress_epi32(static_cast<__mmask16>(twice), low));
  out += __builtin_popcount(twice & 0xFFFFU);
  store(out, _mm512_maskz_compress_epi32(static_cast<__mmask16>(twice >> 16), high));
  return out + __builtin_popcount(twice >> 16);
}

// begin[0], end[0], begin2[0], end2[0], begin[1], .. of the chosen lanes, of two sets; returns one
// past the last written.
inline std::int32_t* store_quads(std::int32_t* out, Lanes lanes, Ints begin, Ints end, Lanes lanes2,
                                 Ints begin2, Ints end2) {
  Ints first[2];
  Ints second[2];
  interleave(begin, end, first[0], first[1]);
  interleave(begin2, end2, second[0], second[1]);
  const Ints even = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
  const Ints odd = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
  std::uint64_t kept =
      _pdep_u64(lanes, 0x1111111111111111U) * 3 | _pdep_u64(lanes2, 0x4444444444444444U) * 3;
  for (int half = 0; half < 2; ++half) {
    for (const Ints order : {even, odd}) {
      const Ints quads = _mm512_permutex2var_epi64(first[half], order, second[half]);
      store(out, _mm512_maskz_compress_epi32(static_cast<__mmask16>(kept), quads));
      out += __builtin_popcount(kept & 0xFFFFU);
      kept >>= 16;
    }
  }
  return out;
}

// The low byte of each lane.
inline void store_bytes(std::uint8_t* out, Ints a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm512_cvtepi32_epi8(a));
}
inline Ints bit_and(Ints a, Ints b) { return _mm512_and_si512(a, b); }
inline Ints bit_or(Ints a, Ints b) { return _mm512_or_si512(a, b); }
inline Ints shift_left(Ints a, int n) { return _mm512_slli_epi32(a, static_cast<unsigned>(n)); }
inline Ints shift_right(Ints a, int n) { return _mm512_srli_epi32(a, static_cast<unsigned>(n)); }
// a, or of a negative number -a - 1.
inline Ints without_sign(Ints a) { return max(a, _mm512_xor_si512(a, splat(-1))); }

// `value` where a > limit, else 0.
inline Ints where_greater(Ints a, std::int32_t limit, std::int32_t value) {
  return _mm512_maskz_mov_epi32(_mm512_cmpgt_epi32_mask(a, splat(limit)), splat(value));
}
// The bytes of a under the ones of `kept`, next to each other; returns one past the last. Writes
// up to 64 bytes.
inline std::uint8_t* pack_bytes(std::uint8_t* out, Ints a, Ints kept) {
#if defined(MASKRLE_VBMI2)
  const std::uint64_t bytes = _mm512_movepi8_mask(kept);
  _mm512_storeu_si512(out, _mm512_maskz_compress_epi8(bytes, a));
  return out + __builtin_popcountll(bytes);
#else
  std::uint64_t bytes[8];
  std::uint64_t masks[8];
  _mm512_storeu_si512(bytes, a);
  _mm512_storeu_si512(masks, kept);
  for (int k = 0; k < 8; ++k) {
    const std::uint64_t packed = _pext_u64(bytes[k], masks[k]);
    __builtin_memcpy(out, &packed, sizeof packed);
    out += __builtin_popcountll(masks[k]) / 8;
  }
  return out;
#endif
}
inline std::int32_t sum(Ints a) { return _mm512_reduce_add_epi32(a); }
inline std::int32_t smallest(Ints a) { return _mm512_reduce_min_epi32(a); }
inline std::int32_t largest(Ints a) { return _mm512_reduce_max_epi32(a); }
