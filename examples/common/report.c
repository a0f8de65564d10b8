/* The lines that the program prints about an epoch. The system's sha256sum computes the digest; it reads the weights
 * from an unnamed file. */
#include "report.h"

#include "digest.h"
#include "program.h"
#include "say.h"
#include "signals.h"
#include "streams.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static double speed(const score *s)
{
    return s->seconds > 0 ? (double)s->images / s->seconds : 0;
}

bool report_epoch(int64_t epoch, int64_t epochs, const score *train, const score *test)
{
    printf("epoch %lld/%lld: train loss %.4f, accuracy %.2f %%; test loss %.4f, accuracy %.2f %%; %.1f s, %.0f images/s\n",
           (long long)epoch, (long long)epochs, train->loss, train->accuracy, test->loss, test->accuracy, train->seconds,
           speed(train));
    return streams_flush();
}

/* JSON has neither NaN nor infinity: a loss that is not finite is written as null. */
static const char *loss_text(char text[32], double loss)
{
    snprintf(text, 32, isfinite(loss) ? "%.6f" : "null", loss);
    return text;
}

bool report_log(FILE *log, int64_t epoch, const score *train, const score *test)
{
    struct rusage usage;
    char trained[32], tested[32];
    getrusage(RUSAGE_SELF, &usage);
    fprintf(log, "{\"epoch\": %lld, \"train_loss\": %s, \"train_accuracy\": %.4f, \"test_loss\": %s, "
            "\"test_accuracy\": %.4f, \"seconds\": %.3f, \"images_per_second\": %.1f, \"peak_rss_bytes\": %lld",
            (long long)epoch, loss_text(trained, train->loss), train->accuracy, loss_text(tested, test->loss), test->accuracy,
            train->seconds, speed(train), (long long)usage.ru_maxrss * 1024);
    if (train->traffic.known) {
        fprintf(log, ", \"communication\": %.6f, \"hidden\": %.4f, \"bytes_sent\": %.0f", train->traffic.seconds,
                traffic_hidden(&train->traffic), train->traffic.bytes);
    }
    fputs("}\n", log);
    return fflush(log) == 0;
}

void report_traffic(const traffic *t)
{
    if (t->known) {
        printf("gradients: %.2f s of communication per process, %.0f %% of it hidden behind backward, %.1f MB sent\n", t->seconds,
               100 * traffic_hidden(t), t->bytes / 1e6);
    }
}

void report_test(const score *test, const char *drawn)
{
    printf("test accuracy %.2f %% (%lld of %lld), test loss %.4f%s%s\n", test->accuracy, (long long)test->right,
           (long long)test->images, test->loss, drawn ? ", on " : "", drawn ? drawn : "");
}

static bool write_tensor(int file, const cnn_tensor *t)
{
    size_t size = cnn_dtype_size(cnn_tensor_dtype(t)), bytes = (size_t)cnn_tensor_numel(t) * size;
    unsigned char *elements = malloc(bytes ? bytes : 1);
    bool ok = elements && cnn_tensor_read(t, elements, bytes) == CNN_OK;
    const uint16_t one = 1;
    bool big_endian = *(const unsigned char *)&one == 0;
    for (size_t at = 0; ok && big_endian && at < bytes; at += size) {
        for (size_t i = 0; i < size / 2; i++) {
            unsigned char byte = elements[at + i];
            elements[at + i] = elements[at + size - 1 - i];
            elements[at + size - 1 - i] = byte;
        }
    }
    ok = ok && write_all(file, elements, bytes);
    free(elements);
    return ok;
}

bool report_digest(const cnn_module *model)
{
    char digest[DIGEST_TEXT];
    FILE *weights = tmpfile();
    bool ok = weights != NULL;
    for (int i = 0; ok && i < cnn_module_state_count(model); i++) {
        ok = write_tensor(fileno(weights), cnn_module_state(model, i));
    }
    ok = ok && digest_of(fileno(weights), digest);
    if (weights) {
        fclose(weights);
    }
    if (ok) {
        printf("weights sha256 %s\n", digest);
    } else {
        say("%s: the digest of the weights could not be made", program_name);
    }
    return ok;
}

int report_interrupted(const char *save, int64_t epoch)
{
    if (save) {
        say("interrupted in epoch %lld: %s holds the state after epoch %lld; --resume %s continues", (long long)epoch + 1, save,
            (long long)epoch, save);
    } else {
        say("interrupted in epoch %lld; without --save nothing is kept", (long long)epoch + 1);
    }
    return signals_status();
}
