/* SPDX-License-Identifier: Apache-2.0 */
/* Our own non-INVITE requests over time: RFC 3261 17.1.2. */
#include "unit/txn/support_txn.h"

static const char bye[] = "BYE sip:alice@192.0.2.9 SIP/2.0\r\n"
                          "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKours\r\n"
                          "From: <sip:bob@example.com>;tag=b\r\nTo: <sip:alice@example.com>;tag=a\r\n"
                          "Call-ID: call-1\r\nCSeq: 1 BYE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n";

static enum err start(struct txn_bench *bench, const struct net_flow *flow, struct txn **out_txn)
{
    struct txn_client_request request = {.method = SPAN("BYE"),
                                         .call_id = SPAN("call-1"),
                                         .branch = SPAN("z9hG4bKours"),
                                         .flow = *flow,
                                         .bytes = span_of(bye),
                                         .handlers = &bench_client_handlers,
                                         .user = bench};
    return txn_client_new(bench->table, &request, out_txn);
}

static bool answer(struct txn_bench *bench, unsigned code)
{
    return txn_receive_response(bench->table, sip_ask_answer(&bench->asked, bye, code));
}

static void test_e_doubles_to_t2_and_f_ends(void **state)
{
    struct txn_bench *bench = *state;
    struct txn *txn;
    uint64_t begin = bench->fake.clock.mono_ms;
    assert_int_equal(start(bench, &bench->udp, &txn), OK);
    fake_clock_pass(&bench->fake, 32000);
    static const uint64_t times[] = {0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500};
    assert_int_equal(bench->wire.count, 11);
    for (size_t i = 0; i < 11; i++)
        assert_int_equal(bench->wire.sent[i].at_ms - begin, times[i]);
    assert_int_equal(bench->timeouts, 1);
    assert_int_equal(bench->ends, 0); /* on_end is for server transactions */
    bench_assert_empty(bench);
}

static void test_a_stream_is_not_repeated(void **state)
{
    struct txn_bench *bench = *state;
    struct txn *txn;
    assert_int_equal(start(bench, &bench->tcp, &txn), OK);
    fake_clock_pass(&bench->fake, 31999);
    assert_int_equal(bench->wire.count, 1);
    assert_int_equal(bench->timeouts, 0);
    assert_true(answer(bench, 200));
    fake_clock_pass(&bench->fake, 0);
    assert_int_equal(bench->finals, 1);
    bench_assert_empty(bench);
}

static void test_a_provisional_slows_e_down(void **state)
{
    struct txn_bench *bench = *state;
    struct txn *txn;
    assert_int_equal(start(bench, &bench->udp, &txn), OK);
    assert_true(answer(bench, 100));
    assert_true(answer(bench, 100));
    assert_int_equal(bench->provisionals, 2);
    assert_int_equal(txn_state(txn), TXN_PROCEEDING);
    fake_clock_pass(&bench->fake, 500);
    assert_int_equal(bench->wire.count, 2);
    fake_clock_pass(&bench->fake, 3999);
    assert_int_equal(bench->wire.count, 2);
    fake_clock_pass(&bench->fake, 1);
    assert_int_equal(bench->wire.count, 3);
    fake_clock_pass(&bench->fake, 27500);
    assert_int_equal(bench->timeouts, 1);
    bench_assert_empty(bench);
}

static void test_late_answers_are_absorbed_for_k(void **state)
{
    struct txn_bench *bench = *state;
    struct txn *txn;
    assert_int_equal(start(bench, &bench->udp, &txn), OK);
    fake_clock_pass(&bench->fake, 600);
    assert_true(answer(bench, 481));
    assert_int_equal(txn_code(txn), 481);
    assert_true(answer(bench, 200));
    assert_true(answer(bench, 100));
    assert_int_equal(txn_code(txn), 481);
    assert_int_equal(bench->finals, 1);
    fake_clock_pass(&bench->fake, 4999);
    assert_int_equal(txn_state(txn), TXN_COMPLETED);
    fake_clock_pass(&bench->fake, 1);
    assert_int_equal(bench->wire.count, 2);
    bench_assert_empty(bench);
    assert_false(answer(bench, 200));
    assert_int_equal(txn_table_counters(bench->table)->stray_responses, 1);
}

