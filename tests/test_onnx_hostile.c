/* ONNX files that cannot be trusted: what they say of data in other files, truncations, mutations, depth and sizes. */
#include "support/onnx_case.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

/* ---- data in other files ---- */

/* y = x + offset, whose elements are where it is said. */
static cnn_module *load_external(const char *location, const char *offset, const char *length)
{
    buffer g = { 0 }, part;
    put_node(&g, 1, "Add", NULL, "x offset", "y");
    part = external_message("offset", 1, (int64_t[]){ 2 }, location, offset, length);
    put_message(&g, 5, &part);
    put_x_and_y(&g, 2, 2);
    buffer model = model_message(&g, 17);
    return cnn_onnx_load(ctx, model_file("external.onnx", &model), NULL);
}

START_TEST(data_beside_the_file)
{
    const float data[4] = { 9, 1, 2, 9 };
    float got[2];
    file_put(in_folder("data"), data, sizeof data);
    cnn_module *module = load_external("data", "4", "8");
    ck_assert_msg(module != NULL, "%s", cnn_last_error(ctx));
    ck_assert_int_eq(cnn_tensor_read(cnn_module_find(module, "offset"), got, sizeof got), CNN_OK);
    ck_assert_float_eq_tol(got[0], 1.0f, 1e-9f);
    ck_assert_float_eq_tol(got[1], 2.0f, 1e-9f);
    cnn_module_free(module);
}
END_TEST

/* 3 GB of a file of 8 bytes: no memory is asked for. */
START_TEST(data_that_is_not_there_takes_no_memory)
{
    buffer g = { 0 }, part;
    put_node(&g, 1, "Add", NULL, "x w", "y");
    part = external_message("w", 1, (int64_t[]){ 800000000 }, "w.data", "0", NULL);
    put_message(&g, 5, &part);
    put_x_and_y(&g, 1, -1);
    buffer model = model_message(&g, 17);
    file_put(in_folder("w.data"), (const unsigned char *)"12345678", 8);
    struct rlimit limit, before;
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &before), 0);
    limit = before;
    limit.rlim_cur = 1 << 30;
    const char *path = model_file("external.onnx", &model);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they need more themselves */
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
#endif
    ck_assert_ptr_null(cnn_onnx_load(ctx, path, NULL));
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &before), 0);
    assert_error(cnn_context_status(ctx), CNN_ERROR_FORMAT, "has 8 bytes, expected 3200000000 from byte 0 on");
}
END_TEST

START_TEST(data_elsewhere_is_refused)
{
    static const char *const outside[] = { "/etc/passwd", "../data", "a/../../data", "", "a//data", ".." };
    const float data[4] = { 9, 1, 2, 9 };
    file_put(in_folder("data"), data, sizeof data);
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        ck_assert_msg(!load_external(outside[i], "4", "8"), "\"%s\" is read", outside[i]);
        assert_error(cnn_context_status(ctx), CNN_ERROR_FORMAT, "expected a file in the folder of the model");
    }
    ck_assert_int_eq(symlink("data", in_folder("link")), 0);
    ck_assert_ptr_null(load_external("link", "4", "8"));
    assert_error(cnn_context_status(ctx), CNN_ERROR_FORMAT, "a symbolic link");
    ck_assert_ptr_null(load_external("data", "12", "8"));
    assert_error(cnn_context_status(ctx), CNN_ERROR_FORMAT, "has 16 bytes, expected 8 from byte 12 on");
    ck_assert_ptr_null(load_external("data", "4", "4"));
    assert_error(cnn_context_status(ctx), CNN_ERROR_FORMAT, "has 4 bytes of external data, expected 8");
    ck_assert_ptr_null(load_external("none", "4", "8"));
    assert_error(cnn_context_status(ctx), CNN_ERROR_NOT_FOUND, "external data \"none\"");
}
END_TEST

/* ---- damage ---- */

START_TEST(every_truncation_is_noticed)
{
    buffer graph = linear_graph(), model = model_message(&graph, 17);
    for (size_t n = 0; n < model.size; n++) {
        file_put(in_folder("part.onnx"), model.bytes, n);
        ck_assert_msg(!cnn_onnx_load(ctx, in_folder("part.onnx"), NULL), "%zu of %zu bytes are a model", n, model.size);
        assert_error(cnn_context_status(ctx), CNN_ERROR_FORMAT, "onnx_load: ");
    }
    free(model.bytes);
}
END_TEST

/* Each byte with each of a few values: read or refused, and run where it is read. */
START_TEST(mutations_are_read_or_refused)
{
    static const unsigned char values[] = { 0, 1, 2, 0x7f, 0x80, 0xff };
    buffer graph = linear_graph(), model = model_message(&graph, 17);
    cnn_tensor *x = rows(2);
    for (size_t i = 0; i < model.size; i++) {
        unsigned char was = model.bytes[i];
        for (size_t v = 0; v < sizeof values; v++) {
            model.bytes[i] = values[v];
            file_put(in_folder("odd.onnx"), model.bytes, model.size);
            cnn_module *module = cnn_onnx_load(ctx, in_folder("odd.onnx"), NULL);
            if (module) {
                ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
                cnn_forward(module, cnn_input(tape, x));
            } else {
                assert_error(cnn_context_status(ctx), cnn_context_status(ctx), "odd.onnx: ");
            }
            cnn_module_free(module);
        }
        model.bytes[i] = was;
    }
    cnn_tensor_free(x);
    free(model.bytes);
}
END_TEST

/* Messages in messages, which a reader by recursion would follow to the end of its stack. */
START_TEST(depth_is_bounded)
{
    buffer inner = { 0 };
    put_text(&inner, 2, "deep");
    for (int i = 0; i < 3000; i++) {
        buffer node = node_message("If", "x", "y"), attribute = { 0 }, graph = { 0 };
        put_text(&attribute, 1, "then_branch");
        put_message(&attribute, 6, &inner);
        put_message(&node, 5, &attribute);
        put_message(&graph, 1, &node);
        inner = graph;
    }
    buffer model = model_message(&inner, 17);
    ck_assert_ptr_null(cnn_onnx_load(ctx, model_file("deep.onnx", &model), NULL));
    assert_error(cnn_context_status(ctx), cnn_context_status(ctx), "deep");
}
END_TEST

/* A tensor that is said to be larger than the file. */
START_TEST(sizes_are_those_of_the_file)
{
    static const int64_t shapes[][2] = { { 1 << 20, 1 << 20 }, { INT64_MAX, 2 }, { -1, 3 }, { INT64_MAX, INT64_MAX } };
    const float data[2] = { 0 };
    for (int i = 0; i < 4; i++) {
        buffer g = { 0 };
        put_node(&g, 1, "Add", NULL, "x big", "y");
        put_tensor(&g, "big", FLOAT, 2, shapes[i], data, sizeof data);
        put_x_and_y(&g, 2, 2);
        buffer model = model_message(&g, 17);
        ck_assert_ptr_null(cnn_onnx_load(ctx, model_file("big.onnx", &model), NULL));
        assert_error(cnn_context_status(ctx), CNN_ERROR_FORMAT, "big.onnx: byte ");
    }
}
END_TEST

/* ---- names ---- */

/* Whichever of a row is taken, the 49 lowest bits of FNV-1a over all rows before are the same: 65,536 names that a table of
 * up to 131,072 places by that hash, folded once, would have in one place. */
static const char *const alike[16][2] = {
    { "yQozZ4dI0", "-M9zum1o1" }, { "XQBBNyFj1", "nFsxOu8k1" }, { "JH1mgdIv0", "2cGDtNfO1" }, { "97Mqclyq0", "jWvOZ48x1" },
    { "M8UlDNgF1", "PcUICL781" }, { "F4w1ghBh0", "E5ryvtbc1" }, { "XDiNcy7N0", "MEs7iHVx1" }, { "8dspku1S0", "EbwWLeIo1" },
    { "-r54O5hT0", "52C3tk1b1" }, { "VVZfzUAe0", "XV3OrLwb0" }, { "16KD4KYD1", "quH-_Lty0" }, { "PqPzDWwI0", "EbAWyneW0" },
    { "JzlIV9k70", "JEupfJ-k0" }, { "nfvXdZkc0", "IwPeZ_-50" }, { "1qDJnHba1", "GuG_l1h21" }, { "VClCuvyl1", "rHbo9siD1" }
};

static void name_of(int number, bool collide, char name[16 * 9 + 1])
{
    for (int i = 0; i < 16; i++) {
        memcpy(name + (size_t)i * 9, alike[i][collide && number >> i & 1], 9);
    }
    snprintf(name + (collide ? 144 : 137), 8, collide ? "" : "%07d", number);
}

static uint64_t fnv_of(const char *name)
{
    uint64_t h = 14695981039346656037u;
    for (; *name; name++) {
        h = (h ^ (unsigned char)*name) * 1099511628211u;
    }
    return h;
}

