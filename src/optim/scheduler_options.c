/* Schedulers are made of their options: numbers by the table of the class, lists, and the base rates of the groups. */
#include "optim/scheduler.h"

#include <math.h>
#include <string.h>

static bool is_whole(double value, double least)
{
    return value >= least && value <= 0x1p53 && floor(value) == value;
}

/* The conditions are written so that NaN fails them. */
bool cnn__schedule_in_range(double value, cnn__schedule_range range)
{
    switch (range) {
    case CNN__RANGE_NOT_NEGATIVE: return value >= 0 && !isinf(value);
    case CNN__RANGE_POSITIVE: return value > 0 && !isinf(value);
    case CNN__RANGE_BELOW_ONE: return value >= 0 && value < 1;
    case CNN__RANGE_PART: return value >= 0 && value <= 1;
    case CNN__RANGE_FACTOR: return value > 0 && value <= 1;
    case CNN__RANGE_COUNT: return is_whole(value, 1);
    case CNN__RANGE_WHOLE: return is_whole(value, 0);
    case CNN__RANGE_SWITCH: return value == 0 || value == 1;
    default: return !isnan(value);
    }
}

static cnn_status fail_range(const cnn_scheduler *s, const char *call, const char *name, double value,
                             cnn__schedule_range range)
{
    static const char expected[][32] = { [CNN__RANGE_NOT_NEGATIVE] = "a finite number of at least 0",
                                         [CNN__RANGE_POSITIVE] = "a finite number above 0",
                                         [CNN__RANGE_BELOW_ONE] = "at least 0 and below 1",
                                         [CNN__RANGE_PART] = "0 to 1",
                                         [CNN__RANGE_FACTOR] = "above 0 and at most 1",
                                         [CNN__RANGE_COUNT] = "an integer from 1 to 2^53",
                                         [CNN__RANGE_WHOLE] = "an integer from 0 to 2^53",
                                         [CNN__RANGE_SWITCH] = "0 or 1",
                                         [CNN__RANGE_ANY] = "a number" };
    return cnn__fail(s->optimizer->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is %s, expected %s", call, name,
                     CNN__G(value), expected[range]);
}

cnn_status cnn__schedule_check(const cnn_scheduler *s, const char *call, const double *numbers, const double *list)
{
    for (int i = 0; i < s->class->number_count; i++) {
        const cnn__schedule_number *n = &s->class->numbers[i];
        if (!cnn__schedule_in_range(numbers[i], n->range)) {
            return fail_range(s, call, n->name, numbers[i], n->range);
        }
    }
    for (int64_t i = 0; i < s->list_count; i++) {
        if (!cnn__schedule_in_range(list[i], s->class->list_range)) {
            char name[64];
            cnn__message(name, sizeof name, "%s number %lld", s->class->list_name, (long long)i);
            return fail_range(s, call, name, list[i], s->class->list_range);
        }
    }
    return CNN_OK;
}

/* ---- numbers ---- */

/* The value of an option; `given` is false where it is left out. */
static double read_number(const cnn__schedule_number *n, const char *options, bool *given)
{
    double real;
    int64_t whole;
    int choice;
    bool on;
    *given = true;
    switch (n->type) {
    case CNN__NUMBER_DOUBLE:
        memcpy(&real, options + n->offset, sizeof real);
        *given = cnn__option_given(real);
        return cnn__option(real, 0);
    case CNN__NUMBER_INT64:
        memcpy(&whole, options + n->offset, sizeof whole);
        *given = whole != 0;
        return (double)whole;
    case CNN__NUMBER_BOOL: memcpy(&on, options + n->offset, sizeof on); return on;
    case CNN__NUMBER_ENUM: memcpy(&choice, options + n->offset, sizeof choice); return choice;
    default: *given = false; return 0;
    }
}

static cnn_status read_numbers(cnn_scheduler *s, const char *options)
{
    for (int i = 0; i < s->class->number_count; i++) {
        const cnn__schedule_number *n = &s->class->numbers[i];
        bool given;
        double value = read_number(n, options, &given);
        if (!given && isnan(n->otherwise)) {
            return cnn__fail(s->optimizer->ctx, CNN_ERROR_INVALID_ARGUMENT,
                             "%s: %s is not given, %s has no default for it", s->class->call, n->name, s->class->name);
        }
        s->number[i] = given ? value : n->otherwise;
    }
    return cnn__schedule_check(s, s->class->call, s->number, NULL);
}

