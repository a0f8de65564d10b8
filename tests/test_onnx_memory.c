/* What a model of one large tensor takes while it is loaded: elements that are used where they lie, or in another file, or that are
 * converted, or in repeated fields. At no time is it more than twice the file, or what the tensor takes, and 1 MiB. */
#include "support/counted_pages.h"
#include "support/onnx_case.h"

#include <sys/prctl.h>
#include <sys/stat.h>

enum { RAW, FIELDS, OUTSIDE };

typedef struct storage {
    int type, bytes; /* one element in the file; 0 bytes: two share a byte */
    int place, field;
    int wide;     /* bytes of an element in libcnn */
    int unaligned; /* bytes before the tensor, so that it does not begin at a multiple of its elements' size */
} storage;

static const storage storages[] = {
    { 1, 4, RAW, 9, 4, 0 },   { 1, 4, RAW, 9, 4, 1 },   { 1, 4, FIELDS, 4, 4, 0 }, { 1, 4, OUTSIDE, 0, 4, 0 }, { 10, 2, RAW, 9, 4, 0 },
    { 10, 2, OUTSIDE, 0, 4, 0 }, { 11, 8, RAW, 9, 8, 0 },  { 11, 8, FIELDS, 10, 8, 0 }, { 16, 2, RAW, 9, 2, 1 },  { 3, 1, RAW, 9, 4, 0 },
    { 3, 1, FIELDS, 5, 4, 0 }, { 3, 1, OUTSIDE, 0, 4, 0 }, { 5, 2, RAW, 9, 4, 0 },    { 4, 2, OUTSIDE, 0, 4, 0 }, { 2, 1, RAW, 9, 1, 0 },
    { 9, 1, RAW, 9, 1, 0 },   { 9, 1, OUTSIDE, 0, 1, 0 }, { 6, 4, RAW, 9, 4, 0 },    { 7, 8, RAW, 9, 8, 0 },     { 7, 1, FIELDS, 7, 8, 0 },
    { 12, 4, RAW, 9, 8, 0 },  { 22, 0, RAW, 9, 4, 0 },   { 21, 0, OUTSIDE, 0, 4, 0 }
};
enum { STORAGES = sizeof storages / sizeof *storages, FILE_BYTES = 8 << 20, SHORT = 12345 };

/* What element i is: a number that all types have. */
static int value_of(int type, int64_t i)
{
    return type == 9 ? (int)(i % 3 == 1) : (int)(i * 7 % 8 - (type == 22 ? 4 : 0));
}

static uint16_t half_of(int value)
{
    static const uint16_t halves[8] = { 0, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600, 0x4700 };
    return halves[value];
}

static void put_element(unsigned char *to, const storage *s, int64_t i)
{
    int value = value_of(s->type, i);
    union {
        float f;
        double d;
        uint16_t half;
        int64_t n;
    } bits = { .n = value };
    if (s->type == 1) {
        bits.f = (float)value;
    } else if (s->type == 11) {
        bits.d = value;
    } else if (s->type == 10) {
        bits.half = half_of(value);
    } else if (s->type == 16) { /* the upper half of an f32 */
        uint32_t wide;
        bits.f = (float)value;
        memcpy(&wide, &bits.f, sizeof wide);
        bits.half = (uint16_t)(wide >> 16);
    }
    if (s->bytes == 0) {
        to[i / 2] = (unsigned char)(to[i / 2] | (value & 15) << (i % 2 ? 4 : 0));
    } else {
        memcpy(to + i * s->bytes, &bits, (size_t)s->bytes);
    }
}

