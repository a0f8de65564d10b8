/* The text of tensors, compared with PyTorch's (tests/fixtures/text.txt). */
#include "support/locales.h"
#include "support/tensor.h"

/* ---- text ---- */

static char *format(const cnn_tensor *t)
{
    size_t length = cnn_tensor_format(t, NULL, 0);
    char *text = malloc(length + 1);
    ck_assert_uint_eq(cnn_tensor_format(t, text, length + 1), length);
    ck_assert_uint_eq(strlen(text), length);
    return text;
}

/* Compares one case of text.txt: "@ name", then the text up to the next case. Returns where that is. */
static const char *check_text(const char *at)
{
    char name[64];
    int read = 0;
    ck_assert_int_eq(sscanf(at, "@ %63[^\n]%n", name, &read), 1);
    const char *expected = at + read + 1, *end = strstr(expected, "\n@ ");
    size_t length = end ? (size_t)(end - expected) : strlen(expected) - 1;
    cnn_tensor *t = fixture(ctx, "text.safetensors", name, "tensor");
    ck_assert_msg(t != NULL, "no tensor for %s", name);
    if (strncmp(name, "requires_grad", 13) == 0) {
        ck_assert_int_eq(cnn_tensor_set_requires_grad(t, true), CNN_OK);
    }
    char *text = format(t);
    ck_assert_msg(strlen(text) == length && memcmp(text, expected, length) == 0, "%s is\n%s\nPyTorch prints\n%.*s", name,
                  text, (int)length, expected);
    free(text);
    cnn_tensor_free(t);
    return end ? end + 1 : NULL;
}

static int check_all_texts(void)
{
    size_t size;
    unsigned char *file = file_get(fixture_path("text.txt"), &size);
    int cases = 0;
    for (const char *at = (const char *)file; at; cases++) {
        at = check_text(at);
    }
    free(file);
    return cases;
}

START_TEST(text_equals_pytorchs)
{
    ck_assert_int_ge(check_all_texts(), 99);
}
END_TEST

#if CNN__POSIX
START_TEST(text_does_not_follow_the_locale)
{
    if (locales_make()) {
        for (int i = 0; i < LOCALES; i++) {
            locale_set(i);
            check_all_texts();
        }
        setlocale(LC_ALL, "C");
    }
    locales_remove();
}
END_TEST
#endif

START_TEST(text_of_views_follows_their_strides)
{
    cnn_tensor *t = cnn_tensor_arange(ctx, CNN_I64, 0, 6, 1);
    char *text = format(cnn_transpose(cnn_view(cnn_input(tape, t), CNN_SHAPE(2, 3)), 0, 1));
    ck_assert_str_eq(text, "tensor([[0, 3],\n        [1, 4],\n        [2, 5]])");
    free(text);
    cnn_tensor_free(t);
}
END_TEST

START_TEST(text_is_cut_to_the_buffer)
{
    const char *whole = "tensor([1., 2.])";
    float values[2] = { 1, 2 };
    cnn_tensor *t = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(2), values);
    for (size_t size = 0; size < 20; size++) {
        char text[24];
        memset(text, '#', sizeof text);
        ck_assert_uint_eq(cnn_tensor_format(t, text, size), strlen(whole));
        size_t written = size > strlen(whole) ? strlen(whole) + 1 : size;
        for (size_t i = written; i < sizeof text; i++) {
            ck_assert_int_eq(text[i], '#');
        }
        if (size) {
            ck_assert_uint_eq(strlen(text), written - 1);
            ck_assert_int_eq(strncmp(text, whole, written - 1), 0);
        }
    }
    ck_assert_uint_eq(cnn_tensor_format(t, NULL, 100), strlen(whole));
    cnn_tensor_free(t);
}
END_TEST

START_TEST(text_of_what_is_no_tensor_says_so)
{
    char text[200];
    cnn_tensor_format(NULL, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "tensor(nil: "));
    cnn_tensor *t = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2));
    cnn_tensor *nil = cnn_reshape(cnn_input(tape, t), CNN_SHAPE(3));
    cnn_tensor_format(nil, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "tensor(nil: reshape: "));
    cnn_tensor_free(t);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tensor_text");
    TCase *text = suite_case(suite, "text", setup, teardown);
    tcase_add_test(text, text_equals_pytorchs);
#if CNN__POSIX
    tcase_add_test(text, text_does_not_follow_the_locale);
#endif
    tcase_add_test(text, text_of_views_follows_their_strides);
    tcase_add_test(text, text_is_cut_to_the_buffer);
    tcase_add_test(text, text_of_what_is_no_tensor_says_so);
    return suite_run(suite);
}
