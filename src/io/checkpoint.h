/* What saving and loading of checkpoints share: the version and the names of the parts. */
#ifndef CNN_IO_CHECKPOINT_H
#define CNN_IO_CHECKPOINT_H

#include "io/restore.h"
#include "optim/scheduler.h"

#include <cnn/checkpoint.h>

enum { CNN__CHECKPOINT_VERSION = 1 };

/* "optimizer.group.0.lr" */
#define CNN__HYPER_KEY_FORMAT "optimizer.group.%d.%s"
enum { CNN__HYPER_KEY = 96 };

/* Bytes for a suffix such as ".max_exp_avg_sq". */
enum { CNN__SLOT_SUFFIX = 64 };
/* Names of the form "optimizer.<parameter>.<suffix>": the number of bytes that any such name needs, and a function
 * that composes one. */
size_t cnn__slot_name_size(const cnn_module *module);
void cnn__slot_name(char *name, size_t size, const cnn__state *state, const char *suffix);

/* Epochs and counts of steps are at most 2^53: each is exact as a double too, and counting on from it cannot
 * overflow. */
#define CNN__LARGEST_COUNT ((int64_t)1 << 53)

/* The position of each tensor in a module's state, sorted by the addresses of the tensors. */
typedef struct cnn__state_index {
    cnn_context *ctx;
    cnn__state *states;
    size_t count;
} cnn__state_index;
/* Reports as `call`; on failure there is nothing to free. */
cnn_status cnn__state_index_make(cnn__state_index *index, const char *call, const cnn_module *module);
void cnn__state_index_free(cnn__state_index *index);
/* Returns NULL if the module does not have that tensor. */
const cnn__state *cnn__state_index_find(const cnn__state_index *index, const cnn_tensor *tensor);

/* ---- numbers of a checkpoint's metadata: a missing or malformed one is reported ---- */

/* An integer from 0 to `largest`. */
cnn_status cnn__metadata_count(const cnn__safetensors *st, const char *key, int64_t largest, int64_t *count);
cnn_status cnn__metadata_double(const cnn__safetensors *st, const char *key, double *number);
cnn_status cnn__metadata_random(const cnn__safetensors *st, cnn_random_state *random);
/* Reports that the value of an existing key differs from `ours`. */
cnn_status cnn__metadata_fail_fit(const cnn__safetensors *st, const char *key, const char *ours);

/* ---- schedulers (checkpoint_scheduler.c) ---- */

void cnn__scheduler_save(cnn__text *metadata, cnn_scheduler *scheduler);
/* Reads and checks all that the metadata has of the scheduler into `plan`, which the caller frees, also on failure. */
cnn_status cnn__scheduler_plan(const cnn__safetensors *st, cnn_scheduler *scheduler, double **plan);
/* Carries the plan out. */
void cnn__scheduler_restore(cnn_scheduler *scheduler, double *plan);

/* Reads and checks the arguments of saving and loading. */
cnn_status cnn__checkpoint_read(const char *call, const cnn_checkpoint *given, const char *path, cnn_checkpoint *ours);

#endif
