/* SPDX-License-Identifier: Apache-2.0 */
/* A 2xx until its ACK: RFC 3261 13.3.1.4, 15. */
#include "unit/call/support_call.h"

static const uint64_t eleven[] = {0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500};

static void assert_eleven_and_bye(struct call_bench *bench, const struct net_flow *flow)
{
    uint64_t start = bench->fake.clock.mono_ms;
    bench_invite(bench, flow, (struct sip_ask){.body = BENCH_OFFER});
    fake_clock_pass(&bench->fake, 31999);
    assert_int_equal(bench->wire.count, 11);
    for (size_t i = 0; i < 11; i++) {
        assert_int_equal(bench->wire.sent[i].at_ms - start, eleven[i]);
        assert_true(span_equal(bench->wire.sent[i].bytes, bench->wire.sent[0].bytes));
        assert_true(net_flow_equal(&bench->wire.sent[i].flow, flow));
    }
    assert_int_equal(bench->missing, 0);
    fake_clock_pass(&bench->fake, 1);
    assert_int_equal(bench->missing, 1);
    assert_int_equal(bench->last_ack.resends, 10);
    assert_int_equal(bench->last_ack.waited_ms, 32000);
    assert_int_equal(bench->wire.count, 12);
    assert_true(bench_has(bench, 11, "\r\nReason: SIP;cause=408;text=\"ACK timeout\"\r\n"));
    bench_answer_bye(bench, 200);
    assert_int_equal(bench->ends, 1);
    assert_int_equal(bench->last_end, CALL_END_NO_ACK);
    fake_clock_pass(&bench->fake, 40000);
    assert_int_equal(bench->wire.count, 12);
    assert_int_equal(bench_ledger(bench, TXN_LEDGER_MISSING), 1);
    bench_assert_empty(bench);
}

static void test_eleven_transmissions_then_bye_over_udp(void **state)
{
    struct call_bench *bench = *state;
    assert_eleven_and_bye(bench, &bench->udp);
}

static void test_eleven_transmissions_then_bye_over_tcp(void **state)
{
    struct call_bench *bench = *state;
    assert_eleven_and_bye(bench, &bench->tcp);
}

static void test_the_bye_is_a_request_in_the_dialog(void **state)
{
    struct call_bench *bench = *state;
    bench_invite(bench, &bench->udp,
                 (struct sip_ask){.body = BENCH_OFFER,
                                  .contact = "\"A\" <sip:alice@192.0.2.9:5070;ob>",
                                  .extra = "Record-Route: <sip:p1.example.com;lr>, <sip:p2.example.com;lr>\r\n"
                                           "Record-Route: <sip:p3.example.com;lr>\r\n"});
    assert_true(bench_has(bench, 0, "Record-Route: <sip:p3.example.com;lr>"));
    fake_clock_pass(&bench->fake, 32000);
    const char *text = fake_wire_text(&bench->wire, -1);
    assert_memory_equal(text, "BYE sip:alice@192.0.2.9:5070;ob SIP/2.0\r\n", 41);
    struct sip_asked parsed;
    const struct sip_message *bye = sip_ask_parse(&parsed, text);
    assert_true(span_equal(bye->from.tag, span_of(bench->tag)));
    assert_true(span_equal(bye->from.uri.text, SPAN("sip:bob@example.com")));
    assert_true(span_equal(bye->to.tag, SPAN("alice")));
    assert_true(span_equal(bye->call_id, SPAN("call-1")));
    assert_true(span_equal(bye->via.host, SPAN("192.0.2.1")));
    assert_int_equal(bye->via.port, 5060);
    assert_true(bye->via.has_cookie);
    assert_int_equal(bye->cseq, 1);
    /* The route set is the Record-Route in its order. */
    const char *p1 = strstr(text, "p1.example.com"), *p2 = strstr(text, "p2.example.com");
    const char *p3 = strstr(text, "p3.example.com");
    assert_true(p1 && p2 && p3 && p1 < p2 && p2 < p3);
    assert_true(net_flow_equal(&bench->wire.sent[bench->wire.count - 1].flow, &bench->udp));
}

