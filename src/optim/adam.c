/* Adam and AdamW (Kingma & Ba 2015; Loshchilov & Hutter 2019) with torch.optim's options and defaults. */
#include "optim/optimizer.h"

#include "base/math.h"

enum { LR, BETA1, BETA2, EPS, WEIGHT_DECAY, AMSGRAD, MAXIMIZE };
enum { EXP_AVG, EXP_AVG_SQ, MAX_EXP_AVG_SQ };

static bool needs(const double *hyper, int k)
{
    return k != MAX_EXP_AVG_SQ || hyper[AMSGRAD] != 0;
}

static cnn_status read(const cnn_context *ctx, const char *call, const void *options, double weight_decay,
                       double *hyper)
{
    cnn_adam_options o;
    cnn_status status = CNN__OPTIONS_READ(ctx, call, &o, options);
    if (status != CNN_OK) {
        return status;
    }
    hyper[LR] = cnn__option(o.lr, 1e-3);
    hyper[BETA1] = cnn__option(o.beta1, 0.9);
    hyper[BETA2] = cnn__option(o.beta2, 0.999);
    hyper[EPS] = cnn__option(o.eps, 1e-8);
    hyper[WEIGHT_DECAY] = cnn__option(o.weight_decay, weight_decay);
    hyper[AMSGRAD] = o.amsgrad;
    hyper[MAXIMIZE] = o.maximize;
    return CNN_OK;
}

static cnn_status adam_read(const cnn_context *ctx, const char *call, const void *options, double *hyper)
{
    return read(ctx, call, options, 0, hyper);
}

static cnn_status adamw_read(const cnn_context *ctx, const char *call, const void *options, double *hyper)
{
    return read(ctx, call, options, 1e-2, hyper);
}

/* The conditions are written so that NaN fails them. */
static cnn_status check(const cnn_context *ctx, const char *call, const double *hyper)
{
    static const struct {
        int which;
        const char *name;
        bool below_one;
    } rules[] = { { LR, "lr", false },
                  { BETA1, "beta1", true },
                  { BETA2, "beta2", true },
                  { EPS, "eps", false },
                  { WEIGHT_DECAY, "weight_decay", false } };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        double value = hyper[rules[i].which];
        if (!(value >= 0) || isinf(value) || (rules[i].below_one && !(value < 1))) {
            return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is %s, expected %s", call, rules[i].name,
                             CNN__G(value),
                             rules[i].below_one ? "at least 0 and below 1" : "a finite number of at least 0");
        }
    }
    return CNN_OK;
}

static cnn_status update(const double *hyper, const cnn__slot *slot, const cnn_tensor *grad, bool decoupled)
{
    const cnn_tensor *p = slot->parameter;
    cnn_tensor *const *m = slot->moment;
    cnn_adam_parameters s = { .lr = hyper[LR],
                              .beta1 = hyper[BETA1],
                              .beta2 = hyper[BETA2],
                              .eps = hyper[EPS],
                              .weight_decay = hyper[WEIGHT_DECAY],
                              .decoupled = decoupled,
                              .maximize = hyper[MAXIMIZE] != 0 };
    s.bias1 = 1 - cnn__pow_f64(s.beta1, (double)slot->steps);
    s.bias2 = 1 - cnn__pow_f64(s.beta2, (double)slot->steps);
    cnn_launch l = CNN__LAUNCH(
        ADAM, p->dtype, CNN__PARAMETERS(s), .count = p->numel, .in = { cnn__data(grad) },
        .out = { cnn__data(p), cnn__data(m[EXP_AVG]), cnn__data(m[EXP_AVG_SQ]), cnn__data_or_null(m[MAX_EXP_AVG_SQ]) });
    return cnn__launch(p->ctx, "optimizer_step", &l);
}

static cnn_status adam_update(const double *hyper, const cnn__slot *slot, const cnn_tensor *grad)
{
    return update(hyper, slot, grad, false);
}

static cnn_status adamw_update(const double *hyper, const cnn__slot *slot, const cnn_tensor *grad)
{
    return update(hyper, slot, grad, true);
}

static const cnn__optimizer_class adam_class = { .name = "Adam",
                                                 .call = "adam_create",
                                                 .hyper_count = 7,
                                                 .hyper_names = { "lr", "beta1", "beta2", "eps", "weight_decay",
                                                                  "amsgrad", "maximize" },
                                                 .moment_count = 3,
                                                 .moment_names = { "exp_avg", "exp_avg_sq", "max_exp_avg_sq" },
                                                 .needs = needs,
                                                 .read = adam_read,
                                                 .check = check,
                                                 .update = adam_update };

static const cnn__optimizer_class adamw_class = { .name = "AdamW",
                                                  .call = "adamw_create",
                                                  .hyper_count = 7,
                                                  .hyper_names = { "lr", "beta1", "beta2", "eps", "weight_decay",
                                                                   "amsgrad", "maximize" },
                                                  .moment_count = 3,
                                                  .moment_names = { "exp_avg", "exp_avg_sq", "max_exp_avg_sq" },
                                                  .needs = needs,
                                                  .read = adamw_read,
                                                  .check = check,
                                                  .update = adamw_update };

cnn_optimizer *cnn_adam_create(cnn_module *module, const cnn_adam_options *options)
{
    return cnn__optimizer_new(module, &adam_class, options);
}

cnn_optimizer *cnn_adamw_create(cnn_module *module, const cnn_adam_options *options)
{
    return cnn__optimizer_new(module, &adamw_class, options);
}

cnn_status cnn_adam_add_group(cnn_optimizer *optimizer, cnn_tensor *const *parameters, int count,
                              const cnn_adam_options *options)
{
    return cnn__optimizer_add_group(optimizer, &adam_class, "adam_add_group", parameters, count, options);
}

cnn_status cnn_adamw_add_group(cnn_optimizer *optimizer, cnn_tensor *const *parameters, int count,
                               const cnn_adam_options *options)
{
    return cnn__optimizer_add_group(optimizer, &adamw_class, "adamw_add_group", parameters, count, options);
}

cnn_optimizer *cnn_adam_create_for(cnn_context *ctx, cnn_tensor *const *parameters, int count,
                                   const cnn_adam_options *options)
{
    return cnn__optimizer_new_for(ctx, &adam_class, "adam_create_for", parameters, count, options);
}

cnn_status cnn_adam_add_group_where(cnn_optimizer *optimizer, const cnn_module *module, cnn_belongs_fn belongs,
                                    void *user, const cnn_adam_options *options)
{
    return cnn__optimizer_add_group_where(optimizer, &adam_class, "adam_add_group_where", module, belongs, user,
                                          options);
}

cnn_optimizer *cnn_adamw_create_for(cnn_context *ctx, cnn_tensor *const *parameters, int count,
                                    const cnn_adam_options *options)
{
    return cnn__optimizer_new_for(ctx, &adamw_class, "adamw_create_for", parameters, count, options);
}

cnn_status cnn_adamw_add_group_where(cnn_optimizer *optimizer, const cnn_module *module, cnn_belongs_fn belongs,
                                     void *user, const cnn_adam_options *options)
{
    return cnn__optimizer_add_group_where(optimizer, &adamw_class, "adamw_add_group_where", module, belongs, user,
                                          options);
}
