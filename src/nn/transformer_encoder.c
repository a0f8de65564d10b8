/* torch.nn.TransformerEncoderLayer (Vaswani et al., "Attention Is All You Need", 2017) and TransformerEncoder, made of
 * other layers, which are their children. */
#include "nn/multihead_attention.h"

#include <cnn/norms.h>

#include <stdio.h>
#include <string.h>

enum { SELF_ATTN, LINEAR1, DROPOUT, LINEAR2, NORM1, NORM2, DROPOUT1, DROPOUT2, ENCODER_PARTS };
enum { ENCODER_MOST_LAYERS = 1000, ENCODER_INPUTS = 3 };

typedef struct encoder_layer {
    bool gelu, norm_first;
} encoder_layer;

/* ---- the layer ---- */

static cnn_tensor *encoder_part(const cnn_module *self, int part, cnn_tensor *x)
{
    return cnn_forward(self->children.items[part].module, x);
}

static cnn_tensor *encoder_attend(const cnn_module *self, cnn_tensor *x, cnn_tensor *mask, cnn_tensor *padding)
{
    cnn_tensor *y;
    cnn_forward_many(x->tape, self->children.items[SELF_ATTN].module,
                     (cnn_tensor *const[]){ x, NULL, NULL, padding, mask }, 5, &y, 1);
    return encoder_part(self, DROPOUT1, y);
}

static cnn_tensor *encoder_feed(const cnn_module *self, cnn_tensor *x)
{
    x = encoder_part(self, LINEAR1, x);
    x = ((const encoder_layer *)self->attributes)->gelu ? cnn_gelu(x, NULL) : cnn_relu(x);
    return encoder_part(self, DROPOUT2, encoder_part(self, LINEAR2, encoder_part(self, DROPOUT, x)));
}

static cnn_status encoder_check(const cnn_module *self, cnn_tensor *const *inputs, int input_count, int output_count)
{
    return input_count >= 1 && input_count <= ENCODER_INPUTS && output_count == 1 && inputs[0]
               ? CNN_OK
               : cnn__fail(self->ctx, CNN_ERROR_INVALID_ARGUMENT,
                           "forward: %s takes x and two masks and returns one tensor, given %d%s and asked for %d",
                           self->class->type, input_count, input_count > 0 && !inputs[0] ? " without x" : "",
                           output_count);
}

/* x, the mask of attention and the mask of padding. */
static cnn_status encoder_layer_forward_many(cnn_module *self, cnn_tensor *const *inputs, int input_count,
                                             cnn_tensor **outputs, int output_count)
{
    cnn_status status = encoder_check(self, inputs, input_count, output_count);
    if (status != CNN_OK) {
        return status;
    }
    cnn_tensor *x = inputs[0], *mask = input_count > 1 ? inputs[1] : NULL,
               *padding = input_count > 2 ? inputs[2] : NULL;
    if (((const encoder_layer *)self->attributes)->norm_first) {
        x = cnn_add(x, encoder_attend(self, encoder_part(self, NORM1, x), mask, padding));
        x = cnn_add(x, encoder_feed(self, encoder_part(self, NORM2, x)));
    } else {
        x = encoder_part(self, NORM1, cnn_add(x, encoder_attend(self, x, mask, padding)));
        x = encoder_part(self, NORM2, cnn_add(x, encoder_feed(self, x)));
    }
    outputs[0] = x;
    return CNN_OK;
}

static const cnn__module_class encoder_layer_class = { .type = "TransformerEncoderLayer",
                                                       .forward_many = encoder_layer_forward_many,
                                                       .clone = cnn__clone_bytes };

/* Adds the parts in their order, without first values. */
static bool encoder_layer_make_parts(cnn_module *module, const char *call, int64_t width, int64_t heads,
                                     const cnn_transformer_encoder_layer_options *o,
                                     const cnn_multihead_attention_options *attention)
{
    static const char *const names[] = { "self_attn", "linear1", "dropout",  "linear2",
                                         "norm1",     "norm2",   "dropout1", "dropout2" };
    const cnn_linear_options linear = { .struct_size = sizeof linear, .dtype = o->dtype, .no_bias = o->no_bias };
    const cnn_norm_options norm = {
        .struct_size = sizeof norm, .eps = o->layer_norm_eps, .dtype = o->dtype, .no_bias = o->no_bias
    };
    cnn_context *ctx = module->ctx;
    for (int i = 0; i < ENCODER_PARTS; i++) {
        cnn_module *part;
        switch (i) {
        case SELF_ATTN: part = cnn__multihead_attention_make(ctx, call, width, heads, attention); break;
        case LINEAR1: part = cnn__linear_make(ctx, call, false, width, o->dim_feedforward, &linear); break;
        case LINEAR2: part = cnn__linear_make(ctx, call, false, o->dim_feedforward, width, &linear); break;
        case NORM1:
        case NORM2: part = cnn_layer_norm_create(ctx, 1, &width, &norm); break;
        default: part = cnn_dropout_create(ctx, o->dropout, NULL); break;
        }
        if (!part || !cnn_module_add(module, names[i], part)) {
            return false;
        }
    }
    return true;
}

static cnn_status encoder_layer_init(cnn_module *module, const char *call)
{
    const cnn__named *parts = module->children.items;
    cnn_status status = cnn__multihead_attention_init(parts[SELF_ATTN].module, call);
    for (int i = LINEAR1; status == CNN_OK && i <= LINEAR2; i += LINEAR2 - LINEAR1) {
        status = cnn__linear_init(parts[i].module, call);
    }
    return status;
}

