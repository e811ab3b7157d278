/* SPDX-License-Identifier: Apache-2.0 */
/* The author's commands, from a new folder to an explained answer. */
#include "support_run.h"

#include <stdlib.h>
#include <unistd.h>

static char folder[64];

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/verdict-author-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[128];
    (void)state;
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command);
}

static void run_in(struct run_output *out, const char *before, const char *after)
{
    char line[256];
    (void)snprintf(line, sizeof(line), "%s %s/%s", before, folder, after);
    run_line(out, line, NULL);
}

static void from_new_to_an_explained_answer(void **state)
{
    (void)state;
    static struct run_output out;
    char line[256];
    char path[128];
    run_in(&out, "new", "my-lines");
    assert_says(&out, CLI_EXIT_OK, "verdict test ");
    run_in(&out, "new", "my-lines");
    assert_says(&out, CLI_EXIT_FAILED, "File exists");
    run_in(&out, "new", "no.good");
    assert_says(&out, CLI_EXIT_USAGE, "letters, digits");
    run_in(&out, "check", "my-lines");
    assert_says(&out, CLI_EXIT_OK, "0 errors, 0 warnings");
    run_in(&out, "test --coverage --min 100", "my-lines");
    assert_says(&out, CLI_EXIT_OK, "5 passed, 0 failed");
    (void)snprintf(line, sizeof(line), "test --junit %s/results.xml %s/my-lines", folder, folder);
    run_line(&out, line, NULL);
    assert_says(&out, CLI_EXIT_OK, "5 passed");
    (void)snprintf(path, sizeof(path), "%s/results.xml", folder);
    assert_int_equal(access(path, R_OK), 0);
    run_in(&out, "bench --rounds 10", "my-lines");
    assert_says(&out, CLI_EXIT_OK, "a retired number is gone");
    (void)snprintf(path, sizeof(path), "%s/m.sip", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("MESSAGE sip:+15550100@example.com SIP/2.0\nVia: SIP/2.0/UDP c.example;branch=z9hG4bK1\n"
                      "From: <sip:a@c.example>;tag=1\nTo: <sip:b@example.com>\nCall-ID: 1\nCSeq: 1 MESSAGE\n"
                      "Max-Forwards: 70\n",
                      file) >= 0);
    assert_int_equal(fclose(file), 0);
    (void)snprintf(line, sizeof(line), "explain --record gone %s/my-lines %s", folder, path);
    run_line(&out, line, NULL);
    assert_says(&out, CLI_EXIT_OK, "SIP/2.0 410 Gone");
    (void)snprintf(line, sizeof(line), "explain --from nonsense %s/my-lines %s", folder, path);
    run_line(&out, line, NULL);
    assert_says(&out, CLI_EXIT_FAILED, "expected an address");
    (void)snprintf(line, sizeof(line), "explain --now tomorrow %s/my-lines %s", folder, path);
    run_line(&out, line, NULL);
    assert_says(&out, CLI_EXIT_FAILED, "expected a time");
    (void)snprintf(line, sizeof(line), "explain %s/my-lines %s/nothing.sip", folder, folder);
    run_line(&out, line, NULL);
    assert_says(&out, CLI_EXIT_FAILED, "cannot be read");
}

static void write_text(const char *name, const char *text);
static void run_with(struct run_output *out, const char *format);

/* A share that is asked for is looked at, also where nobody wanted to read what is missing. */
static void less_than_the_least_coverage_fails(void **state)
{
    (void)state;
    static struct run_output out;
    char line[128];
    run_in(&out, "new", "half");
    write_text("half/policy.lua",
               "return policy { name = 'half', on_error = reject(500) {}, default = not_found {}, rules = {\n"
               "  { 'one', when = { user = 'one' }, verdict = ok {} },\n"
               "  { 'two', when = { user = 'two' }, verdict = ok {} },\n} }\n");
    write_text("half/test.lua", "return { { 'one', request = { method = 'OPTIONS', uri = 'sip:one@example.com' },\n"
                                "  expect = { verdict = 'ok', rule = 'one' } } }\n");
    (void)snprintf(line, sizeof(line), "test --min 100 %s/half", folder);
    run_line(&out, line, NULL);
    assert_says(&out, CLI_EXIT_FAILED, "100% is asked for");
    (void)snprintf(line, sizeof(line), "test --min 10 %s/half", folder);
    run_line(&out, line, NULL);
    assert_says(&out, CLI_EXIT_OK, "1 passed");
}

