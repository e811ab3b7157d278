/* SPDX-License-Identifier: Apache-2.0 */
/* From bytes to answer: RFC 3261 8.2 in its order, verdicts, the guard on every way that a 410 could come out wrongly. */
#include "support/cmocka_all.h"
#include "unit/engine/support_engine.h"
#include <stdio.h>
#include <stdlib.h>

static const char gone_policy[] =
    "return function(req) return gone { q850 = 22, error_info = \"sip:announce@example.com\" } end";
static const char ok_policy[] = "return function(req) return ok {} end";

static struct world world;

static void expect(unsigned code, const char *part)
{
    if (world_code(&world) != code)
        fail_msg("expected %u, got: %.200s", code, world_last(&world));
    if (part && !strstr(world_last(&world), part))
        fail_msg("expected \"%s\" in: %s", part, world_last(&world));
}

static void ask(const char *method, const char *uri, const char *call, const char *more)
{
    world_receive(&world, request_to(method, uri, call, more));
}

static void test_gone_without_a_directory(void **state)
{
    (void)state;
    world_open(&world, NULL, gone_policy);
    ask("INVITE", "sip:+15550101@192.0.2.9", "a", "");
    expect(410, "\r\nReason: Q.850;cause=22\r\n");
    expect(410, "\r\nError-Info: <sip:announce@example.com>\r\n");
    world_close(&world);
}

static void test_the_guard_overrules_the_script(void **state)
{
    (void)state;
    world_open(&world, NULL, gone_policy);
    world.lookup = OK;
    world.record = (struct policy_record){.state = POLICY_STATE_ACTIVE};
    ask("INVITE", "sip:a@192.0.2.9", "a", "");
    expect(480, NULL);
    assert_null(strstr(world_last(&world), "Q.850")); /* the script's cause would contradict it */
    world.record.state = POLICY_STATE_SUSPENDED;
    ask("INVITE", "sip:a@192.0.2.9", "b", "");
    expect(480, NULL);
    world.record = (struct policy_record){.state = POLICY_STATE_MOVED, .forward = SPAN("sip:new@example.net")};
    ask("INVITE", "sip:a@192.0.2.9", "c", "");
    expect(301, "\r\nContact: <sip:new@example.net>\r\n");
    world.record = (struct policy_record){.state = POLICY_STATE_GONE, .cause = 1};
    ask("INVITE", "sip:a@192.0.2.9", "d", "");
    expect(410, "\r\nReason: Q.850;cause=22\r\n");
    world.lookup = ERR_IO;
    ask("INVITE", "sip:a@192.0.2.9", "e", "");
    expect(503, "\r\nRetry-After: 30\r\n");
    assert_int_equal(metric_read(world.meters.guards[ENGINE_GUARD_KNOWN]), 2);
    assert_int_equal(metric_read(world.meters.guards[ENGINE_GUARD_UNREADABLE]), 1);
    world_close(&world);
}

static void test_strict_asks_for_a_ground(void **state)
{
    (void)state;
    struct engine_config config;
    assert_int_equal(engine_config_init(&config), OK);
    config.guard_strict = true;
    world_open(&world, &config, gone_policy);
    ask("INVITE", "sip:a@192.0.2.9", "a", "");
    expect(404, NULL);
    world.lookup = OK;
    world.record = (struct policy_record){.state = POLICY_STATE_GONE};
    ask("INVITE", "sip:a@192.0.2.9", "b", "");
    expect(410, NULL);
    world_close(&world);
}

static void test_no_410_out_of_an_error(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "return function(req) error('x') end",
        "return function(req) return nil + 1 end",
        "return function(req) while true do end end",
        "return function(req) return 410 end",
        "return function(req) return 'gone' end",
        "return function(req) return {} end",
        "return function(req) local t = {} for i = 1, 1e9 do t[i] = {} end return gone {} end",
    };
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        world_open(&world, NULL, broken[i]);
        ask("INVITE", "sip:a@192.0.2.9", "a", "");
        expect(500, NULL);
        ask("OPTIONS", "sip:a@192.0.2.9", "b", "");
        expect(500, NULL);
        world_close(&world);
    }
}

