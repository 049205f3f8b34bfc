# Everything a target needs is made by the target: a virtual environment in .venv,
# Tesseract with French from the system's packages, and nothing else.
.DEFAULT_GOAL := help
.PHONY: help demo test check acceptance clean

PYTHON ?= python3
BIN := .venv/bin

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/dev-installed: pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

check: .venv/dev-installed  ## format, lint, types, arrows between the rooms
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: .venv/dev-installed  ## every test that needs Python and Tesseract only
	$(BIN)/pytest

clean:  ## remove what the targets made
	rm -rf .venv build dist *.egg-info
