/* What a dtype is: a constant descriptor (dtypes.def), which names the type that elements are stored as and the one
 * that kernels compute in. */
#ifndef CNN_BASE_DTYPE_H
#define CNN_BASE_DTYPE_H

#include "platform/target.h"

#include <cnn/tensor.h>

#include <stdint.h>
#include <string.h>

enum { CNN__DTYPES = CNN_BF16 + 1 };

typedef enum cnn__dtype_kind { CNN__KIND_REAL, CNN__KIND_INTEGER, CNN__KIND_TRUTH } cnn__dtype_kind;

typedef struct cnn__dtype {
    const char *text; /* PyTorch's name */
    const char *file; /* safetensors' */
    size_t size;
    cnn__dtype_kind kind;
    cnn_dtype compute;
} cnn__dtype;

extern const cnn__dtype cnn__dtypes[CNN__DTYPES];

static inline bool cnn__dtype_valid(cnn_dtype dtype)
{
    return (int)dtype >= 0 && (int)dtype < CNN__DTYPES;
}

/* Whether elements are real numbers, so that they can have gradients. */
static inline bool cnn__dtype_is_real(cnn_dtype dtype)
{
    return cnn__dtype_valid(dtype) && cnn__dtypes[dtype].kind == CNN__KIND_REAL;
}

/* Whether kernels convert elements before they compute with them; of a valid dtype. */
static inline bool cnn__dtype_is_stored(cnn_dtype dtype)
{
    return cnn__dtypes[dtype].compute != dtype;
}

/* f32 and f64: real, and computed in as they are. */
static inline bool cnn__dtype_is_full(cnn_dtype dtype)
{
    return cnn__dtype_is_real(dtype) && !cnn__dtype_is_stored(dtype);
}

/* The real dtypes, as messages list them. */
#define CNN__REAL_DTYPES "float32, float64 or bfloat16"

/* ---- bfloat16: the upper half of a binary32, by its bits ---- */

static inline float cnn__real_of_bf16(uint16_t upper)
{
    const uint32_t bits = (uint32_t)upper << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The nearest one, of two the even one; what lies beyond the largest becomes infinity. A NaN stays one, with its sign
 * and its upper bits: the bit below them is set where they would say infinity. */
static inline uint16_t cnn__bf16_of_bits(uint32_t bits)
{
    const uint32_t nearest = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    const uint32_t cut = bits >> 16 | ((bits & 0x7f0000) == 0 ? 0x40 : 0);
    return (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? cut : nearest);
}

static inline uint16_t cnn__bf16_of_real(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return cnn__bf16_of_bits(bits);
}

#endif
