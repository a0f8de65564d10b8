/* From a record to a program: which blocks are constant, what of the record is done at once, where the others lie.
 *
 * A block is constant where nothing that is written to it depends on an input; an operand that a kernel writes counts
 * as read, because it may be updated in place. Steps that write constants are carried out here, in their order: folded
 * batch normalisations, tables of positions. A block of results lives from its first step to its last, and blocks whose
 * lives overlap get places that do not. */
#include "predict/builder.h"

#include <string.h>

enum { PLACE_GRAIN = 64 };

/* The block of operand i of a step; NULL: there is none. */
static cnn__block *operand_block(const cnn__builder *b, const cnn_launch *l, int i, size_t *offset)
{
    return cnn__builder_block(b, cnn__operand(l, i), offset);
}

static cnn_status program_no_memory(const cnn__builder *b, size_t bytes)
{
    return cnn__fail_memory(b->program->ctx, b->call, bytes);
}

static size_t place_round(size_t bytes)
{
    return (bytes + PLACE_GRAIN - 1) / PLACE_GRAIN * PLACE_GRAIN;
}

/* ---- what varies ---- */

static bool step_varies(const cnn__builder *b, const cnn_launch *l)
{
    size_t offset;
    for (int i = 0; i < CNN__OPERANDS; i++) {
        const cnn__block *k = operand_block(b, l, i, &offset);
        if (k && k->varies) {
            return true;
        }
    }
    return false;
}

/* Marks what a step that varies writes; true: something was not marked before. */
static bool spread_variation(const cnn__builder *b, const cnn_launch *l)
{
    size_t offset;
    bool more = false;
    for (int i = CNN__IN; i < CNN__OPERANDS; i++) {
        cnn__block *k = operand_block(b, l, i, &offset);
        more = more || (k && !k->varies);
        if (k) {
            k->varies = true;
        }
    }
    return more;
}

static void find_varying(const cnn__builder *b)
{
    for (bool more = true; more;) {
        more = false;
        for (int i = 0; i < b->record->step_count; i++) {
            const cnn_launch *l = &b->record->steps[i].launch;
            more = (step_varies(b, l) && spread_variation(b, l)) || more;
        }
    }
}

/* A forward that writes what was given moves running statistics, or something of the user's. */
static cnn_status check_given(const cnn__builder *b, int first_step)
{
    size_t offset;
    for (int i = 0; i < b->record->step_count; i++) {
        for (int k = CNN__IN; k < CNN__OPERANDS; k++) {
            cnn__block *at = operand_block(b, &b->record->steps[i].launch, k, &offset);
            if (at && i >= first_step && at->given) {
                return cnn__fail(b->program->ctx, CNN_ERROR_UNSUPPORTED,
                                 "%s: the module's forward changes a parameter or buffer, expected one that evaluates",
                                 b->call);
            }
            if (at && i < first_step) {
                at->given = true;
            }
        }
    }
    return CNN_OK;
}

/* ---- constants ---- */

static cnn_status constant_add(cnn__builder *b, void *memory, size_t bytes, int *number)
{
    cnn__program *p = b->program;
    if (!memory) {
        return program_no_memory(b, bytes);
    }
    *number = p->constant_count++; /* there is room for all blocks, writes, forms and terms */
    p->constants[*number] = (cnn__program_constant){ memory, bytes };
    return CNN_OK;
}

static cnn_status constant_make(cnn__builder *b, cnn__block *k)
{
    size_t bytes = b->record->blocks[k - b->blocks].bytes;
    return k->constant >= 0 ? CNN_OK : constant_add(b, cnn__calloc(b->program->ctx, 1, bytes), bytes, &k->constant);
}

/* The elements of a write that fills a whole constant block are its memory. */
static bool write_take_over(cnn__builder *b, cnn__recorded *step, cnn__block *k, size_t offset)
{
    bool whole = step->data && k->constant < 0 && offset == 0 && step->bytes == b->record->blocks[k - b->blocks].bytes;
    if (whole) {
        (void)constant_add(b, step->data, step->bytes, &k->constant);
        step->data = NULL;
    }
    return whole;
}

