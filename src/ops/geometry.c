/* The rules of sliding windows: options to numbers, numbers to sizes. PyTorch's conventions (torch.nn.Conv2d,
 * torch.nn.MaxPool2d), with every size checked for overflow. */
#include "ops/geometry.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What the names of options end in for direction i. */
static const char *geometry_side(const cnn__window *w, int i)
{
    return w->one_dimension ? "" : i ? "_w" : "_h";
}

bool cnn__problem_set(cnn__problem *problem, cnn_status status, const char *format, ...)
{
    problem->status = status;
    va_list arguments;
    va_start(arguments, format);
    cnn__message_list(problem->text, sizeof problem->text, format, arguments);
    va_end(arguments);
    return false;
}

bool cnn__call_problem(cnn__call *call, const cnn__problem *problem)
{
    cnn__call_fail(call, problem->status, "%s", problem->text);
    return false;
}

/* One option for both directions and one for each. */
typedef struct given {
    const char *name;
    int64_t both, each[2];
} given;

static bool geometry_pair(int64_t out[2], given g, const int64_t otherwise[2], int64_t least, cnn__problem *problem)
{
    for (int i = 0; i < 2; i++) {
        out[i] = cnn__option_int(g.each[i], cnn__option_int(g.both, otherwise[i]));
        if (out[i] < least) {
            return cnn__problem_set(problem, CNN_ERROR_INVALID_ARGUMENT, "%s%s is %lld, expected at least %lld", g.name,
                                    !g.each[i] ? ""
                                    : i        ? "_w"
                                               : "_h",
                                    (long long)out[i], (long long)least);
        }
    }
    return true;
}

/* dilation · (kernel − 1) + 1, the pixels that a window reaches over. */
static bool geometry_reach(const cnn__window *w, int i, int64_t *pixels)
{
    int64_t product;
    return !__builtin_mul_overflow(w->dilation[i], w->kernel[i] - 1, &product) &&
           !__builtin_add_overflow(product, (int64_t)1, pixels);
}

static bool reach_check(const cnn__window *w, cnn__problem *problem)
{
    for (int i = 0; i < 2; i++) {
        int64_t pixels;
        if (!geometry_reach(w, i, &pixels)) {
            return cnn__problem_set(problem, CNN_ERROR_SHAPE, "kernel%s %lld with dilation %lld overflows",
                                    geometry_side(w, i), (long long)w->kernel[i], (long long)w->dilation[i]);
        }
    }
    return true;
}

static bool any_side(const cnn_conv2d_options *o)
{
    return o->padding_top || o->padding_bottom || o->padding_left || o->padding_right;
}

static bool pad_same(cnn__window *w, const cnn_conv2d_options *o, cnn__problem *problem)
{
    if (o->padding || o->padding_h || o->padding_w || any_side(o)) {
        return cnn__problem_set(problem, CNN_ERROR_INVALID_ARGUMENT,
                                "padding is given along with CNN_PADDING_SAME, expected one of them");
    }
    for (int i = 0; i < 2; i++) {
        int64_t pixels = 1;
        if (w->stride[i] != 1) {
            return cnn__problem_set(problem, CNN_ERROR_INVALID_ARGUMENT,
                                    "stride%s is %lld, but CNN_PADDING_SAME needs stride 1", geometry_side(w, i),
                                    (long long)w->stride[i]);
        }
        geometry_reach(w, i, &pixels);
        w->before[i] = (pixels - 1) / 2;
        w->after[i] = pixels - 1 - w->before[i];
    }
    return true;
}

static bool pad_sides(cnn__window *w, const cnn_conv2d_options *o, cnn__problem *problem)
{
    const char *const names[4] = { "top", "left", "bottom", "right" };
    const int64_t sides[4] = { o->padding_top, o->padding_left, o->padding_bottom, o->padding_right };
    for (int i = 0; i < 4; i++) {
        if (sides[i] < 0) {
            return cnn__problem_set(problem, CNN_ERROR_INVALID_ARGUMENT, "padding_%s is %lld, expected at least 0",
                                    names[i], (long long)sides[i]);
        }
        (i < 2 ? w->before : w->after)[i % 2] = sides[i];
    }
    return true;
}

