/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cmocka_all.h"

#include "sip/sip_message.h"
#include "sip/sip_value.h"
#include "support/span_guard.h"

#include <stdio.h>

static void numbers(void **state)
{
    uint32_t number = 7;
    (void)state;
    assert_int_equal(sip_value_u32(SPAN("0068"), &number), OK);
    assert_int_equal(number, 68);
    assert_int_equal(sip_value_u32(SPAN("4294967295"), &number), OK);
    assert_int_equal(number, 4294967295U);
    const char *bad[] = {"", "-1", "+1", "1 ", " 1", "x", "1x", "4294967296", "99999999999999999999999"};
    for (size_t at = 0; at < sizeof(bad) / sizeof(bad[0]); at++)
        assert_int_equal(sip_value_u32(span_of(bad[at]), &number), ERR_SYNTAX);
    assert_int_equal(sip_value_seconds(SPAN("99999999999999999999999"), &number), OK);
    assert_int_equal(number, 4294967295U);
    assert_int_equal(sip_value_seconds(SPAN("60"), &number), OK);
    assert_int_equal(number, 60);
    assert_int_equal(sip_value_seconds(SPAN(""), &number), ERR_SYNTAX);
    assert_int_equal(sip_value_seconds(SPAN("60x"), &number), ERR_SYNTAX);
}

static void cseq_and_rack(void **state)
{
    uint32_t number = 0, rseq = 0;
    struct span method;
    (void)state;
    assert_int_equal(sip_value_cseq(SPAN("123456  CHICKEN"), &number, &method), OK);
    assert_int_equal(number, 123456);
    assert_span(method, "CHICKEN");
    assert_int_equal(sip_value_cseq(SPAN("0009\r\n  INVITE"), &number, &method), OK);
    const char *bad[] = {"", "1", "1 ", "1INVITE", "INVITE 1", "1 INVITE x", "4294967296 A", "1 (", "1\r\nINVITE"};
    for (size_t at = 0; at < sizeof(bad) / sizeof(bad[0]); at++) {
        assert_int_equal(sip_value_cseq(span_of(bad[at]), &number, &method), ERR_SYNTAX);
        assert_int_equal(sip_value_rack(span_of(bad[at]), &rseq, &number, &method), ERR_SYNTAX);
    }
    assert_int_equal(sip_value_rack(SPAN("776656 1 INVITE"), &rseq, &number, &method), OK);
    assert_int_equal(rseq, 776656);
    assert_int_equal(number, 1);
    assert_span(method, "INVITE");
    assert_int_equal(sip_value_rack(SPAN("4294967296 1 INVITE"), &rseq, &number, &method), ERR_SYNTAX);
}

static void tokens_with_parameters(void **state)
{
    struct sip_value value;
    uint32_t seconds = 0;
    struct span refresher;
    (void)state;
    assert_int_equal(sip_value_token(SPAN("SIP  ; cause = 488 ; text = \"Wrong SDP\""), &value), OK);
    assert_span(value.token, "SIP");
    assert_span(sip_param_value(value.params, SPAN("cause")), "488");
    assert_span(sip_param_value(value.params, SPAN("text")), "Wrong SDP");
    assert_int_equal(sip_value_token(SPAN("Presence"), &value), OK);
    assert_int_equal(value.params.len, 0);
    assert_int_equal(sip_value_token(SPAN(""), &value), ERR_SYNTAX);
    assert_int_equal(sip_value_token(SPAN("a b"), &value), ERR_SYNTAX);
    assert_int_equal(sip_value_token(SPAN("a;"), &value), ERR_SYNTAX);
    assert_int_equal(sip_value_session_expires(SPAN("210  ;   refresher  =  UAS ; foo  =  bar"), &seconds, &refresher),
                     OK);
    assert_int_equal(seconds, 210);
    assert_span(refresher, "UAS");
    assert_int_equal(sip_value_session_expires(SPAN("90"), &seconds, &refresher), OK);
    assert_null(refresher.at);
    assert_int_equal(sip_value_session_expires(SPAN("x"), &seconds, &refresher), ERR_SYNTAX);
    assert_int_equal(sip_value_session_expires(SPAN(""), &seconds, &refresher), ERR_SYNTAX);
}

