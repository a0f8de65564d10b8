/* bench_kernels: libcnn's convolutions against oneDNN's and its matrix products against OpenBLAS's, shape by shape.
 *
 * A ratio above 1 means that libcnn is faster. Every result is compared with the peer's; a difference past rounding ends
 * the run with status 1. */
#include "measure.h"

#include "base/context.h"

#include <getopt.h>
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: bench_kernels [options] [regular expression that a case's line must match]\n"
    "  --quick           batch 8, each third shape, fewer rounds\n"
    "  --batches 1,8,32  of the convolutions          --products 1,32,200,1000  rows of the matrix products\n"
    "  --threads 1,2     default: 1 and all CPUs\n"
    "  --conv, --gemm    only these                   --pass f|d|w  forward, backward data or backward weight only\n"
    "  --cpu-time        the thread's CPU time, one thread: for a machine that others use too\n"
    "  --rounds N        --sample MS                  of each side in a round\n"
    "  --no-peers        libcnn alone                 --json FILE   one object a line\n"
    "  --strict          libcnn by CNN_MATH_STRICT: no algorithm whose error bound is larger than a plain sum's\n"
    "CNN_KERNELS chooses libcnn's table.\n";

enum { MOST_LIST = 8, MOST_CASES = 8192 };
static const double LARGEST_FLOATS = 600e6; /* the most floats of a case's operands and result, on one side */
static const double TOLERANCE = 2e-4;       /* relative to the largest value: sums of a million products in another order */

typedef struct bench {
    measure_options measure;
    int batches[MOST_LIST], products[MOST_LIST], threads[MOST_LIST]; /* zero ends a list */
    bool quick, conv, gemm, peers, strict, wrong;
    int pass; /* the only pass that runs; -1: all */
    regex_t filter;
    FILE *json;
    double peak[2]; /* GFLOP/s of one thread and of all */
    cnn_context *ctx;
    int thread_count;
    double ratios[MOST_CASES];
    int ratio_count;
} bench;

static void read_list(const char *text, int list[MOST_LIST])
{
    int n = 0;
    for (char *end; n < MOST_LIST - 1 && *text; text = *end ? end + 1 : end) {
        list[n++] = (int)strtol(text, &end, 10);
    }
    list[n] = 0;
}

/* OpenBLAS reads its variables before main: settings that hold it back are taken away by starting again. On a processor that
 * is newer than it, it falls back on SSE kernels, so it is told what this one can do. */
static void free_peers_of_settings(char **argv)
{
    static const char *const names[] = { "OPENBLAS_L2_SIZE", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS" };
#if defined(__x86_64__)
    const char *core = __builtin_cpu_supports("avx512bw") ? "SKYLAKEX" : NULL;
#else
    const char *core = NULL;
#endif
    const char *set = getenv("OPENBLAS_CORETYPE");
    bool any = core ? !set || strcmp(set, core) != 0 : set != NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        any = any || getenv(names[i]);
        unsetenv(names[i]);
    }
    if (!any) {
        return;
    }
    if (core) {
        setenv("OPENBLAS_CORETYPE", core, 1);
    } else {
        unsetenv("OPENBLAS_CORETYPE");
    }
    execv("/proc/self/exe", argv);
}

/* Asks the program beside this one. */
static void read_peak(bench *b)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 16);
    path[length > 0 ? length : 0] = 0;
    char *slash = strrchr(path, '/');
    strcpy(slash ? slash + 1 : path, "bench_peak");
    FILE *program = popen(path, "r");
    if (!program || fscanf(program, "%*d %lf %*d %lf", &b->peak[0], &b->peak[1]) != 2) {
        b->peak[0] = b->peak[1] = NAN;
    }
    if (program) {
        pclose(program);
    }
}

/* ---- a case ---- */

typedef struct bench_case {
    char name[128];
    const char *group; /* what the summary gathers */
    double gflop;
    bench_sizes sizes;
} bench_case;

static bool wanted(const bench *b, const bench_case *c)
{
    char line[256];
    snprintf(line, sizeof line, "%s %s", c->name, c->group);
    return regexec(&b->filter, line, 0, NULL, 0) == 0 &&
           (double)(c->sizes.a + c->sizes.b + c->sizes.out) < LARGEST_FLOATS;
}

