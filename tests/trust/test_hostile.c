/* Untrusted files: valid files cut at every byte and changed at every byte of their headers, and a table of attacks.
 * Each is refused with the file, the byte and the reason, within the bound on memory, and leaves the model unchanged
 * to the bit; or it is another valid file. */
#include "support/idx.h"
#include "support/io.h"
#include "trust.h"

enum { PATHS = 512 };

static long loads, refused;
static size_t worst; /* memory above four times the file's size */
static cnn_module *model;
static cnn_optimizer *optimizer;
static unsigned char *state;
static size_t state_size;
static cnn_random_state random_state;

static void world_make(void)
{
    setup();
    model = make_model(2);
    optimizer = make_optimizer(ADAM, model);
    train(model, optimizer, 1);
    state = state_of(model, &state_size);
    cnn_context_random_state(ctx, &random_state);
}

static void world_free(void)
{
    free(state);
    cnn_optimizer_free(optimizer);
    cnn_module_free(model);
    teardown();
}

/* ---- one load ---- */

typedef cnn_status (*load_fn)(const char *path);

static cnn_status load_tensor(const char *path)
{
    cnn_tensor *t = cnn_tensor_load(ctx, path, "a");
    cnn_tensor_free(t);
    return t ? CNN_OK : cnn_context_status(ctx);
}

/* The file alone, and the first tensor that it has. */
static cnn_status open_only(const char *path)
{
    cnn_file *file = cnn_file_open(ctx, path);
    if (!file || cnn_file_count(file) == 0) {
        cnn_file_free(file);
        return file ? CNN_OK : cnn_context_status(ctx);
    }
    cnn_tensor *t = cnn_file_read(file, 0);
    cnn_status status = t ? CNN_OK : cnn_context_status(ctx);
    cnn_tensor_free(t);
    cnn_file_free(file);
    return status;
}

static cnn_status load_module(const char *path)
{
    return cnn_module_load(model, path);
}

static cnn_status load_both(const char *path)
{
    return load_checkpoint(model, optimizer, NULL, path);
}

static cnn_status load_idx(const char *path)
{
    cnn_tensor *t = cnn_idx_read(ctx, path);
    cnn_tensor_free(t);
    return t ? CNN_OK : cnn_context_status(ctx);
}

static cnn_status load_npy(const char *path)
{
    cnn_tensor *t = cnn_npy_load(ctx, path);
    cnn_tensor_free(t);
    return t ? CNN_OK : cnn_context_status(ctx);
}

/* Every tensor of the archive. */
static cnn_status load_npz(const char *path)
{
    cnn_file *file = cnn_file_open(ctx, path);
    cnn_status status = file ? CNN_OK : cnn_context_status(ctx);
    for (int i = 0; status == CNN_OK && i < cnn_file_count(file); i++) {
        cnn_tensor *t = cnn_file_read(file, i);
        status = t ? CNN_OK : cnn_context_status(ctx);
        cnn_tensor_free(t);
    }
    cnn_file_free(file);
    return status;
}

static void assert_nothing_changed(void)
{
    cnn_random_state now;
    cnn_context_random_state(ctx, &now);
    assert_state(model, state, state_size);
    ck_assert_uint_eq(now.stream, random_state.stream);
    ck_assert_int_eq((int)cnn_optimizer_step_count(optimizer), 1);
    ck_assert_double_eq(cnn_optimizer_lr(optimizer, 0), 1e-2);
}

/* Loads a file of `size` bytes; a failure must keep every promise. */
static cnn_status try_file(load_fn load, const char *path, size_t size)
{
    cnn_context_clear_error(ctx);
    meter_reset();
    size_t before = atomic_load(&meter.now);
    cnn_status status = load(path);
    size_t peak = atomic_load(&meter.peak) - before;
    loads++;
    ck_assert_uint_lt(peak, 4 * size + (1 << 20));
    worst = peak > 4 * size && peak - 4 * size > worst ? peak - 4 * size : worst;
    ck_assert_uint_eq(atomic_load(&meter.now), before);
    if (status != CNN_OK) {
        char named[PATHS];
        const char *message = cnn_last_error(ctx);
        snprintf(named, sizeof named, "%.400s: %s", path, status == CNN_ERROR_FORMAT ? "byte " : "");
        ck_assert_msg(strstr(message, named), "\"%s\" does not name the file and the byte", message);
        ck_assert_msg(status == CNN_ERROR_FORMAT || status == CNN_ERROR_MISMATCH || status == CNN_ERROR_UNSUPPORTED,
                      "%s: %s", cnn_status_name(status), message);
        assert_nothing_changed();
        refused++;
    }
    return status;
}

