/** @file
 * The version of the library, at compile time and at run time. */
#ifndef CNN_VERSION_H
#define CNN_VERSION_H

#include <cnn/export.h>

#define CNN_VERSION_MAJOR 0 /**< the major version of the headers; grows when something is removed or changed */
#define CNN_VERSION_MINOR 2 /**< grows when something is added; before 1.0 also when something is changed */
#define CNN_VERSION_PATCH 0 /**< grows when something is mended */
/** The three together. */
#define CNN_VERSION_STRING "0.2.0"

CNN_BEGIN_DECLS

/**
 * The version of the library that is running, such as "0.2.0": it may be newer than CNN_VERSION_STRING, which is that
 * of the headers a program was compiled with.
 *
 * @return a constant string. Thread-safe, cannot fail.
 * @since 0.1
 */
CNN_API const char *cnn_version(void);

/**
 * The same as one number, major · 10000 + minor · 100 + patch.
 * @since 0.1
 */
CNN_API int cnn_version_number(void);

CNN_END_DECLS

#endif
