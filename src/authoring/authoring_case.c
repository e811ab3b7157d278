/* SPDX-License-Identifier: Apache-2.0 */
/* Reads an entry of test.lua and makes its message. */
#include "authoring/authoring_case.h"

#include "facts/facts_hours.h"
#include "policy/policy.h"
#include "util/suggest.h"

#include <arpa/inet.h>
#include <lua.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool refuse(struct authoring_case *test, const char *format, ...) PRINTF_LIKE(2, 3);
static bool refuse(struct authoring_case *test, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(test->problem, sizeof(test->problem), format, args);
    va_end(args);
    return false;
}

/* Refuses fields that are not in `known`; position 1 is allowed where `named` says so. */
static bool check_fields(struct authoring_case *test, lua_State *L, int index, const char *what,
                         const char *const *known, size_t count)
{
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TNUMBER)
            continue;
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
        size_t i = 0;
        while (i < count && strcmp(known[i], name) != 0)
            i++;
        if (i < count)
            continue;
        const char *near = suggest_of(name, known, count);
        return refuse(test, "%s: unknown field \"%.40s\"%s%s%s", what, name, near ? "; did you mean \"" : "",
                      near ? near : "", near ? "\"?" : "");
    }
    return true;
}

/* A string field of the table at `index`; absent is an empty span.  The string lives in that table. */
static bool take_text(struct authoring_case *test, lua_State *L, int index, const char *name, struct span *out)
{
    int type = lua_getfield(L, index, name);
    if (type == LUA_TSTRING)
        out->at = lua_tolstring(L, -1, &out->len);
    lua_pop(L, 1);
    return type == LUA_TSTRING || type == LUA_TNIL ||
           refuse(test, "%s: expected a string, got %s", name, lua_typename(L, type));
}

static bool take_boolean(struct authoring_case *test, lua_State *L, int index, const char *name, bool *out)
{
    int type = lua_getfield(L, index, name);
    *out = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return type == LUA_TBOOLEAN || type == LUA_TNIL || refuse(test, "%s: expected true or false", name);
}

/* A date as text, or Unix seconds. */
static bool take_time(struct authoring_case *test, lua_State *L, int index, const char *name, int64_t *out_s)
{
    struct span text = {NULL, 0};
    int type = lua_getfield(L, index, name);
    bool fine = type == LUA_TNIL;
    if (type == LUA_TNUMBER) {
        *out_s = (int64_t)lua_tonumber(L, -1);
        fine = true;
    } else if (type == LUA_TSTRING) {
        text.at = lua_tolstring(L, -1, &text.len);
        fine = facts_time_parse(text, out_s);
    }
    lua_pop(L, 1);
    return fine || refuse(test, "%s: expected a time such as \"2026-01-31T12:00:00Z\"", name);
}

static bool take_integer(struct authoring_case *test, lua_State *L, int index, const char *name, int64_t *out)
{
    int type = lua_getfield(L, index, name);
    bool whole = type == LUA_TNUMBER && lua_isinteger(L, -1);
    if (whole)
        *out = lua_tointeger(L, -1);
    lua_pop(L, 1);
    return whole || type == LUA_TNIL || refuse(test, "%s: expected a whole number", name);
}

static bool parse_address(struct span ip, struct policy_peer *out)
{
    char text[64];
    if (!span_copy(ip, text, sizeof(text)))
        return false;
    out->family = 0;
    if (inet_pton(AF_INET, text, out->address) == 1)
        out->family = 4;
    else if (inet_pton(AF_INET6, text, out->address) == 1)
        out->family = 6;
    return out->family != 0;
}

