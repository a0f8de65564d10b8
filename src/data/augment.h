/* The inside of augmentation: transforms, the image that passes through them, and the random numbers of one sample.
 *
 * A chain is a list of transforms that does not change once a dataset uses it. A dataset lends each sample that is
 * being written a scratch: two images, between which transforms move the sample, and what a transform needs besides. */
#ifndef CNN_DATA_AUGMENT_H
#define CNN_DATA_AUGMENT_H

#include "data/dataset.h"

#include <cnn/augment.h>

/* A function that is called once per chain or per sample, beside loops over pixels: as small as possible. */
#define CNN__SELDOM __attribute__((cold))

enum { CNN__LARGEST_SIDE = 1 << 20 }; /* the longest side of an image that a transform makes */
enum { CNN__PAD_SYMMETRIC = 100 };    /* beside the modes of cnn_pad_mode */
#define CNN__LEAST 1e-6               /* the least part, factor or ratio: all are above 0 */
enum { CNN__DRAW_TRIES = 10 };        /* how often a rectangle is drawn before it is given up */

/* Consecutive numbers of one sample (augmented.c says which). */
struct cnn_random_source {
    uint64_t key[2];
    uint64_t block; /* the next one */
    uint32_t words[4];
    bool has_half; /* words 2 and 3 were not used yet */
};

/* A number uniform in [0, 1), of 53 bits. */
double cnn__draw_uniform(cnn_random_source *random);
double cnn__draw_between(cnn_random_source *random, double low, double high);
/* An integer from 0 to bound − 1; the bound is at least 1. */
int64_t cnn__draw_below(cnn_random_source *random, int64_t bound);
double cnn__draw_normal(cnn_random_source *random);
double cnn__draw_logarithm(double x);
/* A number whose logarithm is uniform between those of two. */
double cnn__draw_ratio(cnn_random_source *random, double low, double high);

/* The shape of one image. */
typedef struct cnn__extent {
    int64_t c, h, w;
} cnn__extent;

static inline int64_t cnn__extent_numel(cnn__extent e)
{
    return e.c * e.h * e.w;
}

/* A sample on its way through the chain. */
typedef struct cnn__frame {
    float *x;     /* the image */
    float *spare; /* where a transform may write the next one, before cnn__frame_swap() */
    float *work;  /* as many numbers as the transforms have asked for */
    cnn__extent e;
    const double *mean, *std; /* the image is normalised by these numbers already; NULL: it is not */
    int channels;             /* how many they are: 1 or those of the image */
    cnn_random_source *random;
    cnn_context *ctx;
    const char *call;
    int64_t sample; /* its number, for messages */
} cnn__frame;

/* What was written to `spare` becomes the image. */
static inline void cnn__frame_swap(cnn__frame *f, int64_t h, int64_t w)
{
    float *x = f->x;
    f->x = f->spare;
    f->spare = x;
    f->e.h = h;
    f->e.w = w;
}

typedef struct cnn__transform cnn__transform;

typedef struct cnn__transform_kind {
    /* Checks the shape that comes in, makes it the one that goes out, and raises `work` to what the transform needs.
     * NULL: any shape will do, and it stays. */
    cnn_status (*infer)(const cnn__transform *t, const cnn_context *ctx, cnn__extent *e, int64_t *work);
    cnn_status (*apply)(const cnn__transform *t, cnn__frame *f);
    void (*release)(const cnn__transform *t); /* NULL: there is nothing but memory */
    bool moves; /* it moves pixels, or fills in a number: an image may be normalised before it as well as after it */
} cnn__transform_kind;

