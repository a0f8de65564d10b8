# The drawings of the pages, docs/drawings/*.svg, made by a program that computes what they show.
#   make drawings         makes them anew; those that need MNIST where CNN_MNIST_DIR or data/mnist has it
#   make check-drawings   are they what the program makes, and well-formed? make check-feature-maps, with MNIST, looks at those, too
ifneq ($(HAVE_IMAGE),)
DRAW := $(BUILD)/draw
CHECK_EXTRA += check-drawings
CHECK_BUILD += $(DRAW)
.PHONY: drawings check-drawings
$(DRAW): $(wildcard docs/drawings/*.c docs/drawings/*.h) $(PUBLIC_HEADERS) $(IMAGE_HEADERS) $(SHARED) $(IMAGE_SHARED)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) $(STRICT) -Iinclude $(CPPFLAGS) $(CFLAGS) $(filter %.c,$^) -o $@ $(LDFLAGS) -L$(LIB) $(call rpath,$(@D)) -lcnn-image -lcnn -lm

DRAWN_FROM = $(if $(wildcard $(MNIST_DIR)/train-images-idx3-ubyte*),$(MNIST_DIR))
drawings: $(DRAW)
	@$(DRAW) docs/drawings $(if $(DRAWN_FROM),$(call quoted,$(DRAWN_FROM)))
	@$(if $(DRAWN_FROM),,echo "drawings: docs/drawings/feature-maps.svg is left as it is: no MNIST here")

check-drawings: $(DRAW)
	@docs/drawings/check.sh $(DRAW)

# The feature maps, too, for which a network is trained.
CHECK_LONG += check-feature-maps
.PHONY: check-feature-maps
check-feature-maps: $(DRAW)
	@$(if $(DRAWN_FROM),docs/drawings/check.sh $(DRAW) $(call quoted,$(DRAWN_FROM)),echo "skipped: check-feature-maps (no MNIST here: CNN_MNIST_DIR)")
endif
