# cnn, the command: on the public headers and the shared libraries alone. It says its lines as the examples do.
CLI := $(BUILD)/cnn
CLI_SOURCES := $(sort $(wildcard cli/*.c)) examples/common/say.c
# With libcnn-image, where it is built, pictures are inputs.
CLI_IMAGE_FLAGS := $(if $(HAVE_IMAGE),-DWITH_IMAGES)
CLI_IMAGE_LIBS := $(if $(HAVE_IMAGE),-lcnn-image)
.PHONY: cli
cli: $(CLI)
ifneq ($(HAVE_ONNX),)
all: cli
endif
CLI_OBJECTS := $(call program_objects,$(CLI_SOURCES))
$(CLI): $(CLI_OBJECTS) $(SHARED) $(ONNX_SHARED) $(if $(HAVE_IMAGE),$(IMAGE_SHARED))
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) $(CFLAGS) $(CLI_OBJECTS) -o $@ $(LDFLAGS) -L$(LIB) $(call rpath,$(@D)) $(CLI_IMAGE_LIBS) -lcnn-onnx -lcnn -lm
