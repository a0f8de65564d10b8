/* The command line: one table of all options; a value is read as a whole or refused. */
#include "options.h"

#include "common/numbers.h"
#include "common/say.h"

#include <cnn/cnn.h>

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "Usage: cifar10 [OPTION]...\n"
    "       cifar10 --resume FILE --predict FILE...\n"
    "Trains a network on the pictures of CIFAR-10, or on your own folders of pictures.\n"
    "\n"
    "  -d, --data DIR           where the pictures are: the files of the binary version, or the folders train and test\n"
    "                           with a folder of PNG or JPEG pictures for each class (data/cifar10)\n"
    "  -m, --model NAME         fast: a small residual net for CPUs; resnet20: He et al. 2015, section 4.2 (fast)\n"
    "  -e, --epochs N           how many epochs in all (10)\n"
    "  -b, --batch-size N       pictures in a batch (128)\n"
    "  -l, --lr RATE            SGD's highest learning rate, reached after a quarter of the run (0.05)\n"
    "  -w, --weight-decay W     of weights; not of biases and of batch normalisation (0.0005)\n"
    "  -s, --seed N             of weights, order and augmentation (1)\n"
    "  -t, --threads N          computing threads; 0: as many as there are CPUs (0)\n"
    "  -j, --loader-threads N   threads that read, decode and augment (1)\n"
    "  -D, --device NAME        cpu, another such as cuda:0, or auto: the first that is not the CPU (auto)\n"
    "  -a, --no-augment         train on the pictures as they are: neither shifted nor mirrored\n"
    "  -S, --save FILE          write a checkpoint before the first and after every epoch\n"
    "  -B, --best FILE          write a checkpoint of the epoch with the best validation loss so far\n"
    "  -p, --patience N         end after N epochs without a better validation loss; 0: never (0)\n"
    "  -r, --resume FILE        continue from a checkpoint, bit for bit\n"
    "  -E, --eval-only          test the weights of --resume and train nothing\n"
    "  -f, --predict FILE...    say what is in PNG or JPEG pictures of your own: with --resume at once, else after training\n"
    "  -R, --report DIR         write report.html and its figures in the end: curves, mistakes, filters, times\n"
    "  -L, --log FILE           one JSON object a line for every epoch\n"
    "  -T, --tensorboard DIR    write event files for TensorBoard: losses, histograms, pictures, the graph\n"
    "  -C, --csv FILE           one line of comma-separated values for every epoch\n"
    "  -P, --profile FILE       profile the first epoch that is trained: print tables, write a trace for Perfetto\n"
    "  -M, --mpi                train by all processes that mpirun started; --batch-size is that of all together\n"
    "  -k, --shards N           with --mpi: parts of a batch; for any number of processes the weights are the same to the bit;\n"
    "                           0: one part per process, summed in the MPI's own order (8)\n"
    "  -N, --sync-bn            with --mpi: batch normalisation over the pictures of all processes, in one part each\n"
    "  -n, --limit N            use N training and N test pictures only\n"
    "  -y, --synthetic          use pictures that the program draws itself\n"
    "  -x, --digest             print the SHA-256 of the weights in the end\n"
    "  -q, --quiet              print the last line only\n"
    "  -h, --help               print this and end\n"
    "  -V, --version            print the version and end\n"
    "\n"
    "With --best or --patience a tenth of the training pictures, drawn by the seed, is kept for validation. Where there\n"
    "are no pictures in DIR, the program says so and trains on pictures that it draws itself. Ctrl-C, SIGTERM and SIGHUP\n"
    "end cleanly. Exit status: 0, 1 after a failure, 2 for a bad command line, 130 after Ctrl-C.\n";

