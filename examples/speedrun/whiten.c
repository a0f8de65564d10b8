/* Whitening filters, as in K. Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024, section 3.2. The
 * covariance is that around 0, since the images are normalised already. */
#include "whiten.h"

#include <math.h>
#include <stdlib.h>

/* Turns the plane of rows and columns p and q so that a[p][q] becomes 0. */
static void rotate(int n, double *a, double *vectors, int p, int q)
{
    double angle = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
    double t = (angle >= 0 ? 1 : -1) / (fabs(angle) + sqrt(angle * angle + 1));
    double c = 1 / sqrt(t * t + 1), s = t * c;
    for (int i = 0; i < n; i++) {
        double x = a[i * n + p], y = a[i * n + q], u = vectors[i * n + p], v = vectors[i * n + q];
        a[i * n + p] = c * x - s * y;
        a[i * n + q] = s * x + c * y;
        vectors[i * n + p] = c * u - s * v;
        vectors[i * n + q] = s * u + c * v;
    }
    for (int i = 0; i < n; i++) {
        double x = a[p * n + i], y = a[q * n + i];
        a[p * n + i] = c * x - s * y;
        a[q * n + i] = s * x + c * y;
    }
}

/* Jacobi's method: the eigenvalues of a symmetric matrix replace its diagonal, the eigenvectors are the columns of
 * `vectors`. */
static void eigen(int n, double *a, double *vectors)
{
    for (int i = 0; i < n * n; i++) {
        vectors[i] = i % (n + 1) == 0;
    }
    for (int sweep = 0; sweep < 12; sweep++) {
        for (int p = 0; p < n; p++) {
            for (int q = p + 1; q < n; q++) {
                if (fabs(a[p * n + q]) > 1e-12) {
                    rotate(n, a, vectors, p, q);
                }
            }
        }
    }
}

/* The covariance of all patches, [C·k·k, C·k·k], on the tape. */
static cnn_tensor *covariance(cnn_tensor *images, int64_t kernel)
{
    const cnn_unfold_options window = { .struct_size = sizeof window, .kernel = kernel };
    cnn_tensor *patches = cnn_unfold(images, &window); /* [N, C·k·k, L] */
    double count = (double)(cnn_tensor_size(patches, 0) * cnn_tensor_size(patches, 2));
    return cnn_mul_scalar(cnn_sum(cnn_matmul(patches, cnn_transpose(patches, 1, 2)), CNN_DIMS(0), false), 1 / count);
}

static void write_filters(int n, int64_t filters, double *a, const double *vectors, double eps, float *weight)
{
    for (int64_t f = 0; f < filters / 2; f++) {
        int best = 0;
        for (int i = 1; i < n; i++) {
            best = a[i * n + i] > a[best * n + best] ? i : best;
        }
        double scale = 1 / sqrt(fmax(a[best * n + best], 0) + eps);
        for (int i = 0; i < n; i++) {
            weight[f * n + i] = (float)(scale * vectors[i * n + best]);
            weight[(f + filters / 2) * n + i] = -weight[f * n + i];
        }
        a[best * n + best] = -INFINITY; /* taken */
    }
}

static bool whiten_images(cnn_tape *tape, cnn_tensor *weight, cnn_tensor *images, double eps)
{
    int n = (int)(cnn_tensor_size(weight, 1) * cnn_tensor_size(weight, 2) * cnn_tensor_size(weight, 3));
    size_t numel = (size_t)(n * n);
    double *a = malloc(2 * numel * sizeof *a);
    cnn_tape_begin(tape, CNN_EVAL);
    const float *products = cnn_tensor_data(covariance(cnn_input(tape, images), cnn_tensor_size(weight, 2)));
    bool good = a && products;
    if (good) {
        for (size_t i = 0; i < numel; i++) {
            a[i] = (double)products[i];
        }
        eigen(n, a, a + numel);
        write_filters(n, cnn_tensor_size(weight, 0), a, a + numel, eps, cnn_tensor_data(weight));
    }
    free(a);
    return good && cnn_tensor_set_requires_grad(weight, false) == CNN_OK;
}

bool whiten(cnn_tape *tape, cnn_tensor *weight, cnn_dataset *dataset, int64_t count, double eps)
{
    cnn_batch batch;
    cnn_loader *loader = cnn_loader_new(cnn_dataset_share(dataset), count, .no_background = true);
    bool good = cnn_loader_next(loader, &batch) && whiten_images(tape, weight, batch.images, eps);
    cnn_loader_free(loader);
    return good;
}
