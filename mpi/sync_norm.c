/* Batch normalisation over the samples of all processes: two sums over the group within forward, as operations whose
 * gradient is the sum of gradients over the group. The rest follows by differentiation. */
#include "internal.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Which inputs a layer takes: [N,C,H,W]; or [N,C] and [N,C,L]. */
typedef struct sync_form {
    const char *call, *expected;
    int least, most; /* dimensions */
    cnn_module *(*plain)(cnn_context *ctx, int64_t channels, const cnn_batch_norm_options *options);
} sync_form;

static const sync_form one_dimension = { "sync_batch_norm1d", "[N,C] or [N,C,L]", 2, 3, cnn_batch_norm1d_create };
static const sync_form two_dimensions = { "sync_batch_norm2d", "[N,C,H,W]", 4, 4, cnn_batch_norm2d_create };

typedef struct sync_norm {
    const sync_form *form;
    cnn_group *group;
    int64_t channels;
    cnn_batch_norm_options o;
    cnn_tensor *weight, *bias, *mean, *var, *count; /* the module's; NULL where the options leave them out */
} sync_norm;

/* ---- the sum over the group as an operation ---- */

static cnn_status infer_sum(const cnn_tensor *const *inputs, int count, cnn_dtype *dtype, int *ndim, int64_t *shape,
                            void *user)
{
    (void)count;
    (void)user;
    *dtype = cnn_tensor_dtype(inputs[0]);
    *ndim = cnn_tensor_ndim(inputs[0]);
    memcpy(shape, cnn_tensor_shape(inputs[0]), (size_t)*ndim * sizeof *shape);
    return CNN_OK;
}

static cnn_status sum_over_group(cnn_group *group, const cnn_tensor *from, cnn_tensor *to)
{
    int64_t count = cnn_tensor_numel(from);
    size_t bytes = (size_t)count * cnn_dtype_size(cnn_tensor_dtype(from));
    void *elements = malloc(bytes + 1);
    if (!elements) {
        return cnn__mpi_fail(group->ctx, CNN_ERROR_NO_MEMORY, "sync_batch_norm: no memory for %zu bytes", bytes);
    }
    cnn_status status = cnn_tensor_read(from, elements, bytes);
    status = status == CNN_OK ? cnn_group_allreduce(group, elements, count, cnn_tensor_dtype(from)) : status;
    status = status == CNN_OK ? cnn_tensor_write(to, elements, bytes) : status;
    free(elements);
    return status;
}

static cnn_status forward_sum(const cnn_tensor *const *inputs, int count, cnn_tensor *output, void *user)
{
    (void)count;
    return sum_over_group(user, inputs[0], output);
}

static cnn_status backward_sum(const cnn_tensor *const *inputs, int count, const cnn_tensor *output,
                               const cnn_tensor *grad_output, cnn_tensor *const *grad_inputs, void *user)
{
    (void)inputs;
    (void)count;
    (void)output;
    return grad_inputs[0] ? sum_over_group(user, grad_output, grad_inputs[0]) : CNN_OK;
}

static cnn_tensor *group_sum(cnn_group *group, cnn_tensor *x)
{
    static const cnn_custom_op op = { .struct_size = sizeof op,
                                      .name = "group_sum",
                                      .infer = infer_sum,
                                      .forward = forward_sum,
                                      .backward = backward_sum };
    return cnn_custom(&op, &x, 1, group);
}

/* ---- running statistics ---- */

static double element(const void *elements, cnn_dtype dtype, int64_t i)
{
    return dtype == CNN_F64 ? ((const double *)elements)[i] : (double)((const float *)elements)[i];
}

/* running = (1 − momentum) · running + momentum · factor · new */
static cnn_status move(cnn_tape *tape, const sync_norm *m, cnn_tensor *running, const cnn_tensor *new, double momentum,
                       double factor)
{
    size_t bytes = (size_t)m->channels * cnn_dtype_size(m->o.dtype);
    char *old = malloc(2 * bytes), *now = old ? old + bytes : NULL;
    cnn_status status = old ? cnn_tape_protect(tape, running) : CNN_ERROR_NO_MEMORY;
    status = status == CNN_OK ? cnn_tensor_read(running, old, bytes) : status;
    status = status == CNN_OK ? cnn_tensor_read(new, now, bytes) : status;
    for (int64_t i = 0; i < m->channels && status == CNN_OK; i++) {
        double value = (1 - momentum) * element(old, m->o.dtype, i) + momentum * factor * element(now, m->o.dtype, i);
        if (m->o.dtype == CNN_F64) {
            ((double *)(void *)old)[i] = value;
        } else {
            ((float *)(void *)old)[i] = (float)value;
        }
    }
    status = status == CNN_OK ? cnn_tensor_write(running, old, bytes) : status;
    free(old);
    return status;
}

