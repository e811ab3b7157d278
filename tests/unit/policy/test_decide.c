/* SPDX-License-Identifier: Apache-2.0 */
/* The order of rules, their three forms, and what becomes of scripts that fail. */
#include "support_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define POLICY(rules) "return policy { on_error = reject(500) {}, default = not_found {}, rules = {" rules "} }"

static void plain_function(void **state)
{
    (void)state;
    struct policy_world world = {0};
    struct policy *policy = policy_of(&world, "return function(req)\n"
                                              "  if req.target.user:sub(1, 4) == \"gone\" then\n"
                                              "    return gone { evidence = \"load test\" }\n"
                                              "  end\n"
                                              "  if req.target.user == 'nil' then return nil end\n"
                                              "  if req.target.user == 'bad' then return 7 end\n"
                                              "  if req.target.user == 'err' then error 'boom' end\n"
                                              "  if req.target.user == 'drop' then return drop end\n"
                                              "  return ok {}\n"
                                              "end\n");
    struct policy_decision decision = decide_user(policy, "gone-1");
    assert_decision(&decision, POLICY_GONE, 410, "");
    assert_true(span_equal(decision.answer->evidence, SPAN("load test")));
    assert_true(decision.fuel > 0);
    decision = decide_user(policy, "here");
    assert_decision(&decision, POLICY_OK, 200, "");
    decision = decide_user(policy, "nil");
    assert_decision(&decision, POLICY_NOT_FOUND, 404, "");
    decision = decide_user(policy, "drop");
    assert_decision(&decision, POLICY_DROP, 0, "");
    decision = decide_user(policy, "bad");
    assert_int_equal(decision.failure, POLICY_FAILED_NONSENSE);
    assert_int_equal(decision.answer->code, 500);
    decision = decide_user(policy, "err");
    assert_int_equal(decision.failure, POLICY_FAILED_ERROR);
    assert_int_equal(decision.answer->code, 500);
    assert_string_equal(decision.file, "policy.lua");
    assert_int_equal(decision.line, 7);
    assert_non_null(strstr(decision.text, "boom"));
    policy_free(policy);
}

static void rules_in_order(void **state)
{
    (void)state;
    struct policy_world world = {0};
    struct policy *policy = policy_of(
        &world, POLICY("{ 'one', when = { user = 'a' }, verdict = ok {} },"
                       "{ 'two', when = { user = { 'a', 'b' } }, verdict = gone {} },"
                       "{ 'three', check = function(req) return req.target.user == 'c' end, verdict = reject(486) {} },"
                       "{ 'four', when = { user = 'd' }, decide = function(req) return nil end },"
                       "{ 'five', when = { user = 'd' }, decide = function(req) return moved {} end },"));
    struct policy_decision decision = decide_user(policy, "a");
    assert_decision(&decision, POLICY_OK, 200, "one");
    assert_int_equal(decision.rule_index, 0);
    assert_int_equal(decision.fuel, 0);
    decision = decide_user(policy, "b");
    assert_decision(&decision, POLICY_GONE, 410, "two");
    decision = decide_user(policy, "c");
    assert_decision(&decision, POLICY_REJECT, 486, "three");
    decision = decide_user(policy, "d");
    assert_decision(&decision, POLICY_MOVED, 301, "five");
    assert_int_equal(decision.rule_index, 4);
    decision = decide_user(policy, "e");
    assert_decision(&decision, POLICY_NOT_FOUND, 404, "default");
    assert_int_equal(decision.rule_index, -1);
    policy_free(policy);
}

static void assert_failed(const struct policy_decision *decision, enum policy_failure failure, int code,
                          const char *rule, const char *text)
{
    if (decision->failure != failure || !strstr(decision->text, text))
        fail_msg("expected %s with \"%s\", got %s with \"%s\"", policy_failure_name(failure), text,
                 policy_failure_name(decision->failure), decision->text);
    assert_int_equal(decision->answer->code, code);
    assert_string_equal(decision->rule, rule);
}

