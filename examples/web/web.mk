# The page on which digits are drawn: one file, build/web/index.html, with libcnn as WebAssembly.
#   make web           builds it with emscripten; any static server serves it, and browsers open the file itself
#   make web-weights   trains its network anew on the MNIST of CNN_MNIST_DIR or data/mnist, to the same bits
WEB := $(BUILD)/web
WEB_WEIGHTS := examples/web/weights.safetensors
WEB_SOURCES := examples/web/page/page.c examples/web/net.c examples/common/ink.c examples/common/strokes.c
WEB_KINDS := simd scalar
# Kernels have vectors of their own; loops that a compiler makes vectors of are not where this network's time goes, and 12 kB.
WEB_FLAGS_simd := -msimd128 -fno-vectorize
WEB_CFLAGS := -std=c11 -D_GNU_SOURCE -Os -ffp-contract=off
# The library as one file: the compiler starts once in place of some 300 times, and emscripten's starts slowly.
WEB_LIBRARY := $(WEB)/amalgamation/cnn.c
# A module without JavaScript of the compiler's, which exports what page.c says: functions that no header declares.
WEB_LINK := -Os -s STANDALONE_WASM=1 -s ALLOW_MEMORY_GROWTH=1 --no-entry
.PHONY: web web-weights
web:
	@tools/install-dependencies.sh web
	@+$(MAKE) $(JOBS) --no-print-directory $(WEB)/index.html

$(WEB)/index.html: $(WEB_KINDS:%=$(WEB)/%.wasm) $(WEB_WEIGHTS) examples/web/assemble.py $(wildcard examples/web/page/*)
	@examples/web/assemble.py $(foreach kind,$(WEB_KINDS),--$(kind) $(WEB)/$(kind).wasm) --weights $(WEB_WEIGHTS) \
		--output $@

define web_rules
$(WEB)/$(1).o: $(WEB_LIBRARY)
	$$(call say,CC  )
	$$(QUIET)$$(EMCC) $$(WEB_CFLAGS) $$(WEB_FLAGS_$(1)) -c $$< -o $$@
$(WEB)/$(1).wasm: $(WEB)/$(1).o $(WEB_SOURCES) $(wildcard examples/web/*.h examples/common/*.h) $(PUBLIC_HEADERS)
	$$(call say,LINK)
	$$(QUIET)$$(EMCC) $$(filter-out -Wmissing-prototypes,$$(WARNINGS)) $$(WEB_CFLAGS) $$(WEB_FLAGS_$(1)) \
		-Iinclude -Iexamples $$(WEB_SOURCES) $$< -o $$@ $$(WEB_LINK)
endef
$(foreach kind,$(WEB_KINDS),$(eval $(call web_rules,$(kind))))

# Without threads and files.
$(WEB_LIBRARY): Makefile tools/make-amalgamation.py $(shell find include src -name '*.[ch]')
	@+$(MAKE) --no-print-directory PLATFORM=none BUILD=$(WEB) HAVE_ZLIB= amalgamation

web-weights: $(BUILD)/examples/web
	@$< --data $(call quoted,$(MNIST_DIR)) --output $(WEB_WEIGHTS)
