# Benchmarks: each bench/bench_*.c is a program that links the static library; each bench/peer_* is someone else's.
#   make bench        builds and runs everything but the epochs and the full list of kernels; BENCH_ARGS=--quick for the shortest useful run
#   make bench-peers  gets ONNX Runtime from npm and has PyTorch export the model for it
#   make bench-epochs ten epochs on the files of CNN_MNIST_DIR, against PyTorch
NPM ?= npm
PYTHON ?= python3
BENCH_PROGRAMS := $(patsubst bench/%.c,$(BUILD)/bench/%,$(wildcard bench/bench_*.c))
BENCH_CFLAGS := -std=c11 -D_GNU_SOURCE -Wall -Wextra -O3 -ffp-contract=fast -Iinclude -Isrc -Ibench -pthread
HAVE_DNNL := $(shell printf '$(HASH)include <oneapi/dnnl/dnnl.h>\nint main(void){return !dnnl_version();}' | \
	$(CC) -x c - -o /dev/null -ldnnl >/dev/null 2>&1 && echo 1)
BENCH_PEERS := $(if $(HAVE_DNNL),$(BUILD)/bench/peer_onednn)

$(BUILD)/bench/%: bench/%.c bench/nets.c bench/nets.h $(STATIC)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) $(BENCH_CFLAGS) $< bench/nets.c -o $@ $(STATIC) $(ZLIB_LIBS) -lm

$(BUILD)/bench/peer_onednn: bench/peer_onednn.c bench/peer_onednn.h
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) $(BENCH_CFLAGS) -march=native -fopenmp $< -o $@ -ldnnl -lm

.PHONY: bench bench-programs bench-peers bench-epochs
bench-programs: $(BENCH_PROGRAMS) $(BENCH_PEERS)
bench: bench-programs examples $(BUILD)/bench/bench_kernels
	$(PYTHON) bench/run.py --build $(BUILD) --lib $(LIB) $(BENCH_ARGS)
	$(BUILD)/bench/bench_kernels --quick --json $(BUILD)/bench/kernels.jsonl
bench-peers:
	@mkdir -p $(BUILD)/bench/node
	$(NPM) install --ignore-scripts --no-audit --no-fund --prefix $(BUILD)/bench/node onnxruntime-node
	$(PYTHON) bench/export_onnx.py $(BUILD)/bench/tutorial.onnx || /usr/bin/python3 bench/export_onnx.py \
		$(BUILD)/bench/tutorial.onnx
bench-epochs: examples
	$(PYTHON) bench/epochs.py --build $(BUILD) $(BENCH_ARGS)
