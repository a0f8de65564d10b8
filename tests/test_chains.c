/* Gradients that pass several elementwise operations in one pass over memory: the bits of single passes, which a
 * context makes while it has a profile, for chains that end in a leaf, a result, a sum, a product with an operand that
 * was broadcast or too many steps, that leave a gradient at the side, whose results somebody looks at, that begin anew
 * for each backward, in both dtypes, with one to four threads, and elements that are 0, −0, infinite or NaN; and what
 * is left when memory fails. */
#include "support/odd_operand.h"
#include "support/suite.h"

enum { ROWS = 251, COLUMNS = 401, LEAVES = 5, THREADS = 4 };
enum { X, Y, W, B, SINGLE, CONSTANT };

typedef struct leaves {
    cnn_tensor *of[LEAVES], *dy;
} leaves;

static leaves leaves_of(cnn_context *ctx, cnn_dtype dtype)
{
    static const int64_t shapes[LEAVES][2] = {
        { ROWS, COLUMNS }, { ROWS, COLUMNS }, { 1, COLUMNS }, { 1, COLUMNS }, { ROWS, 1 }
    };
    leaves l;
    for (int i = 0; i < LEAVES; i++) {
        l.of[i] = odd_operand(ctx, dtype, 2, shapes[i], i + 1, false);
        cnn_tensor_set_requires_grad(l.of[i], true);
    }
    l.dy = odd_operand(ctx, dtype, 2, shapes[X], LEAVES, true);
    return l;
}

static void leaves_free(leaves *l)
{
    for (int i = 0; i < LEAVES; i++) {
        cnn_tensor_free(l->of[i]);
    }
    cnn_tensor_free(l->dy);
}

/* ---- the graphs ---- */

static cnn_tensor *looked_at(cnn_tensor *gradient, void *user)
{
    *(double *)user += (double)cnn_tensor_numel(gradient);
    return NULL;
}

static double seen;

static cnn_tensor *gated_row(cnn_tensor **v) /* the documented one */
{
    return cnn_mul(cnn_sigmoid(cnn_add(cnn_mul(v[X], v[W]), v[B])), v[Y]);
}

static cnn_tensor *swish(cnn_tensor **v) /* the factor at the side is what the chain comes to next */
{
    cnn_tensor *u = cnn_neg(cnn_mul(v[X], v[Y]));
    return cnn_mul(cnn_sigmoid(u), u);
}

static cnn_tensor *swish_of_sum(cnn_tensor **v)
{
    cnn_tensor *u = cnn_add(cnn_mul(v[X], v[W]), v[B]);
    return cnn_mul(u, cnn_sigmoid(u));
}

static cnn_tensor *leaf_twice(cnn_tensor **v)
{
    return cnn_mul(cnn_tanh(cnn_neg(v[X])), v[X]);
}

static cnn_tensor *leaf_twice_and_row(cnn_tensor **v)
{
    return cnn_mul(cnn_exp(cnn_mul(v[X], v[W])), v[X]);
}

static cnn_tensor *long_chain(cnn_tensor **v) /* more steps than one pass takes */
{
    cnn_tensor *u = cnn_mul_scalar(cnn_neg(v[X]), 0.75);
    u = cnn_tanh(cnn_exp(cnn_gelu(cnn_sigmoid(u), NULL)));
    return cnn_mul(v[Y], cnn_abs(cnn_neg(cnn_sqrt(cnn_exp(u)))));
}

static cnn_tensor *two_sides(cnn_tensor **v)
{
    return cnn_mul(cnn_mul(cnn_sigmoid(cnn_neg(v[X])), v[Y]), cnn_exp(v[Y]));
}

static cnn_tensor *squared(cnn_tensor **v)
{
    cnn_tensor *s = cnn_sigmoid(cnn_neg(v[X]));
    return cnn_mul(s, s);
}

static cnn_tensor *twice_summed(cnn_tensor **v)
{
    cnn_tensor *s = cnn_sigmoid(v[X]);
    return cnn_mul(cnn_exp(cnn_add(s, s)), v[Y]);
}

static cnn_tensor *column(cnn_tensor **v)
{
    return cnn_mul(cnn_sigmoid(cnn_mul(cnn_neg(v[X]), v[SINGLE])), v[Y]);
}

static cnn_tensor *product_with_column_last(cnn_tensor **v)
{
    return cnn_mul(cnn_sigmoid(cnn_neg(v[X])), v[SINGLE]);
}

static cnn_tensor *transposed(cnn_tensor **v) /* no operand lies as its gradient does */
{
    cnn_tensor *t = cnn_transpose(cnn_sigmoid(cnn_neg(v[X])), 0, 1);
    return cnn_transpose(cnn_mul(cnn_exp(cnn_neg(t)), cnn_transpose(v[Y], 0, 1)), 0, 1);
}

static cnn_tensor *relu_between(cnn_tensor **v)
{
    return cnn_mul(cnn_sigmoid(cnn_neg(cnn_relu(cnn_neg(v[X])))), v[Y]);
}

