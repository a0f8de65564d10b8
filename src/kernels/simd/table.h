/* The f32 kernels of one instruction set. What is not listed here is taken from the reference table. */
#ifndef CNN_KERNELS_SIMD_TABLE_H
#define CNN_KERNELS_SIMD_TABLE_H

#include "kernels/kernels.h"
#include "kernels/simd/vector/lanes.h"

size_t CNN__SIMD(gemm_workspace)(const cnn__gemm *g, int workers);
void CNN__SIMD(gemm)(const cnn__gemm *g, const void *a, const void *b, const void *bias, void *c, void *workspace,
                     cnn__pool *pool);

size_t CNN__SIMD(conv_forward_workspace)(const cnn__conv *g, int workers);
void CNN__SIMD(conv_forward)(const cnn__conv *g, const void *x, const void *weight, const void *bias, void *y,
                             void *workspace, cnn__pool *pool);
size_t CNN__SIMD(conv_backward_data_workspace)(const cnn__conv *g, int workers);
void CNN__SIMD(conv_backward_data)(const cnn__conv *g, const void *dy, const void *weight, void *dx, void *workspace,
                                   cnn__pool *pool);
size_t CNN__SIMD(conv_backward_weight_workspace)(const cnn__conv *g, int workers);
void CNN__SIMD(conv_backward_weight)(const cnn__conv *g, const void *x, const void *dy, void *dweight, void *dbias,
                                     void *workspace, cnn__pool *pool);

/* Depthwise convolutions, of all plans of a pass at once; they have one input and one output channel a group. */
struct conv_plan;
size_t CNN__SIMD(depthwise_workspace)(const struct conv_plan *plans, int64_t count, int workers);
void CNN__SIMD(depthwise)(const struct conv_plan *plans, int64_t count, const float *x, const float *weight,
                          const float *bias, float *y, void *memory, cnn__pool *pool);
size_t CNN__SIMD(depthwise_backward_weight_workspace)(const struct conv_plan *p, int workers);
void CNN__SIMD(depthwise_backward_weight)(const struct conv_plan *p, const float *x, const float *dy, float *dweight,
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
bool CNN__SIMD(conv_split_taps_fits)(const struct conv_plan *p);
size_t CNN__SIMD(conv_split_taps_workspace)(const struct conv_plan *p, int workers);
void CNN__SIMD(conv_split_taps)(const struct conv_plan *p, const float *x, const float *weight, const float *bias,
                                float *y, void *memory, cnn__pool *pool);

/* Plans with one tap, no padding and no stride. */
bool CNN__SIMD(conv_1x1_fits)(const struct conv_plan *p);
size_t CNN__SIMD(conv_1x1_workspace)(const struct conv_plan *p, int workers);
void CNN__SIMD(conv_1x1)(const struct conv_plan *p, const float *x, const float *weight, const float *bias, float *y,
                         void *memory, cnn__pool *pool);

size_t CNN__SIMD(conv_1x1_weight_workspace)(const struct conv_plan *p, int workers);
void CNN__SIMD(conv_1x1_weight)(const struct conv_plan *p, const float *x, const float *dy, float *dweight,
                                void *memory, cnn__pool *pool);

/* Plans with one tap and no padding. */
bool CNN__SIMD(conv_1x1_strided_fits)(const struct conv_plan *p);
size_t CNN__SIMD(conv_1x1_strided_workspace)(const struct conv_plan *p, int workers);
void CNN__SIMD(conv_1x1_strided)(const struct conv_plan *p, const float *x, const float *weight, const float *bias,
                                 float *y, void *memory, cnn__pool *pool);

/* Plans with 3 × 3 or 5 × 5 taps, stride 1 and many channels. */
bool CNN__SIMD(conv_winograd_fits)(const struct conv_plan *p);
size_t CNN__SIMD(conv_winograd_workspace)(const struct conv_plan *p, int workers);
void CNN__SIMD(conv_winograd)(const struct conv_plan *p, const float *x, const float *weight, const float *bias,
                              float *y, void *memory, cnn__pool *pool);

bool CNN__SIMD(conv_winograd_weight_fits)(const struct conv_plan *p);
size_t CNN__SIMD(conv_winograd_weight_workspace)(const struct conv_plan *p, int workers);
void CNN__SIMD(conv_winograd_weight)(const struct conv_plan *p, const float *x, const float *dy, float *dweight,
                                     void *memory, cnn__pool *pool);

/* Of few input channels. */
bool CNN__SIMD(conv_first_layer_weight_fits)(const struct conv_plan *p);
size_t CNN__SIMD(conv_first_layer_weight_workspace)(const struct conv_plan *p, int workers);
void CNN__SIMD(conv_first_layer_weight)(const struct conv_plan *p, const float *x, const float *dy, float *dweight,
                                        void *memory, cnn__pool *pool);

/* All others. */
size_t CNN__SIMD(conv_padded_weight_workspace)(const struct conv_plan *p, int workers);
void CNN__SIMD(conv_padded_weight)(const struct conv_plan *p, const float *x, const float *dy, float *dweight,
                                   void *memory, cnn__pool *pool);
size_t CNN__SIMD(conv_padded_workspace)(const struct conv_plan *p, int workers);
void CNN__SIMD(conv_padded)(const struct conv_plan *p, const float *x, const float *weight, const float *bias, float *y,
                            void *memory, cnn__pool *pool);

void CNN__SIMD(maxpool_forward)(const cnn__maxpool *g, const void *x, void *y, int32_t *index, cnn__pool *pool);
void CNN__SIMD(maxpool_backward)(const cnn__maxpool *g, const void *dy, const int32_t *index, void *dx,
                                 cnn__pool *pool);

void CNN__SIMD(relu)(int64_t n, const void *x, void *y, cnn__pool *pool);
void CNN__SIMD(relu_backward)(int64_t n, const void *y, const void *dy, void *dx, cnn__pool *pool);
void CNN__SIMD(dropout)(int64_t n, double p, const uint64_t key[2], const void *x, void *y, cnn__pool *pool);
void CNN__SIMD(sum_rows)(int64_t m, int64_t n, const void *x, void *out, cnn__pool *pool);
void CNN__SIMD(adam)(const cnn__adam *s, int64_t n, void *param, const void *grad, void *m, void *v, void *vmax,
                     cnn__pool *pool);
void CNN__SIMD(sgd)(const cnn__sgd *s, int64_t n, void *param, const void *grad, void *buf, cnn__pool *pool);

extern const cnn__real_kernels CNN__SIMD(real_kernels);

#endif
