/* Saving a checkpoint: the module's tensors under their own names, the optimizer's moments as
 * "optimizer.<parameter>.<moment>", and every number as text in the metadata:
 *
 *     format, version, epoch, random.seed, random.stream,
 *     optimizer (its class), optimizer.steps, optimizer.groups, optimizer.group.<i>.<hyperparameter>,
 *     optimizer.<parameter>.group, optimizer.<parameter>.step,
 *     scheduler and what begins with it (checkpoint_scheduler.c)
 *
 * Numbers other than integers are written as hexadecimal floats, so that every bit is restored. */
#include "io/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

cnn_status cnn__checkpoint_read(const char *call, const cnn_checkpoint *given, const char *path, cnn_checkpoint *ours)
{
    cnn_context *ctx = NULL;
    if (!given) {
        return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: checkpoint is NULL", call);
    }
    cnn_status status = CNN__OPTIONS_READ(NULL, call, ours, given);
    if (status != CNN_OK) {
        return status;
    }
    if (!ours->module || !path) {
        ctx = ours->module ? ours->module->ctx : NULL;
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", call, path ? "module" : "path");
    }
    if (ours->scheduler && ours->scheduler->optimizer != ours->optimizer) {
        return cnn__fail(ours->module->ctx, CNN_ERROR_INVALID_ARGUMENT,
                         "%s: the scheduler is one of another optimizer than the checkpoint's", call);
    }
    return ours->scheduler && ours->scheduler->owner
               ? cnn__fail(ours->module->ctx, CNN_ERROR_STATE,
                           "%s: the scheduler belongs to a SequentialLR, which is to be saved", call)
               : CNN_OK;
}

size_t cnn__slot_name_size(const cnn_module *module)
{
    return sizeof CNN__OPTIMIZER_PREFIX + cnn__longest_name(module) + CNN__SLOT_SUFFIX;
}

void cnn__slot_name(char *name, size_t size, const cnn__state *state, const char *suffix)
{
    size_t used = (size_t)snprintf(name, size, "%s", CNN__OPTIMIZER_PREFIX);
    used += cnn__state_name(state, name + used, size - used);
    snprintf(name + used, size - used, ".%s", suffix);
}

/* ---- tensors ---- */

/* The items of a checkpoint and the memory of their names. The first pass, while `items` is NULL, only adds up
 * sizes. */
typedef struct collection {
    const cnn_module *module;
    const cnn_optimizer *optimizer;
    cnn_scheduler *scheduler;
    cnn__state_index index;
    cnn__item *items;
    char *names;
    size_t count, bytes;
    size_t name_size; /* the longest name of any tensor of the optimizer */
} collection;

static void collect_module(collection *c)
{
    for (cnn__state s = cnn__state_begin(c->module); cnn__state_next(&s); c->count++) {
        char none[1];
        size_t size = cnn__state_name(&s, none, sizeof none) + 1;
        if (c->items) {
            c->items[c->count] = (cnn__item){ c->names + c->bytes, s.tensor };
            cnn__state_name(&s, c->names + c->bytes, size);
        }
        c->bytes += size;
    }
}

static bool collect_slot(collection *c, const cnn__slot *slot)
{
    const cnn__state *state = cnn__state_index_find(&c->index, slot->parameter);
    if (!state) {
        return false;
    }
    for (int k = 0; k < c->optimizer->class->moment_count; k++) {
        if (!slot->moment[k]) {
            continue;
        }
        if (c->items) {
            c->items[c->count] = (cnn__item){ c->names + c->bytes, slot->moment[k] };
            cnn__slot_name(c->names + c->bytes, c->name_size, state, c->optimizer->class->moment_names[k]);
        }
        c->bytes += c->name_size;
        c->count++;
    }
    return true;
}

/* Returns false if the optimizer has a parameter that the module does not have. */
static bool checkpoint_collect(collection *c)
{
    c->count = c->bytes = 0;
    collect_module(c);
    for (int g = 0; c->optimizer && g < c->optimizer->group_count; g++) {
        for (int i = 0; i < c->optimizer->groups[g].count; i++) {
            if (!collect_slot(c, &c->optimizer->groups[g].slots[i])) {
                return false;
            }
        }
    }
    return true;
}

/* ---- numbers ---- */

static void add_number(cnn__text *metadata, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, value);
    cnn__metadata_add(metadata, key, text);
}

static void checkpoint_add_group(cnn__text *metadata, const cnn__optimizer_class *class, int g, const cnn__group *group)
{
    for (int h = 0; h < class->hyper_count; h++) {
        char key[CNN__HYPER_KEY], value[CNN__HEX_FLOAT];
        snprintf(key, sizeof key, CNN__HYPER_KEY_FORMAT, g, class->hypers[h].name);
        cnn__metadata_add(metadata, key, cnn__hex_float(value, group->hyper[h]));
    }
}

