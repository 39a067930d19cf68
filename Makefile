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

e2e: e2e-assets $(VENV)/.charts ## run the end-to-end tests on it, and skip none
	@RKE2_LINT_E2E=required RKE2_LINT_CHARTS=required $(BIN)/python -m pytest tests/e2e $(ARGS)

.PHONY: charts
charts: $(VENV)/.charts ## render the chart with Helm under many values, and look at what comes out
	@RKE2_LINT_CHARTS=required $(BIN)/python -m pytest tests/charts $(ARGS)

.PHONY: report-peers
report-peers: $(VENV)/.test ## have real readers of reports read ours: SARIF Multitool, the toolkits of GitHub and Azure, reviewdog
	@tests/peers/reports/assets.sh
	@RKE2_LINT_REPORT_PEERS=required $(BIN)/python -m pytest tests/test_report_peers.py $(ARGS)

.PHONY: policy-engines
policy-engines: $(VENV)/.test ## ask Kyverno's and Gatekeeper's own code about exported policies (needs Go; a long build, once)
	@tests/peers/policy_engines.sh
	@RKE2_LINT_POLICY_ENGINES=required $(BIN)/python -m pytest tests/export $(ARGS)

browser-assets: $(VENV)/.browser ## get axe-core from npm and, where there is none, a Chromium
	@tests/browser/assets.sh $(BIN)/python

browser: browser-assets ## look at the HTML report and the site in a real browser, and skip no test
	@RKE2_LINT_BROWSER=required $(BIN)/python -m pytest tests/browser $(ARGS)

ci-tools: ## install what tests ask beside ours: actionlint, npm-groovy-lint, gitlab-ci-local, kube-score, checkov, Helm 3, Prometheus' engine (needs Go and npm)
	GOBIN='$(abspath $(VENV))/ci-tools/bin' go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
	GOBIN='$(abspath $(VENV))/ci-tools/bin' go install github.com/zegl/kube-score/cmd/kube-score@v1.20.0
	GOBIN='$(abspath $(VENV))/ci-tools/bin' go install helm.sh/helm/v3/cmd/helm@v3.19.2
	cd tests/peers/promql && GOWORK=off GOBIN='$(abspath $(VENV))/ci-tools/bin' CGO_ENABLED=0 go install .
	$(PYTHON) -m venv $(VENV)/ci-tools/checkov
	$(VENV)/ci-tools/checkov/bin/pip install --quiet 'checkov>=3.2.400'
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
	$(BIN)/python charts/write_chart.py
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

.PHONY: pins image image-sbom image-assets image-test sbom release-check
PIN = $(BIN)/uv pip compile --quiet --no-config --python-version 3.13 --python-platform linux --generate-hashes
pins: export UV_CUSTOM_COMPILE_COMMAND = make pins
pins: $(VENV)/.dev ## write what the image installs from PyPI, with hashes (ARGS=--upgrade for newer versions)
	$(PIN) $(ARGS) --extra webhook --extra otel --output-file webhook/requirements.txt pyproject.toml
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' | \
		$(PIN) $(ARGS) --output-file webhook/build-requirements.txt -

# docker, podman or buildah; the newest commit says which moment the image is of.
ENGINE ?= $(firstword $(foreach each,docker podman buildah,$(if $(shell command -v $(each)),$(each))))
IMAGE ?= rke2-webhook
version = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' linter/rke2_lint/__init__.py)
image: ## build the image of the webhook (IMAGE=name; ARGS=… for the engine: --build-arg BASE=…, --secret …)
	@test -n '$(ENGINE)' || { echo 'docker, podman or buildah is needed'; exit 1; }
	$(ENGINE) build $(if $(filter docker,$(notdir $(ENGINE))),,--ignorefile webhook/Dockerfile.dockerignore) \
		--build-arg VERSION='$(version)' --build-arg COMMIT="$$(git describe --always --dirty --exclude='*' --abbrev=12)" \
		--build-arg SOURCE_DATE_EPOCH="$$(git log -1 --format=%ct)" -t '$(IMAGE)' $(ARGS) -f webhook/Dockerfile .

image-sbom: $(VENV)/.dev ## write dist/rke2-webhook.cdx.json: every package in IMAGE (docker or podman)
	@rm -rf dist/image && mkdir -p dist/image
	$(ENGINE) rm -f rke2-webhook-sbom >/dev/null 2>&1 || true
	$(ENGINE) create --name rke2-webhook-sbom '$(IMAGE)' >/dev/null
	$(ENGINE) export rke2-webhook-sbom | tar -x --no-same-owner --no-same-permissions -C dist/image
	$(ENGINE) rm rke2-webhook-sbom >/dev/null
	SOURCE_DATE_EPOCH="$$(git log -1 --format=%ct)" $(BIN)/python webhook/write_sbom.py dist/image >dist/rke2-webhook.cdx.json
	@rm -rf dist/image

sbom: $(VENV)/.dev ## write dist/rke2-lint.cdx.json: what the image takes from PyPI, with hashes (no engine needed)
	@mkdir -p dist
	$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --mc-type application --output-reproducible \
		--output-format JSON --spec-version 1.6 --validate --output-file dist/rke2-lint.cdx.json webhook/requirements.txt

release-check: $(BIN)/python ## may VERSION=1.2.3 be released? version, chart and CHANGELOG have to agree
	@$(BIN)/python .github/release.py check 'v$(VERSION)'

image-assets: ## get podman, buildah and a base image for the image's tests (needs root, apt)
	@tests/image/assets.sh

image-test: image-assets $(VENV)/.dev ## build the image, and run it as a pod would be; skip no test
	@RKE2_LINT_IMAGE=required $(BIN)/python -m pytest tests/image $(ARGS)

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

$(VENV)/.charts: pyproject.toml | $(BIN)/python
	@echo 'Installing rke2-lint and Helm for Python into $(VENV) …'
	@$(PIP) install --editable '.[charts]'
	@touch $@ $(VENV)/.test $(VENV)/.demo

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
