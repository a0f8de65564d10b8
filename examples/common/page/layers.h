/* The layers of a network in the order in which they run. */
#ifndef COMMON_PAGE_LAYERS_H
#define COMMON_PAGE_LAYERS_H

#include "page.h"

enum { LAYERS = 48, LAYER_NAME = 64 };

typedef struct layer {
    char name[LAYER_NAME]; /* such as "l1.0"; "" for the whole network */
    cnn_module *module;
} layer;

typedef struct layers {
    layer at[LAYERS];
    int count;
} layers;

/* Takes the network apart as far as its modules run one after the other, which is tried with the images: where the
 * children of a module do not give its result (a residual block), the module is one layer. False on failure. */
bool layers_find(layers *all, const page_subject *s, cnn_tensor *images);

/* Runs a layer in a step. A Linear behind images gets them flattened, as networks do between the two. */
cnn_tensor *layer_run(const layer *l, cnn_tensor *x);

#endif
