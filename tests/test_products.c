/* The gradients of products, of which both are made in one pass over that of the result where operands have many elements:
 * the bits of single passes, which a context makes while it has a profile, for every way in which an operand is
 * broadcast, for sums that are cut in stretches, both dtypes, one to four threads, gradients that are there already, and
 * elements that are 0, −0, infinite or NaN. */
#include "support/odd_operand.h"
#include "support/suite.h"

enum { CONTEXTS = 4, OPERANDS = 2, FULL = 0, OTHER = 1 };

static cnn_context *contexts[CONTEXTS];

static void setup(void)
{
    for (int i = 0; i < CONTEXTS; i++) {
        contexts[i] = cnn_context_new(.seed = 5, .threads = i + 1);
        ck_assert_ptr_nonnull(contexts[i]);
    }
}

static void teardown(void)
{
    for (int i = 0; i < CONTEXTS; i++) {
        cnn_context_free(contexts[i]);
    }
}

/* Shapes of the operand that has all elements and of the other. */
static const struct {
    int ndim, other_ndim;
    int64_t shape[4], other[4];
} shapes[] = {
    { 2, 2, { 250, 400 }, { 250, 400 } },      /* the same */
    { 1, 1, { 32771 }, { 32771 } },            /* a last block that is no whole one */
    { 2, 1, { 250, 400 }, { 400 } },           /* a row; few tasks, which are cut */
    { 2, 2, { 1003, 129 }, { 1, 129 } },       /* rows that are no multiple of four */
    { 2, 1, { 40, 3000 }, { 3000 } },          /* several runs of columns */
    { 2, 1, { 33, 16000 }, { 16000 } },        /* tasks enough without cutting */
    { 2, 1, { 100, 513 }, { 513 } },           /* one column is left over */
    { 2, 1, { 11, 8200 }, { 8200 } },          /* too few rows to a task */
    { 2, 1, { 5000, 20 }, { 20 } },            /* short rows */
    { 2, 2, { 250, 400 }, { 250, 1 } },        /* a column */
    { 2, 2, { 9, 10007 }, { 9, 1 } },          /* longer than what is joined at once */
    { 1, 0, { 70001 }, { 0 } },                /* one number */
    { 4, 3, { 6, 7, 30, 31 }, { 7, 1, 1 } },   /* channels of images */
    { 4, 3, { 3, 5, 70, 71 }, { 5, 1, 1 } },   /* planes of more than 4096 elements */
    { 3, 3, { 40, 20, 150 }, { 40, 1, 150 } }, /* a dimension in the middle */
    { 3, 3, { 40, 20, 150 }, { 1, 20, 1 } },   /* the other dimensions */
    { 2, 2, { 1, 40000 }, { 1, 1 } },          /* dimensions of one element */
    { 3, 1, { 1, 1, 40000 }, { 40000 } },      /* nothing to sum */
    { 2, 1, { 100, 100 }, { 100 } },           /* few elements */
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* How the gradients are asked for. */
typedef enum way { BOTH, OTHER_ALONE, FULL_ALONE, SWAPPED, TWICE, RESULTS, RETAINED, WAYS } way;

static cnn_tensor *operand_of(cnn_context *ctx, cnn_dtype dtype, int ndim, const int64_t *shape, int odd)
{
    return odd_operand(ctx, dtype, ndim, shape, odd, odd == 3);
}

typedef struct operands {
    cnn_tensor *of[OPERANDS], *dy;
    int64_t wanted[OPERANDS];
} operands;

static operands operands_of(cnn_context *ctx, int shape, cnn_dtype dtype, way how)
{
    operands o;
    o.of[FULL] = operand_of(ctx, dtype, shapes[shape].ndim, shapes[shape].shape, 1);
    o.of[OTHER] = operand_of(ctx, dtype, shapes[shape].other_ndim, shapes[shape].other, 2);
    o.dy = operand_of(ctx, dtype, shapes[shape].ndim, shapes[shape].shape, 3);
    o.wanted[FULL] = how != OTHER_ALONE;
    o.wanted[OTHER] = how != FULL_ALONE;
    for (int i = 0; i < OPERANDS; i++) {
        cnn_tensor_set_requires_grad(o.of[i], o.wanted[i]);
    }
    return o;
}

/* One step, or two whose gradients are added; returns how many bytes the tape took for its elements. */
static size_t step(cnn_tape *tape, const operands *o, way how, bool single)
{
    cnn_context *ctx = cnn_tensor_context(o->dy);
    cnn_profile *profile = single ? cnn_profile_begin(ctx, NULL) : NULL;
    ck_assert(!single || profile);
    for (int i = 0; i < OPERANDS; i++) {
        cnn_tensor_zero_grad(o->of[i]);
    }
    for (int round = 0; round < (how == TWICE ? 2 : 1); round++) {
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
        cnn_tensor *x = cnn_input(tape, o->of[FULL]), *w = cnn_input(tape, o->of[OTHER]);
        if (how >= RESULTS) { /* whose gradients are no leaf's own memory */
            x = cnn_neg(x);
            w = cnn_neg(w);
        }
        if (how == RETAINED) {
            cnn_retain_grad(x);
            cnn_retain_grad(w);
        }
        cnn_tensor *y = how == SWAPPED ? cnn_mul(w, x) : cnn_mul(x, w);
        ck_assert_int_eq(cnn_backward_with(y, o->dy, false), CNN_OK);
    }
    size_t bytes = cnn_tape_memory(tape);
    cnn_profile_end(profile);
    cnn_profile_free(profile);
    return bytes;
}

static cnn_tensor *gradient_of(const cnn_tensor *t)
{
    const cnn_tensor *g = cnn_tensor_grad(t);
    return g ? cnn_tensor_from_data(cnn_tensor_context(g), cnn_tensor_dtype(g), cnn_tensor_ndim(g), cnn_tensor_shape(g),
                                    host_elements(g))
             : NULL;
}

static void compare(int shape, cnn_dtype dtype, way how, int threads)
{
    cnn_context *ctx = contexts[threads - 1];
    operands o = operands_of(ctx, shape, dtype, how);
    cnn_tensor *gradients[2][OPERANDS];
    for (int single = 0; single < 2; single++) {
        cnn_tape *tape = cnn_tape_new(ctx);
        step(tape, &o, how, single);
        for (int i = 0; i < OPERANDS; i++) {
            gradients[single][i] = gradient_of(o.of[i]);
            ck_assert_int_eq(gradients[single][i] != NULL, o.wanted[i]);
        }
        cnn_tape_free(tape);
    }
    for (int i = 0; i < OPERANDS; i++) {
        ck_assert_msg(!o.wanted[i] || same_elements(gradients[0][i], gradients[1][i]),
                      "shape %d, %s, way %d, %d threads, operand %d", shape, cnn_dtype_name(dtype), (int)how, threads,
                      i);
        cnn_tensor_free(gradients[0][i]);
        cnn_tensor_free(gradients[1][i]);
        cnn_tensor_free(o.of[i]);
    }
    cnn_tensor_free(o.dy);
}

START_TEST(one_pass_has_the_bits_of_single_ones)
{
    for (int how = 0; how < WAYS; how++) {
        compare(_i, CNN_F32, (way)how, 1 + how % CONTEXTS);
        compare(_i, CNN_F64, (way)how, CONTEXTS - how % CONTEXTS);
    }
}
END_TEST

START_TEST(numbers_of_threads_agree)
{
    cnn_tensor *gradients[CONTEXTS][OPERANDS];
    for (int c = 0; c < CONTEXTS; c++) {
        operands o = operands_of(contexts[c], _i, CNN_F32, BOTH);
        cnn_tape *tape = cnn_tape_new(contexts[c]);
        step(tape, &o, BOTH, false);
        for (int i = 0; i < OPERANDS; i++) {
            gradients[c][i] = gradient_of(o.of[i]);
            ck_assert(same_elements(gradients[c][i], gradients[0][i]));
            cnn_tensor_free(o.of[i]);
        }
        cnn_tensor_free(o.dy);
        cnn_tape_free(tape);
    }
    for (int c = 0; c < CONTEXTS; c++) {
        cnn_tensor_free(gradients[c][0]);
        cnn_tensor_free(gradients[c][1]);
    }
}
END_TEST

/* The product that is summed has no memory: the pass is made. */
START_TEST(no_product_is_stored_before_it_is_summed)
{
    if (on_device()) {
        return;
    }
    operands o = operands_of(contexts[0], 2, CNN_F32, BOTH);
    size_t bytes[2];
    for (int single = 0; single < 2; single++) {
        cnn_tape *tape = cnn_tape_new(contexts[0]);
        bytes[single] = step(tape, &o, BOTH, single);
        cnn_tape_free(tape);
    }
    ck_assert_uint_ge(bytes[1], bytes[0] + elements_size(o.dy));
    cnn_tensor_free(o.of[FULL]);
    cnn_tensor_free(o.of[OTHER]);
    cnn_tensor_free(o.dy);
}
END_TEST

/* x · x by two handles of one leaf, and by one. */
START_TEST(squares_have_both_gradients)
{
    cnn_context *ctx = contexts[_i];
    const int64_t shape[] = { 300, 200 };
    cnn_tensor *x = operand_of(ctx, CNN_F32, 2, shape, 1), *dy = operand_of(ctx, CNN_F32, 2, shape, 2), *of[2][2];
    cnn_tensor_set_requires_grad(x, true);
    for (int single = 0; single < 2; single++) {
        for (int handles = 1; handles <= 2; handles++) {
            cnn_tape *tape = cnn_tape_new(ctx);
            cnn_profile *profile = single ? cnn_profile_begin(ctx, NULL) : NULL;
            cnn_tape_begin(tape, CNN_TRAIN);
            cnn_tensor_zero_grad(x);
            cnn_tensor *first = cnn_input(tape, x), *second = handles == 2 ? cnn_input(tape, x) : first;
            ck_assert_int_eq(cnn_backward_with(cnn_mul(first, second), dy, false), CNN_OK);
            of[single][handles - 1] = gradient_of(x);
            cnn_profile_end(profile);
            cnn_profile_free(profile);
            cnn_tape_free(tape);
        }
    }
    const float *g = host_elements(of[0][0]), *vx = host_elements(x), *vdy = host_elements(dy);
    for (int64_t i = 0; i < shape[0] * shape[1]; i++) {
        ck_assert_float_eq(g[i], 2 * (vx[i] * vdy[i]));
    }
    for (int i = 0; i < 4; i++) {
        ck_assert(same_elements(of[i / 2][i % 2], of[0][0]));
    }
    for (int i = 0; i < 4; i++) {
        cnn_tensor_free(of[i / 2][i % 2]);
    }
    cnn_tensor_free(x);
    cnn_tensor_free(dy);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("products");
    TCase *tests = suite_case(suite, "products", setup, teardown);
    tcase_add_loop_test(tests, one_pass_has_the_bits_of_single_ones, 0, SHAPES);
    tcase_add_loop_test(tests, numbers_of_threads_agree, 0, SHAPES);
    tcase_add_test(tests, no_product_is_stored_before_it_is_summed);
    tcase_add_loop_test(tests, squares_have_both_gradients, 0, CONTEXTS);
    return suite_run(suite);
}
