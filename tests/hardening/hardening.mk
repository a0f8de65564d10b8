# Hardening is checked on the library as it is built by default; other flags (sanitizers, -O0) leave parts of it out.
CHECK_EXTRA += check-hardening
.PHONY: check-hardening
check-hardening: $(SHARED) image-library onnx-library mpi cuda
	@tests/hardening/check-hardening.sh $(SHARED)
	@$(if $(HAVE_IMAGE),tests/hardening/check-hardening.sh $(IMAGE_SHARED))
	@$(if $(HAVE_ONNX),tests/hardening/check-hardening.sh $(ONNX_SHARED))
	@$(if $(HAVE_CUDA),tests/hardening/check-hardening.sh $(CUDA_SHARED))
	@$(foreach library,$(MPI_SHARED),tests/hardening/check-hardening.sh $(library) &&) true