static const struct option table[] = {
    { "data", required_argument, NULL, 'd' },       { "model", required_argument, NULL, 'm' },
    { "epochs", required_argument, NULL, 'e' },     { "batch-size", required_argument, NULL, 'b' },
    { "lr", required_argument, NULL, 'l' },         { "weight-decay", required_argument, NULL, 'w' },
    { "seed", required_argument, NULL, 's' },       { "threads", required_argument, NULL, 't' },
    { "loader-threads", required_argument, NULL, 'j' }, { "device", required_argument, NULL, 'D' },
    { "no-augment", no_argument, NULL, 'a' },       { "save", required_argument, NULL, 'S' },
    { "best", required_argument, NULL, 'B' },       { "patience", required_argument, NULL, 'p' },
    { "resume", required_argument, NULL, 'r' },     { "eval-only", no_argument, NULL, 'E' },
    { "predict", no_argument, NULL, 'f' },          { "report", required_argument, NULL, 'R' },     { "log", required_argument, NULL, 'L' },
    { "tensorboard", required_argument, NULL, 'T' }, { "csv", required_argument, NULL, 'C' },
    { "profile", required_argument, NULL, 'P' },    { "limit", required_argument, NULL, 'n' },
    { "mpi", no_argument, NULL, 'M' },              { "shards", required_argument, NULL, 'k' },
    { "sync-bn", no_argument, NULL, 'N' },
    { "synthetic", no_argument, NULL, 'y' },        { "digest", no_argument, NULL, 'x' },
    { "quiet", no_argument, NULL, 'q' },            { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, 'V' },          { NULL, 0, NULL, 0 },
};

static options_result result_of(bool good)
{
    return good ? OPTIONS_RUN : OPTIONS_BAD;
}

static options_result read_integer(int c, int64_t low, int64_t high, int64_t *value)
{
    return result_of(number_integer(table, c, low, high, value));
}

static options_result read_threads(int c, int64_t low, int *value)
{
    int64_t n = 0;
    options_result result = read_integer(c, low, 1024, &n);
    *value = (int)n;
    return result;
}

static options_result read_seed(int c, uint64_t *value)
{
    char *end;
    errno = 0;
    *value = strtoull(optarg, &end, 10);
    bool good = *optarg >= '0' && *optarg <= '9' && *end == '\0' && errno == 0 && *value > 0;
    return result_of(good || number_refuse(table, c, "1 to 18446744073709551615"));
}

static options_result read_numbers(options *o, int c)
{
    switch (c) {
    case 'e':
        return read_integer(c, 0, 1000000, &o->all.epochs);
    case 'b':
        return read_integer(c, 1, 65536, &o->all.batch_size);
    case 'p':
        return read_integer(c, 0, 1000000, &o->all.patience);
    case 'k':
        return read_integer(c, 0, 65536, &o->all.shards);
    case 'n':
        return read_integer(c, 1, 1000000000, &o->all.limit);
    case 't':
        return read_threads(c, 0, &o->all.threads);
    case 'j':
        return read_threads(c, 1, &o->loader_threads);
    case 'l':
        return result_of(number_real(table, c, false, &o->lr));
    case 'w':
        return result_of(number_real(table, c, true, &o->weight_decay));
    default:
        return read_seed(c, &o->all.seed);
    }
}

static options_result read_one(options *o, int c)
{
    switch (c) {
    case 'd':
        o->data = optarg;
        return OPTIONS_RUN;
    case 'm':
        o->model = optarg;
        return result_of(strcmp(optarg, "fast") == 0 || strcmp(optarg, "resnet20") == 0 ||
                         number_refuse(table, c, "fast or resnet20"));
    case 'D':
        o->all.device = optarg;
        return OPTIONS_RUN;
    case 'S':
        o->all.save = optarg;
        return OPTIONS_RUN;
    case 'B':
        o->all.best = optarg;
        return OPTIONS_RUN;
    case 'r':
        o->all.resume = optarg;
        return OPTIONS_RUN;
    case 'L':
        o->all.log = optarg;
        return OPTIONS_RUN;
    case 'T':
        o->all.tensorboard = optarg;
        return OPTIONS_RUN;
    case 'C':
        o->all.csv = optarg;
        return OPTIONS_RUN;
    case 'P':
        o->all.profile = optarg;
        return OPTIONS_RUN;
    case 'R':
        o->all.report = optarg;
        return OPTIONS_RUN;
    case 'f':
        o->all.predict = true;
        return OPTIONS_RUN;
    case 'a':
        o->plain = true;
        return OPTIONS_RUN;
    case 'E':
        o->all.eval_only = true;
        return OPTIONS_RUN;
    case 'y':
        o->all.synthetic = true;
        return OPTIONS_RUN;
    case 'x':
        o->all.digest = true;
        return OPTIONS_RUN;
    case 'N':
        o->sync_norm = true;
        return OPTIONS_RUN;
    case 'M':
        o->all.mpi = true;
        return OPTIONS_RUN;
    case 'q':
        o->all.quiet = true;
        return OPTIONS_RUN;
    case 'h':
        fputs(help, stdout);
        return OPTIONS_DONE;
    case 'V':
        printf("cifar10 with libcnn %s\n", cnn_version());
        return OPTIONS_DONE;
    default:
        return read_numbers(o, c);
    }
}

