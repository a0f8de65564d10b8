/* A run goes through its epochs, tests, and tells of it. With --mpi all ranks go the same way: what may fail on one of them is followed by
 * ranks_agree(). A run continues bit for bit from a checkpoint, which holds weights, optimizer, schedule, epoch and random state. */
#include "training.h"

#include "common/report.h"
#include "common/say.h"
#include "common/signals.h"
#include "common/streams.h"

/* ---- epochs ---- */

static bool save(const training *t)
{
    const cnn_checkpoint checkpoint = { .struct_size = sizeof checkpoint, .module = t->model, .optimizer = t->optimizer,
                                        .scheduler = t->scheduler, .epoch = t->epoch };
    return !t->o.save || cnn_checkpoint_save(&checkpoint, t->o.save) == CNN_OK || say_error();
}

/* Says why the library failed; ranks.c does so itself. */
static outcome told(outcome result)
{
    if (result == FAILED) {
        say_error();
    }
    return result;
}

static outcome test(training *t)
{
    outcome result = score_test(t->model, t->test, &t->test_held, t->tape, CNN_EVAL, &t->tested);
    return t->ranks ? ranks_share(t->ranks, result, &t->tested) : told(result);
}

/* What follows where the ranks could not agree. */
static outcome not_agreed(const training *t)
{
    return interrupted && t->ranks ? INTERRUPTED : FAILED;
}

static outcome train_all(training *t, progress *bar, score *trained)
{
    outcome result = t->ranks ? ranks_train_epoch(t->ranks, &t->pace, t->model, t->optimizer, t->tape, t->epoch, bar, &t->records, trained)
                              : told(t->program->train_epoch(t, bar, trained));
    progress_end(bar);
    return result != DONE || ranks_agree(t->ranks, records_end(&t->records)) ? result : not_agreed(t);
}

/* Tells people and programs of an epoch, and saves its checkpoint. With --mpi that may fail on rank 0 alone. */
static outcome keep_epoch(training *t, const score *trained)
{
    page_epoch(t->page, t->epoch, trained, &t->tested);
    bool printed = t->o.quiet || report_epoch(t->epoch, t->o.epochs, trained, &t->tested);
    bool logged = !t->log || report_log(t->log, t->epoch, trained, &t->tested) || training_fail_log(t, "write");
    bool kept = logged && records_epoch(&t->records, t->epoch, trained, &t->tested, cnn_optimizer_lr(t->optimizer, 0));
    return ranks_agree(t->ranks, logged && save(t) && kept && printed) ? DONE : not_agreed(t);
}

static outcome run_epoch(training *t)
{
    score trained;
    progress bar;
    if (!ranks_agree(t->ranks, records_begin(&t->records))) {
        return not_agreed(t);
    }
    progress_begin(&bar, !t->o.quiet, t->epoch + 1, t->o.epochs,
                   t->ranks ? ranks_step_count(t->ranks) : cnn_loader_batch_count(t->train));
    outcome result = train_all(t, &bar, &trained);
    result = result == DONE ? test(t) : result;
    result = result == DONE ? told(best_epoch(&t->best, t->epoch + 1)) : result; /* with --mpi there is none */
    if (result != DONE) {
        return result;
    }
    t->epoch++;
    return keep_epoch(t, &trained);
}

/* ---- the report ---- */

/* How the weights came about. A checkpoint's seed went before that of the command line. */
static void add_facts(const training *t)
{
    cnn_random_state random = { .seed = t->o.seed };
    if (t->network) {
        page_fact(t->page, "network", "%s", t->network);
    }
    if (t->drawn) {
        page_fact(t->page, "measured on", "%s", t->drawn);
    }
    if (t->o.eval_only) {
        page_fact(t->page, "weights", "%s", t->o.resume);
        return;
    }
    cnn_context_random_state(t->ctx, &random);
    page_fact(t->page, "epochs", "%lld", (long long)t->epoch);
    if (t->ranks) {
        page_fact(t->page, "processes", "%d", ranks_count(t->ranks));
    }
    t->program->add_facts(t);
    page_fact(t->page, "seed", "%llu", (unsigned long long)random.seed);
}

static outcome write_report(training *t)
{
    page_subject subject = t->subject;
    subject.model = t->model;
    subject.tape = t->tape;
    subject.test = t->test_samples;
    subject.batch_size = t->o.batch_size;
    page_facts(t->page, &subject, &t->tested);
    add_facts(t);
    outcome result = page_write(t->page, &subject);
    if (result == DONE && !t->o.quiet) {
        printf("the report is %s/report.html\n", t->o.report);
    }
    return result;
}

/* ---- from beginning to end ---- */

static int predict(const training *t)
{
    bool good = t->program->predict(t);
    return interrupted ? signals_status() : good ? 0 : 1;
}

/* Closing writes the rest and may fail because the disk is full. */
static bool close_log(training *t)
{
    FILE *log = t->log;
    t->log = NULL;
    return !log || fclose(log) == 0 || training_fail_log(t, "write");
}

static int finish(training *t)
{
    outcome result = t->tested.images ? DONE : test(t);
    if (result == DONE && t->program->measure && !t->program->measure(t)) {
        result = FAILED;
    }
    if (result == DONE && t->page) {
        result = write_report(t);
    }
    if (!ranks_agree(t->ranks, result == DONE)) { /* the others wait while rank 0 writes */
        result = FAILED;
    }
    if (result != DONE) {
        return interrupted ? signals_status() : 1;
    }
    if (!t->ranks || !ranks_is_other()) {
        if (t->ranks && !t->o.quiet) {
            report_traffic(ranks_traffic(t->ranks));
        }
        report_test(&t->tested, t->drawn);
    }
    bool good = (!t->o.digest || report_digest(t->model)) && close_log(t) && records_close(&t->records);
    return !good ? 1 : t->o.predict ? predict(t) : 0;
}

static bool report_start(const training *t)
{
    int threads = cnn_context_threads(t->ctx), count = ranks_count(t->ranks);
    if (t->ranks) {
        printf("%d process%s, each with ", count, count == 1 ? "" : "es");
    }
    printf("%s%s%lld parameters, ", t->network ? t->network : "", t->network ? ": " : "", (long long)cnn_module_parameter_numel(t->model));
    t->program->print_data(t);
    printf(", %d thread%s, %s kernels\n", threads, threads == 1 ? "" : "s", cnn_context_kernels(t->ctx));
    return streams_flush();
}

static int train(training *t)
{
    if (!ranks_agree(t->ranks, (t->o.quiet || report_start(t)) && (t->o.eval_only || save(t)))) {
        return interrupted && t->ranks ? signals_status() : 1;
    }
    outcome begun = t->o.eval_only ? DONE : told(best_begin(&t->best, t->epoch));
    if (begun != DONE) {
        return begun == INTERRUPTED ? report_interrupted(t->o.save, t->epoch) : 1;
    }
    while (!t->o.eval_only && t->epoch < t->o.epochs && best_goes_on(&t->best, t->epoch, t->o.quiet)) {
        outcome result = run_epoch(t);
        if (result != DONE) {
            return result == INTERRUPTED ? report_interrupted(t->o.save, t->epoch) : 1;
        }
    }
    return finish(t);
}

int training_run(training *t)
{
    signals_catch();
    int status = !training_prepare(t)                 ? (interrupted ? signals_status() : 1)
                 : training_predicts_only(&t->o) ? predict(t)
                                                 : train(t);
    training_free(t, status);
    return status;
}
