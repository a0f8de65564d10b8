/* Updates that take several launches: what they compute on the way lies in the group's scratch memory, which is cut
 * into parts that are aligned as a device's memory is. */
#ifndef CNN_OPTIM_SCRATCH_H
#define CNN_OPTIM_SCRATCH_H

#include "optim/optimizer.h"

/* Bytes of a part for so many. */
static inline size_t cnn__optim_part(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/* Where a parameter's scratch memory begins. */
static inline char *cnn__optim_scratch(const cnn__slot *slot)
{
    return (char *)cnn__data(slot->scratch) + slot->scratch_at;
}

/* Takes the next part. */
static inline void *cnn__optim_take(char **next, size_t bytes)
{
    void *part = *next;
    *next += cnn__optim_part(bytes);
    return part;
}

/* Hands a launch of a step over. */
cnn_status cnn__optim_launch(const cnn_tensor *p, cnn_launch *l, void *workspace);

/* Bytes of workspace that cnn__optim_squares() needs. */
size_t cnn__optim_squares_workspace(const cnn_tensor *p);
/* *total ← the sum of the squares of as many numbers as p has, in double. */
cnn_status cnn__optim_squares(const cnn_tensor *p, const void *x, double *total, void *workspace);
/* The same for x and y, to total[0] and total[1], with two workspaces, one behind the other from `next` on: so a device
 * need not wait for the one before it begins the other. */
cnn_status cnn__optim_two_squares(const cnn_tensor *p, const void *x, const void *y, double *total, char *next);

#endif
