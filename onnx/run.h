/* Running a program: what operators see. A value is a tensor of the step, a few elements that the host knows, or both;
 * each is made of the other where an operator asks for it. */
#ifndef CNN_ONNX_RUN_H
#define CNN_ONNX_RUN_H

#include "program.h"

typedef struct cnn__value {
    cnn_tensor *tensor;
    const cnn__host *host;
    int type; /* of ONNX; 0: there is no value */
} cnn__value;

struct cnn__run {
    cnn_context *ctx;
    cnn_tape *tape;
    const cnn__program *program;
    cnn__value *values; /* one per slot */
    cnn__arena *arena;  /* of host values; lasts as long as the run */
    const cnn__step *step;
    cnn_status status;
};

/* ---- inputs (values.c) ---- */

bool cnn__has(const cnn__run *run, int i);
int cnn__type(const cnn__run *run, int i);
/* The tensor of input i; NULL where it is left out, and on failure, which run->status tells. */
cnn_tensor *cnn__in(cnn__run *run, int i);
/* The elements of input i, which are waited for; NULL as above. */
const cnn__host *cnn__in_host(cnn__run *run, int i);
/* What the host knows of input i already; NULL: nothing. */
const cnn__host *cnn__known(const cnn__run *run, int i);
/* The shape of input i without its elements. */
bool cnn__in_shape(cnn__run *run, int i, int *ndim, int64_t *shape);
/* The rank of input i, and a dimension counted from the end where it is negative; -1, reported, where there is none. */
int cnn__rank(cnn__run *run, int i);
int cnn__axis(cnn__run *run, int64_t axis, int rank);
/* The one number that input i has; `otherwise` where it is left out. */
double cnn__in_number(cnn__run *run, int i, double otherwise);
cnn_tensor *cnn__tensor_of(cnn__run *run, cnn__value *value);
const cnn__host *cnn__host_of(cnn__run *run, cnn__value *value);

/* ---- outputs ---- */

/* Sets output i, if the node has it. Return false where the tensor is nil or NULL. */
bool cnn__out(cnn__run *run, int i, cnn_tensor *tensor, int type);
bool cnn__out_host(cnn__run *run, int i, const cnn__host *host);
/* A host value of the run; NULL on failure, which is reported. */
cnn__host *cnn__run_host(cnn__run *run, int type, int ndim, const int64_t *shape);
/* A tensor of the step with these elements, which are copied; nil on failure. */
cnn_tensor *cnn__made(cnn__run *run, cnn_dtype dtype, int ndim, const int64_t *shape, const void *elements);
cnn_tensor *cnn__full(cnn__run *run, cnn_dtype dtype, int ndim, const int64_t *shape, double value);
/* A constant of the dtype of `like`, of rank 0. */
cnn_tensor *cnn__scalar(cnn__run *run, const cnn_tensor *like, double value);
/* Brings integers that libcnn holds in more bits back into the type's range, as they wrap around there. */
cnn_tensor *cnn__wrap(cnn__run *run, cnn_tensor *x, int type);
/* Brings numbers into an integer type's range, at whose ends they stop. */
cnn_tensor *cnn__saturate(cnn__run *run, cnn_tensor *x, int type);
bool cnn__range(int type, double *low, double *high);

/* ---- attributes ---- */

const cnn__attribute *cnn__attribute_of(const cnn__step *step, const char *name);
int64_t cnn__int(const cnn__run *run, const char *name, int64_t otherwise);
double cnn__float(const cnn__run *run, const char *name, double otherwise);
cnn__text cnn__string(const cnn__run *run, const char *name, const char *otherwise);
/* NULL: there is none. */
const int64_t *cnn__ints(const cnn__run *run, const char *name, int *count);

/* ---- failures ---- */

/* Reports what is wrong with the step's node. Returns false. */
bool cnn__step_fail(cnn__run *run, cnn_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Runs a block whose inputs have their values (run.c). */
bool cnn__block_run(cnn__run *run, const cnn__block *block);

/* Runs the step on the host, if it can be and all of its inputs are known. */
bool cnn__fold(cnn__run *run);

#endif
