"""What was found in one image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .arrow import to_arrow
from .coco import to_coco
from .crops import crops
from .draw import COLORS, UNTRACKED, Figure, color_of, overlay
from .image import read_image
from .native import RLEBatch
from .polygons import Polygons, polygons
from .supervision import to_supervision

if TYPE_CHECKING:
    import pyarrow

__all__ = ["Instances"]


@dataclass(frozen=True, eq=False)
class Instances:
    """The instances found in one image, n of them.

    labels   int64 [n], class labels as the network numbers them; for COCO networks the category ids
    scores   float32 [n]
    boxes    float32 [n, 4], x_min, y_min, x_max, y_max, pixels of the image, not clipped to it
    rles     RLEBatch of n masks, each over the whole image
    names    label -> class name for captions; labels without a name are shown as numbers
    tracks   int64 [n], which object of a video each is, -1 for none (yet); None where nothing was tracked

    Iteration gives each instance as an `Instances` of length one. Indices, slices, boolean masks and integer
    arrays select instances. Equality compares all of the above but the names.

    Raises:
        TypeError: an array of another dtype, or rles that is no RLEBatch.
        ValueError: arrays of other shapes.
    """

    labels: NDArray[np.int64]
    scores: NDArray[np.float32]
    boxes: NDArray[np.float32]
    rles: RLEBatch
    names: Mapping[int, str] | None = None
    tracks: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.rles, RLEBatch):
            raise TypeError(f"rles: expected an RLEBatch, got {type(self.rles).__name__}")
        count = len(self.rles)
        _check("labels", self.labels, np.int64, (count,))
        _check("scores", self.scores, np.float32, (count,))
        _check("boxes", self.boxes, np.float32, (count, 4))
        if self.tracks is not None:
            _check("tracks", self.tracks, np.int64, (count,))

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Unpickled arrays are checked like others."""
        expected = {field.name for field in fields(self)}
        if not isinstance(state, dict) or not expected >= state.keys() >= expected - {"names", "tracks"}:
            raise ValueError(f"no pickle of Instances: expected {', '.join(sorted(expected))}")
        self.__dict__.update(state)
        self.__post_init__()

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of the image, pixels."""
        height, width = self.rles.image_size
        return height, width

    def __len__(self) -> int:
        return len(self.rles)

    def __iter__(self) -> Iterator[Instances]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int | slice | list[int] | list[bool] | NDArray[Any]) -> Instances:
        """A selection, always as `Instances`; an integer selects one.

        Args:
            index: which: an integer, a slice, a boolean mask [n] or integers [any].

        Raises:
            IndexError: an index out of range, or a boolean mask of another length.
        """
        if isinstance(index, (int, np.integer)) and not isinstance(index, bool):
            if not -len(self) <= index < len(self):
                raise IndexError(f"index {index} is out of range for {len(self)} instances")
            start = int(index) % len(self)
            index = slice(start, start + 1)
        elif not isinstance(index, slice):
            index = np.asarray(index)
            if index.size == 0 and index.dtype == np.float64:  # an empty list
                index = index.astype(np.intp)
            if index.ndim != 1 or index.dtype.kind not in "biu":
                raise IndexError(
                    "expected an integer, a slice, a boolean mask or an array of integers, "
                    f"got dtype {index.dtype} and shape {list(index.shape)}"
                )
        columns = (self.labels[index], self.scores[index], self.boxes[index], self.rles[index])
        return Instances(*columns, self.names, None if self.tracks is None else self.tracks[index])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Instances):
            return NotImplemented
        return (
            np.array_equal(self.labels, other.labels)
            and np.array_equal(self.scores, other.scores)
            and np.array_equal(self.boxes, other.boxes)
            and bool(self.rles == other.rles)
            and np.array_equal(self.tracks, other.tracks)  # type: ignore[arg-type]  # None equals None
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        height, width = self.image_size
        return f"Instances({len(self)} in {height}x{width})"

    def name(self, label: int) -> str:
        """The class name of a label.

        Args:
            label: as in `labels`.

        Returns:
            str; the label itself in digits where it has no name.
        """
        return (self.names or {}).get(label, str(label))

    def to_coco(self, image_id: int | str) -> list[dict[str, Any]]:
        """COCO result dicts, JSON-ready, see https://cocodataset.org/#format-results.

        Args:
            image_id: goes into each.

        Returns:
            A dict for each instance: image_id, category_id (the label), bbox [x, y, width, height] of the
            detection's box in pixels, score, segmentation {"size": [H, W], "counts": str}, and track_id where
            tracked.
        """
        return to_coco(image_id, self.labels, self.scores, self.boxes, self.rles, self.tracks)

    def to_polygons(self) -> list[Polygons]:
        """COCO polygons, as the `segmentation` of an annotation has them.

        They run along the edges of the pixels, so that pycocotools makes the very same mask of them. Polygons
        have no holes: where a part has some, its outline goes along a line into the hole, round it and back.

        Returns:
            For each instance, for each part of its mask, the corners [x, y, x, y, ...] in pixels; pixel x
            reaches from x to x + 1.
        """
        return polygons(self.rles)

    def to_supervision(self) -> Any:
        """The instances as supervision has them.

        Returns:
            `supervision.Detections` with boxes, masks, scores as `confidence`, labels as `class_id`, tracks
            as `tracker_id` and names as `data["class_name"]`. The masks are supervision's `CompactMask`: run
            lengths of each mask's tight box, never drawn.

        Raises:
            ImportError: supervision is not installed, or too old to have such masks.
            ValueError: an image with a side above 32768 pixels, which supervision does not take.
        """
        names = [self.name(label) for label in self.labels.tolist()]
        return to_supervision(self.labels, self.scores, self.boxes, self.rles, names, self.tracks)

    def to_arrow(self) -> pyarrow.RecordBatch:
        """The instances as Arrow has them; numbers and strings are not copied.

        Returns:
            A row for each instance: label (int64), category (its name, or null), score (float32), box
            (4 float32, x_min, y_min, x_max, y_max in pixels), area (int64, pixels), counts (large_binary,
            COCO's string), track_id (int64 or null). The schema is that of files of `maskrle predict`.

        Raises:
            ImportError: pyarrow is not installed.
        """
        return to_arrow(self.labels, self.scores, self.boxes, self.rles, self.names or {}, self.tracks)

    def to_masks(self) -> NDArray[np.uint8]:
        """All masks drawn. Mind the size: n * H * W bytes.

        Returns:
            uint8 [n, H, W], 0 or 1.
        """
        return self.rles.to_masks()

    def draw(self, image: NDArray[np.uint8], *, colors: str = "class") -> NDArray[np.uint8]:
        """A copy of the image, uint8 [H, W, 3] BGR, with masks, outlines, class names and scores over it.

        Args:
            image: the picture that the instances were found in, as the segmenter takes it.
            colors: what a colour stands for. "class": the label alone decides it, so that a class looks the
                same in every picture. "instance": the first instance has the first colour, and so on; of
                tracked ones, each track has its own, and those without a track are grey.

        Raises:
            TypeError, ValueError: an image of another dtype or size than the one the instances were found in,
                or other colors.
        """
        if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
            got = getattr(image, "dtype", type(image).__name__)
            raise TypeError(f"image: expected a uint8 array, got {got}")
        picture = read_image(image)
        if picture.shape != (*self.image_size, 3):
            raise ValueError(
                f"image: expected shape {[*self.image_size, 3]} or grey, got {list(image.shape)}"
            )
        if colors not in COLORS:
            raise ValueError(f"colors: expected one of {', '.join(map(repr, COLORS))}, got {colors!r}")
        return overlay(picture, self._figures(colors))

    def _figures(self, colors: str) -> Iterator[Figure]:
        # Large masks first, so that small ones in front of them stay visible; one mask in memory at a time.
        order = np.argsort(-self.rles.areas, kind="stable")
        for at, crop in zip(order.tolist(), crops(self.rles[order]), strict=True):
            label, score = int(self.labels[at]), f"{self.scores[at]:.2f}"
            name, number = self.name(label), at + 1
            if self.tracks is not None:  # -1 where there is none: grey, as 0 would be the last colour
                number = int(self.tracks[at]) + 1
                name = f"{name} #{number - 1}" if number else name
            color = color_of(label) if colors == "class" else color_of(number) if number else UNTRACKED
            yield Figure(color, (f"{name} {score}", name, score), *crop)


def _check(name: str, array: Any, dtype: type, shape: tuple[int, ...]) -> None:
    if not isinstance(array, np.ndarray) or array.dtype != dtype:
        got = getattr(array, "dtype", type(array).__name__)
        raise TypeError(f"{name}: expected a {np.dtype(dtype)} array, got {got}")
    if array.shape != shape:
        raise ValueError(
            f"{name}: expected shape {list(shape)} for {shape[0]} masks, got {list(array.shape)}"
        )
