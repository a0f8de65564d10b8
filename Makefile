# libcnn's build: everything is discovered, so a new file in a room of src/ needs no line here.
#   make            the library (lib/) and the examples       make check   all tests
#   make mnist      get the data, train, print the accuracy   make help    the other targets

VERSION := $(shell sed -n 's/.*CNN_VERSION_STRING "\(.*\)"/\1/p' include/cnn/version.h)
MAJOR := $(word 1,$(subst ., ,$(VERSION)))
MINOR := $(word 2,$(subst ., ,$(VERSION)))
# Before 1.0 a minor version may break the ABI, so it is part of the SONAME.
SOVERSION := $(if $(filter 0,$(MAJOR)),$(MAJOR).$(MINOR),$(MAJOR))

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DATADIR ?= $(PREFIX)/share
BINDIR ?= $(PREFIX)/bin
BUILD ?= build
LIB ?= lib
PKG_CONFIG ?= pkg-config
INSTALL ?= install
NM ?= nm

WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
# A constant of an enumeration in a product with a double is meant: an enumerator is how a constant is written here. On x86 gcc
# warns of casts that raise the alignment only if they are looked at strictly; clang always does.
WARNINGS += $(if $(findstring clang,$(shell $(CC) --version 2>/dev/null)),-Wcast-align -Wno-enum-float-conversion,-Wcast-align=strict)
WERROR ?= 1
CFLAGS ?= -O2 -g
HARDEN ?= -D_FORTIFY_SOURCE=2 -fstack-protector-strong
HASH := \#
# quoted,TEXT: one word of the shell's, whatever is in it
quoted = '$(subst ','\'',$(1))'
# Make takes a name with spaces for several. The folder that the tree is in may have any name, for no rule says it.
$(foreach v,BUILD LIB,$(if $(filter-out 1,$(words $($(v)))),$(error $(v) is "$($(v))", expected the path of a folder, without spaces)))
HAVE_ZLIB := $(shell printf '$(HASH)include <zlib.h>\nint main(void){return zlibVersion()==0;}' | \
	$(CC) -x c - -o /dev/null -lz >/dev/null 2>&1 && echo 1)
ZLIB_LIBS := $(if $(HAVE_ZLIB),-lz)

# ---- the folder of src/platform/ that is compiled in; PLATFORM=none makes a library without threads and files on any system ----
MACHINE := $(shell $(CC) -dumpmachine)
# Apple's linker makes dylibs, which have an install name in place of a SONAME and a list of symbols in place of a version script.
# UNAME=Darwin shows with `make -n` what is done there.
UNAME ?= $(if $(findstring darwin,$(MACHINE))$(findstring macos,$(MACHINE)),Darwin)
DARWIN := $(filter Darwin,$(UNAME))
PLATFORM ?= $(if $(findstring mingw,$(MACHINE)),win32,$(if $(filter wasm%,$(MACHINE)),none,posix))
PLATFORM_CPPFLAGS := $(if $(filter none,$(PLATFORM)),-DCNN__WITHOUT_SYSTEM)
PLATFORM_CFLAGS := $(if $(filter posix,$(PLATFORM)),-fPIC -pthread)
# The formats of printf that the compiler knows on Windows are those of an old C library, and isnan() converts its argument there; both are
# checked on POSIX. gcc does
# not align the stack there for its widest vectors (bug 54412), so they are moved as if they were not aligned.
ifeq ($(PLATFORM),win32)
PLATFORM_CPPFLAGS := -D__USE_MINGW_ANSI_STDIO=1
PLATFORM_CFLAGS := -Wno-format -Wno-float-conversion -Wa,-muse-unaligned-vector-move
endif

# C11 to the letter computes floats as doubles on s390x, which vectors do not.
PRECISION := $(if $(filter s390x-%,$(MACHINE)),-fexcess-precision=fast)
STRICT := -std=c11 -D_GNU_SOURCE $(PLATFORM_CPPFLAGS) $(WARNINGS) $(if $(filter 1,$(WERROR)),-Werror)
ALL_CFLAGS = $(STRICT) $(PRECISION) $(PLATFORM_CFLAGS) -fvisibility=hidden -Iinclude -Isrc \
	$(if $(HAVE_ZLIB),-DCNN_HAVE_ZLIB) $(if $(findstring -O0,$(CFLAGS)),,$(HARDEN)) $(CPPFLAGS) $(CFLAGS) -ffp-contract=off -fno-math-errno
