/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of header fields: id, full name, compact form (RFC 3261 7.3.3 and the IANA registry), and how values
 * may repeat.  How to add one is told in src/sip/README.md. */
#pragma once

#include "util/span.h"
#include <stdbool.h>
#include <stdint.h>

enum {
    SIP_HEADER_SINGLE = 1, /* decides something: twice in a message is ambiguous, and refused */
    SIP_HEADER_FIRST = 8,  /* should stand once, and is harmless: where it is repeated, the first one counts */
    SIP_HEADER_LIST = 2,   /* comma-separated values; several fields are one list (RFC 3261 7.3.1) */
    SIP_HEADER_REPEAT = 4  /* several fields, but commas do not separate (Authorization and its kin) */
};

/* X(id, name, compact form or 0, kind) */
#define SIP_HEADER_TABLE(X)                                                                                            \
    X(ACCEPT, "Accept", 0, SIP_HEADER_LIST)                                                                            \
    X(ACCEPT_CONTACT, "Accept-Contact", 'a', SIP_HEADER_LIST)                                                          \
    X(ACCEPT_ENCODING, "Accept-Encoding", 0, SIP_HEADER_LIST)                                                          \
    X(ACCEPT_LANGUAGE, "Accept-Language", 0, SIP_HEADER_LIST)                                                          \
    X(ALERT_INFO, "Alert-Info", 0, SIP_HEADER_LIST)                                                                    \
    X(ALLOW, "Allow", 0, SIP_HEADER_LIST)                                                                              \
    X(ALLOW_EVENTS, "Allow-Events", 'u', SIP_HEADER_LIST)                                                              \
    X(AUTHENTICATION_INFO, "Authentication-Info", 0, SIP_HEADER_FIRST)                                                 \
    X(AUTHORIZATION, "Authorization", 0, SIP_HEADER_REPEAT)                                                            \
    X(CALL_ID, "Call-ID", 'i', SIP_HEADER_SINGLE)                                                                      \
    X(CALL_INFO, "Call-Info", 0, SIP_HEADER_LIST)                                                                      \
    X(CONTACT, "Contact", 'm', SIP_HEADER_LIST)                                                                        \
    X(CONTENT_DISPOSITION, "Content-Disposition", 0, SIP_HEADER_FIRST)                                                 \
    X(CONTENT_ENCODING, "Content-Encoding", 'e', SIP_HEADER_LIST)                                                      \
    X(CONTENT_LANGUAGE, "Content-Language", 0, SIP_HEADER_LIST)                                                        \
    X(CONTENT_LENGTH, "Content-Length", 'l', SIP_HEADER_SINGLE)                                                        \
    X(CONTENT_TYPE, "Content-Type", 'c', SIP_HEADER_SINGLE)                                                            \
    X(CSEQ, "CSeq", 0, SIP_HEADER_SINGLE)                                                                              \
    X(DATE, "Date", 0, SIP_HEADER_FIRST)                                                                               \
    X(DIVERSION, "Diversion", 0, SIP_HEADER_LIST)                                                                      \
    X(ERROR_INFO, "Error-Info", 0, SIP_HEADER_LIST)                                                                    \
    X(EVENT, "Event", 'o', SIP_HEADER_SINGLE)                                                                          \
    X(EXPIRES, "Expires", 0, SIP_HEADER_SINGLE)                                                                        \
    X(FLOW_TIMER, "Flow-Timer", 0, SIP_HEADER_FIRST)                                                                   \
    X(FROM, "From", 'f', SIP_HEADER_SINGLE)                                                                            \
    X(HISTORY_INFO, "History-Info", 0, SIP_HEADER_LIST)                                                                \
    X(IDENTITY, "Identity", 'y', SIP_HEADER_LIST)                                                                      \
    X(IN_REPLY_TO, "In-Reply-To", 0, SIP_HEADER_LIST)                                                                  \
    X(JOIN, "Join", 0, SIP_HEADER_SINGLE)                                                                              \
    X(MAX_BREADTH, "Max-Breadth", 0, SIP_HEADER_SINGLE)                                                                \
    X(MAX_FORWARDS, "Max-Forwards", 0, SIP_HEADER_SINGLE)                                                              \
    X(MIME_VERSION, "MIME-Version", 0, SIP_HEADER_FIRST)                                                               \
    X(MIN_EXPIRES, "Min-Expires", 0, SIP_HEADER_FIRST)                                                                 \
    X(MIN_SE, "Min-SE", 0, SIP_HEADER_SINGLE)                                                                          \
    X(ORGANIZATION, "Organization", 0, SIP_HEADER_FIRST)                                                               \
    X(P_ASSERTED_IDENTITY, "P-Asserted-Identity", 0, SIP_HEADER_LIST)                                                  \
    X(P_PREFERRED_IDENTITY, "P-Preferred-Identity", 0, SIP_HEADER_LIST)                                                \
    X(PATH, "Path", 0, SIP_HEADER_LIST)                                                                                \
    X(PRIORITY, "Priority", 0, SIP_HEADER_FIRST)                                                                       \
    X(PRIVACY, "Privacy", 0, SIP_HEADER_FIRST)                                                                         \
    X(PROXY_AUTHENTICATE, "Proxy-Authenticate", 0, SIP_HEADER_REPEAT)                                                  \
    X(PROXY_AUTHORIZATION, "Proxy-Authorization", 0, SIP_HEADER_REPEAT)                                                \
    X(PROXY_REQUIRE, "Proxy-Require", 0, SIP_HEADER_LIST)                                                              \
    X(RACK, "RAck", 0, SIP_HEADER_SINGLE)                                                                              \
    X(REASON, "Reason", 0, SIP_HEADER_LIST)                                                                            \
    X(RECORD_ROUTE, "Record-Route", 0, SIP_HEADER_LIST)                                                                \
    X(REFER_TO, "Refer-To", 'r', SIP_HEADER_SINGLE)                                                                    \
    X(REFER_SUB, "Refer-Sub", 0, SIP_HEADER_SINGLE)                                                                    \
    X(REFERRED_BY, "Referred-By", 'b', SIP_HEADER_SINGLE)                                                              \
    X(REJECT_CONTACT, "Reject-Contact", 'j', SIP_HEADER_LIST)                                                          \
    X(REPLACES, "Replaces", 0, SIP_HEADER_SINGLE)                                                                      \
    X(REPLY_TO, "Reply-To", 0, SIP_HEADER_FIRST)                                                                       \
    X(REQUEST_DISPOSITION, "Request-Disposition", 'd', SIP_HEADER_LIST)                                                \
    X(REQUIRE, "Require", 0, SIP_HEADER_LIST)                                                                          \
    X(RETRY_AFTER, "Retry-After", 0, SIP_HEADER_FIRST)                                                                 \
    X(ROUTE, "Route", 0, SIP_HEADER_LIST)                                                                              \
    X(RSEQ, "RSeq", 0, SIP_HEADER_SINGLE)                                                                              \
    X(SERVER, "Server", 0, SIP_HEADER_FIRST)                                                                           \
    X(SERVICE_ROUTE, "Service-Route", 0, SIP_HEADER_LIST)                                                              \
    X(SESSION_EXPIRES, "Session-Expires", 'x', SIP_HEADER_SINGLE)                                                      \
    X(SIP_ETAG, "SIP-ETag", 0, SIP_HEADER_SINGLE)                                                                      \
    X(SIP_IF_MATCH, "SIP-If-Match", 0, SIP_HEADER_SINGLE)                                                              \
    X(SUBJECT, "Subject", 's', SIP_HEADER_FIRST)                                                                       \
    X(SUBSCRIPTION_STATE, "Subscription-State", 0, SIP_HEADER_SINGLE)                                                  \
    X(SUPPORTED, "Supported", 'k', SIP_HEADER_LIST)                                                                    \
    X(TIMESTAMP, "Timestamp", 0, SIP_HEADER_FIRST)                                                                     \
    X(TO, "To", 't', SIP_HEADER_SINGLE)                                                                                \
    X(UNSUPPORTED, "Unsupported", 0, SIP_HEADER_LIST)                                                                  \
    X(USER_AGENT, "User-Agent", 0, SIP_HEADER_FIRST)                                                                   \
    X(VIA, "Via", 'v', SIP_HEADER_LIST)                                                                                \
    X(WARNING, "Warning", 0, SIP_HEADER_LIST)                                                                          \
    X(WWW_AUTHENTICATE, "WWW-Authenticate", 0, SIP_HEADER_REPEAT)

