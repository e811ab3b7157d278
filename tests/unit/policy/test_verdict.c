/* SPDX-License-Identifier: Apache-2.0 */
/* Every constructor, every field of it, and what each refuses. */
#include "support_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The verdict that `expression` makes in a decision. */
static struct policy_decision made(struct policy **out_policy, const char *expression)
{
    static struct policy_world world;
    char text[2048];
    assert_true(snprintf(text, sizeof(text), "return function(req) return %s end", expression) < (int)sizeof(text));
    *out_policy = policy_of(&world, text);
    return decide_user(*out_policy, "a");
}

static void codes(void **state)
{
    (void)state;
    static const struct {
        const char *expression;
        enum policy_verdict verdict;
        int code;
    } rows[] = {
        {"ok {}", POLICY_OK, 200},
        {"ok()", POLICY_OK, 200},
        {"gone {}", POLICY_GONE, 410},
        {"moved {}", POLICY_MOVED, 301},
        {"redirect { contact = 'sip:b@example.net' }", POLICY_REDIRECT, 302},
        {"not_found {}", POLICY_NOT_FOUND, 404},
        {"unavailable {}", POLICY_UNAVAILABLE, 480},
        {"challenge {}", POLICY_CHALLENGE, 401},
        {"reject(400) {}", POLICY_REJECT, 400},
        {"reject(403) {}", POLICY_REJECT, 403},
        {"reject(486)()", POLICY_REJECT, 486},
        {"reject(500) {}", POLICY_REJECT, 500},
        {"reject(603) {}", POLICY_REJECT, 603},
        {"reject(699) {}", POLICY_REJECT, 699},
        {"drop", POLICY_DROP, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct policy *policy = NULL;
        struct policy_decision decision = made(&policy, rows[i].expression);
        assert_decision(&decision, rows[i].verdict, rows[i].code, "");
        policy_free(policy);
    }
}

/* What each refuses, with the word that must stand in the message. */
static void refusals(void **state)
{
    (void)state;
    static const struct {
        const char *expression;
        const char *message;
    } rows[] = {
        {"gone { evidnce = 'x' }", "did you mean \"evidence\"?"},
        {"gone { retry_after = 1 }", "unknown field \"retry_after\""},
        {"ok { evidence = 'x' }", "unknown field"},
        {"gone { 'x' }", "fields with names"},
        {"gone 'x'", "expected a table of fields"},
        {"gone(gone {})", "expected a plain table"},
        {"gone { q850 = 0 }", "q850: expected a whole number from 1 to 127"},
        {"gone { q850 = 128 }", "q850"},
        {"gone { q850 = 1.5 }", "q850"},
        {"gone { q850 = '1' }", "q850"},
        {"gone { reason = '' }", "reason: expected 1 to"},
        {"gone { reason = 7 }", "reason: expected a string, got number"},
        {"gone { reason = 'a\\r\\nX: y' }", "control bytes"},
        {"gone { reason = 'a\\0b' }", "control bytes"},
        {"gone { reason = '\\xff' }", "UTF-8"},
        {"gone { reason = ('x'):rep(129) }", "1 to 128 bytes"},
        {"gone { evidence = ('x'):rep(257) }", "evidence"},
        {"gone { error_info = 'no uri' }", "error_info: expected a URI"},
        {"gone { error_info = '<sip:a@b>' }", "without angle brackets"},
        {"redirect {}", "contact is missing"},
        {"redirect { contact = {} }", "contact: expected a URI or a list"},
        {"redirect { contact = 'nonsense' }", "contact: expected a URI"},
        {"redirect { contact = 'sip:a@b\\r\\nX: y' }", "contact: expected a URI"},
        {"redirect { contact = { 'sip:a@b', 7 } }", "contact: expected a string"},
        {"moved { contact = 'sip:a@b>;x=<' }", "contact"},
        {"moved { expires = -1 }", "expires"},
        {"unavailable { retry_after = -1 }", "retry_after"},
        {"unavailable { retry_after = 2^31 }", "retry_after"},
        {"ok { sdp = 'loud' }", "sdp: expected"},
        {"ok { ring = 'yes' }", "ring: expected"},
        {"ok { progress = 1 }", "progress: expected true or false"},
        {"ok { hangup_after = 0 }", "hangup_after: expected a whole number from 1"},
        {"ok { hangup_after = 1.5 }", "hangup_after"},
        {"ok { session_expires = 89 }", "session_expires: expected a whole number from 90"},
        {"gone { hangup_after = 3 }", "unknown field \"hangup_after\""},
        {"ok { ring = 181 }", "ring"},
        {"ok { ring = 0/0 }", "ring"},
        {"ok { headers = 'x' }", "headers: expected a table"},
        {"ok { headers = { ['X Y'] = 'z' } }", "is not a header name"},
        {"ok { headers = { 'z' } }", "headers: expected names"},
        {"ok { headers = { ['X-Y'] = 'a\\nb' } }", "control bytes"},
        {"ok { headers = { Via = 'x' } }", "Via cannot be set here: the engine writes it"},
        {"ok { headers = { v = 'x' } }", "cannot be set here"},
        {"ok { headers = { ['content-length'] = '7' } }", "cannot be set here"},
        {"ok { headers = { Contact = '<sip:x@y>' } }", "contact sets it"},
        {"gone { headers = { Reason = 'x' } }", "q850 sets it"},
        {"challenge { realm = 'a\"\\n' }", "control bytes"},
        {"reject(486) { code = 410 }", "the code stands before the table"},
        {"reject(486)", "got a function: write gone {} or reject(486) {}"},
        {"reject {}", "expected a status code"},
        {"reject '486'", "expected a status code"},
        {"reject(486.5)", "expected a status code"},
        {"reject(200) {}", "400 to 699"},
        {"reject(700) {}", "400 to 699"},
        {"reject(301) {}", "moved {}"},
        {"reject(302) {}", "redirect {}"},
        {"reject(380) {}", "3xx"},
        {"42", "expected a verdict"},
        {"true", "expected a verdict"},
        {"{}", "expected a verdict"},
        {"{ code = 410 }", "expected a verdict"},
        {"req", "expected a verdict"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct policy *policy = NULL;
        struct policy_decision decision = made(&policy, rows[i].expression);
        if (decision.failure == POLICY_FAILED_NOT || !strstr(decision.text, rows[i].message))
            fail_msg("%s: expected \"%s\", got \"%s\"", rows[i].expression, rows[i].message, decision.text);
        assert_int_equal(decision.answer->code, 500);
        policy_free(policy);
    }
}

/* Each of the codes that are another's, and the first and last of the rest. */
static void reject_refuses_codes_of_others(void **state)
{
    (void)state;
    static const int refused[] = {300, 305, 399, 401, 404, 405, 407, 408, 410, 415, 416,
                                  420, 421, 422, 423, 481, 482, 483, 487, 491, 503};
    unsigned count = 0;
    for (int code = 400; code < 700; code++) {
        char expression[64];
        struct policy *policy = NULL;
        bool is_refused = false;
        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
            is_refused = is_refused || refused[i] == code;
        snprintf(expression, sizeof(expression), "reject(%d) {}", code);
        struct policy_decision decision = made(&policy, expression);
        assert_int_equal(decision.failure != POLICY_FAILED_NOT, is_refused);
        if (!is_refused)
            assert_int_equal(decision.answer->code, code);
        count += is_refused;
        policy_free(policy);
    }
    assert_int_equal(count, 18);
}

static void assert_text(struct span got, const char *expected)
{
    if (!span_equal(got, span_of(expected)))
        fail_msg("expected \"%s\", got \"%.*s\"", expected, SPAN_ARG(got));
}

static void fields_of_final(void **state)
{
    (void)state;
    struct policy *policy = NULL;
    struct policy_decision decision =
        made(&policy, "gone { reason = 'Gone f\\xc3\\xbcr immer', q850 = 22, error_info = 'https://a.example/x.wav',"
                      "evidence = 'list', headers = { ['X-B'] = '2', ['X-A'] = '1', ['X-C'] = '3' } }");
    assert_decision(&decision, POLICY_GONE, 410, "");
    const struct policy_answer *answer = decision.answer;
    assert_text(answer->reason, "Gone f\xc3\xbcr immer");
    assert_int_equal(answer->q850, 22);
    assert_text(answer->error_info, "https://a.example/x.wav");
    assert_text(answer->evidence, "list");
    assert_int_equal(answer->header_count, 3);
    for (unsigned i = 0; i < 3; i++) { /* in the order of names, in every process */
        char expected[4] = {'X', '-', (char)('A' + i), '\0'};
        assert_text(answer->headers[i].name, expected);
        assert_true(answer->headers[i].value.at[0] == (char)('1' + i));
    }
    assert_int_equal(answer->retry_after, -1);
    assert_true(answer->expires == -1);
    policy_free(policy);
}

static void fields_of_ok(void **state)
{
    (void)state;
    struct policy *policy = NULL;
    struct policy_decision decision = made(&policy, "ok { sdp = 'sendrecv', ring = 1.5, expires = 3600,"
                                                    "contact = { 'sip:a@b.example', 'sip:c@d.example;q=1' } }");
    assert_decision(&decision, POLICY_OK, 200, "");
    assert_int_equal(decision.answer->sdp, POLICY_SDP_SENDRECV);
    assert_int_equal(decision.answer->ring_ms, 1500);
    assert_int_equal(decision.answer->expires, 3600);
    assert_int_equal(decision.answer->contact_count, 2);
    assert_text(decision.answer->contacts[1], "sip:c@d.example;q=1");
    policy_free(policy);
    decision = made(&policy, "ok { sdp = 'v=0\\r\\no=- 1 1 IN IP4 192.0.2.1\\r\\n', ring = true }");
    assert_int_equal(decision.answer->sdp, POLICY_SDP_BODY);
    assert_text(decision.answer->sdp_body, "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n");
    assert_int_equal(decision.answer->ring_ms, 0);
    policy_free(policy);
    decision = made(&policy, "ok { progress = true, hangup_after = 30, session_expires = 600, sdp = 'reject' }");
    assert_true(decision.answer->progress);
    assert_int_equal(decision.answer->hangup_after_s, 30);
    assert_int_equal(decision.answer->session_expires_s, 600);
    assert_int_equal(decision.answer->sdp, POLICY_SDP_REJECT);
    policy_free(policy);
    decision = made(&policy, "ok { ring = false }");
    assert_false(decision.answer->progress);
    assert_int_equal(decision.answer->hangup_after_s, 0);
    assert_int_equal(decision.answer->ring_ms, -1);
    assert_int_equal(decision.answer->sdp, POLICY_SDP_INACTIVE);
    policy_free(policy);
}

static void fields_of_others(void **state)
{
    (void)state;
    struct policy *policy = NULL;
    struct policy_decision decision = made(&policy, "unavailable { retry_after = 60 }");
    assert_int_equal(decision.answer->retry_after, 60);
    policy_free(policy);
    decision = made(&policy, "challenge { realm = 'example.com' }");
    assert_text(decision.answer->realm, "example.com");
    policy_free(policy);
    decision = made(&policy, "moved { contact = 'tel:+15550199', expires = 86400 }");
    assert_text(decision.answer->contacts[0], "tel:+15550199");
    policy_free(policy);
}

/* A verdict is a table that the script holds: what it does to it afterwards is seen when it is returned. */
static void changed_after_its_making(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        const char *message;
    } rows[] = {
        {"local v = gone {} v.reason = 'a\\nb' return v", "control bytes"},
        {"local v = gone {} v.colour = 'red' return v", "unknown field"},
        {"local v = reject(486) {} v.code = nil return v", "code is missing: expected reject(486) {}"},
        {"local v = reject(486) {} v.code = 410 return v", "past the guard"},
        {"local v = reject(486) {} v.code = nil v.q850 = 1000 return v", "q850"},
        {"local v = gone {} setmetatable(v, nil) return v", "metatable"},
        {"getmetatable(gone {}).x = 1 return ok {}", "index"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct policy_world world = {0};
        char text[512];
        snprintf(text, sizeof(text), "return function(req) %s end", rows[i].body);
        struct policy *policy = policy_of(&world, text);
        struct policy_decision decision = decide_user(policy, "a");
        if (decision.failure == POLICY_FAILED_NOT || !strstr(decision.text, rows[i].message))
            fail_msg("%s: expected \"%s\", got \"%s\"", rows[i].body, rows[i].message, decision.text);
        policy_free(policy);
    }
}

/* One verdict may be returned again and again, and built where another was built before. */
static void kept_verdicts(void **state)
{
    (void)state;
    struct policy_world world = {0};
    struct policy *policy = policy_of(&world, "local kept = gone { evidence = 'kept' }\n"
                                              "return function(req)\n"
                                              "  local other = ok { reason = 'Other' }\n"
                                              "  if req.target.user == 'a' then return kept end\n"
                                              "  local again = reject(486) { reason = 'Again' }\n"
                                              "  return other\n"
                                              "end");
    for (int i = 0; i < 100; i++) {
        struct policy_decision decision = decide_user(policy, "a");
        assert_decision(&decision, POLICY_GONE, 410, "");
        assert_text(decision.answer->evidence, "kept");
        decision = decide_user(policy, "b");
        assert_decision(&decision, POLICY_OK, 200, "");
        assert_text(decision.answer->reason, "Other");
        policy_collect(policy);
    }
    policy_free(policy);
}

static void too_much_text(void **state)
{
    (void)state;
    struct policy *policy = NULL;
    struct policy_decision decision =
        made(&policy, "(function() local h = {} for i = 1, 16 do h['X-' .. i] = ('y'):rep(2048) end "
                      "return ok { headers = h } end)()");
    assert_int_equal(decision.failure, POLICY_FAILED_NONSENSE);
    assert_non_null(strstr(decision.text, "bytes in all"));
    policy_free(policy);
    decision = made(&policy, "(function() local h = {} for i = 1, 17 do h['X-' .. i] = 'y' end "
                             "return ok { headers = h } end)()");
    assert_int_equal(decision.failure, POLICY_FAILED_ERROR);
    assert_non_null(strstr(decision.text, "more than 16"));
    policy_free(policy);
}

static void names(void **state)
{
    (void)state;
    for (unsigned i = 0; i < POLICY_VERDICT_COUNT; i++) {
        enum policy_verdict back;
        assert_true(policy_verdict_parse(span_of(policy_verdict_name((enum policy_verdict)i)), &back));
        assert_int_equal(back, i);
    }
    enum policy_verdict none;
    assert_false(policy_verdict_parse(SPAN("perhaps"), &none));
    assert_string_equal(policy_verdict_name(POLICY_VERDICT_COUNT), "");
    assert_string_equal(policy_failure_name(POLICY_FAILED_CLOCK), "clock");
    assert_string_equal(policy_state_name(POLICY_STATE_SUSPENDED), "suspended");
}

/* Of several faults the same one is named, whatever the seed of Lua's hashes: else the same decision would cost other fuel. */
static void the_same_fault_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *expression, *named;
    } rows[] = {
        {"gone { zebra = 1, apple = 2, mango = 3, evidence = '' }", "unknown field \"apple\""},
        {"ok { session_expires = 1, sdp = 'x', reason = '', expires = -1 }", "reason: expected"},
        {"ok { headers = { ['X-C'] = 'c', ['X-A'] = '', ['X-B'] = '' } }", "headers: expected 1 to"},
        {"ok { headers = { ['Via'] = 'c', ['To'] = 'a', ['From'] = 'b' } }", "headers: From cannot be set here"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t fuel = 0;
        for (int time = 0; time < 20; time++) {
            struct policy *policy = NULL;
            struct policy_decision decision = made(&policy, rows[i].expression);
            assert_int_equal(decision.failure, POLICY_FAILED_ERROR);
            if (!strstr(decision.text, rows[i].named))
                fail_msg("%s: %s", rows[i].expression, decision.text);
            assert_true(time == 0 || decision.fuel == fuel);
            fuel = decision.fuel;
            policy_free(policy);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes),
        cmocka_unit_test(refusals),
        cmocka_unit_test(the_same_fault_is_named),
        cmocka_unit_test(reject_refuses_codes_of_others),
        cmocka_unit_test(fields_of_final),
        cmocka_unit_test(fields_of_ok),
        cmocka_unit_test(fields_of_others),
        cmocka_unit_test(changed_after_its_making),
        cmocka_unit_test(kept_verdicts),
        cmocka_unit_test(too_much_text),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
