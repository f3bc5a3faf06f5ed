# Every step of CI is a target here. None needs Docker.

GO       ?= go
BIN      := $(CURDIR)/.cache/bin
LINT     := $(BIN)/golangci-lint
LINT_VERSION := v2.15.0
TEST_TIMEOUT ?= 40m
# Packages whose tests start servers share two cores: two at once is the fastest.
TEST_PARALLEL ?= 2
# The race detector needs a C compiler anyway, so the stand-in's SQL parser is C
# too: as WebAssembly it takes, watched, half a minute to start in each of eight packages.
RACE     := -race -tags pgquery_cgo

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/pg2db9
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/pg2db9 ./cmd/pg2db9

.PHONY: db9sim
db9sim: ## Build bin/db9sim, the stand-in for DB9 (docs/db9sim.md)
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/db9sim ./cmd/db9sim

.PHONY: demo
demo: ## Get a PostgreSQL, migrate a sample database to a stand-in for DB9, verify it, show the report
	$(GO) run ./internal/demo

# The URL may hold a password: it goes by the environment, not by arguments.
.PHONY: rehearse
rehearse: export PG2DB9_SOURCE := $(or $(SOURCE),$(PG2DB9_SOURCE))
rehearse: ## Clone SOURCE=URL to a stand-in for DB9 that is thrown away (KEEP=1 keeps it until Ctrl-C)
	@$(GO) run ./internal/demo --rehearse $(if $(KEEP),--keep)

# Collecting garbage takes a fifth of a test's own time under the race detector:
# seldom is enough. (No test bounds memory there.)
.PHONY: test
test: export GOGC := $(or $(GOGC),400)
test: ## Run everything under the race detector; gets the PostgreSQL versions it needs
	$(GO) test $(RACE) -timeout $(TEST_TIMEOUT) -p $(TEST_PARALLEL) ./...

.PHONY: test-majors
test-majors: ## Read every kind of object from each of PostgreSQL 13 to 18 (make test takes the oldest and the newest)
	PG2DB9_MAJORS_ALL=1 $(GO) test $(RACE) -timeout $(TEST_TIMEOUT) ./catalog

.PHONY: unit
unit: ## Run the tests that need no PostgreSQL
	PGTEST_OFF=1 $(GO) test -short ./...

.PHONY: test-corpora
test-corpora: ## Assess, plan and clone every schema of ../shared/corpora under both profiles, and compare
	PG2DB9_CORPORA_ALL=1 $(GO) test -v -timeout 60m ./internal/corpora

.PHONY: chaos
chaos: ## Clone among accidents in SEEDS=400 seeded runs of real processes and servers (SEED=first LANES=3 STOP=1)
	CHAOS_SEEDS=$(or $(SEEDS),400) CHAOS_SEED=$(or $(SEED),0) CHAOS_LANES=$(or $(LANES),3) CHAOS_STOP=$(STOP) \
		$(GO) test -v -tags pgquery_cgo -parallel $(or $(LANES),3) -timeout 5h -run 'TestChaos$$' ./internal/chaos

.PHONY: chaos-copier
chaos-copier: ## Copy through the stand-in with a fault in each of RUNS=200 seeded runs, and for a minute with passwords that expire
	CHAOS_RUNS=$(or $(RUNS),200) $(GO) test -timeout 60m -run TestChaos ./copier
	RUN_SECONDS=60 $(GO) test -timeout 10m -run TestPasswordThatExpires ./internal/cli

.PHONY: chaos-kill
chaos-kill: ## Kill a clone of MB=10000 megabytes three times, continue it elsewhere, and count the bytes sent
	PGTEST_DISK=1 CHAOS_MB=$(or $(MB),10000) $(GO) test -v -tags pgquery_cgo -timeout 10h -run TestR1KilledThreeTimes ./internal/chaos

.PHONY: chaos-week
chaos-week: ## Clone over a far link for a simulated week (HOURS=168, an hour in SECONDS=10), with tokens of ten minutes and a restart an hour
	CHAOS_HOURS=$(or $(HOURS),168) CHAOS_HOUR_SECONDS=$(or $(SECONDS),10) $(GO) test -v -tags pgquery_cgo -timeout 5h -run TestWeek ./internal/chaos

.PHONY: test-simulated
test-simulated: ## Clone through the stand-in: every database, every set of rules, each rule by itself
	PG2DB9_SIMULATED_ALL=1 $(GO) test -v -timeout 60m ./internal/simtest

