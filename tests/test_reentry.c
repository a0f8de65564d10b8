/* Callbacks and cancellations at unfavourable moments: an allocator that itself uses the library, a lookup while a
 * tree is being freed, pthread_cancel inside calls that hold memory. */
#include "support/files.h"
#include "support/suite.h"

#include <pthread.h>
#include <unistd.h>

typedef struct allocator {
    cnn_context *other; /* in which the next allocation makes and frees a tape */
    bool armed, fail_next;
    atomic_long blocks;
} allocator;

static void *take(size_t size, size_t alignment, void *user)
{
    allocator *a = user;
    if (a->armed) {
        a->armed = false;
        cnn_tape_free(cnn_tape_new(a->other));
    }
    void *memory = NULL;
    if (a->fail_next && size < 100000) {
        a->fail_next = false;
        return NULL;
    }
    if (posix_memalign(&memory, alignment < sizeof(void *) ? sizeof(void *) : alignment, size) != 0) {
        return NULL;
    }
    atomic_fetch_add(&a->blocks, 1);
    return memory;
}

static void give(void *memory, size_t size, void *user)
{
    (void)size;
    free(memory);
    atomic_fetch_sub(&((allocator *)user)->blocks, 1);
}

static cnn_context *context_on(allocator *a)
{
    cnn_context *ctx = cnn_context_new(.threads = 1, .allocate = take, .deallocate = give, .allocator_user = a);
    ck_assert_ptr_nonnull(ctx);
    return ctx;
}

START_TEST(an_allocator_may_make_tapes_while_a_step_fails)
{
    static allocator a;
    a = (allocator){ .other = cnn_context_new(.threads = 1) };
    cnn_context *ctx = context_on(&a);
    cnn_tensor *x = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(4));
    cnn_tensor_set_requires_grad(x, true);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tape_begin(tape, CNN_TRAIN);
    a.armed = true;
    for (int i = 0; i < 2000 && a.armed; i++) {
        cnn_neg(x); /* no operand is on a tape; sooner or later the marks need memory */
    }
    ck_assert(!a.armed);
    ck_assert_int_eq(cnn_tape_status(tape), CNN_ERROR_STATE);
    cnn_tape_free(tape);
    cnn_tensor_free(x);
    cnn_context_free(ctx);
    cnn_context_free(a.other);
    ck_assert_int_eq(atomic_load(&a.blocks), 0);
}
END_TEST

START_TEST(a_step_that_begins_at_the_second_try_leaves_no_error)
{
    static allocator a;
    a = (allocator){ 0 };
    cnn_context *ctx = context_on(&a);
    cnn_tensor *x = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(4)), *y = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(3));
    cnn_tensor *large = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(100000));
    cnn_tensor_set_requires_grad(x, true);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_neg(cnn_input(tape, large)); /* leaves an idle block to give back */
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_add(cnn_input(tape, x), y);
    ck_assert_int_eq(cnn_tape_status(tape), CNN_ERROR_SHAPE);
    cnn_context_clear_error(ctx);
    a.fail_next = true;
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    ck_assert(!a.fail_next);
    ck_assert_int_eq(cnn_context_status(ctx), CNN_OK);
    ck_assert_str_eq(cnn_last_error(ctx), "");
    cnn_tape_free(tape);
    cnn_tensor_free(x);
    cnn_tensor_free(y);
    cnn_tensor_free(large);
    cnn_context_free(ctx);
}
END_TEST

/* ---- a tree that is being freed ---- */

enum { CHILDREN = 40 };
static cnn_module *root;
static int lookups;

static cnn_tensor *same(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    return x;
}

static void look_up(void *user)
{
    if (user) {
        ck_assert_ptr_null(cnn_module_find(root, "c39.w"));
        lookups++;
    }
}

START_TEST(names_are_looked_up_while_their_tree_is_freed)
{
    cnn_context *ctx = cnn_context_new(.threads = 1);
    root = cnn_module_new(ctx, same);
    lookups = 0;
    for (int i = 0; i < CHILDREN; i++) {
        char name[16];
        snprintf(name, sizeof name, "c%d", i);
        cnn_module_add(root, name, cnn_module_new(ctx, same, .free_user = look_up, .user = i == CHILDREN - 2 ? root : NULL));
    }
    cnn_module_free(root);
    ck_assert_int_eq(lookups, 1);
    cnn_context_free(ctx);
}
END_TEST

/* ---- cancellation ---- */

static allocator counted;
static cnn_context *shared;
static cnn_tensor *input;
static cnn_module *module;

static void *make_context(void *arg)
{
    pthread_cancel(pthread_self());
    cnn_context *ctx = cnn_context_new(.allocate = take, .deallocate = give, .allocator_user = &counted);
    cnn_context_free(ctx);
    return arg;
}

static cnn_tensor *square(cnn_tensor *const *inputs, int count, void *user)
{
    (void)count, (void)user;
    usleep(1);
    return cnn_sum(cnn_mul(inputs[0], inputs[0]), CNN_ALL_DIMS, false);
}

static void *check_gradients(void *arg)
{
    pthread_cancel(pthread_self());
    return cnn_gradcheck(shared, square, NULL, &input, 1, NULL) == CNN_OK ? arg : NULL;
}

static cnn_tensor *wait_inside(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    usleep(1); /* a cancellation point */
    return cnn_neg(x);
}

static void free_tape(void *tape)
{
    cnn_tape_free(tape);
}

static void *run_forward(void *arg)
{
    cnn_tape *tape = cnn_tape_new(shared);
    pthread_cleanup_push(free_tape, tape);
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *x = cnn_input(tape, input);
    pthread_cancel(pthread_self());
    cnn_forward(module, x);
    pthread_testcancel(); /* here it ends, and frees the tape, which no callback uses any more */
    pthread_cleanup_pop(1);
    return arg;
}

START_TEST(what_holds_memory_is_not_cancelled)
{
    static void *(*const bodies[])(void *) = { make_context, check_gradients, run_forward };
    shared = context_on(&counted);
    input = cnn_tensor_full(shared, CNN_F64, 2, CNN_SHAPE(2));
    cnn_tensor_set_requires_grad(input, true);
    module = cnn_module_new(shared, wait_inside);
    long before = atomic_load(&counted.blocks);
    pthread_t thread;
    void *result;
    ck_assert_int_eq(pthread_create(&thread, NULL, bodies[_i], &counted), 0);
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    ck_assert_ptr_eq(result, bodies[_i] == run_forward ? PTHREAD_CANCELED : (void *)&counted);
    cnn_tensor_zero_grad(input);
    ck_assert_int_le(atomic_load(&counted.blocks), before + 1); /* the gradient of the input may stay */
    cnn_module_free(module);
    cnn_tensor_free(input);
    cnn_context_free(shared);
    ck_assert_int_eq(atomic_load(&counted.blocks), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reentry");
    TCase *calls = tcase_create("calls");
    tcase_add_test(calls, an_allocator_may_make_tapes_while_a_step_fails);
    tcase_add_test(calls, a_step_that_begins_at_the_second_try_leaves_no_error);
    tcase_add_test(calls, names_are_looked_up_while_their_tree_is_freed);
    tcase_add_loop_test(calls, what_holds_memory_is_not_cancelled, 0, 3);
    suite_add_tcase(suite, calls);
    return suite_run(suite);
}
