/* Values of options: one out of its range is refused with its name, its value and what was expected; CNN_ZERO is 0; and
 * some options need each other. Those of optimizers are tried in tests/test_optimizers.c. */
#include "trust/options.h"

#include "trust/loss_options.h"
#include "trust/norm_options.h"

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
#define STRIDES(call, use, good)                                                                                       \
    WINDOW(call, use, good, stride), WINDOW(call, use, good, stride_h), WINDOW(call, use, good, stride_w),            \
    WINDOW(call, use, good, padding), WINDOW(call, use, good, padding_h), WINDOW(call, use, good, padding_w)
#define WINDOWS(call, use, good)                                                                                       \
    STRIDES(call, use, good),                                                                                          \
    WINDOW(call, use, good, dilation), WINDOW(call, use, good, dilation_h), WINDOW(call, use, good, dilation_w)
#define KERNELS(call, use, good) \
    WINDOW(call, use, good, kernel), WINDOW(call, use, good, kernel_h), WINDOW(call, use, good, kernel_w)
#define SIDES(call, use)                                                                                \
    WINDOW(call, use, good_conv2d, padding_top), WINDOW(call, use, good_conv2d, padding_bottom),        \
    WINDOW(call, use, good_conv2d, padding_left), WINDOW(call, use, good_conv2d, padding_right),        \
    RANGE(call, use, good_conv2d, padding_mode, INT, 2, "expected"), WINDOW(call, use, good_conv2d, groups)
/* Convolutions of one axis, of two and of three, by what each further axis adds. */
#define LINE(call, use, good)                                                                                          \
    WINDOW(call, use, good, stride), WINDOW(call, use, good, padding), WINDOW(call, use, good, dilation),              \
    WINDOW(call, use, good, groups)
#define VOLUME(call, use, good)                                                                                        \
    WINDOWS(call, use, good), WINDOW(call, use, good, groups), WINDOW(call, use, good, stride_d),                     \
    WINDOW(call, use, good, padding_d), WINDOW(call, use, good, dilation_d)
#define SPREAD(call, use, good)                                                                                        \
    WINDOW(call, use, good, output_padding), RANGE(call, use, good, output_padding, INT64, 1, "less than"),             \
    WINDOW(call, use, good, output_size), RANGE(call, use, good, output_size, INT64, 1000, "less than")
