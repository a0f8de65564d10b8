/* What the files that write ONNX models share: a trace on its way to a file.
 *
 * The graph is written operation by operation, from the public trace alone: for each operation of libcnn a table
 * (save_table.c) has a function that emits one or several operators of ONNX.
 *
 * A symbolic batch comes from two traces of the same module with different batches: a dimension whose sizes are
 * proportional to the batch is so many times the batch, everything else must be the same in both. A writer that needs
 * such a size as a number says so by asking for it (cnn__export_size()), and then the file gets the fixed batch.
 *
 * Symbolic sizes of pictures come from one more trace, with larger pictures: a dimension that differs there is free, of
 * a size that no operator may need as a number. Everything else must be the same in it, too.
 *
 * No memory, and what ONNX does not have, are noted in the struct; writers go on and what they write is thrown away. */
#ifndef CNN_ONNX_SAVE_H
#define CNN_ONNX_SAVE_H

#include "internal.h"

#include <cnn/trace.h>

/* ---- protocol buffers (save_buffer.c; https://protobuf.dev/programming-guides/encoding/) ---- */

/* Bytes that grow. An all-zero struct is empty. */
typedef struct cnn__export_buffer {
    unsigned char *bytes;
    size_t size, capacity;
    bool failed; /* no memory */
} cnn__export_buffer;

void cnn__export_put(cnn__export_buffer *b, const void *bytes, size_t size);
void cnn__export_put_tag(cnn__export_buffer *b, int field, uint64_t size); /* a field of bytes, which follow */
void cnn__export_put_int(cnn__export_buffer *b, int field, int64_t value);
void cnn__export_put_float(cnn__export_buffer *b, int field, float value);
void cnn__export_put_text(cnn__export_buffer *b, int field, const char *text);
/* Takes `message` over. */
void cnn__export_put_message(cnn__export_buffer *b, int field, cnn__export_buffer *message);

/* ---- the model ---- */

/* A tensor that the file holds. */
typedef struct cnn__export_initializer {
    const char *name;
    cnn_dtype dtype;
    int ndim;
    int64_t shape[CNN_MAX_DIMS + 1];
    size_t bytes;
    cnn_tensor *tensor; /* where the elements are; NULL: in `data` */
    void *data;         /* owned */
    bool external;      /* in the file of data, at `offset` */
    uint64_t offset;
} cnn__export_initializer;

/* How many more sizes of pictures are tried, one pixel apart: as many as a stride of all layers together has, so that
 * each layer meets every remainder of its own. */
enum { CNN__EXPORT_PROBES = 31 };

typedef struct cnn__export {
    cnn_context *ctx;
    const char *call, *path;
    cnn_onnx_save_options options;
    cnn_module *module;
    cnn_trace *trace, *other;              /* `other` has the batch `other_batch`; NULL: the batch is fixed */
    cnn_trace *larger;                     /* has larger pictures; NULL: sizes are fixed */
    cnn_trace *probes[CNN__EXPORT_PROBES]; /* pictures of more sizes that the module takes; NULL: none */
    cnn_trace *owned[CNN__EXPORT_PROBES];  /* all of them */
    int64_t batch, other_batch;
    int value_count, node_count;
    /* Indexed by the value: */
    const char **names;
    const char **stored; /* the name of the parameter, buffer or constant; "": none of its own */
    int *uses;           /* by operations of the list, and as outputs */
    /* Indexed by the node: */
    signed char *folding; /* 1: takes the batch normalisation behind it; −1: is that normalisation */
    int *folded;          /* the number of that normalisation */
    int now;              /* the node that is being written */
    cnn__export_buffer nodes, values;
    cnn__export_initializer *initializers;
    int initializer_count, initializer_capacity;
    struct cnn__export_string *strings; /* all names */
    char prefix[16]; /* what made names begin with: no other name begins with it and goes on with a digit */
    int made, node_names;
    const char *batch_name; /* the batch as a tensor [1] of the graph; NULL: not yet there */
    bool no_memory;
    int varies; /* 1 + the first node that needs the batch, or a symbolic size, as a number; 0: none */
    bool varies_by_size;
    int refused, more; /* 1 + the first node that has no writer, and how many follow; 0: none */
    const char *why;
} cnn__export;

typedef void cnn__export_write_fn(cnn__export *s, const cnn_trace_node *node);

