/* Weights and checkpoints: what is restored, bit for bit, and which files are refused without changing anything. */
#include "io/checkpoint.h"
#include "support/fixtures.h"
#include "support/io.h"

/* ---- modules ---- */

START_TEST(a_modules_state_comes_back)
{
    cnn_module *a = make_model(4), *b = make_model(4);
    size_t size;
    unsigned char *state = state_of(a, &size);
    ck_assert_int_eq(cnn_module_save(a, in_folder("m")), CNN_OK);
    ck_assert_int_eq(cnn_module_load(b, in_folder("m")), CNN_OK);
    assert_state(b, state, size);
    cnn_tensor *w = cnn_tensor_load(ctx, in_folder("m"), "0.weight");
    assert_same(w, cnn_module_find(a, "0.weight"));
    cnn_tensor_free(w);
    ck_assert_int_eq(folder_count(false), 1);
    free(state);
    cnn_module_free(a);
    cnn_module_free(b);
}
END_TEST

/* Replaces a piece of text within a file by one of the same length. */
static void patch(const char *path, const char *from, const char *to)
{
    size_t size;
    unsigned char *data = file_get(path, &size);
    ck_assert_uint_eq(strlen(from), strlen(to));
    unsigned char *at = memmem(data, size, from, strlen(from));
    ck_assert_msg(at, "%s", from);
    memcpy(at, to, strlen(to));
    file_put(path, data, size);
    free(data);
}

START_TEST(a_load_that_does_not_fit_changes_nothing)
{
    cnn_module *small = make_model(4), *large = make_model(5), *layer = cnn_linear_new(ctx, 32, 4),
               *longer = cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 1, 2, 3), cnn_relu_new(ctx), cnn_flatten_new(ctx),
                                            cnn_linear_new(ctx, 32, 4)),
               *wide = cnn_linear_new(ctx, 32, 4, .dtype = CNN_F64);
    cnn_module *square = cnn_conv2d_new(ctx, 32, 4, 1), *no_bias = cnn_linear_new(ctx, 32, 4, .no_bias = true);
    cnn_module *all[] = { small, large, layer, longer, wide, square, no_bias };
    enum { ALL = sizeof all / sizeof *all };
    size_t size[ALL];
    unsigned char *state[ALL];
    for (int i = 0; i < ALL; i++) {
        state[i] = state_of(all[i], &size[i]);
    }
    ck_assert_int_eq(cnn_module_save(small, in_folder("small")), CNN_OK);
    ck_assert_int_eq(cnn_module_save(layer, in_folder("layer")), CNN_OK);
    assert_error(cnn_module_load(large, in_folder("small")), CNN_ERROR_MISMATCH,
                 ": 3 tensors do not fit (3 mismatched): \"3.weight\" is F32 [4,32], expected float32 [5,32]; "
                 "\"3.bias\" is F32 [4], expected float32 [5]; \"4.weight\" is F32 [3,4], expected float32 [3,5]");
    assert_error(cnn_module_load(layer, in_folder("small")), CNN_ERROR_MISMATCH,
                 ": 8 tensors do not fit (2 missing, 6 unexpected): missing \"weight\"; missing \"bias\"; "
                 "unexpected \"0.bias\"; unexpected \"0.weight\"; unexpected \"3.bias\"");
    assert_error(cnn_module_load(small, in_folder("layer")), CNN_ERROR_MISMATCH,
                 "; missing \"4.bias\"; unexpected \"bias\"; unexpected \"weight\"");
    assert_error(cnn_module_load(longer, in_folder("small")), CNN_ERROR_MISMATCH,
                 "(2 unexpected): unexpected \"4.bias\"; unexpected \"4.weight\"");
    assert_error(cnn_module_load(square, in_folder("layer")), CNN_ERROR_MISMATCH,
                 "\"weight\" has shape [4,32], expected [4,32,1,1]");
    /* Where one tensor is wrong, its byte is told too. */
    assert_error(cnn_module_load(no_bias, in_folder("layer")), CNN_ERROR_MISMATCH,
                 ": byte 41: tensor \"bias\" is not expected: there is nothing of that name to load it into");
    ck_assert_int_eq(cnn_module_save(no_bias, in_folder("no bias")), CNN_OK);
    assert_error(cnn_module_load(layer, in_folder("no bias")), CNN_ERROR_MISMATCH,
                 "there is no tensor \"bias\" in the file, expected one");
    ck_assert_int_eq(cnn_module_save(wide, in_folder("wide")), CNN_OK);
    assert_error(cnn_module_load(layer, in_folder("wide")), CNN_ERROR_MISMATCH,
                 "\"weight\" is F64 [4,32], expected float32 [4,32]; \"bias\" is F64 [4], expected float32 [4]");
    /* A checkpoint of the larger model: only what is the optimizer's may be left over. */
    cnn_checkpoint c = { .struct_size = sizeof c, .module = small };
    ck_assert_int_eq(cnn_checkpoint_save(&c, in_folder("c")), CNN_OK);
    assert_error(cnn_module_load(longer, in_folder("c")), CNN_ERROR_MISMATCH, "(2 unexpected): unexpected \"4.bias\"");
    cnn_tensor *half = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(4, 32)), *halves[] = { half };
    const char *const name[] = { "weight" };
    ck_assert_int_eq(cnn_tensors_save(name, halves, 1, in_folder("half")), CNN_OK);
    patch(in_folder("half"), "\"dtype\":\"F32\",\"shape\":[4,32]", "\"dtype\":\"I32\",\"shape\":[4,32]");
    assert_error(cnn_module_load(no_bias, in_folder("half")), CNN_ERROR_MISMATCH,
                 "\"weight\" is I32, expected float32");
    cnn_tensor_free(half);
    assert_error(cnn_module_load(small, in_folder("none")), CNN_ERROR_NOT_FOUND, "No such file");
    assert_error(cnn_module_load(NULL, in_folder("small")), CNN_ERROR_INVALID_ARGUMENT, "module is NULL");
    assert_error(cnn_module_load(small, NULL), CNN_ERROR_INVALID_ARGUMENT, "path is NULL");
    assert_error(cnn_module_save(NULL, in_folder("small")), CNN_ERROR_INVALID_ARGUMENT, "module is NULL");
    assert_error(cnn_module_save(small, NULL), CNN_ERROR_INVALID_ARGUMENT, "path is NULL");
    for (int i = 0; i < ALL; i++) {
        assert_state(all[i], state[i], size[i]);
        free(state[i]);
        cnn_module_free(all[i]);
    }
}
END_TEST

