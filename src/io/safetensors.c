/* Reads safetensors files. The header is parsed twice, once to count and once to fill arrays of exactly that size;
 * then the ranges of the tensors are checked to cover the data without gaps or overlaps. */
#include "io/numpy.h"

#include <inttypes.h>
#include <string.h>

enum { LONGEST_HEADER = CNN__LONGEST_HEADER, SAFETENSORS_PREFIX = CNN__PREFIX };

static cnn_status safetensors_read_header(cnn__safetensors *st)
{
    unsigned char prefix[SAFETENSORS_PREFIX];
    if (st->file.size < SAFETENSORS_PREFIX) {
        return cnn__file_fail(&st->file, CNN_ERROR_FORMAT, st->file.size,
                              "the file ends here, a safetensors file has at least 8 bytes of header length");
    }
    cnn_status status = cnn__file_read(&st->file, prefix, SAFETENSORS_PREFIX);
    if (status != CNN_OK) {
        return status;
    }
    st->kind = cnn__numpy_kind(prefix);
    if (st->kind != CNN__SAFETENSORS) {
        return CNN_OK;
    }
    for (int i = SAFETENSORS_PREFIX - 1; i >= 0; i--) {
        st->header_size = st->header_size << 8 | prefix[i];
    }
    uint64_t rest = st->file.size - SAFETENSORS_PREFIX;
    if (st->header_size < 2 || st->header_size > LONGEST_HEADER || st->header_size > rest) {
        return cnn__file_fail(&st->file, CNN_ERROR_FORMAT, 0,
                              "a header of %" PRIu64 " bytes, expected 2 to %" PRIu64 " (is this a safetensors file?)",
                              st->header_size, rest < LONGEST_HEADER ? rest : (uint64_t)LONGEST_HEADER);
    }
    size_t size = (size_t)st->header_size;
    st->header = cnn__alloc(st->ctx, size + 1);
    if (!st->header) {
        return cnn__fail_memory(st->ctx, st->file.call, size + 1);
    }
    return cnn__file_read(&st->file, st->header, size);
}

static cnn_status parse_twice(cnn__safetensors *st)
{
    cnn_status status = cnn__safetensors_parse(st);
    if (status != CNN_OK) {
        return status;
    }
    size_t entries = st->count * sizeof *st->entries, pairs = st->pair_count * sizeof *st->pairs;
    st->entries = cnn__alloc(st->ctx, entries);
    st->pairs = cnn__alloc(st->ctx, pairs);
    if (!st->entries || !st->pairs) {
        return cnn__fail_memory(st->ctx, st->file.call, st->entries ? pairs : entries);
    }
    return cnn__safetensors_parse(st);
}

static int safetensors_by_place(const void *a, const void *b, const void *user)
{
    const cnn__entry *x = a, *y = b;
    (void)user;
    if (x->begin != y->begin) {
        return x->begin < y->begin ? -1 : 1;
    }
    if (x->end != y->end) {
        return x->end < y->end ? -1 : 1;
    }
    return (x->name > y->name) - (x->name < y->name); /* the later of two entries at the same offset is at fault */
}

static int safetensors_by_name(const void *a, const void *b, const void *user)
{
    const cnn__entry *x = a, *y = b;
    return strcmp((const char *)user + x->name, (const char *)user + y->name);
}

static int by_key(const void *a, const void *b, const void *user)
{
    const cnn__pair *x = a, *y = b;
    return strcmp((const char *)user + x->key, (const char *)user + y->key);
}

static cnn_status check_places(cnn__safetensors *st)
{
    char quoted[CNN__QUOTE];
    uint64_t at = 0, data = st->file.size - SAFETENSORS_PREFIX - st->header_size;
    cnn__sort(st->entries, st->count, sizeof *st->entries, safetensors_by_place, NULL);
    for (size_t i = 0; i < st->count; i++) {
        const cnn__entry *e = &st->entries[i];
        if (e->begin != at) {
            return cnn__file_fail(&st->file, CNN_ERROR_FORMAT, cnn__entry_byte(st, e),
                                  "tensor \"%s\" begins at byte %" PRIu64 " of the data, expected %" PRIu64
                                  ": tensors %s",
                                  cnn__quote(quoted, cnn__entry_name(st, e), false), e->begin, at,
                                  e->begin > at ? "leave a hole" : "overlap");
        }
        at = e->end;
    }
    if (at != data) {
        return cnn__file_fail(&st->file, CNN_ERROR_FORMAT, SAFETENSORS_PREFIX + st->header_size + at,
                              "the tensors end here, but the file goes on for %" PRIu64 " bytes", data - at);
    }
    return CNN_OK;
}

