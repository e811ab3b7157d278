/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that we open: messages wait for them, they are used again, and their failing is told. */
#include "support_net.h"

#include <netinet/in.h>
#include <unistd.h>

/* A listening peer. */
static int listen_peer(int backlog, struct net_address *out_address)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(net_address_from_sockaddr((struct sockaddr *)&address, out_address), OK);
    return fd;
}

static void messages_wait_for_the_connection(void **state)
{
    (void)state;
    static const char *const specs[] = {"udp:127.0.0.1:0", "tcp:127.0.0.1:0"};
    struct bench bench;
    struct net_address remote;
    struct net_flow flow;
    struct net_flow again;
    bench_init(&bench);
    bench_open(&bench, specs, 2);
    int listening = listen_peer(5, &remote);
    assert_int_equal(net_connect(bench.stack, NET_TCP, &remote, &flow), OK);
    assert_int_equal(flow.outgoing, 1);
    assert_int_equal(flow.listener, 1);
    assert_true(net_address_equal(&flow.remote, &remote));
    assert_true(flow.local.port > 0);
    assert_true(net_flow_is_open(bench.stack, &flow));
    assert_int_equal(net_send(bench.stack, &flow, SPAN("0003one")), OK);
    struct buffer room = net_send_begin(bench.stack);
    buffer_add_literal(&room, "0003two");
    assert_int_equal(net_send_end(bench.stack, &flow, &room), OK);
    int peer = accept(listening, NULL, NULL);
    peer_expect(&bench, peer, "0003one0003two");
    assert_int_equal(bench_counters(&bench)->stream_connected, 1);
    peer_send(peer, "0002ok");
    bench_until(&bench, &bench.messages, 1);
    assert_true(net_flow_equal(&bench.flow, &flow));
    /* The same peer is reached over the same connection. */
    assert_int_equal(net_connect(bench.stack, NET_TCP, &remote, &again), OK);
    assert_true(net_flow_equal(&again, &flow));
    /* It owes us nothing, however long nothing comes, within idle_ms. */
    fake_clock_pass(&bench.fake, 599000);
    bench_turns(&bench, 2);
    assert_int_equal(bench.closed_flows, 0);
    close(peer);
    bench_until(&bench, &bench.closed_flows, 1);
    assert_int_equal(net_send(bench.stack, &flow, SPAN("0000")), ERR_CLOSED);
    /* Once it has gone, there is a new one. */
    assert_int_equal(net_connect(bench.stack, NET_TCP, &remote, &again), OK);
    assert_false(net_flow_equal(&again, &flow));
    peer = accept(listening, NULL, NULL);
    bench_until_u64(&bench, &bench_counters(&bench)->stream_connected, 2);
    close(peer);
    close(listening);
    bench_done(&bench);
}

static void a_refused_connection_is_told(void **state)
{
    (void)state;
    struct bench bench;
    struct net_address remote;
    struct net_flow flow;
    bench_init(&bench);
    bench_open_one(&bench, "tcp:127.0.0.1:0");
    close(listen_peer(5, &remote));
    enum err err = net_connect(bench.stack, NET_TCP, &remote, &flow);
    if (err == OK) {
        bench_until(&bench, &bench.closed_flows, 1);
        assert_int_equal(bench.closed_reason, NET_CLOSE_CONNECT);
    } else {
        assert_int_equal(err, ERR_IO);
    }
    assert_int_equal(bench_counters(&bench)->stream_open, 0);
    bench_done(&bench);
}

/* A listener whose queue is full does not answer: the connection stays half-open. */
static int unanswering_peer(struct net_address *out_address, int *out_fillers, int fillers)
{
    int listening = listen_peer(0, out_address);
    for (int i = 0; i < fillers; i++) {
        struct sockaddr_storage address;
        socklen_t len = net_address_to_sockaddr(out_address, &address);
        out_fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)!connect(out_fillers[i], (struct sockaddr *)&address, len);
    }
    return listening;
}

