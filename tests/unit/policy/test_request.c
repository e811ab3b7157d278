/* SPDX-License-Identifier: Apache-2.0 */
/* Reading every field of a request, there and not there. */
#include "policy/policy_match.h"
#include "support_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char headers[] = "User-Agent: Phone 1.0\r\nX-Tag: one\r\nX-Tag: two\r\nSubject: a\r\n  folded\r\n"
                              "Contact: <sip:dev@[2001:db8::1]:5062;transport=tcp;lr>\r\n"
                              "Content-Type: text/plain;charset=utf-8\r\n";

/* What tostring(expression) gives for a rich request (or, not rich, for a bare one). */
static void reads(const char *expression, bool rich, const char *expected)
{
    static struct sip_message message;
    static char bytes[4096];
    struct policy_world world = {
        .has_record = rich,
        .record = {.state = POLICY_STATE_MOVED,
                   .kind = "number",
                   .key = SPAN("+15550100"),
                   .forward = SPAN("sip:new@x"),
                   .since_s = 1000,
                   .reassign_after = 2000,
                   .cause = 22,
                   .by = SPAN("ada")},
    };
    char text[512];
    snprintf(text, sizeof(text), "return function(req) return ok { reason = tostring(%s) } end", expression);
    struct policy *policy = policy_of(&world, text);
    struct policy_decision decision;
    struct policy_request request =
        request_of(&message, bytes, sizeof(bytes), rich ? "INVITE" : "OPTIONS",
                   rich ? "sips:a%40b:pw@Host.example:5061;user=phone;x=1" : "sip:host.example", rich ? headers : "");
    if (rich) {
        size_t len = strlen(bytes);
        memcpy(bytes + len, "hello", 6);
        struct sip_problem problem;
        assert_int_equal(sip_message_parse(&message, span_make(bytes, len + 5), SIP_DATAGRAM, &problem), OK);
        request.target = (struct policy_target){SPAN("a@b"), SPAN("host.example"), SPAN("+15550100"), 0};
        request.source.family = 6;
        memcpy(request.source.address, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07", 16);
        request.source.transport = "tls";
        request.source.trusted = true;
        request.source.identity = SPAN("sip:known@x");
        request.authenticated_as = SPAN("ada");
        request.in_dialog = true;
    } else {
        request.source.family = 0;
        request.source.transport = NULL;
    }
    policy_decide(policy, &request, &decision);
    if (decision.failure != POLICY_FAILED_NOT)
        fail_msg("%s: %s", expression, decision.text);
    if (!span_equal(decision.answer->reason, span_of(expected)))
        fail_msg("%s: expected \"%s\", got \"%.*s\"", expression, expected, SPAN_ARG(decision.answer->reason));
    policy_free(policy);
}

static void fields(void **state)
{
    (void)state;
    static const struct {
        const char *expression;
        const char *rich;
        const char *bare;
    } rows[] = {
        {"req", "req", "req"},
        {"req.method", "INVITE", "OPTIONS"},
        {"req.call_id", "call1@192.0.2.1", "call1@192.0.2.1"},
        {"req.cseq", "7", "7"},
        {"req.user_agent", "Phone 1.0", "nil"},
        {"req.max_forwards", "70", "70"},
        {"req.body", "hello", "nil"},
        {"req.body_length", "5", "0"},
        {"req.body_type", "text/plain", "nil"},
        {"req.in_dialog", "true", "false"},
        {"req.authenticated_as", "ada", "nil"},
        {"req.state", "moved", "none"},
        {"req.uri", "sips:a%40b:pw@Host.example:5061;user=phone;x=1", "sip:host.example"},
        {"req.uri.text", "sips:a%40b:pw@Host.example:5061;user=phone;x=1", "sip:host.example"},
        {"req.uri.scheme", "sips", "sip"},
        {"req.uri.user", "a@b", "nil"},
        {"req.uri.host", "Host.example", "host.example"},
        {"req.uri.port", "5061", "nil"},
        {"req.uri:param 'user'", "phone", "nil"},
        {"req.uri:param 'none'", "nil", "nil"},
        {"req.from", "sip:ada%41@caller.example", "sip:ada%41@caller.example"},
        {"req.from.display", "Ada \"A\"", "Ada \"A\""},
        {"req.from.tag", "from1", "from1"},
        {"req.from.user", "adaA", "adaA"},
        {"req.from.host", "caller.example", "caller.example"},
        {"req.from.text", "sip:ada%41@caller.example", "sip:ada%41@caller.example"},
        {"req.from.uri.user", "adaA", "adaA"},
        {"req.to.user", "a@b", "nil"},
        {"req.to.tag", "nil", "nil"},
        {"req.to.display", "nil", "nil"},
        {"req.to.uri.host", "Host.example", "host.example"},
        {"req.contact", "sip:dev@[2001:db8::1]:5062;transport=tcp;lr", ""},
        {"req.contact.user", "dev", "nil"},
        {"req.contact.display", "nil", "nil"},
        {"req.contact.uri.host", "2001:db8::1", "nil"},
        {"req.contact.uri.port", "5062", "nil"},
        {"req.contact.uri.text", "sip:dev@[2001:db8::1]:5062;transport=tcp;lr", "nil"},
        {"req.contact.uri:param 'lr'", "true", "nil"},
        {"req.contact.uri:param 'transport'", "tcp", "nil"},
        {"req.target", "sip:a%40b@host.example", "sip:host.example"},
        {"req.target.user", "a@b", ""},
        {"req.target.host", "host.example", "host.example"},
        {"req.target.number", "+15550100", "nil"},
        {"req.target.aor", "sip:a%40b@host.example", "sip:host.example"},
        {"req.source", "req.source", "req.source"},
        {"req.source.ip", "2001:db8::7", "nil"},
        {"req.source.port", "5060", "5060"},
        {"req.source.transport", "tls", "udp"},
        {"req.source.trusted", "true", "false"},
        {"req.source.identity", "sip:known@x", "nil"},
        {"req.record", "req.record", "nil"},
        {"req.record and req.record.state", "moved", "nil"},
        {"req.record and req.record.kind", "number", "nil"},
        {"req.record and req.record.key", "+15550100", "nil"},
        {"req.record and req.record.forward", "sip:new@x", "nil"},
        {"req.record and req.record.since", "1000", "nil"},
        {"req.record and req.record.reassign_after", "2000", "nil"},
        {"req.record and req.record.cause", "22", "nil"},
        {"req.record and req.record.by", "ada", "nil"},
        {"req:header 'x-tag'", "one", "nil"},
        {"req:header 'Subject'", "a folded", "nil"},
        {"req:header 's'", "a folded", "nil"},
        {"req:header 'No Such'", "nil", "nil"},
        {"#req:headers 'X-Tag'", "2", "0"},
        {"req:headers('X-Tag')[2]", "two", "nil"},
        {"#req:headers 'Via'", "1", "1"},
        {"getmetatable(req)", "req", "req"},
        {"getmetatable(req.uri)", "uri", "uri"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].rich[0])
            reads(rows[i].expression, true, rows[i].rich);
        if (rows[i].bare[0])
            reads(rows[i].expression, false, rows[i].bare);
    }
}

