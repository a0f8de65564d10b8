# make install PREFIX=/usr/local DESTDIR=     make uninstall takes the same variables and removes exactly that
# A program is installed if it has a man page. It finds the library by a path relative to itself, so a tree may be moved.
DOCDIR ?= $(DATADIR)/doc/libcnn
MANDIR ?= $(DATADIR)/man
INCLUDE_CNN := $(INCLUDEDIR)/cnn
HEADERS := $(PUBLIC_HEADERS:include/cnn/%=%)
HEADER_FOLDERS := $(patsubst %/,%,$(filter-out ./,$(sort $(dir $(HEADERS)))))
PKGCONFIGDIR := $(LIBDIR)/pkgconfig
CMAKEDIR := $(LIBDIR)/cmake/cnn
INSTALLED_PROGRAMS := $(foreach e,$(EXAMPLES),$(if $(wildcard examples/$(e)/$(e).1),$(e)))
INSTALLED_MANUALS := $(foreach e,$(INSTALLED_PROGRAMS),examples/$(e)/$(e).1) cli/cnn.1
BASHCOMPDIR ?= $(DATADIR)/bash-completion/completions
ZSHCOMPDIR ?= $(DATADIR)/zsh/site-functions
INSTALLED_DOCS := $(wildcard README.md CHANGELOG.md SECURITY.md LICENSE)
# Of the links in these pages those stay that lead to a page that is installed or to the web; of the others the text stays. Pictures are left out.
INSTALLED_LINKS := -e 's/!\[[^]]*\]\([^)]*\) *//g' -e 's/\]\((https?:[^)]*|CHANGELOG\.md|SECURITY\.md|LICENSE)\)/]{\1}/g' -e 's/\[([^]]*)\]\([^)]*\)/\1/g' -e 's/\]\{([^}]*)\}/](\1)/g'
HTML := $(BUILD)/docs/html
STAGE := $(BUILD)/installed

# The linker's own folders need no path in the program.
INSTALLED_RPATH = $(if $(filter /lib /usr/lib /lib/% /usr/lib/%,$(firstword $(LIBDIR))),,-Xlinker -rpath -Xlinker \
	'$(ORIGIN)/$(subst ','\'',$(call relative,$(BINDIR),$(LIBDIR)))')
ZLIB_PC = $(if $(HAVE_ZLIB),$(shell $(PKG_CONFIG) --exists zlib 2>/dev/null && echo zlib))
absolute_prefix = $(if $(filter /%,$(firstword $(PREFIX))),,$(error PREFIX is "$(PREFIX)", expected an absolute path))