bool cnn__window_conv2d(cnn__window *w, const cnn_conv2d_options *o, const int64_t *kernel, cnn__problem *problem)
{
    const int64_t none[2] = { 0, 0 }, one[2] = { 1, 1 };
    memset(w, 0, sizeof *w);
    w->same = o->padding_mode == CNN_PADDING_SAME;
    w->groups = cnn__option_int(o->groups, 1);
    if (w->groups < 1) {
        return cnn__problem_set(problem, CNN_ERROR_INVALID_ARGUMENT, "groups is %lld, expected at least 1",
                                (long long)w->groups);
    }
    if (!w->same && o->padding_mode != CNN_PADDING_EXPLICIT) {
        return cnn__problem_set(problem, CNN_ERROR_INVALID_ARGUMENT,
                                "padding_mode is %d, expected %d (explicit) or %d (same)", (int)o->padding_mode,
                                (int)CNN_PADDING_EXPLICIT, (int)CNN_PADDING_SAME);
    }
    given size = { "kernel", o->kernel, { o->kernel_h, o->kernel_w } };
    if (kernel) {
        size = (given){ "kernel", 0, { kernel[0], kernel[1] } };
    }
    given stride = { "stride", o->stride, { o->stride_h, o->stride_w } };
    given dilation = { "dilation", o->dilation, { o->dilation_h, o->dilation_w } };
    given padding = { "padding", o->padding, { o->padding_h, o->padding_w } };
    if (!geometry_pair(w->kernel, size, none, 1, problem) || !geometry_pair(w->stride, stride, one, 1, problem) ||
        !geometry_pair(w->dilation, dilation, one, 1, problem) || !reach_check(w, problem)) {
        return false;
    }
    if (w->same) {
        return pad_same(w, o, problem);
    }
    if (any_side(o)) {
        return pad_sides(w, o, problem);
    }
    bool good = geometry_pair(w->before, padding, none, 0, problem);
    memcpy(w->after, w->before, sizeof w->after);
    return good;
}

static given given_of(const char *name, const int64_t numbers[3])
{
    return (given){ name, numbers[0], { numbers[1], numbers[2] } };
}

bool cnn__window_pool(cnn__window *w, const cnn__window_given *o, cnn__problem *problem)
{
    const int64_t none[2] = { 0, 0 }, one[2] = { 1, 1 };
    *w = (cnn__window){ .groups = 1, .ceil_mode = o->ceil_mode, .one_dimension = o->one_dimension };
    if (!geometry_pair(w->kernel, given_of("kernel", o->kernel), none, 1, problem) ||
        !geometry_pair(w->stride, given_of("stride", o->stride), o->columns ? one : w->kernel, 1, problem) ||
        !geometry_pair(w->dilation, given_of("dilation", o->dilation), one, 1, problem) ||
        !geometry_pair(w->before, given_of("padding", o->padding), none, 0, problem) || !reach_check(w, problem)) {
        return false;
    }
    if (w->one_dimension) { /* the other one is of height 1 */
        w->kernel[0] = w->stride[0] = w->dilation[0] = 1;
        w->before[0] = 0;
    }
    memcpy(w->after, w->before, sizeof w->after);
    for (int i = 0; i < 2; i++) {
        if (w->before[i] > w->kernel[i] / 2 && !o->columns) {
            return cnn__problem_set(problem, CNN_ERROR_INVALID_ARGUMENT,
                                    "padding%s is %lld, expected at most half of kernel %lld", geometry_side(w, i),
                                    (long long)w->before[i], (long long)w->kernel[i]);
        }
    }
    return true;
}

cnn_status cnn__window_read(const cnn_context *ctx, const char *call, cnn__window_given all, cnn__window *w)
{
    cnn__problem problem;
    return cnn__window_pool(w, &all, &problem) ? CNN_OK : cnn__fail(ctx, problem.status, "%s: %s", call, problem.text);
}

cnn__window_given cnn__unfold_given(const cnn_unfold_options *o)
{
    return (cnn__window_given){ .kernel = { o->kernel, o->kernel_h, o->kernel_w },
                                .stride = { o->stride, o->stride_h, o->stride_w },
                                .padding = { o->padding, o->padding_h, o->padding_w },
                                .dilation = { o->dilation, o->dilation_h, o->dilation_w },
                                .columns = true };
}

cnn__window_given cnn__maxpool1d_given(const cnn_maxpool1d_options *o)
{
    cnn__window_given all = CNN__WINDOW_GIVEN_1D(o);
    all.dilation[0] = o->dilation;
    return all;
}

cnn__window_given cnn__maxpool2d_given(const cnn_maxpool2d_options *o)
{
    cnn__window_given all = CNN__WINDOW_GIVEN(o);
    memcpy(all.dilation, (const int64_t[3]){ o->dilation, o->dilation_h, o->dilation_w }, sizeof all.dilation);
    return all;
}

