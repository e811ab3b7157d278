/* SPDX-License-Identifier: Apache-2.0 */
/* How test.lua is read and run: what passes, what fails and with which words, and what is an error of the file. */
#include "authoring/authoring_test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char policy_text[] =
    "return policy { on_error = reject(500) {}, default = not_found {}, shared = { calls = counter { ttl = 60 } },\n"
    "rules = {\n"
    "{ 'gone', when = { state = 'gone' }, verdict = gone { evidence = 'e', q850 = 22, reason = 'Ended' } },\n"
    "{ 'moved', when = { state = 'moved' }, verdict = moved { contact = 'sip:a@b.example' } },\n"
    "{ 'trusted', when = { trusted = true }, verdict = ok {} },\n"
    "{ 'net', when = { source = '198.51.100.0/24' }, verdict = drop },\n"
    "{ 'v6', when = { source = '2001:db8::/32', transport = 'tls' }, verdict = drop },\n"
    "{ 'tag', when = { header = { ['X-Tag'] = 'yes' } }, verdict = ok {} },\n"
    "{ 'body', when = { body_type = 'text/plain' }, verdict = ok {} },\n"
    "{ 'as', when = { authenticated_as = 'ada' }, verdict = ok {} },\n"
    "{ 'late', when = { after = '2030-01-01' }, verdict = ok {} },\n"
    "{ 'often', when = { user = 'often' }, check = function(req, env) return env.calls:incr 'x' == 3 end, verdict = ok "
    "{} },\n"
    "{ 'broken', when = { user = 'broken' }, check = function() error 'boom' end, verdict = ok {} },\n"
    "{ 'register', when = { method = 'REGISTER', user = 'ada' }, verdict = ok {} },\n"
    "{ 'number', when = { number = '+15550100' }, verdict = ok {} } } }";

struct seen {
    struct authoring_test_bench *bench;
    unsigned count;
    struct authoring_test_result last;
    char name[128];
};

static enum err decide(void *ctx, const struct authoring_test_case *test, struct authoring_test_got *out_got)
{
    return authoring_test_decide(((struct seen *)ctx)->bench, test, out_got);
}

static void report(void *ctx, const struct authoring_test_result *result)
{
    struct seen *seen = ctx;
    seen->count++;
    seen->last = *result;
    snprintf(seen->name, sizeof(seen->name), "%s", result->name);
}

static enum err run(const char *tests, struct seen *seen, struct authoring_test_summary *summary, struct fault *fault)
{
    const struct source_file files[] = {{"policy.lua", SPAN(policy_text)},
                                        {"test.lua", span_of(tests)},
                                        {"helper.lua", SPAN("return { uri = 'sip:+15550100@x' }")}};
    struct source *source = NULL;
    *seen = (struct seen){0};
    *fault = (struct fault){0};
    assert_int_equal(source_from_memory("t", files, 3, &source, fault), OK);
    if (authoring_test_bench_new(source, true, &seen->bench, fault) != OK)
        fail_msg("%d: %s", fault->line, fault->text);
    enum err err = authoring_test_run(source, decide, report, seen, summary, fault);
    authoring_test_bench_free(seen->bench);
    source_unref(source);
    return err;
}

