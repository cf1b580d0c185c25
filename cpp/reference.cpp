#include "reference.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace maskrle::reference {
namespace {

// What one pixel of an image side takes from the mask; `visible` is false outside the window.
// Cells are counted on the mask itself: -1 and `side` are the zeros around it.
struct Sample {
  bool visible;
  std::int64_t cell;
  float weight;
};

struct Span {
  std::int64_t first, last;
};

Span expand_omz(float low, float high, std::int32_t mask_height) {
  const auto s = static_cast<float>((mask_height + 2.0) / mask_height);
  float half = (high - low) * 0.5F;
  float center = (high + low) * 0.5F;
  half = half * s;
  const float first = center - half;
  const float last = center + half;
  return {static_cast<std::int64_t>(std::trunc(first)),
          static_cast<std::int64_t>(std::trunc(last))};
}

double round_half_to_even(double value) {
  const double down = std::floor(value);
  const double rest = value - down;
  if (rest < 0.5) return down;
  if (rest > 0.5) return down + 1;
  return std::fmod(down, 2.0) == 0 ? down : down + 1;
}

Span expand_model_api(float low, float high, std::int64_t image_side, std::int32_t mask_height) {
  const auto whole = [&](float edge) {
    return std::min(std::max(round_half_to_even(edge), 0.0), static_cast<double>(image_side));
  };
  const double s = (mask_height + 2.0) / mask_height;
  const double half = (whole(high) - whole(low)) * 0.5 * s;
  const double center = (whole(high) + whole(low)) * 0.5;
  return {static_cast<std::int64_t>(std::trunc(center - half)),
          static_cast<std::int64_t>(std::trunc(center + half))};
}

// cv2.resize of the padded mask, whose cell 0 is the zero before the mask.
Sample sample_cv2(Span span, std::int64_t pixel, std::int64_t image_side, std::int32_t side) {
  const auto clip = [&](std::int64_t edge) {
    return edge < 0 ? 0 : (edge > image_side ? image_side : edge);
  };
  if (pixel < clip(span.first) || pixel >= clip(span.last + 1)) return {false, 0, 0};
  const std::int64_t padded = side + 2;
  const std::int64_t extent = std::max<std::int64_t>(span.last - span.first + 1, 1);
  const auto d = static_cast<double>(pixel - span.first);
  const double c = (d + 0.5) * (static_cast<double>(padded) / static_cast<double>(extent)) - 0.5;
  const double i = std::floor(c);
  if (i < 0) return {true, -1, 0.0F};
  if (i >= static_cast<double>(padded - 1)) return {true, side, 0.0F};
  return {true, static_cast<std::int64_t>(i) - 1, static_cast<float>(c - i)};
}

Sample sample_tf(float low, float high, std::int64_t pixel, std::int64_t image_side,
                 std::int32_t side) {
  const auto extent = static_cast<float>(image_side);
  const auto reach = static_cast<float>(side - 1);
  const float b0 = low / extent;
  const float b1 = high / extent;
  const float den = std::max(b1 - b0, 1e-4F);
  const float a0 = (0.0F - b0) / den;
  const float a1 = (1.0F - b0) / den;
  float u;
  if (image_side == 1) {
    u = 0.5F * (a0 + a1) * reach;
  } else {
    const float scale = ((a1 - a0) * reach) / static_cast<float>(image_side - 1);
    const float offset = static_cast<float>(pixel) * scale;
    u = a0 * reach + offset;
  }
  if (u < 0.0F) return {true, -1, 0.0F};
  if (u > reach) return {true, side, 0.0F};
  return {true, static_cast<std::int64_t>(std::floor(u)), u - std::floor(u)};
}

Sample sample_detectron2(float low, float high, std::int64_t pixel, std::int64_t image_side,
                         std::int32_t side) {
  const std::int64_t begin =
      std::max<std::int64_t>(static_cast<std::int64_t>(std::floor(low)) - 1, 0);
  const std::int64_t end =
      std::min<std::int64_t>(static_cast<std::int64_t>(std::ceil(high)) + 1, image_side);
  if (pixel < begin || pixel >= end) return {false, 0, 0};
  const float along = static_cast<float>(pixel) + 0.5F - low;
  const float part = along / (high - low);
  const float cells = part * static_cast<float>(side);
  const float u = cells - 0.5F;
  if (std::isnan(u) || u < -1.0F) return {true, -1, 0.0F};
  if (u >= static_cast<float>(side)) return {true, side, 0.0F};
  return {true, static_cast<std::int64_t>(std::floor(u)), u - std::floor(u)};
}

std::vector<Sample> samples(Paste convention, float low, float high, std::int64_t image_side,
                            std::int32_t side, std::int32_t mask_height) {
  std::vector<Sample> all;
  all.reserve(static_cast<std::size_t>(image_side));
  for (std::int64_t pixel = 0; pixel < image_side; ++pixel) {
    switch (convention) {
      case Paste::omz:
        all.push_back(sample_cv2(expand_omz(low, high, mask_height), pixel, image_side, side));
        break;
      case Paste::model_api:
        all.push_back(sample_cv2(expand_model_api(low, high, image_side, mask_height), pixel,
                                 image_side, side));
        break;
      case Paste::tf:
        all.push_back(sample_tf(low, high, pixel, image_side, side));
        break;
      case Paste::detectron2:
        all.push_back(sample_detectron2(low, high, pixel, image_side, side));
        break;
    }
  }
  return all;
}

// In double the product of two floats is exact, but adding to it and then rounding to float would
// round twice: so the C library's word is taken for what one rounding gives.
float blend_fused(float p, float q, float weight) {
  const float slope = q - p;
  return std::fma(slope, weight, p);
}

float blend_rounded(float p, float q, float weight) {
  const float slope = q - p;
  const float rise = slope * weight;
  return p + rise;
}

}  // namespace

