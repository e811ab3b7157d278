/* SPDX-License-Identifier: Apache-2.0 */
/* A captured frame down to the payload of its IP packet: Ethernet, VLAN tags in each other (802.1Q, 802.1ad), Linux
 * "cooked" captures (SLL, SLL2), raw IP, BSD loopback; IPv4 (RFC 791) and IPv6 with its extension headers (RFC 8200).
 * Pure: spans into the frame, nothing kept. */
#pragma once

#include "net/net_address.h"

enum replay_packet_kind {
    REPLAY_PACKET_WHOLE,    /* `payload` is that of `protocol` */
    REPLAY_PACKET_FRAGMENT, /* a piece of it: goes to replay_fragments */
    REPLAY_PACKET_OTHER,    /* no IP: ARP, LLDP, ... */
    REPLAY_PACKET_DAMAGED   /* cut by the capture, or lengths that contradict each other */
};

enum { REPLAY_PROTOCOL_TCP = 6, REPLAY_PROTOCOL_UDP = 17 };

struct replay_packet {
    struct net_address from, to; /* ports zero until replay_udp_read or replay_tcp_read */
    uint8_t protocol;            /* of `payload`; of a fragment, the next header that its packet says */
    struct span payload;
    uint32_t fragment_id;
    uint16_t fragment_offset; /* bytes */
    bool more_fragments;
};

/* Whether frames of this link type (pcap_datalink) can be read. */
bool replay_link_is_known(int link_type);
enum replay_packet_kind replay_packet_read(int link_type, struct span frame, struct replay_packet *out_packet);
/* Skips IPv6 extension headers at the start of a reassembled payload; false: damaged. */
bool replay_packet_skip_extensions(struct replay_packet *packet);

/* The UDP header of a whole packet: fills in the ports, narrows `payload` to the data.  False: damaged. */
bool replay_udp_read(struct replay_packet *packet);

struct replay_segment {
    uint32_t seq;
    bool syn, fin, rst;
};
/* The same for TCP (RFC 9293). */
bool replay_tcp_read(struct replay_packet *packet, struct replay_segment *out_segment);
