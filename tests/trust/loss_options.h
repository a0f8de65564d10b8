/* The losses and their options, for the tests of options: LOSS(name, type, call) with the operands `a` and `b` of [2,3], `row` of [2]
 * and the class indices `classes` of [2]; `o` are the options. */
#ifndef CNN_TESTS_TRUST_LOSS_OPTIONS_H
#define CNN_TESTS_TRUST_LOSS_OPTIONS_H

/* The first `n` class indices, which are 0. */
#define ELEMENTS(classes, n) cnn_slice(classes, 0, 0, n, 1)

#define LOSSES(LOSS)                                                                                                         \
    LOSS(mse_loss, cnn_loss_options, cnn_mse_loss(a, b, o))                                                                  \
    LOSS(l1_loss, cnn_loss_options, cnn_l1_loss(a, b, o))                                                                    \
    LOSS(smooth_l1_loss, cnn_smooth_l1_loss_options, cnn_smooth_l1_loss(a, b, o))                                            \
    LOSS(huber_loss, cnn_huber_loss_options, cnn_huber_loss(a, b, o))                                                        \
    LOSS(binary_cross_entropy, cnn_bce_options, cnn_binary_cross_entropy(a, b, o))                                           \
    LOSS(binary_cross_entropy_with_logits, cnn_bce_with_logits_options, cnn_binary_cross_entropy_with_logits(a, b, o))       \
    LOSS(kl_div, cnn_kl_div_options, cnn_kl_div(a, b, o))                                                                    \
    LOSS(soft_margin_loss, cnn_loss_options, cnn_soft_margin_loss(a, b, o))                                                  \
    LOSS(poisson_nll_loss, cnn_poisson_nll_loss_options, cnn_poisson_nll_loss(a, b, o))                                      \
    LOSS(gaussian_nll_loss, cnn_gaussian_nll_loss_options, cnn_gaussian_nll_loss(a, b, a, o))                                \
    LOSS(margin_ranking_loss, cnn_margin_loss_options, cnn_margin_ranking_loss(a, b, a, o))                                  \
    LOSS(hinge_embedding_loss, cnn_margin_loss_options, cnn_hinge_embedding_loss(a, b, o))                                   \
    LOSS(cosine_embedding_loss, cnn_margin_loss_options, cnn_cosine_embedding_loss(a, b, row, o))                            \
    LOSS(triplet_margin_loss, cnn_triplet_margin_loss_options, cnn_triplet_margin_loss(a, b, a, o))                          \
    LOSS(nll_loss, cnn_nll_loss_options, cnn_nll_loss(a, classes, o))                                                        \
    LOSS(multi_margin_loss, cnn_multi_margin_loss_options, cnn_multi_margin_loss(a, classes, o))                             \
    LOSS(ctc_loss, cnn_ctc_loss_options, cnn_ctc_loss(a, ELEMENTS(classes, 0), ELEMENTS(classes, 1), ELEMENTS(classes, 1), o))

#define USE(name, type, call)                                                                                                \
    static const type good_##name = { .struct_size = sizeof good_##name };                                                   \
    static bool use_##name(const void *o)                                                                                    \
    {                                                                                                                        \
        cnn_tensor *indices = cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(2));                                                  \
        cnn_tensor *a = input(CNN_SHAPE(2, 3)), *b = input(CNN_SHAPE(2, 3)), *row = input(CNN_SHAPE(2));                     \
        cnn_tensor *classes = cnn_input(tape, indices);                                                                      \
        cnn_tensor_free(indices);                                                                                            \
        (void)b, (void)row, (void)classes;                                                                                   \
        return cnn_tensor_status(call) == CNN_OK;                                                                            \
    }
LOSSES(USE)
#undef USE

#endif