START_TEST(a_cut_weights_file_changes_nothing)
{
    cnn_module *model = make_model(2), *other = make_model(2);
    size_t size, file_size;
    unsigned char *state = state_of(other, &size);
    ck_assert_int_eq(cnn_module_save(model, in_folder("m")), CNN_OK);
    unsigned char *file = file_get(in_folder("m"), &file_size);
    for (size_t cut = 0; cut < file_size; cut++) {
        file_put(in_folder("cut"), file, cut);
        assert_error(cnn_module_load(other, in_folder("cut")), CNN_ERROR_FORMAT, ": byte ");
    }
    assert_state(other, state, size);
    free(file);
    free(state);
    cnn_module_free(model);
    cnn_module_free(other);
}
END_TEST

/* ---- checkpoints ---- */

/* Training on from a checkpoint in a new context equals training without a break, to the last bit. */
START_TEST(a_resumed_run_continues_to_the_bit)
{
    for (int k = 0; k < KINDS; k++) {
        cnn_module *model = make_model(4);
        cnn_optimizer *optimizer = make_optimizer((kind)k, model);
        train(model, optimizer, 3);
        ck_assert_int_eq(cnn_optimizer_set_lr(optimizer, 0, 0.0123456789), CNN_OK);
        ck_assert_int_eq(save_checkpoint(model, optimizer, 3, in_folder("c")), CNN_OK);
        train(model, optimizer, 3);
        size_t size;
        unsigned char *state = state_of(model, &size);
        cnn_optimizer_free(optimizer);
        cnn_module_free(model);

        cnn_context *first = ctx;
        ctx = cnn_context_new(.seed = 99, .threads = 1);
        model = make_model(4);
        optimizer = make_optimizer((kind)k, model);
        train(model, optimizer, 1);
        int64_t epoch;
        ck_assert_msg(load_checkpoint(model, optimizer, &epoch, in_folder("c")) == CNN_OK, "%s", cnn_last_error(ctx));
        ck_assert_int_eq((int)epoch, 3);
        ck_assert_int_eq((int)cnn_optimizer_step_count(optimizer), 3);
        ck_assert_double_eq(cnn_optimizer_lr(optimizer, 0), 0.0123456789);
        train(model, optimizer, 3);
        assert_state(model, state, size);
        free(state);
        cnn_optimizer_free(optimizer);
        cnn_module_free(model);
        cnn_context_free(ctx);
        ctx = first;
    }
}
END_TEST