static cnn_tensor *slope_twice(cnn_tensor **v) /* one operation hands two gradients to one operand */
{
    return cnn_mul(cnn_pow(cnn_exp(v[X]), cnn_sigmoid(v[Y])), cnn_tanh(cnn_exp(v[Y])));
}

static cnn_tensor *constant_factor(cnn_tensor **v)
{
    return cnn_mul(cnn_sigmoid(cnn_neg(v[X])), v[CONSTANT]);
}

static cnn_tensor *retained(cnn_tensor **v)
{
    cnn_tensor *s = cnn_sigmoid(cnn_neg(v[X]));
    cnn_retain_grad(s);
    return cnn_mul(cnn_exp(s), v[Y]);
}

static cnn_tensor *hooked(cnn_tensor **v)
{
    cnn_tensor *s = cnn_sigmoid(cnn_neg(v[X]));
    cnn_register_hook(s, looked_at, &seen);
    return cnn_mul(cnn_exp(s), v[Y]);
}

static cnn_tensor *clamped(cnn_tensor **v) /* neither an operation of a chain */
{
    return cnn_mul(cnn_exp(cnn_clamp(cnn_sigmoid(v[X]), 0.3, 0.6)), v[Y]);
}

static cnn_tensor *used_again(cnn_tensor **v) /* a result within the chain has another use */
{
    cnn_tensor *s = cnn_sigmoid(cnn_neg(v[X]));
    return cnn_add(cnn_mul(cnn_exp(s), v[Y]), cnn_mul(cnn_tanh(s), v[W]));
}

static const struct {
    const char *name;
    cnn_tensor *(*make)(cnn_tensor **leaves);
} graphs[] = { { "gated row", gated_row },
               { "swish", swish },
               { "swish of a sum", swish_of_sum },
               { "leaf twice", leaf_twice },
               { "leaf twice and a row", leaf_twice_and_row },
               { "long", long_chain },
               { "two sides", two_sides },
               { "squared", squared },
               { "twice summed", twice_summed },
               { "column", column },
               { "product with a column", product_with_column_last },
               { "transposed", transposed },
               { "relu between", relu_between },
               { "slope twice", slope_twice },
               { "constant factor", constant_factor },
               { "retained", retained },
               { "hooked", hooked },
               { "clamped", clamped },
               { "used again", used_again } };
enum { GRAPHS = sizeof graphs / sizeof *graphs };

/* How backward is called. */
typedef enum way { ONCE, TWO_STEPS, GRAPH_KEPT, WAYS } way;

static cnn_status step(cnn_tape *tape, const leaves *l, int graph, way how)
{
    cnn_status status = CNN_OK;
    for (int i = 0; i < LEAVES; i++) {
        cnn_tensor_zero_grad(l->of[i]);
    }
    for (int round = 0; status == CNN_OK && round < (how == TWO_STEPS ? 2 : 1); round++) {
        cnn_tensor *v[LEAVES + 1];
        status = cnn_tape_begin(tape, CNN_TRAIN);
        for (int i = 0; i < LEAVES; i++) {
            v[i] = cnn_input(tape, l->of[i]);
        }
        v[CONSTANT] = cnn_input(tape, l->dy);
        cnn_tensor *y = graphs[graph].make(v);
        if (how == GRAPH_KEPT && status == CNN_OK) {
            status = cnn_backward_with(y, l->dy, true);
        }
        status = status == CNN_OK ? cnn_backward_with(y, l->dy, false) : status;
    }
    return status;
}

static void gradients_of(const leaves *l, cnn_tensor **gradients)
{
    for (int i = 0; i < LEAVES; i++) {
        const cnn_tensor *g = cnn_tensor_grad(l->of[i]);
        gradients[i] = g ? cnn_tensor_from_data(cnn_tensor_context(g), cnn_tensor_dtype(g), cnn_tensor_ndim(g),
                                                cnn_tensor_shape(g), host_elements(g))
                         : NULL;
    }
}

static void compare_and_free(cnn_tensor **a, cnn_tensor **b, const char *graph, const char *what)
{
    for (int i = 0; i < LEAVES; i++) {
        ck_assert_int_eq(!a[i], !b[i]);
        ck_assert_msg(!a[i] || same_elements(a[i], b[i]), "%s, %s: the gradient of leaf %d", graph, what, i);
        cnn_tensor_free(a[i]);
        cnn_tensor_free(b[i]);
    }
}

