/* Running a program: what operators see. A value is a tensor of the step, a few elements that the host knows, or both;
 * each is made of the other where an operator asks for it. */
#ifndef CNN_ONNX_RUN_H
#define CNN_ONNX_RUN_H

#include "program.h"

typedef struct cnn__onnx_value {
    cnn_tensor *tensor;
    const cnn__onnx_host *host;
    int type; /* ONNX's number of the type; 0: there is no value */
} cnn__onnx_value;

struct cnn__onnx_run {
    cnn_context *ctx;
    cnn_tape *tape;
    const cnn__onnx_program *program;
    cnn__onnx_value *values; /* one per slot */
    cnn__onnx_arena *arena;  /* memory for host values; lasts as long as the run */
    const cnn__onnx_step *step;
    cnn_status status;
    int64_t rounds; /* what loops have run: rounds, and nodes in them */
    int64_t made;   /* elements that the host has made */
};

/* ---- inputs (values.c) ---- */

bool cnn__onnx_has(const cnn__onnx_run *run, int i);
int cnn__onnx_type(const cnn__onnx_run *run, int i);
/* The tensor of input i; NULL where it is left out, and on failure, which run->status tells. */
cnn_tensor *cnn__onnx_in(cnn__onnx_run *run, int i);
/* The elements of input i, which are waited for; NULL as above. */
const cnn__onnx_host *cnn__onnx_in_host(cnn__onnx_run *run, int i);
/* What the host knows of input i already; NULL: nothing. */
const cnn__onnx_host *cnn__onnx_known(const cnn__onnx_run *run, int i);
/* The shape of input i without its elements. */
bool cnn__onnx_in_shape(cnn__onnx_run *run, int i, int *ndim, int64_t *shape);
/* The rank of input i, and a dimension counted from the end where it is negative; -1, reported, where there is none. */
int cnn__onnx_rank(cnn__onnx_run *run, int i);
int cnn__onnx_axis(cnn__onnx_run *run, int64_t axis, int rank);
/* The one number that input i has; `otherwise` where it is left out. */
double cnn__onnx_in_number(cnn__onnx_run *run, int i, double otherwise);
/* The same as an integer; `otherwise` also where it has none. */
int64_t cnn__onnx_in_int(cnn__onnx_run *run, int i, int64_t otherwise);
cnn_tensor *cnn__onnx_tensor_of(cnn__onnx_run *run, cnn__onnx_value *value);
const cnn__onnx_host *cnn__onnx_host_of(cnn__onnx_run *run, cnn__onnx_value *value);

/* ---- outputs ---- */

/* Sets output i, if the node has it. Return false where the tensor is nil or NULL. */
bool cnn__onnx_out(cnn__onnx_run *run, int i, cnn_tensor *tensor, int type);
bool cnn__onnx_out_host(cnn__onnx_run *run, int i, const cnn__onnx_host *host);
/* How much a small file may ask of the host, also in a trace: elements of tables and of what is folded, 256 MiB of
 * them, and nodes in loops. */
enum { CNN__ONNX_MOST_MADE = 1 << 25, CNN__ONNX_MOST_ROUNDS = 1 << 18 };
/* Counts what a loop runs, be it written in the file or unrolled by an operator; reports. */
bool cnn__onnx_count_rounds(cnn__onnx_run *run, int64_t count);
/* Counts elements that the host makes; reports. */
bool cnn__onnx_count_made(cnn__onnx_run *run, int64_t count);
/* Zeroed memory of the run for a table that an operator makes; NULL on failure, which is reported. */
void *cnn__onnx_table(cnn__onnx_run *run, int64_t count, size_t size);
/* A host value of the run; NULL on failure, which is reported. */
cnn__onnx_host *cnn__onnx_run_host(cnn__onnx_run *run, int type, int ndim, const int64_t *shape);
/* A tensor of the step with these elements, which are copied; nil on failure. */
cnn_tensor *cnn__onnx_made(cnn__onnx_run *run, cnn_dtype dtype, int ndim, const int64_t *shape, const void *elements);
cnn_tensor *cnn__onnx_full(cnn__onnx_run *run, cnn_dtype dtype, int ndim, const int64_t *shape, double value);
/* 0, 1, … count − 1 as i64; nil or NULL on failure. A trace holds but little of it. */
cnn_tensor *cnn__onnx_numbers(cnn__onnx_run *run, int64_t count);
/* A constant of the dtype of `like`, of rank 0. */
cnn_tensor *cnn__onnx_scalar(cnn__onnx_run *run, const cnn_tensor *like, double value);
/* Brings integers that libcnn holds in more bits back into the type's range, as they wrap around there. */
cnn_tensor *cnn__onnx_wrap(cnn__onnx_run *run, cnn_tensor *x, int type);
/* Brings numbers into an integer type's range, at whose ends they stop. */
cnn_tensor *cnn__onnx_saturate(cnn__onnx_run *run, cnn_tensor *x, int type);
bool cnn__onnx_range(int type, double *low, double *high);

/* ---- attributes ---- */

const cnn__onnx_attribute *cnn__onnx_attribute_of(const cnn__onnx_step *step, const char *name);
int64_t cnn__onnx_int(const cnn__onnx_run *run, const char *name, int64_t otherwise);
double cnn__onnx_float(const cnn__onnx_run *run, const char *name, double otherwise);
double cnn__onnx_decimal(const cnn__onnx_run *run, const char *name, double otherwise);
double cnn__onnx_as_decimal(float value);
cnn__onnx_text cnn__onnx_string(const cnn__onnx_run *run, const char *name, const char *otherwise);
/* NULL: there is none. */
const int64_t *cnn__onnx_ints(const cnn__onnx_run *run, const char *name, int *count);

/* ---- failures ---- */

/* Reports what is wrong with the step's node. Returns false. */
bool cnn__onnx_step_fail(cnn__onnx_run *run, cnn_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Runs a block whose inputs have their values (run.c). */
bool cnn__onnx_block_run(cnn__onnx_run *run, const cnn__onnx_block *block);

/* Runs the step on the host, if it can be and all of its inputs are known. */
bool cnn__onnx_fold(cnn__onnx_run *run);

#endif