static char types[64 * 1024];

/* All that a request offers is in the types that editors read, and the other way round. */
static bool types_name(const char *class, const char *field)
{
    static size_t len;
    if (len == 0) {
        FILE *file = fopen(SOURCE_DIR "/lua/types/verdict.d.lua", "r");
        assert_non_null(file);
        len = fread(types, 1, sizeof(types) - 1, file);
        fclose(file);
    }
    char pattern[128];
    snprintf(pattern, sizeof(pattern), "---@class verdict.%s", class);
    const char *at = strstr(types, pattern);
    assert_non_null(at);
    const char *end = strstr(at + 1, "---@class");
    end = end ? end : at + strlen(at);
    snprintf(pattern, sizeof(pattern), "---@field %s ", field);
    const char *found = strstr(at, pattern);
    if (found && found < end)
        return true;
    snprintf(pattern, sizeof(pattern), ":%s(", field);
    found = strstr(at, pattern);
    return found && found < end;
}

/* How many fields and methods the class has in the file: what the engine registers must be all of them. */
static size_t types_count(const char *class)
{
    char pattern[64];
    size_t count = 0;
    snprintf(pattern, sizeof(pattern), "---@class verdict.%s", class);
    const char *at = strstr(types, pattern);
    assert_non_null(at);
    const char *end = strstr(at + 1, "---@class");
    end = end ? end : at + strlen(at);
    for (const char *line = at; line && line < end; line = strchr(line + 1, '\n')) {
        const char *method = strncmp(line, "\nfunction ", 10) == 0 ? strchr(line + 1, ':') : NULL;
        count += strncmp(line, "\n---@field ", 11) == 0 || (method && method < strchr(line + 1, '\n'));
    }
    return count;
}

