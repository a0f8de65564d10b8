/* Operations with index tensors: what is refused, also late on devices, repeated indices, sums in the order of the index for
 * any number of threads. Small values and gradients are compared with PyTorch's in test_ops.c. */
#include "support/elements.h"
#include "support/nn.h"

/* ---- what is refused ---- */

typedef cnn_tensor *(*index_fn)(cnn_tensor *x, cnn_tensor *index, cnn_tensor *src);

static cnn_tensor *gather_1(cnn_tensor *x, cnn_tensor *index, cnn_tensor *src)
{
    (void)src;
    return cnn_gather(x, 1, index);
}

static cnn_tensor *select_1(cnn_tensor *x, cnn_tensor *index, cnn_tensor *src)
{
    (void)src;
    return cnn_index_select(x, 1, cnn_flatten(index, 0, -1));
}

static cnn_tensor *scatter_1(cnn_tensor *x, cnn_tensor *index, cnn_tensor *src)
{
    return cnn_scatter(x, 1, index, src);
}

static cnn_tensor *scatter_value_1(cnn_tensor *x, cnn_tensor *index, cnn_tensor *src)
{
    (void)src;
    return cnn_scatter_value(x, 1, index, 9);
}

static cnn_tensor *scatter_add_1(cnn_tensor *x, cnn_tensor *index, cnn_tensor *src)
{
    return cnn_scatter_add(x, 1, index, src);
}

static cnn_tensor *index_add_1(cnn_tensor *x, cnn_tensor *index, cnn_tensor *src)
{
    return cnn_index_add(x, 1, cnn_flatten(index, 0, -1), cnn_concat((cnn_tensor *const[]){ src, src }, 2, 1));
}

static cnn_tensor *one_hot_3(cnn_tensor *x, cnn_tensor *index, cnn_tensor *src)
{
    (void)x, (void)src;
    return cnn_one_hot(index, 3);
}

static const struct {
    index_fn call;
    const char *message, *from;
} indexed[] = {
    { gather_1, "gather: the index at [1,0] is 3, dimension 1 has 3 elements",
      "gather: the index at [1,0] is -1, dimension 1 has 3 elements" },
    { select_1, "index_select: the index at [2] is 3, dimension 1 has 3 elements",
      "index_select: the index at [2] is -1, dimension 1 has 3 elements" },
    { scatter_1, "scatter: the index at [1,0] is 3, dimension 1 has 3 elements",
      "scatter: the index at [1,0] is -1, dimension 1 has 3 elements" },
    { scatter_value_1, "scatter_value: the index at [1,0] is 3, dimension 1 has 3 elements",
      "scatter_value: the index at [1,0] is -1, dimension 1 has 3 elements" },
    { scatter_add_1, "scatter_add: the index at [1,0] is 3, dimension 1 has 3 elements",
      "scatter_add: the index at [1,0] is -1, dimension 1 has 3 elements" },
    { index_add_1, "index_add: the index at [2] is 3, dimension 1 has 3 elements",
      "index_add: the index at [2] is -1, dimension 1 has 3 elements" },
    { one_hot_3, "one_hot: the index at [1,0] is 3, dimension 2 has 3 elements",
      "one_hot: the index at [1,0] is -1, dimension 2 has 3 elements" },
};

enum { INDEXED = sizeof indexed / sizeof *indexed };

/* A device looks at indices while it computes: what is wrong is said by the call that waits, with the position in memory. */
START_TEST(bad_indices_are_named_with_their_position)
{
    for (int below = 0; below < 2; below++) {
        cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2, 3)), *src = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2, 2));
        const int64_t values[] = { 0, 2, below ? -1 : 3, 7 };
        cnn_tensor *index = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(2, 2), values);
        cnn_tape_begin(tape, CNN_TRAIN);
        indexed[_i].call(cnn_input(tape, x), cnn_input(tape, index), cnn_input(tape, src));
        ck_assert_int_eq(cnn_context_synchronize(ctx), on_device() ? CNN_ERROR_INVALID_ARGUMENT : CNN_OK);
        ck_assert_int_eq(cnn_tape_status(tape), CNN_ERROR_INVALID_ARGUMENT);
        failed_with(CNN_ERROR_INVALID_ARGUMENT, !on_device() ? (below ? indexed[_i].from : indexed[_i].message)
                                                : below      ? "index_check failed: the index at 2 is -1"
                                                             : "index_check failed: the index at 2 is 3");
        cnn_tensor_free(x);
        cnn_tensor_free(src);
        cnn_tensor_free(index);
    }
}
END_TEST

