from __future__ import annotations

from collections.abc import Iterator

import pytest

import maskrle
from maskrle import _core


@pytest.fixture(params=maskrle.backends())
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """Runs a test once for every instruction set that this machine has."""
    before = maskrle.build_config()["backend"]
    _core._use_backend(request.param)
    yield request.param
    _core._use_backend(before)