/* y = x + (w as f32), whose large tensor is stored so. Returns the path of the file. */
static const char *write_large(const storage *s, int64_t numel)
{
    int64_t bytes = s->bytes ? numel * s->bytes : (numel + 1) / 2;
    unsigned char *elements = calloc(1, (size_t)bytes);
    ck_assert_ptr_nonnull(elements);
    for (int64_t i = 0; i < numel; i++) {
        put_element(elements, s, i);
    }
    buffer g = { 0 }, part = node_message("Cast", "w", "f"), tensor = { 0 };
    put_int_attribute(&part, "to", FLOAT);
    put_message(&g, 1, &part);
    put_node(&g, 1, "Add", NULL, "x f", "y");
    if (s->place == OUTSIDE) {
        tensor = external_message("w", 1, &numel, "w.data", "8", NULL);
        unsigned char *all = calloc(1, (size_t)bytes + 8);
        ck_assert_ptr_nonnull(all);
        memcpy(all + 8, elements, (size_t)bytes);
        file_put(in_folder("w.data"), all, (size_t)bytes + 8);
        free(all);
        put_int(&tensor, 2, s->type); /* the last one counts */
    } else {
        put_int(&tensor, 1, numel);
        put_int(&tensor, 2, s->type);
        put_text(&tensor, 8, "w");
        put_bytes(&tensor, s->field, elements, (size_t)bytes);
    }
    char pad[8] = "";
    memset(pad, 'p', (size_t)s->unaligned);
    put_text(&g, 10, pad);
    put_message(&g, 5, &tensor);
    put_x_and_y(&g, 1, -1);
    free(elements);
    buffer model = model_message(&g, 22);
    return model_file("large.onnx", &model);
}

static inline size_t size_of(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (size_t)info.st_size : 0;
}

static void check_elements(cnn_module *module, const storage *s, int64_t numel)
{
    cnn_tensor *x = cnn_tensor_full(ctx, CNN_F32, 0.5, CNN_SHAPE(1));
    float *y = malloc((size_t)numel * sizeof *y);
    ck_assert_ptr_nonnull(y);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
    cnn_tensor *out = cnn_forward(module, cnn_input(tape, x));
    ck_assert_msg(cnn_tensor_read(out, y, (size_t)numel * sizeof *y) == CNN_OK, "%s", cnn_last_error(ctx));
    for (int64_t i = 0; i < numel; i++) {
        if (y[i] != (float)value_of(s->type, i) + 0.5f) {
            ck_abort_msg("type %d: element %lld is %g", s->type, (long long)i, (double)y[i]);
        }
    }
    free(y);
    cnn_tensor_free(x);
}

/* All of the file is some MiB, so that buffers of its size would show. */
START_TEST(one_large_tensor)
{
#ifndef SANITIZED
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); /* pages of 2 MiB, which the system hands out whole, would count before they are used */
    const storage *s = &storages[_i];
    int64_t numel = s->bytes ? FILE_BYTES / s->bytes - 1 : 2 * FILE_BYTES - 1;
    const char *path = write_large(s, numel);
    for (int map = 0; map < 2; map++) {
        size_t files = size_of(path) + (s->place == OUTSIDE ? size_of(in_folder("w.data")) : 0), tensor = (size_t)numel * (size_t)s->wide;
        malloc_trim(0);
        size_t before = anonymous_most = anonymous_now(), bound = (2 * files > tensor ? 2 * files : tensor) + (1 << 20);
        heap_before_free = anonymous_look;
        cnn_module *module = cnn_onnx_load(ctx, path, CNN_OPTIONS(cnn_onnx_options, .map = map));
        heap_before_free = NULL;
        anonymous_look();
        size_t most = anonymous_most - before;
        ck_assert_msg(module != NULL, "%s", cnn_last_error(ctx));
        ck_assert_msg(most < bound, "%s: type %d, %zu bytes in the file, %zu in the tensor: %zu, expected less than %zu",
                      map ? "mapped" : "read", s->type, files, tensor, most, bound);
        ck_assert_msg(map || most > FILE_BYTES / 2 || !before, "%zu bytes are counted", most);
        cnn_module_free(module);
    }
#endif
}
END_TEST

