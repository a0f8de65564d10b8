/* The synchronised batch normalisations are the plain ones over all processes' samples: results, gradients of the input and of the
 * parameters, running statistics and evaluation, with each option. */
#include "support/group_case.h"

#include <math.h>

enum { PER = 3, C = 3, PLANE = 4, STEPS = 3, MOST = SOCKET_MOST * PER * C * PLANE };

typedef struct variant {
    const char *name;
    int ndim; /* the input's: 2 [N,C], 3 [N,C,L], 4 [N,C,H,W] */
    cnn_batch_norm_options o;
} variant;

static const variant variants[] = {
    { "[N,C,H,W]", 4, { .dtype = CNN_F64 } },
    { "[N,C,L]", 3, { .dtype = CNN_F64 } },
    { "[N,C]", 2, { .dtype = CNN_F64 } },
    { "no_affine", 4, { .dtype = CNN_F64, .no_affine = true } },
    { "no_running", 4, { .dtype = CNN_F64, .no_running = true } },
    { "no_running, [N,C]", 2, { .dtype = CNN_F64, .no_running = true } },
    { "cumulative", 4, { .dtype = CNN_F64, .cumulative = true } },
    { "cumulative, [N,C,L]", 3, { .dtype = CNN_F64, .cumulative = true } },
    { "momentum", 4, { .dtype = CNN_F64, .momentum = 0.7 } },
    { "eps", 4, { .dtype = CNN_F64, .eps = 0.5 } },
};

/* What one module gave: per sample of its input, and per channel. */
typedef struct result {
    double y[MOST], dx[MOST], tested[MOST], weight[C], bias[C], mean[C], var[C];
    int64_t count;
} result;

static int values_per_sample(const variant *v)
{
    return v->ndim == 2 ? C : C * PLANE;
}

static cnn_tensor *input(cnn_context *ctx, const variant *v, int first, int samples, int step, double factor)
{
    const int64_t shape[] = { samples, C, v->ndim == 4 ? 2 : PLANE, 2 };
    int per = values_per_sample(v);
    double values[MOST];
    for (int i = 0; i < samples * per; i++) {
        int at = first * per + i;
        values[i] = sin(factor * at + step) + (step + 1) * at % 5;
    }
    return cnn_tensor_from_data(ctx, CNN_F64, v->ndim, shape, values);
}

/* Reads a tensor of the module, or of its gradient, which has it or not. */
static void read_state(cnn_module *module, const char *name, bool gradient, double *values)
{
    cnn_tensor *t = cnn_module_find(module, name);
    t = t && gradient ? cnn_tensor_grad(t) : t;
    memset(values, 0, C * sizeof *values);
    if (t && cnn_tensor_read(t, values, C * sizeof *values) != CNN_OK) {
        abort();
    }
}

/* Weights that are not 1 and 0. */
static void set_parameters(cnn_module *module)
{
    static const double weight[C] = { 0.5, -1.5, 2 }, bias[C] = { 0.25, -0.5, 1 };
    cnn_tensor *w = cnn_module_find(module, "weight"), *b = cnn_module_find(module, "bias");
    if ((w && cnn_tensor_write(w, weight, sizeof weight) != CNN_OK) || (b && cnn_tensor_write(b, bias, sizeof bias) != CNN_OK)) {
        abort();
    }
}

