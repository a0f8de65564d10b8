/* The shapes, written down from the networks' definitions: torchvision's ResNet-50, VGG-16, MobileNet v2 and AlexNet, and
 * the convolutions of DeepBench's training list but for its speech models. */
#include "cases.h"

const char *const pass_names[PASSES] = { "forward", "backward data", "backward weight" };

/* Square input, kernel k, stride s, padding p. */
#define SQUARE(net, c, side, o, k, s, p) { net, c, side, side, o, k, k, s, p, p, 1 }
#define DEPTHWISE(net, c, side, s) { net, c, side, side, c, 3, 3, s, 1, 1, c }
#define WIDE(net, c, w, h, o) { net, c, h, w, o, 3, 3, 1, 1, 1, 1 }

const conv_shape conv_shapes[] = {
    SQUARE("resnet50", 3, 224, 64, 7, 2, 3),
    SQUARE("resnet50", 64, 56, 64, 1, 1, 0),
    SQUARE("resnet50", 64, 56, 64, 3, 1, 1),
    SQUARE("resnet50", 64, 56, 256, 1, 1, 0),
    SQUARE("resnet50", 256, 56, 64, 1, 1, 0),
    SQUARE("resnet50", 256, 56, 128, 1, 1, 0),
    SQUARE("resnet50", 128, 56, 128, 3, 2, 1),
    SQUARE("resnet50", 128, 28, 512, 1, 1, 0),
    SQUARE("resnet50", 256, 56, 512, 1, 2, 0),
    SQUARE("resnet50", 512, 28, 128, 1, 1, 0),
    SQUARE("resnet50", 128, 28, 128, 3, 1, 1),
    SQUARE("resnet50", 512, 28, 256, 1, 1, 0),
    SQUARE("resnet50", 256, 28, 256, 3, 2, 1),
    SQUARE("resnet50", 256, 14, 1024, 1, 1, 0),
    SQUARE("resnet50", 512, 28, 1024, 1, 2, 0),
    SQUARE("resnet50", 1024, 14, 256, 1, 1, 0),
    SQUARE("resnet50", 256, 14, 256, 3, 1, 1),
    SQUARE("resnet50", 1024, 14, 512, 1, 1, 0),
    SQUARE("resnet50", 512, 14, 512, 3, 2, 1),
    SQUARE("resnet50", 512, 7, 2048, 1, 1, 0),
    SQUARE("resnet50", 1024, 14, 2048, 1, 2, 0),
    SQUARE("resnet50", 2048, 7, 512, 1, 1, 0),
    SQUARE("resnet50", 512, 7, 512, 3, 1, 1),

    SQUARE("vgg16", 3, 224, 64, 3, 1, 1),
    SQUARE("vgg16", 64, 224, 64, 3, 1, 1),
    SQUARE("vgg16", 64, 112, 128, 3, 1, 1),
    SQUARE("vgg16", 128, 112, 128, 3, 1, 1),
    SQUARE("vgg16", 128, 56, 256, 3, 1, 1),
    SQUARE("vgg16", 256, 56, 256, 3, 1, 1),
    SQUARE("vgg16", 256, 28, 512, 3, 1, 1),
    SQUARE("vgg16", 512, 28, 512, 3, 1, 1),
    SQUARE("vgg16", 512, 14, 512, 3, 1, 1),

    SQUARE("mobilenetv2", 3, 224, 32, 3, 2, 1),
    DEPTHWISE("mobilenetv2", 32, 112, 1),
    SQUARE("mobilenetv2", 32, 112, 16, 1, 1, 0),
    SQUARE("mobilenetv2", 16, 112, 96, 1, 1, 0),
    DEPTHWISE("mobilenetv2", 96, 112, 2),
    SQUARE("mobilenetv2", 96, 56, 24, 1, 1, 0),
    SQUARE("mobilenetv2", 24, 56, 144, 1, 1, 0),
    DEPTHWISE("mobilenetv2", 144, 56, 1),
    SQUARE("mobilenetv2", 144, 56, 24, 1, 1, 0),
    DEPTHWISE("mobilenetv2", 144, 56, 2),
    SQUARE("mobilenetv2", 144, 28, 32, 1, 1, 0),
    SQUARE("mobilenetv2", 32, 28, 192, 1, 1, 0),
    DEPTHWISE("mobilenetv2", 192, 28, 1),
    SQUARE("mobilenetv2", 192, 28, 32, 1, 1, 0),
    DEPTHWISE("mobilenetv2", 192, 28, 2),
    SQUARE("mobilenetv2", 192, 14, 64, 1, 1, 0),
    SQUARE("mobilenetv2", 64, 14, 384, 1, 1, 0),
    DEPTHWISE("mobilenetv2", 384, 14, 1),
    SQUARE("mobilenetv2", 384, 14, 64, 1, 1, 0),
    SQUARE("mobilenetv2", 384, 14, 96, 1, 1, 0),
    SQUARE("mobilenetv2", 96, 14, 576, 1, 1, 0),
    DEPTHWISE("mobilenetv2", 576, 14, 1),
    SQUARE("mobilenetv2", 576, 14, 96, 1, 1, 0),
    DEPTHWISE("mobilenetv2", 576, 14, 2),
    SQUARE("mobilenetv2", 576, 7, 160, 1, 1, 0),
    SQUARE("mobilenetv2", 160, 7, 960, 1, 1, 0),
    DEPTHWISE("mobilenetv2", 960, 7, 1),
    SQUARE("mobilenetv2", 960, 7, 160, 1, 1, 0),
    SQUARE("mobilenetv2", 960, 7, 320, 1, 1, 0),
    SQUARE("mobilenetv2", 320, 7, 1280, 1, 1, 0),

    SQUARE("alexnet", 3, 224, 64, 11, 4, 2),
    SQUARE("alexnet", 64, 27, 192, 5, 1, 2),
    SQUARE("alexnet", 192, 13, 384, 3, 1, 1),
    SQUARE("alexnet", 384, 13, 256, 3, 1, 1),
    SQUARE("alexnet", 256, 13, 256, 3, 1, 1),

    WIDE("deepbench", 1, 480, 48, 16),
    WIDE("deepbench", 16, 240, 24, 32),
    WIDE("deepbench", 32, 120, 12, 64),
    WIDE("deepbench", 64, 60, 6, 128),
    SQUARE("deepbench", 3, 108, 64, 3, 2, 1),
    SQUARE("deepbench", 64, 54, 64, 3, 1, 1),
    SQUARE("deepbench", 128, 27, 128, 3, 1, 1),
    SQUARE("deepbench", 128, 14, 256, 3, 1, 1),
    SQUARE("deepbench", 256, 7, 512, 3, 1, 1),
    SQUARE("deepbench", 192, 28, 32, 5, 1, 2),
    SQUARE("deepbench", 192, 28, 64, 1, 1, 0),
    SQUARE("deepbench", 512, 14, 48, 5, 1, 2),
    SQUARE("deepbench", 512, 14, 192, 1, 1, 0),
    SQUARE("deepbench", 832, 7, 256, 1, 1, 0),
    SQUARE("deepbench", 832, 7, 128, 5, 1, 2),
    SQUARE("deepbench", 64, 56, 256, 1, 2, 0),
    SQUARE("deepbench", 128, 28, 512, 1, 2, 0),
    SQUARE("deepbench", 256, 14, 256, 1, 1, 0),
    SQUARE("deepbench", 256, 14, 1024, 1, 2, 0),
    SQUARE("deepbench", 512, 7, 512, 1, 1, 0),
    SQUARE("deepbench", 2048, 7, 512, 1, 2, 3),
    SQUARE("deepbench", 64, 112, 64, 1, 1, 0),
    SQUARE("deepbench", 256, 56, 128, 1, 2, 0),
    SQUARE("deepbench", 512, 28, 256, 1, 2, 0),
    SQUARE("deepbench", 1024, 14, 512, 1, 2, 0),
};
const int conv_shape_count = sizeof conv_shapes / sizeof *conv_shapes;

