# make install PREFIX=/usr/local DESTDIR=     make uninstall takes the same variables and removes exactly that
# A program is installed if it has a man page. It finds the library by a path relative to itself, so a tree may be moved.
DOCDIR ?= $(DATADIR)/doc/libcnn
MANDIR ?= $(DATADIR)/man
INCLUDE_CNN := $(INCLUDEDIR)/cnn
PKGCONFIGDIR := $(LIBDIR)/pkgconfig
INSTALLED_PROGRAMS := $(foreach e,$(EXAMPLES),$(if $(wildcard examples/$(e)/$(e).1),$(e)))
INSTALLED_MANUALS := $(foreach e,$(INSTALLED_PROGRAMS),examples/$(e)/$(e).1)
INSTALLED_DOCS := $(wildcard README.md CHANGELOG.md SECURITY.md LICENSE)
HTML := $(BUILD)/docs/html
STAGE := $(BUILD)/installed

# The linker's own folders need no path in the program.
INSTALLED_RPATH = $(if $(filter /lib /usr/lib /lib/% /usr/lib/%,$(LIBDIR)),,\
	-Wl$(COMMA)-rpath$(COMMA)'$$ORIGIN/$(shell realpath -m --relative-to=$(BINDIR) $(LIBDIR))')
COMMA := ,
ZLIB_PC = $(if $(HAVE_ZLIB),$(shell $(PKG_CONFIG) --exists zlib 2>/dev/null && echo zlib))
absolute_prefix = $(if $(filter /%,$(PREFIX)),,$(error PREFIX is "$(PREFIX)", expected an absolute path))

.PHONY: install uninstall installed-programs cnn.pc
# Linked anew each time: LIBDIR and BINDIR may be others than last time.
installed-programs: $(SHARED)
	@mkdir -p $(STAGE)
	$(QUIET)for e in $(INSTALLED_PROGRAMS); do \
		$(CC) $(STRICT) -Iinclude $(CPPFLAGS) $(HARDEN) $(CFLAGS) -fPIE examples/$$e/*.c -o $(STAGE)/$$e $(LDFLAGS) -pie \
			-Wl,-z,relro,-z,now -L$(LIB) $(INSTALLED_RPATH) -lcnn -lm || exit 1; \
	done

cnn.pc:
	@mkdir -p $(STAGE)
	$(QUIET)sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' \
		-e 's|@LIBDIR@|$(patsubst $(PREFIX)/%,$${prefix}/%,$(LIBDIR))|' \
		-e 's|@INCLUDEDIR@|$(patsubst $(PREFIX)/%,$${prefix}/%,$(INCLUDEDIR))|' \
		-e 's|@REQUIRES_PRIVATE@|$(ZLIB_PC)|' -e '/^Requires.private: $$/d' \
		-e 's|@LIBS_PRIVATE@|$(if $(ZLIB_PC),,$(ZLIB_LIBS) )-lm -pthread|' cnn.pc.in >$(STAGE)/cnn.pc

install: lib installed-programs cnn.pc
	$(absolute_prefix)
	@$(INSTALL) -d $(foreach d,$(BINDIR) $(LIBDIR) $(PKGCONFIGDIR) $(INCLUDE_CNN) $(DOCDIR) $(MANDIR)/man1,"$(DESTDIR)$(d)")
	@$(INSTALL) -m 644 $(PUBLIC_HEADERS) "$(DESTDIR)$(INCLUDE_CNN)"
	@$(INSTALL) -m 644 $(STATIC) "$(DESTDIR)$(LIBDIR)"
	@$(INSTALL) -m 755 $(SHARED) "$(DESTDIR)$(LIBDIR)"
	@ln -sf $(notdir $(SHARED)) "$(DESTDIR)$(LIBDIR)/$(SONAME)"
	@ln -sf $(SONAME) "$(DESTDIR)$(LIBDIR)/libcnn.so"
	@$(INSTALL) -m 644 $(STAGE)/cnn.pc "$(DESTDIR)$(PKGCONFIGDIR)"
	@$(INSTALL) -m 755 $(INSTALLED_PROGRAMS:%=$(STAGE)/%) "$(DESTDIR)$(BINDIR)"
	@$(INSTALL) -m 644 $(INSTALLED_MANUALS) "$(DESTDIR)$(MANDIR)/man1"
	@$(INSTALL) -m 644 $(INSTALLED_DOCS) "$(DESTDIR)$(DOCDIR)"
	@if [ -f $(HTML)/index.html ]; then rm -rf "$(DESTDIR)$(DOCDIR)/html"; cp -r $(HTML) "$(DESTDIR)$(DOCDIR)"; fi
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || ldconfig 2>/dev/null || true
	@echo "libcnn $(VERSION) is in $(DESTDIR)$(PREFIX)"

uninstall:
	$(absolute_prefix)
	@rm -f $(foreach f,$(notdir $(PUBLIC_HEADERS)),"$(DESTDIR)$(INCLUDE_CNN)/$(f)")
	@rm -f $(foreach f,$(notdir $(STATIC) $(SHARED)) $(SONAME) libcnn.so,"$(DESTDIR)$(LIBDIR)/$(f)")
	@rm -f "$(DESTDIR)$(PKGCONFIGDIR)/cnn.pc" $(foreach f,$(INSTALLED_PROGRAMS),"$(DESTDIR)$(BINDIR)/$(f)")
	@rm -f $(foreach f,$(notdir $(INSTALLED_MANUALS)),"$(DESTDIR)$(MANDIR)/man1/$(f)")
	@rm -f $(foreach f,$(INSTALLED_DOCS),"$(DESTDIR)$(DOCDIR)/$(f)")
	@rm -rf "$(DESTDIR)$(DOCDIR)/html"
	@for d in "$(DESTDIR)$(INCLUDE_CNN)" "$(DESTDIR)$(DOCDIR)"; do [ ! -d "$$d" ] || rmdir --ignore-fail-on-non-empty "$$d"; done
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || ldconfig 2>/dev/null || true
