/* The table of dtypes, and what the public API says of one. */
#include "base/dtype.h"

const cnn__dtype cnn__dtypes[CNN__DTYPES] = {
#define CNN__DTYPE(name, text, bytes, kind, compute, file) \
    [CNN_##name] = { text, file, bytes, CNN__KIND_##kind, CNN_##compute },
#include "base/dtypes.def"
#undef CNN__DTYPE
};

size_t cnn_dtype_size(cnn_dtype dtype)
{
    return cnn__dtype_valid(dtype) ? cnn__dtypes[dtype].size : 0;
}

const char *cnn_dtype_name(cnn_dtype dtype)
{
    return cnn__dtype_valid(dtype) ? cnn__dtypes[dtype].text : "unknown";
}
