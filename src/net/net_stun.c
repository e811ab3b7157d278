/* SPDX-License-Identifier: Apache-2.0 */
#include "net/net_stun.h"
#include "net/net_priv.h"

enum {
    HEADER_LEN = 20,
    COOKIE = 0x2112a442,
    BINDING_REQUEST = 0x0001,
    BINDING_SUCCESS = 0x0101,
    BINDING_ERROR = 0x0111,
    ATTRIBUTE_INTEGRITY = 0x0008,
    ATTRIBUTE_ERROR_CODE = 0x0009,
    ATTRIBUTE_UNKNOWN = 0x000a,
    ATTRIBUTE_XOR_MAPPED = 0x0020,
    ATTRIBUTE_OPTIONAL = 0x8000, /* and above */
    ATTRIBUTE_FINGERPRINT = 0x8028,
    FINGERPRINT_LEN = 8,
};
static const uint32_t fingerprint_xor = 0x5354554e;

static uint16_t read16(const char *at)
{
    return (uint16_t)((unsigned char)at[0] << 8 | (unsigned char)at[1]);
}

static uint32_t read32(const char *at)
{
    return (uint32_t)read16(at) << 16 | read16(at + 2);
}

static void add16(struct buffer *out, unsigned value)
{
    char bytes[2] = {(char)(value >> 8), (char)value};
    buffer_add(out, bytes, sizeof(bytes));
}

static void add32(struct buffer *out, uint32_t value)
{
    add16(out, value >> 16);
    add16(out, value & 0xffff);
}

/* CRC-32 of ITU V.42 (RFC 5389 15.5), bit by bit: what it is asked of is short, and rare. */
static uint32_t crc_of(struct span bytes)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= (unsigned char)bytes.at[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1)));
    }
    return ~crc;
}

/* Attributes of RFC 5389 18.2 that a request may bring to a server that asks for no credentials, and is none the worse. */
static bool is_known(unsigned type)
{
    static const uint16_t known[] = {0x0001, 0x0006, 0x0008, 0x0009, 0x000a, 0x0014, 0x0015, 0x0020};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i] == type)
            return true;
    return false;
}

static bool is_head(struct span bytes)
{
    return bytes.len >= HEADER_LEN && bytes.len <= NET_STUN_MAX && read16(bytes.at) == BINDING_REQUEST &&
           bytes.len % 4 == 0 && read16(bytes.at + 2) == bytes.len - HEADER_LEN && read32(bytes.at + 4) == COOKIE;
}

/* It is the last attribute, and says what stands before it (15.5). */
static bool is_fingerprint_right(struct span bytes, size_t at, size_t len)
{
    return len == 4 && at + FINGERPRINT_LEN == bytes.len &&
           read32(bytes.at + at + 4) == (crc_of(span_slice(bytes, 0, at)) ^ fingerprint_xor);
}

static void note(struct net_stun_request *request, unsigned type)
{
    if (type < ATTRIBUTE_OPTIONAL && !is_known(type) && request->unknown_count < NET_STUN_UNKNOWN_MAX)
        request->unknown[request->unknown_count++] = (uint16_t)type;
}

enum err net_stun_read(struct span bytes, struct net_stun_request *out_request)
{
    bool sealed = false; /* behind MESSAGE-INTEGRITY only FINGERPRINT counts (15.4) */
    if (!is_head(bytes))
        return ERR_INVALID;
    *out_request = (struct net_stun_request){0};
    memcpy(out_request->id, bytes.at + 8, sizeof(out_request->id));
    for (size_t at = HEADER_LEN; at < bytes.len;) {
        unsigned type = read16(bytes.at + at); /* whole words, so four bytes are here */
        size_t len = read16(bytes.at + at + 2), whole = 4 + (len + 3) / 4 * 4;
        if (whole > bytes.len - at)
            return ERR_INVALID;
        if (type == ATTRIBUTE_FINGERPRINT) {
            if (!is_fingerprint_right(bytes, at, len))
                return ERR_INVALID;
            out_request->has_fingerprint = true;
        } else if (!sealed) {
            note(out_request, type);
        }
        sealed = sealed || type == ATTRIBUTE_INTEGRITY;
        at += whole;
    }
    return OK;
}

/* The address under the cookie and the transaction's id, so that no NAT on the way takes it for one to rewrite (15.2). */
static void add_address(struct buffer *out, const struct net_stun_request *request, const struct net_address *from)
{
    static const unsigned char cookie[4] = {0x21, 0x12, 0xa4, 0x42};
    bool is_ip4 = from->family == NET_FAMILY_IP4;
    unsigned len = is_ip4 ? 4 : 16;
    add16(out, ATTRIBUTE_XOR_MAPPED);
    add16(out, 4 + len);
    add16(out, is_ip4 ? 1 : 2);
    add16(out, from->port ^ (COOKIE >> 16));
    for (unsigned i = 0; i < len; i++)
        buffer_add_byte(out, (char)(from->ip[i] ^ (i < 4 ? cookie[i] : request->id[i - 4])));
}

static void add_unknown(struct buffer *out, const struct net_stun_request *request)
{
    add16(out, ATTRIBUTE_ERROR_CODE);
    add16(out, 4);
    add32(out, 4 << 8 | 20);
    add16(out, ATTRIBUTE_UNKNOWN);
    add16(out, 2u * request->unknown_count);
    for (unsigned i = 0; i < request->unknown_count; i++)
        add16(out, request->unknown[i]);
    if (request->unknown_count % 2)
        add16(out, 0);
}

void net_stun_answer(const struct net_stun_request *request, const struct net_address *from, struct buffer *out)
{
    size_t start = out->len;
    add16(out, request->unknown_count ? BINDING_ERROR : BINDING_SUCCESS);
    add16(out, 0);
    add32(out, COOKIE);
    buffer_add(out, request->id, sizeof(request->id));
    if (request->unknown_count)
        add_unknown(out, request);
    else
        add_address(out, request, from);
    if (out->overflow)
        return;
    size_t len = out->len - start - HEADER_LEN + (request->has_fingerprint ? FINGERPRINT_LEN : 0);
    out->at[start + 2] = (char)(len >> 8);
    out->at[start + 3] = (char)len;
    if (!request->has_fingerprint)
        return;
    uint32_t crc = crc_of(span_slice(buffer_span(out), start, out->len)) ^ fingerprint_xor;
    add16(out, ATTRIBUTE_FINGERPRINT);
    add16(out, 4);
    add32(out, crc);
}

bool net_stun_serve(struct net_stack *stack, const struct net_flow *flow, struct span bytes)
{
    struct net_stun_request request;
    char text[NET_STUN_ANSWER_MAX];
    struct buffer out = buffer_over(text, sizeof(text));
    if (flow->transport != NET_UDP || net_stun_read(bytes, &request) != OK)
        return false;
    net_stun_answer(&request, &flow->remote, &out);
    stack->counters.udp_stun++;
    (void)!net_send(stack, flow, buffer_span(&out)); /* the client asks again */
    return true;
}
