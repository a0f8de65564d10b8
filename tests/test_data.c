/* Data: IDX files plain and gzipped, datasets of every kind, and loaders: their order, their bits, their threads. */
#include "base/random.h"
#include "support/files.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

static cnn_context *ctx;
static bool has_gzip;

/* Every test gives back all memory. */
static void teardown(void)
{
    meter_reset();
    cnn_context_free(ctx);
    ck_assert_uint_eq(atomic_load(&meter.now), 0);
    folder_remove();
}

/* ---- IDX ---- */

static size_t idx_make(unsigned char *file, int type, int ndim, const uint32_t *sizes, const void *data, size_t size)
{
    memset(file, 0, 4);
    file[2] = (unsigned char)type;
    file[3] = (unsigned char)ndim;
    for (int i = 0; i < ndim; i++) {
        for (int k = 0; k < 4; k++) {
            file[4 + 4 * i + k] = (unsigned char)(sizes[i] >> (24 - 8 * k));
        }
    }
    if (size > 0) {
        memcpy(file + 4 + 4 * ndim, data, size);
    }
    return 4 + 4 * (size_t)ndim + size;
}

/* ---- gzip, made by hand from RFC 1951 and 1952 ---- */

static uint32_t crc32_of(const unsigned char *data, size_t size)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int k = 0; k < 8; k++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
        }
    }
    return ~crc;
}

static size_t put_le32(unsigned char *to, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        to[i] = (unsigned char)(value >> 8 * i);
    }
    return 4;
}

static const unsigned char gzip_head[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255 };

/* One member of stored blocks. */
static size_t gzip_make(unsigned char *to, const unsigned char *data, size_t size)
{
    unsigned char *start = to;
    memcpy(to, gzip_head, sizeof gzip_head);
    to += sizeof gzip_head;
    for (size_t at = 0, part; at < size || at == 0; at += part) {
        part = size - at < 40000 ? size - at : 40000;
        *to++ = at + part >= size;
        *to++ = (unsigned char)part;
        *to++ = (unsigned char)(part >> 8);
        *to++ = (unsigned char)~part;
        *to++ = (unsigned char)(~part >> 8);
        memcpy(to, data + at, part);
        to += part;
        if (part == 0) {
            break;
        }
    }
    to += put_le32(to, crc32_of(data, size));
    to += put_le32(to, (uint32_t)size);
    return (size_t)(to - start);
}

typedef struct bits {
    unsigned char *to;
    size_t count;
} bits;

static void put_bit(bits *b, unsigned bit)
{
    b->to[b->count / 8] = (unsigned char)((b->count % 8 ? b->to[b->count / 8] : 0) | bit << b->count % 8);
    b->count++;
}

/* Huffman codes go in from their highest bit. */
static void put_code(bits *b, unsigned code, int length)
{
    while (length-- > 0) {
        put_bit(b, code >> length & 1);
    }
}

