"""The documents keep what they promise: examples run, commands and their options exist, links lead somewhere.

Commands of `maskrle` in sh blocks are run, in a folder that has the files they name. Of commands that take
long, or change the machine, is checked what can be: make targets, CMake presets, extras, options, files.
What is not known here fails: a command that a document brings needs a check.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

import documents
import pytest
import typer.main
from documents import DOCUMENTS, ROOT
from scripts import script

import maskrle
from maskrle.cli import app, main
from maskrle.reference import PASTES

TEXT = "text"
"""The language of blocks that are neither run nor checked: drawings."""
APART = {"docs/api.md", "docs/interop.md", "docs/ray.md"}
"""Documents with blocks of `py`: signatures, and examples that run in `importers.py` and
`test_cluster.py`."""
LONG = {"scenes", "benchmark"}
"""Commands of `maskrle` that take longer than a test should; their own tests run them on less."""
ELSEWHERE = {
    "python3.11", "convert/bin/pip", "convert/bin/python", "omz_downloader", "omz_converter", "mo", "tail",
    "ffmpeg", "curl", "hey", "grep", "cut", "perf", "valgrind", "callgrind_annotate",
    "addr2line", "py-spy", "apt-get", "cd",
}  # fmt: skip
"""Others' tools, in environments of their own; docs/real-network.md says how far they were tried."""
THEIRS = ("--benchmark", "--reverse_input_channels")
"""Options of others' tools that are named by themselves in the text."""
OWN = {"work.py"}
"""Scripts that a document has as an example."""
PATHS = re.compile(r"(?:src|cpp|tests|tools|benchmarks|docs|examples)/[\w./*-]+")


def _make(words: list[str]) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for word in words:
        name, given, _ = word.partition("=")
        found = rf"^{name} \?=|\$\({name}\)" if given else rf"^{re.escape(name)}:"
        assert re.search(found, makefile, re.MULTILINE), f"make has no {word}"


def _cmake(words: list[str]) -> None:
    presets = json.loads((ROOT / "CMakePresets.json").read_text())
    if "--preset" not in words:  # of another project
        assert words[0] in ("-S", "--build", "--install")
        assert not (ROOT / words[1]).exists()
        return
    kind = next((name for name in ("workflow", "build") if f"--{name}" in words), "configure")
    names = {preset["name"] for preset in presets[f"{kind}Presets"]}
    at = words.index("--preset")
    assert words[at + 1] in names, f"no {kind} preset {words[at + 1]}"


def _pip(words: list[str]) -> None:
    assert words[0] in ("install", "uninstall")
    extras = set(re.findall(r"^([a-z]+) = \[", (ROOT / "pyproject.toml").read_text(), re.MULTILINE))
    settings = (ROOT / "CMakeLists.txt").read_text() + "CMAKE_"
    for word in words:
        if wanted := re.fullmatch(r"(?:\.|maskrle)\[(.*)\]", word):
            assert set(wanted[1].split(",")) <= extras, f"no such extra: {word}"
        if setting := re.match(r"(?:-C)?cmake\.define\.(\w+)=", word):
            assert setting[1] in settings or setting[1].startswith("CMAKE_"), f"no such setting: {word}"


def _script(words: list[str]) -> None:
    if words[0] == "-m":
        return _KNOWN[words[1]](words[2:])
    if words[0] in ("-c", *OWN):
        return None
    source = (ROOT / words[0]).read_text()
    for word in words[1:]:
        option = word.strip("[]")
        known = re.search(rf"\"(--)?{option.removeprefix('--')}\"", source)
        assert not option.startswith("-") or known, f"{words[0]} has no {option}"


def _pytest(words: list[str]) -> None:
    assert not words or words[0].startswith("-") or (ROOT / words[0]).exists(), words[0]


def _options(command: str) -> set[str]:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert command in commands, f"maskrle has no command {command}"
    return {name for option in commands[command].params for name in (*option.opts, *option.secondary_opts)}


def _maskrle(words: list[str]) -> None:
    if not words[0].startswith("-"):
        for word in words[1:]:
            option = word.strip("[]").partition("=")[0]
            assert not re.match("-[a-z-]", option) or option in {*_options(words[0]), "--help"}, (
                f"maskrle {words[0]} has no {option}"
            )


_KNOWN: dict[str, Callable[[list[str]], None]] = {
    "make": _make,
    "cmake": _cmake,
    "ctest": _cmake,
    "pip": _pip,
    "python": _script,
    "pytest": _pytest,
    "maskrle": _maskrle,
}


