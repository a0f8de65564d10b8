/* Which digits the program works on. MNIST where it is or can be fetched, else digits that the program draws, in files of the
 * same form in the folder `synthetic` beside them. */
#include "data.h"

#include "files.h"
#include "synthetic.h"
#include "train.h"

#include <stdio.h>

enum { PATH_SIZE = 4096 };

static bool fail(void)
{
    fprintf(stderr, "mnist_cnn: %s\n", cnn_last_error(NULL));
    return false;
}

static cnn_tensor *read_part(cnn_context *ctx, const char *folder, const char *name)
{
    char path[PATH_SIZE];
    FILE *plain = NULL;
    if (snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path) {
        plain = fopen(path, "rb");
    }
    if (plain) {
        fclose(plain);
    } else if (snprintf(path, sizeof path, "%s/%s.gz", folder, name) >= (int)sizeof path) {
        return NULL;
    }
    return cnn_idx_read(ctx, path);
}

/* The first `limit` images of a part, as a dataset in memory. */
static cnn_dataset *open_limited(cnn_context *ctx, const char *folder, cnn_mnist_split split, int64_t limit)
{
    const double mean = 0.1307, deviation = 0.3081;
    cnn_tensor *images = read_part(ctx, folder, mnist_files[2 * split].name);
    cnn_tensor *labels = read_part(ctx, folder, mnist_files[2 * split + 1].name);
    cnn_dataset *dataset = NULL;
    if (images && labels && cnn_tensor_ndim(images) == 3) {
        int64_t all = cnn_tensor_size(images, 0), n = limit < all ? limit : all;
        cnn_tensor *some = cnn_tensor_from_data(ctx, CNN_U8,
            CNN_SHAPE(n, 1, cnn_tensor_size(images, 1), cnn_tensor_size(images, 2)), cnn_tensor_data(images));
        cnn_tensor *their = cnn_tensor_from_data(ctx, CNN_U8, CNN_SHAPE(n), cnn_tensor_data(labels));
        dataset = cnn_dataset_from_tensors(some, their);
        cnn_tensor_free(some);
        cnn_tensor_free(their);
    }
    if (dataset && cnn_dataset_normalize(dataset, 1, &mean, &deviation) != CNN_OK) {
        cnn_dataset_free(dataset);
        dataset = NULL;
    }
    cnn_tensor_free(images);
    cnn_tensor_free(labels);
    return dataset;
}

static cnn_dataset *open_part(cnn_context *ctx, const char *folder, cnn_mnist_split split, int64_t limit)
{
    return limit ? open_limited(ctx, folder, split, limit) : cnn_mnist_open(ctx, folder, split);
}

bool data_open(cnn_context *ctx, const options *o, cnn_dataset **train, cnn_dataset **test)
{
    const char *folder = o->data;
    char synthetic[PATH_SIZE];
    if (o->synthetic || !files_fetch(folder, o->quiet)) {
        if (snprintf(synthetic, sizeof synthetic, "%s/synthetic", o->data) >= (int)sizeof synthetic) {
            fprintf(stderr, "mnist_cnn: too long a path: %s\n", o->data);
            return false;
        }
        if (interrupted) {
            return false;
        }
        if (!o->quiet || !o->synthetic) { /* other data than asked for is never a secret */
            fprintf(stderr, "%sworking on digits that this program draws itself, in %s\n",
                    o->synthetic ? "" : "MNIST is not there and cannot be fetched: ", synthetic);
        }
        if (!synthetic_make(synthetic)) {
            return false;
        }
        folder = synthetic;
    }
    *train = open_part(ctx, folder, CNN_MNIST_TRAIN, o->limit);
    *test = *train ? open_part(ctx, folder, CNN_MNIST_TEST, o->limit) : NULL;
    if (!*test) {
        cnn_dataset_free(*train);
        *train = NULL;
        return fail();
    }
    return true;
}
