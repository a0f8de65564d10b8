/* Loading a checkpoint: everything is read and checked into a plan, and carrying out the plan cannot fail. */
#include "io/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct checkpoint_load_plan {
    cnn__restore restore;
    cnn_context *ctx;
    cnn_module *module;
    cnn_optimizer *optimizer;
    cnn_scheduler *scheduler;
    cnn__state_index index;
    int64_t epoch;
    cnn_random_state random;
    int64_t optimizer_steps;
    double (*hyper)[CNN__MAX_HYPER]; /* the hyperparameters of each group */
    int64_t *steps;                  /* the updates of each slot, group after group */
    double *schedule;                /* all numbers of the scheduler */
    char *name;                      /* buffer for a composed name */
    size_t name_size;
} checkpoint_load_plan;

/* ---- the parts ---- */

static cnn_status plan_head(checkpoint_load_plan *p)
{
    const cnn__file *file = &p->restore.st.file;
    char path[CNN__QUOTE];
    int64_t version;
    if (!cnn__restore_is_checkpoint(&p->restore)) {
        return cnn__fail(p->ctx, CNN_ERROR_MISMATCH,
                         "%s: %s: not a checkpoint: the metadata's \"format\" is not \"%s\"", file->call,
                         cnn__quote(path, file->path, true), CNN__CHECKPOINT_FORMAT);
    }
    cnn_status status = cnn__metadata_count(&p->restore.st, "version", CNN__LARGEST_COUNT, &version);
    if (status == CNN_OK && version != CNN__CHECKPOINT_VERSION) {
        return cnn__fail(p->ctx, CNN_ERROR_UNSUPPORTED, "%s: %s: a checkpoint of version %" PRId64 ", expected %d",
                         file->call, cnn__quote(path, file->path, true), version, CNN__CHECKPOINT_VERSION);
    }
    if (status == CNN_OK) {
        status = cnn__metadata_count(&p->restore.st, "epoch", CNN__LARGEST_COUNT, &p->epoch);
    }
    return status == CNN_OK ? cnn__metadata_random(&p->restore.st, &p->random) : status;
}

/* Numbers from a file must pass the same checks as those of a caller. */
static cnn_status plan_group(checkpoint_load_plan *p, int g)
{
    const cnn__optimizer_class *class = p->optimizer->class;
    const cnn__group *group = &p->optimizer->groups[g];
    const char *call = p->restore.st.file.call;
    char key[CNN__HYPER_KEY];
    for (int h = 0; h < class->hyper_count; h++) {
        snprintf(key, sizeof key, CNN__HYPER_KEY_FORMAT, g, class->hypers[h].name);
        cnn_status status = cnn__metadata_double(&p->restore.st, key, &p->hyper[g][h]);
        if (status != CNN_OK) {
            return status;
        }
    }
    if (cnn__hyper_check(class, p->ctx, call, p->hyper[g]) != CNN_OK) {
        const char *why = cnn__failure_message() + strlen(call) + strlen(": ");
        return cnn__file_fail(&p->restore.st.file, CNN_ERROR_FORMAT, CNN__PREFIX, "optimizer.group.%d: %s", g, why);
    }
    for (int k = 0; k < class->moment_count; k++) {
        if (cnn__hyper_needs(class, p->hyper[g], k) != cnn__hyper_needs(class, group->hyper, k)) {
            return cnn__file_fail(&p->restore.st.file, CNN_ERROR_MISMATCH, CNN__PREFIX,
                                  "optimizer.group.%d %s \"%s\", the optimizer's %s", g,
                                  cnn__hyper_needs(class, p->hyper[g], k) ? "has" : "has no", class->moment_names[k],
                                  cnn__hyper_needs(class, group->hyper, k) ? "has" : "has not");
        }
    }
    return CNN_OK;
}

/* The counts of steps tell which parameters the optimizer of the checkpoint had; a parameter that was frozen has
 * none. */
static cnn_status check_trained(const checkpoint_load_plan *p, const char *key)
{
    char path[CNN__QUOTE], quoted[CNN__QUOTE];
    const cnn__file *file = &p->restore.st.file;
    if (cnn__safetensors_metadata(&p->restore.st, key)) {
        return CNN_OK;
    }
    return cnn__fail(
        p->ctx, CNN_ERROR_MISMATCH,
        "%s: %s: the checkpoint has no \"%s\": the optimizer has a parameter that the saved one had not (was "
        "it frozen?)",
        file->call, cnn__quote(path, file->path, true), cnn__quote(quoted, key, false));
}

