/* What loading a model takes: every allocation fails once, memory stays below twice the file, tens of thousands of parameters take a
 * second, and a small file cannot ask for much. */
#include "support/counted_pages.h"
#include "support/onnx_models.h"

#include "zoo.h"

#include <time.h>

static cnn_context *ctx;

static void setup(void)
{
    folder_make();
    ctx = metered_context(1);
}

static void teardown(void)
{
    meter_reset();
    cnn_context_free(ctx);
    ck_assert_uint_eq(atomic_load(&meter.now), 0);
    folder_remove();
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- models ---- */

static void write_linear(const char *name)
{
    buffer graph = linear_graph(), model = model_message(&graph, 17);
    model_file(name, &model);
}

static void put_opset(buffer *function)
{
    buffer set = { 0 };
    put_int(&set, 2, 17);
    put_message(function, 9, &set);
}

/* A FunctionProto of the domain "f" with an input "a" and an output "b". */
static buffer function_message(const char *name)
{
    buffer f = { 0 };
    put_text(&f, 1, name);
    put_text(&f, 4, "a");
    put_text(&f, 5, "b");
    put_text(&f, 10, "f");
    put_opset(&f);
    return f;
}

/* y = f0(x): each function calls the next one `calls` times, the last one is an operator of `inputs` inputs. */
static void write_calls(const char *name, int depth, int calls, int inputs)
{
    buffer g = { 0 };
    put_node(&g, 1, "f0", "f", "x", "y");
    put_x_and_y(&g, 1, 1);
    buffer model = model_message(&g, 17);
    for (int d = 0; d < depth; d++) {
        char own[16], next[16], from[16] = "a", to[16];
        snprintf(own, sizeof own, "f%d", d);
        snprintf(next, sizeof next, "f%d", d + 1);
        buffer f = function_message(own);
        for (int i = 0; i < calls; i++) {
            snprintf(to, sizeof to, i + 1 < calls ? "t%d" : "b", i);
            if (d + 1 < depth) {
                put_node(&f, 7, next, "f", from, to);
            } else {
                buffer node = { 0 };
                for (int k = 0; k < inputs; k++) {
                    put_text(&node, 1, from);
                }
                put_text(&node, 2, to);
                put_text(&node, 4, "Sum");
                put_message(&f, 7, &node);
            }
            snprintf(from, sizeof from, "t%d", i);
        }
        put_message(&model, 25, &f);
    }
    model_file(name, &model);
}

/* y = If(x > 0, x + w, x · w), weights stored otherwise than as f32, and one in another file. */
static void write_mixed(const char *name)
{
    const float one[2] = { 1, 1 };
    const unsigned short half[2] = { 0x3c00, 0x4000 };
    buffer g = { 0 }, part, node = node_message("If", "c", "z");
    for (int i = 0; i < 2; i++) {
        buffer branch = { 0 };
        put_node(&branch, 1, i ? "Mul" : "Add", NULL, "x w.deep.part", "r");
        put_value(&branch, 12, "r", FLOAT, 1, (int64_t[]){ 2 });
        put_graph_attribute(&node, i ? "else_branch" : "then_branch", &branch);
    }
    put_node(&g, 1, "ReduceMax", NULL, "x", "m");
    put_node(&g, 1, "Greater", NULL, "m zero", "c");
    put_message(&g, 1, &node);
    put_node(&g, 1, "Mul", NULL, "z h", "s");
    put_node(&g, 1, "Add", NULL, "s outside", "y");
    put_tensor(&g, "w.deep.part", FLOAT, 1, (int64_t[]){ 2 }, one, sizeof one);
    put_tensor(&g, "zero", FLOAT, 0, NULL, (const float[]){ 0 }, sizeof(float));
    put_tensor(&g, "h", 10, 1, (int64_t[]){ 2 }, half, sizeof half);
    part = external_message("outside", 1, (int64_t[]){ 2 }, "outside.data", "0", "8");
    put_message(&g, 5, &part);
    put_x_and_y(&g, 2, 2);
    buffer model = model_message(&g, 17);
    model_file(name, &model);
    file_put(in_folder("outside.data"), (const unsigned char *)one, sizeof one);
}

static void write_net(const char *name)
{
    const cnn_trace_input images = { .shape = (const int64_t[]){ -1, 3, 6, 6 }, .ndim = 4 };
    cnn_module *net = cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 3, 4, 3, .padding = 1), cnn_batch_norm2d_new(ctx, 4), cnn_relu_new(ctx),
                                         cnn_group_norm_new(ctx, 2, 4), cnn_flatten_new(ctx), cnn_linear_new(ctx, 4 * 6 * 6, 5));
    ck_assert_ptr_nonnull(net);
    ck_assert_int_eq(cnn_onnx_save(net, in_folder(name), CNN_OPTIONS(cnn_onnx_save_options, .inputs = &images)), CNN_OK);
    cnn_module_free(net);
}

