/* SPDX-License-Identifier: Apache-2.0 */
/* INVITE server transactions over time: RFC 3261 17.2.1, RFC 6026. */
#include "unit/txn/support_txn.h"

static const uint64_t eleven[] = {0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500};

/* Every answer left at its time, and all have the same bytes. */
static void assert_sent_at(const struct fake_wire *wire, uint64_t start_ms, const uint64_t *times, size_t count)
{
    assert_int_equal(wire->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(wire->sent[i].at_ms - start_ms, times[i]);
        assert_true(span_equal(wire->sent[i].bytes, wire->sent[0].bytes));
    }
}

static void test_410_goes_out_eleven_times_over_udp(void **state)
{
    struct txn_bench *bench = *state;
    uint64_t start = bench->fake.clock.mono_ms;
    assert_int_equal(bench_reply(bench_open(bench, &bench->udp, (struct sip_ask){0}), 410), OK);
    fake_clock_pass(&bench->fake, 31999);
    assert_int_equal(bench->no_acks, 0);
    fake_clock_pass(&bench->fake, 1);
    assert_int_equal(bench->no_acks, 1);
    assert_int_equal(bench->last_ack.resends, 10);
    assert_int_equal(bench->last_ack.waited_ms, 32000);
    assert_int_equal(bench->ends, 1);
    fake_clock_pass(&bench->fake, 100000);
    assert_sent_at(&bench->wire, start, eleven, 11);
    assert_int_equal(txn_ledger_totals(txn_table_ledger(bench->table))->counts[TXN_LEDGER_MISSING], 1);
    bench_assert_empty(bench);
}

static void test_scaled_timers_give_the_same_count(void **state)
{
    struct txn_bench *bench = *state;
    txn_table_free(bench->table);
    struct txn_options options = bench_options(bench);
    options.wire = (struct txn_wire){&bench->wire, fake_wire_send};
    options.timers.t1_ms = 50;
    assert_int_equal(txn_table_new(&options, &bench->table), OK);
    assert_int_equal(txn_table_timers(bench->table)->t2_ms, 400);
    assert_int_equal(txn_table_timers(bench->table)->t4_ms, 500);
    assert_int_equal(bench_reply(bench_open(bench, &bench->udp, (struct sip_ask){0}), 410), OK);
    fake_clock_pass(&bench->fake, 3200);
    assert_int_equal(bench->wire.count, 11);
    assert_int_equal(bench->no_acks, 1);
    bench_assert_empty(bench);
}

static void test_410_goes_out_once_over_tcp_and_h_still_tells(void **state)
{
    struct txn_bench *bench = *state;
    assert_int_equal(bench_reply(bench_open(bench, &bench->tcp, (struct sip_ask){0}), 410), OK);
    fake_clock_pass(&bench->fake, 32000);
    assert_int_equal(bench->wire.count, 1);
    assert_int_equal(bench->no_acks, 1);
    bench_assert_empty(bench);
}

static void test_a_held_up_loop_sends_once_not_in_a_burst(void **state)
{
    struct txn_bench *bench = *state;
    assert_int_equal(bench_reply(bench_open(bench, &bench->udp, (struct sip_ask){0}), 410), OK);
    fake_clock_leap(&bench->fake, 10000);
    assert_int_equal(bench->wire.count, 2);
    fake_clock_leap(&bench->fake, 100000);
    assert_int_equal(bench->wire.count, 2);
    assert_int_equal(bench->no_acks, 1);
    bench_assert_empty(bench);
}

