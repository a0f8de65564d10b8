# What `make install` and `make uninstall` do for libcnn-onnx; tools/install.mk has the variables.
ONNX_CMAKEDIR = $(LIBDIR)/cmake/cnn-onnx

.PHONY: cnn-onnx.pc cnn-onnx.cmake install-onnx uninstall-onnx
cnn-onnx.pc:
	@mkdir -p $(STAGE)
	$(QUIET)sed $(call replace,@PREFIX@,$(call pc_escaped,$(PREFIX))) $(call replace,@VERSION@,$(VERSION)) \
		$(call replace,@LIBDIR@,$(call below_prefix,$(LIBDIR))) $(call replace,@INCLUDEDIR@,$(call below_prefix,$(INCLUDEDIR))) \
		onnx/cnn-onnx.pc.in >$(STAGE)/cnn-onnx.pc

cnn-onnx.cmake: cnn.cmake
	$(QUIET)sed $(call replace,@SHARED@,$(notdir $(ONNX_SHARED))) $(call replace,@SONAME@,$(ONNX_SONAME)) \
		$(call replace,@STATIC@,$(notdir $(ONNX_STATIC))) $(call replace,@VERSION@,$(VERSION)) \
		onnx/cnn-onnxConfig.cmake.in >$(STAGE)/cnn-onnxConfig.cmake

install: install-onnx
install-onnx: $(if $(HAVE_ONNX),onnx-library cnn-onnx.pc cnn-onnx.cmake)
ifneq ($(HAVE_ONNX),)
	@$(INSTALL) -d $(foreach d,LIBDIR PKGCONFIGDIR ONNX_CMAKEDIR INCLUDE_CNN,$(call to,$($(d))))
	@$(INSTALL) -m 644 $(ONNX_HEADERS) $(call to,$(INCLUDE_CNN))
	@$(INSTALL) -m 644 $(ONNX_STATIC) $(call to,$(LIBDIR))
	@$(INSTALL) -m 755 $(ONNX_SHARED) $(call to,$(LIBDIR))
	@ln -sf $(notdir $(ONNX_SHARED)) $(call to,$(LIBDIR)/$(ONNX_SONAME))
	@ln -sf $(ONNX_SONAME) $(call to,$(LIBDIR)/$(call so,cnn-onnx))
	@$(INSTALL) -m 644 $(STAGE)/cnn-onnx.pc $(call to,$(PKGCONFIGDIR))
	@$(INSTALL) -m 644 $(STAGE)/cnn-onnxConfig.cmake $(call to,$(ONNX_CMAKEDIR))
	@$(INSTALL) -m 644 $(STAGE)/cnnConfigVersion.cmake $(call to,$(ONNX_CMAKEDIR))/cnn-onnxConfigVersion.cmake
endif

uninstall: uninstall-onnx
uninstall-onnx:
	@rm -f $(foreach f,$(ONNX_HEADERS:include/cnn/%=%),$(call to,$(INCLUDE_CNN)/$(f)))
	@rm -f $(foreach f,$(notdir $(ONNX_STATIC) $(ONNX_SHARED)) $(ONNX_SONAME) $(call so,cnn-onnx),$(call to,$(LIBDIR)/$(f)))
	@rm -f $(call to,$(PKGCONFIGDIR)/cnn-onnx.pc)
	@rm -f $(foreach f,cnn-onnxConfig.cmake cnn-onnxConfigVersion.cmake,$(call to,$(ONNX_CMAKEDIR)/$(f)))
	@[ ! -d $(call to,$(ONNX_CMAKEDIR)) ] || rmdir $(call to,$(ONNX_CMAKEDIR)) 2>/dev/null || true
