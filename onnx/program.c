/* Making a program of a model: names become slots, nodes steps, functions the steps of their bodies. Everything that is
 * not supported is collected and reported at once. */
#include "findings.h"
#include "names.h"

#include <string.h>

enum { DEEPEST_CALL = 32, MOST_STEPS = 1 << 18, HOST_INTEGERS = 4096, HOST_NUMBERS = 64 };
/* How many parts (nodes, the inputs, outputs and attributes of nodes and graphs, elements of constants) the calls of
 * functions may become: so many, and so many per byte of the file. */
enum { CALLED_PARTS = 1 << 16, CALLED_PARTS_PER_BYTE = 8 };

/* The names of a graph or of a function's body. */
typedef struct scope {
    const struct scope *outer;
    cnn__onnx_text *names; /* open addressing, at most half full */
    int *slots;
    size_t capacity;
} scope;

/* What gives the nodes of the graph or of a function their meaning. */
typedef struct setting {
    const cnn__onnx_opset *opsets;
    int opset_count;
    const cnn__onnx_function *function;
    const cnn__onnx_attribute *arguments; /* the call's attributes, which a function's nodes refer to */
    int argument_count;
    int depth;
} setting;

typedef struct maker {
    cnn__onnx_reading *reading;
    cnn__onnx_program *program;
    int64_t steps, called;                /* what calls have become */
    int calls;                            /* how many functions are being run in place of their calls */
    const cnn__onnx_function **functions; /* in the order of their names */
    cnn__onnx_findings findings;
} maker;

static bool make_nodes(maker *m, const setting *where, scope *names, const cnn__onnx_node *nodes, int count,
                       cnn__onnx_step ***end);

/* ---- names ---- */

static bool scope_begin(maker *m, scope *names, const scope *outer, int64_t count)
{
    size_t capacity = 16;
    while (capacity < 2 * (size_t)count + 2) {
        capacity *= 2;
    }
    *names = (scope){ .outer = outer, .capacity = capacity };
    names->names = cnn__onnx_reading_get(m->reading, capacity, sizeof *names->names);
    names->slots = cnn__onnx_reading_get(m->reading, capacity, sizeof *names->slots);
    return names->names && names->slots;
}

static size_t place_of(const scope *names, cnn__onnx_text name)
{
    size_t at = cnn__onnx_hash(name) & (names->capacity - 1);
    while (names->names[at].size && !cnn__onnx_text_equal(names->names[at], name)) {
        at = (at + 1) & (names->capacity - 1);
    }
    return at;
}

/* The slot of a name, also of an outer graph; -1: there is none. */
static int find(const scope *names, cnn__onnx_text name)
{
    for (; names; names = names->outer) {
        size_t at = place_of(names, name);
        if (names->names[at].size) {
            return names->slots[at];
        }
    }
    return -1;
}

static bool define_as(maker *m, scope *names, cnn__onnx_text name, int slot, const unsigned char *at)
{
    size_t place = place_of(names, name);
    if (names->names[place].size) {
        return cnn__onnx_wire_fail(m->reading->file, CNN_ERROR_FORMAT, at, "a second value has the name \"%.*s\"",
                                   CNN__TEXT(name));
    }
    names->names[place] = name;
    names->slots[place] = slot;
    return true;
}

/* Gives a value a new slot. An empty name has none. */
static bool define(maker *m, scope *names, cnn__onnx_text name, int *slot, const unsigned char *at)
{
    *slot = name.size ? m->program->slot_count++ : -1;
    return !name.size || define_as(m, names, name, *slot, at);
}

static int64_t names_of(const cnn__onnx_node *nodes, int count)
{
    int64_t names = 0;
    for (int i = 0; i < count; i++) {
        names += nodes[i].output_count;
    }
    return names;
}

/* Counts parts of a function that is called, whose calls may be many more than the file has bytes. */
static bool count_called(maker *m, int64_t parts, const unsigned char *at)
{
    int64_t most = CALLED_PARTS + CALLED_PARTS_PER_BYTE * (int64_t)m->reading->file->size;
    m->called += m->calls ? parts : 0;
    return m->called <= most ||
           cnn__onnx_wire_fail(m->reading->file, CNN_ERROR_UNSUPPORTED, at,
                               "the calls of functions become more than %lld parts, expected at most %d and %d per "
                               "byte of the file",
                               (long long)most, CALLED_PARTS, CALLED_PARTS_PER_BYTE);
}

