/* Launches on the CPU: the kernels by their numbers, and the calls that go through this table. */
#include "kernels/launch.h"

#include "base/message.h"
#include "kernels/stored.h"
#include "platform/vectors.h"

/* The families in the order of their numbers, and what each holds. */
#define NAME_OF(NAME, name) #name,
#define KERNEL_OF(NAME, name) &cnn__cpu_##name,
static const char *const element_names[] = { CNN_ELEMENT_KERNELS(NAME_OF) };
static const char *const layer_names[] = { CNN_LAYER_KERNELS(NAME_OF) };
static const char *const optimizer_names[] = { CNN_OPTIMIZER_KERNELS(NAME_OF) };
static const cnn__cpu_kernel *const element_kernels[] = { CNN_ELEMENT_KERNELS(KERNEL_OF) };
static const cnn__cpu_kernel *const layer_kernels[] = { CNN_LAYER_KERNELS(KERNEL_OF) };
static const cnn__cpu_kernel *const optimizer_kernels[] = { CNN_OPTIMIZER_KERNELS(KERNEL_OF) };

typedef struct family {
    const char *const *names;
    const cnn__cpu_kernel *const *kernels;
    int count;
} family;

#define FAMILY(of) \
    { \
        of##_names, of##_kernels, (int)(sizeof of##_kernels / sizeof *of##_kernels) \
    }
static const family families[] = { FAMILY(element), FAMILY(layer), FAMILY(optimizer) };

static bool exists(int kernel)
{
    return kernel >= 0 && kernel / CNN_KERNEL_FAMILY < (int)(sizeof families / sizeof *families) &&
           kernel % CNN_KERNEL_FAMILY < families[kernel / CNN_KERNEL_FAMILY].count;
}

static inline const cnn__cpu_kernel *kernel_of(const cnn_launch *launch)
{
    unsigned number = (unsigned)launch->kernel;
    return families[number / CNN_KERNEL_FAMILY].kernels[number % CNN_KERNEL_FAMILY];
}

const cnn__cpu_kernel *cnn__cpu_kernel_of(const cnn_launch *launch)
{
    return kernel_of(launch);
}

const char *cnn__kernel_name(int kernel)
{
    return exists(kernel) ? families[kernel / CNN_KERNEL_FAMILY].names[kernel % CNN_KERNEL_FAMILY] : "copy";
}

bool cnn__operands_of(const cnn_launch *launch, cnn__operands *operands)
{
    const cnn__cpu_kernel *k = kernel_of(launch);
    *operands = (cnn__operands){ .updates = false };
    for (int i = 0; k->measure && k->in[i]; i++) {
        operands->in[i] = k->in[i] == '-' ? 0 : k->measure(launch, k->in[i], &operands->updates);
    }
    for (int i = 0; k->measure && k->out[i]; i++) {
        operands->out[i] = k->measure(launch, k->out[i], &operands->updates);
    }
    return k->measure != NULL;
}

static cnn__cpu_call job_of(const cnn_launch *launch, const cnn__kernels *kernels)
{
    return (cnn__cpu_call){ .l = launch,
                            .kernels = kernels,
                            .real = launch->dtype == CNN_F64 ? kernels->f64 : kernels->f32 };
}

/* Kernels that are compiled for size leave vector registers in use. */
static bool run_kernel(cnn__cpu_call *j)
{
    const bool done = kernel_of(j->l)->run(j);
    cnn__vectors_leave();
    return done;
}

static bool is_stored(const cnn_launch *launch)
{
    return cnn__dtype_is_stored(launch->dtype) && !kernel_of(launch)->moves;
}

bool cnn__cpu_supports(const cnn_launch *launch)
{
    return !is_stored(launch) || cnn__stored_supports(launch);
}

