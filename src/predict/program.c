/* From a record to a program: which blocks are constant, what of the record is done at once, where the others lie.
 *
 * A block is constant where nothing that is written to it depends on an input; an operand that a kernel writes counts
 * as read, because it may be updated in place. Steps that write constants are carried out here, in their order: folded
 * batch normalisations, tables of positions. A block of results lives from its first step to its last, and blocks whose
 * lives overlap get places that do not. */
#include "predict/program.h"

#include "platform/clock.h"

#include <string.h>

enum { OPERANDS = CNN__IN + CNN__OUT, PLACE_GRAIN = 64 };

typedef struct block {
    bool varies;     /* depends on an input */
    bool given;      /* a parameter or buffer of the module */
    int port;        /* −1: none */
    int first, last; /* steps of the program that use it; last −1: none */
    size_t at;       /* its place in the memory of a call */
    int constant;    /* the number of its memory among the program's constants; −1: none yet */
} block;

typedef struct builder {
    cnn__program *program;
    cnn__recorder *record;
    const char *call;
    block *blocks;
    cnn__form *forms; /* of the weight of each step of the program */
    size_t workspace; /* the most that a step needs */
} builder;

static const void *operand_of(const cnn_launch *l, int i)
{
    return i < CNN__IN ? l->in[i] : l->out[i - CNN__IN];
}

static void operand_set(cnn_launch *l, int i, void *address)
{
    if (i < CNN__IN) {
        l->in[i] = address;
    } else {
        l->out[i - CNN__IN] = address;
    }
}

/* The block of operand i of a step; NULL: there is none. */
static block *operand_block(const builder *b, const cnn_launch *l, int i, size_t *offset)
{
    int number = cnn__recorder_block(b->record, operand_of(l, i), offset);
    return number < 0 ? NULL : &b->blocks[number];
}

static cnn_status program_no_memory(const builder *b, size_t bytes)
{
    return cnn__fail_memory(b->program->ctx, b->call, bytes);
}

/* ---- what varies ---- */

static bool step_varies(const builder *b, const cnn_launch *l)
{
    size_t offset;
    for (int i = 0; i < OPERANDS; i++) {
        const block *k = operand_block(b, l, i, &offset);
        if (k && k->varies) {
            return true;
        }
    }
    return false;
}

/* Marks what a step that varies writes; true: something was not marked before. */
static bool spread_variation(const builder *b, const cnn_launch *l)
{
    size_t offset;
    bool more = false;
    for (int i = CNN__IN; i < OPERANDS; i++) {
        block *k = operand_block(b, l, i, &offset);
        more = more || (k && !k->varies);
        if (k) {
            k->varies = true;
        }
    }
    return more;
}