static bool output(const cnn__window *w, int i, int64_t in, int64_t *out, cnn__problem *problem)
{
    int64_t padded, pixels = 1;
    geometry_reach(w, i, &pixels);
    if (__builtin_add_overflow(in, w->before[i], &padded) || __builtin_add_overflow(padded, w->after[i], &padded)) {
        return cnn__problem_set(problem, CNN_ERROR_SHAPE, "size %lld with padding %lld and %lld overflows",
                                (long long)in, (long long)w->before[i], (long long)w->after[i]);
    }
    int64_t stride = w->stride[i], room = padded - pixels;
    if (room < 0 && !(w->ceil_mode && room > -stride)) {
        return cnn__problem_set(problem, CNN_ERROR_SHAPE,
                                "kernel%s reaches over %lld pixels, the padded input has only %lld",
                                geometry_side(w, i), (long long)pixels, (long long)padded);
    }
    int64_t steps = room < 0 ? 0 : room / stride, start;
    if (w->ceil_mode && room > 0 && room % stride) {
        /* PyTorch: a further window must begin inside the image or the padding before it. */
        bool inside = !__builtin_mul_overflow(steps + 1, stride, &start) && start < in + w->before[i];
        steps += inside ? 1 : 0;
    }
    *out = steps + 1;
    return true;
}

bool cnn__window_output(const cnn__window *w, const int64_t in[2], int64_t out[2], cnn__problem *problem)
{
    return output(w, 0, in[0], &out[0], problem) && output(w, 1, in[1], &out[1], problem);
}

/* Does the window at `start` (which may lie in the padding) touch a pixel of [0, in)? */
static bool touches(const cnn__window *w, int i, int64_t start, int64_t in)
{
    int64_t dilation = w->dilation[i], first = start < 0 ? (dilation - 1 - start) / dilation : 0;
    return first < w->kernel[i] && start + first * dilation < in;
}

bool cnn__window_touches(const cnn__window *w, const int64_t in[2], const int64_t out[2], cnn__problem *problem)
{
    for (int i = 0; i < 2; i++) {
        /* Otherwise the first pixel at or after 0 is before `dilation`, and so inside. What is left is few windows:
         * with padding ≤ kernel/2 only a kernel of 2, or a stride of about the kernel's size, comes here. */
        bool narrow = in[i] < w->dilation[i];
        for (int64_t o = 0; narrow && o < out[i] && o * w->stride[i] < w->before[i]; o++) {
            if (!touches(w, i, o * w->stride[i] - w->before[i], in[i])) {
                return cnn__problem_set(problem, CNN_ERROR_SHAPE,
                                        "with dilation%s %lld a window covers nothing but padding", geometry_side(w, i),
                                        (long long)w->dilation[i]);
            }
        }
    }
    return true;
}

bool cnn__image_sizes(const cnn_tensor *x, int directions, int64_t in[2], cnn__problem *problem)
{
    char text[CNN__SHAPE_TEXT];
    cnn__shape_text(text, x->ndim, x->shape);
    if (x->ndim != directions + 1 && x->ndim != directions + 2) {
        return cnn__problem_set(problem, CNN_ERROR_SHAPE, "input is %s, expected %s", text,
                                directions == 1 ? "[N,C,L] or [C,L]" : "[N,C,H,W] or [C,H,W]");
    }
    in[0] = directions == 1 ? 1 : x->shape[x->ndim - 2];
    in[1] = x->shape[x->ndim - 1];
    if (in[0] == 0 || in[1] == 0) {
        return cnn__problem_set(problem, CNN_ERROR_SHAPE, "input %s has images without pixels", text);
    }
    return true;
}

bool cnn__image_check(const cnn_tensor *x, cnn__problem *problem)
{
    int64_t in[2];
    return cnn__image_sizes(x, 2, in, problem);
}

bool cnn__call_pool(cnn__call *call, const cnn__window_given *options, cnn__window *w, int64_t in[2], int64_t out[2])
{
    cnn__problem problem;
    return (cnn__window_pool(w, options, &problem) &&
            cnn__image_sizes(call->in[0], options->one_dimension ? 1 : 2, in, &problem) &&
            cnn__window_output(w, in, out, &problem) && cnn__window_touches(w, in, out, &problem)) ||
           cnn__call_problem(call, &problem);
}

void cnn__out_image(cnn__call *call, int j, cnn_dtype dtype, int directions, const int64_t out[2])
{
    const cnn_tensor *x = call->in[0];
    int64_t shape[CNN_MAX_DIMS];
    for (int d = 0; d < x->ndim; d++) {
        shape[d] = d < x->ndim - directions ? x->shape[d] : out[d + 2 - x->ndim];
    }
    cnn__out(call, j, dtype, x->ndim, shape);
}
