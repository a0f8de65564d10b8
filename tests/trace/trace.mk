# Modules saved as ONNX files, which onnxruntime runs and onnx.checker accepts: that a trace says all that another program needs.
#   make check-onnx-save       models of every operation and some layers, and the small nets of the zoo
#   make check-onnx-save-long  every net of the zoo, of which one at a time lies on the disk (600 MB)
#   TRACE_PYTHON               an interpreter that has onnxruntime and onnx; default that of `make bench-peers`, or python3
TRACE_PYTHON ?= $(firstword $(wildcard $(BUILD)/bench/venv/bin/python) python3)
ifneq ($(HAVE_ONNX),)
CHECK_EXTRA += check-onnx-save
CHECK_LONG += check-onnx-save-long
CHECK_BUILD += $(BUILD)/trace/write_models $(BUILD)/trace/write_zoo
endif
TRACE_NETS := resnet20 squeezenet1_1 mobilenet_v3_small shufflenet_v2_x1_0 unet_small_bilinear vit lstm gpt

.PHONY: check-onnx-save check-onnx-save-long
check-onnx-save: $(BUILD)/trace/write_models $(BUILD)/trace/write_zoo
	@rm -rf $(BUILD)/trace/models && mkdir -p $(BUILD)/trace/models
	@$(BUILD)/trace/write_models $(BUILD)/trace/models
	@$(TRACE_PYTHON) tests/trace/check_models.py $(BUILD)/trace/models
	@$(TRACE_PYTHON) tests/trace/check_models.py --zoo $(BUILD)/trace/write_zoo $(BUILD)/trace/zoo $(TRACE_NETS)

check-onnx-save-long: $(BUILD)/trace/write_zoo
	@$(TRACE_PYTHON) tests/trace/check_models.py --zoo $(BUILD)/trace/write_zoo $(BUILD)/trace/zoo

TRACE_CC = $(CC) -std=c11 -D_GNU_SOURCE -Wall -Wextra -Iinclude -Isrc -Itests -Itests/cross -Iexamples/zoo -pthread $(CPPFLAGS) $(CFLAGS)
$(BUILD)/trace/write_models: tests/trace/write_models.c $(wildcard tests/trace/*.h) tests/support/ops.h $(wildcard src/ops/*.def) $(ONNX_STATIC) $(STATIC) $(FLAGS)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(TRACE_CC) $< -o $@ $(LDFLAGS) $(ONNX_STATIC) $(STATIC) $(ZLIB_LIBS) -lm

$(BUILD)/trace/write_zoo: tests/trace/write_zoo.c $(wildcard tests/trace/*.h) $(ZOO_NETS) $(ONNX_STATIC) $(STATIC) $(FLAGS)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(TRACE_CC) $< $(ZOO_NETS) -o $@ $(LDFLAGS) $(ONNX_STATIC) $(STATIC) $(ZLIB_LIBS) -lm
