/* SPDX-License-Identifier: Apache-2.0 */
/* NOTIFY: one at a time, versions in order, what its answers mean, and that changes and ends are spread over time. */
#include "unit/notifier/support_notifier.h"

static void change(struct bench *bench)
{
    bench->state++;
    notifier_changed(bench->table, &bench_package, SPAN("bob@example.com"));
    fake_clock_pass(&bench->fake, 0);
}

static void begin(struct bench *bench)
{
    assert_int_equal(bench_subscribe(bench, "c1", COUNT), 200);
    bench_take(bench);
    fake_clock_pass(&bench->fake, 2000);
}

static void a_change_is_told(void **state)
{
    struct bench *bench = *state;
    begin(bench);
    change(bench);
    assert_int_equal(bench->wire.count, 1);
    assert_sent(bench, 0, "partial version=1 seen=0 state=1");
    assert_sent(bench, 0, "active;expires=598");
    bench_take(bench);
    fake_clock_pass(&bench->fake, 2000);
    change(bench);
    assert_sent(bench, 0, "partial version=2 seen=1 state=2");
}

static void another_package_is_not(void **state)
{
    struct bench *bench = *state;
    begin(bench);
    notifier_changed(bench->table, notifier_presence(bench->table), SPAN("bob@example.com"));
    notifier_changed(bench->table, &bench_package, SPAN("carol@example.com"));
    fake_clock_pass(&bench->fake, 5000);
    assert_int_equal(bench->wire.count, 0);
    notifier_changed(bench->table, NULL, SPAN("bob@example.com"));
    fake_clock_pass(&bench->fake, 0);
    assert_int_equal(bench->wire.count, 1);
    assert_true(notifier_is_watched(bench->table, &bench_package, SPAN("bob@example.com")));
    assert_true(notifier_is_watched(bench->table, NULL, SPAN("bob@example.com")));
    assert_false(notifier_is_watched(bench->table, notifier_presence(bench->table), SPAN("bob@example.com")));
    assert_false(notifier_is_watched(bench->table, NULL, SPAN("carol@example.com")));
}

static void changes_within_the_interval_become_one(void **state)
{
    struct bench *bench = *state;
    begin(bench);
    change(bench);
    bench_take(bench);
    for (int i = 0; i < 5; i++) {
        fake_clock_pass(&bench->fake, 100);
        change(bench);
    }
    assert_int_equal(bench->wire.count, 0);
    fake_clock_pass(&bench->fake, 499);
    assert_int_equal(bench->wire.count, 0);
    fake_clock_pass(&bench->fake, 1);
    assert_int_equal(bench->wire.count, 1);
    assert_sent(bench, 0, "partial version=2 seen=1 state=6");
}

static void one_is_out_at_a_time(void **state)
{
    struct bench *bench = *state;
    begin(bench);
    change(bench);
    for (int i = 0; i < 4; i++) {
        fake_clock_pass(&bench->fake, 100);
        change(bench);
    }
    assert_int_equal(bench->wire.count, 1);
    bench_answer_with(bench, 0, 200);
    fake_clock_pass(&bench->fake, 600);
    assert_int_equal(bench->wire.count, 2);
    assert_sent(bench, 1, "partial version=2 seen=1 state=5");
    assert_sent(bench, 1, "CSeq: 3 NOTIFY");
}

static void answer_later(struct bench *bench, int index)
{
    struct sip_asked with = {0};
    char text[2048];
    const struct sip_message *plain = sip_ask_answer(&bench->answered, fake_wire_text(&bench->wire, index), 503);
    snprintf(text, sizeof(text), "%.*sRetry-After: 20\r\nContent-Length: 0\r\n\r\n",
             (int)(plain->bytes.len - strlen("Content-Length: 0\r\n\r\n")), plain->bytes.at);
    assert_true(txn_receive_response(bench->txns, sip_ask_parse(&with, text)));
}

/* RFC 6665 4.2.1.2: at once, whatever became of the NOTIFY before, and whole, since that one may have been lost. */
static void a_refresh_while_one_is_out_is_told_at_once(void **state)
{
    struct bench *bench = *state;
    bench_subscribe(bench, "c1", COUNT);
    assert_int_equal(bench_refresh(bench, "c1", 2, COUNT), 200);
    assert_int_equal(bench->wire.count, 4);
    assert_sent(bench, 3, "full version=1");
    assert_sent(bench, 3, "CSeq: 2 NOTIFY");
    bench_answer_with(bench, 1, 481); /* to the one that was passed: it says nothing any more */
    bench_answer_with(bench, 3, 200);
    assert_int_equal(notifier_count(bench->table), 1);
    fake_clock_pass(&bench->fake, 40000);
    assert_int_equal(bench->wire.count, 4);
}

