/* Determinism as a contract: an epoch gives the same bits for 1, 2, 3 and 8 threads, from run to run, and linked
 * statically or dynamically, both fused and unfused; the generic kernels give the same bits on every CPU; fused and
 * unfused agree to rounding; the example's --digest says the same of its weights. */
#include "trust/trust.h"

#include "kernels/kernels.h"

#include <cnn/cnn.h>

#include <math.h>
#include <string.h>
#include <unistd.h>

enum { IMAGES = TRUST_SANITIZED ? 32 : 80, LINE = 200 };

static long epochs_run, cpus_tried;
static char folder[4096];

/* The first line that a command prints. */
static void run(char line[LINE], const char *command)
{
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    bool read = fgets(line, LINE, pipe) != NULL;
    ck_assert_msg(pclose(pipe) == 0 && read, "%s", command);
    epochs_run++;
}

static void run_epoch(char line[LINE], const char *environment, const char *program, int threads, const char *form,
                      const char *file)
{
    char command[3 * 4096];
    snprintf(command, sizeof command, "%s '%s/epoch-%s' %d %s %d %s", environment, folder, program, threads, form, IMAGES,
             file);
    run(line, command);
}

static const char *const forms[] = { "fused", "unfused" };
static const int thread_counts[] = { 1, 2, 3, 8 };

static void same_everywhere(const char *kernels, const char *form)
{
    char environment[64], first[LINE], line[LINE];
    snprintf(environment, sizeof environment, "CNN_KERNELS=%s", kernels);
    run_epoch(first, environment, "static", 1, form, "");
    for (int i = 0; i < 4; i++) {
        for (int shared = 0; shared < (TRUST_SANITIZED ? 1 : 2); shared++) {
            const char *program = shared ? "shared" : "static";
            run_epoch(line, environment, program, thread_counts[i], form, "");
            ck_assert_msg(strcmp(line, first) == 0, "%s kernels, %s, %d threads, %s library: %sinstead of %s", kernels, form,
                          thread_counts[i], program, line, first);
        }
    }
}

START_TEST(an_epoch_leaves_the_same_bits)
{
    const cnn__kernels *tables[8];
    int count = cnn__kernels_list(tables, 8);
    for (int i = TRUST_SANITIZED ? count - 1 : 1; i < count; i++) { /* the reference is slow and runs on one thread */
        same_everywhere(tables[i]->name, forms[_i]);
    }
}
END_TEST

/* glibc chooses libm's and other functions by what the CPU can do; here it is told that the CPU can do less. */
START_TEST(generic_kernels_do_not_depend_on_the_cpu)
{
    static const char *const cpus[] = {
        "GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512DQ,-AVX512BW,-AVX512CD",
        "GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX512F,-AVX512VL,-BMI2,-AVX2_Usable,-FMA_Usable",
        "GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX,-AVX2,-FMA,-FMA4,-AVX512F,-AVX512VL,-BMI2,-SSE4_1,-SSE4_2,-SSSE3",
    };
    char first[LINE], line[LINE], environment[256];
    run_epoch(first, "CNN_KERNELS=generic", "static", 2, "fused", "");
    for (size_t i = 0; i < sizeof cpus / sizeof *cpus; i++) {
        snprintf(environment, sizeof environment, "CNN_KERNELS=generic %s", cpus[i]);
        run_epoch(line, environment, "static", 2, "fused", "");
        ck_assert_msg(strcmp(line, first) == 0, "%s: %sinstead of %s", cpus[i], line, first);
        cpus_tried++;
    }
}
END_TEST

/* After three steps of Adam, whose first steps are nearly the sign of the gradient: what is a rounding error in a gradient
 * near 0 is up to lr in a weight, so single weights may differ by steps; the mean difference is far below one. */
START_TEST(fused_and_unfused_agree)
{
    char line[LINE], files[2][64];
    cnn_context *ctx = cnn_context_new(.threads = 1);
    for (int i = 0; i < 2; i++) {
        snprintf(files[i], sizeof files[0], "/tmp/cnn-epoch-%ld-%d", (long)getpid(), i);
        run_epoch(line, "", "static", 2, forms[i], files[i]);
    }
    static const char *const names[] = { "0.weight", "0.bias", "3.weight", "3.bias", "8.weight", "8.bias", "9.weight", "9.bias" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cnn_tensor *a = cnn_tensor_load(ctx, files[0], names[i]), *b = cnn_tensor_load(ctx, files[1], names[i]);
        ck_assert(a && b);
        const float *x = cnn_tensor_data(a), *y = cnn_tensor_data(b);
        double sum = 0;
        int64_t n = cnn_tensor_numel(a);
        for (int64_t k = 0; k < n; k++) {
            sum += fabs((double)x[k] - (double)y[k]);
        }
        ck_assert_msg(sum / (double)n < 1e-5, "%s differs by %g on average", names[i], sum / (double)n);
        cnn_tensor_free(a);
        cnn_tensor_free(b);
    }
    unlink(files[0]);
    unlink(files[1]);
    cnn_context_free(ctx);
}
END_TEST

/* The example on digits that it draws itself. */
START_TEST(the_examples_digest_is_the_same)
{
    char command[2 * 4096], first[LINE] = "", line[LINE], place[64];
    const char *example = getenv("CNN_TEST_EXAMPLE");
    if (!example || TRUST_SANITIZED) {
        return;
    }
    snprintf(place, sizeof place, "/tmp/cnn-digest-%ld", (long)getpid());
    for (int i = 0; i < 4; i++) {
        snprintf(command, sizeof command, "'%s' --synthetic --data %s --limit 400 --epochs 1 --quiet --digest -t %d | tail -1",
                 example, place, thread_counts[i]);
        run(i ? line : first, command);
        ck_assert_msg(i == 0 || strcmp(line, first) == 0, "%d threads: %sinstead of %s", thread_counts[i], line, first);
    }
    const char *digest = strrchr(first, ' ') ? strrchr(first, ' ') + 1 : first;
    ck_assert_msg(strspn(digest, "0123456789abcdef") == 64, "no SHA-256 in \"%s\"", first);
    snprintf(command, sizeof command, "rm -r %s; echo gone", place);
    run(line, command);
    epochs_run--;
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    snprintf(folder, sizeof folder, "%.4000s", argv[0]);
    *(strrchr(folder, '/') ? strrchr(folder, '/') : folder) = '\0';
    trust_begin("determinism");
    TCase *tests = trust_case("determinism", 600);
    tcase_add_loop_test(tests, an_epoch_leaves_the_same_bits, 0, 2);
    tcase_add_test(tests, generic_kernels_do_not_depend_on_the_cpu);
    tcase_add_test(tests, fused_and_unfused_agree);
    tcase_add_test(tests, the_examples_digest_is_the_same);
    int failed = trust_run();
    return trust_end(failed, "determinism: %ld epochs compared, %ld other CPUs", epochs_run, cpus_tried);
}
