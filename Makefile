# Waybill. `make help` lists the targets.
SHELL := /bin/bash
GO    ?= go
# -race needs cgo and a C compiler: used where both are present, said where not.
RACE  := $(shell if [ "$$($(GO) env CGO_ENABLED)" = 1 ] && command -v $$($(GO) env CC) >/dev/null 2>&1; then echo -race; fi)
TARGET ?= nats
TARGETS ?= nats kafka rabbitmq
ARGS   ?=
PKGS   := ./...

.PHONY: help deps build provision test verify test-target plots planted mutants porcupine growth soak statistics bench lint fmt clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

deps: ## install Java, Maven and PostgreSQL's programs where that is possible, otherwise say how
	@scripts/deps

build: ## bin/waybill
	$(GO) build -o bin/waybill .

provision: deps build ## fetch what brokers need, ahead of runs and tests: make provision TARGETS='kafka rabbitmq'
	bin/waybill provision $(TARGETS)

test: deps build ## all the code, one lab of each kind, few kills: half an hour on two cores
	@[ -n "$(RACE)" ] || echo "no C compiler or cgo off: testing without -race"
	$(GO) test $(RACE) -timeout 20m $(PKGS)

verify: build lint ## everything else: more kills, fuzzing, real runs as root and as an ordinary user
	scripts/verify

test-target: deps build ## make test-target TARGET=kafka ARGS='--seed 7': the audit of one target, with JUnit in its run directory
	bin/waybill test --target $(TARGET) $(ARGS)

plots: deps build ## what each guarantee costs, of every target that can run here, audited: about two hours; make plots ARGS=--quick for a first look
	TARGETS='$(TARGETS)' ARGS='$(ARGS)' scripts/plots

planted: build ## which check catches which bug: a broker whose bugs are switches, about a quarter of an hour
	$(GO) run ./targets/planted/matrix -plants all -rate 5e-3

mutants: ## histories edited blindly, and clean ones in every combination of unknown outcomes, against the naive audit; a quarter of an hour
	WAYBILL_VERIFY=1 $(GO) test ./checkers -count=1 -v -timeout 60m \
		-run 'TestEveryMutation|TestNoOutcome|TestAMessageOfUnknown|TestTheAuditAgrees'

porcupine: ## the fast checks of linearizability against porcupine on 100,000 histories
	WAYBILL_HISTORIES=100000 $(GO) test ./checkers/linear -count=1 -v -run TestTheFastCheckAndPorcupineAgree

growth: ## time and memory of the audit from 10^5 to 10^8 messages, into docs: minutes, 5 GB of memory and one of disk for a while
	$(GO) run ./checkers/growth

soak: build ## the tour of nats over and over for ten minutes: memory and disk stay flat
	bin/waybill test --soak 10m

statistics: ## what the comparisons are worth, on a null target: 40 arms against themselves, a planted slowdown, a planted pause; a quarter of an hour
	WAYBILL_VERIFY=1 $(GO) test ./results/bench ./results/measure -count=1 -v -timeout 40m -run Planted

bench: ## benchmarks of the recorder, the reader and the audit
	$(GO) test -run '^$$' -bench . -benchmem ./harness/history ./checkers ./checkers/linear

lint: ## gofmt, go vet, staticcheck
	@unformatted=$$(gofmt -l .) && [ -z "$$unformatted" ] || { echo "not gofmt-ed: $$unformatted"; exit 1; }
	$(GO) vet $(PKGS)
	$(GO) tool staticcheck $(PKGS)

fmt: ## gofmt -w
	gofmt -w .

clean: ## remove bin and run directories
	rm -rf bin results/runs
