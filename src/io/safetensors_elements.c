/* The elements of safetensors and NumPy files: dtypes, byte order, and conversion to other dtypes while reading. */
#include "io/convert.h"
#include "io/numpy.h"

#include <string.h>

enum { ELEMENTS_CHUNK = 4096 }; /* bytes */

/* Types that are stored as in memory come first, in the order of cnn_dtype. */
/* clang-format off */
const cnn__file_type cnn__file_types[CNN__FILE_TYPES] = {
#define CNN__DTYPE(name, text, bytes, kind, compute, file) { file, 8 * (bytes), CNN_##name, true },
#include "base/dtypes.def"
#undef CNN__DTYPE
    { "F16", 16, CNN_F32, false },     { "I8", 8, -1, false },
    { "I16", 16, -1, false },          { "U16", 16, -1, false },          { "U32", 32, -1, false },
    { "U64", 64, -1, false },          { "C64", 64, -1, false },          { "F8_E4M3", 8, -1, false },
    { "F8_E5M2", 8, -1, false },       { "F8_E8M0", 8, -1, false },       { "F8_E4M3FNUZ", 8, -1, false },
    { "F8_E5M2FNUZ", 8, -1, false },   { "F6_E2M3", 6, -1, false },       { "F6_E3M2", 6, -1, false },
    { "F4", 4, -1, false },            { "", 0, -1, false },
    { "I8", 8, CNN_I32, false },       { "I16", 16, CNN_I32, false },     { "U16", 16, CNN_I32, false },
    { "U32", 32, CNN_I64, false },
};
/* clang-format on */

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
enum { HOST_IS_BIG = true };
#else
enum { HOST_IS_BIG = false };
#endif

void cnn__byte_order(void *data, size_t count, size_t size, bool big)
{
    unsigned char *bytes = data;
    for (size_t i = 0; big != HOST_IS_BIG && i < count; i++, bytes += size) {
        for (size_t low = 0, high = size - 1; low < high; low++, high--) {
            unsigned char kept = bytes[low];
            bytes[low] = bytes[high];
            bytes[high] = kept;
        }
    }
}

/* ---- dtypes ---- */

/* clang-format off */
static const struct {
    uint8_t from; /* a dtype, which is the number of its own type, or another type */
    cnn_dtype to;
    bool rounds;
    cnn__convert_fn convert;
} elements_conversions[] = {
    { CNN__TYPE_F16, CNN_F32, false, cnn__convert_f16_f32 },  { CNN_BF16, CNN_F32, false, cnn__convert_bf16_f32 },
    { CNN__TYPE_F16, CNN_F64, false, cnn__convert_f16_f64 },  { CNN_BF16, CNN_F64, false, cnn__convert_bf16_f64 },
    { CNN__TYPE_F16, CNN_BF16, true, cnn__convert_f16_bf16 }, { CNN_F32, CNN_F64, false, cnn__convert_f32_f64 },
    { CNN_F32, CNN_BF16, true, cnn__convert_f32_bf16 },       { CNN_F64, CNN_F32, true, cnn__convert_f64_f32 },
    { CNN_F64, CNN_BF16, true, cnn__convert_f64_bf16 },       { CNN__TYPE_I8, CNN_I32, false, cnn__convert_i8_i32 },
    { CNN__TYPE_I16, CNN_I32, false, cnn__convert_i16_i32 },  { CNN__TYPE_U16, CNN_I32, false, cnn__convert_u16_i32 },
    { CNN__TYPE_U32, CNN_I64, false, cnn__convert_u32_i64 },
};
/* clang-format on */
enum { CONVERSIONS = sizeof elements_conversions / sizeof *elements_conversions };

static bool is_direct(const cnn__entry *entry, cnn_dtype dtype)
{
    return cnn__file_types[entry->type].direct && cnn__file_types[entry->type].dtype == (int)dtype;
}

/* The index of a conversion in the table; CONVERSIONS if there is none. */
static int find_conversion(const cnn__entry *entry, cnn_dtype dtype)
{
    int i = 0;
    while (i < CONVERSIONS && !(elements_conversions[i].from == entry->type && elements_conversions[i].to == dtype)) {
        i++;
    }
    return i;
}

int cnn__entry_dtype(const cnn__entry *entry)
{
    return cnn__file_types[entry->type].dtype;
}

bool cnn__entry_becomes(const cnn__entry *entry, cnn_dtype dtype, cnn__dtype_rule rule)
{
    if (is_direct(entry, dtype)) {
        return true;
    }
    int i = find_conversion(entry, dtype);
    return rule != CNN__DTYPE_SAME && i < CONVERSIONS && (rule == CNN__DTYPE_ROUND || !elements_conversions[i].rounds);
}