/* Nobody gets more than two by asking again and answering nothing. */
static void a_third_waits_for_an_answer(void **state)
{
    struct bench *bench = *state;
    bench_subscribe(bench, "c1", COUNT);
    for (unsigned cseq = 2; cseq < 6; cseq++)
        assert_int_equal(bench_refresh(bench, "c1", cseq, COUNT), 200);
    assert_int_equal(bench->wire.count, 1 + 4 + 2);
    bench_answer_with(bench, 3, 200);
    fake_clock_pass(&bench->fake, 0);
    assert_int_equal(bench->wire.count, 1 + 4 + 2 + 1);
    assert_sent(bench, 7, "full version=2");
}

/* What a SUBSCRIBE asks for waits for no Retry-After of the NOTIFY before it. */
static void a_refresh_passes_a_retry_after(void **state)
{
    struct bench *bench = *state;
    bench_subscribe(bench, "c1", COUNT);
    bench_refresh(bench, "c1", 2, COUNT);
    bench_refresh(bench, "c1", 3, COUNT);
    assert_int_equal(bench->wire.count, 5);
    answer_later(bench, 3);
    fake_clock_pass(&bench->fake, 0);
    assert_int_equal(bench->wire.count, 6);
    assert_sent(bench, 5, "CSeq: 3 NOTIFY");
}

static void nothing_to_tell_is_not_told(void **state)
{
    struct bench *bench = *state;
    bench->says_nothing = true;
    begin(bench);
    notifier_changed(bench->table, &bench_package, SPAN("bob@example.com"));
    fake_clock_pass(&bench->fake, 5000);
    assert_int_equal(bench->builds, 2);
    assert_int_equal(bench->wire.count, 0);
    assert_string_equal(notifier_state_text(notifier_next(bench->table, NULL)), "told");
    change(bench);
    assert_int_equal(bench->wire.count, 1);
    assert_sent(bench, 0, "partial version=1");
    assert_sent(bench, 0, "\r\nCSeq: 2 NOTIFY\r\n");
    assert_int_equal(txn_slab_blocks(txn_table_slab(bench->txns)) > 0, 1);
}

static void what_cannot_be_said_goes_without_a_body_and_then_whole(void **state)
{
    struct bench *bench = *state;
    begin(bench);
    bench->build_err = ERR_IO;
    change(bench);
    assert_int_equal(bench->wire.count, 1);
    assert_sent(bench, 0, "Content-Length: 0\r\n\r\n");
    assert_not_sent(bench, 0, "Content-Type");
    bench_take(bench);
    bench->build_err = OK;
    fake_clock_pass(&bench->fake, 2000);
    change(bench);
    assert_sent(bench, 0, "full version=2");
}

/* RFC 6665 4.2.2, RFC 5057 5.1. */
static void every_answer_ends_it_or_leaves_it(void **state)
{
    struct bench *bench = *state;
    for (unsigned code = 200; code < 700; code++) {
        bool ends = code == 404 || code == 405 || code == 410 || code == 416 || (code >= 480 && code <= 485) ||
                    code == 489 || code == 501 || code == 604;
        char call_id[16];
        snprintf(call_id, sizeof(call_id), "c%u", code);
        assert_int_equal(bench_subscribe(bench, call_id, COUNT), 200);
        bench_answer_with(bench, -1, code);
        assert_int_equal(notifier_count(bench->table), ends ? 0 : 1);
        if (!ends) {
            assert_int_equal(bench_refresh(bench, call_id, 2, "Event: count\r\nExpires: 0\r\n"), 200);
            bench_answer_with(bench, -1, 200);
        }
        assert_int_equal(notifier_count(bench->table), 0);
        fake_wire_clear(&bench->wire);
        fake_clock_pass(&bench->fake, 40000);
    }
}

