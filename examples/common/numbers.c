#include "common/numbers.h"

#include "common/say.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void option_refuse(int answer, int argc, char **argv, int at)
{
    while (at < argc - 1 && (argv[at][0] != '-' || argv[at][1] == '\0')) {
        at++; /* getopt_long() has gone over what is no option to the one that it refuses */
    }
    say("%s: %s \"%s\"; see --help", program_name, answer == ':' ? "a value is missing after" : "there is no option",
        argv[at < argc ? at : argc - 1]);
}

static const char *name_of(const struct option *table, int letter)
{
    while (table->name && table->val != letter) {
        table++;
    }
    return table->name ? table->name : "";
}

bool option_useless(const struct option *table, const bool *given, const char *letters, const char *with)
{
    while (*letters && !given[(unsigned char)*letters]) {
        letters++;
    }
    if (*letters) {
        say("%s: --%s has no effect with %s", program_name, name_of(table, *letters), with);
    }
    return !*letters;
}

bool number_refuse(const struct option *table, int letter, const char *expected)
{
    say("%s: --%s is \"%s\", expected %s", program_name, name_of(table, letter), optarg, expected);
    return false;
}

bool number_integer(const struct option *table, int letter, int64_t low, int64_t high, int64_t *value)
{
    char *end, expected[64];
    errno = 0;
    long long n = strtoll(optarg, &end, 10);
    if (*optarg < '-' || *optarg > '9' || *end != '\0' || errno != 0 || n < low || n > high) {
        snprintf(expected, sizeof expected, "%lld to %lld", (long long)low, (long long)high);
        return number_refuse(table, letter, expected);
    }
    *value = n;
    return true;
}

bool number_real(const struct option *table, int letter, bool zero, double *value)
{
    char *end;
    double x = strtod(optarg, &end);
    if (end == optarg || *end != '\0' || !isfinite(x) || x < 0 || (x == 0 && !zero)) {
        return number_refuse(table, letter, zero ? "a number of at least 0" : "a number above 0");
    }
    *value = x;
    return true;
}

bool math_read(const char *name, cnn_math *math)
{
    static const char *const names[] = { [CNN_MATH_FAST] = "fast", [CNN_MATH_STRICT] = "strict", [CNN_MATH_TF32] = "tf32" };
    int found = 0;
    while (found < 3 && strcmp(names[found], name) != 0) {
        found++;
    }
    *math = (cnn_math)found;
    return found < 3;
}
