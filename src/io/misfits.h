/* What does not fit while a file is matched with tensors: a message that lists as many names as a line holds, and
 * the report with all of them where the caller wants one. */
#ifndef CNN_IO_MISFITS_H
#define CNN_IO_MISFITS_H

#include "io/safetensors.h"

#include <cnn/checkpoint.h>

enum { CNN__MISFIT_KINDS = 3, CNN__MISFIT_ONE = 480, CNN__MISFIT_LIST = 272 };

typedef struct cnn__misfits {
    cnn_load_report *report; /* NULL: nobody wants it */
    int64_t count[CNN__MISFIT_KINDS];
    char first[CNN__MISFIT_ONE]; /* the sentence about the first one */
    char list[CNN__MISFIT_LIST]; /* the first ones in a few words each */
    size_t used;                 /* bytes of `list` */
    int64_t listed;
} cnn__misfits;

/* A module's tensor of that name that the file has not. */
void cnn__misfit_missing(cnn__misfits *misfits, const char *name, const cnn_tensor *to);
/* An entry that nothing has been found for. */
void cnn__misfit_unexpected(cnn__misfits *misfits, const cnn__safetensors *st, const cnn__entry *entry);
/* An entry whose shape is another one or whose dtype cannot become the tensor's; `name` is the tensor's. */
void cnn__misfit_mismatched(cnn__misfits *misfits, const cnn__safetensors *st, const cnn__entry *entry,
                            const char *name, const cnn_tensor *to);

int64_t cnn__misfits_count(const cnn__misfits *misfits);
/* Reports CNN_ERROR_MISMATCH with all that was noted. */
cnn_status cnn__misfits_fail(const cnn__misfits *misfits, const cnn__file *file);

/* NULL: no memory, unreported. */
cnn_load_report *cnn__load_report_new(cnn_context *ctx);
void cnn__load_report_add(cnn_load_report *report, cnn_load_problem problem, const char *name, const char *found,
                          const char *expected);
void cnn__load_report_set_loaded(cnn_load_report *report, int64_t count);
/* Has it had memory for everything so far? */
bool cnn__load_report_whole(const cnn_load_report *report);

#endif
