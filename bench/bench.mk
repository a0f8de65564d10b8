# Benchmarks: each bench/bench_*.c is a program that links the static library; each bench/peer_* is someone else's.
#   make bench        builds and runs everything but the epochs and the full list of kernels; BENCH_ARGS=--quick for the shortest useful run
#   make bench-peers  installs Debian's peers, and PyPI's current ones (PyTorch, ONNX Runtime, OpenVINO, oneDNN; and onnx, onnxscript and torchvision for make check-onnx) into build/bench/venv
#   make bench-zoo    nets of examples/zoo against PyTorch and ONNX Runtime; ZOO_ARGS='--only "training vit" --threads 1'
#   make bench-predictor  predictors on the same ONNX files as ONNX Runtime and OpenVINO; PREDICTOR_ARGS='--only resnet50 --threads 1'
#   make bench-scaling  several processes: what hides, a model of the step, what it predicts; SCALING_ARGS
#   make bench-epochs ten epochs on the files of CNN_MNIST_DIR, against PyTorch
PYTHON ?= python3
BENCH_PROGRAMS := $(patsubst bench/%.c,$(BUILD)/bench/%,$(wildcard bench/bench_*.c))
BENCH_CFLAGS := -std=c11 -D_GNU_SOURCE -Wall -Wextra -O3 -ffp-contract=fast -Iinclude -Isrc -Ibench -pthread
HAVE_DNNL := $(shell printf '$(HASH)include <oneapi/dnnl/dnnl.h>\nint main(void){return !dnnl_version();}' | \
	$(CC) -x c - -o /dev/null -ldnnl >/dev/null 2>&1 && echo 1)
BENCH_VENV := $(BUILD)/bench/venv
BENCH_PEERS = $(if $(HAVE_DNNL),$(BUILD)/bench/peer_onednn) $(if $(wildcard $(BENCH_VENV)/include/oneapi/dnnl/dnnl.h),$(BUILD)/bench/peer_onednn_pypi)

$(BUILD)/bench/%: bench/%.c bench/nets.c bench/nets.h $(STATIC)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) $(BENCH_CFLAGS) $< bench/nets.c -o $@ $(STATIC) $(ZLIB_LIBS) -lm

$(BUILD)/bench/bench_elementwise: bench/elementwise.def $(wildcard src/ops/*.def)

$(BUILD)/bench/bench_zoo: bench/bench_zoo.c $(ZOO_NETS) $(STATIC)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) $(BENCH_CFLAGS) -Iexamples $< $(ZOO_NETS) -o $@ $(STATIC) $(ZLIB_LIBS) -lm

ONEDNN_HEADERS := bench/peer_onednn.h bench/peer_onednn_layers.h
$(BUILD)/bench/peer_onednn: bench/peer_onednn.c $(ONEDNN_HEADERS)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) $(BENCH_CFLAGS) -march=native -fopenmp $< -o $@ -ldnnl -lm

# Its libraries find each other by LD_LIBRARY_PATH, which bench/peers.py sets.
$(BUILD)/bench/peer_onednn_pypi: bench/peer_onednn.c $(ONEDNN_HEADERS)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) $(BENCH_CFLAGS) -march=native -fopenmp -isystem $(BENCH_VENV)/include $< -o $@ -L$(BENCH_VENV)/lib -ldnnl -lm \
		-Wl,--allow-shlib-undefined

# Needs an MPI; bench/scaling.py starts it within network namespaces of its own.
$(BUILD)/bench/scaling-%: bench/scaling.c $(ZOO_NETS) $(LIB)/libcnn-mpi-%.a $(STATIC)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) $(BENCH_CFLAGS) -Iexamples/zoo $(call mpi_includes,$*) $< $(ZOO_NETS) -o $@ $(LIB)/libcnn-mpi-$*.a $(STATIC) $(call mpi_libs,$*) $(ZLIB_LIBS) -lm
.PHONY: bench-scaling
bench-scaling: $(BUILD)/bench/scaling-openmpi
	$(PYTHON) bench/scaling.py $< $(SCALING_ARGS)

.PHONY: bench bench-programs bench-peers bench-zoo bench-predictor bench-epochs
bench-programs: $(BENCH_PROGRAMS) $(BENCH_PEERS)
bench: bench-programs examples $(BUILD)/bench/bench_kernels
	$(PYTHON) bench/run.py --build $(BUILD) --lib $(LIB) $(BENCH_ARGS)
	$(BUILD)/bench/bench_kernels --quick --json $(BUILD)/bench/kernels.jsonl
# Debian's alone where PyPI is not reached. The model for the runtimes is exported by the first PyTorch that can.
bench-peers:
	@tools/install-dependencies.sh peers
	@mkdir -p $(BUILD)/bench
	@[ -x $(BENCH_VENV)/bin/pip ] || $(PYTHON) -m venv $(BENCH_VENV)
	@for package in torch torchvision onnx onnxscript onnxruntime openvino "onednn onednn-devel"; do \
		$(BENCH_VENV)/bin/pip install --quiet --disable-pip-version-check $$package || \
		echo "bench-peers: PyPI gives no $$package here: Debian's, where it has one, is compared with"; done
	@for python in /usr/bin/python3 $(BENCH_VENV)/bin/python $(PYTHON); do \
		$$python bench/export_onnx.py $(BUILD)/bench/tutorial.onnx 2>/dev/null && exit; done; \
		echo "bench-peers: no PyTorch here exports the model: ONNX Runtime and OpenVINO are left out"
bench-zoo: $(BUILD)/bench/bench_zoo
	$(PYTHON) bench/zoo.py --build $(BUILD) $(ZOO_ARGS)
# The nets' files are written there; an interpreter without a runtime leaves that out.
bench-predictor: $(BUILD)/trace/write_zoo $(SHARED) $(ONNX_SHARED) python
	$(firstword $(wildcard $(BENCH_VENV)/bin/python) $(PYTHON)) bench/predictor.py --build $(BUILD) --lib $(LIB) $(PREDICTOR_ARGS)
bench-epochs: examples
	$(PYTHON) bench/epochs.py --build $(BUILD) $(BENCH_ARGS)