static void describe_failure(const cnn__cpu_call *j, cnn_backend_failure *failure)
{
    failure->number = j->l->number;
    failure->status = CNN_ERROR_INVALID_ARGUMENT;
    failure->kernel = (int)j->l->kernel;
    failure->position = j->position;
    failure->value = j->value;
    cnn__message(failure->message, sizeof failure->message, "the index at %lld is %lld", (long long)j->position,
                 (long long)j->value);
}

static __attribute__((noinline)) bool run_stored(const cnn_launch *launch, const cnn__kernels *kernels, cnn__pool *pool,
                                                 cnn_backend_failure *failure)
{
    cnn_launch computed;
    cnn__stored_begin(launch, &computed, pool);
    cnn__cpu_call j = job_of(&computed, kernels);
    j.pool = pool;
    bool done = run_kernel(&j);
    if (!done && failure) {
        describe_failure(&j, failure);
    }
    cnn__stored_end(launch, &computed, pool);
    return done;
}

bool cnn__cpu_run(const cnn_launch *launch, const cnn__kernels *kernels, cnn__pool *pool, cnn_backend_failure *failure)
{
    if (is_stored(launch)) {
        return run_stored(launch, kernels, pool, failure);
    }
    cnn__cpu_call j = job_of(launch, kernels);
    j.pool = pool;
    bool done = run_kernel(&j);
    if (!done && failure) {
        describe_failure(&j, failure);
    }
    return done;
}

bool cnn__cpu_has_workspace(const cnn_launch *launch)
{
    return kernel_of(launch)->workspace || is_stored(launch);
}

size_t cnn__cpu_workspace(const cnn_launch *launch, const cnn__kernels *kernels, int workers)
{
    cnn_launch computed;
    size_t operands = 0;
    if (is_stored(launch)) {
        operands = cnn__stored_workspace(launch);
        computed = *launch;
        computed.dtype = cnn__dtypes[launch->dtype].compute;
        launch = &computed;
    }
    cnn__cpu_call j = job_of(launch, kernels);
    j.workers = workers;
    const cnn__cpu_kernel *k = kernel_of(launch);
    return operands + (k->workspace ? k->workspace(&j) : 0);
}

/* ---- weights in a kept form ---- */

cnn__form cnn__cpu_form(const cnn_launch *launch, const cnn__kernels *kernels)
{
    const cnn__cpu_kernel *k = kernel_of(launch);
    cnn__cpu_call j = job_of(launch, kernels);
    cnn__form form = { .kernel = launch->kernel };
    if (k->form && !is_stored(launch)) {
        k->form(&j, &form);
    }
    return form;
}

size_t cnn__cpu_workspace_kept(const cnn_launch *launch, const cnn__kernels *kernels, int workers, cnn__kept_form kept)
{
    cnn__cpu_call j = job_of(launch, kernels);
    j.workers = workers;
    j.kept = kept;
    return kernel_of(launch)->workspace(&j);
}

void cnn__cpu_run_kept(const cnn_launch *launch, const cnn__kernels *kernels, cnn__pool *pool, cnn__kept_form kept)
{
    cnn__cpu_call j = job_of(launch, kernels);
    j.pool = pool;
    j.kept = kept;
    run_kernel(&j);
}

/* ---- for back ends ---- */

static bool known(const cnn_launch *launch)
{
    return launch && launch->struct_size >= sizeof *launch && exists((int)launch->kernel) &&
           cnn__dtype_valid(launch->dtype) && cnn__cpu_supports(launch);
}

bool cnn_cpu_launch(const cnn_launch *launch, cnn_backend_failure *failure)
{
    bool asked = !failure || failure->struct_size >= sizeof *failure;
    return asked && known(launch) && cnn__cpu_run(launch, cnn__kernels_select(cnn__kernels_wanted()), NULL, failure);
}

size_t cnn_cpu_workspace(const cnn_launch *launch)
{
    return known(launch) ? cnn__cpu_workspace(launch, cnn__kernels_select(cnn__kernels_wanted()), 1) : 0;
}
