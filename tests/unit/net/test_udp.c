/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams: batches in and out, every size, full sockets, and destinations that cannot be reached. */
#include "support_net.h"
#include "util/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void an_answer_goes_back(const char *spec, bool built)
{
    struct bench bench;
    bench_init(&bench);
    bench.echo = true;
    bench.echo_built = built;
    bench_open_one(&bench, spec);
    int peer = peer_open(NET_UDP, bench_address(&bench, 0));
    peer_send(peer, "hello");
    peer_expect(&bench, peer, "hello");
    assert_int_equal(bench.flow.transport, NET_UDP);
    assert_int_equal(bench.flow.listener, 0);
    assert_true(net_address_equal(&bench.flow.local, bench_address(&bench, 0)));
    assert_true(net_address_is_loopback(&bench.flow.remote));
    assert_true(net_flow_is_open(bench.stack, &bench.flow));
    assert_int_equal(bench.turns_begun, 1);
    bench_turns(&bench, 1);
    assert_int_equal(bench.turns_ended, 1);
    assert_int_equal(bench_counters(&bench)->udp_received, 1);
    assert_int_equal(bench_counters(&bench)->udp_received_bytes, 5);
    assert_int_equal(bench_counters(&bench)->udp_sent, 1);
    assert_int_equal(bench_counters(&bench)->udp_sent_bytes, 5);
    close(peer);
    bench_done(&bench);
}

static void answers_go_back(void **state)
{
    (void)state;
    an_answer_goes_back("udp:127.0.0.1:0", false);
    an_answer_goes_back("udp:127.0.0.1:0", true);
    an_answer_goes_back("udp:[::1]:0", false);
}

static void bursts_are_answered_in_order(void **state)
{
    (void)state;
    enum { COUNT = 500 };
    struct bench bench;
    char text[32];
    bench_init(&bench);
    bench.echo = true;
    bench_open_one(&bench, "udp:127.0.0.1:0");
    int peer = peer_open(NET_UDP, bench_address(&bench, 0));
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(text, sizeof(text), "message %06d", i);
        peer_send(peer, text);
    }
    /* At most four batches of 64 in a turn (fewer on a machine that is busy): others get theirs. */
    bench_turns(&bench, 1);
    assert_in_range(bench.datagrams, 64, 256);
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(text, sizeof(text), "message %06d", i);
        peer_expect(&bench, peer, text);
    }
    assert_int_equal(bench.out_of_order, 0);
    assert_in_range(bench_counters(&bench)->udp_batches, 8, 40);
    close(peer);
    bench_done(&bench);
}

static void every_size_arrives_whole(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 1500, 4096, 4097, 40000, 65507};
    static char sent[65507];
    static char got[65536];
    struct bench bench;
    bench_init(&bench);
    bench.echo_built = true;
    bench_open_one(&bench, "udp:127.0.0.1:0");
    int peer = peer_open(NET_UDP, bench_address(&bench, 0));
    for (size_t i = 0; i < sizeof(sent); i++)
        sent[i] = (char)(i * 7 + i / 251);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        peer_send_bytes(peer, sent, sizes[i]);
        assert_int_equal(peer_receive(&bench, peer, got, sizeof(got)), sizes[i]);
        assert_memory_equal(sent, got, sizes[i]);
    }
    /* Nothing is in an empty one, and nobody is asked. */
    peer_send_bytes(peer, "", 0);
    bench_until_u64(&bench, &bench_counters(&bench)->udp_empty, 1);
    assert_int_equal(bench.datagrams, 6);
    close(peer);
    bench_done(&bench);
}

/* Each message larger than what is left of the arena sends what is there before. */
static void large_answers_do_not_fill_the_arena(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.inflate = 30000;
    bench_open_one(&bench, "udp:127.0.0.1:0");
    int peer = peer_open(NET_UDP, bench_address(&bench, 0));
    for (int i = 0; i < 20; i++)
        peer_send(peer, "x");
    bench_until(&bench, &bench.datagrams, 20);
    assert_int_equal(bench.sent, OK);
    bench_until_u64(&bench, &bench_counters(&bench)->udp_sent, 20);
    assert_int_equal(bench_counters(&bench)->udp_sent_bytes, 600000);
    close(peer);
    bench_done(&bench);
}

