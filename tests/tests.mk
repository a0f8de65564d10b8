# Tests: each tests/test_*.c is a program of its own, linked statically so that it can see the inside
TEST_SUPPORT := $(wildcard tests/support/*.c)
TEST_PROGRAMS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/test_*.c))
CHECK_LIBS = $(shell $(PKG_CONFIG) --libs check 2>/dev/null || echo -lcheck)

.PHONY: test-programs
test-programs: $(TEST_PROGRAMS)
$(BUILD)/tests/%: tests/%.c $(TEST_SUPPORT) $(wildcard tests/support/*.h) $(STATIC)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) -std=c11 -D_GNU_SOURCE -Wall -Wextra -Iinclude -Isrc -Itests -pthread $(CPPFLAGS) $(CFLAGS) $< $(TEST_SUPPORT) \
		-o $@ $(LDFLAGS) $(STATIC) $(CHECK_LIBS) $(ZLIB_LIBS) -lm