static void test_ack_ends_the_retransmissions(void **state)
{
    struct txn_bench *bench = *state;
    struct txn *txn = bench_open(bench, &bench->udp, (struct sip_ask){0});
    char tag[TXN_TAG_LEN + 1] = {0};
    memcpy(tag, txn_tag(txn).at, TXN_TAG_LEN);
    assert_int_equal(bench_reply(txn, 410), OK);
    fake_clock_pass(&bench->fake, 1600);
    assert_int_equal(bench_ack(bench, &bench->udp, "z9hG4bK-1", tag), TXN_ACK_ABSORBED);
    assert_int_equal(txn_state(txn), TXN_CONFIRMED);
    assert_int_equal(bench->acks, 1);
    assert_int_equal(bench->last_ack.resends, 2);
    assert_int_equal(bench->last_ack.waited_ms, 1600);
    assert_false(bench->last_ack.mistagged);
    assert_int_equal(bench_ack(bench, &bench->udp, "z9hG4bK-1", tag), TXN_ACK_ABSORBED);
    assert_int_equal(bench_receive(bench, &bench->udp, (struct sip_ask){0}).class, TXN_ABSORBED);
    fake_clock_pass(&bench->fake, 4999);
    assert_int_equal(bench->ends, 0);
    fake_clock_pass(&bench->fake, 1);
    assert_int_equal(bench->ends, 1);
    assert_int_equal(bench->acks, 1);
    assert_int_equal(bench->no_acks, 0);
    assert_int_equal(bench->wire.count, 3);
    const struct txn_ledger_entry *totals = txn_ledger_totals(txn_table_ledger(bench->table));
    assert_int_equal(totals->counts[TXN_LEDGER_LATE], 1);
    assert_int_equal(totals->resends[2], 1);
    bench_assert_empty(bench);
}

static void test_a_mistagged_ack_is_taken_and_counted(void **state)
{
    struct txn_bench *bench = *state;
    assert_int_equal(bench_reply(bench_open(bench, &bench->udp, (struct sip_ask){0}), 410), OK);
    assert_int_equal(bench_ack(bench, &bench->udp, "z9hG4bK-1", "wrong"), TXN_ACK_ABSORBED);
    assert_true(bench->last_ack.mistagged);
    const struct txn_ledger_entry *totals = txn_ledger_totals(txn_table_ledger(bench->table));
    assert_int_equal(totals->counts[TXN_LEDGER_MISTAGGED], 1);
    assert_int_equal(totals->counts[TXN_LEDGER_ACKNOWLEDGED], 1);
    fake_clock_pass(&bench->fake, 5000);
    assert_int_equal(bench->wire.count, 1);
    bench_assert_empty(bench);
}

static void test_tcp_confirmed_ends_at_once_but_not_within_the_call(void **state)
{
    struct txn_bench *bench = *state;
    struct txn *txn = bench_open(bench, &bench->tcp, (struct sip_ask){0});
    assert_int_equal(bench_reply(txn, 410), OK);
    assert_int_equal(bench_ack(bench, &bench->tcp, "z9hG4bK-1", NULL), TXN_ACK_ABSORBED);
    assert_int_equal(txn_state(txn), TXN_CONFIRMED);
    fake_clock_pass(&bench->fake, 0);
    assert_int_equal(bench->ends, 1);
    bench_assert_empty(bench);
}

static void test_a_retransmitted_invite_gets_the_last_answer(void **state)
{
    struct txn_bench *bench = *state;
    struct txn *txn = bench_open(bench, &bench->udp, (struct sip_ask){0});
    assert_int_equal(bench_receive(bench, &bench->udp, (struct sip_ask){0}).class, TXN_ABSORBED);
    assert_int_equal(bench->wire.count, 0);
    assert_int_equal(bench_reply(txn, 180), OK);
    assert_int_equal(bench_receive(bench, &bench->udp, (struct sip_ask){0}).class, TXN_ABSORBED);
    assert_int_equal(bench->wire.count, 2);
    assert_memory_equal(fake_wire_text(&bench->wire, 1), "SIP/2.0 180", 11);
    assert_int_equal(bench_reply(txn, 183), OK);
    assert_int_equal(bench_reply(txn, 486), OK);
    assert_int_equal(bench_receive(bench, &bench->udp, (struct sip_ask){0}).class, TXN_ABSORBED);
    assert_int_equal(bench->wire.count, 5);
    assert_memory_equal(fake_wire_text(&bench->wire, 4), "SIP/2.0 486", 11);
    assert_int_equal(bench_reply(txn, 486), ERR_INVALID);
    assert_int_equal(bench_reply(txn, 200), ERR_INVALID);
    assert_int_equal(bench->wire.count, 5);
    assert_int_equal(txn_resends(txn), 1);
}

