/* Collecting what is not supported. */
#include "findings.h"

#include <stdio.h>
#include <string.h>

/* How much of a message of 512 bytes is left for the list. */
enum { LIST = 330, NAME = 40, AND_MORE = 16 };

bool cnn__onnx_findings_add(cnn__onnx_reading *reading, cnn__onnx_findings *findings, const cnn__onnx_node *node,
                            int64_t number, const char *format, ...)
{
    char text[200];
    findings->nodes += node != NULL;
    if (findings->count++ >= CNN__MOST_FINDINGS) {
        return true;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const size_t size = strlen(text) + 1;
    char *what = cnn__onnx_reading_get(reading, size, 1);
    if (!what) {
        return false;
    }
    memcpy(what, text, size);
    findings->list[findings->count - 1] =
        (cnn__onnx_finding){ what, node ? number : -1, node ? node->name : (cnn__onnx_text){ 0 } };
    return true;
}

/* Appends the kind of finding `first`, with the nodes of it; `done` marks those that are told. */
static size_t append_kind(const cnn__onnx_findings *findings, int kept, int first, bool *done, char *list, size_t used)
{
    const cnn__onnx_finding *f = &findings->list[first];
    char text[LIST];
    size_t length = (size_t)snprintf(text, sizeof text, "%s%s", used ? ", " : "", f->what);
    int told = 0, several = 0;
    for (int i = first; i < kept; i++) {
        several += strcmp(findings->list[i].what, f->what) == 0;
    }
    for (int i = first; i < kept && f->number >= 0 && length < sizeof text; i++) {
        const cnn__onnx_finding *same = &findings->list[i];
        if (strcmp(same->what, f->what) == 0) {
            int size = same->node.size < NAME ? (int)same->node.size : NAME;
            length += (size_t)snprintf(text + length, sizeof text - length, "%s%lld \"%.*s\"",
                                       told++        ? ", "
                                       : several > 1 ? " (nodes "
                                                     : " (node ",
                                       (long long)same->number, size, same->node.at ? same->node.at : "");
            done[i] = true;
        }
    }
    done[first] = true;
    if (told && length < sizeof text) {
        length += (size_t)snprintf(text + length, sizeof text - length, ")");
    }
    if (used + length >= LIST - AND_MORE) {
        return 0;
    }
    memcpy(list + used, text, length + 1);
    return used + length;
}

bool cnn__onnx_findings_report(cnn__onnx_file_bytes *file, const cnn__onnx_findings *findings)
{
    char list[LIST] = "", more[40] = "";
    bool done[CNN__MOST_FINDINGS] = { false };
    int kept = (int)(findings->count < CNN__MOST_FINDINGS ? findings->count : CNN__MOST_FINDINGS);
    size_t used = 0;
    int64_t told = 0;
    if (findings->count == 0) {
        return true;
    }
    for (int i = 0; i < kept; i++) {
        bool before[CNN__MOST_FINDINGS];
        memcpy(before, done, sizeof done);
        size_t longer = done[i] ? used : append_kind(findings, kept, i, done, list, used);
        if (longer == 0) { /* it does not fit, another one may */
            memcpy(done, before, sizeof done);
            continue;
        }
        used = longer;
        told += done[i];
    }
    if (told < findings->count) {
        snprintf(more, sizeof more, " and %lld more", (long long)(findings->count - told));
    }
    bool nodes = findings->nodes == findings->count, one = findings->count == 1;
    return cnn__onnx_wire_fail(file, CNN_ERROR_UNSUPPORTED, NULL, "%lld %s%s not supported: %s%s",
                               (long long)findings->count, nodes ? "node" : "part", one ? " that is" : "s that are",
                               list, more);
}
