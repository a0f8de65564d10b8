/* Reads and sets the hyperparameters of existing groups, under the same rules as in the constructors. */
#include "optim/optimizer.h"

#include <math.h>
#include <string.h>

/* The names in the classes (cnn__optimizer_class.hyper_names). */
static const char *const option_names[] = { [CNN_OPTION_LR] = "lr",
                                            [CNN_OPTION_WEIGHT_DECAY] = "weight_decay",
                                            [CNN_OPTION_MAXIMIZE] = "maximize",
                                            [CNN_OPTION_BETA1] = "beta1",
                                            [CNN_OPTION_BETA2] = "beta2",
                                            [CNN_OPTION_EPS] = "eps",
                                            [CNN_OPTION_AMSGRAD] = "amsgrad",
                                            [CNN_OPTION_MOMENTUM] = "momentum",
                                            [CNN_OPTION_DAMPENING] = "dampening",
                                            [CNN_OPTION_NESTEROV] = "nesterov" };
enum { OPTIONS = sizeof option_names / sizeof option_names[0] };

static bool is_switch(cnn_optimizer_option option)
{
    return option == CNN_OPTION_MAXIMIZE || option == CNN_OPTION_AMSGRAD || option == CNN_OPTION_NESTEROV;
}

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

/* Finds the index of an option among the hyperparameters of the class. */
static cnn_status find(const cnn_optimizer *o, const char *call, cnn_optimizer_option option, int *which)
{
    if ((int)option < 0 || (int)option >= OPTIONS) {
        return cnn__fail(o->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: option is %d, expected one of cnn_optimizer_option",
                         call, (int)option);
    }
    for (*which = 0; *which < o->class->hyper_count; ++*which) {
        if (strcmp(o->class->hyper_names[*which], option_names[option]) == 0) {
            return CNN_OK;
        }
    }
    return cnn__fail(o->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s has no option %s", call, o->class->name,
                     option_names[option]);
}

static double get(const cnn_optimizer *o, const char *call, int group, cnn_optimizer_option option)
{
    int which;
    return check_group(o, call, group) == CNN_OK && find(o, call, option, &which) == CNN_OK
               ? o->groups[group].hyper[which]
               : (double)NAN;
}

double cnn_optimizer_get(const cnn_optimizer *optimizer, int group, cnn_optimizer_option option)
{
    return get(optimizer, "optimizer_get", group, option);
}

double cnn_optimizer_lr(const cnn_optimizer *optimizer, int group)
{
    return get(optimizer, "optimizer_lr", group, CNN_OPTION_LR);
}

/* ---- setting ---- */

/* Are the group's numbers valid with `value` for number `which`, and do they need the moments that it has? */
static cnn_status check_numbers(const cnn_optimizer *o, const char *call, int group, int which, double value)
{
    const double *now = o->groups[group].hyper;
    double hyper[CNN__MAX_HYPER];
    memcpy(hyper, now, sizeof hyper);
    hyper[which] = value;
    cnn_status status = o->class->check(o->ctx, call, hyper);
    for (int k = 0; status == CNN_OK && k < o->class->moment_count; k++) {
        bool has = o->class->needs(now, k), wants = o->class->needs(hyper, k);
        if (has != wants) {
            status = cnn__fail(o->ctx, CNN_ERROR_STATE,
                               "%s: group %d was made %s \"%s\", which %s of %s %s: make an optimizer anew", call,
                               group, has ? "with" : "without", o->class->moment_names[k], o->class->hyper_names[which],
                               CNN__G(value), wants ? "needs" : "does not need");
        }
    }
    return status;
}

static cnn_status check_switch(const cnn_optimizer *o, const char *call, cnn_optimizer_option option, double value)
{
    return !is_switch(option) || value == 0 || value == 1
               ? CNN_OK
               : cnn__fail(o->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is %s, expected 0 or 1", call,
                           option_names[option], CNN__G(value));
}

/* All groups are checked before one is changed. */
static cnn_status set(cnn_optimizer *o, const char *call, int group, cnn_optimizer_option option, double given)
{
    int which = 0;
    double value = cnn__option(given, 0);
    cnn_status status = check_group(o, call, group == -1 ? 0 : group);
    if (status == CNN_OK) {
        status = find(o, call, option, &which);
    }
    if (status == CNN_OK) {
        status = check_switch(o, call, option, value);
    }
    if (status != CNN_OK) {
        return status;
    }
    CNN__KNOWN(o != NULL);
    int first = group == -1 ? 0 : group, end = group == -1 ? o->group_count : group + 1;
    for (int g = first; g < end; g++) {
        status = check_numbers(o, call, g, which, value);
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
