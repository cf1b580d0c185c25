// The results of a batch: strings back to back, areas and tight boxes, all of one image size.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "convention.h"
#include "rle.h"

namespace maskrle {

// Tight box of a mask in pixels, inclusive.
struct Extent {
  std::int64_t x_min = INT64_MAX, x_max = -1, y_min = INT64_MAX, y_max = -1;

  void add(std::int64_t x, std::int64_t y_first, std::int64_t y_last) {
    x_min = x < x_min ? x : x_min;
    x_max = x > x_max ? x : x_max;
    y_min = y_first < y_min ? y_first : y_min;
    y_max = y_last > y_max ? y_last : y_max;
  }
};

class Batch {
 public:
  Batch() = default;
  Batch(ImageSize image, std::size_t expected_count);

  ImageSize image() const { return image_; }
  std::size_t size() const { return areas_.size(); }

  // Arrow's layout: mask i's string is counts()[offsets()[i] .. offsets()[i + 1]).
  const ByteBuffer& counts() const { return counts_; }
  const std::vector<std::int64_t>& offsets() const { return offsets_; }
  const std::vector<std::int64_t>& areas() const { return areas_; }  // pixels
  // 4 a mask: x, y, width, height of the tight box, as pycocotools' toBbox; zeros where empty
  const std::vector<double>& bboxes() const { return bboxes_; }

  std::span<const std::uint8_t> string(std::size_t index) const;

  // Strings are written here; close_mask() ends one.
  ByteBuffer& open_mask() { return counts_; }
  void close_mask(std::int64_t area, const Extent& extent);

  // Appends a string from elsewhere. Throws DecodeError, leaving the batch unchanged.
  void append(std::span<const std::uint8_t> counts);
  // Appends mask `index` of a batch of the same image size.
  void append(const Batch& other, std::size_t index);

  bool operator==(const Batch& other) const;

 private:
  ImageSize image_{};
  ByteBuffer counts_;
  std::vector<std::int64_t> offsets_{0};
  std::vector<std::int64_t> areas_;
  std::vector<double> bboxes_;
};

// Paints runs into a row-major [height, width] mask of zeros.
void paint(std::span<const std::uint32_t> runs, ImageSize image, std::uint8_t* mask);

}  // namespace maskrle
