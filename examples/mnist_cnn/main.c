/* mnist_cnn: the convolutional network of a well-known PyTorch tutorial, trained with libcnn.
 *
 * model.c is the network, train.c has the training loop, data.c finds the data, run.c makes the parts of a run, and this
 * file goes through its epochs; what other programs need too is in ../common. A run continues bit for bit from a
 * checkpoint, which holds weights, optimizer, epoch and random state. */
#include "common/report.h"
#include "common/say.h"
#include "common/signals.h"
#include "common/streams.h"
#include "predict.h"
#include "run.h"
#include "train.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const char program_name[] = "mnist_cnn";

static bool save(const run *r)
{
    const cnn_checkpoint checkpoint = { .struct_size = sizeof checkpoint, .module = r->model, .optimizer = r->adam,
                                        .epoch = r->epoch };
    return !r->o.save || cnn_checkpoint_save(&checkpoint, r->o.save) == CNN_OK || run_fail();
}

/* Closing writes the rest and may fail because the disk is full. */
static bool close_log(run *r)
{
    FILE *log = r->log;
    r->log = NULL;
    return !log || fclose(log) == 0 || run_fail_log(r, "write");
}

/* A failure of the library that nobody has told of yet; ranks.c tells of those of --mpi itself. */
static outcome told(outcome result)
{
    if (result == FAILED) {
        run_fail();
    }
    return result;
}

static outcome test(run *r)
{
    outcome result = score_test(r->model, r->test, &r->test_held, r->tape, CNN_EVAL, &r->tested);
    return r->ranks ? ranks_share(r->ranks, result, &r->tested) : told(result);
}

static outcome train_alone(run *r, progress *bar, score *trained)
{
    outcome result = train_epoch(r->model, r->adam, r->train, &r->train_held, r->tape, bar, &r->records, trained);
    progress_end(bar);
    return told(result) == DONE && !records_end(&r->records) ? FAILED : result;
}

/* Linear warm-up to the rate, then half a cosine down to 0 (Goyal et al. 2017; Loshchilov & Hutter 2017); without warm-up the rate
 * stays as it is. A function of the step alone, so that a run resumes. */
static cnn_status set_rate(void *user, double step, double steps)
{
    const run *r = user;
    const double lr = r->o.lr, warm = (double)r->o.warmup * steps, all = (double)r->o.epochs * steps;
    if (r->o.warmup == 0) {
        return CNN_OK;
    }
    return cnn_optimizer_set_lr(r->adam, -1, step < warm ? lr * (step + 1) / warm
                                                         : lr * (1 + cos(acos(-1) * (step - warm) / (all > warm ? all - warm : 1))) / 2);
}

static outcome train_together(run *r, progress *bar, score *trained)
{
    const ranks_pace pace = { .before_step = set_rate, .user = r };
    outcome result = ranks_train_epoch(r->ranks, &pace, r->model, r->adam, r->tape, r->epoch, bar, &r->records, trained);
    progress_end(bar);
    return result != DONE || ranks_agree(r->ranks, records_end(&r->records)) ? result : FAILED;
}

/* Tells people and programs of an epoch, and saves its checkpoint. With --mpi that may fail on rank 0 alone. */
static outcome keep_epoch(run *r, const score *trained)
{
    page_epoch(r->page, r->epoch, trained, &r->tested);
    bool printed = r->o.quiet || report_epoch(r->epoch, r->o.epochs, trained, &r->tested);
    bool logged = !r->log || report_log(r->log, r->epoch, trained, &r->tested) || run_fail_log(r, "write");
    bool kept = records_epoch(&r->records, r->epoch, trained, &r->tested, cnn_optimizer_lr(r->adam, 0));
    if (ranks_agree(r->ranks, logged && save(r) && kept && printed)) {
        return DONE;
    }
    return interrupted && r->ranks ? INTERRUPTED : FAILED;
}

static outcome run_epoch(run *r)
{
    score trained;
    progress bar;
    if (!ranks_agree(r->ranks, records_begin(&r->records))) {
        return interrupted && r->ranks ? INTERRUPTED : FAILED;
    }
    progress_begin(&bar, !r->o.quiet, r->epoch + 1, r->o.epochs,
                   r->ranks ? ranks_step_count(r->ranks) : cnn_loader_batch_count(r->train));
    outcome result = r->ranks ? train_together(r, &bar, &trained) : train_alone(r, &bar, &trained);
    if (result == DONE) {
        result = test(r);
    }
    if (result != DONE) {
        return result;
    }
    result = told(best_epoch(&r->best, r->epoch + 1)); /* with --mpi there is none */
    if (result != DONE) {
        return result;
    }
    r->epoch++;
    return keep_epoch(r, &trained);
}

/* Reports the article's last number, which is measured with dropout on the training images. */
static bool report_article(run *r)
{
    score s;
    outcome result = score_test(r->model, r->train, &r->train_held, r->tape, CNN_TRAIN_NO_GRAD, &s);
    if (result != DONE) {
        return result == FAILED && run_fail();
    }
    printf("as the article measures it, with dropout on and over the training set: accuracy %.2f %%\n", s.accuracy);
    return true;
}

