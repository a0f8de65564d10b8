/* What a model asks for and is not there: collected while its program is made, and named all at once. */
#ifndef CNN_ONNX_FINDINGS_H
#define CNN_ONNX_FINDINGS_H

#include "program.h"

enum { CNN__MOST_FINDINGS = 64 };

typedef struct cnn__onnx_finding {
    const char *what; /* such as "Cast to float8e5m2" */
    int64_t number;   /* the node's number in its graph; -1: it is no node */
    cnn__onnx_text node;
} cnn__onnx_finding;

typedef struct cnn__onnx_findings {
    cnn__onnx_finding list[CNN__MOST_FINDINGS];
    int64_t count, nodes; /* how many there are, with those that are not in the list any more */
} cnn__onnx_findings;

/* Adds one; returns false, reported, where there is no memory. */
bool cnn__onnx_findings_add(cnn__onnx_reading *reading, cnn__onnx_findings *findings, const cnn__onnx_node *node,
                            int64_t number, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Returns true if there are none; else reports all, the nodes of one kind together. */
bool cnn__onnx_findings_report(cnn__onnx_file_bytes *file, const cnn__onnx_findings *findings);

/* Whether an operator's node has no attribute that asks for what there is not; else `why` says what (variants.c). */
bool cnn__onnx_variant_check(const cnn__onnx_step *step, char *why, size_t size);

#endif
