/* What the tests of options share: the calls that take an options struct, a good struct for each, and a try that looks at
 * the message. */
#ifndef CNN_TESTS_TRUST_OPTIONS_H
#define CNN_TESTS_TRUST_OPTIONS_H

#include "support/optimizers.h"
#include "trust/trust.h"

#include <cnn/cnn.h>

#include <math.h>
#include <string.h>
#include <unistd.h>

static cnn_context *ctx;
static cnn_tape *tape;
static cnn_module *model;
static cnn_optimizer *adam;
static char path[256];
static long checks, user_freed;

static void setup(void)
{
    ctx = cnn_context_new(.seed = 1, .threads = 1);
    tape = cnn_tape_new(ctx);
    cnn_tape_begin(tape, CNN_TRAIN);
    model = cnn_linear_new(ctx, 3, 2, .no_bias = true); /* all optimizers take matrices */
    adam = cnn_adam_new(model);
    snprintf(path, sizeof path, "%.200s/cnn-options-%ld", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", (long)getpid());
    cnn_context_clear_error(NULL);
}

static void teardown(void)
{
    cnn_optimizer_free(adam);
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
#define CNN_LAYER(name, options, needs, create, ...) FREEING(name##_layer, create, cnn_module_free)
#include "ops/ops.def"
FREEING(module, cnn_module_create(ctx, o), cnn_module_free)
FREEING(callbacks, cnn_dataset_from_callbacks(ctx, o), cnn_dataset_free)

static bool is_any(const char *name, const cnn_tensor *parameter, void *user)
{
    (void)name, (void)parameter, (void)user;
    return true;
}

/* Each optimizer's four calls. */
#define CNN_OPTIMIZER(name, type, needs)                                                           \
    FREEING(name, cnn_##name##_create(model, o), cnn_optimizer_free)                               \
    FREEING(name##_for, cnn_##name##_create_for(ctx, NULL, 0, o), cnn_optimizer_free)              \
    static bool use_##name##_group(const void *o)                                                  \
    {                                                                                              \
        cnn_tensor *p = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2, 2));                            \
        cnn_optimizer *made = cnn_##name##_create_for(ctx, NULL, 0, &kind_plain_##name);           \
        bool good = cnn_##name##_add_group(made, &p, 1, o) == CNN_OK;                              \
        cnn_optimizer_free(made);                                                                  \
        cnn_tensor_free(p);                                                                        \
        return good;                                                                               \
    }                                                                                              \
    static bool use_##name##_where(const void *o)                                                  \
    {                                                                                              \
        cnn_optimizer *made = cnn_##name##_create_for(ctx, NULL, 0, &kind_plain_##name);           \
        bool good = cnn_##name##_add_group_where(made, model, is_any, NULL, o) == CNN_OK;          \
        cnn_optimizer_free(made);                                                                  \
        return good;                                                                               \
    }
#include "optimizers.def"

/* Each scheduler's call, with an optimizer of its own, whose rates nobody else changes. */
#define SCHEDULER(name)                                                \
    static bool use_##name(const void *o)                              \
    {                                                                  \
        cnn_optimizer *made = cnn_adam_new(model);                     \
        cnn_scheduler *scheduler = cnn_##name##_create(made, o);       \
        bool good = scheduler != NULL;                                 \
        cnn_scheduler_free(scheduler);                                 \
        cnn_optimizer_free(made);                                      \
        return good;                                                   \
    }
#define SCHEDULERS(X)                                                                                                  \
    X(step_lr) X(multi_step_lr) X(constant_lr) X(linear_lr) X(exponential_lr) X(polynomial_lr) X(cosine_annealing_lr)    \
    X(cosine_annealing_warm_restarts) X(one_cycle_lr) X(lambda_lr) X(reduce_lr_on_plateau)
SCHEDULERS(SCHEDULER)

static bool use_clip_grad_norm(const void *o)
{
    return cnn_clip_grad_norm(model, 1, o, NULL) == CNN_OK;
}

static bool use_ema(const void *o)
{
    cnn_ema *made = cnn_ema_create(model, o);
    cnn_ema_free(made);
    return made != NULL;
}

static bool use_predictor(const void *o)
{
    const cnn_trace_input x = { .shape = (const int64_t[]){ 2 }, .ndim = 1 };
    cnn_module *relu = cnn_relu_new(cnn_module_context(model));
    cnn_predictor *made = cnn_predictor_create(relu, &x, 1, o);
    bool good = made != NULL;
    cnn_predictor_free(made);
    cnn_module_free(relu);
    return good;
}

static bool use_kaiming_uniform(const void *o)
{
    return cnn_init_kaiming_uniform(cnn_module_parameter(model, 0), o) == CNN_OK;
}

static bool use_kaiming_normal(const void *o)
{
    return cnn_init_kaiming_normal(cnn_module_parameter(model, 0), o) == CNN_OK;
}

static bool use_conv2d(const void *o)
{
    return cnn_tensor_status(cnn_conv2d(input(CNN_SHAPE(1, 4, 8, 8)), input(CNN_SHAPE(8, 4, 3, 3)), NULL, o)) == CNN_OK;
}

#define CONVOLUTION(name, image, filter)                                                                  \
    static bool use_##name(const void *o)                                                                 \
    {                                                                                                     \
        return cnn_tensor_status(cnn_##name(input(image), input(filter), NULL, o)) == CNN_OK;             \
    }
CONVOLUTION(conv1d, CNN_SHAPE(1, 4, 8), CNN_SHAPE(8, 4, 3))
CONVOLUTION(conv3d, CNN_SHAPE(1, 4, 5, 5, 5), CNN_SHAPE(8, 4, 3, 3, 3))
CONVOLUTION(conv_transpose1d, CNN_SHAPE(1, 4, 8), CNN_SHAPE(4, 8, 3))
CONVOLUTION(conv_transpose2d, CNN_SHAPE(1, 4, 8, 8), CNN_SHAPE(4, 8, 3, 3))
CONVOLUTION(conv_transpose3d, CNN_SHAPE(1, 4, 5, 5, 5), CNN_SHAPE(4, 8, 3, 3, 3))

static bool use_maxpool2d(const void *o)
{
    return cnn_tensor_status(cnn_maxpool2d(input(CNN_SHAPE(1, 4, 8, 8)), o)) == CNN_OK;
}

static bool use_avg_pool2d(const void *o)
{
    return cnn_tensor_status(cnn_avg_pool2d(input(CNN_SHAPE(1, 4, 8, 8)), o)) == CNN_OK;
}

static bool use_maxpool1d(const void *o)
{
    return cnn_tensor_status(cnn_maxpool1d(input(CNN_SHAPE(1, 4, 8)), o)) == CNN_OK;
}

static bool use_avg_pool1d(const void *o)
{
    return cnn_tensor_status(cnn_avg_pool1d(input(CNN_SHAPE(1, 4, 8)), o)) == CNN_OK;
}

static bool use_pad(const void *o)
{
    return cnn_tensor_status(cnn_pad(input(CNN_SHAPE(1, 4, 8)), CNN_SHAPE(1, 2), o)) == CNN_OK;
}

static bool use_interpolate(const void *o)
{
    return cnn_tensor_status(cnn_interpolate(input(CNN_SHAPE(1, 4, 8, 8)), o)) == CNN_OK;
}

static bool use_unfold(const void *o)
{
    return cnn_tensor_status(cnn_unfold(input(CNN_SHAPE(1, 4, 8, 8)), o)) == CNN_OK;
}

static bool use_fold(const void *o)
{
    return cnn_tensor_status(cnn_fold(input(CNN_SHAPE(1, 4, 1)), 2, 2, o)) == CNN_OK;
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
                                      NULL, NULL, o, NULL, NULL)) == CNN_OK;
}

static bool use_gru(const void *o)
{
    return cnn_tensor_status(cnn_gru(input(CNN_SHAPE(2, 1, 3)), NULL, input(CNN_SHAPE(6, 3)), input(CNN_SHAPE(6, 2)), NULL, NULL, NULL,
                                     o, NULL)) == CNN_OK;
}

static bool use_rnn(const void *o)
{
    return cnn_tensor_status(cnn_rnn(input(CNN_SHAPE(2, 1, 3)), NULL, input(CNN_SHAPE(2, 3)), input(CNN_SHAPE(2, 2)), NULL, NULL, NULL,
                                     o, NULL)) == CNN_OK;
}

static bool use_embedding(const void *o)
{
    cnn_tensor *indices = cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(2));
    bool good = cnn_tensor_status(cnn_embedding(input(CNN_SHAPE(2, 3)), indices, o)) == CNN_OK;
    cnn_tensor_free(indices);
    return good;
}

