/* torch.nn.Conv1d, Conv3d, ConvTranspose1d, ConvTranspose2d and ConvTranspose3d: one layer over cnn__convolve(), whose
 * options are read once. */
#include "base/message.h"
#include "nn/layer.h"
#include "ops/convolution.h"

#include <stdio.h>

typedef struct convolution_layer {
    const cnn__conv_kind *kind;
    cnn__conv_window window; /* as it was given */
    cnn__conv_window inner;  /* the window of the convolution: without padding where `pads` has it */
    cnn__conv_pads pads;
    int64_t in, out;
    cnn_tensor *weight, *bias;
} convolution_layer;

static cnn_tensor *convolution_layer_forward(cnn_module *self, cnn_tensor *x)
{
    const convolution_layer *l = self->attributes;
    return cnn__convolve(l->kind, cnn__conv_pads_apply(&l->pads, x), l->weight, l->bias, &l->inner);
}

/* ---- what is printed ---- */

enum { TUPLE_TEXT = 80 };

/* As Python writes a tuple: "(3,)", "(3, 3)". */
static const char *tuple_text(char text[TUPLE_TEXT], const cnn__conv_kind *kind, const int64_t numbers[CNN__CONV_AXES])
{
    int length = 0;
    for (int i = CNN__CONV_AXES - kind->axes; i < CNN__CONV_AXES; i++) {
        length +=
            snprintf(text + length, TUPLE_TEXT - (size_t)length, "%s%lld", length ? ", " : "(", (long long)numbers[i]);
    }
    cnn__message(text + length, TUPLE_TEXT - (size_t)length, "%s", kind->axes == 1 ? ",)" : ")");
    return text;
}

static bool differs(const int64_t numbers[CNN__CONV_AXES], int64_t usual)
{
    return numbers[0] != usual || numbers[1] != usual || numbers[2] != usual;
}

/* Writes nothing where all numbers of the kind's axes are the usual ones, which other axes always are. */
static void describe_numbers(char text[2 * TUPLE_TEXT], const cnn__conv_kind *kind, const char *name,
                             const int64_t numbers[CNN__CONV_AXES], int64_t usual)
{
    char tuple[TUPLE_TEXT];
    text[0] = '\0';
    if (differs(numbers, usual)) {
        snprintf(text, 2 * TUPLE_TEXT, ", %s=%s", name, tuple_text(tuple, kind, numbers));
    }
}

static void describe_conv_padding(char text[2 * TUPLE_TEXT], const cnn__conv_kind *kind, const cnn__conv_window *w)
{
    if (w->same) {
        cnn__message(text, 2 * TUPLE_TEXT, ", padding=same");
    } else if (w->before[2] != w->after[2]) {
        snprintf(text, 2 * TUPLE_TEXT, ", padding=(left=%lld, right=%lld)", (long long)w->before[2],
                 (long long)w->after[2]);
    } else {
        describe_numbers(text, kind, "padding", w->before, 0);
    }
}

static int convolution_layer_describe(const cnn_module *self, char *buffer, size_t size)
{
    const convolution_layer *l = self->attributes;
    const cnn__conv_window *w = &l->window;
    char kernel[TUPLE_TEXT], stride[TUPLE_TEXT], padding[2 * TUPLE_TEXT], dilation[2 * TUPLE_TEXT],
        output_padding[2 * TUPLE_TEXT], groups[40] = "";
    describe_conv_padding(padding, l->kind, w);
    describe_numbers(dilation, l->kind, "dilation", w->dilation, 1);
    describe_numbers(output_padding, l->kind, "output_padding", w->output_padding, 0);
    if (w->groups != 1) {
        snprintf(groups, sizeof groups, ", groups=%lld", (long long)w->groups);
    }
    return snprintf(buffer, size, "%lld, %lld, kernel_size=%s, stride=%s%s%s%s%s%s%s", (long long)l->in,
                    (long long)l->out, tuple_text(kernel, l->kind, w->kernel), tuple_text(stride, l->kind, w->stride),
                    padding, dilation, output_padding, groups, l->bias ? "" : ", bias=False",
                    cnn__conv_pads_text(&l->pads));
}

/* ---- making one ---- */

/* The tensors are the clone's own. */
static cnn_status convolution_clone(cnn_module *to, const cnn_module *self)
{
    convolution_layer *l = to->attributes;
    *l = *(const convolution_layer *)self->attributes;
    l->weight = cnn__cloned(to, self, l->weight);
    l->bias = cnn__cloned(to, self, l->bias);
    return CNN_OK;
}

#define CONVOLUTION_CLASS(name) \
    { \
        .type = name, .forward = convolution_layer_forward, .describe = convolution_layer_describe, \
        .clone = convolution_clone \
    }

