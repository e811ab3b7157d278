/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses: text, sockaddr and what kind of address it is. */
#include "net/net_address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

static struct net_address address_of(enum net_family family, const void *ip, uint16_t port, uint32_t scope)
{
    struct net_address address = {.port = port, .family = (uint8_t)family};
    if (family == NET_FAMILY_IP4) {
        memcpy(address.ip, ip, 4);
        return address;
    }
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (memcmp(ip, mapped, sizeof(mapped)) == 0) {
        address.family = NET_FAMILY_IP4;
        memcpy(address.ip, (const char *)ip + 12, 4);
        return address;
    }
    memcpy(address.ip, ip, 16);
    address.scope = scope;
    return address;
}

/* The zone of "fe80::1%eth0", by name or by number. */
static enum err parse_zone(struct span zone, uint32_t *out_scope)
{
    char name[IF_NAMESIZE];
    if (span_to_u32(zone, out_scope))
        return OK;
    if (zone.len == 0 || !span_copy(zone, name, sizeof(name)))
        return ERR_SYNTAX;
    unsigned index = if_nametoindex(name);
    if (index == 0)
        return ERR_SYNTAX;
    *out_scope = index;
    return OK;
}

enum err net_address_parse_ip(struct span text, uint16_t port, struct net_address *out_address)
{
    char copy[INET6_ADDRSTRLEN];
    uint8_t ip[16];
    uint32_t scope = 0;
    if (text.len >= 2 && text.at[0] == '[' && text.at[text.len - 1] == ']') {
        text = span_slice(text, 1, text.len - 1);
        if (span_find(text, ':') == text.len)
            return ERR_SYNTAX; /* brackets are IPv6's alone */
    }
    size_t percent = span_find(text, '%');
    if (!span_copy(span_slice(text, 0, percent), copy, sizeof(copy)))
        return ERR_SYNTAX;
    if (percent == text.len && inet_pton(AF_INET, copy, ip) == 1) {
        *out_address = address_of(NET_FAMILY_IP4, ip, port, 0);
        return OK;
    }
    if (inet_pton(AF_INET6, copy, ip) != 1)
        return ERR_SYNTAX;
    if (percent < text.len && parse_zone(span_slice(text, percent + 1, text.len), &scope) != OK)
        return ERR_SYNTAX;
    *out_address = address_of(NET_FAMILY_IP6, ip, port, scope);
    return OK;
}

static size_t find_last(struct span text, char byte)
{
    for (size_t i = text.len; i > 0; i--)
        if (text.at[i - 1] == byte)
            return i - 1;
    return text.len;
}

enum err net_address_parse(struct span text, uint16_t default_port, struct net_address *out_address)
{
    size_t end = text.len;
    uint32_t port = default_port;
    if (text.len > 0 && text.at[0] == '[') {
        end = span_find(text, ']');
        if (end == text.len)
            return ERR_SYNTAX;
        end++;
    } else {
        size_t colon = find_last(text, ':');
        /* More than one colon without brackets: a bare IPv6 address, which cannot carry a port. */
        if (span_find(text, ':') == colon)
            end = colon;
    }
    if (end < text.len) {
        struct span digits = span_slice(text, end + 1, text.len);
        if (text.at[end] != ':' || digits.len == 0 || digits.len > 5 || !span_to_u32(digits, &port) || port > 65535)
            return ERR_SYNTAX;
    }
    return net_address_parse_ip(span_slice(text, 0, end), (uint16_t)port, out_address);
}

void net_address_format_ip(const struct net_address *address, struct buffer *out)
{
    char text[INET6_ADDRSTRLEN];
    if (address->family == NET_FAMILY_NONE) {
        buffer_add_literal(out, "none");
        return;
    }
    if (address->family == NET_FAMILY_IP4) { /* inet_ntop prints it with printf, and every answer needs it */
        for (int i = 0; i < 4; i++) {
            if (i > 0)
                buffer_add_byte(out, '.');
            buffer_add_u64(out, address->ip[i]);
        }
        return;
    }
    buffer_add_text(out, inet_ntop(AF_INET6, address->ip, text, sizeof(text)));
    if (address->scope != 0) {
        buffer_add_byte(out, '%');
        buffer_add_u64(out, address->scope);
    }
}

void net_address_format(const struct net_address *address, struct buffer *out)
{
    bool brackets = address->family == NET_FAMILY_IP6;
    if (brackets)
        buffer_add_byte(out, '[');
    net_address_format_ip(address, out);
    if (brackets)
        buffer_add_byte(out, ']');
    buffer_add_byte(out, ':');
    buffer_add_u64(out, address->port);
}

void net_address_text(const struct net_address *address, char out[static NET_ADDRESS_TEXT_MAX])
{
    struct buffer buffer = buffer_over(out, NET_ADDRESS_TEXT_MAX - 1);
    net_address_format(address, &buffer);
    out[buffer.len] = '\0';
}

enum err net_address_from_sockaddr(const struct sockaddr *from, struct net_address *out_address)
{
    if (from->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, from, sizeof(in));
        *out_address = (struct net_address){.port = ntohs(in.sin_port), .family = NET_FAMILY_IP4};
        memcpy(out_address->ip, &in.sin_addr, 4);
        return OK;
    }
    if (from->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, from, sizeof(in));
        *out_address = address_of(NET_FAMILY_IP6, &in.sin6_addr, ntohs(in.sin6_port), in.sin6_scope_id);
        return OK;
    }
    return ERR_UNSUPPORTED;
}

socklen_t net_address_to_sockaddr(const struct net_address *address, struct sockaddr_storage *out)
{
    if (address->family == NET_FAMILY_IP6) {
        struct sockaddr_in6 in = {
            .sin6_family = AF_INET6, .sin6_port = htons(address->port), .sin6_scope_id = address->scope};
        memcpy(&in.sin6_addr, address->ip, 16);
        memcpy(out, &in, sizeof(in));
        return sizeof(in);
    }
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(address->port)};
    memcpy(&in.sin_addr, address->ip, 4);
    memcpy(out, &in, sizeof(in));
    return sizeof(in);
}

bool net_address_equal_ip(const struct net_address *a, const struct net_address *b)
{
    return a->family == b->family && a->scope == b->scope && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool net_address_is_wildcard(const struct net_address *address)
{
    static const uint8_t zero[16];
    return memcmp(address->ip, zero, sizeof(zero)) == 0;
}

bool net_address_is_loopback(const struct net_address *address)
{
    static const uint8_t one[16] = {[15] = 1};
    if (address->family == NET_FAMILY_IP4)
        return address->ip[0] == 127;
    return address->family == NET_FAMILY_IP6 && memcmp(address->ip, one, sizeof(one)) == 0;
}

bool net_address_is_link_local(const struct net_address *address)
{
    if (address->family == NET_FAMILY_IP4)
        return address->ip[0] == 169 && address->ip[1] == 254;
    return address->family == NET_FAMILY_IP6 && address->ip[0] == 0xfe && (address->ip[1] & 0xc0) == 0x80;
}

bool net_address_is_multicast(const struct net_address *address)
{
    if (address->family == NET_FAMILY_IP4)
        return (address->ip[0] & 0xf0) == 0xe0;
    return address->family == NET_FAMILY_IP6 && address->ip[0] == 0xff;
}

struct net_address net_address_source(const struct net_address *address)
{
    struct net_address source = {.family = address->family};
    memcpy(source.ip, address->ip, address->family == NET_FAMILY_IP6 ? 8 : 4);
    return source;
}
