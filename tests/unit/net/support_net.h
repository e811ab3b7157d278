/* SPDX-License-Identifier: Apache-2.0 */
/* A stack on a loop of its own, on a fake clock, that answers what it is told to; peers are plain sockets. */
#pragma once

#include "support/cmocka_all.h"
#include "support/fake_clock.h"

#include "net/net_layer.h"
#include "net/net_listener.h"
#include "net/net_stack.h"
#include "net/net_system.h"

enum { BENCH_NOTES = 64, BENCH_LAST = 4096 };

struct bench {
    uv_loop_t loop;
    uv_timer_t guard; /* wakes the loop, so that a test that waits in vain ends */
    struct fake_clock fake;
    struct net_listeners *listeners;
    struct net_stack *stack;
    struct net_stack_options options;
    struct net_handlers handlers;
    /* What the handlers do. */
    bool echo;        /* datagrams and messages are sent back */
    bool echo_built;  /* ... by net_send_begin and net_send_end */
    bool refuse;      /* on_message says false */
    bool close_after; /* net_close_flow after each message */
    size_t inflate;   /* so many bytes are sent back for a message */
    /* What they have seen. */
    unsigned datagrams;
    unsigned messages;
    unsigned turns_begun;
    unsigned turns_ended;
    unsigned closed_flows;
    size_t bytes;
    struct net_flow flow;
    struct net_flow closed_flow;
    enum net_close closed_reason;
    enum err sent; /* of the last echo */
    char last[BENCH_LAST];
    size_t last_len;
    unsigned out_of_order; /* messages "NNNNNN" that were not one more than the one before */
    uint32_t next_number;
    bool stack_closed;
};

/* Listens on `specs` (NULL: nothing), with one worker; `limits` may be set in bench->options before. */
void bench_init(struct bench *bench);
void bench_open(struct bench *bench, const char *const *specs, size_t count);
void bench_open_one(struct bench *bench, const char *spec);
/* Closes the stack and asserts that the loop is empty. */
void bench_done(struct bench *bench);
const struct net_address *bench_address(const struct bench *bench, unsigned listener);
const struct net_counters *bench_counters(const struct bench *bench);

/* Turns the loop until *value >= wanted; fails the test after five seconds. */
void bench_until(struct bench *bench, const unsigned *value, unsigned wanted);
void bench_until_u64(struct bench *bench, const uint64_t *value, uint64_t wanted);
/* So many turns without waiting. */
void bench_turns(struct bench *bench, unsigned turns);

/* Frames of the tests: "0007payload" with the payload's length in four digits; CR LF is a keep-alive, answered by "+";
 * "!" is fatal and answered by "bad". */
struct net_frame bench_frame(void *ctx, const struct net_flow *flow, struct span bytes,
                             struct net_frame_memory *memory);

/* A blocking peer with a receive timeout of five seconds, connected. */
int peer_open(enum net_transport transport, const struct net_address *to);
void peer_send(int fd, const char *text);
void peer_send_bytes(int fd, const void *bytes, size_t len);
/* One receive call while the loop turns; 0 at the end of a stream, -1 on a reset. */
ssize_t peer_receive(struct bench *bench, int fd, void *out_bytes, size_t cap);
/* Receives exactly this text. */
void peer_expect(struct bench *bench, int fd, const char *text);
/* Receives exactly so many bytes and throws them away. */
void peer_skip(struct bench *bench, int fd, size_t len);
/* Receives the end of the stream (or a reset) and nothing else. */
void peer_expect_end(struct bench *bench, int fd);
