"""A network of every contract: from the picture to the string, against the published procedure."""

from __future__ import annotations

import networks
import numpy as np
import openvino as ov
import procedures
import pytest
from networks import Answers
from numpy.typing import NDArray

import maskrle.segmenter
from maskrle import Instances, Segmenter

SIZES = [(120, 200), (480, 640), (640, 427), (61, 47), (5, 9), (200, 31), (1, 1), (2160, 3840)]
SIZES += [(33, 33), (28, 28), (14, 14)]  # as masks are


def picture(height: int, width: int, corner: int) -> NDArray[np.uint8]:
    """A picture whose top left pixel keeps its value when it is resized."""
    image = np.random.default_rng(height * width).integers(0, 255, (height, width, 3), dtype=np.uint8)
    image[: height // 2 + 1, : width // 2 + 1] = corner
    return image


def assert_equal(
    found: Instances, contract: str, known: Answers, network: tuple[int, int], resize: str = "fit"
) -> None:
    assert found.labels.tolist() == known.labels.tolist()
    assert found.scores.tolist() == known.scores.tolist()
    pixels = contract in networks.PIXELS
    boxes = procedures.boxes_to_image(known.boxes, found.image_size, network, resize, pixels=pixels)
    np.testing.assert_array_equal(found.boxes, boxes)
    for rle, box, mask in zip(found.rles, boxes, known.masks, strict=True):
        assert rle == procedures.coco(procedures.accuracy_checker(mask, box, found.image_size, 0.5))


def first(known: Answers, count: int) -> Answers:
    return Answers(*(column[:count] for column in known))


@pytest.mark.parametrize("contract", networks.CONTRACTS)
@pytest.mark.parametrize("count", [0, 1, 100])
def test_every_contract(contract: str, count: int) -> None:
    known = networks.answers(contract, 100, seed=count)
    # At a threshold of 0, the rows that fill up what a network puts out would show.
    segmenter = Segmenter(networks.network(contract, [known]), score_threshold=0)
    assert segmenter.contract.name == contract
    found = segmenter(picture(90, 110, count))
    assert_equal(found, contract, first(known, count), networks.SIZE)


@pytest.mark.parametrize("contract", networks.CONTRACTS)
@pytest.mark.parametrize("resize", ["fit", "stretch"])
@pytest.mark.parametrize("image_size", SIZES, ids=str)
def test_every_size(contract: str, resize: str, image_size: tuple[int, int]) -> None:
    known = networks.answers(contract, 4, seed=image_size[0])
    found = Segmenter(networks.network(contract, [known]), resize=resize)(picture(*image_size, 4))
    assert_equal(found, contract, known, networks.SIZE, resize)


@pytest.mark.parametrize("contract", networks.CONTRACTS)
@pytest.mark.parametrize("resize", ["fit", "stretch", "none"])
@pytest.mark.parametrize("image_size", SIZES, ids=str)
def test_dynamic_inputs_take_pictures_as_they_are(
    contract: str, resize: str, image_size: tuple[int, int]
) -> None:
    known = networks.answers(contract, 4, seed=image_size[1], size=image_size)
    model = networks.network(contract, [known], shape=[1, 3, -1, -1])
    segmenter = Segmenter(model, resize=resize)
    assert segmenter.input_size is None
    assert_equal(segmenter(picture(*image_size, 4)), contract, known, image_size, "none")


@pytest.mark.parametrize("contract", networks.CONTRACTS)
def test_no_resize_takes_pictures_of_the_networks_size_only(contract: str) -> None:
    known = networks.answers(contract, 3, seed=1)
    segmenter = Segmenter(networks.network(contract, [known]), resize="none")
    assert_equal(segmenter(picture(120, 200, 3)), contract, known, networks.SIZE, "none")
    with pytest.raises(ValueError, match=r"resize: 'none' takes images of 120x200 .*got 121x200"):
        segmenter(picture(121, 200, 3))


@pytest.mark.parametrize("contract", networks.CONTRACTS)
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
@pytest.mark.parametrize("info", [1, 0])
def test_layouts_and_types_of_inputs(contract: str, layout: str, dtype: type, info: int) -> None:
    known = networks.answers(contract, 5, seed=2)
    model = networks.network(contract, [known], layout=layout, dtype=dtype, info=info)
    assert_equal(Segmenter(model)(picture(50, 80, 5)), contract, known, networks.SIZE)


def test_large_masks() -> None:
    """As instance-segmentation-person-0007 has them."""
    known = networks.answers("omz-instance", 4, seed=3, size=(320, 544), side=224)
    segmenter = Segmenter(networks.network("omz-instance", [known], size=(320, 544)), resize="stretch")
    assert_equal(segmenter(picture(480, 640, 4)), "omz-instance", known, (320, 544), "stretch")


def test_masks_of_all_classes_from_tensorflow() -> None:
    known = networks.answers("tf-od", 7, seed=3)
    found = Segmenter(networks.network("tf-od", [known], all_classes=True))(picture(90, 70, 7))
    assert_equal(found, "tf-od", known, networks.SIZE)


@pytest.mark.parametrize("contract", ["omz-tf", "tf-od"])
@pytest.mark.parametrize("select", [True, False])
def test_batch_of_two(contract: str, select: bool) -> None:
    known = [networks.answers(contract, 9, seed=4), networks.answers(contract, 9, seed=5)]
    model = networks.network(contract, known, all_classes=select)
    segmenter = Segmenter(model, select_in_graph=select)
    images = [
        picture(90, 110, 9),
        picture(70, 80, 4),
        picture(60, 50, 0),
        picture(200, 130, 7),
        picture(40, 40, 2),
    ]
    found = segmenter.batch(iter(images))
    assert len(found) == 5
    for at, (instances, image) in enumerate(zip(found, images, strict=True)):
        assert instances.image_size == image.shape[:2]
        assert_equal(instances, contract, first(known[at % 2], int(image[0, 0, 0])), networks.SIZE)
    assert segmenter(images[0]) == found[0]
    assert segmenter.batch([]) == []


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_one_size_for_each_image_of_a_batch_or_for_all(rows: int) -> None:
    known = [networks.answers("omz-tf", 5, seed=6)] * 2
    segmenter = Segmenter(networks.network("omz-tf", known, info=rows))
    found = segmenter.batch([picture(40, 50, 5), picture(60, 50, 2)])
    assert [len(instances) for instances in found] == [5, 2]


@pytest.mark.parametrize("sides", [[120, 200], [-1, -1]])
def test_a_dynamic_batch(sides: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maskrle.segmenter, "DYNAMIC_BATCH", 2)
    size = (120, 200) if sides[0] > 0 else (40, 50)
    known = [networks.answers("omz-tf", 9, seed=seed, size=size) for seed in (7, 8)]
    segmenter = Segmenter(networks.network("omz-tf", known, shape=[-1, 3, *sides], info=-1))
    counts = [9, 4, 0, 7, 2]
    found = segmenter.batch(picture(40, 50, count) for count in counts)
    for at, (instances, count) in enumerate(zip(found, counts, strict=True)):
        assert_equal(instances, "omz-tf", first(known[at % 2], count), size)
    assert segmenter(picture(40, 50, 9)) == found[0]


def test_pictures_of_different_sizes_do_not_share_a_batch_of_dynamic_size() -> None:
    known = [networks.answers("tf-od", 3, seed=seed) for seed in (7, 8)]
    segmenter = Segmenter(networks.network("tf-od", known, shape=[2, -1, -1, 3]))
    images = [picture(40, 50, 3), picture(40, 50, 2), picture(41, 50, 3), picture(40, 50, 1)]
    found = segmenter.batch(images)
    for instances, image, at in zip(found, images, (0, 1, 0, 0), strict=True):
        assert_equal(instances, "tf-od", first(known[at], int(image[0, 0, 0])), image.shape[:2])


@pytest.mark.parametrize("resize", ["fit", "stretch", "none"])
@pytest.mark.parametrize("preprocess", ["opencv", "graph"])
def test_sides_with_limits(resize: str, preprocess: str) -> None:
    known = networks.answers("torchvision", 3, seed=1, size=(40, 60))
    side = ov.Dimension(20, 90)
    model = networks.network("torchvision", [known], shape=ov.PartialShape([1, 3, side, side]))
    segmenter = Segmenter(model, resize=resize, preprocess=preprocess)
    assert segmenter.input_size is None
    assert_equal(segmenter(picture(40, 60, 3)), "torchvision", known, (40, 60), "none")
    for size in ((90, 91), (19, 20)):
        message = (
            rf"resize: '{resize}' needs .* of {size[0]}x{size[1]} .* the network takes 20\.\.90x20\.\.90$"
        )
        with pytest.raises(ValueError, match=message):
            segmenter(picture(*size, 3))


@pytest.mark.parametrize("limits", [(0, 2), (2, 2), (2, 3)])
def test_a_batch_with_limits(limits: tuple[int, int]) -> None:
    known = [networks.answers("omz-tf", 9, seed=seed) for seed in range(limits[1])]
    batch = ov.Dimension(*limits)
    model = networks.network("omz-tf", known, shape=ov.PartialShape([batch, 3, 120, 200]), info=-1)
    images = [picture(40, 50, count) for count in (9, 4, 0, 7, 2)]
    found = Segmenter(model).batch(images)
    for at, (instances, image) in enumerate(zip(found, images, strict=True)):
        assert_equal(instances, "omz-tf", first(known[at % limits[1]], int(image[0, 0, 0])), networks.SIZE)


def test_a_size_for_each_image_tells_the_batch() -> None:
    known = [networks.answers("omz-tf", 9, seed=seed) for seed in (7, 8)]
    segmenter = Segmenter(networks.network("omz-tf", known, shape=[-1, 3, 120, 200], info=2))
    assert_equal(segmenter(picture(40, 50, 5)), "omz-tf", first(known[0], 5), networks.SIZE)
    assert [len(found) for found in segmenter.batch([picture(40, 50, count) for count in (1, 2, 3)])] == [
        1,
        2,
        3,
    ]


@pytest.mark.parametrize("contract", networks.CONTRACTS)
def test_any_number_of_images_through_a_batch_of_one(contract: str) -> None:
    known = networks.answers(contract, 9, seed=6)
    segmenter = Segmenter(networks.network(contract, [known]))
    images = [picture(30 + count, 40, count) for count in range(9)]
    assert segmenter.batch(images) == [segmenter(image) for image in images]
