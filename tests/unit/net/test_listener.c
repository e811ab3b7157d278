/* SPDX-License-Identifier: Apache-2.0 */
/* Binding: who gets a port, how many sockets there are, and what is said when it cannot be. */
#include "support/cmocka_all.h"

#include "net/net_listener.h"
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static enum err try_bind(const char *text, unsigned workers, struct net_listeners **out_listeners, struct fault *fault)
{
    struct net_listen_spec spec;
    struct net_bind_options options = {.worker_count = workers};
    assert_int_equal(net_listen_spec_parse(span_of(text), &spec, fault), OK);
    return net_bind(&spec, 1, &options, out_listeners, fault);
}

static struct net_listeners *bind_or_fail(const char *text, unsigned workers)
{
    struct net_listeners *listeners = NULL;
    struct fault fault = {0};
    if (try_bind(text, workers, &listeners, &fault) != OK)
        fail_msg("%s", fault.text);
    return listeners;
}

static void specs_are_parsed(void **state)
{
    (void)state;
    struct net_listen_spec spec;
    struct fault fault;
    char text[NET_ADDRESS_TEXT_MAX];
    assert_int_equal(net_listen_spec_parse(SPAN("udp:127.0.0.1:5076"), &spec, &fault), OK);
    assert_int_equal(spec.transport, NET_UDP);
    assert_int_equal(spec.address.port, 5076);
    assert_int_equal(net_listen_spec_parse(SPAN("TCP:[::]"), &spec, NULL), OK);
    assert_int_equal(spec.transport, NET_TCP);
    net_address_text(&spec.address, text);
    assert_string_equal(text, "[::]:5060");
    assert_int_equal(net_listen_spec_parse(SPAN("wss:10.0.0.1"), &spec, NULL), OK);
    assert_int_equal(spec.address.port, 443);
}

static void bad_specs_say_what_was_expected(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
        enum err err;
    } cases[] = {
        {"", "TRANSPORT:ADDRESS:PORT", ERR_SYNTAX},
        {"127.0.0.1:5060", "TRANSPORT:ADDRESS:PORT", ERR_SYNTAX},
        {"sctp:127.0.0.1:5060", "udp, tcp", ERR_SYNTAX},
        {"udp", "address such as", ERR_SYNTAX},
        {"udp:", "address such as", ERR_SYNTAX},
        {"udp:host.example:5060", "address such as", ERR_SYNTAX},
        {"udp:127.0.0.1:70000", "address such as", ERR_SYNTAX},
        {"udp:224.0.1.75:5060", "multicast", ERR_INVALID},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct net_listen_spec spec;
        struct fault fault = {0};
        assert_int_equal(net_listen_spec_parse(span_of(cases[i].text), &spec, &fault), cases[i].err);
        if (!strstr(fault.text, cases[i].said))
            fail_msg("%s: %s", cases[i].text, fault.text);
    }
}

static void port_0_is_one_port_for_all_workers(void **state)
{
    (void)state;
    static const char *const specs[] = {"udp:127.0.0.1:0", "tcp:127.0.0.1:0", "udp:[::1]:0", "tcp:[::1]:0"};
    for (size_t i = 0; i < 4; i++) {
        struct net_listeners *listeners = bind_or_fail(specs[i], 3);
        assert_int_equal(net_listeners_count(listeners), 1);
        assert_int_equal(net_listeners_workers(listeners), 3);
        const struct net_listener *listener = net_listeners_at(listeners, 0);
        assert_true(listener->address.port > 0);
        assert_true(listener->transport == NET_TCP || listener->receive_buffer > 0);
        for (unsigned worker = 0; worker < 3; worker++) {
            struct sockaddr_storage name;
            struct net_address bound;
            socklen_t len = sizeof(name);
            int fd = net_listeners_take(listeners, 0, worker);
            assert_true(fd >= 0);
            assert_int_equal(net_listeners_take(listeners, 0, worker), -1);
            assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &len), 0);
            assert_int_equal(net_address_from_sockaddr((struct sockaddr *)&name, &bound), OK);
            assert_true(net_address_equal(&bound, &listener->address));
            close(fd);
        }
        net_listeners_free(listeners);
    }
}

