/* A model as its file has it: graphs of nodes, attributes, tensors. Names and tensors stay where they lie in the bytes
 * of the file, which live as long as the model; the structs are in its arena. */
#ifndef CNN_ONNX_MODEL_H
#define CNN_ONNX_MODEL_H

#include "wire.h"

/* ---- memory that is freed at once (arena.c) ---- */

typedef struct cnn__onnx_arena {
    struct cnn__onnx_arena_block *blocks;
} cnn__onnx_arena;

/* Returns zeroed memory for `count` items, or NULL. Of no items: not NULL. */
void *cnn__onnx_arena_get(cnn__onnx_arena *arena, size_t count, size_t size);
/* Frees all; or keeps the largest block, emptied, for the next use. */
void cnn__onnx_arena_free(cnn__onnx_arena *arena);
void cnn__onnx_arena_reset(cnn__onnx_arena *arena);

/* ---- types ---- */

/* TensorProto.DataType */
enum {
    CNN__ONNX_UNDEFINED = 0,
    CNN__ONNX_FLOAT = 1,
    CNN__ONNX_UINT8 = 2,
    CNN__ONNX_INT8 = 3,
    CNN__ONNX_UINT16 = 4,
    CNN__ONNX_INT16 = 5,
    CNN__ONNX_INT32 = 6,
    CNN__ONNX_INT64 = 7,
    CNN__ONNX_STRING = 8,
    CNN__ONNX_BOOL = 9,
    CNN__ONNX_FLOAT16 = 10,
    CNN__ONNX_DOUBLE = 11,
    CNN__ONNX_UINT32 = 12,
    CNN__ONNX_UINT64 = 13,
    CNN__ONNX_BFLOAT16 = 16,
    CNN__ONNX_UINT4 = 21,
    CNN__ONNX_INT4 = 22
};

/* What libcnn holds an ONNX type in: small integers in i32, u32 and u64 in i64, f16 in f32. Returns false for a type
 * that is not held. */
bool cnn__onnx_dtype(int type, cnn_dtype *dtype);
const char *cnn__onnx_type_name(int type);
bool cnn__onnx_is_float(int type);

/* ---- the parts of a file ---- */

/* TensorProto. Its elements are raw bytes, repeated fields of the message, or in another file. */
typedef struct cnn__onnx_tensor_def {
    cnn__onnx_text name;
    int type, ndim;
    int64_t shape[CNN_MAX_DIMS], numel;
    const unsigned char *at; /* where its message begins */
    cnn__onnx_text message, raw;
    bool has_raw, is_external;
    bool lent; /* a tensor uses the elements where they are */
    int uses;  /* how many constants have these elements: several calls of a function share one */
    cnn__onnx_text location;
    int64_t offset, length; /* where the elements are in another file; length -1: to its end */
} cnn__onnx_tensor_def;

typedef struct cnn__onnx_attribute {
    cnn__onnx_text name, reference; /* the attribute of the function that it stands for */
    int type;                       /* AttributeProto.AttributeType; 0 in old files */
    int64_t i;
    float f;
    cnn__onnx_text s;
    cnn__onnx_tensor_def *tensor;
    struct cnn__onnx_graph *graph;
    const int64_t *ints;
    const float *floats;
    const cnn__onnx_text *strings;
    int64_t int_count, float_count, string_count;
} cnn__onnx_attribute;

typedef struct cnn__onnx_node {
    const unsigned char *at;
    cnn__onnx_text name, op_type, domain, overload;
    cnn__onnx_text *inputs, *outputs;
    cnn__onnx_attribute *attributes;
    int input_count, output_count, attribute_count;
} cnn__onnx_node;

/* ValueInfoProto of a tensor: sizes of -1 have a name, or none. */
typedef struct cnn__onnx_value_info {
    cnn__onnx_text name;
    int type, ndim; /* ndim -1: not known; type 0: no tensor */
    int64_t shape[CNN_MAX_DIMS];
    cnn__onnx_text symbols[CNN_MAX_DIMS];
} cnn__onnx_value_info;

typedef struct cnn__onnx_graph {
    cnn__onnx_text name;
    cnn__onnx_node *nodes;
    cnn__onnx_tensor_def *initializers;
    cnn__onnx_value_info *inputs, *outputs;
    int node_count, initializer_count, input_count, output_count;
} cnn__onnx_graph;

typedef struct cnn__onnx_opset {
    cnn__onnx_text domain;
    int64_t version;
} cnn__onnx_opset;

typedef struct cnn__onnx_function {
    cnn__onnx_text name, domain, overload;
    cnn__onnx_text *inputs, *outputs;
    cnn__onnx_attribute *defaults; /* the attributes' defaults */
    cnn__onnx_node *nodes;
    cnn__onnx_opset *opsets;
    int input_count, output_count, default_count, node_count, opset_count;
} cnn__onnx_function;

typedef struct cnn__onnx_model {
    int64_t ir_version;
    cnn__onnx_graph *graph;
    cnn__onnx_opset *opsets;
    cnn__onnx_function *functions;
    int opset_count, function_count;
} cnn__onnx_model;

/* What is read, and where its structs go. */
typedef struct cnn__onnx_reading {
    cnn__onnx_file_bytes *file;
    cnn__onnx_arena *arena;
    int depth;
} cnn__onnx_reading;

/* Reads a whole file (model.c). */
bool cnn__onnx_model_read(cnn__onnx_reading *reading, cnn__onnx_model *model);
/* Reads a TensorProto (tensor_def.c). */
bool cnn__onnx_tensor_def_read(cnn__onnx_reading *reading, cnn__onnx_text message, cnn__onnx_tensor_def *tensor);
/* Reads an AttributeProto (attribute.c). */
bool cnn__onnx_attribute_read(cnn__onnx_reading *reading, cnn__onnx_text message, cnn__onnx_attribute *attribute);
bool cnn__onnx_graph_read(cnn__onnx_reading *reading, cnn__onnx_text message, cnn__onnx_graph *graph);
bool cnn__onnx_value_info_read(cnn__onnx_reading *reading, cnn__onnx_text message, cnn__onnx_value_info *info);

/* Memory of the arena; its lack is reported. */
void *cnn__onnx_reading_get(cnn__onnx_reading *reading, size_t count, size_t size);

/* Writes the elements of a tensor that are in the file to `to`, as libcnn holds the type: numel · the dtype's size
 * bytes. `last`: nobody reads them again, and the pages of the file that they alone are in are given back meanwhile
 * (tensor_elements.c). */
bool cnn__onnx_tensor_def_elements(cnn__onnx_file_bytes *file, const cnn__onnx_tensor_def *tensor, void *to, bool last);
/* Writes those elements whose raw bytes are `size`, more than 0, from byte `at` of them on, at `bytes`. */
void cnn__onnx_tensor_def_put(const cnn__onnx_tensor_def *tensor, int64_t at, int64_t size, const unsigned char *bytes,
                              void *to);
/* How many bytes its elements take where they are stored raw; -1 for a type without any. */
int64_t cnn__onnx_tensor_def_bytes(const cnn__onnx_tensor_def *tensor);

#endif
