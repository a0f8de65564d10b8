# The library as one file: cnn.c and cnn.h in build/amalgamation.
#   make amalgamation         writes them
#   make check-amalgamation   compiles cnn.c alone, and compares what it computes with the library (part of make check-long)
#   make check-names          that it can be written and read, and names that one file needs to be unique (part of make check)
AMALGAMATION := $(BUILD)/amalgamation
# The sources of RARE's objects, of which a kernel has one for each instruction set.
AMALGAMATION_SMALL = $(sort $(filter $(SOURCES) $(SIMD),$(foreach object,$(RARE:$(BUILD)/%.o=%),$(object).c $(basename $(object)).c)))
AMALGAMATION_SETS := sse2 avx2 avx512 neon generic
# The rooms of which no two files define the same static name. To names of other rooms that clash the script gives their file's
# name as a prefix.
UNIQUE_ROOMS := autograd base data device io kernels nn ops optim platform predict tensor
CHECK_EXTRA += check-names
CHECK_LONG += check-amalgamation
.PHONY: amalgamation check-amalgamation check-names
amalgamation:
	@tools/make-amalgamation.py --output $(AMALGAMATION) --version $(VERSION) --sources $(SOURCES) --simd $(SIMD) \
		--small $(AMALGAMATION_SMALL) --isa $(foreach isa,$(AMALGAMATION_SETS),$(call quoted,$(isa)=-O3 $(ISA_$(isa))))

check-names: amalgamation
	@tools/make-amalgamation.py --clashes $(UNIQUE_ROOMS) --sources $(SOURCES) --simd $(SIMD)
	@$(CC) -fsyntax-only -w $(AMALGAMATION)/cnn.c

check-amalgamation: amalgamation $(BUILD)/examples/mnist_cnn
	@CC=$(call quoted,$(CC)) tests/amalgamation/check-amalgamation.sh $(AMALGAMATION) $(BUILD)/examples/mnist_cnn
