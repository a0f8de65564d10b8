/* The lowest floor, src/base: statuses, errors, options, random numbers and memory; the pool is in test_pool.c. */
#include "base/context.h"
#include "base/random.h"
#include "platform/memory.h"
#include "support/elements.h"
#include "support/shims.h"

#include <cnn/cnn.h>

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if CNN__NONE
#include "platform/none/sources.h"
#endif

/* ---- statuses and versions ---- */

START_TEST(status_names_are_those_of_the_enum)
{
    ck_assert_str_eq(cnn_status_name(CNN_OK), "CNN_OK");
    ck_assert_str_eq(cnn_status_name(CNN_ERROR_SHAPE), "CNN_ERROR_SHAPE");
    ck_assert_str_eq(cnn_status_name(CNN_ERROR_CALLBACK), "CNN_ERROR_CALLBACK");
    ck_assert_str_eq(cnn_status_name((cnn_status)1), "CNN_ERROR_UNKNOWN");
    ck_assert_str_eq(cnn_status_name((cnn_status)-99), "CNN_ERROR_UNKNOWN");
}
END_TEST

START_TEST(version_agrees_with_the_headers)
{
    ck_assert_str_eq(cnn_version(), CNN_VERSION_STRING);
    ck_assert_int_eq(cnn_version_number(),
                     CNN_VERSION_MAJOR * 10000 + CNN_VERSION_MINOR * 100 + CNN_VERSION_PATCH);
}
END_TEST

/* ---- contexts and errors ---- */

