/** @file
 * libcnn-onnx: networks in ONNX files as modules.
 *
 * A library of its own beside libcnn (link with `-lcnn-onnx -lcnn`, or `pkg-config cnn-onnx`); <cnn/cnn.h> does not
 * include this header. docs/onnx.md teaches it.
 *
 * Files may come from strangers: one that is truncated or malformed fails with CNN_ERROR_FORMAT and a message that
 * names the file, the byte and, within a graph, the node. The library never prints, exits or jumps out of a call.
 *
 * Every function may be called by several threads at once. */
#ifndef CNN_ONNX_H
#define CNN_ONNX_H

#include <cnn/context.h>
#include <cnn/module.h>
#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** @name Operators
 * @{ */
/** The name of operator number i of those that can be run, such as "Conv", in the order of strcmp(); NULL past the end,
 * and for a negative number. A constant string; cannot fail. @since 0.2 */
CNN_API const char *cnn_onnx_operator(int i);
/** @} */

CNN_END_DECLS

#endif
