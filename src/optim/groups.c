/* Groups of parameters: they are made with their moments, checked against the existing groups, and appended
 * completely or not at all. A parameter is in at most one group, and once. */
#include "optim/scratch.h"

#include <stdlib.h>
#include <string.h>

/* A group that is being made, and the names of its parameters for messages. */
typedef struct adding {
    cnn_optimizer *o;
    const char *call;
    const cnn_module *module; /* the module of the parameters; NULL: they were given as an array */
    cnn__group group;
} adding;

void cnn__group_clear(cnn_context *ctx, cnn__group *group)
{
    for (int i = 0; i < group->count; i++) {
        for (int k = 0; k < CNN__MAX_MOMENTS; k++) {
            cnn__tensor_release(group->slots[i].moment[k]);
        }
        cnn__tensor_release(group->slots[i].parameter);
    }
    cnn__tensor_release(group->scratch);
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
    if ((status = cnn__tensor_check_in_place(t, call)) != CNN_OK) {
        return status;
    }
    if (!cnn__dtype_is_full(t->dtype)) {
        return cnn__fail(o->ctx, CNN_ERROR_DTYPE, "%s: the tensor is %s, expected float32 or float64", call,
                         cnn_dtype_name(t->dtype));
    }
    if (t->ndim < o->class->min_ndim) {
        char shape[CNN__SHAPE_TEXT];
        return cnn__fail(o->ctx, CNN_ERROR_SHAPE,
                         "%s: a parameter is of shape %s, %s takes those of %d dimensions or more", call,
                         cnn__shape_text(shape, t->ndim, t->shape), o->class->name, o->class->min_ndim);
    }
    return CNN_OK;
}

/* Adds the parameter to the slot, with moments as they begin. */
static cnn_status slot_fill(const adding *a, cnn__slot *slot, cnn_tensor *parameter)
{
    const cnn_optimizer *o = a->o;
    cnn_status status = check_parameter(o, a->call, parameter);
    if (status != CNN_OK) {
        return status;
    }
    slot->parameter = cnn__tensor_retain(parameter);
    for (int k = 0; k < o->class->moment_count; k++) {
        if (!cnn__hyper_needs(o->class, a->group.hyper, k)) {
            continue;
        }
        bool number = o->class->numbers >> k & 1;
        cnn_tensor *m = cnn__tensor_new(o->ctx, a->call, number ? CNN_F64 : parameter->dtype,
                                        number ? 0 : parameter->ndim, parameter->shape);
        if (!m) {
            return CNN_ERROR_NO_MEMORY;
        }
        slot->moment[k] = m;
        if (cnn__fill(m, a->call, o->class->first ? o->class->first(a->group.hyper, k) : 0) != CNN_OK) {
            return cnn__failure_status();
        }
    }
    return CNN_OK;
}

/* The CPU updates parameters one after the other, so that the largest one says how much memory they share. A device may
 * carry out a part of all updates at once: there each parameter has memory of its own. */
static cnn_status group_make_scratch(adding *a)
{
    const cnn__optimizer_class *class = a->o->class;
    cnn__group *group = &a->group;
    size_t bytes = 0;
    for (int i = 0; class->scratch && i < group->count; i++) {
        const size_t needed = cnn__optim_part(class->scratch(group->slots[i].parameter));
        const size_t before = cnn__device_is_cpu(a->o->ctx) ? 0 : bytes;
        group->slots[i].scratch_at = before;
        bytes = before + needed > bytes ? before + needed : bytes;
    }
    if (bytes) {
        int64_t numbers = (int64_t)((bytes + sizeof(double) - 1) / sizeof(double));
        group->scratch = cnn__tensor_new(a->o->ctx, a->call, CNN_F64, 1, &numbers);
        if (!group->scratch) {
            return CNN_ERROR_NO_MEMORY;
        }
    }
    for (int i = 0; i < group->count; i++) {
        group->slots[i].scratch = group->scratch;
    }
    return CNN_OK;
}

/* ---- no parameter twice ---- */

/* The position of a parameter: number `place` in group `group`. Tensors that share elements are one parameter. */
typedef struct position {
    const cnn_tensor *parameter;
    int group, place;
} position;

