# The ABI: docs/abi.md says what is promised.
#   make check-symbols   the exported names (part of make check)
#   make check-abi       against the baseline of the release, and a client of that release on today's library
#   make abi-baseline    packs the baseline; once, when a version with a new SONAME is released
# While a version with a new SONAME is not released there is no baseline of it, and none may be missing where CHANGELOG.md says
# that it is. Until then the last release's stands in: whatever breaks must be named in docs/moving-to-VERSION.md, and the client
# is compiled with today's headers.
ABI_ARCHIVE := tests/abi/libcnn-$(SOVERSION).tar.gz
ABI_RELEASED := $(wildcard $(ABI_ARCHIVE))$(shell grep -o '^$(HASH)$(HASH) \[$(SOVERSION)\.[0-9]*\]' CHANGELOG.md)
ABI_AGAINST := $(if $(ABI_RELEASED),$(ABI_ARCHIVE),$(shell ls tests/abi/libcnn-*.tar.gz | sort -V | tail -n 1))
ABI_MOVING := $(if $(ABI_RELEASED),,docs/moving-to-$(SOVERSION).md)
ABI_BUILD := $(BUILD)/abi
ABI_LIST := $(BUILD)/symbols.txt
ABI_IMAGE_LIST := $(BUILD)/image-symbols.txt
ABI_ONNX_LIST := $(BUILD)/onnx-symbols.txt
ABI_MPI_LIST := $(BUILD)/mpi-symbols.txt
ABI_BASELINE := $(ABI_BUILD)/$(patsubst %.tar.gz,%,$(notdir $(ABI_AGAINST)))

CHECK_EXTRA += check-symbols
.PHONY: check-symbols check-abi abi-client abi-baseline
check-symbols: lib $(ABI_LIST) $(ABI_IMAGE_LIST) $(ABI_ONNX_LIST) $(ABI_MPI_LIST)
	@tests/abi/check-symbols.sh $(SHARED) $(STATIC) $(ABI_LIST)
	@$(if $(HAVE_IMAGE),tests/abi/check-symbols.sh $(IMAGE_SHARED) $(IMAGE_STATIC) $(ABI_IMAGE_LIST))
	@$(if $(HAVE_ONNX),tests/abi/check-symbols.sh $(ONNX_SHARED) $(ONNX_STATIC) $(ABI_ONNX_LIST))
	@$(foreach f,$(MPI_FLAVOURS),tests/abi/check-symbols.sh $(LIB)/libcnn-mpi-$(f).so.$(VERSION) $(LIB)/libcnn-mpi-$(f).a $(ABI_MPI_LIST) &&) true

check-abi: lib $(ABI_LIST)
	@tools/install-dependencies.sh abi
	@[ -f $(ABI_AGAINST) ] || { echo "check-abi: CHANGELOG.md has a release of $(SONAME), but $(ABI_AGAINST) is missing: make abi-baseline"; exit 1; }
	@$(if $(ABI_MOVING),[ -f $(ABI_MOVING) ] || { echo "check-abi: $(SONAME) is not released and breaks with the last: $(ABI_MOVING) must say how"; exit 1; })
	@rm -rf $(ABI_BUILD) && mkdir -p $(ABI_BUILD) && tar -C $(ABI_BUILD) -xzf $(ABI_AGAINST)
	@CC="$(CC)" tests/abi/check-abi.sh $(ABI_BASELINE) $(SHARED) $(ABI_LIST) CHANGELOG.md $(ABI_MOVING)
	@+$(MAKE) --no-print-directory abi-client check-test-abi

# Compiled with the baseline's headers alone, or with today's if the SONAME is another; run on the shared library of today.
abi-client: lib
	$(QUIET)$(CC) -std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Werror -I$(if $(ABI_MOVING),,$(ABI_BASELINE)/)include \
		tests/abi/baseline_client.c -o $(ABI_BUILD)/baseline_client -L$(LIB) $(call rpath,$(ABI_BUILD)) -lcnn
	@$(ABI_BUILD)/baseline_client $(ABI_BUILD)/baseline_client.safetensors

abi-baseline: lib $(ABI_LIST)
	@tools/install-dependencies.sh abi
	@tests/abi/make-baseline.sh $(SHARED) $(ABI_LIST) $(ABI_ARCHIVE)

# What the public headers declare. What an earlier release had and these lack is found by its baseline.
$(ABI_LIST): $(PUBLIC_HEADERS)
$(ABI_IMAGE_LIST): $(IMAGE_HEADERS)
$(ABI_ONNX_LIST): $(ONNX_HEADERS)
$(ABI_MPI_LIST): $(MPI_HEADERS)
$(ABI_LIST) $(ABI_IMAGE_LIST) $(ABI_ONNX_LIST) $(ABI_MPI_LIST):
	@mkdir -p $(@D)
	@cat $^ | tr '\n' ' ' | grep -o 'CNN_API [^;(]*cnn_[a-z0-9_]* *(' | sed 's/ *($$//; s/.*[ *]//' | LC_ALL=C sort >$@
