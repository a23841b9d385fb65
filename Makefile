# LocalRoots Chat. `make run` and `make test` need Python 3.11 or newer and nothing else.
#   PYTHON       the interpreter of .venv             make run PYTHON=python3.12
#   EXAMPLES     of each kind of request that make fuzz makes up
#   ARGS         passed on to pytest, or to the locks make test ARGS="-k history"
PYTHON ?= python3
PYTHON_NEXT ?= python3.13
HOST = 127.0.0.1
PORT = 8000
EXAMPLES = 200
VENV = .venv
TEST_LOCK = tests/requirements/test.txt
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup run test test-next fuzz faults load check audit coverage lock

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' Makefile

setup: $(VENV)/.stamp-run ## make .venv and install what the service needs

run: export DEBUG := $(or $(DEBUG),1)
run: setup ## start the service with demo data at http://127.0.0.1:8000 (HOST and PORT change that)
	$(BIN)/python manage.py migrate
	$(BIN)/python manage.py demo
	$(BIN)/python manage.py serve --host $(HOST) --port $(PORT)

test: $(VENV)/.stamp-test ## run the tests; PostgreSQL and Redis are found or brought along
	@sh tests/support/install_chromium.sh
	$(BIN)/python -m pytest $(ARGS)

test-next: ## run the tests on the next Python and Django, in .venv-next
	@$(MAKE) --no-print-directory test VENV=.venv-next PYTHON=$(PYTHON_NEXT) TEST_LOCK=tests/requirements/next.txt

fuzz: $(VENV)/.stamp-test ## make up requests from /api/schema/ for ten minutes or so (EXAMPLES=200 of each kind)
	FUZZ_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest tests/openapi/test_made_up_requests.py --capture=no $(ARGS)

faults: $(VENV)/.stamp-test ## kill servers and Redis for ten minutes while people talk; writes tests/faults/REPORT.md
	$(BIN)/python -m tests.faults.long $(ARGS)

load: $(VENV)/.stamp-test ## measure what the chat can carry, in ten minutes or less; writes tests/load/REPORT.md
	$(BIN)/python -m tests.load $(ARGS)

check: $(VENV)/.stamp-test ## format, lint, types, imports, containers, migrations, production settings
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/hadolint docker/Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker/compose.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m pip check
	@echo "manage.py check --deploy, as in production"
	@$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING

audit: $(VENV)/.stamp-test ## look up known vulnerabilities of everything that is pinned (asks an advisory database)
	$(BIN)/pip-audit --strict --disable-pip --require-hashes --progress-spinner off -r requirements.txt
	$(BIN)/pip-audit --strict --disable-pip --require-hashes --progress-spinner off -r $(TEST_LOCK)

coverage: $(VENV)/.stamp-test ## run the tests and say which lines they missed
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

lock: $(BIN)/pip ## pin anew after a change of pyproject.toml (everything newer: ARGS=--upgrade)
	$(INSTALL_UV)
	$(COMPILE) --python-version 3.11 --group lts pyproject.toml -o requirements.txt
	$(COMPILE) --python-version 3.11 --group lts --group test pyproject.toml -c requirements.txt -o tests/requirements/test.txt
	$(COMPILE) --python-version 3.13 --group next --group test pyproject.toml -o tests/requirements/next.txt
	$(COMPILE) --python-version 3.11 --group installer -o tests/requirements/uv.txt

# The two stamps share one environment: the tests' lock holds the service's pins and more, and installing the
# service's takes nothing away.
$(VENV)/.stamp-run: requirements.txt $(BIN)/pip
	$(call install,install -r,requirements.txt)

$(VENV)/.stamp-test: $(TEST_LOCK) $(BIN)/pip
	$(call install,sync,$(TEST_LOCK))

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV)

INSTALL_UV = $(BIN)/python -m pip install -qq --require-hashes -r tests/requirements/uv.txt
COMPILE = $(BIN)/uv pip compile --quiet --generate-hashes --custom-compile-command "make lock" $(ARGS)
KEY = $$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(48))')
PRODUCTION = DEBUG=0 PUBLIC_URL=https://chat.example.org \
	SECRET_KEY=$(KEY) JWT_SIGNING_KEY=$(KEY) AUTH_SECRET=$(KEY) SERVER_KEY=$(KEY)

define install
	@echo "Installing $(2) into $(VENV)"
	@{ $(INSTALL_UV) && $(BIN)/uv pip $(1) $(2) --quiet --require-hashes --compile-bytecode --python $(BIN)/python; } || \
		{ echo "uv cannot do it here; pip takes a minute or two"; \
		  $(BIN)/python -m pip install -qq --require-hashes -r $(2); }
	@touch $@
endef
