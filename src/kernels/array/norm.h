/* What the kernels NORM and CLIP accumulate, as the host reads it, too. */
#ifndef CNN_KERNELS_ARRAY_NORM_H
#define CNN_KERNELS_ARRAY_NORM_H

/* The p-norm, of the sum of powers, or of the maximum where p is infinite. */
double cnn__norm_of_total(double total, double p);

#endif