static cnn_status step_carry_out(const cnn__builder *b, const cnn__recorded *step, cnn_launch *l)
{
    const cnn_context *ctx = b->program->ctx;
    cnn_backend_failure failure = { .struct_size = sizeof failure };
    if (step->bytes) {
        memmove(l->out[0], step->data ? step->data : l->in[0], step->bytes);
        return CNN_OK;
    }
    size_t bytes = cnn__cpu_workspace(l, ctx->kernels, cnn__pool_size(ctx->pool));
    l->workspace = bytes ? cnn__alloc(b->program->ctx, bytes) : NULL;
    if (bytes && !l->workspace) {
        return program_no_memory(b, bytes);
    }
    bool done = cnn__cpu_run(l, ctx->kernels, ctx->pool, &failure);
    cnn__free(b->program->ctx, l->workspace);
    return done ? CNN_OK
                : cnn__fail(ctx, failure.status, "%s: %s: %s", b->call, cnn__kernel_name(failure.kernel),
                            failure.message);
}

static cnn_status run_constant_step(cnn__builder *b, cnn__recorded *step)
{
    cnn_launch l = step->launch;
    size_t offset = 0;
    for (int i = 0; i < CNN__OPERANDS; i++) {
        cnn__block *k = operand_block(b, &step->launch, i, &offset);
        if (!k) {
            continue;
        }
        if (i == CNN__IN && write_take_over(b, step, k, offset)) {
            return CNN_OK;
        }
        cnn_status status = constant_make(b, k);
        if (status != CNN_OK) {
            return status;
        }
        cnn__operand_set(&l, i, (char *)b->program->constants[k->constant].memory + offset);
    }
    return step_carry_out(b, step, &l);
}

/* ---- slices ---- */

/* Samples, as the first convolution has them; 1: it has no more. */
static int64_t slices_of(const cnn__builder *b)
{
    for (int i = 0; i < b->record->step_count; i++) {
        const cnn_launch *l = &b->record->steps[i].launch;
        if (l->kernel == CNN_KERNEL_CONV_FORWARD && !b->record->steps[i].bytes) {
            return ((const cnn_conv *)l->parameters)->batch;
        }
    }
    return 1;
}

/* Whether each operand that varies is cut into parts of its block, in their order. */
static bool cut_fits(const cnn__builder *b, const cnn_launch *l, int64_t count, const cnn__cut *cut)
{
    size_t offset = 0;
    for (int i = 0; i < CNN__OPERANDS; i++) {
        const cnn__block *k = operand_block(b, l, i, &offset);
        if (k && k->varies &&
            ((size_t)(cut->stride[i] * count) != b->record->blocks[k - b->blocks].bytes ||
             (int64_t)offset + cut->extent[i] > cut->stride[i])) {
            return false;
        }
    }
    return true;
}

/* Where slices are few, the threads share the work within each instead. */
static void cut_steps(const cnn__builder *b)
{
    int64_t count = slices_of(b);
    int workers = cnn__pool_size(b->program->ctx->pool);
    b->program->workers = count >= 2 * (int64_t)workers ? workers : 1;
    for (int i = 0; i < b->record->step_count && count > 1 && count < INT32_MAX; i++) {
        cnn__recorded *step = &b->record->steps[i];
        cnn__cut cut = { .size = NULL };
        if (!step->bytes && step_varies(b, &step->launch) &&
            cnn__launch_cut(&step->launch, count, b->program->ctx->kernels, &cut) &&
            cut_fits(b, &step->launch, count, &cut)) {
            *cut.size /= count;
            step->slices = (int)count;
            memcpy(step->stride, cut.stride, sizeof step->stride);
        }
    }
}

/* ---- steps ---- */

static cnn_status add_operands(cnn__builder *b, int number, const cnn_launch *recorded)
{
    cnn__program *p = b->program;
    cnn__program_step *step = &p->steps[number];
    size_t offset = 0;
    for (int i = 0; i < CNN__OPERANDS; i++) {
        cnn__block *k = operand_block(b, recorded, i, &offset);
        if (!k) {
            continue;
        }
        k->first = k->last < 0 ? number : k->first;
        k->last = number;
        if (k->varies) {
            p->places[p->place_count++] = (cnn__program_place){ number, i, k->port, offset };
            continue;
        }
        cnn_status status = constant_make(b, k);
        if (status != CNN_OK) {
            return status;
        }
        cnn__operand_set(&step->launch, i, (char *)p->constants[k->constant].memory + offset);
    }
    return CNN_OK;
}

static bool same_form(const cnn__form *a, const cnn__form *b)
{
    return a->kernel == b->kernel && a->bytes == b->bytes && memcmp(a->numbers, b->numbers, sizeof a->numbers) == 0;
}

