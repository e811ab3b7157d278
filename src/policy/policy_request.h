/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy may know about a request: a view that the engine fills before each decision.  Everything is borrowed for
 * the time of that decision; nothing here is formatted or looked up before a script asks for it. */
#pragma once

#include "util/span.h"

struct sip_message;

/* Where the request came from.  The address is binary: its text is made only when a script reads `req.source.ip`. */
struct policy_peer {
    unsigned char family;      /* 4 or 6; 0: unknown (req.source.ip is nil) */
    unsigned char address[16]; /* network order; the first four bytes for family 4 */
    uint16_t port;
    const char *transport;    /* "udp", "tcp", "tls", "ws", "wss"; NULL is "udp" */
    bool trusted;             /* in the configuration's `trusted` list */
    struct span identity;     /* who the peer is: the first of `names`; without any, whom a trusted source asserts
                              (P-Asserted-Identity); may be empty */
    const struct span *names; /* domains in the peer's verified certificate (RFC 5922); borrowed */
    unsigned name_count;
};

/* Whom the request is for (design section 2): the Request-URI's user, REGISTER the To's AOR, normalised. */
struct policy_target {
    struct span user;   /* unescaped; empty when there is none */
    struct span host;   /* lower case, after `aliases`; the default domain for our own addresses */
    struct span number; /* E.164 with its "+", or empty when the user is not a number */
    uint16_t instead;   /* of an acceptance: 404 or 480, a GRUU that leads to no phone (RFC 5627 6.1); 0: nothing */
};

struct policy_request {
    const struct sip_message *message; /* parsed, with a usable From, To, Call-ID and CSeq */
    struct policy_peer source;
    struct policy_target target;
    struct span authenticated_as; /* what a test says; empty: the host's `credentials` are asked */
    bool in_dialog;
};

/* What the events are told about a call, or about a message. */
struct policy_call {
    struct span id, method;      /* Call-ID, and what it began with */
    struct span from, to;        /* the URIs in these headers */
    struct span target;          /* "sip:user@host" */
    int code;                    /* the final answer */
    struct span reason;          /* POLICY_ON_CALL_END: why it ended, a word; else at == NULL */
    struct span body, body_type; /* POLICY_ON_MESSAGE; else at == NULL */
    struct policy_peer source;
    uint64_t age_ms; /* since the final answer was first sent; POLICY_ON_CALL_END: since the INVITE */
};

/* The last one is asked, see policy_in_call(). */
enum policy_event {
    POLICY_ON_ACK_MISSING,
    POLICY_ON_CALL_START,
    POLICY_ON_CALL_END,
    POLICY_ON_MESSAGE,
    POLICY_ON_REQUEST,
    POLICY_EVENT_COUNT
};

/* "on_ack_missing", "on_call_start", "on_call_end", "on_message", "on_request": as a policy names its handler. */
const char *policy_event_name(enum policy_event event);

/* States of the directory; NONE says that there is no record. */
enum policy_state {
    POLICY_STATE_NONE,
    POLICY_STATE_ACTIVE,
    POLICY_STATE_SUSPENDED,
    POLICY_STATE_MOVED,
    POLICY_STATE_GONE,
    POLICY_STATE_COUNT
};

/* "none", "active", "suspended", "moved", "gone". */
const char *policy_state_name(enum policy_state state);

/* The directory's entry for the target, as the host hands it over. */
struct policy_record {
    enum policy_state state;
    const char *kind;       /* "account", "number", "range" or "domain"; NULL: unknown */
    struct span key;        /* as it stands in the directory */
    struct span forward;    /* MOVED: the forwarding address, a URI */
    int64_t since_s;        /* Unix seconds of the last change of state; 0: unknown */
    int64_t reassign_after; /* GONE: Unix seconds from which the number may be reassigned; 0: not said */
    int cause;              /* Q.850; 0: not said */
    struct span by;         /* who made the change */
};