static cnn_status convolution_layer_check(const cnn_context *ctx, convolution_layer *l, const void *options)
{
    const char *call = l->kind->create;
    cnn__problem problem;
    if (!cnn__conv_window_read(ctx, l->kind, call, options, NULL, &l->window, &problem)) {
        return problem.status == CNN_OK ? cnn__failure_status()
                                        : cnn__fail(ctx, problem.status, "%s: %s", call, problem.text);
    }
    if (l->in < 1 || l->out < 1) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is %lld, expected at least 1", call,
                         l->in < 1 ? "in_channels" : "out_channels", (long long)(l->in < 1 ? l->in : l->out));
    }
    if (!cnn__dtype_is_real(l->window.dtype)) {
        return cnn__fail(ctx, CNN_ERROR_DTYPE, "%s: dtype is %s, expected " CNN__REAL_DTYPES, call,
                         cnn_dtype_name(l->window.dtype));
    }
    if (l->in % l->window.groups || l->out % l->window.groups) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT,
                         "%s: %lld groups do not divide %lld input and %lld output channels", call,
                         (long long)l->window.groups, (long long)l->in, (long long)l->out);
    }
    const int axes = l->kind->axes, first = CNN__CONV_AXES - axes;
    l->inner = l->window;
    return cnn__conv_pads_take(ctx, call, &l->pads, l->window.pad_mode, axes, l->inner.before + first,
                               l->inner.after + first);
}

static bool convolution_layer_make_parameters(cnn_module *module)
{
    convolution_layer *l = module->attributes;
    const cnn__conv_kind *kind = l->kind;
    const cnn__conv_window *w = &l->window;
    int64_t shape[CNN__CONV_AXES + 2] = { l->out, l->in / w->groups };
    if (kind->transposed) {
        shape[0] = l->in;
        shape[1] = l->out / w->groups;
    }
    double fan_in = (double)shape[1];
    for (int i = 0; i < kind->axes; i++) {
        shape[2 + i] = w->kernel[CNN__CONV_AXES - kind->axes + i];
        fan_in *= (double)shape[2 + i];
    }
    l->weight = cnn__layer_parameter(module, kind->create, "weight", w->dtype, kind->axes + 2, shape);
    if (l->weight && !w->no_bias) {
        l->bias = cnn__layer_parameter(module, kind->create, "bias", w->dtype, 1, &l->out);
    }
    return l->weight && (l->bias || w->no_bias) && cnn__layer_init(l->weight, l->bias, kind->create, fan_in) == CNN_OK;
}

static cnn_module *convolution_create(cnn_context *ctx, const cnn__module_class *class, convolution_layer l,
                                      const void *options)
{
    if (convolution_layer_check(ctx, &l, options) != CNN_OK) {
        return NULL;
    }
    cnn_module *module = cnn__module_new(ctx, l.kind->create, class, sizeof l);
    if (!module) {
        return NULL;
    }
    *(convolution_layer *)module->attributes = l;
    if (!convolution_layer_make_parameters(module)) {
        cnn_module_free(module);
        return NULL;
    }
    return module;
}

static const cnn__module_class conv1d_class = CONVOLUTION_CLASS("Conv1d"), conv3d_class = CONVOLUTION_CLASS("Conv3d"),
                               conv_transpose1d_class = CONVOLUTION_CLASS("ConvTranspose1d"),
                               conv_transpose2d_class = CONVOLUTION_CLASS("ConvTranspose2d"),
                               conv_transpose3d_class = CONVOLUTION_CLASS("ConvTranspose3d");

cnn_module *cnn_conv1d_create(cnn_context *ctx, int64_t in_channels, int64_t out_channels,
                              const cnn_conv1d_options *options)
{
    return convolution_create(
        ctx, &conv1d_class, (convolution_layer){ &cnn__conv1d_kind, .in = in_channels, .out = out_channels }, options);
}

cnn_module *cnn_conv3d_create(cnn_context *ctx, int64_t in_channels, int64_t out_channels,
                              const cnn_conv3d_options *options)
{
    return convolution_create(
        ctx, &conv3d_class, (convolution_layer){ &cnn__conv3d_kind, .in = in_channels, .out = out_channels }, options);
}

cnn_module *cnn_conv_transpose1d_create(cnn_context *ctx, int64_t in_channels, int64_t out_channels,
                                        const cnn_conv_transpose1d_options *options)
{
    return convolution_create(
        ctx, &conv_transpose1d_class,
        (convolution_layer){ &cnn__conv_transpose1d_kind, .in = in_channels, .out = out_channels }, options);
}

cnn_module *cnn_conv_transpose2d_create(cnn_context *ctx, int64_t in_channels, int64_t out_channels,
                                        const cnn_conv_transpose2d_options *options)
{
    return convolution_create(
        ctx, &conv_transpose2d_class,
        (convolution_layer){ &cnn__conv_transpose2d_kind, .in = in_channels, .out = out_channels }, options);
}

cnn_module *cnn_conv_transpose3d_create(cnn_context *ctx, int64_t in_channels, int64_t out_channels,
                                        const cnn_conv_transpose3d_options *options)
{
    return convolution_create(
        ctx, &conv_transpose3d_class,
        (convolution_layer){ &cnn__conv_transpose3d_kind, .in = in_channels, .out = out_channels }, options);
}
