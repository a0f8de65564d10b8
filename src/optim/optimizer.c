/* What all optimizers share: groups of parameters, their moments, and the step. A class provides the hyperparameters
 * and the formula.
 *
 * Everything that can fail happens when a group is added; a step only computes. */
#include "optim/optimizer.h"

#include "tensor/failed_step.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static cnn_status missing(const char *call)
{
    return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: optimizer is NULL", call);
}

/* ---- groups ---- */

static void group_clear(cnn_context *ctx, cnn__group *group)
{
    for (int i = 0; i < group->count; i++) {
        for (int k = 0; k < CNN__MAX_MOMENTS; k++) {
            cnn__tensor_release(group->slots[i].moment[k]);
        }
        cnn__tensor_release(group->slots[i].parameter);
    }
    cnn__free(ctx, group->slots);
    *group = (cnn__group){ .count = 0 };
}

static cnn_status check_parameter(const cnn_optimizer *o, const char *call, const cnn_tensor *t)
{
    cnn_status status = cnn__tensor_check(t, call);
    if (status != CNN_OK) {
        return status;
    }
    if (t->kind != CNN__TENSOR_PLAIN) {
        return cnn__fail(o->ctx, CNN_ERROR_STATE, "%s: the tensor belongs to a tape, expected a parameter", call);
    }
    if (t->ctx != o->ctx) {
        return cnn__fail(o->ctx, CNN_ERROR_STATE, "%s: the tensor is of another context than the optimizer", call);
    }
    if (!cnn__dtype_is_real(t->dtype)) {
        return cnn__fail(o->ctx, CNN_ERROR_DTYPE, "%s: the tensor is %s, expected float32 or float64", call,
                         cnn_dtype_name(t->dtype));
    }
    return CNN_OK;
}

/* Takes the parameter into the slot, with moments of zeros. */
static cnn_status slot_fill(const cnn_optimizer *o, const char *call, const cnn__group *group, cnn__slot *slot,
                            cnn_tensor *parameter)
{
    cnn_status status = check_parameter(o, call, parameter);
    if (status != CNN_OK) {
        return status;
    }
    slot->parameter = cnn__tensor_retain(parameter);
    for (int k = 0; k < o->class->moment_count; k++) {
        if (!o->class->needs(group->hyper, k)) {
            continue;
        }
        cnn_tensor *m = cnn__tensor_new(o->ctx, call, parameter->dtype, parameter->ndim, parameter->shape);
        if (!m) {
            return CNN_ERROR_NO_MEMORY;
        }
        slot->moment[k] = m;
        o->ctx->kernels->array->fill(m->dtype, m->numel, 0, cnn__data(m), o->ctx->pool);
    }
    return CNN_OK;
}

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t) * (cnn_tensor *const *)a, y = (uintptr_t) * (cnn_tensor *const *)b;
    return x < y ? -1 : x > y;
}

/* A parameter may be in one group only, and there once: neighbours after sorting show it. */
static cnn_status check_unique(const cnn_optimizer *o, const char *call, const cnn__group *added)
{
    size_t count = (size_t)added->count, n = 0;
    for (int g = 0; g < o->group_count; g++) {
        count += (size_t)o->groups[g].count;
    }
    cnn_tensor **all = cnn__alloc(o->ctx, count * sizeof *all);
    if (!all) {
        return cnn__fail_memory(o->ctx, call, count * sizeof *all);
    }
    for (int g = 0; g <= o->group_count; g++) {
        const cnn__group *group = g < o->group_count ? &o->groups[g] : added;
        for (int i = 0; i < group->count; i++) {
            all[n++] = group->slots[i].parameter;
        }
    }
    qsort(all, count, sizeof *all, by_address);
    bool unique = true;
    char text[CNN__SHAPE_TEXT] = "";
    for (size_t i = 1; i < count && unique; i++) {
        unique = all[i] != all[i - 1];
        if (!unique) {
            cnn__shape_text(text, all[i]->ndim, all[i]->shape);
        }
    }
    cnn__free(o->ctx, all);
    return unique ? CNN_OK
                  : cnn__fail(o->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: the parameter of shape %s is given twice", call,
                              text);
}

