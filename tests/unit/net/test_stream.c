/* SPDX-License-Identifier: Apache-2.0 */
/* Streams: messages however the bytes come, answers on the same connection, and what becomes of it. */
#include "support_net.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int open_tcp(struct bench *bench)
{
    bench_open_one(bench, "tcp:127.0.0.1:0");
    return peer_open(NET_TCP, bench_address(bench, 0));
}

static void answers_go_back_on_the_same_connection(void **state)
{
    (void)state;
    static const char *const specs[] = {"tcp:127.0.0.1:0", "tcp:[::1]:0"};
    for (size_t i = 0; i < 2; i++) {
        struct bench bench;
        bench_init(&bench);
        bench.echo = i == 0;
        bench.echo_built = i == 1;
        bench_open_one(&bench, specs[i]);
        int peer = peer_open(NET_TCP, bench_address(&bench, 0));
        peer_send(peer, "0005hello");
        peer_expect(&bench, peer, "0005hello");
        peer_send(peer, "0003one0003two");
        peer_expect(&bench, peer, "0003one0003two");
        assert_int_equal(bench.flow.transport, NET_TCP);
        assert_int_equal(bench.flow.outgoing, 0);
        assert_true(net_address_equal(&bench.flow.local, bench_address(&bench, 0)));
        assert_true(net_flow_is_open(bench.stack, &bench.flow));
        assert_int_equal(bench_counters(&bench)->stream_messages, 3);
        assert_int_equal(bench_counters(&bench)->stream_accepted, 1);
        assert_int_equal(bench_counters(&bench)->stream_received_bytes, 9 + 14);
        assert_int_equal(bench_counters(&bench)->stream_sent_bytes, 9 + 14);
        close(peer);
        bench_until(&bench, &bench.closed_flows, 1);
        assert_int_equal(bench.closed_reason, NET_CLOSE_BY_PEER);
        assert_true(net_flow_equal(&bench.closed_flow, &bench.flow));
        assert_int_equal(bench_counters(&bench)->stream_open, 0);
        bench_done(&bench);
    }
}

