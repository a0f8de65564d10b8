/* Functions of elements: the loops of elementwise operations and of losses of each element.
 *
 * A map function knows nothing of shapes: its operands are rows of as many elements, and their number is a multiple of
 * CNN__MAP_STEP, so that its loop needs no code for what is left over. cnn__map_walk() brings elements with other
 * strides into rows, and adds to what is left at the end of one. There is a table of the functions in f32 for each
 * instruction set (simd/map/) and one in f64. Those of AVX2 and AVX-512 give the same bits, and so do all others,
 * which have no fused_add() (simd/map/math.h): it alone joins a product and a sum into one rounding. */
#ifndef CNN_KERNELS_ARRAY_MAP_H
#define CNN_KERNELS_ARRAY_MAP_H

#include "kernels/array/nest.h"
#include "kernels/array/reduce.h"

enum { CNN__MAP_STEP = 16, CNN__MAP_INPUTS = 3, CNN__LOSS_PARTS = 4, CNN__DECAY_PIECE = 256 };

/* Exponents that need no pow(): 0, 1, 2, 3, −1, −0.5. */
enum { CNN__POWER_0, CNN__POWER_1, CNN__POWER_2, CNN__POWER_3, CNN__POWER_OF_1, CNN__POWER_OF_HALF, CNN__POWERS };

/* Loops of words, which serve integers: bits, then sums of i64. */
enum { CNN__WORDS_AND, CNN__WORDS_OR, CNN__WORDS_XOR, CNN__WORDS_ADD, CNN__WORD_LOOPS, CNN__WORDS_STEP = 8 };

/* y[i] = f(x[0][i], x[1][i], …) for n elements, n a multiple of CNN__MAP_STEP. y may be one of the x. */
typedef void (*cnn__map_fn)(int64_t n, void *y, const void *const *x, const cnn__map *map);

/* A function of a block of CNN__MAP_STEP elements, in place and in f64, whatever the dtype of the tensor. */
typedef void (*cnn__block_fn)(double *x, const double *values);

/* to[row · to_step + column] ← from[row + column · from_step]; `rows` is a multiple of 16. */
typedef void (*cnn__transpose_fn)(const float *from, int64_t from_step, int64_t rows, int64_t columns, float *to,
                                  int64_t to_step);

/* Which of two inputs is one number for all elements. */
typedef enum cnn__map_same { CNN__MAP_NONE, CNN__MAP_FIRST, CNN__MAP_SECOND } cnn__map_same;

struct cnn__map {
    cnn__map_fn fn;
    cnn__block_fn block;         /* for fn, or NULL */
    cnn__map_fn slope, times;    /* for the map of CNN_KERNEL_SLOPE: the function of x, and the product */
    cnn__transpose_fn transpose; /* for inputs of its size, or NULL */
    int inputs;
    bool takes_same; /* whether fn looks at this: */
    cnn__map_same same;
    size_t size, y_size; /* bytes of an element of the inputs, which have one dtype, and of the result */
    double values[2];
};

/* The functions of a dtype, by the enumerations of <cnn/kernels/elements.h>. NULL: integers alone have it, or blocks
 * do. */
typedef struct cnn__maps {
    cnn__map_fn unary[CNN_UNARY_COUNT], binary[CNN_BINARY_COUNT], compare[CNN_COMPARE_COUNT];
    cnn__map_fn loss[CNN_LOSS_COUNT][CNN__LOSS_PARTS]; /* the loss, then its slopes in each operand */
    cnn__map_fn power[CNN__POWERS];                    /* the maps of those exponents */
} cnn__maps;

extern const cnn__maps cnn__maps_f64;

/* What softmax takes of the instruction set. */
typedef struct cnn__softmax {
    cnn__map exp;
    const cnn__reducer *largest;
} cnn__softmax;

/* dx = (dy − total) · y, or dy − y · total with `of_log`, of rows of n floats that have a total each. */
typedef void (*cnn__softmax_slopes_fn)(bool of_log, int64_t rows, int64_t n, const float *dy, const float *y,
                                       const float *totals, float *dx);
void cnn__softmax_slopes_avx2(bool of_log, int64_t rows, int64_t n, const float *dy, const float *y,
                              const float *totals, float *dx);

typedef struct cnn__nll_loops cnn__nll_loops;
typedef struct cnn__rnn_loops cnn__rnn_loops;

