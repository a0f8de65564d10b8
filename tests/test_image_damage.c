/* Damaged and hostile pictures: every truncation, thousands of mutations, scans without end, and files that cannot be
 * read or written. Whatever happens is reported in one line, and nothing is printed. */
#include "support/images.h"

#include <signal.h>
#include <sys/resource.h>

static const char *const victims[] = { "rgb8_interlaced.png", "palette2_trns.png", "gray16_trns.png", "exif5.png", "420.jpg",
                                       "progressive.jpg",     "cmyk.jpg",          "exif8.jpg" };
enum { VICTIMS = sizeof victims / sizeof *victims, MUTATIONS = 1500 };

static const cnn_image_options options = { .struct_size = sizeof options, .max_pixels = 1 << 20, .apply_exif_orientation = true };

START_TEST(every_truncation_is_noticed)
{
    for (int v = 0; v < VICTIMS; v++) {
        size_t size;
        int64_t shape[3];
        unsigned char *bytes = file_get(picture_path(victims[v]), &size);
        for (size_t n = 0; n < size; n++) {
            unsigned char *part = malloc(n + 1); /* exactly that size but for a byte, so that sanitizers see what is read */
            memcpy(part, bytes, n);
            ck_assert_msg(!cnn_image_decode(ctx, part, n, &options), "%s: %zu of %zu bytes are a picture", victims[v], n, size);
            assert_error(cnn_context_status(ctx), CNN_ERROR_FORMAT, n == 0 ? "is empty" : n < 3 ? "is neither" : "");
            free(part);
            if (n % 16 == 0) {
                file_put(in_folder("part"), bytes, n);
                ck_assert_ptr_null(cnn_image_read(ctx, in_folder("part"), &options));
                assert_error(cnn_context_status(ctx), CNN_ERROR_FORMAT, "/part: ");
                cnn_status status = cnn_image_size(ctx, in_folder("part"), &options, shape);
                ck_assert(status == CNN_OK || status == CNN_ERROR_FORMAT);
            }
        }
        free(bytes);
    }
}
END_TEST

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Checksums would catch every mutation of a PNG file: half of them are given the right ones. */
static void mend_checksums(unsigned char *bytes, size_t size)
{
    for (size_t at = 8; at + 12 <= size;) {
        size_t length = (size_t)bytes[at] << 24 | (size_t)bytes[at + 1] << 16 | (size_t)bytes[at + 2] << 8 | bytes[at + 3];
        if (length > size - at - 12) {
            return;
        }
        uint32_t crc = 0xffffffff;
        for (size_t i = at + 4; i < at + 8 + length; i++) {
            crc ^= bytes[i];
            for (int bit = 0; bit < 8; bit++) {
                crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
            }
        }
        for (int i = 0; i < 4; i++) {
            bytes[at + 8 + length + (size_t)i] = (unsigned char)(~crc >> (24 - 8 * i));
        }
        at += 12 + length;
    }
}

START_TEST(mutations_are_read_or_refused)
{
    uint64_t state = 19;
    int read = 0, refused = 0;
    for (int v = 0; v < VICTIMS; v++) {
        size_t size;
        unsigned char *bytes = file_get(picture_path(victims[v]), &size), *mutated = malloc(size);
        for (int m = 0; m < MUTATIONS; m++) {
            memcpy(mutated, bytes, size);
            for (uint64_t k = 0, count = 1 + next_random(&state) % 4; k < count; k++) {
                mutated[next_random(&state) % size] = (unsigned char)next_random(&state);
            }
            if (m % 2 && mutated[0] == 0x89) {
                mend_checksums(mutated, size);
            }
            cnn_tensor *t = cnn_image_decode(ctx, mutated, size, &options);
            cnn_status status = t ? CNN_OK : cnn_context_status(ctx);
            ck_assert_msg(t || status == CNN_ERROR_FORMAT || status == CNN_ERROR_UNSUPPORTED, "%s", cnn_last_error(ctx));
            ck_assert(!t || (cnn_tensor_numel(t) > 0 && cnn_tensor_numel(t) <= 4 << 20));
            read += t != NULL;
            refused += !t;
            cnn_tensor_free(t);
        }
        free(bytes);
        free(mutated);
    }
    ck_assert_int_gt(read, 1000);
    ck_assert_int_gt(refused, 1000);
}
END_TEST

