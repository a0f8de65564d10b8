/* The layers without parameters: ReLU, GELU, MaxPool2d, AvgPool2d, Dropout, Flatten. Each is a row over its operation.
 * */
#include "nn/plain.h"
#include "ops/geometry.h"

/* ---- ReLU ---- */

static cnn_tensor *relu_forward(cnn_module *self, cnn_tensor *x)
{
    (void)self;
    return cnn_relu(x);
}

static cnn_status read_relu(const cnn_context *ctx, const char *call, const void *options, void *attributes)
{
    cnn_relu_options o;
    (void)attributes;
    return CNN__OPTIONS_READ(ctx, call, &o, options);
}

const cnn__plain_layer cnn__relu_layer = { .class = CNN__PLAIN_CLASS("ReLU", relu_forward),
                                           .call = "relu_create",
                                           .read = read_relu };

cnn_module *cnn_relu_create(cnn_context *ctx, const cnn_relu_options *options)
{
    return cnn__plain_new(ctx, &cnn__relu_layer, options, NULL);
}

/* ---- GELU ---- */

static cnn_tensor *gelu_forward(cnn_module *self, cnn_tensor *x)
{
    return cnn_gelu(x, self->attributes);
}

static cnn_status read_gelu(const cnn_context *ctx, const char *call, const void *options, void *attributes)
{
    cnn_gelu_options *o = attributes;
    return CNN__OPTIONS_READ(ctx, call, o, options);
}

static const cnn__print gelu_prints[] = {
    { "approximate='tanh'", CNN__PRINT_IF, offsetof(cnn_gelu_options, approximate_tanh) },
    { "approximate='none'", CNN__PRINT_UNLESS, offsetof(cnn_gelu_options, approximate_tanh) },
    { .name = "" }
};
static const cnn__plain_layer gelu_layer = { .class = CNN__PLAIN_CLASS("GELU", gelu_forward),
                                             .call = "gelu_create",
                                             .size = sizeof(cnn_gelu_options),
                                             .read = read_gelu,
                                             .prints = gelu_prints };

cnn_module *cnn_gelu_create(cnn_context *ctx, const cnn_gelu_options *options)
{
    cnn_gelu_options o;
    return cnn__plain_new(ctx, &gelu_layer, options, &o);
}

/* ---- MaxPool2d ---- */

typedef struct maxpool {
    cnn_maxpool2d_options options;
    cnn__window window;
} maxpool;

static cnn_tensor *maxpool_forward(cnn_module *self, cnn_tensor *x)
{
    const maxpool *l = self->attributes;
    return cnn_maxpool2d(x, &l->options);
}

static cnn_status read_maxpool(const cnn_context *ctx, const char *call, const void *options, void *attributes)
{
    maxpool *l = attributes;
    cnn_status status = CNN__OPTIONS_READ(ctx, call, &l->options, options);
    return status ? status : cnn__window_read(ctx, call, cnn__maxpool2d_given(&l->options), &l->window);
}

static const cnn__print maxpool_prints[] = { CNN__PRINT(CNN__PRINT_PAIR, "kernel_size", maxpool, window.kernel),
                                             CNN__PRINT(CNN__PRINT_PAIR, "stride", maxpool, window.stride),
                                             CNN__PRINT(CNN__PRINT_PAIR, "padding", maxpool, window.before),
                                             CNN__PRINT(CNN__PRINT_PAIR, "dilation", maxpool, window.dilation),
                                             CNN__PRINT(CNN__PRINT_BOOL, "ceil_mode", maxpool, window.ceil_mode),
                                             { .name = "" } };
const cnn__plain_layer cnn__maxpool2d_layer = { .class = CNN__PLAIN_CLASS("MaxPool2d", maxpool_forward),
                                                .call = "maxpool2d_create",
                                                .size = sizeof(maxpool),
                                                .read = read_maxpool,
                                                .prints = maxpool_prints };

cnn_module *cnn_maxpool2d_create(cnn_context *ctx, const cnn_maxpool2d_options *options)
{
    maxpool l;
    return cnn__plain_new(ctx, &cnn__maxpool2d_layer, options, &l);
}

const cnn_maxpool2d_options *cnn__layer_maxpool2d(const cnn_module *module)
{
    const maxpool *l = module->attributes;
    return &l->options;
}

/* ---- AvgPool2d ---- */

typedef struct layers_avg_pool {
    cnn_avg_pool2d_options options;
    cnn__window window;
} layers_avg_pool;

static cnn_tensor *avg_pool_forward(cnn_module *self, cnn_tensor *x)
{
    const layers_avg_pool *l = self->attributes;
    return cnn_avg_pool2d(x, &l->options);
}

