/* SPDX-License-Identifier: Apache-2.0 */
/* An IP address with a port as 24 plain bytes: compared with memcmp, hashed as bytes, copied by value. */
#pragma once

#include "util/buffer.h"
#include "util/err.h"
#include "util/span.h"
#include <stdbool.h>
#include <sys/socket.h>

enum net_family { NET_FAMILY_NONE, NET_FAMILY_IP4, NET_FAMILY_IP6 };

/* Every byte is defined (what a family does not use is zero), so equal addresses are equal bytes.  An IPv4-mapped IPv6
 * address never occurs: the conversions below turn it into IPv4. */
struct net_address {
    uint8_t ip[16];    /* network order; IPv4 in the first four, the rest zero */
    uint32_t scope;    /* IPv6 zone index, 0 for none */
    uint16_t port;     /* host order */
    uint8_t family;    /* enum net_family */
    uint8_t must_be_0; /* keeps the struct free of padding */
};

/* Longest text of net_address_format with its terminator: "[ffff:...:255.255.255.255%4294967295]:65535". */
enum { NET_ADDRESS_TEXT_MAX = 72 };

/* "127.0.0.1:5060", "[::1]:5060", "[fe80::1%eth0]:5060"; without ":PORT" the port is `default_port`.  No host names.
 * ERR_SYNTAX when it is anything else. */
MUST_CHECK enum err net_address_parse(struct span text, uint16_t default_port, struct net_address *out_address);
/* A bare address as SIP's sent-by and `received` have it: "127.0.0.1", "::1" or "[::1]". */
MUST_CHECK enum err net_address_parse_ip(struct span text, uint16_t port, struct net_address *out_address);
/* "127.0.0.1:5060" or "[::1]:5060", appended; the second without the port: "127.0.0.1", or "::1" without brackets. */
void net_address_format(const struct net_address *address, struct buffer *out);
void net_address_format_ip(const struct net_address *address, struct buffer *out);
/* As net_address_format into an array; always terminated. */
void net_address_text(const struct net_address *address, char out[static NET_ADDRESS_TEXT_MAX]);

/* ERR_UNSUPPORTED for a family other than AF_INET and AF_INET6. */
MUST_CHECK enum err net_address_from_sockaddr(const struct sockaddr *from, struct net_address *out_address);
/* Returns the length of what was written into `out`. */
socklen_t net_address_to_sockaddr(const struct net_address *address, struct sockaddr_storage *out);

static inline bool net_address_equal(const struct net_address *a, const struct net_address *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}
/* The same host; the ports may differ. */
bool net_address_equal_ip(const struct net_address *a, const struct net_address *b);
static inline struct span net_address_bytes(const struct net_address *address)
{
    return span_make((const char *)address, sizeof(*address));
}
/* 4 or 16 bytes: the address without port and zone, for keys. */
static inline struct span net_address_ip_bytes(const struct net_address *address)
{
    return span_make((const char *)address->ip, address->family == NET_FAMILY_IP4 ? 4 : 16);
}

bool net_address_is_wildcard(const struct net_address *address);
bool net_address_is_loopback(const struct net_address *address);
/* fe80::/10, 169.254.0.0/16. */
bool net_address_is_link_local(const struct net_address *address);
bool net_address_is_multicast(const struct net_address *address);

/* What counts as one source for caps and limits: an IPv4 address, or the /64 of an IPv6 one; port and zone zero. */
struct net_address net_address_source(const struct net_address *address);

/* A CIDR block: "10.0.0.0/8", "2001:db8::/32", or a bare address (all its bits). */
struct net_prefix {
    struct net_address address; /* host bits, port and zone zero */
    uint8_t bits;
};

MUST_CHECK enum err net_prefix_parse(struct span text, struct net_prefix *out_prefix);
bool net_prefix_contains(const struct net_prefix *prefix, const struct net_address *address);
void net_prefix_format(const struct net_prefix *prefix, struct buffer *out);

_Static_assert(sizeof(struct net_address) == 24, "no padding: it is compared and hashed as bytes");