static void passing(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "record = { state = 'gone', since = '2025-01-01', cause = 22, by = 'ada', key = 'k', kind = 'number' },\n"
        "request = { uri = 'sip:a@x' }, expect = { verdict = 'gone', code = 410, rule = 'gone', q850 = 22,\n"
        "evidence = 'e', reason = 'Ended', failure = 'none' }",
        "record = { state = 'moved', forward = 'sip:n@x' }, request = { uri = 'sip:a@x' },\n"
        "expect = { verdict = 'moved', contact = 'sip:a@b.example' }",
        "source = { ip = '192.0.2.9', trusted = true, port = 5090 }, request = { uri = 'sip:a@x' }, expect = { rule = "
        "'trusted' }",
        "source = '198.51.100.7', request = { uri = 'sip:a@x' }, expect = { verdict = 'drop', code = 0 }",
        "source = { ip = '2001:db8::1', transport = 'tls' }, request = { uri = 'sip:a@x' }, expect = { rule = 'v6' }",
        "request = { uri = 'sip:a@x', headers = { ['X-Tag'] = 'yes' } }, expect = { rule = 'tag' }",
        "request = { uri = 'sip:a@x', headers = { 'X-Tag: yes' } }, expect = { rule = 'tag' }",
        "request = { method = 'MESSAGE', uri = 'sip:a@x', body = 'hi', body_type = 'text/plain' }, expect = { rule = "
        "'body' }",
        "request = { uri = 'sip:a@x' }, authenticated_as = 'ada', expect = { rule = 'as' }",
        "request = { uri = 'sip:a@x' }, now = '2030-01-01T00:00:00Z', expect = { rule = 'late' }",
        "request = { uri = 'sip:a@x' }, now = 1893456000, expect = { rule = 'late' }",
        "request = { uri = 'sip:a@x' }, now = 1893455999, expect = { rule = 'default', code = 404 }",
        "request = { uri = 'sip:often@x' }, times = 3, expect = { rule = 'often' }",
        "request = { uri = 'sip:broken@x' }, expect = { failure = 'error', code = 500, rule = 'broken' }",
        "request = { method = 'REGISTER', uri = 'sip:x', to = 'sip:ada@x' }, expect = { rule = 'register' }",
        "request = { uri = 'tel:+1-555-0100' }, expect = { rule = 'number' }",
        "request = require 'helper', expect = { rule = 'number' }",
        "record = 'unreadable', request = { uri = 'sip:a@x' }, expect = { failure = 'directory' }",
        "request = { uri = 'sip:a@x', from = '\"Ada\" <sip:ada@y>;tag=7' }, in_dialog = true, note = 'n', expect = { "
        "code = 404 }",
        "request = [[\nOPTIONS sip:+15550100@x SIP/2.0\nVia: SIP/2.0/UDP c;branch=z9hG4bKx\nFrom: <sip:a@b>;tag=1\n"
        "To: <sip:c@d>\nCall-ID: 1\nCSeq: 1 OPTIONS\n]], expect = { rule = 'number' }",
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[2048];
        struct seen seen;
        struct fault fault;
        struct authoring_test_summary summary = {0};
        snprintf(text, sizeof(text), "return {\n\n{ 'the case',\n%s } }", cases[i]);
        if (run(text, &seen, &summary, &fault) != OK)
            fail_msg("%s: %d: %s", cases[i], fault.line, fault.text);
        if (summary.failed)
            fail_msg("%s: %s", cases[i], seen.last.text);
        assert_int_equal(summary.passed, 1);
        assert_true(seen.last.passed);
        assert_string_equal(seen.name, "the case");
        assert_string_equal(seen.last.file, "test.lua");
        assert_int_equal(seen.last.line, 3);
    }
}

static void failing(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *message;
    } rows[] = {
        {"request = { uri = 'sip:a@x' }, expect = { verdict = 'ok' }", "expected verdict \"ok\", got \"not_found\""},
        {"request = { uri = 'sip:a@x' }, expect = { code = 200 }", "expected code 200, got 404"},
        {"request = { uri = 'sip:a@x' }, expect = { rule = 'gone' }", "expected rule \"gone\", got \"default\""},
        {"request = { uri = 'sip:a@x' }, expect = { verdict = 'ok', rule = 'x' }", "; expected rule"},
        {"request = { uri = 'sip:a@x' }, expect = { q850 = 1 }", "expected q850 1, got 0"},
        {"request = { uri = 'sip:broken@x' }, expect = { code = 200 }", "the script failed: "},
        {"request = 'nonsense', expect = { code = 200 }", "cannot be decided"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[2048];
        struct seen seen;
        struct fault fault;
        struct authoring_test_summary summary = {0};
        snprintf(text, sizeof(text),
                 "return { { 'good', request = { uri = 'sip:a@x' }, expect = { code = 404 } },\n{ 'bad', %s } }",
                 rows[i].text);
        assert_int_equal(run(text, &seen, &summary, &fault), OK);
        assert_int_equal(summary.failed, 1);
        assert_int_equal(summary.passed, 1);
        assert_false(seen.last.passed);
        assert_int_equal(seen.last.line, 2);
        if (!strstr(seen.last.text, rows[i].message))
            fail_msg("expected \"%s\", got \"%s\"", rows[i].message, seen.last.text);
    }
}

