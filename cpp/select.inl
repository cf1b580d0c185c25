// One channel of the network's masks -> the workspace's padded mask.

void select_channel(Workspace& workspace, const MaskArray& masks, const std::byte* source) {
  const auto [height, width] = masks.size;
  const bool contiguous = masks.scalar == Scalar::float32 && masks.column_stride == sizeof(float);
  const std::int32_t whole = width / kLanes * kLanes;
  Ints worst = splat(0);  // largest absolute value, as bits: NaN and infinity are the largest
  for (std::int32_t y = 0; y < height; ++y, source += masks.row_stride) {
    float* row = workspace.mask_row(y + 1) + 1;
    if (!contiguous) gather_row(masks, source, row);
    const float* values = contiguous ? reinterpret_cast<const float*>(source) : row;
    for (std::int32_t x = 0; x < whole; x += kLanes) {
      const Floats part = load(values + x);
      worst = max(worst, bit_and(as_ints(part), splat(0x7fffffff)));
      if (contiguous) store(row + x, part);
    }
    if (whole < width) {
      const Floats part = load_first(values + whole, width - whole);
      worst = max(worst, bit_and(as_ints(part), splat(0x7fffffff)));
      if (contiguous) store(row + whole, part);  // also zeros, where there are zeros
    }
  }
  workspace.mask.magnitude = std::bit_cast<float>(largest(worst));
}
