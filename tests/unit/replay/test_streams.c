/* SPDX-License-Identifier: Apache-2.0 */
/* TCP put together: any order, twice, overlapping, with gaps, from the middle, both directions, other protocols. */
#include "replay/replay_streams.h"
#include "support_replay.h"
#include "util/random.h"

#include <stdio.h>

static const char message_text[] =
    "OPTIONS sip:a@example.com SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK%u\r\n"
    "Call-ID: %u\r\nContent-Length: %zu\r\n\r\n%s";

static struct seen {
    unsigned count;
    unsigned numbers[64];
    bool in_order;
    struct net_address from;
} seen;

static void on_message(void *ctx, const struct replay_message *message)
{
    (void)ctx;
    char text[4096];
    unsigned number = 0;
    const char *at;
    assert_true(span_copy(message->bytes, text, sizeof(text)));
    if (strncmp(text, "OPTIONS ", 8) != 0)
        fail_msg("a message begins with: %.40s", text);
    at = strstr(text, "Call-ID: ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "Call-ID: %u", &number), 1);
    seen.from = message->flow.remote;
    if (seen.count < 64)
        seen.numbers[seen.count] = number;
    seen.count++;
}

static bool is_guarded; /* costs a mapping a segment */
static char text[65536];
static size_t text_len;

/* `count` messages in a row; their bodies have different lengths. */
static void write_messages(unsigned count)
{
    text_len = 0;
    for (unsigned i = 0; i < count; i++) {
        char body[200];
        memset(body, 'b', sizeof(body));
        body[i * 13 % 199] = '\0';
        text_len += (size_t)snprintf(text + text_len, sizeof(text) - text_len, message_text, i, i, strlen(body), body);
    }
}

static struct replay_streams *fresh(void)
{
    struct replay_streams *streams;
    is_guarded = true;
    seen = (struct seen){0};
    assert_int_equal(replay_streams_new(on_message, NULL, &streams), OK);
    return streams;
}

static int64_t now_ms;

static void segment(struct replay_streams *streams, uint16_t port, uint32_t seq, unsigned flags, struct span bytes)
{
    const struct replay_packet packet = {.from = {.family = NET_FAMILY_IP4, .port = port, .ip = {192, 0, 2, 1}},
                                         .to = {.family = NET_FAMILY_IP4, .port = 5060, .ip = {192, 0, 2, 9}},
                                         .payload = bytes};
    const struct replay_segment of = {
        .seq = seq, .syn = flags & MADE_SYN, .fin = flags & MADE_FIN, .rst = flags & MADE_RST};
    struct replay_packet at_edge = packet;
    if (!is_guarded) {
        replay_streams_add(streams, now_ms, &packet, &of);
        return;
    }
    struct page_guard guard = page_guard_new(bytes.len);
    at_edge.payload = page_guard_put(&guard, bytes);
    replay_streams_add(streams, now_ms, &at_edge, &of);
    page_guard_done(&guard);
}

static struct span piece(size_t from, size_t to)
{
    return span_slice(span_make(text, text_len), from, to);
}

static void expect_all(unsigned count)
{
    assert_int_equal(seen.count, count);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(seen.numbers[i], i);
}

/* Cut anywhere, shuffled within a window, some twice, some overlapping, over the sequence numbers' end. */
static void any_order(void **state)
{
    (void)state;
    struct random random;
    random_seed(&random, 4711);
    for (unsigned round = 0; round < 300; round++) {
        struct replay_streams *streams = fresh();
        is_guarded = round < 20;
        struct {
            size_t from, to;
        } cuts[600];
        unsigned count = 0;
        uint32_t first = (uint32_t)random_u64(&random) | (round % 3 == 0 ? 0xffffff00u : 0);
        write_messages(20);
        for (size_t at = 0; at < text_len; count++) {
            size_t len = 1 + random_below(&random, 400);
            cuts[count].from = at;
            cuts[count].to = at + len < text_len ? at + len : text_len;
            at = cuts[count].to;
        }
        for (unsigned i = 0; i + 1 < count; i++) { /* each moves at most a few places */
            unsigned other = i + (unsigned)random_below(&random, count - i < 4 ? count - i : 4);
            size_t from = cuts[i].from, to = cuts[i].to;
            cuts[i] = cuts[other];
            cuts[other].from = from, cuts[other].to = to;
        }
        segment(streams, 1000, first - 1, MADE_SYN, SPAN(""));
        for (unsigned i = 0; i < count; i++) {
            size_t from = cuts[i].from, to = cuts[i].to;
            segment(streams, 1000, first + (uint32_t)from, 0, piece(from, to));
            if (random_below(&random, 4) == 0) { /* sent again, cut otherwise */
                from -= random_below(&random, from + 1 < 100 ? from + 1 : 100);
                segment(streams, 1000, first + (uint32_t)from, 0, piece(from, to));
            }
        }
        expect_all(20);
        assert_int_equal(replay_streams_counters(streams)->gaps, 0);
        replay_streams_free(streams);
    }
}

static void a_gap_costs_the_message_around_it(void **state)
{
    (void)state;
    struct replay_streams *streams = fresh();
    write_messages(10);
    size_t second = (size_t)(strstr(text + 1, "OPTIONS ") - text);
    segment(streams, 1000, 99, MADE_SYN, SPAN(""));
    segment(streams, 1000, 100, 0, piece(0, second + 10));
    /* 20 bytes of the second message are not in the capture */
    segment(streams, 1000, 100 + (uint32_t)second + 30, 0, piece(second + 30, text_len));
    assert_int_equal(seen.count, 1);
    now_ms += REPLAY_STREAM_GAP_MS + 1;
    segment(streams, 1000, 100 + (uint32_t)text_len, 0, SPAN("\r\n\r\n"));
    assert_int_equal(seen.count, 9);
    assert_int_equal(seen.numbers[1], 2);
    assert_int_equal(replay_streams_counters(streams)->gaps, 1);
    replay_streams_free(streams);
    /* the capture ends before anybody gives up waiting */
    streams = fresh();
    segment(streams, 1000, 99, MADE_SYN, SPAN(""));
    segment(streams, 1000, 100, 0, piece(0, 10));
    segment(streams, 1000, 120, 0, piece(20, text_len));
    assert_int_equal(seen.count, 0);
    replay_streams_end(streams);
    assert_int_equal(seen.count, 9);
    replay_streams_free(streams);
}

static void from_the_middle(void **state)
{
    (void)state;
    struct replay_streams *streams = fresh();
    write_messages(5);
    size_t second = (size_t)(strstr(text + 1, "OPTIONS ") - text);
    segment(streams, 1000, 5000, 0, piece(30, second)); /* nothing begins here */
    segment(streams, 1000, 5000 + (uint32_t)second - 30, 0, piece(second, text_len));
    assert_int_equal(seen.count, 4);
    /* the same ports again, another connection whose SYN was missed */
    segment(streams, 1000, 900000000u, 0, piece(0, text_len));
    assert_int_equal(seen.count, 9);
    /* and one with it */
    segment(streams, 1000, 77, MADE_SYN, SPAN(""));
    segment(streams, 1000, 78, MADE_FIN, piece(0, text_len));
    assert_int_equal(seen.count, 14);
    segment(streams, 1000, 77, MADE_RST, SPAN(""));
    replay_streams_free(streams);
}

static void other_protocols(void **state)
{
    (void)state;
    static char noise[3000];
    struct replay_streams *streams = fresh();
    segment(streams, 1, 9, MADE_SYN, SPAN(""));
    segment(streams, 1, 10, 0, SPAN("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    segment(streams, 2, 9, MADE_SYN, SPAN(""));
    segment(streams, 2, 10, 0, SPAN("\x16\x03\x01\x02"));
    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (char)(i * i);
    segment(streams, 2, 14, 0, span_make(noise, sizeof(noise)));
    segment(streams, 2, 20000, 0, span_make(noise, sizeof(noise)));
    replay_streams_end(streams);
    assert_int_equal(seen.count, 0);
    segment(streams, 3, 9, MADE_SYN, SPAN(""));
    segment(streams, 3, 10, 0, SPAN("GET /sip HTTP/1.1\r\nSec-WebSocket-Key: x\r\nUpgrade: websocket\r\n\r\n"));
    segment(streams, 3, 78, 0, SPAN("\x81\x85masked"));
    segment(streams, 4, 500, 0, SPAN("\x17\x03\x03\x00\x10")); /* the capture began in its middle */
    segment(streams, 5, 500, 0, SPAN("the rest of a message\r\n"));
    replay_streams_end(streams);
    assert_int_equal(seen.count, 0);
    const struct replay_streams_counters *counters = replay_streams_counters(streams);
    assert_int_equal(counters->foreign, 3);
    assert_int_equal(counters->tls, 4);
    assert_int_equal(counters->websocket, 2);
    assert_int_equal(counters->other, 1);
    assert_int_equal(counters->headless, 1);
    replay_streams_free(streams);
}

static void lost_framing_is_found_again(void **state)
{
    (void)state;
    struct replay_streams *streams = fresh();
    write_messages(2);
    segment(streams, 1, 9, MADE_SYN, SPAN(""));
    uint32_t seq = 10;
    const struct span broken = SPAN("OPTIONS sip:a SIP/2.0\r\nContent-Length: nonsense\r\n\r\nbody\r\n");
    segment(streams, 1, seq, 0, broken);
    segment(streams, 1, seq + (uint32_t)broken.len, 0, piece(0, text_len));
    expect_all(2);
    assert_int_equal(replay_streams_counters(streams)->unframed, 1);
    replay_streams_free(streams);
}

/* Nothing grows with what an attacker, or a day's traffic, puts into a capture. */
static void bounded(void **state)
{
    (void)state;
    static char filler[1400];
    struct replay_streams *streams = fresh();
    memset(filler, 'x', sizeof(filler));
    is_guarded = false;
    write_messages(1);
    for (unsigned port = 1; port < 2000; port++) {
        segment(streams, (uint16_t)port, 9, MADE_SYN, SPAN(""));
        segment(streams, (uint16_t)port, 10, 0, piece(0, 50));
        for (uint32_t i = 1; i < 60; i++) /* all behind a gap */
            segment(streams, (uint16_t)port, 100 + i * 1400, 0, span_make(filler, sizeof(filler)));
    }
    replay_streams_end(streams);
    assert_int_equal(seen.count, 0);
    replay_streams_free(streams);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order),       cmocka_unit_test(a_gap_costs_the_message_around_it),
        cmocka_unit_test(from_the_middle), cmocka_unit_test(other_protocols),
        cmocka_unit_test(bounded),         cmocka_unit_test(lost_framing_is_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
