/* SPDX-License-Identifier: Apache-2.0 */
/* Requests inside a call: RFC 3261 12.2.2, 14.2, 15.1.2, RFC 3311, RFC 5057. */
#include "unit/call/support_call.h"

static void up(struct call_bench *bench)
{
    bench_invite(bench, &bench->udp, (struct sip_ask){.body = BENCH_OFFER});
    bench_ack(bench, &bench->udp);
    assert_int_equal(call_state(bench->call), CALL_UP);
    fake_wire_clear(&bench->wire);
}

static unsigned ask(struct call_bench *bench, const char *method, unsigned cseq)
{
    bench_request(bench, &bench->udp, bench_in_dialog(bench, method, cseq));
    return bench_status(bench, -1);
}

static void test_the_2xx(void **state)
{
    struct call_bench *bench = *state;
    bench_invite(bench, &bench->udp, (struct sip_ask){.body = BENCH_OFFER});
    struct sip_asked parsed;
    const struct sip_message *ok = sip_ask_parse(&parsed, fake_wire_text(&bench->wire, 0));
    assert_int_equal(ok->status, 200);
    assert_true(span_equal(ok->to.tag, span_of(bench->tag)));
    assert_true(span_equal(ok->contact.uri.text, SPAN("sip:verdict@192.0.2.1:5060")));
    assert_true(sip_message_has(ok, SIP_HEADER_ALLOW));
    assert_true(sip_message_has(ok, SIP_HEADER_SUPPORTED));
    assert_true(span_equal(sip_message_value(ok, SIP_HEADER_CONTENT_TYPE), SPAN("application/sdp")));
    struct sdp offer, answer;
    assert_int_equal(sdp_parse(SPAN(BENCH_OFFER), &offer, NULL), OK);
    assert_int_equal(sdp_parse(ok->body, &answer, NULL), OK);
    assert_int_equal(sdp_answer_check(&offer, &answer, NULL), OK);
    assert_int_equal(answer.media[0].direction, SDP_INACTIVE);
    assert_true(answer.media[0].port != 0);
    assert_null(strstr(fake_wire_text(&bench->wire, 0), "0.0.0.0"));
}

static void test_streams_can_be_refused_or_answered_by_a_body(void **state)
{
    struct call_bench *bench = *state;
    struct call_accept accept = bench_accept(bench);
    accept.sdp = CALL_SDP_REJECT;
    sip_ask(&bench->asked, (struct sip_ask){.body = BENCH_OFFER});
    assert_int_equal(bench_answer(bench, &bench->udp, &accept), OK);
    assert_true(bench_has(bench, -1, "m=audio 0 RTP/AVP 0 8\r\n"));
    accept.sdp = CALL_SDP_BODY;
    accept.body = SPAN("v=0\r\no=m 1 1 IN IP4 192.0.2.5\r\ns=-\r\nc=IN IP4 192.0.2.5\r\nt=0 0\r\n"
                       "m=audio 4000 RTP/AVP 0\r\n");
    sip_ask(&bench->asked, (struct sip_ask){.body = BENCH_OFFER, .call_id = "call-2", .branch = "z9hG4bK-2"});
    assert_int_equal(bench_answer(bench, &bench->udp, &accept), OK);
    assert_true(bench_has(bench, -1, "m=audio 4000 RTP/AVP 0\r\n"));
    accept.body = SPAN("v=0\r\no=m 1 1 IN IP4 192.0.2.5\r\ns=-\r\nc=IN IP4 192.0.2.5\r\nt=0 0\r\n");
    sip_ask(&bench->asked, (struct sip_ask){.body = BENCH_OFFER, .call_id = "call-3", .branch = "z9hG4bK-3"});
    assert_int_equal(bench_answer(bench, &bench->udp, &accept), ERR_UNSUPPORTED);
    assert_int_equal(bench->starts, 2);
}

