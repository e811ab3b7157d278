/* SPDX-License-Identifier: Apache-2.0 */
/* The layer in a stack on loopback: messages that have to wait, a peer that never ends one, memory that is not there.  What
 * frames may be: tests/integration/test_websocket.py and tests/fuzz/fuzz_websocket.c. */
#include "support/failing_malloc.h"
#include "support_net.h"

#include "websocket/websocket_layer.h"
#include <unistd.h>

enum { FAILURES_MAX = 100 };

static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Protocol: sip\r\n\r\n";
static const char response[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
/* "hello" with a mask of zeros, and as it comes back. */
static const char hello[] = "\x81\x85\0\0\0\0hello";
static const char hello_back[] = "\x81\x05hello";

static struct websocket_worker worker;
static const struct net_layer_use layers[] = {{&websocket_layer, &worker}, {NULL, NULL}};

/* `ping_ms`: how long a silent peer is left alone; 0: for ever. */
static void asking_bench(struct bench *bench, uint32_t ping_ms)
{
    worker = (struct websocket_worker){{0}, {0}};
    bench_init(bench);
    bench->options.layers[NET_WS] = layers;
    bench->options.limits.ping_ms = ping_ms;
    bench->echo = true;
    bench_open_one(bench, "ws:127.0.0.1:0");
}

static void ws_bench(struct bench *bench)
{
    asking_bench(bench, 0);
}

static int upgraded(struct bench *bench)
{
    int peer = peer_open(NET_WS, bench_address(bench, 0));
    peer_send(peer, request);
    peer_expect(bench, peer, response);
    return peer;
}

static void hellos(int peer, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        peer_send_bytes(peer, hello, sizeof(hello) - 1);
}

static void refused_messages_wait_in_order(void **state)
{
    (void)state;
    struct bench bench;
    ws_bench(&bench);
    int peer = upgraded(&bench);
    bench.refuse = true;
    hellos(peer, 50);
    bench_until_u64(&bench, &bench_counters(&bench)->stream_stalls, 1);
    assert_int_equal(bench.messages, 0);
    bench.refuse = false;
    fake_clock_pass(&bench.fake, 2);
    for (int i = 0; i < 50; i++)
        peer_expect(&bench, peer, hello_back);
    assert_int_equal(bench.messages, 50);
    close(peer);
    bench_done(&bench);
}

/* A goodbye behind messages that have to wait does not lose them. */
static void refused_messages_are_taken_before_the_end(void **state)
{
    (void)state;
    struct bench bench;
    ws_bench(&bench);
    int peer = upgraded(&bench);
    bench.refuse = true;
    peer_send_bytes(peer, "\x81\x85\0\0\0\0hello\x81\x85\0\0\0\0again\x88\x82\0\0\0\0\x03\xe8", 30);
    bench_until_u64(&bench, &bench_counters(&bench)->stream_stalls, 1);
    bench.refuse = false;
    fake_clock_pass(&bench.fake, 2);
    bench_until(&bench, &bench.messages, 2);
    peer_expect(&bench, peer,
                "\x81\x05hello\x81\x05"
                "again\x88\x02\x03\xe8");
    peer_expect_end(&bench, peer);
    close(peer);
    bench_until_u64(&bench, &bench_counters(&bench)->stream_closed[NET_CLOSE_BY_PEER], 1);
    bench_done(&bench);
}

static void a_message_without_an_end_is_not_waited_for(void **state)
{
    (void)state;
    struct bench bench;
    ws_bench(&bench);
    int peer = upgraded(&bench);
    /* Idle it may be; in the middle of a message it may not. */
    fake_clock_pass(&bench.fake, 30000);
    hellos(peer, 1);
    peer_expect(&bench, peer, hello_back);
    peer_send_bytes(peer, "\x01\x81\0\0\0\0x", 7);
    bench_until_u64(&bench, &bench_counters(&bench)->stream_received_bytes,
                    sizeof(request) - 1 + sizeof(hello) - 1 + 7);
    fake_clock_pass(&bench.fake, 20000);
    bench_until(&bench, &bench.closed_flows, 1);
    assert_int_equal(bench.closed_reason, NET_CLOSE_SLOW_MESSAGE);
    close(peer);
    bench_done(&bench);
}

static void an_upgrade_that_trickles_ends(void **state)
{
    (void)state;
    struct bench bench;
    ws_bench(&bench);
    int peer = peer_open(NET_WS, bench_address(&bench, 0));
    for (int i = 0; i < 5; i++) {
        peer_send_bytes(peer, request + i, 1);
        bench_until_u64(&bench, &bench_counters(&bench)->stream_received_bytes, (uint64_t)i + 1);
        fake_clock_pass(&bench.fake, 2000);
    }
    bench_until(&bench, &bench.closed_flows, 1);
    assert_int_equal(bench.closed_reason, NET_CLOSE_SLOW_START);
    close(peer);
    bench_done(&bench);
}

static void a_silent_peer_is_asked(void **state)
{
    (void)state;
    struct bench bench;
    ws_bench(&bench);
    int peer = upgraded(&bench);
    fake_clock_pass(&bench.fake, 100000);
    hellos(peer, 1);
    peer_expect(&bench, peer, hello_back); /* nobody asked, within idle_ms */
    close(peer);
    bench_done(&bench);

    asking_bench(&bench, 45000);
    peer = upgraded(&bench);
    for (unsigned i = 1; i <= 20; i++) { /* longer than idle_ms: it lives */
        fake_clock_pass(&bench.fake, 45000);
        bench_turns(&bench, 2);
        peer_expect(&bench, peer, "\x89");
        char zero;
        assert_int_equal(recv(peer, &zero, 1, 0), 1);
        assert_int_equal(zero, 0);
        fake_clock_pass(&bench.fake, 14000);
        peer_send_bytes(peer, "\x8a\x80\0\0\0\0", 6);
        bench_until_u64(&bench, &worker.counters.pongs, i);
    }
    hellos(peer, 1); /* whatever comes is a sign of life, and puts the next question off */
    peer_expect(&bench, peer, hello_back);
    fake_clock_pass(&bench.fake, 44000);
    bench_turns(&bench, 2);
    assert_int_equal(bench.closed_flows, 0);
    fake_clock_pass(&bench.fake, 1000);
    bench_turns(&bench, 2);
    assert_int_equal(bench.closed_flows, 0);
    fake_clock_pass(&bench.fake, 15000);
    bench_until(&bench, &bench.closed_flows, 1);
    assert_int_equal(bench.closed_reason, NET_CLOSE_DEAD);
    close(peer);
    bench_done(&bench);
}

/* Whom we do not read from, for we cannot take his messages, is not asked: his answer would lie unread. */
static void who_is_not_listened_to_is_not_asked(void **state)
{
    (void)state;
    struct bench bench;
    asking_bench(&bench, 45000);
    int peer = upgraded(&bench);
    bench.refuse = true;
    hellos(peer, 1);
    bench_until_u64(&bench, &bench_counters(&bench)->stream_stalls, 1);
    for (int i = 0; i < 4; i++) {
        fake_clock_pass(&bench.fake, 45000);
        bench_turns(&bench, 2);
    }
    bench.refuse = false;
    fake_clock_pass(&bench.fake, 2);
    peer_expect(&bench, peer, hello_back);
    assert_int_equal(bench.closed_flows, 0);
    close(peer);
    bench_done(&bench);
}

static void we_cannot_connect(void **state)
{
    (void)state;
    struct bench bench;
    struct net_flow flow;
    ws_bench(&bench);
    assert_int_equal(net_connect(bench.stack, NET_WS, bench_address(&bench, 0), &flow), OK);
    bench_until(&bench, &bench.closed_flows, 1);
    assert_int_equal(bench.closed_reason, NET_CLOSE_WEBSOCKET);
    bench_done(&bench);
}

static void without_memory_one_connection_is_lost(void **state)
{
    (void)state;
    bool complete = false;
    for (unsigned n = 1; !complete && n < FAILURES_MAX; n++) {
        struct bench bench;
        ws_bench(&bench);
        int peer = peer_open(NET_WS, bench_address(&bench, 0));
        peer_send(peer, request);
        peer_send_bytes(peer, "\x01\x82\0\0\0\0he", 8);
        failing_malloc_at(n);
        bench_turns(&bench, 5);
        (void)!send(peer, "\x80\x83\0\0\0\0llo", 9, MSG_NOSIGNAL);
        bench_turns(&bench, 5);
        complete = !failing_malloc_off();
        close(peer);
        peer = upgraded(&bench);
        hellos(peer, 1);
        peer_expect(&bench, peer, hello_back);
        close(peer);
        bench_done(&bench);
    }
    assert_true(complete);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_messages_wait_in_order),
        cmocka_unit_test(refused_messages_are_taken_before_the_end),
        cmocka_unit_test(a_message_without_an_end_is_not_waited_for),
        cmocka_unit_test(an_upgrade_that_trickles_ends),
        cmocka_unit_test(a_silent_peer_is_asked),
        cmocka_unit_test(who_is_not_listened_to_is_not_asked),
        cmocka_unit_test(we_cannot_connect),
        cmocka_unit_test(without_memory_one_connection_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
