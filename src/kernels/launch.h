/* Launches on the CPU: each is a call of the kernel that its number names, at once, in the calling thread and those of
 * the pool.
 *
 * CNN_KERNELS of <cnn/backend.h> is the list of the kernels. Each has a descriptor, which stands where its runner does:
 *   const cnn__cpu_kernel cnn__cpu_NAME = { .run = …, .workspace = …, .measure = …, .in = …, .out = … }; */
#ifndef CNN_KERNELS_LAUNCH_H
#define CNN_KERNELS_LAUNCH_H

#include "kernels/kernels.h"
#include "kernels/operands.h"

/* A launch in an initialiser: CNN__LAUNCH(RELU, dtype, .count = n, .in = { x }, .out = { y }). */
#define CNN__LAUNCH(name, type, ...) \
    { \
        .struct_size = sizeof(cnn_launch), .kernel = CNN_KERNEL_##name, .dtype = (type), __VA_ARGS__ \
    }
/* Its parameters: a struct that lives until the call. */
#define CNN__PARAMETERS(p) .parameters = &(p), .parameters_size = sizeof(p)

/* `flops` of a kernel that only moves elements. */
enum { CNN__NO_FLOPS = 255 };

/* Memory for a weight in the form that a kernel reads (kernels.def), which lasts longer than the launch. */
typedef struct cnn__kept_form {
    void *packed; /* NULL: none */
    bool packs;   /* write it first */
} cnn__kept_form;

/* Which form of which weight: the kernel's number, its size in bytes, and numbers of the kernel's own, such as that of
 * the algorithm. */
enum { CNN__FORM_NUMBERS = 7 };
typedef struct cnn__form {
    cnn_kernel kernel;
    size_t bytes; /* 0: the kernel reads the weight as it is */
    int64_t numbers[CNN__FORM_NUMBERS];
} cnn__form;

/* What a runner gets. */
typedef struct cnn__cpu_call {
    const cnn_launch *l;
    const cnn__kernels *kernels;
    const cnn__real_kernels *real; /* for the launch's dtype */
    cnn__pool *pool;
    int workers;             /* how many workers share a workspace */
    cnn__kept_form kept;     /* the kept form of the weight */
    int64_t position, value; /* where it fails, and the value there */
} cnn__cpu_call;

typedef struct cnn__cpu_kernel {
    bool (*run)(cnn__cpu_call *j);         /* takes the operands from the launch; false: it has failed */
    size_t (*workspace)(cnn__cpu_call *j); /* bytes that it needs; NULL: none */
    void (*form)(cnn__cpu_call *j,
                 cnn__form *form); /* describes the form of its weight, all but the kernel; NULL: none */
    bool moves;                    /* takes elements of every dtype as they are stored */
    /* Its work (kernels/work.c): FLOPs per unit, 0 is one; a unit is what `measure` counts for that letter, and for 0
     * an element of the largest operand. */
    unsigned char flops;
    char unit;
    /* For dtypes that are stored in one way and computed with in another: a letter per operand, '-' for one that has
     * not the launch's dtype, such as indices. NULL: the kernel does not know such dtypes. */
    cnn__measure_fn *measure;
    char in[CNN__IN + 1], out[CNN__OUT + 1];
} cnn__cpu_kernel;

#define CNN__CPU_KERNEL(NAME, name) extern const cnn__cpu_kernel cnn__cpu_##name;
CNN_KERNELS(CNN__CPU_KERNEL)
#undef CNN__CPU_KERNEL

/* Whether there is a kernel for the launch's dtype. */
bool cnn__cpu_supports(const cnn_launch *launch);
/* false: the kernel has failed, which it says in `failure` (may be NULL). */
bool cnn__cpu_run(const cnn_launch *launch, const cnn__kernels *kernels, cnn__pool *pool, cnn_backend_failure *failure);
/* Whether the launch ever needs workspace, and bytes of it for that many workers. */
bool cnn__cpu_has_workspace(const cnn_launch *launch);
size_t cnn__cpu_workspace(const cnn_launch *launch, const cnn__kernels *kernels, int workers);
/* false: nothing is known of this kernel. Operands that may be NULL count as if they were there. */
bool cnn__operands_of(const cnn_launch *launch, cnn__operands *operands);
/* The form in which the launch's kernel reads its weight, and a launch with a kept one and its workspace. The launch
 * computes with the dtype in which its elements are stored. */
cnn__form cnn__cpu_form(const cnn_launch *launch, const cnn__kernels *kernels);
size_t cnn__cpu_workspace_kept(const cnn_launch *launch, const cnn__kernels *kernels, int workers, cnn__kept_form kept);
void cnn__cpu_run_kept(const cnn_launch *launch, const cnn__kernels *kernels, cnn__pool *pool, cnn__kept_form kept);
/* What a launch does, by its parameters alone: floating-point operations, and bytes of the operands that are there. */
typedef struct cnn__counts {
    double flops, bytes;
} cnn__counts;
cnn__counts cnn__launch_counts(const cnn_launch *launch);
/* The descriptor of a launch's kernel, which there is. */
const cnn__cpu_kernel *cnn__cpu_kernel_of(const cnn_launch *launch);
/* As messages say it: "gemm". */
const char *cnn__kernel_name(int kernel);

#endif
