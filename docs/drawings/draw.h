/* One function per drawing; each computes with libcnn what it shows. They return whether the file was written. */
#ifndef DRAW_H
#define DRAW_H

#include <cnn/cnn.h>
#include <stdbool.h>

bool draw_convolution(cnn_context *ctx, const char *folder);
bool draw_sliding(cnn_context *ctx, const char *folder);
bool draw_stride(cnn_context *ctx, const char *folder);
bool draw_padding(cnn_context *ctx, const char *folder);
bool draw_pooling(cnn_context *ctx, const char *folder);
bool draw_dropout(cnn_context *ctx, const char *folder);
bool draw_backward(cnn_context *ctx, const char *folder);

/* Needs MNIST's files in `mnist`, and trains for some seconds. */
bool draw_feature_maps(cnn_context *ctx, const char *folder, const char *mnist);

#endif
