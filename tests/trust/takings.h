/* The calls that take what they are given, each failing in every way that it can (test_ownership.c, which includes this once). */
#ifndef CNN_TESTS_TRUST_TAKINGS_H
#define CNN_TESTS_TRUST_TAKINGS_H

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

static bool become_good(cnn_context *ctx, cnn_module *parent)
{
    return cnn_module_become(parent, counted_module(ctx)) == CNN_OK;
}

static bool become_no_module(cnn_context *ctx, cnn_module *parent)
{
    (void)parent;
    return cnn_module_become(NULL, counted_module(ctx)) == CNN_OK;
}

static bool become_other_context(cnn_context *ctx, cnn_module *parent)
{
    cnn_context *other = cnn_context_new(.threads = 1);
    bool became = cnn_module_become(parent, counted_module(other)) == CNN_OK;
    (void)ctx;
    cnn_context_free(other);
    return became;
}

static bool become_with_child(cnn_context *ctx, cnn_module *parent)
{
    cnn_module *other = counted_module(ctx);
    if (!cnn_module_add(other, "child", counted_module(ctx))) {
        cnn_module_free(other);
        return false;
    }
    return cnn_module_become(parent, other) == CNN_OK;
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
    { "module_become", false, 1, become_good },
    { "module_become, no module", true, 1, become_no_module },
    { "module_become, two contexts", true, 1, become_other_context },
    { "module_become, a child", true, 2, become_with_child },
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

#endif
