/* SPDX-License-Identifier: Apache-2.0 */
/* What a check finds, where, and what it leaves alone. */
#include "authoring/authoring_check.h"
#include "authoring/authoring_escape.h"
#include "authoring/authoring_scan.h"
#include "policy/policy.h"
#include "util/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct authoring_findings findings;
static struct source *source;

static void check_files(const struct source_file *files, size_t count)
{
    source_unref(source);
    assert_int_equal(source_from_memory("test", files, count, &source, NULL), OK);
    authoring_check(source, &findings);
}

static void check(const char *text)
{
    const struct source_file file = {"policy.lua", span_of(text)};
    check_files(&file, 1);
}

static int tear_down(void **state)
{
    (void)state;
    source_unref(source);
    source = NULL;
    return 0;
}

static void assert_nothing(const char *text)
{
    check(text);
    if (findings.count > 0)
        fail_msg("%s: %d: %s", text, findings.list[0].line, findings.list[0].text);
}

static void assert_finding(const char *text, enum authoring_severity severity, int line, int column,
                           const char *message)
{
    check(text);
    for (size_t i = 0; i < findings.count; i++) {
        const struct authoring_finding *finding = &findings.list[i];
        if (!strstr(finding->text, message))
            continue;
        assert_int_equal(finding->severity, severity);
        assert_string_equal(finding->file, "policy.lua");
        if (finding->line != line || finding->column != column)
            fail_msg("%s: expected %d:%d, got %d:%d", finding->text, line, column, finding->line, finding->column);
        return;
    }
    fail_msg("%s: nothing says \"%s\" (%s)", text, message, findings.count ? findings.list[0].text : "no finding");
}

#define HEAD "return policy { on_error = reject(500) {}, default = not_found {},\n"

static void errors(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line, column;
        const char *message;
    } rows[] = {
        {"return function(req)\n  retrun ok {}\nend", 2, 10, "syntax error"},
        {"return 7", 0, 0, "expected it to return"},
        {HEAD "rulez = {} }", 2, 1, "did you mean \"rules\""},
        {HEAD "rules = { { 'a', when = { usr = 'x' }, verdict = ok {} } } }", 2, 27, "did you mean \"user\""},
        {"return policy { on_error = gone {}, default = not_found {}, rules = {} }", 1, 17, "gone {} is refused"},
        {"return function(req)\n  return gon {}\nend", 2, 10, "there is no global 'gon'; did you mean 'gone'?"},
        {"return function(req)\n  return xyzzy(req)\nend", 2, 10, "there is no global 'xyzzy'"},
        {"return function(req)\n  x = 1\n  return ok {}\nend", 2, 3, "write 'local x'"},
        {"function helper() end\nreturn function(req) return ok {} end", 1, 10, "'helper' is written as a global"},
        {"return function(req)\n  return req.methd and ok {}\nend", 2, 14, "did you mean 'method'?"},
        {"return function(req)\n  return req.target.nmber and ok {}\nend", 2, 21, "did you mean 'number'?"},
        {"return function(req)\n  return req:heder 'X' and ok {}\nend", 2, 14, "did you mean 'header'?"},
        {HEAD "rules = { { 'a', check = function(req)\n return req.source.ipp == 'x' end, verdict = ok {} } } }", 3, 20,
         "did you mean 'ip'?"},
        {"return function(req)\n  return gone { evidnce = 'x' }\nend", 2, 17,
         "gone has no field 'evidnce'; did you mean 'evidence'?"},
        {"return function(req)\n  return reject(486) { retry_aftr = 3 }\nend", 2, 24, "did you mean 'retry_after'?"},
        {"return function(req)\n  return ok { headers = { X = 'y' }, rin = 1 }\nend", 2, 38, "did you mean 'ring'?"},
        {"return function(r)\n  return r.methd and ok {}\nend", 2, 12, "did you mean 'method'?"},
        {HEAD "rules = { { 'a', decide = function(ask, e)\n return ask.target.nmber and ok {} end } } }", 3, 20,
         "req.target has no field 'nmber'; did you mean 'number'?"},
        {HEAD "data = { d = strings { 'x' } }, rules = { { 'a', check = function(ask, e)\n"
              "  return e.b:has 'x' end, verdict = ok {} } } }",
         3, 12, "neither `data` nor `shared`"},
        {"return function(req)\n  log.wrn('x')\n  return ok {}\nend", 2, 7, "log has no 'wrn'; did you mean 'warn'?"},
        {"return function(req)\n  return string.fnid(req.method, 'x') and ok {}\nend", 2, 17, "did you mean 'find'?"},
        {"return function(req)\n  return string.dump(req.method) and ok {}\nend", 2, 17, "string has no 'dump'"},
        {HEAD "shared = { calls = counter { ttl = 60 } }, rules = { { 'a', check = function(req, env)\n"
              "  return env.cals:incr 'x' > 1 end, verdict = ok {} } } }",
         3, 14, "neither `data` nor `shared` of this policy has 'cals'; did you mean 'calls'?"},
        {"local a = 1\nreturn function(req) return ok { reason = os.date() } end", 2, 43, "there is no global 'os'"},
        {"return function(req)\n  for i = 1, n do log.info(i) end\n return ok {} end", 2, 14, "'n'"},
        {"return function(req)\n  do local y = 1 end\n  return y and ok {} end", 3, 10, "'y'"},
        {"return function(req)\n  local t = { a = b }\n  return t.a and ok {} end", 2, 19, "'b'"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_finding(rows[i].text, AUTHORING_ERROR, rows[i].line, rows[i].column, rows[i].message);
        assert_true(findings.errors > 0);
    }
}

