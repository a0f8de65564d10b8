/* What the families share: modules that are put together by name, chains of layers, and first values. */
#ifndef ZOO_BLOCKS_H
#define ZOO_BLOCKS_H

#include <cnn/cnn.h>

#include <stdbool.h>

/* A module of ours keeps nothing but its children, which its forward takes by number in the order in which they were
 * added: an enum names them. So it has no memory of its own to free, and cnn_module_clone() copies it. */
cnn_module *zoo_part(const cnn_module *self, int i);

/* Returns `module` if it is `whole`, all of its children were added; else frees it and returns NULL:
 *
 *     bool whole = cnn_module_add(self, "conv1", …) && cnn_module_add(self, "bn1", …);
 *     return zoo_whole(self, whole);
 */
cnn_module *zoo_whole(cnn_module *module, bool whole);

/* zoo_chain(x, module, module, …) runs modules one after the other, those together that can be one operation. */
#define zoo_chain(x, ...) \
    cnn_forward_chain((cnn_module *const[]){ __VA_ARGS__ }, \
                      (int)(sizeof((cnn_module *[]){ __VA_ARGS__ }) / sizeof(cnn_module *)), (x))

/* So does this with `count` children from number `first` on. */
cnn_tensor *zoo_run(const cnn_module *self, int first, int count, cnn_tensor *x);

/* A module without children yet that runs all of them, in the order in which they are added: torch.nn.Sequential of an
 * OrderedDict, for children that have names of their own. */
cnn_module *zoo_sequence(cnn_context *ctx, const char *type);

/* A constructor of an activation without options. */
typedef cnn_module *(*zoo_activation)(cnn_context *ctx);

/* A convolution, BatchNorm2d and, if `activation` makes one, an activation as the children "0", "1" and "2" of a
 * Sequential: torchvision's Conv2dNormActivation. */
typedef struct zoo_conv_norm {
    int64_t kernel, stride, groups; /* 0: 1 */
    double eps, momentum;           /* the normalisation's; 0: PyTorch's defaults, 1e-5 and 0.1 */
    zoo_activation activation;      /* NULL: none */
} zoo_conv_norm;
cnn_module *zoo_conv_norm_new(cnn_context *ctx, int64_t in, int64_t out, const zoo_conv_norm *options);

/* The constructors of activations without options, for zoo_conv_norm. */
cnn_module *zoo_relu(cnn_context *ctx);

/* ---- first values ---- */

/* Calls `visit` for every module of the tree with children after their parent, until it returns false; returns whether
 * all were visited. */
bool zoo_each(cnn_module *root, bool (*visit)(cnn_module *module, void *user), void *user);

/* Every Conv2d: weights by cnn_init_kaiming_normal() for ReLU, biases 0. */
bool zoo_init_convs(cnn_module *root, cnn_fan_mode mode);

/* Every Linear: weights normal with that standard deviation, biases 0. */
bool zoo_init_linears(cnn_module *root, double std);

/* Is the module of that type, such as "Conv2d"? */
bool zoo_is(const cnn_module *module, const char *type);

/* The module's own parameter "weight" or "bias"; NULL if it has none of that name. */
cnn_tensor *zoo_parameter(const cnn_module *module, const char *name);

#endif
