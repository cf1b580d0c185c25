// The network's masks as they lie in memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "convention.h"

namespace maskrle {

inline constexpr std::int32_t kMaxMaskSide = 1024;

enum class Scalar : std::uint8_t { float32, float16 };

// A view of [count, channels, height, width]; strides in bytes, of any sign.
struct MaskArray {
  const std::byte* data;
  std::int64_t count, channels;
  MaskSize size;
  std::ptrdiff_t count_stride, channel_stride, row_stride, column_stride;
  Scalar scalar;
};

}  // namespace maskrle
