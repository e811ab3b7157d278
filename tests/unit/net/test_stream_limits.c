/* SPDX-License-Identifier: Apache-2.0 */
/* Every cap and time limit of a connection ends it in its own counted way, and leaves the others alone. */
#include "support_net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void expect_closed(struct bench *bench, unsigned flows, enum net_close reason)
{
    bench_until(bench, &bench->closed_flows, flows);
    assert_string_equal(net_close_name(bench->closed_reason), net_close_name(reason));
    assert_true(bench_counters(bench)->stream_closed[reason] > 0);
}

static void a_message_over_the_cap_is_refused(void **state)
{
    (void)state;
    struct bench bench;
    char text[128];
    bench_init(&bench);
    bench.options.limits.message_max = 100;
    bench.echo = true;
    bench_open_one(&bench, "tcp:127.0.0.1:0");
    /* As long as allowed. */
    int peer = peer_open(NET_TCP, bench_address(&bench, 0));
    (void)snprintf(text, sizeof(text), "0096%096d", 7);
    peer_send(peer, text);
    peer_expect(&bench, peer, text);
    close(peer);
    bench_until(&bench, &bench.closed_flows, 1);
    /* One byte more: announced, and whole at once. */
    for (unsigned i = 0; i < 2; i++) {
        peer = peer_open(NET_TCP, bench_address(&bench, 0));
        (void)snprintf(text, sizeof(text), i == 0 ? "0097%d" : "0097%097d", 7);
        peer_send(peer, text);
        peer_expect_end(&bench, peer);
        close(peer);
        bench_until(&bench, &bench.closed_flows, 2 + i);
    }
    assert_int_equal(bench_counters(&bench)->stream_closed[NET_CLOSE_TOO_LONG], 2);
    assert_int_equal(bench.messages, 1);
    bench_done(&bench);
}

static void an_idle_connection_is_closed(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.options.limits.idle_ms = 60000;
    bench.echo = true;
    bench_open_one(&bench, "tcp:127.0.0.1:0");
    int peer = peer_open(NET_TCP, bench_address(&bench, 0));
    for (unsigned i = 1; i <= 3; i++) {
        peer_send(peer, "0001a");
        peer_expect(&bench, peer, "0001a");
        fake_clock_pass(&bench.fake, 59999);
        bench_turns(&bench, 2);
        assert_int_equal(bench.closed_flows, 0);
    }
    peer_send(peer, "\r\n"); /* a keep-alive keeps it alive */
    peer_expect(&bench, peer, "+");
    fake_clock_pass(&bench.fake, 59999);
    bench_turns(&bench, 2);
    assert_int_equal(bench.closed_flows, 0);
    fake_clock_pass(&bench.fake, 1);
    expect_closed(&bench, 1, NET_CLOSE_IDLE);
    peer_expect_end(&bench, peer);
    close(peer);
    bench_done(&bench);
}

static void a_message_must_be_complete_in_time(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.options.limits.message_ms = 10000;
    bench.echo = true;
    bench_open_one(&bench, "tcp:127.0.0.1:0");
    /* One that says nothing at all after connecting. */
    int silent = peer_open(NET_TCP, bench_address(&bench, 0));
    int peer = peer_open(NET_TCP, bench_address(&bench, 0));
    bench_until_u64(&bench, &bench_counters(&bench)->stream_accepted, 2);
    peer_send(peer, "0001a");
    peer_expect(&bench, peer, "0001a");
    fake_clock_pass(&bench.fake, 10000);
    expect_closed(&bench, 1, NET_CLOSE_SLOW_MESSAGE);
    peer_expect_end(&bench, silent);
    /* Between messages there is all the time of idle_ms; within one there is not, however busily it trickles. */
    peer_send(peer, "0050");
    for (int i = 0; i < 9; i++) {
        bench_turns(&bench, 3);
        fake_clock_pass(&bench.fake, 1100);
        peer_send(peer, "x");
    }
    bench_turns(&bench, 3);
    assert_int_equal(bench.closed_flows, 1);
    fake_clock_pass(&bench.fake, 100);
    expect_closed(&bench, 2, NET_CLOSE_SLOW_MESSAGE);
    close(silent);
    close(peer);
    bench_done(&bench);
}

