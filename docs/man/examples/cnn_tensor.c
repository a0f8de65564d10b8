/* A tensor is made from numbers in memory, described and read. */
#include <cnn/cnn.h>
#include <stdio.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new();
    cnn_tensor *t = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(2, 3), (float[]){ 1, 2, 3, 4, 5, 6 });
    if (!t) {
        fprintf(stderr, "%s\n", cnn_last_error(NULL));
        return 1;
    }
    const float *elements = cnn_tensor_data(t);
    printf("%s, %d dimensions, %lld elements, row stride %lld\n", cnn_dtype_name(cnn_tensor_dtype(t)),
           cnn_tensor_ndim(t), (long long)cnn_tensor_numel(t), (long long)cnn_tensor_strides(t)[0]);
    printf("row 1, column 2: %g\n", elements[1 * 3 + 2]);
    cnn_tensor_free(t);
    cnn_context_free(ctx);
    return 0;
}
/* It prints:
float32, 2 dimensions, 6 elements, row stride 3
row 1, column 2: 6
*/
