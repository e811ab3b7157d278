/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy may say about a call, and what it never can. */
#include "support/cmocka_all.h"
#include "unit/engine/support_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each line end becomes CR LF on its way. */
#define OFFER "v=0\no=a 1 1 IN IP4 192.0.2.9\ns=-\nc=IN IP4 192.0.2.9\nt=0 0\nm=audio 4000 RTP/AVP 0\n"
enum { OFFER_LEN = sizeof(OFFER) - 1 + 6 };

static struct world *world;

static int setup(void **state)
{
    (void)state;
    world = calloc(1, sizeof(*world));
    assert_non_null(world);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_close(world);
    free(world);
    return 0;
}

/* With an offer, so that the ACK needs no answer. */
static void invite(const char *call, const char *more)
{
    char text[1024];
    snprintf(text, sizeof(text),
             "INVITE sip:alice@example.com SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-%s\n"
             "Max-Forwards: 70\nFrom: <sip:caller@example.com>;tag=f%s\nTo: <sip:alice@example.com>\n"
             "Call-ID: %s@example.org\nCSeq: 1 INVITE\nContact: <sip:caller@192.0.2.1>\n%s"
             "Content-Type: application/sdp\nContent-Length: %d\n\n%s",
             call, call, call, more, OFFER_LEN, OFFER);
    world_receive(world, text);
}

/* An INVITE that gets its 200 and its ACK; `more` are header lines.  The To tag goes into `tag`. */
static void call_up(const char *call, const char *more, char tag[64])
{
    char text[512];
    invite(call, more);
    assert_int_equal(world_code(world), 200);
    const char *to = strstr(world_last(world), "\r\nTo: ");
    assert_non_null(to);
    assert_int_equal(sscanf(strstr(to, ";tag="), ";tag=%63[^\r;]", tag), 1);
    snprintf(text, sizeof(text),
             "ACK sip:verdict@192.0.2.9 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-%s-ack\n"
             "Max-Forwards: 70\nFrom: <sip:caller@example.com>;tag=f%s\nTo: <sip:alice@example.com>;tag=%s\n"
             "Call-ID: %s@example.org\nCSeq: 1 ACK\nContent-Length: 0\n\n",
             call, call, tag, call);
    world_receive(world, text);
}

/* A request in that call. */
static void in_call(const char *method, unsigned cseq, const char *call, const char *tag, const char *more)
{
    char text[2048];
    snprintf(text, sizeof(text),
             "%s sip:verdict@192.0.2.9 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-%s-%u\n"
             "Max-Forwards: 70\nFrom: <sip:caller@example.com>;tag=f%s\nTo: <sip:alice@example.com>;tag=%s\n"
             "Call-ID: %s@example.org\nCSeq: %u %s\nContact: <sip:caller@192.0.2.1>\n%s\n",
             method, call, cseq, call, tag, call, cseq, method, *more ? more : "Content-Length: 0\n");
    world_receive(world, text);
}

static void a_session_timer_is_agreed_on_or_refused(void **state)
{
    (void)state;
    char tag[64];
    world_open(world, NULL, "return function(req) return ok {} end");
    call_up("c1", "Supported: timer\n", tag);
    world_receive(world,
                  request_to("INVITE", "sip:alice@example.com", "c2", "Supported: timer\nSession-Expires: 60\n"));
    assert_int_equal(world_code(world), 422);
    assert_non_null(strstr(world_last(world), "\r\nMin-SE: 90\r\n"));
    world_receive(world, request_to("INVITE", "sip:alice@example.com", "c3", "Require: timer\nSession-Expires: 90\n"));
    assert_int_equal(world_code(world), 200);
    assert_non_null(strstr(world_last(world), "\r\nSession-Expires: 90;refresher=uac\r\n"));
}

static void what_is_refused_anyway_is_not_422(void **state)
{
    (void)state;
    world_open(world, NULL, "return function(req) return gone { evidence = 'x' } end");
    world->lookup = ERR_NOT_FOUND;
    world_receive(world,
                  request_to("INVITE", "sip:alice@example.com", "c1", "Supported: timer\nSession-Expires: 60\n"));
    assert_int_equal(world_code(world), 410);
}

