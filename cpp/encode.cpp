#include "encode.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
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

// Asks for a channel some masks before its turn: those of a network seldom are in the cache.
constexpr std::int64_t kPrefetchAhead = 2;
void prefetch(const MaskArray& masks, const std::byte* channel) {
  constexpr std::ptrdiff_t kLine = 64;
  const std::ptrdiff_t item = masks.scalar == Scalar::float32 ? 4 : 2;
  if (masks.column_stride != item || masks.row_stride != item * masks.size.width) return;
  const std::ptrdiff_t bytes = masks.row_stride * masks.size.height;
  for (std::ptrdiff_t at = 0; at < bytes; at += kLine) __builtin_prefetch(channel + at);
}

// A thread keeps its workspace from call to call: with few masks, making it would take longer than
// they do. Large ones are not kept.
Workspace& workspace_for(MaskSize size, std::optional<Workspace>& own) {
  constexpr std::int32_t kMaxKeptSide = 128;
  if (size.height > kMaxKeptSide || size.width > kMaxKeptSide) return own.emplace(size);
  thread_local std::optional<Workspace> kept;
  if (!kept || kept->mask.size.height != size.height || kept->mask.size.width != size.width) {
    kept.emplace(size);
  }
  return *kept;
}

}  // namespace

Batch encode(const MaskArray& masks, const Box* boxes, const std::int64_t* channels,
             ImageSize image, Paste paste, float threshold) {
  const StandardFloatEnvironment environment;
  check_arguments(masks, image, threshold);
  const Kernel& kernel = active_kernel();
  Batch batch(image, static_cast<std::size_t>(masks.count));
  std::optional<Workspace> own_workspace;
  Workspace& workspace = workspace_for(masks.size, own_workspace);
  const auto source = [&](std::int64_t index) {
    return masks.data + index * masks.count_stride +
           channel_of(masks, channels, index) * masks.channel_stride;
  };
  for (std::int64_t i = 0; i < std::min(kPrefetchAhead, masks.count); ++i) {
    prefetch(masks, source(i));
  }
  for (std::int64_t i = 0; i < masks.count; ++i) {
    if (i + kPrefetchAhead < masks.count) prefetch(masks, source(i + kPrefetchAhead));
    check_box(boxes[i], i);
    kernel.select(workspace, masks, source(i));
    if (!std::isfinite(workspace.mask.magnitude)) {
      refuse_value(masks, workspace, i, channel_of(masks, channels, i));
    }
    kernel.encode(workspace, place(paste, boxes[i], image, masks.size, threshold), batch);
  }
  return batch;
}

}  // namespace maskrle
