/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cmocka_all.h"

#include "sip/sip_reply.h"
#include "sip/sip_request.h"
#include "support/span_guard.h"

#include <stdio.h>

static struct sip_message message;
static char bytes[4096];

static void parse(const char *via, const char *more)
{
    static char text[2048];
    struct sip_problem problem;
    int len = snprintf(
        text, sizeof(text),
        "INVITE sip:b SIP/2.0\r\n%s\r\nFrom: sip:a;tag=1\r\nTo: sip:b\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n%s\r\n", via,
        more);
    assert_int_equal(sip_message_parse(&message, span_make(text, (size_t)len), SIP_DATAGRAM, &problem), OK);
}

/* The Via lines of an answer. */
static struct span answered_vias(const char *via, struct span received, uint16_t rport)
{
    const struct sip_reply_via sent = {received, rport};
    struct buffer out = buffer_over(bytes, sizeof(bytes));
    parse(via, "");
    sip_reply_begin(&out, &message, 200, SPAN(""), &sent, SPAN("t"));
    assert_false(out.overflow);
    const char *from = strstr(bytes, "Via: ");
    const char *to = strstr(bytes, "From: ");
    return span_make(from, (size_t)(to - from));
}

static void the_top_via_is_completed(void **state)
{
    const struct span ip = SPAN("192.0.2.9"), none = SPAN("");
    (void)state;
    assert_span(answered_vias("Via: SIP/2.0/UDP h;rport;branch=x", ip, 99),
                "Via: SIP/2.0/UDP h;rport=99;branch=x;received=192.0.2.9\r\n");
    assert_span(answered_vias("Via: SIP/2.0/UDP h;branch=x", ip, 99),
                "Via: SIP/2.0/UDP h;branch=x;received=192.0.2.9\r\n");
    assert_span(answered_vias("Via: SIP/2.0/UDP h;branch=x", none, 99), "Via: SIP/2.0/UDP h;branch=x\r\n");
    assert_span(answered_vias("Via: SIP/2.0/UDP h;rport;branch=x", none, 0), "Via: SIP/2.0/UDP h;rport;branch=x\r\n");
    assert_span(answered_vias("Via: SIP/2.0/UDP h;rport=7;x;received=1.1.1.1", ip, 99),
                "Via: SIP/2.0/UDP h;rport=99;x;received=192.0.2.9\r\n");
    assert_span(answered_vias("Via: SIP/2.0/UDP h;received=1.1.1.1;x;rport", ip, 99),
                "Via: SIP/2.0/UDP h;received=192.0.2.9;x;rport=99\r\n");
    assert_span(answered_vias("Via: SIP/2.0/UDP h;received=1.1.1.1", none, 0),
                "Via: SIP/2.0/UDP h;received=1.1.1.1\r\n");
    assert_span(answered_vias("v: SIP/2.0/UDP h;rport, SIP/2.0/TCP i;rport\r\nVia: SIP/2.0/TLS j", ip, 99),
                "Via: SIP/2.0/UDP h;rport=99;received=192.0.2.9, SIP/2.0/TCP i;rport\r\nVia: SIP/2.0/TLS j\r\n");
}

static void without_a_source_the_via_stays(void **state)
{
    struct buffer out = buffer_over(bytes, sizeof(bytes));
    (void)state;
    parse("Via: SIP/2.0/UDP h;rport", "");
    sip_reply_begin(&out, &message, 699, SPAN("Own Words"), NULL, SPAN(""));
    sip_reply_end(&out, SPAN("text/plain"), SPAN("body"));
    assert_span(buffer_span(&out),
                "SIP/2.0 699 Own Words\r\nVia: SIP/2.0/UDP h;rport\r\nFrom: sip:a;tag=1\r\nTo: sip:b\r\n"
                "Call-ID: x\r\nCSeq: 1 INVITE\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nbody");
}

static void fields_are_copied_and_added(void **state)
{
    struct buffer out = buffer_over(bytes, sizeof(bytes));
    (void)state;
    parse("Via: SIP/2.0/UDP h",
          "record-route: <sip:r1;lr>,\r\n <sip:r2;lr>\r\nX-A: 1\r\nRecord-Route: <sip:r3;lr>\r\nX-b: 2\r\n");
    sip_reply_copy(&out, &message, SIP_HEADER_RECORD_ROUTE);
    sip_reply_copy(&out, &message, SIP_HEADER_OTHER);
    sip_reply_copy(&out, &message, SIP_HEADER_PATH);
    sip_reply_header(&out, SPAN("Reason"), SPAN("Q.850;cause=22"));
    sip_reply_header_u64(&out, SPAN("Expires"), 0);
    sip_reply_header_u64(&out, SPAN("Expires"), 18446744073709551615U);
    assert_span(buffer_span(&out),
                "Record-Route: <sip:r1;lr>, <sip:r2;lr>\r\nRecord-Route: <sip:r3;lr>\r\nX-A: 1\r\nX-b: 2\r\n"
                "Reason: Q.850;cause=22\r\nExpires: 0\r\nExpires: 18446744073709551615\r\n");
}

