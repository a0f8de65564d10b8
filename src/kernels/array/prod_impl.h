/* The gradient of products of rows, as FN(prod_slopes): X is the element type, ATTRIBUTE the function's. A row is read
 * in PROD_LANES lanes, whose products do not wait for each other: on the way there dx becomes the product of what comes
 * before in the lane, on the way back that times what comes after, the other lanes and dy. No include guard: one
 * inclusion, one dtype. */
static ATTRIBUTE void FN(prod_there)(int64_t blocks, const X *x, X *restrict dx, double *restrict lane)
{
    for (int64_t i = 0; i < blocks * PROD_LANES; i += PROD_LANES) {
        for (int l = 0; l < PROD_LANES; l++) {
            dx[i + l] = (X)lane[l];
            lane[l] *= (double)x[i + l];
        }
    }
}

static ATTRIBUTE void FN(prod_back)(int64_t blocks, const X *x, X *restrict dx, double *restrict lane)
{
    for (int64_t i = (blocks - 1) * PROD_LANES; i >= 0; i -= PROD_LANES) {
        for (int l = 0; l < PROD_LANES; l++) {
            dx[i + l] = (X)((double)dx[i + l] * lane[l]);
            lane[l] *= (double)x[i + l];
        }
    }
}

static ATTRIBUTE void FN(prod_slopes)(int64_t first, int64_t rows, int64_t n, const void *from, const void *slopes,
                                      void *to)
{
    for (int64_t row = first; row < first + rows; row++) {
        const X *x = (const X *)from + row * n;
        X *dx = (X *)to + row * n, end[PROD_LANES], end_dx[PROD_LANES];
        const int64_t blocks = n / PROD_LANES, rest = n % PROD_LANES;
        double lane[PROD_LANES], others[PROD_LANES], after = 1, before = (double)((const X *)slopes)[row];
        for (int l = 0; l < PROD_LANES; l++) {
            lane[l] = 1;
            end[l] = l < rest ? x[n - rest + l] : 1;
        }
        FN(prod_there)(blocks, x, dx, lane);
        FN(prod_there)(1, end, end_dx, lane);
        for (int l = PROD_LANES - 1; l >= 0; l--) {
            others[l] = after;
            after *= lane[l];
        }
        for (int l = 0; l < PROD_LANES; l++) {
            const double one = lane[l];
            lane[l] = before * others[l];
            before *= one;
        }
        FN(prod_back)(1, end, end_dx, lane);
        memcpy(dx + n - rest, end_dx, (size_t)rest * sizeof *dx);
        FN(prod_back)(blocks, x, dx, lane);
    }
}
#undef X
#undef FN
#undef ATTRIBUTE
