# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check -qq

.PHONY: demo test lint types unit long bench clean

demo: $(VENV)/.installed
	$(BIN)/autodata optimize demo

test: lint types unit

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev
	$(BIN)/pyright

unit: $(VENV)/.installed-dev
	$(BIN)/pytest --numprocesses 3 --dist worksteal

long: $(VENV)/.installed-dev
	$(BIN)/pytest --numprocesses 2 --dist worksteal -m long

bench: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/overhead.py

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/python pyproject.toml constraints.txt
	@echo "installing (a few minutes the first time)"
	$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) install --constraint constraints.txt --editable ".[dev,grpc,postgres,ray]"
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info runs
