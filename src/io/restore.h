/* Loading into tensors that exist, all or nothing: match every tensor with an entry of the file, read all elements to one
 * side, and only then copy. Until cnn__restore_commit(), which cannot fail, nothing is changed. */
#ifndef CNN_IO_RESTORE_H
#define CNN_IO_RESTORE_H

#include "io/safetensors.h"
#include "nn/module.h"

typedef struct cnn__match {
    cnn_tensor *to; /* contiguous */
    const cnn__entry *entry;
} cnn__match;

typedef struct cnn__restore {
    cnn__safetensors st;
    cnn__match *matches;
    size_t count;
    char *data; /* all elements, in the order of the matches */
} cnn__restore;

/* What a checkpoint's metadata calls its format, and how the names of its own tensors begin. */
#define CNN__CHECKPOINT_FORMAT "libcnn.checkpoint"
#define CNN__OPTIMIZER_PREFIX "optimizer."

/* Opens the file. On failure there is nothing to end. */
cnn_status cnn__restore_begin(cnn__restore *restore, cnn_context *ctx, const char *call, const char *path);
/* Matches a tensor with the entry of that name: dtype and shape must be equal. */
cnn_status cnn__restore_tensor(cnn__restore *restore, const char *name, cnn_tensor *to);
/* Matches the whole state of a module. */
cnn_status cnn__restore_module(cnn__restore *restore, const cnn_module *module);
/* Are all entries matched? Those that begin with `except` (when it is not NULL) need not be. */
cnn_status cnn__restore_complete(const cnn__restore *restore, const char *except);
cnn_status cnn__restore_read(cnn__restore *restore);
void cnn__restore_commit(cnn__restore *restore);
void cnn__restore_end(cnn__restore *restore);

/* Is the file a checkpoint of this library's? */
bool cnn__restore_is_checkpoint(const cnn__restore *restore);

/* The length of the longest name in a module's state. */
size_t cnn__longest_name(const cnn_module *module);

#endif
