/* DLPack: elements are shared both ways, each deleter is called once, what cannot be shared is copied, and what cannot be
 * taken is refused and given back. The peers of tests/cli/peers.sh are NumPy and PyTorch. */
#include "support/elements.h"
#include "support/io.h"

/* ---- a producer ---- */

typedef struct producer {
    cnn_dlpack current;
    cnn_dlpack_legacy legacy;
    int64_t shape[2], strides[2];
    float memory[16];
    int deleted;
} producer;

static void delete_current(cnn_dlpack *managed)
{
    ((producer *)managed->manager)->deleted++;
}

static void delete_legacy(cnn_dlpack_legacy *managed)
{
    ((producer *)managed->manager)->deleted++;
}

/* [2, 3] in rows of 4 floats: 0 to 11 from memory[1] on. */
static void produce(producer *p)
{
    *p = (producer){ .shape = { 2, 3 }, .strides = { 4, 1 } };
    for (int i = 0; i < 15; i++) {
        p->memory[1 + i] = (float)i;
    }
    const cnn_dlpack_view view = { .data = p->memory, .device_type = 1, .ndim = 2, .code = 2, .bits = 32, .lanes = 1,
                                   .shape = p->shape, .strides = p->strides, .byte_offset = sizeof(float) };
    p->current = (cnn_dlpack){ 1, 0, p, delete_current, 0, view };
    p->legacy = (cnn_dlpack_legacy){ view, p, delete_legacy };
}

static void failed_with(cnn_status status, const char *text)
{
    assert_error(cnn_context_status(NULL), status, text);
    cnn_context_clear_error(NULL);
    cnn_context_clear_error(ctx);
}

static bool on_cpu(void)
{
    return strcmp(cnn_context_device(ctx), "cpu") == 0;
}

static cnn_tensor *take(producer *p, bool legacy)
{
    return legacy ? cnn_tensor_from_dlpack_legacy(ctx, &p->legacy) : cnn_tensor_from_dlpack(ctx, &p->current);
}

static void assert_elements(const cnn_tensor *t, const float *expected, size_t count)
{
    float elements[16];
    ck_assert_msg(t && cnn_tensor_read(t, elements, count * sizeof *elements) == CNN_OK, "%s", cnn_last_error(ctx));
    ck_assert_mem_eq(elements, expected, count * sizeof *elements);
}

/* ---- in ---- */

START_TEST(elements_are_shared_or_copied)
{
    static const float rows[] = { 0, 1, 2, 4, 5, 6 }, nines[] = { 9, 9, 9, 9, 9, 9 };
    producer p;
    produce(&p);
    cnn_tensor *t = take(&p, _i);
    assert_elements(t, rows, 6);
    if (on_cpu()) {
        ck_assert_ptr_eq(cnn_tensor_data(t), p.memory + 1);
        ck_assert_int_eq(cnn_tensor_strides(t)[0], 4);
        ck_assert_int_eq(cnn_tensor_fill(t, 9), CNN_OK);
        ck_assert(p.memory[1] == 9 && p.memory[4] == 3 && p.memory[5] == 9);
        assert_elements(t, nines, 6);
        cnn_tensor *other = cnn_tensor_share(t);
        cnn_tensor_free(t);
        ck_assert_int_eq(p.deleted, 0);
        t = other;
    }
    cnn_tensor_free(t);
    ck_assert_int_eq(p.deleted, 1);
}
END_TEST

