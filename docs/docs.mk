# make docs: the pages and the API's reference in build/docs/html. A warning of Doxygen is an error.
DOCS := $(BUILD)/docs
DOXYGEN ?= doxygen
DOCS_STYLE := /usr/share/doxygen-awesome-css/doxygen-awesome.css
.PHONY: docs check-docs
docs:
	@tools/install-dependencies.sh docs
	@rm -rf $(DOCS) && mkdir -p $(DOCS)
	@CNN_VERSION=$(VERSION) CNN_DOCS=$(DOCS) CNN_DOCS_STYLE=$$(ls $(DOCS_STYLE) 2>/dev/null) \
		CNN_HAVE_DOT=$$(command -v dot >/dev/null && echo YES || echo NO) $(DOXYGEN) docs/Doxyfile
	@echo "docs: $(DOCS)/html/index.html"
check-docs: docs check-docs-code check-man-page
