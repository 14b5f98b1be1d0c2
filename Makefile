# Everything sets itself up: a virtual environment in .venv, made anew when setup.cfg changes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Test processes, each with peers of its own: most of a test is waiting. With more than cores, jobs of low priority starve in the tests.
SIDE_BY_SIDE ?= 2
comma := ,

.DEFAULT_GOAL := help
.PHONY: help demo test fast check format generated screenshots site lock dist image sbom audit bench soak chaos dashboards capacity clean peers

help: ## Lists the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 10

demo: $(VENV)/demo ## Everything at once, with a simulated AWS account: http://localhost:5000
	@$(BIN)/elder-worker up --demo

fast: $(VENV)/test ## The tests that need no peer and no process, in under a minute: after every change
	$(BIN)/pytest -q -n $(SIDE_BY_SIDE) -m fast $(PYTEST)

test: $(VENV)/test peers ## The whole suite
	@$(BIN)/python -m compileall -q api providers supervisor tests worker # once, and not in each of the thousand processes that it starts
	$(BIN)/pytest -q --dist loadfile -n $(SIDE_BY_SIDE) $(PYTEST)

check: $(VENV)/test ## Format, lint, types, import arrows, generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_house.py tests/docs/test_docs_generated.py

format: $(VENV)/test ## Formats the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

generated: $(VENV)/test ## Writes the files that are made from the code: settings, .env.example, types, manual page
	@$(BIN)/python tests/docs/generated.py

screenshots: $(VENV)/test ## Takes the screenshots in docs/images anew, from an inventory that a test stores
	ELDER_DOCS_IMAGES=docs/images $(BIN)/pytest -q tests/docs/test_docs_screenshots.py

site: $(VENV)/test ## The documentation as a site in ./site; a link that leads nowhere is an error
	$(BIN)/python deploy/site.py

lock: $(VENV)/test ## Pins what goes into the image, with hashes: deploy/requirements.lock
	printf 'setuptools>=70.1\n' | $(BIN)/uv pip compile -q setup.cfg - --extra all --extra oidc --extra otel --extra vault --extra psycopg2 --universal --python-version 3.11 \
		--generate-hashes --no-annotate --no-emit-index-url --custom-compile-command "make lock" -o deploy/requirements.lock $(LOCK)

dist: $(VENV)/test ## The release of this commit: wheel, source distribution and checksums in dist/
	@$(BIN)/python deploy/release.py $(SNAPSHOT)

image: ## The image of this commit, by Podman: the same bytes wherever and whenever it is built
	@deploy/build-image $(IMAGE)

sbom: $(VENV)/test ## What goes into the image with which hashes, as CycloneDX: dist/sbom.json
	@mkdir -p dist
	@$(BIN)/cyclonedx-py requirements deploy/requirements.lock --output-reproducible --validate --of JSON -o dist/sbom.json

# Where a mirror stands in for PyPI, it has packages and no advisories: then pip-audit finds nothing and is content. So one is asked for first,
# and --strict fails for a package that could not be audited.
audit: $(VENV)/test ## Known advisories against what goes into the image; where nobody can be asked, it says so
	@if $(BIN)/python deploy/advisories.py deploy/requirements.lock; then \
		$(BIN)/uv tool run --from 'pip-audit>=2.7,<3' pip-audit --strict --requirement deploy/requirements.lock --require-hashes --disable-pip; \
	fi

bench: $(VENV)/test ## Our numbers beside the limits and beside the alternatives
	$(BIN)/python -m bench

soak: $(VENV)/test peers ## The long runs, an hour or more: one table, each figure beside its bar
	$(BIN)/python -m bench.soak $(SOAK)

chaos: $(VENV)/test ## Kills, stops, restarts and cuts for MINUTES (30), then compares every stored row with its source
	$(BIN)/python -m bench.chaos --minutes $(or $(MINUTES),30) $(CHAOS)

dashboards: $(VENV)/test peers ## Chaos for three minutes with a Prometheus beside it, then every query of the dashboards with what it has scraped
	$(BIN)/python -m bench.chaos --watched --minutes $(or $(MINUTES),3) --jobs 40 --resources 200 $(CHAOS)

capacity: $(VENV)/test ## Ten thousand accounts, each due once an hour: runs a second, claims, pages
	$(BIN)/python -m bench.capacity

peers: ## As root: the Debian packages of the peers that tests run against
	@if [ "$$(id -u)" = 0 ]; then deploy/install-peers; else echo "not root: tests whose peer is not installed are skipped"; fi

clean: ## Removes what this makefile made
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache build *.egg-info

$(VENV)/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -q && apt-get install -yq python3-venv; } \
		|| { echo "the module venv is missing: apt-get install python3-venv"; exit 1; }
	@echo "making a Python environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -q --disable-pip-version-check uv

# uv installs in a third of pip's time. It does not read pip's configuration: where only that knows the way to an index, pip installs.
INSTALL = @$(BIN)/uv pip install -q $(2) --python $(BIN)/python -e '.[$(1)]' 2>$(VENV)/uv.log || $(BIN)/pip install -q -e '.[$(1)]'

$(VENV)/demo: setup.cfg $(VENV)/bin/uv
	@echo "installing the packages of the demo into $(VENV): about a minute, and once only"
	$(call INSTALL,demo)
	@touch $@

$(VENV)/test: setup.cfg $(VENV)/bin/uv
	@echo "installing the packages of tests and checks into $(VENV): about a minute, and once only"
	$(call INSTALL,test$(comma)check,--compile-bytecode) # or each of the thousand processes that the tests start compiles its packages anew
	@touch $@ $(VENV)/demo