START_TEST(context_reports_bad_options)
{
    ck_assert_ptr_null(cnn_context_new(.threads = -1));
    ck_assert_int_eq(cnn_context_status(NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_str_eq(cnn_last_error(NULL),
                     "context_create: threads is -1, expected 1 to 8192, or 0 for all CPUs");
    ck_assert_ptr_null(cnn_context_new(.kernels = "abacus"));
    ck_assert_int_eq(cnn_context_status(NULL), CNN_ERROR_DEVICE);
    ck_assert_ptr_nonnull(strstr(cnn_last_error(NULL), "abacus"));
    ck_assert_ptr_null(cnn_context_new(.device = "abacus:7"));
    ck_assert_int_eq(cnn_context_status(NULL), CNN_ERROR_DEVICE);
    ck_assert_str_eq(cnn_last_error(NULL), on_device() ? "context_create: there is no device \"abacus:7\", expected one of: "
                                                         "cpu, late:0, late:1"
                                                       : "context_create: there is no device \"abacus:7\", expected one of: cpu");
    cnn_context_clear_error(NULL);
    ck_assert_str_eq(cnn_last_error(NULL), "");
}
END_TEST

START_TEST(kernels_come_from_option_then_environment)
{
    cnn_context *ctx = cnn_context_new(.kernels = "reference");
    ck_assert_str_eq(cnn_context_kernels(ctx), "reference");
    cnn_context_free(ctx);
    char *before = getenv("CNN_KERNELS");
    char *kept = before ? strdup(before) : NULL;
    setenv("CNN_KERNELS", "reference", 1);
    ctx = cnn_context_new(.threads = 1);
    ck_assert_str_eq(cnn_context_kernels(ctx), "reference");
    cnn_context_free(ctx);
    kept ? setenv("CNN_KERNELS", kept, 1) : unsetenv("CNN_KERNELS");
    free(kept);
}
END_TEST

START_TEST(errors_belong_to_their_context_and_thread)
{
    cnn_context *a = cnn_context_new(.threads = 1), *b = cnn_context_new(.threads = 1);
    ck_assert_ptr_null(cnn_tensor_zeros(a, CNN_F32, CNN_SHAPE(-1)));
    ck_assert_int_eq(cnn_context_status(a), CNN_ERROR_SHAPE);
    ck_assert_str_eq(cnn_last_error(a), "tensor_zeros: shape [-1] has a negative size");
    ck_assert_int_eq(cnn_context_status(b), CNN_OK);
    ck_assert_str_eq(cnn_last_error(b), "");
    cnn_context_clear_error(a);
    ck_assert_int_eq(cnn_context_status(a), CNN_OK);
    cnn_context_free(a);
    cnn_context_free(b);
    cnn_context_free(NULL);
}
END_TEST

/* The program that checks nothing until the end still learns why: the later calls on NULL belong to no context. */
START_TEST(a_null_object_leaves_the_message_that_explains_it)
{
    cnn_context *ctx = cnn_context_new(.threads = 1);
    cnn_batch batch;
    cnn_loader *loader = cnn_loader_new(cnn_mnist_open(ctx, "no such folder", CNN_MNIST_TEST), 200);
    ck_assert_ptr_null(loader);
    ck_assert(!cnn_loader_next(loader, &batch));
    ck_assert_ptr_null(cnn_adam_new(NULL));
    ck_assert_str_eq(cnn_last_error(NULL), "adam_create: module is NULL");
    ck_assert_int_eq(cnn_context_status(NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(cnn_last_error(ctx), "mnist_open: no t10k-images-idx3-ubyte"));
    ck_assert_int_eq(cnn_context_status(ctx), CNN_ERROR_NOT_FOUND);
    cnn_context_clear_error(ctx);
    ck_assert_str_eq(cnn_last_error(ctx), "");
    ck_assert_str_eq(cnn_last_error(NULL), "adam_create: module is NULL");
    cnn_context_free(ctx);
}
END_TEST

#if CNN__THREADS
static void *fail_elsewhere(void *ctx)
{
    cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(-7));
    return (void *)cnn_last_error(ctx);
}

START_TEST(a_failure_in_one_thread_is_not_seen_in_another)
{
    cnn_context *ctx = cnn_context_new(.threads = 1);
    cnn__thread thread;
    ck_assert_int_eq(cnn__thread_start(&thread, fail_elsewhere, ctx), 0);
    cnn__thread_join(&thread);
    ck_assert_str_eq(cnn_last_error(ctx), "");
    cnn_context_free(ctx);
}
END_TEST
#endif

START_TEST(messages_stay_one_line_and_within_their_buffer)
{
    char name[2000];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    name[3] = '\n';
    cnn__fail(NULL, CNN_ERROR_IO, "test: %s", name);
    ck_assert_uint_eq(strlen(cnn_last_error(NULL)), 511);
    ck_assert_ptr_null(strchr(cnn_last_error(NULL), '\n'));
}
END_TEST

START_TEST(a_context_outlives_its_free_while_objects_use_it)
{
    cnn_context *ctx = cnn_context_new(.threads = 2);
    cnn_tensor *t = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(3));
    cnn_context_free(ctx);
    ck_assert_double_eq(((const float *)host_elements(t))[2], 1);
    cnn_tensor_free(t);
}
END_TEST

START_TEST(random_state_can_be_set_back)
{
    cnn_context *ctx = cnn_context_new(.seed = 5, .threads = 1);
    cnn_random_state state;
    ck_assert_int_eq(cnn_context_random_state(ctx, &state), CNN_OK);
    ck_assert_uint_eq(state.seed, 5);
    cnn_tensor *a = cnn_tensor_rand(ctx, CNN_F32, CNN_SHAPE(8)), *b = cnn_tensor_rand(ctx, CNN_F32, CNN_SHAPE(8));
    ck_assert_int_eq(cnn_context_set_random_state(ctx, &state), CNN_OK);
    cnn_tensor *c = cnn_tensor_rand(ctx, CNN_F32, CNN_SHAPE(8));
    ck_assert_mem_eq(host_elements(a), host_elements(c), 32);
    ck_assert_mem_ne(host_elements(a), host_elements(b), 32);
    ck_assert_int_eq(cnn_context_random_state(ctx, NULL), CNN_ERROR_INVALID_ARGUMENT);
    cnn_tensor_free(a);
    cnn_tensor_free(b);
    cnn_tensor_free(c);
    cnn_context_free(ctx);
}
END_TEST

/* ---- options of other versions ---- */

typedef struct first_release {
    size_t struct_size;
    int64_t first, second;
    bool flag;
    unsigned char reserved[7];
} first_release;

/* The struct of a later release: `more` and `wide` are taken from the reserved bytes, and `third` makes it longer. */
typedef struct later_release {
    size_t struct_size;
    int64_t first, second;
    bool flag, more;
    unsigned char reserved_then[2];
    int wide;
    int64_t third;
    unsigned char reserved[8];
} later_release;

START_TEST(options_of_any_version_are_read)
{
    first_release ours, given = { .struct_size = sizeof given, .first = 3, .second = 4, .flag = true };
    ck_assert_int_eq(CNN__OPTIONS_READ(NULL, "test", &ours, NULL), CNN_OK);
    ck_assert_int_eq(ours.second, 0);
    ck_assert_uint_eq(ours.struct_size, sizeof ours);
    ck_assert_int_eq(CNN__OPTIONS_READ(NULL, "test", &ours, &given), CNN_OK);
    ck_assert(ours.second == 4 && ours.flag);
    given.struct_size = sizeof(size_t) + sizeof(int64_t);
    ck_assert_int_eq(CNN__OPTIONS_READ(NULL, "test", &ours, &given), CNN_OK);
    ck_assert(ours.first == 3 && ours.second == 0 && !ours.flag);
    given.struct_size = 0;
    ck_assert_int_eq(CNN__OPTIONS_READ(NULL, "test", &ours, &given), CNN_ERROR_INVALID_ARGUMENT);
    given.struct_size = SIZE_MAX;
    ck_assert_int_eq(CNN__OPTIONS_READ(NULL, "test", &ours, &given), CNN_ERROR_INVALID_ARGUMENT);
}
END_TEST

START_TEST(options_grow_in_their_reserved_bytes)
{
    ck_assert_uint_eq(offsetof(later_release, more), offsetof(first_release, reserved));
    first_release old = { .struct_size = sizeof old, .first = 3, .second = 4, .flag = true }, old_ours;
    later_release ours, given = { .struct_size = sizeof given, .second = 2 };
    ck_assert_int_eq(CNN__OPTIONS_READ(NULL, "test", &ours, &old), CNN_OK);
    ck_assert(ours.first == 3 && ours.flag && !ours.more && ours.wide == 0 && ours.third == 0);
    ck_assert_int_eq(CNN__OPTIONS_READ(NULL, "test", &old_ours, &given), CNN_OK);
    ck_assert_int_eq(old_ours.second, 2);
    later_release asking[] = { given, given, given };
    asking[0].more = true;
    asking[1].wide = 1 << 24;
    asking[2].third = 1;
    const char *bytes[] = { "byte 25 ", "byte 31 ", "byte 32 " };
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(CNN__OPTIONS_READ(NULL, "test", &ours, &asking[i]), CNN_OK);
        ck_assert_int_eq(CNN__OPTIONS_READ(NULL, "test", &old_ours, &asking[i]), CNN_ERROR_UNSUPPORTED);
        ck_assert_ptr_nonnull(strstr(cnn_last_error(NULL), bytes[i]));
        ck_assert_ptr_nonnull(strstr(cnn_last_error(NULL), "knows only 25 bytes"));
        ck_assert_int_eq(old_ours.second, 2);
    }
}
END_TEST

