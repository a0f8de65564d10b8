/* Reading a trace for a writer: sizes and attributes, and whether they depend on the batch. */
#include "save.h"

#include <stdlib.h>
#include <string.h>

const cnn_trace_value *cnn__export_value(const cnn__export *s, int value)
{
    return cnn_trace_get_value(s->trace, value);
}

/* What does not follow from the batch in this way is noted where the traces are compared. */
cnn__export_shape cnn__export_shape_of(const cnn__export *s, int value)
{
    const cnn_trace_value *v = cnn__export_value(s, value), *w = s->other ? cnn_trace_get_value(s->other, value) : v,
                          *large = s->larger ? cnn_trace_get_value(s->larger, value) : v;
    cnn__export_shape shape = { .ndim = v->ndim };
    for (int d = 0; d < v->ndim; d++) {
        const int64_t size = v->shape[d];
        shape.dim[d].size = size;
        shape.dim[d].times = large->shape[d] != size ? CNN__EXPORT_FREE : w->shape[d] != size ? size / s->batch : 0;
        shape.dim[d].larger = large->shape[d] != size ? large->shape[d] : 0;
    }
    return shape;
}

cnn__export_shape cnn__export_fixed(int ndim, const int64_t *sizes)
{
    cnn__export_shape shape = { .ndim = ndim };
    for (int d = 0; d < ndim; d++) {
        shape.dim[d].size = sizes[d];
    }
    return shape;
}

static void vary(cnn__export *s, bool by_size)
{
    s->varies_by_size |= !s->varies && by_size;
    s->varies = s->varies ? s->varies : s->now + 1;
}

void cnn__export_needs_size(cnn__export *s)
{
    vary(s, true);
}

void cnn__export_each_size(const cnn__export *s, int x, int y, int d,
                           void (*see)(int64_t size_of_x, int64_t size_of_y, void *user), void *user)
{
    for (int i = -2; i < CNN__EXPORT_PROBES; i++) {
        const cnn_trace *trace = i == -2 ? s->trace : i == -1 ? s->larger : s->probes[i];
        if (trace) {
            see(cnn_trace_get_value(trace, x)->shape[d], cnn_trace_get_value(trace, y)->shape[d], user);
        }
    }
}

int64_t cnn__export_size(cnn__export *s, int value, int d)
{
    cnn__export_shape shape = cnn__export_shape_of(s, value);
    cnn__export_dim dim = shape.dim[d < 0 ? d + shape.ndim : d];
    if (dim.times) {
        vary(s, dim.times == CNN__EXPORT_FREE);
    }
    return dim.size;
}

int cnn__export_ndim(const cnn__export *s, int value)
{
    return cnn__export_value(s, value)->ndim;
}

cnn_dtype cnn__export_dtype(const cnn__export *s, int value)
{
    return cnn__export_value(s, value)->dtype;
}

bool cnn__export_has(const cnn_trace_node *node, int i)
{
    return i < node->input_count && node->inputs[i] >= 0;
}

/* ---- attributes ---- */

static const cnn_trace_attribute *find(const cnn_trace_node *node, const char *name)
{
    static const int64_t zero;
    static const double none;
    static const cnn_trace_attribute missing = { .name = "", .ints = &zero, .reals = &none, .count = 1 };
    for (int i = 0; i < node->attribute_count; i++) {
        if (strcmp(node->attributes[i].name, name) == 0) {
            return &node->attributes[i];
        }
    }
    return &missing;
}

/* The same attribute in another trace. The operation need not be the one that is being written. */
static const cnn_trace_attribute *find_in(const cnn__export *s, const cnn_trace *trace, const cnn_trace_node *node,
                                          const char *name)
{
    bool now = !trace || cnn_trace_get_node(s->trace, s->now) == node;
    int i = now ? s->now : cnn__export_value(s, node->outputs[0])->node;
    return find(trace ? cnn_trace_get_node(trace, i) : node, name);
}

/* The traces that an attribute must be the same in: one with another batch, and those with other sizes; NULL: none. */
static const cnn_trace *compared(const cnn__export *s, int k)
{
    return k == -2 ? s->other : k == -1 ? s->larger : s->probes[k];
}

