/* The command line: one table of all options, each with the function that reads its value. A value is read as a
 * whole or refused. */
#include "options.h"

#include "common/numbers.h"
#include "common/say.h"

#include <cnn/cnn.h>

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "Usage: mnist_cnn [OPTION]...\n"
    "       mnist_cnn --resume FILE --predict FILE...\n"
    "Trains the convolutional network of a well-known PyTorch tutorial on MNIST.\n"
    "\n"
    "  -d, --data DIR         where MNIST's four files are, plain or gzipped, or where to put them (data/mnist)\n"
    "  -e, --epochs N         how many epochs in all (10)\n"
    "  -b, --batch-size N     images in a batch (200)\n"
    "  -l, --lr RATE          Adam's learning rate (0.001)\n"
    "  -s, --seed N           of weights, order and dropout (1)\n"
    "  -t, --threads N        computing threads; 0: as many as there are CPUs (0)\n"
    "  -D, --device NAME      cpu, another such as cuda:0, or auto: the first that is not the CPU (auto)\n"
    "  -M, --math MODE        fast, strict (plain sums only) or tf32 (a GPU may round factors to 10 bits) (fast)\n"
    "  -c, --copy-batches     make each batch on the CPU; on another device the images are copied once and gathered there\n"
    "  -S, --save FILE        write a checkpoint before the first and after every epoch\n"
    "  -f, --best FILE        write a checkpoint of the epoch with the best validation loss so far\n"
    "  -i, --patience N       end after N epochs without a better validation loss; 0: never (0)\n"
    "  -r, --resume FILE      continue from a checkpoint, bit for bit\n"
    "  -E, --eval-only        test the checkpoint or the plain weights of --resume and train nothing\n"
    "  -R, --report DIR       write report.html and its figures in the end: curves, mistakes, filters, times\n"
    "  -p, --predict FILE...  recognise the digits in PNG or JPEG pictures of your own: with --resume at once, else after\n"
    "                         training\n"
    "  -a, --augment          train on digits that are turned, slanted, scaled, moved and drawn with another pen, each\n"
    "                         epoch anew\n"
    "  -L, --log FILE         one JSON object a line for every epoch\n"
    "  -B, --tensorboard DIR  write event files for TensorBoard: losses, histograms, pictures, the graph\n"
    "  -C, --csv FILE         one line of comma-separated values for every epoch\n"
    "  -P, --profile FILE     profile the first epoch that is trained: print tables, write a trace for Perfetto\n"
    "  -n, --limit N          use the first N training and the first N test images only\n"
    "  -y, --synthetic        use digits that the program draws itself\n"
    "  -T, --tutorial         as the tutorial's article does it: learning rate 0.01, and in the end the accuracy with\n"
    "                         dropout still on, over the training set\n"
    "  -x, --digest           print the SHA-256 of the weights in the end\n"
    "  -m, --mpi              train by all processes that mpirun started; --batch-size is that of all together\n"
    "  -k, --shards N         with --mpi: parts of a batch; for any number of processes the weights are the same to the bit;\n"
    "                         0: one per process, added up by MPI in an order of its own (8)\n"
    "  -O, --optimizer NAME   with --mpi: adam, lars or lamb (adam)\n"
    "  -w, --warmup N         with --mpi: raise the learning rate for N epochs, then lower it to 0 by half a cosine (0)\n"
    "  -q, --quiet            print the last line only\n"
    "  -h, --help             print this and end\n"
    "  -V, --version          print the version and end\n"
    "\n"
    "Files that are missing are fetched with curl or wget (from MNIST_MIRROR, if that is set) and their SHA-256 is\n"
    "checked; files that are there already are taken as they are. Where none is there and none can be had, the program\n"
    "trains on digits that it draws itself. With --best or --patience a tenth of the training images, drawn by the seed,\n"
    "is kept for validation. A checkpoint's learning rate and seed go before --lr and --seed.\n"
    "Ctrl-C, SIGTERM and SIGHUP end cleanly; the checkpoint of --save is that of the last whole epoch.\n"
    "Exit status: 0, 1 after a failure, 2 for a bad command line, 130 after Ctrl-C.\n";

