/* What the options of convolutions mean, and how large their results are: PyTorch's conventions, with every size
 * checked for overflow. */
#include "ops/convolution.h"

#include <string.h>

/* Any kind's options. */
typedef union conv_options {
    cnn_conv1d_options conv1d;
    cnn_conv3d_options conv3d;
    cnn_conv_transpose1d_options conv_transpose1d;
    cnn_conv_transpose2d_options conv_transpose2d;
    cnn_conv_transpose3d_options conv_transpose3d;
} conv_options;

/* One option of a window: its name, where it stands, its default and its least value. */
typedef struct window_field {
    const char *name;
    size_t at;
    int64_t otherwise, least;
} window_field;

static int first_axis(const cnn__conv_kind *kind)
{
    return CNN__CONV_AXES - kind->axes;
}

/* What is put behind an option's name. */
static const char *axis_name(const cnn__conv_kind *kind, int axis)
{
    static const char *const names[CNN__CONV_AXES] = { "_d", "_h", "_w" };
    return kind->axes == 1 ? "" : names[axis];
}

static int64_t number_at(const conv_options *o, size_t at)
{
    int64_t number;
    memcpy(&number, (const char *)o + at, sizeof number);
    return number;
}

static bool read_field(const cnn__conv_kind *kind, const conv_options *o, window_field f, int64_t out[CNN__CONV_AXES],
                       cnn__problem *problem)
{
    for (int i = first_axis(kind); i < CNN__CONV_AXES && f.at; i++) {
        int64_t each = kind->axes > 1 ? number_at(o, f.at + (size_t)(1 + i - first_axis(kind)) * sizeof(int64_t)) : 0;
        out[i] = cnn__option_int(each, cnn__option_int(number_at(o, f.at), f.otherwise));
        if (out[i] < f.least) {
            return cnn__problem_set(problem, CNN_ERROR_INVALID_ARGUMENT, "%s%s is %lld, expected at least %lld", f.name,
                                    each ? axis_name(kind, i) : "", (long long)out[i], (long long)f.least);
        }
    }
    return true;
}

/* dilation · (kernel − 1) + 1, the elements that a window reaches over; false: overflow. */
static bool window_reach(const cnn__conv_window *w, int i, int64_t *elements)
{
    int64_t product;
    return !__builtin_mul_overflow(w->dilation[i], w->kernel[i] - 1, &product) &&
           !__builtin_add_overflow(product, (int64_t)1, elements);
}

static bool check_reach(const cnn__conv_kind *kind, const cnn__conv_window *w, cnn__problem *problem)
{
    for (int i = 0; i < CNN__CONV_AXES; i++) {
        int64_t elements;
        if (!window_reach(w, i, &elements)) {
            return cnn__problem_set(problem, CNN_ERROR_SHAPE, "kernel%s %lld with dilation %lld overflows",
                                    axis_name(kind, i), (long long)w->kernel[i], (long long)w->dilation[i]);
        }
    }
    return true;
}

static bool read_same(const cnn__conv_kind *kind, cnn__conv_window *w, cnn__problem *problem)
{
    for (int i = 0; i < CNN__CONV_AXES; i++) {
        int64_t elements = 1;
        if (w->before[i] || w->after[i]) {
            return cnn__problem_set(problem, CNN_ERROR_INVALID_ARGUMENT,
                                    "padding is given along with CNN_PADDING_SAME, expected one of them");
        }
        if (w->stride[i] != 1) {
            return cnn__problem_set(problem, CNN_ERROR_INVALID_ARGUMENT,
                                    "stride%s is %lld, but CNN_PADDING_SAME needs stride 1", axis_name(kind, i),
                                    (long long)w->stride[i]);
        }
        window_reach(w, i, &elements);
        w->before[i] = (elements - 1) / 2;
        w->after[i] = elements - 1 - w->before[i];
    }
    return true;
}