static cnn_status read_avg_pool(const cnn_context *ctx, const char *call, const void *options, void *attributes)
{
    layers_avg_pool *l = attributes;
    cnn_status status = CNN__OPTIONS_READ(ctx, call, &l->options, options);
    return status ? status : cnn__window_read(ctx, call, (cnn__window_given)CNN__WINDOW_GIVEN(&l->options), &l->window);
}

static const cnn__print avg_pool_prints[] = { CNN__PRINT(CNN__PRINT_PAIR, "kernel_size", layers_avg_pool,
                                                         window.kernel),
                                              CNN__PRINT(CNN__PRINT_PAIR, "stride", layers_avg_pool, window.stride),
                                              CNN__PRINT(CNN__PRINT_PAIR, "padding", layers_avg_pool, window.before),
                                              { .name = "" } };
static const cnn__plain_layer avg_pool2d_layer = { .class = CNN__PLAIN_CLASS("AvgPool2d", avg_pool_forward),
                                                   .call = "avg_pool2d_create",
                                                   .size = sizeof(layers_avg_pool),
                                                   .read = read_avg_pool,
                                                   .prints = avg_pool_prints };

cnn_module *cnn_avg_pool2d_create(cnn_context *ctx, const cnn_avg_pool2d_options *options)
{
    layers_avg_pool l;
    return cnn__plain_new(ctx, &avg_pool2d_layer, options, &l);
}

/* ---- Dropout ---- */

typedef struct dropout {
    double p;
} dropout;

static cnn_tensor *dropout_forward(cnn_module *self, cnn_tensor *x)
{
    const dropout *l = self->attributes;
    return cnn_dropout(x, l->p);
}

static cnn_status read_dropout(const cnn_context *ctx, const char *call, const void *options, void *attributes)
{
    dropout *l = attributes;
    cnn_dropout_options o;
    cnn_status status = CNN__OPTIONS_READ(ctx, call, &o, options);
    if (status == CNN_OK && !(l->p >= 0 && l->p <= 1)) {
        status = cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: p is %s, expected 0 to 1", call, CNN__G(l->p));
    }
    l->p = cnn__option(l->p, 0);
    return status;
}

static const cnn__print dropout_prints[] = { CNN__PRINT(CNN__PRINT_FLOAT, "p", dropout, p),
                                             { .name = "inplace=False" },
                                             { .name = "" } };
static const cnn__plain_layer dropout_layer = { .class = CNN__PLAIN_CLASS("Dropout", dropout_forward),
                                                .call = "dropout_create",
                                                .size = sizeof(dropout),
                                                .read = read_dropout,
                                                .prints = dropout_prints };

cnn_module *cnn_dropout_create(cnn_context *ctx, double p, const cnn_dropout_options *options)
{
    dropout l = { p };
    return cnn__plain_new(ctx, &dropout_layer, options, &l);
}

/* ---- Flatten ---- */

typedef struct flatten {
    int start_dim, end_dim;
} flatten;

static cnn_tensor *flatten_forward(cnn_module *self, cnn_tensor *x)
{
    const flatten *l = self->attributes;
    return cnn_flatten(x, l->start_dim, l->end_dim);
}

/* Is there an input whose dimensions these are? */
static bool dims_are_possible(int start, int end)
{
    return start >= -CNN_MAX_DIMS && start < CNN_MAX_DIMS && end >= -CNN_MAX_DIMS && end < CNN_MAX_DIMS &&
           ((start < 0) != (end < 0) || start <= end);
}

static cnn_status read_flatten(const cnn_context *ctx, const char *call, const void *options, void *attributes)
{
    flatten *l = attributes;
    cnn_flatten_options o;
    cnn_status status = CNN__OPTIONS_READ(ctx, call, &o, options);
    if (status != CNN_OK) {
        return status;
    }
    l->start_dim = o.has_start_dim || o.start_dim ? o.start_dim : 1;
    l->end_dim = o.end_dim ? o.end_dim : -1;
    return dims_are_possible(l->start_dim, l->end_dim)
               ? CNN_OK
               : cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: start_dim %d and end_dim %d are of no tensor", call,
                           l->start_dim, l->end_dim);
}

static const cnn__print flatten_prints[] = { CNN__PRINT(CNN__PRINT_INT, "start_dim", flatten, start_dim),
                                             CNN__PRINT(CNN__PRINT_INT, "end_dim", flatten, end_dim),
                                             { .name = "" } };
static const cnn__plain_layer flatten_layer = { .class = CNN__PLAIN_CLASS("Flatten", flatten_forward),
                                                .call = "flatten_create",
                                                .size = sizeof(flatten),
                                                .read = read_flatten,
                                                .prints = flatten_prints };

cnn_module *cnn_flatten_create(cnn_context *ctx, const cnn_flatten_options *options)
{
    flatten l;
    return cnn__plain_new(ctx, &flatten_layer, options, &l);
}
