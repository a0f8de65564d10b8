/* NumPy's files: what NumPy wrote is read as its values are, what is written is read again, and every allocation and system
 * call may fail. test_numpy_refused.c has malformed files. */
#include "support/elements.h"
#include "support/fixtures.h"
#include "support/io.h"
#include "support/numpy.h"

static const char *numpy_path(const char *name)
{
    char file[64];
    snprintf(file, sizeof file, "numpy/%s", name);
    return fixture_path(file);
}

/* ---- what NumPy wrote ---- */

static void assert_truth(cnn_file *file)
{
    cnn_file *truth = cnn_file_open(ctx, numpy_path("truth.safetensors"));
    ck_assert_msg(file && truth, "%s", cnn_last_error(ctx));
    ck_assert_int_eq(cnn_file_count(file), cnn_file_count(truth));
    for (int i = 0; i < cnn_file_count(truth); i++) {
        cnn_dtype dtype;
        ck_assert_str_eq(cnn_file_name(file, i), cnn_file_name(truth, i));
        ck_assert_int_eq(cnn_file_find(file, cnn_file_name(truth, i)), i);
        ck_assert_int_eq(cnn_file_ndim(file, i), cnn_file_ndim(truth, i));
        cnn_tensor *t = cnn_file_read(file, i), *expected = cnn_file_read(truth, i);
        ck_assert_msg(t != NULL, "%s: %s", cnn_file_name(file, i), cnn_last_error(ctx));
        assert_same(t, expected);
        ck_assert(cnn_tensor_is_contiguous(t));
        ck_assert(cnn_file_dtype(file, i, &dtype) == CNN_OK && dtype == cnn_tensor_dtype(t));
        cnn_tensor_free(t);
        cnn_tensor_free(expected);
    }
    cnn_file_free(truth);
}

START_TEST(archives_of_numpy_are_read)
{
    cnn_file *file = cnn_file_open(ctx, numpy_path("stored.npz"));
    assert_truth(file);
    ck_assert_int_eq(cnn_file_metadata_count(file), 0);
    ck_assert_str_eq(cnn_file_dtype_name(file, cnn_file_find(file, "f4big")), ">f4");
    cnn_file_free(file);
    file = cnn_file_open(ctx, numpy_path("deflated.npz"));
    if (ZLIB) {
        assert_truth(file);
    } else {
        failed_with(CNN_ERROR_UNSUPPORTED, "built without zlib");
    }
    cnn_file_free(file);
    cnn_tensor *one = cnn_tensor_load(ctx, numpy_path("stored.npz"), "vector");
    ck_assert_ptr_nonnull(one);
    cnn_tensor_free(one);
    ck_assert_ptr_null(cnn_tensor_load(ctx, numpy_path("stored.npz"), "vector.npy"));
    failed_with(CNN_ERROR_NOT_FOUND, "there is no tensor \"vector.npy\" in the file");
}
END_TEST

START_TEST(all_versions_of_npy_are_read)
{
    cnn_tensor *expected = cnn_tensor_load(ctx, numpy_path("truth.safetensors"), "columns");
    for (int version = 1; version <= 3; version++) {
        char name[32];
        snprintf(name, sizeof name, "version%d.npy", version);
        cnn_tensor *t = cnn_npy_load(ctx, numpy_path(name)), *named = cnn_tensor_load(ctx, numpy_path(name), "arr_0");
        ck_assert_msg(t != NULL, "%s", cnn_last_error(ctx));
        assert_same(t, expected);
        assert_same(named, expected);
        cnn_tensor_free(t);
        cnn_tensor_free(named);
    }
    cnn_tensor_free(expected);
    static const uint16_t bits[] = { 0x3f80, 0xc020, 0x7f62, 0 };
    cnn_tensor *t = cnn_npy_load(ctx, numpy_path("bfloat16.npy"));
    ck_assert_msg(t != NULL && cnn_tensor_dtype(t) == CNN_BF16, "%s", cnn_last_error(ctx));
    ck_assert_mem_eq(host_elements(t), bits, sizeof bits);
    cnn_tensor_free(t);
}
END_TEST

