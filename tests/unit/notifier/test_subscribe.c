/* SPDX-License-Identifier: Apache-2.0 */
/* SUBSCRIBE: opened, refreshed, ended, fetched, refused (RFC 6665 4.2.1). */
#include "unit/notifier/support_notifier.h"

static void a_200_goes_first_and_the_notify_right_behind_it(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_subscribe(bench, "c1", COUNT), 200);
    assert_int_equal(bench->wire.count, 2);
    assert_sent(bench, 0, "SIP/2.0 200 OK\r\n");
    assert_sent(bench, 1, "NOTIFY sip:alice@192.0.2.9 SIP/2.0\r\n");
    assert_sent(bench, 1, "\r\nEvent: count\r\n");
    assert_sent(bench, 1, "\r\nSubscription-State: active;expires=600\r\n");
    assert_sent(bench, 1, "\r\nContent-Type: text/plain\r\n");
    assert_sent(bench, 1, "\r\nContact: <sip:192.0.2.1:5060>\r\n");
    assert_sent(bench, 1, "\r\nCSeq: 1 NOTIFY\r\n");
    assert_sent(bench, 1, "\r\nTo: <sip:alice@example.com>;tag=alice\r\n");
    assert_sent(bench, 1, "full version=0 seen=0 state=0");
    char from[80];
    snprintf(from, sizeof(from), "\r\nFrom: <sip:bob@example.com>;tag=%s\r\n", bench->tag);
    assert_sent(bench, 1, from);
    unsigned worker;
    assert_true(notifier_tag_worker(span_of(bench->tag), &worker));
    assert_int_equal(worker, 5);
}

static void an_id_comes_back(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_subscribe(bench, "c1", "Event: count;foo=bar;id=7\r\n"), 200);
    assert_sent(bench, 1, "\r\nEvent: count;id=7\r\n");
    bench_take(bench);
    assert_int_equal(bench_refresh(bench, "c1", 2, "Event: count;id=8\r\n"), 403);
    assert_int_equal(bench_refresh(bench, "c1", 3, "Event: count\r\n"), 403);
    assert_int_equal(bench_refresh(bench, "c1", 4, "Event: presence;id=7\r\n"), 403);
    assert_int_equal(bench_refresh(bench, "c1", 5, "Event: nonsense\r\n"), 489);
    assert_int_equal(bench_refresh(bench, "c1", 6, "Event: count;id=7\r\n"), 200);
}

static void routes_are_kept_in_their_order(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(
        bench_subscribe(bench, "c1", "Event: count\r\nRecord-Route: <sip:a.example;lr>, <sip:b.example;lr>\r\n"), 200);
    assert_sent(bench, 1, "NOTIFY sip:alice@192.0.2.9 SIP/2.0\r\n");
    assert_sent(bench, 1, "\r\nRoute: <sip:a.example;lr>\r\nRoute: <sip:b.example;lr>\r\n");
}

static void a_refresh_moves_the_target_and_tells_all(void **state)
{
    struct bench *bench = *state;
    bench_subscribe(bench, "c1", COUNT);
    bench_take(bench);
    bench->state = 4;
    fake_clock_pass(&bench->fake, 100000);
    bench_receive(bench,
                  (struct sip_ask){.method = "SUBSCRIBE",
                                   .call_id = "c1",
                                   .cseq = 2,
                                   .extra = "Event: count\r\nExpires: 300\r\n",
                                   .contact = "<sip:alice@192.0.2.77:5080>",
                                   .to_tag = bench->tag},
                  &bench->udp);
    assert_int_equal(bench->code, 200);
    assert_sent(bench, 1, "NOTIFY sip:alice@192.0.2.77:5080 SIP/2.0\r\n");
    assert_sent(bench, 1, "active;expires=300");
    assert_sent(bench, 1, "full version=1 seen=0 state=4");
    assert_sent(bench, 1, "\r\nCSeq: 2 NOTIFY\r\n");
    assert_int_equal(notifier_table_counters(bench->table)->refreshed, 1);
}

