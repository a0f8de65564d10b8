/* The text of a progress bar like tqdm's, for any width. */
#ifndef COMMON_BAR_H
#define COMMON_BAR_H

#include <stdbool.h>
#include <stdint.h>

enum { BAR_TEXT = 320 }; /* bytes, enough for any bar */

typedef struct bar_state {
    int64_t epoch, epochs, done, batches;
    double seconds, images_per_second, loss;
    bool unicode; /* cells of eighths instead of # */
} bar_state;

/* Writes as much as fits into `width` columns, leaving out the less important parts first. Returns the number of
 * columns used. */
int bar_write(char text[BAR_TEXT], const bar_state *b, int width);

#endif
