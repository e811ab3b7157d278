/* SPDX-License-Identifier: Apache-2.0 */
/* How long a call lasts: session timers (RFC 4028) and hangup_after. */
#include "unit/call/support_call.h"

/* A call that stands, from an INVITE with these headers. */
static void up(struct call_bench *bench, const char *extra, struct call_accept accept)
{
    sip_ask(&bench->asked, (struct sip_ask){.body = BENCH_OFFER, .extra = extra});
    assert_int_equal(bench_answer(bench, &bench->udp, &accept), OK);
    bench_ack(bench, &bench->udp);
    assert_int_equal(call_state(bench->call), CALL_UP);
}

/* The peer answers our latest request. */
static void answer_ours(struct call_bench *bench, unsigned code, const char *extra)
{
    char text[4096];
    int last = -1;
    while (bench_status(bench, last))
        last--;
    const struct sip_message *plain = sip_ask_answer(&bench->heard, fake_wire_text(&bench->wire, last), code);
    size_t head = plain->bytes.len - strlen("Content-Length: 0\r\n\r\n");
    snprintf(text, sizeof(text), "%.*s%sContent-Length: 0\r\n\r\n", (int)head, plain->bytes.at, extra);
    assert_true(txn_receive_response(bench->txns, sip_ask_parse(&bench->heard, text)));
}

static bool is_ours(const struct call_bench *bench, const char *begin)
{
    return strncmp(fake_wire_text(&bench->wire, -1), begin, strlen(begin)) == 0;
}

static void test_nobody_asks_and_nothing_expires(void **state)
{
    struct call_bench *bench = *state;
    bench->calls->options.session_expires_s = 1800;
    up(bench, "", bench_accept(bench));
    assert_false(bench_has(bench, 0, "Session-Expires"));
    assert_true(bench_has(bench, 0, "Supported: 100rel, timer"));
    fake_clock_pass(&bench->fake, 32000);
    assert_int_equal(bench->fake.wheel.armed, 0);
}

static void test_the_caller_refreshes(void **state)
{
    struct call_bench *bench = *state;
    up(bench, "Supported: timer\r\nSession-Expires: 300;refresher=uac\r\n", bench_accept(bench));
    assert_true(bench_has(bench, 0, "\r\nSession-Expires: 300;refresher=uac\r\n"));
    assert_true(bench_has(bench, 0, "\r\nRequire: timer\r\n"));
    fake_clock_pass(&bench->fake, 200000);
    assert_int_equal(bench->wire.count, 1);
    struct sip_ask update = bench_in_dialog(bench, "UPDATE", 2);
    update.extra = "Supported: timer\r\nSession-Expires: 300;refresher=uac\r\n";
    bench_request(bench, &bench->udp, update);
    assert_int_equal(bench_status(bench, -1), 200);
    assert_true(bench_has(bench, -1, "\r\nSession-Expires: 300;refresher=uac\r\n"));
    fake_clock_pass(&bench->fake, 267999);
    assert_int_equal(bench->wire.count, 2);
    fake_clock_pass(&bench->fake, 1); /* 32 seconds before its end */
    assert_true(is_ours(bench, "BYE "));
    assert_true(bench_has(bench, -1, "\r\nReason: SIP;cause=408;text=\"Session expired\"\r\n"));
    bench_answer_bye(bench, 200);
    assert_int_equal(bench->last_end, CALL_END_SESSION_EXPIRED);
}

static void test_a_third_before_the_end_of_a_short_session(void **state)
{
    struct call_bench *bench = *state;
    bench->calls->options.min_se_s = 10;
    up(bench, "Supported: timer\r\nSession-Expires: 30\r\nMin-SE: 10\r\n", bench_accept(bench));
    assert_true(bench_has(bench, 0, "\r\nSession-Expires: 30;refresher=uac\r\n"));
    fake_clock_pass(&bench->fake, 19999);
    assert_int_equal(bench->wire.count, 1);
    fake_clock_pass(&bench->fake, 1);
    assert_true(is_ours(bench, "BYE "));
}

