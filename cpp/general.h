// The exact road for any numbers at all: one column after the other, no vectors, no guesses.
//
// Within one cell of the mask the values of a column are monotone from pixel to pixel (both blends
// round monotonically), so its two end pixels decide whether a run begins or ends in it, and
// bisection finds where. The vector kernels leave to this road whatever their shortcuts exclude.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "batch.h"
#include "convention.h"

namespace maskrle {

// A mask with one zero before and after each row and column: (height + 2) rows of `stride` floats.
struct PaddedMask {
  const float* nodes;
  std::ptrdiff_t stride;
  MaskSize size;
  float magnitude;  // largest absolute value

  const float* row(std::int32_t node) const { return nodes + node * stride; }
};

inline float blend_values(float p, float q, float weight, bool fused) {
  const float slope = q - p;
  return fused ? std::fma(slope, weight, p) : p + slope * weight;
}

class GeneralEncoder {
 public:
  // Appends the mask to `batch`.
  void encode(const PaddedMask& mask, const Placement& placement, Batch& batch);

  // For single columns: once for a mask, whose column()s may then be asked for. A column's changes
  // are pixel rows in ascending order, from off to on first, an even number of them.
  void prepare(const PaddedMask& mask, const Placement& placement);
  const std::vector<std::int64_t>& column(std::int64_t x);

 private:
  // Pixel rows [begin, end) that blend mask rows `node` and `node` + 1, their values monotone.
  struct Group {
    std::int64_t begin, end;
    std::int32_t node;
  };

  void change(std::int64_t y);

  const PaddedMask* mask_ = nullptr;
  const Placement* placement_ = nullptr;
  std::vector<Group> groups_;
  std::int32_t first_node_ = 0, last_node_ = 0;  // of the groups
  std::vector<float> blended_;                   // one column's values at these nodes
  std::vector<std::int64_t> changes_;
};

}  // namespace maskrle
