# "make" builds bkt, "make test" runs the tests, "make help" lists all targets.

GO ?= go
# With this tag, containers/image does not need cgo.
TAGS := containers_image_openpgp
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
COMMIT ?= $(shell git rev-parse HEAD 2>/dev/null)
DATE ?= $(shell TZ=UTC0 git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd 2>/dev/null)
# The address of the page of all releases, for generated files and hints. Empty: there is none.
RELEASES_URL ?=
LDFLAGS := -s -w $(foreach name,release=$(VERSION) commit=$(COMMIT) date=$(DATE) releasesURL=$(RELEASES_URL),-X bkt/internal/version.$(name))
FUZZTIME ?= 60s
prefix ?= /usr/local
bindir ?= $(prefix)/bin
# The folder for the programs.
BIN ?= bin

export CGO_ENABLED := 0
# Without the checkout's path in what is compiled, all checkouts share Go's cache.
export GOFLAGS := $(shell $(GO) env GOFLAGS) -trimpath

.PHONY: build
build: ## build bkt and bkt-engine into $(BIN)/
	@mkdir -p $(BIN)
	$(GO) build -tags $(TAGS) -ldflags "$(LDFLAGS)" -o $(BIN)/ ./cmd/bkt ./cmd/bkt-engine

.PHONY: install
install: build ## install the programs, completions, units and documents below $(prefix)
	DESTDIR="$(DESTDIR)" bindir="$(bindir)" scripts/install.sh "$(prefix)" $(BIN)

.PHONY: release
release: ## make the files of the release VERSION in dist/
	scripts/release.sh "$(VERSION)"

# For platforms of other architectures, the machine needs an emulator (qemu-user-static).
.PHONY: release-image
release-image: BKT ?= bin/bkt
release-image: ## build an image with bkt from the RPMs in dist/, with bkt
	@$(BKT) -C packaging/image build system --build-context packages=$(CURDIR)/dist $(IMAGE_FLAGS)

.PHONY: setup
setup: ## install what the tests need
	scripts/setup.sh

.PHONY: demo
demo: build ## build the toolbox image of this repository, without a network
	scripts/setup.sh demo
	scripts/demo.sh

# Tests run bkt, its engine, a package server, and an init for small images.
.PHONY: programs
programs: build ## build the programs that the tests run into bin/
	$(GO) build -tags $(TAGS) -o bin/ ./cmd/bkt-engine/testdata/init
	$(GO) build -C scripts -o ../bin/ ./serve

# A missing tool is a failure, not a skipped test. "make check" has already run vet.
# Many tests mostly wait, so three packages run at once on any machine, the longest first.
.PHONY: test
test: export BKT_REQUIRE_TOOLS := 1
test: export BKT_TEST_PROGRAMS := $(CURDIR)/bin
test: setup check programs ## check the code, and run every test except the slowest
	scripts/offline.sh variants
	scripts/offline.sh appimage
	scripts/offline.sh distrobox
	scripts/vscode.sh
	if [ -n "$$BKT_TEST_FULL" ]; then scripts/npm.sh nushell cmd/bkt/testdata/nushell && scripts/offline.sh desktop; fi
	$(GO) test -vet=off -tags $(TAGS) -timeout 30m -p 3 -parallel 4 $(TESTFLAGS) ./e2e/... ./...
	$(GO) test -C scripts -vet=off $(TESTFLAGS) ./...

# A desktop of real programs is captured, broken and restored.
.PHONY: test-restore
test-restore: export BKT_REQUIRE_TOOLS := 1
test-restore: export BKT_TEST_FULL := 1
test-restore: export BKT_TEST_PROGRAMS := $(CURDIR)/bin
test-restore: setup programs ## restore a desktop with items of all domains
	scripts/offline.sh variants
	scripts/offline.sh appimage
	scripts/offline.sh distrobox
	$(GO) test -vet=off -tags $(TAGS) -count=1 $(TESTFLAGS) ./cmd/bkt -run 'TestTier2/^(stand-ins|real)$$/^(restore|budgets)$$'
	$(GO) test -vet=off -tags $(TAGS) -count=1 $(TESTFLAGS) ./e2e/containers -run 'TestContainers/1.8/^restore$$'