/* The CPU time of loading y = x + p0 + p1 + …; the names are as long in both cases. */
static double load_many(int count, bool collide)
{
    buffer g = { 0 };
    const float one = 1;
    char from[16] = "x", to[16], name[16 * 9 + 1], inputs[sizeof name + sizeof from];
    for (int i = 0; i < count; i++) {
        name_of(i, collide, name);
        snprintf(to, sizeof to, i + 1 < count ? "s%d" : "y", i);
        snprintf(inputs, sizeof inputs, "%s %s", from, name);
        put_node(&g, 1, "Add", NULL, inputs, to);
        put_tensor(&g, name, FLOAT, 1, (int64_t[]){ 1 }, &one, sizeof one);
        memcpy(from, to, sizeof from);
    }
    put_x_and_y(&g, 1, 1);
    buffer model = model_message(&g, 17);
    const char *path = model_file("names.onnx", &model);
    clock_t start = clock();
    cnn_module *module = cnn_onnx_load(ctx, path, NULL);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    ck_assert_msg(module != NULL, "%s", cnn_last_error(ctx));
    ck_assert_int_eq(cnn_module_state_count(module), count);
    cnn_module_free(module);
    return seconds;
}

START_TEST(names_that_collide_take_no_longer)
{
    enum { MANY = 40000 };
    char name[16 * 9 + 1];
    name_of(0, true, name);
    uint64_t first = fnv_of(name);
    for (int i = 1; i < MANY; i += 7) {
        name_of(i, true, name);
        ck_assert_uint_eq((fnv_of(name) ^ first) & (((uint64_t)1 << 49) - 1), 0);
    }
    double plain = load_many(MANY, false), collide = load_many(MANY, true);
    ck_assert_msg(collide < 5 * plain + 0.1, "%.2f s, other names %.2f s", collide, plain);
}
END_TEST

/* ---- what a small file asks for ---- */

typedef struct asked {
    const char *op, *inputs, *attribute; /* inputs: "x", and "a", "b", "c" for the numbers */
    int64_t value;
    int opset, ndim;
    int64_t shape[4]; /* x has this shape */
    struct {
        int ndim, count;
        int64_t values[4];
    } numbers[3];
    const char *message; /* NULL: it is traced */
} asked;

static const asked asking[] = {
    { "Attention", "x x x", "is_causal", 1, 23, 4, { 1, 1, 40000, 64 }, { { 0, 0, { 0 } } }, NULL },
    { "Attention", "x x x", "left_window_size", 5, 24, 4, { 1, 1, 40000, 64 }, { { 0, 0, { 0 } } }, NULL },
    { "Range", "a b c", NULL, 0, 17, 1, { 1 }, { { 0, 1, { 0 } }, { 0, 1, { INT64_C(1) << 33 } }, { 0, 1, { 1 } } }, NULL },
    { "ConstantOfShape", "a", NULL, 0, 17, 1, { 1 }, { { 1, 3, { 1 << 12, 1 << 12, 1 << 12 } } }, NULL },
    { "HannWindow", "a", NULL, 0, 17, 1, { 1 }, { { 0, 1, { 99000000 } } }, NULL },
    { "ReverseSequence", "x a", "batch_axis", 1, 17, 2, { 1 << 30, 4 }, { { 1, 4, { 1, 2, 3, 4 } } }, NULL },
    { "MaxPool", "x", "ceil_mode", 1, 17, 4, { 1 << 20, 1 << 12, 1, 1 }, { { 0, 0, { 0 } } }, "kernel_shape" },
    { "Det", "x", NULL, 0, 17, 2, { 8, 8 }, { { 0, 0, { 0 } } }, NULL },
    { "DFT", "x", NULL, 0, 17, 3, { 1, 100000, 1 }, { { 0, 0, { 0 } } }, "a transform of length 100000" },
    { "AffineGrid", "x a", NULL, 0, 20, 3, { 1, 2, 3 }, { { 1, 4, { 1, 1, 1 << 13, 1 << 13 } } }, "a table of 201326592 elements" },
};
enum { ASKING = sizeof asking / sizeof *asking };

static cnn_module *load_node(const asked *a)
{
    buffer g = { 0 }, node = node_message(a->op, a->inputs, "y");
    if (a->attribute) {
        put_int_attribute(&node, a->attribute, a->value);
    }
    put_message(&g, 1, &node);
    for (int i = 0; i < 3; i++) {
        if (a->numbers[i].count) {
            const int64_t size = a->numbers[i].count;
            put_tensor(&g, (const char *[]){ "a", "b", "c" }[i], INT64, a->numbers[i].ndim, &size, a->numbers[i].values,
                                  (size_t)size * sizeof size);
        }
    }
    put_value(&g, 11, "x", FLOAT, a->ndim, a->shape);
    put_value(&g, 12, "y", FLOAT, 1, (int64_t[]){ -1 });
    buffer model = model_message(&g, a->opset);
    cnn_module *module = cnn_onnx_load(ctx, model_file("asks.onnx", &model), NULL);
    ck_assert_msg(module != NULL, "%s", cnn_last_error(ctx));
    return module;
}

