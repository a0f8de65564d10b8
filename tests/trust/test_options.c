/* Options structs across versions, in one table: an older (shorter) struct is accepted with defaults for what it
 * lacks, a newer one is accepted if its tail is zero, any other size is refused, and so is a set byte among the
 * reserved ones; CNN_ZERO is 0; and every option out of its range is refused with its name, its value and what was
 * expected. */
#include "optim/optimizer.h"
#include "trust.h"

#include <cnn/cnn.h>

#include <math.h>
#include <string.h>
#include <unistd.h>

static cnn_context *ctx;
static cnn_tape *tape;
static cnn_module *model;
static cnn_optimizer *adam, *sgd;
static char path[256];
static long checks, user_freed;

static void setup(void)
{
    ctx = cnn_context_new(.seed = 1, .threads = 1);
    tape = cnn_tape_new(ctx);
    cnn_tape_begin(tape, CNN_TRAIN);
    model = cnn_linear_new(ctx, 3, 2);
    adam = cnn_adam_new(model);
    sgd = cnn_sgd_new(model, .lr = 0.1);
    snprintf(path, sizeof path, "%.200s/cnn-options-%ld", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", (long)getpid());
    cnn_context_clear_error(NULL);
}

static void teardown(void)
{
    cnn_optimizer_free(adam);
    cnn_optimizer_free(sgd);
    cnn_module_free(model);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    unlink(path);
}

static cnn_tensor *input(int ndim, const int64_t *shape)
{
    cnn_tensor *plain = cnn_tensor_ones(ctx, CNN_F32, ndim, shape);
    cnn_tensor *x = cnn_input(tape, plain);
    cnn_tensor_free(plain);
    return x;
}

/* ---- the calls that take options: true for success ---- */

#define FREEING(name, call, release)                     \
    static bool use_##name(const void *o)                \
    {                                                    \
        void *made = call;                               \
        if (made) {                                      \
            release(made);                               \
        }                                                \
        return made != NULL;                             \
    }
FREEING(context, cnn_context_create(o), cnn_context_free)
FREEING(conv2d_layer, cnn_conv2d_create(ctx, 4, 8, o), cnn_module_free)
FREEING(batch_norm2d, cnn_batch_norm2d_create(ctx, 3, o), cnn_module_free)
FREEING(maxpool2d_layer, cnn_maxpool2d_create(ctx, o), cnn_module_free)
FREEING(relu, cnn_relu_create(ctx, o), cnn_module_free)
FREEING(dropout, cnn_dropout_create(ctx, 0.5, o), cnn_module_free)
FREEING(flatten, cnn_flatten_create(ctx, o), cnn_module_free)
FREEING(linear, cnn_linear_create(ctx, 3, 2, o), cnn_module_free)
FREEING(lstm_layer, cnn_lstm_create(ctx, 3, 2, o), cnn_module_free)
FREEING(embedding_layer, cnn_embedding_create(ctx, 3, 2, o), cnn_module_free)
FREEING(module, cnn_module_create(ctx, o), cnn_module_free)
FREEING(adam, cnn_adam_create(model, o), cnn_optimizer_free)
FREEING(adamw, cnn_adamw_create(model, o), cnn_optimizer_free)
FREEING(sgd, cnn_sgd_create(model, o), cnn_optimizer_free)
FREEING(callbacks, cnn_dataset_from_callbacks(ctx, o), cnn_dataset_free)

static bool use_add_group(const void *o)
{
    cnn_tensor *p = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2));
    bool good = cnn_adam_add_group(adam, &p, 1, o) == CNN_OK;
    cnn_tensor_free(p);
    return good;
}

static bool use_sgd_group(const void *o)
{
    cnn_tensor *p = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2));
    bool good = cnn_sgd_add_group(sgd, &p, 1, o) == CNN_OK;
    cnn_tensor_free(p);
    return good;
}

FREEING(adam_for, cnn_adam_create_for(ctx, NULL, 0, o), cnn_optimizer_free)
FREEING(adamw_for, cnn_adamw_create_for(ctx, NULL, 0, o), cnn_optimizer_free)
FREEING(sgd_for, cnn_sgd_create_for(ctx, NULL, 0, o), cnn_optimizer_free)

static bool is_any(const char *name, const cnn_tensor *parameter, void *user)
{
    (void)name, (void)parameter, (void)user;
    return true;
}

#define GROUP_WHERE(name, defaults)                                                   \
    static bool use_##name##_where(const void *o)                                     \
    {                                                                                 \
        cnn_optimizer *made = cnn_##name##_create_for(ctx, NULL, 0, defaults);        \
        bool good = cnn_##name##_add_group_where(made, model, is_any, NULL, o) == CNN_OK; \
        cnn_optimizer_free(made);                                                     \
        return good;                                                                  \
    }
