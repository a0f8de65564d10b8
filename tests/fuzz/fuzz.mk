# Fuzzing: `make fuzz` (libFuzzer) and `make fuzz-afl` (AFL++) run every harness for FUZZ_SECONDS; `make check` replays the
# corpora with whatever compiler there is. Findings stay in $(BUILD)/fuzz/found, new inputs in $(BUILD)/fuzz/corpus.
FUZZ_SECONDS ?= 60
FUZZ_CC ?= clang
AFL_CC ?= afl-clang-fast
FUZZ := $(filter-out $(if $(HAVE_IMAGE),,image) $(if $(HAVE_ONNX),,onnx),$(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_SHARED := tests/fuzz/support.c tests/fuzz/fuzz.h
# FUZZ_FAST=1 builds both without sanitizers, for several times as many executions: what is asserted is checked all the same. Readers in
# libraries of their own, image and onnx, then come with libcnn as it is.
FUZZ_FAST ?=
FUZZ_BUILD := $(BUILD)/fuzz$(if $(FUZZ_FAST),-fast)
AFL_BUILD := $(BUILD)/fuzz-afl$(if $(FUZZ_FAST),-fast)
FUZZ_COMPILE = -std=c11 -D_GNU_SOURCE -Wall -Wextra -Iinclude -Isrc -Itests/fuzz -pthread
FUZZ_CFLAGS := $(if $(FUZZ_FAST),-O2,-O1) -g -fno-omit-frame-pointer
FUZZ_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_SANITIZERS := $(if $(FUZZ_FAST),,$(FUZZ_SANITIZE))
# Kernels have no branches of interest, and take long to compile with sanitizers.
FUZZ_KERNELS := KERNEL_CFLAGS=-O$(if $(FUZZ_FAST),1,0)
AFL_SANITIZERS := AFL_QUIET=1 $(if $(FUZZ_FAST),,AFL_USE_ASAN=1 AFL_USE_UBSAN=1)
FUZZ_DICT_tensor := safetensors
FUZZ_DICT_module := safetensors
FUZZ_DICT_checkpoint := safetensors
FUZZ_DICT_idx := idx
FUZZ_DICT_gzip := idx
FUZZ_DICT_json := json
FUZZ_DICT_image := image
FUZZ_DICT_numpy := numpy
FUZZ_DICT_onnx := onnx
# The longest inputs: several times the largest seed.
FUZZ_LONGEST_tensor := 2048
FUZZ_LONGEST_module := 4096
FUZZ_LONGEST_checkpoint := 16384
FUZZ_LONGEST_idx := 512
FUZZ_LONGEST_gzip := 1024
FUZZ_LONGEST_json := 512
FUZZ_LONGEST_image := 4096
FUZZ_LONGEST_numpy := 2048
FUZZ_LONGEST_onnx := 4096
# fuzz_image,FOLDER: what fuzz_image and fuzz_onnx are linked with besides libcnn, whose archive in FOLDER comes behind
fuzz_image = $(FUZZ_WRAP_$*) $(if $(filter image onnx,$*),$(1)/libcnn-$*.a)
# Functions that the harness stands between.
FUZZ_WRAP_onnx := -Wl,--wrap=cnn__onnx_out -Wl,--wrap=cnn__onnx_out_host
# Harnesses that come with a libcnn for fuzzing, and those that come with the plain one.
FUZZ_PLAIN := $(if $(FUZZ_FAST),$(filter image onnx,$(FUZZ)))
FUZZ_DEEP := $(filter-out $(FUZZ_PLAIN),$(FUZZ))
# fuzz_core,FOLDER
fuzz_core = $(if $(filter $(FUZZ_PLAIN),$*),$(STATIC),$(1)/libcnn.a)
# What changes inputs in a way of its own.
FUZZ_MUTATOR_onnx := tests/fuzz/onnx_mutator.c
FUZZ_IMAGE_LIBS = $(if $(filter image,$*),$(IMAGE_LIBS))

# ---- replay ----
REPLAYS := $(if $(HAVE_ZLIB),$(FUZZ),$(filter-out gzip,$(FUZZ)))
REPLAY_PROGRAMS := $(REPLAYS:%=$(BUILD)/tests/fuzz/replay_%)
$(BUILD)/tests/fuzz/replay_%: tests/fuzz/fuzz_%.c tests/fuzz/replay.c $(FUZZ_SHARED) $(STATIC)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) $(FUZZ_COMPILE) $(CPPFLAGS) $(CFLAGS) $(filter %.c,$^) -o $@ $(LDFLAGS) $(call fuzz_image,$(LIB)) $(STATIC) $(FUZZ_IMAGE_LIBS) $(ZLIB_LIBS) -lm
$(BUILD)/tests/fuzz/replay_image: $(IMAGE_STATIC)
$(BUILD)/tests/fuzz/replay_onnx: $(ONNX_STATIC)

.PHONY: check-corpora
check-corpora: $(REPLAYS:%=check-corpus-%)
check-corpus-%: $(BUILD)/tests/fuzz/replay_%
	$(QUIET)$< tests/fuzz/corpus/$*
CHECK_EXTRA += check-corpora
CHECK_BUILD += $(REPLAY_PROGRAMS)

# Once more under the sanitizers, where a read past an end is seen. Memory that is not there is refused, as it is without them.
.PHONY: check-corpora-asan
check-corpora-asan:
	@+ASAN_OPTIONS=allocator_may_return_null=1 $(MAKE) $(JOBS) --no-print-directory check-corpora BUILD=$(BUILD)/trust-asan LIB=$(BUILD)/trust-asan/lib \
		CFLAGS='-O1 -g $(FUZZ_SANITIZE) -fno-omit-frame-pointer' HARDEN= WERROR=0
CHECK_TRUST_EXTRA += check-corpora-asan

.SECONDARY: $(REPLAY_PROGRAMS) $(FUZZ:%=$(FUZZ_BUILD)/fuzz_%) $(FUZZ:%=$(AFL_BUILD)/afl_%)

# ---- the first inputs; those of fuzz_image are pictures of tests/fixtures/images, those of fuzz_onnx come of onnx_seeds.py ----
$(BUILD)/tests/fuzz/seeds: tests/fuzz/seeds.c $(FUZZ_SHARED) $(STATIC)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) $(FUZZ_COMPILE) $(CPPFLAGS) $(CFLAGS) $(filter %.c,$^) -o $@ $(LDFLAGS) $(STATIC) $(ZLIB_LIBS) -lm

