# Models of others, read and run by libcnn-onnx: the ONNX project's tests of operators, and nets that PyTorch exports, which onnxruntime
# runs, too. What a machine lacks is left out, with a line.
#   make check-onnx           all of it: the nets of the zoo by both exporters, opset 11 to 20 (500 MB on the disk, an hour)
#   make check-onnx-quick     the tests of operators, a net that is trained on, and small nets of opset 17
#   make check-onnx-packaged  models that packages of PyPI have inside
#   make onnx-peers           installs what Debian has of what they need, and PyPI's onnx and onnxruntime into build/tests/onnx/venv:
#                             make onnx-peers && make check-onnx-quick TRACE_PYTHON=build/tests/onnx/venv/bin/python
#   ONNX_TESTDATA   the folder of Debian's libonnx-testdata
#   TRACE_PYTHON    an interpreter that has onnx, onnxruntime and a current PyTorch (tests/trace/trace.mk)
#   EXPORT_PYTHON   one that has PyTorch 1.13 and torchvision, as Debian's python3-torchvision
ONNX_TESTDATA ?= /usr/share/libonnx-testdata/data
EXPORT_PYTHON ?= /usr/bin/python3
ifneq ($(HAVE_ONNX),)
CHECK_LONG += check-onnx check-onnx-packaged
CHECK_BUILD += $(BUILD)/tests/onnx/node_tests $(BUILD)/tests/onnx/train_net
endif

ONNX_VENV := $(BUILD)/tests/onnx/venv
CHECK_ONNX = @TRACE_PYTHON="$(TRACE_PYTHON)" EXPORT_PYTHON="$(EXPORT_PYTHON)" tests/onnx/check-onnx.sh $< "$(ONNX_TESTDATA)" $(BUILD)/tests/onnx
.PHONY: check-onnx check-onnx-quick check-onnx-packaged onnx-peers
check-onnx: $(BUILD)/tests/onnx/node_tests $(BUILD)/tests/onnx/train_net
	$(CHECK_ONNX) all
check-onnx-quick: $(BUILD)/tests/onnx/node_tests $(BUILD)/tests/onnx/train_net
	$(CHECK_ONNX) quick
check-onnx-packaged: $(SHARED) $(ONNX_SHARED) python
	@CNN_LIBRARY="$(abspath $(SHARED))" tests/onnx/check-packaged.sh "$(TRACE_PYTHON)" $(BUILD)/tests/onnx/packages
onnx-peers:
	@tools/install-dependencies.sh onnx
	@mkdir -p $(BUILD)/tests/onnx
	@[ -x $(ONNX_VENV)/bin/pip ] || python3 -m venv $(ONNX_VENV)
	@$(ONNX_VENV)/bin/pip install --quiet --disable-pip-version-check --timeout 20 --retries 1 onnx onnxruntime || \
		{ rm -rf $(ONNX_VENV); echo "skipped: onnx and onnxruntime, which PyPI does not give here"; }

$(BUILD)/tests/onnx/node_tests $(BUILD)/tests/onnx/train_net: $(BUILD)/tests/onnx/%: tests/onnx/%.c $(wildcard onnx/*.h) $(ONNX_STATIC) $(STATIC) $(FLAGS)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) -std=c11 -D_GNU_SOURCE -Wall -Wextra -Iinclude -pthread $(CPPFLAGS) $(CFLAGS) $< -o $@ $(LDFLAGS) $(ONNX_STATIC) $(STATIC) \
		$(ZLIB_LIBS) -lm
