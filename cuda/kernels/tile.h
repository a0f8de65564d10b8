/* The tile of products_real.h, for one kind of operands: a kernel TILE_NAME, whose blocks are numbered by tiles of a
 * product (along n first), parts of its terms, and products; and one that adds up the parts, TILE_NAME_join.
 *   TILE_A(m, k), TILE_B(k, n)       operands of product `number`, 0 for an m or n that there is not
 *   TILE_A_ALONG_K, TILE_B_ALONG_K   whether neighbours in k are neighbours in memory
 *   TILE_STORE(m, n, sum)            takes a result
 *   TILE_AGAIN(m, n, begin, end, sum) the sum itself or, where it is not finite, what it should be
 * No include guard: one inclusion, one kind. */
KERNEL(FN(TILE_NAME), TILE_ARGUMENTS)
{
    SHARED(X, a_tile, 16 * 68);
    SHARED(X, b_tile, 16 * 68);
    PRIVATE(X, sum, 16);
    PRIVATE(double, total, 16);
    const int64_t across = (TILE_N + 63) / 64, tiles = across * ((TILE_M + 63) / 64), tile = BLOCK % tiles,
                  part = BLOCK / tiles % TILE_PARTS, number = BLOCK / tiles / TILE_PARTS;
    const int64_t m0 = tile / across * 64, n0 = tile % across * 64, begin = part * TILE_PART,
                  end = smaller(begin + TILE_PART, TILE_K);
    TILE_SETUP
    THREAD (t) {
        UNROLL
        for (int i = 0; i < 16; i++) {
            OWN_OF(sum, t)[i] = 0;
            OWN_OF(total, t)[i] = 0;
        }
    }
    for (int64_t k0 = begin; k0 < end; k0 += 16) {
        THREAD (t) {
            TILE_LOADS
            for (int i = 0; i < 4; i++) {
                const int q = i * 256 + t, a_k = TILE_A_ALONG_K ? q % 16 : q / 64,
                          a_m = TILE_A_ALONG_K ? q / 16 : q % 64, b_k = TILE_B_ALONG_K ? q % 16 : q / 64,
                          b_n = TILE_B_ALONG_K ? q / 16 : q % 64;
                a_tile[a_k * 68 + a_m] = k0 + a_k < end ? TILE_A(m0 + a_m, k0 + a_k) : 0;
                b_tile[b_k * 68 + b_n] = k0 + b_k < end ? TILE_B(k0 + b_k, n0 + b_n) : 0;
            }
        }
        BARRIER;
        THREAD (t) {
            const X *a_row = a_tile + t / 16 * 4, *b_row = b_tile + t % 16 * 4;
            X *own = OWN_OF(sum, t);
            for (int k = 0; k < 16 && m0 + t / 16 * 4 < TILE_M && n0 + t % 16 * 4 < TILE_N; k++) {
                UNROLL
                for (int i = 0; i < 4; i++) {
                    UNROLL
                    for (int j = 0; j < 4; j++) {
                        own[4 * i + j] = FUSED(a_row[k * 68 + i], b_row[k * 68 + j], own[4 * i + j]);
                    }
                }
            }
        }
        BARRIER;
        if ((k0 - begin) % 256 == 240 || k0 + 16 >= end) {
            THREAD (t) {
                UNROLL
                for (int i = 0; i < 16; i++) {
                    OWN_OF(total, t)[i] += (double)OWN_OF(sum, t)[i];
                    OWN_OF(sum, t)[i] = 0;
                }
            }
        }
    }
    THREAD (t) {
        UNROLL
        for (int i = 0; i < 16; i++) {
            const int64_t m = m0 + t / 16 * 4 + i / 4, n = n0 + t % 16 * 4 + i % 4;
            if (m < TILE_M && n < TILE_N) {
                double value = OWN_OF(total, t)[i];
                value = TILE_AGAIN(m, n, begin, end, value);
                if (TILE_PARTS > 1) {
                    ((double *)a->workspace)[((number * TILE_PARTS + part) * TILE_M + m) * TILE_N + n] = value;
                } else {
                    TILE_STORE(m, n, value);
                }
            }
        }
    }
}

/* One thread adds the parts of a result in their order. */
KERNEL(FN(JOINED(TILE_NAME, _join)), TILE_ARGUMENTS)
{
    const int64_t plane = TILE_M * TILE_N;
#ifdef TILE_OF_CONVOLUTIONS
    const int64_t products = a->size[GROUPS];
#else
    const int64_t products = a->nest.count;
#endif
    EACH (i, products * plane) {
        const int64_t number = quotient(i, plane), rest = i - number * plane, m = quotient(rest, TILE_N);
        const double *from = (const double *)a->workspace + number * TILE_PARTS * plane + rest;
        double value = 0;
        for (int64_t part = 0; part < TILE_PARTS; part++) {
            value += from[part * plane];
        }
        TILE_STORE(m, rest - m * TILE_N, value);
    }
}

#undef TILE_NAME
#undef TILE_A
#undef TILE_B
#undef TILE_A_ALONG_K
#undef TILE_B_ALONG_K
#undef TILE_STORE
#undef TILE_AGAIN
#ifndef TILE_OF_CONVOLUTIONS
#undef TILE_ARGUMENTS
#undef TILE_M
#undef TILE_N
#undef TILE_K
#undef TILE_PARTS
#undef TILE_PART
#undef TILE_SETUP
#undef TILE_LOADS
#endif
