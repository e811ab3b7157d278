/* SPDX-License-Identifier: Apache-2.0 */
/* Via values: protocol, sent-by, and the parameters that route the response. */
#include "sip/sip_via.h"

#include "sip/sip_priv.h"

static const struct span transports[SIP_TRANSPORT_COUNT] = {
    [SIP_TRANSPORT_OTHER] = {"", 0},  [SIP_TRANSPORT_UDP] = {"UDP", 3},   [SIP_TRANSPORT_TCP] = {"TCP", 3},
    [SIP_TRANSPORT_TLS] = {"TLS", 3}, [SIP_TRANSPORT_SCTP] = {"SCTP", 4}, [SIP_TRANSPORT_WS] = {"WS", 2},
    [SIP_TRANSPORT_WSS] = {"WSS", 3},
};

struct span sip_transport_text(enum sip_transport transport)
{
    return transports[transport];
}

enum sip_transport sip_transport_find(struct span text)
{
    for (unsigned transport = SIP_TRANSPORT_OTHER + 1; transport < SIP_TRANSPORT_COUNT; transport++)
        if (span_equal(text, transports[transport]) || span_equal_nocase(text, transports[transport]))
            return (enum sip_transport)transport;
    return SIP_TRANSPORT_OTHER;
}

/* A token and the white space behind it. */
static bool take_token(const char **at, const char *end, struct span *out_token)
{
    size_t len = sip_text_run(*at, end, SIP_TEXT_TOKEN);
    *out_token = span_make(*at, len);
    *at = sip_text_skip(*at + len, end);
    return len > 0;
}

static bool take_slash(const char **at, const char *end)
{
    if (*at == end || **at != '/')
        return false;
    *at = sip_text_skip(*at + 1, end);
    return true;
}

/* sent-protocol: what comes before the transport is not judged; a version that we do not speak is for the start line
 * to tell, and its answer (505) needs this Via. */
static const char *take_protocol(const char **at, const char *end, struct sip_via *via)
{
    struct span name, version;
    if (end - *at > 8 && memcmp(*at, "SIP/2.0/", 8) == 0)
        *at += 8;
    else if (!take_token(at, end, &name) || !take_slash(at, end) || !take_token(at, end, &version) ||
             !take_slash(at, end))
        return "it does not start with SIP/2.0/";
    const char *from = *at;
    if (!take_token(at, end, &via->transport_text))
        return "the transport is missing";
    if (*at == from + via->transport_text.len)
        return "no space between transport and sent-by";
    via->transport = (uint8_t)sip_transport_find(via->transport_text);
    return NULL;
}

static bool take_number(struct span value, unsigned max, unsigned *out_number)
{
    uint32_t number;
    if (!span_to_u32(value, &number) || number > max)
        return false;
    *out_number = number;
    return true;
}

enum { SEEN_BRANCH = 1, SEEN_RPORT = 2, SEEN_RECEIVED = 4, SEEN_MADDR = 8, SEEN_TTL = 16 };

/* One parameter's part in `via`, which ends at `end`; `seen` has the bits of those that were there before. */
static const char *note_param(struct sip_via *via, const struct sip_param *param, const char *end, unsigned *seen)
{
    unsigned bit = 0, number = 0;
    struct span whole = span_make(param->name.at, (size_t)(end - param->name.at));
    if (SIP_IS(param->name, "branch")) {
        bit = SEEN_BRANCH;
        via->branch = param->value;
        if (!param->has_value || param->quoted)
            return "branch has no token as its value";
    } else if (SIP_IS(param->name, "rport")) {
        bit = SEEN_RPORT;
        via->rport_text = whole;
        via->has_rport = true;
        if (param->has_value && !take_number(param->value, 65535, &number))
            return "rport is no port";
        via->rport = (uint16_t)number;
    } else if (SIP_IS(param->name, "received")) {
        bit = SEEN_RECEIVED;
        via->received_text = whole;
        via->received = param->value;
    } else if (SIP_IS(param->name, "maddr")) {
        bit = SEEN_MADDR;
        via->maddr = param->value;
    } else if (SIP_IS(param->name, "ttl")) {
        bit = SEEN_TTL;
        if (!param->has_value || !take_number(param->value, 255, &number))
            return "ttl is no number up to 255";
        via->ttl = (uint8_t)number;
    }
    if (*seen & bit)
        return "a parameter stands twice";
    *seen |= bit;
    return NULL;
}

static const char *take_params(const char **at, const char *end, struct sip_via *via)
{
    unsigned seen = 0;
    struct sip_param param;
    const char *from = sip_text_skip(*at, end);
    for (unsigned count = 0; count <= SIP_PARAMS_MAX; count++) {
        enum err err = sip_param_take(at, end, &param);
        if (err == ERR_NOT_FOUND) {
            if (count)
                via->params = span_make(from, (size_t)(*at - from));
            return NULL;
        }
        if (err != OK)
            return "a parameter is malformed";
        const char *wrong = note_param(via, &param, *at, &seen);
        if (wrong)
            return wrong;
    }
    return "more than 64 parameters";
}

/* RFC 3261 8.1.1.7.  The cookie alone would make all requests of such a sender one transaction (RFC 4475 3.2.1). */
static const char *judge_branch(struct sip_via *via)
{
    const struct span cookie = SPAN("z9hG4bK");
    if (via->branch.len < cookie.len || !span_equal_nocase(span_slice(via->branch, 0, cookie.len), cookie))
        return NULL;
    via->has_cookie = via->branch.len > cookie.len;
    return via->has_cookie ? NULL : "branch holds nothing behind its magic cookie";
}

static const char *take_via(const char **at, const char *end, struct sip_via *via)
{
    const char *wrong = take_protocol(at, end, via);
    if (wrong)
        return wrong;
    struct sip_hostport hostport;
    wrong = sip_hostport_take(at, end, true, &hostport);
    if (wrong)
        return wrong;
    via->host = hostport.host;
    via->host_kind = hostport.kind;
    memcpy(via->ip4, hostport.ip4, sizeof(via->ip4));
    via->port = hostport.port;
    via->usable = true;
    wrong = take_params(at, end, via);
    if (!wrong)
        wrong = judge_branch(via);
    return wrong;
}

enum err sip_via_next(struct span *rest, struct sip_via *out_via, const char **out_reason)
{
    const char *at = rest->at;
    const char *end = sip_text_end(*rest);
    at = sip_text_skip(at, end);
    if (at == end)
        return ERR_NOT_FOUND;
    const char *from = at;
    sip_clear(out_via, sizeof(*out_via));
    const char *wrong = take_via(&at, end, out_via);
    out_via->text = span_make(from, (size_t)(at - from));
    at = sip_text_skip(at, end);
    if (!wrong && at < end) {
        if (*at != ',')
            wrong = "neither a parameter nor a comma follows";
        else if ((at = sip_text_skip(at + 1, end)) == end)
            wrong = "nothing follows a comma";
    }
    if (wrong) {
        if (out_reason)
            *out_reason = wrong;
        return ERR_SYNTAX;
    }
    out_via->whole = true;
    *rest = span_make(at, (size_t)(end - at));
    return OK;
}
