/* Random draws. An element is a pure function of the key and its place, so tasks may draw them in any order. */
#include "kernels/array/draw.h"

#include "base/random.h"

enum { CHUNK = 4096 }; /* elements per task: whole groups of Philox */

typedef struct drawing {
    cnn_dtype dtype;
    int64_t n;
    void *x;
    uint64_t key[2];
    double bound;       /* symmetric */
    uint64_t threshold; /* Bernoulli: of the 2^32 draws, how many give 1 */
    void (*normals)(const uint64_t key[2], int64_t first, int64_t n, cnn_dtype dtype, void *x);
} drawing;

/* ---- one task for each distribution and dtype: elements begin to end ---- */

static void uniform_f32(const drawing *d, int64_t begin, int64_t end)
{
    uint32_t draws[CNN__DRAWS];
    float *x = d->x;
    for (int64_t i = begin; i < end; i += CNN__DRAWS) {
        cnn__philox_group(d->key, (uint64_t)i / 4, draws);
        for (int k = 0; k < CNN__DRAWS && k < end - i; k++) {
            x[i + k] = cnn__uniform_f32(draws[k]);
        }
    }
}

static void uniform_f64(const drawing *d, int64_t begin, int64_t end)
{
    double *x = d->x;
    for (int64_t i = begin; i < end; i++) {
        x[i] = cnn__random_f64(d->key, (uint64_t)i);
    }
}

/* Both as layers draw their first values: in double, rounded once. */
static void symmetric_f32(const drawing *d, int64_t begin, int64_t end)
{
    uint32_t draws[CNN__DRAWS];
    float *x = d->x;
    for (int64_t i = begin; i < end; i += CNN__DRAWS) {
        cnn__philox_group(d->key, (uint64_t)i / 4, draws);
        for (int k = 0; k < CNN__DRAWS && k < end - i; k++) {
            x[i + k] = (float)(d->bound * (2 * (double)cnn__uniform_f32(draws[k]) - 1));
        }
    }
}

static void symmetric_f64(const drawing *d, int64_t begin, int64_t end)
{
    double *x = d->x;
    for (int64_t i = begin; i < end; i++) {
        x[i] = d->bound * (2 * cnn__random_f64(d->key, (uint64_t)i) - 1);
    }
}

static void normal(const drawing *d, int64_t begin, int64_t end)
{
    void *x = (char *)d->x + begin * (int64_t)cnn_dtype_size(d->dtype);
    d->normals(d->key, begin, end - begin, d->dtype, x);
}

/* Element i is 1 where draw i is below the threshold, whatever the dtype. */
static void bernoulli(const drawing *d, int64_t begin, int64_t end)
{
    uint32_t draws[CNN__DRAWS];
    void *data = d->x;
    for (int64_t i = begin; i < end; i += CNN__DRAWS) {
        cnn__philox_group(d->key, (uint64_t)i / 4, draws);
        for (int k = 0; k < CNN__DRAWS && k < end - i; k++) {
            bool one = draws[k] < d->threshold;
            switch (d->dtype) {
            case CNN_F32: ((float *)data)[i + k] = one; break;
            case CNN_F64: ((double *)data)[i + k] = one; break;
            default: ((unsigned char *)data)[i + k] = one; break;
            }
        }
    }
}

typedef void (*draw_fn)(const drawing *d, int64_t begin, int64_t end);

static draw_fn draw_fn_of(cnn_distribution distribution, cnn_dtype dtype)
{
    if (distribution == CNN_DRAW_BERNOULLI) {
        return bernoulli;
    }
    if (distribution == CNN_DRAW_SYMMETRIC) {
        return dtype == CNN_F32 ? symmetric_f32 : symmetric_f64;
    }
    if (distribution == CNN_DRAW_NORMAL) {
        return normal;
    }
    return dtype == CNN_F32 ? uniform_f32 : uniform_f64;
}

typedef struct draw_job {
    drawing drawing;
    draw_fn draw;
} draw_job;

static void draw_chunk(void *arg, int64_t task, int worker)
{
    (void)worker;
    const draw_job *job = arg;
    int64_t begin = task * CHUNK, n = job->drawing.n;
    job->draw(&job->drawing, begin, begin + CHUNK < n ? begin + CHUNK : n);
}

void cnn__array_draw(const cnn__map_tables *tables, const cnn_draw_parameters *p, cnn_dtype dtype, int64_t n, void *x,
                     cnn__pool *pool)
{
    draw_job job = { .drawing = { .dtype = dtype,
                                  .n = n,
                                  .x = x,
                                  .key = { p->key[0], p->key[1] },
                                  .bound = p->p,
                                  .normals = tables->normals,
                                  .threshold = p->distribution == CNN_DRAW_BERNOULLI ? (uint64_t)(p->p * 0x1p32) : 0 },
                     .draw = draw_fn_of(p->distribution, dtype) };
    cnn__pool_run(pool, (n + CHUNK - 1) / CHUNK, (double)n * 20, draw_chunk, &job);
}
