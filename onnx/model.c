/* Reading a model: its graphs, nodes and functions. Each message is gone through twice: its parts are counted, then
 * read. */
#include "model.h"

enum { MOST_PARTS = 1 << 24 };

void *cnn__onnx_reading_get(cnn__onnx_reading *reading, size_t count, size_t size)
{
    void *memory = cnn__onnx_arena_get(reading->arena, count, size);
    if (!memory) {
        cnn__onnx_wire_fail(reading->file, CNN_ERROR_NO_MEMORY, NULL, "no memory for %zu × %zu bytes", count, size);
    }
    return memory;
}

/* How many of each field, up to number 31, a message has. */
static bool count_fields(cnn__onnx_reading *reading, cnn__onnx_text message, int counts[32])
{
    cnn__onnx_wire wire = cnn__onnx_wire_begin(reading->file, message);
    while (cnn__onnx_wire_next(&wire)) {
        if (wire.field < 32 && ++counts[wire.field] > MOST_PARTS) {
            return cnn__onnx_wire_fail(reading->file, CNN_ERROR_UNSUPPORTED, wire.field_at, "more than %d of field %u",
                                       MOST_PARTS, wire.field);
        }
    }
    return reading->file->status == CNN_OK;
}

static bool text(cnn__onnx_wire *wire, const char *name, cnn__onnx_text *to)
{
    *to = wire->content;
    return cnn__onnx_wire_expect(wire, CNN__WIRE_LENGTH, name);
}

/* ---- what a value is ---- */

static bool read_dimension(cnn__onnx_reading *reading, cnn__onnx_wire *shape, cnn__onnx_value_info *info)
{
    if (!cnn__onnx_wire_expect(shape, CNN__WIRE_LENGTH, "a dimension")) {
        return false;
    }
    if (info->ndim == CNN_MAX_DIMS) {
        return cnn__onnx_wire_fail(reading->file, CNN_ERROR_UNSUPPORTED, shape->field_at,
                                   "\"%.*s\" has more than %d dimensions", CNN__TEXT(info->name), CNN_MAX_DIMS);
    }
    info->shape[info->ndim] = -1;
    for (cnn__onnx_wire wire = cnn__onnx_wire_begin(reading->file, shape->content); cnn__onnx_wire_next(&wire);) {
        if (wire.field == 1 && cnn__onnx_wire_expect(&wire, CNN__WIRE_VARINT, "dim_value")) {
            info->shape[info->ndim] = (int64_t)wire.value < 0 ? -1 : (int64_t)wire.value;
        } else if (wire.field == 2 && cnn__onnx_wire_expect(&wire, CNN__WIRE_LENGTH, "dim_param")) {
            info->symbols[info->ndim] = wire.content;
        }
    }
    info->ndim++;
    return reading->file->status == CNN_OK;
}

static bool read_shape(cnn__onnx_reading *reading, cnn__onnx_wire *outer, cnn__onnx_value_info *info)
{
    info->ndim = 0;
    if (!cnn__onnx_wire_expect(outer, CNN__WIRE_LENGTH, "shape")) {
        return false;
    }
    for (cnn__onnx_wire wire = cnn__onnx_wire_begin(reading->file, outer->content); cnn__onnx_wire_next(&wire);) {
        if (wire.field == 1 && !read_dimension(reading, &wire, info)) {
            return false;
        }
    }
    return reading->file->status == CNN_OK;
}

/* TypeProto, in which field 1 is a tensor. */
static bool read_type(cnn__onnx_reading *reading, cnn__onnx_wire *outer, cnn__onnx_value_info *info)
{
    if (!cnn__onnx_wire_expect(outer, CNN__WIRE_LENGTH, "type")) {
        return false;
    }
    for (cnn__onnx_wire type = cnn__onnx_wire_begin(reading->file, outer->content); cnn__onnx_wire_next(&type);) {
        if (type.field != 1) {
            continue;
        }
        if (!cnn__onnx_wire_expect(&type, CNN__WIRE_LENGTH, "tensor_type")) {
            return false;
        }
        for (cnn__onnx_wire wire = cnn__onnx_wire_begin(reading->file, type.content); cnn__onnx_wire_next(&wire);) {
            if (wire.field == 1 && cnn__onnx_wire_expect(&wire, CNN__WIRE_VARINT, "elem_type")) {
                info->type = wire.value > 1000 ? 1000 : (int)wire.value;
            } else if (wire.field == 2 && !read_shape(reading, &wire, info)) {
                return false;
            }
        }
    }
    return reading->file->status == CNN_OK;
}

bool cnn__onnx_value_info_read(cnn__onnx_reading *reading, cnn__onnx_text message, cnn__onnx_value_info *info)
{
    *info = (cnn__onnx_value_info){ .ndim = -1 };
    for (cnn__onnx_wire wire = cnn__onnx_wire_begin(reading->file, message); cnn__onnx_wire_next(&wire);) {
        if ((wire.field == 1 && !text(&wire, "the name of a value", &info->name)) ||
            (wire.field == 2 && !read_type(reading, &wire, info))) {
            return false;
        }
    }
    return reading->file->status == CNN_OK;
}