static void after_a_refusal_all_is_told_again(void **state)
{
    struct bench *bench = *state;
    begin(bench);
    change(bench);
    bench_answer_with(bench, 0, 500);
    fake_clock_pass(&bench->fake, 5000);
    assert_int_equal(bench->wire.count, 1);
    change(bench);
    assert_int_equal(bench->wire.count, 2);
    assert_sent(bench, 1, "full version=2");
}

static void retry_after_is_obeyed(void **state)
{
    struct bench *bench = *state;
    begin(bench);
    change(bench);
    answer_later(bench, 0);
    fake_clock_pass(&bench->fake, 19999);
    assert_int_equal(bench->wire.count, 1);
    fake_clock_pass(&bench->fake, 1);
    assert_int_equal(bench->wire.count, 2);
    assert_sent(bench, 1, "full version=2");
}

static void silence_ends_it(void **state)
{
    struct bench *bench = *state;
    bench_subscribe(bench, "c1", COUNT);
    fake_clock_pass(&bench->fake, 31999);
    assert_int_equal(notifier_count(bench->table), 1);
    assert_int_equal(bench->wire.count, 12); /* the 200, and the NOTIFY eleven times: RFC 3261 17.1.2.2 */
    fake_clock_pass(&bench->fake, 1);
    assert_int_equal(notifier_count(bench->table), 0);
    assert_int_equal(notifier_table_counters(bench->table)->lost, 1);
    assert_int_equal(notifier_table_counters(bench->table)->failed, 1);
    assert_int_equal(bench_refresh(bench, "c1", 2, COUNT), 481);
}

static void a_wire_that_refuses_ends_it(void **state)
{
    struct bench *bench = *state;
    begin(bench);
    bench->wire.refuse = ERR_CLOSED;
    change(bench);
    fake_clock_pass(&bench->fake, 1);
    assert_int_equal(notifier_count(bench->table), 0);
}

/* A forged source must not make us repeat NOTIFYs without a bound. */
static void a_source_is_counted_until_it_answers(void **state)
{
    struct bench *bench = *state;
    struct txn_reflect *reflect = txn_table_reflect(bench->txns);
    bench_subscribe(bench, "c1", COUNT);
    bench_subscribe(bench, "c2", COUNT);
    assert_int_equal(txn_reflect_outstanding(reflect, &bench->udp.remote), 2);
    bench_answer_with(bench, 1, 200);
    assert_int_equal(txn_reflect_outstanding(reflect, &bench->udp.remote), 1);
    fake_clock_pass(&bench->fake, 32000);
    assert_int_equal(txn_reflect_outstanding(reflect, &bench->udp.remote), 0);
    assert_int_equal(notifier_count(bench->table), 1);
}

static void a_large_one_goes_by_stream_to_the_same_host(void **state)
{
    struct bench *bench = *state;
    bench->body_len = 1400;
    assert_int_equal(bench_subscribe(bench, "c1", COUNT), 200);
    assert_int_equal(bench->opens, 1);
    assert_int_equal(bench->wire.sent[1].flow.transport, NET_TCP);
    assert_int_equal(bench->wire.sent[1].flow.remote.port, 5060);
    assert_sent(bench, 1, "Via: SIP/2.0/TCP 192.0.2.1:5060;branch=");
    assert_sent(bench, 1, "CSeq: 1 NOTIFY");
    bench_take(bench);
    /* Where the connection cannot be made, or breaks, it goes as it is. */
    bench->open_err = ERR_IO;
    assert_int_equal(bench_subscribe(bench, "c2", COUNT), 200);
    assert_int_equal(bench->wire.sent[1].flow.transport, NET_UDP);
    bench_take(bench);
    bench->open_err = OK;
    assert_int_equal(bench_subscribe(bench, "c3", COUNT), 200);
    assert_int_equal(bench->wire.sent[1].flow.transport, NET_TCP);
    notifier_flow_closed(bench->table, &bench->opened);
    assert_int_equal(bench->wire.count, 3);
    assert_int_equal(bench->wire.sent[2].flow.transport, NET_UDP);
    assert_sent(bench, 2, "full version=0");
    bench_answer_with(bench, 2, 200);
    assert_int_equal(notifier_count(bench->table), 3);
}

