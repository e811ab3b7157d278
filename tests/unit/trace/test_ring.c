/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cmocka_all.h"
#include "support/failing_malloc.h"
#include "support_trace.h"
#include "util/buffer.h"
#include <stdlib.h>

static const struct siphash_key key = {1, 2};

static struct trace_ring *make_ring(size_t cap)
{
    struct trace_ring *ring = NULL;
    assert_int_equal(trace_ring_new(cap, &key, &ring), OK);
    return ring;
}

static void put(struct trace_ring *ring, uint64_t at_us, struct span bytes)
{
    struct net_flow flow = trace_flow(NET_UDP, "192.0.2.1:5070", "192.0.2.2:5060");
    struct trace_message message = {at_us % 2 ? TRACE_OUT : TRACE_IN, at_us, &flow, bytes};
    trace_ring_put(ring, &message);
}

static void test_an_empty_ring(void **state)
{
    (void)state;
    struct trace_ring *ring = make_ring(TRACE_RING_LEAST);
    assert_null(trace_ring_next(ring, NULL));
    assert_int_equal(trace_ring_count(ring), 0);
    trace_ring_free(ring);
    trace_ring_free(NULL);
}

static void test_what_is_put_comes_out(void **state)
{
    (void)state;
    struct trace_ring *ring = make_ring(TRACE_RING_LEAST);
    put(ring, 10, SPAN("OPTIONS sip:a SIP/2.0\r\nCall-ID: one\r\n\r\n"));
    put(ring, 11, SPAN("SIP/2.0 200 OK\r\ni: one\r\n\r\n"));
    put(ring, 12, SPAN(""));
    const struct trace_record *first = trace_ring_next(ring, NULL);
    assert_non_null(first);
    assert_int_equal(first->at_us, 10);
    assert_int_equal(first->direction, TRACE_IN);
    assert_int_equal(first->flow.remote.port, 5070);
    assert_int_equal(first->len, first->kept);
    assert_memory_equal(first->bytes, "OPTIONS sip:a", 13);
    const struct trace_record *second = trace_ring_next(ring, first);
    assert_int_equal(second->direction, TRACE_OUT);
    assert_true(trace_ring_is_of(ring, first, SPAN("one")));
    assert_true(trace_ring_is_of(ring, second, SPAN("one")));
    assert_false(trace_ring_is_of(ring, second, SPAN("on")));
    const struct trace_record *third = trace_ring_next(ring, second);
    assert_int_equal(third->len, 0);
    assert_false(trace_ring_is_of(ring, third, SPAN("one")));
    assert_null(trace_ring_next(ring, third));
    assert_int_equal(trace_ring_count(ring), 3);
    trace_ring_free(ring);
}

/* Every record must be one of the latest, in order, whole; whatever their sizes and wherever the memory ends. */
static void test_the_oldest_make_room(void **state)
{
    (void)state;
    static char bytes[4096];
    memset(bytes, 'x', sizeof(bytes));
    for (size_t cap = TRACE_RING_LEAST; cap < TRACE_RING_LEAST + 64; cap += 7) {
        struct trace_ring *ring = make_ring(cap);
        uint32_t seed = (uint32_t)cap;
        for (uint64_t i = 1; i <= 3000; i++) {
            seed = seed * 1664525u + 1013904223u;
            size_t len = seed >> 8 & 4095;
            memcpy(bytes, &i, sizeof(i));
            put(ring, i, span_make(bytes, len < sizeof(i) ? sizeof(i) : len));
            uint64_t expected = i + 1 - trace_ring_count(ring);
            size_t memory = 0;
            for (const struct trace_record *at = trace_ring_next(ring, NULL); at; at = trace_ring_next(ring, at)) {
                uint64_t number;
                memcpy(&number, at->bytes, sizeof(number));
                assert_int_equal(at->at_us, expected);
                assert_int_equal(number, expected);
                assert_true(at->kept == at->len || (at->kept == TRACE_KEEP_MAX && at->len > TRACE_KEEP_MAX));
                memory += at->size;
                expected++;
            }
            assert_int_equal(expected, i + 1);
            assert_true(memory <= cap);
            /* What was dropped had to be: no more is free than two of the largest. */
            if (i > 200)
                assert_true(memory + 2 * (sizeof(struct trace_record) + TRACE_KEEP_MAX + 8) >= cap);
        }
        trace_ring_free(ring);
    }
}

static void test_a_cut_message_keeps_its_call(void **state)
{
    (void)state;
    struct trace_ring *ring = make_ring(TRACE_RING_LEAST);
    struct buffer text = buffer_heap(1 << 16);
    buffer_add_text(&text, "INVITE sip:a SIP/2.0\r\nSubject: ");
    for (int i = 0; i < 3000; i++)
        buffer_add_byte(&text, 's');
    buffer_add_text(&text, "\r\nCall-ID: far-away\r\n\r\n");
    put(ring, 1, buffer_span(&text));
    const struct trace_record *record = trace_ring_next(ring, NULL);
    assert_int_equal(record->kept, TRACE_KEEP_MAX);
    assert_int_equal(record->len, text.len);
    assert_true(trace_ring_is_of(ring, record, SPAN("far-away")));
    assert_false(trace_ring_is_of(ring, record, SPAN("near")));
    buffer_done(&text);
    trace_ring_free(ring);
}

static void test_no_memory(void **state)
{
    (void)state;
    for (unsigned nth = 1;; nth++) {
        struct trace_ring *ring = NULL;
        failing_malloc_at(nth);
        enum err err = trace_ring_new(TRACE_RING_LEAST, &key, &ring);
        if (!failing_malloc_off()) {
            assert_int_equal(err, OK);
            trace_ring_free(ring);
            break;
        }
        assert_int_equal(err, ERR_NOMEM);
        assert_null(ring);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_ring),
        cmocka_unit_test(test_what_is_put_comes_out),
        cmocka_unit_test(test_the_oldest_make_room),
        cmocka_unit_test(test_a_cut_message_keeps_its_call),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
