/* torch.nn.LSTM, GRU and RNN: layers of cnn_lstm(), cnn_gru() and cnn_rnn(), each reading the output of the one before
 * it, in one direction or in both. The parameters lie in the module's list in the order of PyTorch's state_dict: for
 * each layer and each direction weight_ih, weight_hh and, unless there is no bias, bias_ih and bias_hh. */
#include "nn/forward.h"
#include "nn/layer.h"

#include <cnn/recurrent.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_LAYERS = 1000 };

/* What an LSTM, a GRU and an RNN differ in. */
typedef struct rnn_kind {
    cnn__module_class class; /* first: a module's class is its kind */
    const char *call;        /* the name of its constructor, for messages */
    int gates;
    bool cells; /* has c beside h */
} rnn_kind;

typedef struct rnn_layer {
    cnn_rnn_options options; /* num_layers is at least 1 */
    int64_t in, hidden;
    int directions;
} rnn_layer;

/* What a forward gets beside x, and what it gives beside y. */
typedef struct rnn_states {
    cnn_tensor *h0, *c0;     /* [layers·directions,N,H], of one sequence [layers·directions,H]; NULL: zeros */
    cnn_tensor *lengths;     /* NULL: all are whole */
    cnn_tensor **h_n, **c_n; /* one for each layer and direction; NULL: nobody asks */
} rnn_states;

static const rnn_kind *rnn_kind_of(const cnn_module *self)
{
    return (const rnn_kind *)(const void *)self->class;
}

/* ---- forward ---- */

static cnn_tensor *rnn_layer_part_of(cnn_tensor *state, int k)
{
    cnn_tensor *part = state ? cnn_slice(state, 0, k, k + 1, 1) : NULL;
    return part && state->ndim == 3 ? cnn_squeeze(part, 0) : part;
}

/* Direction k counts through all layers. */
static cnn_tensor *run_direction(const cnn_module *self, cnn_tensor *x, int k, const rnn_states *s)
{
    const rnn_layer *l = self->attributes;
    const rnn_kind *kind = rnn_kind_of(self);
    const cnn__named *p = self->parameters.items + (l->options.no_bias ? 2 : 4) * k;
    const cnn_rnn_options options = { .struct_size = sizeof options,
                                      .reverse = k % l->directions == 1,
                                      .relu = l->options.relu };
    cnn_tensor *bias_ih = l->options.no_bias ? NULL : p[2].tensor, *bias_hh = l->options.no_bias ? NULL : p[3].tensor;
    cnn_tensor *h0 = rnn_layer_part_of(s->h0, k), **h_n = s->h_n ? &s->h_n[k] : NULL;
    if (kind->cells) {
        return cnn_lstm(x, h0, rnn_layer_part_of(s->c0, k), p[0].tensor, p[1].tensor, bias_ih, bias_hh, s->lengths,
                        &options, h_n, s->c_n ? &s->c_n[k] : NULL);
    }
    return (kind->gates > 1 ? cnn_gru : cnn_rnn)(x, h0, p[0].tensor, p[1].tensor, bias_ih, bias_hh, s->lengths,
                                                 &options, h_n);
}

static cnn_tensor *run_layers(const cnn_module *self, cnn_tensor *x, const rnn_states *s)
{
    const rnn_layer *l = self->attributes;
    const int layers = (int)l->options.num_layers;
    const bool one = x->ndim == 2, transposed = l->options.batch_first && !one;
    x = one ? cnn_unsqueeze(x, 1) : transposed ? cnn_transpose(x, 0, 1) : x;
    for (int i = 0; i < layers; i++) {
        cnn_tensor *y[2];
        for (int d = 0; d < l->directions; d++) {
            y[d] = run_direction(self, x, i * l->directions + d, s);
        }
        x = l->directions == 2 ? cnn_concat(y, 2, -1) : y[0];
        x = i + 1 < layers && l->options.dropout > 0 ? cnn_dropout(x, l->options.dropout) : x;
    }
    return one ? cnn_squeeze(x, 1) : transposed ? cnn_transpose(x, 0, 1) : x;
}

static cnn_tensor *rnn_layer_forward(cnn_module *self, cnn_tensor *x)
{
    return run_layers(self, x, &(rnn_states){ .h0 = NULL });
}

static int rnn_layer_describe(const cnn_module *self, char *buffer, size_t size)
{
    const rnn_layer *l = self->attributes;
    const cnn_rnn_options *o = &l->options;
    char layers[32] = "", dropout[CNN__FLOAT_TEXT + 16] = "", number[CNN__FLOAT_TEXT];
    if (o->num_layers != 1) {
        snprintf(layers, sizeof layers, ", num_layers=%d", (int)o->num_layers);
    }
    if (o->dropout > 0) {
        snprintf(dropout, sizeof dropout, ", dropout=%s", cnn__float_text(number, o->dropout));
    }
    return snprintf(buffer, size, "%lld, %lld%s%s%s%s%s", (long long)l->in, (long long)l->hidden, layers,
                    o->no_bias ? ", bias=False" : "", o->batch_first ? ", batch_first=True" : "", dropout,
                    o->bidirectional ? ", bidirectional=True" : "");
}