/* A weight that is constant is packed once; steps that read it in the same form share that. */
static cnn_status add_form(cnn__builder *b, int number, bool weight_is_constant)
{
    cnn__program *p = b->program;
    cnn__program_step *step = &p->steps[number];
    cnn__form *form = &b->forms[number];
    *form = weight_is_constant ? cnn__cpu_form(&step->launch, p->ctx->kernels) : (cnn__form){ .bytes = 0 };
    for (int i = 0; form->bytes && i < number; i++) {
        if (p->steps[i].launch.in[1] == step->launch.in[1] && same_form(&b->forms[i], form)) {
            step->kept.packed = p->steps[i].kept.packed;
            return CNN_OK;
        }
    }
    int constant = -1;
    if (form->bytes) {
        cnn_status status = constant_add(b, cnn__alloc(p->ctx, form->bytes), form->bytes, &constant);
        if (status != CNN_OK) {
            return status;
        }
        step->kept = (cnn__kept_form){ .packed = p->constants[constant].memory, .packs = true };
    }
    return CNN_OK;
}

static size_t step_workspace(const cnn__builder *b, const cnn__program_step *step, int workers)
{
    const cnn_context *ctx = b->program->ctx;
    if (!step->kept.packed) {
        return cnn__cpu_workspace(&step->launch, ctx->kernels, workers);
    }
    size_t bytes = 0;
    for (int packs = 0; packs < 2; packs++) {
        cnn__kept_form kept = { step->kept.packed, packs };
        size_t some = cnn__cpu_workspace_kept(&step->launch, ctx->kernels, workers, kept);
        bytes = some > bytes ? some : bytes;
    }
    return bytes;
}

static cnn_status add_step(cnn__builder *b, cnn__recorded *recorded)
{
    cnn__program *p = b->program;
    int number = p->step_count++, data = -1;
    cnn__program_step *step = &p->steps[number];
    step->launch = recorded->launch;
    step->call = recorded->call;
    step->bytes = recorded->bytes;
    step->slices = recorded->slices;
    memcpy(step->stride, recorded->stride, sizeof step->stride);
    recorded->launch.parameters = NULL; /* they are the program's now */
    if (recorded->data) {
        (void)constant_add(b, recorded->data, recorded->bytes, &data);
        step->launch.in[0] = recorded->data;
        recorded->data = NULL;
    }
    cnn_status status = add_operands(b, number, &recorded->launch);
    if (status == CNN_OK && !step->bytes) {
        size_t offset;
        const cnn__block *weight = operand_block(b, &recorded->launch, 1, &offset);
        status = add_form(b, number, weight && !weight->varies);
        size_t workspace = status == CNN_OK ? step_workspace(b, step, cnn__pool_size(p->ctx->pool)) : 0;
        b->workspace = workspace > b->workspace ? workspace : b->workspace;
        workspace = status == CNN_OK && step->slices ? place_round(step_workspace(b, step, 1)) : 0;
        p->slice_workspace = workspace > p->slice_workspace ? workspace : p->slice_workspace;
    }
    return status;
}

static cnn_status add_steps(cnn__builder *b)
{
    size_t offset;
    cnn_status status = CNN_OK;
    for (int i = 0; i < b->record->step_count && status == CNN_OK; i++) {
        cnn__recorded *step = &b->record->steps[i];
        bool constant = true; /* are all results? */
        for (int k = CNN__IN; k < CNN__OPERANDS; k++) {
            const cnn__block *to = operand_block(b, &step->launch, k, &offset);
            constant = constant && (!to || !to->varies);
        }
        /* A check that writes nothing runs with what it checks. */
        bool now = constant && !step_varies(b, &step->launch);
        status = now ? run_constant_step(b, step) : add_step(b, step);
    }
    return status;
}

/* The normalisation that is part of a convolution by now: three numbers of each channel, rounded as its own kernel
 * rounds them (simd/elementwise/normalise.c). */
