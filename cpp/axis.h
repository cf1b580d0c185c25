// One axis of a placement: which two mask cells, with which weight, make the value at a pixel.
//
// Every convention reads the mask as if it were padded with one zero on every side: node 0 is the
// zero before the mask, nodes 1..side are its cells, node side + 1 is the zero after it. A pixel's
// value on this axis is blend(node, node + 1, weight), and weight 0 means the node itself.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace maskrle {

struct Tap {
  std::int32_t node;  // 0 .. side + 1
  float weight;       // 0 .. 1
};

// How a pixel's coordinate on the mask is computed, to the bit; see reference.py.
enum class Rule : std::uint8_t {
  cv2,        // cv2.resize of the padded mask, INTER_LINEAR: double coordinate, edges repeated
  tf,         // tf.image.crop_and_resize: float coordinate, a hard edge to zero
  detectron2  // grid_sample, align_corners=False, zero padding: float coordinate, blends to zero
};

struct Axis {
  Rule rule;
  std::int32_t side;   // mask cells on this axis
  std::int64_t begin;  // visible pixels are [begin, end); begin == end: none
  std::int64_t end;
  double origin;   // cv2: pixel where the resized mask begins
  double scale;    // cells per pixel; exact for cv2, else only a guess for searches
  float start;     // tf: coordinate of pixel 0; detectron2: the box's first edge
  float step;      // tf: coordinate increment; detectron2: the box's extent
  bool ascending;  // coordinates never decrease from pixel to pixel
};

inline Tap tap_cv2(const Axis& axis, std::int64_t pixel) {
  const double last = axis.side + 1;
  const double c = (static_cast<double>(pixel) - axis.origin + 0.5) * axis.scale - 0.5;
  const double cell = std::floor(c);
  if (cell < 0) return {0, 0.0F};
  if (cell >= last) return {axis.side + 1, 0.0F};
  return {static_cast<std::int32_t>(cell), static_cast<float>(c - cell)};
}

inline Tap tap_tf(const Axis& axis, std::int64_t pixel) {
  const float u = axis.start + static_cast<float>(pixel) * axis.step;
  if (!(u >= 0.0F)) return {0, 0.0F};
  if (u > static_cast<float>(axis.side - 1)) return {axis.side + 1, 0.0F};
  const float cell = std::floor(u);
  return {static_cast<std::int32_t>(cell) + 1, u - cell};
}

inline Tap tap_detectron2(const Axis& axis, std::int64_t pixel) {
  const auto side = static_cast<float>(axis.side);
  const float u = (static_cast<float>(pixel) + 0.5F - axis.start) / axis.step * side - 0.5F;
  if (!(u >= -1.0F)) return {0, 0.0F};  // also where a box without extent gives NaN
  if (u >= side) return {axis.side + 1, 0.0F};
  const float cell = std::floor(u);
  return {static_cast<std::int32_t>(cell) + 1, u - cell};
}

inline Tap tap(const Axis& axis, std::int64_t pixel) {
  switch (axis.rule) {
    case Rule::cv2:
      return tap_cv2(axis, pixel);
    case Rule::tf:
      return tap_tf(axis, pixel);
    case Rule::detectron2:
      return tap_detectron2(axis, pixel);
  }
  return {0, 0.0F};
}

// First pixel in [begin, end) for which `condition` holds, which never turns false again; or `end`.
template <typename Condition>
std::int64_t first_pixel(std::int64_t begin, std::int64_t end, Condition condition) {
  while (begin < end) {
    const std::int64_t middle = begin + (end - begin) / 2;
    if (condition(middle)) {
      end = middle;
    } else {
      begin = middle + 1;
    }
  }
  return begin;
}

// The same where the pixel is probably near to `guess`.
template <typename Condition>
std::int64_t first_pixel_near(std::int64_t begin, std::int64_t end, std::int64_t guess,
                              Condition condition) {
  constexpr std::int64_t kNear = 2;
  const std::int64_t low = std::clamp(guess - kNear, begin, end);
  const std::int64_t high = std::clamp(guess + kNear, begin, end);
  if (low > begin && condition(low - 1)) return first_pixel(begin, low, condition);
  if (high < end && !condition(high)) return first_pixel(high + 1, end, condition);
  return first_pixel(low, high, condition);
}

}  // namespace maskrle
