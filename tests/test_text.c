/* Text for people: what is escaped in messages, where they are shortened, and numbers in every locale. */
#include "base/error.h"
#include "base/message.h"
#include "base/utf8.h"
#include "support/io.h"
#include "support/locales.h"

#include <math.h>

/* glibc's setlocale() leaks what it splits LOCPATH into; the leak checker is told, and of nothing else. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:__argz_add_sep\n";
}

/* ---- escaping ---- */

START_TEST(what_a_terminal_obeys_is_escaped)
{
    static const struct {
        const char *text, *escaped;
    } cases[] = {
        { "", "" },
        { "conv.weight", "conv.weight" },
        { "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \\x", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \\x" },
        { "\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae",
          "\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae" }, /* U+200C belongs to Persian */
        { "a\nb\rc\td", "a\\nb\\rc\\td" },
        { "\001\033[31m\177", "\\x01\\x1b[31m\\x7f" },
        { "\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", "\\u0080\\u009b\\u009f\xc2\xa0" },
        { "\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f", "\\u061c\\u200e\\u200f" },
        { "\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa\xe2\x80\xab\xe2\x80\xac\xe2\x80\xad\xe2\x80\xae",
          "\\u2028\\u2029\\u202a\\u202b\\u202c\\u202d\\u202e" },
        { "\xe2\x81\xa5\xe2\x81\xa6\xe2\x81\xa7\xe2\x81\xa8\xe2\x81\xa9\xe2\x81\xaa",
          "\xe2\x81\xa5\\u2066\\u2067\\u2068\\u2069\xe2\x81\xaa" },
        { "\x9b"
          "31m \xff\xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82",
          "\\x9b31m \\xff\\xc0\\xaf \\xed\\xa0\\x80 \\xf4\\x90\\x80\\x80 \\xe2\\x82" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char once[200], twice[200];
        cnn__escape(once, sizeof once, cases[i].text);
        ck_assert_str_eq(once, cases[i].escaped);
        cnn__escape(twice, sizeof twice, once);
        ck_assert_str_eq(twice, once);
        char room[200]; /* a buffer that begins or ends within a character or an escape */
        for (size_t size = 1; size <= strlen(once) + 1; size++) {
            memset(room, '#', sizeof room);
            cnn__escape(room, size, cases[i].text);
            size_t length = strlen(room);
            ck_assert(length < size && strncmp(room, once, length) == 0 && room[size] == '#');
            ck_assert_msg(cnn__utf8_valid(room) && size - length <= 6, "\"%s\" in %zu bytes is \"%s\"", once, size,
                          room);
            char again[200];
            cnn__escape(again, sizeof again, room);
            ck_assert_str_eq(again, room);
        }
    }
}
END_TEST

START_TEST(programs_escape_names_with_the_same_call)
{
    static const char name[] = "a\033[2J\xe2\x82\xac";
    char text[32];
    for (size_t size = 0; size <= sizeof text; size++) {
        memset(text, '#', sizeof text);
        ck_assert_uint_eq(cnn_name_escape(name, text, size), strlen("a\\x1b[2J\xe2\x82\xac"));
        if (size > 0) {
            ck_assert(strlen(text) < size && strncmp("a\\x1b[2J\xe2\x82\xac", text, strlen(text)) == 0);
        }
        ck_assert(size == sizeof text || text[size] == '#');
    }
    ck_assert_str_eq(text, "a\\x1b[2J\xe2\x82\xac");
    ck_assert_uint_eq(cnn_name_escape(name, NULL, 0), strlen(text));
    ck_assert_uint_eq(cnn_name_escape(NULL, text, sizeof text), 0);
    ck_assert_str_eq(text, "");
    ck_assert_int_eq(cnn_context_status(NULL), CNN_ERROR_INVALID_ARGUMENT);
}
END_TEST

/* Whatever reaches a person is one line of valid UTF-8 in which nothing is left to escape. */
static void is_clean(const char *message, const char *origin)
{
    char again[4 * CNN__MESSAGE_SIZE];
    cnn__escape(again, sizeof again, message);
    ck_assert_msg(*message && strcmp(again, message) == 0 && cnn__utf8_valid(message) &&
                      strlen(message) < CNN__MESSAGE_SIZE,
                  "%s: \"%s\"", origin, message);
}

START_TEST(messages_are_cut_between_characters_and_escapes)
{
    static const char *const units[] = { "\xe2\x82\xac", "\xe2\x80\xae", "\033", "\xff", "\xf0\x9f\x98\x80", "\n" };
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        for (size_t shift = 0; shift < 8; shift++) {
            char text[2500] = "";
            memset(text, 'x', shift);
            for (size_t used = shift; used + 8 < sizeof text; used += strlen(units[u])) {
                strcpy(text + used, units[u]);
            }
            cnn__fail(NULL, CNN_ERROR_STATE, "test: %s", text);
            is_clean(cnn_last_error(NULL), "cut");
            ck_assert_uint_ge(strlen(cnn_last_error(NULL)), CNN__MESSAGE_SIZE - 8);
            const char *end = cnn_last_error(NULL) + strlen(cnn_last_error(NULL));
            char unit[CNN__ESCAPE];
            const char *from = units[u];
            size_t length = cnn__escape_next(&from, unit);
            ck_assert_msg(memcmp(end - length, unit, length) == 0, "\"%s\" ends within \"%s\"", cnn_last_error(NULL),
                          unit);
        }
    }
}
END_TEST

/* ---- every source of a name ---- */

static const char evil[] = "\033[2J\xe2\x80\xae\xc2\x9b\x07\xff\nname";
static const char tame[] = "\\x1b[2J\\u202e\\u009b\\x07\\xff\\nname";

static void says_tame(const char *origin)
{
    const char *message = cnn_last_error(NULL);
    is_clean(message, origin);
    ck_assert_msg(strstr(message, tame) != NULL, "%s: \"%s\" does not name %s", origin, message, tame);
    cnn_context_clear_error(NULL);
}

static cnn_tensor *pass(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self;
    (void)user;
    return x;
}

static cnn_status refuse(const cnn_tensor *const *inputs, int count, cnn_dtype *dtype, int *ndim, int64_t *shape,
                         void *user)
{
    (void)inputs;
    (void)count;
    (void)dtype;
    (void)ndim;
    (void)shape;
    (void)user;
    return CNN_ERROR_SHAPE;
}

static cnn_status write_nothing(const cnn_tensor *const *inputs, int count, cnn_tensor *output, void *user)
{
    (void)inputs;
    (void)count;
    (void)output;
    (void)user;
    return CNN_OK;
}

#if CNN__POSIX
START_TEST(names_of_files_are_escaped)
{
    const char *path = in_folder(evil);
    ck_assert_ptr_null(cnn_tensor_load(ctx, path, "x"));
    says_tame("a file that is not there");
    file_put(path, "no IDX file", 11);
    ck_assert_ptr_null(cnn_idx_read(ctx, path));
    says_tame("a malformed file");
    cnn_module *m = cnn_linear_new(ctx, 1, 1);
    ck_assert_int_ne(cnn_module_load(m, path), CNN_OK);
    says_tame("a malformed file of weights");
    char inside[700];
    snprintf(inside, sizeof inside, "%s/none", path);
    ck_assert_int_ne(cnn_module_save(m, inside), CNN_OK);
    says_tame("a file in no folder");
    cnn_module_free(m);
    ck_assert_ptr_null(cnn_mnist_open(ctx, path, CNN_MNIST_TRAIN));
    says_tame("a folder");
}
END_TEST
#endif

START_TEST(names_of_tensors_and_modules_are_escaped)
{
    cnn_module *m = cnn_module_create(
        ctx, &(cnn_module_options){ .struct_size = sizeof(cnn_module_options), .forward = pass, .type = evil });
    ck_assert_ptr_nonnull(m);
    cnn_module_add(m, evil, cnn_relu_new(ctx));
    cnn_module_add(m, evil, cnn_relu_new(ctx));
    says_tame("a name that is used already");
    ck_assert_ptr_null(cnn_module_find(m, evil));
    says_tame("a name that is not there");
    char text[400];
    cnn_module_format(m, text, sizeof text);
    char expected[400];
    snprintf(expected, sizeof expected, "%s(\n  (%s): ReLU()\n)", tame, tame);
    ck_assert_str_eq(text, expected);
    cnn_module_free(m);
    cnn_tensor *t = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(1));
    const char *name = evil + 1, *ok = "ok";
    ck_assert_int_ne(cnn_tensors_save(&name, &t, 1, in_folder("t")), CNN_OK); /* invalid UTF-8 */
    is_clean(cnn_last_error(NULL), "a tensor's name that is refused");
    ck_assert_int_eq(cnn_tensors_save(&ok, &t, 1, in_folder("t")), CNN_OK);
    ck_assert_ptr_null(cnn_tensor_load(ctx, in_folder("t"), evil));
    says_tame("a tensor that is not in the file");
    cnn_tensor_free(t);
}
END_TEST

