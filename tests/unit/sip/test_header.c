/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cmocka_all.h"

#include "sip/sip_header.h"
#include "sip/sip_method.h"
#include "sip/sip_priv.h"
#include "support/span_guard.h"

#include <ctype.h>

/* `name` in one of three spellings. */
static void spell(struct span name, int spelling, char out[64])
{
    memcpy(out, name.at, name.len);
    out[name.len] = '\0';
    for (size_t at = 0; at < name.len; at++) {
        if (spelling == 1)
            out[at] = (char)toupper((unsigned char)out[at]);
        if (spelling == 2)
            out[at] = (char)tolower((unsigned char)out[at]);
    }
}

static void every_name_is_found_in_any_case(void **state)
{
    (void)state;
    for (int id = 1; id < SIP_HEADER_COUNT; id++)
        for (int spelling = 0; spelling < 3; spelling++) {
            char text[64];
            struct span name = sip_header_name((enum sip_header_id)id);
            spell(name, spelling, text);
            assert_int_equal(sip_header_find(span_make(text, name.len)), id);
        }
}

static void every_compact_form_is_found(void **state)
{
    (void)state;
    unsigned seen = 0;
    for (int id = 1; id < SIP_HEADER_COUNT; id++) {
        char compact = sip_header_compact((enum sip_header_id)id);
        if (!compact)
            continue;
        char upper = (char)toupper((unsigned char)compact);
        assert_int_equal(sip_header_find(span_make(&compact, 1)), id);
        assert_int_equal(sip_header_find(span_make(&upper, 1)), id);
        assert_false(seen & 1U << (compact - 'a'));
        seen |= 1U << (compact - 'a');
    }
    assert_int_equal(sip_header_find(SPAN("g")), SIP_HEADER_OTHER);
    assert_int_equal(sip_header_find(SPAN("1")), SIP_HEADER_OTHER);
    assert_int_equal(sip_header_find(SPAN("`")), SIP_HEADER_OTHER);
    assert_int_equal(sip_header_find(SPAN("~")), SIP_HEADER_OTHER);
}

static void near_misses_are_other(void **state)
{
    const char *names[] = {"",         "Vi",        "Via ",      "Viaa", "Call_ID",
                           "Call-ID-", "Contact-X", "C%6Fntact", "Fron", "Max-ForwardsMax-ForwardsMax-Forwards"};
    (void)state;
    for (size_t at = 0; at < sizeof(names) / sizeof(names[0]); at++)
        assert_int_equal(sip_header_find(span_of(names[at])), SIP_HEADER_OTHER);
    assert_span(sip_header_name(SIP_HEADER_OTHER), "");
    assert_int_equal(sip_header_kind(SIP_HEADER_OTHER), SIP_HEADER_REPEAT);
    assert_int_equal(sip_header_kind(SIP_HEADER_CALL_ID), SIP_HEADER_SINGLE);
    assert_int_equal(sip_header_kind(SIP_HEADER_VIA), SIP_HEADER_LIST);
    assert_int_equal(sip_header_kind(SIP_HEADER_SUBJECT), SIP_HEADER_FIRST);
}

/* The fast lookup finds what the plain one finds, or leaves it to it. */
static void check_take(void *ctx, struct span input)
{
    (void)ctx;
    struct sip_header_hit hit = sip_header_take(input.at, sip_text_end(input));
    size_t len = span_find(input, ':');
    enum sip_header_id plain = len < input.len ? sip_header_find(span_slice(input, 0, len)) : SIP_HEADER_OTHER;
    if (hit.id != SIP_HEADER_OTHER) {
        assert_int_equal(hit.id, plain);
        assert_int_equal(hit.len, len);
    } else if (input.len >= 32) {
        assert_int_equal(plain, SIP_HEADER_OTHER);
    }
}

static void the_fast_lookup_is_the_plain_one(void **state)
{
    (void)state;
    const char *rest = ": some value that is long enough";
    char line[128];
    for (int id = 1; id < SIP_HEADER_COUNT; id++) {
        struct span name = sip_header_name((enum sip_header_id)id);
        for (int spelling = 0; spelling < 3; spelling++) {
            spell(name, spelling, line);
            memcpy(line + name.len, rest, strlen(rest) + 1);
            guard_both(span_of(line), check_take, NULL);
            guard_both(span_make(line, name.len + 3), check_take, NULL);
        }
        for (size_t at = 0; at < name.len; at++) { /* one byte is another */
            spell(name, 0, line);
            memcpy(line + name.len, rest, strlen(rest) + 1);
            line[at] = line[at] == 'z' ? 'y' : 'z';
            guard_both(span_of(line), check_take, NULL);
        }
    }
    const char *more[] = {"v: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1",
                          "1: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1",
                          ": no name at all, nothing but a value",
                          "no colon in this line, for all of its length",
                          "A-Name-Of-More-Than-Twenty-Bytes: and a value",
                          "g: an unknown compact form of a header field",
                          "Via : a blank before the colon is for the slow way"};
    for (size_t at = 0; at < 6; at++)
        guard_both(span_of(more[at]), check_take, NULL);
    assert_int_equal(sip_header_take(more[6], more[6] + strlen(more[6])).id, SIP_HEADER_OTHER);
}

static void methods_are_found_and_case_counts(void **state)
{
    (void)state;
    for (int method = 1; method < SIP_METHOD_COUNT; method++)
        assert_int_equal(sip_method_find(sip_method_text((enum sip_method)method)), method);
    const char *others[] = {"", "invite", "INVITEX", "INVIT", "FOO", "RE%47ISTER"};
    for (size_t at = 0; at < sizeof(others) / sizeof(others[0]); at++)
        assert_int_equal(sip_method_find(span_of(others[at])), SIP_METHOD_OTHER);
    assert_span(sip_method_text(SIP_METHOD_OTHER), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_is_found_in_any_case),
        cmocka_unit_test(every_compact_form_is_found),
        cmocka_unit_test(near_misses_are_other),
        cmocka_unit_test(the_fast_lookup_is_the_plain_one),
        cmocka_unit_test(methods_are_found_and_case_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