static void test_a_session_that_would_expire_too_soon(void **state)
{
    struct call_bench *bench = *state;
    uint32_t min_s = 0;
    sip_ask(&bench->asked, (struct sip_ask){.extra = "Supported: timer\r\nSession-Expires: 60\r\n"});
    assert_true(call_interval_is_small(bench->calls, &bench->asked.message, &min_s));
    assert_int_equal(min_s, 90);
    /* Nothing at all is less than that, too; what is no number is no interval. */
    sip_ask(&bench->asked, (struct sip_ask){.extra = "Supported: timer\r\nSession-Expires: 0\r\n"});
    assert_true(call_interval_is_small(bench->calls, &bench->asked.message, &min_s));
    sip_ask(&bench->asked, (struct sip_ask){.extra = "Supported: timer\r\nSession-Expires: soon\r\n"});
    assert_false(call_interval_is_small(bench->calls, &bench->asked.message, &min_s));
    /* Whoever does not know the extension would not know the refusal either. */
    sip_ask(&bench->asked, (struct sip_ask){.extra = "Session-Expires: 60\r\n"});
    assert_false(call_interval_is_small(bench->calls, &bench->asked.message, &min_s));
    up(bench, "Session-Expires: 60\r\n", bench_accept(bench));
    assert_true(bench_has(bench, 0, "\r\nSession-Expires: 90;refresher=uas\r\n"));
    assert_false(bench_has(bench, 0, "Require:"));
    /* In the call it is refused, and what was agreed on stands. */
    struct sip_ask update = bench_in_dialog(bench, "UPDATE", 2);
    update.extra = "x: 20\r\nk: timer\r\n";
    bench_request(bench, &bench->udp, update);
    assert_int_equal(bench_status(bench, -1), 422);
    assert_true(bench_has(bench, -1, "\r\nMin-SE: 90\r\n"));
    struct sip_ask invite = bench_in_dialog(bench, "INVITE", 3);
    invite.extra = update.extra;
    invite.body = BENCH_OFFER;
    bench_request(bench, &bench->udp, invite);
    assert_int_equal(bench_status(bench, -1), 422);
    fake_clock_pass(&bench->fake, 45000);
    assert_true(is_ours(bench, "INVITE "));
}

/* RFC 4028 9: a UAS may lower what it was asked for, never raise it, whatever Min-SE says. */
static void test_more_than_was_asked_for(void **state)
{
    struct call_bench *bench = *state;
    up(bench, "Supported: timer\r\nSession-Expires: 100\r\nMin-SE: 4294967295\r\n", bench_accept(bench));
    assert_true(bench_has(bench, 0, "\r\nSession-Expires: 100;refresher=uac\r\n"));
}

static void test_we_refresh_by_update(void **state)
{
    struct call_bench *bench = *state;
    up(bench, "Supported: timer\r\nSession-Expires: 400;refresher=uas\r\nMin-SE: 120\r\nAllow: INVITE, ACK, UPDATE\r\n",
       bench_accept(bench));
    assert_true(bench_has(bench, 0, "\r\nSession-Expires: 400;refresher=uas\r\n"));
    assert_true(bench_has(bench, 0, "\r\nRequire: timer\r\n"));
    for (unsigned round = 1; round <= 3; round++) {
        char cseq[32];
        snprintf(cseq, sizeof(cseq), "\r\nCSeq: %u UPDATE\r\n", round);
        fake_clock_pass(&bench->fake, 199999);
        assert_false(bench_has(bench, -1, cseq));
        fake_clock_pass(&bench->fake, 1);
        assert_true(is_ours(bench, "UPDATE sip:alice@192.0.2.9 SIP/2.0\r\n"));
        assert_true(bench_has(bench, -1, cseq));
        assert_true(bench_has(bench, -1, "\r\nSession-Expires: 400;refresher=uac\r\n"));
        assert_true(bench_has(bench, -1, "\r\nMin-SE: 120\r\n"));
        assert_true(bench_has(bench, -1, "\r\nContact: <sip:verdict@192.0.2.1:5060>\r\n"));
        assert_true(bench_has(bench, -1, "\r\nContent-Length: 0\r\n"));
        answer_ours(bench, 200, "Session-Expires: 400;refresher=uac\r\nRequire: timer\r\n");
    }
    assert_int_equal(call_table_counters(bench->calls)->refreshes, 3);
    assert_int_equal(call_state(bench->call), CALL_UP);
}

