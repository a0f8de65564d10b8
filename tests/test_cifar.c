/* CIFAR-10 and CIFAR-100 files, plain and gzipped, well and badly formed. */
#include "support/elements.h"
#include "support/files.h"
#include "support/idx.h"
#include "support/suite.h"

#include <sys/stat.h>

enum { PIXELS = 3072, MOST = 8 * (PIXELS + 2) };

static cnn_context *ctx;
static bool has_gzip;

static cnn_dataset *open10(cnn_cifar_split split)
{
    return cnn_cifar10_open(ctx, test_folder, split);
}

/* Every test gives back all memory. */
static void teardown(void)
{
    faults_end();
    meter_reset();
    cnn_context_free(ctx);
    ck_assert_uint_eq(atomic_load(&meter.now), 0);
    folder_remove();
}

/* `count` records from number `first` on: pixel p of record i is (7 i + p) mod 256; its labels are (i + k) mod 10. */
static size_t records(unsigned char *to, int first, int count, int labels)
{
    unsigned char *start = to;
    for (int i = first; i < first + count; i++) {
        for (int k = 0; k < labels; k++) {
            *to++ = (unsigned char)((i + k) % 10);
        }
        for (int p = 0; p < PIXELS; p++) {
            *to++ = (unsigned char)(7 * i + p);
        }
    }
    return (size_t)(to - start);
}

static void put_records(const char *name, int first, int count, int labels, bool gz)
{
    unsigned char file[MOST], packed[MOST + 100];
    size_t size = records(file, first, count, labels), packed_size = gzip_make(packed, file, size);
    file_put(in_folder(name), gz ? packed : file, gz ? packed_size : size);
}

static void put_training(bool gz)
{
    for (int k = 0; k < 5; k++) {
        char name[32];
        snprintf(name, sizeof name, "data_batch_%d.bin%s", k + 1, gz ? ".gz" : "");
        put_records(name, 2 * k, 2, 1, gz);
    }
}

static void setup(void)
{
    folder_make();
    ctx = metered_context(7);
    put_records("test_batch.bin.gz", 0, 1, 1, true);
    cnn_dataset *d = open10(CNN_CIFAR_TEST);
    has_gzip = d != NULL;
    ck_assert(has_gzip || cnn_context_status(ctx) == CNN_ERROR_UNSUPPORTED);
    cnn_dataset_free(d);
    folder_count(true);
    cnn_context_clear_error(ctx);
}

static const float means[2][3] = { { 0.4914f, 0.4822f, 0.4465f }, { 0.5071f, 0.4865f, 0.4409f } };
static const float deviations[2][3] = { { 0.2470f, 0.2435f, 0.2616f }, { 0.2673f, 0.2564f, 0.2762f } };

static void assert_sample(cnn_dataset *d, int i, bool hundred, int64_t expected)
{
    cnn_tensor *x, *y;
    ck_assert_int_eq(cnn_dataset_get(d, i, &x, &y), CNN_OK);
    ck_assert(cnn_tensor_ndim(x) == 3 && cnn_tensor_size(x, 0) == 3 && cnn_tensor_size(x, 1) == 32 && cnn_tensor_size(x, 2) == 32);
    ck_assert_int_eq(cnn_tensor_dtype(x), CNN_F32);
    ck_assert_int_eq(cnn_tensor_ndim(y), 0);
    ck_assert(cnn_tensor_item_i64(y) == expected);
    const float *pixels = host_elements(x);
    bool same = true;
    for (int p = 0; p < PIXELS; p++) {
        float v = (float)(unsigned char)(7 * i + p) / 255.0f;
        same &= pixels[p] == (v - means[hundred][p / 1024]) / deviations[hundred][p / 1024];
    }
    ck_assert(same);
    cnn_tensor_free(x);
    cnn_tensor_free(y);
}

START_TEST(cifar10_is_read_in_the_order_of_its_files)
{
    for (int gz = 0; gz <= has_gzip; gz++) {
        put_training(gz);
        put_records("test_batch.bin", 0, 3, 1, false);
        cnn_dataset *train = open10(CNN_CIFAR_TRAIN), *test = open10(CNN_CIFAR_TEST);
        ck_assert_msg(train && test, "%s", cnn_last_error(ctx));
        ck_assert_int_eq((int)cnn_dataset_size(train), 10);
        ck_assert_int_eq((int)cnn_dataset_size(test), 3);
        for (int i = 0; i < 10; i++) {
            assert_sample(train, i, false, i);
        }
        assert_sample(test, 2, false, 2);
        ck_assert_int_eq((int)cnn_dataset_class_count(test), 0);
        cnn_dataset_free(train);
        cnn_dataset_free(test);
        folder_count(true);
    }
}
END_TEST

