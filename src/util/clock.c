/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the system's clocks; none of these enters the kernel on Linux but the thread's CPU time. */
#include "util/clock.h"

#include <time.h>

static uint64_t read_ns(clockid_t id)
{
    struct timespec now;
    (void)clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

void clock_refresh(struct clock *clock)
{
    clock->mono_ms = read_ns(CLOCK_MONOTONIC) / 1000000U;
    clock->wall_ms = clock_wall_ms();
}

uint64_t clock_mono_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

uint64_t clock_thread_cpu_ns(void)
{
    return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

int64_t clock_wall_ms(void)
{
    return (int64_t)(read_ns(CLOCK_REALTIME) / 1000000U);
}

uint64_t clock_wall_us(void)
{
    return read_ns(CLOCK_REALTIME) / 1000U;
}
