/* Copies of rows of every length give what a loop over bytes gives, write nothing else, and do not depend on threads. */
#include "kernels/array/nest.h"
#include "support/kernels.h"
#include "support/suite.h"

enum { PLANES = 5, GAP = 3, GUARD = 64 }; /* elements between rows; bytes around the operands */

/* Rows [PLANES, rows, n], the steps between them, and how far the first byte is from an aligned address. */
typedef struct rows_case {
    cnn_dtype dtype;
    int64_t rows, n;
    int64_t y_stride, x_stride;
    int64_t shift; /* elements */
} rows_case;

static int64_t span_of(int64_t stride, int64_t n)
{
    return (n - 1) * (stride < 0 ? -stride : stride) + 1;
}

static cnn__nest nest_of(const rows_case *c)
{
    const int64_t y_row = span_of(c->y_stride, c->n) + GAP, x_row = span_of(c->x_stride, c->n) + 1;
    cnn__nest nest = { .ndim = 3, .shape = { PLANES, c->rows, c->n } };
    const int64_t y[] = { c->rows * y_row + 2, y_row, c->y_stride }, x[] = { c->rows * x_row, x_row, c->x_stride };
    memcpy(nest.stride[0], y, sizeof y);
    memcpy(nest.stride[1], x, sizeof x);
    return nest;
}

/* Bytes that an operand takes, with its guards. */
static size_t room_of(const rows_case *c, const cnn__nest *nest, int operand)
{
    return 2 * GUARD + (size_t)(PLANES * nest->stride[operand][0] + c->shift) * cnn_dtype_size(c->dtype);
}

/* Where the first element lies: behind the others of its row, where they go backwards. */
static unsigned char *first_of(const rows_case *c, unsigned char *room, int64_t stride)
{
    return room + GUARD + (c->shift + (stride < 0 ? span_of(stride, c->n) - 1 : 0)) * (int64_t)cnn_dtype_size(c->dtype);
}

static void copy_plainly(const rows_case *c, const cnn__nest *nest, unsigned char *y, const unsigned char *x)
{
    const int64_t size = (int64_t)cnn_dtype_size(c->dtype);
    for (int64_t at = 0; at < PLANES * c->rows * c->n; at++) {
        const int64_t plane = at / c->n / c->rows, row = at / c->n % c->rows, i = at % c->n;
        for (int64_t byte = 0; byte < size; byte++) {
            y[(plane * nest->stride[0][0] + row * nest->stride[0][1] + i * nest->stride[0][2]) * size + byte] =
                x[(plane * nest->stride[1][0] + row * nest->stride[1][1] + i * nest->stride[1][2]) * size + byte];
        }
    }
}

static void check_rows(const rows_case *c)
{
    const cnn__nest nest = nest_of(c);
    const size_t y_room = room_of(c, &nest, 0), x_room = room_of(c, &nest, 1);
    unsigned char *x = block(x_room), *wanted = block(y_room), *y = block(y_room);
    for (size_t i = 0; i < x_room; i++) {
        x[i] = (unsigned char)(i * 37 + i / 251);
    }
    memset(wanted, 0xa5, y_room);
    copy_plainly(c, &nest, first_of(c, wanted, c->y_stride), first_of(c, x, c->x_stride));
    for (int k = 0; k < 2; k++) {
        memset(y, 0xa5, y_room);
        cnn__array_copy(&nest, c->dtype, first_of(c, y, c->y_stride), c->dtype, first_of(c, x, c->x_stride),
                        contexts[k]->pool);
        ck_assert_msg(memcmp(y, wanted, y_room) == 0,
                      "%d threads: rows [%lld,%lld] of %zu bytes, strides %lld and %lld, shift %lld", k ? 3 : 1,
                      (long long)c->rows, (long long)c->n, cnn_dtype_size(c->dtype), (long long)c->y_stride,
                      (long long)c->x_stride, (long long)c->shift);
    }
    free(x);
    free(wanted);
    free(y);
}

static const cnn_dtype of_every_size[] = { CNN_U8, CNN_BF16, CNN_F32, CNN_I64 };

/* Lengths around those at which another way of moving a row begins. */
START_TEST(rows_are_copied_and_nothing_else)
{
    static const int64_t longer[] = { 63, 64, 65, 127, 128, 129, 255, 256, 257 };
    for (int64_t i = 1; i <= 40 + (int64_t)(sizeof longer / sizeof *longer); i++) {
        for (int64_t shift = 0; shift < 3; shift++) {
            check_rows(&(rows_case){ of_every_size[_i], shift % 2 ? 3 : 13, i <= 40 ? i : longer[i - 41], 1, 1, shift });
        }
    }
}
END_TEST

/* Tasks begin and end within rows, and the planes are fewer or more than the rows. */
START_TEST(rows_of_several_tasks_are_copied)
{
    static const int64_t lengths[] = { 1, 3, 7, 8, 40, 129, 300, 5000 };
    const int elements = shapes_wanted(0) ? 3 * CNN__NEST_TASK / PLANES : 9 * CNN__NEST_TASK / PLANES;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        check_rows(&(rows_case){ of_every_size[_i], 2 + elements / lengths[i], lengths[i], 1, 1, 1 });
    }
}
END_TEST

/* One operand or both go by other steps: backwards, all the same element, every second one. */
START_TEST(runs_that_are_no_rows_are_copied)
{
    static const int64_t strides[][2] = { { 1, -1 }, { 1, 0 }, { 1, 2 }, { 2, 1 }, { 3, 2 }, { -1, 1 } };
    for (size_t i = 0; i < sizeof strides / sizeof *strides; i++) {
        for (int64_t n = 1; n < 40; n += n < 10 ? 1 : 7) {
            check_rows(&(rows_case){ of_every_size[_i], 11, n, strides[i][0], strides[i][1], 1 });
            check_rows(&(rows_case){ of_every_size[_i], 3, n, strides[i][0], strides[i][1], 0 });
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("short_rows");
    TCase *tests = suite_case(suite, "copies", pools_make, pools_free);
    tcase_add_loop_test(tests, rows_are_copied_and_nothing_else, 0, 4);
    tcase_add_loop_test(tests, rows_of_several_tasks_are_copied, 0, 4);
    tcase_add_loop_test(tests, runs_that_are_no_rows_are_copied, 0, 4);
    return suite_run(suite);
}
