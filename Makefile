# Everything starts here; `make help` lists it. Needs Node 20 or newer with npm; Node 26 comes with npm ci.

export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
INSTALLED := node_modules/.package-lock.json

.PHONY: help demo test check types lint format fast-tests fuzz torture \
  bench bench-regress bench-capacity bench-parts

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: $(INSTALLED) ## start the relay and an institute server, send real mail through it (ONCE=1: then end)
	@node demo/demo.ts

test: $(INSTALLED) check ## everything: check, then all tests
	@node test/run-tests.ts all

check: $(INSTALLED) types lint format fast-tests ## types, lint, format, fast tests

types: $(INSTALLED)
	@tsc -p .

lint: $(INSTALLED)
	@oxlint --quiet src bin test demo bench

format: $(INSTALLED)
	@oxfmt --check src bin test demo bench >/dev/null || \
	  { echo 'not formatted; run: npm run format:write' >&2; exit 1; }

fast-tests: $(INSTALLED)
	@node test/run-tests.ts fast

fuzz: $(INSTALLED) ## the property tests for longer (SECONDS=60 each, ONLY=replies for one target)
	@PFORTE_FUZZ_SECONDS=$(or $(SECONDS),60) PFORTE_ONLY='$(ONLY)' node test/run-tests.ts fuzz

torture: $(INSTALLED) ## the fault tests at length: every step fails, power cuts, 200 kills (PFORTE_SEED=n repeats)
	@PFORTE_TORTURE=1 node test/run-tests.ts faults

bench: $(INSTALLED) ## beside the relays this machine has; OPTIONS="--help" lists what else it can do
	@node bench/compare.ts $(OPTIONS)

bench-regress: $(INSTALLED) ## has a mail become dearer than the numbers kept in bench/regress.json?
	@node bench/regress.ts $(OPTIONS)

bench-capacity: $(INSTALLED) ## the tables of docs/capacity.md
	@node bench/capacity.ts $(OPTIONS)

bench-parts: $(INSTALLED) ## memory with large mails, cost of an event
	@node bench/large-mails.ts
	@node bench/telemetry.ts

$(INSTALLED): package.json package-lock.json
	@sh tools/check-machine.sh
	@npm ci --loglevel=error --no-fund --no-audit
	@sh tools/check-node.sh
	@touch $@
