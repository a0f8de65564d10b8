/* cifar10: small networks on CIFAR-10 or on folders of pictures, trained by SGD with Nesterov's momentum and one cycle of the
 * learning rate.
 *
 * model.c has the fast network, data.c finds the pictures, train.c is an epoch, and this file gives them to ../common/training,
 * which makes a run of them and goes through its epochs, as it does for mnist_cnn. */
#include "common/say.h"
#include "common/streams.h"
#include "data.h"
#include "model.h"
#include "options.h"
#include "predict.h"
#include "train.h"

#include <locale.h>
#include <stdio.h>

const char program_name[] = "cifar10";

typedef struct parts {
    options o;
    data pictures;
} parts;

static parts *parts_of(const training *t)
{
    return t->user;
}

static bool possible(const training *t)
{
    return !t->o.predict || predict_available();
}

/* ---- the parts ---- */

/* Weights decay; biases and batch normalisation, which have one dimension, do not. */
static bool decays(const char *name, const cnn_tensor *parameter, void *user)
{
    (void)name, (void)user;
    return cnn_tensor_ndim(parameter) > 1;
}

static bool stays(const char *name, const cnn_tensor *parameter, void *user)
{
    return !decays(name, parameter, user);
}

static cnn_optimizer *sgd_new(const training *t, const options *o)
{
    const cnn_sgd_options weights = { .struct_size = sizeof weights, .lr = o->lr, .momentum = 0.9, .nesterov = true,
                                      .weight_decay = o->weight_decay };
    cnn_sgd_options others = weights;
    others.weight_decay = 0;
    cnn_optimizer *sgd = cnn_sgd_create_for(t->ctx, NULL, 0, &weights);
    if (sgd && (cnn_sgd_add_group_where(sgd, t->model, decays, NULL, &weights) != CNN_OK ||
                cnn_sgd_add_group_where(sgd, t->model, stays, NULL, &others) != CNN_OK)) {
        cnn_optimizer_free(sgd);
        return NULL;
    }
    return sgd;
}

static int64_t batches_of(const training *t)
{
    int64_t pictures = cnn_dataset_size(t->train_data);
    bool whole = t->sync_norm && pictures >= t->o.batch_size; /* a last batch that is not full is left out */
    return (pictures + (whole ? 0 : t->o.batch_size - 1)) / t->o.batch_size;
}

static cnn_scheduler *schedule_new(const training *t, const options *o)
{
    return cnn_one_cycle_lr_new(t->optimizer, .max_lr = o->lr, .epochs = t->o.epochs ? t->o.epochs : 1,
                                .steps_per_epoch = batches_of(t), .pct_start = 0.25, .no_cycle_momentum = true);
}

static const char *class_name(const void *pictures, int64_t i)
{
    return data_class_name(pictures, i);
}

/* The pictures are opened first: they say how many classes the network tells apart, and how many steps the schedule has. */
static bool make(training *t)
{
    parts *p = parts_of(t);
    if (!data_open(t, &p->o, &p->pictures)) {
        return false;
    }
    t->network = p->o.model;
    t->subject = (page_subject){ .noun = "picture", .nouns = "pictures", .classes = p->pictures.classes, .channels = 3,
                                 .class_name = class_name, .user = &p->pictures, .mean = data_means, .std = data_deviations };
    t->loader_threads = p->o.loader_threads;
    t->sync_norm = p->o.sync_norm;
    t->model = model_new(t->ctx, p->o.model, 3, p->pictures.classes);
    t->optimizer = t->model ? sgd_new(t, &p->o) : NULL;
    t->scheduler = t->optimizer ? schedule_new(t, &p->o) : NULL;
    t->pace = (ranks_pace){ .schedule = t->scheduler };
    return t->scheduler || say_error();
}

/* The pictures for validation were drawn before the checkpoint was read: by another seed they would be some that the run was trained
 * on. */
static bool resumed(const training *t)
{
    cnn_random_state state = { .seed = t->o.seed };
    cnn_context_random_state(t->ctx, &state);
    if (t->validation_data && state.seed != t->o.seed) {
        say("cifar10: --seed is %llu, expected %llu, that of %s, which draws the pictures of --best and --patience",
            (unsigned long long)t->o.seed, (unsigned long long)state.seed, t->o.resume);
        return false;
    }
    if (t->o.epochs <= t->epoch) {
        say("nothing is trained: %s is after epoch %lld, --epochs is %lld", t->o.resume, (long long)t->epoch, (long long)t->o.epochs);
    }
    return true;
}

static bool open_data(training *t)
{
    return t->train_data && t->test_data; /* `make` has opened them */
}

static void close_data(training *t)
{
    data_close(&parts_of(t)->pictures);
}

/* ---- the run ---- */

static outcome train(training *t, progress *bar, score *trained)
{
    return train_epoch(t->model, t->optimizer, t->scheduler, t->train, &t->train_held, t->tape, bar, &t->records, trained);
}

static void print_data(const training *t)
{
    printf("%lld training and %lld test pictures of %lld classes", (long long)t->train_count, (long long)t->test_count,
           (long long)t->subject.classes);
}

static void add_facts(const training *t)
{
    const options *o = &parts_of(t)->o;
    page_fact(t->page, "training pictures", "%lld%s", (long long)t->train_count, o->plain ? "" : ", augmented");
    page_fact(t->page, "highest learning rate", "%g", o->lr);
}

static bool predict(const training *t)
{
    return predict_files(t->model, t->tape, &parts_of(t)->pictures, t->o.pictures, t->o.picture_count);
}

int main(int argc, char **argv)
{
    static const training_program program = { .possible = possible, .make = make, .resumed = resumed, .open_data = open_data,
                                              .train_epoch = train, .print_data = print_data, .add_facts = add_facts,
                                              .predict = predict, .close = close_data };
    parts p = { .pictures = { .classes = 0 } };
    if (!streams_open()) {
        return 1;
    }
    ranks_hush(argc, argv, "-M");
    setlocale(LC_CTYPE, "");
    options_result read = options_read(&p.o, argc, argv);
    training t = { .program = &program, .o = p.o.all, .user = &p };
    int status = read == OPTIONS_RUN ? training_run(&t) : read == OPTIONS_DONE ? 0 : 2;
    return streams_close() || status ? status : 1;
}