static bool use_attention(const void *o)
{
    cnn_tensor *x = input(CNN_SHAPE(2, 3));
    return cnn_tensor_status(cnn_scaled_dot_product_attention(x, x, x, NULL, o, NULL)) == CNN_OK;
}

/* A chain with one transform. */
#define AUGMENT(name, ...)                                                    \
    static bool use_##name(const void *o)                                     \
    {                                                                         \
        cnn_augmentation *a = cnn_augmentation_new(ctx);                      \
        bool good = cnn_augment_##name##_with(a, __VA_ARGS__ o) == CNN_OK;    \
        cnn_augmentation_free(a);                                             \
        return good;                                                          \
    }                                                                         \
    static const cnn_##name##_options good_##name = { .struct_size = sizeof good_##name };
#define COMMA ,
AUGMENT(random_crop, 4 COMMA 4 COMMA)
AUGMENT(resize, 4 COMMA 4 COMMA)
AUGMENT(random_resized_crop, 4 COMMA 4 COMMA)
AUGMENT(random_rotation, -10 COMMA 10 COMMA)
AUGMENT(random_affine, -10 COMMA 10 COMMA)
AUGMENT(color_jitter, )
AUGMENT(random_erasing, )

static bool use_loader(const void *o)
{
    cnn_tensor *images = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(4, 1, 2, 2));
    cnn_loader *loader = cnn_loader_create(cnn_dataset_from_tensors(images, NULL), 2, o);
    cnn_tensor_free(images);
    cnn_loader_free(loader);
    return loader != NULL;
}

