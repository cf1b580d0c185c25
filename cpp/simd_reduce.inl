// Sums and extremes over the lanes, where the instruction set has none. Part of simd_*.h.

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
