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

static cnn_status check_items(cnn_context *ctx, const char *call, cnn__item *items, size_t count)
{
    char quoted[CNN__QUOTE];
    cnn__sort(items, count, sizeof *items, safetensors_save_by_name, NULL);
    for (size_t i = 0; i < count; i++) {
        const char *fault = NULL;
        if (!cnn__utf8_valid(items[i].name)) {
            fault = "is not UTF-8";
        } else if (strcmp(items[i].name, "__metadata__") == 0) {
            fault = "is reserved by the format";
        } else if (i > 0 && strcmp(items[i].name, items[i - 1].name) == 0) {
            fault = "is given twice";
        }
        if (fault) {
            return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: the name \"%s\" %s", call,
                             cnn__quote(quoted, items[i].name, false), fault);
        }
    }
    cnn__sort(items, count, sizeof *items, safetensors_save_by_place, NULL);
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

static cnn_status write_contiguous(cnn__save *save, const cnn_tensor *t)
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
        status = cnn__save_write(save, chunk, part);
        from += part;
        left -= part;
    }
    return status;
#else
    return cnn__save_write(save, from, left);
#endif
}

static cnn_status write_tensor(cnn__save *save, const cnn_tensor *t)
{
    if (cnn__contiguous(t) && !t->ctx->device) {
        return write_contiguous(save, t);
    }
    cnn_tensor *copy = t->ctx->device ? cnn__tensor_on_host(t, save->call)
                                      : cnn__tensor_new(t->ctx, save->call, t->dtype, t->ndim, t->shape);
    cnn_status status = !copy ? cnn__failure_status() : t->ctx->device ? CNN_OK : cnn__tensor_copy(copy, t, save->call);
    if (status == CNN_OK) {
        status = write_contiguous(save, copy);
    }
    cnn__tensor_release(copy);
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
    cnn_status status = check_items(ctx, call, items, count);
    if (status != CNN_OK) {
        return status;
    }
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
