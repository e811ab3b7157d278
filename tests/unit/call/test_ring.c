/* SPDX-License-Identifier: Apache-2.0 */
/* Before the answer: 180, RFC 3262, CANCEL, Expires. */
#include "unit/call/support_call.h"

static void ring(struct call_bench *bench, struct sip_ask ask, uint32_t ring_ms)
{
    struct call_accept accept = bench_accept(bench);
    accept.rings = true;
    accept.ring_ms = ring_ms;
    sip_ask(&bench->asked, ask);
    assert_int_equal(bench_answer(bench, &bench->udp, &accept), OK);
    assert_int_equal(call_state(bench->call), CALL_RINGING);
    assert_int_equal(bench_status(bench, -1), 180);
    assert_true(bench_has(bench, -1, bench->tag));
}

static void progress(struct call_bench *bench, struct sip_ask ask, uint32_t ring_ms)
{
    struct call_accept accept = bench_accept(bench);
    accept.rings = accept.progress = true;
    accept.ring_ms = ring_ms;
    sip_ask(&bench->asked, ask);
    assert_int_equal(bench_answer(bench, &bench->udp, &accept), OK);
    assert_int_equal(bench_status(bench, -1), 183);
}

static struct sip_ask prack_of(struct call_bench *bench, unsigned cseq, char extra[96], unsigned rseq_more)
{
    unsigned rseq = 0;
    const char *at = strstr(fake_wire_text(&bench->wire, 0), "\r\nRSeq: ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "\r\nRSeq: %u", &rseq), 1);
    snprintf(extra, 96, "RAck: %u 1 INVITE\r\n", rseq + rseq_more);
    struct sip_ask prack = bench_in_dialog(bench, "PRACK", cseq);
    prack.extra = extra;
    return prack;
}

/* As a gateway sends it: a body that need not be understood. */
static void prack_with_isup(struct call_bench *bench, struct sip_ask prack)
{
    char extra[192];
    snprintf(extra, sizeof(extra), "%sContent-Disposition: signal;handling=optional\r\n", prack.extra);
    prack.extra = extra;
    prack.type = "application/isup";
    prack.body = "abc";
    bench_request(bench, &bench->udp, prack);
}

static void test_it_rings_and_answers(void **state)
{
    struct call_bench *bench = *state;
    struct sip_ask invite = {.body = BENCH_OFFER};
    ring(bench, invite, 3000);
    assert_int_equal(bench->starts, 0);
    assert_false(bench_has(bench, 0, "m=audio"));
    fake_clock_pass(&bench->fake, 2999);
    assert_int_equal(bench_request(bench, &bench->udp, invite), TXN_ABSORBED);
    assert_int_equal(bench->wire.count, 2);
    assert_true(span_equal(bench->wire.sent[0].bytes, bench->wire.sent[1].bytes));
    fake_clock_pass(&bench->fake, 1);
    assert_int_equal(bench_status(bench, -1), 200);
    assert_true(bench_has(bench, -1, "m=audio"));
    assert_int_equal(bench->starts, 1);
    assert_int_equal(call_state(bench->call), CALL_ANSWERED);
    fake_clock_pass(&bench->fake, 500);
    assert_int_equal(bench->wire.count, 4);
    assert_true(span_equal(bench->wire.sent[2].bytes, bench->wire.sent[3].bytes));
    bench_ack(bench, &bench->udp);
    assert_int_equal(call_state(bench->call), CALL_UP);
}

static void test_180_and_200_at_once(void **state)
{
    struct call_bench *bench = *state;
    struct call_accept accept = bench_accept(bench);
    accept.rings = true;
    sip_ask(&bench->asked, (struct sip_ask){.body = BENCH_OFFER});
    assert_int_equal(bench_answer(bench, &bench->udp, &accept), OK);
    assert_int_equal(bench_status(bench, 0), 180);
    assert_int_equal(bench_status(bench, 1), 200);
    assert_int_equal(call_state(bench->call), CALL_ANSWERED);
    call_hangup(bench->call, span_make(NULL, 0));
    /* Hung up while it rings: 480. */
    ring(bench, (struct sip_ask){.body = BENCH_OFFER, .call_id = "c2", .branch = "z9hG4bK-2"}, 1000);
    call_hangup(bench->call, span_make(NULL, 0));
    assert_int_equal(bench_status(bench, -1), 480);
    assert_int_equal(bench->last_end, CALL_END_HANGUP);
}

static void test_a_long_ringing_shows_signs_of_life(void **state)
{
    struct call_bench *bench = *state;
    ring(bench, (struct sip_ask){.body = BENCH_OFFER}, 150000);
    fake_clock_pass(&bench->fake, 149999);
    assert_int_equal(bench_sent(bench, "SIP/2.0 180"), 3);
    fake_clock_pass(&bench->fake, 1);
    assert_int_equal(bench_status(bench, -1), 200);
}

static void test_cancel_while_it_rings(void **state)
{
    struct call_bench *bench = *state;
    ring(bench, (struct sip_ask){.body = BENCH_OFFER}, 3000);
    bench_request(bench, &bench->udp, (struct sip_ask){.method = "CANCEL"});
    assert_int_equal(bench_status(bench, -2), 200);
    assert_int_equal(bench_status(bench, -1), 487);
    assert_true(bench_has(bench, -1, bench->tag));
    assert_int_equal(bench->ends, 1);
    assert_int_equal(bench->last_end, CALL_END_CANCELLED);
    assert_int_equal(bench->starts, 0);
    struct sip_ask ack = {.method = "ACK", .to_tag = bench->tag};
    assert_int_equal(bench_request(bench, &bench->udp, ack), TXN_ACK_ABSORBED);
    fake_clock_pass(&bench->fake, 32000);
    assert_int_equal(bench_sent(bench, "SIP/2.0 200"), 1);
    bench_assert_empty(bench);
}

static void test_bye_while_it_rings(void **state)
{
    struct call_bench *bench = *state;
    ring(bench, (struct sip_ask){.body = BENCH_OFFER}, 3000);
    bench_request(bench, &bench->udp, bench_in_dialog(bench, "BYE", 2));
    assert_int_equal(bench_status(bench, -2), 200);
    assert_int_equal(bench_status(bench, -1), 487);
    assert_int_equal(bench->last_end, CALL_END_CANCELLED);
}

static void test_other_requests_while_it_rings(void **state)
{
    struct call_bench *bench = *state;
    ring(bench, (struct sip_ask){.body = BENCH_OFFER}, 3000);
    bench_request(bench, &bench->udp, bench_in_dialog(bench, "OPTIONS", 2));
    assert_int_equal(bench_status(bench, -1), 200);
    struct sip_ask update = bench_in_dialog(bench, "UPDATE", 3);
    update.body = BENCH_OFFER;
    bench_request(bench, &bench->udp, update);
    assert_int_equal(bench_status(bench, -1), 500);
    bench_request(bench, &bench->udp, bench_in_dialog(bench, "INVITE", 4));
    assert_int_equal(bench_status(bench, -1), 500);
    bench_request(bench, &bench->udp, bench_in_dialog(bench, "PRACK", 5));
    assert_int_equal(bench_status(bench, -1), 481);
    bench_ack(bench, &bench->udp); /* for what? */
    assert_int_equal(call_state(bench->call), CALL_RINGING);
    assert_int_equal(bench_ledger(bench, TXN_LEDGER_WRONG_CSEQ), 1);
}

static void test_the_invites_expiry(void **state)
{
    struct call_bench *bench = *state;
    ring(bench, (struct sip_ask){.body = BENCH_OFFER, .extra = "Expires: 2\r\n"}, 3000);
    fake_clock_pass(&bench->fake, 2000);
    assert_int_equal(bench_status(bench, -1), 487);
    assert_int_equal(bench->last_end, CALL_END_EXPIRED);
}

static void test_shutdown_while_it_rings(void **state)
{
    struct call_bench *bench = *state;
    ring(bench, (struct sip_ask){.body = BENCH_OFFER}, 3000);
    call_table_shutdown(bench->calls);
    assert_int_equal(bench_status(bench, -1), 503);
    assert_int_equal(bench->last_end, CALL_END_SHUTDOWN);
    assert_int_equal(call_table_count(bench->calls), 0);
}

static void test_a_reliable_180_is_repeated_until_its_prack(void **state)
{
    struct call_bench *bench = *state;
    uint64_t start = bench->fake.clock.mono_ms;
    ring(bench, (struct sip_ask){.body = BENCH_OFFER, .extra = "Require: 100rel\r\n"}, 20000);
    assert_true(bench_has(bench, 0, "\r\nRequire: 100rel\r\n"));
    fake_clock_pass(&bench->fake, 4000);
    static const uint64_t times[] = {0, 500, 1500, 3500};
    assert_int_equal(bench->wire.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(bench->wire.sent[i].at_ms - start, times[i]);
        assert_true(span_equal(bench->wire.sent[0].bytes, bench->wire.sent[i].bytes));
    }
    char extra[96];
    bench_request(bench, &bench->udp, prack_of(bench, 2, extra, 1));
    assert_int_equal(bench_status(bench, -1), 481);
    struct sip_ask with_offer = prack_of(bench, 3, extra, 0);
    with_offer.body = BENCH_OFFER;
    bench_request(bench, &bench->udp, with_offer);
    assert_int_equal(bench_status(bench, -1), 488);
    bench_request(bench, &bench->udp, prack_of(bench, 4, extra, 0));
    assert_int_equal(bench_status(bench, -1), 200);
    bench_request(bench, &bench->udp, prack_of(bench, 5, extra, 0));
    assert_int_equal(bench_status(bench, -1), 481); /* acknowledged already */
    fake_clock_pass(&bench->fake, 15999);
    assert_int_equal(bench_sent(bench, "SIP/2.0 180"), 4);
    fake_clock_pass(&bench->fake, 1);
    assert_int_equal(bench_status(bench, -1), 200);
    assert_int_equal(call_state(bench->call), CALL_ANSWERED);
}

static void test_without_a_prack_the_invite_fails(void **state)
{
    struct call_bench *bench = *state;
    ring(bench, (struct sip_ask){.body = BENCH_OFFER, .extra = "Require: 100rel\r\n"}, 100000);
    fake_clock_pass(&bench->fake, 31999);
    assert_int_equal(bench_sent(bench, "SIP/2.0 180"), 7); /* the interval has no limit but the end */
    fake_clock_pass(&bench->fake, 1);
    assert_int_equal(bench_status(bench, -1), 504);
    assert_int_equal(bench->last_end, CALL_END_NO_PRACK);
    fake_clock_pass(&bench->fake, 32000);
    bench_assert_empty(bench);
}

static void test_our_offer_travels_in_the_reliable_180(void **state)
{
    struct call_bench *bench = *state;
    ring(bench, (struct sip_ask){.extra = "Require: 100rel\r\n"}, 1000);
    assert_true(bench_has(bench, 0, "m=audio"));
    /* No 200 before the answer to it. */
    fake_clock_pass(&bench->fake, 5000);
    assert_int_equal(bench_sent(bench, "SIP/2.0 200"), 0);
    char extra[96];
    bench_request(bench, &bench->udp, prack_of(bench, 2, extra, 0));
    assert_int_equal(bench_status(bench, -1), 488); /* without an answer */
    struct sip_ask prack = prack_of(bench, 3, extra, 0);
    prack.body = "v=0\r\no=alice 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
                 "m=audio 49170 RTP/AVP 0\r\na=inactive\r\n";
    bench_request(bench, &bench->udp, prack);
    assert_true(bench_has(bench, -1, "CSeq: 3 PRACK") && bench_status(bench, -1) == 200);
    fake_clock_pass(&bench->fake, 0);
    assert_true(bench_has(bench, -1, "CSeq: 1 INVITE") && bench_status(bench, -1) == 200);
    assert_false(bench_has(bench, -1, "m=audio"));
    bench_ack(bench, &bench->udp);
    assert_int_equal(call_state(bench->call), CALL_UP);
    assert_int_equal(bench_sent(bench, "BYE"), 0);
}

static void test_early_media_is_a_foretaste_of_the_answer(void **state)
{
    struct call_bench *bench = *state;
    progress(bench, (struct sip_ask){.body = BENCH_OFFER}, 1000);
    const char *body = strstr(fake_wire_text(&bench->wire, 0), "\r\n\r\nv=0");
    assert_non_null(body);
    assert_false(bench_has(bench, 0, "RSeq:"));
    fake_clock_pass(&bench->fake, 1000);
    assert_int_equal(bench_status(bench, -1), 200);
    assert_string_equal(strstr(fake_wire_text(&bench->wire, -1), "\r\n\r\nv=0"), body);
    bench_ack(bench, &bench->udp);
    call_hangup(bench->call, span_make(NULL, 0));
    /* Without an offer there is nothing to say before the 200: our offer needs a reliable 1xx. */
    progress(bench, (struct sip_ask){.call_id = "c2", .branch = "z9hG4bK-2"}, 1000);
    assert_false(bench_has(bench, -1, "m=audio"));
    fake_clock_pass(&bench->fake, 1000);
    assert_true(bench_has(bench, -1, "m=audio"));
}

static void test_reliable_early_media_holds_the_answer(void **state)
{
    struct call_bench *bench = *state;
    progress(bench, (struct sip_ask){.body = BENCH_OFFER, .extra = "Supported: 100rel\r\n"}, 1000);
    assert_true(bench_has(bench, 0, "\r\nRequire: 100rel\r\nRSeq: "));
    assert_true(bench_has(bench, 0, "m=audio"));
    /* No 200 while it is not acknowledged (RFC 3262 3); a new offer has to wait as well. */
    fake_clock_pass(&bench->fake, 5000);
    assert_int_equal(bench_sent(bench, "SIP/2.0 200"), 0);
    struct sip_ask update = bench_in_dialog(bench, "UPDATE", 2);
    update.body = BENCH_OFFER;
    bench_request(bench, &bench->udp, update);
    assert_int_equal(bench_status(bench, -1), 500);
    assert_true(bench_has(bench, -1, "\r\nRetry-After: "));
    /* A PRACK may bring a further offer, and takes its answer home. */
    char extra[96];
    struct sip_ask prack = prack_of(bench, 3, extra, 0);
    prack.body = "v=0\r\no=alice 1 2 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
                 "m=audio 49170 RTP/AVP 8\r\na=recvonly\r\n";
    bench_request(bench, &bench->udp, prack);
    assert_true(bench_status(bench, -1) == 200 && bench_has(bench, -1, "CSeq: 3 PRACK"));
    assert_true(bench_has(bench, -1, "m=audio 9 RTP/AVP 8\r\n"));
    fake_clock_pass(&bench->fake, 0);
    assert_true(bench_status(bench, -1) == 200 && bench_has(bench, -1, "CSeq: 1 INVITE"));
    assert_true(bench_has(bench, -1, "\r\nContent-Length: 0\r\n"));
    bench_ack(bench, &bench->udp);
    assert_int_equal(call_state(bench->call), CALL_UP);
}

static void test_an_offer_before_the_answer_once_all_is_agreed(void **state)
{
    struct call_bench *bench = *state;
    progress(bench, (struct sip_ask){.body = BENCH_OFFER, .extra = "Supported: 100rel, timer\r\n"}, 5000);
    char extra[96];
    bench_request(bench, &bench->udp, prack_of(bench, 2, extra, 0));
    assert_int_equal(bench_status(bench, -1), 200);
    struct sip_ask update = bench_in_dialog(bench, "UPDATE", 3);
    update.body = BENCH_OFFER;
    update.extra = "Supported: timer\r\nSession-Expires: 100\r\n";
    bench_request(bench, &bench->udp, update);
    assert_int_equal(bench_status(bench, -1), 200);
    assert_true(bench_has(bench, -1, "m=audio"));
    assert_false(bench_has(bench, -1, "Session-Expires"));
    fake_clock_pass(&bench->fake, 5000);
    assert_true(bench_status(bench, -1) == 200 && bench_has(bench, -1, "CSeq: 1 INVITE"));
    assert_false(bench_has(bench, -1, "Session-Expires"));
}

/* RFC 3262 5: a PRACK's 200 describes a session only where the PRACK offered one; RFC 3261 8.2.3 for what it holds else. */
static void test_a_prack_with_something_else_in_it(void **state)
{
    struct call_bench *bench = *state;
    progress(bench, (struct sip_ask){.body = BENCH_OFFER, .extra = "Require: 100rel\r\n"}, 5000);
    char rack[96];
    struct sip_ask prack = prack_of(bench, 2, rack, 0);
    prack.type = "text/plain";
    prack.body = "hello";
    bench_request(bench, &bench->udp, prack);
    assert_int_equal(bench_status(bench, -1), 415);
    assert_true(bench_has(bench, -1, "\r\nAccept: application/sdp\r\n"));
    prack = prack_of(bench, 3, rack, 0);
    prack_with_isup(bench, prack);
    assert_int_equal(bench_status(bench, -1), 200);
    assert_true(bench_has(bench, -1, "CSeq: 3 PRACK"));
    assert_true(bench_has(bench, -1, "\r\nContent-Length: 0\r\n"));
}

/* Another such body is no answer to our offer. */
static void test_our_offer_is_not_answered_by_something_else(void **state)
{
    struct call_bench *bench = *state;
    ring(bench, (struct sip_ask){.extra = "Require: 100rel\r\n"}, 1000);
    char rack[96];
    struct sip_ask update = bench_in_dialog(bench, "UPDATE", 2);
    update.body = BENCH_OFFER;
    bench_request(bench, &bench->udp, update);
    assert_int_equal(bench_status(bench, -1), 491); /* our own offer is out (RFC 3311 5.2) */
    struct sip_ask prack = prack_of(bench, 3, rack, 0);
    prack_with_isup(bench, prack);
    assert_int_equal(bench_status(bench, -1), 488);
}

#define VIDEO_TOO BENCH_OFFER "m=video 40002 RTP/AVP 31\r\na=rtpmap:31 H261/90000\r\n"

/* The version in the o= line of the description sent last. */
static unsigned long long version_of(const struct call_bench *bench)
{
    unsigned long long id = 0, version = 0;
    const char *at = strstr(fake_wire_text(&bench->wire, -1), "\r\no=");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "\r\no=%*s %llu %llu", &id, &version), 2);
    return version;
}

