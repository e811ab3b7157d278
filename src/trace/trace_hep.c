/* SPDX-License-Identifier: Apache-2.0 */
/* "HEP3", the length of all, then chunks of vendor (0), type, length (with these six bytes) and value, in network order. */
#include "trace/trace_hep.h"

#include <netinet/in.h>

enum chunk {
    CHUNK_FAMILY = 0x0001,
    CHUNK_PROTOCOL = 0x0002,
    CHUNK_IP4_SOURCE = 0x0003,
    CHUNK_IP4_DESTINATION = 0x0004,
    CHUNK_IP6_SOURCE = 0x0005,
    CHUNK_IP6_DESTINATION = 0x0006,
    CHUNK_SOURCE_PORT = 0x0007,
    CHUNK_DESTINATION_PORT = 0x0008,
    CHUNK_SECONDS = 0x0009,
    CHUNK_MICROSECONDS = 0x000a,
    CHUNK_PAYLOAD_KIND = 0x000b,
    CHUNK_AGENT = 0x000c,
    CHUNK_PAYLOAD = 0x000f,
    CHUNK_CORRELATION = 0x0011
};

/* What the protocol calls SIP, and the families, whose numbers are those of Linux and BSD for IPv4, of Linux for IPv6. */
enum { KIND_SIP = 1, FAMILY_IP4 = 2, FAMILY_IP6 = 10, CHUNK_HEAD = 6 };

static void put_u16(struct buffer *out, unsigned value)
{
    const char bytes[] = {(char)(value >> 8), (char)value};
    buffer_add(out, bytes, sizeof(bytes));
}

static void put_head(struct buffer *out, enum chunk type, size_t len)
{
    put_u16(out, 0);
    put_u16(out, type);
    put_u16(out, (unsigned)(CHUNK_HEAD + len));
}

static void put_bytes(struct buffer *out, enum chunk type, struct span value)
{
    put_head(out, type, value.len);
    buffer_add_span(out, value);
}

static void put_8(struct buffer *out, enum chunk type, unsigned value)
{
    put_head(out, type, 1);
    buffer_add_byte(out, (char)value);
}

static void put_16(struct buffer *out, enum chunk type, unsigned value)
{
    put_head(out, type, 2);
    put_u16(out, value);
}

static void put_32(struct buffer *out, enum chunk type, uint32_t value)
{
    put_head(out, type, 4);
    put_u16(out, value >> 16);
    put_u16(out, value & 0xffff);
}

static void put_way(struct buffer *out, const struct trace_message *message)
{
    const struct net_flow *flow = message->flow;
    const struct net_address *source = message->direction == TRACE_IN ? &flow->remote : &flow->local;
    const struct net_address *destination = message->direction == TRACE_IN ? &flow->local : &flow->remote;
    bool is_ip4 = flow->remote.family == NET_FAMILY_IP4;
    size_t len = is_ip4 ? 4 : 16;
    put_8(out, CHUNK_FAMILY, is_ip4 ? FAMILY_IP4 : FAMILY_IP6);
    put_8(out, CHUNK_PROTOCOL, flow->transport == NET_UDP ? IPPROTO_UDP : IPPROTO_TCP);
    put_bytes(out, is_ip4 ? CHUNK_IP4_SOURCE : CHUNK_IP6_SOURCE, span_make((const char *)source->ip, len));
    put_bytes(out, is_ip4 ? CHUNK_IP4_DESTINATION : CHUNK_IP6_DESTINATION,
              span_make((const char *)destination->ip, len));
    put_16(out, CHUNK_SOURCE_PORT, source->port);
    put_16(out, CHUNK_DESTINATION_PORT, destination->port);
}

bool trace_hep_encode(const struct trace_message *message, uint32_t agent, struct span call_id, struct buffer *out)
{
    struct span id = span_slice(call_id, 0, TRACE_HEP_CALL_ID_MAX);
    struct span payload = span_slice(message->bytes, 0, TRACE_HEP_MAX - TRACE_HEP_HEAD_MAX - id.len);
    size_t start = out->len;
    buffer_add_literal(out, "HEP3");
    put_u16(out, 0); /* the length, below */
    put_way(out, message);
    put_32(out, CHUNK_SECONDS, (uint32_t)(message->at_us / 1000000));
    put_32(out, CHUNK_MICROSECONDS, (uint32_t)(message->at_us % 1000000));
    put_8(out, CHUNK_PAYLOAD_KIND, KIND_SIP);
    put_32(out, CHUNK_AGENT, agent);
    if (id.len)
        put_bytes(out, CHUNK_CORRELATION, id);
    put_bytes(out, CHUNK_PAYLOAD, payload);
    if (!out->overflow) {
        size_t len = out->len - start;
        out->at[start + 4] = (char)(len >> 8);
        out->at[start + 5] = (char)len;
    }
    return payload.len == message->bytes.len;
}
