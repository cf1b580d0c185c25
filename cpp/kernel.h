// The vector kernels: one body (kernel.inl), compiled once per instruction set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "batch.h"
#include "convention.h"
#include "general.h"
#include "mask_array.h"

namespace maskrle {

// Memory that the masks of a batch share; its size depends on the mask's sides alone.
class Workspace {
 public:
  explicit Workspace(MaskSize size);
  Workspace(const Workspace&) = delete;  // `mask` points into it
  Workspace& operator=(const Workspace&) = delete;

  PaddedMask mask;
  float* mask_row(std::int32_t y) { return first_ + y * mask.stride; }

  // Masks of at most 62 x 62 cells: see words.inl.
  static constexpr std::int32_t kWords = 64;
  static constexpr std::int32_t kMaxWindow = 64;
  std::uint64_t surely_above[kWords + kMaxWindow];
  std::uint64_t maybe_above[kWords + kMaxWindow];

  // Of a block of columns, one value a lane: mask rows blended; or, of 64 mask rows behind the one
  // before them, the values less the threshold, and the lanes where they are above it.
  static constexpr std::int32_t kMaxLanes = 16;
  std::vector<float> blended;
  alignas(64) float offsets[65 * kMaxLanes];
  std::uint32_t above[64];
  // The pixel row of the mask row before each.
  std::vector<float> bases;

  // The changes of two blocks of columns, slot by slot, one value a lane: slot 0 holds each
  // column's first change, its pixel row and the lanes that have it.
  std::vector<std::int32_t> row[2];
  std::vector<std::uint32_t> seen[2];

  // Positions of a block's changes in the image, behind the last ones of the block before.
  std::vector<std::int32_t> changes;

  GeneralEncoder general;

 private:
  std::vector<float> nodes_;
  float* first_;  // node 0 of row 0
};

// Masks that cover at most so many pixel rows are evaluated row by row, without crossings: a fixed
// number, or the mask's own rows and some more.
inline constexpr std::int32_t kMinDenseRows = 48;
inline constexpr std::int32_t kMoreDenseRows = 8;
inline constexpr std::int32_t kMaxDenseRows = kMaxMaskSide + kMoreDenseRows;

// In profiles the kernel's stages keep their names.
#if defined(MASKRLE_PROFILE)
#define MASKRLE_STAGE [[gnu::noinline]]
#else
#define MASKRLE_STAGE
#endif

struct Kernel {
  const char* name;
  bool (*runs_here)();
  // Copies one channel into the workspace and sets the mask's magnitude, which is infinite or NaN
  // where a value is. `source` points to the channel's first value.
  void (*select)(Workspace& workspace, const MaskArray& masks, const std::byte* source);
  // Appends the workspace's mask to the batch.
  void (*encode)(Workspace& workspace, const Placement& placement, Batch& batch);
};

extern const Kernel kPortableKernel;
#if defined(__x86_64__)
extern const Kernel kAvx2Kernel;
extern const Kernel kAvx512Kernel;
extern const Kernel kAvx512Vbmi2Kernel;
#endif

// One row of any scalar type and stride, as floats.
void gather_row(const MaskArray& masks, const std::byte* row, float* out);

// The float of the same value as an IEEE half.
float half_to_float(std::uint16_t half);

}  // namespace maskrle
