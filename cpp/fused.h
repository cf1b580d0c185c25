// a * b + c in float, rounded once, also where the machine has no instruction for it.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace maskrle {

inline float fused_multiply_add(float a, float b, float c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return std::fma(a, b, c);
#else
  const double product = static_cast<double>(a) * static_cast<double>(b);  // exact: 24 + 24 bits
  const double addend = static_cast<double>(c);
  const double sum = product + addend;
  // What the sum lost (Knuth's TwoSum). If anything, round to odd instead of to even: then the
  // second rounding, to float, sees on which side of a tie the exact sum lies.
  // Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", 2008.
  const double part = sum - product;
  const double lost = (product - (sum - part)) + (addend - part);
  auto bits = std::bit_cast<std::int64_t>(sum);
  if (lost != 0 && (bits & 1) == 0) bits += (lost > 0) == (sum > 0) ? 1 : -1;
  return static_cast<float>(std::bit_cast<double>(bits));
#endif
}

}  // namespace maskrle
