/* The objects that bad calls are made with. Each call has its own world, whose objects are created on demand and
 * freed afterwards; the contexts of the world share an allocator that counts live blocks, so a call that leaks or
 * frees too much is detected. */
#ifndef CNN_TESTS_TRUST_BAD_WORLD_H
#define CNN_TESTS_TRUST_BAD_WORLD_H

#include <cnn/backend.h>
#include <cnn/cnn.h>

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_KEPT = 96, SCRATCH = 256, LARGEST_BLOCK = 16 << 20 };

typedef struct kept {
    void *object;
    void (*release)(void *object);
} kept;

typedef struct world {
    cnn_context *ctx, *other_ctx;
    cnn_tape *tape, *other_tape, *failed_tape;
    cnn_tensor *past, *nil;
    cnn_module *module, *parent, *grandparent;
    cnn_optimizer *optimizer;
    kept kept[MOST_KEPT];
    int count, outs;
    _Alignas(16) unsigned char scratch[4][SCRATCH];
    _Alignas(16) unsigned char options[4][2 * SCRATCH];
    void *arrays[8][2];
    int option_count, array_count;
    long user_freed, user_made; /* calls of free_user and deleter, and objects that want one */
} world;

static long live_blocks;
static char world_folder[256];

/* Refuses what a test machine should not be asked for. */
static void *counting_allocate(size_t size, size_t alignment, void *user)
{
    (void)user;
    void *memory = NULL;
    if (size > LARGEST_BLOCK || posix_memalign(&memory, alignment, size) != 0) {
        return NULL;
    }
    live_blocks++;
    return memory;
}

static void counting_deallocate(void *memory, size_t size, void *user)
{
    (void)user;
    (void)size;
    live_blocks--;
    free(memory);
}

static cnn_context *counting_context(void)
{
    return cnn_context_new(.seed = 1, .threads = 1, .allocate = counting_allocate, .deallocate = counting_deallocate);
}

/* ---- keeping and giving away ---- */

#define RELEASER(type) static void release_##type(void *object) { cnn_##type##_free(object); }
RELEASER(context)
RELEASER(tensor)
RELEASER(tape)
RELEASER(module)
RELEASER(optimizer)
RELEASER(scheduler)
RELEASER(ema)
RELEASER(predictor)
RELEASER(sampler)
RELEASER(augmentation)
RELEASER(dataset)
RELEASER(loader)
RELEASER(load_report)
RELEASER(file)
RELEASER(trace)
RELEASER(profile)
static void release_dlpack(void *object)
{
    ((cnn_dlpack *)object)->deleter(object);
}
static void release_dlpack_legacy(void *object)
{
    ((cnn_dlpack_legacy *)object)->deleter(object);
}

static void *keep(world *w, void *object, void (*release)(void *object))
{
    if (!object || w->count == MOST_KEPT) {
        fprintf(stderr, "bad calls: the world could not be made: %s\n", cnn_last_error(NULL));
        abort();
    }
    w->kept[w->count++] = (kept){ object, release };
    return object;
}

static void forget(world *w, const void *object)
{
    for (int i = 0; i < w->count; i++) {
        if (w->kept[i].object == object) {
            w->kept[i].object = NULL;
        }
    }
}

static void world_end(world *w)
{
    while (w->count > 0) {
        kept k = w->kept[--w->count];
        if (k.object) {
            k.release(k.object);
        }
    }
}

/* ---- contexts and tapes ---- */

static cnn_context *context_of(world *w)
{
    if (!w->ctx) {
        w->ctx = keep(w, counting_context(), release_context);
    }
    return w->ctx;
}

static cnn_context *other_context_of(world *w)
{
    if (!w->other_ctx) {
        w->other_ctx = keep(w, counting_context(), release_context);
    }
    return w->other_ctx;
}

/* Elements are 0 or 1 so that they are good for every dtype, target and logarithm. */
static cnn_tensor *plain_of(world *w, cnn_context *ctx, cnn_dtype dtype, int ndim, const int64_t *shape, bool zero)
{
    cnn_tensor *t = zero ? cnn_tensor_zeros(ctx, dtype, ndim, shape) : cnn_tensor_ones(ctx, dtype, ndim, shape);
    return keep(w, t, release_tensor);
}

static cnn_tensor *matrix_of(world *w)
{
    return plain_of(w, context_of(w), CNN_F32, CNN_SHAPE(2, 3), false);
}

