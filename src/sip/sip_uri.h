/* SPDX-License-Identifier: Apache-2.0 */
/* SIP, SIPS and tel URIs (RFC 3261 19.1, RFC 3966); any other scheme is kept as text.  Spans borrow the input. */
#pragma once

#include "sip/sip_param.h"
#include "util/buffer.h"

enum sip_scheme { SIP_SCHEME_OTHER, SIP_SCHEME_SIP, SIP_SCHEME_SIPS, SIP_SCHEME_TEL };

enum sip_host_kind { SIP_HOST_NONE, SIP_HOST_NAME, SIP_HOST_IPV4, SIP_HOST_IPV6 };

enum { SIP_URI_PARAMS_MAX = 32, SIP_URI_HEADERS_MAX = 32 };

struct sip_uri {
    struct span text;        /* all of it */
    struct span scheme_text; /* "sip" as written */
    struct span user;        /* still escaped; at == NULL: there is none.  tel: the number without parameters */
    struct span password;    /* still escaped; at == NULL: there is none */
    struct span host;        /* IPv6 without the brackets */
    struct span params;      /* from the first ';' (included), or empty; still escaped */
    struct span headers;     /* behind '?', or empty; still escaped */
    uint16_t port;           /* 0: not given */
    uint8_t scheme;          /* enum sip_scheme */
    uint8_t host_kind;       /* enum sip_host_kind */
};

/* `text` must be the URI and nothing else.  sip and sips are checked against the whole grammar, tel against RFC 3966;
 * of another scheme only the name is checked.  ERR_SYNTAX, over a cap too;
 * *out_uri then holds nothing of use.  *out_reason, when not NULL, is a
 * static text that says what was wrong; it is set on failure only. */
MUST_CHECK enum err sip_uri_parse(struct span text, struct sip_uri *out_uri, const char **out_reason);

/* Value of a URI parameter (still escaped), compared without case; at == NULL when missing or without a value. */
struct span sip_uri_param(const struct sip_uri *uri, struct span name);
bool sip_uri_has_param(const struct sip_uri *uri, struct span name);
/* Takes the next parameter off `rest`, which starts as uri->params.  False at the end. */
bool sip_uri_param_next(struct span *rest, struct sip_param *out_param);
/* Takes the next "name=value" off `rest`, which starts as uri->headers.  False at the end. */
bool sip_uri_header_next(struct span *rest, struct sip_param *out_header);

/* Equal by RFC 3261 19.1.4 (sip, sips), RFC 3966 4 (tel); bytes without case for other schemes. */
bool sip_uri_equal(const struct sip_uri *a, const struct sip_uri *b);

/* Replaces %HH by its byte (which may be NUL), once.  Over `cap`, or at a broken escape, false. */
bool sip_uri_unescape(struct span text, char *out, size_t cap, size_t *out_len);
/* Appends `text` as the user part of a URI: what the grammar does not allow there is escaped. */
void sip_uri_escape_user(struct buffer *out, struct span text);

/* Appends the form in which two URIs of one address-of-record are the same bytes (RFC 3261 10.3 step 5, 19.1.4):
 * scheme and host in lower case, user unescaped and escaped anew only where it must be, no password, parameters or
 * headers; the port is kept unless it is the scheme's own.  tel: digits only behind "tel:".  Other schemes: as they
 * are. */
void sip_uri_canonical(const struct sip_uri *uri, struct buffer *out);

/* What `host` (no brackets) is.  SIP_HOST_NONE when it is no host at all. */
enum sip_host_kind sip_host_kind_of(struct span host);
/* The 4 or 16 bytes of an address in text, network order; false when it is a name. */
bool sip_host_address(struct span host, enum sip_host_kind kind, unsigned char out_bytes[16]);
/* Appends the host as it stands in a URI: brackets around IPv6. */
void sip_host_add(struct buffer *out, struct span host, enum sip_host_kind kind);