/* A bomb: the IDX header as fixed-Huffman literals, then zeros, 258 of them in 13 bits. */
static size_t gzip_bomb(unsigned char *to, const unsigned char *header, size_t size, size_t runs)
{
    memcpy(to, gzip_head, sizeof gzip_head);
    bits b = { to + sizeof gzip_head, 0 };
    put_bit(&b, 1);
    put_bit(&b, 1);
    put_bit(&b, 0);
    for (size_t i = 0; i <= size; i++) {
        unsigned literal = i < size ? header[i] : 0;
        put_code(&b, literal < 144 ? 0x30 + literal : 0x190 + literal - 144, literal < 144 ? 8 : 9);
    }
    for (size_t i = 0; i < runs; i++) {
        put_code(&b, 0xc5, 8); /* length 258 */
        put_code(&b, 0, 5);    /* distance 1 */
    }
    put_code(&b, 0, 7);
    size_t used = sizeof gzip_head + (b.count + 7) / 8;
    memset(to + used, 0, 8);
    return used + 8;
}

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
            for (int k = 0; k < 6; k++) {
                const void *data = cnn_tensor_data(t);
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
        for (int p = 0; p < 20; p++) {
            float expected = ((float)(11 + p) / 255.0f - 0.1307f) / 0.3081f;
            ck_assert(((const float *)cnn_tensor_data(x))[p] == expected);
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
        const float *x = cnn_tensor_data(b.images);
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

/* ---- datasets in memory ---- */

/* n images of [2, 2, 2] whose element k of image i is (8 i + k) mod 200, and labels 3 i. */
static cnn_dataset *memory_dataset(int64_t n, cnn_dtype image_dtype, cnn_dtype label_dtype)
{
    cnn_tensor *x = cnn_tensor_empty(ctx, image_dtype, CNN_SHAPE(n, 2, 2, 2)),
               *y = cnn_tensor_empty(ctx, label_dtype, CNN_SHAPE(n));
    for (int64_t k = 0; k < 8 * n; k++) {
        void *data = cnn_tensor_data(x);
        int value = (int)(k % 200);
        if (image_dtype == CNN_U8) {
            ((unsigned char *)data)[k] = (unsigned char)value;
        } else if (image_dtype == CNN_F32) {
            ((float *)data)[k] = (float)value;
        } else {
            ((double *)data)[k] = value;
        }
    }
    for (int64_t i = 0; i < n; i++) {
        void *data = cnn_tensor_data(y);
        switch (label_dtype) {
        case CNN_U8: ((unsigned char *)data)[i] = (unsigned char)(3 * i); break;
        case CNN_I32: ((int32_t *)data)[i] = (int32_t)(3 * i); break;
        case CNN_I64: ((int64_t *)data)[i] = 3 * i; break;
        case CNN_F32: ((float *)data)[i] = (float)(3 * i); break;
        default: ((double *)data)[i] = (double)(3 * i);
        }
    }
    cnn_dataset *d = cnn_dataset_from_tensors(x, y);
    ck_assert_msg(d, "%s", cnn_last_error(ctx));
    cnn_tensor_free(x); /* the dataset keeps them alive */
    cnn_tensor_free(y);
    return d;
}

START_TEST(tensors_of_every_dtype_make_datasets)
{
    static const cnn_dtype images[] = { CNN_U8, CNN_F32, CNN_F64 }, labels[] = { CNN_U8, CNN_I32, CNN_I64, CNN_F32, CNN_F64 };
    const double mean[] = { 0.5, 0.25 }, std[] = { 0.5, 2 };
    for (int a = 0; a < 3; a++) {
        for (int b = 0; b < 5; b++) {
            for (int channels = 0; channels <= 2; channels++) {
                cnn_dataset *d = memory_dataset(4, images[a], labels[b]);
                ck_assert(channels == 0 || cnn_dataset_normalize(d, channels, mean, std) == CNN_OK);
                cnn_tensor *x, *y;
                ck_assert_int_eq(cnn_dataset_get(d, 2, &x, &y), CNN_OK);
                ck_assert_int_eq(cnn_tensor_dtype(x), a == 2 ? CNN_F64 : CNN_F32);
                ck_assert_int_eq(cnn_tensor_dtype(y), b < 3 ? CNN_I64 : labels[b]);
                ck_assert_double_eq(b < 3 ? (double)cnn_tensor_item_i64(y) : cnn_tensor_item(y), 6);
                for (int k = 0; k < 8; k++) {
                    int c = channels == 2 ? k / 4 : 0;
                    float f = a == 0 ? (float)(16 + k) / 255.0f : (float)(16 + k);
                    double e = 16 + k;
                    if (channels > 0) {
                        f = (f - (float)mean[c]) / (float)std[c];
                        e = (e - mean[c]) / std[c];
                    }
                    ck_assert(a == 2 ? ((double *)cnn_tensor_data(x))[k] == e : ((float *)cnn_tensor_data(x))[k] == f);
                }
                cnn_tensor_free(x);
                cnn_tensor_free(y);
                cnn_dataset_free(d);
            }
        }
    }
}
END_TEST

START_TEST(a_dataset_may_have_no_labels)
{
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(3, 2));
    cnn_loader *l = cnn_loader_new(cnn_dataset_from_tensors(x, NULL), 2);
    cnn_batch b;
    ck_assert(cnn_loader_next(l, &b));
    ck_assert_ptr_null(b.labels);
    ck_assert_int_eq(cnn_tensor_ndim(b.images), 2);
    cnn_loader_free(l);
    cnn_dataset *d = cnn_dataset_from_tensors(x, NULL);
    cnn_tensor *image, *label = x;
    ck_assert_int_eq(cnn_dataset_get(d, 0, &image, &label), CNN_OK);
    ck_assert_ptr_null(label);
    cnn_tensor_free(image);
    cnn_dataset_free(d);
    cnn_tensor_free(x);
}
END_TEST

START_TEST(bad_datasets_are_refused)
{
    cnn_tensor *x = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(3, 2)), *wrong = cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(4)),
               *scalar = cnn_tensor_zeros(ctx, CNN_F32, CNN_SCALAR), *flag = cnn_tensor_zeros(ctx, CNN_BOOL, CNN_SHAPE(3));
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tape_begin(tape, CNN_EVAL);
    ck_assert_ptr_null(cnn_dataset_from_tensors(NULL, NULL));
    ck_assert_ptr_null(cnn_dataset_from_tensors(x, wrong));
    assert_error(cnn_context_status(ctx), CNN_ERROR_SHAPE, "3 images and 4 labels");
    ck_assert_ptr_null(cnn_dataset_from_tensors(wrong, NULL));
    assert_error(cnn_context_status(ctx), CNN_ERROR_DTYPE, "images is int64, expected uint8, float32 or float64");
    ck_assert_ptr_null(cnn_dataset_from_tensors(x, flag));
    assert_error(cnn_context_status(ctx), CNN_ERROR_DTYPE, "labels is bool, expected int64");
    ck_assert_ptr_null(cnn_dataset_from_tensors(scalar, NULL));
    assert_error(cnn_context_status(ctx), CNN_ERROR_SHAPE, "images has no dimension");
    ck_assert_ptr_null(cnn_dataset_from_tensors(cnn_input(tape, x), NULL));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "cnn_tensor_detach");
    cnn_dataset *d = cnn_dataset_from_tensors(x, NULL);
    const double zero[] = { 0, 0, 0 }, one[] = { 1, 1, 1 }, nan[] = { NAN, 0, 0 };
    assert_error(cnn_dataset_normalize(d, 3, zero, one), CNN_ERROR_SHAPE, "channels is 3, expected 1 or the images' first");
    assert_error(cnn_dataset_normalize(d, 0, zero, one), CNN_ERROR_SHAPE, "channels is 0");
    assert_error(cnn_dataset_normalize(d, 1, zero, zero), CNN_ERROR_INVALID_ARGUMENT, "std 0");
    assert_error(cnn_dataset_normalize(d, 1, nan, one), CNN_ERROR_INVALID_ARGUMENT, "finite");
    assert_error(cnn_dataset_normalize(d, 1, NULL, one), CNN_ERROR_INVALID_ARGUMENT, "mean is NULL");
    assert_error(cnn_dataset_normalize(NULL, 1, zero, one), CNN_ERROR_INVALID_ARGUMENT, "dataset is NULL");
    cnn_tensor *image = NULL;
    assert_error(cnn_dataset_get(d, 3, &image, NULL), CNN_ERROR_INVALID_ARGUMENT, "sample 3 of 3, expected 0 to 2");
    assert_error(cnn_dataset_get(d, -1, &image, NULL), CNN_ERROR_INVALID_ARGUMENT, "sample -1");
    assert_error(cnn_dataset_get(d, 0, NULL, NULL), CNN_ERROR_INVALID_ARGUMENT, "image is NULL");
    assert_error(cnn_dataset_get(NULL, 0, &image, NULL), CNN_ERROR_INVALID_ARGUMENT, "dataset is NULL");
    cnn_loader *l = cnn_loader_new(cnn_dataset_share(d), 2);
    assert_error(cnn_dataset_normalize(d, 1, zero, one), CNN_ERROR_STATE, "a loader is using");
    cnn_loader_free(l);
    ck_assert_int_eq(cnn_dataset_normalize(d, 1, zero, one), CNN_OK);
    ck_assert_ptr_null(cnn_dataset_share(NULL));
    ck_assert_int_eq((int)cnn_dataset_size(NULL), 0);
    cnn_dataset_free(NULL);
    cnn_dataset_free(d);
    cnn_tape_free(tape);
    cnn_tensor *all[] = { x, wrong, scalar, flag };
    for (int i = 0; i < 4; i++) {
        cnn_tensor_free(all[i]);
    }
}
END_TEST