/* ---- valid files, cut and changed ---- */

typedef struct kind_of_file {
    const char *name;
    load_fn load;
    size_t (*header)(const unsigned char *file, size_t size); /* how many of its bytes are changed */
    bool all_values;                                          /* 255 of them, or the telling ones */
} kind_of_file;

static size_t safetensors_header(const unsigned char *file, size_t size)
{
    (void)size;
    return 8 + file[0] + ((size_t)file[1] << 8);
}

static size_t idx_header(const unsigned char *file, size_t size)
{
    (void)size;
    return 4 + 4 * (size_t)file[3];
}

static size_t npy_header(const unsigned char *file, size_t size)
{
    (void)size;
    return 10 + file[8];
}

/* The head, the check sums and what is between. */
static size_t whole(const unsigned char *file, size_t size)
{
    (void)file;
    return size;
}

static const kind_of_file kinds_of_file[] = {
    { "weights", load_module, safetensors_header, true }, { "checkpoint", load_both, safetensors_header, false },
    { "idx", load_idx, idx_header, true },                { "npy", load_npy, npy_header, true },
    { "npz", load_npz, whole, false },                    { "gzip", load_idx, whole, true },
};
enum { FILE_KINDS = sizeof kinds_of_file / sizeof *kinds_of_file };

static void make_valid(const char *path, const kind_of_file *k)
{
    if (k->load == load_module) {
        ck_assert_int_eq(cnn_module_save(model, path), CNN_OK);
    } else if (k->load == load_both) {
        ck_assert_int_eq(save_checkpoint(model, optimizer, 1, path), CNN_OK);
    } else if (k->load == load_npy || k->load == load_npz) {
        cnn_tensor *t = cnn_tensor_arange(ctx, CNN_F32, 0, 4, 1);
        ck_assert_int_eq(k->load == load_npy ? cnn_npy_save(t, path)
                                             : cnn_npz_save((const char *const[]){ "a", "b" }, (cnn_tensor *const[]){ t, t }, 2, path),
                         CNN_OK);
        cnn_tensor_free(t);
    } else {
        unsigned char file[64], packed[128], data[24] = { 1, 2, 3, 0xff };
        size_t size = idx_make(file, 0x0b, 2, (const uint32_t[]){ 3, 4 }, data, sizeof data);
        bool gz = k->header == whole;
        size_t packed_size = gzip_make(packed, file, size);
        file_put(path, gz ? packed : file, gz ? packed_size : size);
    }
}

static bool left_out(const kind_of_file *k)
{
#ifndef CNN_HAVE_ZLIB
    if (k->load == load_idx && k->header == whole) {
        printf("skipped: gzipped files; there is no zlib\n");
        return true;
    }
#endif
    (void)k;
    return false;
}

START_TEST(files_cut_at_every_byte_are_refused)
{
    const kind_of_file *k = &kinds_of_file[_i];
    char path[PATHS];
    size_t size;
    snprintf(path, sizeof path, "%s", in_folder(k->name));
    if (left_out(k)) {
        return;
    }
    make_valid(path, k);
    unsigned char *file = file_get(path, &size);
    ck_assert_int_eq(try_file(k->load, path, size), CNN_OK);
    while (size-- > 0) {
        ck_assert_int_eq(truncate(path, (off_t)size), 0);
        ck_assert_msg(try_file(k->load, path, size) == CNN_ERROR_FORMAT, "%s of %zu bytes", k->name, size);
    }
    free(file);
}
END_TEST

/* Puts everything back that a load of another valid file may have changed. */
static void recover(const kind_of_file *k)
{
    if (k->load == load_module || k->load == load_both) {
        ck_assert_int_eq(load_checkpoint(model, optimizer, NULL, in_folder("good")), CNN_OK);
    }
}

