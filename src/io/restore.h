/* Loading into tensors that exist, all or nothing: match every tensor with an entry of the file, note whatever does
 * not fit, read all elements to one side, and only then copy. Until cnn__restore_commit(), which cannot fail,
 * nothing is changed. */
#ifndef CNN_IO_RESTORE_H
#define CNN_IO_RESTORE_H

#include "io/misfits.h"
#include "nn/module.h"

typedef struct cnn__match {
    cnn_tensor *to; /* contiguous */
    const cnn__entry *entry;
} cnn__match;

/* How the file's names and dtypes become the module's, and what may be left over. */
typedef struct cnn__load_rules {
    cnn__dtype_rule dtypes;
    const char *strip;    /* what the file's names may begin with and the module's do not; "": nothing */
    const char *add;      /* what the module's names begin with and the file's do not; "": nothing */
    bool partial;         /* missing and unexpected names are noted only */
    bool skip_mismatched; /* so are mismatched ones */
} cnn__load_rules;

typedef struct cnn__restore {
    cnn__safetensors st;
    cnn__load_rules rules;
    cnn__match *matches;
    size_t count;
    cnn__misfits misfits;
    char *data; /* all elements as they will be in memory, in the order of the matches */
} cnn__restore;

/* What a checkpoint's metadata calls its format, and how the names of its own tensors begin. */
#define CNN__CHECKPOINT_FORMAT "libcnn.checkpoint"
#define CNN__OPTIMIZER_PREFIX "optimizer."

/* Opens the file. On failure there is nothing to end. */
cnn_status cnn__restore_begin(cnn__restore *restore, cnn_context *ctx, const char *call, const char *path,
                              const cnn__load_rules *rules);
/* Matches a tensor with the entry that the file has under exactly that name, or notes why it cannot. */
void cnn__restore_tensor(cnn__restore *restore, const char *name, cnn_tensor *to);
/* Matches the whole state of a module, by the rules about names. Fails for want of memory alone. */
cnn_status cnn__restore_module(cnn__restore *restore, const cnn_module *module);
/* Notes all entries that are not matched but for those that begin with `except`, when it is not NULL. */
void cnn__restore_rest(cnn__restore *restore, const char *except);
/* CNN_OK where what was noted is allowed by the rules; else a report of it. */
cnn_status cnn__restore_verdict(const cnn__restore *restore);
cnn_status cnn__restore_read(cnn__restore *restore);
void cnn__restore_commit(cnn__restore *restore);
void cnn__restore_end(cnn__restore *restore);

/* Is the file a checkpoint of this library's? */
bool cnn__restore_is_checkpoint(const cnn__restore *restore);

/* The length of the longest name in a module's state. */
size_t cnn__longest_name(const cnn_module *module);

#endif
