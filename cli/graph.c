/* Reading ModelProto: ir_version (1), producer_name (2), producer_version (3), graph (7), opset_import (8), functions
 * (25); GraphProto: node (1), initializer (5), input (11), output (12), value_info (13). Everything is read twice:
 * first things are counted, then they are filled in. */
#include "graph.h"

#include "common/say.h"

#include <cnn/onnx.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 64 }; /* graphs within graphs */

typedef struct reader {
    graph *g;
    bool fills; /* the second time */
    bool no_memory;
} reader;

static void *get(reader *r, size_t count, size_t size)
{
    void *made = count <= SIZE_MAX / size ? pool_get(&r->g->pool, count * size, 16) : NULL;
    r->no_memory |= !made;
    return made;
}

/* A name as a string; a NUL in it becomes an underscore. */
static const char *text_of(reader *r, part p)
{
    size_t size = wire_size(p);
    char *text = size ? pool_get(&r->g->pool, size + 1, 1) : NULL;
    if (!text) {
        r->no_memory |= size > 0;
        return "";
    }
    for (size_t i = 0; i < size; i++) {
        text[i] = (char)(p.at[i] ? p.at[i] : '_');
    }
    return text;
}

static bool ended(part p)
{
    return p.at == p.end;
}

/* ---- values ---- */

static bool add_dim(graph_value *v, uint64_t size)
{
    if (v->ndim == CNN_MAX_DIMS || size > INT64_MAX) {
        return false;
    }
    v->shape[v->ndim++] = (int64_t)size;
    return true;
}

/* TensorShapeProto: dim (1) of dim_value (1) or dim_param (2) */
static bool read_shape(reader *r, part message, graph_value *v)
{
    field f, d;
    v->ndim = 0;
    while (wire_next(&message, &f)) {
        if (f.number != 1 || f.type != WIRE_LENGTH) {
            continue;
        }
        if (v->ndim == CNN_MAX_DIMS) {
            v->ndim = -1; /* no tensor of libcnn's has that many */
            return true;
        }
        int at = v->ndim++;
        v->shape[at] = -1;
        v->symbols[at] = "";
        while (wire_next(&f.bytes, &d)) {
            if (d.number == 1 && d.type == WIRE_VARINT && d.value <= INT64_MAX) {
                v->shape[at] = (int64_t)d.value;
            } else if (d.number == 2 && d.type == WIRE_LENGTH) {
                v->symbols[at] = text_of(r, d.bytes);
            }
        }
        if (!ended(f.bytes)) {
            return false;
        }
    }
    return ended(message);
}

/* ValueInfoProto: name (1), type (2) of tensor_type (1) of elem_type (1) and shape (2) */
static bool read_value(reader *r, part message, graph_value *v)
{
    field f, type, tensor;
    *v = (graph_value){ .name = "", .ndim = -1 };
    while (wire_next(&message, &f)) {
        if (f.number == 1 && f.type == WIRE_LENGTH) {
            v->name = text_of(r, f.bytes);
        }
        bool typed = f.number == 2 && f.type == WIRE_LENGTH;
        while (typed && wire_next(&f.bytes, &type)) {
            bool is_tensor = type.number == 1 && type.type == WIRE_LENGTH;
            while (is_tensor && wire_next(&type.bytes, &tensor)) {
                if (tensor.number == 1 && tensor.type == WIRE_VARINT) {
                    v->type = tensor.value;
                } else if (tensor.number == 2 && tensor.type == WIRE_LENGTH && !read_shape(r, tensor.bytes, v)) {
                    return false;
                }
            }
            if (is_tensor && !ended(type.bytes)) {
                return false;
            }
        }
        if (typed && !ended(f.bytes)) {
            return false;
        }
    }
    return ended(message);
}

static bool add_value(reader *r, part message, graph_value *own, int *count)
{
    graph_value v;
    if (!r->fills) {
        ++*count;
        r->g->value_count++;
        return true;
    }
    if (!read_value(r, message, &v)) {
        return false;
    }
    own[(*count)++] = v;
    r->g->values[r->g->value_count++] = v;
    return true;
}