/* Some steps of training on samples [first, first + samples), and a test. What is left is of the last step. */
static cnn_status use(cnn_context *ctx, cnn_module *module, const variant *v, int first, int samples, result *r)
{
    size_t bytes = (size_t)(samples * values_per_sample(v)) * sizeof(double);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_status status = CNN_OK;
    set_parameters(module);
    for (int step = 0; step < STEPS && status == CNN_OK; step++) {
        cnn_tensor *x = input(ctx, v, first, samples, step, 3), *f = input(ctx, v, first, samples, step, 7);
        cnn_tensor_set_requires_grad(x, true);
        cnn_module_zero_grad(module);
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *y = cnn_forward(module, cnn_input(tape, x));
        status = cnn_backward(cnn_sum(cnn_mul(cnn_square(y), f), CNN_ALL_DIMS, false));
        status = status == CNN_OK ? cnn_tensor_read(y, r->y, bytes) : status;
        status = status == CNN_OK ? cnn_tensor_read(cnn_tensor_grad(x), r->dx, bytes) : status;
        cnn_tensor_free(x);
        cnn_tensor_free(f);
    }
    read_state(module, "weight", true, r->weight);
    read_state(module, "bias", true, r->bias);
    read_state(module, "running_mean", false, r->mean);
    read_state(module, "running_var", false, r->var);
    cnn_tensor *count = cnn_module_find(module, "num_batches_tracked");
    r->count = count ? cnn_tensor_item_i64(count) : -1;
    cnn_tensor *x = input(ctx, v, first, samples, STEPS, 3);
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *tested = cnn_forward(module, cnn_input(tape, x));
    status = status == CNN_OK ? cnn_tape_status(tape) : status;
    status = status == CNN_OK ? cnn_tensor_read(tested, r->tested, bytes) : status;
    cnn_tensor_free(x);
    cnn_tape_free(tape);
    return status;
}

static double furthest(const double *a, const double *b, int count)
{
    double most = 0;
    for (int i = 0; i < count; i++) {
        most = fmax(most, fabs(a[i] - b[i]) / (1 + fabs(b[i])));
    }
    return most;
}

static cnn_module *plain_new(cnn_context *ctx, const variant *v, const cnn_batch_norm_options *o)
{
    return v->ndim == 4 ? cnn_batch_norm2d_create(ctx, C, o) : cnn_batch_norm1d_create(ctx, C, o);
}

static bool converts; /* the synchronised layers of processes that are made from now on are converted plain ones */

static cnn_module *sync_new(cnn_group *group, const variant *v, const cnn_batch_norm_options *o, cnn_context *ctx)
{
    if (converts) {
        cnn_module *m = plain_new(ctx, v, o);
        if (m && cnn_sync_batch_norm_convert(group, m) == CNN_OK && strcmp(cnn_module_type(m), "SyncBatchNorm") == 0) {
            return m;
        }
        cnn_module_free(m);
        return NULL;
    }
    return v->ndim == 4 ? cnn_sync_batch_norm2d_create(group, C, o) : cnn_sync_batch_norm1d_create(group, C, o);
}

static void compare(cnn_context *ctx, cnn_group *group, const void *with, outcome *out)
{
    static result own, all;
    const variant *v = with;
    cnn_batch_norm_options o = v->o;
    int rank = cnn_group_rank(group), size = cnn_group_size(group), per = values_per_sample(v), first = rank * PER * per;
    o.struct_size = sizeof o;
    cnn_module *sync = sync_new(group, v, &o, ctx), *plain = plain_new(ctx, v, &o), *local = plain_new(ctx, v, &o);
    cnn_module *copy = sync ? cnn_module_clone(sync) : NULL;
    out->status = copy && plain && local ? CNN_OK : cnn_context_status(ctx);
    out->status = out->status == CNN_OK ? use(ctx, copy, v, rank * PER, PER, &own) : out->status;
    out->status = out->status == CNN_OK ? use(ctx, plain, v, 0, size * PER, &all) : out->status;
    if (out->status == CNN_OK) { /* a process has the gradients of its own samples */
        out->status = cnn_group_allreduce(group, own.weight, C, CNN_F64);
        cnn_group_allreduce(group, own.bias, C, CNN_F64);
    }
    out->loss = fmax(furthest(own.y, all.y + first, PER * per), furthest(own.dx, all.dx + first, PER * per));
    out->loss = fmax(out->loss, fmax(furthest(own.weight, all.weight, C), furthest(own.bias, all.bias, C)));
    out->loss = fmax(out->loss, fmax(furthest(own.mean, all.mean, C), furthest(own.var, all.var, C)));
    if (!o.no_running) { /* without statistics an evaluation is of its own batch, as the plain one's */
        out->loss = fmax(out->loss, furthest(own.tested, all.tested + first, PER * per));
    }
    out->status = out->status == CNN_OK && own.count != all.count ? CNN_ERROR_MISMATCH : out->status;
    /* The plain layer over a process's own samples is something else, or the comparison would say nothing. */
    static result alone;
    cnn_status status = use(ctx, local, v, rank * PER, PER, &alone);
    out->communication = furthest(alone.y, all.y + first, PER * per);
    if (o.no_running && furthest(alone.tested, own.tested, PER * per) > 1e-12) {
        out->status = CNN_ERROR_MISMATCH;
    }
    out->status = out->status == CNN_OK ? status : out->status;
    snprintf(out->error, sizeof out->error, "%s", cnn_last_error(ctx));
    cnn_module_free(copy);
    cnn_module_free(sync);
    cnn_module_free(plain);
    cnn_module_free(local);
}

