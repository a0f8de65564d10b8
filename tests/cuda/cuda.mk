# The CUDA back end without a GPU: a stand-in for NVIDIA's libraries (standin.h), on which the plug-in itself runs. A plug-in of
# its own kind (plan_reference.c) computes with the CPU's kernels, so that its results have the CPU's bits.
#   make check-cuda        everything that takes seconds (part of make check)
#   make check-cuda-long   every call of every library fails once; operations beside the CPU; an epoch of 2,000 digits; some of the
#                          device battery on the plug-in itself
#   make check-cuda-host        some of the device battery on the kernels as they are compiled for the host (part of make check)
#   make check-cuda-host-long   all of it (part of make check-long)
#   make check-cuda-kernels     NVRTC and nvcc compile every kernel for CUDA_ARCHITECTURES, where there is either; CNN_NVRTC
#                               names libnvrtc.so.* (part of make check-long)
ifneq ($(HAVE_CUDA),)
# ---- the kernels themselves, proved without a GPU (docs/cuda-kernels.md) ----
CUDA_ARCHITECTURES := 75,80,86,87,89,90,100,103,110,120
CUDA_HOST_FOLDER := $(BUILD)/cuda/host
CUDA_HOST := $(CUDA_HOST_FOLDER)/backends/libcnn-cudahost.so
CUDA_KERNEL_OBJECTS := $(CUDA_KERNEL_FILES:cuda/kernels/%.cu=$(CUDA_HOST_FOLDER)/%.kernel.o)
# As on a device no product and no sum are joined. Comparisons of an integer to itself are those of a formula for reals.
# With -O1 they are compiled in two thirds of the time; it sees less of what a phase has written to shared memory. Products are where
# the tests spend theirs.
CUDA_KERNEL_FLAGS := -std=c11 -fPIC -fvisibility=hidden -fno-math-errno -fno-trapping-math -ffp-contract=off -Wall -Wextra \
	-Wno-tautological-compare -Wno-unknown-warning-option -Wno-maybe-uninitialized
CUDA_KERNEL_LEVEL = $(if $(findstring -O0,$(CFLAGS)),,-O1)
$(CUDA_HOST_FOLDER)/products%kernel.o: CUDA_KERNEL_LEVEL = $(if $(findstring -O0,$(CFLAGS)),,-O3)
$(CUDA_KERNEL_OBJECTS): $(CUDA_HOST_FOLDER)/%.kernel.o: cuda/kernels/%.cu $(CUDA_KERNEL_FILES) $(CUDA_KERNEL_HEADERS) $(FLAGS)
	@mkdir -p $(@D)
	$(call say,CC  )
	$(QUIET)$(CC) $(CPPFLAGS) $(CFLAGS) $(CUDA_KERNEL_FLAGS) $(CUDA_KERNEL_LEVEL) -Isrc -I$(BUILD)/cuda -x c -c $< -o $@

# The table of the kernels is made of the objects' symbols; that of what the library's CPU may do is cuda/missing.txt.
$(CUDA_HOST_FOLDER)/host_kernels.def: $(CUDA_KERNEL_OBJECTS)
	$(QUIET)$(NM) -g --defined-only $^ | awk '$$2 == "T" { print "HOST_KERNEL(" $$3 ")" }' | LC_ALL=C sort >$@.new && mv $@.new $@
$(CUDA_HOST_FOLDER)/host_missing.def: cuda/missing.txt
	@mkdir -p $(@D)
	$(QUIET)awk '/^[A-Z]/ { print "MISSING(" $$1 ", " $$2 ")" }' $< >$@.new && mv $@.new $@