static void what_cannot_be_sent_is_said(void **state)
{
    (void)state;
    struct bench bench;
    char *large = calloc(1, 70000);
    bench_init(&bench);
    const char *specs[] = {"udp:127.0.0.1:0", "tcp:127.0.0.1:0"};
    bench_open(&bench, specs, 2);
    struct net_flow flow;
    struct net_flow wrong;
    struct net_address v6;
    assert_int_equal(net_udp_flow(bench.stack, 0, bench_address(&bench, 0), &flow), OK);
    assert_int_equal(net_udp_flow(bench.stack, 1, bench_address(&bench, 0), &wrong), ERR_NOT_FOUND);
    assert_int_equal(net_udp_flow(bench.stack, 9, bench_address(&bench, 0), &wrong), ERR_NOT_FOUND);
    assert_int_equal(net_send(bench.stack, &flow, span_make(large, 65508)), ERR_TOO_LONG);
    assert_int_equal(net_send(bench.stack, &flow, span_make(large, 70000)), ERR_TOO_LONG);
    wrong = flow;
    wrong.listener = 1;
    assert_int_equal(net_send(bench.stack, &wrong, SPAN("x")), ERR_INVALID);
    wrong.listener = 17;
    assert_int_equal(net_send(bench.stack, &wrong, SPAN("x")), ERR_INVALID);
    wrong = flow;
    assert_int_equal(net_address_parse(SPAN("[::1]:9"), 0, &v6), OK);
    wrong.remote = v6;
    assert_int_equal(net_send(bench.stack, &wrong, SPAN("x")), ERR_INVALID);
    net_flush(bench.stack);
    assert_int_equal(bench_counters(&bench)->udp_sent, 0);
    free(large);
    bench_done(&bench);
}

static void our_own_datagrams_leave_from_the_fitting_socket(void **state)
{
    (void)state;
    static const char *const specs[] = {"tcp:127.0.0.1:0", "udp:127.0.0.1:0", "udp:[::1]:0"};
    struct bench bench;
    struct net_flow flow;
    struct net_address remote;
    bench_init(&bench);
    bench_open(&bench, specs, 3);
    assert_int_equal(net_address_parse(SPAN("127.0.0.1:9"), 0, &remote), OK);
    assert_int_equal(net_connect(bench.stack, NET_UDP, &remote, &flow), OK);
    assert_int_equal(flow.listener, 1);
    assert_true(net_address_equal(&flow.remote, &remote));
    assert_int_equal(net_address_parse(SPAN("[::1]:9"), 0, &remote), OK);
    assert_int_equal(net_connect(bench.stack, NET_UDP, &remote, &flow), OK);
    assert_int_equal(flow.listener, 2);
    remote.port = 0;
    assert_int_equal(net_connect(bench.stack, NET_UDP, &remote, &flow), ERR_INVALID);
    bench_done(&bench);
    bench_init(&bench);
    bench_open_one(&bench, "udp:127.0.0.1:0");
    assert_int_equal(net_address_parse(SPAN("[::1]:9"), 0, &remote), OK);
    assert_int_equal(net_connect(bench.stack, NET_UDP, &remote, &flow), ERR_NOT_FOUND);
    bench_done(&bench);
}

/* A port that nobody listens on answers by ICMP, which an unconnected socket is spared; a destination that the kernel
 * refuses costs its own datagram alone. */