/* RFC 3261 12.2.1.1: a first route without ;lr goes into the request line, and the target behind the others. */
static void test_a_strict_router_gets_what_it_expects(void **state)
{
    struct call_bench *bench = *state;
    bench_invite(bench, &bench->udp,
                 (struct sip_ask){.body = BENCH_OFFER,
                                  .extra = "Record-Route: <sip:strict.example.com>, <sip:loose.example.com;lr>\r\n"});
    fake_clock_pass(&bench->fake, 32000);
    const char *text = fake_wire_text(&bench->wire, -1);
    assert_memory_equal(text, "BYE sip:strict.example.com SIP/2.0\r\n", 36);
    const char *loose = strstr(text, "\r\nRoute: <sip:loose.example.com;lr>\r\n");
    const char *target = strstr(text, "\r\nRoute: <sip:alice@192.0.2.9>\r\n");
    assert_true(loose && target && loose < target);
}

static void test_an_ack_in_time(void **state)
{
    struct call_bench *bench = *state;
    bench_invite(bench, &bench->udp, (struct sip_ask){.body = BENCH_OFFER});
    assert_int_equal(bench->starts, 1);
    assert_int_equal(call_state(bench->call), CALL_ANSWERED);
    bench_ack(bench, &bench->udp);
    assert_int_equal(call_state(bench->call), CALL_UP);
    assert_int_equal(bench->acks, 1);
    assert_int_equal(bench->last_ack.resends, 0);
    fake_clock_pass(&bench->fake, 100000);
    assert_int_equal(bench->wire.count, 1);
    assert_int_equal(bench_ledger(bench, TXN_LEDGER_ACKNOWLEDGED), 1);
    /* Once more: nothing. */
    bench_ack(bench, &bench->udp);
    assert_int_equal(bench->acks, 1);
    assert_int_equal(bench_ledger(bench, TXN_LEDGER_WRONG_CSEQ), 0);
    assert_int_equal(bench_ledger(bench, TXN_LEDGER_STRAY), 0);
}

static void test_a_late_ack_over_another_connection_with_another_branch(void **state)
{
    struct call_bench *bench = *state;
    bench_invite(bench, &bench->tcp, (struct sip_ask){.body = BENCH_OFFER});
    fake_clock_pass(&bench->fake, 4000);
    struct net_flow other = bench->tcp;
    other.slot = 9;
    struct sip_ask ack = {.method = "ACK", .to_tag = bench->tag, .branch = "z9hG4bK-1"};
    bench_request(bench, &other, ack);
    assert_int_equal(call_state(bench->call), CALL_UP);
    assert_int_equal(bench->last_ack.resends, 3);
    assert_int_equal(bench_ledger(bench, TXN_LEDGER_LATE), 1);
    assert_int_equal(call_flow(bench->call)->slot, 9);
    assert_int_equal(call_resends(bench->call), 3);
}

/* An old ACK once more, while the 2xx of a re-INVITE waits for its own: known, and no answer to that. */
static void test_the_first_ack_again_while_a_re_invite_waits(void **state)
{
    struct call_bench *bench = *state;
    bench_invite(bench, &bench->udp, (struct sip_ask){.body = BENCH_OFFER});
    bench_ack(bench, &bench->udp);
    struct sip_ask again = bench_in_dialog(bench, "INVITE", 2);
    again.body = BENCH_OFFER;
    bench_request(bench, &bench->udp, again);
    assert_int_equal(call_state(bench->call), CALL_ANSWERED);
    bench_ack(bench, &bench->udp);
    assert_int_equal(call_state(bench->call), CALL_ANSWERED);
    assert_int_equal(bench->acks, 1);
    assert_int_equal(bench_ledger(bench, TXN_LEDGER_WRONG_CSEQ), 0);
    bench_request(bench, &bench->udp, bench_in_dialog(bench, "ACK", 2));
    assert_int_equal(call_state(bench->call), CALL_UP);
    assert_int_equal(bench->acks, 2);
}

