/* SPDX-License-Identifier: Apache-2.0 */
/* HEP3 byte by byte, against the chunks that the protocol's paper names. */
#include "support/cmocka_all.h"
#include "support_trace.h"
#include "trace/trace_hep.h"
#include <stdlib.h>

static char memory[2 * TRACE_HEP_MAX];

static struct trace_message message_of(enum trace_direction direction, const struct net_flow *flow, struct span bytes)
{
    return (struct trace_message){direction, 0x65432101ull * 1000000 + 0x000a0b0c, flow, bytes};
}

static void test_ip4_udp_in(void **state)
{
    (void)state;
    static const unsigned char expected[] = {
        'H',  'E',  'P',  '3',  0x00, 0x78,                         /* 120 bytes */
        0x00, 0x00, 0x00, 0x01, 0x00, 0x07, 0x02,                   /* AF_INET */
        0x00, 0x00, 0x00, 0x02, 0x00, 0x07, 0x11,                   /* UDP */
        0x00, 0x00, 0x00, 0x03, 0x00, 0x0a, 192,  0,    2,    1,    /* from */
        0x00, 0x00, 0x00, 0x04, 0x00, 0x0a, 198,  51,   100,  2,    /* to */
        0x00, 0x00, 0x00, 0x07, 0x00, 0x08, 0x13, 0xce,             /* 5070 */
        0x00, 0x00, 0x00, 0x08, 0x00, 0x08, 0x13, 0xc4,             /* 5060 */
        0x00, 0x00, 0x00, 0x09, 0x00, 0x0a, 0x65, 0x43, 0x21, 0x01, /* seconds */
        0x00, 0x00, 0x00, 0x0a, 0x00, 0x0a, 0x00, 0x0a, 0x0b, 0x0c, /* microseconds */
        0x00, 0x00, 0x00, 0x0b, 0x00, 0x07, 0x01,                   /* SIP */
        0x00, 0x00, 0x00, 0x0c, 0x00, 0x0a, 0x00, 0x00, 0x07, 0xd1, /* agent 2001 */
        0x00, 0x00, 0x00, 0x11, 0x00, 0x09, 'a',  '@',  'b',        /* correlation */
        0x00, 0x00, 0x00, 0x0f, 0x00, 0x12, 'B',  'Y',  'E',  ' ',  's', 'i', 'p', ':', 'x', ' ', '\r', '\n',
    };
    struct net_flow flow = trace_flow(NET_UDP, "192.0.2.1:5070", "198.51.100.2:5060");
    struct trace_message message = message_of(TRACE_IN, &flow, SPAN("BYE sip:x \r\n"));
    struct buffer out = buffer_over(memory, sizeof(memory));
    assert_true(trace_hep_encode(&message, 2001, SPAN("a@b"), &out));
    assert_int_equal(sizeof(expected), 0x78);
    assert_int_equal(out.len, sizeof(expected));
    assert_memory_equal(out.at, expected, sizeof(expected));
}

static void test_ip6_tcp_out_without_a_call_id(void **state)
{
    (void)state;
    static const unsigned char way[] = {
        0x00, 0x00, 0x00, 0x01, 0x00, 0x07, 0x0a, /* AF_INET6 */
        0x00, 0x00, 0x00, 0x02, 0x00, 0x07, 0x06, /* TCP */
        0x00, 0x00, 0x00, 0x05, 0x00, 0x16,       /* from us */
        0x20, 0x01, 0x0d, 0xb8, 0,    0,    0,    0,    0,    0,    0,    0,
        0,    0,    0,    0x02, 0x00, 0x00, 0x00, 0x06, 0x00, 0x16, /* to them */
        0x20, 0x01, 0x0d, 0xb8, 0,    0,    0,    0,    0,    0,    0,    0,
        0,    0,    0,    0x01, 0x00, 0x00, 0x00, 0x07, 0x00, 0x08, 0x13, 0xc4, /* 5060 */
        0x00, 0x00, 0x00, 0x08, 0x00, 0x08, 0xff, 0xff,                         /* 65535 */
    };
    struct net_flow flow = trace_flow(NET_TCP, "[2001:db8::1]:65535", "[2001:db8::2]:5060");
    struct trace_message message = message_of(TRACE_OUT, &flow, SPAN("x"));
    struct buffer out = buffer_over(memory, sizeof(memory));
    buffer_add_literal(&out, "before"); /* packets lie one behind the other */
    assert_true(trace_hep_encode(&message, 0xfffffffe, SPAN(""), &out));
    assert_memory_equal(out.at, "beforeHEP3", 10);
    size_t len = out.len - 6;
    assert_int_equal((unsigned char)out.at[10] << 8 | (unsigned char)out.at[11], len);
    assert_memory_equal(out.at + 12, way, sizeof(way));
    assert_int_equal(len, 6 + sizeof(way) + 10 + 10 + 7 + 10 + 7); /* no correlation chunk */
    assert_true(len - 1 <= TRACE_HEP_HEAD_MAX);
    assert_memory_equal(out.at + out.len - 17, "\x00\x00\x00\x0c\x00\x0a\xff\xff\xff\xfe\x00\x00\x00\x0f\x00\x07x", 17);
}

static void test_what_is_too_long_is_cut(void **state)
{
    (void)state;
    static char bytes[TRACE_HEP_MAX + 100], id[TRACE_HEP_CALL_ID_MAX + 100];
    memset(bytes, 'b', sizeof(bytes));
    memset(id, 'i', sizeof(id));
    struct net_flow flow = trace_flow(NET_UDP, "[2001:db8::1]:1", "[2001:db8::2]:2");
    struct trace_message message = message_of(TRACE_IN, &flow, span_make(bytes, sizeof(bytes)));
    struct buffer out = buffer_over(memory, TRACE_HEP_MAX);
    assert_false(trace_hep_encode(&message, 1, span_make(id, sizeof(id)), &out));
    assert_false(out.overflow);
    assert_true(out.len > TRACE_HEP_MAX - 16);
    assert_int_equal((unsigned char)out.at[4] << 8 | (unsigned char)out.at[5], out.len);
}

static void test_a_buffer_that_is_too_small(void **state)
{
    (void)state;
    struct net_flow flow = trace_flow(NET_UDP, "192.0.2.1:1", "192.0.2.2:2");
    struct trace_message message = message_of(TRACE_IN, &flow, SPAN("BYE"));
    for (size_t cap = 0; cap < 60; cap++) {
        struct buffer out = buffer_over(memory, cap);
        assert_true(trace_hep_encode(&message, 1, SPAN("c"), &out));
        assert_true(out.overflow);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ip4_udp_in),
        cmocka_unit_test(test_ip6_tcp_out_without_a_call_id),
        cmocka_unit_test(test_what_is_too_long_is_cut),
        cmocka_unit_test(test_a_buffer_that_is_too_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