/* In a step of its own: x is [2,3] f32, the index has this dtype and shape. */
static void refused(index_fn call, cnn_dtype dtype, int ndim, const int64_t *shape, cnn_dtype src_dtype, cnn_status status,
                    const char *message)
{
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2, 3)), *index = cnn_tensor_zeros(ctx, dtype, ndim, shape);
    cnn_tensor *src = cnn_tensor_ones(ctx, src_dtype, CNN_SHAPE(2, 2));
    cnn_tape_begin(tape, CNN_TRAIN);
    call(cnn_input(tape, x), cnn_input(tape, index), cnn_input(tape, src));
    failed_with(status, message);
    cnn_tensor_free(x);
    cnn_tensor_free(index);
    cnn_tensor_free(src);
}

START_TEST(bad_dtypes_and_shapes_are_refused)
{
    refused(gather_1, CNN_U8, CNN_SHAPE(2, 2), CNN_F32, CNN_ERROR_DTYPE, "gather: the index is uint8, expected int64 or int32");
    refused(gather_1, CNN_I64, CNN_SHAPE(3, 2), CNN_F32, CNN_ERROR_SHAPE,
            "gather: the index is [3,2], operand 0 is [2,3], expected one rank and no larger sizes in all other dimensions");
    refused(gather_1, CNN_I64, CNN_SHAPE(2), CNN_F32, CNN_ERROR_SHAPE, "gather: the index is [2], operand 0 is [2,3]");
    refused(scatter_1, CNN_I64, CNN_SHAPE(2, 2), CNN_F64, CNN_ERROR_DTYPE,
            "scatter: operand 2 is float64, expected float32 like operand 0");
    refused(scatter_1, CNN_I64, CNN_SHAPE(2, 9), CNN_F32, CNN_ERROR_SHAPE,
            "scatter: the index is [2,9], operand 2 is [2,2], expected one rank and no larger sizes");
    refused(scatter_add_1, CNN_F32, CNN_SHAPE(2, 2), CNN_F32, CNN_ERROR_DTYPE, "scatter_add: the index is float32");
    refused(index_add_1, CNN_I64, CNN_SHAPE(1, 3), CNN_F32, CNN_ERROR_SHAPE,
            "index_add: the index is [3], the source is [2,4], expected [n] and [2,3] with size n in dimension 1");
    refused(one_hot_3, CNN_I64, CNN_SHAPE(1, 1, 1, 1, 1, 1, 1, 1), CNN_F32, CNN_ERROR_SHAPE, "one_hot: ");
}
END_TEST

START_TEST(indices_written_after_the_forward_pass_are_noticed)
{
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(3)), *index = cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(2));
    cnn_tensor_set_requires_grad(x, true);
    cnn_tensor *y = cnn_gather(cnn_input(tape, x), 0, index);
    cnn_tensor_fill(index, 7);
    ck_assert_int_eq(cnn_backward_with(y, NULL, false), CNN_ERROR_STATE);
    failed_with(CNN_ERROR_STATE, "backward: gather: the index tensor of shape [2] was written after the forward pass");
    cnn_tensor_free(x);
    cnn_tensor_free(index);
}
END_TEST

/* The operands of a scatter stay as they are. */
START_TEST(nothing_is_written_in_place)
{
    cnn_tensor *x = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(3)), *index = cnn_tensor_ones(ctx, CNN_I32, CNN_SHAPE(2));
    cnn_tensor *src = cnn_tensor_full(ctx, CNN_F32, 5, CNN_SHAPE(2));
    const float *y = host_elements(cnn_scatter_add(cnn_input(tape, x), 0, index, src)), *before = host_elements(x);
    ck_assert(y[0] == 0 && y[1] == 10 && y[2] == 0);
    ck_assert(before[0] == 0 && before[1] == 0 && before[2] == 0);
    cnn_tensor_free(x);
    cnn_tensor_free(index);
    cnn_tensor_free(src);
}
END_TEST

/* ---- large ones, by their definition ---- */

enum { A = 6, N = 700, B = 33, READS = 1500, SIZE = A * N * B, INDICES = A * READS * B };

/* Operands of [A,N,B] and [A,READS,B] with the dimensions in another order, so that each in turn is the one of indices. */
typedef struct problem {
    int64_t shape[3], reads[3];
    float *x, *src, *expected;
    int64_t *index;
} problem;

static int64_t at(const int64_t shape[3], int64_t i, int64_t j, int64_t k)
{
    return (i * shape[1] + j) * shape[2] + k;
}

static problem make_problem(int dim)
{
    problem p = { { A, A, A }, { A, A, A }, NULL, NULL, NULL, NULL };
    const int64_t shapes[3][2][3] = { { { N, A, B }, { READS, A, B } }, { { A, N, B }, { A, READS, B } }, { { A, B, N }, { A, B, READS } } };
    uint64_t state = 17;
    memcpy(p.shape, shapes[dim][0], sizeof p.shape);
    memcpy(p.reads, shapes[dim][1], sizeof p.reads);
    p.x = malloc(SIZE * sizeof(float));
    p.src = malloc(INDICES * sizeof(float));
    p.expected = malloc(INDICES * sizeof(float));
    p.index = malloc(INDICES * sizeof(int64_t));
    ck_assert(p.x && p.src && p.expected && p.index);
    for (int i = 0; i < INDICES; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        p.index[i] = (int64_t)((state >> 33) % N);
        p.src[i] = (float)(int)(state >> 40) / 8192 - 700;
        if (i < SIZE) {
            p.x[i] = (float)(int)(state >> 36 & 0xffff) / 77;
        }
    }
    return p;
}

