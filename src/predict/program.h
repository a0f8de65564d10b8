/* What a predictor runs: the steps of a record that depend on the inputs. The others have been carried out. */
#ifndef CNN_PREDICT_PROGRAM_H
#define CNN_PREDICT_PROGRAM_H

#include "predict/recorder.h"

/* A step: a launch, or bytes that go from in[0] to out[0]. */
typedef struct cnn__program_step {
    cnn_launch launch;
    const char *call;    /* the operation of a launch, as messages say it */
    size_t bytes;        /* 0: a launch */
    cnn__kept_form kept; /* the kept form of its weight in[1]; packed NULL: none */
    int slices;          /* 0: it is not cut. Consecutive steps that are cut have as many */
    int64_t stride[CNN__OPERANDS];
    bool local[CNN__OPERANDS]; /* the operand holds one slice, in memory of the thread that runs it */
} cnn__program_step;

/* An operand that is no constant: it lies in the memory of the call, or in an input or output, which are counted
 * through as ports. */
typedef struct cnn__program_place {
    int step, operand; /* operands: in[0], …, then out[0], … */
    int port;          /* −1: in the memory of the call */
    size_t offset;
} cnn__program_place;

/* Memory that all calls read. */
typedef struct cnn__program_constant {
    void *memory;
    size_t bytes;
} cnn__program_constant;

typedef struct cnn__program {
    cnn_context *ctx;
    cnn__program_step *steps;
    cnn__program_place *places;
    cnn__program_constant *constants;
    int step_count, place_count, constant_count;
    /* The memory of a call: what steps that are not cut see, then for each thread what lives within a slice, then the
     * kernels' workspace, which is that of all threads, or of each where slices are shared out. */
    size_t shared, local, workspace, call_bytes;
    size_t slice_workspace; /* the workspace per thread */
    int workers;            /* workers that slices are shared out to */
} cnn__program;

/* What of a record is an input or an output. */
typedef struct cnn__program_ports {
    const int *blocks; /* the block of each, inputs first; −1: an input that is left out */
    int inputs, outputs;
    int first_step; /* the module's first; those before it wrote its parameters and buffers */
} cnn__program_ports;

/* How a launch is cut into `count` slices, such as samples. */
typedef struct cnn__cut {
    int64_t *size;                                        /* in the launch: what is divided */
    int64_t stride[CNN__OPERANDS], extent[CNN__OPERANDS]; /* bytes: from slice to slice, and that one touches */
} cnn__cut;

/* false: it is not cut, because its bits would change or because it is faster as a whole (cut.c). */
bool cnn__launch_cut(cnn_launch *launch, int64_t count, const cnn__kernels *kernels, cnn__cut *cut);

/* Makes the program of a record, whose writes it takes over. `results` gets a pointer for each output: the elements,
 * where these are constant. On failure it is reported as `call`, and there is no program. */
cnn_status cnn__program_make(cnn__program *program, cnn__recorder *recorder, const cnn__program_ports *ports,
                             const void **results, const char *call);
void cnn__program_end(cnn__program *program);
size_t cnn__program_bytes(const cnn__program *program);

/* Places the operands of `steps`, a copy of the program's, that lie in the memory of a call. */
void cnn__program_bind(const cnn__program *program, cnn__program_step *steps, char *memory);
/* Packs the weights of such steps, whose memory, inputs and outputs may hold anything that is no index: only
 * kernels with weights are run. */
void cnn__program_pack(const cnn__program *program, cnn__program_step *steps, const void *const *inputs,
                       int input_count, void *const *outputs);
/* Frees the weights that are read in their packed form alone, once that is made; `results`: pointers to outputs that
 * are constant. */
void cnn__program_drop_packed(cnn__program *program, cnn__program_step *steps, const void *const *results, int count);
/* One call of such steps. false: a kernel has failed. */
bool cnn__program_run(const cnn__program *program, cnn__program_step *steps, const void *const *inputs, int input_count,
                      void *const *outputs, cnn_backend_failure *failure);

#endif
