/* SPDX-License-Identifier: Apache-2.0 */
/* Caps, memory, and what happens without any; and every cell of the state table. */
#include "support/failing_malloc.h"
#include "unit/call/support_call.h"

static const char *const state_names[CALL_STATE_COUNT] = {"ringing", "answered", "up",  "leaving",
                                                          "waiting", "ending",   "over"};
static const char *const event_names[CALL_EVENT_COUNT] = {"ack",      "noack",  "resend",  "peer_bye", "hangup",
                                                          "reanswer", "turn",   "noturn",  "done",     "ring",
                                                          "answer",   "cancel", "expired", "noprack",  "refresh"};
static const char *const deed_names[] = {"start", "resend", "stop", "tell", "tell_missing", "ask_turn", "bye",
                                         "ring",  "2xx",    "480",  "487",  "504",          "refresh"};

static const char *const lines[] = {
    "ringing peer_bye > over 487",
    "ringing hangup > over 480",
    "ringing ring > ringing ring",
    "ringing answer > answered start 2xx",
    "ringing cancel > over 487",
    "ringing expired > over 487",
    "ringing noprack > over 504",
    "answered ack > up stop tell",
    "answered noack > waiting stop tell_missing ask_turn",
    "answered resend > answered resend",
    "answered peer_bye > over stop",
    "answered hangup > leaving",
    "up peer_bye > over",
    "up hangup > ending bye",
    "up reanswer > answered start",
    "up refresh > up refresh",
    "leaving ack > ending stop tell bye",
    "leaving noack > waiting stop tell_missing ask_turn",
    "leaving resend > leaving resend",
    "leaving peer_bye > over stop",
    "waiting peer_bye > over",
    "waiting turn > ending bye",
    "waiting noturn > over",
    "ending peer_bye > ending",
    "ending done > over",
};

static void describe(unsigned state, unsigned event, char *out, size_t cap)
{
    const struct call_step *step = &call_steps[state][event];
    size_t len =
        (size_t)snprintf(out, cap, "%s %s > %s", state_names[state], event_names[event], state_names[step->next]);
    for (unsigned i = 0; i < sizeof(deed_names) / sizeof(*deed_names); i++) {
        if (step->actions >> i & 1)
            len += (size_t)snprintf(out + len, cap - len, " %s", deed_names[i]);
    }
}

static void test_every_cell(void **state)
{
    (void)state;
    size_t set = 0;
    for (unsigned from = 0; from < CALL_STATE_COUNT; from++) {
        for (unsigned event = 0; event < CALL_EVENT_COUNT; event++) {
            if (!call_steps[from][event].is_set)
                continue;
            char found[128];
            describe(from, event, found, sizeof(found));
            assert_true(set < sizeof(lines) / sizeof(*lines));
            assert_string_equal(found, lines[set]);
            set++;
        }
    }
    assert_int_equal(set, sizeof(lines) / sizeof(*lines));
}

static void numbered(struct call_bench *bench, unsigned number, struct sip_ask *out_ask)
{
    static char call_id[32], branch[32];
    (void)bench;
    snprintf(call_id, sizeof(call_id), "call-%u", number);
    snprintf(branch, sizeof(branch), "z9hG4bK-%u", number);
    *out_ask = (struct sip_ask){.call_id = call_id, .branch = branch, .body = BENCH_OFFER};
}

static void test_the_cap(void **state)
{
    (void)state;
    struct call_bench *bench = bench_new(2);
    struct call_accept accept = bench_accept(bench);
    struct sip_ask ask;
    for (unsigned i = 0; i < 2; i++) {
        numbered(bench, i, &ask);
        bench_invite(bench, &bench->udp, ask);
    }
    numbered(bench, 3, &ask);
    sip_ask(&bench->asked, ask);
    assert_int_equal(bench_answer(bench, &bench->udp, &accept), ERR_FULL);
    assert_int_equal(call_table_counters(bench->calls)->refused_full, 1);
    assert_int_equal(call_table_count(bench->calls), 2);
    void *bench_state = bench;
    bench_teardown(&bench_state);
}

/* INVITE, ACK, BYE from the caller: the whole life of a call. */
static void one_call(struct call_bench *bench, unsigned number)
{
    struct sip_ask ask;
    numbered(bench, number, &ask);
    bench_invite(bench, &bench->udp, ask);
    ask.method = "ACK";
    ask.body = NULL;
    ask.to_tag = bench->tag;
    ask.branch = "z9hG4bK-ack";
    bench_request(bench, &bench->udp, ask);
    ask.method = "BYE";
    ask.cseq = 2;
    ask.branch = "z9hG4bK-bye";
    bench_request(bench, &bench->udp, ask);
}

static void test_100000_calls_leave_no_memory(void **state)
{
    struct call_bench *bench = *state;
    bench->wire.is_counter = true;
    size_t early = 0;
    for (unsigned i = 0; i < 100000; i++) {
        one_call(bench, i);
        fake_clock_pass(&bench->fake, 20);
        if (i == 5000)
            early = txn_slab_memory(txn_table_slab(bench->txns));
    }
    assert_int_equal(bench->ends, 100000);
    assert_true(txn_slab_memory(txn_table_slab(bench->txns)) <= early);
    fake_clock_pass(&bench->fake, 32000);
    bench_assert_empty(bench);
    assert_true(txn_slab_memory(txn_table_slab(bench->txns)) <= 8 * 256 * 1024);
}

