/* SPDX-License-Identifier: Apache-2.0 */
/* A packet capture (pcap or pcapng, by libpcap) as a run of SIP messages, in bounded memory. */
#pragma once

#include "replay/replay_message.h"
#include "util/err.h"

#include <stdio.h>

struct replay_capture;

struct replay_capture_counters {
    uint64_t packets;
    uint64_t messages;                /* SIP messages found */
    uint64_t other;                   /* packets that carry no SIP */
    uint64_t damaged;                 /* cut by the capture's snap length, or contradicting lengths */
    uint64_t incomplete;              /* fragmented packets with pieces missing */
    uint64_t gaps, unframed, foreign; /* of TCP, see replay_streams.h; and its packets that were not read */
    uint64_t tls, websocket, foreign_packets, headless;
};

/* Takes `file`, also on failure; `path` names it in faults.  `filter` is one of libpcap's ("host 192.0.2.1"), NULL: everything.  ERR_IO, ERR_INVALID
 * with what is wrong in `fault`. */
MUST_CHECK enum err replay_capture_open(FILE *file, const char *path, const char *filter, replay_message_fn message,
                                        void *ctx, struct replay_capture **out_capture, struct fault *fault);
void replay_capture_close(struct replay_capture *capture); /* NULL is fine */
/* Reads up to `packets` more.  False: the capture has ended; where it ends in the middle of a packet, or is damaged
 * there, *out_damage says so (valid until it is closed), else it is NULL. */
bool replay_capture_read(struct replay_capture *capture, unsigned packets, const char **out_damage);
struct replay_capture_counters replay_capture_counters(const struct replay_capture *capture);