cnn_module *cnn_transformer_encoder_layer_create(cnn_context *ctx, int64_t d_model, int64_t nhead,
                                                 const cnn_transformer_encoder_layer_options *options)
{
    const char *call = "transformer_encoder_layer_create";
    cnn_transformer_encoder_layer_options o;
    if (CNN__OPTIONS_READ(ctx, call, &o, options) != CNN_OK) {
        return NULL;
    }
    o.dim_feedforward = cnn__option_int(o.dim_feedforward, 2048);
    o.dropout = cnn__option(o.dropout, 0.1);
    cnn_multihead_attention_options attention = { .struct_size = sizeof attention,
                                                  .dropout = o.dropout,
                                                  .dtype = o.dtype,
                                                  .no_bias = o.no_bias,
                                                  .batch_first = o.batch_first,
                                                  .is_causal = o.is_causal };
    if (cnn__multihead_attention_check(ctx, call, d_model, nhead, &attention) != CNN_OK) {
        return NULL;
    }
    double eps = cnn__option(o.layer_norm_eps, 1e-5);
    if (o.dim_feedforward < 1 || !(eps >= 0 && eps < 1e300)) {
        bool size = o.dim_feedforward < 1;
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is %s, expected at least %d", call,
                  size ? "dim_feedforward" : "layer_norm_eps", CNN__G(size ? (double)o.dim_feedforward : eps), size);
        return NULL;
    }
    cnn_module *module = cnn__module_new(ctx, call, &encoder_layer_class, sizeof(encoder_layer));
    if (!module) {
        return NULL;
    }
    *(encoder_layer *)module->attributes = (encoder_layer){ o.gelu, o.norm_first };
    if (!encoder_layer_make_parts(module, call, d_model, nhead, &o, &attention) ||
        encoder_layer_init(module, call) != CNN_OK) {
        cnn_module_free(module);
        return NULL;
    }
    return module;
}

/* ---- layers of them ---- */

/* Forward of the children "layers" and, where it is there, "norm". */
static cnn_status encoder_forward_many(cnn_module *self, cnn_tensor *const *inputs, int input_count,
                                       cnn_tensor **outputs, int output_count)
{
    cnn_status status = encoder_check(self, inputs, input_count, output_count);
    if (status != CNN_OK) {
        return status;
    }
    const cnn__named_list *layers = &self->children.items[0].module->children;
    cnn_tensor *in[ENCODER_INPUTS] = { NULL };
    memcpy(in, inputs, (size_t)input_count * sizeof *in);
    for (int i = 0; i < layers->count; i++) {
        cnn_forward_many(in[0]->tape, layers->items[i].module, in, ENCODER_INPUTS, outputs, 1);
        in[0] = outputs[0];
    }
    outputs[0] = self->children.count > 1 ? encoder_part(self, 1, in[0]) : in[0];
    return CNN_OK;
}

static cnn_status module_list_forward(cnn_module *self, cnn_tensor *const *inputs, int input_count,
                                      cnn_tensor **outputs, int output_count)
{
    (void)inputs, (void)input_count, (void)outputs, (void)output_count;
    return cnn__fail(self->ctx, CNN_ERROR_UNSUPPORTED, "forward: ModuleList has none, expected one of its layers");
}

static const cnn__module_class encoder_class = { .type = "TransformerEncoder", .forward_many = encoder_forward_many };
static const cnn__module_class module_list_class = { .type = "ModuleList", .forward_many = module_list_forward };

static bool encoder_fill(cnn_module *list, const char *call, cnn_module *layer, int64_t num_layers)
{
    bool filled = cnn__module_attach(list, call, "0", layer) == CNN_OK;
    for (int i = 1; filled && i < (int)num_layers; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        cnn_module *clone = cnn_module_clone(layer);
        filled = clone && cnn_module_add(list, name, clone);
    }
    return filled;
}

static cnn_status encoder_check_arguments(const cnn_context *ctx, const char *call, const cnn_module *layer,
                                          int64_t num_layers)
{
    if (!layer && cnn__failure_status() != CNN_OK) {
        return cnn__failure_status();
    }
    if (!layer || layer->class != &encoder_layer_class) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: layer is %s%s, expected a TransformerEncoderLayer", call,
                         layer ? "of type " : "NULL", layer ? CNN__Q(cnn_module_type(layer)) : "");
    }
    return num_layers >= 1 && num_layers <= ENCODER_MOST_LAYERS
               ? CNN_OK
               : cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: num_layers is %lld, expected 1 to %d", call,
                           (long long)num_layers, ENCODER_MOST_LAYERS);
}

cnn_module *cnn_transformer_encoder_create(cnn_context *ctx, cnn_module *layer, int64_t num_layers, cnn_module *norm)
{
    const char *call = "transformer_encoder_create";
    cnn_module *module = NULL, *list = NULL;
    bool made = encoder_check_arguments(ctx, call, layer, num_layers) == CNN_OK &&
                (module = cnn__module_new(ctx, call, &encoder_class, 0)) != NULL &&
                (list = cnn__module_new(ctx, call, &module_list_class, 0)) != NULL &&
                cnn__module_attach(module, call, "layers", list) == CNN_OK &&
                encoder_fill(list, call, layer, num_layers) &&
                (!norm || cnn__module_attach(module, call, "norm", norm) == CNN_OK);
    if (!made) {
        cnn__modules_free((cnn_module *const[]){ list, layer, norm }, 3);
        cnn_module_free(module);
    }
    return made ? module : NULL;
}
