/* The values that each kind of parameter is tried with: first a good one, then NULL and other mistakes that a caller
 * may make. Each value says what the call must do if all other arguments are good. */
#ifndef CNN_TESTS_TRUST_BAD_VALUES_H
#define CNN_TESTS_TRUST_BAD_VALUES_H

#include "bad_tensors.h"
#include "data/augment.h"
#include "support/optimizers.h"

/* ---- objects ---- */

#define OBJECT(name, list) static const kind kind_##name = { #name, CANDIDATES(list), 0, 0, { 0 }, false, false, NULL, 0 }
#define MAKER(name, expression)                         \
    static value make_##name(world *w, const kind *k)   \
    {                                                   \
        (void)w;                                        \
        (void)k;                                        \
        return pointer(expression);                     \
    }

MAKER(context, context_of(w))
static const candidate contexts[] = { MADE("good", GOOD, make_context, 0), NO_POINTER };
OBJECT(context, contexts);

MAKER(tape, tape_of(w))
MAKER(failed_tape, failed_tape_of(w))
MAKER(fresh_tape, keep(w, cnn_tape_new(context_of(w)), release_tape))
MAKER(foreign_tape, keep(w, cnn_tape_new(other_context_of(w)), release_tape))
static const candidate tapes[] = { MADE("good", GOOD, make_tape, 0), NO_POINTER,
                                   MADE("of a failed step", MAY, make_failed_tape, 0),
                                   MADE("without a step", MAY, make_fresh_tape, 0),
                                   MADE("of another context", MAY, make_foreign_tape, 0) };
OBJECT(tape, tapes);

MAKER(module, module_of(w))
MAKER(foreign_module, keep(w, new_model(other_context_of(w)), release_module))
static const candidate modules[] = { MADE("good", GOOD, make_module, 0), NO_POINTER,
                                     MADE("of another context", MAY, make_foreign_module, 0) };
OBJECT(module, modules);

MAKER(lstm, keep(w, cnn_lstm_new(context_of(w), 3, 3), release_module))
static const candidate lstms[] = { MADE("good", GOOD, make_lstm, 0), NO_POINTER, MADE("of another type", BAD, make_module, 0),
                                   MADE("of another context", BAD, make_foreign_module, 0) };
OBJECT(lstm, lstms);
MAKER(gru, keep(w, cnn_gru_new(context_of(w), 3, 3), release_module))
static const candidate grus[] = { MADE("good", GOOD, make_gru, 0), NO_POINTER, MADE("of another type", BAD, make_lstm, 0),
                                  MADE("of another context", BAD, make_foreign_module, 0) };
OBJECT(gru, grus);

MAKER(attention, keep(w, cnn_multihead_attention_new(context_of(w), 3, 1), release_module))
static const candidate attentions[] = { MADE("good", GOOD, make_attention, 0), NO_POINTER, MADE("of another type", BAD, make_module, 0),
                                        MADE("of another context", BAD, make_foreign_module, 0) };
OBJECT(attention, attentions);

MAKER(second_module, keep(w, new_model(context_of(w)), release_module))
MAKER(fresh_module, fresh_module(w))
static const candidate sources[] = { MADE("good", GOOD, make_second_module, 0), NO_POINTER,
                                     MADE("of another structure", BAD, make_fresh_module, 0),
                                     MADE("itself", MAY, make_module, 0),
                                     MADE("of another context", MAY, make_foreign_module, 0) };
OBJECT(source, sources);

MAKER(parent, parent_of(w))
static const candidate parents[] = { MADE("good", GOOD, make_parent, 0), NO_POINTER,
                                     MADE("of another context", BAD, make_foreign_module, 0) };
OBJECT(parent, parents);

MAKER(grandchild, (parent_of(w), cnn_module_child(w->parent, 0, NULL)))
MAKER(grandparent, (parent_of(w), w->grandparent))
static const candidate children[] = { MADE("good", GOOD, make_fresh_module, 0), NO_POINTER,
                                      MADE("a child already", BAD, make_grandchild, 0),
                                      MADE("its own parent", BAD, make_parent, 0),
                                      MADE("an ancestor", BAD, make_grandparent, 0),
                                      MADE("of another context", BAD, make_foreign_module, 0) };
static const candidate end_norms[] = { MADE("good", GOOD, make_fresh_module, 0), NO_POINTER,
                                       MADE("a child already", BAD, make_grandchild, 0),
                                       MADE("of another context", BAD, make_foreign_module, 0) };
OBJECT(end_norm, end_norms);
MAKER(encoder_layer, keep(w, cnn_transformer_encoder_layer_new(context_of(w), 2, 1, .dim_feedforward = 2), release_module))
static const candidate encoder_layers[] = { MADE("good", GOOD, make_encoder_layer, 0), NO_POINTER,
                                            MADE("of another type", BAD, make_fresh_module, 0),
                                            MADE("of another context", BAD, make_foreign_module, 0) };
OBJECT(encoder_layer, encoder_layers);
OBJECT(child, children);
static const candidate free_modules[] = { MADE("good", GOOD, make_fresh_module, 0), NO_POINTER,
                                          MADE("a parent's", BAD, make_parent, 0) };
OBJECT(free_module, free_modules);

