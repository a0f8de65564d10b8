/* NumPy's files: .npy, a header that is a Python literal and then the elements of one array; and .npz, a zip archive of
 * .npy members, stored or deflated. They fill the table of entries of io/safetensors.h, so that every load reads them.
 *
 * Strict as there: each byte of a zip archive belongs to a member or to the directory, sizes are compared with the
 * file's before memory is taken, and deflated members are inflated to their stated size and no further. Formats: NEP 1
 * and numpy.lib.format; PKWARE's APPNOTE 6.3.10. */
#ifndef CNN_IO_NUMPY_H
#define CNN_IO_NUMPY_H

#include "io/safetensors.h"

/* The longest .npy header: 8 sizes of 20 digits and NumPy's padding fit many times. The longest text of a dtype, and
 * the name of the array in a .npy file, which is what numpy.savez() would call it. */
enum { CNN__NPY_LONGEST_HEADER = 4096, CNN__NPY_TYPE = 24, CNN__NPY_ALIGNMENT = 64, CNN__NPY_HEADER_ROOM = 384 };
#define CNN__NPY_NAME "arr_0"

/* Where an entry's array is. */
typedef struct cnn__member {
    uint64_t record;          /* the position of its record in the directory, for messages; 0 in a .npy file */
    uint64_t local;           /* where its local header begins */
    uint64_t at;              /* where its bytes begin, .npy header included */
    uint64_t packed;          /* how many bytes it takes in the file */
    uint64_t size;            /* how many they are inflated */
    uint32_t crc;             /* the crc of a member of an archive */
    uint32_t name;            /* offset in the table's texts */
    uint16_t header;          /* bytes before the elements */
    bool deflated, described; /* described: a data descriptor follows the bytes */
    bool big, fortran;
} cnn__member;

/* A file's kind by its first bytes. A safetensors header that begins as a zip archive would be 2^32 bytes long. */
cnn__file_kind cnn__numpy_kind(const unsigned char prefix[CNN__PREFIX]);
/* Fills the table of a file whose kind is known. */
cnn_status cnn__numpy_parse(cnn__safetensors *st);
/* Reads the directory of an archive: fills members and their names. */
cnn_status cnn__zip_parse(cnn__safetensors *st);
/* Reads the .npy header of a member: fills the rest of it and its entry, whose dtype goes to `type`. */
cnn_status cnn__npy_parse(cnn__safetensors *st, cnn__member *member, cnn__entry *entry, char type[CNN__NPY_TYPE]);
/* The .npy header of a tensor; returns its size. */
size_t cnn__npy_header(char out[CNN__NPY_HEADER_ROOM], const cnn_tensor *t);

/* CRC-32 of zip. */
uint32_t cnn__crc32(uint32_t crc, const void *data, size_t size);

/* ---- an entry's bytes in order, whichever file they are in ---- */
typedef struct cnn__source {
    cnn__safetensors *st;
    const cnn__member *member; /* NULL: a safetensors file */
    uint64_t start;            /* the position in the file that messages name */
    uint64_t packed;           /* how many bytes of the file are left */
    uint32_t crc;
    bool ended; /* the deflated data has come to its end */
} cnn__source;

/* From the beginning of a member; without a failure there is nothing to undo. */
cnn_status cnn__member_begin(cnn__source *source, cnn__safetensors *st, const cnn__member *member);
/* From the first element of an entry. */
cnn_status cnn__source_begin(cnn__source *source, cnn__safetensors *st, const cnn__entry *entry);
cnn_status cnn__source_read(cnn__source *source, void *to, size_t size);
/* After the last byte: checks the check sum, and that nothing follows. */
cnn_status cnn__source_end(cnn__source *source);
void cnn__inflater_free(cnn__safetensors *st);

static inline bool cnn__source_is_big(const cnn__source *source)
{
    return source->member && source->member->big;
}
static inline bool cnn__entry_is_fortran(const cnn__safetensors *st, const cnn__entry *entry)
{
    return st->members && st->members[entry - st->entries].fortran;
}

/* Little-endian numbers in a file, which compilers make loads of. */
static inline uint32_t cnn__u16_at(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}
static inline uint32_t cnn__u32_at(const unsigned char *bytes)
{
    return cnn__u16_at(bytes) | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}
static inline uint64_t cnn__u64_at(const unsigned char *bytes)
{
    return cnn__u32_at(bytes) | (uint64_t)cnn__u32_at(bytes + 4) << 32;
}

#endif
