# make docs: the pages and the API's reference in build/docs/html. A warning of Doxygen is an error.
DOCS := $(BUILD)/docs
DOXYGEN ?= doxygen
DOCS_STYLE := /usr/share/doxygen-awesome-css/doxygen-awesome.css
.PHONY: docs check-docs
docs: man
	@tools/install-dependencies.sh docs
	@rm -rf $(DOCS) && mkdir -p $(DOCS)
	@CNN_VERSION=$(VERSION) CNN_DOCS_STYLE=$$(ls $(DOCS_STYLE) 2>/dev/null) \
		CNN_HAVE_DOT=$$(command -v dot >/dev/null && echo YES || echo NO) docs/doxygen.sh $(DOXYGEN) $(DOCS)
	@docs/site.sh $(DOCS)/html $(dir $(DOCS_STYLE))
	@! grep -l ilinebr $(DOCS)/html/md_*.html || { echo "docs: tables of these pages are broken; code with a quote in it needs two backticks"; false; }
	@docs/check-site.sh $(DOCS)/html $(MAN)/man3
	@echo "docs: $(DOCS)/html/index.html"
check-docs: docs check-docs-code check-man-page check-man $(if $(HAVE_IMAGE),check-drawings)

# The graphs of docs/performance.md and its tables, from docs/performance/*.csv.
CHECK_EXTRA += check-plots
.PHONY: plots check-plots
plots:
	@tools/plot-performance.py
	@echo "plots: docs/performance/*.svg and the tables of docs/performance.md"

check-plots:
	@if command -v python3 >/dev/null; then tools/plot-performance.py --check && \
		echo "check-plots: the graphs and tables of docs/performance.md are those of the measurements"; \
	else echo "skipped: check-plots (no python3 here)"; fi
