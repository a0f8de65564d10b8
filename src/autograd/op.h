/* What an operation is: a constant descriptor that the tape, the tests and whoever reads a traced graph share.
 *
 * An operation has inputs (some may be left out), outputs, attributes, and three functions. `infer` checks the inputs
 * and says what the outputs will be from dtypes and shapes alone; `forward` computes their elements; `backward` turns
 * the gradients of the outputs into gradients of the inputs. cnn__apply() does everything between them: it finds the
 * tape, makes the outputs, brings inputs into row-major order where the descriptor asks for it, keeps what backward
 * will read, and puts the operation on the tape's list. A tape that traces stops after `infer`.
 *
 * An operation's file therefore reads like this (see ops/linear.c for a whole one):
 *
 *     static const cnn__op linear_op = {
 *         .name = "linear", .infer = infer, .forward = forward, .backward = backward, …
 *     };
 *
 *     cnn_tensor *cnn_linear(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias)
 *     {
 *         sizes s;
 *         return cnn__apply(&linear_op, (cnn_tensor *const[]){ x, weight, bias }, 3, &s);
 *     }
 */
#ifndef CNN_AUTOGRAD_OP_H
#define CNN_AUTOGRAD_OP_H

#include "tensor/tensor.h"

#include <cnn/tape.h>

typedef struct cnn__node cnn__node;
typedef struct cnn__call cnn__call;

enum {
    CNN__MAX_INPUTS = 16, /* for a custom operation, and for one whose descriptor has masks; concat takes any number */
    CNN__MAX_OUTPUTS = 6, /* results and extras together */
};

/* ---- attributes ---- */

typedef enum cnn__attribute_type {
    CNN__INT64, /* int64_t */
    CNN__INT,   /* int: a dimension, an enumeration */
    CNN__FLOAT, /* double */
    CNN__BOOL,  /* bool */
    CNN__DTYPE  /* int: a dtype */
} cnn__attribute_type;

/* An attribute within the operation's struct, for those who describe or export a graph. A list has `count` elements,
 * or as many as the int at `count_at` says. */
typedef struct cnn__attribute {
    const char *name;
    unsigned char type;   /* a cnn__attribute_type */
    bool counted;         /* the int at `count_at` says how many */
    unsigned short count; /* 0: one number, not a list */
    unsigned short offset, count_at;
} cnn__attribute;

#define CNN__ATTRIBUTE(kind, struct_type, member) \
    { \
        .name = #member, .type = (kind), .offset = offsetof(struct_type, member) \
    }

/* ---- descriptors ---- */

/* What backward does with what it saved: the elements of inputs, then those of outputs. */
typedef struct cnn__reads {
    const char *name; /* the name of that operand, as messages say it: "weight"; NULL: "operand 0" */
    unsigned by;      /* bit i: the gradient of input i reads its elements */
} cnn__reads;

/* Bit for output j in `saves`. */
#define CNN__OUTPUT(j) (1u << (CNN__MAX_INPUTS + (j)))

typedef struct cnn__op {
    const char *name;      /* as messages say it: "conv2d" */
    unsigned char outputs; /* results; 0 means 1 */
    unsigned char extras;  /* outputs after those, which only backward sees */
    bool saves_read;       /* keep only those of `saves` that a wanted gradient reads; the others are NULL */
    bool relu;         /* the result is max(…, 0): where it is 0 its gradient may be, too (cnn__grad_add_masked) */
    bool chains;       /* backward takes a deferred gradient (chain.h) and passes it to what does, too */
    unsigned optional; /* bit i: input i may be NULL */
    unsigned dense;    /* bit i: forward and backward get input i contiguous; else with any strides */
    unsigned saves;    /* what backward reads the elements of: bit i for input i, CNN__OUTPUT(j) for output j */
    unsigned size;     /* the size of the attributes' struct */
    float ceiling;     /* the result is min(max(…, 0), ceiling), unless this is 0 */
    const cnn__attribute *attributes; /* up to one without a name; NULL: none */
    /* Checks the inputs, completes the attributes and describes each output by cnn__out() and the like. Reads no
     * elements. false: reported by cnn__call_fail(). */
    bool (*infer)(cnn__call *call, void *attributes);
    /* Writes the elements of call->out from those of call->x. Not called where no result has elements of its own.
     * false: reported. */
    bool (*forward)(cnn__call *call, void *attributes);
    /* dy is the gradient of the first output; cnn__grad_of() gives the others. A gradient is contiguous, of its
     * output's shape and dtype, and NULL where nothing depends on that output. NULL: not differentiable. */
    void (*backward)(cnn__node *node, cnn_tensor *dy);
    const cnn__reads *reads; /* how what is saved is read: inputs, then outputs; NULL: every gradient reads all of it */
} cnn__op;

/* One application on the tape's list. */
struct cnn__node {
    const cnn__op *op;
    cnn_tape *tape;
    cnn__node *previous;               /* the entry made before it */
    int count;                         /* the number of inputs */
    int outputs;                       /* results; extras are not among them */
    cnn_tensor **in;                   /* NULL where an optional input was left out; elements may be gone */
    cnn_tensor *out[CNN__MAX_OUTPUTS]; /* the results; elements may be gone: use `saved` */
    union {
        cnn_tensor *dy[CNN__MAX_OUTPUTS]; /* while backward runs: the gradients of the results */
        cnn__counts work;                 /* in a trace: of its forward */
    };
    /* The saved inputs, then outputs, NULL where the operation does not save one; NULL: nothing is saved */
    cnn_tensor **saved;
    void *attributes;  /* the operation's struct */
    const char *where; /* where anomalies are looked for: the path of the module whose forward it was in; else NULL */
    const cnn_module *module; /* in a trace or profile: the module whose forward it was in; NULL: none */
    bool done;                /* backward has passed and released it */
    bool reached;             /* the backward that is running comes by here (final.c, grad.c) */
};