/* source = "192.0.2.1", or a table with ip, port, transport, trusted, identity. */
static bool read_source(struct authoring_case *test, lua_State *L, int index)
{
    static const char *const known[] = {"ip", "port", "transport", "trusted", "identity"};
    static const char *const transports[] = {"udp", "tcp", "tls", "ws", "wss"};
    struct policy_peer *source = &test->test.source;
    struct span ip = {NULL, 0};
    struct span transport = {NULL, 0};
    int64_t port = 5060;
    bool fine = true;
    *source = (struct policy_peer){.family = 4, .address = {192, 0, 2, 1}, .port = 5060, .transport = "udp"};
    int type = lua_getfield(L, index, "source");
    int at = lua_gettop(L);
    if (type == LUA_TSTRING)
        ip.at = lua_tolstring(L, -1, &ip.len);
    else if (type == LUA_TTABLE)
        fine = check_fields(test, L, at, "source", known, 5) && take_text(test, L, at, "ip", &ip) &&
               take_text(test, L, at, "transport", &transport) && take_integer(test, L, at, "port", &port) &&
               take_boolean(test, L, at, "trusted", &source->trusted) &&
               take_text(test, L, at, "identity", &source->identity);
    else if (type != LUA_TNIL)
        fine = refuse(test, "source: expected an address or a table");
    if (fine && ip.at && !parse_address(ip, source))
        fine = refuse(test, "source: \"%.60s\" is no address", ip.at);
    source->port = (uint16_t)port;
    for (size_t i = 0; fine && transport.at && i < 5; i++) {
        if (span_equal(transport, span_of(transports[i])))
            source->transport = transports[i];
    }
    lua_pop(L, 1);
    return fine;
}

static bool read_record_table(struct authoring_case *test, lua_State *L, int index)
{
    static const char *const known[] = {"state", "forward", "kind", "key", "since", "cause", "by", "reassign_after"};
    struct policy_record *record = &test->test.record;
    struct span state = {NULL, 0};
    struct span kind = {NULL, 0};
    int64_t cause = 0;
    if (!check_fields(test, L, index, "record", known, 8) || !take_text(test, L, index, "state", &state) ||
        !take_text(test, L, index, "forward", &record->forward) || !take_text(test, L, index, "kind", &kind) ||
        !take_text(test, L, index, "key", &record->key) || !take_time(test, L, index, "since", &record->since_s) ||
        !take_integer(test, L, index, "cause", &cause) || !take_text(test, L, index, "by", &record->by) ||
        !take_time(test, L, index, "reassign_after", &record->reassign_after))
        return false;
    record->kind = kind.at ? kind.at : "account";
    record->cause = (int)cause;
    for (unsigned i = POLICY_STATE_ACTIVE; i < POLICY_STATE_COUNT; i++) {
        if (span_equal(state, span_of(policy_state_name((enum policy_state)i)))) {
            record->state = (enum policy_state)i;
            test->test.has_record = AUTHORING_TEST_RECORD;
            return true;
        }
    }
    return refuse(test, "record: state: expected \"active\", \"suspended\", \"moved\" or \"gone\"");
}

/* record = { state = "gone", ... }, or "unreadable"; absent: the directory knows nothing. */
static bool read_record(struct authoring_case *test, lua_State *L, int index)
{
    int type = lua_getfield(L, index, "record");
    bool fine = true;
    if (type == LUA_TTABLE)
        fine = read_record_table(test, L, lua_gettop(L));
    else if (type == LUA_TSTRING && strcmp(lua_tostring(L, -1), "unreadable") == 0)
        test->test.has_record = AUTHORING_TEST_UNREADABLE;
    else if (type != LUA_TNIL)
        fine = refuse(test, "record: expected { state = \"gone\" } or \"unreadable\"");
    lua_pop(L, 1);
    return fine;
}

static bool read_name(struct authoring_case *test, lua_State *L, int index)
{
    lua_rawgeti(L, index, 1);
    test->test.name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
    lua_pop(L, 1);
    return test->test.name ||
           refuse(test, "expected the test's name first, as in { \"a retired number\", request = ..., expect = ... }");
}

/* ack = false: the caller never acknowledges. */
static bool read_ack(struct authoring_case *test, lua_State *L, int index)
{
    int type = lua_getfield(L, index, "ack");
    test->test.ack_lost = type == LUA_TBOOLEAN && !lua_toboolean(L, -1);
    lua_pop(L, 1);
    return type == LUA_TNIL || test->test.ack_lost ||
           refuse(test, "ack: only false means something: no ACK ever comes, and the time of a lost one passes");
}

static bool add_headers(struct authoring_case *test, lua_State *L, int index, struct buffer *out);