#define CONV_LAYER(name)                                                                                               \
    WINDOW(#name "_create", use_##name##_layer, good_##name, kernel),                                                  \
    RANGE(#name "_create", use_##name##_layer, good_##name, groups, INT64, 3, "divide"),                               \
    RANGE(#name "_create", use_##name##_layer, good_##name, dtype, INT, CNN_I64, "float32, float64 or bfloat16")
#define NOT_NEGATIVE(call, use, good, field)                            \
    RANGE(call, use, good, field, DOUBLE, -0.5, "at least 0"),          \
    RANGE(call, use, good, field, DOUBLE, NAN, "at least 0"),           \
    RANGE(call, use, good, field, DOUBLE, INFINITY, "at least 0")
static const range ranges[] = {
    RANGE("context_create", use_context, good_context, threads, INT, -1, "1 to 8192"),
    RANGE("context_create", use_context, good_context, threads, INT, 8193, "1 to 8192"),
    RANGE("context_create", use_context, good_context, math, INT, 3, "CNN_MATH_FAST, CNN_MATH_STRICT or CNN_MATH_TF32"),
    RANGE("context_create", use_context, good_context, math, INT, -1, "CNN_MATH_FAST, CNN_MATH_STRICT or CNN_MATH_TF32"),
    KERNELS("conv2d_create", use_conv2d_layer, good_conv2d),
    WINDOWS("conv2d_create", use_conv2d_layer, good_conv2d),
    SIDES("conv2d_create", use_conv2d_layer),
    WINDOWS("conv2d", use_conv2d, good_conv2d),
    SIDES("conv2d", use_conv2d),
    RANGE("conv2d_create", use_conv2d_layer, good_conv2d, groups, INT64, 3, "divide"),
    RANGE("conv2d_create", use_conv2d_layer, good_conv2d, dtype, INT, CNN_I64, "float32, float64 or bfloat16"),
#define PAD_MODE(name)                                                                                                 \
    RANGE(#name "_create", use_##name##_layer, good_##name, pad_mode, INT, 4, "0 to 3"),                                \
    RANGE(#name "_create", use_##name##_layer, good_##name, pad_mode, INT, -1, "0 to 3")
    PAD_MODE(conv1d), PAD_MODE(conv2d), PAD_MODE(conv3d),
    CONV_LAYER(conv1d), CONV_LAYER(conv3d), CONV_LAYER(conv_transpose1d), CONV_LAYER(conv_transpose2d),
    CONV_LAYER(conv_transpose3d),
    LINE("conv1d", use_conv1d, good_conv1d),
    WINDOW("conv1d", use_conv1d, good_conv1d, padding_left), WINDOW("conv1d", use_conv1d, good_conv1d, padding_right),
    RANGE("conv1d", use_conv1d, good_conv1d, padding_mode, INT, 2, "expected"),
    VOLUME("conv3d", use_conv3d, good_conv3d),
    WINDOW("conv3d_create", use_conv3d_layer, good_conv3d, kernel_d),
    RANGE("conv3d", use_conv3d, good_conv3d, padding_mode, INT, -1, "expected"),
    LINE("conv_transpose1d", use_conv_transpose1d, good_conv_transpose1d),
    SPREAD("conv_transpose1d", use_conv_transpose1d, good_conv_transpose1d),
    WINDOWS("conv_transpose2d", use_conv_transpose2d, good_conv_transpose2d),
    SPREAD("conv_transpose2d", use_conv_transpose2d, good_conv_transpose2d),
    WINDOW("conv_transpose2d", use_conv_transpose2d, good_conv_transpose2d, output_padding_w),
    VOLUME("conv_transpose3d", use_conv_transpose3d, good_conv_transpose3d),
    SPREAD("conv_transpose3d", use_conv_transpose3d, good_conv_transpose3d),
    KERNELS("maxpool2d_create", use_maxpool2d_layer, good_maxpool2d),
    WINDOWS("maxpool2d_create", use_maxpool2d_layer, good_maxpool2d),
    RANGE("maxpool2d_create", use_maxpool2d_layer, good_maxpool2d, padding, INT64, 2, "half"),
    KERNELS("avg_pool2d_create", use_avg_pool2d_layer, good_avg_pool2d),
    STRIDES("avg_pool2d_create", use_avg_pool2d_layer, good_avg_pool2d),
    RANGE("avg_pool2d_create", use_avg_pool2d_layer, good_avg_pool2d, padding, INT64, 2, "half"),
    KERNELS("avg_pool2d", use_avg_pool2d, good_avg_pool2d),
    STRIDES("avg_pool2d", use_avg_pool2d, good_avg_pool2d),
    KERNELS("maxpool2d", use_maxpool2d, good_maxpool2d),
    WINDOWS("maxpool2d", use_maxpool2d, good_maxpool2d),
    WINDOW("maxpool1d", use_maxpool1d, good_maxpool1d, kernel), WINDOW("maxpool1d", use_maxpool1d, good_maxpool1d, stride),
    WINDOW("maxpool1d", use_maxpool1d, good_maxpool1d, padding), WINDOW("maxpool1d", use_maxpool1d, good_maxpool1d, dilation),
    WINDOW("avg_pool1d", use_avg_pool1d, good_avg_pool1d, kernel), WINDOW("avg_pool1d", use_avg_pool1d, good_avg_pool1d, stride),
    RANGE("avg_pool1d", use_avg_pool1d, good_avg_pool1d, padding, INT64, 2, "half"),
    RANGE("maxpool1d_create", use_maxpool1d_layer, good_maxpool1d, padding, INT64, 2, "half"),
    WINDOW("avg_pool1d_create", use_avg_pool1d_layer, good_avg_pool1d, kernel),
    KERNELS("unfold", use_unfold, good_unfold),
    WINDOWS("unfold", use_unfold, good_unfold),
    WINDOWS("fold", use_fold, good_unfold),
    WINDOWS("unfold_create", use_unfold_layer, good_unfold),
    WINDOWS("fold_create", use_fold_layer, good_fold),
    RANGE("pad", use_pad, good_pad, mode, INT, 4, "0 to 3"),
    RANGE("pad", use_pad, good_pad, mode, INT, -1, "0 to 3"),
#define INTERPOLATION(call, use)                                                                                          \
    RANGE(call, use, good_upsample, mode, INT, 7, "0 to 6"), RANGE(call, use, good_upsample, mode, INT, -1, "0 to 6"),     \
    RANGE(call, use, good_upsample, size, INT64, -1, "at least 1"), RANGE(call, use, good_upsample, size_w, INT64, -4e18, "at least 1"), \
    RANGE(call, use, good_upsample, scale_factor, DOUBLE, NAN, "above 0"),                                               \
    RANGE(call, use, good_upsample, scale_factor_h, DOUBLE, CNN_ZERO, "above 0")
    INTERPOLATION("interpolate", use_interpolate),
    INTERPOLATION("upsample_create", use_upsample_layer),
    RANGE("batch_norm2d_create", use_batch_norm2d_layer, good_batch_norm, dtype, INT, CNN_I64, "float32, float64 or bfloat16"),
    RANGE("batch_norm2d_create", use_batch_norm2d_layer, good_batch_norm, momentum, DOUBLE, 1.5, "0 to 1"),
    RANGE("batch_norm2d_create", use_batch_norm2d_layer, good_batch_norm, eps, DOUBLE, -1, "at least 0"),
    RANGE("batch_norm1d_create", use_batch_norm1d_layer, good_batch_norm1d, momentum, DOUBLE, -0.5, "0 to 1"),
    RANGE("batch_norm1d_create", use_batch_norm1d_layer, good_batch_norm1d, eps, DOUBLE, NAN, "at least 0"),
    RANGE("instance_norm1d_create", use_instance_norm1d_layer, good_instance_norm1d, dtype, INT, CNN_BOOL, "float32, float64 or bfloat16"),
    RANGE("instance_norm1d_create", use_instance_norm1d_layer, good_instance_norm1d, momentum, DOUBLE, 1.5, "0 to 1"),
    NOT_NEGATIVE("instance_norm2d_create", use_instance_norm2d_layer, good_instance_norm2d, eps),
    RANGE("layer_norm_create", use_layer_norm_layer, good_layer_norm, dtype, INT, CNN_I64, "float32, float64 or bfloat16"),
    NOT_NEGATIVE("layer_norm_create", use_layer_norm_layer, good_layer_norm, eps),
    RANGE("rms_norm_create", use_rms_norm_layer, good_rms_norm, dtype, INT, CNN_I64, "float32, float64 or bfloat16"),
    NOT_NEGATIVE("rms_norm_create", use_rms_norm_layer, good_rms_norm, eps),
    NOT_NEGATIVE("group_norm_create", use_group_norm_layer, good_group_norm, eps),
    NOT_NEGATIVE("layer_norm", use_layer_norm, good_layer_norm, eps),
    NOT_NEGATIVE("rms_norm", use_rms_norm, good_rms_norm, eps),
    NOT_NEGATIVE("group_norm", use_group_norm, good_group_norm, eps),
    NOT_NEGATIVE("instance_norm", use_instance_norm, good_batch_norm, eps),
    RANGE("instance_norm", use_instance_norm, good_batch_norm, momentum, DOUBLE, 1.5, "0 to 1"),
    RANGE("linear_create", use_linear_layer, good_linear, dtype, INT, CNN_BOOL, "float32, float64 or bfloat16"),
    RANGE("linear_create", use_linear_layer, good_linear, dtype, INT, 99, "float32, float64 or bfloat16"),
    RANGE("lstm_create", use_lstm_layer, good_lstm, num_layers, INT64, -1, "1 to 1000"),
    RANGE("lstm_create", use_lstm_layer, good_lstm, num_layers, INT64, 1001, "1 to 1000"),
    RANGE("lstm_create", use_lstm_layer, good_lstm, dropout, DOUBLE, -0.1, "0 to 1"),
    RANGE("lstm_create", use_lstm_layer, good_lstm, dropout, DOUBLE, 1.5, "0 to 1"),
    RANGE("lstm_create", use_lstm_layer, good_lstm, dropout, DOUBLE, NAN, "0 to 1"),
    RANGE("lstm_create", use_lstm_layer, good_lstm, dtype, INT, CNN_I64, "float32, float64 or bfloat16"),
    RANGE("gru_create", use_gru_layer, good_gru, num_layers, INT64, 1001, "1 to 1000"),
    RANGE("gru_create", use_gru_layer, good_gru, dropout, DOUBLE, 1.5, "0 to 1"),
    RANGE("rnn_create", use_rnn_layer, good_rnn, num_layers, INT64, -1, "1 to 1000"),
    RANGE("rnn_create", use_rnn_layer, good_rnn, dtype, INT, CNN_I64, "float32, float64 or bfloat16"),
    RANGE("embedding_create", use_embedding_layer, good_embedding, dtype, INT, CNN_BOOL, "float32, float64 or bfloat16"),
    RANGE("embedding_create", use_embedding_layer, good_embedding, padding_idx, INT64, 3, "-3 to 2"),
    RANGE("embedding", use_embedding, good_embedding, padding_idx, INT64, -3, "-2 to 1"),
    RANGE("scaled_dot_product_attention", use_attention, good_attention, dropout_p, DOUBLE, 1.5, "0 to 1"),
    RANGE("scaled_dot_product_attention", use_attention, good_attention, dropout_p, DOUBLE, NAN, "0 to 1"),
    RANGE("scaled_dot_product_attention", use_attention, good_attention, scale, DOUBLE, INFINITY, "a finite number"),
    RANGE("multihead_attention_create", use_multihead_attention_layer, good_multihead_attention, kdim, INT64, -1, "at least 1"),
    RANGE("multihead_attention_create", use_multihead_attention_layer, good_multihead_attention, vdim, INT64, -1, "at least 1"),
    RANGE("multihead_attention_create", use_multihead_attention_layer, good_multihead_attention, dropout, DOUBLE, -0.1, "0 to 1"),
    RANGE("multihead_attention_create", use_multihead_attention_layer, good_multihead_attention, dropout, DOUBLE, NAN, "0 to 1"),
    RANGE("multihead_attention_create", use_multihead_attention_layer, good_multihead_attention, dtype, INT, CNN_I64,
          "float32, float64 or bfloat16"),
    RANGE("transformer_encoder_layer_create", use_transformer_encoder_layer_layer, good_transformer_encoder_layer, dim_feedforward,
          INT64, -1, "at least 1"),
    RANGE("transformer_encoder_layer_create", use_transformer_encoder_layer_layer, good_transformer_encoder_layer, dropout, DOUBLE,
          1.5, "0 to 1"),
    RANGE("transformer_encoder_layer_create", use_transformer_encoder_layer_layer, good_transformer_encoder_layer, layer_norm_eps,
          DOUBLE, -1, "at least 0"),
    RANGE("transformer_encoder_layer_create", use_transformer_encoder_layer_layer, good_transformer_encoder_layer, dtype, INT, CNN_I64,
          "float32, float64 or bfloat16"),
    RANGE("cross_entropy", use_cross_entropy, good_loss, reduction, INT, 3, "expected"),
    RANGE("cross_entropy", use_cross_entropy, good_loss, reduction, INT, -1, "expected"),
    RANGE("cross_entropy", use_cross_entropy, good_loss, label_smoothing, DOUBLE, -0.1, "0 to 1"),
    RANGE("cross_entropy", use_cross_entropy, good_loss, label_smoothing, DOUBLE, 1.5, "0 to 1"),
    RANGE("cross_entropy", use_cross_entropy, good_loss, label_smoothing, DOUBLE, NAN, "0 to 1"),
#define REDUCTIONS(name, type, call)                                                 \
    RANGE(#name, use_##name, good_##name, reduction, INT, -1, "expected 0 to"),       \
    RANGE(#name, use_##name, good_##name, reduction, INT, 4, "expected 0 to"),
    LOSSES(REDUCTIONS)
    RANGE("mse_loss", use_mse_loss, good_mse_loss, reduction, INT, CNN_REDUCE_BATCH_MEAN, "0 to 2"),
    NOT_NEGATIVE("smooth_l1_loss", use_smooth_l1_loss, good_smooth_l1_loss, beta),
    RANGE("huber_loss", use_huber_loss, good_huber_loss, delta, DOUBLE, CNN_ZERO, "above 0"),
    RANGE("huber_loss", use_huber_loss, good_huber_loss, delta, DOUBLE, -1, "above 0"),
    RANGE("huber_loss", use_huber_loss, good_huber_loss, delta, DOUBLE, NAN, "above 0"),
    NOT_NEGATIVE("poisson_nll_loss", use_poisson_nll_loss, good_poisson_nll_loss, eps),
    RANGE("gaussian_nll_loss", use_gaussian_nll_loss, good_gaussian_nll_loss, eps, DOUBLE, CNN_ZERO, "above 0"),
    RANGE("margin_ranking_loss", use_margin_ranking_loss, good_margin_ranking_loss, margin, DOUBLE, NAN, "a finite number"),
    RANGE("hinge_embedding_loss", use_hinge_embedding_loss, good_hinge_embedding_loss, margin, DOUBLE, INFINITY, "a finite number"),
    RANGE("cosine_embedding_loss", use_cosine_embedding_loss, good_cosine_embedding_loss, margin, DOUBLE, NAN, "a finite number"),
    RANGE("triplet_margin_loss", use_triplet_margin_loss, good_triplet_margin_loss, margin, DOUBLE, NAN, "a finite number"),
    RANGE("triplet_margin_loss", use_triplet_margin_loss, good_triplet_margin_loss, p, DOUBLE, -1, "above 0"),
    RANGE("triplet_margin_loss", use_triplet_margin_loss, good_triplet_margin_loss, p, DOUBLE, NAN, "above 0"),
    NOT_NEGATIVE("triplet_margin_loss", use_triplet_margin_loss, good_triplet_margin_loss, eps),
    RANGE("ctc_loss", use_ctc_loss, good_ctc_loss, blank, INT64, 3, "0 to 2"),
    RANGE("ctc_loss", use_ctc_loss, good_ctc_loss, blank, INT64, -1, "0 to 2"),
    RANGE("multi_margin_loss", use_multi_margin_loss, good_multi_margin_loss, p, INT, 3, "1 or 2"),
    RANGE("multi_margin_loss", use_multi_margin_loss, good_multi_margin_loss, p, INT, -1, "1 or 2"),
    RANGE("multi_margin_loss", use_multi_margin_loss, good_multi_margin_loss, margin, DOUBLE, INFINITY, "a finite number"),
    RANGE("gradcheck", use_gradcheck, good_gradcheck, eps, DOUBLE, -1, "above 0"),
    RANGE("gradcheck", use_gradcheck, good_gradcheck, eps, DOUBLE, CNN_ZERO, "above 0"),
    RANGE("gradcheck", use_gradcheck, good_gradcheck, eps, DOUBLE, NAN, "above 0"),
    NOT_NEGATIVE("gradcheck", use_gradcheck, good_gradcheck, atol),
    NOT_NEGATIVE("gradcheck", use_gradcheck, good_gradcheck, rtol),
    RANGE("step_lr_create", use_step_lr, good_step_lr, step_size, INT64, -1, "1 to 2^53"),
    RANGE("step_lr_create", use_step_lr, good_step_lr, gamma, DOUBLE, -0.5, "at least 0"),
    RANGE("constant_lr_create", use_constant_lr, good_constant_lr, factor, DOUBLE, 1.5, "0 to 1"),
    RANGE("constant_lr_create", use_constant_lr, good_constant_lr, total_iters, INT64, -1, "1 to 2^53"),
    RANGE("linear_lr_create", use_linear_lr, good_linear_lr, start_factor, DOUBLE, CNN_ZERO, "above 0 and at most 1"),
    RANGE("linear_lr_create", use_linear_lr, good_linear_lr, end_factor, DOUBLE, NAN, "0 to 1"),
    NOT_NEGATIVE("exponential_lr_create", use_exponential_lr, good_exponential_lr, gamma),
    NOT_NEGATIVE("polynomial_lr_create", use_polynomial_lr, good_polynomial_lr, power),
    NOT_NEGATIVE("cosine_annealing_lr_create", use_cosine_annealing_lr, good_cosine_annealing_lr, eta_min),
    RANGE("cosine_annealing_warm_restarts_create", use_cosine_annealing_warm_restarts, good_cosine_annealing_warm_restarts,
          T_mult, INT64, -2, "1 to 2^53"),
    RANGE("one_cycle_lr_create", use_one_cycle_lr, good_one_cycle_lr, total_steps, INT64, -2, "0 to 2^53"),
    RANGE("one_cycle_lr_create", use_one_cycle_lr, good_one_cycle_lr, pct_start, DOUBLE, 1.5, "0 to 1"),
    RANGE("one_cycle_lr_create", use_one_cycle_lr, good_one_cycle_lr, base_momentum, DOUBLE, -1, "below 1"),
    RANGE("one_cycle_lr_create", use_one_cycle_lr, good_one_cycle_lr, max_momentum, DOUBLE, 1, "below 1"),
    RANGE("one_cycle_lr_create", use_one_cycle_lr, good_one_cycle_lr, div_factor, DOUBLE, -1, "above 0"),
    RANGE("one_cycle_lr_create", use_one_cycle_lr, good_one_cycle_lr, final_div_factor, DOUBLE, NAN, "above 0"),
    RANGE("one_cycle_lr_create", use_one_cycle_lr, good_one_cycle_lr, anneal_strategy, INT, 2, "0 or 1"),
    RANGE("reduce_lr_on_plateau_create", use_reduce_lr_on_plateau, good_reduce_lr_on_plateau, factor, DOUBLE, 1, "below 1"),
    RANGE("reduce_lr_on_plateau_create", use_reduce_lr_on_plateau, good_reduce_lr_on_plateau, patience, INT64, -1, "0 to 2^53"),
    RANGE("reduce_lr_on_plateau_create", use_reduce_lr_on_plateau, good_reduce_lr_on_plateau, cooldown, INT64, -1, "0 to 2^53"),
    NOT_NEGATIVE("reduce_lr_on_plateau_create", use_reduce_lr_on_plateau, good_reduce_lr_on_plateau, threshold),
    NOT_NEGATIVE("reduce_lr_on_plateau_create", use_reduce_lr_on_plateau, good_reduce_lr_on_plateau, min_lr),
    NOT_NEGATIVE("reduce_lr_on_plateau_create", use_reduce_lr_on_plateau, good_reduce_lr_on_plateau, eps),
    RANGE("reduce_lr_on_plateau_create", use_reduce_lr_on_plateau, good_reduce_lr_on_plateau, mode, INT, 2, "0 or 1"),
    RANGE("reduce_lr_on_plateau_create", use_reduce_lr_on_plateau, good_reduce_lr_on_plateau, threshold_mode, INT, -1, "0 or 1"),
    RANGE("ema_create", use_ema, good_ema, decay, DOUBLE, 1.5, "0 to 1"),
    RANGE("predictor_create", use_predictor, good_predictor, calls, INT, 65, "1 to 64"),
    RANGE("predictor_create", use_predictor, good_predictor, output_count, INT, -1, "1 to 65536"),
    RANGE("ema_create", use_ema, good_ema, count, INT64, -1, "0 to 2^53"),
    RANGE("clip_grad_norm", use_clip_grad_norm, good_clip, norm_type, DOUBLE, -2, "above 0"),
    RANGE("init_kaiming_normal", use_kaiming_normal, good_kaiming, a, DOUBLE, NAN, "a finite number"),
    RANGE("init_kaiming_normal", use_kaiming_normal, good_kaiming, mode, INT, 2, "CNN_FAN_IN or CNN_FAN_OUT"),
    RANGE("init_kaiming_uniform", use_kaiming_uniform, good_kaiming, nonlinearity, INT, 6, "0 to 5"),
    RANGE("dataset_from_callbacks", use_callbacks, good_callbacks, size, INT64, -1, "0 or more"),
    RANGE("dataset_from_callbacks", use_callbacks, good_callbacks, image_ndim, INT, 8, "0 to 7"),
    RANGE("dataset_from_callbacks", use_callbacks, good_callbacks, image_ndim, INT, -1, "0 to 7"),
    RANGE("dataset_from_callbacks", use_callbacks, good_callbacks, label_ndim, INT, 9, "0 to 7"),
    RANGE("dataset_from_callbacks", use_callbacks, good_callbacks, image_dtype, INT, CNN_U8, "float32 or float64"),
    RANGE("dataset_from_callbacks", use_callbacks, good_callbacks, label_dtype, INT, CNN_U8, "int64, float32"),
    RANGE("sampler_from_callbacks", use_sampler_callbacks, good_sampler, count, INT64, -1, "0 or more"),
    RANGE("loader_create", use_loader, good_loader, threads, INT, -1, "0 to 1024"),
    RANGE("loader_create", use_loader, good_loader, threads, INT, 1025, "0 to 1024"),
    RANGE("module_load_with", use_load, good_load, dtypes, INT, 3, "expected CNN_LOAD_EXACT"),
    RANGE("module_load_with", use_load, good_load, dtypes, INT, -1, "expected CNN_LOAD_EXACT"),
    RANGE("augment_random_crop", use_random_crop, good_random_crop, padding, INT64, -1, "0 to 1048576"),
    RANGE("augment_random_crop", use_random_crop, good_random_crop, fill, DOUBLE, NAN, "a finite number"),
    RANGE("augment_random_crop", use_random_crop, good_random_crop, padding_mode, INT, 3, "expected CNN_PAD_CONSTANT"),
    RANGE("augment_random_resized_crop", use_random_resized_crop, good_random_resized_crop, scale_max, DOUBLE, 1.5, "within 1e-06 to 1"),
    RANGE("augment_random_resized_crop", use_random_resized_crop, good_random_resized_crop, ratio_min, DOUBLE, -1, "within 1e-06"),
    RANGE("augment_random_rotation", use_random_rotation, good_random_rotation, fill, DOUBLE, INFINITY, "a finite number"),
    RANGE("augment_random_affine", use_random_affine, good_random_affine, translate_x, DOUBLE, 1.5, "0 to 1"),
    RANGE("augment_random_affine", use_random_affine, good_random_affine, translate_y, DOUBLE, -0.5, "0 to 1"),
    RANGE("augment_random_affine", use_random_affine, good_random_affine, scale_min, DOUBLE, NAN, "within 1e-06"),
    RANGE("augment_random_affine", use_random_affine, good_random_affine, shear_x_min, DOUBLE, 1, "expected a range"),
    RANGE("augment_random_affine", use_random_affine, good_random_affine, shear_y_max, DOUBLE, 90, "within -89.999 to 89.999"),
    RANGE("augment_random_affine", use_random_affine, good_random_affine, fill, DOUBLE, NAN, "a finite number"),
    RANGE("augment_color_jitter", use_color_jitter, good_color_jitter, contrast, DOUBLE, -1, "expected 0 to"),
    RANGE("augment_color_jitter", use_color_jitter, good_color_jitter, hue, DOUBLE, 0.75, "0 to 0.5"),
    RANGE("augment_random_erasing", use_random_erasing, good_random_erasing, p, DOUBLE, 1.5, "0 to 1"),
    RANGE("augment_random_erasing", use_random_erasing, good_random_erasing, ratio_max, DOUBLE, NAN, "within 1e-06"),
    RANGE("augment_random_erasing", use_random_erasing, good_random_erasing, value, DOUBLE, NAN, "a finite number"),
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

int main(void)
{
    trust_begin("option values");
    TCase *values = trust_case("values", 60);
    tcase_add_checked_fixture(values, setup, teardown);
    tcase_add_loop_test(values, out_of_range, 0, RANGES);
    tcase_add_test(values, zero);
    tcase_add_test(values, together);
    int failed = trust_run();
    return trust_end(failed, "option values: %d out of range", (int)RANGES);
}
