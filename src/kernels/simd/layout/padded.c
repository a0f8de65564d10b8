/* Filling a slab from the image (layout/padded.h), for all algorithms that read one. */
#include "kernels/simd/layout/padded.h"
#include "kernels/simd/vector/copy.h"
#include "kernels/simd/vector/partial.h"

/* Whether any tap of any position falls on place `at` of the slab. */
static inline bool padded_reached(const conv_axis *a, int64_t at)
{
    if (a->step == 1 && a->taps >= a->stride) {
        return true;
    }
    for (int64_t tap = 0; tap < a->taps; tap++) {
        if ((at - tap * a->step) % a->stride == 0) {
            return true;
        }
    }
    return false;
}

/* Columns [begin, end) of a residue's lines come from the image, beginning with its column `place`; the others are
 * padding. */
typedef struct padded_part {
    int64_t place, begin, end;
} padded_part;

static inline padded_part padded_part_of(const padded_slab *s, const conv_axis *a, int64_t residue)
{
    int64_t place = a->first + residue;
    int64_t begin = cnn__first_inside(place, a->stride);
    int64_t end = place < a->in ? (a->in - 1 - place) / a->stride + 1 : 0;
    begin = begin < s->columns ? begin : s->columns;
    end = end < s->columns ? end : s->columns;
    end = end > begin ? end : begin;
    return (padded_part){ place + begin * a->stride, begin, end };
}

CNN__INLINE void zero_floats(float *to, int64_t count)
{
    for (int64_t k = 0; k < count; k += LANES) {
        store_partial(to + k, (lanes){ 0 }, min64(count - k, LANES));
    }
}

CNN__INLINE void padded_line(const padded_slab *s, const padded_part *part, int64_t stride, const float *from,
                             float *to)
{
    zero_floats(to, part->begin);
    if (stride == 1) {
        copy_floats(from + part->place, to + part->begin, part->end - part->begin);
    } else {
        copy_every(from + part->place, stride, to + part->begin, part->end - part->begin);
    }
    zero_floats(to + part->end, s->columns - part->end);
}

/* A residue's lines of a plane. */
static inline void padded_plane(const padded_slab *s, const conv_plan *p, const padded_range *u,
                                const padded_part *part, const float *plane, float *to)
{
    int64_t rows = (u->lines - 1) * p->h.stride + (p->h.taps - 1) * p->h.step + 1,
            first = u->line * p->h.stride + p->h.first;
    bool all = p->h.step == 1 && p->h.taps >= p->h.stride;
    for (int64_t r = 0; r < rows; r++) {
        int64_t row = first + r;
        if (!all && !padded_reached(&p->h, r)) {
            continue;
        }
        if (row < 0 || row >= p->h.in) {
            zero_floats(to + r * s->row_step, s->columns);
        } else {
            padded_line(s, part, p->w.stride, plane + row * p->w.in, to + r * s->row_step);
        }
    }
}

void padded_fill(const padded_slab *s, const conv_plan *p, const padded_range *u, const float *x, int64_t channel,
                 int64_t count, float *slab)
{
    int64_t plane = p->h.in * p->w.in, image = p->groups * p->in_channels * plane;
    for (int64_t residue = 0; residue < p->w.stride; residue++, slab += s->columns) {
        if (!padded_reached(&p->w, residue)) {
            continue;
        }
        const padded_part part = padded_part_of(s, &p->w, residue);
        for (int64_t c = 0; c < count; c++) {
            for (int64_t n = 0; n < u->images; n++) {
                padded_plane(s, p, u, &part, x + (u->image + n) * image + (channel + c) * plane,
                             slab + c * s->channel_step + n * s->image_step);
            }
        }
    }
}