/* in_call = { method = "INFO", headers = { ... }, body = "..." }: asked in the call that the request begins. */
static bool read_in_call(struct authoring_case *test, lua_State *L, int index)
{
    static const char *const known[] = {"method", "headers", "body", "body_type"};
    static const char *const methods[] = {"INFO", "OPTIONS", "MESSAGE", "REFER"};
    struct authoring_test_in_call *in_call = &test->test.in_call;
    struct buffer lines = buffer_over(test->lines, sizeof(test->lines));
    in_call->body_type = SPAN("text/plain");
    int type = lua_getfield(L, index, "in_call"), at = lua_gettop(L);
    bool fine = type == LUA_TNIL || type == LUA_TTABLE ||
                refuse(test, "in_call: expected a table such as { method = \"INFO\" }");
    if (fine && type == LUA_TTABLE)
        fine = check_fields(test, L, at, "in_call", known, 4) && take_text(test, L, at, "method", &in_call->method) &&
               take_text(test, L, at, "body", &in_call->body) &&
               take_text(test, L, at, "body_type", &in_call->body_type) && add_headers(test, L, at, &lines);
    lua_settop(L, at - 1);
    in_call->lines = buffer_span(&lines);
    if (!fine || type == LUA_TNIL)
        return fine;
    if (lines.overflow)
        return refuse(test, "in_call: more than %d bytes of headers", CASE_LINES_MAX);
    for (size_t i = 0; in_call->method.at && i < sizeof(methods) / sizeof(*methods); i++)
        if (span_equal(in_call->method, span_of(methods[i])))
            return true;
    return refuse(test, "in_call: method: expected INFO, OPTIONS, MESSAGE or REFER, which on_request is asked about");
}

bool authoring_case_read(struct authoring_case *test, lua_State *L, int index)
{
    static const char *const known[] = {"request",          "source",    "record", "now", "times",  "expect",
                                        "authenticated_as", "in_dialog", "note",   "ack", "in_call"};
    int64_t now_s = 1767225600; /* 2026-01-01T00:00:00Z: tests that say nothing about time repeat */
    int64_t times = 1;
    test->test = (struct authoring_test_case){.file = "test.lua", .line = test->test.line};
    test->problem[0] = '\0';
    if (!read_name(test, L, index) || !check_fields(test, L, index, "test", known, 11) ||
        !read_source(test, L, index) || !read_record(test, L, index) || !take_time(test, L, index, "now", &now_s) ||
        !take_integer(test, L, index, "times", &times) ||
        !take_text(test, L, index, "authenticated_as", &test->test.authenticated_as) ||
        !take_boolean(test, L, index, "in_dialog", &test->test.in_dialog) || !read_ack(test, L, index) ||
        !read_in_call(test, L, index))
        return false;
    if (test->test.in_call.method.at && test->test.ack_lost)
        return refuse(test, "in_call: there is no call where no ACK comes");
    if (times < 1 || times > CASE_TIMES_MAX)
        return refuse(test, "times: expected 1 to %d", CASE_TIMES_MAX);
    test->times = (unsigned)times;
    test->test.now_ms = now_s * 1000;
    return true;
}

/* Raw SIP, with the line ends that it must have. */
static void add_raw(struct buffer *out, struct span text)
{
    char before = '\0';
    while (text.len > 0 && (text.at[0] == '\n' || text.at[0] == ' '))
        text = span_slice(text, 1, text.len);
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '\n' && before != '\r')
            buffer_add_byte(out, '\r');
        buffer_add_byte(out, text.at[i]);
        before = text.at[i];
    }
    struct span made = buffer_span(out);
    if (!memmem(made.at, made.len, "\r\n\r\n", 4))
        buffer_add_text(out, span_ends_with(made, SPAN("\r\n")) ? "\r\n" : "\r\n\r\n");
}

