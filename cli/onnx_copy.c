/* Weights into a copy of an ONNX model. The file stays as it is but for the elements of its initializers, whose bytes
 * are replaced where they lie: as raw bytes, or as packed floats, both little-endian. Of the messages of protocol
 * buffers as much is read as leads to them: ModelProto.graph (7), GraphProto.initializer (5), and of TensorProto dims
 * (1), data_type (2), float_data (4), name (8), raw_data (9) and external_data (13). */
#include "common/say.h"
#include "onnx.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct part {
    unsigned char *at, *end;
} part;

typedef struct field {
    uint64_t number, value; /* the value of a varint */
    int type;
    part bytes; /* the bytes of a length */
} field;

typedef struct weights {
    const char *model;
    const char *const *names;
    cnn_tensor *const *all;
    int count;
    bool *used;
} weights;

/* ---- protocol buffers ---- */

static bool varint(part *p, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; p->at < p->end && shift < 64; shift += 7) {
        unsigned char byte = *p->at++;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return true;
        }
    }
    return false;
}

/* Reads the next field; false at the end, and where it is malformed, which leaves `p` before its end. */
static bool next(part *p, field *f)
{
    static const uint64_t sizes[] = { [1] = 8, [5] = 4 };
    part at = *p;
    uint64_t tag, length;
    if (p->at == p->end || !varint(&at, &tag)) {
        return false;
    }
    f->number = tag >> 3;
    f->type = (int)(tag & 7);
    if (f->type == 0) {
        if (!varint(&at, &f->value)) {
            return false;
        }
    } else {
        bool known = f->type == 1 || f->type == 5;
        length = known ? sizes[f->type] : 0;
        if ((!known && (f->type != 2 || !varint(&at, &length))) || length > (uint64_t)(at.end - at.at)) {
            return false;
        }
        f->bytes = (part){ at.at, at.at + length };
        at.at += length;
    }
    p->at = at.at;
    return true;
}

static size_t size_of(part p)
{
    return (size_t)(p.end - p.at);
}

/* ---- an initializer ---- */

typedef struct initializer {
    part name, elements;
    uint64_t type;
    int64_t shape[CNN_MAX_DIMS];
    int ndim;
    bool is_external, is_there; /* its elements: in another file; as bytes of this one */
} initializer;

static bool add_dim(initializer *i, uint64_t size)
{
    if (i->ndim == CNN_MAX_DIMS) {
        return false;
    }
    i->shape[i->ndim++] = (int64_t)size;
    return true;
}

static bool read_initializer(part message, initializer *i)
{
    field f;
    *i = (initializer){ 0 };
    bool good = true;
    while (good && next(&message, &f)) {
        uint64_t size;
        if (f.number == 1 && f.type == 0) {
            good = add_dim(i, f.value);
        } else if (f.number == 1 && f.type == 2) {
            while (good && f.bytes.at < f.bytes.end) {
                good = varint(&f.bytes, &size) && add_dim(i, size);
            }
        } else if (f.number == 2 && f.type == 0) {
            i->type = f.value;
        } else if (f.number == 8 && f.type == 2) {
            i->name = f.bytes;
        } else if ((f.number == 4 || f.number == 9) && f.type == 2) {
            i->elements = f.bytes;
            i->is_there = true;
        } else if (f.number == 13) {
            i->is_external = true;
        }
    }
    return good && message.at == message.end;
}