.PHONY: scan-large
scan-large: ## Plant a row of each kind in MB=5000 megabytes, and find each in 64 MiB of memory (docs/performance.md)
	PGTEST_DISK=1 SCAN_LARGE_MB=$(or $(MB),5000) $(GO) test -v -timeout 60m -run TestLarge ./internal/scan

.PHONY: huge-rows
huge-rows: ## Copy two rows of MB=500 megabytes among others, by 16 jobs to a target that stalls, and bound the memory
	PGTEST_DISK=1 HUGE_ROW_MB=$(or $(MB),500) $(GO) test -v -timeout 30m -run TestC18HugeRows ./copier

.PHONY: damage
damage: ## Damage a copy in every way that is known, and write others harmlessly; print what verify says of each (SEED=1)
	DAMAGE_ALL=1 DAMAGE_SEED=$(or $(SEED),1) $(GO) test -v -count=1 -tags pgquery_cgo -timeout 30m -run TestDamage ./internal/damage

.PHONY: damage-property
damage-property: ## Hold verify against a typed comparison in SQL in CASES=10000 random tables of each profile (SEED=1)
	DAMAGE_CASES=$(or $(CASES),10000) DAMAGE_SEED=$(or $(SEED),1) $(GO) test -v -count=1 -tags pgquery_cgo -timeout 60m -run TestProperty ./internal/damage

.PHONY: verify-huge
verify-huge: ## Find and repair a row of MB=500 megabytes that differs, among others, and bound the memory
	PGTEST_DISK=1 HUGE_ROW_MB=$(or $(MB),500) $(GO) test -v -count=1 -timeout 30m -run 'TestY12HugeRows|TestY12Y15Repair' ./verify ./copier

.PHONY: verify-large
verify-large: ## Find three differences among ROWS=100000000 narrow rows by 8 jobs, and bound the memory at 64 MiB
	PGTEST_DISK=1 PG2DB9_VERIFY_ROWS=$(or $(ROWS),100000000) $(GO) test -v -count=1 -timeout 3h -run 'TestY12ManyRows' ./verify

.PHONY: bench
bench: ## Run the Go benchmarks once each (ITERATIONS=10x for figures)
	$(GO) test -run xxx -bench . -benchtime $(or $(ITERATIONS),1x) ./...

.PHONY: bench-once
bench-once: ## Run the Go benchmarks that are quick, once each: generators, relay, digests, reading a catalog
	$(GO) test -run xxx -bench 'Rows|Relay|Row|Sum|Load$$' -benchtime 1x ./internal/bench/shape ./verify/digest ./catalog ./copier

.PHONY: bench-long
bench-long: ## Hold bench against staged limits, round trips and copies on paper, in its long form (half an hour)
	BENCH_LONG=1 $(GO) test -v -tags pgquery_cgo -timeout 90m -run 'Limit|C27|Foretold|Compared|Recommended' ./internal/bench/run

.PHONY: bench-peers
bench-peers: ## Time pg2db9 beside psql and pg_dump/pg_restore (docs/performance.md)
	$(GO) run ./internal/bench/peers

# PGCOPYDB names one pgcopydb or several, with : between them.
.PHONY: compare
compare: ## Time pg2db9 beside pg_dump and pgcopydb on every shape, and write docs/performance.md (CASES=a,505 MB=2630 ROUNDS=5 PAGE= RECORD=)
	$(GO) run ./internal/bench/peers -cases $(or $(CASES),compare) -mb $(or $(MB),2630) -rounds $(or $(ROUNDS),5) \
		-page $(or $(PAGE),docs/performance.md) -record $(or $(RECORD),$(if $(PAGE),$(PAGE).json,docs/compare.json))

.PHONY: lint
lint: $(LINT) ## Check style, imports and modules
	$(LINT) run ./...
	$(GO) mod tidy -diff

.PHONY: fmt
fmt: $(LINT) ## Format the code
	$(LINT) fmt ./...

# The go command keys its cache by version, so this is cheap once it is done.
$(LINT): Makefile
	GOBIN=$(BIN) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	@touch $@

.PHONY: pg
pg: ## Install PostgreSQL majors into .cache (VERSIONS="13 18")
	$(GO) run ./internal/pgtest/cmd/pg install $(or $(VERSIONS),13 14 15 16 17 18)

.PHONY: cover
cover: ## Write coverage.out and show the total
	$(GO) test -coverprofile coverage.out -coverpkg ./... ./...
	$(GO) tool cover -func coverage.out | tail -n 1

.PHONY: clean
clean: ## Remove what was built, and the cache
	rm -rf bin .cache coverage.out