static int by_parameter(const void *x, const void *y)
{
    const position *a = x, *b = y;
    uintptr_t p = (uintptr_t)a->parameter->storage, q = (uintptr_t)b->parameter->storage;
    if (p != q) {
        return p < q ? -1 : 1;
    }
    return a->group != b->group ? (a->group > b->group) - (a->group < b->group)
                                : (a->place > b->place) - (a->place < b->place);
}

/* The tensor that a walk over the module's state looks for, and its name. */
typedef struct groups_search {
    const cnn_tensor *wanted;
    char name[CNN__QUOTE];
} groups_search;

static bool is_wanted(const char *name, cnn_tensor *tensor, bool is_parameter, void *user)
{
    groups_search *s = user;
    (void)is_parameter;
    if (tensor == s->wanted) {
        cnn__quote(s->name, name, false);
    }
    return tensor != s->wanted;
}

/* Reports that the parameter at `second` is the same as that at `first`, by its name or, if that is not found, by
 * its shape. */
static cnn_status fail_twice(const adding *a, const position *first, const position *second)
{
    const cnn_context *ctx = a->o->ctx;
    const cnn_tensor *t = second->parameter;
    groups_search s = { .wanted = t };
    char shape[CNN__SHAPE_TEXT], what[CNN__QUOTE + CNN__SHAPE_TEXT + 32];
    cnn__shape_text(shape, t->ndim, t->shape);
    if (a->module) {
        cnn_module_visit(a->module, is_wanted, &s);
    }
    if (s.name[0]) {
        cnn__message(what, sizeof what, "\"%s\", of shape %s,", s.name, shape);
    } else {
        cnn__message(what, sizeof what, "parameters[%d], of shape %s,", second->place, shape);
    }
    if (first->group == second->group) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is parameters[%d] too, expected each once", a->call,
                         what, first->place);
    }
    return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is in group %d already, expected it in one group only",
                     a->call, what, first->group);
}

/* Sorts the positions, so that equal parameters are neighbours; the new group comes last. */
static cnn_status check_unique(const adding *a)
{
    const cnn_optimizer *o = a->o;
    size_t count = (size_t)a->group.count, n = 0;
    for (int g = 0; g < o->group_count; g++) {
        count += (size_t)o->groups[g].count;
    }
    position *all = cnn__alloc(o->ctx, count * sizeof *all);
    if (!all) {
        return cnn__fail_memory(o->ctx, a->call, count * sizeof *all);
    }
    for (int g = 0; g <= o->group_count; g++) {
        const cnn__group *group = g < o->group_count ? &o->groups[g] : &a->group;
        for (int i = 0; i < group->count; i++) {
            all[n++] = (position){ group->slots[i].parameter, g, i };
        }
    }
    qsort(all, count, sizeof *all, by_parameter);
    cnn_status status = CNN_OK;
    for (size_t i = 1; i < count && status == CNN_OK; i++) {
        if (all[i].parameter->storage == all[i - 1].parameter->storage) {
            status = fail_twice(a, &all[i - 1], &all[i]);
        }
    }
    cnn__free(o->ctx, all);
    return status;
}

/* ---- making and appending ---- */

static cnn_status append(const adding *a)
{
    cnn_optimizer *o = a->o;
    size_t count = (size_t)o->group_count + 1;
    cnn__group *groups = cnn__alloc(o->ctx, count * sizeof *groups);
    if (!groups) {
        return cnn__fail_memory(o->ctx, a->call, count * sizeof *groups);
    }
    if (o->groups) {
        memcpy(groups, o->groups, (count - 1) * sizeof *groups);
    }
    groups[count - 1] = a->group;
    cnn__free(o->ctx, o->groups);
    o->groups = groups;
    o->group_count++;
    return CNN_OK;
}