static void test_acks_that_do_not_fit_are_counted_by_kind(void **state)
{
    struct call_bench *bench = *state;
    bench_invite(bench, &bench->udp, (struct sip_ask){.body = BENCH_OFFER});
    struct sip_ask ack = {.method = "ACK", .to_tag = bench->tag, .branch = "z9hG4bK-a"};
    ack.cseq = 2;
    bench_request(bench, &bench->udp, ack);
    assert_int_equal(bench_ledger(bench, TXN_LEDGER_WRONG_CSEQ), 1);
    ack.cseq = 1;
    ack.from_tag = "mallory";
    bench_request(bench, &bench->udp, ack);
    assert_int_equal(bench_ledger(bench, TXN_LEDGER_MISTAGGED), 1);
    ack.from_tag = NULL;
    ack.call_id = "call-2";
    bench_request(bench, &bench->udp, ack);
    ack.call_id = NULL;
    ack.to_tag = "0123456789abcdef";
    bench_request(bench, &bench->udp, ack);
    ack.to_tag = "short";
    bench_request(bench, &bench->udp, ack);
    ack.to_tag = NULL;
    bench_request(bench, &bench->udp, ack);
    assert_int_equal(bench_ledger(bench, TXN_LEDGER_STRAY), 4);
    assert_int_equal(call_state(bench->call), CALL_ANSWERED);
    assert_int_equal(bench->wire.count, 1); /* never answered */
}

static void test_an_ack_after_the_deadline_changes_nothing(void **state)
{
    struct call_bench *bench = *state;
    bench_invite(bench, &bench->udp, (struct sip_ask){.body = BENCH_OFFER});
    fake_clock_pass(&bench->fake, 32000);
    assert_int_equal(call_state(bench->call), CALL_ENDING);
    bench_ack(bench, &bench->udp);
    assert_int_equal(bench->acks, 0);
    assert_int_equal(bench_sent(bench, "BYE"), 1);
    bench_answer_bye(bench, 481);
    assert_int_equal(bench->ends, 1);
    fake_clock_pass(&bench->fake, 5000);
    bench_assert_empty(bench);
    bench_ack(bench, &bench->udp);
    assert_int_equal(bench_ledger(bench, TXN_LEDGER_STRAY), 1);
}

static void test_a_bye_that_nobody_answers_times_out(void **state)
{
    struct call_bench *bench = *state;
    bench_invite(bench, &bench->udp, (struct sip_ask){.body = BENCH_OFFER});
    fake_clock_pass(&bench->fake, 32000);
    fake_clock_pass(&bench->fake, 32000);
    assert_int_equal(bench_sent(bench, "BYE"), 11);
    assert_int_equal(bench->ends, 1);
    assert_int_equal(call_table_counters(bench->calls)->bye_failures, 1);
    bench_assert_empty(bench);
}

static void test_a_bye_that_the_wire_refuses(void **state)
{
    struct call_bench *bench = *state;
    bench_invite(bench, &bench->tcp, (struct sip_ask){.body = BENCH_OFFER});
    bench->wire.refuse = ERR_CLOSED;
    fake_clock_pass(&bench->fake, 32000);
    assert_int_equal(bench->missing, 1);
    assert_int_equal(bench->ends, 1);
    assert_int_equal(bench->wire.count, 1);
    bench_assert_empty(bench);
}

static void test_retransmitted_invites_are_absorbed_before_and_after_the_ack(void **state)
{
    struct call_bench *bench = *state;
    struct sip_ask invite = {.body = BENCH_OFFER};
    bench_invite(bench, &bench->udp, invite);
    assert_int_equal(bench_request(bench, &bench->udp, invite), TXN_ABSORBED);
    bench_ack(bench, &bench->udp);
    assert_int_equal(bench_request(bench, &bench->udp, invite), TXN_ABSORBED);
    assert_int_equal(bench->wire.count, 1);
}

static void test_the_peers_bye_before_the_ack_stops_the_2xx(void **state)
{
    struct call_bench *bench = *state;
    bench_invite(bench, &bench->udp, (struct sip_ask){.body = BENCH_OFFER});
    fake_clock_pass(&bench->fake, 600);
    bench_request(bench, &bench->udp, bench_in_dialog(bench, "BYE", 2));
    assert_int_equal(bench_status(bench, -1), 200);
    assert_int_equal(bench->last_end, CALL_END_PEER);
    assert_int_equal(call_table_count(bench->calls), 0);
    fake_clock_pass(&bench->fake, 100000);
    assert_int_equal(bench->wire.count, 3);
    assert_int_equal(bench->missing, 0);
    bench_assert_empty(bench);
}

