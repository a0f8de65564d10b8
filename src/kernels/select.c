/* The kernel tables, slowest first, and which of them this CPU runs.
 *
 * "reference" is the specification; "generic" is compiled for the least CPU of the architecture, so that its results
 * are the same on all of them. */
#include "kernels/array/array.h"
#include "kernels/kernels.h"
#include "kernels/reference/reference.h"

#include <stdlib.h>
#include <string.h>

static bool always(void)
{
    return true;
}

#if defined __x86_64__
extern const cnn__real_kernels cnn__real_kernels_sse2, cnn__real_kernels_avx2, cnn__real_kernels_avx512;
extern const cnn__array_kernels cnn__array_kernels_sse2, cnn__array_kernels_avx2, cnn__array_kernels_avx512;
#define LEAST cnn__array_kernels_sse2

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
}
#elif defined __aarch64__
extern const cnn__real_kernels cnn__real_kernels_neon;
extern const cnn__array_kernels cnn__array_kernels_neon;
#define LEAST cnn__array_kernels_neon
#else
extern const cnn__real_kernels cnn__real_kernels_generic;
extern const cnn__array_kernels cnn__array_kernels_generic;
#define LEAST cnn__array_kernels_generic
#endif

typedef struct table_entry {
    bool (*supported)(void);
    cnn__kernels kernels;
} table_entry;

static const table_entry entries[] = {
    { always, { "reference", &cnn__reference_f32, &cnn__reference_f64, &LEAST } },
#if defined __x86_64__
    { always, { "generic", &cnn__real_kernels_sse2, &cnn__reference_f64, &cnn__array_kernels_sse2 } },
    { has_avx2, { "avx2", &cnn__real_kernels_avx2, &cnn__reference_f64, &cnn__array_kernels_avx2 } },
    { has_avx512, { "avx512", &cnn__real_kernels_avx512, &cnn__reference_f64, &cnn__array_kernels_avx512 } },
#elif defined __aarch64__
    { always, { "neon", &cnn__real_kernels_neon, &cnn__reference_f64, &cnn__array_kernels_neon } },
#else
    { always, { "generic", &cnn__real_kernels_generic, &cnn__reference_f64, &cnn__array_kernels_generic } },
#endif
};

enum { ENTRIES = sizeof entries / sizeof *entries };

const cnn__kernels *cnn__kernels_select(const char *name)
{
    for (int i = ENTRIES - 1; i >= 0; i--) {
        if ((!name || strcmp(name, entries[i].kernels.name) == 0) && entries[i].supported()) {
            return &entries[i].kernels;
        }
    }
    return NULL;
}

const char *cnn__kernels_wanted(void)
{
    const char *name = getenv("CNN_KERNELS");
    return name && *name ? name : NULL;
}

int cnn__kernels_list(const cnn__kernels **tables, int capacity)
{
    int count = 0;
    for (int i = 0; i < ENTRIES && count < capacity; i++) {
        if (entries[i].supported()) {
            tables[count++] = &entries[i].kernels;
        }
    }
    return count;
}