int64_t cnn__export_int_at(cnn__export *s, const cnn_trace_node *node, const char *name, int i)
{
    const cnn_trace_attribute *a = find(node, name);
    if (!a->ints || i >= a->count || !*a->name) {
        cnn__export_refuse(s, "an attribute is missing");
        return 0;
    }
    for (int k = -2; k < CNN__EXPORT_PROBES; k++) {
        const cnn_trace_attribute *b = find_in(s, compared(s, k), node, name);
        if (a->count != b->count || a->ints[i] != b->ints[i]) {
            vary(s, k > -2);
        }
    }
    return a->ints[i];
}

double cnn__export_real_at(cnn__export *s, const cnn_trace_node *node, const char *name)
{
    const cnn_trace_attribute *a = find(node, name);
    if (!a->reals || !*a->name) {
        cnn__export_refuse(s, "an attribute is missing");
        return 0;
    }
    for (int k = -2; k < CNN__EXPORT_PROBES; k++) {
        if (memcmp(a->reals, find_in(s, compared(s, k), node, name)->reals, sizeof *a->reals) != 0) {
            vary(s, k > -2);
        }
    }
    return *a->reals;
}

int cnn__export_count_at(cnn__export *s, const cnn_trace_node *node, const char *name)
{
    if (!*find(node, name)->name) {
        cnn__export_refuse(s, "an attribute is missing");
    }
    return *find(node, name)->name ? find(node, name)->count : 0;
}

bool cnn__export_goes_to_end(const cnn__export *s, const cnn_trace_node *node, int d, int64_t start, int64_t step)
{
    bool all = start >= 0 && step > 0;
    for (int k = -3; all && k < CNN__EXPORT_PROBES; k++) {
        const cnn_trace *trace = k == -3 ? s->trace : compared(s, k);
        if (trace) {
            const int64_t from = cnn_trace_get_value(trace, node->inputs[0])->shape[d],
                          to = cnn_trace_get_value(trace, node->outputs[0])->shape[d];
            all = from >= start && to == (from - start + step - 1) / step;
        }
    }
    return all;
}

const char *cnn__export_symbol(cnn__export *s, int value, int d)
{
    static const char *const symbols[] = { "depth", "height", "width" };
    const int64_t size = cnn__export_value(s, value)->shape[d], large = cnn_trace_get_value(s->larger, value)->shape[d];
    for (int i = 0; i < s->options.input_count; i++) {
        const cnn_trace_value *x = cnn__export_value(s, i), *y = cnn_trace_get_value(s->larger, i);
        for (int k = 2; k < x->ndim; k++) {
            if (x->shape[k] == size && y->shape[k] == large && size != large) {
                const char *symbol = x->ndim == 3 ? "length" : x->ndim < 6 ? symbols[k + 3 - x->ndim] : "size";
                return i == 0 && x->ndim < 6 ? symbol : cnn__export_string(s, "%s%d_%d", symbol, i, k);
            }
        }
    }
    return NULL;
}

/* ---- all traces ---- */

/* Whether a constant that the forward has made is the same in both, bit by bit. */
static bool constants_agree(const cnn_trace_value *a, const cnn_trace_value *b)
{
    if (a->kind != CNN_VALUE_CONSTANT || a->tensor == b->tensor) {
        return true;
    }
    const size_t size = (size_t)cnn_tensor_numel(a->tensor) * cnn_dtype_size(a->dtype);
    unsigned char *both = malloc(2 * size + 1);
    bool same = both && cnn_tensor_read(a->tensor, both, size) == CNN_OK &&
                cnn_tensor_read(b->tensor, both + size, size) == CNN_OK && memcmp(both, both + size, size) == 0;
    free(both);
    return same;
}

/* Sizes may differ as the batch does, or in any way where the pictures are larger. */
static bool values_agree(const cnn__export *s, const cnn_trace_value *a, const cnn_trace_value *b, bool by_size)
{
    bool good = a->kind == b->kind && a->dtype == b->dtype && a->ndim == b->ndim && a->node == b->node;
    bool computed = a->kind == CNN_VALUE_RESULT || a->kind == CNN_VALUE_INPUT;
    for (int d = 0; good && d < a->ndim; d++) {
        bool by_batch = a->shape[d] % s->batch == 0 && b->shape[d] % s->other_batch == 0 &&
                        a->shape[d] / s->batch == b->shape[d] / s->other_batch;
        good = a->shape[d] == b->shape[d] || (computed && (by_size || by_batch));
    }
    return good && constants_agree(a, b);
}