/* ---- initializers ---- */

/* StringStringEntryProto: key (1), value (2) */
static bool read_external(reader *r, part message, graph_tensor *t)
{
    field f;
    const char *key = "", *value = "";
    while (wire_next(&message, &f)) {
        if (f.type == WIRE_LENGTH && (f.number == 1 || f.number == 2)) {
            *(f.number == 1 ? &key : &value) = text_of(r, f.bytes);
        }
    }
    if (strcmp(key, "location") == 0) {
        t->location = value;
    } else if (strcmp(key, "offset") == 0) {
        t->offset = strtoull(value, NULL, 10);
    }
    return ended(message);
}

/* TensorProto: dims (1), data_type (2), name (8), raw_data (9), external_data (13), data_location (14) */
static bool read_tensor(reader *r, part message, graph_tensor *t)
{
    field f;
    bool good = true;
    *t = (graph_tensor){ .message = message, .value = { .name = "" }, .location = "", .elements = 1 };
    while (good && wire_next(&message, &f)) {
        uint64_t size;
        if (f.number == 1 && f.type == WIRE_VARINT) {
            good = add_dim(&t->value, f.value);
        } else if (f.number == 1 && f.type == WIRE_LENGTH) {
            while (good && !ended(f.bytes)) {
                good = wire_varint(&f.bytes, &size) && add_dim(&t->value, size);
            }
        } else if (f.number == 2 && f.type == WIRE_VARINT) {
            t->value.type = f.value;
        } else if (f.number == 8 && f.type == WIRE_LENGTH) {
            t->value.name = text_of(r, f.bytes);
        } else if (f.number == 9 && f.type == WIRE_LENGTH) {
            t->raw = f.bytes;
            t->has_raw = true;
        } else if (f.number == 13 && f.type == WIRE_LENGTH) {
            good = read_external(r, f.bytes, t);
        } else if (f.number == 14 && f.type == WIRE_VARINT) {
            t->is_external = f.value == 1;
        }
    }
    for (int d = 0; good && d < t->value.ndim; d++) {
        good = !__builtin_mul_overflow(t->elements, t->value.shape[d], &t->elements);
    }
    t->bytes = graph_bytes(t->value.type, t->elements);
    return good && ended(message);
}

static bool add_tensor(reader *r, part message)
{
    graph *g = r->g;
    if (!r->fills) {
        g->tensor_count++;
        g->value_count++;
        return true;
    }
    graph_tensor *t = &g->tensors[g->tensor_count++];
    if (!read_tensor(r, message, t)) {
        return false;
    }
    g->values[g->value_count++] = t->value;
    return true;
}

/* ---- nodes ---- */

/* Where a node is: graph_node's members of these names, and how many graphs are around it. */
typedef struct place {
    int parent, depth;
    const char *branch;
} place;

static bool read_graph(reader *r, part message, place where);

/* AttributeProto: name (1), g (6), graphs (11), of a node */
static bool read_attribute(reader *r, part message, int node, int depth)
{
    field f;
    part again = message;
    place inside = { .parent = node, .depth = depth + 1, .branch = "" };
    while (wire_next(&message, &f)) {
        inside.branch = r->fills && f.number == 1 && f.type == WIRE_LENGTH ? text_of(r, f.bytes) : inside.branch;
    }
    while (wire_next(&again, &f)) {
        if (f.type == WIRE_LENGTH && (f.number == 6 || f.number == 11) && !read_graph(r, f.bytes, inside)) {
            return false;
        }
    }
    return ended(message);
}

