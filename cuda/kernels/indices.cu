/* Kernels that indices lead: checking them, choosing and placing elements and rows; and triangles of matrices. */
#include "arguments.h"
#include "enumerations.h"
#include "numbers.h"

/* ---- checks: the first bad index fails the launch ---- */

/* sizes: dtype of the index, count, n, whether there is a number to skip, that number, the launch's number, its
 * kernel. */
KERNEL_OF_STEPS(index_scan, plain_arguments)
{
    EACH (i, a->size[1]) {
        const int64_t value = load_integer(a->size[0], a->in[0], i);
        if (!(a->size[3] && value == a->size[4]) && (value < 0 || value >= a->size[2])) {
            smallest(&a->status->position, (uint64_t)i);
        }
    }
}

KERNEL_OF_STEPS(index_report, plain_arguments)
{
    EACH (i, 1) {
        if (a->status->position != (uint64_t)INT64_MAX * 2 + 1) {
            a->status->value = load_integer(a->size[0], a->in[0], (int64_t)a->status->position + i);
            a->status->kernel = a->size[6];
            a->status->failed = (uint64_t)a->size[5];
        }
    }
}

/* ---- elements of every dtype, by their size ---- */

#define INDEXED(X, bytes) \
    /* sizes: before, n, after; in: x, index (int64). */ \
    KERNEL(JOINED(pick_, bytes), plain_arguments) \
    { \
        EACH (i, a->size[0] * a->size[2]) { \
            const int64_t row = quotient(i, a->size[2]), index = ((const int64_t *)a->in[1])[i]; \
            ((X *)a->out[0])[i] = \
                ((const X *)a->in[0])[(row * a->size[1] + index) * a->size[2] + i - row * a->size[2]]; \
        } \
    } \
    KERNEL(JOINED(place_, bytes), plain_arguments) \
    { \
        EACH (i, a->size[0] * a->size[2]) { \
            const int64_t row = quotient(i, a->size[2]), index = ((const int64_t *)a->in[1])[i]; \
            ((X *)a->out[0])[(row * a->size[1] + index) * a->size[2] + i - row * a->size[2]] = \
                ((const X *)a->in[0])[i]; \
        } \
    } \
    /* Operands: y, x, index; sizes: dtype of the index, step. */ \
    KERNEL_OF_STEPS(JOINED(gather_, bytes), nested_arguments) \
    { \
        EACH (i, a->nest.count) { \
            int64_t at[3]; \
            nest_seek(&a->nest, i, 3, at); \
            const int64_t index = load_integer(a->size[0], a->in[1], at[2]); \
            ((X *)a->out[0])[at[0]] = ((const X *)a->in[0])[at[1] + index * a->size[1]]; \
        } \
    } \
    /* The same; `inner` is the last loop, which one thread carries out in its order. */ \
    KERNEL(JOINED(scatter_, bytes), nested_arguments) \
    { \
        EACH (i, a->nest.count) { \
            int64_t at[3]; \
            nest_seek(&a->nest, i, 3, at); \
            for (int64_t k = 0; k < a->inner.count; k++) { \
                const int64_t index = load_integer(a->size[0], a->in[1], at[2] + k * a->inner.stride[2][0]); \
                ((X *)a->out[0])[at[0] + k * a->inner.stride[0][0] + index * a->size[1]] = \
                    ((const X *)a->in[0])[at[1] + k * a->inner.stride[1][0]]; \
            } \
        } \
    } \
    /* sizes: matrices, rows, columns, diagonal, upper */ \
    KERNEL(JOINED(triangle_, bytes), plain_arguments) \
    { \
        const int64_t columns = a->size[2]; \
        EACH (i, a->size[0] * a->size[1] * columns) { \
            const int64_t line = quotient(i, columns), column = i - line * columns, row = line % a->size[1]; \
            const bool keeps = a->size[4] ? column - row >= a->size[3] : column - row <= a->size[3]; \
            ((X *)a->out[0])[i] = keeps ? ((const X *)a->in[0])[i] : (X)0; \
        } \
    }
INDEXED(uint8_t, 1)
INDEXED(uint16_t, 2)
INDEXED(uint32_t, 4)
INDEXED(uint64_t, 8)

/* sizes: dtype of the index, count, 32-bit words of a row; rows are whole words. Or bytes. */
#define LOOKUP(X, bytes) \
    KERNEL_OF_STEPS(JOINED(lookup_, bytes), plain_arguments) \
    { \
        const int64_t width = a->size[2]; \
        EACH (i, a->size[1] * width) { \
            const int64_t row = quotient(i, width), index = load_integer(a->size[0], a->in[1], row); \
            ((X *)a->out[0])[i] = ((const X *)a->in[0])[index * width + i - row * width]; \
        } \
    }
LOOKUP(uint8_t, 1)
LOOKUP(uint16_t, 2)
LOOKUP(uint32_t, 4)
LOOKUP(uint64_t, 8)

/* sizes: dtype of the index, count: indices as int64 */
KERNEL(index_widen, plain_arguments)
{
    EACH (i, a->size[1]) {
        ((int64_t *)a->out[0])[i] = load_integer(a->size[0], a->in[0], i);
    }
}

/* sizes: n, width, count, the row without a gradient or −1; in: dy, index (int64), the order that sorts the indices. */
#define LOOKUP_BACKWARD(X, name) \
    KERNEL(JOINED(lookup_backward_, name), plain_arguments) \
    { \
        const int64_t width = a->size[1], count = a->size[2], *index = (const int64_t *)a->in[1], \
                      *order = (const int64_t *)a->in[2]; \
        EACH (i, a->size[0] * width) { \
            const int64_t row = quotient(i, width), column = i - row * width; \
            int64_t low = 0, high = count; \
            while (low < high) { \
                const int64_t half = (low + high) / 2; \
                if (index[order[half]] < row) { \
                    low = half + 1; \
                } else { \
                    high = half; \
                } \
            } \
            double sum = 0; \
            for (; low < count && index[order[low]] == row && row != a->size[3]; low++) { \
                sum += (double)((const X *)a->in[0])[order[low] * width + column]; \
            } \
            ((X *)a->out[0])[i] = (X)sum; \
        } \
    }
LOOKUP_BACKWARD(float, f32)
LOOKUP_BACKWARD(double, f64)

/* Adds elements where scatter writes them. */
#define SCATTER_ADD(X, name, U) \
    KERNEL(JOINED(scatter_add_, name), nested_arguments) \
    { \
        EACH (i, a->nest.count) { \
            int64_t at[3]; \
            nest_seek(&a->nest, i, 3, at); \
            for (int64_t k = 0; k < a->inner.count; k++) { \
                const int64_t index = load_integer(a->size[0], a->in[1], at[2] + k * a->inner.stride[2][0]); \
                X *y = (X *)a->out[0] + at[0] + k * a->inner.stride[0][0] + index * a->size[1]; \
                *y = (X)((U)*y + (U)((const X *)a->in[0])[at[1] + k * a->inner.stride[1][0]]); \
            } \
        } \
    }
SCATTER_ADD(float, f32, float)
SCATTER_ADD(double, f64, double)
SCATTER_ADD(int64_t, i64, uint64_t)
SCATTER_ADD(int32_t, i32, uint32_t)
SCATTER_ADD(uint8_t, u8, uint32_t)