/* RFC 3264 8: our offer has a place for each stream that was agreed on before the 200, and a later version. */
static void keeps_what_was_agreed_early(struct call_bench *bench, struct sip_ask offering)
{
    offering.body = VIDEO_TOO;
    bench_request(bench, &bench->udp, offering);
    assert_int_equal(bench_status(bench, -1), 200);
    assert_true(bench_has(bench, -1, "m=video 9 RTP/AVP 31\r\n"));
    unsigned long long version = version_of(bench);
    fake_clock_pass(&bench->fake, 5000);
    assert_true(bench_status(bench, -1) == 200 && bench_has(bench, -1, "CSeq: 1 INVITE"));
    bench_ack(bench, &bench->udp);
    bench_request(bench, &bench->udp, bench_in_dialog(bench, "INVITE", 9));
    assert_int_equal(bench_status(bench, -1), 200);
    assert_true(bench_has(bench, -1, "m=audio 9 RTP/AVP 0 8\r\n"));
    assert_true(bench_has(bench, -1, "m=video 9 RTP/AVP 31\r\n"));
    assert_true(version_of(bench) >= version);
}

static void test_an_early_update_counts_later(void **state)
{
    struct call_bench *bench = *state;
    char rack[96];
    progress(bench, (struct sip_ask){.body = BENCH_OFFER, .extra = "Require: 100rel\r\n"}, 5000);
    bench_request(bench, &bench->udp, prack_of(bench, 2, rack, 0));
    keeps_what_was_agreed_early(bench, bench_in_dialog(bench, "UPDATE", 3));
}

