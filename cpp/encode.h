// A batch of masks and boxes -> COCO RLE strings, areas and tight boxes.
#pragma once

#include <cstdint>

#include "batch.h"
#include "convention.h"
#include "input_error.h"
#include "mask_array.h"

namespace maskrle {

inline constexpr float kMaxCoordinate = 1e9F;
inline constexpr std::int64_t kMaxPixels = 0xFFFFFFFF;

// `boxes` holds one box a mask, `channels` one 0-based channel a mask (nullptr: channel 0).
// Throws InputError for sides, coordinates, channels, mask values, image sizes or thresholds out
// of the ranges above or not finite; only the chosen channels are looked at.
Batch encode(const MaskArray& masks, const Box* boxes, const std::int64_t* channels,
             ImageSize image, Paste paste, float threshold);

}  // namespace maskrle
