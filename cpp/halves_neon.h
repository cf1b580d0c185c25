// Part of simd_halves.h: NEON, which every aarch64 has.

inline constexpr bool kHasFused = true;
inline FloatHalf roughly_fused(FloatHalf a, FloatHalf b, FloatHalf c) {
  return (FloatHalf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}
inline double truncated(double a) { return __builtin_trunc(a); }
inline IntHalf nearest_integers(FloatHalf a) { return (IntHalf)vcvtnq_s32_f32((float32x4_t)a); }
inline FloatHalf even_lanes(FloatHalf a, FloatHalf b) {
  return (FloatHalf)vuzp1q_f32((float32x4_t)a, (float32x4_t)b);
}
inline FloatHalf odd_lanes(FloatHalf a, FloatHalf b) {
  return (FloatHalf)vuzp2q_f32((float32x4_t)a, (float32x4_t)b);
}
inline IntHalf shift_in(IntHalf a, IntHalf before) {
  return (IntHalf)vextq_s32((int32x4_t)before, (int32x4_t)a, 3);
}
inline uint16x8_t to_shorts(IntHalf low, IntHalf high) {
  return vmovn_high_u32(vmovn_u32((uint32x4_t)low), (uint32x4_t)high);
}
inline uint8x8_t to_bytes(uint16x8_t shorts) { return vmovn_u16(shorts); }
inline Lanes to_lanes(IntHalf low, IntHalf high) {
  const uint16x8_t bits{1, 2, 4, 8, 16, 32, 64, 128};
  return vaddvq_u16(vandq_u16(to_shorts(low, high), bits));
}