const linear_shape linear_shapes[] = {
    { "tutorial", 3136, 1000 }, { "tutorial", 1000, 10 },  { "resnet50", 2048, 1000 },    { "mobilenetv2", 1280, 1000 },
    { "alexnet", 9216, 4096 },  { "vgg16", 25088, 4096 },  { "vgg16, alexnet", 4096, 4096 }, { "vgg16, alexnet", 4096, 1000 },
};
const int linear_shape_count = sizeof linear_shapes / sizeof *linear_shapes;

bool conv_shape_repeats(int i)
{
    const conv_shape *a = &conv_shapes[i];
    for (const conv_shape *b = conv_shapes; b < a; b++) {
        if (a->channels == b->channels && a->h == b->h && a->w == b->w && a->outputs == b->outputs &&
            a->kernel_h == b->kernel_h && a->kernel_w == b->kernel_w && a->stride == b->stride && a->pad_h == b->pad_h &&
            a->pad_w == b->pad_w && a->groups == b->groups) {
            return true;
        }
    }
    return false;
}

cnn__conv conv_of(const conv_shape *s, int batch)
{
    return (cnn__conv){
        .batch = batch, .in_channels = s->channels, .in_h = s->h, .in_w = s->w, .out_channels = s->outputs,
        .out_h = (s->h + 2 * s->pad_h - s->kernel_h) / s->stride + 1,
        .out_w = (s->w + 2 * s->pad_w - s->kernel_w) / s->stride + 1,
        .kernel_h = s->kernel_h, .kernel_w = s->kernel_w, .stride_h = s->stride, .stride_w = s->stride,
        .dilation_h = 1, .dilation_w = 1, .pad_top = s->pad_h, .pad_left = s->pad_w, .groups = s->groups,
    };
}

cnn__gemm gemm_of(const linear_shape *s, int batch, bench_pass pass)
{
    int64_t in = s->inputs, out = s->outputs;
    switch (pass) {
    case FORWARD:
        return (cnn__gemm){ .trans_b = true, .m = batch, .n = out, .k = in, .lda = in, .ldb = in, .ldc = out };
    case BACKWARD_DATA:
        return (cnn__gemm){ .m = batch, .n = in, .k = out, .lda = out, .ldb = in, .ldc = in };
    default:
        return (cnn__gemm){ .trans_a = true, .m = out, .n = in, .k = batch, .lda = out, .ldb = in, .ldc = in };
    }
}

bench_sizes conv_sizes(const cnn__conv *g, bench_pass pass)
{
    int64_t x = g->batch * g->in_channels * g->in_h * g->in_w, y = g->batch * g->out_channels * g->out_h * g->out_w;
    int64_t weight = g->out_channels * (g->in_channels / g->groups) * g->kernel_h * g->kernel_w;
    return pass == FORWARD ? (bench_sizes){ x, weight, y }
         : pass == BACKWARD_DATA ? (bench_sizes){ y, weight, x } : (bench_sizes){ x, y, weight };
}

bench_sizes gemm_sizes(const cnn__gemm *g)
{
    return (bench_sizes){ g->m * g->k, g->k * g->n, g->m * g->n };
}

double conv_gflop(const cnn__conv *g)
{
    return 2e-9 * (double)(g->batch * g->out_channels * g->out_h * g->out_w) *
           (double)(g->in_channels / g->groups * g->kernel_h * g->kernel_w);
}