START_TEST(options_are_those_of_the_plain_layer)
{
    enum { VARIANTS = sizeof variants / sizeof *variants };
    const variant *v = &variants[_i % VARIANTS];
    converts = _i >= VARIANTS;
    for (int size = 1; size <= 3; size++) {
        run_all(size, 1, compare, v);
        for (int rank = 0; rank < size; rank++) {
            ck_assert_msg(outcomes[rank].status == CNN_OK, "%s: rank %d of %d: %s", v->name, rank, size, outcomes[rank].error);
            ck_assert_msg(outcomes[rank].loss < 1e-11, "%s: rank %d of %d differs by %g", v->name, rank, size, outcomes[rank].loss);
            ck_assert_msg((outcomes[rank].communication > 1e-2) == (size > 1), "%s: samples alone differ by %g", v->name,
                          outcomes[rank].communication);
        }
    }
    converts = false;
}
END_TEST

/* The digest of a network after an epoch by all processes. */
static uint64_t trained(cnn_group *group, cnn_module *module, cnn_optimizer *adam)
{
    cnn_data_parallel *p = cnn_data_parallel_new(group, module, net_data(cnn_module_context(module), 40), .batch_size = 8,
                                                 .shards = cnn_group_size(group), .drop_last = true);
    cnn_random_state random = { .seed = 5 };
    double loss = 0;
    cnn_status status = p ? cnn_context_set_random_state(cnn_module_context(module), &random) : CNN_ERROR_STATE;
    status = status == CNN_OK ? net_epoch(group, p, module, adam, &loss) : status;
    cnn_data_parallel_free(p);
    return status == CNN_OK ? net_digest(module) : 0;
}

