# What a user of the library meets: the headers, the build in his folder with his flags, the files, pkg-config.
CHECK_EXTRA += check-headers check-keywords check-build check-install check-build-systems
CHECK_BUILD += lib
CHECK_LONG += check-folders
.PHONY: check-headers check-keywords check-build check-folders check-install check-build-systems
check-headers:
	@CC="$(CC)" CXX="$(CXX)" tests/install/check-headers.sh $(PUBLIC_HEADERS) $(IMAGE_HEADERS) $(ONNX_HEADERS) $(MPI_HEADERS)
check-keywords:
	@CC="$(CC)" tests/install/check-keywords.sh $(PUBLIC_HEADERS) $(IMAGE_HEADERS) $(ONNX_HEADERS) $(MPI_HEADERS)
check-build: all
	@+CC="$(CC)" tests/install/check-build.sh $(BUILD) $(LIB) $(MAKE) --no-print-directory
check-folders:
	@+tests/install/check-folders.sh $(MAKE) --no-print-directory
check-install: lib $(BUILD)/backends/libcnn-late.so
	@+CC="$(CC)" CXX="$(CXX)" PKG_CONFIG="$(PKG_CONFIG)" tests/install/check-install.sh $(BUILD)/backends/libcnn-late.so $(MAKE) --no-print-directory
check-build-systems: lib
	@+CC="$(CC)" CXX="$(CXX)" tests/install/check-build-systems.sh $(MAKE) --no-print-directory
