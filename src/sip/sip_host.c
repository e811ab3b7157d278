/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts: names, IPv4 addresses, IPv6 references (RFC 3261 25.1, RFC 5118, RFC 5954). */
#include "sip/sip_priv.h"
#include "sip/sip_uri.h"

static inline unsigned digit_at(const char *at, const char *end)
{
    return at < end ? (unsigned char)*at - (unsigned)'0' : 10; /* over 9 where there is none */
}

/* One number up to 255 of at most three digits; the byte behind it, or NULL. */
static inline const char *octet_past(const char *at, const char *end, unsigned char *out)
{
    unsigned value = digit_at(at, end), digit;
    if (value > 9)
        return NULL;
    if ((digit = digit_at(++at, end)) <= 9) {
        value = value * 10 + digit;
        if ((digit = digit_at(++at, end)) <= 9) {
            value = value * 10 + digit;
            at++;
        }
    }
    *out = (unsigned char)value;
    return value <= 255 ? at : NULL;
}

/* Four numbers up to 255; leading zeros are accepted as decimal, as every SIP stack reads them.  The byte behind them,
 * or NULL where something else stands there. */
static const char *ipv4_past(const char *at, const char *end, unsigned char *out)
{
    for (int part = 0; part < 3; part++) {
        at = octet_past(at, end, &out[part]);
        if (!at || at == end || *at++ != '.')
            return NULL;
    }
    return octet_past(at, end, &out[3]);
}

static bool ipv4_bytes(const char *at, const char *end, unsigned char *out)
{
    const char *past = ipv4_past(at, end, out);
    return past && past == end;
}

static unsigned hex_value(char byte)
{
    return byte <= '9' ? (unsigned)(byte - '0') : (unsigned)((byte | 0x20) - 'a' + 10);
}

/* An IPv6 address as it is read: groups before and behind "::". */
struct ipv6 {
    unsigned char bytes[16];
    unsigned len; /* bytes filled */
    int gap;      /* where "::" stands, or -1 */
};

/* One group of hexadecimal digits, or an IPv4 address at the end.  NULL when it is neither. */
static const char *ipv6_group(struct ipv6 *ip, const char *at, const char *end)
{
    size_t digits = sip_text_run(at, end, SIP_TEXT_HEX);
    if (at + digits < end && at[digits] == '.') {
        if (ip->len > 12 || !ipv4_bytes(at, end, ip->bytes + ip->len))
            return NULL;
        ip->len += 4;
        return end;
    }
    if (!digits || digits > 4 || ip->len > 14)
        return NULL;
    unsigned value = 0;
    for (size_t digit = 0; digit < digits; digit++)
        value = value * 16 + hex_value(at[digit]);
    ip->bytes[ip->len++] = (unsigned char)(value >> 8);
    ip->bytes[ip->len++] = (unsigned char)value;
    return at + digits;
}

/* "::"; RFC 5118 4.10 wants ":::" before an IPv4 address tolerated, for the grammar of RFC 3261 produced it. */
static const char *ipv6_gap(struct ipv6 *ip, const char *at, const char *end)
{
    if (ip->gap >= 0)
        return NULL;
    ip->gap = (int)ip->len;
    at += 2;
    if (at < end && *at == ':') {
        size_t digits = sip_text_run(at + 1, end, SIP_TEXT_DIGIT);
        if (at + 1 + digits == end || at[1 + digits] != '.')
            return NULL;
        at++;
    }
    return at;
}

static bool ipv6_bytes(const char *at, const char *end, unsigned char out[16])
{
    struct ipv6 ip = {.gap = -1};
    bool need_colon = false;
    while (at && at < end) {
        if (end - at >= 2 && at[0] == ':' && at[1] == ':') {
            at = ipv6_gap(&ip, at, end);
            need_colon = false;
            continue;
        }
        if (need_colon && (*at++ != ':' || at == end))
            return false;
        at = ipv6_group(&ip, at, end);
        need_colon = true;
    }
    if (!at || (ip.gap < 0 ? ip.len != 16 : ip.len > 14))
        return false;
    unsigned behind = ip.gap < 0 ? 0 : ip.len - (unsigned)ip.gap;
    memset(out, 0, 16);
    memcpy(out, ip.bytes, ip.len - behind);
    memcpy(out + 16 - behind, ip.bytes + ip.len - behind, behind);
    return true;
}

/* A host name or an IPv4 address, label by label: none is empty, but for the root's behind a final dot.  Whether the
 * last one is a number decides between the two (RFC 3261 25.1, toplabel). */
