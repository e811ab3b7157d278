/* SPDX-License-Identifier: Apache-2.0 */
/* A wildcard in a network of its own with two addresses: each answer leaves from where its request went. */
#include "support_net.h"

#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool set_address(int fd, const char *name, const char *ip)
{
    struct ifreq request = {.ifr_addr.sa_family = AF_INET};
    struct net_address address;
    struct sockaddr_storage storage;
    (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    assert_int_equal(net_address_parse_ip(span_of(ip), 0, &address), OK);
    (void)net_address_to_sockaddr(&address, &storage);
    memcpy(&request.ifr_addr, &storage, sizeof(struct sockaddr_in));
    return ioctl(fd, SIOCSIFADDR, &request) == 0;
}

/* A network namespace whose loopback has 127.0.0.1 and 10.11.12.13; false where this is not permitted. */
static bool enter_network(void)
{
    struct ifreq request = {0};
    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return false;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "lo");
    request.ifr_flags = IFF_UP;
    bool done = ioctl(fd, SIOCSIFFLAGS, &request) == 0 && set_address(fd, "lo:1", "10.11.12.13");
    close(fd);
    return done;
}

static void answers_leave_from_where_requests_went(void **state)
{
    (void)state;
    static const char *const specs[] = {"udp:0.0.0.0:0", "tcp:0.0.0.0:0"};
    static const char *const ips[] = {"127.0.0.1", "10.11.12.13"};
    struct bench bench;
    if (!enter_network())
        skip();
    bench_init(&bench);
    bench.echo = true;
    bench_open(&bench, specs, 2);
    assert_int_equal(net_listeners_count(bench.listeners), 4);
    for (unsigned i = 0; i < 4; i++) {
        const struct net_listener *listener = net_listeners_at(bench.listeners, i);
        struct net_address wanted;
        assert_int_equal(net_address_parse_ip(span_of(ips[i % 2]), listener->address.port, &wanted), OK);
        assert_true(net_address_equal(&listener->address, &wanted));
        assert_int_equal(listener->spec, i / 2);
        /* A connected socket takes answers from the address that it is connected to alone. */
        int peer = peer_open(listener->transport, &listener->address);
        peer_send(peer, "0004ping");
        peer_expect(&bench, peer, "0004ping");
        assert_int_equal(bench.flow.listener, i);
        assert_true(net_address_equal(&bench.flow.local, &wanted));
        close(peer);
    }
    bench_done(&bench);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_leave_from_where_requests_went),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