/* The two ends of a Conv1d, which go before `padding`. */
static bool read_ends(const cnn__conv_kind *kind, const conv_options *o, cnn__conv_window *w, cnn__problem *problem)
{
    int64_t *const ends[2] = { &w->before[2], &w->after[2] }, given[2] = { 0 };
    for (int i = 0; i < 2 && kind->fields.padding_left; i++) {
        given[i] = number_at(o, kind->fields.padding_left + (size_t)i * sizeof(int64_t));
        if (given[i] < 0) {
            return cnn__problem_set(problem, CNN_ERROR_INVALID_ARGUMENT, "padding_%s is %lld, expected at least 0",
                                    i ? "right" : "left", (long long)given[i]);
        }
    }
    for (int i = 0; i < 2 && (given[0] || given[1]); i++) {
        *ends[i] = given[i];
    }
    return true;
}

static bool read_padding(const cnn__conv_kind *kind, const conv_options *o, cnn__conv_window *w, cnn__problem *problem)
{
    int mode = 0;
    if (kind->fields.padding_mode) {
        memcpy(&mode, (const char *)o + kind->fields.padding_mode, sizeof mode);
    }
    if (mode != (int)CNN_PADDING_EXPLICIT && mode != (int)CNN_PADDING_SAME) {
        return cnn__problem_set(problem, CNN_ERROR_INVALID_ARGUMENT,
                                "padding_mode is %d, expected %d (explicit) or %d (same)", mode,
                                (int)CNN_PADDING_EXPLICIT, (int)CNN_PADDING_SAME);
    }
    if (!read_field(kind, o, (window_field){ "padding", kind->fields.padding, 0, 0 }, w->before, problem)) {
        return false;
    }
    memcpy(w->after, w->before, sizeof w->after);
    w->same = mode == (int)CNN_PADDING_SAME;
    return read_ends(kind, o, w, problem) && (!w->same || read_same(kind, w, problem));
}

static bool check_output_padding(const cnn__conv_kind *kind, const cnn__conv_window *w, cnn__problem *problem)
{
    for (int i = 0; i < CNN__CONV_AXES; i++) {
        if (w->output_padding[i] >= w->stride[i] && w->output_padding[i] >= w->dilation[i]) {
            return cnn__problem_set(problem, CNN_ERROR_INVALID_ARGUMENT,
                                    "output_padding%s is %lld, expected less than stride %lld or dilation %lld",
                                    axis_name(kind, i), (long long)w->output_padding[i], (long long)w->stride[i],
                                    (long long)w->dilation[i]);
        }
    }
    return true;
}

static bool read_window(const cnn__conv_kind *kind, const conv_options *o, const int64_t *kernel, cnn__conv_window *w,
                        cnn__problem *problem)
{
    const cnn__conv_fields *f = &kind->fields;
    *w = (cnn__conv_window){ .kernel = { 1, 1, 1 },
                             .stride = { 1, 1, 1 },
                             .dilation = { 1, 1, 1 },
                             .groups = cnn__option_int(number_at(o, f->groups), 1) };
    memcpy(&w->dtype, (const char *)o + f->dtype, sizeof w->dtype);
    memcpy(&w->no_bias, (const char *)o + f->no_bias, sizeof w->no_bias);
    if (f->pad_mode) {
        memcpy(&w->pad_mode, (const char *)o + f->pad_mode, sizeof w->pad_mode);
    }
    if (w->groups < 1) {
        return cnn__problem_set(problem, CNN_ERROR_INVALID_ARGUMENT, "groups is %lld, expected at least 1",
                                (long long)w->groups);
    }
    if (kernel) {
        memcpy(w->kernel + first_axis(kind), kernel, (size_t)kind->axes * sizeof *kernel);
    }
    return (kernel || read_field(kind, o, (window_field){ "kernel", f->kernel, 0, 1 }, w->kernel, problem)) &&
           read_field(kind, o, (window_field){ "stride", f->stride, 1, 1 }, w->stride, problem) &&
           read_field(kind, o, (window_field){ "dilation", f->dilation, 1, 1 }, w->dilation, problem) &&
           read_field(kind, o, (window_field){ "output_padding", f->output_padding, 0, 0 }, w->output_padding,
                      problem) &&
           read_field(kind, o, (window_field){ "output_size", f->output_size, 0, 0 }, w->output_size, problem) &&
           check_reach(kind, w, problem) && read_padding(kind, o, w, problem) && check_output_padding(kind, w, problem);
}

