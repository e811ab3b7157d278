/* SPDX-License-Identifier: Apache-2.0 */
/* Frames taken apart: every link type, tags in tags, extension headers, fragments in any order; and every frame cut at every
 * byte, between unreadable pages. */
#include "replay/replay_fragments.h"
#include "replay/replay_packet.h"
#include "support_replay.h"

#include <pcap/pcap.h>

static struct made made;

static enum replay_packet_kind read_at_edge(int link, struct span frame, struct replay_packet *out)
{
    struct page_guard guard = page_guard_new(frame.len);
    enum replay_packet_kind kind = replay_packet_read(link, page_guard_put(&guard, frame), out);
    if (kind == REPLAY_PACKET_WHOLE && out->protocol == REPLAY_PROTOCOL_UDP)
        (void)replay_udp_read(out);
    page_guard_done(&guard);
    return kind;
}

/* The frame holds "hello" from port 5070 to 5060; what is cut from its end is never taken for whole. */
static void expect_hello(int link, size_t padding)
{
    struct span frame = made_span(&made);
    struct replay_packet packet;
    struct page_guard guard = page_guard_new(frame.len);
    struct span at_edge = page_guard_put(&guard, frame);
    assert_int_equal(replay_packet_read(link, at_edge, &packet), REPLAY_PACKET_WHOLE);
    assert_int_equal(packet.protocol, REPLAY_PROTOCOL_UDP);
    assert_true(replay_udp_read(&packet));
    assert_true(span_equal(packet.payload, SPAN("hello")));
    assert_int_equal(packet.from.port, 5070);
    assert_int_equal(packet.to.port, 5060);
    assert_int_equal(packet.to.ip[packet.to.family == NET_FAMILY_IP4 ? 3 : 15], 9);
    page_guard_done(&guard);
    for (size_t len = 0; len < frame.len - padding; len++)
        assert_int_not_equal(read_at_edge(link, span_slice(frame, 0, len), &packet), REPLAY_PACKET_WHOLE);
}

static void hello4(void)
{
    made_start(&made, SPAN("hello"));
    made_udp(&made, 5070, 5060);
    made_ip4(&made, REPLAY_PROTOCOL_UDP, 1, 9, 0);
}

static void hello6(void)
{
    made_start(&made, SPAN("hello"));
    made_udp(&made, 5070, 5060);
    made_ip6(&made, REPLAY_PROTOCOL_UDP, 1, 9);
}

static void every_link_type(void **state)
{
    (void)state;
    hello4();
    made_ethernet(&made, 0x0800);
    expect_hello(DLT_EN10MB, 0);
    hello6();
    made_ethernet(&made, 0x86dd);
    expect_hello(DLT_EN10MB, 0);
    hello4();
    put16(made_front(&made, 16) + 14, 0x0800);
    expect_hello(DLT_LINUX_SLL, 0);
    hello6();
    put16(made_front(&made, 20), 0x86dd);
    expect_hello(DLT_LINUX_SLL2, 0);
    hello4();
    expect_hello(DLT_RAW, 0);
    expect_hello(DLT_IPV4, 0);
    hello6();
    expect_hello(DLT_RAW, 0);
    hello6();
    made_front(&made, 4)[0] = 30; /* AF_INET6 of one BSD, in its byte order */
    expect_hello(DLT_NULL, 0);
    hello4();
    made_front(&made, 4)[3] = 2;
    expect_hello(DLT_LOOP, 0);
    assert_false(replay_link_is_known(DLT_IEEE802_11));
    assert_true(replay_link_is_known(DLT_LINUX_SLL2));
}

static void tags_in_tags(void **state)
{
    (void)state;
    struct replay_packet packet;
    hello4();
    made_tag(&made, 0x0800);
    made_ethernet(&made, 0x8100);
    expect_hello(DLT_EN10MB, 0);
    hello6();
    made_tag(&made, 0x86dd);
    made_tag(&made, 0x8100);
    made_ethernet(&made, 0x88a8);
    expect_hello(DLT_EN10MB, 0);
    hello4();
    made_tag(&made, 0x0800);
    put16(made_front(&made, 16) + 14, 0x8100);
    expect_hello(DLT_LINUX_SLL, 0);
    hello4();
    made_tag(&made, 0x0800);
    for (int i = 0; i < 20; i++)
        made_tag(&made, 0x8100);
    made_ethernet(&made, 0x8100);
    assert_int_equal(read_at_edge(DLT_EN10MB, made_span(&made), &packet), REPLAY_PACKET_OTHER);
}