static void test_we_refresh_by_reinvite_where_update_is_not_allowed(void **state)
{
    struct call_bench *bench = *state;
    struct call_accept accept = bench_accept(bench);
    accept.session_expires_s = 600;
    up(bench, "Allow: INVITE, ACK, BYE\r\n", accept); /* the policy asked, for a caller that knows nothing of it */
    assert_true(bench_has(bench, 0, "\r\nSession-Expires: 600;refresher=uas\r\n"));
    char sdp[1024];
    snprintf(sdp, sizeof(sdp), "%s", strstr(fake_wire_text(&bench->wire, 0), "v=0"));
    fake_clock_pass(&bench->fake, 300000);
    assert_true(is_ours(bench, "INVITE sip:alice@192.0.2.9 SIP/2.0\r\n"));
    assert_true(bench_has(bench, -1, sdp)); /* as it was, version and all (RFC 3264 8) */
    /* Until it is answered the peer may not make an offer. */
    struct sip_ask glare = bench_in_dialog(bench, "INVITE", 2);
    glare.body = BENCH_OFFER;
    bench_request(bench, &bench->udp, glare);
    assert_int_equal(bench_status(bench, -1), 491);
    glare = bench_in_dialog(bench, "UPDATE", 3);
    glare.body = BENCH_OFFER;
    bench_request(bench, &bench->udp, glare);
    assert_int_equal(bench_status(bench, -1), 491);
    fake_clock_pass(&bench->fake, 500); /* timer A: the INVITE again */
    answer_ours(bench, 200, "Contact: <sip:alice@192.0.2.77>\r\n");
    assert_true(is_ours(bench, "ACK sip:alice@192.0.2.77 SIP/2.0\r\n"));
    assert_true(bench_has(bench, -1, "\r\nCSeq: 1 ACK\r\n"));
    /* The peer says nothing of timers: we go on. */
    unsigned sent = bench_sent(bench, "INVITE ");
    fake_clock_pass(&bench->fake, 299999);
    assert_int_equal(bench_sent(bench, "INVITE "), sent);
    fake_clock_pass(&bench->fake, 1);
    assert_true(is_ours(bench, "INVITE sip:alice@192.0.2.77"));
}

static void test_answers_to_our_refresh(void **state)
{
    struct call_bench *bench = *state;
    up(bench, "Supported: timer\r\nSession-Expires: 200;refresher=uas\r\nAllow: UPDATE\r\n", bench_accept(bench));
    fake_clock_pass(&bench->fake, 100000);
    answer_ours(bench, 491, "");
    size_t sent = bench->wire.count;
    for (unsigned i = 0; i < 200 && bench->wire.count == sent; i++)
        fake_clock_pass(&bench->fake, 10); /* up to two seconds */
    assert_int_equal(bench->wire.count, sent + 1);
    answer_ours(bench, 422, "Min-SE: 300\r\n");
    fake_clock_pass(&bench->fake, 0);
    assert_true(is_ours(bench, "UPDATE ") && bench_has(bench, -1, "\r\nSession-Expires: 300;refresher=uac\r\n"));
    assert_true(bench_has(bench, -1, "\r\nMin-SE: 300\r\n"));
    answer_ours(bench, 500, "Retry-After: 7\r\n");
    sent = bench->wire.count;
    fake_clock_pass(&bench->fake, 6999);
    assert_int_equal(bench->wire.count, sent);
    fake_clock_pass(&bench->fake, 1);
    answer_ours(bench, 405, "");
    fake_clock_pass(&bench->fake, 0);
    assert_true(is_ours(bench, "INVITE ")); /* then by the other method */
    answer_ours(bench, 488, "");
    assert_true(is_ours(bench, "ACK "));
    assert_int_equal(call_state(bench->call), CALL_UP);
    /* Not continuously: at last the session's time is up. */
    for (unsigned i = 0; i < 100 && call_state(bench->call) == CALL_UP; i++) {
        fake_clock_pass(&bench->fake, 1000);
        if (is_ours(bench, "INVITE "))
            answer_ours(bench, 488, "");
    }
    assert_true(is_ours(bench, "BYE "));
    assert_true(bench_sent(bench, "INVITE ") < 8);
    bench_answer_bye(bench, 200);
    assert_int_equal(bench->last_end, CALL_END_SESSION_EXPIRED);
}

static void refresh_fails_with(struct call_bench *bench, unsigned code, unsigned number)
{
    char call_id[32], branch[32];
    snprintf(call_id, sizeof(call_id), "fails-%u", number);
    snprintf(branch, sizeof(branch), "z9hG4bK-fails-%u", number);
    struct call_accept accept = bench_accept(bench);
    sip_ask(&bench->asked, (struct sip_ask){.call_id = call_id,
                                            .branch = branch,
                                            .body = BENCH_OFFER,
                                            .extra = "Session-Expires: 200\r\nAllow: UPDATE\r\n"});
    assert_int_equal(bench_answer(bench, &bench->udp, &accept), OK);
    bench_request(bench, &bench->udp, (struct sip_ask){.method = "ACK", .call_id = call_id, .to_tag = bench->tag});
    fake_clock_pass(&bench->fake, 100000);
    assert_true(is_ours(bench, "UPDATE "));
    if (code)
        answer_ours(bench, code, "");
    else
        fake_clock_pass(&bench->fake, 32000);
    assert_true(is_ours(bench, "BYE "));
    assert_true(bench_has(bench, -1, "text=\"Session refresh "));
    bench_answer_bye(bench, 200);
    assert_int_equal(bench->last_end, CALL_END_SESSION_EXPIRED);
}

