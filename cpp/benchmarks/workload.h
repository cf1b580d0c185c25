// COCO-like masks and boxes from a seed: what a Mask R-CNN leaves behind.
//
// The C++ counterpart of src/maskrle/benchmark/workload.py: box sides follow the same quantiles,
// measured on COCO detections, and shapes are of the same kinds, so runs and strings are as long.
// The scenes themselves are others. test_workload.cpp holds the distribution.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "encode.h"

namespace maskrle::benchmarks {

inline constexpr std::int32_t kSide = 33;
// Scenes near to the quantiles of runs and string bytes too, not only of box sides.
inline constexpr std::array<std::uint64_t, 3> kSeeds{97, 204, 83};

struct Workload {
  std::vector<float> values;  // [count, channel_count, kSide, kSide]
  std::vector<Box> boxes;
  std::vector<std::int64_t> channels;
  std::int64_t channel_count;
  ImageSize image;

  MaskArray masks() const;
};

// `count` detections of one image. Every channel but the chosen one is filled with noise.
Workload coco_like(std::int64_t count, ImageSize image, std::int64_t channel_count,
                   std::uint64_t seed);

// The same shapes in boxes that are all of one size, in pixels.
Workload equal_boxes(std::int64_t count, ImageSize image, std::int64_t channel_count, float width,
                     float height, std::uint64_t seed);

}  // namespace maskrle::benchmarks
