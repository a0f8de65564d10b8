/* Values that the host computes with: shapes, indices and other small tensors, in 64 bits an element. */
#include "program.h"

#include <string.h>

cnn__onnx_host *cnn__onnx_host_new(cnn__onnx_arena *arena, int type, int ndim, const int64_t *shape)
{
    cnn__onnx_host *host = cnn__onnx_arena_get(arena, 1, sizeof *host);
    if (!host) {
        return NULL;
    }
    *host = (cnn__onnx_host){ .type = type, .ndim = ndim, .numel = 1 };
    for (int d = 0; d < ndim; d++) { /* sizes around one of 0 may be any */
        host->shape[d] = shape[d];
        host->numel = shape[d] == 0 ? 0 : host->numel;
    }
    for (int d = 0; d < ndim && host->numel; d++) {
        if (__builtin_mul_overflow(host->numel, shape[d], &host->numel)) {
            return NULL;
        }
    }
    if (cnn__onnx_is_float(type)) {
        host->f = cnn__onnx_arena_get(arena, (size_t)host->numel, sizeof *host->f);
    } else {
        host->i = cnn__onnx_arena_get(arena, (size_t)host->numel, sizeof *host->i);
    }
    return host->f || host->i ? host : NULL;
}

void cnn__onnx_widen(cnn_dtype dtype, const void *from, cnn__onnx_host *to)
{
    for (int64_t k = 0; k < to->numel; k++) {
        switch (dtype) {
        case CNN_F32: to->f[k] = (double)((const float *)from)[k]; break;
        case CNN_F64: to->f[k] = ((const double *)from)[k]; break;
        case CNN_I64: to->i[k] = ((const int64_t *)from)[k]; break;
        case CNN_I32: to->i[k] = ((const int32_t *)from)[k]; break;
        case CNN_BF16: {
            uint32_t bits = (uint32_t)((const uint16_t *)from)[k] << 16;
            float value;
            memcpy(&value, &bits, sizeof value);
            to->f[k] = (double)value;
            break;
        }
        default: to->i[k] = ((const unsigned char *)from)[k]; break;
        }
    }
}
