/* Scenarios of data and files: every kind of dataset, with its loader, IDX, safetensors and checkpoints. */
#ifndef CNN_TESTS_TRUST_SCENARIOS_DATA_H
#define CNN_TESTS_TRUST_SCENARIOS_DATA_H

#include "trust/world.h"

/* ---- data ---- */

static cnn_status visit(world *w)
{
    cnn_tensor *image = NULL, *label = NULL;
    cnn_status status = cnn_dataset_get(w->dataset[0], 1, &image, &label);
    keep(w, image);
    keep(w, label);
    TRY(status);
    cnn_batch batch;
    w->loader = cnn_loader_new(cnn_dataset_share(w->dataset[0]), 3, .shuffle = true);
    TRY(got(w, w->loader));
    while (cnn_loader_next(w->loader, &batch)) {
    }
    return cnn_loader_status(w->loader);
}

static cnn_status data_of(world *w, cnn_dtype images, cnn_dtype labels)
{
    const double half = 0.5;
    cnn_tensor *x = keep(w, cnn_tensor_ones(w->ctx, images, CNN_SHAPE(7, 1, 48, 48)));
    TRY(got(w, x));
    cnn_tensor *y = keep(w, cnn_tensor_ones(w->ctx, labels, CNN_SHAPE(7)));
    TRY(got(w, y));
    w->dataset[0] = cnn_dataset_from_tensors(x, y);
    TRY(got(w, w->dataset[0]));
    TRY(cnn_dataset_normalize(w->dataset[0], 1, &half, &half));
    return visit(w);
}

/* Goes on with a part of the world's dataset. */
static cnn_status data_parts(world *w)
{
    const int64_t indices[] = { 6, 0, 3, 3, 5 };
    const double halves[] = { 0.5, 0.5 };
    cnn_dataset *pieces[2];
    w->dataset[0] = cnn_dataset_subset(cnn_dataset_slice(w->dataset[0], 0, 7), indices, 5);
    TRY(got(w, w->dataset[0]));
    TRY(cnn_dataset_random_split(cnn_dataset_share(w->dataset[0]), halves, 2, 0, pieces));
    cnn_dataset_free(w->dataset[0]);
    w->dataset[0] = pieces[0];
    w->dataset[1] = pieces[1];
    return visit(w);
}

static cnn_status data_bytes(world *w)
{
    return data_of(w, CNN_U8, CNN_U8);
}

static cnn_status data_floats(world *w)
{
    return data_of(w, CNN_F32, CNN_I32);
}

static cnn_status data_doubles(world *w)
{
    return data_of(w, CNN_F64, CNN_F64);
}

static cnn_status give(int64_t index, void *image, void *label, void *user)
{
    (void)user;
    *(float *)image = (float)index;
    *(int64_t *)label = index;
    return CNN_OK;
}

static cnn_status data_callbacks(world *w)
{
    const int64_t shape[] = { 1 };
    const cnn_dataset_callbacks callbacks = { .struct_size = sizeof callbacks, .size = 7, .image_ndim = 1,
                                              .image_shape = shape, .label_dtype = CNN_I64, .get = give,
                                              .free_user = free_user };
    users_freed = 0;
    w->dataset[0] = cnn_dataset_from_callbacks(w->ctx, &callbacks);
    ck_assert_int_eq(users_freed, w->dataset[0] ? 0 : 1);
    TRY(got(w, w->dataset[0]));
    return visit(w);
}

static cnn_status data_part_of_callbacks(world *w)
{
    TRY(data_callbacks(w));
    cnn_loader_free(w->loader);
    w->loader = NULL;
    return data_parts(w);
}

static cnn_status data_part_of_bytes(world *w)
{
    TRY(data_bytes(w));
    cnn_loader_free(w->loader);
    w->loader = NULL;
    return data_parts(w);
}

/* Sequences of different lengths, in an order by weight. No thread prepares a batch that nobody asks for, whose failed
 * allocations nobody would hear of. */
static cnn_status make_sequence(int64_t index, cnn_tensor **image, cnn_tensor **label, void *user)
{
    cnn_context *ctx = user;
    *image = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(1 + index % 3, 2));
    *label = *image ? cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(2)) : NULL;
    if (!*label) {
        cnn_tensor_free(*image);
        return CNN_ERROR_NO_MEMORY;
    }
    return CNN_OK;
}