START_TEST(what_cannot_be_shared_is_copied)
{
    static const struct {
        int64_t strides[2];
        size_t offset;
        float elements[6];
    } cases[] = { { { -4, 1 }, 5, { 4, 5, 6, 0, 1, 2 } }, /* rows from below */
                  { { 0, 1 }, 1, { 0, 1, 2, 0, 1, 2 } },  /* a row that is broadcast */
                  { { 1, 1 }, 1, { 0, 1, 2, 1, 2, 3 } },  /* windows that overlap */
                  { { 1, -2 }, 5, { 4, 2, 0, 5, 3, 1 } } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        producer p;
        produce(&p);
        memcpy(p.strides, cases[i].strides, sizeof p.strides);
        p.current.view.byte_offset = p.legacy.view.byte_offset = cases[i].offset * sizeof(float);
        cnn_tensor *t = take(&p, _i);
        ck_assert_int_eq(p.deleted, 1);
        memset(p.memory, 0, sizeof p.memory);
        assert_elements(t, cases[i].elements, 6);
        cnn_tensor_free(t);
        ck_assert_int_eq(p.deleted, 1);
    }
    producer p;
    produce(&p);
    static const float rows[] = { 0, 1, 2, 3, 4, 5 };
    memmove((char *)p.memory + 1, p.memory + 1, 6 * sizeof(float)); /* not aligned */
    p.current.view.byte_offset = p.legacy.view.byte_offset = 1;
    p.current.view.strides = p.legacy.view.strides = NULL;
    cnn_tensor *t = take(&p, _i);
    ck_assert_int_eq(p.deleted, 1);
    assert_elements(t, rows, 6);
    cnn_tensor_free(t);
}
END_TEST

START_TEST(every_dtype_goes_across)
{
    for (int dtype = CNN_F32; dtype <= CNN_BF16; dtype++) {
        cnn_tensor *t = cnn_tensor_ones(ctx, (cnn_dtype)dtype, CNN_SHAPE(2, 3));
        if (!on_cpu()) {
            ck_assert_ptr_null(cnn_tensor_to_dlpack(t));
            failed_with(CNN_ERROR_DEVICE, "tensor_to_dlpack: the elements are on the device ");
            cnn_tensor_free(t);
            continue;
        }
        cnn_dlpack *out = cnn_tensor_to_dlpack(t);
        cnn_dlpack_legacy *old = cnn_tensor_to_dlpack_legacy(t);
        ck_assert_msg(out && old, "%s", cnn_last_error(ctx));
        ck_assert(out->major == 1 && out->flags == 0 && out->view.data == cnn_tensor_data(t) && out->view.ndim == 2);
        ck_assert(out->view.strides[0] == 3 && out->view.strides[1] == 1 && out->view.device_type == 1);
        ck_assert_uint_eq(out->view.bits, 8 * cnn_dtype_size((cnn_dtype)dtype));
        cnn_tensor *a = cnn_tensor_from_dlpack(ctx, out), *b = cnn_tensor_from_dlpack_legacy(ctx, old);
        void *data = cnn_tensor_data(t);
        cnn_tensor_free(t); /* the elements stay */
        ck_assert(cnn_tensor_dtype(a) == (cnn_dtype)dtype && cnn_tensor_data(a) == data && cnn_tensor_data(b) == data);
        assert_same(a, b);
        cnn_tensor_free(a);
        cnn_tensor_free(b);
    }
}
END_TEST

START_TEST(shapes_without_elements_and_without_dimensions)
{
    int64_t empty[] = { 0, 3 };
    producer p;
    produce(&p);
    p.current.view.shape = p.legacy.view.shape = empty;
    p.current.view.data = p.legacy.view.data = NULL;
    cnn_tensor *t = take(&p, _i);
    ck_assert_msg(t && cnn_tensor_numel(t) == 0 && cnn_tensor_ndim(t) == 2, "%s", cnn_last_error(ctx));
    cnn_tensor_free(t);
    ck_assert_int_eq(p.deleted, 1);
    produce(&p);
    p.current.view.ndim = p.legacy.view.ndim = 0;
    p.current.view.shape = p.legacy.view.shape = NULL;
    p.current.view.strides = p.legacy.view.strides = NULL;
    p.memory[1] = 5;
    t = take(&p, _i);
    ck_assert_msg(t != NULL, "%s", cnn_last_error(ctx));
    ck_assert_double_eq(cnn_tensor_item(t), 5);
    cnn_tensor_free(t);
    ck_assert_int_eq(p.deleted, 1);
}
END_TEST

