/* SPDX-License-Identifier: Apache-2.0 */
/* The filter on real sockets: what gets through, what does not, and in which share. */
#include "net/net_shed.h"
#include "support_net.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct net_shed_rule rules[] = {
    {"INVI", 7, NET_SHED_ADDRESSED},
    {"ACK ", 4, NET_SHED_NEVER},
    {"REGI", 9, NET_SHED_ALWAYS},
    {"SIP/", 8, NET_SHED_NEVER},
};

struct pair {
    int in, out;
};

static struct pair open_pair(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(to);
    struct pair pair = {socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), socket(AF_INET, SOCK_DGRAM, 0)};
    assert_int_equal(bind(pair.in, (struct sockaddr *)&to, len), 0);
    assert_int_equal(getsockname(pair.in, (struct sockaddr *)&to, &len), 0);
    assert_int_equal(connect(pair.out, (struct sockaddr *)&to, len), 0);
    return pair;
}

static void filter(int fd, uint32_t pass)
{
    struct net_shed shed = {rules, sizeof(rules) / sizeof(rules[0]), pass};
    struct sock_filter code[NET_SHED_CODE_MAX];
    struct sock_fprog program = {.filter = code};
    program.len = (unsigned short)net_shed_program(&shed, code);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), 0);
}

/* Loopback delivers while it sends. */
static bool gets_through(const struct pair *pair, const char *text)
{
    char bytes[512];
    size_t len = strlen(text);
    assert_int_equal(send(pair->out, text, len, 0), (ssize_t)len);
    ssize_t got = recv(pair->in, bytes, sizeof(bytes), 0);
    assert_true(got < 0 || ((size_t)got == len && memcmp(bytes, text, len) == 0)); /* whole, or not at all */
    return got >= 0;
}

static void only_what_is_new_is_shed(void **state)
{
    (void)state;
    struct pair pair = open_pair();
    char text[512];
    filter(pair.in, 0);
    assert_true(gets_through(&pair, "ACK sip:a@b SIP/2.0\r\n\r\n"));
    assert_true(gets_through(&pair, "SIP/2.0 200 OK\r\n\r\n"));
    assert_false(gets_through(&pair, "INVITE sip:a@b SIP/2.0\r\n\r\n"));
    assert_true(gets_through(&pair, "INVITE sip:192.0.2.1:5060 SIP/2.0\r\nTo: <sip:a@b>;tag=1\r\n\r\n"));
    assert_true(gets_through(&pair, "INVITE sip:[2001:db8::1]:5060;transport=udp SIP/2.0\r\n\r\n"));
    assert_false(gets_through(&pair, "REGISTER sip:example.com SIP/2.0\r\n\r\n"));
    assert_false(gets_through(&pair, "FOO sip:example.com SIP/2.0\r\n\r\n"));
    assert_false(gets_through(&pair, "AC"));
    assert_false(gets_through(&pair, "INVITE sip:x"));
    /* The '@' in the last byte that is looked at; and behind it, where a request counts as new. */
    for (unsigned at = NET_SHED_LOOK - 2; at < NET_SHED_LOOK + 2; at++) {
        snprintf(text, sizeof(text), "INVITE %0*d@b SIP/2.0\r\n\r\n", (int)at, 0);
        assert_false(gets_through(&pair, text));
    }
    filter(pair.in, UINT32_MAX);
    assert_true(gets_through(&pair, "INVITE sip:a@b SIP/2.0\r\n\r\n"));
    close(pair.in);
    close(pair.out);
}

static void a_share_gets_through(void **state)
{
    (void)state;
    enum { SENT = 4000 };
    struct pair pair = open_pair();
    unsigned passed = 0;
    filter(pair.in, UINT32_MAX / 4);
    for (unsigned i = 0; i < SENT; i++)
        passed += gets_through(&pair, i % 2 ? "INVITE sip:a@b SIP/2.0\r\n\r\n" : "REGISTER sip:b SIP/2.0\r\n\r\n");
    assert_in_range(passed, SENT / 4 - 150, SENT / 4 + 150); /* five and a half sigma */
    close(pair.in);
    close(pair.out);
}

static void a_stack_sheds_and_stops(void **state)
{
    (void)state;
    struct bench bench;
    struct net_shed shed = {rules, sizeof(rules) / sizeof(rules[0]), 0};
    bench_init(&bench);
    bench.echo = true;
    bench_open_one(&bench, "udp:127.0.0.1:0");
    int peer = peer_open(NET_UDP, bench_address(&bench, 0));
    assert_int_equal(net_shed_set(bench.stack, &shed), OK);
    for (unsigned i = 0; i < 10; i++)
        peer_send(peer, "INVITE sip:a@b SIP/2.0\r\n\r\n");
    peer_send(peer, "ACK sip:a@b SIP/2.0\r\n\r\n");
    peer_expect(&bench, peer, "ACK sip:a@b SIP/2.0\r\n\r\n");
    assert_int_equal(bench_counters(&bench)->udp_received, 1);
    assert_int_equal(bench_counters(&bench)->udp_shed, 10);
    assert_int_equal(bench_counters(&bench)->udp_kernel_drops, 0);
    assert_int_equal(net_shed_set(bench.stack, NULL), OK);
    peer_send(peer, "INVITE sip:a@b SIP/2.0\r\n\r\n");
    peer_expect(&bench, peer, "INVITE sip:a@b SIP/2.0\r\n\r\n");
    assert_int_equal(net_queue_delay_us(bench.stack), 0); /* nothing was left to read */
    close(peer);
    bench_done(&bench);
}

/* More may not wait than was said, whatever the datagrams' size; and everything again when that is over. */
static void what_may_wait_is_bounded(void **state)
{
    (void)state;
    static const unsigned sizes[] = {100, 500, 900, 1400};
    static char bytes[1400];
    struct bench bench;
    bench_init(&bench);
    bench_open_one(&bench, "udp:127.0.0.1:0");
    int peer = peer_open(NET_UDP, bench_address(&bench, 0));
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        unsigned before = bench.datagrams;
        net_shed_bound(bench.stack, 200, sizes[i]);
        for (unsigned sent = 0; sent < 1000; sent++)
            assert_int_equal(send(peer, bytes, sizes[i], 0), sizes[i]);
        bench_turns(&bench, 40);
        assert_in_range(bench.datagrams - before, 120, 260);
    }
    unsigned before = bench.datagrams;
    net_shed_bound(bench.stack, 0, 0);
    for (unsigned sent = 0; sent < 1000; sent++)
        assert_int_equal(send(peer, bytes, 100, 0), 100);
    bench_until(&bench, &bench.datagrams, before + 1000);
    close(peer);
    bench_done(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_new_is_shed),
        cmocka_unit_test(a_share_gets_through),
        cmocka_unit_test(a_stack_sheds_and_stops),
        cmocka_unit_test(what_may_wait_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