static cnn_status append(cnn_optimizer *o, const char *call, const cnn__group *group)
{
    size_t count = (size_t)o->group_count + 1;
    cnn__group *groups = cnn__alloc(o->ctx, count * sizeof *groups);
    if (!groups) {
        return cnn__fail_memory(o->ctx, call, count * sizeof *groups);
    }
    if (o->groups) {
        memcpy(groups, o->groups, (count - 1) * sizeof *groups);
    }
    groups[count - 1] = *group;
    cnn__free(o->ctx, o->groups);
    o->groups = groups;
    o->group_count++;
    return CNN_OK;
}

/* Fills `group`, whose numbers are set, with `count` slots; what it has got is in it also on failure. */
static cnn_status group_fill(cnn_optimizer *o, const char *call, cnn__group *group, cnn_tensor *const *parameters,
                             int count)
{
    group->slots = cnn__calloc(o->ctx, (size_t)count, sizeof *group->slots);
    if (!group->slots) {
        return cnn__fail_memory(o->ctx, call, (size_t)count * sizeof *group->slots);
    }
    for (int i = 0; i < count; i++) {
        cnn__slot *slot = &group->slots[group->count++];
        cnn_status status = slot_fill(o, call, group, slot, parameters[i]);
        if (status != CNN_OK) {
            return status;
        }
    }
    return check_unique(o, call, group);
}

static cnn_status add_group(cnn_optimizer *o, const char *call, cnn_tensor *const *parameters, int count,
                            const void *options)
{
    cnn__group group = { .count = 0 };
    cnn_status status = CNN_OK;
    if (o->group_count && !options) {
        memcpy(group.hyper, o->groups[0].hyper, sizeof group.hyper);
    } else {
        status = o->class->read(o->ctx, call, options, group.hyper);
    }
    if (status == CNN_OK) {
        status = o->class->check(o->ctx, call, group.hyper);
    }
    if (status == CNN_OK) {
        status = group_fill(o, call, &group, parameters, count);
    }
    if (status == CNN_OK) {
        status = append(o, call, &group);
    }
    if (status != CNN_OK) {
        group_clear(o->ctx, &group);
    }
    return status;
}

/* ---- life ---- */

/* A group of the module's parameters but for the frozen ones, which are to have no state and no updates. */
static cnn_status add_module(cnn_optimizer *o, cnn_module *module, const void *options)
{
    const char *call = o->class->call;
    int count = cnn_module_parameter_count(module), trained = 0;
    if (count == 0) {
        return cnn__fail(o->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: the module has no parameters", call);
    }
    cnn_tensor **parameters = cnn__alloc(o->ctx, (size_t)count * sizeof *parameters);
    if (!parameters) {
        return cnn__fail_memory(o->ctx, call, (size_t)count * sizeof *parameters);
    }
    cnn_module_parameters(module, parameters, count);
    for (int i = 0; i < count; i++) {
        if (parameters[i]->requires_grad) {
            parameters[trained++] = parameters[i];
        }
    }
    cnn_status status = trained > 0
                            ? add_group(o, call, parameters, trained, options)
                            : cnn__fail(o->ctx, CNN_ERROR_INVALID_ARGUMENT,
                                        "%s: none of the module's %d parameters requires a gradient", call, count);
    cnn__free(o->ctx, parameters);
    return status;
}

cnn_optimizer *cnn__optimizer_new(cnn_module *module, const cnn__optimizer_class *class, const void *options)
{
    if (!module) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: module is NULL", class->call);
        return NULL;
    }
    cnn_context *ctx = cnn_module_context(module);
    cnn_optimizer *o = cnn__calloc(ctx, 1, sizeof *o);
    if (!o) {
        cnn__fail_memory(ctx, class->call, sizeof *o);
        return NULL;
    }
    o->ctx = cnn__context_retain(ctx);
    o->class = class;
    if (add_module(o, module, options) != CNN_OK) {
        cnn_optimizer_free(o);
        return NULL;
    }
    return o;
}

cnn_status cnn__optimizer_add_group(cnn_optimizer *optimizer, const cnn__optimizer_class *class, const char *call,
                                    cnn_tensor *const *parameters, int count, const void *options)
{
    if (!optimizer) {
        return missing(call);
    }
    if (optimizer->class != class) {
        return cnn__fail(optimizer->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: the optimizer is %s, expected %s", call,
                         optimizer->class->name, class->name);
    }
    if (count < 1 || !parameters) {
        return cnn__fail(optimizer->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s", call,
                         parameters ? "count is less than 1" : "parameters is NULL");
    }
    return add_group(optimizer, call, parameters, count, options);
}

