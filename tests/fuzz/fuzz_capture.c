/* SPDX-License-Identifier: Apache-2.0 */
/* Packets: the first byte chooses the link type, then frames follow, each with two bytes of length and one of time.  They go
 * the way of a capture's: out of their link layer, put together, to SIP; what comes out lies in what went in. */
#include "fuzz.h"
#include "replay/replay_fragments.h"
#include "replay/replay_streams.h"
#include "sip/sip_message.h"

static const int links[] = {1, 12, 0, 108, 113, 276, 228, 229};

static void on_message(void *ctx, const struct replay_message *message)
{
    static struct sip_message parsed;
    struct sip_problem problem;
    (void)ctx;
    fuzz_touch(message->bytes);
    if (sip_message_parse(&parsed, message->bytes, SIP_STREAM, &problem) == OK)
        invariant(fuzz_within(parsed.bytes, message->bytes));
}

struct way {
    struct replay_fragments *fragments;
    struct replay_streams *streams;
    int64_t now_ms;
};

static void take_whole(struct way *way, struct replay_packet *packet)
{
    struct span payload = packet->payload;
    struct replay_segment segment;
    if (packet->protocol == REPLAY_PROTOCOL_UDP && replay_udp_read(packet)) {
        invariant(fuzz_within(packet->payload, payload));
        (void)replay_is_sip(packet->payload);
    } else if (packet->protocol == REPLAY_PROTOCOL_TCP && replay_tcp_read(packet, &segment)) {
        invariant(fuzz_within(packet->payload, payload));
        replay_streams_add(way->streams, way->now_ms, packet, &segment);
    }
}

static void take_frame(struct way *way, int link, struct span frame)
{
    struct replay_packet packet;
    enum replay_packet_kind kind = replay_packet_read(link, frame, &packet);
    if (kind != REPLAY_PACKET_WHOLE && kind != REPLAY_PACKET_FRAGMENT)
        return;
    invariant(fuzz_within(packet.payload, frame));
    if (kind == REPLAY_PACKET_WHOLE || replay_fragments_add(way->fragments, way->now_ms, &packet)) {
        fuzz_touch(packet.payload);
        take_whole(way, &packet);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct way way = {0};
    struct span input = span_make((const char *)bytes, len);
    if (len < 4 || replay_fragments_new(&way.fragments) != OK)
        return 0;
    if (replay_streams_new(on_message, NULL, &way.streams) == OK) {
        int link = links[bytes[0] % (sizeof(links) / sizeof(*links))];
        for (size_t at = 1; at + 3 <= len;) {
            size_t want = (size_t)bytes[at] << 8 | bytes[at + 1];
            way.now_ms += (int64_t)bytes[at + 2] * 64;
            at += 3;
            struct span frame = span_slice(input, at, at + want < len ? at + want : len);
            take_frame(&way, link, frame);
            at += frame.len;
        }
        replay_streams_end(way.streams);
    }
    replay_streams_free(way.streams);
    replay_fragments_free(way.fragments);
    return 0;
}
