/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/replay_packet.h"

#include <pcap/pcap.h>

enum {
    TYPE_IP4 = 0x0800,
    TYPE_IP6 = 0x86dd,
    TYPE_VLAN = 0x8100,
    TYPE_VLAN_SERVICE = 0x88a8,
    TYPE_VLAN_OLD = 0x9100,
    TAGS_MAX = 4,
    EXTENSIONS_MAX = 8
};

/* Next headers of IPv6 that only lead to another one (RFC 8200 4). */
enum { NEXT_HOP_BY_HOP = 0, NEXT_ROUTING = 43, NEXT_FRAGMENT = 44, NEXT_AUTHENTICATION = 51, NEXT_OPTIONS = 60 };

static unsigned byte_at(struct span bytes, size_t at)
{
    return (unsigned char)bytes.at[at];
}

static unsigned u16_at(struct span bytes, size_t at)
{
    return byte_at(bytes, at) << 8 | byte_at(bytes, at + 1);
}

static uint32_t u32_at(struct span bytes, size_t at)
{
    return (uint32_t)u16_at(bytes, at) << 16 | u16_at(bytes, at + 2);
}

/* An address as every other one in the process is written: IPv4 in IPv6 is IPv4. */
static struct net_address address_of(struct span ip)
{
    static const char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (char)0xff, (char)0xff};
    struct net_address address = {.family = NET_FAMILY_IP6};
    if (ip.len == 16 && memcmp(ip.at, mapped, sizeof(mapped)) == 0)
        ip = span_slice(ip, 12, 16);
    if (ip.len == 4)
        address.family = NET_FAMILY_IP4;
    memcpy(address.ip, ip.at, ip.len);
    return address;
}

static enum replay_packet_kind read_ip4(struct span ip, struct replay_packet *out)
{
    if (ip.len < 20)
        return REPLAY_PACKET_DAMAGED;
    size_t header = (byte_at(ip, 0) & 15) * 4, total = u16_at(ip, 2);
    if (total == 0) /* left to the card to fill in (segmentation offload) */
        total = ip.len;
    if (header < 20 || total < header || total > ip.len)
        return REPLAY_PACKET_DAMAGED;
    unsigned fragment = u16_at(ip, 6);
    *out = (struct replay_packet){
        .from = address_of(span_slice(ip, 12, 16)),
        .to = address_of(span_slice(ip, 16, 20)),
        .protocol = (uint8_t)byte_at(ip, 9),
        .payload = span_slice(ip, header, total), /* without the padding of short frames */
        .fragment_id = u16_at(ip, 4),
        .fragment_offset = (uint16_t)((fragment & 0x1fff) * 8),
        .more_fragments = (fragment & 0x2000) != 0,
    };
    return out->fragment_offset || out->more_fragments ? REPLAY_PACKET_FRAGMENT : REPLAY_PACKET_WHOLE;
}

/* One extension header in front of the payload; false: there is none.  A cut one empties *out_ok. */
static bool skip_extension(struct replay_packet *packet, bool *out_ok)
{
    struct span payload = packet->payload;
    switch (packet->protocol) {
    case NEXT_HOP_BY_HOP:
    case NEXT_ROUTING:
    case NEXT_OPTIONS:
    case NEXT_AUTHENTICATION:
        break;
    default:
        return false;
    }
    size_t len = payload.len < 2 ? 2 : (byte_at(payload, 1) + (packet->protocol == NEXT_AUTHENTICATION ? 2u : 1u));
    len *= packet->protocol == NEXT_AUTHENTICATION ? 4 : 8; /* RFC 4302 2.2 counts in words */
    *out_ok = payload.len >= len;
    if (!*out_ok)
        return false;
    packet->protocol = (uint8_t)byte_at(payload, 0);
    packet->payload = span_slice(payload, len, payload.len);
    return true;
}

bool replay_packet_skip_extensions(struct replay_packet *packet)
{
    bool ok = true;
    for (int i = 0; i < EXTENSIONS_MAX; i++)
        if (!skip_extension(packet, &ok))
            break;
    return ok;
}

static enum replay_packet_kind read_ip6(struct span ip, struct replay_packet *out)
{
    if (ip.len < 40)
        return REPLAY_PACKET_DAMAGED;
    size_t total = 40 + (size_t)u16_at(ip, 4);
    if (total == 40)
        total = ip.len;
    if (total > ip.len)
        return REPLAY_PACKET_DAMAGED;
    *out = (struct replay_packet){
        .from = address_of(span_slice(ip, 8, 24)),
        .to = address_of(span_slice(ip, 24, 40)),
        .protocol = (uint8_t)byte_at(ip, 6),
        .payload = span_slice(ip, 40, total),
    };
    if (!replay_packet_skip_extensions(out))
        return REPLAY_PACKET_DAMAGED;
    if (out->protocol != NEXT_FRAGMENT)
        return REPLAY_PACKET_WHOLE;
    struct span payload = out->payload;
    if (payload.len < 8)
        return REPLAY_PACKET_DAMAGED;
    out->protocol = (uint8_t)byte_at(payload, 0);
    out->fragment_offset = (uint16_t)(u16_at(payload, 2) & 0xfff8);
    out->more_fragments = u16_at(payload, 2) & 1;
    out->fragment_id = u32_at(payload, 4);
    out->payload = span_slice(payload, 8, payload.len);
    if (out->fragment_offset || out->more_fragments)
        return REPLAY_PACKET_FRAGMENT;
    /* An atomic fragment is whole (RFC 6946). */
    return replay_packet_skip_extensions(out) ? REPLAY_PACKET_WHOLE : REPLAY_PACKET_DAMAGED;
}

