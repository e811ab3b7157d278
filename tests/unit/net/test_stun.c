/* SPDX-License-Identifier: Apache-2.0 */
/* STUN requests and answers between unreadable pages: the examples of RFC 5769, and everything that is not to be answered. */
#include "support/page_guard.h"
#include "support_net.h"

#include "net/net_stun.h"
#include <unistd.h>

/* RFC 5769 2.1. */
static const unsigned char example[] = {
    0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87,
    0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 'S',  'T',  'U',  'N',  ' ',  't',  'e',  's',  't',  ' ',  'c',  'l',
    'i',  'e',  'n',  't',  0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff, 0x80, 0x29, 0x00, 0x08, 0x93, 0x2f,
    0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00, 0x09, 'e',  'v',  't',  'j',  ':',  'h',  '6',  'v',
    'Y',  0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14, 0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e,
    0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49, 0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf,
};
/* The attribute of its 2.2 and 2.3, behind the head of an answer. */
static const unsigned char mapped4[] = {0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43};
static const unsigned char mapped6[] = {0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa,
                                        0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9};

static struct span bare(void)
{
    static char bytes[20];
    memcpy(bytes, example, sizeof(bytes));
    bytes[3] = 0;
    return span_make(bytes, sizeof(bytes));
}

static void expect_mapped(const char *from, const unsigned char *attribute, size_t len)
{
    struct net_stun_request request;
    struct net_address address;
    char text[NET_STUN_ANSWER_MAX];
    struct buffer out = buffer_over(text, sizeof(text));
    assert_int_equal(net_stun_read(bare(), &request), OK);
    assert_int_equal(net_address_parse(span_of(from), 0, &address), OK);
    net_stun_answer(&request, &address, &out);
    assert_int_equal(out.len, 20 + len);
    assert_memory_equal(text, ((unsigned char[]){0x01, 0x01, 0x00, (unsigned char)len}), 4);
    assert_memory_equal(text + 4, example + 4, 16);
    assert_memory_equal(text + 20, attribute, len);
}

static void the_address_is_told(void **state)
{
    (void)state;
    expect_mapped("192.0.2.1:32853", mapped4, sizeof(mapped4));
    expect_mapped("[2001:db8:1234:5678:11:2233:4455:6677]:32853", mapped6, sizeof(mapped6));
}

/* PRIORITY is ICE's, which nobody here speaks: 420, and the fingerprint that the request had. */
static void what_is_not_understood_is_named(void **state)
{
    (void)state;
    struct net_stun_request request;
    struct net_address address = {.family = NET_FAMILY_IP4};
    char text[NET_STUN_ANSWER_MAX];
    struct buffer out = buffer_over(text, sizeof(text));
    static const unsigned char error[] = {0x00, 0x09, 0x00, 0x04, 0x00, 0x00, 0x04, 0x14,
                                          0x00, 0x0a, 0x00, 0x02, 0x00, 0x24, 0x00, 0x00};
    struct span bytes = span_make((const char *)example, sizeof(example));
    assert_int_equal(net_stun_read(bytes, &request), OK);
    assert_true(request.has_fingerprint);
    assert_int_equal(request.unknown_count, 1);
    assert_int_equal(request.unknown[0], 0x0024);
    net_stun_answer(&request, &address, &out);
    assert_int_equal(out.len, 20 + sizeof(error) + 8);
    assert_memory_equal(text, "\x01\x11\x00\x18", 4);
    assert_memory_equal(text + 20, error, sizeof(error));
    assert_memory_equal(text + 36, "\x80\x28\x00\x04", 4);
}

