/* What a launch of the back-end interface (<cnn/backend.h>) is on a CUDA device: a list of calls of our own kernels,
 * whose sources are in cuda/kernels/. Host code without CUDA's headers, which allocates nothing, keeps no state and
 * follows no address of the device. docs/cuda-kernels.md explains the kernels.
 *
 * Who executes the calls compiles the modules (by NVRTC at run time), finds each call's kernel in the module that the
 * call names, and launches it with its one argument, a struct by value:
 *
 *     void *arguments[] = { call->argument };
 *     cuLaunchKernel(function, call->grid[0], …, call->block[0], …, call->shared, stream, arguments, NULL);
 *
 * The calls of a launch take effect one after the other, each sees what those before it wrote. */
#ifndef CNN_CUDA_PLAN_H
#define CNN_CUDA_PLAN_H

#include <cnn/backend.h>

#include <stdalign.h>

/* What every kernel looks at first, in the device's memory: one record for each queue. A kernel that finds `failed` set
 * does nothing, so that nothing behind a failure is carried out; kernels that check indices set it. A record begins as
 * CUDA_STATUS_NONE and is made so again when a failure has been reported. Products and convolutions of other libraries
 * know nothing of it: they may run behind a failure, for they write what the step that failed made and nothing else.
 * Copies to parameters are to be made by cuda_plan_copy(). */
typedef struct cuda_status {
    uint64_t failed;   /* 0: nothing; else the number of the launch that failed */
    uint64_t position; /* where the first bad index is; UINT64_MAX: nowhere */
    int64_t value;     /* the index itself */
    int64_t kernel;    /* a cnn_kernel */
} cuda_status;
#define CUDA_STATUS_NONE \
    { \
        0, UINT64_MAX, 0, -1 \
    }

enum { CUDA_ARGUMENT_BYTES = 4096 }; /* at most, as CUDA allows */

/* One launch of a kernel. */
typedef struct cuda_call {
    const char *kernel; /* its name, which is not mangled */
    int module;         /* in which of cuda_modules it is */
    unsigned grid[3];   /* blocks; never 0 */
    unsigned block[3];  /* threads of a block */
    unsigned shared;    /* bytes of dynamic shared memory; 0 in this version: kernels declare theirs */
    size_t
        argument_size; /* bytes of its only argument; a kernel may declare a longer one, whose rest it does not read */
    bool table;        /* the argument is a table, to which others may be joined by cuda_plan_join() */
    alignas(16) unsigned char argument[CUDA_ARGUMENT_BYTES];
} cuda_call;

/* Takes a call, which it may not keep. False: it could not, and planning ends. */
typedef bool cuda_emit(void *to, const cuda_call *call);

/* Whether there are kernels for it. Where not, every other function here fails. */
bool cuda_plan_supports(cnn_kernel kernel, cnn_dtype dtype);

/* The bytes of workspace that the launch needs; its operands are not looked at. The operands of a launch for
 * cuda_plan() and its workspace, which is aligned to 64 bytes, are addresses of the device. */
size_t cuda_plan_workspace(const cnn_launch *launch);

/* Emits the calls of a launch, none where it has nothing to do. `status` is the address of the queue's record on the
 * device. False: the kernel or its dtype is not supported, or `emit` has returned false. */
bool cuda_plan(const cnn_launch *launch, void *status, cuda_emit *emit, void *to);

/* Joins a call to a group, which began as one: the group makes the work of both, with the same bits, if the two are
 * cuda_plan_apart(). False: the group stays as it is, for they are no tables of the same kernel with the same numbers,
 * or it is full. */
bool cuda_plan_join(cuda_call *group, const cuda_call *call);
/* Whether two tables may be carried out in any order, or at once: neither writes what the other reads or writes. */
bool cuda_plan_apart(const cuda_call *a, const cuda_call *b);

/* cuda_plan() for a copy within the device; the two do not overlap. `from` may also be memory of the host that the
 * device can read (pinned and mapped). */
bool cuda_plan_copy(void *to_address, const void *from, size_t bytes, void *status, cuda_emit *emit, void *to);

/* The name of a kernel's variant, in the same module, whose argument is a distant_arguments (kernels/arguments.h): the
 * address of the kernel's own argument in the device's memory. Kernels have one whose argument may be another one in
 * each step. NULL: there is none. */
const char *cuda_plan_distant(const char *kernel);

/* The sources of the kernels, each a translation unit that includes nothing (build/cuda/modules.c is made of
 * cuda/kernels/). To be compiled with CUDA_PLAN_OPTIONS: products and sums are joined where a kernel says so (fmaf) and
 * nowhere else, which gives elementwise kernels the bits that they have on the CPU. */
typedef struct cuda_module {
    const char *name;   /* "elements" */
    const char *source; /* with a 0 at its end */
    size_t bytes;       /* without it */
} cuda_module;
extern const cuda_module cuda_modules[];
extern const int cuda_module_count;
#define CUDA_PLAN_OPTIONS "--fmad=false", "--std=c++17"

#endif
