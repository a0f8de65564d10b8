/* Runners of the kernels of kernels.def: activations, products, convolutions, pooling. */
#include "kernels/conv_trim.h"
#include "kernels/launch.h"
#include "kernels/matmul.h"

#include <math.h>

static bool run_dropout(cnn__cpu_call *j)
{
    const cnn_draw_parameters *p = j->l->parameters;
    j->real->dropout(j->l->count, p->p, p->key, j->l->in[0], j->l->out[0], j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_dropout = { .run = run_dropout, .measure = cnn__measure_counted, .in = "x", .out = "x" };

static bool run_relu(cnn__cpu_call *j)
{
    j->real->relu(j->l->count, j->l->in[0], j->l->out[0], j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_relu = { .run = run_relu, .measure = cnn__measure_counted, .in = "x", .out = "x" };

static bool run_relu_backward(cnn__cpu_call *j)
{
    j->real->relu_backward(j->l->count, j->l->in[0], j->l->in[1], j->l->out[0], j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_relu_backward = {
    .run = run_relu_backward, .measure = cnn__measure_counted, .in = "xx", .out = "x"
};

static bool run_sum_rows(cnn__cpu_call *j)
{
    const cnn_matrix *p = j->l->parameters;
    j->real->sum_rows(p->rows, p->columns, j->l->in[0], j->l->out[0], j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_sum_rows = {
    .run = run_sum_rows, .measure = cnn__measure_matrix, .in = "x", .out = "y"
};

static cnn__gemm gemm_of(const cnn__cpu_call *j)
{
    cnn__gemm g = *(const cnn__gemm *)j->l->parameters;
    g.packed = j->kept.packed;
    g.packs = j->kept.packs;
    return g;
}

static void gemm_form(cnn__cpu_call *j, cnn__form *form)
{
    const cnn__gemm *g = j->l->parameters;
    *form = (cnn__form){ form->kernel, j->real->gemm_packed(g), { g->n, g->k, g->trans_b ? g->ldb : -g->ldb } };
}

static bool run_gemm(cnn__cpu_call *j)
{
    const cnn__gemm g = gemm_of(j);
    j->real->gemm(&g, j->l->in[0], j->l->in[1], j->l->in[2], j->l->out[0], j->l->workspace, j->pool);
    return true;
}

static size_t gemm_workspace(cnn__cpu_call *j)
{
    const cnn__gemm g = gemm_of(j);
    return j->real->gemm_workspace(&g, j->workers);
}

const cnn__cpu_kernel cnn__cpu_gemm = { .run = run_gemm,
                                        .workspace = gemm_workspace,
                                        .form = gemm_form,
                                        .measure = cnn__measure_gemm,
                                        .in = "abn",
                                        .out = "c" };

static bool run_matmul(cnn__cpu_call *j)
{
    cnn__matmul(j->l->parameters, j->real, cnn_dtype_size(j->l->dtype), j->l->in[0], j->l->in[1], j->l->out[0],
                j->l->workspace, j->pool);
    return true;
}

static size_t matmul_workspace(cnn__cpu_call *j)
{
    return cnn__matmul_workspace(j->l->parameters, j->real, j->workers);
}

const cnn__cpu_kernel cnn__cpu_matmul = {
    .run = run_matmul, .workspace = matmul_workspace, .measure = cnn__measure_matmul, .in = "ab", .out = "c"
};

static cnn__conv conv_of(const cnn__cpu_call *j)
{
    cnn__conv g = *(const cnn__conv *)j->l->parameters;
    g.packed = j->kept.packed;
    g.packs = j->kept.packs;
    return g;
}

/* `packed` says of the kernel's form how many bytes it has, and whose it is. */
static void conv_form(const cnn__conv *g, size_t (*packed)(const cnn__conv *g, int64_t *algorithm), cnn__form *form)
{
    *form = (cnn__form){ form->kernel, 0, { g->out_channels, g->in_channels, g->kernel_h, g->groups } };
    cnn__conv_trim_key(g, &form->numbers[4]);
    form->bytes = packed(g, &form->numbers[6]);
}

static void conv_forward_form(cnn__cpu_call *j, cnn__form *form)
{
    conv_form(j->l->parameters, j->real->conv_forward_packed, form);
}

/* A program's launch has what follows a convolution, too (predict/fuse.c). */
static cnn__finish finish_of(const cnn_launch *l, const cnn__conv *g)
{
    return (cnn__finish){ .terms = l->in[3],
                          .other = l->out[1],
                          .channels = g->out_channels,
                          .plane = g->out_h * g->out_w,
                          .floor = g->relu ? 0 : -INFINITY,
                          .ceiling = g->ceiling > 0 ? g->ceiling : NAN };
}

static bool run_conv_forward(cnn__cpu_call *j)
{
    cnn__conv g = conv_of(j);
    const cnn__finish finish = finish_of(j->l, &g);
    g.finish = finish.terms || finish.other ? &finish : NULL;
    j->real->conv_forward(&g, j->l->in[0], j->l->in[1], j->l->in[2], j->l->out[0], j->l->workspace, j->pool);
    return true;
}

static size_t conv_forward_workspace(cnn__cpu_call *j)
{
    const cnn__conv g = conv_of(j);
    return j->real->conv_forward_workspace(&g, j->workers);
}

const cnn__cpu_kernel cnn__cpu_conv_forward = { .run = run_conv_forward,
                                                .workspace = conv_forward_workspace,
                                                .form = conv_forward_form,
                                                .measure = cnn__measure_convolution,
                                                .in = "xwb",
                                                .out = "y" };

static bool run_conv_backward_data(cnn__cpu_call *j)
{
    cnn__conv g = *(const cnn__conv *)j->l->parameters;
    g.relu_mask = j->l->in[2];
    g.bias = j->l->in[3];
    j->real->conv_backward_data(&g, j->l->in[0], j->l->in[1], j->l->out[0], j->l->workspace, j->pool);
    return true;
}

static size_t conv_backward_data_workspace(cnn__cpu_call *j)
{
    return j->real->conv_backward_data_workspace(j->l->parameters, j->workers);
}

const cnn__cpu_kernel cnn__cpu_conv_backward_data = { .run = run_conv_backward_data,
                                                      .workspace = conv_backward_data_workspace,
                                                      .measure = cnn__measure_convolution,
                                                      .in = "ywxc",
                                                      .out = "x" };

static bool run_conv_backward_weight(cnn__cpu_call *j)
{
    j->real->conv_backward_weight(j->l->parameters, j->l->in[0], j->l->in[1], j->l->out[0], j->l->out[1],
                                  j->l->workspace, j->pool);
    return true;
}

static size_t conv_backward_weight_workspace(cnn__cpu_call *j)
{
    return j->real->conv_backward_weight_workspace(j->l->parameters, j->workers);
}

const cnn__cpu_kernel cnn__cpu_conv_backward_weight = { .run = run_conv_backward_weight,
                                                        .workspace = conv_backward_weight_workspace,
                                                        .measure = cnn__measure_convolution,
                                                        .in = "xy",
                                                        .out = "wb" };

static void pooled_forward_form(cnn__cpu_call *j, cnn__form *form)
{
    conv_form(j->l->parameters, j->real->conv_relu_pool_forward_packed, form);
}

static bool run_pooled_forward(cnn__cpu_call *j)
{
    const cnn__conv g = conv_of(j);
    j->real->conv_relu_pool_forward(&g, j->l->in[0], j->l->in[1], j->l->in[2], j->l->out[0], j->l->out[1],
                                    j->l->workspace, j->pool);
    return true;
}

static size_t pooled_forward_workspace(cnn__cpu_call *j)
{
    const cnn__conv g = conv_of(j);
    return j->real->conv_relu_pool_forward_workspace(&g, j->workers);
}

const cnn__cpu_kernel cnn__cpu_conv_relu_pool_forward = { .run = run_pooled_forward,
                                                          .unit = '*',
                                                          .workspace = pooled_forward_workspace,
                                                          .form = pooled_forward_form,
                                                          .measure = cnn__measure_convolution,
                                                          .in = "xwb",
                                                          .out = "p" };

static bool run_pooled_backward_data(cnn__cpu_call *j)
{
    j->real->conv_relu_pool_backward_data(j->l->parameters, j->l->in[0], j->l->in[1], j->l->in[2], j->l->out[0],
                                          j->l->workspace, j->pool);
    return true;
}

static size_t pooled_backward_data_workspace(cnn__cpu_call *j)
{
    return j->real->conv_relu_pool_backward_data_workspace(j->l->parameters, j->workers);
}

const cnn__cpu_kernel cnn__cpu_conv_relu_pool_backward_data = { .run = run_pooled_backward_data,
                                                                .workspace = pooled_backward_data_workspace,
                                                                .measure = cnn__measure_convolution,
                                                                .in = "p-w",
                                                                .out = "x" };

static bool run_pooled_backward_weight(cnn__cpu_call *j)
{
    j->real->conv_relu_pool_backward_weight(j->l->parameters, j->l->in[0], j->l->in[1], j->l->in[2], j->l->out[0],
                                            j->l->out[1], j->l->workspace, j->pool);
    return true;
}

static size_t pooled_backward_weight_workspace(cnn__cpu_call *j)
{
    return j->real->conv_relu_pool_backward_weight_workspace(j->l->parameters, j->workers);
}

const cnn__cpu_kernel cnn__cpu_conv_relu_pool_backward_weight = { .run = run_pooled_backward_weight,
                                                                  .unit = '+',
                                                                  .workspace = pooled_backward_weight_workspace,
                                                                  .measure = cnn__measure_convolution,
                                                                  .in = "xp",
                                                                  .out = "wb" };

static bool run_maxpool_forward(cnn__cpu_call *j)
{
    j->real->maxpool_forward(j->l->parameters, j->l->in[0], j->l->out[0], j->l->out[1], j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_maxpool_forward = {
    .run = run_maxpool_forward, .unit = '*', .measure = cnn__measure_pooling, .in = "x", .out = "y"
};

static bool run_maxpool_backward(cnn__cpu_call *j)
{
    j->real->maxpool_backward(j->l->parameters, j->l->in[0], j->l->in[1], j->l->out[0], j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_maxpool_backward = {
    .run = run_maxpool_backward, .unit = 'y', .measure = cnn__measure_pooling, .in = "y", .out = "x"
};
