.DEFAULT_GOAL := help
.PHONY: help setup run test check lint types imports bench lock clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

help: ## what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## .venv with everything in it, and .venv/bin/ponte

# The lock is whole, and `pip check` says so: were pip to resolve again, a dependency's newer release would stop it.
$(STAMP): .ci/requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Ponte needs Python 3.11 or newer: make PYTHON=python3.11 setup")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement .ci/requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m pip check --quiet
	@touch $@

run: setup ## the whole product with a simulated Huggy and ERP; prints its addresses and how to stop
	$(BIN)/ponte sandbox

test: setup ## all tests; every branch of domain and application must be taken
	@.ci/browser $(BIN)/python
	$(BIN)/python -m pytest --cov --cov-report=term --cov-fail-under=100

check: setup lint types imports test ## everything that CI holds

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

imports: setup
	$(BIN)/lint-imports --no-cache

bench: setup ## the goals of docs/performance.md, measured on this machine
	$(BIN)/python -m benchmarks

lock: setup ## .ci/requirements.lock anew from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --group dev pyproject.toml --output-file .ci/requirements.lock

clean: ## takes the virtual environment, caches and the sandbox's data away
	rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage
