/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger of ACKs and the caps on reflection. */
#include "support/cmocka_all.h"
#include "support/failing_malloc.h"
#include "support/sip_ask.h"
#include "txn/txn_ledger.h"
#include "txn/txn_reflect.h"
#include "txn/txn_reply_via.h"

static const struct siphash_key key = {3, 4};

static struct net_address address(const char *text)
{
    struct net_address out;
    assert_int_equal(net_address_parse(span_of(text), 0, &out), OK);
    return out;
}

static void test_counts_by_peer_and_in_all(void **state)
{
    (void)state;
    struct txn_ledger *ledger;
    assert_int_equal(txn_ledger_new(10, &key, &ledger), OK);
    struct net_address one = address("192.0.2.1:5060");
    struct net_address same = address("192.0.2.1:7777");
    struct net_address two = address("[2001:db8::1]:5060");
    txn_ledger_settle(ledger, &one, true, 0, 1);
    txn_ledger_settle(ledger, &same, true, 3, 2);
    txn_ledger_settle(ledger, &two, false, 10, 3);
    txn_ledger_settle(ledger, &two, false, 100, 4);
    txn_ledger_count(ledger, &one, TXN_LEDGER_STRAY, 0, 5);
    const struct txn_ledger_entry *entry = txn_ledger_next(ledger, NULL);
    assert_true(net_address_equal_ip(&entry->peer, &one));
    assert_int_equal(entry->peer.port, 0);
    assert_int_equal(entry->last_ms, 5);
    assert_int_equal(entry->counts[TXN_LEDGER_ACKNOWLEDGED], 1);
    assert_int_equal(entry->counts[TXN_LEDGER_LATE], 1);
    assert_int_equal(entry->counts[TXN_LEDGER_STRAY], 1);
    assert_int_equal(entry->resends[0], 1);
    assert_int_equal(entry->resends[3], 1);
    entry = txn_ledger_next(ledger, entry);
    assert_int_equal(entry->counts[TXN_LEDGER_MISSING], 2);
    assert_int_equal(entry->resends[10], 1);
    assert_int_equal(entry->resends[TXN_LEDGER_RESENDS - 1], 1);
    assert_null(txn_ledger_next(ledger, entry));
    assert_int_equal(txn_ledger_totals(ledger)->counts[TXN_LEDGER_MISSING], 2);
    assert_int_equal(txn_ledger_totals(ledger)->counts[TXN_LEDGER_LATE], 1);
    assert_string_equal(txn_ledger_kind_text(TXN_LEDGER_WRONG_CSEQ), "wrong_cseq");
    txn_ledger_free(ledger);
}

static void test_the_quietest_peer_makes_room(void **state)
{
    (void)state;
    struct txn_ledger *ledger;
    assert_int_equal(txn_ledger_new(2, &key, &ledger), OK);
    struct net_address one = address("192.0.2.1"), two = address("192.0.2.2"), three = address("192.0.2.3");
    txn_ledger_settle(ledger, &one, true, 0, 1);
    txn_ledger_settle(ledger, &two, true, 0, 2);
    txn_ledger_settle(ledger, &one, true, 0, 3);
    txn_ledger_settle(ledger, &three, true, 0, 4);
    assert_int_equal(txn_ledger_size(ledger), 2);
    const struct txn_ledger_entry *entry = txn_ledger_next(ledger, NULL);
    assert_true(net_address_equal(&entry->peer, &three));
    assert_int_equal(entry->counts[TXN_LEDGER_ACKNOWLEDGED], 1);
    entry = txn_ledger_next(ledger, entry);
    assert_true(net_address_equal(&entry->peer, &one));
    assert_int_equal(entry->counts[TXN_LEDGER_ACKNOWLEDGED], 2);
    assert_int_equal(txn_ledger_totals(ledger)->counts[TXN_LEDGER_ACKNOWLEDGED], 4);
    txn_ledger_free(ledger);
}

static void test_without_memory_the_totals_still_know(void **state)
{
    (void)state;
    struct txn_ledger *ledger = NULL;
    for (unsigned nth = 1;; nth++) {
        failing_malloc_at(nth);
        enum err err = txn_ledger_new(2, &key, &ledger);
        if (!failing_malloc_off())
            break;
        assert_int_equal(err, ERR_NOMEM);
    }
    struct net_address one = address("192.0.2.1");
    failing_malloc_at(1);
    txn_ledger_settle(ledger, &one, false, 10, 1);
    assert_true(failing_malloc_off());
    assert_int_equal(txn_ledger_size(ledger), 0);
    assert_int_equal(txn_ledger_totals(ledger)->counts[TXN_LEDGER_MISSING], 1);
    txn_ledger_free(ledger);
    txn_ledger_free(NULL);
}

