/* Loading the weights of a module, exactly or in part. */
#include "io/restore.h"

#include <string.h>

static cnn_status load_tensors(cnn__restore *restore, const cnn_module *module)
{
    cnn_status status = cnn__restore_module(restore, module);
    if (status == CNN_OK) {
        cnn__restore_rest(restore, cnn__restore_is_checkpoint(restore) ? CNN__OPTIMIZER_PREFIX : NULL);
        status = cnn__restore_verdict(restore);
    }
    if (status == CNN_OK) {
        status = cnn__restore_read(restore);
    }
    if (status == CNN_OK) {
        status = cnn__restore_commit(restore);
    }
    return status;
}

/* The caller gets the report only if it is complete, that is, if there was memory for everything that the match
 * found. */
static cnn_status load_file(const char *call, cnn_module *module, const char *path, const cnn__load_rules *rules,
                            cnn_load_report **report)
{
    cnn__restore restore;
    cnn_status status = cnn__restore_begin(&restore, module->ctx, call, path, rules);
    if (status != CNN_OK) {
        return status;
    }
    cnn_load_report *made = report ? cnn__load_report_new(module->ctx) : NULL;
    restore.misfits.report = made;
    status = report && !made ? cnn__fail_memory(module->ctx, call, sizeof restore) : load_tensors(&restore, module);
    if (made && (status == CNN_OK || status == CNN_ERROR_MISMATCH)) {
        cnn__load_report_set_loaded(made, status == CNN_OK ? (int64_t)restore.count : 0);
        *report = made;
    } else {
        cnn_load_report_free(made);
    }
    cnn__restore_end(&restore);
    return status;
}

static cnn_status module_load_check(const char *call, const cnn_module *module, const char *path)
{
    return module && path ? CNN_OK
                          : cnn__fail(module ? module->ctx : NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", call,
                                      module ? "path" : "module");
}

cnn_status cnn_module_load(cnn_module *module, const char *path)
{
    const char *call = "module_load";
    const cnn__load_rules exactly = { .strip = "", .add = "" };
    cnn_status status = module_load_check(call, module, path);
    return status == CNN_OK ? load_file(call, module, path, &exactly, NULL) : status;
}

static cnn_status read_rules(const cnn_context *ctx, const char *call, const cnn_load_options *options,
                             cnn__load_rules *rules)
{
    static const cnn__dtype_rule dtypes[] = {
        [CNN_LOAD_EXACT] = CNN__DTYPE_EXACT, [CNN_LOAD_SAME] = CNN__DTYPE_SAME, [CNN_LOAD_ROUND] = CNN__DTYPE_ROUND
    };
    cnn_load_options o;
    cnn_status status = CNN__OPTIONS_READ(ctx, call, &o, options);
    if (status != CNN_OK) {
        return status;
    }
    if ((int)o.dtypes < CNN_LOAD_EXACT || (int)o.dtypes > CNN_LOAD_ROUND) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT,
                         "%s: dtypes is %d, expected CNN_LOAD_EXACT, CNN_LOAD_SAME or CNN_LOAD_ROUND", call,
                         (int)o.dtypes);
    }
    *rules = (cnn__load_rules){ .dtypes = dtypes[o.dtypes],
                                .strip = o.strip_prefix ? o.strip_prefix : "",
                                .add = o.add_prefix ? o.add_prefix : "",
                                .partial = o.partial,
                                .skip_mismatched = o.skip_mismatched };
    return CNN_OK;
}

cnn_status cnn_module_load_with(cnn_module *module, const char *path, const cnn_load_options *options,
                                cnn_load_report **report)
{
    const char *call = "module_load_with";
    cnn__load_rules rules;
    if (report) {
        *report = NULL;
    }
    cnn_status status = module_load_check(call, module, path);
    if (status == CNN_OK) {
        status = read_rules(module->ctx, call, options, &rules);
    }
    return status == CNN_OK ? load_file(call, module, path, &rules, report) : status;
}
