/* SPDX-License-Identifier: Apache-2.0 */
/* Session descriptions in calls, and the odd ends of answers. */
#include "unit/call/support_call.h"

static enum err answer_with(struct call_bench *bench, struct sip_ask ask, enum call_sdp sdp, struct span body)
{
    static unsigned number;
    char call_id[24], branch[24];
    number++;
    snprintf(call_id, sizeof(call_id), "call-%u", number);
    snprintf(branch, sizeof(branch), "z9hG4bK-%u", number);
    struct call_accept accept = bench_accept(bench);
    accept.sdp = sdp;
    accept.body = body;
    ask.call_id = call_id;
    ask.branch = branch;
    sip_ask(&bench->asked, ask);
    return bench_answer(bench, &bench->udp, &accept);
}

static void test_directions(void **state)
{
    struct call_bench *bench = *state;
    static const struct {
        enum call_sdp sdp;
        const char *line;
    } cases[] = {
        {CALL_SDP_INACTIVE, "a=inactive"}, {CALL_SDP_SENDONLY, "a=sendonly"}, {CALL_SDP_RECVONLY, "a=recvonly"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct sip_ask ask = {.body = BENCH_OFFER};
        assert_int_equal(answer_with(bench, ask, cases[i].sdp, span_make(NULL, 0)), OK);
        assert_true(bench_has(bench, -1, cases[i].line));
    }
    struct sip_ask ask = {.body = BENCH_OFFER};
    assert_int_equal(answer_with(bench, ask, CALL_SDP_SENDRECV, span_make(NULL, 0)), OK);
    assert_false(bench_has(bench, -1, "a=inactive"));
    assert_false(bench_has(bench, -1, "only"));
}

static void test_an_offer_inside_a_multipart(void **state)
{
    struct call_bench *bench = *state;
    static const char body[] =
        "--x\r\nContent-Type: text/plain\r\n\r\nhello\r\n--x\r\nContent-Type: application/sdp\r\n\r\n" BENCH_OFFER
        "\r\n--x--\r\n";
    struct sip_ask ask = {.extra = "Content-Type: multipart/mixed;boundary=x\r\n"};
    char text[8192];
    sip_ask(&bench->asked, ask);
    /* sip_ask() knows one type of body only: this one is put together by hand. */
    int len = snprintf(text, sizeof(text), "%s", bench->asked.text);
    char *length = strstr(text, "Content-Length: 0");
    assert_true(len > 0 && length);
    snprintf(length, sizeof(text) - (size_t)(length - text), "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
    struct sip_problem problem;
    assert_int_equal(sip_message_parse(&bench->asked.message, span_of(text), SIP_DATAGRAM, &problem), OK);
    struct call_accept accept = bench_accept(bench);
    assert_int_equal(bench_answer(bench, &bench->udp, &accept), OK);
    assert_true(bench_has(bench, -1, "m=audio 9 RTP/AVP 0 8"));
}

static void test_a_body_of_the_policys_as_offer(void **state)
{
    struct call_bench *bench = *state;
    struct span offer = SPAN(BENCH_OFFER);
    assert_int_equal(answer_with(bench, (struct sip_ask){0}, CALL_SDP_BODY, offer), OK);
    assert_true(bench_has(bench, -1, "m=audio 49170"));
    char id[64];
    assert_true(span_copy(call_id(bench->call), id, sizeof(id)));
    struct sip_ask ack = {.method = "ACK", .call_id = id, .to_tag = bench->tag, .branch = "z9hG4bK-a"};
    ack.body = "v=0\r\no=alice 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4 RTP/AVP 0\r\n";
    bench_request(bench, &bench->udp, ack);
    assert_int_equal(call_state(bench->call), CALL_UP);
    /* One that we cannot read is not ours to judge the answer to. */
    assert_int_equal(answer_with(bench, (struct sip_ask){0}, CALL_SDP_BODY, SPAN("strange")), OK);
    assert_true(span_copy(call_id(bench->call), id, sizeof(id)));
    ack.to_tag = bench->tag;
    ack.branch = "z9hG4bK-b";
    bench_request(bench, &bench->udp, ack);
    assert_int_equal(call_state(bench->call), CALL_UP);
    /* As an answer it would have to be readable. */
    assert_int_equal(answer_with(bench, (struct sip_ask){.body = BENCH_OFFER}, CALL_SDP_BODY, SPAN("strange")),
                     ERR_UNSUPPORTED);
}

static void test_a_held_up_loop_repeats_a_2xx_once(void **state)
{
    struct call_bench *bench = *state;
    bench_invite(bench, &bench->udp, (struct sip_ask){.body = BENCH_OFFER});
    fake_clock_leap(&bench->fake, 10000);
    assert_int_equal(bench->wire.count, 2);
    fake_clock_pass(&bench->fake, 1000);
    assert_int_equal(bench->wire.count, 3);
    fake_clock_leap(&bench->fake, 100000);
    assert_int_equal(bench->missing, 1);
    assert_int_equal(bench->wire.count, 4); /* the BYE */
}

static void test_a_contact_without_a_host_of_ours(void **state)
{
    struct call_bench *bench = *state;
    struct net_flow six = sip_ask_flow(NET_UDP, "[2001:db8::9]:5060");
    assert_int_equal(net_address_parse(SPAN("[2001:db8::1]:5070"), 0, &six.local), OK);
    struct call_accept accept = bench_accept(bench);
    accept.contact = SPAN("<tel:+15550100>");
    sip_ask(&bench->asked, (struct sip_ask){.body = BENCH_OFFER});
    assert_int_equal(bench_answer(bench, &six, &accept), OK);
    bench_ack(bench, &six);
    call_hangup(bench->call, span_make(NULL, 0));
    assert_true(bench_has(bench, -1, "Via: SIP/2.0/UDP [2001:db8::1]:5070"));
}

#define SESSION "v=0\r\no=alice 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"

/* A call with this offer, acknowledged, then a re-INVITE with another. */
static void offer_again(struct call_bench *bench, const char *first, const char *then)
{
    bench_invite(bench, &bench->udp, (struct sip_ask){.body = first});
    bench_ack(bench, &bench->udp);
    struct sip_ask again = bench_in_dialog(bench, "INVITE", 2);
    again.body = then;
    bench_request(bench, &bench->udp, again);
}

static void acknowledge_again(struct call_bench *bench, const char *body)
{
    struct sip_ask ack = bench_in_dialog(bench, "ACK", 2);
    ack.body = body;
    bench_request(bench, &bench->udp, ack);
}

/* RFC 3264 8.2: every stream may be taken out of a session; there is nothing to refuse then. */
static void test_a_re_offer_that_ends_every_stream(void **state)
{
    struct call_bench *bench = *state;
    offer_again(bench, BENCH_OFFER, SESSION "m=audio 0 RTP/AVP 0 8\r\n");
    assert_int_equal(bench_status(bench, -1), 200);
    assert_true(bench_has(bench, -1, "m=audio 0 RTP/AVP 0 8\r\n"));
    acknowledge_again(bench, NULL);
    assert_int_equal(call_state(bench->call), CALL_UP);
}

/* RFC 3264 8: a stream of the session keeps its place in every later offer, ours included. */
static void test_an_offer_of_ours_keeps_the_streams(void **state)
{
    struct call_bench *bench = *state;
    offer_again(bench, SESSION "m=video 4 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\nm=audio 6 RTP/SAVP 0\r\n", NULL);
    assert_int_equal(bench_status(bench, -1), 200);
    const char *video = strstr(fake_wire_text(&bench->wire, -1), "m=video 9 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n");
    assert_non_null(video);
    assert_non_null(strstr(video, "m=audio 0 RTP/SAVP 0\r\n"));
    acknowledge_again(bench, SESSION "m=video 4 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\na=inactive\r\n"
                                     "m=audio 0 RTP/SAVP 0\r\n");
    assert_int_equal(call_state(bench->call), CALL_UP);
}

/* One audio stream is what our own offer has anyway: nothing is kept for it. */
static void test_a_plain_session_costs_no_memory(void **state)
{
    struct call_bench *bench = *state;
    offer_again(bench, BENCH_OFFER, NULL);
    assert_int_equal(bench_status(bench, -1), 200);
    assert_true(bench_has(bench, -1, "m=audio 9 RTP/AVP 0 8\r\n"));
    assert_int_equal(bench->call->session.len, 0);
}

#define MEDIA_SERVER                                                                                                   \
    "v=0\r\no=- 5 7 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n"                                  \
    "m=audio 5000 RTP/AVP 0\r\na=sendrecv\r\na=ptime:20\r\nm=video 5002 RTP/AVP 31\r\n"

static void re_offer(struct call_bench *bench, unsigned cseq, const char *method, const char *body)
{
    struct sip_ask ask = bench_in_dialog(bench, method, cseq);
    ask.body = body;
    bench_request(bench, &bench->udp, ask);
    assert_int_equal(bench_status(bench, -1), 200);
    if (*method != 'I')
        return;
    ask = bench_in_dialog(bench, "ACK", cseq);
    ask.body = body ? NULL : SESSION "m=audio 4 RTP/AVP 0\r\nm=video 0 RTP/AVP 31\r\n";
    bench_request(bench, &bench->udp, ask);
    assert_int_equal(call_state(bench->call), CALL_UP);
}

static void expect_body(struct call_bench *bench, int index, const char *body)
{
    const char *at = strstr(fake_wire_text(&bench->wire, index), "\r\n\r\n");
    assert_non_null(at);
    assert_string_equal(at + 4, body);
}

#define SERVER(version, audio, video, direction)                                                                       \
    "v=0\r\no=- 5 " version " IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n" audio                  \
    "a=ptime:20\r\n" direction video

/* A caller that a policy connected to a media server holds, resumes and takes streams out (RFC 3264 6.1, 8.2, 8.4). */
static void test_a_body_of_the_policys_follows_the_offers(void **state)
{
    struct call_bench *bench = *state;
    struct call_accept accept = bench_accept(bench);
    accept.sdp = CALL_SDP_BODY;
    accept.body = SPAN(MEDIA_SERVER);
    sip_ask(&bench->asked, (struct sip_ask){.body = SESSION "m=audio 4 RTP/AVP 0\r\nm=video 6 RTP/AVP 31\r\n"});
    assert_int_equal(bench_answer(bench, &bench->udp, &accept), OK);
    expect_body(bench, -1, MEDIA_SERVER);
    bench_ack(bench, &bench->udp);
    static const char hold[] = SESSION "m=audio 4 RTP/AVP 0\r\na=sendonly\r\nm=video 6 RTP/AVP 31\r\na=inactive\r\n";
#define HELD(version)                                                                                                  \
    SERVER(version, "m=audio 5000 RTP/AVP 0\r\n", "m=video 5002 RTP/AVP 31\r\na=inactive\r\n", "a=recvonly\r\n")
    re_offer(bench, 2, "INVITE", hold);
    expect_body(bench, -1, HELD("8"));
    re_offer(bench, 3, "UPDATE", hold); /* the same again: the same description */
    expect_body(bench, -1, HELD("8"));
    re_offer(bench, 4, "INVITE", SESSION "m=audio 4 RTP/AVP 0\r\nm=video 0 RTP/AVP 31\r\n");
    static const char without_video[] =
        "v=0\r\no=- 5 9 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n"
        "m=audio 5000 RTP/AVP 0\r\na=sendrecv\r\na=ptime:20\r\nm=video 0 RTP/AVP 31\r\n";
    expect_body(bench, -1, without_video);
    re_offer(bench, 5, "INVITE", NULL); /* our own offer is the whole of it again, and later */
    expect_body(bench, -1,
                "v=0\r\no=- 5 10 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n"
                "m=audio 5000 RTP/AVP 0\r\na=sendrecv\r\na=ptime:20\r\nm=video 5002 RTP/AVP 31\r\n");
    /* A stream more than the body has cannot be answered, and changes nothing. */
    struct sip_ask more = bench_in_dialog(bench, "INVITE", 6);
    more.body = SESSION "m=audio 4 RTP/AVP 0\r\nm=video 6 RTP/AVP 31\r\nm=audio 8 RTP/AVP 0\r\n";
    bench_request(bench, &bench->udp, more);
    assert_int_equal(bench_status(bench, -1), 488);
    re_offer(bench, 7, "INVITE", hold);
    expect_body(bench, -1, HELD("11"));
}

/* What a policy gives may be of another type, also where an UPDATE or a PRACK asks for it again. */
static void test_a_body_keeps_its_type(void **state)
{
    struct call_bench *bench = *state;
    struct call_accept accept = bench_accept(bench);
    accept.sdp = CALL_SDP_BODY;
    accept.body = SPAN("whatever");
    accept.body_type = SPAN("application/x-session");
    sip_ask(&bench->asked, (struct sip_ask){.body = BENCH_OFFER});
    assert_int_equal(bench_answer(bench, &bench->udp, &accept), OK);
    bench_ack(bench, &bench->udp);
    re_offer(bench, 2, "UPDATE", BENCH_OFFER);
    assert_true(bench_has(bench, -1, "\r\nContent-Type: application/x-session\r\n"));
    expect_body(bench, -1, "whatever");
}

/* RFC 3261 20.11: what may be left unread is no offer and no reason to refuse, in a dialog as before it. */
static void test_an_optional_body_is_left_unread(void **state)
{
    struct call_bench *bench = *state;
    bench_invite(bench, &bench->udp, (struct sip_ask){.body = BENCH_OFFER});
    bench_ack(bench, &bench->udp);
    struct sip_ask update = bench_in_dialog(bench, "UPDATE", 2);
    update.type = "application/isup";
    update.body = "abc";
    bench_request(bench, &bench->udp, update);
    assert_int_equal(bench_status(bench, -1), 415);
    update = bench_in_dialog(bench, "UPDATE", 3);
    update.type = "application/isup";
    update.body = "abc";
    update.extra = "Content-Disposition: signal;handling=optional\r\n";
    bench_request(bench, &bench->udp, update);
    assert_int_equal(bench_status(bench, -1), 200);
    assert_true(bench_has(bench, -1, "\r\nContent-Length: 0\r\n"));
    struct sip_ask again = bench_in_dialog(bench, "INVITE", 4);
    again.type = "application/sdp"; /* of which nobody can say what it holds */
    again.body = "abc";
    again.extra = "Content-Disposition: signal;handling=optional\r\nContent-Encoding: gzip\r\n";
    bench_request(bench, &bench->udp, again);
    assert_int_equal(bench_status(bench, -1), 200);
    assert_true(bench_has(bench, -1, "m=audio 9 RTP/AVP 0 8\r\n"));
}

/* RFC 3261 14.2: also where it turns out late that the answer cannot be given. */
static void test_a_refused_re_invite_leaves_the_session_as_it_was(void **state)
{
    struct call_bench *bench = *state;
    static char text[24000], line[17000];
    memset(line, 'z', sizeof(line) - 1);
    bench_invite(
        bench, &bench->udp,
        (struct sip_ask){.body = BENCH_OFFER, .extra = "Supported: timer\r\nSession-Expires: 1000;refresher=uac\r\n"});
    bench_ack(bench, &bench->udp);
    uint32_t version = bench->call->session_version;
    int len = snprintf(text, sizeof(text), "%s", sip_ask(&bench->asked, bench_in_dialog(bench, "INVITE", 2))->bytes.at);
    char *length = strstr(text, "Content-Length: 0");
    assert_true(len > 0 && length);
    static const char more[] =
        "Supported: timer\r\nSession-Expires: 90;refresher=uas\r\nContent-Type: application/sdp\r\n";
    snprintf(length, sizeof(text) - (size_t)(length - text), "%sContent-Length: %zu\r\n\r\n%sa=fmtp:0 %s\r\n", more,
             strlen(BENCH_OFFER) + strlen(line) + 11, BENCH_OFFER, line);
    struct sip_problem problem;
    assert_int_equal(sip_message_parse(&bench->heard.message, span_of(text), SIP_DATAGRAM, &problem), OK);
    assert_int_equal(txn_receive(bench->txns, &bench->heard.message, &bench->udp).class, TXN_NEW);
    assert_int_equal(call_receive(bench->calls, &bench->heard.message, &bench->udp, &bench->udp.remote), OK);
    assert_int_equal(bench_status(bench, -1), 513);
    assert_int_equal(bench->call->terms.interval_s, 1000);
    assert_false(bench->call->terms.is_ours);
    assert_int_equal(bench->call->session_version, version);
    assert_int_equal(call_state(bench->call), CALL_UP);
}

/* Descriptions that are right, but more than we read, or that we could not answer whole. */
static void test_a_description_beyond_our_limits(void **state)
{
    struct call_bench *bench = *state;
    char many[4096];
    struct buffer out = buffer_over(many, sizeof(many));
    buffer_add_literal(&out, SESSION);
    for (unsigned i = 0; i <= SDP_MEDIA_MAX; i++)
        buffer_add_literal(&out, "m=audio 4 RTP/AVP 0\r\n");
    buffer_add_byte(&out, '\0');
    assert_false(out.overflow);
    assert_int_equal(answer_with(bench, (struct sip_ask){.body = many}, CALL_SDP_INACTIVE, span_make(NULL, 0)),
                     ERR_UNSUPPORTED);
    struct call_bench *other = bench_new(0);
    offer_again(other, BENCH_OFFER, many);
    assert_int_equal(bench_status(other, -1), 488);
    assert_true(bench_has(other, -1, "Warning: 304 verdict \"more than 32 m= lines\"\r\n"));
    void *done = other;
    bench_teardown(&done);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_directions),
        TEST(test_an_offer_inside_a_multipart),
        TEST(test_a_body_of_the_policys_as_offer),
        TEST(test_a_held_up_loop_repeats_a_2xx_once),
        TEST(test_a_contact_without_a_host_of_ours),
        TEST(test_a_re_offer_that_ends_every_stream),
        TEST(test_an_offer_of_ours_keeps_the_streams),
        TEST(test_a_plain_session_costs_no_memory),
        TEST(test_a_body_of_the_policys_follows_the_offers),
        TEST(test_a_body_keeps_its_type),
        TEST(test_an_optional_body_is_left_unread),
        TEST(test_a_refused_re_invite_leaves_the_session_as_it_was),
        TEST(test_a_description_beyond_our_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