/* By its own first bits: link types that say no more than "IP". */
static enum replay_packet_kind read_ip(struct span ip, struct replay_packet *out)
{
    unsigned version = ip.len ? byte_at(ip, 0) >> 4 : 0;
    if (version == 4)
        return read_ip4(ip, out);
    if (version == 6)
        return read_ip6(ip, out);
    return ip.len ? REPLAY_PACKET_OTHER : REPLAY_PACKET_DAMAGED;
}

/* `rest` is what follows the Ethernet type `type`. */
static enum replay_packet_kind read_typed(unsigned type, struct span rest, struct replay_packet *out)
{
    for (int i = 0; i < TAGS_MAX && (type == TYPE_VLAN || type == TYPE_VLAN_SERVICE || type == TYPE_VLAN_OLD); i++) {
        if (rest.len < 4)
            return REPLAY_PACKET_DAMAGED;
        type = u16_at(rest, 2);
        rest = span_slice(rest, 4, rest.len);
    }
    if (type == TYPE_IP4)
        return rest.len && byte_at(rest, 0) >> 4 == 4 ? read_ip4(rest, out) : REPLAY_PACKET_DAMAGED;
    if (type == TYPE_IP6)
        return rest.len && byte_at(rest, 0) >> 4 == 6 ? read_ip6(rest, out) : REPLAY_PACKET_DAMAGED;
    return REPLAY_PACKET_OTHER;
}

/* Where a link layer says what it carries: an Ethernet type at `type_at`, or nothing but the packet's own version. */
struct link {
    int type;
    uint8_t len;
    int8_t type_at; /* -1: by the version */
};

static const struct link links[] = {
    {DLT_EN10MB, 14, 12}, {DLT_LINUX_SLL, 16, 14}, {DLT_LINUX_SLL2, 20, 0},
    {DLT_NULL, 4, -1},    {DLT_LOOP, 4, -1},       {DLT_RAW, 0, -1},
    {DLT_IPV4, 0, -1},    {DLT_IPV6, 0, -1},       {101 /* LINKTYPE_RAW */, 0, -1},
};

static const struct link *find_link(int type)
{
    for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
        if (links[i].type == type)
            return &links[i];
    return NULL;
}

bool replay_link_is_known(int link_type)
{
    return find_link(link_type) != NULL;
}

enum replay_packet_kind replay_packet_read(int link_type, struct span frame, struct replay_packet *out_packet)
{
    const struct link *link = find_link(link_type);
    if (!link)
        return REPLAY_PACKET_OTHER;
    if (frame.len < link->len)
        return REPLAY_PACKET_DAMAGED;
    struct span rest = span_slice(frame, link->len, frame.len);
    if (link->type_at < 0)
        return read_ip(rest, out_packet);
    return read_typed(u16_at(frame, (size_t)link->type_at), rest, out_packet);
}

static void take_ports(struct replay_packet *packet)
{
    packet->from.port = (uint16_t)u16_at(packet->payload, 0);
    packet->to.port = (uint16_t)u16_at(packet->payload, 2);
}

bool replay_udp_read(struct replay_packet *packet)
{
    struct span payload = packet->payload;
    if (payload.len < 8)
        return false;
    size_t len = u16_at(payload, 4);
    if (len == 0) /* a jumbogram (RFC 2675), or left to the card */
        len = payload.len;
    if (len < 8 || len > payload.len)
        return false;
    take_ports(packet);
    packet->payload = span_slice(payload, 8, len);
    return true;
}

bool replay_tcp_read(struct replay_packet *packet, struct replay_segment *out_segment)
{
    struct span payload = packet->payload;
    if (payload.len < 20)
        return false;
    size_t header = (byte_at(payload, 12) >> 4) * 4;
    if (header < 20 || header > payload.len)
        return false;
    unsigned flags = byte_at(payload, 13);
    take_ports(packet);
    *out_segment = (struct replay_segment){
        .seq = u32_at(payload, 4),
        .fin = flags & 1,
        .syn = flags & 2,
        .rst = flags & 4,
    };
    packet->payload = span_slice(payload, header, payload.len);
    return true;
}