static cnn_status move_statistics(cnn_tape *tape, const sync_norm *m, const cnn_tensor *mean, const cnn_tensor *var,
                                  int64_t total)
{
    int64_t batches = cnn_tensor_item_i64(m->count) + 1;
    double momentum = m->o.cumulative ? 1 / (double)batches : m->o.momentum;
    cnn_status status = cnn_tape_protect(tape, m->count);
    status = status == CNN_OK ? cnn_tensor_write(m->count, &batches, sizeof batches) : status;
    status = status == CNN_OK ? move(tape, m, m->mean, mean, momentum, 1) : status;
    return status == CNN_OK ? move(tape, m, m->var, var, momentum, (double)total / (double)(total - 1)) : status;
}

/* ---- the module ---- */

/* The sum over all samples of all processes, per channel. */
static cnn_tensor *sum_of_channels(const sync_norm *m, cnn_tensor *x)
{
    static const int dims[] = { 0, 2, 3 };
    return group_sum(m->group, cnn_sum(x, cnn_tensor_ndim(x) - 1, dims, true));
}

static cnn_tensor *normalise(const sync_norm *m, cnn_tensor *x)
{
    const int64_t per_channel[] = { 1, m->channels, 1, 1 };
    const int ndim = cnn_tensor_ndim(x);
    cnn_tape *tape = cnn_tensor_tape(x);
    int64_t total = cnn_tensor_numel(x) / m->channels;
    cnn_status status = cnn_group_allreduce(m->group, &total, 1, CNN_I64);
    if (status != CNN_OK || total < 2) {
        cnn__mpi_fail(m->group->ctx, status != CNN_OK ? status : CNN_ERROR_SHAPE, "%s: %s", m->form->call,
                      status != CNN_OK ? m->group->reason : "one value per channel, expected two or more");
        return NULL;
    }
    cnn_tensor *mean = cnn_mul_scalar(sum_of_channels(m, x), 1 / (double)total);
    cnn_tensor *centred = cnn_sub(x, mean);
    cnn_tensor *var = cnn_mul_scalar(sum_of_channels(m, cnn_square(centred)), 1 / (double)total);
    cnn_tensor *y = cnn_mul(centred, cnn_rsqrt(cnn_add_scalar(var, m->o.eps)));
    if (m->weight) {
        y = cnn_add(cnn_mul(y, cnn_reshape(m->weight, ndim, per_channel)), cnn_reshape(m->bias, ndim, per_channel));
    }
    if (cnn_tape_status(tape) == CNN_OK && m->mean && move_statistics(tape, m, mean, var, total) != CNN_OK) {
        return NULL;
    }
    return y;
}

static cnn_status forward(cnn_module *self, cnn_tensor *const *inputs, int input_count, cnn_tensor **outputs,
                          int output_count, void *user)
{
    const sync_norm *m = user;
    cnn_context *ctx = m->group->ctx;
    (void)self;
    if (input_count != 1 || output_count != 1) {
        return cnn__mpi_fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: takes and returns one tensor", m->form->call);
    }
    cnn_tensor *x = inputs[0];
    if (cnn_tensor_ndim(x) < m->form->least || cnn_tensor_ndim(x) > m->form->most ||
        cnn_tensor_size(x, 1) != m->channels) {
        return cnn__mpi_fail(
            ctx, CNN_ERROR_SHAPE, "%s: input has %d dimensions and size %lld in dimension 1, expected %s with C = %lld",
            m->form->call, cnn_tensor_ndim(x), cnn_tensor_ndim(x) > 1 ? (long long)cnn_tensor_size(x, 1) : 0LL,
            m->form->expected, (long long)m->channels);
    }
    cnn_batch_norm_options o = m->o; /* in which 0 is the default */
    o.eps = o.eps > 0 ? o.eps : CNN_ZERO;
    outputs[0] = cnn_tape_training(cnn_tensor_tape(x)) ? normalise(m, x)
                                                       : cnn_batch_norm(x, m->weight, m->bias, m->mean, m->var, &o);
    return outputs[0] ? cnn_tape_status(cnn_tensor_tape(x)) : cnn_context_status(ctx);
}

