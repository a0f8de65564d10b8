/* Activations as layers without parameters, each a row over its function: those of ops/activations.def, and the others
 * here. */
#include "nn/layer.h"
#include "nn/plain.h"

#include <stdio.h>

/* ---- layers without numbers ---- */

typedef struct function_layer {
    cnn__plain_layer row; /* first: a module's class is its row */
    cnn_tensor *(*function)(cnn_tensor *x);
} function_layer;

static cnn_tensor *function_forward(cnn_module *self, cnn_tensor *x)
{
    return ((const function_layer *)(const void *)self->class)->function(x);
}

static cnn_status read_nothing(const cnn_context *ctx, const char *call, const void *options, void *attributes)
{
    cnn_activation_options o;
    (void)attributes;
    return CNN__OPTIONS_READ(ctx, call, &o, options);
}

#define FUNCTION_LAYER(name, type, fn) \
    static const function_layer name##_layer = { \
        { .class = CNN__PLAIN_CLASS(type, function_forward), .call = #name "_create", .read = read_nothing }, (fn) \
    }; \
    cnn_module *cnn_##name##_create(cnn_context *ctx, const cnn_##name##_options *options) \
    { \
        return cnn__plain_new(ctx, &name##_layer.row, options, NULL); \
    }

/* ---- layers with numbers among their options ---- */

enum { MAX_NUMBERS = 2 };

/* How the options of these layers are laid out, with one number or two. */
typedef struct number_options {
    size_t struct_size;
    double number[MAX_NUMBERS];
    unsigned char reserved[8];
} number_options;

#define NUMBERS_END(count) (offsetof(number_options, number) + (size_t)(count) * sizeof(double))

typedef struct number_layer {
    cnn__plain_layer row; /* first, as above */
    int count;
    bool alone;                   /* whether the number is printed without its name */
    char name[MAX_NUMBERS][16];   /* the names of the numbers, in the options and in messages */
    double standard[MAX_NUMBERS]; /* their defaults */
    union {
        cnn_tensor *(*one)(cnn_tensor *x, double first);
        cnn_tensor *(*two)(cnn_tensor *x, double first, double second);
    } function;
    bool (*allows)(double first, double second);
    const char *expected; /* what it allows, for messages */
} number_layer;

/* The attributes. */
typedef struct number_values {
    const number_layer *layer;
    double number[MAX_NUMBERS];
} number_values;

static cnn_tensor *number_forward(cnn_module *self, cnn_tensor *x)
{
    const number_values *v = self->attributes;
    const number_layer *l = v->layer;
    return l->count == 1 ? l->function.one(x, v->number[0]) : l->function.two(x, v->number[0], v->number[1]);
}

static int number_describe(const cnn_module *self, char *buffer, size_t size)
{
    const number_values *v = self->attributes;
    const number_layer *l = v->layer;
    int length = 0;
    for (int i = 0; i < l->count; i++) {
        char number[CNN__FLOAT_TEXT];
        length += snprintf(buffer + length, size - (size_t)length, "%s%s%s%s", i ? ", " : "",
                           l->alone ? "" : l->name[i], l->alone ? "" : "=", cnn__float_text(number, v->number[i]));
    }
    return length;
}

static cnn_status number_refuse(const cnn_context *ctx, const char *call, const number_values *v)
{
    const number_layer *l = v->layer;
    if (l->count == 1) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is %s, expected %s", call, l->name[0],
                         CNN__G(v->number[0]), l->expected);
    }
    return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is %s, %s is %s, expected %s", call, l->name[0],
                     CNN__G(v->number[0]), l->name[1], CNN__G(v->number[1]), l->expected);
}

static cnn_status number_read(const cnn_context *ctx, const char *call, const void *options, void *attributes)
{
    number_values *v = attributes;
    const number_layer *l = v->layer;
    number_options o;
    cnn_status status =
        cnn__options_read(ctx, call, &o, NUMBERS_END(l->count) + sizeof o.reserved, NUMBERS_END(l->count), options);
    for (int i = 0; i < l->count; i++) {
        v->number[i] = cnn__option(o.number[i], l->standard[i]);
    }
    return status == CNN_OK && !l->allows(v->number[0], v->number[1]) ? number_refuse(ctx, call, v) : status;
}

#define NUMBER_CLASS(type_name) \
    { \
        .type = (type_name), .forward = number_forward, .describe = number_describe, .clone = cnn__clone_bytes \
    }