# The plan is the plug-in's own.
CUDA_PLAN_OBJECTS := $(filter $(BUILD)/cuda/plan%.o,$(CUDA_OBJECTS))
$(CUDA_HOST_FOLDER)/host.o: tests/cuda/host.c tests/device/late.c cuda/plan.h cuda/kernels/arguments.h cuda/kernels/portable.h \
		$(CUDA_HOST_FOLDER)/host_kernels.def $(CUDA_HOST_FOLDER)/host_missing.def $(PUBLIC_HEADERS) $(FLAGS)
	$(call say,CC  )
	$(QUIET)$(CC) -std=c11 -D_GNU_SOURCE -Wall -Wextra -Iinclude -Icuda -I$(CUDA_HOST_FOLDER) $(CPPFLAGS) $(CFLAGS) -fPIC \
		-fvisibility=hidden -c $< -o $@
$(CUDA_HOST): $(CUDA_HOST_FOLDER)/host.o $(CUDA_PLAN_OBJECTS) $(CUDA_KERNEL_OBJECTS)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) -shared -pthread $(CFLAGS) $^ -o $@ $(LDFLAGS) -lm

# All programs of the device battery (tests/device/device.mk) hold. The short part has each family of kernels once.
CUDA_HOST_SHORT := $(addprefix test_,activations along attention batch_norm bfloat16 conv_options ctc_loss drops elementwise embedding \
	fold groups indexing joined losses lstm norms optimizers pools rows step_failures)
# What takes longest of them: the products of one optimizer beside tables of the CPU.
CUDA_HOST_CASE_test_optimizers := CK_RUN_CASE=PyTorch
CUDA_HOST_ENVIRONMENT = CNN_BACKEND_PATH=$(dir $(CUDA_HOST)) CNN_DEVICE=late

.PHONY: check-cuda-host check-cuda-host-long check-cuda-kernels
CHECK_EXTRA += check-cuda-host
CHECK_BUILD += $(CUDA_HOST)
CHECK_LONG += check-cuda-host-long check-cuda-kernels
CUDA_HOST_PROGRAMS := $(CUDA_HOST_SHORT:%=$(BUILD)/tests/%)
CUDA_HOST_COUNT := $(words $(CUDA_HOST_PROGRAMS))
check-cuda-host: $(CUDA_HOST) $(CUDA_HOST_PROGRAMS)
	@$(foreach p,$(CUDA_HOST_SHORT),$(CUDA_HOST_ENVIRONMENT) $(CUDA_HOST_CASE_$(p)) $(BUILD)/tests/$(p) &&) true
	@echo "check-cuda-host: $(CUDA_HOST_COUNT) test programs, with each family of kernels, hold on the CUDA kernels as compiled for the CPU; no GPU was used"

# What takes these programs minutes is the size of their products, which is not what they are about here: a loop over the threads of a
# block is slow, as an instrument is. The tape's memory goes through fewer steps (CNN_TEST_SHAPES), and of the nets, whose layers
# test_zoo_parts and the others have, one is trained (CNN_TEST_ZOO). CUDA_HOST_FULL=1 runs them as the CPU does.
CUDA_HOST_SHORTENED := test_tape_memory test_zoo
CUDA_HOST_SPARED = $(if $(filter 1,$(CUDA_HOST_FULL)),, ($(CUDA_HOST_SHORTENED) in part))
ifeq ($(CUDA_HOST_RUN)$(CUDA_HOST_FULL),1)
$(CUDA_HOST_SHORTENED:%=run-%): TEST_WRAPPER = env CNN_TEST_SHAPES=2 CNN_TEST_ZOO=resnet20
endif
check-cuda-host-long:
	@+$(MAKE) $(JOBS) --no-print-directory $(DEVICE_TESTS:%=$(BUILD)/tests/%) $(CUDA_HOST)
	@+$(CUDA_HOST_ENVIRONMENT) CK_TIMEOUT_MULTIPLIER=20 tests/count.sh $(CUDA_HOST_FOLDER)/results $(MAKE) $(JOBS) -k \
		--no-print-directory CUDA_HOST_RUN=1 RESULTS=$(CUDA_HOST_FOLDER)/results $(DEVICE_TESTS:%=run-%)
	@echo "check-cuda-host-long: $(words $(DEVICE_TESTS)) test programs hold on the CUDA kernels as compiled for the CPU$(CUDA_HOST_SPARED); no GPU was used"

