from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import graphs
import networks
import numpy as np
import pytest
from numpy.typing import NDArray

from maskrle import Result, Segmenter
from maskrle.stream import grouped, ordered

SIZE = (48, 64)


def picture(value: int) -> NDArray[np.uint8]:
    return np.full((*SIZE, 3), value, np.uint8)


def echo(**options: Any) -> Segmenter:
    """Its box says what the picture's pixels are."""
    return Segmenter(graphs.echo(SIZE), **options)


def workers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("maskrle")]


def nothing() -> None:
    pass


def test_results_come_in_order_and_equal_single_calls() -> None:
    segmenter = echo()
    images = [picture(value) for value in range(60)]
    wanted = [segmenter(image) for image in images]
    for count in (None, 1, 2, 5):
        results = list(segmenter.stream(iter(images), count))
        assert [result.instances for result in results] == wanted
        assert all(result.source is image for result, image in zip(results, images, strict=True))
        assert all(result.image is not None and result.error is None for result in results)
        assert all(result.timings is not None and min(result.timings) >= 0 for result in results)
    assert workers() == []


def test_order_is_kept_whatever_takes_long() -> None:
    waits = np.random.default_rng(0).uniform(0, 0.01, 40)

    def work(item: int) -> list[int]:
        time.sleep(waits[item])
        return [item, -item]

    done = list(ordered(work, range(40), 8, nothing))
    assert done == [signed for item in range(40) for signed in (item, -item)]


def test_nothing_is_taken_that_is_not_asked_for() -> None:
    taken = []

    def endless() -> Iterator[NDArray[np.uint8]]:
        while True:
            taken.append(len(taken))
            yield picture(len(taken) % 250)

    stream = echo().stream(endless(), workers=3)
    assert (taken, workers()) == ([], [])
    for number in range(30):
        next(stream)
        assert len(taken) <= number + 6
        if number == 10:
            time.sleep(0.2)  # a slow consumer
    stream.close()
    assert workers() == []


def test_a_slow_input_holds_up_no_result() -> None:
    asked: list[int] = []

    def slowly() -> Iterator[int]:
        for number in range(5):
            asked.append(number)
            time.sleep(0.05)
            yield number

    for number in ordered(lambda item: [item], slowly(), 4, nothing):
        assert len(asked) <= number + 3


def test_one_bad_picture_is_one_error(tmp_path: Path) -> None:
    good, empty, text = tmp_path / "good.png", tmp_path / "empty.png", tmp_path / "text.png"
    good.write_bytes(cv2.imencode(".png", picture(9))[1].tobytes())
    empty.touch()
    text.write_text("no picture")
    images: list[Any] = [
        good, empty, picture(1), tmp_path / "absent.png", text, np.zeros((2, 2)), 3, ValueError("lost"),
        str(good),
    ]  # fmt: skip
    segmenter = echo()
    results = list(segmenter.stream(images))
    assert [result.source for result in results] == images
    errors = [None if result.error is None else type(result.error) for result in results]
    assert errors == [
        None, ValueError, None, FileNotFoundError, ValueError, TypeError, TypeError, ValueError, None
    ]  # fmt: skip
    for result in results:
        assert (result.instances is None) == (result.error is not None) == (result.timings is None)
    assert "empty.png" in str(results[1].error)
    assert results[7].error is images[7]
    assert results[0].instances == results[8].instances == segmenter(good)


def test_errors_do_not_keep_pictures(tmp_path: Path) -> None:
    """Who collects the errors of a long run has memory for errors."""
    (tmp_path / "noise.png").write_bytes(bytes(2_000_000))
    table, masks = graphs.rows(1, seed=5)
    table[0, 1], table[0, 2] = 91, 0.9
    segmenter = Segmenter(graphs.constant(table, masks, size=SIZE))
    images = (np.full((800, 900, 3), 1, np.uint8) if at % 2 else tmp_path / "noise.png" for at in range(40))
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    errors = [result.error for result in segmenter.stream(images, 2)]
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert all(isinstance(error, ValueError) and error.__traceback__ is not None for error in errors)
    assert grown < 2_000_000


