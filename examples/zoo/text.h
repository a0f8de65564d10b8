/* Texts whose bytes are tokens, for the language models: what they train on and what they write. */
#ifndef ZOO_TEXT_H
#define ZOO_TEXT_H

#include <cnn/cnn.h>

#include <stdio.h>

enum { TEXT_VOCABULARY = 256 }; /* a token for each byte */

typedef struct text {
    unsigned char *bytes;
    int64_t length;
    int64_t *windows; /* the last batch's inputs and targets */
    uint64_t state;   /* the state of the draws; a seed at first */
} text;

/* Reads a file of at least two bytes into a text of zeros. Returns NULL, or what is wrong. */
const char *text_read(text *t, const char *path);
void text_free(text *t);

/* Fills `inputs` and `targets`, i64 [N,T], with windows of the text that begin anywhere: a target is the byte behind
 * its input. A text that is shorter than a window starts again. All batches of one text have one size. */
cnn_status text_next(text *t, cnn_tensor *inputs, cnn_tensor *targets);

/* Writes `count` bytes to `out`, each drawn from what the model expects behind the last `length` ones; a line's end,
 * which is not written, comes before the first. The logits are divided by `temperature`, above 0: the lower, the more
 * often the likeliest byte is drawn. Control characters other than line ends and tabs are written as '?'. */
cnn_status text_sample(cnn_module *model, int64_t length, int64_t count, double temperature, uint64_t seed, FILE *out);

#endif
