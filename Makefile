# Everything Keelway needs lives in .venv; the system's Python is only used to make it.
PY ?= python3
UV_VERSION := 0.13.8
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
WORKERS ?= 4

export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := $(VENV)
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Hundreds of short programs are started here; without their bytecode each would compile its imports again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test check bench long deploys soak releases cheats redteam fuzz docs histories agents format clean
.DEFAULT_GOAL := help

help: ## Show the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(BIN)/uv:
	@$(PY) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"Keelway needs Python 3.11 or newer, this is {v[0]}.{v[1]}. Next: make PY=python3.12 $(MAKECMDGOALS)")'
	@git --version >/dev/null || { echo "Keelway needs git. Next: install git, then run make again."; exit 1; }
	@$(PY) -m venv $(VENV) || { echo "This Python cannot make virtual environments. Next: apt-get install python3-venv, or PY=another python."; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/.demo-ready: pyproject.toml uv.lock | $(BIN)/uv
	@uv sync --frozen --quiet --inexact --no-default-groups --group demo
	@touch $@

$(VENV)/.ready: pyproject.toml uv.lock | $(BIN)/uv
	@uv sync --frozen --quiet --inexact
	@touch $@ $(VENV)/.demo-ready

demo: $(VENV)/.demo-ready ## Walk the whole story on a sample application (ARGS="--exit", "--act c")
	@$(BIN)/keelway demo $(ARGS)

test: $(VENV)/.ready ## Run the tests
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS) --ignore tests/core
	@$(BIN)/pytest -n 2 --dist loadfile $(ARGS) tests/core --cov=keelway.core --cov-report=term:skip-covered --cov-fail-under=100

check: $(VENV)/.ready ## Run the linters, the type checker and the import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/interrogate --quiet src/keelway
	@$(BIN)/mypy
	@$(BIN)/pytest -q tests/house

bench: $(VENV)/.ready ## Measure: a task, the front, the model gateway, start-up, the verdict rule, durability (ARGS="--peers": beside others)
	@$(BIN)/python bench/run.py $(ARGS)

long: $(VENV)/.ready ## Run the tests that take real processes tens of seconds each; CI runs them as well
	@$(BIN)/pytest -m "long and not deploys and not soak and not agents and not redteam_long" -n $(WORKERS) --dist loadfile $(ARGS)

deploys: $(VENV)/.ready ## Run the tests with containers, hosts over ssh, twenty deploys under load and bad releases
	@$(BIN)/pytest -m "deploys and not soak" --timeout 1800 $(ARGS)

cheats: $(VENV)/.ready ## Let every layer of the judge look at every cheat and print which ones it refuses alone
	@$(BIN)/pytest -m redteam_long tests/redteam/judge --timeout 3600 -q -s $(ARGS)

redteam: $(VENV)/.ready ## Switch off each gate, rule and reason in turn: a test has to notice (ARGS="--only code:secret")
	@PYTHONPATH=. $(BIN)/python -m tests.redteam.mutation.run $(ARGS)

fuzz: $(VENV)/.ready ## Feed a million broken inputs to whoever reads what others wrote (ARGS="--inputs 100000 --seed 7")
	@PYTHONPATH=. $(BIN)/python -m tests.redteam.fuzz.run --inputs 1000000 $(ARGS)

soak: $(VENV)/.ready ## Run the longer proofs
	@$(BIN)/pytest -m soak --timeout 3600 $(ARGS)

releases: $(VENV)/.ready ## Send every kind of bad release to production under load (ARGS="--only leaks-memory", "--write")
	@$(BIN)/python -m tests.releases.run $(ARGS)

agents: $(VENV)/.ready ## Run real coding agents, all that are installed or those named by AGENTS="opencode codex", and note what was seen
	@KEELWAY_AGENTS_RECORD=1 $(BIN)/pytest -m agents tests/agents $(ARGS)
	@$(BIN)/python -m keelway.cli.reference docs/reference

docs: $(VENV)/.ready ## Write the generated reference pages
	@$(BIN)/python -m keelway.cli.reference docs/reference

histories: $(VENV)/.ready ## Record the lives that the present workflow schema does not have yet
	@$(BIN)/python -m tests.engine.histories.record $(ARGS)

format: $(VENV)/.ready ## Format the code
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

clean: ## Remove the virtual environment, caches and the demo's state
	@rm -rf $(VENV) .redteam .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* .keelway-demo
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
