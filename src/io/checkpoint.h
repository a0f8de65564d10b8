/* What saving and loading a checkpoint share: its version and the names of its parts. */
#ifndef CNN_IO_CHECKPOINT_H
#define CNN_IO_CHECKPOINT_H

#include "io/restore.h"
#include "optim/optimizer.h"

#include <cnn/checkpoint.h>

enum { CNN__CHECKPOINT_VERSION = 1 };

/* "optimizer.group.0.lr" */
#define CNN__HYPER_KEY_FORMAT "optimizer.group.%d.%s"
enum { CNN__HYPER_KEY = 96 };

/* Room for ".max_exp_avg_sq" and its like. */
enum { CNN__SLOT_SUFFIX = 64 };
/* "optimizer.<parameter>.<suffix>": the bytes that any such name needs, and making one. */
size_t cnn__slot_name_size(const cnn_module *module);
void cnn__slot_name(char *name, size_t size, const cnn__state *state, const char *suffix);

/* The first place in the module's state where that tensor stands. */
bool cnn__find_parameter(const cnn_module *module, const cnn_tensor *parameter, cnn__state *state);

/* Reads and checks the arguments of both calls. */
cnn_status cnn__checkpoint_read(const char *call, const cnn_checkpoint *given, const char *path, cnn_checkpoint *ours);

#endif
