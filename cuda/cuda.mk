# libcnn-cuda: the back end for NVIDIA's GPUs, a shared object that libcnn finds at run time (docs/cuda.md). It needs nothing of
# CUDA to be built: it opens NVIDIA's libraries itself. It is built where the platform is POSIX.
#   make cuda   build/cuda/libcnn-cuda.so (part of make)
HAVE_CUDA := $(if $(filter posix,$(PLATFORM)),$(if $(DARWIN),,1))
CUDA_SOURCES := $(sort $(wildcard cuda/*.c))
CUDA_OBJECTS := $(CUDA_SOURCES:%.c=$(BUILD)/%.o) $(BUILD)/cuda/modules.o
# In the order of planner.h; modules of doubles follow.
CUDA_MODULES := elements reductions indices products layers losses attention optimizers elements_f64 reductions_f64 products_f64 \
	layers_f64 losses_f64 attention_f64 optimizers_f64
CUDA_SHARED := $(BUILD)/cuda/libcnn-cuda.so

.PHONY: cuda
cuda: $(if $(HAVE_CUDA),$(CUDA_SHARED))
lib: cuda

$(CUDA_OBJECTS): $(FLAGS)
# It decides what a GPU does; the time is spent there.
cuda_compile = $(CC) $(STRICT) $(PRECISION) $(PLATFORM_CFLAGS) -fvisibility=hidden -Iinclude -Icuda \
	$(if $(findstring -O0,$(CFLAGS)),,$(HARDEN)) $(CPPFLAGS) $(CFLAGS) -ffp-contract=off $(PREFIX_MAP) -MMD -MP
$(BUILD)/cuda/%.o: cuda/%.c
	@mkdir -p $(@D)
	$(call say,CC  )
	$(QUIET)$(cuda_compile) -c $< -o $@

# Enumerations of the public headers, for the kernels.
$(BUILD)/cuda/enumerations.h: cuda/enumerations.awk $(wildcard include/cnn/kernels/*.h)
	@mkdir -p $(@D)
	$(QUIET)awk -f $^ >$@.new && mv $@.new $@

# The sources of the kernels are part of the object, as texts that include nothing: a device's compiler has no files.
CUDA_KERNEL_FILES := $(sort $(wildcard cuda/kernels/*.cu))
CUDA_KERNEL_HEADERS := $(wildcard cuda/kernels/*.h) src/base/math.h src/kernels/simd/map/math.h src/kernels/array/unary.def \
	$(BUILD)/cuda/enumerations.h
CUDA_TEXTS := $(CUDA_MODULES:%=$(BUILD)/cuda/flat/%.cu)
$(CUDA_TEXTS): $(BUILD)/cuda/flat/%: cuda/kernels/% cuda/flatten.awk $(CUDA_KERNEL_FILES) $(CUDA_KERNEL_HEADERS)
	@mkdir -p $(@D)
	$(QUIET)awk -f cuda/flatten.awk -v folders='cuda/kernels $(BUILD)/cuda src' $< >$@.new && mv $@.new $@
$(BUILD)/cuda/modules.c: cuda/modules.sh $(CUDA_TEXTS)
	$(QUIET)cuda/modules.sh $(CUDA_TEXTS) >$@.new && mv $@.new $@
$(BUILD)/cuda/modules.o: $(BUILD)/cuda/modules.c cuda/plan.h
	$(call say,CC  )
	$(QUIET)$(cuda_compile) -c $< -o $@

cuda_link = $(CC) -shared -pthread $(CFLAGS) $(LDFLAGS) $(RELRO) -Wl,--version-script=cuda/libcnn-cuda.map -o $@
$(CUDA_SHARED): $(CUDA_OBJECTS) cuda/libcnn-cuda.map
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(cuda_link) $(CUDA_OBJECTS) -ldl -lm

-include $(CUDA_OBJECTS:.o=.d)
