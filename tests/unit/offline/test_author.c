/* SPDX-License-Identifier: Apache-2.0 */
/* A policy's own tests through the engine: what only a test can say, lost ACKs in virtual time, coverage, JUnit. */
#include "offline/offline_check.h"
#include "offline/offline_explain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[64];

static void write_file(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    fclose(file);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(root, sizeof(root), "/tmp/verdict-author-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", root);
    return system(command);
}

static struct offline_test_result run(enum err expected, bool coverage, char *text, size_t cap, char *junit)
{
    struct buffer out = buffer_over(text, cap - 1);
    struct buffer xml = buffer_over(junit ? junit : text, junit ? cap - 1 : 0);
    struct offline_test_result result;
    const struct offline_test_ask ask = {.path = root, .out = &out, .junit = junit ? &xml : NULL, .coverage = coverage};
    enum err err = offline_test_policy(&ask, &result);
    text[out.len] = '\0';
    if (junit)
        junit[xml.len] = '\0';
    if (err != expected)
        fail_msg("%s: %s", err_text(err), text);
    return result;
}

static void lost_acks(void **state)
{
    (void)state;
    char text[4096];
    write_file("policy.lua", "return policy { on_error = reject(500) {}, default = not_found {},\n"
                             "  on_ack_missing = function(call)\n"
                             "    if call.code == 404 then error 'no' end\n"
                             "    log.info(call.id)\n"
                             "  end,\n"
                             "  rules = { { 'gone', when = { user = 'g' }, verdict = gone {} },\n"
                             "            { 'ok', when = { user = 'o' }, verdict = ok {} } } }\n");
    write_file("test.lua",
               "local function call(user) return { uri = 'sip:' .. user .. '@example.com', body = "
               "'v=0\\r\\no=- 1 1 IN IP4 192.0.2.1\\r\\ns=-\\r\\nc=IN IP4 192.0.2.1\\r\\nt=0 0\\r\\n"
               "m=audio 4000 RTP/AVP 0\\r\\n' } end\n"
               "return {\n"
               "{ 'a lost ACK of a 410', request = call 'g', ack = false,\n"
               "  expect = { code = 410, rule = 'gone', sent = 11, on_ack_missing = true, bye = false } },\n"
               "{ 'a lost ACK of a 200', request = call 'o', ack = false,\n"
               "  expect = { code = 200, rule = 'ok', sent = 11, on_ack_missing = true, bye = true } },\n"
               "{ 'a handler that fails', request = call 'x', ack = false,\n"
               "  expect = { code = 404, sent = 11, on_ack_missing = false } },\n"
               "{ 'nobody waits', request = call 'g', expect = { code = 410, sent = 1, on_ack_missing = false } },\n"
               "}\n");
    struct offline_test_result result = run(OK, false, text, sizeof(text), NULL);
    assert_int_equal(result.passed, 4);
    write_file("test.lua", "return { { 'wrong', request = { uri = 'sip:g@example.com' }, ack = false,\n"
                           "  expect = { on_ack_missing = false, sent = 3 } } }\n");
    result = run(ERR_CONFLICT, false, text, sizeof(text), NULL);
    assert_int_equal(result.failed, 1);
    assert_non_null(strstr(text, "got 11"));
    assert_non_null(strstr(text, "expected on_ack_missing \"false\", got \"true\""));
    write_file("test.lua", "return { { 'wrong', request = { uri = 'sip:g@example.com' }, ack = true,\n"
                           "  expect = { code = 410 } } }\n");
    (void)run(ERR_INVALID, false, text, sizeof(text), NULL);
    assert_non_null(strstr(text, "only false means something"));
    write_file("test.lua", "return { { 'wrong', request = { uri = 'sip:g@example.com' }, expect = { bye = 1 } } }\n");
    (void)run(ERR_INVALID, false, text, sizeof(text), NULL);
    assert_non_null(strstr(text, "bye: expected true or false"));
}

