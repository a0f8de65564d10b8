/* What all optimizers share: their life and the step. A class brings the numbers and the formula.
 *
 * Whatever can fail happens when a group is added (groups.c); a step only computes. */
#include "optim/optimizer.h"

#include "tensor/failed_step.h"

#include <string.h>

static cnn_status optimizer_missing(const char *call)
{
    return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: optimizer is NULL", call);
}

/* ---- life ---- */

/* Without a group yet. */
static cnn_optimizer *new_optimizer(cnn_context *ctx, const cnn__optimizer_class *class, const char *call,
                                    const void *options)
{
    double defaults[CNN__MAX_HYPER] = { 0 };
    if (cnn__hyper_read(class, ctx, call, options, defaults) != CNN_OK ||
        cnn__hyper_check(class, ctx, call, defaults) != CNN_OK) {
        return NULL;
    }
    cnn_optimizer *o = cnn__calloc(ctx, 1, sizeof *o);
    if (!o) {
        cnn__fail_memory(ctx, call, sizeof *o);
        return NULL;
    }
    o->ctx = cnn__context_retain(ctx);
    cnn__references_init(&o->references);
    o->class = class;
    memcpy(o->defaults, defaults, sizeof defaults);
    return o;
}

/* `o`, or NULL if what was done to it failed. */
static cnn_optimizer *finish(cnn_optimizer *o, cnn_status status)
{
    if (status == CNN_OK) {
        return o;
    }
    cnn_optimizer_free(o);
    return NULL;
}

cnn_optimizer *cnn__optimizer_new(cnn_module *module, const cnn__optimizer_class *class, const char *call,
                                  const void *options)
{
    if (!module) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: module is NULL", call);
        return NULL;
    }
    cnn_optimizer *o = new_optimizer(cnn_module_context(module), class, call, options);
    return o ? finish(o, cnn__group_of_module(o, call, module, NULL, NULL, NULL)) : NULL;
}

static cnn_status check_list(const cnn_context *ctx, const char *call, cnn_tensor *const *parameters, int count,
                             int least)
{
    if (count < least) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: count is %d, expected at least %d", call, count, least);
    }
    return count == 0 || parameters ? CNN_OK
                                    : cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: parameters is NULL", call);
}

cnn_optimizer *cnn__optimizer_new_for(cnn_context *ctx, const cnn__optimizer_class *class, const char *call,
                                      cnn_tensor *const *parameters, int count, const void *options)
{
    if (!ctx) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: ctx is NULL", call);
        return NULL;
    }
    if (check_list(ctx, call, parameters, count, 0) != CNN_OK) {
        return NULL;
    }
    cnn_optimizer *o = new_optimizer(ctx, class, call, options);
    return o ? finish(o, count ? cnn__group_of_tensors(o, call, parameters, count, NULL) : CNN_OK) : NULL;
}

static cnn_status check_class(const cnn_optimizer *optimizer, const cnn__optimizer_class *class, const char *call)
{
    if (!optimizer) {
        return optimizer_missing(call);
    }
    return optimizer->class == class ? CNN_OK
                                     : cnn__fail(optimizer->ctx, CNN_ERROR_INVALID_ARGUMENT,
                                                 "%s: the optimizer is %s, expected %s", call, optimizer->class->name,
                                                 class->name);
}

cnn_status cnn__optimizer_add_group(cnn_optimizer *optimizer, const cnn__optimizer_class *class, const char *call,
                                    cnn_tensor *const *parameters, int count, const void *options)
{
    cnn_status status = check_class(optimizer, class, call);
    if (status == CNN_OK) {
        CNN__KNOWN(optimizer != NULL);
        status = check_list(optimizer->ctx, call, parameters, count, 1);
    }
    return status == CNN_OK ? cnn__group_of_tensors(optimizer, call, parameters, count, options) : status;
}

cnn_status cnn__optimizer_add_group_where(cnn_optimizer *optimizer, const cnn__optimizer_class *class, const char *call,
                                          const cnn_module *module, cnn_belongs_fn belongs, void *user,
                                          const void *options)
{
    cnn_status status = check_class(optimizer, class, call);
    if (status != CNN_OK) {
        return status;
    }
    CNN__KNOWN(optimizer != NULL);
    if (!module || !belongs) {
        return cnn__fail(optimizer->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", call,
                         module ? "belongs" : "module");
    }
    return cnn__group_of_module(optimizer, call, module, belongs, user, options);
}

