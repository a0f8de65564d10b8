# libcnn-mpi: training by several processes, in a library of its own beside libcnn, whose public API alone it uses. It is built once
# for each MPI that is found, Debian's Open MPI and MPICH beside each other; where there is none, all else is built as if this
# folder were not there. Only mpi/mpi.c differs.
#   make mpi   lib/libcnn-mpi-openmpi.so, lib/libcnn-mpi-mpich.so and their .a (part of make); lib/libcnn-mpi.so is that of `mpicc`
#   MPICC      the wrapper of one MPI, in place of all that are found
MPI_HEADERS := include/cnn/group.h include/cnn/mpi.h
MPI_SOURCES := $(filter-out mpi/mpi.c,$(sort $(wildcard mpi/*.c)))
MPI_OBJECTS := $(MPI_SOURCES:%.c=$(BUILD)/%.o)
MPICC ?= mpicc.openmpi mpicc.mpich mpicc
# flavour_of,WRAPPER: the name of its MPI, if a program can be compiled
flavour_of = $(if $(shell command -v $(1) 2>/dev/null),$(shell printf '$(HASH)include <mpi.h>\n$(HASH)if defined(OPEN_MPI)\nopenmpi\n$(HASH)elif defined(MPICH_VERSION)\nmpich\n$(HASH)else\nmpi\n$(HASH)endif\n' | \
	$(CC) $(filter -I% -D%,$(shell $(1) -show 2>/dev/null)) -E -P -x c - 2>/dev/null | tail -n 1 | grep -xE 'openmpi|mpich|mpi'))
ifeq ($(PLATFORM),posix)
$(foreach wrapper,$(MPICC),$(eval f := $(call flavour_of,$(wrapper)))$(if $(f),$(if $(MPICC_$(f)),,$(eval MPICC_$(f) := $(wrapper)))))
endif
MPI_FLAVOURS := $(strip $(foreach f,openmpi mpich mpi,$(if $(MPICC_$(f)),$(f))))
HAVE_MPI := $(if $(MPI_FLAVOURS),1)
# That of the plain names, for those who link it.
MPI_DEFAULT := $(firstword $(filter $(MPI_FLAVOURS),$(if $(HAVE_MPI),$(call flavour_of,$(lastword $(MPICC))))) $(MPI_FLAVOURS))
mpi_includes = $(patsubst -I%,-isystem %,$(filter -I% -D%,$(shell $(MPICC_$(1)) -show)))
mpi_libs = $(filter -L% -l%,$(shell $(MPICC_$(1)) -show))
mpi_soname = $(call so,cnn-mpi-$(1),$(SOVERSION))
MPI_SHARED := $(foreach f,$(MPI_FLAVOURS),$(LIB)/$(call so,cnn-mpi-$(f),$(VERSION)))
MPI_STATIC := $(MPI_FLAVOURS:%=$(LIB)/libcnn-mpi-%.a)

.PHONY: mpi
mpi: $(MPI_STATIC) $(MPI_SHARED)
ifeq ($(HAVE_MPI),)
	@echo "  libcnn-mpi is left out: it needs an MPI (Debian: openmpi-bin libopenmpi-dev, or mpich libmpich-dev)"
else
	@ln -sf $(call so,cnn-mpi-$(MPI_DEFAULT),$(VERSION)) $(LIB)/$(call so,cnn-mpi)
	@ln -sf libcnn-mpi-$(MPI_DEFAULT).a $(LIB)/libcnn-mpi.a
endif
lib: mpi

$(MPI_OBJECTS): $(FLAGS)
# The loops over gradients are worth vectors at any level but -O0.
MPI_COMPILE = $(CC) $(STRICT) $(PRECISION) $(PLATFORM_CFLAGS) -fvisibility=hidden -Iinclude $(if $(findstring -O0,$(CFLAGS)),,$(HARDEN)) \
	$(CPPFLAGS) $(CFLAGS) $(if $(findstring -O0,$(CFLAGS)),,-O2 -ftree-vectorize $(VECTOR_COST)) -ffp-contract=off $(PREFIX_MAP) -MMD -MP
$(BUILD)/mpi/%.o: mpi/%.c
	@mkdir -p $(@D)
	$(call say,CC  )
	$(QUIET)$(MPI_COMPILE) -c $< -o $@

define mpi_rules
$$(BUILD)/mpi/$(1)/mpi.o: mpi/mpi.c $$(FLAGS)
	@mkdir -p $$(@D)
	$$(call say,CC  )
	$$(QUIET)$$(MPI_COMPILE) $$(call mpi_includes,$(1)) -c $$< -o $$@

$$(LIB)/libcnn-mpi-$(1).a: $$(MPI_OBJECTS) $$(BUILD)/mpi/$(1)/mpi.o
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(call say,AR  )
	$$(QUIET)$$(AR) qcs $$@ $$^

$$(LIB)/$$(call so,cnn-mpi-$(1),$$(VERSION)): $$(MPI_OBJECTS) $$(BUILD)/mpi/$(1)/mpi.o mpi/libcnn-mpi.map $$(call exports,mpi/libcnn-mpi.map) $$(SHARED)
	@mkdir -p $$(@D)
	$$(call say,LINK)
	$$(QUIET)$$(CC) $$(call link_so,cnn-mpi-$(1),mpi/libcnn-mpi.map) -o $$@ $$(MPI_OBJECTS) $$(BUILD)/mpi/$(1)/mpi.o -L$$(LIB) -lcnn $$(call mpi_libs,$(1))
	@ln -sf $$(@F) $$(LIB)/$$(call mpi_soname,$(1))
	@ln -sf $$(call mpi_soname,$(1)) $$(LIB)/$$(call so,cnn-mpi-$(1))

-include $$(BUILD)/mpi/$(1)/mpi.d
endef
$(foreach f,$(MPI_FLAVOURS),$(eval $(call mpi_rules,$(f))))
-include $(MPI_OBJECTS:.o=.d)