START_TEST(a_checkpoint_is_a_weights_file_too)
{
    cnn_module *model = make_model(4), *other = make_model(4);
    cnn_optimizer *adam = make_optimizer(ADAMW, model), *fresh = make_optimizer(ADAMW, other);
    train(model, adam, 2);
    size_t size;
    unsigned char *state = state_of(model, &size);
    ck_assert_int_eq(save_checkpoint(model, adam, 1, in_folder("c")), CNN_OK);
    ck_assert_int_eq(cnn_module_load(other, in_folder("c")), CNN_OK);
    assert_state(other, state, size);
    ck_assert_int_eq((int)cnn_optimizer_step_count(fresh), 0);
    ck_assert_int_eq(load_checkpoint(other, NULL, NULL, in_folder("c")), CNN_OK);
    cnn_tensor *moment = cnn_tensor_load(ctx, in_folder("c"), "optimizer.3.weight.exp_avg_sq");
    ck_assert_ptr_nonnull(moment);
    ck_assert(cnn_tensor_numel(moment) == 4 * 32);
    cnn_tensor_free(moment);
    /* A plain file with such names is not one. */
    cnn_tensor *zero = cnn_tensor_zeros(ctx, CNN_F32, CNN_SCALAR);
    const char *name = "optimizer.x";
    cnn_module *empty = cnn_relu_new(ctx);
    ck_assert_int_eq(cnn_tensors_save(&name, &zero, 1, in_folder("p")), CNN_OK);
    assert_error(cnn_module_load(empty, in_folder("p")), CNN_ERROR_MISMATCH, "\"optimizer.x\" is not expected");
    cnn_module_free(empty);
    cnn_tensor_free(zero);
    free(state);
    cnn_optimizer_free(adam);
    cnn_optimizer_free(fresh);
    cnn_module_free(model);
    cnn_module_free(other);
}
END_TEST

