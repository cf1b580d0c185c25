#include "encode.h"

#include <array>
#include <cmath>
#include <sstream>
#include <string>

#include "backend.h"
#include "float_environment.h"
#include "kernel.h"

namespace maskrle {
namespace {

template <typename... Parts>
[[noreturn]] void refuse(const Parts&... parts) {
  std::ostringstream message;
  message.imbue(std::locale::classic());
  (message << ... << parts);
  throw InputError(message.str());
}

void check_arguments(const MaskArray& masks, ImageSize image, float threshold) {
  const auto side_fits = [](std::int32_t side) { return side >= 1 && side <= kMaxMaskSide; };
  if (!side_fits(masks.size.height) || !side_fits(masks.size.width)) {
    refuse("masks must have sides from 1 to ", kMaxMaskSide, ", got ", masks.size.height, " x ",
           masks.size.width);
  }
  if (image.height < 1 || image.width < 1 || image.height > kMaxPixels / image.width) {
    refuse(
        "image_size must be (height, width), each at least 1, with at most 2**32 - 1 pixels, got (",
        image.height, ", ", image.width, ")");
  }
  if (std::isnan(threshold)) refuse("threshold must be a number, got nan");
}

void check_box(const Box& box, std::int64_t index) {
  static constexpr std::array<const char*, 4> kNames{"x_min", "y_min", "x_max", "y_max"};
  const std::array<float, 4> values{box.x_min, box.y_min, box.x_max, box.y_max};
  for (std::size_t k = 0; k < values.size(); ++k) {
    if (std::fabs(values[k]) <= kMaxCoordinate) continue;  // false for NaN
    refuse("boxes must be finite and within +-1e9, got ", kNames[k], " = ", values[k], " in box ",
           index);
  }
}

std::int64_t channel_of(const MaskArray& masks, const std::int64_t* channels, std::int64_t index) {
  if (channels == nullptr) return 0;
  const std::int64_t channel = channels[index];
  if (channel < 0 || channel >= masks.channels) {
    refuse("channels must be from 0 to ", masks.channels - 1, " (masks have ", masks.channels,
           "), got ", channel, " at index ", index);
  }
  return channel;
}

[[noreturn]] void refuse_value(const MaskArray& masks, const Workspace& workspace,
                               std::int64_t index, std::int64_t channel) {
  for (std::int32_t y = 0; y < masks.size.height; ++y) {
    for (std::int32_t x = 0; x < masks.size.width; ++x) {
      const float value = workspace.mask.row(y + 1)[x + 1];
      if (std::isfinite(value)) continue;
      refuse("masks must be finite, got ", value, " in mask ", index, ", channel ", channel,
             ", row ", y, ", column ", x);
    }
  }
  refuse("masks changed while they were read");
}

// Asks for a channel before its turn comes: the masks of a network seldom fit into the cache.
void prefetch(const MaskArray& masks, const std::byte* channel) {
  constexpr std::ptrdiff_t kLine = 64;
  const std::ptrdiff_t item = masks.scalar == Scalar::float32 ? 4 : 2;
  if (masks.column_stride != item || masks.row_stride != item * masks.size.width) return;
  const std::ptrdiff_t bytes = masks.row_stride * masks.size.height;
  for (std::ptrdiff_t at = 0; at < bytes; at += kLine) __builtin_prefetch(channel + at);
}

}  // namespace

Batch encode(const MaskArray& masks, const Box* boxes, const std::int64_t* channels,
             ImageSize image, Paste paste, float threshold) {
  const StandardFloatEnvironment environment;
  check_arguments(masks, image, threshold);
  const Kernel& kernel = active_kernel();
  Batch batch(image, static_cast<std::size_t>(masks.count));
  Workspace workspace(masks.size);
  const auto source = [&](std::int64_t index, std::int64_t channel) {
    return masks.data + index * masks.count_stride + channel * masks.channel_stride;
  };
  std::int64_t next = masks.count > 0 ? channel_of(masks, channels, 0) : 0;
  for (std::int64_t i = 0; i < masks.count; ++i) {
    const std::int64_t channel = next;
    if (i + 1 < masks.count) {
      next = channel_of(masks, channels, i + 1);
      prefetch(masks, source(i + 1, next));
    }
    check_box(boxes[i], i);
    kernel.select(workspace, masks, source(i, channel));
    if (!std::isfinite(workspace.mask.magnitude)) refuse_value(masks, workspace, i, channel);
    kernel.encode(workspace, place(paste, boxes[i], image, masks.size, threshold), batch);
  }
  return batch;
}

}  // namespace maskrle
