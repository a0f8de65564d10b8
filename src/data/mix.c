/* mixup (Zhang et al. 2018) and CutMix (Yun et al. 2019), as torchvision.transforms.v2 has them: compositions of other
 * operations. The weight and the rectangle are drawn by the host from the step's random key. */
#include "data/augment.h"

#include "base/math.h"
#include "ops/operation.h"

/* A call and its draws. */
typedef struct mix_call {
    cnn__call call;
    cnn_random_source random;
    cnn_tensor *other, *labels; /* the images before these, and the labels as weights of classes */
} mix_call;

/* ---- draws ---- */

/* Marsaglia and Tsang's method (2000); below 1 by Gamma(alpha + 1) · U^(1 / alpha). The logarithm of the number, which
 * may be too small for a double. */
static double mix_log_gamma(cnn_random_source *random, double alpha)
{
    double boost = alpha < 1 ? cnn__draw_logarithm(1 - cnn__draw_uniform(random)) / alpha : 0;
    double d = (alpha < 1 ? alpha + 1 : alpha) - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = cnn__draw_normal(random), u = 1 - cnn__draw_uniform(random);
        double v = (1 + c * x) * (1 + c * x) * (1 + c * x);
        if (v > 0 && cnn__draw_logarithm(u) < 0.5 * x * x + d - d * v + d * cnn__draw_logarithm(v)) {
            return cnn__draw_logarithm(d * v) + boost;
        }
    }
}

/* Beta(alpha, alpha) from two of Gamma's numbers. */
static double mix_beta(cnn_random_source *random, double alpha)
{
    double a = mix_log_gamma(random, alpha), b = mix_log_gamma(random, alpha);
    return cnn__sigmoid_f64(a - b);
}

/* ---- what both share ---- */

static bool mix_check(mix_call *m, int64_t classes, double alpha, bool planes)
{
    cnn__call *call = &m->call;
    if (!cnn__call_real(call, 0)) {
        return false;
    }
    const cnn_tensor *x = call->in[0], *labels = call->in[1];
    char text[2][CNN__SHAPE_TEXT];
    if ((planes ? x->ndim != 4 : x->ndim < 1) || labels->ndim != 1 || labels->shape[0] != x->shape[0]) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "images are %s and labels %s, expected %s and [N]",
                       cnn__shape_text(text[0], x->ndim, x->shape),
                       cnn__shape_text(text[1], labels->ndim, labels->shape), planes ? "[N,C,H,W]" : "[N,...]");
        return false;
    }
    if (!(alpha > 0 && alpha <= 1e6)) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "alpha is %s, expected a number above 0, at most 1e6",
                       CNN__G(alpha));
        return false;
    }
    if (classes < 1) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "classes is %lld, expected 1 or more", (long long)classes);
        return false;
    }
    return true;
}

/* λ · x + (1 − λ) · other. */
static cnn_tensor *mix_sum(cnn_tensor *x, cnn_tensor *other, double weight)
{
    return cnn_add(cnn_mul_scalar(x, weight), cnn_mul_scalar(other, 1 - weight));
}

static bool mix_begin(mix_call *m, const cnn__op *op, cnn_tensor *images, cnn_tensor *labels, int64_t classes,
                      double alpha, cnn_tensor **mixed, cnn_tensor **soft_labels)
{
    m->random = (cnn_random_source){ .block = 0 };
    bool begun = cnn__call_begin(&m->call, op, 2, (cnn_tensor *const[]){ images, labels });
    if (begun && (!mixed || !soft_labels)) {
        cnn__call_fail(&m->call, CNN_ERROR_INVALID_ARGUMENT, "%s is NULL", mixed ? "soft_labels" : "mixed");
        begun = false;
    }
    if (!begun || !mix_check(m, classes, alpha, op->name[0] == 'c')) {
        return false;
    }
    cnn__tape_random_key(m->call.tape, m->random.key);
    m->other = cnn_roll(m->call.in[0], 1, 0);
    m->labels = cnn_cast(cnn_one_hot(m->call.in[1], classes), m->call.in[0]->dtype);
    return true;
}

