/* Steps of an optimizer that come one behind the other are carried out by one call: the library hands over a launch for
 * each parameter, most of which are small, and launching a kernel takes longer than such a step. Rows of a table have
 * the numbers of the step in common and are carried out at once, so one is joined only where nothing that it reads or
 * writes is written by what it would overtake.
 *
 * Several groups are open at a time, because a step may be several calls by turns: NAdam's is two; LARS's is the parts
 * of two norms, their sums and the step; LAMB's has its direction before these. As many are open as let several of
 * these begin behind the 60th parameter. Whatever else is added closes them. */
#include "queue.h"

#include <string.h>

/* Whether a call may be carried out together with group `first`: it overtakes those behind it. */
static bool may_join(const cuda_queue *q, int first, const cuda_call *call)
{
    bool apart = true;
    for (int i = first; i < q->group_count && apart; i++) {
        apart = cuda_plan_apart(&q->groups[i].call, call);
    }
    return apart;
}

static bool open_group(cuda_queue *q, const cuda_call *call, uint64_t number, int kernel)
{
    CUfunction function = cuda_function_find(q, call->kernel, call->module, number, kernel);
    if (!function || (q->group_count == CUDA_GROUPS && !cuda_groups_close(q, UINT64_MAX))) {
        return false;
    }
    cuda_group *g = &q->groups[q->group_count++];
    g->call = *call;
    g->function = function;
    g->number = number;
    g->kernel = kernel;
    q->has_launch = true;
    return true;
}

bool cuda_group_add(cuda_queue *q, const cuda_call *call, uint64_t number, int kernel)
{
    if (q->failed) {
        return false;
    }
    for (int i = 0; i < q->group_count; i++) {
        cuda_call *group = &q->groups[i].call;
        if (strcmp(group->kernel, call->kernel) == 0 && may_join(q, i, call) && cuda_plan_join(group, call)) {
            return true;
        }
    }
    return open_group(q, call, number, kernel);
}
