/* SPDX-License-Identifier: Apache-2.0 */
/* Finds where messages end in a stream (RFC 3261 18.3, keep-alives of RFC 5626 3.5.1, 5.4).  Content-Length is
 * mandatory there; a stream that loses its framing cannot be mended and is closed. */
#pragma once

#include "sip/sip_message.h"

enum sip_stream_kind {
    SIP_STREAM_MORE,    /* nothing whole yet */
    SIP_STREAM_MESSAGE, /* `len` bytes are one message, for sip_message_parse with SIP_STREAM */
    SIP_STREAM_PING,    /* CRLFCRLF: answer with CRLF; `len` is 4 */
    SIP_STREAM_SKIP,    /* a single CRLF, a pong: nothing to answer; `len` is 2 */
    SIP_STREAM_STUN,    /* a STUN message of `len` bytes (RFC 5626 4.4.2; seen on streams by mistake) */
    SIP_STREAM_ERROR    /* the framing is lost: answer problem.code if it can be (see sip_stream_frame), then close */
};

struct sip_stream_frame {
    enum sip_stream_kind kind;
    size_t len; /* bytes to take; with SIP_STREAM_ERROR the header's length, or all there is */
    struct sip_problem problem;
};

/* Kept per connection so that bytes are looked at once, however they trickle in; zero it when the connection starts
 * and whenever the front of the buffer was taken. */
struct sip_stream_state {
    size_t scanned; /* bytes known to hold no end of header */
    size_t need;    /* whole length once the header is complete, else 0 */
};

/* `bytes` is everything buffered.  `max` caps one message (513 in the problem's code).  Looks at each byte a bounded
 * number of times over all calls for one message. */
struct sip_stream_frame sip_stream_frame(struct sip_stream_state *state, struct span bytes, size_t max);
