# The other implementations of src/platform/. Each builds the library in a folder of its own and runs the tests of the rooms that
# the system can serve, with tests/cross/check.h in place of Check.
#   make check-none     without threads and files, on this machine
#   make check-wasm     the same as WebAssembly, in node
CHECK_LONG += check-none check-wasm
.PHONY: check-none check-wasm run-wasm

# Programs for node, which NODERAWFS lets read the fixtures. Linking with -O1 needs no optimiser of JavaScript.
EMCC ?= emcc
NODE ?= node
WASM_LINK := -O1 -s NODERAWFS=1 -s ALLOW_MEMORY_GROWTH=1 -s EXIT_RUNTIME=1
WASM_MAKE = $(MAKE) $(JOBS) --no-print-directory CC='$(EMCC)' AR=emar BUILD=$(BUILD)/wasm LIB=$(BUILD)/wasm/lib HAVE_ZLIB= HARDEN= \
	CFLAGS='-O2 -msimd128' CROSS_EXE=.js CROSS_LINK='$(WASM_LINK)'

NONE_TESTS := base math tensor kernels ops ops_battery autograd
# platform_tests,NAME,RUNNER,EXE: runs the programs in that folder, and names those that fail
platform_tests = @failed=; for test in $($(1)_TESTS); do \
		CNN_TEST_SHAPES=$(CROSS_SHAPES) $(2) $(BUILD)/$(3)/cross/test_$$test$(4) || failed="$$failed $$test"; \
	done; [ -z "$$failed" ] || { echo "check-$(3): failed:$$failed"; exit 1; }

check-none:
	@+$(MAKE) $(JOBS) --no-print-directory PLATFORM=none BUILD=$(BUILD)/none LIB=$(BUILD)/none/lib HAVE_ZLIB= cross-programs \
		CROSS_TESTS='$(NONE_TESTS)'
	$(call platform_tests,NONE,,none,)

WASM_TESTS := base math tensor kernels ops ops_battery autograd
check-wasm:
	@+if ! command -v $(EMCC) >/dev/null || ! command -v $(NODE) >/dev/null; then \
		echo "skipped: check-wasm needs emcc and node (Debian: emscripten, nodejs; tools/install-dependencies.sh wasm)"; \
	else $(WASM_MAKE) cross-programs CROSS_TESTS='$(WASM_TESTS)' && $(MAKE) --no-print-directory run-wasm; fi
run-wasm:
	$(call platform_tests,WASM,$(NODE) --no-experimental-fetch,wasm,.js)
