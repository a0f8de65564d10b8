/* The table of fusions. A row is a pattern of layer classes and the function that runs it; the first row that fits and
 * whose function takes the layers wins, so longer patterns stand first. A traced step records every layer as it is, and
 * a convolution that pads by other elements than zeros runs alone.
 *
 * ReLU and pooling behind a convolution agree with the layers one by one to rounding, in training too. A batch
 * normalisation that evaluates is an affine map of each channel and becomes part of the convolution's weight and bias:
 *
 *     (conv(x; w, b) − mean) · scale + shift  =  conv(x; w · scale, (b − mean) · scale + shift)
 *
 * The product is kept until one of the six tensors is written (nn/folded.h), so changed parameters are seen. Where it
 * cannot be kept, on a device for instance, each step makes it in its own memory. */
#include "nn/fusion.h"

#include "nn/forward.h"
#include "nn/layer.h"
#include "nn/plain.h"
#include "ops/norms.h"

typedef struct fusion {
    const cnn__module_class *pattern[CNN__FUSION_LONGEST]; /* up to NULL */
    /* As cnn__fusion_run(). */
    int (*run)(const cnn__named *layers, cnn_tensor *x, cnn_tensor **y);
} fusion;

/* ---- Conv2d and ReLU, with MaxPool2d where one operation can do it too ---- */

static cnn_tensor *conv_relu(const cnn__conv2d_parts *c, const cnn_module *pool, cnn_tensor *x, bool *pooled)
{
    *pooled = false;
    return pool ? cnn__conv2d_relu_with_pool(x, c->weight, c->bias, c->options, cnn__layer_maxpool2d(pool), pooled)
                : cnn__conv2d_relu(x, c->weight, c->bias, c->options);
}

static int run_conv_relu(const cnn__named *layers, const cnn_module *pool, cnn_tensor *x, cnn_tensor **y)
{
    cnn__conv2d_parts conv = cnn__layer_conv2d(layers[0].module);
    cnn__running running;
    bool pooled;
    cnn__forward_enter(&running, layers[0].module, x->tape);
    *y = conv_relu(&conv, pool, x, &pooled);
    cnn__running_leave(&running);
    return pooled ? 3 : 2;
}

static int conv_relu_pool(const cnn__named *layers, cnn_tensor *x, cnn_tensor **y)
{
    return run_conv_relu(layers, layers[2].module, x, y);
}

static int conv_relu_alone(const cnn__named *layers, cnn_tensor *x, cnn_tensor **y)
{
    return run_conv_relu(layers, NULL, x, y);
}

/* ---- Conv2d and BatchNorm2d in evaluation, with ReLU and MaxPool2d ---- */

static bool wants_gradient(const cnn_tensor *const *tensors, int count)
{
    for (int i = 0; i < count; i++) {
        if (tensors[i] && tensors[i]->requires_grad) {
            return true;
        }
    }
    return false;
}

/* Whether the normalisation may become part of the convolution here; where something is wrong the layers run one by one
 * and say so. */
static bool folds(const cnn_module *norm, const cnn__conv2d_parts *c, const cnn__batch_norm2d_parts *n,
                  const cnn_tensor *x)
{
    const cnn_tensor *tensors[] = { c->weight, c->bias, n->weight, n->bias, n->mean, n->var };
    bool evaluates = n->mean && !cnn__module_training(norm, x->tape) && norm->ctx->math != CNN_MATH_STRICT;
    bool fits = evaluates && n->eps > 0 && x->ndim == 4 && x->dtype == c->weight->dtype && x->dtype == n->mean->dtype &&
                x->shape[2] > 0 && x->shape[3] > 0 && c->weight->shape[0] == n->mean->shape[0];
    return fits && !(cnn__tape_recording(x->tape) && wants_gradient(tensors, CNN__FOLDS));
}

typedef struct ending {
    bool relu, relu6;       /* one of them, or neither */
    const cnn_module *pool; /* behind ReLU; NULL: none */
} ending;

static cnn_tensor *run_folded(const cnn__conv2d_parts *conv, ending behind, cnn_tensor *x, bool *pooled)
{
    *pooled = false;
    return behind.relu    ? conv_relu(conv, behind.pool, x, pooled)
           : behind.relu6 ? cnn__conv2d_relu6(x, conv->weight, conv->bias, conv->options)
                          : cnn_conv2d(x, conv->weight, conv->bias, conv->options);
}

