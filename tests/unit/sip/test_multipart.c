/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cmocka_all.h"

#include "sip/sip_multipart.h"
#include "support/span_guard.h"

#include <stdio.h>

static const char two_parts[] = "preamble\r\n--b1\r\nContent-Type: text/plain\r\nContent-ID:\r\n <x@y>\r\n\r\nhello\r\n"
                                "--b1 \t\r\nc: application/sdp\r\nContent-Disposition : session\r\nX-Other: z\r\n\r\n"
                                "v=0\r\n\r\n--b1--\r\nepilogue";

static void check_two_parts(void *ctx, struct span input)
{
    struct sip_multipart walk;
    struct sip_part part;
    (void)ctx;
    assert_int_equal(sip_multipart_begin(input, SPAN("multipart/mixed; boundary=\"b1\""), &walk), OK);
    assert_int_equal(sip_multipart_next(&walk, &part), OK);
    assert_span(part.content_type, "text/plain");
    assert_span(part.content_id, "<x@y>");
    assert_span(part.body, "hello");
    assert_int_equal(sip_multipart_next(&walk, &part), OK);
    assert_span(part.content_type, "application/sdp");
    assert_span(part.disposition, "session");
    assert_span(part.body, "v=0\r\n");
    assert_int_equal(sip_multipart_next(&walk, &part), ERR_NOT_FOUND);
    assert_true(walk.closed);
}

static void parts_are_walked(void **state)
{
    (void)state;
    guard_both(span_of(two_parts), check_two_parts, NULL);
}

static void bodies_that_are_none(void **state)
{
    struct sip_multipart walk;
    (void)state;
    const struct {
        const char *body, *type;
        enum err err;
    } rows[] = {
        {"--b\r\n\r\nx\r\n--b--", "text/plain;boundary=b", ERR_INVALID},
        {"--b\r\n\r\nx\r\n--b--", "multipart", ERR_INVALID},
        {"--b\r\n\r\nx\r\n--b--", "multipart/mixed", ERR_SYNTAX},
        {"--b\r\n\r\nx\r\n--b--", "multipart/mixed;boundary=\"\"", ERR_SYNTAX},
        {"", "multipart/mixed;boundary=b", ERR_SYNTAX},
        {"no delimiter", "multipart/mixed;boundary=b", ERR_SYNTAX},
        {"--bx\r\n\r\n", "multipart/mixed;boundary=b", ERR_SYNTAX},
        {"x--b\r\n\r\n", "multipart/mixed;boundary=b", ERR_SYNTAX},
        {"-b\r\n", "multipart/mixed;boundary=b", ERR_SYNTAX},
        {"b\r\n", "multipart/mixed;boundary=b", ERR_SYNTAX},
        {"--b", "multipart/mixed;boundary=b", ERR_SYNTAX},
        {"--b\rx", "multipart/mixed;boundary=b", ERR_SYNTAX},
        {"--b--\r\n", "multipart/mixed;boundary=b", ERR_SYNTAX},
        {"--b--", "multipart/mixed;boundary=b", ERR_SYNTAX},
        {"--b\r\n", "multipart/mixed;boundary=1234567890123456789012345678901234567890123456789012345678901234567890x",
         ERR_SYNTAX},
    };
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++)
        assert_int_equal(sip_multipart_begin(span_of(rows[row].body), span_of(rows[row].type), &walk), rows[row].err);
}

static void odd_parts(void **state)
{
    const struct span type = SPAN("multipart/mixed;boundary=b");
    struct sip_multipart walk;
    struct sip_part part;
    (void)state;
    /* no headers at all; bare line feeds; no empty line; the closing delimiter is missing */
    assert_int_equal(
        sip_multipart_begin(SPAN("--b\n\nfirst\n--b\nc: x/y\n\nsecond\n--b\r\nno header\r\n--b\r\n--b\r\nc: z"), type,
                            &walk),
        OK);
    assert_int_equal(sip_multipart_next(&walk, &part), OK);
    assert_span(part.body, "first");
    assert_int_equal(sip_multipart_next(&walk, &part), OK);
    assert_span(part.content_type, "x/y");
    assert_span(part.body, "second");
    assert_int_equal(sip_multipart_next(&walk, &part), OK);
    assert_span(part.body, "no header");
    assert_int_equal(sip_multipart_next(&walk, &part), OK);
    assert_int_equal(part.body.len, 0);
    assert_int_equal(sip_multipart_next(&walk, &part), ERR_SYNTAX);
    /* headers alone; a blank before the colon; a broken line makes all of it body */
    assert_int_equal(
        sip_multipart_begin(SPAN("--b\r\nc : x/y\r\n--b\r\nc: x/y\r\nbroken\r\n\r\nz\r\n--b--"), type, &walk), OK);
    assert_int_equal(sip_multipart_next(&walk, &part), OK);
    assert_span(part.content_type, "x/y");
    assert_int_equal(part.body.len, 0);
    assert_int_equal(sip_multipart_next(&walk, &part), OK);
    assert_null(part.content_type.at);
    assert_span(part.body, "c: x/y\r\nbroken\r\n\r\nz");
}