/* Whatever a script does: on_error's answer, the rule and the place named, and the next request served. */
static void failures(void **state)
{
    (void)state;
    static const struct {
        const char *check;
        enum policy_failure failure;
        const char *text;
    } rows[] = {
        {"error('boom')", POLICY_FAILED_ERROR, "boom"},
        {"error({})", POLICY_FAILED_ERROR, ""},
        {"error()", POLICY_FAILED_ERROR, ""},
        {"error('a\\nb\\27c')", POLICY_FAILED_ERROR, "a b c"},
        {"local x = nil; return x.y", POLICY_FAILED_ERROR, "nil"},
        {"return 1", POLICY_FAILED_NONSENSE, "expected true or false, got number"},
        {"return gone {}", POLICY_FAILED_NONSENSE, "`decide`"},
        {"while true do end", POLICY_FAILED_FUEL, ""},
        {"while true do pcall(function() while true do end end) end", POLICY_FAILED_FUEL, ""},
        {"local function f() return f() + 1 end return f()", POLICY_FAILED_MEMORY, ""},
        {"local s = 'x' while true do s = s .. s end", POLICY_FAILED_MEMORY, ""},
        {"local t = {} for i = 1, 1e9 do t[i] = {} end", POLICY_FAILED_FUEL, ""},
        {"return ('x'):rep(1e9) == ''", POLICY_FAILED_ERROR, "longer than 16384 bytes"},
        {"globl = 1", POLICY_FAILED_ERROR, "globl"},
        {"return globl", POLICY_FAILED_ERROR, "globl"},
        {"return req.methd", POLICY_FAILED_ERROR, "did you mean 'method'?"},
        {"req.method = 'BYE'", POLICY_FAILED_ERROR, "req is read-only"},
        {"return req.target.usr", POLICY_FAILED_ERROR, "did you mean 'user'?"},
        {"return req:header()", POLICY_FAILED_ERROR, "expected a header's name"},
        {"return req.header('X')", POLICY_FAILED_ERROR, "with a colon"},
        {"return req.header({}, 'X')", POLICY_FAILED_ERROR, "with a colon"},
        {"return req.uri:param(7)", POLICY_FAILED_ERROR, "parameter's name"},
        {"return env.nothing:has('x')", POLICY_FAILED_ERROR, ""},
        {"env.x = 1", POLICY_FAILED_ERROR, ""},
        {"return matches 'a*'", POLICY_FAILED_ERROR, "only while the policy is loaded"},
        {"return os.exit()", POLICY_FAILED_ERROR, "os"},
        {"return require 'x'", POLICY_FAILED_ERROR, ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[1024];
        struct policy_world world = {0};
        snprintf(text, sizeof(text),
                 "return policy { on_error = reject(480) {}, default = not_found {}, rules = {\n"
                 "{ 'first', when = { user = 'nobody' }, verdict = ok {} },\n"
                 "{ 'bad', when = { user = 'a' }, check = function(req, env)\n %s\nend, verdict = ok {} },\n"
                 "{ 'last', verdict = ok {} } } }",
                 rows[i].check);
        struct policy *policy = policy_of(&world, text);
        for (int again = 0; again < 2; again++) {
            struct policy_decision decision = decide_user(policy, "a");
            assert_failed(&decision, rows[i].failure, 480, "bad", rows[i].text);
            assert_int_equal(decision.rule_index, 1);
            assert_true(decision.fuel > 0);
            if (rows[i].failure == POLICY_FAILED_ERROR && rows[i].text[0]) {
                assert_string_equal(decision.file, "policy.lua");
                assert_int_equal(decision.line, 4);
            }
            assert_null(strchr(decision.text, '\n'));
            decision = decide_user(policy, "b");
            assert_decision(&decision, POLICY_OK, 200, "last");
        }
        policy_free(policy);
    }
}

static void decide_returns_nonsense(void **state)
{
    (void)state;
    struct policy_world world = {0};
    struct policy *policy = policy_of(&world, POLICY("{ 'd', decide = function(req) return 'gone' end }"));
    struct policy_decision decision = decide_user(policy, "a");
    assert_failed(&decision, POLICY_FAILED_NONSENSE, 500, "d", "expected a verdict");
    policy_free(policy);
}

/* A caught error does not hide that the directory cannot be read. */
static void unreadable_record_in_lua(void **state)
{
    (void)state;
    struct policy_world world = {.record_err = ERR_IO};
    struct policy *policy = policy_of(
        &world, "return function(req)\n"
                "  if req.target.user == 'caught' then pcall(function() return req.record end) return ok {} end\n"
                "  if req.target.user == 'state' then return req.state == 'none' and ok {} or ok {} end\n"
                "  return req.record and gone {} or ok {}\n"
                "end");
    static const char *const users[] = {"caught", "state", "plain"};
    for (size_t i = 0; i < 3; i++) {
        struct policy_decision decision = decide_user(policy, users[i]);
        assert_failed(&decision, POLICY_FAILED_DIRECTORY, 500, "", "cannot be read");
    }
    assert_true(policy_describe(policy_program_of(policy))->asks_directory);
    policy_free(policy);
}

static void shared_tables(void **state)
{
    (void)state;
    struct policy_world world = {.wall_ms = 1000};
    struct policy *policy = policy_of(
        &world,
        "return policy { on_error = reject(500) {}, default = not_found {}, shared = {\n"
        "calls = counter { ttl = 60, max = 2 }, seen = map { ttl = 60 }, rate = bucket { rate = 1, burst = 2 } },\n"
        "rules = {\n"
        "{ 'flood', when = { user = 'count' }, check = function(req, env) return env.calls:incr('k') > 2 end,\n"
        "  verdict = reject(486) {} },\n"
        "{ 'by', when = { user = 'by' }, check = function(req, env)\n"
        "  return env.calls:incr('by', 5) == 5 and env.calls:get('by') == 5 end, verdict = ok {} },\n"
        "{ 'map', when = { user = 'map' }, decide = function(req, env)\n"
        "  local old = env.seen:get('a') env.seen:set('a', 'b') if old == 'b' then env.seen:forget('a') end\n"
        "  return old and gone {} or ok {} end },\n"
        "{ 'rate', when = { user = 'rate' }, check = function(req, env) return not env.rate:take('x') end,\n"
        "  verdict = reject(486) {} },\n"
        "{ 'bad key', when = { user = 'bad' }, check = function(req, env) return env.calls:incr({}) end,\n"
        "  verdict = ok {} },\n"
        "{ 'less', when = { user = 'less' }, check = function(req, env) return env.calls:incr('k', -1) end,\n"
        "  verdict = ok {} } } }");
    for (int i = 1; i <= 4; i++) {
        struct policy_decision decision = decide_user(policy, "count");
        assert_int_equal(decision.failure, POLICY_FAILED_NOT);
        assert_int_equal(decision.answer->code, i > 2 ? 486 : 404);
    }
    world.wall_ms += 61000; /* another window */
    struct policy_decision decision = decide_user(policy, "count");
    assert_int_equal(decision.answer->code, 404);
    decision = decide_user(policy, "by");
    assert_decision(&decision, POLICY_OK, 200, "by");
    decision = decide_user(policy, "map");
    assert_decision(&decision, POLICY_OK, 200, "map");
    decision = decide_user(policy, "map");
    assert_decision(&decision, POLICY_GONE, 410, "map");
    decision = decide_user(policy, "map");
    assert_decision(&decision, POLICY_OK, 200, "map");
    for (int i = 1; i <= 3; i++) {
        decision = decide_user(policy, "rate");
        assert_int_equal(decision.answer->code, i > 2 ? 486 : 404);
    }
    decision = decide_user(policy, "bad");
    assert_failed(&decision, POLICY_FAILED_ERROR, 500, "bad key", "expected a string as key");
    decision = decide_user(policy, "less");
    assert_failed(&decision, POLICY_FAILED_ERROR, 500, "less", "only counts up");
    policy_free(policy);
}

/* OPTIONS may be asked twice: it reads what is counted and counts nothing. */
static void read_only(void **state)
{
    (void)state;
    static struct sip_message message;
    static char bytes[2048];
    struct policy_world world = {0};
    struct policy_decision decision;
    struct policy *policy = policy_of(
        &world, "return policy { on_error = reject(500) {}, default = not_found {},\n"
                "shared = { calls = counter { ttl = 60 } }, rules = {\n"
                "{ 'one', check = function(req, env) return env.calls:incr('k') == 1 end, verdict = ok {} } } }");
    struct policy_request request = request_of(&message, bytes, sizeof(bytes), "OPTIONS", "sip:a@b.example", NULL);
    for (int i = 0; i < 3; i++) {
        policy_decide_read_only(policy, &request, &decision);
        assert_decision(&decision, POLICY_OK, 200, "one");
    }
    policy_decide(policy, &request, &decision);
    assert_decision(&decision, POLICY_OK, 200, "one");
    policy_decide(policy, &request, &decision);
    assert_decision(&decision, POLICY_NOT_FOUND, 404, "default");
    policy_free(policy);
}

static const char handler[] =
    "return policy { on_error = reject(500) {}, default = not_found {}, rules = {}, on_ack_missing = function(call)\n"
    "log.warn('no ACK', call.id, call.method, call.from, call.to, call.target, call.code, call.age, call.source.ip,\n"
    "  call.source.port, call.source.transport)\n"
    "if call.id == 'bad' then error 'boom' end if call.id == 'loop' then while true do end end end }";

static void events(void **state)
{
    (void)state;
    struct policy_world world = {0};
    struct policy_decision decision;
    struct policy_call call = {.id = SPAN("c1"),
                               .method = SPAN("INVITE"),
                               .from = SPAN("sip:f@x"),
                               .to = SPAN("sip:t@x"),
                               .target = SPAN("sip:g@x"),
                               .code = 410,
                               .source = {.family = 4, .address = {192, 0, 2, 9}, .port = 5070, .transport = "tcp"},
                               .age_ms = 1500};
    struct policy *policy = policy_of(&world, handler);
    assert_true(policy_has_event(policy, POLICY_ON_ACK_MISSING));
    policy_event(policy, POLICY_ON_ACK_MISSING, &call, &decision);
    assert_int_equal(decision.failure, POLICY_FAILED_NOT);
    assert_int_equal(world.log_count, 1);
    assert_string_equal(world.log_texts[0], "no ACK c1 INVITE sip:f@x sip:t@x sip:g@x 410 1.5 192.0.2.9 5070 tcp");
    call.id = SPAN("bad");
    policy_event(policy, POLICY_ON_ACK_MISSING, &call, &decision);
    assert_int_equal(decision.failure, POLICY_FAILED_ERROR);
    assert_null(decision.answer);
    call.id = SPAN("loop");
    policy_event(policy, POLICY_ON_ACK_MISSING, &call, NULL);
    policy_event(policy, POLICY_ON_ACK_MISSING, &call, &decision);
    assert_int_equal(decision.failure, POLICY_FAILED_FUEL);
    policy_free(policy);
    policy = policy_of(&world, "return policy { on_error = reject(500) {}, default = not_found {}, rules = {},\n"
                               "on_call_start = function(call) log.info('start', call.id, call.reason) end,\n"
                               "on_call_end = function(call) log.info('end', call.id, call.reason) error 'x' end }");
    assert_false(policy_has_event(policy, POLICY_ON_ACK_MISSING));
    call.id = SPAN("c2");
    world.log_count = 0;
    policy_event(policy, POLICY_ON_CALL_START, &call, &decision);
    assert_int_equal(decision.failure, POLICY_FAILED_NOT);
    assert_string_equal(world.log_texts[0], "start c2 nil");
    call.reason = SPAN("peer");
    policy_event(policy, POLICY_ON_CALL_END, &call, &decision);
    assert_int_equal(decision.failure, POLICY_FAILED_ERROR);
    assert_string_equal(decision.rule, "on_call_end");
    assert_string_equal(world.log_texts[1], "end c2 peer");
    policy_free(policy);
    policy = policy_of(&world, POLICY(""));
    assert_false(policy_has_event(policy, POLICY_ON_ACK_MISSING));
    policy_event(policy, POLICY_ON_ACK_MISSING, &call, &decision);
    assert_int_equal(decision.failure, POLICY_FAILED_NOT);
    policy_free(policy);
}

static void log_lines(void **state)
{
    (void)state;
    struct policy_world world = {0};
    struct policy *policy =
        policy_of(&world, POLICY("{ 'speaks', decide = function(req)\n"
                                 "log.info('a', 1, 2.5, true, nil, {}, req) log.error('evil\\r\\nline\\0x')\n"
                                 "log.debug(('x'):rep(2000)) for i = 1, 100 do log.warn(i) end return ok {} end }"));
    struct policy_decision decision = decide_user(policy, "a");
    assert_decision(&decision, POLICY_OK, 200, "speaks");
    assert_int_equal(world.log_count, 16);
    assert_string_equal(world.log_texts[0], "a 1 2.5 true nil table userdata");
    assert_string_equal(world.log_rules[0], "speaks");
    assert_string_equal(world.log_texts[1], "evil  line x");
    assert_int_equal(strlen(world.log_texts[2]), 511);
    policy_free(policy);
}

/* A request that a script keeps: live, it reads the next one and never freed memory; in tests it raises. */
static void kept_requests(void **state)
{
    (void)state;
    static const char text[] = "local kept, uri\n"
                               "return function(req)\n"
                               "  if kept then return reject(486) { reason = kept.target.user .. uri.user } end\n"
                               "  kept, uri = req, req.uri return ok {}\n"
                               "end";
    const struct source_file file = {"policy.lua", SPAN(text)};
    struct policy_world world = {0};
    struct policy *policy = policy_of(&world, text);
    struct policy_decision decision = decide_user(policy, "first");
    decision = decide_user(policy, "second");
    assert_decision(&decision, POLICY_REJECT, 486, "");
    assert_true(span_equal(decision.answer->reason, SPAN("secondsecond")));
    policy_free(policy);
    policy = policy_of_files(&world, &file, 1, true);
    decision = decide_user(policy, "first");
    assert_decision(&decision, POLICY_OK, 200, "");
    decision = decide_user(policy, "second");
    assert_failed(&decision, POLICY_FAILED_ERROR, 500, "", "kept from an earlier decision");
    policy_free(policy);
}

/* Nor is a request there outside a decision. */
static void request_outside_a_decision(void **state)
{
    (void)state;
    struct policy_world world = {0};
    struct policy_call call = {.id = SPAN("c")};
    struct policy_decision decision;
    struct policy *policy =
        policy_of(&world, "local kept return policy { on_error = reject(500) {}, default = not_found {}, rules = {\n"
                          "{ 'keep', check = function(req) kept = req end, verdict = ok {} } },\n"
                          "on_ack_missing = function() return kept.method end }");
    decision = decide_user(policy, "a");
    assert_decision(&decision, POLICY_NOT_FOUND, 404, "default");
    policy_event(policy, POLICY_ON_ACK_MISSING, &call, &decision);
    assert_int_equal(decision.failure, POLICY_FAILED_ERROR);
    assert_non_null(strstr(decision.text, "only while it is decided"));
    policy_free(policy);
}

/* The same request, time and seed: the same answer and the same fuel, in every VM. */
static void decisions_repeat(void **state)
{
    (void)state;
    static const char text[] =
        "return function(req) local t = {} for k in pairs { b = 1, a = 2, c = 3 } do t[#t + 1] = k end\n"
        "return ok { reason = table.concat(t) .. math.random(1000000) .. now() .. tostring(req.uri) } end";
    char first[128] = "";
    uint64_t fuel = 0;
    for (int i = 0; i < 20; i++) {
        struct policy_world world = {.wall_ms = 5000, .seed = 7};
        struct policy *policy = policy_of(&world, text);
        struct policy_decision decision = decide_user(policy, "a");
        assert_decision(&decision, POLICY_OK, 200, "");
        if (i == 0) {
            assert_true(span_copy(decision.answer->reason, first, sizeof(first)));
            fuel = decision.fuel;
        }
        assert_true(span_equal(decision.answer->reason, span_of(first)));
        assert_int_equal(decision.fuel, fuel);
        policy_free(policy);
    }
    assert_non_null(strstr(first, "abc"));
    assert_non_null(strstr(first, "5sip:a@example.com"));
}

/* Hostile values reach Lua as they are, cut where they are too long; nothing breaks. */
static void hostile_requests(void **state)
{
    (void)state;
    static char header[60000];
    struct policy_world world = {0};
    struct policy *policy = policy_of(
        &world, "return function(req) local n = #req:header 'X-Long' for _, v in ipairs(req:headers 'X-Long') do\n"
                "n = n + #v end local d = req.from.display or '' if d:find('%%') then n = n + 1 end\n"
                "return reject(480) { retry_after = n } end");
    memset(header, 'z', sizeof(header));
    memcpy(header, "X-Long: ", 8);
    memcpy(header + sizeof(header) - 3, "\r\n", 3);
    struct policy_decision decision = decide(policy, "INVITE", "sip:%00%ff@example.com", header);
    assert_decision(&decision, POLICY_REJECT, 480, "");
    assert_int_equal(decision.answer->retry_after, 2 * 16383);
    policy_free(policy);
}

static void memory_stays_flat(void **state)
{
    (void)state;
    struct policy_world world = {0};
    struct policy *policy =
        policy_of(&world, "return function(req) local t = {} for i = 1, 10 do t[i] = req.target.user .. i end\n"
                          "return gone { evidence = table.concat(t) } end");
    size_t most = 0;
    for (int i = 0; i < 30000; i++) {
        char user[32];
        snprintf(user, sizeof(user), "user%d", i);
        struct policy_decision decision = decide_user(policy, user);
        assert_int_equal(decision.answer->code, 410);
        policy_collect(policy);
        if (policy_memory(policy) > most)
            most = policy_memory(policy);
    }
    assert_true(most < 2 * 1024 * 1024);
    assert_false(policy_wants_rebuild(policy));
    policy_free(policy);
}

static void set_aside(void **state)
{
    (void)state;
    struct policy_world world = {.wall_ms = 1000000};
    struct policy *policy =
        policy_of(&world, POLICY("{ 'mad', check = function(req) while req.target.user == 'mad' do end end,"
                                 "  verdict = ok {} },"
                                 "{ 'sane', when = { user = 'sane' }, verdict = gone {} }"));
    struct policy_decision decision;
    for (int i = 1; i < POLICY_KILLS_MAX; i++) {
        decision = decide_user(policy, "mad");
        assert_int_equal(decision.failure, POLICY_FAILED_FUEL);
        assert_false(decision.set_aside);
    }
    /* So many within a minute, not so many in all. */
    world.wall_ms += POLICY_KILLS_MS;
    for (int i = 1; i < POLICY_KILLS_MAX; i++) {
        decision = decide_user(policy, "mad");
        assert_false(decision.set_aside);
    }
    decision = decide_user(policy, "sane");
    assert_decision(&decision, POLICY_GONE, 410, "sane");
    decision = decide_user(policy, "mad");
    assert_int_equal(decision.failure, POLICY_FAILED_FUEL);
    assert_true(decision.set_aside);
    /* From here on it costs nothing, and on_error answers wherever it would be asked. */
    decision = decide_user(policy, "sane");
    assert_int_equal(decision.failure, POLICY_FAILED_ASIDE);
    assert_string_equal(decision.rule, "mad");
    assert_int_equal(decision.answer->code, 500);
    assert_int_equal(decision.fuel, 0);
    assert_false(decision.set_aside);
    world.wall_ms += 10 * POLICY_KILLS_MS;
    decision = decide_user(policy, "sane");
    assert_int_equal(decision.failure, POLICY_FAILED_ASIDE);
    policy_free(policy);
    policy = policy_of(&world, "return function(req) if req.target.user == 'mad' then while true do end end"
                               " if req.target.user == 'err' then error 'x' end return ok {} end");
    for (int i = 0; i < 2 * POLICY_KILLS_MAX; i++) {
        decision = decide_user(policy, "err"); /* an error is no kill */
        assert_int_equal(decision.failure, POLICY_FAILED_ERROR);
    }
    for (int i = 0; i < POLICY_KILLS_MAX; i++)
        decision = decide_user(policy, "mad");
    assert_true(decision.set_aside);
    decision = decide_user(policy, "good");
    assert_int_equal(decision.failure, POLICY_FAILED_ASIDE);
    policy_free(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_function),
        cmocka_unit_test(rules_in_order),
        cmocka_unit_test(set_aside),
        cmocka_unit_test(failures),
        cmocka_unit_test(decide_returns_nonsense),
        cmocka_unit_test(unreadable_record_in_lua),
        cmocka_unit_test(shared_tables),
        cmocka_unit_test(read_only),
        cmocka_unit_test(events),
        cmocka_unit_test(log_lines),
        cmocka_unit_test(kept_requests),
        cmocka_unit_test(request_outside_a_decision),
        cmocka_unit_test(decisions_repeat),
        cmocka_unit_test(hostile_requests),
        cmocka_unit_test(memory_stays_flat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
