# A program that was compiled with -Ofast, whose start flushes subnormal numbers to 0, and uses the library.
CHECK_EXTRA += check-fast-math
.PHONY: check-fast-math
check-fast-math: $(BUILD)/tests/fast_math
	@$<

$(BUILD)/tests/fast_math: tests/fast-math/fast_math.c $(PUBLIC_HEADERS) $(STATIC)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) $(STRICT) -Iinclude $(CPPFLAGS) $(CFLAGS) -O2 -ffast-math $< -o $@ $(LDFLAGS) $(STATIC) $(ZLIB_LIBS) -lm -pthread
