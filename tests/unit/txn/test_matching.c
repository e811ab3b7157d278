/* SPDX-License-Identifier: Apache-2.0 */
/* What belongs to which transaction: RFC 3261 17.2.3, 8.2.2.2, 9.2, 8.2.7. */
#include "unit/txn/support_txn.h"

static enum txn_class class_of(struct txn_bench *bench, struct sip_ask ask)
{
    return bench_receive(bench, &bench->udp, ask).class;
}

static void test_each_part_of_the_key_counts(void **state)
{
    struct txn_bench *bench = *state;
    bench_open(bench, &bench->udp, (struct sip_ask){.cseq = 7});
    assert_int_equal(class_of(bench, (struct sip_ask){.cseq = 7}), TXN_ABSORBED);
    /* Not parts of it: CSeq number, Request-URI, From tag, and the case of sent-by. */
    assert_int_equal(class_of(bench, (struct sip_ask){.cseq = 8}), TXN_ABSORBED);
    assert_int_equal(class_of(bench, (struct sip_ask){.cseq = 7, .uri = "sip:x@192.0.2.1"}), TXN_ABSORBED);
    assert_int_equal(class_of(bench, (struct sip_ask){.cseq = 7, .from_tag = "other"}), TXN_ABSORBED);
    /* Parts of it. */
    struct sip_ask other_branch = {.cseq = 7, .branch = "z9hG4bK-2", .from_tag = "b"};
    struct sip_ask other_host = {.cseq = 7, .sent_by = "192.0.2.8:5060", .from_tag = "b"};
    struct sip_ask other_port = {.cseq = 7, .sent_by = "192.0.2.9:5070", .from_tag = "b"};
    struct sip_ask other_call = {.cseq = 7, .call_id = "call-2"};
    struct sip_ask other_method = {.cseq = 7, .method = "OPTIONS"};
    assert_int_equal(class_of(bench, other_branch), TXN_NEW);
    assert_int_equal(class_of(bench, other_host), TXN_NEW);
    assert_int_equal(class_of(bench, other_port), TXN_NEW);
    assert_int_equal(class_of(bench, other_call), TXN_NEW);
    assert_int_equal(class_of(bench, other_method), TXN_NEW);
}

static void test_sent_by_matches_in_any_case(void **state)
{
    struct txn_bench *bench = *state;
    bench_open(bench, &bench->udp, (struct sip_ask){.sent_by = "Proxy.example.COM"});
    assert_int_equal(class_of(bench, (struct sip_ask){.sent_by = "proxy.EXAMPLE.com"}), TXN_ABSORBED);
}

static void test_unknown_methods_are_told_apart(void **state)
{
    struct txn_bench *bench = *state;
    bench_open(bench, &bench->udp, (struct sip_ask){.method = "FOO"});
    assert_int_equal(class_of(bench, (struct sip_ask){.method = "FOO"}), TXN_ABSORBED);
    assert_int_equal(class_of(bench, (struct sip_ask){.method = "BAR"}), TXN_NEW);
}

static void test_without_a_cookie_rfc_2543_rules_hold(void **state)
{
    struct txn_bench *bench = *state;
    struct sip_ask invite = {.branch = "-", .cseq = 3};
    struct txn *txn = bench_open(bench, &bench->udp, invite);
    assert_int_equal(bench_reply(txn, 410), OK);
    assert_int_equal(class_of(bench, invite), TXN_ABSORBED);
    assert_int_equal(bench->wire.count, 2);
    struct sip_ask other = invite;
    other.cseq = 4;
    assert_int_equal(class_of(bench, other), TXN_NEW);
    other = invite;
    other.uri = "sip:carol@192.0.2.1";
    assert_int_equal(class_of(bench, other), TXN_MERGED);
    other = invite;
    other.from_tag = "other";
    assert_int_equal(class_of(bench, other), TXN_NEW);
    other = invite;
    other.sent_by = "192.0.2.9:5070";
    assert_int_equal(class_of(bench, other), TXN_MERGED);
    /* The ACK must carry the answer's tag. */
    struct sip_ask ack = {.method = "ACK", .branch = "-", .cseq = 3, .to_tag = "wrong"};
    assert_int_equal(class_of(bench, ack), TXN_ACK_FOR_CALL);
    assert_int_equal(bench->acks, 0);
    char tag[TXN_TAG_LEN + 1] = {0};
    memcpy(tag, txn_tag(txn).at, TXN_TAG_LEN);
    ack.to_tag = tag;
    ack.sent_by = "192.0.2.9:5060;received=192.0.2.9"; /* as our answer's Via had it */
    assert_int_equal(class_of(bench, ack), TXN_ACK_ABSORBED);
    assert_int_equal(bench->acks, 1);
}

