"""The example that serves a network, run as it is."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import cv2
import graphs
import numpy as np
import openvino as ov
import pytest

import maskrle
from maskrle import Segmenter

EXAMPLE = Path(__file__).parent.parent / "examples/serve.py"


@contextmanager
def serving(*args: object) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The process and its port."""
    command = [sys.executable, str(EXAMPLE), "--port", "0", *map(str, args)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as server:
        try:
            assert server.stderr is not None
            said = iter(server.stderr)
            port = next(found[1] for line in said if (found := re.search(r"http://127\.0\.0\.1:(\d+)", line)))
            yield server, int(port)
        finally:
            server.kill()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving() as (_, port):
        yield port


def ask(
    port: int, body: bytes, *, method: str = "POST", path: str = "/predict", **headers: str
) -> tuple[int, Any, HTTPResponse]:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, named)
    answer = connection.getresponse()
    content = answer.read().decode()
    connection.close()
    return answer.status, json.loads(content) if answer.status == 200 else content, answer


def test_lines() -> None:
    """It is to be read."""
    assert len(EXAMPLE.read_text().splitlines()) < 60


def test_the_segmenters_results(port: int) -> None:
    scene = maskrle.shapes.scene(7, (240, 320))[0]
    segmenter = Segmenter(maskrle.shapes.network())
    for suffix in (".png", ".jpg"):
        content = cv2.imencode(suffix, scene)[1].tobytes()
        status, found, _ = ask(port, content, path="/predict?image_id=7", Content_Type="image/png")
        assert status == 200
        wanted = segmenter(content).to_coco("7")
        assert len(wanted) > 2
        assert found == wanted


@pytest.mark.parametrize(
    ("body", "options", "status", "message"),
    [
        (b"no image", {}, 400, "image: not an image that OpenCV can read"),
        (b"", {}, 400, "not an image"),
        (b"{}", {"Content_Type": "application/json"}, 415, "expected a picture's file as the body"),
        (bytes((20 << 20) + 1), {}, 413, "expected at most 20971520 bytes"),
        (b"", {"method": "GET"}, 405, "Method Not Allowed"),
        (b"", {"path": "/"}, 404, "Not Found"),
    ],
)
def test_the_clients_errors(
    port: int, body: bytes, options: dict[str, str], status: int, message: str
) -> None:
    got, content, _ = ask(port, body, **options)
    assert got == status
    assert message in content


def upload(port: int, content: bytes) -> socket.socket:
    """A request of which the last byte is missing."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    head = (
        f"POST /predict HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    connection.sendall(head.encode() + content[:-1])
    return connection


def status(connection: socket.socket, rest: bytes) -> int:
    connection.sendall(rest)
    with connection, connection.makefile("rb") as answer:
        return int(answer.readline().split()[1])


def picture() -> bytes:
    return cv2.imencode(".png", np.zeros((60, 80, 3), np.uint8))[1].tobytes()


def test_too_many_at_once() -> None:
    """Two requests are inside as long as their last byte is missing."""
    content = picture()
    with serving("--workers", 1, "--waiting", 1) as (_, port):
        inside = [upload(port, content) for _ in range(2)]
        for _ in range(1000):  # until both have been seen
            code, _, answer = ask(port, content)
            if code == 503:
                break
        assert code == 503
        assert answer.getheader("Retry-After") == "1"
        assert [status(one, content[-1:]) for one in inside] == [200, 200]
        assert ask(port, content)[0] == 200


def test_a_client_that_goes_away_is_no_error_of_the_server() -> None:
    content = picture()
    with serving("--workers", 1, "--waiting", 0) as (server, port):
        for _ in range(3):
            upload(port, content).close()
        deadline = time.monotonic() + 30
        while ask(port, content)[0] == 503:  # until their places are free again
            assert time.monotonic() < deadline
            time.sleep(0.05)
        server.send_signal(signal.SIGTERM)
        assert server.stderr is not None
        said = server.stderr.read()
        assert "Finished server process" in said
        assert "Traceback" not in said


def test_many_at_once(port: int) -> None:
    content = picture()
    waiting = [upload(port, content) for _ in range(16)]
    assert [status(one, content[-1:]) for one in waiting] == [200] * 16


def test_what_has_begun_is_finished(tmp_path: Path) -> None:
    ov.save_model(graphs.slow(60), tmp_path / "model.xml")
    content = picture()
    with serving(tmp_path / "model.xml") as (server, port):
        begun = upload(port, content)
        begun.sendall(content[-1:])
        # Its answer takes long; the server has read it by the time it answers another one.
        assert ask(port, b"")[0] == 400
        server.send_signal(signal.SIGTERM)
        assert status(begun, b"") == 200
        assert server.wait(60) in (0, -signal.SIGTERM)
