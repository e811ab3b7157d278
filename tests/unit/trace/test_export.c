/* SPDX-License-Identifier: Apache-2.0 */
/* Against a real collector's socket on loopback, and against system calls that fail. */
#include "net/net_system.h"
#include "support/cmocka_all.h"
#include "support/failing_malloc.h"
#include "support_trace.h"
#include "trace/trace.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int collector_open(struct net_address *out_address)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_storage bound;
    socklen_t len = sizeof(bound);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)(void *)&name, sizeof(name)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)(void *)&bound, &len), 0);
    assert_int_equal(net_address_from_sockaddr((struct sockaddr *)(void *)&bound, out_address), OK);
    return fd;
}

/* The next packet, which was sent before: on loopback it is there. */
static ssize_t collect(int fd, char *out, size_t cap)
{
    return recv(fd, out, cap, MSG_DONTWAIT);
}

static struct trace_message bye(const struct net_flow *flow)
{
    return (struct trace_message){TRACE_IN, 1, flow, SPAN("BYE sip:x SIP/2.0\r\nCall-ID: abc\r\n\r\n")};
}

static void test_packets_arrive(void **state)
{
    (void)state;
    struct net_flow flow = trace_flow(NET_UDP, "192.0.2.1:1", "192.0.2.2:2");
    struct trace_export_options options = {.agent = 7};
    struct trace_export *hep = NULL;
    int fd = collector_open(&options.collector);
    char bytes[65536];
    assert_int_equal(trace_export_new(&options, &hep), OK);
    struct trace_message message = bye(&flow);
    for (int i = 0; i < 100; i++) /* more than one batch */
        trace_export_put(hep, &message);
    trace_export_flush(hep);
    trace_export_flush(hep); /* nothing waits */
    unsigned count = 0;
    ssize_t len;
    while ((len = collect(fd, bytes, sizeof(bytes))) > 0) {
        assert_memory_equal(bytes, "HEP3", 4);
        assert_non_null(memmem(bytes, (size_t)len,
                               "\x00\x00\x00\x11\x00\x09"
                               "abc",
                               9));
        count++;
    }
    assert_int_equal(count, 100);
    assert_int_equal(trace_export_counters(hep)->sent, 100);
    assert_int_equal(trace_export_counters(hep)->dropped, 0);
    trace_export_free(hep);
    trace_export_free(NULL);
    close(fd);
}

static void test_what_waits_is_sent_at_the_end(void **state)
{
    (void)state;
    struct net_flow flow = trace_flow(NET_UDP, "192.0.2.1:1", "192.0.2.2:2");
    struct trace_export_options options = {.agent = 7};
    struct trace_export *hep = NULL;
    char bytes[4096];
    int fd = collector_open(&options.collector);
    assert_int_equal(trace_export_new(&options, &hep), OK);
    struct trace_message message = bye(&flow);
    trace_export_put(hep, &message);
    assert_int_equal(collect(fd, bytes, sizeof(bytes)), -1);
    trace_export_free(hep);
    assert_true(collect(fd, bytes, sizeof(bytes)) > 0);
    close(fd);
}

static void test_long_messages_take_turns_and_are_cut(void **state)
{
    (void)state;
    static char big[70000];
    memset(big, 'b', sizeof(big));
    memcpy(big, "BYE sip:x SIP/2.0\r\nCall-ID: abc\r\nSubject: ", 43);
    struct net_flow flow = trace_flow(NET_UDP, "192.0.2.1:1", "192.0.2.2:2");
    struct trace_export_options options = {.agent = 7};
    struct trace_export *hep = NULL;
    int fd = collector_open(&options.collector);
    char bytes[65536];
    assert_int_equal(trace_export_new(&options, &hep), OK);
    for (int i = 0; i < 5; i++) {
        struct trace_message message = {TRACE_OUT, 1, &flow, span_make(big, i == 4 ? sizeof(big) : 60000)};
        trace_export_put(hep, &message);
    }
    trace_export_flush(hep);
    const struct trace_export_counters *counters = trace_export_counters(hep);
    assert_int_equal(counters->sent + counters->dropped, 5);
    assert_int_equal(counters->cut, 1);
    assert_true(collect(fd, bytes, sizeof(bytes)) > 60000);
    trace_export_free(hep);
    close(fd);
}

/* ---- System calls that fail ---- */

/* Each call takes the next one: > 0 sends so many, else it is an errno. */
static struct {
    int results[8];
    unsigned calls;
} script;

static int scripted_send(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    (void)fd, (void)messages;
    assert_true(flags & MSG_DONTWAIT);
    int result = script.results[script.calls++];
    if (result >= 0)
        return result <= (int)count ? result : (int)count;
    errno = -result;
    return -1;
}