/* Writes the operation, as the table says. */
void cnn__export_write(cnn__export *s, const cnn_trace_node *node);
/* Notes that the operation, or these attributes or operands of it, cannot be written. */
void cnn__export_refuse(cnn__export *s, const char *why);
/* Writes the graph; `ports` gets the names of the inputs (NULL for one that is left out) and outputs. */
cnn_status cnn__export_write_graph(cnn__export *s, const char **ports);
/* Makes the file. */
cnn_status cnn__export_save_file(cnn__export *s);

/* The name of an input or output of a module that cnn_onnx_load() has made; NULL: it has none, or is another module
 * (ports.c). */
const char *cnn__onnx_port_name(const cnn_module *module, bool output, int i);

/* ---- reading the trace (save_trace.c) ---- */

/* A size: fixed, or `times` times the batch, or free, and then `size` is not to be written. */
enum { CNN__EXPORT_FREE = -1 };
typedef struct cnn__export_dim {
    int64_t size, times; /* times: 0 where it is fixed, CNN__EXPORT_FREE where it is free */
    int64_t larger;      /* where it is free: its size where pictures are larger */
} cnn__export_dim;

typedef struct cnn__export_shape {
    int ndim;
    cnn__export_dim dim[CNN_MAX_DIMS + 1];
} cnn__export_shape;

const cnn_trace_value *cnn__export_value(const cnn__export *s, int value);
cnn__export_shape cnn__export_shape_of(const cnn__export *s, int value);
/* A shape of numbers; −1 is what is left. */
cnn__export_shape cnn__export_fixed(int ndim, const int64_t *sizes);
/* Size d of a value, counted from the end where it is negative, as a number. */
int64_t cnn__export_size(cnn__export *s, int value, int d);
int cnn__export_ndim(const cnn__export *s, int value);
cnn_dtype cnn__export_dtype(const cnn__export *s, int value);
/* Whether operand i is there. */
bool cnn__export_has(const cnn_trace_node *node, int i);
/* Attributes, as numbers that do not depend on the batch. */
int64_t cnn__export_int_at(cnn__export *s, const cnn_trace_node *node, const char *name, int i);
double cnn__export_real_at(cnn__export *s, const cnn_trace_node *node, const char *name);
int cnn__export_count_at(cnn__export *s, const cnn_trace_node *node, const char *name);
/* Whether a slice of dimension d, from `start` on in steps, goes to the end of its operand, whatever its size. */
bool cnn__export_goes_to_end(const cnn__export *s, const cnn_trace_node *node, int d, int64_t start, int64_t step);
/* 0 where all traces list the same operations on the same values; else 1 + the number of the first one that differs,
 * or of one past the end. */
int cnn__export_disagreement(cnn__export *s);
/* The symbol of dimension d of a value that is free: that of an input's dimension of the same size, such as "height";
 * NULL: no input has it. */
const char *cnn__export_symbol(cnn__export *s, int value, int d);
/* Finds, in save_stored.c, the names that parameters, buffers and constants have in the file: those of the state_dict,
 * and those that a loaded model had in its file. False: no memory. */
bool cnn__export_name_stored(cnn__export *s);
/* Calls `see` with the sizes d of two values in each trace in which pictures have another size than in another. */
void cnn__export_each_size(const cnn__export *s, int x, int y, int d,
                           void (*see)(int64_t size_of_x, int64_t size_of_y, void *user), void *user);
/* Notes that the operation that is being written needs a symbolic size as a number. */
void cnn__export_needs_size(cnn__export *s);
/* Finds the batch normalisations that the operation in front of them can take. */
void cnn__export_plan_folding(cnn__export *s);

/* ---- emitting (save_graph.c): names are those of tensors of the graph ---- */

