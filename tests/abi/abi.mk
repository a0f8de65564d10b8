# The ABI: docs/abi.md says what is promised.
#   make check-symbols   the exported names (part of make check)
#   make check-abi       against the baseline of the release, and a client of that release on today's library
#   make abi-baseline    packs the baseline; once, when a version with a new SONAME is released
ABI_LIST := tests/abi/symbols.txt
ABI_ARCHIVE := tests/abi/libcnn-$(SOVERSION).tar.gz
ABI_BUILD := $(BUILD)/abi
ABI_BASELINE := $(ABI_BUILD)/libcnn-$(SOVERSION)

CHECK_EXTRA += check-symbols
.PHONY: check-symbols check-abi abi-client abi-baseline symbols
check-symbols: lib
	@tests/abi/check-symbols.sh $(SHARED) $(STATIC) $(ABI_LIST)

check-abi: lib
	@tools/install-dependencies.sh abi
	@[ -f $(ABI_ARCHIVE) ] || { echo "check-abi: $(ABI_ARCHIVE) is missing: make abi-baseline when $(SONAME) is released"; exit 1; }
	@rm -rf $(ABI_BUILD) && mkdir -p $(ABI_BUILD) && tar -C $(ABI_BUILD) -xzf $(ABI_ARCHIVE)
	@CC="$(CC)" tests/abi/check-abi.sh $(ABI_BASELINE) $(SHARED) $(ABI_LIST) CHANGELOG.md
	@+$(MAKE) --no-print-directory abi-client check-test-abi

# Compiled with the baseline's headers alone; run on the shared library of today.
abi-client: lib
	$(QUIET)$(CC) -std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Werror -I$(ABI_BASELINE)/include tests/abi/baseline_client.c \
		-o $(ABI_BUILD)/baseline_client -L$(LIB) -Wl,-rpath,$(abspath $(LIB)) -lcnn
	@$(ABI_BUILD)/baseline_client $(ABI_BUILD)/baseline_client.safetensors

abi-baseline: lib
	@tools/install-dependencies.sh abi
	@tests/abi/make-baseline.sh $(SHARED) $(ABI_LIST) $(ABI_ARCHIVE)

# Takes the names that are exported now into the list.
symbols: lib
	@nm -D --defined-only $(SHARED) | awk '$$2 != "A" { print $$3 }' | sed 's/@.*//' | LC_ALL=C sort >$(ABI_LIST)
