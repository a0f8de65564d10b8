/* cnn_onnx_save(): traces a module, writes its graph, and decides whether the batch stays symbolic. */
#include "save.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 3, OTHER_BATCH = 5, LARGER = 512, OLDEST_OPSET = 17, NEWEST_OPSET = 23 };

/* ---- what is asked for ---- */

static cnn_status check_options(cnn__export *s)
{
    cnn_onnx_save_options *o = &s->options;
    o->opset = o->opset ? o->opset : OLDEST_OPSET;
    o->input_count = o->input_count ? o->input_count : 1;
    o->output_count = o->output_count ? o->output_count : 1;
    const char *wrong = !o->inputs            ? "inputs is NULL"
                        : o->input_count < 0  ? "input_count is negative"
                        : o->output_count < 0 ? "output_count is negative"
                        : o->batch_dim < 0    ? "batch_dim is negative"
                                              : NULL;
    for (int i = 0; !wrong && i < o->input_count; i++) {
        const cnn_trace_input *x = &o->inputs[i];
        wrong = x->ndim < 0 || x->ndim > CNN_MAX_DIMS || (x->ndim && !x->shape) ? "an input has no shape" : NULL;
        wrong = o->input_names && !o->input_names[i] ? "an element of input_names is NULL" : wrong;
    }
    for (int i = 0; !wrong && o->output_names && i < o->output_count; i++) {
        wrong = o->output_names[i] ? NULL : "an element of output_names is NULL";
    }
    if (wrong) {
        return cnn__onnx_fail(s->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s", s->call, wrong);
    }
    if (o->opset < OLDEST_OPSET || o->opset > NEWEST_OPSET) {
        return cnn__onnx_fail(s->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: opset is %d, expected %d to %d", s->call,
                              o->opset, OLDEST_OPSET, NEWEST_OPSET);
    }
    return CNN_OK;
}

/* Whether a size is given as -1, the batch. */
static bool is_marked(const cnn_onnx_save_options *o)
{
    bool marked = false;
    for (int i = 0; i < o->input_count; i++) {
        for (int d = 0; !o->inputs[i].left_out && d < o->inputs[i].ndim; d++) {
            marked |= o->inputs[i].shape[d] == -1;
        }
    }
    return marked;
}

/* Whether dimension d of an input is the batch: one that is marked, or where none is that of batch_dim, if its size is
 * that of the first input. */
static bool is_batch(const cnn_onnx_save_options *o, bool marked, int i, int d)
{
    const cnn_trace_input *x = &o->inputs[i], *first = &o->inputs[0];
    return marked ? x->shape[d] == -1
                  : d == o->batch_dim && !first->left_out && d < first->ndim && x->shape[d] == first->shape[d];
}

/* Whether dimension d of an input is the length of a side of a picture, which becomes symbolic. */
static bool is_side(const cnn_onnx_save_options *o, bool marked, int i, int d)
{
    return o->symbolic_sizes && o->inputs[i].ndim >= 3 && d >= 2 && !is_batch(o, marked, i, d);
}

/* ---- tracing ---- */

/* A trace with `batch` in place of the batch's size; 0: with the sizes as they are. `larger`: 1 and more, with larger
 * pictures, by so much that no stride hides it, and each side by another length. */
static cnn_trace *trace_with(cnn__export *s, bool marked, int64_t batch, int larger)
{
    const cnn_onnx_save_options *o = &s->options;
    cnn_trace_input *inputs = calloc((size_t)o->input_count, sizeof *inputs);
    int64_t(*shapes)[CNN_MAX_DIMS] = calloc((size_t)o->input_count, sizeof *shapes);
    cnn_trace *trace = NULL;
    for (int i = 0; inputs && shapes && i < o->input_count; i++) {
        inputs[i] = o->inputs[i];
        inputs[i].shape = shapes[i];
        for (int d = 0; !inputs[i].left_out && d < inputs[i].ndim; d++) {
            shapes[i][d] = batch && is_batch(o, marked, i, d) ? batch : o->inputs[i].shape[d];
            shapes[i][d] += larger && is_side(o, marked, i, d) ? LARGER * (d - 1) + larger - 1 : 0;
        }
    }
    if (inputs && shapes) {
        const cnn_trace_options how = { .struct_size = sizeof how, .output_count = o->output_count };
        trace = cnn_trace_create(s->module, inputs, o->input_count, &how);
    } else {
        cnn__onnx_fail(s->ctx, CNN_ERROR_NO_MEMORY, "%s: no memory for %d inputs", s->call, o->input_count);
    }
    free(inputs);
    free(shapes);
    return trace;
}

/* What this thread was told last, so that failures that are none do not stay behind. */
typedef struct told {
    cnn_status status;
    char text[512];
} told;

static told told_now(const cnn_context *ctx)
{
    told t = { .status = cnn_context_status(ctx) };
    snprintf(t.text, sizeof t.text, "%s", cnn_last_error(ctx));
    return t;
}

static void tell_again(cnn_context *ctx, const told *before)
{
    if (before->status == CNN_OK) {
        cnn_context_clear_error(ctx);
    } else {
        cnn_context_set_error(ctx, before->status, before->text);
    }
}

/* Adds the trace with larger pictures where that is asked for; reports. */
static bool trace_larger(cnn__export *s, bool marked, int64_t batch)
{
    char why[400];
    if (!s->options.symbolic_sizes) {
        return true;
    }
    s->larger = trace_with(s, marked, batch, 1);
    if (!s->larger) {
        snprintf(why, sizeof why, "%s", cnn_last_error(s->ctx));
        cnn__onnx_fail(s->ctx, cnn_context_status(s->ctx), "%s: with pictures of %d more rows, for symbolic sizes: %s",
                       s->call, LARGER, why);
        return false;
    }
    told before = told_now(s->ctx);
    for (int i = 0; i < CNN__EXPORT_PROBES; i++) { /* a size that the module does not take proves nothing */
        s->probes[i] = s->owned[i] = trace_with(s, marked, batch, 2 + i);
        if (!s->probes[i] && cnn_context_status(s->ctx) == CNN_ERROR_NO_MEMORY) {
            return false;
        }
    }
    tell_again(s->ctx, &before);
    return true;
}

static void free_traces(cnn__export *s)
{
    for (int i = 0; i < CNN__EXPORT_PROBES; i++) {
        cnn_trace_free(s->owned[i]);
        s->probes[i] = s->owned[i] = NULL;
    }
    cnn_trace_free(s->larger);
    cnn_trace_free(s->other);
    cnn_trace_free(s->trace);
    s->trace = s->other = s->larger = NULL;
}

/* ---- one attempt ---- */

static bool allocate(cnn__export *s)
{
    while (cnn_trace_get_value(s->trace, s->value_count)) {
        s->value_count++;
    }
    while (cnn_trace_get_node(s->trace, s->node_count)) {
        s->node_count++;
    }
    s->names = calloc((size_t)s->value_count + 1, sizeof *s->names);
    s->uses = calloc((size_t)s->value_count + 1, sizeof *s->uses);
    s->folding = calloc((size_t)s->node_count + 1, sizeof *s->folding);
    s->folded = calloc((size_t)s->node_count + 1, sizeof *s->folded);
    s->stored = calloc((size_t)s->value_count + 1, sizeof *s->stored);
    return s->names && s->uses && s->folding && s->folded && s->stored && cnn__export_name_stored(s);
}

/* Frees all but the traces. */
static void release(cnn__export *s)
{
    for (int i = 0; i < s->initializer_count; i++) {
        free(s->initializers[i].data);
    }
    cnn__export_free_strings(s);
    free(s->initializers);
    free(s->names);
    free(s->stored);
    free(s->uses);
    free(s->folding);
    free(s->folded);
    free(s->nodes.bytes);
    free(s->values.bytes);
}

/* Reports an operation that cannot be written. */
static cnn_status report_refused(const cnn__export *s)
{
    const cnn_trace_node *node = cnn_trace_get_node(s->trace, s->refused - 1);
    char others[48] = "";
    if (s->more) {
        snprintf(others, sizeof others, " (and %d more operation%s)", s->more, s->more > 1 ? "s" : "");
    }
    return cnn__onnx_fail(s->ctx, CNN_ERROR_UNSUPPORTED, "%s: %.100s%s%.40s: %s%s", s->call, node->path,
                          *node->path ? ": " : "", node->op, s->why, others);
}

/* Reports that operation number `varies` - 1 needs as a number what is to be symbolic. */
static cnn_status report_varying(const cnn__export *s, int varies, const char *what)
{
    const cnn_trace_node *node = cnn_trace_get_node(s->trace, varies - 1);
    return cnn__onnx_fail(s->ctx, CNN_ERROR_UNSUPPORTED, "%s: %.100s%s%.40s depends on %s", s->call,
                          node ? node->path : "", node && *node->path ? ": " : "", node ? node->op : "a result", what);
}

/* Writes the graph of the traces that `first` has, and the file unless the batch cannot be symbolic, which is said by
 * `varies`. */
static cnn_status attempt(const cnn__export *first, int *varies)
{
    cnn__export s = *first;
    const char **ports = calloc((size_t)(s.options.input_count + s.options.output_count), sizeof *ports);
    cnn_status status = CNN_OK;
    *varies = 0;
    if (!allocate(&s) || !ports) {
        s.no_memory = true;
    } else if (!(*varies = cnn__export_disagreement(&s))) {
        status = cnn__export_write_graph(&s, ports);
        *varies = s.varies;
    }
    if (*varies && s.varies_by_size && status == CNN_OK) {
        status = report_varying(&s, *varies, "the sizes of pictures, which are to be symbolic");
        *varies = 0;
    }
    if (status == CNN_OK && (s.no_memory || s.nodes.failed || s.values.failed)) {
        status = cnn__onnx_fail(s.ctx, CNN_ERROR_NO_MEMORY, "%s: no memory for the graph", s.call);
    } else if (status == CNN_OK && !*varies) {
        status = s.refused ? report_refused(&s) : cnn__export_save_file(&s);
    }
    free(ports);
    release(&s);
    return status;
}

/* With a symbolic batch; *done is false where the module does not allow that. */
static cnn_status save_symbolic(cnn__export *s, bool marked, bool *done)
{
    int varies = 0;
    *done = false;
    s->batch = BATCH;
    s->other_batch = OTHER_BATCH;
    s->trace = trace_with(s, marked, BATCH, 0);
    s->other = s->trace ? trace_with(s, marked, OTHER_BATCH, 0) : NULL;
    bool traced = s->other && trace_larger(s, marked, BATCH);
    cnn_status status = traced ? attempt(s, &varies) : cnn_context_status(s->ctx);
    *done = s->other && !varies;
    if (varies && marked) {
        status = report_varying(s, varies, "the batch, which is -1, expected a size");
    }
    free_traces(s);
    return status;
}

static cnn_status save_fixed(cnn__export *s)
{
    int varies;
    s->batch = s->other_batch = 1;
    s->trace = trace_with(s, false, 0, 0);
    cnn_status status = s->trace && trace_larger(s, false, 0) ? attempt(s, &varies) : cnn_context_status(s->ctx);
    free_traces(s);
    return status;
}

/* With a symbolic batch where the module allows one, else as it is. The failure of the first attempt is not left behind
 * then: what this thread was told before stays. */
static cnn_status save_either(cnn__export *s)
{
    bool done;
    const told before = told_now(s->ctx);
    cnn_status status = save_symbolic(s, false, &done);
    if (done) {
        return status;
    }
    status = save_fixed(s);
    if (status == CNN_OK) {
        tell_again(s->ctx, &before);
    }
    return status;
}

cnn_status cnn_onnx_save(cnn_module *module, const char *path, const cnn_onnx_save_options *options)
{
    cnn__export s = {
        .ctx = module ? cnn_module_context(module) : NULL, .call = "onnx_save", .path = path, .module = module
    };
    bool done;
    if (!module || !path || !options) {
        return cnn__onnx_fail(s.ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", s.call,
                              !module ? "module"
                              : !path ? "path"
                                      : "options");
    }
    cnn_status status = CNN__ONNX_OPTIONS(s.ctx, s.call, &s.options, options);
    status = status == CNN_OK ? check_options(&s) : status;
    if (status != CNN_OK) {
        return status;
    }
    return is_marked(&s.options)   ? save_symbolic(&s, true, &done)
           : s.options.fixed_batch ? save_fixed(&s)
                                   : save_either(&s);
}
