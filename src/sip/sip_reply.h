/* SPDX-License-Identifier: Apache-2.0 */
/* Builds responses (RFC 3261 8.2.6) straight into a buffer.  A value that holds CR, LF, NUL or another control byte
 * makes the buffer overflow, so that no such response is ever sent; folded values of the request are copied unfolded.
 */
#pragma once

#include "sip/sip_message.h"
#include "util/buffer.h"

/* What RFC 3261 18.2.1 and RFC 3581 add to the topmost Via.  Zeroed: nothing. */
struct sip_reply_via {
    struct span received; /* IP address in text without brackets; empty: not added */
    uint16_t rport;       /* the source port; written only where the request asked by ;rport */
};

/* Status line, Vias in order, From, To (with ";tag=to_tag" where the request had none, `to_tag` is not empty, and the
 * code is not 100), Call-ID, CSeq, and Timestamp in a 100.  An empty `reason` means the usual phrase.  `request` may
 * be one that failed to parse but is answerable. */
void sip_reply_begin(struct buffer *out, const struct sip_message *request, unsigned code, struct span reason,
                     const struct sip_reply_via *via, struct span to_tag);
/* Copies all fields of this id: Record-Route in dialog-forming answers, ... */
void sip_reply_copy(struct buffer *out, const struct sip_message *request, enum sip_header_id id);
/* "Name: value".  The name must be a token. */
void sip_reply_header(struct buffer *out, struct span name, struct span value);
void sip_reply_header_u64(struct buffer *out, struct span name, uint64_t value);
/* Content-Type (where the body is not empty), Content-Length, the empty line and the body. */
void sip_reply_end(struct buffer *out, struct span content_type, struct span body);

/* "Gone" for 410; a class's phrase for codes that are not known, never empty. */
struct span sip_reply_phrase(unsigned code);
