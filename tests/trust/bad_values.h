/* The values that each kind of parameter is tried with: first a good one, then NULL and other mistakes that a caller
 * may make. Each value says what the call must do if all other arguments are good. */
#ifndef CNN_TESTS_TRUST_BAD_VALUES_H
#define CNN_TESTS_TRUST_BAD_VALUES_H

#include "bad_numbers.h"
#include "data/augment.h"
#include "support/optimizers.h"

/* ---- objects ---- */

MAKER(context, context_of(w))
static const candidate contexts[] = { MADE("good", GOOD, make_context, 0), NO_POINTER };
OBJECT(context, contexts);

MAKER(tape, tape_of(w))
MAKER(failed_tape, failed_tape_of(w))
MAKER(fresh_tape, keep(w, cnn_tape_new(context_of(w)), release_tape))
MAKER(foreign_tape, keep(w, cnn_tape_new(other_context_of(w)), release_tape))
static const candidate tapes[] = { MADE("good", GOOD, make_tape, 0), NO_POINTER,
                                   MADE("of a failed step", MAY, make_failed_tape, 0),
                                   MADE("without a step", MAY, make_fresh_tape, 0),
                                   MADE("of another context", MAY, make_foreign_tape, 0) };
OBJECT(tape, tapes);

MAKER(module, module_of(w))
MAKER(foreign_module, keep(w, new_model(other_context_of(w)), release_module))
static const candidate modules[] = { MADE("good", GOOD, make_module, 0), NO_POINTER,
                                     MADE("of another context", MAY, make_foreign_module, 0) };
OBJECT(module, modules);

MAKER(lstm, keep(w, cnn_lstm_new(context_of(w), 3, 3), release_module))
static const candidate lstms[] = { MADE("good", GOOD, make_lstm, 0), NO_POINTER, MADE("of another type", BAD, make_module, 0),
                                   MADE("of another context", BAD, make_foreign_module, 0) };
OBJECT(lstm, lstms);
MAKER(gru, keep(w, cnn_gru_new(context_of(w), 3, 3), release_module))
static const candidate grus[] = { MADE("good", GOOD, make_gru, 0), NO_POINTER, MADE("of another type", BAD, make_lstm, 0),
                                  MADE("of another context", BAD, make_foreign_module, 0) };
OBJECT(gru, grus);

MAKER(attention, keep(w, cnn_multihead_attention_new(context_of(w), 3, 1), release_module))
static const candidate attentions[] = { MADE("good", GOOD, make_attention, 0), NO_POINTER, MADE("of another type", BAD, make_module, 0),
                                        MADE("of another context", BAD, make_foreign_module, 0) };
OBJECT(attention, attentions);

MAKER(second_module, keep(w, new_model(context_of(w)), release_module))
MAKER(fresh_module, fresh_module(w))
static const candidate sources[] = { MADE("good", GOOD, make_second_module, 0), NO_POINTER,
                                     MADE("of another structure", BAD, make_fresh_module, 0),
                                     MADE("itself", MAY, make_module, 0),
                                     MADE("of another context", MAY, make_foreign_module, 0) };
OBJECT(source, sources);

MAKER(parent, parent_of(w))
static const candidate parents[] = { MADE("good", GOOD, make_parent, 0), NO_POINTER,
                                     MADE("of another context", BAD, make_foreign_module, 0) };
OBJECT(parent, parents);

MAKER(grandchild, (parent_of(w), cnn_module_child(w->parent, 0, NULL)))
MAKER(grandparent, (parent_of(w), w->grandparent))
static const candidate children[] = { MADE("good", GOOD, make_fresh_module, 0), NO_POINTER,
                                      MADE("a child already", BAD, make_grandchild, 0),
                                      MADE("its own parent", BAD, make_parent, 0),
                                      MADE("an ancestor", BAD, make_grandparent, 0),
                                      MADE("of another context", BAD, make_foreign_module, 0) };
static const candidate end_norms[] = { MADE("good", GOOD, make_fresh_module, 0), NO_POINTER,
                                       MADE("a child already", BAD, make_grandchild, 0),
                                       MADE("of another context", BAD, make_foreign_module, 0) };