/* What a failing decision costs until it is set aside, and not what on_error costs from then on. */
static void a_decision_that_fails_is_not_praised_as_a_fast_one(void **state)
{
    (void)state;
    static struct run_output out;
    write_text("loop.lua", "return function(req) while true do end end");
    run_with(&out, "bench --rounds 10 %s/loop.lua");
    assert_says(&out, CLI_EXIT_OK, "fails: fuel");
    write_text("raise.lua", "return function(req) error('no') end");
    run_with(&out, "bench --rounds 10 %s/raise.lua");
    assert_says(&out, CLI_EXIT_OK, "fails: error");
}

/* A policy may come from anywhere; what is shown of it must not drive the terminal. */
static void a_source_line_with_control_bytes_is_shown_harmless(void **state)
{
    (void)state;
    static struct run_output out;
    write_text("esc.lua", "return policy { name = '\033]0;title\a', \033[31m }\n");
    run_with(&out, "check %s/esc.lua");
    assert_says(&out, CLI_EXIT_FAILED, "name = '?]0;title?', ?[31m }");
    assert_null(strchr(out.text, '\033'));
}

/* Each kind of finding: where it is, what is wrong, and the line itself with a caret under the place. */
static void every_finding_shows_its_place(void **state)
{
    (void)state;
    static struct run_output out;
#define RULES "return policy { on_error = reject(500) {}, default = not_found {}, rules = {\n"
    static const struct {
        const char *text;
        const char *says; /* behind the path */
        const char *shows;
        bool error;
    } rows[] = {
        {"return policy { on_error = reject(500) {}\n  rules = {} }", "kind.lua:2:3: error: '}' expected",
         "\n      rules = {} }\n      ^\n", true},
        {RULES "  { 'a', wen = {}, verdict = ok {} } } }",
         "kind.lua:2:10: error: rule \"a\": unknown field \"wen\"; did you mean \"when\"?",
         "\n      { 'a', wen = {}, verdict = ok {} } } }\n             ^\n", true},
        {"return function(req)\n  return okay {} end", "kind.lua:2:10: error: there is no global 'okay'",
         "\n      return okay {} end\n             ^\n", true},
        {"return function(req)\n  return req.uri.usr and ok {} end",
         "kind.lua:2:18: error: req.uri has no field 'usr'; did you mean 'user'?",
         "\n      return req.uri.usr and ok {} end\n                     ^\n", true},
        {RULES "  { 'a', when = { method = 'INVITE' }, verdict = ok {} },\n"
               "  { 'b', when = { method = 'INVITE', user = 'x' }, verdict = ok {} } } }",
         "kind.lua:3:6: warning: rule \"a\" before it fits whenever it does, so rule \"b\" is never reached",
         "verdict = ok {} } } }\n         ^\n", false},
        {"return function(req)\n  if req.body:match('(.*)@') then return ok {} end end",
         "kind.lua:2:21: warning: this pattern is quadratic", "return ok {} end end\n                        ^\n",
         false},
        {RULES "  { 'a', when = { user = 'x' }, verdict = gone {} } } }",
         "kind.lua:2:43: warning: rule \"a\" answers 410 without ground",
         "verdict = gone {} } } }\n                                              ^\n", false},
        {RULES "  { 'a', when = { state = 'gone' }, verdict = gone { q850 = 17 } } } }",
         "kind.lua:2:6: warning: rule \"a\": q850 = 17 contradicts 410", "} } } }\n         ^\n", false},
    };
#undef RULES
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        write_text("kind.lua", rows[i].text);
        run_with(&out, "check %s/kind.lua");
        assert_says(&out, rows[i].error ? CLI_EXIT_FAILED : CLI_EXIT_OK, rows[i].says);
        assert_says(&out, rows[i].error ? CLI_EXIT_FAILED : CLI_EXIT_OK, rows[i].shows);
    }
}

#define LOGGED(time, status)                                                                                           \
    "{\"time\":\"" time "\",\"event\":\"decision\",\"source\":\"192.0.2.1:5060\",\"status\":" status                   \
    ",\"rule\":\"was\",\"verdict\":\"not_found\",\"transport\":\"UDP\",\"tag\":\"0123456789abcdef\",\"request\":"      \
    "\"MESSAGE sip:gone@example.com SIP/2.0\\r\\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\\r\\nMax-Forwards: "       \
    "70\\r\\n"                                                                                                         \
    "From: <sip:x@y>;tag=1\\r\\nTo: <sip:y@y>\\r\\nCall-ID: c1\\r\\nCSeq: 1 MESSAGE\\r\\n\\r\\n\"}\n"