static void media_types(void **state)
{
    struct sip_media_type media;
    (void)state;
    assert_int_equal(sip_value_media_type(SPAN("Application / SDP ; charset=\"x\""), &media), OK);
    assert_true(sip_media_type_is(&media, SPAN("application"), SPAN("sdp")));
    assert_false(sip_media_type_is(&media, SPAN("application"), SPAN("sd")));
    assert_false(sip_media_type_is(&media, SPAN("text"), SPAN("sdp")));
    assert_span(sip_param_value(media.params, SPAN("charset")), "x");
    const char *bad[] = {"", "text", "text/", "/plain", "text plain", "text/plain x", "text/plain;"};
    for (size_t at = 0; at < sizeof(bad) / sizeof(bad[0]); at++)
        assert_int_equal(sip_value_media_type(span_of(bad[at]), &media), ERR_SYNTAX);
    assert_int_equal(sip_value_media_type((struct span){NULL, 0}, &media), ERR_SYNTAX);
}

static bool accepts(const char *fields, const char *type, const char *subtype)
{
    static struct sip_message message;
    char text[512];
    struct sip_problem problem;
    int len = snprintf(text, sizeof(text),
                       "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: sip:a\r\nTo: sip:b\r\nCall-ID: x\r\n"
                       "CSeq: 1 OPTIONS\r\n%s\r\n",
                       fields);
    assert_int_equal(sip_message_parse(&message, span_make(text, (size_t)len), SIP_DATAGRAM, &problem), OK);
    return sip_value_accepts(&message, span_of(type), span_of(subtype));
}

static void accept_is_weighed(void **state)
{
    (void)state;
    assert_true(accepts("", "application", "sdp"));
    assert_false(accepts("", "text", "plain"));
    assert_false(accepts("", "application", "json"));
    assert_false(accepts("Accept:\r\n", "application", "sdp"));
    assert_true(accepts("Accept: text/plain, application/sdp\r\n", "application", "sdp"));
    assert_true(accepts("Accept: text/plain\r\nAccept: */*\r\n", "application", "sdp"));
    assert_true(accepts("Accept: application/*;q=0.1\r\n", "application", "sdp"));
    assert_false(accepts("Accept: text/nobodyKnowsThis\r\n", "application", "sdp"));
    assert_false(accepts("Accept: */*, application/sdp;q=0\r\n", "application", "sdp"));
    assert_false(accepts("Accept: application/sdp;q=0.0, application/*\r\n", "application", "sdp"));
    assert_false(accepts("Accept: */sdp, nonsense, application/sdp;q=x\r\n", "application", "sdp"));
}

static void replaces_and_q(void **state)
{
    struct sip_replaces replaces;
    unsigned q = 0;
    (void)state;
    assert_int_equal(sip_value_replaces(SPAN("5t2gpbrbi72v79p1i8mr ;to-tag=03aq91cl9n;from-tag=kun98clbf7"), &replaces),
                     OK);
    assert_span(replaces.call_id, "5t2gpbrbi72v79p1i8mr");
    assert_span(replaces.to_tag, "03aq91cl9n");
    assert_span(replaces.from_tag, "kun98clbf7");
    assert_false(replaces.early_only);
    assert_int_equal(sip_value_replaces(SPAN("x;to-tag=1;from-tag=2;early-only"), &replaces), OK);
    assert_true(replaces.early_only);
    const char *bad[] = {
        "", "x", ";to-tag=1;from-tag=2", "x y;to-tag=1;from-tag=2", "x;to-tag=1", "x;from-tag=2", "x;to-tag=1;;"};
    for (size_t at = 0; at < sizeof(bad) / sizeof(bad[0]); at++)
        assert_int_equal(sip_value_replaces(span_of(bad[at]), &replaces), ERR_SYNTAX);
    const struct {
        const char *text;
        int want;
    } rows[] = {{"", 1000},    {"1", 1000}, {"0", 0},   {"0.5", 500},   {"0.", 0},   {"0.123", 123}, {"1.000", 1000},
                {"1.001", -1}, {"2", -1},   {".5", -1}, {"0.1234", -1}, {"0,5", -1}, {"0.x", -1}};
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        assert_int_equal(sip_value_q(span_of(rows[row].text), &q), rows[row].want < 0 ? ERR_SYNTAX : OK);
        if (rows[row].want >= 0)
            assert_int_equal(q, rows[row].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),     cmocka_unit_test(cseq_and_rack),     cmocka_unit_test(tokens_with_parameters),
        cmocka_unit_test(media_types), cmocka_unit_test(accept_is_weighed), cmocka_unit_test(replaces_and_q),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
