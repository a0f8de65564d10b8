/* Chooses the pictures by what is in the folder. The library decides which files exist and what they contain; existing files
 * that are invalid end the program. */
#include "data.h"

#include "common/say.h"
#include "drawn.h"
#include "moves.h"

#ifdef WITH_IMAGES
#include <cnn/image.h>
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, DRAWN_TRAIN = 5000, DRAWN_TEST = 1000, CLASSES = 10 };

const double data_means[3] = { 0.4914, 0.4822, 0.4465 }, data_deviations[3] = { 0.2470, 0.2435, 0.2616 };

/* ---- where they come from: each fills in both parts, or neither, and then says whether something is wrong ---- */

typedef enum found { FOUND, ABSENT, WRONG } found;

/* Whether a file or folder of that name is in the folder, in one of the forms that the library takes. */
static bool is_there(const char *folder, const char *name)
{
    static const char *const forms[] = { "%s/%s", "%s/%s.gz", "%s/cifar-10-batches-bin/%s", "%s/cifar-10-batches-bin/%s.gz" };
    char path[PATH_SIZE];
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, forms[i], folder, name); /* no directive but %s: the table has none */
        if (access(path, F_OK) == 0) {
            return true;
        }
    }
    return false;
}

/* What a failed opening says: nothing where the pictures are of another form, or nowhere. */
static found wrong_if(bool there)
{
    bool wrong = there || cnn_context_status(NULL) != CNN_ERROR_NOT_FOUND;
    if (wrong) {
        say_error();
    }
    cnn_context_clear_error(NULL);
    return wrong ? WRONG : ABSENT;
}

static found open_binary(training *t, const char *folder, data *d)
{
    t->train_data = cnn_cifar10_open(t->ctx, folder, CNN_CIFAR_TRAIN);
    t->test_data = t->train_data ? cnn_cifar10_open(t->ctx, folder, CNN_CIFAR_TEST) : NULL;
    if (!t->test_data) {
        return wrong_if(is_there(folder, "data_batch_1.bin"));
    }
    d->classes = CLASSES;
    d->named = cnn_dataset_share(t->train_data);
    return FOUND;
}

#ifdef WITH_IMAGES
/* Pictures are kept once they are decoded: CIFAR-10's take 180 MB. */
static cnn_dataset *open_folder(cnn_context *ctx, const char *folder, const char *part, cnn_image_folder **names)
{
    char path[PATH_SIZE];
    if (snprintf(path, sizeof path, "%s/%s", folder, part) >= PATH_SIZE) {
        return NULL;
    }
    const cnn_image_folder_options how = { .struct_size = sizeof how, .height = 32, .cache_bytes = (int64_t)1 << 30,
                                               .mean = data_means, .std = data_deviations, .folder = names };
    return cnn_image_folder_open(ctx, path, &how);
}

/* Classes are numbered by their names: a class that has another name in one of the parts would be another one's number. */
static bool same_classes(const char *folder, const cnn_image_folder *train, const cnn_image_folder *test)
{
    int64_t learned = cnn_image_folder_class_count(train), tested = cnn_image_folder_class_count(test);
    if (learned != tested) {
        say("cifar10: %s/train has %lld classes, %s/test has %lld", folder, (long long)learned, folder, (long long)tested);
        return false;
    }
    for (int64_t i = 0; i < learned; i++) {
        const char *a = cnn_image_folder_class_name(train, i), *b = cnn_image_folder_class_name(test, i);
        if (strcmp(a, b) != 0) {
            say("cifar10: class %lld is %s in %s/train and %s in %s/test", (long long)i, a, folder, b, folder);
            return false;
        }
    }
    return true;
}

static found open_folders(training *t, const char *folder, data *d)
{
    cnn_image_folder *train = NULL, *test = NULL;
    t->train_data = open_folder(t->ctx, folder, "train", &train);
    t->test_data = t->train_data ? open_folder(t->ctx, folder, "test", &test) : NULL;
    d->classes = t->test_data ? cnn_image_folder_class_count(train) : 0;
    found result = !t->test_data ? wrong_if(is_there(folder, "train")) : same_classes(folder, train, test) ? FOUND : WRONG;
    cnn_image_folder_free(test);
    d->names = train;
    return result;
}
#endif

