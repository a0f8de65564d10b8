/* Every net of examples/zoo against torchvision's, or PyTorch's where torchvision has none (tools/fixtures/zoo.py):
 * same weights in, the keys and shapes of the state_dict, the output of evaluation, gradients, and five steps of SGD. A
 * net without a fixture fails. CNN_TEST_ZOO=all runs those too that take seconds, CNN_TEST_ZOO=NAME one. */
#include "support/fixtures.h"
#include "support/suite.h"
#include "support/zoo_recipe.h"

#include "blocks.h"
#include "zoo.h"

enum { STEPS = 5, SAMPLES = 4, MOST_PARAMETERS = 1024 };

/* Nets like another one that is run each time, but larger. */
static const char *const heavy[] = { "resnet34", "alexnet", "vgg11_bn", "vgg16", "vgg16_bn", "unet", "unet_bilinear" };

typedef struct world {
    const zoo_net *net;
    cnn_context *ctx;
    cnn_module *model;
    cnn_tape *tape;
    cnn_tensor *input, *target;
    cnn_tensor *parameters[MOST_PARAMETERS];
    char names[MOST_PARAMETERS][96];
    int count; /* how many parameters there are */
    int64_t shape[5], classes;
    double tolerance;    /* relative, for what training computes */
    bool has_f64, exact; /* whether it is trained in f64 too, and whether it is now */
} world;

static world w;

/* What is stored of the net under that name, as doubles, to be freed. */
static double *stored(const char *what, int64_t *count)
{
    char file[96];
    snprintf(file, sizeof file, "zoo/%s.safetensors", w.net->name);
    cnn_file *open = fixture_open(fixture_path(file));
    int i = cnn_file_find(open, what);
    ck_assert_msg(i >= 0, "%s has no %s", file, what);
    cnn_tensor *t = cnn_file_read(open, i);
    double *values = as_doubles(t);
    if (count) {
        *count = cnn_tensor_numel(t);
    }
    cnn_tensor_free(t);
    return values;
}

static bool note_parameter(const char *name, cnn_tensor *tensor, bool is_parameter, void *user)
{
    (void)user;
    if (is_parameter) {
        ck_assert_int_lt(w.count, MOST_PARAMETERS);
        snprintf(w.names[w.count], sizeof *w.names, "%s", name);
        w.parameters[w.count++] = tensor;
    }
    return true;
}

static bool without_drops(cnn_module *module, void *user)
{
    (void)user;
    return (!zoo_is(module, "Dropout") && !zoo_is(module, "StochasticDepth")) ||
           cnn_module_set_mode(module, CNN_MODULE_EVALUATES) == CNN_OK;
}

static void make_batch(void)
{
    const int64_t *s = w.shape;
    if (w.net->tokens) {
        w.input = recipe_whole(w.ctx, "input", w.classes, CNN_SHAPE(s[0], s[1]));
        w.target = recipe_whole(w.ctx, "target", w.classes, CNN_SHAPE(s[0], s[1]));
        return;
    }
    w.input = cnn_tensor_zeros(w.ctx, CNN_F32, CNN_SHAPE(s[0], s[1], s[2], s[3]));
    ck_assert_ptr_nonnull(w.input);
    recipe_fill(w.input, "input", 0, 1);
    w.target = recipe_whole(w.ctx, "target", w.classes, w.net->pixels ? 3 : 1, (const int64_t[]){ s[0], s[2], s[3] });
}

static void open_world(int number)
{
    w.net = &zoo_nets[number];
    double *shape = stored("shape", NULL);
    for (int i = 0; i < 5; i++) {
        w.shape[i] = (int64_t)shape[i];
    }
    free(shape);
    w.classes = w.shape[4];
    w.ctx = cnn_context_new(.threads = 2);
    w.tape = cnn_tape_new(w.ctx);
    w.model = w.net->make(w.ctx, w.net, w.shape + 1, w.classes);
    ck_assert_msg(w.model != NULL, "%s: %s", w.net->name, cnn_last_error(NULL));
    ck_assert_int_eq(cnn_module_visit(w.model, recipe_visit, NULL), CNN_OK);
    ck_assert(zoo_each(w.model, without_drops, NULL));
    make_batch();
}

static void close_world(void)
{
    cnn_tensor_free(w.input);
    cnn_tensor_free(w.target);
    cnn_tape_free(w.tape);
    cnn_module_free(w.model);
    cnn_context_free(w.ctx);
}

/* ---- keys and shapes ---- */

