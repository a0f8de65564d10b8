/* What attention does between its matrix products, which are those of products.cu: weights of a row, and their
 * gradient. A block has a row of one query. */
#ifndef WITHOUT_F32
#define WITHOUT_F64 /* they have a module of their own */
#endif
#include "arguments.h"
#include "enumerations.h"
#include "numbers.h"

/* sizes of plain arguments; the nest of nested ones is the batch, operand 0 being the mask. */
enum { QUERIES, KEYS, CAUSAL, MASK_ROW, MASK_COLUMN, MASK_IS_BOOL, KEY_0, KEY_1 };
enum { SCALE, DROP_FACTOR, DROP_THRESHOLD }; /* no dropout: a factor below 0 */

DEVICE double keep_of(const nested_arguments *a, int64_t number)
{
    uint32_t words[4];
    if (a->value[DROP_FACTOR] < 0) {
        return 1;
    }
    philox((uint64_t)a->size[KEY_0], (uint64_t)a->size[KEY_1], (uint64_t)(number / 4), words);
    return (double)words[number % 4] >= a->value[DROP_THRESHOLD] ? a->value[DROP_FACTOR] : 0;
}

DEVICE double larger_of(double a, double b)
{
    return a != a || a >= b ? a : b;
}

/* Returns how many keys, from the first on, a query sees. */
DEVICE int64_t seen_by(const nested_arguments *a, int64_t query)
{
    return a->size[CAUSAL] ? smaller(query + 1, a->size[KEYS]) : a->size[KEYS];
}

#ifndef WITHOUT_F32
#define X float
#define FN(name) name##_f32
#define OWN(name) cnn__##name##_f32
#include "attention_rows.h"
#undef X
#undef FN
#undef OWN
#endif

#ifndef WITHOUT_F64
#define X double
#define FN(name) name##_f64
#define OWN(name) cnn__##name##_f64
#include "attention_rows.h"
#undef X
#undef FN
#undef OWN
#endif