bool cnn__conv_window_read(const cnn_context *ctx, const cnn__conv_kind *kind, const char *call, const void *options,
                           const int64_t *kernel, cnn__conv_window *w, cnn__problem *problem)
{
    conv_options o;
    problem->status = CNN_OK;
    return cnn__options_read(ctx, call, &o, kind->fields.size, kind->fields.known, options) == CNN_OK &&
           read_window(kind, &o, kernel, w, problem);
}

/* ---- sizes ---- */

static bool forward_size(const cnn__conv_kind *kind, const cnn__conv_window *w, int i, int64_t in, int64_t *out,
                         cnn__problem *problem)
{
    int64_t padded, elements = 1;
    window_reach(w, i, &elements);
    if (__builtin_add_overflow(in, w->before[i], &padded) || __builtin_add_overflow(padded, w->after[i], &padded)) {
        return cnn__problem_set(problem, CNN_ERROR_SHAPE, "size %lld with padding %lld and %lld overflows",
                                (long long)in, (long long)w->before[i], (long long)w->after[i]);
    }
    if (padded < elements) {
        return cnn__problem_set(problem, CNN_ERROR_SHAPE,
                                "kernel%s reaches over %lld elements, the padded input has only %lld",
                                axis_name(kind, i), (long long)elements, (long long)padded);
    }
    *out = (padded - elements) / w->stride[i] + 1;
    return true;
}

/* (in − 1) · stride + reach + output_padding − padding at both ends. */
static bool transposed_size(const cnn__conv_kind *kind, const cnn__conv_window *w, int i, int64_t in, int64_t *out,
                            cnn__problem *problem)
{
    int64_t elements = 1, size;
    window_reach(w, i, &elements);
    if (__builtin_mul_overflow(in - 1, w->stride[i], &size) || __builtin_add_overflow(size, elements, &size) ||
        __builtin_add_overflow(size, w->output_padding[i], &size) ||
        __builtin_sub_overflow(size, w->before[i], &size) || __builtin_sub_overflow(size, w->after[i], &size)) {
        return cnn__problem_set(problem, CNN_ERROR_SHAPE, "size %lld with stride%s %lld overflows", (long long)in,
                                axis_name(kind, i), (long long)w->stride[i]);
    }
    if (size < 1) {
        return cnn__problem_set(problem, CNN_ERROR_SHAPE,
                                "padding%s %lld leaves %lld elements of the result, expected at least 1",
                                axis_name(kind, i), (long long)w->before[i], (long long)size);
    }
    *out = size;
    return true;
}

bool cnn__conv_window_resize(const cnn__conv_kind *kind, cnn__conv_window *w, const int64_t in[CNN__CONV_AXES],
                             cnn__problem *problem)
{
    for (int i = 0; i < CNN__CONV_AXES; i++) {
        int64_t least, wanted = w->output_size[i];
        if (!wanted) {
            continue;
        }
        w->output_padding[i] = 0;
        if (!transposed_size(kind, w, i, in[i], &least, problem)) {
            return false;
        }
        if (wanted < least || wanted - least >= w->stride[i]) {
            return cnn__problem_set(problem, CNN_ERROR_INVALID_ARGUMENT,
                                    "output_size%s is %lld, expected %lld or more by less than stride %lld",
                                    axis_name(kind, i), (long long)wanted, (long long)least, (long long)w->stride[i]);
        }
        w->output_padding[i] = wanted - least;
    }
    return true;
}

bool cnn__conv_window_output(const cnn__conv_kind *kind, const cnn__conv_window *w, const int64_t in[CNN__CONV_AXES],
                             int64_t out[CNN__CONV_AXES], cnn__problem *problem)
{
    for (int i = 0; i < CNN__CONV_AXES; i++) {
        if (!(kind->transposed ? transposed_size : forward_size)(kind, w, i, in[i], &out[i], problem)) {
            return false;
        }
    }
    return true;
}