static void test_nothing_decided_is_404(void **state)
{
    (void)state;
    world_open(&world, NULL, "return function(req) return nil end");
    ask("INVITE", "sip:a@192.0.2.9", "a", "");
    expect(404, NULL);
    world_close(&world);
}

static void test_draining_is_503_never_410(void **state)
{
    (void)state;
    world_open(&world, NULL, gone_policy);
    world.core->draining = true;
    ask("INVITE", "sip:a@192.0.2.9", "a", "");
    expect(503, "Retry-After");
    ask("OPTIONS", "sip:192.0.2.9", "b", "");
    expect(503, "Retry-After");
    world.core->draining = false;
    engine_core_use(world.core, NULL, 0);
    ask("INVITE", "sip:a@192.0.2.9", "c", "");
    expect(503, "Retry-After");
    world_close(&world);
}

static void test_the_checks_in_their_order(void **state)
{
    (void)state;
    struct engine_config config;
    char domain[] = "example.com";
    assert_int_equal(engine_config_init(&config), OK);
    config.domains.items[config.domains.count++] = domain;
    world_open(&world, &config, ok_policy);
    ask("BREW", "sip:a@example.com", "b", "");
    expect(501, "\r\nAllow: INVITE");
    ask("REFER", "sip:a@example.com", "c", "Refer-To: <sip:b@example.com>\n");
    expect(405, "Allow");
    ask("BYE", "sip:a@example.com", "d", "");
    expect(481, NULL);
    ask("MESSAGE", "nobodyKnowsThis:totallyopaquecontent", "e", "");
    expect(416, NULL);
    ask("MESSAGE", "sip:a@elsewhere.example", "f", "Require: foo\n");
    expect(404, NULL);
    ask("MESSAGE", "sip:a@example.com", "g", "Require: foo, bar\n");
    expect(420, "\r\nUnsupported: foo, bar\r\n");
    ask("INVITE", "sip:a@EXAMPLE.com", "h", "Accept: text/plain\n");
    expect(406, NULL);
    ask("MESSAGE", "sip:a@192.0.2.9", "i", ""); /* our own address means the default domain */
    expect(200, NULL);
    world_close(&world);
}

static void test_a_body_that_must_be_understood(void **state)
{
    (void)state;
    static const char text[] =
        "INVITE sip:a@192.0.2.9 SIP/2.0\n"
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK%s\n"
        "From: <sip:c@example.org>;tag=1\nTo: <sip:a@192.0.2.9>\nCall-ID: %s\nCSeq: 1 INVITE\n"
        "Contact: <sip:c@192.0.2.1>\nContent-Type: application/unknown\n%sContent-Length: 3\n\nabc";
    char message[1024];
    world_open(&world, NULL, ok_policy);
    snprintf(message, sizeof(message), text, "a", "a", "");
    world_receive(&world, message);
    expect(415, "\r\nAccept: application/sdp\r\n");
    snprintf(message, sizeof(message), text, "b", "b", "Content-Encoding: gzip\n");
    world_receive(&world, message);
    expect(415, "Accept-Encoding");
    world_close(&world);
}

static void test_an_over_long_require_is_refused(void **state)
{
    (void)state;
    char header[800] = "Require: ";
    memset(header + 9, 'a', 700);
    memcpy(header + 709, "\n", 2);
    world_open(&world, NULL, gone_policy);
    ask("INVITE", "sip:a@192.0.2.9", "a", header);
    expect(420, NULL);
    ask("OPTIONS", "sip:a@192.0.2.9", "b", header);
    expect(420, NULL);
    ask("OPTIONS", "sip:192.0.2.9", "c", "Require: x\n");
    expect(420, "\r\nUnsupported: x\r\n");
    world_close(&world);
}