GROUP_WHERE(adam, NULL)
GROUP_WHERE(adamw, NULL)
GROUP_WHERE(sgd, CNN_OPTIONS(cnn_sgd_options, .lr = 0.1))

static bool use_conv2d(const void *o)
{
    return cnn_tensor_status(cnn_conv2d(input(CNN_SHAPE(1, 4, 8, 8)), input(CNN_SHAPE(8, 4, 3, 3)), NULL, o)) == CNN_OK;
}

static bool use_maxpool2d(const void *o)
{
    return cnn_tensor_status(cnn_maxpool2d(input(CNN_SHAPE(1, 4, 8, 8)), o)) == CNN_OK;
}

static bool use_fused_conv(const void *o)
{
    const cnn_maxpool2d_options pool = { .struct_size = sizeof pool, .kernel = 2 };
    return cnn_tensor_status(cnn_conv2d_relu_maxpool2d(input(CNN_SHAPE(1, 4, 8, 8)), input(CNN_SHAPE(8, 4, 3, 3)), NULL, o,
                                                       &pool)) == CNN_OK;
}

static bool use_fused_pool(const void *o)
{
    return cnn_tensor_status(cnn_conv2d_relu_maxpool2d(input(CNN_SHAPE(1, 4, 8, 8)), input(CNN_SHAPE(8, 4, 3, 3)), NULL, NULL,
                                                       o)) == CNN_OK;
}

static bool use_cross_entropy(const void *o)
{
    cnn_tensor *target = cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(2));
    bool good = cnn_tensor_status(cnn_cross_entropy_with(input(CNN_SHAPE(2, 3)), target, o)) == CNN_OK;
    cnn_tensor_free(target);
    return good;
}

static bool use_lstm(const void *o)
{
    return cnn_tensor_status(cnn_lstm(input(CNN_SHAPE(2, 1, 3)), NULL, NULL, input(CNN_SHAPE(8, 3)), input(CNN_SHAPE(8, 2)), NULL,
                                      NULL, o, NULL, NULL)) == CNN_OK;
}

static bool use_embedding(const void *o)
{
    cnn_tensor *indices = cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(2));
    bool good = cnn_tensor_status(cnn_embedding(input(CNN_SHAPE(2, 3)), indices, o)) == CNN_OK;
    cnn_tensor_free(indices);
    return good;
}

static bool use_loader(const void *o)
{
    cnn_tensor *images = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(4, 1, 2, 2));
    cnn_loader *loader = cnn_loader_create(cnn_dataset_from_tensors(images, NULL), 2, o);
    cnn_tensor_free(images);
    cnn_loader_free(loader);
    return loader != NULL;
}

static cnn_tensor *square(cnn_tensor *const *inputs, int count, void *user)
{
    (void)count;
    (void)user;
    return cnn_mul(inputs[0], inputs[0]);
}

static bool use_gradcheck(const void *o)
{
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F64, CNN_SHAPE(2));
    cnn_tensor_set_requires_grad(x, true);
    bool good = cnn_gradcheck(ctx, square, NULL, &x, 1, o) == CNN_OK;
    cnn_tensor_free(x);
    return good;
}

static cnn_status infer_scalar(const cnn_tensor *const *inputs, int count, cnn_dtype *dtype, int *ndim, int64_t *shape,
                               void *user)
{
    (void)inputs, (void)count, (void)shape, (void)user;
    *dtype = CNN_F32;
    *ndim = 0;
    return CNN_OK;
}

static cnn_status forward_one(const cnn_tensor *const *inputs, int count, cnn_tensor *output, void *user)
{
    (void)inputs, (void)count, (void)user;
    *(float *)cnn_tensor_data(output) = 1;
    return CNN_OK;
}

static bool use_custom(const void *o)
{
    cnn_tensor *x = input(CNN_SHAPE(2));
    return cnn_tensor_status(cnn_custom(o, &x, 1, NULL)) == CNN_OK;
}

static bool use_load(const void *o)
{
    cnn_status status = cnn_module_save(model, path);
    ck_assert_int_eq(status, CNN_OK);
    return cnn_module_load_with(model, path, o, NULL) == CNN_OK;
}

static bool use_checkpoint(const void *o)
{
    return cnn_checkpoint_save(o, path) == CNN_OK;
}

