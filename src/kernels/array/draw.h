/* Contiguous elements drawn from the stream `key`: uniform in [0, 1) or standard normal, f32 or f64; or 1 with
 * probability `p` and else 0, f32, f64 or bool. */
#ifndef CNN_KERNELS_ARRAY_DRAW_H
#define CNN_KERNELS_ARRAY_DRAW_H

#include "kernels/array/map.h"

void cnn__array_draw(const cnn__map_tables *tables, const cnn_draw_parameters *p, cnn_dtype dtype, int64_t n, void *x,
                     cnn__pool *pool);

#endif