static cnn_status plan_slot(checkpoint_load_plan *p, int g, const cnn__slot *slot, int64_t *steps)
{
    const cnn__optimizer_class *class = p->optimizer->class;
    const cnn__state *state = cnn__state_index_find(&p->index, slot->parameter);
    int64_t group;
    if (!state) {
        return cnn__fail(p->ctx, CNN_ERROR_INVALID_ARGUMENT,
                         "%s: the optimizer has a parameter that is not one of the module's", p->restore.st.file.call);
    }
    cnn__slot_name(p->name, p->name_size, state, "step");
    cnn_status status = check_trained(p, p->name);
    if (status == CNN_OK) {
        status = cnn__metadata_count(&p->restore.st, p->name, p->optimizer_steps, steps);
    }
    if (status == CNN_OK) {
        cnn__slot_name(p->name, p->name_size, state, "group");
        status = cnn__metadata_count(&p->restore.st, p->name, CNN__LARGEST_COUNT, &group);
    }
    if (status == CNN_OK && group != g) {
        char ours[16];
        snprintf(ours, sizeof ours, "%d", g);
        return cnn__metadata_fail_fit(&p->restore.st, p->name, ours);
    }
    for (int k = 0; status == CNN_OK && k < class->moment_count; k++) {
        if (slot->moment[k]) {
            cnn__slot_name(p->name, p->name_size, state, class->moment_names[k]);
            cnn__restore_tensor(&p->restore, p->name, slot->moment[k]);
        }
    }
    return status;
}

static cnn_status plan_optimizer_head(checkpoint_load_plan *p)
{
    const cnn__file *file = &p->restore.st.file;
    const char *name = cnn__safetensors_metadata(&p->restore.st, "optimizer");
    char path[CNN__QUOTE], ours[16];
    int64_t groups;
    if (!name) {
        return cnn__fail(p->ctx, CNN_ERROR_MISMATCH,
                         "%s: %s: the checkpoint was saved without an optimizer, expected %s", file->call,
                         cnn__quote(path, file->path, true), p->optimizer->class->name);
    }
    if (strcmp(name, p->optimizer->class->name) != 0) {
        return cnn__metadata_fail_fit(&p->restore.st, "optimizer", p->optimizer->class->name);
    }
    cnn_status status = cnn__metadata_count(&p->restore.st, "optimizer.groups", CNN__LARGEST_COUNT, &groups);
    if (status == CNN_OK && groups != p->optimizer->group_count) {
        snprintf(ours, sizeof ours, "%d", p->optimizer->group_count);
        return cnn__metadata_fail_fit(&p->restore.st, "optimizer.groups", ours);
    }
    return status == CNN_OK
               ? cnn__metadata_count(&p->restore.st, "optimizer.steps", CNN__LARGEST_COUNT, &p->optimizer_steps)
               : status;
}

static size_t slot_count(const cnn_optimizer *optimizer)
{
    size_t slots = 0;
    for (int g = 0; g < optimizer->group_count; g++) {
        slots += (size_t)optimizer->groups[g].count;
    }
    return slots;
}

static cnn_status plan_memory(checkpoint_load_plan *p)
{
    size_t groups = (size_t)p->optimizer->group_count, slots = slot_count(p->optimizer);
    const char *call = p->restore.st.file.call;
    p->name_size = cnn__slot_name_size(p->module);
    p->hyper = cnn__calloc(p->ctx, groups, sizeof *p->hyper);
    p->steps = cnn__calloc(p->ctx, slots, sizeof *p->steps);
    p->name = cnn__alloc(p->ctx, p->name_size);
    return p->hyper && p->steps && p->name
               ? cnn__state_index_make(&p->index, call, p->module)
               : cnn__fail_memory(p->ctx, call, groups * sizeof *p->hyper + slots * sizeof *p->steps);
}

/* Every parameter of this optimizer has a count of steps by now; checks that there are no others. */
static cnn_status check_all_taken(const checkpoint_load_plan *p)
{
    static const char suffix[] = ".step";
    const cnn__safetensors *st = &p->restore.st;
    char path[CNN__QUOTE];
    size_t theirs = 0, ours = slot_count(p->optimizer);
    for (size_t i = 0; i < st->pair_count; i++) {
        const char *key = st->header + st->pairs[i].key;
        size_t length = strlen(key);
        theirs += length >= sizeof suffix && strcmp(key + length - sizeof suffix + 1, suffix) == 0 &&
                  strncmp(key, CNN__OPTIMIZER_PREFIX, strlen(CNN__OPTIMIZER_PREFIX)) == 0;
    }
    return theirs == ours
               ? CNN_OK
               : cnn__fail(p->ctx, CNN_ERROR_MISMATCH,
                           "%s: %s: the checkpoint's optimizer has %zu parameters, expected %zu (is one frozen?)",
                           st->file.call, cnn__quote(path, st->file.path, true), theirs, ours);
}

