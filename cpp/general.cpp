#include "general.h"

#include <algorithm>

#include "rle.h"

namespace maskrle {
namespace {

// Above this, differences of two values may overflow, and rounding is monotone no more.
constexpr float kMonotoneMagnitude = 1e37F;

}  // namespace

void GeneralEncoder::prepare(const PaddedMask& mask, const Placement& placement) {
  mask_ = &mask;
  placement_ = &placement;
  groups_.clear();
  const Axis& axis = placement.y;
  const bool monotone = axis.ascending && mask.magnitude <= kMonotoneMagnitude;
  first_node_ = mask.size.height + 1;
  last_node_ = 0;
  for (std::int64_t begin = axis.begin; begin < axis.end;) {
    const std::int32_t node = tap(axis, begin).node;
    std::int64_t end = begin + 1;
    if (monotone) {  // double the step until the cell is left, then bisect
      std::int64_t inside = begin;
      std::int64_t step = 1;
      while (inside + step < axis.end && tap(axis, inside + step).node == node) {
        inside += step;
        step *= 2;
      }
      end = std::min(inside + step, axis.end);
      while (end - inside > 1) {
        const std::int64_t middle = inside + (end - inside) / 2;
        (tap(axis, middle).node == node ? inside : end) = middle;
      }
    }
    groups_.push_back({begin, end, node});
    first_node_ = std::min(first_node_, node);
    last_node_ = std::max(last_node_, node + 1);
    begin = end;
  }
  blended_.assign(static_cast<std::size_t>(std::max(last_node_ - first_node_ + 1, 0)), 0.0F);
}

void GeneralEncoder::change(std::int64_t y) {
  if (!changes_.empty() && changes_.back() == y) {
    changes_.pop_back();
  } else {
    changes_.push_back(y);
  }
}

const std::vector<std::int64_t>& GeneralEncoder::column(std::int64_t x) {
  changes_.clear();
  if (groups_.empty()) return changes_;
  const bool fused = placement_->fused;
  const Tap at = tap(placement_->x, x);
  // Behind the zeros after the mask there is nothing; what is blended with it has weight 0.
  const bool has_next = at.node <= mask_->size.width;
  for (std::int32_t node = first_node_; node <= std::min(last_node_, mask_->size.height + 1);
       ++node) {
    const float* row = mask_->row(node) + at.node;
    blended_[static_cast<std::size_t>(node - first_node_)] =
        blend_values(row[0], has_next ? row[1] : 0.0F, at.weight, fused);
  }
  bool on = false;
  for (const Group& group : groups_) {
    const float* blended = blended_.data() + (group.node - first_node_);
    const auto is_on = [&](std::int64_t y) {
      return placement_->is_on(
          blend_values(blended[0], blended[1], tap(placement_->y, y).weight, fused));
    };
    const bool first = is_on(group.begin);
    if (first != on) change(group.begin);
    on = first;
    if (group.end - group.begin == 1 || is_on(group.end - 1) == on) continue;
    std::int64_t before = group.begin;  // the last row known to be as the first one
    std::int64_t after = group.end - 1;
    while (after - before > 1) {
      const std::int64_t middle = before + (after - before) / 2;
      (is_on(middle) == on ? before : after) = middle;
    }
    change(after);
    on = !on;
  }
  if (on) change(placement_->y.end);
  return changes_;
}

void GeneralEncoder::encode(const PaddedMask& mask, const Placement& placement, Batch& batch) {
  const ImageSize image = batch.image();
  RunWriter writer(batch.open_mask(), static_cast<std::uint64_t>(image.height) *
                                          static_cast<std::uint64_t>(image.width));
  Extent extent;
  prepare(mask, placement);
  for (std::int64_t x = placement.x.begin; x < placement.x.end && !groups_.empty(); ++x) {
    column(x);
    for (const std::int64_t y : changes_) {
      writer.change(static_cast<std::uint64_t>(x * image.height + y));
    }
    for (std::size_t k = 0; k + 1 < changes_.size(); k += 2) {
      extent.add(x, changes_[k], changes_[k + 1] - 1);
    }
  }
  const std::int64_t area = writer.finish();
  batch.close_mask(area, extent);
}

}  // namespace maskrle