static cnn_tape *tape_of(world *w)
{
    if (!w->tape) {
        w->tape = keep(w, cnn_tape_new(context_of(w)), release_tape);
        cnn_tape_begin(w->tape, CNN_TRAIN);
        w->past = cnn_input(w->tape, matrix_of(w));
        cnn_tape_begin(w->tape, CNN_TRAIN);
    }
    return w->tape;
}

static cnn_tape *other_tape_of(world *w)
{
    if (!w->other_tape) {
        w->other_tape = keep(w, cnn_tape_new(context_of(w)), release_tape);
        cnn_tape_begin(w->other_tape, CNN_TRAIN);
    }
    return w->other_tape;
}

/* A tape whose step has failed; it does not record, so that it stops no optimizer. */
static cnn_tape *failed_tape_of(world *w)
{
    if (!w->failed_tape) {
        w->failed_tape = keep(w, cnn_tape_new(context_of(w)), release_tape);
        cnn_tape_begin(w->failed_tape, CNN_EVAL);
        cnn_tensor *x = cnn_input(w->failed_tape, matrix_of(w));
        w->nil = cnn_matmul(x, x);
    }
    return w->failed_tape;
}

/* ---- modules and what uses them ---- */

/* All its parameters are matrices, which every optimizer takes. */
static cnn_module *new_model(cnn_context *ctx)
{
    return cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 1, 2, 3, .no_bias = true), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2),
                              cnn_flatten_new(ctx), cnn_linear_new(ctx, 18, 3, .no_bias = true));
}

static cnn_module *module_of(world *w)
{
    if (!w->module) {
        w->module = keep(w, new_model(context_of(w)), release_module);
    }
    return w->module;
}

/* A module that has a child "0" and a parent of its own. */
static cnn_module *parent_of(world *w)
{
    if (!w->parent) {
        cnn_context *ctx = context_of(w);
        cnn_module *parent = cnn_sequential_new(ctx, cnn_relu_new(ctx));
        w->grandparent = keep(w, cnn_sequential_new(ctx, parent), release_module);
        w->parent = parent;
    }
    return w->parent;
}

static cnn_optimizer *optimizer_of(world *w)
{
    if (!w->optimizer) {
        w->optimizer = keep(w, cnn_adam_new(module_of(w), .lr = 0.1), release_optimizer);
    }
    return w->optimizer;
}

static cnn_scheduler *scheduler_of(world *w)
{
    return keep(w, cnn_step_lr_new(optimizer_of(w), .step_size = 2), release_scheduler);
}

/* One that a SequentialLR owns. */
static cnn_scheduler *owned_scheduler_of(world *w)
{
    cnn_scheduler *owned = cnn_step_lr_new(optimizer_of(w), .step_size = 2);
    keep(w, cnn_sequential_lr_create(optimizer_of(w), &owned, NULL, 1), release_scheduler);
    return owned;
}

static cnn_dataset *new_dataset(world *w)
{
    cnn_context *ctx = context_of(w);
    cnn_tensor *images = plain_of(w, ctx, CNN_U8, CNN_SHAPE(4, 1, 4, 4), false);
    return cnn_dataset_from_tensors(images, plain_of(w, ctx, CNN_I64, CNN_SHAPE(4), false));
}

static cnn_loader *loader_of(world *w)
{
    return keep(w, cnn_loader_new(new_dataset(w), 2, .no_background = true), release_loader);
}

/* ---- callbacks ---- */

static cnn_status get_sample(int64_t index, void *image, void *label, void *user)
{
    (void)user;
    memset(image, 0, 16 * sizeof(float));
    *(int64_t *)label = index;
    return CNN_OK;
}

static cnn_status get_order(uint64_t seed, int64_t epoch, int64_t *order, void *user)
{
    (void)seed, (void)epoch, (void)user;
    order[0] = order[1] = 0;
    return CNN_OK;
}

static void free_user(void *user)
{
    ((world *)user)->user_freed++;
}

static void delete_data(void *data, void *user)
{
    (void)data;
    if (user) {
        ((world *)user)->user_freed++;
    }
}

static cnn_tensor *forward_user(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self;
    (void)user;
    return cnn_relu(x);
}

static cnn_tensor *checked_function(cnn_tensor *const *inputs, int count, void *user)
{
    (void)user;
    return count > 1 ? cnn_mul(inputs[0], inputs[1]) : cnn_mul(inputs[0], inputs[0]);
}

