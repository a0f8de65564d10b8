/* The gradients in the histograms are those of an epoch's last step. */
#include "records.h"

#include "say.h"
#include "streams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool fail_file(const char *what, const char *path)
{
    say("%s: cannot %s %s: %s", program_name, what, path, errno ? strerror(errno) : "no memory");
    return false;
}

static bool fail_library(void)
{
    say("%s: %s", program_name, cnn_last_error(NULL));
    return false;
}

/* ---- profiles ---- */

static bool print_table(const cnn_profile *profile, cnn_profile_table table)
{
    size_t size = cnn_profile_format(profile, table, NULL, 0) + 1;
    char *text = size > 1 ? malloc(size) : NULL;
    if (text) {
        cnn_profile_format(profile, table, text, size);
        fputs(text, stdout);
    }
    free(text);
    return text ? streams_flush() : fail_library();
}

bool profile_report(cnn_profile *profile, const char *path, bool tables)
{
    bool good = cnn_profile_end(profile) == CNN_OK;
    if (good && tables) {
        good = print_table(profile, CNN_PROFILE_OPERATIONS) && putchar('\n') != EOF &&
               print_table(profile, CNN_PROFILE_MODULES) && putchar('\n') != EOF;
    }
    if (good && cnn_profile_dropped(profile)) {
        say("%s: the profile has room for its first events only, %lld more were dropped", program_name,
            (long long)cnn_profile_dropped(profile));
    }
    return good && (cnn_profile_save(profile, path) == CNN_OK || fail_library());
}

/* ---- the run ---- */

static const char head[] = "epoch,train_loss,train_accuracy,test_loss,test_accuracy,lr,seconds,images_per_second",
                  head_together[] = ",communication,hidden,bytes_sent";

/* Whether a table that goes on has the columns; it keeps those that it has, however many processes go on with it. */
static bool has_traffic(const char *path, bool otherwise)
{
    char line[256] = "";
    struct stat info;
    FILE *old = stat(path, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0 ? fopen(path, "re") : NULL;
    if (!old) {
        return otherwise;
    }
    bool has = fgets(line, sizeof line, old) && strstr(line, head_together);
    fclose(old);
    return has;
}

static bool open_table(records *r, bool goes_on)
{
    r->together = goes_on ? has_traffic(r->csv, r->together) : r->together;
    errno = 0;
    r->table = fopen(r->csv, goes_on ? "ae" : "we");
    if (r->table && !goes_on) {
        fprintf(r->table, "%s%s\n", head, r->together ? head_together : "");
    }
    return r->table || fail_file("open", r->csv);
}

bool records_open(records *r, cnn_module *module, int64_t epochs_after, int64_t steps_after)
{
    r->module = module;
    r->step = steps_after;
    if (r->tensorboard && !events_open(&r->events, r->tensorboard)) {
        return fail_file("open an event file in", r->tensorboard);
    }
    return !r->csv || open_table(r, epochs_after > 0);
}

bool records_begin(records *r)
{
    if (!r->profile || r->profiled) {
        return true;
    }
    r->running = cnn_profile_begin(cnn_module_context(r->module), NULL);
    return r->running || fail_library();
}

void records_batch(records *r, const cnn_batch *batch)
{
    if (r->events.file && !r->pictured) {
        r->pictured = true;
        events_graph(&r->events, r->module, batch->images);
        events_pictures(&r->events, r->step + 1, "train/pictures", batch->images);
    }
}

void records_loss(records *r, double loss)
{
    r->step++;
    if (r->events.file) {
        events_scalar(&r->events, r->step, "loss/batch", loss);
    }
}

void records_step(records *r, const cnn_batch *batch, cnn_tensor *loss)
{
    records_batch(r, batch);
    records_loss(r, r->events.file ? cnn_tensor_item(loss) : 0);
}

bool records_end(records *r)
{
    r->profiled = true;
    if (!r->running) {
        return true;
    }
    bool good = profile_report(r->running, r->profile, !r->quiet);
    cnn_profile_free(r->running);
    r->running = NULL;
    return good;
}

static bool write_state(const char *name, cnn_tensor *tensor, bool is_parameter, void *user)
{
    records *r = user;
    char tag[512];
    const cnn_tensor *gradient = is_parameter ? cnn_tensor_grad(tensor) : NULL;
    if (is_parameter) {
        snprintf(tag, sizeof tag, "weights/%s", name);
        events_histogram(&r->events, r->step, tag, tensor);
    }
    if (gradient) {
        snprintf(tag, sizeof tag, "gradients/%s", name);
        events_histogram(&r->events, r->step, tag, gradient);
    }
    return true;
}

static bool write_events(records *r, const score *train, const score *test, double lr)
{
    const struct {
        const char *tag;
        double value;
    } scalars[] = { { "loss/train", train->loss },         { "loss/test", test->loss },
                    { "accuracy/train", train->accuracy }, { "accuracy/test", test->accuracy },
                    { "learning_rate", lr },               { "images_per_second", (double)train->images / train->seconds } };
    for (size_t i = 0; i < sizeof scalars / sizeof *scalars; i++) {
        events_scalar(&r->events, r->step, scalars[i].tag, scalars[i].value);
    }
    cnn_module_visit(r->module, write_state, r);
    if (events_flush(&r->events)) {
        return true;
    }
    fail_file("write events in", r->tensorboard);
    events_close(&r->events); /* told once: records_close() has none to close then */
    return false;
}

bool records_epoch(records *r, int64_t epoch, const score *train, const score *test, double lr)
{
    if (r->table) {
        errno = 0;
        fprintf(r->table, "%lld,%.6f,%.4f,%.6f,%.4f,%.9g,%.3f,%.1f", (long long)epoch, train->loss, train->accuracy,
                test->loss, test->accuracy, lr, train->seconds, (double)train->images / train->seconds);
        if (r->together && train->traffic.known) {
            fprintf(r->table, ",%.6f,%.4f,%.0f", train->traffic.seconds, traffic_hidden(&train->traffic), train->traffic.bytes);
        }
        fputs(r->together && !train->traffic.known ? ",,,\n" : "\n", r->table);
        if (fflush(r->table) != 0) {
            return fail_file("write", r->csv);
        }
    }
    return !r->events.file || write_events(r, train, test, lr);
}

bool records_close(records *r)
{
    bool good = true;
    cnn_profile_free(r->running);
    r->running = NULL;
    if (r->events.file) {
        good = events_close(&r->events) || fail_file("write events in", r->tensorboard);
    }
    FILE *table = r->table;
    r->table = NULL;
    return (!table || fclose(table) == 0 || fail_file("write", r->csv)) && good;
}
