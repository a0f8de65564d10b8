/* cnn_checkpoint_load: weights, moments, hyperparameters, counts, random state and epoch either all come from the
 * file, or all stay unchanged to the bit. Each file is loaded with and without an optimizer. */
#include "fuzz.h"

#include "optim/optimizer.h"

#include <string.h>

enum { ROOM = 4096, EPOCH = -5 };

/* Everything that a checkpoint may change. */
typedef struct snapshot {
    unsigned char bytes[ROOM];
    size_t used;
} snapshot;

static cnn_module *model;
static cnn_optimizer *optimizer;
static snapshot before, after;

static void part(snapshot *s, void *data, size_t size, bool restore)
{
    fuzz_require(size <= ROOM - s->used, "the snapshot has room");
    if (size > 0 && restore) {
        memcpy(data, s->bytes + s->used, size);
    } else if (size > 0) {
        memcpy(s->bytes + s->used, data, size);
    }
    s->used += size;
}

/* Takes the snapshot, or puts it back. */
static void pass(snapshot *s, bool restore)
{
    cnn_random_state random;
    cnn_context_random_state(fuzz_context(), &random);
    s->used = 0;
    part(s, &random, sizeof random, restore);
    cnn_context_set_random_state(fuzz_context(), &random);
    part(s, &optimizer->steps, sizeof optimizer->steps, restore);
    for (int g = 0; g < optimizer->group_count; g++) {
        cnn__group *group = &optimizer->groups[g];
        part(s, group->hyper, sizeof group->hyper, restore);
        for (int i = 0; i < group->count; i++) {
            cnn__slot *slot = &group->slots[i];
            part(s, &slot->steps, sizeof slot->steps, restore);
            for (int k = 0; k < CNN__MAX_MOMENTS; k++) {
                const cnn_tensor *t = slot->moment[k];
                part(s, t ? cnn_tensor_data(t) : NULL, t ? (size_t)cnn_tensor_numel(t) * sizeof(float) : 0, restore);
            }
        }
    }
    if (restore) {
        fuzz_state_set(model, s->bytes + s->used);
    }
    s->used += fuzz_state_get(model, s->bytes + s->used, ROOM - s->used);
}

static void load(cnn_optimizer *into, const uint8_t *data, size_t size)
{
    cnn_checkpoint c = { .struct_size = sizeof c, .module = model, .optimizer = into, .epoch = EPOCH };
    cnn_status status = cnn_checkpoint_load(&c, fuzz_file(data, size));
    fuzz_check(status, size);
    fuzz_require(status != CNN_ERROR_NOT_FOUND, "the file was found");
    if (status == CNN_OK) {
        fuzz_require(c.epoch >= 0, "the epoch is the file's");
        pass(&before, true);
        return;
    }
    fuzz_require(c.epoch == EPOCH, "a failed load leaves the epoch");
    pass(&after, false);
    fuzz_require(after.used == before.used && memcmp(before.bytes, after.bytes, before.used) == 0,
                 "a failed load changes nothing");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!model) {
        model = fuzz_model();
        optimizer = fuzz_optimizer(model);
        pass(&before, false);
    }
    load(NULL, data, size);
    load(optimizer, data, size);
    return 0;
}
