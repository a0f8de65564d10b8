/* The inside of optimizers: groups of parameters that share hyperparameters, and the moments and step count of each
 * parameter.
 *
 * A class is a table: its hyperparameters, the names of its moments, which of them a group needs, and how one
 * parameter is updated. Moments are allocated when a parameter joins, so a step allocates nothing and cannot fail
 * half way. */
#ifndef CNN_OPTIM_OPTIMIZER_H
#define CNN_OPTIM_OPTIMIZER_H

#include "tensor/tensor.h"

#include <cnn/optimizer.h>

enum { CNN__MAX_HYPER = 12, CNN__MAX_MOMENTS = 3 };

/* One parameter and its state. A checkpoint contains everything here except `parameter`. */
typedef struct cnn__slot {
    cnn_tensor *parameter; /* reference held */
    int64_t steps;         /* number of updates */
    uint64_t launched;     /* the newest update's launch on a device; 0: there is none to lose */
    /* The moments are contiguous and have the parameter's shape and dtype, or are one f64 number; NULL if the group
     * does not need the moment. */
    cnn_tensor *moment[CNN__MAX_MOMENTS];
    cnn_tensor *scratch; /* the group's */
    size_t scratch_at;   /* where this parameter's part of it begins, in bytes */
} cnn__slot;

typedef struct cnn__group {
    double hyper[CNN__MAX_HYPER]; /* in the order of the class; switches are 0 or 1 */
    bool scheduled;               /* a scheduler was made for it */
    double initial_lr;            /* its rate before the first one was; undefined if there was none */
    int count;
    cnn__slot *slots;
    /* On the CPU enough for the update of any of its parameters, on a device for those of all; NULL: they need none. */
    cnn_tensor *scratch;
} cnn__group;

typedef enum cnn__hyper_range {
    CNN__ANY_FINITE,
    CNN__NOT_NEGATIVE, /* finite and at least 0 */
    CNN__BELOW_ONE,    /* at least 0 and below 1 */
    CNN__SWITCH,       /* a bool in the options, 0 or 1 here */
} cnn__hyper_range;

/* One hyperparameter: its name in the options, in messages and in checkpoints, and what it may be. */
typedef struct cnn__hyper {
    char name[28]; /* no pointer, which would have to be relocated */
    cnn_optimizer_option option;
    cnn__hyper_range range;
    size_t offset;    /* in the options */
    double otherwise; /* its value where the options leave it out; NaN: they must not */
} cnn__hyper;

#define CNN__HYPER(type, field, its_option, values, value) \
    { \
        .name = #field, .option = (its_option), .range = CNN__##values, .offset = offsetof(type, field), \
        .otherwise = (value) \
    }

typedef struct cnn__optimizer_class {
    const char *name;                   /* "Adam", "AdamW", "SGD" */
    size_t options_size, options_known; /* the size of its options, and where the reserved bytes begin */
    int hyper_count;
    const cnn__hyper *hypers; /* [0] is "lr" */
    int min_ndim;             /* dimensions that a parameter must have */
    int moment_count;
    const char *moment_names[CNN__MAX_MOMENTS]; /* as PyTorch's state names them: "exp_avg" */
    unsigned numbers;                           /* bit k: moment k is one f64 number per parameter */
    /* Whether a group with these hyperparameters uses moment k; NULL: all. Two groups with different answers cannot
     * load each other's state. */
    bool (*needs)(const double *hyper, int k);
    /* The value that moment k begins with; NULL: 0. */
    double (*first)(const double *hyper, int k);
    /* How many bytes of scratch memory the update of a parameter needs; NULL: none. */
    size_t (*scratch)(const cnn_tensor *parameter);
    /* Checks what hyperparameters ask of each other, each being in its range; reports as `call`. NULL: nothing. */
    cnn_status (*check)(const cnn_context *ctx, const char *call, const double *hyper);
    /* How many phases an update has. A device gets each phase of all parameters before the next one, so that it can
     * carry out what belongs together at once; the CPU makes one parameter's after the other. NULL: one. */
    int (*phases)(const double *hyper);
    /* Performs a phase of update number slot->steps (1 for the first), or hands it over; reports. */
    cnn_status (*update)(const double *hyper, const cnn__slot *slot, const cnn_tensor *grad, int phase);
} cnn__optimizer_class;

