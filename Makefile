# Two commands matter: `make demo` and `make test`. Both start from git, make and python3 (3.11 to 3.13) with venv.
# All paths are relative, so that a checkout may lie in a directory with a space in its name.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

UV := 0.13.8
UV_HERE := .tools/uv-$(UV)
ENVIRONMENT := .venv/.in-step
PY := .venv/bin/python

# Take the Python that is there, and this checkout's environment whatever the shell has activated.
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv
export UV_NO_PROGRESS := 1
unexport VIRTUAL_ENV PYTHONHOME

# What `make demo` and `make sandbox` read: PORT=, SANDBOX_PORT= (0 is a free one) and READY=path.
export PORT SANDBOX_PORT READY

# What `make chaos` reads.
export CHAOS_SECONDS CHAOS_SEED

# Tools that import the settings need some; nothing is connected to.
NOWHERE := env PANEL_ENV=test SECRET_KEY=none BASE_URL=http://localhost CREDENTIAL_KEYS=none \
	DATABASE_URL=postgresql:///none REDIS_URL=redis://localhost SANDBOX_DATABASE_URL=postgresql:///none

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'

.PHONY: demo
demo: $(ENVIRONMENT) ## run it all here on invented data; PORT=, SANDBOX_PORT= (0: a free one), READY=path
	@$(PY) -m panel.demo

.PHONY: demo-reset
demo-reset: $(ENVIRONMENT) ## forget the demo's data
	@$(PY) -m panel.demo --reset

.PHONY: demo-code
demo-code: $(ENVIRONMENT) ## the code that staff of the demo are asked for after their password
	@$(PY) -m panel.demo.code

.PHONY: sandbox
sandbox: $(ENVIRONMENT) ## run the stand-in OVHcloud API alone; PORT= (default: a free one), READY=path
	@exec $(PY) -m sandbox --port "$${PORT:-0}" --tls-port 0 --ready-file "$${READY:-sandbox-ready.json}"

# Three lanes of about the same length: the two cores are busy, and no lane waits for another.
QUICK := not browser and not processes
# By another name, or `make -n test` would run it.
AGAIN := $(MAKE)
AFTER_BROWSER := tests/sandbox tests/gateway tests/embedded tests/support

.PHONY: test
test: style browser node ## what CI runs: lints, types, contracts, and every test; ARGS= for pytest
	@if [ -n "$(ARGS)" ]; then $(AGAIN) types && exec $(PY) -m pytest $(ARGS); fi; \
	( $(PY) -m pytest -m browser; browser=$$?; $(PY) -m pytest -m "$(QUICK)" $(AFTER_BROWSER) && exit $$browser ) \
		> .venv/browser.log 2>&1 & browser=$$!; \
	( $(AGAIN) types; types=$$?; $(PY) -m pytest -m "processes and not browser" && exit $$types ) \
		> .venv/processes.log 2>&1 & processes=$$!; \
	echo "Beside these, on services of their own: in a browser, then $(AFTER_BROWSER); with processes that are killed."; \
	$(PY) -m pytest -m "$(QUICK)" $(AFTER_BROWSER:%=--ignore=%); quick=$$?; \
	wait $$browser; browser=$$?; cat .venv/browser.log; \
	wait $$processes; processes=$$?; cat .venv/processes.log; \
	[ $$quick -eq 0 ] && [ $$browser -eq 0 ] && [ $$processes -eq 0 ]

.PHONY: prove
prove: $(ENVIRONMENT) browser node ## the long proofs whole, where `make test` runs a sample
	@PROVE=1 $(PY) -m pytest $(ARGS)

# BENCH=poll,expire,import,celery names parts, BENCH_SIZE=small tries them, BENCH_JSON= where every round is written.
.PHONY: bench-sandbox
bench-sandbox: $(ENVIRONMENT) ## the stand-in API's speed with a million orders stored; ARGS= for bench.sandbox_load
	@$(PY) -m bench.sandbox_load $(ARGS)

.PHONY: bench
bench: $(ENVIRONMENT) ## the panel's speed beside plain ways, as Markdown; BENCH=part,part BENCH_SIZE=full|small|tiny
	@$(PY) -m bench

.PHONY: chaos
chaos: $(ENVIRONMENT) ## kill and spoil everything for CHAOS_SECONDS= (600) from CHAOS_SEED=, then compare with OVHcloud
	@$(PY) -m tests.chaos

.PHONY: lint
lint: style types ## ruff, djlint, mypy and the import contract

.PHONY: style
style: $(ENVIRONMENT)
	@$(PY) -m ruff check --quiet .
	@$(PY) -m ruff format --quiet --check . || { echo "Run make fmt."; exit 1; }
	@$(PY) -m djlint --lint --quiet templates sandbox

.PHONY: types
types: $(ENVIRONMENT)
	@$(NOWHERE) $(PY) -m mypy --no-error-summary
	@$(NOWHERE) $(PY) -m mypy --no-error-summary --config-file sandbox/mypy.ini --cache-dir .mypy_cache/sandbox sandbox
	@$(PY) -m mypy --no-error-summary --config-file sandbox/mypy.ini -p sandbox --cache-dir .mypy_cache/sandbox
	@$(PY) .venv/bin/lint-imports > .venv/imports.log 2>&1 || { cat .venv/imports.log; exit 1; }

.PHONY: fmt
fmt: $(ENVIRONMENT) ## put the code in shape
	@$(PY) -m ruff check --quiet --fix-only .
	@$(PY) -m ruff format --quiet .

# Chromium is the one thing that pip cannot bring.
.PHONY: browser
browser: $(ENVIRONMENT)
	@$(PY) -m tests.chromium

# OVHcloud's Node client is not of PyPI: npm brings it, by its lock, into the environment.
.PHONY: node
node: $(ENVIRONMENT)
	@$(PY) -m tests.node

$(UV_HERE):
	@python3 -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null || \
		{ echo "This needs python3 from 3.11 to 3.13 with venv (on Debian: apt install python3-venv)." >&2; exit 1; }
	@echo "Bringing uv and the locked environment into .tools/ and .venv/."
	@python3 -m venv --clear .tools
	@.tools/bin/python -m pip install -qq --disable-pip-version-check uv==$(UV)
	@touch $@

$(ENVIRONMENT): $(UV_HERE) pyproject.toml uv.lock
	@.tools/bin/uv sync --locked --quiet --python .tools/bin/python
	@touch $@
