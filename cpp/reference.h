// The slow literal twin: every pixel of the image by its convention's formula, then runs, then the
// string. For tests and fuzzing; it shares types with the core, but no arithmetic.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "convention.h"

namespace maskrle::reference {

struct Rle {
  std::string counts;
  std::int64_t area;           // pixels
  std::array<double, 4> bbox;  // x, y, width, height; zeros where empty
};

// A row-major mask [size.height, size.width] drawn: row-major [image.height, image.width] of 0
// and 1.
std::vector<std::uint8_t> paste(const std::vector<float>& mask, MaskSize size, const Box& box,
                                ImageSize image, Paste paste, float threshold);

// Runs of equal pixels in column-major order; the first counts zeros.
std::vector<std::int64_t> runs_of(const std::vector<std::uint8_t>& pixels, ImageSize image);

// COCO's compressed string.
std::string string_of(const std::vector<std::int64_t>& runs);

Rle rle_of(const std::vector<std::uint8_t>& pixels, ImageSize image);

inline Rle encode(const std::vector<float>& mask, MaskSize size, const Box& box, ImageSize image,
                  Paste convention, float threshold) {
  return rle_of(paste(mask, size, box, image, convention, threshold), image);
}

// The float of the same value as an IEEE half.
float half_value(std::uint16_t half);

}  // namespace maskrle::reference
