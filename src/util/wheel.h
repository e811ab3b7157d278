/* SPDX-License-Identifier: Apache-2.0 */
/* A hierarchical timer wheel of one-millisecond ticks: arming and cancelling are O(1), and a million armed timers cost
 * nothing until they are due.  One thread. */
#pragma once

#include "util/list.h"
#include <stdint.h>

struct timer;
typedef void (*timer_fn)(struct timer *timer, void *ctx);

struct timer {
    struct list node;
    uint64_t due_ms; /* on the wheel's clock */
    timer_fn fn;
};

enum { WHEEL_LEVELS = 5, WHEEL_SLOTS = 256 };

struct wheel {
    uint64_t now_ms;
    uint64_t start_ms; /* slots count from here: the wheel reaches 2^40 ms (34 years) beyond it */
    size_t armed;
    void *ctx; /* handed to every timer_fn */
    uint64_t occupied[WHEEL_LEVELS][WHEEL_SLOTS / 64];
    struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *wheel, uint64_t now_ms, void *ctx);
static inline void timer_init(struct timer *timer, timer_fn fn)
{
    list_init(&timer->node);
    timer->fn = fn;
    timer->due_ms = 0;
}
static inline int timer_is_armed(const struct timer *timer)
{
    return !list_is_unlinked(&timer->node);
}
/* Arms `timer` for `due_ms`; an armed timer is moved.  A time that has passed fires at the next advance. */
void wheel_arm(struct wheel *wheel, struct timer *timer, uint64_t due_ms);
/* Harmless on a timer that is not armed. */
void wheel_cancel(struct wheel *wheel, struct timer *timer);
/* Fires all timers due at or before `now_ms`, in order of due time.  A callback may arm, cancel and free any timer, its
 * own included; one armed for now or earlier by a callback fires in the same advance. */
void wheel_advance(struct wheel *wheel, uint64_t now_ms);
/* Milliseconds from the wheel's now to the next moment at which wheel_advance() has something to do (never late, may be
 * early); UINT64_MAX when nothing is armed. */
uint64_t wheel_next_ms(const struct wheel *wheel);
