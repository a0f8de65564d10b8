/* bfloat16: every value and every tie through casts, PyTorch's casts and products with their gradients, tensors and files. On
 * another device too: CNN_DEVICE names it. */
#include "base/context.h"
#include "tensor/tensor.h"
#include "support/fixtures.h"
#include "support/io.h"

#include <math.h>

enum { ALL = 0x10000 };

static const char fixtures[] = "bfloat16.safetensors";

static void failed_with(cnn_status status, const char *text)
{
    ck_assert_int_eq(cnn_context_status(ctx), status);
    ck_assert_msg(strstr(cnn_last_error(ctx), text), "\"%s\" does not say \"%s\"", cnn_last_error(ctx), text);
}

/* ---- casts ---- */

static cnn_tensor *cast_of(cnn_dtype dtype, const cnn_tensor *from)
{
    cnn_tensor *t = cnn_tensor_empty(ctx, dtype, cnn_tensor_ndim(from), cnn_tensor_shape(from));
    ck_assert_ptr_nonnull(t);
    ck_assert_int_eq(cnn_tensor_copy_from(t, from), CNN_OK);
    return t;
}

static void read_all(const cnn_tensor *t, void *to, size_t size)
{
    ck_assert_msg(cnn_tensor_read(t, to, size) == CNN_OK, "%s", cnn_last_error(ctx));
}

/* Bits of f32 as bfloat16. */
static void round_all(const uint32_t *from, uint16_t *to, int64_t n)
{
    cnn_tensor *wide = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(n), from), *narrow = cast_of(CNN_BF16, wide);
    read_all(narrow, to, (size_t)n * sizeof *to);
    cnn_tensor_free(wide);
    cnn_tensor_free(narrow);
}

START_TEST(every_value_comes_back_from_wider_dtypes)
{
    static uint16_t bits[ALL], back[ALL];
    static uint32_t single[ALL];
    for (int i = 0; i < ALL; i++) {
        bits[i] = (uint16_t)i;
    }
    cnn_tensor *t = cnn_tensor_from_data(ctx, CNN_BF16, CNN_SHAPE(ALL), bits);
    cnn_tensor *f32 = cast_of(CNN_F32, t), *f64 = cast_of(CNN_F64, t);
    cnn_tensor *from_f32 = cast_of(CNN_BF16, f32), *from_f64 = cast_of(CNN_BF16, f64);
    read_all(f32, single, sizeof single);
    read_all(from_f32, back, sizeof back);
    for (int i = 0; i < ALL; i++) {
        if (single[i] != (uint32_t)i << 16 || back[i] != bits[i]) {
            ck_abort_msg("%04x is %08x and comes back as %04x", i, single[i], back[i]);
        }
    }
    read_all(from_f64, back, sizeof back);
    for (int i = 0; i < ALL; i++) {
        bool nan = (i & 0x7fff) > 0x7f80;
        if (nan ? (back[i] & 0x7fff) <= 0x7f80 || (back[i] ^ i) & 0x8000 : back[i] != bits[i]) {
            ck_abort_msg("%04x comes back from f64 as %04x", i, back[i]);
        }
    }
    cnn_tensor_free(t);
    cnn_tensor_free(f32);
    cnn_tensor_free(f64);
    cnn_tensor_free(from_f32);
    cnn_tensor_free(from_f64);
}
END_TEST

/* Between each value and the one behind it: just below the middle, the middle, just above. */
START_TEST(every_tie_goes_to_the_even_value)
{
    static uint32_t below[ALL], middle[ALL], above[ALL];
    static uint16_t low[ALL], even[ALL], high[ALL];
    for (int i = 0; i < ALL; i++) {
        below[i] = (uint32_t)i << 16 | 0x7fff;
        middle[i] = (uint32_t)i << 16 | 0x8000;
        above[i] = (uint32_t)i << 16 | 0x8001;
    }
    round_all(below, low, ALL);
    round_all(middle, even, ALL);
    round_all(above, high, ALL);
    for (int i = 0; i < ALL; i++) {
        bool nan = (i & 0x7fff) >= 0x7f80; /* all three have bits below those of infinity */
        if (nan ? (low[i] & 0x7fff) <= 0x7f80 || (even[i] & 0x7fff) <= 0x7f80 || (high[i] & 0x7fff) <= 0x7f80 ||
                      (low[i] ^ i) & 0x8000 || (high[i] ^ i) & 0x8000
                : low[i] != i || even[i] != i + (i & 1) || high[i] != i + 1) {
            ck_abort_msg("%04x: %04x, %04x, %04x", i, low[i], even[i], high[i]);
        }
    }
}
END_TEST