/* The kernel spreads by address and port of the sender: 64 senders miss one of two sockets with odds of 2 to the -63. */
static void the_kernel_spreads_over_workers(void **state)
{
    (void)state;
    struct net_listeners *listeners = bind_or_fail("udp:127.0.0.1:0", 2);
    struct sockaddr_storage to;
    socklen_t len = net_address_to_sockaddr(&net_listeners_at(listeners, 0)->address, &to);
    int fds[2] = {net_listeners_take(listeners, 0, 0), net_listeners_take(listeners, 0, 1)};
    unsigned got[2] = {0, 0};
    for (int i = 0; i < 64; i++) {
        int peer = socket(AF_INET, SOCK_DGRAM, 0);
        assert_int_equal(sendto(peer, "x", 1, 0, (struct sockaddr *)&to, len), 1);
        struct pollfd poll_fds[2] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLIN}};
        assert_int_equal(poll(poll_fds, 2, 5000), 1);
        unsigned which = poll_fds[1].revents != 0;
        char byte;
        assert_int_equal(recv(fds[which], &byte, 1, 0), 1);
        got[which]++;
        close(peer);
    }
    assert_true(got[0] > 0 && got[1] > 0);
    close(fds[0]);
    close(fds[1]);
    net_listeners_free(listeners);
}

static void a_second_daemon_is_told(void **state)
{
    (void)state;
    static const char *const transports[] = {"udp", "tcp"};
    for (size_t i = 0; i < 2; i++) {
        char spec[128] = "";
        char address[NET_ADDRESS_TEXT_MAX];
        struct fault fault = {0};
        struct net_listeners *second = NULL;
        (void)snprintf(spec, sizeof(spec), "%s:127.0.0.1:0", transports[i]);
        struct net_listeners *first = bind_or_fail(spec, 2);
        net_address_text(&net_listeners_at(first, 0)->address, address);
        (void)snprintf(spec, sizeof(spec), "%s:%s", transports[i], address);
        assert_int_equal(try_bind(spec, 2, &second, &fault), ERR_BUSY);
        assert_null(second);
        assert_non_null(strstr(fault.text, address));
        assert_non_null(strstr(fault.text, "another daemon"));
        net_listeners_free(first);
        /* And once it has gone, the port is free at once. */
        second = bind_or_fail(spec, 2);
        net_listeners_free(second);
    }
}

static void addresses_that_are_not_ours_are_refused(void **state)
{
    (void)state;
    struct net_listeners *listeners = NULL;
    struct fault fault = {0};
    assert_int_equal(try_bind("udp:192.0.2.1:0", 1, &listeners, &fault), ERR_INVALID);
    assert_non_null(strstr(fault.text, "192.0.2.1"));
}

static void an_error_leaves_nothing_bound(void **state)
{
    (void)state;
    struct net_listen_spec specs[2];
    struct net_bind_options options = {.worker_count = 2};
    struct net_listeners *probe = bind_or_fail("udp:127.0.0.1:0", 1);
    struct net_address address = net_listeners_at(probe, 0)->address;
    net_listeners_free(probe);
    specs[0] = (struct net_listen_spec){.transport = NET_UDP, .address = address};
    assert_int_equal(net_listen_spec_parse(SPAN("udp:192.0.2.1:0"), &specs[1], NULL), OK);
    struct net_listeners *listeners = NULL;
    assert_int_equal(net_bind(specs, 2, &options, &listeners, NULL), ERR_INVALID);
    assert_int_equal(net_bind(specs, 1, &options, &listeners, NULL), OK);
    net_listeners_free(listeners);
}

static void a_wildcard_is_a_socket_per_address(void **state)
{
    (void)state;
    static const char *const specs[] = {"udp:0.0.0.0:0", "tcp:0.0.0.0:0", "udp:[::]:0"};
    for (size_t i = 0; i < 3; i++) {
        struct net_listeners *listeners = bind_or_fail(specs[i], 1);
        unsigned loopbacks = 0;
        uint16_t port = net_listeners_at(listeners, 0)->address.port;
        assert_true(port > 0);
        for (unsigned j = 0; j < net_listeners_count(listeners); j++) {
            const struct net_address *address = &net_listeners_at(listeners, j)->address;
            assert_int_equal(address->port, port);
            assert_false(net_address_is_wildcard(address));
            loopbacks += net_address_is_loopback(address);
        }
        assert_true(loopbacks >= 1);
        net_listeners_free(listeners);
    }
}

static void the_descriptor_limit_is_raised(void **state)
{
    (void)state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    struct rlimit low = {.rlim_cur = limit.rlim_max / 2, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    assert_true(net_raise_descriptor_limit() == limit.rlim_max);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(specs_are_parsed),
        cmocka_unit_test(bad_specs_say_what_was_expected),
        cmocka_unit_test(port_0_is_one_port_for_all_workers),
        cmocka_unit_test(the_kernel_spreads_over_workers),
        cmocka_unit_test(a_second_daemon_is_told),
        cmocka_unit_test(addresses_that_are_not_ours_are_refused),
        cmocka_unit_test(an_error_leaves_nothing_bound),
        cmocka_unit_test(a_wildcard_is_a_socket_per_address),
        cmocka_unit_test(the_descriptor_limit_is_raised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
