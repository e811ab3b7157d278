/* SPDX-License-Identifier: Apache-2.0 */
/* Our own INVITEs inside a dialog over time: RFC 3261 17.1.1, RFC 6026. */
#include "unit/txn/support_txn.h"

static const char invite[] = "INVITE sip:alice@192.0.2.9 SIP/2.0\r\n"
                             "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKours\r\nMax-Forwards: 70\r\n"
                             "Route: <sip:p1.example.com;lr>\r\nRoute: <sip:p2.example.com;lr>\r\n"
                             "From: <sip:bob@example.com>;tag=b\r\nTo: <sip:alice@example.com>;tag=a\r\n"
                             "Call-ID: call-1\r\nCSeq: 7 INVITE\r\nContent-Length: 0\r\n\r\n";

static const char ack_of_2xx[] = "ACK sip:alice@192.0.2.9 SIP/2.0\r\n"
                                 "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKack\r\nMax-Forwards: 70\r\n"
                                 "From: <sip:bob@example.com>;tag=b\r\nTo: <sip:alice@example.com>;tag=a\r\n"
                                 "Call-ID: call-1\r\nCSeq: 7 ACK\r\nContent-Length: 0\r\n\r\n";

static struct txn *start(struct txn_bench *bench, const struct net_flow *flow)
{
    struct txn *txn = NULL;
    struct txn_client_request request = {.method = SPAN("INVITE"),
                                         .call_id = SPAN("call-1"),
                                         .branch = SPAN("z9hG4bKours"),
                                         .flow = *flow,
                                         .bytes = span_of(invite),
                                         .handlers = &bench_client_handlers,
                                         .user = bench};
    assert_int_equal(txn_client_new(bench->table, &request, &txn), OK);
    assert_int_equal(txn_kind(txn), TXN_INVITE_CLIENT);
    return txn;
}

static void answer(struct txn_bench *bench, unsigned code)
{
    assert_true(txn_receive_response(bench->table, sip_ask_answer(&bench->asked, invite, code)));
}

static void test_a_doubles_without_a_limit_and_b_ends(void **state)
{
    struct txn_bench *bench = *state;
    uint64_t begin = bench->fake.clock.mono_ms;
    start(bench, &bench->udp);
    fake_clock_pass(&bench->fake, 32000);
    static const uint64_t times[] = {0, 500, 1500, 3500, 7500, 15500, 31500};
    assert_int_equal(bench->wire.count, 7);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(bench->wire.sent[i].at_ms - begin, times[i]);
    assert_int_equal(bench->timeouts, 1);
    bench_assert_empty(bench);
}

static void test_a_provisional_stops_a_and_b(void **state)
{
    struct txn_bench *bench = *state;
    start(bench, &bench->udp);
    answer(bench, 180);
    fake_clock_pass(&bench->fake, 100000);
    answer(bench, 183);
    fake_clock_pass(&bench->fake, 179999);
    assert_int_equal(bench->wire.count, 1);
    assert_int_equal(bench->timeouts, 0);
    fake_clock_pass(&bench->fake, 1); /* three minutes after the last one */
    assert_int_equal(bench->timeouts, 1);
    bench_assert_empty(bench);
}

static void test_a_refusal_is_acknowledged_each_time(void **state)
{
    struct txn_bench *bench = *state;
    start(bench, &bench->udp);
    answer(bench, 488);
    answer(bench, 488);
    assert_int_equal(bench->finals, 1);
    assert_int_equal(bench->wire.count, 3);
    const char *ack = fake_wire_text(&bench->wire, 1);
    assert_string_equal(ack, fake_wire_text(&bench->wire, 2));
    assert_string_equal(ack, "ACK sip:alice@192.0.2.9 SIP/2.0\r\n"
                             "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKours\r\nMax-Forwards: 70\r\n"
                             "Route: <sip:p1.example.com;lr>\r\nRoute: <sip:p2.example.com;lr>\r\n"
                             "From: <sip:bob@example.com>;tag=b\r\nTo: <sip:alice@example.com>;tag=a\r\n"
                             "Call-ID: call-1\r\nCSeq: 7 ACK\r\nContent-Length: 0\r\n\r\n");
    fake_clock_pass(&bench->fake, 32000); /* D */
    assert_int_equal(bench->wire.count, 3);
    bench_assert_empty(bench);
}

static void test_over_a_stream_d_is_0(void **state)
{
    struct txn_bench *bench = *state;
    start(bench, &bench->tcp);
    fake_clock_pass(&bench->fake, 20000);
    assert_int_equal(bench->wire.count, 1);
    answer(bench, 491);
    fake_clock_pass(&bench->fake, 0);
    assert_int_equal(bench->wire.count, 2);
    bench_assert_empty(bench);
}

static void test_copies_of_a_2xx_get_the_ack_that_was_given(void **state)
{
    struct txn_bench *bench = *state;
    struct txn *txn = start(bench, &bench->udp);
    answer(bench, 100);
    answer(bench, 200);
    assert_int_equal(bench->wire.count, 1);
    answer(bench, 200); /* before there is one */
    assert_int_equal(bench->wire.count, 1);
    txn_client_acknowledge(txn, span_of(ack_of_2xx));
    txn_client_detach(txn);
    answer(bench, 200);
    answer(bench, 500); /* of no fork that we know */
    assert_int_equal(bench->finals, 1);
    assert_int_equal(bench->wire.count, 3);
    assert_string_equal(fake_wire_text(&bench->wire, 1), ack_of_2xx);
    assert_string_equal(fake_wire_text(&bench->wire, 2), ack_of_2xx);
    fake_clock_pass(&bench->fake, 32000); /* M */
    bench_assert_empty(bench);
}

static void test_the_wire_refuses(void **state)
{
    struct txn_bench *bench = *state;
    bench->wire.refuse = ERR_CLOSED;
    start(bench, &bench->udp);
    assert_int_equal(bench->client_errors, 0);
    fake_clock_pass(&bench->fake, 0);
    assert_int_equal(bench->client_errors, 1);
    bench_assert_empty(bench);
    /* An ACK that cannot leave ends nothing: the refusal comes again. */
    bench->wire.refuse = OK;
    start(bench, &bench->udp);
    bench->wire.refuse = ERR_CLOSED;
    answer(bench, 486);
    bench->wire.refuse = OK;
    answer(bench, 486);
    assert_int_equal(strncmp(fake_wire_text(&bench->wire, -1), "ACK ", 4), 0);
    assert_int_equal(bench->client_errors, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_doubles_without_a_limit_and_b_ends),       TEST(test_a_provisional_stops_a_and_b),
        TEST(test_a_refusal_is_acknowledged_each_time),        TEST(test_over_a_stream_d_is_0),
        TEST(test_copies_of_a_2xx_get_the_ack_that_was_given), TEST(test_the_wire_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