static cnn_status data_sequences(world *w)
{
    const double weights[7] = { 1, 2, 3, 4, 5, 6, 7 };
    const cnn_dataset_callbacks callbacks = { .struct_size = sizeof callbacks, .size = 7, .make = make_sequence, .user = w->ctx,
                                              .concurrent = true };
    cnn_tensor *image = NULL, *label = NULL;
    cnn_batch batch;
    w->dataset[0] = cnn_dataset_from_callbacks(w->ctx, &callbacks);
    TRY(got(w, w->dataset[0]));
    TRY(cnn_dataset_get(w->dataset[0], 1, &image, &label));
    keep(w, image);
    keep(w, label);
    cnn_sampler *sampler = cnn_weighted_random_sampler_create(w->ctx, weights, 7, 5, false);
    TRY(got(w, sampler));
    w->loader = cnn_loader_new(cnn_dataset_share(w->dataset[0]), 3, .sampler = sampler, .collate = cnn_pad_collate, .no_background = true);
    TRY(got(w, w->loader));
    while (cnn_loader_next(w->loader, &batch)) {
    }
    return cnn_loader_status(w->loader);
}

static cnn_status data_threads(world *w)
{
    const int64_t indices[] = { 6, 0, 3 };
    cnn_batch batch;
    TRY(data_bytes(w));
    cnn_loader_free(w->loader);
    w->loader = NULL;
    cnn_sampler *sampler = cnn_subset_random_sampler_create(w->ctx, indices, 3);
    TRY(got(w, sampler));
    w->loader = cnn_loader_new(cnn_dataset_share(w->dataset[0]), 2, .sampler = sampler, .threads = 2);
    TRY(got(w, w->loader));
    while (cnn_loader_next(w->loader, &batch)) {
    }
    TRY(cnn_loader_status(w->loader));
    sampler = cnn_distributed_sampler_create(w->ctx, 7, 2, 1, true, false);
    TRY(got(w, sampler));
    cnn_sampler_free(sampler);
    return CNN_OK;
}

static cnn_status data_cifar(world *w)
{
    w->dataset[0] = cnn_cifar10_open(w->ctx, test_folder, CNN_CIFAR_TEST);
    TRY(got(w, w->dataset[0]));
    w->dataset[1] = cnn_cifar100_open(w->ctx, test_folder, CNN_CIFAR_TEST, false);
    return got(w, w->dataset[1]);
}

static cnn_status transform_nothing(float *image, int64_t channels, int64_t height, int64_t width, cnn_random_source *random,
                                    void *user)
{
    (void)channels, (void)height, (void)width, (void)user;
    image[0] = (float)cnn_random_uniform(random, 0, 1);
    return CNN_OK;
}

/* A chain that the dataset keeps; its calls' results are not looked at until then. */
static cnn_status data_augmented(world *w)
{
    const double half = 0.5;
    TRY(data_bytes(w));
    cnn_loader_free(w->loader);
    w->loader = NULL;
    cnn_augmentation *a = cnn_augmentation_new(w->ctx);
    TRY(got(w, a));
    users_freed = 0;
    cnn_augment_custom(a, transform_nothing, free_user, NULL);
    cnn_augment_random_crop(a, 40, 40, .padding = 2);
    cnn_augment_random_resized_crop(a, 20, 24);
    cnn_augment_normalize(a, 1, &half, &half);
    cnn_augment_random_erasing(a);
    w->dataset[0] = cnn_dataset_augment(w->dataset[0], a);
    cnn_augmentation_free(a);
    TRY(got(w, w->dataset[0]));
    return visit(w);
}

/* The other transforms, of pictures in colour. */
static cnn_status data_augmented_more(world *w)
{
    cnn_tensor *x = keep(w, cnn_tensor_rand(w->ctx, CNN_F32, CNN_SHAPE(7, 3, 20, 20)));
    TRY(got(w, x));
    cnn_tensor *y = keep(w, cnn_tensor_ones(w->ctx, CNN_I64, CNN_SHAPE(7)));
    TRY(got(w, y));
    w->dataset[0] = cnn_dataset_from_tensors(x, y);
    TRY(got(w, w->dataset[0]));
    cnn_augmentation *a = cnn_augmentation_new(w->ctx);
    TRY(got(w, a));
    cnn_augment_random_shift(a, 2, CNN_PAD_REFLECT);
    cnn_augment_horizontal_flip(a, 0.5);
    cnn_augment_vertical_flip(a, 0.5);
    cnn_augment_random_rotation(a, -10, 10, .bilinear = true);
    cnn_augment_random_affine(a, -10, 10, .translate_x = 0.1, .shear_x_max = 5);
    cnn_augment_color_jitter(a, .brightness = 0.4, .contrast = 0.4, .saturation = 0.4, .hue = 0.1);
    cnn_augment_random_grayscale(a, 0.5);
    cnn_augment_center_crop(a, 18, 22);
    cnn_augment_resize(a, 12, 16);
    w->dataset[0] = cnn_dataset_augment(w->dataset[0], a);
    cnn_augmentation_free(a);
    TRY(got(w, w->dataset[0]));
    return visit(w);
}

