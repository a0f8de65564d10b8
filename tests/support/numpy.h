/* What the tests of NumPy's files share. */
#ifndef CNN_TESTS_SUPPORT_NUMPY_H
#define CNN_TESTS_SUPPORT_NUMPY_H

#include "support/elements.h"
#include "support/io.h"

#ifdef CNN_HAVE_ZLIB
enum { ZLIB = true };
#else
enum { ZLIB = false };
#endif

static inline void failed_with(cnn_status status, const char *text)
{
    assert_error(cnn_context_status(NULL), status, text);
    cnn_context_clear_error(NULL);
    cnn_context_clear_error(ctx);
}

#endif
