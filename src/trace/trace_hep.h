/* SPDX-License-Identifier: Apache-2.0 */
/* HEP version 3 (the Homer Encapsulation Protocol, "EEP/HEP3" of sipcapture.org): one SIP message and what is known of
 * its way as a datagram for a collector (Homer, heplify, sngrep). */
#pragma once

#include "trace/trace_ring.h"
#include "util/buffer.h"

/* All but the message and the Call-ID; the Call-ID is cut behind so many bytes; the most that a datagram takes. */
enum { TRACE_HEP_HEAD_MAX = 136, TRACE_HEP_CALL_ID_MAX = 1024, TRACE_HEP_MAX = 65507 };

/* Appends one packet; `out` has room for TRACE_HEP_HEAD_MAX + call_id.len + bytes.len, or for TRACE_HEP_MAX.  `agent` is
 * the capture agent's id, `call_id` the correlation id.  A message that does not fit into a datagram is cut: false. */
bool trace_hep_encode(const struct trace_message *message, uint32_t agent, struct span call_id, struct buffer *out);
