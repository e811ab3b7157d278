/* SPDX-License-Identifier: Apache-2.0 */
/* Time that a test moves by hand: a clock and the timer wheel that follows it. */
#pragma once

#include "util/clock.h"
#include "util/wheel.h"

struct fake_clock {
    struct clock clock;
    struct wheel wheel;
};

/* Starts at 1,000,000 ms monotonic and 2026-01-31T12:00:00Z; `ctx` goes to every timer's function. */
static inline void fake_clock_init(struct fake_clock *fake, void *ctx)
{
    fake->clock = (struct clock){.mono_ms = 1000000, .wall_ms = 1769860800000};
    wheel_init(&fake->wheel, fake->clock.mono_ms, ctx);
}

/* Lets `ms` pass in one step, then fires what is due: as a loop does that was held up. */
static inline void fake_clock_leap(struct fake_clock *fake, uint64_t ms)
{
    fake->clock.mono_ms += ms;
    fake->clock.wall_ms += (int64_t)ms;
    wheel_advance(&fake->wheel, fake->clock.mono_ms);
}

/* Lets `ms` pass, stopping wherever something is due, so that each callback sees the clock at its own time. */
static inline void fake_clock_pass(struct fake_clock *fake, uint64_t ms)
{
    uint64_t end = fake->clock.mono_ms + ms;
    for (;;) {
        uint64_t next = wheel_next_ms(&fake->wheel);
        if (next > end - fake->clock.mono_ms)
            break;
        fake_clock_leap(fake, next);
    }
    fake_clock_leap(fake, end - fake->clock.mono_ms);
}