# The same library, debugging information and all, comes out of a folder of any name. No part of FLAGS: a tree that is moved is not
# compiled again.
PREFIX_MAP := -fdebug-prefix-map=$(call quoted,$(CURDIR))=.
# src/platform/target.h refuses -ffast-math and its parts where a macro shows them. Clang has none for these parts; and what gcc links
# flushes denormals in every program that loads the library.
UNSAFE_MATH := $(filter -funsafe-math-optimizations -fassociative-math -freciprocal-math -fno-signed-zeros,$(CPPFLAGS) $(CFLAGS)) \
	$(filter -ffast-math -Ofast -funsafe-math-optimizations,$(LDFLAGS))
$(if $(strip $(UNSAFE_MATH)),$(error libcnn is not compiled or linked with $(strip $(UNSAFE_MATH)): src/platform/target.h says why))
# The addresses within the library that the loader fills in take a bit each in place of 24 bytes, where it knows that form (glibc 2.36,
# musl 1.2.4), which only a program that runs can tell.
PACK_RELOCATIONS := $(if $(filter posix,$(PLATFORM)),$(shell probe=$$(mktemp) && \
	printf 'int x, *volatile p = &x; int main(void) { return p != &x; }' | \
	$(CC) -x c - -fPIE -pie -o "$$probe" -Wl,--fatal-warnings,-z,pack-relative-relocs >/dev/null 2>&1 && "$$probe" && \
	echo -Wl,-z,pack-relative-relocs; rm -f "$$probe"))
# Constants lie with the code, in one part of the file that is mapped in one piece: parts of their own would be filled up to pages.
FEW_PAGES := $(if $(filter posix,$(PLATFORM)),$(shell probe=$$(mktemp) && printf 'int x;' | \
	$(CC) -x c - -fPIC -shared -o "$$probe" -Wl,--fatal-warnings,-z,noseparate-code >/dev/null 2>&1 && echo -Wl,-z,noseparate-code; rm -f "$$probe"))
PROGRAM_RELRO := $(if $(DARWIN),,-pie -Wl,-z,relro,-z,now)
RELRO := $(if $(DARWIN),,-Wl,-z,defs -Wl,-z,relro,-z,now,-z,noexecstack $(PACK_RELOCATIONS) $(FEW_PAGES))

# ---- the instruction sets that src/kernels/simd/ is compiled for, once each ----
ifneq (,$(filter x86_64-%,$(MACHINE)))
ISAS := sse2 avx2 avx512
else ifneq (,$(filter aarch64-% arm64-%,$(MACHINE)))
ISAS := neon
else
ISAS := generic
endif
# On x86-64 each set is compiled for that set alone, whatever -march is in CFLAGS: with another the generic kernels would fuse their
# products and sums, and the others would be scheduled differently, which shows in the bits of results.
X86_64 := -march=x86-64 -mtune=generic -mno-sse3
# Of the sets that one library carries, the oldest is kept small.
ISA_sse2 = $(X86_64) -DCNN__VECTOR_BYTES=16 $(if $(findstring -O0,$(CFLAGS)),,-O2 -ftree-vectorize -falign-functions=1 -falign-loops=1 -falign-jumps=1 -falign-labels=1)
ISA_avx2 := $(X86_64) -DCNN__VECTOR_BYTES=32 -mavx2 -mfma -mprefer-vector-width=256 -ffp-contract=fast
ISA_avx512 := $(X86_64) -DCNN__VECTOR_BYTES=64 -mavx512f -mavx512vl -mavx512dq -mavx512bw -mavx2 -mfma \
	-mprefer-vector-width=512 -ffp-contract=fast
ISA_neon := -DCNN__VECTOR_BYTES=16 -ffp-contract=fast
ISA_generic := -DCNN__VECTOR_BYTES=16

# Targets that start a make of their own use every CPU, unless -j was given.
CPUS := $(shell nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 1)
JOBS = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(CPUS))
# So do the library and the examples.
ifeq ($(MAKELEVEL)$(filter-out all lib examples,$(MAKECMDGOALS)),0)
MAKEFLAGS += -j$(CPUS)
endif

# V=1 shows the commands.
QUIET := $(if $(filter 1,$(V)),,@)
say = $(if $(QUIET),@echo "  $(1)  $@")

