/** @file
 * Modules: layers and networks with named parameters, buffers and children.
 *
 * Names equal PyTorch's state_dict keys (`l1.0.weight`), shapes and initialisation too. A module belongs to the caller
 * until a parent takes it. Calls that take ownership take it on failure too, so constructors nest without leaks. One
 * module may run forward on several tapes in several threads at once as long as nobody changes it. */
#ifndef CNN_MODULE_H
#define CNN_MODULE_H

#include <cnn/activations.h>
#include <cnn/image_layers.h>
#include <cnn/norms.h>
#include <cnn/ops.h>

CNN_BEGIN_DECLS

/** @name Layers
 * All return a module owned by the caller, or NULL on failure: `ctx` is NULL, a size below 1 or an option out of its
 * range (CNN_ERROR_INVALID_ARGUMENT), a dtype that is not of real numbers (CNN_ERROR_DTYPE), sizes whose product
 * overflows (CNN_ERROR_SHAPE), no memory. First values are drawn from the context's next random streams. Thread-safe.
 * Activations other than ReLU and GELU are in ops/activation.h and activations.h, normalisations other than BatchNorm2d
 * in norms.h, layers that pool, pad or resize in image_layers.h.
 * @{ */

/** torch.nn.Conv2d: `weight` [out, in/groups, kh, kw] and `bias` [out], uniform in ±1/√(in/groups·kh·kw). @since 0.1 */
CNN_API cnn_module *cnn_conv2d_create(cnn_context *ctx, int64_t in_channels, int64_t out_channels,
                                      const cnn_conv2d_options *options);