static void report(bench *b, const bench_case *c, const measure_result *r)
{
    double bytes = 4.0 * (double)(c->sizes.a + c->sizes.b + c->sizes.out), ratio = r->peer / r->own;
    double rate = c->gflop / r->own, peak = b->peak[b->thread_count > 1];
    printf("%-44s %-15s %9.3f %9.3f %6.2f %8.1f %5.1f%% %9.2f\n", c->name, c->group, 1e3 * r->own, 1e3 * r->peer, ratio, rate,
           100 * rate / peak, bytes / 1e6);
    if (!(r->difference < TOLERANCE)) {
        printf("  WRONG: the results differ by %g of the largest\n", r->difference);
        b->wrong = true;
    }
    fflush(stdout);
    if (b->json) {
        fprintf(b->json, "{\"bench\":\"kernels\",\"case\":\"%s\",\"pass\":\"%s\",\"threads\":%d,\"own_seconds\":%.9f,"
                "\"own_spread\":%.4f,\"peer_seconds\":%.9f,\"ratio\":%.4f,\"gflops\":%.2f,\"of_peak\":%.4f,\"bytes\":%.0f,"
                "\"difference\":%.3g}\n", c->name, c->group, b->thread_count, r->own, r->own_spread, r->peer, ratio, rate,
                rate / peak, bytes, r->difference);
        fflush(b->json);
    }
    if (r->peer > 0 && b->ratio_count < MOST_CASES) {
        b->ratios[b->ratio_count++] = ratio;
    }
}

static float *numbers(int64_t count, uint32_t state)
{
    float *p = floats_new(count);
    for (int64_t i = 0; i < count; i++) {
        state = state * 1664525 + 1013904223;
        p[i] = (float)(state >> 8) / (1 << 23) - 1;
    }
    return p;
}

static void run_case(bench *b, const bench_case *c, const cnn__conv *conv, bench_pass pass, const cnn__gemm *gemm)
{
    float *a = numbers(c->sizes.a, 1), *x = numbers(c->sizes.b, 2);
    bench_side own = conv ? own_conv(conv, pass, a, x, b->ctx->pool) : own_gemm(gemm, a, x, b->ctx->pool), peer = { 0 };
    if (b->peers) {
        peer = conv ? onednn_conv(conv, pass, a, x) : openblas_gemm(gemm, a, x);
    }
    measure_result r = measure(&own, &peer, c->sizes.out, &b->measure);
    report(b, c, &r);
    own.free(own.state);
    if (peer.run) {
        peer.free(peer.state);
    }
    free(a);
    free(x);
}

static void run_conv(bench *b, int i, int batch, bench_pass pass)
{
    const conv_shape *s = &conv_shapes[i];
    cnn__conv g = conv_of(s, batch);
    g.strict = b->strict;
    bench_case c = { .group = pass_names[pass], .gflop = conv_gflop(&g), .sizes = conv_sizes(&g, pass) };
    snprintf(c.name, sizeof c.name, "%s b%d %dx%dx%d-%d k%dx%d s%d%s", s->net, batch, s->channels, s->h, s->w, s->outputs,
             s->kernel_h, s->kernel_w, s->stride, s->groups > 1 ? " depthwise" : "");
    if (wanted(b, &c)) {
        run_case(b, &c, &g, pass, NULL);
    }
}

static void run_product(bench *b, int i, int rows, bench_pass pass)
{
    const linear_shape *s = &linear_shapes[i];
    cnn__gemm g = gemm_of(s, rows, pass);
    bench_case c = { .group = pass_names[pass], .sizes = gemm_sizes(&g) };
    c.gflop = 2e-9 * (double)g.m * (double)g.n * (double)g.k;
    snprintf(c.name, sizeof c.name, "%s linear b%d %d-%d", s->net, rows, s->inputs, s->outputs);
    if (wanted(b, &c)) {
        run_case(b, &c, NULL, pass, &g);
    }
}

/* ---- all cases ---- */

static void heading(const bench *b, const char *what, const char *peer)
{
    printf("\n%s, %d thread%s%s\n", what, b->thread_count, b->thread_count > 1 ? "s" : "",
           b->measure.cpu_time ? ", CPU time of the thread" : "");
    printf("%-44s %-15s %9s %9s %6s %8s %6s %9s\n", "case", "pass", "libcnn ms", peer, "ratio", "GFLOP/s", "peak", "MB moved");
}

static void summarise(bench *b, const char *what, int size, bench_pass pass)
{
    double log_sum = 0, least = INFINITY;
    int slow = 0, behind = 0;
    for (int i = 0; i < b->ratio_count; i++) {
        log_sum += log(b->ratios[i]);
        least = fmin(least, b->ratios[i]);
        slow += b->ratios[i] < 0.5;
        behind += b->ratios[i] < 0.8;
    }
    if (b->ratio_count) {
        printf("SUMMARY %s %s batch %d, threads %d: %d cases, geometric mean %.3f, least %.3f, under 0.5: %d, under 0.8: %d\n",
               what, pass_names[pass], size, b->thread_count, b->ratio_count, exp(log_sum / b->ratio_count), least, slow, behind);
    }
    b->ratio_count = 0;
}