static void test_a_contact_that_is_no_sip_uri_opens_no_dialog(void **state)
{
    (void)state;
    char message[4096];
    world_open(&world, NULL, ok_policy);
    snprintf(message, sizeof(message), "%s", request_to("INVITE", "sip:a@192.0.2.9", "a", ""));
    memcpy(strstr(message, "<sip:caller@192.0.2.1>"), "<http:caller@192.0.2.>", 22);
    world_receive(&world, message);
    expect(400, "Contact");
    assert_int_equal(call_table_count(world.core->calls), 0);
    world_close(&world);
}

static void test_a_stream_that_lost_its_framing_is_told_why(void **state)
{
    (void)state;
    static const struct sip_problem problem = {400, "Content-Length", "it is missing", 0};
    static const char text[] = "OPTIONS sip:a@192.0.2.9 SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKa\r\n"
                               "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: a\r\nCSeq: 1 OPTIONS\r\n\r\n";
    struct net_flow flow = {.transport = NET_TCP};
    world_open(&world, NULL, ok_policy);
    struct span told = engine_core_refuse_stream(world.core, &flow, SPAN(text), &problem);
    assert_true(
        span_starts_with(told, SPAN("SIP/2.0 400 Content-Length: it is missing\r\nVia: SIP/2.0/TCP 192.0.2.1")));
    told = engine_core_refuse_stream(world.core, &flow, SPAN("ACK sip:a SIP/2.0\r\n\r\n"), &problem);
    assert_int_equal(told.len, 0);
    told = engine_core_refuse_stream(world.core, &flow, SPAN("noise\r\n\r\n"), &problem);
    assert_int_equal(told.len, 0);
    world_close(&world);
}

static void test_heartbeats_are_c_s_own(void **state)
{
    (void)state;
    world_open(&world, NULL, gone_policy);
    ask("OPTIONS", "sip:192.0.2.9", "a", "");
    expect(200, "Allow");
    ask("OPTIONS", "sip:a@192.0.2.9", "b", "");
    expect(410, NULL);
    world_close(&world);
}

static void test_ack_and_noise_get_silence(void **state)
{
    (void)state;
    world_open(&world, NULL, ok_policy);
    ask("ACK", "sip:a@192.0.2.9", "a", "");
    expect(0, NULL);
    world_receive(&world, "\n\n");
    expect(0, NULL);
    world_receive(&world, "SIP/2.0 200 OK\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx\nFrom: <sip:a@b>;tag=1\n"
                          "To: <sip:a@b>;tag=2\nCall-ID: x\nCSeq: 1 BYE\nContent-Length: 0\n\n");
    expect(0, NULL);
    world_receive(&world, "INVITE sip:a@192.0.2.9 SIP/2.0\nFrom: <sip:a@b>\n\n");
    expect(0, NULL);
    world_receive(&world, "ACK sip:a@192.0.2.9 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKy\nCSeq: x ACK\n\n");
    expect(0, NULL);
    world_close(&world);
}

static void test_malformed_is_400_with_its_reason(void **state)
{
    (void)state;
    world_open(&world, NULL, ok_policy);
    ask("OPTIONS", "sip:a@192.0.2.9", "a", "Content-Length: 5\n");
    expect(400, "SIP/2.0 400 Content-Length: ");
    world_close(&world);
}

static void test_the_same_bytes_for_a_retransmission(void **state)
{
    (void)state;
    char first[SENT_BYTES];
    world_open(&world, NULL, gone_policy);
    for (int i = 0; i < 2; i++) {
        const char *method = i ? "MESSAGE" : "INVITE";
        ask(method, "sip:a@192.0.2.9", i ? "m" : "i", "");
        expect(410, NULL);
        snprintf(first, sizeof(first), "%s", world_last(&world));
        world.lookup = ERR_IO; /* what is known changes; the answer does not */
        ask(method, "sip:a@192.0.2.9", i ? "m" : "i", "");
        assert_string_equal(world_last(&world), first);
        world.lookup = ERR_NOT_FOUND;
    }
    world_close(&world);
}

