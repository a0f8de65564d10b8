/* The inside of optimizers: groups of parameters, each with its moments, its step count and the group's numbers.
 *
 * A class is a table: what its hyperparameters and moments are called, which are needed, how one parameter is updated.
 * Moments exist from the moment a parameter joins; a step allocates nothing and cannot fail half way. */
#ifndef CNN_OPTIM_OPTIMIZER_H
#define CNN_OPTIM_OPTIMIZER_H

#include "tensor/tensor.h"

#include <cnn/optimizer.h>

enum { CNN__MAX_HYPER = 8, CNN__MAX_MOMENTS = 3 };

/* One parameter. Everything here but `parameter` is what a checkpoint carries. */
typedef struct cnn__slot {
    cnn_tensor *parameter; /* held */
    int64_t steps;         /* how often it was updated */
    /* Contiguous, of the parameter's shape and dtype, zeros at first; NULL where the group needs none. */
    cnn_tensor *moment[CNN__MAX_MOMENTS];
} cnn__slot;

typedef struct cnn__group {
    double hyper[CNN__MAX_HYPER]; /* as the class names them; switches are 0 or 1 */
    int count;
    cnn__slot *slots;
} cnn__group;

typedef struct cnn__optimizer_class {
    const char *name; /* "Adam", "AdamW", "SGD" */
    const char *call; /* "adam_create", for messages */
    int hyper_count;
    const char *hyper_names[CNN__MAX_HYPER]; /* [0] is "lr" */
    int moment_count;
    const char *moment_names[CNN__MAX_MOMENTS]; /* as PyTorch's state names them: "exp_avg" */
    /* Does a group of these numbers use moment k? Two groups whose answers differ cannot take each other's state. */
    bool (*needs)(const double *hyper, int k);
    /* Reads a struct of options (NULL: all defaults) and checks it; reports as `call`. */
    cnn_status (*read)(const cnn_context *ctx, const char *call, const void *options, double *hyper);
    /* Are these numbers valid? Reports as `call`. */
    cnn_status (*check)(const cnn_context *ctx, const char *call, const double *hyper);
    /* Update number slot->steps (1 for the first). */
    void (*update)(const double *hyper, const cnn__slot *slot, const cnn_tensor *grad);
} cnn__optimizer_class;

struct cnn_optimizer {
    cnn_context *ctx; /* held */
    const cnn__optimizer_class *class;
    int64_t steps;
    int group_count;
    cnn__group *groups;
};

/* Makes an optimizer of a class over a module's parameters; NULL on failure, reported. */
cnn_optimizer *cnn__optimizer_new(cnn_module *module, const cnn__optimizer_class *class, const void *options);

/* What the classes' functions for adding a group do; `call` is theirs. An optimizer of another class is refused. */
cnn_status cnn__optimizer_add_group(cnn_optimizer *optimizer, const cnn__optimizer_class *class, const char *call,
                                    cnn_tensor *const *parameters, int count, const void *options);

#endif