/* Loading writes the epoch into the caller's struct, and nowhere past its end. */
static bool use_checkpoint_load(const void *o)
{
    cnn_checkpoint good = { .struct_size = sizeof good, .module = model, .optimizer = adam, .epoch = 7 };
    size_t size;
    memcpy(&size, o, sizeof size);
    unsigned char given[512], after[512];
    memcpy(given, o, sizeof given);
    cnn_status status = cnn_checkpoint_save(&good, path);
    ck_assert_int_eq(status, CNN_OK);
    status = cnn_checkpoint_load((cnn_checkpoint *)(void *)given, path);
    memcpy(after, o, sizeof after);
    if (status == CNN_OK && size >= offsetof(cnn_checkpoint, reserved)) {
        ck_assert_int_eq(((cnn_checkpoint *)(void *)given)->epoch, 7);
        memcpy(after + offsetof(cnn_checkpoint, epoch), given + offsetof(cnn_checkpoint, epoch), sizeof good.epoch);
    }
    ck_assert_mem_eq(given, after, sizeof given);
    return status == CNN_OK;
}

static cnn_tensor *forward_self(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    return x;
}

static void count_free(void *user)
{
    (void)user;
    user_freed++;
}

static cnn_status get_sample(int64_t index, void *image, void *label, void *user)
{
    (void)index, (void)image, (void)label, (void)user;
    return CNN_OK;
}

/* ---- the table of structs ---- */

typedef struct row {
    const char *name;
    bool (*use)(const void *options);
    const void *good;
    size_t size;
    size_t reserved; /* where the reserved bytes begin, which reach to its end */
    size_t needed;   /* the end of the last field that is required */
} row;

static const int64_t image_shape[] = { 1, 2, 2 };
static const cnn_context_options good_context = { .struct_size = sizeof good_context, .threads = 1 };
static const cnn_conv2d_options good_conv2d = { .struct_size = sizeof good_conv2d, .kernel = 3 };
static const cnn_maxpool2d_options good_maxpool2d = { .struct_size = sizeof good_maxpool2d, .kernel = 2 };
static const cnn_batch_norm_options good_batch_norm = { .struct_size = sizeof good_batch_norm };
static const cnn_relu_options good_relu = { .struct_size = sizeof good_relu };
static const cnn_dropout_options good_dropout = { .struct_size = sizeof good_dropout };
static const cnn_flatten_options good_flatten = { .struct_size = sizeof good_flatten };
static const cnn_linear_options good_linear = { .struct_size = sizeof good_linear };
static const cnn_lstm_options good_lstm = { .struct_size = sizeof good_lstm, .num_layers = 2, .dropout = 0.5 };
static const cnn_embedding_options good_embedding = { .struct_size = sizeof good_embedding, .has_padding_idx = true };
static const cnn_module_options good_module = { .struct_size = sizeof good_module, .forward = forward_self };
static const cnn_adam_options good_adam = { .struct_size = sizeof good_adam };
static const cnn_sgd_options good_sgd = { .struct_size = sizeof good_sgd, .lr = 0.1 };
static const cnn_loader_options good_loader = { .struct_size = sizeof good_loader };
static const cnn_cross_entropy_options good_loss = { .struct_size = sizeof good_loss };
static const cnn_gradcheck_options good_gradcheck = { .struct_size = sizeof good_gradcheck };
static const cnn_custom_op good_op = { .struct_size = sizeof good_op, .name = "one", .infer = infer_scalar,
                                       .forward = forward_one };
static const cnn_dataset_callbacks good_callbacks = { .struct_size = sizeof good_callbacks, .size = 2, .image_ndim = 3,
                                                      .image_shape = image_shape, .label_dtype = CNN_I64,
                                                      .get = get_sample };
static const cnn_load_options good_load = { .struct_size = sizeof good_load, .dtypes = CNN_LOAD_ROUND };
static cnn_checkpoint good_checkpoint = { .struct_size = sizeof good_checkpoint }; /* its module: see options_at */

