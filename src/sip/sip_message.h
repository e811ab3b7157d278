/* SPDX-License-Identifier: Apache-2.0 */
/* A parsed message: spans into the caller's bytes, nothing copied and nothing allocated.  The struct is reused for one
 * message after another (about 8 KiB, keep one a worker); it is valid as long as the bytes are.  RFC 3261 7, 20, 25. */
#pragma once

#include "sip/sip_header.h"
#include "sip/sip_method.h"
#include "sip/sip_uri.h"
#include "sip/sip_via.h"
#include "util/buffer.h"

enum {
    SIP_HEADERS_MAX = 160, /* fields a message */
    SIP_VIAS_MAX = 80,     /* Via fields a message; more is a loop that Max-Forwards should have ended */
    SIP_ROUTES_MAX = 64,   /* values of Route, or of Record-Route, or of Contact */
    SIP_MESSAGE_MAX = 65535
};

/* Where the bytes came from decides what Content-Length means (RFC 3261 18.3). */
enum sip_framing { SIP_DATAGRAM, SIP_STREAM };

/* name-addr or addr-spec with header parameters; see sip_address.h. */
struct sip_address {
    struct span text;    /* this value alone */
    struct span display; /* raw: with quotes and escapes when quoted; empty when missing */
    struct sip_uri uri;
    struct span params; /* header parameters from the first ';', or empty */
    struct span tag;    /* at == NULL: none */
    bool bracketed;
    bool star; /* "*" */
};

/* Why a message was refused.  `code` is the status to answer with when the message is answerable: 400, 501 (an unknown
 * method whose CSeq names another; Allow is the caller's to add), 505.  The texts are static. */
struct sip_problem {
    int code;           /* 0: say nothing */
    const char *where;  /* "To", "Request-URI", "request line", ... */
    const char *reason; /* what is wrong there */
    size_t offset;      /* bytes from the start of the message */
};

/* Appends "To: a quoted string is not closed": a reason phrase for the answer. */
void sip_problem_add(struct buffer *out, const struct sip_problem *problem);

struct sip_message {
    struct span bytes; /* start line up to the end of the body; trailing bytes of a datagram are cut off */
    struct span start_line;
    struct span method_text; /* request */
    struct span uri_text;    /* request */
    struct sip_uri uri;      /* request */
    struct span reason;      /* response */
    struct sip_via via;      /* the topmost */
    struct sip_address from;
    struct sip_address to;
    struct sip_address contact; /* the first one; text.at == NULL: none */
    struct span call_id;
    struct span cseq_method_text;
    struct span body;
    size_t trailing; /* bytes behind the body that were discarded (datagram) */
    uint32_t cseq;
    uint32_t content_length; /* as given, or the body's length */
    int max_forwards;        /* -1: not given */
    uint16_t status;         /* response */
    uint8_t method;          /* enum sip_method; SIP_METHOD_OTHER in a response */
    uint8_t cseq_method;     /* enum sip_method */
    bool is_request;
    bool has_content_length;
    bool answerable; /* a response can be built and sent: a request, not ACK, with Via, From, To, Call-ID and CSeq */
    uint8_t header_count;
    uint8_t via_count;               /* Via fields, not values */
    uint8_t first[SIP_HEADER_COUNT]; /* index of the first field with this id, or SIP_HEADER_NONE */
    uint8_t last[SIP_HEADER_COUNT];  /* valid where `first` is */
    struct sip_header headers[SIP_HEADERS_MAX];
};

/* Parses one message.  `bytes` starts with the start line (leading CRLFs belong to the transport; a few are skipped
 * here, RFC 3261 7.5) and, for a stream, ends with the body.
 * On failure *out_problem says why, and `out` holds what was read so far: when out->answerable, sip_reply_begin works
 * on it.  ERR_SYNTAX: malformed or ambiguous; ERR_FULL: over a cap; ERR_UNSUPPORTED: another SIP version (505);
 * ERR_INVALID: no SIP at all (empty, CRLF, NUL or STUN bytes, noise), where nothing is to be said. */
MUST_CHECK enum err sip_message_parse(struct sip_message *out, struct span bytes, enum sip_framing framing,
                                      struct sip_problem *out_problem);

/* The first field with this id, or NULL. */
static inline const struct sip_header *sip_message_header(const struct sip_message *message, enum sip_header_id id)
{
    uint8_t at = message->first[id];
    return at == SIP_HEADER_NONE ? NULL : &message->headers[at];
}
/* The next field with the same id, or NULL. */
static inline const struct sip_header *sip_message_header_next(const struct sip_message *message,
                                                               const struct sip_header *header)
{
    return header->next == SIP_HEADER_NONE ? NULL : &message->headers[header->next];
}
static inline bool sip_message_has(const struct sip_message *message, enum sip_header_id id)
{
    return message->first[id] != SIP_HEADER_NONE;
}
/* Value of the first field with this id; at == NULL when there is none.  Raw: it may hold folds. */
static inline struct span sip_message_value(const struct sip_message *message, enum sip_header_id id)
{
    const struct sip_header *header = sip_message_header(message, id);
    return header ? header->value : (struct span){NULL, 0};
}
/* By name, full or compact, in any case, whether the table knows it or not; the first one, or NULL.  For the next one
 * of an unknown name, go on from `after` (NULL: from the start). */
const struct sip_header *sip_message_find(const struct sip_message *message, struct span name,
                                          const struct sip_header *after);
/* Whether a list header of this id holds `token` (in any case): Require, Supported, Allow, ... */
bool sip_message_has_token(const struct sip_message *message, enum sip_header_id id, struct span token);

/* Finds the Call-ID value in raw bytes without parsing them, for steering: empty when there is none.  On every input
 * that sip_message_parse accepts it gives the same span as message.call_id. */
struct span sip_call_id_scan(struct span bytes);
/* Finds the value of the first field of this id in raw bytes, likewise; at == NULL when there is none.  On every input
 * that sip_message_parse accepts it gives the same bytes as sip_message_value.  `id` is one of the table's. */
struct span sip_field_scan(struct span bytes, enum sip_header_id id);
