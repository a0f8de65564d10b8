/* Calls every exported function with bad arguments: each parameter in turn and in pairs, and all pointers NULL at
 * once. A call must not crash or leak, must fail where it has to, and must leave a message that begins with its name
 * exactly when it failed. The table is bad_calls.def, made of the headers; the values are in bad_values.h. */
#include "bad_values.h"

#include <check.h>
#include <dirent.h>
#include <sys/mman.h>
#include <unistd.h>

typedef enum result_class {
    RESULT_STATUS, RESULT_OPERATION, RESULT_NOTHING, RESULT_INTEGER, RESULT_REAL, RESULT_STRING, RESULT_BORROWED,
    RESULT_CONTEXT, RESULT_TAPE, RESULT_MODULE, RESULT_OPTIMIZER, RESULT_SCHEDULER, RESULT_EMA, RESULT_PREDICTOR, RESULT_SAMPLER, RESULT_AUGMENTATION, RESULT_DATASET, RESULT_LOADER, RESULT_TENSOR,
    RESULT_FILE, RESULT_TRACE, RESULT_PROFILE, RESULT_DLPACK, RESULT_DLPACK_LEGACY
} result_class;

enum { SILENT = 1, REPORTS = 2, NESTED = 4, WRITES = 8, FINDS = 16, COUNTS = 32, FAILS = 64, MOST_PARAMETERS = 11 };

typedef struct parameter {
    const char *name;
    const kind *kind;
    int is_pointer, nullable, takes;
} parameter;

typedef struct bad_call {
    const char *name, *prefix; /* what its messages begin with, one of several with | between */
    result_class result;
    int flags;
    void (*call)(const value *v, value *r);
    int count;
    parameter parameters[MOST_PARAMETERS];
} bad_call;

#include "bad_calls.def"

enum { CALLS = sizeof bad_calls / sizeof bad_calls[0] };

/* One call as it is tried: which candidate each parameter takes. ALL_NULL stands for NULL whatever the candidates. */
enum { ALL_NULL = -1 };
typedef struct attempt {
    const bad_call *call;
    int chosen[MOST_PARAMETERS];
    value values[MOST_PARAMETERS];
    expectation expected;
} attempt;

static long *tried; /* shared with the processes that Check forks */

/* ---- what must come of it ---- */

static bool wants_null_text(const attempt *a, int i)
{
    return i + 1 < a->call->count && a->call->parameters[i + 1].kind == &kind_text_size && a->chosen[i + 1] == 2;
}

static bool is_null(const parameter *p, int chosen)
{
    return chosen == ALL_NULL || (p->is_pointer && p->kind->candidates[chosen].expected == BAD &&
                                  strcmp(p->kind->candidates[chosen].label, "NULL") == 0);
}

/* Operations whose operands are good and on the tape: how many, without parameter i. */
static int others_on_tape(const attempt *a, int i)
{
    int count = 0;
    for (int j = 0; j < a->call->count; j++) {
        count += j != i && a->call->parameters[j].kind->candidates == operands;
    }
    return count;
}

static expectation expected_of(const attempt *a, int i)
{
    const parameter *p = &a->call->parameters[i];
    if (is_null(p, a->chosen[i])) {
        return p->nullable || wants_null_text(a, i) ? MAY : BAD;
    }
    expectation e = p->kind->candidates[a->chosen[i]].expected;
    if (e == MIXED) {
        bool mixes = a->call->result == RESULT_OPERATION && others_on_tape(a, i) > 0;
        return mixes ? BAD : MAY;
    }
    /* An enum that a look-up is asked to name, or a nil that a failure's own report is asked for, is no misuse. */
    if (a->call->flags & SILENT) {
        return MAY;
    }
    return e;
}

/* Whether the call reports a failure of the program's own, whatever it is given. */
static bool call_fails(const attempt *a)
{
    return (a->call->flags & FAILS) != 0;
}

/* With several parameters off, one may excuse another (a rank of 0, say, that makes the shape go unread). */
static expectation expected(const attempt *a)
{
    int off = 0;
    expectation only = GOOD;
    for (int i = 0; i < a->call->count; i++) {
        if (a->chosen[i] != 0) {
            off++;
            only = expected_of(a, i);
        }
    }
    return off == 0 && call_fails(a) ? MAY : off == 0 ? GOOD : off == 1 ? only : MAY;
}

/* ---- making, calling, judging ---- */

static void describe(const attempt *a, char *text, size_t size)
{
    size_t n = (size_t)snprintf(text, size, "%s(", a->call->name);
    for (int i = 0; i < a->call->count && n < size; i++) {
        const parameter *p = &a->call->parameters[i];
        const char *label = a->chosen[i] == ALL_NULL ? "NULL" : p->kind->candidates[a->chosen[i]].label;
        n += (size_t)snprintf(text + n, size - n, "%s%s: %s", i ? ", " : "", p->name, label);
    }
    if (n < size) {
        snprintf(text + n, size - n, ")");
    }
}

