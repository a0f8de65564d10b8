# Tests: each tests/test_*.c is a program of its own, linked statically so that it can see the inside.
#   CHECK_EXTRA  targets that `make check` runs besides the programs; a room's .mk appends its own
#   CHECK_BUILD  what is built before any of them runs, so that targets that run at once build nothing twice
#   CHECK_LONG   targets that take too long for `make check`: `make check-long` runs them
TEST_SUPPORT := $(wildcard tests/support/*.c)
# Those of libcnn-image and libcnn-onnx run where these are built.
TESTS := $(filter-out $(if $(HAVE_IMAGE),,test_image_%) $(if $(HAVE_ONNX),,test_onnx_%),$(patsubst tests/%.c,%,$(wildcard tests/test_*.c)))
TEST_PROGRAMS := $(TESTS:%=$(BUILD)/tests/%)
CHECK_LIBS = $(shell $(PKG_CONFIG) --libs check 2>/dev/null || echo -lcheck)
RESULTS := $(BUILD)/tests/results

# The optimizers of the public header, one line each, for tests that hold for all (tests/support/optimizers.h).
GENERATED := $(BUILD)/generated
OPTIMIZERS := $(GENERATED)/optimizers.def
$(OPTIMIZERS): tests/support/optimizers.awk $(wildcard include/cnn/optim/*.h)
	@mkdir -p $(@D)
	$(QUIET)awk -f $^ >$@.new && mv $@.new $@

.PHONY: test-programs
test-programs: $(TEST_PROGRAMS)
$(BUILD)/tests/%: tests/%.c $(TEST_SUPPORT) $(wildcard tests/support/*.h) $(OPTIMIZERS) $(STATIC) $(FLAGS)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) -std=c11 -D_GNU_SOURCE -Wall -Wextra -Iinclude -Isrc -Itests -I$(GENERATED) -pthread $(CPPFLAGS) $(CFLAGS) $(TEST_CFLAGS) $< \
		$(TEST_SUPPORT) -o $@ $(LDFLAGS) $(STATIC) $(CHECK_LIBS) $(TEST_LIBS) $(ZLIB_LIBS) -lm

# The source that these tests include.
$(BUILD)/tests/test_bar: examples/common/bar.c examples/common/bar.h
$(BUILD)/tests/test_events: $(foreach name,events graph message png,examples/common/$(name).c examples/common/$(name).h)
$(BUILD)/tests/test_ink: examples/common/ink.c examples/common/ink.h

# The sources that these tests are linked with.
RESIDENT_SOURCES := examples/common/resident.c examples/mnist_cnn/augment.c examples/cifar10/moves.c
$(BUILD)/tests/test_resident: $(RESIDENT_SOURCES) $(RESIDENT_SOURCES:.c=.h)
$(BUILD)/tests/test_resident: TEST_CFLAGS = -Iexamples $(RESIDENT_SOURCES)

# The nets of examples/zoo; all of them in make check-long.
ZOO_TESTS := test_zoo test_zoo_parts test_onnx_load_faults test_onnx_training
$(ZOO_TESTS:%=$(BUILD)/tests/%): $(ZOO_NETS) tests/support/zoo_recipe.h
$(ZOO_TESTS:%=$(BUILD)/tests/%): TEST_CFLAGS = -Iexamples/zoo $(ZOO_NETS)
CHECK_LONG += check-zoo-long
.PHONY: check-zoo-long
check-zoo-long: $(BUILD)/tests/test_zoo
	@CNN_TEST_ZOO=all $<

# Compressed archives are read where there is zlib.
$(BUILD)/tests/test_numpy: TEST_CFLAGS = $(if $(HAVE_ZLIB),-DCNN_HAVE_ZLIB)

HAVE_JANSSON = $(shell printf '$(HASH)include <jansson.h>\n' | $(CC) $(CPPFLAGS) -E -x c - >/dev/null 2>&1 && echo 1)
$(BUILD)/tests/test_json $(BUILD)/tests/test_profile: TEST_CFLAGS = $(if $(HAVE_JANSSON),-DCNN_HAVE_JANSSON)
$(BUILD)/tests/test_json $(BUILD)/tests/test_profile: TEST_LIBS = $(if $(HAVE_JANSSON),-ljansson)

IMAGE_TESTS := $(filter test_image_%,$(TESTS))
$(IMAGE_TESTS:%=$(BUILD)/tests/%): $(IMAGE_STATIC)
$(IMAGE_TESTS:%=$(BUILD)/tests/%): TEST_LIBS = $(IMAGE_STATIC) $(STATIC) $(IMAGE_LIBS)

ONNX_TESTS := $(filter test_onnx_%,$(TESTS))
$(ONNX_TESTS:%=$(BUILD)/tests/%): $(ONNX_STATIC)
$(ONNX_TESTS:%=$(BUILD)/tests/%): TEST_LIBS = $(ONNX_STATIC) $(STATIC)

# Groups of processes without MPI; tests/mpi has those with one.
GROUP_TESTS := $(filter test_group test_group_%,$(TESTS))
$(GROUP_TESTS:%=$(BUILD)/tests/%): $(MPI_OBJECTS)
$(GROUP_TESTS:%=$(BUILD)/tests/%): TEST_LIBS = $(MPI_OBJECTS) $(STATIC)

# ---- make check ----
# It installs what it lacks, builds everything, runs everything at once (nothing stops the others), and counts.
.PHONY: check check-programs
CHECK_EXTRA += check-ops
CHECK_BUILD += all test-programs

check:
	@tools/install-dependencies.sh build test image mpi
	@+$(MAKE) $(JOBS) --no-print-directory $(sort $(CHECK_BUILD))
	@+tests/count.sh $(RESULTS) $(MAKE) $(JOBS) -k --no-print-directory check-programs $(addprefix run-,$(sort $(CHECK_EXTRA)))
check-programs: $(TESTS:%=run-%)

# make test-ops CASE=PyTorch: one program, one case of it
.PHONY: $(TESTS:test_%=test-%)
$(TESTS:test_%=test-%): test-%: $(BUILD)/tests/test_%
	@$(if $(CASE),CK_RUN_CASE=$(call quoted,$(CASE))) $<

# TEST_WRAPPER: what the programs run under, such as valgrind.
.PHONY: $(TESTS:%=run-%)
$(TESTS:%=run-%): run-%: $(BUILD)/tests/%
	@tests/run.sh $* $(RESULTS) $(TEST_WRAPPER) $(BUILD)/tests/$*
run-check-%:
	@+tests/run.sh check-$* $(RESULTS) $(MAKE) --no-print-directory check-$*

CHECK_LONG += check-trust
.PHONY: check-long
check-long:
	@+for target in $(sort $(CHECK_LONG)); do $(MAKE) --no-print-directory $$target || exit 1; done

.PHONY: check-ops
check-ops:
	@tools/check-ops.sh

# ---- the same programs under sanitizers and valgrind, each kind in a folder of its own ----
# A slow run takes fewer and smaller shapes; which kinds of shape there are stays the same.
SLOW_RUN := CNN_TEST_SHAPES=2 CNN_TEST_ZOO=resnet20 CK_TIMEOUT_MULTIPLIER=20
RUN_asan := CNN_TEST_SHAPES=8 CK_TIMEOUT_MULTIPLIER=5 ASAN_OPTIONS=strict_string_checks=1:allocator_may_return_null=1 \
	UBSAN_OPTIONS=print_stacktrace=1
RUN_tsan := $(SLOW_RUN) TSAN_OPTIONS=allocator_may_return_null=1:halt_on_error=1:second_deadlock_stack=1
# The sanitizers of addresses and of undefined behaviour share one build and one run.
SANITIZE_asan := -fsanitize=address,undefined -fno-sanitize-recover=all
SANITIZE_tsan := -fsanitize=thread

# sanitized,KIND: the variables of a make that works in that kind's folder
sanitized = BUILD=$(BUILD)/$(1) LIB=$(BUILD)/$(1)/lib HARDEN= CFLAGS="-O1 -g -fno-omit-frame-pointer $(SANITIZE_$(1))" \
	LDFLAGS=$(call quoted,$(LDFLAGS) $(SANITIZE_$(1)))

# Programs about the values of many elements take valgrind and the thread sanitizer minutes each: make check-long runs those.
VALUE_TESTS := test_conv_kernels test_conv_values test_convolutions test_elementary test_elementwise test_kernels test_long_sums \
	test_math_mode test_nonfinite test_norm_kernels test_onnx_training test_optimizers test_zoo_parts
TESTS_tsan = TESTS=$(call quoted,$(filter-out $(VALUE_TESTS),$(TESTS)))
SANITIZER_CHECKS := check-asan check-tsan
.PHONY: $(SANITIZER_CHECKS) check-valgrind check-tsan-long
$(SANITIZER_CHECKS): check-%:
	@tools/install-dependencies.sh build test image
	@+$(MAKE) $(JOBS) --no-print-directory $(call sanitized,$*) $(TESTS_$*) test-programs
	@+$(RUN_$*) tests/count.sh $(BUILD)/$*/tests/results $(MAKE) $(JOBS) -k --no-print-directory $(call sanitized,$*) $(TESTS_$*) \
		check-programs

CHECK_LONG += check-tsan-long
check-tsan-long:
	@+$(MAKE) --no-print-directory check-tsan TESTS_tsan="TESTS='$(VALUE_TESTS)'"

VALGRIND := --tool=memcheck --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,possible -q
# test_training, test_image_memory, test_onnx_load_faults, test_onnx_memory and test_onnx_save_faults take the place of malloc, which valgrind does too; make check runs them.
# It computes in one rounding mode and long double in 64 bits (test_hyperbolic), takes what a cancelled thread of a test had for lost, and sees glibc's setlocale() leak.
# So do those of every operation, of which the sanitizers see each access.
VALGRIND_LONG := $(VALUE_TESTS) test_attention test_bfloat16 test_drops test_losses test_many_parameters test_norms \
	test_order test_packed_weights test_ops test_ops_battery test_ops_bfloat16 test_rnn test_tape_memory test_zoo
VALGRIND_TESTS := $(filter-out test_training test_image_memory test_onnx_load_faults test_onnx_memory test_onnx_save_faults test_float_mode test_hyperbolic test_cancel test_text \
	$(VALGRIND_LONG),$(TESTS))
CHECK_LONG += check-valgrind-long
.PHONY: check-valgrind-long
check-valgrind-long:
	@+$(MAKE) --no-print-directory check-valgrind VALGRIND_TESTS='$(VALGRIND_LONG)'
valgrind_run = tests/count.sh $(BUILD)/valgrind/tests/results $(MAKE) $(JOBS) -k --no-print-directory BUILD=$(BUILD)/valgrind \
	LIB=$(BUILD)/valgrind/lib CFLAGS="-O2 -g" TEST_WRAPPER="valgrind $(VALGRIND)" $(VALGRIND_TESTS:%=run-%)
check-valgrind:
	@tools/install-dependencies.sh build test image valgrind
	@+$(MAKE) $(JOBS) --no-print-directory BUILD=$(BUILD)/valgrind LIB=$(BUILD)/valgrind/lib CFLAGS="-O2 -g" test-programs
	@+$(SLOW_RUN) $(valgrind_run)
