/* SPDX-License-Identifier: Apache-2.0 */
/* challenge {} on the wire: what is offered, what comes of the answer, and what a stranger can tell. */
#include "auth/auth_header.h"
#include "support/cmocka_all.h"
#include "unit/engine/support_engine.h"
#include <stdio.h>
#include <stdlib.h>

static const char policy_text[] =
    "return policy { on_error = reject(500) {}, default = not_found {}, rules = {\n"
    "  { 'who', when = { authenticated = false }, verdict = challenge {} },\n"
    "  { 'own', when = { authenticated_as = 'target', method = 'MESSAGE' }, verdict = ok { reason = 'Own' } },\n"
    "  { 'again', when = { user = 'again' }, verdict = challenge {} },\n"
    "  { 'lua', when = { user = 'lua' }, decide = function(req) return reject(480 + 6) { reason = req.authenticated_as "
    "} end },\n"
    "  { 'gone', when = { state = 'gone' }, verdict = gone {} },\n"
    "  { 'here', when = { state = 'active' }, verdict = ok {} },\n"
    "} }";

static struct world world;
static struct auth *auth;
static char nonce[128], text[2048];

static void open_with(const char *policy, const struct engine_config *config)
{
    struct engine_config usual;
    assert_int_equal(engine_config_init(&usual), OK);
    world_open(&world, config ? config : &usual, policy);
    assert_int_equal(engine_core_auth_new(&world.config, &(struct siphash_key){5, 6}, &auth), OK);
    world.core->auth = auth;
}

static int set_up(void **state)
{
    (void)state;
    open_with(policy_text, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_close(&world);
    auth_free(auth);
    auth = NULL;
    return 0;
}

/* Keeps the nonce of the challenge that went out last. */
static void take_nonce(void)
{
    const char *at = strstr(world_last(&world), "nonce=\"");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "nonce=\"%127[0-9a-f]\"", nonce), 1);
}

struct answer {
    const char *user, *password, *nc;
    enum digest_kind kind;
};

/* The request again, with the answer to the challenge. */
static const char *with_credentials(const char *method, const char *uri, const char *call, struct answer answer)
{
    char hex[DIGEST_HEX_MAX], line[1024];
    struct buffer out = buffer_over(line, sizeof(line) - 1);
    struct auth_response_input input = {
        .kind = answer.kind,
        .username = span_of(answer.user),
        .realm = SPAN("example.com"),
        .password = span_of(answer.password),
        .nonce = span_of(nonce),
        .nc = span_of(answer.nc),
        .cnonce = SPAN("c"),
        .qop = SPAN("auth"),
        .method = span_of(method),
        .uri = span_of(uri),
    };
    assert_int_equal(auth_response(&input, hex), OK);
    buffer_add_literal(&out, "Authorization: ");
    auth_header_add_credentials(&out, &input, SPAN(""), span_of(hex));
    buffer_add_literal(&out, "\n");
    line[out.len] = '\0';
    return request_to(method, uri, call, line);
}

static const struct answer alice = {"alice", "secret", "00000001", DIGEST_SHA256};