/* A browser's streams are refused within a call that stands; who wants media, or could offer plain RTP, gets 488. */
static void test_browsers_are_answered_without_media(void **state)
{
    struct call_bench *bench = *state;
    struct call_accept accept = bench_accept(bench);
    const char *browser = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
                          "m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n"
                          "a=ice-ufrag:abcd\r\na=setup:actpass\r\na=rtpmap:111 opus/48000/2\r\n";
    sip_ask(&bench->asked, (struct sip_ask){.body = browser});
    assert_int_equal(bench_answer(bench, &bench->udp, &accept), OK);
    assert_true(bench_has(bench, -1, "m=audio 0 UDP/TLS/RTP/SAVPF 111 0\r\n"));
    assert_false(bench_has(bench, -1, "a=group"));
    bench_ack(bench, &bench->udp);
    /* What was refused stays refused in the browser's next offer, which is no reason to refuse that one. */
    struct sip_ask reinvite = bench_in_dialog(bench, "INVITE", 2);
    reinvite.body = "v=0\r\no=- 1 3 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 0 UDP/TLS/RTP/SAVPF 0\r\n"
                    "c=IN IP4 0.0.0.0\r\na=inactive\r\n";
    bench_request(bench, &bench->udp, reinvite);
    assert_int_equal(bench_status(bench, -1), 200);
    assert_true(bench_has(bench, -1, "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n"));
    accept.sdp = CALL_SDP_SENDRECV;
    sip_ask(&bench->asked, (struct sip_ask){.body = browser, .call_id = "call-2", .branch = "z9hG4bK-2"});
    assert_int_equal(bench_answer(bench, &bench->udp, &accept), ERR_UNSUPPORTED);
    accept.sdp = CALL_SDP_INACTIVE;
    sip_ask(&bench->asked, (struct sip_ask){.body = "v=0\r\no=- 1 2 IN IP4 h\r\ns=-\r\nc=IN IP4 h\r\nt=0 0\r\n"
                                                    "m=audio 9 RTP/SAVP 0\r\n",
                                            .call_id = "call-3",
                                            .branch = "z9hG4bK-3"});
    assert_int_equal(bench_answer(bench, &bench->udp, &accept), ERR_UNSUPPORTED);
    assert_int_equal(bench->starts, 1);
}

static void test_invites_that_cannot_become_calls(void **state)
{
    struct call_bench *bench = *state;
    struct call_accept accept = bench_accept(bench);
    sip_ask(&bench->asked, (struct sip_ask){.body = "v=0\r\nnonsense"});
    assert_int_equal(bench_answer(bench, &bench->udp, &accept), ERR_SYNTAX);
    sip_ask(&bench->asked, (struct sip_ask){.call_id = "c2", .contact = "-"});
    assert_int_equal(bench_answer(bench, &bench->udp, &accept), ERR_INVALID);
    sip_ask(&bench->asked,
            (struct sip_ask){.call_id = "c3",
                             .body = "v=0\r\no=a 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
                                     "m=application 9 UDP/BFCP *\r\n"});
    assert_int_equal(bench_answer(bench, &bench->udp, &accept), ERR_UNSUPPORTED);
    static char long_line[CALL_SCRATCH_LEN];
    memset(long_line, 'x', sizeof(long_line));
    accept.extra = span_make(long_line, sizeof(long_line));
    sip_ask(&bench->asked, (struct sip_ask){.call_id = "c4", .body = BENCH_OFFER});
    assert_int_equal(bench_answer(bench, &bench->udp, &accept), ERR_TOO_LONG);
    assert_int_equal(bench->wire.count, 0);
    assert_int_equal(bench->starts, 0);
    fake_clock_pass(&bench->fake, 32000);
    bench_assert_empty(bench);
}

static void test_the_offer_in_our_2xx_is_answered_by_the_ack(void **state)
{
    struct call_bench *bench = *state;
    bench_invite(bench, &bench->udp, (struct sip_ask){0});
    struct sip_asked parsed;
    const struct sip_message *ok = sip_ask_parse(&parsed, fake_wire_text(&bench->wire, 0));
    struct sdp offer;
    assert_int_equal(sdp_parse(ok->body, &offer, NULL), OK);
    assert_int_equal(offer.media_count, 1);
    /* An UPDATE with an offer before ours is answered has to wait. */
    struct sip_ask update = bench_in_dialog(bench, "UPDATE", 2);
    update.body = BENCH_OFFER;
    bench_request(bench, &bench->udp, update);
    assert_int_equal(bench_status(bench, -1), 491);
    struct sip_ask ack = {.method = "ACK", .to_tag = bench->tag, .branch = "z9hG4bK-a"};
    ack.body = "v=0\r\no=alice 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
               "m=audio 49170 RTP/AVP 0\r\na=inactive\r\n";
    bench_request(bench, &bench->udp, ack);
    assert_int_equal(call_state(bench->call), CALL_UP);
    assert_int_equal(bench_sent(bench, "BYE"), 0);
}

