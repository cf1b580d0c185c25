// The kernels' stages, one after the other: this is where time is measured, not what is released.
//
// A stage cannot run without those before it, and what it takes depends on what they leave in
// caches and in the branch predictor. So the stages of a mask are run up to one or another, with
// everything in its usual place, and a stage's own time is what it adds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "encode.h"
#include "kernel.h"

namespace maskrle::benchmarks {

enum class Stage : std::uint8_t {
  select,     // the class channel -> padded mask
  tables,     // box -> axes; rows' tables, the cells' words; each block's taps and plan
  columns,    // mask rows blended at a block's columns and compared with the threshold
  crossings,  // the rows where they change
  strings     // COCO string, area, tight box: all there is
};
inline constexpr std::array<const char*, 5> kStageNames{"select", "tables", "columns", "crossings",
                                                        "strings"};

struct StagedKernel {
  const Kernel* kernel;
  // The stages of a mask up to `last`; only with `strings` the batch grows. Convention omz.
  void (*run)(Stage last, Workspace& workspace, const MaskArray& masks, const std::byte* source,
              const Box& box, Batch& batch);
};

std::vector<StagedKernel> staged_kernels();  // those that run on this machine

inline constexpr float kThreshold = 0.5F;

}  // namespace maskrle::benchmarks
