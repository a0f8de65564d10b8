/* Layers without parameters, each a constant row over an operation: what it is called, how its options become the
 * attributes that its forward reads, and what it prints. */
#ifndef CNN_NN_PLAIN_H
#define CNN_NN_PLAIN_H

#include "nn/module.h"

typedef enum cnn__print_kind {
    CNN__PRINT_TEXT,   /* the name alone */
    CNN__PRINT_IF,     /* bool: the name alone, if it is set */
    CNN__PRINT_UNLESS, /* bool: the name alone, if it is not */
    CNN__PRINT_INT,    /* int */
    CNN__PRINT_FLOAT,  /* double, as Python's repr */
    CNN__PRINT_BOOL,   /* bool: "True" or "False" */
    CNN__PRINT_PAIR,   /* int64_t[2]: one number where both are equal, else "(2, 3)"; "None" for −1 */
    CNN__PRINT_INT64,  /* int64_t */
    CNN__PRINT_SINGLE, /* int64_t: "(2,)" */
    CNN__PRINT_LIST,   /* cnn__print_list: "(1, 2, 3)" */
    CNN__PRINT_ALONE,  /* the same without its name */
} cnn__print_kind;

typedef struct cnn__print_list {
    int count;
    int64_t number[CNN_MAX_DIMS];
} cnn__print_list;

/* One item of what a layer prints: "name=value". */
typedef struct cnn__print {
    char name[24]; /* empty at the end of a list; no pointer, which would have to be relocated */
    cnn__print_kind kind;
    unsigned offset; /* the offset of the value among the attributes */
} cnn__print;

#define CNN__PRINT(print_kind, text, struct_type, member) \
    { \
        .name = text, .kind = (print_kind), .offset = offsetof(struct_type, member) \
    }

typedef struct cnn__plain_layer {
    cnn__module_class class; /* first: a module's class is its row */
    const char *call;        /* "relu_create", for messages */
    size_t size;             /* the size of the attributes, whose bytes may be copied */
    /* Reads a struct of options (NULL: all defaults), completes the attributes and checks them; reports as `call`. */
    cnn_status (*read)(const cnn_context *ctx, const char *call, const void *options, void *attributes);
    const cnn__print *prints; /* NULL: nothing */
} cnn__plain_layer;

/* The members of a row's class; `forward_fn` runs the operation. */
#define CNN__PLAIN_CLASS(name, forward_fn) \
    { \
        .type = (name), .forward = (forward_fn), .describe = cnn__plain_describe, .clone = cnn__clone_bytes \
    }

/* Makes a layer of that row. `attributes` has room for row->size bytes and begins with what the constructor was given
 * besides the options. NULL: reported. */
cnn_module *cnn__plain_new(cnn_context *ctx, const cnn__plain_layer *row, const void *options, void *attributes);
int cnn__plain_describe(const cnn_module *self, char *buffer, size_t size);

/* The rows that fusion.c joins with others. */
extern const cnn__plain_layer cnn__relu_layer, cnn__relu6_layer, cnn__maxpool2d_layer;
/* The options of a MaxPool2d. */
const cnn_maxpool2d_options *cnn__layer_maxpool2d(const cnn_module *module);

#endif
