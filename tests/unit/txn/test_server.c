/* SPDX-License-Identifier: Apache-2.0 */
/* Non-INVITE server transactions over time: RFC 3261 17.2.2, RFC 4320. */
#include "unit/txn/support_txn.h"

static const struct sip_ask message = {.method = "MESSAGE"};

static void test_the_answer_is_kept_for_j_over_udp(void **state)
{
    struct txn_bench *bench = *state;
    assert_int_equal(bench_reply(bench_open(bench, &bench->udp, message), 200), OK);
    fake_clock_pass(&bench->fake, 31999);
    assert_int_equal(bench_receive(bench, &bench->udp, message).class, TXN_ABSORBED);
    assert_int_equal(bench->wire.count, 2);
    assert_true(span_equal(bench->wire.sent[0].bytes, bench->wire.sent[1].bytes));
    fake_clock_pass(&bench->fake, 1);
    assert_int_equal(bench->ends, 1);
    bench_assert_empty(bench);
    assert_int_equal(bench_receive(bench, &bench->udp, message).class, TXN_NEW);
}

static void test_j_is_0_on_a_stream(void **state)
{
    struct txn_bench *bench = *state;
    struct txn *txn = bench_open(bench, &bench->tcp, message);
    assert_int_equal(bench_reply(txn, 404), OK);
    assert_int_equal(txn_state(txn), TXN_COMPLETED);
    fake_clock_pass(&bench->fake, 0);
    bench_assert_empty(bench);
}

static void test_a_retransmission_before_the_answer_is_absorbed(void **state)
{
    struct txn_bench *bench = *state;
    struct txn *txn = bench_open(bench, &bench->udp, message);
    assert_int_equal(bench_receive(bench, &bench->udp, message).class, TXN_ABSORBED);
    assert_int_equal(bench->wire.count, 0);
    assert_int_equal(bench_reply(txn, 200), OK);
    assert_int_equal(bench_reply(txn, 200), ERR_INVALID);
    assert_int_equal(bench->wire.count, 1);
}

static void test_rfc_4320_forbids_408_and_early_provisionals(void **state)
{
    struct txn_bench *bench = *state;
    struct txn *txn = bench_open(bench, &bench->udp, message);
    assert_int_equal(txn_hold(txn, &bench->asked.message), OK);
    assert_int_equal(bench_reply(txn, 408), ERR_INVALID);
    assert_int_equal(bench_reply(txn, 180), ERR_INVALID);
    assert_int_equal(bench_reply(txn, 100), ERR_INVALID);
    assert_int_equal(bench_reply(txn, 99), ERR_INVALID);
    assert_int_equal(bench_reply(txn, 700), ERR_INVALID);
    assert_int_equal(txn_reply(txn, 200, span_make(NULL, 0)), ERR_INVALID);
    fake_clock_pass(&bench->fake, 3499);
    assert_int_equal(bench->wire.count, 0);
    /* When the client's timer E has reached T2, silence would cost more: 100. */
    fake_clock_pass(&bench->fake, 1);
    assert_int_equal(bench->wire.count, 1);
    assert_memory_equal(fake_wire_text(&bench->wire, 0), "SIP/2.0 100", 11);
    assert_int_equal(bench_receive(bench, &bench->udp, message).class, TXN_ABSORBED);
    assert_int_equal(bench->wire.count, 2);
    assert_int_equal(bench_reply(txn, 100), OK);
    assert_int_equal(bench_reply(txn, 200), OK);
    fake_clock_pass(&bench->fake, 32000);
    bench_assert_empty(bench);
}

static void test_100_may_come_at_once_on_a_stream(void **state)
{
    struct txn_bench *bench = *state;
    struct txn *txn = bench_open(bench, &bench->tcp, message);
    assert_int_equal(bench_reply(txn, 100), OK);
    assert_int_equal(txn_state(txn), TXN_PROCEEDING);
    assert_int_equal(bench_reply(txn, 180), ERR_INVALID);
    assert_int_equal(bench_reply(txn, 200), OK);
}

static void test_what_is_never_answered_ends_in_silence(void **state)
{
    struct txn_bench *bench = *state;
    struct txn *txn = bench_open(bench, &bench->udp, message);
    assert_int_equal(txn_hold(txn, &bench->asked.message), OK);
    fake_clock_pass(&bench->fake, 32000);
    assert_int_equal(bench->ends, 1);
    assert_int_equal(bench->wire.count, 1); /* the late 100 alone: no 408 */
    bench_assert_empty(bench);
}

static void test_drop_is_absorbed(void **state)
{
    struct txn_bench *bench = *state;
    txn_absorb(bench_open(bench, &bench->udp, message));
    assert_int_equal(bench_receive(bench, &bench->udp, message).class, TXN_ABSORBED);
    fake_clock_pass(&bench->fake, 32000);
    assert_int_equal(bench->wire.count, 0);
    bench_assert_empty(bench);
}

static void test_user_pointer_and_accessors(void **state)
{
    struct txn_bench *bench = *state;
    struct txn *txn = bench_open(bench, &bench->udp, message);
    int mine;
    txn_set_user(txn, &mine);
    assert_ptr_equal(txn_user(txn), &mine);
    assert_int_equal(txn_kind(txn), TXN_SERVER);
    assert_int_equal(txn_method(txn), SIP_METHOD_MESSAGE);
    assert_int_equal(txn_code(txn), 0);
    fake_clock_pass(&bench->fake, 12);
    assert_int_equal(txn_age_ms(txn), 12);
    assert_int_equal(txn_table_unfinished(bench->table), 1);
    assert_int_equal(bench_reply(txn, 404), OK);
    assert_int_equal(txn_table_unfinished(bench->table), 0);
    assert_int_equal(txn_code(txn), 404);
    assert_true(net_flow_equal(txn_flow(txn), &bench->udp));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_the_answer_is_kept_for_j_over_udp),
        TEST(test_j_is_0_on_a_stream),
        TEST(test_a_retransmission_before_the_answer_is_absorbed),
        TEST(test_rfc_4320_forbids_408_and_early_provisionals),
        TEST(test_100_may_come_at_once_on_a_stream),
        TEST(test_what_is_never_answered_ends_in_silence),
        TEST(test_drop_is_absorbed),
        TEST(test_user_pointer_and_accessors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
