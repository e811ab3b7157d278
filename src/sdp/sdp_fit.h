/* SPDX-License-Identifier: Apache-2.0 */
/* A description that somebody else wrote (a media server's, say), fitted to one offer after the other. */
#pragma once

#include "sdp/sdp.h"
#include "util/buffer.h"

/* Appends `own`: each stream with the direction that fits the offer's and is within its own (RFC 3264 6.1), and with port
 * 0 where the offer has that (6); o='s version raised by `raise`, where it is a number that can be.  `offer` has passed
 * sdp_answer_check_streams(), or is NULL: directions and ports as they stand.  Bytes change only where something is changed. */
void sdp_fit(const struct sdp *offer, const struct sdp *own, uint32_t raise, struct buffer *out);
