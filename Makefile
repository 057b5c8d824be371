# The commands of this project. `make help` lists them.
PYTHON ?= python3
# Groups of poetry.lock that `make venv` installs; empty means all.
GROUPS ?=
# Arguments for pytest, e.g. make test PYTEST="tests/record -k crash".
PYTEST ?=

BIN := .venv/bin

# Packages come without bytecode. Let the first import keep it: else each of the processes that runs consist of compiles them anew.
export PYTHONDONTWRITEBYTECODE :=

# Further targets that `make test` needs, from the file below (the checks of the Nix flake).
TEST_EXTRA :=
-include nix.mk

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv run test browser lint format zoo scoreboard bench relock clean

help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

venv: ## make .venv from poetry.lock, hashes checked
	@$(PYTHON) scripts/venv $(GROUPS)

run: GROUPS = main test
run: venv ## see it work: a training script that does not repeat, and its mended twin
	@scripts/demo

test: lint browser $(TEST_EXTRA) ## lint, types and all tests
	# Two at a time, each with threads of its own: those that wait must not keep the others from the processors.
	# What fails is run once more, and named in the summary: servers, clusters and browsers share the machine with all the rest.
	OMP_WAIT_POLICY=passive $(BIN)/python -m pytest -n 2 --dist loadgroup --durations 10 --reruns 1 --rerun-show-tracebacks -r fER $(PYTEST)

browser: ## bring the browser in which the tests look at the HTML report (Debian, as root)
	@scripts/browser

lint: venv ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: venv ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

zoo: venv ## scoreboard of the known causes in tests/zoo
	@$(BIN)/python -m tests.zoo

scoreboard: venv ## the same, written into README.md; on a quiet machine
	@$(BIN)/python -m tests.zoo --json .zoo.json; $(BIN)/python scripts/readme --zoo .zoo.json; rm -f .zoo.json

bench: venv ## measure against the targets, as ratios
	@$(BIN)/python benchmarks

relock: ## resolve pyproject.toml anew into poetry.lock
	@$(PYTHON) scripts/relock

clean: ## remove all that make has made
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find src tests examples benchmarks scripts -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