std::vector<std::uint8_t> paste(const std::vector<float>& mask, MaskSize size, const Box& box,
                                ImageSize image, Paste convention, float threshold) {
  const std::vector<Sample> xs =
      samples(convention, box.x_min, box.x_max, image.width, size.width, size.height);
  const std::vector<Sample> ys =
      samples(convention, box.y_min, box.y_max, image.height, size.height, size.height);
  const auto at = [&](std::int64_t y, std::int64_t x) {
    const bool inside = x >= 0 && x < size.width && y >= 0 && y < size.height;
    return inside ? mask[static_cast<std::size_t>(y * size.width + x)] : 0.0F;
  };
  const auto blend =
      convention == Paste::omz || convention == Paste::model_api ? blend_fused : blend_rounded;
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(image.height * image.width), 0);
  for (std::int64_t py = 0; py < image.height; ++py) {
    const Sample y = ys[static_cast<std::size_t>(py)];
    if (!y.visible) continue;
    for (std::int64_t px = 0; px < image.width; ++px) {
      const Sample x = xs[static_cast<std::size_t>(px)];
      if (!x.visible) continue;
      const float upper = blend(at(y.cell, x.cell), at(y.cell, x.cell + 1), x.weight);
      const float lower = blend(at(y.cell + 1, x.cell), at(y.cell + 1, x.cell + 1), x.weight);
      const float value = blend(upper, lower, y.weight);
      const bool on = convention == Paste::detectron2 ? value >= threshold : value > threshold;
      pixels[static_cast<std::size_t>(py * image.width + px)] = on ? 1 : 0;
    }
  }
  return pixels;
}

std::vector<std::int64_t> runs_of(const std::vector<std::uint8_t>& pixels, ImageSize image) {
  std::vector<std::int64_t> runs;
  std::uint8_t color = 0;
  std::int64_t length = 0;
  for (std::int64_t x = 0; x < image.width; ++x) {
    for (std::int64_t y = 0; y < image.height; ++y) {
      const std::uint8_t pixel = pixels[static_cast<std::size_t>(y * image.width + x)];
      if (pixel != color) {
        runs.push_back(length);
        length = 0;
        color = pixel;
      }
      ++length;
    }
  }
  runs.push_back(length);
  return runs;
}

std::string string_of(const std::vector<std::int64_t>& runs) {
  std::string out;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    std::int64_t value = i > 2 ? runs[i] - runs[i - 2] : runs[i];
    for (;;) {
      const std::int64_t group = ((value % 32) + 32) % 32;
      value = (value - group) / 32;
      const bool done = value == (group >= 16 ? -1 : 0);
      out.push_back(static_cast<char>(48 + group + (done ? 0 : 32)));
      if (done) break;
    }
  }
  return out;
}

Rle rle_of(const std::vector<std::uint8_t>& pixels, ImageSize image) {
  Rle rle{string_of(runs_of(pixels, image)), 0, {0, 0, 0, 0}};
  std::int64_t left = std::numeric_limits<std::int64_t>::max();
  std::int64_t top = left;
  std::int64_t right = -1;
  std::int64_t bottom = -1;
  for (std::int64_t y = 0; y < image.height; ++y) {
    for (std::int64_t x = 0; x < image.width; ++x) {
      if (pixels[static_cast<std::size_t>(y * image.width + x)] == 0) continue;
      ++rle.area;
      left = std::min(left, x);
      right = std::max(right, x);
      top = std::min(top, y);
      bottom = std::max(bottom, y);
    }
  }
  if (rle.area > 0) {
    rle.bbox = {static_cast<double>(left), static_cast<double>(top),
                static_cast<double>(right - left + 1), static_cast<double>(bottom - top + 1)};
  }
  return rle;
}

float half_value(std::uint16_t half) {
  const int exponent = half >> 10 & 31;
  const int fraction = half & 1023;
  double value;
  if (exponent == 31) {
    value = fraction == 0 ? std::numeric_limits<double>::infinity()
                          : std::numeric_limits<double>::quiet_NaN();
  } else if (exponent == 0) {
    value = std::ldexp(fraction, -24);
  } else {
    value = std::ldexp(1024 + fraction, exponent - 25);
  }
  return static_cast<float>((half & 0x8000) != 0 ? -value : value);
}

}  // namespace maskrle::reference