static bool use_pad_collate(const void *o)
{
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(4, 2));
    cnn_batch batch = { .size = 1 };
    bool good = cnn_pad_collate(&x, NULL, 1, &batch, (void *)(uintptr_t)o) == CNN_OK;
    cnn_tensor_free(x);
    cnn_tensor_free(batch.images);
    cnn_tensor_free(batch.lengths);
    return good;
}

static cnn_status tell_order(uint64_t seed, int64_t epoch, int64_t *order, void *user)
{
    (void)seed, (void)epoch, (void)order, (void)user;
    return CNN_OK;
}

static bool use_sampler_callbacks(const void *o)
{
    cnn_sampler *made = cnn_sampler_from_callbacks(ctx, o);
    cnn_sampler_free(made);
    return made != NULL;
}

static cnn_tensor *square(cnn_tensor *const *inputs, int count, void *user)
{
    (void)count;
    (void)user;
    return cnn_mul(inputs[0], inputs[0]);
}

static bool use_grad(const void *o)
{
    cnn_tensor *w = cnn_module_parameter(model, 0), *grad;
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *loss = cnn_sum(cnn_input(tape, w), CNN_ALL_DIMS, false);
    bool good = cnn_grad(&loss, 1, &w, 1, &grad, o) == CNN_OK;
    cnn_tensor_zero_grad(w); /* forgets a failed step */
    return good;
}

static bool use_gradcheck(const void *o)
{
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F64, CNN_SHAPE(2));
    cnn_tensor_set_requires_grad(x, true);
    bool good = cnn_gradcheck(ctx, square, NULL, &x, 1, o) == CNN_OK;
    cnn_tensor_free(x);
    return good;
}

static bool use_trace(const void *o)
{
    cnn_trace *made = cnn_trace_create(model, &(cnn_trace_input){ .shape = (const int64_t[]){ 2, 3 }, .ndim = 2 }, 1, o);
    cnn_trace_free(made);
    return made != NULL;
}

