/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of several parts (RFC 2046 5.1, RFC 5621): walk the parts, find the session description. */
#pragma once

#include "sip/sip_message.h"

enum { SIP_MULTIPART_PARTS_MAX = 32, SIP_MULTIPART_DEPTH_MAX = 4 };

struct sip_part {
    struct span headers; /* raw, may be empty */
    struct span body;
    struct span content_type; /* value; empty means text/plain */
    struct span content_id;
    struct span disposition;
};

struct sip_multipart {
    struct span rest;
    struct span boundary; /* unquoted */
    unsigned parts;
    bool closed; /* the closing delimiter was met */
};

/* `content_type` is the header's value with its boundary parameter.  ERR_INVALID when it is not multipart/...,
 * ERR_SYNTAX without a usable boundary or a first delimiter. */
MUST_CHECK enum err sip_multipart_begin(struct span body, struct span content_type, struct sip_multipart *out_walk);
/* ERR_NOT_FOUND behind the last part, ERR_SYNTAX where the closing delimiter is missing, ERR_FULL over the cap. */
MUST_CHECK enum err sip_multipart_next(struct sip_multipart *walk, struct sip_part *out_part);

/* The part of this type anywhere in the message's body: the body itself, or inside multipart/mixed, related or
 * alternative (nested up to the cap).  ERR_NOT_FOUND; ERR_SYNTAX when a multipart is broken before it is found. */
MUST_CHECK enum err sip_multipart_find(const struct sip_message *message, struct span type, struct span subtype,
                                       struct span *out_body);
/* sip_multipart_find for application/sdp.  ERR_NOT_FOUND also for a coded body: nobody here can look into it. */
MUST_CHECK enum err sip_multipart_sdp(const struct sip_message *message, struct span *out_sdp);
/* Whether a Content-Encoding hides what the body holds (RFC 3261 20.12). */
bool sip_multipart_is_coded(const struct sip_message *message);
/* Whether the body as a whole may be left unread: its Content-Disposition says handling=optional (RFC 3261 20.11). */
bool sip_multipart_is_optional(const struct sip_message *message);