static void test_an_offer_in_a_prack_counts_later(void **state)
{
    struct call_bench *bench = *state;
    char rack[96];
    progress(bench, (struct sip_ask){.body = BENCH_OFFER, .extra = "Require: 100rel\r\n"}, 5000);
    keeps_what_was_agreed_early(bench, prack_of(bench, 2, rack, 0));
}

/* What cannot be kept is not agreed on. */
static void test_an_early_offer_without_memory(void **state)
{
    struct call_bench *bench = *state;
    char rack[96];
    progress(bench, (struct sip_ask){.body = BENCH_OFFER, .extra = "Require: 100rel\r\n"}, 5000);
    struct sip_ask prack = prack_of(bench, 2, rack, 0);
    prack.body = VIDEO_TOO;
    txn_slab_fail_at(txn_table_slab(bench->txns), 2); /* the first is the transaction */
    bench_request(bench, &bench->udp, prack);
    txn_slab_fail_at(txn_table_slab(bench->txns), 0);
    assert_int_equal(bench_status(bench, -1), 500);
    bench_request(bench, &bench->udp, prack_of(bench, 3, rack, 0));
    assert_int_equal(bench_status(bench, -1), 200);
    struct sip_ask update = bench_in_dialog(bench, "UPDATE", 4);
    update.body = VIDEO_TOO;
    txn_slab_fail_at(txn_table_slab(bench->txns), 2);
    bench_request(bench, &bench->udp, update);
    txn_slab_fail_at(txn_table_slab(bench->txns), 0);
    assert_int_equal(bench_status(bench, -1), 500);
}

