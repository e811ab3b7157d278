/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share and nobody else sees (tests excepted). */
#pragma once

#include "sip/sip_param.h"
#include "sip/sip_text.h"

/* Takes a parameter at *at, where only white space may come before its ';'.  ERR_NOT_FOUND (and *at untouched) when
 * something else stands there, which is the caller's to judge: a comma, the end, garbage. */
MUST_CHECK enum err sip_param_take(const char **at, const char *end, struct sip_param *out_param);

/* Compares without case, where `name` holds no capitals. */
static inline bool sip_span_is_lower(struct span text, const char *name, size_t len)
{
    if (text.len != len)
        return false;
    for (size_t at = 0; at < len; at++)
        if (text.at[at] != name[at] && ((text.at[at] | 0x20) != name[at] || !sip_text_is(text.at[at], SIP_TEXT_ALPHA)))
            return false;
    return true;
}
#define SIP_IS(text, literal) sip_span_is_lower((text), (literal), sizeof(literal) - 1)

/* The first byte from `at` on that is a control byte other than HTAB, or `end`.  The plain one is the definition, the
 * other one reads sixteen bytes at once where the machine can. */
const char *sip_scan_control_plain(const char *at, const char *end);
const char *sip_scan_control(const char *at, const char *end);

/* What can stand behind '@' in a URI and in a Via's sent-by: host [":" port].  Sets *at behind it. */
struct sip_hostport {
    struct span host; /* no brackets */
    uint16_t port;    /* 0: none */
    uint8_t kind;     /* enum sip_host_kind */
};
/* `blanks`: white space may stand around the colon (Via).  NULL on success, else what is wrong. */
const char *sip_hostport_take(const char **at, const char *end, bool blanks, struct sip_hostport *out_hostport);
