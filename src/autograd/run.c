/* Launches of a step: with their workspace, and with what fails of them as the step's failure. */
#include "autograd/tape.h"

#include "platform/clock.h"
#include "tensor/cache.h"
#include "tensor/kept.h"

/* ---- handing over ---- */

void *cnn__scratch_get(cnn_tape *tape, size_t size)
{
    void *workspace = cnn__cache_workspace(cnn__tape_cache(tape), size);
    if (!workspace) {
        cnn__tape_fail(tape, CNN_ERROR_NO_MEMORY, "tape: no memory for %zu bytes of workspace", size);
    }
    return workspace;
}

static bool find_workspace(cnn_tape *tape, cnn_launch *launch)
{
    size_t size = cnn__launch_workspace(cnn__step_of(tape)->ctx, launch);
    return !size || (launch->workspace = cnn__scratch_get(tape, size)) != NULL;
}

/* What was handed over belongs to the step, also where that failed. */
static bool report_failed(cnn_tape *tape, cnn_status status)
{
    cnn__step_of(tape)->launched = cnn__device_number(cnn__step_of(tape)->ctx);
    if (status != CNN_OK) {
        cnn__tape_fail(tape, status, "%s", cnn__failure_message());
    }
    return status == CNN_OK;
}

/* Whether the step traces, so that this work is only counted. Asked where the context is observed, which is rare. */
static __attribute__((cold, noinline)) bool counted(cnn_tape *tape, cnn__counts work)
{
    bool tracing = cnn__tape_tracing(tape);
    if (tracing) {
        cnn__step_of(tape)->work.flops += work.flops;
        cnn__step_of(tape)->work.bytes += work.bytes;
    }
    return tracing;
}

static __attribute__((cold, noinline)) bool counted_launch(cnn_tape *tape, const cnn_launch *launch)
{
    return counted(tape, cnn__launch_counts(launch));
}

/* The same of a pass that moves the elements of a tensor. */
static __attribute__((cold, noinline)) bool counted_pass(cnn_tape *tape, const cnn_tensor *t, int operands)
{
    double bytes = (double)t->numel * (double)cnn_dtype_size(t->dtype);
    return counted(tape, (cnn__counts){ .bytes = operands * bytes });
}

bool cnn__run(cnn_tape *tape, const char *call, cnn_launch *launch)
{
    const cnn_context *ctx = cnn__step_of(tape)->ctx;
    bool observed = cnn__observed(ctx);
    if (observed && counted_launch(tape, launch)) {
        return true;
    }
    if (!ctx->device && !observed && !cnn__cpu_has_workspace(launch) &&
        cnn__cpu_run(launch, ctx->kernels, ctx->pool, NULL)) {
        return true;
    }
    return find_workspace(tape, launch) && report_failed(tape, cnn__launch(cnn__step_of(tape)->ctx, call, launch));
}

/* Under the form that `memory` says. */
static bool run_kept(cnn_tape *tape, const char *call, cnn_launch *launch, cnn__kept_form memory)
{
    const cnn_context *ctx = cnn__step_of(tape)->ctx;
    size_t size = cnn__cpu_workspace_kept(launch, ctx->kernels, cnn__pool_size(ctx->pool), memory);
    bool ready = !size || (launch->workspace = cnn__scratch_get(tape, size)) != NULL;
    double start = ctx->profile ? cnn__clock() : 0;
    if (ready) {
        cnn__cpu_run_kept(launch, ctx->kernels, ctx->pool, memory);
    }
    if (ready && ctx->profile) {
        cnn__profile_launch(ctx, call, launch, start);
    }
    return ready;
}

bool cnn__run_weighted(cnn_tape *tape, const char *call, cnn_launch *launch, const cnn_tensor *weight)
{
    const cnn_context *ctx = cnn__step_of(tape)->ctx;
    bool trained = weight && cnn__tape_recording(tape) && weight->requires_grad;
    if (!weight || trained || cnn__tape_tracing(tape) || !cnn__kept_fits(weight)) {
        return cnn__run(tape, call, launch);
    }
    cnn__kept_form memory;
    cnn__form form = cnn__cpu_form(launch, ctx->kernels);
    cnn__kept *kept = cnn__kept_take(weight, &form, &memory);
    if (!kept) {
        return cnn__run(tape, call, launch);
    }
    bool ready = run_kept(tape, call, launch, memory);
    cnn__kept_done(kept, ready);
    return ready;
}

