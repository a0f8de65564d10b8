/* ONNX files that cannot be trusted: what they say of data in other files, truncations, mutations, depth and sizes. */
#include "support/onnx_case.h"

#include <sys/resource.h>
#include <sys/stat.h>

/* ---- data in other files ---- */

/* y = x + offset, whose elements are where it is said. */
static cnn_module *load_external(const char *location, const char *offset, const char *length)
{
    buffer g = { 0 }, part = node_message("Add", "x offset", "y");
    put_message(&g, 1, &part);
    part = external_message("offset", 1, (int64_t[]){ 2 }, location, offset, length);
    put_message(&g, 5, &part);
    part = value_message("x", FLOAT, 1, (int64_t[]){ 2 });
    put_message(&g, 11, &part);
    part = value_message("y", FLOAT, 1, (int64_t[]){ 2 });
    put_message(&g, 12, &part);
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
    buffer g = { 0 }, part = node_message("Add", "x w", "y");
    put_message(&g, 1, &part);
    part = external_message("w", 1, (int64_t[]){ 800000000 }, "w.data", "0", NULL);
    put_message(&g, 5, &part);
    part = value_message("x", FLOAT, 1, (int64_t[]){ 1 });
    put_message(&g, 11, &part);
    part = value_message("y", FLOAT, 1, (int64_t[]){ -1 });
    put_message(&g, 12, &part);
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
        buffer g = { 0 }, part = node_message("Add", "x big", "y");
        put_message(&g, 1, &part);
        part = tensor_message("big", FLOAT, 2, shapes[i], data, sizeof data);
        put_message(&g, 5, &part);
        part = value_message("x", FLOAT, 1, (int64_t[]){ 2 });
        put_message(&g, 11, &part);
        part = value_message("y", FLOAT, 1, (int64_t[]){ 2 });
        put_message(&g, 12, &part);
        buffer model = model_message(&g, 17);
        ck_assert_ptr_null(cnn_onnx_load(ctx, model_file("big.onnx", &model), NULL));
        assert_error(cnn_context_status(ctx), CNN_ERROR_FORMAT, "big.onnx: byte ");
    }
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
    return suite_run(suite);
}
