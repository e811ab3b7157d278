/* SPDX-License-Identifier: Apache-2.0 */
/* CIDR blocks: trusted sources, allowed destinations. */
#include "net/net_address.h"

static unsigned family_bits(const struct net_address *address)
{
    return address->family == NET_FAMILY_IP4 ? 32 : 128;
}

/* Whether the first `bits` bits are equal. */
static bool bits_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    if (memcmp(a, b, bits / 8) != 0)
        return false;
    uint8_t mask = (uint8_t)(0xff00u >> (bits % 8));
    return bits % 8 == 0 || ((a[bits / 8] ^ b[bits / 8]) & mask) == 0;
}

enum err net_prefix_parse(struct span text, struct net_prefix *out_prefix)
{
    struct net_prefix prefix;
    size_t slash = span_find(text, '/');
    enum err err = net_address_parse_ip(span_slice(text, 0, slash), 0, &prefix.address);
    if (err != OK)
        return err;
    uint32_t bits = family_bits(&prefix.address);
    if (slash < text.len) {
        struct span digits = span_slice(text, slash + 1, text.len);
        uint32_t most = bits;
        if (digits.len == 0 || digits.len > 3 || !span_to_u32(digits, &bits) || bits > most)
            return ERR_SYNTAX;
    }
    prefix.bits = (uint8_t)bits;
    prefix.address.scope = 0;
    for (unsigned i = 0; i < sizeof(prefix.address.ip); i++) {
        unsigned kept = bits > i * 8 ? bits - i * 8 : 0;
        if (kept < 8)
            prefix.address.ip[i] &= (uint8_t)(0xff00u >> kept);
    }
    *out_prefix = prefix;
    return OK;
}

bool net_prefix_contains(const struct net_prefix *prefix, const struct net_address *address)
{
    return prefix->address.family == address->family && bits_equal(prefix->address.ip, address->ip, prefix->bits);
}

void net_prefix_format(const struct net_prefix *prefix, struct buffer *out)
{
    net_address_format_ip(&prefix->address, out);
    buffer_add_byte(out, '/');
    buffer_add_u64(out, prefix->bits);
}
