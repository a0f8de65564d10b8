/* Networks by name, as torchvision names them: one file per family, on the public API alone.
 *
 * Names, shapes, state_dict keys and first values are torchvision's where it has the net, so that its weights load by
 * cnn_module_load(). A new net is a line in zoo.def and a function zoo_make_NAME(); docs/zoo.md shows one. */
#ifndef ZOO_ZOO_H
#define ZOO_ZOO_H

#include <cnn/cnn.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct zoo_net {
    const char *name; /* as torchvision names it */
    const char *what; /* one line for --list */
    int64_t input[3]; /* C, H, W by default; of a net of tokens: sequence length, 0, 0 */
    int64_t classes;  /* how many outputs there are; the vocabulary of a net of tokens */
    bool tokens; /* the input is i64 token ids [N, T], the output [N, T, classes], and the targets are i64 [N, T] */
    bool pixels; /* the output is [N, classes, H, W], and the targets are i64 [N, H, W] */
    /* The net for another size and number of classes than the default ones, owned by the caller; NULL on failure, and
     * then cnn_last_error() says why. */
    cnn_module *(*make)(cnn_context *ctx, const struct zoo_net *net, const int64_t input[3], int64_t classes);
    /* The loss that training minimises, where it is not the cross entropy of the output; else NULL. */
    cnn_tensor *(*loss)(cnn_module *model, cnn_tensor *input, cnn_tensor *target);
} zoo_net;

/* All nets, in the order of zoo.def. */
extern const zoo_net zoo_nets[];
extern const int zoo_net_count;

/* The net of that name; NULL if there is none. */
const zoo_net *zoo_find(const char *name);

/* The training loss of a batch: net->loss, or else the cross entropy of the model's output. Input and target are on a
 * tape. */
cnn_tensor *zoo_loss(const zoo_net *net, cnn_module *model, cnn_tensor *input, cnn_tensor *target);

/* A batch that is drawn from the context's random numbers: f32 pictures or i64 tokens, and targets. The caller frees
 * both; false on failure. Targets of tokens are the tokens that follow. */
bool zoo_draw(cnn_context *ctx, const zoo_net *net, const int64_t input[3], int64_t classes, int64_t batch,
              cnn_tensor **inputs, cnn_tensor **targets);

/* What the lines of zoo.def name. */
cnn_tensor *zoo_loss_googlenet(cnn_module *model, cnn_tensor *input, cnn_tensor *target);
#define ZOO_NET(id, ...) \
    cnn_module *zoo_make_##id(cnn_context *ctx, const zoo_net *net, const int64_t input[3], int64_t classes);
#include "zoo.def"
#undef ZOO_NET

#endif