START_TEST(cifar100_has_fine_and_coarse_labels)
{
    put_records("train.bin", 0, 4, 2, false);
    cnn_dataset *fine = cnn_cifar100_open(ctx, test_folder, CNN_CIFAR_TRAIN, false),
                *coarse = cnn_cifar100_open(ctx, test_folder, CNN_CIFAR_TRAIN, true);
    ck_assert_msg(fine && coarse, "%s", cnn_last_error(ctx));
    for (int i = 0; i < 4; i++) {
        assert_sample(coarse, i, true, i);
        assert_sample(fine, i, true, i + 1);
    }
    cnn_dataset_free(fine);
    cnn_dataset_free(coarse);
}
END_TEST

START_TEST(the_archives_folder_is_searched)
{
    char folder[400], file[500];
    snprintf(folder, sizeof folder, "%s/cifar-100-binary", test_folder);
    snprintf(file, sizeof file, "%s/test.bin", folder);
    ck_assert_int_eq(mkdir(folder, 0777), 0);
    put_records("cifar-100-binary/test.bin", 0, 2, 2, false);
    cnn_dataset *d = cnn_cifar100_open(ctx, test_folder, CNN_CIFAR_TEST, false);
    ck_assert_msg(d, "%s", cnn_last_error(ctx));
    ck_assert_int_eq((int)cnn_dataset_size(d), 2);
    cnn_dataset_free(d);
    ck_assert_int_eq(unlink(file), 0);
}
END_TEST

/* ---- class names ---- */

static const char ten_names[] = "airplane\nautomobile\nbird\ncat\ndeer\r\ndog\nfrog\nhorse\nship\ntruck\n\n";

START_TEST(class_names_come_with_the_dataset_and_its_parts)
{
    put_records("test_batch.bin", 0, 3, 1, false);
    file_put(in_folder("batches.meta.txt"), ten_names, sizeof ten_names - 1);
    cnn_dataset *part = cnn_dataset_slice(open10(CNN_CIFAR_TEST), 1, 2);
    ck_assert_msg(part, "%s", cnn_last_error(ctx));
    ck_assert_int_eq((int)cnn_dataset_class_count(part), 10);
    ck_assert_str_eq(cnn_dataset_class_name(part, 0), "airplane");
    ck_assert_str_eq(cnn_dataset_class_name(part, 4), "deer");
    ck_assert_str_eq(cnn_dataset_class_name(part, 9), "truck");
    cnn_augmentation *mirror = cnn_augmentation_new(ctx);
    cnn_augment_horizontal_flip(mirror, 0.5);
    cnn_dataset *mirrored = cnn_dataset_augment(cnn_dataset_share(part), mirror);
    ck_assert_msg(mirrored, "%s", cnn_last_error(ctx));
    ck_assert_str_eq(cnn_dataset_class_name(mirrored, 4), "deer");
    cnn_dataset_free(mirrored);
    cnn_augmentation_free(mirror);
    ck_assert_ptr_null(cnn_dataset_class_name(part, 10));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "dataset_class_name: class 10, expected 0 to 9");
    ck_assert_ptr_null(cnn_dataset_class_name(part, -1));
    cnn_dataset_free(part);
    file_put(in_folder("batches.meta.txt"), ten_names, sizeof ten_names - 3); /* without the end of its last line */
    cnn_dataset *d = open10(CNN_CIFAR_TEST);
    ck_assert_str_eq(cnn_dataset_class_name(d, 9), "truck");
    cnn_dataset_free(d);
    ck_assert_int_eq(unlink(in_folder("batches.meta.txt")), 0);
    d = open10(CNN_CIFAR_TEST);
    ck_assert_ptr_null(cnn_dataset_class_name(d, 0));
    assert_error(cnn_context_status(ctx), CNN_ERROR_NOT_FOUND, "dataset_class_name: the dataset has no class names");
    cnn_dataset_free(d);
    ck_assert_ptr_null(cnn_dataset_class_name(NULL, 0));
    ck_assert_int_eq((int)cnn_dataset_class_count(NULL), 0);
}
END_TEST