static bool belongs_always(const char *name, const cnn_tensor *parameter, void *user)
{
    (void)name, (void)parameter, (void)user;
    return true;
}

static cnn_status do_range(int64_t begin, int64_t end, void *user)
{
    (void)begin, (void)end, (void)user;
    return CNN_OK;
}

static bool visit_all(const char *name, cnn_tensor *tensor, bool is_parameter, void *user)
{
    (void)name, (void)tensor, (void)is_parameter, (void)user;
    return true;
}

static cnn_status infer_like_first(const cnn_tensor *const *inputs, int count, cnn_dtype *dtype, int *ndim, int64_t *shape,
                                   void *user)
{
    (void)count;
    (void)user;
    *dtype = cnn_tensor_dtype(inputs[0]);
    *ndim = cnn_tensor_ndim(inputs[0]);
    for (int i = 0; i < *ndim; i++) {
        shape[i] = cnn_tensor_shape(inputs[0])[i];
    }
    return CNN_OK;
}

static cnn_status forward_copy(const cnn_tensor *const *inputs, int count, cnn_tensor *output, void *user)
{
    (void)count;
    (void)user;
    size_t size = (size_t)cnn_tensor_numel(output) * cnn_dtype_size(cnn_tensor_dtype(output));
    return size ? cnn_tensor_read(inputs[0], cnn_tensor_data(output), size) : CNN_OK;
}

/* ---- files, made once, before any call ---- */

static const char *world_file(const char *name)
{
    static char paths[8][512];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", world_folder, name);
    return path;
}

/* All names of the module are missing in the file of another one, and the other way round. */
static cnn_load_report *report_of(world *w)
{
    cnn_load_report *report;
    const cnn_load_options options = { .struct_size = sizeof options, .partial = true, .add_prefix = "other." };
    cnn_status status = cnn_module_load_with(module_of(w), world_file("module"), &options, &report);
    return keep(w, status == CNN_OK ? report : NULL, release_load_report);
}

static void put(const char *name, const void *data, size_t size)
{
    FILE *f = fopen(world_file(name), "wb");
    if (!f || fwrite(data, 1, size, f) != size || fclose(f) != 0) {
        abort();
    }
}

enum { CIFAR10_FILES = 6 };
static const char *const cifar_files[] = { "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
                                           "data_batch_5.bin", "test_batch.bin", "train.bin", "test.bin" };

static void world_files_make(void)
{
    world w = { .count = 0 };
    cnn_checkpoint checkpoint = { .struct_size = sizeof checkpoint, .module = module_of(&w), .optimizer = optimizer_of(&w),
                                  .epoch = 3 };
    bool saved = cnn_module_save(w.module, world_file("module")) == CNN_OK &&
                 cnn_checkpoint_save(&checkpoint, world_file("checkpoint")) == CNN_OK;
    world_end(&w);
    if (!saved) {
        abort();
    }
    static const unsigned char images[16 + 32] = { 0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 4 };
    static const unsigned char labels[8 + 2] = { 0, 0, 8, 1, 0, 0, 0, 2 };
    put("train-images-idx3-ubyte", images, sizeof images);
    put("train-labels-idx1-ubyte", labels, sizeof labels);
    put("t10k-images-idx3-ubyte", images, sizeof images);
    put("t10k-labels-idx1-ubyte", labels, sizeof labels);
    static const unsigned char record[2 + 3 * 32 * 32];
    for (size_t i = 0; i < sizeof cifar_files / sizeof cifar_files[0]; i++) {
        put(cifar_files[i], record, sizeof record - (i < CIFAR10_FILES));
    }
    put("batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n", 20);
    static const unsigned char array[] = "\x93NUMPY\1\0\x38\0{'descr':'|u1','fortran_order':False,'shape':(2,)}     \n\1\2";
    put("array.npy", array, sizeof array - 1);
    put("garbage", "no file of any format that libcnn reads", 39);
}

static void world_files_remove(void)
{
    static const char *const names[] = { "module", "checkpoint", "garbage", "out", "array.npy", "train-images-idx3-ubyte",
                                         "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
                                         "t10k-labels-idx1-ubyte", "batches.meta.txt" };
    for (size_t i = 0; i < sizeof cifar_files / sizeof cifar_files[0]; i++) {
        remove(world_file(cifar_files[i]));
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        remove(world_file(names[i]));
    }
    remove(world_folder);
}

#endif