/* ---- callbacks ---- */

typedef struct source {
    atomic_int inside, freed, calls;
    int64_t fails; /* the sample whose get fails; −1: none */
    bool overlapped;
    pthread_t home;
    atomic_int away; /* calls from other threads */
} source;

static cnn_status source_get(int64_t index, void *image, void *label, void *user)
{
    source *s = user;
    s->overlapped |= atomic_fetch_add(&s->inside, 1) > 0;
    atomic_fetch_add(&s->calls, 1);
    atomic_fetch_add(&s->away, !pthread_equal(s->home, pthread_self()));
    for (int k = 0; k < 6; k++) {
        ((double *)image)[k] = (double)(index * 10 + k);
    }
    ((int64_t *)label)[0] = -index;
    atomic_fetch_sub(&s->inside, 1);
    return index == s->fails ? CNN_ERROR_NOT_FOUND : CNN_OK;
}

static void source_free(void *user)
{
    atomic_fetch_add(&((source *)user)->freed, 1);
}

static const int64_t source_shape[] = { 2, 3 };

static cnn_dataset_callbacks source_callbacks(source *s, int64_t size)
{
    s->home = pthread_self();
    return (cnn_dataset_callbacks){ .struct_size = sizeof(cnn_dataset_callbacks), .size = size, .image_ndim = 2,
                                    .image_shape = source_shape, .image_dtype = CNN_F64, .label_dtype = CNN_I64,
                                    .get = source_get, .free_user = source_free, .user = s };
}