bool cnn__has_sync_norm(const cnn_module *module)
{
    bool found = cnn_module_user(module, forward) != NULL;
    for (int i = 0; i < cnn_module_child_count(module) && !found; i++) {
        found = cnn__has_sync_norm(cnn_module_child(module, i, NULL));
    }
    return found;
}

static cnn_status add_state(cnn_context *ctx, cnn_module *self, sync_norm *m)
{
    cnn_dtype dtype = m->o.dtype;
    int64_t c = m->channels;
    bool ok = true;
    if (!m->o.no_affine) {
        m->weight = cnn_module_add_parameter(self, "weight", cnn_tensor_full(ctx, dtype, 1, CNN_SHAPE(c)));
        m->bias = cnn_module_add_parameter(self, "bias", cnn_tensor_full(ctx, dtype, CNN_ZERO, CNN_SHAPE(c)));
        ok = m->weight && m->bias;
    }
    if (ok && !m->o.no_running) {
        m->mean = cnn_module_add_buffer(self, "running_mean", cnn_tensor_full(ctx, dtype, CNN_ZERO, CNN_SHAPE(c)));
        m->var = cnn_module_add_buffer(self, "running_var", cnn_tensor_full(ctx, dtype, 1, CNN_SHAPE(c)));
        m->count =
            cnn_module_add_buffer(self, "num_batches_tracked", cnn_tensor_full(ctx, CNN_I64, CNN_ZERO, CNN_SCALAR));
        ok = m->mean && m->var && m->count;
    }
    return ok ? CNN_OK : cnn_context_status(ctx);
}

/* The tensors of a module by their names; those that the options leave out are NULL. */
static void find_state(sync_norm *m, const cnn_module *module)
{
    m->weight = m->o.no_affine ? NULL : cnn_module_find(module, "weight");
    m->bias = m->o.no_affine ? NULL : cnn_module_find(module, "bias");
    m->mean = m->o.no_running ? NULL : cnn_module_find(module, "running_mean");
    m->var = m->o.no_running ? NULL : cnn_module_find(module, "running_var");
    m->count = m->o.no_running ? NULL : cnn_module_find(module, "num_batches_tracked");
}

static cnn_status clone_user(cnn_module *copy, void *user, void **copied)
{
    const sync_norm *m = user;
    sync_norm *n = malloc(sizeof *n);
    if (!n) {
        return CNN_ERROR_NO_MEMORY;
    }
    *n = *m;
    find_state(n, copy);
    *copied = n;
    return CNN_OK;
}

/* Defaults as the plain layer has them; its constructor checks the rest. */
static cnn_status read_options(const sync_form *form, cnn_group *group, int64_t channels,
                               const cnn_batch_norm_options *options, cnn_batch_norm_options *o)
{
    cnn_status status = cnn__mpi_options_read(group->ctx, form->call, o, sizeof *o,
                                              offsetof(cnn_batch_norm_options, reserved), options);
    if (status != CNN_OK) {
        return status;
    }
    cnn_module *plain = form->plain(group->ctx, channels, o);
    if (!plain) {
        return cnn_context_status(group->ctx);
    }
    cnn_module_free(plain);
    o->momentum = o->momentum == CNN_ZERO ? 0 : o->momentum > 0 ? o->momentum : 0.1;
    o->eps = o->eps == CNN_ZERO ? 0 : o->eps > 0 ? o->eps : 1e-5;
    if (o->dtype != CNN_F32 && o->dtype != CNN_F64) {
        return cnn__mpi_fail(group->ctx, CNN_ERROR_DTYPE, "%s: dtype %s, expected float32 or float64", form->call,
                             cnn_dtype_name(o->dtype));
    }
    return CNN_OK;
}

/* A module without state of its own. */
static cnn_module *make(const sync_norm *like)
{
    cnn_context *ctx = like->group->ctx;
    sync_norm *m = malloc(sizeof *m);
    if (!m) {
        cnn__mpi_fail(ctx, CNN_ERROR_NO_MEMORY, "%s: no memory", like->form->call);
        return NULL;
    }
    *m = *like;
    const cnn_module_options made = { .struct_size = sizeof made,
                                      .type = "SyncBatchNorm",
                                      .forward_many = forward,
                                      .user = m,
                                      .free_user = free,
                                      .clone_user = clone_user };
    return cnn_module_create(ctx, &made);
}

