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

/* ---- what is given away: each tells by `freed` when it goes ---- */

static cnn_module *counted_module(cnn_context *ctx)
{
    return cnn_module_new(ctx, forward_self, .free_user = count_user);
}

static cnn_tensor *counted_tensor(cnn_context *ctx, cnn_dtype dtype)
{
    static _Alignas(16) double data[2];
    return cnn_tensor_from_borrowed(ctx, dtype, CNN_SHAPE(2), NULL, data, count_data, NULL);
}

static const int64_t image_shape[] = { 1, 1, 1 };
static cnn_dataset *counted_dataset(cnn_context *ctx)
{
    cnn_dataset_callbacks c = { .struct_size = sizeof c, .size = 3, .image_ndim = 3, .image_shape = image_shape,
                                .label_dtype = CNN_I64, .get = get_sample, .free_user = count_user };
    return cnn_dataset_from_callbacks(ctx, &c);
}

/* ---- the calls that take, each failing in every way that it can ----
 *
 * A case gives away `given` counted objects. Where it fails, they must all be gone when it returns; where it succeeds, they go with
 * the module that took them. */

typedef struct taking {
    const char *name;
    bool fails;
    int given;
    bool (*run)(cnn_context *ctx, cnn_module *parent); /* true: the call succeeded */
} taking;

#define TAKING(name, expression) \
    static bool name(cnn_context *ctx, cnn_module *parent) { (void)ctx, (void)parent; return (expression) != NULL; }
TAKING(add_good, cnn_module_add(parent, "new", counted_module(ctx)))
TAKING(add_no_name, cnn_module_add(parent, NULL, counted_module(ctx)))
TAKING(add_empty_name, cnn_module_add(parent, "", counted_module(ctx)))
TAKING(add_dotted_name, cnn_module_add(parent, "a.b", counted_module(ctx)))
TAKING(add_used_name, cnn_module_add(parent, "used", counted_module(ctx)))
TAKING(add_no_parent, cnn_module_add(NULL, "new", counted_module(ctx)))
TAKING(parameter_good, cnn_module_add_parameter(parent, "new", counted_tensor(ctx, CNN_F32)))
TAKING(parameter_no_module, cnn_module_add_parameter(NULL, "new", counted_tensor(ctx, CNN_F32)))
TAKING(parameter_no_name, cnn_module_add_parameter(parent, NULL, counted_tensor(ctx, CNN_F32)))
TAKING(parameter_used_name, cnn_module_add_parameter(parent, "used", counted_tensor(ctx, CNN_F32)))
TAKING(parameter_dtype, cnn_module_add_parameter(parent, "new", counted_tensor(ctx, CNN_I64)))
TAKING(buffer_good, cnn_module_add_buffer(parent, "new", counted_tensor(ctx, CNN_I64)))
TAKING(buffer_no_module, cnn_module_add_buffer(NULL, "new", counted_tensor(ctx, CNN_F32)))
TAKING(buffer_no_name, cnn_module_add_buffer(parent, "", counted_tensor(ctx, CNN_F32)))

static bool add_other_context(cnn_context *ctx, cnn_module *parent)
{
    (void)ctx;
    cnn_context *other = new_context();
    bool added = cnn_module_add(parent, "new", counted_module(other));
    cnn_context_free(other);
    return added;
}

static bool parameter_other_context(cnn_context *ctx, cnn_module *parent)
{
    (void)ctx;
    cnn_context *other = new_context();
    bool added = cnn_module_add_parameter(parent, "new", counted_tensor(other, CNN_F32));
    cnn_context_free(other);
    return added;
}

/* Deeper than a tree may be: the child comes with children of its own, which go with it. */
static bool add_too_deep(cnn_context *ctx, cnn_module *parent)
{
    cnn_module *tower = counted_module(ctx);
    for (int i = 1; i < 1000; i++) {
        cnn_module *above = cnn_sequential_new(ctx, tower);
        tower = above;
    }
    return cnn_module_add(parent, "new", tower);
}

static bool finish_sequential(cnn_module *sequential)
{
    cnn_module_free(sequential);
    return sequential;
}

