/* Losses over classes, and that of connectionist temporal classification. Sums are made in double. */
#ifndef WITHOUT_F32
#define WITHOUT_F64 /* they have a module of their own */
#endif
#include "arguments.h"
#include "enumerations.h"
#include "numbers.h"

/* The sizes and values of losses over classes. */
enum { SAMPLES, CLASSES, INNER, TARGET_DTYPE, IGNORED, FUNCTION, POWER, EACH_SAMPLE, MEAN, OF_INDICES };
enum { SMOOTHING, MARGIN };

/* The sizes of CTC. */
enum {
    STEPS,
    SEQUENCES,
    CTC_CLASSES,
    TARGETS,
    WIDTH,
    BLANK,
    LABEL_DTYPE,
    REDUCTION,
    CONCATENATED,
    ZERO_INFINITY,
    NUMBER,
    KERNEL_NUMBER,
    EACH_BYTES
};
enum { CTC_MEAN, CTC_SUM, CTC_NONE }; /* the reductions */

#ifndef WITHOUT_F32
#define X float
#define FN(name) name##_f32
#define OWN(name) cnn__##name##_f32
#include "class_losses.h"
#include "ctc.h"
#undef X
#undef FN
#undef OWN
#endif

#ifndef WITHOUT_F64
#define X double
#define FN(name) name##_f64
#define OWN(name) cnn__##name##_f64
#include "class_losses.h"
#include "ctc.h"
#undef X
#undef FN
#undef OWN
#endif