def _check(words: list[str]) -> list[str]:
    """The words of a command without what it sets in the environment; fails where that cannot be meant."""
    while words and re.match(r"\w+=", words[0]):
        words = [*re.findall(r"=\$\((.+)", words[0]), *words[1:]]
    if not words or words[0] in ELSEWHERE:
        return words
    assert words[0] in _KNOWN, f"no check for {words}"
    _KNOWN[words[0]](words[1:])
    return words


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with the files that examples and commands read: a model and annotated images."""
    import openvino

    monkeypatch.chdir(tmp_path)
    openvino.save_model(maskrle.shapes.network(), "model.xml")
    assert main(["demo", "--scenes", "2", "--out", "val2017"]) == 0
    Path("val2017/results.json").rename("results.json")
    shutil.copy("val2017/annotations.json", "instances_val2017.json")
    shutil.move("val2017/annotations.json", "annotations.json")
    shutil.copytree("val2017", "PICTURES")
    shutil.copy(next(Path("val2017").glob("*.png")), "photo.jpg")
    published = Path("mask_rcnn_inception_resnet_v2_atrous_coco_2018_01_28")
    published.mkdir()
    shutil.copy(ROOT / "tests/data/detector.pb", published / "frozen_inference_graph.pb")
    monkeypatch.setattr("sys.argv", ["work.py", "1"])
    return tmp_path


def test_all_documents_are_found() -> None:
    assert {"README.md", "CONTRIBUTING.md", "docs/predict.md", "benchmarks/README.md"} <= set(DOCUMENTS)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_blocks_are_of_known_languages(document: str) -> None:
    blocks = documents.blocks(document)
    assert {block.language for block in blocks} <= {TEXT, "python", "sh", "console", "py"}
    assert document in APART or not any(block.language == "py" for block in blocks)


@pytest.mark.parametrize("document", [name for name in DOCUMENTS if documents.python(name)])
def test_python_examples_run(document: str, folder: Path) -> None:
    names: dict[str, object] = {}
    for block in documents.python(document):
        exec(compile(block, document, "exec"), names)


def _shell(document: str) -> list[list[str]]:
    """The commands of scripts, and what was typed at a terminal, which begins with a dollar."""
    blocks = documents.blocks(document)
    scripts = [block.text for block in blocks if block.language == "sh"]
    typed = (line for block in blocks if block.language == "console" for line in documents.typed(block.text))
    return [words for script in (*scripts, *typed) for words in documents.commands(script)]


@pytest.mark.parametrize("document", [name for name in DOCUMENTS if _shell(name)])
def test_commands_run_or_exist(document: str, folder: Path) -> None:
    for words in map(_check, _shell(document)):
        placeholders = any("..." in word or "://" in word or word.startswith("[") for word in words)
        if words and words[0] == "maskrle" and words[1] not in LONG and not placeholders:
            assert main(words[1:]) == 0, words


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_and_options_in_the_text_exist(document: str) -> None:
    ours = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    of_any = set().union(*map(_options, ours))
    scripts = "".join(block.text for block in documents.blocks(document))
    for code in documents.inline_code(document):
        head, _, rest = code.partition(" ")
        if head in _KNOWN and rest and re.match(r"[\w.\"'-]", rest):
            for words in documents.commands(code):
                _check(words)
        elif code.startswith("--") and not code.startswith(THEIRS):
            option = re.split("[ =]", code)[0]
            assert option in of_any or option in scripts, f"no command has {option}"
        elif head in ours:
            _maskrle(code.split())


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_in_the_text_exist(document: str) -> None:
    for code in documents.inline_code(document):
        if PATHS.fullmatch(code):
            assert list(ROOT.glob(code.rstrip("/"))), f"there is no {code}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    for link in documents.links(document):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / document).parent / path if path else ROOT / document
        assert target.exists(), f"{link}: no such file"
        if anchor:
            assert anchor in documents.anchors(target.resolve().relative_to(ROOT).as_posix()), link


@pytest.mark.parametrize("folder_of", ["cpp", "src/maskrle"])
def test_architecture_names_each_file(folder_of: str) -> None:
    """Each file stands in the table of its folder, also as a pattern; and nothing else does."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    table = re.search(rf"^## .*\(`{folder_of}/`\)\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)
    assert table is not None
    patterns = set()
    for cell in re.findall(r"^\| (`.*?) \|", table[1], re.MULTILINE):
        for name in re.findall("`(.+?)`", cell):
            stem, *others = name.split("/.")  # encode.h/.cpp
            patterns |= {stem, *(f"{stem.rpartition('.')[0]}.{suffix}" for suffix in others)}
    top = {
        path.name + "/" * path.is_dir()
        for path in (ROOT / folder_of).iterdir()
        if not re.match(r"__|py\.typed|_core.*\.(so|pyd)$", path.name)
    }
    assert {name for name in top if not any(fnmatch(name, pattern) for pattern in patterns)} == set()
    assert {pattern for pattern in patterns if not any(fnmatch(name, pattern) for name in top)} == set()


def test_conventions_differ_as_said() -> None:
    conventions = script("benchmarks/conventions.py")
    rows = re.findall(r'^\| `"(\w+)"`.* \| (\d\.\d+) \|$', (ROOT / "README.md").read_text(), re.MULTILINE)
    assert [paste for paste, _ in rows] == list(PASTES)
    for paste, said in rows:
        assert said == f"{conventions.mean_iou(paste, 'omz'):.3f}"
