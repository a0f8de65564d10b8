/* Writes safetensors files. Tensors with large elements come first, so that each begins at a multiple of its element
 * size, and within a size they are sorted by name, so that the same tensors always give the same file. */
#include "io/json.h"
#include "io/safetensors.h"

#include <inttypes.h>
#include <string.h>

enum { SAFETENSORS_SAVE_CHUNK = 4096, SAFETENSORS_SAVE_ALIGNMENT = 8 };

void cnn__metadata_add(cnn__text *metadata, const char *key, const char *value)
{
    if (metadata->size > 0) {
        cnn__text_add(metadata, ",", 1);
    }
    cnn__text_json(metadata, key);
    cnn__text_add(metadata, ":", 1);
    cnn__text_json(metadata, value);
}

static int safetensors_save_by_name(const void *a, const void *b, const void *user)
{
    (void)user;
    return strcmp(((const cnn__item *)a)->name, ((const cnn__item *)b)->name);
}

static int safetensors_save_by_place(const void *a, const void *b, const void *user)
{
    size_t size_a = cnn_dtype_size(((const cnn__item *)a)->tensor->dtype);
    size_t size_b = cnn_dtype_size(((const cnn__item *)b)->tensor->dtype);
    return size_a != size_b ? (size_a > size_b ? -1 : 1) : safetensors_save_by_name(a, b, user);
}

cnn_status cnn__items_check(cnn_context *ctx, const char *call, cnn__item *items, size_t count, const char *reserved)
{
    char quoted[CNN__QUOTE];
    cnn__sort(items, count, sizeof *items, safetensors_save_by_name, NULL);
    for (size_t i = 0; i < count; i++) {
        const char *fault = NULL;
        if (!cnn__utf8_valid(items[i].name)) {
            fault = "is not UTF-8";
        } else if (reserved && strcmp(items[i].name, reserved) == 0) {
            fault = "is reserved by the format";
        } else if (i > 0 && strcmp(items[i].name, items[i - 1].name) == 0) {
            fault = "is given twice";
        }
        if (fault) {
            return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: the name \"%s\" %s", call,
                             cnn__quote(quoted, items[i].name, false), fault);
        }
    }
    return CNN_OK;
}

static void add_item(cnn__text *header, const cnn__item *item, uint64_t *at)
{
    const cnn_tensor *t = item->tensor;
    uint64_t end = *at + (uint64_t)t->numel * cnn_dtype_size(t->dtype);
    cnn__text_json(header, item->name);
    cnn__text_print(header, ":{\"dtype\":\"%s\",\"shape\":[", cnn__dtypes[t->dtype].file);
    for (int i = 0; i < t->ndim; i++) {
        cnn__text_print(header, i ? ",%" PRId64 : "%" PRId64, t->shape[i]);
    }
    cnn__text_print(header, "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}", *at, end);
    *at = end;
}

static void make_header(cnn__text *header, const cnn__item *items, size_t count, const cnn__text *metadata)
{
    uint64_t at = 0;
    cnn__text_add(header, "{", 1);
    if (metadata && metadata->size > 0) {
        cnn__text_print(header, "\"__metadata__\":{");
        cnn__text_add(header, metadata->data, metadata->size);
        cnn__text_add(header, "}", 1);
    }
    for (size_t i = 0; i < count; i++) {
        if (header->size > 1) {
            cnn__text_add(header, ",", 1);
        }
        add_item(header, &items[i], &at);
    }
    cnn__text_add(header, "}", 1);
    while (header->size % SAFETENSORS_SAVE_ALIGNMENT != 0 && !header->failed) {
        cnn__text_add(header, " ", 1);
    }
}

cnn_status cnn__elements_pass(const cnn_tensor *t, cnn__sink_fn sink, void *user)
{
    const char *from = cnn__data(t);
    size_t size = cnn_dtype_size(t->dtype), left = (size_t)t->numel * size;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    cnn_status status = CNN_OK;
    while (left > 0 && status == CNN_OK) {
        char chunk[SAFETENSORS_SAVE_CHUNK];
        size_t part = left < SAFETENSORS_SAVE_CHUNK ? left : SAFETENSORS_SAVE_CHUNK;
        memcpy(chunk, from, part);
        cnn__little_endian(chunk, part / size, size);
        status = sink(user, chunk, part);
        from += part;
        left -= part;
    }
    return status;
#else
    return sink(user, from, left);
#endif
}

const cnn_tensor *cnn__tensor_for_file(const cnn_tensor *t, const char *call)
{
    if (t->storage->on_device) {
        return cnn__tensor_on_host(t, call);
    }
    if (cnn__contiguous(t)) {
        return t;
    }
    cnn_tensor *copy = cnn__tensor_new(t->ctx, call, t->dtype, t->ndim, t->shape);
    if (copy && cnn__tensor_copy(copy, t, call) != CNN_OK) {
        cnn__tensor_release(copy);
        copy = NULL;
    }
    return copy;
}

void cnn__tensor_for_file_end(const cnn_tensor *t, const cnn_tensor *in_file)
{
    if (in_file != t) {
        cnn__tensor_release((cnn_tensor *)(uintptr_t)in_file);
    }
}

static cnn_status sink_save(void *save, const void *data, size_t size)
{
    return cnn__save_write(save, data, size);
}

static cnn_status write_tensor(cnn__save *save, const cnn_tensor *t)
{
    const cnn_tensor *in_file = cnn__tensor_for_file(t, save->call);
    cnn_status status = in_file ? cnn__elements_pass(in_file, sink_save, save) : cnn__failure_status();
    cnn__tensor_for_file_end(t, in_file);
    return status;
}

static cnn_status write_all(cnn__save *save, const cnn__text *header, const cnn__item *items, size_t count)
{
    unsigned char prefix[CNN__PREFIX];
    for (int i = 0; i < CNN__PREFIX; i++) {
        prefix[i] = (unsigned char)((uint64_t)header->size >> 8 * i & 0xff);
    }
    cnn_status status = cnn__save_write(save, prefix, sizeof prefix);
    if (status == CNN_OK) {
        status = cnn__save_write(save, header->data, header->size);
    }
    for (size_t i = 0; i < count && status == CNN_OK; i++) {
        status = write_tensor(save, items[i].tensor);
    }
    return status;
}

cnn_status cnn__safetensors_save(cnn_context *ctx, const char *call, const char *path, cnn__item *items, size_t count,
                                 const cnn__text *metadata)
{
    cnn__text header = { .ctx = ctx };
    cnn__save save;
    cnn_status status = cnn__items_check(ctx, call, items, count, "__metadata__");
    if (status != CNN_OK) {
        return status;
    }
    cnn__sort(items, count, sizeof *items, safetensors_save_by_place, NULL);
    make_header(&header, items, count, metadata);
    if (header.failed || (metadata && metadata->failed)) {
        status = cnn__fail_memory(ctx, call, header.size);
    } else if (header.size > CNN__LONGEST_HEADER) {
        status = cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: names and metadata of %zu bytes, expected at most %d",
                           call, header.size, CNN__LONGEST_HEADER);
    } else {
        status = cnn__save_begin(&save, ctx, call, path);
        if (status == CNN_OK) {
            status = cnn__save_end(&save, write_all(&save, &header, items, count));
        }
    }
    cnn__text_free(&header);
    return status;
}
