// The kernel. Included once per instruction set, inside its namespace and target region, after its
// simd_*.h.
//
// Lanes are columns. Of a block of kLanes neighbouring columns, a finder finds the pixel rows where
// they change, and the writer puts these in order and writes the differences of runs.

namespace {

#include "taps.inl"

#include "slots.inl"

#include "dense.inl"

#include "crossings.inl"

#include "strings.inl"

#include "select.inl"

// Above this, differences of mask values might overflow.
constexpr float kMaxMagnitude = 1e30F;
// Crossings are computed in float: pixel numbers must be exact and a pixel not too small a step.
constexpr double kMaxRows = 131072;
constexpr double kMinScale = 0x1p-14;

// Whether the vectors' numbers are exact for this mask; if not, the general road takes all of it.
inline bool fits(const Workspace& workspace, const Placement& placement, ImageSize image) {
  const Axis& y = placement.y;
  if (!placement.x.ascending || !y.ascending) return false;
  if (image.height * image.width > INT32_MAX) return false;
  if (!(workspace.mask.magnitude <= kMaxMagnitude)) return false;
  // Below zero, the tf convention's outside is on: a step, not a line, at the mask's edge.
  if (y.rule == Rule::tf && placement.above < 0.0F) return false;
  if (y.end - y.begin <= kMaxDenseRows) return true;
  const double rows =
      y.rule == Rule::cv2 ? (y.side + 2) / y.scale : static_cast<double>(image.height);
  return rows <= kMaxRows && y.scale >= kMinScale;
}

template <Rule kRule, bool kFused>
void encode_blocks(Workspace& workspace, const Placement& placement, Batch& batch) {
  MaskWriter writer(workspace, placement, batch);
  Slots slots(workspace);
  const auto each_block = [&](auto find) {
    for (std::int64_t x = placement.x.begin; x < placement.x.end; x += kLanes) {
      const std::int64_t left = placement.x.end - x;
      const Lanes valid = left >= kLanes ? kAllLanes : (1U << left) - 1;
      slots.clear();
      find(x, taps<kRule>(placement.x, x), valid);
      writer.write(x, slots);
    }
  };
  if (placement.y.end - placement.y.begin <= kMaxDenseRows) {
    if (placement.y.begin < placement.y.end) {
      DenseFinder<kRule, kFused> finder(workspace, placement);
      each_block([&](std::int64_t, const Taps& columns, Lanes valid) {
        finder.find(columns, valid, slots);
      });
    }
  } else {
    CrossingFinder<kRule, kFused> finder(workspace, placement);
    bool is_prepared = false;
    each_block([&](std::int64_t x, const Taps& columns, Lanes valid) {
      Lanes general = finder.find(columns, valid, slots);
      if (general == 0) [[likely]]
        return;
      if (!is_prepared) workspace.general.prepare(workspace.mask, placement);
      is_prepared = true;
      for (; general != 0; general &= general - 1) {
        const std::int32_t lane = __builtin_ctz(general);
        slots.replace_column(lane, workspace.general.column(x + lane));
      }
    });
  }
  writer.close(batch);
}

void encode(Workspace& workspace, const Placement& placement, Batch& batch) {
  if (!fits(workspace, placement, batch.image())) {
    workspace.general.encode(workspace.mask, placement, batch);
    return;
  }
  switch (placement.y.rule) {
    case Rule::cv2:
      encode_blocks<Rule::cv2, true>(workspace, placement, batch);
      break;
    case Rule::tf:
      encode_blocks<Rule::tf, false>(workspace, placement, batch);
      break;
    case Rule::detectron2:
      encode_blocks<Rule::detectron2, false>(workspace, placement, batch);
      break;
  }
}

}  // namespace
