/* SPDX-License-Identifier: Apache-2.0 */
/* One Via value (RFC 3261 20.42, RFC 3581).  Spans borrow the input. */
#pragma once

#include "sip/sip_uri.h"

enum sip_transport {
    SIP_TRANSPORT_OTHER,
    SIP_TRANSPORT_UDP,
    SIP_TRANSPORT_TCP,
    SIP_TRANSPORT_TLS,
    SIP_TRANSPORT_SCTP,
    SIP_TRANSPORT_WS,
    SIP_TRANSPORT_WSS,
    SIP_TRANSPORT_COUNT
};

struct sip_via {
    struct span text; /* this value alone, without commas around it */
    struct span transport_text;
    struct span host;     /* sent-by; IPv6 without brackets */
    struct span params;   /* from the first ';' or empty */
    struct span branch;   /* at == NULL: RFC 2543 */
    struct span received; /* as the peer wrote it, which proves nothing */
    struct span maddr;
    struct span rport_text;    /* the whole parameter, "rport" or "rport=5060"; for replacing it in a response */
    struct span received_text; /* the same of received */
    uint16_t port;             /* 0: not given */
    uint16_t rport;            /* value of rport, 0 when it has none */
    uint8_t transport;
    uint8_t host_kind;
    uint8_t ip4[4]; /* of SIP_HOST_IPV4 */
    uint8_t ttl;
    bool has_rport;
    bool has_cookie; /* the branch starts with z9hG4bK and says more: RFC 3261 matching holds */
    bool whole;      /* read to its end without a mistake */
    bool usable;     /* protocol and sent-by were read: a response can be sent even if a parameter is broken */
};

/* Takes the next value off a Via field; `rest` starts as the header's value.  ERR_NOT_FOUND at the end.  On ERR_SYNTAX
 * *out_via still holds what was read before (see usable), and *out_reason says what was wrong. */
MUST_CHECK enum err sip_via_next(struct span *rest, struct sip_via *out_via, const char **out_reason);

/* "UDP", in capitals; "" for SIP_TRANSPORT_OTHER. */
struct span sip_transport_text(enum sip_transport transport);
/* In any case. */
enum sip_transport sip_transport_find(struct span text);