/* No control byte from anywhere gets out. */
static void injections_overflow(void **state)
{
    const struct span bad[] = {SPAN("a\r\nVia: x"), SPAN("a\nb"), SPAN("a\rb"), SPAN("a\0b"), SPAN("a\x7f")};
    const struct sip_reply_via none = {.rport = 0};
    (void)state;
    parse("Via: SIP/2.0/UDP h", "");
    for (size_t at = 0; at < sizeof(bad) / sizeof(bad[0]); at++) {
        const struct sip_reply_via via = {.received = bad[at]};
        struct buffer out = buffer_over(bytes, sizeof(bytes));
        sip_reply_header(&out, SPAN("X"), bad[at]);
        assert_true(out.overflow);
        buffer_clear(&out);
        sip_reply_begin(&out, &message, 200, bad[at], &none, SPAN("t"));
        assert_true(out.overflow);
        buffer_clear(&out);
        sip_reply_begin(&out, &message, 200, SPAN(""), &none, bad[at]);
        assert_true(out.overflow);
        buffer_clear(&out);
        sip_reply_begin(&out, &message, 200, SPAN(""), &via, SPAN("t"));
        assert_true(out.overflow);
        buffer_clear(&out);
        sip_reply_end(&out, bad[at], SPAN("x"));
        assert_true(out.overflow);
    }
    const struct span names[] = {SPAN(""), SPAN("a b"), SPAN("a:"), SPAN("a\r\n")};
    for (size_t at = 0; at < sizeof(names) / sizeof(names[0]); at++) {
        struct buffer out = buffer_over(bytes, sizeof(bytes));
        sip_reply_header(&out, names[at], SPAN("x"));
        assert_true(out.overflow);
    }
}

static void small_buffers_overflow(void **state)
{
    const struct sip_reply_via via = {.received = SPAN("192.0.2.9"), .rport = 1};
    struct buffer whole = buffer_over(bytes, sizeof(bytes));
    (void)state;
    parse("Via: SIP/2.0/UDP h;rport", "Timestamp: 1\r\n");
    sip_reply_begin(&whole, &message, 100, SPAN(""), &via, SPAN("t"));
    sip_reply_end(&whole, SPAN(""), SPAN(""));
    for (size_t cap = 0; cap < whole.len; cap++) {
        char small[512];
        struct buffer out = buffer_over(small, cap);
        sip_reply_begin(&out, &message, 100, SPAN(""), &via, SPAN("t"));
        sip_reply_end(&out, SPAN(""), SPAN(""));
        assert_true(out.overflow);
    }
}

static void phrases(void **state)
{
    (void)state;
    assert_span(sip_reply_phrase(100), "Trying");
    assert_span(sip_reply_phrase(410), "Gone");
    assert_span(sip_reply_phrase(608), "Rejected");
    const struct {
        unsigned code;
        const char *text;
    } rows[] = {{99, "Unknown"},       {199, "Early Dialog Terminated"},
                {198, "Progress"},     {299, "Success"},
                {399, "Redirection"},  {499, "Client Error"},
                {599, "Server Error"}, {699, "Global Failure"},
                {700, "Unknown"}};
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++)
        assert_span(sip_reply_phrase(rows[row].code), rows[row].text);
    for (unsigned code = 0; code < 800; code++)
        assert_true(sip_reply_phrase(code).len > 0);
}

static struct sip_request bye(void)
{
    return (struct sip_request){.method = SPAN("BYE"),
                                .target = SPAN("sip:a@192.0.2.1"),
                                .via_transport = SPAN("UDP"),
                                .via_host = SPAN("192.0.2.2"),
                                .branch = SPAN("z9hG4bK1"),
                                .from = SPAN("<sip:b>;tag=2"),
                                .to = SPAN("<sip:a>;tag=1"),
                                .call_id = SPAN("x"),
                                .cseq = 7};
}