START_TEST(what_is_no_array_of_numbers_is_named)
{
    static const struct {
        const char *file, *text;
    } cases[] = { { "objects.npy", "byte 24: objects, which are pickled and never read" },
                  { "structured.npy", "byte 21: a structured dtype, which is not read" },
                  { "strings.npy", "tensor \"arr_0\" is <U2, expected f2, f4, f8, i1, i2, i4, i8, u1, u2, u4, u8, b1 or bfloat16" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_ptr_null(cnn_npy_load(ctx, numpy_path(cases[i].file)));
        failed_with(CNN_ERROR_UNSUPPORTED, cases[i].text);
    }
    ck_assert_ptr_null(cnn_npy_load(ctx, numpy_path("stored.npz")));
    failed_with(CNN_ERROR_FORMAT, "byte 0: no .npy file (cnn_tensor_load() takes a tensor by its name)");
    ck_assert_ptr_null(cnn_npy_load(ctx, in_folder("absent")));
    failed_with(CNN_ERROR_NOT_FOUND, "npy_load: ");
    ck_assert_ptr_null(cnn_npy_load(NULL, "x"));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "npy_load: ctx is NULL");
    ck_assert_ptr_null(cnn_npy_load(ctx, NULL));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "npy_load: path is NULL");
}
END_TEST

/* ---- what is written ---- */

enum { WRITTEN = 8 };

static void make_written(cnn_tensor *all[WRITTEN])
{
    for (int dtype = CNN_F32; dtype <= CNN_BF16; dtype++) {
        cnn_tensor *real = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(3, 2, 5));
        all[dtype] = cnn_tensor_empty(ctx, (cnn_dtype)dtype, CNN_SHAPE(3, 2, 5));
        ck_assert_int_eq(cnn_tensor_copy_from(all[dtype], real), CNN_OK);
        cnn_tensor_free(real);
    }
    all[7] = cnn_tensor_zeros(ctx, CNN_F64, CNN_SHAPE(0, 2));
}

static const char *const written_names[WRITTEN] = { "z", "é", "", "a/b", "a", "__metadata__", "x y", "\n" };

START_TEST(what_is_saved_comes_back)
{
    cnn_status (*const saves[])(const char *const *, cnn_tensor *const *, int, const char *) = { cnn_npz_save,
                                                                                                 cnn_npz_save_compressed };
    cnn_tensor *all[WRITTEN];
    make_written(all);
    for (int s = 0; s < (ZLIB ? 2 : 1); s++) {
        ck_assert_msg(saves[s](written_names, all, WRITTEN, in_folder("all.npz")) == CNN_OK, "%s", cnn_last_error(ctx));
        cnn_file *file = cnn_file_open(ctx, in_folder("all.npz"));
        ck_assert_msg(file != NULL, "%s", cnn_last_error(ctx));
        ck_assert_int_eq(cnn_file_count(file), WRITTEN);
        for (int i = 0; i < WRITTEN; i++) {
            cnn_tensor *t = cnn_file_read(file, cnn_file_find(file, written_names[i]));
            ck_assert_msg(t != NULL, "%s", cnn_last_error(ctx));
            assert_same(t, all[i]);
            cnn_tensor_free(t);
        }
        cnn_file_free(file);
        ck_assert_int_eq(saves[s](NULL, NULL, 0, in_folder("none.npz")), CNN_OK);
        file = cnn_file_open(ctx, in_folder("none.npz"));
        ck_assert_msg(file && cnn_file_count(file) == 0, "%s", cnn_last_error(NULL));
        cnn_file_free(file);
    }
    for (int i = 0; i < WRITTEN; i++) {
        ck_assert_int_eq(cnn_npy_save(all[i], in_folder("one.npy")), CNN_OK);
        cnn_tensor *t = cnn_npy_load(ctx, in_folder("one.npy"));
        assert_same(t, all[i]);
        cnn_tensor_free(t);
        cnn_tensor_free(all[i]);
    }
}
END_TEST

START_TEST(saved_bytes_are_these)
{
    static const float elements[] = { 1, 2 };
    unsigned char expected[136];
    size_t size;
    memset(expected, ' ', sizeof expected);
    static const char header[] = "\x93NUMPY\1\0\x76\0{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
    memcpy(expected, header, sizeof header - 1);
    expected[127] = '\n';
    memcpy(expected + 128, "\0\0\x80\x3f\0\0\0\x40", 8);
    cnn_tensor *t = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(2), elements);
    ck_assert_int_eq(cnn_npy_save(t, in_folder("g.npy")), CNN_OK);
    unsigned char *data = file_get(in_folder("g.npy"), &size);
    ck_assert_uint_eq(size, sizeof expected);
    ck_assert_mem_eq(data, expected, size);
    free(data);
    /* The same tensors, whatever their order, always give the same file. */
    cnn_tensor *two[] = { t, cnn_tensor_ones(ctx, CNN_U8, CNN_SHAPE(3)) }, *turned[] = { two[1], two[0] };
    ck_assert_int_eq(cnn_npz_save((const char *const[]){ "a", "b" }, two, 2, in_folder("1")), CNN_OK);
    ck_assert_int_eq(cnn_npz_save((const char *const[]){ "b", "a" }, turned, 2, in_folder("2")), CNN_OK);
    size_t other_size;
    unsigned char *one = file_get(in_folder("1"), &size), *other = file_get(in_folder("2"), &other_size);
    ck_assert_uint_eq(size, other_size);
    ck_assert_mem_eq(one, other, size);
    free(one);
    free(other);
    cnn_tensor_free(two[0]);
    cnn_tensor_free(two[1]);
}
END_TEST

