/* cnn diff: two tables side by side, in the order of the names. Real numbers are compared as doubles, integers and
 * bools as 64-bit integers, whatever their dtypes are; a NaN equals a NaN. */
#include "command.h"
#include "tensors.h"

#include "common/say.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct diff_options {
    double tolerance;
    bool json;
} diff_options;

static bool take(void *options, int letter, const char *value)
{
    diff_options *o = options;
    char *end;
    if (letter != 't') {
        o->json = true;
        return true;
    }
    errno = 0;
    o->tolerance = strtod(value, &end);
    if (end == value || *end || errno || !(o->tolerance >= 0) || isinf(o->tolerance)) {
        say("cnn diff: --tolerance is \"%s\", expected a number of at least 0", value);
        return false;
    }
    return true;
}

/* What is said of a name. */
typedef struct finding {
    const char *name;
    const char *what; /* "same", "different", "shape", "only in A", "only in B" */
    const tensor_info *a, *b;
    double largest;    /* the largest difference; NaN where a NaN meets a number */
    int64_t different; /* how many elements differ by more than the tolerance */
} finding;

typedef struct comparison {
    const diff_options *o;
    tensors a, b;
    int findings, differing;
} comparison;

/* ---- elements ---- */

static bool is_real(const cnn_tensor *t)
{
    cnn_dtype dtype = cnn_tensor_dtype(t);
    return dtype == CNN_F32 || dtype == CNN_F64 || dtype == CNN_BF16;
}

/* All elements as one of the two dtypes that hold every value; NULL, said, on failure. */
static cnn_tensor *widened(comparison *c, const cnn_tensor *t, cnn_dtype dtype)
{
    cnn_tensor *wide = cnn_tensor_empty(c->a.ctx, dtype, cnn_tensor_ndim(t), cnn_tensor_shape(t));
    if (!wide || cnn_tensor_copy_from(wide, t) != CNN_OK) {
        say("cnn: %s", cnn_last_error(c->a.ctx));
        cnn_tensor_free(wide);
        return NULL;
    }
    return wide;
}

static double distance(const void *a, const void *b, int64_t i, bool real)
{
    if (real) {
        double x = ((const double *)a)[i], y = ((const double *)b)[i];
        return x == y || (isnan(x) && isnan(y)) ? 0 : fabs(x - y);
    }
    int64_t x = ((const int64_t *)a)[i], y = ((const int64_t *)b)[i];
    uint64_t apart = x > y ? (uint64_t)x - (uint64_t)y : (uint64_t)y - (uint64_t)x;
    return (double)apart;
}

static void compare_elements(const comparison *c, finding *f, const cnn_tensor *a, const cnn_tensor *b, bool real)
{
    const void *x = cnn_tensor_data(a), *y = cnn_tensor_data(b);
    for (int64_t i = 0; i < f->a->elements; i++) {
        double d = distance(x, y, i, real);
        f->largest = d > f->largest || isnan(d) ? d : f->largest;
        f->different += !(d <= c->o->tolerance);
    }
    f->what = f->different ? "different" : "same";
}

static bool compare(comparison *c, finding *f, int i, int j)
{
    cnn_tensor *a = tensors_read(&c->a, i), *b = a ? tensors_read(&c->b, j) : NULL;
    bool real = b && (is_real(a) || is_real(b));
    cnn_tensor *x = b ? widened(c, a, real ? CNN_F64 : CNN_I64) : NULL;
    cnn_tensor *y = x ? widened(c, b, real ? CNN_F64 : CNN_I64) : NULL;
    if (y) {
        compare_elements(c, f, x, y, real);
    }
    cnn_tensor_free(a);
    cnn_tensor_free(b);
    cnn_tensor_free(x);
    cnn_tensor_free(y);
    return y != NULL;
}

/* ---- output ---- */

static void print_form(const tensor_info *info)
{
    printf("%s [", info->dtype);
    for (int d = 0; d < info->ndim; d++) {
        printf(d ? ",%" PRId64 : "%" PRId64, info->shape[d]);
    }
    putchar(']');
}