static void requests_follow_loose_routes(void **state)
{
    struct buffer out = buffer_over(bytes, sizeof(bytes));
    const struct span routes[] = {SPAN("<sip:r1;lr>"), SPAN("<sip:r2>")};
    struct sip_request request = bye();
    (void)state;
    assert_span(sip_request_next_hop(&request), "sip:a@192.0.2.1");
    request.routes = routes;
    request.route_count = 2;
    request.via_port = 5062;
    request.via_rport = true;
    request.max_forwards = 5;
    sip_request_begin(&out, &request);
    sip_request_header(&out, SPAN("Reason"), SPAN("SIP;cause=408"));
    sip_request_end(&out, SPAN(""), SPAN(""));
    assert_span(
        buffer_span(&out),
        "BYE sip:a@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2:5062;rport;branch=z9hG4bK1\r\nMax-Forwards: 5\r\n"
        "Route: <sip:r1;lr>\r\nRoute: <sip:r2>\r\nFrom: <sip:b>;tag=2\r\nTo: <sip:a>;tag=1\r\nCall-ID: x\r\n"
        "CSeq: 7 BYE\r\nReason: SIP;cause=408\r\nContent-Length: 0\r\n\r\n");
    assert_span(sip_request_next_hop(&request), "sip:r1;lr");
}

/* RFC 3261 12.2.1.1: the strict router's URI goes into the request line, the target becomes the last Route. */
static void requests_follow_strict_routes(void **state)
{
    struct buffer out = buffer_over(bytes, sizeof(bytes));
    const struct span routes[] = {SPAN("Proxy <sip:r1;method=INVITE;x;y=z?h=v>"), SPAN("<sip:r2;lr>")};
    struct sip_request request = bye();
    (void)state;
    request.routes = routes;
    request.route_count = 2;
    sip_request_begin(&out, &request);
    assert_span(span_slice(buffer_span(&out), 0, 24), "BYE sip:r1;x;y=z SIP/2.0");
    assert_non_null(strstr(bytes, "Route: <sip:r2;lr>\r\nRoute: <sip:a@192.0.2.1>\r\nFrom"));
    assert_span(sip_request_next_hop(&request), "sip:r1;method=INVITE;x;y=z?h=v");
}

static void targets_lose_what_no_request_line_holds(void **state)
{
    const struct {
        const char *target, *line;
    } rows[] = {{"sip:a@h?Route=x", "BYE sip:a@h SIP/2.0\r\n"},
                {"sip:a@h;transport=tcp;method=BYE?x=y", "BYE sip:a@h;transport=tcp SIP/2.0\r\n"},
                {"tel:+1;ext=2", "BYE tel:+1;ext=2 SIP/2.0\r\n"},
                {"odd", "BYE odd SIP/2.0\r\n"}};
    (void)state;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        struct buffer out = buffer_over(bytes, sizeof(bytes));
        struct sip_request request = bye();
        request.target = span_of(rows[row].target);
        sip_request_begin(&out, &request);
        assert_true(span_starts_with(buffer_span(&out), span_of(rows[row].line)));
    }
}

static void bad_requests_overflow(void **state)
{
    const struct span many[SIP_REQUEST_ROUTES_MAX + 1] = {SPAN("x")};
    const struct span star = SPAN("*");
    (void)state;
    for (int which = 0; which < 8; which++) {
        struct buffer out = buffer_over(bytes, sizeof(bytes));
        struct sip_request request = bye();
        const struct span injected = SPAN("x\r\nVia: y");
        if (which == 0)
            request.method = SPAN("");
        if (which == 1)
            request.method = SPAN("B YE");
        if (which == 2)
            request.target = SPAN("");
        if (which == 3)
            request.target = SPAN("sip:a b");
        if (which == 4)
            request.via_host = injected;
        if (which == 5)
            request.call_id = injected;
        if (which == 6)
            request.branch = injected;
        if (which == 7) {
            request.routes = many;
            request.route_count = SIP_REQUEST_ROUTES_MAX + 1;
        }
        sip_request_begin(&out, &request);
        assert_true(out.overflow);
    }
    struct sip_request request = bye();
    request.routes = &star;
    request.route_count = 1;
    assert_span(sip_request_next_hop(&request), "sip:a@192.0.2.1");
    for (size_t cap = 0; cap < 160; cap += 3) {
        struct buffer out = buffer_over(bytes, cap);
        sip_request_begin(&out, &request);
        sip_request_end(&out, SPAN(""), SPAN(""));
        assert_true(out.overflow);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_top_via_is_completed),
        cmocka_unit_test(without_a_source_the_via_stays),
        cmocka_unit_test(fields_are_copied_and_added),
        cmocka_unit_test(injections_overflow),
        cmocka_unit_test(small_buffers_overflow),
        cmocka_unit_test(phrases),
        cmocka_unit_test(requests_follow_loose_routes),
        cmocka_unit_test(requests_follow_strict_routes),
        cmocka_unit_test(targets_lose_what_no_request_line_holds),
        cmocka_unit_test(bad_requests_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