/* headers = { ["X-Name"] = "value", "Y-Name: value", ... } */
static bool add_headers(struct authoring_case *test, lua_State *L, int index, struct buffer *out)
{
    int type = lua_getfield(L, index, "headers");
    int at = lua_gettop(L);
    bool fine = type == LUA_TTABLE || type == LUA_TNIL || refuse(test, "headers: expected a table");
    for (lua_pushnil(L); fine && type == LUA_TTABLE && lua_next(L, at); lua_pop(L, 1)) {
        struct span value = {NULL, 0};
        if (lua_type(L, -1) != LUA_TSTRING) {
            fine = refuse(test, "headers: expected strings");
            break;
        }
        value.at = lua_tolstring(L, -1, &value.len);
        if (lua_type(L, -2) == LUA_TSTRING)
            buffer_addf(out, "%s: ", lua_tostring(L, -2));
        buffer_add_span(out, value);
        buffer_add_literal(out, "\r\n");
    }
    lua_settop(L, at - 1);
    return fine;
}

static void add_address(struct buffer *out, const char *name, struct span address, const char *tag)
{
    bool bare = span_find(address, '<') == address.len;
    buffer_addf(out, "%s: %s%.*s%s%s\r\n", name, bare ? "<" : "", SPAN_ARG(address), bare ? ">" : "", tag);
}

/* A request as a table: method, uri, from, to, headers, body. */
static bool add_table(struct authoring_case *test, lua_State *L, int index, unsigned round, struct buffer *out)
{
    static const char *const known[] = {"method", "uri", "from", "to", "headers", "body", "body_type"};
    struct span method = SPAN("INVITE");
    struct span uri = {NULL, 0};
    struct span from = SPAN("sip:tester@client.example");
    struct span to = {NULL, 0};
    struct span body = {NULL, 0};
    struct span type = SPAN("application/sdp");
    if (!check_fields(test, L, index, "request", known, 7) || !take_text(test, L, index, "method", &method) ||
        !take_text(test, L, index, "uri", &uri) || !take_text(test, L, index, "from", &from) ||
        !take_text(test, L, index, "to", &to) || !take_text(test, L, index, "body", &body) ||
        !take_text(test, L, index, "body_type", &type))
        return false;
    if (!uri.at)
        return refuse(test, "request: uri is missing");
    buffer_addf(out, "%.*s %.*s SIP/2.0\r\n", SPAN_ARG(method), SPAN_ARG(uri));
    buffer_addf(out, "Via: SIP/2.0/UDP client.example;branch=z9hG4bK-%u-%u\r\nMax-Forwards: 70\r\n", test->number,
                round);
    add_address(out, "From", from,
                span_find(from, '<') < from.len && memmem(from.at, from.len, ";tag=", 5) ? "" : ";tag=t");
    add_address(out, "To", to.at ? to : uri, "");
    buffer_addf(out, "Call-ID: %u-%u@test\r\nCSeq: 1 %.*s\r\n", test->number, round, SPAN_ARG(method));
    if (span_equal(method, SPAN("INVITE")) || span_equal(method, SPAN("SUBSCRIBE")))
        buffer_add_literal(out, "Contact: <sip:tester@192.0.2.1>\r\n");
    if (!add_headers(test, L, index, out))
        return false;
    if (body.len > 0)
        buffer_addf(out, "Content-Type: %.*s\r\n", SPAN_ARG(type));
    buffer_addf(out, "Content-Length: %zu\r\n\r\n", body.len);
    buffer_add_span(out, body);
    return true;
}

bool authoring_case_message(struct authoring_case *test, lua_State *L, int index, unsigned round)
{
    struct buffer out = buffer_over(test->bytes, sizeof(test->bytes));
    struct span raw = {NULL, 0};
    int type = lua_getfield(L, index, "request");
    bool fine = true;
    if (type == LUA_TSTRING) {
        raw.at = lua_tolstring(L, -1, &raw.len);
        add_raw(&out, raw);
    } else if (type == LUA_TTABLE) {
        fine = add_table(test, L, lua_gettop(L), round, &out);
    } else {
        fine = refuse(test, "request: expected a table such as { uri = \"sip:+15550100@example.com\" } or raw SIP");
    }
    lua_pop(L, 1);
    if (fine && out.overflow)
        fine = refuse(test, "request: more than %d bytes", CASE_BYTES_MAX);
    test->test.message = buffer_span(&out);
    return fine;
}