static bool sequential_good(cnn_context *ctx, cnn_module *parent)
{
    (void)parent;
    return finish_sequential(cnn_sequential_new(ctx, counted_module(ctx), counted_module(ctx)));
}

static bool sequential_null(cnn_context *ctx, cnn_module *parent)
{
    (void)parent;
    return finish_sequential(cnn_sequential_new(ctx, counted_module(ctx), NULL, counted_module(ctx)));
}

static bool sequential_no_context(cnn_context *ctx, cnn_module *parent)
{
    (void)parent;
    return finish_sequential(cnn_sequential_new(NULL, counted_module(ctx), counted_module(ctx)));
}

static bool sequential_twice(cnn_context *ctx, cnn_module *parent)
{
    (void)parent;
    cnn_module *m = counted_module(ctx);
    return finish_sequential(cnn_sequential_new(ctx, m, m));
}

static bool sequential_of_another(cnn_context *ctx, cnn_module *parent)
{
    return finish_sequential(cnn_sequential_new(ctx, counted_module(ctx), cnn_module_child(parent, 0, NULL)));
}

static bool finish_loader(cnn_loader *loader)
{
    cnn_loader_free(loader);
    return loader;
}

static bool loader_good(cnn_context *ctx, cnn_module *parent)
{
    (void)parent;
    return finish_loader(cnn_loader_new(counted_dataset(ctx), 2));
}

static bool loader_batch_size(cnn_context *ctx, cnn_module *parent)
{
    (void)parent;
    return finish_loader(cnn_loader_new(counted_dataset(ctx), 0));
}

static bool loader_options(cnn_context *ctx, cnn_module *parent)
{
    (void)parent;
    cnn_loader_options wrong = { .struct_size = 3 };
    return finish_loader(cnn_loader_create(counted_dataset(ctx), 2, &wrong));
}

static bool subset_of(cnn_context *ctx, int64_t index)
{
    const int64_t indices[] = { 1, index };
    cnn_dataset *subset = cnn_dataset_subset(counted_dataset(ctx), indices, 2);
    cnn_dataset_free(subset);
    return subset;
}

static bool subset_good(cnn_context *ctx, cnn_module *parent)
{
    (void)parent;
    return subset_of(ctx, 2);
}

static bool subset_out_of_range(cnn_context *ctx, cnn_module *parent)
{
    (void)parent;
    return subset_of(ctx, 3);
}

static bool slice_of(cnn_context *ctx, int64_t end)
{
    cnn_dataset *slice = cnn_dataset_slice(counted_dataset(ctx), 1, end);
    cnn_dataset_free(slice);
    return slice;
}

static bool slice_good(cnn_context *ctx, cnn_module *parent)
{
    (void)parent;
    return slice_of(ctx, 3);
}

static bool slice_out_of_range(cnn_context *ctx, cnn_module *parent)
{
    (void)parent;
    return slice_of(ctx, 4);
}

static bool split_into(cnn_context *ctx, double first)
{
    const double lengths[] = { first, 2 };
    cnn_dataset *pieces[2];
    cnn_status status = cnn_dataset_random_split(counted_dataset(ctx), lengths, 2, 1, pieces);
    cnn_dataset_free(pieces[0]);
    cnn_dataset_free(pieces[1]);
    return status == CNN_OK;
}

static bool split_good(cnn_context *ctx, cnn_module *parent)
{
    (void)parent;
    return split_into(ctx, 1);
}

static bool split_lengths(cnn_context *ctx, cnn_module *parent)
{
    (void)parent;
    return split_into(ctx, 2);
}

static bool borrowed(cnn_context *ctx, cnn_dtype dtype, int64_t size, void *data)
{
    cnn_tensor *t = cnn_tensor_from_borrowed(ctx, dtype, 1, &size, NULL, data, count_data, NULL);
    cnn_tensor_free(t);
    return t;
}

static _Alignas(16) char bytes[64];
#define BORROWED(name, ctx_, dtype, size, data) \
    static bool name(cnn_context *ctx, cnn_module *parent) { (void)ctx, (void)parent; return borrowed(ctx_, dtype, size, data); }