static void test_481_408_and_silence_end_the_call(void **state)
{
    struct call_bench *bench = *state;
    refresh_fails_with(bench, 481, 1);
    refresh_fails_with(bench, 408, 2);
    refresh_fails_with(bench, 0, 3);
    fake_clock_pass(&bench->fake, 32000);
    bench_assert_empty(bench);
}

static void test_the_peer_takes_the_refresh_over_and_off(void **state)
{
    struct call_bench *bench = *state;
    up(bench, "Session-Expires: 200\r\nAllow: UPDATE\r\n", bench_accept(bench));
    fake_clock_pass(&bench->fake, 100000);
    answer_ours(bench, 200, "Session-Expires: 200;refresher=uas\r\n"); /* the server of this one: the peer */
    fake_clock_pass(&bench->fake, 160000);
    assert_int_equal(bench_sent(bench, "UPDATE "), 1);
    struct sip_ask invite = bench_in_dialog(bench, "INVITE", 2);
    invite.body = BENCH_OFFER; /* and no Session-Expires: the session no longer expires */
    bench_request(bench, &bench->udp, invite);
    assert_int_equal(bench_status(bench, -1), 200);
    assert_false(bench_has(bench, -1, "Session-Expires"));
    struct sip_ask ack = bench_in_dialog(bench, "ACK", 2);
    bench_request(bench, &bench->udp, ack);
    fake_clock_pass(&bench->fake, 3600000);
    assert_int_equal(call_state(bench->call), CALL_UP);
    assert_int_equal(bench->fake.wheel.armed, 0);
}

static void test_a_refusal_after_the_timer_was_taken_away(void **state)
{
    struct call_bench *bench = *state;
    up(bench, "Session-Expires: 200\r\nAllow: UPDATE\r\n", bench_accept(bench));
    fake_clock_pass(&bench->fake, 100000);
    struct sip_ask update = bench_in_dialog(bench, "UPDATE", 2); /* without Session-Expires, while ours is out */
    bench_request(bench, &bench->udp, update);
    assert_int_equal(bench_status(bench, -1), 200);
    answer_ours(bench, 488, "");
    fake_clock_pass(&bench->fake, 32000);
    assert_int_equal(bench->fake.wheel.armed, 0);
    assert_int_equal(call_state(bench->call), CALL_UP);
}

static void test_a_refused_reinvite_leaves_the_timer(void **state)
{
    struct call_bench *bench = *state;
    up(bench, "Supported: timer\r\nSession-Expires: 300;refresher=uac\r\n", bench_accept(bench));
    fake_clock_pass(&bench->fake, 200000);
    struct sip_ask invite = bench_in_dialog(bench, "INVITE", 2);
    invite.extra = "Supported: timer\r\nSession-Expires: 900;refresher=uac\r\n";
    invite.body =
        "v=0\r\no=alice 1 2 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=image 1 udptl t38\r\n";
    bench_request(bench, &bench->udp, invite);
    assert_int_equal(bench_status(bench, -1), 488);
    fake_clock_pass(&bench->fake, 68000);
    assert_true(is_ours(bench, "BYE "));
}

static void test_a_bye_overtakes_our_refresh(void **state)
{
    struct call_bench *bench = *state;
    struct call_accept accept = bench_accept(bench);
    accept.session_expires_s = 200;
    up(bench, "Allow: INVITE\r\n", accept);
    fake_clock_pass(&bench->fake, 100000);
    char invite[4096];
    snprintf(invite, sizeof(invite), "%s", fake_wire_text(&bench->wire, -1));
    assert_memory_equal(invite, "INVITE ", 7);
    call_hangup(bench->call, span_make(NULL, 0));
    assert_true(is_ours(bench, "BYE ") && bench_has(bench, -1, "\r\nCSeq: 2 BYE\r\n"));
    /* Its 200 is acknowledged all the same, and changes nothing. */
    assert_true(txn_receive_response(bench->txns, sip_ask_answer(&bench->heard, invite, 200)));
    assert_true(is_ours(bench, "ACK "));
    fake_clock_pass(&bench->fake, 32000);
    assert_int_equal(bench->last_end, CALL_END_HANGUP);
    fake_clock_pass(&bench->fake, 32000);
    bench_assert_empty(bench);
}