MAKER(optimizer, optimizer_of(w))
static const candidate optimizers[] = { MADE("good", GOOD, make_optimizer, 0), NO_POINTER };
OBJECT(optimizer, optimizers);
/* One of each kind, with a group and without; and in its place one of another kind. */
#define CNN_OPTIMIZER(name, type, needs)                                                                                      \
    MAKER(name, keep(w, cnn_##name##_create(module_of(w), &kind_plain_##name), release_optimizer))                            \
    MAKER(empty_##name, keep(w, cnn_##name##_create_for(context_of(w), NULL, 0, &kind_plain_##name), release_optimizer))      \
    MAKER(not_##name, strcmp(#name, "adam") == 0 ? keep(w, cnn_sgd_new(module_of(w), .lr = 0.1), release_optimizer)           \
                                                 : optimizer_of(w))                                                           \
    static const candidate name##s[] = { MADE("good", GOOD, make_##name, 0), NO_POINTER,                                      \
                                         MADE("of another kind", BAD, make_not_##name, 0) };                                  \
    OBJECT(name, name##s);                                                                                                    \
    static const candidate empty_##name##s[] = { MADE("good", GOOD, make_empty_##name, 0), NO_POINTER,                        \
                                                 MADE("of another kind", BAD, make_not_##name, 0) };                          \
    OBJECT(empty_##name, empty_##name##s);
#include "optimizers.def"

MAKER(ema, keep(w, cnn_ema_new(module_of(w)), release_ema))
static const candidate emas[] = { MADE("good", GOOD, make_ema, 0), NO_POINTER };
OBJECT(ema, emas);

MAKER(scheduler, scheduler_of(w))
MAKER(owned_scheduler, owned_scheduler_of(w))
MAKER(plateau, keep(w, cnn_reduce_lr_on_plateau_new(optimizer_of(w)), release_scheduler))
static const candidate all_schedulers[] = { MADE("good", GOOD, make_scheduler, 0), NO_POINTER,
                                            MADE("of a sequence", MAY, make_owned_scheduler, 0),
                                            MADE("by metric", MAY, make_plateau, 0) };
OBJECT(scheduler, all_schedulers);
static const candidate own_schedulers[] = { MADE("good", GOOD, make_scheduler, 0), NO_POINTER,
                                            MADE("of a sequence", BAD, make_owned_scheduler, 0),
                                            MADE("by metric", BAD, make_plateau, 0) };
OBJECT(own_scheduler, own_schedulers);
static const candidate plateaus[] = { MADE("good", GOOD, make_plateau, 0), NO_POINTER,
                                      MADE("without a metric", BAD, make_scheduler, 0) };
OBJECT(plateau, plateaus);
static const candidate free_schedulers[] = { MADE("good", GOOD, make_scheduler, 0), NO_POINTER,
                                             MADE("of a sequence", BAD, make_owned_scheduler, 0) };
OBJECT(free_scheduler, free_schedulers);

static value two_schedulers(world *w, const kind *k)
{
    cnn_scheduler *a = scheduler_of(w);
    (void)k;
    switch (making->variant) {
    case 0: return array_of(w, a, scheduler_of(w));
    case 1: return array_of(w, NULL, a);
    case 2: return array_of(w, a, NULL);
    case 3: return array_of(w, a, a);
    case 4: return array_of(w, a, owned_scheduler_of(w));
    default: return array_of(w, a, make_plateau(w, k).p);
    }
}
static const candidate scheduler_arrays[] = { MADE("good", GOOD, two_schedulers, 0), NO_POINTER,
                                              MADE("[NULL, s]", BAD, two_schedulers, 1), MADE("[s, NULL]", BAD, two_schedulers, 2),
                                              MADE("one twice", BAD, two_schedulers, 3),
                                              MADE("[s, another's]", BAD, two_schedulers, 4),
                                              MADE("[s, by metric]", BAD, two_schedulers, 5) };
OBJECT(schedulers, scheduler_arrays);

MAKER(dataset, keep(w, new_dataset(w), release_dataset))
static const candidate datasets[] = { MADE("good", GOOD, make_dataset, 0), NO_POINTER };
OBJECT(dataset, datasets);

static value used_dataset(world *w, const kind *k)
{
    (void)k;
    cnn_dataset *dataset = keep(w, new_dataset(w), release_dataset);
    keep(w, cnn_loader_new(cnn_dataset_share(dataset), 2, .no_background = true), release_loader);
    return pointer(dataset);
}

static value dataset_of_callbacks(world *w, const kind *k)
{
    (void)k;
    const int64_t shape[] = { 1, 4, 4 };
    cnn_dataset_callbacks callbacks = { .struct_size = sizeof callbacks, .size = 4, .image_ndim = 3,
                                        .image_shape = shape, .label_dtype = CNN_I64, .get = get_sample };
    return pointer(keep(w, cnn_dataset_from_callbacks(context_of(w), &callbacks), release_dataset));
}
static const candidate normal_datasets[] = { MADE("good", GOOD, make_dataset, 0), NO_POINTER,
                                             MADE("used by a loader", BAD, used_dataset, 0),
                                             MADE("of callbacks", BAD, dataset_of_callbacks, 0) };
OBJECT(normal_dataset, normal_datasets);

MAKER(named_dataset, keep(w, cnn_cifar10_open(context_of(w), world_folder, CNN_CIFAR_TEST), release_dataset))
static const candidate named_datasets[] = { MADE("good", GOOD, make_named_dataset, 0), NO_POINTER,
                                            MADE("without names", BAD, make_dataset, 0) };
OBJECT(named_dataset, named_datasets);

MAKER(sampler, keep(w, cnn_subset_random_sampler_create(context_of(w), (const int64_t[]){ 1, 0 }, 2), release_sampler))
static const candidate samplers[] = { MADE("good", GOOD, make_sampler, 0), NO_POINTER };
OBJECT(sampler, samplers);

static value owned_sampler(world *w, const kind *k)
{
    (void)k;
    cnn_sampler *owned = cnn_subset_random_sampler_create(context_of(w), NULL, 0);
    keep(w, cnn_loader_new(new_dataset(w), 2, .sampler = owned, .no_background = true), release_loader);
    return pointer(owned);
}
static const candidate free_samplers[] = { MADE("good", GOOD, make_sampler, 0), NO_POINTER,
                                           MADE("a loader's", BAD, owned_sampler, 0) };
OBJECT(free_sampler, free_samplers);

MAKER(loader, loader_of(w))
static const candidate loaders[] = { MADE("good", GOOD, make_loader, 0), NO_POINTER };
OBJECT(loader, loaders);

MAKER(load_report, report_of(w))
static const candidate load_reports[] = { MADE("good", GOOD, make_load_report, 0), NO_POINTER };
OBJECT(load_report, load_reports);
MAKER(tensor_file, keep(w, cnn_file_open(context_of(w), world_file("module")), release_file))
static const candidate files[] = { MADE("good", GOOD, make_tensor_file, 0), NO_POINTER };
OBJECT(file, files);
/* Nobody would free the report of a call that succeeds. */
static const candidate no_reports[] = { ADDRESS("NULL", GOOD, 0) };
OBJECT(no_report, no_reports);

/* ---- numbers ---- */

#define NUMBERS(name, ...)                                              \
    static const candidate numbers_##name[] = { __VA_ARGS__ };          \
    OBJECT(name, numbers_##name)
#define LEAST64 NUMBER("INT64_MIN", BAD, INT64_MIN)
#define LARGEST64 NUMBER("INT64_MAX", BAD, INT64_MAX)
#define LEAST NUMBER("INT_MIN", BAD, INT_MIN)
#define LARGEST NUMBER("INT_MAX", BAD, INT_MAX)
#define MINUS_ONE NUMBER("-1", BAD, -1)

NUMBERS(positive, NUMBER("good", GOOD, 2), NUMBER("0", BAD, 0), MINUS_ONE, LEAST64, LARGEST64,
        NUMBER("2^62", BAD, (int64_t)1 << 62), NUMBER("2^33", BAD, (int64_t)1 << 33));
NUMBERS(layer_count, NUMBER("good", GOOD, 2), NUMBER("0", BAD, 0), MINUS_ONE, LEAST64, LARGEST64);
NUMBERS(batch_size, NUMBER("good", GOOD, 2), NUMBER("0", BAD, 0), MINUS_ONE, LEAST64, NUMBER("INT64_MAX", MAY, INT64_MAX));
NUMBERS(epoch, NUMBER("good", GOOD, 2), NUMBER("0", MAY, 0), MINUS_ONE, LEAST64, LARGEST64,
        NUMBER("2^40", MAY, (int64_t)1 << 40));
NUMBERS(sample, NUMBER("good", GOOD, 1), MINUS_ONE, NUMBER("4", BAD, 4), LEAST64, LARGEST64);
NUMBERS(slice_end, NUMBER("good", GOOD, 3), MINUS_ONE, NUMBER("0", BAD, 0), NUMBER("5", BAD, 5), LEAST64, LARGEST64,
        NUMBER("4", MAY, 4));
NUMBERS(index_count, NUMBER("good", GOOD, 2), MINUS_ONE, LEAST64, LARGEST64, NUMBER("0", MAY, 0), NUMBER("1", MAY, 1));
NUMBERS(item_count, NUMBER("good", GOOD, 2), MINUS_ONE, LEAST64, NUMBER("0", MAY, 0), NUMBER("INT64_MAX", MAY, INT64_MAX));
NUMBERS(weight_count, NUMBER("good", GOOD, 2), MINUS_ONE, LEAST64, LARGEST64, NUMBER("0", BAD, 0), NUMBER("1", MAY, 1));
NUMBERS(rank_total, NUMBER("good", GOOD, 2), NUMBER("0", BAD, 0), MINUS_ONE, LEAST, NUMBER("INT_MAX", MAY, INT_MAX));
NUMBERS(rank, NUMBER("good", GOOD, 1), NUMBER("2", BAD, 2), MINUS_ONE, LEAST, LARGEST, NUMBER("0", MAY, 0));
NUMBERS(piece_count, NUMBER("good", GOOD, 2), NUMBER("0", BAD, 0), MINUS_ONE, LEAST, NUMBER("1", MAY, 1));
NUMBERS(top_count, NUMBER("good", GOOD, 1), MINUS_ONE, NUMBER("9", BAD, 9), LEAST64, LARGEST64, NUMBER("0", MAY, 0));
NUMBERS(seed, NUMBER("good", GOOD, 7), NUMBER("0", MAY, 0), NUMBER("UINT64_MAX", MAY, -1));
NUMBERS(index, NUMBER("good", GOOD, 0), MINUS_ONE, LEAST, NUMBER("past the end", MAY, 100), NUMBER("INT_MAX", MAY, INT_MAX));
NUMBERS(entry, NUMBER("good", GOOD, 0), MINUS_ONE, NUMBER("past the end", BAD, 100), LEAST, LARGEST);
NUMBERS(group, NUMBER("good", GOOD, 0), MINUS_ONE, NUMBER("1", BAD, 1), LEAST, LARGEST);
NUMBERS(group_or_all, NUMBER("good", GOOD, 0), NUMBER("-1", GOOD, -1), NUMBER("-2", BAD, -2), NUMBER("1", BAD, 1), LEAST,
        LARGEST);
NUMBERS(channel_groups, NUMBER("good", GOOD, 1), NUMBER("0", BAD, 0), MINUS_ONE, LEAST64, LARGEST64, NUMBER("3", BAD, 3),
        NUMBER("2", MAY, 2));
NUMBERS(window_size, NUMBER("good", GOOD, 3), NUMBER("0", BAD, 0), MINUS_ONE, LEAST64, NUMBER("INT64_MAX", MAY, INT64_MAX));
NUMBERS(output_size, NUMBER("good", GOOD, 2), NUMBER("0", BAD, 0), NUMBER("-1", MAY, -1), NUMBER("-2", BAD, -2), LEAST64,
        NUMBER("INT64_MAX", MAY, INT64_MAX));
NUMBERS(factor, NUMBER("good", GOOD, 1), NUMBER("0", BAD, 0), MINUS_ONE, LEAST64, LARGEST64, NUMBER("3", MAY, 3));
NUMBERS(one_part, NUMBER("good", GOOD, 1), NUMBER("0", BAD, 0), MINUS_ONE, NUMBER("9", BAD, 9), LEAST, LARGEST);
NUMBERS(pad_count, NUMBER("good", GOOD, 2), NUMBER("1", BAD, 1), MINUS_ONE, NUMBER("18", BAD, 18), LEAST, LARGEST, NUMBER("0", MAY, 0),
        NUMBER("4", MAY, 4));
NUMBERS(nonlinearity, NUMBER("good", GOOD, CNN_NONLINEARITY_TANH), NUMBER("6", BAD, 6), NUMBER("99", BAD, 99), MINUS_ONE, LEAST,
        LARGEST);
NUMBERS(channels, NUMBER("good", GOOD, 1), NUMBER("0", BAD, 0), MINUS_ONE, NUMBER("7", BAD, 7), LEAST, LARGEST);
NUMBERS(any_size, NUMBER("good", GOOD, 1), NUMBER("0", MAY, 0), NUMBER("-1", MAY, -1),
        NUMBER("INT64_MIN", MAY, INT64_MIN), NUMBER("INT64_MAX", MAY, INT64_MAX));
NUMBERS(step, NUMBER("good", GOOD, 1), NUMBER("0", BAD, 0), MINUS_ONE, LEAST64, NUMBER("INT64_MAX", MAY, INT64_MAX));
NUMBERS(ndim, NUMBER("good", GOOD, 2), MINUS_ONE, NUMBER("9", BAD, 9), LEAST, LARGEST, NUMBER("0", MAY, 0),
        NUMBER("1", MAY, 1));
NUMBERS(dim, NUMBER("good", GOOD, 0), NUMBER("-1", MAY, -1), NUMBER("8", BAD, 8), NUMBER("-9", BAD, -9), LEAST, LARGEST);
NUMBERS(end_dim, NUMBER("good", GOOD, 1), NUMBER("-1", MAY, -1), NUMBER("8", BAD, 8), NUMBER("-9", BAD, -9), LEAST, LARGEST);
NUMBERS(count, NUMBER("good", GOOD, 2), MINUS_ONE, LEAST, NUMBER("0", MAY, 0), NUMBER("1", MAY, 1));
NUMBERS(bounded_count, NUMBER("good", GOOD, 2), NUMBER("0", BAD, 0), MINUS_ONE, LEAST, NUMBER("17", BAD, 17), LARGEST,
        NUMBER("1", MAY, 1));
NUMBERS(list_count, NUMBER("good", GOOD, 2), MINUS_ONE, LEAST, NUMBER("0", MAY, 0), NUMBER("1", MAY, 1));
NUMBERS(one_input, NUMBER("good", GOOD, 1), NUMBER("0", BAD, 0), MINUS_ONE, LEAST);
NUMBERS(child_count, NUMBER("good", GOOD, 2), MINUS_ONE, LEAST, NUMBER("0", MAY, 0));
NUMBERS(reduce_count, NUMBER("good", GOOD, 2), MINUS_ONE, LEAST, NUMBER("3", BAD, 3), NUMBER("9", BAD, 9), LARGEST,
        NUMBER("0", MAY, 0), NUMBER("1", MAY, 1));
NUMBERS(rank_count, NUMBER("good", GOOD, 2), MINUS_ONE, LEAST, NUMBER("3", BAD, 3), NUMBER("9", BAD, 9), LARGEST,
        NUMBER("0", BAD, 0), NUMBER("1", BAD, 1));
NUMBERS(boolean, NUMBER("good", GOOD, 1), NUMBER("false", MAY, 0));
NUMBERS(any_int, NUMBER("good", GOOD, 0), NUMBER("-99", MAY, -99), NUMBER("INT_MIN", MAY, INT_MIN),
        NUMBER("INT_MAX", MAY, INT_MAX));
NUMBERS(failure, NUMBER("good", GOOD, CNN_ERROR_FORMAT), NUMBER("0", BAD, 0), NUMBER("-14", BAD, -14), LEAST, LARGEST);
#define NO_ENUM NUMBER("99", BAD, 99), MINUS_ONE, LEAST, LARGEST
NUMBERS(dtype, NUMBER("good", GOOD, CNN_F32), NUMBER("7", BAD, 7), NO_ENUM, NUMBER("float64", MAY, CNN_F64),
        NUMBER("bfloat16", MAY, CNN_BF16), NUMBER("int64", MAY, CNN_I64), NUMBER("uint8", MAY, CNN_U8), NUMBER("bool", MAY, CNN_BOOL));
NUMBERS(real, NUMBER("good", GOOD, CNN_F32), NUMBER("7", BAD, 7), NO_ENUM, NUMBER("float64", MAY, CNN_F64),
        NUMBER("bfloat16", BAD, CNN_BF16), NUMBER("int64", BAD, CNN_I64), NUMBER("bool", BAD, CNN_BOOL));
NUMBERS(floating, NUMBER("good", GOOD, CNN_BF16), NUMBER("7", BAD, 7), NO_ENUM, NUMBER("float64", MAY, CNN_F64),
        NUMBER("int64", BAD, CNN_I64), NUMBER("bool", BAD, CNN_BOOL));
NUMBERS(optimizer_option, NUMBER("good", GOOD, CNN_OPTION_EPS), NUMBER("10", BAD, 10), NUMBER("SGD's", BAD, CNN_OPTION_MOMENTUM),
        NO_ENUM);
NUMBERS(flag, NUMBER("good", GOOD, CNN_F32), NUMBER("7", BAD, 7), NO_ENUM, NUMBER("float64", MAY, CNN_F64),
        NUMBER("bfloat16", BAD, CNN_BF16), NUMBER("int64", BAD, CNN_I64), NUMBER("uint8", BAD, CNN_U8), NUMBER("bool", MAY, CNN_BOOL));
NUMBERS(mode, NUMBER("good", GOOD, CNN_TRAIN), NUMBER("4", BAD, 4), NO_ENUM);
NUMBERS(average, NUMBER("good", GOOD, CNN_AVERAGE_MICRO), NUMBER("3", BAD, 3), NO_ENUM);
NUMBERS(two_classes, NUMBER("good", GOOD, 2), NUMBER("0", BAD, 0), MINUS_ONE, LEAST);
NUMBERS(anomaly, NUMBER("good", GOOD, CNN_ANOMALY_NAN), NUMBER("3", BAD, 3), NO_ENUM);
NUMBERS(module_mode, NUMBER("good", GOOD, CNN_MODULE_EVALUATES), NUMBER("3", BAD, 3), NO_ENUM);
NUMBERS(class_number, NUMBER("good", GOOD, 9), NUMBER("10", BAD, 10), MINUS_ONE, LEAST);
NUMBERS(split, NUMBER("good", GOOD, CNN_MNIST_TEST), NUMBER("2", BAD, 2), NO_ENUM);
NUMBERS(bytes, NUMBER("good", GOOD, 24), NUMBER("0", BAD, 0), NUMBER("23", BAD, 23), NUMBER("25", BAD, 25),
        NUMBER("SIZE_MAX", BAD, -1));
NUMBERS(text_size, NUMBER("good", GOOD, 64), NUMBER("1", MAY, 1), NUMBER("0", MAY, 0));

#define NOT_FINITE REAL("NaN", BAD, NAN), REAL("inf", BAD, INFINITY), REAL("-inf", BAD, -INFINITY)
#define ANY_REAL REAL("NaN", MAY, NAN), REAL("inf", MAY, INFINITY), REAL("-inf", MAY, -INFINITY), REAL("1e308", MAY, 1e308)
NUMBERS(any_double, REAL("good", GOOD, 1), ANY_REAL, REAL("-1", MAY, -1));
NUMBERS(any_low, REAL("good", GOOD, 0), ANY_REAL);
NUMBERS(any_high, REAL("good", GOOD, 1), ANY_REAL);
NUMBERS(finite, REAL("good", GOOD, 0), NOT_FINITE, REAL("-1e308", BAD, -1e308));
NUMBERS(finite_end, REAL("good", GOOD, 3), NOT_FINITE, REAL("1e308", BAD, 1e308), REAL("-1", MAY, -1),
        REAL("1000", MAY, 1000));
NUMBERS(finite_step, REAL("good", GOOD, 1), NOT_FINITE, REAL("0", BAD, 0), REAL("1e-300", BAD, 1e-300), REAL("-1", MAY, -1));
NUMBERS(probability, REAL("good", GOOD, 0.5), NOT_FINITE, REAL("-0.1", BAD, -0.1), REAL("1.1", BAD, 1.1));
NUMBERS(cost, REAL("good", GOOD, 10), NOT_FINITE, REAL("-0.1", BAD, -0.1), REAL("0", MAY, 0), REAL("1e300", MAY, 1e300));
NUMBERS(rate, REAL("good", GOOD, 0.5), NOT_FINITE, REAL("-0.1", BAD, -0.1));
NUMBERS(positive_std, REAL("good", GOOD, 0.5), NOT_FINITE, REAL("-0.1", BAD, -0.1), REAL("0", BAD, 0), REAL("1e-30", BAD, 1e-30));
NUMBERS(largest, REAL("good", GOOD, 0.5), REAL("NaN", BAD, NAN), REAL("-inf", BAD, -INFINITY), REAL("inf", GOOD, INFINITY),
        REAL("-0.1", BAD, -0.1), REAL("0", GOOD, 0));
NUMBERS(any_finite, REAL("good", GOOD, 0.5), NOT_FINITE, REAL("-1", MAY, -1), REAL("1e308", MAY, 1e308));
NUMBERS(finite_low, REAL("good", GOOD, -1), NOT_FINITE, REAL("above high", BAD, 2));
NUMBERS(finite_high, REAL("good", GOOD, 1), NOT_FINITE, REAL("below low", BAD, -2));

/* ---- arrays of numbers ---- */

static const int64_t good_shape[8] = { 2, 3, 1, 1, 1, 1, 1, 1 };
static const int64_t shape_negative[8] = { 2, -5 }, shape_least[8] = { INT64_MIN, 3 };
static const int64_t shape_product[8] = { INT64_MAX, 2 }, shape_wraps[8] = { (int64_t)1 << 62, 8 };
static const int64_t shape_square[8] = { (int64_t)1 << 32, (int64_t)1 << 32 }, shape_inferred[8] = { -1, 3 };
static const int64_t shape_empty[8] = { 0, INT64_MAX }, shape_empty_wraps[8] = { 0, -1 };
NUMBERS(shape, ADDRESS("good", GOOD, good_shape), NO_POINTER, ADDRESS("[2,-5]", BAD, shape_negative),
        ADDRESS("[INT64_MIN,3]", BAD, shape_least), ADDRESS("[INT64_MAX,2]", BAD, shape_product),
        ADDRESS("[2^62,8]", BAD, shape_wraps), ADDRESS("[2^32,2^32]", BAD, shape_square),
        ADDRESS("[-1,3]", MAY, shape_inferred), ADDRESS("[0,INT64_MAX]", MAY, shape_empty),
        ADDRESS("[0,-1]", BAD, shape_empty_wraps));

static const int64_t good_strides[8] = { 3, 1, 1, 1, 1, 1, 1, 1 }, strides_overlap[8] = { 1, 1 }, strides_zero[8] = { 0, 0 };
static const int64_t strides_negative[8] = { -3, 1 }, strides_far[8] = { INT64_MAX, INT64_MAX };
NUMBERS(strides, ADDRESS("good", GOOD, good_strides), NO_POINTER, ADDRESS("[1,1]", BAD, strides_overlap),
        ADDRESS("[0,0]", BAD, strides_zero), ADDRESS("[-3,1]", BAD, strides_negative),
        ADDRESS("[INT64_MAX,INT64_MAX]", BAD, strides_far));

static const int good_dims[8] = { 1, 0 }, dims_twice[8] = { 0, 0 }, dims_again[8] = { 1, -1 }, dims_past[8] = { 2, 0 };
static const int dims_far[8] = { INT_MIN, INT_MAX }, dims_negative[8] = { -1, -2 }, dims_below[8] = { 0, -3 };
NUMBERS(dims, ADDRESS("good", GOOD, good_dims), NO_POINTER, ADDRESS("[0,0]", BAD, dims_twice),
        ADDRESS("[1,-1]", BAD, dims_again), ADDRESS("[2,0]", BAD, dims_past), ADDRESS("[0,-3]", BAD, dims_below),
        ADDRESS("[INT_MIN,INT_MAX]", BAD, dims_far), ADDRESS("[-1,-2]", MAY, dims_negative));

static const int64_t good_indices[2] = { 3, 0 }, indices_below[2] = { 0, -1 }, indices_past[2] = { 0, 4 };
static const int64_t indices_far[2] = { INT64_MIN, INT64_MAX };
NUMBERS(indices, ADDRESS("good", GOOD, good_indices), NO_POINTER, ADDRESS("[0,-1]", MAY, indices_below),
        ADDRESS("[0,4]", MAY, indices_past), ADDRESS("[INT64_MIN,INT64_MAX]", MAY, indices_far));

static const int64_t good_part[9] = { 2, 1, 1, 1, 1, 1, 1, 1, 1 }, part_negative[9] = { -2, 1, 1, 1, 1, 1, 1, 1, 1 };
NUMBERS(part, ADDRESS("good", GOOD, good_part), NO_POINTER, ADDRESS("[-2]", BAD, part_negative));
static const int64_t good_pads[18] = { 1, 2 }, pads_cut[18] = { -4, -4 }, pads_wrap[18] = { INT64_MIN, INT64_MAX },
                     pads_far[18] = { INT64_MAX, INT64_MAX };
NUMBERS(pads, ADDRESS("good", GOOD, good_pads), NO_POINTER, ADDRESS("[-4,-4]", BAD, pads_cut),
        ADDRESS("[INT64_MIN,INT64_MAX]", BAD, pads_wrap), ADDRESS("[INT64_MAX,INT64_MAX]", BAD, pads_far));
static const int64_t good_milestones[1] = { 4 }, milestone_zero[1] = { 0 }, milestone_far[1] = { INT64_MAX };
NUMBERS(milestones, ADDRESS("good", GOOD, good_milestones), NO_POINTER, ADDRESS("[0]", BAD, milestone_zero),
        ADDRESS("[INT64_MAX]", BAD, milestone_far));

static const int64_t good_sizes[] = { 1, 1 }, sizes_long[] = { 1, 2 }, sizes_below[] = { -1, 3 },
                     sizes_huge[] = { INT64_MAX, INT64_MAX };
NUMBERS(part_sizes, ADDRESS("good", GOOD, good_sizes), NO_POINTER, ADDRESS("[1,2]", BAD, sizes_long),
        ADDRESS("[-1,3]", BAD, sizes_below), ADDRESS("[INT64_MAX,INT64_MAX]", BAD, sizes_huge));

NUMBERS(equation, ADDRESS("good", GOOD, "ij,ij->i"), NO_POINTER, ADDRESS("empty", BAD, ""), ADDRESS("one term", MAY, "ij"),
        ADDRESS("a dot", BAD, "i.,j"), ADDRESS("a label twice", BAD, "ii,ij"), ADDRESS("three terms", BAD, "ij,jk,kl"),
        ADDRESS("an unknown label", BAD, "ij,ij->k"), ADDRESS("two arrows", BAD, "ij,ij->i->j"),
        ADDRESS("nine labels", BAD, "abcdefghi,ij"), ADDRESS("half an arrow", BAD, "ij,ij-i"));

static const double good_lengths[2] = { 0.25, 0.75 }, lengths_short[2] = { 1, 2 }, lengths_negative[2] = { 2, -1 };
static const double lengths_broken[2] = { 1.5, 2.5 }, lengths_no_number[2] = { NAN, 1 }, lengths_whole[2] = { 4, 0 };
NUMBERS(lengths, ADDRESS("good", GOOD, good_lengths), NO_POINTER, ADDRESS("[1,2]", MAY, lengths_short),
        ADDRESS("[2,-1]", BAD, lengths_negative), ADDRESS("[1.5,2.5]", BAD, lengths_broken),
        ADDRESS("[NaN,1]", BAD, lengths_no_number), ADDRESS("[4,0]", MAY, lengths_whole));

static const double good_weights[2] = { 1, 3 }, weights_negative[2] = { 2, -1 }, weights_no_number[2] = { NAN, 1 };
static const double weights_zero[2] = { 0, 0 }, weights_huge[2] = { 1.5e308, 1.5e308 };
NUMBERS(sample_weights, ADDRESS("good", GOOD, good_weights), NO_POINTER, ADDRESS("[2,-1]", BAD, weights_negative),
        ADDRESS("[NaN,1]", BAD, weights_no_number), ADDRESS("[0,0]", BAD, weights_zero), ADDRESS("[1.5e308,1.5e308]", BAD, weights_huge));

static const double good_mean[1] = { 0.1 }, good_std[1] = { 0.3 }, no_number[1] = { NAN }, infinite[1] = { INFINITY };
static const double nothing[1] = { 0 }, below[1] = { -1 };
NUMBERS(mean, ADDRESS("good", GOOD, good_mean), NO_POINTER, ADDRESS("NaN", BAD, no_number), ADDRESS("inf", BAD, infinite));
NUMBERS(std, ADDRESS("good", GOOD, good_std), NO_POINTER, ADDRESS("NaN", BAD, no_number), ADDRESS("inf", BAD, infinite),
        ADDRESS("0", BAD, nothing), ADDRESS("-1", BAD, below));

static _Alignas(64) unsigned char element_data[4096];
NUMBERS(data, ADDRESS("good", GOOD, element_data), NO_POINTER);

MAKER(scratch, w->scratch[w->outs++ % 4])
static const candidate outs[] = { MADE("good", GOOD, make_scratch, 0), NO_POINTER };
OBJECT(out, outs);
OBJECT(buffer, outs);
OBJECT(pieces, outs);
OBJECT(text, outs);
OBJECT(random, outs);

static const candidate users[] = { ADDRESS("good", GOOD, 0) };
OBJECT(user, users);

static const candidate deleters[] = { { "good", GOOD, NULL, { .f = (void (*)(void))delete_data }, 0 }, NO_POINTER };
OBJECT(deleter, deleters);

static void hear_gradient(cnn_tensor *parameter, void *user)
{
    (void)parameter;
    (void)user;
}
static const candidate gradient_fns[] = { { "good", GOOD, NULL, { .f = (void (*)(void))hear_gradient }, 0 }, NO_POINTER };
OBJECT(gradient_fn, gradient_fns);
static cnn_tensor *pass_gradient(cnn_tensor *grad, void *user)
{
    (void)user;
    return grad;
}
static const candidate hooks[] = { { "good", GOOD, NULL, { .f = (void (*)(void))pass_gradient }, 0 }, NO_POINTER };
OBJECT(hook_fn, hooks);
static const candidate functions[] = { { "good", GOOD, NULL, { .f = (void (*)(void))checked_function }, 0 }, NO_POINTER };
OBJECT(function, functions);
static const candidate belongings[] = { { "good", GOOD, NULL, { .f = (void (*)(void))belongs_always }, 0 }, NO_POINTER };
OBJECT(belongs, belongings);
static const candidate visits[] = { { "good", GOOD, NULL, { .f = (void (*)(void))visit_all }, 0 }, NO_POINTER };
OBJECT(visit, visits);
static const candidate range_fns[] = { { "good", GOOD, NULL, { .f = (void (*)(void))do_range }, 0 }, NO_POINTER };
OBJECT(range_fn, range_fns);

/* ---- names and paths ---- */

static char long_text[5001];
static value make_long(world *w, const kind *k)
{
    (void)w;
    (void)k;
    memset(long_text, 'x', sizeof long_text - 1);
    return pointer(long_text);
}

NUMBERS(new_name, ADDRESS("good", GOOD, "fresh"), NO_POINTER, ADDRESS("empty", BAD, ""), ADDRESS("a.b", BAD, "a.b"),
        ADDRESS("used already", BAD, "0"), MADE("5000 letters", MAY, make_long, 0), ADDRESS("newline", MAY, "a\nb"));
NUMBERS(any_name, ADDRESS("good", GOOD, "fresh"), NO_POINTER, ADDRESS("empty", MAY, ""), ADDRESS("newline", MAY, "a\nb"),
        MADE("5000 letters", MAY, make_long, 0));
NUMBERS(known_name, ADDRESS("good", GOOD, "0.weight"), NO_POINTER, ADDRESS("empty", BAD, ""), ADDRESS("no name", BAD, "nope"),
        ADDRESS(".", BAD, "."), ADDRESS("0.", BAD, "0."), ADDRESS(".weight", BAD, ".weight"), ADDRESS("format", BAD, "%s%n"),
        MADE("5000 letters", BAD, make_long, 0));

NUMBERS(known_key, ADDRESS("good", GOOD, "format"), NO_POINTER, ADDRESS("empty", BAD, ""), ADDRESS("no key", BAD, "nope"),
        MADE("5000 letters", BAD, make_long, 0));

MAKER(file, (making->variant == 0   ? world_file("module")
             : making->variant == 1 ? world_file("checkpoint")
             : making->variant == 2 ? world_file("train-images-idx3-ubyte")
             : making->variant == 3 ? world_file("garbage")
             : making->variant == 4 ? world_file("out")
                                    : world_file(".")))
#define WRONG_FILES                                                                                      \
    NO_POINTER, ADDRESS("empty", BAD, ""), ADDRESS("in no folder", BAD, "/nonexistent/folder/file"),     \
        MADE("a folder", BAD, make_file, 5), MADE("5000 letters", BAD, make_long, 0)
#define WRONG_INPUTS WRONG_FILES, MADE("garbage", BAD, make_file, 3), ADDRESS("no file", BAD, "/nonexistent")
NUMBERS(save_path, MADE("good", GOOD, make_file, 4), WRONG_FILES);
NUMBERS(module_path, MADE("good", GOOD, make_file, 0), WRONG_INPUTS);
NUMBERS(checkpoint_path, MADE("good", GOOD, make_file, 1), WRONG_INPUTS, MADE("not a checkpoint", BAD, make_file, 0));
NUMBERS(idx_path, MADE("good", GOOD, make_file, 2), WRONG_INPUTS);
NUMBERS(directory, MADE("good", GOOD, make_file, 5), NO_POINTER, ADDRESS("empty", BAD, ""),
        ADDRESS("no folder", BAD, "/nonexistent"), MADE("a file", BAD, make_file, 3), MADE("5000 letters", BAD, make_long, 0));

static const char *const good_names[] = { "a", "b" }, *const names_null[] = { "a", NULL }, *const names_twice[] = { "a", "a" };
static const char *const names_reserved[] = { "__metadata__", "b" }, *const names_utf8[] = { "\xff\xfe", "b" };
NUMBERS(names, ADDRESS("good", GOOD, good_names), NO_POINTER, ADDRESS("[a, NULL]", BAD, names_null),
        ADDRESS("[a, a]", BAD, names_twice), ADDRESS("[__metadata__, b]", BAD, names_reserved),
        ADDRESS("no UTF-8", BAD, names_utf8));

/* ---- devices and back ends ---- */

NUMBERS(device, NUMBER("good", GOOD, 0), MINUS_ONE, NUMBER("past the end", BAD, 100), LEAST, LARGEST);
NUMBERS(backend_path, ADDRESS("good", GOOD, LATE_FILE), WRONG_INPUTS, MADE("no shared object", BAD, make_file, 0));

static int no_devices(void)
{
    return 0;
}

static bool no_properties(int index, cnn_device_properties *properties)
{
    (void)index, (void)properties;
    return false;
}

static void *no_queue(int index, char *message, size_t message_size)
{
    (void)index;
    snprintf(message, message_size, "there is none");
    return NULL;
}

/* A whole back end without devices, so nothing but these three functions is ever called. */
#define EMPTY_BACKEND(version, its_name, its_count)                                                           \
    {                                                                                                         \
        .struct_size = sizeof(cnn_backend), .api_version = (version), .name = (its_name), .count = its_count, \
        .properties = no_properties, .open = no_queue, .close = never_close, .allocate = never_allocate,      \
        .deallocate = never_deallocate, .supports = never_supports, .workspace = never_workspace,             \
        .launch = never_launch, .write = never_write, .copy = never_copy, .read = never_read, .wait = never_wait \
    }
static void never_close(void *queue) { (void)queue; abort(); }
static void *never_allocate(void *queue, size_t bytes) { (void)queue, (void)bytes; abort(); }
static void never_deallocate(void *queue, void *address, size_t bytes) { (void)queue, (void)address, (void)bytes; abort(); }
static bool never_supports(void *queue, cnn_kernel kernel, cnn_dtype dtype) { (void)queue, (void)kernel, (void)dtype; abort(); }
static size_t never_workspace(void *queue, const cnn_launch *launch) { (void)queue, (void)launch; abort(); }
static bool never_launch(void *queue, const cnn_launch *launch) { (void)queue, (void)launch; abort(); }
static bool never_write(void *queue, void *to, const void *from, size_t bytes, uint64_t number)
{
    (void)queue, (void)to, (void)from, (void)bytes, (void)number;
    abort();
}
#define never_copy never_write
#define never_read never_write
static bool never_wait(void *queue, uint64_t number, cnn_backend_failure *failure)
{
    (void)queue, (void)number, (void)failure;
    abort();
}
static const cnn_backend good_backend = EMPTY_BACKEND(CNN_BACKEND_VERSION, "empty", no_devices),
                         old_backend = EMPTY_BACKEND(CNN_BACKEND_VERSION - 1, "old", no_devices),
                         nameless_backend = EMPTY_BACKEND(CNN_BACKEND_VERSION, NULL, no_devices),
                         cpu_backend = EMPTY_BACKEND(CNN_BACKEND_VERSION, "cpu", no_devices),
                         loud_backend = EMPTY_BACKEND(CNN_BACKEND_VERSION, "LOUD", no_devices),
                         second_backend = EMPTY_BACKEND(CNN_BACKEND_VERSION, "empty", no_devices),
                         countless_backend = EMPTY_BACKEND(CNN_BACKEND_VERSION, "countless", NULL), zero_backend;
NUMBERS(backend, ADDRESS("good", GOOD, &good_backend), NO_POINTER, ADDRESS("all zero", BAD, &zero_backend),
        ADDRESS("of another version", BAD, &old_backend), ADDRESS("without a name", BAD, &nameless_backend),
        ADDRESS("named cpu", BAD, &cpu_backend), ADDRESS("in capitals", BAD, &loud_backend),
        ADDRESS("of a taken name", BAD, &second_backend), ADDRESS("without a function", BAD, &countless_backend));

static float filled[4];
static const cnn_fill_parameters fill = { 1 };
#define FILL(its_size, its_kernel)                                                                               \
    { .struct_size = (its_size), .kernel = (its_kernel), .dtype = CNN_F32, .count = 4, .parameters = &fill,      \
      .parameters_size = sizeof fill, .out = { filled } }
static const cnn_launch good_launch = FILL(sizeof(cnn_launch), CNN_KERNEL_FILL), sizeless_launch = FILL(0, CNN_KERNEL_FILL),
                        unknown_launch = FILL(sizeof(cnn_launch), CNN_KERNEL_LIMIT),
                        between_launch = FILL(sizeof(cnn_launch), (cnn_kernel)(CNN_KERNEL_FAMILY - 1)),
                        negative_launch = FILL(sizeof(cnn_launch), (cnn_kernel)-1);
NUMBERS(launch, ADDRESS("good", GOOD, &good_launch), NO_POINTER, ADDRESS("without a size", BAD, &sizeless_launch),
        ADDRESS("of no kernel", BAD, &unknown_launch), ADDRESS("between families", BAD, &between_launch), ADDRESS("of kernel -1", BAD, &negative_launch));

static cnn_backend_failure good_failure = { .struct_size = sizeof good_failure }, sizeless_failure;
NUMBERS(backend_failure, ADDRESS("good", GOOD, &good_failure), NO_POINTER, ADDRESS("without a size", BAD, &sizeless_failure));

/* What the call writes: all that it is given the size of, and nothing behind it. */
static value make_properties(world *w, const kind *k)
{
    static const size_t sizes[] = { sizeof(cnn_device_properties), 0, 1, sizeof(size_t), SIZE_MAX, SIZE_MAX / 2, 1 << 20, 48 };
    static struct {
        cnn_device_properties p;
        char behind[32];
    } properties;
    (void)w, (void)k;
    memset(&properties, 0, sizeof properties);
    properties.p.struct_size = sizes[making->variant];
    return pointer(&properties);
}
NUMBERS(device_properties, MADE("good", GOOD, make_properties, 0), NO_POINTER, MADE("struct_size 0", BAD, make_properties, 1),
        MADE("struct_size 1", BAD, make_properties, 2), MADE("struct_size covers no field", BAD, make_properties, 3),
        MADE("struct_size SIZE_MAX", BAD, make_properties, 4), MADE("struct_size SIZE_MAX / 2", BAD, make_properties, 5),
        MADE("struct_size 2^20", BAD, make_properties, 6), MADE("an older struct", MAY, make_properties, 7));

/* ---- options ---- */

static void *new_options(world *w, const kind *k)
{
    void *options = w->options[w->option_count++ % 4];
    memset(options, 0, 2 * SCRATCH);
    memcpy(options, &k->size, sizeof k->size);
    k->init(w, options);
    return options;
}

static value good_options(world *w, const kind *k)
{
    return pointer(new_options(w, k));
}

static value sized_options(world *w, const kind *k)
{
    unsigned char *options = new_options(w, k);
    const size_t sizes[] = { 0, 1, sizeof(size_t), k->size - 1, SIZE_MAX, SIZE_MAX / 2, 1 << 20 };
    memcpy(options, &sizes[making->variant], sizeof(size_t));
    return pointer(options);
}

static value tailed_options(world *w, const kind *k)
{
    unsigned char *options = new_options(w, k);
    size_t size = k->size + 16;
    memcpy(options, &size, sizeof size);
    options[k->size + 9] = (unsigned char)making->variant;
    return pointer(options);
}

static const candidate option_candidates[] = {
    MADE("good", GOOD, good_options, 0), NO_POINTER, MADE("struct_size 0", BAD, sized_options, 0),
    MADE("struct_size 1", BAD, sized_options, 1), MADE("struct_size covers no field", BAD, sized_options, 2),
    MADE("struct_size cuts a field", BAD, sized_options, 3), MADE("struct_size SIZE_MAX", BAD, sized_options, 4),
    MADE("struct_size SIZE_MAX / 2", BAD, sized_options, 5), MADE("struct_size 2^20", BAD, sized_options, 6),
    MADE("newer, tail zero", GOOD, tailed_options, 0), MADE("newer, tail set", BAD, tailed_options, 1)
};

#define OPTIONS(name, type, ...)                                                                              \
    static void init_##name(world *w, void *options)                                                          \
    {                                                                                                         \
        (void)w;                                                                                              \
        *(type *)options = (type){ .struct_size = sizeof(type), __VA_ARGS__ };                                \
    }                                                                                                         \
    static const kind kind_##name = { #name, CANDIDATES(option_candidates), 0, 0, { 0 }, false, false,        \
                                      init_##name, sizeof(type) }
OPTIONS(context_options, cnn_context_options, .threads = 1);
#define CNN_LAYER(name, options, needs, create, sample, ...) \
    OPTIONS(options##_options, cnn_##options##_options, __VA_ARGS__);
#include "ops/ops.def"
OPTIONS(pad_options, cnn_pad_options, .value = 1);
OPTIONS(interpolate_options, cnn_interpolate_options, .size = 3);
OPTIONS(module_options, cnn_module_options, .forward = forward_user, .user = w, .free_user = free_user);
#define CNN_OPTIMIZER(name, type, needs) OPTIONS(name##_options, cnn_##type##_options, .lr = 0.1);
#include "optimizers.def"
OPTIONS(step_lr_options, cnn_step_lr_options, .step_size = 3);
OPTIONS(multi_step_lr_options, cnn_multi_step_lr_options, .milestones = good_milestones, .milestone_count = 1);
OPTIONS(constant_lr_options, cnn_constant_lr_options, .factor = 0.5);
OPTIONS(linear_lr_options, cnn_linear_lr_options, .start_factor = 0.5);
OPTIONS(exponential_lr_options, cnn_exponential_lr_options, .gamma = 0.5);
OPTIONS(polynomial_lr_options, cnn_polynomial_lr_options, .power = 2);
OPTIONS(cosine_annealing_lr_options, cnn_cosine_annealing_lr_options, .T_max = 3);
OPTIONS(cosine_annealing_warm_restarts_options, cnn_cosine_annealing_warm_restarts_options, .T_0 = 3);
OPTIONS(one_cycle_lr_options, cnn_one_cycle_lr_options, .max_lr = 0.5, .total_steps = 3);
static double half(int64_t epoch, int group, void *user)
{
    (void)epoch, (void)group, (void)user;
    return 0.5;
}
OPTIONS(lambda_lr_options, cnn_lambda_lr_options, .lr_lambda = half);
OPTIONS(reduce_lr_on_plateau_options, cnn_reduce_lr_on_plateau_options, .patience = 3);
OPTIONS(clip_grad_norm_options, cnn_clip_grad_norm_options, .norm_type = 1);
OPTIONS(ema_options, cnn_ema_options, .decay = 0.5);
OPTIONS(kaiming_options, cnn_kaiming_options, .a = 0.5);
OPTIONS(norm_options, cnn_norm_options, .eps = 0.1);
OPTIONS(scaled_dot_product_attention_options, cnn_scaled_dot_product_attention_options, .is_causal = true);
OPTIONS(loader_options, cnn_loader_options, .no_background = true);
OPTIONS(pad_collate_options, cnn_pad_collate_options, .value = 1);
OPTIONS(sampler_callbacks, cnn_sampler_callbacks, .count = 2, .order = get_order, .free_user = free_user, .user = w);
OPTIONS(cross_entropy_options, cnn_cross_entropy_options, .label_smoothing = 0.1);
OPTIONS(loss_options, cnn_loss_options, .reduction = CNN_REDUCE_SUM);
OPTIONS(smooth_l1_loss_options, cnn_smooth_l1_loss_options, .beta = 0.5);
OPTIONS(huber_loss_options, cnn_huber_loss_options, .delta = 0.5);
OPTIONS(bce_options, cnn_bce_options, .reduction = CNN_REDUCE_SUM);
OPTIONS(bce_with_logits_options, cnn_bce_with_logits_options, .reduction = CNN_REDUCE_SUM);
OPTIONS(kl_div_options, cnn_kl_div_options, .reduction = CNN_REDUCE_BATCH_MEAN);
OPTIONS(poisson_nll_loss_options, cnn_poisson_nll_loss_options, .full = true);
OPTIONS(gaussian_nll_loss_options, cnn_gaussian_nll_loss_options, .full = true);
OPTIONS(margin_loss_options, cnn_margin_loss_options, .margin = 0.5);
OPTIONS(triplet_margin_loss_options, cnn_triplet_margin_loss_options, .swap = true);
OPTIONS(nll_loss_options, cnn_nll_loss_options, .has_ignore_index = true);
OPTIONS(multi_margin_loss_options, cnn_multi_margin_loss_options, .p = 2);
OPTIONS(ctc_loss_options, cnn_ctc_loss_options, .blank = 1);
OPTIONS(grad_options, cnn_grad_options, .retain_graph = true);
OPTIONS(gradcheck_options, cnn_gradcheck_options, .eps = 1e-6);
OPTIONS(custom_op, cnn_custom_op, .name = "copy", .infer = infer_like_first, .forward = forward_copy);
OPTIONS(load_options, cnn_load_options, .partial = true, .strip_prefix = "module.");
OPTIONS(checkpoint, cnn_checkpoint, .module = module_of(w), .optimizer = optimizer_of(w), .scheduler = NULL, .epoch = 3);
static const int64_t callback_shape[] = { 1, 4, 4 };
OPTIONS(dataset_callbacks, cnn_dataset_callbacks, .size = 4, .image_ndim = 3, .image_shape = callback_shape,
        .label_dtype = CNN_I64, .get = get_sample, .free_user = free_user, .user = w);

/* ---- augmentation ---- */


MAKER(augmentation, keep(w, cnn_augmentation_new(context_of(w)), release_augmentation))
static value used_augmentation(world *w, const kind *k)
{
    value a = make_augmentation(w, k);
    keep(w, cnn_dataset_augment(new_dataset(w), a.p), release_dataset);
    return a;
}

/* A call that adds has failed. */
static value failed_augmentation(world *w, const kind *k)
{
    value a = make_augmentation(w, k);
    cnn_augment_random_crop(a.p, 0, 0);
    return a;
}
static value foreign_augmentation(world *w, const kind *k)
{
    (void)k;
    return pointer(keep(w, cnn_augmentation_new(other_context_of(w)), release_augmentation));
}
static const candidate augmentations[] = { MADE("good", GOOD, make_augmentation, 0), NO_POINTER,
                                           MADE("used by a dataset", BAD, used_augmentation, 0) };
OBJECT(augmentation, augmentations);
static const candidate any_augmentations[] = { MADE("good", GOOD, make_augmentation, 0), NO_POINTER,
                                               MADE("used by a dataset", GOOD, used_augmentation, 0),
                                               MADE("with a failure", BAD, failed_augmentation, 0),
                                               MADE("of another context", BAD, foreign_augmentation, 0) };
OBJECT(any_augmentation, any_augmentations);
static const candidate free_augmentations[] = { MADE("good", GOOD, make_augmentation, 0), NO_POINTER };
OBJECT(free_augmentation, free_augmentations);

static cnn_random_source numbers_of_a_sample;
static const candidate random_sources[] = { ADDRESS("good", GOOD, &numbers_of_a_sample), NO_POINTER };
OBJECT(random_source, random_sources);
static cnn_status transform_nothing(float *image, int64_t channels, int64_t height, int64_t width, cnn_random_source *random,
                                    void *user)
{
    (void)image, (void)channels, (void)height, (void)width, (void)random, (void)user;
    return CNN_OK;
}
static const candidate transforms[] = { { "good", GOOD, NULL, { .f = (void (*)(void))transform_nothing }, 0 }, NO_POINTER };
OBJECT(transform_fn, transforms);
static void free_nothing(void *user)
{
    (void)user;
}
static const candidate free_functions[] = { ADDRESS("none", GOOD, 0), { "good", GOOD, NULL, { .f = (void (*)(void))free_nothing }, 0 } };
OBJECT(any_function, free_functions);
NUMBERS(side, NUMBER("good", GOOD, 3), NUMBER("0", BAD, 0), MINUS_ONE, LEAST64, LARGEST64, NUMBER("2^21", BAD, (int64_t)1 << 21));
NUMBERS(pixels, NUMBER("good", GOOD, 3), NUMBER("0", GOOD, 0), MINUS_ONE, LEAST64, LARGEST64);
NUMBERS(degrees, REAL("good", GOOD, 10), NOT_FINITE, REAL("1e9", BAD, 1e9));
NUMBERS(rate_of_beta, REAL("good", GOOD, 0.5), NOT_FINITE, REAL("0", BAD, 0), REAL("-1", BAD, -1), REAL("1e-30", MAY, 1e-30));
NUMBERS(crop_mode, NUMBER("good", GOOD, CNN_PAD_REFLECT), NUMBER("circular", BAD, CNN_PAD_CIRCULAR), NO_ENUM);
OPTIONS(random_crop_options, cnn_random_crop_options, .padding = 2);
OPTIONS(resize_options, cnn_resize_options, .nearest = true);
OPTIONS(random_resized_crop_options, cnn_random_resized_crop_options, .nearest = true);
OPTIONS(random_rotation_options, cnn_random_rotation_options, .bilinear = true);
OPTIONS(random_affine_options, cnn_random_affine_options, .bilinear = true);
OPTIONS(color_jitter_options, cnn_color_jitter_options, .hue = 0.1);
OPTIONS(random_erasing_options, cnn_random_erasing_options, .p = 1);

#endif