static void unreachable_peers_cost_nobody_else(void **state)
{
    (void)state;
    struct bench bench;
    struct net_flow good;
    struct net_flow dead;
    struct net_flow impossible;
    bench_init(&bench);
    bench_open_one(&bench, "udp:127.0.0.1:0");
    int peer = peer_open(NET_UDP, bench_address(&bench, 0));
    peer_send(peer, "x");
    bench_until(&bench, &bench.datagrams, 1);
    good = dead = impossible = bench.flow;
    int gone = peer_open(NET_UDP, bench_address(&bench, 0));
    peer_send(gone, "x");
    bench_until(&bench, &bench.datagrams, 2);
    dead = bench.flow;
    close(gone);
    impossible.remote.ip[0] = 255; /* a broadcast, without SO_BROADCAST */
    impossible.remote.ip[1] = impossible.remote.ip[2] = impossible.remote.ip[3] = 255;
    for (int round = 0; round < 10; round++) {
        assert_int_equal(net_send(bench.stack, &dead, SPAN("into the void")), OK);
        assert_int_equal(net_send(bench.stack, &impossible, SPAN("nowhere")), OK);
        assert_int_equal(net_send(bench.stack, &good, SPAN("here")), OK);
        peer_expect(&bench, peer, "here");
    }
    assert_int_equal(bench_counters(&bench)->udp_send_errors, 10);
    peer_send(peer, "still there");
    bench_until(&bench, &bench.datagrams, 3);
    assert_int_equal(bench_counters(&bench)->udp_receive_errors, 0);
    close(peer);
    bench_done(&bench);
}

/* A kernel that takes `allowance` datagrams and then says that the socket is full. */
static int allowance;

static int send_some(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    if (allowance == 0) {
        errno = EAGAIN;
        return -1;
    }
    unsigned take = count < (unsigned)allowance ? count : (unsigned)allowance;
    allowance -= (int)take;
    return sendmmsg(fd, messages, take, flags);
}

static void a_full_socket_keeps_order(void **state)
{
    (void)state;
    struct bench bench;
    struct net_system system = net_system_real;
    char text[16];
    system.send_many = send_some;
    bench_init(&bench);
    bench.options.system = &system;
    bench.options.limits.udp_queue_max = 60;
    bench.echo = true;
    bench_open_one(&bench, "udp:127.0.0.1:0");
    int peer = peer_open(NET_UDP, bench_address(&bench, 0));
    allowance = 3;
    for (int i = 0; i < 10; i++) {
        (void)snprintf(text, sizeof(text), "answer-%03d", i);
        peer_send(peer, text);
    }
    bench_turns(&bench, 1);
    /* Three left, six of ten bytes wait, the last one is over the cap. */
    assert_int_equal(bench_counters(&bench)->udp_sent, 3);
    assert_int_equal(bench_counters(&bench)->udp_queued, 6);
    assert_int_equal(bench_counters(&bench)->udp_queue_dropped, 1);
    /* One more answer queues up behind what waits, though the socket would take it now. */
    allowance = 2;
    bench_turns(&bench, 1);
    peer_send(peer, "answer-late");
    allowance = 0;
    bench_turns(&bench, 1);
    assert_int_equal(bench_counters(&bench)->udp_sent, 5);
    assert_int_equal(bench_counters(&bench)->udp_queued, 7);
    allowance = 1000;
    for (int i = 0; i < 9; i++) {
        (void)snprintf(text, sizeof(text), "answer-%03d", i);
        peer_expect(&bench, peer, text);
    }
    peer_expect(&bench, peer, "answer-late");
    /* And what waits when the stack closes is freed. */
    allowance = 0;
    peer_send(peer, "never sent");
    bench_turns(&bench, 1);
    assert_int_equal(bench_counters(&bench)->udp_queued, 8);
    close(peer);
    bench_done(&bench);
}

static int send_refused(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    if (allowance > 0) {
        errno = allowance-- > 1 ? EINTR : ECONNREFUSED;
        return -1;
    }
    return sendmmsg(fd, messages, count, flags);
}

static void an_interrupted_send_is_done_again(void **state)
{
    (void)state;
    struct bench bench;
    struct net_system system = net_system_real;
    system.send_many = send_refused;
    bench_init(&bench);
    bench.options.system = &system;
    bench.echo = true;
    bench_open_one(&bench, "udp:127.0.0.1:0");
    int peer = peer_open(NET_UDP, bench_address(&bench, 0));
    allowance = 3; /* two interruptions, then the first datagram is refused */
    peer_send(peer, "lost");
    peer_send(peer, "kept");
    peer_expect(&bench, peer, "kept");
    assert_int_equal(bench_counters(&bench)->udp_send_errors, 1);
    close(peer);
    bench_done(&bench);
}