static const struct option table[] = {
    { "data", required_argument, NULL, 'd' },       { "epochs", required_argument, NULL, 'e' },
    { "batch-size", required_argument, NULL, 'b' }, { "lr", required_argument, NULL, 'l' },
    { "seed", required_argument, NULL, 's' },       { "threads", required_argument, NULL, 't' },
    { "device", required_argument, NULL, 'D' },     { "copy-batches", no_argument, NULL, 'c' },
    { "math", required_argument, NULL, 'M' },
    { "save", required_argument, NULL, 'S' },       { "resume", required_argument, NULL, 'r' },
    { "eval-only", no_argument, NULL, 'E' },        { "report", required_argument, NULL, 'R' },
    { "predict", no_argument, NULL, 'p' },          { "augment", no_argument, NULL, 'a' },
    { "tensorboard", required_argument, NULL, 'B' }, { "csv", required_argument, NULL, 'C' },
    { "profile", required_argument, NULL, 'P' },    { "log", required_argument, NULL, 'L' },
    { "limit", required_argument, NULL, 'n' },      { "mpi", no_argument, NULL, 'm' },
    { "shards", required_argument, NULL, 'k' },     { "optimizer", required_argument, NULL, 'O' },
    { "best", required_argument, NULL, 'f' },       { "patience", required_argument, NULL, 'i' },
    { "warmup", required_argument, NULL, 'w' },     { "synthetic", no_argument, NULL, 'y' },
    { "tutorial", no_argument, NULL, 'T' },         { "digest", no_argument, NULL, 'x' },
    { "quiet", no_argument, NULL, 'q' },            { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, 'V' },          { NULL, 0, NULL, 0 },
};

enum { SHARDS = 8 }; /* the default */

static options_result result_of(bool good)
{
    return good ? OPTIONS_RUN : OPTIONS_BAD;
}

static options_result read_integer(int c, int64_t low, int64_t high, int64_t *value)
{
    return result_of(number_integer(table, c, low, high, value));
}

static options_result read_number(options *o, int c)
{
    int64_t n = 0;
    options_result result;
    switch (c) {
    case 'e': case 'i': case 'w': return read_integer(c, 0, 1000000, c == 'e' ? &o->all.epochs : c == 'i' ? &o->all.patience : &o->warmup);
    case 'b': case 'n': return read_integer(c, 1, 60000, c == 'b' ? &o->all.batch_size : &o->all.limit);
    case 'k': return read_integer(c, 0, 65536, &o->all.shards);
    case 's':
        result = read_integer(c, 0, INT64_MAX, &n);
        o->all.seed = (uint64_t)n;
        o->seed_given = true;
        return result;
    default:
        result = read_integer(c, 0, 8192, &n);
        o->all.threads = (int)n;
        return result;
    }
}

/* A device of CUDA is a good name where there is none, too: the context says why. */
static options_result read_device(options *o)
{
    o->all.device = optarg;
    bool known = strcmp(optarg, "auto") == 0 || strcmp(optarg, "cuda") == 0 || strncmp(optarg, "cuda:", 5) == 0;
    return result_of(known || cnn_device_available(optarg) ||
                     number_refuse(table, 'D', "auto, cpu or another device that there is"));
}

static options_result read_math(options *o)
{
    return result_of(math_read(optarg, &o->math) || number_refuse(table, 'M', "fast, strict or tf32"));
}

static options_result read_optimizer(options *o)
{
    o->optimizer = optarg;
    return result_of(strcmp(optarg, "adam") == 0 || strcmp(optarg, "lars") == 0 || strcmp(optarg, "lamb") == 0 ||
                     number_refuse(table, 'O', "adam, lars or lamb"));
}