# docs/testing.md lists what only this target runs.
.PHONY: test-full
test-full: export BKT_TEST_FULL := 1
test-full: deadcode test ## find dead code, check the code, and run every test

.PHONY: test-merge
test-merge: export BKT_TEST_FULL := 1
test-merge: export BKT_REQUIRE_TOOLS := 1
test-merge: export BKT_TEST_PROGRAMS := $(CURDIR)/bin
test-merge: programs ## have git merge 500 pairs of random edits, and print how many conflict
	$(GO) test -tags $(TAGS) -v -run '^TestMerge$$' ./e2e/git

.PHONY: check
check: build ## check code, licences, our own Containerfiles and workflows
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -d $$(git ls-files '*.go'); exit 1; }
	$(GO) build ./...
	$(GO) vet ./...
	$(GO) vet -tags $(TAGS) ./...
	$(GO) vet -C scripts ./...
	$(GO) tool staticcheck -tags $(TAGS) ./...
	@GO=$(GO) scripts/vulncheck.sh
	$(GO) run -C scripts ./notices --check ../THIRD_PARTY_NOTICES
	bin/bkt containerfile check
	bin/bkt -C packaging/image containerfile check
	$(GO) build -C scripts -o ../bin/ github.com/rhysd/actionlint/cmd/actionlint
	bin/actionlint .github/workflows/*.yml
	@rm -rf bin/new && bin/bkt -q init bin/new && git init -q bin/new
	cd bin/new && ../actionlint # actionlint finds the repository's actions by .git
	@rm -rf bin/new

.PHONY: notices
notices: ## rewrite THIRD_PARTY_NOTICES from the linked modules
	$(GO) run -C scripts ./notices ../THIRD_PARTY_NOTICES

# A function that only tests call is dead code: tests must test what the programs run.
.PHONY: deadcode
deadcode: ## find functions that neither program calls
	@found=$$($(GO) tool deadcode -tags $(TAGS) ./cmd/bkt ./cmd/bkt-engine) || exit; \
		test -z "$$found" || { echo "$$found"; exit 1; }

# Uses the Makefile of a new repository, which documents BKT and BKT_FLAGS.
.PHONY: test-schemas
test-schemas: ## print how well a capture of settings tells wishes from state
	@out=$$($(GO) test -tags $(TAGS) -count=1 -v -run '^TestSchemas$$' ./internal/gsettings) || { echo "$$out"; exit 1; }; \
		echo "$$out" | sed -n 's/^ *[a-z_]*\.go:[0-9]*: //p'

.PHONY: ci
ci: export BKT ?= bin/bkt
ci: build ## check, build and test our own images, as in a new repository
	@rm -rf bin/ci && bin/bkt -q init bin/ci
	$(MAKE) -f bin/ci/Makefile ci

.PHONY: summary
summary: ## print the results of "make ci" as Markdown
	@$(MAKE) -s -f bin/ci/Makefile summary

.PHONY: fuzz
fuzz: ## run each fuzz test for FUZZTIME
	@for file in $$(git grep -l '^func Fuzz' -- '*_test.go'); do \
		for name in $$(sed -n 's/^func \(Fuzz[A-Za-z]*\)(.*/\1/p' "$$file"); do \
			echo "$$name ($$file)"; \
			$(GO) test -tags $(TAGS) -run NONE -fuzz "^$$name$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x "./$$(dirname "$$file")" || exit; \
		done; \
	done

.PHONY: bench
bench: build ## run the benchmarks of docs/performance.md, or those in PARTS
	scripts/setup.sh bench
	scripts/bench.sh $(PARTS)

.PHONY: update
update: ## rewrite the expected output of the tests
	$(GO) test ./gen ./internal/manifest ./internal/schema -update
	$(GO) test ./cmd/bkt -run 'TestScript|TestOutputSchema' -update

.PHONY: clean
clean: ## remove the built files
	rm -rf bin build dist

.PHONY: help
help: ## list all targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10