START_TEST(callbacks_make_samples)
{
    source s = { .fails = 7 };
    cnn_dataset_callbacks c = source_callbacks(&s, 9);
    cnn_dataset *d = cnn_dataset_from_callbacks(ctx, &c);
    cnn_tensor *x, *y;
    ck_assert_int_eq(cnn_dataset_get(d, 4, &x, &y), CNN_OK);
    ck_assert(((const double *)cnn_tensor_data(x))[5] == 45 && cnn_tensor_item_i64(y) == -4);
    ck_assert(cnn_tensor_ndim(x) == 2 && cnn_tensor_ndim(y) == 0);
    cnn_tensor_free(x);
    cnn_tensor_free(y);
    assert_error(cnn_dataset_get(d, 7, &x, &y), CNN_ERROR_CALLBACK, "get returned CNN_ERROR_NOT_FOUND for sample 7");
    const double zero = 0, one = 1;
    assert_error(cnn_dataset_normalize(d, 1, &zero, &one), CNN_ERROR_STATE, "callbacks");
    cnn_dataset *again = cnn_dataset_share(d);
    cnn_dataset_free(d);
    ck_assert_int_eq(atomic_load(&s.freed), 0);
    cnn_dataset_free(again);
    ck_assert_int_eq(atomic_load(&s.freed), 1);
}
END_TEST

START_TEST(bad_callbacks_are_refused_and_freed)
{
    static const int64_t negative[] = { -1 }, huge[] = { INT64_MAX, INT64_MAX };
    for (int k = 0; k < 9; k++) {
        source s = { .fails = -1 };
        cnn_dataset_callbacks c = source_callbacks(&s, 9);
        switch (k) {
        case 0: c.get = NULL; break;
        case 1: c.size = -1; break;
        case 2: c.image_dtype = CNN_I64; break;
        case 3: c.label_dtype = CNN_U8; break;
        case 4: c.image_ndim = 8; break;
        case 5: c.image_ndim = 1; c.image_shape = negative; break;
        case 6: c.label_ndim = 2; c.label_shape = huge; break;
        case 7: c.image_shape = NULL; break;
        case 8: c.label_dtype = (cnn_dtype)77; break;
        }
        ck_assert_ptr_null(cnn_dataset_from_callbacks(ctx, &c));
        ck_assert_int_ne(cnn_context_status(ctx), CNN_OK);
        ck_assert_int_eq(atomic_load(&s.freed), 1);
    }
    ck_assert_ptr_null(cnn_dataset_from_callbacks(ctx, NULL));
    source s = { .fails = -1 };
    cnn_dataset_callbacks c = source_callbacks(&s, 9);
    ck_assert_ptr_null(cnn_dataset_from_callbacks(NULL, &c));
    ck_assert_int_eq(atomic_load(&s.freed), 1);
}
END_TEST

static cnn_status use_memory(source *s)
{
    (void)s;
    const double mean = 0.5, std = 0.5;
    cnn_tensor *x = cnn_tensor_zeros(ctx, CNN_U8, CNN_SHAPE(5, 2)), *y = x ? cnn_tensor_zeros(ctx, CNN_U8, CNN_SHAPE(5)) : NULL;
    cnn_dataset *d = y ? cnn_dataset_from_tensors(x, y) : NULL;
    cnn_status status = d ? cnn_dataset_normalize(d, 1, &mean, &std) : cnn_context_status(ctx);
    cnn_tensor *image, *label;
    if (status == CNN_OK && (status = cnn_dataset_get(d, 1, &image, &label)) == CNN_OK) {
        cnn_tensor_free(image);
        cnn_tensor_free(label);
    }
    cnn_dataset_free(d);
    cnn_tensor_free(x);
    cnn_tensor_free(y);
    return status;
}

static cnn_status use_callbacks(source *s)
{
    cnn_dataset_callbacks c = source_callbacks(s, 9);
    cnn_tensor *image;
    cnn_batch batch;
    cnn_dataset *d = cnn_dataset_from_callbacks(ctx, &c);
    cnn_status status = d ? cnn_dataset_get(d, 0, &image, NULL) : cnn_context_status(ctx);
    if (status == CNN_OK) {
        cnn_tensor_free(image);
    }
    cnn_loader *l = cnn_loader_new(d, 4, .shuffle = true);
    if (l && !cnn_loader_next(l, &batch)) {
        status = cnn_loader_status(l);
    } else if (!l) {
        status = cnn_context_status(ctx);
    }
    cnn_loader_free(l);
    return status;
}

START_TEST(every_allocation_of_a_dataset_may_fail)
{
    cnn_status (*const uses[])(source *) = { use_memory, use_callbacks };
    for (int k = 0; k < 2; k++) {
        for (int on = 0; on < 2; on++) {
            cnn_status status = CNN_ERROR_NO_MEMORY;
            for (long n = 0; status != CNN_OK; n++) {
                source s = { .fails = -1 };
                meter_reset();
                size_t before = atomic_load(&meter.now);
                atomic_store(&meter.fail_on, on);
                atomic_store(&meter.fail_at, n);
                status = uses[k](&s);
                meter_reset();
                ck_assert_uint_eq(atomic_load(&meter.now), before);
                ck_assert_int_eq(atomic_load(&s.freed), k);
                ck_assert(status == CNN_OK || status == CNN_ERROR_NO_MEMORY);
                ck_assert_int_lt(n, 200);
            }
        }
    }
}
END_TEST