static void same_values(const char *name, const cnn_tensor *given, const cnn_tensor *expected)
{
    double *a = as_doubles(given), *b = as_doubles(expected);
    ck_assert_int_eq(cnn_tensor_numel(given), cnn_tensor_numel(expected));
    for (int64_t i = 0; i < cnn_tensor_numel(given); i++) {
        bool same = isnan(b[i]) ? isnan(a[i]) : a[i] == b[i] && signbit(a[i]) == signbit(b[i]);
        ck_assert_msg(same, "%s: element %lld is %a, expected %a", name, (long long)i, a[i], b[i]);
    }
    free(a);
    free(b);
}

START_TEST(casts_agree_with_pytorch)
{
    static const char *const names[] = { "to_bf16_f32", "to_bf16_f64", "to_bf16_i64", "to_bf16_i32", "to_bf16_u8", "to_bf16_bool",
                                         "of_bf16_f32", "of_bf16_f64", "of_bf16_i64", "of_bf16_i32", "of_bf16_bool" };
    cnn_tape *tape = cnn_tape_new(ctx);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cnn_tensor *in = fixture(ctx, fixtures, names[i], "in"), *out = fixture(ctx, fixtures, names[i], "out");
        cnn_dtype dtype = cnn_tensor_dtype(out);
        ck_assert(cnn_tensor_dtype(in) == CNN_BF16 || dtype == CNN_BF16);
        cnn_tensor *copied = cast_of(dtype, in);
        same_values(names[i], copied, out);
        cnn_tape_begin(tape, CNN_EVAL);
        cnn_tensor *cast = cnn_cast(cnn_input(tape, in), dtype);
        ck_assert_int_eq(cnn_tensor_dtype(cast), dtype);
        same_values(names[i], cast, out);
        cnn_tensor_free(in);
        cnn_tensor_free(out);
        cnn_tensor_free(copied);
    }
    cnn_tape_free(tape);
}
END_TEST

/* Long enough for several blocks and tasks, transposed, with gaps, broadcast: as the same in f32. */
START_TEST(strided_copies_agree_with_f32)
{
    cnn_tensor *wide = cnn_tensor_arange(ctx, CNN_F32, -20000, 20000, 1), *narrow = cast_of(CNN_BF16, wide);
    cnn_tensor *exact = cast_of(CNN_F32, narrow);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *views[2][4];
    for (int k = 0; k < 2; k++) {
        cnn_tensor *x = cnn_view(cnn_input(tape, k ? exact : narrow), CNN_SHAPE(40, 1000));
        views[k][0] = cnn_transpose(x, 0, 1);
        views[k][1] = cnn_slice(x, 1, 3, 1000, 7);
        views[k][2] = cnn_expand(cnn_slice(x, 1, 5, 6, 1), CNN_SHAPE(40, 30));
        views[k][3] = cnn_slice(cnn_transpose(x, 0, 1), 0, 1, 999, 2);
    }
    for (int i = 0; i < 4; i++) {
        cnn_tensor *dense = cnn_clone(views[0][i]), *converted = cnn_cast(views[0][i], CNN_F32);
        ck_assert_int_eq(cnn_tensor_dtype(dense), CNN_BF16);
        same_values("clone", dense, views[1][i]);
        same_values("cast to f32", converted, views[1][i]);
        same_values("cast to bfloat16", cnn_cast(views[1][i], CNN_BF16), views[1][i]);
        same_values("cast to i32", cnn_cast(views[0][i], CNN_I32), cnn_cast(views[1][i], CNN_I32));
    }
    ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s", cnn_tape_error(tape));
    cnn_tape_free(tape);
    cnn_tensor_free(wide);
    cnn_tensor_free(narrow);
    cnn_tensor_free(exact);
}
END_TEST

/* ---- tensors ---- */