static void test_a_hangup_waits_for_the_ack(void **state)
{
    struct call_bench *bench = *state;
    bench_invite(bench, &bench->udp, (struct sip_ask){.body = BENCH_OFFER});
    call_hangup(bench->call, SPAN("Q.850;cause=16"));
    call_hangup(bench->call, SPAN("Q.850;cause=17"));
    assert_int_equal(call_state(bench->call), CALL_LEAVING);
    fake_clock_pass(&bench->fake, 5000);
    assert_int_equal(bench_sent(bench, "BYE"), 0);
    bench_ack(bench, &bench->udp);
    assert_int_equal(bench_sent(bench, "BYE"), 1);
    assert_true(bench_has(bench, -1, "\r\nReason: Q.850;cause=16\r\n"));
    bench_answer_bye(bench, 200);
    assert_int_equal(bench->last_end, CALL_END_HANGUP);
    fake_clock_pass(&bench->fake, 32000);
    bench_assert_empty(bench);
}

static void test_a_hangup_that_waits_gets_its_bye_at_the_deadline(void **state)
{
    struct call_bench *bench = *state;
    bench_invite(bench, &bench->udp, (struct sip_ask){.body = BENCH_OFFER});
    fake_clock_pass(&bench->fake, 20000);
    call_hangup(bench->call, span_make(NULL, 0));
    fake_clock_pass(&bench->fake, 11999);
    assert_int_equal(bench->wire.count, 11);
    fake_clock_pass(&bench->fake, 1);
    assert_int_equal(bench->missing, 1);
    assert_int_equal(bench_sent(bench, "BYE"), 1);
    assert_true(bench_has(bench, -1, "cause=408"));
    bench_answer_bye(bench, 200);
    assert_int_equal(bench->last_end, CALL_END_NO_ACK);
}

static void test_handlers_may_hang_up(void **state)
{
    struct call_bench *bench = *state;
    bench->hangs_up_on_ack = bench->hangs_up_on_missing = true;
    bench_invite(bench, &bench->udp, (struct sip_ask){.body = BENCH_OFFER});
    bench_ack(bench, &bench->udp);
    assert_int_equal(call_state(bench->call), CALL_ENDING);
    bench_answer_bye(bench, 200);
    bench_invite(bench, &bench->udp, (struct sip_ask){.body = BENCH_OFFER, .call_id = "call-2", .branch = "z9hG4bK-2"});
    fake_clock_pass(&bench->fake, 32000);
    assert_int_equal(bench_sent(bench, "BYE"), 2);
    bench_answer_bye(bench, 200);
    fake_clock_pass(&bench->fake, 32000);
    bench_assert_empty(bench);
    /* And with a wire that refuses the BYE within the handler. */
    bench_invite(bench, &bench->tcp, (struct sip_ask){.body = BENCH_OFFER, .call_id = "call-3", .branch = "z9hG4bK-3"});
    bench->wire.refuse = ERR_CLOSED;
    struct sip_ask ack = {.method = "ACK", .to_tag = bench->tag, .call_id = "call-3", .branch = "z9hG4bK-x"};
    bench_request(bench, &bench->tcp, ack);
    fake_clock_pass(&bench->fake, 32000);
    assert_int_equal(bench->ends, 3);
    bench_assert_empty(bench);
}

