/* Writes the first inputs of every harness into the given folder: `seeds tests/fuzz/corpus`. They are valid files of
 * each kind, from which a fuzzer finds others. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

static const char *root;

static const char *path_of(const char *harness, const char *name)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", root, harness);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/%s/seed-%s", root, harness, name);
    return path;
}

static void put(const char *harness, const char *name, const void *data, size_t size)
{
    FILE *f = fopen(path_of(harness, name), "wb");
    fuzz_require(f && fwrite(data, 1, size, f) == size && fclose(f) == 0, "a seed can be written");
}

/* ---- safetensors ---- */

static void put_header(const char *harness, const char *name, const char *header, size_t data)
{
    unsigned char file[1024] = { 0 };
    size_t size = strlen(header);
    file[0] = (unsigned char)size;
    file[1] = (unsigned char)(size >> 8);
    memcpy(file + 8, header, size);
    put(harness, name, file, 8 + size + data);
}

static void put_tensors(void)
{
    put_header("tensor", "empty", "{}", 0);
    put_header("tensor", "every-dtype",
               "{\"f\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]},"
               "\"h\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[8,12]},"
               "\"b\":{\"dtype\":\"BF16\",\"shape\":[1,2],\"data_offsets\":[12,16]},"
               "\"m\":{\"dtype\":\"BOOL\",\"shape\":[],\"data_offsets\":[16,17]},"
               "\"q\":{\"dtype\":\"F8_E4M3\",\"shape\":[0],\"data_offsets\":[17,17]}}",
               17);
    put_header("tensor", "other-dtypes",
               "{\"c\":{\"dtype\":\"C64\",\"shape\":[1],\"data_offsets\":[0,8]},"
               "\"s\":{\"dtype\":\"F6_E3M2\",\"shape\":[4],\"data_offsets\":[8,11]},"
               "\"q\":{\"dtype\":\"F4\",\"shape\":[2,3],\"data_offsets\":[11,14]},"
               "\"u\":{\"dtype\":\"U16\",\"shape\":[1],\"data_offsets\":[14,16]},"
               "\"x\":{\"dtype\":\"Q8_K\",\"shape\":[7],\"data_offsets\":[16,19]}}",
               19);
    put_header("module", "converted",
               "{\"module.net.0.weight\":{\"dtype\":\"F16\",\"shape\":[2,1,2,2],\"data_offsets\":[0,16]},"
               "\"net.0.bias\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[16,20]},"
               "\"module.net.2.bias\":{\"dtype\":\"F64\",\"shape\":[3],\"data_offsets\":[20,44]},"
               "\"module.none\":{\"dtype\":\"F32\",\"shape\":[2,0],\"data_offsets\":[44,44]},"
               "\"mask\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[44,47]},"
               "\"more\":{\"dtype\":\"Q8_K\",\"shape\":[7],\"data_offsets\":[47,50]}}",
               50);
    put_header("tensor", "metadata",
               "{\"__metadata__\":{\"format\":\"pt\",\"\\u00e9\":\"\\ud83d\\ude00\\n\"},"
               "\"a\":{\"data_offsets\":[0,4],\"shape\":[1,1,1,1,1,1,1,1],\"dtype\":\"F32\"}}    ",
               4);
}

static void put_models(void)
{
    cnn_module *model = fuzz_model();
    cnn_optimizer *optimizer = fuzz_optimizer(model);
    cnn_checkpoint c = { .struct_size = sizeof c, .module = model, .epoch = 3 };
    fuzz_require(cnn_module_save(model, path_of("module", "weights")) == CNN_OK, "saving");
    fuzz_require(cnn_checkpoint_save(&c, path_of("module", "checkpoint")) == CNN_OK, "saving");
    fuzz_require(cnn_checkpoint_save(&c, path_of("checkpoint", "weights")) == CNN_OK, "saving");
    c.optimizer = optimizer;
    fuzz_require(cnn_checkpoint_save(&c, path_of("checkpoint", "adam")) == CNN_OK, "saving");
    cnn_optimizer_free(optimizer);
    cnn_module_free(model);
}

/* ---- IDX ---- */

