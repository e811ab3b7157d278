/* SPDX-License-Identifier: Apache-2.0 */
/* The bench of the tests of net. */
#include "support_net.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { GUARD_MS = 10, GUARD_TURNS = 2000, PEER_WAIT_MS = 5000 };

static void on_guard(uv_timer_t *timer)
{
    (void)timer;
}

static void note(struct bench *bench, const struct net_flow *flow, struct span bytes)
{
    uint32_t number;
    bench->bytes += bytes.len;
    bench->flow = *flow;
    bench->last_len = bytes.len < BENCH_LAST ? bytes.len : BENCH_LAST;
    memcpy(bench->last, bytes.at, bench->last_len);
    struct span digits = bytes.len >= 10 ? span_slice(bytes, bytes.len - 6, bytes.len) : span_make(NULL, 0);
    if (!span_to_u32(digits, &number))
        return;
    bench->out_of_order += number != bench->next_number;
    bench->next_number = number + 1;
}

/* What comes on a connection of ours is an answer, and not answered again. */
static void echo(struct bench *bench, const struct net_flow *flow, struct span bytes)
{
    if (flow->outgoing)
        return;
    if (bench->echo_built) {
        struct buffer room = net_send_begin(bench->stack);
        buffer_add_span(&room, bytes);
        bench->sent = net_send_end(bench->stack, flow, &room);
    } else if (bench->echo) {
        bench->sent = net_send(bench->stack, flow, bytes);
    }
    if (bench->inflate > 0) {
        char *many = calloc(1, bench->inflate);
        assert_non_null(many);
        bench->sent = net_send(bench->stack, flow, span_make(many, bench->inflate));
        free(many);
    }
    if (bench->close_after)
        net_close_flow(bench->stack, flow);
}

static void on_turn_begin(void *ctx)
{
    struct bench *bench = ctx;
    bench->turns_begun++;
}

static void on_turn_end(void *ctx)
{
    struct bench *bench = ctx;
    bench->turns_ended++;
}

static void on_datagram(void *ctx, const struct net_flow *flow, struct span bytes)
{
    struct bench *bench = ctx;
    bench->datagrams++;
    note(bench, flow, bytes);
    echo(bench, flow, bytes);
}

static bool on_message(void *ctx, const struct net_flow *flow, struct span bytes)
{
    struct bench *bench = ctx;
    if (bench->refuse)
        return false;
    bench->messages++;
    note(bench, flow, bytes);
    echo(bench, flow, bytes);
    return true;
}

static void on_flow_closed(void *ctx, const struct net_flow *flow, enum net_close reason)
{
    struct bench *bench = ctx;
    bench->closed_flows++;
    bench->closed_flow = *flow;
    bench->closed_reason = reason;
}

struct net_frame bench_frame(void *ctx, const struct net_flow *flow, struct span bytes, struct net_frame_memory *memory)
{
    (void)memory;
    (void)ctx;
    (void)flow;
    uint32_t len;
    if (bytes.at[0] == '!')
        return (struct net_frame){.kind = NET_FRAME_FATAL, .reply = SPAN("bad")};
    if (bytes.at[0] == '\r') {
        if (bytes.len < 2)
            return (struct net_frame){.kind = NET_FRAME_MORE};
        return (struct net_frame){.kind = NET_FRAME_KEEP_ALIVE, .len = 2, .reply = SPAN("+")};
    }
    if (bytes.len < 4)
        return (struct net_frame){.kind = NET_FRAME_MORE};
    if (!span_to_u32(span_slice(bytes, 0, 4), &len))
        return (struct net_frame){.kind = NET_FRAME_FATAL};
    if (bytes.len < 4 + len)
        return (struct net_frame){.kind = NET_FRAME_MORE, .need = 4 + len};
    return (struct net_frame){.kind = NET_FRAME_MESSAGE, .len = 4 + len};
}

void bench_init(struct bench *bench)
{
    memset(bench, 0, sizeof(*bench));
    assert_int_equal(uv_loop_init(&bench->loop), 0);
    assert_int_equal(uv_timer_init(&bench->loop, &bench->guard), 0);
    assert_int_equal(uv_timer_start(&bench->guard, on_guard, GUARD_MS, GUARD_MS), 0);
    fake_clock_init(&bench->fake, NULL);
    bench->handlers = (struct net_handlers){
        .ctx = bench,
        .on_turn_begin = on_turn_begin,
        .on_datagram = on_datagram,
        .on_message = on_message,
        .frame = bench_frame,
        .on_flow_closed = on_flow_closed,
        .on_turn_end = on_turn_end,
    };
    bench->options =
        (struct net_stack_options){.clock = &bench->fake.clock, .wheel = &bench->fake.wheel, .key = {1, 2}};
}

