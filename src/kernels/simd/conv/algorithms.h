/* The algorithms that dispatch.c, dispatch_weight.c and conv_relu_pool/forward.c choose from. `_fits` says whether an
 * algorithm can do a plan, and `_workspace` how many bytes of memory it needs for it. */
#ifndef CNN_KERNELS_SIMD_CONV_ALGORITHMS_H
#define CNN_KERNELS_SIMD_CONV_ALGORITHMS_H

#include "kernels/kernels.h"
#include "kernels/simd/layout/plan.h"

/* Depthwise convolutions, of all plans of a pass at once; they have one input and one output channel a group. */
size_t CNN__SIMD(depthwise_workspace)(const conv_plan *plans, int64_t count, int workers);
void CNN__SIMD(depthwise)(const conv_plan *plans, int64_t count, const float *x, const float *weight, const float *bias,
                          float *y, void *memory, cnn__pool *pool);
size_t CNN__SIMD(depthwise_backward_weight_workspace)(const conv_plan *p, int workers);
void CNN__SIMD(depthwise_backward_weight)(const conv_plan *p, const float *x, const float *dy, float *dweight,
                                          void *memory, cnn__pool *pool);

/* The usual ones among them (depthwise/3x3.h), forward or the gradient of the data. */
bool CNN__SIMD(depthwise_3x3_fits)(const cnn__conv *g);
size_t CNN__SIMD(depthwise_3x3_workspace)(const cnn__conv *g, bool backward, int workers);
void CNN__SIMD(depthwise_3x3)(const cnn__conv *g, bool backward, const float *x, const float *weight, const float *bias,
                              float *y, void *memory, cnn__pool *pool);
size_t CNN__SIMD(depthwise_3x3_backward_weight_workspace)(const cnn__conv *g, int workers);
void CNN__SIMD(depthwise_3x3_backward_weight)(const cnn__conv *g, const float *x, const float *dy, float *dweight,
                                              void *memory, cnn__pool *pool);

/* Plans with very many taps. */
bool CNN__SIMD(conv_split_taps_fits)(const conv_plan *p);
size_t CNN__SIMD(conv_split_taps_workspace)(const conv_plan *p, int workers);
void CNN__SIMD(conv_split_taps)(const conv_plan *p, const float *x, const float *weight, const float *bias, float *y,
                                void *memory, cnn__pool *pool);

/* Plans with one tap, no padding and no stride. */
bool CNN__SIMD(conv_1x1_fits)(const conv_plan *p);
size_t CNN__SIMD(conv_1x1_workspace)(const conv_plan *p, int workers);
void CNN__SIMD(conv_1x1)(const conv_plan *p, const float *x, const float *weight, const float *bias, float *y,
                         void *memory, cnn__pool *pool);

size_t CNN__SIMD(conv_1x1_weight_workspace)(const conv_plan *p, int workers);
void CNN__SIMD(conv_1x1_weight)(const conv_plan *p, const float *x, const float *dy, float *dweight, void *memory,
                                cnn__pool *pool);

/* Plans with one tap and no padding. */
bool CNN__SIMD(conv_1x1_strided_fits)(const conv_plan *p);
size_t CNN__SIMD(conv_1x1_strided_workspace)(const conv_plan *p, int workers);
void CNN__SIMD(conv_1x1_strided)(const conv_plan *p, const float *x, const float *weight, const float *bias, float *y,
                                 void *memory, cnn__pool *pool);

/* Plans of few positions in all. */
bool CNN__SIMD(conv_few_positions_fits)(const conv_plan *p);
size_t CNN__SIMD(conv_few_positions_packed)(const conv_plan *p);
size_t CNN__SIMD(conv_few_positions_workspace)(const conv_plan *p, int workers);
void CNN__SIMD(conv_few_positions)(const conv_plan *p, const float *x, const float *weight, const float *bias, float *y,
                                   void *memory, cnn__pool *pool);

/* Plans with 3 × 3 or 5 × 5 taps, stride 1 and many channels. */
bool CNN__SIMD(conv_winograd_fits)(const conv_plan *p);
size_t CNN__SIMD(conv_winograd_workspace)(const conv_plan *p, int workers);
size_t CNN__SIMD(conv_winograd_packed)(const conv_plan *p);
void CNN__SIMD(conv_winograd)(const conv_plan *p, const float *x, const float *weight, const float *bias, float *y,
                              void *memory, cnn__pool *pool);

bool CNN__SIMD(conv_winograd_weight_fits)(const conv_plan *p);
size_t CNN__SIMD(conv_winograd_weight_workspace)(const conv_plan *p, int workers);
void CNN__SIMD(conv_winograd_weight)(const conv_plan *p, const float *x, const float *dy, float *dweight, void *memory,
                                     cnn__pool *pool);

/* For few input channels. */
bool CNN__SIMD(conv_first_layer_weight_fits)(const conv_plan *p);
size_t CNN__SIMD(conv_first_layer_weight_workspace)(const conv_plan *p, int workers);
void CNN__SIMD(conv_first_layer_weight)(const conv_plan *p, const float *x, const float *dy, float *dweight,
                                        void *memory, cnn__pool *pool);

/* All others. */
size_t CNN__SIMD(conv_padded_weight_workspace)(const conv_plan *p, int workers);
void CNN__SIMD(conv_padded_weight)(const conv_plan *p, const float *x, const float *dy, float *dweight, void *memory,
                                   cnn__pool *pool);
size_t CNN__SIMD(conv_padded_workspace)(const conv_plan *p, int workers);
void CNN__SIMD(conv_padded)(const conv_plan *p, const float *x, const float *weight, const float *bias, float *y,
                            void *memory, cnn__pool *pool);

/* What forward does with 3 × 3 kernels between many channels. */
bool CNN__SIMD(conv_relu_pool_planes_fits)(const cnn__conv *g);
size_t CNN__SIMD(conv_relu_pool_planes_packed)(const cnn__conv *g);
size_t CNN__SIMD(conv_relu_pool_planes_workspace)(const cnn__conv *g, int workers);
void CNN__SIMD(conv_relu_pool_planes)(const cnn__conv *g, const float *x, const float *weight, const float *bias,
                                      float *y, uint8_t *index, void *workspace, cnn__pool *pool);

/* What forward does with 5 × 5 kernels between many channels. */
bool CNN__SIMD(conv_relu_pool_winograd_fits)(const cnn__conv *g);
size_t CNN__SIMD(conv_relu_pool_winograd_packed)(const cnn__conv *g);
size_t CNN__SIMD(conv_relu_pool_winograd_workspace)(const cnn__conv *g, int workers);
void CNN__SIMD(conv_relu_pool_winograd)(const cnn__conv *g, const float *x, const float *weight, const float *bias,
                                        float *y, uint8_t *index, void *workspace, cnn__pool *pool);

#endif
