/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes on wires for one worker: datagrams in batches, streams cut into messages by an injected function.  It knows no
 * SIP.  One thread, the one that runs `loop`; nothing here locks. */
#pragma once

#include "net/net_flow.h"
#include "net/net_listener.h"
#include "util/clock.h"
#include "util/siphash.h"
#include "util/wheel.h"
#include <uv.h>

struct net_stack;

/* What a framing function found at the start of a stream's buffered bytes. */
enum net_frame_kind {
    NET_FRAME_MORE,       /* no whole unit yet; `need` > 0 says how many bytes it will have in all, if known */
    NET_FRAME_MESSAGE,    /* the first `len` bytes are a message */
    NET_FRAME_KEEP_ALIVE, /* the first `len` bytes are a keep-alive or filler: skipped, `reply` (may be empty) is sent */
    NET_FRAME_FATAL,      /* the stream is beyond use: `reply` (may be empty) is sent, then the connection closed */
};

struct net_frame {
    enum net_frame_kind kind;
    size_t len;
    size_t need;
    struct span reply;
};

/* Two words a connection that the framing function may use as it likes: zero before a unit's first byte, kept while more
 * bytes of it come in, so that each byte needs to be looked at only once. */
struct net_frame_memory {
    size_t words[2];
};

/* Why a connection ended. */
#define NET_CLOSE_TABLE(X)                                                                                             \
    X(NET_CLOSE_BY_PEER, "peer")              /* orderly */                                                            \
    X(NET_CLOSE_ERROR, "error")               /* reset, unreachable, ... */                                            \
    X(NET_CLOSE_BY_US, "us")                  /* net_close_flow */                                                     \
    X(NET_CLOSE_SHUTDOWN, "shutdown")         /* net_stack_close */                                                    \
    X(NET_CLOSE_IDLE, "idle")                 /* nothing came or went for idle_ms */                                   \
    X(NET_CLOSE_DEAD, "dead")                 /* a ping was not answered in pong_ms */                                 \
    X(NET_CLOSE_SLOW_MESSAGE, "slow_message") /* a message was begun and not completed in message_ms */                \
    X(NET_CLOSE_SLOW_START, "slow_start")     /* a handshake was not completed in start_ms */                          \
    X(NET_CLOSE_BUSY, "busy")                 /* more handshakes than starting_max and its like allow */               \
    X(NET_CLOSE_SLOW_READER, "slow_reader")   /* output_max unread, or no progress for write_ms */                     \
    X(NET_CLOSE_TOO_LONG, "too_long")         /* a message over message_max */                                         \
    X(NET_CLOSE_FRAMING, "framing")           /* NET_FRAME_FATAL */                                                    \
    X(NET_CLOSE_LAYER, "layer")               /* a layer gave up and did not say why */                                \
    X(NET_CLOSE_TLS, "tls")                   /* TLS: no common version or cipher, a certificate, broken records */    \
    X(NET_CLOSE_WEBSOCKET, "websocket")       /* WebSocket: a refused upgrade, or frames against RFC 6455 */           \
    X(NET_CLOSE_CONNECT, "connect")           /* our connect failed or took longer than connect_ms */                  \
    X(NET_CLOSE_NO_MEMORY, "no_memory")

enum net_close {
#define X(name, text) name,
    NET_CLOSE_TABLE(X)
#undef X
        NET_CLOSE_COUNT
};
/* A short stable word for logs and metric labels, never NULL. */
const char *net_close_name(enum net_close reason);

/* The callbacks of a stack.  All run on its thread.  `flow` and `bytes` are valid during the call only; the bytes lie in
 * the receive buffer, with nothing of value behind them.  Any of them may send, connect and close flows. */