static bool use_profile(const void *o)
{
    cnn_profile *made = cnn_profile_begin(ctx, o);
    cnn_profile_free(made);
    return made != NULL;
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
    if (status == CNN_OK && size >= offsetof(cnn_checkpoint, epoch) + sizeof good.epoch) {
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

/* ---- a good struct for each ---- */

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
#define CNN_LAYER(name, options, needs, create, sample, ...) \
    static const cnn_##options##_options good_##options = { .struct_size = sizeof good_##options, __VA_ARGS__ };
#include "ops/ops.def"
static const cnn_pad_options good_pad = { .struct_size = sizeof good_pad, .value = 1 };
static const cnn_module_options good_module = { .struct_size = sizeof good_module, .forward = forward_self };
static const cnn_loader_options good_loader = { .struct_size = sizeof good_loader };
static const cnn_pad_collate_options good_pad_collate = { .struct_size = sizeof good_pad_collate };
static const cnn_sampler_callbacks good_sampler = { .struct_size = sizeof good_sampler, .count = 2, .order = tell_order };
static const cnn_cross_entropy_options good_loss = { .struct_size = sizeof good_loss };
static const cnn_grad_options good_grad = { .struct_size = sizeof good_grad };
static const cnn_nan_to_num_options good_nan_to_num = { .struct_size = sizeof good_nan_to_num };
static const cnn_gradcheck_options good_gradcheck = { .struct_size = sizeof good_gradcheck };
static const cnn_trace_options good_trace = { .struct_size = sizeof good_trace };
static const cnn_profile_options good_profile = { .struct_size = sizeof good_profile };
static const cnn_custom_op good_op = { .struct_size = sizeof good_op, .name = "one", .infer = infer_scalar,
                                       .forward = forward_one };
static const cnn_dataset_callbacks good_callbacks = { .struct_size = sizeof good_callbacks, .size = 2, .image_ndim = 3,
                                                      .image_shape = image_shape, .label_dtype = CNN_I64,
                                                      .get = get_sample };
static const cnn_load_options good_load = { .struct_size = sizeof good_load, .dtypes = CNN_LOAD_ROUND };
static double one(int64_t epoch, int group, void *user)
{
    (void)epoch, (void)group, (void)user;
    return 1;
}
static const int64_t good_milestones[] = { 3 };
static const double good_rates[] = { 0.5 };
static const cnn_step_lr_options good_step_lr = { .struct_size = sizeof good_step_lr, .step_size = 3 };
static const cnn_multi_step_lr_options good_multi_step_lr = { .struct_size = sizeof good_multi_step_lr,
                                                              .milestones = good_milestones, .milestone_count = 1 };
static const cnn_constant_lr_options good_constant_lr = { .struct_size = sizeof good_constant_lr };
static const cnn_linear_lr_options good_linear_lr = { .struct_size = sizeof good_linear_lr };
static const cnn_exponential_lr_options good_exponential_lr = { .struct_size = sizeof good_exponential_lr, .gamma = 0.5 };
static const cnn_polynomial_lr_options good_polynomial_lr = { .struct_size = sizeof good_polynomial_lr };
static const cnn_cosine_annealing_lr_options good_cosine_annealing_lr = { .struct_size = sizeof good_cosine_annealing_lr,
                                                                          .T_max = 3 };
static const cnn_cosine_annealing_warm_restarts_options good_cosine_annealing_warm_restarts = {
    .struct_size = sizeof good_cosine_annealing_warm_restarts, .T_0 = 3 };
static const cnn_one_cycle_lr_options good_one_cycle_lr = { .struct_size = sizeof good_one_cycle_lr, .max_lrs = good_rates,
                                                            .max_lr_count = 1, .total_steps = 3 };
static const cnn_lambda_lr_options good_lambda_lr = { .struct_size = sizeof good_lambda_lr, .lr_lambda = one };
static const cnn_reduce_lr_on_plateau_options good_reduce_lr_on_plateau = { .struct_size = sizeof good_reduce_lr_on_plateau };
static const cnn_scaled_dot_product_attention_options good_attention = { .struct_size = sizeof good_attention };
static const cnn_clip_grad_norm_options good_clip = { .struct_size = sizeof good_clip };
static const cnn_ema_options good_ema = { .struct_size = sizeof good_ema };
static const cnn_predictor_options good_predictor = { .struct_size = sizeof good_predictor };
static const cnn_kaiming_options good_kaiming = { .struct_size = sizeof good_kaiming };
static cnn_checkpoint good_checkpoint = { .struct_size = sizeof good_checkpoint }; /* its module: see options_at */

enum { ROOM = 512 };

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

#endif