static void test_options_are_a_pure_function(void **state)
{
    (void)state;
    char first[SENT_BYTES];
    world_open(&world, NULL, ok_policy);
    ask("OPTIONS", "sip:a@192.0.2.9", "a", "");
    expect(200, "\r\nAccept: application/sdp\r\n");
    snprintf(first, sizeof(first), "%s", world_last(&world));
    ask("OPTIONS", "sip:a@192.0.2.9", "a", "");
    assert_string_equal(world_last(&world), first);
    struct txn_census census;
    txn_table_census(world.core->txns, &census);
    assert_int_equal(census.servers, 0);
    world_close(&world);
}

static void test_merged_requests_are_482(void **state)
{
    (void)state;
    char other[4096];
    world_open(&world, NULL, ok_policy);
    ask("INVITE", "sip:a@192.0.2.9", "a", "");
    expect(200, NULL);
    snprintf(other, sizeof(other), "%s", request_to("INVITE", "sip:a@192.0.2.9", "a", ""));
    memcpy(strstr(other, "z9hG4bKa"), "z9hG4bKb", 8);
    world_receive(&world, other);
    expect(482, NULL);
    world_close(&world);
}

static void test_moved_needs_an_address(void **state)
{
    (void)state;
    world_open(&world, NULL, "return function(req) return moved {} end");
    ask("INVITE", "sip:a@192.0.2.9", "a", "");
    expect(404, NULL);
    world.lookup = OK;
    world.record = (struct policy_record){.state = POLICY_STATE_MOVED, .forward = SPAN("sip:new@example.net")};
    ask("INVITE", "sip:a@192.0.2.9", "b", "");
    expect(301, "Contact: <sip:new@example.net>");
    world.lookup = ERR_CORRUPT;
    ask("INVITE", "sip:a@192.0.2.9", "c", "");
    expect(503, NULL);
    world_close(&world);
}