/** Options of cnn_relu_create(): none yet. */
typedef struct cnn_relu_options {
    size_t struct_size;        /**< sizeof(cnn_relu_options) */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_relu_options;

/** torch.nn.ReLU. `options` may be NULL. @since 0.2 */
CNN_API cnn_module *cnn_relu_create(cnn_context *ctx, const cnn_relu_options *options);
/** torch.nn.GELU, cnn_gelu() as a layer. `options` may be NULL. @since 0.2 */
CNN_API cnn_module *cnn_gelu_create(cnn_context *ctx, const cnn_gelu_options *options);
/** torch.nn.MaxPool2d. @since 0.1 */
CNN_API cnn_module *cnn_maxpool2d_create(cnn_context *ctx, const cnn_maxpool2d_options *options);
/** torch.nn.AvgPool2d. @since 0.2 */
CNN_API cnn_module *cnn_avg_pool2d_create(cnn_context *ctx, const cnn_avg_pool2d_options *options);
/** torch.nn.BatchNorm2d over x [N,channels,H,W]: `weight` [channels] of ones, `bias` of zeros, and the buffers
 * `running_mean` of zeros, `running_var` of ones and `num_batches_tracked`, an i64 scalar; cnn_batch_norm() says what
 * it does with them. @since 0.2 */
CNN_API cnn_module *cnn_batch_norm2d_create(cnn_context *ctx, int64_t channels, const cnn_batch_norm_options *options);

/** Options of cnn_dropout_create(): none yet. */
typedef struct cnn_dropout_options {
    size_t struct_size;        /**< sizeof(cnn_dropout_options) */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_dropout_options;

/** torch.nn.Dropout: p in [0, 1], where 0 is 0. `options` may be NULL. @since 0.2 */
CNN_API cnn_module *cnn_dropout_create(cnn_context *ctx, double p, const cnn_dropout_options *options);

/** Options of cnn_linear_create(); zero means the default. */
typedef struct cnn_linear_options {
    size_t struct_size;        /**< sizeof(cnn_linear_options) */
    cnn_dtype dtype;           /**< the dtype of the parameters; default CNN_F32 */
    bool no_bias;              /**< no bias parameter */
    unsigned char reserved[3]; /**< zero: room for later options */
} cnn_linear_options;

/** torch.nn.Linear: `weight` [out, in] and `bias` [out], uniform in ±1/√in. @since 0.1 */
CNN_API cnn_module *cnn_linear_create(cnn_context *ctx, int64_t in_features, int64_t out_features,
                                      const cnn_linear_options *options);
/** torch.nn.Embedding: `weight` [num_embeddings, embedding_dim], standard normal, with zeros in the padding row, which
 * gets no gradient. Its input is i64 or i32: see cnn_embedding(). @since 0.2 */
CNN_API cnn_module *cnn_embedding_create(cnn_context *ctx, int64_t num_embeddings, int64_t embedding_dim,
                                         const cnn_embedding_options *options);

/** torch.nn.Conv1d: `weight` [out, in/groups, k] and `bias` [out], uniform in ±1/√(in/groups·k). @since 0.2 */
CNN_API cnn_module *cnn_conv1d_create(cnn_context *ctx, int64_t in_channels, int64_t out_channels,
                                      const cnn_conv1d_options *options);
/** torch.nn.Conv3d: `weight` [out, in/groups, kd, kh, kw] and `bias` [out], uniform in ±1/√(in/groups·kd·kh·kw).
 * @since 0.2 */
CNN_API cnn_module *cnn_conv3d_create(cnn_context *ctx, int64_t in_channels, int64_t out_channels,
                                      const cnn_conv3d_options *options);
/** torch.nn.ConvTranspose1d: `weight` [in, out/groups, k] and `bias` [out], uniform in ±1/√(out/groups·k).
 * @since 0.2 */
CNN_API cnn_module *cnn_conv_transpose1d_create(cnn_context *ctx, int64_t in_channels, int64_t out_channels,
                                                const cnn_conv_transpose1d_options *options);
/** torch.nn.ConvTranspose2d: `weight` [in, out/groups, kh, kw] and `bias` [out], uniform in ±1/√(out/groups·kh·kw).
 * @since 0.2 */
CNN_API cnn_module *cnn_conv_transpose2d_create(cnn_context *ctx, int64_t in_channels, int64_t out_channels,
                                                const cnn_conv_transpose2d_options *options);
/** torch.nn.ConvTranspose3d: `weight` [in, out/groups, kd, kh, kw] and `bias` [out], uniform in
 * ±1/√(out/groups·kd·kh·kw). @since 0.2 */
CNN_API cnn_module *cnn_conv_transpose3d_create(cnn_context *ctx, int64_t in_channels, int64_t out_channels,
                                                const cnn_conv_transpose3d_options *options);

/** Options of cnn_flatten_create(); zero means the default. */
typedef struct cnn_flatten_options {
    size_t struct_size;        /**< sizeof(cnn_flatten_options) */
    int start_dim;             /**< the first dimension that is joined; negative ones count from the last; default 1 */
    int end_dim;               /**< the last of them, included; default -1, the last of all */
    bool has_start_dim;        /**< set it to start at dimension 0 */
    unsigned char reserved[7]; /**< zero: room for later options */
} cnn_flatten_options;

/** torch.nn.Flatten: cnn_flatten() as a layer. `options` may be NULL. An input without these dimensions is an
 * error. @since 0.2 */
CNN_API cnn_module *cnn_flatten_create(cnn_context *ctx, const cnn_flatten_options *options);

/**
 * torch.nn.Sequential: the children, named "0", "1", …, one after the other.
 * @param children  takes ownership, also on failure; a child that has a parent already is refused and stays there. A
 *                  NULL among them fails and keeps the message of its failed call.
 * @param count     how many; a negative number fails, and then nothing was given.
 * @since 0.1
 */
CNN_API cnn_module *cnn_sequential_create(cnn_context *ctx, cnn_module *const *children, int count);

#ifndef __cplusplus
/** `cnn_conv2d_new(ctx, in_channels, out_channels, kernel, .padding = 2)` */
#define cnn_conv2d_new(...) CNN__CONV2D_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_conv2d_options))
#define CNN__CONV2D_NEW(ctx, in_channels, out_channels, size, ...) \
    cnn_conv2d_create((ctx), (in_channels), (out_channels), \
                      &(cnn_conv2d_options){ .kernel = (size), CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_relu_new(ctx)` */
#define cnn_relu_new(...) CNN__RELU_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_relu_options))
#define CNN__RELU_NEW(ctx, ...) cnn_relu_create((ctx), &(cnn_relu_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_gelu_new(ctx)`, `cnn_gelu_new(ctx, .approximate_tanh = true)` */
#define cnn_gelu_new(...) CNN__GELU_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_gelu_options))
#define CNN__GELU_NEW(ctx, ...) cnn_gelu_create((ctx), &(cnn_gelu_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_dropout_new(ctx, p)` */
#define cnn_dropout_new(...) CNN__DROPOUT_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_dropout_options))
#define CNN__DROPOUT_NEW(ctx, p, ...) \
    cnn_dropout_create((ctx), (p), &(cnn_dropout_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_flatten_new(ctx, .start_dim = 2)` */
#define cnn_flatten_new(...) CNN__FLATTEN_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_flatten_options))
#define CNN__FLATTEN_NEW(ctx, ...) cnn_flatten_create((ctx), &(cnn_flatten_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_maxpool2d_new(ctx, kernel, .stride = 2)` */
#define cnn_maxpool2d_new(...) CNN__MAXPOOL2D_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_maxpool2d_options))
#define CNN__MAXPOOL2D_NEW(ctx, size, ...) \
    cnn_maxpool2d_create((ctx), &(cnn_maxpool2d_options){ .kernel = (size), CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_avg_pool2d_new(ctx, kernel, .stride = 2)` */
#define cnn_avg_pool2d_new(...) CNN__AVG_POOL2D_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_avg_pool2d_options))
#define CNN__AVG_POOL2D_NEW(ctx, size, ...) \
    cnn_avg_pool2d_create((ctx), &(cnn_avg_pool2d_options){ .kernel = (size), CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_batch_norm2d_new(ctx, channels, .momentum = 0.01)` */
#define cnn_batch_norm2d_new(...) CNN__BATCH_NORM2D_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_batch_norm_options))
#define CNN__BATCH_NORM2D_NEW(ctx, channels, ...) \
    cnn_batch_norm2d_create((ctx), (channels), &(cnn_batch_norm_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_linear_new(ctx, in_features, out_features, .no_bias = true)` */
#define cnn_linear_new(...) CNN__LINEAR_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_linear_options))
#define CNN__LINEAR_NEW(ctx, in_features, out_features, ...) \
    cnn_linear_create((ctx), (in_features), (out_features), &(cnn_linear_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_embedding_new(ctx, num_embeddings, embedding_dim, .has_padding_idx = true, .padding_idx = 0)` */
#define cnn_embedding_new(...) CNN__EMBEDDING_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_embedding_options))
#define CNN__EMBEDDING_NEW(ctx, num_embeddings, embedding_dim, ...) \
    cnn_embedding_create((ctx), (num_embeddings), (embedding_dim), \
                         &(cnn_embedding_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_conv1d_new(ctx, in_channels, out_channels, kernel, .padding = 2)` */
#define cnn_conv1d_new(...) CNN__CONV1D_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_conv1d_options))
#define CNN__CONV1D_NEW(ctx, in_channels, out_channels, size, ...) \
    cnn_conv1d_create((ctx), (in_channels), (out_channels), \
                      &(cnn_conv1d_options){ .kernel = (size), CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_conv3d_new(ctx, in_channels, out_channels, kernel, .padding = 1)` */
#define cnn_conv3d_new(...) CNN__CONV3D_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_conv3d_options))
#define CNN__CONV3D_NEW(ctx, in_channels, out_channels, size, ...) \
    cnn_conv3d_create((ctx), (in_channels), (out_channels), \
                      &(cnn_conv3d_options){ .kernel = (size), CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_conv_transpose1d_new(ctx, in_channels, out_channels, kernel, .stride = 2)` */
#define cnn_conv_transpose1d_new(...) \
    CNN__CONV_TRANSPOSE1D_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_conv_transpose1d_options))
#define CNN__CONV_TRANSPOSE1D_NEW(ctx, in_channels, out_channels, size, ...) \
    cnn_conv_transpose1d_create((ctx), (in_channels), (out_channels), \
                                &(cnn_conv_transpose1d_options){ .kernel = (size), CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_conv_transpose2d_new(ctx, in_channels, out_channels, kernel, .stride = 2, .output_padding = 1)` */
#define cnn_conv_transpose2d_new(...) \
    CNN__CONV_TRANSPOSE2D_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_conv_transpose2d_options))
#define CNN__CONV_TRANSPOSE2D_NEW(ctx, in_channels, out_channels, size, ...) \
    cnn_conv_transpose2d_create((ctx), (in_channels), (out_channels), \
                                &(cnn_conv_transpose2d_options){ .kernel = (size), CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_conv_transpose3d_new(ctx, in_channels, out_channels, kernel, .stride = 2)` */
#define cnn_conv_transpose3d_new(...) \
    CNN__CONV_TRANSPOSE3D_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_conv_transpose3d_options))
#define CNN__CONV_TRANSPOSE3D_NEW(ctx, in_channels, out_channels, size, ...) \
    cnn_conv_transpose3d_create((ctx), (in_channels), (out_channels), \
                                &(cnn_conv_transpose3d_options){ .kernel = (size), CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_sequential_new(ctx, first, second, …)` */
#define cnn_sequential_new(ctx, ...) \
    cnn_sequential_create((ctx), (cnn_module *[]){ __VA_ARGS__ }, \
                          (int)(sizeof((cnn_module *[]){ __VA_ARGS__ }) / sizeof(cnn_module *)))
#endif
/** @} */

/** @name Modules of the user's own
 * @{ */

/** The forward pass of a module: calls its children and operations on `x` and returns the result. It may use the
 * module's parameters and buffers in any operation, without cnn_input(). It must return normally: no exception,
 * longjmp() or pthread_exit() may leave it (docs/concepts.md). */
typedef cnn_tensor *(*cnn_forward_fn)(cnn_module *self, cnn_tensor *x, void *user);

/** The forward pass of a module of any number of tensors: reads `inputs`, some of which may be NULL where the module's
 * documentation allows it, and writes a result to each of `outputs`. The counts are those of cnn_forward_many(), or 1
 * and 1 for cnn_forward(). Returns CNN_OK, or what went wrong, which fails the step. The rules for what it may do are
 * cnn_forward_fn's. */
typedef cnn_status (*cnn_forward_many_fn)(cnn_module *self, cnn_tensor *const *inputs, int input_count,
                                          cnn_tensor **outputs, int output_count, void *user);

/** Options of cnn_module_create(). */
typedef struct cnn_module_options {
    size_t struct_size;            /**< sizeof(cnn_module_options) */
    const char *type;              /**< a name for messages; copied; default "module" */
    cnn_forward_fn forward;        /**< required, unless there is `forward_many` */
    void *user;                    /**< passed to `forward` */
    void (*free_user)(void *user); /**< called with `user` when the module goes, and on failure; may be NULL */
    /** For cnn_module_clone(), needed where `user` is not NULL: writes the `user` of `clone` to `copy`. The parameters,
     * buffers and children of `clone` are all there, so that pointers to them can be looked up. Anything but CNN_OK
     * ends the clone with CNN_ERROR_CALLBACK, and then `copy` is not freed. Must return normally. Since 0.2. */
    cnn_status (*clone_user)(cnn_module *clone, void *user, void **copy);
    cnn_forward_many_fn forward_many; /**< for several tensors, or none; default none. Since 0.2 */
    unsigned char reserved[8];        /**< zero: room for later options */
} cnn_module_options;

/**
 * Makes a module with a forward function of the user's, like a class derived from nn.Module.
 * @param options  takes ownership of `user` by `free_user`, also on failure, unless struct_size is garbage.
 * @return a module owned by the caller; NULL on failure.
 * @since 0.1
 */
CNN_API cnn_module *cnn_module_create(cnn_context *ctx, const cnn_module_options *options);

/**
 * The `user` of a module that was made with this `forward_many`: by the function a program knows modules of its own.
 * Thread-safe.
 * @return the pointer, which belongs to the module; NULL for another module (no error), and for a NULL, which is one.
 * @since 0.2
 */
CNN_API void *cnn_module_user(const cnn_module *module, cnn_forward_many_fn forward_many);

/**
 * Makes a module do what another one does, where it stands: it takes the type, the forward functions and the `user` of
 * `other`, and keeps its name, mode, children, parameters and buffers, which an optimizer may hold. PyTorch assigns
 * `module.__class__` or `module.forward`. Between two steps, and while no other thread uses the module.
 * @param other  made by cnn_module_create() in the same context, without a parent or children; takes ownership, also on
 *               failure, unless it has a parent or is `module`. Its tensors are freed.
 * @return CNN_OK; CNN_ERROR_INVALID_ARGUMENT (a NULL); CNN_ERROR_STATE (another kind of `other`). @since 0.2
 */
CNN_API cnn_status cnn_module_become(cnn_module *module, cnn_module *other);

/** `cnn_module_new(ctx, forward, .user = &model)` */
#ifndef __cplusplus
#define cnn_module_new(...) CNN__MODULE_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_module_options))
#define CNN__MODULE_NEW(ctx, function, ...) \
    cnn_module_create((ctx), &(cnn_module_options){ .forward = (function), CNN__KEYWORDS_ONLY, __VA_ARGS__ })
#endif

/**
 * Names `child` within `parent`, which takes ownership, also on failure.
 * @param name  not empty, without '.', and not yet used in `parent`; copied.
 * @return `child`, borrowed; NULL on failure: a bad name or a NULL (CNN_ERROR_INVALID_ARGUMENT), a child that has a
 *         parent, that is an ancestor of `parent` or of another context (CNN_ERROR_STATE; the first two stay where they
 *         are), a tree of more than 1000 levels (CNN_ERROR_UNSUPPORTED), no memory.
 * @since 0.1
 */
CNN_API cnn_module *cnn_module_add(cnn_module *parent, const char *name, cnn_module *child);

/** Adds a parameter: takes ownership of `tensor` (of real numbers), also on failure, and asks for its gradient. NULL
 * fails and keeps the message of its failed call.
 * @return `tensor`, borrowed; NULL on failure. @since 0.1 */
CNN_API cnn_tensor *cnn_module_add_parameter(cnn_module *module, const char *name, cnn_tensor *tensor);

/** Adds a buffer: saved with the module, not trained. Takes ownership of `tensor`, also on failure; NULL as above.
 * @return `tensor`, borrowed; NULL on failure. @since 0.1 */
CNN_API cnn_tensor *cnn_module_add_buffer(cnn_module *module, const char *name, cnn_tensor *tensor);
/** @} */

/**
 * A deep copy: the same layers with parameters and buffers of their own, equal to the bit, which require a gradient
 * where those of `module` do and have none yet. `module` may have a parent; the copy has none. Draws no random numbers.
 * Thread-safe while nobody changes the module.
 * @return a module owned by the caller; NULL on failure: a NULL (CNN_ERROR_INVALID_ARGUMENT), a module of the user's
 *         with a `user` and no `clone_user` (CNN_ERROR_UNSUPPORTED), one whose `clone_user` failed
 *         (CNN_ERROR_CALLBACK), no memory.
 * @since 0.2
 */
CNN_API cnn_module *cnn_module_clone(const cnn_module *module);

/**
 * cnn_module_clone() with parameters and buffers of real numbers converted to `dtype` as by cnn_cast(), such as
 * CNN_BF16 for evaluation in half the memory; integers stay. A module converts no inputs: cast them.
 * @return a module owned by the caller; NULL on failure, as cnn_module_clone() says, and for a dtype that is not of
 *         real numbers (CNN_ERROR_DTYPE).
 * @since 0.2
 */
CNN_API cnn_module *cnn_module_to_dtype(const cnn_module *module, cnn_dtype dtype);

/** Frees a module that no parent owns, with its children; NULL is fine. Optimizers and tapes that still use its
 * parameters keep those. @since 0.1 */
CNN_API void cnn_module_free(cnn_module *module);

/** How a module behaves in a step: layers such as Dropout and BatchNorm2d differ in training. */
typedef enum cnn_module_mode {
    CNN_MODULE_FOLLOWS_STEP = 0, /**< as the step's cnn_mode says, or a module that it is in; the default */
    CNN_MODULE_EVALUATES = 1,    /**< as in evaluation, also in a step that trains: module.eval() */
    CNN_MODULE_TRAINS = 2        /**< as in training, also in a step that evaluates: module.train() */
} cnn_module_mode;

/** Sets how the module behaves, and everything in it that has no mode of its own. A part that is kept as it is while
 * the rest trains evaluates, and its parameters ask for no gradient. Not while another thread runs the module. The mode
 * is not saved with the module. @since 0.2 */
CNN_API cnn_status cnn_module_set_mode(cnn_module *module, cnn_module_mode mode);
/** What cnn_module_set_mode() said; CNN_MODULE_FOLLOWS_STEP for NULL, which is reported. @since 0.2 */
CNN_API cnn_module_mode cnn_module_get_mode(const cnn_module *module);

/** Runs the module on a tensor of a tape. The message of an operation that fails inside begins with the path of the
 * module that called it, such as `l2.0: conv2d: …`. @return a tensor of that tape; nil on failure. @since 0.1 */
CNN_API cnn_tensor *cnn_forward(cnn_module *module, cnn_tensor *x);

/**
 * Runs `count` modules, each on the result of the one before it, as a Sequential of them would: layers that can run as
 * one operation do, such as Conv2d, BatchNorm2d and ReLU, which calls of cnn_forward() one by one cannot. For forwards
 * of the user's own, whose layers have other names than a Sequential's. Results in between are dropped.
 *
 * @return as cnn_forward(); nil, and the step fails, where `modules` or one of them is NULL or `count` is below 1.
 * @since 0.2
 */
CNN_API cnn_tensor *cnn_forward_chain(cnn_module *const *modules, int count, cnn_tensor *x);

/**
 * cnn_forward() with less memory, as torch.utils.checkpoint.checkpoint: what backward needs of the module is not kept,
 * but computed again by a second forward when backward comes by. That one draws the same random numbers and moves no
 * running statistics, so that results and gradients are those of cnn_forward(), to the bit. Where no gradient is
 * recorded it is cnn_forward().
 *
 * A module of the user's must compute the same both times; buffers that it writes itself it would write twice.
 * Parameters may not be written before backward. cnn_grad() cannot pass such a result (CNN_ERROR_UNSUPPORTED), and
 * backward passes it once. @return as cnn_forward(). @since 0.2
 */
CNN_API cnn_tensor *cnn_forward_recomputed(cnn_module *module, cnn_tensor *x);

/**
 * Runs a module that takes or returns other than one tensor, or none at all.
 *
 * @param tape     the step that the module runs in.
 * @param inputs   results of this step, or tensors of the caller's, which enter it as by cnn_input(); an element may be
 *                 NULL where the module leaves that input out.
 * @param outputs  filled with `output_count` results; with nil on failure.
 * @return CNN_OK; else the error of the step, whose message begins as cnn_forward() says. A module with a forward of
 *         one tensor alone takes 1 and 1.
 * @since 0.2
 */
CNN_API cnn_status cnn_forward_many(cnn_tape *tape, cnn_module *module, cnn_tensor *const *inputs, int input_count,
                                    cnn_tensor **outputs, int output_count);

/** The type's name, such as "Conv2d"; "" for NULL. @since 0.1 */
CNN_API const char *cnn_module_type(const cnn_module *module);
/** The context of the module, borrowed; NULL for NULL. @since 0.1 */
CNN_API cnn_context *cnn_module_context(const cnn_module *module);
/** How many direct children; 0 for NULL. @since 0.1 */
CNN_API int cnn_module_child_count(const cnn_module *module);
/** Child number i, borrowed, and its name (when `name` is not NULL); NULL past the end, and for
 * a negative number, which is an error. @since 0.1 */
CNN_API cnn_module *cnn_module_child(const cnn_module *module, int i, const char **name);

/** How many parameters and buffers in the whole tree, in the order of PyTorch's state_dict. @since 0.1 */
CNN_API int cnn_module_state_count(const cnn_module *module);
/** Entry number i of the state: a parameter or buffer, borrowed; NULL past the end, and for a negative number, which is
 * an error. @since 0.1 */
CNN_API cnn_tensor *cnn_module_state(const cnn_module *module, int i);
/** Writes the whole name of entry number i, such as "l1.0.weight"; length and cutting as in cnn_tensor_format(): where
 * the length is not less than `size` the name was cut. @return 0, and an empty text, past the end and on failure.
 * @since 0.2 */
CNN_API size_t cnn_module_state_name(const cnn_module *module, int i, char *buffer, size_t size);

/** Receives one parameter or buffer, borrowed, with its whole name, such as "l1.0.weight", which is valid during the
 * call. Returns whether the walk goes on. Must return normally, and may not add to the module or free it. */
typedef bool (*cnn_visit_fn)(const char *name, cnn_tensor *tensor, bool is_parameter, void *user);

/**
 * Calls `visit` for every parameter and buffer of the whole tree, in the order of PyTorch's state_dict, until it
 * returns false. One walk, where a loop over cnn_module_state() takes one for each of them. Thread-safe while nobody
 * changes the module.
 * @return CNN_OK, also where `visit` ended the walk; CNN_ERROR_INVALID_ARGUMENT for a NULL; CNN_ERROR_NO_MEMORY.
 * @since 0.2
 */
CNN_API cnn_status cnn_module_visit(const cnn_module *module, cnn_visit_fn visit, void *user);

/** The parameter or buffer of that name in the whole tree, borrowed; NULL (CNN_ERROR_NOT_FOUND) if there is none.
 * @since 0.1 */
CNN_API cnn_tensor *cnn_module_find(const cnn_module *module, const char *name);
/** How many parameters (not buffers) in the whole tree. @since 0.1 */
CNN_API int cnn_module_parameter_count(const cnn_module *module);
/** Parameter number i of the whole tree, borrowed; NULL past the end. @since 0.1 */
CNN_API cnn_tensor *cnn_module_parameter(const cnn_module *module, int i);
/**
 * Writes the parameters of the whole tree to `parameters`, borrowed and in the order of cnn_module_parameter(), as
 * PyTorch's `list(model.parameters())`. One walk, where a loop over cnn_module_parameter() takes one for each of them.
 * @param parameters  has room for `count` pointers; may be NULL where that is 0.
 * @param count       0 or more; no more than that are written.
 * @return how many parameters there are, which may be more than `count`; 0 on failure, where cnn_last_error() says why:
 *         a NULL or a negative count (CNN_ERROR_INVALID_ARGUMENT). Thread-safe while nobody changes the module.
 * @since 0.2
 */
CNN_API int cnn_module_parameters(const cnn_module *module, cnn_tensor **parameters, int count);
/** How many numbers all parameters hold together. @since 0.1 */
CNN_API int64_t cnn_module_parameter_numel(const cnn_module *module);
/** Sets the gradients of all parameters to zero. @since 0.1 */
CNN_API cnn_status cnn_module_zero_grad(cnn_module *module);
/** Copies all parameters and buffers of `source`, which has the same names, shapes and dtypes; else CNN_ERROR_MISMATCH,
 * and nothing is changed. @since 0.1 */
CNN_API cnn_status cnn_module_copy_from(cnn_module *module, const cnn_module *source);
/** Writes the tree of layers as text, as PyTorch's repr does; length and cutting as in cnn_tensor_format(). @since 0.1
 */
CNN_API size_t cnn_module_format(const cnn_module *module, char *buffer, size_t size);

CNN_END_DECLS

#endif
