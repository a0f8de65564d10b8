/* split, split_with_sizes, chunk and unbind: a tensor in parts along a dimension, each a view that cnn_slice()
 * makes. */
#include "ops/operation.h"

/* Where the parts go, and how many there may be. */
typedef struct split_parts {
    cnn__call call;
    cnn_tensor *x;
    int dim;
    cnn_tensor **parts;
    int count;
} split_parts;

/* Finds the tape and the dimension; false: reported, and every part is nil. */
static bool split_begin(split_parts *s, const cnn__op *entry, cnn_tensor *x, int dim, cnn_tensor **parts, int count)
{
    bool done = cnn__call_begin(&s->call, entry, 1, &x);
    s->parts = parts;
    s->count = count;
    if (done && (!parts || count < 1)) {
        cnn__call_fail(&s->call, CNN_ERROR_INVALID_ARGUMENT, "room for %d parts%s, expected 1 or more", count,
                       parts ? "" : " at NULL");
        done = false;
    }
    if (done) {
        s->x = s->call.in[0];
        s->dim = cnn__call_dim(&s->call, dim, s->x->ndim);
        done = s->dim >= 0;
    }
    for (int i = 0; parts && i < count; i++) {
        parts[i] = done ? NULL : s->call.nil;
    }
    return done;
}

static int split_fail(const split_parts *s)
{
    for (int i = 0; i < s->count; i++) {
        s->parts[i] = s->call.nil;
    }
    return 0;
}

/* Whether `parts` have room; false: reported. */
static bool split_fits(split_parts *s, int64_t parts)
{
    if (parts > s->count) {
        cnn__call_fail(&s->call, CNN_ERROR_INVALID_ARGUMENT, "%lld parts, room for %d", (long long)parts, s->count);
    }
    return parts <= s->count;
}

static int split_evenly(split_parts *s, int64_t size, int64_t parts)
{
    if (!split_fits(s, parts)) {
        return split_fail(s);
    }
    for (int i = 0; i < (int)parts; i++) {
        s->parts[i] = cnn_slice(s->x, s->dim, i * size, i + 1 < parts ? (i + 1) * size : INT64_MAX, 1);
    }
    return (int)parts;
}

int cnn_split(cnn_tensor *x, int64_t split_size, int dim, cnn_tensor **parts, int count)
{
    static const cnn__op entry = CNN__COMPOSITION(split, .optional = 0);
    split_parts s;
    if (!split_begin(&s, &entry, x, dim, parts, count)) {
        return 0;
    }
    const int64_t size = s.x->shape[s.dim];
    if (split_size < 1) {
        cnn__call_fail(&s.call, CNN_ERROR_INVALID_ARGUMENT, "split_size is %lld, expected 1 or more",
                       (long long)split_size);
        return split_fail(&s);
    }
    return split_evenly(&s, split_size, size ? (size - 1) / split_size + 1 : 1);
}

int cnn_chunk(cnn_tensor *x, int chunks, int dim, cnn_tensor **parts)
{
    static const cnn__op entry = CNN__COMPOSITION(chunk, .optional = 0);
    split_parts s;
    if (!split_begin(&s, &entry, x, dim, parts, chunks)) {
        return 0;
    }
    const int64_t size = s.x->shape[s.dim], part = size ? (size - 1) / chunks + 1 : 0;
    return split_evenly(&s, part, part ? (size - 1) / part + 1 : chunks);
}

int cnn_split_with_sizes(cnn_tensor *x, int count, const int64_t *sizes, int dim, cnn_tensor **parts)
{
    static const cnn__op entry = CNN__COMPOSITION(split_with_sizes, .optional = 0);
    split_parts s;
    int64_t total = 0;
    if (!split_begin(&s, &entry, x, dim, parts, count)) {
        return 0;
    }
    bool good = sizes != NULL;
    for (int i = 0; good && i < count; i++) {
        good = sizes[i] >= 0 && !__builtin_add_overflow(total, sizes[i], &total);
    }
    if (!good || total != s.x->shape[s.dim]) {
        cnn__call_fail(&s.call, CNN_ERROR_INVALID_ARGUMENT, "the sizes%s, expected sizes of 0 or more that sum to %lld",
                       !sizes  ? " are NULL"
                       : !good ? " hold a negative or too large one"
                               : " sum to another number",
                       (long long)s.x->shape[s.dim]);
        return split_fail(&s);
    }
    total = 0;
    for (int i = 0; i < count; i++) {
        parts[i] = cnn_slice(s.x, s.dim, total, total + sizes[i], 1);
        total += sizes[i];
    }
    return count;
}

int cnn_unbind(cnn_tensor *x, int dim, cnn_tensor **parts, int count)
{
    static const cnn__op entry = CNN__COMPOSITION(unbind, .optional = 0);
    split_parts s;
    if (!split_begin(&s, &entry, x, dim, parts, count)) {
        return 0;
    }
    const int64_t size = s.x->shape[s.dim];
    if (!split_fits(&s, size)) {
        return split_fail(&s);
    }
    for (int i = 0; i < (int)size; i++) {
        parts[i] = cnn_squeeze(cnn_slice(s.x, s.dim, i, i + 1, 1), s.dim);
    }
    return (int)size;
}
