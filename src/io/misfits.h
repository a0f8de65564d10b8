/* Collects what does not fit while a file is matched with tensors: a message that lists as many names as fit into
 * one line, and a report of all of them if the caller wants one. */
#ifndef CNN_IO_MISFITS_H
#define CNN_IO_MISFITS_H

#include "io/safetensors.h"

#include <cnn/checkpoint.h>

enum { CNN__MISFIT_KINDS = 3, CNN__MISFIT_ONE = 480, CNN__MISFIT_LIST = 272 };

typedef struct cnn__misfits {
    cnn_load_report *report; /* NULL: the caller wants none */
    int64_t count[CNN__MISFIT_KINDS];
    char first[CNN__MISFIT_ONE]; /* the sentence about the first one */
    char list[CNN__MISFIT_LIST]; /* the first ones in a few words each */
    size_t used;                 /* bytes of `list` */
    int64_t listed;
} cnn__misfits;

/* Notes a tensor of the module that the file does not have. */
void cnn__misfit_missing(cnn__misfits *misfits, const char *name, const cnn_tensor *to);
/* Notes an entry that matches no tensor. */
void cnn__misfit_unexpected(cnn__misfits *misfits, const cnn__safetensors *st, const cnn__entry *entry);
/* Notes an entry whose shape differs from the tensor's or whose dtype cannot be converted to the tensor's; `name` is
 * that of the tensor. */
void cnn__misfit_mismatched(cnn__misfits *misfits, const cnn__safetensors *st, const cnn__entry *entry,
                            const char *name, const cnn_tensor *to);

int64_t cnn__misfits_count(const cnn__misfits *misfits);
/* Reports CNN_ERROR_MISMATCH with all that was noted. */
cnn_status cnn__misfits_fail(const cnn__misfits *misfits, const cnn__file *file);

/* Returns NULL without a report if there is no memory. */
cnn_load_report *cnn__load_report_new(cnn_context *ctx);
void cnn__load_report_add(cnn_load_report *report, cnn_load_problem problem, const char *name, const char *found,
                          const char *expected);
void cnn__load_report_set_loaded(cnn_load_report *report, int64_t count);
/* Whether there was memory for everything so far. */
bool cnn__load_report_whole(const cnn_load_report *report);

#endif
