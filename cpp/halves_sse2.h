// Part of simd_halves.h: SSE2, which every x86-64 has.

inline constexpr bool kHasFused = false;
inline FloatHalf roughly_fused(FloatHalf a, FloatHalf b, FloatHalf c) { return a * b + c; }
inline double truncated(double a) { return static_cast<std::int32_t>(a); }  // no roundpd
inline IntHalf nearest_integers(FloatHalf a) { return (IntHalf)_mm_cvtps_epi32(a); }
inline Lanes to_lanes(IntHalf low, IntHalf high) {
  return static_cast<Lanes>(_mm_movemask_ps((__m128)low) | _mm_movemask_ps((__m128)high) << 4);
}
inline FloatHalf even_lanes(FloatHalf a, FloatHalf b) {
  return _mm_shuffle_ps(a, b, _MM_SHUFFLE(2, 0, 2, 0));
}
inline FloatHalf odd_lanes(FloatHalf a, FloatHalf b) {
  return _mm_shuffle_ps(a, b, _MM_SHUFFLE(3, 1, 3, 1));
}
inline IntHalf shift_in(IntHalf a, IntHalf before) {
  return (IntHalf)_mm_or_si128(_mm_slli_si128((__m128i)a, 4), _mm_srli_si128((__m128i)before, 12));
}
inline __m128i to_shorts(IntHalf low, IntHalf high) {
  return _mm_packs_epi32((__m128i)low, (__m128i)high);
}
inline __m128i to_bytes(__m128i shorts) { return _mm_packus_epi16(shorts, shorts); }
