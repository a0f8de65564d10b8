/* The primitive descriptors of the tutorial's layers, by the API of oneDNN 2 and of oneDNN 3. */
#ifndef CNN_BENCH_PEER_ONEDNN_LAYERS_H
#define CNN_BENCH_PEER_ONEDNN_LAYERS_H

#include "peer_onednn.h"

/* The memory descriptors of a layer: input, weights, bias, output. */
typedef struct operands {
    md x, w, b, y;
} operands;

static const dnnl_dims_t ones = { 1, 1 }, twos = { 2, 2 }, zeros = { 0, 0 };

static dnnl_prop_kind_t propagation(bool train)
{
    return train ? dnnl_forward_training : dnnl_forward_inference;
}

/* ReLU as a post-operation of a convolution. */
static dnnl_primitive_attr_t relu_attr(void)
{
    dnnl_primitive_attr_t attr;
    dnnl_post_ops_t ops;
    CHECK(dnnl_primitive_attr_create(&attr));
    CHECK(dnnl_post_ops_create(&ops));
#if DNNL_VERSION_MAJOR >= 3
    CHECK(dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_relu, 0, 0));
#else
    CHECK(dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_relu, 0, 0));
#endif
    CHECK(dnnl_primitive_attr_set_post_ops(attr, ops));
    return attr;
}

#if DNNL_VERSION_MAJOR >= 3

static dnnl_primitive_desc_t conv_forward(const operands *o, bool train)
{
    dnnl_primitive_desc_t pd;
    CHECK(dnnl_convolution_forward_primitive_desc_create(&pd, engine, propagation(train), dnnl_convolution_direct, o->x, o->w,
                                                         o->b, o->y, ones, zeros, twos, twos, relu_attr()));
    return pd;
}

static dnnl_primitive_desc_t conv_backward_data(const operands *o, dnnl_primitive_desc_t forward)
{
    dnnl_primitive_desc_t pd;
    CHECK(dnnl_convolution_backward_data_primitive_desc_create(&pd, engine, dnnl_convolution_direct, o->x, o->w, o->y, ones,
                                                               zeros, twos, twos, forward, NULL));
    return pd;
}

static dnnl_primitive_desc_t conv_backward_weights(const operands *o, dnnl_primitive_desc_t forward)
{
    dnnl_primitive_desc_t pd;
    CHECK(dnnl_convolution_backward_weights_primitive_desc_create(&pd, engine, dnnl_convolution_direct, o->x, o->w, o->b, o->y,
                                                                  ones, zeros, twos, twos, forward, NULL));
    return pd;
}

static dnnl_primitive_desc_t linear_forward(const operands *o, bool train)
{
    dnnl_primitive_desc_t pd;
    CHECK(dnnl_inner_product_forward_primitive_desc_create(&pd, engine, propagation(train), o->x, o->w, o->b, o->y, NULL));
    return pd;
}

static dnnl_primitive_desc_t linear_backward_data(const operands *o, dnnl_primitive_desc_t forward)
{
    dnnl_primitive_desc_t pd;
    CHECK(dnnl_inner_product_backward_data_primitive_desc_create(&pd, engine, o->x, o->w, o->y, forward, NULL));
    return pd;
}

static dnnl_primitive_desc_t linear_backward_weights(const operands *o, dnnl_primitive_desc_t forward)
{
    dnnl_primitive_desc_t pd;
    CHECK(dnnl_inner_product_backward_weights_primitive_desc_create(&pd, engine, o->x, o->w, o->b, o->y, forward, NULL));
    return pd;
}

static dnnl_primitive_desc_t pooling_forward(md x, md y, bool train)
{
    dnnl_primitive_desc_t pd;
    CHECK(dnnl_pooling_forward_primitive_desc_create(&pd, engine, propagation(train), dnnl_pooling_max, x, y, twos, twos, zeros,
                                                     zeros, zeros, NULL));
    return pd;
}

static dnnl_primitive_desc_t pooling_backward(md x, md y, dnnl_primitive_desc_t forward)
{
    dnnl_primitive_desc_t pd;
    CHECK(dnnl_pooling_backward_primitive_desc_create(&pd, engine, dnnl_pooling_max, x, y, twos, twos, zeros, zeros, zeros,
                                                      forward, NULL));
    return pd;
}