/* A copy that lasts as long as the model; "" where there is no memory. */
const char *cnn__export_string(cnn__export *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cnn__export_free_strings(cnn__export *s);
/* The name of a value; a parameter, buffer or constant becomes a tensor of the file when it is met first. */
const char *cnn__export_name(cnn__export *s, int value);
/* A new name for what is between two operators. */
const char *cnn__export_between(cnn__export *s);
const char *cnn__export_in(cnn__export *s, const cnn_trace_node *node, int i); /* "" for one that was left out */
const char *cnn__export_out(cnn__export *s, const cnn_trace_node *node);

/* An operator while it is being made. */
void cnn__export_operand(cnn__export_buffer *op, const char *name);
void cnn__export_result(cnn__export_buffer *op, const char *name);
void cnn__export_operands(cnn__export *s, cnn__export_buffer *op, const cnn_trace_node *node, int count);
void cnn__export_int(cnn__export_buffer *op, const char *name, int64_t value);
void cnn__export_ints(cnn__export_buffer *op, const char *name, int count, const int64_t *values);
void cnn__export_float(cnn__export_buffer *op, const char *name, double value);
void cnn__export_text(cnn__export_buffer *op, const char *name, const char *text);
void cnn__export_texts(cnn__export_buffer *op, const char *name, int count, const char *const *texts);
void cnn__export_end(cnn__export *s, cnn__export_buffer *op, const char *type);
/* The same with the first `count` operands of the node, and its first result. */
void cnn__export_finish(cnn__export *s, cnn__export_buffer *op, const cnn_trace_node *node, int count,
                        const char *type);

/* Whole operators. All return `to`. */
const char *cnn__export_emit(cnn__export *s, const char *type, const char *to, const char *a, const char *b);
const char *cnn__export_cast(cnn__export *s, const char *to, const char *from, cnn_dtype dtype);
const char *cnn__export_reshape(cnn__export *s, const char *to, const char *from, const cnn__export_shape *shape);
const char *cnn__export_permute(cnn__export *s, const char *to, const char *from, int ndim, const int64_t *dims);
const char *cnn__export_slice(cnn__export *s, const char *to, const char *from, int count, const int64_t *dims,
                              int64_t start, int64_t end, int64_t step);
const char *cnn__export_concat(cnn__export *s, const char *to, const char *a, const char *b, int64_t dim);
/* One of Reduce… along `count` dimensions. */
const char *cnn__export_reduce(cnn__export *s, const char *type, const char *to, const char *from, int count,
                               const int64_t *dims, bool keep);

/* Constants of the graph. */
const char *cnn__export_constant(cnn__export *s, cnn_dtype dtype, int ndim, const int64_t *shape, const void *data);
/* The same under this name, with elements that it takes over. */
void cnn__export_add_constant(cnn__export *s, const char *name, cnn_dtype dtype, int ndim, const int64_t *shape,
                              void *data);
const char *cnn__export_number(cnn__export *s, cnn_dtype dtype, double value);                /* a scalar */
const char *cnn__export_filled(cnn__export *s, cnn_dtype dtype, int64_t count, double value); /* all alike */
const char *cnn__export_integers(cnn__export *s, int64_t count, const int64_t *values);
/* A shape as an operand; `inferred`: the operator finds one of the sizes itself, as Reshape does. */
const char *cnn__export_shape_operand(cnn__export *s, const cnn__export_shape *shape, bool inferred);
/* The number of ONNX for a dtype. */
int cnn__export_type(cnn_dtype dtype);
/* The elements of an f32 parameter, buffer or constant, owned by the caller; NULL: no memory, which is noted. */
float *cnn__export_floats(cnn__export *s, int value, int64_t *count);

/* ---- the writers, by file ---- */
/* clang-format off */
#define CNN__EXPORT_WRITERS(X) \
    /* save_elements.c */ \
    X(leaky_relu) X(elu) X(clip) X(hardsigmoid) X(prelu) X(gelu) X(silu) X(mish) X(softplus) X(logsigmoid) \
    X(scaled_log) X(erfc) X(log1p) X(expm1) X(exp2) X(rsqrt) X(square) X(trunc) X(with_scalar) X(clamp) X(nan_to_num) \
    X(cast) X(masked_fill) X(logical) X(logical_not) X(ne) X(isfinite) X(bitwise) X(shift) \
    /* save_shapes.c */ \
    X(reshape) X(permute) X(slice) X(expand) X(concat) X(stack) X(pad) X(flip) X(roll) X(repeat) X(shuffle) \
    /* save_indices.c */ \
    X(gather) X(scatter) X(scatter_value) X(index_add) X(sorted) X(one_hot) X(cumsum) X(triangle) X(softmax) \
    /* save_reductions.c */ \
    X(reduction) X(extremum_along) X(argument) X(any_all) X(norm) X(moments) \
    /* save_layers.c */ \
    X(conv) X(conv_transpose) X(interpolate) X(linear) X(embedding) \
    /* save_pool.c */ \
    X(maxpool) X(avg_pool) X(adaptive) X(fold) \
    /* save_losses.c */ \
    X(class_loss) \
    /* save_norms.c */ \
    X(batch_norm) X(channel_norm) X(row_norm) X(local_response_norm) \
    /* save_sequences.c */ \
    X(recurrent) X(attention) X(attention_heads)
/* clang-format on */
#define CNN__EXPORT_DECLARE(name) cnn__export_write_fn cnn__export_write_##name;
CNN__EXPORT_WRITERS(CNN__EXPORT_DECLARE)

#endif
