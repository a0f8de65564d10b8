/* What a module is made of, as a table: its tree, with what a trace says of it. */
#include "io/text.h"
#include "nn/forward.h"

#include <cnn/profile.h>

#include <string.h>

typedef struct summary {
    const cnn_module *root;
    const cnn_trace *trace;
    cnn__text text;
    int width, shape_width; /* the widths of the first two columns */
} summary;

typedef struct summary_row {
    double flops, bytes; /* the results' floating-point operations and bytes */
    int64_t parameters;
    char shape[CNN__SHAPE_TEXT];
} summary_row;

/* The bytes of the results that the operation has computed; a view has none of its own. */
static double result_bytes(const cnn_trace *trace, const cnn_trace_node *node)
{
    double bytes = 0;
    for (int j = 0; node->bytes > 0 && j < node->output_count; j++) {
        if (node->outputs[j] >= 0) {
            const cnn_trace_value *v = cnn_trace_get_value(trace, node->outputs[j]);
            double own = (double)cnn_dtype_size(v->dtype);
            for (int d = 0; d < v->ndim; d++) {
                own *= (double)v->shape[d];
            }
            bytes += own;
        }
    }
    return bytes;
}

/* Adds the operations of one module, or, for NULL, of all. */
static void add_nodes(const summary *s, const cnn_module *module, summary_row *row)
{
    const cnn_trace_node *node;
    for (int i = 0; (node = cnn_trace_get_node(s->trace, i)) != NULL; i++) {
        const cnn_module *owner = node->module ? node->module : s->root;
        if (!module || owner == module) {
            row->flops += node->flops;
            row->bytes += result_bytes(s->trace, node);
        }
    }
}

static void make_row(const summary *s, const cnn_module *module, summary_row *row)
{
    *row = (summary_row){ .shape = "-" };
    for (const cnn__ran *ran = cnn__trace_ran(s->trace); ran; ran = ran->previous) {
        if (ran->module == module && ran->output) {
            cnn__shape_text(row->shape, ran->output->ndim, ran->output->shape);
            break;
        }
    }
    for (cnn__state state = cnn__state_begin(module); cnn__state_next(&state);) {
        row->parameters += state.owner == module && state.is_parameter ? state.tensor->numel : 0;
    }
    add_nodes(s, module, row);
}

/* "  Conv2d: 0", indented by its depth. */
static int summary_label(const summary *s, const cnn_module *module, char *label, size_t size)
{
    int depth = 0;
    for (const cnn_module *m = module; m != s->root; m = m->parent) {
        depth++;
    }
    const char *name = depth ? module->parent->children.items[module->index].name : "";
    cnn__message(label, size, depth ? "%*s%s: %s" : "%*s%s%s", 2 * depth, "", cnn_module_type(module), name);
    return (int)strlen(label);
}

/* Goes through all modules, to measure the columns or to write their lines. */
static void each_row(summary *s, bool measure)
{
    for (const cnn_module *m = s->root; m; m = cnn__module_next(s->root, m)) {
        summary_row row;
        char label[160];
        int length = summary_label(s, m, label, sizeof label);
        make_row(s, m, &row);
        if (measure) {
            int shape = (int)strlen(row.shape);
            s->width = length > s->width ? length : s->width;
            s->shape_width = shape > s->shape_width ? shape : s->shape_width;
        } else {
            cnn__text_print(&s->text, "%-*s  %*s %12lld %12.3f %10.3f\n", s->width, label, s->shape_width, row.shape,
                            (long long)row.parameters, 1e-6 * row.flops, 1e-6 * row.bytes);
        }
    }
}

static void add_rule(summary *s)
{
    for (int i = 0; i < s->width + s->shape_width + 39; i++) {
        cnn__text_add(&s->text, "-", 1);
    }
    cnn__text_add(&s->text, "\n", 1);
}

static void add_totals(summary *s)
{
    summary_row all = { .flops = 0 };
    double state = 0;
    int64_t trained = 0;
    add_nodes(s, NULL, &all);
    for (cnn__state i = cnn__state_begin(s->root); cnn__state_next(&i);) {
        all.parameters += i.is_parameter ? i.tensor->numel : 0;
        trained += i.is_parameter && i.tensor->requires_grad ? i.tensor->numel : 0;
        state += (double)i.tensor->numel * (double)cnn_dtype_size(i.tensor->dtype);
    }
    cnn__text_print(&s->text, "%lld parameters, %lld of them trained; %.3f MFLOP per forward\n",
                    (long long)all.parameters, (long long)trained, 1e-6 * all.flops);
    cnn__text_print(&s->text, "%.3f MB of results, %.3f MB of parameters and buffers, %.3f MB in all\n",
                    1e-6 * all.bytes, 1e-6 * state, 1e-6 * (all.bytes + state));
}

size_t cnn_module_summary(cnn_module *module, const cnn_trace_input *inputs, int count,
                          const cnn_trace_options *options, char *buffer, size_t size)
{
    cnn_trace *trace = cnn_trace_create(module, inputs, count, options);
    size = buffer ? size : 0;
    if (size) {
        CNN__KNOWN(buffer != NULL);
        *buffer = '\0';
    }
    if (!trace) {
        return 0;
    }
    summary s = { .root = module,
                  .trace = trace,
                  .text = { .ctx = module->ctx },
                  .width = (int)strlen("layer"),
                  .shape_width = (int)strlen("output shape") };
    each_row(&s, true);
    cnn__text_print(&s.text, "%-*s  %*s %12s %12s %10s\n", s.width, "layer", s.shape_width, "output shape",
                    "parameters", "MFLOP", "MB");
    add_rule(&s);
    each_row(&s, false);
    add_rule(&s);
    add_totals(&s);
    cnn_trace_free(trace);
    return cnn__text_give(&s.text, "module_summary", buffer, size);
}
