/* The file: a model around the graph, whose weights go from the tensors to the disk without a copy.
 *
 * A message of protocol buffers begins with its size, so the sizes of all parts are known before the first byte is
 * written. A model of more than 2 GB has its weights in a second file, PATH.data, since readers of protocol buffers
 * take no larger one. */
#include "save_output.h"

#include <stdlib.h>
#include <string.h>

enum {
    SMALLEST_EXTERNAL = 1024, /* bytes of a weight that goes to the second file */
    ALIGNMENT = 64,           /* where a weight begins there, in bytes */
    CHUNK = 1 << 16
};

static const uint64_t largest_model = 2000000000; /* below 2^31 by what the nodes may take */

/* The format's version for an opset, as the first release that had both. */
static int ir_version(int opset)
{
    return opset < 19 ? 8 : opset < 21 ? 9 : opset < 23 ? 10 : 11;
}

/* ---- weights ---- */

/* Everything of a weight (TensorProto) but its elements where they stand in the model, which follow. */
static cnn__export_buffer describe_weight(const cnn__export_initializer *w, const char *data_name)
{
    cnn__export_buffer b = { 0 };
    for (int d = 0; d < w->ndim; d++) {
        cnn__export_put_int(&b, 1, w->shape[d]);
    }
    cnn__export_put_int(&b, 2, cnn__export_type(w->dtype));
    cnn__export_put_text(&b, 8, w->name);
    if (!w->external) {
        cnn__export_put_tag(&b, 9, w->bytes);
        return b;
    }
    char numbers[2][24];
    const char *const entries[3][2] = { { "location", data_name }, { "offset", numbers[0] }, { "length", numbers[1] } };
    snprintf(numbers[0], sizeof numbers[0], "%llu", (unsigned long long)w->offset);
    snprintf(numbers[1], sizeof numbers[1], "%zu", w->bytes);
    for (int i = 0; i < 3; i++) {
        cnn__export_buffer entry = { 0 };
        cnn__export_put_text(&entry, 1, entries[i][0]);
        cnn__export_put_text(&entry, 2, entries[i][1]);
        cnn__export_put_message(&b, 13, &entry);
    }
    cnn__export_put_int(&b, 14, 1);
    return b;
}

/* Little-endian bytes, whatever the machine's order. */
static bool write_elements(cnn__export_output *out, const unsigned char *from, size_t bytes, size_t size)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    unsigned char chunk[CHUNK];
    for (size_t at = 0; at < bytes;) {
        size_t part = bytes - at < CHUNK ? bytes - at : CHUNK;
        for (size_t i = 0; i < part; i++) {
            chunk[i] = from[at + i / size * size + size - 1 - i % size];
        }
        if (!cnn__export_output_write(out, chunk, part)) {
            return false;
        }
        at += part;
    }
    return true;
#else
    (void)size;
    return cnn__export_output_write(out, from, bytes);
#endif
}

static bool write_weight(cnn__export_output *out, const cnn__export_initializer *w)
{
    const size_t size = cnn_dtype_size(w->dtype);
    const bool direct = w->tensor && w->bytes && strcmp(cnn_tensor_device(w->tensor), "cpu") == 0 &&
                        cnn_tensor_is_contiguous(w->tensor);
    if (w->bytes == 0 || !w->tensor || direct) {
        return write_elements(out, w->tensor && direct ? cnn_tensor_data(w->tensor) : w->data, w->bytes, size);
    }
    unsigned char *copy = malloc(w->bytes);
    if (!copy) {
        return cnn__export_output_note(out, CNN_ERROR_NO_MEMORY, "no memory for the elements of a weight");
    }
    bool good = cnn_tensor_read(w->tensor, copy, w->bytes) == CNN_OK
                    ? write_elements(out, copy, w->bytes, size)
                    : cnn__export_output_note(out, CNN_ERROR_DEVICE, "the elements of a weight cannot be read");
    free(copy);
    return good;
}

/* ---- the second file ---- */

