/* The activations of LSTM, GRU and RNN, with their parameters. */
#include "ops.h"

#include <string.h>
#include <strings.h>

static cnn_tensor *sigmoid(cnn__onnx_run *run, cnn_tensor *x, double alpha, double beta)
{
    (void)run, (void)alpha, (void)beta;
    return cnn_sigmoid(x);
}

static cnn_tensor *tanh_of(cnn__onnx_run *run, cnn_tensor *x, double alpha, double beta)
{
    (void)run, (void)alpha, (void)beta;
    return cnn_tanh(x);
}

static cnn_tensor *relu(cnn__onnx_run *run, cnn_tensor *x, double alpha, double beta)
{
    (void)run, (void)alpha, (void)beta;
    return cnn_relu(x);
}

static cnn_tensor *leaky_relu(cnn__onnx_run *run, cnn_tensor *x, double alpha, double beta)
{
    (void)run, (void)beta;
    return cnn_leaky_relu(x, alpha);
}

static cnn_tensor *softsign(cnn__onnx_run *run, cnn_tensor *x, double alpha, double beta)
{
    (void)run, (void)alpha, (void)beta;
    return cnn_softsign(x);
}

static cnn_tensor *hard_sigmoid(cnn__onnx_run *run, cnn_tensor *x, double alpha, double beta)
{
    (void)run;
    return cnn_clamp(cnn_add_scalar(cnn_mul_scalar(x, alpha), beta), 0, 1);
}

static cnn_tensor *elu(cnn__onnx_run *run, cnn_tensor *x, double alpha, double beta)
{
    (void)run, (void)beta;
    return cnn_elu(x, alpha);
}

static cnn_tensor *softplus(cnn__onnx_run *run, cnn_tensor *x, double alpha, double beta)
{
    (void)run, (void)alpha, (void)beta;
    return cnn_softplus(x, 1, 1000);
}

static cnn_tensor *affine(cnn__onnx_run *run, cnn_tensor *x, double alpha, double beta)
{
    (void)run;
    return cnn_add_scalar(cnn_mul_scalar(x, alpha), beta);
}

static cnn_tensor *scaled_tanh(cnn__onnx_run *run, cnn_tensor *x, double alpha, double beta)
{
    (void)run;
    return cnn_mul_scalar(cnn_tanh(cnn_mul_scalar(x, beta)), alpha);
}

static cnn_tensor *thresholded_relu(cnn__onnx_run *run, cnn_tensor *x, double alpha, double beta)
{
    (void)beta;
    return cnn_where(cnn_gt(x, cnn__onnx_scalar(run, x, alpha)), x, cnn__onnx_scalar(run, x, 0));
}

/* The first three are what libcnn's own recurrent operations have. */
static const struct {
    const char *name;
    cnn_tensor *(*run)(cnn__onnx_run *run, cnn_tensor *x, double alpha, double beta);
    int parameters; /* 1: alpha, 2: beta, too */
    double alpha, beta;
} kinds[] = { [CNN__SIGMOID] = { "Sigmoid", sigmoid, 0, 0, 0 },
              [CNN__TANH] = { "Tanh", tanh_of, 0, 0, 0 },
              [CNN__RELU] = { "Relu", relu, 0, 0, 0 },
              { "LeakyRelu", leaky_relu, 1, 0.01, 0 },
              { "Softsign", softsign, 0, 0, 0 },
              { "HardSigmoid", hard_sigmoid, 2, 0.2, 0.5 },
              { "Elu", elu, 1, 1, 0 },
              { "Softplus", softplus, 0, 0, 0 },
              { "Affine", affine, 2, 1, 0 },
              { "ScaledTanh", scaled_tanh, 2, 1, 1 },
              { "ThresholdedRelu", thresholded_relu, 1, 1, 0 } };
enum { KINDS = sizeof kinds / sizeof *kinds };

static int find(cnn__onnx_text name)
{
    for (int k = 0; k < KINDS; k++) {
        if (name.size == strlen(kinds[k].name) && strncasecmp(name.at, kinds[k].name, name.size) == 0) {
            return k;
        }
    }
    return -1;
}

/* The lists of parameters have one for each activation that takes it, in the order of the activations, so that one that
 * takes none has no place there; past the end of the list the default counts. */
static double parameter(const cnn__onnx_attribute *list, int64_t *at, double otherwise)
{
    return list && *at < list->float_count ? (double)list->floats[(*at)++] : otherwise;
}

bool cnn__onnx_activations_read(const cnn__onnx_step *step, const int *defaults, int each, int directions,
                                cnn__onnx_activation *to, cnn__onnx_text *unknown)
{
    const cnn__onnx_attribute *names = cnn__onnx_attribute_of(step, "activations");
    const cnn__onnx_attribute *alphas = cnn__onnx_attribute_of(step, "activation_alpha");
    const cnn__onnx_attribute *betas = cnn__onnx_attribute_of(step, "activation_beta");
    int64_t alpha_at = 0, beta_at = 0;
    for (int i = 0; i < each * directions; i++) {
        int kind = names && names->string_count > i ? find(names->strings[i]) : defaults[i % each];
        if (kind < 0) {
            *unknown = names->strings[i];
            return false;
        }
        to[i].kind = kind;
        to[i].alpha = kinds[kind].parameters > 0 ? parameter(alphas, &alpha_at, kinds[kind].alpha) : 0;
        to[i].beta = kinds[kind].parameters > 1 ? parameter(betas, &beta_at, kinds[kind].beta) : 0;
    }
    return true;
}

cnn_tensor *cnn__onnx_activated(cnn__onnx_run *run, const cnn__onnx_activation *activation, cnn_tensor *x)
{
    return kinds[activation->kind].run(run, x, activation->alpha, activation->beta);
}