START_TEST(broken_class_names_are_refused_with_the_byte)
{
    char long_name[200], huge[20000];
    memset(long_name, 'x', sizeof long_name);
    memset(huge, '\n', sizeof huge);
    memcpy(long_name, "a\nb\n", 4);
    const struct {
        const char *text;
        size_t size;
        const char *reason;
    } cases[] = {
        { "airplane\nbird\n", 14, "batches.meta.txt: byte 14: the data ends after 2 class names, expected 10" },
        { "", 0, "byte 0: the data ends after 0 class names, expected 10" },
        { "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\n", 22, "byte 20: more than 10 class names" },
        { "a\nb\0c\n", 6, "byte 3: 0x00 in a class name" },
        { "a\nb\tc\n", 6, "byte 3: 0x09 in a class name" },
        { long_name, sizeof long_name, "byte 4: a class name of 196 bytes, expected at most 63" },
        { huge, sizeof huge, "byte 16384: a file of class names that is this long" },
    };
    put_records("test_batch.bin", 0, 1, 1, false);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        file_put(in_folder("batches.meta.txt"), cases[i].text, cases[i].size);
        ck_assert_ptr_null(open10(CNN_CIFAR_TEST));
        assert_error(cnn_context_status(ctx), CNN_ERROR_FORMAT, cases[i].reason);
    }
}
END_TEST

/* ---- broken files ---- */

START_TEST(broken_records_are_refused_with_the_byte)
{
    unsigned char file[MOST];
    size_t size = records(file, 0, 3, 1);
    file_put(in_folder("test_batch.bin"), file, 0);
    ck_assert_ptr_null(open10(CNN_CIFAR_TEST));
    assert_error(cnn_context_status(ctx), CNN_ERROR_FORMAT,
                 "test_batch.bin: byte 0: the data ends after 0 bytes of a record of 3073");
    file[2 * 3073] = 10;
    file_put(in_folder("test_batch.bin"), file, size);
    ck_assert_ptr_null(open10(CNN_CIFAR_TEST));
    assert_error(cnn_context_status(ctx), CNN_ERROR_FORMAT, "test_batch.bin: byte 6146: label 10, expected 0 to 9");
    size = records(file, 0, 3, 2);
    file[3074] = 20;
    file_put(in_folder("test.bin"), file, size);
    ck_assert_ptr_null(cnn_cifar100_open(ctx, test_folder, CNN_CIFAR_TEST, false));
    assert_error(cnn_context_status(ctx), CNN_ERROR_FORMAT, "test.bin: byte 3074: label 20, expected 0 to 19");
    file[3074] = 19;
    file[3075] = 100;
    file_put(in_folder("test.bin"), file, size);
    ck_assert_ptr_null(cnn_cifar100_open(ctx, test_folder, CNN_CIFAR_TEST, true));
    assert_error(cnn_context_status(ctx), CNN_ERROR_FORMAT, "byte 3075: label 100, expected 0 to 99");
}
END_TEST

/* A file that is cut is refused, or is a file of fewer whole records. */
START_TEST(files_cut_anywhere_are_refused)
{
    unsigned char file[MOST], packed[MOST + 100];
    size_t size = records(file, 0, 2, 1), packed_size = gzip_make(packed, file, size);
    for (size_t cut = 0; cut < size; cut += cut % 3073 < 3 || cut % 3073 > 3070 ? 1 : 307) {
        file_put(in_folder("test_batch.bin"), file, cut);
        cnn_dataset *d = open10(CNN_CIFAR_TEST);
        ck_assert((d != NULL) == (cut == 3073));
        if (!d) {
            assert_error(cnn_context_status(ctx), CNN_ERROR_FORMAT, "test_batch.bin: byte ");
        }
        cnn_dataset_free(d);
    }
    folder_count(true);
    for (size_t cut = 2; cut < packed_size && has_gzip; cut += cut < 30 || cut + 30 > packed_size ? 1 : 307) {
        file_put(in_folder("test_batch.bin.gz"), packed, cut);
        ck_assert_ptr_null(open10(CNN_CIFAR_TEST));
        assert_error(cnn_context_status(ctx), CNN_ERROR_FORMAT, "test_batch.bin.gz: byte ");
    }
    for (size_t at = 10; at < packed_size && has_gzip; at += 97) { /* the checksum covers all of it */
        packed[at] ^= 1;
        file_put(in_folder("test_batch.bin.gz"), packed, packed_size);
        packed[at] ^= 1;
        ck_assert_ptr_null(open10(CNN_CIFAR_TEST));
        assert_error(cnn_context_status(ctx), CNN_ERROR_FORMAT, "test_batch.bin.gz: byte ");
    }
}
END_TEST

