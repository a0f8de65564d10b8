/** @file
 * What the functions of all optimizers have in common. Each optimizer has a header, cnn/optim/….h, which declares a
 * struct of options, four functions that take it and a keyword form; they are named after the optimizer:
 *
 * - `cnn_NAME_create(module, options)` makes an optimizer over the parameters of `module` that require a gradient.
 *   Frozen ones have no state in it; an `…_add_group` adds one that is to be trained later. `cnn_NAME_new(module,
 *   .lr = …)` is the same with keywords.
 * - `cnn_NAME_create_for(ctx, parameters, count, options)` makes one over `count` tensors of the caller's or modules'
 *   parameters, f32 or f64 and of `ctx`, each given once; they need not be of one module. `count` may be 0, and then
 *   `parameters` NULL: an optimizer without a group yet, whose `options` are those of groups that are added without
 *   options of their own.
 * - `cnn_NAME_add_group(optimizer, parameters, count, options)` adds `count` parameters with options of their own to an
 *   optimizer of its kind. A parameter may be in one group only.
 * - `cnn_NAME_add_group_where(optimizer, module, belongs, user, options)` adds the parameters of `module` for which
 *   `belongs` returns true.
 *
 * `options` may be NULL: in a create call for the defaults, unless an option is required; in an `…_add_group` for the
 * options of the first group, or where there is none for those that the optimizer was made with.
 *
 * The create calls return an optimizer owned by the caller; NULL on failure. The others return CNN_OK; on failure
 * nothing is added. What can go wrong: CNN_ERROR_INVALID_ARGUMENT (a NULL, an option out of its range, a negative
 * count or a group of none, no parameter that belongs, a parameter given twice or in a group already, which the message
 * names, an optimizer of another kind), CNN_ERROR_DTYPE, CNN_ERROR_STATE, CNN_ERROR_NO_MEMORY. An optimizer, and the
 * parameters that it updates, are used by one thread at a time. */
#ifndef CNN_OPTIM_GROUP_H
#define CNN_OPTIM_GROUP_H

#include <cnn/module.h>

CNN_BEGIN_DECLS

/** Says whether a parameter belongs to the group that is being added; `name` is its whole name, such as "l1.0.weight",
 * valid during the call. It is asked once for each parameter that requires a gradient, in the order of
 * cnn_module_parameter(). Must return normally, and may not change the module. */
typedef bool (*cnn_belongs_fn)(const char *name, const cnn_tensor *parameter, void *user);

CNN_END_DECLS

#endif