/* ---- constants ---- */

/* The elements of a small tensor for the host. */
static bool know(maker *m, cnn__onnx_constant *constant)
{
    const cnn__onnx_tensor_def *def = constant->def;
    cnn_dtype dtype;
    cnn__onnx_dtype(def->type, &dtype);
    bool is_float = cnn__onnx_is_float(def->type);
    if (def->is_external || def->numel > (is_float ? HOST_NUMBERS : HOST_INTEGERS)) {
        return true;
    }
    cnn__onnx_host *host = cnn__onnx_host_new(m->reading->arena, def->type, def->ndim, def->shape);
    void *elements = cnn__onnx_reading_get(m->reading, (size_t)def->numel, 8);
    if (!host || !elements || !cnn__onnx_tensor_def_elements(m->reading->file, def, elements, false)) {
        return cnn__onnx_wire_fail(m->reading->file, CNN_ERROR_NO_MEMORY, def->at, "no memory for tensor \"%.*s\"",
                                   CNN__TEXT(def->name));
    }
    cnn__onnx_widen(dtype, elements, host);
    constant->host = host;
    return true;
}

static cnn__onnx_constant *constant_new(maker *m, int slot, int type)
{
    cnn__onnx_constant *constant = cnn__onnx_reading_get(m->reading, 1, sizeof *constant);
    if (constant) {
        *constant = (cnn__onnx_constant){ .slot = slot, .type = type };
        *m->program->constants_end = constant;
        m->program->constants_end = &constant->next;
        m->program->constant_count++;
    }
    return constant;
}

/* The value of a node Constant, or of an initializer, which has no node. */
static bool make_constant(maker *m, cnn__onnx_tensor_def *def, int slot, const cnn__onnx_node *node, int64_t number,
                          bool is_outermost)
{
    cnn_dtype dtype;
    if (!cnn__onnx_dtype(def->type, &dtype)) {
        return cnn__onnx_findings_add(m->reading, &m->findings, node, number, "%s%.*s%s of type %s",
                                      node ? "Constant" : "tensor \"", node ? 0 : CNN__NAME(def->name),
                                      node ? "" : "\"", cnn__onnx_type_name(def->type));
    }
    if (!count_called(m, def->numel, def->at)) {
        return false;
    }
    cnn__onnx_constant *constant = constant_new(m, slot, def->type);
    if (!constant) {
        return false;
    }
    constant->def = def;
    def->uses++;
    constant->is_initializer = !node;
    constant->is_outermost = is_outermost;
    return know(m, constant);
}

static bool make_initializers(maker *m, scope *names, const cnn__onnx_graph *graph)
{
    for (int i = 0; i < graph->initializer_count; i++) {
        cnn__onnx_tensor_def *def = &graph->initializers[i];
        int slot;
        if (def->name.size == 0) {
            return cnn__onnx_wire_fail(m->reading->file, CNN_ERROR_FORMAT, def->at, "an initializer has no name");
        }
        if (!define(m, names, def->name, &slot, def->at) || !make_constant(m, def, slot, NULL, -1, !names->outer)) {
            return false;
        }
    }
    return true;
}

/* ---- steps ---- */

static bool is_onnx(cnn__onnx_text domain)
{
    return domain.size == 0 || cnn__onnx_text_is(domain, "ai.onnx");
}

static int64_t version_of(const setting *where, cnn__onnx_text domain)
{
    for (int i = 0; i < where->opset_count; i++) {
        if (cnn__onnx_text_equal(where->opsets[i].domain, domain) ||
            (is_onnx(domain) && is_onnx(where->opsets[i].domain))) {
            return where->opsets[i].version;
        }
    }
    return 0;
}

/* The attribute that one of a function's body stands for: the call's, or else the function's default. NULL: none. */
static const cnn__onnx_attribute *argument(const setting *where, cnn__onnx_text name)
{
    for (int i = 0; i < where->argument_count; i++) {
        if (cnn__onnx_text_equal(where->arguments[i].name, name)) {
            return &where->arguments[i];
        }
    }
    for (int i = 0; where->function && i < where->function->default_count; i++) {
        if (cnn__onnx_text_equal(where->function->defaults[i].name, name)) {
            return &where->function->defaults[i];
        }
    }
    return NULL;
}

