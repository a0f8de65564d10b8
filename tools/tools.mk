# Checks of the sources.
#   make check-layers   the floors of docs/architecture.md (part of make check)    make check-clang   clang, the same flags
#   make compile_commands.json   how each file is compiled, for editors and clang tools
#   make lint           gcc's analyzer, clang-tidy (.clang-tidy) and cppcheck       make coverage      gcovr, with thresholds
#   make check-comments   no comment is a fragment (part of make check)
#   make operations    docs/operations.md, the list of operations; make check-operations fails where it is stale (part of make check)
CHECK_EXTRA += check-layers check-comments check-operations
.PHONY: operations check-operations check-layers check-comments check-clang lint lint-gcc lint-tidy lint-cppcheck coverage coverage-report
check-layers:
	@tools/check-layers.sh

check-comments:
	@tools/check-comments.sh

operations:
	@tools/make-operations.py

check-operations:
	@if command -v python3 >/dev/null; then tools/make-operations.py --check; else echo "skipped: check-operations (no python3 here)"; fi

check-clang:
	@tools/install-dependencies.sh build clang
	@+$(MAKE) $(JOBS) --no-print-directory CC=clang BUILD=$(BUILD)/clang LIB=$(BUILD)/clang/lib all
	@echo "check-clang: the library and the examples build without a warning"

# Made anew each time: what it says depends on the flags.
.PHONY: compile_commands.json
compile_commands.json:
	@+$(MAKE) --no-print-directory -Bn V=1 lib examples test-programs | tools/compile-commands.py >$@
	@echo "$@: $$(grep -c '"file"' $@) files"

# ---- make lint ----
LINT_BUILD := $(BUILD)/lint
LINTED = $(SOURCES) $(wildcard cli/*.c examples/*/*.c examples/common/*/*.c) $(if $(HAVE_IMAGE),$(IMAGE_SOURCES)) $(if $(HAVE_ONNX),$(ONNX_SOURCES))
lint: lint-gcc lint-tidy lint-cppcheck
	@echo "lint: gcc -fanalyzer, clang-tidy and cppcheck find nothing"

# It follows no vector that is written lane by lane; clang's analyzer and valgrind do.
LINT_GCC := -Wno-analyzer-use-of-uninitialized-value
lint-gcc:
	@tools/install-dependencies.sh build
	@+$(MAKE) $(JOBS) --no-print-directory BUILD=$(LINT_BUILD) LIB=$(LINT_BUILD)/lib CPPFLAGS=$(call quoted,$(CPPFLAGS) -DCNN__LINT) \
		CFLAGS="-O1 -g -fanalyzer $(LINT_GCC)" all

# The files of simd/ are looked at as they are compiled for the widest set of this machine's.
LINT_ISA := $(lastword $(ISAS))
lint-tidy:
	@tools/install-dependencies.sh build clang lint
	@printf '%s\n' $(LINTED) | xargs -P $(CPUS) -n 4 sh -c 'clang-tidy --quiet "$$@" -- $(STRICT) -DCNN__LINT -Iinclude -Isrc -Iexamples \
		$(if $(HAVE_ZLIB),-DCNN_HAVE_ZLIB)' tidy
	@printf '%s\n' $(SIMD) | xargs -P $(CPUS) -n 2 sh -c 'clang-tidy --quiet "$$@" -- $(STRICT) -DCNN__LINT -Iinclude -Isrc \
		-DCNN__ISA=$(LINT_ISA) $(ISA_$(LINT_ISA))' tidy

lint-cppcheck:
	@tools/install-dependencies.sh lint
	@cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability --inline-suppr \
		--suppressions-list=tools/cppcheck.suppressions -j $(CPUS) -DCNN_HAVE_ZLIB -DCNN__ISA=$(LINT_ISA) $(filter -D%,$(ISA_$(LINT_ISA))) \
		-Iinclude -Isrc -Iexamples src examples image onnx

# ---- make coverage ----
# Every branch of the readers of strangers' files, nearly every line of the rest.
COVERAGE_LINES ?= 90
COVERAGE_FILE_BRANCHES ?= 100
COVERAGE_BUILD := $(BUILD)/coverage
COVERAGE_MAKE = $(MAKE) $(JOBS) --no-print-directory BUILD=$(COVERAGE_BUILD) LIB=$(COVERAGE_BUILD)/lib HARDEN= \
	CFLAGS="-O0 -g --coverage -fprofile-update=atomic" LDFLAGS=--coverage
GCOVR = gcovr --root . --object-directory $(COVERAGE_BUILD)/src --exclude-unreachable-branches --exclude-throw-branches
coverage:
	@tools/install-dependencies.sh build test image coverage
	@+$(COVERAGE_MAKE) test-programs
	@find $(COVERAGE_BUILD) -name '*.gcda' -delete
	@+CNN_TEST_SHAPES=5 CK_TIMEOUT_MULTIPLIER=20 tests/count.sh $(COVERAGE_BUILD)/tests/results $(COVERAGE_MAKE) -k check-programs $(COVERAGE_EXTRA)
	@+$(MAKE) --no-print-directory coverage-report
coverage-report:
	@mkdir -p $(COVERAGE_BUILD)/html
	@echo "Branches of src/io and of the IDX reader:"
	@$(GCOVR) --filter src/io/ --filter src/data/idx.c --branches --fail-under-branch $(COVERAGE_FILE_BRANCHES)
	@echo "Lines of src/:"
	@$(GCOVR) --filter src/ --html-details $(COVERAGE_BUILD)/html/index.html --fail-under-line $(COVERAGE_LINES) --print-summary --txt $(COVERAGE_BUILD)/lines.txt
	@echo "coverage: in detail in $(COVERAGE_BUILD)/html/index.html"

# ---- the layout of C, and the hosted checks ----
.PHONY: format check-format check-workflows
format:
	@tools/install-dependencies.sh format
	@FORMAT=1 tools/check-format.sh

check-format:
	@tools/install-dependencies.sh format
	@tools/check-format.sh

check-workflows:
	@tools/install-dependencies.sh workflows
	@yamllint -d '{extends: default, rules: {line-length: {max: 140}, document-start: disable, truthy: {check-keys: false}, braces: {max-spaces-inside: 1}}}' \
		.github/workflows/*.yml .pre-commit-config.yaml
	@echo "check-workflows: yamllint finds nothing"
