/* Options of inputs, and the files that they name. */
#include "inputs.h"

#include "common/say.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option known[] = { INPUT_TABLE };

bool inputs_know(int letter)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i].val == letter) {
            return true;
        }
    }
    return false;
}

/* ---- options ---- */

/* "0.485,0.456,0.406", or one number for all channels. */
static bool take_numbers(const char *name, const char *option, const char *text, bool positive,
                         double numbers[MOST_CHANNELS], int *count)
{
    const char *at = text;
    for (*count = 0; *count < MOST_CHANNELS; at++) {
        char *end;
        double number = strtod(at, &end);
        if (end == at || !isfinite(number) || (positive && !(number > 0)) || (*end && *end != ',')) {
            break;
        }
        numbers[(*count)++] = number;
        at = end;
        if (!*end) {
            return *count != 2 || (say("cnn %s: --%s is \"%s\", expected 1 or 3 numbers", name, option, text), false);
        }
    }
    say("cnn %s: --%s is \"%s\", expected 1 or 3 %snumbers such as 0.485,0.456,0.406", name, option, text,
        positive ? "positive " : "");
    return false;
}

/* "224" or "224,320" */
static bool take_crop(const char *name, picture_options *o, const char *text)
{
    char *end;
    errno = 0;
    long height = strtol(text, &end, 10), width = height;
    bool good = end != text;
    if (good && *end == ',') {
        const char *second = end + 1;
        width = strtol(second, &end, 10);
        good = end != second;
    }
    if (!good || *end || errno || height < 1 || height > 65535 || width < 1 || width > 65535) {
        say("cnn %s: --crop is \"%s\", expected a height and a width such as 224,320, or one number for both", name,
            text);
        return false;
    }
    o->height = (int)height;
    o->width = (int)width;
    return true;
}

static bool take_layout(const char *name, picture_options *o, const char *text)
{
    bool last = strcmp(text, "nhwc") == 0;
    if (!last && strcmp(text, "nchw") != 0) {
        say("cnn %s: --layout is \"%s\", expected nchw or nhwc", name, text);
        return false;
    }
    o->layout = last ? 'h' : 'c';
    return true;
}

bool inputs_take(const char *name, input_options *o, int letter, const char *value)
{
    picture_options *p = &o->picture;
    switch (letter) {
    case 'm': return take_numbers(name, "mean", value, false, p->mean, &p->mean_count);
    case 'd': return take_numbers(name, "std", value, true, p->std, &p->std_count);
    case 'r': return command_number(name, "resize", value, 1, 65535, &p->resize);
    case 'c': return take_crop(name, p, value);
    case 'l': return take_layout(name, p, value);
    case 'f':
        p->stretch = strcmp(value, "stretch") == 0;
        if (!p->stretch && strcmp(value, "crop") != 0) {
            say("cnn %s: --fit is \"%s\", expected crop or stretch", name, value);
            return false;
        }
        return true;
    default: break;
    }
    if (o->count == MOST_GIVEN) {
        say("cnn %s: more than %d inputs are given", name, MOST_GIVEN);
        return false;
    }
    o->given[o->count++] = value;
    return true;
}

/* ---- files ---- */

/* Could be read, and is no array. */
static bool is_something_else(const char *path)
{
    char head[6] = { 0 };
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(head, 1, sizeof head, file) : 0;
    bool other = file && !ferror(file) && (size < sizeof head || memcmp(head, "\x93NUMPY", sizeof head) != 0);
    if (file) {
        fclose(file);
    }
    return other;
}

static bool read_array(model *m, int i, const char *path)
{
    cnn_onnx_value v = model_input(m, i);
    if (is_something_else(path)) {
        say("cnn %s: %s is neither an array of NumPy's nor a picture, expected a .npy, PNG or JPEG file for input %s",
            m->command, path, v.name);
        return false;
    }
    cnn_tensor *t = m->inputs[i] = cnn_npy_load(m->ctx, path);
    if (!t) {
        say("cnn %s: %s", m->command, cnn_last_error(m->ctx));
        return false;
    }
    if (cnn_tensor_dtype(t) != v.dtype) {
        say("cnn %s: %s is %s, but input %s is %s", m->command, path, cnn_dtype_name(cnn_tensor_dtype(t)), v.name,
            cnn_dtype_name(v.dtype));
        return false;
    }
    return true;
}

/* All files that are given for one input: an array, or pictures, each an element of the batch. */
static bool read_one(const input_options *o, model *m, int i, const char *const *paths, int count)
{
    int pictures = 0;
    for (int k = 0; k < count; k++) {
        pictures += picture_is(paths[k]);
    }
    if (pictures == count) {
        return picture_input(m, i, paths, count, &o->picture);
    }
    if (count > 1) {
        say("cnn %s: input %s is given twice", m->command, model_input(m, i).name);
        return false;
    }
    return read_array(m, i, paths[0]);
}

bool inputs_read(const input_options *o, model *m)
{
    int of[MOST_GIVEN]; /* the input that each is for */
    const char *paths[MOST_GIVEN];
    for (int k = 0; k < o->count; k++) {
        of[k] = model_given(m, o->given[k], &paths[k]);
        if (of[k] < 0) {
            return false;
        }
    }
    for (int k = 0; k < o->count; k++) {
        const char *together[MOST_GIVEN];
        int count = 0;
        for (int j = k; j < o->count && !m->inputs[of[k]]; j++) {
            if (of[j] == of[k]) {
                together[count++] = paths[j];
            }
        }
        if (count > 0 && !read_one(o, m, of[k], together, count)) {
            return false;
        }
    }
    return true;
}
