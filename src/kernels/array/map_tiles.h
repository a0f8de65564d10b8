/* Maps of transposed operands. */
#ifndef CNN_KERNELS_ARRAY_MAP_TILES_H
#define CNN_KERNELS_ARRAY_MAP_TILES_H

#include "kernels/array/map.h"

/* As cnn__map_walk(), if an operand is transposed; else returns false and does nothing. */
bool cnn__map_tiles(const cnn__map *map, const cnn__nest *nest, void *y, const void *const *x, double cost,
                    cnn__pool *pool);

#endif
