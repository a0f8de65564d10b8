/* The world in which a scenario runs: a context over the metered allocator, a small trained model, and a folder of
 * files. What must not change when a call fails (weights, operands, files) is stored and compared. Whatever a
 * scenario creates is kept in the world, which frees it. */
#ifndef CNN_TESTS_TRUST_WORLD_H
#define CNN_TESTS_TRUST_WORLD_H

#include "support/files.h"
#include "support/ops.h"
#include "support/optimizers.h"

#ifdef CNN_HAVE_ZLIB
#include <zlib.h>
#endif

enum { WORLD_IMAGE = 8, WORLD_SAMPLES = 11, WORLD_KEPT = 32, WORLD_FILES = 24 };

typedef struct world {
    cnn_context *ctx;
    cnn_module *model;
    cnn_optimizer *adam;
    optimizer_options all_options[OPTIMIZER_KINDS];
    int min_ndim[OPTIMIZER_KINDS]; /* the fewest dimensions of their parameters */
    cnn_tensor *images, *labels; /* a few samples */
    const op_entry *op;          /* the operation that a scenario is about, its operands and their dtype */
    cnn_dtype dtype;
    cnn_tensor *in[MAX_OPERANDS];
    unsigned char *state; /* the bytes of the model and the operands, as they must be now */
    size_t state_size;
    /* Scenarios make these: */
    cnn_context *other;
    cnn_module *made[4];
    cnn_optimizer *optimizer;
    cnn_loader *loader;
    cnn_dataset *dataset[2];
    cnn_tape *tape;
    cnn_tensor *kept[WORLD_KEPT];
    int kept_count;
} world;

/* ---- what must stay ---- */

static inline void add_bytes(unsigned char **to, size_t *size, const cnn_tensor *t)
{
    size_t bytes = (size_t)cnn_tensor_numel(t) * cnn_dtype_size(cnn_tensor_dtype(t));
    *to = realloc(*to, *size + bytes + 1);
    ck_assert_ptr_nonnull(*to);
    if (bytes) {
        ck_assert_int_eq(cnn_tensor_read(t, *to + *size, bytes), CNN_OK);
    }
    *size += bytes;
}

static inline unsigned char *state_bytes(const world *w, size_t *size)
{
    unsigned char *bytes = NULL;
    *size = 0;
    for (int i = 0; i < cnn_module_state_count(w->model); i++) {
        add_bytes(&bytes, size, cnn_module_state(w->model, i));
    }
    for (int i = 0; i < MAX_OPERANDS && w->in[i]; i++) {
        add_bytes(&bytes, size, w->in[i]);
    }
    return bytes;
}

/* The model may have changed: what it is now must stay. */
static inline void remember(world *w)
{
    free(w->state);
    w->state = state_bytes(w, &w->state_size);
}

static inline bool unchanged(const world *w)
{
    size_t size;
    unsigned char *now = state_bytes(w, &size);
    bool same = size == w->state_size && memcmp(now, w->state, size) == 0;
    free(now);
    return same;
}

static struct {
    char name[64];
    unsigned char *data;
    size_t size;
} world_files[WORLD_FILES];
static int world_file_count;

static inline void files_remember(void)
{
    world_file_count = 0;
    DIR *dir = opendir(test_folder);
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        if (e->d_name[0] != '.') {
            ck_assert_int_lt(world_file_count, WORLD_FILES);
            snprintf(world_files[world_file_count].name, sizeof world_files[0].name, "%.60s", e->d_name);
            world_files[world_file_count].data = file_get(in_folder(e->d_name), &world_files[world_file_count].size);
            world_file_count++;
        }
    }
    closedir(dir);
}

/* The same files with the same bytes, and no others. */
static inline bool files_unchanged(void)
{
    bool same = folder_count(false) == world_file_count;
    for (int i = 0; i < world_file_count && same; i++) {
        size_t size;
        unsigned char *data = file_get(in_folder(world_files[i].name), &size);
        same = size == world_files[i].size && memcmp(data, world_files[i].data, size) == 0;
        free(data);
    }
    return same;
}