static enum sip_host_kind take_name_or_ipv4(const char **at, const char *end, unsigned char bytes[4])
{
    const char *from = *at;
    /* Most hosts are an address, which then ends before anything that a name could go on with. */
    const char *plain = from < end && sip_text_is(*from, SIP_TEXT_DIGIT) ? ipv4_past(from, end, bytes) : NULL;
    if (plain && (plain == end || (*plain != '.' && !sip_text_is(*plain, SIP_TEXT_LABEL)))) {
        *at = plain;
        return SIP_HOST_IPV4;
    }
    const char *label = from;
    const char *next = sip_text_past(from, end, SIP_TEXT_LABEL);
    const char *stop = next; /* the final dot does not count */
    if (next == from)
        return SIP_HOST_NONE;
    while (next < end && *next == '.') {
        const char *start = next + 1;
        next = sip_text_past(start, end, SIP_TEXT_LABEL);
        if (next == start)
            break;
        label = start;
        stop = next;
    }
    *at = next;
    if (next - from > 255 || (next < end && *next == '.'))
        return SIP_HOST_NONE;
    if (!sip_text_is(stop[-1], SIP_TEXT_DIGIT) || sip_text_past(label, stop, SIP_TEXT_DIGIT) != stop)
        return SIP_HOST_NAME;
    return ipv4_bytes(from, stop, bytes) ? SIP_HOST_IPV4 : SIP_HOST_NONE;
}

enum sip_host_kind sip_host_kind_of(struct span host)
{
    unsigned char bytes[16];
    const char *at = host.at;
    const char *end = sip_text_end(host);
    if (!host.len)
        return SIP_HOST_NONE;
    enum sip_host_kind kind = take_name_or_ipv4(&at, end, bytes);
    if (kind != SIP_HOST_NONE && at == end)
        return kind;
    return ipv6_bytes(host.at, end, bytes) ? SIP_HOST_IPV6 : SIP_HOST_NONE;
}

bool sip_host_address(struct span host, enum sip_host_kind kind, unsigned char out_bytes[16])
{
    if (kind == SIP_HOST_IPV4) {
        const char *end = sip_text_end(host);
        return ipv4_bytes(host.at, host.len > 1 && end[-1] == '.' ? end - 1 : end, out_bytes);
    }
    return kind == SIP_HOST_IPV6 && ipv6_bytes(host.at, host.at + host.len, out_bytes);
}

void sip_host_add(struct buffer *out, struct span host, enum sip_host_kind kind)
{
    if (kind == SIP_HOST_IPV6)
        buffer_add_byte(out, '[');
    buffer_add_span(out, host);
    if (kind == SIP_HOST_IPV6)
        buffer_add_byte(out, ']');
}

static const char *take_host(const char **at, const char *end, struct sip_hostport *out)
{
    const char *from = *at;
    if (from < end && *from == '[') {
        const char *close = memchr(from, ']', (size_t)(end - from));
        if (!close)
            return "an IPv6 reference is not closed";
        unsigned char bytes[16];
        out->host = span_make(from + 1, (size_t)(close - from) - 1);
        out->kind = SIP_HOST_IPV6;
        *at = close + 1;
        return ipv6_bytes(from + 1, close, bytes) ? NULL : "not an IPv6 address";
    }
    out->kind = (uint8_t)take_name_or_ipv4(at, end, out->ip4);
    out->host = span_make(from, (size_t)(*at - from));
    if (out->kind != SIP_HOST_NONE)
        return NULL;
    return *at == from ? "the host is missing" : "neither a host name nor an address";
}

const char *sip_hostport_take(const char **at, const char *end, bool blanks, struct sip_hostport *out_hostport)
{
    const char *wrong = take_host(at, end, out_hostport);
    out_hostport->port = 0;
    if (wrong)
        return wrong;
    const char *colon = blanks ? sip_text_skip(*at, end) : *at;
    if (colon == end || *colon != ':')
        return NULL;
    const char *digit = blanks ? sip_text_skip(colon + 1, end) : colon + 1;
    const char *from = digit;
    unsigned port = 0;
    for (; digit < end && sip_text_is(*digit, SIP_TEXT_DIGIT); digit++) {
        port = port * 10 + (unsigned)(*digit - '0');
        if (port > 65535)
            return "the port is over 65535";
    }
    *at = digit;
    if (digit == from || port == 0)
        return "the port is no number from 1 to 65535";
    out_hostport->port = (uint16_t)port;
    return NULL;
}
