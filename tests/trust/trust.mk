# The trust checks: each tests/trust/test_*.c is a program of its own, built and run twice, as the library is and with the
# address and undefined-behaviour sanitizers. Each ends with a line of counts, which docs/reliability.md quotes.
#   make check-trust       all of them, within 15 minutes on two cores       make check-threads   TSan and Helgrind
# Other rooms hand their own runs in by CHECK_TRUST_EXTRA, a list of targets.

TRUST_SOURCES := $(sort $(wildcard tests/trust/test_*.c))
TRUST_PROGRAMS := $(TRUST_SOURCES:tests/trust/%.c=$(BUILD)/trust/%)
TRUST_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
TRUST_ASAN_BUILD := $(BUILD)/trust-asan
TRUST_TSAN_BUILD := $(BUILD)/trust-tsan
TRUST_HELGRIND_BUILD := $(BUILD)/trust-helgrind
TRUST_CHECK_LIBS = $(shell $(PKG_CONFIG) --libs check 2>/dev/null || echo -lcheck)

# The library's own calls of pthread_create pass the test.
$(BUILD)/trust/test_faults: TRUST_LDFLAGS := -Wl,--wrap=pthread_create

$(BUILD)/trust/%: tests/trust/%.c $(wildcard tests/trust/*.h tests/support/*.h) src/ops/ops.def $(STATIC)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wno-unused-function -Wno-format-truncation -Iinclude -Isrc -Itests -pthread \
		$(if $(HAVE_ZLIB),-DCNN_HAVE_ZLIB) $(CPPFLAGS) $(CFLAGS) $< -o $@ $(LDFLAGS) $(TRUST_LDFLAGS) $(STATIC) \
		$(TRUST_CHECK_LIBS) $(ZLIB_LIBS) -lm -ldl

.PHONY: trust-programs run-trust check-trust check-threads check-helgrind check-threads-tsan
trust-programs: $(TRUST_PROGRAMS)

run-trust: $(TRUST_PROGRAMS) lib
	@failed=; for program in $(TRUST_PROGRAMS); do \
		CNN_TEST_LIB=$(abspath $(LIB)) $$program || failed="$$failed $$program"; \
	done; if [ -n "$$failed" ]; then echo "failed:$$failed"; exit 1; fi

check-trust: run-trust $(CHECK_TRUST_EXTRA)
	$(MAKE) --no-print-directory run-trust BUILD=$(TRUST_ASAN_BUILD) LIB=$(TRUST_ASAN_BUILD)/lib \
		CFLAGS='-O1 -g $(TRUST_SANITIZE)' HARDEN= WERROR=0

# ---- threads under ThreadSanitizer and under Helgrind, for which the library says what its atomic variables mean ----
check-threads-tsan:
	$(MAKE) --no-print-directory $(TRUST_TSAN_BUILD)/trust/test_threads BUILD=$(TRUST_TSAN_BUILD) \
		LIB=$(TRUST_TSAN_BUILD)/lib CFLAGS='-O1 -g -fsanitize=thread' HARDEN= WERROR=0
	TSAN_OPTIONS=halt_on_error=1:die_after_fork=0 $(TRUST_TSAN_BUILD)/trust/test_threads

check-helgrind:
	@command -v valgrind >/dev/null || { echo "check-helgrind needs valgrind (Debian: valgrind)"; exit 1; }
	$(MAKE) --no-print-directory $(TRUST_HELGRIND_BUILD)/trust/test_threads BUILD=$(TRUST_HELGRIND_BUILD) \
		LIB=$(TRUST_HELGRIND_BUILD)/lib CPPFLAGS=-DCNN_HELGRIND
	CNN_KERNELS=generic valgrind --quiet --tool=helgrind --error-exitcode=9 --fair-sched=yes \
		$(TRUST_HELGRIND_BUILD)/trust/test_threads

check-threads: check-threads-tsan check-helgrind