START_TEST(names_of_operations_are_escaped_on_the_tape_too)
{
    cnn_custom_op op = { .struct_size = sizeof op, .name = evil, .infer = refuse, .forward = write_nothing };
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *t = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(1));
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *x = cnn_input(tape, t), *y = cnn_custom(&op, &x, 1, NULL);
    is_clean(cnn_tape_error(tape), "the tape's message");
    ck_assert_ptr_nonnull(strstr(cnn_tape_error(tape), tame));
    char text[600];
    cnn_tensor_format(y, text, sizeof text);
    is_clean(text, "the text of a nil tensor");
    says_tame("the operation's message");
    cnn_tape_free(tape);
    cnn_tensor_free(t);
}
END_TEST

START_TEST(the_environment_is_escaped)
{
    ck_assert_ptr_null(cnn_context_new(.threads = 1, .kernels = evil));
    says_tame("the option kernels");
    setenv("CNN_KERNELS", evil, 1);
    ck_assert_ptr_null(cnn_context_new(.threads = 1));
    says_tame("CNN_KERNELS");
    unsetenv("CNN_KERNELS");
}
END_TEST

/* ---- numbers ---- */

typedef void (*mistake)(cnn_tape *tape, cnn_module *m, cnn_tensor *x);

static void bad_lr(cnn_tape *tape, cnn_module *m, cnn_tensor *x)
{
    (void)tape;
    (void)x;
    cnn_adam_new(m, .lr = -0.5);
}

