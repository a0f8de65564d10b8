/* The command line: one table of all options. A value is read as a whole or refused. */
#include "options.h"

#include "common/numbers.h"
#include "common/say.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "Usage: zoo NAME [OPTION]...\n"
    "Trains or runs a network of the zoo on random data and prints how fast it is and how much memory it takes.\n"
    "\n"
    "  -T, --train          training steps with SGD (the default)\n"
    "  -I, --infer          evaluation, without gradients\n"
    "  -F, --frozen         evaluation by a predictor, which packs weights and lays out memory once\n"
    "  -b, --batch N        pictures or sequences in a batch (8)\n"
    "  -z, --size CxHxW     another size of the pictures, or T, another length of the sequences\n"
    "  -n, --steps N        how many steps are measured, after two that are not (10)\n"
    "  -s, --seed N         of weights, data and dropout (1)\n"
    "  -t, --threads N      computing threads; 0: as many as there are CPUs (0)\n"
    "  -D, --device NAME    cpu, another such as cuda:0, or auto: the first that is not the CPU (auto)\n"
    "  -M, --math MODE      fast, strict (plain sums only) or tf32 (a GPU may round factors to 10 bits) (fast)\n"
    "  -d, --data FILE      train a net of tokens on the bytes of a text, and print what it then writes itself\n"
    "  -L, --load FILE      begin with these weights: safetensors with torchvision's names, or a checkpoint\n"
    "  -S, --save FILE      write the weights in the end, as safetensors\n"
    "  -P, --profile FILE   profile the measured steps: print tables, write a trace for Perfetto\n"
    "  -j, --json           print the result as one JSON object on one line\n"
    "  -l, --list           print the names of the nets, with what they are, and end\n"
    "  -h, --help           print this and end\n"
    "  -V, --version        print the version and end\n"
    "\n"
    "Exit status: 0, 1 after a failure, 2 for a bad command line.\n";

