# One command a task; each makes the environment it needs. `make help` lists them.

VENV ?= .venv
PRESET ?= quick
PYTHON ?=
ALL ?=
FAST ?=
BACKENDS ?=

BIN := $(VENV)/bin
RUN := $(VENV)/.installed
DEV := $(VENV)/.installed-dev
TEST := $(DEV)$(if $(BACKENDS),-backends)

.DEFAULT_GOAL := help
.PHONY: help reproduce test lab bench figures lint

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1@/p' Makefile | awk -F@ '{ printf "make %-10s %s\n", $$1, $$2 }'

reproduce: $(RUN)  ## the paper's three findings, PRESET=quick: answers, figures, report; ALL=1 every notebook
	$(BIN)/bnrepro run --preset $(PRESET) $(if $(ALL),--all)

test: $(TEST)  ## the whole test suite, a process a core; FAST=1 only what is quick, BACKENDS=1 adds JAX and PyTorch
	$(BIN)/python -m pytest --numprocesses logical --dist loadgroup --no-loadscope-reorder $(if $(FAST),-m "not slow")

lab: $(RUN)  ## JupyterLab at the first notebook
	$(BIN)/jupyter lab notebooks/00_the_layer.ipynb

bench: $(RUN)  ## speed against what a user would write otherwise
	$(BIN)/bnrepro bench

figures: $(RUN)  ## all figures and the README's tables from the committed record
	$(BIN)/bnrepro figures

lint: $(DEV)  ## style: ruff, check and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# The stamps are older than what they depend on when there is something to install, so a second call installs nothing.
$(RUN): EXTRAS :=
$(DEV): EXTRAS := [dev]
$(DEV)-backends: EXTRAS := [dev,backends]
$(RUN) $(DEV) $(DEV)-backends: pyproject.toml requirements.lock | $(BIN)/python
	@echo "installing bnrepro$(EXTRAS) into $(VENV), minutes the first time"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.$(EXTRAS)'
	@touch $(RUN) $@

$(BIN)/python:
	@for python in $(or $(PYTHON),python3 python3.13 python3.12 python3.11); do \
	  if "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then \
	    echo "making $(VENV) with $$python"; "$$python" -m venv $(VENV) && exit; rm -f $@; exit 1; \
	  fi; \
	done; \
	echo "Python 3.11, 3.12 or 3.13 is needed: $(or $(PYTHON),none of python3 and python3.11 to 3.13) is not; give one with make PYTHON=PATH" >&2; exit 1
