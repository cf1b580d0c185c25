"""Which object of a video each detection is, by the trackers of supervision's authors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .coco import coco_boxes
from .results import Instances
from .sources import Item, Source, Still, frames_a_second, printable

__all__ = ["Tracks", "check_tracking"]


def check_tracking(sources: Sequence[Source]) -> None:
    """See to it that there are videos and cameras only, and a tracker.

    Raises:
        ValueError: a picture, which nothing comes before or after.
        ImportError: a package is missing.
    """
    still = next((source for source in sources if isinstance(source, Still)), None)
    if still is not None:
        raise ValueError(f"track: expected videos or cameras, got the picture {printable(still.path)}")
    try:
        import trackers  # noqa: F401
    except ImportError as error:
        raise ImportError(f"track: {error}: pip install 'maskrle[track]'") from None


class Tracks:
    """Gives the detections of each video the numbers of their tracks, with a tracker of its own for each.

    ByteTrack with its authors' settings; an object is not forgotten for a second of the video, by its frame
    rate. What a tracker knows follows from the boxes and scores that it was given, so a run that is taken up
    again gives it those of the frames that are done.
    """

    def __init__(self) -> None:
        self._tracker: Any = None

    def follow(self, item: Item, found: Instances | None) -> Instances | None:
        """One frame's instances with their tracks; None where the frame failed. Frames in order, please."""
        if found is None:
            self.resume(item, None)
            return None
        return replace(found, tracks=self._advance(item, coco_boxes(found.boxes), found.scores))

    def resume(self, item: Item, found: tuple[NDArray[np.float64], NDArray[Any]] | None) -> None:
        """A frame that an earlier run did: boxes, x, y, width, height [n, 4], and scores [n]."""
        self._advance(item, *(found or (np.empty((0, 4)), np.empty(0))))

    def _advance(self, item: Item, boxes: NDArray[np.float64], scores: NDArray[Any]) -> NDArray[np.int64]:
        tracks = np.full(len(boxes), -1, np.int64)
        if item.frame is None:  # a video without any
            return tracks
        import supervision
        import trackers

        if item.frame == 0:
            self._tracker = trackers.ByteTrackTracker(frame_rate=frames_a_second(item.source))
        corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
        numbers: dict[str, Any] = {"at": np.arange(len(boxes))}  # the tracker puts them into another order
        detections = supervision.Detections(corners, confidence=scores.astype(np.float64), data=numbers)
        tracked = self._tracker.update(detections)
        if len(tracked):
            tracks[tracked.data["at"]] = tracked.tracker_id
        return tracks
