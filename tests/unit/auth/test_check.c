/* SPDX-License-Identifier: Apache-2.0 */
/* The whole judgement of a request's credentials, on a clock that only moves when told. */
#include "auth/auth_window.h"
#include "support/cmocka_all.h"
#include "support_auth.h"

#include <stdio.h>

static struct auth_world world;
static char nonce_text[AUTH_NONCE_LEN + 1];

static int set_up(void **state)
{
    (void)state;
    auth_world_init(&world, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    auth_world_done(&world);
    return 0;
}

static struct auth_client fresh(void)
{
    return auth_client_alice(auth_world_nonce(&world, nonce_text));
}

static void a_right_response_is_good_with_each_algorithm_and_qop(void **state)
{
    static const struct span qops[] = {{"auth", 4}, {"auth-int", 8}, {"AUTH", 4}};
    struct auth_result result;
    (void)state;
    for (enum digest_kind kind = DIGEST_MD5; kind < DIGEST_KIND_COUNT; kind++)
        for (size_t i = 0; i < 3; i++) {
            struct auth_client client = fresh();
            client.kind = kind;
            client.qop = qops[i];
            client.body = SPAN("hello");
            auth_world_send(&world, &client);
            assert_int_equal(auth_world_check(&world, &result), AUTH_GOOD);
            assert_true(span_equal(result.user, SPAN("alice")) && span_equal(result.realm, SPAN("example.com")));
        }
}

static void auth_int_covers_the_body(void **state)
{
    struct auth_client client = fresh();
    (void)state;
    client.qop = SPAN("auth-int");
    client.body = SPAN("hello");
    auth_world_send(&world, &client);
    char *body = strstr(world.text, "hello");
    assert_non_null(body);
    *body = 'j';
    struct auth_result result;
    assert_int_equal(auth_world_check(&world, &result), AUTH_WRONG);
}

static void what_is_wrong_is_wrong(void **state)
{
    (void)state;
    struct auth_client password = fresh();
    password.password = SPAN("Secret");
    assert_int_equal(auth_world_ask(&world, &password), AUTH_WRONG);
    struct auth_client user = fresh();
    user.user = SPAN("nobody");
    assert_int_equal(auth_world_ask(&world, &user), AUTH_WRONG);
    struct auth_client realm = fresh();
    realm.realm = SPAN("other.example.com");
    assert_int_equal(auth_world_ask(&world, &realm), AUTH_WRONG);
    struct auth_client method = fresh();
    auth_world_send(&world, &method);
    memcpy(strstr(world.text, "response=\"") + 10, "00", 2);
    struct auth_result result;
    assert_int_equal(auth_world_check(&world, &result), AUTH_WRONG);
    /* A user whose HA1 is not known for the algorithm is as if unknown. */
    world.only_md5 = true;
    struct auth_client other = fresh();
    assert_int_equal(auth_world_ask(&world, &other), AUTH_WRONG);
    other = fresh();
    other.kind = DIGEST_MD5;
    assert_int_equal(auth_world_ask(&world, &other), AUTH_GOOD);
    assert_int_equal(world.lookups, 6);
}

static void a_cut_or_padded_response_is_wrong(void **state)
{
    struct auth_result result;
    struct auth_client client = fresh();
    (void)state;
    auth_world_send(&world, &client);
    char *response = strstr(world.text, "response=\"") + 10;
    size_t len = strcspn(response, "\"");
    struct span header = sip_message_value(&world.message, SIP_HEADER_AUTHORIZATION);
    char line[1024];
    struct buffer out = buffer_over(line, sizeof(line));
    size_t at = (size_t)(response - header.at);
    buffer_addf(&out, "Authorization: %.*s", (int)(at + len - 1), header.at); /* one digit less */
    buffer_addf(&out, "%.*s\r\n", (int)(header.len - at - len), response + len);
    char copy[1024];
    memcpy(copy, line, out.len);
    auth_world_send_raw(&world, &client, span_make(copy, out.len));
    assert_int_equal(auth_world_check(&world, &result), AUTH_WRONG);
}

static void upper_case_digits_are_the_same_digits(void **state)
{
    struct auth_result result;
    struct auth_client client = fresh();
    (void)state;
    auth_world_send(&world, &client);
    for (char *at = strstr(world.text, "response=\"") + 10; *at != '"'; at++)
        *at = *at >= 'a' ? (char)(*at - 32) : *at;
    assert_int_equal(auth_world_check(&world, &result), AUTH_GOOD);
}

static void a_count_is_good_once(void **state)
{
    struct auth_client client = fresh();
    (void)state;
    assert_int_equal(auth_world_ask(&world, &client), AUTH_GOOD);
    assert_int_equal(auth_world_ask(&world, &client), AUTH_REPLAY);
    client.nc = SPAN("00000002");
    assert_int_equal(auth_world_ask(&world, &client), AUTH_GOOD);
    client.nc = SPAN("0000000A");
    assert_int_equal(auth_world_ask(&world, &client), AUTH_GOOD);
    client.nc = SPAN("00000005"); /* late, but not used */
    assert_int_equal(auth_world_ask(&world, &client), AUTH_GOOD);
    assert_int_equal(auth_world_ask(&world, &client), AUTH_REPLAY);
    client.nc = SPAN("00000000");
    assert_int_equal(auth_world_ask(&world, &client), AUTH_STALE);
    client.nc = SPAN("00010000"); /* beyond what a nonce is good for */
    assert_int_equal(auth_world_ask(&world, &client), AUTH_STALE);
    assert_true(auth_outcome_is_stale(AUTH_STALE) && auth_outcome_is_stale(AUTH_REPLAY));
}

static void a_wrong_response_uses_nothing_up(void **state)
{
    struct auth_client client = fresh();
    (void)state;
    client.password = SPAN("guess");
    assert_int_equal(auth_world_ask(&world, &client), AUTH_WRONG);
    client.password = SPAN("secret");
    assert_int_equal(auth_world_ask(&world, &client), AUTH_GOOD);
}

static void a_nonce_ends(void **state)
{
    struct auth_client client = fresh();
    (void)state;
    world.now_ms += 300000;
    assert_int_equal(auth_world_ask(&world, &client), AUTH_GOOD);
    client.nc = SPAN("00000002");
    world.now_ms += 1;
    assert_int_equal(auth_world_ask(&world, &client), AUTH_STALE);
    client.password = SPAN("guess"); /* stale is said to the right password only */
    assert_int_equal(auth_world_ask(&world, &client), AUTH_WRONG);
    client.password = SPAN("secret");
    world.now_ms -= 400000; /* the clock was set back: the nonce comes from the future */
    assert_int_equal(auth_world_ask(&world, &client), AUTH_STALE);
}

static void a_nonce_of_another_life_is_stale(void **state)
{
    struct auth_options other = {.key = {33, 44},
                                 .algorithms = SPAN("MD5"),
                                 .nonce_ms = 1000,
                                 .tries_source_max = 1,
                                 .tries_user_max = 1,
                                 .tries_ms = 1};
    struct auth *before;
    (void)state;
    assert_int_equal(auth_new(&other, &before), OK);
    auth_nonce_new(before, world.now_ms, 1, nonce_text);
    auth_free(before);
    struct auth_client client = auth_client_alice(span_of(nonce_text));
    assert_int_equal(auth_world_ask(&world, &client), AUTH_STALE);
    client.nonce = SPAN("dcd98b7102dd2f0e8b11d0f600bfb0c093");
    assert_int_equal(auth_world_ask(&world, &client), AUTH_STALE);
}

static void without_qop_a_nonce_is_good_once_and_md5_only(void **state)
{
    struct auth_client client = fresh();
    (void)state;
    client.qop = client.nc = client.cnonce = SPAN("");
    client.kind = DIGEST_MD5;
    assert_int_equal(auth_world_ask(&world, &client), AUTH_GOOD);
    assert_int_equal(auth_world_ask(&world, &client), AUTH_REPLAY);
    client = fresh();
    client.qop = client.nc = client.cnonce = SPAN("");
    assert_int_equal(auth_world_ask(&world, &client), AUTH_NONE);
}

static void credentials_that_answer_no_challenge_of_ours_are_none(void **state)
{
    (void)state;
    struct auth_client session = fresh();
    session.session = true;
    assert_int_equal(auth_world_ask(&world, &session), AUTH_NONE);
    struct auth_client qop = fresh();
    qop.qop = SPAN("auth-conf");
    assert_int_equal(auth_world_ask(&world, &qop), AUTH_NONE);
    static const char *const counts[] = {"1", "0000000g", "000000001", "-0000001"};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct auth_client count = fresh();
        count.nc = span_of(counts[i]);
        assert_int_equal(auth_world_ask(&world, &count), AUTH_NONE);
    }
    struct auth_client cnonce = fresh();
    cnonce.cnonce = SPAN("");
    assert_int_equal(auth_world_ask(&world, &cnonce), AUTH_NONE);
    static const char *const lines[] = {
        "",
        "Authorization: Basic YWxpY2U6c2VjcmV0\r\n",
        "Authorization: Digest\r\n",
        "Authorization: Digest username=\"alice\", username=\"bob\"\r\n",
        "Authorization: Digest username=\"alice\", realm=\"example.com\", nonce=\"1\", uri=\"sip:example.com\", "
        "response=\"\", qop=auth, nc=00000001, cnonce=\"a\"\r\n",
        "Authorization: Digest username=\"\", realm=\"example.com\", nonce=\"1\", uri=\"sip:example.com\", "
        "response=\"00\", qop=auth, nc=00000001, cnonce=\"a\"\r\n",
        "Authorization: Digest username=\"alice\", userhash=true, realm=\"example.com\", nonce=\"1\", "
        "uri=\"sip:example.com\", response=\"00\", qop=auth, nc=00000001, cnonce=\"a\"\r\n",
    };
    struct auth_result result;
    struct auth_client client = fresh();
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        auth_world_send_raw(&world, &client, span_of(lines[i]));
        assert_int_equal(auth_world_check(&world, &result), AUTH_NONE);
        assert_int_equal(result.user.len, 0);
    }
    assert_int_equal(world.lookups, 0);
}