START_TEST(one_pass_has_the_bits_of_single_ones)
{
    for (int how = 0; how < WAYS; how++) {
        for (int dtype = 0; dtype < 2; dtype++) {
            cnn_context *ctx = cnn_context_new(.seed = 1, .threads = 1 + (how + dtype) % THREADS);
            leaves l = leaves_of(ctx, dtype ? CNN_F64 : CNN_F32);
            cnn_tape *tape = cnn_tape_new(ctx);
            cnn_tensor *together[LEAVES], *singly[LEAVES];
            seen = 0;
            ck_assert_int_eq(step(tape, &l, _i, (way)how), CNN_OK);
            const double seen_together = seen;
            gradients_of(&l, together);
            cnn_profile *profile = cnn_profile_begin(ctx, NULL);
            ck_assert_ptr_nonnull(profile);
            seen = 0;
            ck_assert_int_eq(step(tape, &l, _i, (way)how), CNN_OK);
            ck_assert(seen == seen_together);
            cnn_profile_end(profile);
            cnn_profile_free(profile);
            gradients_of(&l, singly);
            compare_and_free(together, singly, graphs[_i].name, "one pass and single ones");
            cnn_tape_free(tape);
            leaves_free(&l);
            cnn_context_free(ctx);
        }
    }
}
END_TEST

START_TEST(numbers_of_threads_agree)
{
    cnn_tensor *alone[LEAVES], *shared[LEAVES];
    for (int threads = 2; threads <= THREADS; threads++) {
        cnn_context *contexts[] = { cnn_context_new(.seed = 1, .threads = 1),
                                    cnn_context_new(.seed = 1, .threads = threads) };
        for (int c = 0; c < 2; c++) {
            leaves l = leaves_of(contexts[c], CNN_F32);
            cnn_tape *tape = cnn_tape_new(contexts[c]);
            ck_assert_int_eq(step(tape, &l, _i, ONCE), CNN_OK);
            gradients_of(&l, c ? shared : alone);
            cnn_tape_free(tape);
            leaves_free(&l);
        }
        compare_and_free(alone, shared, graphs[_i].name, "numbers of threads");
        cnn_context_free(contexts[0]);
        cnn_context_free(contexts[1]);
    }
}
END_TEST

/* What a chain does not write needs no memory: here the gradients of the sum, of the sigmoid and of its operand. */
START_TEST(gradients_between_have_no_memory)
{
    if (on_device()) {
        return;
    }
    size_t bytes[2];
    for (int single = 0; single < 2; single++) {
        cnn_context *ctx = cnn_context_new(.seed = 1, .threads = 1);
        leaves l = leaves_of(ctx, CNN_F32);
        cnn_tape *tape = cnn_tape_new(ctx);
        cnn_profile *profile = single ? cnn_profile_begin(ctx, NULL) : NULL;
        ck_assert_int_eq(step(tape, &l, 5, ONCE), CNN_OK);
        bytes[single] = cnn_tape_memory(tape);
        if (profile) {
            cnn_profile_end(profile);
            cnn_profile_free(profile);
        }
        cnn_tape_free(tape);
        leaves_free(&l);
        cnn_context_free(ctx);
    }
    ck_assert_uint_ge(bytes[1], bytes[0] + (size_t)ROWS * COLUMNS * sizeof(float));
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
    cnn_tensor *expected[LEAVES] = { NULL }, *found[LEAVES];
    cnn_context *first = NULL;
    heap h = { .fail_at = -1 };
    for (long at = -1, last = 0; at < last; at++) {
        cnn_context *ctx = cnn_context_new(.seed = 1, .threads = 1, .allocate = allocate, .deallocate = deallocate,
                                           .allocator_user = &h);
        leaves l = leaves_of(ctx, CNN_F32);
        cnn_tape *tape = cnn_tape_new(ctx);
        const long before = h.calls;
        h.fail_at = at < 0 ? -1 : before + at;
        cnn_status status = step(tape, &l, _i, ONCE);
        last = at < 0 ? h.calls - before : last;
        ck_assert_int_eq(status, at < 0 ? CNN_OK : CNN_ERROR_NO_MEMORY);
        h.fail_at = -1;
        if (at >= 0) {
            ck_assert_int_eq(step(tape, &l, _i, ONCE), CNN_OK);
        }
        gradients_of(&l, at < 0 ? expected : found);
        for (int i = 0; at >= 0 && i < LEAVES; i++) {
            ck_assert_int_eq(!found[i], !expected[i]);
            ck_assert_msg(!found[i] || same_elements(found[i], expected[i]), "%s: leaf %d after allocation %ld failed",
                          graphs[_i].name, i, at);
            cnn_tensor_free(found[i]);
        }
        cnn_tape_free(tape);
        leaves_free(&l);
        if (at < 0) {
            first = ctx;
        } else {
            cnn_context_free(ctx);
        }
    }
    for (int i = 0; i < LEAVES; i++) {
        cnn_tensor_free(expected[i]);
    }
    cnn_context_free(first);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("chains");
    TCase *tests = suite_case(suite, "chains", NULL, NULL);
    tcase_add_loop_test(tests, one_pass_has_the_bits_of_single_ones, 0, GRAPHS);
    tcase_add_loop_test(tests, numbers_of_threads_agree, 0, GRAPHS);
    tcase_add_test(tests, gradients_between_have_no_memory);
    tcase_add_loop_test(tests, a_failure_leaves_nothing_behind, 0, GRAPHS);
    return suite_run(suite);
}