void bench_open(struct bench *bench, const char *const *specs, size_t count)
{
    struct net_listen_spec parsed[8];
    struct net_bind_options options = {.worker_count = 1};
    struct fault fault = {0};
    assert_true(count <= 8);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(net_listen_spec_parse(span_of(specs[i]), &parsed[i], &fault), OK);
    if (net_bind(parsed, count, &options, &bench->listeners, &fault) != OK)
        fail_msg("%s", fault.text);
    bench->options.listeners = bench->listeners;
    assert_int_equal(net_stack_new(&bench->loop, &bench->options, &bench->handlers, &bench->stack), OK);
}

void bench_open_one(struct bench *bench, const char *spec)
{
    bench_open(bench, &spec, 1);
}

static void on_stack_closed(void *ctx)
{
    struct bench *bench = ctx;
    bench->stack_closed = true;
    uv_close((uv_handle_t *)&bench->guard, NULL);
}

void bench_done(struct bench *bench)
{
    if (bench->stack)
        net_stack_close(bench->stack, on_stack_closed, bench);
    else
        uv_close((uv_handle_t *)&bench->guard, NULL);
    assert_int_equal(uv_run(&bench->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(bench->stack_closed, bench->stack != NULL);
    assert_int_equal(uv_loop_close(&bench->loop), 0);
    assert_int_equal(bench->fake.wheel.armed, 0);
    net_listeners_free(bench->listeners);
}

const struct net_address *bench_address(const struct bench *bench, unsigned listener)
{
    return &net_listeners_at(bench->listeners, listener)->address;
}

const struct net_counters *bench_counters(const struct bench *bench)
{
    return net_stack_counters(bench->stack);
}

void bench_until(struct bench *bench, const unsigned *value, unsigned wanted)
{
    for (int i = 0; i < GUARD_TURNS && *value < wanted; i++)
        uv_run(&bench->loop, UV_RUN_ONCE);
    if (*value < wanted)
        fail_msg("waited in vain: %u of %u", *value, wanted);
}

void bench_until_u64(struct bench *bench, const uint64_t *value, uint64_t wanted)
{
    for (int i = 0; i < GUARD_TURNS && *value < wanted; i++)
        uv_run(&bench->loop, UV_RUN_ONCE);
    if (*value < wanted)
        fail_msg("waited in vain: %lu of %lu", (unsigned long)*value, (unsigned long)wanted);
}

void bench_turns(struct bench *bench, unsigned turns)
{
    for (unsigned i = 0; i < turns; i++)
        uv_run(&bench->loop, UV_RUN_NOWAIT);
}

int peer_open(enum net_transport transport, const struct net_address *to)
{
    struct sockaddr_storage address;
    socklen_t len = net_address_to_sockaddr(to, &address);
    int type = transport == NET_UDP ? SOCK_DGRAM : SOCK_STREAM;
    int fd = socket(to->family == NET_FAMILY_IP6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&address, len) != 0)
        fail_msg("connect: %s", strerror(errno));
    return fd;
}

void peer_send_bytes(int fd, const void *bytes, size_t len)
{
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
}

void peer_send(int fd, const char *text)
{
    peer_send_bytes(fd, text, strlen(text));
}

ssize_t peer_receive(struct bench *bench, int fd, void *out_bytes, size_t cap)
{
    for (int i = 0; i < GUARD_TURNS; i++) {
        ssize_t got = recv(fd, out_bytes, cap, MSG_DONTWAIT);
        if (got >= 0)
            return got;
        if (errno != EAGAIN)
            return -1;
        uv_run(&bench->loop, UV_RUN_NOWAIT);
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        (void)poll(&poll_fd, 1, 1);
    }
    fail_msg("nothing came");
    return -1;
}

void peer_expect(struct bench *bench, int fd, const char *text)
{
    char got[BENCH_LAST];
    size_t want = strlen(text);
    size_t have = 0;
    assert_true(want < sizeof(got));
    while (have < want) {
        ssize_t more = peer_receive(bench, fd, got + have, want - have);
        assert_true(more > 0);
        have += (size_t)more;
    }
    got[have] = '\0';
    assert_string_equal(got, text);
}

void peer_skip(struct bench *bench, int fd, size_t len)
{
    char *bytes = malloc(65536);
    assert_non_null(bytes);
    while (len > 0) {
        ssize_t more = peer_receive(bench, fd, bytes, len < 65536 ? len : 65536);
        assert_true(more > 0);
        len -= (size_t)more;
    }
    free(bytes);
}

void peer_expect_end(struct bench *bench, int fd)
{
    char byte;
    assert_true(peer_receive(bench, fd, &byte, 1) <= 0);
}
