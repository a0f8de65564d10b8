/* torch.nn.Upsample: a row over cnn_interpolate() that prints the sizes or the scale factors, whichever is given. */
#include "nn/layer.h"
#include "nn/plain.h"
#include "ops/resample.h"

#include <stdio.h>

static cnn_tensor *upsample_forward(cnn_module *self, cnn_tensor *x)
{
    return cnn_interpolate(x, self->attributes);
}

static cnn_status read_upsample(const cnn_context *ctx, const char *call, const void *options, void *attributes)
{
    cnn__problem problem;
    cnn_status status = CNN__OPTIONS_READ(ctx, call, (cnn_interpolate_options *)attributes, options);
    if (status == CNN_OK && !cnn__interpolate_check(attributes, &problem)) {
        status = cnn__fail(ctx, problem.status, "%s: %s", call, problem.text);
    }
    return status;
}

/* One number for all directions, or those of each: "7", "(2.0, 1.5)". */
static int upsample_numbers(char *text, size_t size, bool sized, const int64_t sizes[4], const double scales[4])
{
    char number[CNN__FLOAT_TEXT];
    int count = 0, length = 0;
    bool one = sized ? sizes[3] != 0 : cnn__option_given(scales[3]);
    for (int i = one ? 3 : 0; i < (one ? 4 : 3); i++) {
        if (sized ? sizes[i] == 0 : !cnn__option_given(scales[i])) {
            continue;
        }
        snprintf(number, sizeof number, "%lld", (long long)sizes[i]);
        length += snprintf(text + length, size - (size_t)length, "%s%s",
                           one       ? ""
                           : count++ ? ", "
                                     : "(",
                           sized ? number : cnn__float_text(number, scales[i]));
    }
    return length + snprintf(text + length, size - (size_t)length, "%s", one ? "" : count == 1 ? ",)" : ")");
}

static int upsample_describe(const cnn_module *self, char *buffer, size_t size)
{
    const cnn_interpolate_options *o = self->attributes;
    int64_t sizes[4];
    double scales[4];
    char numbers[4 * (CNN__FLOAT_TEXT + 24)];
    cnn__interpolate_given(o, sizes, scales);
    bool sized = sizes[0] || sizes[1] || sizes[2] || sizes[3];
    upsample_numbers(numbers, sizeof numbers, sized, sizes, scales);
    return snprintf(buffer, size, "%s=%s, mode=%s", sized ? "size" : "scale_factor", numbers,
                    cnn__interpolation_of((int)o->mode)->name);
}

static const cnn__plain_layer upsample_layer = { .class = { .type = "Upsample",
                                                            .forward = upsample_forward,
                                                            .describe = upsample_describe,
                                                            .clone = cnn__clone_bytes },
                                                 .call = "upsample_create",
                                                 .size = sizeof(cnn_interpolate_options),
                                                 .read = read_upsample };

cnn_module *cnn_upsample_create(cnn_context *ctx, const cnn_upsample_options *options)
{
    cnn_upsample_options o;
    return cnn__plain_new(ctx, &upsample_layer, options, &o);
}
