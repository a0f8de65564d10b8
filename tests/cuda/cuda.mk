# The CUDA back end without a GPU: a stand-in for NVIDIA's libraries (standin.h), on which the plug-in itself runs. A plug-in of
# its own kind (plan_reference.c) computes with the CPU's kernels, so that its results have the CPU's bits.
#   make check-cuda        everything that takes seconds (part of make check)
#   make check-cuda-long   every call of every library fails once; an epoch of MNIST
ifneq ($(HAVE_CUDA),)
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

# The kernels themselves are in it, compiled for the host (cuda/kernels.mk).
CUDA_HOST_KERNELS = $(CUDA_KERNEL_OBJECTS) $(CUDA_HOST_FOLDER)/host_kernels.def
# One object under the names of all four libraries.
CUDA_STANDIN_SOURCES := $(wildcard tests/cuda/standin*.c)
$(CUDA_STANDIN): $(CUDA_STANDIN_SOURCES) tests/cuda/standin.h tests/cuda/reference.h $(wildcard cuda/driver/*.h) cuda/plan.h $(CUDA_HOST_KERNELS) $(SHARED)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) -std=c11 -D_GNU_SOURCE -Wall -Wextra -Iinclude -Icuda -Itests/cuda -I$(CUDA_HOST_FOLDER) $(CPPFLAGS) $(CFLAGS) -fPIC -fvisibility=hidden -shared \
		-Wl,-soname,libcuda-standin.so $(CUDA_STANDIN_SOURCES) $(CUDA_KERNEL_OBJECTS) -o $@ $(LDFLAGS) -L$(LIB) \
		$(call rpath,$(@D)) -lcnn -ldl -lm -pthread
	@for name in libcublasLt.so.13 libcudnn.so.9 libnvrtc.so.13; do ln -sf libcuda.so.1 $(@D)/$$name; done

CHECK_BUILD += $(CUDA_STANDIN) $(CUDA_REFERENCE)
.PHONY: check-cuda check-cuda-long
CUDA_ON_STANDIN = XDG_CACHE_HOME=$(abspath $(CUDA_TESTS))/cache CNN_CUDA_LIBRARIES=$(abspath $(dir $(CUDA_STANDIN))) \
	CNN_BACKEND_PATH=$(abspath $(dir $(CUDA_SHARED)))
$(CUDA_TESTS)/test_cuda: TEST_CFLAGS = -DCUDA_REFERENCE_FOLDER='"$(BUILD)/tests/cuda/reference"' -DCUDA_STANDIN_FOLDER='"$(BUILD)/tests/cuda/standin"'
CHECK_BUILD += $(CUDA_TESTS)/test_cuda
CHECK_EXTRA += check-cuda
check-cuda: $(CUDA_TESTS)/test_cuda $(CUDA_STANDIN) $(CUDA_REFERENCE)
	@$<

# Programs for a GPU (tools/gpu-check.sh) or the stand-in: operations beside the CPU, and failures.
$(CUDA_TESTS)/grid $(CUDA_TESTS)/gpu_errors: $(CUDA_TESTS)/%: tests/cuda/%.c $(PUBLIC_HEADERS) $(SHARED)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) -std=c11 -D_GNU_SOURCE -Wall -Wextra -Iinclude $(CPPFLAGS) $(CFLAGS) $< -o $@ $(LDFLAGS) -L$(LIB) $(call rpath,$(@D)) -lcnn -lm

CHECK_LONG += check-cuda-long
# The plug-in itself, with the kernels compiled for the host, and an epoch of the example on both kinds.
check-cuda-long: $(CUDA_TESTS)/test_cuda $(CUDA_TESTS)/grid $(CUDA_TESTS)/gpu_errors $(CUDA_STANDIN) $(CUDA_REFERENCE) $(CUDA_SHARED) \
		$(BUILD)/examples/mnist_cnn $(DEVICE_DIGITS)
	@CNN_TEST_CUDA=all $<
	@$(CUDA_ON_STANDIN) $(CUDA_TESTS)/grid
	@CNN_STANDIN_MEMORY=500000000 $(CUDA_ON_STANDIN) $(CUDA_TESTS)/gpu_errors
	@$(CUDA_ON_STANDIN) tests/cuda/epoch.sh $(BUILD)/examples/mnist_cnn $(dir $(DEVICE_DIGITS)) $(CUDA_REFERENCE)

endif
