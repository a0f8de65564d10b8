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

#include <cnn/device.h>
#include <cnn/kernels/elements.h>
#include <cnn/kernels/layers.h>
#include <cnn/kernels/optimizers.h>

CNN_BEGIN_DECLS

/** The version of this interface. A back end of another version is refused. */
#define CNN_BACKEND_VERSION 1

/* ---- kernels ---- */

/** The kernels, as X(NAME, name): a number CNN_KERNEL_NAME and how messages call it. The comments say what parameters a
 * kernel has, what it reads (in[0], in[1], …) and what it writes (out[0], …). "n" is the launch's count of elements. An
 * input in brackets may be NULL, and so may such an output. Numbers stay what they are; new ones come at the end. */
/* clang-format off */
#define CNN_KERNELS(X) \
    X(FILL, fill) /**< cnn_fill_parameters, n: → y */ \
    X(COPY, copy) /**< cnn_copy_parameters: x → y, converted as cnn_cast() says */ \
    X(UNARY, unary) /**< cnn_elementwise_parameters: x → y */ \
    X(BINARY, binary) /**< cnn_elementwise_parameters: a, b → y */ \
    X(COMPARE, compare) /**< cnn_elementwise_parameters: a, b → y (bool) */ \
    X(WHERE, where) /**< cnn_elementwise_parameters: condition (bool), a, b → y */ \
    X(REDUCE, reduce) /**< cnn_reduce_parameters: x → y, int64 for the sum of integers and bool */ \
    X(ARGMAX, argmax) /**< cnn_reduce_parameters: x → y (int64), the position within `inner` of the first \
         extremum; a NaN wins */ \
    X(PICK, pick) /**< cnn_along: x [before,n,after], index (int64) → y[b,a] = x[b,index[b,a],a] */ \
    X(PLACE, place) /**< cnn_along: y, index (int64) → x[b,index[b,a],a] = y[b,a]; the rest of x stays */ \
    X(SOFTMAX, softmax) /**< cnn_matrix: x → softmax of each row */ \
    X(LOG_SOFTMAX, log_softmax) /**< cnn_matrix: x → log of that */ \
    X(DRAW, draw) /**< cnn_draw_parameters, n: → y */ \
    X(DROPOUT, dropout) /**< cnn_draw_parameters, n: x → y = x · keep / (1 − p) */ \
    X(RELU, relu) /**< n: x → y */ \
    X(RELU_BACKWARD, relu_backward) /**< n: y, dy → dx = dy where y > 0, else 0 */ \
    X(SUM_ROWS, sum_rows) /**< cnn_matrix: x → y[columns], the sums over the rows */ \
    X(GEMM, gemm) /**< cnn_gemm: a, b, (bias) → c */ \
    X(MATMUL, matmul) /**< cnn_matmul_parameters: a, b → c */ \
    X(CONV_FORWARD, conv_forward) /**< cnn_conv: x, weight, (bias) → y */ \
    X(CONV_BACKWARD_DATA, conv_backward_data) /**< cnn_conv: dy, weight, (mask like x), (bias of in_channels) → dx, 0 \
         where the mask is ≤ 0, plus the bias: a transposed convolution has one, but no mask */ \
    X(CONV_BACKWARD_WEIGHT, conv_backward_weight) /**< cnn_conv: x, dy → dweight, (dbias) */ \
    X(CONV_RELU_POOL_FORWARD, conv_relu_pool_forward) /**< cnn_conv: x, weight, (bias) → y, (index, uint8: which \
         of the four positions of a window won, 255 where ReLU cut it off) */ \
    X(CONV_RELU_POOL_BACKWARD_DATA, conv_relu_pool_backward_data) /**< cnn_conv: dy, index, weight → dx */ \
    X(CONV_RELU_POOL_BACKWARD_WEIGHT, conv_relu_pool_backward_weight) /**< cnn_conv: x, dy, index → dweight, \
         (dbias) */ \
    X(MAXPOOL_FORWARD, maxpool_forward) /**< cnn_maxpool: x → y, (index, int32: in_w · row + column of the \
         winner) */ \
    X(MAXPOOL_BACKWARD, maxpool_backward) /**< cnn_maxpool: dy, index → dx */ \
    X(BATCH_NORM_STATISTICS, batch_norm_statistics) /**< cnn_batch_norm_parameters: x → mean and biased variance \
         (double) */ \
    X(BATCH_NORM_MOVE, batch_norm_move) /**< cnn_batch_norm_parameters: mean and variance (double) → running mean \
         and running variance, moved towards them by `momentum`; the variance is the unbiased one */ \
    X(BATCH_NORM_SCALE, batch_norm_scale) /**< cnn_batch_norm_parameters: (mean), (variance) → mean and 1 / \
         √(variance + eps) (double), from those given, else from what the output holds */ \
    X(BATCH_NORM_FORWARD, batch_norm_forward) /**< cnn_batch_norm_parameters: x, (weight), (bias), mean and scale \
         (double) → y */ \
    X(BATCH_NORM_BACKWARD, batch_norm_backward) /**< cnn_batch_norm_parameters: x, (weight), mean and scale, dy → \
         (dx), (dweight), (dbias) */ \
    X(BATCH_NORM_FOLD, batch_norm_fold) /**< cnn_batch_norm_parameters: (bias), (weight), (shift), mean, variance \
         → scale = weight / √(variance + eps), (bias − mean) · scale + shift */ \
    X(INDEX_CHECK, index_check) /**< cnn_lookup_parameters: index → nothing; fails at the first index outside 0 … \
         n − 1 that is not `skip`, with its position and value */ \
    X(LOOKUP, lookup) /**< cnn_lookup_parameters: x, index → y[i] = x[index[i]], a row each */ \
    X(LOOKUP_BACKWARD, lookup_backward) /**< cnn_lookup_parameters: dy, index → dx: row r is the sum over i with \
         index[i] = r */ \
    X(CROSS_ENTROPY, cross_entropy) /**< cnn_cross_entropy_parameters: logits, target, (weight) → loss (of each \
         sample or one), (statistics [2, samples]) (largest logit, log-sum; \
         float32 for bfloat16), totals (double [2]: sum, divisor) */ \
    X(CROSS_ENTROPY_BACKWARD, cross_entropy_backward) /**< cnn_cross_entropy_parameters: logits, target, \
         (weight), (statistics), totals, dy → (dlogits), (dtarget) */ \
    X(RNN_FORWARD, rnn_forward) /**< cnn_rnn_parameters: (bias of the recurrent product), (c before; of a GRU that \
         product), (h before), (lengths, int64) → gates (in place: the other products, then activated), c (of a GRU \
         n's part of the recurrent product, with its bias), h, (y: h or 0) */ \
    X(RNN_BACKWARD, rnn_backward) /**< cnn_rnn_parameters: (dy), gates, c as above, (c before; of a GRU h before), \
         (lengths) → dgates, dh (in place: before, but for what goes through the recurrent product), dc (in \
         place; of a GRU the gradient of the recurrent product) */ \
    X(ADAM, adam) /**< cnn_adam_parameters, n: gradient → parameter, m, v, (vmax) */ \
    X(SGD, sgd) /**< cnn_sgd_parameters, n: gradient → parameter, (momentum buffer) */ \
    X(RMSPROP, rmsprop) /**< cnn_rmsprop_parameters, n: gradient → parameter, square, (momentum buffer), (mean) */ \
    X(AVG_POOL_FORWARD, avg_pool_forward) /**< cnn_avg_pool_parameters: x → y */ \
    X(AVG_POOL_BACKWARD, avg_pool_backward) /**< cnn_avg_pool_parameters: dy → dx */ \
    X(ELEMENT_LOSS, element_loss) /**< cnn_element_loss_parameters: x, t, (c), (weight) → loss · weight (of each \
         element, or their sum / divisor) */ \
    X(ELEMENT_LOSS_BACKWARD, element_loss_backward) /**< cnn_element_loss_parameters: x, t, (c), (weight), dy → \
         (dx), (dt), (dc), each the slope · weight · dy / divisor */ \
    X(NORM, norm) /**< cnn_norm_parameters, n: x → total (double, in place) */ \
    X(CLIP, clip) /**< cnn_clip_parameters, n: total (double) → x (in place) */ \
    X(GROUP_NORM_FORWARD, group_norm_forward) /**< cnn_group_norm_parameters: x, (weight), (bias) → y, statistics \
         (double) */ \
    X(GROUP_NORM_BACKWARD, group_norm_backward) /**< cnn_group_norm_parameters: x, (weight), statistics, dy → \
         (dx), (dweight), (dbias) */ \
    X(LOCAL_RESPONSE_NORM, local_response_norm) /**< cnn_local_response_norm_parameters: x → y */ \
    X(LOCAL_RESPONSE_NORM_BACKWARD, local_response_norm_backward) /**< cnn_local_response_norm_parameters: x, dy → \
         dx */ \
    X(DROP_BLOCKS, drop_blocks) /**< cnn_drop_blocks_parameters, n: x → y = x · scale + kept, or x · 0 + dropped */ \
    X(CONV3D_FORWARD, conv3d_forward) /**< cnn_conv3d_parameters: x, weight, (bias) → y */ \
    X(CONV3D_BACKWARD_DATA, conv3d_backward_data) /**< cnn_conv3d_parameters: dy, weight, (bias of in_channels) → dx, \
         plus the bias */ \
    X(CONV3D_BACKWARD_WEIGHT, conv3d_backward_weight) /**< cnn_conv3d_parameters: x, dy → dweight */ \
    X(RESAMPLE, resample) /**< cnn_resample_parameters: x → y, summed in double */ \
    X(RESAMPLE_BACKWARD, resample_backward) /**< cnn_resample_parameters: dy → dx */ \
    X(ADAPTIVE_MAXPOOL, adaptive_maxpool) /**< cnn_maxpool, whose windows are CNN_RESAMPLE_MEAN's: x → y, index \
         (int32: in_w · row + column of the winner) */ \
    X(UNFOLD, unfold) /**< cnn_maxpool: x → y [planes, kernel_h, kernel_w, out_h, out_w], what each element of the \
         windows sees; padding is 0 */ \
    X(FOLD, fold) /**< cnn_maxpool: y → x, the sum of all that sees an element */ \
    X(GATHER, gather) /**< cnn_index_parameters: x, index → y = x at the index */ \
    X(SCATTER, scatter) /**< cnn_index_parameters: x, index → y, whose element at the index becomes that of x; the \
         last of several wins */ \
    X(SCATTER_ADD, scatter_add) /**< cnn_index_parameters: x, index → y, to whose element at the index that of x is \
         added; integers wrap */ \
    X(SCAN, scan) /**< cnn_scan_parameters: x [before,n,after] → y, which may be x; f32, f64, bf16 and int64 */ \
    X(CUMPROD_BACKWARD, cumprod_backward) /**< cnn_along: x, dy → dx of products that SCAN makes */ \
    X(SORT, sort) /**< cnn_sort_parameters: x [before,n,after] → (y [before,k,after]), index (int64) of each */ \
    X(TRIANGLE, triangle) /**< cnn_triangle_parameters: x → y */ \
    X(ADAGRAD, adagrad) /**< cnn_adagrad_parameters, n: gradient → parameter, sum */ \
    X(ADADELTA, adadelta) /**< cnn_adadelta_parameters, n: gradient → parameter, square, delta */ \
    X(NADAM, nadam) /**< cnn_nadam_parameters, n: gradient → parameter, m, v, product (double) */ \
    X(RADAM, radam) /**< cnn_radam_parameters, n: gradient → parameter, m, v */ \
    X(ADAMAX, adamax) /**< cnn_adamax_parameters, n: gradient → parameter, m, norm */ \
    X(LION, lion) /**< cnn_lion_parameters, n: gradient → parameter, m */ \
    X(LAMB, lamb) /**< cnn_lamb_parameters, n: gradient → parameter (stays), m, v, direction */ \
    X(LARS, lars) /**< cnn_lars_parameters, n: gradient, totals (double [2]) → parameter, (momentum buffer) */ \
    X(MUON, muon) /**< cnn_muon_parameters, n: gradient → update, momentum buffer */ \
    X(COMBINE, combine) /**< cnn_combine_parameters, n: x, (total (double)) → y (in place) */ \
    X(ATTENTION_FORWARD, attention_forward) /**< cnn_attention_parameters: q, k, v, (mask) → y, (weights) */ \
    X(ATTENTION_BACKWARD, attention_backward) /**< cnn_attention_parameters: q, k, v, (mask), (dy), (dweights) → \
         (dq), (dk), (dv), (dmask, like the weights) */
