/* The list of operators of libcnn-onnx. */
#include "support/suite.h"

#include <cnn/onnx.h>

#include <limits.h>
#include <string.h>

START_TEST(operators_are_sorted)
{
    int count = 0;
    for (const char *name, *last = ""; (name = cnn_onnx_operator(count)); last = name) {
        ck_assert_msg(strcmp(last, name) < 0, "\"%s\" stands behind \"%s\"", name, last);
        count++;
    }
    ck_assert_ptr_null(cnn_onnx_operator(count + 1));
    ck_assert_ptr_null(cnn_onnx_operator(INT_MAX));
    ck_assert_ptr_null(cnn_onnx_operator(-1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("onnx_operators");
    tcase_add_test(suite_case(suite, "operators", NULL, NULL), operators_are_sorted);
    return suite_run(suite);
}
