# The page of `make web` in headless browsers, its module in node, and its weights.
#   make check-web           (part of make check-long)
#   make check-web-weights   trains the weights anew on the MNIST of CNN_MNIST_DIR, and compares every bit (the same)
CHECK_LONG += check-web check-web-weights
CHROMIUM ?= chromium
FIREFOX ?= $(shell command -v firefox-esr || command -v firefox || echo firefox-esr)
.PHONY: check-web run-web check-web-weights
check-web:
	@+if ! command -v $(EMCC) >/dev/null || ! command -v $(CHROMIUM) >/dev/null || ! command -v $(NODE) >/dev/null; then \
		echo "skipped: check-web needs emcc, $(CHROMIUM) and node (Debian: emscripten, chromium, nodejs;" \
			"tools/install-dependencies.sh web browser)"; \
	else $(MAKE) --no-print-directory web && $(MAKE) --no-print-directory run-web; fi
run-web: $(BUILD)/examples/mnist_cnn $(EXAMPLE_DIGITS)/synthetic/t10k-labels-idx1-ubyte
	@$(NODE) tests/web/measure.mjs $(WEB) $(WEB_WEIGHTS)
	@python3 -B tests/web/check.py $(CHROMIUM) $(WEB)
	@if ! command -v $(FIREFOX) >/dev/null; then echo "skipped: the page in Firefox (Debian: firefox-esr)"; else \
		$< --data $(EXAMPLE_DIGITS)/synthetic --limit 200 --epochs 1 --quiet --report $(WEB)/report && \
		python3 -B tests/web/firefox.py $(FIREFOX) $(WEB) $(WEB)/report; fi

check-web-weights: $(BUILD)/examples/web
	@if [ -z "$$CNN_MNIST_DIR" ]; then echo "skipped: check-web-weights needs MNIST, in the folder that CNN_MNIST_DIR names"; else \
		mkdir -p $(WEB) && $< --data "$$CNN_MNIST_DIR" --output $(WEB)/weights.safetensors && \
		cmp $(WEB)/weights.safetensors $(WEB_WEIGHTS) && echo "check-web-weights: the weights are the same, to the bit"; fi
