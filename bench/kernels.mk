# bench/kernels/: libcnn's kernels against oneDNN's and OpenBLAS's. `make bench-kernels ARGS='--quick'`; ARGS='--help' tells
# more. A peer that is not installed is left out, and the program says so.
KERNEL_BENCH := $(BUILD)/bench/bench_kernels
KERNEL_BENCH_SOURCES := $(wildcard bench/kernels/*.c)
HAVE_ONEDNN := $(shell printf '$(HASH)include <oneapi/dnnl/dnnl.h>\nint main(void){return !dnnl_version();}' | \
	$(CC) -x c - -o /dev/null -ldnnl >/dev/null 2>&1 && echo 1)
HAVE_OPENBLAS := $(shell $(PKG_CONFIG) --exists openblas 2>/dev/null && echo 1)
KERNEL_BENCH_FLAGS := $(if $(HAVE_ONEDNN),-DHAVE_ONEDNN) $(if $(HAVE_OPENBLAS),-DHAVE_OPENBLAS \
	$(shell $(PKG_CONFIG) --cflags openblas))
KERNEL_BENCH_LIBS := $(if $(HAVE_ONEDNN),-ldnnl -lgomp) $(if $(HAVE_OPENBLAS),$(shell $(PKG_CONFIG) --libs openblas))

$(KERNEL_BENCH): $(KERNEL_BENCH_SOURCES) $(wildcard bench/kernels/*.h) $(STATIC)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) -std=c11 -D_GNU_SOURCE -Wall -Wextra -O2 -Iinclude -Isrc -pthread $(KERNEL_BENCH_FLAGS) \
		$(KERNEL_BENCH_SOURCES) -o $@ $(STATIC) $(KERNEL_BENCH_LIBS) $(ZLIB_LIBS) -lm

.PHONY: bench-kernels
bench-kernels: $(KERNEL_BENCH) $(BUILD)/bench/bench_peak
	@$(KERNEL_BENCH) $(ARGS)