static void warnings(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line, column;
        const char *message;
    } rows[] = {
        {HEAD "rules = {\n{ 'a', when = { user = 'x' }, verdict = gone {} } } }", 3, 41, "without ground"},
        {"return function(req)\n  return gone {}\nend", 2, 10, "without `evidence`"},
        {"return policy { on_error = reject(500) {}, default = gone {}, rules = {} }", 0, 0, "default answers 410"},
        {HEAD "rules = { { 'a', verdict = ok {} },\n{ 'b', verdict = drop } } }", 3, 4, "\"b\" is never reached"},
        {HEAD "rules = { { 'a', when = { user = 'x' }, verdict = ok {} },\n"
              "{ 'b', when = { user = 'x', method = 'INVITE' }, verdict = drop } } }",
         3, 4, "\"a\" before it fits whenever it does, so rule \"b\" is never reached"},
        {HEAD "rules = { { 'a', when = { user = { 'x', prefix '+49' } }, verdict = ok {} },\n"
              "{ 'b', when = { user = '+4930' }, verdict = drop } } }",
         3, 4, "\"b\" is never reached"},
        {HEAD "rules = { { 'a', when = { user_agent = matches 'scan*' }, verdict = ok {} },\n"
              "{ 'b', when = { user_agent = { 'scanner', 'scan' } }, check = function() return true end, verdict = "
              "drop } } }",
         3, 4, "\"b\" is never reached"},
        {HEAD "rules = { { 'a', when = { state = { 'gone', 'moved' } }, verdict = ok {} },\n"
              "{ 'b', when = { state = 'gone' }, decide = function() end } } }",
         3, 4, "\"b\" is never reached"},
        {"return function(req)\n  return gone { evidence = 'x', q850 = 17 }\nend", 2, 40, "q850 = 17 contradicts 410"},
        {"return function(req)\n  return req.body and not_found { q850 = 22 } or ok {}\nend", 2, 42,
         "q850 = 22 contradicts 404"},
        {"return function(req)\n  return reject(603) { reason = 'x', q850 = 16 }\nend", 2, 45, "normal end"},
        {"return function(req)\n  return req.body and gone { reason = 'x' } or ok {}\nend", 2, 23,
         "without `evidence`"},
        {HEAD "rules = {\n{ 'a', when = { state = 'gone' }, verdict = gone { q850 = 17 } } } }", 3, 4,
         "contradicts 410"},
        {HEAD "rules = {\n{ 'a', when = { user = 'x' }, verdict = not_found { q850 = 22 } } } }", 3, 4,
         "contradicts 404"},
        {HEAD "rules = {\n{ 'a', when = { user = 'x' }, verdict = unavailable { q850 = 1 } } } }", 3, 4,
         "contradicts 480"},
        {HEAD "rules = {\n{ 'a', when = { user = 'x' }, verdict = reject(603) { q850 = 16 } } } }", 3, 4, "normal end"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_finding(rows[i].text, AUTHORING_WARNING, rows[i].line, rows[i].column, rows[i].message);
        assert_int_equal(findings.errors, 0);
    }
}