static void pieces_become_messages(void **state)
{
    (void)state;
    static const char text[] = "0003abc\r\n0006defghi0000\r\n\r\n0001j";
    struct bench bench;
    int on = 1;
    bench_init(&bench);
    bench.echo = true;
    int peer = open_tcp(&bench);
    assert_int_equal(setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
    for (size_t i = 0; text[i]; i++) {
        peer_send_bytes(peer, &text[i], 1);
        bench_turns(&bench, 2);
    }
    peer_expect(&bench, peer, "0003abc+0006defghi0000++0001j");
    assert_int_equal(bench.messages, 4);
    assert_int_equal(bench_counters(&bench)->stream_keep_alives, 3);
    close(peer);
    bench_done(&bench);
}

static void ten_thousand_pipelined_keep_their_order(void **state)
{
    (void)state;
    enum { COUNT = 10000, LEN = 4 + 30 };
    struct bench bench;
    char *all = malloc(COUNT * LEN + 1);
    char *got = malloc(COUNT * LEN);
    size_t have = 0;
    size_t sent = 0;
    assert_non_null(all);
    assert_non_null(got);
    bench_init(&bench);
    bench.echo = true;
    int peer = open_tcp(&bench);
    for (int i = 0; i < COUNT; i++)
        (void)snprintf(all + (size_t)i * LEN, LEN + 1, "0030this is message number %06d", i);
    while (have < COUNT * LEN) {
        ssize_t more = sent < COUNT * LEN ? send(peer, all + sent, COUNT * LEN - sent, MSG_DONTWAIT) : 0;
        if (more > 0)
            sent += (size_t)more;
        more = peer_receive(&bench, peer, got + have, COUNT * LEN - have);
        assert_true(more > 0);
        have += (size_t)more;
    }
    assert_memory_equal(all, got, COUNT * LEN);
    assert_int_equal(bench.messages, COUNT);
    assert_int_equal(bench.out_of_order, 0);
    free(all);
    free(got);
    close(peer);
    bench_done(&bench);
}

/* Half-closing after a request is no reason to lose the answer. */
static void a_peer_that_has_no_more_to_say_is_answered(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.echo = true;
    int peer = open_tcp(&bench);
    peer_send(peer, "0001a0001b");
    assert_int_equal(shutdown(peer, SHUT_WR), 0);
    peer_expect(&bench, peer, "0001a0001b");
    peer_expect_end(&bench, peer);
    bench_until(&bench, &bench.closed_flows, 1);
    assert_int_equal(bench.closed_reason, NET_CLOSE_BY_PEER);
    close(peer);
    bench_done(&bench);
}

static void a_flow_that_has_gone_is_told_from_its_successor(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    int peer = open_tcp(&bench);
    peer_send(peer, "0001a");
    bench_until(&bench, &bench.messages, 1);
    struct net_flow old = bench.flow;
    close(peer);
    bench_until(&bench, &bench.closed_flows, 1);
    assert_int_equal(net_send(bench.stack, &old, SPAN("0001A")), ERR_CLOSED);
    assert_false(net_flow_is_open(bench.stack, &old));
    peer = peer_open(NET_TCP, bench_address(&bench, 0));
    peer_send(peer, "0001b");
    bench_until(&bench, &bench.messages, 2);
    assert_int_equal(bench.flow.slot, old.slot);
    assert_true(bench.flow.generation != old.generation);
    assert_int_equal(net_send(bench.stack, &old, SPAN("0001A")), ERR_CLOSED);
    net_close_flow(bench.stack, &old);
    assert_int_equal(net_send(bench.stack, &bench.flow, SPAN("0001B")), OK);
    peer_expect(&bench, peer, "0001B");
    struct net_flow wrong = bench.flow;
    wrong.worker = 1;
    assert_int_equal(net_send(bench.stack, &wrong, SPAN("x")), ERR_INVALID);
    assert_false(net_flow_is_open(bench.stack, &wrong));
    net_close_flow(bench.stack, &wrong);
    wrong = bench.flow;
    wrong.slot = 0xffffffff;
    assert_int_equal(net_send(bench.stack, &wrong, SPAN("x")), ERR_CLOSED);
    assert_int_equal(bench.closed_flows, 1);
    close(peer);
    bench_done(&bench);
}

static void a_broken_stream_is_answered_and_closed(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.echo = true;
    int peer = open_tcp(&bench);
    peer_send(peer, "0001a!and much more that nobody reads");
    peer_expect(&bench, peer, "0001abad");
    peer_expect_end(&bench, peer);
    assert_false(net_flow_is_open(bench.stack, &bench.flow));
    assert_int_equal(bench.messages, 1);
    close(peer);
    bench_until(&bench, &bench.closed_flows, 1);
    assert_int_equal(bench.closed_reason, NET_CLOSE_FRAMING);
    assert_int_equal(bench_counters(&bench)->stream_closed[NET_CLOSE_FRAMING], 1);
    bench_done(&bench);
}

static void a_flow_can_be_closed_in_its_own_callback(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.echo = true;
    bench.close_after = true;
    int peer = open_tcp(&bench);
    peer_send(peer, "0001a0001b");
    peer_expect(&bench, peer, "0001a");
    peer_expect_end(&bench, peer);
    assert_int_equal(bench.messages, 1);
    /* The peer keeps its side open: two seconds are all it gets. */
    bench_turns(&bench, 5);
    assert_int_equal(bench.closed_flows, 0);
    fake_clock_pass(&bench.fake, 1999);
    bench_turns(&bench, 2);
    assert_int_equal(bench.closed_flows, 0);
    fake_clock_pass(&bench.fake, 1);
    bench_turns(&bench, 2);
    assert_int_equal(bench.closed_flows, 1);
    assert_int_equal(bench.closed_reason, NET_CLOSE_BY_US);
    close(peer);
    bench_done(&bench);
}

static void a_message_that_is_refused_comes_again(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.echo = true;
    bench.refuse = true;
    int peer = open_tcp(&bench);
    peer_send(peer, "0001a0001b00");
    bench_until_u64(&bench, &bench_counters(&bench)->stream_stalls, 1);
    /* What comes now stays with the kernel. */
    peer_send(peer, "01c");
    bench_turns(&bench, 5);
    assert_int_equal(bench_counters(&bench)->stream_received_bytes, 12);
    fake_clock_pass(&bench.fake, 30000); /* far past message_ms: it is we who make it wait */
    assert_true(bench_counters(&bench)->stream_stalls > 1000);
    assert_int_equal(bench.messages, 0);
    assert_int_equal(bench.closed_flows, 0);
    bench.refuse = false;
    fake_clock_pass(&bench.fake, 2);
    assert_int_equal(bench.messages, 2);
    peer_expect(&bench, peer, "0001a0001b0001c");
    /* Closing while one is refused. */
    bench.refuse = true;
    peer_send(peer, "0001d");
    uint64_t stalls = bench_counters(&bench)->stream_stalls;
    bench_until_u64(&bench, &bench_counters(&bench)->stream_stalls, stalls + 1);
    net_close_flow(bench.stack, &bench.flow);
    fake_clock_pass(&bench.fake, 5000);
    bench_turns(&bench, 3);
    assert_int_equal(bench.closed_flows, 1);
    close(peer);
    bench_done(&bench);
}

static void closing_the_stack_ends_all(void **state)
{
    (void)state;
    struct bench bench;
    int peers[5];
    bench_init(&bench);
    bench.echo = true;
    bench_open_one(&bench, "tcp:127.0.0.1:0");
    for (int i = 0; i < 5; i++) {
        peers[i] = peer_open(NET_TCP, bench_address(&bench, 0));
        peer_send(peers[i], i == 0 ? "0001a00" : "0001a");
    }
    bench_until(&bench, &bench.messages, 5);
    net_stack_stop_accepting(bench.stack);
    peer_send(peers[1], "0001b");
    bench_until(&bench, &bench.messages, 6);
    assert_int_equal(net_send(bench.stack, &bench.flow, SPAN("last")), OK);
    bench_done(&bench);
    assert_int_equal(bench.closed_flows, 5);
    assert_int_equal(bench.closed_reason, NET_CLOSE_SHUTDOWN);
    peer_expect(&bench, peers[1], "0001a0001blast");
    for (int i = 0; i < 5; i++)
        close(peers[i]);
}

static bool on_last_message(void *ctx, const struct net_flow *flow, struct span bytes)
{
    struct bench *bench = ctx;
    bench->messages++;
    assert_int_equal(net_send(bench->stack, flow, bytes), OK);
    net_stack_close(bench->stack, NULL, NULL);
    bench->stack = NULL;
    return true;
}

static void closing_in_a_callback_is_fine(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.handlers.on_message = on_last_message;
    int peer = open_tcp(&bench);
    peer_send(peer, "0001a0001b00");
    peer_expect(&bench, peer, "0001a");
    peer_expect_end(&bench, peer);
    bench_until(&bench, &bench.closed_flows, 1);
    assert_int_equal(bench.closed_reason, NET_CLOSE_SHUTDOWN);
    assert_int_equal(bench.messages, 1);
    close(peer);
    bench_done(&bench);
}

static void a_thousand_connections_are_served(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    struct bench bench;
    static int peers[COUNT];
    bench_init(&bench);
    bench.echo = true;
    (void)net_raise_descriptor_limit();
    bench_open_one(&bench, "tcp:127.0.0.1:0");
    for (int i = 0; i < COUNT; i++) {
        peers[i] = peer_open(NET_TCP, bench_address(&bench, 0));
        if (i % 100 == 99)
            bench_until_u64(&bench, &bench_counters(&bench)->stream_accepted, (uint64_t)i + 1);
    }
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < COUNT; i++)
            peer_send(peers[i], "0004ping");
        for (int i = 0; i < COUNT; i++)
            peer_expect(&bench, peers[i], "0004ping");
    }
    assert_int_equal(bench.messages, 3 * COUNT);
    assert_int_equal(bench_counters(&bench)->stream_open, COUNT);
    for (int i = 0; i < COUNT; i++)
        close(peers[i]);
    bench_until(&bench, &bench.closed_flows, COUNT);
    assert_int_equal(bench_counters(&bench)->stream_open, 0);
    bench_done(&bench);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_go_back_on_the_same_connection),
        cmocka_unit_test(pieces_become_messages),
        cmocka_unit_test(ten_thousand_pipelined_keep_their_order),
        cmocka_unit_test(a_peer_that_has_no_more_to_say_is_answered),
        cmocka_unit_test(a_flow_that_has_gone_is_told_from_its_successor),
        cmocka_unit_test(a_broken_stream_is_answered_and_closed),
        cmocka_unit_test(a_flow_can_be_closed_in_its_own_callback),
        cmocka_unit_test(a_message_that_is_refused_comes_again),
        cmocka_unit_test(closing_the_stack_ends_all),
        cmocka_unit_test(closing_in_a_callback_is_fine),
        cmocka_unit_test(a_thousand_connections_are_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
