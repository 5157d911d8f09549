# Everything a newcomer runs. `make` alone lists it; `make run` needs nothing but Python 3.11 or newer.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check install --quiet --require-hashes
ARGS ?=
ROUNDS ?= 60
SEED ?= 1
MINUTES ?= 30

# A stamp carries the hash of the requirement file it stands for: the same pins install once, changed pins install again.
stamp = .venv/installed-$(1)-$(firstword $(shell sha256sum requirements/$(1).txt))
RUN := $(call stamp,run)
TEST := $(call stamp,test)
CHECK := $(call stamp,check)
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard kiosk_ui/translations/*/LC_MESSAGES/messages.po))

.PHONY: help setup run test-fast test bench faults security check lock messages clean

help:  ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup: $(RUN) $(CATALOGUES)  ## .venv with the pinned packages, compiled translations
	@:

run: setup  ## the service, its database, demo data and a demo central system; PORT, CENTRAL_PORT, DATA_DIR
	@exec $(PY) -m feedback_service.sandbox.run

test-fast: setup $(TEST)  ## tests on SQLite that start no program, in under a minute; ARGS="-k word" for some
	@$(PY) -m pytest -n 2 --dist worksteal -m fast $(ARGS)

test: setup $(TEST)  ## every test on SQLite, PostgreSQL and in a browser; ARGS="-k word" for some
	@$(PY) -m tests.support.browser || $(MAKE) chromium
	@$(PY) -m pytest -n 2 --dist worksteal $(ARGS)

bench: setup $(TEST)  ## how fast, as ratios to a bare program in the same run; ARGS="--only survey --pairs 3"
	@PATH="$$PATH:/usr/sbin" command -v nginx >/dev/null || $(MAKE) nginx
	@$(PY) -m benchmarks $(ARGS)

faults: setup $(TEST)  ## kill and fault rounds under load on both databases, audited; ROUNDS=60 on each, SEED=1
	@for database in sqlite postgresql; do \
	  $(PY) -m tests.faults.rounds --rounds $(ROUNDS) --database $$database --seed $(SEED); done
	@$(PY) -m pytest tests/faults/test_auditor.py tests/faults/test_rounds.py tests/faults/troubles.py

security: setup $(TEST)  ## the API called with all that its OpenAPI file allows and forbids; MINUTES=30 in all, ARGS="--seed N"
	@$(PY) -m tests.guards.schemathesis_run --minutes $(MINUTES) $(ARGS)

check: setup $(TEST) $(CHECK)  ## format, lint, types, import rules, migrations, translations, OpenAPI file
	@.venv/bin/ruff format --check --quiet . || { echo "Not formatted: run .venv/bin/ruff format ." >&2; exit 1; }
	@.venv/bin/ruff check --quiet .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-logo
	@$(PY) -m tools.migrations
	@$(PY) -m tools.translations
	@$(PY) -m feedback_service.api --check docs/openapi.json
	@$(PY) -m openapi_spec_validator docs/openapi.json

lock:  ## pin the newest releases that requirements/*.in allow (needs uv on the PATH)
	@cd requirements && for name in run test check; do \
	  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade \
	    --custom-compile-command "make lock" --output-file $$name.txt $$name.in; done

messages: setup  ## bring the translation catalogues up to the texts in the code
	@$(PY) -m tools.translations --update

clean:  ## remove the environment and what tools left behind; the data in var/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find kiosk_ui/translations -name '*.mo' -delete

.venv/bin/python:
	@if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "Missing Debian package: python3-venv" >&2; \
	  if [ "$$(id -u)" != 0 ]; then echo "Install it with: sudo apt-get install python3-venv" >&2; exit 1; fi; \
	  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q python3-venv; \
	fi
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	@$(PYTHON) -m venv .venv

$(RUN) $(TEST) $(CHECK): .venv/installed-%: | .venv/bin/python
	@name=$*; name=$${name%%-*}; echo "Installing requirements/$$name.txt"; \
	$(PIP) -r requirements/$$name.txt && rm -f .venv/installed-$$name-* && touch $@

# The tests' own pins build on the service's, the checks' on both.
$(TEST): | $(RUN)
$(CHECK): | $(TEST)

%.mo: %.po | $(RUN)
	@.venv/bin/pybabel -q compile -i $< -o $@

.PHONY: nginx
nginx:
	@if [ "$$(id -u)" != 0 ]; then echo "No nginx found. Install the Debian package nginx-light." >&2; exit 1; fi
	apt-get update -q
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends nginx-light

.PHONY: chromium
chromium:
	@if [ "$$(id -u)" != 0 ]; then \
	  echo "No Chromium found. Install the Debian package chromium, or name a browser in CHROMIUM." >&2; exit 1; fi
	apt-get update -q
	export DEBIAN_FRONTEND=noninteractive; for name in chromium-headless-shell chromium; do \
	  apt-get install -y -q --no-install-recommends $$name && exit; done; exit 1
