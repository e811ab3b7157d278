/* SPDX-License-Identifier: Apache-2.0 */
/* Builds our own requests: BYE, NOTIFY, ACK, the probe's.  RFC 3261 8.1.1, 12.2.1.1. */
#pragma once

#include "sip/sip_message.h"
#include "util/buffer.h"

enum { SIP_REQUEST_ROUTES_MAX = SIP_ROUTES_MAX };

/* All of it is the caller's; values are checked as sip_reply_header does. */
struct sip_request {
    struct span method;
    struct span target;        /* remote target's URI, or the Request-URI of a request outside a dialog */
    struct span via_transport; /* "UDP" */
    struct span via_host;      /* as it stands in the header: brackets around IPv6 */
    uint16_t via_port;         /* 0: not written */
    bool via_rport;            /* adds ";rport" */
    bool via_alias;            /* adds ";alias": the connection may be used back (RFC 5923) */
    struct span branch;        /* with its magic cookie */
    struct span from;          /* whole values with their tags */
    struct span to;
    struct span call_id;
    uint32_t cseq;
    unsigned max_forwards;     /* 0: 70 */
    const struct span *routes; /* whole Route values in order of travel: "<sip:a;lr>" */
    size_t route_count;
};

/* Request line and the headers above.  A first route without ;lr is a strict router: its URI goes into the request
 * line (without what 19.1.1 forbids there) and the target behind the other routes. */
void sip_request_begin(struct buffer *out, const struct sip_request *request);
/* Further headers and the end: the same as for responses. */
void sip_request_header(struct buffer *out, struct span name, struct span value);
void sip_request_end(struct buffer *out, struct span content_type, struct span body);

/* Where the request goes first: the first route's URI, or the target (12.2.1.1, 8.1.2). */
struct span sip_request_next_hop(const struct sip_request *request);