static void test_refresh_without_memory(void **state)
{
    struct call_bench *bench = *state;
    up(bench, "Session-Expires: 200\r\nAllow: UPDATE\r\n", bench_accept(bench));
    for (unsigned nth = 1; nth <= 3; nth++) {
        txn_slab_fail_at(txn_table_slab(bench->txns), nth);
        fake_clock_pass(&bench->fake, nth == 1 ? 100000 : 2000);
        txn_slab_fail_at(txn_table_slab(bench->txns), 0);
        assert_int_equal(bench_sent(bench, "UPDATE "), 0);
        assert_int_equal(call_state(bench->call), CALL_UP);
    }
    fake_clock_pass(&bench->fake, 2000);
    assert_int_equal(bench_sent(bench, "UPDATE "), 1);
}

static void test_it_is_hung_up_after_a_while(void **state)
{
    struct call_bench *bench = *state;
    struct call_accept accept = bench_accept(bench);
    accept.hangup_after_s = 20;
    up(bench, "", accept);
    fake_clock_pass(&bench->fake, 19999);
    assert_int_equal(bench->wire.count, 1);
    fake_clock_pass(&bench->fake, 1);
    assert_true(is_ours(bench, "BYE "));
    assert_true(bench_has(bench, -1, "\r\nReason: Q.850;cause=16;text=\"Time is up\"\r\n"));
    bench_answer_bye(bench, 200);
    assert_int_equal(bench->last_end, CALL_END_TIME_UP);
}

static void test_time_is_up_before_the_ack(void **state)
{
    struct call_bench *bench = *state;
    struct call_accept accept = bench_accept(bench);
    accept.hangup_after_s = 3;
    sip_ask(&bench->asked, (struct sip_ask){.body = BENCH_OFFER});
    assert_int_equal(bench_answer(bench, &bench->udp, &accept), OK);
    fake_clock_pass(&bench->fake, 10000);
    assert_int_equal(call_state(bench->call), CALL_LEAVING);
    assert_int_equal(bench_sent(bench, "BYE "), 0); /* RFC 3261 15: not before the ACK */
    bench_ack(bench, &bench->udp);
    assert_true(is_ours(bench, "BYE "));
    assert_true(bench_has(bench, -1, "Time is up"));
    bench_answer_bye(bench, 200);
    /* And without any ACK after 64*T1, with the reason that matters more. */
    sip_ask(&bench->asked, (struct sip_ask){.body = BENCH_OFFER, .call_id = "two", .branch = "z9hG4bK-two"});
    assert_int_equal(bench_answer(bench, &bench->udp, &accept), OK);
    fake_clock_pass(&bench->fake, 31999);
    assert_int_equal(bench_sent(bench, "BYE "), 1);
    fake_clock_pass(&bench->fake, 1);
    assert_true(bench_has(bench, -1, "text=\"ACK timeout\""));
}

static void test_ringing_does_not_count(void **state)
{
    struct call_bench *bench = *state;
    struct call_accept accept = bench_accept(bench);
    accept.rings = true;
    accept.ring_ms = 5000;
    accept.hangup_after_s = 10;
    accept.session_expires_s = 100;
    sip_ask(&bench->asked, (struct sip_ask){.body = BENCH_OFFER});
    assert_int_equal(bench_answer(bench, &bench->udp, &accept), OK);
    assert_false(bench_has(bench, 0, "Session-Expires"));
    fake_clock_pass(&bench->fake, 5000);
    assert_true(bench_has(bench, -1, "\r\nSession-Expires: 100;refresher=uas\r\n"));
    bench_ack(bench, &bench->udp);
    fake_clock_pass(&bench->fake, 9999);
    assert_int_equal(bench_sent(bench, "BYE "), 0);
    fake_clock_pass(&bench->fake, 1);
    assert_int_equal(bench_sent(bench, "BYE "), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_nobody_asks_and_nothing_expires),
        TEST(test_the_caller_refreshes),
        TEST(test_a_third_before_the_end_of_a_short_session),
        TEST(test_a_session_that_would_expire_too_soon),
        TEST(test_more_than_was_asked_for),
        TEST(test_we_refresh_by_update),
        TEST(test_we_refresh_by_reinvite_where_update_is_not_allowed),
        TEST(test_answers_to_our_refresh),
        TEST(test_481_408_and_silence_end_the_call),
        TEST(test_the_peer_takes_the_refresh_over_and_off),
        TEST(test_a_refusal_after_the_timer_was_taken_away),
        TEST(test_a_refused_reinvite_leaves_the_timer),
        TEST(test_a_bye_overtakes_our_refresh),
        TEST(test_refresh_without_memory),
        TEST(test_it_is_hung_up_after_a_while),
        TEST(test_time_is_up_before_the_ack),
        TEST(test_ringing_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
