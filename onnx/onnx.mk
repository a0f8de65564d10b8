# libcnn-onnx: networks in ONNX files, in a library of its own beside libcnn, whose public API alone it uses; it needs nothing else.
# It is built where the platform is POSIX.
#   make onnx-library   lib/libcnn-onnx.a and lib/libcnn-onnx.so (part of make)
ONNX_HEADERS := include/cnn/onnx.h
ONNX_SOURCES := $(sort $(wildcard onnx/*.c))
HAVE_ONNX := $(if $(filter posix,$(PLATFORM)),1)
ONNX_OBJECTS := $(ONNX_SOURCES:%.c=$(BUILD)/%.o)
ONNX_SONAME := $(call so,cnn-onnx,$(SOVERSION))
ONNX_SHARED := $(LIB)/$(call so,cnn-onnx,$(VERSION))
ONNX_STATIC := $(LIB)/libcnn-onnx.a

.PHONY: onnx-library
onnx-library: $(if $(HAVE_ONNX),$(ONNX_STATIC) $(ONNX_SHARED))
lib: onnx-library

$(ONNX_OBJECTS): $(FLAGS)
# It decides what is computed; the time is spent in the operations of libcnn.
$(BUILD)/onnx/%.o: onnx/%.c
	@mkdir -p $(@D)
	$(call say,CC  )
	$(QUIET)$(CC) $(STRICT) $(PRECISION) $(PLATFORM_CFLAGS) -fvisibility=hidden -Iinclude $(if $(findstring -O0,$(CFLAGS)),,$(HARDEN)) \
		$(CPPFLAGS) $(CFLAGS) $(if $(findstring -O0,$(CFLAGS)),,$(SMALLEST) $(NO_TABLES)) -ffp-contract=off $(PREFIX_MAP) -MMD -MP -c $< -o $@

$(ONNX_STATIC): $(ONNX_OBJECTS)
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,AR  )
	$(QUIET)$(AR) qcs $@ $^

$(ONNX_SHARED): $(ONNX_OBJECTS) onnx/libcnn-onnx.map $(call exports,onnx/libcnn-onnx.map) $(SHARED)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) $(call link_so,cnn-onnx,onnx/libcnn-onnx.map) -o $@ $(ONNX_OBJECTS) -L$(LIB) -lcnn -lm
	@ln -sf $(@F) $(LIB)/$(ONNX_SONAME)
	@ln -sf $(ONNX_SONAME) $(LIB)/$(call so,cnn-onnx)

-include $(ONNX_OBJECTS:.o=.d)
