/* Untrusted ONNX files: models of several kinds cut at every byte and changed at every byte, and a table of attacks on the fields of
 * protocol buffers and of the model. Each is refused with the file and, where the file is malformed, the byte and the reason; or it is
 * another model, of which a trace can be made or not. Memory stays in bounds, and all of it is given back. */
#include "support/io.h"
#include "support/onnx_models.h"
#include "trust.h"

#include <cnn/trace.h>

#include <fcntl.h>
#include <unistd.h>

static long loads, refused;
static size_t worst; /* the context's memory above four times the file's size */

/* ---- models ---- */

static buffer make_linear(void)
{
    buffer g = linear_graph();
    return model_message(&g, 17);
}

/* y = f(If(max x > 0, x + w, x · w)) + h, a function of the file, a weight in half precision and small numbers for the host. */
static buffer make_branches(void)
{
    const float one[2] = { 1, 1 }, zero = 0;
    const unsigned short half[2] = { 0x3c00, 0x4000 };
    const int64_t two = 2;
    buffer g = { 0 }, node = node_message("If", "c", "z"), f = { 0 }, set = { 0 };
    for (int i = 0; i < 2; i++) {
        buffer branch = { 0 };
        put_node(&branch, 1, i ? "Mul" : "Add", NULL, "x w.part", "r");
        put_value(&branch, 12, "r", FLOAT, 1, &two);
        put_graph_attribute(&node, i ? "else_branch" : "then_branch", &branch);
    }
    put_node(&g, 1, "ReduceMax", NULL, "x", "m");
    put_node(&g, 1, "Greater", NULL, "m zero", "c");
    put_message(&g, 1, &node);
    put_node(&g, 1, "f", "own", "z", "s");
    put_node(&g, 1, "Add", NULL, "s h", "t");
    put_node(&g, 1, "Reshape", NULL, "t shape", "y");
    put_tensor(&g, "w.part", FLOAT, 1, &two, one, sizeof one);
    put_tensor(&g, "zero", FLOAT, 0, NULL, &zero, sizeof zero);
    put_tensor(&g, "h", 10, 1, &two, half, sizeof half);
    put_tensor(&g, "shape", INT64, 1, (const int64_t[]){ 2 }, (const int64_t[]){ -1, 1 }, 16);
    put_value(&g, 11, "x", FLOAT, 1, &two);
    put_value(&g, 12, "y", FLOAT, 2, (const int64_t[]){ 2, 1 });
    buffer model = model_message(&g, 17);
    put_text(&f, 1, "f");
    put_text(&f, 4, "a");
    put_text(&f, 5, "b");
    put_node(&f, 7, "Relu", NULL, "a", "b");
    put_int(&set, 2, 17);
    put_message(&f, 9, &set);
    put_text(&f, 10, "own");
    put_message(&model, 25, &f);
    return model;
}

/* A picture through a convolution, normalisation, pooling and resizing, with attributes of all kinds. */
static buffer make_picture(void)
{
    const float weight[8] = { 1, 2, 3, 4, 5, 6, 7, 8 }, ones[2] = { 1, 1 }, scales[4] = { 1, 1, 2, 2 };
    buffer g = { 0 }, node = node_message("Conv", "x w b", "c");
    buffer a = { 0 };
    put_text(&a, 1, "pads");
    for (int i = 0; i < 4; i++) {
        put_int(&a, 8, 1);
    }
    put_int(&a, 20, 7);
    put_message(&node, 5, &a);
    put_int_attribute(&node, "group", 1);
    put_message(&g, 1, &node);
    node = node_message("BatchNormalization", "c b b b b", "n");
    a = (buffer){ 0 };
    put_text(&a, 1, "epsilon");
    put_float(&a, 2, 1e-3f);
    put_int(&a, 20, 1);
    put_message(&node, 5, &a);
    put_message(&g, 1, &node);
    node = (buffer){ 0 };
    put_text(&node, 1, "n");
    put_text(&node, 1, "");
    put_text(&node, 1, "scales");
    put_text(&node, 2, "r");
    put_text(&node, 4, "Resize");
    a = (buffer){ 0 };
    put_text(&a, 1, "mode");
    put_text(&a, 4, "linear");
    put_int(&a, 20, 3);
    put_message(&node, 5, &a);
    put_message(&g, 1, &node);
    node = node_message("MaxPool", "r", "y i");
    a = (buffer){ 0 };
    put_text(&a, 1, "kernel_shape");
    put_int(&a, 8, 2);
    put_int(&a, 8, 2);
    put_int(&a, 20, 7);
    put_message(&node, 5, &a);
    put_message(&g, 1, &node);
    put_tensor(&g, "w", FLOAT, 4, (const int64_t[]){ 2, 1, 2, 2 }, weight, sizeof weight);
    put_tensor(&g, "b", FLOAT, 1, (const int64_t[]){ 2 }, ones, sizeof ones);
    put_tensor(&g, "scales", FLOAT, 1, (const int64_t[]){ 4 }, scales, sizeof scales);
    put_value(&g, 11, "x", FLOAT, 4, (const int64_t[]){ -1, 1, 4, 4 });
    put_value(&g, 12, "y", FLOAT, 4, (const int64_t[]){ -1, 2, 5, 5 });
    return model_message(&g, 17);
}