static bool nodes_agree(const cnn_trace_node *a, const cnn_trace_node *b)
{
    return strcmp(a->op, b->op) == 0 && a->input_count == b->input_count && a->output_count == b->output_count &&
           memcmp(a->inputs, b->inputs, (size_t)a->input_count * sizeof *a->inputs) == 0 &&
           memcmp(a->outputs, b->outputs, (size_t)a->output_count * sizeof *a->outputs) == 0;
}

static int disagreement(const cnn__export *s, const cnn_trace *other, bool by_size)
{
    for (int i = 0; i < s->value_count; i++) { /* the first that differs is the cause of those behind it */
        const cnn_trace_value *a = cnn_trace_get_value(s->trace, i), *b = cnn_trace_get_value(other, i);
        if (!b || !values_agree(s, a, b, by_size)) {
            return (a->node < 0 ? s->node_count : a->node) + 1;
        }
    }
    for (int i = 0; i < s->node_count; i++) {
        const cnn_trace_node *a = cnn_trace_get_node(s->trace, i), *b = cnn_trace_get_node(other, i);
        if (!b || !nodes_agree(a, b)) {
            return i + 1;
        }
    }
    bool more = cnn_trace_get_node(other, s->node_count) || cnn_trace_get_value(other, s->value_count);
    for (int i = 0; i < s->options.output_count; i++) {
        more |= cnn_trace_get_output(s->trace, i) != cnn_trace_get_output(other, i);
    }
    return more ? s->node_count + 1 : 0;
}

int cnn__export_disagreement(cnn__export *s)
{
    for (int i = 0; i < CNN__EXPORT_PROBES; i++) { /* where the module does something else, such as at an odd size */
        if (s->probes[i] && disagreement(s, s->probes[i], true)) {
            s->probes[i] = NULL;
        }
    }
    int found = s->larger ? disagreement(s, s->larger, true) : 0;
    s->varies_by_size = found != 0;
    return found || !s->other ? found : disagreement(s, s->other, false);
}

/* ---- batch normalisation behind a convolution or a linear layer ---- */

static bool is_stored(const cnn__export *s, const cnn_trace_node *node, int i)
{
    return !cnn__export_has(node, i) ||
           (cnn__export_value(s, node->inputs[i])->tensor && cnn__export_dtype(s, node->inputs[i]) == CNN_F32);
}

/* Whether `norm` can become part of what its operand is computed by. */
static bool can_fold(const cnn__export *s, const cnn_trace_node *norm)
{
    int x = norm->inputs[0], by = cnn__export_value(s, x)->node;
    const cnn_trace_node *node = by >= 0 ? cnn_trace_get_node(s->trace, by) : NULL;
    bool conv = node && strncmp(node->op, "conv", 4) == 0 && !strchr(node->op, '_');
    bool linear = node && strcmp(node->op, "linear") == 0 && cnn__export_ndim(s, x) == 2;
    if (!(conv || linear) || s->uses[x] != 1 || s->uses[node->inputs[1]] != 1 || !is_stored(s, node, 1) ||
        !is_stored(s, node, 2) || (cnn__export_has(node, 2) && s->uses[node->inputs[2]] != 1)) {
        return false;
    }
    bool stored = cnn__export_has(norm, 3) && cnn__export_has(norm, 4) && !find(norm, "training")->ints[0];
    for (int i = 1; i < norm->input_count; i++) {
        stored = stored && is_stored(s, norm, i);
    }
    return stored;
}

void cnn__export_plan_folding(cnn__export *s)
{
    for (int i = 0; i < s->node_count; i++) {
        const cnn_trace_node *node = cnn_trace_get_node(s->trace, i);
        if (strcmp(node->op, "batch_norm") == 0 && can_fold(s, node)) {
            int by = cnn__export_value(s, node->inputs[0])->node;
            s->folding[i] = -1;
            s->folding[by] = 1;
            s->folded[by] = i;
        }
    }
}