static inline void files_restore(void)
{
    folder_count(true);
    for (int i = 0; i < world_file_count; i++) {
        file_put(in_folder(world_files[i].name), world_files[i].data, world_files[i].size);
    }
}

static inline void files_forget(void)
{
    for (int i = 0; i < world_file_count; i++) {
        free(world_files[i].data);
    }
}

/* ---- life ---- */

static inline cnn_module *world_model(cnn_context *ctx)
{
    return cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 1, 4, 3, .padding = 1), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2),
                              cnn_flatten_new(ctx), cnn_dropout_new(ctx, 0.5), cnn_linear_new(ctx, 64, 10));
}

static inline void world_make(world *w, uint64_t seed)
{
    int64_t image[] = { WORLD_SAMPLES, 1, WORLD_IMAGE, WORLD_IMAGE }, label[] = { WORLD_SAMPLES };
    atomic_store(&meter.now, 0); /* a test that failed has leaked */
    *w = (world){ .ctx = metered_context(seed) };
    w->model = world_model(w->ctx);
    w->adam = cnn_adam_new(w->model, .lr = 1e-2);
    for (int i = 0; i < OPTIMIZER_KINDS; i++) {
        w->all_options[i] = options_all(w->ctx, kind_class(w->ctx, &optimizer_kinds[i]));
        w->min_ndim[i] = kind_class(w->ctx, &optimizer_kinds[i])->min_ndim;
    }
    w->images = cnn_tensor_rand(w->ctx, CNN_F32, 4, image);
    w->labels = cnn_tensor_zeros(w->ctx, CNN_I64, 1, label);
    ck_assert(w->adam && w->images && w->labels);
    for (int i = 0; i < WORLD_SAMPLES; i++) {
        ((int64_t *)cnn_tensor_data(w->labels))[i] = i % 10;
    }
    remember(w);
}

static inline cnn_status world_get(int64_t index, void *image, void *label, void *user)
{
    const world *w = user;
    memcpy(image, (const float *)cnn_tensor_data(w->images) + index * WORLD_IMAGE * WORLD_IMAGE,
           WORLD_IMAGE * WORLD_IMAGE * sizeof(float));
    memcpy(label, (const int64_t *)cnn_tensor_data(w->labels) + index, sizeof(int64_t));
    return CNN_OK;
}

/* The world's samples out of a callback: a loader has a thread for them, however small they are. */
static inline cnn_dataset *world_dataset(world *w)
{
    static const int64_t image[] = { 1, WORLD_IMAGE, WORLD_IMAGE };
    const cnn_dataset_callbacks callbacks = { .struct_size = sizeof callbacks, .size = WORLD_SAMPLES, .image_ndim = 3,
        .image_shape = image, .image_dtype = CNN_F32, .label_dtype = CNN_I64, .get = world_get, .user = w };
    return cnn_dataset_from_callbacks(w->ctx, &callbacks);
}

static inline void world_free_made(world *w)
{
    cnn_loader_free(w->loader);
    cnn_dataset_free(w->dataset[0]);
    cnn_dataset_free(w->dataset[1]);
    cnn_optimizer_free(w->optimizer);
    cnn_tape_free(w->tape);
    for (int i = 0; i < w->kept_count; i++) {
        cnn_tensor_free(w->kept[i]);
    }
    for (int i = 0; i < 4; i++) {
        cnn_module_free(w->made[i]);
    }
    cnn_context_free(w->other);
}

static inline void world_free(world *w)
{
    for (int i = 0; i < MAX_OPERANDS; i++) {
        cnn_tensor_free(w->in[i]);
    }
    cnn_optimizer_free(w->adam);
    cnn_module_free(w->model);
    cnn_tensor_free(w->images);
    cnn_tensor_free(w->labels);
    cnn_context_free(w->ctx);
    free(w->state);
}

/* ---- the files ---- */