static void print_text(const finding *f)
{
    char name[1024];
    if (strcmp(f->what, "same") == 0) {
        return;
    }
    cnn_name_escape(f->name, name, sizeof name);
    printf("%s: ", name);
    if (f->a && f->b && strcmp(f->what, "shape") == 0) {
        print_form(f->a);
        fputs(" and ", stdout);
        print_form(f->b);
        putchar('\n');
    } else if (f->a && f->b) {
        printf("%" PRId64 " of %" PRId64 " elements differ, by %.9g at most\n", f->different, f->a->elements,
               f->largest);
    } else {
        printf("%s\n", f->what);
    }
}

static void print_json(const comparison *c, const finding *f)
{
    fputs(c->findings ? ", {\"name\": " : "{\"name\": ", stdout);
    json_string(f->name);
    printf(", \"result\": \"%s\"", f->what);
    if (f->a && f->b && strcmp(f->what, "shape") != 0) {
        printf(", \"elements\": %" PRId64 ", \"different\": %" PRId64 ", \"largest\": ", f->a->elements, f->different);
        printf(isfinite(f->largest) ? "%.17g" : "null", f->largest);
    }
    putchar('}');
}

static void report(comparison *c, const finding *f)
{
    if (c->o->json) {
        print_json(c, f);
    } else {
        print_text(f);
    }
    c->findings++;
    c->differing += strcmp(f->what, "same") != 0;
}

/* ---- the two tables ---- */

static bool same_shape(const tensor_info *a, const tensor_info *b)
{
    return a->ndim == b->ndim && memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof *a->shape) == 0;
}

/* The tensor that comes next by its name, in one file or in both. */
static bool compare_row(comparison *c, int *i, int *j)
{
    const tensor_info *a = *i < c->a.count ? &c->a.info[*i] : NULL, *b = *j < c->b.count ? &c->b.info[*j] : NULL;
    finding f = { .what = "same" };
    if (a && (!b || strcmp(a->name, b->name) < 0)) {
        f = (finding){ .name = a->name, .what = "only in A", .a = a };
    } else if (b && (!a || strcmp(a->name, b->name) > 0)) {
        f = (finding){ .name = b->name, .what = "only in B", .b = b };
    } else if (a && b) {
        f = (finding){ .name = a->name, .what = "shape", .a = a, .b = b };
        if (same_shape(a, b) && !compare(c, &f, *i, *j)) {
            return false;
        }
    }
    *i += f.a != NULL;
    *j += f.b != NULL;
    report(c, &f);
    return true;
}

static int compare_all(comparison *c)
{
    bool good = true;
    if (c->o->json) {
        fputs("{\"a\": ", stdout);
        json_string(c->a.path);
        fputs(", \"b\": ", stdout);
        json_string(c->b.path);
        fputs(", \"tensors\": [", stdout);
    }
    for (int i = 0, j = 0; good && (i < c->a.count || j < c->b.count);) {
        good = compare_row(c, &i, &j);
    }
    if (c->o->json) {
        printf("], \"differing\": %d}\n", c->differing);
    }
    if (!good || command_flush() != STATUS_OK) {
        return STATUS_TROUBLE;
    }
    return c->differing ? STATUS_DIFFERENT : STATUS_OK;
}

int run_diff(const command *self, int argc, char **argv)
{
    static const struct option table[] = { { "tolerance", required_argument, NULL, 't' },
                                           { "json", no_argument, NULL, 'j' },
                                           { "help", no_argument, NULL, 'h' },
                                           { NULL, 0, NULL, 0 } };
    diff_options o = { 0 };
    char *paths[2];
    comparison c = { .o = &o };
    int status = command_read(self, argc, argv, "+:t:jh", table, take, &o, paths, 2);
    if (status >= 0) {
        return status;
    }
    cnn_context *ctx = cnn_context_new(.threads = 1, .device = "cpu");
    if (!ctx) {
        say("cnn: %s", cnn_last_error(NULL));
        return STATUS_TROUBLE;
    }
    status = STATUS_TROUBLE;
    if (tensors_open(&c.a, ctx, paths[0])) {
        if (tensors_open(&c.b, ctx, paths[1])) {
            status = compare_all(&c);
            tensors_close(&c.b);
        }
        tensors_close(&c.a);
    }
    cnn_context_free(ctx);
    return status;
}
