/* SPDX-License-Identifier: Apache-2.0 */
/* A timer lies at the level of the highest byte in which its due time differs from now, in the slot that this byte
 * names: so whatever a level holds is due later than all levels below it, a level's slots never wrap, and the next thing
 * to do is the first occupied slot of the lowest occupied level.  Times are counted from the wheel's start. */
#include "util/wheel.h"
#include "util/invariant.h"

#include <stdbool.h>

enum { SLOT_BITS = 8, SLOT_MASK = WHEEL_SLOTS - 1 };
#define HORIZON (((uint64_t)1 << (WHEEL_LEVELS * SLOT_BITS)) - 1)

void wheel_init(struct wheel *wheel, uint64_t now_ms, void *ctx)
{
    *wheel = (struct wheel){.now_ms = now_ms, .start_ms = now_ms, .ctx = ctx};
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++)
            list_init(&wheel->slots[level][slot]);
    }
}

static void place(struct wheel *wheel, struct timer *timer)
{
    uint64_t now = wheel->now_ms - wheel->start_ms;
    uint64_t due = timer->due_ms - wheel->start_ms;
    uint64_t differ = due ^ now;
    unsigned level = differ ? (unsigned)(63 - __builtin_clzll(differ)) / SLOT_BITS : 0;
    unsigned slot = (unsigned)(due >> (level * SLOT_BITS)) & SLOT_MASK;
    list_push_back(&wheel->slots[level][slot], &timer->node);
    wheel->occupied[level][slot / 64] |= (uint64_t)1 << (slot % 64);
}

static void mark_empty(struct wheel *wheel, const struct list *slot_list)
{
    size_t index = (size_t)(slot_list - &wheel->slots[0][0]);
    size_t level = index / WHEEL_SLOTS;
    size_t slot = index % WHEEL_SLOTS;
    invariant(level < WHEEL_LEVELS);
    wheel->occupied[level][slot / 64] &= ~((uint64_t)1 << (slot % 64));
}

void wheel_arm(struct wheel *wheel, struct timer *timer, uint64_t due_ms)
{
    wheel_cancel(wheel, timer);
    if (due_ms < wheel->now_ms)
        due_ms = wheel->now_ms;
    if (due_ms - wheel->start_ms > HORIZON)
        due_ms = wheel->start_ms + HORIZON;
    timer->due_ms = due_ms;
    place(wheel, timer);
    wheel->armed++;
}

void wheel_cancel(struct wheel *wheel, struct timer *timer)
{
    if (!timer_is_armed(timer))
        return;
    struct list *neighbour = timer->node.next;
    list_remove(&timer->node);
    wheel->armed--;
    /* Alone in its list is only the slot's own head. */
    if (list_is_empty(neighbour))
        mark_empty(wheel, neighbour);
}

/* First occupied slot at or after `from`, or WHEEL_SLOTS. */
static unsigned first_occupied(const uint64_t *occupied, unsigned from)
{
    for (unsigned word = from / 64; word < WHEEL_SLOTS / 64; word++) {
        uint64_t bits = occupied[word];
        if (word == from / 64)
            bits &= ~(uint64_t)0 << (from % 64);
        if (bits)
            return word * 64 + (unsigned)__builtin_ctzll(bits);
    }
    return WHEEL_SLOTS;
}

/* Finds the next slot that has something in it, and the time (from the start) at which it begins. */
static bool next_slot(const struct wheel *wheel, unsigned *out_level, unsigned *out_slot, uint64_t *out_begin)
{
    if (!wheel->armed)
        return false;
    uint64_t now = wheel->now_ms - wheel->start_ms;
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        unsigned shift = level * SLOT_BITS;
        unsigned from = ((unsigned)(now >> shift) & SLOT_MASK) + (level ? 1 : 0);
        unsigned slot = from < WHEEL_SLOTS ? first_occupied(wheel->occupied[level], from) : WHEEL_SLOTS;
        if (slot == WHEEL_SLOTS)
            continue;
        *out_level = level;
        *out_slot = slot;
        *out_begin = (now >> shift >> SLOT_BITS << SLOT_BITS | slot) << shift;
        return true;
    }
    return false;
}

/* Now has reached the beginning of an upper slot: what is in it goes to lower levels. */
static void cascade(struct wheel *wheel, struct list *slot_list)
{
    struct list moving;
    list_init(&moving);
    list_splice(&moving, slot_list);
    mark_empty(wheel, slot_list);
    struct list *node;
    while ((node = list_first(&moving))) {
        list_remove(node);
        place(wheel, container_of(node, struct timer, node));
    }
}

static void fire(struct wheel *wheel, struct list *slot_list)
{
    struct list *node;
    while ((node = list_first(slot_list))) {
        struct timer *timer = container_of(node, struct timer, node);
        wheel_cancel(wheel, timer);
        timer->fn(timer, wheel->ctx); /* may free the timer */
    }
}

void wheel_advance(struct wheel *wheel, uint64_t now_ms)
{
    unsigned level;
    unsigned slot;
    uint64_t begin;
    while (next_slot(wheel, &level, &slot, &begin)) {
        uint64_t begin_ms = wheel->start_ms + begin;
        if (begin_ms > now_ms)
            break;
        wheel->now_ms = begin_ms;
        if (level == 0)
            fire(wheel, &wheel->slots[0][slot]);
        else
            cascade(wheel, &wheel->slots[level][slot]);
    }
    if (now_ms > wheel->now_ms)
        wheel->now_ms = now_ms;
}

uint64_t wheel_next_ms(const struct wheel *wheel)
{
    unsigned level;
    unsigned slot;
    uint64_t begin;
    if (!next_slot(wheel, &level, &slot, &begin))
        return UINT64_MAX;
    return wheel->start_ms + begin - wheel->now_ms;
}
