# What `make install` and `make uninstall` do for libcnn-image; tools/install.mk has the variables.
IMAGE_CMAKEDIR = $(LIBDIR)/cmake/cnn-image
IMAGE_PC = $(if $(HAVE_IMAGE),$(shell $(PKG_CONFIG) --exists libpng libjpeg 2>/dev/null && echo libpng libjpeg))

.PHONY: cnn-image.pc cnn-image.cmake install-image uninstall-image
cnn-image.pc:
	@mkdir -p $(STAGE)
	$(QUIET)sed $(call replace,@PREFIX@,$(call pc_escaped,$(PREFIX))) $(call replace,@VERSION@,$(VERSION)) \
		$(call replace,@LIBDIR@,$(call below_prefix,$(LIBDIR))) $(call replace,@INCLUDEDIR@,$(call below_prefix,$(INCLUDEDIR))) \
		$(call replace,@REQUIRES_PRIVATE@,$(IMAGE_PC)) -e '/^Requires.private: $$/d' \
		$(call replace,@LIBS_PRIVATE@,$(if $(IMAGE_PC),,$(IMAGE_LIBS) )-pthread) image/cnn-image.pc.in >$(STAGE)/cnn-image.pc

cnn-image.cmake: cnn.cmake
	$(QUIET)sed $(call replace,@SHARED@,$(notdir $(IMAGE_SHARED))) $(call replace,@SONAME@,$(IMAGE_SONAME)) \
		$(call replace,@STATIC@,$(notdir $(IMAGE_STATIC))) $(call replace,@VERSION@,$(VERSION)) \
		image/cnn-imageConfig.cmake.in >$(STAGE)/cnn-imageConfig.cmake

install: install-image
install-image: $(if $(HAVE_IMAGE),image-library cnn-image.pc cnn-image.cmake)
ifneq ($(HAVE_IMAGE),)
	@$(INSTALL) -d $(foreach d,LIBDIR PKGCONFIGDIR IMAGE_CMAKEDIR INCLUDE_CNN,$(call to,$($(d))))
	@$(INSTALL) -m 644 $(IMAGE_HEADERS) $(call to,$(INCLUDE_CNN))
	@$(INSTALL) -m 644 $(IMAGE_STATIC) $(call to,$(LIBDIR))
	@$(INSTALL) -m 755 $(IMAGE_SHARED) $(call to,$(LIBDIR))
	@ln -sf $(notdir $(IMAGE_SHARED)) $(call to,$(LIBDIR)/$(IMAGE_SONAME))
	@ln -sf $(IMAGE_SONAME) $(call to,$(LIBDIR)/$(call so,cnn-image))
	@$(INSTALL) -m 644 $(STAGE)/cnn-image.pc $(call to,$(PKGCONFIGDIR))
	@$(INSTALL) -m 644 $(STAGE)/cnn-imageConfig.cmake $(call to,$(IMAGE_CMAKEDIR))
	@$(INSTALL) -m 644 $(STAGE)/cnnConfigVersion.cmake $(call to,$(IMAGE_CMAKEDIR))/cnn-imageConfigVersion.cmake
endif

uninstall: uninstall-image
uninstall-image:
	@rm -f $(foreach f,$(IMAGE_HEADERS:include/cnn/%=%),$(call to,$(INCLUDE_CNN)/$(f)))
	@rm -f $(foreach f,$(notdir $(IMAGE_STATIC) $(IMAGE_SHARED)) $(IMAGE_SONAME) $(call so,cnn-image),$(call to,$(LIBDIR)/$(f)))
	@rm -f $(call to,$(PKGCONFIGDIR)/cnn-image.pc)
	@rm -f $(foreach f,cnn-imageConfig.cmake cnn-imageConfigVersion.cmake,$(call to,$(IMAGE_CMAKEDIR)/$(f)))
	@[ ! -d $(call to,$(IMAGE_CMAKEDIR)) ] || rmdir $(call to,$(IMAGE_CMAKEDIR)) 2>/dev/null || true