/* ---- loaders ---- */

/* What a loader must give: the order recomputed from the definition. */
static void expected_order(uint64_t seed, int64_t epoch, int64_t n, int64_t *order)
{
    const uint64_t key[2] = { seed, (uint64_t)1 << 63 | (uint64_t)epoch };
    cnn__random_permutation(key, n, order);
}

static void assert_batch(const cnn_batch *b, int64_t index, int64_t size, const int64_t *samples)
{
    ck_assert_int_eq((int)b->index, (int)index);
    ck_assert_int_eq((int)b->size, (int)size);
    ck_assert(cnn_tensor_size(b->images, 0) == size && cnn_tensor_size(b->labels, 0) == size);
    const float *x = cnn_tensor_data(b->images);
    const int64_t *y = cnn_tensor_data(b->labels);
    for (int64_t i = 0; i < size; i++) {
        ck_assert_int_eq((int)y[i], (int)(3 * samples[i]));
        for (int k = 0; k < 8; k++) {
            ck_assert(x[8 * i + k] == (float)((8 * samples[i] + k) % 200));
        }
    }
}

START_TEST(batches_follow_the_epochs_order)
{
    enum { N = 23 };
    for (int variant = 0; variant < 16; variant++) {
        bool shuffle = variant & 1, drop = variant & 2, foreground = variant & 4;
        int64_t batch_size = variant & 8 ? 5 : 40;
        cnn_loader *l = cnn_loader_new(memory_dataset(N, CNN_F32, CNN_I64), batch_size, .shuffle = shuffle,
                                       .drop_last = drop, .no_background = foreground, .seed = 77);
        int64_t count = drop ? N / batch_size : (N + batch_size - 1) / batch_size;
        ck_assert_int_eq((int)cnn_loader_batch_count(l), (int)count);
        ck_assert_int_eq((int)cnn_loader_sample_count(l), N);
        for (int64_t epoch = 0; epoch < 3; epoch++) {
            int64_t order[N];
            expected_order(77, epoch, N, order);
            for (int64_t i = 0; i < N && !shuffle; i++) {
                order[i] = i;
            }
            cnn_batch b, previous = { .size = 0 };
            for (int64_t i = 0; i < count; i++) {
                ck_assert_int_eq((int)cnn_loader_epoch(l), (int)epoch);
                ck_assert(cnn_loader_next(l, &b));
                int64_t left = N - i * batch_size;
                assert_batch(&b, i, left < batch_size ? left : batch_size, order + i * batch_size);
                if (i > 0) { /* the batch before still has its values */
                    assert_batch(&previous, i - 1, batch_size, order + (i - 1) * batch_size);
                }
                previous = b;
            }
            ck_assert(!cnn_loader_next(l, &b));
            ck_assert_int_eq(cnn_loader_status(l), CNN_OK);
        }
        cnn_loader_free(l);
    }
}
END_TEST

START_TEST(batches_belong_to_the_loader)
{
    cnn_loader *l = cnn_loader_new(memory_dataset(5, CNN_F32, CNN_I64), 2);
    cnn_batch b;
    ck_assert(cnn_loader_next(l, &b));
    cnn_context_clear_error(ctx);
    cnn_tensor_free(b.images);
    ck_assert_int_eq(cnn_context_status(ctx), CNN_ERROR_STATE);
    cnn_loader_free(l);
}
END_TEST