/* The first scan of a progressive file, repeated. */
START_TEST(scans_without_end_are_refused)
{
    size_t size, first = 0, second = 0;
    unsigned char *bytes = file_get(picture_path("progressive_gray.jpg"), &size);
    for (size_t i = 2; i + 1 < size && !second; i++) {
        if (bytes[i] == 0xff && bytes[i + 1] == 0xda) {
            first = first ? first : i;
            second = i > first ? i : 0;
        }
    }
    ck_assert(first && second);
    for (size_t scans = 100; scans <= 600; scans += 500) {
        size_t scan = second - first, length = size + scans * scan;
        unsigned char *longer = malloc(length), *to = longer + second;
        memcpy(longer, bytes, second);
        for (size_t k = 0; k < scans; k++, to += scan) {
            memcpy(to, bytes + first, scan);
        }
        memcpy(to, bytes + second, size - second);
        cnn_tensor *t = cnn_image_decode(ctx, longer, length, NULL);
        if (scans < 500) {
            ck_assert_msg(t, "%s", cnn_last_error(ctx));
        } else {
            ck_assert_ptr_null(t);
            assert_error(cnn_context_status(ctx), CNN_ERROR_UNSUPPORTED, "the JPEG file has more than 500 scans");
        }
        cnn_tensor_free(t);
        free(longer);
    }
    free(bytes);
}
END_TEST

START_TEST(failed_reads_are_reported)
{
    ck_assert_ptr_null(cnn_image_read(ctx, "/proc/self/mem", NULL)); /* a regular file whose first bytes cannot be read */
    assert_error(cnn_context_status(ctx), CNN_ERROR_IO, "/proc/self/mem: cannot be read: Input/output error");
}
END_TEST

START_TEST(failed_writes_are_reported)
{
    if (on_device()) { /* the test device's memory is a file, to which the limit applies too */
        return;
    }
    const struct rlimit small = { .rlim_cur = 2000, .rlim_max = RLIM_INFINITY };
    cnn_tensor *t = cnn_tensor_rand(ctx, CNN_F32, CNN_SHAPE(3, 200, 200)), *u = cnn_tensor_empty(ctx, CNN_U8, CNN_SHAPE(3, 200, 200));
    unsigned char *noise = malloc(3 * 200 * 200);
    for (int i = 0; i < 3 * 200 * 200; i++) {
        noise[i] = (unsigned char)(((const float *)host_elements(t))[i] * 255);
    }
    set_elements(u, noise);
    free(noise);
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    cnn_status png = cnn_image_write_png(u, in_folder("out.png"), 1);
    char message[600];
    snprintf(message, sizeof message, "%s", cnn_last_error(ctx));
    cnn_status jpeg = cnn_image_write_jpeg(u, in_folder("out.jpg"), 95);
    const struct rlimit none = { .rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY };
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
    ck_assert_int_eq(png, CNN_ERROR_IO);
    ck_assert_msg(strstr(message, "/out.png: cannot be written: File too large"), "%s", message);
    assert_error(jpeg, CNN_ERROR_IO, "/out.jpg: cannot be written: File too large");
    ck_assert_int_eq(folder_count(false), 0);
    cnn_tensor_free(t);
    cnn_tensor_free(u);
}
END_TEST

/* ---- nothing is printed ---- */

static int saved_stdout, saved_stderr;

static void setup_silent(void)
{
    setup();
    fflush(NULL);
    saved_stdout = dup(1);
    saved_stderr = dup(2);
    FILE *said = tmpfile();
    ck_assert_ptr_nonnull(said);
    ck_assert(dup2(fileno(said), 1) == 1 && dup2(fileno(said), 2) == 2);
    fclose(said);
}

static void teardown_silent(void)
{
    struct stat info;
    fflush(NULL);
    ck_assert_int_eq(fstat(2, &info), 0);
    dup2(saved_stdout, 1);
    dup2(saved_stderr, 2);
    ck_assert_msg(info.st_size == 0, "%lld bytes were printed", (long long)info.st_size);
    teardown();
}

int main(void)
{
    Suite *suite = suite_create("image_damage");
    TCase *damage = suite_case(suite, "damage", setup_silent, teardown_silent);
    tcase_add_test(damage, every_truncation_is_noticed);
    tcase_add_test(damage, mutations_are_read_or_refused);
    tcase_add_test(damage, scans_without_end_are_refused);
    tcase_add_test(damage, failed_reads_are_reported);
    tcase_add_test(damage, failed_writes_are_reported);
    return suite_run(suite);
}