static void write_one(int i)
{
    switch (i) {
    case 0: write_linear("m.onnx"); break;
    case 1: write_calls("m.onnx", 3, 2, 2); break;
    case 2: write_mixed("m.onnx"); break;
    default: write_net("m.onnx"); break;
    }
}

/* ---- failing ---- */

#ifndef SANITIZED
/* One load, of which a call of malloc() fails; false: there was no such call any more, and all went well. */
static bool attempt(const char *path, long at)
{
    cnn_context_clear_error(NULL);
    heap.calls = heap.live = 0;
    heap.fail_at = at;
    heap.armed = true;
    cnn_module *module = cnn_onnx_load(ctx, path, NULL);
    bool called = heap.calls > at;
    cnn_module_free(module);
    heap.armed = false;
    ck_assert_msg(module || (called && cnn_context_status(ctx) == CNN_ERROR_NO_MEMORY), "allocation %ld: %s", at, cnn_last_error(ctx));
    ck_assert_msg(module || strstr(cnn_last_error(ctx), "memory"), "allocation %ld: \"%s\"", at, cnn_last_error(ctx));
    ck_assert_msg(heap.live == 0, "allocation %ld: %ld blocks are lost", at, heap.live);
    return called;
}
#endif

START_TEST(no_memory)
{
#ifndef SANITIZED
    write_one(_i);
    const char *path = in_folder("m.onnx");
    cnn_module *first = cnn_onnx_load(ctx, path, NULL); /* what the context makes once is there from now on */
    ck_assert_msg(first != NULL, "%s", cnn_last_error(ctx));
    cnn_module_free(first);
    long at = 0;
    while (attempt(path, at)) {
        at++;
    }
    ck_assert_int_ge(at, 4);
#endif
}
END_TEST

START_TEST(no_memory_of_the_context)
{
    write_one(_i);
    const char *path = in_folder("m.onnx");
    size_t before = atomic_load(&meter.now);
    cnn_module *module = NULL;
    long at = 0;
    for (; !module; at++) {
        meter_reset();
        atomic_store(&meter.fail_at, at);
        module = cnn_onnx_load(ctx, path, NULL);
        ck_assert(module || (cnn_context_status(ctx) == CNN_ERROR_NO_MEMORY && atomic_load(&meter.now) == before));
    }
    meter_reset();
    cnn_module_free(module);
    ck_assert_uint_eq(atomic_load(&meter.now), before);
    ck_assert_int_gt(at, 1);
}
END_TEST

/* ---- memory of whole nets ---- */

/* Nets of more parameters than this are left out: writing them takes most of a test's time. */
enum { MOST_PARAMETERS = 30000000 };

#ifndef SANITIZED
static size_t size_of_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    ck_assert(file && fseek(file, 0, SEEK_END) == 0);
    size_t size = (size_t)ftell(file);
    fclose(file);
    return size;
}

/* The bytes that are in use at most while a net's file is loaded, as a part of the bound. */
static double load_net(const zoo_net *net)
{
    const int64_t shape[] = { -1, net->input[0], net->input[1], net->input[2] };
    const cnn_trace_input input = { .shape = shape, .ndim = net->tokens ? 2 : 4, .dtype = net->tokens ? CNN_I64 : CNN_F32 };
    const char *path = in_folder("net.onnx");
    cnn_module *module = net->make(ctx, net, net->input, net->classes);
    ck_assert_msg(module != NULL, "%s: %s", net->name, cnn_last_error(ctx));
    if (cnn_module_parameter_numel(module) > MOST_PARAMETERS) {
        cnn_module_free(module);
        return 0;
    }
    ck_assert_msg(cnn_onnx_save(module, path, CNN_OPTIONS(cnn_onnx_save_options, .inputs = &input)) == CNN_OK, "%s: %s", net->name,
                  cnn_last_error(ctx));
    cnn_module_free(module);
    size_t bound = 2 * size_of_file(path) + (1 << 20), before = heap_now;
    heap_most = before;
    module = cnn_onnx_load(ctx, path, NULL);
    ck_assert_msg(module != NULL, "%s: %s", net->name, cnn_last_error(ctx));
    size_t most = heap_most - before;
    cnn_module_free(module);
    ck_assert_msg(most < bound, "%s: %zu bytes, expected less than %zu", net->name, most, bound);
    return (double)most / (double)bound;
}
#endif

