/* Which failure cnn_last_error() reports, and that the use of an object that could not be made reports why. */
#include "support/files.h"
#include "support/suite.h"

#include <limits.h>

enum { CONTEXTS = 8 }; /* as many as a thread remembers (context.h) */

static cnn_context *plain_context(void)
{
    cnn_context *ctx = cnn_context_new(.threads = 1);
    ck_assert_ptr_nonnull(ctx);
    return ctx;
}

/* Fails on the context with a message that holds the number. */
static void fail_with_number(cnn_context *ctx, int number)
{
    ck_assert_ptr_null(cnn_tensor_zeros(ctx, (cnn_dtype)number, CNN_SCALAR));
}

static void has_number(const cnn_context *ctx, int number)
{
    char expected[64];
    snprintf(expected, sizeof expected, "tensor_zeros: %d is no dtype", number);
    ck_assert_str_eq(cnn_last_error(ctx), number ? expected : "");
    ck_assert_int_eq(cnn_context_status(ctx), number ? CNN_ERROR_DTYPE : CNN_OK);
}

START_TEST(contexts_do_not_share_messages)
{
    cnn_context *ctx[CONTEXTS + 2];
    for (int i = 0; i < CONTEXTS + 2; i++) {
        ctx[i] = plain_context();
    }
    for (int round = 1; round <= 3; round++) {
        for (int i = 0; i < CONTEXTS; i++) {
            fail_with_number(ctx[i], 100 * round + i);
        }
        for (int i = 0; i < CONTEXTS; i++) {
            has_number(ctx[i], 100 * round + i);
        }
    }
    has_number(NULL, 300 + CONTEXTS - 1);
    fail_with_number(ctx[0], 900);
    fail_with_number(ctx[CONTEXTS], 901); /* one more than are remembered: the oldest goes, which is that of 1 */
    has_number(ctx[0], 900);
    has_number(ctx[1], 0);
    has_number(ctx[2], 302);
    has_number(ctx[CONTEXTS], 901);
    has_number(ctx[CONTEXTS + 1], 0);
    cnn_context_clear_error(ctx[2]);
    has_number(ctx[2], 0);
    has_number(ctx[3], 303);
    has_number(NULL, 901);
    cnn_context_clear_error(NULL);
    for (int i = 0; i < CONTEXTS + 2; i++) {
        has_number(ctx[i], 0);
        cnn_context_free(ctx[i]);
    }
    has_number(NULL, 0);
}
END_TEST

/* An allocator that gives the next block of the same size the address of the one that was freed last. */
static void *kept;
static size_t kept_size;

static void *allocate(size_t size, size_t alignment, void *user)
{
    (void)user;
    void *memory = NULL;
    if (kept && size == kept_size) {
        memory = kept;
        kept = NULL;
        return memory;
    }
    return posix_memalign(&memory, alignment, size) ? NULL : memory;
}

static void deallocate(void *memory, size_t size, void *user)
{
    (void)user;
    free(kept);
    kept = memory;
    kept_size = size;
}

START_TEST(a_context_has_no_messages_of_one_that_lay_there)
{
    cnn_context *ctx = cnn_context_new(.threads = 1, .allocate = allocate, .deallocate = deallocate);
    fail_with_number(ctx, 99);
    has_number(ctx, 99);
    uintptr_t before = (uintptr_t)ctx;
    cnn_context_free(ctx);
    ctx = cnn_context_new(.threads = 1, .allocate = allocate, .deallocate = deallocate);
    ck_assert_uint_eq((uintptr_t)ctx, before);
    has_number(ctx, 0);
    cnn_context_free(ctx);
    free(kept);
}
END_TEST