static void a_user_retired_in_mid_call_can_go_on_talking(void **state)
{
    (void)state;
    char tag[64];
    world_open(
        world, NULL,
        "return function(req) if req.state == 'gone' then return gone {} end return ok { session_expires = 90 } end");
    world->lookup = OK;
    world->record = (struct policy_record){.state = POLICY_STATE_ACTIVE};
    call_up("c1", "Supported: timer\nSession-Expires: 200;refresher=uac\n", tag);
    world->record.state = POLICY_STATE_GONE;
    unsigned lookups = world->lookups;
    in_call("UPDATE", 2, "c1", tag, "Supported: timer\nSession-Expires: 200;refresher=uac\nContent-Length: 0\n");
    assert_int_equal(world_code(world), 200);
    in_call("INVITE", 3, "c1", tag, "Supported: timer\nSession-Expires: 200;refresher=uac\nContent-Length: 0\n");
    assert_int_equal(world_code(world), 200);
    assert_int_equal(world->lookups, lookups); /* nobody is asked */
    world_receive(world, request_to("INVITE", "sip:alice@example.com", "c2", ""));
    assert_int_equal(world_code(world), 410);
}

static void a_call_is_hung_up_after_a_while(void **state)
{
    (void)state;
    char tag[64];
    world_open(world, NULL, "return function(req) return ok { hangup_after = 5 } end");
    call_up("c1", "", tag);
    (void)world_code(world);
    world_advance(world, 4999);
    assert_string_equal(world_last(world), "");
    world_advance(world, 1);
    assert_int_equal(strncmp(world_last(world), "BYE ", 4), 0);
    assert_non_null(strstr(world_last(world), "\r\nReason: Q.850;cause=16;text=\"Time is up\"\r\n"));
}

static void early_media_comes_in_a_183(void **state)
{
    (void)state;
    world_open(world, NULL, "return function(req) return ok { ring = 2, progress = true } end");
    invite("c1", "Supported: 100rel\n");
    assert_int_equal(world_code(world), 183);
    assert_non_null(strstr(world_last(world), "\r\nRSeq: "));
    assert_non_null(strstr(world_last(world), "m=audio 9 RTP/AVP 0\r\n"));
}

static const char asked_policy[] =
    "return policy { name = 'asked', on_error = reject(500) {}, default = ok {}, rules = {},\n"
    "  on_request = function(req, call, env)\n"
    "    if not req.in_dialog or req.target.user ~= 'alice' then error('whose?') end\n"
    "    if req.method == 'MESSAGE' then return ok { headers = { ['X-Heard'] = req.body, ['X-Call'] = call.id } } end\n"
    "    if req.method == 'INFO' then\n"
    "      local code = tonumber(req:header 'X-Code')\n"
    "      if code then return reject(code) { reason = 'Not now' } end\n"
    "      if req:header 'X-Gone' then return gone {} end\n"
    "      if req:header 'X-Loop' then while true do end end\n"
    "    end\n"
    "    if req.method == 'OPTIONS' or req.method == 'REFER' then return ok {} end\n"
    "  end }";

static void requests_in_a_call_are_the_policys_to_answer(void **state)
{
    (void)state;
    char tag[64];
    world_open(world, NULL, asked_policy);
    call_up("c1", "", tag);
    in_call("MESSAGE", 2, "c1", tag, "Content-Type: text/plain\nContent-Length: 5\n\nhello");
    assert_int_equal(world_code(world), 200);
    assert_non_null(strstr(world_last(world), "\r\nX-Call: c1@example.org\r\nX-Heard: hello\r\n"));
    in_call("INFO", 3, "c1", tag, "X-Code: 486\nContent-Length: 0\n");
    assert_int_equal(world_code(world), 486);
    assert_non_null(strstr(world_last(world), " 486 Not now\r\n"));
    in_call("INFO", 4, "c1", tag, ""); /* nil: as the engine would */
    assert_int_equal(world_code(world), 200);
    in_call("OPTIONS", 5, "c1", tag, "");
    assert_int_equal(world_code(world), 200);
    assert_non_null(strstr(world_last(world), "\r\nAllow: INVITE"));
    /* Nobody here transfers, or tells of it; who does not want to hear of it may have a 200 (RFC 4488). */
    in_call("REFER", 6, "c1", tag, "Refer-To: <sip:bob@example.com>\nContent-Length: 0\n");
    assert_int_equal(world_code(world), 603);
    in_call("REFER", 7, "c1", tag, "Refer-To: <sip:bob@example.com>\nRefer-Sub: false\nContent-Length: 0\n");
    assert_int_equal(world_code(world), 200);
    assert_non_null(strstr(world_last(world), "\r\nRefer-Sub: false\r\n"));
    /* BYE is nobody's but the peer's. */
    in_call("BYE", 8, "c1", tag, "");
    assert_int_equal(world_code(world), 200);
    assert_int_equal(call_table_count(world->core->calls), 0);
}