static cnn_status add_optimizer(cnn__text *metadata, const collection *c)
{
    const cnn_optimizer *optimizer = c->optimizer;
    char *name = cnn__alloc(metadata->ctx, c->name_size);
    if (!name) {
        return CNN_ERROR_NO_MEMORY;
    }
    cnn__metadata_add(metadata, "optimizer", optimizer->class->name);
    add_number(metadata, "optimizer.steps", (uint64_t)optimizer->steps);
    add_number(metadata, "optimizer.groups", (uint64_t)optimizer->group_count);
    for (int g = 0; g < optimizer->group_count; g++) {
        const cnn__group *group = &optimizer->groups[g];
        checkpoint_add_group(metadata, optimizer->class, g, group);
        for (int i = 0; i < group->count; i++) {
            const cnn__state *state = cnn__state_index_find(&c->index, group->slots[i].parameter);
            cnn__slot_name(name, c->name_size, state, "group");
            add_number(metadata, name, (uint64_t)g);
            cnn__slot_name(name, c->name_size, state, "step");
            add_number(metadata, name, (uint64_t)group->slots[i].steps);
        }
    }
    cnn__free(metadata->ctx, name);
    return CNN_OK;
}

static cnn_status add_metadata(cnn__text *metadata, const collection *c, int64_t epoch)
{
    cnn_random_state random;
    cnn_context_random_state(metadata->ctx, &random);
    cnn__metadata_add(metadata, "format", CNN__CHECKPOINT_FORMAT);
    add_number(metadata, "version", CNN__CHECKPOINT_VERSION);
    add_number(metadata, "epoch", (uint64_t)epoch);
    add_number(metadata, "random.seed", random.seed);
    add_number(metadata, "random.stream", random.stream);
    if (c->scheduler) {
        cnn__scheduler_save(metadata, c->scheduler);
    }
    return c->optimizer ? add_optimizer(metadata, c) : CNN_OK;
}

static cnn_status checkpoint_save(collection *c, const char *call, const char *path, int64_t epoch)
{
    cnn_context *ctx = c->module->ctx;
    size_t count = c->count, bytes = c->bytes;
    cnn__text metadata = { .ctx = ctx };
    cnn_status status;
    c->items = cnn__calloc(ctx, count, sizeof *c->items);
    c->names = cnn__alloc(ctx, bytes);
    if (c->items && c->names && add_metadata(&metadata, c, epoch) == CNN_OK) {
        checkpoint_collect(c);
        status = cnn__safetensors_save(ctx, call, path, c->items, count, &metadata);
    } else {
        status = cnn__fail_memory(ctx, call, bytes + count * sizeof *c->items);
    }
    cnn__text_free(&metadata);
    cnn__free(ctx, c->names);
    cnn__free(ctx, c->items);
    return status;
}

/* Checks that a load would accept what is going to be saved. */
static cnn_status check_counts(const char *call, const cnn_checkpoint *ours)
{
    cnn_context *ctx = ours->module->ctx;
    cnn_status status = cnn__device_wait(ctx, call, cnn__device_number(ctx));
    if (ours->optimizer) {
        cnn__optimizer_settle(ours->optimizer);
    }
    if (status != CNN_OK) {
        return status;
    }
    if (ours->epoch < 0 || ours->epoch > CNN__LARGEST_COUNT) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: epoch is %" PRId64 ", expected 0 to 2^53", call,
                         ours->epoch);
    }
    if (ours->optimizer && ours->optimizer->steps > CNN__LARGEST_COUNT) {
        return cnn__fail(ctx, CNN_ERROR_STATE, "%s: the optimizer has made %" PRId64 " steps, expected at most 2^53",
                         call, ours->optimizer->steps);
    }
    return CNN_OK;
}

cnn_status cnn_checkpoint_save(const cnn_checkpoint *checkpoint, const char *path)
{
    const char *call = "checkpoint_save";
    cnn_checkpoint ours = { 0 };
    cnn_status status = cnn__checkpoint_read(call, checkpoint, path, &ours);
    if (status != CNN_OK) {
        return status;
    }
    CNN__KNOWN(ours.module != NULL);
    collection c = { .module = ours.module, .optimizer = ours.optimizer, .scheduler = ours.scheduler };
    status = check_counts(call, &ours);
    if (status == CNN_OK) {
        status = cnn__state_index_make(&c.index, call, ours.module);
    }
    if (status != CNN_OK) {
        return status;
    }
    c.name_size = cnn__slot_name_size(ours.module);
    status = checkpoint_collect(&c)
                 ? checkpoint_save(&c, call, path, ours.epoch)
                 : cnn__fail(ours.module->ctx, CNN_ERROR_INVALID_ARGUMENT,
                             "%s: the optimizer has a parameter that is not one of the module's", call);
    cnn__state_index_free(&c.index);
    return status;
}
