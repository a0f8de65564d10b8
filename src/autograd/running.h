/* Which callbacks of the user's are running on this thread, and which step it began last.
 *
 * The callbacks say where a failure happened and refuse a call that would end the step they work in. An operation
 * that has no operand on a tape finds the step that it counts for by the innermost forward, or else by the step that
 * was begun last. The callbacks are a list through the stack frames of the calls that run them, so entering one
 * costs a few stores. */
#ifndef CNN_AUTOGRAD_RUNNING_H
#define CNN_AUTOGRAD_RUNNING_H

#include "tensor/tensor.h"

/* A callback that is running. */
typedef struct cnn__running {
    cnn_tape *tape;
    const char *part;         /* as messages say it: "the forward of" */
    const char *name;         /* the module's type or the operation's name */
    const cnn_module *module; /* whose forward it is; NULL: an operation's callback or a function of the user's */
    bool training;            /* a module's: does it behave as in training? */
    /* Writes the path of `module` from the root of the forward and ": ", or nothing; NULL where `module` is. */
    void (*path)(const struct cnn__running *running, char *text, size_t size);
    const struct cnn__running *outer;
    cnn__profile_frame *frame; /* a module's that is recorded (device/profile.h); NULL: it is not */
    /* The thread's cancelability before: a callback is not cancelled, because its frame would stay in the list. */
    int cancel;
} cnn__running;

typedef enum cnn__running_kind { CNN__RUNNING_ANY, CNN__RUNNING_MODULE, CNN__RUNNING_OPERATION } cnn__running_kind;

void cnn__running_enter(cnn__running *running);
void cnn__running_leave(const cnn__running *running);
const cnn__running *cnn__running_now(void); /* the innermost; NULL: none */
/* The innermost of a kind that works on this tape; NULL: none. */
const cnn__running *cnn__running_on(const cnn_tape *tape, cnn__running_kind kind);
/* The tape of the innermost forward of a module; NULL: none. */
cnn_tape *cnn__running_tape(void);

/* The step that this thread began last. It may be over and its tape freed: `serial` and `generation` tell. */
typedef struct cnn__begun {
    cnn_tape *tape;
    uint64_t serial; /* the serial of the tape; 0: this thread has begun no step */
    uint64_t generation;
} cnn__begun;

cnn__begun cnn__begun_get(void);
void cnn__begun_set(cnn__begun begun);

#endif