static void test_a_bad_answer_in_the_ack_ends_the_call(void **state)
{
    struct call_bench *bench = *state;
    static const char *const bodies[] = {NULL, "v=0\r\nnonsense",
                                         "v=0\r\no=a 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"};
    for (unsigned i = 0; i < 3; i++) {
        char call_id[16], branch[16];
        snprintf(call_id, sizeof(call_id), "bad-%u", i);
        snprintf(branch, sizeof(branch), "z9hG4bK-%u", i);
        bench_invite(bench, &bench->udp, (struct sip_ask){.call_id = call_id, .branch = branch});
        struct sip_ask ack = {.method = "ACK", .call_id = call_id, .to_tag = bench->tag, .body = bodies[i]};
        ack.branch = "z9hG4bK-ack";
        bench_request(bench, &bench->udp, ack);
        assert_int_equal(bench->acks, i + 1);
        assert_int_equal(bench_sent(bench, "BYE"), i + 1);
        assert_true(bench_has(bench, -1, "Reason: SIP;cause=488"));
        bench_answer_bye(bench, 200);
        assert_int_equal(bench->last_end, CALL_END_BAD_ANSWER);
    }
    fake_clock_pass(&bench->fake, 32000);
    bench_assert_empty(bench);
}

static void test_bye_both_ways(void **state)
{
    struct call_bench *bench = *state;
    up(bench);
    assert_int_equal(ask(bench, "BYE", 2), 200);
    assert_int_equal(bench->last_end, CALL_END_PEER);
    assert_int_equal(call_table_count(bench->calls), 0);
    /* Its copy gets the same answer; another one is about no call. */
    bench_request(bench, &bench->udp, bench_in_dialog(bench, "BYE", 2));
    assert_int_equal(bench_status(bench, -1), 200);
    assert_int_equal(ask(bench, "BYE", 3), 481);
    assert_int_equal(call_table_counters(bench->calls)->unknown_dialog, 1);
}

static void test_crossing_byes_are_both_answered(void **state)
{
    struct call_bench *bench = *state;
    up(bench);
    call_hangup(bench->call, span_make(NULL, 0));
    assert_int_equal(call_state(bench->call), CALL_ENDING);
    assert_int_equal(bench_sent(bench, "BYE"), 1);
    char our_bye[2048];
    snprintf(our_bye, sizeof(our_bye), "%s", fake_wire_text(&bench->wire, -1));
    assert_int_equal(ask(bench, "BYE", 2), 200);
    assert_int_equal(bench->ends, 0);
    assert_int_equal(ask(bench, "OPTIONS", 3), 481);
    assert_true(txn_receive_response(bench->txns, sip_ask_answer(&bench->heard, our_bye, 481)));
    assert_int_equal(bench->ends, 1);
    assert_int_equal(bench->last_end, CALL_END_HANGUP);
    fake_clock_pass(&bench->fake, 32000);
    bench_assert_empty(bench);
}