static void only_offered_algorithms_count(void **state)
{
    struct auth_options options = {.key = {1, 2},
                                   .algorithms = SPAN("SHA-256"),
                                   .nonce_ms = 1000,
                                   .tries_source_max = 9,
                                   .tries_user_max = 9,
                                   .tries_ms = 1000};
    (void)state;
    auth_world_done(&world);
    auth_world_init(&world, &options);
    struct auth_client client = fresh();
    client.kind = DIGEST_MD5;
    assert_int_equal(auth_world_ask(&world, &client), AUTH_NONE);
    client.kind = DIGEST_SHA256;
    assert_int_equal(auth_world_ask(&world, &client), AUTH_GOOD);
}

static void the_uri_means_the_request_uri_or_one_of_ours(void **state)
{
    struct auth_client client = fresh();
    (void)state;
    client.request_uri = SPAN("sip:Bob@Example.COM;transport=tcp");
    client.uri = SPAN("sip:Bob@example.com;transport=TCP");
    assert_int_equal(auth_world_ask(&world, &client), AUTH_GOOD);
    client = fresh();
    client.uri = SPAN("sip:carol@example.com");
    assert_int_equal(auth_world_ask(&world, &client), AUTH_NONE);
    world.ours = client.uri;
    assert_int_equal(auth_world_ask(&world, &client), AUTH_GOOD);
    client = fresh();
    client.uri = SPAN("/index.html");
    assert_int_equal(auth_world_ask(&world, &client), AUTH_NONE);
}

