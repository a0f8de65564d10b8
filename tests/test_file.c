/* Files of tensors that are opened and not loaded: every name, dtype, shape and string is what was written, single tensors
 * are read, misuse is reported, and a thread keeps its cancelability. That hostile files are refused as loading refuses
 * them is in test_safetensors. */
#include "support/elements.h"
#include "support/io.h"

#if CNN__POSIX
#include <pthread.h>
#endif

static void failed_with(cnn_status status, const char *text)
{
    ck_assert_int_eq(cnn_context_status(NULL), status);
    ck_assert_msg(strstr(cnn_last_error(NULL), text), "\"%s\" does not say \"%s\"", cnn_last_error(NULL), text);
    cnn_context_clear_error(NULL);
    cnn_context_clear_error(ctx);
}

/* A file by the format's own description: a header as text, then elements. */
static void put(const char *path, const char *header, const void *data, size_t size)
{
    unsigned char file[1024];
    size_t length = strlen(header);
    ck_assert_uint_lt(8 + length + size, sizeof file);
    for (int i = 0; i < 8; i++) {
        file[i] = (unsigned char)((uint64_t)length >> 8 * i);
    }
    memcpy(file + 8, header, length);
    memcpy(file + 8 + length, data, size);
    file_put(path, file, 8 + length + size);
}

static const char header[] = "{\"__metadata__\":{\"format\":\"pt\",\"author\":\"n\\u00e9\"},"
                             "\"w\":{\"dtype\":\"BF16\",\"shape\":[2,3],\"data_offsets\":[0,12]},"
                             "\"q\":{\"dtype\":\"F8_E4M3\",\"shape\":[4],\"data_offsets\":[12,16]},"
                             "\"b.bias\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[16,24]},"
                             "\"z\":{\"dtype\":\"Q9_NEW\",\"shape\":[1,5],\"data_offsets\":[24,27]}}";
/* 1, 2, …, 6 in bfloat16; four bytes; −7; three bytes. */
static const unsigned char elements[27] = { 0x80, 0x3f, 0x00, 0x40, 0x40, 0x40, 0x80, 0x40, 0xa0, 0x40, 0xc0, 0x40,
                                            1,    2,    3,    4,    0xf9, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

START_TEST(a_file_says_what_it_holds)
{
    static const struct {
        const char *name, *dtype;
        int ndim;
        int64_t shape[2], bytes;
        cnn_status status;
        cnn_dtype read_as;
    } expected[] = { { "b.bias", "I64", 0, { 0 }, 8, CNN_OK, CNN_I64 },
                     { "q", "F8_E4M3", 1, { 4 }, 4, CNN_ERROR_UNSUPPORTED, CNN_BOOL },
                     { "w", "BF16", 2, { 2, 3 }, 12, CNN_OK, CNN_BF16 },
                     { "z", "Q9_NEW", 2, { 1, 5 }, 3, CNN_ERROR_UNSUPPORTED, CNN_BOOL } };
    put(in_folder("f"), header, elements, sizeof elements);
    cnn_file *file = cnn_file_open(ctx, in_folder("f"));
    ck_assert_msg(file != NULL, "%s", cnn_last_error(ctx));
    ck_assert_int_eq(cnn_file_count(file), 4);
    for (int i = 0; i < 4; i++) {
        cnn_dtype dtype = CNN_BOOL;
        ck_assert_str_eq(cnn_file_name(file, i), expected[i].name);
        ck_assert_int_eq(cnn_file_find(file, expected[i].name), i);
        ck_assert_str_eq(cnn_file_dtype_name(file, i), expected[i].dtype);
        ck_assert_int_eq(cnn_file_ndim(file, i), expected[i].ndim);
        for (int d = 0; d < expected[i].ndim; d++) {
            ck_assert(cnn_file_shape(file, i)[d] == expected[i].shape[d]);
        }
        ck_assert(cnn_file_bytes(file, i) == expected[i].bytes);
        ck_assert_int_eq(cnn_file_dtype(file, i, &dtype), expected[i].status);
        ck_assert_int_eq(dtype, expected[i].read_as);
    }
    ck_assert_int_eq(cnn_file_metadata_count(file), 2);
    ck_assert_str_eq(cnn_file_metadata_key(file, 0), "author");
    ck_assert_str_eq(cnn_file_metadata_value(file, 0), "n\xc3\xa9");
    ck_assert_str_eq(cnn_file_metadata(file, "format"), "pt");
    cnn_file_free(file);
}
END_TEST

START_TEST(its_tensors_are_read_by_number)
{
    const uint16_t w[] = { 0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0, 0x40c0 };
    put(in_folder("f"), header, elements, sizeof elements);
    cnn_file *file = cnn_file_open(ctx, in_folder("f"));
    cnn_tensor *t = cnn_file_read(file, cnn_file_find(file, "w")), *bias = cnn_file_read(file, 0);
    ck_assert(t && cnn_tensor_dtype(t) == CNN_BF16 && cnn_tensor_ndim(t) == 2 && cnn_tensor_size(t, 1) == 3);
    ck_assert_mem_eq(host_elements(t), w, sizeof w);
    ck_assert(cnn_tensor_item_i64(bias) == -7);
    ck_assert_ptr_null(cnn_file_read(file, 1));
    failed_with(CNN_ERROR_UNSUPPORTED, "tensor \"q\" is F8_E4M3, expected F32, F64,");
    ck_assert(strncmp(cnn_last_error(ctx), "", 1) == 0);
    cnn_tensor_free(t);
    cnn_tensor_free(bias);
    cnn_file_free(file);
}
END_TEST

/* A checkpoint lists its own tensors too, and a save that replaces the file does not change what is open. */
#if CNN__POSIX
START_TEST(an_open_file_stays_what_it_was)
{
    cnn_module *model = make_model(4);
    ck_assert_int_eq(cnn_module_save(model, in_folder("m")), CNN_OK);
    cnn_file *file = cnn_file_open(ctx, in_folder("m"));
    ck_assert_int_eq(cnn_file_count(file), cnn_module_state_count(model));
    cnn_tensor *before = cnn_tensor_detach(cnn_module_find(model, "0.weight"));
    cnn_tensor_fill(cnn_module_find(model, "0.weight"), 9);
    ck_assert_int_eq(cnn_module_save(model, in_folder("m")), CNN_OK);
    cnn_tensor *read = cnn_file_read(file, cnn_file_find(file, "0.weight"));
    assert_same(read, before);
    cnn_tensor_free(read);
    cnn_tensor_free(before);
    cnn_file_free(file);
    cnn_module_free(model);
}
END_TEST
#endif

START_TEST(misuse_is_reported)
{
    cnn_dtype dtype;
    put(in_folder("f"), header, elements, sizeof elements);
    cnn_file *file = cnn_file_open(ctx, in_folder("f"));
    ck_assert_ptr_null(cnn_file_open(NULL, in_folder("f")));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "file_open: ctx is NULL");
    ck_assert_ptr_null(cnn_file_open(ctx, NULL));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "file_open: path is NULL");
    ck_assert_ptr_null(cnn_file_open(ctx, in_folder("none")));
    failed_with(CNN_ERROR_NOT_FOUND, "file_open: ");
    ck_assert_ptr_null(cnn_file_open(ctx, test_folder));
    failed_with(CNN_ERROR_IO, "not a regular file");
    ck_assert_str_eq(cnn_file_name(file, 4), "");
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "there is no tensor 4, the file has 4");
    ck_assert_str_eq(cnn_file_dtype_name(file, -1), "");
    ck_assert_int_eq(cnn_file_ndim(file, 4), 0);
    ck_assert_ptr_null(cnn_file_shape(file, 4));
    ck_assert(cnn_file_bytes(file, 4) == 0 && cnn_file_read(file, 4) == NULL);
    ck_assert_int_eq(cnn_file_dtype(file, 4, &dtype), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_file_dtype(file, 0, NULL), CNN_ERROR_INVALID_ARGUMENT);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "file_dtype: dtype is NULL");
    ck_assert_int_eq(cnn_file_find(file, "nope"), -1);
    failed_with(CNN_ERROR_NOT_FOUND, "there is no tensor \"nope\" in the file");
    ck_assert_ptr_null(cnn_file_metadata(file, "nope"));
    failed_with(CNN_ERROR_NOT_FOUND, "there is no key \"nope\" in the file's metadata");
    ck_assert_str_eq(cnn_file_metadata_key(file, 2), "");
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "there is no key 2, the file has 2");
    ck_assert_str_eq(cnn_file_metadata_value(file, -1), "");
    ck_assert(cnn_file_count(NULL) == 0 && cnn_file_metadata_count(NULL) == 0 && cnn_file_find(NULL, "w") == -1);
    ck_assert(cnn_file_find(file, NULL) == -1 && cnn_file_metadata(NULL, "a") == NULL && cnn_file_metadata(file, NULL) == NULL);
    cnn_file_free(NULL);
    cnn_file_free(file);
}
END_TEST

