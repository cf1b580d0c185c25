"""Holds what `make package` built against what a release must be: python tools/check_package.py DIST"""

from __future__ import annotations

import sys
import tarfile
import zipfile
from pathlib import Path

MOST = 2_000_000
"""Bytes of a wheel without the weights of the embedded network."""


def check_wheel(path: Path) -> list[str]:
    """What is wrong with a wheel: its size, its tag, an extension that is not stripped."""
    faults = []
    if "linux_" in path.name and "manylinux" not in path.name and "musllinux" not in path.name:
        faults.append(
            "it is for this machine's kind of Linux only (auditwheel repair gives it a manylinux tag)"
        )
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        size = sum(e.compress_size for e in entries if not e.filename.endswith("weights.npz"))
        if size > MOST:
            faults.append(f"it has {size:,} bytes without the weights, at most {MOST:,} are wanted")
        extensions = [
            e for e in entries if e.filename.startswith("maskrle/_core") and e.filename.endswith(".so")
        ]
        if len(extensions) != 1:
            faults.append(f"it has {len(extensions)} extensions, one is wanted")
        faults += [
            f"{e.filename} is not stripped" for e in extensions if b".symtab\0" in archive.read(e.filename)
        ]
        if "maskrle/py.typed" not in archive.namelist():
            faults.append("py.typed is missing")
    print(f"{path.name}: {size:,} bytes without the weights")
    return faults


def check_sdist(path: Path) -> list[str]:
    """What an sdist lacks of building and testing it."""
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = ["pyproject.toml", "CMakeLists.txt", "README.md", "LICENSE", "CHANGELOG.md", "cpp/bindings.cpp"]
    print(f"{path.name}: {len(names)} files")
    return [
        f"{name} is missing"
        for name in [*wanted, "tests/conftest.py", "docs/predict.md"]
        if name not in names
    ]


def main() -> None:
    dist = Path(sys.argv[1])
    wheels, sdists = sorted(dist.glob("*.whl")), sorted(dist.glob("*.tar.gz"))
    faults = [f"{path.name}: {fault}" for path in wheels for fault in check_wheel(path)]
    faults += [f"{path.name}: {fault}" for path in sdists for fault in check_sdist(path)]
    if len(wheels) != 1 or len(sdists) != 1:
        faults.append(f"{dist}: {len(wheels)} wheels and {len(sdists)} sdists, one of each is wanted")
    if faults:
        raise SystemExit("\n".join(faults))


if __name__ == "__main__":
    main()