/* The fingerprint stands over every byte before it: no change is overlooked. */
static void every_change_and_every_cut_is_met(void **state)
{
    (void)state;
    struct net_stun_request request;
    char changed[sizeof(example)];
    struct page_guard guard = page_guard_new(sizeof(example) + 4);
    for (size_t at = 0; at < sizeof(example); at++) {
        memcpy(changed, example, sizeof(example));
        changed[at] ^= 0x10;
        struct span input = page_guard_put(&guard, span_make(changed, sizeof(changed)));
        enum err err = net_stun_read(input, &request);
        /* Without its type the fingerprint is an optional attribute that nobody knows. */
        bool is_its_type = at == sizeof(example) - 8 || at == sizeof(example) - 7;
        assert_int_equal(err == OK && request.has_fingerprint, 0);
        assert_true(err == ERR_INVALID || is_its_type);
        input = page_guard_put(&guard, span_make((const char *)example, at));
        assert_int_equal(net_stun_read(input, &request), ERR_INVALID);
    }
    page_guard_done(&guard);
}

static void what_is_no_request_is_not_answered(void **state)
{
    (void)state;
    struct net_stun_request request;
    static const struct {
        unsigned at;
        unsigned char byte;
    } changes[] = {{0, 0x01} /* an answer */, {1, 0x11} /* an indication */, {1, 0x02} /* another method */,
                   {0, 0x80} /* not STUN */,  {4, 0x20} /* RFC 3489 */,      {3, 0x04} /* longer than it is */};
    char bytes[NET_STUN_MAX + 4] = {0};
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        memcpy(bytes, bare().at, 20);
        bytes[changes[i].at] = (char)changes[i].byte;
        assert_int_equal(net_stun_read(span_make(bytes, 20), &request), ERR_INVALID);
    }
    memcpy(bytes, bare().at, 20);
    bytes[2] = (char)((sizeof(bytes) - 20) >> 8);
    bytes[3] = (char)(sizeof(bytes) - 20);
    assert_int_equal(net_stun_read(span_make(bytes, sizeof(bytes)), &request), ERR_INVALID);
    assert_int_equal(net_stun_read(SPAN("OPTIONS sip:a SIP/2.0\r\n\r\n"), &request), ERR_INVALID);
}

/* However many attributes are not understood, the answer is no longer than the request, give or take an address. */
static void nothing_is_amplified(void **state)
{
    (void)state;
    char bytes[NET_STUN_MAX], text[NET_STUN_ANSWER_MAX];
    const struct net_address far = {.family = NET_FAMILY_IP6};
    for (unsigned count = 0; count <= 100; count++) {
        struct net_stun_request request;
        struct buffer out = buffer_over(text, sizeof(text));
        size_t len = 20 + 4 * (size_t)count;
        memcpy(bytes, bare().at, 20);
        bytes[2] = (char)((4 * count) >> 8);
        bytes[3] = (char)(4 * count);
        for (unsigned i = 0; i < count; i++)
            memcpy(bytes + 20 + 4 * (size_t)i, "\x70\x00\x00\x00", 4);
        assert_int_equal(net_stun_read(span_make(bytes, len), &request), OK);
        net_stun_answer(&request, &far, &out);
        assert_false(out.overflow);
        assert_true(out.len <= len + 24);
    }
}

static void a_stack_counts_its_answers(void **state)
{
    (void)state;
    struct bench bench;
    char text[64];
    bench_init(&bench);
    bench_open_one(&bench, "udp:127.0.0.1:0");
    int peer = peer_open(NET_UDP, bench_address(&bench, 0));
    peer_send(peer, "hello");
    bench_until(&bench, &bench.datagrams, 1); /* whose flow is known now */
    assert_true(net_stun_serve(bench.stack, &bench.flow, bare()));
    assert_false(net_stun_serve(bench.stack, &bench.flow, SPAN("hello")));
    bench_turns(&bench, 2);
    assert_int_equal(read(peer, text, sizeof(text)), 32);
    assert_int_equal(bench_counters(&bench)->udp_stun, 1);
    struct net_flow stream = bench.flow;
    stream.transport = NET_TCP;
    assert_false(net_stun_serve(bench.stack, &stream, bare()));
    close(peer);
    bench_done(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_address_is_told),
        cmocka_unit_test(what_is_not_understood_is_named),
        cmocka_unit_test(every_change_and_every_cut_is_met),
        cmocka_unit_test(what_is_no_request_is_not_answered),
        cmocka_unit_test(nothing_is_amplified),
        cmocka_unit_test(a_stack_counts_its_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
