/* The elements of initializers: raw, in repeated fields of TensorProto (float_data 4, int32_data 5, int64_data 7,
 * double_data 10, uint64_data 11), or in another file of the model's folder. Small integers are held in int32, uint32
 * and uint64 in int64, float16 in float32, as libcnn-onnx holds them. */
#include "graph.h"

#include "common/say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FLOAT = 1, UINT8, INT8, UINT16, INT16, INT32, INT64, BOOL = 9, HALF, DOUBLE, UINT32, UINT64, BFLOAT = 16 };
enum { UINT4 = 21, INT4 };

/* What a type is held in, and how many bits one element has where it is stored raw. */
static const struct kind {
    cnn_dtype dtype;
    int bits;
} kinds[] = {
    [FLOAT] = { CNN_F32, 32 },   [UINT8] = { CNN_U8, 8 },    [INT8] = { CNN_I32, 8 },    [UINT16] = { CNN_I32, 16 },
    [INT16] = { CNN_I32, 16 },   [INT32] = { CNN_I32, 32 },  [INT64] = { CNN_I64, 64 },  [BOOL] = { CNN_BOOL, 8 },
    [HALF] = { CNN_F32, 16 },    [DOUBLE] = { CNN_F64, 64 }, [UINT32] = { CNN_I64, 32 }, [UINT64] = { CNN_I64, 64 },
    [BFLOAT] = { CNN_BF16, 16 }, [UINT4] = { CNN_I32, 4 },   [INT4] = { CNN_I32, 4 },
};

bool graph_dtype(uint64_t type, cnn_dtype *dtype)
{
    bool held = type < sizeof kinds / sizeof *kinds && kinds[type].bits;
    *dtype = held ? kinds[type].dtype : CNN_F32;
    return held;
}

int64_t graph_bytes(uint64_t type, int64_t elements)
{
    cnn_dtype dtype;
    int64_t bits;
    return !graph_dtype(type, &dtype) || __builtin_mul_overflow(elements, (int64_t)kinds[type].bits, &bits) ||
                   bits > INT64_MAX - 7
               ? -1
               : (bits + 7) / 8;
}