static void test_early_media_that_nobody_acknowledges(void **state)
{
    struct call_bench *bench = *state;
    progress(bench, (struct sip_ask){.body = BENCH_OFFER, .extra = "Require: 100rel\r\n"}, 1000);
    fake_clock_pass(&bench->fake, 31999);
    assert_int_equal(bench_sent(bench, "SIP/2.0 183"), 7);
    assert_int_equal(bench_sent(bench, "SIP/2.0 200"), 0);
    fake_clock_pass(&bench->fake, 1);
    assert_int_equal(bench_status(bench, -1), 504);
    assert_int_equal(bench->last_end, CALL_END_NO_PRACK);
}

static void test_ringing_without_memory(void **state)
{
    struct call_bench *bench = *state;
    struct call_accept accept = bench_accept(bench);
    accept.rings = true;
    accept.ring_ms = 1000;
    struct txn_slab *slab = txn_table_slab(bench->txns);
    for (unsigned nth = 1; nth < 20; nth++) {
        char call_id[24], branch[24];
        snprintf(call_id, sizeof(call_id), "call-%u", nth);
        snprintf(branch, sizeof(branch), "z9hG4bK-%u", nth);
        sip_ask(&bench->asked, (struct sip_ask){.call_id = call_id, .branch = branch, .extra = "Require: 100rel\r\n"});
        txn_slab_fail_at(slab, nth + 1); /* the first is the transaction */
        enum err err = bench_answer(bench, &bench->udp, &accept);
        txn_slab_fail_at(slab, 0);
        assert_true(err == OK || err == ERR_NOMEM);
        assert_int_equal(call_table_count(bench->calls), err == OK);
        if (err == OK)
            call_hangup(bench->call, span_make(NULL, 0));
    }
    fake_clock_pass(&bench->fake, 32000);
    bench_assert_empty(bench);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_it_rings_and_answers),
        TEST(test_180_and_200_at_once),
        TEST(test_a_long_ringing_shows_signs_of_life),
        TEST(test_cancel_while_it_rings),
        TEST(test_bye_while_it_rings),
        TEST(test_other_requests_while_it_rings),
        TEST(test_the_invites_expiry),
        TEST(test_shutdown_while_it_rings),
        TEST(test_a_reliable_180_is_repeated_until_its_prack),
        TEST(test_without_a_prack_the_invite_fails),
        TEST(test_our_offer_travels_in_the_reliable_180),
        TEST(test_early_media_is_a_foretaste_of_the_answer),
        TEST(test_reliable_early_media_holds_the_answer),
        TEST(test_an_offer_before_the_answer_once_all_is_agreed),
        TEST(test_a_prack_with_something_else_in_it),
        TEST(test_our_offer_is_not_answered_by_something_else),
        TEST(test_an_early_update_counts_later),
        TEST(test_an_offer_in_a_prack_counts_later),
        TEST(test_an_early_offer_without_memory),
        TEST(test_early_media_that_nobody_acknowledges),
        TEST(test_ringing_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