static void test_a_2xx_is_sent_once_and_its_retransmissions_absorbed(void **state)
{
    struct txn_bench *bench = *state;
    struct txn *txn = bench_open(bench, &bench->udp, (struct sip_ask){0});
    assert_int_equal(bench_reply(txn, 200), OK);
    assert_int_equal(txn_state(txn), TXN_ACCEPTED);
    assert_int_equal(bench_receive(bench, &bench->udp, (struct sip_ask){0}).class, TXN_ABSORBED);
    assert_int_equal(bench_ack(bench, &bench->udp, "z9hG4bK-1", NULL), TXN_ACK_FOR_CALL);
    assert_int_equal(bench_ack(bench, &bench->udp, "z9hG4bK-2", NULL), TXN_ACK_FOR_CALL);
    fake_clock_pass(&bench->fake, 31999);
    assert_int_equal(txn_state(txn), TXN_ACCEPTED);
    fake_clock_pass(&bench->fake, 1);
    assert_int_equal(bench->wire.count, 1);
    assert_int_equal(bench->ends, 1);
    assert_int_equal(bench->acks + bench->no_acks, 0);
    bench_assert_empty(bench);
}

static void test_dropped_requests_are_absorbed_in_silence(void **state)
{
    struct txn_bench *bench = *state;
    txn_absorb(bench_open(bench, &bench->udp, (struct sip_ask){0}));
    assert_int_equal(bench_receive(bench, &bench->udp, (struct sip_ask){0}).class, TXN_ABSORBED);
    struct sip_ask cancel = {.method = "CANCEL"};
    assert_int_equal(bench_receive(bench, &bench->udp, cancel).class, TXN_ABSORBED);
    assert_int_equal(bench_ack(bench, &bench->udp, "z9hG4bK-1", NULL), TXN_ACK_ABSORBED);
    fake_clock_pass(&bench->fake, 31999);
    assert_int_equal(bench_receive(bench, &bench->udp, (struct sip_ask){0}).class, TXN_ABSORBED);
    fake_clock_pass(&bench->fake, 1);
    assert_int_equal(bench->wire.count, 0);
    bench_assert_empty(bench);
}

static void test_held_invite_sends_100_after_200_ms(void **state)
{
    struct txn_bench *bench = *state;
    struct txn *txn = bench_open(bench, &bench->udp, (struct sip_ask){0});
    assert_int_equal(txn_hold(txn, &bench->asked.message), OK);
    fake_clock_pass(&bench->fake, 199);
    assert_int_equal(bench->wire.count, 0);
    fake_clock_pass(&bench->fake, 1);
    assert_int_equal(bench->wire.count, 1);
    assert_memory_equal(fake_wire_text(&bench->wire, 0), "SIP/2.0 100 Trying\r\nVia: SIP/2.0/UDP 192.0.2.9:5060", 50);
    assert_null(strstr(fake_wire_text(&bench->wire, 0), "bob@example.com>;tag"));
    assert_int_equal(bench_receive(bench, &bench->udp, (struct sip_ask){0}).class, TXN_ABSORBED);
    assert_int_equal(bench->wire.count, 2);
    fake_clock_pass(&bench->fake, 100000);
    assert_true(txn_request(txn).len > 0);
    assert_int_equal(bench_reply(txn, 410), OK);
    assert_int_equal(txn_request(txn).len, 0);
    assert_int_equal(bench->wire.count, 3);
    fake_clock_pass(&bench->fake, 32000);
    bench_assert_empty(bench);
}

