# Benchmarks: each bench/bench_*.c is a program.
BENCH_PROGRAMS := $(patsubst bench/%.c,$(BUILD)/bench/%,$(wildcard bench/bench_*.c))
$(BUILD)/bench/%: bench/%.c $(STATIC)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) -std=c11 -D_GNU_SOURCE -Wall -Wextra -O3 -ffp-contract=fast -Iinclude -Isrc -pthread $< -o $@ $(STATIC) \
		$(ZLIB_LIBS) -lm
