#include "common/numbers.h"

#include "common/say.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

bool number_refuse(const struct option *table, int letter, const char *expected)
{
    while (table->name && table->val != letter) {
        table++;
    }
    say("%s: --%s is \"%s\", expected %s", program_name, table->name ? table->name : "", optarg, expected);
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