SIMD := $(sort $(wildcard src/kernels/simd/*.c src/kernels/simd/*/*.c))
SOURCES := $(sort $(wildcard src/*/*.c src/platform/$(PLATFORM)/*.c) $(filter-out $(SIMD),$(wildcard src/kernels/*/*.c)))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o) $(foreach isa,$(ISAS),$(SIMD:%.c=$(BUILD)/%.$(isa).o))
# so,LIBRARY,VERSION: its file, libcnn.so.0.2.0 or libcnn.0.2.0.dylib; without a version the name that -lcnn finds
so = lib$(1)$(if $(DARWIN),$(addprefix .,$(2)).dylib,.so$(addprefix .,$(2)))
# link_so,LIBRARY,MAP: the linker's options for a library that exports the names in the version script MAP. A dylib finds the others by
# the paths of the program that loads it. Its own functions are called directly, also those that it exports: no table stands between,
# and a program's function of the same name takes no part.
ifdef DARWIN
exports = $(BUILD)/$(1:.map=.exports)
link_so = -dynamiclib -pthread $(CFLAGS) $(LDFLAGS) -Wl,-install_name,@rpath/$(call so,$(1),$(SOVERSION)) -Wl,-current_version,$(VERSION) \
	-Wl,-compatibility_version,$(SOVERSION).0 -Wl,-exported_symbols_list,$(call exports,$(2))
else
exports =
link_so = -shared -pthread $(CFLAGS) $(LDFLAGS) $(RELRO) -Wl,-Bsymbolic-functions -Wl,-soname,$(call so,$(1),$(SOVERSION)) -Wl,--version-script=$(2)
endif
SONAME := $(call so,cnn,$(SOVERSION))
SHARED := $(LIB)/$(if $(filter win32,$(PLATFORM)),cnn.dll,$(call so,cnn,$(VERSION)))
STATIC := $(LIB)/libcnn.a
# <cnn/image.h> is libcnn-image's (image/image.mk), <cnn/onnx.h> libcnn-onnx's (onnx/onnx.mk), <cnn/group.h> and <cnn/mpi.h> are
# libcnn-mpi's (mpi/mpi.mk).
PUBLIC_HEADERS := $(filter-out $(addprefix include/cnn/,image.h onnx.h group.h mpi.h),$(wildcard include/cnn/*.h include/cnn/*/*.h))

.PHONY: all lib examples
.DEFAULT_GOAL := all
all: lib examples
lib: $(STATIC) $(SHARED)

# What was compiled with other flags, by another Makefile or before zlib was there, is compiled again.
FLAGS := $(BUILD)/flags
FLAGS_NOW := $(CC) $(ALL_CFLAGS) $(shell cksum <Makefile)
$(shell mkdir -p $(BUILD); printf '%s\n' $(call quoted,$(FLAGS_NOW)) | cmp -s - $(FLAGS) || \
	printf '%s\n' $(call quoted,$(FLAGS_NOW)) >$(FLAGS))
$(OBJECTS): $(FLAGS)

# Rooms may have files of one name: `q` keeps both, where `r` would replace the first.
$(STATIC): $(OBJECTS)
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,AR  )
	$(QUIET)$(AR) qcs $@ $^

# A DLL exports what its list names, with an import library for those who link it.
$(LIB)/cnn.dll: $(STATIC)
	$(call say,LINK)
	$(QUIET){ echo EXPORTS; $(NM) -g --defined-only $< | sed -n 's/.* T \(cnn_[a-z].*\)/\1/p' | LC_ALL=C sort; } >$(BUILD)/cnn.def
	$(QUIET)$(CC) -shared -static-libgcc $(CFLAGS) $(LDFLAGS) -Wl,--out-implib,$(LIB)/libcnn.dll.a -o $@ $(BUILD)/cnn.def \
		-Wl,--whole-archive $< -Wl,--no-whole-archive $(ZLIB_LIBS)

$(LIB)/$(call so,cnn,$(VERSION)): $(OBJECTS) src/libcnn.map $(call exports,src/libcnn.map)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) $(call link_so,cnn,src/libcnn.map) -o $@ $(OBJECTS) $(ZLIB_LIBS) -lm
	@ln -sf $(@F) $(LIB)/$(SONAME)
	@ln -sf $(SONAME) $(LIB)/$(call so,cnn)

# Apple's linker takes names with the underscore that C puts before them.
$(BUILD)/%.exports: %.map
	@mkdir -p $(@D)
	$(QUIET)sed -n 's/^ *\(cnn_[^;]*\);/_\1/p' $< >$@