static void no_script_ends_a_dialog_by_an_answer(void **state)
{
    (void)state;
    char tag[64], more[64];
    static const int fatal[] = {404, 405, 408, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 502, 604};
    world_open(world, NULL, asked_policy);
    call_up("c1", "", tag);
    unsigned cseq = 2;
    for (size_t i = 0; i < sizeof(fatal) / sizeof(*fatal); i++) {
        snprintf(more, sizeof(more), "X-Code: %d\nContent-Length: 0\n", fatal[i]);
        in_call("INFO", cseq++, "c1", tag, more);
        assert_int_equal(world_code(world), 200); /* what the engine says by itself */
    }
    in_call("INFO", cseq++, "c1", tag, "X-Gone: 1\nContent-Length: 0\n");
    assert_int_equal(world_code(world), 200);
    /* Bounded like everything else, and set aside when it costs too much too often. */
    for (unsigned i = 0; i < 2 * POLICY_KILLS_MAX; i++) {
        in_call("INFO", cseq++, "c1", tag, "X-Loop: 1\nContent-Length: 0\n");
        assert_int_equal(world_code(world), 200);
    }
    in_call("INFO", cseq++, "c1", tag, "X-Code: 486\nContent-Length: 0\n");
    assert_int_equal(world_code(world), 200);
    world_receive(world, request_to("INVITE", "sip:alice@example.com", "c2", "")); /* decisions go on */
    assert_int_equal(world_code(world), 200);
}

static void calls_are_capped_a_user_and_in_all(void **state)
{
    (void)state;
    char tag[64];
    struct engine_config config;
    assert_int_equal(engine_config_init(&config), OK);
    config.max_calls = 4;
    config.max_calls_per_user = 2;
    world_open(world, &config,
               "return function(req) return ok { ring = req.target.user == 'ringing' and 60 or nil } end");
    call_up("c1", "", tag);
    invite("c2", "");
    assert_int_equal(world_code(world), 200);
    invite("c3", "");
    assert_int_equal(world_code(world), 486);
    assert_null(strstr(world_last(world), "Retry-After"));
    /* One that is over makes room. */
    in_call("BYE", 2, "c1", tag, "");
    invite("c4", "");
    assert_int_equal(world_code(world), 200);
    /* Ringing ones count, other users have their own, and all together have an end. */
    world_receive(world, request_to("INVITE", "sip:ringing@example.com", "c5", ""));
    assert_int_equal(world_code(world), 180);
    world_receive(world, request_to("INVITE", "sip:ringing@example.com", "c6", ""));
    assert_int_equal(world_code(world), 180);
    world_receive(world, request_to("INVITE", "sip:carol@example.com", "c7", ""));
    assert_int_equal(world_code(world), 503);
    assert_null(strstr(world_last(world), "Retry-After"));
    /* What comes to nothing is not counted. */
    assert_int_equal(facts_gauge_total(world->gauge), 4);
    world_receive(world, request_to("CANCEL", "sip:ringing@example.com", "c6", ""));
    assert_int_equal(facts_gauge_total(world->gauge), 3);
    world_receive(world, request_to("INVITE", "sip:carol@example.com", "c8", "Content-Type: application/sdp\n"));
    assert_int_equal(facts_gauge_total(world->gauge), 4);
}

/* A description that could not be answered whole is the caller's to shorten: 503 would send it to another server. */
static void an_offer_whose_answer_would_be_too_long_is_513(void **state)
{
    (void)state;
    static char text[24000];
    char line[17000];
    memset(line, 'z', sizeof(line));
    int len = (int)sizeof(line);
    world_open(world, NULL, "return function(req) return ok {} end");
    snprintf(text, sizeof(text),
             "INVITE sip:alice@example.com SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-long\n"
             "Max-Forwards: 70\nFrom: <sip:caller@example.com>;tag=f\nTo: <sip:alice@example.com>\n"
             "Call-ID: long@example.org\nCSeq: 1 INVITE\nContact: <sip:caller@192.0.2.1>\n"
             "Content-Type: application/sdp\nContent-Length: %d\n\n%sa=fmtp:0 %.*s\n",
             OFFER_LEN + len + 11, OFFER, len, line);
    world_receive(world, text);
    assert_int_equal(world_code(world), 513);
    assert_int_equal(facts_gauge_total(world->gauge), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_session_timer_is_agreed_on_or_refused),
        TEST(what_is_refused_anyway_is_not_422),
        TEST(a_user_retired_in_mid_call_can_go_on_talking),
        TEST(a_call_is_hung_up_after_a_while),
        TEST(early_media_comes_in_a_183),
        TEST(requests_in_a_call_are_the_policys_to_answer),
        TEST(no_script_ends_a_dialog_by_an_answer),
        TEST(calls_are_capped_a_user_and_in_all),
        TEST(an_offer_whose_answer_would_be_too_long_is_513),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
