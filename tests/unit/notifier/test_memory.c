/* SPDX-License-Identifier: Apache-2.0 */
/* Without memory: a request is refused and nothing is left of it, a NOTIFY goes later, and a user's state stays whole. */
#include "unit/notifier/support_notifier.h"

#include "support/failing_malloc.h"

static size_t blocks(const struct bench *bench)
{
    return txn_slab_blocks(txn_table_slab(bench->txns));
}

static void the_table_is_made_whole_or_not_at_all(void **state)
{
    struct bench *bench = *state;
    const struct notifier_options options = bench_options(bench);
    struct notifier_table *table = NULL;
    for (unsigned n = 1;; n++) {
        failing_malloc_at(n);
        enum err err = notifier_table_new(&options, &table);
        if (!failing_malloc_off())
            break;
        assert_int_equal(err, ERR_NOMEM);
        assert_null(table);
    }
    notifier_table_free(table);
}

/* The server transaction and its answer are the bench's own; behind them every block of a subscription fails once. */
static void a_subscription_is_opened_whole_or_not_at_all(void **state)
{
    struct bench *bench = *state;
    struct txn_slab *slab = txn_table_slab(bench->txns);
    for (unsigned nth = 1; nth < 12; nth++) {
        struct sip_asked asked;
        char call_id[16];
        snprintf(call_id, sizeof(call_id), "m%u", nth);
        const struct sip_message *request =
            sip_ask(&asked, (struct sip_ask){.method = "SUBSCRIBE", .call_id = call_id, .extra = COUNT});
        struct notifier_accept accept = {.aor = SPAN("bob@example.com"),
                                         .contact = SPAN("<sip:192.0.2.1:5060>"),
                                         .source = bench->udp.remote,
                                         .expires_s = -1};
        struct notifier_subscription *subscription;
        size_t before = blocks(bench);
        txn_slab_fail_at(slab, nth);
        enum err err = notifier_subscribe(bench->table, request, &bench->udp, &accept, &subscription, &bench->refusal);
        txn_slab_fail_at(slab, 0);
        if (err == OK) {
            assert_in_range(nth, 6, 7); /* its block, its texts, its target, its source, its user and the user's name */
            notifier_drop(subscription);
            assert_int_equal(blocks(bench), before);
            return;
        }
        assert_int_equal(bench->refusal.code, 503);
        assert_int_equal(blocks(bench), before);
        assert_int_equal(notifier_count(bench->table), 0);
        struct notifier_census census = notifier_table_census(bench->table);
        assert_int_equal(census.users + census.sources, 0);
    }
    fail_msg("a subscription takes more blocks than that");
}

static void a_notify_that_cannot_be_sent_goes_later(void **state)
{
    struct bench *bench = *state;
    struct txn_slab *slab = txn_table_slab(bench->txns);
    for (unsigned nth = 1; nth <= 3; nth++) {
        char call_id[16];
        snprintf(call_id, sizeof(call_id), "n%u", nth);
        assert_int_equal(bench_subscribe(bench, call_id, COUNT), 200);
        bench_take(bench);
        fake_clock_pass(&bench->fake, 2000);
        notifier_changed(bench->table, &bench_package, SPAN("bob@example.com"));
        txn_slab_fail_at(slab, nth); /* the errand, its transaction, its bytes */
        fake_clock_pass(&bench->fake, 0);
        txn_slab_fail_at(slab, 0);
        fake_clock_pass(&bench->fake, 999);
        assert_int_equal(bench->wire.count, 0);
        assert_int_equal(notifier_count(bench->table), 1);
        fake_clock_pass(&bench->fake, 1);
        assert_int_equal(bench->wire.count, 1);
        assert_sent(bench, 0, "full version=1");
        assert_sent(bench, 0, "CSeq: 3 NOTIFY");
        bench_answer_with(bench, 0, 481);
        fake_wire_clear(&bench->wire);
        assert_int_equal(notifier_count(bench->table), 0);
    }
}

static void a_last_notify_that_cannot_be_sent_ends_it_all_the_same(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_subscribe(bench, "c1", COUNT), 200);
    bench_take(bench);
    notifier_end(bench->table, SPAN("bob@example.com"), NOTIFIER_NORESOURCE);
    txn_slab_fail_at(txn_table_slab(bench->txns), 1);
    fake_clock_pass(&bench->fake, 1);
    txn_slab_fail_at(txn_table_slab(bench->txns), 0);
    assert_int_equal(notifier_count(bench->table), 0);
    assert_int_equal(bench->unwatched, 1);
}

static void a_publication_is_kept_whole_or_not_at_all(void **state)
{
    struct bench *bench = *state;
    struct txn_slab *slab = txn_table_slab(bench->txns);
    struct sip_asked asked;
    struct notifier_accept accept = {.aor = SPAN("bob@example.com"), .source = bench->udp.remote, .expires_s = -1};
    const struct sip_message *request = sip_ask(&asked, (struct sip_ask){.method = "PUBLISH",
                                                                         .extra = "Event: presence\r\n",
                                                                         .body = "<presence/>",
                                                                         .type = "application/pidf+xml"});
    size_t before = blocks(bench);
    enum err err = ERR_NOMEM;
    unsigned nth = 0;
    while (err != OK) {
        txn_slab_fail_at(slab, ++nth);
        err = notifier_publish(bench->table, request, &accept, &bench->grant, &bench->refusal);
        txn_slab_fail_at(slab, 0);
        if (err == OK)
            break;
        assert_int_equal(bench->refusal.code, 503);
        assert_int_equal(blocks(bench), before);
    }
    assert_int_equal(nth, 6);
    /* A modification that cannot be kept changes nothing. */
    char extra[96];
    snprintf(extra, sizeof(extra), "Event: presence\r\nSIP-If-Match: %.16s\r\n", bench->grant.etag);
    request = sip_ask(&asked, (struct sip_ask){.method = "PUBLISH",
                                               .extra = extra,
                                               .body = "<presence></presence>",
                                               .type = "application/pidf+xml"});
    txn_slab_fail_at(slab, 1);
    assert_int_equal(notifier_publish(bench->table, request, &accept, &bench->grant, &bench->refusal), ERR_NOMEM);
    assert_int_equal(bench->refusal.code, 503);
    assert_int_equal(notifier_publish(bench->table, request, &accept, &bench->grant, &bench->refusal), OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_table_is_made_whole_or_not_at_all),     TEST(a_subscription_is_opened_whole_or_not_at_all),
        TEST(a_notify_that_cannot_be_sent_goes_later),   TEST(a_last_notify_that_cannot_be_sent_ends_it_all_the_same),
        TEST(a_publication_is_kept_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