static void what_only_a_test_says(void **state)
{
    (void)state;
    char text[4096];
    write_file("policy.lua", "return policy { on_error = reject(500) {}, default = not_found {}, rules = {\n"
                             "  { 'auth', when = { authenticated_as = 'alice' }, verdict = ok {} },\n"
                             "  { 'dialog', when = { in_dialog = true }, verdict = gone {} },\n"
                             "  { 'said', when = { identity = 'sip:boss@example.com' }, verdict = reject(486) {} },\n"
                             "  { 'vouched', when = { identity = 'sip:bob@example.com' }, verdict = unavailable {} },\n"
                             "} }\n");
    write_file("test.lua", "local r = { uri = 'sip:x@example.com' }\n"
                           "local p = { uri = 'sip:x@example.com', headers = "
                           "{ 'P-Asserted-Identity: \"Bob\" <sip:bob@example.com>' } }\n"
                           "return {\n"
                           "{ 'auth', request = r, authenticated_as = 'alice', expect = { rule = 'auth' } },\n"
                           "{ 'dialog', request = r, in_dialog = true, expect = { rule = 'dialog' } },\n"
                           "{ 'said', request = r, source = { identity = 'sip:boss@example.com', trusted = true },\n"
                           "  expect = { rule = 'said' } },\n"
                           "{ 'vouched', request = p, source = { trusted = true }, expect = { rule = 'vouched' } },\n"
                           "{ 'anybody', request = p, expect = { rule = 'default' } },\n"
                           "}\n");
    struct offline_test_result result = run(OK, false, text, sizeof(text), NULL);
    assert_int_equal(result.passed, 5);
}

static void requests_in_calls(void **state)
{
    (void)state;
    char text[4096];
    write_file("policy.lua", "return policy { on_error = reject(500) {}, default = ok {}, rules = {\n"
                             "  { 'late', when = { user = 'late' }, verdict = ok { ring = 3 } },\n"
                             "  { 'gone', when = { user = 'gone' }, verdict = gone {} } },\n"
                             "  on_request = function(req, call)\n"
                             "    if req.body == 'boom' then error 'boom' end\n"
                             "    if req.method == 'MESSAGE' then return ok { reason = call.from } end\n"
                             "    if req:header 'X-No' then return reject(488) { reason = 'No' } end\n"
                             "    if req.method == 'REFER' then return ok {} end\n"
                             "  end }\n");
    write_file(
        "test.lua",
        "local function r(user) return { uri = 'sip:' .. user .. '@example.com' } end\n"
        "local offer = { uri = 'sip:x@example.com', body = 'v=0\\r\\no=- 1 1 IN IP4 192.0.2.1\\r\\ns=-\\r\\n"
        "c=IN IP4 192.0.2.1\\r\\nt=0 0\\r\\nm=audio 4000 RTP/AVP 0\\r\\n' }\n"
        "return {\n"
        "{ 'heard', request = r 'x', in_call = { method = 'MESSAGE', body = 'hi' },\n"
        "  expect = { code = 200, verdict = 'ok', rule = 'on_request', reason = 'sip:tester@client.example' } },\n"
        "{ 'with an offer', request = offer, in_call = { method = 'MESSAGE', body = 'hi' },\n"
        "  expect = { code = 200, rule = 'on_request' } },\n"
        "{ 'after ringing', request = r 'late', in_call = { method = 'INFO', headers = { ['X-No'] = '1' } },\n"
        "  expect = { code = 488, verdict = 'reject', rule = 'on_request', reason = 'No' } },\n"
        "{ 'the engine', request = r 'x', in_call = { method = 'OPTIONS' }, expect = { code = 200, rule = '' } },\n"
        "{ 'not to be had', request = r 'x', in_call = { method = 'REFER', headers = { ['Refer-To'] = '<sip:b@x>' } "
        "},\n"
        "  expect = { code = 603 } },\n"
        "{ 'broken', request = r 'x', in_call = { method = 'MESSAGE', body = 'boom' },\n"
        "  expect = { code = 405, rule = '', failure = 'error' } },\n"
        "}\n");
    struct offline_test_result result = run(OK, false, text, sizeof(text), NULL);
    assert_int_equal(result.passed, 6);
    write_file("test.lua",
               "return { { 'no call', request = { uri = 'sip:gone@example.com' }, in_call = { method = 'INFO' },\n"
               "  expect = { code = 200 } } }\n");
    result = run(ERR_CONFLICT, false, text, sizeof(text), NULL);
    assert_non_null(strstr(text, "the request began no call"));
}

