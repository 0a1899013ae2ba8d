.DEFAULT_GOAL := help
.PHONY: help run build test test-deploy test-image test-sanitize soak fuzz lint format bench bench-quick bench-near bench-outage bench-cluster bench-floods bench-scrape bench-values micro clean tools

# Optimisation across modules pays on the hot path; see docs/performance.md. The flags stay out of Package.swift, so that tests keep every check.
RELEASE_FLAGS := -c release -Xswiftc -cross-module-optimization -Xswiftc -enforce-exclusivity=unchecked
SERVICE := .build/release/redis-caching-agent
# Swagger UI and ReDoc, fetched once. `DOCS_DIRECTORY` in the environment names another place.
DOCS_ASSETS := $(CURDIR)/.build/docs-assets

help: ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## build in release mode and serve on port 8080 (or PORT), on Redis where REDIS_URL is set
	@if [ -z "$$DOCS_DIRECTORY" ] && ./scripts/fetch-docs-assets "$(DOCS_ASSETS)"; then export DOCS_DIRECTORY="$(DOCS_ASSETS)"; fi; exec $(SERVICE)

build: ## build the program in release mode
	@echo "building (6 to 12 minutes the first time on two cores, seconds after that; the numbers in brackets show how far it is) ..."
	@swift build $(RELEASE_FLAGS) --product redis-caching-agent

tools: ## install what the tests and the benchmark need, where that is possible
	@./scripts/install-tools redis-server openssl prometheus chromium

test: tools ## build, then run every test
	@swift build --build-tests
	@./scripts/check-linkage
	@if command -v python3 >/dev/null; then python3 -m unittest discover -s bench/tests && python3 -m unittest discover -s Tests/Scripts; else echo "python3 is missing: the tests of the benchmark and the scripts are skipped"; fi
	@./scripts/test-swift
	@./scripts/test-end-to-end
	@./scripts/test-deploy

test-deploy: tools ## check every deploy file, the steps of a deployment and the smoke test (needs the debug build; part of test)
	@./scripts/test-deploy

test-image: ## build the program as the image has it and run it in a root of its own (about 5 minutes)
	@./scripts/test-image

soak: tools ## 200 random schedules of faults, 200 with leases and 200 of a cluster, then attacks on memory and 10 minutes of load, hostile clients and faults; FAULT_SCHEDULES, FAULT_SEED, SOAK_SECONDS choose others
	@./scripts/install-tools wrk
	@swift build --build-tests
	@FAULT_SCHEDULES=$${FAULT_SCHEDULES:-200} swift test --skip-build --filter FaultTests
	@swift build $(RELEASE_FLAGS) --product redis-caching-agent
	@python3 bench/memory.py --service $(SERVICE)
	@python3 bench/soak.py --service $(SERVICE) --seconds $${SOAK_SECONDS:-600}

# A few tests at once: each starts programs, and the sanitizers make them slow and large.
test-sanitize: tools ## run every test under the address sanitizer, then under the thread sanitizer (about 30 minutes)
	@SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=8 SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=3 \
	swift test --sanitize=address --scratch-path .build-asan
	@./scripts/test-threads

fuzz: ## fuzz every parser, a minute each; FUZZ_SECONDS and FUZZ_TARGETS choose others (the first build takes minutes)
	@./scripts/fuzz $${FUZZ_SECONDS:-60} $${FUZZ_TARGETS:-}

lint: ## check the format and style of every Swift file, and the dependencies of the modules
	@./scripts/check-modules
	@swift format lint --strict --configuration .swift-format --recursive Sources Tests bench Package.swift

format: ## format every Swift file
	@swift format --in-place --configuration .swift-format --recursive Sources Tests bench Package.swift

bench: ## measure the service beside its peers (about 35 minutes)
	@./scripts/install-tools redis-server nginx webdis wrk
	@CACHE_BENCHMARKS=1 swift build $(RELEASE_FLAGS)
	@python3 bench/bench.py --service $(SERVICE)
	@python3 bench/near.py --service $(SERVICE)
	@python3 bench/staleness.py --service $(SERVICE)
	@python3 bench/pushes.py --service $(SERVICE)

bench-near: ## measure what copies of reads give and cost, and how soon they end (about 7 minutes)
	@./scripts/install-tools redis-server wrk
	@swift build $(RELEASE_FLAGS) --product redis-caching-agent
	@python3 bench/near.py --service $(SERVICE)
	@python3 bench/staleness.py --service $(SERVICE)
	@python3 bench/pushes.py --service $(SERVICE)

bench-quick: ## the same with short runs
	@./scripts/install-tools redis-server nginx webdis wrk
	@CACHE_BENCHMARKS=1 swift build $(RELEASE_FLAGS)
	@python3 bench/bench.py --service $(SERVICE) --quick

bench-outage: ## measure what an outage of Redis costs its clients (about 5 minutes)
	@./scripts/install-tools redis-server wrk
	@swift build $(RELEASE_FLAGS) --product redis-caching-agent
	@python3 bench/outage.py --service $(SERVICE)

bench-cluster: ## measure what a Redis Cluster costs, and what moving slots and lost masters do to answers (about 12 minutes)
	@./scripts/install-tools redis-server wrk
	@swift build $(RELEASE_FLAGS) --product redis-caching-agent
	@python3 bench/cluster.py --service $(SERVICE)

bench-floods: ## measure what floods of HTTP/2 do to other clients and to memory (about 17 minutes)
	@swift build $(RELEASE_FLAGS) --product redis-caching-agent
	@python3 bench/floods.py --service $(SERVICE)

bench-scrape: ## measure what a scrape of /metrics costs (about 1 minute)
	@./scripts/install-tools wrk
	@swift build $(RELEASE_FLAGS) --product redis-caching-agent
	@python3 bench/scrape.py --service $(SERVICE)

bench-values: ## measure what values as resources, leases and tags cost and give (about 5 minutes)
	@./scripts/install-tools redis-server nginx wrk
	@swift build $(RELEASE_FLAGS) --product redis-caching-agent
	@python3 bench/values.py --service $(SERVICE)

micro: ## measure the parts: protocol, JSON, store, eviction
	@CACHE_BENCHMARKS=1 swift build $(RELEASE_FLAGS)
	@./bench/micro

clean: ## remove what was built
	@rm -rf .build .build-*
