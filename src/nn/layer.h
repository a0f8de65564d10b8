/* What the layers share: making parameters and drawing their first values.
 *
 * Random streams are taken only when nothing can fail any more, so a layer that could not be made leaves the context's
 * random numbers where they were. */
#ifndef CNN_NN_LAYER_H
#define CNN_NN_LAYER_H

#include "nn/folded.h"
#include "nn/module.h"
#include "ops/geometry.h"

/* Adds a parameter with undefined elements; NULL on failure, reported. */
cnn_tensor *cnn__layer_parameter(cnn_module *module, const char *call, const char *name, cnn_dtype dtype, int ndim,
                                 const int64_t *shape);

/* torch.nn.init.uniform_(t, −bound, bound), from the context's next random stream. */
cnn_status cnn__layer_uniform(cnn_tensor *t, const char *call, double bound);

/* PyTorch's default for Conv2d and Linear: weight (kaiming_uniform_ with a = √5) and bias both uniform in ±1/√fan_in.
 * `bias` may be NULL. */
cnn_status cnn__layer_init(cnn_tensor *weight, cnn_tensor *bias, const char *call, double fan_in);

/* Linear layers for layers that are made of others: one without first values yet, as part of a call that has checked
 * the arguments, and its first values. A projection is that of MultiheadAttention. */
cnn_module *cnn__linear_make(cnn_context *ctx, const char *call, bool projection, int64_t in, int64_t out,
                             const cnn_linear_options *o);
cnn_status cnn__linear_init(cnn_module *module, const char *call);

/* Writes a number as Python's repr of a float does: "0.5", "1.0", "1e-05". */
enum { CNN__FLOAT_TEXT = 32 };
const char *cnn__float_text(char text[CNN__FLOAT_TEXT], double value);

/* What a convolution's layer puts around its input where that is no zeros, as cnn_pad() takes it. */
typedef struct cnn__conv_pads {
    int mode, count; /* a cnn_pad_mode; CNN_PAD_CONSTANT: the convolution pads itself */
    int64_t pads[6];
} cnn__conv_pads;
/* Takes the padding of `axes` axes over, in the order of dimensions, where the mode asks for that: before and after
 * become 0. The call's failure is reported. */
cnn_status cnn__conv_pads_take(const cnn_context *ctx, const char *call, cnn__conv_pads *p, int mode, int axes,
                               int64_t *before, int64_t *after);
cnn_tensor *cnn__conv_pads_apply(const cnn__conv_pads *p, cnn_tensor *x);
/* As it is printed: ", padding_mode=reflect", or nothing. */
const char *cnn__conv_pads_text(const cnn__conv_pads *p);

/* ---- what is in a layer, for those who join layers into one operation (fusion.c) ---- */
extern const cnn__module_class cnn__conv2d_class;

/* What the layers with running statistics differ in. */
typedef struct cnn__norm_class {
    cnn__module_class class; /* first: a module's class is its row */
    const char *name, *call; /* "batch_norm2d", "batch_norm2d_create" */
    int least, most;         /* dimensions of the input */
    bool instances;          /* the input may be without N */
    const char *positions;   /* the input's dimensions after its channels: ",H,W" */
    const char *without;     /* how messages say which dimension may be left out */
} cnn__norm_class;
extern const cnn__norm_class cnn__batch_norm2d_class;

typedef struct cnn__conv2d_parts {
    cnn_tensor *weight, *bias; /* bias may be NULL */
    const cnn_conv2d_options *options;
    const cnn__window *window;
    bool pads; /* around its input, which the options do not say */
} cnn__conv2d_parts;
/* Those of a module of that class. */
cnn__conv2d_parts cnn__layer_conv2d(const cnn_module *module);

typedef struct cnn__batch_norm2d_parts {
    cnn_tensor *weight, *bias; /* NULL: not affine */
    cnn_tensor *mean, *var;    /* NULL: no running statistics */
    double eps;
    cnn__folded *folded; /* what is kept of it and the convolution before it */
} cnn__batch_norm2d_parts;
cnn__batch_norm2d_parts cnn__layer_batch_norm2d(const cnn_module *module);
/* Its forward with ReLU, or ReLU6, behind it, where cnn__batch_norm_takes_relu(). */
cnn_tensor *cnn__layer_batch_norm_relu(const cnn_module *module, bool six, cnn_tensor *x);

#endif