START_TEST(a_checkpoint_that_does_not_fit_changes_nothing)
{
    cnn_module *model = make_model(4), *larger = make_model(6), *other = make_model(4);
    cnn_optimizer *adam = make_optimizer(ADAM, model), *larger_adam = make_optimizer(ADAM, larger),
                  *adamw = make_optimizer(ADAMW, other), *sgd = make_optimizer(SGD, other),
                  *plain = cnn_adam_new(other, .lr = 1e-2), *plain_of_model = cnn_adam_new(model, .lr = 1e-2), *groups = make_optimizer(ADAM, other);
    train(model, adam, 1);
    train(other, sgd, 1);
    size_t size;
    unsigned char *state = state_of(other, &size);
    cnn_random_state before, after;
    cnn_context_random_state(ctx, &before);
    ck_assert_int_eq(save_checkpoint(model, adam, 1, in_folder("c")), CNN_OK);
    ck_assert_int_eq(save_checkpoint(model, NULL, 1, in_folder("weights")), CNN_OK);
    ck_assert_int_eq(cnn_module_save(model, in_folder("m")), CNN_OK);
    ck_assert_int_eq(cnn_adam_add_group(groups, (cnn_tensor *[]){ cnn_module_parameter(larger, 0) }, 1, NULL), CNN_OK);
    cnn_context_random_state(ctx, &before);
    assert_error(load_checkpoint(larger, larger_adam, NULL, in_folder("c")), CNN_ERROR_MISMATCH,
                 "\"3.weight\" is F32 [4,32], expected float32 [6,32]");
    assert_error(load_checkpoint(other, adamw, NULL, in_folder("c")), CNN_ERROR_MISMATCH, "is Adam, expected AdamW");
    assert_error(load_checkpoint(other, sgd, NULL, in_folder("c")), CNN_ERROR_MISMATCH, "is Adam, expected SGD");
    assert_error(load_checkpoint(other, plain, NULL, in_folder("c")), CNN_ERROR_MISMATCH, "max_exp_avg_sq");
    assert_error(load_checkpoint(other, groups, NULL, in_folder("c")), CNN_ERROR_MISMATCH, "is 1, expected 2");
    assert_error(load_checkpoint(other, adam, NULL, in_folder("c")), CNN_ERROR_INVALID_ARGUMENT, "not one of the module's");
    assert_error(load_checkpoint(other, plain, NULL, in_folder("weights")), CNN_ERROR_MISMATCH, "without an optimizer");
    assert_error(load_checkpoint(other, plain, NULL, in_folder("m")), CNN_ERROR_MISMATCH, "not a checkpoint");
    assert_error(save_checkpoint(other, groups, 0, in_folder("x")), CNN_ERROR_INVALID_ARGUMENT, "not one of the module's");
    assert_error(save_checkpoint(other, plain, -1, in_folder("x")), CNN_ERROR_INVALID_ARGUMENT,
                 "epoch is -1, expected 0 to 2^53");
    assert_error(save_checkpoint(other, plain, INT64_MAX, in_folder("x")), CNN_ERROR_INVALID_ARGUMENT,
                 "epoch is 9223372036854775807, expected 0 to 2^53");
    assert_error(load_checkpoint(model, plain_of_model, NULL, in_folder("c")), CNN_ERROR_MISMATCH,
                 "has \"max_exp_avg_sq\", the optimizer's has not");
    ck_assert_int_eq(save_checkpoint(other, plain, 1, in_folder("plain")), CNN_OK);
    assert_error(load_checkpoint(model, adam, NULL, in_folder("plain")), CNN_ERROR_MISMATCH,
                 "has no \"max_exp_avg_sq\", the optimizer's has");
    cnn_checkpoint odd = { .struct_size = 3, .module = other };
    assert_error(cnn_checkpoint_save(&odd, in_folder("x")), CNN_ERROR_INVALID_ARGUMENT, "struct_size");
    assert_error(cnn_checkpoint_save(NULL, "x"), CNN_ERROR_INVALID_ARGUMENT, "checkpoint is NULL");
    assert_error(save_checkpoint(NULL, plain, 0, "x"), CNN_ERROR_INVALID_ARGUMENT, "module is NULL");
    assert_error(load_checkpoint(other, plain, NULL, NULL), CNN_ERROR_INVALID_ARGUMENT, "path is NULL");
    cnn_context_random_state(ctx, &after);
    ck_assert_uint_eq(before.stream, after.stream);
    ck_assert_int_eq((int)cnn_optimizer_step_count(plain), 0);
    assert_state(other, state, size);
    free(state);
    cnn_optimizer *optimizers[] = { adam, larger_adam, adamw, sgd, plain, groups, plain_of_model };
    for (size_t i = 0; i < sizeof optimizers / sizeof *optimizers; i++) {
        cnn_optimizer_free(optimizers[i]);
    }
    cnn_module_free(model);
    cnn_module_free(larger);
    cnn_module_free(other);
}
END_TEST

