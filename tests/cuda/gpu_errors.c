/* Failures of a real GPU, or of the stand-in: full memory and a bad index are errors that pass, and nothing is lost. */
#include <cnn/cnn.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 64 };

static int failures;

static void expect(bool fact, const char *what, const char *said)
{
    printf("%s %s%s%s\n", fact ? "ok" : "FAILED", what, *said ? ": " : "", said);
    failures += !fact;
}

/* Takes memory in large pieces until there is none. */
static void fill_memory(cnn_context *ctx, uint64_t memory)
{
    cnn_tensor *pieces[MOST] = { NULL };
    const int64_t elements = (int64_t)(memory / (MOST - 8) / sizeof(float));
    float kept[3] = { 1, 2, 3 }, read[3] = { 0 };
    cnn_tensor *small = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(3), kept);
    int count = 0;
    while (count < MOST && (pieces[count] = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(elements)))) {
        count++;
    }
    expect(count > 0 && count < MOST, "memory runs out", cnn_last_error(ctx));
    expect(cnn_context_status(ctx) == CNN_ERROR_NO_MEMORY, "its status is that of no memory", "");
    cnn_context_clear_error(ctx);
    for (int i = 0; i < count; i++) {
        cnn_tensor_free(pieces[i]);
    }
    pieces[0] = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(2 * elements + 1));
    expect(pieces[0] != NULL, "what was freed is there for a larger piece", "");
    cnn_tensor_free(pieces[0]);
    expect(cnn_tensor_read(small, read, sizeof read) == CNN_OK && memcmp(read, kept, sizeof read) == 0, "other elements are as they were", "");
    cnn_tensor_free(small);
}

static void bad_index(cnn_context *ctx)
{
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *x = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(2, 3));
    cnn_tensor *bad = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(2), ((int64_t[]){ 1, 7 }));
    cnn_tensor *good = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(2), ((int64_t[]){ 1, 2 }));
    cnn_tape_begin(tape, CNN_EVAL);
    double loss = cnn_tensor_item(cnn_cross_entropy(cnn_input(tape, x), bad));
    expect(isnan(loss) && strstr(cnn_last_error(ctx), "index_check failed: the index at 1 is 7"), "a bad index is told", cnn_last_error(ctx));
    cnn_context_clear_error(ctx);
    cnn_tape_begin(tape, CNN_EVAL);
    loss = cnn_tensor_item(cnn_cross_entropy(cnn_input(tape, x), good));
    expect(fabs(loss - log(3)) < 1e-6, "the next step is right", "");
    cnn_tensor_free(x);
    cnn_tensor_free(bad);
    cnn_tensor_free(good);
    cnn_tape_free(tape);
}

int main(void)
{
    cnn_device_properties p = { .struct_size = sizeof p };
    cnn_context *ctx = cnn_context_new(.device = "cuda");
    if (!ctx || cnn_device_describe(1, &p) != CNN_OK) {
        printf("FAILED %s\n", cnn_last_error(NULL));
        return 1;
    }
    bad_index(ctx);
    fill_memory(ctx, p.memory);
    bad_index(ctx);
    cnn_context_free(ctx);
    return failures != 0;
}