static void test_unacknowledged_answers_are_capped_a_source(void **state)
{
    (void)state;
    struct txn_reflect *reflect;
    assert_int_equal(txn_reflect_new(3, &key, &reflect), OK);
    struct net_address victim = address("192.0.2.1:5060"), other_port = address("192.0.2.1:9");
    struct net_address other = address("192.0.2.2");
    for (int i = 0; i < 3; i++) {
        assert_true(txn_reflect_may_answer(reflect, &other_port));
        txn_reflect_answered(reflect, &victim);
    }
    assert_false(txn_reflect_may_answer(reflect, &other_port));
    assert_true(txn_reflect_may_answer(reflect, &other));
    assert_int_equal(txn_reflect_refused(reflect), 1);
    assert_int_equal(txn_reflect_outstanding(reflect, &victim), 3);
    txn_reflect_settled(reflect, &other_port);
    assert_true(txn_reflect_may_answer(reflect, &victim));
    /* One IPv6 host has a whole /64 to forge with. */
    struct net_address six = address("[2001:db8:0:1::1]"), neighbour = address("[2001:db8:0:1::2]");
    struct net_address elsewhere = address("[2001:db8:0:2::1]");
    for (int i = 0; i < 3; i++)
        txn_reflect_answered(reflect, &six);
    assert_false(txn_reflect_may_answer(reflect, &neighbour));
    assert_true(txn_reflect_may_answer(reflect, &elsewhere));
    txn_reflect_free(reflect);
    failing_malloc_at(1);
    assert_int_equal(txn_reflect_new(3, &key, &reflect), ERR_NOMEM);
    assert_true(failing_malloc_off());
}

static void test_byes_take_turns_a_destination(void **state)
{
    (void)state;
    struct txn_reflect *reflect;
    assert_int_equal(txn_reflect_new(3, &key, &reflect), OK);
    struct net_address victim = address("192.0.2.1"), other = address("192.0.2.2");
    uint64_t now = 1000000;
    for (int i = 0; i < TXN_REFLECT_BURST; i++)
        assert_int_equal(txn_reflect_bye_wait_ms(reflect, &victim, now), 0);
    for (unsigned i = 1; i <= 10; i++)
        assert_int_equal(txn_reflect_bye_wait_ms(reflect, &victim, now), i * TXN_REFLECT_GAP_MS);
    assert_int_equal(txn_reflect_bye_wait_ms(reflect, &other, now), 0);
    unsigned waiting = 10;
    while (txn_reflect_bye_wait_ms(reflect, &victim, now) != UINT32_MAX)
        waiting++;
    assert_int_equal(waiting, TXN_REFLECT_WAIT_MAX_MS / TXN_REFLECT_GAP_MS);
    now += 2 * TXN_REFLECT_WAIT_MAX_MS;
    assert_int_equal(txn_reflect_bye_wait_ms(reflect, &victim, now), 0);
    txn_reflect_free(reflect);
}

static void via_of(const char *sent_by, bool rport, const char *source, struct sip_reply_via *out, char *text)
{
    static struct sip_asked asked;
    char via[128];
    snprintf(via, sizeof(via), "%s%s", sent_by, rport ? ";rport" : "");
    struct net_address from = address(source);
    txn_reply_via(sip_ask(&asked, (struct sip_ask){.sent_by = via}), &from, text, out);
}

static void test_received_and_rport(void **state)
{
    (void)state;
    char text[TXN_RECEIVED_MAX];
    struct sip_reply_via via;
    via_of("192.0.2.9:5060", false, "192.0.2.9:5060", &via, text);
    assert_int_equal(via.received.len, 0);
    assert_int_equal(via.rport, 0);
    via_of("192.0.2.9:5060", true, "192.0.2.9:1024", &via, text);
    assert_true(span_equal(via.received, SPAN("192.0.2.9")));
    assert_int_equal(via.rport, 1024);
    via_of("192.0.2.9:5060", false, "198.51.100.7:5060", &via, text);
    assert_true(span_equal(via.received, SPAN("198.51.100.7")));
    assert_int_equal(via.rport, 0);
    via_of("phone.example.com", false, "198.51.100.7:5060", &via, text);
    assert_true(span_equal(via.received, SPAN("198.51.100.7")));
    via_of("[2001:DB8::1]:5060", false, "[2001:db8::1]:5060", &via, text);
    assert_int_equal(via.received.len, 0);
    via_of("[2001:db8::1]", true, "[2001:db8::2]:5070", &via, text);
    assert_true(span_equal(via.received, SPAN("2001:db8::2")));
    assert_int_equal(via.rport, 5070);
    /* A zone is nobody else's business. */
    via_of("[fe80::1]", false, "[fe80::2%3]:5070", &via, text);
    assert_true(span_equal(via.received, SPAN("fe80::2")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_by_peer_and_in_all),
        cmocka_unit_test(test_the_quietest_peer_makes_room),
        cmocka_unit_test(test_without_memory_the_totals_still_know),
        cmocka_unit_test(test_unacknowledged_answers_are_capped_a_source),
        cmocka_unit_test(test_byes_take_turns_a_destination),
        cmocka_unit_test(test_received_and_rport),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
