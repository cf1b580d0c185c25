"""From pictures to a network's inputs, and from its boxes back to the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .binding import Binding, Limits, inside, lengths

__all__ = ["COLORS", "RESIZES", "Memory", "Placement", "Preprocessor", "place"]

RESIZES = ("fit", "stretch", "none")
COLORS = ("bgr", "rgb")


@dataclass(frozen=True)
class Placement:
    """Where a picture lies in a network's input.

    image_size  (height, width) of the picture, pixels
    resized     (height, width) of the picture inside the input, at the top left; to the right and below are
                zeros
    network     (height, width) of the input
    """

    image_size: tuple[int, int]
    resized: tuple[int, int]
    network: tuple[int, int]

    def boxes_to_image(self, boxes: NDArray[np.float32], *, normalised: bool) -> NDArray[np.float32]:
        """Boxes of the network, float32 [n, 4], in pixels of the picture.

        As Open Model Zoo's accuracy_checker: boxes normalised to the network's input are multiplied by
        `network_side / (resized_side / image_side)`, boxes in its pixels are divided by `resized_side /
        image_side`. These are doubles, rounded to float32 once (a float32 array times a Python float); the
        last bit of a box can decide about pixels of its mask.
        """
        scales = [new / old for new, old in zip(self.resized, self.image_size, strict=True)]
        with np.errstate(over="ignore"):  # an infinity is `encode`'s to refuse
            if not normalised:
                return boxes / _per_corner(*scales)
            return boxes * _per_corner(
                *(side / scale for side, scale in zip(self.network, scales, strict=True))
            )


def place(
    image_size: tuple[int, int],
    size: tuple[int | None, int | None],
    resize: str,
    limits: Sequence[Limits] = ((0, None),) * 2,
) -> Placement:
    """How a picture goes into a network's input of `size` (height, width); None is a dynamic side.

    "fit" is the preprocessing behind the accuracy that Open Model Zoo publishes: the picture becomes
    (int(s * H), int(s * W)), truncated, with s = min(height / H, width / W), and zeros fill the rest to the
    right and below; a side is at least one pixel. "stretch" gives the picture the input's own sides. "none"
    leaves it as it is. A dynamic side is whatever the picture needs, within `limits` (least, most).

    Raises:
        ValueError: "none", and the input is static and of another size; or a side is beyond its limits.
    """
    sides = tuple(zip(image_size, size, strict=True))
    if resize == "fit":
        scale = min((want / has for has, want in sides if want is not None), default=1.0)
        height, width = (max(int(scale * has), 1) for has in image_size)
    elif resize == "stretch":
        height, width = (has if want is None else want for has, want in sides)
    else:
        height, width = image_size
        if any(want not in (None, has) for has, want in sides):
            raise ValueError(
                f"resize: 'none' takes images of {_text(size)} (height x width) with this network, "
                f"got {_text(image_size)}"
            )
    resized = height, width
    network_height, network_width = (
        new if want is None else want for new, want in zip(resized, size, strict=True)
    )
    if not all(map(inside, (network_height, network_width), limits)):
        raise ValueError(
            f"resize: {resize!r} needs an input of {network_height}x{network_width} for an image of "
            f"{_text(image_size)} (height x width), the network takes {lengths(limits)}"
        )
    return Placement(image_size, resized, (network_height, network_width))


class Memory:
    """Arrays that are written over again and again.

    New memory has to be cleared by the system, page after page, which takes several times as long as writing
    a picture into it.
    """

    def __init__(self) -> None:
        self._flat: dict[str, NDArray[Any]] = {}

    def take(self, name: str, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
        """The array of this name, in any shape; what is in it is left over."""
        size = math.prod(shape)
        flat = self._flat.get(name)
        if flat is None or flat.size < size or flat.dtype != dtype:
            flat = self._flat[name] = np.empty(size, dtype)
        return flat[:size].reshape(shape)


@dataclass(frozen=True)
class Preprocessor:
    """Makes a network's inputs out of pictures.

    binding       the network
    resize        one of `RESIZES`
    color         order of the colour channels that the network takes, one of `COLORS`
    resized_size  where the model resizes by itself (`graph.with_preprocessing`), the index of its input for
                  the size
    """

    binding: Binding
    resize: str
    color: str
    resized_size: int | None = None

    def place(self, image: NDArray[np.uint8]) -> Placement:
        """Where a picture goes."""
        height, width = image.shape[:2]
        port = self.binding.image
        return place((height, width), port.size, self.resize, port.limits[1:])

    def inputs(
        self,
        images: Sequence[NDArray[np.uint8]],
        places: Sequence[Placement],
        batch: int,
        memory: Memory | None = None,
    ) -> dict[int, NDArray[Any]]:
        """Input index -> array, for pictures that need inputs of one size; the rest of the batch is zero.

        Args:
            memory: where to put them; what was put there before is written over.
        """
        memory = memory or Memory()
        port = self.binding.image
        if self.resized_size is not None:
            (image,), (placement,) = images, places
            return {
                port.index: np.ascontiguousarray(image)[None],
                self.resized_size: np.array(placement.resized, np.int64),
                **self._info(places, batch),
            }
        height, width = places[0].network
        shape = (3, height, width) if port.layout == "NCHW" else (height, width, 3)
        tensor = memory.take("tensor", (batch, *shape), port.dtype)
        tensor[len(images) :] = 0
        for slot, image, placement in zip(tensor, images, places, strict=False):
            self._write(slot, image, placement, memory)
        return {port.index: tensor, **self._info(places, batch)}

    def _write(
        self, slot: NDArray[Any], image: NDArray[np.uint8], placement: Placement, memory: Memory
    ) -> None:
        import cv2

        height, width = placement.resized
        pixels: Any = image
        if placement.resized != placement.image_size:
            resized = memory.take("resized", (height, width, 3), "uint8")
            pixels = cv2.resize(image, (width, height), resized, interpolation=cv2.INTER_LINEAR)
        order = slice(None, None, -1 if self.color == "rgb" else 1)
        if self.binding.image.layout == "NHWC":
            slot[:height, :width] = pixels[..., order]
            slot[height:], slot[:height, width:] = 0, 0
        else:
            planes = cv2.split(pixels, list(memory.take("planes", (3, height, width), "uint8")))
            for plane, channel in zip(slot, planes[order], strict=True):
                plane[:height, :width] = channel
            slot[:, height:], slot[:, :height, width:] = 0, 0
        if slot.dtype != np.uint8 and self.binding.contract.white != 255:
            slot /= np.float32(255 / self.binding.contract.white)

    def _info(self, places: Sequence[Placement], batch: int) -> dict[int, NDArray[np.float32]]:
        if self.binding.image_info is None:
            return {}
        of_input = self.binding.contract.info_of == "input"
        sizes = [placement.network if of_input else placement.resized for placement in places]
        sizes += [places[0].network] * (batch - len(sizes))
        rows = [[*size, 1] for size in sizes[: self.binding.info_rows]]
        return {self.binding.image_info: np.array(rows, np.float32)}


def _per_corner(y: float, x: float) -> NDArray[np.float32]:
    return np.array([x, y, x, y], np.float32)


def _text(size: Sequence[int | None]) -> str:
    return "x".join("any" if side is None else str(side) for side in size)