static void find_varying(const builder *b)
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
static cnn_status check_given(const builder *b, int first_step)
{
    size_t offset;
    for (int i = 0; i < b->record->step_count; i++) {
        for (int k = CNN__IN; k < OPERANDS; k++) {
            block *at = operand_block(b, &b->record->steps[i].launch, k, &offset);
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

static cnn_status constant_add(builder *b, void *memory, size_t bytes, int *number)
{
    cnn__program *p = b->program;
    if (!memory) {
        return program_no_memory(b, bytes);
    }
    *number = p->constant_count++; /* there is room for all blocks, writes and forms */
    p->constants[*number] = (cnn__program_constant){ memory, bytes };
    return CNN_OK;
}

static cnn_status constant_make(builder *b, block *k)
{
    size_t bytes = b->record->blocks[k - b->blocks].bytes;
    return k->constant >= 0 ? CNN_OK : constant_add(b, cnn__calloc(b->program->ctx, 1, bytes), bytes, &k->constant);
}

/* The elements of a write that fills a whole constant block are its memory. */
static bool write_take_over(builder *b, cnn__recorded *step, block *k, size_t offset)
{
    bool whole = step->data && k->constant < 0 && offset == 0 && step->bytes == b->record->blocks[k - b->blocks].bytes;
    if (whole) {
        (void)constant_add(b, step->data, step->bytes, &k->constant);
        step->data = NULL;
    }
    return whole;
}

static cnn_status step_carry_out(const builder *b, const cnn__recorded *step, cnn_launch *l)
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

static cnn_status run_constant_step(builder *b, cnn__recorded *step)
{
    cnn_launch l = step->launch;
    size_t offset = 0;
    for (int i = 0; i < OPERANDS; i++) {
        block *k = operand_block(b, &step->launch, i, &offset);
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
        operand_set(&l, i, (char *)b->program->constants[k->constant].memory + offset);
    }
    return step_carry_out(b, step, &l);
}

/* ---- steps ---- */

static cnn_status add_operands(builder *b, int number, const cnn_launch *recorded)
{
    cnn__program *p = b->program;
    cnn__program_step *step = &p->steps[number];
    size_t offset = 0;
    for (int i = 0; i < OPERANDS; i++) {
        block *k = operand_block(b, recorded, i, &offset);
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
        operand_set(&step->launch, i, (char *)p->constants[k->constant].memory + offset);
    }
    return CNN_OK;
}

static bool same_form(const cnn__form *a, const cnn__form *b)
{
    return a->kernel == b->kernel && a->bytes == b->bytes && memcmp(a->numbers, b->numbers, sizeof a->numbers) == 0;
}

/* A weight that is constant is packed once; steps that read it in the same form share that. */
static cnn_status add_form(builder *b, int number, bool weight_is_constant)
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

static size_t step_workspace(const builder *b, const cnn__program_step *step)
{
    const cnn_context *ctx = b->program->ctx;
    int workers = cnn__pool_size(ctx->pool);
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

static cnn_status add_step(builder *b, cnn__recorded *recorded)
{
    cnn__program *p = b->program;
    int number = p->step_count++, data = -1;
    cnn__program_step *step = &p->steps[number];
    step->launch = recorded->launch;
    step->call = recorded->call;
    step->bytes = recorded->bytes;
    recorded->launch.parameters = NULL; /* they are the program's now */
    if (recorded->data) {
        (void)constant_add(b, recorded->data, recorded->bytes, &data);
        step->launch.in[0] = recorded->data;
        recorded->data = NULL;
    }
    cnn_status status = add_operands(b, number, &recorded->launch);
    if (status == CNN_OK && !step->bytes) {
        size_t offset;
        const block *weight = operand_block(b, &recorded->launch, 1, &offset);
        status = add_form(b, number, weight && !weight->varies);
        size_t workspace = status == CNN_OK ? step_workspace(b, step) : 0;
        b->workspace = workspace > b->workspace ? workspace : b->workspace;
    }
    return status;
}

static cnn_status add_steps(builder *b)
{
    size_t offset;
    cnn_status status = CNN_OK;
    for (int i = 0; i < b->record->step_count && status == CNN_OK; i++) {
        cnn__recorded *step = &b->record->steps[i];
        bool constant = true; /* are all results? */
        for (int k = CNN__IN; k < OPERANDS; k++) {
            const block *to = operand_block(b, &step->launch, k, &offset);
            constant = constant && (!to || !to->varies);
        }
        /* A check that writes nothing runs with what it checks. */
        bool now = constant && !step_varies(b, &step->launch);
        status = now ? run_constant_step(b, step) : add_step(b, step);
    }
    return status;
}

/* ---- the memory of a call ---- */

static size_t place_round(size_t bytes)
{
    return (bytes + PLACE_GRAIN - 1) / PLACE_GRAIN * PLACE_GRAIN;
}

static bool needs_place(const block *k)
{
    return k->varies && k->port < 0 && k->last >= 0;
}

/* The lowest place for a block at which no block that has one, marked in `placed`, lies at the same time. */
static size_t find_place(const builder *b, int number, const bool *placed)
{
    const block *k = &b->blocks[number];
    size_t bytes = place_round(b->record->blocks[number].bytes), at = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < b->record->block_count; i++) {
            const block *other = &b->blocks[i];
            size_t end = other->at + place_round(b->record->blocks[i].bytes);
            if (placed[i] && other->first <= k->last && k->first <= other->last && other->at < at + bytes && at < end) {
                at = end;
                moved = true;
            }
        }
    }
    return at;
}

/* The largest blocks first: small ones find room between them. */
static cnn_status place_blocks(const builder *b)
{
    cnn__program *p = b->program;
    const cnn__recorder *r = b->record;
    bool *placed = cnn__calloc(p->ctx, (size_t)r->block_count + 1, sizeof *placed);
    if (!placed) {
        return program_no_memory(b, (size_t)r->block_count + 1);
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
        size_t at = find_place(b, largest, placed), end = at + place_round(r->blocks[largest].bytes);
        b->blocks[largest].at = at;
        placed[largest] = true;
        p->workspace = end > p->workspace ? end : p->workspace;
    }
    cnn__free(p->ctx, placed);
    p->call_bytes = p->workspace + b->workspace;
    for (int i = 0; i < p->place_count; i++) {
        cnn__program_place *place = &p->places[i];
        if (place->port < 0) {
            size_t offset;
            const cnn_launch *l = &p->steps[place->step].launch;
            place->offset += operand_block(b, l, place->operand, &offset)->at;
        }
    }
    return CNN_OK;
}

/* Frees constants that only other constants were made of. */
static void drop_unused(const builder *b, const cnn__program_ports *ports)
{
    for (int i = 0; i < b->record->block_count; i++) {
        const block *k = &b->blocks[i];
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

static cnn_status program_build(builder *b, const cnn__program_ports *ports, const void **results)
{
    cnn__program *p = b->program;
    const cnn__recorder *r = b->record;
    size_t steps = (size_t)r->step_count + 1, blocks = (size_t)r->block_count + 1;
    b->blocks = cnn__calloc(p->ctx, blocks, sizeof *b->blocks);
    b->forms = cnn__calloc(p->ctx, steps, sizeof *b->forms);
    p->steps = cnn__calloc(p->ctx, steps, sizeof *p->steps);
    p->places = cnn__calloc(p->ctx, steps * OPERANDS, sizeof *p->places);
    p->constants = cnn__calloc(p->ctx, blocks + 2 * steps, sizeof *p->constants);
    if (!b->blocks || !b->forms || !p->steps || !p->places || !p->constants) {
        return program_no_memory(b, steps * OPERANDS * sizeof *p->places);
    }
    for (int i = 0; i < r->block_count; i++) {
        b->blocks[i] = (block){ .port = -1, .last = -1, .constant = -1 };
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
    status = status == CNN_OK ? add_steps(b) : status;
    status = status == CNN_OK ? place_blocks(b) : status;
    for (int i = 0; i < ports->outputs && status == CNN_OK; i++) {
        block *k = &b->blocks[ports->blocks[ports->inputs + i]];
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
    builder b = { .program = program, .record = recorder, .call = call };
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

/* ---- calls ---- */

void cnn__program_bind(const cnn__program *program, cnn__program_step *steps, char *memory)
{
    for (int i = 0; i < program->place_count; i++) {
        const cnn__program_place *place = &program->places[i];
        if (place->port < 0) {
            operand_set(&steps[place->step].launch, place->operand, memory + place->offset);
        }
    }
    for (int i = 0; i < program->step_count; i++) {
        steps[i].launch.workspace = memory + program->workspace;
    }
}

static bool step_carry(cnn__program_step *step, const cnn_context *ctx, cnn_backend_failure *failure)
{
    if (step->bytes) {
        memmove(step->launch.out[0], step->launch.in[0], step->bytes);
        return true;
    }
    if (step->kept.packed) {
        cnn__cpu_run_kept(&step->launch, ctx->kernels, ctx->pool, step->kept);
        return true;
    }
    return cnn__cpu_run(&step->launch, ctx->kernels, ctx->pool, failure);
}

static bool step_run(cnn__program_step *step, const cnn_context *ctx, cnn_backend_failure *failure)
{
    if (!cnn__observed(ctx) || !ctx->profile || step->bytes) {
        return step_carry(step, ctx, failure);
    }
    double start = cnn__clock();
    bool done = step_carry(step, ctx, failure);
    cnn__profile_launch(ctx, step->call, &step->launch, start);
    return done;
}

static void bind_ports(const cnn__program *program, cnn__program_step *steps, const void *const *inputs,
                       int input_count, void *const *outputs)
{
    for (int i = 0; i < program->place_count; i++) {
        const cnn__program_place *place = &program->places[i];
        if (place->port >= 0) {
            char *base =
                place->port < input_count ? (char *)(uintptr_t)inputs[place->port] : outputs[place->port - input_count];
            operand_set(&steps[place->step].launch, place->operand, base + place->offset);
        }
    }
}

void cnn__program_pack(const cnn__program *program, cnn__program_step *steps, const void *const *inputs,
                       int input_count, void *const *outputs)
{
    bind_ports(program, steps, inputs, input_count, outputs);
    for (int i = 0; i < program->step_count; i++) {
        if (steps[i].kept.packs) {
            step_run(&steps[i], program->ctx, NULL);
        }
    }
}

static bool is_in(const cnn__program_constant *c, const void *address)
{
    uintptr_t at = (uintptr_t)address, from = (uintptr_t)c->memory;
    return c->memory && at >= from && at < from + c->bytes;
}

/* Whether nobody but products that have it packed read a constant. Convolutions look at their weight for what is not
 * finite, and sum such results anew from it. */
static bool is_packed_alone(const cnn__program *program, const cnn__program_constant *c, const void *const *results,
                            int count)
{
    bool packed = false;
    for (int i = 0; i < count; i++) {
        if (is_in(c, results[i])) {
            return false;
        }
    }
    for (int i = 0; i < program->step_count; i++) {
        const cnn__program_step *step = &program->steps[i];
        if (is_in(c, step->kept.packed)) {
            return false;
        }
        for (int k = 0; k < OPERANDS; k++) {
            bool read = is_in(c, operand_of(&step->launch, k));
            if (read && (k != 1 || !step->kept.packed || step->launch.kernel != CNN_KERNEL_GEMM)) {
                return false;
            }
            packed |= read;
        }
    }
    return packed;
}

void cnn__program_drop_packed(cnn__program *program, cnn__program_step *steps, const void *const *results, int count)
{
    for (int i = 0; i < program->constant_count; i++) {
        cnn__program_constant *c = &program->constants[i];
        if (is_packed_alone(program, c, results, count)) {
            for (int k = 0; k < program->step_count; k++) {
                if (is_in(c, program->steps[k].launch.in[1])) {
                    program->steps[k].launch.in[1] = steps[k].launch.in[1] = program->steps[k].kept.packed;
                }
            }
            cnn__free(program->ctx, c->memory);
            *c = (cnn__program_constant){ NULL, 0 };
        }
    }
}

bool cnn__program_run(const cnn__program *program, cnn__program_step *steps, const void *const *inputs, int input_count,
                      void *const *outputs, cnn_backend_failure *failure)
{
    bind_ports(program, steps, inputs, input_count, outputs);
    bool done = true;
    for (int i = 0; i < program->step_count && done; i++) {
        done = step_run(&steps[i], program->ctx, failure);
    }
    return done;
}
