/* The upper halves of vector registers are clear when the library returns to its caller, and where its workers wait:
 * code in SSE's instructions would be slow after it. The processor itself says which of its registers are in use. */
#include "base/pool.h"
#include "kernels/kernels.h"
#include "platform/vectors.h"
#include "support/suite.h"

#include <cnn/cnn.h>

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#if defined __x86_64__
#include <cpuid.h>

enum { UPPER_HALVES = 4 }; /* the bit of XINUSE for bits 128 to 255 of registers 0 to 15 */

static bool in_use(void)
{
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(1));
    return low & UPPER_HALVES;
}

static void use(void)
{
    __asm__ volatile("vcmpps $15, %%ymm0, %%ymm0, %%ymm0" : : : "xmm0");
}

/* Whether this processor, or what imitates one, keeps track of the registers and tells. */
static bool tells(void)
{
    unsigned a = 0, b, c, d;
    bool told = __builtin_cpu_supports("avx") && __get_cpuid_count(0xd, 1, &a, &b, &c, &d) && (a & 4);
    if (told) {
        use();
        told = in_use();
        cnn__vectors_leave();
        told = told && !in_use();
    }
    if (!told) {
        printf("skipped: vector registers in use, which this processor does not tell\n");
    }
    return told;
}
#else
static bool in_use(void)
{
    return false;
}

static void use(void)
{
}

static bool tells(void)
{
    printf("skipped: vector registers in use, which are x86's\n");
    return false;
}
#endif

/* ---- pieces of work ---- */

enum { WORKERS = 3 };

typedef struct uses {
    atomic_int tasks[WORKERS], found[WORKERS]; /* counts for each worker; found: registers in use */
} uses;

static void look(void *arg, int64_t task, int worker)
{
    uses *u = arg;
    (void)task;
    atomic_fetch_add(&u->tasks[worker], 1);
    atomic_fetch_add(&u->found[worker], in_use());
    nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL); /* so that every worker gets some */
}

static void work(void *arg, int64_t task, int worker)
{
    (void)arg;
    (void)task;
    (void)worker;
    nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
    use();
}

START_TEST(every_worker_clears_them_behind_its_tasks)
{
    if (!tells()) {
        return;
    }
    enum { ROUNDS = 5, MOST_ROUNDS = 500 };
    uses u = { .tasks = { 0 } };
    cnn__pool *pool = cnn__pool_new(NULL, WORKERS);
    int had = 0;
    for (int round = 0; round < ROUNDS || (had < 2 && round < MOST_ROUNDS); round++) { /* others may have the CPUs */
        cnn__pool_run(pool, 30, 1e9, work, NULL);
        ck_assert(!in_use());
        cnn__pool_run(pool, 30, 1e9, look, &u);
        had = 0;
        for (int worker = 0; worker < WORKERS; worker++) {
            ck_assert_int_eq(atomic_load(&u.found[worker]), 0);
            had += atomic_load(&u.tasks[worker]) > 0;
        }
    }
    if (had < 2) {
        printf("skipped: registers of workers, which got no CPU\n");
    }
    cnn__pool_free(pool);
}
END_TEST

/* ---- what kernels that are compiled for size leave ---- */

typedef struct layer {
    const char *name;
    cnn_module *(*make)(cnn_context *ctx);
} layer;

static cnn_module *convolution(cnn_context *c)
{
    return cnn_conv2d_new(c, 8, 16, 3, .padding = 1);
}

static cnn_module *strided(cnn_context *c)
{
    return cnn_conv2d_new(c, 8, 16, 1, .stride = 2);
}

static cnn_module *wide(cnn_context *c)
{
    return cnn_conv2d_new(c, 8, 16, 7, .padding = 3);
}

static cnn_module *depthwise(cnn_context *c)
{
    return cnn_conv2d_new(c, 8, 8, 3, .padding = 1, .groups = 8);
}

static cnn_module *batch_norm(cnn_context *c)
{
    return cnn_batch_norm2d_new(c, 8);
}

static cnn_module *group_norm(cnn_context *c)
{
    return cnn_group_norm_new(c, 2, 8);
}

static cnn_module *response_norm(cnn_context *c)
{
    return cnn_local_response_norm_new(c, 3);
}

static const layer layers[] = {
    { "Conv2d(8, 16, 3)", convolution },
    { "Conv2d(8, 16, 1, stride 2)", strided },
    { "Conv2d(8, 16, 7)", wide },
    { "Conv2d(8, 8, 3, groups 8)", depthwise },
    { "BatchNorm2d(8)", batch_norm },
    { "GroupNorm(2, 8)", group_norm },
    { "LocalResponseNorm(3)", response_norm },
};
enum { LAYERS = sizeof layers / sizeof *layers, TABLES = 8 };

static void take_step(cnn_context *c, const layer *l, const char *kernels)
{
    cnn_tape *tape = cnn_tape_new(c);
    cnn_module *m = l->make(c);
    cnn_tensor *x = cnn_tensor_randn(c, CNN_F32, CNN_SHAPE(4, 8, 20, 20));
    ck_assert_ptr_nonnull(m);
    cnn_tensor_set_requires_grad(x, true);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn__vectors_leave();
    cnn_tensor *y = cnn_forward(m, cnn_input(tape, x));
    const bool after_forward = in_use();
    cnn_tensor *dy = cnn_tensor_ones(c, CNN_F32, cnn_tensor_ndim(y), cnn_tensor_shape(y));
    cnn__vectors_leave();
    const cnn_status status = cnn_backward_with(y, dy, false);
    const bool after_backward = in_use();
    ck_assert_int_eq(status, CNN_OK);
    ck_assert_msg(!after_forward, "%s, %s: forward leaves upper halves in use", l->name, kernels);
    ck_assert_msg(!after_backward, "%s, %s: backward leaves upper halves in use", l->name, kernels);
    cnn_tensor_free(dy);
    cnn_tensor_free(x);
    cnn_module_free(m);
    cnn_tape_free(tape);
}

START_TEST(no_kernel_leaves_them_in_use)
{
    const cnn__kernels *tables[TABLES];
    const int count = tells() ? cnn__kernels_list(tables, TABLES) : 0;
    for (int i = 0; i < 2 * count; i++) {
        const char *kernels = tables[i / 2]->name;
        cnn_context *c = cnn_context_new(.seed = 1, .threads = i % 2 ? 3 : 1, .kernels = kernels);
        take_step(c, &layers[_i], kernels);
        cnn_context_free(c);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vectors");
    TCase *tests = suite_case(suite, "upper halves", NULL, NULL);
    tcase_add_test(tests, every_worker_clears_them_behind_its_tasks);
    tcase_add_loop_test(tests, no_kernel_leaves_them_in_use, 0, LAYERS);
    return suite_run(suite);
}