/* A recurrent layer and a loop of three rounds. */
static buffer make_rounds(void)
{
    const float w[6] = { 1, 0, 1, 0, 1, 1 };
    const int64_t three = 3;
    const unsigned char yes = 1;
    buffer g = { 0 }, node = node_message("RNN", "x w r", "s last"), body = { 0 };
    put_words_attribute(&node, "activations", "Affine");
    put_int_attribute(&node, "hidden_size", 1);
    put_message(&g, 1, &node);
    put_node(&g, 1, "Squeeze", NULL, "s", "flat");
    put_value(&body, 11, "i", INT64, 0, NULL);
    put_value(&body, 11, "go", 9, 0, NULL);
    put_value(&body, 11, "v", FLOAT, 1, &three);
    put_node(&body, 1, "Add", NULL, "v v", "twice");
    put_value(&body, 12, "go", 9, 0, NULL);
    put_value(&body, 12, "twice", FLOAT, 1, &three);
    node = node_message("Loop", "three yes flat", "y");
    put_graph_attribute(&node, "body", &body);
    put_message(&g, 1, &node);
    put_tensor(&g, "w", FLOAT, 3, (const int64_t[]){ 1, 1, 2 }, w, 2 * sizeof *w);
    put_tensor(&g, "r", FLOAT, 3, (const int64_t[]){ 1, 1, 1 }, w, sizeof *w);
    put_tensor(&g, "three", INT64, 0, NULL, &three, sizeof three);
    put_tensor(&g, "yes", 9, 0, NULL, &yes, 1);
    put_value(&g, 11, "x", FLOAT, 3, (const int64_t[]){ 3, 1, 2 });
    put_value(&g, 12, "y", FLOAT, 1, &three);
    return model_message(&g, 17);
}

/* Numbers of 8 bits in raw bytes and in a packed field, of 4 bits, and numbers in fields one by one; a constant of a node. */
static buffer make_integers(void)
{
    const signed char small[4] = { 1, -2, 3, -4 };
    const float scale = 0.5f;
    const int64_t four = 4;
    buffer g = { 0 }, packed = { 0 }, singles = { 0 }, node, a = { 0 }, value;
    put_node(&g, 1, "DequantizeLinear", NULL, "q scale", "d");
    node = node_message("Cast", "p", "pf");
    put_int_attribute(&node, "to", FLOAT);
    put_message(&g, 1, &node);
    node = node_message("Cast", "n", "nf");
    put_int_attribute(&node, "to", FLOAT);
    put_message(&g, 1, &node);
    node = node_message("Constant", "", "k");
    value = tensor_message("", FLOAT, 1, &four, (const float[]){ 1, 2, 3, 4 }, 16);
    put_text(&a, 1, "value");
    put_message(&a, 5, &value);
    put_int(&a, 20, 4);
    put_message(&node, 5, &a);
    put_message(&g, 1, &node);
    put_node(&g, 1, "Sum", NULL, "x d pf nf k f", "y");
    put_tensor(&g, "q", 3, 1, &four, small, sizeof small);
    put_tensor(&g, "scale", FLOAT, 0, NULL, &scale, sizeof scale);
    put_tensor(&g, "n", 22, 1, &four, (const unsigned char[]){ 0x21, 0x43 }, 2);
    put_int(&packed, 1, 4);
    put_int(&packed, 2, 3);
    put_text(&packed, 8, "p");
    put_bytes(&packed, 5, "\x01\x02\x03\x04", 4);
    put_message(&g, 5, &packed);
    put_bytes(&singles, 1, "\x04", 1); /* packed dims */
    put_int(&singles, 2, FLOAT);
    for (int i = 0; i < 4; i++) {
        put_float(&singles, 4, (float)i);
    }
    put_text(&singles, 8, "f");
    put_message(&g, 5, &singles);
    put_value(&g, 11, "x", FLOAT, 1, &four);
    put_value(&g, 12, "y", FLOAT, 1, &four);
    return model_message(&g, 21);
}