$(CUDA_HOST_FOLDER)/compile_kernels: tests/cuda/compile_kernels.c
	@mkdir -p $(@D)
	$(QUIET)$(CC) -std=c11 -D_GNU_SOURCE -Wall -Wextra $(CPPFLAGS) $(CFLAGS) $< -o $@ $(LDFLAGS) -ldl
check-cuda-kernels: $(CUDA_HOST_FOLDER)/compile_kernels $(CUDA_TEXTS)
	@tools/check-cuda-kernels.sh $(CUDA_ARCHITECTURES) $(CUDA_HOST_FOLDER) $(CUDA_TEXTS)

# ---- the plug-in on the stand-in ----
CUDA_TESTS := $(BUILD)/tests/cuda
CUDA_STANDIN := $(CUDA_TESTS)/standin/libcuda.so.1
CUDA_REFERENCE := $(CUDA_TESTS)/reference/libcnn-cuda.so
CUDA_REFERENCE_OBJECTS := $(filter-out $(BUILD)/cuda/plan%.o $(BUILD)/cuda/modules.o,$(CUDA_OBJECTS)) $(CUDA_TESTS)/plan_reference.o

$(CUDA_TESTS)/plan_reference.o: tests/cuda/plan_reference.c $(FLAGS)
	@mkdir -p $(@D)
	$(call say,CC  )
	$(QUIET)$(cuda_compile) -Itests/cuda -c $< -o $@
-include $(CUDA_TESTS)/plan_reference.d

$(CUDA_REFERENCE): $(CUDA_REFERENCE_OBJECTS) cuda/libcnn-cuda.map
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(cuda_link) $(CUDA_REFERENCE_OBJECTS) -ldl -lm

