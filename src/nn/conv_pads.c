/* torch.nn's padding_mode of convolutions: the input is padded by an operation of its own, and the convolution adds no
 * zeros. */
#include "nn/layer.h"

static const char *const pad_texts[] = { [CNN_PAD_CONSTANT] = "",
                                         [CNN_PAD_REFLECT] = ", padding_mode=reflect",
                                         [CNN_PAD_REPLICATE] = ", padding_mode=replicate",
                                         [CNN_PAD_CIRCULAR] = ", padding_mode=circular" };
enum { CONV_PAD_MODES = sizeof pad_texts / sizeof *pad_texts };

cnn_status cnn__conv_pads_take(const cnn_context *ctx, const char *call, cnn__conv_pads *p, int mode, int axes,
                               int64_t *before, int64_t *after)
{
    if (mode < 0 || mode >= CONV_PAD_MODES) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: pad_mode is %d, expected 0 to %d", call, mode,
                         CONV_PAD_MODES - 1);
    }
    *p = (cnn__conv_pads){ .mode = mode, .count = 2 * axes };
    for (int i = 0; i < axes && mode != (int)CNN_PAD_CONSTANT; i++) {
        p->pads[2 * (axes - 1 - i)] = before[i];
        p->pads[2 * (axes - 1 - i) + 1] = after[i];
        before[i] = after[i] = 0;
    }
    return CNN_OK;
}

cnn_tensor *cnn__conv_pads_apply(const cnn__conv_pads *p, cnn_tensor *x)
{
    const cnn_pad_options o = { .struct_size = sizeof o, .mode = (cnn_pad_mode)p->mode };
    return p->mode == (int)CNN_PAD_CONSTANT ? x : cnn_pad(x, p->count, p->pads, &o);
}

const char *cnn__conv_pads_text(const cnn__conv_pads *p)
{
    return pad_texts[p->mode];
}