START_TEST(a_bomb_takes_no_memory)
{
    enum { RUNS = 700000 }; /* 180 MB out of 1.1 MB: more than 50000 records */
    unsigned char *packed = malloc(RUNS * 2), first[1] = { 0 };
    ck_assert_ptr_nonnull(packed);
    if (has_gzip) {
        file_put(in_folder("test_batch.bin.gz"), packed, gzip_bomb(packed, first, 1, RUNS));
        meter_reset();
        ck_assert_ptr_null(open10(CNN_CIFAR_TEST));
        assert_error(cnn_context_status(ctx), CNN_ERROR_FORMAT, "more than 50000 records of 3073 bytes");
        ck_assert_uint_lt(atomic_load(&meter.peak), 1 << 20);
    }
    free(packed);
}
END_TEST

START_TEST(missing_files_and_bad_arguments_are_named)
{
    ck_assert_ptr_null(open10(CNN_CIFAR_TRAIN));
    assert_error(cnn_context_status(ctx), CNN_ERROR_NOT_FOUND, "cifar10_open: no data_batch_1.bin or data_batch_1.bin.gz in \"");
    assert_error(cnn_context_status(ctx), CNN_ERROR_NOT_FOUND, "\" or its folder cifar-10-batches-bin");
    put_training(false);
    ck_assert_int_eq(unlink(in_folder("data_batch_4.bin")), 0);
    ck_assert_ptr_null(open10(CNN_CIFAR_TRAIN));
    assert_error(cnn_context_status(ctx), CNN_ERROR_NOT_FOUND, "no data_batch_4.bin or ");
    ck_assert_ptr_null(cnn_cifar100_open(ctx, test_folder, CNN_CIFAR_TEST, true));
    assert_error(cnn_context_status(ctx), CNN_ERROR_NOT_FOUND, "cifar100_open: no test.bin or test.bin.gz in ");
    ck_assert_ptr_null(open10((cnn_cifar_split)2));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "cifar10_open: split is 2, expected CNN_CIFAR_TRAIN or");
    ck_assert_ptr_null(cnn_cifar10_open(ctx, NULL, CNN_CIFAR_TEST));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "cifar10_open: directory is NULL");
    ck_assert_ptr_null(cnn_cifar10_open(NULL, test_folder, CNN_CIFAR_TEST));
    assert_error(cnn_context_status(NULL), CNN_ERROR_INVALID_ARGUMENT, "cifar10_open: ctx is NULL");
}
END_TEST

START_TEST(opening_survives_failing_calls_and_allocations)
{
    file_put(in_folder("batches.meta.txt"), ten_names, sizeof ten_names - 1);
    for (int gz = 0; gz <= has_gzip; gz++) {
        put_records(gz ? "test_batch.bin.gz" : "test_batch.bin", 0, 2, 1, gz);
        cnn_dataset *d = NULL;
        for (long n = 0; !d; n++) {
            meter_reset();
            size_t before = atomic_load(&meter.now);
            atomic_store(&meter.fail_at, n);
            d = open10(CNN_CIFAR_TEST);
            meter_reset();
            if (!d) {
                assert_error(cnn_context_status(ctx), CNN_ERROR_NO_MEMORY, "cifar10_open: no memory");
                ck_assert_uint_eq(atomic_load(&meter.now), before);
            }
            ck_assert_int_lt(n, 100);
        }
        cnn_dataset_free(d);
#if CNN__POSIX
        d = NULL;
        for (long n = 0; !d; n++) {
            faults_begin(n, EIO, false);
            d = open10(CNN_CIFAR_TEST);
            faults_end();
            if (!d) {
                assert_error(cnn_context_status(ctx), CNN_ERROR_IO, strerror(EIO));
            }
            ck_assert_int_lt(n, 100);
        }
        cnn_dataset_free(d);
#endif
        if (!gz) {
            ck_assert_int_eq(unlink(in_folder("test_batch.bin")), 0);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cifar");
    TCase *tests = suite_case(suite, "cifar", setup, teardown);
    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, cifar10_is_read_in_the_order_of_its_files);
    tcase_add_test(tests, cifar100_has_fine_and_coarse_labels);
    tcase_add_test(tests, the_archives_folder_is_searched);
    tcase_add_test(tests, class_names_come_with_the_dataset_and_its_parts);
    tcase_add_test(tests, broken_class_names_are_refused_with_the_byte);
    tcase_add_test(tests, broken_records_are_refused_with_the_byte);
    tcase_add_test(tests, files_cut_anywhere_are_refused);
    tcase_add_test(tests, a_bomb_takes_no_memory);
    tcase_add_test(tests, missing_files_and_bad_arguments_are_named);
    tcase_add_test(tests, opening_survives_failing_calls_and_allocations);
    return suite_run(suite);
}