static cnn_status mix_batches(world *w)
{
    cnn_tensor *x = keep(w, cnn_tensor_ones(w->ctx, CNN_F32, CNN_SHAPE(3, 1, 4, 4))), *mixed, *soft;
    TRY(got(w, x));
    cnn_tensor *y = keep(w, cnn_tensor_ones(w->ctx, CNN_I64, CNN_SHAPE(3)));
    TRY(got(w, y));
    TRY(make_tape(w));
    TRY(cnn_tape_begin(w->tape, CNN_TRAIN));
    TRY(cnn_mixup(cnn_input(w->tape, x), y, 2, 0.4, &mixed, &soft));
    return cnn_cutmix(mixed, y, 2, 1, &mixed, &soft);
}

static cnn_status data_mnist(world *w)
{
    TRY(cnn_mnist_find(w->ctx, test_folder, CNN_MNIST_TRAIN, CNN_MNIST_LABELS));
    w->dataset[0] = cnn_mnist_open(w->ctx, test_folder, CNN_MNIST_TRAIN);
    TRY(got(w, w->dataset[0]));
    return visit(w);
}

static cnn_status idx_plain(world *w)
{
    TRY(got(w, keep(w, cnn_idx_read(w->ctx, in_folder("train-images-idx3-ubyte")))));
    return got(w, keep(w, cnn_idx_read(w->ctx, in_folder("doubles"))));
}

#ifdef CNN_HAVE_ZLIB
static cnn_status data_mnist_gzip(world *w)
{
    w->dataset[0] = cnn_mnist_open(w->ctx, test_folder, CNN_MNIST_TEST);
    TRY(got(w, w->dataset[0]));
    return visit(w);
}

static cnn_status idx_gzip(world *w)
{
    TRY(got(w, keep(w, cnn_idx_read(w->ctx, in_folder("t10k-images-idx3-ubyte.gz")))));
    return got(w, keep(w, cnn_idx_read(w->ctx, in_folder("doubles-zipped"))));
}
#endif

/* ---- files ---- */

static cnn_status save_module(world *w)
{
    return cnn_module_save(w->model, in_folder("target"));
}

static cnn_status save_module_new(world *w)
{
    return cnn_module_save(w->model, in_folder("new"));
}

static cnn_status load_module(world *w)
{
    return cnn_module_load(w->model, in_folder("module"));
}

/* A part of another file, with a report: "0.weight" fits, and everything else is missing or unexpected. */
static cnn_status load_module_partly(world *w)
{
    const cnn_load_options options = { .struct_size = sizeof options, .partial = true, .strip_prefix = "module." };
    cnn_load_report *report;
    cnn_status status = cnn_module_load_with(w->model, in_folder("part"), &options, &report);
    if (status == CNN_OK) {
        ck_assert_int_eq(cnn_load_report_loaded(report), 1);
        ck_assert_int_eq(cnn_load_report_count(report), 4);
    } else {
        ck_assert_ptr_null(report);
    }
    cnn_load_report_free(report);
    return status;
}

/* A file is opened, asked and read from without a module. */
static cnn_status open_file(world *w)
{
    cnn_file *file = cnn_file_open(w->ctx, in_folder("checkpoint"));
    TRY(got(w, file));
    cnn_tensor *t = cnn_file_read(file, cnn_file_find(file, "0.weight"));
    cnn_status status = got(w, t);
    cnn_tensor_free(t);
    cnn_file_free(file);
    return status;
}

/* A module is traced, and the list is asked. */
static cnn_status trace_module(world *w)
{
    cnn_trace *trace = cnn_trace_new(w->model, CNN_F32, CNN_SHAPE(2, 1, 8, 8));
    TRY(got(w, trace));
    cnn_status status = got(w, cnn_trace_get_node(trace, 0));
    cnn_trace_free(trace);
    return status;
}

