# libcnn-image: pictures, by libpng and libjpeg, in a library of its own beside libcnn, whose public API alone it uses. Where
# one of the two is missing, all else is built as if this folder were not there.
#   make image-library   lib/libcnn-image.a and lib/libcnn-image.so (part of make)
IMAGE_HEADERS := include/cnn/image.h
IMAGE_SOURCES := $(sort $(wildcard image/*.c))
IMAGE_PROBE := \#include <stdio.h>\n\#include <png.h>\n\#include <jpeglib.h>\nint main(void) { struct jpeg_error_mgr e; return png_access_version_number() == 0 || !jpeg_std_error(&e); }
HAVE_IMAGE := $(if $(filter posix,$(PLATFORM)),$(shell printf '$(IMAGE_PROBE)' | \
	$(CC) $(CPPFLAGS) -x c - -o /dev/null $(LDFLAGS) -lpng -ljpeg >/dev/null 2>&1 && echo 1))
IMAGE_OBJECTS := $(IMAGE_SOURCES:%.c=$(BUILD)/%.o)
IMAGE_SONAME := $(call so,cnn-image,$(SOVERSION))
IMAGE_SHARED := $(LIB)/$(call so,cnn-image,$(VERSION))
IMAGE_STATIC := $(LIB)/libcnn-image.a
IMAGE_LIBS := -lpng -ljpeg

.PHONY: image-library
image-library: $(if $(HAVE_IMAGE),$(IMAGE_STATIC) $(IMAGE_SHARED))
ifeq ($(HAVE_IMAGE),)
	@echo "  libcnn-image is left out: it needs libpng and libjpeg (Debian: libpng-dev libjpeg-dev)"
endif
lib: image-library

$(IMAGE_OBJECTS): $(FLAGS)
# The loops over pixels are worth vectors at any level but -O0.
$(foreach name,picture resize sample,$(BUILD)/image/$(name).o): IMAGE_CFLAGS = $(if $(findstring -O0,$(CFLAGS)),,-O2 -ftree-vectorize $(VECTOR_COST))
$(BUILD)/image/%.o: image/%.c
	@mkdir -p $(@D)
	$(call say,CC  )
	$(QUIET)$(CC) $(STRICT) $(PRECISION) $(PLATFORM_CFLAGS) -fvisibility=hidden -Iinclude $(if $(findstring -O0,$(CFLAGS)),,$(HARDEN)) \
		$(CPPFLAGS) $(CFLAGS) $(IMAGE_CFLAGS) -ffp-contract=off $(PREFIX_MAP) -MMD -MP -c $< -o $@

$(IMAGE_STATIC): $(IMAGE_OBJECTS)
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,AR  )
	$(QUIET)$(AR) qcs $@ $^

$(IMAGE_SHARED): $(IMAGE_OBJECTS) image/libcnn-image.map $(call exports,image/libcnn-image.map) $(SHARED)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) $(call link_so,cnn-image,image/libcnn-image.map) -o $@ $(IMAGE_OBJECTS) -L$(LIB) -lcnn $(IMAGE_LIBS)
	@ln -sf $(@F) $(LIB)/$(IMAGE_SONAME)
	@ln -sf $(IMAGE_SONAME) $(LIB)/$(call so,cnn-image)

-include $(IMAGE_OBJECTS:.o=.d)