static inline cnn_tensor *cnn__saved_output(const cnn__node *node, int j)
{
    return node->saved[node->count + j];
}

/* The gradient of result j while backward runs; NULL: nothing depends on it. */
static inline cnn_tensor *cnn__grad_of(const cnn__node *node, int j)
{
    return node->dy[j];
}

/* ---- one application, while it is being made ---- */

typedef enum cnn__out_kind {
    CNN__OUT_NEW,  /* elements of its own, contiguous */
    CNN__OUT_VIEW, /* the elements of an input, with strides and an offset of its own */
    CNN__OUT_SAME, /* an input itself: nothing happens */
    CNN__OUT_NONE  /* not made this time */
} cnn__out_kind;

/* What an output will be. */
typedef struct cnn__spec {
    cnn__out_kind kind;
    int of; /* the input that a view or the same is of */
    cnn_dtype dtype;
    const cnn_tensor *like; /* whose shape it has; NULL: the one that follows */
    int ndim;
    int64_t shape[CNN_MAX_DIMS];
    int64_t stride[CNN_MAX_DIMS]; /* the strides of a view */
    int64_t offset;               /* the offset of a view, in elements of the storage */
} cnn__spec;

struct cnn__call {
    const cnn__op *op;
    cnn_tape *tape;
    cnn_context *ctx;
    int count;
    cnn_tensor **in;                   /* handles of this step */
    cnn_tensor **x;                    /* the same, contiguous where the descriptor asks for it; for forward */
    cnn__spec *spec;                   /* what each output will be; for infer */
    cnn_tensor *out[CNN__MAX_OUTPUTS]; /* for forward */
    int results;                       /* how many; extras are not among them */
    unsigned wanted;                   /* bit i: input i wants a gradient; with many inputs bit i mod 32 */
    bool record;                       /* recording, and an input wants a gradient */
    bool computes;                     /* a result has elements of its own */
    bool differentiable;               /* a result is not an input itself, and real */
    cnn_tensor *nil;                   /* what to return on failure */
};

/* Applies an operation with one result; returns that, or nil. `attributes` is the operation's struct, which infer
 * completes and which is copied where the operation is recorded. */
cnn_tensor *cnn__apply(const cnn__op *op, cnn_tensor *const *inputs, int count, void *attributes);
/* The same with several results, written to `results`; all nil and false on failure. */
bool cnn__apply_all(const cnn__op *op, cnn_tensor *const *inputs, int count, void *attributes, cnn_tensor **results);

/* ---- for infer ---- */
/* Output j is new, contiguous, of this dtype and shape. */
void cnn__out(cnn__call *call, int j, cnn_dtype dtype, int ndim, const int64_t *shape);
/* Output j is new and, as yet, like input i: the caller may change the shape in call->spec[j]. */
void cnn__out_like(cnn__call *call, int j, int i);
/* Output j is new and has the shape of input i, whose elements are no smaller. Nothing is in call->spec[j].shape. */
void cnn__out_shaped(cnn__call *call, int j, int i, cnn_dtype dtype);
/* Output j is a view of input i, as yet with its shape and strides, which the caller changes in call->spec[j]. */
cnn__spec *cnn__out_view(cnn__call *call, int j, int i);
/* Output j is input i itself. */
void cnn__out_same(cnn__call *call, int j, int i);
/* Output j is not made. */
void cnn__out_none(cnn__call *call, int j);

/* Makes the step fail with "name: message" and returns nil. */
cnn_tensor *cnn__call_fail(cnn__call *call, cnn_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Makes the step fail with this thread's newest failure, which a helper such as cnn__options_read has reported. */
cnn_tensor *cnn__call_fail_newest(cnn__call *call);
/* Is input i f32 or f64? */
bool cnn__call_real(cnn__call *call, int i);
/* Have inputs 0..n-1 (those that are there) one dtype? */
bool cnn__call_same_dtype(cnn__call *call, int n);

/* ---- the parts of cnn__apply(), for custom operations ---- */
bool cnn__call_begin(cnn__call *call, const cnn__op *op, int count, cnn_tensor *const *inputs);
/* Input i made contiguous: itself or a copy on the tape; NULL: no memory, reported. */
cnn_tensor *cnn__call_contiguous(cnn__call *call, int i);
/* A new contiguous result with undefined elements; NULL: bad shape or no memory, already reported. */
cnn_tensor *cnn__result(cnn__call *call, cnn_dtype dtype, int ndim, const int64_t *shape);
/* The same of the shape of a tensor whose elements are no smaller, so that there is nothing to check. */
cnn_tensor *cnn__result_like(cnn__call *call, cnn_dtype dtype, const cnn_tensor *like);
/* Puts the operation on the list: its results are call->out, its saved tensors those of call->x and call->out that
 * `saves` names. NULL: no memory, reported. */
cnn__node *cnn__call_record(cnn__call *call, const void *attributes, size_t size, unsigned saves);

#endif
