"""Pictures: from a file or an array to uint8 BGR."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Image", "read_image"]

Image: TypeAlias = "str | os.PathLike[str] | bytes | NDArray[np.uint8]"

_MOST_BYTES = 2**31 - 1
"""What OpenCV decodes from memory."""


def read_image(image: Image) -> NDArray[np.uint8]:
    """The picture itself: uint8 [H, W, 3], BGR.

    A path, or the content of a file as bytes, is read as `cv2.imread` reads it: turned as its EXIF
    orientation says, 8 bits a channel (the upper ones of 16), grey as three equal channels, no alpha. An
    array of three channels is returned as it is; grey, [H, W] or [H, W, 1], becomes three equal channels,
    and of BGRA, [H, W, 4], the alpha is dropped. An array of 16 bits or of floats is refused: nobody knows
    which value of it is white.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: the file cannot be read.
        ValueError: the file is no image OpenCV can read, or the array has another shape or no pixels.
        TypeError: neither a path, bytes nor an array of uint8.
    """
    if isinstance(image, (str, os.PathLike)):
        path = Path(image)
        size = path.stat().st_size
        if size > _MOST_BYTES:  # OpenCV would say so only when all of it is in memory
            raise ValueError(f"{path}: {size} bytes, and OpenCV reads no image of more than {_MOST_BYTES}")
        return _decoded(path.read_bytes(), path)
    if isinstance(image, bytes):
        return _decoded(image, None)
    if not isinstance(image, np.ndarray):
        raise TypeError(
            f"image: expected a path, bytes or a uint8 array [H, W, 3], got {type(image).__name__}"
        )
    if image.dtype != np.uint8:
        raise TypeError(f"image: expected dtype uint8, got {image.dtype}; scale it to 0 to 255 first")
    if 0 in image.shape or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 3, 4)):
        raise ValueError(
            "image: expected shape [H, W, 3] (or [H, W], [H, W, 1], [H, W, 4]) with H and W at least 1, "
            f"got {list(image.shape)}"
        )
    if image.ndim == 2 or image.shape[2] == 1:
        return np.repeat(image.reshape(*image.shape[:2], 1), 3, axis=2)
    return image[..., :3]


def _decoded(content: bytes, path: Path | None) -> NDArray[np.uint8]:
    import cv2

    # Not cv2.imread: on Windows it cannot open names outside the code page, and it never says why it failed.
    data, name = np.frombuffer(content, np.uint8), path or "image"
    image: Any = None
    try:
        if len(data):
            image = cv2.imdecode(data, cv2.IMREAD_COLOR)
        if image is None and content[:2] == b"\xff\xd8":
            image = _cut_short(content, path)
    except cv2.error as error:
        reason = " ".join(str(error).split())
        if "CV_IO_MAX_IMAGE" in reason:  # found in the file's header, before anything is decoded
            raise ValueError(f"{name}: {_too_large()}") from None
        raise ValueError(f"{name}: OpenCV cannot read this image ({reason})") from None
    if image is None:
        raise ValueError(f"{name}: not an image that OpenCV can read")
    return image  # type: ignore[no-any-return]


def _cut_short(jpeg: bytes, path: Path | None) -> Any:
    """OpenCV shows what there is of it when it reads a file, but not from memory."""
    import cv2

    if path is not None:
        return cv2.imread(str(path), cv2.IMREAD_COLOR)
    with NamedTemporaryFile(suffix=".jpg") as file:
        file.write(jpeg)
        file.flush()
        return cv2.imread(file.name, cv2.IMREAD_COLOR)


def _too_large() -> str:
    limit = os.environ.get("OPENCV_IO_MAX_IMAGE_PIXELS", "2^30")
    return f"larger than the {limit} pixels, or 2^20 on a side, that OpenCV may read here"