/* A network that is converted after its optimizer was made trains as one that was built of synchronised layers. */
static void convert_network(cnn_context *ctx, cnn_group *group, const void *with, outcome *out)
{
    cnn_module *built = net_new(ctx, cnn_sync_batch_norm2d_create(group, 4, NULL)), *converted = net_new(ctx, NULL);
    cnn_module *local = net_new(ctx, NULL), *norm = cnn_module_child(converted, 1, NULL);
    cnn_optimizer *built_adam = cnn_adam_new(built, .lr = 0.01), *adam = cnn_adam_new(converted, .lr = 0.01);
    cnn_optimizer *local_adam = cnn_adam_new(local, .lr = 0.01);
    cnn_tensor *weight = cnn_module_find(converted, "1.weight"), *mean = cnn_module_find(converted, "1.running_mean");
    (void)with;
    bool good = cnn_module_copy_from(converted, built) == CNN_OK && cnn_module_copy_from(local, built) == CNN_OK;
    good = good && cnn_sync_batch_norm_convert(group, converted) == CNN_OK && cnn_module_child(converted, 1, NULL) == norm;
    good = good && strcmp(cnn_module_type(norm), "SyncBatchNorm") == 0 && strcmp(cnn_module_type(converted), "Sequential") == 0;
    good = good && cnn_module_find(converted, "1.weight") == weight && cnn_module_find(converted, "1.running_mean") == mean;
    good = good && cnn_sync_batch_norm_convert(group, converted) == CNN_OK; /* there is none any more */
    uint64_t expected = trained(group, built, built_adam), found = trained(group, converted, adam);
    good = good && expected && found == expected && trained(group, local, local_adam) != expected;
    out->status = good ? CNN_OK : CNN_ERROR_MISMATCH;
    snprintf(out->error, sizeof out->error, "%llx, expected %llx: %s", (unsigned long long)found, (unsigned long long)expected,
             cnn_last_error(ctx));
    cnn_optimizer_free(built_adam);
    cnn_optimizer_free(adam);
    cnn_optimizer_free(local_adam);
    cnn_module_free(built);
    cnn_module_free(converted);
    cnn_module_free(local);
}

START_TEST(a_network_is_converted)
{
    run_all(2, 1, convert_network, NULL);
    for (int rank = 0; rank < 2; rank++) {
        ck_assert_msg(outcomes[rank].status == CNN_OK, "rank %d: %s", rank, outcomes[rank].error);
    }
}
END_TEST

/* What cannot be converted changes nothing, and a layer that evaluates or has other numbers than by default keeps that. */
static void convert_some(cnn_context *ctx, cnn_group *group, const void *with, outcome *out)
{
    cnn_context *other = cnn_context_new(.seed = 1);
    cnn_module *foreign = cnn_batch_norm1d_new(other, C);
    cnn_module *net = cnn_sequential_new(ctx, cnn_batch_norm1d_new(ctx, C), cnn_batch_norm1d_new(ctx, C, .dtype = CNN_BF16));
    cnn_module *frozen = cnn_sequential_new(ctx, cnn_batch_norm1d_new(ctx, 1, .eps = CNN_ZERO, .momentum = CNN_ZERO));
    cnn_module *norm = cnn_module_child(frozen, 0, NULL);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *x = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(2, 1), (const float[]){ 2e-3f, -2e-3f });
    float y[2] = { 0 }, var = 9;
    (void)with;
    bool good = cnn_sync_batch_norm_convert(NULL, net) == CNN_ERROR_INVALID_ARGUMENT &&
                cnn_sync_batch_norm_convert(group, NULL) == CNN_ERROR_INVALID_ARGUMENT &&
                cnn_sync_batch_norm_convert(group, foreign) == CNN_ERROR_STATE && cnn_sync_batch_norm_convert(group, net) == CNN_ERROR_DTYPE;
    good = good && strcmp(cnn_module_type(cnn_module_child(net, 0, NULL)), "BatchNorm1d") == 0;
    cnn_module_set_mode(norm, CNN_MODULE_EVALUATES);
    good = good && cnn_sync_batch_norm_convert(group, frozen) == CNN_OK && cnn_module_get_mode(norm) == CNN_MODULE_EVALUATES;
    cnn_tape_begin(tape, CNN_TRAIN); /* by the running statistics 0 and 1 */
    good = good && cnn_tensor_read(cnn_forward(frozen, cnn_input(tape, x)), y, sizeof y) == CNN_OK && y[0] == 2e-3f && y[1] == -2e-3f;
    cnn_module_set_mode(norm, CNN_MODULE_FOLLOWS_STEP);
    cnn_tape_begin(tape, CNN_TRAIN); /* with eps 1e-5 it would be 0.53; with a momentum the variance would move */
    good = good && cnn_tensor_read(cnn_forward(frozen, cnn_input(tape, x)), y, sizeof y) == CNN_OK;
    good = good && fabsf(y[0] - 1) < 1e-5f && fabsf(y[1] + 1) < 1e-5f;
    good = good && cnn_tensor_read(cnn_module_find(frozen, "0.running_var"), &var, sizeof var) == CNN_OK && var == 1;
    out->status = good ? CNN_OK : CNN_ERROR_MISMATCH;
    snprintf(out->error, sizeof out->error, "%g %g %g: %s", y[0], y[1], var, cnn_last_error(ctx));
    cnn_tensor_free(x);
    cnn_tape_free(tape);
    cnn_module_free(net);
    cnn_module_free(frozen);
    cnn_module_free(foreign);
    cnn_context_free(other);
}

