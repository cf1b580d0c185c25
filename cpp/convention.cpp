#include "convention.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace maskrle {
namespace {

struct Span {
  std::int64_t first, last;  // pixels, both inside
};

// cv2.resize of the mask with its zero border to the pixels of `span`, cut off at the image.
Axis resized(Span span, std::int64_t image_side, std::int32_t side) {
  Axis axis{};
  axis.rule = Rule::cv2;
  axis.side = side;
  const std::int64_t extent = std::max<std::int64_t>(span.last - span.first + 1, 1);
  axis.begin = std::clamp<std::int64_t>(span.first, 0, image_side);
  axis.end = std::max(std::clamp<std::int64_t>(span.last + 1, 0, image_side), axis.begin);
  axis.origin = static_cast<double>(span.first);
  axis.scale = static_cast<double>(side + 2) / static_cast<double>(extent);
  axis.ascending = true;
  return axis;
}

// accuracy_checker's expand_boxes, all in float, and its astype(int): truncation toward zero.
Span expand_omz(float low, float high, float factor) {
  float half = (high - low) * 0.5F;
  const float center = (high + low) * 0.5F;
  half *= factor;
  return {static_cast<std::int64_t>(center - half), static_cast<std::int64_t>(center + half)};
}

// Model API: the rounded and clipped box, expanded in double.
Span expand_model_api(float low, float high, std::int64_t image_side, double factor) {
  const auto side = static_cast<double>(image_side);
  const double first = std::clamp(std::nearbyint(static_cast<double>(low)), 0.0, side);
  const double last = std::clamp(std::nearbyint(static_cast<double>(high)), 0.0, side);
  const double half = (last - first) * 0.5 * factor;
  const double center = (last + first) * 0.5;
  return {static_cast<std::int64_t>(center - half), static_cast<std::int64_t>(center + half)};
}

// reframe_box_masks_to_image_masks: crop_and_resize of the mask to the whole image.
Axis reframed(float low, float high, std::int64_t image_side, std::int32_t side, float above) {
  Axis axis{};
  axis.rule = Rule::tf;
  axis.side = side;
  const auto extent = static_cast<float>(image_side);
  const auto reach = static_cast<float>(side - 1);
  const float b0 = low / extent;
  const float b1 = high / extent;
  const float den = std::max(b1 - b0, 1e-4F);
  const float a0 = (0.0F - b0) / den;
  const float a1 = (1.0F - b0) / den;
  if (image_side > 1) {
    axis.step = ((a1 - a0) * reach) / static_cast<float>(image_side - 1);
    axis.start = a0 * reach;
  } else {
    axis.step = 0.0F;
    axis.start = 0.5F * (a0 + a1) * reach;
  }
  axis.scale = static_cast<double>(axis.step);
  axis.ascending = true;
  if (above < 0.0F) {  // the zero outside the box is "on" as well
    axis.begin = 0;
    axis.end = image_side;
  } else {
    axis.begin = first_pixel(0, image_side, [&](std::int64_t p) { return tap(axis, p).node > 0; });
    axis.end = first_pixel(0, image_side, [&](std::int64_t p) { return tap(axis, p).node > side; });
  }
  return axis;
}

Axis sampled(float low, float high, std::int64_t image_side, std::int32_t side) {
  Axis axis{};
  axis.rule = Rule::detectron2;
  axis.side = side;
  axis.begin =
      std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(low)) - 1, 0, image_side);
  axis.end = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::ceil(high)) + 1, axis.begin,
                                      std::max(image_side, axis.begin));
  axis.start = low;
  axis.step = high - low;
  axis.scale = static_cast<double>(side) / static_cast<double>(axis.step);
  axis.ascending = axis.step > 0.0F;
  return axis;
}

}  // namespace

std::optional<Paste> paste_from_name(std::string_view name) {
  if (name == "omz") return Paste::omz;
  if (name == "model_api") return Paste::model_api;
  if (name == "tf") return Paste::tf;
  if (name == "detectron2") return Paste::detectron2;
  return std::nullopt;
}

Placement place(Paste paste, const Box& box, ImageSize image, MaskSize mask, float threshold) {
  Placement p{};
  p.threshold = threshold;
  p.above = threshold;
  switch (paste) {
    case Paste::omz: {
      // One factor, from the mask's height, for both axes: so does accuracy_checker.
      const auto factor = static_cast<float>(static_cast<double>(mask.height + 2) /
                                             static_cast<double>(mask.height));
      p.x = resized(expand_omz(box.x_min, box.x_max, factor), image.width, mask.width);
      p.y = resized(expand_omz(box.y_min, box.y_max, factor), image.height, mask.height);
      p.fused = true;
      break;
    }
    case Paste::model_api: {
      const double factor = static_cast<double>(mask.height + 2) / static_cast<double>(mask.height);
      p.x = resized(expand_model_api(box.x_min, box.x_max, image.width, factor), image.width,
                    mask.width);
      p.y = resized(expand_model_api(box.y_min, box.y_max, image.height, factor), image.height,
                    mask.height);
      p.fused = true;
      break;
    }
    case Paste::tf:
      p.x = reframed(box.x_min, box.x_max, image.width, mask.width, threshold);
      p.y = reframed(box.y_min, box.y_max, image.height, mask.height, threshold);
      break;
    case Paste::detectron2:
      p.x = sampled(box.x_min, box.x_max, image.width, mask.width);
      p.y = sampled(box.y_min, box.y_max, image.height, mask.height);
      p.at_threshold = true;
      p.above = std::nextafter(threshold, -std::numeric_limits<float>::infinity());
      break;
  }
  return p;
}

}  // namespace maskrle
