from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from baselines import OPENCV, compare
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from maskrle import Instances, encode
from maskrle.draw import Figure, color_of, overlay

SIZES = [(1, 1), (1, 300), (300, 1), (32, 32), (120, 160), (480, 640), (1600, 900)]
# What eyes leave of linear red, green and blue: G. M. Machado, M. M. Oliveira and L. A. F. Fernandes,
# "A Physiologically-based Model for Simulation of Color Vision Deficiency", 2009, table 1.
SIGHTS = {
    "normal": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def disk(height: int, width: int, x: float, y: float, radius: float) -> NDArray[np.uint8]:
    rows, columns = np.mgrid[:height, :width]
    return ((columns - x) ** 2 + (rows - y) ** 2 <= radius**2).astype(np.uint8)


def figure(label: int, captions: tuple[str, ...], mask: NDArray[np.uint8]) -> Figure:
    """A figure with the tight crop of a mask over the whole picture."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return Figure(color_of(label), captions, 0, 0, np.zeros((0, 0), np.uint8))
    crop = np.ascontiguousarray(mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    return Figure(color_of(label), captions, int(columns[0]), int(rows[0]), crop)


def crowd(height: int, width: int, count: int = 12, *, captions: bool = True) -> list[Figure]:
    rng = np.random.default_rng(count)
    side = min(height, width)
    return [
        figure(
            label,
            (f"class {label} 0.87", f"class {label}", "0.87") if captions else (),
            disk(height, width, rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.05, 0.3) * side),
        )
        for label in range(1, count + 1)
    ]


def backdrop(height: int, width: int) -> NDArray[np.uint8]:
    rows, columns = np.mgrid[:height, :width]
    shade = np.stack([columns * 9 // width * 16 + 60, rows * 9 // height * 16 + 40, 0 * rows + 110], axis=-1)
    return shade.astype(np.uint8)


def instances() -> Instances:
    """Eight disks and boxes, across the border, with a hole, one empty, two of each class."""
    rows, columns = np.mgrid[:33, :33]
    far = np.hypot(columns - 16, rows - 16)
    round_, ring = (far < 15.5).astype(np.float32), ((far < 15.5) & (far > 8)).astype(np.float32)
    kinds = [
        round_,
        ring,
        np.ones((33, 33), np.float32),
        round_,
        ring,
        round_,
        np.zeros((33, 33), np.float32),
    ]
    kinds.append(round_)
    boxes = np.array(
        [
            [20, 20, 140, 150], [120, 40, 230, 140], [240, 150, 380, 300], [-60, 180, 70, 310],
            [90, 150, 210, 230], [120, 160, 180, 220], [10, 10, 30, 30], [262, 40, 290, 68],
        ],
        np.float32,
    )  # fmt: skip
    labels = np.array([1, 2, 3, 1, 4, 2, 3, 90])
    scores = np.linspace(0.99, 0.5, 8).astype(np.float32)
    names = {1: "person", 2: "ring", 3: "box", 4: "wheel"}
    return Instances(labels, scores, boxes, encode(np.stack(kinds), boxes, (240, 320)), names)


def test_masks_are_drawn_as_they_were() -> None:
    """The same bytes in every OpenCV, as no letters are drawn."""
    compare("masks", overlay(backdrop(240, 320), crowd(240, 320, captions=False)))
    compare("masks-small", overlay(backdrop(60, 80), crowd(60, 80, captions=False)))


@pytest.mark.parametrize("colors", ["class", "instance"])
def test_instances_are_drawn_as_they_were(colors: str) -> None:
    drawn = instances().draw(backdrop(240, 320), colors=colors)
    compare(f"{colors}-opencv{OPENCV}", drawn, differs=0.001)  # letters may lose or gain a pixel


def test_colors_are_stable_and_differ() -> None:
    colors = [color_of(label) for label in range(1, 21)]
    assert len(set(colors)) == 20
    assert all(0 <= channel <= 255 for color in colors for channel in color)
    assert color_of(21) == color_of(1)
    assert color_of(0) == color_of(20)
    assert color_of(1) == (0xD1, 0x8F, 0x0A)


@pytest.mark.parametrize("sight", SIGHTS)
def test_colors_near_each_other_are_told_apart(sight: str) -> None:
    """At least 8.5 in OKLab (times 100) between any of four in a row, where eyes begin to see a difference at
    2; the best palettes of 20 colours that a search found have 9 to 12."""
    rgb = np.array([color_of(number)[::-1] for number in range(1, 21)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.array(SIGHTS[sight]).T, 0, 1)
    # https://bottosson.github.io/posts/oklab/
    cones = np.cbrt(
        seen
        @ [
            [0.4122214708, 0.2119034982, 0.0883024619],
            [0.5363325363, 0.6806995451, 0.2817188376],
            [0.0514459929, 0.1073969566, 0.6299787005],
        ]
    )
    lab = cones @ [
        [0.2104542553, 1.9779984951, 0.0259040371],
        [0.7936177850, -2.4285922050, 0.7827717662],
        [-0.0040720468, 0.4505937099, -0.8086757660],
    ]
    for step in (1, 2, 3):
        assert 100 * np.linalg.norm(lab - np.roll(lab, step, axis=0), axis=1).min() > 8.5


def test_a_class_looks_the_same_everywhere_and_instances_do_not() -> None:
    found, image = instances(), np.full((240, 320, 3), 128, np.uint8)
    plain = replace(found, names=None)
    inside = (slice(60, 90), slice(60, 90))  # of the first instance alone
    both = [found.draw(image)[inside], found[3:].draw(image)[200:220, 20:40]]
    assert both[0].reshape(-1, 3).tolist()[0] == both[1].reshape(-1, 3).tolist()[0]
    drawn = plain[[0, 3]].draw(image, colors="instance")
    assert drawn[75, 75].tolist() != drawn[210, 20].tolist()
    assert drawn[75, 75].tolist() == both[0][15, 15].tolist()  # the first instance has the first colour


def test_a_track_keeps_its_colour() -> None:
    """Whatever number its instance has in a frame."""
    found, image = replace(instances(), names={1: ""}), np.full((240, 320, 3), 128, np.uint8)
    tracked = replace(found, tracks=np.array([4, -1, 2, -1, 0, 1, 3, 5]))
    first = tracked[[0, 2]].draw(image, colors="instance")
    second = tracked[[2, 0, 3]].draw(image, colors="instance")
    assert first[75, 75].tolist() == second[75, 75].tolist() != first[220, 300].tolist()
    assert first[220, 300].tolist() == second[220, 300].tolist()
    blue, green, red = second[210, 20].tolist()
    assert blue == green == red


@pytest.mark.parametrize("size", SIZES)
def test_every_size(size: tuple[int, int]) -> None:
    image = np.full((*size, 3), 60, np.uint8)
    drawn = overlay(image, crowd(*size))
    assert (drawn.shape, drawn.dtype) == (image.shape, np.uint8)
    assert (drawn != image).any() or size == (1, 1)
    assert (image == 60).all()


def test_a_very_large_picture_costs_what_its_objects_do() -> None:
    """300 objects in 8,000 x 8,000 pixels: besides the copy, less memory than a single mask of that size."""
    rng = np.random.default_rng(1)
    corners = rng.uniform(0, 7_500, (300, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(20, 400, (300, 2))], axis=1).astype(np.float32)
    rles = encode(np.ones((300, 14, 14), np.float32), boxes, (8_000, 8_000))
    found = Instances(np.arange(300), np.full(300, 0.5, np.float32), boxes, rles)
    image = np.zeros((8_000, 8_000, 3), np.uint8)
    tracemalloc.start()
    drawn = found.draw(image)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < drawn.nbytes + 64e6
    assert drawn.any()


def test_nothing_outside_the_image_is_touched() -> None:
    """The picture is a window of a larger array, whose rim must stay as it is."""
    frame = np.full((240, 320, 3), 7, np.uint8)
    window = frame[20:-20, 30:-30]
    overlay(window, crowd(200, 260))
    assert (frame == 7).all()


def test_fill_and_outline() -> None:
    image = np.full((200, 200, 3), 100, np.uint8)
    mask = disk(200, 200, 100, 120, 50)
    drawn = overlay(image, [figure(3, (), mask)])
    color = np.array(color_of(3))
    center = np.rint(100 * 0.58 + 0.42 * color)
    assert np.abs(drawn[120, 100] - center).max() <= 1
    assert np.abs(drawn[120, 50] - color).max() <= 8
    assert (drawn[:60] == 100).all()
    changed = (drawn != image).any(axis=2)
    assert changed[mask != 0].all()
    assert changed.sum() < 1.1 * mask.sum()


def test_holes_stay_open_and_empty_masks_are_skipped() -> None:
    image = np.full((100, 100, 3), 100, np.uint8)
    ring = disk(100, 100, 50, 50, 40) - disk(100, 100, 50, 50, 20)
    drawn = overlay(image, [figure(1, (), ring), figure(2, ("empty",), np.zeros((100, 100), np.uint8))])
    assert (drawn[40:60, 40:60] == 100).all()
    assert (drawn[:5] == 100).all()


def test_readonly_and_strided_images() -> None:
    image = np.full((60, 80, 3), 50, np.uint8)[:, ::-1]
    image.setflags(write=False)
    figures = crowd(60, 80, 3)
    np.testing.assert_array_equal(overlay(image, figures), overlay(image.copy(), figures))


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    seed=st.integers(0, 1000),
    caption=st.text(max_size=12),
)
def test_any_caption_and_mask(size: tuple[int, int], seed: int, caption: str) -> None:
    mask = (np.random.default_rng(seed).random(size) < 0.4).astype(np.uint8)
    drawn = overlay(np.zeros((*size, 3), np.uint8), [figure(seed - 5, (caption,), mask)])
    assert drawn.shape == (*size, 3)