/* ---- lists ---- */

cnn_status cnn__schedule_list(cnn_scheduler *s, const char *name, const double *from, const int64_t *whole,
                              int64_t count)
{
    cnn_context *ctx = s->optimizer->ctx;
    if (count < 0 || count > 1 << 24) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: the count of %s is %lld, expected 0 to 2^24",
                         s->class->call, name, (long long)count);
    }
    if (count && !from && !whole) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", s->class->call, name);
    }
    s->list = cnn__alloc(ctx, (size_t)count * sizeof *s->list);
    if (!s->list) {
        return cnn__fail_memory(ctx, s->class->call, (size_t)count * sizeof *s->list);
    }
    for (s->list_count = 0; s->list_count < count; s->list_count++) {
        s->list[s->list_count] = from ? from[s->list_count] : (double)whole[s->list_count];
    }
    return cnn__schedule_check(s, s->class->call, s->number, s->list);
}

cnn_status cnn__schedule_list_per_group(cnn_scheduler *s, const char *name, const double *from, int64_t count,
                                        double otherwise)
{
    if ((from || count) && count != s->group_count) {
        return cnn__fail(s->optimizer->ctx, CNN_ERROR_INVALID_ARGUMENT,
                         "%s: there are %lld %s, expected %d, one for each group", s->class->call, (long long)count,
                         name, s->group_count);
    }
    if (from || count) {
        return cnn__schedule_list(s, name, from, NULL, count);
    }
    for (int g = 0; g < s->group_count; g++) {
        s->next[g] = otherwise;
    }
    return cnn__schedule_list(s, name, s->next, NULL, s->group_count);
}

/* ---- making ---- */

static cnn_status check_optimizer(const cnn_optimizer *optimizer, const char *call)
{
    if (!optimizer) {
        return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: optimizer is NULL", call);
    }
    return optimizer->group_count
               ? CNN_OK
               : cnn__fail(optimizer->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: the optimizer has no group yet", call);
}

/* Base rates are what the groups had before the first scheduler. */
static cnn_status take_bases(cnn_scheduler *s)
{
    size_t groups = (size_t)s->group_count;
    s->base = cnn__alloc(s->optimizer->ctx, 3 * groups * sizeof *s->base);
    if (!s->base) {
        return cnn__fail_memory(s->optimizer->ctx, s->class->call, 3 * groups * sizeof *s->base);
    }
    s->last = s->base + groups;
    s->next = s->last + groups;
    for (size_t g = 0; g < groups; g++) {
        const cnn__group *group = &s->optimizer->groups[g];
        s->base[g] = group->scheduled ? group->initial_lr : group->hyper[0];
        s->last[g] = group->hyper[0];
    }
    return CNN_OK;
}

static cnn_status scheduler_fill(cnn_scheduler *s, const void *options)
{
    _Alignas(double) char read[256];
    const cnn__schedule_class *class = s->class;
    cnn_status status = take_bases(s);
    if (status == CNN_OK && class->options_size) {
        status =
            cnn__options_read(s->optimizer->ctx, class->call, read, class->options_size, class->options_known, options);
        if (status == CNN_OK) {
            status = read_numbers(s, read);
        }
    }
    return status == CNN_OK && class->prepare ? class->prepare(s, read) : status;
}

cnn_scheduler *cnn__scheduler_make(cnn_optimizer *optimizer, const cnn__schedule_class *class, const void *options)
{
    if (check_optimizer(optimizer, class->call) != CNN_OK) {
        return NULL;
    }
    CNN__KNOWN(optimizer != NULL);
    cnn_scheduler *s = cnn__calloc(optimizer->ctx, 1, sizeof *s);
    if (!s) {
        cnn__fail_memory(optimizer->ctx, class->call, sizeof *s);
        return NULL;
    }
    s->class = class;
    s->optimizer = cnn__optimizer_retain(optimizer);
    s->last_epoch = -1;
    s->group_count = optimizer->group_count;
    s->momentum = -1;
    if (scheduler_fill(s, options) != CNN_OK) {
        cnn__scheduler_delete(s);
        return NULL;
    }
    return s;
}