static void assert_class(const char *class, const char *const *names, size_t count)
{
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) {
        if (!types_name(class, names[i]))
            fail_msg("lua/types: verdict.%s has no %s", class, names[i]);
    }
    if (types_count(class) != count)
        fail_msg("lua/types: verdict.%s has %zu names, the engine has %zu", class, types_count(class), count);
}

/* Both ways: each name that C registers is in lua/types, and nothing else is. */
static void types_agree(void **state)
{
    (void)state;
    static const struct {
        const char *object;
        const char *class;
    } rows[] = {{"req", "Request"},       {"req.uri", "Uri"},       {"req.from", "Address"},
                {"req.target", "Target"}, {"req.source", "Source"}, {"req.record", "Record"}};
    const char *names[64];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_class(rows[i].class, names, policy_object_names(span_of(rows[i].object), names, 64));
    assert_class("When", policy_field_names(), POLICY_FIELD_COUNT);
}

/* The fields of verdicts, too: each is in the type of its constructor or in the one that it derives from, and nothing else
 * is.  `code` is reject's own way of keeping its number. */
static void types_of_verdicts_agree(void **state)
{
    (void)state;
    static const struct {
        enum policy_verdict verdict;
        const char *class;
        bool is_final; /* derives from verdict.Final */
    } rows[] = {{POLICY_OK, "Ok", false},
                {POLICY_GONE, "Gone", true},
                {POLICY_MOVED, "Moved", true},
                {POLICY_REDIRECT, "Moved", true},
                {POLICY_NOT_FOUND, "Final", false},
                {POLICY_UNAVAILABLE, "Unavailable", true},
                {POLICY_REJECT, "Unavailable", true},
                {POLICY_CHALLENGE, "Challenge", false}};
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        const char *names[64];
        size_t count = policy_answer_names(rows[row].verdict, names, 64), told = 0;
        assert_true(count > 2);
        for (size_t i = 0; i < count; i++) {
            if (strcmp(names[i], "code") == 0)
                continue;
            told++;
            if (!types_name(rows[row].class, names[i]) && !(rows[row].is_final && types_name("Final", names[i])))
                fail_msg("lua/types: verdict.%s has no %s", rows[row].class, names[i]);
        }
        size_t typed = types_count(rows[row].class) + (rows[row].is_final ? types_count("Final") : 0);
        if (typed != told)
            fail_msg("lua/types: verdict.%s has %zu fields, the engine has %zu", rows[row].class, typed, told);
    }
}

static void suggestions(void **state)
{
    (void)state;
    const char *near = NULL;
    assert_false(policy_object_has_field(SPAN("req"), SPAN("methd"), &near));
    assert_string_equal(near, "method");
    assert_false(policy_object_has_field(SPAN("req.target"), SPAN("nubmer"), &near));
    assert_string_equal(near, "number");
    assert_false(policy_object_has_field(SPAN("req"), SPAN("zzzzzzzz"), &near));
    assert_null(near);
    assert_true(policy_object_has_field(SPAN("something"), SPAN("else"), &near));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields),
        cmocka_unit_test(types_agree),
        cmocka_unit_test(types_of_verdicts_agree),
        cmocka_unit_test(suggestions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