static void coverage(void **state)
{
    (void)state;
    char text[8192];
    write_file("policy.lua", "local names = require 'lib'\n"
                             "return policy { on_error = reject(500) {}, default = not_found {}, rules = {\n"
                             "  { 'one', when = { user = 'a', method = 'INVITE' }, verdict = ok {} },\n"
                             "  { 'two', check = function(req)\n"
                             "      if req.target.user == 'b' then\n"
                             "        return names.known(req)\n"
                             "      end\n"
                             "    end, verdict = gone {} },\n"
                             "} }\n");
    write_file("lib.lua", "local lib = {}\n"
                          "function lib.known(req)\n"
                          "  return req.method == 'INVITE'\n"
                          "end\n"
                          "return lib\n");
    write_file("test.lua", "return {\n"
                           "{ 'a', request = { uri = 'sip:a@example.com' }, expect = { rule = 'one' } },\n"
                           "{ 'c', request = { uri = 'sip:c@example.com' }, expect = { rule = 'default' } },\n"
                           "}\n");
    struct offline_test_result result = run(OK, true, text, sizeof(text), NULL);
    assert_non_null(strstr(text, "policy.lua:6 never ran\n"));
    assert_null(strstr(text, "policy.lua:5 never ran\n"));
    assert_non_null(strstr(text, "lib.lua:3 never ran\n"));
    assert_non_null(strstr(text, "rule \"two\" (line 4) never gave the verdict\n"));
    assert_non_null(strstr(text, "coverage: rules 1 of 2\n"));
    assert_non_null(strstr(text, "(line 3): `method` always held\n"));
    assert_non_null(strstr(text, "coverage: branches of when 3 of 4\n"));
    assert_true(result.covered > 50 && result.covered < 100);
    write_file("test.lua", "return {\n"
                           "{ 'a', request = { uri = 'sip:a@example.com' }, expect = { rule = 'one' } },\n"
                           "{ 'a2', request = { uri = 'sip:a@example.com', method = 'MESSAGE' },\n"
                           "  expect = { rule = 'default' } },\n"
                           "{ 'b', request = { uri = 'sip:b@example.com' }, expect = { rule = 'two' } },\n"
                           "}\n");
    result = run(OK, true, text, sizeof(text), NULL);
    if (result.covered != 100)
        fail_msg("%s", text);
    write_file("policy.lua", "return policy { on_error = reject(500) {},\n  rules = = {} }\n");
    (void)run(ERR_SYNTAX, true, text, sizeof(text), NULL);
    assert_non_null(strstr(text, "policy.lua:2: "));
}

static void junit(void **state)
{
    (void)state;
    char text[8192];
    char xml[8192];
    write_file("policy.lua", "return function() return not_found {} end");
    write_file("test.lua", "return {\n"
                           "{ 'a < b & \"c\"', request = { uri = 'sip:a@example.com' }, expect = { code = 404 } },\n"
                           "{ 'fails', request = { uri = 'sip:a@example.com' }, expect = { code = 200 } },\n"
                           "}\n");
    (void)run(ERR_CONFLICT, false, text, sizeof(text), xml);
    assert_non_null(strstr(xml, "tests=\"2\" failures=\"1\""));
    assert_non_null(strstr(xml, "<testcase name=\"a &lt; b &amp; &quot;c&quot;\" file=\"test.lua\" line=\"2\"/>"));
    assert_non_null(strstr(xml, "<failure message=\"expected code 200, got 404\"/>"));
    assert_non_null(strstr(xml, "</testsuite>\n"));
}

#define INVITE_TO(user)                                                                                                \
    "INVITE sip:" user "@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"                        \
    "From: <sip:a@a.example>;tag=1\r\nTo: <sip:" user "@example.com>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n"              \
    "Max-Forwards: 70\r\nContact: <sip:a@192.0.2.1>\r\nContent-Length: 0\r\n\r\n"

static void explain(struct span message, enum authoring_test_record has_record, bool json, char *text, size_t cap)
{
    struct buffer out = buffer_over(text, cap - 1);
    struct fault fault = {0};
    const struct offline_explain_ask ask = {
        .policy = root,
        .json = json,
        .request = {.message = message,
                    .has_record = has_record,
                    .record = {.state = POLICY_STATE_ACTIVE, .kind = "account"},
                    .source = {.family = 4, .address = {192, 0, 2, 1}, .port = 5060, .transport = "udp"},
                    .now_ms = 1767225600000}};
    if (offline_explain(&ask, &out, &fault) != OK)
        fail_msg("%s", fault.text);
    text[out.len] = '\0';
}

static void assert_says(const char *text, const char *expected)
{
    if (!strstr(text, expected))
        fail_msg("\"%s\" is not in:\n%s", expected, text);
}

