# The other implementations of src/platform/. Each builds the library in a folder of its own and runs the tests of the rooms that
# the system can serve, with tests/cross/check.h in place of Check.
#   make check-none     without threads and files, on this machine
#   make check-wasm     the same as WebAssembly, in node
#   make check-win32    for Windows with mingw-w64, under wine
#   make check-macos    on a Mac: the dylib, what it exports and a program that links it, too
CHECK_LONG += check-none check-wasm check-win32
.PHONY: check-none check-wasm run-wasm check-win32 run-win32 check-macos run-macos

# Programs for node, which NODERAWFS lets read the fixtures. Linking with -O1 needs no optimiser of JavaScript.
EMCC ?= emcc
NODE ?= node
WASM_LINK := -O1 -s NODERAWFS=1 -s ALLOW_MEMORY_GROWTH=1 -s EXIT_RUNTIME=1
WASM_MAKE = $(MAKE) $(JOBS) --no-print-directory CC='$(EMCC)' AR=emar BUILD=$(BUILD)/wasm LIB=$(BUILD)/wasm/lib HAVE_ZLIB= HARDEN= \
	CFLAGS='-O2 -msimd128' CROSS_EXE=.js CROSS_LINK='$(WASM_LINK)' CROSS_WARNINGS=

NONE_TESTS := base pool math tensor kernels ops ops_battery autograd
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

# Without its own idea of the home directory wine changes nothing outside of the build.
MINGW ?= x86_64-w64-mingw32
MINGW_CC ?= $(MINGW)-gcc
WINE ?= wine
# Not save, which is about links, FIFOs, modes and umasks.
WIN32_TESTS := base pool math tensor tensor_text shared_tensors random_tensors dlpack ops ops_battery autograd io io_failures json convert \
	safetensors partial_load file numpy numpy_refused checkpoint text
# Not autograd, whose deep graphs need more blocks than wine can map.
WIN32_DEVICE_TESTS := tensor ops ops_battery checkpoint safetensors
WIN32_MAKE = $(MAKE) $(JOBS) --no-print-directory CC='$(MINGW_CC)' AR=$(MINGW)-ar NM=$(MINGW)-nm BUILD=$(BUILD)/win32 LIB=$(BUILD)/win32/lib HAVE_ZLIB= \
	HARDEN= CROSS_EXE=.exe CROSS_LINK=-static
WIN32_RUN = WINEPREFIX=$(abspath $(BUILD)/win32/wine) WINEDEBUG=-all $(WINE)
check-win32:
	@+if ! command -v $(MINGW)-gcc >/dev/null || ! command -v $(WINE) >/dev/null; then \
		echo "skipped: check-win32 needs $(MINGW)-gcc and wine (Debian: gcc-mingw-w64-x86-64, wine; tools/install-dependencies.sh win32)"; \
	else $(WIN32_MAKE) lib cross-programs CROSS_TESTS='$(WIN32_TESTS)' && $(MAKE) --no-print-directory run-win32; fi
# And a program of somebody else's that links the DLL, which lies beside it. The test device is a DLL as well, which is found by
# CNN_BACKEND_PATH, and in the folder cnn-0 beside the library.
WIN32_LATE := $(BUILD)/win32/lib/cnn-0/cnn-late.dll
run-win32:
	@$(MINGW_CC) -std=c11 -Wall -D__USE_MINGW_ANSI_STDIO=1 -DCNN_USING_SHARED -Iinclude tests/install/client.c -o $(BUILD)/win32/lib/client.exe \
		-L$(BUILD)/win32/lib -lcnn
	@$(WIN32_RUN) $(BUILD)/win32/lib/client.exe $(BUILD)/win32/weights && echo "cnn.dll: a program trains, saves and loads with it"
	@mkdir -p $(dir $(WIN32_LATE))
	@$(MINGW_CC) -std=gnu11 -Wall -D__USE_MINGW_ANSI_STDIO=1 -O2 -Iinclude -shared -static tests/device/late.c -o $(WIN32_LATE) -lpthread
	@CNN_DEVICE=late $(WIN32_RUN) $(BUILD)/win32/lib/client.exe $(BUILD)/win32/weights && echo "cnn.dll: and so on a device that it finds"
	@failed=; for test in $(WIN32_DEVICE_TESTS); do CNN_DEVICE=late CNN_BACKEND_PATH=$(dir $(WIN32_LATE)) CNN_TEST_SHAPES=$(CROSS_SHAPES) \
		$(WIN32_RUN) $(BUILD)/win32/cross/test_$$test.exe || failed="$$failed $$test"; \
	done; [ -z "$$failed" ] || { echo "check-win32: failed on the device:$$failed"; exit 1; }
	$(call platform_tests,WIN32,$(WIN32_RUN),win32,.exe)

# What make check needs beside the library (Check, GNU's linker) is not asked for. MACOS_TESTS run without Check.
MACOS_TESTS := base pool math tensor tensor_text shared_tensors random_tensors dlpack kernels conv_kernels ops ops_battery autograd io \
	io_failures json convert safetensors partial_load file save numpy numpy_refused checkpoint data loader
MACOS_MAKE = $(MAKE) $(JOBS) --no-print-directory BUILD=$(BUILD)/macos LIB=$(BUILD)/macos/lib CROSS_LINK=-pthread
check-macos:
	@+if [ "$$(uname -s)" != Darwin ]; then echo "skipped: check-macos needs a Mac"; \
	else $(MACOS_MAKE) lib examples cross-programs CROSS_TESTS='$(MACOS_TESTS)' && $(MAKE) --no-print-directory run-macos; fi
run-macos:
	@tests/cross/check-dylib.sh $(BUILD)/macos/lib/$(call so,cnn) $(SONAME)
	@$(CC) -std=c11 -Wall -Iinclude tests/install/client.c -o $(BUILD)/macos/client -L$(BUILD)/macos/lib \
		-Xlinker -rpath -Xlinker @loader_path/lib -lcnn
	@$(BUILD)/macos/client $(BUILD)/macos/weights && echo "$(call so,cnn): a program trains, saves and loads with it"
	$(call platform_tests,MACOS,,macos,)
