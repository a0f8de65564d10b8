/* The report of a load: every name that does not fit, with what the file has and what the module expects. The texts
 * are stored one after the other in one block, and an item holds their offsets. */
#include "io/misfits.h"

#include "io/text.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

typedef struct item {
    cnn_load_problem problem;
    size_t name, found, expected; /* offsets in `texts` */
} item;

struct cnn_load_report {
    cnn_context *ctx; /* held */
    cnn__text texts;
    cnn__text items; /* an array of `item` */
    int count;
    int loaded;
};

/* ---- making ---- */

cnn_load_report *cnn__load_report_new(cnn_context *ctx)
{
    cnn_load_report *report = cnn__calloc(ctx, 1, sizeof *report);
    if (report) {
        report->ctx = cnn__context_retain(ctx);
        report->texts.ctx = report->items.ctx = ctx;
    }
    return report;
}

static size_t add_text(cnn_load_report *report, const char *text)
{
    size_t at = report->texts.size;
    cnn__text_add(&report->texts, text, strlen(text) + 1);
    return at;
}

void cnn__load_report_add(cnn_load_report *report, cnn_load_problem problem, const char *name, const char *found,
                          const char *expected)
{
    item it = { .problem = problem };
    it.name = add_text(report, name);
    it.found = add_text(report, found);
    it.expected = add_text(report, expected);
    cnn__text_add(&report->items, (const char *)&it, sizeof it);
    report->count++;
}

void cnn__load_report_set_loaded(cnn_load_report *report, int64_t count)
{
    report->loaded = (int)count;
}

bool cnn__load_report_whole(const cnn_load_report *report)
{
    return !report->texts.failed && !report->items.failed;
}

void cnn_load_report_free(cnn_load_report *report)
{
    if (!report) {
        return;
    }
    cnn_context *ctx = report->ctx;
    cnn__text_free(&report->texts);
    cnn__text_free(&report->items);
    cnn__free(ctx, report);
    cnn__context_release(ctx);
}

/* ---- asking ---- */

static cnn_status load_report_missing(const char *call)
{
    return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: report is NULL", call);
}

int cnn_load_report_count(const cnn_load_report *report)
{
    if (!report) {
        load_report_missing("load_report_count");
        return 0;
    }
    return report->count;
}

int cnn_load_report_loaded(const cnn_load_report *report)
{
    if (!report) {
        load_report_missing("load_report_loaded");
        return 0;
    }
    return report->loaded;
}

/* The item is copied because a block of text is not aligned for it. */
static bool load_report_get(const cnn_load_report *report, const char *call, int i, item *it)
{
    if (!report) {
        load_report_missing(call);
        return false;
    }
    if (i < 0 || i >= report->count) {
        cnn__fail(report->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: number %d of a report of %d names", call, i,
                  report->count);
        return false;
    }
    memcpy(it, report->items.data + (size_t)i * sizeof *it, sizeof *it);
    return true;
}

cnn_load_problem cnn_load_report_problem(const cnn_load_report *report, int i)
{
    item it;
    return load_report_get(report, "load_report_problem", i, &it) ? it.problem : CNN_LOAD_MISSING;
}

const char *cnn_load_report_name(const cnn_load_report *report, int i)
{
    item it;
    return load_report_get(report, "load_report_name", i, &it) ? report->texts.data + it.name : "";
}

const char *cnn_load_report_found(const cnn_load_report *report, int i)
{
    item it;
    return load_report_get(report, "load_report_found", i, &it) ? report->texts.data + it.found : "";
}

const char *cnn_load_report_expected(const cnn_load_report *report, int i)
{
    item it;
    return load_report_get(report, "load_report_expected", i, &it) ? report->texts.data + it.expected : "";
}
