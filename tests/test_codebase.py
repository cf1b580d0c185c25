"""The code base itself: what importing costs, what is exported, which way imports go."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import maskrle

ROOT = Path(__file__).parent.parent
# From the bottom up: a module may import only from those before it.
LAYERS = (
    ("_core",),
    ("native",),
    ("files", "sources", "reference", "lettering", "shapes", "image", "labels", "visible"),
    ("json_text",),
    (
        "coco",
        "coco_format",
        "journal",
        "overlays",
        "stores",
        "benchmark",
        "cautions",
        "published",
        "crops",
        "draw",
    ),
    ("polygons", "arrow", "supervision"),
    ("results", "contracts", "dataset"),
    ("binding", "formats", "readers", "track", "report"),
    ("detections", "preprocess", "graph", "runtime", "stream"),
    ("segmenter", "evaluate", "run_record"),
    ("predict", "curves", "ray", "shards"),
    ("cluster",),
    ("cli",),
    ("__init__", "__main__"),
)


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import maskrle", {"cv2", "openvino", "typer", "rich"}),
        ("import maskrle; maskrle.shapes.scene(0, (64, 64))", {"cv2", "openvino"}),
        (
            "import maskrle.segmenter, maskrle.cli",
            {"cv2", "openvino", "pycocotools", "hotcoco", "matplotlib", "supervision", "pyarrow"},
        ),
        ("import maskrle.ray, maskrle.cluster", {"cv2", "openvino", "pyarrow", "ray"}),
    ],
)
def test_imports_are_light(code: str, heavy: set[str]) -> None:
    code += f"; import sys; print({heavy} & {{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"


def test_public_names_exist_and_are_documented() -> None:
    for name in maskrle.__all__:
        assert name == "__version__" or getattr(maskrle, name).__doc__, name
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        maskrle.nothing  # noqa: B018


def test_version_is_the_projects() -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    assert maskrle.__version__ == version[1]


def test_the_oldest_versions_are_those_declared() -> None:
    """What `make test-oldest` installs is the lower end of every range that the tests run with."""
    project = (ROOT / "pyproject.toml").read_text()
    lists = dict(re.findall(r"^([a-z]+) = \[(.*?)\]$", project, re.MULTILINE | re.DOTALL))
    runs = "".join(lists[name] for name in ("dependencies", "arrow", "eval", "serve", "supervision", "test"))
    tools = {"griffe", "pytest", "pytest-timeout", "pytest-xdist", "hypothesis"}
    declared = {name: low for name, low in re.findall(r'"([a-z-]+)>=([0-9.]+)"', runs) if name not in tools}
    lines = (ROOT / "tests/oldest.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    assert len(declared) >= 8
    for name, low in declared.items():
        assert re.fullmatch(rf"{re.escape(low)}(\.0(\..*)?)?", pinned[name]), (
            f"{name}: {pinned[name]} of >={low}"
        )


def test_includes_go_in_no_circle() -> None:
    """A header and its source are one; `.inl` files are parts of what includes them."""
    included: dict[str, set[str]] = {}
    for path in sorted((ROOT / "cpp").glob("*.*")):
        names = {Path(name).stem for name in re.findall(r'^#include "(.+)"', path.read_text(), re.MULTILINE)}
        included.setdefault(path.stem, set()).update(names - {path.stem})
    assert included["encode"] >= {"backend", "convention"}
    list(TopologicalSorter(included).static_order())


def test_imports_go_downwards() -> None:
    level = {name: height for height, names in enumerate(LAYERS) for name in names}
    package = ROOT / "src/maskrle"
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        assert parts[0] in level, f"{parts[0]} has no layer"
        if parts[0].startswith("__"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == len(parts):
                for name in [node.module] if node.module else [alias.name for alias in node.names]:
                    assert level[name.partition(".")[0]] < level[parts[0]], f"{path} imports {name}"