START_TEST(tensors_are_made_and_printed)
{
    uint16_t bits[6];
    char text[200];
    ck_assert_uint_eq(cnn_dtype_size(CNN_BF16), 2);
    ck_assert_str_eq(cnn_dtype_name(CNN_BF16), "bfloat16");
    cnn_tensor *full = cnn_tensor_full(ctx, CNN_BF16, 0.1, CNN_SHAPE(2, 3)), *line = cnn_tensor_arange(ctx, CNN_BF16, 254, 260, 1);
    cnn_tensor *zeros = cnn_tensor_zeros(ctx, CNN_BF16, CNN_SHAPE(6)), *one = cnn_tensor_ones(ctx, CNN_BF16, 0, NULL);
    read_all(full, bits, sizeof bits);
    ck_assert_uint_eq(bits[0], 0x3dcd);
    ck_assert_uint_eq(bits[5], 0x3dcd);
    read_all(zeros, bits, sizeof bits);
    ck_assert_uint_eq(bits[5], 0);
    ck_assert(cnn_tensor_item(one) == 1 && cnn_tensor_item_i64(one) == 1);
    cnn_tensor_format(full, text, sizeof text);
    ck_assert_str_eq(text, "tensor([[0.1001, 0.1001, 0.1001],\n        [0.1001, 0.1001, 0.1001]], dtype=torch.bfloat16)");
    cnn_tensor_format(line, text, sizeof text);
    ck_assert_str_eq(text, "tensor([254., 255., 256., 256., 258., 260.], dtype=torch.bfloat16)");
    ck_assert_int_eq(cnn_tensor_fill(full, -2.5), CNN_OK);
    read_all(full, bits, sizeof bits);
    ck_assert_uint_eq(bits[3], 0xc020);
    ck_assert_int_eq(cnn_tensor_write(full, bits, 4), CNN_ERROR_INVALID_ARGUMENT);
    bits[3] = 0x4049;
    ck_assert_int_eq(cnn_tensor_write(full, bits, sizeof bits), CNN_OK);
    cnn_tensor *copy = cnn_tensor_detach(full);
    memset(bits, 0, sizeof bits);
    read_all(copy, bits, sizeof bits);
    ck_assert_uint_eq(bits[3], 0x4049);
    ck_assert_ptr_null(cnn_tensor_rand(ctx, CNN_BF16, CNN_SHAPE(2)));
    failed_with(CNN_ERROR_DTYPE, "tensor_rand: dtype is bfloat16, expected float32 or float64");
    cnn_tensor_free(full);
    cnn_tensor_free(line);
    cnn_tensor_free(zeros);
    cnn_tensor_free(one);
    cnn_tensor_free(copy);
}
END_TEST

/* ---- operations ---- */

static cnn_tensor *call(const char *name, cnn_tensor *const *x)
{
    if (strncmp(name, "linear", 6) == 0) {
        return cnn_linear(x[0], x[1], x[2]);
    }
    return strcmp(name, "add") == 0   ? cnn_add(x[0], x[1])
           : strcmp(name, "mul") == 0 ? cnn_mul(x[0], x[1])
           : strcmp(name, "relu") == 0 ? cnn_relu(x[0])
                                       : cnn_matmul(x[0], x[1]);
}

/* Sums in f32 may differ in their last bits by their order, so one of very many results may be rounded the other way. */
static void rounded_alike(const char *name, const char *part, const cnn_tensor *given, const cnn_tensor *expected)
{
    int64_t n = cnn_tensor_numel(expected), apart = 0;
    uint16_t *a = calloc((size_t)n, 2), *b = calloc((size_t)n, 2);
    ck_assert(a && b && cnn_tensor_dtype(given) == CNN_BF16 && cnn_tensor_numel(given) == n);
    read_all(given, a, (size_t)n * 2);
    read_all(expected, b, (size_t)n * 2);
    for (int64_t i = 0; i < n; i++) {
        ck_assert_msg(abs(a[i] - b[i]) <= 1, "%s: element %lld of %s is %04x, expected %04x", name, (long long)i, part, a[i], b[i]);
        apart += a[i] != b[i];
    }
    ck_assert_msg(apart <= 1 + n / 100, "%s: %lld of %lld elements of %s differ", name, (long long)apart, (long long)n, part);
    free(a);
    free(b);
}