/* Fills the group, whose hyperparameters are set, with `count` slots. On failure it contains those that were made. */
static cnn_status group_fill(adding *a, cnn_tensor *const *parameters, int count)
{
    cnn_context *ctx = a->o->ctx;
    a->group.slots = cnn__calloc(ctx, (size_t)count, sizeof *a->group.slots);
    if (!a->group.slots) {
        return cnn__fail_memory(ctx, a->call, (size_t)count * sizeof *a->group.slots);
    }
    for (int i = 0; i < count; i++) {
        cnn_status status = slot_fill(a, &a->group.slots[a->group.count++], parameters[i]);
        if (status != CNN_OK) {
            return status;
        }
    }
    cnn_status status = check_unique(a);
    return status == CNN_OK ? group_make_scratch(a) : status;
}

/* Options that are not given are those of the first group, or those that the optimizer was made with. */
static cnn_status groups_read_options(const cnn_optimizer *o, const char *call, const void *options, double *hyper)
{
    cnn_status status = CNN_OK;
    if (options) {
        status = cnn__hyper_read(o->class, o->ctx, call, options, hyper);
    } else {
        memcpy(hyper, o->group_count ? o->groups[0].hyper : o->defaults, sizeof o->defaults);
    }
    return status == CNN_OK ? cnn__hyper_check(o->class, o->ctx, call, hyper) : status;
}

/* `count` is at least 1. */
static cnn_status groups_add_group(adding *a, cnn_tensor *const *parameters, int count, const void *options)
{
    cnn_status status = groups_read_options(a->o, a->call, options, a->group.hyper);
    if (status == CNN_OK) {
        status = group_fill(a, parameters, count);
    }
    if (status == CNN_OK) {
        status = append(a);
    }
    if (status != CNN_OK) {
        cnn__group_clear(a->o->ctx, &a->group);
    }
    return status;
}

cnn_status cnn__group_of_tensors(cnn_optimizer *o, const char *call, cnn_tensor *const *parameters, int count,
                                 const void *options)
{
    adding a = { .o = o, .call = call };
    return groups_add_group(&a, parameters, count, options);
}

/* ---- parameters of a module ---- */

/* The parameters that are trained and belong to the group: `count` of at most `room`, the number of all parameters. */
typedef struct choice {
    cnn_belongs_fn belongs; /* NULL: all */
    void *user;
    cnn_tensor **parameters;
    int count, frozen;
} choice;

static bool groups_choose(const char *name, cnn_tensor *tensor, bool is_parameter, void *user)
{
    choice *c = user;
    if (is_parameter && !tensor->requires_grad) {
        c->frozen++;
    } else if (is_parameter && (!c->belongs || c->belongs(name, tensor, c->user))) {
        c->parameters[c->count++] = tensor;
    }
    return true;
}

static cnn_status check_choice(const adding *a, const choice *c, int all)
{
    if (c->count > 0) {
        return CNN_OK;
    }
    return c->frozen == all ? cnn__fail(a->o->ctx, CNN_ERROR_INVALID_ARGUMENT,
                                        "%s: none of the module's %d parameters requires a gradient", a->call, all)
                            : cnn__fail(a->o->ctx, CNN_ERROR_INVALID_ARGUMENT,
                                        "%s: none of the module's %d parameters that require a gradient belongs to the "
                                        "group",
                                        a->call, all - c->frozen);
}

/* Frozen parameters are left out, because they have neither state nor updates. */
cnn_status cnn__group_of_module(cnn_optimizer *o, const char *call, const cnn_module *module, cnn_belongs_fn belongs,
                                void *user, const void *options)
{
    adding a = { .o = o, .call = call, .module = module };
    int all = cnn_module_parameter_count(module);
    if (all == 0) {
        return cnn__fail(o->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: the module has no parameters", call);
    }
    choice c = { .belongs = belongs, .user = user };
    c.parameters = cnn__alloc(o->ctx, (size_t)all * sizeof *c.parameters);
    if (!c.parameters) {
        return cnn__fail_memory(o->ctx, call, (size_t)all * sizeof *c.parameters);
    }
    cnn_status status = cnn_module_visit(module, groups_choose, &c) == CNN_OK
                            ? check_choice(&a, &c, all)
                            : cnn__fail(o->ctx, CNN_ERROR_NO_MEMORY, "%s: no memory for a parameter's name", call);
    if (status == CNN_OK) {
        status = groups_add_group(&a, c.parameters, c.count, options);
    }
    cnn__free(o->ctx, c.parameters);
    return status;
}
