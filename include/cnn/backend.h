/** @file
 * What a back end is: the interface between the library and a device whose memory the host cannot see, such as a GPU.
 *
 * A program that only uses devices needs <cnn/device.h>. A back end fills in one struct, cnn_backend, and hands it
 * over: as a shared object found at run time, which exports cnn_backend_query(), or by cnn_backend_add() where it is
 * linked into the program.
 *
 * Every computation of the library is a launch: a kernel's number, its dtype, its parameters (numbers alone), the
 * addresses of what it reads and writes, and workspace. The library hands launches over in the order in which they are
 * to take effect, and a device may carry them out whenever it likes, as long as each sees what those before it wrote.
 * Addresses are the device's own; the library adds byte offsets to them and never follows them. A launch may have
 * nothing to do: a count of 0, or a size of 0 in a nest. The structs of parameters are in <cnn/kernels/…>.
 *
 * Failure. After the first launch or copy that fails, a device carries out nothing until cnn_backend::wait has
 * reported that failure. So a kernel that fails late, when the optimizer's launches stand behind it in the queue
 * already, moves no weight.
 *
 * Threads. The functions of one queue are called by one thread at a time; those of two queues may be called at once. */
#ifndef CNN_BACKEND_H
#define CNN_BACKEND_H

#include <cnn/context.h>
#include <cnn/device.h>
#include <cnn/kernels/elements.h>
#include <cnn/kernels/layers.h>
#include <cnn/kernels/optimizers.h>

CNN_BEGIN_DECLS

/** The version of this interface. A back end of another version is refused. */
#define CNN_BACKEND_VERSION 1

/* ---- kernels ---- */

/** The kernels, as X(NAME, name): a number CNN_KERNEL_NAME and how messages call it. They stand in families, each in
 * the header that has its parameters. The comments say what parameters a kernel has, what it reads (in[0], in[1], …)
 * and what it writes (out[0], …). "n" is the launch's count of elements. An input in brackets may be NULL, and so may
 * such an output. Numbers stay what they are: new kernels come at the end of their family. */
#define CNN_KERNELS(X) CNN_ELEMENT_KERNELS(X) CNN_LAYER_KERNELS(X) CNN_OPTIMIZER_KERNELS(X)

/** A kernel's number is that of its family times this, plus its place within. */
#define CNN_KERNEL_FAMILY 256

#ifdef DOXYGEN /* docs/keywords.awk makes an enum of each list, with the comments */
/** A number of #CNN_KERNELS. CNN_KERNEL_LIMIT is greater than all of this version: the size of a table by number. */
typedef enum cnn_kernel cnn_kernel;
#else
#define CNN__KERNEL_NUMBER(NAME, name) CNN_KERNEL_##NAME,
typedef enum cnn_kernel {
    CNN_ELEMENT_KERNELS(CNN__KERNEL_NUMBER) CNN__ELEMENT_KERNELS_END,
    CNN__LAYER_KERNELS_BEGIN = CNN_KERNEL_FAMILY - 1,
    CNN_LAYER_KERNELS(CNN__KERNEL_NUMBER) CNN__LAYER_KERNELS_END,
    CNN__OPTIMIZER_KERNELS_BEGIN = 2 * CNN_KERNEL_FAMILY - 1,
    CNN_OPTIMIZER_KERNELS(CNN__KERNEL_NUMBER) CNN_KERNEL_LIMIT /* greater than all numbers of this version */
} cnn_kernel;
#endif

/** One computation. Everything that it points to but the operands is the host's and ends with the call. */
typedef struct cnn_launch {
    size_t struct_size; /**< sizeof(cnn_launch) */
    cnn_kernel kernel;  /**< the kernel to run */
    /** The dtype of the operands as they are stored; for bfloat16 a kernel computes and sums in float32 and rounds what
     * it writes, once */
    cnn_dtype dtype;
    int64_t count;          /**< elements, for kernels that are told so */
    const void *parameters; /**< the kernel's struct; NULL: it has none */
    size_t parameters_size; /**< the size of that struct */
    const void *in[6];      /**< addresses of the inputs on the device */
    void *out[4];           /**< the memory of the results */
    void *workspace;        /**< at least what cnn_backend::workspace asked for, on the device, aligned to 64 bytes */
    uint64_t number;        /**< rises by one with each launch and copy of the queue */
} cnn_launch;

/** What went wrong on a device. */
typedef struct cnn_backend_failure {
    size_t struct_size; /**< sizeof(cnn_backend_failure) */
    uint64_t number;    /**< the number of the launch or copy that failed: everything behind it was not carried out */
    cnn_status status;  /**< what the library's call will return */
    int kernel;         /**< a cnn_kernel; −1: a copy or the device itself */
    int64_t position;   /**< the position of a bad index */
    int64_t value;      /**< the bad index */
    char message[256];  /**< what the device says, one line */
} cnn_backend_failure;

/* ---- back ends ---- */

/** A kind of device. Constant; every pointer is set unless said otherwise. Functions that return bool return false on
 * failure. They return normally and do not call the library, except cnn_cpu_launch(). */
