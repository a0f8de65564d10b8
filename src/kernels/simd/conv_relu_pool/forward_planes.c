/* Convolution by 3 × 3 kernels between many channels with bias, ReLU and 2 × 2 max pooling: some images at a time are
 * convolved with Winograd's tiles (winograd/conv.c) into planes, which are pooled as long as they are cached. The tiles
 * need 4 multiplications for each output where the direct sum needs 9, which pays for storing the planes. */
#include "kernels/simd/conv/algorithms.h"
#include "kernels/simd/conv_relu_pool/pool.h"
#include "kernels/simd/vector/machine.h"

enum {
    POOLED_PLANES_FLOATS =
        2 * L2_FLOATS /* floats that are convolved before they are pooled, unless an image has more */
};

typedef struct planes_job {
    const cnn__conv *g;
    const float *planes;
    float *y;
    uint8_t *index;
} planes_job;

bool CNN__SIMD(conv_relu_pool_planes_fits)(const cnn__conv *g)
{
    conv_plan p = plan_forward(g);
    return g->kernel_h == 3 && CNN__SIMD(conv_winograd_fits)(&p);
}

static int64_t planes_images(const cnn__conv *g)
{
    return max64(1, min64(g->batch, POOLED_PLANES_FLOATS / (g->out_channels * g->out_h * g->out_w)));
}

/* The plan of the first images, or of those of a shorter pass at the end, which may read another form of the weight. */
static conv_plan planes_plan(const cnn__conv *g, int64_t images)
{
    conv_plan p = plan_forward(g);
    p.relu = false; /* pooling applies it */
    p.batch = planes_images(g);
    size_t kept = CNN__SIMD(conv_winograd_packed)(&p);
    p.batch = images;
    p.packed = CNN__SIMD(conv_winograd_packed)(&p) == kept ? p.packed : NULL;
    return p;
}

size_t CNN__SIMD(conv_relu_pool_planes_packed)(const cnn__conv *g)
{
    conv_plan p = planes_plan(g, planes_images(g));
    return CNN__SIMD(conv_winograd_packed)(&p);
}

static size_t planes_size(const cnn__conv *g)
{
    return (size_t)round_up(planes_images(g) * g->out_channels * g->out_h * g->out_w, 16) * sizeof(float);
}

size_t CNN__SIMD(conv_relu_pool_planes_workspace)(const cnn__conv *g, int workers)
{
    int64_t images = planes_images(g);
    conv_plan p = planes_plan(g, images), rest = planes_plan(g, max64(1, g->batch % images));
    size_t most = CNN__SIMD(conv_winograd_workspace)(&p, workers);
    size_t last = CNN__SIMD(conv_winograd_workspace)(&rest, workers);
    return planes_size(g) + (last > most ? last : most);
}

static void pool_plane(void *arg, int64_t plane, int worker)
{
    (void)worker;
    const planes_job *job = arg;
    const cnn__conv *g = job->g;
    int64_t rows = g->out_h / 2, columns = g->out_w / 2;
    for (int64_t row = 0; row < rows; row++) {
        const float *from = job->planes + (plane * g->out_h + 2 * row) * g->out_w;
        int64_t at = (plane * rows + row) * columns;
        for (int64_t w = 0; w < columns; w += LANES, at += LANES) {
            int64_t some = min64(columns - w, LANES), first = min64(2 * some, LANES), second = 2 * some - first;
            lanes v[2][2];
            for (int64_t i = 0; i < 2; i++) {
                const float *line = from + i * g->out_w + 2 * w;
                lanes a = load_partial(line, first), b = second ? load_partial(line + LANES, second) : (lanes){ 0 };
                v[i][0] = evens(a, b);
                v[i][1] = odds(a, b);
            }
            lanes_i32 winner;
            store_partial(job->y + at, pool_window(v[0][0], v[0][1], v[1][0], v[1][1], &winner), some);
            if (job->index) {
                store_partial_bytes(job->index + at, winner, some);
            }
        }
    }
}

void CNN__SIMD(conv_relu_pool_planes)(const cnn__conv *g, const float *x, const float *weight, const float *bias,
                                      float *y, uint8_t *index, void *workspace, cnn__pool *pool)
{
    int64_t images = planes_images(g), pooled = g->out_channels * (g->out_h / 2) * (g->out_w / 2);
    float *planes = workspace;
    for (int64_t n = 0; n < g->batch; n += images) {
        conv_plan p = planes_plan(g, min64(images, g->batch - n));
        p.packs = p.packs && n == 0;
        CNN__SIMD(conv_winograd)
        (&p, x + n * g->in_channels * g->in_h * g->in_w, weight, bias, planes, (char *)workspace + planes_size(g),
         pool);
        planes_job job = { g, planes, y + n * pooled, index ? index + n * pooled : NULL };
        int64_t count = p.batch * g->out_channels;
        cnn__pool_run(pool, count, (double)(count * g->out_h * g->out_w) / LANES, pool_plane, &job);
    }
}
