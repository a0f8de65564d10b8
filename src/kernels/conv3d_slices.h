/* Copies of the slices of a volume under the taps of a filter's depth, and back. */
#ifndef CNN_KERNELS_CONV3D_SLICES_H
#define CNN_KERNELS_CONV3D_SLICES_H

#include "base/pool.h"

#include <stddef.h>
#include <stdint.h>

/* A volume [batch, channels, depth, plane] and the copies of its slices under `taps` taps. */
typedef struct cnn__depth_view {
    int64_t channels, depth, plane, slices; /* `slices` per volume: the depth of the convolution's result */
    int64_t taps, stride, dilation, pad;
    size_t size; /* the size of an element */
    const void *bias;
    char *volume, *copies;
    int64_t first, count; /* the slices of this pass */
} cnn__depth_view;

/* Returns the bytes of a plane. */
static inline size_t cnn__plane_size(const cnn__depth_view *v)
{
    return (size_t)v->plane * v->size;
}

/* Fills the copies of this pass, with zeros where a tap is in the padding. */
void cnn__slices_gather(cnn__depth_view *v, cnn__pool *pool);
/* Writes the copies to the volume, each plane of which is the one tap of one slice. */
void cnn__slices_scatter(cnn__depth_view *v, cnn__pool *pool);
/* Sets all elements of the volumes to the bias or zero, so that sums begin with it. */
void cnn__slices_start(cnn__depth_view *v, int64_t volumes, cnn__pool *pool);
/* Adds the copies to the volume; what is in the padding is dropped. */
void cnn__slices_add(cnn__depth_view *v, cnn__pool *pool);
/* to += from, of n elements. */
void cnn__elements_add(size_t size, int64_t n, const void *from, void *to, cnn__pool *pool);

#endif
