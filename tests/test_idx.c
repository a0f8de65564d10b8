/* IDX files, plain and gzipped, and MNIST, which is made of them. */
#include "support/elements.h"
#include "support/files.h"
#include "support/idx.h"
#include "support/suite.h"

#include <math.h>

static cnn_context *ctx;
static bool has_gzip;

/* Every test gives back all memory. */
static void teardown(void)
{
    faults_end();
    meter_reset();
    cnn_context_free(ctx);
    ck_assert_uint_eq(atomic_load(&meter.now), 0);
    folder_remove();
}

/* ---- IDX ---- */

/* The tests are not told how the library was built: they ask it. */
static void setup(void)
{
    folder_make();
    ctx = metered_context(7);
    unsigned char file[32], packed[64], one = 1;
    size_t size = idx_make(file, 8, 0, NULL, &one, 1);
    file_put(in_folder("i"), packed, gzip_make(packed, file, size));
    cnn_tensor *t = cnn_idx_read(ctx, in_folder("i"));
    has_gzip = t != NULL;
    ck_assert(has_gzip || cnn_context_status(ctx) == CNN_ERROR_UNSUPPORTED);
    cnn_tensor_free(t);
    folder_count(true);
    cnn_context_clear_error(ctx);
}

static cnn_status try_idx(const char *path)
{
    meter_reset();
    size_t before = atomic_load(&meter.now);
    cnn_context_clear_error(ctx);
    cnn_tensor *t = cnn_idx_read(ctx, path);
    cnn_status status = t ? CNN_OK : cnn_context_status(ctx);
    ck_assert(t || status != CNN_OK);
    cnn_tensor_free(t);
    ck_assert_uint_eq(atomic_load(&meter.now), before);
    return status;
}

START_TEST(every_idx_type_is_read)
{
    static const unsigned char ubyte[] = { 0, 127, 128, 255, 1, 2 }, sbyte[] = { 0, 0x7f, 0x80, 0xff, 1, 2 },
                               half[] = { 0, 1, 0x7f, 0xff, 0x80, 0, 0xff, 0xff, 0, 0, 0, 2 },
                               word[] = { 0, 0, 0, 1, 0x7f, 0xff, 0xff, 0xff, 0x80, 0, 0, 0,
                                          0xff, 0xff, 0xff, 0xff, 0, 0, 1, 0, 0, 0, 0, 2 },
                               real[] = { 0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0, 0x7f, 0x80, 0, 0,
                                          0, 0, 0, 1, 0x40, 0x49, 0x0f, 0xdb, 0, 0, 0, 0 },
                               longer[] = { 0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0x40, 9, 0x21, 0xfb,
                                            0x54, 0x44, 0x2d, 0x18, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0,
                                            0x3f, 0xe0, 0, 0, 0, 0, 0, 0 };
    static const double values[][6] = { { 0, 127, 128, 255, 1, 2 },
                                        { 0, 127, -128, -1, 1, 2 },
                                        { 1, 32767, -32768, -1, 0, 2 },
                                        { 1, INT32_MAX, INT32_MIN, -1, 256, 2 },
                                        { 1, -2, INFINITY, 0x1p-149, 3.1415927410125732, 0 },
                                        { 1, -2, 3.141592653589793, 0, INFINITY, 0.5 } };
    static const struct {
        int type;
        cnn_dtype dtype;
        const unsigned char *data;
        size_t size;
    } types[] = { { 0x08, CNN_U8, ubyte, sizeof ubyte }, { 0x09, CNN_I32, sbyte, sizeof sbyte },
                  { 0x0b, CNN_I32, half, sizeof half },  { 0x0c, CNN_I32, word, sizeof word },
                  { 0x0d, CNN_F32, real, sizeof real },  { 0x0e, CNN_F64, longer, sizeof longer } };
    const uint32_t sizes[] = { 2, 3 };
    for (size_t i = 0; i < 6; i++) {
        for (int gz = 0; gz <= has_gzip; gz++) {
            unsigned char file[256], packed[512];
            size_t size = idx_make(file, types[i].type, 2, sizes, types[i].data, types[i].size);
            size_t packed_size = gzip_make(packed, file, size);
            file_put(in_folder("i"), gz ? packed : file, gz ? packed_size : size);
            cnn_tensor *t = cnn_idx_read(ctx, in_folder("i"));
            ck_assert_msg(t, "%s", cnn_last_error(ctx));
            ck_assert_int_eq(cnn_tensor_dtype(t), types[i].dtype);
            ck_assert_int_eq(cnn_tensor_ndim(t), 2);
            ck_assert(cnn_tensor_size(t, 0) == 2 && cnn_tensor_size(t, 1) == 3);
            const void *data = host_elements(t);
            for (int k = 0; k < 6; k++) {
                double value = t && types[i].dtype == CNN_U8    ? ((const unsigned char *)data)[k]
                               : types[i].dtype == CNN_I32 ? ((const int32_t *)data)[k]
                               : types[i].dtype == CNN_F32 ? (double)((const float *)data)[k]
                                                           : ((const double *)data)[k];
                ck_assert_msg(value == values[i][k], "type %zu, element %d: %g", i, k, value);
            }
            cnn_tensor_free(t);
        }
    }
}
END_TEST