/* ---- forward with states ---- */

static bool check_state(const cnn_module *module, const cnn_tensor *x, const cnn_tensor *t, const char *name)
{
    const rnn_layer *l = module->attributes;
    const int count = (int)l->options.num_layers * l->directions;
    const bool one = x->ndim == 2;
    char text[CNN__SHAPE_TEXT];
    if (t && (t->ndim != (one ? 2 : 3) || t->shape[0] != count)) {
        cnn__tape_fail(x->tape, CNN_ERROR_SHAPE, "%s: %s is %s, expected [%d,%s%lld]",
                       rnn_kind_of(module)->cells ? "lstm_forward" : "rnn_forward", name,
                       cnn__shape_text(text, t->ndim, t->shape), count, one ? "" : "N,", (long long)l->hidden);
        return false;
    }
    return true;
}

/* x, h0, c0 of an LSTM, and lengths make y, h_n and c_n of an LSTM; the last ones of each may be missing. */
static cnn_status rnn_layer_forward_many(cnn_module *self, cnn_tensor *const *inputs, int input_count,
                                         cnn_tensor **outputs, int output_count)
{
    const rnn_layer *l = self->attributes;
    const bool cells = rnn_kind_of(self)->cells;
    const int count = (int)l->options.num_layers * l->directions, most = cells ? 4 : 3;
    cnn_tensor *in[4] = { NULL };
    if (input_count < 1 || input_count > most || output_count < 1 || output_count > most - 1 || !inputs[0]) {
        return cnn__fail(self->ctx, CNN_ERROR_INVALID_ARGUMENT,
                         "forward: %s takes x, h0%s and lengths and returns y%s h_n%s, given %d%s and asked for %d",
                         self->class->type, cells ? ", c0" : "", cells ? "," : " and", cells ? " and c_n" : "",
                         input_count, input_count > 0 && !inputs[0] ? " without x" : "", output_count);
    }
    memcpy(in, inputs, (size_t)input_count * sizeof *in);
    cnn_tensor **each = cnn__tape_arena(in[0]->tape, 2 * (size_t)count * sizeof(cnn_tensor *));
    cnn_tensor *c0 = cells ? in[2] : NULL;
    if (!each || !check_state(self, in[0], in[1], "h0") || !check_state(self, in[0], c0, "c0")) {
        return cnn__failure_status();
    }
    outputs[0] = run_layers(self, in[0], &(rnn_states){ in[1], c0, in[most - 1], each, each + count });
    for (int i = 1; i < output_count; i++) {
        outputs[i] = (in[0]->ndim == 2 ? cnn_concat : cnn_stack)(each + (i - 1) * count, count, 0);
    }
    return CNN_OK;
}

#define RNN_CLASS(name) \
    { \
        .type = (name), .forward = rnn_layer_forward, .forward_many = rnn_layer_forward_many, \
        .describe = rnn_layer_describe, .clone = cnn__clone_bytes, \
    }
static const rnn_kind lstm_kind = { RNN_CLASS("LSTM"), "lstm_create", 4, true };
static const rnn_kind gru_kind = { RNN_CLASS("GRU"), "gru_create", 3, false };
static const rnn_kind elman_kind = { RNN_CLASS("RNN"), "rnn_create", 1, false };

cnn_tensor *cnn_lstm_forward(cnn_module *module, cnn_tensor *x, cnn_tensor *h0, cnn_tensor *c0, cnn_tensor *lengths,
                             cnn_tensor **h_n, cnn_tensor **c_n)
{
    static const cnn__module_class *const classes[] = { &lstm_kind.class, NULL };
    cnn_tensor *results[3];
    cnn__forward_own("lstm_forward", classes, "LSTM", module, (cnn_tensor *const[]){ x, h0, c0, lengths }, 4, results,
                     3);
    if (h_n) {
        *h_n = results[1];
    }
    if (c_n) {
        *c_n = results[2];
    }
    return results[0];
}

cnn_tensor *cnn_rnn_forward(cnn_module *module, cnn_tensor *x, cnn_tensor *h0, cnn_tensor *lengths, cnn_tensor **h_n)
{
    static const cnn__module_class *const classes[] = { &elman_kind.class, &gru_kind.class, NULL };
    cnn_tensor *results[2];
    cnn__forward_own("rnn_forward", classes, "RNN or GRU", module, (cnn_tensor *const[]){ x, h0, lengths }, 3, results,
                     2);
    if (h_n) {
        *h_n = results[1];
    }
    return results[0];
}

