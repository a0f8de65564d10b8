/* Ownership: calls that take ownership take it on failure too, each object is freed exactly once, and the order in
 * which a program frees its objects does not matter. An allocator that knows every block finds leaks and double
 * frees, the callbacks that free are counted, and this also runs under the address sanitizer. */
#include "trust.h"

#include <cnn/cnn.h>

#include <string.h>

enum { MOST_BLOCKS = 4096 };

static struct {
    void *memory[MOST_BLOCKS];
    int count;
    long calls, fail_at; /* the allocation that fails; −1: none */
} heap;
static long freed, cases;

static void *heap_allocate(size_t size, size_t alignment, void *user)
{
    (void)user;
    void *memory = NULL;
    if (heap.calls++ == heap.fail_at || heap.count == MOST_BLOCKS || posix_memalign(&memory, alignment, size) != 0) {
        return NULL;
    }
    heap.memory[heap.count++] = memory;
    return memory;
}

static void heap_deallocate(void *memory, size_t size, void *user)
{
    (void)size, (void)user;
    int i = 0;
    while (i < heap.count && heap.memory[i] != memory) {
        i++;
    }
    ck_assert_msg(i < heap.count, "a block that was never given, or was given back already");
    heap.memory[i] = heap.memory[--heap.count];
    free(memory);
}

static cnn_context *new_context(void)
{
    return cnn_context_new(.threads = 1, .allocate = heap_allocate, .deallocate = heap_deallocate);
}

static void setup(void)
{
    memset(&heap, 0, sizeof heap);
    heap.fail_at = -1;
    freed = 0;
}

static void teardown(void)
{
    ck_assert_int_eq(heap.count, 0);
}

static void count_user(void *user)
{
    (void)user;
    freed++;
}

static void count_data(void *data, void *user)
{
    (void)data, (void)user;
    freed++;
}

static cnn_tensor *forward_self(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    return x;
}

static cnn_status get_sample(int64_t index, void *image, void *label, void *user)
{
    (void)index, (void)user;
    *(float *)image = 0;
    *(int64_t *)label = 0;
    return CNN_OK;
}

#include "takings.h"

static cnn_module *parent_with_used_name(cnn_context *ctx)
{
    cnn_module *parent = cnn_module_new(ctx, forward_self);
    cnn_module_add(parent, "used", cnn_relu_new(ctx));
    return parent;
}

START_TEST(taken)
{
    const taking *t = &takings[_i];
    cnn_context *ctx = new_context();
    cnn_module *parent = parent_with_used_name(ctx);
    bool succeeded = t->run(ctx, parent);
    ck_assert_msg(succeeded != t->fails, "%s: %s", t->name, cnn_last_error(NULL));
    ck_assert_msg(!t->fails || freed == t->given, "%s: %ld of %d freed", t->name, freed, t->given);
    cnn_module_free(parent);
    ck_assert_msg(freed == t->given, "%s: %ld of %d freed in the end", t->name, freed, t->given);
    cnn_context_free(ctx);
    cases++;
}
END_TEST

/* The same where an allocation fails, first, second, …, until none does. What could not even be made is not given, so
 * only an upper bound of the counts is known; that no block is left says the rest. */
START_TEST(taken_without_memory)
{
    const taking *t = &takings[_i];
    bool missed = true;
    for (long at = 0; missed; at++) {
        cnn_context *ctx = new_context();
        cnn_module *parent = parent_with_used_name(ctx);
        freed = 0;
        heap.calls = 0;
        heap.fail_at = at;
        bool succeeded = t->run(ctx, parent);
        missed = heap.calls > at;
        heap.fail_at = -1;
        ck_assert_msg(!succeeded || !t->fails, "%s succeeded without memory", t->name);
        cnn_module_free(parent);
        ck_assert_msg(freed <= t->given + 1, "%s freed %ld of %d", t->name, freed, t->given);
        cnn_context_free(ctx);
        ck_assert_msg(heap.count == 0, "%s, allocation %ld: %d blocks left", t->name, at, heap.count);
        cases++;
    }
}
END_TEST

/* ---- what belongs to somebody else stays his ---- */

START_TEST(refused)
{
    cnn_context *ctx = new_context();
    cnn_module *a = counted_module(ctx), *b = counted_module(ctx);
    ck_assert_ptr_eq(cnn_module_add(a, "b", b), b);
    ck_assert_ptr_null(cnn_module_add(a, "again", b)); /* a child of its parent already: stays there */
    ck_assert_ptr_null(cnn_module_add(b, "loop", a));  /* would hang from itself: stays the caller's */
    ck_assert_ptr_null(cnn_module_add(a, "self", a));
    cnn_module_free(b);
    ck_assert_int_eq(cnn_context_status(ctx), CNN_ERROR_STATE);
    cnn_tensor *p = counted_tensor(ctx, CNN_F32);
    ck_assert_ptr_eq(cnn_module_add_parameter(a, "p", p), p);
    ck_assert_ptr_null(cnn_module_add_parameter(b, "p", p));
    ck_assert_ptr_null(cnn_module_add_buffer(a, "q", p));
    cnn_tensor_free(p);
    ck_assert_int_eq(freed, 0);
    ck_assert_int_eq(cnn_module_parameter_count(a), 1);
    ck_assert_int_eq(cnn_module_child_count(a), 1);
    cnn_module_free(a);
    ck_assert_int_eq(freed, 3);
    cnn_context_free(ctx);
    cases += 7;
}
END_TEST

