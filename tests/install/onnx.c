/* A user's program with libcnn-onnx: asks what it can run. */
#include <cnn/cnn.h>
#include <cnn/onnx.h>

#include <stdio.h>

int main(void)
{
    int count = 0;
    while (cnn_onnx_operator(count)) {
        count++;
    }
    printf("%d operators\n", count);
    return 0;
}
