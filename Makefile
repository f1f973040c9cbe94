# Saat's few commands. `make` alone lists them.
PORT ?= 8000
VAR ?= var
PYTHON ?= python3
SETUP = $(PYTHON) -I scripts/setup.py
BIN = .venv/bin
QUICK = tests/pure tests/test_house.py tests/test_docs.py saat/terms saat/triage saat/cases

.PHONY: help run setup dev test test-fast check bench demo-shots lock messages clean
.SILENT:

help: ## List the commands
	awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Serve a demo city on http://127.0.0.1:PORT, with everything written under VAR
	$(SETUP) run frontend messages && exec $(BIN)/saat serve --demo --port $(PORT) --var $(VAR)

setup: ## Install and build what serving needs, and no more
	$(SETUP) run frontend messages

dev: ## Install and build what developing needs
	$(SETUP) dev frontend messages tools

test: ## Run all tests, on SQLite and then on PostgreSQL
	$(SETUP) dev frontend messages tools && exec $(BIN)/python scripts/run_tests.py

test-fast: ## Run the tests of the pure rooms, the house and the docs, in seconds
	$(SETUP) dev messages && exec $(BIN)/pytest -q $(QUICK)

check: ## Lint, types, layers and the quick tests, in seconds: before each commit
	$(SETUP) dev messages
	bad=0; \
	$(BIN)/ruff check --quiet --output-format concise . || bad=1; \
	$(BIN)/ruff format --check --quiet . || bad=1; \
	SAAT_VAR=.mypy_cache/var $(BIN)/mypy --no-error-summary || bad=1; \
	$(BIN)/pytest -q $(QUICK) || bad=1; \
	exit $$bad

bench: ## Measure on this machine, with the raw floor beside it
	$(SETUP) dev frontend messages tools && exec $(BIN)/python -m bench

demo-shots: ## Take the pictures in docs/shots from a fresh demo
	$(SETUP) dev frontend messages tools && exec $(BIN)/python scripts/demo_shots.py

lock: ## Resolve dependencies anew into the lock files
	$(SETUP) dev && scripts/lock.sh --upgrade

messages: ## Collect the texts to translate into saat/locale
	$(SETUP) dev && $(BIN)/python scripts/messages.py collect && $(SETUP) messages

clean: ## Remove what was installed and built; var, your data, stays
	rm -rf .venv dist build frontend/node_modules saat/web/static/saat/dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
