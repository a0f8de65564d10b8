/* The four functions of an optimizer's header, <cnn/optim/….h>: each hands its arguments and its own name on, with the
 * class. The file that includes this one says which optimizer it is:
 *   NAME     how its functions are called: adagrad
 *   OPTIONS  the struct that they take: cnn_adagrad_options
 *   CLASS    its class */
#define CALL__(name, call) cnn_##name##_##call
#define CALL_(name, call) CALL__(name, call)
#define CALL(call) CALL_(NAME, call) /* cnn_adagrad_create */
#define TEXT__(name) #name
#define TEXT_(name) TEXT__(name)
#define TEXT(call) TEXT_(NAME) "_" #call /* "adagrad_create" */

cnn_optimizer *CALL(create)(cnn_module *module, const OPTIONS *options)
{
    return cnn__optimizer_new(module, &CLASS, TEXT(create), options);
}

cnn_optimizer *CALL(create_for)(cnn_context *ctx, cnn_tensor *const *parameters, int count, const OPTIONS *options)
{
    return cnn__optimizer_new_for(ctx, &CLASS, TEXT(create_for), parameters, count, options);
}

cnn_status CALL(add_group)(cnn_optimizer *optimizer, cnn_tensor *const *parameters, int count, const OPTIONS *options)
{
    return cnn__optimizer_add_group(optimizer, &CLASS, TEXT(add_group), parameters, count, options);
}

cnn_status CALL(add_group_where)(cnn_optimizer *optimizer, const cnn_module *module, cnn_belongs_fn belongs, void *user,
                                 const OPTIONS *options)
{
    return cnn__optimizer_add_group_where(optimizer, &CLASS, TEXT(add_group_where), module, belongs, user, options);
}

#undef CALL__
#undef CALL_
#undef CALL
#undef TEXT__
#undef TEXT_
#undef TEXT
#undef NAME
#undef OPTIONS
#undef CLASS
