/* SPDX-License-Identifier: Apache-2.0 */
/* Session descriptions (RFC 8866): what offer and answer need, as spans into the body. */
#pragma once

#include "util/err.h"
#include "util/span.h"

enum { SDP_MEDIA_MAX = 32, SDP_LINES_MAX = 1024, SDP_FORMATS_MAX = 64 };

enum sdp_direction { SDP_SENDRECV, SDP_SENDONLY, SDP_RECVONLY, SDP_INACTIVE };

/* c= */
struct sdp_connection {
    struct span address; /* at == NULL: none; "224.2.1.1/127" without what follows '/' */
    bool is_ipv6;
};

struct sdp_media {
    struct span type;    /* "audio" */
    struct span proto;   /* "RTP/AVP" */
    struct span formats; /* "0 8 101" */
    struct span lines;   /* all lines of this section behind m=, with their line ends */
    struct sdp_connection connection;
    uint16_t port; /* 0: rejected or disabled */
    uint16_t port_count;
    uint8_t direction; /* enum sdp_direction; the session's when the section has none */
};

struct sdp {
    struct span text;
    struct span username, session_id, session_version, origin_address; /* o= */
    bool origin_is_ipv6;
    struct span name;   /* s= */
    struct span timing; /* value of the first t= */
    struct span lines;  /* the session's own lines */
    struct sdp_connection connection;
    uint8_t direction;
    unsigned media_count;
    struct sdp_media media[SDP_MEDIA_MAX];
};

/* CR LF or LF end a line, and unknown attributes are skipped (RFC 8866 5).  Lines of an unknown type are skipped too, where
 * 8866 wants the whole refused: nothing here hangs on one.
 * ERR_SYNTAX, or over a cap ERR_UNSUPPORTED, with *out_reason (static text, may be NULL); *out_sdp then holds nothing of
 * use. */
MUST_CHECK enum err sdp_parse(struct span body, struct sdp *out_sdp, const char **out_reason);

/* Takes the next line's type and value off `rest`.  False at the end. */
bool sdp_line_next(struct span *rest, char *out_type, struct span *out_value);
/* Value of attribute `name` among `lines`; at == NULL when missing, empty when a property. */
struct span sdp_attribute(struct span lines, struct span name);
/* Takes the next format off `rest` (a copy of media->formats).  False at the end. */
bool sdp_format_next(struct span *rest, struct span *out_format);
/* "PCMU/8000" for a payload type, by a=rtpmap; at == NULL when there is none. */
struct span sdp_rtpmap(const struct sdp_media *media, struct span format);
struct span sdp_direction_text(enum sdp_direction direction);