struct cnn__transform {
    const cnn__transform_kind *kind;
    cnn__transform *next;
    const char *call; /* the call that added it, for messages */
    double p;         /* its probability */
    float fill;       /* what stands beyond the image, or where it is erased */
    int fill_count;   /* how many numbers lie behind the transform, one per channel, and are filled in instead; or 0 */
    union {
        struct {
            int64_t h, w;          /* 0: those of the image */
            int64_t padding[2][2]; /* above and below, left and right */
            int mode;              /* a cnn_pad_mode, or CNN__PAD_SYMMETRIC */
            bool pad_if_needed;
        } crop;
        struct {
            int64_t h, w;     /* w is 0: h is the shorter side, */
            int64_t max_size; /* the most that the longer one may be; 0: any */
            double scale[2], ratio[2];
            bool nearest, antialias;
        } resize;
        struct {
            double degrees[2], translate[2], scale[2], shear_x[2], shear_y[2], center[2];
            bool bilinear;
        } affine;
        struct {
            double factor[4][2]; /* ranges of brightness, contrast, saturation and hue: from, to */
        } jitter;
        struct {
            double scale[2], ratio[2];
            bool random;
        } erase;
        struct {
            int channels;
            float *mean, *std; /* behind the transform */
        } normalize;
        struct {
            cnn_transform_fn transform;
            cnn_transform_free_fn free_user;
            void *user;
        } custom;
    } u;
};

/* What a channel is filled with. */
static inline float cnn__fill_of(const cnn__transform *t, int64_t c)
{
    return t->fill_count ? ((const float *)(const void *)(t + 1))[c] : t->fill;
}

struct cnn_augmentation {
    atomic_int references;
    atomic_bool used; /* by a dataset: nothing is added any more */
    cnn_context *ctx; /* held */
    cnn__transform *first, *last;
    bool normalizes;
    cnn_status status; /* the first failure of a call that adds, and its message */
    char message[CNN__MESSAGE_SIZE];
};

/* Whether a transform may be added; reports why not. */
bool cnn__augment_begin(cnn_augmentation *a, const char *call);
/* The same, and reads options as CNN__OPTIONS_READ does. */
bool cnn__augment_options(cnn_augmentation *a, const char *call, void *ours, size_t size, size_t known,
                          const void *given);
#define CNN__AUGMENT_OPTIONS(a, call, ours, given) \
    cnn__augment_options((a), (call), (ours), sizeof *(ours), offsetof(__typeof__(*(ours)), reserved), (given))
/* Fails, and keeps the failure in the chain. */
cnn_status cnn__augment_fail(cnn_augmentation *a, cnn_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Whether a number lies between two, and two numbers are a range between them; else the call fails. */
bool cnn__augment_check(cnn_augmentation *a, const char *call, const char *name, double value, double least,
                        double most);
/* Adds a transform that fills pixels with `fill`, or with `count` numbers, one per channel. They are
 * finite as floats, or this fails. */
cnn_status cnn__augment_add_filled(cnn_augmentation *a, cnn__transform *t, const char *name, double fill, int count,
                                   const double *fills);
bool cnn__augment_check_range(cnn_augmentation *a, const char *call, const char *name, const double range[2],
                              double least, double most);
bool cnn__augment_check_size(cnn_augmentation *a, const char *call, int64_t height, int64_t width);
/* Adds a copy of `t` at the end, followed by `extra` bytes. */
cnn__transform *cnn__augment_add(cnn_augmentation *a, const cnn__transform *t, size_t extra);

/* Whether images have one or three channels; else fails. */
cnn_status cnn__augment_infer_colors(const cnn__transform *t, const cnn_context *ctx, cnn__extent *e, int64_t *work);
/* Makes a transform of one list: (x − mean[c]) / std[c]. NULL: no memory, which is not reported. */
cnn__transform *cnn__normalize_new(cnn_context *ctx, int channels, const double *mean, const double *std);

/* The transforms themselves, with what they draw given; for the tests, which compare them with torchvision's. */
void cnn__crop(cnn__frame *f, const cnn__transform *t, int64_t top, int64_t left, int64_t h, int64_t w);
void cnn__resized_crop(cnn__frame *f, const cnn__transform *t, int64_t top, int64_t left, int64_t h, int64_t w);
/* The inverse of torchvision's affine matrix: where each pixel comes from, relative to the centre. */
void cnn__affine_matrix(double degrees, const double translate[2], double scale, const double shear[2],
                        double matrix[6]);
void cnn__affine(cnn__frame *f, const double matrix[6], bool bilinear, const cnn__transform *fill);
/* Number 0 to 3: brightness, contrast, saturation, hue. */
void cnn__adjust_color(cnn__frame *f, int number, double factor);

#endif
