# Every target sets up .venv when it is missing and reuses it when it is there.

PYTHON ?= python3
# pipefail: a benchmark that fails must not hide behind tee
SHELL  := /bin/bash
VENV   ?= .venv
BIN    := $(VENV)/bin
SEED   ?= 0
# not empty: the oldest version of each package that setup.cfg allows
OLDEST ?=
READY  := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help install demo test gpu mutants lint format audit docs dist notebooks bench clean

help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(READY) ## Make the virtual environment (.venv) with everything in it

$(READY): setup.cfg pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet packaging
	$(if $(OLDEST),$(BIN)/python scripts/oldest_versions.py,:) > $(VENV)/constraints.txt
	$(BIN)/python -m pip install --quiet --constraint $(VENV)/constraints.txt --editable ".[dev,notebooks]"
	@touch $(READY)

demo: $(READY) ## The whole road on StreetWorld, from panoramas to a student (SEED=0)
	$(BIN)/python scripts/demo.py --seed $(SEED)

# a process a core; threads of torch beside them would only wait for one another
test: $(READY) ## All tests, with the notebooks and all that the pages tell to run
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist worksteal --nbmake tests notebooks

gpu: $(READY) ## What has to be known of a GPU, into gpu.json; see docs/gpu.md
	$(BIN)/python scripts/gpu.py

mutants: $(READY) ## Change important lines one at a time; says which change no test notices
	$(BIN)/python scripts/mutants.py

lint: $(READY) ## Style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY) ## Bring the code into the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# strict: a package that the database does not know is no clean bill
audit: $(READY) ## Look all installed packages up in the database of known holes
	$(BIN)/pip-audit --strict --skip-editable

# the theme's notice about its own future would be the only thing said
docs: $(READY) ## Build the documentation into site/; a warning fails
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict

# what is built shall hold what is there, nothing that an earlier build left behind
dist: $(READY) ## Build wheel and source distribution into dist/
	rm -rf build dist
	$(BIN)/python -m build

notebooks: $(READY) ## Run the notebooks headless
	$(BIN)/python -m pytest --nbmake notebooks

bench: $(READY) ## Run the benchmarks, and write the table docs/benchmarks.md (NOTE="what ran beside")
	@mkdir -p benchmarks/results
	@$(BIN)/python scripts/bench_table.py --describe --note "$(NOTE)"
	@set -e -o pipefail; for file in benchmarks/*.py; do \
		result=benchmarks/results/$$(basename $$file .py).json; echo "== $$file"; \
		$(BIN)/python $$file | tee $$result.log; tail -n 1 $$result.log > $$result; rm $$result.log; \
	done
	@$(BIN)/python scripts/bench_table.py

clean: ## Remove runs and caches; the virtual environment stays
	rm -rf runs .pytest_cache .mypy_cache .ruff_cache .coverage coverage.xml build dist site
	find . -name __pycache__ -not -path "./$(VENV)/*" -prune -exec rm -rf {} +