/* A forward is recorded, and what was recorded is written. */
static cnn_status profile_module(world *w)
{
    cnn_profile *profile = cnn_profile_begin(w->ctx, NULL);
    TRY(got(w, profile));
    cnn_tape *tape = cnn_tape_new(w->ctx);
    cnn_tensor *x = tape ? cnn_tensor_zeros(w->ctx, CNN_F32, CNN_SHAPE(2, 1, 8, 8)) : NULL;
    cnn_status status = x ? cnn_tape_begin(tape, CNN_EVAL) : got(w, x);
    if (status == CNN_OK) {
        cnn_forward(w->model, cnn_input(tape, x));
        status = cnn_tape_status(tape);
    }
    cnn_tensor_free(x);
    cnn_tape_free(tape);
    cnn_profile_end(profile);
    if (status == CNN_OK && !cnn_profile_format(profile, CNN_PROFILE_MODULES, NULL, 0)) {
        status = cnn_context_status(w->ctx);
    }
    status = status == CNN_OK ? cnn_profile_save(profile, in_folder("profile")) : status;
    cnn_profile_free(profile);
    return status;
}

static cnn_status summarize_module(world *w)
{
    const cnn_trace_input input = { .shape = (const int64_t[]){ 2, 1, 8, 8 }, .ndim = 4 };
    return cnn_module_summary(w->model, &input, 1, NULL, NULL, 0) ? CNN_OK : cnn_context_status(w->ctx);
}

static cnn_status save_checkpoint(world *w)
{
    const cnn_checkpoint c = { .struct_size = sizeof c, .module = w->model, .optimizer = w->adam, .epoch = 5 };
    return cnn_checkpoint_save(&c, in_folder("target"));
}

/* On failure the random state and the optimizer stay too. */
static cnn_status load_checkpoint(world *w)
{
    cnn_checkpoint c = { .struct_size = sizeof c, .module = w->model, .optimizer = w->adam, .epoch = -7 };
    cnn_random_state before, after;
    cnn_context_random_state(w->ctx, &before);
    int64_t steps = cnn_optimizer_step_count(w->adam);
    cnn_status status = cnn_checkpoint_load(&c, in_folder("checkpoint"));
    cnn_context_random_state(w->ctx, &after);
    if (status == CNN_OK) {
        ck_assert_int_eq(c.epoch, 3);
    } else {
        ck_assert_int_eq(c.epoch, -7);
        ck_assert(before.seed == after.seed && before.stream == after.stream);
        ck_assert_int_eq(cnn_optimizer_step_count(w->adam), steps);
    }
    return status;
}

static cnn_status save_tensors(world *w)
{
    w->tape = cnn_tape_new(w->ctx);
    TRY(got(w, w->tape));
    TRY(cnn_tape_begin(w->tape, CNN_EVAL));
    cnn_tensor *turned = cnn_transpose(cnn_input(w->tape, w->images), 2, 3); /* a copy is made of it */
    TRY(cnn_tape_status(w->tape));
    const char *const names[] = { "images", "labels", "turned" };
    cnn_tensor *const tensors[] = { w->images, w->labels, turned };
    return cnn_tensors_save(names, tensors, 3, in_folder("target"));
}

static cnn_status save_arrays(world *w)
{
    const char *const names[] = { "images", "labels" };
    cnn_tensor *const tensors[] = { w->images, w->labels };
    return cnn_npz_save(names, tensors, 2, in_folder("target"));
}

static cnn_status save_compressed(world *w)
{
    const char *const names[] = { "images", "labels" };
    cnn_tensor *const tensors[] = { w->images, w->labels };
    return (ZIPS ? cnn_npz_save_compressed : cnn_npz_save)(names, tensors, 2, in_folder("target"));
}

static cnn_status load_array(world *w)
{
    return got(w, keep(w, cnn_tensor_load(w->ctx, in_folder("arrays"), "module.0.weight")));
}

static cnn_status exchange(world *w)
{
    cnn_dlpack *out = cnn_tensor_to_dlpack(w->images);
    TRY(got(w, out));
    TRY(got(w, keep(w, cnn_tensor_from_dlpack(w->ctx, out))));
    cnn_dlpack_legacy *old = cnn_tensor_to_dlpack_legacy(w->labels);
    TRY(got(w, old));
    return got(w, keep(w, cnn_tensor_from_dlpack_legacy(w->ctx, old)));
}

static cnn_status load_tensor(world *w)
{
    return got(w, keep(w, cnn_tensor_load(w->ctx, in_folder("module"), "0.weight")));
}

#endif
