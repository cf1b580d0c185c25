// Pixels of one axis -> mask cells and weights, kLanes at a time, and the blend of two cells.

template <bool kFused>
inline Floats blend(Floats p, Floats q, Floats weight) {
  const Floats slope = sub(q, p);
  if constexpr (kFused) {
    return fused(slope, weight, p);
  } else {
    return add(p, mul(slope, weight));
  }
}

struct Taps {
  Ints nodes;
  Floats weights;
  std::int32_t first, span;  // smallest node; how far beyond it the last neighbour lies
};

// tap() of kLanes pixels from `pixel` on, in loops the compiler turns into vectors.
template <Rule kRule>
MASKRLE_STAGE inline Taps taps(const Axis& axis, std::int64_t pixel) {
  std::int32_t nodes[kLanes];
  float weights[kLanes];
  if constexpr (kRule == Rule::cv2) {
    const double first = static_cast<double>(pixel) - axis.origin;
    const double last = axis.side + 1;
    for (int lane = 0; lane < kLanes; ++lane) {
      const double c = (first + lane + 0.5) * axis.scale - 0.5;
      const double inside = c < 0 ? 0 : (c > last ? last : c);
      const double cell = truncated(inside);
      nodes[lane] = static_cast<std::int32_t>(cell);
      weights[lane] = static_cast<float>(inside - cell);
    }
  } else {
    const auto side = static_cast<float>(axis.side);
    const auto first = static_cast<std::int32_t>(pixel);
    for (int lane = 0; lane < kLanes; ++lane) {
      const auto at = static_cast<float>(first + lane);
      float u;
      bool before;
      bool beyond;
      if constexpr (kRule == Rule::tf) {
        u = axis.start + at * axis.step;
        before = !(u >= 0.0F);
        beyond = u > side - 1.0F;
      } else {
        u = (at + 0.5F - axis.start) / axis.step * side - 0.5F;
        before = !(u >= -1.0F);
        beyond = u >= side;
      }
      const float inside = before || beyond ? 0.0F : u;
      const float cell = __builtin_floorf(inside);
      const auto node = static_cast<std::int32_t>(cell) + 1;
      nodes[lane] = before ? 0 : (beyond ? axis.side + 1 : node);
      weights[lane] = before || beyond ? 0.0F : inside - cell;
    }
  }
  return {load(nodes), load(weights), nodes[0], nodes[kLanes - 1] + 1 - nodes[0]};
}

// More than the roundings of two blends, fused or not, one of the other, can move a value: six
// times half a unit in the last place of values up to twice the mask's magnitude each, and more
// for the smallest, whose units do not shrink with them (subnormals).
inline float value_margin(const PaddedMask& mask) {
  return (mask.magnitude > 1e-30F ? mask.magnitude : 1e-30F) * 0x1p-20F;
}

// One mask row at the columns.
template <bool kFused>
inline Floats blended_row(const PaddedMask& mask, const Taps& columns, std::int32_t node) {
  const Neighbours n = fetch(mask.row(node), columns.nodes, columns.first, columns.span);
  return blend<kFused>(n.p, n.q, columns.weights);
}