static void among_several_the_one_with_our_nonce_counts(void **state)
{
    struct auth_client client = fresh();
    (void)state;
    client.more = SPAN("Authorization: Digest username=\"alice\", realm=\"proxy.example.net\", nonce=\"77\", "
                       "uri=\"sip:example.com\", response=\"00\", qop=auth, nc=00000001, cnonce=\"a\"\r\n"
                       "Authorization: Basic YWxpY2U6c2VjcmV0\r\n");
    assert_int_equal(auth_world_ask(&world, &client), AUTH_GOOD);
}

static void a_name_may_be_written_in_the_extended_form(void **state)
{
    struct auth_client client = fresh();
    struct auth_result result;
    char line[1024];
    (void)state;
    auth_world_send(&world, &client);
    struct span header = sip_message_value(&world.message, SIP_HEADER_AUTHORIZATION);
    size_t at = (size_t)(strstr(header.at, "username=\"alice\"") - header.at);
    snprintf(line, sizeof(line), "Authorization: %.*susername*=UTF-8''%%61lice%.*s\r\n", (int)at, header.at,
             (int)(header.len - at - 16), header.at + at + 16);
    auth_world_send_raw(&world, &client, span_of(line));
    assert_int_equal(auth_world_check(&world, &result), AUTH_GOOD);
    assert_true(span_equal(result.user, SPAN("alice")));
}