/* Hands over both results; where the step has failed both are nil. */
static cnn_status mix_end(mix_call *m, bool made, cnn_tensor *x, double weight, cnn_tensor **mixed,
                          cnn_tensor **soft_labels)
{
    cnn_tensor *y = made ? mix_sum(m->labels, cnn_roll(m->labels, 1, 0), weight) : NULL;
    cnn_status status = made ? cnn_tensor_status(y) : cnn_tensor_status(m->call.nil);
    status = made && status == CNN_OK ? cnn_tensor_status(x) : status;
    if (mixed) {
        *mixed = made ? x : m->call.nil;
    }
    if (soft_labels) {
        *soft_labels = made ? y : m->call.nil;
    }
    return status;
}

/* ---- the two ---- */

cnn_status cnn_mixup(cnn_tensor *images, cnn_tensor *labels, int64_t classes, double alpha, cnn_tensor **mixed,
                     cnn_tensor **soft_labels)
{
    static const cnn__op op = CNN__COMPOSITION(mixup, .optional = 0);
    mix_call m;
    cnn_tensor *x = NULL;
    double weight = 0;
    bool made = mix_begin(&m, &op, images, labels, classes, alpha, mixed, soft_labels);
    if (made) {
        weight = mix_beta(&m.random, alpha);
        x = mix_sum(m.call.in[0], m.other, weight);
    }
    return mix_end(&m, made, x, weight, mixed, soft_labels);
}

/* The rectangle's place in one direction: from, to. */
static void cut_range(cnn_random_source *random, int64_t size, double ratio, int64_t range[2])
{
    int64_t middle = size > 0 ? cnn__draw_below(random, size) : 0, half = (int64_t)(ratio * (double)size);
    range[0] = middle > half ? middle - half : 0;
    range[1] = middle + half < size ? middle + half : size;
}

/* `inner` between two numbers along a dimension, x around them. */
static cnn_tensor *cut_join(cnn_tensor *x, cnn_tensor *inner, int dim, const int64_t range[2], int64_t size)
{
    cnn_tensor *parts[3];
    int count = 0;
    if (range[0] > 0) {
        parts[count++] = cnn_slice(x, dim, 0, range[0], 1);
    }
    parts[count++] = inner;
    if (range[1] < size) {
        parts[count++] = cnn_slice(x, dim, range[1], size, 1);
    }
    return count > 1 ? cnn_concat(parts, count, dim) : inner;
}

cnn_status cnn_cutmix(cnn_tensor *images, cnn_tensor *labels, int64_t classes, double alpha, cnn_tensor **mixed,
                      cnn_tensor **soft_labels)
{
    static const cnn__op op = CNN__COMPOSITION(cutmix, .optional = 0);
    mix_call m;
    cnn_tensor *x = NULL;
    double weight = 1;
    bool made = mix_begin(&m, &op, images, labels, classes, alpha, mixed, soft_labels);
    if (made) {
        int64_t h = m.call.in[0]->shape[2], w = m.call.in[0]->shape[3], columns[2], rows[2];
        double ratio = 0.5 * sqrt(1 - mix_beta(&m.random, alpha));
        x = m.call.in[0];
        cut_range(&m.random, w, ratio, columns);
        cut_range(&m.random, h, ratio, rows);
        int64_t area = (columns[1] - columns[0]) * (rows[1] - rows[0]);
        if (area > 0) {
            cnn_tensor *band = cnn_slice(x, 2, rows[0], rows[1], 1);
            cnn_tensor *part = cnn_slice(cnn_slice(m.other, 2, rows[0], rows[1], 1), 3, columns[0], columns[1], 1);
            x = cut_join(x, cut_join(band, part, 3, columns, w), 2, rows, h);
            weight = 1 - (double)area / (double)(h * w);
        }
    }
    return mix_end(&m, made, x, weight, mixed, soft_labels);
}