START_TEST(loading_takes_less_than_twice_the_file)
{
#ifndef SANITIZED
    double worst = 0;
    const char *name = "";
    for (int i = 0; i < zoo_net_count; i++) {
        double part = load_net(&zoo_nets[i]);
        if (part > worst) {
            worst = part;
            name = zoo_nets[i].name;
        }
    }
    ck_assert_double_gt(worst, 0.3); /* the file itself is about a half: the bytes are counted */
    printf("loading takes %.0f %% of twice the file and 1 MiB at most (%s)\n", 100 * worst, name);
#endif
}
END_TEST

/* ---- very many parameters, and calls ---- */

/* y = x + p0 + p1 + …, names as those of modules: "m17.weight", or all in one module. */
static void write_many(const char *name, int count, bool deep)
{
    buffer g = { 0 };
    const float one = 1;
    for (int i = 0; i < count; i++) {
        char inputs[64], output[16], parameter[24];
        snprintf(parameter, sizeof parameter, deep ? "m%d.weight" : "p%d", i);
        snprintf(output, sizeof output, i + 1 < count ? "s%d" : "y", i);
        if (i) {
            snprintf(inputs, sizeof inputs, "s%d %s", i - 1, parameter);
        } else {
            snprintf(inputs, sizeof inputs, "x %s", parameter);
        }
        put_node(&g, 1, "Add", NULL, inputs, output);
        put_tensor(&g, parameter, FLOAT, 1, (int64_t[]){ 1 }, &one, sizeof one);
    }
    put_x_and_y(&g, 1, 1);
    buffer model = model_message(&g, 17);
    model_file(name, &model);
}

START_TEST(many_parameters_are_loaded_in_a_second)
{
    enum { MANY = 40000 };
    write_many("many.onnx", MANY, _i);
    double start = cpu_seconds();
    cnn_module *module = cnn_onnx_load(ctx, in_folder("many.onnx"), NULL);
    double seconds = cpu_seconds() - start;
    ck_assert_msg(module != NULL, "%s", cnn_last_error(ctx));
    ck_assert_int_eq(cnn_module_state_count(module), MANY);
    ck_assert_ptr_nonnull(cnn_module_find(module, _i ? "m39999.weight" : "p39999"));
    cnn_module_free(module);
#ifndef SANITIZED
    const char *slow = getenv("CNN_TEST_SHAPES"); /* set under slow instruments */
    ck_assert_msg(slow || seconds < 1, "%.2f s", seconds);
#else
    (void)seconds;
#endif
}
END_TEST

/* A few hundred bytes that call each other: 16^6 nodes if nobody counts them, and few nodes of very many inputs. */
START_TEST(calls_are_bounded_by_the_file)
{
    static const struct {
        int depth, calls, inputs;
        const char *message; /* NULL: it is loaded */
    } cases[] = { { 8, 16, 2, "the calls of functions become more than " },
                  { 6, 8, 3000, "the calls of functions become more than " },
                  { 30, 4, 1, "the calls of functions become more than " },
                  { 40, 1, 1, "more than 32 functions call each other" },
                  { 3, 20, 1, NULL } };
    write_calls("calls.onnx", cases[_i].depth, cases[_i].calls, cases[_i].inputs);
    cnn_context_clear_error(NULL);
    size_t before = heap_now;
    heap_most = before;
    cnn_module *module = cnn_onnx_load(ctx, in_folder("calls.onnx"), NULL);
    size_t most = heap_most - before;
    ck_assert_msg(!cases[_i].message == !!module, "%s", cnn_last_error(ctx));
    ck_assert_msg(module || (cnn_context_status(ctx) == CNN_ERROR_UNSUPPORTED && strstr(cnn_last_error(ctx), cases[_i].message)), "%s",
                  cnn_last_error(ctx));
    ck_assert_uint_lt(most, 32 << 20);
    cnn_module_free(module);
}
END_TEST

