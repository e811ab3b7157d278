/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 3339 times as text. */
#pragma once

#include "util/span.h"

/* Times in files and on the command line: RFC 3339 ("2026-01-31T12:00:00Z", with an offset, or a date alone = its first
 * moment in UTC) to Unix milliseconds and back ("2026-01-31T12:00:00Z", with ".123" when not a whole second). */
bool entry_time_parse(struct span text, int64_t *out_ms);
enum { ENTRY_TIME_MAX = 32 };
void entry_time_text(int64_t ms, char out_text[ENTRY_TIME_MAX]);