static void test_answers_in_a_dialog(void **state)
{
    struct call_bench *bench = *state;
    up(bench);
    assert_int_equal(ask(bench, "OPTIONS", 2), 200);
    assert_true(bench_has(bench, -1, "\r\nAllow: "));
    assert_true(bench_has(bench, -1, "\r\nAccept: application/sdp"));
    assert_int_equal(ask(bench, "INFO", 3), 200);
    struct sip_ask info = bench_in_dialog(bench, "INFO", 4);
    info.body = "Signal=1";
    bench_request(bench, &bench->udp, info);
    assert_int_equal(bench_status(bench, -1), 415);
    info = bench_in_dialog(bench, "INFO", 5);
    info.extra = "Info-Package: foo\r\n";
    bench_request(bench, &bench->udp, info);
    assert_int_equal(bench_status(bench, -1), 469);
    assert_true(bench_has(bench, -1, "\r\nRecv-Info: "));
    assert_int_equal(ask(bench, "PRACK", 6), 481);
    assert_int_equal(ask(bench, "NOTIFY", 7), 481);
    assert_int_equal(ask(bench, "SUBSCRIBE", 8), 489);
    assert_int_equal(ask(bench, "REFER", 9), 603);
    assert_int_equal(ask(bench, "MESSAGE", 10), 405);
    assert_int_equal(ask(bench, "FOO", 11), 501);
    assert_int_equal(ask(bench, "UPDATE", 12), 200);
    struct sip_ask update = bench_in_dialog(bench, "UPDATE", 13);
    update.extra = "Require: foo, bar\r\n";
    bench_request(bench, &bench->udp, update);
    assert_int_equal(bench_status(bench, -1), 420);
    assert_true(bench_has(bench, -1, "\r\nUnsupported: foo\r\nUnsupported: bar\r\n"));
    assert_int_equal(bench->requests, 12);
    assert_int_equal(call_state(bench->call), CALL_UP);
    /* None of the answers that RFC 5057 says destroy a dialog. */
    for (size_t i = 0; i < bench->wire.count; i++) {
        unsigned status = bench_status(bench, (int)i);
        assert_true(status != 404 && status != 410 && status != 416 && status != 482 && status != 484);
    }
}

static void test_cseq_order(void **state)
{
    struct call_bench *bench = *state;
    up(bench);
    assert_int_equal(ask(bench, "INFO", 10), 200);
    assert_int_equal(ask(bench, "OPTIONS", 9), 500);
    assert_int_equal(ask(bench, "OPTIONS", 10), 500);
    assert_int_equal(ask(bench, "BYE", 9), 500);
    assert_int_equal(bench->ends, 0);
    assert_int_equal(ask(bench, "BYE", 10), 200);
    assert_int_equal(bench->ends, 1);
}

static void test_tags_and_call_id_must_fit(void **state)
{
    struct call_bench *bench = *state;
    up(bench);
    struct sip_ask bye = bench_in_dialog(bench, "BYE", 2);
    bye.from_tag = "mallory";
    bench_request(bench, &bench->udp, bye);
    assert_int_equal(bench_status(bench, -1), 481);
    bye = bench_in_dialog(bench, "BYE", 3);
    bye.call_id = "other";
    bench_request(bench, &bench->udp, bye);
    assert_int_equal(bench_status(bench, -1), 481);
    assert_int_equal(call_state(bench->call), CALL_UP);
    /* An INVITE for no call: 481, and its ACK is absorbed. */
    struct sip_ask invite = {.to_tag = "unknown", .branch = "z9hG4bK-u", .cseq = 5};
    bench_request(bench, &bench->udp, invite);
    assert_int_equal(bench_status(bench, -1), 481);
    invite.method = "ACK";
    assert_int_equal(bench_request(bench, &bench->udp, invite), TXN_ACK_ABSORBED);
}

static void test_reinvite(void **state)
{
    struct call_bench *bench = *state;
    up(bench);
    struct sip_ask reinvite = bench_in_dialog(bench, "INVITE", 2);
    reinvite.body = BENCH_OFFER;
    reinvite.contact = "<sip:alice@192.0.2.9:7000>";
    bench_request(bench, &bench->udp, reinvite);
    assert_int_equal(bench_status(bench, -1), 200);
    assert_int_equal(call_state(bench->call), CALL_ANSWERED);
    fake_clock_pass(&bench->fake, 600);
    assert_int_equal(bench->wire.count, 2);
    assert_true(span_equal(bench->wire.sent[0].bytes, bench->wire.sent[1].bytes));
    /* A second one before its ACK has to wait, and the first one's ACK is not its. */
    assert_int_equal(ask(bench, "INVITE", 3), 500);
    assert_true(bench_has(bench, -1, "\r\nRetry-After: "));
    bench_ack(bench, &bench->udp); /* CSeq 1: of the first INVITE, once more */
    assert_int_equal(call_state(bench->call), CALL_ANSWERED);
    struct sip_ask ack = {.method = "ACK", .cseq = 2, .to_tag = bench->tag, .branch = "z9hG4bK-ack2"};
    bench_request(bench, &bench->udp, ack);
    assert_int_equal(call_state(bench->call), CALL_UP);
    assert_int_equal(bench->acks, 2);
    assert_true(bench->last_ack.reinvite);
    assert_int_equal(bench->last_ack.cseq, 2);
    /* The target was refreshed. */
    call_hangup(bench->call, span_make(NULL, 0));
    assert_memory_equal(fake_wire_text(&bench->wire, -1), "BYE sip:alice@192.0.2.9:7000 ", 29);
}

