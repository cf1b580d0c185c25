#include "batch.h"

#include <algorithm>
#include <cstring>

namespace maskrle {

Batch::Batch(ImageSize image, std::size_t expected_count) : image_(image) {
  offsets_.reserve(expected_count + 1);
  areas_.reserve(expected_count);
  bboxes_.reserve(4 * expected_count);
}

std::span<const std::uint8_t> Batch::string(std::size_t index) const {
  const auto begin = static_cast<std::size_t>(offsets_[index]);
  return {counts_.data() + begin, static_cast<std::size_t>(offsets_[index + 1]) - begin};
}

void Batch::close_mask(std::int64_t area, const Extent& extent) {
  offsets_.push_back(static_cast<std::int64_t>(counts_.size()));
  areas_.push_back(area);
  if (extent.x_max < 0) {
    bboxes_.insert(bboxes_.end(), 4, 0.0);
    return;
  }
  for (const std::int64_t value : {extent.x_min, extent.y_min, extent.x_max - extent.x_min + 1,
                                   extent.y_max - extent.y_min + 1}) {
    bboxes_.push_back(static_cast<double>(value));
  }
}

void Batch::append(std::span<const std::uint8_t> counts) {
  const std::vector<std::uint32_t> runs = decode_counts(
      counts, static_cast<std::uint64_t>(image_.height) * static_cast<std::uint64_t>(image_.width));
  std::int64_t area = 0;
  Extent extent;
  std::int64_t end = 0;
  for (std::size_t k = 0; k < runs.size(); ++k) {
    const std::int64_t begin = end;
    end += runs[k];
    if (k % 2 == 0 || begin == end) continue;
    area += runs[k];
    const std::int64_t x_first = begin / image_.height;
    const std::int64_t x_last = (end - 1) / image_.height;
    if (x_first == x_last) {
      extent.add(x_first, begin % image_.height, (end - 1) % image_.height);
    } else {  // through the bottom of a column to the top of the next
      extent.add(x_first, 0, image_.height - 1);
      extent.add(x_last, 0, image_.height - 1);
    }
  }
  std::uint8_t* place = counts_.reserve(counts.size());
  std::memcpy(place, counts.data(), counts.size());
  counts_.commit(place + counts.size());
  close_mask(area, extent);
}

void Batch::append(const Batch& other, std::size_t index) {
  const std::span<const std::uint8_t> counts = other.string(index);
  std::uint8_t* place = counts_.reserve(counts.size());
  std::memcpy(place, counts.data(), counts.size());
  counts_.commit(place + counts.size());
  offsets_.push_back(static_cast<std::int64_t>(counts_.size()));
  areas_.push_back(other.areas_[index]);
  const auto bbox = other.bboxes_.begin() + static_cast<std::ptrdiff_t>(4 * index);
  bboxes_.insert(bboxes_.end(), bbox, bbox + 4);
}

bool Batch::operator==(const Batch& other) const {
  return image_.height == other.image_.height && image_.width == other.image_.width &&
         offsets_ == other.offsets_ &&
         std::equal(counts_.data(), counts_.data() + counts_.size(), other.counts_.data());
}

void paint(std::span<const std::uint32_t> runs, ImageSize image, std::uint8_t* mask) {
  std::int64_t x = 0;
  std::int64_t y = 0;
  for (std::size_t k = 0; k < runs.size(); ++k) {
    std::int64_t left = runs[k];
    while (left > 0) {  // the run's part in this column
      const std::int64_t rows = std::min(left, image.height - y);
      if (k % 2 == 1) {
        std::uint8_t* at = mask + y * image.width + x;
        for (std::int64_t r = 0; r < rows; ++r) at[r * image.width] = 1;
      }
      left -= rows;
      y += rows;
      if (y == image.height) {
        y = 0;
        ++x;
      }
    }
  }
}

}  // namespace maskrle