#define END_OF(type, field) (offsetof(type, field) + sizeof(((type *)0)->field))
#define ROW(name, use, good, needed) { name, use, &good, sizeof good, offsetof(__typeof__(good), reserved), needed }
static const row rows[] = {
    ROW("context_create", use_context, good_context, 0),
    ROW("conv2d_create", use_conv2d_layer, good_conv2d, END_OF(cnn_conv2d_options, kernel)),
    ROW("conv2d", use_conv2d, good_conv2d, 0),
    ROW("conv2d", use_fused_conv, good_conv2d, 0),
    ROW("maxpool2d_create", use_maxpool2d_layer, good_maxpool2d, END_OF(cnn_maxpool2d_options, kernel)),
    ROW("maxpool2d", use_maxpool2d, good_maxpool2d, END_OF(cnn_maxpool2d_options, kernel)),
    ROW("maxpool2d", use_fused_pool, good_maxpool2d, END_OF(cnn_maxpool2d_options, kernel)),
    ROW("batch_norm2d_create", use_batch_norm2d, good_batch_norm, 0),
    ROW("linear_create", use_linear, good_linear, 0),
    ROW("lstm_create", use_lstm_layer, good_lstm, 0),
    ROW("lstm", use_lstm, good_lstm, 0),
    ROW("embedding_create", use_embedding_layer, good_embedding, 0),
    ROW("embedding", use_embedding, good_embedding, 0),
    ROW("module_create", use_module, good_module, END_OF(cnn_module_options, forward)),
    ROW("relu_create", use_relu, good_relu, 0),
    ROW("dropout_create", use_dropout, good_dropout, 0),
    ROW("flatten_create", use_flatten, good_flatten, 0),
    ROW("adam_create", use_adam, good_adam, 0),
    ROW("adamw_create", use_adamw, good_adam, 0),
    ROW("adam_add_group", use_add_group, good_adam, 0),
    ROW("sgd_add_group", use_sgd_group, good_sgd, END_OF(cnn_sgd_options, lr)),
    ROW("adam_create_for", use_adam_for, good_adam, 0),
    ROW("adamw_create_for", use_adamw_for, good_adam, 0),
    ROW("sgd_create_for", use_sgd_for, good_sgd, END_OF(cnn_sgd_options, lr)),
    ROW("adam_add_group_where", use_adam_where, good_adam, 0),
    ROW("adamw_add_group_where", use_adamw_where, good_adam, 0),
    ROW("sgd_add_group_where", use_sgd_where, good_sgd, END_OF(cnn_sgd_options, lr)),
    ROW("sgd_create", use_sgd, good_sgd, END_OF(cnn_sgd_options, lr)),
    ROW("loader_create", use_loader, good_loader, 0),
    ROW("cross_entropy", use_cross_entropy, good_loss, 0),
    ROW("gradcheck", use_gradcheck, good_gradcheck, 0),
    ROW("custom", use_custom, good_op, END_OF(cnn_custom_op, forward)),
    ROW("dataset_from_callbacks", use_callbacks, good_callbacks, END_OF(cnn_dataset_callbacks, get)),
    ROW("module_load_with", use_load, good_load, 0),
    ROW("checkpoint_save", use_checkpoint, good_checkpoint, END_OF(cnn_checkpoint, module)),
    ROW("checkpoint_load", use_checkpoint_load, good_checkpoint, END_OF(cnn_checkpoint, module)),
};
enum { ROWS = sizeof rows / sizeof rows[0], ROOM = 512 };

/* The good options with another struct_size; what lies past the struct is `filler`. */
static void options_at(const row *r, size_t size, unsigned char filler, unsigned char options[ROOM])
{
    good_checkpoint.module = model;
    memset(options, filler, ROOM);
    memcpy(options, r->good, r->size);
    if (size < r->size) {
        memset(options + size, filler, r->size - size);
    }
    memcpy(options, &size, sizeof size);
}

/* Each try has a fresh step. */
static bool run(const row *r, const void *options)
{
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_context_clear_error(NULL);
    checks++;
    bool good = r->use(options);
    if (good) {
        ck_assert_msg(!*cnn_last_error(NULL), "%s succeeded with a message: %s", r->name, cnn_last_error(NULL));
    } else {
        size_t n = strlen(r->name);
        const char *message = cnn_last_error(NULL);
        ck_assert_msg(strncmp(message, r->name, n) == 0 && message[n] == ':', "%s: message \"%s\"", r->name, message);
    }
    return good;
}

START_TEST(older)
{
    const row *r = &rows[_i];
    _Alignas(16) unsigned char options[ROOM];
    for (size_t size = 2 * sizeof(size_t); size <= r->size; size += sizeof(size_t)) {
        options_at(r, size, 0xa5, options); /* what an older caller's struct is followed by */
        bool good = run(r, options);
        ck_assert_msg(good == (size >= r->needed), "%s with a struct of %zu bytes, needs %zu: %s", r->name, size, r->needed,
                      cnn_last_error(NULL));
    }
}
END_TEST

START_TEST(newer)
{
    const row *r = &rows[_i];
    _Alignas(16) unsigned char options[ROOM];
    for (size_t size = r->size + sizeof(size_t); size + 64 < ROOM; size += sizeof(size_t)) {
        options_at(r, size, 0, options);
        ck_assert_msg(run(r, options), "%s with a newer struct: %s", r->name, cnn_last_error(NULL));
        for (size_t i = r->size; i < size; i += 7) {
            options[i] = 1;
            ck_assert_msg(!run(r, options), "%s took a set byte %zu that it does not know", r->name, i);
            ck_assert_int_eq(cnn_context_status(NULL), CNN_ERROR_UNSUPPORTED);
            options[i] = 0;
        }
        options[size] = 1; /* past its end: not looked at */
        ck_assert_msg(run(r, options), "%s read past a newer struct: %s", r->name, cnn_last_error(NULL));
    }
}
END_TEST