typedef struct text {
    char *at;
    size_t size, used;
} text;

static bool note_entry(const char *name, cnn_tensor *t, bool is_parameter, void *user)
{
    text *all = user;
    (void)is_parameter;
    all->used += (size_t)snprintf(all->at + all->used, all->size - all->used, "%s [", name);
    for (int d = 0; d < cnn_tensor_ndim(t); d++) {
        all->used += (size_t)snprintf(all->at + all->used, all->size - all->used, d ? ",%lld" : "%lld",
                                      (long long)cnn_tensor_size(t, d));
    }
    all->used += (size_t)snprintf(all->at + all->used, all->size - all->used, "]\n");
    ck_assert_uint_lt(all->used, all->size);
    return true;
}

/* The lines "key shape" in PyTorch's order have the hash of PyTorch's. */
static void check_layout(void)
{
    enum { SIZE = 1 << 18 };
    text all = { .at = malloc(SIZE), .size = SIZE };
    ck_assert_ptr_nonnull(all.at);
    ck_assert_int_eq(cnn_module_visit(w.model, note_entry, &all), CNN_OK);
    double *layout = stored("layout", NULL);
    ck_assert_msg(recipe_seed(all.at) == (uint32_t)layout[0], "%s: keys and shapes are not PyTorch's %.0f:\n%s",
                  w.net->name, layout[1], all.at);
    free(layout);
    free(all.at);
}

/* ---- values ---- */

static void close_to(const char *what, const char *of, double given, double expected, double bound)
{
    if (!(fabs(given - expected) <= bound)) {
        ck_abort_msg("%s: %s of %s is %.9g, expected %.9g within %.2g", w.net->name, what, of, given, expected, bound);
    }
}

static double largest(const double *values, int64_t count)
{
    double most = 0;
    for (int64_t i = 0; i < count; i++) {
        most = fmax(most, fabs(values[i]));
    }
    return most;
}

static double norm_of(const double *values, const double *minus, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        double v = values[i] - (minus ? minus[i] : 0);
        sum += v * v;
    }
    return sqrt(sum);
}

static int64_t sample_place(const char *name, int i, int64_t count)
{
    char key[128];
    snprintf(key, sizeof key, "%s/samples", name);
    return (int64_t)recipe_bits(recipe_seed(key), i) % count;
}

/* The net frozen for inference computes what the step did, to the bit. */
static void check_frozen(cnn_tensor *y)
{
    if (strcmp(cnn_context_device(w.ctx), "cpu") != 0) {
        return;
    }
    cnn_predictor *predictor =
        cnn_predictor_new(w.model, cnn_tensor_dtype(w.input), cnn_tensor_ndim(w.input), cnn_tensor_shape(w.input));
    ck_assert_msg(predictor != NULL, "%s: %s", w.net->name, cnn_last_error(w.ctx));
    size_t bytes = (size_t)cnn_tensor_numel(y) * cnn_dtype_size(cnn_tensor_dtype(y));
    float *frozen = malloc(bytes), *stepped = malloc(bytes);
    const void *in = cnn_tensor_data(w.input);
    void *out = frozen;
    ck_assert_int_eq(cnn_predictor_run(predictor, &in, &out), CNN_OK);
    ck_assert_int_eq(cnn_tensor_read(y, stepped, bytes), CNN_OK);
    ck_assert_msg(memcmp(frozen, stepped, bytes) == 0, "%s: a frozen one computes something else", w.net->name);
    free(frozen);
    free(stepped);
    cnn_predictor_free(predictor);
}

static void check_output(void)
{
    int64_t count;
    double *expected = stored("output", &count);
    ck_assert_int_eq(cnn_tape_begin(w.tape, CNN_EVAL), CNN_OK);
    cnn_tensor *y = cnn_forward(w.model, cnn_input(w.tape, w.input));
    ck_assert_msg(cnn_tensor_status(y) == CNN_OK, "%s: %s", w.net->name, cnn_tape_error(w.tape));
    double *given = as_doubles(y), bound = 1e-4 * largest(expected, count);
    int64_t all = cnn_tensor_numel(y);
    for (int64_t i = 0; i < count; i++) {
        close_to("an element", "the output", given[count == all ? i : sample_place("output", (int)i, all)], expected[i],
                 bound);
    }
    free(given);
    free(expected);
    check_frozen(y);
}

/* A parameter whose gradient is all but 0, such as a bias before batch normalisation, is rounding noise beside the
 * largest. */
