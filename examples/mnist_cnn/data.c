/* Chooses the data: MNIST if it exists or can be fetched, otherwise digits that the program draws, in files of the
 * same format in the folder `synthetic` beside them. Only the library decides which files exist and what they
 * contain; existing files that are invalid end the program. */
#include "data.h"

#include "augment.h"
#include "common/part.h"
#include "common/say.h"
#include "fetch.h"
#include "synthetic.h"

#include <stdio.h>

typedef enum origin { MNIST, DRAWN, NOWHERE } origin;

/* Notes which files are missing; returns −1 if that cannot be determined. */
static int find_missing(cnn_context *ctx, const char *folder, bool missing[MNIST_FILES])
{
    int count = 0;
    for (int i = 0; i < MNIST_FILES; i++) {
        cnn_status found = cnn_mnist_find(ctx, folder, mnist_files[i].split, mnist_files[i].part);
        if (found != CNN_OK && found != CNN_ERROR_NOT_FOUND) {
            say_error();
            return -1;
        }
        missing[i] = found != CNN_OK;
        count += missing[i];
    }
    return count;
}

/* If none of the files exists and none can be fetched, the program draws its own. If some exist, that would not be
 * what the user asked for. */
static origin give_up(const char *folder, const mnist_file *file, int count)
{
    if (count == MNIST_FILES) {
        return DRAWN;
    }
    say("mnist_cnn: %s has files of MNIST, but no %s, which cannot be fetched", folder, file->name);
    return NOWHERE;
}

static origin find_mnist(cnn_context *ctx, const char *folder, bool quiet)
{
    bool missing[MNIST_FILES];
    int count = find_missing(ctx, folder, missing);
    for (int i = 0; i < MNIST_FILES && count > 0 && !quiet; i++) {
        if (missing[i]) {
            say("not there: %s/%s, plain or with .gz", folder, mnist_files[i].name);
        }
    }
    for (int i = 0; i < MNIST_FILES && count > 0; i++) {
        if (missing[i]) {
            if (!quiet) {
                say("fetching %s", mnist_files[i].name);
            }
            fetch_result result = fetch(folder, &mnist_files[i]);
            if (result != FETCHED) {
                return result == UNAVAILABLE ? give_up(folder, &mnist_files[i], count) : NOWHERE;
            }
        }
    }
    return count < 0 ? NOWHERE : MNIST;
}

/* Draws the digits unless they exist, and always says that these are not the data that were asked for. */
static bool draw(const training *t, const options *o, char folder[PATH_SIZE])
{
    if (snprintf(folder, PATH_SIZE, "%s/synthetic", o->data) >= PATH_SIZE) {
        say("mnist_cnn: too long a path: %s", o->data);
        return false;
    }
    if (!t->o.quiet || !t->o.synthetic) {
        say("%sworking on digits that this program draws itself, in %s",
            t->o.synthetic ? "" : "MNIST is not there and cannot be fetched: ", folder);
    }
    bool missing[MNIST_FILES];
    int count = find_missing(t->ctx, folder, missing);
    return count == 0 || (count > 0 && synthetic_make(folder));
}

/* Opens the first `limit` samples of a part; 0: all of them. */
static cnn_dataset *open_part(cnn_context *ctx, const char *folder, cnn_mnist_split split, int64_t limit)
{
    cnn_dataset *all = cnn_mnist_open(ctx, folder, split);
    if (!all) {
        say_error();
        return NULL;
    }
    int64_t size = cnn_dataset_size(all);
    if (size == 0) {
        say("mnist_cnn: no %s images in %s", split == CNN_MNIST_TRAIN ? "training" : "test", folder);
        cnn_dataset_free(all);
        return NULL;
    }
    cnn_dataset *some = cnn_dataset_slice(all, 0, limit && limit < size ? limit : size);
    if (!some) {
        say_error();
    }
    return some;
}

/* Nine tenths stay, and one is for validation. */
static bool split(cnn_dataset **train, cnn_dataset **validation)
{
    cnn_dataset *pieces[2];
    int64_t all = cnn_dataset_size(*train);
    cnn_status status = cnn_dataset_random_split(*train, (const double[2]){ 0.9, 0.1 }, 2, 0, pieces);
    *train = pieces[0];
    *validation = pieces[1];
    if (status != CNN_OK) {
        return say_error();
    }
    if (cnn_dataset_size(*validation) == 0) {
        say("mnist_cnn: none of %lld images is left for validation, expected 10 or more", (long long)all);
        return false;
    }
    return true;
}

/* Opens the training images. */
static bool open_train(training *t, const options *o, const char *folder)
{
    bool validated = t->o.best || t->o.patience;
    t->train_data = open_part(t->ctx, folder, CNN_MNIST_TRAIN, t->o.limit);
    bool good = t->train_data && (!validated || split(&t->train_data, &t->validation_data));
    if (good && o->augment && !t->on_device) {
        t->train_data = augment(t->ctx, t->train_data);
        good = t->train_data || say_error();
    }
    return good;
}

bool data_open(training *t, const options *o)
{
    char drawn[PATH_SIZE];
    origin from = t->o.synthetic ? DRAWN : find_mnist(t->ctx, o->data, t->o.quiet);
    if (from == NOWHERE || (from == DRAWN && !draw(t, o, drawn))) {
        return false;
    }
    const char *folder = from == DRAWN ? drawn : o->data;
    t->drawn = from == DRAWN ? "digits that this program drew, not MNIST" : NULL;
    t->test_data = open_train(t, o, folder) ? open_part(t->ctx, folder, CNN_MNIST_TEST, t->o.limit) : NULL;
    return t->test_data;
}