bool cnn__run_packed(cnn_tape *tape, const char *call, cnn_launch *launch, const cnn_tensor *memory, bool packs)
{
    const cnn_context *ctx = cnn__step_of(tape)->ctx;
    size_t bytes = memory ? (size_t)memory->numel * cnn_dtype_size(memory->dtype) : 0;
    cnn__form form = { .bytes = 0 };
    if (memory && !ctx->device && !cnn__tape_tracing(tape) && cnn__dtype_is_real(memory->dtype)) {
        form = cnn__cpu_form(launch, ctx->kernels);
    }
    return form.bytes && form.bytes <= bytes
               ? run_kept(tape, call, launch, (cnn__kept_form){ cnn__data(memory), packs })
               : cnn__run(tape, call, launch);
}

bool cnn__run_checked(cnn_tape *tape, const char *call, cnn_launch *launch, cnn_backend_failure *failure)
{
    failure->status = CNN_OK;
    if (cnn__observed(cnn__step_of(tape)->ctx) && counted_launch(tape, launch)) {
        return true;
    }
    if (!find_workspace(tape, launch)) {
        return false;
    }
    cnn_status status = cnn__launch_checked(cnn__step_of(tape)->ctx, call, launch, failure);
    return failure->status == CNN_OK ? report_failed(tape, status) : false;
}

bool cnn__run_copy(cnn_tape *tape, const char *call, cnn_tensor *to, const cnn_tensor *from)
{
    return (cnn__observed(to->ctx) && counted_pass(tape, to, 2)) ||
           report_failed(tape, cnn__tensor_copy(to, from, call));
}

bool cnn__run_fill(cnn_tape *tape, const char *call, const cnn_tensor *t, double value)
{
    return !t || (cnn__observed(t->ctx) && counted_pass(tape, t, 1)) || report_failed(tape, cnn__fill(t, call, value));
}

void cnn__scratch_done(cnn_tape *tape)
{
    cnn__cache_workspace_done(cnn__tape_cache(tape));
}

/* ---- small operations ---- */

/* Their launches are written member by member: most of such an operation's time would go into clearing operands and
 * loop nests that it does not have. */

/* Everything but the parameters of a launch on operands[0], the result, and the `count` − 1 inputs behind it. */
static void run_prepare(cnn_launch *l, cnn_kernel kernel, int count, const cnn_tensor *const *operands)
{
    l->struct_size = sizeof *l;
    l->kernel = kernel;
    l->dtype = operands[count - 1]->dtype;
    l->count = operands[0]->numel;
    for (int i = 0; i < (int)(sizeof l->in / sizeof l->in[0]); i++) {
        l->in[i] = NULL;
    }
    for (int i = 1; i < count; i++) {
        l->in[i - 1] = cnn__data(operands[i]);
    }
    l->out[0] = cnn__data(operands[0]);
    for (int i = 1; i < (int)(sizeof l->out / sizeof l->out[0]); i++) {
        l->out[i] = NULL;
    }
    l->workspace = NULL;
    l->number = 0;
}

bool cnn__run_on(cnn_tape *tape, const char *call, cnn_kernel kernel, const void *parameters, size_t size, int count,
                 const cnn_tensor *const *operands)
{
    cnn_launch l;
    run_prepare(&l, kernel, count, operands);
    l.parameters = parameters;
    l.parameters_size = size;
    return cnn__run(tape, call, &l);
}

bool cnn__run_elementwise(cnn_tape *tape, const char *call, cnn_kernel kernel, int function, const double *value,
                          int count, const cnn_tensor *const *operands)
{
    const cnn_tensor *y = operands[0];
    if (y->numel == 0) {
        return true;
    }
    cnn_elementwise_parameters p;
    p.function = function;
    for (int i = 0; i < 2; i++) {
        p.value[i] = value ? value[i] : 0;
    }
    cnn__nest_make(&p.nest, y->ndim, y->shape, count, operands);
    return cnn__run_on(tape, call, kernel, &p, sizeof p, count, operands);
}