def test_an_exception_among_the_images_leaves_where_it_comes_from_alone() -> None:
    def images() -> Iterator[Any]:
        for value in range(5):
            try:
                raise ValueError(value)
            except ValueError as error:
                yield error

    assert [str(result.error) for result in echo().stream(images(), 2)] == ["0", "1", "2", "3", "4"]


def test_what_breaks_the_contract_is_an_error_of_its_picture() -> None:
    table, masks = graphs.rows(2, seed=5)
    table[1, 1], table[:, 2] = 91, 0.9
    images = [picture(count) for count in (1, 2, 1, 2, 1)]
    results = list(Segmenter(graphs.constant(table, masks, size=SIZE)).stream(images))
    assert [result.error is None for result in results] == [True, False, True, False, True]
    assert "label 91" in str(results[1].error)


@pytest.mark.parametrize("after", [0, 1, 5, 50])
def test_an_exception_of_the_input_comes_after_what_was_before_it(after: int) -> None:
    def failing() -> Iterator[NDArray[np.uint8]]:
        for value in range(after):
            yield picture(value)
        raise ZeroDivisionError("input")

    stream = echo().stream(failing(), 3)
    assert [next(stream).error for _ in range(after)] == [None] * after
    with pytest.raises(ZeroDivisionError, match="input"):
        next(stream)
    assert workers() == []


def test_an_empty_input() -> None:
    assert list(echo().stream([])) == []
    assert workers() == []


def stop_by_closing(stream: Iterator[Result]) -> None:
    next(stream)
    stream.close()  # type: ignore[attr-defined]


def stop_by_an_exception(stream: Iterator[Result]) -> None:
    def loop(results: Iterator[Result]) -> None:
        for _ in results:
            raise KeyError

    results = [stream]
    del stream
    with pytest.raises(KeyError):
        loop(results.pop())


def stop_by_forgetting(stream: Iterator[Result]) -> None:
    next(stream)
    del stream
    gc.collect()


@pytest.mark.parametrize("stop", [stop_by_closing, stop_by_an_exception, stop_by_forgetting])
def test_threads_end_with_the_generator(stop: Callable[[Iterator[Result]], None]) -> None:
    segmenter = echo()
    for _ in range(5):
        stop(segmenter.stream(picture(value) for value in range(1000)))
        assert workers() == []
    assert next(segmenter.stream([picture(4)])).instances == segmenter(picture(4))


def test_inferences_that_are_going_on_are_interrupted() -> None:
    """Pictures that take some seconds each do not hold up the end by as much."""
    segmenter = Segmenter(graphs.slow(2), config={"PERFORMANCE_HINT": "THROUGHPUT"})
    begun = time.perf_counter()
    next(segmenter.stream([picture(0)]))
    layers = max(int(2 * 4 / (time.perf_counter() - begun)), 2)
    segmenter = Segmenter(graphs.slow(layers), config={"PERFORMANCE_HINT": "THROUGHPUT"})
    begun = time.perf_counter()
    stream = segmenter.stream(picture(value) for value in range(8))
    next(stream)
    one = time.perf_counter() - begun
    time.sleep(one / 4)
    begun = time.perf_counter()
    stream.close()  # type: ignore[attr-defined]
    assert time.perf_counter() - begun < min(one / 2, 1)
    assert workers() == []
    assert len(segmenter(picture(1))) == 1