/* ---- making one ---- */

static bool add_parameters(cnn_module *module, const char *call)
{
    const rnn_layer *l = module->attributes;
    static const char *const names[] = { "weight_ih", "weight_hh", "bias_ih", "bias_hh" };
    const int count = (int)l->options.num_layers * l->directions;
    for (int k = 0; k < count; k++) {
        int i = k / l->directions;
        const int64_t in = i ? l->hidden * l->directions : l->in;
        for (int j = 0; j < (l->options.no_bias ? 2 : 4); j++) {
            char name[32];
            const int64_t shape[2] = { rnn_kind_of(module)->gates * l->hidden, j ? l->hidden : in };
            snprintf(name, sizeof name, "%s_l%d%s", names[j], i, k % l->directions ? "_reverse" : "");
            if (!cnn__layer_parameter(module, call, name, l->options.dtype, j < 2 ? 2 : 1, shape)) {
                return false;
            }
        }
    }
    return true;
}

static cnn_status check_options(const cnn_context *ctx, const char *call, const cnn_rnn_options *o, bool elman)
{
    if (o->num_layers < 0 || o->num_layers > MAX_LAYERS) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: num_layers is %lld, expected 1 to %d", call,
                         (long long)o->num_layers, MAX_LAYERS);
    }
    if (!(o->dropout >= 0 && o->dropout <= 1)) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: dropout is %s, expected 0 to 1", call,
                         CNN__G(o->dropout));
    }
    if (!cnn__dtype_is_real(o->dtype)) {
        return cnn__fail(ctx, CNN_ERROR_DTYPE, "%s: dtype is %s, expected " CNN__REAL_DTYPES, call,
                         cnn_dtype_name(o->dtype));
    }
    if (o->reverse || (o->relu && !elman)) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s", call,
                         o->reverse ? "reverse is set, expected bidirectional or neither"
                                    : "relu is set, expected that of an RNN alone");
    }
    return CNN_OK;
}

static cnn_status rnn_layer_check(const cnn_context *ctx, const char *call, const rnn_layer *l, bool elman)
{
    if (l->in < 1 || l->hidden < 1) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is %lld, expected at least 1", call,
                         l->in < 1 ? "input_size" : "hidden_size", (long long)(l->in < 1 ? l->in : l->hidden));
    }
    if (l->hidden > INT64_MAX / 8) {
        return cnn__fail(ctx, CNN_ERROR_SHAPE, "%s: hidden_size is %lld, which is too large", call,
                         (long long)l->hidden);
    }
    return check_options(ctx, call, &l->options, elman);
}

static cnn_module *rnn_layer_create(cnn_context *ctx, const rnn_kind *kind, int64_t input_size, int64_t hidden_size,
                                    const cnn_rnn_options *options)
{
    const char *call = kind->call;
    rnn_layer l = { .in = input_size, .hidden = hidden_size };
    if (CNN__OPTIONS_READ(ctx, call, &l.options, options) != CNN_OK ||
        rnn_layer_check(ctx, call, &l, kind->gates == 1) != CNN_OK) {
        return NULL;
    }
    l.options.num_layers = cnn__option_int(l.options.num_layers, 1);
    l.options.dropout = cnn__option(l.options.dropout, 0);
    l.directions = l.options.bidirectional ? 2 : 1;
    cnn_module *module = cnn__module_new(ctx, call, &kind->class, sizeof l);
    if (!module) {
        return NULL;
    }
    *(rnn_layer *)module->attributes = l;
    bool made = add_parameters(module, call);
    for (int i = 0; made && i < module->parameters.count; i++) {
        made = cnn__layer_uniform(module->parameters.items[i].tensor, call, 1 / sqrt((double)hidden_size)) == CNN_OK;
    }
    if (!made) {
        cnn_module_free(module);
        return NULL;
    }
    return module;
}

cnn_module *cnn_lstm_create(cnn_context *ctx, int64_t input_size, int64_t hidden_size, const cnn_lstm_options *options)
{
    return rnn_layer_create(ctx, &lstm_kind, input_size, hidden_size, options);
}

cnn_module *cnn_gru_create(cnn_context *ctx, int64_t input_size, int64_t hidden_size, const cnn_gru_options *options)
{
    return rnn_layer_create(ctx, &gru_kind, input_size, hidden_size, options);
}

cnn_module *cnn_rnn_create(cnn_context *ctx, int64_t input_size, int64_t hidden_size, const cnn_rnn_options *options)
{
    return rnn_layer_create(ctx, &elman_kind, input_size, hidden_size, options);
}
