# The manual pages of section 3: one per noun, made of the headers' comments by awk, and one per function that leads to its noun's.
#   make man   build/man/man3      make check-man   are they well-formed, complete, and do their examples print what they say?
MAN := $(BUILD)/man
MAN_LIBRARIES := libcnn $(if $(HAVE_IMAGE),libcnn-image) $(if $(HAVE_ONNX),libcnn-onnx) $(if $(HAVE_MPI),libcnn-mpi)
CHECK_EXTRA += check-man
.PHONY: man check-man install-man uninstall-man
man:
	@rm -rf $(MAN) && mkdir -p $(MAN)
	@docs/man/make.sh $(call quoted,$(abspath $(MAN)))/man3 $(MAN_LIBRARIES)

check-man: $(SHARED) image-library onnx-library mpi
	@CC="$(CC)" LIB="$(LIB)" docs/man/check.sh $(MAN_LIBRARIES)

install: install-man
install-man: man
	@$(INSTALL) -d $(call to,$(MANDIR)/man3)
	@$(INSTALL) -m 644 $(MAN)/man3/*.3 $(call to,$(MANDIR)/man3)

uninstall: uninstall-man
uninstall-man:
	@for page in $$(docs/man/make.sh --names $(MAN_LIBRARIES)); do rm -f $(call to,$(MANDIR)/man3)/$$page; done