static void run_all(bench *b)
{
    if (b->conv) {
        heading(b, "convolutions", "oneDNN");
    }
    for (int pass = 0; pass < PASSES && b->conv; pass++) {
        for (int *batch = b->batches; *batch && (b->pass < 0 || b->pass == pass); batch++) {
            for (int i = 0; i < conv_shape_count; i += b->quick ? 3 : 1) {
                if (!conv_shape_repeats(i)) {
                    run_conv(b, i, *batch, (bench_pass)pass);
                }
            }
            summarise(b, "convolution", *batch, (bench_pass)pass);
        }
    }
    if (b->gemm) {
        heading(b, "matrix products", "OpenBLAS");
    }
    for (int pass = 0; pass < PASSES && b->gemm; pass++) {
        for (int *rows = b->products; *rows && (b->pass < 0 || b->pass == pass); rows++) {
            for (int i = 0; i < linear_shape_count; i++) {
                run_product(b, i, *rows, (bench_pass)pass);
            }
            summarise(b, "product", *rows, (bench_pass)pass);
        }
    }
}

static void say_peer(const char *name, const char *version, const char *package)
{
    if (version) {
        printf("%s: %s\n", name, version);
    } else {
        printf("missing peer: %s (Debian: apt-get install %s, then make again)\n", name, package);
    }
}

static bool read_options(bench *b, int argc, char **argv)
{
    enum { QUICK, BATCHES, PRODUCTS, THREADS, CONV_ONLY, GEMM_ONLY, PASS, CPU_TIME, ROUNDS, SAMPLE, NO_PEERS, STRICT, JSON };
    static const struct option options[] = {
        { "quick", 0, 0, QUICK }, { "batches", 1, 0, BATCHES }, { "products", 1, 0, PRODUCTS }, { "threads", 1, 0, THREADS },
        { "conv", 0, 0, CONV_ONLY }, { "gemm", 0, 0, GEMM_ONLY }, { "pass", 1, 0, PASS }, { "cpu-time", 0, 0, CPU_TIME },
        { "rounds", 1, 0, ROUNDS }, { "sample", 1, 0, SAMPLE }, { "no-peers", 0, 0, NO_PEERS }, { "strict", 0, 0, STRICT },
        { "json", 1, 0, JSON }, { 0 },
    };
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (o) {
        case QUICK: b->quick = true; read_list("8", b->batches); b->measure.rounds = 3; break;
        case BATCHES: read_list(optarg, b->batches); break;
        case PRODUCTS: read_list(optarg, b->products); break;
        case THREADS: read_list(optarg, b->threads); break;
        case CONV_ONLY: b->gemm = false; break;
        case GEMM_ONLY: b->conv = false; break;
        case PASS: b->pass = *optarg == 'f' ? FORWARD : *optarg == 'd' ? BACKWARD_DATA : BACKWARD_WEIGHT; break;
        case CPU_TIME: b->measure.cpu_time = true; read_list("1", b->threads); break;
        case ROUNDS: b->measure.rounds = (int)strtol(optarg, NULL, 10); break;
        case SAMPLE: b->measure.sample_seconds = strtod(optarg, NULL) / 1e3; break;
        case NO_PEERS: b->peers = false; break;
        case STRICT: b->strict = true; break;
        case JSON: b->json = fopen(optarg, "w"); break;
        default: return false;
        }
    }
    b->measure.rounds = b->measure.rounds < 1 ? 1 : b->measure.rounds > MOST_ROUNDS ? MOST_ROUNDS : b->measure.rounds;
    return regcomp(&b->filter, optind < argc ? argv[optind] : ".", REG_EXTENDED | REG_NOSUB) == 0;
}

int main(int argc, char **argv)
{
    static bench b = { .measure = { 5, 0.01, false }, .conv = true, .gemm = true, .peers = true, .pass = -1 };
    free_peers_of_settings(argv);
    read_list("1,8,32", b.batches);
    read_list("1,8,32,200,1000", b.products);
    int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
    b.threads[0] = 1;
    b.threads[1] = cpus > 1 ? cpus : 0;
    if (!read_options(&b, argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    read_peak(&b);
    printf("FMA peak: %.1f GFLOP/s on 1 thread, %.1f on all\n", b.peak[0], b.peak[1]);
    say_peer("oneDNN", onednn_version(), onednn_package);
    say_peer("OpenBLAS", openblas_version(), openblas_package);
    for (int *threads = b.threads; *threads; threads++) {
        b.thread_count = *threads;
        b.ctx = cnn_context_new(.threads = *threads);
        onednn_threads(*threads);
        openblas_threads(*threads);
        run_all(&b);
        cnn_context_free(b.ctx);
    }
    if (b.json) {
        fclose(b.json);
    }
    return b.wrong;
}