/* What a later release may make an option of. A struct that ends before such a byte has nothing there that could be set. */
START_TEST(reserved)
{
    const row *r = &rows[_i];
    _Alignas(16) unsigned char options[ROOM];
    ck_assert_uint_lt(r->reserved, r->size);
    for (size_t i = r->reserved; i < r->size; i++) {
        for (size_t size = i - i % 8 + 8; size < r->size + 24; size += 8) {
            char byte[32];
            options_at(r, size, 0, options);
            options[i] = 0x80;
            ck_assert_msg(!run(r, options), "%s took the reserved byte %zu", r->name, i);
            ck_assert_int_eq(cnn_context_status(NULL), CNN_ERROR_UNSUPPORTED);
            snprintf(byte, sizeof byte, "byte %zu ", i);
            ck_assert_msg(strstr(cnn_last_error(NULL), byte), "%s: %s", byte, cnn_last_error(NULL));
        }
        if (i - i % 8 >= 2 * sizeof(size_t)) {
            options_at(r, i - i % 8, 0, options);
            options[i] = 0x80;
            ck_assert_msg(run(r, options) == (i - i % 8 >= r->needed), "%s read past its options: %s", r->name,
                          cnn_last_error(NULL));
        }
    }
}
END_TEST

START_TEST(garbage)
{
    const row *r = &rows[_i];
    _Alignas(16) unsigned char options[ROOM];
    const size_t sizes[] = { 0, 1, 7, 8, 9, 15, 17, r->size - 1, r->size + 1, 4097, 1 << 20, SIZE_MAX / 2, SIZE_MAX - 7,
                             SIZE_MAX };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        options_at(r, sizes[i] < r->size ? r->size : sizes[i], 0, options);
        memcpy(options, &sizes[i], sizeof sizes[i]);
        ck_assert_msg(!run(r, options), "%s took a struct_size of %zu", r->name, sizes[i]);
        ck_assert_ptr_nonnull(strstr(cnn_last_error(NULL), "struct_size"));
        ck_assert_int_eq(cnn_context_status(NULL), CNN_ERROR_INVALID_ARGUMENT);
    }
}
END_TEST

/* ---- ranges ---- */

typedef enum field_type { INT, INT64, DOUBLE } field_type;
typedef struct range {
    const char *call;
    bool (*use)(const void *options);
    const void *good;
    size_t size, offset;
    field_type type;
    double value;
    const char *name, *expected; /* both are in the message, and so is the value */
} range;

