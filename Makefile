# Every target works in a clean clone: it first puts on the machine what it needs itself.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The environment: one Pulumi.<STACK>.yaml.
STACK ?= dev
# The site that is evaluated: an inventory, see evaluation/samples/.
SITE ?= evaluation/samples/medium.yaml

ON := . toolchain/activate &&
OPERATE = $(ON) exec python -m operations
FILES := git ls-files --cached --others --exclude-standard
SCRIPTS := $(FILES) -z | xargs -0 awk 'FNR == 1 && /^\#!.*[\/ ](ba|da)?sh$$/ { print FILENAME } FNR > 1 { nextfile }'

##@ Run
.PHONY: up status logs shell preview refresh down destroy prune gc
up: all ## Build all images and bring the platform up, or up to date
	@$(OPERATE) up --stack $(STACK)
status: python pulumi ## Show each part: desired, running, healthy, image, endpoint
	@$(OPERATE) status --stack $(STACK)
logs: python ## Show what a part wrote: make logs PART=web SINCE=10m FOLLOW=1
	@$(OPERATE) logs --stack $(STACK) $(if $(SINCE),--since $(SINCE)) $(if $(FOLLOW),--follow) $(PART)
shell: python ## Open a shell in a part's container: make shell PART=database
	@$(OPERATE) shell --stack $(STACK) $(PART)
preview: all ## Show what `up` would change: make preview STACK=dev
	@$(ON) python -m toolchain stack $(STACK) && exec pulumi preview --stack $(STACK)
refresh: all ## Read into Pulumi's state what was changed by hand
	@$(ON) exec pulumi refresh --stack $(STACK) --yes
down: python pulumi ## Stop the platform; its data stays
	@$(OPERATE) down --stack $(STACK)
destroy: python pulumi ## Remove the platform AND ITS DATA (FORCE=1 asks nothing)
	@$(OPERATE) destroy --stack $(STACK)
prune: python pulumi ## Remove what carries our labels and no environment stands for (asks; FORCE=1 says yes)
	@$(OPERATE) prune --stack $(STACK)
gc: python pulumi ## Take old images out of the registry: make gc KEEP=3
	@$(OPERATE) gc --stack $(STACK) $(if $(KEEP),--keep $(KEEP))

##@ Nodes
.PHONY: nodes drain activate
nodes: python ## Make one Swarm of the settings' nodes, and show them: make nodes STACK=swarm
	@$(OPERATE) nodes --stack $(STACK)
drain: python ## Take a node out of service: make drain NODE=node-2 STACK=swarm
	@$(OPERATE) drain --stack $(STACK) $(NODE)
activate: python ## Take it back, and wait until everything is whole
	@$(OPERATE) activate --stack $(STACK) $(NODE)

##@ Check
.PHONY: check budget test test-unit test-live test-nodes test-swarm test-swarm-kinds test-faults test-reality lint bench
check: python ## Say all that is wrong with a settings file: make check STACK=swarm
	@$(ON) exec python -m stacks.settings check Pulumi.$(STACK).yaml
budget: python ## Show how long an outage each fault may cause: make budget STACK=swarm
	@$(OPERATE) budget --stack $(STACK)
test: all ## Run all tests but those of whole clusters and of faults
	@$(ON) exec pytest -m "not cluster and not fault and not measured"
test-unit: python ## Run the tests that need no engine
	@$(ON) exec pytest -m "not live and not cluster and not measured"
test-live: all ## Run the tests on the engine of this machine
	@$(ON) exec pytest -m "live and not cluster and not fault"
test-nodes: all ## Run the tests of three machines, made as containers, and of their Swarm
	@$(ON) exec pytest -m "cluster and not fault"
test-swarm: all ## Run the whole platform on three machines, and see what its faults cost (1 h)
	@$(ON) pytest -m "cluster and fault and not kinds" && exec python -m tests.faults.report
test-swarm-kinds: all ## Run the same, in short, with MySQL and Ceph in their place (30 min)
	@$(ON) pytest -m kinds && exec python -m tests.faults.report
test-faults: all ## Run the tests of parts that have several members, and of their faults (1 h)
	@$(ON) exec pytest -m "fault and not cluster"
test-reality: all ## Compare what the evaluation predicts with what this machine does (quiet, 3 min)
	@$(ON) pytest -m measured && exec python -m tests.evaluation.reality
lint: lint-python lint-types lint-images lint-shell lint-yaml lint-repository ## Check style and types of everything
bench: all ## Measure, into build/bench.json
	@$(ON) exec python -m tests.bench

.PHONY: lint-python lint-types lint-images lint-shell lint-yaml lint-repository
lint-python: python
	@$(ON) ruff check && ruff format --check
lint-types: python
	@$(ON) mypy
lint-images: python
	@$(ON) $(FILES) '*Dockerfile*' ':!*.dockerignore' | xargs --no-run-if-empty hadolint
lint-shell: python
	@$(ON) $(SCRIPTS) | xargs --no-run-if-empty shellcheck --external-sources
lint-yaml: python
	@$(ON) yamllint --strict .
lint-repository: python
	@$(ON) pytest --quiet tests/test_repository.py

##@ Evaluate
.PHONY: evaluate
evaluate: python ## Say whether a cluster is worth it for a site: make evaluate SITE=my-site.yaml
	@$(ON) exec python -m evaluation assess $(SITE)

##@ Write
.PHONY: format snapshot schema
format: python ## Bring the Python code into shape
	@$(ON) ruff check --fix && ruff format
snapshot: python ## Write stacks/snapshots/ anew
	@$(ON) exec python -m tests.snapshot
schema: python ## Write the JSON Schemas of settings and inventories, and the settings' page, anew
	@$(ON) python -m stacks.settings schema && python -m stacks.settings docs && exec python -m evaluation schema

##@ Stages that put the toolchain on this machine
.PHONY: python pulumi engine rootfs all
python: ## Python packages
pulumi: ## Pulumi and its plugins
engine: ## Docker Engine, as a Swarm of one node
rootfs: ## Debian's root file system, as an image
all: ## All of them
python pulumi engine rootfs all:
	@toolchain/bootstrap $@

.PHONY: help
help:
	@awk -F ':.*## ' '/^##@/ { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