static int receive_failing(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    if (allowance-- > 0) {
        errno = ENOBUFS;
        return -1;
    }
    return recvmmsg(fd, messages, count, flags, NULL);
}

static void a_failed_receive_is_counted_and_passes(void **state)
{
    (void)state;
    struct bench bench;
    struct net_system system = net_system_real;
    system.receive_many = receive_failing;
    bench_init(&bench);
    bench.options.system = &system;
    bench_open_one(&bench, "udp:127.0.0.1:0");
    int peer = peer_open(NET_UDP, bench_address(&bench, 0));
    allowance = 2;
    peer_send(peer, "x");
    bench_until(&bench, &bench.datagrams, 1);
    assert_int_equal(bench_counters(&bench)->udp_receive_errors, 2);
    close(peer);
    bench_done(&bench);
}

static void drops_of_the_kernel_are_counted(void **state)
{
    (void)state;
    enum { COUNT = 400 };
    static char large[1000];
    struct bench bench;
    struct net_listen_spec spec;
    struct net_bind_options options = {.worker_count = 1, .receive_buffer = 20000};
    bench_init(&bench);
    assert_int_equal(net_listen_spec_parse(SPAN("udp:127.0.0.1:0"), &spec, NULL), OK);
    assert_int_equal(net_bind(&spec, 1, &options, &bench.listeners, NULL), OK);
    bench.options.listeners = bench.listeners;
    assert_int_equal(net_stack_new(&bench.loop, &bench.options, &bench.handlers, &bench.stack), OK);
    int peer = peer_open(NET_UDP, bench_address(&bench, 0));
    for (int i = 0; i < COUNT; i++)
        peer_send_bytes(peer, large, sizeof(large));
    bench_turns(&bench, 10);
    /* The count comes with the next datagram that has room. */
    peer_send(peer, "after");
    bench_turns(&bench, 2);
    assert_true(bench.datagrams < COUNT);
    assert_int_equal(bench_counters(&bench)->udp_kernel_drops, COUNT + 1 - bench.datagrams);
    peer_send(peer, "again");
    bench_turns(&bench, 2);
    assert_int_equal(bench_counters(&bench)->udp_kernel_drops, COUNT + 2 - bench.datagrams);
    close(peer);
    bench_done(&bench);
}

static void two_sockets_share_a_batch(void **state)
{
    (void)state;
    static const char *const specs[] = {"udp:127.0.0.1:0", "udp:[::1]:0"};
    struct bench bench;
    struct net_flow flows[2];
    bench_init(&bench);
    bench_open(&bench, specs, 2);
    int peers[2];
    for (unsigned i = 0; i < 2; i++) {
        peers[i] = peer_open(NET_UDP, bench_address(&bench, i));
        peer_send(peers[i], "x");
        bench_until(&bench, &bench.datagrams, i + 1);
        flows[i] = bench.flow;
        assert_int_equal(flows[i].listener, i);
    }
    static const char *const texts[] = {"a0", "b0", "b1", "a1", "a2", "b2"};
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(net_send(bench.stack, &flows[texts[i][0] - 'a'], span_of(texts[i])), OK);
    for (size_t i = 0; i < 6; i++)
        peer_expect(&bench, peers[texts[i][0] - 'a'], texts[i]);
    close(peers[0]);
    close(peers[1]);
    bench_done(&bench);
}

/* The stack may be closed in the middle of a batch, by what came with it. */
static void on_last_datagram(void *ctx, const struct net_flow *flow, struct span bytes)
{
    struct bench *bench = ctx;
    (void)bytes;
    assert_int_equal(net_send(bench->stack, flow, SPAN("goodbye")), OK);
    if (++bench->datagrams < 3)
        return;
    net_stack_close(bench->stack, NULL, NULL);
    bench->stack = NULL;
}

