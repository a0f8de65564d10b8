/* Lists of the thread: the callbacks that it is in, and the step that it began last. */
#include "autograd/running.h"

#include "platform/thread.h"

static _Thread_local const cnn__running *innermost;
static _Thread_local cnn__begun begun_last;

void cnn__running_enter(cnn__running *running)
{
    running->cancel = cnn__cancel_defer();
    running->outer = innermost;
    innermost = running;
}

void cnn__running_leave(const cnn__running *running)
{
    if (running->frame) {
        cnn__profile_leave(running->frame, true);
    }
    innermost = running->outer;
    cnn__cancel_restore(running->cancel);
}

const cnn__running *cnn__running_now(void)
{
    return innermost;
}

const cnn__running *cnn__running_on(const cnn_tape *tape, cnn__running_kind kind)
{
    const cnn__running *r = innermost;
    while (r && (r->tape != tape || (kind == CNN__RUNNING_OPERATION && r->module) ||
                 (kind == CNN__RUNNING_MODULE && !r->module))) {
        r = r->outer;
    }
    return r;
}

cnn_tape *cnn__running_tape(void)
{
    const cnn__running *r = innermost;
    while (r && !r->module) {
        r = r->outer;
    }
    return r ? r->tape : NULL;
}

cnn__begun cnn__begun_get(void)
{
    return begun_last;
}

void cnn__begun_set(cnn__begun begun)
{
    begun_last = begun;
}