/* A trace has no elements, also none that an operator makes of its attributes, however large they would be. */
START_TEST(a_trace_takes_little_memory)
{
    const asked *a = &asking[_i];
    cnn_module *module = load_node(a);
    const cnn_trace_input input = { .shape = a->shape, .ndim = a->ndim };
    struct rlimit limit, before;
    ck_assert_int_eq(getrlimit(RLIMIT_DATA, &before), 0);
    limit = before;
    limit.rlim_cur = 256 << 20;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they need more themselves */
    ck_assert_int_eq(setrlimit(RLIMIT_DATA, &limit), 0);
#endif
    clock_t start = clock();
    cnn_trace *trace = cnn_trace_create(module, &input, 1, NULL);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    ck_assert_int_eq(setrlimit(RLIMIT_DATA, &before), 0);
    ck_assert_msg(!a->message == !!trace, "%s: %s", a->op, cnn_last_error(ctx));
    ck_assert_msg(trace || strstr(cnn_last_error(ctx), a->message), "%s: %s", a->op, cnn_last_error(ctx));
    ck_assert_msg(seconds < 10, "%s: %.2f s", a->op, seconds);
    cnn_trace_free(trace);
    cnn_module_free(module);
}
END_TEST

/* Two loops in each other, of 2^20 rounds each, if nobody counts them. */
START_TEST(rounds_are_bounded)
{
    const int64_t rounds = 1 << 20;
    buffer inner = { 0 }, outer = { 0 }, g = { 0 }, node;
    buffer *const graphs[] = { &inner, &outer };
    for (int i = 0; i < 2; i++) {
        put_value(graphs[i], 11, "i", INT64, 0, NULL);
        put_value(graphs[i], 11, "c", 9, 0, NULL);
        put_value(graphs[i], 12, "c", 9, 0, NULL);
    }
    for (int i = 0; i < 2; i++) {
        node = node_message("Loop", "rounds", "");
        put_graph_attribute(&node, "body", graphs[i]);
        put_message(i ? &g : &outer, 1, &node);
    }
    put_tensor(&g, "rounds", INT64, 0, NULL, &rounds, sizeof rounds);
    put_node(&g, 1, "Relu", NULL, "x", "y");
    put_x_and_y(&g, 1, 1);
    buffer model = model_message(&g, 17);
    cnn_module *module = cnn_onnx_load(ctx, model_file("loops.onnx", &model), NULL);
    ck_assert_msg(module != NULL, "%s", cnn_last_error(ctx));
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(1));
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
    cnn_forward(module, cnn_input(tape, x));
    assert_error(cnn_tape_status(tape), CNN_ERROR_UNSUPPORTED, "more than 262144 rounds and nodes in loops");
    cnn_tensor_free(x);
    cnn_module_free(module);
}
END_TEST

/* Sizes whose product overflows, and one of 0: there are no elements, and the model is loaded or refused with a message. */
START_TEST(sizes_around_none_are_no_secret)
{
    const int64_t shape[4] = { INT64_MAX, INT64_MAX, 0, 255 };
    buffer g = { 0 };
    put_node(&g, 1, "Identity", NULL, "s", "y");
    put_tensor(&g, "s", FLOAT, 4, shape, "", 0);
    put_value(&g, 12, "y", FLOAT, 1, (int64_t[]){ 0 });
    buffer model = model_message(&g, 17);
    cnn_context_clear_error(ctx);
    cnn_module *module = cnn_onnx_load(ctx, model_file("none.onnx", &model), NULL);
    ck_assert((module == NULL) == (cnn_context_status(ctx) != CNN_OK));
    cnn_module_free(module);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("onnx_hostile");
    TCase *external = suite_case(suite, "external", setup, teardown);
    tcase_add_test(external, data_beside_the_file);
    tcase_add_test(external, data_that_is_not_there_takes_no_memory);
    tcase_add_test(external, data_elsewhere_is_refused);
    TCase *damage = suite_case(suite, "damage", setup, teardown);
    tcase_add_test(damage, every_truncation_is_noticed);
    tcase_add_test(damage, mutations_are_read_or_refused);
    tcase_add_test(damage, depth_is_bounded);
    tcase_add_test(damage, sizes_are_those_of_the_file);
    TCase *small = suite_case(suite, "small", setup, teardown);
    tcase_add_test(small, names_that_collide_take_no_longer);
    tcase_add_loop_test(small, a_trace_takes_little_memory, 0, ASKING);
    tcase_add_test(small, rounds_are_bounded);
    tcase_add_test(small, sizes_around_none_are_no_secret);
    return suite_run(suite);
}