/* The row and the constructor, with the further members of the row: the numbers' names and defaults, the function. */
#define NUMBER_LAYER(layer_name, type, numbers, rule, expectation, ...) \
    _Static_assert(offsetof(cnn_##layer_name##_options, reserved) == NUMBERS_END(numbers) && \
                       sizeof(cnn_##layer_name##_options) == NUMBERS_END(numbers) + sizeof(double), \
                   "the options of " #layer_name " are laid out as number_options"); \
    static const number_layer layer_name##_layer = { .row = { .class = NUMBER_CLASS(type), \
                                                              .call = #layer_name "_create", \
                                                              .size = sizeof(number_values), \
                                                              .read = number_read }, \
                                                     .count = (numbers), \
                                                     .allows = (rule), \
                                                     .expected = (expectation), \
                                                     __VA_ARGS__ }; \
    cnn_module *cnn_##layer_name##_create(cnn_context *ctx, const cnn_##layer_name##_options *options) \
    { \
        return cnn__plain_new(ctx, &layer_name##_layer.row, options, \
                              &(number_values){ .layer = &layer_name##_layer }); \
    }

/* ---- the rows of ops/activations.def ---- */

enum { NAMED, ALONE };

#define CNN_ACTIVATION(name, type, FUNCTION, SLOPE) FUNCTION_LAYER(name, type, cnn_##name)
#define CNN_ACTIVATION_1(layer, type, FUNCTION, SLOPE, option, default_value, shown, second, rule, expectation) \
    static bool layer##_layer_allows(double option, double none) \
    { \
        (void)option, (void)none; \
        return (rule); \
    } \
    NUMBER_LAYER(layer, type, 1, layer##_layer_allows, expectation, .alone = (shown) == ALONE, .name = { #option }, \
                 .standard = { (default_value) }, .function = { .one = cnn_##layer })
#include "ops/ops.def"

/* ---- the others ---- */

static cnn_tensor *identity(cnn_tensor *x)
{
    return x;
}

FUNCTION_LAYER(sigmoid, "Sigmoid", cnn_sigmoid)
FUNCTION_LAYER(tanh, "Tanh", cnn_tanh)
FUNCTION_LAYER(identity, "Identity", identity)

static cnn_tensor *relu6_forward(cnn_module *self, cnn_tensor *x)
{
    (void)self;
    return cnn_relu6(x);
}

/* Which fusion names. */
const cnn__plain_layer cnn__relu6_layer = { .class = CNN__PLAIN_CLASS("ReLU6", relu6_forward),
                                            .call = "relu6_create",
                                            .read = read_nothing };

cnn_module *cnn_relu6_create(cnn_context *ctx, const cnn_relu6_options *options)
{
    return cnn__plain_new(ctx, &cnn__relu6_layer, options, NULL);
}

static bool all_are_allowed(double beta, double threshold)
{
    (void)beta, (void)threshold;
    return true;
}

static bool are_in_order(double min_val, double max_val)
{
    return min_val < max_val;
}

NUMBER_LAYER(softplus, "Softplus", 2, all_are_allowed, "", .name = { "beta", "threshold" }, .standard = { 1, 20 },
             .function = { .two = cnn_softplus })
NUMBER_LAYER(hardtanh, "Hardtanh", 2, are_in_order, "min_val < max_val", .name = { "min_val", "max_val" },
             .standard = { -1, 1 }, .function = { .two = cnn_hardtanh })

/* ---- layers along a dimension ---- */

typedef struct along {
    int dim;
} along;

static cnn_tensor *softmax_layer_forward(cnn_module *self, cnn_tensor *x)
{
    return cnn_softmax(x, ((const along *)self->attributes)->dim);
}

static cnn_tensor *log_softmax_layer_forward(cnn_module *self, cnn_tensor *x)
{
    return cnn_log_softmax(x, ((const along *)self->attributes)->dim);
}

static cnn_status read_along(const cnn_context *ctx, const char *call, const void *options, void *attributes)
{
    int dim = ((const along *)attributes)->dim;
    cnn_status status = read_nothing(ctx, call, options, NULL);
    if (status == CNN_OK && (dim < -CNN_MAX_DIMS || dim >= CNN_MAX_DIMS)) {
        status = cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: dim is %d, expected %d to %d", call, dim,
                           -CNN_MAX_DIMS, CNN_MAX_DIMS - 1);
    }
    return status;
}

static const cnn__print along_prints[] = { CNN__PRINT(CNN__PRINT_INT, "dim", along, dim), { .name = "" } };
static const cnn__plain_layer softmax_layer = { .class = CNN__PLAIN_CLASS("Softmax", softmax_layer_forward),
                                                .call = "softmax_create",
                                                .size = sizeof(along),
                                                .read = read_along,
                                                .prints = along_prints };
static const cnn__plain_layer log_softmax_layer = { .class = CNN__PLAIN_CLASS("LogSoftmax", log_softmax_layer_forward),
                                                    .call = "log_softmax_create",
                                                    .size = sizeof(along),
                                                    .read = read_along,
                                                    .prints = along_prints };

cnn_module *cnn_softmax_create(cnn_context *ctx, int dim, const cnn_softmax_options *options)
{
    return cnn__plain_new(ctx, &softmax_layer, options, &(along){ dim });
}

cnn_module *cnn_log_softmax_create(cnn_context *ctx, int dim, const cnn_log_softmax_options *options)
{
    return cnn__plain_new(ctx, &log_softmax_layer, options, &(along){ dim });
}
