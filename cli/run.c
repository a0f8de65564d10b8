/* cnn run: a model, frozen for the shapes of its inputs, on .npy files and pictures; its outputs in .npy files. */
#include "frozen.h"
#include "inputs.h"

#include "common/say.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct run_options {
    input_options inputs;
    const char *folder;
    int threads;
    bool json;
} run_options;

static bool take(void *options, int letter, const char *value)
{
    run_options *o = options;
    if (inputs_know(letter)) {
        return inputs_take("run", &o->inputs, letter, value);
    }
    switch (letter) {
    case 'o': o->folder = value; return true;
    case 'T': return command_number("run", "threads", value, 0, 8192, &o->threads);
    default: o->json = true; return true;
    }
}

static bool read_inputs(const run_options *o, model *m)
{
    if (!inputs_read(&o->inputs, m)) {
        return false;
    }
    for (int i = 0; i < m->input_count; i++) {
        if (!m->inputs[i]) {
            char shape[256];
            cnn_onnx_value v = model_input(m, i);
            model_shape_text(&v, shape, sizeof shape);
            say("cnn run: input %s is missing, expected --input %s=FILE.npy of %s %s", v.name, v.name,
                cnn_dtype_name(v.dtype), shape);
            return false;
        }
    }
    return true;
}

/* The name of an output's file: no output leaves the folder. */
static bool output_path(const run_options *o, const char *name, char *path, size_t size)
{
    size_t folder = (size_t)snprintf(path, size, "%s/", o->folder);
    if (folder + strlen(name) + 5 > size) {
        say("cnn run: the path of output %s is too long", name);
        return false;
    }
    strcpy(path + folder, name);
    for (char *c = path + folder; *c; c++) {
        *c = *c == '/' || *c == '\\' ? '_' : *c;
    }
    if (path[folder] == '.' || path[folder] == '\0') {
        path[folder] = '_';
    }
    strcat(path, ".npy");
    return true;
}

static bool write_output(const run_options *o, const model *m, int i, cnn_tensor *y)
{
    char path[4096];
    cnn_onnx_value v = model_output(m, i);
    if (!output_path(o, v.name, path, sizeof path)) {
        return false;
    }
    if (cnn_npy_save(y, path) != CNN_OK) {
        say("cnn run: %s", cnn_last_error(m->ctx));
        return false;
    }
    if (!o->json) {
        char shown[4096];
        cnn_name_escape(path, shown, sizeof shown);
        printf("%s: %s [", shown, cnn_dtype_name(cnn_tensor_dtype(y)));
    } else {
        fputs(i ? ", {\"name\": " : "{\"name\": ", stdout);
        json_string(v.name);
        fputs(", \"file\": ", stdout);
        json_string(path);
        printf(", \"dtype\": \"%s\", \"shape\": [", cnn_dtype_name(cnn_tensor_dtype(y)));
    }
    for (int d = 0; d < cnn_tensor_ndim(y); d++) {
        printf(o->json ? "%s%lld" : "%s%lld", d ? "," : "", (long long)cnn_tensor_shape(y)[d]);
    }
    fputs(o->json ? "]}" : "]\n", stdout);
    return true;
}

static bool write_outputs(const run_options *o, const frozen *f)
{
    const model *m = f->m;
    bool good = true;
    if (o->json) {
        fputs("{\"model\": ", stdout);
        json_string(m->path);
        printf(", \"frozen\": %s, \"outputs\": [", f->predictor ? "true" : "false");
    }
    for (int i = 0; i < m->output_count && good; i++) {
        cnn_tensor *y = frozen_output(f, i);
        good = y && write_output(o, m, i, y);
        cnn_tensor_free(y);
    }
    if (good && o->json) {
        puts("]}");
    }
    return good;
}

static bool run_model(const run_options *o, const model *m)
{
    frozen f;
    bool good = frozen_make(&f, m);
    if (good && frozen_run(&f) != CNN_OK) {
        say("cnn run: %s: %s", m->path, cnn_last_error(m->ctx));
        good = false;
    }
    good = good && write_outputs(o, &f);
    frozen_free(&f);
    return good;
}

int run_run(const command *self, int argc, char **argv)
{
    static const struct option table[] = { INPUT_TABLE,
                                           { "output-dir", required_argument, NULL, 'o' },
                                           { "threads", required_argument, NULL, 'T' },
                                           { "json", no_argument, NULL, 'j' },
                                           { "help", no_argument, NULL, 'h' },
                                           { NULL, 0, NULL, 0 } };
    run_options o = { .folder = "." };
    char *path;
    model m;
    int status = command_read(self, argc, argv, "+:" INPUT_LETTERS "o:T:jh", table, take, &o, &path, 1);
    if (status >= 0) {
        return status;
    }
    if (mkdir(o.folder, 0777) != 0 && errno != EEXIST) {
        say("cnn run: cannot make %s: %s", o.folder, strerror(errno));
        return STATUS_FAILED;
    }
    if (!model_open(&m, "run", path, o.threads)) {
        return STATUS_FAILED;
    }
    bool good = read_inputs(&o, &m) && run_model(&o, &m);
    model_close(&m);
    return good ? command_flush() : STATUS_FAILED;
}