/* Behind a translator its Contact is another host: a stream to it would not get through. */
static void a_large_one_to_somebody_else_stays_a_datagram(void **state)
{
    struct bench *bench = *state;
    bench->body_len = 1400;
    bench_receive(
        bench,
        (struct sip_ask){.method = "SUBSCRIBE", .call_id = "c1", .contact = "<sip:alice@10.0.0.7>", .extra = COUNT},
        &bench->udp);
    assert_int_equal(bench->opens, 0);
    assert_int_equal(bench->wire.sent[1].flow.transport, NET_UDP);
}

/* ---- many watchers ---- */

static void watch_by(struct bench *bench, unsigned count)
{
    bench->is_trusted = true;
    for (unsigned i = 0; i < count; i++) {
        char call_id[24];
        snprintf(call_id, sizeof(call_id), "watcher-%u", i);
        assert_int_equal(bench_subscribe(bench, call_id, i % 2 ? COUNT : PRESENCE), 200);
        bench_take(bench);
    }
    fake_clock_pass(&bench->fake, 2000);
}

static void answer_all(struct bench *bench)
{
    for (size_t i = 0; i < bench->wire.count; i++)
        bench_answer_with(bench, (int)i, 200);
    fake_wire_clear(&bench->wire);
}

static void an_end_reaches_everybody_at_the_rate(void **state)
{
    struct bench *bench = *state;
    struct notifier_options options = bench_options(bench);
    options.rate = 1000;
    bench_table(bench, &options);
    watch_by(bench, 600);
    notifier_end(bench->table, SPAN("bob@example.com"), NOTIFIER_NORESOURCE);
    assert_int_equal(bench->wire.count, 0);
    unsigned told = 0, most = 0;
    for (unsigned ms = 0; ms < 600 && told < 600; ms += 10) {
        fake_clock_pass(&bench->fake, 10);
        unsigned now = (unsigned)bench->wire.count;
        for (size_t i = 0; i < now; i++)
            assert_sent(bench, (int)i, "Subscription-State: terminated;reason=noresource\r\n");
        told += now;
        most = now > most ? now : most;
        answer_all(bench);
    }
    assert_int_equal(told, 600);
    assert_true(most <= 30);
    assert_int_equal(notifier_count(bench->table), 0);
    assert_int_equal(notifier_table_counters(bench->table)->ended, 600);
    assert_int_equal(bench->unwatched, 1);
    fake_clock_pass(&bench->fake, 100000);
    assert_int_equal(bench->wire.count, 0);
}

static void who_ends_cannot_refresh_and_who_comes_new_stays(void **state)
{
    struct bench *bench = *state;
    begin(bench);
    char tag[TXN_TAG_LEN + 1];
    memcpy(tag, bench->tag, sizeof(tag));
    notifier_end(bench->table, SPAN("bob@example.com"), NOTIFIER_NORESOURCE);
    assert_int_equal(bench_refresh(bench, "c1", 2, COUNT), 481);
    assert_int_equal(bench_subscribe(bench, "c2", COUNT), 200);
    fake_wire_clear(&bench->wire);
    fake_clock_pass(&bench->fake, 20);
    assert_int_equal(bench->wire.count, 1);
    assert_sent(bench, 0, tag);
    assert_sent(bench, 0, "last=noresource");
    bench_answer_with(bench, 0, 200);
    assert_int_equal(notifier_count(bench->table), 1);
    assert_string_equal(notifier_event(notifier_next(bench->table, NULL)), "count");
    assert_true(span_equal(notifier_call_id(notifier_next(bench->table, NULL)), SPAN("c2")));
}

/* The end passes a NOTIFY that is out, and is told once. */
static void an_end_passes_what_is_out(void **state)
{
    struct bench *bench = *state;
    bench_subscribe(bench, "c1", COUNT);
    notifier_end(bench->table, SPAN("bob@example.com"), NOTIFIER_REJECTED);
    fake_clock_pass(&bench->fake, 100);
    assert_int_equal(bench->wire.count, 3);
    assert_sent(bench, 2, "terminated;reason=rejected");
    bench_answer_with(bench, 1, 200);
    bench_answer_with(bench, 2, 200);
    assert_int_equal(bench->wire.count, 3);
    assert_int_equal(notifier_count(bench->table), 0);
}