/* What an instruction set has. */
struct cnn__map_tables {
    const cnn__maps *f32, *f64;
    const cnn__maps *rare_f32;      /* for losses that f32 lacks */
    const cnn__block_fn *blocks;    /* by cnn_unary */
    const cnn__reducer *reduce_f32; /* by cnn_reduce */
    /* Sums of n rows of f32 as results, with the bits of reduce_f32's, of CNN__SUM_COLUMNS or more columns; or NULL. */
    void (*sum_columns)(const float *x, int64_t n, int64_t stride, int64_t width, float *y);
    void (*softmax_f32)(const cnn__softmax *s, int64_t rows, int64_t n, const void *x, void *y);
    void (*log_softmax_f32)(const cnn__softmax *s, int64_t rows, int64_t n, const void *x, void *y);
    cnn__short_sums_fn short_sums;
    cnn__product_sums_fn product_sums;     /* NULL: products are stored first */
    cnn__softmax_slopes_fn softmax_slopes; /* NULL: maps make them */
    const cnn__nll_loops *nll_f32;         /* softmax_nll_loops.h */
    const cnn__rnn_loops *rnn_f32;         /* rnn.h */
    cnn__transpose_fn transpose;
    cnn__map_fn bf16; /* a map over bf16 for an f32 kernel; NULL: kernels/stored.h's is as fast */
    /* cnn__random_normal() of n numbers from `first`, which is even, on; x is f32 or f64. */
    void (*normals)(const uint64_t key[2], int64_t first, int64_t n, cnn_dtype dtype, void *x);
    cnn__map_fn where_4;                /* a choice: conditions, which are bytes, and two operands */
    cnn__map_fn words[CNN__WORD_LOOPS]; /* loops over n words of 8 bytes, a multiple of CNN__WORDS_STEP */
};

/* The functions of blocks that all instruction sets share, and those of AVX2, which AVX-512 shares (unary.def). */
#define CNN__UNARY_BLOCK(NAME, name, cost) void cnn__##name##_block_avx2(double *x, const double *values);
#define CNN__UNARY_BOTH(NAME, name, cost) void cnn__##name##_block(double *x, const double *values);
#include "kernels/array/unary.def"
#undef CNN__UNARY_BLOCK

/* What else of AVX2's the tables of AVX-512 have. It is declared before any instruction set's functions are defined:
 * a declaration among those of another set would ask for that set. */
#define CNN__SHARED_MAP(name) void cnn__##name##_avx2(int64_t n, void *y, const void *const *x, const cnn__map *map);
#define CNN__UNARY(NAME, name, cost, formula) CNN__SHARED_MAP(map_##name##_f32)
#define CNN__UNARY_LONG(...)
#include "kernels/array/unary.def"
CNN__SHARED_MAP(map_add_f32)
CNN__SHARED_MAP(map_sub_f32)
CNN__SHARED_MAP(map_mul_f32)
CNN__SHARED_MAP(map_div_f32)
CNN__SHARED_MAP(map_minimum_f32)
CNN__SHARED_MAP(map_maximum_f32)
CNN__SHARED_MAP(map_prelu_f32)
CNN__SHARED_MAP(map_one_f32)
CNN__SHARED_MAP(map_same_f32)
CNN__SHARED_MAP(map_square_f32)
CNN__SHARED_MAP(map_cube_f32)
CNN__SHARED_MAP(map_inverse_f32)
CNN__SHARED_MAP(where_4)
CNN__SHARED_MAP(words_and)
CNN__SHARED_MAP(words_or)
CNN__SHARED_MAP(words_xor)
CNN__SHARED_MAP(words_add)
#undef CNN__SHARED_MAP
void cnn__softmax_f32_avx2(const cnn__softmax *s, int64_t rows, int64_t n, const void *x, void *y);
void cnn__log_softmax_f32_avx2(const cnn__softmax *s, int64_t rows, int64_t n, const void *x, void *y);

/* α and the scale of Klambauer et al. 2017, "Self-Normalizing Neural Networks". */
#define SELU_SCALE 1.0507009873554804934193349852946
#define SELU_ALPHA 1.6732632423543772848170429916717

/* n elements in rows, any n. */
void cnn__map_rows(const cnn__map *map, int64_t n, void *y, const void *const *x);

/* All elements of a nest, whose operand 0 is y; `cost` is about how many additions one is worth. */
void cnn__map_walk(const cnn__map *map, const cnn__nest *nest, void *y, const void *const *x, double cost,
                   cnn__pool *pool);

