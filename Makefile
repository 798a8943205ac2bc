# `make help` lists what there is to do.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade)

# Instants and tags of the examples are hexadecimal; addresses of databases in them name a user and a password,
# and secrets of webhooks are cut or none.
NO_SECRETS := --disable-plugin HexHighEntropyString --exclude-files '^(openapi|requirements|service/core/swagger_ui)/|package-lock.json$$' \
	--exclude-lines '(user|u|tracker):(password|p|secret)[^@]*@' --exclude-lines 'whsec_(…|\\u2026|MA==)'

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run test check bench openapi lock clean environment

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.project-installed ## Make .venv with everything in it (PYTHON=python3.12 chooses another Python)

run: setup ## Start the service with sample data and print how to sign in
	$(BIN)/tracker demo

# A file stays with one process, for its tests share a service; more processes than these only wait for one another.
test: setup ## Run every test, on SQLite and on PostgreSQL (ARGS='-k progress -n 0' are given to pytest)
	$(BIN)/pytest --numprocesses auto --maxprocesses 8 --dist loadfile $(ARGS)

check: setup ## Check style, types, imports, the API description, the locks, secrets and advisories
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(BIN)/tracker openapi > $(VENV)/openapi.json
	@diff -u openapi/openapi.json $(VENV)/openapi.json \
		|| { echo "openapi/openapi.json is not what the code says. Run 'make openapi' and read the difference."; exit 1; }
	@! grep -nE '://|^ *-[a-z-]*(index|find-links|trusted)|(^|[ =])/' requirements/*.txt \
		&& ! grep -n '"resolved"' .ci/*/package-lock.json \
		|| { echo "A lock names an address or a path, which would tie it to one machine. Run 'make lock'."; exit 1; }
	@git ls-files -z | xargs -0 $(BIN)/detect-secrets-hook $(NO_SECRETS) \
		|| { echo "Something looks like a secret. If it is none, say so at the end of its line: pragma: allowlist secret"; exit 1; }
	@! git grep -nE 'trk_[0-9a-f]{16}_[A-Za-z0-9_-]{43}' || { echo "This is a whole token."; exit 1; }
	@.ci/audit

bench: setup ## Measure the service under load (SIZE=… chooses how much)
	$(BIN)/python -m bench $(if $(SIZE),--size $(SIZE))

# The output goes to another file first, so that a failure leaves the committed description as it was.
openapi: setup ## Write openapi/openapi.json anew
	@mkdir -p openapi
	$(BIN)/tracker openapi > $(VENV)/openapi.json
	@cp $(VENV)/openapi.json openapi/openapi.json

# The newer locks take what the first one chose, so that tests run on what is deployed.
lock: setup ## Lock the dependencies of pyproject.toml anew (UPGRADE=1 also takes newer versions of those not pinned there)
	$(UV_COMPILE) pyproject.toml -o requirements/runtime.txt
	$(UV_COMPILE) --group build -o requirements/build.txt
	$(UV_COMPILE) pyproject.toml --group dev -c requirements/runtime.txt -o requirements/dev.txt

clean: ## Remove .venv and everything that tools left behind
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage build dist ./*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is a copy of the lock, so that a lock whose date alone changed costs nothing.
$(VENV)/.lock-installed: requirements/dev.txt
	@cmp -s $< $@ || $(MAKE) --no-print-directory environment
	@cp $< $@

# A changed lock starts from an empty environment: what it no longer names must not linger.
environment:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed, and '$(PYTHON)' is not. Name one: make setup PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt

# Setuptools warns that a folder beside the code could hide it; in an editable install that folder is the code.
$(VENV)/.project-installed: $(VENV)/.lock-installed pyproject.toml
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
