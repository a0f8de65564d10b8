/* The inside of schedulers: numbers and lists by name, and a class that says what rate follows.
 *
 * All that a schedule remembers is in its numbers (options and counters), its epoch, and two lists of numbers, so a
 * checkpoint needs to know nothing of classes. A class computes the rate of one group; it changes nothing. */
#ifndef CNN_OPTIM_SCHEDULER_H
#define CNN_OPTIM_SCHEDULER_H

#include "optim/optimizer.h"

#include <cnn/scheduler.h>

enum { CNN__MAX_SCHEDULE_NUMBERS = 12, CNN__MAX_SCHEDULE_LEVELS = 8 };

/* What a number may be. Counts are stored as doubles, which hold them exactly. */
typedef enum cnn__schedule_range {
    CNN__RANGE_NOT_NEGATIVE, /* finite and at least 0 */
    CNN__RANGE_POSITIVE,     /* finite and above 0 */
    CNN__RANGE_BELOW_ONE,    /* at least 0 and below 1 */
    CNN__RANGE_PART,         /* 0 to 1 */
    CNN__RANGE_FACTOR,       /* above 0 and at most 1 */
    CNN__RANGE_COUNT,        /* an integer from 1 to 2^53 */
    CNN__RANGE_WHOLE,        /* an integer from 0 to 2^53 */
    CNN__RANGE_SWITCH,       /* 0 or 1 */
    CNN__RANGE_ANY
} cnn__schedule_range;

typedef enum cnn__schedule_type {
    CNN__NUMBER_DOUBLE,
    CNN__NUMBER_INT64,
    CNN__NUMBER_BOOL,
    CNN__NUMBER_ENUM,
    CNN__NUMBER_STATE /* not among the options */
} cnn__schedule_type;

/* One number: its name in the options, in messages and in checkpoints, and what it may be. */
typedef struct cnn__schedule_number {
    char name[20];
    cnn__schedule_type type;
    cnn__schedule_range range;
    size_t offset;    /* in the options */
    double otherwise; /* its value where the options leave it out; NaN: they must not */
} cnn__schedule_number;

#define CNN__SCHEDULE_NUMBER(options, field, its_type, values, value) \
    { \
        .name = #field, .type = CNN__NUMBER_##its_type, .range = CNN__RANGE_##values, \
        .offset = offsetof(options, field), .otherwise = (value) \
    }
#define CNN__SCHEDULE_STATE(its_name, values, value) \
    { \
        .name = its_name, .type = CNN__NUMBER_STATE, .range = CNN__RANGE_##values, .otherwise = (value) \
    }

typedef struct cnn__schedule_class {
    const char *name;                   /* "StepLR" */
    const char *call;                   /* "step_lr_create", for messages */
    size_t options_size, options_known; /* the size of its options, and where the reserved bytes begin */
    int number_count;
    const cnn__schedule_number *numbers;
    const char *list_name; /* what messages call an element of its list; NULL: it has no list */
    cnn__schedule_range list_range;
    bool by_metric; /* it is stepped by a metric */
    bool ends;      /* number 0 is the epochs that it has */
    bool sets_base; /* base rates come from its options and replace those of the groups */
    /* Takes what is not a number from the options, and checks what numbers ask of each other; reports as class->call.
     * NULL: nothing. */
    cnn_status (*prepare)(cnn_scheduler *s, const void *options);
    /* The rate of group g at s->last_epoch, where `lr` is its rate now; at epoch 0 the one to begin with. */
    double (*rate)(const cnn_scheduler *s, int g, double lr);
    /* The momentum of all groups at s->last_epoch; NULL: it is left alone. */
    double (*momentum)(const cnn_scheduler *s);
} cnn__schedule_class;

/* The members of a class that follow from the type of its options and the list of its numbers. */
#define CNN__SCHEDULE_OPTIONS(type, list) \
    .options_size = sizeof(type), .options_known = offsetof(type, reserved), \
    .number_count = sizeof(list) / sizeof((list)[0]), .numbers = (list)

struct cnn_scheduler {
    const cnn__schedule_class *class;
    cnn_optimizer *optimizer; /* reference held */
    cnn_scheduler *owner;     /* the SequentialLR that owns it; NULL: the caller */
    int64_t last_epoch;
    int64_t before; /* last_epoch before the step that is being made */
    double number[CNN__MAX_SCHEDULE_NUMBERS];
    int group_count; /* the groups of the optimizer when it was made */
    double *base;    /* base rates, one per group */
    double *last;    /* the rates that it has set, one per group */
    double *next;    /* the rates that a step is computing, one per group */
    int64_t list_count;
    double *list;    /* as the class says */
    int momentum;    /* the number of the hyperparameter that is cycled; −1: none */
    int child_count; /* the children of a SequentialLR */
    cnn_scheduler **children;
    cnn_lr_lambda_fn lambda; /* the function of a LambdaLR */
    void *user;
};

/* A scheduler that is at epoch 0 and has set its rates; NULL on failure, reported as class->call. */
cnn_scheduler *cnn__scheduler_new(cnn_optimizer *optimizer, const cnn__schedule_class *class, const void *options);
/* The first half of that: it is at no epoch yet, and no rate is set. */
cnn_scheduler *cnn__scheduler_make(cnn_optimizer *optimizer, const cnn__schedule_class *class, const void *options);
/* The second half, which frees it on failure: returns NULL. */
cnn_scheduler *cnn__scheduler_start(cnn_scheduler *s);
/* Frees it, whoever owns it. */
void cnn__scheduler_delete(cnn_scheduler *s);
/* The numbers are in their ranges; reports as `call`. */
cnn_status cnn__schedule_check(const cnn_scheduler *s, const char *call, const double *numbers, const double *list);
bool cnn__schedule_in_range(double value, cnn__schedule_range range);
/* Takes a list of `count` doubles, or of int64_t where `from` is NULL. Reports as class->call. */
cnn_status cnn__schedule_list(cnn_scheduler *s, const char *name, const double *from, const int64_t *whole,
                              int64_t count);
/* The same for one number per group: those at `from`, whose `count` must be the number of groups, or all `otherwise`
 * where there are none. */
cnn_status cnn__schedule_list_per_group(cnn_scheduler *s, const char *name, const double *from, int64_t count,
                                        double otherwise);

/* ---- SequentialLR (sequential_lr.c) ---- */

extern const cnn__schedule_class cnn__sequential_lr_class;
/* The child that is in effect at the scheduler's epoch. */
cnn_scheduler *cnn__sequential_active(const cnn_scheduler *s);
/* Is the scheduler's epoch the one at which that child begins? */
bool cnn__sequential_begins(const cnn_scheduler *s);

#endif
