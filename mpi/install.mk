# What `make install` and `make uninstall` do for libcnn-mpi; tools/install.mk has the variables. Each MPI's library has files of
# its own, so that packages of both can be installed beside each other; the plain names are those of MPI_DEFAULT.
MPI_CMAKEDIR = $(LIBDIR)/cmake/cnn-mpi
# mpi_pc,NAME,FLAVOUR
mpi_pc = sed $(call replace,@PREFIX@,$(call pc_escaped,$(PREFIX))) $(call replace,@VERSION@,$(VERSION)) \
	$(call replace,@LIBDIR@,$(call below_prefix,$(LIBDIR))) $(call replace,@INCLUDEDIR@,$(call below_prefix,$(INCLUDEDIR))) \
	$(call replace,@NAME@,$(1)) $(call replace,@NAME@,$(1)) $(call replace,@FLAVOUR@,$(2)) \
	$(call replace,@MPI_LIBS@,$(call mpi_libs,$(2))) $(call replace,@MPI_INCLUDES@,$(call mpi_includes,$(2))) mpi/cnn-mpi.pc.in >$(STAGE)/cnn-$(1).pc
MPI_PC := cnn-mpi.pc $(MPI_FLAVOURS:%=cnn-mpi-%.pc)
MPI_INSTALLED := $(foreach f,$(MPI_FLAVOURS),libcnn-mpi-$(f).a libcnn-mpi-$(f).so.$(VERSION))
MPI_LINKS := $(foreach f,$(MPI_FLAVOURS),libcnn-mpi-$(f).so.$(SOVERSION) libcnn-mpi-$(f).so) libcnn-mpi.so libcnn-mpi.a

.PHONY: cnn-mpi.pc cnn-mpi.cmake install-mpi uninstall-mpi
cnn-mpi.pc:
	@mkdir -p $(STAGE)
	$(QUIET)$(call mpi_pc,mpi,$(MPI_DEFAULT)) $(foreach f,$(MPI_FLAVOURS),&& $(call mpi_pc,mpi-$(f),$(f)))

cnn-mpi.cmake: cnn.cmake
	$(QUIET)sed $(call replace,@SHARED@,libcnn-mpi-$(MPI_DEFAULT).so.$(VERSION)) $(call replace,@SHARED@,libcnn-mpi-$(MPI_DEFAULT).so.$(VERSION)) \
		$(call replace,@SONAME@,$(call mpi_soname,$(MPI_DEFAULT))) $(call replace,@VERSION@,$(VERSION)) \
		$(call replace,@MPI_INCLUDES@,$(subst -isystem ,-I,$(call mpi_includes,$(MPI_DEFAULT)))) \
		$(call replace,@MPI_LIBS@,$(call mpi_libs,$(MPI_DEFAULT))) mpi/cnn-mpiConfig.cmake.in | \
		sed -e '/INTERFACE_COMPILE_OPTIONS\|INTERFACE_LINK_LIBRARIES/s/ -/;-/g' >$(STAGE)/cnn-mpiConfig.cmake

install: install-mpi
install-mpi: $(if $(HAVE_MPI),mpi cnn-mpi.pc cnn-mpi.cmake)
ifneq ($(HAVE_MPI),)
	@$(INSTALL) -d $(foreach d,LIBDIR PKGCONFIGDIR MPI_CMAKEDIR INCLUDE_CNN,$(call to,$($(d)))) $(call to,$(MANDIR)/man3)
	@$(INSTALL) -m 644 $(MPI_HEADERS) $(call to,$(INCLUDE_CNN))
	@$(INSTALL) -m 644 $(MPI_STATIC) $(call to,$(LIBDIR))
	@$(INSTALL) -m 755 $(MPI_SHARED) $(call to,$(LIBDIR))
	@$(foreach f,$(MPI_FLAVOURS),ln -sf libcnn-mpi-$(f).so.$(VERSION) $(call to,$(LIBDIR)/$(call mpi_soname,$(f))) && \
		ln -sf $(call mpi_soname,$(f)) $(call to,$(LIBDIR)/libcnn-mpi-$(f).so) &&) true
	@ln -sf libcnn-mpi-$(MPI_DEFAULT).so $(call to,$(LIBDIR)/libcnn-mpi.so)
	@ln -sf libcnn-mpi-$(MPI_DEFAULT).a $(call to,$(LIBDIR)/libcnn-mpi.a)
	@$(INSTALL) -m 644 $(MPI_PC:%=$(STAGE)/%) $(call to,$(PKGCONFIGDIR))
	@$(INSTALL) -m 644 $(STAGE)/cnn-mpiConfig.cmake $(call to,$(MPI_CMAKEDIR))
	@$(INSTALL) -m 644 $(STAGE)/cnnConfigVersion.cmake $(call to,$(MPI_CMAKEDIR))/cnn-mpiConfigVersion.cmake
	@$(INSTALL) -m 644 mpi/libcnn-mpi.3 $(call to,$(MANDIR)/man3)
endif

uninstall: uninstall-mpi
uninstall-mpi:
	@rm -f $(foreach f,$(MPI_HEADERS:include/cnn/%=%),$(call to,$(INCLUDE_CNN)/$(f)))
	@rm -f $(foreach f,$(MPI_INSTALLED) $(MPI_LINKS),$(call to,$(LIBDIR)/$(f)))
	@rm -f $(foreach f,$(MPI_PC),$(call to,$(PKGCONFIGDIR)/$(f))) $(call to,$(MANDIR)/man3/libcnn-mpi.3)
	@rm -f $(foreach f,cnn-mpiConfig.cmake cnn-mpiConfigVersion.cmake,$(call to,$(MPI_CMAKEDIR)/$(f)))
	@[ ! -d $(call to,$(MPI_CMAKEDIR)) ] || rmdir --ignore-fail-on-non-empty $(call to,$(MPI_CMAKEDIR))