static options_result read_option(options *o, int c)
{
    switch (c) {
    case 'm': o->all.mpi = true; break;
    case 'O': return read_optimizer(o);
    case 'd': o->data = optarg; break;
    case 'S': o->all.save = optarg; break;
    case 'f': o->all.best = optarg; break;
    case 'r': o->all.resume = optarg; break;
    case 'L': o->all.log = optarg; break;
    case 'B': o->all.tensorboard = optarg; break;
    case 'C': o->all.csv = optarg; break;
    case 'P': o->all.profile = optarg; break;
    case 'R': o->all.report = optarg; break;
    case 'p': o->all.predict = true; break;
    case 'a': o->augment = true; break;
    case 'c': o->copy_batches = true; break;
    case 'l': return result_of(number_real(table, c, false, &o->lr));
    case 'D': return read_device(o);
    case 'M': return read_math(o);
    case 'E': o->all.eval_only = true; break;
    case 'y': o->all.synthetic = true; break;
    case 'T': o->tutorial = true; break;
    case 'x': o->all.digest = true; break;
    case 'q': o->all.quiet = true; break;
    case 'h': fputs(help, stdout); return OPTIONS_DONE;
    case 'V': printf("mnist_cnn (libcnn) %s\n", cnn_version()); return OPTIONS_DONE;
    case 'e': case 'b': case 's': case 't': case 'n': case 'k': case 'w': case 'i': return read_number(o, c);
    default: return OPTIONS_BAD;
    }
    return OPTIONS_RUN;
}

static options_result contradiction(const char *message)
{
    say("mnist_cnn: %s", message);
    return OPTIONS_BAD;
}

/* What changes training alone, and for pictures alone the test, too. */
static bool check_use(const options *o, const bool *given)
{
    if (o->all.eval_only) {
        return option_useless(table, given, "SfiLelakOw", "--eval-only, which trains nothing");
    }
    return !training_predicts_only(&o->all) ||
           option_useless(table, given, "SfiLelaTxny", "--resume and --predict, which neither train nor test");
}

static options_result check(options *o, const bool *given, int argc, char **argv)
{
    o->all.pictures = argv + optind;
    o->all.picture_count = argc - optind;
    if (o->all.picture_count > 0 && !o->all.predict) {
        say("mnist_cnn: \"%s\" is no option; see --help", argv[optind]);
        return OPTIONS_BAD;
    }
    if (o->all.predict && o->all.picture_count == 0) {
        return contradiction("--predict needs a FILE, a picture of a digit");
    }
    if (o->all.eval_only && !o->all.resume) {
        return contradiction("--eval-only needs --resume FILE");
    }
    if (o->all.report && training_predicts_only(&o->all)) {
        return contradiction("--report with --resume and --predict needs --eval-only: without it nothing is tested");
    }
    if ((o->all.tensorboard || o->all.csv || o->all.profile) && (o->all.eval_only || training_predicts_only(&o->all) || o->all.epochs == 0)) {
        return contradiction("--tensorboard, --csv and --profile record training, and nothing is trained");
    }
    if (o->all.mpi && (o->tutorial || o->all.predict || o->all.best || o->all.patience)) {
        return contradiction("--tutorial, --predict, --best and --patience are one process's, and --mpi is given");
    }
    if (!o->all.mpi && (o->warmup || strcmp(o->optimizer, "adam") != 0 || o->all.shards != SHARDS)) {
        return contradiction("--shards, --optimizer and --warmup need --mpi");
    }
    return check_use(o, given) ? OPTIONS_RUN : OPTIONS_BAD;
}

options_result options_read(options *o, int argc, char **argv)
{
    *o = (options){ .all = { .epochs = 10, .batch_size = 200, .seed = 1, .device = "auto", .shards = SHARDS },
                    .data = "data/mnist", .lr = 0, .optimizer = "adam" };
    bool given[UCHAR_MAX + 1] = { false };
    opterr = 0; /* so that a mistake is reported in one line */
    for (;;) {
        int at = optind, c = getopt_long(argc, argv, ":d:e:b:l:s:t:D:M:cS:f:i:r:ER:paL:B:C:P:n:yTmk:O:w:xqhV", table, NULL);
        if (c == -1) {
            break;
        }
        if (c == '?' || c == ':') {
            option_refuse(c, argc, argv, at);
            return OPTIONS_BAD;
        }
        options_result result = read_option(o, c);
        if (result != OPTIONS_RUN) {
            return result;
        }
        given[c] = true;
    }
    o->lr_given = o->lr > 0;
    if (o->lr == 0) {
        o->lr = o->tutorial ? 0.01 : 0.001;
    }
    return check(o, given, argc, argv);
}