static void test_a_reinvite_without_ack_ends_the_call(void **state)
{
    struct call_bench *bench = *state;
    up(bench);
    struct sip_ask reinvite = bench_in_dialog(bench, "INVITE", 2);
    reinvite.body = BENCH_OFFER;
    bench_request(bench, &bench->udp, reinvite);
    fake_clock_pass(&bench->fake, 32000);
    assert_int_equal(bench_sent(bench, "SIP/2.0 200"), 11);
    assert_int_equal(bench->missing, 1);
    assert_true(bench->last_ack.reinvite);
    assert_true(bench_has(bench, -1, "cause=408"));
    bench_answer_bye(bench, 200);
    assert_int_equal(bench->last_end, CALL_END_NO_ACK);
    fake_clock_pass(&bench->fake, 32000);
    bench_assert_empty(bench);
}

static void test_a_failed_reinvite_leaves_the_session(void **state)
{
    struct call_bench *bench = *state;
    up(bench);
    struct sip_ask reinvite = bench_in_dialog(bench, "INVITE", 2);
    reinvite.body = "v=0\r\no=a 1 2 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
                    "m=application 9 UDP/BFCP *\r\n";
    reinvite.contact = "<sip:elsewhere@198.51.100.1>";
    bench_request(bench, &bench->udp, reinvite);
    assert_int_equal(bench_status(bench, -1), 488);
    assert_true(bench_has(bench, -1, "\r\nWarning: 304 "));
    assert_int_equal(call_state(bench->call), CALL_UP);
    reinvite = bench_in_dialog(bench, "INVITE", 3);
    reinvite.body = "nonsense";
    bench_request(bench, &bench->udp, reinvite);
    assert_int_equal(bench_status(bench, -1), 400);
    txn_slab_fail_at(txn_table_slab(bench->txns), 2); /* the second block: the 2xx to be kept */
    reinvite = bench_in_dialog(bench, "INVITE", 4);
    reinvite.body = BENCH_OFFER;
    bench_request(bench, &bench->udp, reinvite);
    assert_int_equal(bench_status(bench, -1), 500);
    assert_int_equal(call_state(bench->call), CALL_UP);
    call_hangup(bench->call, span_make(NULL, 0));
    assert_memory_equal(fake_wire_text(&bench->wire, -1), "BYE sip:alice@192.0.2.9 ", 24);
}

/* Taken for an INVITE without an offer, it would cost the call: its ACK brings no answer. */
static void test_a_reinvite_with_another_body_is_415(void **state)
{
    struct call_bench *bench = *state;
    up(bench);
    struct sip_ask reinvite = bench_in_dialog(bench, "INVITE", 2);
    reinvite.body = "hh";
    reinvite.type = "text/plain";
    bench_request(bench, &bench->udp, reinvite);
    assert_int_equal(bench_status(bench, -1), 415);
    assert_true(bench_has(bench, -1, "\r\nAccept: application/sdp\r\n"));
    reinvite = bench_in_dialog(bench, "INVITE", 3);
    reinvite.body = BENCH_OFFER;
    reinvite.extra = "Content-Encoding: gzip\r\n";
    bench_request(bench, &bench->udp, reinvite);
    assert_int_equal(bench_status(bench, -1), 415);
    assert_true(bench_has(bench, -1, "\r\nAccept-Encoding: identity\r\n"));
    assert_int_equal(call_state(bench->call), CALL_UP);
}

