/* torch.nn.functional.interpolate: the last one to three dimensions at another size, each by the same rule. */
#include "ops/resample.h"

#include <math.h>
#include <string.h>

static const cnn__interpolation modes[] = {
    [CNN_INTERPOLATE_NEAREST] = { "nearest", CNN_RESAMPLE_NEAREST, 0, false },
    [CNN_INTERPOLATE_NEAREST_EXACT] = { "nearest-exact", CNN_RESAMPLE_NEAREST_EXACT, 0, false },
    [CNN_INTERPOLATE_LINEAR] = { "linear", CNN_RESAMPLE_LINEAR, 3, true },
    [CNN_INTERPOLATE_BILINEAR] = { "bilinear", CNN_RESAMPLE_LINEAR, 4, true },
    [CNN_INTERPOLATE_TRILINEAR] = { "trilinear", CNN_RESAMPLE_LINEAR, 5, true },
    [CNN_INTERPOLATE_BICUBIC] = { "bicubic", CNN_RESAMPLE_CUBIC, 4, true },
    [CNN_INTERPOLATE_AREA] = { "area", CNN_RESAMPLE_MEAN, 0, false },
};

typedef struct interpolation {
    cnn_resample_parameters g; /* first */
    int64_t size[CNN__RESAMPLE_AXES];
    int axes, mode;
    bool align_corners;
    const cnn_interpolate_options *given; /* for infer */
} interpolation;

static const cnn__attribute interpolation_attributes[] = { { .name = "size",
                                                             .type = CNN__INT64,
                                                             .offset = offsetof(interpolation, size),
                                                             .count = CNN__RESAMPLE_AXES,
                                                             .counted = true,
                                                             .count_at = offsetof(interpolation, axes) },
                                                           CNN__ATTRIBUTE(CNN__INT, interpolation, mode),
                                                           CNN__ATTRIBUTE(CNN__BOOL, interpolation, align_corners),
                                                           { .name = NULL } };

/* ---- options ---- */

const cnn__interpolation *cnn__interpolation_of(int mode)
{
    return &modes[mode];
}

void cnn__interpolate_given(const cnn_interpolate_options *o, int64_t size[4], double scale[4])
{
    const int64_t sizes[4] = { o->size_d, o->size_h, o->size_w, o->size };
    const double scales[4] = { o->scale_factor_d, o->scale_factor_h, o->scale_factor_w, o->scale_factor };
    memcpy(size, sizes, sizeof sizes);
    memcpy(scale, scales, sizeof scales);
}

bool cnn__interpolate_check(const cnn_interpolate_options *o, cnn__problem *problem)
{
    static const char *const ends[4] = { "_d", "_h", "_w", "" };
    int64_t size[4];
    double scale[4];
    bool sized = false, scaled = false;
    if ((int)o->mode < 0 || (size_t)o->mode >= sizeof modes / sizeof *modes) {
        return cnn__problem_set(problem, CNN_ERROR_INVALID_ARGUMENT, "mode is %d, expected 0 to %d", (int)o->mode,
                                (int)(sizeof modes / sizeof *modes) - 1);
    }
    cnn__interpolate_given(o, size, scale);
    for (int i = 0; i < 4; i++) {
        if (size[i] < 0) {
            return cnn__problem_set(problem, CNN_ERROR_INVALID_ARGUMENT, "size%s is %lld, expected at least 1", ends[i],
                                    (long long)size[i]);
        }
        if (cnn__option_given(scale[i]) && !(cnn__option(scale[i], 0) > 0 && isfinite(scale[i]))) {
            return cnn__problem_set(problem, CNN_ERROR_INVALID_ARGUMENT,
                                    "scale_factor%s is %s, expected a finite number above 0", ends[i],
                                    CNN__G(cnn__option(scale[i], 0)));
        }
        sized = sized || size[i];
        scaled = scaled || cnn__option_given(scale[i]);
    }
    if (sized == scaled) {
        return cnn__problem_set(problem, CNN_ERROR_INVALID_ARGUMENT, "%s, expected one of them",
                                sized ? "size and scale_factor are both given" : "size and scale_factor are missing");
    }
    if (o->align_corners && !modes[o->mode].aligns) {
        return cnn__problem_set(problem, CNN_ERROR_INVALID_ARGUMENT, "align_corners is set, but mode is %s",
                                modes[o->mode].name);
    }
    return true;
}

/* ---- infer ---- */