static void place_outside(cnn__export *s)
{
    uint64_t total = s->nodes.size + s->values.size, at = 0;
    for (int i = 0; i < s->initializer_count; i++) {
        total += s->initializers[i].bytes;
    }
    for (int i = 0; (s->options.external_data || total > largest_model) && i < s->initializer_count; i++) {
        cnn__export_initializer *w = &s->initializers[i];
        w->external = w->bytes >= SMALLEST_EXTERNAL;
        w->offset = at;
        at += w->external ? (w->bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT : 0;
    }
}

static bool has_outside(const cnn__export *s)
{
    bool any = false;
    for (int i = 0; i < s->initializer_count; i++) {
        any |= s->initializers[i].external;
    }
    return any;
}

static bool write_outside(cnn__export_output *out, const cnn__export *s)
{
    static const unsigned char zeros[ALIGNMENT];
    bool good = true;
    for (int i = 0; good && i < s->initializer_count; i++) {
        const cnn__export_initializer *w = &s->initializers[i];
        good = !w->external || (write_weight(out, w) &&
                                cnn__export_output_write(out, zeros, (ALIGNMENT - w->bytes % ALIGNMENT) % ALIGNMENT));
    }
    return good;
}

/* ---- the model ---- */

/* What stands in front of the graph (ModelProto), and the graph's size. */
static cnn__export_buffer model_head(const cnn__export *s, uint64_t graph)
{
    cnn__export_buffer head = { 0 }, opset = { 0 };
    cnn__export_put_int(&head, 1, ir_version(s->options.opset));
    cnn__export_put_text(&head, 2, "libcnn");
    cnn__export_put_text(&opset, 1, "");
    cnn__export_put_int(&opset, 2, s->options.opset);
    cnn__export_put_message(&head, 8, &opset);
    cnn__export_put_tag(&head, 7, graph);
    return head;
}

/* Writes one weight with its tag, or where `out` is NULL only adds its size to *graph. */
static bool put_weight(cnn__export_output *out, const cnn__export_initializer *w, const char *data_name,
                       uint64_t *graph)
{
    cnn__export_buffer tag = { 0 }, about = describe_weight(w, data_name);
    const size_t inside = w->external ? 0 : w->bytes;
    cnn__export_put_tag(&tag, 5, about.size + inside);
    *graph += tag.size + about.size + inside;
    bool good = !tag.failed && !about.failed;
    if (out) {
        good = good
                   ? cnn__export_output_write(out, tag.bytes, tag.size) &&
                         cnn__export_output_write(out, about.bytes, about.size) && (w->external || write_weight(out, w))
                   : cnn__export_output_note(out, CNN_ERROR_NO_MEMORY, "no memory for the description of a weight");
    }
    free(tag.bytes);
    free(about.bytes);
    return good;
}

static bool write_model(cnn__export_output *out, const cnn__export *s, const char *data_name)
{
    cnn__export_buffer name = { 0 };
    cnn__export_put_text(&name, 2, "libcnn");
    uint64_t graph = s->nodes.size + s->values.size + name.size, ignored = 0;
    bool good = !name.failed;
    for (int i = 0; good && i < s->initializer_count; i++) {
        good = put_weight(NULL, &s->initializers[i], data_name, &graph);
    }
    cnn__export_buffer head = model_head(s, graph);
    if (!good || head.failed) {
        good = cnn__export_output_note(out, CNN_ERROR_NO_MEMORY, "no memory for the head of the model");
    }
    good = good && cnn__export_output_write(out, head.bytes, head.size) &&
           cnn__export_output_write(out, s->nodes.bytes, s->nodes.size) &&
           cnn__export_output_write(out, name.bytes, name.size);
    for (int i = 0; good && i < s->initializer_count; i++) {
        good = put_weight(out, &s->initializers[i], data_name, &ignored);
    }
    good = good && cnn__export_output_write(out, s->values.bytes, s->values.size);
    free(name.bytes);
    free(head.bytes);
    return good;
}

/* ---- both ---- */

/* The second file comes first: a model never names one that is not there. */
cnn_status cnn__export_save_file(cnn__export *s)
{
    cnn__export_output out;
    const size_t length = strlen(s->path);
    char *data_path = malloc(length + sizeof ".data");
    bool good = false;
    if (!data_path) {
        return cnn__onnx_fail(s->ctx, CNN_ERROR_NO_MEMORY, "%s: no memory for a path", s->call);
    }
    memcpy(data_path, s->path, length);
    memcpy(data_path + length, ".data", sizeof ".data");
    const char *slash = strrchr(data_path, '/');
    place_outside(s);
    if (has_outside(s)) {
        good = cnn__export_output_open(&out, data_path);
        good = good && cnn__export_output_close(&out, write_outside(&out, s));
    }
    if (good || !has_outside(s)) {
        good = cnn__export_output_open(&out, s->path);
        good = good && cnn__export_output_close(&out, write_model(&out, s, slash ? slash + 1 : data_path));
    }
    cnn_status status =
        good ? CNN_OK
             : cnn__onnx_fail(s->ctx, out.status, "%s: %s: %s", s->call, cnn__onnx_path_end(out.path), out.text);
    free(data_path);
    return status;
}
