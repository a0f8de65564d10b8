# The trust checks: each tests/trust/test_*.c is a program of its own, built and run twice, as the library is and with the
# address and undefined-behaviour sanitizers. Each ends with a line of counts, which docs/reliability.md quotes.
#   make check-trust       all of them, within 15 minutes on two cores       make check-threads   TSan and Helgrind
# Other rooms hand their own runs in by CHECK_TRUST_EXTRA, a list of targets.

TRUST_SOURCES := $(sort $(filter-out $(if $(HAVE_ONNX),,%/test_onnx.c),$(wildcard tests/trust/test_*.c)))
TRUST_PROGRAMS := $(TRUST_SOURCES:tests/trust/%.c=$(BUILD)/trust/%)
TRUST_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
TRUST_ASAN_BUILD := $(BUILD)/trust-asan
TRUST_TSAN_BUILD := $(BUILD)/trust-tsan
TRUST_HELGRIND_BUILD := $(BUILD)/trust-helgrind
TRUST_CHECK_LIBS = $(shell $(PKG_CONFIG) --libs check 2>/dev/null || echo -lcheck)

# The library's own calls of pthread_create pass the test.
$(BUILD)/trust/test_faults: TRUST_LDFLAGS := -Wl,--wrap=pthread_create

$(BUILD)/trust/test_onnx: $(ONNX_STATIC)
$(BUILD)/trust/test_onnx: TRUST_LIBS = $(ONNX_STATIC)

$(BUILD)/trust/%: tests/trust/%.c $(wildcard tests/trust/*.h tests/support/*.h) $(wildcard src/ops/*.def) $(OPTIMIZERS) $(STATIC)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wno-unused-function -Wno-format-truncation -Iinclude -Isrc -Itests -I$(BUILD)/trust -I$(GENERATED) -pthread \
		$(if $(HAVE_ZLIB),-DCNN_HAVE_ZLIB) $(CPPFLAGS) $(CFLAGS) $(TEST_CFLAGS) $< -o $@ $(LDFLAGS) $(TRUST_LDFLAGS) $(TRUST_LIBS) $(STATIC) \
		$(TRUST_CHECK_LIBS) $(ZLIB_LIBS) -lm -ldl

# An epoch of training, linked in both ways, that test_determinism runs.
TRUST_EPOCHS := $(BUILD)/trust/epoch-static $(BUILD)/trust/epoch-shared
$(BUILD)/trust/test_determinism: $(TRUST_EPOCHS)
TRUST_EPOCH_CC = $(CC) $(STRICT) -Iinclude $(CPPFLAGS) $(CFLAGS) tests/trust/epoch.c -o $@ $(LDFLAGS)
$(BUILD)/trust/epoch-static: tests/trust/epoch.c $(PUBLIC_HEADERS) $(STATIC)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(TRUST_EPOCH_CC) -pthread $(STATIC) $(ZLIB_LIBS) -lm
$(BUILD)/trust/epoch-shared: tests/trust/epoch.c $(PUBLIC_HEADERS) $(SHARED)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(TRUST_EPOCH_CC) -L$(LIB) $(call rpath,$(@D)) -lcnn

.PHONY: trust-programs run-trust check-trust check-threads check-helgrind check-threads-tsan
trust-programs: $(TRUST_PROGRAMS)

# All at once; what each says comes as a whole.
TRUST_RUNS := $(TRUST_SOURCES:tests/trust/test_%.c=run-trust-%)
.PHONY: $(TRUST_RUNS)
$(TRUST_RUNS): run-trust-%:
	@CNN_TEST_EXAMPLE=$(BUILD)/examples/mnist_cnn $(BUILD)/trust/test_$*
run-trust: $(TRUST_PROGRAMS) examples trust-symbols
	@+$(MAKE) $(JOBS) -k --output-sync=target --no-print-directory $(TRUST_RUNS)

# Memory comes from the context's allocator alone, and what libm computes differently on different CPUs is not asked for.
.PHONY: trust-symbols
trust-symbols: $(STATIC)
	@! nm -A $(STATIC) | grep -E ' U (malloc|calloc|realloc|reallocarray|strdup|strndup|asprintf|posix_memalign|aligned_alloc)$$' | \
		grep -v ':memory.o:' || { echo "allocations that pass no hook"; exit 1; }
	@! nm -A $(STATIC) | grep -E ' U (exp|exp2|expm1|log|log2|log10|log1p|pow|sin|cos|tan|asin|acos|atan|tanh|sinh|cosh|erf|fma|cbrt|hypot)[fl]?$$' || \
		{ echo "functions of libm whose results depend on the CPU"; exit 1; }

check-trust: run-trust $(CHECK_TRUST_EXTRA)
	@+CNN_TEST_SHAPES=2 $(MAKE) $(JOBS) --no-print-directory run-trust BUILD=$(TRUST_ASAN_BUILD) LIB=$(TRUST_ASAN_BUILD)/lib \
		CFLAGS='-O1 -g $(TRUST_SANITIZE)' HARDEN= WERROR=0

# ---- threads under ThreadSanitizer and under Helgrind, for which the library says what its atomic variables mean ----
TRUST_THREADED := test_threads test_forks
check-threads-tsan:
	@+$(MAKE) $(JOBS) --no-print-directory $(TRUST_THREADED:%=$(TRUST_TSAN_BUILD)/trust/%) BUILD=$(TRUST_TSAN_BUILD) \
		LIB=$(TRUST_TSAN_BUILD)/lib CFLAGS='-O1 -g -fsanitize=thread' HARDEN= WERROR=0
	for program in $(TRUST_THREADED); do \
		TSAN_OPTIONS=halt_on_error=1:die_after_fork=0 $(TRUST_TSAN_BUILD)/trust/$$program || exit 1; done

check-helgrind:
	@command -v valgrind >/dev/null || { echo "check-helgrind needs valgrind (Debian: valgrind)"; exit 1; }
	@+$(MAKE) $(JOBS) --no-print-directory $(TRUST_THREADED:%=$(TRUST_HELGRIND_BUILD)/trust/%) BUILD=$(TRUST_HELGRIND_BUILD) \
		LIB=$(TRUST_HELGRIND_BUILD)/lib CPPFLAGS=-DCNN_HELGRIND
	for program in $(TRUST_THREADED); do \
		CNN_KERNELS=generic valgrind --quiet --tool=helgrind --error-exitcode=9 --fair-sched=yes \
			--suppressions=tests/trust/helgrind.supp $(TRUST_HELGRIND_BUILD)/trust/$$program || exit 1; done

check-threads: check-threads-tsan check-helgrind
