/* Every optimizer of <cnn/optimizer.h>, by a table, and options structs that are filled by the names of hyperparameters.
 * optimizers.def is made of that header: CNN_OPTIMIZER(name, type, needs) for cnn_name_create, which takes a
 * cnn_type_options (optimizers.awk). */
#ifndef CNN_TESTS_SUPPORT_OPTIMIZERS_H
#define CNN_TESTS_SUPPORT_OPTIMIZERS_H

#include "optim/optimizer.h"

#include <cnn/cnn.h>

#include <check.h>
#include <string.h>

typedef struct optimizer_kind {
    const char *name, *type; /* "adamw", and of its options: "adam" */
    cnn_optimizer *(*create)(cnn_module *module, const void *options);
    cnn_optimizer *(*create_for)(cnn_context *ctx, cnn_tensor *const *parameters, int count, const void *options);
    cnn_status (*add_group)(cnn_optimizer *o, cnn_tensor *const *parameters, int count, const void *options);
    cnn_status (*add_group_where)(cnn_optimizer *o, const cnn_module *module, cnn_belongs_fn belongs, void *user,
                                  const void *options);
    const void *plain; /* options with nothing but a learning rate */
} optimizer_kind;

#define CNN_OPTIMIZER(name, type, needs) \
    static cnn_optimizer *kind_create_##name(cnn_module *module, const void *options) \
    { \
        return cnn_##name##_create(module, options); \
    } \
    static cnn_optimizer *kind_create_for_##name(cnn_context *c, cnn_tensor *const *p, int count, const void *options) \
    { \
        return cnn_##name##_create_for(c, p, count, options); \
    } \
    static cnn_status kind_add_##name(cnn_optimizer *o, cnn_tensor *const *p, int count, const void *options) \
    { \
        return cnn_##name##_add_group(o, p, count, options); \
    } \
    static cnn_status kind_add_where_##name(cnn_optimizer *o, const cnn_module *module, cnn_belongs_fn belongs, \
                                            void *user, const void *options) \
    { \
        return cnn_##name##_add_group_where(o, module, belongs, user, options); \
    } \
    static const cnn_##type##_options kind_plain_##name = { .struct_size = sizeof kind_plain_##name, .lr = 0.1 };
#include "optimizers.def"

static const optimizer_kind optimizer_kinds[] = {
#define CNN_OPTIMIZER(name, type, needs) \
    { #name, #type, kind_create_##name, kind_create_for_##name, kind_add_##name, kind_add_where_##name, \
      &kind_plain_##name },
#include "optimizers.def"
};
enum { OPTIMIZER_KINDS = sizeof optimizer_kinds / sizeof optimizer_kinds[0] };

/* ---- options by name ---- */

typedef struct optimizer_options {
    _Alignas(double) unsigned char bytes[256];
} optimizer_options;

static inline const cnn__optimizer_class *kind_class(cnn_context *c, const optimizer_kind *kind)
{
    cnn_optimizer *o = kind->create_for(c, NULL, 0, kind->plain);
    ck_assert_msg(o != NULL, "%s", cnn_last_error(c));
    const cnn__optimizer_class *class = o->class;
    cnn_optimizer_free(o);
    return class;
}

static inline optimizer_options options_none(const cnn__optimizer_class *class)
{
    optimizer_options o;
    memset(&o, 0, sizeof o);
    ck_assert_uint_le(class->options_size, sizeof o);
    memcpy(o.bytes, &class->options_size, sizeof class->options_size);
    return o;
}

static inline void options_give(optimizer_options *o, const cnn__hyper *h, double value)
{
    const bool on = value != 0;
    const double given = value == 0 ? CNN_ZERO : value;
    if (h->range == CNN__SWITCH) {
        memcpy(o->bytes + h->offset, &on, sizeof on);
    } else {
        memcpy(o->bytes + h->offset, &given, sizeof given);
    }
}

/* A value that is not the default. */
static inline double option_trial(const cnn__hyper *h)
{
    return h->range == CNN__SWITCH ? 1 : h->range == CNN__BELOW_ONE ? 0.6 : strcmp(h->name, "lr") == 0 ? 0.05 : 0.3;
}

/* As many options as go together, the earlier ones first. */
static inline optimizer_options options_all(cnn_context *c, const cnn__optimizer_class *class)
{
    optimizer_options o = options_none(class);
    double hyper[CNN__MAX_HYPER];
    for (int i = 0; i < class->hyper_count; i++) {
        hyper[i] = i ? class->hypers[i].otherwise : 0.05;
    }
    for (int i = 0; i < class->hyper_count; i++) {
        double before = hyper[i];
        hyper[i] = option_trial(&class->hypers[i]);
        if (cnn__hyper_check(class, c, "options", hyper) == CNN_OK) {
            options_give(&o, &class->hypers[i], hyper[i]);
        } else {
            hyper[i] = before;
        }
    }
    cnn_context_clear_error(NULL);
    cnn_context_clear_error(c);
    return o;
}

#endif
