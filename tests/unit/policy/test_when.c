/* SPDX-License-Identifier: Apache-2.0 */
/* Every field and every matcher of `when`: what fits, what does not, what is refused at load. */
#include "support_policy.h"

#include "facts/facts_hours.h"
#include "support/sanitized.h"
#include "util/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char data_sets[] = "data = { nums = ranges { '+15550100-+15550199' }, names = strings { 'ada', 'bob' },"
                                "nets = cidrs { '192.0.2.0/24' }, doms = domains { 'example.com' },"
                                "pres = prefixes { '+49' } },";

static struct policy *policy_when(struct policy_world *world, const char *when)
{
    char text[4096];
    assert_true(snprintf(text, sizeof(text),
                         "return policy { on_error = reject(500) {}, default = not_found {}, %s\n"
                         "rules = { { 'r', when = { %s }, verdict = ok {} } } }",
                         data_sets, when) < (int)sizeof(text));
    return policy_of(world, text);
}

/* The request that the rows are held against: INVITE sip:ada@example.com from 192.0.2.1, with two X-Tag. */
static const char headers[] = "User-Agent: Friendly-Scanner 1.0\r\nX-Tag: one\r\nX-Tag: two\r\nX-Empty:\r\n"
                              "Subject: a\r\n folded one\r\nContent-Type: application/sdp;x=1\r\n"
                              "P-Asserted-Identity: <sip:x@y>\r\nContact: <sip:a@b>\r\n";

static bool fits(const char *when)
{
    static struct sip_message message;
    static char bytes[4096];
    struct policy_world world = {.wall_ms = INT64_C(1767225600000)}; /* 2026-01-01, a Thursday */
    struct policy_decision decision;
    struct policy *policy = policy_when(&world, when);
    struct policy_request request =
        request_of(&message, bytes, sizeof(bytes), "INVITE", "sip:ada@Example.COM", headers);
    request.target.number = SPAN("+15550142");
    request.source.identity = SPAN("sip:x@y");
    policy_decide(policy, &request, &decision);
    assert_int_equal(decision.failure, POLICY_FAILED_NOT);
    assert_int_equal(decision.fuel, 0);
    bool answered = decision.answer->code == 200;
    policy_free(policy);
    return answered;
}