static void bad_new_lr(cnn_tape *tape, cnn_module *m, cnn_tensor *x)
{
    (void)tape;
    (void)x;
    cnn_optimizer *adam = cnn_adam_new(m);
    cnn_optimizer_set_lr(adam, 0, -0.5);
    cnn_optimizer_free(adam);
}

static cnn_tensor *unsteady_sum(cnn_tensor *const *inputs, int count, void *user)
{
    (void)count;
    int *calls = user;
    return cnn_sum(cnn_mul_scalar(inputs[0], (*calls)++ + 0.5), CNN_ALL_DIMS, false); /* another function each time */
}

static void bad_gradient(cnn_tape *tape, cnn_module *m, cnn_tensor *x)
{
    (void)tape;
    (void)m;
    int calls = 0;
    cnn_tensor *t = cnn_tensor_ones(cnn_tensor_context(x), CNN_F64, CNN_SHAPE(1));
    cnn_tensor_set_requires_grad(t, true);
    cnn_gradcheck(cnn_tensor_context(x), unsteady_sum, &calls, &t, 1, NULL);
    cnn_tensor_free(t);
}

static void bad_check(cnn_tape *tape, cnn_module *m, cnn_tensor *x)
{
    (void)tape;
    (void)m;
    int calls = 0;
    cnn_tensor *t = cnn_tensor_ones(cnn_tensor_context(x), CNN_F64, CNN_SHAPE(1));
    cnn_gradcheck(cnn_tensor_context(x), unsteady_sum, &calls, &t, 1, CNN_OPTIONS(cnn_gradcheck_options, .eps = -0.5));
    cnn_tensor_free(t);
}

static void bad_momentum(cnn_tape *tape, cnn_module *m, cnn_tensor *x)
{
    (void)tape;
    (void)x;
    cnn_sgd_new(m, .lr = 1, .momentum = -0.5);
}

static void bad_nesterov(cnn_tape *tape, cnn_module *m, cnn_tensor *x)
{
    (void)tape;
    (void)x;
    cnn_sgd_new(m, .lr = 1, .nesterov = true, .momentum = 0.25, .dampening = 0.5);
}

static void bad_dropout(cnn_tape *tape, cnn_module *m, cnn_tensor *x)
{
    (void)m;
    cnn_dropout(cnn_input(tape, x), -0.5);
}

