/* The memory that a tape keeps from one step to the next: at most 1.5 times what the largest step needs, for any
 * sequence of sizes, and enough that steps of alternating sizes allocate nothing. */
#include "support/elements.h"
#include "support/fixtures.h"
#include "support/steps.h"
#include "support/suite.h"

static cnn_context *ctx;
static cnn_tape *tape;

static void setup(void)
{
    ctx = metered_context(1);
    steps_make(ctx);
    tape = cnn_tape_new(ctx);
    ck_assert_ptr_nonnull(tape);
}

static void teardown(void)
{
    meter_reset();
    cnn_tape_free(tape);
    steps_free();
    cnn_context_free(ctx);
    ck_assert_uint_eq(atomic_load(&meter.now), 0);
}

/* Fewer steps where CNN_TEST_SHAPES says that a slow instrument is watching. */
static int steps_wanted(int usual)
{
    const char *few = getenv("CNN_TEST_SHAPES");
    return few && atoi(few) < 10 ? usual / 6 : usual;
}

/* ---- the bound ---- */

static const struct {
    step_kind first, end;
} mixtures[] = {
    { TRAIN_CONV, TRAIN_PRODUCTS }, { TRAIN_PRODUCTS, TRAIN_PARTLY }, { TRAIN_CONV, TRAIN_KINDS }, { EVAL_CONV, EVAL_GROWING },
    { EVAL_GROWING, EVAL_KEEPING }, { EVAL_CONV, STEP_KINDS },        { TRAIN_CONV, STEP_KINDS },
};
enum { MIXTURES = sizeof mixtures / sizeof *mixtures };

START_TEST(a_tape_holds_at_most_one_and_a_half_of_its_largest_step)
{
    steps_keep_to_the_bound(17 + (unsigned)_i, steps_wanted(60), mixtures[_i].first, mixtures[_i].end);
}
END_TEST

/* Sizes that grow and shrink slowly: the next step fits the blocks of the last one best where that is least welcome. */
START_TEST(slowly_changing_sizes_keep_to_the_bound)
{
    size_t largest = 0;
    int steps = steps_wanted(120);
    for (int i = 0; i < steps; i++) {
        step s = { .kind = _i, .images = 2, .height = 8 + (i < steps / 2 ? i : steps - i), .width = 16 };
        step_must_run(tape, &s);
        size_t need = step_need(&s), held = cnn_tape_memory(tape);
        largest = need > largest ? need : largest;
        ck_assert_msg(held <= largest + largest / 2, "step %d: %zu bytes, the largest needs %zu", i, held, largest);
    }
}
END_TEST

/* Kernels' workspace belongs to what a step needs, and is not kept for steps that are far from needing it. */
START_TEST(workspace_of_another_step_is_given_back)
{
    cnn_module *deep = cnn_conv2d_new(ctx, 128, 128, 3, .padding = 1);
    cnn_tensor *few = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(1, 128, 8, 8));
    cnn_tape_begin(tape, CNN_EVAL);
    ck_assert_int_eq(cnn_tensor_status(cnn_forward(deep, cnn_input(tape, few))), CNN_OK);
    size_t workspace = cnn_tape_memory(tape);
    size_t result = 128 * 64 * 4;
    ck_assert_uint_gt(workspace, 4 * result);
    cnn_tensor *many = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE((int64_t)workspace / 4));
    for (int round = 0; round < 3; round++) {
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *y = cnn_tanh(cnn_input(tape, many));
        ck_assert_int_eq(cnn_tensor_status(y), CNN_OK);
        ck_assert_uint_le(cnn_tape_memory(tape), workspace * 3 / 2 + (1 << 16));
        cnn_tape_begin(tape, CNN_EVAL);
        ck_assert_int_eq(cnn_tensor_status(cnn_forward(deep, cnn_input(tape, few))), CNN_OK);
        ck_assert_uint_le(cnn_tape_memory(tape), workspace * 3 / 2 + (1 << 16));
    }
    cnn_tensor_free(few);
    cnn_tensor_free(many);
    cnn_module_free(deep);
}
END_TEST