/* ---- nodes ---- */

static bool read_node(cnn__onnx_reading *reading, cnn__onnx_wire *outer, cnn__onnx_node *node, int64_t number)
{
    int counts[32] = { 0 };
    if (!cnn__onnx_wire_expect(outer, CNN__WIRE_LENGTH, "a node") || !count_fields(reading, outer->content, counts)) {
        return false;
    }
    node->at = outer->field_at;
    node->inputs = cnn__onnx_reading_get(reading, (size_t)counts[1], sizeof *node->inputs);
    node->outputs = cnn__onnx_reading_get(reading, (size_t)counts[2], sizeof *node->outputs);
    node->attributes = cnn__onnx_reading_get(reading, (size_t)counts[5], sizeof *node->attributes);
    if (!node->inputs || !node->outputs || !node->attributes) {
        return false;
    }
    bool good = true;
    cnn__onnx_wire wire = cnn__onnx_wire_begin(reading->file, outer->content);
    while (good && cnn__onnx_wire_next(&wire)) { /* names first: messages have them */
        good = wire.field == 3   ? text(&wire, "the name of a node", &node->name)
               : wire.field == 4 ? text(&wire, "op_type", &node->op_type)
               : wire.field == 7 ? text(&wire, "domain", &node->domain)
               : wire.field == 8 ? text(&wire, "overload", &node->overload)
                                 : true;
    }
    reading->file->node = node->name;
    reading->file->op_type = node->op_type;
    reading->file->node_number = number;
    wire = cnn__onnx_wire_begin(reading->file, outer->content);
    while (good && cnn__onnx_wire_next(&wire)) {
        good = wire.field == 1   ? text(&wire, "an input", &node->inputs[node->input_count++])
               : wire.field == 2 ? text(&wire, "an output", &node->outputs[node->output_count++])
               : wire.field == 5
                   ? cnn__onnx_wire_expect(&wire, CNN__WIRE_LENGTH, "an attribute") &&
                         cnn__onnx_attribute_read(reading, wire.content, &node->attributes[node->attribute_count++])
                   : true;
    }
    good = good && reading->file->status == CNN_OK;
    good = good &&
           (node->op_type.size || cnn__onnx_wire_fail(reading->file, CNN_ERROR_FORMAT, node->at, "it has no op_type"));
    if (good) {
        reading->file->node_number = -1;
    }
    return good;
}

/* ---- graphs ---- */

static bool read_graph_field(cnn__onnx_reading *reading, cnn__onnx_wire *wire, cnn__onnx_graph *graph)
{
    switch (wire->field) {
    case 1:
        graph->node_count++;
        return read_node(reading, wire, &graph->nodes[graph->node_count - 1], graph->node_count - 1);
    case 2: return text(wire, "the name of a graph", &graph->name);
    case 5:
        return cnn__onnx_wire_expect(wire, CNN__WIRE_LENGTH, "an initializer") &&
               cnn__onnx_tensor_def_read(reading, wire->content, &graph->initializers[graph->initializer_count++]);
    case 11:
        return cnn__onnx_wire_expect(wire, CNN__WIRE_LENGTH, "an input") &&
               cnn__onnx_value_info_read(reading, wire->content, &graph->inputs[graph->input_count++]);
    case 12:
        return cnn__onnx_wire_expect(wire, CNN__WIRE_LENGTH, "an output") &&
               cnn__onnx_value_info_read(reading, wire->content, &graph->outputs[graph->output_count++]);
    case 15: return cnn__onnx_wire_fail(reading->file, CNN_ERROR_UNSUPPORTED, wire->field_at, "a sparse initializer");
    default: return true;
    }
}

bool cnn__onnx_graph_read(cnn__onnx_reading *reading, cnn__onnx_text message, cnn__onnx_graph *graph)
{
    int counts[32] = { 0 };
    if (!count_fields(reading, message, counts)) {
        return false;
    }
    graph->nodes = cnn__onnx_reading_get(reading, (size_t)counts[1], sizeof *graph->nodes);
    graph->initializers = cnn__onnx_reading_get(reading, (size_t)counts[5], sizeof *graph->initializers);
    graph->inputs = cnn__onnx_reading_get(reading, (size_t)counts[11], sizeof *graph->inputs);
    graph->outputs = cnn__onnx_reading_get(reading, (size_t)counts[12], sizeof *graph->outputs);
    if (!graph->nodes || !graph->initializers || !graph->inputs || !graph->outputs) {
        return false;
    }
    for (cnn__onnx_wire wire = cnn__onnx_wire_begin(reading->file, message); cnn__onnx_wire_next(&wire);) {
        if (!read_graph_field(reading, &wire, graph)) {
            return false;
        }
    }
    return reading->file->status == CNN_OK;
}

/* ---- functions and the whole ---- */