static bool make_attributes(maker *m, const setting *where, const cnn__onnx_node *node,
                            cnn__onnx_attribute **attributes, int *count)
{
    cnn__onnx_attribute *to = cnn__onnx_reading_get(m->reading, (size_t)node->attribute_count, sizeof *to);
    *attributes = to;
    *count = 0;
    for (int i = 0; to && i < node->attribute_count; i++) {
        const cnn__onnx_attribute *from = &node->attributes[i];
        cnn__onnx_text name = from->name;
        from = from->reference.size ? argument(where, from->reference) : from;
        if (from) {
            to[*count] = *from;
            to[(*count)++].name = name;
        }
    }
    return to != NULL;
}

static bool make_block(maker *m, const setting *where, const scope *outer, const cnn__onnx_graph *graph,
                       cnn__onnx_block **to)
{
    scope *names = cnn__onnx_reading_get(m->reading, 1, sizeof *names);
    cnn__onnx_block *block = *to = cnn__onnx_reading_get(m->reading, 1, sizeof *block);
    if (!block || !names ||
        !count_called(m, (int64_t)graph->input_count + graph->output_count + graph->initializer_count, NULL) ||
        !scope_begin(m, names, outer,
                     names_of(graph->nodes, graph->node_count) + graph->initializer_count + graph->input_count)) {
        return false;
    }
    block->in_count = graph->input_count;
    block->out_count = graph->output_count;
    block->in = cnn__onnx_reading_get(m->reading, (size_t)block->in_count, sizeof *block->in);
    block->out = cnn__onnx_reading_get(m->reading, (size_t)block->out_count, sizeof *block->out);
    if (!block->in || !block->out || !make_initializers(m, names, graph)) {
        return false;
    }
    for (int i = 0; i < block->in_count; i++) {
        if (graph->inputs[i].name.size == 0) { /* which nobody reads, but the rounds of a loop write */
            block->in[i] = m->program->slot_count++;
        } else if (!define(m, names, graph->inputs[i].name, &block->in[i], NULL)) {
            return false;
        }
    }
    cnn__onnx_step **end = &block->first;
    cnn__onnx_file_bytes outer_file = *m->reading->file;
    if (!make_nodes(m, where, names, graph->nodes, graph->node_count, &end)) {
        return false;
    }
    m->reading->file->node_number = outer_file.node_number;
    m->reading->file->node = outer_file.node;
    m->reading->file->op_type = outer_file.op_type;
    for (int i = 0; i < block->out_count; i++) {
        block->out[i] = find(names, graph->outputs[i].name);
        if (block->out[i] < 0) {
            return cnn__onnx_wire_fail(m->reading->file, CNN_ERROR_FORMAT, NULL, "nothing makes the output \"%.*s\"",
                                       CNN__TEXT(graph->outputs[i].name));
        }
    }
    return true;
}

static bool make_blocks(maker *m, const setting *where, const scope *names, cnn__onnx_step *step)
{
    cnn__onnx_block **blocks = cnn__onnx_reading_get(m->reading, (size_t)step->attribute_count, sizeof *blocks);
    step->blocks = blocks;
    for (int i = 0; blocks && i < step->attribute_count; i++) {
        if (step->attributes[i].graph && !make_block(m, where, names, step->attributes[i].graph, &blocks[i])) {
            return false;
        }
    }
    return blocks != NULL;
}

/* The slots of a node's inputs, which must be there. */
static bool make_inputs(maker *m, const scope *names, const cnn__onnx_node *node, int **slots)
{
    int *in = *slots = cnn__onnx_reading_get(m->reading, (size_t)node->input_count, sizeof *in);
    for (int i = 0; in && i < node->input_count; i++) {
        in[i] = node->inputs[i].size ? find(names, node->inputs[i]) : -1;
        if (node->inputs[i].size && in[i] < 0) {
            return cnn__onnx_wire_fail(m->reading->file, CNN_ERROR_FORMAT, node->at,
                                       "nothing before it makes its input \"%.*s\"", CNN__TEXT(node->inputs[i]));
        }
    }
    return in != NULL;
}