enum sip_header_id {
    SIP_HEADER_OTHER, /* not in the table: found by its name */
#define X(id, name, compact, kind) SIP_HEADER_##id,
    SIP_HEADER_TABLE(X)
#undef X
        SIP_HEADER_COUNT
};

enum { SIP_HEADER_NONE = 0xff }; /* ends a chain of sip_header.next and sip_message.first */

/* One header field of a message.  `value` is trimmed but raw: it may hold folds (CR LF followed by SP or HTAB), which
 * the typed parsers skip as white space; sip_text_unfold makes a clean copy. */
struct sip_header {
    struct span name; /* as it was written */
    struct span value;
    uint8_t id;   /* enum sip_header_id */
    uint8_t next; /* index of the next field with this id, or SIP_HEADER_NONE */
    bool unclean; /* `value` holds a fold or, in a refused message, a control byte: copy it by sip_text_unfold */
};

/* By full name or compact form, in any case; SIP_HEADER_OTHER when it is not in the table. */
enum sip_header_id sip_header_find(struct span name);
/* "Call-ID"; "" for SIP_HEADER_OTHER. */
struct span sip_header_name(enum sip_header_id id);
/* "Call-ID: ", as a line begins. */
struct span sip_header_lead(enum sip_header_id id);
/* 'i' for Call-ID; 0 where there is none. */
char sip_header_compact(enum sip_header_id id);
/* SIP_HEADER_SINGLE, _FIRST, _LIST or _REPEAT; SIP_HEADER_REPEAT for SIP_HEADER_OTHER. */
unsigned sip_header_kind(enum sip_header_id id);
/* What makes a message work rather than says something: routing, dialog, framing, authentication, negotiation.  A stack
 * writes these itself. */
bool sip_header_is_machinery(enum sip_header_id id);
