/* SPDX-License-Identifier: Apache-2.0 */
/* Caps, memory, and what happens without any. */
#include "support/failing_malloc.h"
#include "unit/txn/support_txn.h"

static void open_numbered(struct txn_bench *bench, unsigned number, struct txn **out_txn)
{
    char branch[32];
    char call[32];
    snprintf(branch, sizeof(branch), "z9hG4bK-%u", number);
    snprintf(call, sizeof(call), "call-%u", number);
    *out_txn = bench_open(bench, &bench->udp, (struct sip_ask){.branch = branch, .call_id = call});
}

static void test_the_cap(void **state)
{
    (void)state;
    struct txn_bench *bench = bench_new(3);
    struct txn *txn;
    for (unsigned i = 0; i < 3; i++)
        open_numbered(bench, i, &txn);
    assert_int_equal(bench_reply(txn, 410), OK);
    assert_int_equal(bench_receive(bench, &bench->udp, (struct sip_ask){.call_id = "call-x"}).class, TXN_NEW);
    assert_int_equal(txn_server_new(bench->table, &bench->asked.message, &bench->udp, &txn), ERR_FULL);
    assert_int_equal(txn_table_counters(bench->table)->full, 1);
    fake_clock_pass(&bench->fake, 32000);
    assert_int_equal(bench_receive(bench, &bench->udp, (struct sip_ask){.call_id = "call-x"}).class, TXN_NEW);
    assert_int_equal(txn_server_new(bench->table, &bench->asked.message, &bench->udp, &txn), OK);
    void *bench_state = bench;
    bench_teardown(&bench_state);
}

static void test_a_transaction_with_its_answer_is_under_1_kib(void **state)
{
    (void)state;
    assert_true(txn_slab_block(sizeof(struct txn)) + txn_slab_block(500) <= 1024);
}

static void test_100000_transactions_leave_no_memory(void **state)
{
    struct txn_bench *bench = *state;
    bench->wire.is_counter = true;
    static char answer[500];
    memset(answer, 'x', sizeof(answer));
    struct txn_census census;
    size_t peak = 0;
    for (unsigned i = 0; i < 100000; i++) {
        struct txn *txn;
        open_numbered(bench, i, &txn);
        assert_int_equal(txn_reply(txn, 410, span_make(answer, sizeof(answer))), OK);
        txn_table_census(bench->table, &census);
        peak = census.memory > peak ? census.memory : peak;
    }
    assert_int_equal(census.servers, 100000);
    assert_true(peak / 100000 <= 1024);
    fake_clock_pass(&bench->fake, 32000);
    assert_int_equal(bench->no_acks, 100000);
    assert_int_equal(bench->wire.total, 1100000);
    bench_assert_empty(bench);
    txn_table_census(bench->table, &census);
    assert_true(census.memory <= 8 * 256 * 1024); /* a small pool */
}

static void test_steady_state_takes_no_more_memory(void **state)
{
    struct txn_bench *bench = *state;
    bench->wire.is_counter = true;
    struct txn_census census;
    size_t settled = 0;
    for (unsigned i = 0; i < 50000; i++) {
        struct txn *txn;
        open_numbered(bench, i, &txn);
        assert_int_equal(bench_reply(txn, 410), OK);
        fake_clock_pass(&bench->fake, 10);
        txn_table_census(bench->table, &census);
        if (i == 10000)
            settled = census.memory;
    }
    assert_true(census.memory <= settled);
}

static void test_construction_without_memory(void **state)
{
    (void)state;
    struct txn_bench *bench = bench_new(0);
    struct txn_options options = bench_options(bench);
    for (unsigned nth = 1;; nth++) {
        struct txn_table *table = NULL;
        failing_malloc_at(nth);
        enum err err = txn_table_new(&options, &table);
        bool failed = failing_malloc_off();
        if (!failed) {
            assert_int_equal(err, OK);
            txn_table_free(table);
            break;
        }
        assert_int_equal(err, ERR_NOMEM);
        assert_null(table);
    }
    txn_table_free(NULL);
    void *bench_state = bench;
    bench_teardown(&bench_state);
}

static void test_opening_without_memory(void **state)
{
    struct txn_bench *bench = *state;
    struct txn *txn = NULL;
    assert_int_equal(bench_receive(bench, &bench->udp, (struct sip_ask){0}).class, TXN_NEW);
    txn_slab_fail_at(bench->table->slab, 1);
    assert_int_equal(txn_server_new(bench->table, &bench->asked.message, &bench->udp, &txn), ERR_NOMEM);
    assert_null(txn);
    bench_assert_empty(bench);
}

static void test_an_answer_that_cannot_be_kept_is_sent_once(void **state)
{
    struct txn_bench *bench = *state;
    struct txn *txn = bench_open(bench, &bench->udp, (struct sip_ask){0});
    txn_slab_fail_at(bench->table->slab, 1);
    assert_int_equal(bench_reply(txn, 410), ERR_NOMEM);
    assert_int_equal(bench_receive(bench, &bench->udp, (struct sip_ask){0}).class, TXN_ABSORBED);
    fake_clock_pass(&bench->fake, 32000);
    assert_int_equal(bench->wire.count, 1);
    assert_int_equal(bench->no_acks, 1);
    bench_assert_empty(bench);
}

static void test_holding_without_memory(void **state)
{
    struct txn_bench *bench = *state;
    struct txn *txn = bench_open(bench, &bench->udp, (struct sip_ask){0});
    txn_slab_fail_at(bench->table->slab, 1);
    assert_int_equal(txn_hold(txn, &bench->asked.message), ERR_NOMEM);
    assert_int_equal(txn_hold(txn, &bench->asked.message), OK);
    /* The 100 that cannot be kept is still sent. */
    txn_slab_fail_at(bench->table->slab, 1);
    fake_clock_pass(&bench->fake, 200);
    assert_int_equal(bench->wire.count, 1);
    assert_int_equal(bench_receive(bench, &bench->udp, (struct sip_ask){0}).class, TXN_ABSORBED);
    assert_int_equal(bench->wire.count, 1);
}

static void test_freeing_a_table_with_live_transactions(void **state)
{
    (void)state;
    struct txn_bench *bench = bench_new(0);
    struct txn *txn;
    for (unsigned i = 0; i < 100; i++) {
        open_numbered(bench, i, &txn);
        if (i % 3)
            assert_int_equal(bench_reply(txn, 200 + 10 * (i % 2)), OK);
    }
    void *bench_state = bench;
    bench_teardown(&bench_state);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_cap),
        cmocka_unit_test(test_a_transaction_with_its_answer_is_under_1_kib),
        TEST(test_100000_transactions_leave_no_memory),
        TEST(test_steady_state_takes_no_more_memory),
        cmocka_unit_test(test_construction_without_memory),
        TEST(test_opening_without_memory),
        TEST(test_an_answer_that_cannot_be_kept_is_sent_once),
        TEST(test_holding_without_memory),
        cmocka_unit_test(test_freeing_a_table_with_live_transactions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
