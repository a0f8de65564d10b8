/* The inputs of a model out of files: NumPy's arrays as they are, and pictures brought to the model's size as
 * torchvision's preprocessing for classification does it. Functions that fail have said why on stderr. */
#ifndef CLI_INPUTS_H
#define CLI_INPUTS_H

#include "command.h"
#include "model.h"

enum { MOST_CHANNELS = 3 };

/* How pictures become inputs; zeros are the defaults. */
typedef struct picture_options {
    double mean[MOST_CHANNELS], std[MOST_CHANNELS];
    int mean_count, std_count; /* 0: not given */
    int resize;                /* the shorter side before the crop */
    int height, width;         /* where the model leaves its size open */
    char layout;               /* 'c': [N,C,H,W], 'h': [N,H,W,C]; 0: by where the channels can be */
    bool stretch;
} picture_options;

typedef struct input_options {
    const char *given[MOST_GIVEN]; /* NAME=FILE */
    int count;
    picture_options picture;
} input_options;

#define INPUT_LETTERS "i:m:d:r:c:f:l:"
/* clang-format off */
#define INPUT_TABLE \
    { "input", required_argument, NULL, 'i' }, { "mean", required_argument, NULL, 'm' }, \
    { "std", required_argument, NULL, 'd' }, { "resize", required_argument, NULL, 'r' }, \
    { "crop", required_argument, NULL, 'c' }, { "fit", required_argument, NULL, 'f' }, \
    { "layout", required_argument, NULL, 'l' }
/* clang-format on */

/* Whether the letter is one of the table above. */
bool inputs_know(int letter);
/* Takes such an option of a command. */
bool inputs_take(const char *name, input_options *o, int letter, const char *value);
/* Reads the files that are given into the model's inputs; those that are not given stay NULL. */
bool inputs_read(const input_options *o, model *m);

/* ---- pictures (picture.c) ---- */

/* Whether a file begins as a PNG or JPEG picture does. */
bool picture_is(const char *path);
/* Makes input `i` of pictures, one per element of the batch. */
bool picture_input(model *m, int i, const char *const *paths, int count, const picture_options *o);

#endif
