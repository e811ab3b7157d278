/* SPDX-License-Identifier: Apache-2.0 */
/* SIP-date: rfc1123-date in GMT only (RFC 3261 20.17). */
#pragma once

#include "util/buffer.h"

/* Seconds since 1970.  ERR_SYNTAX for any other form or zone, a day that does not exist, or a wrong name of the day. */
MUST_CHECK enum err sip_date_parse(struct span text, int64_t *out_seconds);
/* "Sat, 13 Nov 2010 23:29:00 GMT"; years 1970 to 9999, else the buffer overflows. */
void sip_date_add(struct buffer *out, int64_t seconds);