/* A weight in another file. */
static buffer make_external(void)
{
    buffer g = { 0 }, part = node_message("Add", "x outside", "y");
    const float numbers[2] = { 1, 2 };
    put_message(&g, 1, &part);
    part = external_message("outside", 1, (const int64_t[]){ 2 }, "w", "0", "8");
    put_message(&g, 5, &part);
    put_x_and_y(&g, 2, 2);
    file_put(in_folder("w"), (const unsigned char *)numbers, sizeof numbers);
    return model_message(&g, 17);
}

static const struct {
    const char *name;
    buffer (*make)(void);
    int ndim;
    int64_t shape[4]; /* x has this shape */
} models[] = { { "linear", make_linear, 2, { 2, 3 } },       { "branches", make_branches, 1, { 2 } },
               { "picture", make_picture, 4, { 1, 1, 4, 4 } }, { "rounds", make_rounds, 3, { 3, 1, 2 } },
               { "integers", make_integers, 1, { 4 } },       { "external", make_external, 1, { 2 } } };
enum { MODELS = sizeof models / sizeof *models };

/* ---- one load ---- */

/* Loads what is at `path`, and traces it, which runs its shapes; a failure must keep every promise. */
static cnn_status try_model(const char *path, size_t size, int ndim, const int64_t *shape)
{
    const cnn_trace_input x = { .shape = shape, .ndim = ndim };
    cnn_context_clear_error(ctx);
    meter_reset();
    size_t before = atomic_load(&meter.now);
    cnn_module *module = cnn_onnx_load(ctx, path, NULL);
    size_t peak = atomic_load(&meter.peak) - before;
    cnn_status status = module ? CNN_OK : cnn_context_status(ctx);
    loads++;
    ck_assert_uint_lt(peak, 4 * size + (1 << 20));
    worst = peak > 4 * size && peak - 4 * size > worst ? peak - 4 * size : worst;
    if (module) {
        cnn_trace *trace = cnn_trace_create(module, &x, 1, NULL);
        ck_assert(trace || cnn_context_status(ctx) != CNN_OK);
        cnn_trace_free(trace);
        cnn_module_free(module);
    } else {
        const char *message = cnn_last_error(ctx), *end = strrchr(path, '/');
        ck_assert_msg(strstr(message, end) && !strchr(message, '\n'), "\"%s\" does not name the file", message);
        ck_assert_msg(status == CNN_ERROR_FORMAT || status == CNN_ERROR_UNSUPPORTED || status == CNN_ERROR_NOT_FOUND || status == CNN_ERROR_IO ||
                          status == CNN_ERROR_INVALID_ARGUMENT || status == CNN_ERROR_SHAPE,
                      "%s: %s", cnn_status_name(status), message);
        refused++;
    }
    ck_assert_uint_eq(atomic_load(&meter.now), before);
    return status;
}

static const char *put_model(const buffer *model, size_t size)
{
    file_put(in_folder("model.onnx"), model->bytes, size);
    return in_folder("model.onnx");
}

START_TEST(models_cut_at_every_byte_are_refused)
{
    buffer model = models[_i].make();
    size_t size = model.size;
    ck_assert_msg(try_model(put_model(&model, size), size, models[_i].ndim, models[_i].shape) == CNN_OK, "%s: %s", models[_i].name,
                  cnn_last_error(ctx));
    while (size-- > 0) {
        cnn_status status = try_model(put_model(&model, size), size, models[_i].ndim, models[_i].shape);
        ck_assert_msg(status != CNN_OK, "%s: %zu of %zu bytes are a model", models[_i].name, size, model.size);
    }
    free(model.bytes);
}
END_TEST