static void check_product(cnn_tape *tape, const char *name)
{
    cnn_tensor *in[3], *x[3];
    for (int i = 0; i < 3; i++) {
        char part[16];
        snprintf(part, sizeof part, "in%d", i);
        in[i] = fixture(ctx, fixtures, name, part);
        if (in[i]) {
            ck_assert_int_eq(cnn_tensor_dtype(in[i]), CNN_BF16);
            ck_assert_int_eq(cnn_tensor_set_requires_grad(in[i], true), CNN_OK);
        }
    }
    cnn_tensor *out = fixture(ctx, fixtures, name, "out"), *seed = fixture(ctx, fixtures, name, "seed");
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    for (int i = 0; i < 3; i++) {
        x[i] = in[i] ? cnn_input(tape, in[i]) : NULL;
    }
    cnn_tensor *y = call(strchr(name, '/') + 1, x);
    ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s: %s", name, cnn_tape_error(tape));
    rounded_alike(name, "the result", y, out);
    ck_assert_msg(cnn_backward_with(y, seed, false) == CNN_OK, "%s: %s", name, cnn_tape_error(tape));
    for (int i = 0; i < 3; i++) {
        char part[16];
        snprintf(part, sizeof part, "grad%d", i);
        cnn_tensor *grad = in[i] ? fixture(ctx, fixtures, name, part) : NULL;
        if (grad) {
            rounded_alike(name, part, cnn_tensor_grad(in[i]), grad);
        }
        cnn_tensor_free(grad);
        cnn_tensor_free(in[i]);
    }
    cnn_tensor_free(out);
    cnn_tensor_free(seed);
}

static const char *const products[] = { "own/matmul", "own/linear", "small/matmul", "small/matmul_batched", "small/matmul_broadcast",
                                        "small/matmul_row", "small/matmul_column", "small/matmul_long", "small/linear",
                                        "small/linear_no_bias", "small/linear_leading", "small/add", "small/mul", "small/relu" };
enum { PRODUCTS = sizeof products / sizeof *products };

/* Every table of kernels that this CPU has is tried; a device has its own. */
START_TEST(products_and_gradients_agree_with_pytorch)
{
    const cnn__kernels *tables[8], *own = ctx->kernels;
    int count = cnn__kernels_list(tables, 8);
    cnn_tape *tape = cnn_tape_new(ctx);
    for (int k = 0; k < (ctx->device ? 1 : count); k++) {
        ctx->kernels = tables[k];
        for (int i = 0; i < PRODUCTS; i++) {
            check_product(tape, products[i]);
        }
    }
    ctx->kernels = own;
    cnn_tape_free(tape);
}
END_TEST

/* The product of the widened operands, rounded once: the very bits, for sizes that every thread has a part of. */
START_TEST(a_product_is_that_of_f32_rounded_once)
{
    cnn_tensor *in[2], *wide[2], *x[2], *y[2];
    cnn_tape *tape = cnn_tape_new(ctx);
    for (int i = 0; i < 2; i++) {
        cnn_tensor *drawn = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(i ? 211 : 173, i ? 190 : 211));
        in[i] = cast_of(CNN_BF16, drawn);
        wide[i] = cast_of(CNN_F32, in[i]);
        cnn_tensor_free(drawn);
    }
    cnn_tape_begin(tape, CNN_EVAL);
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < 2; i++) {
            x[i] = cnn_input(tape, k ? wide[i] : in[i]);
        }
        y[k] = cnn_matmul(x[0], x[1]);
    }
    same_values("matmul", y[0], cnn_cast(y[1], CNN_BF16));
    ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s", cnn_tape_error(tape));
    cnn_matmul(cnn_input(tape, in[0]), cnn_input(tape, wide[1]));
    ck_assert_int_eq(cnn_tape_status(tape), CNN_ERROR_DTYPE);
    ck_assert_str_eq(cnn_tape_error(tape), "matmul: operand 1 is float32, expected bfloat16 like operand 0");
    cnn_tape_free(tape);
    for (int i = 0; i < 2; i++) {
        cnn_tensor_free(in[i]);
        cnn_tensor_free(wide[i]);
    }
}
END_TEST

/* ---- modules and optimizers ---- */