static cnn_status make_terms(cnn__builder *b)
{
    cnn__program *p = b->program;
    for (int i = 0; i < p->step_count; i++) {
        cnn_launch *l = &p->steps[i].launch;
        if (l->kernel != CNN_KERNEL_CONV_FORWARD || !l->in[3]) {
            continue;
        }
        int64_t channels = ((const cnn_conv *)l->parameters)->out_channels;
        size_t bytes = 3 * (size_t)channels * sizeof(float);
        const double *statistics = l->in[3];
        const float *weight = l->in[4], *bias = l->in[5];
        float *terms = cnn__alloc(p->ctx, bytes);
        int constant;
        if (constant_add(b, terms, bytes, &constant) != CNN_OK) {
            return CNN_ERROR_NO_MEMORY;
        }
        for (int64_t c = 0; c < channels; c++, terms += 3) {
            double scale = statistics[channels + c];
            terms[0] = (float)statistics[c];
            terms[1] = (float)(weight ? scale * (double)weight[c] : scale);
            terms[2] = bias ? bias[c] : 0;
        }
        l->in[3] = p->constants[constant].memory;
        l->in[4] = l->in[5] = NULL;
    }
    return CNN_OK;
}

/* ---- the memory of a call ---- */

/* The bytes that a block needs: of one slice where it lives within. */
static size_t place_bytes(const cnn__builder *b, int number)
{
    const cnn__block *k = &b->blocks[number];
    return place_round(b->record->blocks[number].bytes / (k->local ? (size_t)b->program->steps[k->first].slices : 1));
}

/* A block is local where all steps that use it are cut, one behind the other. Another lives as long as steps that are
 * cut follow each other, since the first of them runs again behind the last. */
static void live_longer(const cnn__builder *b, cnn__block *k)
{
    const cnn__program *p = b->program;
    k->local = true;
    for (int i = k->first; i <= k->last; i++) {
        k->local = k->local && p->steps[i].slices;
    }
    while (!k->local && k->first > 0 && p->steps[k->first].slices && p->steps[k->first - 1].slices) {
        k->first--;
    }
    while (!k->local && k->last + 1 < p->step_count && p->steps[k->last].slices && p->steps[k->last + 1].slices) {
        k->last++;
    }
}

static bool needs_place(const cnn__block *k)
{
    return k->varies && k->port < 0 && k->last >= 0;
}

/* The lowest place for a block at which no block that has one, marked in `placed`, lies at the same time. */
static size_t find_place(const cnn__builder *b, int number, const bool *placed)
{
    const cnn__block *k = &b->blocks[number];
    size_t bytes = place_bytes(b, number), at = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < b->record->block_count; i++) {
            const cnn__block *other = &b->blocks[i];
            size_t end = other->at + place_bytes(b, i);
            if (placed[i] && other->local == k->local && other->first <= k->last && k->first <= other->last &&
                other->at < at + bytes && at < end) {
                at = end;
                moved = true;
            }
        }
    }
    return at;
}

/* The largest blocks first: small ones find room between them. */
static cnn_status place_blocks(const cnn__builder *b)
{
    cnn__program *p = b->program;
    const cnn__recorder *r = b->record;
    bool *placed = cnn__calloc(p->ctx, (size_t)r->block_count + 1, sizeof *placed);
    if (!placed) {
        return program_no_memory(b, (size_t)r->block_count + 1);
    }
    for (int i = 0; i < r->block_count; i++) {
        if (needs_place(&b->blocks[i])) {
            live_longer(b, &b->blocks[i]);
        }
    }
    for (;;) {
        int largest = -1;
        for (int i = 0; i < r->block_count; i++) {
            if (needs_place(&b->blocks[i]) && !placed[i] &&
                (largest < 0 || r->blocks[i].bytes > r->blocks[largest].bytes)) {
                largest = i;
            }
        }
        if (largest < 0) {
            break;
        }
        cnn__block *k = &b->blocks[largest];
        k->at = find_place(b, largest, placed);
        placed[largest] = true;
        size_t end = k->at + place_bytes(b, largest), *total = k->local ? &p->local : &p->shared;
        *total = end > *total ? end : *total;
    }
    cnn__free(p->ctx, placed);
    size_t workspace = p->slice_workspace * (size_t)p->workers;
    p->workspace = p->shared + p->local * (size_t)p->workers;
    p->call_bytes = p->workspace + (workspace > b->workspace ? workspace : b->workspace);
    for (int i = 0; i < p->place_count; i++) {
        cnn__program_place *place = &p->places[i];
        if (place->port < 0) {
            size_t offset;
            cnn__program_step *step = &p->steps[place->step];
            const cnn__block *k = operand_block(b, &step->launch, place->operand, &offset);
            place->offset += k->at + (k->local ? p->shared : 0);
            step->local[place->operand] = k->local;
            if (k->local) {
                step->stride[place->operand] = 0;
            }
        }
    }
    return CNN_OK;
}