static void what_is_no_ip(void **state)
{
    (void)state;
    struct replay_packet packet;
    made_start(&made, SPAN("whatever"));
    made_ethernet(&made, 0x0806);
    assert_int_equal(read_at_edge(DLT_EN10MB, made_span(&made), &packet), REPLAY_PACKET_OTHER);
    made_start(&made, SPAN("\x50zz"));
    assert_int_equal(read_at_edge(DLT_RAW, made_span(&made), &packet), REPLAY_PACKET_OTHER);
    hello4();
    made.bytes[made.begin] = 0x64; /* says version 6 under an IPv4 type */
    made_ethernet(&made, 0x0800);
    assert_int_equal(read_at_edge(DLT_EN10MB, made_span(&made), &packet), REPLAY_PACKET_DAMAGED);
    hello4();
    made.bytes[made.begin] = 0x44; /* a header of 16 bytes */
    assert_int_equal(read_at_edge(DLT_RAW, made_span(&made), &packet), REPLAY_PACKET_DAMAGED);
}

static void padding_and_offload(void **state)
{
    (void)state;
    struct replay_packet packet;
    static struct made padded;
    hello4();
    made_ethernet(&made, 0x0800);
    struct span frame = made_span(&made);
    char text[100] = {0};
    memcpy(text, frame.at, frame.len);
    made_start(&padded, span_make(text, frame.len + 9)); /* short frames are filled up to 60 bytes */
    made = padded;
    expect_hello(DLT_EN10MB, 9);
    hello4();
    put16((unsigned char *)made.bytes + made.begin + 2, 0); /* the card would have filled it in */
    assert_int_equal(read_at_edge(DLT_RAW, made_span(&made), &packet), REPLAY_PACKET_WHOLE);
    assert_int_equal(packet.payload.len, 5);
}

static void extension_headers(void **state)
{
    (void)state;
    struct replay_packet packet;
    made_start(&made, SPAN("hello"));
    made_udp(&made, 5070, 5060);
    unsigned char *options = made_front(&made, 16);
    options[0] = REPLAY_PROTOCOL_UDP;
    options[1] = 1;
    made_front(&made, 8)[0] = 60; /* hop by hop, then destination options */
    unsigned char *authentication = made_front(&made, 24);
    authentication[0] = 0;
    authentication[1] = 4;
    made_ip6(&made, 51, 1, 9);
    expect_hello(DLT_RAW, 0);
    made_start(&made, SPAN("hello"));
    made_udp(&made, 5070, 5060);
    made_front(&made, 8)[0] = REPLAY_PROTOCOL_UDP; /* a fragment that is all there is (RFC 6946) */
    made_ip6(&made, 44, 1, 9);
    expect_hello(DLT_RAW, 0);
    made_start(&made, SPAN("x"));
    for (int i = 0; i < 40; i++)
        made_front(&made, 8)[0] = 60;
    made_ip6(&made, 60, 1, 9);
    assert_int_equal(read_at_edge(DLT_RAW, made_span(&made), &packet), REPLAY_PACKET_WHOLE);
    assert_int_equal(packet.protocol, 60); /* nobody's transport */
}

static void lengths_of_udp_and_tcp(void **state)
{
    (void)state;
    struct replay_segment segment;
    struct replay_packet packet = {.payload = SPAN("\0\1\0\2\0\7\0\0x")};
    assert_false(replay_udp_read(&packet)); /* shorter than its own header */
    packet.payload = SPAN("\0\1\0\2\0\x20\0\0x");
    assert_false(replay_udp_read(&packet)); /* longer than what is there */
    made_start(&made, SPAN("abc"));
    made_tcp(&made, 1, 2, 0xfffffffe, MADE_SYN | MADE_FIN);
    for (size_t len = 0; len <= made_span(&made).len; len++) {
        struct page_guard guard = page_guard_new(len);
        packet.payload = page_guard_put(&guard, span_slice(made_span(&made), 0, len));
        assert_int_equal(replay_tcp_read(&packet, &segment), len >= 24);
        page_guard_done(&guard);
    }
    assert_true(segment.syn && segment.fin && !segment.rst);
    assert_int_equal(segment.seq, 0xfffffffe);
    assert_int_equal(packet.payload.len, 3);
    made_start(&made, SPAN("abc"));
    made_tcp(&made, 1, 2, 1, 0);
    made.bytes[made.begin + 12] = 4 << 4;
    packet.payload = made_span(&made);
    assert_false(replay_tcp_read(&packet, &segment));
}

/* ---- Fragments ---- */

enum { BIG = 4000, PIECE = 1480 };

static char big[BIG];

static struct replay_packet piece4(size_t from, size_t len, bool more)
{
    static char copy[BIG + 8];
    struct replay_packet packet;
    memcpy(copy, big + from, len);
    made_start(&made, span_make(copy, len));
    made_ip4(&made, REPLAY_PROTOCOL_UDP, 1, 9, (unsigned)(from / 8) | (more ? 0x2000 : 0));
    assert_int_equal(replay_packet_read(DLT_RAW, made_span(&made), &packet), REPLAY_PACKET_FRAGMENT);
    return packet;
}

