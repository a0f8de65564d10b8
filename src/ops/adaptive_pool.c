/* Average pooling to a given size: element o is the mean of x from floor(o · in / out) to ceil((o + 1) · in / out) − 1,
 * in each direction. Size 1 pools everything. */
#include "ops/resample.h"

bool cnn__call_adaptive(cnn__call *call, int directions, int64_t in[2], int64_t out[2])
{
    cnn__problem problem;
    int64_t product;
    if (!cnn__image_sizes(call->in[0], directions, in, &problem)) {
        return cnn__call_problem(call, &problem);
    }
    for (int i = 2 - directions; i < 2; i++) {
        const char *name = directions == 1 ? "output_size" : i ? "output_w" : "output_h";
        out[i] = out[i] == -1 ? in[i] : out[i];
        if (out[i] < 1) {
            cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "%s is %lld, expected at least 1, or -1 to keep the size",
                           name, (long long)out[i]);
            return false;
        }
        if (out[i] == INT64_MAX || __builtin_mul_overflow(in[i] + 1, out[i] + 1, &product)) {
            cnn__call_fail(call, CNN_ERROR_SHAPE, "%s %lld times size %lld overflows", name, (long long)out[i],
                           (long long)in[i]);
            return false;
        }
    }
    return true;
}

typedef struct adaptive_averaging {
    cnn_resample_parameters g; /* first */
    int64_t size[2];
} adaptive_averaging;

static const cnn__attribute adaptive_attributes[] = {
    { .name = "output_size", .type = CNN__INT64, .offset = offsetof(adaptive_averaging, size), .count = 2 },
    { .name = NULL }
};

static bool adaptive_infer(cnn__call *call, adaptive_averaging *p, int directions)
{
    int64_t in[2];
    if (!cnn__call_real(call, 0) || !cnn__call_adaptive(call, directions, in, p->size)) {
        return false;
    }
    cnn_resample_axis *axis = cnn__resample_axes(call->in[0], directions, &p->g);
    for (int i = 0; i < directions; i++) {
        axis[i].function = CNN_RESAMPLE_MEAN;
        axis[i].out = p->size[2 - directions + i];
    }
    cnn__out_resampled(call, directions, &p->g);
    return true;
}

static bool adaptive_avg_pool1d_infer(cnn__call *call, void *attributes)
{
    return adaptive_infer(call, attributes, 1);
}

static bool adaptive_avg_pool2d_infer(cnn__call *call, void *attributes)
{
    return adaptive_infer(call, attributes, 2);
}

/* What the descriptors have in common. */
#define ADAPTIVE(function, rule, gradient) \
    { \
        .name = #function, .dense = 1, .size = sizeof(adaptive_averaging), .attributes = adaptive_attributes, \
        .infer = (rule), .forward = cnn__resample_forward, .backward = (gradient) \
    }

static const cnn__op adaptive_avg_pool1d_op =
    ADAPTIVE(adaptive_avg_pool1d, adaptive_avg_pool1d_infer, cnn__resample_backward);
static const cnn__op adaptive_avg_pool2d_op =
    ADAPTIVE(adaptive_avg_pool2d, adaptive_avg_pool2d_infer, cnn__resample_backward);

cnn_tensor *cnn_adaptive_avg_pool1d(cnn_tensor *x, int64_t output_size)
{
    adaptive_averaging p = { .size = { 1, output_size } };
    return cnn__apply(&adaptive_avg_pool1d_op, &x, 1, &p);
}

cnn_tensor *cnn_adaptive_avg_pool2d(cnn_tensor *x, int64_t output_h, int64_t output_w)
{
    adaptive_averaging p = { .size = { output_h, output_w } };
    return cnn__apply(&adaptive_avg_pool2d_op, &x, 1, &p);
}