static void test_a_full_socket_and_a_collector_that_refuses(void **state)
{
    (void)state;
    static const struct {
        int results[8];
        unsigned sent, dropped;
    } cases[] = {
        {{-EAGAIN}, 0, 10},    {{4, -ENOBUFS}, 4, 6}, {{-ECONNREFUSED, 9}, 9, 1},
        {{-EINTR, 10}, 10, 0}, {{3, 0, 6}, 9, 1},     {{3, -EMSGSIZE, 2, -EAGAIN}, 5, 5},
    };
    struct net_system system = net_system_real;
    system.send_many = scripted_send;
    struct net_flow flow = trace_flow(NET_UDP, "192.0.2.1:1", "192.0.2.2:2");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct trace_export_options options = {.system = &system};
        struct trace_export *hep = NULL;
        assert_int_equal(net_address_parse(SPAN("127.0.0.1:9"), 0, &options.collector), OK);
        assert_int_equal(trace_export_new(&options, &hep), OK);
        memcpy(script.results, cases[i].results, sizeof(script.results));
        script.calls = 0;
        struct trace_message message = bye(&flow);
        for (int n = 0; n < 10; n++)
            trace_export_put(hep, &message);
        trace_export_flush(hep);
        assert_int_equal(trace_export_counters(hep)->sent, cases[i].sent);
        assert_int_equal(trace_export_counters(hep)->dropped, cases[i].dropped);
        trace_export_free(hep);
    }
}

/* ---- The two together ---- */

static void test_ring_and_export(void **state)
{
    (void)state;
    struct net_address address;
    int fd = collector_open(&address);
    char bytes[4096];
    struct net_flow flow = trace_flow(NET_UDP, "192.0.2.1:1", "192.0.2.2:2");
    struct trace_options options = {.ring_bytes = 1, .hep = &address, .hep_id = 3};
    struct trace *trace = NULL;
    assert_int_equal(trace_new(&options, &trace), OK);
    trace_put(trace, TRACE_IN, &flow, SPAN("BYE sip:x SIP/2.0\r\n\r\n"));
    trace_put(trace, TRACE_IN, &flow, SPAN("\r\n\r\n"));
    trace_put(trace, TRACE_IN, &flow, SPAN(""));
    trace_put(trace, TRACE_IN, &flow, SPAN("\0\1stun"));
    trace_turn_end(trace);
    assert_int_equal(trace_ring_count(trace_ring_of(trace)), 1);
    assert_true(trace_ring_next(trace_ring_of(trace), NULL)->at_us > 1600000000000000ull);
    assert_int_equal(trace_counters(trace).sent, 1);
    assert_true(collect(fd, bytes, sizeof(bytes)) > 0);
    assert_int_equal(collect(fd, bytes, sizeof(bytes)), -1);
    trace_free(trace);
    trace_free(NULL);
    close(fd);
}

static void test_either_alone(void **state)
{
    (void)state;
    struct net_flow flow = trace_flow(NET_UDP, "192.0.2.1:1", "192.0.2.2:2");
    struct trace *trace = NULL;
    assert_int_equal(trace_new(&(struct trace_options){.ring_bytes = 65536}, &trace), OK);
    trace_put(trace, TRACE_OUT, &flow, SPAN("BYE"));
    trace_turn_end(trace);
    assert_int_equal(trace_counters(trace).sent, 0);
    assert_int_equal(trace_ring_count(trace_ring_of(trace)), 1);
    trace_free(trace);
    struct net_address nowhere;
    assert_int_equal(net_address_parse(SPAN("127.0.0.1:9"), 0, &nowhere), OK);
    assert_int_equal(trace_new(&(struct trace_options){.hep = &nowhere}, &trace), OK);
    trace_put(trace, TRACE_OUT, &flow, SPAN("BYE"));
    assert_null(trace_ring_of(trace));
    trace_free(trace);
}

static void test_no_memory_and_no_way(void **state)
{
    (void)state;
    struct net_address address;
    assert_int_equal(net_address_parse(SPAN("127.0.0.1:9"), 0, &address), OK);
    for (unsigned nth = 1;; nth++) {
        struct trace *trace = NULL;
        failing_malloc_at(nth);
        enum err err = trace_new(&(struct trace_options){.ring_bytes = 65536, .hep = &address}, &trace);
        if (!failing_malloc_off()) {
            assert_int_equal(err, OK);
            trace_free(trace);
            break;
        }
        assert_int_equal(err, ERR_NOMEM);
        assert_null(trace);
    }
    /* No broadcast without leave: connect() refuses. */
    struct trace *trace = NULL;
    assert_int_equal(net_address_parse(SPAN("255.255.255.255:9"), 0, &address), OK);
    assert_int_equal(trace_new(&(struct trace_options){.hep = &address}, &trace), ERR_IO);
    assert_null(trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packets_arrive),
        cmocka_unit_test(test_what_waits_is_sent_at_the_end),
        cmocka_unit_test(test_long_messages_take_turns_and_are_cut),
        cmocka_unit_test(test_a_full_socket_and_a_collector_that_refuses),
        cmocka_unit_test(test_ring_and_export),
        cmocka_unit_test(test_either_alone),
        cmocka_unit_test(test_no_memory_and_no_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
