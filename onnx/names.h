/* The names of a module's tree while it is made, so that 40,000 parameters take no longer each than one does. */
#ifndef CNN_ONNX_NAMES_H
#define CNN_ONNX_NAMES_H

#include "model.h"

/* A whole name of a parameter or buffer, or the beginning of one, up to a dot, that is a module. */
typedef struct cnn__onnx_name {
    cnn__onnx_text name;
    cnn_module *module; /* NULL: a parameter or buffer */
} cnn__onnx_name;

typedef struct cnn__onnx_names {
    cnn__onnx_name *all;
    size_t count, capacity;
} cnn__onnx_names;

/* With keys of the process, so that nobody can write a file whose names collide. What is made of names never depends on
 * their hashes. */
size_t cnn__onnx_hash(cnn__onnx_text name);
/* SipHash-1-3. */
uint64_t cnn__onnx_siphash(cnn__onnx_text text, uint64_t key0, uint64_t key1);
/* NULL: the name is not there. */
cnn__onnx_name *cnn__onnx_names_find(const cnn__onnx_names *names, cnn__onnx_text name);
/* The name, which is added if it is not there and lasts as long as the names; NULL: no memory, reported. */
cnn__onnx_name *cnn__onnx_names_add(cnn__onnx_reading *reading, cnn__onnx_names *names, cnn__onnx_text name);
/* Whether a tree with these names cannot have this one, too: it is there, or a part of it is a parameter. */
bool cnn__onnx_names_clash(const cnn__onnx_names *names, const char *name);

#endif
