#include "kernels/simd/table.h"
#include "kernels/reference.h"
size_t CNN__SIMD(conv_forward_workspace)(const cnn__conv *g, int workers){(void)g;(void)workers;return 0;}
size_t CNN__SIMD(conv_backward_data_workspace)(const cnn__conv *g, int workers){(void)g;(void)workers;return 0;}
size_t CNN__SIMD(conv_backward_weight_workspace)(const cnn__conv *g, int workers){(void)g;(void)workers;return 0;}
void CNN__SIMD(conv_forward)(const cnn__conv *g, const void *x, const void *weight, const void *bias, void *y, void *workspace, cnn__pool *pool)
{ cnn__reference_f32.conv_forward(g,x,weight,bias,y,workspace,pool); }
void CNN__SIMD(conv_backward_data)(const cnn__conv *g, const void *dy, const void *weight, void *dx, void *workspace, cnn__pool *pool)
{ cnn__reference_f32.conv_backward_data(g,dy,weight,dx,workspace,pool); }
void CNN__SIMD(conv_backward_weight)(const cnn__conv *g, const void *x, const void *dy, void *dweight, void *dbias, void *workspace, cnn__pool *pool)
{ cnn__reference_f32.conv_backward_weight(g,x,dy,dweight,dbias,workspace,pool); }
