/* The layers without parameters: ReLU, MaxPool2d, Dropout, Flatten. Each is its operation with the options it was made
 * with. */
#include "nn/layer.h"
#include "ops/geometry.h"

#include <stdio.h>

/* ---- ReLU ---- */

static cnn_tensor *relu_forward(cnn_module *self, cnn_tensor *x)
{
    (void)self;
    return cnn_relu(x);
}

static const cnn__module_class relu_class = { .type = "ReLU", .forward = relu_forward };

cnn_module *cnn_relu_create(cnn_context *ctx, const cnn_relu_options *options)
{
    const char *call = "relu_create";
    cnn_relu_options o;
    return CNN__OPTIONS_READ(ctx, call, &o, options) == CNN_OK ? cnn__module_new(ctx, call, &relu_class, 0) : NULL;
}

bool cnn__layer_relu(const cnn_module *module)
{
    return module->class == &relu_class;
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

/* "2" or "(2, 3)", as the numbers would be given in Python. */
static const char *pair_text(char text[48], const int64_t pair[2])
{
    if (pair[0] == pair[1]) {
        snprintf(text, 48, "%lld", (long long)pair[0]);
    } else {
        snprintf(text, 48, "(%lld, %lld)", (long long)pair[0], (long long)pair[1]);
    }
    return text;
}

static int maxpool_describe(const cnn_module *self, char *buffer, size_t size)
{
    const maxpool *l = self->attributes;
    const cnn__window *w = &l->window;
    char kernel[48], stride[48], padding[48], dilation[48];
    return snprintf(buffer, size, "kernel_size=%s, stride=%s, padding=%s, dilation=%s, ceil_mode=%s",
                    pair_text(kernel, w->kernel), pair_text(stride, w->stride), pair_text(padding, w->before),
                    pair_text(dilation, w->dilation), w->ceil_mode ? "True" : "False");
}

static const cnn__module_class maxpool_class = {
    .type = "MaxPool2d", .forward = maxpool_forward, .describe = maxpool_describe, .clone = cnn__clone_bytes
};

cnn_module *cnn_maxpool2d_create(cnn_context *ctx, const cnn_maxpool2d_options *options)
{
    const char *call = "maxpool2d_create";
    maxpool l;
    cnn__problem problem;
    if (CNN__OPTIONS_READ(ctx, call, &l.options, options) != CNN_OK) {
        return NULL;
    }
    if (!cnn__window_maxpool2d(&l.window, &l.options, &problem)) {
        cnn__fail(ctx, problem.status, "%s: %s", call, problem.text);
        return NULL;
    }
    cnn_module *module = cnn__module_new(ctx, call, &maxpool_class, sizeof l);
    if (module) {
        *(maxpool *)module->attributes = l;
    }
    return module;
}

const cnn_maxpool2d_options *cnn__layer_maxpool2d(const cnn_module *module)
{
    return module->class == &maxpool_class ? &((const maxpool *)module->attributes)->options : NULL;
}

/* ---- Dropout ---- */

static cnn_tensor *dropout_forward(cnn_module *self, cnn_tensor *x)
{
    const double *p = self->attributes;
    return cnn_dropout(x, *p);
}

static int dropout_describe(const cnn_module *self, char *buffer, size_t size)
{
    const double *p = self->attributes;
    char text[CNN__FLOAT_TEXT];
    return snprintf(buffer, size, "p=%s, inplace=False", cnn__float_text(text, *p));
}

static const cnn__module_class dropout_class = {
    .type = "Dropout", .forward = dropout_forward, .describe = dropout_describe, .clone = cnn__clone_bytes
};

cnn_module *cnn_dropout_create(cnn_context *ctx, double p, const cnn_dropout_options *options)
{
    const char *call = "dropout_create";
    cnn_dropout_options o;
    if (CNN__OPTIONS_READ(ctx, call, &o, options) != CNN_OK) {
        return NULL;
    }
    if (!(p >= 0 && p <= 1)) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: p is %s, expected 0 to 1", call, CNN__G(p));
        return NULL;
    }
    cnn_module *module = cnn__module_new(ctx, call, &dropout_class, sizeof p);
    if (module) {
        *(double *)module->attributes = cnn__option(p, 0);
    }
    return module;
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

static int flatten_describe(const cnn_module *self, char *buffer, size_t size)
{
    const flatten *l = self->attributes;
    return snprintf(buffer, size, "start_dim=%d, end_dim=%d", l->start_dim, l->end_dim);
}

static const cnn__module_class flatten_class = {
    .type = "Flatten", .forward = flatten_forward, .describe = flatten_describe, .clone = cnn__clone_bytes
};

/* Is there an input whose dimensions these are? */
static bool dims_are_possible(int start, int end)
{
    return start >= -CNN_MAX_DIMS && start < CNN_MAX_DIMS && end >= -CNN_MAX_DIMS && end < CNN_MAX_DIMS &&
           ((start < 0) != (end < 0) || start <= end);
}

cnn_module *cnn_flatten_create(cnn_context *ctx, const cnn_flatten_options *options)
{
    const char *call = "flatten_create";
    cnn_flatten_options o;
    if (CNN__OPTIONS_READ(ctx, call, &o, options) != CNN_OK) {
        return NULL;
    }
    flatten l = { .start_dim = o.has_start_dim || o.start_dim ? o.start_dim : 1,
                  .end_dim = o.end_dim ? o.end_dim : -1 };
    if (!dims_are_possible(l.start_dim, l.end_dim)) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: start_dim %d and end_dim %d are of no tensor", call,
                  l.start_dim, l.end_dim);
        return NULL;
    }
    cnn_module *module = cnn__module_new(ctx, call, &flatten_class, sizeof l);
    if (module) {
        *(flatten *)module->attributes = l;
    }
    return module;
}
