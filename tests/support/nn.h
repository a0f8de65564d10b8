/* What the tests of modules share: a context whose memory is counted, a tape, a module's state as text. */
#ifndef CNN_TESTS_SUPPORT_NN_H
#define CNN_TESTS_SUPPORT_NN_H

#include "support/files.h"
#include "support/fixtures.h"
#include "support/suite.h"

static cnn_context *ctx;
static cnn_tape *tape;

static inline void setup(void)
{
    ctx = metered_context(1);
    tape = cnn_tape_new(ctx);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
}

/* Every test gives back all memory. */
static inline void teardown(void)
{
    meter_reset();
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    ck_assert_uint_eq(atomic_load(&meter.now), 0);
}

static inline void failed_with(cnn_status status, const char *text)
{
    ck_assert_int_eq(cnn_context_status(NULL), status);
    ck_assert_msg(strstr(cnn_last_error(NULL), text), "\"%s\" does not say \"%s\"", cnn_last_error(NULL), text);
    cnn_context_clear_error(NULL);
    cnn_context_clear_error(ctx);
}

/* The state as text: "0.weight[2,1,3,3] 0.bias[2]". */
static inline const char *state_text(const cnn_module *m)
{
    static char text[2048];
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < cnn_module_state_count(m); i++) {
        char name[200];
        cnn_tensor *t = cnn_module_state(m, i);
        cnn_module_state_name(m, i, name, sizeof name);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s[", i ? " " : "", name);
        for (int d = 0; d < cnn_tensor_ndim(t); d++) {
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%lld", d ? "," : "", (long long)cnn_tensor_size(t, d));
        }
        used += (size_t)snprintf(text + used, sizeof text - used, "]");
        ck_assert_ptr_eq(cnn_module_find(m, name), t);
    }
    ck_assert_ptr_null(cnn_module_state(m, cnn_module_state_count(m)));
    ck_assert_ptr_null(cnn_module_state(m, -1));
    return text;
}

#endif
