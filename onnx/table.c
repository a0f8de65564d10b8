/* The operators that can be run. */
#include <cnn/onnx.h>

/* In the order of strcmp(); behind the last is NULL. */
static const char *const operators[] = { NULL };

const char *cnn_onnx_operator(int i)
{
    int count = (int)(sizeof operators / sizeof *operators) - 1;
    return i >= 0 && i < count ? operators[i] : NULL;
}