START_TEST(headers_changed_at_every_byte_keep_every_promise)
{
    static const unsigned char telling[] = { 0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80 }; /* bits to flip */
    static const unsigned char values[] = { 0x00, 0xff, '"', '\\', '0', '9', ',', '{', ']', 0xc3 };
    const kind_of_file *k = &kinds_of_file[_i];
    char path[PATHS];
    size_t size;
    snprintf(path, sizeof path, "%s", in_folder(k->name));
    if (left_out(k)) {
        return;
    }
    ck_assert_int_eq(save_checkpoint(model, optimizer, 1, in_folder("good")), CNN_OK);
    make_valid(path, k);
    unsigned char *file = file_get(path, &size);
    int fd = open(path, O_WRONLY);
    ck_assert_int_ge(fd, 0);
    long before = refused, tried = 0;
    for (size_t at = 0; at < k->header(file, size); at++) {
        int count = k->all_values ? 255 : (int)(sizeof telling + sizeof values);
        for (int v = 0; v < count; v++) {
            unsigned char value = k->all_values                ? (unsigned char)(file[at] + 1 + v)
                                  : v < (int)sizeof telling    ? file[at] ^ telling[v]
                                                               : values[v - (int)sizeof telling];
            ck_assert_int_eq(pwrite(fd, &value, 1, (off_t)at), 1);
            tried++;
            if (try_file(k->load, path, size) == CNN_OK) {
                recover(k);
            }
        }
        ck_assert_int_eq(pwrite(fd, file + at, 1, (off_t)at), 1);
    }
    /* gzip lets time stamp and system be anything, and a checkpoint's numbers may be other numbers. */
    ck_assert_int_gt((refused - before) * 10, tried * (k->header == whole ? 7 : 8));
    close(fd);
    free(file);
}
END_TEST

/* ---- attacks on safetensors ---- */

typedef struct attack {
    const char *what;
    const char *header; /* '@' is taken out: there is the byte that the message must name; '~' becomes a NUL */
    size_t data;
    const char *reason;
} attack;

#define T(name, shape, offsets) "\"" name "\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static const attack attacks[] = {
    { "a rank past the limit", "{" T("a", "[1,1,1,1,1,1,1,1,@1]", "[0,4]") "}", 4, "more than 8 dimensions" },
    { "a product past int64", "{@" T("a", "[4294967296,4294967296]", "[0,4]") "}", 4, "the shape's product overflows" },
    { "bytes past int64", "{@" T("a", "[2305843009213693953]", "[0,4]") "}", 4, "the shape's product overflows" },
    { "a product that a zero hides", "{@" T("a", "[0,9223372036854775807,3]", "[0,0]") "}", 0, "the shape's product overflows" },
    { "a product that wraps to the right size", "{@" T("a", "[4611686018427387905,4]", "[0,16]") "}", 16,
      "the shape's product overflows" },
    { "offsets swapped", "{" T("a", "[2]", "[@8,0]") "}", 8, "data_offsets run backwards" },
    { "tensors that overlap", "{" T("a", "[2]", "[0,8]") "," T("@b", "[1]", "[4,8]") "}", 8, "tensors overlap" },
    { "the same place twice", "{" T("a", "[2]", "[0,8]") "," T("@b", "[2]", "[0,8]") "}", 8, "tensors overlap" },
    { "the same place twice, the other way round", "{" T("b", "[2]", "[0,8]") "," T("@a", "[2]", "[0,8]") "}", 8, "tensors overlap" },
    { "a hole", "{" T("a", "[1]", "[0,4]") "," T("@b", "[1]", "[8,12]") "}", 12, "tensors leave a hole" },
    { "a hole at the beginning", "{" T("@a", "[1]", "[4,8]") "}", 8, "tensors leave a hole" },
    { "an end past the file's", "{@" T("a", "[2]", "[0,8]") "}", 7, "data_offsets point past the end of the file" },
    { "an end at 2^63 - 1", "{@" T("a", "[1]", "[9223372036854775803,9223372036854775807]") "}", 4,
      "data_offsets point past the end of the file" },
    { "a trailing byte", "{" T("a", "[1]", "[0,4]") "}@", 5, "goes on for 1 bytes" },
    { "a tensor twice", "{" T("a", "[1]", "[0,4]") "," T("@a", "[1]", "[4,8]") "}", 8, "a second tensor \"a\"" },
    { "a tensor twice, once escaped", "{" T("a", "[1]", "[0,4]") "," T("@\\u0061", "[1]", "[4,8]") "}", 8, "a second tensor \"a\"" },
    { "a field twice", "{\"a\":{\"dtype\":\"F32\",@\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, "a duplicate key" },
    { "metadata twice", "{\"__metadata__\":{},@\"__metadata__\":{}}", 0, "a duplicate key" },
    { "a key of the metadata twice", "{\"__metadata__\":{\"k\":\"v\",\"@k\":\"w\"}}", 0, "a second key \"k\"" },
    { "NUL padding", "{" T("a", "[1]", "[0,4]") "}@~~~", 4, "expected spaces up to the header's end" },
    { "NUL before the header", "@~{}", 0, "the header does not begin with '{'" },
    { "a NUL in a name", "{\"a@~b\":{}}", 0, "a control character" },
    { "an escaped NUL in a name", "{\"a\\u@0000b\":{}}", 0, "U+0000" },
    { "a byte that is no UTF-8", "{\"@\xff\":{}}", 0, "invalid UTF-8" },
    { "UTF-8 that is too long", "{\"@\xc0\xaf\":{}}", 0, "invalid UTF-8" },
    { "a surrogate in UTF-8", "{\"x@\xed\xa0\x80\":{}}", 0, "invalid UTF-8" },
    { "a sequence that is cut", "{\"__metadata__\":{\"k\":\"@\xe2\x82\"}}", 0, "invalid UTF-8" },
    { "half of a pair of surrogates", "{\"\\u@d83d\":{}}", 0, "half of a surrogate pair" },
    { "a number as 1e3", "{" T("a", "[@1e3]", "[0,4]") "}", 4, "not written as an integer" },
    { "a number as 1.0", "{" T("a", "[@1.0]", "[0,4]") "}", 4, "not written as an integer" },
    { "minus zero", "{" T("a", "[@-0]", "[0,0]") "}", 0, "expected a non-negative integer" },
    { "a negative size", "{" T("a", "[@-1]", "[0,4]") "}", 4, "expected a non-negative integer" },
    { "20 digits", "{" T("a", "[@10000000000000000000]", "[0,4]") "}", 4, "an integer past 2^63 - 1" },
    { "an offset as 1e3", "{" T("a", "[1]", "[0,@4e0]") "}", 4, "not written as an integer" },
    { "an offset of minus zero", "{" T("a", "[1]", "[@-0,4]") "}", 4, "expected a non-negative integer" },
    { "an offset of 20 digits", "{" T("a", "[1]", "[0,@18446744073709551620]") "}", 4, "an integer past 2^63 - 1" },
    { "a leading zero", "{" T("a", "[@01]", "[0,4]") "}", 4, "a leading zero" },
};

