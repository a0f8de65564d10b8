/* A user's program with libcnn-image: writes a picture, reads it, and opens a folder of it: usage: image FOLDER, which is empty. */
#include <cnn/cnn.h>
#include <cnn/image.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int main(int count, char **arguments)
{
    char folder[600], file[640];
    cnn_tensor *back;
    cnn_dataset *dataset;
    cnn_image_options options;
    cnn_image_folder_options folder_options;
    cnn_context *ctx = cnn_context_create(NULL);
    cnn_tensor *picture = cnn_tensor_full(ctx, CNN_U8, 90, CNN_SHAPE(3, 8, 8));
    if (count != 2) {
        return 2;
    }
    snprintf(folder, sizeof folder, "%.500s/class", arguments[1]);
    snprintf(file, sizeof file, "%s/picture.jpg", folder);
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.mode = CNN_IMAGE_GRAY;
    memset(&folder_options, 0, sizeof folder_options);
    folder_options.struct_size = sizeof folder_options;
    folder_options.height = 4;
    if (mkdir(folder, 0777) != 0 || cnn_image_write_jpeg(picture, file, 90) != CNN_OK) {
        fprintf(stderr, "%s\n", cnn_last_error(ctx));
        return 1;
    }
    back = cnn_image_read(ctx, file, &options);
    dataset = cnn_image_folder_open(ctx, arguments[1], &folder_options);
    if (!back || !dataset || cnn_tensor_numel(back) != 64 || cnn_dataset_size(dataset) != 1) {
        fprintf(stderr, "%s\n", cnn_last_error(ctx));
        return 1;
    }
    cnn_tensor_free(back);
    cnn_tensor_free(picture);
    cnn_dataset_free(dataset);
    cnn_context_free(ctx);
    return 0;
}