START_TEST(empty_datasets_and_bad_loaders)
{
    cnn_loader *l = cnn_loader_new(memory_dataset(0, CNN_U8, CNN_U8), 4, .shuffle = true);
    cnn_batch b;
    ck_assert_int_eq((int)cnn_loader_batch_count(l), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq((int)cnn_loader_epoch(l), i);
        ck_assert(!cnn_loader_next(l, &b));
        ck_assert_int_eq(cnn_loader_status(l), CNN_OK);
    }
    ck_assert(!cnn_loader_next(l, NULL));
    ck_assert_int_eq(cnn_loader_status(l), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert(!cnn_loader_next(NULL, &b));
    assert_error(cnn_loader_set_epoch(l, -1), CNN_ERROR_INVALID_ARGUMENT, "epoch is -1");
    assert_error(cnn_loader_set_epoch(l, INT64_MAX), CNN_ERROR_INVALID_ARGUMENT, "expected 0 to 2^62");
    assert_error(cnn_loader_set_epoch(NULL, 1), CNN_ERROR_INVALID_ARGUMENT, "loader is NULL");
    assert_error(cnn_loader_status(NULL), CNN_ERROR_INVALID_ARGUMENT, "loader is NULL");
    cnn_loader_free(l);
    cnn_loader_free(NULL);
    ck_assert_ptr_null(cnn_loader_new(memory_dataset(3, CNN_U8, CNN_U8), 0));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "batch_size is 0");
    ck_assert_ptr_null(cnn_loader_new(cnn_mnist_open(ctx, "/nowhere", CNN_MNIST_TRAIN), 10));
    assert_error(cnn_context_status(ctx), CNN_ERROR_NOT_FOUND, "mnist_open");
    cnn_context_clear_error(NULL);
    ck_assert_ptr_null(cnn_loader_create(NULL, 10, NULL));
    assert_error(cnn_context_status(NULL), CNN_ERROR_INVALID_ARGUMENT, "dataset is NULL");
    cnn_loader_options garbage = { .struct_size = 3 };
    ck_assert_ptr_null(cnn_loader_create(memory_dataset(3, CNN_U8, CNN_U8), 1, &garbage));
    l = cnn_loader_create(memory_dataset(3, CNN_F32, CNN_I64), INT64_MAX, NULL);
    ck_assert(cnn_loader_next(l, &b));
    ck_assert_int_eq((int)b.size, 3);
    cnn_loader_free(l);
}
END_TEST

START_TEST(an_epoch_can_be_chosen)
{
    enum { N = 23 };
    for (int foreground = 0; foreground < 2; foreground++) {
        cnn_loader *l = cnn_loader_new(memory_dataset(N, CNN_F32, CNN_I64), 6, .shuffle = true, .seed = 5,
                                       .no_background = foreground);
        static const int64_t epochs[] = { 4, 0, 0, 1000000007, 2 };
        for (int k = 0; k < 5; k++) {
            int64_t order[N];
            cnn_batch b;
            ck_assert_int_eq(cnn_loader_set_epoch(l, epochs[k]), CNN_OK);
            ck_assert(cnn_loader_epoch(l) == epochs[k]);
            expected_order(5, epochs[k], N, order);
            for (int i = 0; i < 1 + k % 3; i++) { /* and left in its middle */
                ck_assert(cnn_loader_next(l, &b));
                assert_batch(&b, i, 6, order + 6 * i);
            }
        }
        cnn_loader_free(l);
    }
}
END_TEST

/* The default seed is the context's, also when a checkpoint changes that between two epochs. */
START_TEST(the_contexts_seed_is_the_default)
{
    enum { N = 12 };
    cnn_loader *l = cnn_loader_new(memory_dataset(N, CNN_F32, CNN_I64), 4, .shuffle = true);
    int64_t order[N];
    cnn_batch b;
    for (int epoch = 0; epoch < 4; epoch++) {
        cnn_random_state state = { .seed = epoch < 2 ? 7 : 8, .stream = 3 };
        ck_assert_int_eq(cnn_context_set_random_state(ctx, &state), CNN_OK);
        expected_order(state.seed, epoch, N, order);
        for (int i = 0; i < 3; i++) {
            ck_assert(cnn_loader_next(l, &b));
            assert_batch(&b, i, 4, order + 4 * i);
        }
        ck_assert(!cnn_loader_next(l, &b));
    }
    ck_assert(cnn_loader_next(l, &b)); /* within an epoch the order stays */
    cnn_random_state state = { .seed = 99 };
    ck_assert_int_eq(cnn_context_set_random_state(ctx, &state), CNN_OK);
    expected_order(8, 4, N, order);
    ck_assert(cnn_loader_next(l, &b));
    assert_batch(&b, 1, 4, order + 4);
    cnn_loader_free(l);
}
END_TEST

START_TEST(background_and_foreground_give_the_same_bits)
{
    const double mean[] = { 0.3, 0.4 }, std[] = { 0.7, 0.9 };
    cnn_dataset *d = memory_dataset(57, CNN_U8, CNN_U8);
    ck_assert_int_eq(cnn_dataset_normalize(d, 2, mean, std), CNN_OK);
    cnn_loader *a = cnn_loader_new(cnn_dataset_share(d), 10, .shuffle = true),
               *b = cnn_loader_new(d, 10, .shuffle = true, .no_background = true);
    for (int i = 0; i < 30; i++) {
        cnn_batch x = { .size = 0 }, y = { .size = 0 };
        ck_assert(cnn_loader_next(a, &x) == cnn_loader_next(b, &y));
        ck_assert(x.size == y.size);
        if (x.size > 0) {
            ck_assert_mem_eq(cnn_tensor_data(x.images), cnn_tensor_data(y.images), (size_t)x.size * 8 * sizeof(float));
            ck_assert_mem_eq(cnn_tensor_data(x.labels), cnn_tensor_data(y.labels), (size_t)x.size * sizeof(int64_t));
        }
    }
    cnn_loader_free(a);
    cnn_loader_free(b);
}
END_TEST