static void escapes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line, column;
        const char *message;
    } rows[] = {
        {"local kept\nreturn function(req)\n  kept = req\n  return ok {} end", 3, 10, "req is kept past"},
        {"local seen = {}\nreturn function(req)\n  seen.last = req\n  return ok {} end", 3, 15, "req is kept past"},
        {"local seen = {}\nreturn function(req)\n  seen[1] = req.from.uri\n  return ok {} end", 3, 22,
         "req.from.uri is kept"},
        {"local kept\nreturn function(req)\n  kept = req.target\n  return ok {} end", 3, 14, "req.target is kept"},
        /* by another name, of a part, after another one, behind `and`, in parentheses */
        {"local kept\nreturn function(req)\n  local r = req\n  kept = r\n  return ok {} end", 4, 10, "r is kept past"},
        {"local kept\nreturn function(req)\n  local u = req.from\n  kept = u.uri\n  return ok {} end", 4, 12,
         "u.uri is kept"},
        {"local a, b\nreturn function(req)\n  a, b = 1, req\n  return ok {} end", 3, 13, "req is kept past"},
        {"local kept\nreturn function(req)\n  kept = req.body and req\n  return ok {} end", 3, 23, "req is kept past"},
        {"local kept\nreturn function(req)\n  kept = kept or (req)\n  return ok {} end", 3, 19, "req is kept past"},
        {"local kept = {}\nreturn function(req)\n  kept[#kept + 1], kept.n = req, 1\n  return ok {} end", 3, 29,
         "req is"},
        /* in a table, in whatever way it gets there */
        {"return function(req)\n  local t = { req }\n  return ok {} end", 2, 15, "req is kept past"},
        {"return function(req)\n  local t = { a = { b = req.to } }\n  return ok {} end", 2, 29, "req.to is kept"},
        {"local seen = {}\nreturn function(req)\n  table.insert(seen, req)\n  return ok {} end", 3, 22,
         "req is kept past"},
        {"return function(req)\n  local t = table.pack(1, req.uri)\n  return ok {} end", 2, 31, "req.uri is kept"},
        {"return function(req)\n  local t = setmetatable({}, req)\n  return ok {} end", 2, 30, "req is kept past"},
        /* caught by a function that is kept */
        {"local kept\nreturn function(req)\n  kept = function() return req.method end\n  return ok {} end", 3, 10,
         "function is kept past"},
        {"local kept\nreturn function(req)\n  local function f() return req.method end\n  kept = f\n  return ok {} end",
         4, 10, "f is kept past"},
        {"local kept\nreturn function(req)\n  local f = function() return function() return req end end\n"
         "  kept = f\n  return ok {} end",
         4, 10, "f is kept past"},
        /* through functions, in any order */
        {"local kept\nlocal function keep(what) kept = what end\nreturn function(req)\n  keep(req)\n  return ok {} end",
         2, 34, "what is kept past"},
        {"local kept\nlocal one, two\nfunction one(x) two(1, x) end\nfunction two(n, y) kept = y end\n"
         "return function(req)\n  one(req.uri)\n  return ok {} end",
         4, 27, "y is kept past"},
        {"local kept\nlocal function same(x) return x end\nreturn function(req)\n  kept = same(req)\n  return ok {} "
         "end",
         4, 10, "same is kept past"},
        {"local kept\nlocal m = {}\nfunction m:keep(x) kept = x end\nreturn function(req)\n  m:keep(req)\n"
         "  return ok {} end",
         3, 27, "x is kept past"},
        {"local kept\nlocal function keep(x) kept = x end\nreturn function(req)\n  pcall(keep, req)\n  return ok {} "
         "end",
         2, 31, "x is kept past"},
        {"local kept\nreturn function(req)\n  kept = assert(req)\n  return ok {} end", 3, 10, "assert is kept past"},
        /* the request of a rule, whatever it is called */
        {"local kept\nreturn function(r)\n  kept = r\n  return ok {} end", 3, 10, "r is kept past"},
        {"local kept\n" HEAD
         "rules = { { 'a', check = function(ask)\n  kept = ask return true end, verdict = ok {} } } }",
         4, 10, "ask is kept past"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_finding(rows[i].text, AUTHORING_WARNING, rows[i].line, rows[i].column, rows[i].message);
    assert_nothing(
        "local last\nreturn function(req)\n"
        "  local r = req\n  local u = req.uri\n  last = req.target.user\n  last = req.method\n"
        "  last = req.source == r and 1 or 2\n  return ok { reason = req.method, headers = { ['X-U'] = u.host } } end");
    /* Used and forgotten within the decision: by other names, by functions, in loops. */
    assert_nothing("local last, count = nil, 0\n"
                   "local function host(r) local u = r.uri return u.host end\n"
                   "local function both(a, b) return a.method .. b end\n"
                   "return function(req)\n"
                   "  local r, n = req, 1\n  local function f() return r.method end\n"
                   "  last = host(req)\n  last = f() last = both(r, 'x') last = pcall(host, req) and 'x'\n"
                   "  last = not req last = #req.method last = req.from.user .. 'x' last = (req.to.uri.host)\n"
                   "  for _, v in ipairs(req:headers 'X') do last = v end\n"
                   "  do local req = { 1 } last = req end\n"
                   "  r = 5 last = r\n"
                   "  if req.record and req.record.state == 'gone' then count = count + 1 end\n"
                   "  return ok { reason = host(req), headers = { [req.method] = req.call_id } } end");
}

/* The escape walk meets scripts that compile, but it must not fall over others either. */
static void escapes_take_anything(void **state)
{
    (void)state;
    static struct authoring_escape_known known;
    unsigned seed = 7;
    for (int i = 0; i < 20000; i++) {
        static const char *const pieces[] = {"req",     "local ", "function ", "end ",  "(",     ")",       "{",
                                             "}",       "=",      ",",         ".",     ":",     "x ",      "do ",
                                             "for ",    "in ",    "if ",       "then ", "else ", "repeat ", "until ",
                                             "return ", "[",      "]",         "'s'",   "and ",  "not "};
        char text[400];
        size_t len = 0;
        while (len < sizeof(text) - 16) {
            seed = seed * 1103515245u + 12345u;
            const char *piece = pieces[(seed >> 16) % (sizeof(pieces) / sizeof(pieces[0]))];
            memcpy(text + len, piece, strlen(piece));
            len += strlen(piece);
        }
        memset(&known, 0, sizeof(known));
        authoring_escape_walk(span_make(text, len), &known, NULL, NULL);
    }
    static char deep[100000];
    memset(deep, '(', sizeof(deep));
    authoring_escape_walk(span_make(deep, sizeof(deep)), &known, NULL, NULL);
    memset(deep, '{', sizeof(deep));
    authoring_escape_walk(span_make(deep, sizeof(deep)), &known, NULL, NULL);
    for (size_t i = 0; i + 3 < sizeof(deep); i += 3)
        memcpy(deep + i, "do ", 3);
    authoring_escape_walk(span_make(deep, sizeof(deep)), &known, NULL, NULL);
}

static void patterns(void **state)
{
    (void)state;
    static const char *const costly[] = {"(.*)@", "%s+$", ".-;.-;", "^(.-);(.-);x", "[%w.]+@x", "a*b", "(%d+)-(%d+)"};
    static const char *const cheap[] = {"^sip:(%d+)@", "%d+",   "^(.-);", "^%s*(.*)$", "abc",
                                        "^[^@]+@",     "^%+49", "x$",     ""};
    for (size_t i = 0; i < sizeof(costly) / sizeof(costly[0]); i++) {
        char text[256];
        snprintf(text, sizeof(text), "return function(req)\n  return req.method:match '%s' and ok {} end", costly[i]);
        assert_finding(text, AUTHORING_WARNING, 2, 27, "on a hostile header");
        snprintf(text, sizeof(text), "return function(req)\n  return string.find(req.method, '%s') and ok {} end",
                 costly[i]);
        check(text);
        assert_int_equal(findings.errors, 0);
    }
    for (size_t i = 0; i < sizeof(cheap) / sizeof(cheap[0]); i++) {
        char text[256];
        snprintf(text, sizeof(text), "return function(req) return req.method:gsub('%s', '') and ok {} end", cheap[i]);
        assert_nothing(text);
    }
}

static void nothing_wrong(void **state)
{
    (void)state;
    assert_nothing("return function(req) return ok {} end");
    assert_nothing("return function(req) return gone { evidence = 'x' } end");
    assert_nothing(HEAD "rules = { { 'a', when = { state = 'gone' }, verdict = gone {} } } }");
    /* Rules that look alike, and are reached all the same. */
    assert_nothing(HEAD "rules = { { 'a', when = { user = 'x', method = 'INVITE' }, verdict = ok {} },\n"
                        "{ 'b', when = { user = 'x' }, verdict = drop },\n"
                        "{ 'c', when = { user = prefix 'y' }, check = function() return false end, verdict = ok {} },\n"
                        "{ 'd', when = { user = 'yz' }, decide = function() end },\n"
                        "{ 'e', when = { user = prefix 'yz' }, verdict = ok {} },\n"
                        "{ 'f', when = { header = { ['X-A'] = 'b' } }, verdict = ok {} },\n"
                        "{ 'g', when = { header = { ['X-B'] = 'b' } }, verdict = ok {} },\n"
                        "{ 'h', when = { user = not_ 'q' }, verdict = ok {} },\n"
                        "{ 'i', when = { user = 'q' }, verdict = ok {} } } }");
    assert_nothing(
        HEAD "data = { d = strings { 'x' } }, rules = { { 'a', when = { user = in_set 'd' }, verdict = gone {} } } }");
    /* Lua's scopes, as far as they go. */
    assert_nothing(
        "local a <const>, b = 1, 2\n"
        "local function f(x, ...) local n = select('#', ...) return x + n + f(a) end\n"
        "local m = {}\nfunction m.g(y) return y end\nfunction m:h(z) return self, z end\n"
        "for k, v in pairs(m) do log.info(k, v) end\nfor i = 1, b do log.info(i) end\n"
        "while a > 2 do local c = a break end\n"
        "repeat local d = 1 until d == 1\n"
        "if a then local e = 1 log.info(e) elseif b then local g = 2 log.info(g) else local h = 3 log.info(h) end\n"
        "do goto done end\n::done::\n"
        "local s = { a = 1, ['b'] = 2, c = function(q) return q end; d = 'x' .. a }\n"
        "local long = [==[ not code: foo(bar) ]==] --[[ nor this: baz ]] -- nor that\n"
        "local string = { mine = 1 }\nlog.info(string.mine, math.pi, utf8.charpattern, table.concat({}))\n"
        "return function(req) return req.method == 'x' and ok { reason = long .. s.d } or ok {} end");
    assert_nothing(HEAD "data = { d = strings { 'x' } }, shared = { c = counter { ttl = 60 } }, rules = { { 'a',\n"
                        "check = function(req, env) return env.d:has(req.target.user) and env.c:get 'x' > 1 end,\n"
                        "verdict = ok {} } } }");
    /* A table of one's own may have any field, whatever it is called. */
    assert_nothing(
        "local req = { colour = 'red' }\nreturn function(r) return ok { reason = req.colour .. r.method } end");
}

static void modules_are_checked_too(void **state)
{
    (void)state;
    const struct source_file files[] = {
        {"policy.lua", SPAN("local l = require 'lib'\nreturn function(req) return l(req) end")},
        {"lib.lua",
         SPAN("return function(req)\n  if req.method == 'X' then return nott_found {} end\n  return ok {}\nend")},
    };
    check_files(files, 2);
    assert_int_equal(findings.errors, 1);
    assert_string_equal(findings.list[0].file, "lib.lua");
    assert_int_equal(findings.list[0].line, 2);
}

static void format(void **state)
{
    (void)state;
    char text[1024];
    struct buffer out = buffer_over(text, sizeof(text));
    check("return function(req)\n\treturn gon {}\nend");
    authoring_finding_format(&findings.list[0], source, &out);
    assert_true(
        span_equal(buffer_span(&out), SPAN("policy.lua:2:9: error: there is no global 'gon'; did you mean 'gone'?\n"
                                           "    \treturn gon {}\n"
                                           "    \t       ^\n")));
    buffer_clear(&out);
    check("return 7");
    authoring_finding_format(&findings.list[0], source, &out);
    assert_true(span_starts_with(buffer_span(&out), SPAN("policy.lua: error: expected it to return")));
}

static void many_findings(void **state)
{
    (void)state;
    static char text[64 * 1024];
    size_t len = (size_t)snprintf(text, sizeof(text), "return function(req)\n");
    for (int i = 0; i < 150; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "log.info(nothing%d)\n", i);
    snprintf(text + len, sizeof(text) - len, "return ok {} end");
    check(text);
    assert_int_equal(findings.count, AUTHORING_FINDINGS_MAX);
    assert_int_equal(findings.errors, 150);
    assert_int_equal(findings.left_out, 50);
}

/* Every global that luacheck is told of is there. */
static void luacheck_agrees(void **state)
{
    (void)state;
    static char text[8192];
    const struct source_file file = {"policy.lua", SPAN("return function() end")};
    const struct policy_options options = {0};
    struct policy *policy = NULL;
    struct authoring_token token;
    unsigned count = 0;
    FILE *stream = fopen(SOURCE_DIR "/.luacheckrc", "r");
    assert_non_null(stream);
    size_t len = fread(text, 1, sizeof(text), stream);
    fclose(stream);
    source_unref(source);
    assert_int_equal(source_from_memory("bare", &file, 1, &source, NULL), OK);
    assert_int_equal(policy_load(source, &options, &policy, NULL), OK);
    struct authoring_scan scan = authoring_scan_begin(span_make(text, len));
    while (authoring_scan_next(&scan, &token) && !authoring_token_is(&token, "std")) {
        if (token.kind != AUTHORING_TOKEN_STRING)
            continue;
        if (!policy_has_global(policy, token.text))
            fail_msg(".luacheckrc names %.*s, which policies do not have", SPAN_ARG(token.text));
        count++;
    }
    assert_true(count > 40);
    assert_false(policy_has_global(policy, SPAN("os")));
    assert_false(policy_has_global(policy, SPAN("next")));
    policy_free(policy);
}

static bool file_names(const char *path, const char *name)
{
    static char text[64 * 1024];
    char patterns[3][64];
    FILE *stream = fopen(path, "r");
    assert_non_null(stream);
    size_t len = fread(text, 1, sizeof(text) - 1, stream);
    fclose(stream);
    text[len] = '\0';
    snprintf(patterns[0], sizeof(patterns[0]), "\"%s\"", name);
    snprintf(patterns[1], sizeof(patterns[1]), "\nfunction %s(", name);
    snprintf(patterns[2], sizeof(patterns[2]), "\n%s = ", name);
    return strstr(text, patterns[0]) || strstr(text, patterns[1]) || strstr(text, patterns[2]);
}

/* What luacheck knows beyond Lua's own is in the types that editors read; and what the sandbox has of Lua, luacheck knows. */
static void tools_know_every_global(void **state)
{
    (void)state;
    static const char *const luas_own =
        " assert error getmetatable ipairs math pairs pcall require select setmetatable "
        "string table tonumber tostring type utf8 ";
    static char text[16 * 1024];
    char name[64];
    char spaced[80];
    unsigned count = 0;
    struct authoring_token token;
    FILE *stream = fopen(SOURCE_DIR "/.luacheckrc", "r");
    assert_non_null(stream);
    size_t len = fread(text, 1, sizeof(text), stream);
    fclose(stream);
    struct authoring_scan scan = authoring_scan_begin(span_make(text, len));
    while (authoring_scan_next(&scan, &token) && !authoring_token_is(&token, "std")) {
        if (token.kind != AUTHORING_TOKEN_STRING || !span_copy(token.text, name, sizeof(name)))
            continue;
        snprintf(spaced, sizeof(spaced), " %s ", name);
        if (!strstr(luas_own, spaced) && !file_names(SOURCE_DIR "/lua/types/verdict.d.lua", name))
            fail_msg("lua/types does not name %s", name);
    }
    stream = fopen(SOURCE_DIR "/tests/unit/vm/environment.golden", "r");
    assert_non_null(stream);
    while (fgets(text, sizeof(text), stream)) {
        static const char prefix[] = "_ENV<meta>.__index.";
        const char *at = text + sizeof(prefix) - 1;
        if (strncmp(text, prefix, sizeof(prefix) - 1) != 0 ||
            !span_copy(span_make(at, strcspn(at, ".:<[\n")), name, sizeof(name)) || name[0] == '_')
            continue;
        count++;
        if (!file_names(SOURCE_DIR "/.luacheckrc", name))
            fail_msg(".luacheckrc does not name %s", name);
    }
    fclose(stream);
    assert_true(count > 15);
}

/* Any bytes are some tokens: no crash, no endless loop. */
static void scan_takes_anything(void **state)
{
    (void)state;
    unsigned seed = 1;
    for (int i = 0; i < 20000; i++) {
        static const char pieces[] = "[[]]=--\"'\\\n{}(),.:a1 local function end do for in until goto";
        char text[64];
        struct authoring_token token;
        size_t len = 0;
        for (; len < sizeof(text); len++) {
            seed = seed * 1103515245u + 12345u;
            text[len] = pieces[(seed >> 16) % (sizeof(pieces) - 1)];
        }
        struct authoring_scan scan = authoring_scan_begin(span_make(text, len));
        for (size_t tokens = 0; authoring_scan_next(&scan, &token); tokens++)
            assert_true(tokens <= len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors),
        cmocka_unit_test(warnings),
        cmocka_unit_test(escapes),
        cmocka_unit_test(escapes_take_anything),
        cmocka_unit_test(patterns),
        cmocka_unit_test(nothing_wrong),
        cmocka_unit_test(modules_are_checked_too),
        cmocka_unit_test(format),
        cmocka_unit_test(many_findings),
        cmocka_unit_test(luacheck_agrees),
        cmocka_unit_test(tools_know_every_global),
        cmocka_unit_test(scan_takes_anything),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