static void bad_layer(cnn_tape *tape, cnn_module *m, cnn_tensor *x)
{
    (void)tape;
    (void)m;
    cnn_dropout_new(cnn_tensor_context(x), -0.5);
}

static void bad_smoothing(cnn_tape *tape, cnn_module *m, cnn_tensor *x)
{
    (void)m;
    cnn_tensor *labels = cnn_tensor_zeros(cnn_tensor_context(x), CNN_I64, CNN_SHAPE(2));
    cnn_cross_entropy_with(cnn_input(tape, x), labels, CNN_OPTIONS(cnn_cross_entropy_options, .label_smoothing = -0.5));
    cnn_tensor_free(labels);
}

static void bad_range(cnn_tape *tape, cnn_module *m, cnn_tensor *x)
{
    (void)tape;
    (void)m;
    cnn_tensor_arange(cnn_tensor_context(x), CNN_F32, 1.5, 0.5, 0.25);
}

static void bad_normalisation(cnn_tape *tape, cnn_module *m, cnn_tensor *x)
{
    (void)tape;
    (void)m;
    cnn_dataset *d = cnn_dataset_from_tensors(x, NULL);
    cnn_dataset_normalize(d, 1, &(double){ 0.5 }, &(double){ -0.25 });
    cnn_dataset_free(d);
}

static void bad_clamp(cnn_tape *tape, cnn_module *m, cnn_tensor *x)
{
    (void)m;
    cnn_clamp(cnn_input(tape, x), 0.5, copysign(NAN, -1));
}

static const struct {
    mistake make;
    const char *says;
} mistakes[] = { { bad_lr, "lr is -0.5," },
                 { bad_new_lr, "lr is -0.5," },
                 { bad_gradient, "by differences" },
                 { bad_check, "eps is -0.5," },
                 { bad_momentum, "momentum is -0.5," },
                 { bad_nesterov, "momentum is 0.25 and dampening 0.5" },
                 { bad_dropout, "p is -0.5," },
                 { bad_layer, "p is -0.5," },
                 { bad_smoothing, "label_smoothing is -0.5," },
                 { bad_range, "from 1.5 to 0.5 by 0.25 as" },
                 { bad_normalisation, "mean 0.5 and std -0.25," },
                 { bad_clamp, "low is 0.5, high is nan," } };

static void numbers_have_points(const char *where)
{
    char text[CNN__NUMBER_SIZE];
    static const struct {
        double value;
        const char *conversion, *text;
    } numbers[] = { { 0.5, "%g", "0.5" },
                    { -1.25e-7, "%g", "-1.25e-07" },
                    { 3, "%g", "3" },
                    { 1e20, "%g", "1e+20" },
                    { 2.5, "%.4f", "2.5000" },
                    { 12345.678, "%.0f", "12346" },
                    { -0.0625, "%.2e", "-6.25e-02" },
                    { NAN, "%g", "nan" },
                    { -NAN, "%.4f", "nan" },
                    { INFINITY, "%g", "inf" },
                    { -INFINITY, "%.1f", "-inf" } };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        ck_assert_str_eq(cnn__number(text, sizeof text, numbers[i].conversion, numbers[i].value), numbers[i].text);
    }
    cnn_context *own = cnn_context_new(.threads = 1);
    cnn_tape *tape = cnn_tape_new(own);
    cnn_module *m = cnn_linear_new(own, 2, 2), *dropout = cnn_dropout_new(own, 0.1);
    cnn_tensor *x = cnn_tensor_ones(own, CNN_F32, CNN_SHAPE(2, 2));
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_context_clear_error(NULL);
        mistakes[i].make(tape, m, x);
        ck_assert_msg(strstr(cnn_last_error(NULL), mistakes[i].says), "%s: \"%s\" does not say \"%s\"", where,
                      cnn_last_error(NULL), mistakes[i].says);
        ck_assert_msg(!strpbrk(cnn_last_error(NULL), "\xd9") && !strstr(cnn_last_error(NULL), "0,5"), "%s: %s", where,
                      cnn_last_error(NULL));
    }
    char whole[100];
    cnn_module_format(dropout, whole, sizeof whole);
    ck_assert_str_eq(whole, "Dropout(p=0.1, inplace=False)");
    const double values[] = { 0.5, -1e9, -NAN };
    cnn_tensor *t = cnn_tensor_from_data(own, CNN_F64, CNN_SHAPE(3), values);
    cnn_tensor_format(t, whole, sizeof whole);
    ck_assert_str_eq(whole, "tensor([ 5.0000e-01, -1.0000e+09,         nan], dtype=torch.float64)");
    cnn_tensor_free(t);
    cnn_tensor_free(x);
    cnn_module_free(m);
    cnn_module_free(dropout);
    cnn_tape_free(tape);
    cnn_context_free(own);
}