static void parts_are_capped(void **state)
{
    char text[4096];
    struct buffer out = buffer_over(text, sizeof(text));
    struct sip_multipart walk;
    struct sip_part part;
    (void)state;
    for (int at = 0; at <= SIP_MULTIPART_PARTS_MAX + 1; at++)
        buffer_add_text(&out, "--b\r\n\r\nx\r\n");
    assert_int_equal(sip_multipart_begin(buffer_span(&out), SPAN("multipart/mixed;boundary=b"), &walk), OK);
    for (int at = 0; at < SIP_MULTIPART_PARTS_MAX; at++)
        assert_int_equal(sip_multipart_next(&walk, &part), OK);
    assert_int_equal(sip_multipart_next(&walk, &part), ERR_FULL);
}

static enum err find(const char *type, const char *body, struct span *out_sdp)
{
    static struct sip_message message;
    static char text[4096];
    struct sip_problem problem;
    int len = snprintf(
        text, sizeof(text),
        "INVITE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: sip:a\r\nTo: sip:b\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n"
        "%s%s%s\r\n%s",
        type ? "Content-Type: " : "", type ? type : "", type ? "\r\n" : "", body);
    assert_int_equal(sip_message_parse(&message, span_make(text, (size_t)len), SIP_DATAGRAM, &problem), OK);
    return sip_multipart_sdp(&message, out_sdp);
}

static void the_session_description_is_found(void **state)
{
    struct span sdp;
    (void)state;
    assert_int_equal(find("application/sdp", "v=0", &sdp), OK);
    assert_span(sdp, "v=0");
    assert_int_equal(find("multipart/mixed;boundary=b1", two_parts, &sdp), OK);
    assert_span(sdp, "v=0\r\n");
    assert_int_equal(find("multipart/related;boundary=o",
                          "--o\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n--i\r\n\r\nx\r\n--i\r\n"
                          "Content-Type: application/sdp\r\n\r\nv=1\r\n--i--\r\n--o--",
                          &sdp),
                     OK);
    assert_span(sdp, "v=1");
    assert_int_equal(find("text/plain", "v=0", &sdp), ERR_NOT_FOUND);
    assert_int_equal(find("application/sdp", "", &sdp), ERR_NOT_FOUND);
    assert_int_equal(find(NULL, "v=0", &sdp), ERR_NOT_FOUND);
    assert_int_equal(find("nonsense", "v=0", &sdp), ERR_NOT_FOUND);
    assert_int_equal(find("multipart/mixed;boundary=b", "--b\r\n\r\nx\r\n--b--", &sdp), ERR_NOT_FOUND);
    assert_int_equal(find("multipart/mixed;boundary=b", "--b\r\n\r\nx", &sdp), ERR_SYNTAX);
    assert_int_equal(find("multipart/mixed", "--b\r\n\r\nx", &sdp), ERR_SYNTAX);
}

static void nesting_is_capped(void **state)
{
    char text[2048] = "v=0", inner[2048];
    struct span sdp;
    (void)state;
    const char *type = "application/sdp";
    static char types[8][64];
    for (int depth = 0; depth < 6; depth++) {
        snprintf(inner, sizeof(inner), "--d%d\r\nContent-Type: %s\r\n\r\n%.1500s\r\n--d%d--\r\n", depth, type, text,
                 depth);
        snprintf(types[depth], sizeof(types[depth]), "multipart/mixed;boundary=d%d", depth);
        type = types[depth];
        memcpy(text, inner, sizeof(text));
        assert_int_equal(find(type, text, &sdp), depth < SIP_MULTIPART_DEPTH_MAX ? OK : ERR_NOT_FOUND);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_walked),
        cmocka_unit_test(bodies_that_are_none),
        cmocka_unit_test(odd_parts),
        cmocka_unit_test(parts_are_capped),
        cmocka_unit_test(the_session_description_is_found),
        cmocka_unit_test(nesting_is_capped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
