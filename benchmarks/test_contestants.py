"""Every contestant that is installed does the same work; so does the floor."""

from __future__ import annotations

import numpy as np
import pytest
from contestants import BASELINE, Contestant, contestants, threads_as_shipped, torch_values, use_threads
from floor import Floor, FloorUnavailable
from speed import verified

import maskrle
from maskrle.benchmark.ways import native_way, reference_way
from maskrle.benchmark.workload import SEEDS, Workload, coco_like

SMALL = (120, 200)


@pytest.fixture(scope="module")
def small() -> Workload:
    return coco_like(30, SMALL)


@pytest.mark.parametrize("contestant", contestants(), ids=lambda c: c.name)
@pytest.mark.parametrize("image_size", [SMALL, (480, 640)], ids=str)
def test_contestants_verify(contestant: Contestant, image_size: tuple[int, int]) -> None:
    work = coco_like(30, image_size)
    if reason := contestant.absent(work):
        pytest.skip(reason)
    contestant.prepare()
    verdict, own = verified(contestant, [work], [list(contestant.make()(work))], [reference_way(work)])
    assert (own is None) == (contestant.paste == "omz")
    checked = own or verdict
    assert checked.masks == 30
    assert checked.fit
    assert not (contestant.is_ours and checked.differing_masks)


def test_a_contestant_with_other_masks_is_refused(small: Workload) -> None:
    shifted = native_way(small._replace(boxes=small.boxes + 2))
    for paste in ("omz", "detectron2"):
        contestant = Contestant("shifted", "", (), lambda: native_way, paste=paste)
        with pytest.raises(RuntimeError, match="shifted does other work than"):
            verified(contestant, [small], [shifted], [reference_way(small)])


def test_absence_has_a_reason() -> None:
    work = coco_like(1, SMALL)
    lacking = Contestant("lacking", "", ("no_such_package",), lambda: native_way)
    large = Contestant("large", "", (), lambda: native_way, bytes_a_pixel=10**12)
    assert lacking.absent(work) == "no_such_package not installed"
    assert large.absent(work) == "needs 24000000.0 GB"


def test_threads_are_given_back() -> None:
    cv2 = pytest.importorskip("cv2")
    shipped = threads_as_shipped()["cv2"]
    use_threads(single=True)
    assert cv2.getNumThreads() == 1
    use_threads(single=False)
    assert cv2.getNumThreads() == shipped
    use_threads(single=True)


@pytest.mark.parametrize("image_size", [SMALL, (480, 640), (800, 1365)], ids=str)
def test_detectron2_equals_torch_away_from_the_threshold(image_size: tuple[int, int]) -> None:
    pytest.importorskip("torch")
    work = coco_like(100, image_size, SEEDS[1])
    batch = maskrle.encode(work.masks, work.boxes, work.image_size, work.channels, paste="detectron2")
    drawn = batch.to_masks().astype(bool)
    compared = 0
    for mask, masks, channel, box in zip(drawn, work.masks, work.channels, work.boxes, strict=True):
        window, there = torch_values(masks[channel], box, image_size)
        values = there.numpy()
        clear = np.abs(values - 0.5) >= 1e-5
        assert (mask[window] == (values >= 0.5))[clear].all()
        assert mask.sum() == mask[window].sum()
        compared += int(clear.sum())
    assert compared > 10_000


def test_the_floor_writes_the_same_dicts(small: Workload) -> None:
    rles = reference_way(small)
    try:
        floor = Floor(small, rles)
    except FloorUnavailable as error:
        pytest.skip(str(error))
    assert floor() == rles


def test_the_baseline_takes_part() -> None:
    assert any(contestant.name == BASELINE for contestant in contestants())
