/* SPDX-License-Identifier: Apache-2.0 */
/* Typed views of small header values, read on demand: numbers, tokens with parameters, media types. */
#pragma once

#include "sip/sip_method.h"
#include "sip/sip_param.h"

struct sip_message;

/* delta-seconds; over 2^32-1 is 2^32-1 (RFC 3261 25.1 caps it there for the reader).  ERR_SYNTAX otherwise. */
MUST_CHECK enum err sip_value_seconds(struct span value, uint32_t *out_seconds);
/* 1*DIGIT that fits into 32 bits, else ERR_SYNTAX. */
MUST_CHECK enum err sip_value_u32(struct span value, uint32_t *out_number);
/* CSeq: 1*DIGIT LWS Method; RFC 3261 8.1.1.5 allows numbers under 2^31, and we read up to 2^32-1 as 20.16 says. */
MUST_CHECK enum err sip_value_cseq(struct span value, uint32_t *out_number, struct span *out_method);

/* "token *(SEMI param)": Event, Subscription-State, Content-Disposition, Reason, ... */
struct sip_value {
    struct span token;
    struct span params;
};
MUST_CHECK enum err sip_value_token(struct span value, struct sip_value *out_value);

/* Session-Expires: delta-seconds with parameters (RFC 4028). */
MUST_CHECK enum err sip_value_session_expires(struct span value, uint32_t *out_seconds, struct span *out_refresher);

/* Content-Type and one Accept range: type "/" subtype *(SEMI param). */
struct sip_media_type {
    struct span type, subtype;
    struct span params;
};
MUST_CHECK enum err sip_value_media_type(struct span value, struct sip_media_type *out_type);
bool sip_media_type_is(const struct sip_media_type *media, struct span type, struct span subtype);
/* Whether an Accept header (all its fields) admits this type; no Accept header admits application/sdp alone, an
 * empty one admits nothing (RFC 3261 20.1).  A range with q=0 excludes. */
bool sip_value_accepts(const struct sip_message *message, struct span type, struct span subtype);

/* RAck: response-num LWS CSeq-num LWS Method (RFC 3262). */
MUST_CHECK enum err sip_value_rack(struct span value, uint32_t *out_rseq, uint32_t *out_cseq, struct span *out_method);

/* Replaces: Call-ID *(SEMI param) with both tags (RFC 3891). */
struct sip_replaces {
    struct span call_id, to_tag, from_tag;
    bool early_only;
};
MUST_CHECK enum err sip_value_replaces(struct span value, struct sip_replaces *out_replaces);

/* q of Contact and Accept in thousandths (RFC 3261 25.1 qvalue); 1000 for an empty span. */
MUST_CHECK enum err sip_value_q(struct span value, unsigned *out_thousandths);
