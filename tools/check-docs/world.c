/* What the docs' blocks take for granted: a small network for MNIST, data, a step that has begun, and the files that they name. As a
 * program: without an argument it writes the files into the current folder, else it runs the block of that line. */
#include "world.h"

#if defined(WITH_IMAGE)
#include <cnn/image.h>
#endif
#if defined(WITH_ONNX)
#include <cnn/onnx.h>
#endif
#include <sys/stat.h>

enum { TRAINING = 400, TESTING = 100, CLASSES = 10 };

cnn_context *ctx;
cnn_tape *tape;
cnn_module *model;
cnn_optimizer *adam;
cnn_loader *train, *test;
cnn_dataset *digits;
cnn_batch batch;
cnn_tensor *x, *y, *t, *weight, *bias, *logits, *labels, *loss, *outputs;
double correct;

int fail(cnn_context *context)
{
    fprintf(stderr, "%s\n", cnn_last_error(context));
    return 1;
}

/* Layers 0 to 9, of which the last is named "9", as some blocks have it. */
static cnn_module *network(int64_t channels)
{
    return cnn_sequential_new(ctx, cnn_conv2d_new(ctx, channels, 4, 5, .padding = 2), cnn_relu_new(ctx),
                              cnn_maxpool2d_new(ctx, 2), cnn_conv2d_new(ctx, 4, 8, 5, .padding = 2), cnn_relu_new(ctx),
                              cnn_adaptive_avg_pool2d_new(ctx, 7, 7), cnn_flatten_new(ctx), cnn_dropout_new(ctx, 0.5),
                              cnn_linear_new(ctx, 7 * 7 * 8, 32), cnn_linear_new(ctx, 32, CLASSES));
}

cnn_module *colour_network(void)
{
    return network(3);
}

bool world_begin(void)
{
    ctx = cnn_context_new(.seed = 1, .threads = 1);
    tape = cnn_tape_new(ctx);
    model = network(1);
    adam = cnn_adam_new(model, .lr = 1e-3);
    digits = cnn_mnist_open(ctx, "data/mnist", CNN_MNIST_TRAIN);
    train = cnn_loader_new(cnn_dataset_share(digits), 40, .shuffle = true);
    test = cnn_loader_new(cnn_mnist_open(ctx, "data/mnist", CNN_MNIST_TEST), 40);
    labels = cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(8));
    t = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(8, CLASSES));
    weight = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(4, 1, 3, 3));
    bias = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(4));
    cnn_tensor *images = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(8, 1, 28, 28));
    if (!tape || !adam || !train || !test || !images || !cnn_loader_next(test, &batch) ||
        cnn_tape_begin(tape, CNN_TRAIN) != CNN_OK) {
        return false;
    }
    x = cnn_input(tape, images);
    y = cnn_forward(model, x);
    logits = outputs = y;
    loss = cnn_cross_entropy(logits, labels);
    return cnn_tape_status(tape) == CNN_OK;
}

bool world_failed(void)
{
    return cnn_tape_status(tape) != CNN_OK;
}

/* ---- files ---- */

static void be32(unsigned char *to, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        to[i] = (unsigned char)(value >> (24 - 8 * i));
    }
}

/* An IDX file of `count` records of `size` bytes; `size` is 1 for labels and 28 · 28 for images. */
static bool write_idx(const char *path, int count, int size)
{
    unsigned char header[16] = { 0, 0, 8, size == 1 ? 1 : 3 };
    FILE *file = fopen(path, "wb");
    if (!file) {
        return false;
    }
    be32(header + 4, (uint32_t)count);
    be32(header + 8, 28);
    be32(header + 12, 28);
    fwrite(header, 1, size == 1 ? 8 : 16, file);
    for (int i = 0; i < count * size; i++) {
        fputc(size == 1 ? i % CLASSES : i * 7 % 256, file);
    }
    return fclose(file) == 0;
}

static bool write_cifar(const char *folder)
{
    char path[256];
    for (int part = 1; part <= 6; part++) {
        snprintf(path, sizeof path, part < 6 ? "%s/data_batch_%d.bin" : "%s/test_batch.bin", folder, part);
        FILE *file = fopen(path, "wb");
        if (!file) {
            return false;
        }
        for (int i = 0; i < 20 * 3073; i++) {
            fputc(i % 3073 == 0 ? i / 3073 % 10 : i % 251, file);
        }
        if (fclose(file) != 0) {
            return false;
        }
    }
    return true;
}