static void test_an_answer_in_time_spares_the_100(void **state)
{
    struct txn_bench *bench = *state;
    struct txn *txn = bench_open(bench, &bench->udp, (struct sip_ask){0});
    assert_int_equal(txn_hold(txn, &bench->asked.message), OK);
    fake_clock_pass(&bench->fake, 100);
    assert_int_equal(bench_reply(txn, 180), OK);
    fake_clock_pass(&bench->fake, 1000);
    assert_int_equal(bench->wire.count, 1);
    assert_int_equal(txn_hold(txn, &bench->asked.message), OK);
    fake_clock_pass(&bench->fake, 1000);
    assert_int_equal(bench->wire.count, 1);
    assert_int_equal(bench_reply(txn, 200), OK);
    assert_int_equal(txn_hold(txn, &bench->asked.message), ERR_INVALID);
}

static void test_a_transport_error_is_told_and_ends_nothing(void **state)
{
    struct txn_bench *bench = *state;
    bench->wire.refuse = ERR_CLOSED;
    struct txn *txn = bench_open(bench, &bench->tcp, (struct sip_ask){0});
    assert_int_equal(bench_reply(txn, 410), OK);
    assert_int_equal(bench->transport_errors, 1);
    assert_int_equal(bench->last_err, ERR_CLOSED);
    assert_int_equal(txn_state(txn), TXN_COMPLETED);
    /* The client comes back over another connection, and is answered there with the same bytes. */
    bench->wire.refuse = OK;
    struct net_flow again = bench->tcp;
    again.generation++;
    again.remote.port++;
    assert_int_equal(bench_receive(bench, &again, (struct sip_ask){0}).class, TXN_ABSORBED);
    assert_int_equal(bench->wire.count, 1);
    assert_true(net_flow_equal(&bench->wire.sent[0].flow, &again));
    assert_int_equal(bench_ack(bench, &again, "z9hG4bK-1", NULL), TXN_ACK_ABSORBED);
    fake_clock_pass(&bench->fake, 0);
    bench_assert_empty(bench);
}

static void test_another_host_does_not_draw_the_answers(void **state)
{
    struct txn_bench *bench = *state;
    assert_int_equal(bench_reply(bench_open(bench, &bench->udp, (struct sip_ask){0}), 410), OK);
    struct net_flow stranger = sip_ask_flow(NET_UDP, "198.51.100.1:5060");
    assert_int_equal(bench_receive(bench, &stranger, (struct sip_ask){0}).class, TXN_ABSORBED);
    assert_true(net_flow_equal(&bench->wire.sent[1].flow, &bench->udp));
}

static void test_one_tag_for_a_transaction(void **state)
{
    struct txn_bench *bench = *state;
    struct txn *one = bench_open(bench, &bench->udp, (struct sip_ask){0});
    struct txn *two = bench_open(bench, &bench->udp, (struct sip_ask){.branch = "z9hG4bK-2", .call_id = "call-2"});
    assert_int_equal(txn_tag(one).len, TXN_TAG_LEN);
    assert_false(span_equal(txn_tag(one), txn_tag(two)));
    char tag[TXN_TAG_LEN];
    memcpy(tag, txn_tag(one).at, sizeof(tag));
    assert_int_equal(bench_reply(one, 180), OK);
    assert_int_equal(bench_reply(one, 404), OK);
    assert_memory_equal(tag, txn_tag(one).at, sizeof(tag));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_410_goes_out_eleven_times_over_udp),
        TEST(test_scaled_timers_give_the_same_count),
        TEST(test_410_goes_out_once_over_tcp_and_h_still_tells),
        TEST(test_a_held_up_loop_sends_once_not_in_a_burst),
        TEST(test_ack_ends_the_retransmissions),
        TEST(test_a_mistagged_ack_is_taken_and_counted),
        TEST(test_tcp_confirmed_ends_at_once_but_not_within_the_call),
        TEST(test_a_retransmitted_invite_gets_the_last_answer),
        TEST(test_a_2xx_is_sent_once_and_its_retransmissions_absorbed),
        TEST(test_dropped_requests_are_absorbed_in_silence),
        TEST(test_held_invite_sends_100_after_200_ms),
        TEST(test_an_answer_in_time_spares_the_100),
        TEST(test_a_transport_error_is_told_and_ends_nothing),
        TEST(test_another_host_does_not_draw_the_answers),
        TEST(test_one_tag_for_a_transaction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