void cnn_optimizer_free(cnn_optimizer *optimizer)
{
    if (!optimizer) {
        return;
    }
    cnn_context *ctx = optimizer->ctx;
    for (int g = 0; g < optimizer->group_count; g++) {
        group_clear(ctx, &optimizer->groups[g]);
    }
    cnn__free(ctx, optimizer->groups);
    cnn__free(ctx, optimizer);
    cnn__context_release(ctx);
}

/* ---- steps ---- */

cnn_status cnn_optimizer_zero_grad(cnn_optimizer *optimizer)
{
    if (!optimizer) {
        return missing("optimizer_zero_grad");
    }
    for (int g = 0; g < optimizer->group_count; g++) {
        for (int i = 0; i < optimizer->groups[g].count; i++) {
            cnn__tensor_grad_clear(optimizer->groups[g].slots[i].parameter);
        }
    }
    return CNN_OK;
}

/* The first error of a step that a parameter took part in: its gradients cannot be trusted. */
static cnn_status check_steps(const cnn_optimizer *o)
{
    for (int g = 0; g < o->group_count; g++) {
        for (int i = 0; i < o->groups[g].count; i++) {
            cnn_status status = cnn__failed_step_check(o->groups[g].slots[i].parameter);
            if (status != CNN_OK) {
                return status;
            }
        }
    }
    return CNN_OK;
}

cnn_status cnn_optimizer_step(cnn_optimizer *optimizer)
{
    if (!optimizer) {
        return missing("optimizer_step");
    }
    cnn_status status = check_steps(optimizer);
    if (status != CNN_OK) {
        return status;
    }
    for (int g = 0; g < optimizer->group_count; g++) {
        const cnn__group *group = &optimizer->groups[g];
        for (int i = 0; i < group->count; i++) {
            cnn__slot *slot = &group->slots[i];
            const cnn_tensor *grad = slot->parameter->requires_grad ? cnn__tensor_grad_read(slot->parameter) : NULL;
            if (grad) {
                slot->steps++;
                cnn__tensor_written(slot->parameter);
                optimizer->class->update(group->hyper, slot, grad);
            }
        }
    }
    optimizer->steps++;
    return CNN_OK;
}

/* ---- numbers ---- */

int cnn_optimizer_group_count(const cnn_optimizer *optimizer)
{
    if (!optimizer) {
        missing("optimizer_group_count");
        return 0;
    }
    return optimizer->group_count;
}

static cnn_status check_group(const cnn_optimizer *o, const char *call, int group)
{
    if (!o) {
        return missing(call);
    }
    if (group < 0 || group >= o->group_count) {
        return cnn__fail(o->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: there is no group %d, expected 0 to %d", call, group,
                         o->group_count - 1);
    }
    return CNN_OK;
}

double cnn_optimizer_lr(const cnn_optimizer *optimizer, int group)
{
    return check_group(optimizer, "optimizer_lr", group) == CNN_OK ? optimizer->groups[group].hyper[0] : (double)NAN;
}

cnn_status cnn_optimizer_set_lr(cnn_optimizer *optimizer, int group, double lr)
{
    const char *call = "optimizer_set_lr";
    cnn_status status = check_group(optimizer, call, group == -1 ? 0 : group);
    if (status != CNN_OK) {
        return status;
    }
    if (!(lr >= 0) || isinf(lr)) {
        return cnn__fail(optimizer->ctx, CNN_ERROR_INVALID_ARGUMENT,
                         "%s: lr is %s, expected a finite number of at least 0", call, CNN__G(lr));
    }
    for (int g = 0; g < optimizer->group_count; g++) {
        if (group == -1 || g == group) {
            optimizer->groups[g].hyper[0] = cnn__option(lr, 0);
        }
    }
    return CNN_OK;
}

int64_t cnn_optimizer_step_count(const cnn_optimizer *optimizer)
{
    if (!optimizer) {
        missing("optimizer_step_count");
        return 0;
    }
    return optimizer->steps;
}