static void write_text(const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void run_with(struct run_output *out, const char *format)
{
    char line[512];
    (void)snprintf(line, sizeof(line), format, folder, folder, folder);
    run_line(out, line, NULL);
}

static void a_log_is_explained_and_replayed(void **state)
{
    (void)state;
    static struct run_output out;
    write_text("p.lua", "return function(req) return gone { evidence = 'x' } end");
    write_text("d.jsonl", LOGGED("2026-01-31T12:00:00.000Z", "404") LOGGED("2026-01-31T13:00:00.000Z", "410"));
    run_with(&out, "replay %s/p.lua %s/d.jsonl");
    assert_says(&out, CLI_EXIT_OK, "1 of 2 differs (50 %): 1 is 404 -> 410");
    run_with(&out, "replay --json --examples 0 %s/p.lua %s/d.jsonl");
    assert_says(&out, CLI_EXIT_OK, "\"examples\":[]");
    run_with(&out, "replay --progress --against %s/p.lua %s/p.lua %s/d.jsonl");
    assert_says(&out, CLI_EXIT_OK, "0 of 2 differ");
    run_with(&out, "explain %s/p.lua %s/d.jsonl");
    assert_says(&out, CLI_EXIT_OK, "To: <sip:y@y>;tag=0123456789abcdef");
    run_with(&out, "replay %s/p.lua %s/nothing.pcap");
    assert_says(&out, CLI_EXIT_FAILED, "cannot be read");
    run_with(&out, "replay %s/nothing.lua %s/d.jsonl");
    assert_says(&out, CLI_EXIT_FAILED, "nothing.lua");
    write_text("d.jsonl", LOGGED("2026-01-31T12:00:00.000Z", "404") "{\"event\":\"decision\"}\nrubbish\n");
    run_with(&out, "explain %s/p.lua %s/d.jsonl");
    assert_says(&out, CLI_EXIT_FAILED, "2 lines could not be explained, 1 were");
    run_with(&out, "replay %s/p.lua %s/d.jsonl");
    assert_says(&out, CLI_EXIT_OK, "1 lines that are none of a decision log");
}

#define IN_CALL                                                                                                        \
    "{\"time\":\"2026-01-31T12:00:00.000Z\",\"event\":\"in_call\",\"call_id\":\"c1\",\"method\":\"INFO\",\"rule\":"    \
    "\"on_request\",\"verdict\":\"ok\",\"status\":200}\n"

static void what_was_said_in_calls_is_counted(void **state)
{
    (void)state;
    static struct run_output out;
    write_text("p.lua", "return function(req) return gone { evidence = 'x' } end");
    write_text("d.jsonl", LOGGED("2026-01-31T12:00:00.000Z", "410") IN_CALL IN_CALL);
    run_with(&out, "replay %s/p.lua %s/d.jsonl");
    assert_says(&out, CLI_EXIT_OK, "left out: 2 within a dialog\n0 of 1 differ");
    run_with(&out, "explain %s/p.lua %s/d.jsonl");
    assert_int_equal(out.exit_code, CLI_EXIT_OK);
}

/* Nothing that was decided is no difference that was not found. */
static void a_replay_of_nothing_fails(void **state)
{
    (void)state;
    static struct run_output out;
    write_text("p.lua", "return function(req) return gone { evidence = 'x' } end");
    write_text("d.jsonl", IN_CALL "{\"event\":\"decision\",\"status\":410}\n");
    run_with(&out, "replay %s/p.lua %s/d.jsonl");
    assert_says(&out, CLI_EXIT_FAILED,
                "no request in it could be decided: it has 1 within a dialog, 1 lines of a log kept "
                "without log_request = true; keep the log with log_request = true");
    run_with(&out, "replay --json %s/p.lua %s/d.jsonl");
    assert_says(&out, CLI_EXIT_FAILED, "\"decided\":0");
    write_text("d.jsonl", "{}\n");
    run_with(&out, "replay %s/p.lua %s/d.jsonl");
    assert_says(&out, CLI_EXIT_FAILED, "1 lines that are none of a decision log");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(from_new_to_an_explained_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(less_than_the_least_coverage_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_decision_that_fails_is_not_praised_as_a_fast_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_source_line_with_control_bytes_is_shown_harmless, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_finding_shows_its_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_log_is_explained_and_replayed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_said_in_calls_is_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_replay_of_nothing_fails, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