static void test_byes_for_missing_acks_take_turns(void **state)
{
    struct call_bench *bench = *state;
    enum { CALLS = 100 };
    for (unsigned i = 0; i < CALLS; i++) {
        char call_id[32], branch[32];
        snprintf(call_id, sizeof(call_id), "call-%u", i);
        snprintf(branch, sizeof(branch), "z9hG4bK-%u", i);
        bench_invite(bench, &bench->udp, (struct sip_ask){.body = BENCH_OFFER, .call_id = call_id, .branch = branch});
    }
    assert_int_equal(txn_reflect_outstanding(txn_table_reflect(bench->txns), &bench->udp.remote), CALLS);
    fake_clock_pass(&bench->fake, 32000);
    assert_int_equal(bench->missing, CALLS);
    assert_int_equal(bench_sent(bench, "BYE"), TXN_REFLECT_BURST);
    assert_int_equal(call_table_counters(bench->calls)->byes_delayed, CALLS - TXN_REFLECT_BURST);
    fake_clock_pass(&bench->fake, TXN_REFLECT_GAP_MS * 2);
    assert_int_equal(bench_sent(bench, "BYE"), TXN_REFLECT_BURST + 2);
    fake_clock_pass(&bench->fake, 100000);
    assert_int_equal(call_table_counters(bench->calls)->byes_sent, CALLS);
    assert_int_equal(bench->ends, CALLS);
    bench_assert_empty(bench);
}

static void test_the_peers_bye_ends_the_wait_for_a_turn(void **state)
{
    struct call_bench *bench = *state;
    bench_invite(bench, &bench->udp, (struct sip_ask){.body = BENCH_OFFER});
    uint64_t deadline = bench->fake.clock.mono_ms + 32000;
    while (txn_reflect_bye_wait_ms(txn_table_reflect(bench->txns), &bench->udp.remote, deadline) < 1000)
        ;
    fake_clock_pass(&bench->fake, 32000);
    assert_int_equal(call_state(bench->call), CALL_WAITING);
    bench_ack(bench, &bench->udp); /* too late */
    bench_request(bench, &bench->udp, bench_in_dialog(bench, "INFO", 2));
    assert_int_equal(bench_status(bench, -1), 481);
    bench_request(bench, &bench->udp, bench_in_dialog(bench, "BYE", 3));
    assert_int_equal(bench_status(bench, -1), 200);
    assert_int_equal(bench->ends, 1);
    fake_clock_pass(&bench->fake, 100000);
    assert_int_equal(bench_sent(bench, "BYE"), 0);
    bench_assert_empty(bench);
}

static void test_too_many_missing_acks_are_given_up(void **state)
{
    struct call_bench *bench = *state;
    bench_invite(bench, &bench->udp, (struct sip_ask){.body = BENCH_OFFER});
    uint64_t deadline = bench->fake.clock.mono_ms + 32000;
    while (txn_reflect_bye_wait_ms(txn_table_reflect(bench->txns), &bench->udp.remote, deadline) != UINT32_MAX)
        ;
    fake_clock_pass(&bench->fake, 32000);
    assert_int_equal(call_table_counters(bench->calls)->byes_suppressed, 1);
    assert_int_equal(bench->ends, 1);
    assert_int_equal(bench_sent(bench, "BYE"), 0);
    bench_assert_empty(bench);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_eleven_transmissions_then_bye_over_udp),
        TEST(test_eleven_transmissions_then_bye_over_tcp),
        TEST(test_the_bye_is_a_request_in_the_dialog),
        TEST(test_a_strict_router_gets_what_it_expects),
        TEST(test_an_ack_in_time),
        TEST(test_a_late_ack_over_another_connection_with_another_branch),
        TEST(test_the_first_ack_again_while_a_re_invite_waits),
        TEST(test_acks_that_do_not_fit_are_counted_by_kind),
        TEST(test_an_ack_after_the_deadline_changes_nothing),
        TEST(test_a_bye_that_nobody_answers_times_out),
        TEST(test_a_bye_that_the_wire_refuses),
        TEST(test_retransmitted_invites_are_absorbed_before_and_after_the_ack),
        TEST(test_the_peers_bye_before_the_ack_stops_the_2xx),
        TEST(test_a_hangup_waits_for_the_ack),
        TEST(test_a_hangup_that_waits_gets_its_bye_at_the_deadline),
        TEST(test_handlers_may_hang_up),
        TEST(test_byes_for_missing_acks_take_turns),
        TEST(test_the_peers_bye_ends_the_wait_for_a_turn),
        TEST(test_too_many_missing_acks_are_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
