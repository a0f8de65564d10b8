/* A scheduler in a checkpoint's metadata: its class as "scheduler", how many groups, elements and schedulers it has as
 * integers, and everything else as hexadecimal floats:
 *
 *     scheduler.groups, scheduler.<list>.count, scheduler.schedulers,
 *     scheduler.epochs, scheduler.<number>, scheduler.base_lr.<group>, scheduler.last_lr.<group>, scheduler.<list>.<i>
 *
 * "epochs" is one more than the number of the epoch: 0 for a scheduler whose turn has not come. The schedulers of a
 * SequentialLR follow in the same way as "scheduler.0", "scheduler.1", … */
#include "io/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { KEY = 160 };

/* What is done with each number: it is written, read into the plan, or taken from the plan. */
typedef struct scheduler_walk scheduler_walk;
typedef cnn_status (*number_fn)(scheduler_walk *w, const char *key, cnn__schedule_range range, double *number);
struct scheduler_walk {
    number_fn number;
    cnn_status (*begin)(scheduler_walk *w, const char *prefix, const cnn_scheduler *s);
    cnn__text *metadata;
    const cnn__safetensors *st;
    double *plan;
    size_t at;
};

static cnn_status walk_list(scheduler_walk *w, const char *prefix, const char *name, cnn__schedule_range range,
                            double *list, int64_t count)
{
    cnn_status status = CNN_OK;
    for (int64_t i = 0; i < count && status == CNN_OK; i++) {
        char key[KEY];
        snprintf(key, sizeof key, "%s.%s.%" PRId64, prefix, name, i);
        status = w->number(w, key, range, &list[i]);
    }
    return status;
}

static cnn_status walk_numbers(scheduler_walk *w, const char *prefix, cnn_scheduler *s)
{
    char key[KEY];
    double epochs = (double)(s->last_epoch + 1);
    snprintf(key, sizeof key, "%s.epochs", prefix);
    cnn_status status = w->number(w, key, CNN__RANGE_WHOLE, &epochs);
    s->last_epoch = (int64_t)epochs - 1;
    for (int i = 0; i < s->class->number_count && status == CNN_OK; i++) {
        snprintf(key, sizeof key, "%s.%s", prefix, s->class->numbers[i].name);
        status = w->number(w, key, s->class->numbers[i].range, &s->number[i]);
    }
    return status;
}

static cnn_status walk_scheduler(scheduler_walk *w, const char *prefix, cnn_scheduler *s)
{
    const cnn__schedule_class *class = s->class;
    cnn_status status = w->begin ? w->begin(w, prefix, s) : CNN_OK;
    if (status == CNN_OK) {
        status = walk_numbers(w, prefix, s);
    }
    if (status == CNN_OK) {
        status = walk_list(w, prefix, "base_lr", CNN__RANGE_NOT_NEGATIVE, s->base, s->group_count);
    }
    if (status == CNN_OK) {
        status = walk_list(w, prefix, "last_lr", CNN__RANGE_NOT_NEGATIVE, s->last, s->group_count);
    }
    if (status == CNN_OK && class->list_name) {
        status = walk_list(w, prefix, class->list_name, class->list_range, s->list, s->list_count);
    }
    for (int i = 0; i < s->child_count && status == CNN_OK; i++) {
        char child[KEY];
        snprintf(child, sizeof child, "%.100s.%d", prefix, i);
        status = walk_scheduler(w, child, s->children[i]);
    }
    return status;
}

/* ---- the integers in front ---- */

typedef struct scheduler_count {
    char key[KEY];
    int64_t ours;
} scheduler_count;

enum { COUNTS = 3 };
static void scheduler_counts(scheduler_count counts[COUNTS], const char *prefix, const cnn_scheduler *s)
{
    snprintf(counts[0].key, KEY, "%s.groups", prefix);
    snprintf(counts[1].key, KEY, "%s.%s.count", prefix, s->class->list_name ? s->class->list_name : "list");
    snprintf(counts[2].key, KEY, "%s.schedulers", prefix);
    counts[0].ours = s->group_count;
    counts[1].ours = s->list_count;
    counts[2].ours = s->child_count;
}

/* ---- saving ---- */

static cnn_status begin_saving(scheduler_walk *w, const char *prefix, const cnn_scheduler *s)
{
    scheduler_count counts[COUNTS];
    scheduler_counts(counts, prefix, s);
    cnn__metadata_add(w->metadata, prefix, s->class->name);
    for (int i = 0; i < COUNTS; i++) {
        char text[24];
        snprintf(text, sizeof text, "%" PRId64, counts[i].ours);
        cnn__metadata_add(w->metadata, counts[i].key, text);
    }
    return CNN_OK;
}