START_TEST(a_conversion_keeps_what_a_layer_is)
{
    run_all(1, 1, convert_some, NULL);
    ck_assert_msg(outcomes[0].status == CNN_OK, "%s", outcomes[0].error);
}
END_TEST

static void refuse(cnn_context *ctx, cnn_group *group, const void *with, outcome *out)
{
    static const struct { int ndim; int64_t shape[4]; bool two; const char *message; } bad[] = {
        { 2, { 4, C }, true, "sync_batch_norm2d: input has 2 dimensions and size 3 in dimension 1, expected [N,C,H,W] with C = 3" },
        { 4, { 4, C, 2, 2 }, false, "sync_batch_norm1d: input has 4 dimensions and size 3 in dimension 1, expected [N,C] or [N,C,L] with C = 3" },
        { 1, { 4 }, false, "sync_batch_norm1d: input has 1 dimensions and size 0 in dimension 1, expected [N,C] or [N,C,L] with C = 3" },
        { 3, { 4, C + 1, 2 }, false, "sync_batch_norm1d: input has 3 dimensions and size 4 in dimension 1, expected [N,C] or [N,C,L] with C = 3" },
        { 2, { 1, C }, false, "sync_batch_norm1d: one value per channel, expected two or more" },
    };
    (void)with;
    cnn_tape *tape = cnn_tape_new(ctx);
    for (int i = 0; i < 5 && out->status == CNN_OK; i++) {
        cnn_module *m = bad[i].two ? cnn_sync_batch_norm2d_create(group, C, NULL) : cnn_sync_batch_norm1d_create(group, C, NULL);
        cnn_tensor *x = cnn_tensor_zeros(ctx, CNN_F32, bad[i].ndim, bad[i].shape);
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_forward(m, cnn_input(tape, x));
        out->status = cnn_tape_status(tape) == CNN_ERROR_SHAPE && strstr(cnn_last_error(ctx), bad[i].message) ? CNN_OK : CNN_ERROR_STATE;
        snprintf(out->error, sizeof out->error, "%s", cnn_last_error(ctx));
        cnn_tensor_free(x);
        cnn_module_free(m);
    }
    bool refused = !cnn_sync_batch_norm1d_create(group, 0, NULL) && !cnn_sync_batch_norm1d_create(NULL, C, NULL);
    refused = refused && !cnn_sync_batch_norm1d_create(group, C, CNN_OPTIONS(cnn_batch_norm_options, .dtype = CNN_BF16));
    out->status = refused ? out->status : CNN_ERROR_STATE;
    cnn_tape_free(tape);
}

START_TEST(inputs_and_arguments_are_checked)
{
    run_all(1, 1, refuse, NULL);
    ck_assert_msg(outcomes[0].status == CNN_OK, "%s", outcomes[0].error);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("group_norm");
    TCase *all = suite_case(suite, "synchronised", setup, teardown);
    tcase_add_loop_test(all, options_are_those_of_the_plain_layer, 0, 2 * (int)(sizeof variants / sizeof *variants));
    tcase_add_test(all, a_network_is_converted);
    tcase_add_test(all, a_conversion_keeps_what_a_layer_is);
    tcase_add_test(all, inputs_and_arguments_are_checked);
    return suite_run(suite);
}