static void put_gzip(const char *name, const void *data, size_t size)
{
    unsigned char packed[4096] = { 0 };
    z_stream stream = { .next_in = (unsigned char *)(uintptr_t)data, .avail_in = (unsigned)size, .next_out = packed,
                        .avail_out = sizeof packed };
    fuzz_require(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK &&
                     deflate(&stream, Z_FINISH) == Z_STREAM_END,
                 "a seed can be gzipped");
    put("gzip", name, packed, sizeof packed - stream.avail_out);
    deflateEnd(&stream);
}

static void put_idx(void)
{
    static const struct {
        unsigned char type, size;
        const char *name;
    } types[] = { { 8, 1, "u8" }, { 9, 1, "i8" }, { 11, 2, "i16" }, { 12, 4, "i32" }, { 13, 4, "f32" }, { 14, 8, "f64" } };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        unsigned char file[64] = { 0, 0, types[i].type, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 0x80, 0xff }, cut[66] = { 'x', 7 };
        size_t size = 12 + 6 * (size_t)types[i].size;
        put("idx", types[i].name, file, size);
        put_gzip(types[i].name, file, size);
        memcpy(cut + 2, file, size);
        put("gzip", file[2] == 8 ? "members-u8" : "members", cut, size + 2);
    }
    put("idx", "scalar", "\0\0\x08\0\x2a", 5);
    unsigned char zeros[3000] = { 0, 0, 8, 1, 0, 0, 11, 176 };
    put_gzip("zeros", zeros, sizeof zeros - 8);
}

/* ---- NumPy ---- */

static void put_numpy(void)
{
    cnn_context *ctx = fuzz_context();
    const char *const names[] = { "a", "b/c", "" };
    cnn_tensor *tensors[] = { cnn_tensor_arange(ctx, CNN_F32, 0, 6, 1), cnn_tensor_ones(ctx, CNN_BOOL, CNN_SHAPE(2, 3)),
                              cnn_tensor_zeros(ctx, CNN_BF16, CNN_SHAPE(0, 1)) };
    fuzz_require(cnn_npz_save(names, tensors, 3, path_of("numpy", "stored")) == CNN_OK, "saving");
    fuzz_require(cnn_npz_save_compressed(names, tensors, 2, path_of("numpy", "deflated")) == CNN_OK, "saving");
    fuzz_require(cnn_npz_save(NULL, NULL, 0, path_of("numpy", "none")) == CNN_OK, "saving");
    fuzz_require(cnn_npy_save(tensors[0], path_of("numpy", "npy")) == CNN_OK, "saving");
    static const char *const headers[] = { "{'descr': '>f2', 'fortran_order': True, 'shape': (2, 3), }\n",
                                           "{'descr': '|i1', 'fortran_order': False, 'shape': (12,), }\n",
                                           "{'descr': '<u2', 'fortran_order': True, 'shape': (1L, 6L), }   \n",
                                           "{\"shape\":(),\"fortran_order\":False,\"descr\":\"<U3\"}\n" };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        unsigned char file[128] = "\x93NUMPY\1";
        char name[16];
        size_t length = strlen(headers[i]);
        file[8] = (unsigned char)length;
        memcpy(file + 10, headers[i], length);
        snprintf(name, sizeof name, "header%zu", i);
        put("numpy", name, file, 10 + length + 12);
    }
    for (int i = 0; i < 3; i++) {
        cnn_tensor_free(tensors[i]);
    }
}

/* ---- JSON ---- */

static void put_json(void)
{
    static const char *const texts[] = { "{}", "[0,9223372036854775807]", "\"\\u0041\\\"\\\\\\/\\b\\f\\n\\r\\t\\ud83d\\ude00\"",
                                         "{\"a\":[[],{\"b\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}],\"c\":12}",
                                         " [ 1 , \"x\" ]\n" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char name[8];
        snprintf(name, sizeof name, "%zu", i);
        put("json", name, texts[i], strlen(texts[i]));
    }
}

int main(int count, char **arguments)
{
    if (count != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", arguments[0]);
        return EXIT_FAILURE;
    }
    root = arguments[1];
    mkdir(root, 0777);
    put_tensors();
    put_models();
    put_idx();
    put_numpy();
    put_json();
    return EXIT_SUCCESS;
}