START_TEST(idx_ranks_and_empty_sizes)
{
    unsigned char file[64], five = 5;
    file_put(in_folder("i"), file, idx_make(file, 8, 0, NULL, &five, 1));
    cnn_tensor *t = cnn_idx_read(ctx, in_folder("i"));
    ck_assert_ptr_nonnull(t);
    ck_assert_int_eq(cnn_tensor_ndim(t), 0);
    ck_assert_int_eq((int)cnn_tensor_item_i64(t), 5);
    cnn_tensor_free(t);
    const uint32_t sizes[] = { 3, 0, 2 };
    file_put(in_folder("i"), file, idx_make(file, 0x0e, 3, sizes, NULL, 0));
    t = cnn_idx_read(ctx, in_folder("i"));
    ck_assert_ptr_nonnull(t);
    ck_assert(cnn_tensor_numel(t) == 0 && cnn_tensor_size(t, 2) == 2);
    cnn_tensor_free(t);
}
END_TEST

START_TEST(broken_idx_files_are_refused_with_the_byte)
{
    static const struct {
        int type, ndim;
        uint32_t sizes[3];
        size_t data;
        const char *reason;
    } cases[] = {
        { 0x08, 2, { 2, 3 }, 5, "byte 17: the sizes [2,3] promise 18 bytes, but the file has 17" },
        { 0x08, 2, { 2, 3 }, 7, "byte 18: the sizes [2,3] promise 18 bytes, but the file has 19" },
        { 0x0e, 1, { 2 }, 15, "promise 24 bytes, but the file has 23" },
        { 0x07, 1, { 1 }, 1, "byte 2: type 0x07" },
        { 0x0a, 1, { 1 }, 1, "byte 2: type 0x0a" },
        { 0x00, 1, { 1 }, 1, "byte 2: type 0x00" },
        { 0x08, 3, { 0xffffffff, 0xffffffff, 0xffffffff }, 1, "byte 4: the sizes' product overflows" },
        { 0x0e, 2, { 0xffffffff, 0xffffffff }, 1, "byte 4: the sizes' product overflows" },
        { 0x08, 2, { 0xffffffff, 0x7fffff }, 1, "promise" },
        { 0x08, 1, { 0xffffffff }, 1, "promise 4294967303 bytes, but the file has 9" },
    };
    unsigned char file[128], zeros[64] = { 0 };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size = idx_make(file, cases[i].type, cases[i].ndim, cases[i].sizes, zeros, cases[i].data);
        file_put(in_folder("i"), file, size);
        assert_error(try_idx(in_folder("i")), CNN_ERROR_FORMAT, cases[i].reason);
        ck_assert_uint_lt(atomic_load(&meter.peak), 1 << 20);
    }
    for (int at = 0; at < 2; at++) {
        size_t size = idx_make(file, 8, 1, (const uint32_t[]){ 1 }, zeros, 1);
        file[at] = 1;
        file_put(in_folder("i"), file, size);
        assert_error(try_idx(in_folder("i")), CNN_ERROR_FORMAT, at ? "byte 1: not an IDX" : "byte 0: not an IDX");
    }
    size_t size = idx_make(file, 8, 9, (const uint32_t[]){ 1, 1, 1, 1, 1, 1, 1, 1, 1 }, zeros, 1);
    file_put(in_folder("i"), file, size);
    assert_error(try_idx(in_folder("i")), CNN_ERROR_FORMAT, "byte 3: 9 dimensions, expected at most 8");
    assert_error(try_idx(in_folder("none")), CNN_ERROR_NOT_FOUND, "/none: open: No such file");
    assert_error(try_idx(test_folder), CNN_ERROR_IO, "not a regular file");
    ck_assert_ptr_null(cnn_idx_read(NULL, "x"));
    ck_assert_ptr_null(cnn_idx_read(ctx, NULL));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "path is NULL");
}
END_TEST