static void check_gradients(void)
{
    int64_t count;
    double *norms = stored("grad_norms", &count), *samples = stored("grads", NULL),
           floor = 1e-3 * largest(norms, count);
    ck_assert_int_eq(count, w.count);
    for (int p = 0; p < w.count; p++) {
        cnn_tensor *grad = cnn_tensor_grad(w.parameters[p]);
        ck_assert_msg(grad != NULL, "%s: %s has no gradient", w.net->name, w.names[p]);
        int64_t n = cnn_tensor_numel(grad);
        double *g = as_doubles(grad);
        close_to("the gradient's norm", w.names[p], norm_of(g, NULL, n), norms[p], w.tolerance * (norms[p] + floor));
        for (int i = 0; i < SAMPLES; i++) {
            double expected = samples[p * SAMPLES + i],
                   scale = fmax(fabs(expected), (norms[p] + floor) / sqrt((double)n));
            close_to("an element of the gradient", w.names[p], g[sample_place(w.names[p], i, n)], expected,
                     w.tolerance * scale);
        }
        free(g);
    }
    free(norms);
    free(samples);
}

/* The change is a difference of parameters, each of which a step rounds by up to 2⁻²⁴ of its size in f32. */
static void check_deltas(double *const *before)
{
    int64_t count;
    double *norms = stored("delta_norms", &count), floor = 1e-3 * largest(norms, count);
    for (int p = 0; p < w.count; p++) {
        double *now = as_doubles(w.parameters[p]);
        int64_t n = cnn_tensor_numel(w.parameters[p]);
        double rounding = w.exact ? 0 : STEPS * 0x1p-24 * norm_of(before[p], NULL, n);
        close_to("the change", w.names[p], norm_of(now, before[p], n), norms[p],
                 w.tolerance * (norms[p] + floor) + rounding);
        free(now);
    }
    free(norms);
}

typedef struct buffers {
    double *norms;
    int64_t count, seen;
} buffers;

static bool check_buffer(const char *name, cnn_tensor *t, bool is_parameter, void *user)
{
    buffers *b = user;
    if (!is_parameter && cnn_tensor_ndim(t) == 1) {
        ck_assert_int_lt(b->seen, b->count);
        double *values = as_doubles(t), expected = b->norms[b->seen++];
        close_to("the norm", name, norm_of(values, NULL, cnn_tensor_numel(t)), expected, w.tolerance * expected);
        free(values);
    }
    return true;
}

static void check_after(double *const *before)
{
    check_deltas(before);
    buffers b = { 0 };
    b.norms = stored("buffers", &b.count);
    ck_assert_int_eq(cnn_module_visit(w.model, check_buffer, &b), CNN_OK);
    ck_assert_int_eq(b.seen, b.count);
    free(b.norms);
}

static void step(cnn_optimizer *sgd, int number, double expected)
{
    char text[24];
    snprintf(text, sizeof text, "step %d", number);
    ck_assert_int_eq(cnn_tape_begin(w.tape, CNN_TRAIN), CNN_OK);
    cnn_tensor *loss = zoo_loss(w.net, w.model, cnn_input(w.tape, w.input), cnn_input(w.tape, w.target));
    ck_assert_int_eq(cnn_optimizer_zero_grad(sgd), CNN_OK);
    ck_assert_msg(cnn_backward(loss) == CNN_OK, "%s: %s", w.net->name, cnn_tape_error(w.tape));
    close_to("the loss", text, cnn_tensor_item(loss), expected, w.tolerance * expected);
    if (number == 1) {
        check_gradients();
    }
    ck_assert_int_eq(cnn_optimizer_step(sgd), CNN_OK);
}

static void check_steps(void)
{
    static double *before[MOST_PARAMETERS];
    double *losses = stored("losses", NULL), *lr = stored("lr", NULL);
    cnn_optimizer *sgd = cnn_sgd_new(w.model, .lr = *lr);
    w.count = 0;
    ck_assert_int_eq(cnn_module_visit(w.model, note_parameter, NULL), CNN_OK);
    for (int p = 0; p < w.count; p++) {
        before[p] = as_doubles(w.parameters[p]);
    }
    for (int i = 0; i < STEPS; i++) {
        step(sgd, i + 1, losses[i]);
    }
    if (w.exact || !w.has_f64) {
        check_after(before);
    }
    for (int p = 0; p < w.count; p++) {
        free(before[p]);
    }
    free(losses);
    free(lr);
    cnn_optimizer_free(sgd);
}