/* How the weights came about. A checkpoint's learning rate and seed went before those of the command line. */
static void report_training(const run *r)
{
    cnn_random_state random = { .seed = r->o.seed };
    if (r->o.eval_only) {
        page_fact(r->page, "weights", "%s", r->o.resume);
        return;
    }
    cnn_context_random_state(r->ctx, &random);
    page_fact(r->page, "epochs", "%lld", (long long)r->epoch);
    if (r->ranks) {
        page_fact(r->page, "processes", "%d", ranks_count(r->ranks));
    }
    page_fact(r->page, "training images", "%lld%s", (long long)r->train_count, r->o.augment ? ", augmented" : "");
    page_fact(r->page, "learning rate", "%g", cnn_optimizer_lr(r->adam, 0));
    page_fact(r->page, "seed", "%llu", (unsigned long long)random.seed);
}

static outcome write_report(run *r)
{
    static const double mean = 0.1307, deviation = 0.3081; /* as cnn_mnist_open() normalises */
    const page_subject subject = { .noun = "digit", .nouns = "digits", .model = r->model, .tape = r->tape, .test = r->test_images,
                                   .classes = 10, .batch_size = r->o.batch_size, .channels = 1, .mean = &mean, .std = &deviation };
    page_facts(r->page, &subject, &r->tested);
    report_training(r);
    outcome result = page_write(r->page, &subject);
    if (result == DONE && !r->o.quiet) {
        printf("the report is %s/report.html\n", r->o.report);
    }
    return result;
}

static int predict(run *r)
{
    bool good = predict_files(r->model, r->tape, r->o.pictures, r->o.picture_count, r->o.quiet);
    return interrupted ? signals_status() : good ? 0 : 1;
}

static int finish(run *r)
{
    outcome result = r->tested.images ? DONE : test(r);
    if (result == DONE && r->o.tutorial && !report_article(r)) {
        result = FAILED;
    }
    if (result == DONE && r->page) {
        result = write_report(r);
    }
    if (!ranks_agree(r->ranks, result == DONE)) { /* the others wait while rank 0 writes */
        result = FAILED;
    }
    if (result != DONE) {
        return interrupted ? signals_status() : 1;
    }
    if (!r->ranks || !ranks_is_other()) {
        if (r->ranks && !r->o.quiet) {
            report_traffic(ranks_traffic(r->ranks));
        }
        report_test(&r->tested);
    }
    bool good = (!r->o.digest || report_digest(r->model)) && close_log(r) && records_close(&r->records);
    return !good ? 1 : r->o.predict ? predict(r) : 0;
}

static bool report_start(const run *r)
{
    int threads = cnn_context_threads(r->ctx);
    if (r->ranks) {
        printf("%d process%s, each with ", ranks_count(r->ranks), ranks_count(r->ranks) == 1 ? "" : "es");
    }
    printf("%lld parameters, %lld training and %lld test images, %d thread%s, %s kernels\n",
           (long long)cnn_module_parameter_numel(r->model), (long long)r->train_count, (long long)r->test_count, threads,
           threads == 1 ? "" : "s", cnn_context_kernels(r->ctx));
    return streams_flush();
}

static int train(run *r)
{
    bool ready = (r->o.quiet || report_start(r)) && (r->o.eval_only || save(r));
    if (!ranks_agree(r->ranks, ready)) {
        return interrupted ? signals_status() : 1;
    }
    outcome begun = r->o.eval_only ? DONE : told(best_begin(&r->best, r->epoch));
    if (begun != DONE) {
        return begun == INTERRUPTED ? report_interrupted(r->o.save, r->epoch) : 1;
    }
    while (!r->o.eval_only && r->epoch < r->o.epochs && best_goes_on(&r->best, r->epoch, r->o.quiet)) {
        outcome result = run_epoch(r);
        if (result != DONE) {
            return result == INTERRUPTED ? report_interrupted(r->o.save, r->epoch) : 1;
        }
    }
    return finish(r);
}

static int run_program(const options *o)
{
    run r = { .o = *o };
    signals_catch();
    int status = !run_prepare(&r) ? (interrupted ? signals_status() : 1) : options_predict_only(o) ? predict(&r) : train(&r);
    run_free(&r, status);
    return status;
}

int main(int argc, char **argv)
{
    options o;
    if (!streams_open()) {
        return 1;
    }
    for (int i = 1; i < argc; i++) { /* all processes have the same command line */
        if (ranks_is_other() && (strcmp(argv[i], "--mpi") == 0 || strcmp(argv[i], "-m") == 0)) {
            say_keep();
        }
    }
    setlocale(LC_CTYPE, "");
    options_result read = options_read(&o, argc, argv);
    int status = read == OPTIONS_RUN ? run_program(&o) : read == OPTIONS_DONE ? 0 : 2;
    return streams_close() || status ? status : 1;
}
