/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cmocka_all.h"

#include "sip/sip_address.h"
#include "support/span_guard.h"

static void contacts_are_walked(void **state)
{
    struct span rest = SPAN("\"I\xc3\xb1"
                            "aki @\xc5\x82\" <sip:+1234@ALIAX.net;Transport=WS>;+sip.Instance=\"abCD\", "
                            "sip:bob@biloxi.COM;headerParam, <sip:DOMAIN.com:5>");
    struct sip_address address;
    (void)state;
    assert_int_equal(sip_address_next(&rest, &address, NULL), OK);
    assert_true(address.bracketed);
    assert_span(address.uri.user, "+1234");
    assert_span(sip_param_value(address.params, SPAN("+sip.instance")), "abCD");
    assert_int_equal(sip_address_next(&rest, &address, NULL), OK);
    assert_false(address.bracketed);
    assert_span(address.uri.params, "");
    assert_true(sip_param_has(address.params, SPAN("headerparam")));
    assert_int_equal(sip_address_next(&rest, &address, NULL), OK);
    assert_null(address.uri.user.at);
    assert_int_equal(address.uri.port, 5);
    assert_int_equal(sip_address_next(&rest, &address, NULL), ERR_NOT_FOUND);
}

struct refusal {
    const char *text, *reason;
};

static void check_refused(void *ctx, struct span input)
{
    const struct refusal *want = ctx;
    struct sip_address address;
    const char *reason = "";
    assert_int_equal(sip_address_parse(input, &address, &reason), ERR_SYNTAX);
    if (strcmp(reason, want->reason) != 0)
        fail_msg("%s: %s", want->text, reason);
    assert_int_equal(sip_address_parse(input, &address, NULL), ERR_SYNTAX);
}

static void bad_ones_are_refused(void **state)
{
    struct refusal rows[] = {
        {"", "it is empty"},
        {" \t", "it is empty"},
        {",", "no URI: it starts with no scheme"},
        {"<>", "no URI: it starts with no scheme"},
        {"<sip:a", "'<' is not closed"},
        {"\"x", "a quoted string is not closed"},
        {"\"x\"", "no '<' follows the display name"},
        {"\"x\" sip:a", "no '<' follows the display name"},
        {"a:b c", "neither a parameter nor a comma follows the address"},
        {"<sip:a> x", "neither a parameter nor a comma follows the address"},
        {"sip:a@b>", "neither a parameter nor a comma follows the address"},
        {"<sip:a>,", "nothing follows a comma"},
        {"<sip:a>, <sip:b>", "more than one address"},
        {"sip:a?x=y", "a URI with '?' must stand in '<' and '>'"},
        {"<sip:a>;", "a parameter is malformed"},
        {"<sip:a>;=x", "a parameter is malformed"},
        {"<sip:a>;tag", "tag has no token as its value"},
        {"<sip:a>;tag=\"x\"", "tag has no token as its value"},
        {"<sip:a>;tag=1;Tag=1", "tag stands twice"},
        {"*x", "no URI: it starts with no scheme"},
        {"*;q=1", "neither a parameter nor a comma follows the address"},
        {"Bell, A <sip:a>", "no URI: a scheme and ':' are missing"},
        {"< sip:a >", "no URI: it starts with no scheme"},
        {"a\\b <sip:a>", "no URI: a scheme and ':' are missing"},
    };
    (void)state;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++)
        guard_both(span_of(rows[row].text), check_refused, &rows[row]);
}

static void displays_and_stars(void **state)
{
    struct sip_address address;
    (void)state;
    assert_int_equal(sip_address_parse(SPAN("Foo    Foo Bar\tBaz<sip:a>;QWE=QWE;ASd"), &address, NULL), OK);
    assert_span(address.display, "Foo    Foo Bar\tBaz");
    assert_int_equal(sip_address_parse(SPAN("\"Foo\"<sip:a>"), &address, NULL), OK);
    assert_span(address.display, "\"Foo\"");
    assert_int_equal(sip_address_parse(SPAN(" * "), &address, NULL), OK);
    assert_true(address.star);
    assert_int_equal(sip_address_parse(SPAN("* <sip:a>"), &address, NULL), OK);
    assert_false(address.star);
    assert_span(address.display, "*");
    assert_int_equal(sip_address_parse(SPAN("sip:a ; tag = x ; y"), &address, NULL), OK);
    assert_span(address.tag, "x");
    assert_span(address.text, "sip:a ; tag = x ; y");
}

static void parameters_are_read(void **state)
{
    const struct span good = SPAN(" ; rport ; branch = 123;gruu = \"sip:a;opaque=\\\"x\";foo ");
    struct sip_param param;
    const char *at = NULL;
    (void)state;
    assert_int_equal(sip_param_check(good, &at), OK);
    assert_true(sip_param_has(good, SPAN("RPORT")));
    assert_null(sip_param_value(good, SPAN("rport")).at);
    assert_span(sip_param_value(good, SPAN("branch")), "123");
    assert_int_equal(sip_param_find(good, SPAN("gruu"), &param), OK);
    assert_true(param.quoted);
    assert_span(param.value, "sip:a;opaque=\\\"x");
    assert_int_equal(sip_param_find(good, SPAN("nope"), &param), ERR_NOT_FOUND);
    assert_int_equal(sip_param_check((struct span){NULL, 0}, NULL), OK);
    const struct span bad = SPAN(";a=1;b=;c");
    assert_int_equal(sip_param_check(bad, &at), ERR_SYNTAX);
    assert_ptr_equal(at, bad.at + 4);
    assert_int_equal(sip_param_check(SPAN("x"), NULL), ERR_SYNTAX);
    assert_int_equal(sip_param_find(bad, SPAN("c"), &param), ERR_SYNTAX);
    assert_span(sip_param_value(bad, SPAN("a")), "1");
}

static void parameters_are_capped(void **state)
{
    char text[1024];
    struct buffer out = buffer_over(text, sizeof(text));
    struct sip_address address;
    struct sip_param param;
    const char *reason = "";
    (void)state;
    buffer_add_text(&out, "<sip:a>");
    for (int at = 0; at < SIP_PARAMS_MAX; at++)
        buffer_addf(&out, ";p%d", at);
    assert_int_equal(sip_address_parse(buffer_span(&out), &address, NULL), OK);
    assert_int_equal(sip_param_check(address.params, NULL), OK);
    buffer_add_text(&out, ";last");
    assert_int_equal(sip_address_parse(buffer_span(&out), &address, &reason), ERR_SYNTAX);
    assert_string_equal(reason, "more than 64 parameters");
    struct span params = span_slice(buffer_span(&out), 7, out.len);
    const char *at = NULL;
    assert_int_equal(sip_param_check(params, &at), ERR_FULL);
    assert_non_null(at);
    assert_int_equal(sip_param_check(params, NULL), ERR_FULL);
    assert_int_equal(sip_param_find(params, SPAN("last"), &param), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contacts_are_walked),   cmocka_unit_test(bad_ones_are_refused),
        cmocka_unit_test(displays_and_stars),    cmocka_unit_test(parameters_are_read),
        cmocka_unit_test(parameters_are_capped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
