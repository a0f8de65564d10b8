/* Normalisations and nan_to_num with their options, for the tests of options. */
#ifndef CNN_TESTS_TRUST_NORM_OPTIONS_H
#define CNN_TESTS_TRUST_NORM_OPTIONS_H

static bool use_layer_norm(const void *o)
{
    return cnn_tensor_status(cnn_layer_norm(input(CNN_SHAPE(2, 3)), CNN_SHAPE(3), NULL, NULL, o)) == CNN_OK;
}

static bool use_rms_norm(const void *o)
{
    return cnn_tensor_status(cnn_rms_norm(input(CNN_SHAPE(2, 3)), CNN_SHAPE(3), NULL, o)) == CNN_OK;
}

static bool use_group_norm(const void *o)
{
    return cnn_tensor_status(cnn_group_norm(input(CNN_SHAPE(2, 4)), 2, NULL, NULL, o)) == CNN_OK;
}

static bool use_instance_norm(const void *o)
{
    return cnn_tensor_status(cnn_instance_norm(input(CNN_SHAPE(2, 3, 4)), NULL, NULL, NULL, NULL, o)) == CNN_OK;
}

static inline bool use_local_response_norm(const void *o)
{
    return cnn_tensor_status(cnn_local_response_norm(input(CNN_SHAPE(2, 3, 4)), 3, o)) == CNN_OK;
}

static inline bool use_nan_to_num(const void *o)
{
    return cnn_tensor_status(cnn_nan_to_num(input(CNN_SHAPE(2, 3)), o)) == CNN_OK;
}

#endif