static void free_problem(problem *p)
{
    free(p->x);
    free(p->src);
    free(p->expected);
    free(p->index);
}

/* Row-major, so that indices of one line come in their order. */
static void define(problem *p, int dim, int kind)
{
    if (kind != 0) {
        memcpy(p->expected, p->x, SIZE * sizeof(float));
    }
    for (int64_t i = 0; i < p->reads[0]; i++) {
        for (int64_t j = 0; j < p->reads[1]; j++) {
            for (int64_t k = 0; k < p->reads[2]; k++) {
                int64_t from = at(p->reads, i, j, k), n = p->index[from];
                int64_t to = at(p->shape, dim == 0 ? n : i, dim == 1 ? n : j, dim == 2 ? n : k);
                if (kind == 0) {
                    p->expected[from] = p->x[to];
                } else if (kind == 1) {
                    p->expected[to] = p->src[from];
                } else {
                    p->expected[to] += p->src[from];
                }
            }
        }
    }
}

/* gather, scatter and scatter_add of many elements, one and three threads, every dimension: to the bit. */
START_TEST(large_ones_follow_their_definition)
{
    const int dim = _i % 3, kind = _i / 3;
    problem p = make_problem(dim);
    define(&p, dim, kind);
    for (int threads = 1; threads <= 3; threads += 2) {
        cnn_context *own = cnn_context_new(.threads = threads);
        cnn_tape *step = cnn_tape_new(own);
        cnn_tensor *x = cnn_tensor_from_data(own, CNN_F32, 3, p.shape, p.x);
        cnn_tensor *src = cnn_tensor_from_data(own, CNN_F32, 3, p.reads, p.src);
        cnn_tensor *index = cnn_tensor_from_data(own, CNN_I64, 3, p.reads, p.index);
        cnn_tape_begin(step, CNN_EVAL);
        cnn_tensor *input = cnn_input(step, x);
        cnn_tensor *y = kind == 0   ? cnn_gather(input, dim, index)
                        : kind == 1 ? cnn_scatter(input, dim, index, src)
                                    : cnn_scatter_add(input, dim, index, src);
        ck_assert_msg(cnn_tape_status(step) == CNN_OK, "%s", cnn_tape_error(step));
        ck_assert_int_eq(memcmp(host_elements(y), p.expected, elements_size(y)), 0);
        cnn_tensor_free(x);
        cnn_tensor_free(src);
        cnn_tensor_free(index);
        cnn_tape_free(step);
        cnn_context_free(own);
    }
    free_problem(&p);
}
END_TEST

/* A list of indices is the same index for every line. */
START_TEST(a_list_is_an_index_for_all_lines)
{
    const int dim = _i;
    problem p = make_problem(dim);
    cnn_tensor *x = cnn_tensor_from_data(ctx, CNN_F32, 3, p.shape, p.x), *src = cnn_tensor_from_data(ctx, CNN_F32, 3, p.reads, p.src);
    cnn_tensor *list = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(READS), p.index);
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *input = cnn_input(tape, x), *index = cnn_input(tape, list);
    index = cnn_expand(cnn_reshape(index, CNN_SHAPE(dim == 0 ? READS : 1, dim == 1 ? READS : 1, dim == 2 ? READS : 1)), 3, p.reads);
    ck_assert(same_elements(cnn_index_select(input, dim, list), cnn_gather(input, dim, index)));
    ck_assert(same_elements(cnn_index_add(input, dim, list, src), cnn_scatter_add(input, dim, index, src)));
    ck_assert_int_eq(cnn_tape_status(tape), CNN_OK);
    cnn_tensor_free(x);
    cnn_tensor_free(src);
    cnn_tensor_free(list);
    free_problem(&p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("indexing");
    TCase *tests = suite_case(suite, "indexing", setup, teardown);
    tcase_add_loop_test(tests, bad_indices_are_named_with_their_position, 0, INDEXED);
    tcase_add_test(tests, bad_dtypes_and_shapes_are_refused);
    tcase_add_test(tests, indices_written_after_the_forward_pass_are_noticed);
    tcase_add_test(tests, nothing_is_written_in_place);
    tcase_add_loop_test(tests, large_ones_follow_their_definition, 0, 9);
    tcase_add_loop_test(tests, a_list_is_an_index_for_all_lines, 0, 3);
    return suite_run(suite);
}
