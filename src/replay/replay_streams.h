/* SPDX-License-Identifier: Apache-2.0 */
/* TCP connections put together from their segments, each direction by itself: out of order, sent again, with gaps that
 * the capture has; what comes out is whole SIP messages.  Bounded: so many directions, so many bytes waiting; the one
 * that was quiet for longest makes room. */
#pragma once

#include "replay/replay_message.h"
#include "replay/replay_packet.h"

enum {
    REPLAY_STREAMS_MAX = 65536,
    REPLAY_STREAMS_BYTES = 64 << 20,  /* of all connections, waiting for what is missing */
    REPLAY_STREAM_AHEAD = 256 * 1024, /* bytes behind a gap that one waits for */
    REPLAY_STREAM_GAP_MS = 3000       /* how long a gap may be filled */
};

struct replay_streams_counters {
    uint64_t gaps;     /* bytes that the capture has not; the message around them is lost */
    uint64_t unframed; /* where no message ends any more */
    uint64_t foreign;  /* connections of another protocol, or encrypted */
    /* Packets with data that were not read, by what they are. */
    uint64_t tls, websocket; /* SIP may be in there, but not for us to see */
    uint64_t other;          /* of other protocols */
    uint64_t headless;       /* of connections that began before the capture, before a message starts in them */
};

struct replay_streams;

/* `message` is called with ctx for each whole SIP message. */
MUST_CHECK enum err replay_streams_new(replay_message_fn message, void *ctx, struct replay_streams **out_streams);
void replay_streams_free(struct replay_streams *streams); /* NULL is fine */
/* A segment that was captured at `wall_ms`; `packet` comes from replay_tcp_read. */
void replay_streams_add(struct replay_streams *streams, int64_t wall_ms, const struct replay_packet *packet,
                        const struct replay_segment *segment);
/* The capture has ended: no gap will be filled any more. */
void replay_streams_end(struct replay_streams *streams);
const struct replay_streams_counters *replay_streams_counters(const struct replay_streams *streams);
