/* cnn_onnx_save(): traces a module, writes its graph, and decides whether the batch stays symbolic. */
#include "save.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 3, OTHER_BATCH = 5, OLDEST_OPSET = 17, NEWEST_OPSET = 23 };

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

/* ---- tracing ---- */

/* A trace with `batch` in place of the batch's size; 0: with the sizes as they are. */
static cnn_trace *trace_with(cnn__export *s, cnn_module *module, bool marked, int64_t batch)
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
        }
    }
    if (inputs && shapes) {
        const cnn_trace_options how = { .struct_size = sizeof how, .output_count = o->output_count };
        trace = cnn_trace_create(module, inputs, o->input_count, &how);
    } else {
        cnn__onnx_fail(s->ctx, CNN_ERROR_NO_MEMORY, "%s: no memory for %d inputs", s->call, o->input_count);
    }
    free(inputs);
    free(shapes);
    return trace;
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
    return s->names && s->uses && s->folding && s->folded;
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
    } else if (!s.other || !(*varies = cnn__export_disagreement(&s))) {
        status = cnn__export_write_graph(&s, ports);
        *varies = s.varies;
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
static cnn_status save_symbolic(cnn__export *s, cnn_module *module, bool marked, bool *done)
{
    int varies = 0;
    *done = false;
    s->batch = BATCH;
    s->other_batch = OTHER_BATCH;
    s->trace = trace_with(s, module, marked, BATCH);
    s->other = s->trace ? trace_with(s, module, marked, OTHER_BATCH) : NULL;
    cnn_status status = s->other ? attempt(s, &varies) : cnn_context_status(s->ctx);
    *done = s->other && !varies;
    if (varies && marked) {
        const cnn_trace_node *node = cnn_trace_get_node(s->trace, varies - 1);
        status = cnn__onnx_fail(s->ctx, CNN_ERROR_UNSUPPORTED,
                                "%s: %.100s%s%.40s depends on the batch, which is -1, expected a size", s->call,
                                node ? node->path : "", node && *node->path ? ": " : "", node ? node->op : "a result");
    }
    cnn_trace_free(s->other);
    cnn_trace_free(s->trace);
    s->trace = s->other = NULL;
    return status;
}

static cnn_status save_fixed(cnn__export *s, cnn_module *module)
{
    int varies;
    s->trace = trace_with(s, module, false, 0);
    cnn_status status = s->trace ? attempt(s, &varies) : cnn_context_status(s->ctx);
    cnn_trace_free(s->trace);
    return status;
}

/* With a symbolic batch where the module allows one, else as it is. The failure of the first attempt is not left behind
 * then: what this thread was told before stays. */
static cnn_status save_either(cnn__export *s, cnn_module *module)
{
    bool done;
    char before[512];
    const cnn_status status_before = cnn_context_status(s->ctx);
    snprintf(before, sizeof before, "%s", cnn_last_error(s->ctx));
    cnn_status status = save_symbolic(s, module, false, &done);
    if (done) {
        return status;
    }
    status = save_fixed(s, module);
    if (status == CNN_OK && status_before == CNN_OK) {
        cnn_context_clear_error(s->ctx);
    } else if (status == CNN_OK) {
        cnn_context_set_error(s->ctx, status_before, before);
    }
    return status;
}

cnn_status cnn_onnx_save(cnn_module *module, const char *path, const cnn_onnx_save_options *options)
{
    cnn__export s = { .ctx = module ? cnn_module_context(module) : NULL, .call = "onnx_save", .path = path };
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
    return is_marked(&s.options)   ? save_symbolic(&s, module, true, &done)
           : s.options.fixed_batch ? save_fixed(&s, module)
                                   : save_either(&s, module);
}