static void test_merged_requests(void **state)
{
    struct txn_bench *bench = *state;
    struct txn *txn = bench_open(bench, &bench->udp, (struct sip_ask){0});
    struct sip_ask merged = {.branch = "z9hG4bK-other-way"};
    assert_int_equal(class_of(bench, merged), TXN_MERGED);
    /* It is answered 482 in a transaction of its own, and its copies meet that. */
    struct txn *second = NULL;
    assert_int_equal(txn_server_new(bench->table, &bench->asked.message, &bench->udp, &second), OK);
    assert_int_equal(bench_reply(second, 482), OK);
    assert_int_equal(class_of(bench, merged), TXN_ABSORBED);
    assert_int_equal(bench_ack(bench, &bench->udp, merged.branch, NULL), TXN_ACK_ABSORBED);
    assert_int_equal(class_of(bench, (struct sip_ask){.branch = "z9hG4bK-third"}), TXN_MERGED);
    /* A request inside a dialog is never merged; nor is the same Call-ID with another CSeq or From tag. */
    assert_int_equal(class_of(bench, (struct sip_ask){.branch = "z9hG4bK-4", .to_tag = "x"}), TXN_NEW);
    assert_int_equal(class_of(bench, (struct sip_ask){.branch = "z9hG4bK-5", .cseq = 2}), TXN_NEW);
    assert_int_equal(class_of(bench, (struct sip_ask){.branch = "z9hG4bK-6", .from_tag = "b"}), TXN_NEW);
    assert_int_equal(class_of(bench, (struct sip_ask){.branch = "z9hG4bK-7", .method = "OPTIONS"}), TXN_NEW);
    /* The second one's end does not let a third in; the first one's does. */
    fake_clock_pass(&bench->fake, 6000);
    assert_int_equal(class_of(bench, (struct sip_ask){.branch = "z9hG4bK-third"}), TXN_MERGED);
    assert_int_equal(bench_reply(txn, 410), OK);
    fake_clock_pass(&bench->fake, 32000);
    assert_int_equal(class_of(bench, (struct sip_ask){.branch = "z9hG4bK-third"}), TXN_NEW);
    bench_assert_empty(bench);
}

/* What is answered without state is new each time, and what follows it does not take its keys for its own. */
static void test_what_has_no_state_leaves_none(void **state)
{
    struct txn_bench *bench = *state;
    const struct txn_counters *counters = txn_table_counters(bench->table);
    uint64_t before = counters->received[TXN_NEW];
    struct txn *txn = NULL;
    assert_int_equal(class_of(bench, (struct sip_ask){.method = "MESSAGE", .branch = "z9hG4bK-m"}), TXN_NEW);
    txn_receive_stateless(bench->table);
    txn_receive_stateless(bench->table);
    assert_int_equal(counters->received[TXN_NEW], before + 3);
    sip_ask(&bench->asked, (struct sip_ask){.method = "MESSAGE", .branch = "z9hG4bK-n", .call_id = "other"});
    assert_int_equal(txn_server_new(bench->table, &bench->asked.message, &bench->udp, &txn), OK);
    assert_int_equal(class_of(bench, (struct sip_ask){.method = "MESSAGE", .branch = "z9hG4bK-m"}), TXN_NEW);
    assert_int_equal(class_of(bench, (struct sip_ask){.method = "MESSAGE", .branch = "z9hG4bK-n", .call_id = "other"}),
                     TXN_ABSORBED);
}

static void test_cancel(void **state)
{
    struct txn_bench *bench = *state;
    struct sip_ask cancel = {.method = "CANCEL"};
    assert_int_equal(class_of(bench, cancel), TXN_CANCEL_UNMATCHED);
    struct txn *invite = bench_open(bench, &bench->udp, (struct sip_ask){0});
    struct txn_arrival arrival = bench_receive(bench, &bench->udp, cancel);
    assert_int_equal(arrival.class, TXN_CANCEL_MATCHED);
    assert_ptr_equal(arrival.txn, invite);
    struct txn *own = NULL;
    assert_int_equal(txn_server_new(bench->table, &bench->asked.message, &bench->udp, &own), OK);
    assert_int_equal(bench_reply(own, 200), OK);
    assert_int_equal(class_of(bench, cancel), TXN_ABSORBED);
    assert_int_equal(bench->wire.count, 2);
    /* Another branch, or an INVITE that is no INVITE, is not meant. */
    assert_int_equal(class_of(bench, (struct sip_ask){.method = "CANCEL", .branch = "z9hG4bK-9"}),
                     TXN_CANCEL_UNMATCHED);
    bench_open(bench, &bench->udp, (struct sip_ask){.method = "OPTIONS", .branch = "z9hG4bK-o"});
    assert_int_equal(class_of(bench, (struct sip_ask){.method = "CANCEL", .branch = "z9hG4bK-o"}),
                     TXN_CANCEL_UNMATCHED);
    /* Still matched when it comes too late. */
    assert_int_equal(bench_reply(invite, 410), OK);
    assert_int_equal(class_of(bench, (struct sip_ask){.method = "CANCEL", .to_tag = "late"}), TXN_ABSORBED);
    fake_clock_pass(&bench->fake, 31999);
    assert_int_equal(txn_state(invite), TXN_COMPLETED);
}

