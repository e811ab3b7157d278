/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation fails once: constructors say so and leave nothing behind, and what runs loses one connection or
 * datagram at most. */
#include "support/failing_malloc.h"
#include "support_net.h"

#include <errno.h>
#include <unistd.h>

enum { FAILURES_MAX = 100 };

static void constructors_clean_up(void **state)
{
    (void)state;
    static const char *const texts[] = {"udp:127.0.0.1:0", "tcp:127.0.0.1:0", "udp:[::]:0"};
    struct net_listen_spec specs[3];
    struct net_bind_options options = {.worker_count = 1};
    bool complete = false;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(net_listen_spec_parse(span_of(texts[i]), &specs[i], NULL), OK);
    for (unsigned n = 1; !complete && n < FAILURES_MAX; n++) {
        struct bench bench;
        bench_init(&bench);
        failing_malloc_at(n);
        enum err err = net_bind(specs, 3, &options, &bench.listeners, NULL);
        bench.options.listeners = bench.listeners;
        if (err == OK)
            err = net_stack_new(&bench.loop, &bench.options, &bench.handlers, &bench.stack);
        complete = !failing_malloc_off();
        assert_int_equal(err, complete ? OK : ERR_NOMEM);
        bench_done(&bench);
    }
    assert_true(complete);
}

static bool full;

static int send_unless_full(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    if (full) {
        errno = EAGAIN;
        return -1;
    }
    return sendmmsg(fd, messages, count, flags);
}

/* One of everything that takes memory. */
static void exercise(struct bench *bench, int udp_peer)
{
    struct net_flow flow;
    int peer = peer_open(NET_TCP, bench_address(bench, 1));
    full = true;
    peer_send(udp_peer, "waits");
    (void)!send(peer, "0005he", 6, MSG_NOSIGNAL);
    bench_turns(bench, 4);
    (void)!send(peer, "llo0001x", 8, MSG_NOSIGNAL);
    bench_turns(bench, 4);
    full = false;
    if (net_connect(bench->stack, NET_TCP, bench_address(bench, 1), &flow) == OK) {
        enum err err = net_send(bench->stack, &flow, SPAN("0002hi"));
        (void)err;
    }
    bench_turns(bench, 6);
    close(peer);
    bench_turns(bench, 4);
}

static void what_runs_goes_on(void **state)
{
    (void)state;
    static const char *const specs[] = {"udp:127.0.0.1:0", "tcp:127.0.0.1:0"};
    bool complete = false;
    for (unsigned n = 1; !complete && n < FAILURES_MAX; n++) {
        struct bench bench;
        struct net_system system = net_system_real;
        system.send_many = send_unless_full;
        bench_init(&bench);
        bench.options.system = &system;
        bench.echo = true;
        bench_open(&bench, specs, 2);
        int udp_peer = peer_open(NET_UDP, bench_address(&bench, 0));
        failing_malloc_at(n);
        exercise(&bench, udp_peer);
        complete = !failing_malloc_off();
        /* Whatever failed, the next one is served. */
        int peer = peer_open(NET_TCP, bench_address(&bench, 1));
        peer_send(peer, "0004next");
        peer_expect(&bench, peer, "0004next");
        peer_send(udp_peer, "next");
        char text[8];
        ssize_t got = peer_receive(&bench, udp_peer, text, sizeof(text));
        assert_true(got > 0);
        if (memcmp(text, "waits", 5) == 0)
            peer_expect(&bench, udp_peer, "next");
        close(peer);
        close(udp_peer);
        bench_done(&bench);
    }
    assert_true(complete);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(constructors_clean_up),
        cmocka_unit_test(what_runs_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
