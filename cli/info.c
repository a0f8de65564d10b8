/* cnn info: the table of a file as text or JSON. */
#include "command.h"
#include "model.h"
#include "tensors.h"

#include "common/say.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct info_options {
    bool json, nodes;
} info_options;

static bool take(void *options, int letter, const char *value)
{
    info_options *o = options;
    (void)value;
    *(letter == 'n' ? &o->nodes : &o->json) = true;
    return true;
}

static void totals(const tensors *t, int64_t *elements, int64_t *bytes)
{
    *elements = *bytes = 0;
    for (int i = 0; i < t->count; i++) {
        *elements += t->info[i].elements;
        *bytes += t->info[i].bytes;
    }
}

static void print_shape(const tensor_info *info)
{
    putchar('[');
    for (int d = 0; d < info->ndim; d++) {
        printf(d ? ",%" PRId64 : "%" PRId64, info->shape[d]);
    }
    putchar(']');
}

/* A name as the library's messages write it; it cannot control the terminal. */
static char *escaped(const char *name)
{
    size_t size = cnn_name_escape(name, NULL, 0) + 1;
    char *out = malloc(size);
    if (out) {
        cnn_name_escape(name, out, size);
    }
    return out;
}

static bool print_escaped(const char *text, const char *end)
{
    char *shown = escaped(text);
    if (!shown) {
        say("cnn: no memory");
        return false;
    }
    printf("%s%s", shown, end);
    free(shown);
    return true;
}

static bool print_table(const tensors *t)
{
    int64_t elements, bytes;
    bool good = true;
    totals(t, &elements, &bytes);
    good = print_escaped(t->path, "");
    printf(": %s, %d tensors, %" PRId64 " elements, %" PRId64 " bytes\n", t->kind, t->count, elements, bytes);
    for (int i = 0; good && i < t->count; i++) {
        const tensor_info *info = &t->info[i];
        fputs("  ", stdout);
        good = print_escaped(info->name, "  ");
        printf("%s  ", info->dtype);
        print_shape(info);
        printf("  %" PRId64 "\n", info->elements);
    }
    int keys = t->file ? cnn_file_metadata_count(t->file) : 0;
    for (int i = 0; good && i < keys; i++) {
        fputs(i ? "  " : "metadata\n  ", stdout);
        good = print_escaped(cnn_file_metadata_key(t->file, i), " = ") &&
               print_escaped(cnn_file_metadata_value(t->file, i), "\n");
    }
    return good;
}

static void print_json(const tensors *t)
{
    int64_t elements, bytes;
    totals(t, &elements, &bytes);
    fputs("{\"file\": ", stdout);
    json_string(t->path);
    printf(", \"format\": \"%s\", \"elements\": %" PRId64 ", \"bytes\": %" PRId64 ", \"tensors\": [", t->kind, elements,
           bytes);
    for (int i = 0; i < t->count; i++) {
        const tensor_info *info = &t->info[i];
        fputs(i ? ", {\"name\": " : "{\"name\": ", stdout);
        json_string(info->name);
        fputs(", \"dtype\": ", stdout);
        json_string(info->dtype);
        fputs(", \"shape\": ", stdout);
        print_shape(info);
        printf(", \"elements\": %" PRId64 ", \"bytes\": %" PRId64 "}", info->elements, info->bytes);
    }
    fputs("], \"metadata\": {", stdout);
    int keys = t->file ? cnn_file_metadata_count(t->file) : 0;
    for (int i = 0; i < keys; i++) {
        fputs(i ? ", " : "", stdout);
        json_string(cnn_file_metadata_key(t->file, i));
        fputs(": ", stdout);
        json_string(cnn_file_metadata_value(t->file, i));
    }
    fputs("}}\n", stdout);
}

int run_info(const command *self, int argc, char **argv)
{
    static const struct option table[] = { { "nodes", no_argument, NULL, 'n' },
                                           { "json", no_argument, NULL, 'j' },
                                           { "help", no_argument, NULL, 'h' },
                                           { NULL, 0, NULL, 0 } };
    info_options o = { 0 };
    bool good;
    char *path;
    tensors t;
    int status = command_read(self, argc, argv, "+:njh", table, take, &o, &path, 1);
    if (status >= 0) {
        return status;
    }
    if (is_model(path)) {
        return info_model(path, o.json, o.nodes);
    }
    if (o.nodes) {
        say("cnn info: --nodes is for models, whose names end with .onnx, given %s", path);
        return STATUS_USAGE;
    }
    cnn_context *ctx = cnn_context_new(.threads = 1, .device = "cpu");
    if (!ctx) {
        say("cnn: %s", cnn_last_error(NULL));
        return STATUS_FAILED;
    }
    good = tensors_open(&t, ctx, path);
    if (good) {
        if (o.json) {
            print_json(&t);
        } else {
            good = print_table(&t);
        }
        tensors_close(&t);
    }
    cnn_context_free(ctx);
    return good ? command_flush() : STATUS_FAILED;
}