static void explanations(void **state)
{
    (void)state;
    static char text[65536];
    write_file("policy.lua",
               "return policy { on_error = reject(500) {}, default = not_found {},\n"
               "  on_ack_missing = function() end,\n"
               "  rules = { { 'other', when = { user = 'x', host = 'example.com' }, verdict = ok {} },\n"
               "  { 'odd', check = function(req) return req.cseq == 2 end, verdict = ok {} },\n"
               "  { 'bad', when = { user = 'bad' }, decide = function() return 7 end },\n"
               "  { 'gone', decide = function(req) if req.state ~= 'none' then return gone {} end end },\n"
               "} }\n");
    explain(SPAN(INVITE_TO("a")), AUTHORING_TEST_RECORD, false, text, sizeof(text));
    assert_says(text, "  target a@example.com\n");
    assert_says(text, "    1 other (line 3): does not fit: `when`\n         no  user: \"a\"\n");
    assert_says(text, "    2 odd (line 4): does not fit: `check` said no\n         read req.cseq = 1\n");
    assert_says(text, "    4 gone (line 6): fits\n         asked directory for \"sip:a@example.com\": active\n"
                      "         read req.state = active\n");
    /* The guard stands between the script's word and the wire. */
    assert_says(text, "  gone by rule \"gone\"");
    assert_says(text, "  carried out as unavailable: ");
    assert_says(text, "  SIP/2.0 480 Temporarily Unavailable\n");
    assert_says(text, "     0.5 s  SIP/2.0 480 Temporarily Unavailable (again)\n");
    assert_says(text, "    32.0 s  given up, nothing more is sent; on_ack_missing is told\n");
    explain(SPAN(INVITE_TO("a")), AUTHORING_TEST_NO_RECORD, false, text, sizeof(text));
    assert_says(text, "    4 gone (line 6): does not fit: `decide` gave no verdict\n");
    assert_says(text, "not_found by rule \"default\"");
    explain(SPAN(INVITE_TO("a")), AUTHORING_TEST_UNREADABLE, false, text, sizeof(text));
    assert_says(text, "asked directory for \"sip:a@example.com\": cannot be read\n");
    assert_says(text, "  SIP/2.0 503 ");
    explain(SPAN(INVITE_TO("bad")), AUTHORING_TEST_NO_RECORD, false, text, sizeof(text));
    assert_says(text, "on_error answers: nonsense");
    explain(SPAN(INVITE_TO("x")), AUTHORING_TEST_NO_RECORD, true, text, sizeof(text));
    assert_says(text, "\"rule\":\"other\",\"verdict\":\"ok\"");
    assert_says(text, "\"answer\":\"SIP/2.0 ");
    explain(SPAN("INFO sip:a@example.com SIP/2.0\r\nVia: SIP/2.0/UDP a.example;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
                 "From: <sip:a@a.example>;tag=1\r\nTo: <sip:a@example.com>;tag=2\r\nCall-ID: c\r\nCSeq: 2 INFO\r\n"
                 "Content-Length: 0\r\n\r\n"),
            AUTHORING_TEST_NO_RECORD, false, text, sizeof(text));
    assert_says(text, "it belongs to a call that is not here; what on_request says in one is shown by `in_call`");
    explain(SPAN("nonsense\r\n\r\n"), AUTHORING_TEST_NO_RECORD, false, text, sizeof(text));
    assert_says(text, "the engine answers by itself, no policy was asked\n");
    assert_says(text, "answer\n  nothing is sent\n");
    assert_says(text, "  it cannot be read: start line: this is not SIP\n");
    explain(SPAN("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a.example;branch=z9hG4bK1\r\nFrom: <sip:a@a.example>;tag=1\r\n"
                 "To: <sip:b@a.example>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"),
            AUTHORING_TEST_NO_RECORD, false, text, sizeof(text));
    assert_says(text, "  it is a response, and no request of ours waits for it here\n");
    explain(SPAN("ACK sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP a.example;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
                 "From: <sip:a@a.example>;tag=1\r\nTo: <sip:b@a.example>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 ACK\r\n"
                 "Content-Length: 0\r\n\r\n"),
            AUTHORING_TEST_NO_RECORD, false, text, sizeof(text));
    assert_says(text, "  an ACK is never answered\n");
    explain(SPAN("nonsense\r\n\r\n"), AUTHORING_TEST_NO_RECORD, true, text, sizeof(text));
    assert_says(text, "\"decision\":null");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(requests_in_calls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lost_acks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_only_a_test_says, set_up, tear_down),
        cmocka_unit_test_setup_teardown(coverage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(junit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(explanations, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