START_TEST(idx_files_cut_anywhere_are_refused)
{
    unsigned char file[64], packed[128], data[12] = { 1, 2, 3 };
    size_t size = idx_make(file, 8, 2, (const uint32_t[]){ 3, 4 }, data, 12);
    size_t packed_size = gzip_make(packed, file, size);
    for (size_t cut = 0; cut < size; cut++) {
        file_put(in_folder("i"), file, cut);
        assert_error(try_idx(in_folder("i")), CNN_ERROR_FORMAT, ": byte ");
    }
    for (size_t cut = 2; cut < packed_size && has_gzip; cut++) {
        file_put(in_folder("i"), packed, cut);
        assert_error(try_idx(in_folder("i")), CNN_ERROR_FORMAT, ": byte ");
    }
}
END_TEST

START_TEST(gzip_files_are_checked_to_the_end)
{
    unsigned char file[64], packed[512], data[12] = { 1, 2, 3 };
    if (!has_gzip) {
        printf("skipped: gzipped files; the library was built without zlib\n");
        return;
    }
    size_t size = idx_make(file, 8, 2, (const uint32_t[]){ 3, 4 }, data, 12);
    size_t packed_size = gzip_make(packed, file, size);
    for (size_t at = 10; at < packed_size; at++) { /* the head's time stamp and such may be anything */
        packed[at] ^= 1;
        file_put(in_folder("i"), packed, packed_size);
        packed[at] ^= 1;
        assert_error(try_idx(in_folder("i")), CNN_ERROR_FORMAT, ": byte ");
    }
    /* In two members, as gzip allows; then with something after the end. */
    size_t first = gzip_make(packed, file, 5), both = first + gzip_make(packed + first, file + 5, size - 5);
    file_put(in_folder("i"), packed, both);
    ck_assert_int_eq(try_idx(in_folder("i")), CNN_OK);
    packed[both] = 'x';
    file_put(in_folder("i"), packed, both + 1);
    assert_error(try_idx(in_folder("i")), CNN_ERROR_FORMAT, "broken gzip data");
    both += gzip_make(packed + both, file, 1);
    file_put(in_folder("i"), packed, both);
    assert_error(try_idx(in_folder("i")), CNN_ERROR_FORMAT, "byte 24 of the uncompressed data: the data should end here");
    file_put(in_folder("i"), packed, gzip_make(packed, file, size - 2));
    assert_error(try_idx(in_folder("i")), CNN_ERROR_FORMAT,
                 "byte 22 of the uncompressed data: the data ends here, 2 more bytes are expected");
}
END_TEST

