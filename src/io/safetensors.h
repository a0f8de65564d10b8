/* Safetensors files: 8 bytes of header length (little-endian), a JSON header, then the elements of all tensors. The
 * reader also opens NumPy's .npy and .npz files (io/numpy.h), which fill the same table of entries.
 *
 * Reading is strict: a file is either understood to its last byte or refused with the byte and the reason, and
 * memory in use stays below four times the file's size and a megabyte. Format: the README of the safetensors
 * package, "Format". */
#ifndef CNN_IO_SAFETENSORS_H
#define CNN_IO_SAFETENSORS_H

#include "base/file.h"
#include "io/text.h"
#include "tensor/tensor.h"

/* Bytes of header length; the longest header that the format allows. */
enum { CNN__PREFIX = 8, CNN__LONGEST_HEADER = 100000000 };

/* ---- reading ---- */

/* One tensor of a file. Kept small, because a hostile header may contain one in every 50 bytes. */
typedef struct cnn__entry {
    uint32_t name;      /* offset of the decoded name in the header, terminated by a NUL */
    uint32_t type_name; /* offset of the dtype's name */
    uint8_t type;       /* index into the table of dtypes */
    uint8_t ndim;
    bool used; /* for the use of code that matches entries with a module */
    int64_t shape[CNN_MAX_DIMS];
    uint64_t begin, end; /* offsets in bytes from the end of the header */
} cnn__entry;

/* An entry of __metadata__; offsets as above. */
typedef struct cnn__pair {
    uint32_t key, value;
} cnn__pair;

/* What a file turned out to be. */
typedef enum cnn__file_kind { CNN__SAFETENSORS, CNN__NPY, CNN__NPZ } cnn__file_kind;

struct cnn__member;
struct cnn__inflater;

typedef struct cnn__safetensors {
    cnn_context *ctx; /* NULL: memory comes from the C library */
    cnn__file file;
    cnn__file_kind kind;
    char *header; /* for NumPy's files, the names and dtypes alone */
    uint64_t header_size;
    cnn__entry *entries; /* in the order of their names */
    size_t count;
    cnn__pair *pairs; /* in the order of their keys */
    size_t pair_count;
    struct cnn__member *members;    /* for NumPy's files: where each entry's array is (io/numpy.h) */
    struct cnn__inflater *inflater; /* made when it is first needed */
} cnn__safetensors;

/* Opens the file and checks everything but the elements. On failure there is nothing to close. */
cnn_status cnn__safetensors_open(cnn__safetensors *st, cnn_context *ctx, const char *call, const char *path);
void cnn__safetensors_close(cnn__safetensors *st);

/* Parses the header that was read: only counts while `st->entries` is NULL, then fills entries and pairs. */
cnn_status cnn__safetensors_parse(cnn__safetensors *st);

cnn__entry *cnn__safetensors_find(const cnn__safetensors *st, const char *name);
static inline const char *cnn__entry_name(const cnn__safetensors *st, const cnn__entry *entry)
{
    return st->header + entry->name;
}
/* The position of the entry's name in the file. */
uint64_t cnn__entry_byte(const cnn__safetensors *st, const cnn__entry *entry);
/* The file's name of the dtype, such as "BF16". */
static inline const char *cnn__entry_type(const cnn__safetensors *st, const cnn__entry *entry)
{
    return st->header + entry->type_name;
}
/* The dtype that its elements have in memory (f32 for F16); −1 if there is none. */
int cnn__entry_dtype(const cnn__entry *entry);

/* Which conversions of dtypes are allowed. */
typedef enum cnn__dtype_rule {
    CNN__DTYPE_EXACT, /* conversions that keep every value */
    CNN__DTYPE_SAME,  /* none: elements must be stored as they are in memory */
    CNN__DTYPE_ROUND  /* also to narrower dtypes, with rounding */
} cnn__dtype_rule;
bool cnn__entry_becomes(const cnn__entry *entry, cnn_dtype dtype, cnn__dtype_rule rule);

/* The value of a key of __metadata__; NULL if there is none. */
const char *cnn__safetensors_metadata(const cnn__safetensors *st, const char *key);
/* The position of that value in the file. */
uint64_t cnn__safetensors_value_byte(const cnn__safetensors *st, const char *value);

/* Reads the elements of an entry and converts them to an allowed dtype. */
cnn_status cnn__safetensors_read(cnn__safetensors *st, const cnn__entry *entry, cnn_dtype dtype, void *to);

/* A tensor of the caller's with the elements of an entry, of the dtype that they have in memory; NULL on failure. */
cnn_tensor *cnn__safetensors_tensor(cnn__safetensors *st, const cnn__entry *entry);

/* ---- writing ---- */

typedef struct cnn__item {
    const char *name; /* borrowed */
    const cnn_tensor *tensor;
} cnn__item;

/* Adds a pair to the metadata that cnn__safetensors_save() takes. */
void cnn__metadata_add(cnn__text *metadata, const char *key, const char *value);

/* Sorts items by name. Names must be unique valid UTF-8, and not `reserved` (may be NULL). */
cnn_status cnn__items_check(cnn_context *ctx, const char *call, cnn__item *items, size_t count, const char *reserved);

/* The tensor itself or a contiguous copy of it in the host's memory; NULL, reported, on failure. Ended in any case. */
const cnn_tensor *cnn__tensor_for_file(const cnn_tensor *t, const char *call);
void cnn__tensor_for_file_end(const cnn_tensor *t, const cnn_tensor *in_file);
/* Hands the elements of such a tensor to `sink` in order, little-endian, in one piece or several. */
typedef cnn_status (*cnn__sink_fn)(void *user, const void *data, size_t size);
cnn_status cnn__elements_pass(const cnn_tensor *t, cnn__sink_fn sink, void *user);

/* Checks the arguments of a call that saves named tensors, and has `save` write them to a file. */
typedef cnn_status (*cnn__items_save_fn)(cnn_context *ctx, const char *call, const char *path, cnn__item *items,
                                         size_t count);
cnn_status cnn__items_save(const char *call, const char *const *names, cnn_tensor *const *tensors, int count,
                           const char *path, cnn__items_save_fn save);

/* Replaces the file at `path`, atomically. Sorts `items`. Names must be unique valid UTF-8. */
cnn_status cnn__safetensors_save(cnn_context *ctx, const char *call, const char *path, cnn__item *items, size_t count,
                                 const cnn__text *metadata);

/* The dtypes of the format: first those of the library, each at the number that it has in cnn_dtype. TYPE_UNKNOWN has
 * no name and stands for those that later versions of the format may add. The integers behind it are read from NumPy's
 * files alone, as the narrowest dtype that keeps every value. */
typedef struct cnn__file_type {
    char name[12];
    uint8_t bits; /* per element; 0: unknown */
    int8_t dtype; /* in memory; −1: none */
    bool direct;  /* stored as in memory, up to the order of bytes */
} cnn__file_type;
enum {
    CNN__TYPE_F16 = CNN__DTYPES,
    CNN__TYPE_UNKNOWN = CNN__DTYPES + 15,
    CNN__TYPE_I8,
    CNN__TYPE_I16,
    CNN__TYPE_U16,
    CNN__TYPE_U32,
    CNN__FILE_TYPES
};
extern const cnn__file_type cnn__file_types[CNN__FILE_TYPES];

/* Converts `count` elements of `size` bytes between big-endian or little-endian and this machine's byte order. */
void cnn__byte_order(void *data, size_t count, size_t size, bool big);
static inline void cnn__little_endian(void *data, size_t count, size_t size)
{
    cnn__byte_order(data, count, size, false);
}

#endif