typedef struct cnn_backend {
    size_t struct_size;   /**< sizeof(cnn_backend) */
    uint32_t api_version; /**< CNN_BACKEND_VERSION */
    const char *name;     /**< "cuda": its devices are "cuda:0", "cuda:1", … Lower-case letters and digits */
    /** How many devices there are now; 0: none. */
    int (*count)(void);
    /** Describes one. */
    bool (*properties)(int index, cnn_device_properties *properties);
    /** Begins a queue on a device, for one context. NULL: no; `message` says why, in one line. It is also called where
     * `count` is 0, and says then why there is no device. */
    void *(*open)(int index, char *message, size_t message_size);
    /** Waits for all that was handed over and ends the queue. All memory is freed by then. */
    void (*close)(void *queue);
    /** Memory on the device, aligned to 64 bytes; never 0 bytes. NULL: none. */
    void *(*allocate)(void *queue, size_t bytes);
    /** Frees it behind all that was handed over before. */
    void (*deallocate)(void *queue, void *address, size_t bytes);
    /** Is there a kernel for this dtype? */
    bool (*supports)(void *queue, cnn_kernel kernel, cnn_dtype dtype);
    /** The bytes of workspace that the launch needs; operands are not set yet. */
    size_t (*workspace)(void *queue, const cnn_launch *launch);
    /** Hands a launch over. */
    bool (*launch)(void *queue, const cnn_launch *launch);
    /** Copies from the host, whose memory may change once this returns. */
    bool (*write)(void *queue, void *to, const void *from, size_t bytes, uint64_t number);
    /** Copies within the device; the two do not overlap. */
    bool (*copy)(void *queue, void *to, const void *from, size_t bytes, uint64_t number);
    /** Copies to the host behind all that was handed over before, and waits for that. False: it could not, and what is
     * wrong is for `wait` to report. */
    bool (*read)(void *queue, void *to, const void *from, size_t bytes, uint64_t number);
    /** Waits until everything up to `number` is done. False: something handed over since the last report has failed;
     * what, is written to `failure`, what was handed over behind it is dropped, and the queue is as new. */
    bool (*wait)(void *queue, uint64_t number, cnn_backend_failure *failure);
    /** Writes why the last cnn_backend::allocate that returned NULL did, in one line, which the library's message ends
     * with. May be NULL. */
    void (*problem)(void *queue, char *message, size_t size);
    /** Says how exact sums of the queue's context are to be, right after `open`. May be NULL; a back end whose
     * struct_size ends before it has none. */
    void (*math)(void *queue, cnn_math math);
} cnn_backend;

/** What the library offers to a back end, which so needs none of its symbols. Valid until the process ends. */
typedef struct cnn_backend_host {
    size_t struct_size;                                                         /**< sizeof(cnn_backend_host) */
    bool (*cpu_launch)(const cnn_launch *launch, cnn_backend_failure *failure); /**< cnn_cpu_launch() */
    size_t (*cpu_workspace)(const cnn_launch *launch);                          /**< cnn_cpu_workspace() */
} cnn_backend_host;

/** What a shared object exports under the name cnn_backend_query: its back end for that version of the interface, or
 * NULL. */
typedef const cnn_backend *(*cnn_backend_query_fn)(uint32_t api_version, const cnn_backend_host *host);

/**
 * Makes a back end known to this process, whose devices can be named from then on. `backend` stays in place until the
 * process ends. Thread-safe.
 *
 * @return CNN_OK, also where this very back end is known already; CNN_ERROR_INVALID_ARGUMENT for a NULL, a wrong
 *         version or size, or a name that is taken or not of letters and digits.
 * @since 0.2
 */
CNN_API cnn_status cnn_backend_add(const cnn_backend *backend);

/**
 * Loads a back end from a shared object and adds it: `path` is a file as dlopen() takes it. Thread-safe.
 *
 * @return CNN_OK; CNN_ERROR_INVALID_ARGUMENT; CNN_ERROR_DEVICE where the object cannot be loaded, does not export
 *         cnn_backend_query(), or has no back end for this version; CNN_ERROR_UNSUPPORTED on systems without shared
 *         objects.
 * @since 0.2
 */
CNN_API cnn_status cnn_backend_load(const char *path);

/**
 * Carries a launch out at once, in the calling thread, on memory of the host: with the kernels that a context on the
 * CPU would use, so with the same bits. For back ends that hand some kernels back, and for tests of a device. Uses no
 * context and allocates nothing. Thread-safe.
 *
 * @param failure  with struct_size set, filled in on failure; may be NULL.
 * @return false where the kernel fails (a bad index) or is unknown, or a struct_size is less than this version's.
 * @since 0.2
 */
CNN_API bool cnn_cpu_launch(const cnn_launch *launch, cnn_backend_failure *failure);

/** The workspace that cnn_cpu_launch() needs, in bytes. Thread-safe. @since 0.2 */
CNN_API size_t cnn_cpu_workspace(const cnn_launch *launch);

CNN_END_DECLS

#endif