static void a_message_that_arrives_late_but_in_time_is_taken(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.options.limits.message_ms = 10000;
    bench.echo = true;
    bench_open_one(&bench, "tcp:127.0.0.1:0");
    int peer = peer_open(NET_TCP, bench_address(&bench, 0));
    for (int i = 0; i < 5; i++) {
        peer_send(peer, "00");
        bench_turns(&bench, 3);
        fake_clock_pass(&bench.fake, 9000);
        peer_send(peer, "01a");
        peer_expect(&bench, peer, "0001a");
    }
    fake_clock_pass(&bench.fake, 30000);
    bench_turns(&bench, 2);
    assert_int_equal(bench.closed_flows, 0);
    close(peer);
    bench_done(&bench);
}

static void a_slow_reader_is_cut_off_at_its_cap(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.options.limits.output_max = 100000;
    bench.inflate = 50000;
    bench_open_one(&bench, "tcp:127.0.0.1:0");
    int slow = peer_open(NET_TCP, bench_address(&bench, 0));
    /* It never reads: the kernel's buffers fill up, then ours. */
    for (int i = 0; i < 1000 && bench.closed_flows == 0; i++) {
        ssize_t sent = send(slow, "0001a", 5, MSG_DONTWAIT | MSG_NOSIGNAL);
        assert_true(sent == 5 || errno == EPIPE || errno == ECONNRESET);
        bench_turns(&bench, 1);
    }
    expect_closed(&bench, 1, NET_CLOSE_SLOW_READER);
    assert_int_equal(bench.sent, ERR_FULL);
    /* Others are served as ever. */
    bench.inflate = 0;
    bench.echo = true;
    int peer = peer_open(NET_TCP, bench_address(&bench, 0));
    peer_send(peer, "0001a");
    peer_expect(&bench, peer, "0001a");
    close(slow);
    close(peer);
    bench_done(&bench);
}

/* Requests without end from one who reads nothing: he is not read either, and loses nothing once he reads. */
static void who_does_not_read_is_not_read(void **state)
{
    (void)state;
    struct bench bench;
    static char many[40 * 100 + 1];
    size_t sent = 0;
    unsigned idle = 0;
    for (int i = 0; i < 100; i++)
        memcpy(many + (size_t)i * 40, "0036this is number one of so very many..", 41);
    bench_init(&bench);
    bench.echo = true;
    bench_open_one(&bench, "tcp:127.0.0.1:0");
    int peer = peer_open(NET_TCP, bench_address(&bench, 0));
    while (idle < 20) {
        ssize_t more = send(peer, many + sent % 4000, 4000 - sent % 4000, MSG_DONTWAIT | MSG_NOSIGNAL);
        bench_turns(&bench, 2);
        sent += more > 0 ? (size_t)more : 0;
        idle = more > 0 ? 0 : idle + 1;
        assert_int_equal(bench.closed_flows, 0);
    }
    assert_true(bench.bytes < sent);
    size_t read_so_far = bench.bytes;
    bench_turns(&bench, 10);
    assert_int_equal(bench.bytes, read_so_far);
    peer_skip(&bench, peer, sent / 40 * 40);
    assert_int_equal(bench.messages, sent / 40);
    close(peer);
    bench_done(&bench);
}

static void a_reader_that_stops_is_cut_off_in_time(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.options.limits.output_max = 64 << 20;
    bench.options.limits.write_ms = 30000;
    bench.inflate = 8 << 20;
    bench_open_one(&bench, "tcp:127.0.0.1:0");
    int peer = peer_open(NET_TCP, bench_address(&bench, 0));
    peer_send(peer, "0001a");
    bench_until(&bench, &bench.messages, 1);
    bench_turns(&bench, 3);
    fake_clock_pass(&bench.fake, 29999);
    bench_turns(&bench, 2);
    assert_int_equal(bench.closed_flows, 0);
    /* Reading on gives it time anew, and all of it arrives. */
    peer_skip(&bench, peer, 6 << 20);
    fake_clock_pass(&bench.fake, 29999);
    bench_turns(&bench, 2);
    assert_int_equal(bench.closed_flows, 0);
    peer_skip(&bench, peer, 2 << 20);
    fake_clock_pass(&bench.fake, 60000);
    bench_turns(&bench, 2);
    assert_int_equal(bench.closed_flows, 0);
    peer_send(peer, "0001a");
    bench_until(&bench, &bench.messages, 2);
    bench_turns(&bench, 3);
    fake_clock_pass(&bench.fake, 30001);
    expect_closed(&bench, 1, NET_CLOSE_SLOW_READER);
    close(peer);
    bench_done(&bench);
}

