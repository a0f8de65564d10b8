/** @file
 * Operations on tensors, differentiable unless said otherwise.
 *
 * Every function takes tensors of one context, at least one of them on a tape, and returns a tensor of that tape: never
 * NULL, and nil on failure (see tape.h). Tensors that are on no tape (parameters, constants of the caller's) may be
 * mixed in; they are used, not copied, and must not be written before the step ends. Two tapes in one operation are an
 * error (CNN_ERROR_STATE). Operands are not changed. Both operands of a binary operation have the same dtype; there is
 * no promotion (use cnn_cast()). Broadcasting is NumPy's. A negative dimension counts from the last. Views share
 * elements with their operand.
 *
 * Every result belongs to its tape and lasts until that tape's next step. What can go wrong is the same for all of
 * them: CNN_ERROR_INVALID_ARGUMENT (a required operand is NULL, an option or a number out of its range),
 * CNN_ERROR_DTYPE, CNN_ERROR_SHAPE (ranks or sizes do not fit, a product of sizes overflows), CNN_ERROR_STATE (no
 * operand on a tape, two tapes, two contexts, a tensor of a past step) and CNN_ERROR_NO_MEMORY. A tape and all tensors
 * on it are used by one thread at a time; operands that are on no tape may be read by several threads at once.
 *
 * This header includes those of the families, cnn/ops/….h, which may be included alone. Everything in them is there
 * since 0.1 unless it says otherwise. */
#ifndef CNN_OPS_H
#define CNN_OPS_H

#include <cnn/ops/activation.h>
#include <cnn/ops/attention.h>
#include <cnn/ops/conv.h>
#include <cnn/ops/elementwise.h>
#include <cnn/ops/fold.h>
#include <cnn/ops/fused.h>
#include <cnn/ops/index.h>
#include <cnn/ops/linalg.h>
#include <cnn/ops/loss.h>
#include <cnn/ops/norm.h>
#include <cnn/ops/pool.h>
#include <cnn/ops/reduce.h>
#include <cnn/ops/resize.h>
#include <cnn/ops/rnn.h>
#include <cnn/ops/shape.h>

#endif
