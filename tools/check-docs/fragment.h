/* What a C block of the docs may take for granted: the objects that a program would have made before. world.c makes them. */
#include <cnn/cnn.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern cnn_context *ctx;
extern cnn_tape *tape;
extern cnn_module *model;
extern cnn_optimizer *adam;
extern cnn_loader *train, *test;
extern cnn_dataset *digits;
extern cnn_batch batch;
extern cnn_tensor *x, *y, *t, *weight, *bias, *logits, *labels, *loss, *outputs;
extern double correct;
int fail(cnn_context *ctx);
cnn_module *colour_network(void); /* one for pictures of three channels */
