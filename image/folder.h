/* A folder of pictures by class: what scanning finds, and what reading needs. */
#ifndef CNN_IMAGE_FOLDER_H
#define CNN_IMAGE_FOLDER_H

#include "picture.h"

#include <pthread.h>
#include <stdatomic.h>

enum { CNN__FOLDER_CHANNELS = 3 };

typedef struct cnn__sample {
    char *path;
    size_t root; /* the length of the path's folder */
    int64_t label;
    cnn__picture cached; /* guarded by the folder's lock while pixels is NULL, constant afterwards */
} cnn__sample;

struct cnn_image_folder {
    atomic_int references; /* the dataset's and the handle's */
    cnn_context *ctx;      /* for messages; alive as long as the dataset */
    char **classes;        /* sorted */
    int64_t *class_sizes;
    int64_t class_count;
    cnn__sample *samples; /* by class; sorted within it */
    int64_t count, capacity, skipped;
    cnn_image_folder_options options;
    cnn__decoding how;
    bool normalised;
    float mean[CNN__FOLDER_CHANNELS], std[CNN__FOLDER_CHANNELS];
    pthread_mutex_t lock; /* guards what is cached */
    size_t cached_bytes;
};

/* Finds classes and samples (scan.c). Reports failures itself. */
cnn_status cnn__folder_scan(cnn_image_folder *folder, const char *call, const char *directory);

/* Fails if a class without samples is not allowed. */
cnn_status cnn__folder_check_classes(cnn_image_folder *folder, const char *call, const char *directory);

/* Decodes sample `i`, or takes it from the cache. `*owned` says whether the caller frees it. */
bool cnn__folder_picture(cnn_image_folder *folder, int64_t i, cnn__picture *picture, bool *owned,
                         cnn__image_failure *failure);

/* Writes sample `i` as the dataset gives it out (sample.c). */
cnn_status cnn__folder_get(int64_t i, void *image, void *label, void *user);

/* Makes sample `i` as large as its picture is. */
cnn_status cnn__folder_make(int64_t i, cnn_tensor **image, cnn_tensor **label, void *user);

/* The rows and columns of the resized picture that a sample consists of. */
void cnn__folder_axes(const cnn_image_folder_options *options, int64_t height, int64_t width, cnn__axis *rows,
                      cnn__axis *columns);

#endif