static void a_change_during_the_walk_reaches_everybody_again(void **state)
{
    struct bench *bench = *state;
    struct notifier_options options = bench_options(bench);
    options.rate = 1000;
    options.interval_ms = 0;
    bench_table(bench, &options);
    watch_by(bench, 200);
    bench->state = 1;
    notifier_changed(bench->table, &bench_package, SPAN("bob@example.com"));
    fake_clock_pass(&bench->fake, 30);
    unsigned first = (unsigned)bench->wire.count;
    assert_in_range(first, 1, 60);
    answer_all(bench);
    bench->state = 2;
    notifier_changed(bench->table, &bench_package, SPAN("bob@example.com"));
    unsigned second = 0;
    for (int i = 0; i < 40; i++) {
        fake_clock_pass(&bench->fake, 10);
        for (size_t at = 0; at < bench->wire.count; at++)
            second += strstr(fake_wire_text(&bench->wire, (int)at), "state=2") != NULL;
        answer_all(bench);
    }
    assert_int_equal(second, 100); /* each watcher of this package once */
}

static void a_slow_rate_is_slow(void **state)
{
    struct bench *bench = *state;
    struct notifier_options options = bench_options(bench);
    options.rate = 2;
    bench_table(bench, &options);
    watch_by(bench, 6);
    notifier_end(bench->table, SPAN("bob@example.com"), NOTIFIER_NORESOURCE);
    fake_clock_pass(&bench->fake, 0);
    assert_int_equal(bench->wire.count, 1);
    answer_all(bench);
    fake_clock_pass(&bench->fake, 1100);
    assert_in_range(bench->wire.count, 2, 3);
    answer_all(bench);
    fake_clock_pass(&bench->fake, 2000);
    answer_all(bench);
    assert_int_equal(notifier_count(bench->table), 0);
}

static void a_shutdown_asks_everybody_to_come_back_in_time(void **state)
{
    struct bench *bench = *state;
    struct notifier_options options = bench_options(bench);
    options.rate = 1;
    bench_table(bench, &options);
    watch_by(bench, 100);
    notifier_shutdown(bench->table, 2000);
    assert_int_equal(bench_subscribe(bench, "late", COUNT), 503);
    fake_wire_clear(&bench->wire);
    for (int ms = 0; ms < 1100; ms += 10) {
        fake_clock_pass(&bench->fake, 10);
        for (size_t i = 0; i < bench->wire.count; i++)
            assert_sent(bench, (int)i, "Subscription-State: terminated;reason=deactivated\r\n");
        answer_all(bench);
    }
    assert_int_equal(notifier_count(bench->table), 0);
}

static void it_can_be_listed(void **state)
{
    struct bench *bench = *state;
    begin(bench);
    const struct notifier_subscription *subscription = notifier_next(bench->table, NULL);
    assert_true(span_equal(notifier_aor(subscription), SPAN("bob@example.com")));
    assert_true(span_equal(notifier_watcher(subscription), SPAN("<sip:alice@example.com>;tag=alice")));
    assert_int_equal(notifier_expires_s(subscription), 598);
    assert_int_equal(notifier_version(subscription), 1);
    assert_int_equal(notifier_source(subscription)->port, 5060);
    assert_null(notifier_next(bench->table, subscription));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_change_is_told),
        TEST(another_package_is_not),
        TEST(changes_within_the_interval_become_one),
        TEST(one_is_out_at_a_time),
        TEST(a_refresh_while_one_is_out_is_told_at_once),
        TEST(a_third_waits_for_an_answer),
        TEST(a_refresh_passes_a_retry_after),
        TEST(nothing_to_tell_is_not_told),
        TEST(what_cannot_be_said_goes_without_a_body_and_then_whole),
        TEST(every_answer_ends_it_or_leaves_it),
        TEST(after_a_refusal_all_is_told_again),
        TEST(retry_after_is_obeyed),
        TEST(silence_ends_it),
        TEST(a_wire_that_refuses_ends_it),
        TEST(a_source_is_counted_until_it_answers),
        TEST(a_large_one_goes_by_stream_to_the_same_host),
        TEST(a_large_one_to_somebody_else_stays_a_datagram),
        TEST(an_end_reaches_everybody_at_the_rate),
        TEST(who_ends_cannot_refresh_and_who_comes_new_stays),
        TEST(an_end_passes_what_is_out),
        TEST(a_change_during_the_walk_reaches_everybody_again),
        TEST(a_slow_rate_is_slow),
        TEST(a_shutdown_asks_everybody_to_come_back_in_time),
        TEST(it_can_be_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