/* Frees constants that only other constants were made of. */
static void drop_unused(const cnn__builder *b, const cnn__program_ports *ports)
{
    for (int i = 0; i < b->record->block_count; i++) {
        const cnn__block *k = &b->blocks[i];
        bool used = k->last >= 0;
        for (int j = 0; j < ports->outputs; j++) {
            used = used || ports->blocks[ports->inputs + j] == i;
        }
        if (!used && k->constant >= 0) {
            cnn__program_constant *c = &b->program->constants[k->constant];
            cnn__free(b->program->ctx, c->memory);
            *c = (cnn__program_constant){ NULL, 0 };
        }
    }
}

/* ---- making ---- */

static cnn_status program_build(cnn__builder *b, const cnn__program_ports *ports, const void **results)
{
    cnn__program *p = b->program;
    const cnn__recorder *r = b->record;
    size_t steps = (size_t)r->step_count + 1, blocks = (size_t)r->block_count + 1;
    b->blocks = cnn__calloc(p->ctx, blocks, sizeof *b->blocks);
    b->forms = cnn__calloc(p->ctx, steps, sizeof *b->forms);
    p->steps = cnn__calloc(p->ctx, steps, sizeof *p->steps);
    p->places = cnn__calloc(p->ctx, steps * CNN__OPERANDS, sizeof *p->places);
    p->constants = cnn__calloc(p->ctx, blocks + 3 * steps, sizeof *p->constants);
    if (!b->blocks || !b->forms || !p->steps || !p->places || !p->constants) {
        return program_no_memory(b, steps * CNN__OPERANDS * sizeof *p->places);
    }
    for (int i = 0; i < r->block_count; i++) {
        b->blocks[i] = (cnn__block){ .port = -1, .last = -1, .constant = -1 };
    }
    for (int i = 0; i < ports->inputs + ports->outputs; i++) {
        if (ports->blocks[i] < 0) {
            continue;
        }
        b->blocks[ports->blocks[i]].port = i;
        b->blocks[ports->blocks[i]].varies = i < ports->inputs;
    }
    cnn_status status = check_given(b, ports->first_step);
    find_varying(b);
    if (strcmp(p->ctx->kernels->name, "reference") != 0) { /* the reference has no epilogue */
        cnn__program_fuse(b);
    }
    cut_steps(b);
    status = status == CNN_OK ? add_steps(b) : status;
    status = status == CNN_OK ? make_terms(b) : status;
    status = status == CNN_OK ? place_blocks(b) : status;
    for (int i = 0; i < ports->outputs && status == CNN_OK; i++) {
        cnn__block *k = &b->blocks[ports->blocks[ports->inputs + i]];
        status = k->varies ? CNN_OK : constant_make(b, k);
        results[i] = k->varies || status != CNN_OK ? NULL : p->constants[k->constant].memory;
    }
    if (status == CNN_OK) {
        drop_unused(b, ports);
    }
    return status;
}

cnn_status cnn__program_make(cnn__program *program, cnn__recorder *recorder, const cnn__program_ports *ports,
                             const void **results, const char *call)
{
    *program = (cnn__program){ .ctx = recorder->ctx };
    cnn__builder b = { .program = program, .record = recorder, .call = call };
    cnn_status status = program_build(&b, ports, results);
    cnn__free(program->ctx, b.blocks);
    cnn__free(program->ctx, b.forms);
    if (status != CNN_OK) {
        cnn__program_end(program);
    }
    return status;
}

void cnn__program_end(cnn__program *program)
{
    for (int i = 0; i < program->step_count; i++) {
        cnn__free(program->ctx, (void *)(uintptr_t)program->steps[i].launch.parameters);
    }
    for (int i = 0; i < program->constant_count; i++) {
        cnn__free(program->ctx, program->constants[i].memory);
    }
    cnn__free(program->ctx, program->steps);
    cnn__free(program->ctx, program->places);
    cnn__free(program->ctx, program->constants);
    *program = (cnn__program){ .ctx = program->ctx };
}

size_t cnn__program_bytes(const cnn__program *program)
{
    size_t bytes = 0;
    for (int i = 0; i < program->constant_count; i++) {
        bytes += program->constants[i].bytes;
    }
    return bytes;
}