static bool read_opset(cnn__onnx_reading *reading, cnn__onnx_wire *outer, cnn__onnx_opset *opset)
{
    if (!cnn__onnx_wire_expect(outer, CNN__WIRE_LENGTH, "opset_import")) {
        return false;
    }
    for (cnn__onnx_wire wire = cnn__onnx_wire_begin(reading->file, outer->content); cnn__onnx_wire_next(&wire);) {
        if (wire.field == 1 && !text(&wire, "the domain of an opset", &opset->domain)) {
            return false;
        }
        if (wire.field == 2 && cnn__onnx_wire_expect(&wire, CNN__WIRE_VARINT, "the version of an opset")) {
            opset->version = (int64_t)wire.value;
        }
    }
    return reading->file->status == CNN_OK;
}

static bool read_function_field(cnn__onnx_reading *reading, cnn__onnx_wire *wire, cnn__onnx_function *f)
{
    switch (wire->field) {
    case 1: return text(wire, "the name of a function", &f->name);
    case 4: return text(wire, "an input", &f->inputs[f->input_count++]);
    case 5: return text(wire, "an output", &f->outputs[f->output_count++]);
    case 7: f->node_count++; return read_node(reading, wire, &f->nodes[f->node_count - 1], f->node_count - 1);
    case 9: return read_opset(reading, wire, &f->opsets[f->opset_count++]);
    case 10: return text(wire, "the domain of a function", &f->domain);
    case 11:
        return cnn__onnx_wire_expect(wire, CNN__WIRE_LENGTH, "attribute_proto") &&
               cnn__onnx_attribute_read(reading, wire->content, &f->defaults[f->default_count++]);
    case 13: return text(wire, "overload", &f->overload);
    default: return true;
    }
}

static bool read_function(cnn__onnx_reading *reading, cnn__onnx_wire *outer, cnn__onnx_function *f)
{
    int counts[32] = { 0 };
    if (!cnn__onnx_wire_expect(outer, CNN__WIRE_LENGTH, "a function") ||
        !count_fields(reading, outer->content, counts)) {
        return false;
    }
    f->inputs = cnn__onnx_reading_get(reading, (size_t)counts[4], sizeof *f->inputs);
    f->outputs = cnn__onnx_reading_get(reading, (size_t)counts[5], sizeof *f->outputs);
    f->nodes = cnn__onnx_reading_get(reading, (size_t)counts[7], sizeof *f->nodes);
    f->opsets = cnn__onnx_reading_get(reading, (size_t)counts[9], sizeof *f->opsets);
    f->defaults = cnn__onnx_reading_get(reading, (size_t)counts[11], sizeof *f->defaults);
    if (!f->inputs || !f->outputs || !f->nodes || !f->opsets || !f->defaults) {
        return false;
    }
    for (cnn__onnx_wire wire = cnn__onnx_wire_begin(reading->file, outer->content); cnn__onnx_wire_next(&wire);) {
        if (!read_function_field(reading, &wire, f)) {
            return false;
        }
    }
    return reading->file->status == CNN_OK;
}

static bool read_model_field(cnn__onnx_reading *reading, cnn__onnx_wire *wire, cnn__onnx_model *model)
{
    switch (wire->field) {
    case 1:
        model->ir_version = (int64_t)wire->value;
        return cnn__onnx_wire_expect(wire, CNN__WIRE_VARINT, "ir_version");
    case 7:
        if (model->graph) {
            return cnn__onnx_wire_fail(reading->file, CNN_ERROR_FORMAT, wire->field_at, "a second graph");
        }
        model->graph = cnn__onnx_reading_get(reading, 1, sizeof *model->graph);
        return model->graph && cnn__onnx_wire_expect(wire, CNN__WIRE_LENGTH, "graph") &&
               cnn__onnx_graph_read(reading, wire->content, model->graph);
    case 8: return read_opset(reading, wire, &model->opsets[model->opset_count++]);
    case 25: return read_function(reading, wire, &model->functions[model->function_count++]);
    default: return true;
    }
}

bool cnn__onnx_model_read(cnn__onnx_reading *reading, cnn__onnx_model *model)
{
    cnn__onnx_text whole = { (const char *)reading->file->bytes, reading->file->size };
    int counts[32] = { 0 };
    if (!count_fields(reading, whole, counts)) {
        return false;
    }
    model->opsets = cnn__onnx_reading_get(reading, (size_t)counts[8], sizeof *model->opsets);
    model->functions = cnn__onnx_reading_get(reading, (size_t)counts[25], sizeof *model->functions);
    if (!model->opsets || !model->functions) {
        return false;
    }
    for (cnn__onnx_wire wire = cnn__onnx_wire_begin(reading->file, whole); cnn__onnx_wire_next(&wire);) {
        if (!read_model_field(reading, &wire, model)) {
            return false;
        }
    }
    if (reading->file->status == CNN_OK && (!model->graph || model->opset_count == 0)) {
        cnn__onnx_wire_fail(reading->file, CNN_ERROR_FORMAT, reading->file->bytes, "no ONNX model: it has no %s",
                            model->graph ? "opset_import" : "graph");
    }
    return reading->file->status == CNN_OK;
}