static const struct option table[] = {
    { "train", no_argument, NULL, 'T' },         { "infer", no_argument, NULL, 'I' },
    { "batch", required_argument, NULL, 'b' },   { "size", required_argument, NULL, 'z' },
    { "steps", required_argument, NULL, 'n' },   { "seed", required_argument, NULL, 's' },
    { "threads", required_argument, NULL, 't' }, { "device", required_argument, NULL, 'D' },
    { "math", required_argument, NULL, 'M' },
    { "data", required_argument, NULL, 'd' },    { "load", required_argument, NULL, 'L' },
    { "save", required_argument, NULL, 'S' },    { "json", no_argument, NULL, 'j' },
    { "list", no_argument, NULL, 'l' },          { "help", no_argument, NULL, 'h' },
    { "profile", required_argument, NULL, 'P' }, { "version", no_argument, NULL, 'V' },       { "frozen", no_argument, NULL, 'F' },
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

static options_result read_device(options *o)
{
    o->device = optarg;
    return result_of(strcmp(optarg, "auto") == 0 || cnn_device_available(optarg) ||
                     number_refuse(table, 'D', "auto, cpu or another device that there is"));
}

static options_result read_math(options *o)
{
    return result_of(math_read(optarg, &o->math) || number_refuse(table, 'M', "fast, strict or tf32"));
}

/* The size is understood when the net is known, which may be named after it. */
static options_result read_option(options *o, int c, const char **size)
{
    int64_t n = 0;
    options_result result = OPTIONS_RUN;
    switch (c) {
    case 'T': o->infer = o->frozen = false; break;
    case 'F': o->infer = o->frozen = true; break;
    case 'I':
        o->infer = true;
        o->frozen = false;
        break;
    case 'z': *size = optarg; break;
    case 'D': return read_device(o);
    case 'M': return read_math(o);
    case 'd': o->data = optarg; break;
    case 'L': o->load = optarg; break;
    case 'S': o->save = optarg; break;
    case 'P': o->profile = optarg; break;
    case 'j': o->json = true; break;
    case 'b': return read_integer(c, 1, 1 << 20, &o->batch);
    case 'n': return read_integer(c, 1, 1000000, &o->steps);
    case 's':
        result = read_integer(c, 0, INT64_MAX, &n);
        o->seed = (uint64_t)n;
        break;
    case 't':
        result = read_integer(c, 0, 8192, &n);
        o->threads = (int)n;
        break;
    default: return OPTIONS_BAD;
    }
    return result;
}

static options_result print_list(void)
{
    for (int i = 0; i < zoo_net_count; i++) {
        const zoo_net *n = &zoo_nets[i];
        char size[64];
        snprintf(size, sizeof size, n->tokens ? "%lld tokens" : "%lldx%lldx%lld", (long long)n->input[0],
                 (long long)n->input[1], (long long)n->input[2]);
        printf("%-20s %-12s %5lld classes  %s\n", n->name, size, (long long)n->classes, n->what);
    }
    return OPTIONS_DONE;
}

static options_result print(int c)
{
    if (c == 'l') {
        return print_list();
    }
    if (c == 'h') {
        fputs(help, stdout);
    } else {
        printf("zoo (libcnn) %s\n", cnn_version());
    }
    return OPTIONS_DONE;
}

/* The size has as many numbers as the net's input, with an x between them. */
static options_result read_size(options *o, const char *text)
{
    const char *at = text;
    int count = o->net->tokens ? 1 : 3;
    memcpy(o->input, o->net->input, sizeof o->input);
    for (int i = 0; at && i < count; i++) {
        char *end = NULL;
        errno = 0;
        o->input[i] = strtoll(at, &end, 10);
        bool number = *at >= '0' && *at <= '9' && errno == 0 && o->input[i] >= 1 && o->input[i] <= 1 << 20;
        if (!number || *end != (i < count - 1 ? 'x' : '\0')) {
            say("zoo: --size is \"%s\", expected %s", text,
                o->net->tokens ? "a number of tokens such as 64" : "channels, height and width such as 3x64x64");
            return OPTIONS_BAD;
        }
        at = end + 1;
    }
    return OPTIONS_RUN;
}

/* What is no option is the name of the net. */
static options_result read_name(options *o, const char *name)
{
    if (o->net) {
        say("zoo: \"%s\" comes after the name \"%s\", expected one net", name, o->net->name);
        return OPTIONS_BAD;
    }
    o->net = zoo_find(name);
    if (!o->net) {
        say("zoo: there is no net \"%s\"; see --list", name);
        return OPTIONS_BAD;
    }
    return OPTIONS_RUN;
}

static options_result finish(options *o, const char *size)
{
    if (!o->net) {
        say("zoo: no net is named; see --list and --help");
        return OPTIONS_BAD;
    }
    if (o->data && !o->net->tokens) {
        say("zoo: --data is given for %s, expected a net of tokens such as gpt", o->net->name);
        return OPTIONS_BAD;
    }
    return read_size(o, size);
}

/* getopt stops at each name ('+'), so that optind is the place of what it refuses. */
options_result options_read(options *o, int argc, char **argv)
{
    const char *size = NULL;
    *o = (options){ .batch = 8, .steps = 10, .seed = 1, .device = "auto" };
    opterr = 0; /* so that a mistake is reported in one line */
    for (;;) {
        int at = optind, c = getopt_long(argc, argv, "+:TIFb:z:n:s:t:D:M:d:L:S:P:jlhV", table, NULL);
        if (c == -1 && optind >= argc) {
            return finish(o, size);
        }
        if (c == '?' || c == ':') {
            option_refuse(c, argc, argv, at);
            return OPTIONS_BAD;
        }
        options_result result = c == -1            ? read_name(o, argv[optind++])
                                : strchr("lhV", c) ? print(c)
                                                   : read_option(o, c, &size);
        if (result != OPTIONS_RUN) {
            return result;
        }
    }
}