# to,PATH: that of the installed tree, a word of the shell's. The folders may have spaces and quotes; the files have none.
to = $(call quoted,$(DESTDIR)$(1))
# pc,PATH: as cnn.pc has it, where a backslash makes a space or a quote a letter like others
SPACE := $(subst x,,x x)
pc_escaped = $(subst $(HASH),\$(HASH),$(subst $$,\$$,$(subst $(SPACE),\$(SPACE),$(subst ",\",$(subst ',\',$(subst \,\\,$(1)))))))
# The prefix is replaced only where it stands at the beginning, behind a mark.
below_prefix = $(subst //mark//,,$(subst //mark//$(call pc_escaped,$(PREFIX))/,$${prefix}/,//mark//$(call pc_escaped,$(1))))
# replace,WORD,TEXT: an option of sed's
replace = -e $(call quoted,s|$(1)|$(subst |,\|,$(subst &,\&,$(subst \,\\,$(2))))|)

.PHONY: install uninstall installed-programs cnn.pc cnn.cmake
# Linked anew each time: LIBDIR and BINDIR may be others than last time.
installed-programs: $(SHARED) $(ONNX_SHARED) $(if $(HAVE_IMAGE),$(IMAGE_SHARED) $(IMAGE_STATIC))
	@mkdir -p $(STAGE)
	$(QUIET)$(foreach e,$(INSTALLED_PROGRAMS),$(CC) $(STRICT) -Iinclude -Iexamples $(CPPFLAGS) $(HARDEN) $(CFLAGS) $(PREFIX_MAP) -fPIE \
		$(EXAMPLE_FLAGS_$(e)) $(call example_sources,$(e)) -o $(STAGE)/$(e) $(LDFLAGS) $(PROGRAM_RELRO) $(EXAMPLE_ARCHIVES_$(e)) \
		-L$(LIB) $(INSTALLED_RPATH) $(EXAMPLE_LIBS_$(e)) -lcnn -lm &&) \
		$(CC) $(STRICT) -Iinclude -Iexamples $(CLI_IMAGE_FLAGS) $(CPPFLAGS) $(HARDEN) $(CFLAGS) $(PREFIX_MAP) -fPIE $(CLI_SOURCES) -o $(STAGE)/cnn $(LDFLAGS) \
		$(PROGRAM_RELRO) -L$(LIB) $(INSTALLED_RPATH) $(CLI_IMAGE_LIBS) -lcnn-onnx -lcnn -lm

cnn.pc:
	@mkdir -p $(STAGE)
	$(QUIET)sed $(call replace,@PREFIX@,$(call pc_escaped,$(PREFIX))) $(call replace,@VERSION@,$(VERSION)) \
		$(call replace,@LIBDIR@,$(call below_prefix,$(LIBDIR))) $(call replace,@INCLUDEDIR@,$(call below_prefix,$(INCLUDEDIR))) \
		$(call replace,@REQUIRES_PRIVATE@,$(ZLIB_PC)) -e '/^Requires.private: $$/d' \
		$(call replace,@LIBS_PRIVATE@,$(if $(ZLIB_PC),,$(ZLIB_LIBS) )-lm -pthread) cnn.pc.in >$(STAGE)/cnn.pc

# CMake takes what stands between [====[ and ]====] as it is.
cnn.cmake:
	@mkdir -p $(STAGE)
	$(QUIET)sed $(call replace,@INCLUDEDIR@,$(call relative,$(CMAKEDIR),$(INCLUDEDIR))) \
		$(call replace,@SHARED@,$(notdir $(SHARED))) $(call replace,@SONAME@,$(SONAME)) $(call replace,@STATIC@,$(notdir $(STATIC))) \
		$(call replace,@LIBS@,$(if $(HAVE_ZLIB),z;)m;-pthread) tools/cnnConfig.cmake.in >$(STAGE)/cnnConfig.cmake
	$(QUIET)sed $(call replace,@VERSION@,$(VERSION)) $(call replace,@SOVERSION_PATTERN@,$(subst .,\\.,$(SOVERSION))) \
		tools/cnnConfigVersion.cmake.in >$(STAGE)/cnnConfigVersion.cmake

install: lib installed-programs cnn.pc cnn.cmake
	$(absolute_prefix)
	@$(INSTALL) -d $(foreach d,BINDIR LIBDIR PKGCONFIGDIR CMAKEDIR INCLUDE_CNN DOCDIR BASHCOMPDIR ZSHCOMPDIR,$(call to,$($(d)))) $(call to,$(MANDIR)/man1)
	@$(INSTALL) -d $(foreach d,$(HEADER_FOLDERS),$(call to,$(INCLUDE_CNN)/$(d)))
	@for h in $(HEADERS); do $(INSTALL) -m 644 include/cnn/$$h $(call to,$(INCLUDE_CNN))/$$h || exit 1; done
	@$(INSTALL) -m 644 $(STATIC) $(call to,$(LIBDIR))
	@$(INSTALL) -m 755 $(SHARED) $(call to,$(LIBDIR))
	@ln -sf $(notdir $(SHARED)) $(call to,$(LIBDIR)/$(SONAME))
	@ln -sf $(SONAME) $(call to,$(LIBDIR)/$(call so,cnn))
	@$(INSTALL) -m 644 $(STAGE)/cnn.pc $(call to,$(PKGCONFIGDIR))
	@$(INSTALL) -m 644 $(STAGE)/cnnConfig.cmake $(STAGE)/cnnConfigVersion.cmake $(call to,$(CMAKEDIR))
	@$(INSTALL) -m 755 $(INSTALLED_PROGRAMS:%=$(STAGE)/%) $(STAGE)/cnn $(call to,$(BINDIR))
	@$(INSTALL) -m 644 $(INSTALLED_MANUALS) $(call to,$(MANDIR)/man1)
	@$(INSTALL) -m 644 cli/completion/cnn.bash $(call to,$(BASHCOMPDIR)/cnn)
	@$(INSTALL) -m 644 cli/completion/_cnn $(call to,$(ZSHCOMPDIR))
	@mkdir -p $(STAGE)/doc
	@for page in $(INSTALLED_DOCS); do sed -E $(INSTALLED_LINKS) $$page >$(STAGE)/doc/$$page || exit 1; done
	@$(INSTALL) -m 644 $(INSTALLED_DOCS:%=$(STAGE)/doc/%) $(call to,$(DOCDIR))
	@if [ -f $(HTML)/index.html ]; then rm -rf $(call to,$(DOCDIR)/html); cp -r $(HTML) $(call to,$(DOCDIR)); fi
	@[ -n $(call quoted,$(DESTDIR)) ] || [ "$$(id -u)" != 0 ] || ldconfig 2>/dev/null || true
	@echo libcnn $(VERSION) is in $(call to,$(PREFIX))

uninstall:
	$(absolute_prefix)
	@rm -f $(foreach f,$(HEADERS),$(call to,$(INCLUDE_CNN)/$(f)))
	@rm -f $(foreach f,$(notdir $(STATIC) $(SHARED)) $(SONAME) $(call so,cnn),$(call to,$(LIBDIR)/$(f)))
	@rm -f $(call to,$(PKGCONFIGDIR)/cnn.pc) $(foreach f,$(INSTALLED_PROGRAMS) cnn,$(call to,$(BINDIR)/$(f)))
	@rm -f $(call to,$(BASHCOMPDIR)/cnn) $(call to,$(ZSHCOMPDIR)/_cnn)
	@rm -f $(foreach f,cnnConfig.cmake cnnConfigVersion.cmake,$(call to,$(CMAKEDIR)/$(f)))
	@rm -f $(foreach f,$(notdir $(INSTALLED_MANUALS)),$(call to,$(MANDIR)/man1/$(f)))
	@rm -f $(foreach f,$(INSTALLED_DOCS),$(call to,$(DOCDIR)/$(f)))
	@rm -rf $(call to,$(DOCDIR)/html)
	@for d in $(foreach d,$(HEADER_FOLDERS),$(call to,$(INCLUDE_CNN)/$(d))) $(call to,$(INCLUDE_CNN)) $(call to,$(DOCDIR)) $(call to,$(CMAKEDIR)); do [ ! -d "$$d" ] || rmdir "$$d" 2>/dev/null || true; done
	@[ -n $(call quoted,$(DESTDIR)) ] || [ "$$(id -u)" != 0 ] || ldconfig 2>/dev/null || true