/* ---- reading ---- */

static cnn_status read_converted(cnn__source *source, const cnn__entry *entry, cnn_dtype dtype, char *to)
{
    cnn__convert_fn convert = elements_conversions[find_conversion(entry, dtype)].convert;
    size_t size = cnn__file_types[entry->type].bits / 8;
    uint64_t left = (entry->end - entry->begin) / size;
    while (left > 0) {
        uint64_t chunk[ELEMENTS_CHUNK / sizeof(uint64_t)];
        size_t count = left < ELEMENTS_CHUNK / size ? (size_t)left : ELEMENTS_CHUNK / size;
        cnn_status status = cnn__source_read(source, chunk, count * size);
        if (status != CNN_OK) {
            return status;
        }
        cnn__byte_order(chunk, count, size, cnn__source_is_big(source));
        convert(to, chunk, count);
        to += count * cnn_dtype_size(dtype);
        left -= count;
    }
    return CNN_OK;
}

/* A bool that is neither 0 nor 1 would be undefined behaviour wherever it is used later. */
static cnn_status check_bools(const cnn__source *source, const unsigned char *data, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (data[i] > 1) {
            return cnn__file_fail(&source->st->file, CNN_ERROR_FORMAT, source->start + i,
                                  "a BOOL element is %d, expected 0 or 1", data[i]);
        }
    }
    return CNN_OK;
}

static cnn_status read_direct(cnn__source *source, const cnn__entry *entry, cnn_dtype dtype, void *to)
{
    size_t bytes = (size_t)(entry->end - entry->begin), size = cnn_dtype_size(dtype);
    cnn_status status = cnn__source_read(source, to, bytes);
    if (status == CNN_OK && dtype == CNN_BOOL) {
        status = check_bools(source, to, bytes);
    }
    if (status == CNN_OK) {
        cnn__byte_order(to, bytes / size, size, cnn__source_is_big(source));
    }
    return status;
}

/* In the order that they have in the file. */
static cnn_status read_in_order(cnn__safetensors *st, const cnn__entry *entry, cnn_dtype dtype, void *to)
{
    cnn__source source;
    cnn_status status = cnn__source_begin(&source, st, entry);
    if (status == CNN_OK) {
        status = is_direct(entry, dtype) ? read_direct(&source, entry, dtype, to)
                                         : read_converted(&source, entry, dtype, to);
    }
    return status == CNN_OK ? cnn__source_end(&source) : status;
}

cnn_status cnn__safetensors_read(cnn__safetensors *st, const cnn__entry *entry, cnn_dtype dtype, void *to)
{
    int64_t stride[CNN_MAX_DIMS], numel = 1;
    if (!cnn__entry_is_fortran(st, entry)) {
        return read_in_order(st, entry, dtype, to);
    }
    for (int d = 0; d < entry->ndim; numel *= entry->shape[d++]) {
        stride[d] = numel;
    }
    size_t size = cnn_dtype_size(dtype), bytes = (size_t)numel * size;
    void *columns = cnn__alloc(st->ctx, bytes);
    if (!columns) {
        return cnn__fail_memory(st->ctx, st->file.call, bytes);
    }
    cnn_status status = read_in_order(st, entry, dtype, columns);
    if (status == CNN_OK && numel > 0) {
        cnn__gather(to, columns, size, entry->ndim, entry->shape, stride);
    }
    cnn__free(st->ctx, columns);
    return status;
}

cnn_tensor *cnn__safetensors_tensor(cnn__safetensors *st, const cnn__entry *entry)
{
    const cnn__file *file = &st->file;
    if (cnn__entry_dtype(entry) < 0) {
        cnn__file_fail(file, CNN_ERROR_UNSUPPORTED, cnn__entry_byte(st, entry), "tensor \"%s\" is %s, expected %s",
                       CNN__Q(cnn__entry_name(st, entry)), cnn__entry_type(st, entry),
                       st->members ? "f2, f4, f8, i1, i2, i4, i8, u1, u2, u4, u8, b1 or bfloat16"
                                   : "F32, F64, F16, BF16, I64, I32, U8 or BOOL");
        return NULL;
    }
    cnn_dtype dtype = (cnn_dtype)cnn__entry_dtype(entry);
    cnn_tensor *t = cnn__tensor_new_on_host(st->ctx, file->call, dtype, entry->ndim, entry->shape);
    if (t && cnn__safetensors_read(st, entry, dtype, cnn__data(t)) != CNN_OK) {
        cnn__tensor_release(t);
        t = NULL;
    }
    return cnn__tensor_off_host(t, file->call);
}