static void make_values(world *w, attempt *a)
{
    for (int i = 0; i < a->call->count; i++) {
        const parameter *p = &a->call->parameters[i];
        a->values[i] = (value){ .p = NULL };
        if (a->chosen[i] == ALL_NULL) {
            continue;
        }
        making = &p->kind->candidates[a->chosen[i]];
        a->values[i] = making->make ? making->make(w, p->kind) : making->fixed;
        if (p->kind->init && p->kind == &kind_module_options) {
            w->user_made = 1;
        }
    }
}

static bool same_label(const attempt *a, int i, const char *label)
{
    return a->chosen[i] >= 0 && strcmp(a->call->parameters[i].kind->candidates[a->chosen[i]].label, label) == 0;
}

/* What the call takes is no longer the world's to free, whatever comes of it; except a module that `parent` hangs from. */
static void give_away(world *w, const attempt *a)
{
    for (int i = 0; i < a->call->count; i++) {
        const parameter *p = &a->call->parameters[i];
        if (!p->takes || !a->values[i].p || (same_label(a, i, "an ancestor") && same_label(a, 0, "good"))) {
            continue;
        }
        if (p->kind == &kind_children || p->kind == &kind_schedulers) {
            const int64_t count = a->values[a->call->count - 1].i;
            for (int k = 0; k < 2 && count > k; k++) {
                forget(w, ((void **)a->values[i].p)[k]);
            }
        } else if (!same_label(a, i, "its own parent")) {
            forget(w, a->values[i].p);
        }
    }
}

static bool failed(const bad_call *call, const value *r)
{
    switch (call->result) {
    case RESULT_STATUS:
        return r->i != CNN_OK;
    case RESULT_OPERATION:
        return cnn_tensor_status(r->p) != CNN_OK;
    case RESULT_INTEGER:
        return call->flags & COUNTS && r->i == 0;
    case RESULT_NOTHING:
    case RESULT_REAL:
    case RESULT_STRING:
    case RESULT_BORROWED:
        return false; /* the message alone says so */
    default:
        return !r->p;
    }
}

/* A call that failed gives 0 (a search -1), NaN, "" or NULL. */
static bool neutral(const bad_call *call, const value *r)
{
    switch (call->result) {
    case RESULT_INTEGER:
        return r->i == (call->flags & FINDS ? -1 : 0) || call->flags & WRITES;
    case RESULT_REAL:
        return isnan(r->d);
    case RESULT_STRING:
        return r->p && !*(const char *)r->p;
    case RESULT_BORROWED:
        return !r->p;
    case RESULT_OPERATION:
        return r->p != NULL;
    default:
        return true;
    }
}

static bool names_call(const bad_call *call, const char *message)
{
    if (call->flags & NESTED) {
        return strchr(message, ':') != NULL;
    }
    for (const char *prefix = call->prefix; prefix; prefix = strchr(prefix, '|')) {
        prefix += *prefix == '|';
        size_t n = strcspn(prefix, "|");
        if (strncmp(message, prefix, n) == 0 && message[n] == ':' && message[n + 1] == ' ' && message[n + 2]) {
            return true;
        }
    }
    return false;
}

static void release_result(world *w, const bad_call *call, value *r)
{
    static void (*const releases[])(void *) = {
        [RESULT_CONTEXT] = release_context, [RESULT_TAPE] = release_tape, [RESULT_MODULE] = release_module,
        [RESULT_OPTIMIZER] = release_optimizer, [RESULT_SCHEDULER] = release_scheduler, [RESULT_EMA] = release_ema, [RESULT_PREDICTOR] = release_predictor, [RESULT_SAMPLER] = release_sampler, [RESULT_AUGMENTATION] = release_augmentation, [RESULT_DATASET] = release_dataset, [RESULT_LOADER] = release_loader,
        [RESULT_TENSOR] = release_tensor, [RESULT_FILE] = release_file, [RESULT_TRACE] = release_trace, [RESULT_PROFILE] = release_profile,
        [RESULT_DLPACK] = release_dlpack, [RESULT_DLPACK_LEGACY] = release_dlpack_legacy
    };
    if (call->result >= RESULT_CONTEXT && r->p) {
        releases[call->result](r->p);
    }
    if (strcmp(call->name, "cnn_dataset_get") == 0 && r->i == CNN_OK) {
        for (int i = 0; i < 4; i++) {
            cnn_tensor_free(*(cnn_tensor **)(void *)w->scratch[i]);
        }
    }
    if (strcmp(call->name, "cnn_pad_collate") == 0 && r->i == CNN_OK) {
        const cnn_batch *batch = (const cnn_batch *)(const void *)w->scratch[0];
        cnn_tensor_free(batch->images);
        cnn_tensor_free(batch->labels);
        cnn_tensor_free(batch->lengths);
        cnn_tensor_free(batch->label_lengths);
    }
    if (strcmp(call->name, "cnn_dataset_random_split") == 0 && r->i == CNN_OK) {
        for (int k = 0; k < 2; k++) { /* the most pieces that are asked for; a free place is NULL */
            cnn_dataset_free(((cnn_dataset **)(void *)w->scratch[0])[k]);
        }
    }
}

