from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from maskrle import draw
from maskrle.draw import Figure, color_of, overlay

SIZES = [(1, 1), (1, 300), (300, 1), (32, 32), (120, 160), (480, 640), (1600, 900)]


def disk(height: int, width: int, x: float, y: float, radius: float) -> NDArray[np.uint8]:
    rows, columns = np.mgrid[:height, :width]
    return ((columns - x) ** 2 + (rows - y) ** 2 <= radius**2).astype(np.uint8)


def crowd(height: int, width: int, count: int = 12) -> list[Figure]:
    rng = np.random.default_rng(count)
    side = min(height, width)
    return [
        Figure(
            label,
            (f"class {label} 0.87", f"class {label}", "0.87"),
            disk(height, width, rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.05, 0.3) * side),
        )
        for label in range(1, count + 1)
    ]


def test_colors_are_stable_and_differ() -> None:
    colors = [color_of(label) for label in range(1, 21)]
    assert len(set(colors)) == 20
    assert all(0 <= channel <= 255 for color in colors for channel in color)
    assert color_of(21) == color_of(1)
    assert color_of(0) == color_of(20)


@pytest.mark.parametrize("size", SIZES)
def test_every_size(size: tuple[int, int]) -> None:
    image = np.full((*size, 3), 60, np.uint8)
    drawn = overlay(image, crowd(*size))
    assert (drawn.shape, drawn.dtype) == (image.shape, np.uint8)
    assert (drawn != image).any() or size == (1, 1)
    assert (image == 60).all()


def test_nothing_outside_the_image_is_touched() -> None:
    """The picture is a window of a larger array, whose rim must stay as it is."""
    frame = np.full((240, 320, 3), 7, np.uint8)
    window = frame[20:-20, 30:-30]
    overlay(window, crowd(200, 260))
    assert (frame == 7).all()


def test_fill_and_outline() -> None:
    image = np.full((200, 200, 3), 100, np.uint8)
    mask = disk(200, 200, 100, 120, 50)
    drawn = overlay(image, [Figure(3, (), mask)])
    color = np.array(color_of(3))
    center = np.rint(100 * 0.55 + 0.45 * color)
    assert np.abs(drawn[120, 100] - center).max() <= 1
    assert np.abs(drawn[120, 50] - color).max() <= 8
    assert (drawn[:60] == 100).all()
    changed = (drawn != image).any(axis=2)
    assert changed[mask != 0].all()
    assert changed.sum() < 1.1 * mask.sum()


def test_holes_stay_open_and_empty_masks_are_skipped() -> None:
    image = np.full((100, 100, 3), 100, np.uint8)
    ring = disk(100, 100, 50, 50, 40) - disk(100, 100, 50, 50, 20)
    drawn = overlay(image, [Figure(1, (), ring), Figure(2, ("empty",), np.zeros((100, 100), np.uint8))])
    assert (drawn[40:60, 40:60] == 100).all()
    assert (drawn[:5] == 100).all()


def test_readonly_and_strided_images() -> None:
    image = np.full((60, 80, 3), 50, np.uint8)[:, ::-1]
    image.setflags(write=False)
    figures = crowd(60, 80, 3)
    np.testing.assert_array_equal(overlay(image, figures), overlay(image.copy(), figures))


def _labels(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], figures: list[Figure]
) -> list[draw._Rect]:
    written: list[draw._Rect] = []
    original = draw._write

    def spy(canvas: NDArray[np.uint8], rect: draw._Rect, *rest: object) -> None:
        written.append(rect)
        original(canvas, rect, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(draw, "_write", spy)
    overlay(np.zeros((*size, 3), np.uint8), figures)
    return written


@pytest.mark.parametrize("size", SIZES)
def test_labels_stay_inside(monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]) -> None:
    for rect in _labels(monkeypatch, size, crowd(*size)):
        assert rect.x >= 0
        assert rect.y >= 0
        assert rect.x + rect.width <= size[1]
        assert rect.y + rect.height <= size[0]


def test_labels_keep_off_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve objects in one place of a picture with room for all labels."""
    figures = [Figure(label, (f"class {label} 0.5",), disk(480, 640, 320, 240, 60)) for label in range(1, 13)]
    written = _labels(monkeypatch, (480, 640), figures)
    assert len(written) == 12
    assert not any(a.shared(b) for at, a in enumerate(written) for b in written[:at])


def test_small_pictures_keep_room_for_what_they_show(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _labels(monkeypatch, (16, 16), crowd(16, 16)) == []
    assert sum(rect.area for rect in _labels(monkeypatch, (64, 96), crowd(64, 96, 30))) <= 0.3 * 64 * 96


def test_letters_grow_with_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    heights = [
        _labels(
            monkeypatch, (side, side), [Figure(1, ("a 1",), disk(side, side, side / 2, side / 2, side / 4))]
        )[-1]
        for side in (120, 480, 1200)
    ]
    assert heights[0].height < heights[1].height < heights[2].height


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    seed=st.integers(0, 1000),
    caption=st.text(max_size=12),
)
def test_any_caption_and_mask(size: tuple[int, int], seed: int, caption: str) -> None:
    mask = (np.random.default_rng(seed).random(size) < 0.4).astype(np.uint8)
    drawn = overlay(np.zeros((*size, 3), np.uint8), [Figure(seed - 5, (caption,), mask)])
    assert drawn.shape == (*size, 3)
