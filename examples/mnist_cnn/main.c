/* mnist_cnn: the convolutional network of a well-known PyTorch tutorial, trained with libcnn.
 *
 * model.c is the network, train.c has the training loop, data.c finds the data, and this file gives them to
 * ../common/training, which makes a run of them and goes through its epochs, as it does for cifar10. */
#include "augment.h"
#include "common/say.h"
#include "common/streams.h"
#include "data.h"
#include "model.h"
#include "options.h"
#include "predict.h"
#include "train.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const char program_name[] = "mnist_cnn";

static const double mean = 0.1307, deviation = 0.3081; /* as cnn_mnist_open() normalises */

static const options *options_of(const training *t)
{
    return t->user;
}

static bool possible(const training *t)
{
    return !t->o.predict || predict_available();
}

/* ---- the parts ---- */

/* Linear warm-up to the rate, then half a cosine down to 0 (Goyal et al. 2017; Loshchilov & Hutter 2017); without warm-up the rate
 * stays as it is. A function of the step alone, so that a run resumes. */
static cnn_status set_rate(void *user, double step, double steps)
{
    const training *t = user;
    const options *o = options_of(t);
    const double warm = (double)o->warmup * steps, all = (double)t->o.epochs * steps;
    if (o->warmup == 0) {
        return CNN_OK;
    }
    return cnn_optimizer_set_lr(t->optimizer, -1, step < warm ? o->lr * (step + 1) / warm
                                                              : o->lr * (1 + cos(acos(-1) * (step - warm) / (all > warm ? all - warm : 1))) / 2);
}

static cnn_optimizer *optimizer_new(cnn_module *model, const options *o)
{
    return strcmp(o->optimizer, "lars") == 0   ? cnn_lars_new(model, .lr = o->lr, .weight_decay = 1e-4)
           : strcmp(o->optimizer, "lamb") == 0 ? cnn_lamb_new(model, .lr = o->lr)
                                               : cnn_adam_new(model, .lr = o->lr);
}

static bool make(training *t)
{
    t->subject = (page_subject){ .noun = "digit", .nouns = "digits", .classes = 10, .channels = 1, .mean = &mean, .std = &deviation };
    t->pace = (ranks_pace){ .before_step = set_rate, .user = t };
    t->model = model_new(t->ctx);
    t->optimizer = t->model ? optimizer_new(t->model, options_of(t)) : NULL;
    return t->optimizer || say_error();
}

/* Reports which options are overridden by the checkpoint. */
static bool resumed(const training *t)
{
    const options *o = options_of(t);
    cnn_random_state random = { .seed = t->o.seed };
    double lr = cnn_optimizer_lr(t->optimizer, 0);
    cnn_context_random_state(t->ctx, &random);
    if ((o->lr_given || o->tutorial) && o->lr != lr) {
        say("%s %g is not used: the learning rate of %s is %g", o->lr_given ? "--lr" : "--tutorial's learning rate", o->lr, t->o.resume,
            lr);
    }
    if (o->seed_given && t->o.seed != random.seed) {
        say("--seed %llu is not used: the seed of %s is %llu", (unsigned long long)t->o.seed, t->o.resume, (unsigned long long)random.seed);
    }
    if (t->o.epochs < t->epoch) {
        say("nothing is trained: %s is after epoch %lld, --epochs is %lld", t->o.resume, (long long)t->epoch, (long long)t->o.epochs);
    }
    return true;
}

/* What TensorBoard is shown is of no step, so the images do not stay on the device then. Of several processes rank 0 goes first and
 * fetches what is missing; the others find it there. */
static bool open_data(training *t)
{
    const options *o = options_of(t);
    bool first = !t->ranks || !ranks_is_other();
    t->on_device = strcmp(cnn_context_device(t->ctx), "cpu") != 0 && !o->copy_batches && !t->o.tensorboard && !t->ranks;
    t->change = o->augment ? &augment_change : NULL;
    bool opened = !first || data_open(t, o);
    return ranks_agree(t->ranks, opened) && (!t->ranks || ranks_agree(t->ranks, first || data_open(t, o)));
}

/* ---- the run ---- */

static outcome train(training *t, progress *bar, score *trained)
{
    return train_epoch(t->model, t->optimizer, t->train, &t->train_held, t->tape, bar, &t->records, trained);
}

/* Reports the article's last number, which is measured with dropout on the training images. */
static bool measure(training *t)
{
    score s;
    if (!options_of(t)->tutorial) {
        return true;
    }
    outcome result = score_test(t->model, t->train, &t->train_held, t->tape, CNN_TRAIN_NO_GRAD, &s);
    if (result != DONE) {
        return result == FAILED && say_error();
    }
    printf("as the article measures it, with dropout on and over the training set: accuracy %.2f %%\n", s.accuracy);
    return true;
}

static void print_data(const training *t)
{
    printf("%lld training and %lld test images", (long long)t->train_count, (long long)t->test_count);
}

/* A checkpoint's learning rate went before that of the command line. */
static void add_facts(const training *t)
{
    page_fact(t->page, "training images", "%lld%s", (long long)t->train_count, options_of(t)->augment ? ", augmented" : "");
    page_fact(t->page, "learning rate", "%g", cnn_optimizer_lr(t->optimizer, 0));
}

static bool predict(const training *t)
{
    return predict_files(t->model, t->tape, t->o.pictures, t->o.picture_count, t->o.quiet);
}

int main(int argc, char **argv)
{
    static const training_program program = { .possible = possible, .make = make, .resumed = resumed, .open_data = open_data,
                                              .train_epoch = train, .measure = measure, .print_data = print_data,
                                              .add_facts = add_facts, .predict = predict };
    options o;
    if (!streams_open()) {
        return 1;
    }
    ranks_hush(argc, argv, "-m");
    setlocale(LC_CTYPE, "");
    options_result read = options_read(&o, argc, argv);
    training t = { .program = &program, .o = o.all, .user = &o, .math = o.math };
    int status = read == OPTIONS_RUN ? training_run(&t) : read == OPTIONS_DONE ? 0 : 2;
    return streams_close() || status ? status : 1;
}