/* Each byte, with each bit flipped and with telling values: tags, types, lengths, numbers, names. */
START_TEST(models_changed_at_every_byte_keep_every_promise)
{
    static const unsigned char values[] = { 0x00, 0x01, 0x0a, 0x12, 0x7f, 0x80, 0xff, '.', '/' };
    buffer model = models[_i].make();
    const char *path = put_model(&model, model.size);
    int fd = open(path, O_WRONLY);
    ck_assert_int_ge(fd, 0);
    long before = refused, tried = 0;
    for (size_t at = 0; at < model.size; at++) {
        for (int v = 0; v < 8 + (int)sizeof values; v++) {
            unsigned char value = v < 8 ? (unsigned char)(model.bytes[at] ^ 1u << v) : values[v - 8];
            ck_assert_int_eq(pwrite(fd, &value, 1, (off_t)at), 1);
            tried++;
            try_model(path, model.size, models[_i].ndim, models[_i].shape);
        }
        ck_assert_int_eq(pwrite(fd, model.bytes + at, 1, (off_t)at), 1);
    }
    ck_assert_int_gt((refused - before) * 3, tried); /* the others change numbers and names that nobody reads */
    ck_assert_int_eq(try_model(path, model.size, models[_i].ndim, models[_i].shape), CNN_OK);
    close(fd);
    free(model.bytes);
}
END_TEST

/* ---- attacks ---- */

/* Puts a field of the wrong kind, or a malformed one, into a message of a model that is well otherwise. */
typedef struct attack {
    const char *what;
    int within;        /* which message gets the bytes: as the enum says */
    const char *bytes; /* hexadecimal */
    cnn_status status;
    const char *reason;
} attack;

enum { MODEL, GRAPH, NODE, ATTRIBUTE, TENSOR, VALUE, FUNCTION, OPSET, EXTERNAL };

