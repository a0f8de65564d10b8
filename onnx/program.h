/* A model as it is run: steps over numbered slots, in which names, functions and versions are resolved. It is made once
 * and then only read, so that clones of a module and several threads share it. */
#ifndef CNN_ONNX_PROGRAM_H
#define CNN_ONNX_PROGRAM_H

#include "model.h"
#include "source.h"

#include <stdatomic.h>

enum { CNN__ONNX_OLDEST = 1, CNN__ONNX_NEWEST = 28 };

typedef struct cnn__onnx_run cnn__onnx_run;
typedef struct cnn__onnx_step cnn__onnx_step;

/* A few elements that the host knows: integers and booleans in `i`, floating-point numbers in `f`. */
typedef struct cnn__onnx_host {
    int type, ndim;
    int64_t shape[CNN_MAX_DIMS], numel;
    int64_t *i;
    double *f;
} cnn__onnx_host;

/* An operator of ONNX from opset `since` to `until` (0: still there): operators.def. */
typedef struct cnn__onnx_operator {
    const char *name;
    int since, until;
    int min_in, max_in, max_out; /* how many inputs and outputs a node has; max -1: any number */
    uint32_t parameters,
        buffers; /* the inputs that are parameters or buffers of the module where they are initializers */
    bool (*run)(cnn__onnx_run *run); /* by operations of libcnn */
    bool (*fold)(
        cnn__onnx_run *run); /* where the host knows all inputs; returns false where it does not do it; may be NULL */
    cnn_tensor *(*unary)(cnn_tensor *);
    cnn_tensor *(*binary)(cnn_tensor *, cnn_tensor *);
    int code;           /* tells operators apart that share a function */
    const char *domain; /* NULL: ONNX's own */
    /* ---- what attributes may say (variants.c) ---- */
    const char *words; /* those of a few words, and the words: "mode=nearest|linear pad=zeros"; may be NULL */
    const char *type;  /* the one that is the type of the result; may be NULL */
    bool (*check)(const cnn__onnx_step *step, char *why, size_t size); /* the others; may be NULL */
} cnn__onnx_operator;

extern const cnn__onnx_operator cnn__onnx_operators[];
extern const int cnn__onnx_operator_count;

/* A part of a program: the graph of the model, or one that a node has as an attribute. */
typedef struct cnn__onnx_block {
    cnn__onnx_step *first;
    int *in, *out; /* slots */
    int in_count, out_count;
} cnn__onnx_block;

struct cnn__onnx_step {
    cnn__onnx_step *next;
    const cnn__onnx_node *node;
    int64_t number; /* the node's number in its graph */
    const cnn__onnx_operator *op;
    int version;   /* the opset that the node is written for */
    int *in, *out; /* slots; -1: left out */
    int in_count, out_count;
    const cnn__onnx_attribute *attributes;
    cnn__onnx_block *const *blocks; /* one per attribute; NULL: it is no graph */
    int attribute_count;
};

/* A value that the file has: an initializer, or the value of a node Constant. */
typedef struct cnn__onnx_constant {
    cnn__onnx_tensor_def *def;  /* NULL: `host` is all */
    const cnn__onnx_host *host; /* NULL: too large */
    const char *name;           /* in the module; NULL: it is no part of the module's state */
    int slot, type;
    bool is_parameter, is_buffer, is_initializer;
    bool is_outermost; /* it stands in the model's own graph, where its name is unique */
    struct cnn__onnx_constant *next;
} cnn__onnx_constant;

typedef struct cnn__onnx_program {
    atomic_int users;
    cnn__onnx_memory *file; /* shared with the tensors that borrow from it */
    bool map;               /* files are mapped: an option of cnn_onnx_load() */
    cnn__onnx_arena arena;
    cnn__onnx_model model;
    cnn__onnx_block block;
    cnn__onnx_constant *constants, **constants_end;
    int constant_count, slot_count;
    bool running_statistics; /* an option of cnn_onnx_load() */
    /* The inputs of the graph that are not initializers. */
    const cnn__onnx_value_info **inputs;
    int input_count, output_count;
    cnn_onnx_value *ports; /* as they are told: inputs, then outputs (ports.c) */
} cnn__onnx_program;

/* Describes the inputs and outputs; reports. */
bool cnn__onnx_ports_make(cnn__onnx_reading *reading, cnn__onnx_program *program);

/* Resolves the model that was read into steps (program.c); reports. */
bool cnn__onnx_program_make(cnn__onnx_reading *reading, cnn__onnx_program *program);

/* The model's functions in the order of their names, whose opsets are few enough to be looked through; NULL, reported
 * (functions.c). */
const cnn__onnx_function **cnn__onnx_functions_sort(cnn__onnx_reading *reading, const cnn__onnx_model *model);
/* The function that a node calls; NULL: it is an operator. */
const cnn__onnx_function *cnn__onnx_function_find(const cnn__onnx_function *const *sorted, int count,
                                                  const cnn__onnx_node *node);

/* The operator of a name that the opset of a domain (empty: ONNX's own) has; NULL: none. `known` tells whether another
 * opset has it. */
const cnn__onnx_operator *cnn__onnx_operator_find(cnn__onnx_text domain, cnn__onnx_text name, int64_t version,
                                                  bool *known);

/* Host values in an arena; NULL: no memory. */
cnn__onnx_host *cnn__onnx_host_new(cnn__onnx_arena *arena, int type, int ndim, const int64_t *shape);
/* Elements as libcnn holds them as those of the host. */
void cnn__onnx_widen(cnn_dtype dtype, const void *from, cnn__onnx_host *to);

#endif