/* The members of a class that follow from the type of its options and the list of its hyperparameters. */
#define CNN__OPTIMIZER_OPTIONS(type, list) \
    .options_size = sizeof(type), .options_known = offsetof(type, reserved), \
    .hyper_count = sizeof(list) / sizeof((list)[0]), .hypers = (list)

struct cnn_optimizer {
    cnn_context *ctx;      /* held */
    atomic_int references; /* the caller's and those of schedulers */
    const cnn__optimizer_class *class;
    double defaults[CNN__MAX_HYPER]; /* what it was made with */
    int64_t steps;
    uint64_t launched; /* the newest step's last launch on a device */
    int group_count;
    cnn__group *groups;
};

/* Takes back the counts of steps that a device has lost. Whoever reads a count calls it first. */
void cnn__optimizer_settle(cnn_optimizer *optimizer);

/* A reference that cnn_optimizer_free() gives up. */
cnn_optimizer *cnn__optimizer_retain(cnn_optimizer *optimizer);

/* ---- hyperparameters (options.c); reported as `call` ---- */

/* Takes them from a struct of options (NULL: all defaults). */
cnn_status cnn__hyper_read(const cnn__optimizer_class *class, const cnn_context *ctx, const char *call,
                           const void *options, double *hyper);
/* Whether a group with these hyperparameters uses moment k. */
bool cnn__hyper_needs(const cnn__optimizer_class *class, const double *hyper, int k);
/* Checks their ranges, and what they ask of each other. */
cnn_status cnn__hyper_check(const cnn__optimizer_class *class, const cnn_context *ctx, const char *call,
                            const double *hyper);
/* The number of an option among the hyperparameters of a class; −1: it has none. */
int cnn__hyper_find(const cnn__optimizer_class *class, cnn_optimizer_option option);
/* Whether a group may have `value` for number `which`: it is in its range, and needs the moments that the group has. */
cnn_status cnn__group_check_number(const cnn_optimizer *o, const char *call, int group, int which, double value);

/* ---- what the functions of the classes do (calls_impl.h); `call` is theirs ---- */

/* An optimizer over a module's parameters; NULL on failure. */
cnn_optimizer *cnn__optimizer_new(cnn_module *module, const cnn__optimizer_class *class, const char *call,
                                  const void *options);
/* An optimizer over `count` tensors, which may be 0. */
cnn_optimizer *cnn__optimizer_new_for(cnn_context *ctx, const cnn__optimizer_class *class, const char *call,
                                      cnn_tensor *const *parameters, int count, const void *options);
/* Both refuse an optimizer of another class. */
cnn_status cnn__optimizer_add_group(cnn_optimizer *optimizer, const cnn__optimizer_class *class, const char *call,
                                    cnn_tensor *const *parameters, int count, const void *options);
cnn_status cnn__optimizer_add_group_where(cnn_optimizer *optimizer, const cnn__optimizer_class *class, const char *call,
                                          const cnn_module *module, cnn_belongs_fn belongs, void *user,
                                          const void *options);

/* ---- groups (groups.c): on failure, which is reported as `call`, the optimizer is as it was ---- */

/* Appends a group of `count` > 0 tensors. */
cnn_status cnn__group_of_tensors(cnn_optimizer *o, const char *call, cnn_tensor *const *parameters, int count,
                                 const void *options);
/* Appends a group of the module's parameters that require a gradient and belong (`belongs` NULL: all). */
cnn_status cnn__group_of_module(cnn_optimizer *o, const char *call, const cnn_module *module, cnn_belongs_fn belongs,
                                void *user, const void *options);
void cnn__group_clear(cnn_context *ctx, cnn__group *group);

#endif