/* ---- no allocation ---- */

typedef struct turn {
    int count;
    step steps[6];
} turn;

#define STEP(step_kind, number, side) { .kind = (step_kind), .images = (number), .height = (side), .width = (side) }

static const turn turns[] = {
    { 2, { STEP(TRAIN_CONV, 4, 40), STEP(TRAIN_CONV, 3, 40) } }, /* a short last batch */
    { 2, { STEP(TRAIN_CONV, 4, 40), STEP(TRAIN_CONV, 2, 40) } },
    { 2, { STEP(TRAIN_CONV, 4, 40), STEP(TRAIN_CONV, 1, 40) } },
    { 2, { STEP(TRAIN_CONV, 3, 40), STEP(TRAIN_CONV, 4, 40) } }, /* it comes first */
    { 2, { STEP(TRAIN_CONV, 1, 40), STEP(TRAIN_CONV, 4, 40) } },
    { 2, { STEP(TRAIN_PARTLY, 4, 32), STEP(TRAIN_PARTLY, 3, 32) } },
    { 2, { STEP(TRAIN_PRODUCTS, 4, 32), STEP(TRAIN_PRODUCTS, 3, 32) } },
    { 2, { STEP(TRAIN_TWICE, 4, 32), STEP(TRAIN_TWICE, 3, 32) } },
    { 2, { STEP(TRAIN_FAILED, 4, 40), STEP(TRAIN_CONV, 4, 40) } },
    { 2, { STEP(EVAL_CONV, 4, 40), STEP(EVAL_CONV, 3, 40) } },
    { 2, { STEP(EVAL_CONV, 3, 40), STEP(EVAL_CONV, 4, 40) } },
    { 2, { STEP(EVAL_GROWING, 4, 40), STEP(EVAL_GROWING, 3, 40) } },
    { 2, { STEP(EVAL_GROWING, 3, 40), STEP(EVAL_GROWING, 4, 40) } },
    { 2, { STEP(EVAL_GROWING, 4, 40), STEP(EVAL_CONV, 3, 40) } },
    { 2, { STEP(EVAL_KEEPING, 4, 40), STEP(EVAL_KEEPING, 3, 40) } },
    { 5, { STEP(TRAIN_CONV, 4, 40), STEP(TRAIN_CONV, 4, 40), STEP(TRAIN_CONV, 3, 40), STEP(EVAL_CONV, 4, 40),
           STEP(EVAL_CONV, 3, 40) } }, /* an epoch and its test */
};
enum { TURNS = sizeof turns / sizeof *turns };

START_TEST(steps_that_take_turns_allocate_nothing)
{
    turn t = turns[_i];
    for (int i = 0; i < t.count; i++) {
        t.steps[i].x = step_input(&t.steps[i]);
    }
    for (int round = 0; round < 5; round++) {
        long before = atomic_load(&meter.calls);
        for (int i = 0; i < t.count; i++) {
            step_must_run(tape, &t.steps[i]);
        }
        long calls = atomic_load(&meter.calls) - before;
        ck_assert_msg(round == 0 || calls == 0, "%ld allocations in round %d", calls, round);
    }
    for (int i = 0; i < t.count; i++) {
        cnn_tensor_free(t.steps[i].x);
    }
}
END_TEST

static long calls_of(cnn_tape *on, const step *s)
{
    long before = atomic_load(&meter.calls);
    step_must_run(on, s);
    return atomic_load(&meter.calls) - before;
}

/* One step is enough to know an equal one, on a new tape and on one that has had other sizes. */
START_TEST(equal_steps_allocate_nothing)
{
    unsigned seed = 31;
    for (int i = 0; i < 8; i++) {
        step s = step_draw(&seed, _i, _i + 1);
        cnn_tape *own = cnn_tape_new(ctx);
        s.x = step_input(&s);
        calls_of(own, &s);
        calls_of(tape, &s);
        for (int again = 0; again < 3; again++) {
            ck_assert_int_eq(calls_of(own, &s), 0);
            ck_assert_int_eq(calls_of(tape, &s), 0);
        }
        cnn_tape_free(own);
        cnn_tensor_free(s.x);
    }
}
END_TEST