static cnn_status save_number(scheduler_walk *w, const char *key, cnn__schedule_range range, double *number)
{
    char text[CNN__HEX_FLOAT];
    (void)range;
    cnn__metadata_add(w->metadata, key, cnn__hex_float(text, *number));
    return CNN_OK;
}

void cnn__scheduler_save(cnn__text *metadata, cnn_scheduler *scheduler)
{
    scheduler_walk w = { .number = save_number, .begin = begin_saving, .metadata = metadata };
    walk_scheduler(&w, "scheduler", scheduler);
}

/* ---- loading ---- */

static cnn_status begin_planning(scheduler_walk *w, const char *prefix, const cnn_scheduler *s)
{
    const char *name = cnn__safetensors_metadata(w->st, prefix);
    scheduler_count counts[COUNTS];
    char path[CNN__QUOTE], ours[24];
    cnn_status status = CNN_OK;
    if (!name) {
        return cnn__fail(s->optimizer->ctx, CNN_ERROR_MISMATCH,
                         "%s: %s: the checkpoint was saved without a scheduler, expected %s", w->st->file.call,
                         cnn__quote(path, w->st->file.path, true), s->class->name);
    }
    if (strcmp(name, s->class->name) != 0) {
        return cnn__metadata_fail_fit(w->st, prefix, s->class->name);
    }
    scheduler_counts(counts, prefix, s);
    for (int i = 0; i < COUNTS && status == CNN_OK; i++) {
        int64_t theirs;
        status = cnn__metadata_count(w->st, counts[i].key, CNN__LARGEST_COUNT, &theirs);
        if (status == CNN_OK && theirs != counts[i].ours) {
            snprintf(ours, sizeof ours, "%" PRId64, counts[i].ours);
            return cnn__metadata_fail_fit(w->st, counts[i].key, ours);
        }
    }
    return status;
}

/* Numbers from a file must be in the ranges of a caller's. Switches say what a scheduler does: they are equal. */
static cnn_status plan_number(scheduler_walk *w, const char *key, cnn__schedule_range range, double *number)
{
    double *planned = &w->plan[w->at++];
    cnn_status status = cnn__metadata_double(w->st, key, planned);
    if (status != CNN_OK) {
        return status;
    }
    if (!cnn__schedule_in_range(*planned, range)) {
        char quoted[CNN__QUOTE];
        return cnn__file_fail(
            &w->st->file, CNN_ERROR_FORMAT, cnn__safetensors_value_byte(w->st, cnn__safetensors_metadata(w->st, key)),
            "\"%s\" is %s, which is out of its range", cnn__quote(quoted, key, false), CNN__G(*planned));
    }
    if (range == CNN__RANGE_SWITCH && *planned != *number) {
        char ours[CNN__HEX_FLOAT];
        return cnn__metadata_fail_fit(w->st, key, cnn__hex_float(ours, *number));
    }
    return CNN_OK;
}

static cnn_status take_number(scheduler_walk *w, const char *key, cnn__schedule_range range, double *number)
{
    (void)key, (void)range;
    *number = w->plan[w->at++];
    return CNN_OK;
}

static size_t number_count(const cnn_scheduler *s)
{
    size_t count = 1 + (size_t)s->class->number_count + 2 * (size_t)s->group_count + (size_t)s->list_count;
    for (int i = 0; i < s->child_count; i++) {
        count += number_count(s->children[i]);
    }
    return count;
}

cnn_status cnn__scheduler_plan(const cnn__safetensors *st, cnn_scheduler *scheduler, double **plan)
{
    cnn_context *ctx = scheduler->optimizer->ctx;
    size_t count = number_count(scheduler);
    *plan = cnn__alloc(ctx, count * sizeof **plan);
    scheduler_walk w = { .number = plan_number, .begin = begin_planning, .st = st, .plan = *plan };
    return *plan ? walk_scheduler(&w, "scheduler", scheduler)
                 : cnn__fail_memory(ctx, st->file.call, count * sizeof **plan);
}

void cnn__scheduler_restore(cnn_scheduler *scheduler, double *plan)
{
    scheduler_walk w = { .number = take_number, .plan = plan };
    walk_scheduler(&w, "scheduler", scheduler);
}
