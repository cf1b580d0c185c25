// What Python's help() says. The type signatures stand in _core.pyi.
#pragma once

namespace maskrle {

inline constexpr const char* kEncodeDoc = R"doc(
Paste each mask into its box, compare with the threshold and encode the result as COCO RLE.

No mask is drawn: time and memory grow with the boxes' widths and the number of runs, not with the image.
The result is byte for byte that of the convention's own procedure followed by pycocotools' encode; see
`maskrle.reference` for what is computed. The GIL is released meanwhile.

Args:
    masks: float32 or float16 array [N, C, h, w] or [N, h, w] with h and w from 1 to 1024, of any strides.
        Never copied; only the chosen channels are read, and these must be finite.
    boxes: float32 array [N, 4], x_min, y_min, x_max, y_max in pixels of the image, finite and within +-1e9.
        Boxes may lie across or outside the image, and may be empty.
    image_size: (height, width) in pixels, at most 2**32 - 1 pixels in all.
    channels: integer array [N], the 0-based channel of each mask. Required where C > 1. For a network with
        labels from 1 this is label - 1.
    paste: how a mask comes to lie in its box.

        - "omz": Open Model Zoo's accuracy_checker, the protocol of that zoo's published accuracy; agrees
          with torchvision and maskrcnn-benchmark nearly everywhere.
        - "model_api": OpenVINO Model API.
        - "tf": TensorFlow Object Detection API, reframe_box_masks_to_image_masks.
        - "detectron2": detectron2 and mmdetection.
    threshold: a pixel is on where its value is greater ("detectron2": greater or equal), as float32.

Returns:
    RLEBatch of N masks.

Raises:
    TypeError: an argument is not an array or has another dtype.
    ValueError: a shape, length, value or channel is out of range; the message says which and where.
)doc";

inline constexpr const char* kDecodeDoc = R"doc(
Draw masks from COCO RLE.

Args:
    rles: an RLEBatch, or dicts {"size": [height, width], "counts": bytes or str} as pycocotools has
        them, all of one size; or a single such dict.

Returns:
    uint8 array [N, height, width] of zeros and ones; [height, width] for a single dict.

Raises:
    TypeError: a value is of the wrong type.
    ValueError: a string is cut off, malformed, or does not cover its image exactly; sizes differ; or
        there are no dicts to take a size from.
)doc";

inline constexpr const char* kBackendsDoc = R"doc(
The instruction sets that the native code can use on this machine, the fastest first.

The first is used, unless the environment variable MASKRLE_BACKEND names another one when the first mask
is encoded. All give identical results.

Returns:
    Names out of "avx512vbmi2", "avx512", "avx2", "baseline".
)doc";

inline constexpr const char* kBuildConfigDoc = R"doc(
How the native code was built and which instruction set it uses.

Returns:
    A dict of str: "version", "compiler", "flags", "backend".
)doc";

inline constexpr const char* kBatchDoc = R"doc(
N encoded masks of one image size.

`batch[i]` and iteration give COCO's dicts {"size": [height, width], "counts": bytes}, made when asked for.
`batch[slice]`, `batch[bool array]` and `batch[integer array]` give an RLEBatch of the chosen masks. Batches
compare equal when their sizes and strings are equal, and can be pickled. The arrays are read-only views.
)doc";

inline constexpr const char* kFromDictsDoc = R"doc(
A batch from COCO dicts, as the compressed strings stand in them.

Args:
    rles: dicts {"size": [height, width], "counts": bytes or str}, all of one size.
    image_size: (height, width) in pixels; needed where there may be no dicts.

Raises:
    TypeError: a value is of the wrong type.
    ValueError: a string is cut off, malformed, or does not cover its image exactly; sizes differ; or
        there are neither dicts nor image_size to take a size from.
)doc";

inline constexpr const char* kGetItemDoc = R"doc(
One mask as COCO's dict, or a selection as a batch.

Args:
    key: an integer for one; a slice, a bool array [N] or an integer array for several.

Returns:
    {"size": [height, width], "counts": bytes} for an integer, otherwise an RLEBatch.

Raises:
    IndexError: an index is out of range.
    ValueError: a bool array is not of length N.
    TypeError: a key of another type.
)doc";

inline constexpr const char* kImageSizeDoc = "(height, width) in pixels.";
inline constexpr const char* kAreasDoc = "int64 [N]: pixels that are on.";
inline constexpr const char* kBBoxesDoc =
    "float64 [N, 4]: tight boxes x, y, width, height in pixels, as pycocotools' toBbox; zeros "
    "where empty.";
inline constexpr const char* kCountsDoc = "uint8: all strings back to back.";
inline constexpr const char* kOffsetsDoc =
    "int64 [N + 1]: mask i's string is counts[offsets[i]:offsets[i + 1]].";
inline constexpr const char* kToMasksDoc = R"doc(
The masks drawn. Mind the size: N * height * width bytes.

Returns:
    uint8 array [N, height, width] of zeros and ones.
)doc";

}  // namespace maskrle
