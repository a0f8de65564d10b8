/* The numbers, arrays of numbers, names, paths, devices and back ends that calls are tried with (bad_values.h). */
#ifndef CNN_TESTS_TRUST_BAD_NUMBERS_H
#define CNN_TESTS_TRUST_BAD_NUMBERS_H

#include "bad_tensors.h"

#define OBJECT(name, list) static const kind kind_##name = { #name, CANDIDATES(list), 0, 0, { 0 }, false, false, NULL, 0 }
#define MAKER(name, expression)                         \
    static value make_##name(world *w, const kind *k)   \
    {                                                   \
        (void)w;                                        \
        (void)k;                                        \
        return pointer(expression);                     \
    }

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
NUMBERS(count_of_inputs, NUMBER("good", GOOD, 1), MINUS_ONE, LEAST);
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
NUMBERS(profile_table, NUMBER("good", GOOD, CNN_PROFILE_MODULES), NUMBER("2", BAD, 2), NO_ENUM);
NUMBERS(event, NUMBER("good", GOOD, 0), NUMBER("-1", BAD, -1), NUMBER("the smallest", BAD, INT64_MIN), NUMBER("past the end", MAY, INT64_MAX));
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
             : making->variant == 6 ? world_file("array.npy")
                                    : world_file(".")))
#define WRONG_FILES                                                                                      \
    NO_POINTER, ADDRESS("empty", BAD, ""), ADDRESS("in no folder", BAD, "/nonexistent/folder/file"),     \
        MADE("a folder", BAD, make_file, 5), MADE("5000 letters", BAD, make_long, 0)
#define WRONG_INPUTS WRONG_FILES, MADE("garbage", BAD, make_file, 3), ADDRESS("no file", BAD, "/nonexistent")
NUMBERS(save_path, MADE("good", GOOD, make_file, 4), WRONG_FILES);
NUMBERS(module_path, MADE("good", GOOD, make_file, 0), WRONG_INPUTS);
NUMBERS(checkpoint_path, MADE("good", GOOD, make_file, 1), WRONG_INPUTS, MADE("not a checkpoint", BAD, make_file, 0));
NUMBERS(npy_path, MADE("good", GOOD, make_file, 6), WRONG_INPUTS, MADE("no array", BAD, make_file, 0));
NUMBERS(idx_path, MADE("good", GOOD, make_file, 2), WRONG_INPUTS);
NUMBERS(directory, MADE("good", GOOD, make_file, 5), NO_POINTER, ADDRESS("empty", BAD, ""),
        ADDRESS("no folder", BAD, "/nonexistent"), MADE("a file", BAD, make_file, 3), MADE("5000 letters", BAD, make_long, 0));

static const char *const good_names[] = { "a", "b" }, *const names_null[] = { "a", NULL }, *const names_twice[] = { "a", "a" };
static const char *const names_reserved[] = { "__metadata__", "b" }, *const names_utf8[] = { "\xff\xfe", "b" };
NUMBERS(names, ADDRESS("good", GOOD, good_names), NO_POINTER, ADDRESS("[a, NULL]", BAD, names_null),
        ADDRESS("[a, a]", BAD, names_twice), ADDRESS("[__metadata__, b]", BAD, names_reserved),
        ADDRESS("no UTF-8", BAD, names_utf8));
NUMBERS(npz_names, ADDRESS("good", GOOD, good_names), NO_POINTER, ADDRESS("[a, NULL]", BAD, names_null),
        ADDRESS("[a, a]", BAD, names_twice), ADDRESS("[__metadata__, b]", MAY, names_reserved),
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

static value make_predictor_value(world *w, const kind *k)
{
    static const size_t sizes[] = { sizeof(cnn_predictor_value), 0, 1, SIZE_MAX, SIZE_MAX / 2 };
    static cnn_predictor_value v;
    (void)w, (void)k;
    v.struct_size = sizes[making->variant];
    return pointer(&v);
}
NUMBERS(predictor_value, MADE("good", GOOD, make_predictor_value, 0), NO_POINTER, MADE("struct_size 0", BAD, make_predictor_value, 1),
        MADE("struct_size 1", BAD, make_predictor_value, 2), MADE("struct_size SIZE_MAX", BAD, make_predictor_value, 3),
        MADE("struct_size SIZE_MAX / 2", BAD, make_predictor_value, 4));

#endif