/* The same elements, also where they end in the middle of what is read at once. */
START_TEST(elements_are_those_of_the_file)
{
    const storage *s = &storages[_i];
    for (int long_one = 0; long_one < 2; long_one++) {
        int64_t numel = long_one ? (s->bytes ? 2100000 / s->bytes : 2 * 1050001 + 1) : SHORT;
        const char *path = write_large(s, numel);
        for (int map = 0; map < 2; map++) {
            cnn_module *module = cnn_onnx_load(ctx, path, CNN_OPTIONS(cnn_onnx_options, .map = map));
            ck_assert_msg(module != NULL, "%s", cnn_last_error(ctx));
            check_elements(module, s, numel);
            cnn_module_free(module);
        }
    }
}
END_TEST

/* ---- files that change ---- */

/* A file that was read may be cut off or written to; the module has what it had. */
START_TEST(files_may_change_after_they_were_read)
{
    static const int places[] = { 0, 3 };
    for (int i = 0; i < 2; i++) {
        const storage *s = &storages[places[i]];
        const char *path = write_large(s, 100000);
        cnn_module *module = cnn_onnx_load(ctx, path, NULL);
        ck_assert_msg(module != NULL, "%s", cnn_last_error(ctx));
        ck_assert_int_eq(truncate(path, 10), 0);
        ck_assert(s->place != OUTSIDE || truncate(in_folder("w.data"), 10) == 0);
        check_elements(module, s, 100000);
        cnn_module_free(module);
    }
}
END_TEST

/* What is trained is the module's: the files that are mapped keep their bytes. */
START_TEST(mapped_files_are_not_written_to)
{
    buffer g = { 0 }, part = node_message("Add", "x w", "s");
    const float w[2] = { 1, 2 }, outside[2] = { 3, 4 };
    put_message(&g, 1, &part);
    put_node(&g, 1, "Mul", NULL, "s outside", "y");
    put_tensor(&g, "w", FLOAT, 1, (int64_t[]){ 2 }, w, sizeof w);
    part = external_message("outside", 1, (int64_t[]){ 2 }, "outside.data", "0", "8");
    put_message(&g, 5, &part);
    put_x_and_y(&g, 2, 2);
    buffer model = model_message(&g, 17);
    const char *path = model_file("mapped.onnx", &model);
    file_put(in_folder("outside.data"), (const unsigned char *)outside, sizeof outside);
    size_t size, again_size;
    unsigned char *before = file_get(path, &size);
    cnn_module *module = cnn_onnx_load(ctx, path, CNN_OPTIONS(cnn_onnx_options, .map = true));
    ck_assert_msg(module != NULL, "%s", cnn_last_error(ctx));
    cnn_optimizer *sgd = cnn_sgd_new(module, .lr = 0.5);
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2));
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    ck_assert_int_eq(cnn_backward(cnn_sum(cnn_forward(module, cnn_input(tape, x)), CNN_ALL_DIMS, false)), CNN_OK);
    ck_assert_int_eq(cnn_optimizer_step(sgd), CNN_OK);
    float got[2];
    ck_assert_int_eq(cnn_tensor_read(cnn_module_find(module, "outside"), got, sizeof got), CNN_OK);
    ck_assert(got[0] == 3 - 0.5f * 2 && got[1] == 4 - 0.5f * 3);
    ck_assert_int_eq(cnn_tensor_read(cnn_module_find(module, "w"), got, sizeof got), CNN_OK);
    ck_assert(got[0] == 1 - 0.5f * 3 && got[1] == 2 - 0.5f * 4);
    unsigned char *after = file_get(path, &again_size);
    ck_assert(size == again_size && memcmp(before, after, size) == 0);
    free(after);
    after = file_get(in_folder("outside.data"), &again_size);
    ck_assert(again_size == sizeof outside && memcmp(after, outside, sizeof outside) == 0);
    free(after);
    free(before);
    cnn_tensor_free(x);
    cnn_optimizer_free(sgd);
    cnn_module_free(module);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("onnx_memory");
    TCase *tests = suite_case(suite, "memory", setup, teardown);
    tcase_add_loop_test(tests, one_large_tensor, 0, STORAGES);
    tcase_add_loop_test(tests, elements_are_those_of_the_file, 0, STORAGES);
    tcase_add_test(tests, files_may_change_after_they_were_read);
    tcase_add_test(tests, mapped_files_are_not_written_to);
    return suite_run(suite);
}
