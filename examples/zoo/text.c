/* Texts whose bytes are tokens, for the language models. */
#include "text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- texts ---- */

static const char *read_all(FILE *file, text *t)
{
    size_t room = 1 << 16, used = 0, got;
    unsigned char *bytes = malloc(room);
    while (bytes && (got = fread(bytes + used, 1, room - used, file)) > 0) {
        used += got;
        if (used == room) {
            unsigned char *larger = realloc(bytes, room *= 2);
            if (!larger) {
                free(bytes);
            }
            bytes = larger;
        }
    }
    if (!bytes || ferror(file) || used < 2) {
        free(bytes);
        return !bytes ? "no memory" : ferror(file) ? strerror(errno) : "expected a text of two bytes or more";
    }
    t->bytes = bytes;
    t->length = (int64_t)used;
    return NULL;
}

const char *text_read(text *t, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        return strerror(errno);
    }
    const char *wrong = read_all(file, t);
    fclose(file);
    return wrong;
}

void text_free(text *t)
{
    free(t->bytes);
    free(t->windows);
    *t = (text){ 0 };
}

/* SplitMix64 (Steele et al. 2014) */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static void fill_windows(text *t, int64_t n, int64_t length, int64_t *inputs, int64_t *targets)
{
    int64_t starts = t->length > length ? t->length - length : t->length;
    for (int64_t i = 0; i < n; i++) {
        int64_t start = (int64_t)(draw(&t->state) % (uint64_t)starts);
        for (int64_t j = 0; j < length; j++) {
            inputs[i * length + j] = t->bytes[(start + j) % t->length];
            targets[i * length + j] = t->bytes[(start + j + 1) % t->length];
        }
    }
}

cnn_status text_next(text *t, cnn_tensor *inputs, cnn_tensor *targets)
{
    int64_t count = cnn_tensor_numel(inputs);
    size_t bytes = (size_t)count * sizeof *t->windows;
    t->windows = t->windows ? t->windows : malloc(2 * bytes); /* all batches have one size */
    if (!t->windows) {
        return CNN_ERROR_NO_MEMORY;
    }
    fill_windows(t, cnn_tensor_size(inputs, 0), cnn_tensor_size(inputs, 1), t->windows, t->windows + count);
    cnn_status status = cnn_tensor_write(inputs, t->windows, bytes);
    return status == CNN_OK ? cnn_tensor_write(targets, t->windows + count, bytes) : status;
}

/* ---- what a model writes ---- */

/* An index drawn with probabilities that are proportional to exp(logit / temperature). */
static int pick(const float *logits, double temperature, uint64_t *state)
{
    double largest = logits[0], sum = 0, weights[TEXT_VOCABULARY];
    for (int i = 1; i < TEXT_VOCABULARY; i++) {
        largest = logits[i] > largest ? logits[i] : largest;
    }
    for (int i = 0; i < TEXT_VOCABULARY; i++) {
        sum += weights[i] = exp((logits[i] - largest) / temperature);
    }
    double left = (double)(draw(state) >> 11) * 0x1p-53 * sum;
    int i = 0;
    while (i < TEXT_VOCABULARY - 1 && (left -= weights[i]) >= 0) {
        i++;
    }
    return i;
}

/* The logits behind the last of `count` tokens. */
static cnn_status next_logits(cnn_tape *tape, cnn_module *model, const int64_t *tokens, int64_t count, float *logits)
{
    cnn_tensor *input = cnn_tensor_from_data(cnn_module_context(model), CNN_I64, CNN_SHAPE(1, count), tokens);
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *all = cnn_forward(model, cnn_input(tape, input));
    cnn_tensor *last = cnn_contiguous(cnn_slice(all, 1, count - 1, count, 1));
    cnn_status status = cnn_tape_status(tape);
    if (status == CNN_OK) {
        status = cnn_tensor_read(last, logits, TEXT_VOCABULARY * sizeof *logits);
    }
    cnn_tensor_free(input);
    return status;
}

/* What a terminal might obey; a text has line ends and tabs. */
static bool is_control(int64_t byte)
{
    return (byte < ' ' && byte != '\n' && byte != '\t') || byte == 127;
}

cnn_status text_sample(cnn_module *model, int64_t length, int64_t count, double temperature, uint64_t seed, FILE *out)
{
    float logits[TEXT_VOCABULARY];
    int64_t *tokens = malloc(((size_t)count + 1) * sizeof *tokens);
    cnn_tape *tape = cnn_tape_new(cnn_module_context(model));
    cnn_status status = tape && tokens ? CNN_OK : CNN_ERROR_NO_MEMORY;
    if (status == CNN_OK) {
        tokens[0] = '\n';
    }
    for (int64_t i = 0; i < count && status == CNN_OK; i++) {
        int64_t seen = i + 1 < length ? i + 1 : length;
        status = next_logits(tape, model, tokens + i + 1 - seen, seen, logits);
        if (status == CNN_OK) {
            tokens[i + 1] = pick(logits, temperature, &seed);
            fputc(is_control(tokens[i + 1]) ? '?' : (int)tokens[i + 1], out);
        }
    }
    cnn_tape_free(tape);
    free(tokens);
    return status;
}
