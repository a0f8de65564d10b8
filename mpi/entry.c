/* The elements of gradients and buffers, in the dtype that they are summed in, and the buffers before a step. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static float widened(uint16_t bits)
{
    uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, sizeof value);
    return value;
}

/* Rounds to the nearest, ties to even; a NaN stays one. */
static uint16_t narrowed(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & UINT32_C(0x7fffffff)) > UINT32_C(0x7f800000)) {
        return (uint16_t)(bits >> 16 | 0x40);
    }
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static size_t bytes_of(const cnn__entry *e)
{
    return (size_t)e->numel * cnn_dtype_size(e->dtype);
}

const void *cnn__entry_read(cnn_data_parallel *p, const cnn__entry *e, cnn_tensor *from)
{
    if (cnn_tensor_read(from, p->scratch, bytes_of(e)) != CNN_OK) {
        return NULL;
    }
    if (e->dtype == CNN_BF16) { /* from the end, since the wide elements lie over the narrow ones */
        for (int64_t i = e->numel; i-- > 0;) {
            uint16_t bits;
            memcpy(&bits, p->scratch + 2 * i, sizeof bits);
            float value = widened(bits);
            memcpy(p->scratch + 4 * i, &value, sizeof value);
        }
    }
    return p->scratch;
}

cnn_status cnn__entry_write(cnn_data_parallel *p, const cnn__entry *e, cnn_tensor *to, const void *elements)
{
    if (e->dtype == CNN_BF16) {
        const float *wide = elements;
        for (int64_t i = 0; i < e->numel; i++) {
            uint16_t bits = narrowed(wide[i]);
            memcpy(p->scratch + 2 * i, &bits, sizeof bits);
        }
        elements = p->scratch;
    }
    return cnn_tensor_write(to, elements, bytes_of(e));
}

static size_t integer_bytes(const cnn_tensor *t)
{
    return (size_t)cnn_tensor_numel(t) * cnn_dtype_size(cnn_tensor_dtype(t));
}

cnn_status cnn__buffers_read(cnn_data_parallel *p)
{
    for (int i = p->gradient_count; i < p->entry_count; i++) {
        const cnn__entry *e = &p->entries[i];
        const void *elements = cnn__entry_read(p, e, e->tensor);
        if (!elements) {
            return cnn_context_status(p->ctx);
        }
        memcpy(p->before + e->before, elements, (size_t)e->numel * cnn_dtype_size(e->summed));
    }
    char *to = p->before + p->integers_before;
    cnn_status status = CNN_OK;
    for (int i = 0; i < p->integer_count && status == CNN_OK; i++) {
        status = cnn_tensor_read(p->integers[i], to, integer_bytes(p->integers[i]));
        to += integer_bytes(p->integers[i]);
    }
    return status;
}

cnn_status cnn__buffers_restore(cnn_data_parallel *p)
{
    cnn_status status = CNN_OK;
    for (int i = p->gradient_count; i < p->entry_count && status == CNN_OK; i++) {
        status = cnn__entry_write(p, &p->entries[i], p->entries[i].tensor, p->before + p->entries[i].before);
    }
    const char *from = p->before + p->integers_before;
    for (int i = 0; i < p->integer_count && status == CNN_OK; i++) {
        status = cnn_tensor_write(p->integers[i], from, integer_bytes(p->integers[i]));
        from += integer_bytes(p->integers[i]);
    }
    return status;
}