static cnn_module *create(const sync_form *form, cnn_group *group, int64_t channels,
                          const cnn_batch_norm_options *options)
{
    cnn_batch_norm_options o;
    if (!group) {
        cnn__mpi_fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: group is NULL", form->call);
        return NULL;
    }
    if (read_options(form, group, channels, options, &o) != CNN_OK) {
        return NULL;
    }
    const sync_norm m = { .form = form, .group = group, .channels = channels, .o = o };
    cnn_module *self = make(&m);
    if (self && add_state(group->ctx, self, cnn_module_user(self, forward)) != CNN_OK) {
        cnn_module_free(self);
        return NULL;
    }
    return self;
}

cnn_module *cnn_sync_batch_norm1d_create(cnn_group *group, int64_t channels, const cnn_batch_norm_options *options)
{
    return create(&one_dimension, group, channels, options);
}

cnn_module *cnn_sync_batch_norm2d_create(cnn_group *group, int64_t channels, const cnn_batch_norm_options *options)
{
    return create(&two_dimensions, group, channels, options);
}

/* ---- those of a whole network ---- */

/* What the constructor of a plain layer was told, which a module says of itself alone. Returns whether it is one. */
static bool read_plain(const cnn_module *module, sync_norm *m)
{
    static const char pattern[] = "%15[^(](%lld, eps=%lf, momentum=%31[^,], affine=%7[^,], track_running_stats=%7[^)])";
    char text[256], type[16] = "", momentum[32], affine[8], tracks[8];
    long long channels = 0;
    locale_t plain = newlocale(LC_NUMERIC_MASK, "C", 0),
             before = plain ? uselocale(plain) : 0; /* numbers have points */
    bool known = cnn_module_format(module, text, sizeof text) < sizeof text &&
                 sscanf(text, pattern, type, &channels, &m->o.eps, momentum, affine, tracks) == 6 &&
                 (strcmp(type, "BatchNorm1d") == 0 || strcmp(type, "BatchNorm2d") == 0);
    if (known) {
        m->form = strcmp(type, "BatchNorm1d") == 0 ? &one_dimension : &two_dimensions;
        m->channels = channels;
        m->o.cumulative = strcmp(momentum, "None") == 0;
        m->o.momentum = m->o.cumulative ? 0 : strtod(momentum, NULL);
        m->o.no_affine = strcmp(affine, "True") != 0;
        m->o.no_running = strcmp(tracks, "True") != 0;
    }
    if (plain) {
        uselocale(before);
        freelocale(plain);
    }
    return known;
}

static cnn_status convert(cnn_group *group, cnn_module *module, bool only_checks)
{
    sync_norm m = { .group = group, .o = { .struct_size = sizeof m.o } };
    cnn_status status = CNN_OK;
    if (cnn_module_child_count(module) == 0 && read_plain(module, &m)) {
        find_state(&m, module);
        const cnn_tensor *any = m.weight ? m.weight : m.mean;
        m.o.dtype = any ? cnn_tensor_dtype(any) : CNN_F32;
        if (m.o.dtype != CNN_F32 && m.o.dtype != CNN_F64) {
            return cnn__mpi_fail(group->ctx, CNN_ERROR_DTYPE,
                                 "sync_batch_norm_convert: a %s has dtype %s, expected float32 or float64",
                                 cnn_module_type(module), cnn_dtype_name(m.o.dtype));
        }
        cnn_module *made = only_checks ? NULL : make(&m);
        if (only_checks || !made) {
            return only_checks ? CNN_OK : cnn_context_status(group->ctx);
        }
        return cnn_module_become(module, made);
    }
    for (int i = 0; i < cnn_module_child_count(module) && status == CNN_OK; i++) {
        status = convert(group, cnn_module_child(module, i, NULL), only_checks);
    }
    return status;
}

cnn_status cnn_sync_batch_norm_convert(cnn_group *group, cnn_module *module)
{
    static const char call[] = "sync_batch_norm_convert";
    if (!group || !module) {
        return cnn__mpi_fail(group ? group->ctx : NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", call,
                             group ? "module" : "group");
    }
    if (cnn_module_context(module) != group->ctx) {
        return cnn__mpi_fail(group->ctx, CNN_ERROR_STATE, "%s: the module is of another context than the group", call);
    }
    cnn_status status = convert(group, module, true);
    return status == CNN_OK ? convert(group, module, false) : status;
}