.PHONY: fuzz-seeds
fuzz-seeds: $(BUILD)/tests/fuzz/seeds
	$< tests/fuzz/corpus

# ---- dictionaries; that of ONNX models has the names of all operators, too ----
FUZZ_DICTS := $(BUILD)/fuzz-dicts
FUZZ_ALL_DICTS := $(patsubst tests/fuzz/%,$(FUZZ_DICTS)/%,$(wildcard tests/fuzz/*.dict))
$(FUZZ_DICTS)/%.dict: tests/fuzz/%.dict
	@mkdir -p $(@D)
	$(QUIET)cp $< $@
$(FUZZ_DICTS)/onnx.dict: tests/fuzz/onnx.dict onnx/operators.def tests/fuzz/onnx_words.def
	@mkdir -p $(@D)
	$(QUIET){ cat $<; sed -nE 's/^(OPERATOR|ATTRIBUTE|TEXT)\(("[^"]*").*/\2/p' onnx/operators.def tests/fuzz/onnx_words.def; } >$@

# ---- libFuzzer ----
$(FUZZ_BUILD)/lib/libcnn-image.a: $(if $(FUZZ_FAST),,$(FUZZ_BUILD)/lib/libcnn.a) $(IMAGE_SOURCES)
$(FUZZ_BUILD)/lib/libcnn-onnx.a: $(if $(FUZZ_FAST),,$(FUZZ_BUILD)/lib/libcnn.a) $(ONNX_SOURCES)
$(FUZZ_BUILD)/lib/libcnn.a: $(SOURCES) $(SIMD)
$(FUZZ_BUILD)/lib/libcnn.a $(FUZZ_BUILD)/lib/libcnn-image.a $(FUZZ_BUILD)/lib/libcnn-onnx.a:
	$(QUIET)$(MAKE) --no-print-directory BUILD=$(FUZZ_BUILD) LIB=$(FUZZ_BUILD)/lib CC=$(FUZZ_CC) WERROR=0 HARDEN= $(FUZZ_KERNELS) \
		CFLAGS="$(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link $(FUZZ_SANITIZERS)" $@

$(FUZZ_PLAIN:%=$(FUZZ_BUILD)/fuzz_%): $(STATIC)
$(FUZZ_DEEP:%=$(FUZZ_BUILD)/fuzz_%): $(FUZZ_BUILD)/lib/libcnn.a
$(FUZZ_BUILD)/fuzz_%: tests/fuzz/fuzz_%.c $(FUZZ_SHARED)
	$(call say,LINK)
	$(QUIET)$(FUZZ_CC) $(FUZZ_COMPILE) $(FUZZ_CFLAGS) -fsanitize=fuzzer $(FUZZ_SANITIZERS) $(filter %.c,$^) -o $@ \
		$(call fuzz_image,$(FUZZ_BUILD)/lib) $(call fuzz_core,$(FUZZ_BUILD)/lib) $(FUZZ_IMAGE_LIBS) -lz -lm
$(FUZZ_BUILD)/fuzz_image: $(FUZZ_BUILD)/lib/libcnn-image.a
$(FUZZ_BUILD)/fuzz_onnx: $(FUZZ_BUILD)/lib/libcnn-onnx.a $(FUZZ_MUTATOR_onnx) tests/fuzz/onnx_words.def onnx/operators.def

.PHONY: fuzz
fuzz: $(FUZZ:%=fuzz-%)
	@cat $(FUZZ:%=$(FUZZ_BUILD)/%.log) | awk '/number_of_executed_units/ { n += $$2 } END { print n " executions" }'
fuzz-%: $(FUZZ_BUILD)/fuzz_% $(FUZZ_ALL_DICTS)
	@mkdir -p $(FUZZ_BUILD)/corpus/$* $(FUZZ_BUILD)/found
	$(FUZZ_BUILD)/fuzz_$* -max_total_time=$(FUZZ_SECONDS) -max_len=$(FUZZ_LONGEST_$*) -timeout=10 -print_final_stats=1 \
		-dict=$(FUZZ_DICTS)/$(FUZZ_DICT_$*).dict -artifact_prefix=$(FUZZ_BUILD)/found/$*- \
		$(FUZZ_BUILD)/corpus/$* tests/fuzz/corpus/$* >$(FUZZ_BUILD)/$*.log 2>&1 || { tail -40 $(FUZZ_BUILD)/$*.log; false; }
	@grep number_of_executed_units $(FUZZ_BUILD)/$*.log

# Takes into tests/fuzz/corpus those inputs that reach something that the inputs there do not.
.PHONY: fuzz-merge
fuzz-merge: $(FUZZ:%=fuzz-merge-%)
fuzz-merge-%: $(FUZZ_BUILD)/fuzz_%
	$< -merge=1 tests/fuzz/corpus/$* $(FUZZ_BUILD)/corpus/$*

# ---- AFL++ ----
$(AFL_BUILD)/lib/libcnn-image.a: $(if $(FUZZ_FAST),,$(AFL_BUILD)/lib/libcnn.a) $(IMAGE_SOURCES)
$(AFL_BUILD)/lib/libcnn-onnx.a: $(if $(FUZZ_FAST),,$(AFL_BUILD)/lib/libcnn.a) $(ONNX_SOURCES)
$(AFL_BUILD)/lib/libcnn.a: $(SOURCES) $(SIMD)
$(AFL_BUILD)/lib/libcnn.a $(AFL_BUILD)/lib/libcnn-image.a $(AFL_BUILD)/lib/libcnn-onnx.a:
	$(QUIET)$(AFL_SANITIZERS) $(MAKE) --no-print-directory BUILD=$(AFL_BUILD) LIB=$(AFL_BUILD)/lib \
		CC=$(AFL_CC) WERROR=0 HARDEN= $(FUZZ_KERNELS) CFLAGS="$(FUZZ_CFLAGS)" $@

$(FUZZ_PLAIN:%=$(AFL_BUILD)/afl_%): $(STATIC)
$(FUZZ_DEEP:%=$(AFL_BUILD)/afl_%): $(AFL_BUILD)/lib/libcnn.a
$(AFL_BUILD)/afl_%: tests/fuzz/fuzz_%.c $(FUZZ_SHARED)
	$(call say,LINK)
	$(QUIET)$(AFL_SANITIZERS) $(AFL_CC) $(FUZZ_COMPILE) $(FUZZ_CFLAGS) -fsanitize=fuzzer $(filter %.c,$^) \
		-o $@ $(call fuzz_image,$(AFL_BUILD)/lib) $(call fuzz_core,$(AFL_BUILD)/lib) $(FUZZ_IMAGE_LIBS) -lz -lm
$(AFL_BUILD)/afl_image: $(AFL_BUILD)/lib/libcnn-image.a
$(AFL_BUILD)/afl_onnx: $(AFL_BUILD)/lib/libcnn-onnx.a
$(AFL_BUILD)/mutate_%.so: tests/fuzz/%_mutator.c tests/fuzz/onnx_words.def onnx/operators.def
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(FUZZ_CC) -std=c11 -O2 -DFUZZ_FOR_AFL -shared -fPIC $< -o $@

AFL_SETTINGS := AFL_NO_UI=1 AFL_NO_AFFINITY=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 \
	ASAN_OPTIONS=abort_on_error=1:symbolize=0:detect_leaks=0 UBSAN_OPTIONS=abort_on_error=1:symbolize=0
.PHONY: fuzz-afl
fuzz-afl: $(FUZZ:%=afl-%)
	@cat $(FUZZ:%=$(AFL_BUILD)/out/%/default/fuzzer_stats) | awk '/^execs_done/ { n += $$3 } END { print n " executions" }'
	@! ls -d $(AFL_BUILD)/out/*/default/crashes/id* 2>/dev/null
afl-onnx: $(AFL_BUILD)/mutate_onnx.so
afl-%: $(AFL_BUILD)/afl_% $(FUZZ_ALL_DICTS)
	@mkdir -p $(AFL_BUILD)/out
	$(AFL_SETTINGS) $(if $(FUZZ_MUTATOR_$*),AFL_CUSTOM_MUTATOR_LIBRARY=$(abspath $(AFL_BUILD)/mutate_$*.so)) afl-fuzz -t 10000 -i tests/fuzz/corpus/$* -o $(AFL_BUILD)/out/$* -V $(FUZZ_SECONDS) -G $(FUZZ_LONGEST_$*) \
		-x $(FUZZ_DICTS)/$(FUZZ_DICT_$*).dict -- $< >$(AFL_BUILD)/$*.log 2>&1 || { tail -20 $(AFL_BUILD)/$*.log; false; }
	@grep execs_done $(AFL_BUILD)/out/$*/default/fuzzer_stats