static void connections_are_capped(void **state)
{
    (void)state;
    struct bench bench;
    int peers[4];
    bench_init(&bench);
    bench.options.limits.connections_max = 3;
    bench.echo = true;
    bench_open_one(&bench, "tcp:127.0.0.1:0");
    for (int i = 0; i < 4; i++) {
        peers[i] = peer_open(NET_TCP, bench_address(&bench, 0));
        bench_until_u64(
            &bench, i < 3 ? &bench_counters(&bench)->stream_accepted : &bench_counters(&bench)->stream_refused_total,
            i < 3 ? (uint64_t)i + 1 : 1);
    }
    peer_expect_end(&bench, peers[3]);
    close(peers[3]);
    for (int i = 0; i < 3; i++) {
        peer_send(peers[i], "0001a");
        peer_expect(&bench, peers[i], "0001a");
    }
    close(peers[0]);
    bench_until(&bench, &bench.closed_flows, 1);
    peers[0] = peer_open(NET_TCP, bench_address(&bench, 0));
    peer_send(peers[0], "0001b");
    peer_expect(&bench, peers[0], "0001b");
    for (int i = 0; i < 3; i++)
        close(peers[i]);
    bench_done(&bench);
}

static int open_from(const char *ip, const struct net_address *to)
{
    struct sockaddr_storage address;
    struct net_address from;
    assert_int_equal(net_address_parse(span_of(ip), 0, &from), OK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t len = net_address_to_sockaddr(&from, &address);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    len = net_address_to_sockaddr(to, &address);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, len), 0);
    return fd;
}

static void one_source_is_capped_for_itself(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.options.limits.connections_per_source_max = 2;
    bench.echo = true;
    bench_open_one(&bench, "tcp:127.0.0.1:0");
    int a = open_from("127.0.0.2:0", bench_address(&bench, 0));
    int b = open_from("127.0.0.2:0", bench_address(&bench, 0));
    int c = open_from("127.0.0.2:0", bench_address(&bench, 0));
    bench_until_u64(&bench, &bench_counters(&bench)->stream_refused_source, 1);
    peer_expect_end(&bench, c);
    int other = open_from("127.0.0.3:0", bench_address(&bench, 0));
    peer_send(other, "0001a");
    peer_expect(&bench, other, "0001a");
    close(a);
    bench_until(&bench, &bench.closed_flows, 1);
    int again = open_from("127.0.0.2:0", bench_address(&bench, 0));
    peer_send(again, "0001a");
    peer_expect(&bench, again, "0001a");
    close(b);
    close(c);
    close(other);
    close(again);
    bench_done(&bench);
}

/* A process whose descriptors are used up while `exhausted` is set. */
static bool exhausted;

static int accept_exhausted(int fd, struct sockaddr *out_address, socklen_t *inout_len)
{
    if (exhausted) {
        errno = EMFILE;
        return -1;
    }
    return net_system_real.accept(fd, out_address, inout_len);
}

static void without_descriptors_accepting_rests(void **state)
{
    (void)state;
    struct bench bench;
    struct net_system system = net_system_real;
    system.accept = accept_exhausted;
    exhausted = false;
    bench_init(&bench);
    bench.options.system = &system;
    bench.echo = true;
    bench_open_one(&bench, "tcp:127.0.0.1:0");
    int old = peer_open(NET_TCP, bench_address(&bench, 0));
    peer_send(old, "0001a");
    peer_expect(&bench, old, "0001a");
    exhausted = true;
    int late = peer_open(NET_TCP, bench_address(&bench, 0));
    peer_send(late, "0001b");
    bench_until_u64(&bench, &bench_counters(&bench)->stream_accept_pauses, 1);
    /* It does not turn in circles meanwhile, and who is here is served. */
    bench_turns(&bench, 20);
    assert_int_equal(bench_counters(&bench)->stream_accept_pauses, 1);
    peer_send(old, "0001c");
    peer_expect(&bench, old, "0001c");
    fake_clock_pass(&bench.fake, 100);
    bench_turns(&bench, 3);
    assert_int_equal(bench_counters(&bench)->stream_accept_pauses, 2);
    /* A connection that ends frees a descriptor: no need to wait. */
    exhausted = false;
    close(old);
    peer_expect(&bench, late, "0001b");
    exhausted = true;
    int never = peer_open(NET_TCP, bench_address(&bench, 0));
    bench_until_u64(&bench, &bench_counters(&bench)->stream_accept_pauses, 3);
    close(never);
    close(late);
    bench_done(&bench);
}

