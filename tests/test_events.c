/* The event files of examples/common, read by a reader of the test's own: the framing of records with its check sums, and the messages
 * in them. tests/example/records.sh reads them with TensorBoard. */
#include "support/files.h"
#include "support/suite.h"

#include "../examples/common/events.c"
#include "../examples/common/graph.c"
#include "../examples/common/message.c"
#include "../examples/common/png.c"

static cnn_context *ctx;
static events log_file;

static void setup(void)
{
    folder_make();
    ctx = cnn_context_new(.seed = 1, .threads = 1);
    ck_assert_ptr_nonnull(ctx);
    ck_assert_msg(events_open(&log_file, test_folder), "%s", strerror(errno));
}

static void teardown(void)
{
    cnn_context_free(ctx);
    folder_remove();
}

/* ---- records ---- */

typedef struct bytes {
    const unsigned char *data;
    size_t size;
} bytes;

enum { MOST_RECORDS = 8 };
static unsigned char file_bytes[1 << 18];
static bytes records[MOST_RECORDS];
static int record_count;

/* By the table of the polynomial, where the writer goes bit by bit. */
static uint32_t crc32c(const unsigned char *data, size_t size)
{
    uint32_t table[256], crc = ~0u;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t entry = i;
        for (int bit = 0; bit < 8; bit++) {
            entry = entry & 1 ? 0x82f63b78u ^ entry >> 1 : entry >> 1;
        }
        table[i] = entry;
    }
    for (size_t i = 0; i < size; i++) {
        crc = table[(crc ^ data[i]) & 255] ^ crc >> 8;
    }
    return ~crc;
}

static uint64_t number_at(const unsigned char *at, int size)
{
    uint64_t value = 0;
    for (int i = 0; i < size; i++) {
        value |= (uint64_t)at[i] << (8 * i);
    }
    return value;
}

static void check_sum(const unsigned char *data, size_t size)
{
    uint32_t masked = (uint32_t)number_at(data + size, 4) - 0xa282ead8u;
    ck_assert_uint_eq(masked >> 17 | masked << 15, crc32c(data, size));
}

/* Closes the file and reads all of it. */
static void read_records(void)
{
    char path[600] = "";
    ck_assert(events_close(&log_file));
    DIR *folder = opendir(test_folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (strstr(entry->d_name, "tfevents")) {
            snprintf(path, sizeof path, "%s/%s", test_folder, entry->d_name);
        }
    }
    closedir(folder);
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    size_t size = fread(file_bytes, 1, sizeof file_bytes, file), at = 0;
    fclose(file);
    for (record_count = 0; at < size; record_count++) {
        ck_assert_int_lt(record_count, MOST_RECORDS);
        ck_assert_uint_ge(size - at, 16);
        check_sum(file_bytes + at, 8);
        bytes record = { file_bytes + at + 12, (size_t)number_at(file_bytes + at, 8) };
        ck_assert_uint_le(record.size, size - at - 16);
        check_sum(record.data, record.size);
        records[record_count] = record;
        at += record.size + 16;
    }
}

/* ---- messages ---- */

static uint64_t varint_at(bytes *m)
{
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
        ck_assert_uint_ge(m->size, 1);
        unsigned char byte = *m->data++;
        m->size--;
        value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) {
            return value;
        }
    }
}

/* The value of the place-th field of a number: its bytes, or those of its number, little-endian. */
static bytes field(bytes m, int number, int place)
{
    static unsigned char numbers[16][8];
    static int used;
    while (m.size) {
        uint64_t tag = varint_at(&m), value = 0;
        bytes found = { m.data, tag % 8 == 1 ? 8 : 4 };
        if (tag % 8 == 0) {
            value = varint_at(&m);
            found = (bytes){ numbers[used = (used + 1) % 16], 8 };
            for (int i = 0; i < 8; i++) {
                numbers[used][i] = (unsigned char)(value >> (8 * i));
            }
        } else {
            found.size = tag % 8 == 2 ? (size_t)varint_at(&m) : found.size;
            found.data = m.data;
            ck_assert_uint_le(found.size, m.size);
            m.data += found.size;
            m.size -= found.size;
        }
        if (tag / 8 == (uint64_t)number && place-- == 0) {
            return found;
        }
    }
    return (bytes){ NULL, 0 };
}

static double double_of(bytes value)
{
    double number;
    ck_assert_uint_eq(value.size, 8);
    uint64_t bits = number_at(value.data, 8);
    memcpy(&number, &bits, sizeof number);
    return number;
}

static void check_text(bytes value, const char *expected)
{
    ck_assert_uint_eq(value.size, strlen(expected));
    ck_assert_mem_eq(value.data, expected, value.size);
}

/* The value of the summary in record i, whose step and tag are as expected. */
static bytes summary_value(int i, uint64_t step, const char *tag)
{
    ck_assert_uint_eq(number_at(field(records[i], 2, 0).data, 8), step);
    ck_assert_double_gt(double_of(field(records[i], 1, 0)), 1e9); /* seconds of this century */
    bytes value = field(field(records[i], 5, 0), 1, 0);
    check_text(field(value, 1, 0), tag);
    return value;
}

START_TEST(check_sums_are_those_of_the_standard)
{
    ck_assert_uint_eq(crc32c((const unsigned char *)"123456789", 9), 0xe3069283u); /* RFC 3720, B.4 and others */
    ck_assert_uint_eq(crc32_of((const unsigned char *)"123456789", 9), 0xcbf43926u);
    ck_assert_uint_eq(adler32_of((const unsigned char *)"Wikipedia", 9), 0x11e60398u);
}
END_TEST

