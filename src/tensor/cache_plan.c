/* Plans of the last few kinds of steps that share blocks between sizes (see cache.h). A step is recognised by the first sizes
 * of its slots: it follows the plan that agrees with it so far, and once none does it makes a new one, in the place of the
 * plan that was followed the longest ago. */
#include "tensor/cache.h"

void cnn__plans_begin(cnn__plans *plans)
{
    for (int i = 0; i < CNN__PLANS; i++) {
        plans->now = plans->plan[i].used > plans->plan[plans->now].used ? i : plans->now;
    }
    plans->before = -1;
    plans->made = 0;
    plans->steps++;
}

static void set(cnn__plans *plans, int plan, int slot, cnn__storage *block)
{
    plans->plan[plan].slots[slot].block = block;
    if (block) {
        block->plans |= 1u << plan;
    }
}

static void drop(cnn__plans *plans, int plan)
{
    for (int i = 0; i < plans->plan[plan].count; i++) {
        cnn__storage *block = plans->plan[plan].slots[i].block;
        if (block) {
            block->plans &= ~(1u << plan);
        }
    }
    plans->plan[plan].count = 0;
    plans->plan[plan].used = 0;
    plans->before = plans->before == plan ? -1 : plans->before;
}

static bool reserve(cnn__plans *plans, cnn__plan *plan, int count)
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

static bool agrees(const cnn__plans *plans, int plan, size_t first)
{
    const cnn__plan *p = &plans->plan[plan], *now = &plans->plan[plans->now];
    if (p->count <= plans->made || p->slots[plans->made].first != first) {
        return false;
    }
    for (int i = 0; i < plans->made; i++) {
        if (p->slots[i].first != now->slots[i].first) {
            return false;
        }
    }
    return true;
}

/* Goes over to another plan that agrees with the step so far, the newest of them; false if there is none. */
static bool change(cnn__plans *plans, size_t first)
{
    int best = -1;
    for (int i = 0; i < CNN__PLANS; i++) {
        bool newer = best < 0 || plans->plan[i].used > plans->plan[best].used;
        best = newer && agrees(plans, i, first) ? i : best;
    }
    if (best >= 0) {
        plans->now = best;
    }
    return best >= 0;
}

/* Begins a plan of this step's own, with the slots that it has had. */
static bool fork(cnn__plans *plans)
{
    int oldest = plans->now == 0 ? 1 : 0;
    for (int i = 0; i < CNN__PLANS; i++) {
        oldest = i != plans->now && plans->plan[i].used < plans->plan[oldest].used ? i : oldest;
    }
    drop(plans, oldest);
    if (!reserve(plans, &plans->plan[oldest], plans->made + 1)) {
        return false;
    }
    for (int i = 0; i < plans->made; i++) {
        plans->plan[oldest].slots[i].first = plans->plan[plans->now].slots[i].first;
        set(plans, oldest, i, plans->plan[plans->now].slots[i].block);
    }
    plans->plan[oldest].count = plans->made;
    plans->before = plans->now;
    plans->now = oldest;
    return true;
}

int cnn__plans_slot(cnn__plans *plans, size_t first, cnn__storage **block, bool *equal)
{
    int slot = plans->made;
    const cnn__plan *now = &plans->plan[plans->now];
    *block = NULL;
    *equal = slot < now->count && now->slots[slot].first == first;
    if (!*equal && slot < now->count) {
        *equal = change(plans, first);
        if (!*equal && !fork(plans)) {
            return -1;
        }
    }
    cnn__plan *plan = &plans->plan[plans->now];
    const cnn__plan *before = plans->before >= 0 ? &plans->plan[plans->before] : NULL;
    if (*equal) {
        *block = plan->slots[slot].block;
    } else if (!reserve(plans, plan, slot + 1)) {
        return -1;
    } else {
        *block = before && slot < before->count ? before->slots[slot].block : NULL;
        plan->slots[slot] = (cnn__plan_slot){ .first = first };
        plan->count = slot + 1;
    }
    plan->used = plans->steps;
    plans->made = slot + 1;
    return slot;
}

void cnn__plans_set(cnn__plans *plans, int slot, cnn__storage *block)
{
    set(plans, plans->now, slot, block);
}

static bool mentions(const cnn__plan *plan, const cnn__storage *block)
{
    for (int i = 0; i < plan->count; i++) {
        if (plan->slots[i].block == block) {
            return true;
        }
    }
    return false;
}

/* The plan of this step itself only loses the block: the slots that it has had are still to be told from those of others. */
void cnn__plans_forget(cnn__plans *plans, const cnn__storage *block)
{
    for (int plan = 0; block->plans && plan < CNN__PLANS; plan++) {
        cnn__plan *p = &plans->plan[plan];
        if (!(block->plans >> plan & 1) || !mentions(p, block)) {
            continue;
        }
        if (plan != plans->now) {
            drop(plans, plan);
            continue;
        }
        for (int i = 0; i < p->count; i++) {
            p->slots[i].block = p->slots[i].block == block ? NULL : p->slots[i].block;
        }
    }
}

void cnn__plans_free(cnn__plans *plans)
{
    for (int i = 0; i < CNN__PLANS; i++) {
        cnn__free(plans->ctx, plans->plan[i].slots);
    }
}