static void a_challenge_offers_each_algorithm_the_strongest_first(void **state)
{
    (void)state;
    world_receive(&world, request_to("MESSAGE", "sip:bob@Example.com", "1", ""));
    assert_int_equal(world_code(&world), 401);
    const char *first = strstr(world_last(&world), "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"");
    assert_non_null(first);
    const char *second = strstr(first + 1, "WWW-Authenticate:");
    const char *third = strstr(second + 1, "WWW-Authenticate:");
    assert_non_null(third);
    assert_null(strstr(third + 1, "WWW-Authenticate:"));
    assert_true(strstr(first, "algorithm=SHA-512-256, qop=\"auth\"\r\n") < second);
    assert_true(strstr(second, "algorithm=SHA-256, qop=\"auth\"\r\n") < third);
    assert_non_null(strstr(third, "algorithm=MD5, qop=\"auth\"\r\n"));
    assert_null(strstr(world_last(&world), "stale"));
    assert_int_equal(world.lookups, 0); /* before any look at state */
    assert_int_equal(world.keys_asked, 0);
}

static void the_right_answer_gets_through_once(void **state)
{
    (void)state;
    world.lookup = OK;
    world.record = (struct policy_record){.state = POLICY_STATE_ACTIVE};
    for (enum digest_kind kind = DIGEST_MD5; kind < DIGEST_KIND_COUNT; kind++) {
        char call[8] = {'a', (char)('0' + kind)}, again[8] = {'b', (char)('0' + kind)},
             next[8] = {'c', (char)('0' + kind)};
        world_receive(&world, request_to("MESSAGE", "sip:bob@example.com", call, ""));
        take_nonce();
        struct answer answer = {"alice", "secret", "00000001", kind};
        world_receive(&world,
                      with_credentials("MESSAGE", "sip:bob@example.com", call, answer)); /* the same branch: absorbed */
        assert_int_equal(world_code(&world), 401);
        world_receive(&world, with_credentials("MESSAGE", "sip:bob@example.com", again, answer));
        assert_int_equal(world_code(&world), 200);
        world_receive(&world, with_credentials("MESSAGE", "sip:bob@example.com", next, answer)); /* replayed */
        assert_int_equal(world_code(&world), 401);
        assert_non_null(strstr(world_last(&world), "stale=true"));
        assert_string_equal(world.core->last.note, "replay");
        assert_null(strstr(world_last(&world), nonce));
    }
    assert_int_equal(metric_read(world.meters.credentials[AUTH_GOOD]), 3);
    assert_int_equal(metric_read(world.meters.credentials[AUTH_REPLAY]), 3);
}

static void a_rule_compares_who_asks_with_whom_he_wants(void **state)
{
    (void)state;
    world_receive(&world, request_to("MESSAGE", "sip:alice@example.com", "1", ""));
    take_nonce();
    world_receive(&world, with_credentials("MESSAGE", "sip:alice@example.com", "2", alice));
    assert_non_null(strstr(world_last(&world), "200 Own"));
    struct answer next = {"alice", "secret", "00000002", DIGEST_MD5};
    world_receive(&world, with_credentials("MESSAGE", "sip:bob@example.com", "3", next));
    assert_int_equal(world_code(&world), 404);
    next.nc = "00000003";
    world_receive(&world, with_credentials("OPTIONS", "sip:lua@example.com", "4", next));
    assert_non_null(strstr(world_last(&world), "486 sip:alice@example.com"));
    assert_int_equal(world.keys_asked, 3); /* once a request, however often it is asked for */
}

static void a_retired_user_proves_who_he_is_and_is_told_so(void **state)
{
    (void)state;
    world.lookup = OK;
    world.record = (struct policy_record){.state = POLICY_STATE_GONE};
    world_receive(&world, request_to("INVITE", "sip:alice@example.com", "1", ""));
    assert_int_equal(world_code(&world), 401);
    take_nonce();
    world_receive(&world, with_credentials("INVITE", "sip:alice@example.com", "2", alice));
    assert_int_equal(world_code(&world), 410);
}

static void a_challenge_to_who_is_known_ends(void **state)
{
    (void)state;
    world_receive(&world, request_to("MESSAGE", "sip:again@example.com", "1", ""));
    take_nonce();
    world_receive(&world, with_credentials("MESSAGE", "sip:again@example.com", "2", alice));
    assert_int_equal(world_code(&world), 403);
    assert_string_equal(world.core->last.note, "already_authenticated");
}

static void a_policy_that_only_challenges_lets_nobody_in_but_ends(void **state)
{
    (void)state;
    tear_down(NULL);
    open_with("return function() return challenge { realm = 'example.com', reason = 'Who?' } end", NULL);
    world_receive(&world, request_to("MESSAGE", "sip:x@elsewhere.example", "1", ""));
    assert_non_null(strstr(world_last(&world), "401 Who?"));
    take_nonce();
    world_receive(&world, with_credentials("MESSAGE", "sip:x@elsewhere.example", "2", alice));
    assert_int_equal(world_code(&world), 403);
}

static void what_cannot_be_known_is_503(void **state)
{
    (void)state;
    world_receive(&world, request_to("MESSAGE", "sip:bob@example.com", "1", ""));
    take_nonce();
    world.keys_error = ERR_CORRUPT;
    world_receive(&world, with_credentials("MESSAGE", "sip:bob@example.com", "2", alice));
    assert_int_equal(world_code(&world), 503);
    tear_down(NULL);
    open_with("return function(req) pcall(function() return req.authenticated_as end) return gone {} end", NULL);
    world.keys_error = ERR_IO;
    world_receive(&world, with_credentials("MESSAGE", "sip:bob@example.com", "3", alice));
    assert_int_equal(world_code(&world), 503); /* however the script takes it */
}

static void a_nonce_that_is_too_old_is_stale(void **state)
{
    (void)state;
    world_receive(&world, request_to("MESSAGE", "sip:bob@example.com", "1", ""));
    take_nonce();
    world_advance(&world, 300 * 1000 + 1);
    world_receive(&world, with_credentials("MESSAGE", "sip:bob@example.com", "2", alice));
    assert_int_equal(world_code(&world), 401);
    assert_non_null(strstr(world_last(&world), "stale=true"));
    take_nonce();
    world_receive(&world, with_credentials("MESSAGE", "sip:bob@example.com", "3", alice));
    assert_int_equal(world_code(&world), 404);
}

static void wrong_passwords_end_in_403_and_never_in_410_or_404(void **state)
{
    struct engine_config config;
    char call[16];
    (void)state;
    tear_down(NULL);
    assert_int_equal(engine_config_init(&config), OK);
    config.tries_per_source = 3;
    open_with(policy_text, &config);
    world.lookup = OK;
    world.record = (struct policy_record){.state = POLICY_STATE_GONE};
    world_receive(&world, request_to("MESSAGE", "sip:alice@example.com", "1", ""));
    take_nonce();
    for (int i = 0; i < 5; i++) {
        snprintf(call, sizeof(call), "w%d", i);
        struct answer wrong = {"alice", "guess", "00000001", DIGEST_MD5};
        world_receive(&world, with_credentials("MESSAGE", "sip:alice@example.com", call, wrong));
        assert_int_equal(world_code(&world), i < 3 ? 401 : 403);
    }
    assert_string_equal(world.core->last.note, "too_many_tries");
    assert_int_equal(metric_read(world.meters.credentials[AUTH_WRONG]), 3);
    assert_int_equal(metric_read(world.meters.credentials[AUTH_LIMITED]), 2);
    world_receive(&world, with_credentials("MESSAGE", "sip:alice@example.com", "right", alice));
    assert_int_equal(world_code(&world), 403);
    world_receive(&world, request_to("MESSAGE", "sip:alice@example.com", "none", "")); /* no try at all */
    assert_int_equal(world_code(&world), 401);
    world_advance(&world, 110 * 1000); /* one of three in 300 s has leaked away */
    world_receive(&world, request_to("MESSAGE", "sip:alice@example.com", "2", ""));
    take_nonce();
    world_receive(&world, with_credentials("MESSAGE", "sip:alice@example.com", "3", alice));
    assert_int_equal(world_code(&world), 200);
}

static void mask(char *answer)
{
    static const char *const fields[] = {"nonce=\"", ";tag=", "branch=", "Call-ID: "};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        for (char *at = answer; (at = strstr(at, fields[i])) != NULL;)
            for (at += strlen(fields[i]); *at && !strchr("\";\r\n@,", *at); at++)
                *at = '*';
}

static void known_and_unknown_users_get_the_same_bytes(void **state)
{
    char known[SENT_BYTES], unknown[SENT_BYTES];
    const char *const users[] = {"alice", "clare"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        char first[4] = {'q', (char)('0' + i)}, second[4] = {'r', (char)('0' + i)};
        world_receive(&world, request_to("MESSAGE", "sip:bob@example.com", first, ""));
        take_nonce();
        struct answer wrong = {users[i], "guess", "00000001", DIGEST_SHA256};
        world_receive(&world, with_credentials("MESSAGE", "sip:bob@example.com", second, wrong));
        snprintf(i ? unknown : known, SENT_BYTES, "%s", world_last(&world));
        assert_string_equal(world.core->last.note, "wrong");
    }
    mask(known);
    mask(unknown);
    assert_string_equal(known, unknown);
    assert_int_equal(world.keys_asked, 2);
    assert_int_equal(world.lookups, 0);
}

static void an_agent_may_have_an_order_of_its_own(void **state)
{
    struct engine_config config;
    struct fault fault = {0};
    (void)state;
    tear_down(NULL);
    assert_int_equal(engine_config_init(&config), OK);
    assert_int_equal(engine_config_flag(&config, "digest_algorithms", "SHA-256", true, &fault), OK);
    assert_int_equal(engine_config_flag(&config, "digest_agents", "old*=MD5", true, &fault), OK);
    assert_int_equal(engine_config_flag(&config, "digest_auth_int", "true", true, &fault), OK);
    open_with(policy_text, &config);
    world_receive(&world, request_to("MESSAGE", "sip:bob@example.com", "1", "User-Agent: new 2\n"));
    assert_non_null(strstr(world_last(&world), "algorithm=SHA-256, qop=\"auth,auth-int\""));
    assert_null(strstr(world_last(&world), "MD5"));
    world_receive(&world, request_to("MESSAGE", "sip:bob@example.com", "2", "User-Agent: Old phone 1.0\n"));
    assert_non_null(strstr(world_last(&world), "algorithm=MD5"));
    assert_null(strstr(world_last(&world), "SHA"));
    engine_config_done(&config);
}

static void settings_are_checked(void **state)
{
    static const char *const bad[][2] = {
        {"digest_algorithms", ""},
        {"digest_algorithms", "SHA-1"},
        {"digest_algorithms", "MD5, MD5"},
        {"digest_algorithms", "MD5,"},
        {"digest_algorithms", "MD5-sess"},
        {"digest_agents", "x"},
        {"digest_agents", "=MD5"},
        {"digest_agents", "x=RC4"},
        {"nonce_ttl_s", "0"},
        {"nonce_ttl_s", "3601"},
        {"nonces_max", "63"},
        {"tries_per_source", "0"},
        {"tries_per_user", "1001"},
        {"tries_period_s", "0"},
        {"digest_auth_int", "maybe"},
    };
    struct engine_config config;
    (void)state;
    assert_int_equal(engine_config_init(&config), OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct fault fault = {0};
        if (engine_config_flag(&config, bad[i][0], bad[i][1], true, &fault) == OK)
            fail_msg("%s = %s", bad[i][0], bad[i][1]);
        assert_non_null(strstr(fault.text, bad[i][0]));
    }
    engine_config_done(&config);
}

static void ack_and_cancel_are_never_challenged(void **state)
{
    (void)state;
    world_receive(&world, request_to("ACK", "sip:bob@example.com", "1", ""));
    assert_int_equal(world_code(&world), 0);
    world_receive(&world, request_to("CANCEL", "sip:bob@example.com", "2", ""));
    assert_int_equal(world_code(&world), 481);
    world_receive(&world, request_to("INVITE", "sip:bob@example.com", "3", ""));
    assert_int_equal(world_code(&world), 401);
    char sent[SENT_BYTES];
    snprintf(sent, sizeof(sent), "%s", world_last(&world));
    world_receive(&world, request_to("INVITE", "sip:bob@example.com", "3", ""));
    assert_string_equal(world_last(&world), sent); /* the same nonce too */
    snprintf(text, sizeof(text), "%s", request_to("ACK", "sip:bob@example.com", "3", ""));
    world_receive(&world, text);
    assert_int_equal(world_code(&world), 0);
    world_advance(&world, 1000);
    assert_int_equal(world_code(&world), 0); /* acknowledged: not sent again */
}

int main(void)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_WORLD(a_challenge_offers_each_algorithm_the_strongest_first),
        IN_WORLD(the_right_answer_gets_through_once),
        IN_WORLD(a_rule_compares_who_asks_with_whom_he_wants),
        IN_WORLD(a_retired_user_proves_who_he_is_and_is_told_so),
        IN_WORLD(a_challenge_to_who_is_known_ends),
        IN_WORLD(a_policy_that_only_challenges_lets_nobody_in_but_ends),
        IN_WORLD(what_cannot_be_known_is_503),
        IN_WORLD(a_nonce_that_is_too_old_is_stale),
        IN_WORLD(wrong_passwords_end_in_403_and_never_in_410_or_404),
        IN_WORLD(known_and_unknown_users_get_the_same_bytes),
        IN_WORLD(an_agent_may_have_an_order_of_its_own),
        IN_WORLD(ack_and_cancel_are_never_challenged),
        cmocka_unit_test(settings_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