static bool open_drawn(training *t, const options *o, data *d)
{
    if (!t->o.synthetic) {
        say("cifar10: no pictures in %s, neither data_batch_1.bin … nor train/CLASS/….png: %s", o->data,
            training_predicts_only(&t->o) ? "its ten classes have numbers in place of names"
                                          : "working on pictures that this program draws itself");
    }
    t->train_data = drawn_new(t->ctx, DRAWN_TRAIN, 1);
    t->test_data = t->train_data ? drawn_new(t->ctx, DRAWN_TEST, 2) : NULL;
    d->classes = CLASSES;
    t->drawn = "pictures that this program drew, not CIFAR-10";
    return (t->test_data && cnn_dataset_normalize(t->train_data, 3, data_means, data_deviations) == CNN_OK &&
            cnn_dataset_normalize(t->test_data, 3, data_means, data_deviations) == CNN_OK) ||
           say_error();
}

static bool open_parts(training *t, const options *o, data *d)
{
    found result = t->o.synthetic ? ABSENT : open_binary(t, o->data, d);
#ifdef WITH_IMAGES
    if (result == ABSENT && !t->o.synthetic) {
        result = open_folders(t, o->data, d);
    }
#endif
    return result == ABSENT ? open_drawn(t, o, d) : result == FOUND;
}

/* ---- what is made of them ---- */

/* Some of the pictures, from all classes where they lie class by class. */
static bool keep_some(cnn_dataset **dataset, int64_t limit)
{
    int64_t size = cnn_dataset_size(*dataset), *indices;
    if (!limit || limit >= size) {
        return true;
    }
    indices = malloc((size_t)limit * sizeof *indices);
    for (int64_t i = 0; indices && i < limit; i++) {
        indices[i] = (int64_t)((double)i * (double)size / (double)limit);
    }
    *dataset = indices ? cnn_dataset_subset(*dataset, indices, limit) : *dataset;
    free(indices);
    return (indices && *dataset) || say_error();
}

static bool split(training *t)
{
    cnn_dataset *pieces[2];
    cnn_status status = cnn_dataset_random_split(t->train_data, (const double[2]){ 0.9, 0.1 }, 2, t->o.seed, pieces);
    t->train_data = pieces[0];
    t->validation_data = pieces[1];
    if (status == CNN_OK && cnn_dataset_size(t->validation_data) == 0) {
        say("cifar10: none of %lld pictures is left for validation, expected 10 or more", (long long)cnn_dataset_size(t->train_data));
        return false;
    }
    return status == CNN_OK || say_error();
}

/* Mirrored with probability 1/2 and shifted by up to four pixels, with the picture reflected at its edge. */
static bool augment(training *t)
{
    cnn_augmentation *a = cnn_augmentation_new(t->ctx);
    cnn_augment_horizontal_flip(a, 0.5);
    cnn_augment_random_shift(a, MOVES_SHIFT, CNN_PAD_REFLECT);
    t->train_data = cnn_dataset_augment(t->train_data, a);
    cnn_augmentation_free(a);
    return t->train_data || say_error();
}

/* What TensorBoard is shown is of no step, so the pictures do not stay on the device then. */
bool data_open(training *t, const options *o, data *d)
{
    *d = (data){ .classes = 0 };
    t->on_device = strcmp(cnn_context_device(t->ctx), "cpu") != 0 && !t->o.tensorboard && !t->o.mpi;
    t->change = o->plain ? NULL : &moves_change;
    return open_parts(t, o, d) && keep_some(&t->train_data, t->o.limit) && keep_some(&t->test_data, t->o.limit) &&
           ((!t->o.best && !t->o.patience) || split(t)) && (o->plain || t->on_device || augment(t));
}

void data_close(data *d)
{
    cnn_dataset_free(d->named);
#ifdef WITH_IMAGES
    cnn_image_folder_free(d->names);
#endif
    *d = (data){ .classes = 0 };
}

const char *data_class_name(const data *d, int64_t i)
{
#ifdef WITH_IMAGES
    if (d->names) {
        return cnn_image_folder_class_name(d->names, i);
    }
#endif
    return i < cnn_dataset_class_count(d->named) ? cnn_dataset_class_name(d->named, i) : NULL;
}
