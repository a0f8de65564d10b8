/* Gradients of softmax and norms whose products, differences and squares are not stored on the way: the bits of single
 * passes, which a context makes while it has a profile, for rows of every length, few and many, along every dimension, in
 * both dtypes, with one to four threads, gradients that are there already, operands that are transposed, and elements
 * that are 0, −0, infinite or NaN; and what is left when memory fails. */
#include "support/odd_operand.h"
#include "support/suite.h"

enum { THREADS = 4 };

static const struct {
    int ndim, dim;
    int64_t shape[4];
} shapes[] = {
    { 2, 1, { 300, 1 } },        { 2, 1, { 301, 2 } },     { 2, 1, { 299, 7 } },    { 2, 1, { 2050, 8 } },
    { 2, 1, { 129, 15 } },       { 2, 1, { 1100, 16 } },   { 2, 1, { 64, 24 } },    { 2, 1, { 65, 25 } },
    { 2, 1, { 63, 31 } },        { 2, 1, { 33, 33 } },     { 2, 1, { 3, 400 } },    { 2, 1, { 100, 400 } },
    { 2, 1, { 7, 1024 } },       { 2, 1, { 40, 1025 } },   { 2, 1, { 17, 5000 } },  { 2, 1, { 2, 5000 } },
    { 2, 1, { 9, 10007 } },      { 2, 1, { 1, 70001 } },   { 1, 0, { 1 } },         { 1, 0, { 77 } },
    { 3, 2, { 5, 9, 30 } },      { 3, 1, { 20, 40, 1 } },  { 2, 0, { 250, 400 } },  { 2, 0, { 40, 33 } },
    { 2, 0, { 100, 513 } },      { 2, 0, { 30, 5 } },      { 2, 0, { 1, 300 } },    { 3, 1, { 3, 5, 37 } },
    { 4, 1, { 3, 21, 20, 20 } }, { 3, 0, { 9, 50, 100 } }, { 3, 1, { 2, 3, 2500 } }
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* ---- the graphs: of x and the dimension ---- */

static cnn_tensor *softmax_of(cnn_tensor *x, int dim)
{
    return cnn_softmax(x, dim);
}

static cnn_tensor *log_softmax_of(cnn_tensor *x, int dim)
{
    return cnn_log_softmax(x, dim);
}

static cnn_tensor *norm_along(cnn_tensor *x, int dim)
{
    return cnn_norm(x, 2, 1, &dim, false);
}

static cnn_tensor *norm_of_all(cnn_tensor *x, int dim)
{
    (void)dim;
    return cnn_norm(x, 2, CNN_ALL_DIMS, false);
}

typedef cnn_tensor *(*function)(cnn_tensor *x, int dim);
static const function functions[] = { softmax_of, log_softmax_of, norm_along, norm_of_all };
enum { FUNCTIONS = sizeof functions / sizeof *functions };

/* How operands lie and gradients are asked for. */
typedef enum way { LEAF, LEAF_TWICE, RESULT, SUMMED, TRANSPOSED, OF_RESULT, KEPT, WAYS } way;

typedef struct outcome {
    cnn_tensor *result, *gradient;
    size_t bytes; /* what the tape took for its elements */
} outcome;

static cnn_tensor *copy_of(const cnn_tensor *t)
{
    cnn_tensor *copy = cnn_tensor_from_data(cnn_tensor_context(t), cnn_tensor_dtype(t), cnn_tensor_ndim(t),
                                            cnn_tensor_shape(t), host_elements(t));
    ck_assert_ptr_nonnull(copy);
    return copy;
}

static void outcome_free(outcome *o)
{
    cnn_tensor_free(o->result);
    cnn_tensor_free(o->gradient);
}

static double number_at(const cnn_tensor *t, const void *elements, int64_t i)
{
    return cnn_tensor_dtype(t) == CNN_F32 ? (double)((const float *)elements)[i] : ((const double *)elements)[i];
}

/* The same bits, but that a NaN may be another one: which of two is handed on is the compiler's choice. */
static bool same_numbers(const cnn_tensor *a, const cnn_tensor *b)
{
    const void *x = host_elements(a), *y = host_elements(b);
    const int64_t n = cnn_tensor_numel(a);
    bool same = cnn_tensor_numel(b) == n && cnn_tensor_dtype(a) == cnn_tensor_dtype(b);
    for (int64_t i = 0; same && i < n; i++) {
        const double v = number_at(a, x, i), w = number_at(b, y, i);
        same = isnan(v) ? isnan(w) : v == w && signbit(v) == signbit(w);
    }
    return same;
}

/* x as the function gets it: a leaf, or made so that its gradient is nobody's own memory or that it lies otherwise. */
static cnn_tensor *operand_of(cnn_tensor *leaf, int ndim, way how)
{
    cnn_tensor *x = how == LEAF || how == LEAF_TWICE || how == KEPT ? leaf : cnn_neg(leaf);
    return how == TRANSPOSED && ndim > 1 ? cnn_transpose(x, 0, 1) : x;
}

/* The gradient of the result, which is not contiguous where it came through a view. */
static cnn_status backward(cnn_tensor *y, const cnn_tensor *dy, way how)
{
    cnn_tensor *last = how == TRANSPOSED && cnn_tensor_ndim(y) > 1 ? cnn_transpose(y, 0, 1) : y;
    cnn_status status = CNN_OK;
    if (how == KEPT) {
        status = cnn_backward_with(last, dy, true);
    }
    return status == CNN_OK ? cnn_backward_with(last, dy, false) : status;
}

static cnn_status step(cnn_tape *tape, function of, cnn_tensor *leaf, int dim, const cnn_tensor *dy, way how, outcome *o)
{
    const int ndim = cnn_tensor_ndim(leaf);
    cnn_status status = CNN_OK;
    cnn_tensor_zero_grad(leaf);
    for (int round = 0; status == CNN_OK && round < (how == LEAF_TWICE ? 2 : 1); round++) {
        status = cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *x = operand_of(cnn_input(tape, leaf), ndim, how), *y = of(x, dim), *gradient = NULL;
        if (how == SUMMED) { /* another gradient of x is there before */
            y = cnn_add(y, cnn_mul(y, of(cnn_exp(x), dim)));
        }
        if (how == OF_RESULT && status == CNN_OK) {
            status = cnn_grad(&y, 1, &x, 1, &gradient, CNN_OPTIONS(cnn_grad_options, .grad_outputs = &dy));
        } else if (status == CNN_OK) {
            status = backward(y, dy, how);
        }
        if (status == CNN_OK && o && (how != LEAF_TWICE || round)) {
            o->result = copy_of(y);
            o->gradient = copy_of(gradient ? gradient : cnn_tensor_grad(leaf));
            o->bytes = cnn_tape_memory(tape);
        }
    }
    return status;
}

typedef struct operands {
    cnn_tensor *leaf, *dy;
    int dim;
} operands;

static void transpose_sizes(int ndim, int64_t *sizes)
{
    if (ndim > 1) {
        const int64_t first = sizes[0];
        sizes[0] = sizes[1];
        sizes[1] = first;
    }
}

/* A leaf of shapes[shape], transposed if x is not to be contiguous, and the gradient of the result's shape, transposed
 * back. */
static operands operands_of(cnn_context *ctx, int shape, cnn_dtype dtype, function of, way how, bool special)
{
    const int ndim = shapes[shape].ndim, dim = shapes[shape].dim;
    int64_t sizes[4], out[4];
    int count = 0;
    memcpy(sizes, shapes[shape].shape, sizeof sizes);
    for (int d = 0; d < ndim && of != norm_of_all; d++) {
        if (of != norm_along || d != dim) {
            out[count++] = sizes[d];
        }
    }
    if (how == TRANSPOSED) {
        transpose_sizes(ndim, sizes);
        transpose_sizes(count, out);
    }
    operands o = { .leaf = odd_operand(ctx, dtype, ndim, sizes, 1, special),
                   .dy = odd_operand(ctx, dtype, count, out, 2, special),
                   .dim = dim };
    cnn_tensor_set_requires_grad(o.leaf, true);
    return o;
}

static void operands_free(operands *o)
{
    cnn_tensor_free(o->leaf);
    cnn_tensor_free(o->dy);
}

static outcome outcome_of(cnn_context *ctx, int shape, cnn_dtype dtype, function of, way how, bool special, bool single)
{
    operands o = operands_of(ctx, shape, dtype, of, how, special);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_profile *profile = single ? cnn_profile_begin(ctx, NULL) : NULL;
    ck_assert(!single || profile);
    outcome made = { .result = NULL };
    ck_assert_int_eq(step(tape, of, o.leaf, o.dim, o.dy, how, &made), CNN_OK);
    cnn_profile_end(profile);
    cnn_profile_free(profile);
    cnn_tape_free(tape);
    operands_free(&o);
    return made;
}

/* Every function of one shape; the dtype, the number of threads and the special elements change with the way. */
START_TEST(one_pass_has_the_bits_of_single_ones)
{
    const int ways = getenv("CNN_TEST_SHAPES") ? LEAF_TWICE + 1 : WAYS; /* fewer under slow instruments */
    for (int how = 0; how < ways; how++) {
        for (int f = 0; f < FUNCTIONS; f++) {
            for (int dtype = 0; dtype < 2; dtype++) {
                cnn_context *ctx = cnn_context_new(.seed = 1, .threads = 1 + (how + dtype) % THREADS);
                const cnn_dtype type = dtype ? CNN_F64 : CNN_F32;
                outcome joined = outcome_of(ctx, _i, type, functions[f], (way)how, how % 2, false);
                outcome single = outcome_of(ctx, _i, type, functions[f], (way)how, how % 2, true);
                ck_assert_msg(same_numbers(joined.result, single.result), "shape %d, function %d, way %d, %s: result",
                              _i, f, how, cnn_dtype_name(type));
                ck_assert_msg(same_numbers(joined.gradient, single.gradient),
                              "shape %d, function %d, way %d, %s: gradient", _i, f, how, cnn_dtype_name(type));
                outcome_free(&joined);
                outcome_free(&single);
                cnn_context_free(ctx);
            }
        }
    }
}
END_TEST

/* Every third element is so large that what the others add is rounded, and cancels the one before: what is left of a sum
 * tells in which order it was made, also in f32. All elements of a softmax are the same. */
START_TEST(sums_are_made_in_the_same_order)
{
    static const int64_t columns[] = { 8, 24, 30, 40, 71, 400, 5000 };
    const int64_t shape[] = { 20, columns[_i] }, n = shape[0] * shape[1];
    float *v = malloc((size_t)n * sizeof *v);
    ck_assert_ptr_nonnull(v);
    for (int64_t i = 0; i < n; i++) {
        const int64_t k = i % shape[1];
        v[i] = k % 3 ? (float)((i * 7919) % 2003) / 64 : k / 3 % 2 ? -0x1p50f : 0x1p50f;
    }
    cnn_context *ctx = cnn_context_new(.seed = 1, .threads = 2);
    cnn_tensor *x = cnn_tensor_zeros(ctx, CNN_F32, 2, shape), *dy = cnn_tensor_from_data(ctx, CNN_F32, 2, shape, v);
    ck_assert(x && dy);
    cnn_tensor_set_requires_grad(x, true);
    for (int f = 0; f < FUNCTIONS; f++) {
        outcome of[2] = { { .result = NULL } };
        if (functions[f] != softmax_of && functions[f] != log_softmax_of) {
            continue;
        }
        for (int single = 0; single < 2; single++) {
            cnn_tape *tape = cnn_tape_new(ctx);
            cnn_profile *profile = single ? cnn_profile_begin(ctx, NULL) : NULL;
            ck_assert_int_eq(step(tape, functions[f], x, 1, dy, RESULT, &of[single]), CNN_OK);
            cnn_profile_end(profile);
            cnn_profile_free(profile);
            cnn_tape_free(tape);
        }
        ck_assert_msg(same_numbers(of[0].gradient, of[1].gradient), "rows of %d, function %d", (int)shape[1], f);
        outcome_free(&of[0]);
        outcome_free(&of[1]);
    }
    cnn_tensor_free(x);
    cnn_tensor_free(dy);
    cnn_context_free(ctx);
    free(v);
}
END_TEST

START_TEST(numbers_of_threads_agree)
{
    for (int f = 0; f < FUNCTIONS; f++) {
        outcome of[2];
        cnn_context *contexts[] = { cnn_context_new(.seed = 1, .threads = 1),
                                    cnn_context_new(.seed = 1, .threads = 2 + _i % (THREADS - 1)) };
        for (int c = 0; c < 2; c++) {
            of[c] = outcome_of(contexts[c], _i, CNN_F32, functions[f], RESULT, false, false);
        }
        ck_assert_msg(same_elements(of[0].result, of[1].result), "shape %d, function %d: result", _i, f);
        ck_assert_msg(same_elements(of[0].gradient, of[1].gradient), "shape %d, function %d: gradient", _i, f);
        for (int c = 0; c < 2; c++) {
            outcome_free(&of[c]);
            cnn_context_free(contexts[c]);
        }
    }
}
END_TEST

/* Squares have no memory: the pass is made. */
START_TEST(squares_have_no_memory)
{
    if (on_device()) {
        return;
    }
    enum { ROWS_OF_400 = 11 };
    cnn_context *ctx = cnn_context_new(.seed = 1, .threads = 1);
    operands o = operands_of(ctx, ROWS_OF_400, CNN_F32, norm_along, LEAF, false);
    for (int f = 0; f < FUNCTIONS; f++) {
        size_t bytes[2];
        if (functions[f] != norm_along && functions[f] != norm_of_all) {
            continue;
        }
        for (int single = 0; single < 2; single++) {
            cnn_tape *tape = cnn_tape_new(ctx);
            cnn_profile *profile = single ? cnn_profile_begin(ctx, NULL) : NULL;
            ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
            ck_assert_int_eq(cnn_tensor_status(functions[f](cnn_input(tape, o.leaf), o.dim)), CNN_OK);
            bytes[single] = cnn_tape_memory(tape);
            cnn_profile_end(profile);
            cnn_profile_free(profile);
            cnn_tape_free(tape);
        }
        ck_assert_uint_ge(bytes[1], bytes[0] + elements_size(o.leaf));
    }
    operands_free(&o);
    cnn_context_free(ctx);
}
END_TEST

/* Products, differences and exponentials have none either. */
START_TEST(what_is_between_has_no_memory)
{
    if (on_device()) {
        return;
    }
    enum { ROWS_OF_400 = 11, COLUMNS = 22 };
    static const int cases[][2] = { { ROWS_OF_400, 0 }, { ROWS_OF_400, 1 }, { COLUMNS, 0 }, { COLUMNS, 1 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cnn_context *ctx = cnn_context_new(.seed = 1, .threads = 1);
        outcome of[2];
        for (int single = 0; single < 2; single++) {
            of[single] = outcome_of(ctx, cases[i][0], CNN_F32, functions[cases[i][1]], LEAF, false, single);
        }
        ck_assert_uint_ge(of[1].bytes, of[0].bytes + 2 * elements_size(of[0].gradient));
        outcome_free(&of[0]);
        outcome_free(&of[1]);
        cnn_context_free(ctx);
    }
}
END_TEST

/* ---- memory that fails ---- */

typedef struct heap {
    long calls, fail_at;
} heap;

static void *allocate(size_t size, size_t alignment, void *user)
{
    heap *h = user;
    void *memory = NULL;
    return h->calls++ == h->fail_at || posix_memalign(&memory, alignment, size) != 0 ? NULL : memory;
}

static void deallocate(void *memory, size_t size, void *user)
{
    (void)size;
    (void)user;
    free(memory);
}

/* The step after one that failed has the bits of any other. */
START_TEST(a_failure_leaves_nothing_behind)
{
    static const int some[] = { 3, 11, 16, 22, 28 };
    heap h = { .fail_at = -1 };
    cnn_context *ctx = cnn_context_new(.seed = 1, .threads = 1, .allocate = allocate, .deallocate = deallocate,
                                       .allocator_user = &h);
    for (int f = 0; f < FUNCTIONS; f++) {
        outcome expected = { .result = NULL };
        for (long at = -1, last = 0; at < last; at++) {
            operands o = operands_of(ctx, some[_i], CNN_F32, functions[f], LEAF, false);
            cnn_tape *tape = cnn_tape_new(ctx);
            const long before = h.calls;
            h.fail_at = at < 0 ? -1 : before + at;
            const cnn_status status = step(tape, functions[f], o.leaf, o.dim, o.dy, LEAF, NULL);
            last = at < 0 ? h.calls - before : last;
            h.fail_at = -1;
            ck_assert_int_eq(status, at < 0 ? CNN_OK : CNN_ERROR_NO_MEMORY);
            outcome found = { .result = NULL };
            ck_assert_int_eq(step(tape, functions[f], o.leaf, o.dim, o.dy, LEAF, &found), CNN_OK);
            if (at < 0) {
                expected = found;
            } else {
                ck_assert_msg(same_elements(found.result, expected.result), "function %d, allocation %ld: result", f, at);
                ck_assert_msg(same_elements(found.gradient, expected.gradient), "function %d, allocation %ld: gradient",
                              f, at);
                outcome_free(&found);
            }
            cnn_tape_free(tape);
            operands_free(&o);
        }
        outcome_free(&expected);
    }
    cnn_context_free(ctx);
}
END_TEST

/* A dimension without elements has nothing to sum: the norm over it is 0. */
START_TEST(norms_over_nothing_are_zero)
{
    static const int64_t shapes[][3] = { { 0, 3, 200 }, { 3, 0, 200 }, { 0, 1, 512 }, { 200, 3, 0 } };
    const int64_t *shape = shapes[_i];
    const int dim = shape[0] == 0 ? 0 : shape[1] == 0 ? 1 : 2;
    cnn_context *ctx = cnn_context_new(.threads = 1);
    cnn_tape *tape = cnn_tape_new(ctx);
    for (cnn_dtype dtype = CNN_F32; dtype <= CNN_F64; dtype++) {
        cnn_tensor *x = cnn_tensor_zeros(ctx, dtype, 3, shape);
        cnn_tape_begin(tape, CNN_EVAL);
        cnn_tensor *y = cnn_norm(cnn_input(tape, x), 2, 1, &dim, false);
        ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s", cnn_tape_error(tape));
        double *norms = elements_as_f64(y);
        for (int64_t i = 0; i < cnn_tensor_numel(y); i++) {
            ck_assert_double_eq(norms[i], 0);
        }
        ck_assert_int_gt(cnn_tensor_numel(y), 0);
        free(norms);
        cnn_tensor_free(x);
    }
    cnn_tape_free(tape);
    cnn_context_free(ctx);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("row_passes");
    TCase *tests = suite_case(suite, "row_passes", NULL, NULL);
    tcase_add_loop_test(tests, one_pass_has_the_bits_of_single_ones, 0, SHAPES);
    tcase_add_loop_test(tests, sums_are_made_in_the_same_order, 0, 7);
    tcase_add_loop_test(tests, numbers_of_threads_agree, 0, SHAPES);
    tcase_add_loop_test(tests, norms_over_nothing_are_zero, 0, 4);
    tcase_add_test(tests, squares_have_no_memory);
    tcase_add_test(tests, what_is_between_has_no_memory);
    tcase_add_loop_test(tests, a_failure_leaves_nothing_behind, 0, 5);
    return suite_run(suite);
}