static float from_half(uint64_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, exponent = (uint32_t)(h >> 10) & 0x1f, mantissa = h & 0x3ff, bits;
    float value;
    if (exponent == 0) {
        value = (float)mantissa * 0x1p-24f;
        return sign ? -value : value;
    }
    bits = exponent == 31 ? sign | 0x7f800000u | mantissa << 13 : sign | (exponent + 112) << 23 | mantissa << 13;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Writes element number i, whose bits in the type's own width are `bits`. */
static void put(uint64_t type, void *to, int64_t i, uint64_t bits)
{
    switch (type) {
    case FLOAT: ((uint32_t *)to)[i] = (uint32_t)bits; break;
    case HALF: ((float *)to)[i] = from_half(bits); break;
    case DOUBLE: ((uint64_t *)to)[i] = bits; break;
    case BFLOAT: ((uint16_t *)to)[i] = (uint16_t)bits; break;
    case UINT8: ((uint8_t *)to)[i] = (uint8_t)bits; break;
    case BOOL: ((uint8_t *)to)[i] = bits != 0; break;
    case INT8: ((int32_t *)to)[i] = (int8_t)bits; break;
    case UINT16: ((int32_t *)to)[i] = (uint16_t)bits; break;
    case INT16: ((int32_t *)to)[i] = (int16_t)bits; break;
    case INT32: ((int32_t *)to)[i] = (int32_t)bits; break;
    case UINT4: ((int32_t *)to)[i] = (int32_t)(bits & 15); break;
    case INT4: ((int32_t *)to)[i] = (int32_t)(bits & 15) - (bits & 8 ? 16 : 0); break;
    case UINT32: ((int64_t *)to)[i] = (uint32_t)bits; break;
    default: ((int64_t *)to)[i] = (int64_t)bits; break;
    }
}

static uint64_t little_endian(const unsigned char *at, int bytes)
{
    uint64_t value = 0;
    for (int b = 0; b < bytes; b++) {
        value |= (uint64_t)at[b] << (8 * b);
    }
    return value;
}

static void put_raw(const graph_tensor *t, const unsigned char *bytes, void *to)
{
    int size = kinds[t->value.type].bits / 8;
    for (int64_t i = 0; i < t->elements; i++) {
        put(t->value.type, to, i, size ? little_endian(bytes + i * size, size) : (uint64_t)bytes[i / 2] >> 4 * (i % 2));
    }
}

/* ---- repeated fields ---- */

static uint64_t field_of(uint64_t type, int *wire_type)
{
    *wire_type = type == FLOAT ? WIRE_FOUR : type == DOUBLE ? WIRE_EIGHT : WIRE_VARINT;
    return type == FLOAT ? 4 : type == DOUBLE ? 10 : type == INT64 ? 7 : type == UINT32 || type == UINT64 ? 11 : 5;
}

/* The next number of a field that is packed; false at its end, and where it is malformed. */
static bool packed(part *p, int wire_type, uint64_t *value)
{
    int size = wire_type == WIRE_FOUR ? 4 : 8;
    if (wire_type == WIRE_VARINT) {
        return wire_varint(p, value);
    }
    if (wire_size(*p) < (size_t)size) {
        return false;
    }
    *value = little_endian(p->at, size);
    p->at += size;
    return true;
}

/* How many elements the fields have, which go to `to` where it is not NULL. Two 4-bit numbers share one of 8 bits. */
static int64_t put_fields(const graph_tensor *t, void *to)
{
    int wire_type, parts = t->value.type == UINT4 || t->value.type == INT4 ? 2 : 1;
    uint64_t number = field_of(t->value.type, &wire_type), value;
    int64_t count = 0;
    part message = t->message;
    field f;
    while (wire_next(&message, &f)) {
        if (f.number != number || (f.type != WIRE_LENGTH && f.type != wire_type)) {
            continue;
        }
        bool one = f.type == WIRE_VARINT;
        value = f.value;
        while (one || packed(&f.bytes, wire_type, &value)) {
            for (int half = 0; half < parts && (half == 0 || count < t->elements); half++, count++) {
                if (to && count < t->elements) {
                    put(t->value.type, to, count, value >> (4 * half));
                }
            }
            if (one) {
                break;
            }
        }
    }
    return count;
}

/* ---- another file ---- */

/* Opens a file in the model's folder or below it, no link among the parts of its name, of which none is "..". */
static int open_beside(const char *model, const char *name)
{
    char folder[4096], rest[4096];
    const char *slash = strrchr(model, '/');
    size_t length = slash ? (size_t)(slash - model) + 1 : 0;
    errno = EINVAL;
    if (*name == '\0' || *name == '/' || length + 2 > sizeof folder || strlen(name) + 1 > sizeof rest) {
        return -1;
    }
    memcpy(folder, model, length);
    memcpy(folder + length, ".", 2);
    strcpy(rest, name);
    int at = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    for (char *step = rest, *next; at >= 0 && step; step = next) {
        next = strchr(step, '/');
        if (next) {
            *next++ = '\0';
        }
        int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | (next ? O_DIRECTORY : O_NONBLOCK);
        bool up = strcmp(step, "..") == 0;
        int below = up ? -1 : openat(at, *step ? step : ".", flags), error = up ? EINVAL : errno;
        close(at);
        errno = error;
        at = below;
    }
    return at;
}

static unsigned char *read_external(const graph *g, const char *command, const graph_tensor *t)
{
    struct stat about;
    unsigned char *bytes = NULL;
    int fd = open_beside(g->path, t->location);
    const char *why = NULL;
    if (fd < 0 || fstat(fd, &about) != 0) {
        why = strerror(errno);
    } else if (!S_ISREG(about.st_mode)) {
        why = "not a regular file";
    } else if (t->offset > (uint64_t)about.st_size || t->bytes > about.st_size - (int64_t)t->offset) {
        why = "it is too short";
    } else if (!(bytes = malloc((size_t)t->bytes + 1))) {
        why = "no memory";
    }
    for (int64_t done = 0; !why && done < t->bytes;) {
        ssize_t n = pread(fd, bytes + done, (size_t)(t->bytes - done), (off_t)t->offset + done);
        if (n <= 0 && !(n < 0 && errno == EINTR)) {
            why = n < 0 ? strerror(errno) : "it has become shorter";
        }
        done += n > 0 ? n : 0;
    }
    if (why && command) {
        char name[256];
        cnn_name_escape(t->location, name, sizeof name);
        say("%s: %s: external data \"%s\": %s", command, g->path, name, why);
    }
    if (why) {
        free(bytes);
        bytes = NULL;
    }
    if (fd >= 0) {
        close(fd);
    }
    return bytes;
}

/* ---- both ways ---- */

cnn_tensor *graph_read(const graph *g, const char *command, const graph_tensor *t, cnn_context *ctx)
{
    cnn_dtype dtype;
    unsigned char *beside = t->is_external && t->bytes >= 0 ? read_external(g, command, t) : NULL;
    if (t->is_external && !beside) {
        return NULL;
    }
    bool held = graph_dtype(t->value.type, &dtype) && t->bytes >= 0;
    bool whole =
        beside || (held && (t->has_raw ? wire_size(t->raw) == (uint64_t)t->bytes : put_fields(t, NULL) == t->elements));
    cnn_tensor *made = NULL;
    void *to = whole ? malloc((size_t)t->elements * cnn_dtype_size(dtype) + 1) : NULL;
    char name[256];
    cnn_name_escape(t->value.name, name, sizeof name);
    if (to) {
        if (beside || t->has_raw) {
            put_raw(t, beside ? beside : t->raw.at, to);
        } else {
            put_fields(t, to);
        }
        made = cnn_tensor_from_data(ctx, dtype, t->value.ndim, t->value.shape, to);
    }
    if (!made && command) {
        say("%s: %s: initializer \"%s\": %s", command, g->path, name,
            !whole ? "it has not as many elements as its shape says"
            : to   ? cnn_last_error(ctx)
                   : "no memory");
    }
    free(beside);
    free(to);
    return made;
}

bool graph_store(uint64_t type, const void *from, int64_t elements, unsigned char *to)
{
    static const struct {
        int64_t least, most;
    } ranges[] = { [INT8] = { -128, 127 },       [UINT16] = { 0, 65535 }, [INT16] = { -32768, 32767 },
                   [UINT32] = { 0, 4294967295 }, [UINT4] = { 0, 15 },     [INT4] = { -8, 7 } };
    cnn_dtype dtype;
    if (!graph_dtype(type, &dtype) || type == HALF) {
        return false;
    }
    if (type >= sizeof ranges / sizeof *ranges || ranges[type].most == 0) { /* stored as it is held */
        memcpy(to, from, (size_t)elements * cnn_dtype_size(dtype));
        return true;
    }
    int bits = kinds[type].bits;
    for (int64_t i = 0; i < elements; i++) {
        int64_t x = dtype == CNN_I64 ? ((const int64_t *)from)[i] : ((const int32_t *)from)[i];
        if (x < ranges[type].least || x > ranges[type].most) {
            return false;
        }
        if (bits == 4) {
            to[i / 2] = (unsigned char)(i % 2 ? (to[i / 2] & 15) | (x & 15) << 4 : x & 15);
        }
        for (int b = 0; b < bits / 8; b++) {
            to[i * (bits / 8) + b] = (unsigned char)((uint64_t)x >> (8 * b));
        }
    }
    return true;
}
