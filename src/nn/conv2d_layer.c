/* torch.nn.Conv2d: the options are resolved once for checks and the description, and handed to cnn_conv2d() as they
 * are. */
#include "nn/layer.h"

#include <stdio.h>

typedef struct conv2d_layer {
    cnn_conv2d_options options; /* the options of the convolution: without padding where `pads` has it */
    cnn__window window;         /* as it was given */
    cnn__conv_pads pads;
    int64_t in, out;
    cnn_tensor *weight, *bias;
} conv2d_layer;

static cnn_tensor *conv2d_layer_forward(cnn_module *self, cnn_tensor *x)
{
    const conv2d_layer *l = self->attributes;
    return cnn_conv2d(cnn__conv_pads_apply(&l->pads, x), l->weight, l->bias, &l->options);
}

static int conv2d_layer_nothing(char *buffer)
{
    *buffer = '\0';
    return 0;
}

static int describe_padding(const cnn__window *w, char *buffer, size_t size)
{
    const long long top = w->before[0], left = w->before[1], bottom = w->after[0], right = w->after[1];
    if (w->same) {
        return snprintf(buffer, size, ", padding=same");
    }
    if (top != bottom || left != right) {
        return snprintf(buffer, size, ", padding=(top=%lld, bottom=%lld, left=%lld, right=%lld)", top, bottom, left,
                        right);
    }
    return top || left ? snprintf(buffer, size, ", padding=(%lld, %lld)", top, left) : conv2d_layer_nothing(buffer);
}

static int describe_dilation(const cnn__window *w, char *buffer, size_t size)
{
    if (w->dilation[0] == 1 && w->dilation[1] == 1) {
        return conv2d_layer_nothing(buffer);
    }
    return snprintf(buffer, size, ", dilation=(%lld, %lld)", (long long)w->dilation[0], (long long)w->dilation[1]);
}

static int describe_groups(const cnn__window *w, char *buffer, size_t size)
{
    return w->groups == 1 ? conv2d_layer_nothing(buffer)
                          : snprintf(buffer, size, ", groups=%lld", (long long)w->groups);
}

static int conv2d_layer_describe(const cnn_module *self, char *buffer, size_t size)
{
    const conv2d_layer *l = self->attributes;
    const cnn__window *w = &l->window;
    char padding[160], dilation[64], groups[40];
    describe_padding(w, padding, sizeof padding);
    describe_dilation(w, dilation, sizeof dilation);
    describe_groups(w, groups, sizeof groups);
    return snprintf(buffer, size, "%lld, %lld, kernel_size=(%lld, %lld), stride=(%lld, %lld)%s%s%s%s%s",
                    (long long)l->in, (long long)l->out, (long long)w->kernel[0], (long long)w->kernel[1],
                    (long long)w->stride[0], (long long)w->stride[1], padding, dilation, groups,
                    l->bias ? "" : ", bias=False", cnn__conv_pads_text(&l->pads));
}

/* The tensors are the clone's own. */
static cnn_status conv2d_clone(cnn_module *to, const cnn_module *self)
{
    conv2d_layer *l = to->attributes;
    *l = *(const conv2d_layer *)self->attributes;
    l->weight = cnn__cloned(to, self, l->weight);
    l->bias = cnn__cloned(to, self, l->bias);
    return CNN_OK;
}

const cnn__module_class cnn__conv2d_class = {
    .type = "Conv2d", .forward = conv2d_layer_forward, .describe = conv2d_layer_describe, .clone = conv2d_clone
};

/* Padding that is no zeros is no matter of the convolution. */
static cnn_status conv2d_layer_take_padding(const cnn_context *ctx, conv2d_layer *l)
{
    cnn_conv2d_options *o = &l->options;
    cnn__window w = l->window;
    cnn_status status = cnn__conv_pads_take(ctx, "conv2d_create", &l->pads, (int)o->pad_mode, 2, w.before, w.after);
    if (o->pad_mode != CNN_PAD_CONSTANT) {
        o->padding = o->padding_h = o->padding_w = 0;
        o->padding_top = o->padding_bottom = o->padding_left = o->padding_right = 0;
        o->padding_mode = CNN_PADDING_EXPLICIT;
    }
    return status;
}

static cnn_status conv2d_layer_check(const cnn_context *ctx, conv2d_layer *l)
{
    const char *call = "conv2d_create";
    cnn__problem problem;
    if (l->in < 1 || l->out < 1) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is %lld, expected at least 1", call,
                         l->in < 1 ? "in_channels" : "out_channels", (long long)(l->in < 1 ? l->in : l->out));
    }
    if (!cnn__dtype_is_real(l->options.dtype)) {
        return cnn__fail(ctx, CNN_ERROR_DTYPE, "%s: dtype is %s, expected " CNN__REAL_DTYPES, call,
                         cnn_dtype_name(l->options.dtype));
    }
    if (!cnn__window_conv2d(&l->window, &l->options, NULL, &problem)) {
        return cnn__fail(ctx, problem.status, "%s: %s", call, problem.text);
    }
    if (l->in % l->window.groups || l->out % l->window.groups) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT,
                         "%s: %lld groups do not divide %lld input and %lld output "
                         "channels",
                         call, (long long)l->window.groups, (long long)l->in, (long long)l->out);
    }
    return conv2d_layer_take_padding(ctx, l);
}

static bool conv2d_layer_make_parameters(cnn_module *module)
{
    conv2d_layer *l = module->attributes;
    const cnn__window *w = &l->window;
    const int64_t shape[4] = { l->out, l->in / w->groups, w->kernel[0], w->kernel[1] };
    cnn_dtype dtype = l->options.dtype;
    l->weight = cnn__layer_parameter(module, "conv2d_create", "weight", dtype, 4, shape);
    if (l->weight && !l->options.no_bias) {
        l->bias = cnn__layer_parameter(module, "conv2d_create", "bias", dtype, 1, shape);
    }
    if (!l->weight || (!l->bias && !l->options.no_bias)) {
        return false;
    }
    double fan_in = (double)shape[1] * (double)shape[2] * (double)shape[3];
    return cnn__layer_init(l->weight, l->bias, "conv2d_create", fan_in) == CNN_OK;
}

cnn_module *cnn_conv2d_create(cnn_context *ctx, int64_t in_channels, int64_t out_channels,
                              const cnn_conv2d_options *options)
{
    const char *call = "conv2d_create";
    conv2d_layer l = { .in = in_channels, .out = out_channels };
    if (CNN__OPTIONS_READ(ctx, call, &l.options, options) != CNN_OK || conv2d_layer_check(ctx, &l) != CNN_OK) {
        return NULL;
    }
    cnn_module *module = cnn__module_new(ctx, call, &cnn__conv2d_class, sizeof l);
    if (!module) {
        return NULL;
    }
    *(conv2d_layer *)module->attributes = l;
    if (!conv2d_layer_make_parameters(module)) {
        cnn_module_free(module);
        return NULL;
    }
    return module;
}

cnn__conv2d_parts cnn__layer_conv2d(const cnn_module *module)
{
    const conv2d_layer *l = module->attributes;
    return (cnn__conv2d_parts){ l->weight, l->bias, &l->options, &l->window, l->pads.mode != (int)CNN_PAD_CONSTANT };
}
