# make demo, make test: each builds .venv in this folder when it is missing or out of date, and nothing else.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

VENV := .venv
PY := $(VENV)/bin/python
# Stamps name what .venv was built from, so a changed lock or a moved folder builds it again. What only tests and
# checks need is installed when they are first run.
SUM := $(shell { cat requirements/*.txt requirements/web/package-lock.json requirements/web/openlayers.js \
	requirements/web/bundle.py pyproject.toml requirements/venv.sh; pwd; } | cksum | cut -d' ' -f1)
RUN := $(VENV)/to-run-$(SUM)
STAMP := $(VENV)/to-develop-$(SUM)
ARGS ?=

export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS := 180

.PHONY: help venv demo test lint format bench pictures lock web wheel clean distclean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(firstword $(MAKEFILE_LIST)) | sed -E 's/:.*## /\t/' | expand -t 12

venv: $(STAMP) ## build .venv from the pinned requirements

$(STAMP):
	@requirements/venv.sh $(VENV) dev
	@rm -f $(VENV)/to-run-* $(VENV)/to-develop-*
	@touch $(RUN) $@

$(RUN):
	@requirements/venv.sh $(VENV) run
	@rm -f $(VENV)/to-run-* $(VENV)/to-develop-*
	@touch $@

demo: $(RUN) ## both sites on the built-in simulated archive, into outputs/
	@$(PY) -m flows.cli demo $(ARGS)

test: $(STAMP) ## the whole test suite (ARGS="-k name" for a part of it)
	$(PY) -m pytest $(ARGS)

lint: $(STAMP) ## style, types and import direction
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports

format: $(STAMP) ## sort imports, fix what can be fixed, format
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: $(STAMP) ## speed, memory, bytes read and flow overhead, into benchmarks/results/
	$(PY) -m benchmarks.run $(ARGS)

pictures: $(STAMP) ## pictures of the review desk for the docs (ARGS="--outputs FOLDER": what a demo left)
	$(PY) -m benchmarks.desk_pictures $(ARGS)

lock: ## write requirements/*.txt anew from the ranges in pyproject.toml
	requirements/lock.sh

web: $(RUN) ## bundle what the review desk takes from npm
	$(PY) requirements/web/bundle.py

wheel: $(STAMP) ## build the wheel into dist/
	rm -rf dist
	$(PY) -m build --wheel --no-isolation

clean: ## remove caches and build products, keep .venv and outputs
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis benchmarks/results
	find . -path ./$(VENV) -prune -o -path ./.git -prune -o -name __pycache__ -type d -exec rm -rf {} +

distclean: clean ## clean, and .venv and the bundled map library too
	rm -rf $(VENV) requirements/web/node_modules review/static/vendor