static cnn_status plan_optimizer(checkpoint_load_plan *p)
{
    cnn_status status = plan_optimizer_head(p);
    if (status == CNN_OK) {
        status = plan_memory(p);
    }
    int64_t *steps = p->steps;
    for (int g = 0; status == CNN_OK && g < p->optimizer->group_count; g++) {
        const cnn__group *group = &p->optimizer->groups[g];
        status = plan_group(p, g);
        for (int i = 0; status == CNN_OK && i < group->count; i++) {
            status = plan_slot(p, g, &group->slots[i], steps++);
        }
    }
    return status == CNN_OK ? check_all_taken(p) : status;
}

/* The module is matched first: if it does not fit, the optimizer's tensors would only repeat the same complaints. */
static cnn_status make_plan(checkpoint_load_plan *p)
{
    cnn_status status = plan_head(p);
    if (status == CNN_OK) {
        status = cnn__restore_module(&p->restore, p->module);
    }
    if (status == CNN_OK) {
        cnn__restore_rest(&p->restore, CNN__OPTIMIZER_PREFIX);
        status = cnn__restore_verdict(&p->restore);
    }
    if (status == CNN_OK && p->optimizer) {
        status = plan_optimizer(p);
        if (status == CNN_OK) {
            cnn__restore_rest(&p->restore, NULL);
            status = cnn__restore_verdict(&p->restore);
        }
    }
    if (status == CNN_OK && p->scheduler) {
        status = cnn__scheduler_plan(&p->restore.st, p->scheduler, &p->schedule);
    }
    return status == CNN_OK ? cnn__restore_read(&p->restore) : status;
}

static cnn_status carry_out(checkpoint_load_plan *p)
{
    const int64_t *steps = p->steps;
    cnn_status status = cnn__restore_commit(&p->restore);
    if (status != CNN_OK) {
        return status;
    }
    cnn_context_set_random_state(p->ctx, &p->random);
    if (!p->optimizer) {
        return CNN_OK;
    }
    p->optimizer->launched = 0;
    p->optimizer->steps = p->optimizer_steps;
    for (int g = 0; g < p->optimizer->group_count; g++) {
        cnn__group *group = &p->optimizer->groups[g];
        memcpy(group->hyper, p->hyper[g], sizeof group->hyper);
        for (int i = 0; i < group->count; i++) {
            group->slots[i].steps = *steps++;
            group->slots[i].launched = 0;
        }
    }
    if (p->scheduler) {
        cnn__scheduler_restore(p->scheduler, p->schedule);
    }
    return CNN_OK;
}

cnn_status cnn_checkpoint_load(cnn_checkpoint *checkpoint, const char *path)
{
    const char *call = "checkpoint_load";
    cnn_checkpoint ours;
    cnn_status status = cnn__checkpoint_read(call, checkpoint, path, &ours);
    if (status != CNN_OK) {
        return status;
    }
    checkpoint_load_plan p = {
        .ctx = ours.module->ctx, .module = ours.module, .optimizer = ours.optimizer, .scheduler = ours.scheduler
    };
    /* A resumed run continues bit for bit or not at all, so nothing is converted. */
    const cnn__load_rules rules = { .dtypes = CNN__DTYPE_SAME, .strip = "", .add = "" };
    status = cnn__restore_begin(&p.restore, p.ctx, call, path, &rules);
    if (status != CNN_OK) {
        return status;
    }
    status = make_plan(&p);
    if (status == CNN_OK) {
        status = carry_out(&p);
        if (status == CNN_OK && checkpoint->struct_size >= offsetof(cnn_checkpoint, epoch) + sizeof checkpoint->epoch) {
            checkpoint->epoch = p.epoch;
        }
    }
    cnn__state_index_free(&p.index);
    cnn__free(p.ctx, p.schedule);
    cnn__free(p.ctx, p.name);
    cnn__free(p.ctx, p.steps);
    cnn__free(p.ctx, p.hyper);
    cnn__restore_end(&p.restore);
    return status;
}