static void put_prefix(unsigned char *file, uint64_t length)
{
    for (int i = 0; i < 8; i++) {
        file[i] = (unsigned char)(length >> 8 * i);
    }
}

/* Every reader of safetensors refuses the file at `path`, at that byte and for that reason. */
static void assert_refused(const char *what, const char *path, size_t size, uint64_t byte, const char *reason)
{
    static const load_fn readers[] = { load_tensor, open_only, load_module, load_both };
    char expected[64];
    snprintf(expected, sizeof expected, ": byte %llu: ", (unsigned long long)byte);
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        cnn_status status = try_file(readers[i], path, size);
        const char *message = cnn_last_error(ctx);
        ck_assert_msg(status == CNN_ERROR_FORMAT, "%s: %s", what, cnn_status_name(status));
        ck_assert_msg(strstr(message, expected), "%s: \"%s\" does not say \"%s\"", what, message, expected);
        ck_assert_msg(strstr(message, reason), "%s: \"%s\" does not say \"%s\"", what, message, reason);
    }
}

START_TEST(attacks_are_refused_with_file_byte_and_reason)
{
    const attack *a = &attacks[_i];
    unsigned char file[1024] = { 0 };
    size_t size = 8;
    uint64_t byte = 0;
    for (const char *c = a->header; *c; c++) {
        if (*c == '@') {
            byte = size;
        } else {
            file[size++] = (unsigned char)(*c == '~' ? '\0' : *c);
        }
    }
    put_prefix(file, size - 8);
    size += a->data;
    /* What follows the tensors begins where they end. */
    byte += byte + a->data == size ? a->data - 1 : 0;
    file_put(in_folder("attack"), file, size);
    assert_refused(a->what, in_folder("attack"), size, byte, a->reason);
}
END_TEST

START_TEST(header_lengths_are_checked)
{
    static const char header[] = "{" T("a", "[2]", "[0,8]") "}";
    enum { LENGTH = sizeof header - 1, SIZE = 8 + LENGTH + 8 };
    static const struct {
        uint64_t length, byte;
        const char *reason;
    } lengths[] = {
        { 0, 0, "a header of 0 bytes, expected 2 to" },
        { 1, 0, "a header of 1 bytes, expected 2 to" },
        { SIZE - 8 - 1, 9, "data_offsets point past the end of the file" },
        { SIZE - 8, 9, "data_offsets point past the end of the file" },
        { SIZE - 8 + 1, 0, "expected 2 to" },
        { (uint64_t)1 << 32 | LENGTH, 0, "expected 2 to" },
        { (uint64_t)1 << 63, 0, "a header of 9223372036854775808 bytes, expected 2 to" },
        { UINT64_MAX, 0, "a header of 18446744073709551615 bytes, expected 2 to" },
    };
    unsigned char file[SIZE] = { 0 };
    memcpy(file + 8, header, LENGTH);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        put_prefix(file, lengths[i].length);
        file_put(in_folder("length"), file, SIZE);
        assert_refused(lengths[i].reason, in_folder("length"), SIZE, lengths[i].byte, lengths[i].reason);
    }
}
END_TEST

