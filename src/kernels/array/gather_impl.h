/* n elements of X from `first` on of an operand with a stride, in a row, as a function NAME_gathered: where they are,
 * or in `room`, which keeps an operand of stride 0 from the first block on. No include guard: one inclusion, one
 * type. */
static const X *GATHERED(NAME)(const X *from, int64_t stride, int64_t first, int64_t n, X *room)
{
    if (stride == 1) {
        return from + first;
    }
    for (int64_t i = 0; i < n && (stride != 0 || first == 0); i++) {
        room[i] = from[(first + i) * stride];
    }
    return room;
}
#undef X
#undef NAME