/* ---- little memory ---- */

static size_t budget, spent;

static void *spend(size_t size, size_t alignment, void *user)
{
    if (spent > budget || size > budget - spent) {
        return NULL;
    }
    void *memory = meter_allocate(size, alignment, user);
    spent += memory ? size : 0;
    return memory;
}

static void unspend(void *memory, size_t size, void *user)
{
    spent -= size;
    meter_deallocate(memory, size, user);
}

/* A step that a new tape could run runs on any: what is idle is given back before there is no memory. And where there is room
 * for what the largest step needs and half as much, none fails. */
START_TEST(a_step_fails_only_where_a_new_tape_would)
{
    enum { STEPS = 60, GRAPH = 1 << 20 };
    step steps[STEPS];
    unsigned seed = 5;
    size_t need[STEPS], largest = 0;
    budget = SIZE_MAX;
    cnn_context *poor = cnn_context_new(.threads = 1, .allocate = spend, .deallocate = unspend);
    steps_free();
    steps_make(poor);
    for (int i = 0; i < STEPS; i++) {
        steps[i] = step_draw(&seed, TRAIN_CONV, _i ? STEP_KINDS : TRAIN_PRODUCTS);
        steps[i].x = step_input(&steps[i]);
        need[i] = step_need(&steps[i]);
        largest = need[i] > largest ? need[i] : largest;
    }
    size_t rest = spent + GRAPH;
    cnn_tape *other = cnn_tape_new(poor);
    for (int i = 0; i < STEPS; i++) {
        budget = rest + need[i];
        step_must_run(other, &steps[i]);
    }
    budget = rest + largest + largest / 2;
    for (int i = 0; i < STEPS; i++) {
        step_must_run(other, &steps[i]);
    }
    for (int i = 0; i < STEPS; i++) {
        cnn_tensor_free(steps[i].x);
    }
    cnn_tape_free(other);
    steps_free();
    cnn_context_free(poor);
    ck_assert_uint_eq(spent, 0);
    steps_make(ctx);
}
END_TEST

/* What no memory could hold does not raise the bound. */
START_TEST(what_could_not_be_had_does_not_count)
{
    step s = { .kind = TRAIN_CONV, .images = 4, .height = 48, .width = 48 };
    step_must_run(tape, &s);
    size_t need = cnn_tape_memory(tape);
    cnn_tensor *one = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(1));
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *y = cnn_tanh(cnn_expand(cnn_input(tape, one), CNN_SHAPE((int64_t)1 << 50)));
    ck_assert_int_eq(cnn_tensor_status(y), CNN_ERROR_NO_MEMORY);
    unsigned seed = 3;
    for (int i = 0; i < 30; i++) {
        s = step_draw(&seed, TRAIN_CONV, TRAIN_PRODUCTS);
        step_must_run(tape, &s);
        ck_assert_uint_le(cnn_tape_memory(tape), need + need / 2);
    }
    cnn_tensor_free(one);
}
END_TEST

/* ---- what is counted, and what else is kept ---- */

/* cnn_tape_memory() says what the allocator sees, but for the heads of blocks and for handles and graph. Elements on a
 * device are not the allocator's. */
START_TEST(tape_memory_counts_all_elements)
{
    enum { BESIDES = 400 * 1024 };
    step s = { .kind = _i, .images = 4, .height = 48, .width = 48 };
    s.x = step_input(&s);
    cnn_tape *other = cnn_tape_new(ctx);
    step_must_run(other, &s); /* the gradients have their memory now */
    cnn_tape_free(other);
    size_t before = atomic_load(&meter.now);
    other = cnn_tape_new(ctx);
    step_must_run(other, &s);
    size_t held = atomic_load(&meter.now) - before, said = cnn_tape_memory(other);
    ck_assert_msg(on_device() ? held < BESIDES : held >= said && held - said < BESIDES, "%zu bytes are held, %zu said", held, said);
    ck_assert_uint_gt(said, 0);
    cnn_tape_free(other);
    cnn_tensor_free(s.x);
}
END_TEST

