/* Dropout of channels and alpha dropout as layers without parameters: rows that name their function. */
#include "nn/plain.h"

typedef struct drop_row {
    cnn__plain_layer row; /* first: a module's class is its row */
    cnn_tensor *(*function)(cnn_tensor *x, double p);
} drop_row;

typedef struct drop_attributes {
    double p;
} drop_attributes;

static cnn_tensor *drop_forward(cnn_module *self, cnn_tensor *x)
{
    return ((const drop_row *)(const void *)self->class)->function(x, ((const drop_attributes *)self->attributes)->p);
}

static cnn_status read_drop(const cnn_context *ctx, const char *call, const void *options, void *attributes)
{
    drop_attributes *l = attributes;
    cnn_feature_dropout_options o;
    cnn_status status = CNN__OPTIONS_READ(ctx, call, &o, options);
    if (status == CNN_OK && !(l->p >= 0 && l->p <= 1)) {
        status = cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: p is %s, expected 0 to 1", call, CNN__G(l->p));
    }
    l->p = cnn__option(l->p, 0);
    return status;
}

static const cnn__print drop_prints[] = { CNN__PRINT(CNN__PRINT_FLOAT, "p", drop_attributes, p),
                                          { .name = "inplace=False" },
                                          { .name = "" } };

#define DROP_LAYER(name, type, fn) \
    { \
        { .class = CNN__PLAIN_CLASS(type, drop_forward), \
          .call = #name "_create", \
          .size = sizeof(drop_attributes), \
          .read = read_drop, \
          .prints = drop_prints }, \
            (fn) \
    }

static const drop_row dropout1d_layer = DROP_LAYER(dropout1d, "Dropout1d", cnn_dropout1d);
static const drop_row dropout2d_layer = DROP_LAYER(dropout2d, "Dropout2d", cnn_dropout2d);
static const drop_row alpha_dropout_layer = DROP_LAYER(alpha_dropout, "AlphaDropout", cnn_alpha_dropout);

cnn_module *cnn_dropout1d_create(cnn_context *ctx, double p, const cnn_dropout1d_options *options)
{
    return cnn__plain_new(ctx, &dropout1d_layer.row, options, &(drop_attributes){ p });
}

cnn_module *cnn_dropout2d_create(cnn_context *ctx, double p, const cnn_dropout2d_options *options)
{
    return cnn__plain_new(ctx, &dropout2d_layer.row, options, &(drop_attributes){ p });
}

cnn_module *cnn_alpha_dropout_create(cnn_context *ctx, double p, const cnn_alpha_dropout_options *options)
{
    return cnn__plain_new(ctx, &alpha_dropout_layer.row, options, &(drop_attributes){ p });
}
