#!/usr/bin/env python3
"""Writes build/trust/bad_calls.def, the table of exported functions that test_bad_calls drives with bad arguments.

    tools/make-bad-calls.py > build/trust/bad_calls.def
    tools/make-bad-calls.py --check lib/libcnn.so build/trust/bad_calls.def

Signatures are read from include/cnn; which values a parameter takes follows from its type and name by the tables below.
A function with a parameter that no table knows is an error, and --check fails when the library exports a function that
the table lacks, the table has one that is not exported, or the table is not what the headers make."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Kinds by type; a name of its own goes first. The kinds themselves are in tests/trust/bad_values.h.
BY_TYPE = {
    "cnn_context *": "context", "cnn_tape *": "tape", "cnn_module *": "module", "cnn_optimizer *": "optimizer",
    "cnn_ema *": "ema", "cnn_scheduler *": "scheduler", "cnn_nonlinearity": "nonlinearity",
    "cnn_dataset *": "dataset", "cnn_loader *": "loader", "cnn_tensor *": "tensor", "cnn_tensor *const *": "tensors",
    "cnn_module *const *": "children", "cnn_tensor **": "out", "cnn_batch *": "out", "cnn_random_state *": "random",
    "const char **": "out", "cnn_dtype": "dtype", "cnn_mode": "mode", "cnn_mnist_split": "split",
    "cnn_mnist_part": "split", "cnn_cifar_split": "split", "cnn_sampler *": "sampler", "cnn_dataset **": "pieces",
    "cnn_status": "any_int", "bool": "boolean", "double": "any_double", "void *": "user", "cnn_deleter_fn": "deleter",
    "cnn_function_fn": "function", "cnn_custom_op *": "custom_op", "cnn_load_options *": "load_options",
    "cnn_load_report *": "load_report", "cnn_load_report **": "no_report", "cnn_checkpoint *": "checkpoint",
    "cnn_context_options *": "context_options", "cnn_conv2d_options *": "conv2d_options",
    "cnn_linear_options *": "linear_options",
    "cnn_relu_options *": "relu_options", "cnn_dropout_options *": "dropout_options",
    "cnn_flatten_options *": "flatten_options", "cnn_embedding_options *": "embedding_options",
    "cnn_lstm_options *": "lstm_options",
    "cnn_module_options *": "module_options", "cnn_loader_options *": "loader_options",
    "cnn_cross_entropy_options *": "cross_entropy_options", "cnn_gradcheck_options *": "gradcheck_options",
    "cnn_dataset_callbacks *": "dataset_callbacks", "cnn_batch_norm_options *": "batch_norm_options",
    "cnn_module_mode": "module_mode", "cnn_gradient_fn": "gradient_fn", "cnn_gradient_fn *": "out", "void **": "out", "cnn_hook_fn": "hook_fn", "cnn_anomaly": "anomaly",
    "cnn_average": "average", "cnn_belongs_fn": "belongs",
    "cnn_visit_fn": "visit", "cnn_optimizer_option": "optimizer_option", "cnn_file *": "file", "cnn_dtype *": "out",
    "cnn_range_fn": "range_fn",
    "cnn_backend *": "backend", "cnn_launch *": "launch", "cnn_backend_failure *": "backend_failure",
    "cnn_device_properties *": "device_properties",
    "cnn_augmentation *": "augmentation", "cnn_random_source *": "random_source", "cnn_transform_fn": "transform_fn",
    "cnn_transform_free_fn": "any_function?", "cnn_pad_mode": "crop_mode",
    "cnn_predictor *": "predictor", "cnn_predictor_value *": "predictor_value", "const void *const *": "predicted_from",
    "void *const *": "predicted",
    "cnn_forward_many_fn": "own_forward",
    "cnn_trace *": "trace", "cnn_trace_input *": "trace_inputs",
    "cnn_profile *": "profile", "cnn_profile_table": "profile_table",
    "cnn_dlpack *": "dlpack", "cnn_dlpack_legacy *": "dlpack_legacy",
}
BY_NAME = {
    ("int64_t *", "strides"): "strides", ("int", "ndim"): "ndim", ("int64_t *", "shape"): "shape", ("int", "dim"): "dim", ("int", "dim0"): "dim",
    ("int", "dim1"): "dim", ("int", "start_dim"): "dim", ("int", "end_dim"): "end_dim", ("int", "count"): "count",
    ("int *", "dims"): "dims", ("int64_t", "start"): "any_size", ("int64_t", "end"): "any_size",
    ("int64_t", "step"): "step", ("double", "p"): "probability", ("double", "low"): "any_low",
    ("double", "high"): "any_high", ("double", "min_val"): "any_low", ("double", "max_val"): "any_high",
    ("double", "start"): "finite", ("double", "end"): "finite_end", ("double", "step"): "finite_step",
    ("double", "lr"): "rate", ("double *", "mean"): "mean", ("double *", "std"): "std",
    ("int64_t", "in_channels"): "positive", ("int64_t", "out_channels"): "positive",
    ("int64_t", "in_features"): "positive", ("int64_t", "out_features"): "positive",
    ("int64_t", "embed_dim"): "positive", ("int64_t", "num_heads"): "positive", ("int64_t", "d_model"): "positive",
    ("int64_t", "nhead"): "positive",
    ("int64_t", "num_embeddings"): "positive", ("int64_t", "embedding_dim"): "positive",
    ("int64_t", "input_size"): "positive", ("int64_t", "hidden_size"): "positive",
    ("int64_t", "channels"): "positive", ("int64_t", "size"): "window_size", ("int64_t", "batch_size"): "batch_size", ("int64_t", "epoch"): "epoch", ("int64_t", "i"): "sample",
    ("int", "i"): "index", ("int", "group"): "group", ("int", "channels"): "channels",
    ("int64_t *", "milestones"): "milestones", ("double", "metric"): "any_double", ("double", "max_norm"): "largest",
    ("double", "clip_value"): "largest", ("double *", "total_norm"): "out?", ("double", "gain"): "rate",
    ("double", "slope"): "any_finite", ("double", "sparsity"): "probability", ("int64_t", "groups"): "channel_groups",
    ("double", "mean"): "any_finite", ("double", "std"): "rate",
    ("int64_t *", "indices"): "indices", ("double *", "lengths"): "lengths", ("int64_t", "count"): "index_count",
    ("int64_t", "upscale_factor"): "factor", ("int64_t", "downscale_factor"): "factor",
    ("int64_t", "output_size"): "output_size", ("int64_t", "output_h"): "output_size", ("int64_t", "output_w"): "output_size",
    ("uint64_t", "seed"): "seed",
    ("cnn_tensor *", "index"): "index_grid", ("cnn_tensor *", "mask"): "condition", ("int64_t", "k"): "top_count",
    ("int64_t", "shift"): "any_size", ("int64_t", "diagonal"): "any_size", ("int64_t", "num_classes"): "positive",
    ("int64_t *", "repeats"): "shape", ("int64_t", "split_size"): "batch_size", ("int", "chunks"): "piece_count",
    ("int64_t *", "sizes"): "part_sizes", ("int", "correction"): "any_int", ("double", "eps"): "rate",
    ("const char *", "equation"): "equation",
    ("const char *", "name"): "new_name", ("const char *", "path"): "save_path",
    ("const char *", "directory"): "directory", ("void *", "data"): "data", ("void *", "buffer"): "buffer",
    ("size_t", "size"): "bytes", ("char *", "buffer"): "text", ("char *", "name"): "text",
    ("const char *const *", "names"): "names", ("int64_t", "height"): "side", ("int64_t", "width"): "side",
    ("int64_t", "pixels"): "pixels", ("double", "min_degrees"): "degrees", ("double", "max_degrees"): "degrees",
    ("int64_t", "bound"): "any_size",
}

# By function and parameter: a kind of its own; "?" at its end: NULL is legal there; "!": the call takes ownership.
OVERRIDES = {
    "cnn_context_create": {"options": "context_options?"}, "cnn_context_free": {"ctx": "context?!"},
    "cnn_last_error": {"ctx": "context?"}, "cnn_context_status": {"ctx": "context?"},
    "cnn_context_clear_error": {"ctx": "context?"},
    "cnn_context_set_error": {"ctx": "context?", "status": "failure", "message": "any_name"},
    "cnn_name_escape": {"name": "any_name", "buffer": "text?", "size": "text_size"},
    "cnn_tensor_free": {"tensor": "free_tensor?!"}, "cnn_tape_free": {"tape": "tape?!"},
    "cnn_module_free": {"module": "free_module?!"}, "cnn_optimizer_free": {"optimizer": "optimizer?!"},
    "cnn_module_user": {"module": "own_module"},
    "cnn_predictor_create": {"inputs": "frozen_inputs", "count": "one_input", "options": "predictor_options?"},
    "cnn_predictor_free": {"predictor": "predictor?!"}, "cnn_predictor_input": {"i": "entry"}, "cnn_predictor_output": {"i": "entry"},
    "cnn_ema_free": {"ema": "ema?!"}, "cnn_scheduler_free": {"scheduler": "free_scheduler?!"}, "cnn_scheduler_step": {"scheduler": "own_scheduler"},
    "cnn_scheduler_step_metric": {"scheduler": "plateau"},
    "cnn_sequential_lr_create": {"schedulers": "schedulers!", "count": "child_count"},
    "cnn_clip_grad_norm_for": {"parameters": "clipped", "count": "list_count"},
    "cnn_clip_grad_value_for": {"parameters": "clipped", "count": "list_count"},
    "cnn_init_constant": {"value": "any_finite"}, "cnn_init_uniform": {"low": "finite_low", "high": "finite_high"},
    "cnn_init_trunc_normal": {"low": "finite_low", "high": "finite_high", "std": "positive_std"},
    "cnn_init_orthogonal": {"gain": "any_finite"}, "cnn_init_dirac": {"tensor": "kernel_values"},
    "cnn_dataset_free": {"dataset": "dataset?!"}, "cnn_loader_free": {"loader": "loader?!"},
    "cnn_tensor_share": {"tensor": "plain"},
    "cnn_tensor_from_borrowed": {"strides": "strides?", "deleter": "deleter?", "user": "user?"},
    "cnn_tensor_item": {"tensor": "one_element"}, "cnn_tensor_item_i64": {"tensor": "one_element"},
    "cnn_tensor_write": {"tensor": "plain", "data": "buffer"}, "cnn_tensor_fill": {"tensor": "plain"},
    "cnn_tensor_copy_from": {"tensor": "plain"}, "cnn_tensor_set_requires_grad": {"tensor": "plain"},
    "cnn_tensor_zero_grad": {"tensor": "plain"}, "cnn_tensor_touch": {"tensor": "plain"},
    "cnn_tensor_format": {"buffer": "text?", "size": "text_size"},
    "cnn_tape_rand": {"dtype": "real"}, "cnn_tape_randn": {"dtype": "real"}, "cnn_tape_bernoulli": {"dtype": "flag"},
    "cnn_parallel_for": {"count": "item_count", "cost": "cost"},
    "cnn_tensor_rand": {"dtype": "real"}, "cnn_tensor_randn": {"dtype": "real"}, "cnn_module_to_dtype": {"dtype": "floating"},
    "cnn_backward": {"loss": "loss"}, "cnn_backward_with": {"output": "result", "grad": "tensor?"},
    "cnn_grad": {"outputs": "grad_outputs", "output_count": "one_input", "inputs": "grad_inputs", "input_count": "one_input",
                 "grads": "out", "options": "grad_options?"},
    "cnn_top_k_correct": {"scores": "metric_scores", "labels": "metric_labels", "k": "one_input", "correct": "out"},
    "cnn_confusion_matrix": {"predictions": "metric_scores", "labels": "metric_labels", "classes": "two_classes", "counts": "out"},
    "cnn_scores_of_classes": {"counts": "out", "classes": "two_classes", "scores": "out"},
    "cnn_average_scores": {"counts": "out", "classes": "two_classes", "scores": "out"},
    "cnn_roc_auc": {"scores": "metric_scores", "labels": "metric_labels", "auc": "out"},
    "cnn_register_hook": {"tensor": "hooked", "user": "user?"},
    "cnn_retain_grad": {"tensor": "result"}, "cnn_cast": {"dtype": "dtype"},
    "cnn_gradcheck": {"user": "user?", "inputs": "check_inputs", "count": "bounded_count",
                      "options": "gradcheck_options?"},
    "cnn_custom": {"user": "user?", "count": "bounded_count"},
    "cnn_custom_many": {"user": "user?", "count": "bounded_count", "outputs": "out", "output_count": "one_input"},
    "cnn_permute": {"count": "rank_count"},
    "cnn_where": {"condition": "condition"}, "cnn_matmul": {"b": "square"},
    "cnn_linear": {"weight": "square", "bias": "bias?"},
    "cnn_conv2d": {"x": "image", "weight": "filter", "bias": "filter_bias?", "options": "conv2d_options?"},
    "cnn_conv1d": {"x": "line", "weight": "line_filter", "bias": "filter_bias?"},
    "cnn_conv3d": {"x": "volume", "weight": "volume_filter", "bias": "filter_bias?"},
    "cnn_conv_transpose1d": {"x": "line", "weight": "line_spread", "bias": "filter_bias?"},
    "cnn_conv_transpose2d": {"x": "image", "weight": "image_spread", "bias": "filter_bias?"},
    "cnn_conv_transpose3d": {"x": "volume", "weight": "volume_spread", "bias": "filter_bias?"},
    "cnn_tape_protect": {"tensor": "plain"}, "cnn_tape_on_gradient": {"call": "gradient_fn?", "user": "user?"},
    "cnn_batch_norm": {"x": "image", "weight": "channel_values?", "bias": "channel_values?", "running_mean": "channel_values",
                       "running_var": "channel_values", "options": "batch_norm_options?"},
    "cnn_batch_norm2d_create": {"options": "batch_norm_options?"},
    "cnn_instance_norm": {"x": "image", "weight": "channel_values?", "bias": "channel_values?", "running_mean": "channel_values",
                          "running_var": "channel_values", "options": "batch_norm_options?"},
    "cnn_layer_norm": {"weight": "tensor?", "bias": "tensor?"}, "cnn_rms_norm": {"weight": "tensor?"},
    "cnn_group_norm": {"x": "image", "weight": "channel_values?", "bias": "channel_values?"},
    "cnn_local_response_norm": {"x": "image"}, "cnn_dropout1d": {"x": "tensor"}, "cnn_dropout2d": {"x": "image"},
    "cnn_conv2d_relu_maxpool2d": {"x": "image", "weight": "filter", "bias": "filter_bias?", "conv": "conv2d_options?",
                                  "pool": "maxpool2d_options"},
    "cnn_cross_entropy_with": {"target": "target", "options": "cross_entropy_options?"},
    "cnn_cross_entropy": {"target": "target"}, "cnn_nll_loss": {"target": "target"}, "cnn_multi_margin_loss": {"target": "target"},
    "cnn_cosine_embedding_loss": {"target": "row_values"},
    "cnn_ctc_loss": {"log_probs": "sequence", "targets": "index_grid", "input_lengths": "lengths_of", "target_lengths": "lengths_of"},
    "cnn_prelu": {"x": "image", "weight": "channel_values"},
    "cnn_softmax_create": {"dim": "end_dim"}, "cnn_log_softmax_create": {"dim": "end_dim"},
    "cnn_lstm": {"x": "sequence", "h0": "lstm_state?", "c0": "lstm_state?", "weight_ih": "lstm_weight",
                 "weight_hh": "lstm_weight", "bias_ih": "lstm_bias?", "bias_hh": "lstm_bias?", "lengths": "lengths_of?", "options": "lstm_options?",
                 "h_n": "out?", "c_n": "out?"},
    "cnn_lstm_forward": {"module": "lstm", "x": "sequence", "h0": "lstm_states?", "c0": "lstm_states?", "lengths": "lengths_of?",
                         "h_n": "out?", "c_n": "out?"},
    "cnn_gru": {"x": "sequence", "h0": "lstm_state?", "weight_ih": "gru_weight", "weight_hh": "gru_weight", "bias_ih": "gru_bias?",
                "bias_hh": "gru_bias?", "lengths": "lengths_of?", "h_n": "out?"},
    "cnn_rnn": {"x": "sequence", "h0": "lstm_state?", "weight_ih": "square", "weight_hh": "square", "bias_ih": "bias?", "bias_hh": "bias?",
                "lengths": "lengths_of?", "h_n": "out?"},
    "cnn_rnn_forward": {"module": "gru", "x": "sequence", "h0": "lstm_states?", "lengths": "lengths_of?", "h_n": "out?"},
    "cnn_embedding": {"indices": "target", "options": "embedding_options?"},
    "cnn_scaled_dot_product_attention": {"query": "square", "key": "square", "value": "square", "attn_mask": "square?", "weights": "out?"},
    "cnn_transformer_encoder_create": {"layer": "encoder_layer!", "num_layers": "layer_count", "norm": "end_norm?!"},
    "cnn_multihead_attention_forward": {"module": "attention", "query": "square", "key": "square?", "value": "square?",
                                        "key_padding_mask": "bias?", "attn_mask": "square?", "weights": "out?", "head_weights": "out?"},
    "cnn_sum": {"count": "reduce_count"}, "cnn_mean": {"count": "reduce_count"}, "cnn_max": {"count": "reduce_count"},
    "cnn_min": {"count": "reduce_count"}, "cnn_argmax": {"count": "reduce_count"},
    "cnn_linear_create": {"options": "linear_options?"}, "cnn_relu_create": {"options": "relu_options?"},
    "cnn_dropout_create": {"options": "dropout_options?"}, "cnn_flatten_create": {"options": "flatten_options?"},
    "cnn_maxpool2d_with_indices": {"indices": "out?"}, "cnn_adaptive_maxpool2d": {"indices": "out?"},
    "cnn_pad": {"count": "pad_count", "pads": "pads"}, "cnn_interpolate": {"x": "image"}, "cnn_unfold": {"x": "image"},
    "cnn_fold": {"x": "columns"}, "cnn_upsample_create": {"options": "upsample_options"}, "cnn_fold_create": {"options": "fold_options"},
    "cnn_pixel_shuffle": {"x": "image"}, "cnn_pixel_unshuffle": {"x": "image"}, "cnn_channel_shuffle": {"x": "image"},
    "cnn_channel_shuffle_create": {"groups": "factor"},
    "cnn_unflatten": {"ndim": "one_part", "shape": "part"},
    "cnn_unflatten_create": {"dim": "end_dim", "ndim": "one_part", "shape": "part"},
    "cnn_argmin": {"count": "reduce_count"}, "cnn_prod": {"count": "reduce_count"}, "cnn_var": {"count": "reduce_count"},
    "cnn_std": {"count": "reduce_count"}, "cnn_logsumexp": {"count": "reduce_count"}, "cnn_any": {"count": "reduce_count"},
    "cnn_all": {"count": "reduce_count"}, "cnn_flip": {"count": "reduce_count"},
    "cnn_norm": {"count": "reduce_count", "p": "any_double"}, "cnn_sort": {"indices": "out?"}, "cnn_topk": {"indices": "out?"},
    "cnn_index_select": {"index": "target"}, "cnn_index_add": {"index": "target"}, "cnn_one_hot": {"index": "target"},
    "cnn_split": {"count": "piece_count"}, "cnn_unbind": {"count": "piece_count"},
    "cnn_split_with_sizes": {"count": "piece_count"}, "cnn_einsum": {"b": "tensor?"},
    "cnn_bitwise_and": {"a": "bits", "b": "bits"}, "cnn_bitwise_or": {"a": "bits", "b": "bits"},
    "cnn_bitwise_xor": {"a": "bits", "b": "bits"}, "cnn_bitwise_not": {"x": "bits"},
    "cnn_bitwise_left_shift": {"a": "bits", "b": "bits"}, "cnn_bitwise_right_shift": {"a": "bits", "b": "bits"},
    "cnn_max_along": {"indices": "out?"}, "cnn_min_along": {"indices": "out?"},
    "cnn_linear_create": {"options": "linear_options?"}, "cnn_embedding_create": {"options": "embedding_options?"},
    "cnn_lstm_create": {"options": "lstm_options?"},
    "cnn_sequential_create": {"children": "children!", "count": "child_count"},
    "cnn_module_add": {"parent": "parent", "child": "child!"}, "cnn_module_become": {"module": "parent", "other": "stand_in!"},
    "cnn_module_add_parameter": {"tensor": "new_parameter!"}, "cnn_module_add_buffer": {"tensor": "new_buffer!"},
    "cnn_module_child": {"name": "out?"}, "cnn_module_state_name": {"buffer": "text?", "size": "text_size"},
    "cnn_module_find": {"name": "known_name"}, "cnn_module_format": {"buffer": "text?", "size": "text_size"},
    "cnn_module_copy_from": {"source": "source"}, "cnn_forward": {"x": "image"}, "cnn_forward_chain": {"modules": "chain", "x": "image"}, "cnn_forward_recomputed": {"x": "image"},
    "cnn_forward_many": {"tape": "tape", "inputs": "image_list", "input_count": "one_input", "outputs": "out", "output_count": "one_input"},
    "cnn_optimizer_set_lr": {"group": "group_or_all"}, "cnn_optimizer_set": {"group": "group_or_all", "value": "rate"},
    "cnn_mnist_open": {"directory": "directory"}, "cnn_idx_read": {"path": "idx_path"},
    "cnn_dataset_from_tensors": {"images": "images", "labels": "labels?"},
    "cnn_dataset_normalize": {"dataset": "normal_dataset"},
    "cnn_dataset_get": {"label": "out?"}, "cnn_dataset_class_name": {"dataset": "named_dataset", "i": "class_number"},
    "cnn_dataset_subset": {"dataset": "dataset!"},
    "cnn_dataset_slice": {"dataset": "dataset!", "start": "sample", "end": "slice_end"},
    "cnn_dataset_random_split": {"dataset": "dataset!", "count": "piece_count"},
    "cnn_weighted_random_sampler_create": {"weights": "sample_weights", "size": "weight_count", "count": "item_count"},
    "cnn_distributed_sampler_create": {"size": "item_count", "ranks": "rank_total", "rank": "rank"},
    "cnn_sampler_from_callbacks": {"callbacks": "sampler_callbacks"}, "cnn_sampler_free": {"sampler": "free_sampler?!"},
    "cnn_sampler_order": {"sampler": "free_sampler", "order": "out"},
    "cnn_pad_collate": {"labels": "tensors?", "count": "child_count", "user": "pad_collate_options?"},
    "cnn_loader_create": {"dataset": "dataset!", "options": "loader_options?"},
    "cnn_module_parameters": {"parameters": "out", "count": "count"},
    "cnn_module_load_with": {"path": "module_path", "options": "load_options?", "report": "no_report?"},
    "cnn_load_report_free": {"report": "load_report?!"},
    "cnn_module_load": {"path": "module_path"}, "cnn_checkpoint_load": {"path": "checkpoint_path"},
    "cnn_tensors_save": {"tensors": "tensors"},
    "cnn_file_open": {"path": "module_path"}, "cnn_file_free": {"file": "file?!"}, "cnn_file_find": {"name": "known_name"},
    "cnn_file_name": {"i": "entry"}, "cnn_file_dtype_name": {"i": "entry"}, "cnn_file_dtype": {"i": "entry"},
    "cnn_file_ndim": {"i": "entry"}, "cnn_file_shape": {"i": "entry"}, "cnn_file_bytes": {"i": "entry"},
    "cnn_file_read": {"i": "entry"}, "cnn_file_metadata": {"key": "known_key"},
    "cnn_file_metadata_key": {"i": "entry"}, "cnn_file_metadata_value": {"i": "entry"},
    "cnn_cpu_launch": {"failure": "backend_failure?"}, "cnn_backend_load": {"path": "backend_path"},
    "cnn_device_available": {"name": "known_name"}, "cnn_device_describe": {"index": "device"},
    "cnn_tensor_to": {"tensor": "tensor"}, "cnn_module_to": {"module": "module"},
    "cnn_tensor_load": {"path": "module_path", "name": "known_name"},
    "cnn_npy_load": {"path": "npy_path"}, "cnn_npz_save": {"names": "npz_names", "tensors": "tensors"},
    "cnn_npz_save_compressed": {"names": "npz_names", "tensors": "tensors"},
    "cnn_tensor_to_dlpack": {"tensor": "plain"}, "cnn_tensor_to_dlpack_legacy": {"tensor": "plain"},
    "cnn_tensor_from_dlpack": {"managed": "dlpack!"}, "cnn_tensor_from_dlpack_legacy": {"managed": "dlpack_legacy!"},
    "cnn_augmentation_free": {"augmentation": "free_augmentation?!"},
    "cnn_dataset_augment": {"dataset": "dataset!", "augmentation": "any_augmentation"},
    "cnn_augment_normalize": {"channels": "one_input"},
    "cnn_augment_resize_with": {"width": "side_or_none"},
    "cnn_trace_create": {"count": "count_of_inputs"}, "cnn_trace_free": {"trace": "trace?!"},
    "cnn_profile_free": {"profile": "profile?!"}, "cnn_profile_get_event": {"i": "event"},
    "cnn_profile_format": {"buffer": "text?", "size": "text_size"},
    "cnn_module_summary": {"count": "count_of_inputs", "buffer": "text?", "size": "text_size"},
    "cnn_mixup": {"images": "image", "labels": "one_label", "classes": "positive", "alpha": "rate_of_beta", "mixed": "out", "soft_labels": "out"},
    "cnn_cutmix": {"images": "image", "labels": "one_label", "classes": "positive", "alpha": "rate_of_beta", "mixed": "out", "soft_labels": "out"},
}

# Functions whose messages begin with another call's name: the operation that they are, or those that they join.
ALIASES = {"cnn_forward_many": "forward", "cnn_custom_many": "custom", "cnn_forward_recomputed": "forward", "cnn_cross_entropy_with": "cross_entropy", "cnn_backward_with": "backward",
           "cnn_conv2d_relu_maxpool2d": "conv2d|maxpool2d|conv2d_relu_maxpool2d",
           "cnn_dataset_augment": "dataset_augment|augment_random_crop"}
ALIASES.update({f"cnn_augment_{name}_with": f"augment_{name}" for name in ("random_crop", "resize", "random_resized_crop", "random_rotation",
                                                                           "random_affine", "color_jitter", "random_erasing")})

# Flags: SILENT, a look-up without a context, whose neutral value is documented and which leaves messages alone, because
# programs call it while they report one; REPORTS, whose result is a status of something else; NESTED, whose messages may
# be those of an operation that runs inside; FINDS, whose neutral value is -1; WRITES, which writes the failure into a buffer and returns that text's length;
# COUNTS, which returns how many results it made, at least one, and 0 on failure; FAILS, which reports a failure that the program has found.
FLAGS = {
    "cnn_last_error": "SILENT", "cnn_context_status": "SILENT", "cnn_context_clear_error": "SILENT",
    "cnn_device_count": "SILENT", "cnn_device_available": "SILENT", "cnn_device_problem": "SILENT",
    "cnn_cpu_launch": "SILENT", "cnn_cpu_workspace": "SILENT", "cnn_status_name": "SILENT", "cnn_dtype_name": "SILENT", "cnn_dtype_size": "SILENT",
    "cnn_context_set_error": "FAILS", "cnn_tape_status": "REPORTS", "cnn_loader_status": "REPORTS", "cnn_tensor_status": "REPORTS",
    "cnn_file_find": "FINDS", "cnn_trace_get_output": "FINDS", "cnn_tensor_format": "WRITES", "cnn_forward": "NESTED", "cnn_forward_chain": "NESTED", "cnn_forward_recomputed": "NESTED", "cnn_forward_many": "NESTED",
    "cnn_sinh": "NESTED", "cnn_cosh": "NESTED", "cnn_asinh": "NESTED", "cnn_acosh": "NESTED", "cnn_atanh": "NESTED", "cnn_frac": "NESTED",
    "cnn_isposinf": "NESTED", "cnn_isneginf": "NESTED", "cnn_nan_to_num": "NESTED",
    "cnn_einsum": "NESTED", "cnn_cosine_similarity": "NESTED", "cnn_mixup": "NESTED", "cnn_cutmix": "NESTED",
    "cnn_split": "COUNTS", "cnn_split_with_sizes": "COUNTS", "cnn_chunk": "COUNTS", "cnn_unbind": "COUNTS",
    "cnn_gradcheck": "NESTED", "cnn_trace_create": "NESTED", "cnn_module_summary": "NESTED", "cnn_lstm_forward": "NESTED", "cnn_rnn_forward": "NESTED", "cnn_multihead_attention_forward": "NESTED",
}
BORROWED = {"cnn_ema_module", "cnn_dataset_class_name", "cnn_tensor_grad", "cnn_module_add", "cnn_module_child", "cnn_module_add_parameter", "cnn_module_add_buffer",
            "cnn_module_state", "cnn_module_find", "cnn_module_parameter", "cnn_tensor_context", "cnn_module_context",
            "cnn_tensor_tape", "cnn_file_metadata"}
OPERATION_FOLDER = "ops"
OPERATIONS = {"cnn_input", "cnn_custom", "cnn_forward", "cnn_forward_chain", "cnn_forward_recomputed", "cnn_lstm_forward", "cnn_rnn_forward", "cnn_multihead_attention_forward", "cnn_tape_rand", "cnn_tape_randn",
              "cnn_tape_bernoulli"}
RESULTS = {
    "cnn_status": "STATUS", "void": "NOTHING", "int": "INTEGER", "int64_t": "INTEGER", "size_t": "INTEGER",
    "bool": "INTEGER", "cnn_load_problem": "INTEGER", "cnn_mode": "INTEGER", "cnn_dtype": "INTEGER",
    "cnn_math": "INTEGER", "cnn_module_mode": "INTEGER",
    "double": "REAL", "const char *": "STRING",
    "const int64_t *": "BORROWED", "void *": "BORROWED", "cnn_context *": "CONTEXT", "cnn_tape *": "TAPE",
    "cnn_module *": "MODULE", "cnn_optimizer *": "OPTIMIZER", "cnn_dataset *": "DATASET", "cnn_loader *": "LOADER",
    "cnn_tensor *": "TENSOR", "cnn_file *": "FILE", "cnn_scheduler *": "SCHEDULER", "cnn_ema *": "EMA", "cnn_predictor *": "PREDICTOR", "cnn_sampler *": "SAMPLER",
    "cnn_augmentation *": "AUGMENTATION", "cnn_trace *": "TRACE", "cnn_profile *": "PROFILE", "cnn_dlpack *": "DLPACK", "cnn_dlpack_legacy *": "DLPACK_LEGACY",
    "const cnn_trace_node *": "BORROWED", "const cnn_trace_value *": "BORROWED", "const cnn_profile_event *": "BORROWED",
}


def header_files():
    """Those of libcnn; the tests of libcnn-image, libcnn-onnx and libcnn-mpi have their own bad arguments."""
    return sorted(set((ROOT / "include/cnn").rglob("*.h")) - {ROOT / "include/cnn" / name for name in ("image.h", "onnx.h", "group.h", "mpi.h")})


def functions():
    """Every declaration of the public headers as (folder, result type, name, [(type, name)])."""
    found = []
    for header in header_files():
        text = re.sub(r"/\*.*?\*/", " ", header.read_text(), flags=re.S)
        for match in re.finditer(r"^\s*CNN_API\s+([^;{]*?)\b(cnn_\w+)\s*\(([^;]*)\)\s*;", text, flags=re.M):
            result, name, arguments = (" ".join(part.split()) for part in match.groups())
            parameters = []
            for argument in [] if arguments == "void" else arguments.split(","):
                kind, parameter = re.match(r"\s*(.*?)(\w+)\s*$", argument).groups()
                parameters.append((" ".join(kind.split()), parameter))
            found.append((header.parent.name, result.strip(), name, parameters))
    return found


def headers():
    return "\n".join(path.read_text() for path in header_files())


def optimizers():
    """By the names of optimizers' functions and parameters, what OVERRIDES says of others. The kinds of values are named after
    the optimizer (tests/trust/bad_values.h)."""
    chosen = {}
    for name, options in re.findall(r"\*cnn_(\w+)_create\(cnn_module \*module, const (cnn_\w+_options) \*options\)", headers()):
        given = f"{name}_options"
        made_with = given if needs_options(options) else given + "?"
        chosen[f"cnn_{name}_create"] = {"options": made_with}
        chosen[f"cnn_{name}_create_for"] = {"parameters": "first_parameters", "count": "list_count", "options": made_with}
        chosen[f"cnn_{name}_add_group"] = {"optimizer": name, "parameters": "parameters", "options": given + "?"}
        chosen[f"cnn_{name}_add_group_where"] = {"optimizer": f"empty_{name}", "options": given + "?"}
    return chosen


def needs_options(struct):
    """Whether the comments of a struct say that an option is required, so that NULL is no choice. A struct may be another's
    second name."""
    alias = re.search(rf"typedef (cnn_\w+_options) {struct};", headers())
    return not alias and "required" in re.search(rf"typedef struct {struct} {{(.*?)}} {struct};", headers(), flags=re.S)[1]


def kind_of(function, kind, name):
    """The kind of a parameter, whether NULL is legal and whether the call takes ownership."""
    plain = kind
    if kind.startswith("const ") and kind != "const char *" and not kind.startswith("const char *"):
        plain = kind[len("const "):]
    chosen = OVERRIDES.get(function, {}).get(name) or ("plain" if function.startswith("cnn_init_") and name == "tensor" else None)
    chosen = chosen or BY_NAME.get((plain, name)) or BY_TYPE.get(plain)
    options = re.fullmatch(r"cnn_(\w+_options) \*", plain)
    if name == "x" and re.fullmatch(r"cnn_\w+pool2d(_with_indices)?", function):
        chosen = "image"
    if name == "x" and re.fullmatch(r"cnn_\w+pool1d", function):
        chosen = "line"
    if not chosen and options:
        chosen = options[1] if needs_options(plain[:-2]) else options[1] + "?"  # NULL is for the defaults
    if not chosen:
        sys.exit(f"make-bad-calls: {function} has a parameter `{kind} {name}` that no table knows")
    return chosen.rstrip("?!"), "?" in chosen or chosen == "user", "!" in chosen


def member(kind):
    if kind in ("double", "float"):
        return "d"
    if kind.endswith("_fn"):
        return "f"
    return "p" if "*" in kind else "i"


def thunk(result, name, parameters):
    cast = [f"({kind})v[{i}].{member(kind)}" for i, (kind, _) in enumerate(parameters)]
    call = f"{name}({', '.join(cast)})"
    if result == "void":
        body = f"(void)r; {call};"
    elif "*" in result:
        body = f"r->p = (void *)(uintptr_t){call};"
    else:
        body = f"r->{member(result)} = {call};"
    unused = "" if parameters else "(void)v; "
    return f"static void call_{name}(const value *v, value *r)\n{{\n    {unused}{body}\n}}\n"


def result_of(folder, result, name):
    if name in BORROWED:
        return "BORROWED"
    if result == "cnn_tensor *" and (folder == OPERATION_FOLDER or name in OPERATIONS):
        return "OPERATION"
    return RESULTS[result]


def table():
    OVERRIDES.update(optimizers())
    lines = ["/* Every exported function: how it is called, what it returns, which values its parameters take. Written by",
             " * tools/make-bad-calls.py from include/cnn; do not edit. */", ""]
    rows = []
    for folder, result, name, parameters in functions():
        lines.append(thunk(result, name, parameters))
        prefix = ALIASES.get(name, name[len("cnn_"):])
        entries = []
        for kind, parameter in parameters:
            chosen, nullable, takes = kind_of(name, kind, parameter)
            entries.append(f'{{ "{parameter}", &kind_{chosen}, {int("*" in kind or kind.endswith("_fn"))}, '
                           f'{int(nullable)}, {int(takes)} }}')
        body = ",\n        ".join(entries) if entries else "{ NULL, NULL, 0, 0, 0 }"
        rows.append(f'    {{ "{name}", "{prefix}", RESULT_{result_of(folder, result, name)}, {FLAGS.get(name, "0")}, '
                    f"call_{name}, {len(parameters)}, {{\n        {body} }} }},")
    return "\n".join(lines + ["static const bad_call bad_calls[] = {"] + rows + ["};", ""])


def exported(library):
    out = subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True, text=True).stdout
    return {line.split()[-1].split("@")[0] for line in out.splitlines() if line.split()[-2] in "TW"}


def check(library, path):
    listed = set(re.findall(r'^    \{ "(cnn_\w+)"', pathlib.Path(path).read_text(), flags=re.M))
    problems = [f"{name} is exported and missing from {path}" for name in sorted(exported(library) - listed)]
    problems += [f"{name} is in {path} and not exported" for name in sorted(listed - exported(library))]
    if not problems and pathlib.Path(path).read_text() != table():
        problems.append(f"{path} is not what the headers make")
    for problem in problems:
        print(f"make-bad-calls: {problem}", file=sys.stderr)
    if not problems:
        print(f"bad calls: the table has all {len(listed)} exported functions")
    return 1 if problems else 0


if len(sys.argv) == 4 and sys.argv[1] == "--check":
    sys.exit(check(sys.argv[2], sys.argv[3]))
sys.stdout.write(table())