# Kernels are worth the optimiser's full effort at any level but -O0; those of every dtype, which are many, its vectors alone.
$(BUILD)/src/kernels/%: KERNEL_CFLAGS = $(if $(findstring -O0,$(CFLAGS)),,-O2 -ftree-vectorize $(VECTOR_COST) $(NO_TRACKING) $(NO_TABLES) $(DENSE))
$(BUILD)/src/kernels/simd/%: KERNEL_CFLAGS = $(if $(findstring -O0,$(CFLAGS)),,-O3 $(FEWER_LOOPS) $(NO_TRACKING) $(NO_TABLES) $(DENSE))
# Optimizers wait for memory; so do packing and gathering, whose loops are unrolled by hand.
$(BUILD)/src/kernels/simd/elementwise/optimizers.%.o $(BUILD)/src/kernels/simd/gemm/pack.%.o $(BUILD)/src/kernels/simd/conv/1x1_strided.%.o: KERNEL_CFLAGS = $(if $(findstring -O0,$(CFLAGS)),,-O2 $(NO_TABLES) $(DENSE))
# Nothing reads errno or the exceptions of floating-point numbers, but gcc keeps branches for them that it does not
# vectorise; nor does it recognise a minimum any more once it has taken it for two ways through the loop. The
# compiler joins no product and sum of a map, so that AVX2 and AVX-512 give the same bits (kernels/simd/map/math.h).
# known,OPTIONS: these options, if the compiler has them.
known = $(shell $(CC) -Werror $(1) -E -x c /dev/null >/dev/null 2>&1 && echo $(1))
MAP_CFLAGS := -fno-trapping-math -fno-math-errno -ffp-contract=off $(call known,-fno-thread-jumps)
$(foreach name,activations gelu map_f64,$(BUILD)/src/kernels/array/$(name).o): TABLE_CFLAGS = $(MAP_CFLAGS)
$(BUILD)/src/kernels/simd/map/%: KERNEL_CFLAGS = $(if $(findstring -O0,$(CFLAGS)),,-O2 -ftree-vectorize $(VECTOR_COST) $(NO_TRACKING) $(NO_TABLES))
$(BUILD)/src/kernels/simd/map/%: SMALL_CFLAGS = $(MAP_CFLAGS) $(call known,-falign-functions=1 -falign-loops=1 -falign-jumps=1 -falign-labels=1)
# Vectors of two f64 are not worth their size.
$(foreach name,draw elementary functions maps reduce trigonometry,$(BUILD)/src/kernels/simd/map/$(name).sse2.o): SMALL_CFLAGS = $(MAP_CFLAGS) -Os
# Normalisation waits for memory, too; and it subtracts means of products from products, which are therefore rounded alike.
$(BUILD)/src/kernels/simd/elementwise/normalise%.o: SMALL_CFLAGS = $(if $(findstring -O0,$(CFLAGS)),,-Os) -ffp-contract=off -fno-math-errno
# Transforms of images are loops over pixels; training must not wait for them.
$(foreach name,color crop resize,$(BUILD)/src/data/augment_$(name).o): SMALL_CFLAGS = $(if $(findstring -O0,$(CFLAGS)),,-O2 \
	-ftree-vectorize $(VECTOR_COST)) $(MAP_CFLAGS) $(call known,-falign-functions=1 -falign-loops=1 -falign-jumps=1 -falign-labels=1)
# What hardly ever runs is kept small: sums that are made again because they are not finite, kernels of thousands of taps. So is
# what only decides: modules, operations, optimizers, files, data sets as they are opened, messages. Their time is spent in kernels.
RARE := $(foreach name,conv/disjoint conv/few_positions conv/recompute conv/split_taps conv_relu_pool/recompute,$(ISAS:%=$(BUILD)/src/kernels/simd/$(name).%.o))
# Of SSE2, which the processors of the last ten years do not use, only what most time is spent in is made fast. What chooses a
# kernel is small in every set.
RARE += $(patsubst %,$(BUILD)/src/kernels/simd/%.sse2.o,conv/1x1 conv/1x1_weight conv/col2im conv/first_layer_weight \
	conv/1x1_strided conv/padded_conv conv/padded_small conv/padded_weight conv_relu_pool/backward_data conv_relu_pool/backward_weight \
	conv_relu_pool/forward conv_relu_pool/forward_planes conv_relu_pool/forward_winograd depthwise/3x3 depthwise/3x3_weight depthwise/general depthwise/general_weight \
	elementwise/elementwise elementwise/maxpool elementwise/optimizers gemm/gemm layout/channels_last layout/padded map/nll map/rnn map/softmax winograd/conv winograd/conv_weight winograd/transforms)