START_TEST(numbers_of_a_checkpoint_are_checked)
{
    static const struct {
        const char *from, *to;
        cnn_status status;
        const char *message;
    } cases[] = {
        { "\"epoch\":\"1\"", "\"epoch\":\"x\"", CNN_ERROR_FORMAT, "\"epoch\" is \"x\"" },
        { "\"epoch\":\"1\"", "\"epocH\":\"1\"", CNN_ERROR_FORMAT, "no \"epoch\"" },
        { "\"version\":\"1\"", "\"version\":\"2\"", CNN_ERROR_UNSUPPORTED, "version 2, expected 1" },
        { "\"version\":\"1\"", "\"version\":\"!\"", CNN_ERROR_FORMAT, "\"version\" is \"!\"" },
        { "\"random.seed\":\"7", "\"random.seed\":\"x", CNN_ERROR_FORMAT,
          "\"random.seed\" is \"x\", expected an integer" },
        { "optimizer.groups\":\"1", "optimizer.groups\":\"-", CNN_ERROR_FORMAT, "\"optimizer.groups\" is \"-\"" },
        { "\"libcnn.checkpoint\"", "\"libcnn.checkpoinT\"", CNN_ERROR_MISMATCH, "not a checkpoint" },
        { "\"random.stream\":\"", "\"random.streaM\":\"", CNN_ERROR_FORMAT, "no \"random.stream\"" },
        { "group.0.lr\":\"0x1", "group.0.lr\":\"0x2", CNN_ERROR_FORMAT, "expected a hexadecimal float" },
        { "group.0.lr\":\"0x1.", "group.0.lr\":\"-0x1", CNN_ERROR_FORMAT, "optimizer.group.0.lr" },
        { "group.0.beta1\":\"0x1", "group.0.betaX\":\"0x1", CNN_ERROR_FORMAT, "no \"optimizer.group.0.beta1\"" },
        { ".beta1\":\"0x1.ccccccccccccdp-1", ".beta1\":\"0x1.ccccccccccccdp+1", CNN_ERROR_FORMAT,
          "optimizer.group.0: " },
        { "0.weight.step\":\"1", "0.weight.step\":\" ", CNN_ERROR_FORMAT, "\"optimizer.0.weight.step\" is \" \"" },
        { "0.weight.group\":\"0", "0.weight.group\":\"1", CNN_ERROR_MISMATCH, "is 1, expected 0" },
        { "optimizer.0.weight.exp_avg\"", "optimizer.0.weight.exp_avG\"", CNN_ERROR_MISMATCH,
          "missing \"optimizer.0.weight.exp_avg\"; unexpected \"optimizer.0.weight.exp_avG\"" },
        { "optimizer.steps\":\"1", "optimizer.steps\":\"-", CNN_ERROR_FORMAT, "\"optimizer.steps\" is \"-\"" },
    };
    cnn_module *model = make_model(4);
    cnn_optimizer *adam = make_optimizer(ADAM, model);
    train(model, adam, 1);
    size_t size;
    unsigned char *state = state_of(model, &size);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(save_checkpoint(model, adam, 1, in_folder("c")), CNN_OK);
        patch(in_folder("c"), cases[i].from, cases[i].to);
        assert_error(load_checkpoint(model, adam, NULL, in_folder("c")), cases[i].status, cases[i].message);
        assert_state(model, state, size);
    }
    free(state);
    cnn_optimizer_free(adam);
    cnn_module_free(model);
}
END_TEST

/* The last number of each range comes back and can be gone on from; the next one is refused, and so is one that
 * does not fit the others: no parameter was updated more often than its optimizer has made steps. */