static void errors_of_the_file(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line;
        const char *message;
    } rows[] = {
        {"", 0, "expected it to return a list"},
        {"return {}", 0, "expected it to return a list"},
        {"return {\n{ 'a'", 2, ""},
        {"error 'at load'", 1, "at load"},
        {"while true do end", 1, ""},
        {"return {\n7 }", 2, "test 1: expected a table"},
        {"return {\n{} }", 2, "name first"},
        {"return {\n{ 'a' } }", 2, "a: request: expected a table"},
        {"return {\n{ 'a', request = { uri = 'sip:a@x' } } }", 2, "expect: expected a table"},
        {"return {\n{ 'a', request = { uri = 'sip:a@x' }, expect = {} } }", 2, "says nothing"},
        {"return {\n{ 'a', request = { uri = 'sip:a@x' }, expect = { verdct = 'x' } } }", 2,
         "did you mean \"verdict\"?"},
        {"return {\n{ 'a', request = { uri = 'sip:a@x' }, expect = { code = 'x' } } }", 2,
         "code: expected a whole number"},
        {"return {\n{ 'a', request = { ur = 'sip:a@x' }, expect = { code = 1 } } }", 2, "did you mean \"uri\"?"},
        {"return {\n{ 'a', request = {}, expect = { code = 1 } } }", 2, "uri is missing"},
        {"return {\n{ 'a', request = { uri = 7 }, expect = { code = 1 } } }", 2, "uri: expected a string"},
        {"return {\n{ 'a', reqest = { uri = 'sip:a@x' }, expect = { code = 1 } } }", 2, "did you mean \"request\"?"},
        {"return {\n{ 'a', request = { uri = 'sip:a@x' }, record = { state = 'dead' }, expect = { code = 1 } } }", 2,
         "record: state: expected"},
        {"return {\n{ 'a', request = { uri = 'sip:a@x' }, record = 'x', expect = { code = 1 } } }", 2,
         "record: expected"},
        {"return {\n{ 'a', request = { uri = 'sip:a@x' }, source = 'x', expect = { code = 1 } } }", 2, "is no address"},
        {"return {\n{ 'a', request = { uri = 'sip:a@x' }, source = 7, expect = { code = 1 } } }", 2,
         "source: expected"},
        {"return {\n{ 'a', request = { uri = 'sip:a@x' }, now = 'soon', expect = { code = 1 } } }", 2,
         "now: expected a time"},
        {"return {\n{ 'a', request = { uri = 'sip:a@x' }, in_call = 'INFO', expect = { code = 1 } } }", 2,
         "in_call: expected a table"},
        {"return {\n{ 'a', request = { uri = 'sip:a@x' }, in_call = { method = 'BYE' }, expect = { code = 1 } } }", 2,
         "method: expected INFO, OPTIONS, MESSAGE or REFER"},
        {"return {\n{ 'a', request = { uri = 'sip:a@x' }, in_call = { methd = 'INFO' }, expect = { code = 1 } } }", 2,
         "in_call: unknown field \"methd\"; did you mean \"method\"?"},
        {"return {\n{ 'a', request = { uri = 'sip:a@x' }, ack = false, in_call = { method = 'INFO' }, expect = { code "
         "= 1 "
         "} } }",
         2, "there is no call where no ACK comes"},
        {"return {\n{ 'a', request = { uri = 'sip:a@x' }, times = 0, expect = { code = 1 } } }", 2,
         "times: expected 1"},
        {"return {\n{ 'a', request = { uri = 'sip:a@x', headers = 7 }, expect = { code = 1 } } }", 2,
         "headers: expected"},
        {"return {\n{ 'a', request = { uri = 'sip:a@x', headers = { x = 7 } }, expect = { code = 1 } } }", 2,
         "headers: expected strings"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct seen seen;
        struct fault fault;
        struct authoring_test_summary summary = {.passed = 77};
        enum err err = run(rows[i].text, &seen, &summary, &fault);
        assert_int_not_equal(err, OK);
        assert_int_equal(summary.passed, 77);
        assert_string_equal(fault.file, "test.lua");
        if (!strstr(fault.text, rows[i].message) || (rows[i].line && fault.line != rows[i].line))
            fail_msg("%s: expected %d: \"%s\", got %d: \"%s\"", rows[i].text, rows[i].line, rows[i].message, fault.line,
                     fault.text);
    }
}

static void no_tests(void **state)
{
    (void)state;
    const struct source_file file = {"policy.lua", SPAN("return function() end")};
    struct source *source = NULL;
    struct authoring_test_summary summary = {0};
    struct fault fault = {0};
    assert_int_equal(source_from_memory("t", &file, 1, &source, NULL), OK);
    assert_int_equal(authoring_test_run(source, decide, report, NULL, &summary, &fault), ERR_NOT_FOUND);
    source_unref(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passing),
        cmocka_unit_test(failing),
        cmocka_unit_test(errors_of_the_file),
        cmocka_unit_test(no_tests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