static const attack attacks[] = {
    { "a field of number 0", MODEL, "0000", CNN_ERROR_FORMAT, "byte " },
    { "a group", MODEL, "0b", CNN_ERROR_FORMAT, "byte " },
    { "the end of a group", GRAPH, "0c", CNN_ERROR_FORMAT, "byte " },
    { "a wire type that there is not", GRAPH, "0e", CNN_ERROR_FORMAT, "byte " },
    { "a varint of eleven bytes", NODE, "08ffffffffffffffffffff01", CNN_ERROR_FORMAT, "byte " },
    { "a varint past 64 bits", NODE, "08ffffffffffffffffff7f", CNN_ERROR_FORMAT, "byte " },
    { "a varint that is cut", TENSOR, "10ff", CNN_ERROR_FORMAT, "byte " },
    { "a length past the end", TENSOR, "4a7f", CNN_ERROR_FORMAT, "byte " },
    { "a length of 2^63", TENSOR, "4a80808080808080808001", CNN_ERROR_FORMAT, "byte " },
    { "a length of 2^64 - 1", NODE, "0affffffffffffffffff01", CNN_ERROR_FORMAT, "byte " },
    { "a graph that is a number", MODEL, "3801", CNN_ERROR_FORMAT, "second graph" },
    { "a second graph", MODEL, "3a00", CNN_ERROR_FORMAT, "a second graph" },
    { "an opset that is a number", MODEL, "4001", CNN_ERROR_FORMAT, "opset_import" },
    { "a version that is text", OPSET, "120117", CNN_ERROR_FORMAT, "the version of an opset" },
    { "a function that is a number", MODEL, "c80101", CNN_ERROR_FORMAT, "a function" },
    { "a node that is a number", GRAPH, "0801", CNN_ERROR_FORMAT, "byte " },
    { "an initializer that is a number", GRAPH, "2801", CNN_ERROR_FORMAT, "an initializer" },
    { "an input that is a number", GRAPH, "5801", CNN_ERROR_FORMAT, "an input" },
    { "an output that is a number", GRAPH, "6001", CNN_ERROR_FORMAT, "an output" },
    { "a sparse initializer", GRAPH, "7a00", CNN_ERROR_UNSUPPORTED, "a sparse initializer" },
    { "an initializer without a name", GRAPH, "2a00", CNN_ERROR_FORMAT, "an initializer has no name" },
    { "an input without a name", GRAPH, "5a00", CNN_ERROR_FORMAT, "has no name" },
    { "an output that nobody makes", GRAPH, "62030a0171", CNN_ERROR_FORMAT, "nothing makes the output \"q\"" },
    { "a node of an input that nobody makes", GRAPH, "0a0b0a017122047369676e", CNN_ERROR_FORMAT, "byte " },
    { "two initializers of a name", GRAPH, "2a09080110014201754a00", CNN_ERROR_FORMAT, "a second value has the name \"u\"" },
    { "an attribute that is a number", NODE, "2801", CNN_ERROR_FORMAT, "byte " },
    { "a name that is a number", NODE, "1801", CNN_ERROR_FORMAT, "byte " },
    { "a number that is text", ATTRIBUTE, "1a0101", CNN_ERROR_FORMAT, "byte " },
    { "a list of numbers of four bytes", ATTRIBUTE, "4500000000", CNN_ERROR_FORMAT, "byte " },
    { "packed floats of three bytes", ATTRIBUTE, "3a03000000", CNN_ERROR_FORMAT, "byte " },
    { "a tensor that is a number", ATTRIBUTE, "2801", CNN_ERROR_FORMAT, "a tensor" },
    { "a graph that is a number in a node", ATTRIBUTE, "3001", CNN_ERROR_FORMAT, "a graph" },
    { "nine dimensions", TENSOR, "0a09010101010101010101", CNN_ERROR_UNSUPPORTED, "more than 8 dimensions" },
    { "a negative size", TENSOR, "08ffffffffffffffffff01", CNN_ERROR_FORMAT, "a tensor has the size -1" },
    { "a size of 2^62", TENSOR, "08808080808080808040", CNN_ERROR_FORMAT, "more elements than memory addresses" },
    { "one more dimension", TENSOR, "0802", CNN_ERROR_FORMAT, "has 4 bytes in the file, expected 8" },
    { "no elements", TENSOR, "4a00", CNN_ERROR_FORMAT, "has 0 bytes in the file, expected 4" },
    { "elements of another size", TENSOR, "4a020000", CNN_ERROR_FORMAT, "has 2 bytes in the file, expected 4" },
    { "a tensor in segments", TENSOR, "1a00", CNN_ERROR_UNSUPPORTED, "a tensor in segments" },
    { "a type of text", TENSOR, "1208", CNN_ERROR_FORMAT, "byte " },
    { "complex elements", TENSOR, "100e", CNN_ERROR_UNSUPPORTED, "tensor \"u\" of type complex64" },
    { "elements of f8", TENSOR, "1011", CNN_ERROR_UNSUPPORTED, "tensor \"u\" of type float8e4m3fn" },
    { "a type of 2^31", TENSOR, "108080808008", CNN_ERROR_UNSUPPORTED, "tensor \"u\" of type unknown" },
    { "external data without a place", TENSOR, "7001", CNN_ERROR_FORMAT, "expected a file in the folder of the model" },
    { "external data that is a number", TENSOR, "6801", CNN_ERROR_FORMAT, "external_data" },
    { "an offset that is no number", EXTERNAL, "0a066f66667365741202" "2d31", CNN_ERROR_FORMAT, "where a number is expected" },
    { "an offset past int64", EXTERNAL, "0a066f66667365741214" "3939393939393939393939393939393939393939", CNN_ERROR_FORMAT,
      "where a number is expected" },
    { "a length that is empty", EXTERNAL, "0a066c656e6774681200", CNN_ERROR_FORMAT, "where a number is expected" },
    { "an input of text", VALUE, "1204" "0a020808", CNN_ERROR_UNSUPPORTED, "input \"v\" of type string" },
    { "a type that is a number", VALUE, "1001", CNN_ERROR_FORMAT, "byte " },
    { "a function's node that is a number", FUNCTION, "3801", CNN_ERROR_FORMAT, "byte " },
    { "a function's input that is a number", FUNCTION, "2001", CNN_ERROR_FORMAT, "byte " },
};
enum { ATTACKS = sizeof attacks / sizeof *attacks };

static void put_hexadecimal(buffer *b, const char *text)
{
    for (; *text; text += 2) {
        unsigned int byte;
        ck_assert_int_eq(sscanf(text, "%2x", &byte), 1);
        put(b, &(unsigned char){ (unsigned char)byte }, 1);
    }
}

