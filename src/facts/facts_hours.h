/* SPDX-License-Identifier: Apache-2.0 */
/* Opening hours: windows of a week in a time zone, and days on which they do not hold.  Asking is one bit of a table. */
#pragma once

#include "facts/facts_zone.h"

enum { HOURS_MINUTES = 7 * 24 * 60, HOURS_EXCEPT_MAX = 128 };

struct facts_hours {
    struct facts_zone zone;
    uint64_t open[(HOURS_MINUTES + 63) / 64]; /* one bit a minute, from Monday 00:00 */
    unsigned except_count;
    int32_t except[HOURS_EXCEPT_MAX]; /* days since 1970-01-01, local */
};

/* Adds "mon-fri 08:00-18:00", "sat,sun 10:00-24:00", "daily 22:00-06:00" (past midnight belongs to the day it starts
 * on).  ERR_SYNTAX with *out_reason. */
MUST_CHECK enum err facts_hours_add(struct facts_hours *hours, struct span text, const char **out_reason);
/* Adds a day "2026-12-25" on which it is closed. */
MUST_CHECK enum err facts_hours_except(struct facts_hours *hours, struct span text, const char **out_reason);
bool facts_hours_open(const struct facts_hours *hours, int64_t wall_ms);

/* "2026-01-31" or "2026-01-31T12:00:00Z" or "...+01:00" as Unix seconds; a day is its first second, in UTC. */
bool facts_time_parse(struct span text, int64_t *out_seconds);
/* Days since 1970-01-01 of a date in the Gregorian calendar; no check. */
int64_t facts_days_of(int year, int month, int day);