/* Nothing is known of what an optimizer's kernel reads, so it does not run. */
START_TEST(a_kernel_without_a_table_of_operands_is_refused)
{
    const cnn_sgd_parameters p = { .lr = 1 };
    cnn_tensor *t = cnn_tensor_ones(ctx, CNN_BF16, CNN_SHAPE(4));
    cnn_launch l = CNN__LAUNCH(SGD, CNN_BF16, CNN__PARAMETERS(p), .count = 4, .in = { cnn__data(t) }, .out = { cnn__data(t) });
    if (!ctx->device) {
        ck_assert_int_eq(cnn__launch(ctx, "optimizer_step", &l), CNN_ERROR_UNSUPPORTED);
        failed_with(CNN_ERROR_UNSUPPORTED, "optimizer_step: the device cpu has no kernel sgd for bfloat16");
        ck_assert(!cnn_cpu_launch(&l, NULL));
    }
    cnn_tensor_free(t);
}
END_TEST

/* Weights stay in f32, where small updates count; products are made of their bfloat16 values. */
static cnn_tensor *forward_mixed(cnn_module *self, cnn_tensor *x, void *user)
{
    cnn_tape *tape = cnn_tensor_tape(x);
    (void)user;
    cnn_tensor *weight = cnn_cast(cnn_input(tape, cnn_module_find(self, "weight")), CNN_BF16);
    return cnn_cast(cnn_linear(cnn_cast(x, CNN_BF16), weight, NULL), CNN_F32);
}

START_TEST(weights_in_f32_are_trained_through_products_in_bfloat16)
{
    cnn_module *model = cnn_module_new(ctx, forward_mixed);
    cnn_tensor *weight = cnn_module_add_parameter(model, "weight", cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(3, 8)));
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(16, 8)), *truth = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(3, 8));
    cnn_optimizer *optimizer = cnn_adam_new(model, .lr = 0.05);
    cnn_tape *tape = cnn_tape_new(ctx);
    double loss = 0, first = 0;
    for (int step = 0; step < 200; step++) {
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_optimizer_zero_grad(optimizer);
        cnn_tensor *in = cnn_input(tape, x), *wanted = cnn_linear(in, cnn_input(tape, truth), NULL);
        cnn_tensor *error = cnn_sub(cnn_forward(model, in), wanted), *l = cnn_mean(cnn_mul(error, error), 0, NULL, false);
        ck_assert_msg(cnn_backward(l) == CNN_OK, "%s", cnn_tape_error(tape));
        ck_assert_int_eq(cnn_tensor_dtype(cnn_tensor_grad(weight)), CNN_F32);
        loss = cnn_tensor_item(l);
        first = step ? first : loss;
        ck_assert_int_eq(cnn_optimizer_step(optimizer), CNN_OK);
    }
    ck_assert_msg(loss < first / 1000, "the loss is %g, at first %g", loss, first);
    cnn_tape_free(tape);
    cnn_optimizer_free(optimizer);
    cnn_module_free(model);
    cnn_tensor_free(x);
    cnn_tensor_free(truth);
}
END_TEST

START_TEST(optimizers_refuse_parameters_in_bfloat16)
{
    cnn_module *layer = cnn_linear_new(ctx, 4, 2, .dtype = CNN_BF16);
    ck_assert_msg(layer != NULL, "%s", cnn_last_error(ctx));
    ck_assert_int_eq(cnn_tensor_dtype(cnn_module_find(layer, "weight")), CNN_BF16);
    ck_assert_ptr_null(cnn_adam_new(layer, .lr = 0.1));
    failed_with(CNN_ERROR_DTYPE, "adam_create: the tensor is bfloat16, expected float32 or float64");
    ck_assert_ptr_null(cnn_sgd_new(layer, .lr = 0.1));
    failed_with(CNN_ERROR_DTYPE, "sgd_create: the tensor is bfloat16, expected float32 or float64");
    cnn_module_free(layer);
}
END_TEST

/* ---- files ---- */

