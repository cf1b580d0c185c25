// The kernel. Included once per instruction set, inside its namespace and target region, after its
// simd_*.h.
//
// Lanes are columns. Of a block of kLanes neighbouring columns, a finder finds the pixel rows where
// they change, and the writer puts these in order and writes the differences of runs.

namespace {

#include "taps.inl"

#include "slots.inl"

#include "words.inl"

#include "dense.inl"

#include "crossings.inl"

#include "strings.inl"

#include "select.inl"

// Above this, differences of mask values might overflow.
constexpr float kMaxMagnitude = 1e30F;
// Crossings are computed in float: pixel numbers must be exact and a pixel not too small a step.
constexpr double kMaxRows = 131072;
constexpr double kMinScale = 0x1p-14;

// Whether all pixel rows are evaluated: where they are few, or hardly more than the mask's rows.
// Otherwise a pixel is less than a cell of the mask.
inline bool is_dense(const Axis& y) {
  return y.end - y.begin <= std::max(kMinDenseRows, y.side + kMoreDenseRows);
}

// Whether the vectors' numbers are exact for this mask; if not, the general road takes all of it.
inline bool fits(const Workspace& workspace, const Placement& placement, ImageSize image) {
  const Axis& y = placement.y;
  if (!placement.x.ascending || !y.ascending) return false;
  if (image.height * image.width > INT32_MAX) return false;
  if (!(workspace.mask.magnitude <= kMaxMagnitude)) return false;
  // Below zero, the tf convention's outside is on: a step, not a line, at the mask's edge.
  if (y.rule == Rule::tf && placement.above < 0.0F) return false;
  if (is_dense(y)) return true;
  const double rows =
      y.rule == Rule::cv2 ? (y.side + 2) / y.scale : static_cast<double>(image.height);
  return rows <= kMaxRows && y.scale >= kMinScale;
}

// Block after block of columns. What each step decides by branches is computed some time before, so
// that a wrong guess of the processor's costs little: the plans of some blocks together, and a
// block is written when the next one's changes have been found.
template <typename Finder>
void encode_blocks(Workspace& workspace, const Placement& placement, Batch& batch) {
  constexpr std::int64_t kTogether = 8;
  MaskWriter writer(workspace, placement, batch);
  if (placement.y.begin < placement.y.end) {
    Finder finder(workspace, placement);
    Slots first_slots(workspace, 0);
    Slots second_slots(workspace, 1);
    Slots* found = &first_slots;
    Slots* written = &second_slots;  // no changes yet
    bool is_prepared = false;
    const Axis& axis = placement.x;
    for (std::int64_t begin = axis.begin; begin < axis.end; begin += kTogether * kLanes) {
      const std::int64_t end = std::min(begin + kTogether * kLanes, axis.end);
      Taps columns[kTogether];
      typename Finder::Plan plans[kTogether];
      for (std::int64_t x = begin, k = 0; x < end; x += kLanes, ++k) {
        columns[k] = taps<Finder::kAxisRule>(axis, x);
        plans[k] = finder.plan(columns[k]);
      }
      for (std::int64_t x = begin, k = 0; x < end; x += kLanes, ++k) {
        const Lanes valid = end - x >= kLanes ? kAllLanes : (1U << (end - x)) - 1;
        found->clear();
        Lanes general = finder.find(columns[k], plans[k], valid, *found);
        if (general != 0) [[unlikely]] {
          if (!is_prepared) workspace.general.prepare(workspace.mask, placement);
          is_prepared = true;
          for (; general != 0; general &= general - 1) {
            const std::int32_t lane = __builtin_ctz(general);
            found->replace_column(lane, workspace.general.column(x + lane));
          }
        }
        writer.write(x - kLanes, *written);
        std::swap(found, written);
      }
    }
    writer.write((axis.end - axis.begin - 1) / kLanes * kLanes + axis.begin, *written);
  }
  writer.close(batch);
}

template <Rule kRule, bool kFused>
void encode_fitting(Workspace& workspace, const Placement& placement, Batch& batch) {
  if (is_dense(placement.y)) {
    encode_blocks<DenseFinder<kRule, kFused>>(workspace, placement, batch);
  } else {
    encode_blocks<CrossingFinder<kRule, kFused>>(workspace, placement, batch);
  }
}

void encode(Workspace& workspace, const Placement& placement, Batch& batch) {
  if (!fits(workspace, placement, batch.image())) {
    workspace.general.encode(workspace.mask, placement, batch);
    return;
  }
  switch (placement.y.rule) {
    case Rule::cv2:
      encode_fitting<Rule::cv2, true>(workspace, placement, batch);
      break;
    case Rule::tf:
      encode_fitting<Rule::tf, false>(workspace, placement, batch);
      break;
    case Rule::detectron2:
      encode_fitting<Rule::detectron2, false>(workspace, placement, batch);
      break;
  }
}

}  // namespace
