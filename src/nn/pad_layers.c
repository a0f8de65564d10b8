/* The layers of padding: rows over cnn_pad() that differ in its mode. */
#include "nn/plain.h"

typedef struct pad_layer {
    cnn_pad_options options; /* the options of the operation */
    cnn__print_list sides;   /* left, right, top, bottom */
    double value;
} pad_layer;

static cnn_tensor *pad_layer_forward(cnn_module *self, cnn_tensor *x)
{
    const pad_layer *l = self->attributes;
    return cnn_pad(x, l->sides.count, l->sides.number, &l->options);
}

/* If a side is given, the four alone count. */
static void pad_layer_sides(pad_layer *l, int64_t all, const int64_t sides[4])
{
    bool given = sides[0] || sides[1] || sides[2] || sides[3];
    l->sides = (cnn__print_list){ .count = 4 };
    for (int i = 0; i < 4; i++) {
        l->sides.number[i] = given ? sides[i] : all;
    }
}

static cnn_status read_pad(const cnn_context *ctx, const char *call, const void *options, void *attributes)
{
    pad_layer *l = attributes;
    cnn_pad2d_options o;
    cnn_status status = CNN__OPTIONS_READ(ctx, call, &o, options);
    pad_layer_sides(l, o.padding,
                    (const int64_t[]){ o.padding_left, o.padding_right, o.padding_top, o.padding_bottom });
    return status;
}

static cnn_status read_constant_pad(const cnn_context *ctx, const char *call, const void *options, void *attributes)
{
    pad_layer *l = attributes;
    cnn_constant_pad2d_options o;
    cnn_status status = CNN__OPTIONS_READ(ctx, call, &o, options);
    pad_layer_sides(l, o.padding,
                    (const int64_t[]){ o.padding_left, o.padding_right, o.padding_top, o.padding_bottom });
    l->options.value = o.value;
    l->value = cnn__option(o.value, 0);
    return status;
}

static const cnn__print pad_prints[] = { CNN__PRINT(CNN__PRINT_ALONE, "padding", pad_layer, sides), { .name = "" } };
static const cnn__print constant_pad_prints[] = { CNN__PRINT(CNN__PRINT_LIST, "padding", pad_layer, sides),
                                                  CNN__PRINT(CNN__PRINT_FLOAT, "value", pad_layer, value),
                                                  { .name = "" } };

#define PAD_LAYER(name, type_name, reader, items) \
    { \
        .class = CNN__PLAIN_CLASS(type_name, pad_layer_forward), .call = #name "_create", .size = sizeof(pad_layer), \
        .read = (reader), .prints = (items) \
    }
static const cnn__plain_layer zero_pad2d_layer = PAD_LAYER(zero_pad2d, "ZeroPad2d", read_pad, pad_prints);
static const cnn__plain_layer constant_pad2d_layer =
    PAD_LAYER(constant_pad2d, "ConstantPad2d", read_constant_pad, constant_pad_prints);
static const cnn__plain_layer reflection_pad2d_layer =
    PAD_LAYER(reflection_pad2d, "ReflectionPad2d", read_pad, pad_prints);
static const cnn__plain_layer replication_pad2d_layer =
    PAD_LAYER(replication_pad2d, "ReplicationPad2d", read_pad, pad_prints);

static cnn_module *pad_layer_new(cnn_context *ctx, const cnn__plain_layer *row, cnn_pad_mode mode, const void *options)
{
    pad_layer l = { .options = { .struct_size = sizeof l.options, .mode = mode } };
    return cnn__plain_new(ctx, row, options, &l);
}

cnn_module *cnn_zero_pad2d_create(cnn_context *ctx, const cnn_zero_pad2d_options *options)
{
    return pad_layer_new(ctx, &zero_pad2d_layer, CNN_PAD_CONSTANT, options);
}

cnn_module *cnn_constant_pad2d_create(cnn_context *ctx, const cnn_constant_pad2d_options *options)
{
    return pad_layer_new(ctx, &constant_pad2d_layer, CNN_PAD_CONSTANT, options);
}

cnn_module *cnn_reflection_pad2d_create(cnn_context *ctx, const cnn_reflection_pad2d_options *options)
{
    return pad_layer_new(ctx, &reflection_pad2d_layer, CNN_PAD_REFLECT, options);
}

cnn_module *cnn_replication_pad2d_create(cnn_context *ctx, const cnn_replication_pad2d_options *options)
{
    return pad_layer_new(ctx, &replication_pad2d_layer, CNN_PAD_REPLICATE, options);
}