static bool make_outputs(maker *m, scope *names, const cnn__onnx_node *node, int **slots)
{
    int *out = *slots = cnn__onnx_reading_get(m->reading, (size_t)node->output_count, sizeof *out);
    for (int i = 0; out && i < node->output_count; i++) {
        if (!define(m, names, node->outputs[i], &out[i], node->at)) {
            return false;
        }
    }
    return out != NULL;
}

/* How many of a list there are, without those at the end that are left out. */
static int given(const int *slots, int count)
{
    while (count > 0 && slots[count - 1] < 0) {
        count--;
    }
    return count;
}

static bool check_counts(maker *m, const cnn__onnx_step *step)
{
    const cnn__onnx_operator *op = step->op;
    int in = given(step->in, step->in_count), out = given(step->out, step->out_count);
    for (int i = 0; i < op->min_in; i++) {
        if (i >= in || step->in[i] < 0) {
            return cnn__onnx_wire_fail(m->reading->file, CNN_ERROR_FORMAT, step->node->at, "input %d is left out", i);
        }
    }
    if ((op->max_in >= 0 && in > op->max_in) || (op->max_out >= 0 && out > op->max_out)) {
        return cnn__onnx_wire_fail(m->reading->file, CNN_ERROR_FORMAT, step->node->at,
                                   "it has %d inputs and %d outputs, expected at most %d and %d", in, out, op->max_in,
                                   op->max_out);
    }
    return true;
}

/* Notes what the node's attributes ask for and is not there. */
static bool check_variant(maker *m, const cnn__onnx_step *step)
{
    char why[120];
    return cnn__onnx_variant_check(step, why, sizeof why) ||
           cnn__onnx_findings_add(m->reading, &m->findings, step->node, step->number, "%.*s%s",
                                  CNN__NAME(step->node->op_type), why);
}

/* The value of a node Constant that is not a tensor. */
static bool make_numbers(maker *m, const cnn__onnx_attribute *a, int slot, const cnn__onnx_node *node, int64_t number)
{
    bool one = cnn__onnx_text_is(a->name, "value_int") || cnn__onnx_text_is(a->name, "value_float");
    bool is_float = cnn__onnx_text_is(a->name, "value_float") || cnn__onnx_text_is(a->name, "value_floats");
    if (!is_float && !cnn__onnx_text_is(a->name, "value_int") && !cnn__onnx_text_is(a->name, "value_ints")) {
        return cnn__onnx_findings_add(m->reading, &m->findings, node, number, "Constant with %.*s", CNN__NAME(a->name));
    }
    int64_t count = one ? 1 : is_float ? a->float_count : a->int_count;
    if (!count_called(m, count, NULL)) {
        return false;
    }
    int type = is_float ? CNN__ONNX_FLOAT : CNN__ONNX_INT64;
    cnn__onnx_constant *constant = constant_new(m, slot, type);
    cnn__onnx_host *host = constant ? cnn__onnx_host_new(m->reading->arena, type, !one, &count) : NULL;
    for (int64_t i = 0; host && i < count; i++) {
        if (is_float) {
            host->f[i] = (double)(one ? a->f : a->floats[i]);
        } else {
            host->i[i] = one ? a->i : a->ints[i];
        }
    }
    if (host) {
        constant->host = host;
    }
    return host != NULL || cnn__onnx_wire_fail(m->reading->file, CNN_ERROR_NO_MEMORY, NULL, "no memory");
}

static bool make_constant_node(maker *m, const setting *where, scope *names, const cnn__onnx_node *node, int64_t number)
{
    cnn__onnx_attribute *attributes;
    int count, slot;
    if (!make_attributes(m, where, node, &attributes, &count)) {
        return false;
    }
    if (count != 1 || node->output_count != 1) {
        return cnn__onnx_wire_fail(m->reading->file, CNN_ERROR_FORMAT, node->at,
                                   "it has %d attributes and %d outputs, expected 1 and 1", count, node->output_count);
    }
    if (!define(m, names, node->outputs[0], &slot, node->at)) {
        return false;
    }
    return slot < 0 || (attributes->tensor ? make_constant(m, attributes->tensor, slot, node, number, false)
                                           : make_numbers(m, attributes, slot, node, number));
}