static void fill_node(reader *r, part message, graph_node *node)
{
    int counts[2] = { 0, 0 };
    field f;
    for (part p = message; wire_next(&p, &f);) {
        if (f.type == WIRE_LENGTH && (f.number == 1 || f.number == 2)) {
            counts[f.number - 1]++;
        }
    }
    node->inputs = get(r, (size_t)counts[0] + 1, sizeof *node->inputs);
    node->outputs = get(r, (size_t)counts[1] + 1, sizeof *node->outputs);
    while (!r->no_memory && wire_next(&message, &f)) {
        switch (f.type == WIRE_LENGTH ? f.number : 0) {
        case 1: node->inputs[node->input_count++] = text_of(r, f.bytes); break;
        case 2: node->outputs[node->output_count++] = text_of(r, f.bytes); break;
        case 3: node->name = text_of(r, f.bytes); break;
        case 4: node->type = text_of(r, f.bytes); break;
        case 7: node->domain = text_of(r, f.bytes); break;
        default: break;
        }
    }
}

/* NodeProto: input (1), output (2), name (3), op_type (4), attribute (5), domain (7) */
static bool read_node(reader *r, part message, place where)
{
    int number = r->g->node_count++;
    field f;
    if (r->fills) {
        graph_node *node = &r->g->nodes[number];
        *node = (graph_node){ .name = "", .type = "", .domain = "", .parent = where.parent, .branch = where.branch };
        fill_node(r, message, node);
    }
    while (wire_next(&message, &f)) {
        if (f.number == 5 && f.type == WIRE_LENGTH && !read_attribute(r, f.bytes, number, where.depth)) {
            return false;
        }
    }
    return ended(message);
}

static bool read_graph(reader *r, part message, place where)
{
    graph *g = r->g;
    field f;
    bool good = where.depth < DEEPEST;
    int nested = 0; /* inputs and outputs of a nested graph are values like others */
    graph_value own;
    while (good && !r->no_memory && wire_next(&message, &f)) {
        if (f.type != WIRE_LENGTH) {
            continue;
        }
        switch (f.number) {
        case 1: good = read_node(r, f.bytes, where); break;
        case 5: good = add_tensor(r, f.bytes); break;
        case 11:
        case 12:
        case 13:
            if (where.depth == 0 && f.number == 11) {
                good = add_value(r, f.bytes, g->inputs, &g->input_count);
            } else if (where.depth == 0 && f.number == 12) {
                good = add_value(r, f.bytes, g->outputs, &g->output_count);
            } else {
                good = add_value(r, f.bytes, &own, &nested);
                nested = 0;
            }
            break;
        default: break;
        }
    }
    return good && ended(message);
}

/* ---- the model ---- */

/* FunctionProto: name (1), node (7), domain (10). In the table of operators it is marked as known. */
static bool read_function(reader *r, part message)
{
    field f;
    part again = message;
    graph_operator function = { .type = "", .domain = "", .is_function = true, .is_known = true };
    while (r->fills && wire_next(&message, &f)) {
        if (f.type == WIRE_LENGTH && (f.number == 1 || f.number == 10)) {
            *(f.number == 1 ? &function.type : &function.domain) = text_of(r, f.bytes);
        }
    }
    if (r->fills) {
        r->g->operators[r->g->operator_count] = function;
    }
    r->g->operator_count++;
    place inside = { .parent = -1, .depth = 1, .branch = function.type };
    while (wire_next(&again, &f)) {
        if (f.number == 7 && f.type == WIRE_LENGTH && !read_node(r, f.bytes, inside)) {
            return false;
        }
    }
    return ended(again);
}

/* OperatorSetIdProto: domain (1), version (2) */
static bool read_opset(reader *r, part message)
{
    field f;
    graph_opset opset = { .domain = "" };
    while (wire_next(&message, &f)) {
        if (f.number == 1 && f.type == WIRE_LENGTH && r->fills) {
            opset.domain = text_of(r, f.bytes);
        } else if (f.number == 2 && f.type == WIRE_VARINT) {
            opset.version = (int64_t)f.value;
        }
    }
    if (r->fills) {
        r->g->opsets[r->g->opset_count] = opset;
    }
    r->g->opset_count++;
    return ended(message);
}

