/* The fused kernels of this instruction set, gathered. */
#include "kernels/simd/conv_relu_pool/table.h"

const cnn__convpool_kernels CNN__SIMD(convpool_kernels) = {
    .forward_workspace = CNN__SIMD(convpool_forward_workspace),
    .forward = CNN__SIMD(convpool_forward),
    .backward_data_workspace = CNN__SIMD(convpool_backward_data_workspace),
    .backward_data = CNN__SIMD(convpool_backward_data),
    .backward_weight_workspace = CNN__SIMD(convpool_backward_weight_workspace),
    .backward_weight = CNN__SIMD(convpool_backward_weight),
};