static void test_a_held_call_is_under_4_kib(void **state)
{
    struct call_bench *bench = *state;
    bench->wire.is_counter = true;
    enum { CALLS = 2000 };
    for (unsigned i = 0; i < CALLS; i++) {
        struct sip_ask ask;
        numbered(bench, i, &ask);
        ask.extra = "Record-Route: <sip:proxy.one.example.com;lr>, <sip:proxy.two.example.com;lr>\r\n";
        bench_invite(bench, &bench->udp, ask);
        ask.method = "ACK";
        ask.body = NULL;
        ask.to_tag = bench->tag;
        ask.branch = "z9hG4bK-ack";
        bench_request(bench, &bench->udp, ask);
    }
    /* With the INVITE's transaction still there, and after it has gone. */
    assert_true(txn_slab_memory(txn_table_slab(bench->txns)) / CALLS <= 4096);
    fake_clock_pass(&bench->fake, 32000);
    assert_int_equal(call_table_count(bench->calls), CALLS);
    print_message("a held call: %zu bytes\n", txn_slab_memory(txn_table_slab(bench->txns)) / CALLS);
}

static void test_construction_without_memory(void **state)
{
    struct call_bench *bench = *state;
    struct call_options options = bench_call_options(bench, 0);
    for (unsigned nth = 1;; nth++) {
        struct call_table *table = NULL;
        failing_malloc_at(nth);
        enum err err = call_table_new(&options, &table);
        if (!failing_malloc_off()) {
            assert_int_equal(err, OK);
            call_table_free(table);
            break;
        }
        assert_int_equal(err, ERR_NOMEM);
    }
    call_table_free(NULL);
}

static void test_accepting_without_memory(void **state)
{
    struct call_bench *bench = *state;
    struct call_accept accept = bench_accept(bench);
    unsigned refused = 0;
    for (unsigned nth = 1;; nth++) {
        struct sip_ask ask;
        numbered(bench, nth, &ask);
        sip_ask(&bench->asked, ask);
        struct txn *txn = NULL;
        const char *why;
        assert_int_equal(txn_receive(bench->txns, &bench->asked.message, &bench->udp).class, TXN_NEW);
        assert_int_equal(txn_server_new(bench->txns, &bench->asked.message, &bench->udp, &txn), OK);
        size_t blocks = txn_slab_blocks(txn_table_slab(bench->txns));
        txn_slab_fail_at(txn_table_slab(bench->txns), nth);
        enum err err = call_new(bench->calls, txn, &bench->asked.message, &accept, &bench->call, &why);
        txn_slab_fail_at(txn_table_slab(bench->txns), 0);
        if (err == OK)
            break;
        assert_int_equal(err, ERR_NOMEM);
        assert_int_equal(txn_slab_blocks(txn_table_slab(bench->txns)), blocks);
        assert_int_equal(bench->wire.count, 0);
        assert_int_equal(call_table_count(bench->calls), 0);
        txn_absorb(txn);
        refused++;
    }
    assert_true(refused >= 3);
    assert_int_equal(call_table_count(bench->calls), 1);
}

static void test_ending_without_memory(void **state)
{
    struct call_bench *bench = *state;
    for (unsigned nth = 1; nth <= 2; nth++) {
        struct sip_ask ask;
        numbered(bench, nth, &ask);
        bench_invite(bench, &bench->udp, ask);
        ask.method = "ACK";
        ask.body = NULL;
        ask.to_tag = bench->tag;
        bench_request(bench, &bench->udp, ask);
        /* No memory for the BYE: the call is over all the same, when the wheel turns. */
        txn_slab_fail_at(txn_table_slab(bench->txns), nth);
        call_hangup(bench->call, span_make(NULL, 0));
        assert_int_equal(bench->ends, nth - 1);
        fake_clock_pass(&bench->fake, 0);
        assert_int_equal(bench->ends, nth);
    }
    fake_clock_pass(&bench->fake, 32000);
    bench_assert_empty(bench);
}

static void test_requests_without_memory_are_left_to_the_engine(void **state)
{
    struct call_bench *bench = *state;
    bench_invite(bench, &bench->udp, (struct sip_ask){.body = BENCH_OFFER});
    txn_slab_fail_at(txn_table_slab(bench->txns), 1);
    bench_request(bench, &bench->udp, bench_in_dialog(bench, "INFO", 2));
    assert_int_equal(bench->last_err, ERR_NOMEM);
    txn_slab_fail_at(txn_table_slab(bench->txns), 1);
    bench_request(bench, &bench->udp, (struct sip_ask){.method = "CANCEL"});
    assert_int_equal(bench->last_err, ERR_NOMEM);
    assert_int_equal(bench->wire.count, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cell),       cmocka_unit_test(test_the_cap),
        TEST(test_100000_calls_leave_no_memory), TEST(test_a_held_call_is_under_4_kib),
        TEST(test_construction_without_memory),  TEST(test_accepting_without_memory),
        TEST(test_ending_without_memory),        TEST(test_requests_without_memory_are_left_to_the_engine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
