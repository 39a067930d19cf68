# `make` alone lists what there is. Everything is installed into .venv, and nothing outside it.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

# The first Python that is new enough; `make PYTHON=… test` chooses another.
PYTHON ?= $(shell for each in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$each && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help demo test lint format docs bench peers wheel clean webhook-demo e2e e2e-assets browser browser-assets ci-tools site bench-hook

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.demo ## lint examples/: the findings, the fixes as a diff, what each machine runs with
	@echo '$$ rke2-lint examples'
	@$(BIN)/rke2-lint examples || test $$? -eq 1
	@echo
	@echo '$$ rke2-lint --diff examples'
	@$(BIN)/rke2-lint --diff examples || test $$? -eq 1
	@echo
	@echo '$$ rke2-lint effective examples'
	@$(BIN)/rke2-lint effective examples

test: $(VENV)/.test ## install the test dependencies and run the tests (ARGS=… for pytest)
	@$(BIN)/python -m pytest $(ARGS)

webhook-demo: $(VENV)/.webhook ## run the webhook here, and show a review before and after
	@$(BIN)/python examples/webhook/demo.py

e2e-assets: ## build a real kube-apiserver for the end-to-end tests (needs Go; some minutes, once)
	@tests/e2e/assets.sh

e2e: e2e-assets $(VENV)/.test ## run the end-to-end tests on it, and skip none
	@RKE2_LINT_E2E=required $(BIN)/python -m pytest tests/e2e $(ARGS)

.PHONY: report-peers
report-peers: $(VENV)/.test ## have real readers of reports read ours: SARIF Multitool, the toolkits of GitHub and Azure, reviewdog
	@tests/peers/reports/assets.sh
	@RKE2_LINT_REPORT_PEERS=required $(BIN)/python -m pytest tests/test_report_peers.py $(ARGS)

browser-assets: $(VENV)/.browser ## get axe-core from npm and, where there is none, a Chromium
	@tests/browser/assets.sh $(BIN)/python

browser: browser-assets ## look at the HTML report and the site in a real browser, and skip no test
	@RKE2_LINT_BROWSER=required $(BIN)/python -m pytest tests/browser $(ARGS)

ci-tools: ## install actionlint, npm-groovy-lint and gitlab-ci-local for the tests (needs Go and npm)
	GOBIN='$(abspath $(VENV))/ci-tools/bin' go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
	npm install --silent --no-fund --no-audit --prefix $(VENV)/ci-tools npm-groovy-lint@16 gitlab-ci-local@4.60.0

lint: $(VENV)/.dev ## ruff, mypy --strict and the import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev ## let ruff mend what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(VENV)/.test ## write the rule index and the outputs in the README anew
	$(BIN)/python policies/write_index.py
	$(BIN)/python policies/write_reference.py
	$(BIN)/python tests/test_docs.py

site: $(VENV)/.docs ## build the site into .site, with warnings as errors (ARGS=serve shows it while it is written)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs $(or $(ARGS),build)

bench: $(VENV)/.demo ## measure against yamllint, check-jsonschema, ast-grep and checkov (ARGS=--quick for a smoke test)
	@$(BIN)/python benchmarks/run.py $(ARGS)

bench-hook: $(VENV)/.test ## measure the hook under pre-commit, in a repository of 5,000 files (ARGS=--quick)
	@$(BIN)/python benchmarks/pre_commit.py $(ARGS)

peers: $(VENV)/.demo ## the same against peers written in Go, which are built here (needs Go)
	@$(BIN)/python benchmarks/run.py --go $(ARGS)

wheel: $(VENV)/.dev ## build dist/*.whl and dist/*.tar.gz, and check them
	rm -rf dist
	$(BIN)/python -m build --quiet
	$(BIN)/check-wheel-contents dist/*.whl
	$(BIN)/twine check --strict dist/*

clean: ## take away what the other targets made
	rm -rf $(VENV) dist .site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n '$(PYTHON)' || { echo 'Python 3.11 or newer is needed: python3, or make PYTHON=/path/to/python'; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
		echo 'On Debian and Ubuntu, venv is a package of its own: apt install python3-venv'; rm -rf $(VENV); exit 1; }

# What is installed is installed anew when pyproject.toml changes; the code itself is used where it is.
$(VENV)/.demo: pyproject.toml | $(BIN)/python
	@echo 'Installing rke2-lint into $(VENV) …'
	@$(PIP) install --editable .
	@touch $@

$(VENV)/.webhook: pyproject.toml | $(BIN)/python
	@echo 'Installing rke2-lint and its webhook into $(VENV) …'
	@$(PIP) install --editable '.[webhook]'
	@touch $@ $(VENV)/.demo

$(VENV)/.test: pyproject.toml | $(BIN)/python
	@echo 'Installing rke2-lint and what its tests need into $(VENV) …'
	@$(PIP) install --editable '.[test]'
	@touch $@ $(VENV)/.demo

$(VENV)/.browser: pyproject.toml | $(BIN)/python
	@echo 'Installing rke2-lint and what drives a browser into $(VENV) …'
	@$(PIP) install --editable '.[browser]'
	@touch $@ $(VENV)/.test $(VENV)/.docs $(VENV)/.demo

$(VENV)/.docs: pyproject.toml | $(BIN)/python
	@echo 'Installing rke2-lint and what builds its site into $(VENV) …'
	@$(PIP) install --editable '.[docs]'
	@touch $@ $(VENV)/.demo

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	@echo 'Installing rke2-lint and its development tools into $(VENV) …'
	@$(PIP) install --editable '.[dev]'
	@touch $@ $(VENV)/.test $(VENV)/.docs $(VENV)/.demo
