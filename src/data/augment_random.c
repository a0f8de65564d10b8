/* The random numbers of one sample: doubles with 53 bits, two from each block of Philox, in the order in which the
 * transforms ask for them. */
#include "data/augment.h"

#include "base/math.h"
#include "base/random.h"

double cnn__draw_uniform(cnn_random_source *random)
{
    if (!random->has_half) {
        cnn__philox(random->key, random->block++, random->words);
    }
    const uint32_t *w = random->words + (random->has_half ? 2 : 0);
    random->has_half = !random->has_half;
    return (double)(((uint64_t)w[0] << 32 | w[1]) >> 11) * 0x1p-53;
}

double cnn__draw_between(cnn_random_source *random, double low, double high)
{
    return low + (high - low) * cnn__draw_uniform(random);
}

int64_t cnn__draw_below(cnn_random_source *random, int64_t bound)
{
    int64_t n = (int64_t)(cnn__draw_uniform(random) * (double)bound);
    return n < bound ? n : bound - 1;
}

double cnn__draw_logarithm(double x)
{
    return cnn__log_f64(x);
}

double cnn__draw_normal(cnn_random_source *random)
{
    double radius = sqrt(-2 * cnn__draw_logarithm(1 - cnn__draw_uniform(random)));
    return radius * cnn__cos_turns(cnn__draw_uniform(random));
}

double cnn__draw_ratio(cnn_random_source *random, double low, double high)
{
    return cnn__exp_f64(cnn__draw_between(random, cnn__draw_logarithm(low), cnn__draw_logarithm(high)));
}

static bool source_present(const cnn_random_source *random, const char *call)
{
    if (!random) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: random is NULL", call);
    }
    return random != NULL;
}

double cnn_random_uniform(cnn_random_source *random, double low, double high)
{
    return source_present(random, "random_uniform") ? cnn__draw_between(random, low, high) : (double)NAN;
}

int64_t cnn_random_integer(cnn_random_source *random, int64_t bound)
{
    return source_present(random, "random_integer") && bound > 1 ? cnn__draw_below(random, bound) : 0;
}
