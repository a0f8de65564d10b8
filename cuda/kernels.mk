# The kernels of the CUDA back end, proved without a GPU (docs/cuda-kernels.md).
#   make check-cuda-host        some of the device battery on the kernels as they are compiled for the host (part of make check)
#   make check-cuda-host-long   all of it, and two epochs of the example (part of make check-long)
#   make check-cuda-kernels     NVRTC and nvcc compile every kernel for CUDA_ARCHITECTURES, where there is either; CNN_NVRTC
#                               names libnvrtc.so.* (part of make check-long)
CUDA_ARCHITECTURES := 75,80,86,89,90,100,120
CUDA_HOST_FOLDER := $(BUILD)/cuda/host
CUDA_HOST := $(CUDA_HOST_FOLDER)/backends/libcnn-cudahost.so
CUDA_KERNEL_FILES := $(sort $(wildcard cuda/kernels/*.cu))
CUDA_KERNEL_OBJECTS := $(CUDA_KERNEL_FILES:cuda/kernels/%.cu=$(CUDA_HOST_FOLDER)/%.kernel.o)
CUDA_KERNEL_HEADERS := $(wildcard cuda/kernels/*.h) src/base/math.h src/kernels/array/math.h src/kernels/array/unary.def \
	$(CUDA_HOST_FOLDER)/enumerations.h
CUDA_PLAN_FILES := $(sort $(wildcard cuda/plan*.c))

$(CUDA_HOST_FOLDER)/enumerations.h: cuda/enumerations.awk $(wildcard include/cnn/kernels/*.h)
	@mkdir -p $(@D)
	$(QUIET)awk -f $^ >$@.new && mv $@.new $@

# As on a device no product and no sum are joined. Comparisons of an integer to itself are those of a formula for reals.
CUDA_KERNEL_FLAGS := -std=c11 -fPIC -fvisibility=hidden -fno-math-errno -fno-trapping-math -ffp-contract=off -Wall -Wextra \
	-Wno-tautological-compare
$(CUDA_KERNEL_OBJECTS): $(CUDA_HOST_FOLDER)/%.kernel.o: cuda/kernels/%.cu $(CUDA_KERNEL_FILES) $(CUDA_KERNEL_HEADERS) $(FLAGS)
	@mkdir -p $(@D)
	$(call say,CC  )
	$(QUIET)$(CC) $(CPPFLAGS) $(CFLAGS) $(CUDA_KERNEL_FLAGS) -Isrc -I$(CUDA_HOST_FOLDER) -x c -c $< -o $@

# The table of the kernels is made of the objects' symbols; that of what the library's CPU may do is cuda/missing.txt.
$(CUDA_HOST_FOLDER)/host_kernels.def: $(CUDA_KERNEL_OBJECTS)
	$(QUIET)$(NM) -g --defined-only $^ | awk '$$2 == "T" { print "HOST_KERNEL(" $$3 ")" }' | LC_ALL=C sort >$@.new && mv $@.new $@
$(CUDA_HOST_FOLDER)/host_missing.def: cuda/missing.txt
	@mkdir -p $(@D)
	$(QUIET)awk '/^[A-Z]/ { print "MISSING(" $$1 ", " $$2 ")" }' $< >$@.new && mv $@.new $@

$(CUDA_HOST): cuda/tests/host.c tests/device/late.c $(CUDA_PLAN_FILES) $(wildcard cuda/*.h cuda/*.def) $(PUBLIC_HEADERS) $(CUDA_KERNEL_OBJECTS) \
		$(CUDA_HOST_FOLDER)/host_kernels.def $(CUDA_HOST_FOLDER)/host_missing.def
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) -std=c11 -D_GNU_SOURCE -Wall -Wextra -Iinclude -Icuda -I$(CUDA_HOST_FOLDER) $(CPPFLAGS) $(CFLAGS) -fPIC -fvisibility=hidden \
		-shared cuda/tests/host.c $(CUDA_PLAN_FILES) $(CUDA_KERNEL_OBJECTS) -o $@ $(LDFLAGS) -lm -pthread

# All programs of the device battery (tests/device/device.mk) hold. The short part has each family of kernels once.
CUDA_HOST_SHORT := $(addprefix test_,activations along attention autograd batch_norm bfloat16 conv_options ctc_loss draws drops elementwise \
	embedding fold folding forward groups indexing joined losses lstm norms optimizers pools recompute rows step_failures)
CUDA_HOST_ENVIRONMENT = CNN_BACKEND_PATH=$(dir $(CUDA_HOST)) CNN_DEVICE=late

.PHONY: check-cuda-host check-cuda-host-long check-cuda-kernels
ifeq ($(PLATFORM),posix)
CHECK_EXTRA += check-cuda-host
CHECK_BUILD += $(CUDA_HOST)
CHECK_LONG += check-cuda-host-long check-cuda-kernels
endif
CUDA_HOST_PROGRAMS := $(CUDA_HOST_SHORT:%=$(BUILD)/tests/%)
CUDA_HOST_COUNT := $(words $(CUDA_HOST_PROGRAMS))
check-cuda-host: $(CUDA_HOST) $(CUDA_HOST_PROGRAMS)
	@for program in $(CUDA_HOST_PROGRAMS); do $(CUDA_HOST_ENVIRONMENT) $$program || exit 1; done
	@echo "check-cuda-host: $(CUDA_HOST_COUNT) programs"

check-cuda-host-long:
	@+$(MAKE) $(JOBS) --no-print-directory $(DEVICE_TESTS:%=$(BUILD)/tests/%) $(CUDA_HOST)
	@+$(CUDA_HOST_ENVIRONMENT) tests/count.sh $(CUDA_HOST_FOLDER)/results $(MAKE) $(JOBS) -k --no-print-directory \
		RESULTS=$(CUDA_HOST_FOLDER)/results $(DEVICE_TESTS:%=run-%)

# The sources as a device's compiler gets them.
CUDA_FLAT := $(CUDA_KERNEL_FILES:cuda/kernels/%=$(CUDA_HOST_FOLDER)/flat/%)
$(CUDA_FLAT): $(CUDA_HOST_FOLDER)/flat/%: cuda/kernels/% cuda/flatten.awk $(CUDA_KERNEL_FILES) $(CUDA_KERNEL_HEADERS)
	@mkdir -p $(@D)
	$(QUIET)awk -f cuda/flatten.awk -v folders='cuda/kernels $(CUDA_HOST_FOLDER) src' $< >$@.new && mv $@.new $@
$(CUDA_HOST_FOLDER)/compile_kernels: cuda/tests/compile_kernels.c
	@mkdir -p $(@D)
	$(QUIET)$(CC) -std=c11 -D_GNU_SOURCE -Wall -Wextra $(CPPFLAGS) $(CFLAGS) $< -o $@ $(LDFLAGS) -ldl
check-cuda-kernels: $(CUDA_HOST_FOLDER)/compile_kernels $(CUDA_FLAT)
	@tools/check-cuda-kernels.sh $(CUDA_ARCHITECTURES) $(CUDA_HOST_FOLDER) $(CUDA_FLAT)