/* The README's program where there is no folder of that name, without a check before the loop. */
START_TEST(a_loader_that_could_not_be_made_says_so)
{
    cnn_context *ctx = plain_context();
    cnn_loader *train = cnn_loader_new(cnn_mnist_open(ctx, "/nowhere", CNN_MNIST_TRAIN), 200, .shuffle = true);
    cnn_batch batch;
    int batches = 0;
    while (cnn_loader_next(train, &batch)) {
        batches++;
    }
    ck_assert_int_eq(batches, 0);
    ck_assert_int_eq(cnn_loader_status(train), CNN_ERROR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(cnn_last_error(ctx), "mnist_open: no train-images-idx3-ubyte"));
    ck_assert_int_eq(cnn_context_status(ctx), CNN_ERROR_NOT_FOUND);
    ck_assert_int_eq(cnn_loader_batch_count(train), 0);
    ck_assert_int_eq(cnn_loader_status(train), CNN_ERROR_NOT_FOUND);
    ck_assert_str_eq(cnn_last_error(NULL), cnn_last_error(ctx));
    cnn_context_clear_error(NULL);
    ck_assert_int_eq(cnn_loader_status(NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_str_eq(cnn_last_error(NULL), "loader_status: loader is NULL");
    cnn_context_free(ctx);
}
END_TEST

/* A program that looks at its errors late: it goes on with the NULL, and still learns why there is no context. */
START_TEST(a_context_that_could_not_be_made_says_so)
{
    static const char why[] = "context_create: this CPU has no kernels named \"abacus\"";
    cnn_context *ctx = cnn_context_new(.kernels = "abacus"), *other = plain_context();
    ck_assert_ptr_null(ctx);
    ck_assert_ptr_null(cnn_context_new(.kernels = "abacus"));
    ck_assert_ptr_null(cnn_tape_new(ctx));
    ck_assert_ptr_null(cnn_linear_new(ctx, 2, 3));
    ck_assert_ptr_null(cnn_tensor_zeros(ctx, CNN_F32, CNN_SCALAR));
    ck_assert_ptr_null(cnn_mnist_open(ctx, "data", CNN_MNIST_TRAIN));
    ck_assert_int_eq(cnn_context_threads(ctx), 0);
    ck_assert_str_eq(cnn_last_error(ctx), why);
    ck_assert_int_eq(cnn_context_status(ctx), CNN_ERROR_DEVICE);
    /* Anything else that fails is newer, also the next attempt, and one without a context of its own. */
    ck_assert_ptr_null(cnn_context_new(.threads = -1));
    ck_assert_str_eq(cnn_last_error(NULL), "context_create: threads is -1, expected 1 to 8192, or 0 for all CPUs");
    ck_assert_ptr_null(cnn_tape_new(NULL));
    ck_assert_ptr_nonnull(strstr(cnn_last_error(NULL), "threads is -1"));
    ck_assert_int_eq(cnn_context_set_error(NULL, CNN_ERROR_IO, "mine"), CNN_ERROR_IO);
    ck_assert_str_eq(cnn_last_error(NULL), "mine");
    ck_assert_ptr_null(cnn_tape_new(NULL));
    ck_assert_str_eq(cnn_last_error(NULL), "tape_new: ctx is NULL");
    ck_assert_ptr_null(cnn_context_new(.kernels = "abacus"));
    fail_with_number(other, 99);
    has_number(NULL, 99);
    ck_assert_ptr_null(cnn_tape_new(NULL));
    ck_assert_str_eq(cnn_last_error(NULL), "tape_new: ctx is NULL");
    ck_assert_ptr_null(cnn_context_new(.kernels = "abacus"));
    cnn_context_clear_error(NULL);
    ck_assert_ptr_null(cnn_tape_new(NULL));
    ck_assert_str_eq(cnn_last_error(NULL), "tape_new: ctx is NULL");
    cnn_context_free(other);
}
END_TEST

START_TEST(programs_report_failures_of_their_own)
{
    cnn_context *ctx = plain_context();
    ck_assert_int_eq(cnn_context_set_error(ctx, CNN_ERROR_MISMATCH, "mine: 3 of \x1b[1m4"), CNN_ERROR_MISMATCH);
    ck_assert_str_eq(cnn_last_error(ctx), "mine: 3 of \\x1b[1m4");
    ck_assert_int_eq(cnn_context_status(ctx), CNN_ERROR_MISMATCH);
    ck_assert_int_eq(cnn_context_set_error(NULL, CNN_ERROR_IO, "of no context"), CNN_ERROR_IO);
    ck_assert_str_eq(cnn_last_error(NULL), "of no context");
    ck_assert_int_eq(cnn_context_status(ctx), CNN_ERROR_MISMATCH);
    /* A message may be one of the library's own. */
    ck_assert_int_eq(cnn_context_set_error(ctx, CNN_ERROR_STATE, cnn_last_error(ctx)), CNN_ERROR_STATE);
    ck_assert_str_eq(cnn_last_error(ctx), "mine: 3 of \\x1b[1m4");
    const int wrong[] = { CNN_OK, 1, CNN_ERROR_CALLBACK - 1, INT_MIN };
    for (int i = 0; i < 4; i++) {
        assert_error(cnn_context_set_error(ctx, (cnn_status)wrong[i], "m"), CNN_ERROR_INVALID_ARGUMENT,
                     "context_set_error: status is ");
    }
    assert_error(cnn_context_set_error(ctx, CNN_ERROR_IO, NULL), CNN_ERROR_INVALID_ARGUMENT, "message is NULL");
    assert_error(cnn_context_set_error(ctx, CNN_ERROR_IO, ""), CNN_ERROR_INVALID_ARGUMENT, "message is empty");
    cnn_context_free(ctx);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("last_error");
    TCase *errors = suite_case(suite, "messages", NULL, NULL);
    tcase_add_test(errors, contexts_do_not_share_messages);
    tcase_add_test(errors, a_context_has_no_messages_of_one_that_lay_there);
    tcase_add_test(errors, a_loader_that_could_not_be_made_says_so);
    tcase_add_test(errors, a_context_that_could_not_be_made_says_so);
    tcase_add_test(errors, programs_report_failures_of_their_own);
    return suite_run(suite);
}
