/* Reading an AttributeProto. */
#include "model.h"

#include <string.h>

enum { DEEPEST = 32 };

/* What the repeated fields of an attribute hold, counted. */
typedef struct attribute_counts {
    int64_t floats, ints, strings;
} attribute_counts;

static bool count_elements(cnn__onnx_reading *reading, cnn__onnx_text message, attribute_counts *counts)
{
    for (cnn__onnx_wire wire = cnn__onnx_wire_begin(reading->file, message); cnn__onnx_wire_next(&wire);) {
        int64_t n = wire.field == 7   ? cnn__onnx_wire_repeated(&wire, CNN__WIRE_4_BYTES, "floats")
                    : wire.field == 8 ? cnn__onnx_wire_repeated(&wire, CNN__WIRE_VARINT, "ints")
                                      : 0;
        counts->floats += wire.field == 7 && n > 0 ? n : 0;
        counts->ints += wire.field == 8 && n > 0 ? n : 0;
        counts->strings += wire.field == 9;
    }
    return reading->file->status == CNN_OK;
}

static float as_float(uint64_t bits)
{
    uint32_t low = (uint32_t)bits;
    float value;
    memcpy(&value, &low, sizeof value);
    return value;
}

/* Appends the elements of a repeated field, of one wire type, to `floats` or `ints`. */
static void append(const cnn__onnx_wire *wire, int type, float *floats, int64_t *ints, int64_t *count)
{
    cnn__onnx_text content = wire->content;
    uint64_t value = wire->value;
    bool packed = wire->type == CNN__WIRE_LENGTH;
    while (!packed || cnn__onnx_wire_element(&content, type, &value)) {
        if (floats) {
            floats[(*count)++] = as_float(value);
        } else {
            ints[(*count)++] = (int64_t)value;
        }
        if (!packed) {
            return;
        }
    }
}

/* A part of an attribute that is a message of its own. */
static bool read_part(cnn__onnx_reading *reading, cnn__onnx_wire *wire, cnn__onnx_attribute *attribute)
{
    bool is_graph = wire->field == 6;
    if (!cnn__onnx_wire_expect(wire, CNN__WIRE_LENGTH, is_graph ? "a graph" : "a tensor")) {
        return false;
    }
    if (reading->depth >= DEEPEST) {
        return cnn__onnx_wire_fail(reading->file, CNN_ERROR_UNSUPPORTED, wire->field_at,
                                   "more than %d graphs in each other", DEEPEST);
    }
    reading->depth++;
    cnn__onnx_file_bytes outer = *reading->file;
    bool good;
    if (is_graph) {
        attribute->graph = cnn__onnx_reading_get(reading, 1, sizeof *attribute->graph);
        good = attribute->graph && cnn__onnx_graph_read(reading, wire->content, attribute->graph);
    } else {
        attribute->tensor = cnn__onnx_reading_get(reading, 1, sizeof *attribute->tensor);
        good = attribute->tensor && cnn__onnx_tensor_def_read(reading, wire->content, attribute->tensor);
    }
    reading->file->node = outer.node;
    reading->file->op_type = outer.op_type;
    reading->file->node_number = outer.node_number;
    reading->depth--;
    return good;
}

static bool read_text(cnn__onnx_wire *wire, const char *name, cnn__onnx_text *text)
{
    *text = wire->content;
    return cnn__onnx_wire_expect(wire, CNN__WIRE_LENGTH, name);
}

static bool read_field(cnn__onnx_reading *reading, cnn__onnx_wire *wire, cnn__onnx_attribute *attribute, float *floats,
                       int64_t *ints, cnn__onnx_text *strings)
{
    switch (wire->field) {
    case 1: return read_text(wire, "the name of an attribute", &attribute->name);
    case 2: attribute->f = as_float(wire->value); return cnn__onnx_wire_expect(wire, CNN__WIRE_4_BYTES, "f");
    case 3: attribute->i = (int64_t)wire->value; return cnn__onnx_wire_expect(wire, CNN__WIRE_VARINT, "i");
    case 4: return read_text(wire, "s", &attribute->s);
    case 5:
    case 6: return read_part(reading, wire, attribute);
    case 7: append(wire, CNN__WIRE_4_BYTES, floats, NULL, &attribute->float_count); return true;
    case 8: append(wire, CNN__WIRE_VARINT, NULL, ints, &attribute->int_count); return true;
    case 9: return read_text(wire, "strings", &strings[attribute->string_count++]);
    case 20: attribute->type = (int)wire->value; return cnn__onnx_wire_expect(wire, CNN__WIRE_VARINT, "type");
    case 21: return read_text(wire, "ref_attr_name", &attribute->reference);
    default: return true;
    }
}

bool cnn__onnx_attribute_read(cnn__onnx_reading *reading, cnn__onnx_text message, cnn__onnx_attribute *attribute)
{
    attribute_counts counts = { 0 };
    if (!count_elements(reading, message, &counts)) {
        return false;
    }
    float *floats = cnn__onnx_reading_get(reading, (size_t)counts.floats, sizeof *floats);
    int64_t *ints = cnn__onnx_reading_get(reading, (size_t)counts.ints, sizeof *ints);
    cnn__onnx_text *strings = cnn__onnx_reading_get(reading, (size_t)counts.strings, sizeof *strings);
    if (!floats || !ints || !strings) {
        return false;
    }
    attribute->floats = floats;
    attribute->ints = ints;
    attribute->strings = strings;
    cnn__onnx_wire wire = cnn__onnx_wire_begin(reading->file, message);
    while (cnn__onnx_wire_next(&wire)) {
        if (!read_field(reading, &wire, attribute, floats, ints, strings)) {
            return false;
        }
    }
    return reading->file->status == CNN_OK;
}