static bool read_model(reader *r, part message)
{
    graph *g = r->g;
    field f;
    bool good = true, there = false;
    while (good && !r->no_memory && wire_next(&message, &f)) {
        if (f.number == 1 && f.type == WIRE_VARINT) {
            g->ir_version = (int64_t)f.value;
        } else if (f.type == WIRE_LENGTH) {
            switch (f.number) {
            case 2: g->producer = r->fills ? text_of(r, f.bytes) : ""; break;
            case 3: g->producer_version = r->fills ? text_of(r, f.bytes) : ""; break;
            case 7:
                good = !there && read_graph(r, f.bytes, (place){ .parent = -1, .branch = "" });
                there = true;
                break;
            case 8: good = read_opset(r, f.bytes); break;
            case 25: good = read_function(r, f.bytes); break;
            default: break;
            }
        }
    }
    return good && there && ended(message);
}

/* ---- tables ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const graph_value *)a)->name, ((const graph_value *)b)->name);
}

static int said(const graph_value *v)
{
    return (v->type != 0) + (v->ndim >= 0);
}

/* The description that says most comes first among those of one name. */
static int by_name_and_size(const void *a, const void *b)
{
    int order = by_name(a, b);
    return order ? order : said(b) - said(a);
}

/* A graph's input may be an initializer, too, and an output one of the values. */
static void sort_values(graph *g)
{
    int kept = 0;
    if (g->value_count) {
        qsort(g->values, (size_t)g->value_count, sizeof *g->values, by_name_and_size);
    }
    for (int i = 0; i < g->value_count; i++) {
        if (!kept || by_name(&g->values[kept - 1], &g->values[i]) != 0) {
            g->values[kept++] = g->values[i];
        }
    }
    g->value_count = kept;
}

static int by_tensor(const void *a, const void *b)
{
    const graph_tensor *x = *(graph_tensor *const *)a, *y = *(graph_tensor *const *)b;
    int order = strcmp(x->value.name, y->value.name);
    return order ? order : (x > y) - (x < y);
}

static void sort_tensors(graph *g)
{
    for (int i = 0; i < g->tensor_count; i++) {
        g->by_name[i] = &g->tensors[i];
    }
    if (g->tensor_count) {
        qsort(g->by_name, (size_t)g->tensor_count, sizeof *g->by_name, by_tensor);
    }
}

static int by_kind(const void *a, const void *b)
{
    const graph_operator *x = a, *y = b;
    int order = strcmp(x->domain, y->domain);
    order = order ? order : strcmp(x->type, y->type);
    return order ? order : y->is_function - x->is_function;
}

static int by_count(const void *a, const void *b)
{
    const graph_operator *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count) - (x->count > y->count) : by_kind(a, b);
}

static bool runs(const char *type)
{
    const char *name;
    if (strcmp(type, "Constant") == 0) { /* a value of the program, which no operator computes */
        return true;
    }
    for (int i = 0; (name = cnn_onnx_operator(i)) != NULL; i++) {
        if (strcmp(name, type) == 0) {
            return true;
        }
    }
    return false;
}

/* The table begins with the functions; a row per node follows, and equal rows become one. */
static void count_operators(graph *g)
{
    for (int i = 0; i < g->node_count; i++) {
        const char *domain = strcmp(g->nodes[i].domain, "ai.onnx") == 0 ? "" : g->nodes[i].domain;
        g->operators[g->operator_count++] = (graph_operator){ .type = g->nodes[i].type, .domain = domain, .count = 1 };
    }
    if (g->operator_count) {
        qsort(g->operators, (size_t)g->operator_count, sizeof *g->operators, by_kind);
    }
    int kept = 0;
    for (int i = 0; i < g->operator_count; i++) {
        graph_operator *last = kept ? &g->operators[kept - 1] : NULL, *now = &g->operators[i];
        if (last && strcmp(last->domain, now->domain) == 0 && strcmp(last->type, now->type) == 0) {
            last->count += now->count;
        } else {
            now->is_known = now->is_known || (*now->domain == '\0' && runs(now->type));
            g->operators[kept++] = *now;
        }
    }
    g->operator_count = kept;
    if (kept) {
        qsort(g->operators, (size_t)kept, sizeof *g->operators, by_count);
    }
}

