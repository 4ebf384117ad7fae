# Each target sets up what it needs in .venv; a machine needs Python >= 3.11, make and a package registry.
.DEFAULT_GOAL := help
.PHONY: help demo serve test check bench bench-scale bench-page bench-compare lock proto bundle rooms settings clean install-demo install-dev

python := .venv/bin/python
sources := collector exporters mcp_server otel-config tests scripts hatch_build.py

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: install-demo ## Real services, real requests, one timeline: ends by itself in under a minute
	@.venv/bin/gasoline demo

serve: install-demo ## Run the collector until Ctrl-C; OTLP on ports 4317 (gRPC) and 4318 (HTTP)
	@.venv/bin/gasoline serve

test: check ## Check and test everything that this machine can run
	@$(python) -m pytest --ignore=tests/tidy --numprocesses=2 --dist=loadscope --no-loadscope-reorder --benchmark-disable

check: install-dev ## Format, lint, types, layers, tidiness
	@.venv/bin/ruff format --check --quiet $(sources) || { echo "make check: run .venv/bin/ruff format ." >&2; exit 1; }
	@.venv/bin/ruff check --quiet $(sources)
	@.venv/bin/pyright --pythonpath $(python)
	@.venv/bin/lint-imports --no-logo --no-cache
	@sh scripts/npm.sh extension run --silent check
	@sh scripts/npm.sh web run --silent check
	@$(python) -m pytest -q tests/tidy

bench: install-dev ## Measure: the table of figures and their ratios
	@$(python) tests/bench/run.py $(if $(JSON),--json $(JSON))

bench-scale: install-dev ## Measure how cost grows: SPANS=5000000 SESSIONS=100000 SOAK=10000000 JSON=file
	@$(python) tests/bench/scale.py $(if $(SPANS),--spans $(SPANS)) $(if $(SESSIONS),--sessions $(SESSIONS)) \
		$(if $(SOAK),--soak-spans $(SOAK)) $(if $(JSON),--json $(JSON))

bench-page: install-dev ## Measure the page in Chromium, with 10,000 events and 10,000 sessions: JSON=file
	@sh scripts/npm.sh extension
	@sh scripts/npm.sh web run --silent bench $(if $(JSON),-- $(abspath $(JSON)))

bench-compare: install-dev ## Two result files side by side: A=file B=file
	@$(python) tests/bench/compare.py $(A) $(B)

lock: install-dev ## Resolve the hash-locked sets anew from pyproject.toml
	@sh requirements/lock.sh

proto: install-dev ## Generate the classes of every .proto file
	@sh scripts/proto.sh

bundle: install-dev ## Build what browsers load: the content scripts of the extension, and the timeline page
	@sh scripts/npm.sh extension run --silent build
	@sh scripts/npm.sh web run --silent build

rooms: install-dev ## Write the list of modules in ARCHITECTURE.md from their docstrings
	@$(python) scripts/rooms.py

settings: install-dev ## Write otel-config/collector.yaml from the settings and their documentation
	@$(python) scripts/settings_file.py

clean: ## Remove .venv and what tools keep
	@rm -rf .venv build dist extension/node_modules web/node_modules .pytest_cache .ruff_cache .hypothesis .import_linter_cache

install-demo:
	@sh requirements/install.sh demo

install-dev:
	@sh requirements/install.sh dev
