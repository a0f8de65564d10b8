/* If, Loop and Scan: the host must know the condition and the number of rounds. */
#include "ops.h"

#include <string.h>

enum { FIRST_ROUNDS = 16, MOST_ROUNDS = CNN__ONNX_MOST_ROUNDS };

static const cnn__onnx_block *block_of(const cnn__onnx_run *run, const char *name)
{
    const cnn__onnx_step *step = run->step;
    for (int i = 0; i < step->attribute_count; i++) {
        if (cnn__onnx_text_is(step->attributes[i].name, name)) {
            return step->blocks[i];
        }
    }
    return NULL;
}

static void pass(cnn__onnx_run *run, const cnn__onnx_step *step, int output, const cnn__onnx_value *value)
{
    if (output < step->out_count && step->out[output] >= 0) {
        run->values[step->out[output]] = *value;
    }
}

bool cnn__onnx_op_if(cnn__onnx_run *run)
{
    const cnn__onnx_step *step = run->step;
    const cnn__onnx_host *condition = cnn__onnx_in_host(run, 0);
    if (!condition || !condition->i || condition->numel != 1) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "a condition that is no boolean");
    }
    const cnn__onnx_block *block = block_of(run, condition->i[0] ? "then_branch" : "else_branch");
    if (!block || block->in_count || block->out_count < step->out_count) {
        return cnn__onnx_step_fail(run, CNN_ERROR_FORMAT, "a branch that does not fit its outputs");
    }
    if (!cnn__onnx_block_run(run, block)) {
        return false;
    }
    for (int i = 0; i < step->out_count; i++) {
        pass(run, step, i, &run->values[block->out[i]]);
    }
    return true;
}

static cnn__onnx_value copy_of(const cnn__onnx_run *run, int slot)
{
    return slot < 0 ? (cnn__onnx_value){ 0 } : run->values[slot];
}

/* What rounds gave, beside each other along a new first dimension. */
static bool pass_stacked(cnn__onnx_run *run, const cnn__onnx_step *step, int output, cnn_tensor **parts, int64_t count,
                         int type, int axis)
{
    cnn__onnx_value value = { .type = type };
    if (count == 0) {
        return cnn__onnx_step_fail(run, CNN_ERROR_UNSUPPORTED, "output %d of no rounds", output);
    }
    value.tensor = cnn_stack(parts, (int)count, axis);
    if (!value.tensor || cnn_tensor_status(value.tensor) != CNN_OK) {
        return false;
    }
    pass(run, step, output, &value);
    return true;
}

typedef struct rounds {
    const cnn__onnx_block *block;
    cnn_tensor **parts; /* the parts of each scanned output, one per round */
    int *types;
    int carried, scanned;
    int64_t most;
} rounds;

/* Runs the body once more; a round counts as its nodes do. */
static bool run_round(cnn__onnx_run *run, const rounds *r)
{
    int64_t nodes = 1;
    for (const cnn__onnx_step *step = r->block->first; step; step = step->next) {
        nodes++;
    }
    return cnn__onnx_count_rounds(run, nodes) && cnn__onnx_block_run(run, r->block);
}

/* Room for `most` rounds; what is there stays. */
static bool rounds_room(cnn__onnx_run *run, rounds *r, int64_t most)
{
    cnn_tensor **parts = cnn__onnx_arena_get(run->arena, (size_t)r->scanned, (size_t)most * sizeof *parts);
    if (!parts) {
        return cnn__onnx_step_fail(run, CNN_ERROR_NO_MEMORY, "no memory for %lld rounds", (long long)most);
    }
    for (int i = 0; i < r->scanned && r->most; i++) {
        memcpy(parts + i * most, r->parts + i * r->most, (size_t)r->most * sizeof(cnn_tensor *));
    }
    r->parts = parts;
    r->most = most;
    return true;
}

static bool keep_parts(cnn__onnx_run *run, rounds *r, int64_t round, int first)
{
    if (round == r->most && !rounds_room(run, r, 2 * r->most)) {
        return false;
    }
    for (int i = 0; i < r->scanned; i++) {
        cnn__onnx_value *value = &run->values[r->block->out[first + i]];
        r->types[i] = value->type;
        r->parts[i * r->most + round] = cnn__onnx_tensor_of(run, value);
        if (!r->parts[i * r->most + round]) {
            return cnn__onnx_step_fail(run, CNN_ERROR_UNSUPPORTED, "a round gives no tensor");
        }
    }
    return true;
}

static bool rounds_begin(cnn__onnx_run *run, rounds *r)
{
    r->types = cnn__onnx_arena_get(run->arena, (size_t)r->scanned, sizeof *r->types);
    return r->types ? rounds_room(run, r, FIRST_ROUNDS) : cnn__onnx_step_fail(run, CNN_ERROR_NO_MEMORY, "no memory");
}

/* Carries the outputs of a round from `from` on into the inputs of the next one from `to` on; copied first, because a
 * body may give an input as an output. */
static bool carry(cnn__onnx_run *run, const rounds *r, int from, int to)
{
    cnn__onnx_value *values = cnn__onnx_arena_get(run->arena, (size_t)r->carried, sizeof *values);
    if (!values) {
        return cnn__onnx_step_fail(run, CNN_ERROR_NO_MEMORY, "no memory");
    }
    for (int i = 0; i < r->carried; i++) {
        values[i] = run->values[r->block->out[from + i]];
    }
    for (int i = 0; i < r->carried; i++) {
        run->values[r->block->in[to + i]] = values[i];
    }
    return true;
}

static void set_host(cnn__onnx_run *run, int slot, int type, int64_t value)
{
    cnn__onnx_host *host = cnn__onnx_run_host(run, type, 0, NULL);
    if (host) {
        host->i[0] = value;
        run->values[slot] = (cnn__onnx_value){ .host = host, .type = type };
    }
}

