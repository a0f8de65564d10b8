# The package for Python.
#   make python        writes what follows from the headers into python/cnn (tools/make-python.py): the package needs it where it is
#                      used from this tree; the wheel and `pip install ./python` write it themselves
#   make wheel         build/wheel/cnn-VERSION-py3-none-PLATFORM.whl with the library inside, for every Python from 3.9 on
#   make check-python  the package's tests, the wheel and the plain package in fresh environments
# CHECK_PYTHON is the interpreter. It must be the system's to see Debian's python3-numpy and python3-torch; tests that need what is
# not there are skipped and say so.
CHECK_PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)
CHECK_EXTRA += check-python
CHECK_BUILD += $(SHARED) $(WHEEL_SHARED) python
.PHONY: python wheel check-python

python:
	@if command -v $(CHECK_PYTHON) >/dev/null; then $(CHECK_PYTHON) tools/make-python.py; else echo "python: no python3 here"; fi

# Linked again without packed relocations, which older systems do not load, and stripped. libcnn-image is there where it is built: it
# loads where the system has libpng and libjpeg of the versions of the building one, and the package says so where it has not.
STRIP ?= strip
WHEEL_LIB := $(BUILD)/wheel-lib
WHEEL_SIBLINGS := $(if $(HAVE_ONNX),$(ONNX_SHARED)) $(if $(HAVE_IMAGE),$(IMAGE_SHARED))
WHEEL_NAMES := $(notdir $(SHARED) $(WHEEL_SIBLINGS))
WHEEL_SHARED := $(WHEEL_NAMES:%=$(WHEEL_LIB)/%)
WHEEL_STAMP := $(WHEEL_LIB)/linked/done
$(WHEEL_STAMP): $(SHARED) $(WHEEL_SIBLINGS)
	@+$(MAKE) --no-print-directory PACK_RELOCATIONS= LIB=$(WHEEL_LIB)/linked $(WHEEL_NAMES:%=$(WHEEL_LIB)/linked/%)
	@touch $@
$(WHEEL_SHARED): $(WHEEL_LIB)/%: $(WHEEL_STAMP)
	@$(STRIP) -o $@ $(WHEEL_LIB)/linked/$*

wheel: $(WHEEL_SHARED)
	@rm -rf $(BUILD)/wheel
	@$(CHECK_PYTHON) python/backend/cnn_build.py $(BUILD)/wheel $(WHEEL_SHARED)

check-python: $(SHARED) $(BUILD)/examples/mnist_cnn $(WHEEL_SHARED) $(WHEEL_SIBLINGS)
	@if command -v $(CHECK_PYTHON) >/dev/null; then \
		CC="$(CC)" BUILD="$(BUILD)" SHARED="$(SHARED)" WHEEL_SHARED="$(WHEEL_SHARED)" python/check.sh $(CHECK_PYTHON); \
	else echo "skipped: check-python (no python3 here)"; fi
