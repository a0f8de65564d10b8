/* Loading and storing elements; see stored.h. Both work on bits: they depend neither on the rounding mode nor on
 * whether the thread flushes subnormal numbers. */
#include "kernels/stored.h"

#include "kernels/launch.h"

typedef uint32_t __attribute__((may_alias)) stored_bits_32;
typedef uint16_t __attribute__((may_alias)) stored_bits_16;

static void load_bf16(int64_t n, const void *stored, void *computed)
{
    const stored_bits_16 *from = stored;
    stored_bits_32 *to = computed;
    for (int64_t i = 0; i < n; i++) {
        to[i] = (uint32_t)from[i] << 16;
    }
}

static __attribute__((cold, noinline)) void store_bf16_any(int64_t n, const stored_bits_32 *from, stored_bits_16 *to)
{
    for (int64_t i = 0; i < n; i++) {
        to[i] = cnn__bf16_of_bits(from[i]);
    }
}

/* A block is rounded as if it had no NaN, and once more if it has one. */
static void store_bf16(int64_t n, const void *computed, void *stored)
{
    enum { STORED_BLOCK = 256 };
    const stored_bits_32 *from = computed;
    stored_bits_16 *to = stored;
    for (int64_t first = 0; first < n; first += STORED_BLOCK, from += STORED_BLOCK, to += STORED_BLOCK) {
        const int64_t count = n - first < STORED_BLOCK ? n - first : STORED_BLOCK;
        uint32_t nan = 0;
        for (int64_t i = 0; i < count; i++) {
            nan |= 0x7f800000 - (from[i] & 0x7fffffff);
            to[i] = (uint16_t)((from[i] + 0x7fff + (from[i] >> 16 & 1)) >> 16);
        }
        if (nan >> 31) {
            store_bf16_any(count, from, to);
        }
    }
}

typedef void (*convert_fn)(int64_t n, const void *from, void *to);

static const struct {
    convert_fn load, store;
} conversions[CNN__DTYPES] = { [CNN_BF16] = { load_bf16, store_bf16 } };

void cnn__stored_load(cnn_dtype dtype, int64_t n, const void *stored, void *computed)
{
    conversions[dtype].load(n, stored, computed);
}

void cnn__stored_store(cnn_dtype dtype, int64_t n, const void *computed, void *stored)
{
    conversions[dtype].store(n, computed, stored);
}

/* ---- whole operands ---- */

typedef struct conversion {
    convert_fn convert;
    int64_t n;
    const char *from;
    char *to;
    size_t from_size, to_size;
} conversion;

enum { CONVERSION_TASK = 16384 };

static void convert_task(void *arg, int64_t task, int worker)
{
    const conversion *c = arg;
    int64_t begin = task * CONVERSION_TASK, left = c->n - begin;
    (void)worker;
    c->convert(left < CONVERSION_TASK ? left : CONVERSION_TASK, c->from + (size_t)begin * c->from_size,
               c->to + (size_t)begin * c->to_size);
}

static void convert_all(cnn_dtype dtype, bool loads, int64_t n, const void *from, void *to, cnn__pool *pool)
{
    size_t stored = cnn__dtypes[dtype].size, computed = cnn__dtypes[cnn__dtypes[dtype].compute].size;
    conversion c = { loads ? conversions[dtype].load : conversions[dtype].store,
                     n,
                     from,
                     to,
                     loads ? stored : computed,
                     loads ? computed : stored };
    cnn__pool_run(pool, n / CONVERSION_TASK + (n % CONVERSION_TASK != 0), (double)n, convert_task, &c);
}

/* ---- launches ---- */

static size_t room_for(const cnn_launch *launch, int64_t n)
{
    return ((size_t)n * cnn__dtypes[cnn__dtypes[launch->dtype].compute].size + 63) / 64 * 64;
}

bool cnn__stored_supports(const cnn_launch *launch)
{
    cnn__operands operands;
    return cnn__operands_of(launch, &operands);
}

size_t cnn__stored_workspace(const cnn_launch *launch)
{
    cnn__operands operands;
    size_t bytes = 0;
    cnn__operands_of(launch, &operands);
    for (int i = 0; i < CNN__IN; i++) {
        bytes += room_for(launch, operands.in[i]);
    }
    for (int i = 0; i < CNN__OUT; i++) {
        bytes += room_for(launch, operands.out[i]);
    }
    return bytes;
}

void cnn__stored_begin(const cnn_launch *launch, cnn_launch *computed, cnn__pool *pool)
{
    cnn__operands operands;
    char *at = launch->workspace;
    *computed = *launch;
    computed->dtype = cnn__dtypes[launch->dtype].compute;
    cnn__operands_of(launch, &operands);
    for (int i = 0; i < CNN__IN; at += room_for(launch, operands.in[i++])) {
        if (operands.in[i] && launch->in[i]) {
            convert_all(launch->dtype, true, operands.in[i], launch->in[i], at, pool);
            computed->in[i] = at;
        }
    }
    for (int i = 0; i < CNN__OUT; at += room_for(launch, operands.out[i++])) {
        if (operands.out[i] && launch->out[i]) {
            computed->out[i] = at;
            if (operands.updates) {
                convert_all(launch->dtype, true, operands.out[i], launch->out[i], at, pool);
            }
        }
    }
    computed->workspace = at;
}

void cnn__stored_end(const cnn_launch *launch, const cnn_launch *computed, cnn__pool *pool)
{
    cnn__operands operands;
    cnn__operands_of(launch, &operands);
    for (int i = 0; i < CNN__OUT; i++) {
        if (operands.out[i] && launch->out[i]) {
            convert_all(launch->dtype, false, operands.out[i], computed->out[i], launch->out[i], pool);
        }
    }
}
