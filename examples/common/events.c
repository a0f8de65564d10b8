/* A record is the length of its data, the length's check sum, the data and its check sum (TensorFlow's
 * tensorflow/core/lib/io/record_writer.h). Numbers of fields are those of event.proto, summary.proto and histogram.proto. */
#include "events.h"

#include "graph.h"
#include "message.h"
#include "png.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { EVENT_WALL_TIME = 1, EVENT_STEP = 2, EVENT_FILE_VERSION = 3, EVENT_GRAPH_DEF = 4, EVENT_SUMMARY = 5 };
enum { SUMMARY_VALUE = 1, VALUE_TAG = 1, VALUE_SIMPLE = 2, VALUE_IMAGE = 4, VALUE_HISTOGRAM = 5 };
enum { IMAGE_HEIGHT = 1, IMAGE_WIDTH = 2, IMAGE_COLORSPACE = 3, IMAGE_ENCODED = 4 };
enum { HISTOGRAM_MIN = 1, HISTOGRAM_MAX, HISTOGRAM_NUM, HISTOGRAM_SUM, HISTOGRAM_SQUARES, HISTOGRAM_LIMIT, HISTOGRAM_BUCKET };
enum { BUCKETS = 40, PICTURES = 8 };

/* ---- records ---- */

/* CRC-32C (Castagnoli), turned and moved, so that a check sum of data that holds check sums is no chance. */
static uint32_t masked_crc(const unsigned char *data, size_t size)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
        }
    }
    crc = ~crc;
    return (crc >> 15 | crc << 17) + 0xa282ead8;
}

static void little_endian(unsigned char *bytes, uint64_t value, int size)
{
    for (int i = 0; i < size; i++) {
        bytes[i] = (unsigned char)(value >> (8 * i));
    }
}

static void write_record(events *e, const message *data)
{
    unsigned char head[12], tail[4];
    little_endian(head, data->size, 8);
    little_endian(head + 8, masked_crc(head, 8), 4);
    little_endian(tail, masked_crc(data->data, data->size), 4);
    errno = 0;
    e->failed |= data->failed || fwrite(head, sizeof head, 1, e->file) != 1 ||
                 fwrite(data->data, 1, data->size, e->file) != data->size || fwrite(tail, sizeof tail, 1, e->file) != 1;
    e->error = e->failed && !e->error ? errno : e->error;
}

/* An event with one field of its own; frees that. */
static void write_event(events *e, int64_t step, int field, message *inner)
{
    message event = { 0 };
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    message_double(&event, EVENT_WALL_TIME, (double)now.tv_sec + 1e-9 * (double)now.tv_nsec);
    message_int(&event, EVENT_STEP, (uint64_t)step);
    message_message(&event, field, inner);
    write_record(e, &event);
    message_free(&event);
}

/* A summary of one value with a tag; frees `value`, whose field it is. */
static void write_value(events *e, int64_t step, const char *tag, int field, message *inner)
{
    message value = { 0 }, summary = { 0 };
    message_text(&value, VALUE_TAG, tag);
    if (field == VALUE_SIMPLE) {
        message_bytes(&value, inner->data, inner->size);
        value.failed |= inner->failed;
        message_free(inner);
    } else {
        message_message(&value, field, inner);
    }
    message_message(&summary, SUMMARY_VALUE, &value);
    write_event(e, step, EVENT_SUMMARY, &summary);
}

/* ---- files ---- */

static bool make_folder(const char *path)
{
    char *copy = malloc(strlen(path) + 1);
    bool made = copy != NULL;
    if (copy) {
        strcpy(copy, path);
    }
    for (char *at = copy; made && *at; at++) {
        if (*at == '/' && at != copy) {
            *at = '\0';
            made = mkdir(copy, 0777) == 0 || errno == EEXIST;
            *at = '/';
        }
    }
    made = made && (mkdir(copy, 0777) == 0 || errno == EEXIST);
    free(copy);
    return made;
}

bool events_open(events *e, const char *folder)
{
    char host[64] = "localhost";
    gethostname(host, sizeof host - 1);
    size_t size = strlen(folder) + sizeof host + 80;
    char *path = malloc(size);
    *e = (events){ 0 };
    if (path && make_folder(folder)) {
        snprintf(path, size, "%s/events.out.tfevents.%010lld.%s.%ld.0", folder, (long long)time(NULL), host,
                 (long)getpid());
        e->file = fopen(path, "wbe");
    }
    free(path);
    if (e->file) {
        message event = { 0 };
        message_double(&event, EVENT_WALL_TIME, (double)time(NULL));
        message_text(&event, EVENT_FILE_VERSION, "brain.Event:2");
        write_record(e, &event);
        message_free(&event);
    }
    return e->file != NULL;
}

bool events_flush(events *e)
{
    errno = 0;
    bool flushed = fflush(e->file) == 0;
    errno = e->error ? e->error : errno;
    return flushed && !e->failed;
}

bool events_close(events *e)
{
    bool whole = events_flush(e);
    whole &= fclose(e->file) == 0;
    e->file = NULL;
    return whole;
}

/* ---- values ---- */

void events_scalar(events *e, int64_t step, const char *tag, double value)
{
    message m = { 0 };
    message_float(&m, VALUE_SIMPLE, (float)value);
    write_value(e, step, tag, VALUE_SIMPLE, &m);
}