/* A model that has one of each message, the one that is attacked with more bytes at its end. */
static buffer attacked(const attack *a)
{
    buffer part[EXTERNAL + 1] = { { 0 } }, *g = &part[GRAPH], *node = &part[NODE], *t = &part[TENSOR];
    const float one = 1;
    put_text(&part[ATTRIBUTE], 1, "alpha");
    put_float(&part[ATTRIBUTE], 2, 0.5f);
    put_text(node, 1, "x");
    put_text(node, 2, "n");
    put_text(node, 4, "Elu");
    put_int(t, 1, 1);
    put_int(t, 2, FLOAT);
    put_text(t, 8, "u");
    put_bytes(t, 9, &one, sizeof one);
    buffer value = value_message("v", FLOAT, 1, (const int64_t[]){ 1 });
    put(&part[VALUE], value.bytes, value.size);
    free(value.bytes);
    put_text(&part[FUNCTION], 1, "f");
    put_text(&part[FUNCTION], 10, "own");
    put_int(&part[OPSET], 2, 17);
    put_hexadecimal(&part[a->within], a->bytes);
    if (a->within == EXTERNAL) {
        put_message(t, 13, &part[EXTERNAL]);
        put_int(t, 14, 1);
    }
    put_message(node, 5, &part[ATTRIBUTE]);
    /* The node comes last, behind what its names are of; the bytes of an attacked graph are at its end. */
    buffer graph = { 0 };
    put_value(&graph, 11, "x", FLOAT, 1, (const int64_t[]){ 1 });
    put_message(&graph, 11, &part[VALUE]);
    put_message(&graph, 5, t);
    put_message(&graph, 1, node);
    put_node(&graph, 1, "Add", NULL, "n u", "y");
    put_value(&graph, 12, "y", FLOAT, 1, (const int64_t[]){ 1 });
    put(&graph, g->bytes, g->size);
    buffer model = { 0 };
    put_int(&model, 1, 8);
    put_message(&model, 7, &graph);
    put_message(&model, 8, &part[OPSET]);
    put_message(&model, 25, &part[FUNCTION]);
    put(&model, part[MODEL].bytes, part[MODEL].size);
    free(part[MODEL].bytes);
    free(g->bytes);
    return model;
}

START_TEST(attacks_are_refused_with_file_and_reason)
{
    const attack *a = &attacks[_i];
    buffer model = attacked(a);
    cnn_status status = try_model(put_model(&model, model.size), model.size, 1, (const int64_t[]){ 1 });
    ck_assert_msg(status == a->status, "%s: %s: %s", a->what, cnn_status_name(status), cnn_last_error(ctx));
    ck_assert_msg(strstr(cnn_last_error(ctx), a->reason), "%s: \"%s\" does not say \"%s\"", a->what, cnn_last_error(ctx), a->reason);
    free(model.bytes);
}
END_TEST

/* Without an attack it is a model: so each of the table is refused for its own sake. */
START_TEST(the_model_that_is_attacked_is_one)
{
    const attack none = { "", MODEL, "", CNN_OK, "" };
    buffer model = attacked(&none);
    const int64_t one[2] = { 1, 1 };
    const cnn_trace_input x[2] = { { .shape = one, .ndim = 1 }, { .shape = one, .ndim = 1 } };
    cnn_module *module = cnn_onnx_load(ctx, put_model(&model, model.size), NULL);
    ck_assert_msg(module != NULL, "%s", cnn_last_error(ctx));
    cnn_trace *trace = cnn_trace_create(module, x, 2, NULL);
    ck_assert_msg(trace != NULL, "%s", cnn_last_error(ctx));
    cnn_trace_free(trace);
    cnn_module_free(module);
    free(model.bytes);
}
END_TEST

int main(void)
{
    trust_begin("onnx");
    TCase *tests = trust_case("onnx", 600);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, models_cut_at_every_byte_are_refused, 0, MODELS);
    tcase_add_loop_test(tests, models_changed_at_every_byte_keep_every_promise, 0, MODELS);
    tcase_add_test(tests, the_model_that_is_attacked_is_one);
    tcase_add_loop_test(tests, attacks_are_refused_with_file_and_reason, 0, ATTACKS);
    int failed = trust_run();
    return trust_end(failed, "onnx: %ld loads, %ld refused, at most %zu bytes of memory above 4 times the file's size", loads, refused, worst);
}