static void closing_in_a_callback_is_fine(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.handlers.on_datagram = on_last_datagram;
    bench_open_one(&bench, "udp:127.0.0.1:0");
    int peer = peer_open(NET_UDP, bench_address(&bench, 0));
    for (int i = 0; i < 5; i++)
        peer_send(peer, "x");
    bench_until(&bench, &bench.datagrams, 3);
    for (int i = 0; i < 3; i++)
        peer_expect(&bench, peer, "goodbye");
    assert_int_equal(bench.datagrams, 3);
    close(peer);
    bench_done(&bench);
}

static struct {
    struct net_flow flow;
    struct span bytes[8];
    unsigned count;
} kept;

static void on_kept_datagram(void *ctx, const struct net_flow *flow, struct span bytes)
{
    (void)ctx;
    assert_true(kept.count < 8);
    kept.flow = *flow;
    kept.bytes[kept.count++] = bytes;
}

/* Echoes what the batch brought, from where it lies. */
static void on_batch(void *ctx)
{
    struct bench *bench = ctx;
    for (unsigned i = 0; i < kept.count; i++, bench->datagrams++)
        assert_int_equal(net_send(bench->stack, &kept.flow, kept.bytes[i]), OK);
    kept.count = 0;
}

static void a_batch_may_be_handled_as_one(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.handlers.on_datagram = on_kept_datagram;
    bench.handlers.on_batch = on_batch;
    bench_open_one(&bench, "udp:127.0.0.1:0");
    int peer = peer_open(NET_UDP, bench_address(&bench, 0));
    peer_send(peer, "one");
    peer_send(peer, "two");
    peer_send(peer, "three");
    bench_until(&bench, &bench.datagrams, 3);
    peer_expect(&bench, peer, "one");
    peer_expect(&bench, peer, "two");
    peer_expect(&bench, peer, "three");
    assert_int_equal(kept.count, 0);
    close(peer);
    bench_done(&bench);
}

/* Half a millisecond a message. */
static void on_slow_datagram(void *ctx, const struct net_flow *flow, struct span bytes)
{
    struct bench *bench = ctx;
    (void)flow;
    (void)bytes;
    bench->datagrams++;
    for (uint64_t end_ns = clock_mono_ns() + 500000; clock_mono_ns() < end_ns;)
        continue;
}

/* Where a message costs much, few are taken at once: the last of a batch waits for all before it. */
static void slow_work_makes_small_batches(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.handlers.on_datagram = on_slow_datagram;
    bench_open_one(&bench, "udp:127.0.0.1:0");
    int peer = peer_open(NET_UDP, bench_address(&bench, 0));
    for (unsigned sent = 0; sent < 200; sent++)
        peer_send(peer, "slow");
    bench_until(&bench, &bench.datagrams, 200);
    /* 64, 32, 16, and then 8 or fewer at a time; by batches of 64 it would have been four. */
    assert_in_range(bench_counters(&bench)->udp_batches, 10, 60);
    close(peer);
    bench_done(&bench);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_go_back),
        cmocka_unit_test(bursts_are_answered_in_order),
        cmocka_unit_test(every_size_arrives_whole),
        cmocka_unit_test(large_answers_do_not_fill_the_arena),
        cmocka_unit_test(what_cannot_be_sent_is_said),
        cmocka_unit_test(our_own_datagrams_leave_from_the_fitting_socket),
        cmocka_unit_test(unreachable_peers_cost_nobody_else),
        cmocka_unit_test(a_full_socket_keeps_order),
        cmocka_unit_test(an_interrupted_send_is_done_again),
        cmocka_unit_test(a_failed_receive_is_counted_and_passes),
        cmocka_unit_test(drops_of_the_kernel_are_counted),
        cmocka_unit_test(two_sockets_share_a_batch),
        cmocka_unit_test(closing_in_a_callback_is_fine),
        cmocka_unit_test(a_batch_may_be_handled_as_one),
        cmocka_unit_test(slow_work_makes_small_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
