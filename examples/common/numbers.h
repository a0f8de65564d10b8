/* Values of options, read as a whole or refused in one line: PROGRAM: --seeds is "x", expected 1 to 1000000. `table` is that
 * of getopt_long(), `letter` the option's, and its value is in optarg. */
#ifndef COMMON_NUMBERS_H
#define COMMON_NUMBERS_H

#include <cnn/cnn.h>

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

/* What getopt_long() answered '?' or ':' to (its letters begin with ':', opterr is 0), said in one line. `at` is optind before that call. */
void option_refuse(int answer, int argc, char **argv, int at);
/* Refuses the first option of `letters` that is given, because it has no effect: PROGRAM: --save has no effect with --eval-only. The table's
 * letters are indices of `given`. Returns whether none is. */
bool option_useless(const struct option *table, const bool *given, const char *letters, const char *with);
/* Says what was expected; returns false. */
bool number_refuse(const struct option *table, int letter, const char *expected);
bool number_integer(const struct option *table, int letter, int64_t low, int64_t high, int64_t *value);
/* A finite number above 0, or of at least 0. */
bool number_real(const struct option *table, int letter, bool zero, double *value);

/* A mode of a context by its name: fast, strict or tf32. False: it is none. */
bool math_read(const char *name, cnn_math *math);

#endif
