/* Launches by the names of their operations. A launch belongs to the operation that it is for, so an operation of
 * several launches has the sum of them in each run, and the median is that of these sums. */
#include "operations.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static operation *row_of(operations *o, const char *name)
{
    for (int i = 0; i < o->count; i++) {
        if (strcmp(o->rows[i].name, name) == 0) {
            return &o->rows[i];
        }
    }
    operation *more = realloc(o->rows, ((size_t)o->count + 1) * sizeof *more);
    o->rows = more ? more : o->rows;
    double *seconds = more ? calloc((size_t)o->runs, sizeof *seconds) : NULL;
    if (!seconds) {
        o->failed = true;
        return NULL;
    }
    o->rows[o->count] = (operation){ .name = name, .seconds = seconds };
    return &o->rows[o->count++];
}

void operations_add(operations *o, const cnn_profile *profile, int run)
{
    const cnn_profile_event *e;
    for (int64_t i = 0; (e = cnn_profile_get_event(profile, i)) != NULL; i++) {
        operation *row = e->kind == CNN_PROFILE_LAUNCH ? row_of(o, e->name) : NULL;
        if (row) {
            row->seconds[run] += e->seconds;
            row->launches += run == 0;
            row->flops += run == 0 ? e->flops : 0;
        }
    }
}

static int compare_seconds(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int slower_first(const void *a, const void *b)
{
    double x = ((const operation *)a)->median, y = ((const operation *)b)->median;
    return (x < y) - (x > y);
}

void operations_sort(operations *o)
{
    for (int i = 0; i < o->count; i++) {
        operation *row = &o->rows[i];
        qsort(row->seconds, (size_t)o->runs, sizeof *row->seconds, compare_seconds);
        row->median = (row->seconds[(o->runs - 1) / 2] + row->seconds[o->runs / 2]) / 2;
    }
    if (o->count) {
        qsort(o->rows, (size_t)o->count, sizeof *o->rows, slower_first);
    }
}

void operations_print(const operations *o, bool json)
{
    double total = 0;
    int width = (int)strlen("operation");
    for (int i = 0; i < o->count; i++) {
        int length = (int)strlen(o->rows[i].name);
        width = length > width ? length : width;
        total += o->rows[i].median;
    }
    if (!json) {
        printf("%-*s %8s %11s %7s %9s\n", width, "operation", "launches", "median ms", "share", "GFLOP/s");
    }
    for (int i = 0; i < o->count; i++) {
        const operation *row = &o->rows[i];
        double speed = row->median > 0 ? 1e-9 * row->flops / row->median : 0;
        if (json) {
            printf("%s{\"name\": \"%s\", \"launches\": %" PRId64 ", \"ms_median\": %.4f, \"flops\": %.0f}",
                   i ? ", " : "", row->name, row->launches, 1e3 * row->median, row->flops);
        } else {
            printf("%-*s %8" PRId64 " %11.4f %5.1f %% %9.2f\n", width, row->name, row->launches, 1e3 * row->median,
                   total > 0 ? 100 * row->median / total : 0, speed);
        }
    }
}

void operations_free(operations *o)
{
    for (int i = 0; i < o->count; i++) {
        free(o->rows[i].seconds);
    }
    free(o->rows);
    *o = (operations){ 0 };
}
