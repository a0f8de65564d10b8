/* Following a sequence that has come before. As long as a program hands over what it handed over the last time, there
 * is no list to be made: a launch that is the very same needs one comparison, neither a plan nor a call of the driver.
 * Of one with other parameters (the step's learning rate, the key of random numbers) and of copies the plan is made and
 * compared, and the arguments that have changed are set in the graph before it is launched.
 *
 * Which sequence is tried is known from the last time, too: each knows what came behind it. The first difference ends
 * the following: what was the same so far becomes the list, which goes on as any other. */
#include "queue.h"

#include <stdlib.h>
#include <string.h>

/* ---- notes ---- */

void cuda_notes_free(cuda_notes *n)
{
    free(n->notes);
    free(n->bytes);
    *n = (cuda_notes){ 0 };
}

static bool notes_room(cuda_notes *n, size_t bytes)
{
    if (n->count == n->room) {
        size_t room = n->room ? 2 * n->room : 128;
        cuda_note *more = realloc(n->notes, room * sizeof *more);
        if (!more) {
            return false;
        }
        n->notes = more;
        n->room = room;
    }
    if (n->used + bytes > n->bytes_room) {
        size_t room = 2 * (n->used + bytes);
        unsigned char *more = realloc(n->bytes, room);
        if (!more) {
            return false;
        }
        n->bytes = more;
        n->bytes_room = room;
    }
    return true;
}

static void add_note(cuda_notes *n, const cuda_note *note, const void *parameters)
{
    const size_t bytes = note->launch.parameters ? note->launch.parameters_size : 0;
    if (n->incomplete || !notes_room(n, bytes)) {
        n->incomplete = true;
        return;
    }
    n->notes[n->count] = *note;
    n->notes[n->count++].parameters = n->used;
    if (bytes > 0) {
        memcpy(n->bytes + n->used, parameters, bytes);
        n->used += bytes;
    }
}

size_t cuda_replay_position(const cuda_queue *q)
{
    return q->followed ? q->entry_at : q->list.count;
}

void cuda_replay_note(cuda_queue *q, const cnn_launch *launch, size_t first, bool whole)
{
    if (q->followed) {
        q->note_at++;
    } else if (q->graphs) {
        const size_t now = cuda_replay_position(q);
        const cuda_note note = {
            .launch = *launch, .first = first, .entries = now > first ? now - first : 0, .whole = whole && now >= first
        };
        add_note(&q->notes, &note, launch->parameters);
    }
}

/* ---- following ---- */

/* Follows, at the beginning of a list, the sequence that came behind the last one. */
static void begin(cuda_queue *q)
{
    if (q->graphs && !q->followed && q->list.count == 0 && q->notes.count == 0 && q->group_count == 0 && q->last >= 0) {
        const int next = q->sequences[q->last].next;
        cuda_sequence *s = next >= 0 ? &q->sequences[next] : NULL;
        if (s && s->exec && !s->refused && s->scratch == (size_t)q->scratch) {
            q->followed = s;
            q->entry_at = q->note_at = 0;
        }
    }
}

/* The bytes of parameters may differ where they mean nothing; then they are looked at more closely, by their plan. */
static bool same_launch(const cuda_notes *n, const cuda_note *note, const cnn_launch *l)
{
    const cnn_launch *k = &note->launch;
    return k->kernel == l->kernel && k->dtype == l->dtype && k->count == l->count && k->workspace == l->workspace &&
           k->parameters_size == l->parameters_size && !k->parameters == !l->parameters &&
           memcmp(k->in, l->in, sizeof k->in) == 0 && memcmp(k->out, l->out, sizeof k->out) == 0 &&
           (!l->parameters || memcmp(n->bytes + note->parameters, l->parameters, l->parameters_size) == 0);
}

/* Whether the entries of a note are those that its launch would become again. */
static bool is_current(const cuda_sequence *s, const cuda_note *note)
{
    bool current = note->whole;
    for (size_t i = 0; i < note->entries && current; i++) {
        current = !s->loose[note->first + i];
    }
    return current;
}

bool cuda_replay_launch(cuda_queue *q, const cnn_launch *launch)
{
    begin(q);
    cuda_sequence *s = q->followed;
    if (!s || q->note_at >= s->notes.count || q->group_count > 0) {
        return false;
    }
    const cuda_note *note = &s->notes.notes[q->note_at];
    if (note->first != q->entry_at || !is_current(s, note) || !same_launch(&s->notes, note, launch)) {
        return false;
    }
    for (size_t i = 0; i < note->entries; i++) {
        s->list.entries[q->entry_at++].number = launch->number;
    }
    q->note_at++;
    q->has_launch = true;
    return true;
}

void cuda_replay_leave(cuda_queue *q)
{
    cuda_sequence *s = q->followed;
    q->followed = NULL;
    for (size_t i = 0; s && i < q->entry_at && !q->failed; i++) {
        const cuda_entry *e = &s->list.entries[i];
        if (!cuda_list_add(&q->list, e, s->list.bytes + e->argument)) {
            cuda_fail(q, e->number, e->kernel, "no memory for what is handed over");
        }
    }
    for (size_t i = 0; s && i < q->note_at && i < s->notes.count; i++) {
        cuda_note note = s->notes.notes[i];
        note.whole = note.first + note.entries <= q->entry_at && is_current(s, &note);
        add_note(&q->notes, &note, s->notes.bytes + note.parameters);
    }
}

bool cuda_replay_entry(cuda_queue *q, const cuda_entry *entry, const void *argument)
{
    begin(q);
    cuda_sequence *s = q->followed;
    if (!s) {
        return false;
    }
    if (q->entry_at < s->list.count && cuda_same_shape(&s->list.entries[q->entry_at], entry)) {
        s->loose[q->entry_at] |= cuda_sequence_update(s, q->entry_at, entry, argument);
        q->entry_at++;
        return true;
    }
    cuda_replay_leave(q);
    return false;
}

int cuda_replay_run(cuda_queue *q)
{
    cuda_sequence *s = q->followed;
    int ran = 0;
    if (q->entry_at == s->list.count) {
        q->followed = NULL;
        ran = cuda_graph_launch(q, s, s->list.entries[0].number);
    }
    if (ran == 0) {
        q->followed = s;
        cuda_replay_leave(q);
    }
    return q->failed ? -1 : ran;
}