/* Runs a function's body in place of the call. */
static bool make_call(maker *m, const setting *where, scope *names, const cnn__onnx_node *node,
                      const cnn__onnx_function *function, cnn__onnx_step ***end)
{
    cnn__onnx_attribute *arguments;
    scope *inner = cnn__onnx_reading_get(m->reading, 1, sizeof *inner);
    int *in, count;
    if (where->depth >= DEEPEST_CALL) {
        return cnn__onnx_wire_fail(m->reading->file, CNN_ERROR_UNSUPPORTED, node->at,
                                   "more than %d functions call each other", DEEPEST_CALL);
    }
    m->calls++;
    if (!count_called(m, names_of(function->nodes, function->node_count) + function->input_count, node->at)) {
        return false;
    }
    if (!inner || !make_inputs(m, names, node, &in) || !make_attributes(m, where, node, &arguments, &count) ||
        !scope_begin(m, inner, NULL, names_of(function->nodes, function->node_count) + function->input_count)) {
        return false;
    }
    setting there = { .opsets = function->opset_count ? function->opsets : where->opsets,
                      .opset_count = function->opset_count ? function->opset_count : where->opset_count,
                      .function = function,
                      .arguments = arguments,
                      .argument_count = count,
                      .depth = where->depth + 1 };
    for (int i = 0; i < function->input_count; i++) {
        if (i < node->input_count && in[i] >= 0 && function->inputs[i].size &&
            !define_as(m, inner, function->inputs[i], in[i], node->at)) {
            return false;
        }
        if ((i >= node->input_count || in[i] < 0) && function->inputs[i].size &&
            !define_as(m, inner, function->inputs[i], m->program->slot_count++, node->at)) {
            return false;
        }
    }
    cnn__onnx_file_bytes caller = *m->reading->file;
    if (!make_nodes(m, &there, inner, function->nodes, function->node_count, end)) {
        return false;
    }
    m->calls--;
    m->reading->file->node = caller.node;
    m->reading->file->op_type = caller.op_type;
    m->reading->file->node_number = caller.node_number;
    for (int i = 0; i < node->output_count; i++) {
        int slot = i < function->output_count ? find(inner, function->outputs[i]) : -1;
        if (node->outputs[i].size && slot < 0) {
            return cnn__onnx_wire_fail(m->reading->file, CNN_ERROR_FORMAT, node->at, "the function has no output %d",
                                       i);
        }
        if (node->outputs[i].size && !define_as(m, names, node->outputs[i], slot, node->at)) {
            return false;
        }
    }
    return true;
}

static bool make_step(maker *m, const setting *where, scope *names, const cnn__onnx_node *node, int64_t number,
                      cnn__onnx_step ***end)
{
    const cnn__onnx_function *function = cnn__onnx_function_find(m->functions, m->program->model.function_count, node);
    bool known = false, onnx = is_onnx(node->domain);
    int64_t version = version_of(where, node->domain);
    if (++m->steps > MOST_STEPS) {
        return cnn__onnx_wire_fail(m->reading->file, CNN_ERROR_UNSUPPORTED, node->at, "more than %d nodes", MOST_STEPS);
    }
    if (!count_called(m, 1 + node->input_count + node->output_count + node->attribute_count, node->at)) {
        return false;
    }
    if (function) {
        return make_call(m, where, names, node, function, end);
    }
    if (onnx && cnn__onnx_text_is(node->op_type, "Constant")) {
        return make_constant_node(m, where, names, node, number);
    }
    cnn__onnx_step *step = cnn__onnx_reading_get(m->reading, 1, sizeof *step);
    cnn__onnx_attribute *attributes;
    if (!step || !make_inputs(m, names, node, &step->in) ||
        !make_attributes(m, where, node, &attributes, &step->attribute_count)) {
        return false;
    }
    step->node = node;
    step->number = number;
    step->version = (int)version;
    step->attributes = attributes;
    step->in_count = node->input_count;
    step->out_count = node->output_count;
    step->op = cnn__onnx_operator_find(onnx ? cnn__onnx_text_of("") : node->domain, node->op_type, version, &known);
    if (!step->op && !cnn__onnx_findings_add(m->reading, &m->findings, node, number, "%.*s%s%.*s%s",
                                             CNN__NAME(node->domain), node->domain.size ? "." : "",
                                             CNN__NAME(node->op_type), known ? " of another opset" : "")) {
        return false;
    }
    if (!make_blocks(m, where, names, step) || !make_outputs(m, names, node, &step->out) ||
        (step->op && !check_counts(m, step))) {
        return false;
    }
    step->in_count = given(step->in, step->in_count);
    if (step->op && !check_variant(m, step)) {
        return false;
    }
    **end = step;
    *end = &step->next;
    return true;
}