START_TEST(files_keep_the_bits)
{
    static uint16_t bits[ALL], back[ALL];
    for (int i = 0; i < ALL; i++) {
        bits[i] = (uint16_t)i;
    }
    cnn_tensor *t = cnn_tensor_from_data(ctx, CNN_BF16, CNN_SHAPE(ALL / 4, 4), bits);
    const char *name = "x";
    ck_assert_msg(cnn_tensors_save(&name, &t, 1, in_folder("b")) == CNN_OK, "%s", cnn_last_error(ctx));
    cnn_tensor *loaded = cnn_tensor_load(ctx, in_folder("b"), "x");
    ck_assert_msg(loaded != NULL, "%s", cnn_last_error(ctx));
    ck_assert_int_eq(cnn_tensor_dtype(loaded), CNN_BF16);
    read_all(loaded, back, sizeof back);
    ck_assert_mem_eq(back, bits, sizeof bits);
    cnn_file *file = cnn_file_open(ctx, in_folder("b"));
    ck_assert_str_eq(cnn_file_dtype_name(file, 0), "BF16");
    ck_assert_int_eq(cnn_file_bytes(file, 0), 2 * ALL);
    cnn_file_free(file);
    cnn_tensor_free(t);
    cnn_tensor_free(loaded);
}
END_TEST

static void equal_states(cnn_module *a, cnn_module *b)
{
    ck_assert_int_eq(cnn_module_state_count(a), cnn_module_state_count(b));
    for (int i = 0; i < cnn_module_state_count(a); i++) {
        same_values("state", cnn_module_state(a, i), cnn_module_state(b, i));
    }
}

/* Between modules of both dtypes: without loss into f32, and into bfloat16 where rounding is allowed. */
START_TEST(modules_are_loaded_across_dtypes)
{
    cnn_module *narrow = cnn_linear_new(ctx, 5, 3, .dtype = CNN_BF16), *wide = cnn_linear_new(ctx, 5, 3);
    cnn_module *other = cnn_linear_new(ctx, 5, 3, .dtype = CNN_BF16);
    const cnn_load_options rounding = { .struct_size = sizeof rounding, .dtypes = CNN_LOAD_ROUND };
    ck_assert_int_eq(cnn_module_save(narrow, in_folder("n")), CNN_OK);
    ck_assert_msg(cnn_module_load(other, in_folder("n")) == CNN_OK, "%s", cnn_last_error(ctx));
    equal_states(other, narrow);
    ck_assert_msg(cnn_module_load(wide, in_folder("n")) == CNN_OK, "%s", cnn_last_error(ctx));
    equal_states(wide, narrow);
    cnn_module *drawn = cnn_linear_new(ctx, 5, 3);
    ck_assert_int_eq(cnn_module_save(drawn, in_folder("w")), CNN_OK);
    ck_assert_int_eq(cnn_module_load(other, in_folder("w")), CNN_ERROR_MISMATCH);
    ck_assert_msg(strstr(cnn_last_error(ctx), "\"weight\" is F32") != NULL, "%s", cnn_last_error(ctx));
    ck_assert_int_eq(cnn_module_load_with(other, in_folder("w"), &rounding, NULL), CNN_OK);
    for (int i = 0; i < 2; i++) {
        cnn_tensor *expected = cast_of(CNN_BF16, cnn_module_state(drawn, i));
        same_values("rounded", cnn_module_state(other, i), expected);
        cnn_tensor_free(expected);
    }
    cnn_module_free(narrow);
    cnn_module_free(wide);
    cnn_module_free(other);
    cnn_module_free(drawn);
}
END_TEST