#if CNN__POSIX
START_TEST(every_call_gives_cancelability_back)
{
    int state;
    put(in_folder("f"), header, elements, sizeof elements);
    cnn_file *file = cnn_file_open(ctx, in_folder("f"));
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
    ck_assert_int_eq(state, PTHREAD_CANCEL_ENABLE);
    cnn_tensor_free(cnn_file_read(file, 0));
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    ck_assert_int_eq(state, PTHREAD_CANCEL_ENABLE);
    cnn_file_free(file);
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
    ck_assert_int_eq(state, PTHREAD_CANCEL_DISABLE);
}
END_TEST
#endif

START_TEST(failed_allocations_leave_nothing_open)
{
    put(in_folder("f"), header, elements, sizeof elements);
    size_t before = atomic_load(&meter.now);
    cnn_file *file = NULL;
    for (long n = 0; !file; n++) {
        ck_assert_uint_eq(atomic_load(&meter.now), before);
        ck_assert_int_lt(n, 20);
        meter_reset();
        atomic_store(&meter.fail_at, n);
        file = cnn_file_open(ctx, in_folder("f"));
        meter_reset();
        ck_assert(file || (cnn_context_status(ctx) == CNN_ERROR_NO_MEMORY && strncmp(cnn_last_error(ctx), "file_open: ", 11) == 0));
    }
    cnn_file_free(file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("file");
    TCase *tests = io_case(suite, "file");
    tcase_add_test(tests, a_file_says_what_it_holds);
    tcase_add_test(tests, its_tensors_are_read_by_number);
#if CNN__POSIX
    tcase_add_test(tests, an_open_file_stays_what_it_was);
#endif
    tcase_add_test(tests, misuse_is_reported);
#if CNN__POSIX
    tcase_add_test(tests, every_call_gives_cancelability_back);
#endif
    tcase_add_test(tests, failed_allocations_leave_nothing_open);
    return suite_run(suite);
}