static bool make_nodes(maker *m, const setting *where, scope *names, const cnn__onnx_node *nodes, int count,
                       cnn__onnx_step ***end)
{
    for (int i = 0; i < count; i++) {
        m->reading->file->node = nodes[i].name;
        m->reading->file->op_type = nodes[i].op_type;
        m->reading->file->node_number = i;
        if (!make_step(m, where, names, &nodes[i], i, end)) {
            return false;
        }
    }
    m->reading->file->node_number = -1;
    return true;
}

/* ---- the whole ---- */

/* Initializers that are inputs of the graph, too, are defaults that nothing can replace: they are constants. */
static bool make_graph_inputs(maker *m, scope *names, const cnn__onnx_graph *graph)
{
    cnn__onnx_program *p = m->program;
    p->inputs = cnn__onnx_reading_get(m->reading, (size_t)graph->input_count, sizeof *p->inputs);
    p->block.in = cnn__onnx_reading_get(m->reading, (size_t)graph->input_count, sizeof *p->block.in);
    if (!p->inputs || !p->block.in) {
        return false;
    }
    for (int i = 0; i < graph->input_count; i++) {
        const cnn__onnx_value_info *input = &graph->inputs[i];
        cnn_dtype dtype;
        if (find(names, input->name) >= 0) {
            continue;
        }
        if (!input->name.size) {
            return cnn__onnx_wire_fail(m->reading->file, CNN_ERROR_FORMAT, NULL, "input %d has no name", i);
        }
        if (!cnn__onnx_dtype(input->type, &dtype) &&
            !cnn__onnx_findings_add(m->reading, &m->findings, NULL, -1, "input \"%.*s\" of type %s",
                                    CNN__NAME(input->name),
                                    input->type ? cnn__onnx_type_name(input->type) : "sequence, optional or none")) {
            return false;
        }
        p->inputs[p->input_count] = input;
        if (!define(m, names, input->name, &p->block.in[p->input_count++], NULL)) {
            return false;
        }
    }
    p->block.in_count = p->input_count;
    return true;
}

bool cnn__onnx_program_make(cnn__onnx_reading *reading, cnn__onnx_program *program)
{
    maker m = { .reading = reading, .program = program };
    const cnn__onnx_graph *graph = program->model.graph;
    setting where = { .opsets = program->model.opsets, .opset_count = program->model.opset_count };
    int64_t version = version_of(&where, cnn__onnx_text_of(""));
    scope names;
    program->constants_end = &program->constants;
    reading->file->node_number = -1;
    if (version < CNN__ONNX_OLDEST || version > CNN__ONNX_NEWEST) {
        return cnn__onnx_wire_fail(reading->file, CNN_ERROR_UNSUPPORTED, NULL, "opset %lld, expected %d to %d",
                                   (long long)version, CNN__ONNX_OLDEST, CNN__ONNX_NEWEST);
    }
    m.functions = cnn__onnx_functions_sort(reading, &program->model);
    if (!m.functions ||
        !scope_begin(&m, &names, NULL,
                     names_of(graph->nodes, graph->node_count) + graph->initializer_count + graph->input_count) ||
        !make_initializers(&m, &names, graph) || !make_graph_inputs(&m, &names, graph)) {
        return false;
    }
    cnn__onnx_step **end = &program->block.first;
    if (!make_nodes(&m, &where, &names, graph->nodes, graph->node_count, &end)) {
        return false;
    }
    if (!cnn__onnx_findings_report(reading->file, &m.findings)) {
        return false;
    }
    program->block.out = cnn__onnx_reading_get(reading, (size_t)graph->output_count, sizeof *program->block.out);
    program->block.out_count = graph->output_count;
    for (int i = 0; program->block.out && i < graph->output_count; i++) {
        program->block.out[i] = find(&names, graph->outputs[i].name);
        if (program->block.out[i] < 0) {
            return cnn__onnx_wire_fail(reading->file, CNN_ERROR_FORMAT, NULL, "nothing makes the output \"%.*s\"",
                                       CNN__TEXT(graph->outputs[i].name));
        }
    }
    return program->block.out != NULL;
}
