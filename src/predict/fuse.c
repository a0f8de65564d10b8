/* What follows a convolution becomes part of its launch: a batch normalisation by constant statistics, a sum with
 * another result, and ReLU, in this order. The convolution's kernel does it before its sums leave the caches
 * (kernels/normalise.h), with the bits of the launches that it replaces.
 *
 * A launch is taken in where it alone reads what the convolution writes, and where all else that it reads is there when
 * the convolution runs. A block of a record is written for one purpose, so what wrote it last has made what is read. */
#include "predict/builder.h"

static const cnn__block *block_at(const cnn__builder *b, const void *address)
{
    size_t offset;
    return cnn__builder_block(b, address, &offset);
}

static int maker_of(const cnn__builder *b, const void *address)
{
    const cnn__block *k = block_at(b, address);
    return k ? k->maker : -1;
}

/* The launch of the convolution whose result is all of the block at this address, and of no use to others; NULL: there
 * is none. */
static cnn_launch *convolution_of(const cnn__builder *b, const void *address)
{
    const cnn__block *k = block_at(b, address), *x;
    cnn_launch *l = k && k->maker >= 0 ? &b->record->steps[k->maker].launch : NULL;
    if (!l || k->uses != 2 || k->port >= 0 || l->kernel != CNN_KERNEL_CONV_FORWARD || l->dtype != CNN_F32 ||
        l->out[0] != address || ((const cnn_conv *)l->parameters)->relu) {
        return NULL;
    }
    x = block_at(b, l->in[0]);
    return x && x->varies ? l : NULL;
}

static int64_t results_of(const cnn_conv *g)
{
    return g->batch * g->out_channels * g->out_h * g->out_w;
}

static bool is_constant(const cnn__builder *b, const void *address)
{
    const cnn__block *k = block_at(b, address);
    return !k || !k->varies;
}

/* Whether the nest goes through so many elements of each operand, one after the other. */
static bool is_row(const cnn_nest *nest, int operands, int64_t count)
{
    bool row = nest->ndim == 1 && nest->shape[0] == count;
    for (int k = 0; k < operands; k++) {
        row = row && nest->stride[k][0] == 1;
    }
    return row;
}

static bool takes_norm(const cnn__builder *b, const cnn_launch *l, cnn_launch *conv)
{
    const cnn_batch_norm_parameters *p = l->parameters;
    cnn_conv *g = (cnn_conv *)(uintptr_t)conv->parameters; /* the record's own */
    bool fits = !p->joined && p->inner > 1 && p->batch == g->batch && p->channels == g->out_channels &&
                p->inner == g->out_h * g->out_w && !conv->in[3] && !conv->out[1];
    for (int i = 1; i < 4; i++) {
        fits = fits && is_constant(b, l->in[i]);
    }
    if (fits) {
        conv->in[3] = l->in[3];
        conv->in[4] = l->in[1];
        conv->in[5] = l->in[2];
        g->relu = p->relu;
        g->ceiling = p->ceiling;
    }
    return fits;
}

/* What is added has been made before. */
static bool takes_sum(const cnn__builder *b, const cnn_launch *l, cnn_launch *conv, const void *other)
{
    const cnn_elementwise_parameters *p = l->parameters;
    bool made = is_constant(b, other) || maker_of(b, other) < maker_of(b, conv->out[0]);
    bool fits =
        made && p->function == CNN_BINARY_ADD && !conv->out[1] && is_row(&p->nest, 3, results_of(conv->parameters));
    if (fits) {
        conv->out[1] = (void *)(uintptr_t)other;
    }
    return fits;
}

static bool takes_relu(const cnn_launch *l, cnn_launch *conv)
{
    const cnn_elementwise_parameters *p = l->parameters;
    cnn_conv *g = (cnn_conv *)(uintptr_t)conv->parameters;
    bool clamps = l->kernel == CNN_KERNEL_UNARY;
    if (clamps ? p->function != CNN_UNARY_CLAMP || p->value[0] != 0 || !((float)p->value[1] > 0) ||
                     !is_row(&p->nest, 2, results_of(g))
               : l->count != results_of(g)) {
        return false;
    }
    g->relu = true;
    g->ceiling = clamps ? (float)p->value[1] : 0;
    return true;
}

/* The convolution that takes a launch in; NULL: none does. */
static cnn_launch *taker_of(const cnn__builder *b, const cnn_launch *l)
{
    bool sums = l->kernel == CNN_KERNEL_BINARY;
    int operand = sums && maker_of(b, l->in[1]) > maker_of(b, l->in[0]); /* the one which is made last */
    cnn_launch *conv = l->dtype == CNN_F32 ? convolution_of(b, l->in[operand]) : NULL;
    bool taken = false;
    if (conv && sums) {
        taken = takes_sum(b, l, conv, l->in[!operand]);
    } else if (conv && l->kernel == CNN_KERNEL_BATCH_NORM_FORWARD) {
        taken = takes_norm(b, l, conv);
    } else if (conv && (l->kernel == CNN_KERNEL_RELU || l->kernel == CNN_KERNEL_UNARY)) {
        taken = takes_relu(l, conv);
    }
    return taken ? conv : NULL;
}

void cnn__program_fuse(const cnn__builder *b)
{
    cnn__recorder *r = b->record;
    size_t offset;
    for (int i = 0; i < r->step_count; i++) {
        for (int k = 0; k < CNN__OPERANDS; k++) {
            cnn__block *used = cnn__builder_block(b, cnn__operand(&r->steps[i].launch, k), &offset);
            if (used) {
                used->uses++;
                used->maker = -1;
            }
        }
    }
    int kept = 0;
    for (int i = 0; i < r->step_count; i++) {
        cnn__recorded step = r->steps[i];
        cnn_launch *conv = step.bytes ? NULL : taker_of(b, &step.launch);
        int maker = conv ? maker_of(b, conv->out[0]) : kept;
        if (conv) {
            conv->out[0] = step.launch.out[0];
            cnn__free(r->ctx, (void *)(uintptr_t)step.launch.parameters);
        } else {
            r->steps[kept++] = step;
        }
        for (int k = 0; k < CNN__OUT; k++) {
            cnn__block *made = cnn__builder_block(b, step.launch.out[k], &offset);
            if (made) {
                made->maker = maker;
            }
        }
    }
    r->step_count = kept;
}
