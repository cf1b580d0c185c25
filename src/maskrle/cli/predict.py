"""`maskrle predict`: a network run over folders, lists and videos, into a results file."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import shapes
from ..cluster import ClusterRun
from ..contracts import CONTRACTS
from ..draw import COLORS
from ..journal import Journal
from ..labels import label_names
from ..predict import Failed, Run
from ..preprocess import RESIZES
from ..reference import PASTES
from ..runtime import NodeTime
from ..segmenter import Segmenter
from ..sources import Camera, Source, Still, printable, sources
from ..stores import is_url, shown
from ..stream import Timings
from .console import cell, complain, output, quiet_libraries, reason, say, table
from .on_ray import predict_on_ray, refuse
from .progress import Meter, metered

__all__ = ["predict"]

_NODES = 15
"""How many of the slowest nodes --profile shows."""


def predict(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Images, folders, patterns, lists of paths (.txt), COCO annotations (.json), videos, or "
            "the number of a camera; with --engine ray also URLs.",
            show_default=False,
        ),
    ],
    out: Annotated[
        str,
        typer.Option(
            "-o",
            "--out",
            help="Results: .json (COCO), .jsonl, .parquet; with --engine ray a folder or its URL.",
            show_default=False,
        ),
    ],
    model: Annotated[
        Path | None, typer.Option("-m", "--model", help="Model to run instead of the embedded network.")
    ] = None,
    device: Annotated[str, typer.Option("-d", "--device", help="OpenVINO device to run it on.")] = "CPU",
    threshold: Annotated[
        float, typer.Option("-t", "--threshold", help="Least score of a detection, 0 to 1.")
    ] = 0.5,
    classes: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="Keep only these classes, by name or number.")
    ] = None,
    max_detections: Annotated[
        int | None, typer.Option(min=1, help="Keep only so many of an image, the best.", show_default=False)
    ] = None,
    labels: Annotated[Path | None, typer.Option(help="File of class names, line k for label k.")] = None,
    contract: Annotated[
        str | None,
        typer.Option(help=f"Output contract of MODEL: {', '.join(known.name for known in CONTRACTS)}."),
    ] = None,
    paste: Annotated[str, typer.Option(help=f"Paste convention: {', '.join(PASTES)}.")] = "omz",
    resize: Annotated[str, typer.Option(help=f"How images fit the network: {', '.join(RESIZES)}.")] = "fit",
    images: Annotated[
        Path | None, typer.Option(help="Folder that paths in lists and annotations are relative to.")
    ] = None,
    overlays: Annotated[
        Path | None, typer.Option(help="Folder for pictures of what was found; for a video, a video.")
    ] = None,
    track: Annotated[
        bool, typer.Option("--track", help="Tell which object of its video each detection is: track_id.")
    ] = False,
    colors: Annotated[
        str, typer.Option(help=f"What a colour in overlays stands for: {', '.join(COLORS)}.")
    ] = "class",
    report: Annotated[
        Path | None, typer.Option(help="Folder for a page that shows what was found: index.html.")
    ] = None,
    engine: Annotated[
        str, typer.Option(help="Where to run: local, or ray for a cluster of machines (docs/ray.md).")
    ] = "local",
    actors: Annotated[
        int | None,
        typer.Option(min=1, help="Processes on ray, each with -nthreads CPUs.", show_default=False),
    ] = None,
    nireq: Annotated[
        int | None, typer.Option("-nireq", min=1, help="Workers, each with an inference request.")
    ] = None,
    nstreams: Annotated[
        int | None,
        typer.Option("-nstreams", min=1, help="Inferences that the device runs at once."),
    ] = None,
    nthreads: Annotated[
        int | None, typer.Option("-nthreads", min=1, help="Threads of a CPU for inference.")
    ] = None,
    max_megapixels: Annotated[
        float, typer.Option(min=0, max=1e6, help="Larger images are errors; they are not decoded.")
    ] = 200,
    profile: Annotated[bool, typer.Option("--profile", help="Show where OpenVINO's time goes.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first image that fails.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an interrupted run ended.")] = False,
) -> None:
    """Run a network over many images, and write what it finds.

    An image that fails is an error in OUT.errors.jsonl, and the run goes on; the exit code is then 1. Until
    the end, what is finished lies in OUT.partial, from where --resume goes on.
    """
    # Read by OpenCV when it is loaded, which it is not yet; it looks at the size in a file's header.
    os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(int(max_megapixels * 1e6))
    names = None if classes is None else [name.strip() for name in classes.split(",")]
    options = {
        "device": device,
        "threshold": threshold,
        "paste": paste,
        "resize": resize,
        "contract": contract,
    }
    if engine == "ray":
        refuse(overlays=overlays, report=report, track=track, profile=profile, strict=strict, resume=resume)
        predict_on_ray(
            ClusterRun(
                inputs,
                out,
                model,
                {
                    "device": device,
                    "score_threshold": threshold,
                    "paste": paste,
                    "resize": resize,
                    "contract": contract,
                    "labels": None if labels is None else label_names(labels),
                    "workers": nireq,
                    "config": {} if nstreams is None else {"NUM_STREAMS": nstreams},
                },
                images=images,
                classes=names,
                max_detections=max_detections,
                actors=actors,
                cpus=nthreads or 1,
                max_pixels=int(max_megapixels * 1e6),
                settings=_settings(model, labels, options | {"max_megapixels": max_megapixels}),
            )
        )
        return
    if engine != "local" or actors is not None:
        raise ValueError(f"engine: expected ray (for --actors) or local, got {engine!r}")
    url = next((one for one in (*inputs, out) if is_url(one) and not os.path.lexists(one)), None)
    if url is not None:
        raise ValueError(f"engine: expected ray for URLs, got 'local' for {shown(url)}")
    given = sources(inputs, images, overlays)
    run = Run(
        sources=given,
        out=Path(out),
        settings=_settings(model, labels, options | {"max_megapixels": max_megapixels}),
        classes=names,
        max_detections=max_detections,
        track=track,
        overlays=overlays,
        colors=colors,
        report=report,
        workers=nireq,
        strict=strict,
        resume=resume,
    )
    _check_written(run, [Path(one) for one in inputs] + ([] if labels is None else [labels]))
    journal = run.prepare()
    if journal is None:
        say(output(), f"{printable(out)} is complete: nothing to resume")
        raise typer.Exit(1 if run.errors.exists() else 0)
    numbers = {"NUM_STREAMS": nstreams, "INFERENCE_NUM_THREADS": nthreads, "PERF_COUNT": profile or None}
    config = {name: value for name, value in numbers.items() if value is not None}
    with journal:
        network = shapes.network() if model is None else model
        with quiet_libraries():
            segmenter = Segmenter(
                network,
                device,
                threshold,
                paste,
                resize,
                {"PERFORMANCE_HINT": "THROUGHPUT", **config},
                contract=contract,
                labels=labels,
            )
        import cv2

        cv2.setNumThreads(1)  # workers are threads enough: 5 % of the throughput of a network of 20 ms
        total = len(given) if all(isinstance(source, Still) for source in given) else None
        try:
            with _until_interrupted(given), metered(total) as meter:
                for outcome in run.outcomes(segmenter, journal):
                    meter.count(outcome)
        except (Failed, OSError) as error:
            complain(reason(error) + _saved(journal, run))
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            complain("interrupted" + _saved(journal, run))
            raise typer.Exit(130) from None
    _report(meter, run)
    if profile:
        _print_nodes(segmenter.node_times)
    if meter.errors:
        raise typer.Exit(1)


@contextmanager
def _until_interrupted(given: Sequence[Source]) -> Iterator[None]:
    """Where there is a camera, Ctrl-C is how it ends: what was seen until then is the whole result. A second
    time it is as anywhere else, for a camera that hangs and for what comes after it."""
    cameras = [source for source in given if isinstance(source, Camera)]
    if not cameras:
        yield
        return

    def end(*_: object) -> None:
        for camera in cameras:
            camera.ended.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _settings(model: Path | None, labels: Path | None, options: dict[str, Any]) -> dict[str, Any]:
    """What decides the results, for a run that is taken up again to be compared with."""
    about: dict[str, Any] = {"model": None, "labels": None}
    if model is not None and model.exists():  # otherwise the segmenter says so
        files = [model, model.with_suffix(".bin")]  # the weights of a model in XML
        if model.is_dir():
            files = sorted(path for path in model.rglob("*") if path.is_file())
        about["model"] = printable(model)
        for path in files:
            if path.exists():
                status = path.stat()
                about["model"] += f"; {status.st_size} bytes, changed at {status.st_mtime_ns} ns"
    if labels is not None:
        about["labels"] = f"{printable(labels)}, SHA-256 {hashlib.sha256(labels.read_bytes()).hexdigest()}"
    return about | options


def _check_written(run: Run, read: Sequence[Path]) -> None:
    """See to it that nothing is written over what is read: annotations, say."""
    for path in run.written:
        for one in read:
            if os.path.exists(path) and os.path.exists(one) and os.path.samefile(path, one):
                raise ValueError(f"out: {path} would be written over, and it is an input")


def _saved(journal: Journal, run: Run) -> str:
    if journal.count == 0:
        return "; nothing was finished"
    return f"; {journal.count} finished images are in {run.partial}: --resume goes on from there"


def _report(meter: Meter, run: Run) -> None:
    console = output()
    if meter.timed:
        rows = table(console)
        for title in ("stage", "seconds", "ms an image", "share"):
            rows.add_column(title, justify="left" if title == "stage" else "right", no_wrap=True)
        whole = sum(meter.times)
        for stage, seconds in zip(Timings._fields, meter.times, strict=True):
            rows.add_row(
                stage, f"{seconds:.2f}", f"{1e3 * seconds / meter.timed:.2f}", f"{seconds / whole:.1%}"
            )
        console.print(rows)
    say(console, f"{meter.pictures} images, {meter.summary()}, {meter.seconds:.1f} s")
    if meter.resumed:
        say(console, f"{meter.resumed} of the images were finished by an earlier run")
    written = [path for path in run.written if path.exists()]
    say(console, f"Written: {', '.join(map(printable, written))}")


def _print_nodes(nodes: Sequence[NodeTime]) -> None:
    console = output()
    rows = table(console)
    for title in ("node", "type", "kernel", "seconds", "share"):
        rows.add_column(title, justify="right" if title in ("seconds", "share") else "left", overflow="fold")
    whole = sum(node.seconds for node in nodes)
    for node in nodes[:_NODES]:
        words = (cell(word) for word in (node.name, node.kind, node.kernel))
        rows.add_row(*words, f"{node.seconds:.2f}", f"{node.seconds / whole:.1%}")
    console.print(rows)
