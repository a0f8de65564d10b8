/* What saving and loading a checkpoint share: its version and the names of its parts. */
#ifndef CNN_IO_CHECKPOINT_H
#define CNN_IO_CHECKPOINT_H

#include "io/restore.h"
#include "optim/optimizer.h"

#include <cnn/checkpoint.h>

enum { CNN__CHECKPOINT_VERSION = 1 };

/* "optimizer.group.0.lr" */
#define CNN__HYPER_KEY_FORMAT "optimizer.group.%d.%s"
enum { CNN__HYPER_KEY = 96 };

/* Room for ".max_exp_avg_sq" and its like. */
enum { CNN__SLOT_SUFFIX = 64 };
/* "optimizer.<parameter>.<suffix>": the bytes that any such name needs, and making one. */
size_t cnn__slot_name_size(const cnn_module *module);
void cnn__slot_name(char *name, size_t size, const cnn__state *state, const char *suffix);

/* Epochs and counts of steps go up to 2^53: every one is exact as a double too, and a run can go on from any of them
 * without end. */
#define CNN__LARGEST_COUNT ((int64_t)1 << 53)

/* Where each tensor stands in a module's state, in the order of their addresses. */
typedef struct cnn__state_index {
    cnn_context *ctx;
    cnn__state *states;
    size_t count;
} cnn__state_index;
/* Reports as `call`; on failure there is nothing to free. */
cnn_status cnn__state_index_make(cnn__state_index *index, const char *call, const cnn_module *module);
void cnn__state_index_free(cnn__state_index *index);
/* NULL: the module does not have that tensor. */
const cnn__state *cnn__state_index_find(const cnn__state_index *index, const cnn_tensor *tensor);

/* ---- numbers of a checkpoint's metadata: a missing or malformed one is reported ---- */

/* An integer from 0 to `largest`. */
cnn_status cnn__metadata_count(const cnn__safetensors *st, const char *key, int64_t largest, int64_t *count);
cnn_status cnn__metadata_double(const cnn__safetensors *st, const char *key, double *number);
cnn_status cnn__metadata_random(const cnn__safetensors *st, cnn_random_state *random);
/* Reports that the value of a key that is there is another one than `ours`. */
cnn_status cnn__metadata_fail_fit(const cnn__safetensors *st, const char *key, const char *ours);

/* Reads and checks the arguments of both calls. */
cnn_status cnn__checkpoint_read(const char *call, const cnn_checkpoint *given, const char *path, cnn_checkpoint *ours);

#endif
