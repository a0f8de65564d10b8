/* The f32 kernels of this instruction set, gathered. */
#include "kernels/simd/table.h"
#include "kernels/reference/reference.h"
#include "kernels/simd/conv_relu_pool/table.h"

const cnn__real_kernels CNN__SIMD(real_kernels) = {
    .gemm_workspace = CNN__SIMD(gemm_workspace),
    .gemm = CNN__SIMD(gemm),
    .conv_forward_workspace = CNN__SIMD(conv_forward_workspace),
    .conv_forward = CNN__SIMD(conv_forward),
    .conv_backward_data_workspace = CNN__SIMD(conv_backward_data_workspace),
    .conv_backward_data = CNN__SIMD(conv_backward_data),
    .conv_backward_weight_workspace = CNN__SIMD(conv_backward_weight_workspace),
    .conv_backward_weight = CNN__SIMD(conv_backward_weight),
    .convpool = &CNN__SIMD(convpool_kernels),
    .maxpool_forward = CNN__SIMD(maxpool_forward),
    .maxpool_backward = CNN__SIMD(maxpool_backward),
    .relu = CNN__SIMD(relu),
    .relu_backward = CNN__SIMD(relu_backward),
    .dropout = CNN__SIMD(dropout),
    .sum_rows = CNN__SIMD(sum_rows),
    .adam = CNN__SIMD(adam),
    .sgd = CNN__SIMD(sgd),
};
