# Traced steps as ONNX files, which onnxruntime runs: that a trace says all that another program needs.
#   TRACE_PYTHON  an interpreter that has onnxruntime; default that of `make bench-peers`, or python3
TRACE_PYTHON ?= $(firstword $(wildcard $(BUILD)/bench/venv/bin/python) python3)
CHECK_EXTRA += check-trace
CHECK_BUILD += $(BUILD)/trace/write_models

.PHONY: check-trace
check-trace: $(BUILD)/trace/write_models
	@rm -f $(BUILD)/trace/*.onnx
	@$(BUILD)/trace/write_models $(BUILD)/trace
	@$(TRACE_PYTHON) tests/trace/check_models.py $(BUILD)/trace

$(BUILD)/trace/write_models: tests/trace/write_models.c $(wildcard tests/trace/*.h) tests/support/ops.h $(wildcard src/ops/*.def) $(STATIC) $(FLAGS)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) -std=c11 -D_GNU_SOURCE -Wall -Wextra -Iinclude -Isrc -Itests -Itests/cross -pthread $(CPPFLAGS) $(CFLAGS) $< -o $@ $(LDFLAGS) $(STATIC) \
		$(ZLIB_LIBS) -lm