bool cnn__onnx_op_loop(cnn__onnx_run *run)
{
    const cnn__onnx_step *step = run->step;
    rounds r = { .block = block_of(run, "body"), .carried = step->in_count > 2 ? step->in_count - 2 : 0 };
    bool goes_on = !cnn__onnx_has(run, 1) || cnn__onnx_in_number(run, 1, 1) > 0;
    double trips = cnn__onnx_in_number(run, 0, MOST_ROUNDS + 1.0);
    int64_t limit = !(trips > 0) ? 0 : trips > MOST_ROUNDS ? MOST_ROUNDS : (int64_t)trips, round = 0;
    r.scanned = step->out_count - r.carried;
    if (!r.block || r.block->in_count != r.carried + 2 || r.scanned < 0 ||
        r.block->out_count < 1 + r.carried + r.scanned) {
        return cnn__onnx_step_fail(run, CNN_ERROR_FORMAT, "a body that does not fit its inputs");
    }
    if (run->status != CNN_OK || !rounds_begin(run, &r)) {
        return false;
    }
    for (int i = 0; i < r.carried; i++) {
        run->values[r.block->in[i + 2]] = copy_of(run, step->in[i + 2]);
    }
    for (; goes_on && round < limit; round++) {
        set_host(run, r.block->in[0], CNN__ONNX_INT64, round);
        set_host(run, r.block->in[1], CNN__ONNX_BOOL, 1);
        run->step = step;
        if (!run_round(run, &r) || !keep_parts(run, &r, round, 1 + r.carried)) {
            return false;
        }
        const cnn__onnx_host *condition = cnn__onnx_host_of(run, &run->values[r.block->out[0]]);
        goes_on = condition && condition->i && condition->numel == 1 && condition->i[0];
        if (!carry(run, &r, 1, 2)) {
            return false;
        }
    }
    if (goes_on && trips > (double)limit) {
        run->step = step;
        return cnn__onnx_step_fail(run, CNN_ERROR_UNSUPPORTED, "more than %d rounds", MOST_ROUNDS);
    }
    for (int i = 0; i < r.carried; i++) {
        cnn__onnx_value value = run->values[r.block->in[i + 2]];
        pass(run, step, i, &value);
    }
    for (int i = 0; i < r.scanned; i++) {
        if (!pass_stacked(run, step, r.carried + i, r.parts + i * r.most, round, r.types[i], 0)) {
            return false;
        }
    }
    return run->status == CNN_OK;
}

/* Attribute number i of a list, or 0. */
static int64_t listed(const cnn__onnx_run *run, const char *name, int i)
{
    int count;
    const int64_t *values = cnn__onnx_ints(run, name, &count);
    return values && i < count ? values[i] : 0;
}

/* Since opset 9: states, then what is scanned. */
bool cnn__onnx_op_scan(cnn__onnx_run *run)
{
    const cnn__onnx_step *step = run->step;
    int given = (int)cnn__onnx_int(run, "num_scan_inputs", 0);
    rounds r = { .block = block_of(run, "body"), .carried = step->in_count - given };
    int64_t count = -1;
    r.scanned = step->out_count - r.carried;
    if (!r.block || given < 1 || r.carried < 0 || r.scanned < 0 || r.block->in_count != step->in_count ||
        r.block->out_count < step->out_count) {
        return cnn__onnx_step_fail(run, CNN_ERROR_FORMAT, "a body that does not fit its inputs");
    }
    for (int i = 0; i < given; i++) {
        int axis = cnn__onnx_axis(run, listed(run, "scan_input_axes", i), cnn__onnx_rank(run, r.carried + i));
        int64_t size = axis < 0 ? -1 : cnn_tensor_size(cnn__onnx_in(run, r.carried + i), axis);
        if (axis < 0 || (count >= 0 && size != count)) {
            return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "scanned inputs of %lld and %lld elements",
                                       (long long)count, (long long)size);
        }
        count = size;
    }
    if (!rounds_begin(run, &r)) {
        return false;
    }
    for (int i = 0; i < r.carried; i++) {
        run->values[r.block->in[i]] = copy_of(run, step->in[i]);
    }
    for (int64_t round = 0; round < count; round++) {
        run->step = step;
        for (int i = 0; i < given; i++) {
            int axis = cnn__onnx_axis(run, listed(run, "scan_input_axes", i), cnn__onnx_rank(run, r.carried + i));
            int64_t at = listed(run, "scan_input_directions", i) ? count - 1 - round : round;
            cnn_tensor *part = cnn_squeeze(cnn_slice(cnn__onnx_in(run, r.carried + i), axis, at, at + 1, 1), axis);
            run->values[r.block->in[r.carried + i]] =
                (cnn__onnx_value){ .tensor = part, .type = cnn__onnx_type(run, r.carried + i) };
        }
        if (!run_round(run, &r) || !keep_parts(run, &r, round, r.carried) || !carry(run, &r, 0, 0)) {
            return false;
        }
    }
    run->step = step;
    for (int i = 0; i < r.carried; i++) {
        cnn__onnx_value value = run->values[r.block->in[i]];
        pass(run, step, i, &value);
    }
    for (int i = 0; i < r.scanned; i++) {
        cnn_tensor **parts = r.parts + i * r.most;
        for (int64_t a = 0, b = count - 1; listed(run, "scan_output_directions", i) && a < b; a++, b--) {
            cnn_tensor *swapped = parts[a];
            parts[a] = parts[b];
            parts[b] = swapped;
        }
        if (!pass_stacked(run, step, r.carried + i, parts, count, r.types[i],
                          (int)listed(run, "scan_output_axes", i))) {
            return false;
        }
    }
    return true;
}