BORROWED(borrowed_good, ctx, CNN_F32, 4, bytes)
BORROWED(borrowed_no_context, NULL, CNN_F32, 4, bytes)
BORROWED(borrowed_dtype, ctx, (cnn_dtype)77, 4, bytes)
BORROWED(borrowed_size, ctx, CNN_F32, -4, bytes)
BORROWED(borrowed_overflow, ctx, CNN_F32, INT64_MAX, bytes)
BORROWED(borrowed_null, ctx, CNN_F32, 4, NULL)
BORROWED(borrowed_unaligned, ctx, CNN_F32, 4, bytes + 1)

static bool callbacks_with(cnn_context *ctx, int64_t size, int ndim, bool get)
{
    cnn_dataset_callbacks c = { .struct_size = sizeof c, .size = size, .image_ndim = ndim, .image_shape = image_shape,
                                .label_dtype = CNN_I64, .get = get ? get_sample : NULL, .free_user = count_user };
    cnn_dataset *d = cnn_dataset_from_callbacks(ctx, &c);
    cnn_dataset_free(d);
    return d;
}
#define CALLBACKS(name, ctx_, size, ndim, get) \
    static bool name(cnn_context *ctx, cnn_module *parent) { (void)ctx, (void)parent; return callbacks_with(ctx_, size, ndim, get); }
CALLBACKS(callbacks_good, ctx, 3, 3, true)
CALLBACKS(callbacks_no_context, NULL, 3, 3, true)
CALLBACKS(callbacks_no_get, ctx, 3, 3, false)
CALLBACKS(callbacks_size, ctx, -1, 3, true)
CALLBACKS(callbacks_rank, ctx, 3, 9, true)

static cnn_status tell_order(uint64_t seed, int64_t epoch, int64_t *order, void *user)
{
    (void)seed, (void)epoch, (void)user;
    order[0] = 0;
    return CNN_OK;
}

/* Two counted objects: a dataset and a sampler. */
static bool sampled(cnn_context *ctx, int64_t batch_size, bool shuffle, bool dataset)
{
    const cnn_sampler_callbacks c = { .struct_size = sizeof c, .count = 1, .order = tell_order, .free_user = count_user };
    cnn_sampler *sampler = cnn_sampler_from_callbacks(ctx, &c);
    cnn_dataset *samples = dataset ? counted_dataset(ctx) : NULL;
    if (!sampler) { /* NULL would mean none */
        cnn_dataset_free(samples);
        return false;
    }
    return finish_loader(cnn_loader_new(samples, batch_size, .sampler = sampler, .shuffle = shuffle));
}
#define SAMPLED(name, size, shuffle, dataset) \
    static bool name(cnn_context *ctx, cnn_module *parent) { (void)parent; return sampled(ctx, size, shuffle, dataset); }
SAMPLED(sampled_good, 2, false, true)
SAMPLED(sampled_batch_size, 0, false, true)
SAMPLED(sampled_shuffle, 2, true, true)
SAMPLED(sampled_no_dataset, 2, false, false)

static bool sampler_with(cnn_context *ctx, int64_t count, bool order)
{
    const cnn_sampler_callbacks c = { .struct_size = sizeof c, .count = count, .order = order ? tell_order : NULL, .free_user = count_user };
    cnn_sampler *s = cnn_sampler_from_callbacks(ctx, &c);
    cnn_sampler_free(s);
    return s;
}
#define SAMPLER(name, ctx_, count, order) \
    static bool name(cnn_context *ctx, cnn_module *parent) { (void)ctx, (void)parent; return sampler_with(ctx_, count, order); }
SAMPLER(sampler_good, ctx, 3, true)
SAMPLER(sampler_no_context, NULL, 3, true)
SAMPLER(sampler_no_order, ctx, 3, false)
SAMPLER(sampler_count, ctx, -1, true)

static bool module_with(cnn_context *ctx, cnn_forward_fn forward)
{
    cnn_module *m = cnn_module_new(ctx, forward, .free_user = count_user, .type = "a name that is copied");
    cnn_module_free(m);
    return m;
}

static bool module_good(cnn_context *ctx, cnn_module *parent)
{
    (void)parent;
    return module_with(ctx, forward_self);
}

