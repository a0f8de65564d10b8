/* When a parameter's gradient is final: once backward has passed the first operation of the step that uses it, because
 * the list is walked from its end. Only a tape that somebody listens to is looked through for it. */
#include "autograd/running.h"
#include "autograd/tape.h"

/* The leaf behind input i of a node, if it gets a gradient; NULL: none. */
static cnn_tensor *leaf_of(const cnn__node *node, int i)
{
    return node->in[i] ? node->in[i]->leaf : NULL;
}

static bool is_reached(const cnn__node *node)
{
    bool reached = false;
    for (int j = 0; j < node->outputs; j++) {
        reached |= node->out[j] && node->out[j]->reached;
    }
    return reached;
}

void cnn__final_prepare(cnn_tensor *output)
{
    for (const cnn__node *node = output->node; node; node = node->previous) {
        for (int j = 0; j < node->outputs; j++) {
            if (node->out[j]) {
                node->out[j]->reached = false;
            }
        }
        for (int i = 0; i < node->count; i++) {
            if (leaf_of(node, i)) {
                leaf_of(node, i)->uses = 0;
            }
        }
    }
    output->reached = true;
    for (cnn__node *node = output->node; node; node = node->previous) {
        node->reached = is_reached(node);
        for (int i = 0; node->reached && i < node->count; i++) {
            if (leaf_of(node, i)) {
                leaf_of(node, i)->uses++;
            } else if (node->in[i]) {
                node->in[i]->reached = true;
            }
        }
    }
}

/* The callback may have ended its own listening. */
void cnn__final_tell(const cnn__listener *listener, cnn_tape *tape, cnn_tensor *leaf)
{
    if (!listener->call) {
        return;
    }
    cnn__running running = { .tape = tape, .part = "the callback of", .name = "tape_on_gradient" };
    cnn__running_enter(&running);
    listener->call(leaf, listener->user);
    cnn__running_leave(&running);
}

void cnn__final_passed(const cnn__listener *listener, const cnn__node *node)
{
    const cnn__step *step = cnn__step_of(node->tape);
    for (int i = 0; node->reached && i < node->count; i++) {
        cnn_tensor *leaf = leaf_of(node, i);
        if (leaf && --leaf->uses == 0 && step->status == CNN_OK) {
            cnn__final_tell(listener, node->tape, leaf);
        }
    }
}