START_TEST(scalars_have_their_steps_and_tags)
{
    events_scalar(&log_file, 7, "loss/train", 0.25);
    events_scalar(&log_file, 300, "loss/train", -1e30);
    read_records();
    ck_assert_int_eq(record_count, 3);
    check_text(field(records[0], 3, 0), "brain.Event:2");
    bytes value = field(summary_value(1, 7, "loss/train"), 2, 0);
    float number;
    ck_assert_uint_eq(value.size, 4);
    memcpy(&number, value.data, 4);
    ck_assert_float_eq(number, 0.25f);
    summary_value(2, 300, "loss/train");
}
END_TEST

START_TEST(histograms_hold_every_finite_element)
{
    const float elements[] = { -2, 0, 1, 1, 6, NAN, INFINITY };
    cnn_tensor *t = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(7), elements), *none = cnn_tensor_full(ctx, CNN_F32, NAN, CNN_SHAPE(2));
    events_histogram(&log_file, 1, "weights/w", t);
    events_histogram(&log_file, 1, "weights/none", none);
    read_records();
    ck_assert_int_eq(record_count, 2);
    bytes histogram = field(summary_value(1, 1, "weights/w"), 5, 0), limits = field(histogram, 6, 0), buckets = field(histogram, 7, 0);
    const double numbers[] = { -2, 6, 5, 6, 4 + 1 + 1 + 36 };
    for (int i = 0; i < 5; i++) {
        ck_assert_double_eq(double_of(field(histogram, i + 1, 0)), numbers[i]);
    }
    ck_assert_uint_eq(limits.size, buckets.size);
    double count = 0, before = -2;
    for (size_t i = 0; i < buckets.size; i += 8) {
        double limit = double_of((bytes){ limits.data + i, 8 }), bucket = double_of((bytes){ buckets.data + i, 8 });
        ck_assert_double_gt(limit, before);
        int expected = 0;
        for (int k = 0; k < 5; k++) { /* the last bucket holds its limit, too */
            expected += elements[k] >= before && (elements[k] < limit || i + 8 == buckets.size);
        }
        ck_assert_double_eq(bucket, expected);
        count += bucket;
        before = limit;
    }
    ck_assert_double_eq(before, 6);
    ck_assert_double_eq(count, 5);
    cnn_tensor_free(t);
    cnn_tensor_free(none);
}
END_TEST

static uint32_t big_endian_at(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

START_TEST(pictures_are_png)
{
    float pixels[2 * 3 * 2 * 2];
    for (int i = 0; i < 24; i++) {
        pixels[i] = (float)(i % 12);
    }
    cnn_tensor *t = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(2, 3, 2, 2), pixels);
    events_pictures(&log_file, 3, "train/pictures", t);
    read_records();
    bytes image = field(summary_value(1, 3, "train/pictures"), 4, 0), png = field(image, 4, 0);
    ck_assert_uint_eq(number_at(field(image, 1, 0).data, 8), 2);
    ck_assert_uint_eq(number_at(field(image, 2, 0).data, 8), 4);
    ck_assert_mem_eq(png.data, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\4\0\0\0\2\10\2\0\0\0", 29);
    const unsigned char *idat = png.data + 33;
    ck_assert_mem_eq(idat + 4, "IDAT\x78\x01\1\x1a\0\xe5\xff", 11); /* one stored block of two rows of 1 + 4 · 3 bytes */
    static const unsigned char rows[] = { 0, 0, 93, 185, 23, 116, 209, 0, 93, 185, 23, 116, 209,
                                          0, 46, 139, 232, 70, 162, 255, 46, 139, 232, 70, 162, 255 };
    ck_assert_mem_eq(idat + 15, rows, sizeof rows);
    ck_assert_uint_eq(big_endian_at(idat + 15 + sizeof rows), adler32_of(rows, sizeof rows));
    ck_assert_uint_eq(big_endian_at(idat + 19 + sizeof rows), crc32_of(idat + 4, sizeof rows + 15));
    cnn_tensor_free(t);
}
END_TEST

START_TEST(the_graph_has_a_node_for_each_operation)
{
    cnn_module *net = cnn_sequential_new(ctx, cnn_flatten_new(ctx), cnn_linear_new(ctx, 4, 2), cnn_relu_new(ctx));
    cnn_tensor *x = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(3, 1, 2, 2));
    events_graph(&log_file, net, x);
    read_records();
    bytes graph = field(records[1], 4, 0);
    static const struct {
        const char *name, *op, *input;
    } nodes[] = { { "input_0", "Placeholder", NULL }, { "1/weight", "Parameter", NULL },   { "1/bias", "Parameter", NULL },
                  { "0/flatten_0", "flatten", "input_0" }, { "1/linear_1", "linear", "0/flatten_0" }, { "2/relu_2", "relu", "1/linear_1" } };
    for (int i = 0; i < 6; i++) {
        bytes node = field(graph, 1, i), input = field(node, 3, 0);
        check_text(field(node, 1, 0), nodes[i].name);
        check_text(field(node, 2, 0), nodes[i].op);
        if (nodes[i].input) {
            check_text(input, nodes[i].input);
        } else {
            ck_assert_ptr_null(input.data);
        }
    }
    ck_assert_ptr_null(field(graph, 1, 6).data);
    cnn_tensor_free(x);
    cnn_module_free(net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("events");
    TCase *tests = suite_case(suite, "events", setup, teardown);
    tcase_add_test(tests, check_sums_are_those_of_the_standard);
    tcase_add_test(tests, scalars_have_their_steps_and_tags);
    tcase_add_test(tests, histograms_hold_every_finite_element);
    tcase_add_test(tests, pictures_are_png);
    tcase_add_test(tests, the_graph_has_a_node_for_each_operation);
    return suite_run(suite);
}