static bool make_room(reader *r)
{
    graph *g = r->g;
    int functions = g->operator_count;
    g->opsets = get(r, (size_t)g->opset_count + 1, sizeof *g->opsets);
    g->nodes = get(r, (size_t)g->node_count + 1, sizeof *g->nodes);
    g->inputs = get(r, (size_t)g->input_count + 1, sizeof *g->inputs);
    g->outputs = get(r, (size_t)g->output_count + 1, sizeof *g->outputs);
    g->values = get(r, (size_t)g->value_count + 1, sizeof *g->values);
    g->tensors = get(r, (size_t)g->tensor_count + 1, sizeof *g->tensors);
    g->by_name = get(r, (size_t)g->tensor_count + 1, sizeof *g->by_name);
    g->operators = get(r, (size_t)g->node_count + (size_t)functions + 1, sizeof *g->operators);
    g->opset_count = g->node_count = g->input_count = g->output_count = 0;
    g->value_count = g->tensor_count = g->operator_count = 0;
    r->fills = true;
    return !r->no_memory;
}

bool graph_open(graph *g, const char *command, const char *path)
{
    *g = (graph){ .path = path, .producer = "", .producer_version = "" };
    reader r = { .g = g };
    g->bytes = wire_read_file(command, path, &g->size);
    if (!g->bytes) {
        return false;
    }
    if (g->size > INT_MAX) {
        say("%s: %s has %zu bytes, expected at most 2 GB of an ONNX model", command, path, g->size);
        graph_close(g);
        return false;
    }
    part all = { g->bytes, g->bytes + g->size };
    bool good = read_model(&r, all) && make_room(&r) && read_model(&r, all);
    if (!good || r.no_memory) {
        say(r.no_memory ? "%s: %s: no memory" : "%s: %s is no ONNX model, or a malformed one", command, path);
        graph_close(g);
        return false;
    }
    sort_values(g);
    sort_tensors(g);
    count_operators(g);
    return true;
}

void graph_close(graph *g)
{
    pool_free(&g->pool);
    free(g->bytes);
    *g = (graph){ 0 };
}

const graph_value *graph_find(const graph *g, const char *name)
{
    const graph_value wanted = { .name = name };
    return g->value_count ? bsearch(&wanted, g->values, (size_t)g->value_count, sizeof wanted, by_name) : NULL;
}

/* Where the first `length` bytes of a name stand in by_name, or would stand. */
static int place_of(const graph *g, const char *name, size_t length)
{
    int low = 0, high = g->tensor_count;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (strncmp(g->by_name[middle]->value.name, name, length) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

graph_tensor *graph_initializer(const graph *g, const char *name)
{
    size_t length = strlen(name);
    for (int before = 0;; before++, length--) {
        int64_t at = (int64_t)place_of(g, name, length) + before;
        const char *found = at < g->tensor_count ? g->by_name[at]->value.name : "";
        if (length && strncmp(found, name, length) == 0 && found[length] == '\0') {
            return g->by_name[at];
        }
        if (length < 2 || name[length - 1] != '_') {
            return NULL;
        }
    }
}

const char *graph_type_name(uint64_t type)
{
    static const char *const names[] = { "unknown",        "float32",  "uint8",        "int8",           "uint16",
                                         "int16",          "int32",    "int64",        "string",         "bool",
                                         "float16",        "float64",  "uint32",       "uint64",         "complex64",
                                         "complex128",     "bfloat16", "float8e4m3fn", "float8e4m3fnuz", "float8e5m2",
                                         "float8e5m2fnuz", "uint4",    "int4",         "float4e2m1" };
    return names[type < sizeof names / sizeof *names ? type : 0];
}
