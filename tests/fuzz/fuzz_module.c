/* cnn_module_load and cnn_module_load_with: the weights either come from the file or stay unchanged to the bit. With
 * partial loading, prefixes and all conversions, no well-formed file is refused, and the report accounts for every
 * name of the module. */
#include "fuzz.h"

#include <string.h>

static cnn_module *model;
static unsigned char before[1024], after[sizeof before];
static size_t used;

static void check_unchanged(void)
{
    fuzz_require(fuzz_state_get(model, after, sizeof after) == used && memcmp(before, after, used) == 0,
                 "a failed load changes nothing");
}

static void check_report(const cnn_load_report *report)
{
    int problems[3] = { 0 };
    for (int i = 0; i < cnn_load_report_count(report); i++) {
        cnn_load_problem problem = cnn_load_report_problem(report, i);
        bool found = *cnn_load_report_found(report, i), expected = *cnn_load_report_expected(report, i);
        fuzz_require(found == (problem != CNN_LOAD_MISSING) && expected == (problem != CNN_LOAD_UNEXPECTED),
                     "a report says what there is on each side");
        fuzz_require(problem == CNN_LOAD_UNEXPECTED || cnn_module_find(model, cnn_load_report_name(report, i)),
                     "a report names the module's tensors");
        problems[problem]++;
    }
    fuzz_require(cnn_load_report_loaded(report) + problems[CNN_LOAD_MISSING] + problems[CNN_LOAD_MISMATCHED] ==
                     cnn_module_state_count(model),
                 "every tensor of the module is loaded or reported");
}

static void load_strictly(const uint8_t *data, size_t size)
{
    cnn_status status = cnn_module_load(model, fuzz_file(data, size));
    fuzz_check(status, size);
    fuzz_require(status != CNN_ERROR_NOT_FOUND, "the file was found");
    if (status != CNN_OK) {
        check_unchanged();
    }
    fuzz_state_set(model, before);
}

static void load_partly(const uint8_t *data, size_t size)
{
    const cnn_load_options options = { .struct_size = sizeof options,
                                       .partial = true,
                                       .skip_mismatched = true,
                                       .dtypes = CNN_LOAD_ROUND,
                                       .strip_prefix = "module." };
    cnn_load_report *report;
    cnn_status status = cnn_module_load_with(model, fuzz_file(data, size), &options, &report);
    fuzz_require((status == CNN_OK) == (report != NULL), "a report comes with success");
    if (report) {
        check_report(report);
        cnn_load_report_free(report);
    }
    fuzz_check(status, size);
    fuzz_require(status == CNN_OK || status == CNN_ERROR_FORMAT, "whatever is well-formed is loaded in part");
    if (status != CNN_OK) {
        check_unchanged();
    }
    fuzz_state_set(model, before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!model) {
        model = fuzz_model();
        used = fuzz_state_get(model, before, sizeof before);
    }
    load_strictly(data, size);
    load_partly(data, size);
    return 0;
}
