/* A file of named tensors that is open, whatever its format: what is in it is known at once, elements are read when
 * they are asked for. Functions that fail have said why on stderr. */
#ifndef CLI_TENSORS_H
#define CLI_TENSORS_H

#include <cnn/cnn.h>

typedef struct tensor_info {
    char *name;
    char dtype[32]; /* as the file has it */
    int ndim;
    int64_t shape[CNN_MAX_DIMS];
    int64_t elements, bytes;
    int added; /* how many rows were added before this one */
} tensor_info;

typedef struct tensors {
    cnn_context *ctx;
    const char *path;
    const struct format *format;
    const char *kind;  /* the format's name, or a closer one, such as "checkpoint" */
    tensor_info *info; /* in the order of the names */
    int count;
    cnn_file *file; /* a file of a format that the library reads: metadata is there */
    void *own;      /* what the reader of another format keeps */
} tensors;

/* The formats: one line of the table in formats.c per format. */
typedef struct format {
    const char *name;
    const char *extension; /* what a file to be written ends with, such as ".npz"; "" where it is only read */
    bool (*is)(const unsigned char *head, size_t size); /* by the first bytes of a file */
    bool (*open)(tensors *t);                           /* fills the table */
    cnn_tensor *(*read)(tensors *t, int i);             /* NULL, said, on failure */
    void (*close)(tensors *t);
    /* NULL where it is only read, and of ONNX models, which are written as copies (onnx.h) */
    cnn_status (*save)(const char *const *names, cnn_tensor *const *all, int count, const char *path, bool compress);
} format;

extern const format formats[];
extern const int format_count;

/* The format that a path's end stands for; NULL, said, if there is none that can be written. */
const format *format_of_path(const char *path);

bool tensors_open(tensors *t, cnn_context *ctx, const char *path);
void tensors_close(tensors *t);
cnn_tensor *tensors_read(tensors *t, int i);
/* The number of a tensor by its name; −1, not said, if there is none. */
int tensors_find(const tensors *t, const char *name);
/* Adds a row to the table; false, said, if there is no memory. The name is copied. */
bool tensors_add(tensors *t, const char *name, const char *dtype, int ndim, const int64_t *shape, int64_t bytes);
/* Brings the table into the order of the names; false, said, where two are the same. */
bool tensors_sort(tensors *t);

#endif