static void test_verdicts_on_the_wire(void **state)
{
    (void)state;
    static const struct {
        const char *policy;
        unsigned code;
        const char *part;
    } cases[] = {
        {"return function(req) return redirect { contact = 'sip:x@example.net' } end", 302,
         "Contact: <sip:x@example.net>"},
        {"return function(req) return not_found {} end", 404, NULL},
        {"return function(req) return unavailable { retry_after = 60 } end", 480, "Retry-After: 60"},
        {"return function(req) return reject(486) {} end", 486, NULL},
        {"return function(req) return reject(603) { reason = 'Not today' } end", 603, "SIP/2.0 603 Not today"},
        {"return function(req) return drop end", 0, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        world_open(&world, NULL, cases[i].policy);
        ask("INVITE", "sip:a@192.0.2.9", "a", "");
        expect(cases[i].code, cases[i].part);
        world_close(&world);
    }
}

static void test_a_directory_that_cannot_be_read_is_503(void **state)
{
    (void)state;
    world_open(&world, NULL,
               "return policy { name = 't', default = not_found {}, on_error = reject(500) {},"
               " rules = { { 'known', when = { state = 'active' }, verdict = ok {} } } }");
    world.lookup = ERR_AGAIN;
    ask("INVITE", "sip:a@192.0.2.9", "a", "");
    expect(503, "Retry-After");
    ask("OPTIONS", "sip:a@192.0.2.9", "b", "");
    expect(503, "Retry-After");
    world_close(&world);
}

static void test_answers_go_where_18_2_2_says(void **state)
{
    (void)state;
    world_open(&world, NULL, ok_policy);
    ask("OPTIONS", "sip:a@192.0.2.9", "a", "");
    assert_int_equal(world.sent_to[0].remote.port, 5060);
    world_receive(&world, "OPTIONS sip:a@192.0.2.9 SIP/2.0\nVia: SIP/2.0/UDP nat.example:7000;branch=z9hG4bKb\n"
                          "From: <sip:a@b>;tag=1\nTo: <sip:a@192.0.2.9>\nCall-ID: b\nCSeq: 1 OPTIONS\n\n");
    assert_int_equal(world.sent_to[0].remote.port, 7000);
    assert_non_null(strstr(world_last(&world), ";received=192.0.2.1"));
    world_receive(&world, "OPTIONS sip:a@192.0.2.9 SIP/2.0\nVia: SIP/2.0/UDP nat.example:7000;branch=z9hG4bKc;rport\n"
                          "From: <sip:a@b>;tag=1\nTo: <sip:a@192.0.2.9>\nCall-ID: c\nCSeq: 1 OPTIONS\n\n");
    assert_int_equal(world.sent_to[0].remote.port, 5060);
    assert_non_null(strstr(world_last(&world), ";rport=5060"));
    world_close(&world);
}

static void test_unacknowledged_answers_are_capped(void **state)
{
    (void)state;
    struct engine_config config;
    assert_int_equal(engine_config_init(&config), OK);
    config.max_unacknowledged = 4;
    world_open(&world, &config, gone_policy);
    unsigned refused = 0;
    for (int i = 0; i < 20; i++) {
        char call[16];
        snprintf(call, sizeof(call), "c%d", i);
        ask("INVITE", "sip:a@192.0.2.9", call, "");
        refused += world_code(&world) == 503;
        if (world_code(&world) == 503)
            assert_null(strstr(world_last(&world), "Retry-After")); /* this source, not the whole server */
    }
    assert_int_equal(refused, 16);
    world_close(&world);
}

static void test_on_ack_missing_is_told_after_the_fact(void **state)
{
    (void)state;
    world_open(&world, NULL, gone_policy);
    ask("INVITE", "sip:a@192.0.2.9", "a", "");
    expect(410, NULL);
    for (int i = 0; i < 400; i++)
        world_advance(&world, 100);
    assert_int_equal(metric_read(world.meters.no_acks), 1);
    assert_true(engine_core_is_idle(world.core));
    world_close(&world);
}

/* What the handlers saw is asked for by a MESSAGE, in the reason of its answer. */
static const char calls_policy[] =
    "return policy { on_error = reject(500) {}, default = not_found {},\n"
    "shared = { n = counter { ttl = 3600 }, seen = map { ttl = 3600 } },\n"
    "rules = { { 'call', when = { method = 'INVITE' }, decide = function(req)\n"
    "    return ok { headers = { ['X-Said'] = 'said-' .. req.call_id } } end },\n"
    "  { 'ask', decide = function(req, env)\n"
    "    return reject(486) { reason = env.n:get('start') .. ' ' .. env.n:get('end') .. ' ' .. (env.seen:get('last') "
    "or '') }\n"
    "  end } },\n"
    "on_call_start = function(call, env) env.n:incr('start')\n"
    "  env.seen:set('last', call.id .. ' ' .. call.from .. ' ' .. call.source.transport) return gone {} end,\n"
    "on_call_end = function(call, env) env.n:incr('end') env.seen:set('last', call.reason) error 'boom' end }";

static void test_calls_are_told_of(void **state)
{
    (void)state;
    world_open(&world, NULL, calls_policy);
    ask("INVITE", "sip:a@192.0.2.9", "a", "");
    expect(200, "\r\nX-Said: said-a@example.org\r\n");
    assert_string_equal(world.core->last.decision.rule, "call"); /* what was decided is what is reported */
    assert_int_equal(world.core->last.verdict, POLICY_OK);
    assert_int_equal(world.sent_count, 1);
    ask("MESSAGE", "sip:a@192.0.2.9", "b", "");
    expect(486, "SIP/2.0 486 1 0 a@example.org sip:caller@example.org udp\r\n");
    for (int i = 0; i < 2000; i++) /* no ACK: the call ends */
        world_advance(&world, 100);
    assert_true(engine_core_is_idle(world.core));
    ask("MESSAGE", "sip:a@192.0.2.9", "c", "");
    expect(486, "SIP/2.0 486 1 1 no_ack\r\n");
    assert_int_equal(metric_read(world.meters.failures[POLICY_FAILED_ERROR]), 1);
    world_close(&world);
}

static struct span as_wire(const char *message, char *wire, size_t cap)
{
    struct buffer bytes = buffer_over(wire, cap);
    for (const char *at = message; *at; at++) {
        if (*at == '\n')
            buffer_add_byte(&bytes, '\r');
        buffer_add_byte(&bytes, *at);
    }
    assert_false(bytes.overflow);
    return buffer_span(&bytes);
}

/* What was read together is handled as if each had come alone: a copy finds the transaction that the first one opened, and
 * what is wrong with one message is nobody else's. */
static void test_a_group_is_handled_in_order(void **state)
{
    static const unsigned codes[] = {410, 410, 400, 410, 410};
    static char wires[5][4096];
    (void)state;
    world_open(&world, NULL, gone_policy);
    const char *invite = request_to("INVITE", "sip:a@192.0.2.9", "a", "");
    const char *messages[] = {invite, invite, request_to("MESSAGE", "sip:a@192.0.2.9", "b", "Max-Forwards: x\n"),
                              request_to("OPTIONS", "sip:a@192.0.2.9", "c", ""),
                              request_to("MESSAGE", "sip:a@192.0.2.9", "d", "")};
    const struct net_flow flow = {
        .transport = NET_UDP,
        .remote = {.ip = {192, 0, 2, 1}, .port = 5060, .family = NET_FAMILY_IP4},
        .local = {.ip = {192, 0, 2, 9}, .port = 5060, .family = NET_FAMILY_IP4},
    };
    world.sent_count = 0;
    for (unsigned i = 0; i < 5; i++)
        engine_core_read(world.core, i, as_wire(messages[i], wires[i], sizeof(wires[i])), SIP_DATAGRAM);
    for (unsigned i = 0; i < 5; i++) {
        engine_core_handle(world.core, i, &flow);
        assert_int_equal(world.sent_count, i + 1);
        expect(codes[i], NULL);
    }
    assert_string_equal(world.sent[0], world.sent[1]);
    assert_non_null(strstr(world.sent[3], "\r\nCall-ID: c@example.org\r\n"));
    assert_non_null(strstr(world.sent[4], "\r\nCall-ID: d@example.org\r\n"));
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gone_without_a_directory),
        cmocka_unit_test(test_the_guard_overrules_the_script),
        cmocka_unit_test(test_strict_asks_for_a_ground),
        cmocka_unit_test(test_no_410_out_of_an_error),
        cmocka_unit_test(test_nothing_decided_is_404),
        cmocka_unit_test(test_draining_is_503_never_410),
        cmocka_unit_test(test_the_checks_in_their_order),
        cmocka_unit_test(test_a_body_that_must_be_understood),
        cmocka_unit_test(test_an_over_long_require_is_refused),
        cmocka_unit_test(test_a_contact_that_is_no_sip_uri_opens_no_dialog),
        cmocka_unit_test(test_a_stream_that_lost_its_framing_is_told_why),
        cmocka_unit_test(test_heartbeats_are_c_s_own),
        cmocka_unit_test(test_ack_and_noise_get_silence),
        cmocka_unit_test(test_malformed_is_400_with_its_reason),
        cmocka_unit_test(test_the_same_bytes_for_a_retransmission),
        cmocka_unit_test(test_options_are_a_pure_function),
        cmocka_unit_test(test_merged_requests_are_482),
        cmocka_unit_test(test_moved_needs_an_address),
        cmocka_unit_test(test_verdicts_on_the_wire),
        cmocka_unit_test(test_a_directory_that_cannot_be_read_is_503),
        cmocka_unit_test(test_answers_go_where_18_2_2_says),
        cmocka_unit_test(test_unacknowledged_answers_are_capped),
        cmocka_unit_test(test_on_ack_missing_is_told_after_the_fact),
        cmocka_unit_test(test_calls_are_told_of),
        cmocka_unit_test(test_a_group_is_handled_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