def test_control_c_ends_the_program(tmp_path: Path) -> None:
    program = (
        "import graphs, numpy as np; from maskrle import Segmenter\n"
        "images = (np.zeros((8, 8, 3), np.uint8) for _ in iter(int, 1))\n"
        "for number, _ in enumerate(Segmenter(graphs.slow(20)).stream(images)): print(number, flush=True)\n"
    )
    tests = str(Path(__file__).parent)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([tests, *sys.path])}
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "0\n"
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=20)
    assert running.returncode != 0
    assert errors.rstrip().endswith("KeyboardInterrupt")


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("count", [0, 2, 3, 7])
def test_networks_of_a_fixed_batch(batch: int, count: int) -> None:
    per_image = [networks.answers("omz-tf", 3, seed) for seed in range(batch)]
    segmenter = Segmenter(networks.network("omz-tf", per_image))
    images = [np.full((*networks.SIZE, 3), 1 + number % 3, np.uint8) for number in range(count)]
    wanted = segmenter.batch(images)
    results = list(segmenter.stream(images))
    assert [result.instances for result in results] == wanted
    assert [result.source is image for result, image in zip(results, images, strict=True)] == [True] * count


def test_a_bad_picture_in_a_batch_costs_no_other() -> None:
    per_image = [networks.answers("omz-tf", 3, 1)] * 3
    segmenter = Segmenter(networks.network("omz-tf", per_image))
    good = np.full((*networks.SIZE, 3), 2, np.uint8)
    results = list(segmenter.stream([good, np.zeros(3), good, good]))
    assert [result.error is None for result in results] == [True, False, True, True]
    assert [result.instances for result in results if result.instances] == [segmenter(good)] * 3


@pytest.mark.parametrize("bad", ["array", "exception"])
def test_errors_do_not_keep_the_pictures_of_their_batch(bad: str) -> None:
    segmenter = Segmenter(networks.network("omz-tf", [networks.answers("omz-tf", 3, 1)] * 3))
    seen: list[weakref.ref[NDArray[Any]]] = []

    def images() -> Iterator[Any]:
        for number in range(12):
            image = np.full((*networks.SIZE, 3 + (number % 3 == 2)), 2, np.float32)
            if bad == "exception" and number % 3 == 2:
                yield ValueError("lost")
                continue
            image = image if number % 3 == 2 else image.astype(np.uint8)
            seen.append(weakref.ref(image))
            yield image

    gc.disable()  # what is kept is not to be found by chance
    try:
        errors = [result.error for result in segmenter.stream(images(), 2)]
        del errors[:2]  # so that none is the last
        assert sum(error is not None for error in errors) == 4
        assert [one() is None for one in seen[:-1]] == [True] * (len(seen) - 1)
    finally:
        gc.enable()


def test_groups() -> None:
    assert list(grouped(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(grouped([], 2)) == []


def test_several_streams_and_calls_at_once() -> None:
    segmenter = echo()
    images = [picture(value) for value in range(40)]
    one, other = segmenter.stream(images, 2), segmenter.stream(images[::-1], 3)
    for index, image in enumerate(images):
        assert next(one).instances == segmenter(image)
        assert next(other).instances == segmenter(images[-1 - index])
        if index == 20:
            segmenter.stream(images).__next__()  # ends at once; the others go on


def test_what_the_network_is_compiled_for() -> None:
    usual, said = echo(), echo(config={"PERFORMANCE_HINT": "THROUGHPUT", "NUM_STREAMS": 1})
    for segmenter in (usual, said):
        list(segmenter.stream([picture(0)]))
    assert str(usual._throughput().get_property("PERFORMANCE_HINT")).endswith("THROUGHPUT")
    assert str(usual._compiled.get_property("PERFORMANCE_HINT")).endswith("LATENCY")
    assert said._throughput() is said._compiled


@pytest.mark.parametrize(
    ("images", "workers", "error", "message"),
    [
        ("image.png", None, TypeError, "images: expected an iterable of pictures, got str"),
        (Path("image.png"), None, TypeError, "images: .*got .*Path"),
        (picture(0), None, TypeError, "images: .*got ndarray"),
        (3, None, TypeError, "images: .*got int"),
        ([], 0, ValueError, "workers: expected at least 1, got 0"),
        ([], 1.5, TypeError, "workers: expected an integer or None, got float"),
        ([], True, TypeError, "workers: expected an integer or None, got bool"),
    ],
)
def test_arguments_are_checked(images: Any, workers: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        echo().stream(images, workers)