/* What contradicts each other, or has no effect. */
static options_result check(const options *o, const bool *given)
{
    if (o->all.eval_only && !o->all.resume) {
        say("cifar10: --eval-only needs --resume FILE");
        return OPTIONS_BAD;
    }
    if (o->all.predict && o->all.picture_count == 0) {
        say("cifar10: --predict needs a FILE, a picture");
        return OPTIONS_BAD;
    }
    if (o->all.report && training_predicts_only(&o->all)) {
        say("cifar10: --report with --resume and --predict needs --eval-only: without it nothing is tested");
        return OPTIONS_BAD;
    }
    if ((o->all.eval_only || training_predicts_only(&o->all) || o->all.epochs == 0) && (o->all.tensorboard || o->all.csv || o->all.profile)) {
        say("cifar10: --tensorboard, --csv and --profile record training, and nothing is trained");
        return OPTIONS_BAD;
    }
    if (o->all.mpi && (o->all.predict || o->all.best || o->all.patience)) {
        say("cifar10: --predict, --best and --patience are one process's, and --mpi is given");
        return OPTIONS_BAD;
    }
    if ((!o->all.mpi && (given['k'] || o->sync_norm)) || (given['k'] && o->sync_norm)) {
        say("cifar10: --shards or --sync-bn needs --mpi");
        return OPTIONS_BAD;
    }
    if (training_predicts_only(&o->all)) {
        return result_of(option_useless(table, given, "SBpLelwax", "--resume and --predict, which neither train nor test"));
    }
    return result_of(!o->all.eval_only || option_useless(table, given, "SBpLelwa", "--eval-only, which trains nothing"));
}

options_result options_read(options *o, int argc, char **argv)
{
    options_result result = OPTIONS_RUN;
    bool given[UCHAR_MAX + 1] = { false };
    *o = (options){ .all = { .device = "auto", .epochs = 10, .batch_size = 128, .seed = 1, .shards = 8 },
                    .data = "data/cifar10", .model = "fast", .lr = 0.05, .weight_decay = 5e-4, .loader_threads = 1 };
    opterr = 0; /* so that a mistake is reported in one line */
    while (result == OPTIONS_RUN) {
        int at = optind, c = getopt_long(argc, argv, ":d:m:e:b:l:w:s:t:j:D:aS:B:p:r:EfR:L:T:C:P:Mk:Nn:yxqhV", table, NULL);
        if (c == -1) {
            break;
        }
        if (c == '?' || c == ':') {
            option_refuse(c, argc, argv, at);
            return OPTIONS_BAD;
        }
        result = read_one(o, c);
        given[c] = true;
    }
    o->all.pictures = argv + optind;
    o->all.picture_count = argc - optind;
    if (result == OPTIONS_RUN && optind < argc && !o->all.predict) {
        say("cifar10: \"%s\" is no option; --help lists them", argv[optind]);
        return OPTIONS_BAD;
    }
    return result == OPTIONS_RUN ? check(o, given) : result;
}