START_TEST(numbers_out_of_their_range_are_refused)
{
    static const struct {
        const char *from, *to, *message;
    } cases[] = {
        { "\"epoch\":\"9007199254740992", "\"epoch\":\"9007199254740993",
          "\"epoch\" is \"9007199254740993\", expected an integer from 0 to 2^53" },
        { "\"random.stream\":\"1099511627775", "\"random.stream\":\"1099511627776",
          "\"random.stream\" is \"1099511627776\", expected an integer from 0 to 2^40 - 1" },
        { "steps\":\"9007199254740992", "steps\":\"9007199254740993",
          "\"optimizer.steps\" is \"9007199254740993\", expected an integer from 0 to 2^53" },
        { "steps\":\"9007199254740992", "steps\":\"9007199254740991",
          ".step\" is \"9007199254740992\", expected an integer from 0 to 9007199254740991" },
        { "0.weight.step\":\"9007199254740992", "0.weight.step\":\"9007199254740993",
          "\"optimizer.0.weight.step\" is \"9007199254740993\", expected" },
    };
    const int64_t largest = (int64_t)1 << 53;
    const cnn_random_state last = { .seed = UINT64_MAX, .stream = ((uint64_t)1 << 40) - 1 };
    cnn_random_state random = { .stream = (uint64_t)1 << 40 };
    cnn_module *model = make_model(4);
    cnn_optimizer *adam = make_optimizer(ADAM, model);
    assert_error(cnn_context_set_random_state(ctx, &random), CNN_ERROR_INVALID_ARGUMENT,
                 "stream is 1099511627776, expected 0 to 2^40 - 1");
    ck_assert_int_eq(cnn_context_set_random_state(ctx, &last), CNN_OK);
    adam->steps = largest;
    for (int i = 0; i < adam->groups[0].count; i++) {
        adam->groups[0].slots[i].steps = largest;
    }
    int64_t epoch;
    ck_assert_int_eq(save_checkpoint(model, adam, largest, in_folder("good")), CNN_OK);
    ck_assert_int_eq(load_checkpoint(model, adam, &epoch, in_folder("good")), CNN_OK);
    ck_assert(epoch == largest && cnn_optimizer_step_count(adam) == largest);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(save_checkpoint(model, adam, largest, in_folder("c")), CNN_OK);
        patch(in_folder("c"), cases[i].from, cases[i].to);
        assert_error(load_checkpoint(model, adam, NULL, in_folder("c")), CNN_ERROR_FORMAT, cases[i].message);
    }
    /* Going on draws from the last stream and then from the first. */
    train(model, adam, 1);
    ck_assert_int_eq(cnn_context_random_state(ctx, &random), CNN_OK);
    ck_assert_uint_eq(random.stream, 1);
    ck_assert(cnn_optimizer_step_count(adam) == largest + 1);
    assert_error(save_checkpoint(model, adam, 0, in_folder("c")), CNN_ERROR_STATE,
                 "the optimizer has made 9007199254740993 steps, expected at most 2^53");
    cnn_optimizer_free(adam);
    cnn_module_free(model);
}
END_TEST

/* A caller that was compiled before `epoch` was there gets everything else. */
START_TEST(an_older_struct_gets_no_epoch)
{
    cnn_module *model = make_model(4);
    ck_assert_int_eq(save_checkpoint(model, NULL, 9, in_folder("c")), CNN_OK);
    cnn_checkpoint older = { .struct_size = offsetof(cnn_checkpoint, epoch), .module = model, .epoch = -7 };
    ck_assert_int_eq(cnn_checkpoint_load(&older, in_folder("c")), CNN_OK);
    ck_assert_int_eq((int)older.epoch, -7);
    cnn_module_free(model);
}
END_TEST

START_TEST(a_tensor_is_matched_once)
{
    cnn_module *model = make_model(4);
    cnn_tensor *weight = cnn_module_find(model, "0.weight");
    cnn__restore restore;
    ck_assert_int_eq(cnn_module_save(model, in_folder("m")), CNN_OK);
    const cnn__load_rules rules = { .strip = "", .add = "" };
    ck_assert_int_eq(cnn__restore_begin(&restore, ctx, "test", in_folder("m"), &rules), CNN_OK);
    cnn__restore_tensor(&restore, "0.weight", weight);
    ck_assert_int_eq(cnn__restore_verdict(&restore), CNN_OK);
    cnn__restore_tensor(&restore, "0.weight", weight);
    assert_error(cnn__restore_verdict(&restore), CNN_ERROR_MISMATCH, "no tensor \"0.weight\"");
    cnn__restore_end(&restore);
    cnn_module_free(model);
}
END_TEST

START_TEST(empty_tensors_are_state_too)
{
    cnn_module *model = make_model(4);
    ck_assert_ptr_nonnull(cnn_module_add_buffer(model, "none", cnn_tensor_zeros(ctx, CNN_F64, CNN_SHAPE(2, 0))));
    ck_assert_ptr_nonnull(cnn_module_add_buffer(model, "count", cnn_tensor_ones(ctx, CNN_I64, CNN_SCALAR)));
    ck_assert_int_eq(cnn_module_save(model, in_folder("m")), CNN_OK);
    ck_assert_int_eq(cnn_tensor_fill(cnn_module_find(model, "count"), 7), CNN_OK);
    ck_assert_int_eq(cnn_module_load(model, in_folder("m")), CNN_OK);
    ck_assert_int_eq((int)cnn_tensor_item_i64(cnn_module_find(model, "count")), 1);
    cnn_module_free(model);
}
END_TEST

