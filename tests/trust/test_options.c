/* Options structs across versions, in one table: an older (shorter) struct is accepted with defaults for what it
 * lacks, a newer one is accepted if its tail is zero, any other size is refused, and so is a set byte among the
 * reserved ones. Values out of range are in test_option_values.c. */
#include "trust/options.h"

#include "trust/loss_options.h"
#include "trust/norm_options.h"

/* ---- the table of structs ---- */

#define END_OF(type, field) (offsetof(type, field) + sizeof(((type *)0)->field))
/* 0 where nothing but the size of the struct must be given. */
#define NEEDED(type, field) (END_OF(type, field) > sizeof(size_t) ? END_OF(type, field) : 0)
#define ROW(name, use, good, needed) { name, use, &good, sizeof good, offsetof(__typeof__(good), reserved), needed }
static const row rows[] = {
    ROW("context_create", use_context, good_context, 0),
#define CNN_LAYER(name, options, needs, ...) \
    ROW(#name "_create", use_##name##_layer, good_##options, NEEDED(cnn_##options##_options, needs)),
#include "ops/ops.def"
    ROW("conv2d", use_conv2d, good_conv2d, 0),
    ROW("conv2d", use_fused_conv, good_conv2d, 0),
    ROW("conv1d", use_conv1d, good_conv1d, 0),
    ROW("conv3d", use_conv3d, good_conv3d, 0),
    ROW("conv_transpose1d", use_conv_transpose1d, good_conv_transpose1d, 0),
    ROW("conv_transpose2d", use_conv_transpose2d, good_conv_transpose2d, 0),
    ROW("conv_transpose3d", use_conv_transpose3d, good_conv_transpose3d, 0),
    ROW("maxpool2d", use_maxpool2d, good_maxpool2d, END_OF(cnn_maxpool2d_options, kernel)),
    ROW("maxpool2d", use_fused_pool, good_maxpool2d, END_OF(cnn_maxpool2d_options, kernel)),
    ROW("avg_pool2d", use_avg_pool2d, good_avg_pool2d, END_OF(cnn_avg_pool2d_options, kernel)),
    ROW("maxpool1d", use_maxpool1d, good_maxpool1d, END_OF(cnn_maxpool1d_options, kernel)),
    ROW("avg_pool1d", use_avg_pool1d, good_avg_pool1d, END_OF(cnn_avg_pool1d_options, kernel)),
    ROW("pad", use_pad, good_pad, 0),
    ROW("interpolate", use_interpolate, good_upsample, END_OF(cnn_interpolate_options, size)),
    ROW("unfold", use_unfold, good_unfold, END_OF(cnn_unfold_options, kernel)),
    ROW("fold", use_fold, good_unfold, END_OF(cnn_unfold_options, kernel)),
    ROW("lstm", use_lstm, good_lstm, 0),
    ROW("gru", use_gru, good_gru, 0),
    ROW("rnn", use_rnn, good_rnn, 0),
    ROW("embedding", use_embedding, good_embedding, 0),
    ROW("scaled_dot_product_attention", use_attention, good_attention, 0),
    ROW("module_create", use_module, good_module, END_OF(cnn_module_options, forward)),
#define CNN_OPTIMIZER(name, type, needs)                                                                  \
    ROW(#name "_create", use_##name, kind_plain_##name, NEEDED(cnn_##type##_options, needs)),             \
    ROW(#name "_create_for", use_##name##_for, kind_plain_##name, NEEDED(cnn_##type##_options, needs)),   \
    ROW(#name "_add_group", use_##name##_group, kind_plain_##name, NEEDED(cnn_##type##_options, needs)),  \
    ROW(#name "_add_group_where", use_##name##_where, kind_plain_##name, NEEDED(cnn_##type##_options, needs)),
#include "optimizers.def"
    ROW("step_lr_create", use_step_lr, good_step_lr, END_OF(cnn_step_lr_options, step_size)),
    ROW("multi_step_lr_create", use_multi_step_lr, good_multi_step_lr, 0),
    ROW("constant_lr_create", use_constant_lr, good_constant_lr, 0),
    ROW("linear_lr_create", use_linear_lr, good_linear_lr, 0),
    ROW("exponential_lr_create", use_exponential_lr, good_exponential_lr, END_OF(cnn_exponential_lr_options, gamma)),
    ROW("polynomial_lr_create", use_polynomial_lr, good_polynomial_lr, 0),
    ROW("cosine_annealing_lr_create", use_cosine_annealing_lr, good_cosine_annealing_lr,
        END_OF(cnn_cosine_annealing_lr_options, T_max)),
    ROW("cosine_annealing_warm_restarts_create", use_cosine_annealing_warm_restarts, good_cosine_annealing_warm_restarts,
        END_OF(cnn_cosine_annealing_warm_restarts_options, T_0)),
    ROW("one_cycle_lr_create", use_one_cycle_lr, good_one_cycle_lr, END_OF(cnn_one_cycle_lr_options, total_steps)),
    ROW("lambda_lr_create", use_lambda_lr, good_lambda_lr, END_OF(cnn_lambda_lr_options, lr_lambda)),
    ROW("reduce_lr_on_plateau_create", use_reduce_lr_on_plateau, good_reduce_lr_on_plateau, 0),
    ROW("ema_create", use_ema, good_ema, 0),
    ROW("predictor_create", use_predictor, good_predictor, 0),
    ROW("clip_grad_norm", use_clip_grad_norm, good_clip, 0),
    ROW("init_kaiming_uniform", use_kaiming_uniform, good_kaiming, 0),
    ROW("init_kaiming_normal", use_kaiming_normal, good_kaiming, 0),
    ROW("loader_create", use_loader, good_loader, 0),
    ROW("pad_collate", use_pad_collate, good_pad_collate, 0),
    ROW("sampler_from_callbacks", use_sampler_callbacks, good_sampler, END_OF(cnn_sampler_callbacks, order)),
    ROW("cross_entropy", use_cross_entropy, good_loss, 0),
#define LOSS_ROW(name, type, call) ROW(#name, use_##name, good_##name, 0),
    LOSSES(LOSS_ROW)
    ROW("layer_norm", use_layer_norm, good_layer_norm, 0),
    ROW("rms_norm", use_rms_norm, good_rms_norm, 0),
    ROW("group_norm", use_group_norm, good_group_norm, 0),
    ROW("instance_norm", use_instance_norm, good_batch_norm, 0),
    ROW("local_response_norm", use_local_response_norm, good_local_response_norm, 0),
    ROW("nan_to_num", use_nan_to_num, good_nan_to_num, 0),
    ROW("grad", use_grad, good_grad, 0),
    ROW("gradcheck", use_gradcheck, good_gradcheck, 0),
    ROW("trace_create", use_trace, good_trace, 0),
    ROW("profile_begin", use_profile, good_profile, 0),
    ROW("custom", use_custom, good_op, END_OF(cnn_custom_op, forward)),
    ROW("dataset_from_callbacks", use_callbacks, good_callbacks, END_OF(cnn_dataset_callbacks, get)),
    ROW("module_load_with", use_load, good_load, 0),
    ROW("augment_random_crop", use_random_crop, good_random_crop, 0),
    ROW("augment_resize", use_resize, good_resize, 0),
    ROW("augment_random_resized_crop", use_random_resized_crop, good_random_resized_crop, 0),
    ROW("augment_random_rotation", use_random_rotation, good_random_rotation, 0),
    ROW("augment_random_affine", use_random_affine, good_random_affine, 0),
    ROW("augment_color_jitter", use_color_jitter, good_color_jitter, 0),
    ROW("augment_random_erasing", use_random_erasing, good_random_erasing, 0),
    ROW("checkpoint_save", use_checkpoint, good_checkpoint, END_OF(cnn_checkpoint, module)),
    ROW("checkpoint_load", use_checkpoint_load, good_checkpoint, END_OF(cnn_checkpoint, module)),
};
enum { ROWS = sizeof rows / sizeof rows[0] };

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

/* A struct that is readable is taken with what is in it to be freed, even where its unknown tail is refused. */
START_TEST(taken)
{
    _Alignas(16) unsigned char options[ROOM] = { 0 };
    cnn_module_options module = { .struct_size = sizeof module + 16, .forward = forward_self, .free_user = count_free };
    cnn_dataset_callbacks callbacks = good_callbacks;
    callbacks.struct_size += 16;
    callbacks.free_user = count_free;
    cnn_sampler_callbacks sampler = good_sampler;
    sampler.struct_size += 16;
    sampler.free_user = count_free;
    const struct { const void *from; size_t size; bool (*use)(const void *); } takers[] = {
        { &module, sizeof module, use_module }, { &callbacks, sizeof callbacks, use_callbacks },
        { &sampler, sizeof sampler, use_sampler_callbacks } };
    for (int i = 0; i < 3; i++) {
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
    TCase *sizes = trust_case("sizes", 60);
    tcase_add_checked_fixture(sizes, setup, teardown);
    tcase_add_loop_test(sizes, older, 0, ROWS);
    tcase_add_loop_test(sizes, newer, 0, ROWS);
    tcase_add_loop_test(sizes, reserved, 0, ROWS);
    tcase_add_loop_test(sizes, garbage, 0, ROWS);
    tcase_add_test(sizes, taken);
    int failed = trust_run();
    return trust_end(failed, "options: %ld structs tried with %d calls", checks, (int)ROWS);
}