struct net_handlers {
    void *ctx;
    /* Before the first event of a loop turn: the clock's owner refreshes it here.  May be NULL. */
    void (*on_turn_begin)(void *ctx);
    void (*on_datagram)(void *ctx, const struct net_flow *flow, struct span bytes);
    /* Behind the datagrams that were received together, whose bytes stay where they are until then: for who handles several
     * at a time.  What it sends leaves with their answers.  May be NULL. */
    void (*on_batch)(void *ctx);
    /* One message of a stream.  False: cannot be taken now.  The connection is not read any more, and the same bytes are
     * offered again with each turn and every few milliseconds, until they are taken. */
    bool (*on_message)(void *ctx, const struct net_flow *flow, struct span bytes);
    /* Cuts a stream; `bytes` is all that is buffered, never empty. */
    struct net_frame (*frame)(void *ctx, const struct net_flow *flow, struct span bytes,
                              struct net_frame_memory *memory);
    /* A connection has ended: the last that is heard of this flow, on which nothing could be sent for up to 2 s.  Always
     * called from the loop, never out of a function that was called.  May be NULL. */
    void (*on_flow_closed)(void *ctx, const struct net_flow *flow, enum net_close reason);
    /* All events of a turn that was begun have been handled, just before answers are flushed and the loop sleeps.  May be
     * NULL. */
    void (*on_turn_end)(void *ctx);
};

/* Caps and times; 0 takes the default that stands behind each. */
struct net_limits {
    unsigned connections_max;            /* per stack: 16,384 */
    unsigned connections_per_source_max; /* per stack and source (net_address_source): 1,024 */
    unsigned starting_max;               /* accepted connections whose layers still shake hands, per stack: 1,024 */
    unsigned starting_per_source_max;    /* likewise, per source: 128 */
    unsigned starts_per_source_max;      /* handshakes begun per source and second: 1,000 */
    size_t message_max;                  /* bytes of one stream message: 65,535 */
    size_t output_max;                   /* unread output bytes per connection: 1,048,576; with a quarter of it
                                            unread, nothing more is read */
    size_t udp_queue_max;                /* bytes per listener that wait for a full socket: 1,048,576 */
    uint64_t idle_ms;                    /* 600,000 */
    uint64_t message_ms;                 /* from a message's first byte to its last, and from accept to the first whole
                                            message or keep-alive: 20,000 */
    uint64_t start_ms;                   /* for the layers' handshakes: 10,000 */
    uint64_t write_ms;                   /* without progress of pending output: 30,000 */
    uint64_t connect_ms;                 /* 5,000 */
    uint64_t ping_ms;                    /* without a byte from the peer, then a layer that can (WebSocket) asks whether
                                            it is there; 0: it never does */
    uint64_t pong_ms;                    /* for anything at all to come then: 15,000 */
};

struct net_system;
struct net_layer_ops;

/* A layer of a transport's list, and what it works with: its certificates, its settings.  `ctx` is borrowed. */
struct net_layer_use {
    const struct net_layer_ops *ops;
    void *ctx;
};

struct net_stack_options {
    unsigned worker;                 /* index put into flows */
    struct net_listeners *listeners; /* borrowed while net_stack_new runs: this worker's sockets are taken out of it */
    const struct clock *clock;       /* borrowed; refreshed in on_turn_begin */
    struct wheel *wheel;             /* borrowed; driven by the worker */
    struct siphash_key key;          /* for the tables of sources and connections */
    struct net_limits limits;
    /* Per transport, a list of layers from the socket upwards, ended by one without `ops` (net_layer.h).  No list: framing
     * alone for NET_TCP, and net_stack_new says ERR_UNSUPPORTED to a listener of another one.  Borrowed. */
    const struct net_layer_use *layers[NET_TRANSPORT_COUNT];
    const struct net_system *system; /* NULL: the real system calls; tests make them fail */
};

/* Counted since the start; plain numbers of the stack's thread (read them there). */
struct net_counters {
    uint64_t udp_received, udp_received_bytes, udp_empty;
    uint64_t udp_sent, udp_sent_bytes;
    uint64_t udp_send_errors;   /* unreachable, refused, too long: that datagram is lost, the batch goes on */
    uint64_t udp_queued;        /* the socket was full: kept for later */
    uint64_t udp_queue_dropped; /* ... and over udp_queue_max: lost */
    uint64_t udp_kernel_drops;  /* SO_RXQ_OVFL: arrived, but our receive buffer was full */
    uint64_t udp_shed;          /* dropped by our filter (net_shed.h), or by a full buffer while there was one */
    uint64_t udp_stun;          /* Binding requests answered (net_stun.h) */
    uint64_t udp_receive_errors;
    uint64_t udp_batches; /* receive calls that brought something */
    uint64_t stream_accepted, stream_connected;
    uint64_t stream_refused_total, stream_refused_source; /* over the caps: closed at once */
    uint64_t stream_refused_memory;                       /* likewise, for want of memory */
    uint64_t stream_accept_pauses;                        /* no descriptor or memory: accepting rests a while */
    uint64_t stream_messages, stream_keep_alives;
    uint64_t stream_received_bytes, stream_sent_bytes;
    uint64_t stream_refused_starting; /* too many handshakes under way, or begun by that source */
    uint64_t stream_started;          /* handshakes of accepted connections completed */
    uint64_t stream_stalls;           /* on_message said false */
    uint64_t stream_closed[NET_CLOSE_COUNT];
    uint64_t stream_open;     /* now */
    uint64_t stream_starting; /* now, of accepted ones that shake hands */
};

