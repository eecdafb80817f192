# make demo   a simulated exam through the whole pipeline, on the CPU -> demo/report.html
# make test   every test
# make lint   ruff and mypy
# The first call of any of them creates .venv with the tested versions; PYTHON=python3.12 picks the interpreter.
# `make test` installs the system packages of .ci/system-packages.txt where it can; tests that lack something are skipped.

PYTHON ?= python3
VENV := .venv
CONSTRAINTS := .ci/constraints.txt
READY := $(VENV)/.ready-$(notdir $(PYTHON))
PIP := $(VENV)/bin/python -m pip install --disable-pip-version-check --constraint $(CONSTRAINTS)

.PHONY: demo test lint setup

demo: $(READY)
	@echo "== Simulating a CT urography exam and running the whole pipeline on it, on the CPU"
	$(VENV)/bin/nephrosynth demo --out demo --overwrite

test: $(READY)
	@echo "== Running every test"
	@sh .ci/system-packages browser || true
	@if sh .ci/system-packages test; then export NEPHROSYNTH_SYSTEM_PACKAGES=all; fi; \
		$(VENV)/bin/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

lint: $(READY)
	@echo "== Checking style and types"
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy

setup: $(READY)

# torch comes first and by its exact version, so that nothing else chooses a build of it.
$(READY): pyproject.toml $(CONSTRAINTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
		|| { echo "NephroSynth needs Python 3.10 or later. Name one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || sh .ci/system-packages setup || true
	@echo "== Creating $(VENV) and installing the tested versions into it (once, a few minutes)"
	$(PYTHON) -m venv --clear $(VENV)
	$(PIP) "$$(grep '^torch==' $(CONSTRAINTS))"
	$(PIP) --editable '.[train,dicom,ray,view,test]'
	@touch $@
