/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cmocka_all.h"

#include "sip/sip_number.h"
#include "support/span_guard.h"

/* Berlin: 00 dials abroad, 0 another town, 4 to 8 digits the town's own numbers. */
static const struct sip_number_rule berlin[] = {
    {{"00", 2}, 2, {"+", 1}, 0, 0},
    {{"0", 1}, 1, {"+49", 3}, 4, 15},
    {{"", 0}, 0, {"+4930", 5}, 5, 8},
};

static void numbers_become_e164(void **state)
{
    const struct {
        const char *text, *want;
    } rows[] = {
        {"+1 (555) 010-0", "+15550100"},
        {"+15550100", "+15550100"},
        {"0049.30.123456", "+4930123456"},
        {"030 123456", "+4930123456"},
        {"123456", "+4930123456"},
        {"110", "110"},
        {"012", "012"},
        {"(+49) 30 1", "+49301"},
        {"00", "00"},
        {"1234567890123456789012345678901", "1234567890123456789012345678901"},
    };
    (void)state;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        char out[SIP_NUMBER_MAX];
        size_t len = 0;
        assert_int_equal(sip_number_normalise(span_of(rows[row].text), berlin, 3, out, &len), OK);
        assert_string_equal(out, rows[row].want);
        assert_int_equal(len, strlen(out));
        assert_true(sip_number_is(span_of(rows[row].text)));
    }
}

static void check_bad(void *ctx, struct span input)
{
    char out[SIP_NUMBER_MAX];
    size_t len = 99;
    assert_int_equal(sip_number_normalise(input, berlin, 3, out, &len), *(const enum err *)ctx);
    assert_int_equal(len, 99);
    assert_false(sip_number_is(input) && *(const enum err *)ctx == ERR_SYNTAX);
}

static void other_things_are_refused(void **state)
{
    const char *rows[] = {"", "+", "--", "abc", "1+2", "++1", "1,2", "1%20", "*21#", "1\xc3\xa9"};
    enum err syntax = ERR_SYNTAX, too_long = ERR_TOO_LONG;
    (void)state;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++)
        guard_both(span_of(rows[row]), check_bad, &syntax);
    guard_both(SPAN("123456789012345678901234567890123"), check_bad, &too_long);
    /* it fits as written, but not with the rule's prefix */
    const struct sip_number_rule rule = {{"1", 1}, 0, {"+49", 3}, 0, 0};
    char out[SIP_NUMBER_MAX];
    size_t len;
    assert_int_equal(sip_number_normalise(SPAN("12345678901234567890123456789012"), &rule, 1, out, &len), ERR_TOO_LONG);
}

static void uris_name_numbers(void **state)
{
    const struct {
        const char *uri, *want; /* NULL: no number */
    } rows[] = {
        {"tel:+1-201-555-0123;ext=3", "+12015550123"},
        {"tel:030123456", "+4930123456"},
        {"tel:863-1234;phone-context=+1-914-555", "+19145558631234"},
        {"tel:7042;phone-context=example.com", "7042"},
        {"tel:+49;phone-context=+1", "+49"},
        {"tel:7042;phone-context=+", NULL},
        {"tel:*69;phone-context=+1", NULL},
        {"tel:abc;phone-context=x", NULL},
        {"tel:12345678901234567890123456789;phone-context=+12345", NULL},
        {"sip:+15550100@h", "+15550100"},
        {"sip:%2B15550100@h", "+15550100"},
        {"sip:110@h;user=phone", "110"},
        {"sip:110@h", NULL},
        {"sip:030123456@h", "+4930123456"},
        {"sip:863-1234;phone-context=+1914555@h;user=phone", "+19145558631234"},
        {"sip:+1;isub=3@h", "+1"},
        {"sip:alice@h;user=phone", NULL},
        {"sip:h;user=phone", NULL},
        {"sips:+1@h", "+1"},
        {"urn:+1", NULL},
        {"sip:"
         "1111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111"
         "11111111111111111111111111111@h",
         NULL},
    };
    (void)state;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        struct sip_uri uri;
        char out[SIP_NUMBER_MAX] = "untouched";
        size_t len = 0;
        assert_int_equal(sip_uri_parse(span_of(rows[row].uri), &uri, NULL), OK);
        enum err err = sip_number_of_uri(&uri, berlin, 3, out, &len);
        if (rows[row].want ? err != OK || strcmp(out, rows[row].want) != 0 : err != ERR_NOT_FOUND)
            fail_msg("%s: %s %s", rows[row].uri, err_name(err), out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_become_e164),
        cmocka_unit_test(other_things_are_refused),
        cmocka_unit_test(uris_name_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
