/* SPDX-License-Identifier: Apache-2.0 */
/* One blocking connection of the probe: a connected UDP socket or a TCP stream, whole messages in and out. */
#pragma once

#include "sip/sip_stream.h"
#include "tls/tls_client.h"
#include "websocket/websocket_client.h"

enum { PROBE_WIRE_CAP = 65536 };

struct probe_wire {
    int fd; /* -1: none */
    bool is_stream;
    struct tls_client *tls;             /* over the stream; NULL: in the clear */
    struct websocket_client *websocket; /* over both; NULL: SIP by itself */
    bool is_ipv6;
    char local_host[64]; /* an address without brackets */
    uint16_t local_port;
    char local[80]; /* "127.0.0.1:41234", "[::1]:41234" */
    char remote[80];
    struct sip_stream_state stream;
    size_t used;  /* bytes in `memory` */
    size_t taken; /* of those, what the last receive gave out */
    char memory[PROBE_WIRE_CAP];
};

/* Connects to `host`, an address (IPv6 without brackets) or a name that the resolver knows.  `wire` is large: keep it on the heap. */
MUST_CHECK enum err probe_wire_open(struct probe_wire *wire, bool is_stream, const char *host, uint16_t port,
                                    struct fault *fault);
/* TLS over the stream that was opened. */
MUST_CHECK enum err probe_wire_secure(struct probe_wire *wire, const struct tls_client_options *options,
                                      struct fault *fault);
/* WebSocket over what there is; `host` as in the URI, with its port. */
MUST_CHECK enum err probe_wire_upgrade(struct probe_wire *wire, const char *host, uint64_t until_ns,
                                       struct fault *fault);
/* "udp", "tcp", "tls", "ws" or "wss". */
const char *probe_wire_transport(const struct probe_wire *wire);
/* A message ends where its Content-Length says, or with what it came in. */
enum sip_framing probe_wire_framing(const struct probe_wire *wire);
void probe_wire_close(struct probe_wire *wire);
/* ERR_CLOSED: nobody listens there any more. */
MUST_CHECK enum err probe_wire_send(struct probe_wire *wire, struct span bytes, struct fault *fault);
/* Waits for one message until clock_mono_ns() reaches `until_ns`: ERR_TIMEOUT.  *out_message is valid until the next call. */
MUST_CHECK enum err probe_wire_receive(struct probe_wire *wire, uint64_t until_ns, struct span *out_message,
                                       struct fault *fault);
