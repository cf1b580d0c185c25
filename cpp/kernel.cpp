#include "kernel.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>

namespace maskrle {
namespace {

template <typename T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);  // strides may leave values unaligned
  return value;
}

}  // namespace

Workspace::Workspace(MaskSize size) {
  constexpr std::int32_t kLanes = kMaxLanes;
  // Rows of whole vectors, one row and some vectors more: see the kernels' fetch().
  const std::ptrdiff_t stride = (size.width + 2 + kLanes - 1) / kLanes * kLanes;
  nodes_.resize(static_cast<std::size_t>(stride * (size.height + 3) + 6 * kLanes));
  // The mask's own cells begin a cache line in each row, behind one zero.
  constexpr std::size_t kLine = kLanes * sizeof(float);
  void* begin = nodes_.data();
  std::size_t room = nodes_.size() * sizeof(float);
  first_ = static_cast<float*>(std::align(kLine, kLine, begin, room)) + kLanes - 1;
  mask = {first_, stride, size, 0.0F};
  // A column changes at most twice between two mask rows, or once at each of few pixel rows, each
  // of which blends two mask rows.
  const std::int32_t dense_rows = std::max(kMinDenseRows, size.height + kMoreDenseRows);
  const std::int32_t slots = 2 * dense_rows + 2;
  const auto lanes = static_cast<std::size_t>(slots * kLanes);
  blended.resize(lanes);
  bases.resize(static_cast<std::size_t>(size.height + 2));
  for (std::size_t block = 0; block < 2; ++block) {
    row[block].resize(lanes);
    seen[block].resize(static_cast<std::size_t>(slots));
  }
  changes.resize(lanes + 4 * kLanes);
}

void gather_row(const MaskArray& masks, const std::byte* row, float* out) {
  for (std::int32_t x = 0; x < masks.size.width; ++x, row += masks.column_stride) {
    out[x] = masks.scalar == Scalar::float32 ? load<float>(row)
                                             : half_to_float(load<std::uint16_t>(row));
  }
}

float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000U) << 16;
  const std::uint32_t rest = half & 0x7fffU;
  if (rest >= 0x7c00U) {  // infinity, NaN
    return std::bit_cast<float>(sign | 0x7f800000U | ((rest & 0x3ffU) << 13));
  }
  // Shift exponent and fraction into place; the product corrects the exponent's bias and makes
  // normal numbers of subnormal ones, exactly.
  const float scaled = std::bit_cast<float>(rest << 13) * 0x1p112F;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(scaled) | sign);
}

}  // namespace maskrle
