# Other architectures under qemu-user, each a long run with a target of its own. Programs are linked statically and see
# tests/cross/check.h instead of Check, so that a cross compiler and qemu are all they need.
#   make check-aarch64   the kernels (NEON), the operations, the mathematics and the file formats
#   make check-s390x     the same on a big-endian machine
#   make check-avx512    the kernels with AVX-512, on an emulated processor that has it (bochs.sh): for machines that have not
#   make check-cpus      the generic kernels leave the same bits on x86-64 CPUs from 2008 to today
# platforms.mk has the other systems.

CROSS_TESTS_aarch64 := math base pool tensor tensor_text draws kernels conv_kernels ops idx safetensors checkpoint io io_failures data loader
CROSS_TESTS_s390x := math base pool tensor tensor_text draws idx safetensors checkpoint io io_failures data loader
CROSS_CFLAGS_aarch64 := -O2 -g
CROSS_CFLAGS_s390x := -O2 -g
CROSS_CPUS ?= Nehalem SandyBridge Haswell EPYC max
CROSS_IMAGES ?= 33
CROSS_SHAPES ?= 20

define cross_rules
CROSS_BUILD_$(1) := $(BUILD)/$(1)
CROSS_MAKE_$(1) = $$(MAKE) --no-print-directory BUILD=$$(CROSS_BUILD_$(1)) LIB=$$(CROSS_BUILD_$(1))/lib CC=$(1)-linux-gnu-gcc \
	AR=$(1)-linux-gnu-ar HAVE_ZLIB= WERROR=0 CFLAGS='$$(CROSS_CFLAGS_$(1))'
.PHONY: check-$(1) cross-tools-$(1)
cross-tools-$(1):
	@command -v $(1)-linux-gnu-gcc >/dev/null || { echo "check-$(1) needs $(1)-linux-gnu-gcc (Debian: gcc-$(1)-linux-gnu)"; exit 1; }
	@command -v qemu-$(1) >/dev/null || { echo "check-$(1) needs qemu-$(1) (Debian: qemu-user)"; exit 1; }
check-$(1): cross-tools-$(1)
	$$(CROSS_MAKE_$(1)) cross-programs CROSS_TESTS='$$(CROSS_TESTS_$(1))'
	@failed=; for test in $$(CROSS_TESTS_$(1)); do \
		CNN_TEST_SHAPES=$$(CROSS_SHAPES) qemu-$(1) $$(CROSS_BUILD_$(1))/cross/test_$$$$test || failed="$$$$failed $$$$test"; \
	done; if [ -n "$$$$failed" ]; then echo "failed on $(1):$$$$failed"; exit 1; fi
	@! $(1)-linux-gnu-nm -A $$(CROSS_BUILD_$(1))/lib/libcnn.a | grep -E ' U (exp|log|pow|sin|cos|tanh|fma)f?$$$$$$$$'
endef
$(eval $(call cross_rules,aarch64))
$(eval $(call cross_rules,s390x))

AVX512_TESTS := draws kernels conv_kernels ops
.PHONY: check-avx512 $(AVX512_TESTS:%=check-avx512-%)
check-avx512:
	@+$(MAKE) --no-print-directory cross-programs CROSS_TESTS='$(AVX512_TESTS)'
	@+$(MAKE) $(JOBS) -k --no-print-directory $(AVX512_TESTS:%=check-avx512-%)
$(AVX512_TESTS:%=check-avx512-%): check-avx512-%:
	@tests/cross/bochs.sh $(BUILD)/bochs/$* $(BUILD)/cross/test_$* CNN_TEST_SHAPES=1 CNN_TEST_TABLE=avx512 CNN_KERNELS=avx512

.PHONY: cross-programs
cross-programs: $(CROSS_TESTS:%=$(BUILD)/cross/test_%$(CROSS_EXE))
CROSS_LINK ?= -static -pthread
CROSS_WARNINGS ?= -Wno-format-truncation
$(BUILD)/cross/test_%$(CROSS_EXE): tests/test_%.c tests/cross/check.h tests/cross/stdio_source.h $(wildcard tests/support/*.h) $(STATIC)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) -std=c11 $(PRECISION) -D_GNU_SOURCE $(PLATFORM_CPPFLAGS) -Wall $(filter -Wno-%,$(PLATFORM_CFLAGS)) $(CROSS_WARNINGS) \
		-Wno-unused-function -Itests/cross \
		-Iinclude -Isrc -Itests $(CPPFLAGS) $(CFLAGS) $< -o $@ $(LDFLAGS) $(CROSS_LINK) $(STATIC) -lm

.PHONY: check-cpus
check-cpus: $(BUILD)/trust/epoch-static
	@command -v qemu-x86_64 >/dev/null || { echo "check-cpus needs qemu-x86_64 (Debian: qemu-user)"; exit 1; }
	@here=$$(CNN_KERNELS=generic $< 1 fused $(CROSS_IMAGES)); echo "this CPU: $$here"; for cpu in $(CROSS_CPUS); do \
		there=$$(CNN_KERNELS=generic qemu-x86_64 -cpu $$cpu $< 1 fused $(CROSS_IMAGES) 2>/dev/null); echo "$$cpu: $$there"; \
		[ "$$here" = "$$there" ] || { echo "check-cpus: another result on $$cpu"; exit 1; }; done