#define REQUIRE(condition, ...)                                      \
    do {                                                             \
        if (!(condition)) {                                          \
            char what_[1024];                                        \
            describe(a, what_, sizeof what_);                        \
            fprintf(stderr, "%s: ", what_);                          \
            fprintf(stderr, __VA_ARGS__);                            \
            fprintf(stderr, " (message: \"%s\")\n", message);        \
            problems++;                                              \
        }                                                            \
    } while (0)

static int problems;

static void judge(const attempt *a, const value *r, const char *message, bool fails)
{
    const bad_call *call = a->call;
    expectation e = expected(a);
    if (call->flags & SILENT) {
        REQUIRE(!*message, "left a message");
        return;
    }
    if (e == NIL) {
        REQUIRE(fails || (*message && neutral(call, r)), "accepted a nil");
        return;
    }
    if (e == GOOD) {
        REQUIRE(!fails && !*message, "failed though all arguments are good");
    }
    if (e == BAD) {
        REQUIRE(*message && (fails || neutral(call, r)), "did not fail");
    }
    if (fails && !(call->flags & (REPORTS | COUNTS)) && call->result != RESULT_OPERATION) { /* a nil says nothing */
        REQUIRE(*message, "failed without a message");
    }
    if (*message && e != GOOD) {
        bool nil_too = false;
        for (int i = 0; i < call->count; i++) {
            nil_too |= a->chosen[i] > 0 && call->parameters[i].kind->candidates[a->chosen[i]].expected == NIL;
        }
        REQUIRE(fails || neutral(call, r), "succeeded with a message");
        REQUIRE(nil_too || (call->flags & (REPORTS | FAILS) && e != BAD) || names_call(call, message),
                "the message does not begin with \"%s: \"", call->prefix);
    }
}

static void try_call(attempt *a)
{
    world w = { .count = 0 };
    value r = { .p = NULL };
    char message[600];
    long before = live_blocks;
    make_values(&w, a);
    give_away(&w, a);
    cnn_context_clear_error(NULL);
    a->call->call(a->values, &r);
    snprintf(message, sizeof message, "%s", cnn_last_error(NULL));
    judge(a, &r, message, failed(a->call, &r));
    release_result(&w, a->call, &r);
    world_end(&w);
    REQUIRE(live_blocks == before, "%ld blocks of memory too many are alive", live_blocks - before);
    ++*tried;
}

/* ---- which calls ---- */

static int candidates_of(const bad_call *call, int i)
{
    return call->parameters[i].kind->count;
}

static void try_pairs(attempt *a, int i)
{
    for (int j = i + 1; j < a->call->count; j++) {
        for (int y = 1; y < candidates_of(a->call, j) && problems < 20; y++) {
            a->chosen[j] = y;
            try_call(a);
        }
        a->chosen[j] = 0;
    }
}

static void try_all_null(attempt *a)
{
    bool any = false, may = true;
    for (int i = 0; i < a->call->count; i++) {
        const parameter *p = &a->call->parameters[i];
        a->chosen[i] = p->is_pointer ? ALL_NULL : 0;
        any |= p->is_pointer;
        may &= !p->is_pointer || p->nullable;
    }
    if (any) {
        long problems_before = problems;
        try_call(a);
        const char *message = cnn_last_error(NULL);
        REQUIRE(may || a->call->flags & SILENT || problems > problems_before || *message, "took NULL for all its pointers");
    }
}

START_TEST(every_value)
{
    attempt a = { .call = &bad_calls[_i] };
    const char *wanted = getenv("CNN_BAD_CALL"); /* one function alone may be looked at */
    problems = 0;
    if (wanted && strcmp(wanted, a.call->name) != 0) {
        return;
    }
    try_call(&a);
    for (int i = 0; i < a.call->count; i++) {
        for (int x = 1; x < candidates_of(a.call, i) && problems < 20; x++) {
            a.chosen[i] = x;
            try_call(&a);
            try_pairs(&a, i);
        }
        a.chosen[i] = 0;
    }
    try_all_null(&a);
    ck_assert_msg(problems == 0, "%s: %d calls went wrong", a.call->name, problems);
}
END_TEST

/* The table names what the library exports: tools/make-bad-calls.py --check compares them. */
int main(void)
{
    tried = mmap(NULL, sizeof *tried, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    snprintf(world_folder, sizeof world_folder, "%.200s/cnn-bad-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (tried == MAP_FAILED || !mkdtemp(world_folder)) {
        return 1;
    }
    world_files_make();
    Suite *suite = suite_create("bad calls");
    TCase *tcase = tcase_create("every exported function");
    tcase_set_timeout(tcase, 300);
    tcase_add_loop_test(tcase, every_value, 0, CALLS);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    world_files_remove();
    printf("bad calls: %ld calls of %d functions\n", *tried, (int)CALLS);
    return failures ? 1 : 0;
}
