/* Calls of a program, step by step; steps that are cut into slices run slice by slice, so that what one writes is still
 * cached when the next reads it. Where there are slices enough, the threads of the pool take them in turns, each with
 * memory of its own for what lies in between. */
#include "predict/program.h"

#include "platform/clock.h"

/* ---- calls ---- */

void cnn__program_bind(const cnn__program *program, cnn__program_step *steps, char *memory)
{
    for (int i = 0; i < program->place_count; i++) {
        const cnn__program_place *place = &program->places[i];
        if (place->port < 0) {
            cnn__operand_set(&steps[place->step].launch, place->operand, memory + place->offset);
        }
    }
    for (int i = 0; i < program->step_count; i++) {
        steps[i].launch.workspace = memory + program->workspace;
    }
}

static bool step_carry(cnn__program_step *step, const cnn_context *ctx, cnn__pool *pool, cnn_backend_failure *failure)
{
    if (step->bytes) {
        memmove(step->launch.out[0], step->launch.in[0], step->bytes);
        return true;
    }
    if (step->kept.packed) {
        cnn__cpu_run_kept(&step->launch, ctx->kernels, pool, step->kept);
        return true;
    }
    return cnn__cpu_run(&step->launch, ctx->kernels, pool, failure);
}

static bool is_profiled(const cnn_context *ctx)
{
    return cnn__observed(ctx) && ctx->profile;
}

static bool step_run(cnn__program_step *step, const cnn_context *ctx, cnn__pool *pool, cnn_backend_failure *failure)
{
    if (!is_profiled(ctx) || step->bytes) {
        return step_carry(step, ctx, pool, failure);
    }
    double start = cnn__clock();
    bool done = step_carry(step, ctx, pool, failure);
    cnn__profile_launch(ctx, step->call, &step->launch, start);
    return done;
}

typedef struct slice_job {
    const cnn__program *program;
    const cnn__program_step *steps;
    int count;
    cnn__pool *pool; /* the pool that works within a slice */
} slice_job;

/* All steps of a slice. Kernels that can fail are not cut. */
static void run_slice(void *arg, int64_t slice, int worker)
{
    const slice_job *job = arg;
    const cnn__program *p = job->program;
    for (int i = 0; i < job->count; i++) {
        cnn__program_step step = job->steps[i];
        for (int k = 0; k < CNN__OPERANDS; k++) {
            char *at = (char *)(uintptr_t)cnn__operand(&step.launch, k);
            if (at) {
                at += step.local[k] ? (size_t)worker * p->local : (size_t)slice * (size_t)step.stride[k];
                cnn__operand_set(&step.launch, k, at);
            }
        }
        step.launch.workspace = (char *)step.launch.workspace + (size_t)worker * p->slice_workspace;
        step_run(&step, p->ctx, job->pool, NULL);
    }
}

/* The steps from `steps` on that are cut; returns how many. */
static int run_slices(const cnn__program *program, const cnn__program_step *steps, int left)
{
    const cnn_context *ctx = program->ctx;
    slice_job job = { .program = program, .steps = steps };
    while (job.count < left && steps[job.count].slices) {
        job.count++;
    }
    if (program->workers > 1 && !is_profiled(ctx)) {
        cnn__pool_run(ctx->pool, steps->slices, CNN__POOL_GRAIN, run_slice, &job);
    } else {
        job.pool = ctx->pool;
        for (int i = 0; i < steps->slices; i++) {
            run_slice(&job, i, 0);
        }
    }
    return job.count;
}

static void bind_ports(const cnn__program *program, cnn__program_step *steps, const void *const *inputs,
                       int input_count, void *const *outputs)
{
    for (int i = 0; i < program->place_count; i++) {
        const cnn__program_place *place = &program->places[i];
        if (place->port >= 0) {
            char *base =
                place->port < input_count ? (char *)(uintptr_t)inputs[place->port] : outputs[place->port - input_count];
            cnn__operand_set(&steps[place->step].launch, place->operand, base + place->offset);
        }
    }
}

void cnn__program_pack(const cnn__program *program, cnn__program_step *steps, const void *const *inputs,
                       int input_count, void *const *outputs)
{
    bind_ports(program, steps, inputs, input_count, outputs);
    for (int i = 0; i < program->step_count; i++) {
        if (steps[i].kept.packs) {
            step_run(&steps[i], program->ctx, program->ctx->pool, NULL);
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
        for (int k = 0; k < CNN__OPERANDS; k++) {
            bool read = is_in(c, cnn__operand(&step->launch, k));
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
    for (int i = 0; i < program->step_count && done;) {
        if (steps[i].slices) {
            i += run_slices(program, &steps[i], program->step_count - i);
        } else {
            done = step_run(&steps[i++], program->ctx, program->ctx->pool, failure);
        }
    }
    return done;
}
