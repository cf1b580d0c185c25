"""Work in threads, results in order: the engine behind `Segmenter.stream`, and what comes out of that."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from traceback import clear_frames
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from .results import Instances

__all__ = ["Result", "Timings", "forget", "grouped", "ordered"]

Item = TypeVar("Item")
Done = TypeVar("Done")

_AHEAD = 2
"""Items in flight for each worker: one that it works on, and one that waits, so that it never does."""
_PATIENCE = 0.02
"""Seconds from one attempt to interrupt work to the next."""


class Timings(NamedTuple):
    """Where the time of one picture went, seconds of wall time. Of a batch, each has an equal share.

    read         the file or the array to a picture
    preprocess   the picture to the network's input
    inference    OpenVINO
    postprocess  the outputs to `Instances`
    """

    read: float
    preprocess: float
    inference: float
    postprocess: float


@dataclass(frozen=True, eq=False)
class Result:
    """What became of one element of a stream; either `instances` or `error` is there.

    source     the element, as it came
    instances  what was found in it
    error      why nothing could be: whatever reading or segmenting it raised
    image      the picture as it was read, uint8 [H, W, 3] BGR, to draw on; None where it could not be read
    timings    where the time went; None with an error
    """

    source: Any
    instances: Instances | None = None
    error: Exception | None = None
    image: NDArray[np.uint8] | None = None
    timings: Timings | None = None


def forget(error: BaseException) -> None:
    """Let go of what the functions had at hand that an error came through: whole pictures, or files.

    Who keeps the errors of a long run would keep all of that. The traceback itself stays. Not for errors that
    come from elsewhere: where a generator is among the functions, it ends.
    """
    one: BaseException | None = error
    while one is not None:
        clear_frames(one.__traceback__)
        one = one.__context__


def grouped(items: Iterable[Item], most: int) -> Iterator[list[Item]]:
    """Lists of `most` items, the last of them shorter.

    An exception of `items` comes after a list of what was there before it.
    """
    group: list[Item] = []
    try:
        for item in items:
            group.append(item)
            if len(group) == most:
                yield group
                group = []
    except Exception:
        if group:
            yield group
        raise
    if group:
        yield group


def ordered(
    work: Callable[[Item], list[Done]],
    items: Iterable[Item],
    workers: int,
    interrupt: Callable[[], None],
) -> Generator[Done, None, None]:
    """`work(item)` for each item, in that many threads; the elements of the lists it returns, in order.

    Nothing happens unless the next result is asked for: then items are taken, in the thread that asks, until
    twice as many as workers are in flight. So neither a long input nor a slow consumer makes memory grow. An
    exception of `items` is raised after the results of those before it; one of `work` when its turn comes.

    However the generator ends, its threads have ended with it; work that is still going on is interrupted.

    Args:
        interrupt: called, from the consumer's thread and maybe many times, to end work that is going on.
    """

    # The traceback of an error in a result has the frames of the pool below it, with what went in and what
    # came out. So both are lists, and are emptied.
    def taken(item: list[Item]) -> list[Done]:
        return work(item.pop())

    source = iter(items)
    failure: Exception | None = None
    more = True
    flying: deque[Future[list[Done]]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="maskrle")
    try:
        while True:
            while more and len(flying) < _AHEAD * workers:
                try:
                    flying.append(pool.submit(taken, [next(source)]))
                except StopIteration:
                    more = False
                except Exception as error:
                    failure, more = error, False
                else:
                    if flying[0].done():  # a slow input must not hold up what is there
                        break
            if not flying:
                break
            done = flying[0].result()
            flying.popleft()
            done.reverse()
            while done:
                yield done.pop()
        if failure is not None:
            raise failure
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        begun = [one for one in flying if not one.cancelled()]
        while wait(begun, timeout=_PATIENCE).not_done:  # again, as work may not yet have been where it can be
            interrupt()
        pool.shutdown()
