"""What others have published of the accuracy of networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["PUBLISHED", "Published"]


class Published(NamedTuple):
    """A network's average precision as published.

    ap      kind -> AP, 0 to 1
    where   who says so, of which images
    """

    ap: Mapping[str, float]
    where: str


PUBLISHED = {
    "mask_rcnn_inception_resnet_v2_atrous_coco": Published(
        {"box": 0.3986, "mask": 0.3536}, "Open Model Zoo, on the 5000 images of COCO val2017"
    )
}
"""Name of a network, as its model file has it -> what was published."""
