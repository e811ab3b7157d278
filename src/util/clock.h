/* SPDX-License-Identifier: Apache-2.0 */
/* Time as plain data: whoever owns a loop refreshes its `struct clock` once a turn, and everybody below reads the two
 * fields.  A test sets them by hand, so a 32-second timer costs microseconds. */
#pragma once

#include <stdint.h>

struct clock {
    uint64_t mono_ms; /* monotonic, for timers */
    int64_t wall_ms;  /* Unix time, for dates and expiry that survives a restart */
};

/* Reads both system clocks. */
void clock_refresh(struct clock *clock);
/* Straight from the system, for measuring: monotonic nanoseconds, and CPU nanoseconds of the calling thread. */
uint64_t clock_mono_ns(void);
uint64_t clock_thread_cpu_ns(void);
int64_t clock_wall_ms(void);
uint64_t clock_wall_us(void);