/* ---- every order of freeing ---- */

enum { CONTEXT, TENSOR, TAPE, MODULE, OPTIMIZER, DATASET, LOADER, OBJECTS };

#define RELEASER(type) static void release_##type(void *object) { cnn_##type##_free(object); }
RELEASER(context)
RELEASER(tensor)
RELEASER(tape)
RELEASER(module)
RELEASER(optimizer)
RELEASER(dataset)
RELEASER(loader)

static void release(int which, void *object)
{
    static void (*const releases[OBJECTS])(void *) = {
        [CONTEXT] = release_context, [TENSOR] = release_tensor, [TAPE] = release_tape, [MODULE] = release_module,
        [OPTIMIZER] = release_optimizer, [DATASET] = release_dataset, [LOADER] = release_loader,
    };
    releases[which](object);
}

/* One training step of a program with every kind of object, all of them still alive. */
static void make_objects(void *objects[OBJECTS])
{
    cnn_context *ctx = new_context();
    cnn_module *model = cnn_sequential_new(ctx, cnn_flatten_new(ctx), cnn_linear_new(ctx, 1, 2));
    cnn_optimizer *adam = cnn_adam_new(model);
    cnn_dataset *dataset = counted_dataset(ctx);
    cnn_loader *loader = cnn_loader_new(cnn_dataset_share(dataset), 2, .no_background = true);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *mine = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2, 2));
    cnn_tensor_set_requires_grad(mine, true);
    cnn_batch batch;
    ck_assert(cnn_loader_next(loader, &batch));
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *out = cnn_mul(cnn_forward(model, cnn_input(tape, batch.images)), mine);
    ck_assert_int_eq(cnn_backward(cnn_cross_entropy(out, batch.labels)), CNN_OK);
    ck_assert_int_eq(cnn_optimizer_step(adam), CNN_OK);
    void *made[OBJECTS] = { ctx, mine, tape, model, adam, dataset, loader };
    memcpy(objects, made, sizeof made);
}

/* Permutation number n of the objects. */
static void permutation(int n, int order[OBJECTS])
{
    int left[OBJECTS];
    for (int i = 0; i < OBJECTS; i++) {
        left[i] = i;
    }
    for (int i = 0; i < OBJECTS; i++) {
        int pick = n % (OBJECTS - i);
        n /= OBJECTS - i;
        order[i] = left[pick];
        memmove(left + pick, left + pick + 1, (size_t)(OBJECTS - i - 1 - pick) * sizeof *left);
    }
}

START_TEST(any_order)
{
    int all = 1;
    for (int i = 2; i <= OBJECTS; i++) {
        all *= i;
    }
    for (int n = 0; n < all; n++) {
        void *objects[OBJECTS];
        int order[OBJECTS];
        freed = 0;
        make_objects(objects);
        permutation(n, order);
        for (int i = 0; i < OBJECTS; i++) {
            release(order[i], objects[order[i]]);
        }
        ck_assert_int_eq(freed, 1);
        ck_assert_msg(heap.count == 0, "order %d leaves %d blocks", n, heap.count);
        cases++;
    }
}
END_TEST

/* What outlives its owner still works: an optimizer's parameters, a tape's inputs, a loader's dataset. */
START_TEST(outliving)
{
    void *o[OBJECTS];
    make_objects(o);
    release(CONTEXT, o[CONTEXT]);
    release(DATASET, o[DATASET]);
    release(MODULE, o[MODULE]);
    ck_assert_int_eq(cnn_optimizer_step(o[OPTIMIZER]), CNN_OK);
    cnn_batch batch;
    ck_assert(cnn_loader_next(o[LOADER], &batch));
    ck_assert_int_eq(cnn_tape_begin(o[TAPE], CNN_TRAIN), CNN_OK);
    cnn_tensor *x = cnn_input(o[TAPE], o[TENSOR]);
    release(TENSOR, o[TENSOR]);
    cnn_tensor *y = cnn_sum(cnn_mul(x, x), CNN_ALL_DIMS, false);
    ck_assert_int_eq(cnn_backward(y), CNN_OK);
    ck_assert_double_eq(cnn_tensor_item(y), 4);
    release(OPTIMIZER, o[OPTIMIZER]);
    release(LOADER, o[LOADER]);
    release(TAPE, o[TAPE]);
    ck_assert_int_eq(freed, 1);
    cases++;
}
END_TEST

int main(void)
{
    trust_begin("ownership");
    TCase *tests = trust_case("ownership", 120);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, taken, 0, TAKINGS);
    tcase_add_loop_test(tests, taken_without_memory, 0, TAKINGS);
    tcase_add_test(tests, refused);
    tcase_add_test(tests, any_order);
    tcase_add_test(tests, outliving);
    int failed = trust_run();
    return trust_end(failed, "ownership: %ld cases of %d takings and every order of freeing %d objects", cases, (int)TAKINGS,
                     (int)OBJECTS);
}
