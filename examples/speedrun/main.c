/* speedrun: two records that people race for, as programs on the public API: 99 % of MNIST in the fewest seconds
 * (mnist99.c), and the best accuracy on CIFAR-10 in ten minutes (cifar10.c). docs/speedruns.md says how the recipes
 * were found. */
#include "common/progress.h"
#include "common/say.h"
#include "common/signals.h"
#include "common/streams.h"
#include "record.h"

#include <locale.h>
#include <string.h>
#include <time.h>

const char program_name[] = "speedrun";

double clock_now(const options *o)
{
    struct timespec t;
    if (!o->cpu_clock) {
        return progress_now();
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return ((double)t.tv_sec + 1e-9 * (double)t.tv_nsec) / o->threads;
}

int failed(void)
{
    return interrupted ? signals_status() : 1;
}

cnn_dataset *first_of(cnn_dataset *dataset, int64_t limit)
{
    return limit && limit < cnn_dataset_size(dataset) ? cnn_dataset_slice(dataset, 0, limit) : dataset;
}

int64_t count_right(cnn_tensor *outputs, cnn_tensor *labels)
{
    return cnn_tensor_item_i64(cnn_sum(cnn_eq(cnn_argmax(outputs, CNN_DIMS(1), false), labels), CNN_ALL_DIMS, false));
}

int main(int argc, char **argv)
{
    options o;
    if (!streams_open()) {
        return 1;
    }
    setlocale(LC_CTYPE, "");
    options_result read = options_read(&o, argc, argv);
    int status = read == OPTIONS_DONE ? 0 : 2;
    if (read == OPTIONS_RUN) {
        signals_catch();
        status = strcmp(o.record, "mnist99") == 0 ? mnist99(&o) : cifar10(&o);
    }
    return streams_close() || status ? status : 1;
}
