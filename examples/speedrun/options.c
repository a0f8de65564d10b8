/* The command line: the name of a record and options, each of which is read as a whole or refused. */
#include "options.h"

#include "common/numbers.h"
#include "common/say.h"

#include <cnn/cnn.h>

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "Usage: speedrun mnist99|cifar10 [OPTION]...\n"
    "Trains a network as fast as two CPUs can.\n"
    "\n"
    "  mnist99                  99 % of MNIST's test images in as few seconds as possible, for several seeds\n"
    "  cifar10                  as many of CIFAR-10's test pictures as possible in ten minutes\n"
    "\n"
    "  -d, --data DIR           where the images are (data/mnist, data/cifar10)\n"
    "  -n, --seeds N            how many runs mnist99 makes (20)\n"
    "  -s, --seed N             the seed of the first run (1)\n"
    "  -t, --threads N          computing threads (2)\n"
    "  -m, --minutes M          what cifar10 may take, reading and testing included (10)\n"
    "  -e, --epochs N           cifar10 trains for N epochs, however long they take: the same seed gives the same "
    "result\n"
    "  -l, --limit N            use N training and N test images only\n"
    "  -y, --synthetic          cifar10 draws its pictures\n"
    "  -c, --cpu-clock          count the program's CPU time divided by the threads in place of the time that passes: "
    "for\n"
    "                           machines that have other work\n"
    "  -j, --json               print JSON objects, one per line\n"
    "  -h, --help               print this and end\n"
    "  -V, --version            print the version and end\n"
    "\n"
    "Exit status: 0, 1 after a failure, 2 for a bad command line, 130 after Ctrl-C.\n";

static const struct option table[] = {
    { "data", required_argument, NULL, 'd' },
    { "seeds", required_argument, NULL, 'n' },
    { "seed", required_argument, NULL, 's' },
    { "threads", required_argument, NULL, 't' },
    { "minutes", required_argument, NULL, 'm' },
    { "epochs", required_argument, NULL, 'e' },
    { "limit", required_argument, NULL, 'l' },
    { "synthetic", no_argument, NULL, 'y' },
    { "cpu-clock", no_argument, NULL, 'c' },
    { "json", no_argument, NULL, 'j' },
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, 'V' },
    { NULL, 0, NULL, 0 },
};

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
    case 'n': return read_integer(c, 1, 1000000, &o->seeds);
    case 's':
        result = read_integer(c, 1, 1000000000, &n);
        o->seed = (uint64_t)n;
        return result;
    case 't':
        result = read_integer(c, 1, 1024, &n);
        o->threads = (int)n;
        return result;
    case 'e': return read_integer(c, 1, 1000000, &o->epochs);
    case 'l': return read_integer(c, 1, 1000000000, &o->limit);
    default: return result_of(number_real(table, c, false, &o->minutes));
    }
}

static options_result read_one(options *o, int c)
{
    switch (c) {
    case 'd': o->data = optarg; return OPTIONS_RUN;
    case 'y': o->synthetic = true; return OPTIONS_RUN;
    case 'c': o->cpu_clock = true; return OPTIONS_RUN;
    case 'j': o->json = true; return OPTIONS_RUN;
    case 'h': fputs(help, stdout); return OPTIONS_DONE;
    case 'V': printf("speedrun with libcnn %s\n", cnn_version()); return OPTIONS_DONE;
    default: return read_number(o, c);
    }
}

static options_result read_record(options *o, const bool *given, int argc, char **argv)
{
    if (optind == argc) {
        say("speedrun: no record is named, expected mnist99 or cifar10; see --help");
        return OPTIONS_BAD;
    }
    o->record = argv[optind++];
    bool mnist = strcmp(o->record, "mnist99") == 0;
    if (!mnist && strcmp(o->record, "cifar10") != 0) {
        say("speedrun: the record is \"%s\", expected mnist99 or cifar10", o->record);
        return OPTIONS_BAD;
    }
    if (optind < argc) {
        say("speedrun: \"%s\" is no option; --help lists them", argv[optind]);
        return OPTIONS_BAD;
    }
    if (!o->data) {
        o->data = mnist ? "data/mnist" : "data/cifar10";
    }
    return result_of(mnist ? option_useless(table, given, "mey", "mnist99")
                           : option_useless(table, given, "n", "cifar10") &&
                                 (!given['e'] || option_useless(table, given, "m", "--epochs")));
}

options_result options_read(options *o, int argc, char **argv)
{
    options_result result = OPTIONS_RUN;
    bool given[UCHAR_MAX + 1] = { false };
    *o = (options){ .seeds = 20, .seed = 1, .threads = 2, .minutes = 10 };
    opterr = 0; /* so that a mistake is reported in one line */
    while (result == OPTIONS_RUN) {
        int at = optind, c = getopt_long(argc, argv, ":d:n:s:t:m:e:l:ycjhV", table, NULL);
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
    return result == OPTIONS_RUN ? read_record(o, given, argc, argv) : result;
}
