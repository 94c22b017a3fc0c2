# Everything on a fresh machine with Python >= 3.11 and make: `make demo`, `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ROWS ?= 20000
# how far the demo goes: migrated, switched or cleaned
UNTIL ?= cleaned

.PHONY: install demo demo-undo playground test test-all test-newest fuzz soak compatibility bench docs lint lock clean

install: $(VENV)/.runtime ## the command line, in .venv/bin

demo: $(VENV)/.runtime ## take a production-like database through the whole life cycle, the application writing all the time
	@ROWS=$(ROWS) UNTIL=$(UNTIL) $(BIN)/artwork-migration demo

demo-undo: $(VENV)/.runtime ## take everything of ours out of the demo's database again
	@$(BIN)/artwork-migration demo --undo $(if $(FORCE),--force)

playground: $(VENV)/.runtime ## the demo's database, application, Prefect server and worker, until Ctrl-C, to be clicked through
	@ROWS=$(ROWS) $(BIN)/artwork-migration playground

PYTEST = $(BIN)/python -m pytest -q -n 4 --dist loadfile --no-loadscope-reorder
test: $(VENV)/.development ## the tests, on real servers; four files at a time, those that wait longest first
	$(PYTEST) -m 'not exhaustive' $(PYTEST_ARGS)

# Beside 18: all tests of the database side on the oldest release, except those that start a server of their own; on those between the whole life cycle.
OLDEST = 15
BETWEEN = 16 17
OF_18 = tests/database/test_linear_plans.py
# All of it takes an hour and more; SHARE=2/4 takes the second quarter of the exhaustive cases, and of those on the oldest release.
SHARE = 1/1
test-all: $(VENV)/.development ## the tests and the exhaustive series: every kill point, every row of a plan, every seed, every release, and a soak; SHARE=2/4
	$(PYTEST) --share $(SHARE) $(PYTEST_ARGS)
	POSTGRES=$(OLDEST) $(PYTEST) -m 'not exhaustive' --share $(SHARE) --ignore=$(OF_18) tests/database
	for release in $(BETWEEN); do POSTGRES=$$release $(PYTEST) tests/database/test_whole_way.py tests/database/test_reconcile.py tests/database/test_capture.py || exit 1; done
ifeq ($(SHARE),1/1)
	$(MAKE) soak SOAK='--minutes 15'
endif

# The oldest Python runs everything else.
NEWEST = .venv-newest
test-newest: ## the demo and the whole life cycle through Prefect on the newest Python; PYTHON=python3.13
	$(MAKE) demo VENV=$(NEWEST) ROWS=2000
	$(MAKE) $(NEWEST)/.development VENV=$(NEWEST)
	$(PYTEST:$(BIN)/%=$(NEWEST)/bin/%) $(wildcard $(addprefix tests/lifecycle/test_,run_migration.py switch_verbs.py verify.py clean_up.py))

fuzz: $(VENV)/.development ## changed databases through the whole life cycle: the catalogue; FUZZ='--pairs 300', FUZZ=--help
	$(BIN)/python -m tests.fuzz $(FUZZ)

soak: $(VENV)/.development ## the life cycle under kills, outages, locks, DDL and the adversarial writer; SOAK='--minutes 60 --seed 1', SOAK=--help
	$(BIN)/python -m tests.adversary.soak $(SOAK)

compatibility: $(VENV)/.development ## docs/compatibility.md from the outcomes of the whole catalogue
	$(BIN)/python -m tests.fuzz --table docs/compatibility.md

bench: ROWS = 1000000
bench: $(VENV)/.development ## every performance bar, with a million rows, and docs/benchmarks.md from it; ROWS=10000000, BENCH='data_phase --rounds 1', BENCH=--help
	@$(BIN)/python -m bench --rows $(ROWS) --results docs/benchmarks.jsonl $(BENCH); code=$$?; $(BIN)/python -m bench.table && exit $$code

docs: $(VENV)/.runtime ## docs/validation.md from the classes of the rules
	$(BIN)/python -m expectations.documentation > docs/validation.md

lint: $(VENV)/.development ## style, types, arrows between folders, SQL
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint --processes 2 sql
	$(BIN)/squawk $(filter-out %.rows.sql,$(wildcard sql/deploy_schema/*.sql)) sql/ledger/create.sql

COMPILE = $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header
lock: $(VENV)/.development ## pin the packages anew, with hashes and without addresses
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) --extra dev pyproject.toml -c requirements.lock -o requirements-dev.lock
	printf 'uv\nsetuptools>=77\n' | $(COMPILE) - -c requirements-dev.lock -o requirements-build.lock

clean: ## remove the environment
	rm -rf $(VENV)

# uv installs the pinned set in seconds where pip takes minutes; it is itself pinned, with its hashes. Bytecode is compiled at once: where
# Python may not write it later (PYTHONDONTWRITEBYTECODE), every process would take twice as long to start.
INSTALL = $(BIN)/uv pip install -q --python $(BIN)/python --compile-bytecode --no-deps
$(BIN)/uv: requirements-build.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements-build.lock
	@touch $(BIN)/uv

$(VENV)/.runtime: $(BIN)/uv requirements.lock pyproject.toml
	$(INSTALL) --require-hashes -r requirements.lock
	$(INSTALL) --no-build-isolation -e .
	@touch $@

$(VENV)/.development: $(VENV)/.runtime requirements-dev.lock
	$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@