static void differ(struct buffer *out, const char *what, struct span expected, struct span got)
{
    if (span_equal(expected, got))
        return;
    buffer_addf(out, "%sexpected %s \"%.*s\", got \"%.*s\"", out->len ? "; " : "", what, SPAN_ARG(expected),
                SPAN_ARG(got));
}

static void differ_number(struct buffer *out, const char *what, int64_t expected, int64_t got)
{
    if (expected != got)
        buffer_addf(out, "%sexpected %s %lld, got %lld", out->len ? "; " : "", what, (long long)expected,
                    (long long)got);
}

/* The texts of expect: what to call them, and where the answer has them. */
static struct span got_text(const struct authoring_test_got *got, const char *name)
{
    const struct policy_answer *answer = got->answer;
    if (strcmp(name, "verdict") == 0)
        return span_of(policy_verdict_name(got->verdict));
    if (strcmp(name, "rule") == 0)
        return span_of(got->rule ? got->rule : "");
    if (strcmp(name, "failure") == 0)
        return span_of(policy_failure_name(got->failure));
    if (!answer)
        return (struct span){NULL, 0};
    if (strcmp(name, "reason") == 0)
        return answer->reason;
    if (strcmp(name, "evidence") == 0)
        return answer->evidence;
    return answer->contact_count > 0 ? answer->contacts[0] : (struct span){NULL, 0};
}

/* sent, on_ack_missing and bye: what became of an answer that nobody acknowledged. */
static bool compare_lost_ack(struct authoring_case *test, lua_State *L, int at, const struct authoring_test_got *got,
                             struct buffer *out, bool *any)
{
    const struct {
        const char *name;
        bool got;
    } flags[] = {{"on_ack_missing", got->on_ack_missing}, {"bye", got->bye}};
    int64_t sent = -1;
    if (!take_integer(test, L, at, "sent", &sent))
        return false;
    if (sent >= 0)
        differ_number(out, "the answer to be sent so often:", sent, got->sent);
    *any = *any || sent >= 0;
    for (size_t i = 0; i < 2; i++) {
        int type = lua_getfield(L, at, flags[i].name);
        bool expected = lua_toboolean(L, -1);
        lua_pop(L, 1);
        if (type == LUA_TNIL)
            continue;
        if (type != LUA_TBOOLEAN)
            return refuse(test, "expect: %s: expected true or false", flags[i].name);
        differ(out, flags[i].name, expected ? SPAN("true") : SPAN("false"),
               flags[i].got ? SPAN("true") : SPAN("false"));
        *any = true;
    }
    return true;
}

bool authoring_case_compare(struct authoring_case *test, lua_State *L, int index, const struct authoring_test_got *got,
                            struct buffer *out)
{
    static const char *const known[] = {"verdict", "rule", "failure", "reason",         "evidence", "contact",
                                        "code",    "q850", "sent",    "on_ack_missing", "bye"};
    if (lua_getfield(L, index, "expect") != LUA_TTABLE) {
        lua_pop(L, 1);
        return refuse(test, "expect: expected a table such as { verdict = \"gone\", rule = \"retired\" }");
    }
    int at = lua_gettop(L);
    bool fine = check_fields(test, L, at, "expect", known, 11);
    bool any = false;
    for (size_t i = 0; fine && i < 6; i++) {
        struct span expected = {NULL, 0};
        fine = take_text(test, L, at, known[i], &expected);
        any = any || expected.at;
        if (fine && expected.at)
            differ(out, known[i], expected, got_text(got, known[i]));
    }
    int64_t code = -1;
    int64_t q850 = -1;
    fine = fine && take_integer(test, L, at, "code", &code) && take_integer(test, L, at, "q850", &q850);
    if (fine && code >= 0)
        differ_number(out, "code", code, got->code);
    if (fine && q850 >= 0)
        differ_number(out, "q850", q850, got->answer ? got->answer->q850 : 0);
    fine = fine && compare_lost_ack(test, L, at, got, out, &any);
    if (fine && !any && code < 0 && q850 < 0)
        fine = refuse(test, "expect: says nothing");
    lua_pop(L, 1);
    if (out->len > 0 && got->failure != POLICY_FAILED_NOT && got->failure_text)
        buffer_addf(out, " (the script failed: %.200s)", got->failure_text);
    return fine;
}