/* The number of the tensor for an initializer; -1: there is none. */
static int find(const weights *w, part name)
{
    int low = 0, high = w->count;
    size_t size = size_of(name);
    if (memchr(name.at, '\0', size)) { /* no tensor's name has one */
        return -1;
    }
    while (low < high) {
        int middle = low + (high - low) / 2;
        int order = strncmp(w->names[middle], (const char *)name.at, size);
        order = order ? order : w->names[middle][size] != '\0';
        if (order == 0) {
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return -1;
}

static bool same_shape(const initializer *i, const cnn_tensor *t)
{
    bool same = i->ndim == cnn_tensor_ndim(t);
    for (int d = 0; same && d < i->ndim; d++) {
        same = i->shape[d] == cnn_tensor_shape(t)[d];
    }
    return same;
}

static bool replace_elements(const weights *w, const initializer *i, int k)
{
    static const uint64_t types[] = {
        [CNN_F32] = 1, [CNN_F64] = 11, [CNN_I64] = 7, [CNN_I32] = 6, [CNN_U8] = 2, [CNN_BOOL] = 9, [CNN_BF16] = 16
    };
    const cnn_tensor *t = w->all[k];
    cnn_dtype dtype = cnn_tensor_dtype(t);
    size_t bytes = (size_t)cnn_tensor_numel(t) * cnn_dtype_size(dtype);
    const char *why = i->type != types[dtype] ? "it has another dtype there"
                      : !same_shape(i, t)     ? "it has another shape there"
                      : i->is_external        ? "its elements are in another file there, which is not copied"
                      : !i->is_there || size_of(i->elements) != bytes ? "its elements are not stored as bytes there"
                                                                      : NULL;
    if (why) {
        say("cnn convert: tensor \"%s\" cannot be written into a copy of %s: %s", w->names[k], w->model, why);
        return false;
    }
    if (cnn_tensor_read(t, i->elements.at, bytes) != CNN_OK) {
        say("cnn convert: tensor \"%s\": %s", w->names[k], cnn_last_error(NULL));
        return false;
    }
    w->used[k] = true;
    return true;
}

/* ---- the file ---- */

static bool replace_all(const weights *w, part model)
{
    field f, g;
    bool good = true;
    while (good && next(&model, &f)) {
        bool graph = f.number == 7 && f.type == 2;
        while (graph && good && next(&f.bytes, &g)) {
            initializer i;
            if (g.number == 5 && g.type == 2 && (good = read_initializer(g.bytes, &i)) && i.name.at) {
                int k = find(w, i.name);
                if (k >= 0 && !replace_elements(w, &i, k)) {
                    return false;
                }
            }
        }
        good = good && (!graph || f.bytes.at == f.bytes.end);
    }
    if (!good || model.at != model.end) {
        say("cnn convert: %s is no ONNX model, or a malformed one", w->model);
        return false;
    }
    for (int k = 0; k < w->count; k++) {
        if (!w->used[k]) {
            say("cnn convert: %s has no initializer \"%s\"; choose what it has with --tensor or --prefix", w->model,
                w->names[k]);
            return false;
        }
    }
    return true;
}

static unsigned char *read_file(const char *path, size_t *size)
{
    struct stat about;
    FILE *file = fopen(path, "rb");
    unsigned char *bytes = NULL;
    if (!file || fstat(fileno(file), &about) != 0) {
        say("cnn convert: cannot open %s: %s", path, strerror(errno));
    } else if (!S_ISREG(about.st_mode)) {
        say("cnn convert: %s: not a regular file", path);
    } else if (!(bytes = malloc((size_t)about.st_size + 1))) {
        say("cnn convert: %s: no memory for %lld bytes", path, (long long)about.st_size);
    } else {
        *size = (size_t)about.st_size;
        errno = 0;
        if (fread(bytes, 1, *size, file) != *size) {
            say("cnn convert: cannot read %s: %s", path, errno ? strerror(errno) : "the file has become shorter");
            free(bytes);
            bytes = NULL;
        }
    }
    if (file) {
        fclose(file);
    }
    return bytes;
}

/* A file beside `path` that then gets its name. */
static bool write_file(const char *path, const unsigned char *bytes, size_t size)
{
    size_t length = strlen(path);
    char *beside = malloc(length + 8);
    if (!beside) {
        say("cnn convert: no memory");
        return false;
    }
    memcpy(beside, path, length);
    memcpy(beside + length, ".XXXXXX", 8);
    int fd = mkstemp(beside);
    FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    mode_t mask = umask(0);
    umask(mask);
    bool good = file && fwrite(bytes, 1, size, file) == size && fflush(file) == 0 && fsync(fd) == 0 &&
                fchmod(fd, 0666 & ~mask) == 0;
    int error = errno;
    if (file && fclose(file) != 0 && good) {
        error = errno;
        good = false;
    }
    if (good && rename(beside, path) != 0) {
        error = errno;
        good = false;
    }
    if (!good) {
        say("cnn convert: cannot write %s: %s", path, strerror(error));
        if (fd >= 0) {
            unlink(beside);
        }
    }
    free(beside);
    return good;
}

bool onnx_write_copy(const char *model, const char *path, const char *const *names, cnn_tensor *const *all, int count)
{
    size_t size = 0;
    weights w = { .model = model, .names = names, .all = all, .count = count };
    unsigned char *bytes = read_file(model, &size);
    w.used = bytes ? calloc((size_t)count + 1, sizeof *w.used) : NULL;
    if (bytes && !w.used) {
        say("cnn convert: no memory for %d tensors", count);
    }
    bool good = w.used && replace_all(&w, (part){ bytes, bytes + size }) && write_file(path, bytes, size);
    free(w.used);
    free(bytes);
    return good;
}
