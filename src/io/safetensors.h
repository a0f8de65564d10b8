/* Safetensors files: 8 bytes of header length (little-endian), a JSON header, then the elements of all tensors.
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

typedef struct cnn__safetensors {
    cnn_context *ctx; /* NULL: memory comes from the C library */
    cnn__file file;
    char *header;
    uint64_t header_size;
    cnn__entry *entries; /* in the order of their names */
    size_t count;
    cnn__pair *pairs; /* in the order of their keys */
    size_t pair_count;
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
uint64_t cnn__entry_byte(const cnn__entry *entry);
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

/* Replaces the file at `path`, atomically. Sorts `items`. Names must be unique valid UTF-8. */
cnn_status cnn__safetensors_save(cnn_context *ctx, const char *call, const char *path, cnn__item *items, size_t count,
                                 const cnn__text *metadata);

/* The dtypes of the format: first those of the library, each at the number that it has in cnn_dtype. The last one has
 * no name and stands for those that later versions of the format may add. */
typedef struct cnn__file_type {
    char name[12];
    uint8_t bits; /* per element; 0: unknown */
    int8_t dtype; /* in memory; −1: none */
    bool direct;  /* stored as in memory, up to the order of bytes */
} cnn__file_type;
enum { CNN__TYPE_F16 = CNN__DTYPES, CNN__TYPE_UNKNOWN = CNN__DTYPES + 15, CNN__FILE_TYPES };
extern const cnn__file_type cnn__file_types[CNN__FILE_TYPES];

/* Converts `count` elements of `size` bytes between little-endian and this machine's byte order. */
void cnn__little_endian(void *data, size_t count, size_t size);

#endif
