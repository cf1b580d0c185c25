from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskrle.lettering import Plate, Rect, place

SIZES = [(1, 1), (1, 300), (300, 1), (32, 32), (120, 160), (480, 640), (1600, 900), (16_000, 16_000)]


def label(size: tuple[int, int], extents: list[Rect], captions: tuple[str, ...]) -> list[Plate]:
    """Labels of objects one after the other."""
    plates: list[Plate] = []
    for extent in extents:
        taken = [plate.rect for plate in plates]
        plate = place(captions, extent.x + extent.width // 2, extent, size, taken)
        plates += [] if plate is None else [plate]
    return plates


def scattered(size: tuple[int, int], count: int, seed: int = 0) -> list[Rect]:
    height, width = size
    rng = np.random.default_rng(seed)
    extents = []
    for _ in range(count):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        extents.append(Rect(x, y, int(rng.integers(1, width - x + 1)), int(rng.integers(1, height - y + 1))))
    return extents


def check(size: tuple[int, int], plates: list[Plate]) -> None:
    """All inside, none over another, letters and ground as large as the plate."""
    height, width = size
    rects = [plate.rect for plate in plates]
    for at, plate in enumerate(plates):
        x, y, wide, high = plate.rect
        assert x >= 0
        assert y >= 0
        assert x + wide <= width
        assert y + high <= height
        assert plate.letters.shape == plate.ground.shape == (high, wide)
        for other in rects[:at]:
            across = min(x + wide, other.x + other.width) - max(x, other.x)
            down = min(y + high, other.y + other.height) - max(y, other.y)
            assert across <= 0 or down <= 0


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [1, 12, 300])
def test_labels_stay_inside_and_off_each_other(size: tuple[int, int], count: int) -> None:
    plates = label(size, scattered(size, count), ("class 7 0.87", "class 7", "0.87"))
    check(size, plates)
    assert plates or min(size) < 64


@settings(max_examples=100, deadline=None)
@given(
    size=st.tuples(st.integers(1, 400), st.integers(1, 400)),
    seed=st.integers(0, 1000),
    captions=st.lists(st.text(max_size=60), max_size=3),
)
def test_any_captions_in_any_picture(size: tuple[int, int], seed: int, captions: list[str]) -> None:
    check(size, label(size, scattered(size, 5, seed), tuple(captions)))


def test_all_objects_in_one_place_get_their_labels() -> None:
    """Twelve in one place of a picture with room for all labels."""
    assert len(label((480, 640), [Rect(260, 180, 120, 120)] * 12, ("class 11 0.50",))) == 12


def test_a_label_sits_on_its_object_where_nothing_is_in_the_way() -> None:
    (plate,) = label((480, 640), [Rect(260, 180, 120, 120)], ("disk 0.50",))
    assert plate.rect.y + plate.rect.height == 180
    assert abs(plate.rect.x + plate.rect.width / 2 - 320) <= 1


def test_where_there_is_less_room_captions_are_shorter() -> None:
    long, short = ("a class with a long name 0.87", "0.87"), ("0.87",)
    extent = [Rect(10, 60, 50, 40)]
    (narrow,) = label((120, 100), extent, long)
    assert narrow.rect == label((120, 100), extent, short)[0].rect


def test_small_pictures_keep_room_for_what_they_show() -> None:
    assert label((16, 16), scattered((16, 16), 12), ("class 1 0.87", "0.87")) == []
    plates = label((64, 96), scattered((64, 96), 30), ("class 1 0.87", "class 1", "0.87"))
    assert sum(plate.rect.width * plate.rect.height for plate in plates) <= 0.3 * 64 * 96


def test_letters_grow_with_the_picture() -> None:
    heights = [
        label((side, side), [Rect(side // 4, side // 2, side // 2, side // 4)], ("a 1",))[0].rect.height
        for side in (120, 480, 1200, 4000, 16_000)
    ]
    assert heights == sorted(set(heights))
    assert heights[-1] > 150


def test_a_name_as_long_as_a_book_is_cut() -> None:
    """A file of names comes from elsewhere."""
    tracemalloc.start()
    (plate,) = label((2000, 2000), [Rect(900, 900, 200, 200)], ("x" * 1_000_000,))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert plate.rect.width < 2000
    assert peak < 50e6  # drawn in full, it would take gigabytes