START_TEST(next_never_allocates)
{
    for (int foreground = 0; foreground < 2; foreground++) {
        cnn_loader *l = cnn_loader_new(memory_dataset(57, CNN_U8, CNN_U8), 10, .shuffle = true, .no_background = foreground);
        meter_reset();
        cnn_batch b;
        int given = 0;
        for (int i = 0; i < 40; i++) {
            given += cnn_loader_next(l, &b);
        }
        ck_assert_int_gt(given, 30);
        ck_assert_int_eq((int)atomic_load(&meter.calls), 0);
        cnn_loader_free(l);
    }
}
END_TEST

START_TEST(a_failing_callback_ends_the_epoch)
{
    for (int foreground = 0; foreground < 2; foreground++) {
        source s = { .fails = 7 };
        cnn_dataset_callbacks c = source_callbacks(&s, 12);
        cnn_loader *l = cnn_loader_new(cnn_dataset_from_callbacks(ctx, &c), 3, .no_background = foreground);
        cnn_batch b;
        for (int epoch = 0; epoch < 2; epoch++) {
            for (int i = 0; i < 2; i++) {
                ck_assert(cnn_loader_next(l, &b));
                ck_assert_int_eq(cnn_loader_status(l), CNN_OK);
            }
            cnn_context_clear_error(ctx);
            ck_assert(!cnn_loader_next(l, &b));
            ck_assert_int_eq(cnn_loader_status(l), CNN_ERROR_CALLBACK);
            assert_error(cnn_context_status(ctx), CNN_ERROR_CALLBACK,
                         "loader_next: the dataset's get returned CNN_ERROR_NOT_FOUND for sample 7");
            ck_assert_int_eq((int)cnn_loader_epoch(l), epoch + 1);
        }
        s.fails = -1;
        for (int i = 0; i < 4; i++) {
            ck_assert(cnn_loader_next(l, &b));
        }
        ck_assert(!cnn_loader_next(l, &b));
        ck_assert_int_eq(cnn_loader_status(l), CNN_OK);
        ck_assert_int_eq(atomic_load(&s.away) == 0, foreground);
        cnn_loader_free(l);
        ck_assert_int_eq(atomic_load(&s.freed), 1);
    }
}
END_TEST

START_TEST(callbacks_are_called_one_at_a_time)
{
    source s = { .fails = -1 };
    cnn_dataset_callbacks c = source_callbacks(&s, 400);
    cnn_dataset *d = cnn_dataset_from_callbacks(ctx, &c);
    cnn_loader *a = cnn_loader_new(cnn_dataset_share(d), 50, .shuffle = true), *b = cnn_loader_new(d, 50);
    for (int i = 0; i < 40; i++) {
        cnn_batch x, y;
        cnn_loader_next(a, &x);
        cnn_loader_next(b, &y);
    }
    cnn_loader_free(a);
    cnn_loader_free(b);
    ck_assert(!s.overlapped);
}
END_TEST

static cnn_status slow_get(int64_t index, void *image, void *label, void *user)
{
    const struct timespec wait = { .tv_nsec = 2000000 };
    nanosleep(&wait, NULL);
    return source_get(index, image, label, user);
}

START_TEST(freeing_does_not_wait_for_the_batch)
{
    source s = { .fails = -1 };
    cnn_dataset_callbacks c = source_callbacks(&s, 3000);
    c.get = slow_get;
    cnn_loader *l = cnn_loader_new(cnn_dataset_from_callbacks(ctx, &c), 1500);
    cnn_loader_options small = { .struct_size = sizeof small };
    cnn_loader_free(l); /* before the first batch */
    c.get = slow_get;
    l = cnn_loader_create(cnn_dataset_from_callbacks(ctx, &c), 10, &small);
    cnn_batch b;
    ck_assert(cnn_loader_next(l, &b));
    int before = atomic_load(&s.calls);
    cnn_loader_free(l); /* while the next one is written */
    ck_assert_int_lt(atomic_load(&s.calls) - before, 5);
}
END_TEST

START_TEST(the_loaders_thread_takes_no_signals)
{
    source s = { .fails = -1 };
    cnn_dataset_callbacks c = source_callbacks(&s, 30);
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    cnn_loader *l = cnn_loader_new(cnn_dataset_from_callbacks(ctx, &c), 3);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    ck_assert_int_eq(sigismember(&before, SIGINT), sigismember(&after, SIGINT));
    cnn_loader_free(l);
}
END_TEST

