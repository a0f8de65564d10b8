/* Loads into existing tensors, all or nothing: matches every tensor with an entry of the file, notes whatever does
 * not fit, reads all elements into a staging buffer, and only then copies them. Nothing is changed before
 * cnn__restore_commit(), which cannot fail on the CPU. */
#ifndef CNN_IO_RESTORE_H
#define CNN_IO_RESTORE_H

#include "io/misfits.h"
#include "nn/module.h"

typedef struct cnn__match {
    cnn_tensor *to; /* contiguous */
    const cnn__entry *entry;
} cnn__match;

/* How names and dtypes of the file map to those of the module, and what may remain unmatched. */
typedef struct cnn__load_rules {
    cnn__dtype_rule dtypes;
    const char *strip;    /* prefix that names of the file may have and those of the module do not; "": none */
    const char *add;      /* prefix that names of the module have and those of the file do not; "": none */
    bool partial;         /* missing and unexpected names are noted but allowed */
    bool skip_mismatched; /* mismatched ones are noted but allowed */
} cnn__load_rules;

typedef struct cnn__restore {
    cnn__safetensors st;
    cnn__load_rules rules;
    cnn__match *matches;
    size_t count;
    cnn__misfits misfits;
    char *data; /* the staged elements, converted, in the order of the matches */
} cnn__restore;

/* The name of the format in a checkpoint's metadata, and the prefix of the checkpoint's own tensors. */
#define CNN__CHECKPOINT_FORMAT "libcnn.checkpoint"
#define CNN__OPTIMIZER_PREFIX "optimizer."

/* Opens the file. On failure there is nothing to end. */
cnn_status cnn__restore_begin(cnn__restore *restore, cnn_context *ctx, const char *call, const char *path,
                              const cnn__load_rules *rules);
/* Matches a tensor with the entry of exactly that name, or notes why it does not match. */
void cnn__restore_tensor(cnn__restore *restore, const char *name, cnn_tensor *to);
/* Matches the whole state of a module by the rules for names. Fails only if there is no memory. */
cnn_status cnn__restore_module(cnn__restore *restore, const cnn_module *module);
/* Notes all unmatched entries except those whose names begin with `except`, unless that is NULL. */
void cnn__restore_rest(cnn__restore *restore, const char *except);
/* Returns CNN_OK if the rules allow everything that was noted; otherwise reports it. */
cnn_status cnn__restore_verdict(const cnn__restore *restore);
cnn_status cnn__restore_read(cnn__restore *restore);
cnn_status cnn__restore_commit(cnn__restore *restore);
void cnn__restore_end(cnn__restore *restore);

/* Whether the file is a checkpoint of this library. */
bool cnn__restore_is_checkpoint(const cnn__restore *restore);

#endif
