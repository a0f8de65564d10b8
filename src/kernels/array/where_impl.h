/* condition ? a : b for elements of the size of X, as a function NAME; rows of 4 bytes by run->map. No include
 * guard: one inclusion, one size. */
static void NAME(const cnn__nest_run *run)
{
    const int64_t sy = run->stride[0];
    X rooms[2][CHOICE_BLOCK];
    uint8_t conditions[CHOICE_BLOCK];
    for (int64_t first = 0; first < run->n; first += CHOICE_BLOCK) {
        const int64_t n = cnn__min(run->n - first, CHOICE_BLOCK);
        const X *a = GATHERED(NAME)(run->at[2], run->stride[2], first, n, rooms[0]);
        const X *b = GATHERED(NAME)(run->at[3], run->stride[3], first, n, rooms[1]);
        const uint8_t *c = bytes_gathered(run->at[1], run->stride[1], first, n, conditions);
        X *y = (X *)run->at[0] + first * sy;
        int64_t done = 0;
        if (sy == 1 && sizeof(X) == sizeof(cnn__bits_4)) {
            done = n & -(int64_t)CNN__MAP_STEP;
            run->map->fn(done, y, (const void *const[]){ c, a, b }, run->map);
        } else if (sy == 1) {
            CNN__IVDEP
            for (int64_t i = 0; i < n; i++) {
                const X mask = (X) - (X)(c[i] != 0);
                y[i] = (X)((a[i] & mask) | (b[i] & ~mask));
            }
            continue;
        }
        for (int64_t i = done; i < n; i++) {
            y[i * sy] = c[i] ? a[i] : b[i];
        }
    }
}
#undef X
#undef NAME
