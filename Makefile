# The project's tasks. Each installs what it needs into .venv; nothing else has to be there but
# Python, a C++ compiler and the package index.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PEERS := build/peers
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Warnings in our own C++ are errors where we decide the compiler.
WERROR ?= $(if $(CI),ON,OFF)
SOURCES := pyproject.toml CMakeLists.txt README.md $(shell find cpp src -type f -not -path '*/__pycache__/*')
# It asks for an OpenCV with windows, which would take the place of the one without, and needs libGL: --no-deps.
TRACKERS := "trackers>=2.6"
PARALLEL := --numprocesses auto --dist worksteal
CPP := $(shell find cpp -name '*.cpp' -o -name '*.h' -o -name '*.inl')

.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*/\1/p' Makefile)

help:  ## list the tasks
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 22

demo: $(VENV)/.installed  ## segment generated scenes with the embedded network, into demo-output/
	maskrle demo --out demo-output

test: check test-cpp test-sanitized test-python  ## everything that CI checks of the code

check: lint types  ## format, lint, types and stubs

format: $(VENV)/.dev  ## format all code in place
	ruff format .
	ruff check --fix .
	clang-format -i $(CPP)

lint: $(VENV)/.dev
	ruff format --check .
	ruff check .
	clang-format --dry-run --Werror $(CPP)

types: $(VENV)/.dev
	mypy
	mypy --platform win32
	$(BIN)/python -m mypy.stubtest maskrle._core --allowlist tests/stubtest-allowlist.txt
	$(BIN)/python tests/documents.py build/examples
	mypy --strict --config-file= --disable-error-code import-untyped build/examples

test-cpp: $(VENV)/.dev  ## the C++ core's own tests and fuzz corpora
	cmake --preset dev -DMASKRLE_WERROR=$(WERROR)
	cmake --build --preset dev
	ctest --preset dev

test-sanitized: $(VENV)/.dev  ## the same under AddressSanitizer and UndefinedBehaviorSanitizer
	cmake --preset asan -DMASKRLE_WERROR=$(WERROR)
	cmake --build --preset asan
	ctest --preset asan

test-clang: $(VENV)/.dev  ## the C++ core's own tests as clang compiles it
	cmake --preset clang -DMASKRLE_WERROR=$(WERROR)
	cmake --build --preset clang
	ctest --preset clang

tidy: $(VENV)/.dev  ## clang-tidy over all C++; takes minutes
	cmake --preset tidy -DMASKRLE_PYTHON=ON -Dpybind11_ROOT="$$($(BIN)/python -m pybind11 --cmakedir)"
	cmake --build --preset tidy

test-python: $(VENV)/.dev  ## the Python tests
	$(BIN)/python -m pytest $(PARALLEL)

test-ray: $(VENV)/.dev  ## runs on a real Ray of this machine, with two actors
	$(BIN)/python -m pip install --quiet "maskrle[ray]" "moto[server]>=5"
	$(BIN)/python -c "import moto.server, ray.data"
	$(BIN)/python -m pytest tests/test_ray.py tests/test_cluster.py

package: $(VENV)/.dev  ## build sdist and manylinux wheel into dist/, and hold them against what a release must be
	rm -rf dist build/dist
	$(BIN)/python -m build --outdir build/dist .
	$(BIN)/auditwheel repair --wheel-dir dist build/dist/*.whl
	cp build/dist/*.tar.gz dist
	$(BIN)/check-wheel-contents dist/*.whl
	$(BIN)/python tools/check_package.py dist

test-package: package  ## the wheel in an empty environment, with the newest of everything: all Python tests
	$(call test-wheel,newest,)

test-oldest: package  ## the same with the oldest versions that pyproject.toml admits
	$(call test-wheel,oldest,--constraint tests/oldest.txt)

# From wheels alone and with no compiler, away from the sources: the tests are those of the sdist.
define test-wheel
	rm -rf build/$(1) && $(PYTHON) -m venv build/$(1)
	build/$(1)/bin/pip install --quiet --only-binary :all: $(2) "$$(echo dist/*.whl)[test]"
	build/$(1)/bin/pip install --quiet --only-binary :all: --no-deps $(TRACKERS)
	tar -xzf dist/*.tar.gz -C build/$(1)
	build/$(1)/bin/pip list
	cd build/$(1)/maskrle-*/ && env CC=false CXX=false ../bin/python -m pytest $(PARALLEL)
	cd build/$(1) && bin/maskrle demo --scenes 1 --out demo-output
endef

test-importers: package  ## results in Datumaro, in an environment of its own
	test -x build/importers/bin/python || $(PYTHON) -m venv build/importers
	build/importers/bin/python -m pip install --quiet --force-reinstall --no-deps dist/*.whl
	build/importers/bin/python -m pip install --quiet "datumaro>=1.13" maskrle
	build/importers/bin/python tests/importers.py

api: $(VENV)/.dev  ## docs/api.md, from docstrings
	$(BIN)/python tools/make_api.py docs/api.md

evaluate: $(VENV)/.dev  ## the embedded network's accuracy on unseen scenes
	maskrle scenes build/scenes --evaluate

test-browser: $(VENV)/.dev  ## a report's page in a real browser; needs Chromium
	$(BIN)/python -m pip install --quiet "maskrle[browser]"
	$(BIN)/python -m pytest tests/browser_report.py

bench: $(PEERS)/.installed  ## maskrle against its peers: tables, plots and the documents' figures; about 13 minutes
	$(PEERS)/bin/python -m pip install --quiet "maskrle[bench]"
	$(PEERS)/bin/python benchmarks/run.py --out benchmarks/results
	$(PEERS)/bin/python benchmarks/readme.py

test-bench: $(PEERS)/.installed  ## that the workload is as stated and that peers give the same masks
	$(PEERS)/bin/python -m pytest benchmarks --benchmark-disable -k "not 300masks and not 2160x3840"

bench-cpp: $(VENV)/.dev  ## the kernels' stages, by kernel and box size; needs Google Benchmark; ARGS=--help
	cmake --preset bench -DMASKRLE_WERROR=$(WERROR)
	cmake --build --preset bench --target maskrle_benchmark
	build/bench/cpp/benchmarks/maskrle_benchmark $(ARGS)

instructions: count-instructions  ## the kernels' instructions against the committed figures; needs valgrind
	$(BIN)/python cpp/benchmarks/instructions.py build/bench

accept-instructions: count-instructions  ## make today's instructions the figures
	$(BIN)/python cpp/benchmarks/instructions.py build/bench --accept

count-instructions: $(VENV)/.dev
	cmake --preset bench -DMASKRLE_WERROR=$(WERROR)
	cmake --build --preset bench --target count_instructions

clean:  ## remove what the tasks made
	rm -rf $(VENV) build dist demo-output

# An environment of its own: peers bring other versions (Model API: OpenCV 4).
$(PEERS)/.installed: $(SOURCES)
	test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet ".[peers]"
	touch $@

$(VENV)/.installed: $(SOURCES)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --config-settings cmake.define.MASKRLE_WERROR=$(WERROR) .
	touch $@

$(VENV)/.dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet "maskrle[dev]"
	$(BIN)/python -m pip install --quiet --no-deps $(TRACKERS)
	touch $@