static void check_exactly(cnn_module *wide)
{
    cnn_tensor *input = w.input;
    cnn_module_free(w.model);
    w.model = wide;
    w.input = cnn_tensor_empty(w.ctx, CNN_F64, cnn_tensor_ndim(input), cnn_tensor_shape(input));
    ck_assert_int_eq(cnn_tensor_copy_from(w.input, input), CNN_OK);
    cnn_tensor_free(input);
    ck_assert(zoo_each(w.model, without_drops, NULL));
    w.exact = true;
    w.tolerance = 2e-6;
    check_steps();
}

/* Where many maxima of windows lie within the rounding of f32 of one another, gradients of later steps depend on it: of
 * those nets only the losses and the first gradients are compared in f32, and everything in f64, which is slow: where
 * CNN_TEST_ZOO asks. */
static void check_training(void)
{
    char file[96];
    snprintf(file, sizeof file, "zoo/%s.safetensors", w.net->name);
    w.has_f64 = cnn_file_find(fixture_open(fixture_path(file)), "double") >= 0;
    bool exactly = w.has_f64 && getenv("CNN_TEST_ZOO");
    cnn_module *wide = exactly ? cnn_module_to_dtype(w.model, CNN_F64) : NULL;
    ck_assert_msg(wide || !exactly, "%s: %s", w.net->name, cnn_last_error(NULL));
    w.exact = false;
    w.tolerance = 1e-3;
    check_steps();
    if (exactly) {
        check_exactly(wide);
    }
}

/* CNN_TEST_ZOO is "all" or the name of a net: main() has checked it. */
static bool is_wanted(const char *name)
{
    const char *which = getenv("CNN_TEST_ZOO");
    if (which) {
        return strcmp(which, "all") == 0 || strcmp(which, name) == 0;
    }
    for (size_t i = 0; i < sizeof heavy / sizeof *heavy; i++) {
        if (strcmp(heavy[i], name) == 0) {
            return false;
        }
    }
    return true;
}

START_TEST(agrees_with_torchvision)
{
    if (!is_wanted(zoo_nets[_i].name)) {
        return;
    }
    open_world(_i);
    check_layout();
    check_output();
    check_training();
    close_world();
}
END_TEST

/* ---- the table ---- */

START_TEST(nets_are_found_by_name)
{
    for (int i = 0; i < zoo_net_count; i++) {
        ck_assert_ptr_eq(zoo_find(zoo_nets[i].name), &zoo_nets[i]);
    }
    ck_assert_ptr_null(zoo_find("resnet"));
    ck_assert_ptr_null(zoo_find(""));
}
END_TEST

START_TEST(sizes_are_torchvisions_by_default)
{
    w = (world){ .net = &zoo_nets[_i] };
    if (!is_wanted(w.net->name)) {
        return;
    }
    cnn_context *ctx = cnn_context_new(.threads = 1, .device = "cpu");
    cnn_module *model = w.net->make(ctx, w.net, w.net->input, w.net->classes);
    double *parameters = stored("parameters", NULL);
    ck_assert_int_eq(cnn_module_parameter_numel(model), (int64_t)*parameters);
    free(parameters);
    cnn_module_free(model);
    cnn_context_free(ctx);
}
END_TEST

static void say_skipped(void)
{
    int count = 0;
    for (int i = 0; i < zoo_net_count; i++) {
        if (!is_wanted(zoo_nets[i].name)) {
            printf("%s%s", count++ ? ", " : "skipped: ", zoo_nets[i].name);
        }
    }
    if (count) {
        printf("; CNN_TEST_ZOO=all compares them too\n");
    }
}

int main(void)
{
    const char *which = getenv("CNN_TEST_ZOO");
    if (which && strcmp(which, "all") != 0 && !zoo_find(which)) { /* else nothing would be compared, and all would pass */
        fprintf(stderr, "zoo: CNN_TEST_ZOO is \"%s\", expected \"all\" or the name of a net\n", which);
        return 1;
    }
    say_skipped();
    fflush(stdout); /* before the suite forks */
    Suite *suite = suite_create("zoo");
    TCase *values = suite_case(suite, "torchvision", NULL, NULL);
    tcase_add_loop_test(values, agrees_with_torchvision, 0, zoo_net_count);
    TCase *nets = suite_case(suite, "table", NULL, NULL);
    tcase_add_test(nets, nets_are_found_by_name);
    tcase_add_loop_test(nets, sizes_are_torchvisions_by_default, 0, zoo_net_count);
    return suite_run(suite);
}