/* The elements as doubles, to be freed; NULL: not to be had. */
static double *elements_of(const cnn_tensor *tensor)
{
    int64_t count = cnn_tensor_numel(tensor);
    cnn_dtype dtype = cnn_tensor_dtype(tensor);
    size_t bytes = (size_t)count * cnn_dtype_size(dtype);
    void *raw = malloc(bytes ? bytes : 1);
    double *elements = malloc((size_t)count * sizeof *elements + 1);
    bool good = raw && elements && (dtype == CNN_F32 || dtype == CNN_F64) && cnn_tensor_read(tensor, raw, bytes) == CNN_OK;
    for (int64_t i = 0; good && i < count; i++) {
        elements[i] = dtype == CNN_F32 ? (double)((const float *)raw)[i] : ((const double *)raw)[i];
    }
    free(raw);
    if (!good) {
        free(elements);
    }
    return good ? elements : NULL;
}

typedef struct range {
    double least, most, sum, squares;
    int64_t count; /* how many values are finite */
} range;

static range range_of(const double *x, int64_t count)
{
    range r = { INFINITY, -INFINITY, 0, 0, 0 };
    for (int64_t i = 0; i < count; i++) {
        if (isfinite(x[i])) {
            r.least = fmin(r.least, x[i]);
            r.most = fmax(r.most, x[i]);
            r.sum += x[i];
            r.squares += x[i] * x[i];
            r.count++;
        }
    }
    return r;
}

void events_histogram(events *e, int64_t step, const char *tag, const cnn_tensor *tensor)
{
    int64_t count = cnn_tensor_numel(tensor);
    double *x = elements_of(tensor), limits[BUCKETS], buckets[BUCKETS] = { 0 };
    range r = x ? range_of(x, count) : (range){ 0 };
    double width = (r.most - r.least) / BUCKETS;
    for (int i = 0; i < BUCKETS; i++) {
        limits[i] = i == BUCKETS - 1 ? r.most : r.least + (i + 1) * width;
    }
    for (int64_t i = 0; x && i < count; i++) {
        double place = width > 0 ? (x[i] - r.least) / width : 0;
        if (isfinite(x[i])) {
            buckets[place < BUCKETS ? (int)place : BUCKETS - 1]++;
        }
    }
    e->failed |= !x;
    free(x);
    if (r.count > 0) {
        message m = { 0 };
        message_double(&m, HISTOGRAM_MIN, r.least);
        message_double(&m, HISTOGRAM_MAX, r.most);
        message_double(&m, HISTOGRAM_NUM, (double)r.count);
        message_double(&m, HISTOGRAM_SUM, r.sum);
        message_double(&m, HISTOGRAM_SQUARES, r.squares);
        message_doubles(&m, HISTOGRAM_LIMIT, limits, BUCKETS);
        message_doubles(&m, HISTOGRAM_BUCKET, buckets, BUCKETS);
        write_value(e, step, tag, VALUE_HISTOGRAM, &m);
    }
}

/* One picture [channels, height, width] into its place in a row of several, its least element black. */
static void draw(const double *x, const int64_t *shape, unsigned char *to, int64_t stride)
{
    int64_t channels = shape[1], height = shape[2], width = shape[3];
    range r = range_of(x, channels * height * width);
    double scale = r.most > r.least ? 255 / (r.most - r.least) : 0;
    for (int64_t i = 0; i < channels * height * width; i++) {
        int64_t c = i / (height * width), row = i / width % height, column = i % width;
        double value = isfinite(x[i]) ? (x[i] - r.least) * scale : 0;
        to[row * stride + column * channels + c] = (unsigned char)(value + 0.5);
    }
}

void events_pictures(events *e, int64_t step, const char *tag, const cnn_tensor *batch)
{
    const int64_t *shape = cnn_tensor_shape(batch);
    if (cnn_tensor_ndim(batch) != 4 || (shape[1] != 1 && shape[1] != 3) || shape[0] < 1) {
        return;
    }
    int64_t count = shape[0] < PICTURES ? shape[0] : PICTURES, one = shape[1] * shape[2] * shape[3];
    double *x = elements_of(batch);
    unsigned char *pixels = malloc((size_t)(count * one) + 1);
    message encoded = { 0 }, image = { 0 };
    e->failed |= !x || !pixels;
    for (int64_t i = 0; x && pixels && i < count; i++) {
        draw(x + i * one, shape, pixels + i * shape[3] * shape[1], count * shape[3] * shape[1]);
    }
    if (x && pixels) {
        png_append(&encoded, (int)(count * shape[3]), (int)shape[2], (int)shape[1], pixels);
        message_int(&image, IMAGE_HEIGHT, (uint64_t)shape[2]);
        message_int(&image, IMAGE_WIDTH, (uint64_t)(count * shape[3]));
        message_int(&image, IMAGE_COLORSPACE, (uint64_t)shape[1]);
        message_message(&image, IMAGE_ENCODED, &encoded);
        write_value(e, step, tag, VALUE_IMAGE, &image);
    }
    free(x);
    free(pixels);
}

void events_graph(events *e, cnn_module *module, const cnn_tensor *batch)
{
    message graph = { 0 };
    if (graph_append(&graph, module, batch)) {
        write_event(e, 0, EVENT_GRAPH_DEF, &graph);
    } else {
        e->failed = true;
    }
    message_free(&graph);
}
