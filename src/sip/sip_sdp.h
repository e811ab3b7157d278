/* SPDX-License-Identifier: Apache-2.0 */
/* Session descriptions (RFC 8866): what offer and answer need, as spans into the body. */
#pragma once

#include "util/err.h"
#include "util/span.h"

enum { SIP_SDP_MEDIA_MAX = 32, SIP_SDP_LINES_MAX = 1024, SIP_SDP_FORMATS_MAX = 64 };

enum sip_sdp_direction { SIP_SDP_SENDRECV, SIP_SDP_SENDONLY, SIP_SDP_RECVONLY, SIP_SDP_INACTIVE };

/* c= */
struct sip_sdp_connection {
    struct span address; /* at == NULL: none; "224.2.1.1/127" without what follows '/' */
    bool is_ipv6;
};

struct sip_sdp_media {
    struct span type;    /* "audio" */
    struct span proto;   /* "RTP/AVP" */
    struct span formats; /* "0 8 101" */
    struct span lines;   /* all lines of this section behind m=, with their line ends */
    struct sip_sdp_connection connection;
    uint16_t port; /* 0: rejected or disabled */
    uint16_t port_count;
    uint8_t direction; /* enum sip_sdp_direction; the session's when the section has none */
};

struct sip_sdp {
    struct span text;
    struct span username, session_id, session_version, origin_address; /* o= */
    bool origin_is_ipv6;
    struct span name;   /* s= */
    struct span timing; /* value of the first t= */
    struct span lines;  /* the session's own lines */
    struct sip_sdp_connection connection;
    uint8_t direction;
    unsigned media_count;
    struct sip_sdp_media media[SIP_SDP_MEDIA_MAX];
};

/* CR LF or LF end a line (RFC 8866 5); unknown attributes and line types are skipped, as 8866 asks.
 * ERR_SYNTAX, over a cap too, with *out_reason (static text, may be NULL); *out_sdp then holds nothing of use. */
MUST_CHECK enum err sip_sdp_parse(struct span body, struct sip_sdp *out_sdp, const char **out_reason);

/* Takes the next line's type and value off `rest`.  False at the end. */
bool sip_sdp_line_next(struct span *rest, char *out_type, struct span *out_value);
/* Value of attribute `name` among `lines`; at == NULL when missing, empty when a property. */
struct span sip_sdp_attribute(struct span lines, struct span name);
/* Takes the next format off `rest` (a copy of media->formats).  False at the end. */
bool sip_sdp_format_next(struct span *rest, struct span *out_format);
/* "PCMU/8000" for a payload type, by a=rtpmap; at == NULL when there is none. */
struct span sip_sdp_rtpmap(const struct sip_sdp_media *media, struct span format);
struct span sip_sdp_direction_text(enum sip_sdp_direction direction);