static cnn_status check_names(cnn__safetensors *st)
{
    char quoted[CNN__QUOTE];
    cnn__sort(st->entries, st->count, sizeof *st->entries, safetensors_by_name, st->header);
    for (size_t i = 1; i < st->count; i++) {
        const cnn__entry *a = &st->entries[i - 1], *b = &st->entries[i];
        if (safetensors_by_name(a, b, st->header) == 0) {
            return cnn__file_fail(&st->file, CNN_ERROR_FORMAT, cnn__entry_byte(st, a->name > b->name ? a : b),
                                  "a second tensor \"%s\"", cnn__quote(quoted, cnn__entry_name(st, a), false));
        }
    }
    cnn__sort(st->pairs, st->pair_count, sizeof *st->pairs, by_key, st->header);
    for (size_t i = 1; i < st->pair_count; i++) {
        const cnn__pair *a = &st->pairs[i - 1], *b = &st->pairs[i];
        if (by_key(a, b, st->header) == 0) {
            uint32_t later = a->key > b->key ? a->key : b->key;
            return cnn__file_fail(&st->file, CNN_ERROR_FORMAT, SAFETENSORS_PREFIX + later,
                                  "a second key \"%s\" in __metadata__", cnn__quote(quoted, st->header + later, false));
        }
    }
    return CNN_OK;
}

cnn_status cnn__safetensors_open(cnn__safetensors *st, cnn_context *ctx, const char *call, const char *path)
{
    *st = (cnn__safetensors){ .ctx = ctx };
    cnn_status status = cnn__file_open(&st->file, ctx, call, path);
    if (status != CNN_OK) {
        return status;
    }
    cnn_status (*const steps[])(cnn__safetensors *) = { parse_twice, check_places, check_names };
    status = safetensors_read_header(st);
    if (status == CNN_OK && st->kind != CNN__SAFETENSORS) {
        status = cnn__numpy_parse(st);
    } else {
        for (size_t i = 0; status == CNN_OK && i < sizeof steps / sizeof *steps; i++) {
            status = steps[i](st);
        }
    }
    if (status != CNN_OK) {
        cnn__safetensors_close(st);
    }
    return status;
}

void cnn__safetensors_close(cnn__safetensors *st)
{
    cnn__file_close(&st->file);
    cnn__inflater_free(st);
    cnn__free(st->ctx, st->members);
    cnn__free(st->ctx, st->pairs);
    cnn__free(st->ctx, st->entries);
    cnn__free(st->ctx, st->header);
    st->members = NULL;
    st->pairs = NULL;
    st->entries = NULL;
    st->header = NULL;
}

/* ---- look-ups ---- */

/* The element of a sorted array whose text, at the offset that it begins with, is `text`; NULL if there is none. */
static const void *safetensors_search(const cnn__safetensors *st, const void *array, size_t count, size_t size,
                                      const char *text)
{
    for (size_t low = 0, high = count; low < high;) {
        size_t middle = low + (high - low) / 2;
        const char *element = (const char *)array + middle * size;
        int order = strcmp(text, st->header + *(const uint32_t *)(const void *)element);
        if (order == 0) {
            return element;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

cnn__entry *cnn__safetensors_find(const cnn__safetensors *st, const char *name)
{
    return (cnn__entry *)(uintptr_t)safetensors_search(st, st->entries, st->count, sizeof *st->entries, name);
}

const char *cnn__safetensors_metadata(const cnn__safetensors *st, const char *key)
{
    const cnn__pair *pair = safetensors_search(st, st->pairs, st->pair_count, sizeof *st->pairs, key);
    return pair ? st->header + pair->value : NULL;
}

uint64_t cnn__safetensors_value_byte(const cnn__safetensors *st, const char *value)
{
    return SAFETENSORS_PREFIX + (uint64_t)(value - st->header);
}

uint64_t cnn__entry_byte(const cnn__safetensors *st, const cnn__entry *entry)
{
    return st->members ? st->members[entry - st->entries].record : SAFETENSORS_PREFIX + (uint64_t)entry->name;
}