static void a_connection_must_come_up_in_time(void **state)
{
    (void)state;
    struct bench bench;
    struct net_address remote;
    struct net_flow flow;
    static char large[4000];
    int fillers[4];
    bench_init(&bench);
    bench.options.limits.output_max = 10000;
    bench_open_one(&bench, "tcp:127.0.0.1:0");
    int listening = unanswering_peer(&remote, fillers, 4);
    assert_int_equal(net_connect(bench.stack, NET_TCP, &remote, &flow), OK);
    assert_int_equal(net_send(bench.stack, &flow, span_make(large, sizeof(large))), OK);
    assert_int_equal(net_send(bench.stack, &flow, span_make(large, sizeof(large))), OK);
    assert_int_equal(net_send(bench.stack, &flow, span_make(large, sizeof(large))), ERR_FULL);
    bench_turns(&bench, 3);
    fake_clock_pass(&bench.fake, 4999);
    bench_turns(&bench, 2);
    assert_int_equal(bench.closed_flows, 0);
    fake_clock_pass(&bench.fake, 1);
    bench_until(&bench, &bench.closed_flows, 1);
    assert_int_equal(bench.closed_reason, NET_CLOSE_CONNECT);
    /* One that is closed by us before it is there. */
    assert_int_equal(net_connect(bench.stack, NET_TCP, &remote, &flow), OK);
    net_close_flow(bench.stack, &flow);
    bench_until(&bench, &bench.closed_flows, 2);
    assert_int_equal(bench.closed_reason, NET_CLOSE_BY_US);
    /* And one that is cut short by the end. */
    assert_int_equal(net_connect(bench.stack, NET_TCP, &remote, &flow), OK);
    bench_done(&bench);
    assert_int_equal(bench.closed_reason, NET_CLOSE_SHUTDOWN);
    for (int i = 0; i < 4; i++)
        close(fillers[i]);
    close(listening);
}

static void what_cannot_be_connected_is_said(void **state)
{
    (void)state;
    struct bench bench;
    struct net_address remote;
    struct net_flow flow;
    bench_init(&bench);
    bench.options.limits.connections_max = 1;
    bench_open_one(&bench, "tcp:127.0.0.1:0");
    int listening = listen_peer(5, &remote);
    assert_int_equal(net_connect(bench.stack, NET_TLS, &remote, &flow), ERR_UNSUPPORTED);
    struct net_address nowhere = {0};
    assert_int_equal(net_connect(bench.stack, NET_TCP, &nowhere, &flow), ERR_INVALID);
    assert_int_equal(net_connect(bench.stack, NET_TCP, &remote, &flow), OK);
    struct net_address other = *bench_address(&bench, 0);
    assert_int_equal(net_connect(bench.stack, NET_TCP, &other, &flow), ERR_FULL);
    close(listening);
    bench_done(&bench);
}

/* Both ends in one stack: our own listener is the peer. */
static void a_stack_can_talk_to_itself(void **state)
{
    (void)state;
    struct bench bench;
    struct net_flow flow;
    bench_init(&bench);
    bench.echo = true;
    bench_open_one(&bench, "tcp:[::1]:0");
    assert_int_equal(net_connect(bench.stack, NET_TCP, bench_address(&bench, 0), &flow), OK);
    for (int i = 0; i < 100; i++)
        assert_int_equal(net_send(bench.stack, &flow, SPAN("0004ping")), OK);
    bench_until(&bench, &bench.messages, 200);
    assert_int_equal(bench_counters(&bench)->stream_open, 2);
    net_close_flow(bench.stack, &flow);
    bench_until(&bench, &bench.closed_flows, 2);
    assert_int_equal(bench_counters(&bench)->stream_closed[NET_CLOSE_BY_US], 1);
    assert_int_equal(bench_counters(&bench)->stream_closed[NET_CLOSE_BY_PEER], 1);
    bench_done(&bench);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_wait_for_the_connection),  cmocka_unit_test(a_refused_connection_is_told),
        cmocka_unit_test(a_connection_must_come_up_in_time), cmocka_unit_test(what_cannot_be_connected_is_said),
        cmocka_unit_test(a_stack_can_talk_to_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