START_TEST(gzip_bombs_stop_at_the_promised_size)
{
    enum { RUNS = 200000 }; /* 52 MB out of 325 kB */
    unsigned char header[16], *packed = malloc(RUNS * 2);
    ck_assert_ptr_nonnull(packed);
    if (has_gzip) {
        size_t size = idx_make(header, 8, 1, (const uint32_t[]){ 1000 }, NULL, 0);
        size_t packed_size = gzip_bomb(packed, header, size, RUNS);
        file_put(in_folder("i"), packed, packed_size);
        assert_error(try_idx(in_folder("i")), CNN_ERROR_FORMAT, "byte 1008 of the uncompressed data");
        ck_assert_uint_lt(atomic_load(&meter.peak), 1 << 20);
        /* A small file cannot make us take gigabytes either. */
        size = idx_make(header, 8, 1, (const uint32_t[]){ 0xf0000000 }, NULL, 0);
        packed_size = gzip_bomb(packed, header, size, 100);
        file_put(in_folder("i"), packed, packed_size);
        assert_error(try_idx(in_folder("i")), CNN_ERROR_FORMAT, "can hold at most");
        ck_assert_uint_lt(atomic_load(&meter.peak), 1 << 20);
    }
    free(packed);
}
END_TEST

START_TEST(idx_survives_failing_calls_and_allocations)
{
    unsigned char file[64], packed[512], data[12] = { 1, 2, 3 };
    size_t size = idx_make(file, 0x0b, 2, (const uint32_t[]){ 3, 2 }, data, 12);
    size_t packed_size = gzip_make(packed, file, size);
    for (int gz = 0; gz <= has_gzip; gz++) {
        file_put(in_folder("i"), gz ? packed : file, gz ? packed_size : size);
        cnn_tensor *t = NULL;
        for (long n = 0; !t; n++) {
            meter_reset();
            atomic_store(&meter.fail_at, n);
            t = cnn_idx_read(ctx, in_folder("i"));
            if (!t) {
                assert_error(cnn_context_status(ctx), CNN_ERROR_NO_MEMORY, "idx_read: no memory");
            }
            ck_assert_int_lt(n, 100);
        }
        cnn_tensor_free(t);
        meter_reset();
        t = NULL;
        for (long n = 0; !t; n++) {
            faults_begin(n, EIO, false);
            t = cnn_idx_read(ctx, in_folder("i"));
            faults_end();
            if (!t) {
                assert_error(cnn_context_status(ctx), CNN_ERROR_IO, strerror(EIO));
            }
            ck_assert_int_lt(n, 100);
        }
        cnn_tensor_free(t);
        faults_begin(-1, 0, true);
        t = cnn_idx_read(ctx, in_folder("i"));
        faults_end();
        ck_assert_ptr_nonnull(t);
        cnn_tensor_free(t);
    }
}
END_TEST

/* A file that says it is larger than any disk: nothing is multiplied past 2^64, and no memory is taken for it. */
static int stat_huge(int fd, struct stat *info)
{
    int result = cnn__file_system.fstat(fd, info);
    info->st_size = (off_t)1 << 62;
    return result;
}

START_TEST(a_gzip_file_of_any_size_is_bounded)
{
    enum { SIZE = 100000 }; /* more than is read ahead */
    static unsigned char file[SIZE], packed[SIZE + 100];
    cnn__file_calls calls = cnn__file_system;
    calls.fstat = stat_huge;
    if (has_gzip) {
        idx_make(file, 8, 1, (const uint32_t[]){ 1000 }, NULL, 0);
        file_put(in_folder("i"), packed, gzip_make(packed, file, SIZE));
        cnn__file_inject(&calls);
        assert_error(try_idx(in_folder("i")), CNN_ERROR_FORMAT, "byte 1008 of the uncompressed data: the data should end here");
        ck_assert_uint_lt(atomic_load(&meter.peak), 1 << 20);
    }
}
END_TEST

/* More than one call of zlib's can hold. */
START_TEST(large_gzip_files_are_read_whole)
{
    enum { SIZE = 3000000 };
    unsigned char *data = malloc(SIZE), *file = malloc(SIZE + 16), *packed = malloc(SIZE + SIZE / 1000);
    ck_assert(data && file && packed);
    for (size_t i = 0; i < SIZE; i++) {
        data[i] = (unsigned char)(i * i >> 7);
    }
    size_t size = idx_make(file, 8, 1, (const uint32_t[]){ SIZE }, data, SIZE);
    if (has_gzip) {
        file_put(in_folder("i"), packed, gzip_make(packed, file, size));
        cnn_tensor *t = cnn_idx_read(ctx, in_folder("i"));
        ck_assert_msg(t, "%s", cnn_last_error(ctx));
        ck_assert_mem_eq(host_elements(t), data, SIZE);
        cnn_tensor_free(t);
    }
    file_put(in_folder("i"), "\x1f\0\x08\x01", 4); /* the first byte of gzip's two alone */
    assert_error(try_idx(in_folder("i")), CNN_ERROR_FORMAT, "byte 0: not an IDX file");
    free(data);
    free(file);
    free(packed);
}
END_TEST

