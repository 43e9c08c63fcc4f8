# Every target installs what it needs first (scripts/setup.sh) and fails when a step of it fails.
# One configuration everywhere, so that nothing is built twice: release, and tests without @testable.

PREFIX ?= /usr/local
SWIFT_SOURCES := Package.swift Sources frontends passes backends Tests
BUILD := swift build -c release
TEST := swift test -c release --disable-testable-imports

SECONDS ?= 1800

.PHONY: demo test conformance arm fuzz asan bench docs format lint check-imports install clean help setup build

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20

demo: build ## compile a LeNet-5 for all three backends, compare them, and print what each costs
	scripts/demo.sh

test: setup ## all tests; those against onnxruntime too, where Python and the network allow
	$(TEST)
	@scripts/cross-check.sh

conformance: build ## the backend suite of the onnx package, by operator; fails when a listed case passes no more
	scripts/conformance.sh

arm: ## the C kernels on AArch64 under qemu: every level against the portable one, exact results against this machine's
	scripts/arm.sh

fuzz: setup ## libFuzzer with the address sanitizer over the importer and the text parser, SECONDS each (1800)
	scripts/fuzz.sh $(SECONDS)

asan: setup ## the import tests under the address sanitizer
	swift test --disable-xctest --sanitize address --scratch-path .build-asan --filter OnnxFrontendTests

bench: build ## measure speed
	benchmarks/run.sh

docs: build ## articles and reference as static pages in .build/docs
	scripts/docs.sh .build/docs

format: ## rewrite the Swift sources in the house style
	swift format --in-place --parallel --recursive $(SWIFT_SOURCES)

lint: ## fail where the Swift sources are not in the house style
	swift format lint --strict --parallel --recursive $(SWIFT_SOURCES)

check-imports: setup ## fail where a target imports what it does not declare: no plug-in imports another
	$(BUILD) --build-tests --explicit-target-dependency-import-check error

install: setup ## a bitline that needs no Swift on the machine, and its hardware files, under PREFIX (/usr/local)
	$(BUILD) --product bitline --static-swift-stdlib --scratch-path .build-static
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(PREFIX)/share/bitline/hardware"
	install -m 755 .build-static/release/bitline "$(DESTDIR)$(PREFIX)/bin/bitline"
	install -m 644 hardware/*.yaml "$(DESTDIR)$(PREFIX)/share/bitline/hardware"

clean: ## remove what was built
	rm -rf .build/release .build/debug .build/*-*-* .build-static out

build: setup
	$(BUILD) --product bitline

setup:
	@scripts/setup.sh