/* The convolution with the folded weight and bias. Those that are not kept are dropped as soon as it has used them. */
static int fold(const cnn__named *layers, ending behind, cnn_tensor *x, cnn_tensor **y)
{
    cnn_tape *tape = x->tape;
    cnn__conv2d_parts c = cnn__layer_conv2d(layers[0].module);
    cnn__batch_norm2d_parts n = cnn__layer_batch_norm2d(layers[1].module);
    if (!folds(layers[1].module, &c, &n, x)) {
        return 0;
    }
    cnn_tensor *const inputs[CNN__FOLDS] = { c.weight, c.bias, n.weight, n.bias, n.mean, n.var };
    cnn_tensor *folded[2];
    cnn__mark mark = cnn__tape_mark(tape);
    cnn__running running;
    bool pooled = false;
    cnn__forward_enter(&running, layers[0].module, tape);
    *y = cnn__tape_nil(tape);
    bool kept = cnn__step_of(tape)->status == CNN_OK && cnn__folded_take(n.folded, inputs, n.eps, folded);
    if (kept || cnn__fold_batch_norm(inputs, n.eps, folded)) {
        c.weight = folded[0];
        c.bias = folded[1];
        *y = run_folded(&c, behind, x, &pooled);
        cnn__tape_drop_since(tape, mark, *y);
    }
    for (int i = 0; kept && i < 2; i++) {
        cnn__tensor_release(folded[i]);
    }
    cnn__running_leave(&running);
    return 2 + behind.relu + behind.relu6 + pooled;
}

static int conv_norm(const cnn__named *layers, cnn_tensor *x, cnn_tensor **y)
{
    return fold(layers, (ending){ .relu = false }, x, y);
}

static int conv_norm_relu(const cnn__named *layers, cnn_tensor *x, cnn_tensor **y)
{
    return fold(layers, (ending){ .relu = true }, x, y);
}

/* ReLU6 becomes part of a convolution that needs no gradient, on the CPU. */
static int conv_norm_relu6(const cnn__named *layers, cnn_tensor *x, cnn_tensor **y)
{
    bool fits = !cnn__tape_recording(x->tape) && cnn__device_is_cpu(x->ctx);
    return fits ? fold(layers, (ending){ .relu6 = true }, x, y) : 0;
}

static int conv_norm_relu_pool(const cnn__named *layers, cnn_tensor *x, cnn_tensor **y)
{
    return fold(layers, (ending){ .relu = true, .pool = layers[3].module }, x, y);
}

/* ---- BatchNorm2d and ReLU or ReLU6, with the bits of the two ---- */

static int norm_relu(const cnn__named *layers, cnn_tensor *x, cnn_tensor **y)
{
    cnn__running running;
    if (!cnn__batch_norm_takes_relu(x)) {
        return 0;
    }
    cnn__forward_enter(&running, layers[0].module, x->tape);
    *y = cnn__layer_batch_norm_relu(layers[0].module, layers[1].module->class == &cnn__relu6_layer.class, x);
    cnn__running_leave(&running);
    return 2;
}

/* ---- the table ---- */

#define CONV &cnn__conv2d_class
#define NORM &cnn__batch_norm2d_class.class
#define RELU &cnn__relu_layer.class
#define RELU6 &cnn__relu6_layer.class
#define POOL &cnn__maxpool2d_layer.class
static const fusion fusions[] = {
    { { CONV, NORM, RELU, POOL }, conv_norm_relu_pool },
    { { CONV, NORM, RELU }, conv_norm_relu },
    { { CONV, NORM, RELU6 }, conv_norm_relu6 },
    { { CONV, NORM }, conv_norm },
    { { CONV, RELU, POOL }, conv_relu_pool },
    { { CONV, RELU }, conv_relu_alone },
    { { NORM, RELU }, norm_relu },
    { { NORM, RELU6 }, norm_relu },
};

static bool matches(const fusion *f, const cnn__named *layers, int count)
{
    for (int i = 0; i < CNN__FUSION_LONGEST && f->pattern[i]; i++) {
        if (i >= count || layers[i].module->class != f->pattern[i]) {
            return false;
        }
    }
    return f->pattern[0] != CONV || !cnn__layer_conv2d(layers[0].module).pads;
}

int cnn__fusion_run(const cnn__named *layers, int count, cnn_tensor *x, cnn_tensor **y)
{
    int taken = 0;
    if (cnn__tape_tracing(x->tape)) {
        return 0;
    }
    for (size_t i = 0; taken == 0 && i < sizeof fusions / sizeof fusions[0]; i++) {
        if (matches(&fusions[i], layers, count)) {
            taken = fusions[i].run(layers, x, y);
        }
    }
    return taken;
}
