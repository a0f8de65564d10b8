/* Where the bytes of a model go: a temporary file beside the one that is asked for, which it replaces when it is
 * complete and on the disk. At any moment the old file or the new one is there as a whole. */
#ifndef CNN_ONNX_SAVE_OUTPUT_H
#define CNN_ONNX_SAVE_OUTPUT_H

#include "save.h"

#include <stdio.h>

typedef struct cnn__export_output {
    const char *path;
    char *target, *temporary;
    int fd;
    cnn_status status; /* the first failure's, and what it was */
    char text[160];
    size_t used;
    unsigned char buffer[1 << 14];
} cnn__export_output;

/* Notes a failure, unless there is one already. Returns false. */
bool cnn__export_output_note(cnn__export_output *out, cnn_status status, const char *text);
/* On failure there is nothing to close. */
bool cnn__export_output_open(cnn__export_output *out, const char *path);
bool cnn__export_output_write(cnn__export_output *out, const void *bytes, size_t size);
/* Flushes and renames the file, or removes it where it is not `complete`. Returns whether all is well. */
bool cnn__export_output_close(cnn__export_output *out, bool complete);

#endif