static void test_update_changes_and_refreshes(void **state)
{
    struct call_bench *bench = *state;
    up(bench);
    struct sip_ask update = bench_in_dialog(bench, "UPDATE", 2);
    update.body = BENCH_OFFER;
    update.contact = "<sip:alice@192.0.2.9:7001>";
    bench_request(bench, &bench->udp, update);
    assert_int_equal(bench_status(bench, -1), 200);
    assert_true(bench_has(bench, -1, "\r\nm=audio 9 "));
    assert_true(bench_has(bench, -1, "\r\nContact: "));
    update = bench_in_dialog(bench, "UPDATE", 3);
    update.body = "nonsense";
    bench_request(bench, &bench->udp, update);
    assert_int_equal(bench_status(bench, -1), 400);
    update = bench_in_dialog(bench, "UPDATE", 4);
    update.contact = "<sip:alice@192.0.2.9:7001>";
    bench_request(bench, &bench->udp, update);
    assert_int_equal(bench_status(bench, -1), 200);
    assert_false(bench_has(bench, -1, "m=audio"));
    call_hangup(bench->call, span_make(NULL, 0));
    assert_memory_equal(fake_wire_text(&bench->wire, -1), "BYE sip:alice@192.0.2.9:7001 ", 29);
}

static void test_cancel_early_and_late(void **state)
{
    struct call_bench *bench = *state;
    /* For nothing. */
    struct sip_ask cancel = {.method = "CANCEL"};
    bench_request(bench, &bench->udp, cancel);
    assert_int_equal(bench_status(bench, -1), 481);
    /* For an INVITE that waits: 200 with the INVITE's tag, then 487. */
    struct txn *invite = NULL;
    cancel.branch = "z9hG4bK-c1";
    cancel.call_id = "c1";
    sip_ask(&bench->asked, (struct sip_ask){.branch = "z9hG4bK-c1", .call_id = "c1", .body = BENCH_OFFER});
    assert_int_equal(txn_receive(bench->txns, &bench->asked.message, &bench->udp).class, TXN_NEW);
    assert_int_equal(txn_server_new(bench->txns, &bench->asked.message, &bench->udp, &invite), OK);
    assert_int_equal(txn_hold(invite, &bench->asked.message), OK);
    char tag[TXN_TAG_LEN + 1] = {0};
    memcpy(tag, txn_tag(invite).at, TXN_TAG_LEN);
    bench_request(bench, &bench->udp, cancel);
    assert_int_equal(bench_status(bench, -2), 200);
    assert_true(bench_has(bench, -2, "CSeq: 1 CANCEL") && bench_has(bench, -2, tag));
    assert_int_equal(bench_status(bench, -1), 487);
    assert_true(bench_has(bench, -1, "CSeq: 1 INVITE") && bench_has(bench, -1, tag));
    size_t count = bench->wire.count;
    assert_int_equal(bench_request(bench, &bench->udp, cancel), TXN_ABSORBED);
    assert_int_equal(bench->wire.count, count + 1);
    /* For a call that stands: 200, and nothing else. */
    bench_invite(bench, &bench->udp, (struct sip_ask){.branch = "z9hG4bK-c2", .call_id = "c2", .body = BENCH_OFFER});
    bench_request(bench, &bench->udp, (struct sip_ask){.method = "CANCEL", .branch = "z9hG4bK-c2", .call_id = "c2"});
    assert_int_equal(bench_status(bench, -1), 200);
    assert_true(bench_has(bench, -1, bench->tag));
    assert_int_equal(call_state(bench->call), CALL_ANSWERED);
}

static void test_shutdown(void **state)
{
    struct call_bench *bench = *state;
    up(bench);
    bench_invite(bench, &bench->udp, (struct sip_ask){.body = BENCH_OFFER, .call_id = "c2", .branch = "z9hG4bK-2"});
    fake_wire_clear(&bench->wire);
    assert_int_equal(call_table_open(bench->calls), 2);
    call_table_shutdown(bench->calls);
    call_table_shutdown(bench->calls);
    assert_int_equal(bench_sent(bench, "BYE"), 1);
    assert_int_equal(call_table_open(bench->calls), 1);
    bench_answer_bye(bench, 200);
    assert_int_equal(bench->last_end, CALL_END_SHUTDOWN);
    struct call_accept accept = bench_accept(bench);
    sip_ask(&bench->asked, (struct sip_ask){.body = BENCH_OFFER, .call_id = "c3", .branch = "z9hG4bK-3"});
    char tag[TXN_TAG_LEN + 1];
    memcpy(tag, bench->tag, sizeof(tag));
    assert_int_equal(bench_answer(bench, &bench->udp, &accept), ERR_FULL);
    /* The unacknowledged one ends at its ACK. */
    bench_request(bench, &bench->udp,
                  (struct sip_ask){.method = "ACK", .call_id = "c2", .to_tag = tag, .branch = "z9hG4bK-a"});
    assert_int_equal(call_table_open(bench->calls), 0);
    bench_answer_bye(bench, 200);
    assert_int_equal(bench->ends, 2);
    assert_int_equal(bench->last_end, CALL_END_SHUTDOWN);
    fake_clock_pass(&bench->fake, 32000);
    bench_assert_empty(bench);
}

