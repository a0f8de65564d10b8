# Models of others, read and run by libcnn-onnx: the ONNX project's tests of operators, and nets that PyTorch exports, which onnxruntime
# runs, too. What a machine lacks is left out, with a line.
#   make check-onnx
#   ONNX_TESTDATA   the folder of Debian's libonnx-testdata
#   TRACE_PYTHON    an interpreter that has onnx, onnxruntime and a current PyTorch (tests/trace/trace.mk)
#   EXPORT_PYTHON   one that has PyTorch 1.13 and torchvision, as Debian's python3-torchvision
ONNX_TESTDATA ?= /usr/share/libonnx-testdata/data
EXPORT_PYTHON ?= /usr/bin/python3
ifneq ($(HAVE_ONNX),)
CHECK_LONG += check-onnx
CHECK_BUILD += $(BUILD)/tests/onnx/node_tests $(BUILD)/tests/onnx/train_net
endif

.PHONY: check-onnx
check-onnx: $(BUILD)/tests/onnx/node_tests $(BUILD)/tests/onnx/train_net
	@TRACE_PYTHON="$(TRACE_PYTHON)" EXPORT_PYTHON="$(EXPORT_PYTHON)" tests/onnx/check-onnx.sh $< "$(ONNX_TESTDATA)" $(BUILD)/tests/onnx

$(BUILD)/tests/onnx/node_tests $(BUILD)/tests/onnx/train_net: $(BUILD)/tests/onnx/%: tests/onnx/%.c $(wildcard onnx/*.h) $(ONNX_STATIC) $(STATIC) $(FLAGS)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) -std=c11 -D_GNU_SOURCE -Wall -Wextra -Iinclude -pthread $(CPPFLAGS) $(CFLAGS) $< -o $@ $(LDFLAGS) $(ONNX_STATIC) $(STATIC) \
		$(ZLIB_LIBS) -lm