/* The same large constant in each call. */
START_TEST(constants_of_calls_are_bounded_by_the_file)
{
    enum { COUNT = 4096, CALLS = 2000 };
    static const unsigned char elements[COUNT];
    buffer g = { 0 }, f = function_message("f0"), node = node_message("Constant", "", "k"), attribute = { 0 }, part;
    char from[16] = "x", to[16];
    for (int i = 0; i < CALLS; i++) {
        snprintf(to, sizeof to, i + 1 < CALLS ? "t%d" : "y", i);
        put_node(&g, 1, "f0", "f", from, to);
        snprintf(from, sizeof from, "t%d", i);
    }
    put_x_and_y(&g, 1, 1);
    part = tensor_message("", 2, 1, (int64_t[]){ COUNT }, elements, sizeof elements);
    put_text(&attribute, 1, "value");
    put_message(&attribute, 5, &part);
    put_int(&attribute, 20, 4);
    put_message(&node, 5, &attribute);
    put_message(&f, 7, &node);
    put_node(&f, 7, "Identity", NULL, "a", "b");
    buffer model = model_message(&g, 17);
    put_message(&model, 25, &f);
    model_file("constants.onnx", &model);
    size_t before = heap_now;
    heap_most = before;
    cnn_context_clear_error(NULL);
    ck_assert_ptr_null(cnn_onnx_load(ctx, in_folder("constants.onnx"), NULL));
    ck_assert_msg(strstr(cnn_last_error(ctx), "the calls of functions become more than "), "%s", cnn_last_error(ctx));
    ck_assert_uint_lt(heap_most - before, 32 << 20);
}
END_TEST

/* A graph that a function is called with, of very many inputs, in the place of each use. */
START_TEST(graphs_of_calls_are_bounded_by_the_file)
{
    enum { DEPTH = 9, INPUTS = 30000 };
    buffer graph = { 0 }, g = { 0 };
    put_node(&graph, 1, "Identity", NULL, "in", "out");
    for (int i = 0; i < INPUTS; i++) {
        put_bytes(&graph, 11, "", 0);
    }
    put_value(&graph, 11, "in", FLOAT, 1, (int64_t[]){ 1 });
    put_value(&graph, 12, "out", FLOAT, 1, (int64_t[]){ 1 });
    buffer call = node_message("f0", "x", "y");
    put_text(&call, 7, "f");
    put_graph_attribute(&call, "body", &graph);
    put_message(&g, 1, &call);
    put_x_and_y(&g, 1, 1);
    buffer model = model_message(&g, 17);
    for (int d = 0; d <= DEPTH; d++) {
        char own[16], next[16];
        snprintf(own, sizeof own, "f%d", d);
        snprintf(next, sizeof next, "f%d", d + 1);
        buffer f = function_message(own);
        put_text(&f, 6, "body");
        for (int i = 0; i < 2; i++) {
            buffer node = node_message(d < DEPTH ? next : "Loop", i ? "t" : "a", i ? "b" : "t"), reference = { 0 };
            if (d < DEPTH) {
                put_text(&node, 7, "f");
            }
            put_text(&reference, 1, "body");
            put_int(&reference, 20, 5);
            put_text(&reference, 21, "body");
            put_message(&node, 5, &reference);
            put_message(&f, 7, &node);
        }
        put_message(&model, 25, &f);
    }
    model_file("graphs.onnx", &model);
    size_t before = heap_now;
    heap_most = before;
    cnn_context_clear_error(NULL);
    ck_assert_ptr_null(cnn_onnx_load(ctx, in_folder("graphs.onnx"), NULL));
    ck_assert_msg(strstr(cnn_last_error(ctx), "the calls of functions become more than "), "%s", cnn_last_error(ctx));
    ck_assert_uint_lt(heap_most - before, 64 << 20);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("onnx_load_faults");
    TCase *tests = suite_case(suite, "faults", setup, teardown);
    tcase_add_loop_test(tests, no_memory, 0, 4);
    tcase_add_loop_test(tests, no_memory_of_the_context, 0, 4);
    tcase_add_test(tests, loading_takes_less_than_twice_the_file);
    tcase_add_loop_test(tests, many_parameters_are_loaded_in_a_second, 0, 2);
    tcase_add_loop_test(tests, calls_are_bounded_by_the_file, 0, 5);
    tcase_add_test(tests, constants_of_calls_are_bounded_by_the_file);
    tcase_add_test(tests, graphs_of_calls_are_bounded_by_the_file);
    return suite_run(suite);
}
