# What `make install` and `make uninstall` do for the CUDA back end; tools/install.mk has the variables. It goes to where the
# library looks for back ends. `make install-cuda` alone is what a package of its own is made of.
BACKENDDIR = $(LIBDIR)/cnn-0

.PHONY: install-cuda uninstall-cuda
install: install-cuda
install-cuda: $(if $(HAVE_CUDA),cuda)
ifneq ($(HAVE_CUDA),)
	@$(INSTALL) -d $(call to,$(BACKENDDIR))
	@$(INSTALL) -m 755 $(CUDA_SHARED) $(call to,$(BACKENDDIR))
endif

uninstall: uninstall-cuda
uninstall-cuda:
	@rm -f $(call to,$(BACKENDDIR)/libcnn-cuda.so)
	@[ ! -d $(call to,$(BACKENDDIR)) ] || rmdir --ignore-fail-on-non-empty $(call to,$(BACKENDDIR))
