/* cnn info of an ONNX model: its operators, and its nodes with the values that go in and out. */
#include "info_graph.h"

#include "command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void print_text(const char *text)
{
    size_t size = cnn_name_escape(text, NULL, 0) + 1;
    char *shown = malloc(size);
    if (shown) {
        cnn_name_escape(text, shown, size);
    }
    fputs(shown ? shown : "?", stdout);
    free(shown);
}

void print_value_shape(const graph_value *v, bool json)
{
    if (v->ndim < 0) {
        fputs(json ? "null" : "any shape", stdout);
        return;
    }
    putchar('[');
    for (int d = 0; d < v->ndim; d++) { /* sizes that are open by their names, or null */
        fputs(!d ? "" : json ? ", " : ",", stdout);
        if (v->shape[d] >= 0) {
            printf("%" PRId64, v->shape[d]);
        } else if (json && *v->symbols[d]) {
            json_string(v->symbols[d]);
        } else if (json) {
            fputs("null", stdout);
        } else {
            print_text(*v->symbols[d] ? v->symbols[d] : "?");
        }
    }
    putchar(']');
}

static void print_head_text(const graph *g)
{
    fputs("  ", stdout);
    if (*g->producer) {
        print_text(g->producer);
        fputs(*g->producer_version ? " " : "", stdout);
        print_text(g->producer_version);
        fputs(", ", stdout);
    }
    printf("version %" PRId64 " of the format, opset ", g->ir_version);
    for (int i = 0; i < g->opset_count; i++) {
        fputs(i ? ", " : "", stdout);
        print_text(g->opsets[i].domain);
        printf("%s%" PRId64, *g->opsets[i].domain ? " " : "", g->opsets[i].version);
    }
    putchar('\n');
}

static void print_head_json(const graph *g)
{
    fputs(", \"producer\": ", stdout);
    json_string(g->producer);
    fputs(", \"producer_version\": ", stdout);
    json_string(g->producer_version);
    printf(", \"ir_version\": %" PRId64 ", \"opsets\": [", g->ir_version);
    for (int i = 0; i < g->opset_count; i++) {
        fputs(i ? ", {\"domain\": " : "{\"domain\": ", stdout);
        json_string(g->opsets[i].domain);
        printf(", \"version\": %" PRId64 "}", g->opsets[i].version);
    }
    putchar(']');
}

void print_graph_head(const graph *g, bool json)
{
    (json ? print_head_json : print_head_text)(g);
}

void print_operators(const graph *g, bool json)
{
    int shown = 0;
    fputs(json ? ", \"operators\": [" : "", stdout);
    for (int i = 0; i < g->operator_count; i++) {
        const graph_operator *o = &g->operators[i];
        if (o->count == 0) {
            continue; /* a function that no node calls */
        }
        if (json) {
            fputs(shown++ ? ", {\"operator\": " : "{\"operator\": ", stdout);
            json_string(o->type);
            fputs(", \"domain\": ", stdout);
            json_string(o->domain);
            printf(", \"count\": %d, \"function\": %s, \"supported\": %s}", o->count, o->is_function ? "true" : "false",
                   o->is_known ? "true" : "false");
            continue;
        }
        fputs(o->is_function ? "  function " : "  operator ", stdout);
        print_text(o->domain);
        fputs(*o->domain ? "." : "", stdout);
        print_text(o->type);
        printf("  %d%s\n", o->count, o->is_known ? "" : "  not supported");
    }
    fputs(json ? "]" : "", stdout);
}

static void print_values(const graph *g, const char *const *names, int count, bool json)
{
    for (int i = 0; i < count; i++) {
        const graph_value *v = *names[i] ? graph_find(g, names[i]) : NULL;
        const bool typed = v && v->type;
        fputs(i ? ", " : "", stdout);
        if (json) {
            fputs("{\"name\": ", stdout);
            json_string(names[i]);
            printf(typed ? ", \"dtype\": \"%s\", \"shape\": " : ", \"dtype\": null, \"shape\": ",
                   typed ? graph_type_name(v->type) : "");
            print_value_shape(typed ? v : &(graph_value){ .ndim = -1 }, true);
            putchar('}');
        } else if (!*names[i]) {
            putchar('-');
        } else {
            print_text(names[i]);
            printf(typed ? " %s" : "", typed ? graph_type_name(v->type) : "");
            if (typed && v->ndim >= 0) {
                putchar(' ');
                print_value_shape(v, false);
            }
        }
    }
}

/* "If_3.then_branch", or the function's name; nothing of the model's own nodes */
static void print_place(const graph *g, const graph_node *n, bool json)
{
    const graph_node *parent = n->parent >= 0 ? &g->nodes[n->parent] : NULL;
    if (json) {
        fputs(", \"inside\": ", stdout);
        if (parent) {
            fputs("{\"node\": ", stdout);
            json_string(*parent->name ? parent->name : parent->type);
            fputs(", \"attribute\": ", stdout);
            json_string(n->branch);
            putchar('}');
        } else if (*n->branch) {
            fputs("{\"function\": ", stdout);
            json_string(n->branch);
            putchar('}');
        } else {
            fputs("null", stdout);
        }
        return;
    }
    if (parent) {
        print_text(*parent->name ? parent->name : parent->type);
        putchar('.');
    }
    print_text(n->branch);
    fputs(*n->branch || parent ? ": " : "", stdout);
}

static void print_node(const graph *g, int i, bool json)
{
    const graph_node *n = &g->nodes[i];
    if (json) {
        fputs(i ? ", {\"name\": " : "{\"name\": ", stdout);
        json_string(n->name);
        fputs(", \"operator\": ", stdout);
        json_string(n->type);
        fputs(", \"domain\": ", stdout);
        json_string(n->domain);
        print_place(g, n, true);
        fputs(", \"inputs\": [", stdout);
        print_values(g, n->inputs, n->input_count, true);
        fputs("], \"outputs\": [", stdout);
        print_values(g, n->outputs, n->output_count, true);
        fputs("]}", stdout);
        return;
    }
    printf("  node %d  ", i);
    print_place(g, n, false);
    print_text(n->name);
    fputs(*n->name ? "  " : "", stdout);
    print_text(n->domain);
    fputs(*n->domain ? "." : "", stdout);
    print_text(n->type);
    fputs("  (", stdout);
    print_values(g, n->inputs, n->input_count, false);
    fputs(") -> (", stdout);
    print_values(g, n->outputs, n->output_count, false);
    fputs(")\n", stdout);
}

void print_nodes(const graph *g, bool json)
{
    fputs(json ? ", \"nodes\": [" : "", stdout);
    for (int i = 0; i < g->node_count; i++) {
        print_node(g, i, json);
    }
    fputs(json ? "]" : "", stdout);
}