static void fields(void **state)
{
    (void)state;
    static const struct {
        const char *when;
        bool fits;
    } rows[] = {
        {"method = 'INVITE'", true},
        {"method = 'invite'", false},
        {"method = { 'BYE', 'INVITE' }", true},
        {"user = 'ada'", true},
        {"user = 'Ada'", false},
        {"host = 'example.com'", true},
        {"host = 'EXAMPLE.com'", true},
        {"host = 'example.org'", false},
        {"number = '+15550142'", true},
        {"number = true", true},
        {"number = false", false},
        {"aor = 'sip:ada@Example.COM'", true},
        {"aor = 'sip:ada'", false},
        {"user_agent = 'friendly-scanner 1.0'", true},
        {"user_agent = true", true},
        {"user_agent = false", false},
        {"from_user = 'adaA'", true}, /* ada%41 */
        {"from_host = 'caller.EXAMPLE'", true},
        {"to_user = 'ada'", true},
        {"to_host = 'example.com'", true},
        {"call_id = 'call1@192.0.2.1'", true},
        {"identity = 'sip:x@y'", true},
        {"authenticated_as = true", false},
        {"authenticated_as = false", true},
        {"transport = 'UDP'", true},
        {"transport = 'tcp'", false},
        {"body_type = 'application/SDP'", true},
        {"header = { ['X-Tag'] = 'one' }", true},
        {"header = { ['x-tag'] = 'TWO' }", true},
        {"header = { ['X-Tag'] = 'three' }", false},
        {"header = { ['X-Tag'] = not_ 'three' }", true},
        {"header = { ['X-Tag'] = not_ 'two' }", false},
        {"header = { ['X-Empty'] = true }", false},
        {"header = { ['X-Not'] = false, ['X-Tag'] = true }", true},
        {"header = { Subject = 'a folded one' }", true},
        {"header = { s = 'a folded one' }", true},
        {"source = '192.0.2.1'", true},
        {"source = '192.0.2.0/24'", true},
        {"source = '192.0.3.0/24'", false},
        {"source = '192.0.0.0/14'", true},
        {"source = '0.0.0.0/0'", true},
        {"source = '::/0'", false},
        {"source = { '10.0.0.0/8', '192.0.2.1/32' }", true},
        {"source = in_set 'nets'", true},
        {"source = not_(in_set 'nets')", false},
        {"trusted = false", true},
        {"trusted = true", false},
        {"in_dialog = false", true},
        {"after = '2026-01-01'", true},
        {"after = '2026-01-01T00:00:01Z'", false},
        {"before = '2026-01-01'", false},
        {"before = '2026-01-01T01:00:00+00:59'", true},
        {"after = '2025-01-01', before = '2027-01-01'", true},
        {"hours = hours 'thu 00:00-00:01'", true},
        {"hours = hours { 'fri 00:00-24:00' }", false},
        {"hours = hours { 'fri 00:00-24:00', zone = '-00:01' }", false},
        {"hours = hours { 'thu 00:59-01:01', zone = '+01:00' }", true},
        {"hours = hours { 'wed 23:00-24:00', zone = '-01:00' }", true},
        {"hours = hours { 'daily 00:00-24:00', except = { '2026-01-01' } }", false},
        {"hours = not_(hours 'thu 00:00-00:01')", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (fits(rows[i].when) != rows[i].fits)
            fail_msg("when = { %s } must%s fit", rows[i].when, rows[i].fits ? "" : " not");
    }
}

static void matchers(void **state)
{
    (void)state;
    static const struct {
        const char *when;
        bool fits;
    } rows[] = {
        {"user = matches 'a*'", true},
        {"user = matches 'A*'", false},
        {"user = matches '?d?'", true},
        {"user_agent = matches '*SCANNER*'", true},
        {"user_agent = matches 'friendly'", false},
        {"user = prefix 'ad'", true},
        {"user = prefix 'ada1'", false},
        {"host = prefix 'EXA'", true},
        {"user = in_set 'names'", true},
        {"number = in_set 'names'", false},
        {"number = in_ranges 'nums'", true},
        {"user = in_ranges 'nums'", false},
        {"host = in_set 'doms'", true},
        {"number = in_set 'pres'", false},
        {"user = any_of { 'x', matches 'a*' }", true},
        {"user = all_of { prefix 'a', matches '*a', not_ 'aa' }", true},
        {"user = all_of { prefix 'a', 'x' }", false},
        {"user = not_ 'x'", true},
        {"user = not_ { 'x', 'ada' }", false},
        {"user = not_(not_ 'ada')", true},
        {"user = any_of { all_of { 'ada', not_(prefix 'b') }, 'x' }", true},
        {"method = 'INVITE', user = 'bob'", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (fits(rows[i].when) != rows[i].fits)
            fail_msg("when = { %s } must%s fit", rows[i].when, rows[i].fits ? "" : " not");
    }
}

static void refusals(void **state)
{
    (void)state;
    static const struct {
        const char *when;
        const char *message;
    } rows[] = {
        {"methd = 'INVITE'", "unknown field \"methd\"; did you mean \"method\"?"},
        {"'INVITE'", "fields with names"},
        {"", "is empty"},
        {"method = 7", "when.method: expected a string, a list or a matcher"},
        {"method = {}", "expected a list of 1 to"},
        {"method = function() end", "got function"},
        {"state = 'dead'", "is no state"},
        {"state = matches 'g*'", "says nothing here"},
        {"state = true", "says nothing here"},
        {"source = 'nonsense'", "is no address"},
        {"source = '192.0.2.0/33'", "is no address"},
        {"source = '2001:db8::/129'", "is no address"},
        {"source = in_set 'names'", "does not fit here"},
        {"user = in_set 'nets'", "does not fit here"},
        {"user = in_set 'nothing'", "there is no data set"},
        {"user = in_ranges 'names'", "use in_set"},
        {"trusted = 'yes'", "expected true or false"},
        {"hours = 'mon-fri 08:00-18:00'", "expected hours {"},
        {"user = hours 'mon 08:00-09:00'", "stands at `hours`"},
        {"hours = hours 'someday'", "expected days"},
        {"hours = hours 'mon 8-9'", "expected times"},
        {"hours = hours { 'mon 08:00-08:00' }", "expected times"},
        {"hours = hours { 'mon 08:00-09:00', zone = 'Mars/Olympus' }", "not known on this system"},
        {"hours = hours { 'mon 08:00-09:00', zone = '../../etc/passwd' }", "zone"},
        {"hours = hours { 'mon 08:00-09:00', zone = 7 }", "zone: expected"},
        {"hours = hours { 'mon 08:00-09:00', zon = 'UTC' }", "unknown field"},
        {"hours = hours { 'mon 08:00-09:00', except = { 'xmas' } }", "expected a day"},
        {"after = 'soon'", "is no time"},
        {"before = '2026-02-30'", "is no time"},
        {"user = matches('*a*b*c*d*e*f*g*h*i*')", "at most 8 parts"},
        {"user = matches(('x'):rep(65))", "at most 64 bytes"},
        {"user = prefix ''", "at least one byte"},
        {"header = 'X'", "when.header: expected"},
        {"header = { ['X Y'] = 'z' }", "is not a header name"},
        {"user = not_(not_(not_(not_(not_(not_(not_(not_(not_ 'x'))))))))", "nested more than"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[4096];
        snprintf(text, sizeof(text),
                 "return policy { on_error = reject(500) {}, default = not_found {}, %s\nrules = {\n"
                 "{ 'r',\nwhen = { %s }, verdict = ok {} } } }",
                 data_sets, rows[i].when);
        struct fault fault = policy_fault(text);
        if (!strstr(fault.text, rows[i].message) || !strstr(fault.text, "rule \"r\""))
            fail_msg("when = { %s }: expected \"%s\", got \"%s\"", rows[i].when, rows[i].message, fault.text);
        assert_string_equal(fault.file, "policy.lua");
        assert_int_equal(fault.line, 4);
    }
}

static void states(void **state)
{
    (void)state;
    static const char *const names[] = {"none", "active", "suspended", "moved", "gone"};
    for (unsigned wanted = 0; wanted < POLICY_STATE_COUNT; wanted++) {
        for (unsigned is = 0; is < POLICY_STATE_COUNT; is++) {
            char when[64];
            struct policy_world world = {.has_record = is != POLICY_STATE_NONE,
                                         .record = {.state = (enum policy_state)is}};
            snprintf(when, sizeof(when), "state = '%s'", names[wanted]);
            struct policy *policy = policy_when(&world, when);
            struct policy_decision decision = decide_user(policy, "ada");
            assert_int_equal(decision.failure, POLICY_FAILED_NOT);
            assert_int_equal(decision.answer->code == 200, wanted == is);
            assert_int_equal(world.lookups, 1);
            assert_true(decision.asked_record);
            assert_int_equal(decision.record != NULL, is != POLICY_STATE_NONE);
            policy_free(policy);
        }
    }
}

/* The directory is asked last, once, and not at all where another condition fails. */
static void directory_is_asked_last(void **state)
{
    (void)state;
    struct policy_world world = {.has_record = true, .record = {.state = POLICY_STATE_GONE}};
    struct policy *policy = policy_when(&world, "state = { 'gone', 'moved' }, user = 'bob'");
    struct policy_decision decision = decide_user(policy, "ada");
    assert_int_equal(decision.answer->code, 404);
    assert_int_equal(world.lookups, 0);
    assert_false(decision.asked_record);
    decision = decide_user(policy, "bob");
    assert_int_equal(decision.answer->code, 200);
    assert_int_equal(world.lookups, 1);
    assert_true(policy_describe(policy_program_of(policy))->asks_directory);
    policy_free(policy);
}

/* "Cannot be read" is never "none". */
static void unreadable_directory(void **state)
{
    (void)state;
    static const char *const whens[] = {"state = 'gone'", "state = 'none'", "state = not_ 'gone'"};
    for (size_t i = 0; i < 3; i++) {
        struct policy_world world = {.record_err = ERR_IO};
        struct policy *policy = policy_when(&world, whens[i]);
        struct policy_decision decision = decide_user(policy, "ada");
        assert_int_equal(decision.failure, POLICY_FAILED_DIRECTORY);
        assert_int_equal(decision.answer->code, 500);
        assert_true(decision.asked_record);
        policy_free(policy);
    }
}

/* A thousand rules over the largest header end in time, and say so. */
static void search_is_bounded(void **state)
{
    (void)state;
    static char text[256 * 1024];
    static char header[60000];
    struct policy_world world = {0};
    size_t len = (size_t)snprintf(text, sizeof(text),
                                  "local rules = {} for i = 1, 1000 do rules[i] = { 'r' .. i, "
                                  "when = { user_agent = matches('*aaaaaaaab' .. i .. '*') }, verdict = drop } end "
                                  "return policy { on_error = reject(500) {}, default = not_found {}, rules = rules }");
    assert_true(len < sizeof(text));
    memset(header, 'a', sizeof(header));
    memcpy(header, "User-Agent: ", 12);
    memcpy(header + sizeof(header) - 3, "\r\n", 3);
    struct policy *policy = policy_of(&world, text);
    struct policy_decision decision = decide(policy, "INVITE", "sip:a@b.example", header);
    assert_int_equal(decision.failure, POLICY_FAILED_FUEL);
    assert_int_equal(decision.answer->code, 500);
    decision = decide_user(policy, "a");
    assert_decision(&decision, POLICY_NOT_FOUND, 404, "default");
    policy_free(policy);
}

enum { LEAST_OF = 3, BOUND_NS = 10 * 1000 * 1000, NAME_LEN = 250 };

/* A request with all that a condition may have to look at long: user, host, addresses, one header a hundred times, folds. */
static const char *dear_headers(void)
{
    static char lines[40000];
    size_t len = 0;
    for (int i = 0; i < 100; i++)
        len += (size_t)snprintf(lines + len, sizeof(lines) - len, "Diversion: <sip:a@b.example>\r\n");
    len += (size_t)snprintf(lines + len, sizeof(lines) - len, "Subject: ");
    for (int i = 0; i < 2500; i++)
        len += (size_t)snprintf(lines + len, sizeof(lines) - len, "a\r\n b");
    len += (size_t)snprintf(lines + len, sizeof(lines) - len, "\r\nContent-Type: ");
    for (int i = 0; i < 1000; i++)
        len += (size_t)snprintf(lines + len, sizeof(lines) - len, "a\r\n\t");
    len += (size_t)snprintf(lines + len, sizeof(lines) - len, "b/c\r\n");
    assert_true(len < sizeof(lines) - 1);
    return lines;
}

static struct policy_request dear_request(struct sip_message *message, char *bytes, size_t cap)
{
    static char uri[16384], host[NAME_LEN + 8];
    size_t len = (size_t)snprintf(uri, sizeof(uri), "sip:");
    for (int i = 0; i < 2500; i++)
        len += (size_t)snprintf(uri + len, sizeof(uri) - len, "%%41%%ff");
    size_t host_len = 0;
    while (host_len < NAME_LEN - 8)
        host_len += (size_t)snprintf(host + host_len, sizeof(host) - host_len, "a.");
    snprintf(host + host_len, sizeof(host) - host_len, "example");
    snprintf(uri + len, sizeof(uri) - len, "@%s", host);
    struct policy_request request = request_of(message, bytes, cap, "INVITE", uri, dear_headers());
    request.authenticated_as = SPAN("sip:a@b.example");
    return request;
}

/* A thousand rules that cost what they can, and do not fit: within the bound, whatever the message. */
static void each_condition_is_bounded(void **state)
{
    (void)state;
    static const char *const conditions[] = {
        "authenticated_as = 'target'",
        "aor = not_ { not_ 'x', not_ 'y' }",
        "aor = in_set 'strs'",
        "aor = in_set 'pres'",
        "user = in_set 'pres'",
        "user = in_set 'strs'",
        "host = in_set 'doms'",
        "to_host = in_set 'doms'",
        "to_host = in_set 'pres'",
        "from_user = in_set 'pres'",
        "to_user = all_of { not_ 'x', 'x' }",
        "to_user = many(function(i) return not_ 'x' end)",
        "body_type = many(function(i) return not_ 'x' end)",
        "call_id = many(function(i) return not_ 'x' end)",
        "aor = many(function(i) return not_ 'x' end)",
        "aor = many(function(i) return in_set 'pres' end)",
        "header = { Subject = not_ 'x', Diversion = 'x' }",
        "header = { Subject = many(function(i) return not_ 'x' end) }",
        "header = { Diversion = many(function(i) return all_of { 'x', not_ 'x' } end) }",
        "header = { ['X-None'] = many(function(i) return not_ 'x' end) }",
        "header = { Diversion = matches '*a?b*c*' }",
        "source = many(function(i) return '10.0.0.' .. i % 256 end)",
        "source = many(function(i) return in_set 'nets' end)",
        "hours = many(function(i) return not_(hours 'daily 00:00-24:00') end)",
        "state = many(function(i) return not_ 'none' end)",
    };
    static struct sip_message message;
    static char bytes[65536], text[8192];
    for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
        struct policy_world world = {0};
        snprintf(text, sizeof(text),
                 "local long = {} for i = 1, 250 do long[i] = ('z'):rep(i) .. i end\n"
                 "local function many(f) local l = {} for i = 1, 250 do l[i] = f(i) end return all_of { any_of(l), "
                 "not_(any_of(l)) } end\n"
                 "local w, r = { %s }, {} for i = 1, %d do r[i] = { 'r' .. i, when = w, verdict = drop } end\n"
                 "return policy { on_error = reject(500) {}, default = not_found {}, rules = r,\n"
                 "data = { doms = domains { 'x.example' }, strs = strings { 'x' }, pres = prefixes(long), nets = cidrs "
                 "{ '10.0.0.0/8' } } }",
                 conditions[i], strstr(conditions[i], "many") ? 80 : 1000);
        struct policy *policy = policy_of(&world, text);
        struct policy_request request = dear_request(&message, bytes, sizeof(bytes));
        struct policy_decision decision;
        uint64_t least = UINT64_MAX;
        for (int time = 0; time < LEAST_OF; time++) {
            uint64_t began = clock_thread_cpu_ns();
            policy_decide(policy, &request, &decision);
            uint64_t took = clock_thread_cpu_ns() - began;
            least = took < least ? took : least;
        }
        print_message("%6llu us %s: %s\n", (unsigned long long)least / 1000, conditions[i],
                      policy_failure_name(decision.failure));
        assert_int_equal(decision.answer->code, decision.failure == POLICY_FAILED_FUEL ? 500 : 404);
        if (!TEST_SANITIZED)
            assert_true(least < BOUND_NS);
        policy_free(policy);
    }
}

/* Lists of lists, each named many times, are not multiplied without an end. */
static void values_are_counted(void **state)
{
    (void)state;
    struct fault fault = policy_fault(
        "local l = { 'a' } for depth = 1, 6 do local m = {} for i = 1, 256 do m[i] = any_of(l) end l = m end\n"
        "return policy { on_error = reject(500) {}, default = not_found {}, rules = {\n"
        "{ 'r', when = { user = l }, verdict = ok {} } } }");
    assert_int_equal(fault.err, ERR_INVALID);
    assert_non_null(strstr(fault.text, "more than 262144 values in all; use a data set"));
}

/* Rules that are plain data make no garbage: the VM does not grow by a byte. */
static void no_garbage(void **state)
{
    (void)state;
    struct policy_world world = {.has_record = true, .record = {.state = POLICY_STATE_GONE}};
    struct policy *policy = policy_when(&world, "state = 'gone', host = in_set 'doms', user_agent = false");
    size_t before = policy_memory(policy);
    for (int i = 0; i < 10000; i++) {
        struct policy_decision decision = decide_user(policy, i % 2 ? "ada" : "bob");
        assert_int_equal(decision.answer->code, 200);
    }
    assert_int_equal(policy_memory(policy), before);
    policy_free(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields),
        cmocka_unit_test(matchers),
        cmocka_unit_test(refusals),
        cmocka_unit_test(states),
        cmocka_unit_test(directory_is_asked_last),
        cmocka_unit_test(unreadable_directory),
        cmocka_unit_test(search_is_bounded),
        cmocka_unit_test(each_condition_is_bounded),
        cmocka_unit_test(values_are_counted),
        cmocka_unit_test(no_garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