/* No stack is as large as this one is asked to be, so no thread begins. */
START_TEST(a_thread_that_cannot_begin_is_reported)
{
    pthread_attr_t usual, huge;
    ck_assert_int_eq(pthread_getattr_default_np(&usual), 0);
    ck_assert_int_eq(pthread_getattr_default_np(&huge), 0);
    ck_assert_int_eq(pthread_attr_setstacksize(&huge, (size_t)1 << 50), 0);
    cnn_dataset *d = memory_dataset(5, CNN_F32, CNN_I64);
    ck_assert_int_eq(pthread_setattr_default_np(&huge), 0);
    cnn_loader *l = cnn_loader_new(cnn_dataset_share(d), 2);
    ck_assert_int_eq(pthread_setattr_default_np(&usual), 0);
    ck_assert_ptr_null(l);
    assert_error(cnn_context_status(ctx), CNN_ERROR_THREAD, "loader_create: the background thread: ");
    l = cnn_loader_new(d, 2, .no_background = true);
    cnn_batch b;
    ck_assert(cnn_loader_next(l, &b));
    cnn_loader_free(l);
    pthread_attr_destroy(&usual);
    pthread_attr_destroy(&huge);
}
END_TEST

/* A child has no background thread: it is told so, and whatever it can do, it does; nothing hangs. It ends by a signal, so
 * that no tool looks for leaks of a thread that it never had. */
START_TEST(forked_children_get_an_error)
{
    source s = { .fails = -1 };
    cnn_dataset_callbacks c = source_callbacks(&s, 30);
    cnn_loader *threaded = cnn_loader_new(memory_dataset(30, CNN_F32, CNN_I64), 3),
               *plain = cnn_loader_new(memory_dataset(30, CNN_F32, CNN_I64), 3, .no_background = true);
    cnn_dataset *callbacks = cnn_dataset_from_callbacks(ctx, &c);
    cnn_batch b;
    cnn_loader_next(threaded, &b);
    int answer[2];
    ck_assert_int_eq(pipe(answer), 0);
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        alarm(20);
        cnn_tensor *x;
        bool good = !cnn_loader_next(threaded, &b) && cnn_loader_status(threaded) == CNN_ERROR_STATE &&
                    cnn_loader_next(plain, &b) && cnn_dataset_get(callbacks, 0, &x, NULL) == CNN_ERROR_STATE;
        cnn_loader_free(threaded);
        cnn_loader_free(plain);
        cnn_dataset_free(callbacks);
        if (write(answer[1], good ? "y" : "n", 1) == 1) {
            raise(SIGKILL);
        }
    }
    char said = '?';
    close(answer[1]);
    ck_assert_int_eq((int)read(answer[0], &said, 1), 1);
    close(answer[0]);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_int_eq(said, 'y');
    cnn_loader_free(threaded);
    cnn_loader_free(plain);
    cnn_dataset_free(callbacks);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("data");
    TCase *tests = tcase_create("data");
    tcase_set_timeout(tests, 240);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, every_idx_type_is_read);
    tcase_add_test(tests, idx_ranks_and_empty_sizes);
    tcase_add_test(tests, broken_idx_files_are_refused_with_the_byte);
    tcase_add_test(tests, idx_files_cut_anywhere_are_refused);
    tcase_add_test(tests, gzip_files_are_checked_to_the_end);
    tcase_add_test(tests, gzip_bombs_stop_at_the_promised_size);
    tcase_add_test(tests, idx_survives_failing_calls_and_allocations);
    tcase_add_test(tests, mnist_is_found_under_its_names_and_normalised);
    tcase_add_test(tests, missing_and_unfit_mnist_files_are_named);
    tcase_add_test(tests, opening_mnist_survives_failing_allocations);
    tcase_add_test(tests, the_real_mnist);
    tcase_add_test(tests, tensors_of_every_dtype_make_datasets);
    tcase_add_test(tests, a_dataset_may_have_no_labels);
    tcase_add_test(tests, bad_datasets_are_refused);
    tcase_add_test(tests, callbacks_make_samples);
    tcase_add_test(tests, bad_callbacks_are_refused_and_freed);
    tcase_add_test(tests, every_allocation_of_a_dataset_may_fail);
    tcase_add_test(tests, batches_follow_the_epochs_order);
    tcase_add_test(tests, batches_belong_to_the_loader);
    tcase_add_test(tests, empty_datasets_and_bad_loaders);
    tcase_add_test(tests, an_epoch_can_be_chosen);
    tcase_add_test(tests, the_contexts_seed_is_the_default);
    tcase_add_test(tests, background_and_foreground_give_the_same_bits);
    tcase_add_test(tests, next_never_allocates);
    tcase_add_test(tests, a_failing_callback_ends_the_epoch);
    tcase_add_test(tests, callbacks_are_called_one_at_a_time);
    tcase_add_test(tests, freeing_does_not_wait_for_the_batch);
    tcase_add_test(tests, the_loaders_thread_takes_no_signals);
    tcase_add_test(tests, a_thread_that_cannot_begin_is_reported);
    tcase_add_test(tests, forked_children_get_an_error);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