/* Copies f32 to bfloat16, or elements of 4 bytes if they are transposed; else returns false and does nothing. */
bool cnn__map_copy(const cnn__map_tables *tables, const cnn__nest *nest, cnn_dtype to, void *y, cnn_dtype from,
                   const void *x, cnn__pool *pool);

/* The array kernels of these names (array.def) with the functions of an instruction set. */
void cnn__map_unary(const cnn__map_tables *tables, cnn__unary op, const cnn__nest *nest, cnn_dtype dtype,
                    const double values[2], void *y, const void *x, cnn__pool *pool);
/* dx = dy · op(x), for real dtypes; operands of the nest: dx, x, dy. dx is not dy. */
void cnn__map_slope(const cnn__map_tables *tables, cnn__unary op, const cnn__nest *nest, cnn_dtype dtype,
                    const double values[2], void *dx, const void *x, const void *dy, cnn__pool *pool);
void cnn__map_binary(const cnn__map_tables *tables, cnn__binary op, const cnn__nest *nest, cnn_dtype dtype, void *y,
                     const void *a, const void *b, cnn__pool *pool);
/* The map of CNN_KERNEL_UNARY, BINARY or SLOPE. */
void cnn__map_of(const cnn__map_tables *tables, cnn_kernel kernel, int function, cnn_dtype dtype,
                 const double values[2], cnn__map *map);
void cnn__map_compare(const cnn__map_tables *tables, cnn__compare op, const cnn__nest *nest, cnn_dtype dtype, void *y,
                      const void *a, const void *b, cnn__pool *pool);
void cnn__map_reduce(const cnn__map_tables *tables, cnn__reduce op, const cnn__nest *outer, const cnn__nest *inner,
                     cnn_dtype dtype, void *y, const void *x, cnn__pool *pool);
void cnn__map_softmax(const cnn__map_tables *tables, cnn_dtype dtype, int64_t rows, int64_t n, const void *x, void *y,
                      cnn__pool *pool);
void cnn__map_log_softmax(const cnn__map_tables *tables, cnn_dtype dtype, int64_t rows, int64_t n, const void *x,
                          void *y, cnn__pool *pool);

/* The gradients of a product a · b: `count` elements of each of dy, a and da in row-major order. */
typedef struct cnn__product_gradients {
    int64_t count;
    const void *dy, *a, *b;
    void *da;                          /* dy · b; NULL: it is not wanted, and neither is b */
    void *db;                          /* dy · a */
    const cnn_reduce_parameters *sums; /* which sum that to db, where b was broadcast; NULL: it was not */
} cnn__product_gradients;

/* Both in one pass over dy, with the bits of single kernels, f32 or f64; false: they do not lie so that it would pay,
 * and nothing is written. */
bool cnn__map_product_gradients(const cnn__map_tables *tables, cnn_dtype dtype, const cnn__product_gradients *g,
                                cnn__pool *pool);

/* The gradient dx of y, softmax or log_softmax along the n elements of a dimension, behind which `beside` elements lie
 * beside each other; `outer` is the product of the sizes before it. All are in row-major order. `totals` are the sums
 * of dy · y, or of dy, along the dimension; NULL: they are made, for rows that cnn__reduces_rows() says are whole. */
typedef struct cnn__softmax_gradient {
    bool of_log;
    int64_t outer, n, beside;
    const void *dy, *y, *totals;
    void *dx;
} cnn__softmax_gradient;

/* In one pass, with the bits of single kernels, f32 or f64. */
void cnn__map_softmax_gradient(const cnn__map_tables *tables, cnn_dtype dtype, const cnn__softmax_gradient *g,
                               cnn__pool *pool);

/* What a gradient g passes: first g · with is stored, if there is a `side`, and then g becomes what a map makes of it,
 * and of `other`, if that has two operands. */
typedef struct cnn__gradient_step {
    cnn__map map;
    const void *other, *with;
    void *side;
    bool second; /* g is the second operand */
} cnn__gradient_step;

/* dx ← what is left of dy when it has passed the steps, `count` elements of each operand in row-major order, f32 or
 * f64, in one pass and with the bits of single kernels. */
void cnn__map_gradient_steps(const cnn__map_tables *tables, cnn_dtype dtype, int64_t count, void *dx, const void *dy,
                             const cnn__gradient_step *steps, int step_count, cnn__pool *pool);

#endif