static ssize_t receive_reset(int fd, void *out_bytes, size_t len)
{
    (void)fd;
    (void)out_bytes;
    (void)len;
    errno = ECONNRESET;
    return -1;
}

static ssize_t send_broken(int fd, const void *bytes, size_t len)
{
    (void)fd;
    (void)bytes;
    (void)len;
    errno = EPIPE;
    return -1;
}

static void errors_of_the_socket_end_it(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct bench bench;
        struct net_system system = net_system_real;
        if (i == 0)
            system.receive = receive_reset;
        else
            system.send = send_broken;
        bench_init(&bench);
        bench.options.system = &system;
        bench.echo = true;
        bench_open_one(&bench, "tcp:127.0.0.1:0");
        int peer = peer_open(NET_TCP, bench_address(&bench, 0));
        peer_send(peer, "0001a");
        expect_closed(&bench, 1, NET_CLOSE_ERROR);
        close(peer);
        bench_done(&bench);
    }
}

static void a_reset_ends_it(void **state)
{
    (void)state;
    struct bench bench;
    struct linger linger = {.l_onoff = 1};
    bench_init(&bench);
    bench.echo = true;
    bench_open_one(&bench, "tcp:127.0.0.1:0");
    int peer = peer_open(NET_TCP, bench_address(&bench, 0));
    peer_send(peer, "0001a");
    peer_expect(&bench, peer, "0001a");
    assert_int_equal(setsockopt(peer, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    close(peer);
    expect_closed(&bench, 1, NET_CLOSE_ERROR);
    bench_done(&bench);
}

/* A socket that takes a few bytes at a time. */
static unsigned trickle;

static ssize_t send_trickling(int fd, const void *bytes, size_t len)
{
    if (++trickle % 3 == 0) {
        errno = trickle % 2 == 0 ? EAGAIN : EINTR;
        return -1;
    }
    return send(fd, bytes, len < 7 ? len : 7, MSG_NOSIGNAL);
}

static void output_in_drops_stays_in_order(void **state)
{
    (void)state;
    enum { COUNT = 300, LEN = 4 + 26 };
    struct bench bench;
    struct net_system system = net_system_real;
    char text[LEN + 1];
    system.send = send_trickling;
    trickle = 0;
    bench_init(&bench);
    bench.options.system = &system;
    bench.echo = true;
    bench_open_one(&bench, "tcp:127.0.0.1:0");
    int peer = peer_open(NET_TCP, bench_address(&bench, 0));
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(text, sizeof(text), "0026this is drop nr %010d", i);
        peer_send(peer, text);
        bench_turns(&bench, 1);
    }
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(text, sizeof(text), "0026this is drop nr %010d", i);
        peer_expect(&bench, peer, text);
    }
    close(peer);
    bench_done(&bench);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_over_the_cap_is_refused),
        cmocka_unit_test(an_idle_connection_is_closed),
        cmocka_unit_test(a_message_must_be_complete_in_time),
        cmocka_unit_test(a_message_that_arrives_late_but_in_time_is_taken),
        cmocka_unit_test(a_slow_reader_is_cut_off_at_its_cap),
        cmocka_unit_test(who_does_not_read_is_not_read),
        cmocka_unit_test(a_reader_that_stops_is_cut_off_in_time),
        cmocka_unit_test(connections_are_capped),
        cmocka_unit_test(one_source_is_capped_for_itself),
        cmocka_unit_test(without_descriptors_accepting_rests),
        cmocka_unit_test(errors_of_the_socket_end_it),
        cmocka_unit_test(a_reset_ends_it),
        cmocka_unit_test(output_in_drops_stays_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