static void test_an_ack_has_no_transaction(void **state)
{
    struct txn_bench *bench = *state;
    struct txn *txn = NULL;
    assert_int_equal(class_of(bench, (struct sip_ask){.method = "ACK"}), TXN_ACK_FOR_CALL);
    assert_int_equal(txn_server_new(bench->table, &bench->asked.message, &bench->udp, &txn), ERR_INVALID);
    assert_null(txn);
    bench_open(bench, &bench->udp, (struct sip_ask){0});
    assert_int_equal(class_of(bench, (struct sip_ask){.method = "ACK"}), TXN_ACK_ABSORBED);
    assert_int_equal(txn_table_counters(bench->table)->stray_acks, 1);
}

static void test_stateless_tags(void **state)
{
    struct txn_bench *bench = *state;
    char tag[TXN_TAG_LEN + 1] = {0};
    char again[TXN_TAG_LEN];
    txn_stateless_tag(bench->table, sip_ask(&bench->asked, (struct sip_ask){0}), tag);
    txn_stateless_tag(bench->table, sip_ask(&bench->asked, (struct sip_ask){0}), again);
    assert_memory_equal(tag, again, TXN_TAG_LEN);
    txn_stateless_tag(bench->table, sip_ask(&bench->asked, (struct sip_ask){.cseq = 2}), again);
    assert_memory_not_equal(tag, again, TXN_TAG_LEN);
    /* Its ACK is known at any time, in any table with the same key, and nothing else is taken for it. */
    fake_clock_pass(&bench->fake, 3600000);
    struct sip_ask ack = {.method = "ACK", .to_tag = tag};
    assert_int_equal(class_of(bench, ack), TXN_ACK_ABSORBED);
    struct txn_bench *other = bench_new(0);
    assert_int_equal(class_of(other, ack), TXN_ACK_ABSORBED);
    void *other_state = other;
    bench_teardown(&other_state);
    ack.cseq = 2;
    assert_int_equal(class_of(bench, ack), TXN_ACK_FOR_CALL);
    struct sip_ask wrong = {.method = "ACK", .to_tag = "s000000000000000"};
    assert_int_equal(class_of(bench, wrong), TXN_ACK_FOR_CALL);
    wrong.to_tag = "s";
    assert_int_equal(class_of(bench, wrong), TXN_ACK_FOR_CALL);
    wrong.to_tag = NULL;
    assert_int_equal(class_of(bench, wrong), TXN_ACK_FOR_CALL);
    assert_int_equal(bench->wire.count, 0);
}

static void test_tags_and_branches_are_fresh(void **state)
{
    struct txn_bench *bench = *state;
    char one[TXN_BRANCH_LEN];
    char two[TXN_BRANCH_LEN];
    txn_branch_new(bench->table, one);
    txn_branch_new(bench->table, two);
    assert_memory_equal(one, "z9hG4bK", 7);
    assert_memory_not_equal(one, two, TXN_BRANCH_LEN);
    char tag[TXN_TAG_LEN];
    for (int i = 0; i < 1000; i++) {
        txn_tag_new(bench->table, tag);
        assert_true(strchr("0123456789abcdef", tag[0]) != NULL); /* never one of a stateless refusal */
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_each_part_of_the_key_counts),
        TEST(test_sent_by_matches_in_any_case),
        TEST(test_unknown_methods_are_told_apart),
        TEST(test_without_a_cookie_rfc_2543_rules_hold),
        TEST(test_merged_requests),
        TEST(test_what_has_no_state_leaves_none),
        TEST(test_cancel),
        TEST(test_an_ack_has_no_transaction),
        TEST(test_stateless_tags),
        TEST(test_tags_and_branches_are_fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