static cnn_tensor *chain(cnn_tensor *x, int operations)
{
    for (int i = 0; i < operations; i++) {
        x = cnn_add_scalar(x, 1);
    }
    return x;
}

/* Handles and graph stay as the longest step needed them, and do not grow after it. */
START_TEST(a_long_step_leaves_its_graph_and_no_more)
{
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2));
    ck_assert_int_eq(cnn_tensor_set_requires_grad(x, true), CNN_OK);
    size_t after = 0;
    for (int round = 0; round < 4; round++) {
        cnn_tape_begin(tape, CNN_TRAIN);
        ck_assert_int_eq(cnn_backward(step_mean(chain(cnn_input(tape, x), 100000))), CNN_OK);
        size_t now = atomic_load(&meter.now);
        ck_assert_msg(!round || now == after, "round %d holds %zu bytes, the first %zu", round, now, after);
        for (int i = 0; i < 300; i++) {
            cnn_tape_begin(tape, i % 3 ? CNN_TRAIN : CNN_EVAL);
            chain(cnn_input(tape, x), i);
            ck_assert_int_eq(cnn_tape_status(tape), CNN_OK);
        }
        after = round ? after : atomic_load(&meter.now); /* evaluation remembers its blocks */
        ck_assert_uint_le(atomic_load(&meter.now), now + (1 << 17));
        ck_assert_uint_le(atomic_load(&meter.now), after);
    }
    cnn_tensor_free(x);
}
END_TEST

/* Lists of operands that are longer from step to step. */
START_TEST(long_lists_of_operands_do_not_pile_up)
{
    enum { MOST = 4000, HANDLE = 512 };
    static cnn_tensor *parts[MOST];
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2));
    ck_assert_int_eq(cnn_tensor_set_requires_grad(x, true), CNN_OK);
    size_t before = atomic_load(&meter.now);
    for (int count = 100; count <= MOST; count += 39) {
        cnn_tape_begin(tape, CNN_TRAIN);
        for (int i = 0; i < count; i++) {
            parts[i] = i ? x : cnn_input(tape, x);
        }
        cnn_tensor *y = chain(cnn_concat(parts, count, 0), 10);
        ck_assert_msg(cnn_tensor_status(y) == CNN_OK, "%s", cnn_tape_error(tape));
    }
    size_t grown = atomic_load(&meter.now) - before, lists = MOST * 2 * sizeof(void *);
    ck_assert_msg(grown < MOST * HANDLE + 12 * lists, "%zu bytes", grown);
    cnn_tensor_free(x);
}
END_TEST

/* Evaluation steps that begin like the one before and then hold one small result more: their plan expects a large one there. */
static cnn_module *inner;
static cnn_tensor *large;
static int small_results;

static cnn_tensor *drops_one(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    cnn_neg(x);
    return x;
}

static cnn_tensor *small_then_large(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    for (int i = 0; i < small_results; i++) {
        cnn_neg(x);
    }
    cnn_forward(inner, x);
    return cnn_neg(cnn_input(cnn_tensor_tape(x), large));
}

static size_t deep_step(cnn_tape *on, cnn_module *outer, cnn_tensor *x)
{
    cnn_tape_begin(on, CNN_EVAL);
    cnn_forward(outer, cnn_input(on, x));
    ck_assert_int_eq(cnn_tape_status(on), CNN_OK);
    return cnn_tape_memory(on);
}

