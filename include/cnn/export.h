/** @file
 * Linkage of everything that libcnn exports, and the macros that write shapes, dimensions and options in place.
 *
 * Every other header includes this one. The macros that take any number of arguments (CNN_SHAPE, CNN_DIMS, CNN_OPTIONS)
 * are macros of C; C++ passes a count and an array, or a struct. */
#ifndef CNN_EXPORT_H
#define CNN_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* On Windows whoever compiles says how the library is linked: CNN_BUILDING_SHARED where the DLL itself is built,
 * CNN_USING_SHARED in a program that links the DLL, and neither for the static library. Elsewhere nothing need be
 * said. */
#if defined(CNN_BUILDING_SHARED) && defined(CNN_USING_SHARED)
#error "CNN_BUILDING_SHARED and CNN_USING_SHARED exclude each other"
#endif
#if defined(_WIN32)
#if defined(CNN_BUILDING_SHARED)
#define CNN_API __declspec(dllexport)
#elif defined(CNN_USING_SHARED)
#define CNN_API __declspec(dllimport)
#else
#define CNN_API
#endif
#elif defined(__GNUC__)
#define CNN_API __attribute__((visibility("default")))
#else
#define CNN_API
#endif

#ifdef __cplusplus
#define CNN_BEGIN_DECLS extern "C" {
#define CNN_END_DECLS }
#else
#define CNN_BEGIN_DECLS
#define CNN_END_DECLS
#endif

/** The most dimensions a tensor may have. */
#define CNN_MAX_DIMS 8

/**
 * "Really zero", for fields of options where 0 means "the default": `.beta1 = CNN_ZERO`.
 * It is the smallest positive normal double and is taken as exactly 0 wherever an option is read. Programs compiled
 * with -ffast-math flush subnormal numbers to 0, which is why it is not the subnormal 4.9406564584124654e-324 that it
 * was in version 0.1; that one is still taken as 0 too.
 */
#define CNN_ZERO 2.2250738585072014e-308

#ifndef __cplusplus
/* Every options struct ends in `reserved`. Behind an initialiser that names it there is no member left for a value
 * without a name, so that `cnn_adam_new(model, 0.01)` draws the compiler's "excess elements in struct initializer"
 * instead of setting an option. It stands right before what the user wrote. */
#define CNN__KEYWORDS_ONLY .reserved = { 0 }

/** A pointer to options that live as long as the enclosing block: `CNN_OPTIONS(cnn_conv2d_options, .stride = 2)`.
 * Options are given by name only. */
#define CNN_OPTIONS(...) CNN__OPTIONS(__VA_ARGS__, )
#define CNN__OPTIONS(type, ...) (&(type){ .struct_size = sizeof(type), CNN__KEYWORDS_ONLY, __VA_ARGS__ })

/** The two arguments `int ndim, const int64_t *shape`: `cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(200, 10))`. */
#define CNN_SHAPE(...) \
    ((int)(sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t))), ((const int64_t[]){ __VA_ARGS__ })

/** The two arguments `int count, const int *dims`: `cnn_sum(x, CNN_DIMS(0, 2), false)`. */
#define CNN_DIMS(...) ((int)(sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int))), ((const int[]){ __VA_ARGS__ })
#endif

/** The shape of a rank-0 tensor (a scalar), as the two arguments `int ndim, const int64_t *shape`. */
#define CNN_SCALAR 0, NULL

/** Every dimension, as the two arguments `int count, const int *dims` of a reduction. */
#define CNN_ALL_DIMS 0, NULL

CNN_BEGIN_DECLS

/** @name Opaque types
 * The types that most headers use; other opaque types are declared by the header whose functions make them.
 * @{ */
/** Threads, the random generator, the allocator and messages (context.h). */
typedef struct cnn_context cnn_context;
/** A dtype, a shape and strides over elements (tensor.h). */
typedef struct cnn_tensor cnn_tensor;
/** One step of work: its results and, when recording, its graph (tape.h). */
typedef struct cnn_tape cnn_tape;
/** A layer or a network with named parameters (module.h). */
typedef struct cnn_module cnn_module;
/** An optimizer over parameters, such as Adam (optimizer.h). */
typedef struct cnn_optimizer cnn_optimizer;
/** A source of samples (dataset.h). */
typedef struct cnn_dataset cnn_dataset;
/** Shuffled, normalised batches of a dataset (loader.h). */
typedef struct cnn_loader cnn_loader;
/** @} */

CNN_END_DECLS

#endif