static bool interpolate_rank(cnn__call *call, const cnn_interpolate_options *o, int *axes)
{
    const cnn_tensor *x = call->in[0];
    const cnn__interpolation *m = &modes[o->mode];
    char text[CNN__SHAPE_TEXT];
    cnn__shape_text(text, x->ndim, x->shape);
    if (x->ndim < 3 || x->ndim > 5 || (m->rank && x->ndim != m->rank)) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "input is %s, expected rank %s for mode %s", text,
                       m->rank == 0   ? "3, 4 or 5"
                       : m->rank == 3 ? "3"
                       : m->rank == 4 ? "4"
                                      : "5",
                       m->name);
        return false;
    }
    *axes = x->ndim - 2;
    return true;
}

/* The size of an axis and its scale, which PyTorch takes from scale_factor as it is. */
static bool interpolate_axis(cnn__call *call, const cnn_interpolate_options *o, int64_t size, double factor,
                             cnn_resample_axis *axis)
{
    double in = (double)axis->in, out = size ? (double)size : floor(in * factor);
    int64_t product;
    if (!(axis->in >= 1 && out >= 1)) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "size %lld would become %s, expected at least 1 of both",
                       (long long)axis->in, CNN__G(size ? (double)size : floor(in * factor)));
        return false;
    }
    axis->out = size || out >= 0x1p62 ? size : (int64_t)out;
    if (!axis->out || axis->out == INT64_MAX || __builtin_mul_overflow(axis->in + 1, axis->out + 1, &product)) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "size %lld times %s overflows", (long long)axis->in, CNN__G(out));
        return false;
    }
    axis->function = (int)modes[o->mode].rule;
    axis->align_corners = o->align_corners;
    axis->scale = o->align_corners                    ? axis->out > 1 ? (in - 1) / (double)(axis->out - 1) : 0
                  : size || o->recompute_scale_factor ? in / (double)axis->out
                                                      : 1 / factor;
    return true;
}

static bool interpolate_axes(cnn__call *call, const cnn_interpolate_options *o, int axes, interpolation *p)
{
    int64_t size[4];
    double scale[4];
    cnn_resample_axis *axis = cnn__resample_axes(call->in[0], axes, &p->g);
    cnn__interpolate_given(o, size, scale);
    for (int i = 0; i < CNN__RESAMPLE_AXES; i++) {
        int k = i - (CNN__RESAMPLE_AXES - axes);
        if (k < 0 && (size[i] || cnn__option_given(scale[i]))) {
            cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "%s_%c is given for an input of rank %d",
                           size[i] ? "size" : "scale_factor", "dh"[i], call -> in[0] -> ndim);
            return false;
        }
        int64_t n = size[i] ? size[i] : size[3];
        double factor = cnn__option_given(scale[i]) ? scale[i] : scale[3];
        if (k >= 0 && !n && !cnn__option_given(factor)) {
            cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "no size or scale_factor for dimension %d", k + 2);
            return false;
        }
        if (k >= 0 && !interpolate_axis(call, o, n, factor, &axis[k])) {
            return false;
        }
        if (k >= 0) {
            p->size[k] = axis[k].out;
        }
    }
    return true;
}

static bool interpolate_infer(cnn__call *call, void *attributes)
{
    interpolation *p = attributes;
    cnn_interpolate_options o;
    cnn__problem problem;
    if (!cnn__call_real(call, 0) || !CNN__CALL_OPTIONS(call, &o, p->given)) {
        return false;
    }
    if (!cnn__interpolate_check(&o, &problem)) {
        return cnn__call_problem(call, &problem);
    }
    if (!interpolate_rank(call, &o, &p->axes) || !interpolate_axes(call, &o, p->axes, p)) {
        return false;
    }
    p->mode = (int)o.mode;
    p->align_corners = o.align_corners;
    cnn__out_resampled(call, p->axes, &p->g);
    return true;
}

static const cnn__op interpolate_op = { .name = "interpolate",
                                        .dense = 1,
                                        .size = sizeof(interpolation),
                                        .attributes = interpolation_attributes,
                                        .infer = interpolate_infer,
                                        .forward = cnn__resample_forward,
                                        .backward = cnn__resample_backward };

cnn_tensor *cnn_interpolate(cnn_tensor *x, const cnn_interpolate_options *options)
{
    interpolation p = { .given = options };
    return cnn__apply(&interpolate_op, &x, 1, &p);
}
