/* The scenarios: everything that a program does with libcnn, each as a function that returns the first status other
 * than CNN_OK. The driver makes those of operations from src/ops/ops.def. */
#ifndef CNN_TESTS_TRUST_SCENARIOS_H
#define CNN_TESTS_TRUST_SCENARIOS_H

#include "trust/scenarios_data.h"
#include "trust/scenarios_schedules.h"
#include "trust/scenarios_tensors.h"
#include "trust/scenarios_train.h"

#include "trust/scenarios_steps.h"

typedef struct scenario {
    const char *name;
    cnn_status (*run)(world *w);
    bool loads; /* success changes the model */
} scenario;

static const scenario scenarios[] = {
    { "context", make_context, false },
    { "tape", make_tape, false },
#define CNN_LAYER(name, ...) { "layer " #name, make_##name, false },
#include "ops/ops.def"
    { "layer Conv2d f64", make_conv2d_f64, false },
    { "layer Linear f64", make_linear_f64, false },
    { "layer Sequential", make_sequential, false },
    { "module of the user's", make_user_module, false },
    { "tutorial's model", make_tutorial, false },
    { "two training steps", train_step, false },
    { "steps of varying sizes", vary_sizes, false },
    { "tutorial's model, a step", train_tutorial, false },
    { "two epochs, background thread", train_background, false },
    { "two epochs, no thread", train_foreground, false },
    { "inference", infer, false },
    { "gradients of many tensors", take_gradients, false },
    { "hooks", hook_gradients, false },
    { "forwards that run again", recompute_parts, false },
    { "anomalies", look_for_anomalies, false },
    { "LSTM, a step", run_lstm, false },
    { "GRU, a step", run_gru, false },
    { "RNN, a step", run_rnn, false },
    { "MultiheadAttention, a step", run_attention, false },
    { "TransformerEncoderLayer, a step", run_encoder_layer, false },
    { "TransformerEncoder, a step", run_encoder, false },
    { "statistics, two steps", keep_statistics, false },
#define CNN_OPTIMIZER(name, type, needs) \
    { #name, optimize_##name, false }, { #name ", all options", optimize_all_##name, false },
#include "optimizers.def"
    { "parameter groups", optimize_groups, false },
    { "schedulers, saved", use_schedules, false },
    { "averages", average, false },
    { "frozen modules", freeze, false },
    { "initialisers", initialise, false },
    { "clipping", clip, false },
    { "dataset of bytes", data_bytes, false },
    { "dataset of floats", data_floats, false },
    { "dataset of doubles", data_doubles, false },
    { "dataset of callbacks", data_callbacks, false },
    { "parts of a dataset of bytes", data_part_of_bytes, false },
    { "parts of a dataset of callbacks", data_part_of_callbacks, false },
    { "dataset of sequences", data_sequences, false },
    { "loader with two threads", data_threads, false },
    { "CIFAR", data_cifar, false },
    { "augmented dataset", data_augmented, false },
    { "augmented dataset, more transforms", data_augmented_more, false },
    { "mixed batches", mix_batches, false },
    { "MNIST", data_mnist, false },
    { "IDX", idx_plain, false },
#ifdef CNN_HAVE_ZLIB
    { "MNIST, gzipped", data_mnist_gzip, false },
    { "IDX, gzipped", idx_gzip, false },
#endif
    { "module_save", save_module, false },
    { "module_save, new file", save_module_new, false },
    { "module_load", load_module, true },
    { "module_load_with", load_module_partly, true },
    { "checkpoint_save", save_checkpoint, false },
    { "checkpoint_load", load_checkpoint, true },
    { "tensors_save", save_tensors, false },
    { "tensor_load", load_tensor, false },
    { "npz_save", save_arrays, false },
    { "npz_save_compressed", save_compressed, false },
    { "npz_load", load_array, false },
    { "DLPack", exchange, false },
    { "file", open_file, false },
    { "trace", trace_module, false },
    { "profile", profile_module, false },
    { "summary", summarize_module, false },
    { "tensors", make_tensors, false },
    { "borrowed memory", borrow_memory, false },
    { "tensors in use", use_tensors, false },
    { "tensors that share memory", share_memory, false },
    { "module_copy_from", copy_module, false },
    { "module_clone", clone_module, false },
    { "bfloat16", use_bfloat16, false },
    { "random tensors of a step", draw_on_tape, false },
    { "gradcheck", check_gradients, false },
    { "custom operation", custom_operation, false },
    { "custom operation of several results", custom_operation_of_several_results, false },
};

enum { SCENARIOS = sizeof scenarios / sizeof *scenarios };

#endif