/* ---- MNIST ---- */

/* A tiny dataset in MNIST's form: pixel p of image i is i + p, its label is i mod 10. */
static void put_part(const char *name, int ndim, const uint32_t *sizes, bool gz)
{
    unsigned char file[4096], packed[5000], data[2048];
    size_t plane = ndim == 3 ? sizes[1] * sizes[2] : 1, count = sizes[0] * plane;
    for (size_t k = 0; k < count; k++) {
        data[k] = (unsigned char)(ndim == 3 ? k / plane + k % plane : k % 10);
    }
    size_t size = idx_make(file, 8, ndim, sizes, data, count);
    size_t packed_size = gzip_make(packed, file, size);
    file_put(in_folder(name), gz ? packed : file, gz ? packed_size : size);
}

static const uint32_t tiny_images[] = { 13, 4, 5 }, tiny_labels[] = { 13 };

START_TEST(mnist_is_found_under_its_names_and_normalised)
{
    static const char *const names[][2] = { { "train-images-idx3-ubyte", "train-labels.idx1-ubyte" },
                                            { "train-images.idx3-ubyte.gz", "train-labels-idx1-ubyte.gz" } };
    for (int k = 0; k <= has_gzip; k++) {
        put_part(names[k][0], 3, tiny_images, k);
        put_part(names[k][1], 1, tiny_labels, k);
        cnn_context_clear_error(ctx);
        cnn_dataset *d = cnn_mnist_open(ctx, test_folder, CNN_MNIST_TRAIN);
        ck_assert_msg(d, "%s", cnn_last_error(ctx));
        ck_assert_int_eq(cnn_context_status(ctx), CNN_OK);
        ck_assert_int_eq((int)cnn_dataset_size(d), 13);
        cnn_tensor *x, *y;
        ck_assert_int_eq(cnn_dataset_get(d, 11, &x, &y), CNN_OK);
        ck_assert_int_eq(cnn_tensor_ndim(x), 3);
        ck_assert(cnn_tensor_size(x, 0) == 1 && cnn_tensor_size(x, 1) == 4 && cnn_tensor_size(x, 2) == 5);
        ck_assert_int_eq(cnn_tensor_ndim(y), 0);
        ck_assert_int_eq(cnn_tensor_dtype(y), CNN_I64);
        ck_assert_int_eq((int)cnn_tensor_item_i64(y), 1);
        const float *pixels = host_elements(x);
        for (int p = 0; p < 20; p++) {
            float expected = ((float)(11 + p) / 255.0f - 0.1307f) / 0.3081f;
            ck_assert(pixels[p] == expected);
        }
        cnn_tensor_free(x);
        cnn_tensor_free(y);
        cnn_dataset_free(d);
        folder_count(true);
    }
}
END_TEST

