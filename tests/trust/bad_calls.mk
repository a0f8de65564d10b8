# Bad arguments: the table of calls against what the library exports, and the same calls with NDEBUG.
TRUST_NDEBUG_BUILD := $(BUILD)/trust-ndebug
CHECK_TRUST_EXTRA += check-bad-calls check-ndebug

# bad_calls.def names every exported function; it is made of the headers.
BAD_CALLS := $(BUILD)/trust/bad_calls.def
.PHONY: check-bad-calls check-ndebug
check-bad-calls: $(SHARED) $(BAD_CALLS)
	@python3 tools/make-bad-calls.py --check $(SHARED) $(BAD_CALLS)

$(BAD_CALLS): tools/make-bad-calls.py $(PUBLIC_HEADERS)
	@mkdir -p $(@D)
	$(QUIET)python3 tools/make-bad-calls.py >$@.new && mv $@.new $@

check-ndebug:
	@+$(MAKE) $(JOBS) --no-print-directory $(TRUST_NDEBUG_BUILD)/trust/test_bad_calls BUILD=$(TRUST_NDEBUG_BUILD) \
		LIB=$(TRUST_NDEBUG_BUILD)/lib CPPFLAGS=$(call quoted,$(CPPFLAGS) -DNDEBUG)
	$(TRUST_NDEBUG_BUILD)/trust/test_bad_calls

# cnn_backend_load() is given the back end of the test device.
$(BUILD)/trust/test_bad_calls: $(BAD_CALLS) $(LATE)
$(BUILD)/trust/test_bad_calls: TEST_CFLAGS = -DLATE_FILE='"$(LATE)"'