# The kernels themselves are in it, compiled for the host.
CUDA_HOST_KERNELS = $(CUDA_KERNEL_OBJECTS) $(CUDA_HOST_FOLDER)/host_kernels.def
# One object under the names of all four libraries.
CUDA_STANDIN_SOURCES := $(wildcard tests/cuda/standin*.c)
$(CUDA_STANDIN): $(CUDA_STANDIN_SOURCES) $(wildcard tests/cuda/*.h) $(wildcard cuda/driver/*.h) cuda/plan.h cuda/steps.def $(CUDA_HOST_KERNELS) $(SHARED)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) -std=c11 -D_GNU_SOURCE -Wall -Wextra -Iinclude -Icuda -Itests/cuda -I$(CUDA_HOST_FOLDER) $(CPPFLAGS) $(CFLAGS) -fPIC -fvisibility=hidden -shared \
		-Wl,-soname,libcuda-standin.so $(CUDA_STANDIN_SOURCES) $(CUDA_KERNEL_OBJECTS) -o $@ $(LDFLAGS) -L$(LIB) \
		$(call rpath,$(@D)) -lcnn -ldl -lm -pthread
	@for name in libcublasLt.so.13 libcudnn.so.9 libnvrtc.so.13; do ln -sf libcuda.so.1 $(@D)/$$name; done

# Made by the rule of tests/example.
CUDA_DIGITS := $(BUILD)/tests/digits/synthetic/t10k-labels-idx1-ubyte
CHECK_BUILD += $(CUDA_STANDIN) $(CUDA_REFERENCE)
.PHONY: check-cuda check-cuda-long
CUDA_ON_STANDIN = XDG_CACHE_HOME=$(call quoted,$(abspath $(CUDA_TESTS))/cache) \
	CNN_CUDA_LIBRARIES=$(call quoted,$(abspath $(dir $(CUDA_STANDIN)))) CNN_BACKEND_PATH=$(call quoted,$(abspath $(dir $(CUDA_SHARED))))
# Programs on the plug-in with the CPU's kernels (setting.h).
CUDA_PROGRAMS := $(addprefix $(CUDA_TESTS)/test_,cuda failures cache)
$(CUDA_PROGRAMS): tests/cuda/setting.h
$(CUDA_PROGRAMS): TEST_CFLAGS = -DCUDA_REFERENCE_FOLDER='"$(BUILD)/tests/cuda/reference"' -DCUDA_STANDIN_FOLDER='"$(BUILD)/tests/cuda/standin"'
$(CUDA_TESTS)/test_steps: TEST_CFLAGS = -DCUDA_FOLDER='"$(BUILD)/cuda"' -DCUDA_STANDIN_FOLDER='"$(BUILD)/tests/cuda/standin"'
CHECK_BUILD += $(CUDA_PROGRAMS) $(CUDA_TESTS)/test_steps
CHECK_EXTRA += check-cuda
check-cuda: $(CUDA_PROGRAMS) $(CUDA_TESTS)/test_steps $(CUDA_STANDIN) $(CUDA_REFERENCE) $(CUDA_SHARED) $(BUILD)/examples/mnist_cnn \
		$(CUDA_DIGITS)
	@$(foreach p,$(CUDA_PROGRAMS) $(CUDA_TESTS)/test_steps,$(p) &&) true
	@$(CUDA_ON_STANDIN) tests/cuda/calls.sh $(BUILD)/examples/mnist_cnn $(dir $(CUDA_DIGITS))

# Programs for a GPU (tools/gpu-check.sh) or the stand-in: operations beside the CPU, and failures.
$(CUDA_TESTS)/grid $(CUDA_TESTS)/gpu_errors: $(CUDA_TESTS)/%: tests/cuda/%.c $(PUBLIC_HEADERS) $(SHARED)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) -std=c11 -D_GNU_SOURCE -Wall -Wextra -Iinclude $(CPPFLAGS) $(CFLAGS) $< -o $@ $(LDFLAGS) -L$(LIB) $(call rpath,$(@D)) -lcnn -ldl -lm

# The queue, graphs, products by cuBLASLt and convolutions by cuDNN are in it, which check-cuda-host goes past. Groups of cases are told that
# a device is there by CNN_DEVICE; each program has a family of kernels.
CUDA_BATTERY := $(CUDA_HOST_SHORT) test_resident
CHECK_LONG += check-cuda-long
# The plug-in itself, with the kernels compiled for the host, and an epoch of the example on both kinds.
check-cuda-long: $(CUDA_TESTS)/test_failures $(CUDA_TESTS)/grid $(CUDA_TESTS)/gpu_errors $(CUDA_STANDIN) $(CUDA_REFERENCE) $(CUDA_SHARED) \
		$(BUILD)/examples/mnist_cnn $(CUDA_DIGITS) $(CUDA_BATTERY:%=$(BUILD)/tests/%)
	@CNN_TEST_CUDA=all $(CUDA_TESTS)/test_failures
	@$(CUDA_ON_STANDIN) $(CUDA_TESTS)/grid
	@CNN_STANDIN_MEMORY=500000000 $(CUDA_ON_STANDIN) $(CUDA_TESTS)/gpu_errors
	@$(CUDA_ON_STANDIN) $(CUDA_TESTS)/gpu_errors fault
	@$(foreach p,$(CUDA_BATTERY),$(CUDA_ON_STANDIN) CNN_DEVICE=cuda CK_TIMEOUT_MULTIPLIER=20 $(CUDA_HOST_CASE_$(p)) $(BUILD)/tests/$(p) &&) true
	@$(CUDA_ON_STANDIN) tests/cuda/epoch.sh $(BUILD)/examples/mnist_cnn $(dir $(CUDA_DIGITS)) $(CUDA_REFERENCE)
	@echo "check-cuda-long: on a stand-in for NVIDIA's libraries, with the kernels as compiled for the CPU, the back end reports each failing call,"
	@echo "    agrees with the CPU within the bounds of docs/cuda-kernels.md, holds $(words $(CUDA_BATTERY)) test programs and trains the example with the same bits in each run; no GPU was used"

endif
