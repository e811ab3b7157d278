/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cmocka_all.h"

#include "auth/auth_header.h"
#include "support/span_guard.h"

static void headers_are_read(void **state)
{
    struct auth_header digest;
    (void)state;
    assert_int_equal(
        auth_header_parse(SPAN("Digest realm =  \"[1:ABCD::abc]\", nonce =  \"31d0\", qop=\"AUTH,autH-INt\", "
                               "algorithm =  md5  ,  stale =  TRUE , opaque = \"00000188\",userhash=true,"
                               "username*=UTF-8''J%C3%A4, domain=\"sip:x\", cnonce=\"c\", nc=00000001,"
                               "username=\"a\\\"b\", uri=\"sip:u\", response=\"r\", x=y, userhash=false"),
                          &digest),
        OK);
    assert_true(digest.is_digest && digest.stale && !digest.userhash);
    assert_span(digest.realm, "[1:ABCD::abc]");
    assert_span(digest.qop, "AUTH,autH-INt");
    assert_span(digest.algorithm, "md5");
    assert_span(digest.username, "a\\\"b");
    assert_span(digest.username_ext, "UTF-8''J%C3%A4");
    assert_span(digest.nc, "00000001");
    assert_int_equal(auth_header_parse(SPAN("NoOneKnowsThisScheme opaque-data=here"), &digest), OK);
    assert_false(digest.is_digest);
    assert_span(digest.rest, "opaque-data=here");
    assert_int_equal(auth_header_parse(SPAN("Digest"), &digest), OK);
    assert_true(digest.is_digest);
    assert_null(digest.nonce.at);
    assert_int_equal(auth_header_parse(SPAN("Digest stale=\"true\" algorithm=MD5"), &digest), OK);
    assert_span(digest.algorithm, "MD5");
}

static void check_bad(void *ctx, struct span input)
{
    struct auth_header digest;
    (void)ctx;
    if (auth_header_parse(input, &digest) != ERR_SYNTAX)
        fail_msg("%.*s", SPAN_ARG(input));
}

static void bad_headers_are_refused(void **state)
{
    const char *rows[] = {"",
                          " Digest a=b",
                          "Digest,a=b",
                          "Digest \"a\"",
                          "Digest bogus tull",
                          "Digest a",
                          "Digest a=",
                          "Digest a=\"",
                          "Digest a=b c=d",
                          "Digest a=\"b\"c=d",
                          "Digest realm=\"a\", realm=\"a\"",
                          "Digest NONCE=a, nonce=b",
                          "Digest =b",
                          "Digest a=b,,c=d"};
    (void)state;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++)
        guard_both(span_of(rows[row]), check_bad, NULL);
    char text[512];
    struct buffer out = buffer_over(text, sizeof(text));
    struct auth_header digest;
    buffer_add_text(&out, "Digest a=b");
    for (int at = 1; at < AUTH_HEADER_FIELDS_MAX; at++)
        buffer_add_text(&out, ",a=b");
    assert_int_equal(auth_header_parse(buffer_span(&out), &digest), OK);
    buffer_add_text(&out, ",a=b");
    assert_int_equal(auth_header_parse(buffer_span(&out), &digest), ERR_FULL);
}

static void algorithms_have_names(void **state)
{
    enum digest_kind kind = DIGEST_MD5;
    bool session = false;
    (void)state;
    assert_true(auth_header_algorithm(SPAN(""), &kind, &session));
    assert_true(kind == DIGEST_MD5 && !session);
    assert_true(auth_header_algorithm(SPAN("sha-256-SESS"), &kind, &session));
    assert_true(kind == DIGEST_SHA256 && session);
    assert_true(auth_header_algorithm(SPAN("SHA-512-256"), &kind, &session));
    assert_true(kind == DIGEST_SHA512_256 && !session);
    assert_false(auth_header_algorithm(SPAN("AKAv1-MD5"), &kind, &session));
    assert_false(auth_header_algorithm(SPAN("-sess"), &kind, &session));
}

