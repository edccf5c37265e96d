# Business Central contacts to iPaaS.com customers. `make` lists what can be done.
#
# run and test need Go and make only. Everything else installs its pinned tools into .tools/ of this checkout.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

# The processor that build is for: arm64 or x86_64. Local runs need the one of this machine.
ARCH ?= arm64

# How functions are built, wherever: no paths of this machine, no parts of aws-lambda-go that only the old runtime
# needs, no symbols. A test reads this line.
FUNCTION_GOFLAGS := -trimpath -buildvcs=false -tags=lambda.norpc "-ldflags=-s -w"

TOOLS := .tools/bin
export SAM_CLI_TELEMETRY := 0

.PHONY: help run test check lint race bench bench-docs bench-full browser torture fuzz build deploy local verify conformance rehearse reproducible sbom clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## transfer a demo company between two simulators, twice, and show the outcome (ARGS=... for flags)
	@go run ./cmd/contactsync sandbox $(ARGS)

test: ## run every test that needs only Go (RUN=name for one test)
	go test $(if $(RUN),-run '$(RUN)') ./...

check: lint ## check format, vet and linter rules; changes no file
	@files=$$(git ls-files -co --exclude-standard '*.go' | xargs -r gofmt -l); \
	if [[ -n $$files ]]; then echo "not formatted (gofmt -w):"; echo "$$files"; exit 1; fi
	go vet ./...

lint:
	@scripts/tools golangci-lint
	$(TOOLS)/golangci-lint run

race: ## run the tests with the race detector, in random order (needs a C compiler)
	CGO_ENABLED=1 go test -race -shuffle=on $(if $(RUN),-run '$(RUN)') ./...

bench: ## measure speed, memory and cost against the floor, in less than ten minutes (ARGS=-only=rate for parts)
	scripts/bench $(ARGS)

bench-full: ## the same with longer runs
	scripts/bench -full $(ARGS)

bench-docs: ## measure, and rewrite the measured parts and the charts of docs/performance.md
	scripts/bench -write $(ARGS)

conformance: ## hold the DynamoDB store to the suite of all stores, and the command on a stack, on a local stand-in for AWS
	scripts/moto run go test -count=1 ./shared/status/dynamostore/...
	scripts/moto run go test -count=1 -run 'Stack' ./cmd/contactsync/...

torture: ## try to break the guarantees: kills, faults, random days, load; ends with one table (needs python3)
	scripts/torture

browser: ## work through the operator's page in Chromium (RUN=name for some, SCREENSHOTS=1 for new pictures)
	scripts/browser

fuzz: ## run every fuzz target for a minute each (FUZZTIME=20s, RUN=pattern for some)
	FUZZTIME='$(or $(FUZZTIME),1m)' RUN='$(RUN)' scripts/fuzz

build: ## build both functions with SAM into .aws-sam/ (ARCH=arm64 or x86_64, or ENV=dev for that of an environment)
	@scripts/tools sam
	CGO_ENABLED=0 GOFLAGS='$(FUNCTION_GOFLAGS)' $(TOOLS)/sam build $(if $(ENV),--config-env $(ENV),--parameter-overrides Architecture=$(ARCH))

deploy: ## build, deploy to ENV=dev, staging or production of samconfig.toml, then check the prerequisites
	scripts/deploy $(ENV)

local: ## build, then invoke the functions in containers against a stand-in for AWS and both simulators
	scripts/sam-local

verify: ## check the template and what AWS makes of it: cfn-lint, sam validate, checkov, tests
	scripts/verify

rehearse: ## deploy to a stand-in for AWS: make the stack, run the functions against it, update it, remove it
	scripts/rehearse

reproducible: ## build both functions twice, in folders of different names, and compare the bytes
	scripts/reproducible

sbom: ## write what the functions and the command are made of to build/*.cdx.json (CycloneDX)
	scripts/sbom

clean: ## remove what was built and the sandbox; keeps .tools/
	rm -rf .aws-sam bin build coverage.out .sandbox