static void cseq_must_grow(void **state)
{
    struct bench *bench = *state;
    bench_receive(bench, (struct sip_ask){.method = "SUBSCRIBE", .call_id = "c1", .cseq = 5, .extra = COUNT},
                  &bench->udp);
    assert_int_equal(bench_refresh(bench, "c1", 4, COUNT), 500);
    assert_int_equal(bench_refresh(bench, "c1", 5, COUNT), 500);
    assert_int_equal(bench_refresh(bench, "c1", 6, COUNT), 200);
}

static void expires_0_ends_it_with_a_last_notify(void **state)
{
    struct bench *bench = *state;
    bench_subscribe(bench, "c1", COUNT);
    bench_take(bench);
    assert_int_equal(bench_refresh(bench, "c1", 2, "Event: count\r\nExpires: 0\r\n"), 200);
    assert_sent(bench, 1, "Subscription-State: terminated;reason=timeout\r\n");
    assert_sent(bench, 1, "last=timeout");
    assert_int_equal(notifier_count(bench->table), 1);
    assert_int_equal(bench_refresh(bench, "c1", 3, COUNT), 481);
    bench_answer_with(bench, 1, 200);
    assert_int_equal(notifier_count(bench->table), 0);
    assert_int_equal(bench->unwatched, 1);
    assert_string_equal(bench->unwatched_aor, "bob@example.com");
    assert_int_equal(notifier_table_counters(bench->table)->unsubscribed, 1);
}

static void a_fetch_is_told_once(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_subscribe(bench, "c1", "Event: count\r\nExpires: 0\r\n"), 200);
    assert_int_equal(bench->wire.count, 2);
    assert_sent(bench, 1, "terminated;reason=timeout");
    assert_sent(bench, 1, "full version=0");
    bench_answer_with(bench, 1, 200);
    assert_int_equal(notifier_count(bench->table), 0);
    assert_int_equal(notifier_table_counters(bench->table)->fetched, 1);
    fake_clock_pass(&bench->fake, 100000);
    assert_int_equal(bench->wire.count, 2);
}

static void an_unsubscribe_passes_the_notify_that_is_out(void **state)
{
    struct bench *bench = *state;
    bench_subscribe(bench, "c1", COUNT);
    assert_int_equal(bench_refresh(bench, "c1", 2, "Event: count\r\nExpires: 0\r\n"), 200);
    assert_int_equal(bench->wire.count, 4);
    assert_sent(bench, 3, "terminated;reason=timeout");
    assert_sent(bench, 3, "CSeq: 2 NOTIFY");
    bench_answer_with(bench, 1, 200);
    assert_int_equal(bench->wire.count, 4);
}

static void time_ends_it(void **state)
{
    struct bench *bench = *state;
    bench_subscribe(bench, "c1", "Event: count\r\nExpires: 90\r\n");
    bench_take(bench);
    fake_clock_pass(&bench->fake, 89999);
    assert_int_equal(bench->wire.count, 0);
    fake_clock_pass(&bench->fake, 1);
    assert_int_equal(bench->wire.count, 1);
    assert_sent(bench, 0, "terminated;reason=timeout");
    assert_int_equal(bench_refresh(bench, "c1", 2, COUNT), 481);
    assert_int_equal(notifier_table_counters(bench->table)->expired, 1);
    fake_clock_pass(&bench->fake, 40000);
    assert_int_equal(notifier_count(bench->table), 0);
}