static void test_peers_without_tags_and_with_folds(void **state)
{
    struct call_bench *bench = *state;
    bench_invite(bench, &bench->udp,
                 (struct sip_ask){.body = BENCH_OFFER,
                                  .from_tag = "-",
                                  .extra = "Record-Route: <sip:a.example.com;lr>\r\n"
                                           " ,\r\n\t<sip:b.example.com>\r\n"});
    struct sip_ask ack = {.method = "ACK", .from_tag = "-", .to_tag = bench->tag, .branch = "z9hG4bK-a"};
    bench_request(bench, &bench->udp, ack);
    assert_int_equal(call_state(bench->call), CALL_UP);
    call_hangup(bench->call, span_make(NULL, 0));
    const char *bye = fake_wire_text(&bench->wire, -1);
    assert_memory_equal(bye, "BYE ", 4);
    assert_non_null(strstr(bye, "<sip:a.example.com;lr>"));
    assert_non_null(strstr(bye, "<sip:b.example.com>"));
    struct sip_asked parsed;
    assert_null(sip_ask_parse(&parsed, bye)->to.tag.at);
}

static void test_accessors(void **state)
{
    struct call_bench *bench = *state;
    up(bench);
    struct call *call = bench->call;
    fake_clock_pass(&bench->fake, 50);
    assert_int_equal(call_age_ms(call), 50);
    assert_true(span_equal(call_id(call), SPAN("call-1")));
    assert_true(span_equal(call_from(call), SPAN("<sip:alice@example.com>;tag=alice")));
    assert_true(span_equal(call_to(call), SPAN("<sip:bob@example.com>")));
    assert_ptr_equal(call_find(bench->calls, call_id(call), call_local_tag(call), SPAN("alice")), call);
    assert_null(call_find(bench->calls, SPAN("x"), call_local_tag(call), SPAN("alice")));
    assert_null(call_find(bench->calls, call_id(call), call_local_tag(call), SPAN("x")));
    assert_null(call_find(bench->calls, call_id(call), SPAN("x"), SPAN("alice")));
    assert_ptr_equal(call_next(bench->calls, NULL), call);
    assert_null(call_next(bench->calls, call));
    assert_string_equal(call_state_text(call_state(call)), "up");
    assert_string_equal(call_end_text(CALL_END_NO_ACK), "no_ack");
    assert_true(net_address_equal(call_source(call), &bench->udp.remote));
    assert_null(call_user(call));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_the_2xx),
        TEST(test_streams_can_be_refused_or_answered_by_a_body),
        TEST(test_browsers_are_answered_without_media),
        TEST(test_invites_that_cannot_become_calls),
        TEST(test_the_offer_in_our_2xx_is_answered_by_the_ack),
        TEST(test_a_bad_answer_in_the_ack_ends_the_call),
        TEST(test_bye_both_ways),
        TEST(test_crossing_byes_are_both_answered),
        TEST(test_answers_in_a_dialog),
        TEST(test_cseq_order),
        TEST(test_tags_and_call_id_must_fit),
        TEST(test_reinvite),
        TEST(test_a_reinvite_without_ack_ends_the_call),
        TEST(test_a_failed_reinvite_leaves_the_session),
        TEST(test_a_reinvite_with_another_body_is_415),
        TEST(test_update_changes_and_refreshes),
        TEST(test_cancel_early_and_late),
        TEST(test_shutdown),
        TEST(test_peers_without_tags_and_with_folds),
        TEST(test_accessors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