static void test_responses_that_are_not_ours(void **state)
{
    struct txn_bench *bench = *state;
    struct txn *txn;
    assert_int_equal(start(bench, &bench->udp, &txn), OK);
    const struct {
        const char *find, *replace;
    } wrong[] = {{"z9hG4bKours", "z9hG4bKxxxx"}, {"call-1", "call-2"}, {"1 BYE", "1 INFO"}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        char text[1024];
        const char *at = strstr(bye, wrong[i].find);
        snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - bye), bye, wrong[i].replace, at + strlen(wrong[i].find));
        assert_false(txn_receive_response(bench->table, sip_ask_answer(&bench->asked, text, 200)));
    }
    /* Two Vias: meant for somebody behind us (8.1.3.3). */
    char text[1024];
    snprintf(text, sizeof(text), "%.*s\r\nVia: SIP/2.0/UDP x;branch=z9hG4bKy%s", (int)(strstr(bye, "\r\nFrom") - bye),
             bye, strstr(bye, "\r\nFrom"));
    assert_false(txn_receive_response(bench->table, sip_ask_answer(&bench->asked, text, 200)));
    /* A server transaction's branch is no match either. */
    bench_open(bench, &bench->udp, (struct sip_ask){.method = "BYE", .branch = "z9hG4bKtheirs"});
    assert_int_equal(bench->finals, 0);
    assert_true(answer(bench, 200));
}

static void test_a_refusing_wire_is_told_from_the_wheel(void **state)
{
    struct txn_bench *bench = *state;
    struct txn *txn;
    bench->wire.refuse = ERR_CLOSED;
    assert_int_equal(start(bench, &bench->tcp, &txn), OK);
    assert_int_equal(bench->client_errors, 0);
    fake_clock_pass(&bench->fake, 0);
    assert_int_equal(bench->client_errors, 1);
    assert_int_equal(bench->timeouts, 0);
    bench_assert_empty(bench);
}

static void test_a_wire_that_refuses_later(void **state)
{
    struct txn_bench *bench = *state;
    struct txn *txn;
    assert_int_equal(start(bench, &bench->udp, &txn), OK);
    bench->wire.refuse = ERR_IO;
    fake_clock_pass(&bench->fake, 500);
    assert_int_equal(bench->client_errors, 1);
    bench_assert_empty(bench);
}

static void test_a_detached_one_calls_nobody(void **state)
{
    struct txn_bench *bench = *state;
    struct txn *txn;
    assert_int_equal(start(bench, &bench->udp, &txn), OK);
    txn_client_detach(txn);
    assert_true(answer(bench, 100));
    assert_true(answer(bench, 200));
    fake_clock_pass(&bench->fake, 5000);
    assert_int_equal(bench->finals + bench->provisionals + bench->timeouts, 0);
    bench_assert_empty(bench);
}

static void test_a_reply_to_our_own_request_is_refused(void **state)
{
    struct txn_bench *bench = *state;
    struct txn *txn;
    assert_int_equal(start(bench, &bench->udp, &txn), OK);
    assert_int_equal(bench_reply(txn, 200), ERR_INVALID);
    assert_int_equal(txn_hold(txn, &bench->asked.message), ERR_INVALID);
}

static void test_the_cap_and_lack_of_memory(void **state)
{
    struct txn_bench *bench = *state;
    struct txn_bench *small = bench_new(1);
    struct txn *txn = NULL;
    assert_int_equal(start(small, &small->udp, &txn), OK);
    assert_int_equal(start(small, &small->udp, &txn), ERR_FULL);
    void *small_state = small;
    bench_teardown(&small_state);
    for (unsigned nth = 1; nth <= 2; nth++) {
        txn_slab_fail_at(bench->table->slab, nth);
        assert_int_equal(start(bench, &bench->udp, &txn), ERR_NOMEM);
        assert_int_equal(bench->wire.count, 0);
        bench_assert_empty(bench);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_e_doubles_to_t2_and_f_ends),
        TEST(test_a_stream_is_not_repeated),
        TEST(test_a_provisional_slows_e_down),
        TEST(test_late_answers_are_absorbed_for_k),
        TEST(test_responses_that_are_not_ours),
        TEST(test_a_refusing_wire_is_told_from_the_wheel),
        TEST(test_a_wire_that_refuses_later),
        TEST(test_a_detached_one_calls_nobody),
        TEST(test_a_reply_to_our_own_request_is_refused),
        TEST(test_the_cap_and_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
