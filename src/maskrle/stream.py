"""Work in threads, results in order: the engine behind `Segmenter.stream`, and what comes out of that."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread, current_thread, main_thread
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
_IDLE = 1.0
"""Seconds after which a worker without work looks whether the program has come to its end."""
_END = -1
"""Number of the item at which a worker ends."""


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

    # Both sides use queues alone, which are made for it: Ctrl-C in this thread can leave the lock of a Future
    # or a Condition taken for ever, and a worker waiting for it.
    todo: SimpleQueue[tuple[int, list[Item]]] = SimpleQueue()
    done: SimpleQueue[tuple[int, list[Done], BaseException | None]] = SimpleQueue()
    finished: dict[int, tuple[int, list[Done], BaseException | None]] = {}
    threads: list[Thread] = []
    source = iter(items)
    failure: Exception | None = None
    more = True
    given = due = 0  # items that were handed out; the one whose results are next
    try:
        while True:
            while more and given - due < _AHEAD * workers:
                try:
                    todo.put((given, [next(source)]))
                except StopIteration:
                    more = False
                    break
                except Exception as error:
                    failure, more = error, False
                    break
                given += 1
                if len(threads) < workers:
                    arguments = (work, todo, done, current_thread())
                    thread = Thread(target=_serve, args=arguments, name=f"maskrle_{len(threads)}")
                    thread.start()
                    threads.append(thread)
                with suppress(Empty):
                    while True:
                        outcome = done.get_nowait()
                        finished[outcome[0]] = outcome
                if due in finished:  # a slow input must not hold up what is there
                    break
            if due == given:
                break
            while due not in finished:
                outcome = done.get()
                finished[outcome[0]] = outcome
            _, results, broken = finished.pop(due)
            due += 1
            if broken is not None:
                raise broken
            results.reverse()
            while results:
                yield results.pop()
        if failure is not None:
            raise failure
    finally:
        with suppress(Empty):
            while True:
                todo.get_nowait()
        todo.put((_END, []))
        for thread in threads:
            thread.join(_PATIENCE)
            while thread.is_alive():
                interrupt()  # again and again: work may not yet have been where it can be interrupted
                thread.join(_PATIENCE)


def _serve(
    work: Callable[[Item], list[Done]],
    todo: SimpleQueue[tuple[int, list[Item]]],
    done: SimpleQueue[tuple[int, list[Done], BaseException | None]],
    consumer: Thread,
) -> None:
    """A worker: what is to do becomes done, by number.

    The traceback of an error in a result has this frame below it. So it keeps nothing of what it hands over:
    an item comes in a list, and is taken out.
    """
    while True:
        try:
            number, item = todo.get(timeout=_IDLE)
        except Empty:
            if main_thread().is_alive() or consumer.is_alive():
                continue
            return  # nobody will ever end a stream that was left as it was
        if number == _END:
            todo.put((_END, []))  # for the others
            return
        try:
            done.put((number, work(item.pop()), None))
        except BaseException as error:
            done.put((number, [], error))