static inline void idx_put(const char *name, int type, int ndim, const int *shape, size_t element)
{
    unsigned char data[4096] = { 0, 0, (unsigned char)type, (unsigned char)ndim };
    size_t size = 4, count = element;
    for (int i = 0; i < ndim; i++) {
        data[size + 3] = (unsigned char)shape[i];
        size += 4;
        count *= (size_t)shape[i];
    }
    for (size_t i = 0; i < count; i++) {
        data[size++] = (unsigned char)(i * 37 % 10);
    }
    file_put(in_folder(name), data, size);
#ifdef CNN_HAVE_ZLIB
    char zipped[80];
    snprintf(zipped, sizeof zipped, "%.60s-zipped", name);
    gzFile f = gzopen(in_folder(zipped), "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(gzwrite(f, data, (unsigned)size), (int)size);
    ck_assert_int_eq(gzclose(f), Z_OK);
#endif
}

#ifdef CNN_HAVE_ZLIB
enum { ZIPS = true };
#else
enum { ZIPS = false };
#endif

/* Those that scenarios read hold other weights than the world's model. */
static inline void world_files_make(void)
{
    world w;
    world_make(&w, 2);
    const cnn_checkpoint checkpoint = { .struct_size = sizeof checkpoint, .module = w.model, .optimizer = w.adam, .epoch = 3 };
    ck_assert_int_eq(cnn_module_save(w.model, in_folder("module")), CNN_OK);
    ck_assert_int_eq(cnn_checkpoint_save(&checkpoint, in_folder("checkpoint")), CNN_OK);
    const char *const names[] = { "module.0.weight", "unexpected" };
    cnn_tensor *const tensors[] = { cnn_module_find(w.model, "0.weight"), w.labels };
    ck_assert_int_eq(cnn_tensors_save(names, tensors, 2, in_folder("part")), CNN_OK);
    ck_assert_int_eq((ZIPS ? cnn_npz_save_compressed : cnn_npz_save)(names, tensors, 2, in_folder("arrays")), CNN_OK);
    world_free(&w);
    file_put(in_folder("target"), "old", 3);
    idx_put("train-images-idx3-ubyte", 8, 3, (const int[]){ 10, 8, 8 }, 1);
    idx_put("train-labels-idx1-ubyte", 8, 1, (const int[]){ 10 }, 1);
    static const unsigned char record[2 + 3 * 32 * 32];
    file_put(in_folder("test_batch.bin"), record, sizeof record - 1);
    file_put(in_folder("test.bin"), record, sizeof record);
    file_put(in_folder("batches.meta.txt"), "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n", 20);
    idx_put("doubles", 14, 2, (const int[]){ 3, 4 }, 8);
#ifdef CNN_HAVE_ZLIB
    ck_assert_int_eq(rename(in_folder("train-images-idx3-ubyte-zipped"), in_folder("t10k-images-idx3-ubyte.gz")), 0);
    ck_assert_int_eq(rename(in_folder("train-labels-idx1-ubyte-zipped"), in_folder("t10k-labels-idx1-ubyte.gz")), 0);
#endif
    files_remember();
}

/* ---- what scenarios are written with ---- */

/* The status of a call that gives a pointer. */
static inline cnn_status got(const world *w, const void *made)
{
    return made ? CNN_OK : cnn_context_status(w->ctx);
}

static inline cnn_tensor *keep(world *w, cnn_tensor *t)
{
    ck_assert_int_lt(w->kept_count, WORLD_KEPT);
    w->kept[w->kept_count] = t;
    w->kept_count += t != NULL;
    return t;
}

/* The user's own data, which must be freed exactly once, whatever fails. */
static int users_freed;

static void free_user(void *user)
{
    (void)user;
    users_freed++;
}

#define TRY(call)                   \
    do {                            \
        cnn_status status_ = (call); \
        if (status_ != CNN_OK) {    \
            return status_;         \
        }                           \
    } while (0)

/* A tape in a training step. */
static cnn_status make_tape(world *w)
{
    w->tape = cnn_tape_new(w->ctx);
    TRY(got(w, w->tape));
    return cnn_tape_begin(w->tape, CNN_TRAIN);
}

#endif
