/* Weights into a copy of an ONNX model. The file stays as it is but for the elements of its initializers, whose bytes
 * are replaced where they lie: as raw bytes, or as packed floats, both little-endian. What cannot be replaced must
 * have these elements already: float16, what is in another file, and what is stored as numbers of varying length. */
#include "graph.h"
#include "onnx.h"

#include "common/say.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- an initializer ---- */

enum { FLOAT = 1 }; /* a value of TensorProto.DataType */

static bool same_shape(const graph_tensor *i, const cnn_tensor *t)
{
    bool same = i->value.ndim == cnn_tensor_ndim(t);
    for (int d = 0; same && d < i->value.ndim; d++) {
        same = i->value.shape[d] == cnn_tensor_shape(t)[d];
    }
    return same;
}

/* Whether the elements are bytes of this file, and where. */
static bool stored(const graph_tensor *i, part *at)
{
    field f;
    part message = i->message;
    *at = i->raw;
    bool there = i->has_raw;
    while (!there && wire_next(&message, &f)) { /* float_data */
        there = f.number == 4 && f.type == WIRE_LENGTH && i->value.type == FLOAT;
        *at = f.bytes;
    }
    return there && !i->is_external && wire_size(*at) == (uint64_t)i->bytes;
}

/* Whether the initializer has these elements already; what cannot be read has not. */
static bool same_elements(const graph *g, const graph_tensor *i, const void *elements, size_t bytes, cnn_context *ctx)
{
    cnn_tensor *now = graph_read(g, NULL, i, ctx);
    bool same = now && (bytes == 0 || memcmp(cnn_tensor_data(now), elements, bytes) == 0);
    cnn_tensor_free(now);
    return same;
}

/* Why the tensor cannot be the initializer; NULL: it is now. */
static const char *replace(const graph *g, graph_tensor *i, cnn_tensor *t, void *elements, size_t bytes)
{
    cnn_dtype dtype;
    part at;
    if (!graph_dtype(i->value.type, &dtype) || dtype != cnn_tensor_dtype(t)) {
        return "it has another dtype there";
    }
    if (!same_shape(i, t)) {
        return "it has another shape there";
    }
    if (cnn_tensor_read(t, elements, bytes) != CNN_OK) {
        return cnn_last_error(cnn_tensor_context(t));
    }
    bool is_stored = stored(i, &at);
    if (is_stored && graph_store(i->value.type, elements, i->elements, at.at)) {
        return NULL;
    }
    return same_elements(g, i, elements, bytes, cnn_tensor_context(t)) ? NULL
           : i->is_external ? "its elements are in another file there, which is not copied"
           : !is_stored     ? "its elements are not stored as bytes there"
                            : "its dtype there does not hold the elements";
}

static bool replace_elements(const graph *g, const char *name, cnn_tensor *t)
{
    graph_tensor *i = graph_initializer(g, name);
    if (!i) {
        say("cnn convert: %s has no initializer \"%s\"; choose what it has with --tensor or --prefix", g->path, name);
        return false;
    }
    size_t bytes = (size_t)cnn_tensor_numel(t) * cnn_dtype_size(cnn_tensor_dtype(t));
    void *elements = malloc(bytes + 1);
    const char *why = elements ? replace(g, i, t, elements, bytes) : "no memory";
    free(elements);
    if (why) {
        say("cnn convert: tensor \"%s\" cannot be written into a copy of %s: %s", name, g->path, why);
    }
    return !why;
}

/* ---- the file ---- */

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
    graph g;
    bool good = graph_open(&g, "cnn convert", model);
    if (!good) {
        return false;
    }
    for (int k = 0; k < count && good; k++) {
        good = replace_elements(&g, names[k], all[k]);
    }
    good = good && write_file(path, g.bytes, g.size);
    graph_close(&g);
    return good;
}