static void wrong_ones_are_limited_by_source_and_by_user(void **state)
{
    struct auth_options options = {.key = {1, 2},
                                   .algorithms = SPAN("SHA-256"),
                                   .nonce_ms = 1000000,
                                   .tries_source_max = 5,
                                   .tries_user_max = 8,
                                   .tries_ms = 100000};
    struct auth_result result;
    (void)state;
    auth_world_done(&world);
    auth_world_init(&world, &options);
    struct auth_client bad = fresh();
    bad.password = SPAN("guess");
    for (int i = 0; i < 5; i++) {
        auth_world_send(&world, &bad);
        assert_int_equal(auth_world_check(&world, &result), AUTH_WRONG);
        assert_int_equal(result.source_full, i == 4);
    }
    assert_int_equal(auth_world_ask(&world, &bad), AUTH_LIMITED);
    unsigned lookups = world.lookups;
    struct auth_client good = fresh();
    assert_int_equal(auth_world_ask(&world, &good), AUTH_LIMITED);
    assert_int_equal(world.lookups, lookups); /* not even looked at */
    world.source.ip[3] = 2;
    assert_int_equal(auth_world_ask(&world, &good), AUTH_GOOD);
    for (int i = 0; i < 3; i++) {
        auth_world_send(&world, &bad);
        assert_int_equal(auth_world_check(&world, &result), AUTH_WRONG);
        assert_int_equal(result.user_full, i == 2);
    }
    world.source.ip[3] = 3;
    good.nc = SPAN("00000002");
    assert_int_equal(auth_world_ask(&world, &good), AUTH_LIMITED); /* alice, from anywhere */
    struct auth_client other = fresh();
    other.user = SPAN("nobody");
    assert_int_equal(auth_world_ask(&world, &other), AUTH_WRONG); /* others are not concerned */
    world.now_ms += 100000 / 8 + 1000;                            /* one try of the user's has leaked away */
    assert_int_equal(auth_world_ask(&world, &good), AUTH_GOOD);
}

static void an_unreadable_directory_is_neither_right_nor_wrong(void **state)
{
    struct auth_client client = fresh();
    struct auth_result result;
    (void)state;
    world.broken = ERR_CORRUPT;
    auth_world_send(&world, &client);
    struct auth_question question = auth_world_question(&world);
    assert_int_equal(auth_check(world.auth, &question, &result), ERR_CORRUPT);
    world.broken = OK;
    assert_int_equal(auth_check(world.auth, &question, &result), OK);
    assert_int_equal(result.outcome, AUTH_GOOD);
}

int main(void)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_WORLD(a_right_response_is_good_with_each_algorithm_and_qop),
        IN_WORLD(auth_int_covers_the_body),
        IN_WORLD(what_is_wrong_is_wrong),
        IN_WORLD(a_cut_or_padded_response_is_wrong),
        IN_WORLD(upper_case_digits_are_the_same_digits),
        IN_WORLD(a_count_is_good_once),
        IN_WORLD(a_wrong_response_uses_nothing_up),
        IN_WORLD(a_nonce_ends),
        IN_WORLD(a_nonce_of_another_life_is_stale),
        IN_WORLD(without_qop_a_nonce_is_good_once_and_md5_only),
        IN_WORLD(credentials_that_answer_no_challenge_of_ours_are_none),
        IN_WORLD(only_offered_algorithms_count),
        IN_WORLD(the_uri_means_the_request_uri_or_one_of_ours),
        IN_WORLD(among_several_the_one_with_our_nonce_counts),
        IN_WORLD(a_name_may_be_written_in_the_extended_form),
        IN_WORLD(wrong_ones_are_limited_by_source_and_by_user),
        IN_WORLD(an_unreadable_directory_is_neither_right_nor_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