#define RANGE(call, use, good, field, type, value, expected) \
    { call, use, &good, sizeof good, offsetof(__typeof__(good), field), type, value, #field, expected }
#define WINDOW(call, use, good, field)                                              \
    RANGE(call, use, good, field, INT64, -1, "at least"),                           \
    RANGE(call, use, good, field, INT64, -4e18, "at least")
#define WINDOWS(call, use, good)                                                                                          \
    WINDOW(call, use, good, stride), WINDOW(call, use, good, stride_h), WINDOW(call, use, good, stride_w),                \
    WINDOW(call, use, good, dilation), WINDOW(call, use, good, dilation_h), WINDOW(call, use, good, dilation_w),          \
    WINDOW(call, use, good, padding), WINDOW(call, use, good, padding_h), WINDOW(call, use, good, padding_w)
#define KERNELS(call, use, good) \
    WINDOW(call, use, good, kernel), WINDOW(call, use, good, kernel_h), WINDOW(call, use, good, kernel_w)
#define SIDES(call, use)                                                                                \
    WINDOW(call, use, good_conv2d, padding_top), WINDOW(call, use, good_conv2d, padding_bottom),        \
    WINDOW(call, use, good_conv2d, padding_left), WINDOW(call, use, good_conv2d, padding_right),        \
    RANGE(call, use, good_conv2d, padding_mode, INT, 2, "expected"), WINDOW(call, use, good_conv2d, groups)
#define NOT_NEGATIVE(call, use, good, field)                            \
    RANGE(call, use, good, field, DOUBLE, -0.5, "at least 0"),          \
    RANGE(call, use, good, field, DOUBLE, NAN, "at least 0"),           \
    RANGE(call, use, good, field, DOUBLE, INFINITY, "at least 0")
#define BELOW_ONE(call, use, good, field) NOT_NEGATIVE(call, use, good, field), \
    RANGE(call, use, good, field, DOUBLE, 1, "below 1")
#define ADAM(call, use)                                                                                      \
    NOT_NEGATIVE(call, use, good_adam, lr), BELOW_ONE(call, use, good_adam, beta1),                          \
    BELOW_ONE(call, use, good_adam, beta2), NOT_NEGATIVE(call, use, good_adam, eps),                         \
    NOT_NEGATIVE(call, use, good_adam, weight_decay)

static const range ranges[] = {
    RANGE("context_create", use_context, good_context, threads, INT, -1, "1 to 8192"),
    RANGE("context_create", use_context, good_context, threads, INT, 8193, "1 to 8192"),
    RANGE("context_create", use_context, good_context, device, INT, 2, "expected"),
    RANGE("context_create", use_context, good_context, device, INT, -1, "expected"),
    RANGE("context_create", use_context, good_context, math, INT, 2, "CNN_MATH_FAST or CNN_MATH_STRICT"),
    RANGE("context_create", use_context, good_context, math, INT, -1, "CNN_MATH_FAST or CNN_MATH_STRICT"),
    KERNELS("conv2d_create", use_conv2d_layer, good_conv2d),
    WINDOWS("conv2d_create", use_conv2d_layer, good_conv2d),
    SIDES("conv2d_create", use_conv2d_layer),
    WINDOWS("conv2d", use_conv2d, good_conv2d),
    SIDES("conv2d", use_conv2d),
    RANGE("conv2d_create", use_conv2d_layer, good_conv2d, groups, INT64, 3, "divide"),
    RANGE("conv2d_create", use_conv2d_layer, good_conv2d, dtype, INT, CNN_I64, "float32 or float64"),
    KERNELS("maxpool2d_create", use_maxpool2d_layer, good_maxpool2d),
    WINDOWS("maxpool2d_create", use_maxpool2d_layer, good_maxpool2d),
    RANGE("maxpool2d_create", use_maxpool2d_layer, good_maxpool2d, padding, INT64, 2, "half"),
    KERNELS("maxpool2d", use_maxpool2d, good_maxpool2d),
    WINDOWS("maxpool2d", use_maxpool2d, good_maxpool2d),
    RANGE("batch_norm2d_create", use_batch_norm2d, good_batch_norm, dtype, INT, CNN_I64, "float32 or float64"),
    RANGE("batch_norm2d_create", use_batch_norm2d, good_batch_norm, momentum, DOUBLE, 1.5, "0 to 1"),
    RANGE("batch_norm2d_create", use_batch_norm2d, good_batch_norm, eps, DOUBLE, -1, "at least 0"),
    RANGE("linear_create", use_linear, good_linear, dtype, INT, CNN_BOOL, "float32 or float64"),
    RANGE("linear_create", use_linear, good_linear, dtype, INT, 99, "float32 or float64"),
    RANGE("lstm_create", use_lstm_layer, good_lstm, num_layers, INT64, -1, "1 to 1000"),
    RANGE("lstm_create", use_lstm_layer, good_lstm, num_layers, INT64, 1001, "1 to 1000"),
    RANGE("lstm_create", use_lstm_layer, good_lstm, dropout, DOUBLE, -0.1, "0 to 1"),
    RANGE("lstm_create", use_lstm_layer, good_lstm, dropout, DOUBLE, 1.5, "0 to 1"),
    RANGE("lstm_create", use_lstm_layer, good_lstm, dropout, DOUBLE, NAN, "0 to 1"),
    RANGE("lstm_create", use_lstm_layer, good_lstm, dtype, INT, CNN_I64, "float32 or float64"),
    RANGE("embedding_create", use_embedding_layer, good_embedding, dtype, INT, CNN_BOOL, "float32 or float64"),
    RANGE("embedding_create", use_embedding_layer, good_embedding, padding_idx, INT64, 3, "-3 to 2"),
    RANGE("embedding", use_embedding, good_embedding, padding_idx, INT64, -3, "-2 to 1"),
    ADAM("adam_create", use_adam), ADAM("adamw_create", use_adamw), ADAM("adam_add_group", use_add_group),
    ADAM("adamw_create_for", use_adamw_for), ADAM("adam_add_group_where", use_adam_where),
    NOT_NEGATIVE("sgd_add_group", use_sgd_group, good_sgd, lr), NOT_NEGATIVE("sgd_add_group", use_sgd_group, good_sgd, momentum),
    NOT_NEGATIVE("sgd_create", use_sgd, good_sgd, lr), NOT_NEGATIVE("sgd_create", use_sgd, good_sgd, momentum),
    NOT_NEGATIVE("sgd_create", use_sgd, good_sgd, weight_decay),
    RANGE("sgd_create", use_sgd, good_sgd, lr, DOUBLE, 0, "lr"),
    RANGE("sgd_create", use_sgd, good_sgd, dampening, DOUBLE, NAN, "finite"),
    RANGE("sgd_create", use_sgd, good_sgd, dampening, DOUBLE, INFINITY, "finite"),
    RANGE("cross_entropy", use_cross_entropy, good_loss, reduction, INT, 3, "expected"),
    RANGE("cross_entropy", use_cross_entropy, good_loss, reduction, INT, -1, "expected"),
    RANGE("cross_entropy", use_cross_entropy, good_loss, label_smoothing, DOUBLE, -0.1, "0 to 1"),
    RANGE("cross_entropy", use_cross_entropy, good_loss, label_smoothing, DOUBLE, 1.5, "0 to 1"),
    RANGE("cross_entropy", use_cross_entropy, good_loss, label_smoothing, DOUBLE, NAN, "0 to 1"),
    RANGE("gradcheck", use_gradcheck, good_gradcheck, eps, DOUBLE, -1, "above 0"),
    RANGE("gradcheck", use_gradcheck, good_gradcheck, eps, DOUBLE, CNN_ZERO, "above 0"),
    RANGE("gradcheck", use_gradcheck, good_gradcheck, eps, DOUBLE, NAN, "above 0"),
    NOT_NEGATIVE("gradcheck", use_gradcheck, good_gradcheck, atol),
    NOT_NEGATIVE("gradcheck", use_gradcheck, good_gradcheck, rtol),
    RANGE("dataset_from_callbacks", use_callbacks, good_callbacks, size, INT64, -1, "0 or more"),
    RANGE("dataset_from_callbacks", use_callbacks, good_callbacks, image_ndim, INT, 8, "0 to 7"),
    RANGE("dataset_from_callbacks", use_callbacks, good_callbacks, image_ndim, INT, -1, "0 to 7"),
    RANGE("dataset_from_callbacks", use_callbacks, good_callbacks, label_ndim, INT, 9, "0 to 7"),
    RANGE("dataset_from_callbacks", use_callbacks, good_callbacks, image_dtype, INT, CNN_U8, "float32 or float64"),
    RANGE("dataset_from_callbacks", use_callbacks, good_callbacks, label_dtype, INT, CNN_U8, "int64, float32"),
    RANGE("module_load_with", use_load, good_load, dtypes, INT, 3, "expected CNN_LOAD_EXACT"),
    RANGE("module_load_with", use_load, good_load, dtypes, INT, -1, "expected CNN_LOAD_EXACT"),
    RANGE("checkpoint_save", use_checkpoint, good_checkpoint, epoch, INT64, -1, "0 to 2^53"),
    RANGE("checkpoint_save", use_checkpoint, good_checkpoint, epoch, INT64, 0x1p53 + 2, "0 to 2^53"),
};
enum { RANGES = sizeof ranges / sizeof ranges[0] };

static void put(unsigned char *at, field_type type, double value)
{
    int as_int = type == INT ? (int)value : 0;
    int64_t as_int64 = type == INT64 ? (int64_t)value : 0;
    const void *from = type == INT ? (void *)&as_int : type == INT64 ? (void *)&as_int64 : (void *)&value;
    memcpy(at, from, type == INT ? sizeof as_int : sizeof value);
}

/* How a message writes the value: an enum of dtypes by name, "image_ndim" as images, so only numbers are looked for. */
static bool says_value(const range *r, const char *message)
{
    char text[64];
    if (strstr(r->name, "dtype") && strcmp(r->name, "dtypes") != 0) {
        return strstr(message, cnn_dtype_name((cnn_dtype)(int)r->value)) != NULL;
    }
    if (r->type == DOUBLE) {
        snprintf(text, sizeof text, "%g", r->value == CNN_ZERO ? 0 : r->value);
    } else {
        snprintf(text, sizeof text, "%.0f", r->value);
    }
    return strstr(message, text) != NULL || r->value == 0;
}

static bool says_name(const range *r, const char *message)
{
    char plural[16] = "";
    const char *ndim = strstr(r->name, "_ndim");
    if (ndim) {
        snprintf(plural, sizeof plural, "%.*ss", (int)(ndim - r->name), r->name);
    }
    return strstr(message, ndim ? plural : r->name) != NULL;
}

START_TEST(out_of_range)
{
    const range *r = &ranges[_i];
    _Alignas(16) unsigned char options[ROOM] = { 0 };
    good_checkpoint.module = model;
    memcpy(options, r->good, r->size);
    put(options + r->offset, r->type, r->value);
    row same = { .name = r->call, .use = r->use };
    ck_assert_msg(!run(&same, options), "%s took %s = %g", r->call, r->name, r->value);
    const char *message = cnn_last_error(NULL);
    ck_assert_msg(says_name(r, message), "no name %s in: %s", r->name, message);
    ck_assert_msg(says_value(r, message), "no value %g in: %s", r->value, message);
    ck_assert_msg(strstr(message, r->expected), "no \"%s\" in: %s", r->expected, message);
}
END_TEST

/* ---- CNN_ZERO and what belongs together ---- */

static void check_hyper(cnn_optimizer *o, const double *expected, int count)
{
    ck_assert_ptr_nonnull(o);
    for (int i = 0; i < count; i++) {
        ck_assert_double_eq(o->groups[0].hyper[i], expected[i]);
    }
    cnn_optimizer_free(o);
    checks++;
}

START_TEST(zero)
{
    check_hyper(cnn_adam_new(model), (double[]){ 1e-3, 0.9, 0.999, 1e-8, 0 }, 5);
    check_hyper(cnn_adamw_new(model), (double[]){ 1e-3, 0.9, 0.999, 1e-8, 1e-2 }, 5);
    check_hyper(cnn_adam_new(model, .lr = CNN_ZERO, .beta1 = CNN_ZERO, .beta2 = CNN_ZERO, .eps = CNN_ZERO),
                (double[]){ 0, 0, 0, 0, 0 }, 5);
    check_hyper(cnn_adamw_new(model, .weight_decay = CNN_ZERO), (double[]){ 1e-3, 0.9, 0.999, 1e-8, 0 }, 5);
    check_hyper(cnn_sgd_new(model, .lr = CNN_ZERO, .momentum = CNN_ZERO), (double[]){ 0, 0, 0, 0 }, 4);
    /* With both tolerances 0 no difference quotient is near enough. */
    cnn_gradcheck_options exact = { .struct_size = sizeof exact, .eps = 0.01, .atol = CNN_ZERO, .rtol = CNN_ZERO };
    ck_assert(!use_gradcheck(&exact));
    ck_assert_int_eq(cnn_context_status(ctx), CNN_ERROR_MISMATCH);
    ck_assert_int_eq(cnn_optimizer_set_lr(adam, 0, CNN_ZERO), CNN_OK);
    ck_assert_double_eq(cnn_optimizer_lr(adam, 0), 0);
    cnn_cross_entropy_options smooth = { .struct_size = sizeof smooth, .label_smoothing = CNN_ZERO };
    ck_assert(use_cross_entropy(&smooth));
}
END_TEST

START_TEST(together)
{
    cnn_sgd_options nesterov = { .struct_size = sizeof nesterov, .lr = 1, .nesterov = true };
    ck_assert(!use_sgd(&nesterov));
    ck_assert_ptr_nonnull(strstr(cnn_last_error(ctx), "nesterov needs momentum > 0"));
    cnn_conv2d_options same = { .struct_size = sizeof same, .kernel = 3, .padding = 1, .padding_mode = CNN_PADDING_SAME };
    ck_assert(!use_conv2d_layer(&same));
    same.padding = 0;
    same.stride = 2;
    ck_assert(!use_conv2d_layer(&same));
    ck_assert_ptr_nonnull(strstr(cnn_last_error(ctx), "stride_h is 2"));
    cnn_context_options half = { .struct_size = sizeof half, .deallocate = NULL, .kernels = "abacus" };
    ck_assert(!use_context(&half));
    ck_assert_ptr_nonnull(strstr(cnn_last_error(NULL), "\"abacus\""));
    checks += 4;
}
END_TEST

/* A struct that is readable is taken with what is in it to be freed, even where its unknown tail is refused. */
START_TEST(taken)
{
    _Alignas(16) unsigned char options[ROOM] = { 0 };
    cnn_module_options module = { .struct_size = sizeof module + 16, .forward = forward_self, .free_user = count_free };
    cnn_dataset_callbacks callbacks = good_callbacks;
    callbacks.struct_size += 16;
    callbacks.free_user = count_free;
    const struct { const void *from; size_t size; bool (*use)(const void *); } takers[] = {
        { &module, sizeof module, use_module }, { &callbacks, sizeof callbacks, use_callbacks } };
    for (int i = 0; i < 2; i++) {
        memset(options, 0, sizeof options);
        memcpy(options, takers[i].from, takers[i].size);
        for (int tail = 0; tail < 2; tail++) {
            options[takers[i].size + 9] = (unsigned char)tail;
            user_freed = 0;
            ck_assert(takers[i].use(options) == !tail);
            ck_assert_int_eq(user_freed, 1);
            checks++;
        }
    }
}
END_TEST

int main(void)
{
    trust_begin("options");
    TCase *sizes = trust_case("sizes", 60), *values = trust_case("values", 60);
    tcase_add_checked_fixture(sizes, setup, teardown);
    tcase_add_loop_test(sizes, older, 0, ROWS);
    tcase_add_loop_test(sizes, newer, 0, ROWS);
    tcase_add_loop_test(sizes, reserved, 0, ROWS);
    tcase_add_loop_test(sizes, garbage, 0, ROWS);
    tcase_add_checked_fixture(values, setup, teardown);
    tcase_add_loop_test(values, out_of_range, 0, RANGES);
    tcase_add_test(values, zero);
    tcase_add_test(values, together);
    tcase_add_test(values, taken);
    int failed = trust_run();
    return trust_end(failed, "options: %ld structs tried with %d calls, %d values out of range", checks, (int)ROWS,
                     (int)RANGES);
}