/* clang-format on */

#ifndef DOXYGEN /* docs/keywords.awk makes it of the list, with the comments */
#define CNN__KERNEL_NUMBER(NAME, name) CNN_KERNEL_##NAME,
typedef enum cnn_kernel {
    CNN_KERNELS(CNN__KERNEL_NUMBER) CNN_KERNEL_COUNT /* how many there are in this version */
} cnn_kernel;
#endif

/** One computation. Everything that it points to but the operands is the host's and ends with the call. */
typedef struct cnn_launch {
    size_t struct_size;     /**< sizeof(cnn_launch) */
    cnn_kernel kernel;      /**< which */
    cnn_dtype dtype;        /**< of the operands as they are stored; for bfloat16 a kernel computes and sums in float32
                                 and rounds what it writes, once */
    int64_t count;          /**< elements, for kernels that are told so */
    const void *parameters; /**< the kernel's struct; NULL: it has none */
    size_t parameters_size; /**< of that struct */
    const void *in[6];      /**< addresses of the inputs on the device */
    void *out[4];           /**< and of the results */
    void *workspace;        /**< at least what cnn_backend::workspace asked for, on the device, aligned to 64 bytes */
    uint64_t number;        /**< rises by one with each launch and copy of the queue */
} cnn_launch;

/** What went wrong on a device. */
typedef struct cnn_backend_failure {
    size_t struct_size; /**< sizeof(cnn_backend_failure) */
    uint64_t number;    /**< of the launch or copy that failed: everything behind it was not carried out */
    cnn_status status;  /**< what the library's call will return */
    int kernel;         /**< a cnn_kernel; −1: a copy or the device itself */
    int64_t position;   /**< of a bad index */
    int64_t value;      /**< that index */
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
    /** Begins a queue on a device, for one context. NULL: no; `message` says why, in one line. */
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