START_TEST(steps_that_leave_their_plan)
{
    cnn_tensor *x = cnn_tensor_zeros(steps_context, CNN_F32, CNN_SHAPE(1 << 16));
    large = cnn_tensor_zeros(steps_context, CNN_F32, CNN_SHAPE(20 << 16));
    inner = cnn_module_new(steps_context, drops_one);
    cnn_module *outer = cnn_module_new(steps_context, small_then_large);
    size_t most = 0;
    for (small_results = 1; small_results <= 12; small_results++) {
        cnn_tape *fresh = cnn_tape_new(steps_context);
        size_t need = deep_step(fresh, outer, x), held = deep_step(tape, outer, x);
        cnn_tape_free(fresh);
        most = need > most ? need : most;
        ck_assert_msg(held <= most / 2 * 5, "%zu bytes held, %zu needed at most", held, most);
    }
    cnn_module_free(outer);
    cnn_module_free(inner);
    cnn_tensor_free(large);
    cnn_tensor_free(x);
}
END_TEST

enum { WIDTH = 256, ROWS = 64 };

/* The bytes of a step through so many linear layers, whose input wants a gradient. */
static size_t linear_layers(int depth, bool frozen)
{
    cnn_module *layers[12];
    for (int i = 0; i < depth; i++) {
        layers[i] = cnn_linear_new(ctx, WIDTH, WIDTH);
    }
    cnn_module *net = cnn_sequential_create(ctx, layers, depth);
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(ROWS, WIDTH));
    ck_assert_int_eq(cnn_tensor_set_requires_grad(x, true), CNN_OK);
    for (int i = 0; i < cnn_module_parameter_count(net); i++) {
        cnn_tensor_set_requires_grad(cnn_module_parameter(net, i), !frozen);
    }
    cnn_tape *fresh = cnn_tape_new(ctx);
    cnn_tape_begin(fresh, CNN_TRAIN);
    cnn_tensor *y = cnn_forward(net, cnn_input(fresh, x));
    ck_assert_int_eq(cnn_backward_with(y, NULL, false), CNN_OK);
    size_t bytes = cnn_tape_memory(fresh);
    ck_assert_float_ne(cnn_tensor_item(cnn_sum(cnn_input(fresh, cnn_tensor_grad(x)), 0, NULL, false)), 0);
    cnn_tape_free(fresh);
    cnn_tensor_free(x);
    cnn_module_free(net);
    return bytes;
}

/* Only the gradient of a layer's weight reads its input, so a layer without one does not keep it. */
START_TEST(frozen_layers_keep_no_inputs)
{
    ck_assert_uint_ge(linear_layers(12, false), linear_layers(4, false) + 8 * ROWS * WIDTH * sizeof(float));
    ck_assert_uint_eq(linear_layers(12, true), linear_layers(4, true));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tape_memory");
    TCase *bound = suite_case(suite, "bound", setup, teardown);
    tcase_add_loop_test(bound, a_tape_holds_at_most_one_and_a_half_of_its_largest_step, 0, MIXTURES);
    tcase_add_loop_test(bound, slowly_changing_sizes_keep_to_the_bound, 0, STEP_KINDS);
    tcase_add_test(bound, workspace_of_another_step_is_given_back);
    tcase_add_test(bound, steps_that_leave_their_plan);
    TCase *allocations = suite_case(suite, "allocations", setup, teardown);
    tcase_add_loop_test(allocations, steps_that_take_turns_allocate_nothing, 0, TURNS);
    tcase_add_loop_test(allocations, equal_steps_allocate_nothing, 0, STEP_KINDS);
    TCase *little = suite_case(suite, "little memory", setup, teardown);
    tcase_add_loop_test(little, a_step_fails_only_where_a_new_tape_would, 0, 2);
    tcase_add_test(little, what_could_not_be_had_does_not_count);
    TCase *kept = suite_case(suite, "kept", setup, teardown);
    tcase_add_loop_test(kept, tape_memory_counts_all_elements, 0, STEP_KINDS);
    tcase_add_test(kept, a_long_step_leaves_its_graph_and_no_more);
    tcase_add_test(kept, long_lists_of_operands_do_not_pile_up);
    tcase_add_test(kept, frozen_layers_keep_no_inputs);
    return suite_run(suite);
}