static bool module_no_context(cnn_context *ctx, cnn_module *parent)
{
    (void)ctx, (void)parent;
    return module_with(NULL, forward_self);
}

static bool module_no_forward(cnn_context *ctx, cnn_module *parent)
{
    (void)parent;
    return module_with(ctx, NULL);
}

static const taking takings[] = {
    { "module_add", false, 1, add_good },
    { "module_add, no name", true, 1, add_no_name },
    { "module_add, an empty name", true, 1, add_empty_name },
    { "module_add, a dotted name", true, 1, add_dotted_name },
    { "module_add, a used name", true, 1, add_used_name },
    { "module_add, no parent", true, 1, add_no_parent },
    { "module_add, two contexts", true, 1, add_other_context },
    { "module_add, too deep", true, 1, add_too_deep },
    { "module_add_parameter", false, 1, parameter_good },
    { "module_add_parameter, no module", true, 1, parameter_no_module },
    { "module_add_parameter, no name", true, 1, parameter_no_name },
    { "module_add_parameter, a used name", true, 1, parameter_used_name },
    { "module_add_parameter, int64", true, 1, parameter_dtype },
    { "module_add_parameter, two contexts", true, 1, parameter_other_context },
    { "module_add_buffer", false, 1, buffer_good },
    { "module_add_buffer, no module", true, 1, buffer_no_module },
    { "module_add_buffer, no name", true, 1, buffer_no_name },
    { "sequential_create", false, 2, sequential_good },
    { "sequential_create, a NULL child", true, 2, sequential_null },
    { "sequential_create, no context", true, 2, sequential_no_context },
    { "sequential_create, one child twice", true, 1, sequential_twice },
    { "sequential_create, another's child", true, 1, sequential_of_another },
    { "loader_create", false, 1, loader_good },
    { "loader_create, batches of 0", true, 1, loader_batch_size },
    { "loader_create, bad options", true, 1, loader_options },
    { "loader_create, a sampler", false, 2, sampled_good },
    { "loader_create, a sampler and batches of 0", true, 2, sampled_batch_size },
    { "loader_create, a sampler and shuffle", true, 2, sampled_shuffle },
    { "loader_create, a sampler and no dataset", true, 1, sampled_no_dataset },
    { "sampler_from_callbacks", false, 1, sampler_good },
    { "sampler_from_callbacks, no context", true, 1, sampler_no_context },
    { "sampler_from_callbacks, no order", true, 1, sampler_no_order },
    { "sampler_from_callbacks, a negative count", true, 1, sampler_count },
    { "dataset_subset", false, 1, subset_good },
    { "dataset_subset, no such sample", true, 1, subset_out_of_range },
    { "dataset_slice", false, 1, slice_good },
    { "dataset_slice, past the end", true, 1, slice_out_of_range },
    { "dataset_random_split", false, 1, split_good },
    { "dataset_random_split, too many samples", true, 1, split_lengths },
    { "tensor_from_borrowed", false, 1, borrowed_good },
    { "tensor_from_borrowed, no context", true, 1, borrowed_no_context },
    { "tensor_from_borrowed, no dtype", true, 1, borrowed_dtype },
    { "tensor_from_borrowed, a negative size", true, 1, borrowed_size },
    { "tensor_from_borrowed, an overflow", true, 1, borrowed_overflow },
    { "tensor_from_borrowed, no data", true, 1, borrowed_null },
    { "tensor_from_borrowed, unaligned data", true, 1, borrowed_unaligned },
    { "dataset_from_callbacks", false, 1, callbacks_good },
    { "dataset_from_callbacks, no context", true, 1, callbacks_no_context },
    { "dataset_from_callbacks, no get", true, 1, callbacks_no_get },
    { "dataset_from_callbacks, a negative size", true, 1, callbacks_size },
    { "dataset_from_callbacks, rank 9", true, 1, callbacks_rank },
    { "module_create", false, 1, module_good },
    { "module_create, no context", true, 1, module_no_context },
    { "module_create, no forward", true, 1, module_no_forward },
};
enum { TAKINGS = sizeof takings / sizeof takings[0] };

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
