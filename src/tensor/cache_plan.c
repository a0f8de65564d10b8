/* Plans of the last few kinds of steps whose slots may grow (see cache.h). A step is recognised by the first sizes
 * of its slots: it follows the plan that agrees with it so far, the newest first, and once none does it makes one of
 * its own in the place of the plan that was followed the longest ago. */
#include "tensor/cache.h"

void cnn__plans_begin(cnn__plans *plans)
{
    for (int i = 0; i < CNN__PLANS; i++) {
        plans->now = plans->plan[i].used > plans->plan[plans->now].used ? i : plans->now;
    }
    plans->made = 0;
    plans->steps++;
}

static bool cache_plan_reserve(cnn__plans *plans, cnn__plan *plan, int count)
{
    if (count <= plan->capacity) {
        return true;
    }
    int capacity = count > 32 ? 2 * count : 64;
    cnn__plan_slot *slots = cnn__calloc(plans->ctx, (size_t)capacity, sizeof *slots);
    if (!slots) {
        return false;
    }
    for (int i = 0; i < plan->count; i++) {
        slots[i] = plan->slots[i];
    }
    cnn__free(plans->ctx, plan->slots);
    plan->slots = slots;
    plan->capacity = capacity;
    return true;
}

/* Has the step so far been as this plan says, and does a slot of `first` come next in it? */
static bool agrees(const cnn__plans *plans, const cnn__plan *plan, size_t first)
{
    const cnn__plan *now = &plans->plan[plans->now];
    if (plan->count <= plans->made || plan->slots[plans->made].first != first) {
        return false;
    }
    for (int i = 0; plan != now && i < plans->made; i++) {
        if (plan->slots[i].first != now->slots[i].first) {
            return false;
        }
    }
    return true;
}

/* Goes over to the newest plan that agrees. */
static bool follow(cnn__plans *plans, size_t first)
{
    int best = -1;
    for (int i = 0; i < CNN__PLANS; i++) {
        bool newer = best < 0 || plans->plan[i].used > plans->plan[best].used;
        best = newer && agrees(plans, &plans->plan[i], first) ? i : best;
    }
    plans->now = best < 0 ? plans->now : best;
    return best >= 0;
}

/* Begins a plan of the step's own with the slots that it has had. */
static bool fork(cnn__plans *plans)
{
    int oldest = plans->now == 0;
    for (int i = 0; i < CNN__PLANS; i++) {
        oldest = i != plans->now && plans->plan[i].used < plans->plan[oldest].used ? i : oldest;
    }
    cnn__plan *plan = &plans->plan[oldest];
    plan->count = 0;
    plan->used = 0;
    if (!cache_plan_reserve(plans, plan, plans->made + 1)) {
        return false;
    }
    for (int i = 0; i < plans->made; i++) {
        plan->slots[i] = plans->plan[plans->now].slots[i];
    }
    plan->count = plans->made;
    plans->now = oldest;
    return true;
}

int cnn__plans_slot(cnn__plans *plans, size_t first, size_t *last)
{
    int slot = plans->made;
    cnn__plan *plan = &plans->plan[plans->now];
    bool equal = agrees(plans, plan, first);
    if (!equal && slot < plan->count) {
        equal = follow(plans, first);
        if (!equal && !fork(plans)) {
            return -1;
        }
        plan = &plans->plan[plans->now];
    }
    if (!equal) {
        if (!cache_plan_reserve(plans, plan, slot + 1)) {
            return -1;
        }
        plan->slots[slot] = (cnn__plan_slot){ first, first };
        plan->count = slot + 1;
    }
    *last = plan->slots[slot].last;
    plan->used = plans->steps;
    plans->made = slot + 1;
    return slot;
}

void cnn__plans_grow(cnn__plans *plans, int slot, size_t bytes)
{
    cnn__plan_slot *s = &plans->plan[plans->now].slots[slot];
    s->last = bytes > s->last ? bytes : s->last;
}

void cnn__plans_free(cnn__plans *plans)
{
    for (int i = 0; i < CNN__PLANS; i++) {
        cnn__free(plans->ctx, plans->plan[i].slots);
    }
}