/* RFC 2617 3.5, RFC 7616 3.9.1 and 3.9.2 with its erratum, and a session. */
static void responses_are_the_published_ones(void **state)
{
    struct auth_response_input input = {
        .username = SPAN("Mufasa"),
        .realm = SPAN("testrealm@host.com"),
        .password = SPAN("Circle Of Life"),
        .nonce = SPAN("dcd98b7102dd2f0e8b11d0f600bfb0c093"),
        .nc = SPAN("00000001"),
        .cnonce = SPAN("0a4f113b"),
        .qop = SPAN("auth"),
        .method = SPAN("GET"),
        .uri = SPAN("/dir/index.html"),
    };
    char hex[DIGEST_HEX_MAX];
    (void)state;
    assert_int_equal(auth_response(&input, hex), OK);
    assert_string_equal(hex, "6629fae49393a05397450978507c4ef1");
    input.ha1 = SPAN("939e7578ed9e3c518a452acee763bce9");
    input.password = SPAN("");
    assert_int_equal(auth_response(&input, hex), OK);
    assert_string_equal(hex, "6629fae49393a05397450978507c4ef1");
    input.qop = SPAN("");
    assert_int_equal(auth_response(&input, hex), OK);
    assert_string_equal(hex, "670fd8c2df070c60b045671b8b24ff02");
    input = (struct auth_response_input){
        .kind = DIGEST_SHA512_256,
        .username = SPAN("J\xc3\xa4s\xc3\xb8n Doe"),
        .realm = SPAN("api@example.org"),
        .password = SPAN("Secret, or not?"),
        .nonce = SPAN("5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK"),
        .nc = SPAN("00000001"),
        .cnonce = SPAN("NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v"),
        .qop = SPAN("auth"),
        .method = SPAN("GET"),
        .uri = SPAN("/doe.json"),
    };
    assert_int_equal(auth_response(&input, hex), OK);
    assert_string_equal(hex, "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5");
    char long_ha1[100];
    memset(long_ha1, 'a', sizeof(long_ha1));
    input.ha1 = span_make(long_ha1, sizeof(long_ha1));
    assert_int_equal(auth_response(&input, hex), ERR_TOO_LONG);
}

/* draft-smith-sipping-auth-examples-01 3.4.2, and a body under auth-int. */
static void sessions_and_bodies_count(void **state)
{
    struct auth_response_input input = {
        .session = true,
        .username = SPAN("bob"),
        .realm = SPAN("biloxi.com"),
        .password = SPAN("zanzibar"),
        .nonce = SPAN("dcd98b7102dd2f0e8b11d0f600bfb0c093"),
        .nc = SPAN("00000001"),
        .cnonce = SPAN("0a4f113b"),
        .qop = SPAN("auth"),
        .method = SPAN("INVITE"),
        .uri = SPAN("sip:bob@biloxi.com"),
    };
    char hex[DIGEST_HEX_MAX], other[DIGEST_HEX_MAX];
    (void)state;
    assert_int_equal(auth_response(&input, hex), OK);
    assert_string_equal(hex, "e4e4ea61d186d07a92c9e1f6919902e9");
    input.qop = SPAN("auth-int");
    input.body = SPAN("a");
    assert_int_equal(auth_response(&input, hex), OK);
    input.body = SPAN("b");
    assert_int_equal(auth_response(&input, other), OK);
    assert_string_not_equal(hex, other);
}

static void values_are_written(void **state)
{
    char text[512];
    struct buffer out = buffer_over(text, sizeof(text));
    struct auth_header_challenge challenge = {.kind = DIGEST_SHA256, .realm = SPAN("a\"b"), .nonce = SPAN("n")};
    (void)state;
    auth_header_add_challenge(&out, &challenge);
    assert_span(buffer_span(&out), "Digest realm=\"a\\\"b\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"");
    buffer_clear(&out);
    challenge.opaque = SPAN("o");
    challenge.stale = challenge.userhash = true;
    auth_header_add_challenge(&out, &challenge);
    assert_span(buffer_span(&out), "Digest realm=\"a\\\"b\", nonce=\"n\", opaque=\"o\", algorithm=SHA-256, "
                                   "qop=\"auth\", stale=true, userhash=true");
    buffer_clear(&out);
    struct auth_response_input input = {.session = true,
                                        .username = SPAN("u"),
                                        .realm = SPAN("r"),
                                        .nonce = SPAN("n"),
                                        .nc = SPAN("00000001"),
                                        .cnonce = SPAN("c"),
                                        .qop = SPAN("auth"),
                                        .uri = SPAN("sip:x")};
    auth_header_add_credentials(&out, &input, SPAN("o"), SPAN("abc"));
    assert_span(buffer_span(&out), "Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"sip:x\", response=\"abc\", "
                                   "algorithm=MD5-sess, opaque=\"o\", cnonce=\"c\", qop=auth, nc=00000001");
    buffer_clear(&out);
    input.nc = SPAN("1\r\n");
    auth_header_add_credentials(&out, &input, SPAN(""), SPAN("abc"));
    assert_true(out.overflow);
    buffer_clear(&out);
    input.qop = input.cnonce = SPAN("");
    auth_header_add_credentials(&out, &input, SPAN(""), SPAN("abc"));
    assert_false(out.overflow);
    buffer_clear(&out);
    input.username = SPAN("a\nb");
    auth_header_add_credentials(&out, &input, SPAN(""), SPAN("abc"));
    assert_true(out.overflow);
    buffer_clear(&out);
    input.qop = SPAN("a\n");
    input.username = input.nc = SPAN("1");
    auth_header_add_credentials(&out, &input, SPAN(""), SPAN("abc"));
    assert_true(out.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_read),          cmocka_unit_test(bad_headers_are_refused),
        cmocka_unit_test(algorithms_have_names),     cmocka_unit_test(responses_are_the_published_ones),
        cmocka_unit_test(sessions_and_bodies_count), cmocka_unit_test(values_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
