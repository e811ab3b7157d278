/* SPDX-License-Identifier: Apache-2.0 */
/* A time zone's rules in memory, read once from the system's zone files (RFC 8536), so that a decision asks for local
 * time without a system call and without the C library's global zone. */
#pragma once

#include "util/err.h"
#include "util/span.h"

struct facts_zone_step {
    int64_t from_s; /* Unix seconds */
    int32_t offset_s;
};

struct facts_zone {
    int32_t first_offset_s; /* before the first step; the whole zone when there is none */
    size_t count;
    struct facts_zone_step *steps; /* ascending; computed up to 2100 */
};

/* "UTC", "+01:00", or a name such as "Europe/Berlin".  ERR_NOT_FOUND: no such zone on this system; ERR_SYNTAX;
 * ERR_CORRUPT: the zone file is damaged. */
MUST_CHECK enum err facts_zone_load(struct facts_zone *zone, struct span name);
void facts_zone_done(struct facts_zone *zone);
/* Seconds to add to Unix time. */
int32_t facts_zone_offset(const struct facts_zone *zone, int64_t unix_s);
