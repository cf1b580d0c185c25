"""From a picture to a network's input, and from its boxes back to the picture."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Fitted", "Image", "fit", "read_image"]

Image: TypeAlias = "str | os.PathLike[str] | NDArray[np.uint8]"


def read_image(image: Image) -> NDArray[np.uint8]:
    """The picture itself: uint8 [H, W, 3], BGR.

    A path is read as `cv2.imread` reads it: turned as its EXIF orientation says, 8 bits a channel, colour, no
    alpha. An array is returned as it is, after a check.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: the file cannot be read.
        ValueError: the file is no image OpenCV can read, or the array has another shape or no pixels.
        TypeError: neither a path nor an array of uint8.
    """
    if isinstance(image, (str, os.PathLike)):
        return _read_file(Path(image))
    if not isinstance(image, np.ndarray):
        raise TypeError(f"image: expected a path or a uint8 array [H, W, 3], got {type(image).__name__}")
    if image.dtype != np.uint8:
        raise TypeError(f"image: expected dtype uint8, got {image.dtype}")
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"image: expected shape [H, W, 3] with H and W at least 1, got {list(image.shape)}")
    return image


def _read_file(path: Path) -> NDArray[np.uint8]:
    import cv2

    # Not cv2.imread: on Windows it cannot open names outside the code page, and it never says why it failed.
    data = np.frombuffer(path.read_bytes(), np.uint8)
    image: Any = None
    try:
        if len(data):
            image = cv2.imdecode(data, cv2.IMREAD_COLOR)
        if image is None and data[:2].tobytes() == b"\xff\xd8":
            # A JPEG cut short: OpenCV shows what there is of it when it reads a file, but not from memory.
            image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    except cv2.error as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{path}: OpenCV cannot read this image ({reason})") from None
    if image is None:
        raise ValueError(f"{path}: not an image that OpenCV can read")
    return image  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Fitted:
    """A picture made to fit a network's input.

    tensor      float32 [1, 3, h, w], BGR, 0 to 255: the picture at the top left, zero to the right and below
    image_size  (height, width) of the picture, pixels
    resized     (height, width) of the picture inside the tensor, pixels
    """

    tensor: NDArray[np.float32]
    image_size: tuple[int, int]
    resized: tuple[int, int]

    def boxes_to_image(self, boxes: NDArray[np.float32], *, normalised: bool) -> NDArray[np.float32]:
        """Boxes of the network, float32 [n, 4], in pixels of the picture.

        The factors are doubles, `network_side / (resized_side / image_side)` for boxes normalised to the
        network's input; each is rounded to float32 once and multiplied in float32. So does Open Model Zoo's
        accuracy_checker (a float32 array times a Python float), and the last bit of a box can decide about
        pixels of its mask.
        """
        network = self.tensor.shape[2:] if normalised else (1, 1)
        y, x = (
            np.float32(side / (new / old))
            for side, new, old in zip(network, self.resized, self.image_size, strict=True)
        )
        with np.errstate(over="ignore"):  # an infinity is `encode`'s to refuse
            return boxes * np.array([x, y, x, y], np.float32)


def fit(image: NDArray[np.uint8], size: tuple[int, int]) -> Fitted:
    """Resize a picture into a network's input of `size` (height, width), aspect ratio kept, rest zero.

    The preprocessing behind the published accuracy: bilinear `cv2.resize` of the bytes to
    (int(s * H), int(s * W)), truncated, with `s = min(height / H, width / W)`; a side is at least one pixel.
    """
    import cv2

    height, width = image.shape[:2]
    scale = min(size[0] / height, size[1] / width)
    resized = max(int(scale * height), 1), max(int(scale * width), 1)
    pixels = cv2.resize(image, (resized[1], resized[0]), interpolation=cv2.INTER_LINEAR)
    tensor = np.zeros((1, 3, *size), np.float32)
    for plane, channel in zip(tensor[0], cv2.split(pixels), strict=True):
        plane[: resized[0], : resized[1]] = channel
    return Fitted(tensor, (height, width), resized)