OBJECT(end_norm, end_norms);
MAKER(encoder_layer, keep(w, cnn_transformer_encoder_layer_new(context_of(w), 2, 1, .dim_feedforward = 2), release_module))
static const candidate encoder_layers[] = { MADE("good", GOOD, make_encoder_layer, 0), NO_POINTER,
                                            MADE("of another type", BAD, make_fresh_module, 0),
                                            MADE("of another context", BAD, make_foreign_module, 0) };
OBJECT(encoder_layer, encoder_layers);
OBJECT(child, children);
static const candidate free_modules[] = { MADE("good", GOOD, make_fresh_module, 0), NO_POINTER,
                                          MADE("a parent's", BAD, make_parent, 0) };
OBJECT(free_module, free_modules);

MAKER(optimizer, optimizer_of(w))
static const candidate optimizers[] = { MADE("good", GOOD, make_optimizer, 0), NO_POINTER };
OBJECT(optimizer, optimizers);
/* One of each kind, with a group and without; and in its place one of another kind. */
#define CNN_OPTIMIZER(name, type, needs)                                                                                      \
    MAKER(name, keep(w, cnn_##name##_create(module_of(w), &kind_plain_##name), release_optimizer))                            \
    MAKER(empty_##name, keep(w, cnn_##name##_create_for(context_of(w), NULL, 0, &kind_plain_##name), release_optimizer))      \
    MAKER(not_##name, strcmp(#name, "adam") == 0 ? keep(w, cnn_sgd_new(module_of(w), .lr = 0.1), release_optimizer)           \
                                                 : optimizer_of(w))                                                           \
    static const candidate name##s[] = { MADE("good", GOOD, make_##name, 0), NO_POINTER,                                      \
                                         MADE("of another kind", BAD, make_not_##name, 0) };                                  \
    OBJECT(name, name##s);                                                                                                    \
    static const candidate empty_##name##s[] = { MADE("good", GOOD, make_empty_##name, 0), NO_POINTER,                        \
                                                 MADE("of another kind", BAD, make_not_##name, 0) };                          \
    OBJECT(empty_##name, empty_##name##s);
#include "optimizers.def"

MAKER(ema, keep(w, cnn_ema_new(module_of(w)), release_ema))
static const candidate emas[] = { MADE("good", GOOD, make_ema, 0), NO_POINTER };
OBJECT(ema, emas);

/* A module of the user's. */
static int own_user;
static cnn_status own_forward(cnn_module *self, cnn_tensor *const *in, int inputs, cnn_tensor **out, int outputs, void *user)
{
    (void)self, (void)in, (void)inputs, (void)out, (void)outputs, (void)user;
    return CNN_OK;
}
MAKER(own_module, keep(w, cnn_module_create(context_of(w), &(cnn_module_options){ .struct_size = sizeof(cnn_module_options),
                                                                                     .forward_many = own_forward, .user = &own_user }),
                       release_module))
static const candidate own_modules[] = { MADE("good", GOOD, make_own_module, 0), NO_POINTER };
OBJECT(own_module, own_modules);
static const candidate stand_ins[] = { MADE("good", GOOD, make_own_module, 0), NO_POINTER, MADE("a layer", BAD, make_fresh_module, 0),
                                       MADE("a child already", BAD, make_grandchild, 0), MADE("the module itself", BAD, make_parent, 0),
                                       MADE("of another context", BAD, make_foreign_module, 0) };
OBJECT(stand_in, stand_ins);
static const candidate own_forwards[] = { { "good", GOOD, NULL, { .f = (void (*)(void))own_forward }, 0 }, NO_POINTER };
OBJECT(own_forward, own_forwards);

/* The net is one layer, whose input and output are the 64 pixels of an image. */
static value frozen_inputs(world *w, const kind *k)
{
    static const int64_t sizes[] = { 1, 1, 8, 8 }, bad_sizes[] = { 1, 1, -8, 8 };
    static cnn_trace_input input;
    (void)w, (void)k;
    input = (cnn_trace_input){ .shape = sizes, .ndim = 4 };
    switch (making->variant) {
    case 1: input.shape = bad_sizes; break;
    case 2: input.ndim = -1; break;
    case 3: input.ndim = CNN_MAX_DIMS + 1; break;
    case 4: input.shape = NULL; break;
    case 5: input.dtype = (cnn_dtype)99; break;
    default: break;
    }
    return pointer(&input);
}
static const candidate frozen_arrays[] = { MADE("good", GOOD, frozen_inputs, 0), NO_POINTER, MADE("a negative size", BAD, frozen_inputs, 1),
                                           MADE("rank -1", BAD, frozen_inputs, 2), MADE("rank 9", BAD, frozen_inputs, 3),
                                           MADE("no sizes", BAD, frozen_inputs, 4), MADE("no dtype", BAD, frozen_inputs, 5) };
OBJECT(frozen_inputs, frozen_arrays);
static value make_predictor(world *w, const kind *k)
{
    cnn_module *relu = keep(w, cnn_relu_new(context_of(w)), release_module);
    (void)k;
    return pointer(keep(w, cnn_predictor_new(relu, CNN_F32, CNN_SHAPE(1, 1, 8, 8)), release_predictor));
}
static const candidate predictors[] = { MADE("good", GOOD, make_predictor, 0), NO_POINTER };
OBJECT(predictor, predictors);
static value pixels_of(world *w, const kind *k)
{
    static float pixels[2][64];
    return array_of(w, making->variant ? NULL : pixels[strcmp(k->name, "predicted") == 0], NULL);
}
static const candidate pixel_arrays[] = { MADE("good", GOOD, pixels_of, 0), NO_POINTER, MADE("[NULL]", BAD, pixels_of, 1) };
OBJECT(predicted_from, pixel_arrays);
OBJECT(predicted, pixel_arrays);

MAKER(scheduler, scheduler_of(w))
MAKER(owned_scheduler, owned_scheduler_of(w))
MAKER(plateau, keep(w, cnn_reduce_lr_on_plateau_new(optimizer_of(w)), release_scheduler))
static const candidate all_schedulers[] = { MADE("good", GOOD, make_scheduler, 0), NO_POINTER,
                                            MADE("of a sequence", MAY, make_owned_scheduler, 0),
                                            MADE("by metric", MAY, make_plateau, 0) };
OBJECT(scheduler, all_schedulers);
static const candidate own_schedulers[] = { MADE("good", GOOD, make_scheduler, 0), NO_POINTER,
                                            MADE("of a sequence", BAD, make_owned_scheduler, 0),
                                            MADE("by metric", BAD, make_plateau, 0) };
OBJECT(own_scheduler, own_schedulers);
static const candidate plateaus[] = { MADE("good", GOOD, make_plateau, 0), NO_POINTER,
                                      MADE("without a metric", BAD, make_scheduler, 0) };
OBJECT(plateau, plateaus);
static const candidate free_schedulers[] = { MADE("good", GOOD, make_scheduler, 0), NO_POINTER,
                                             MADE("of a sequence", BAD, make_owned_scheduler, 0) };
OBJECT(free_scheduler, free_schedulers);

static value two_schedulers(world *w, const kind *k)
{
    cnn_scheduler *a = scheduler_of(w);
    (void)k;
    switch (making->variant) {
    case 0: return array_of(w, a, scheduler_of(w));
    case 1: return array_of(w, NULL, a);
    case 2: return array_of(w, a, NULL);
    case 3: return array_of(w, a, a);
    case 4: return array_of(w, a, owned_scheduler_of(w));
    default: return array_of(w, a, make_plateau(w, k).p);
    }
}
static const candidate scheduler_arrays[] = { MADE("good", GOOD, two_schedulers, 0), NO_POINTER,
                                              MADE("[NULL, s]", BAD, two_schedulers, 1), MADE("[s, NULL]", BAD, two_schedulers, 2),
                                              MADE("one twice", BAD, two_schedulers, 3),
                                              MADE("[s, another's]", BAD, two_schedulers, 4),
                                              MADE("[s, by metric]", BAD, two_schedulers, 5) };
OBJECT(schedulers, scheduler_arrays);

MAKER(dataset, keep(w, new_dataset(w), release_dataset))
static const candidate datasets[] = { MADE("good", GOOD, make_dataset, 0), NO_POINTER };
OBJECT(dataset, datasets);

static value used_dataset(world *w, const kind *k)
{
    (void)k;
    cnn_dataset *dataset = keep(w, new_dataset(w), release_dataset);
    keep(w, cnn_loader_new(cnn_dataset_share(dataset), 2, .no_background = true), release_loader);
    return pointer(dataset);
}

static value dataset_of_callbacks(world *w, const kind *k)
{
    (void)k;
    const int64_t shape[] = { 1, 4, 4 };
    cnn_dataset_callbacks callbacks = { .struct_size = sizeof callbacks, .size = 4, .image_ndim = 3,
                                        .image_shape = shape, .label_dtype = CNN_I64, .get = get_sample };
    return pointer(keep(w, cnn_dataset_from_callbacks(context_of(w), &callbacks), release_dataset));
}
static const candidate normal_datasets[] = { MADE("good", GOOD, make_dataset, 0), NO_POINTER,
                                             MADE("used by a loader", BAD, used_dataset, 0),
                                             MADE("of callbacks", BAD, dataset_of_callbacks, 0) };
OBJECT(normal_dataset, normal_datasets);

MAKER(named_dataset, keep(w, cnn_cifar10_open(context_of(w), world_folder, CNN_CIFAR_TEST), release_dataset))
static const candidate named_datasets[] = { MADE("good", GOOD, make_named_dataset, 0), NO_POINTER,
                                            MADE("without names", BAD, make_dataset, 0) };
OBJECT(named_dataset, named_datasets);

MAKER(sampler, keep(w, cnn_subset_random_sampler_create(context_of(w), (const int64_t[]){ 1, 0 }, 2), release_sampler))
static const candidate samplers[] = { MADE("good", GOOD, make_sampler, 0), NO_POINTER };
OBJECT(sampler, samplers);

static value owned_sampler(world *w, const kind *k)
{
    (void)k;
    cnn_sampler *owned = cnn_subset_random_sampler_create(context_of(w), NULL, 0);
    keep(w, cnn_loader_new(new_dataset(w), 2, .sampler = owned, .no_background = true), release_loader);
    return pointer(owned);
}
static const candidate free_samplers[] = { MADE("good", GOOD, make_sampler, 0), NO_POINTER,
                                           MADE("a loader's", BAD, owned_sampler, 0) };
OBJECT(free_sampler, free_samplers);

MAKER(loader, loader_of(w))
static const candidate loaders[] = { MADE("good", GOOD, make_loader, 0), NO_POINTER };
OBJECT(loader, loaders);

MAKER(load_report, report_of(w))
static const candidate load_reports[] = { MADE("good", GOOD, make_load_report, 0), NO_POINTER };
OBJECT(load_report, load_reports);
MAKER(tensor_file, keep(w, cnn_file_open(context_of(w), world_file("module")), release_file))
static const candidate files[] = { MADE("good", GOOD, make_tensor_file, 0), NO_POINTER };
OBJECT(file, files);
static const cnn_trace_input trace_input_list[] = { { .shape = (const int64_t[]){ 1, 1, 8, 8 }, .ndim = 4 } };
static const candidate trace_input_lists[] = { ADDRESS("good", GOOD, trace_input_list), NO_POINTER };
OBJECT(trace_inputs, trace_input_lists);
MAKER(trace, keep(w, cnn_trace_create(module_of(w), trace_input_list, 1, NULL), release_trace))
static const candidate traces[] = { MADE("good", GOOD, make_trace, 0), NO_POINTER };
OBJECT(trace, traces);

/* One that has ended, with an event. */
static cnn_profile *profile_of(world *w)
{
    cnn_profile *profile = cnn_profile_begin(context_of(w), NULL);
    cnn_tensor_free(cnn_tensor_zeros(context_of(w), CNN_F32, CNN_SHAPE(3)));
    cnn_profile_end(profile);
    return profile;
}
MAKER(profile, keep(w, profile_of(w), release_profile))
static const candidate profiles[] = { MADE("good", GOOD, make_profile, 0), NO_POINTER };
OBJECT(profile, profiles);

/* ---- DLPack ---- */

MAKER(dlpack, keep(w, cnn_tensor_to_dlpack(matrix_of(w)), release_dlpack))
static const candidate dlpacks[] = { MADE("good", GOOD, make_dlpack, 0), NO_POINTER };
OBJECT(dlpack, dlpacks);
MAKER(dlpack_legacy, keep(w, cnn_tensor_to_dlpack_legacy(matrix_of(w)), release_dlpack_legacy))
static const candidate dlpack_legacies[] = { MADE("good", GOOD, make_dlpack_legacy, 0), NO_POINTER };
OBJECT(dlpack_legacy, dlpack_legacies);

/* Nobody would free the report of a call that succeeds. */
static const candidate no_reports[] = { ADDRESS("NULL", GOOD, 0) };
OBJECT(no_report, no_reports);

/* ---- options ---- */

static void *new_options(world *w, const kind *k)
{
    void *options = w->options[w->option_count++ % 4];
    memset(options, 0, 2 * SCRATCH);
    memcpy(options, &k->size, sizeof k->size);
    k->init(w, options);
    return options;
}

static value good_options(world *w, const kind *k)
{
    return pointer(new_options(w, k));
}

static value sized_options(world *w, const kind *k)
{
    unsigned char *options = new_options(w, k);
    const size_t sizes[] = { 0, 1, sizeof(size_t), k->size - 1, SIZE_MAX, SIZE_MAX / 2, 1 << 20 };
    memcpy(options, &sizes[making->variant], sizeof(size_t));
    return pointer(options);
}

static value tailed_options(world *w, const kind *k)
{
    unsigned char *options = new_options(w, k);
    size_t size = k->size + 16;
    memcpy(options, &size, sizeof size);
    options[k->size + 9] = (unsigned char)making->variant;
    return pointer(options);
}

static const candidate option_candidates[] = {
    MADE("good", GOOD, good_options, 0), NO_POINTER, MADE("struct_size 0", BAD, sized_options, 0),
    MADE("struct_size 1", BAD, sized_options, 1), MADE("struct_size covers no field", BAD, sized_options, 2),
    MADE("struct_size cuts a field", BAD, sized_options, 3), MADE("struct_size SIZE_MAX", BAD, sized_options, 4),
    MADE("struct_size SIZE_MAX / 2", BAD, sized_options, 5), MADE("struct_size 2^20", BAD, sized_options, 6),
    MADE("newer, tail zero", GOOD, tailed_options, 0), MADE("newer, tail set", BAD, tailed_options, 1)
};

#define OPTIONS(name, type, ...)                                                                              \
    static void init_##name(world *w, void *options)                                                          \
    {                                                                                                         \
        (void)w;                                                                                              \
        *(type *)options = (type){ .struct_size = sizeof(type), __VA_ARGS__ };                                \
    }                                                                                                         \
    static const kind kind_##name = { #name, CANDIDATES(option_candidates), 0, 0, { 0 }, false, false,        \
                                      init_##name, sizeof(type) }
OPTIONS(context_options, cnn_context_options, .threads = 1);
#define CNN_LAYER(name, options, needs, create, sample, ...) \
    OPTIONS(options##_options, cnn_##options##_options, __VA_ARGS__);
#include "ops/ops.def"
OPTIONS(pad_options, cnn_pad_options, .value = 1);
OPTIONS(nan_to_num_options, cnn_nan_to_num_options, .nan = 1);
OPTIONS(interpolate_options, cnn_interpolate_options, .size = 3);
OPTIONS(module_options, cnn_module_options, .forward = forward_user, .user = w, .free_user = free_user);
#define CNN_OPTIMIZER(name, type, needs) OPTIONS(name##_options, cnn_##type##_options, .lr = 0.1);
#include "optimizers.def"
OPTIONS(step_lr_options, cnn_step_lr_options, .step_size = 3);
OPTIONS(multi_step_lr_options, cnn_multi_step_lr_options, .milestones = good_milestones, .milestone_count = 1);
OPTIONS(constant_lr_options, cnn_constant_lr_options, .factor = 0.5);
OPTIONS(linear_lr_options, cnn_linear_lr_options, .start_factor = 0.5);
OPTIONS(exponential_lr_options, cnn_exponential_lr_options, .gamma = 0.5);
OPTIONS(polynomial_lr_options, cnn_polynomial_lr_options, .power = 2);
OPTIONS(cosine_annealing_lr_options, cnn_cosine_annealing_lr_options, .T_max = 3);
OPTIONS(cosine_annealing_warm_restarts_options, cnn_cosine_annealing_warm_restarts_options, .T_0 = 3);
OPTIONS(one_cycle_lr_options, cnn_one_cycle_lr_options, .max_lr = 0.5, .total_steps = 3);
static double half(int64_t epoch, int group, void *user)
{
    (void)epoch, (void)group, (void)user;
    return 0.5;
}
OPTIONS(lambda_lr_options, cnn_lambda_lr_options, .lr_lambda = half);
OPTIONS(reduce_lr_on_plateau_options, cnn_reduce_lr_on_plateau_options, .patience = 3);
OPTIONS(clip_grad_norm_options, cnn_clip_grad_norm_options, .norm_type = 1);
OPTIONS(ema_options, cnn_ema_options, .decay = 0.5);
OPTIONS(predictor_options, cnn_predictor_options, .calls = 2);
OPTIONS(kaiming_options, cnn_kaiming_options, .a = 0.5);
OPTIONS(norm_options, cnn_norm_options, .eps = 0.1);
OPTIONS(scaled_dot_product_attention_options, cnn_scaled_dot_product_attention_options, .is_causal = true);
OPTIONS(loader_options, cnn_loader_options, .no_background = true);
OPTIONS(pad_collate_options, cnn_pad_collate_options, .value = 1);
OPTIONS(sampler_callbacks, cnn_sampler_callbacks, .count = 2, .order = get_order, .free_user = free_user, .user = w);
OPTIONS(cross_entropy_options, cnn_cross_entropy_options, .label_smoothing = 0.1);
OPTIONS(loss_options, cnn_loss_options, .reduction = CNN_REDUCE_SUM);
OPTIONS(smooth_l1_loss_options, cnn_smooth_l1_loss_options, .beta = 0.5);
OPTIONS(huber_loss_options, cnn_huber_loss_options, .delta = 0.5);
OPTIONS(bce_options, cnn_bce_options, .reduction = CNN_REDUCE_SUM);
OPTIONS(bce_with_logits_options, cnn_bce_with_logits_options, .reduction = CNN_REDUCE_SUM);
OPTIONS(kl_div_options, cnn_kl_div_options, .reduction = CNN_REDUCE_BATCH_MEAN);
OPTIONS(poisson_nll_loss_options, cnn_poisson_nll_loss_options, .full = true);
OPTIONS(gaussian_nll_loss_options, cnn_gaussian_nll_loss_options, .full = true);
OPTIONS(margin_loss_options, cnn_margin_loss_options, .margin = 0.5);
OPTIONS(triplet_margin_loss_options, cnn_triplet_margin_loss_options, .swap = true);
OPTIONS(nll_loss_options, cnn_nll_loss_options, .has_ignore_index = true);
OPTIONS(multi_margin_loss_options, cnn_multi_margin_loss_options, .p = 2);
OPTIONS(ctc_loss_options, cnn_ctc_loss_options, .blank = 1);
OPTIONS(grad_options, cnn_grad_options, .retain_graph = true);
OPTIONS(gradcheck_options, cnn_gradcheck_options, .eps = 1e-6);
OPTIONS(trace_options, cnn_trace_options, .training = true);
OPTIONS(profile_options, cnn_profile_options, .limit = 5);
OPTIONS(custom_op, cnn_custom_op, .name = "copy", .infer = infer_like_first, .forward = forward_copy);
OPTIONS(load_options, cnn_load_options, .partial = true, .strip_prefix = "module.");
OPTIONS(checkpoint, cnn_checkpoint, .module = module_of(w), .optimizer = optimizer_of(w), .scheduler = NULL, .epoch = 3);
static const int64_t callback_shape[] = { 1, 4, 4 };
OPTIONS(dataset_callbacks, cnn_dataset_callbacks, .size = 4, .image_ndim = 3, .image_shape = callback_shape,
        .label_dtype = CNN_I64, .get = get_sample, .free_user = free_user, .user = w);

/* ---- augmentation ---- */


MAKER(augmentation, keep(w, cnn_augmentation_new(context_of(w)), release_augmentation))
static value used_augmentation(world *w, const kind *k)
{
    value a = make_augmentation(w, k);
    keep(w, cnn_dataset_augment(new_dataset(w), a.p), release_dataset);
    return a;
}

/* A call that adds has failed. */
static value failed_augmentation(world *w, const kind *k)
{
    value a = make_augmentation(w, k);
    cnn_augment_random_crop(a.p, 0, 0);
    return a;
}
static value foreign_augmentation(world *w, const kind *k)
{
    (void)k;
    return pointer(keep(w, cnn_augmentation_new(other_context_of(w)), release_augmentation));
}
static const candidate augmentations[] = { MADE("good", GOOD, make_augmentation, 0), NO_POINTER,
                                           MADE("used by a dataset", BAD, used_augmentation, 0) };
OBJECT(augmentation, augmentations);
static const candidate any_augmentations[] = { MADE("good", GOOD, make_augmentation, 0), NO_POINTER,
                                               MADE("used by a dataset", GOOD, used_augmentation, 0),
                                               MADE("with a failure", BAD, failed_augmentation, 0),
                                               MADE("of another context", BAD, foreign_augmentation, 0) };
OBJECT(any_augmentation, any_augmentations);
static const candidate free_augmentations[] = { MADE("good", GOOD, make_augmentation, 0), NO_POINTER };
OBJECT(free_augmentation, free_augmentations);

static cnn_random_source numbers_of_a_sample;
static const candidate random_sources[] = { ADDRESS("good", GOOD, &numbers_of_a_sample), NO_POINTER };
OBJECT(random_source, random_sources);
static cnn_status transform_nothing(float *image, int64_t channels, int64_t height, int64_t width, cnn_random_source *random,
                                    void *user)
{
    (void)image, (void)channels, (void)height, (void)width, (void)random, (void)user;
    return CNN_OK;
}
static const candidate transforms[] = { { "good", GOOD, NULL, { .f = (void (*)(void))transform_nothing }, 0 }, NO_POINTER };
OBJECT(transform_fn, transforms);
static void free_nothing(void *user)
{
    (void)user;
}
static const candidate free_functions[] = { ADDRESS("none", GOOD, 0), { "good", GOOD, NULL, { .f = (void (*)(void))free_nothing }, 0 } };
OBJECT(any_function, free_functions);
/* 0: by the shorter side */
NUMBERS(side_or_none, NUMBER("good", GOOD, 3), NUMBER("0", GOOD, 0), MINUS_ONE, LEAST64, LARGEST64, NUMBER("2^21", BAD, (int64_t)1 << 21));
NUMBERS(side, NUMBER("good", GOOD, 3), NUMBER("0", BAD, 0), MINUS_ONE, LEAST64, LARGEST64, NUMBER("2^21", BAD, (int64_t)1 << 21));
NUMBERS(pixels, NUMBER("good", GOOD, 3), NUMBER("0", GOOD, 0), MINUS_ONE, LEAST64, LARGEST64);
NUMBERS(degrees, REAL("good", GOOD, 10), NOT_FINITE, REAL("1e9", BAD, 1e9));
NUMBERS(rate_of_beta, REAL("good", GOOD, 0.5), NOT_FINITE, REAL("0", BAD, 0), REAL("-1", BAD, -1), REAL("1e-30", MAY, 1e-30));
NUMBERS(crop_mode, NUMBER("good", GOOD, CNN_PAD_REFLECT), NUMBER("circular", BAD, CNN_PAD_CIRCULAR), NO_ENUM);
OPTIONS(random_crop_options, cnn_random_crop_options, .padding = 2);
OPTIONS(resize_options, cnn_resize_options, .nearest = true);
OPTIONS(random_resized_crop_options, cnn_random_resized_crop_options, .nearest = true);
OPTIONS(random_rotation_options, cnn_random_rotation_options, .bilinear = true);
OPTIONS(random_affine_options, cnn_random_affine_options, .bilinear = true);
OPTIONS(color_jitter_options, cnn_color_jitter_options, .hue = 0.1);
OPTIONS(random_erasing_options, cnn_random_erasing_options, .p = 1);

#endif