#if CNN__POSIX
START_TEST(numbers_have_a_point_in_every_locale)
{
    numbers_have_points("C");
    if (locales_make()) {
        for (int i = 0; i < LOCALES; i++) {
            locale_set(i);
            numbers_have_points(locale_names[i]);
            setlocale(LC_ALL, "C");
            char name[64];
            snprintf(name, sizeof name, "%s.UTF-8", locale_names[i]);
            locale_t mine = newlocale(LC_ALL_MASK, name, NULL), before = uselocale(mine); /* for this thread alone */
            numbers_have_points(locale_names[i]);
            uselocale(before);
            freelocale(mine);
        }
    }
    locales_remove();
}
END_TEST

START_TEST(files_do_not_follow_the_locale)
{
    if (locales_make()) {
        cnn_module *m = cnn_linear_new(ctx, 3, 2);
        cnn_optimizer *adam = cnn_adam_new(m, .lr = 0.123, .eps = 1.5e-9);
        cnn_checkpoint c = { .struct_size = sizeof c, .module = m, .optimizer = adam, .epoch = 3 };
        ck_assert_int_eq(cnn_checkpoint_save(&c, in_folder("C")), CNN_OK);
        size_t size, here;
        unsigned char *expected = file_get(in_folder("C"), &size);
        for (int i = 0; i < LOCALES; i++) {
            locale_set(i);
            ck_assert_int_eq(cnn_checkpoint_save(&c, in_folder("other")), CNN_OK);
            unsigned char *bytes = file_get(in_folder("other"), &here);
            ck_assert(here == size && memcmp(bytes, expected, size) == 0);
            free(bytes);
            cnn_optimizer_set_lr(adam, -1, 9);
            ck_assert_int_eq(cnn_checkpoint_load(&c, in_folder("C")), CNN_OK);
            ck_assert_double_eq(cnn_optimizer_lr(adam, 0), 0.123);
        }
        setlocale(LC_ALL, "C");
        free(expected);
        cnn_optimizer_free(adam);
        cnn_module_free(m);
    }
    locales_remove();
}
END_TEST
#endif

/* The sign that x86-64 gives to the NaN of 0/0 would be printed. */
START_TEST(an_item_that_is_nan_is_printed_as_nan)
{
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *zero = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(1)),
               *minus = cnn_tensor_full(ctx, CNN_F64, -NAN, CNN_SHAPE(1));
    char text[16];
    snprintf(text, sizeof text, "%.4f", cnn_tensor_item(cnn_div(cnn_input(tape, zero), zero)));
    ck_assert_str_eq(text, "nan");
    snprintf(text, sizeof text, "%g", cnn_tensor_item(minus));
    ck_assert_str_eq(text, "nan");
    cnn_tape_free(tape);
    cnn_tensor_free(zero);
    cnn_tensor_free(minus);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text");
    TCase *tests = suite_case(suite, "escaping", setup, teardown);
    tcase_add_test(tests, what_a_terminal_obeys_is_escaped);
    tcase_add_test(tests, programs_escape_names_with_the_same_call);
    tcase_add_test(tests, messages_are_cut_between_characters_and_escapes);
#if CNN__POSIX
    tcase_add_test(tests, names_of_files_are_escaped);
#endif
    tcase_add_test(tests, names_of_tensors_and_modules_are_escaped);
    tcase_add_test(tests, names_of_operations_are_escaped_on_the_tape_too);
    tcase_add_test(tests, the_environment_is_escaped);
    TCase *numbers = suite_case(suite, "numbers", setup, teardown);
#if CNN__POSIX
    tcase_add_test(numbers, numbers_have_a_point_in_every_locale);
    tcase_add_test(numbers, files_do_not_follow_the_locale);
#endif
    tcase_add_test(numbers, an_item_that_is_nan_is_printed_as_nan);
    return suite_run(suite);
}
