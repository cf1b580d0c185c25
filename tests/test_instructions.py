"""The gate on instruction counts: what passes it, and what it says."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest
from scripts import script

FIGURES = {"avx2": {"few": 1000, "many": 100_000}, "baseline": {"few": 2000}}


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script on a machine where `gate.found` is what valgrind counts of FIGURES' works."""
    module = script("cpp/benchmarks/instructions.py")
    module.found, module.compiler = json.loads(json.dumps(FIGURES)), "GNU 1.2"
    monkeypatch.setattr(module, "FIGURES", tmp_path / "figures.json")
    monkeypatch.setattr(module, "KERNELS", {"machine": tuple(FIGURES)})
    monkeypatch.setattr(module.platform, "machine", lambda: "machine")
    monkeypatch.setattr(module, "count", lambda _, kernel: (module.compiler, module.found[kernel]))
    assert module.main([str(tmp_path), "--accept"]) == 0
    return module


@pytest.mark.parametrize(("count", "code"), [(98_000, 0), (102_000, 0), (102_001, 1), (97_999, 1)])
def test_two_percent_pass_and_more_do_not(
    gate: ModuleType, capsys: pytest.CaptureFixture[str], count: int, code: int
) -> None:
    gate.found["avx2"]["many"] = count
    assert gate.main(["build"]) == code
    out = capsys.readouterr().out
    assert f"{count:,d}      100,000" in out
    assert ("make accept-instructions" in out) == bool(code)
    assert gate.main(["build", "--accept"]) == 0
    assert gate.main(["build"]) == 0


def test_works_without_a_counterpart_do_not_pass(
    gate: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    gate.found["baseline"] = {"new": 5}
    assert gate.main(["build"]) == 1
    out = capsys.readouterr().out
    assert "few" in out.split("is not counted any more")[0].splitlines()[-1]
    assert "new" in out.split("has no figure yet")[0].splitlines()[-1]


def test_another_compilers_figures_are_not_compared(
    gate: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    gate.compiler = "Clang 3.4"
    gate.found["avx2"]["many"] *= 2
    assert gate.main(["build"]) == 0
    assert "NOT COMPARED: figures are for GNU 1.2, machine, and this is Clang 3.4" in capsys.readouterr().out
    assert gate.main(["build", "--accept"]) == 0
    assert list(json.loads(gate.FIGURES.read_text())) == ["GNU 1.2, machine", "Clang 3.4, machine"]


def test_what_cannot_be_counted_is_one_line(
    gate: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate.platform, "machine", lambda: "abacus")
    assert gate.main(["build"]) == 1
    assert capsys.readouterr().err == "instructions: no kernels are counted on abacus, only on machine\n"


def test_without_valgrind_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    module = script("cpp/benchmarks/instructions.py")
    with pytest.raises(module.CountError, match="valgrind is not installed"):
        module.count(Path("program"), "avx2")


def test_figures_are_of_every_kernel_and_the_same_works() -> None:
    for figures in json.loads(script("cpp/benchmarks/instructions.py").FIGURES.read_text()).values():
        assert len({tuple(works) for works in figures.values()}) == 1
        assert all(figure > 100_000 for works in figures.values() for figure in works.values())