cnn_optimizer *cnn__optimizer_retain(cnn_optimizer *optimizer)
{
    cnn__references_add(&optimizer->references);
    return optimizer;
}

void cnn_optimizer_free(cnn_optimizer *optimizer)
{
    if (!optimizer || !cnn__references_drop(&optimizer->references)) {
        return;
    }
    cnn_context *ctx = optimizer->ctx;
    for (int g = 0; g < optimizer->group_count; g++) {
        cnn__group_clear(ctx, &optimizer->groups[g]);
    }
    cnn__free(ctx, optimizer->groups);
    cnn__free(ctx, optimizer);
    cnn__context_release(ctx);
}

/* ---- steps ---- */

cnn_status cnn_optimizer_zero_grad(cnn_optimizer *optimizer)
{
    if (!optimizer) {
        return optimizer_missing("optimizer_zero_grad");
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

void cnn__optimizer_settle(cnn_optimizer *o)
{
    bool lost = cnn__device_lost(o->ctx, o->launched);
    for (int g = 0; lost && g < o->group_count; g++) {
        for (int i = 0; i < o->groups[g].count; i++) {
            cnn__slot *slot = &o->groups[g].slots[i];
            slot->steps -= cnn__device_lost(o->ctx, slot->launched);
            slot->launched = 0;
        }
    }
    o->steps -= lost;
    o->launched = lost ? 0 : o->launched;
}

/* On a device at most one step is under way, so that there is one to take back if it is lost. */
static cnn_status wait_for_last(cnn_optimizer *o)
{
    cnn_status status = o->launched ? cnn__device_wait(o->ctx, "optimizer_step", o->launched) : CNN_OK;
    cnn__optimizer_settle(o);
    return status;
}

static cnn_status optimizer_update(const cnn_optimizer *o, const cnn__group *group, cnn__slot *slot, int phase)
{
    const cnn_tensor *grad = slot->parameter->requires_grad ? cnn__tensor_grad_read(slot->parameter) : NULL;
    if (!grad) {
        return CNN_OK;
    }
    if (phase == 0) {
        slot->steps++;
        cnn__tensor_written(slot->parameter);
    }
    cnn_status status = o->class->update(group->hyper, slot, grad, phase);
    slot->launched = cnn__device_number(o->ctx);
    return status;
}

static cnn_status update_group(const cnn_optimizer *o, const cnn__group *group)
{
    const bool cpu = cnn__device_is_cpu(o->ctx);
    const int phases = o->class->phases ? o->class->phases(group->hyper) : 1, count = group->count;
    cnn_status status = CNN_OK;
    for (int i = 0; i < count * phases && status == CNN_OK; i++) {
        status = optimizer_update(o, group, &group->slots[cpu ? i / phases : i % count], cpu ? i % phases : i / count);
    }
    return status;
}

cnn_status cnn_optimizer_step(cnn_optimizer *optimizer)
{
    if (!optimizer) {
        return optimizer_missing("optimizer_step");
    }
    cnn_status status = wait_for_last(optimizer);
    if (status == CNN_OK) {
        status = check_steps(optimizer);
    }
    if (status != CNN_OK) {
        return status;
    }
    optimizer->steps++;
    for (int g = 0; g < optimizer->group_count && status == CNN_OK; g++) {
        status = update_group(optimizer, &optimizer->groups[g]);
    }
    optimizer->launched = cnn__device_number(optimizer->ctx);
    return status;
}

/* ---- numbers ---- */

int cnn_optimizer_group_count(const cnn_optimizer *optimizer)
{
    if (!optimizer) {
        optimizer_missing("optimizer_group_count");
        return 0;
    }
    return optimizer->group_count;
}

int64_t cnn_optimizer_step_count(const cnn_optimizer *optimizer)
{
    if (!optimizer) {
        optimizer_missing("optimizer_step_count");
        return 0;
    }
    cnn__optimizer_settle((cnn_optimizer *)(uintptr_t)optimizer);
    return optimizer->steps;
}