/* From the result of the forward pass, so the input need not be kept. */
static dnnl_primitive_desc_t relu_backward(md x)
{
    dnnl_primitive_desc_t forward, pd;
    const dnnl_alg_kind_t relu = dnnl_eltwise_relu_use_dst_for_bwd;
    CHECK(dnnl_eltwise_forward_primitive_desc_create(&forward, engine, dnnl_forward_training, relu, x, x, 0, 0, NULL));
    CHECK(dnnl_eltwise_backward_primitive_desc_create(&pd, engine, relu, x, x, x, 0, 0, forward, NULL));
    return pd;
}

#else

static dnnl_primitive_desc_t from_operation(const void *desc, dnnl_primitive_attr_t attr, dnnl_primitive_desc_t hint)
{
    dnnl_primitive_desc_t pd;
    CHECK(dnnl_primitive_desc_create(&pd, desc, attr, engine, hint));
    return pd;
}

static dnnl_primitive_desc_t conv_forward(const operands *o, bool train)
{
    dnnl_convolution_desc_t c;
    CHECK(dnnl_convolution_forward_desc_init(&c, propagation(train), dnnl_convolution_direct, o->x, o->w, o->b, o->y, ones,
                                             twos, twos));
    return from_operation(&c, relu_attr(), NULL);
}

static dnnl_primitive_desc_t conv_backward_data(const operands *o, dnnl_primitive_desc_t forward)
{
    dnnl_convolution_desc_t c;
    CHECK(dnnl_convolution_backward_data_desc_init(&c, dnnl_convolution_direct, o->x, o->w, o->y, ones, twos, twos));
    return from_operation(&c, NULL, forward);
}

static dnnl_primitive_desc_t conv_backward_weights(const operands *o, dnnl_primitive_desc_t forward)
{
    dnnl_convolution_desc_t c;
    CHECK(dnnl_convolution_backward_weights_desc_init(&c, dnnl_convolution_direct, o->x, o->w, o->b, o->y, ones, twos, twos));
    return from_operation(&c, NULL, forward);
}

static dnnl_primitive_desc_t linear_forward(const operands *o, bool train)
{
    dnnl_inner_product_desc_t i;
    CHECK(dnnl_inner_product_forward_desc_init(&i, propagation(train), o->x, o->w, o->b, o->y));
    return from_operation(&i, NULL, NULL);
}

static dnnl_primitive_desc_t linear_backward_data(const operands *o, dnnl_primitive_desc_t forward)
{
    dnnl_inner_product_desc_t i;
    CHECK(dnnl_inner_product_backward_data_desc_init(&i, o->x, o->w, o->y));
    return from_operation(&i, NULL, forward);
}

static dnnl_primitive_desc_t linear_backward_weights(const operands *o, dnnl_primitive_desc_t forward)
{
    dnnl_inner_product_desc_t i;
    CHECK(dnnl_inner_product_backward_weights_desc_init(&i, o->x, o->w, o->b, o->y));
    return from_operation(&i, NULL, forward);
}

static dnnl_primitive_desc_t pooling_forward(md x, md y, bool train)
{
    dnnl_pooling_desc_t d;
    CHECK(dnnl_pooling_forward_desc_init(&d, propagation(train), dnnl_pooling_max, x, y, twos, twos, zeros, zeros));
    return from_operation(&d, NULL, NULL);
}

static dnnl_primitive_desc_t pooling_backward(md x, md y, dnnl_primitive_desc_t forward)
{
    dnnl_pooling_desc_t d;
    CHECK(dnnl_pooling_backward_desc_init(&d, dnnl_pooling_max, x, y, twos, twos, zeros, zeros));
    return from_operation(&d, NULL, forward);
}

/* From the result of the forward pass, so the input need not be kept. */
static dnnl_primitive_desc_t relu_backward(md x)
{
    dnnl_eltwise_desc_t e;
    const dnnl_alg_kind_t relu = dnnl_eltwise_relu_use_dst_for_bwd;
    CHECK(dnnl_eltwise_forward_desc_init(&e, dnnl_forward_training, relu, x, 0, 0));
    dnnl_primitive_desc_t forward = from_operation(&e, NULL, NULL);
    CHECK(dnnl_eltwise_backward_desc_init(&e, relu, x, x, 0, 0));
    return from_operation(&e, NULL, forward);
}

#endif

#endif