/* Takes over this worker's sockets and starts to receive when `loop` runs.  `loop` is borrowed and must run until
 * net_stack_close has called back; after an error, until it has no handle left.  Errors: ERR_NOMEM, ERR_IO,
 * ERR_UNSUPPORTED (a transport without its layers). */
MUST_CHECK enum err net_stack_new(uv_loop_t *loop, const struct net_stack_options *options,
                                  const struct net_handlers *handlers, struct net_stack **out_stack);

typedef void (*net_stack_closed_fn)(void *ctx);
/* Sends what can be sent at once, closes every socket and connection (on_flow_closed with NET_CLOSE_SHUTDOWN), frees
 * the stack from the loop and then calls `closed` (may be NULL).  No other net function may be called after it. */
void net_stack_close(struct net_stack *stack, net_stack_closed_fn closed, void *ctx);

/* Closes the sockets that accept connections.  Open connections live on, and datagrams are still read: a server that
 * drains needs the ACK and the BYE of its calls. */
void net_stack_stop_accepting(struct net_stack *stack);

/* Sends `bytes` the way that `flow` says; they are copied.  A datagram leaves with the turn's batch.  ERR_CLOSED: the
 * connection has gone (the caller may connect anew, RFC 3261 18.2.2); ERR_FULL: dropped, a queue is full (a connection is
 * then closed as a slow reader); ERR_TOO_LONG over 65,507 bytes of a datagram; ERR_INVALID: a stream of another worker,
 * or no socket for it here. */
MUST_CHECK enum err net_send(struct net_stack *stack, const struct net_flow *flow, struct span bytes);

/* The same without a copy: builds the message where it will be sent from.  The buffer has room for a message of any
 * allowed length.  Between the two calls nothing else may be sent; not calling net_send_end abandons it.  An overflowed
 * buffer is ERR_TOO_LONG. */
struct buffer net_send_begin(struct net_stack *stack);
MUST_CHECK enum err net_send_end(struct net_stack *stack, const struct net_flow *flow, const struct buffer *message);

/* Hands all waiting datagrams and stream output to the kernel now; done by itself after each receive batch and at the
 * end of each turn. */
void net_flush(struct net_stack *stack);

/* Where a connection of ours goes. */
struct net_target {
    enum net_transport transport;
    struct net_address remote;
    struct span
        name; /* whom we mean (the domain of the URI, RFC 5922 7.3), for a layer that can verify it; may be empty */
};
enum { NET_NAME_MAX = 255 };

/* A flow to `target`.  UDP: through the first listener of its family (loopback to loopback where there is a choice);
 * ERR_NOT_FOUND without one.  Streams: an open connection of ours to there and to that name, else a new one; what is sent
 * meanwhile waits for it, and a failure is told by on_flow_closed. */
MUST_CHECK enum err net_connect_to(struct net_stack *stack, const struct net_target *target, struct net_flow *out_flow);
/* The same to nobody in particular. */
MUST_CHECK enum err net_connect(struct net_stack *stack, enum net_transport transport, const struct net_address *remote,
                                struct net_flow *out_flow);
/* UDP from a chosen listener. */
MUST_CHECK enum err net_udp_flow(const struct net_stack *stack, unsigned listener, const struct net_address *remote,
                                 struct net_flow *out_flow);

/* Whether an answer can still go back this way; always true for UDP.  Only for flows of this stack. */
bool net_flow_is_open(const struct net_stack *stack, const struct net_flow *flow);
/* Sends what is pending, tells the peer that it was all, and closes when the peer does, after 2 s at the latest; the flow
 * is closed at once.  Harmless where it is gone. */
void net_close_flow(struct net_stack *stack, const struct net_flow *flow);

const struct net_counters *net_stack_counters(const struct net_stack *stack);
