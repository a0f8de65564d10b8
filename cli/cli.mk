# cnn, the command: on the public headers and the shared libraries alone. It says its lines as the examples do.
CLI := $(BUILD)/cnn
CLI_SOURCES := $(sort $(wildcard cli/*.c)) examples/common/say.c
.PHONY: cli
cli: $(CLI)
ifneq ($(HAVE_ONNX),)
all: cli
endif
$(CLI): $(CLI_SOURCES) $(wildcard cli/*.h) examples/common/say.h $(PUBLIC_HEADERS) $(ONNX_HEADERS) $(SHARED) $(ONNX_SHARED)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) $(STRICT) -Iinclude -Iexamples $(CPPFLAGS) $(CFLAGS) $(CLI_SOURCES) -o $@ $(LDFLAGS) -L$(LIB) $(call rpath,$(@D)) -lcnn-onnx -lcnn -lm