/* A whole network in bfloat16 comes to what it does in f32, nearly; counters stay integers. */
START_TEST(a_module_is_converted)
{
    cnn_module *wide = cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 1, 6, 3, .padding = 1), cnn_batch_norm2d_new(ctx, 6), cnn_relu_new(ctx),
                                          cnn_maxpool2d_new(ctx, 2), cnn_conv2d_new(ctx, 6, 4, 3), cnn_relu_new(ctx),
                                          cnn_flatten_new(ctx), cnn_linear_new(ctx, 16, 5));
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(3, 1, 8, 8)), *narrow_x = cast_of(CNN_BF16, x);
    cnn_module *narrow = cnn_module_to_dtype(wide, CNN_BF16), *back;
    ck_assert_msg(narrow != NULL, "%s", cnn_last_error(ctx));
    for (int i = 0; i < cnn_module_state_count(wide); i++) {
        cnn_tensor *from = cnn_module_state(wide, i), *to = cnn_module_state(narrow, i);
        bool counter = cnn_tensor_dtype(from) == CNN_I64;
        cnn_tensor *expected = cast_of(counter ? CNN_I64 : CNN_BF16, from);
        ck_assert_int_eq(cnn_tensor_dtype(to), cnn_tensor_dtype(expected));
        ck_assert_int_eq(cnn_tensor_requires_grad(to), cnn_tensor_requires_grad(from));
        same_values("converted", to, expected);
        cnn_tensor_free(expected);
    }
    cnn_tape *tape = cnn_tape_new(ctx);
    for (int mode = 0; mode < 2; mode++) {
        cnn_tape_begin(tape, mode ? CNN_TRAIN : CNN_EVAL);
        cnn_tensor *y = cnn_forward(wide, cnn_input(tape, x)), *z = cnn_forward(narrow, cnn_input(tape, narrow_x));
        ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s", cnn_tape_error(tape));
        ck_assert_int_eq(cnn_tensor_dtype(z), CNN_BF16);
        tensors_agree("network", "the result", z, y, 0.03);
    }
    back = cnn_module_to_dtype(narrow, CNN_F64);
    ck_assert_msg(back != NULL, "%s", cnn_last_error(ctx));
    equal_states(back, narrow);
    ck_assert_ptr_null(cnn_module_to_dtype(wide, CNN_I32));
    failed_with(CNN_ERROR_DTYPE, "module_to_dtype: dtype is int32, expected float32, float64 or bfloat16");
    cnn_tape_free(tape);
    cnn_tensor_free(x);
    cnn_tensor_free(narrow_x);
    cnn_module_free(wide);
    cnn_module_free(narrow);
    cnn_module_free(back);
}
END_TEST

/* The layer of the same seed in f32, rounded. */
START_TEST(first_values_are_those_of_f32_rounded)
{
    const cnn_context_options options = { .struct_size = sizeof options, .seed = 3, .device = getenv("CNN_DEVICE") };
    cnn_context *contexts[2] = { cnn_context_create(&options), cnn_context_create(&options) };
    cnn_module *narrow = cnn_linear_new(contexts[0], 6, 4, .dtype = CNN_BF16), *wide = cnn_linear_new(contexts[1], 6, 4);
    for (int i = 0; i < 2; i++) {
        cnn_tensor *expected = cnn_tensor_empty(ctx, CNN_BF16, cnn_tensor_ndim(cnn_module_state(wide, i)),
                                                cnn_tensor_shape(cnn_module_state(wide, i)));
        ck_assert_int_eq(cnn_tensor_copy_from(expected, cnn_module_state(wide, i)), CNN_OK);
        cnn_tensor *given = cnn_tensor_to(cnn_module_state(narrow, i), ctx);
        same_values("first values", given, expected);
        cnn_tensor_free(given);
        cnn_tensor_free(expected);
    }
    cnn_module_free(narrow);
    cnn_module_free(wide);
    cnn_context_free(contexts[0]);
    cnn_context_free(contexts[1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bfloat16");
    TCase *casts = suite_case(suite, "casts", setup, teardown), *tensors = suite_case(suite, "tensors", setup, teardown);
    TCase *operations = suite_case(suite, "operations", setup, teardown), *files = suite_case(suite, "files", setup, teardown);
    tcase_add_test(casts, every_value_comes_back_from_wider_dtypes);
    tcase_add_test(casts, every_tie_goes_to_the_even_value);
    tcase_add_test(casts, casts_agree_with_pytorch);
    tcase_add_test(casts, strided_copies_agree_with_f32);
    tcase_add_test(tensors, tensors_are_made_and_printed);
    tcase_add_test(operations, products_and_gradients_agree_with_pytorch);
    tcase_add_test(operations, a_product_is_that_of_f32_rounded_once);
    tcase_add_test(operations, weights_in_f32_are_trained_through_products_in_bfloat16);
    tcase_add_test(operations, optimizers_refuse_parameters_in_bfloat16);
    tcase_add_test(files, files_keep_the_bits);
    tcase_add_test(files, modules_are_loaded_across_dtypes);
    tcase_add_test(operations, a_module_is_converted);
    tcase_add_test(operations, a_kernel_without_a_table_of_operands_is_refused);
    tcase_add_test(files, first_values_are_those_of_f32_rounded);
    return suite_run(suite);
}