START_TEST(read_only_elements_are_not_written)
{
    producer p;
    produce(&p);
    p.strides[0] = 3;
    p.current.flags = CNN_DLPACK_READ_ONLY;
    cnn_tensor *t = take(&p, false);
    ck_assert_msg(t != NULL, "%s", cnn_last_error(ctx));
    if (on_cpu()) {
        static const float zeros[6];
        cnn_tensor *parameters[] = { t };
        const cnn_sgd_options options = { .struct_size = sizeof options, .lr = 1 };
        ck_assert_int_ne(cnn_tensor_fill(t, 1), CNN_OK);
        failed_with(CNN_ERROR_STATE, "tensor_fill: the elements are read-only");
        ck_assert_int_ne(cnn_tensor_write(t, zeros, sizeof zeros), CNN_OK);
        failed_with(CNN_ERROR_STATE, "tensor_write: the elements are read-only");
        ck_assert_int_ne(cnn_tensor_copy_from(t, t), CNN_OK);
        failed_with(CNN_ERROR_STATE, "tensor_copy_from: the elements are read-only");
        ck_assert_int_ne(cnn_init_constant(t, 1), CNN_OK);
        failed_with(CNN_ERROR_STATE, "init_constant: the tensor is read-only, expected one that is not");
        ck_assert_int_eq(cnn_tensor_set_requires_grad(t, true), CNN_OK);
        ck_assert_ptr_null(cnn_sgd_create_for(ctx, parameters, 1, &options));
        failed_with(CNN_ERROR_STATE, "sgd_create_for: the tensor is read-only, expected one that is not");
        ck_assert(p.memory[1] == 0 && p.memory[2] == 1);
        /* It is handed on as what it is. */
        ck_assert_ptr_null(cnn_tensor_to_dlpack_legacy(t));
        failed_with(CNN_ERROR_STATE, "the elements are read-only, which the older struct cannot say");
        cnn_dlpack *out = cnn_tensor_to_dlpack(t);
        ck_assert(out && out->flags == CNN_DLPACK_READ_ONLY);
        out->deleter(out);
    }
    cnn_tensor_free(t);
    ck_assert_int_eq(p.deleted, 1);
}
END_TEST

/* Training moves running statistics, which are in place. */
START_TEST(read_only_statistics_are_not_moved)
{
    int64_t three[] = { 3 };
    producer p;
    produce(&p);
    p.current.view.ndim = 1;
    p.current.view.shape = three;
    p.current.view.strides = NULL;
    p.current.flags = CNN_DLPACK_READ_ONLY;
    cnn_tensor *mean = take(&p, false), *variance = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(3));
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(4, 3));
    ck_assert_msg(mean != NULL, "%s", cnn_last_error(ctx));
    if (on_cpu()) {
        cnn_tape *tape = cnn_tape_new(ctx);
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
        cnn_tensor *y = cnn_batch_norm(cnn_input(tape, x), NULL, NULL, mean, variance, NULL);
        ck_assert_int_eq(cnn_tensor_status(y), CNN_ERROR_STATE);
        ck_assert_msg(strstr(cnn_tape_error(tape), "running mean is read-only") != NULL, "%s", cnn_tape_error(tape));
        cnn_tape_free(tape);
    }
    cnn_tensor_free(mean);
    cnn_tensor_free(variance);
    cnn_tensor_free(x);
    ck_assert_int_eq(p.deleted, 1);
}
END_TEST

/* ---- refused ---- */