RARE += $(foreach name,conv/dispatch conv/dispatch_weight,$(ISAS:%=$(BUILD)/src/kernels/simd/$(name).%.o))
# A recurrent step multiplies in gemm and activates in the elementwise kernels: what lies between is short.
RARE += $(foreach name,array/pick array/rnn array/rnn_f64 reference/normalise reference/optimizers reference/reference,$(BUILD)/src/kernels/$(name).o)
RARE += $(BUILD)/src/kernels/array/attention.o
# Maps and reductions of f64 and of integers, and blocks of f64, for gradient checks and indices: vectors of two would not be worth
# their size; and what makes products of single rows calls their maps.
RARE += $(foreach name,activations binary compare gelu map_f64 product reduce reduce_tiles softmax softmax_nll softmax_nll_f64 unary,$(BUILD)/src/kernels/array/$(name).o)
RARE += $(patsubst %.c,$(BUILD)/%.o,$(wildcard src/io/*.c src/ops/*.c src/optim/*.c src/predict/*.c) $(filter-out %/layer.c %/conv2d_layer.c,$(wildcard src/nn/*.c)))
RARE += $(foreach name,augment augment_affine augment_random augmented bytes cifar dataset idx loader loader_make loader_worker loader_write mix mnist pad_collate sample_tensors sampler subset,$(BUILD)/src/data/$(name).o) \
	$(patsubst %.c,$(BUILD)/%.o,$(wildcard src/device/*.c)) $(patsubst %.c,$(BUILD)/%.o,$(wildcard src/kernels/*.c)) \
	$(foreach name,anomaly apply backward call custom final grad gradcheck hook running step undo,$(BUILD)/src/autograd/$(name).o) \
	$(foreach name,error file math memory message options parallel status utf8,$(BUILD)/src/base/$(name).o) \
	$(foreach name,cpus files library process quota replace,$(BUILD)/src/platform/$(PLATFORM)/$(name).o) \
	$(foreach name,borrow cache cache_plan context dlpack elements failed_step format host kept random shape tensor,$(BUILD)/src/tensor/$(name).o)
# What every operation passes through decides how long a small one takes.
RARE := $(filter-out $(foreach name,autograd/apply autograd/call kernels/conv3d_slices kernels/drop_blocks kernels/launch kernels/local_response_norm kernels/optimizer_loops kernels/stored ops/operation ops/sum tensor/cache tensor/shape,\
	$(BUILD)/src/$(name).o),$(RARE))
# Nothing is thrown through the library, and debuggers have their own tables: 80 kB.
NO_TABLES := -fno-asynchronous-unwind-tables
# Loops begin where a fetch of instructions begins; what is before functions and between branches is filling alone, of 13 kB.
DENSE := $(call known,-falign-functions=1 -falign-jumps=1 -falign-labels=1)
$(RARE): SMALL_CFLAGS = $(if $(findstring -O0,$(CFLAGS)),,$(SMALLEST))
$(foreach room,autograd base device ops optim io tensor nn data predict platform/$(PLATFORM),$(BUILD)/src/$(room)/%.o): TABLE_CFLAGS = $(NO_TABLES) $(DENSE)
# A cancelled thread ends where it begins a step, and its frames are unwound from there: destructors of C++ run.
$(BUILD)/src/autograd/tape.o $(BUILD)/src/autograd/gradcheck.o: TABLE_CFLAGS =
# Options of gcc alone: copies of loops for cases that kernels sort out by hand are 40 kB and no faster.
# gcc has -Oz since version 12: 7 kB less than -Os.
SMALLEST := $(or $(call known,-Oz),-Os)
VECTOR_COST := $(call known,-fvect-cost-model=dynamic) $(call known,--param=vect-epilogues-nomask=0)
# Where a debugger finds the local variables of vectorised code is a quarter of the time that it takes to compile.
NO_TRACKING := $(call known,-fno-var-tracking-assignments)
FEWER_LOOPS := $(call known,-fno-version-loops-for-strides -fno-split-loops -fno-unswitch-loops)

define isa_rule
$$(BUILD)/src/kernels/simd/%.$(1).o: src/kernels/simd/%.c
	@mkdir -p $$(@D)
	$$(call say,CC  )
	$$(QUIET)$$(CC) $$(ALL_CFLAGS) $$(PREFIX_MAP) $$(KERNEL_CFLAGS) -DCNN__ISA=$(1) $$(ISA_$(1)) $$(SMALL_CFLAGS) -MMD -MP -c $$< -o $$@
endef
$(foreach isa,$(ISAS),$(eval $(call isa_rule,$(isa))))

$(BUILD)/src/%.o: src/%.c
	@mkdir -p $(@D)
	$(call say,CC  )
	$(QUIET)$(CC) $(ALL_CFLAGS) $(PREFIX_MAP) $(KERNEL_CFLAGS) $(SMALL_CFLAGS) $(TABLE_CFLAGS) -MMD -MP -c $< -o $@

include image/image.mk
include onnx/onnx.mk
include mpi/mpi.mk
include cuda/cuda.mk

# ---- examples: each folder is a program; it sees the public headers and the shared library alone ----
# common/ is no program, but what these have together.
EXAMPLES := $(filter-out common,$(notdir $(wildcard examples/*)))
EXAMPLES_WITH_COMMON := cifar10 mnist_cnn speedrun web zoo
# SOURCES_NAME, EXAMPLE_FLAGS_NAME, EXAMPLE_LIBS_NAME and EXAMPLE_ARCHIVES_NAME: what a program has besides.
example_sources = $(wildcard examples/$(1)/*.c) $(if $(filter $(1),$(EXAMPLES_WITH_COMMON)),$(wildcard examples/common/*.c)) $(SOURCES_$(1))
TRAINING_SOURCES := $(wildcard examples/common/page/*.c examples/common/ranks/*.c examples/common/training/*.c)
SOURCES_mnist_cnn := $(TRAINING_SOURCES)
# These two are installed, and bring what reads pictures with them: its libpng and libjpeg are the system's, as they are libcnn-image's.
EXAMPLE_FLAGS_mnist_cnn = $(if $(HAVE_IMAGE),-DWITH_IMAGES)
EXAMPLE_ARCHIVES_mnist_cnn = $(if $(HAVE_IMAGE),$(IMAGE_STATIC))
EXAMPLE_LIBS_mnist_cnn = $(if $(HAVE_IMAGE),$(IMAGE_LIBS))
SOURCES_cifar10 := $(TRAINING_SOURCES) examples/zoo/blocks.c examples/zoo/resnet_cifar.c
EXAMPLE_FLAGS_cifar10 = $(EXAMPLE_FLAGS_mnist_cnn)
EXAMPLE_ARCHIVES_cifar10 = $(EXAMPLE_ARCHIVES_mnist_cnn)
EXAMPLE_LIBS_cifar10 = $(EXAMPLE_LIBS_mnist_cnn)
SOURCES_speedrun := examples/cifar10/drawn.c
EXAMPLE_FLAGS_speedrun = $(EXAMPLE_FLAGS_mnist_cnn)
EXAMPLE_LIBS_speedrun = $(if $(HAVE_IMAGE),-lcnn-image)
EXAMPLE_PROGRAMS := $(foreach e,$(EXAMPLES),$(BUILD)/examples/$(e))
examples: $(EXAMPLE_PROGRAMS)

# relative,FROM,TO: the path of a folder as seen from another
relative = $(shell tools/relative-path.sh $(call quoted,$(1)) $(call quoted,$(2)))
# rpath,FOLDER: where a program in FOLDER finds the shared library, seen from there: the tree may be moved, and its name is in no path
ORIGIN := $(if $(DARWIN),@loader_path,$$ORIGIN)
rpath = -Xlinker -rpath -Xlinker '$(ORIGIN)/$(subst ','\'',$(call relative,$(1),$(LIB)))'

# Sources of programs are compiled once each, whichever programs have them: $(BUILD)/programs/examples/common/say.o.
program_objects = $(patsubst %.c,$(BUILD)/programs/%.o,$(1))
$(BUILD)/programs/%.o: %.c $(FLAGS)
	@mkdir -p $(@D)
	$(call say,CC  )
	$(QUIET)$(CC) $(STRICT) -Iinclude -Iexamples $(if $(HAVE_IMAGE),-DWITH_IMAGES) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

define example_rule
EXAMPLE_OBJECTS += $$(call program_objects,$$(call example_sources,$(1)))
$$(BUILD)/examples/$(1): $$(call program_objects,$$(call example_sources,$(1))) $$(SHARED) $$(EXAMPLE_ARCHIVES_$(1)) \
		$$(if $$(EXAMPLE_LIBS_$(1)),$$(IMAGE_SHARED))
	@mkdir -p $$(@D)
	$$(call say,LINK)
	$$(QUIET)$$(CC) $$(CFLAGS) $$(call program_objects,$$(call example_sources,$(1))) -o $$@ \
		$$(LDFLAGS) $$(EXAMPLE_ARCHIVES_$(1)) -L$$(LIB) $$(call rpath,$$(@D)) $$(EXAMPLE_LIBS_$(1)) -lcnn -lm
endef
$(foreach e,$(EXAMPLES),$(eval $(call example_rule,$(e))))

# The nets of examples/zoo without its program, for tests and benchmarks, which find zoo.h there.
ZOO_NETS := $(call program_objects,$(filter-out %/main.c %/options.c,$(wildcard examples/zoo/*.c)))

# ---- each room of programs brings its own rules ----
include $(sort $(filter-out image/image.mk onnx/onnx.mk mpi/mpi.mk cuda/cuda.mk,$(wildcard cli/*.mk examples/*/*.mk image/*.mk onnx/*.mk mpi/*.mk tests/*.mk \
	tests/*/*.mk bench/*.mk cuda/*.mk docs/*.mk python/*.mk tools/*.mk)))

-include $(OBJECTS:.o=.d) $(sort $(EXAMPLE_OBJECTS:.o=.d) $(CLI_OBJECTS:.o=.d))

# ---- the main job: needs nothing but git, make and a C compiler on Debian ----
# MNIST_ARGS adds options; CNN_MNIST_DIR names a folder that has the files already.
.PHONY: mnist help clean
MNIST_DIR = $(or $(CNN_MNIST_DIR),data/mnist)
mnist:
	@tools/install-dependencies.sh build
	@[ -e $(call quoted,$(MNIST_DIR)/train-images-idx3-ubyte) ] || [ -e $(call quoted,$(MNIST_DIR)/train-images-idx3-ubyte.gz) ] || \
		tools/install-dependencies.sh fetch
	@+$(MAKE) $(JOBS) --no-print-directory all
	@$(BUILD)/examples/mnist_cnn --data $(call quoted,$(MNIST_DIR)) $(MNIST_ARGS)

define HELP
make                 the library (lib/) and the examples (build/examples/)
make mnist           get MNIST, train, print the test accuracy; MNIST_ARGS='--epochs 1', CNN_MNIST_DIR=folder
make web             a page to draw digits on, with the library as WebAssembly: build/web/index.html
make check           build and run all tests; the last line counts them
make install         PREFIX=/usr/local DESTDIR=; make uninstall takes the same and removes exactly that
make amalgamation    the library as one file, build/amalgamation/cnn.c and cnn.h
make docs            the documentation, build/docs/html; make man the manual pages of section 3; make drawings the pictures
make wheel           the package for Python with the library inside, build/wheel
make bench           against PyTorch, oneDNN and others
make cli             the command cnn, build/cnn
make mpi             libcnn-mpi, for each MPI that is found (part of make)
make cuda            the back end for NVIDIA's GPUs, build/cuda (part of make); install-cuda installs it alone
make clean           remove what was built

make check-asan      the tests under sanitizers of addresses and undefined behaviour; also check-tsan, check-valgrind, check-helgrind
make check-long      what takes too long for make check: check-trust, check-folders, check-amalgamation, check-none, check-wasm, check-web, check-win32
make check-trust     faults, hostile files, bad arguments, threads, determinism
make check-abi       the ABI against the last release's baseline; check-symbols the names alone
make check-install   programs built from an installed tree; check-headers, check-keywords, check-layers, check-ops, check-hardening, check-docs
make check-clang     the same flags with clang
make lint            gcc -fanalyzer, clang-tidy, cppcheck
make coverage        lines and branches, build/coverage/html

Variables: CC CFLAGS LDFLAGS PREFIX LIBDIR DESTDIR BUILD LIB; V=1 shows the commands, WERROR=0 lets warnings pass.
endef
export HELP
help:
	@echo "$$HELP"

clean:
	rm -rf $(BUILD) $(LIB)/libcnn*
