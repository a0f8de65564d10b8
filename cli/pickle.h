/* The part of Python's pickle that torch.save() writes of dictionaries of tensors. Nothing is executed: a global is one
 * of a fixed list of names, each of which stands for a rule here, and any other is an error. */
#ifndef CLI_PICKLE_H
#define CLI_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum value_kind {
    VALUE_NONE, /* also what is of no interest here: devices, layouts */
    VALUE_BOOL,
    VALUE_INT,
    VALUE_FLOAT,
    VALUE_STRING,
    VALUE_SEQUENCE, /* a tuple or a list */
    VALUE_DICT,     /* a sequence of keys and values in turn */
    VALUE_GLOBAL,
    VALUE_STORAGE,
    VALUE_TENSOR,
    VALUE_MARK
} value_kind;

/* A storage is [global, key, number of elements]; a tensor is [storage, offset, shape, strides]. */
typedef struct value {
    value_kind kind;
    int64_t number;     /* the value of a bool or an int; the line in the list of a global */
    const char *text;   /* the text of a string, in the pickle */
    size_t count, room; /* the elements and the capacity of a sequence and all that is one; the length of a string */
    struct value **elements;
} value;

typedef struct pickle {
    const char *path; /* for messages */
    const unsigned char *bytes;
    size_t size, at, made;
    struct pickle_chunk *chunks; /* all `made` values, newest first */
    value **stack;
    size_t depth, stack_room;
    value **memo;
    size_t memo_size, memo_end; /* the end: behind the last entry that is there */
} pickle;

/* The storages that are known: PyTorch's name of their dtype, and its size. */
typedef struct pickle_storage {
    const char *global, *dtype;
    int size;
} pickle_storage;
const pickle_storage *pickle_storage_of(const value *storage);

/* What the pickle holds; NULL, said, on failure. Values live until pickle_free(). */
value *pickle_load(pickle *p, const char *path, const unsigned char *bytes, size_t size);
void pickle_free(pickle *p);

#endif