START_TEST(what_cannot_be_taken_is_given_back)
{
    static const struct {
        int device, ndim;
        unsigned code, bits, lanes;
        int64_t size;
        cnn_status status;
        const char *text;
    } cases[] = { { 2, 2, 2, 32, 1, 2, CNN_ERROR_DEVICE, "elements on a device of type 2, expected 1, the host's memory" },
                  { 1, 2, 2, 16, 1, 2, CNN_ERROR_UNSUPPORTED, "a dtype of code 2, 16 bits and 1 lanes, which libcnn does not have" },
                  { 1, 2, 5, 64, 1, 2, CNN_ERROR_UNSUPPORTED, "a dtype of code 5, 64 bits and 1 lanes" },
                  { 1, 2, 2, 32, 4, 2, CNN_ERROR_UNSUPPORTED, "a dtype of code 2, 32 bits and 4 lanes" },
                  { 1, 9, 2, 32, 1, 2, CNN_ERROR_SHAPE, " dimensions, expected 0 to 8" },
                  { 1, -1, 2, 32, 1, 2, CNN_ERROR_SHAPE, " dimensions, expected 0 to 8" },
                  { 1, 2, 2, 32, 1, -2, CNN_ERROR_SHAPE, "shape" },
                  { 1, 2, 2, 32, 1, INT64_MAX / 2, CNN_ERROR_SHAPE, "shape" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        producer p;
        produce(&p);
        cnn_dlpack_view *v = _i ? &p.legacy.view : &p.current.view;
        v->device_type = cases[i].device;
        v->ndim = cases[i].ndim;
        v->code = (uint8_t)cases[i].code;
        v->bits = (uint8_t)cases[i].bits;
        v->lanes = (uint16_t)cases[i].lanes;
        p.shape[0] = cases[i].size;
        ck_assert_msg(take(&p, _i) == NULL, "case %zu", i);
        failed_with(cases[i].status, cases[i].text);
        ck_assert_int_eq(p.deleted, 1);
    }
    producer p;
    produce(&p);
    p.current.major = 2;
    ck_assert_ptr_null(take(&p, false));
    failed_with(CNN_ERROR_UNSUPPORTED, "tensor_from_dlpack: DLPack 2.0, expected 1.x");
    ck_assert_int_eq(p.deleted, 1);
    ck_assert_ptr_null(_i ? cnn_tensor_from_dlpack_legacy(NULL, &p.legacy) : cnn_tensor_from_dlpack(NULL, &p.current));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "ctx is NULL");
    ck_assert_int_eq(p.deleted, 2);
    ck_assert_ptr_null(_i ? cnn_tensor_from_dlpack_legacy(ctx, NULL) : cnn_tensor_from_dlpack(ctx, NULL));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "managed is NULL");
    produce(&p);
    p.current.deleter = NULL; /* nobody has to be told */
    p.legacy.deleter = NULL;
    cnn_tensor_free(take(&p, _i));
    p.current.view.data = p.legacy.view.data = NULL;
    ck_assert_ptr_null(take(&p, _i));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "data is NULL");
}
END_TEST

START_TEST(results_of_operations_are_not_handed_out)
{
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2));
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *y = cnn_mul_scalar(cnn_input(tape, x), 3);
    ck_assert_ptr_null(cnn_tensor_to_dlpack(y));
    failed_with(CNN_ERROR_STATE, "tensor_to_dlpack: the tensor belongs to a tape");
    ck_assert_ptr_null(cnn_tensor_to_dlpack_legacy(NULL));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "tensor_to_dlpack_legacy");
    cnn_tape_free(tape);
    cnn_tensor_free(x);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    for (int copies = 0; copies < 2; copies++) {
        cnn_tensor *t = NULL;
        for (long n = 0; !t; n++) {
            producer p;
            produce(&p);
            p.strides[0] = copies ? -4 : 4;
            p.current.view.byte_offset = copies ? 20 : 4;
            meter_reset();
            atomic_store(&meter.fail_at, n);
            t = take(&p, false);
            meter_reset();
            ck_assert_int_eq(p.deleted, !t || copies || !on_cpu());
            cnn_tensor_free(t);
            ck_assert_int_eq(p.deleted, 1);
            ck_assert_int_lt(n, 100);
        }
    }
    cnn_tensor *t = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2));
    cnn_dlpack *out = NULL;
    for (long n = 0; on_cpu() && !out; n++) {
        meter_reset();
        atomic_store(&meter.fail_at, n);
        out = cnn_tensor_to_dlpack(t);
        meter_reset();
        ck_assert(out || cnn_context_status(ctx) == CNN_ERROR_NO_MEMORY);
    }
    if (out) {
        out->deleter(out);
    }
    cnn_tensor_free(t);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dlpack");
    TCase *tests = io_case(suite, "DLPack");
    tcase_add_loop_test(tests, elements_are_shared_or_copied, 0, 2);
    tcase_add_loop_test(tests, what_cannot_be_shared_is_copied, 0, 2);
    tcase_add_test(tests, every_dtype_goes_across);
    tcase_add_loop_test(tests, shapes_without_elements_and_without_dimensions, 0, 2);
    tcase_add_test(tests, read_only_elements_are_not_written);
    tcase_add_test(tests, read_only_statistics_are_not_moved);
    tcase_add_loop_test(tests, what_cannot_be_taken_is_given_back, 0, 2);
    tcase_add_test(tests, results_of_operations_are_not_handed_out);
    tcase_add_test(tests, every_allocation_may_fail);
    return suite_run(suite);
}