START_TEST(zero_means_default_and_cnn_zero_means_zero)
{
    ck_assert_double_eq(cnn__option(0, 0.9), 0.9);
    ck_assert_double_eq(cnn__option(CNN_ZERO, 0.9), 0);
    ck_assert_double_eq(cnn__option(0x1p-1074, 0.9), 0); /* CNN_ZERO of version 0.1 */
    ck_assert_double_eq(cnn__option(-0.0, 0.9), 0.9);
    ck_assert_int_eq(fpclassify(CNN_ZERO), FP_NORMAL);
    ck_assert_double_eq(cnn__option(0.5, 0.9), 0.5);
    ck_assert_int_eq(cnn__option_int(0, 3), 3);
    ck_assert_int_eq(cnn__option_int(-2, 3), -2);
}
END_TEST

/* ---- random numbers ---- */

/* Known answers published with Random123 (kat_vectors, philox4x32-10). */
START_TEST(philox_gives_the_known_answers)
{
    static const struct {
        uint64_t key, block, stream;
        uint32_t out[4];
    } known[] = {
        { 0, 0, 0, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
        { UINT64_MAX, UINT64_MAX, UINT64_MAX, { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
        { 0x299f31d0a4093822, 0x85a308d3243f6a88, 0x0370734413198a2e,
          { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        uint64_t key[2] = { known[i].key, known[i].stream };
        uint32_t out[4];
        cnn__philox(key, known[i].block, out);
        ck_assert_mem_eq(out, known[i].out, sizeof out);
    }
}
END_TEST

START_TEST(draws_have_the_right_moments)
{
    const uint64_t key[2] = { 42, 7 };
    const int n = 200000;
    double sum = 0, squares = 0, normal = 0, normal_squares = 0;
    int outside = 0;
    for (int i = 0; i < n; i++) {
        double u = cnn__random_f64(key, (uint64_t)i), z = cnn__random_normal(key, (uint64_t)i);
        float f = cnn__random_f32(key, (uint64_t)i);
        outside += !(u >= 0 && u < 1 && f >= 0 && f < 1);
        sum += u;
        squares += u * u;
        normal += z;
        normal_squares += z * z;
    }
    ck_assert_int_eq(outside, 0);
    ck_assert_double_eq_tol(sum / n, 0.5, 0.003);
    ck_assert_double_eq_tol(squares / n, 1.0 / 3, 0.003);
    ck_assert_double_eq_tol(normal / n, 0, 0.01);
    ck_assert_double_eq_tol(normal_squares / n, 1, 0.015);
}
END_TEST

START_TEST(permutations_are_permutations_and_uniform)
{
    int64_t order[6], first[6] = { 0 };
    const int rounds = 60000;
    for (int round = 0; round < rounds; round++) {
        const uint64_t key[2] = { 1, (uint64_t)round };
        bool seen[6] = { false };
        cnn__random_permutation(key, 6, order);
        for (int i = 0; i < 6; i++) {
            if (order[i] < 0 || order[i] >= 6 || seen[order[i]]) { /* an assertion is a system call */
                ck_abort_msg("round %d: place %d is %d", round, i, (int)order[i]);
            }
            seen[order[i]] = true;
        }
        first[order[0]]++;
    }
    for (int i = 0; i < 6; i++) {
        ck_assert_int_gt(first[i], rounds / 6 - 500);
        ck_assert_int_lt(first[i], rounds / 6 + 500);
    }
}
END_TEST

/* ---- without threads and files ---- */

#if CNN__NONE
START_TEST(one_thread_serves_every_context)
{
    cnn_context *ctx = cnn_context_new(.threads = 3);
    ck_assert_int_eq(cnn_context_threads(ctx), 1);
    cnn_context_free(ctx);
}
END_TEST

START_TEST(without_files_reading_and_saving_say_so)
{
    cnn_context *ctx = cnn_context_new(.seed = 1);
    cnn_module *module = cnn_linear_new(ctx, 2, 2);
    cnn__file_source_set(NULL);
    ck_assert_ptr_null(cnn_tensor_load(ctx, "weights", "a"));
    ck_assert_int_eq(cnn_context_status(ctx), CNN_ERROR_UNSUPPORTED);
    ck_assert_str_eq(cnn_last_error(ctx), "tensor_load: weights: this library was built without files");
    ck_assert_int_eq(cnn_module_save(module, "weights"), CNN_ERROR_UNSUPPORTED);
    cnn_module_free(module);
    cnn_context_free(ctx);
}
END_TEST
#endif

/* ---- memory ---- */

typedef struct ledger {
    size_t live, bytes;
    int countdown;
} ledger;

static void *ledger_allocate(size_t size, size_t alignment, void *user)
{
    ledger *l = user;
    void *memory = l->countdown-- == 0 ? NULL : cnn__system_alloc(size, alignment);
    if (!memory) {
        return NULL;
    }
    l->live++;
    l->bytes += size;
    return memory;
}

static void ledger_deallocate(void *memory, size_t size, void *user)
{
    ledger *l = user;
    l->live--;
    l->bytes -= size;
    cnn__system_free(memory);
}

START_TEST(the_users_allocator_gets_everything_back)
{
    ledger l = { .countdown = -1 };
    cnn_context *ctx = cnn_context_new(.threads = 2, .allocate = ledger_allocate, .deallocate = ledger_deallocate,
                                       .allocator_user = &l);
    cnn_tensor *t = cnn_tensor_zeros(ctx, CNN_F64, CNN_SHAPE(10, 10));
    ck_assert_uint_eq((uintptr_t)cnn_tensor_data(t) % 64, 0);
    ck_assert(on_device() || l.bytes >= 800);
    cnn_context_free(ctx);
    cnn_tensor_free(t);
    ck_assert_uint_eq(l.live, 0);
    ck_assert_uint_eq(l.bytes, 0);
}
END_TEST

START_TEST(every_allocation_of_a_context_may_fail)
{
    for (int n = 0;; n++) {
        ck_assert_int_lt(n, 100);
        ledger l = { .countdown = n };
        cnn_context *ctx = cnn_context_new(.threads = 2, .allocate = ledger_allocate,
                                           .deallocate = ledger_deallocate, .allocator_user = &l);
        cnn_tape *tape = ctx ? cnn_tape_new(ctx) : NULL;
        bool passed = tape != NULL;
        if (!passed) {
            ck_assert_int_eq(cnn_context_status(NULL), CNN_ERROR_NO_MEMORY);
        }
        cnn_tape_free(tape);
        cnn_context_free(ctx);
        ck_assert_uint_eq(l.live, 0);
        if (passed) {
            break;
        }
    }
}
END_TEST

static void remember(cnn_log_level level, const char *message, void *user)
{
    snprintf(user, 64, "%d %s", (int)level, message);
}

/* One line alone, whatever came before. */
START_TEST(log_lines_reach_the_callback)
{
    char line[64] = "";
    cnn_context *ctx = cnn_context_new(.log = remember, .log_user = line, .threads = 1);
    cnn__log(ctx, CNN_LOG_WARNING, "%d of %d", 1, 2);
    ck_assert_str_eq(line, "2 1 of 2");
    cnn_context_free(ctx);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base");
    TCase *tests = tcase_create("base");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, status_names_are_those_of_the_enum);
    tcase_add_test(tests, version_agrees_with_the_headers);
    tcase_add_test(tests, context_reports_bad_options);
    tcase_add_test(tests, kernels_come_from_option_then_environment);
    tcase_add_test(tests, errors_belong_to_their_context_and_thread);
    tcase_add_test(tests, a_null_object_leaves_the_message_that_explains_it);
#if CNN__THREADS
    tcase_add_test(tests, a_failure_in_one_thread_is_not_seen_in_another);
#endif
    tcase_add_test(tests, messages_stay_one_line_and_within_their_buffer);
    tcase_add_test(tests, a_context_outlives_its_free_while_objects_use_it);
    tcase_add_test(tests, random_state_can_be_set_back);
    tcase_add_test(tests, options_of_any_version_are_read);
    tcase_add_test(tests, options_grow_in_their_reserved_bytes);
    tcase_add_test(tests, zero_means_default_and_cnn_zero_means_zero);
    tcase_add_test(tests, philox_gives_the_known_answers);
    tcase_add_test(tests, draws_have_the_right_moments);
    tcase_add_test(tests, permutations_are_permutations_and_uniform);
#if CNN__NONE
    tcase_add_test(tests, one_thread_serves_every_context);
    tcase_add_test(tests, without_files_reading_and_saving_say_so);
#endif
    tcase_add_test(tests, the_users_allocator_gets_everything_back);
    tcase_add_test(tests, every_allocation_of_a_context_may_fail);
    tcase_add_test(tests, log_lines_reach_the_callback);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