static void what_is_wrong_by_itself_is_refused(void **state)
{
    struct bench *bench = *state;
    static const struct {
        const char *contact, *extra;
        unsigned code;
        const char *name, *value;
    } cases[] = {
        {NULL, "Expires: 600\r\n", 489, "Allow-Events", "presence, count"},
        {NULL, "Event: dialog\r\n", 489, "Allow-Events", "presence, count"},
        {NULL, "Event: PRESENCE\r\n", 489, "Allow-Events", "presence, count"},
        {NULL, "Event: presence.winfo\r\n", 489, "Allow-Events", "presence, count"},
        {NULL, "Event: count\r\nExpires: 59\r\n", 423, "Min-Expires", "60"},
        {NULL, "Event: count\r\nExpires: 1\r\n", 423, "Min-Expires", "60"},
        {NULL, "Event: count\r\nExpires: soon\r\n", 400, "", ""},
        {NULL, "Event: count\r\nAccept: application/pidf+xml\r\n", 406, "", ""},
        {NULL, "Event: count\r\nAccept: text/plain;q=0\r\n", 406, "", ""},
        {"-", "Event: count\r\n", 400, "", ""},
        {"<tel:+15551>", "Event: count\r\n", 400, "", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char call_id[16];
        snprintf(call_id, sizeof(call_id), "c%zu", i);
        bench_receive(
            bench,
            (struct sip_ask){
                .method = "SUBSCRIBE", .call_id = call_id, .contact = cases[i].contact, .extra = cases[i].extra},
            &bench->udp);
        assert_int_equal(bench->code, cases[i].code);
        assert_true(span_equal(bench->refusal.name, span_of(cases[i].name)));
        assert_true(span_equal(bench->refusal.value, span_of(cases[i].value)));
    }
    assert_int_equal(notifier_count(bench->table), 0);
    bench_receive(bench, (struct sip_ask){.method = "SUBSCRIBE", .from_tag = "-", .extra = COUNT}, &bench->udp);
    assert_int_equal(bench->code, 400);
}

static void what_is_accepted(void **state)
{
    struct bench *bench = *state;
    static const struct {
        const char *extra, *says;
    } cases[] = {
        {"Event: count\r\n", "active;expires=3600"},
        {"Event: count\r\nExpires: 60\r\n", "active;expires=60"},
        {"Event: count\r\nExpires: 7200\r\n", "active;expires=7200"},
        {"Event: count\r\nExpires: 4294967295\r\n", "active;expires=7200"},
        {"o: count\r\nAccept: */*\r\n", "active;expires=3600"},
        {"Event: count\r\nAccept: application/x, text/plain\r\n", "active;expires=3600"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char call_id[16];
        snprintf(call_id, sizeof(call_id), "c%zu", i);
        assert_int_equal(bench_subscribe(bench, call_id, cases[i].extra), 200);
        assert_sent(bench, -1, cases[i].says);
    }
    assert_int_equal(notifier_count(bench->table), 6);
}

/* An hour or more is never too brief, whatever the operator set. */
static void an_hour_is_long_enough(void **state)
{
    struct bench *bench = *state;
    struct notifier_options options = bench_options(bench);
    options.subscribe = (struct notifier_lifetime){.min_s = 3600, .default_s = 5000, .max_s = 7200};
    bench_table(bench, &options);
    assert_int_equal(bench_subscribe(bench, "c1", "Event: count\r\nExpires: 3599\r\n"), 423);
    assert_int_equal(bench_subscribe(bench, "c2", "Event: count\r\nExpires: 3600\r\n"), 200);
}

static void a_foreign_dialog_is_none(void **state)
{
    struct bench *bench = *state;
    bench_subscribe(bench, "c1", COUNT);
    bench_take(bench);
    assert_int_equal(bench_refresh(bench, "c2", 2, COUNT), 481);
    bench_receive(bench,
                  (struct sip_ask){.method = "SUBSCRIBE",
                                   .call_id = "c1",
                                   .cseq = 2,
                                   .from_tag = "mallory",
                                   .to_tag = bench->tag,
                                   .extra = COUNT},
                  &bench->udp);
    assert_int_equal(bench->code, 481);
    bench_receive(
        bench, (struct sip_ask){.method = "SUBSCRIBE", .call_id = "c1", .cseq = 2, .to_tag = "short", .extra = COUNT},
        &bench->udp);
    assert_int_equal(bench->code, 481);
}

static void caps_have_their_answers(void **state)
{
    struct bench *bench = *state;
    struct notifier_options options = bench_options(bench);
    options.caps = (struct notifier_caps){.subscriptions = 3, .per_user = 10, .per_source = 2};
    bench_table(bench, &options);
    struct net_flow other = sip_ask_flow(NET_UDP, "192.0.2.10:5060");
    assert_int_equal(bench_subscribe(bench, "c1", COUNT), 200);
    assert_int_equal(bench_subscribe(bench, "c2", COUNT), 200);
    assert_int_equal(bench_subscribe(bench, "c3", COUNT), 503);
    bench_receive(bench, (struct sip_ask){.method = "SUBSCRIBE", .call_id = "c4", .extra = COUNT}, &other);
    assert_int_equal(bench->code, 200);
    bench_receive(bench, (struct sip_ask){.method = "SUBSCRIBE", .call_id = "c5", .extra = COUNT}, &other);
    assert_int_equal(bench->code, 503);
    options.caps = (struct notifier_caps){.per_user = 2, .per_source = 1};
    bench_table(bench, &options);
    bench->is_trusted = true;
    assert_int_equal(bench_subscribe(bench, "c6", COUNT), 200);
    assert_int_equal(bench_subscribe(bench, "c7", COUNT), 200);
    assert_int_equal(bench_subscribe(bench, "c8", COUNT), 480);
    assert_int_equal(notifier_table_counters(bench->table)->refused_full, 1);
    assert_int_equal(notifier_table_census(bench->table).sources, 0);
}

static void places_are_given_back(void **state)
{
    struct bench *bench = *state;
    struct notifier_options options = bench_options(bench);
    options.caps = (struct notifier_caps){.subscriptions = 1, .per_user = 1, .per_source = 1};
    bench_table(bench, &options);
    for (int i = 0; i < 3; i++) {
        char call_id[16];
        snprintf(call_id, sizeof(call_id), "c%d", i);
        assert_int_equal(bench_subscribe(bench, call_id, "Event: count\r\nExpires: 0\r\n"), 200);
        bench_take(bench);
    }
    struct notifier_census census = notifier_table_census(bench->table);
    assert_int_equal(census.subscriptions + census.users + census.sources, 0);
}

static void a_subscription_takes_less_than_a_kibibyte(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_subscribe(bench, "a-call-id-of-forty-characters@192.0.2.99", COUNT), 200);
    bench_take(bench);
    struct notifier_subscription *subscription = notifier_next(bench->table, NULL);
    size_t bytes = txn_slab_block(sizeof(*subscription)) + txn_slab_block(subscription->texts.len) +
                   txn_slab_block(subscription->target.len) + txn_slab_block(sizeof(struct notifier_user)) +
                   txn_slab_block(subscription->user->aor.len) + txn_slab_block(sizeof(struct notifier_peer));
    assert_true(bytes <= 1024);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_200_goes_first_and_the_notify_right_behind_it),
        TEST(an_id_comes_back),
        TEST(routes_are_kept_in_their_order),
        TEST(a_refresh_moves_the_target_and_tells_all),
        TEST(cseq_must_grow),
        TEST(expires_0_ends_it_with_a_last_notify),
        TEST(a_fetch_is_told_once),
        TEST(an_unsubscribe_passes_the_notify_that_is_out),
        TEST(time_ends_it),
        TEST(what_is_wrong_by_itself_is_refused),
        TEST(what_is_accepted),
        TEST(an_hour_is_long_enough),
        TEST(a_foreign_dialog_is_none),
        TEST(caps_have_their_answers),
        TEST(places_are_given_back),
        TEST(a_subscription_takes_less_than_a_kibibyte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
