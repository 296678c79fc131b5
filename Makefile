# Each target sets itself up: a virtual environment from the lock, quick the second time.
PYTHON ?= python3
BIN := .venv/bin
RUN := .venv/.run
DEV := .venv/.dev

# The journeys start hundreds of processes; each would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run demo test check conformance soak bench lock clean

run: $(RUN)
	TMF_ADAPTER_CALLBACK_ALLOW="$${TMF_ADAPTER_CALLBACK_ALLOW-127.0.0.0/8,::1/128}" $(BIN)/tmf-adapter serve

demo: $(RUN)
	$(BIN)/tmf-adapter demo

test: $(DEV)
	$(BIN)/pytest -n auto --dist loadgroup $(ARGS)

check: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/openapi-spec-validator openapi/*.yaml
	$(BIN)/tmf-adapter mapping lint mappings
	$(BIN)/tmf-adapter mapping test mappings

# Starts the adapter and judges it by the same requests each time, or with SECONDS=600 by as many as fit into those.
# ARGS="--base-url URL" judges another server.
conformance: $(DEV)
	$(BIN)/tmf-adapter conformance --level optional $(if $(SECONDS),--seconds $(SECONDS)) $(ARGS)

# Ten minutes of requests that no server should fail at; ten of notifications, half on SQLite and half on PostgreSQL.
soak: $(DEV)
	$(BIN)/python -m conformance.soak --seconds $(or $(SECONDS),600) $(ARGS)
	$(BIN)/python -m tests.soak.delivery --seconds $(or $(SECONDS),600)

bench: $(DEV)
	$(BIN)/python -m tests.bench $(ARGS)

# What the lock files are made from is pyproject.toml; hashes pin every artefact.
lock: $(DEV)
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --quiet --upgrade pyproject.toml --group build -o requirements.lock
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --quiet --upgrade pyproject.toml --group build --group dev -c requirements.lock -o requirements-dev.lock

.venv/bin/pip:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tmf_adapter needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv

$(RUN): requirements.lock pyproject.toml | .venv/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(DEV): requirements-dev.lock $(RUN)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

clean:
	rm -rf .venv bench.json
