/** @file
 * libcnn: convolutional neural networks in C. This header includes all others but
 * <cnn/backend.h> and <cnn/kernels/…>, which are for those who write a back end.
 *
 * Read them in this order: context.h (threads, seed, errors), tensor.h, tape.h (a step of work and its gradients),
 * ops.h, module.h (layers; more of them are in activations.h, norms.h, image_layers.h, recurrent.h and attention.h),
 * init.h, optimizer.h, scheduler.h (learning rates), clip_grad.h, ema.h (averages of weights), predictor.h
 * (frozen for inference), dataset.h, augment.h, sampler.h, loader.h, metrics.h, checkpoint.h, file.h (what is in a
 * file), numpy.h (.npy and .npz files), autograd.h (gradients on their own, hooks), trace.h (a module as a list of
 * operations), profile.h (times, FLOPs, summaries), device.h, dlpack.h (elements shared with other libraries). */
#ifndef CNN_CNN_H
#define CNN_CNN_H

#include <cnn/activations.h>
#include <cnn/attention.h>
#include <cnn/augment.h>
#include <cnn/autograd.h>
#include <cnn/checkpoint.h>
#include <cnn/clip_grad.h>
#include <cnn/context.h>
#include <cnn/dataset.h>
#include <cnn/device.h>
#include <cnn/dlpack.h>
#include <cnn/ema.h>
#include <cnn/file.h>
#include <cnn/image_layers.h>
#include <cnn/init.h>
#include <cnn/loader.h>
#include <cnn/metrics.h>
#include <cnn/module.h>
#include <cnn/norms.h>
#include <cnn/numpy.h>
#include <cnn/ops.h>
#include <cnn/optimizer.h>
#include <cnn/predictor.h>
#include <cnn/profile.h>
#include <cnn/recurrent.h>
#include <cnn/sampler.h>
#include <cnn/scheduler.h>
#include <cnn/status.h>
#include <cnn/tape.h>
#include <cnn/tensor.h>
#include <cnn/trace.h>
#include <cnn/version.h>

#endif