/* Strides are those of the caller's memory; a tape's results are saved too. */
START_TEST(other_tensors_are_saved_by_their_elements)
{
    if (strcmp(cnn_context_device(ctx), "cpu") == 0) {
        float memory[6] = { 0, 1, 2, 3, 4, 5 };
        cnn_tensor *t = cnn_tensor_from_borrowed(ctx, CNN_F32, CNN_SHAPE(3, 2), (const int64_t[]){ 1, 3 }, memory, NULL, NULL);
        static const float rows[] = { 0, 3, 1, 4, 2, 5 };
        ck_assert_int_eq(cnn_npy_save(t, in_folder("t")), CNN_OK);
        cnn_tensor *back = cnn_npy_load(ctx, in_folder("t"));
        ck_assert_mem_eq(host_elements(back), rows, sizeof rows);
        cnn_tensor_free(back);
        cnn_tensor_free(t);
    }
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2, 2));
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *y = cnn_mul_scalar(cnn_input(tape, x), 3);
    ck_assert_int_eq(cnn_npy_save(y, in_folder("y")), CNN_OK);
    ck_assert_int_eq(cnn_npz_save((const char *const[]){ "y" }, &y, 1, in_folder("y.npz")), CNN_OK);
    cnn_tensor *back = cnn_npy_load(ctx, in_folder("y"));
    ck_assert(same_elements(back, y));
    cnn_tensor_free(back);
    cnn_tape_free(tape);
    cnn_tensor_free(x);
    /* Weights go into a module out of an archive, too. */
    cnn_module *a = make_model(2), *b = make_model(2);
    const char *names[16];
    char texts[16][32];
    cnn_tensor *state[16];
    int count = cnn_module_state_count(a);
    for (int i = 0; i < count; i++) {
        ck_assert(cnn_module_state_name(a, i, texts[i], sizeof texts[i]) < sizeof texts[i]);
        names[i] = texts[i];
        state[i] = cnn_module_state(a, i);
    }
    ck_assert_int_eq(cnn_npz_save(names, state, count, in_folder("m.npz")), CNN_OK);
    ck_assert_msg(cnn_module_load(b, in_folder("m.npz")) == CNN_OK, "%s", cnn_last_error(ctx));
    for (int i = 0; i < count; i++) {
        assert_same(cnn_module_state(b, i), state[i]);
    }
    cnn_module_free(a);
    cnn_module_free(b);
}
END_TEST

START_TEST(bad_arguments_are_refused)
{
    cnn_tensor *t = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(1)), *two[] = { t, t };
    char *name = malloc(65533);
    memset(name, 'n', 65532);
    name[65532] = '\0';
    ck_assert_int_ne(cnn_npy_save(NULL, in_folder("x")), CNN_OK);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "npy_save: ");
    ck_assert_int_ne(cnn_npy_save(t, NULL), CNN_OK);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "npy_save: path is NULL");
    ck_assert_int_ne(cnn_npy_save(t, in_folder("no/x")), CNN_OK);
    failed_with(CNN_ERROR_IO, "npy_save: ");
    ck_assert_int_ne(cnn_npz_save((const char *const[]){ "a", "a" }, two, 2, in_folder("x")), CNN_OK);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "npz_save: the name \"a\" is given twice");
    ck_assert_int_ne(cnn_npz_save((const char *const[]){ "\xff" }, two, 1, in_folder("x")), CNN_OK);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "npz_save: the name \"\\xff\" is not UTF-8");
    ck_assert_int_ne(cnn_npz_save((const char *const[]){ name }, two, 1, in_folder("x")), CNN_OK);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "npz_save: a name of 65532 bytes, expected at most 65531");
    name[65531] = '\0';
    ck_assert_int_eq(cnn_npz_save((const char *const[]){ name }, two, 1, in_folder("x")), CNN_OK);
    cnn_tensor *back = cnn_tensor_load(ctx, in_folder("x"), name);
    assert_same(back, t);
    cnn_tensor_free(back);
    ck_assert_int_ne(cnn_npz_save(NULL, two, 1, in_folder("x")), CNN_OK);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "npz_save: names or tensors is NULL");
    ck_assert_int_ne(cnn_npz_save_compressed(NULL, two, -1, in_folder("x")), CNN_OK);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "npz_save_compressed: count is negative");
    free(name);
    cnn_tensor_free(t);
}
END_TEST

