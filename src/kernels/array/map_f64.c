/* The maps of f64, which serve all instruction sets. */
#include "kernels/array/map.h"

#include "kernels/array/nest.h"

#include "kernels/array/elementary.h"

#define X double
#define MATH(name) name
#define OWN(name) cnn__##name##_f64
#define FN(name) CNN__JOIN(name, f64)
#define MAP_OF_BLOCK(name) map_blocks_f64
#define MAP_OF_BOTH(name) map_blocks_f64
#define MAPS cnn__maps_f64
#include "kernels/array/map_impl.h"
