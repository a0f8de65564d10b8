/* The networks that are timed, one table; nets.py says the same to PyTorch. Also their synthetic data and the protocol's clock. */
#ifndef BENCH_NETS_H
#define BENCH_NETS_H

#include <cnn/cnn.h>

typedef struct net {
    const char *name;
    int64_t channels, height, width;
    cnn_module *(*make)(cnn_context *ctx);
    bool layer; /* one layer: a step of training is forward and backward, to the input as well, without loss and optimizer */
} net;

/* The network of that name; prints the names that there are and exits if it is none of them. */
const net *net_find(const char *name);

/* Images of the network's size in bytes, mostly dark as digits are, with ten classes: about 47 MB, whatever the size.
 * What is in them does not change the work. NULL on failure. */
cnn_dataset *net_dataset(cnn_context *ctx, const net *n);

/* A normalised batch of them, made by a loader of `dataset`, that the caller owns; NULL on failure. */
cnn_tensor *net_batch(cnn_dataset *dataset, int64_t size);

/* One training step as a user writes it. CNN_OK or the first error of the step. */
cnn_status net_train(cnn_module *model, cnn_optimizer *optimizer, cnn_loader *loader, cnn_tape *tape);

double bench_now(void);           /* seconds, monotonic */
_Noreturn void bench_die(const char *what); /* with the library's last error */

#endif