START_TEST(missing_and_unfit_mnist_files_are_named)
{
    ck_assert_ptr_null(cnn_mnist_open(ctx, test_folder, CNN_MNIST_TEST));
    assert_error(cnn_context_status(ctx), CNN_ERROR_NOT_FOUND,
                 "no t10k-images-idx3-ubyte, t10k-images.idx3-ubyte, t10k-images-idx3-ubyte.gz or");
    put_part("t10k-images-idx3-ubyte", 3, tiny_images, false);
    ck_assert_ptr_null(cnn_mnist_open(ctx, test_folder, CNN_MNIST_TEST));
    assert_error(cnn_context_status(ctx), CNN_ERROR_NOT_FOUND, "no t10k-labels-idx1-ubyte, ");
    put_part("t10k-labels-idx1-ubyte", 1, (const uint32_t[]){ 12 }, false);
    ck_assert_ptr_null(cnn_mnist_open(ctx, test_folder, CNN_MNIST_TEST));
    assert_error(cnn_context_status(ctx), CNN_ERROR_MISMATCH, "13 images and 12 labels");
    put_part("t10k-labels-idx1-ubyte", 3, tiny_images, false);
    ck_assert_ptr_null(cnn_mnist_open(ctx, test_folder, CNN_MNIST_TEST));
    assert_error(cnn_context_status(ctx), CNN_ERROR_MISMATCH, "uint8 of shape [13,4,5], expected uint8 of 1 dimensions");
    file_put(in_folder("t10k-labels-idx1-ubyte"), "garbage", 7);
    ck_assert_ptr_null(cnn_mnist_open(ctx, test_folder, CNN_MNIST_TEST));
    assert_error(cnn_context_status(ctx), CNN_ERROR_FORMAT, "t10k-labels-idx1-ubyte: byte 0: not an IDX file");
    ck_assert_ptr_null(cnn_mnist_open(ctx, test_folder, (cnn_mnist_split)2));
    ck_assert_ptr_null(cnn_mnist_open(ctx, NULL, CNN_MNIST_TEST));
    ck_assert_ptr_null(cnn_mnist_open(NULL, test_folder, CNN_MNIST_TEST));
}
END_TEST

/* What is there under any of the names is found, whether it can be read or not: nobody should fetch it again. */
START_TEST(parts_of_mnist_are_found_under_every_name)
{
    static const char *const names[] = { "t10k-labels-idx1-ubyte", "t10k-labels.idx1-ubyte", "t10k-labels-idx1-ubyte.gz",
                                         "t10k-labels.idx1-ubyte.gz" };
    for (int k = 0; k < 4; k++) {
        assert_error(cnn_mnist_find(ctx, test_folder, CNN_MNIST_TEST, CNN_MNIST_LABELS), CNN_ERROR_NOT_FOUND,
                     "mnist_find: no t10k-labels-idx1-ubyte, t10k-labels.idx1-ubyte, ");
        file_put(in_folder(names[k]), "garbage", 7);
        ck_assert_int_eq(cnn_mnist_find(ctx, test_folder, CNN_MNIST_TEST, CNN_MNIST_LABELS), CNN_OK);
        ck_assert_int_eq(cnn_mnist_find(ctx, test_folder, CNN_MNIST_TEST, CNN_MNIST_IMAGES), CNN_ERROR_NOT_FOUND);
        ck_assert_int_eq(cnn_mnist_find(ctx, test_folder, CNN_MNIST_TRAIN, CNN_MNIST_LABELS), CNN_ERROR_NOT_FOUND);
        folder_count(true);
    }
    ck_assert_int_eq(symlink("nowhere", in_folder("train-images.idx3-ubyte")), 0);
    ck_assert_int_eq(cnn_mnist_find(ctx, test_folder, CNN_MNIST_TRAIN, CNN_MNIST_IMAGES), CNN_OK);
    char folder[5000];
    memset(folder, 'x', sizeof folder - 1);
    folder[sizeof folder - 1] = '\0';
    assert_error(cnn_mnist_find(ctx, folder, CNN_MNIST_TRAIN, CNN_MNIST_IMAGES), CNN_ERROR_IO, "File name too long");
    assert_error(cnn_mnist_find(ctx, test_folder, CNN_MNIST_TRAIN, (cnn_mnist_part)2), CNN_ERROR_INVALID_ARGUMENT, "part is 2");
    assert_error(cnn_mnist_find(ctx, test_folder, (cnn_mnist_split)2, CNN_MNIST_IMAGES), CNN_ERROR_INVALID_ARGUMENT,
                 "split is 2");
    assert_error(cnn_mnist_find(ctx, NULL, CNN_MNIST_TRAIN, CNN_MNIST_IMAGES), CNN_ERROR_INVALID_ARGUMENT, "directory is NULL");
    assert_error(cnn_mnist_find(NULL, test_folder, CNN_MNIST_TRAIN, CNN_MNIST_IMAGES), CNN_ERROR_INVALID_ARGUMENT, "ctx is NULL");
}
END_TEST