static bool write_arrays(void)
{
    const char *const names[] = { "conv1.weight", "x" };
    cnn_tensor *const tensors[] = { weight, x };
    cnn_file *file;
    char state[32][64];
    const char *state_names[32];
    cnn_tensor *state_tensors[32];
    int count = cnn_module_state_count(model);
    for (int i = 0; i < count && i < 32; i++) {
        cnn_module_state_name(model, i, state[i], sizeof state[i]);
        state_names[i] = state[i];
        state_tensors[i] = cnn_module_state(model, i);
    }
    bool good = cnn_npy_save(x, "images.npy") == CNN_OK && cnn_npz_save(names, tensors, 2, "arrays.npz") == CNN_OK &&
                cnn_npz_save(state_names, state_tensors, count, "weights.npz") == CNN_OK &&
                (file = cnn_file_open(ctx, "arrays.npz"));
    if (good) {
        cnn_file_free(file);
    }
    return good;
}

static bool write_models(void)
{
    cnn_checkpoint checkpoint = { .struct_size = sizeof checkpoint,
                                  .module = model,
                                  .optimizer = adam,
                                  .scheduler = cnn_one_cycle_lr_new(adam, .max_lr = 0.01, .total_steps = 3000) };
    bool good = cnn_module_save(model, "model.safetensors") == CNN_OK &&
                cnn_module_save(model, "pretrained.safetensors") == CNN_OK &&
                cnn_checkpoint_save(&checkpoint, "checkpoint.safetensors") == CNN_OK;
    cnn_scheduler_free(checkpoint.scheduler);
    return good;
}

#if defined(WITH_IMAGE)
static bool write_pictures(void)
{
    cnn_tensor *picture = cnn_tensor_full(ctx, CNN_U8, 100, CNN_SHAPE(3, 48, 64));
    static const char *const paths[] = { "cat.jpg", "pets/train/cat/1.jpg", "pets/train/dog/1.jpg", "pets/test/cat/1.jpg" };
    bool good = true;
    mkdir("pets", 0777), mkdir("pets/train", 0777), mkdir("pets/train/cat", 0777), mkdir("pets/train/dog", 0777);
    mkdir("pets/test", 0777), mkdir("pets/test/cat", 0777);
    for (int i = 0; i < 4; i++) {
        good &= cnn_image_write_jpeg(picture, paths[i], 90) == CNN_OK;
    }
    cnn_tensor_free(picture);
    return good;
}
#endif

#if defined(WITH_ONNX)
static cnn_status twice(cnn_module *self, cnn_tensor *const *in, int in_count, cnn_tensor **out, int out_count,
                        void *user)
{
    for (int i = 0; i < out_count; i++) {
        out[i] = cnn_mul_scalar(in[0], i + 1);
    }
    return CNN_OK;
}

static bool write_onnx(void)
{
    cnn_trace_input input = { .shape = (int64_t[]){ -1, 1, 28, 28 }, .ndim = 4 };
    cnn_onnx_save_options options = { .struct_size = sizeof options, .inputs = &input };
    cnn_module *two = cnn_module_create(ctx, CNN_OPTIONS(cnn_module_options, .forward_many = twice));
    bool good = cnn_onnx_save(model, "resnet18.onnx", &options) == CNN_OK;
    options.output_count = 2;
    good &= cnn_onnx_save(two, "detector.onnx", &options) == CNN_OK;
    cnn_module_free(two);
    return good;
}
#endif

bool world_files(void)
{
    mkdir("data", 0777), mkdir("data/mnist", 0777);
    if (!write_idx("data/mnist/train-images-idx3-ubyte", TRAINING, 28 * 28) ||
        !write_idx("data/mnist/train-labels-idx1-ubyte", TRAINING, 1) ||
        !write_idx("data/mnist/t10k-images-idx3-ubyte", TESTING, 28 * 28) ||
        !write_idx("data/mnist/t10k-labels-idx1-ubyte", TESTING, 1) || !write_cifar("data") || !world_begin()) {
        return false;
    }
    bool good = write_arrays() && write_models();
#if defined(WITH_IMAGE)
    good = good && write_pictures();
#endif
#if defined(WITH_ONNX)
    good = good && write_onnx();
#endif
    return good;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        return world_files() ? 0 : fail(NULL);
    }
    if (!world_begin()) {
        return fail(NULL);
    }
    int status = run_fragment(atoi(argv[1]));
    if (status == 0 && world_failed()) {
        fprintf(stderr, "the step has failed: %s\n", cnn_tape_error(tape));
        status = 1;
    }
    return status;
}