/* A reader that calls itself for each bracket would end in a crash here. */
START_TEST(nesting_costs_nothing)
{
    static const struct {
        const char *start, *again, *reason;
        size_t byte; /* where the first bracket is that is one too many */
    } nests[] = {
        { "{\"a\":", "[", "expected an object", 8 + 5 },
        { "{\"a\":", "{\"a\":", "expected dtype, shape or data_offsets", 8 + 6 },
        { "{\"a\":{\"shape\":[", "[", "expected a non-negative integer", 8 + 15 },
        { "{\"__metadata__\":{\"k\":", "{\"k\":", "expected a string", 8 + 21 },
    };
    enum { SIZE = 4000000 };
    unsigned char *file = malloc(SIZE);
    ck_assert_ptr_nonnull(file);
    put_prefix(file, SIZE - 8);
    for (size_t i = 0; i < sizeof nests / sizeof *nests; i++) {
        size_t at = 8, start = strlen(nests[i].start), step = strlen(nests[i].again);
        memset(file + 8, '[', SIZE - 8);
        memcpy(file + at, nests[i].start, start);
        for (at += start; at + step <= SIZE; at += step) {
            memcpy(file + at, nests[i].again, step);
        }
        file_put(in_folder("nest"), file, SIZE);
        assert_refused(nests[i].again, in_folder("nest"), SIZE, nests[i].byte, nests[i].reason);
    }
    free(file);
}
END_TEST

/* ---- gzip bombs ---- */

static size_t bytes_read;

static ssize_t counting_read(int fd, void *buffer, size_t size)
{
    ssize_t got = cnn__file_system.read(fd, buffer, size);
    bytes_read += got > 0 ? (size_t)got : 0;
    return got;
}

/* A gigabyte of zeros in 7 MB: neither is it inflated nor is the file read on, past what the header promises. */
START_TEST(bombs_stop_at_the_promised_size)
{
    enum { RUNS = 4200000, PROMISED = 1000 };
    cnn__file_calls calls = cnn__file_system;
    unsigned char header[16], *packed = malloc(RUNS * 2);
    ck_assert_ptr_nonnull(packed);
    if (!left_out(&kinds_of_file[FILE_KINDS - 1])) {
        size_t size = idx_make(header, 8, 1, (const uint32_t[]){ PROMISED }, NULL, 0);
        size_t packed_size = gzip_bomb(packed, header, size, RUNS);
        file_put(in_folder("bomb"), packed, packed_size);
        calls.read = counting_read;
        cnn__file_inject(&calls);
        bytes_read = 0;
        assert_error(try_file(load_idx, in_folder("bomb"), PROMISED), CNN_ERROR_FORMAT,
                     "byte 1008 of the uncompressed data: the data should end here, but it goes on");
        ck_assert_uint_lt(bytes_read, 1 << 17);
        /* A file that is too small for what it promises gives itself away before memory is taken. */
        size = idx_make(header, 8, 1, (const uint32_t[]){ 0xffffffff }, NULL, 0);
        file_put(in_folder("bomb"), packed, gzip_bomb(packed, header, size, 100));
        assert_error(try_file(load_idx, in_folder("bomb"), 0), CNN_ERROR_FORMAT, "can hold at most");
        cnn__file_inject(NULL);
    }
    free(packed);
}
END_TEST

int main(void)
{
    trust_begin("hostile");
    TCase *tests = trust_case("hostile", 600);
    tcase_add_checked_fixture(tests, world_make, world_free);
    tcase_add_loop_test(tests, files_cut_at_every_byte_are_refused, 0, FILE_KINDS);
    tcase_add_loop_test(tests, headers_changed_at_every_byte_keep_every_promise, 0, FILE_KINDS);
    tcase_add_loop_test(tests, attacks_are_refused_with_file_byte_and_reason, 0, (int)(sizeof attacks / sizeof *attacks));
    tcase_add_test(tests, header_lengths_are_checked);
    tcase_add_test(tests, nesting_costs_nothing);
    tcase_add_test(tests, bombs_stop_at_the_promised_size);
    int failed = trust_run();
    return trust_end(failed, "hostile: %ld loads, %ld refused, at most %zu bytes of memory above 4 times the file's size", loads,
                     refused, worst);
}
