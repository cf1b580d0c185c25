// A box under a paste convention -> where its mask lies in the image, one axis each.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "axis.h"

namespace maskrle {

enum class Paste : std::uint8_t { omz, model_api, tf, detectron2 };

struct Box {
  float x_min, y_min, x_max, y_max;  // pixels of the image
};

struct ImageSize {
  std::int64_t height, width;  // pixels; height * width <= 2^32 - 1
};

struct MaskSize {
  std::int32_t height, width;  // cells
};

// Everything the kernels need to know of a convention, for one box.
struct Placement {
  Axis x, y;
  bool fused;         // blend: fma(q - p, weight, p), else p + (q - p) * weight
  float threshold;    // a pixel is on where value > threshold,
  bool at_threshold;  // and where value == threshold
  float above;        // of finite values the same as value > above

  bool is_on(float value) const { return at_threshold ? value >= threshold : value > threshold; }
};

// Every paste convention by its public name.
std::optional<Paste> paste_from_name(std::string_view name);

// Bit for bit the geometry of the convention. The coordinates must be finite and within +-10^9.
Placement place(Paste paste, const Box& box, ImageSize image, MaskSize mask, float threshold);

}  // namespace maskrle
