// Part of simd_halves.h: any other machine.

inline constexpr bool kHasFused = false;
inline FloatHalf roughly_fused(FloatHalf a, FloatHalf b, FloatHalf c) { return a * b + c; }
inline double truncated(double a) { return __builtin_trunc(a); }
inline IntHalf nearest_integers(FloatHalf a) {  // of magnitudes below 2^22
  constexpr float kShift = 0x1.8p23F;
  return __builtin_convertvector((a + kShift) - kShift, IntHalf);
}
inline Lanes to_lanes(IntHalf low, IntHalf high) {
  Lanes lanes = 0;
  for (int lane = 0; lane < 4; ++lane) {
    lanes |= (low[lane] & 1U) << lane | (high[lane] & 1U) << (lane + 4);
  }
  return lanes;
}
inline FloatHalf even_lanes(FloatHalf a, FloatHalf b) { return FloatHalf{a[0], a[2], b[0], b[2]}; }
inline FloatHalf odd_lanes(FloatHalf a, FloatHalf b) { return FloatHalf{a[1], a[3], b[1], b[3]}; }
inline IntHalf shift_in(IntHalf a, IntHalf before) { return IntHalf{before[3], a[0], a[1], a[2]}; }
using Shorts = std::int16_t __attribute__((vector_size(16)));
using Bytes = std::uint8_t __attribute__((vector_size(8)));
inline Shorts to_shorts(IntHalf low, IntHalf high) {
  Shorts a;
  for (int lane = 0; lane < 4; ++lane) {
    a[lane] = static_cast<std::int16_t>(low[lane]);
    a[lane + 4] = static_cast<std::int16_t>(high[lane]);
  }
  return a;
}
inline Bytes to_bytes(Shorts shorts) { return __builtin_convertvector(shorts, Bytes); }