/* ---- everything fails once ---- */

static cnn_status act_load(void)
{
    cnn_tensor *t = cnn_tensor_load(ctx, in_folder("source"), "columns");
    cnn_status status = t ? CNN_OK : cnn_context_status(ctx);
    cnn_tensor_free(t);
    return status;
}

static cnn_status act_npy_load(void)
{
    cnn_tensor *t = cnn_npy_load(ctx, in_folder("source.npy"));
    cnn_status status = t ? CNN_OK : cnn_context_status(ctx);
    cnn_tensor_free(t);
    return status;
}

static cnn_tensor *saved;

static cnn_status act_npy_save(void)
{
    return cnn_npy_save(saved, in_folder("target"));
}

static cnn_status act_npz_save(void)
{
    return cnn_npz_save((const char *const[]){ "a", "b" }, (cnn_tensor *const[]){ saved, saved }, 2, in_folder("target"));
}

static cnn_status act_compressed(void)
{
    return ZLIB ? cnn_npz_save_compressed((const char *const[]){ "a" }, &saved, 1, in_folder("target")) : act_npz_save();
}

static cnn_status (*const acts[])(void) = { act_load, act_npy_load, act_npy_save, act_npz_save, act_compressed };
enum { ACTS = sizeof acts / sizeof *acts };

static void scene_make(void)
{
    size_t size;
    unsigned char *data = file_get(numpy_path(ZLIB ? "deflated.npz" : "stored.npz"), &size);
    file_put(in_folder("source"), data, size);
    free(data);
    data = file_get(numpy_path("version2.npy"), &size);
    file_put(in_folder("source.npy"), data, size);
    free(data);
    file_put(in_folder("target"), "old", 3);
    saved = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(100));
}

START_TEST(every_allocation_may_fail)
{
    scene_make();
    for (int on = 0; on < 2; on++) {
        size_t before = atomic_load(&meter.now);
        cnn_status status = CNN_ERROR_NO_MEMORY;
        long n = 0;
        for (; status != CNN_OK; n++) {
            meter_reset();
            atomic_store(&meter.fail_on, on);
            atomic_store(&meter.fail_at, n);
            status = acts[_i]();
            meter_reset();
            ck_assert_uint_eq(atomic_load(&meter.now), before);
            if (status != CNN_OK) {
                assert_error(status, CNN_ERROR_NO_MEMORY, "no memory");
                assert_text(in_folder("target"), "old");
                ck_assert_int_eq(folder_count(false), 3);
            }
            ck_assert_int_lt(n, 1000);
        }
        ck_assert_int_ge(n, acts[_i] == act_npy_save ? 1 : 3);
        file_put(in_folder("target"), "old", 3);
    }
    cnn_tensor_free(saved);
}
END_TEST

#if CNN__POSIX
START_TEST(every_system_call_may_fail)
{
    scene_make();
    for (int small = 0; small < 2; small++) {
        cnn_status status = CNN_ERROR_IO;
        size_t before = atomic_load(&meter.now);
        for (long n = 0; status != CNN_OK; n++) {
            faults_begin(n, EIO, small);
            status = acts[_i]();
            faults_end();
            ck_assert_uint_eq(atomic_load(&meter.now), before);
            ck_assert_int_eq(folder_count(false), 3);
            if (status != CNN_OK) {
                assert_error(status, CNN_ERROR_IO, "Input/output error");
            }
            ck_assert_int_lt(n, 40000);
            n += small ? 97 : 0; /* a byte per call */
        }
        file_put(in_folder("target"), "old", 3);
    }
    cnn_tensor_free(saved);
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("numpy");
    TCase *tests = io_case(suite, "NumPy's files");
    tcase_add_test(tests, archives_of_numpy_are_read);
    tcase_add_test(tests, all_versions_of_npy_are_read);
    tcase_add_test(tests, what_is_no_array_of_numbers_is_named);
    tcase_add_test(tests, what_is_saved_comes_back);
    tcase_add_test(tests, saved_bytes_are_these);
    tcase_add_test(tests, other_tensors_are_saved_by_their_elements);
    tcase_add_test(tests, bad_arguments_are_refused);
    tests = io_case(suite, "failures");
    tcase_add_loop_test(tests, every_allocation_may_fail, 0, ACTS);
#if CNN__POSIX
    tcase_add_loop_test(tests, every_system_call_may_fail, 0, ACTS);
#endif
    return suite_run(suite);
}
