# What a user of an installed library meets: the headers, the files, pkg-config.
CHECK_EXTRA += check-headers check-keywords check-install
CHECK_BUILD += lib
.PHONY: check-headers check-keywords check-install
check-headers:
	@CC="$(CC)" CXX="$(CXX)" tests/install/check-headers.sh $(PUBLIC_HEADERS)
check-keywords:
	@CC="$(CC)" tests/install/check-keywords.sh $(PUBLIC_HEADERS)
check-install: lib
	@+CC="$(CC)" CXX="$(CXX)" PKG_CONFIG="$(PKG_CONFIG)" tests/install/check-install.sh $(MAKE) --no-print-directory