/* A file that each release has written (tests/abi/checkpoint.c) is read as it was meant, and training goes on from it. */
START_TEST(files_of_older_releases_are_read)
{
    static const char *const releases[] = { "checkpoint-0.1.safetensors" };
    static const float expected[] = { -0x1.edf6cap-5F, 0x1.09049cp-4F, 0x1.84824ep-3F, 0x1.416becp-2F, 0x1.c16becp-2F, 0x1.20b5f6p-1F,
                                      0x1.09049cp-4F,  0x1.82d7d8p-3F, 0x1.898628p-3F, 0x1.412fa8p-2F, 0x1.4p-2F };
    for (size_t r = 0; r < sizeof releases / sizeof *releases; r++) {
        const char *path = fixture_path(releases[r]);
        cnn_module *model = cnn_sequential_new(ctx, cnn_linear_new(ctx, 3, 2), cnn_relu_new(ctx), cnn_linear_new(ctx, 2, 1));
        cnn_optimizer *adam = cnn_adam_new(model, .lr = 1);
        int64_t epoch = 0;
        cnn_random_state random;
        ck_assert_msg(load_checkpoint(model, adam, &epoch, path) == CNN_OK, "%s", cnn_last_error(ctx));
        ck_assert_int_eq((int)epoch, 7);
        ck_assert_int_eq((int)cnn_optimizer_step_count(adam), 3);
        ck_assert_double_eq(cnn_optimizer_lr(adam, 0), 0.0625);
        ck_assert_int_eq(cnn_context_random_state(ctx, &random), CNN_OK);
        ck_assert(random.seed == 5 && random.stream == 7);
        const float *next = expected;
        for (int i = 0; i < cnn_module_parameter_count(model); i++) {
            cnn_tensor *p = cnn_module_parameter(model, i);
            ck_assert_mem_eq(host_elements(p), next, (size_t)cnn_tensor_numel(p) * sizeof *next);
            next += cnn_tensor_numel(p);
        }
        ck_assert(next == expected + sizeof expected / sizeof *expected);

        cnn_tape *tape = cnn_tape_new(ctx);
        cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(4, 3));
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *loss = cnn_mean(cnn_forward(model, cnn_input(tape, x)), CNN_ALL_DIMS, false);
        cnn_optimizer_zero_grad(adam);
        cnn_backward(loss);
        ck_assert_msg(cnn_optimizer_step(adam) == CNN_OK, "%s", cnn_last_error(ctx));
        ck_assert_int_eq((int)cnn_optimizer_step_count(adam), 4);
        cnn_tensor_free(x);
        cnn_tape_free(tape);
        cnn_optimizer_free(adam);
        cnn_module_free(model);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("checkpoint");
    TCase *tests = io_case(suite, "checkpoint");
    tcase_add_test(tests, a_modules_state_comes_back);
    tcase_add_test(tests, a_load_that_does_not_fit_changes_nothing);
    tcase_add_test(tests, a_cut_weights_file_changes_nothing);
    tcase_add_test(tests, a_resumed_run_continues_to_the_bit);
    tcase_add_test(tests, a_checkpoint_is_a_weights_file_too);
    tcase_add_test(tests, a_checkpoint_that_does_not_fit_changes_nothing);
    tcase_add_test(tests, numbers_of_a_checkpoint_are_checked);
    tcase_add_test(tests, numbers_out_of_their_range_are_refused);
    tcase_add_test(tests, an_older_struct_gets_no_epoch);
    tcase_add_test(tests, a_tensor_is_matched_once);
    tcase_add_test(tests, empty_tensors_are_state_too);
    tcase_add_test(tests, files_of_older_releases_are_read);
    return suite_run(suite);
}
