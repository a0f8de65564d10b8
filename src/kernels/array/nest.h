/* Walking a nest: the innermost dimension is a run that a tight loop takes at once, the others are counted by hand.
 *
 * A walk is cut into tasks of equally many elements, whatever the number of threads. A result may be one of the
 * operands itself (same address, same strides); other overlaps are not allowed. */
#ifndef CNN_KERNELS_ARRAY_NEST_H
#define CNN_KERNELS_ARRAY_NEST_H

#include "base/dtype.h"
#include "kernels/array/array.h"

enum { CNN__NEST_TASK = 16384, CNN__NEST_OPERANDS = 4 };

typedef struct cnn__map cnn__map;

/* n elements along the innermost dimension; strides in elements. A function that takes rows gets `rows` such runs, each
 * of which lies `step` elements behind the one before it. */
typedef struct cnn__nest_run {
    int64_t n, rows;
    void *at[CNN__NEST_OPERANDS];
    int64_t stride[CNN__NEST_OPERANDS];
    int64_t step[CNN__NEST_OPERANDS];
    const double *parameters;
    const cnn__map *map;    /* what it does with the elements, where it asks for it (map.h) */
    const cnn_dtype *dtype; /* the dtype of the operands, where the function asks for it */
} cnn__nest_run;

typedef void (*cnn__run_fn)(const cnn__nest_run *run);

/* A walk over all elements: where the operands are, how large their elements are, what is done with each run. `cost` is
 * about how many additions one element is worth. */
typedef struct cnn__walk {
    const cnn__nest *nest;
    int count;
    void *base[CNN__NEST_OPERANDS];
    size_t size[CNN__NEST_OPERANDS];
    cnn__run_fn fn;
    bool takes_rows;     /* whether fn asks for several runs at once, which stay what they are, however short */
    const cnn__map *map; /* for fn, or NULL */
    const double *parameters;
    cnn_dtype dtype[CNN__NEST_OPERANDS];
    double cost;
} cnn__walk;

void cnn__nest_walk(const cnn__walk *walk, cnn__pool *pool);

int64_t cnn__nest_count(const cnn__nest *nest);

/* The stride of the innermost dimension; 0 where there is none. */
static inline int64_t cnn__last_stride(const cnn__nest *nest, int operand)
{
    return nest->ndim ? nest->stride[operand][nest->ndim - 1] : 0;
}

/* A place in a nest, in row-major order. */
typedef struct cnn__cursor {
    const cnn__nest *nest;
    int64_t index[CNN_MAX_DIMS];
    int64_t offset[CNN__NEST_OPERANDS]; /* the offset of each operand, in elements */
} cnn__cursor;

void cnn__cursor_seek(cnn__cursor *cursor, const cnn__nest *nest, int64_t position);
/* How many elements lie ahead along the innermost dimension. */
int64_t cnn__cursor_run(const cnn__cursor *cursor);
/* Goes n elements ahead, n ≤ cnn__cursor_run(). */
void cnn__cursor_advance(cnn__cursor *cursor, int64_t n);

/* Bytes of an element; dtypes are checked long before. */
static inline size_t cnn__array_size(cnn_dtype dtype)
{
    return cnn__dtypes[dtype].size;
}

/* "The iterations of this loop do not depend on each other", for results that are their own operand. */
#if defined(__GNUC__) && !defined(__clang__)
#define CNN__IVDEP _Pragma("GCC ivdep")
#else
#define CNN__IVDEP
#endif

/* Elements of any dtype of a size, moved without being looked at. */
typedef uint64_t __attribute__((may_alias)) cnn__bits_8;
typedef uint32_t __attribute__((may_alias)) cnn__bits_4;
typedef uint16_t __attribute__((may_alias)) cnn__bits_2;
typedef uint8_t cnn__bits_1;

#define CNN__JOIN_(a, b) a##_##b
#define CNN__JOIN(a, b) CNN__JOIN_(a, b)

static inline int64_t cnn__ceil_div(int64_t a, int64_t b)
{
    return a / b + (a % b != 0);
}

static inline int64_t cnn__min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t cnn__max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

#endif
