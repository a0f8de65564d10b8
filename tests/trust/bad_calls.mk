# Bad arguments: the table of calls against what the library exports, and the same calls with NDEBUG.
TRUST_NDEBUG_BUILD := $(BUILD)/trust-ndebug
CHECK_TRUST_EXTRA += check-bad-calls check-ndebug

# tests/trust/bad_calls.def names every exported function, and is what the headers make.
.PHONY: check-bad-calls check-ndebug bad-calls
check-bad-calls: $(SHARED)
	@python3 tools/make-bad-calls.py --check $(SHARED) tests/trust/bad_calls.def

bad-calls:
	python3 tools/make-bad-calls.py > tests/trust/bad_calls.def

check-ndebug:
	@+$(MAKE) $(JOBS) --no-print-directory $(TRUST_NDEBUG_BUILD)/trust/test_bad_calls BUILD=$(TRUST_NDEBUG_BUILD) \
		LIB=$(TRUST_NDEBUG_BUILD)/lib CPPFLAGS=$(call quoted,$(CPPFLAGS) -DNDEBUG)
	$(TRUST_NDEBUG_BUILD)/trust/test_bad_calls

$(BUILD)/trust/test_bad_calls: tests/trust/bad_calls.def