static struct replay_fragments *fresh(void)
{
    struct replay_fragments *fragments;
    for (size_t i = 0; i < BIG; i++)
        big[i] = (char)(i * 7);
    assert_int_equal(replay_fragments_new(&fragments), OK);
    return fragments;
}

static bool add(struct replay_fragments *fragments, int64_t ms, size_t from, size_t len, bool more)
{
    struct replay_packet packet = piece4(from, len, more);
    bool whole = replay_fragments_add(fragments, ms, &packet);
    if (whole) {
        assert_true(span_equal(packet.payload, span_make(big, BIG)));
        assert_int_equal(packet.protocol, REPLAY_PROTOCOL_UDP);
    }
    return whole;
}

static void fragments_in_any_order(void **state)
{
    (void)state;
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct replay_fragments *fragments = fresh();
    for (int order = 0; order < 6; order++) {
        for (int i = 0; i < 3; i++) {
            size_t from = (size_t)orders[order][i] * PIECE;
            size_t len = from + PIECE > BIG ? BIG - from : PIECE;
            bool more = from + len < BIG;
            assert_int_equal(add(fragments, order, from, len, more), i == 2);
            if (i < 2)
                assert_false(add(fragments, order, from, len, more)); /* and each one twice */
        }
    }
    assert_int_equal(replay_fragments_incomplete(fragments), 0);
    replay_fragments_free(fragments);
}

static void fragments_that_never_fit(void **state)
{
    (void)state;
    struct replay_fragments *fragments = fresh();
    assert_false(add(fragments, 0, 0, PIECE, true));
    assert_false(add(fragments, 0, 8, PIECE, true)); /* overlaps: the whole packet is given up (RFC 5722) */
    assert_int_equal(replay_fragments_incomplete(fragments), 1);
    assert_false(add(fragments, 0, 0, 100, true)); /* pieces but the last are multiples of eight */
    assert_int_equal(replay_fragments_incomplete(fragments), 2);
    assert_false(add(fragments, 0, 2 * PIECE, BIG - 2 * PIECE, false));
    assert_false(add(fragments, REPLAY_FRAGMENTS_MS + 1, 0, PIECE, true)); /* too late: the last piece is gone */
    assert_false(add(fragments, REPLAY_FRAGMENTS_MS + 1, PIECE, PIECE, true));
    assert_true(add(fragments, REPLAY_FRAGMENTS_MS + 1, 2 * PIECE, BIG - 2 * PIECE, false));
    assert_int_equal(replay_fragments_incomplete(fragments), 3);
    struct replay_packet packet = piece4(0, 8, true);
    packet.fragment_offset = 65528; /* beyond the longest packet */
    packet.payload = span_make(big, 16);
    assert_false(replay_fragments_add(fragments, 0, &packet));
    for (unsigned i = 0; i < 10 * REPLAY_FRAGMENTS_MAX; i++) { /* a flood of beginnings */
        packet = piece4(0, PIECE, true);
        packet.fragment_id = i;
        assert_false(replay_fragments_add(fragments, REPLAY_FRAGMENTS_MS + 2, &packet));
    }
    assert_int_equal(replay_fragments_incomplete(fragments), 4 + 10 * REPLAY_FRAGMENTS_MAX);
    replay_fragments_free(fragments);
}

static void fragments_of_ip6(void **state)
{
    (void)state;
    struct replay_fragments *fragments = fresh();
    struct replay_packet packet;
    for (int i = 2; i >= 0; i--) {
        size_t from = (size_t)i * PIECE, len = from + PIECE > BIG ? BIG - from : PIECE;
        made_start(&made, span_make(big + from, len));
        unsigned char *header = made_front(&made, 8);
        header[0] = i == 0 ? REPLAY_PROTOCOL_TCP : 99; /* only the first piece's counts */
        put16(header + 2, (unsigned)from | (from + len < BIG));
        put32(header + 4, 0x12345678);
        made_ip6(&made, 44, 1, 9);
        assert_int_equal(replay_packet_read(DLT_RAW, made_span(&made), &packet), REPLAY_PACKET_FRAGMENT);
        assert_int_equal(replay_fragments_add(fragments, 0, &packet), i == 0);
    }
    assert_int_equal(packet.protocol, REPLAY_PROTOCOL_TCP);
    assert_true(span_equal(packet.payload, span_make(big, BIG)));
    replay_fragments_free(fragments);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_link_type),        cmocka_unit_test(tags_in_tags),
        cmocka_unit_test(what_is_no_ip),          cmocka_unit_test(padding_and_offload),
        cmocka_unit_test(extension_headers),      cmocka_unit_test(lengths_of_udp_and_tcp),
        cmocka_unit_test(fragments_in_any_order), cmocka_unit_test(fragments_that_never_fit),
        cmocka_unit_test(fragments_of_ip6),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