START_TEST(opening_mnist_survives_failing_allocations)
{
    put_part("train-images-idx3-ubyte", 3, tiny_images, false);
    put_part("train-labels-idx1-ubyte", 1, tiny_labels, false);
    cnn_loader *l = NULL;
    for (long n = 0; !l; n++) {
        meter_reset();
        size_t before = atomic_load(&meter.now);
        atomic_store(&meter.fail_at, n);
        cnn_dataset *d = cnn_mnist_open(ctx, test_folder, CNN_MNIST_TRAIN);
        l = cnn_loader_new(d, 5, .shuffle = true);
        meter_reset();
        if (!l) {
            assert_error(cnn_context_status(ctx), CNN_ERROR_NO_MEMORY, "no memory");
            ck_assert_uint_eq(atomic_load(&meter.now), before);
        }
        ck_assert_int_lt(n, 100);
    }
    cnn_batch batch;
    ck_assert(cnn_loader_next(l, &batch));
    cnn_loader_free(l);
}
END_TEST

START_TEST(the_real_mnist)
{
    const char *folder = getenv("CNN_MNIST_DIR");
    if (!folder || !*folder) {
        printf("skipped: the real MNIST; CNN_MNIST_DIR does not name its folder\n");
        return;
    }
    static const int64_t first[] = { 5, 0, 4, 1, 9 };
    cnn_dataset *train = cnn_mnist_open(ctx, folder, CNN_MNIST_TRAIN), *test = cnn_mnist_open(ctx, folder, CNN_MNIST_TEST);
    ck_assert_msg(train && test, "%s", cnn_last_error(ctx));
    ck_assert_int_eq((int)cnn_dataset_size(train), 60000);
    ck_assert_int_eq((int)cnn_dataset_size(test), 10000);
    for (int i = 0; i < 5; i++) {
        cnn_tensor *x, *y;
        ck_assert_int_eq(cnn_dataset_get(train, i, &x, &y), CNN_OK);
        ck_assert(cnn_tensor_item_i64(y) == first[i]);
        ck_assert(cnn_tensor_size(x, 1) == 28 && cnn_tensor_size(x, 2) == 28);
        cnn_tensor_free(x);
        cnn_tensor_free(y);
    }
    /* Mean and deviation are what the normalisation is named after. */
    cnn_loader *l = cnn_loader_new(train, 1000);
    double sum = 0, squares = 0;
    for (cnn_batch b; cnn_loader_next(l, &b);) {
        const float *x = host_elements(b.images);
        for (int64_t i = 0; i < cnn_tensor_numel(b.images); i++) {
            sum += x[i];
            squares += (double)x[i] * x[i];
        }
    }
    double n = 60000.0 * 784;
    ck_assert_double_eq_tol(sum / n, 0, 1e-3);
    ck_assert_double_eq_tol(squares / n, 1, 1e-3);
    cnn_loader_free(l);
    cnn_dataset_free(test);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("idx");
    TCase *tests = suite_case(suite, "idx", setup, teardown);
    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, every_idx_type_is_read);
    tcase_add_test(tests, idx_ranks_and_empty_sizes);
    tcase_add_test(tests, broken_idx_files_are_refused_with_the_byte);
    tcase_add_test(tests, idx_files_cut_anywhere_are_refused);
    tcase_add_test(tests, gzip_files_are_checked_to_the_end);
    tcase_add_test(tests, gzip_bombs_stop_at_the_promised_size);
    tcase_add_test(tests, a_gzip_file_of_any_size_is_bounded);
    tcase_add_test(tests, large_gzip_files_are_read_whole);
    tcase_add_test(tests, idx_survives_failing_calls_and_allocations);
    tcase_add_test(tests, mnist_is_found_under_its_names_and_normalised);
    tcase_add_test(tests, missing_and_unfit_mnist_files_are_named);
    tcase_add_test(tests, parts_of_mnist_are_found_under_every_name);
    tcase_add_test(tests, opening_mnist_survives_failing_allocations);
    tcase_add_test(tests, the_real_mnist);
    return suite_run(suite);
}
