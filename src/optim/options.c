/* Hyperparameters: taken from options, checked, and read and set in existing groups under the same rules. */
#include "optim/optimizer.h"

#include "base/message.h"

#include <math.h>
#include <string.h>

cnn_status cnn__hyper_read(const cnn__optimizer_class *class, const cnn_context *ctx, const char *call,
                           const void *options, double *hyper)
{
    _Alignas(double) char read[256];
    cnn_status status = cnn__options_read(ctx, call, read, class->options_size, class->options_known, options);
    for (int i = 0; i < class->hyper_count && status == CNN_OK; i++) {
        const cnn__hyper *h = &class->hypers[i];
        double given;
        if (h->range == CNN__SWITCH) {
            bool on;
            memcpy(&on, read + h->offset, sizeof on);
            hyper[i] = on;
            continue;
        }
        memcpy(&given, read + h->offset, sizeof given);
        if (isnan(h->otherwise) && !cnn__option_given(given)) {
            return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is not given, %s has no default for it", call,
                             h->name, class->name);
        }
        hyper[i] = cnn__option(given, h->otherwise);
    }
    return status;
}

bool cnn__hyper_needs(const cnn__optimizer_class *class, const double *hyper, int k)
{
    return !class->needs || class->needs(hyper, k);
}

/* The conditions are written so that NaN fails them. */
static bool in_range(double value, cnn__hyper_range range)
{
    switch (range) {
    case CNN__NOT_NEGATIVE: return value >= 0 && !isinf(value);
    case CNN__BELOW_ONE: return value >= 0 && value < 1;
    case CNN__SWITCH: return value == 0 || value == 1;
    default: return isfinite(value);
    }
}

cnn_status cnn__hyper_check(const cnn__optimizer_class *class, const cnn_context *ctx, const char *call,
                            const double *hyper)
{
    static const char expected[][36] = { [CNN__ANY_FINITE] = "a finite number",
                                         [CNN__NOT_NEGATIVE] = "a finite number of at least 0",
                                         [CNN__BELOW_ONE] = "at least 0 and below 1",
                                         [CNN__SWITCH] = "0 or 1" };
    for (int i = 0; i < class->hyper_count; i++) {
        const cnn__hyper *h = &class->hypers[i];
        if (!in_range(hyper[i], h->range)) {
            return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is %s, expected %s", call, h->name,
                             CNN__G(hyper[i]), expected[h->range]);
        }
    }
    return class->check ? class->check(ctx, call, hyper) : CNN_OK;
}

/* ---- of groups ---- */

static cnn_status check_group(const cnn_optimizer *o, const char *call, int group)
{
    if (!o) {
        return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: optimizer is NULL", call);
    }
    if (o->group_count == 0) {
        return cnn__fail(o->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: the optimizer has no group yet", call);
    }
    if (group < 0 || group >= o->group_count) {
        return cnn__fail(o->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: there is no group %d, expected 0 to %d", call, group,
                         o->group_count - 1);
    }
    return CNN_OK;
}

int cnn__hyper_find(const cnn__optimizer_class *class, cnn_optimizer_option option)
{
    for (int i = 0; i < class->hyper_count; i++) {
        if (class->hypers[i].option == option) {
            return i;
        }
    }
    return -1;
}

/* Finds the index of an option among the hyperparameters of the class. */
static cnn_status options_find(const cnn_optimizer *o, const char *call, cnn_optimizer_option option, int *which)
{
    const cnn__optimizer_class *c = o->class;
    char names[CNN__MAX_HYPER * (sizeof c->hypers->name + 2)] = "";
    *which = cnn__hyper_find(c, option);
    if (*which >= 0) {
        return CNN_OK;
    }
    for (int i = 0; i < c->hyper_count; i++) {
        size_t length = strlen(names);
        cnn__message(names + length, sizeof names - length, "%s%s", length ? ", " : "", c->hypers[i].name);
    }
    return cnn__fail(o->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: option is %d, expected one of those of %s: %s", call,
                     (int)option, c->name, names);
}

static double options_get(const cnn_optimizer *o, const char *call, int group, cnn_optimizer_option option)
{
    int which;
    return check_group(o, call, group) == CNN_OK && options_find(o, call, option, &which) == CNN_OK
               ? o->groups[group].hyper[which]
               : (double)NAN;
}

double cnn_optimizer_get(const cnn_optimizer *optimizer, int group, cnn_optimizer_option option)
{
    return options_get(optimizer, "optimizer_get", group, option);
}

double cnn_optimizer_lr(const cnn_optimizer *optimizer, int group)
{
    return options_get(optimizer, "optimizer_lr", group, CNN_OPTION_LR);
}

/* ---- setting ---- */

cnn_status cnn__group_check_number(const cnn_optimizer *o, const char *call, int group, int which, double value)
{
    const double *now = o->groups[group].hyper;
    double hyper[CNN__MAX_HYPER];
    memcpy(hyper, now, sizeof hyper);
    hyper[which] = value;
    cnn_status status = cnn__hyper_check(o->class, o->ctx, call, hyper);
    for (int k = 0; status == CNN_OK && k < o->class->moment_count; k++) {
        bool has = cnn__hyper_needs(o->class, now, k), wants = cnn__hyper_needs(o->class, hyper, k);
        if (has != wants) {
            status = cnn__fail(o->ctx, CNN_ERROR_STATE,
                               "%s: group %d was made %s \"%s\", which %s of %s %s: make an optimizer anew", call,
                               group, has ? "with" : "without", o->class->moment_names[k], o->class->hypers[which].name,
                               CNN__G(value), wants ? "needs" : "does not need");
        }
    }
    return status;
}

/* All groups are checked before one is changed. */
static cnn_status set(cnn_optimizer *o, const char *call, int group, cnn_optimizer_option option, double given)
{
    int which = 0;
    double value = cnn__option(given, 0);
    cnn_status status = check_group(o, call, group == -1 ? 0 : group);
    if (status == CNN_OK) {
        status = options_find(o, call, option, &which);
    }
    if (status != CNN_OK) {
        return status;
    }
    CNN__KNOWN(o != NULL);
    int first = group == -1 ? 0 : group, end = group == -1 ? o->group_count : group + 1;
    for (int g = first; g < end; g++) {
        status = cnn__group_check_number(o, call, g, which, value);
        if (status != CNN_OK) {
            return status;
        }
    }
    for (int g = first; g < end; g++) {
        o->groups[g].hyper[which] = value;
    }
    return CNN_OK;
}

cnn_status cnn_optimizer_set(cnn_optimizer *optimizer, int group, cnn_optimizer_option option, double value)
{
    return set(optimizer, "optimizer_set", group, option, value);
}

cnn_status cnn_optimizer_set_lr(cnn_optimizer *optimizer, int group, double lr)
{
    return set(optimizer, "optimizer_set_lr", group, CNN_OPTION_LR, lr);
}
