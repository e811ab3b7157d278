/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cmocka_all.h"

#include "sip/sip_address.h"
#include "sip/sip_multipart.h"
#include "sip/sip_reply.h"
#include "support/failing_malloc.h"
#include "support/span_guard.h"

#include <stdio.h>

static const char request[] = "INVITE sip:bob@example.com SIP/2.0\r\n"
                              "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
                              "From: <sip:alice@example.org>;tag=1\r\n"
                              "To: <sip:bob@example.com>\r\n"
                              "Call-ID: x@y\r\n"
                              "CSeq: 1 INVITE\r\n"
                              "Supported: timer, 100rel\r\n"
                              "X-One: 1\r\n"
                              "k: Path\r\n"
                              "x-two: 2\r\n"
                              "x-ONE: 3\r\n"
                              "Contact: <sip:alice@192.0.2.1>\r\n"
                              "Content-Length: 4\r\n"
                              "\r\n"
                              "body";

static struct sip_message message;

static void parse_request(void)
{
    struct sip_problem problem;
    assert_int_equal(sip_message_parse(&message, span_of(request), SIP_STREAM, &problem), OK);
}

static void fields_are_found(void **state)
{
    (void)state;
    parse_request();
    assert_span(sip_message_value(&message, SIP_HEADER_SUPPORTED), "timer, 100rel");
    assert_null(sip_message_value(&message, SIP_HEADER_REQUIRE).at);
    assert_false(sip_message_has(&message, SIP_HEADER_REQUIRE));
    const struct sip_header *header = sip_message_find(&message, SPAN("SUPPORTED"), NULL);
    header = sip_message_find(&message, SPAN("k"), header);
    assert_span(header->value, "Path");
    assert_null(sip_message_find(&message, SPAN("supported"), header));
    header = sip_message_find(&message, SPAN("X-one"), NULL);
    assert_span(header->value, "1");
    header = sip_message_find(&message, SPAN("X-one"), header);
    assert_span(header->value, "3");
    assert_null(sip_message_find(&message, SPAN("X-one"), header));
    assert_null(sip_message_find(&message, SPAN("X-Three"), NULL));
    assert_true(sip_message_has_token(&message, SIP_HEADER_SUPPORTED, SPAN("100REL")));
    assert_true(sip_message_has_token(&message, SIP_HEADER_SUPPORTED, SPAN("path")));
    assert_false(sip_message_has_token(&message, SIP_HEADER_SUPPORTED, SPAN("rel")));
    assert_false(sip_message_has_token(&message, SIP_HEADER_REQUIRE, SPAN("rel")));
    assert_span(message.contact.uri.user, "alice");
    assert_span(message.body, "body");
    assert_true(message.answerable && message.has_content_length);
    assert_int_equal(message.max_forwards, -1);
}

/* Nothing of the message before is left in the struct. */
static void the_struct_is_reusable(void **state)
{
    struct sip_problem problem;
    (void)state;
    parse_request();
    assert_int_equal(sip_message_parse(&message, SPAN("BYE x"), SIP_DATAGRAM, &problem), ERR_INVALID);
    assert_int_equal(problem.code, 0);
    assert_int_equal(message.header_count, 0);
    assert_null(message.contact.text.at);
    assert_null(message.to.tag.at);
    assert_false(message.answerable);
    for (int id = 0; id < SIP_HEADER_COUNT; id++)
        assert_false(sip_message_has(&message, (enum sip_header_id)id));
}

/* Whatever is cut off a message, or flipped in it, the parser reads no byte beside it, and a refusal has its reason. */
static void check_any(void *ctx, struct span input)
{
    struct sip_problem problem = {0};
    (void)ctx;
    for (int framing = SIP_DATAGRAM; framing <= SIP_STREAM; framing++) {
        enum err err = sip_message_parse(&message, input, (enum sip_framing)framing, &problem);
        assert_true(err == OK || (problem.reason && problem.where && problem.offset <= input.len));
    }
    struct span call_id = sip_call_id_scan(input);
    assert_true(call_id.len <= input.len);
}

static void every_prefix_is_survived(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof(request); len++)
        guard_both(span_make(request, len), check_any, NULL);
}

static void every_flipped_byte_is_survived(void **state)
{
    (void)state;
    const char flips[] = {'\0', '\r', '\n', ' ', '"', '<', ',', ';', '%', ':', '\x7f', '\xff'};
    for (size_t at = 0; at + 1 < sizeof(request); at++)
        for (size_t flip = 0; flip < sizeof(flips); flip++) {
            char text[sizeof(request)];
            memcpy(text, request, sizeof(request));
            text[at] = flips[flip];
            check_any(NULL, span_make(text, sizeof(request) - 1));
        }
}

/* Line ends at every distance to the 64-byte blocks that are judged at once. */
static void blocks_do_not_matter(void **state)
{
    (void)state;
    for (size_t pad = 0; pad < 140; pad++) {
        char text[1024];
        struct sip_problem problem;
        int len =
            snprintf(text, sizeof(text), "INVITE sip:%0*d@h SIP/2.0\r\n%s", (int)pad + 1, 1, strstr(request, "Via"));
        assert_int_equal(sip_message_parse(&message, span_make(text, (size_t)len), SIP_STREAM, &problem), OK);
        assert_int_equal(message.header_count, 12);
        assert_span(message.call_id, "x@y");
        assert_span(message.body, "body");
    }
}

static void problems_become_reason_phrases(void **state)
{
    char text[128];
    struct buffer out = buffer_over(text, sizeof(text));
    struct sip_problem problem = {0};
    (void)state;
    assert_int_equal(sip_message_parse(&message,
                                       SPAN("INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: sip:a\r\n"
                                            "To: \"x\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n"),
                                       SIP_DATAGRAM, &problem),
                     ERR_SYNTAX);
    sip_problem_add(&out, &problem);
    assert_span(buffer_span(&out), "To: a quoted string is not closed");
    assert_int_equal(problem.offset, 59);
}

static void addresses_of_all_fields_are_walked(void **state)
{
    struct sip_problem problem;
    struct sip_address address;
    (void)state;
    assert_int_equal(sip_message_parse(&message,
                                       SPAN("INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: sip:a\r\nTo: sip:b\r\n"
                                            "Call-ID: x\r\nCSeq: 1 INVITE\r\nRoute: <sip:1;lr>,<sip:a;lr>\r\n"
                                            "P-Asserted-Identity: \"broken\r\nRoute: <sip:b;lr>\r\n\r\n"),
                                       SIP_DATAGRAM, &problem),
                     ERR_SYNTAX); /* sip:1 is no host */
    assert_int_equal(sip_message_parse(&message,
                                       SPAN("INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: sip:a\r\nTo: sip:b\r\n"
                                            "Call-ID: x\r\nCSeq: 1 INVITE\r\nRoute: <sip:r1;lr>,<sip:r2;lr>\r\n"
                                            "P-Asserted-Identity: \"broken\r\nRoute: <sip:r3;lr>\r\n\r\n"),
                                       SIP_DATAGRAM, &problem),
                     OK);
    struct sip_address_walk walk = sip_address_walk_begin(&message, SIP_HEADER_ROUTE);
    const char *want[] = {"r1", "r2", "r3"};
    for (size_t at = 0; at < 3; at++) {
        assert_int_equal(sip_address_walk_next(&walk, &address), OK);
        assert_span(address.uri.host, want[at]);
    }
    assert_int_equal(sip_address_walk_next(&walk, &address), ERR_NOT_FOUND);
    walk = sip_address_walk_begin(&message, SIP_HEADER_P_ASSERTED_IDENTITY);
    assert_int_equal(sip_address_walk_next(&walk, &address), ERR_SYNTAX);
    walk = sip_address_walk_begin(&message, SIP_HEADER_PATH);
    assert_int_equal(sip_address_walk_next(&walk, &address), ERR_NOT_FOUND);
}

/* There is no allocation point on the way of a request: with every allocation failing, nothing does. */
static void nothing_is_allocated(void **state)
{
    char bytes[2048];
    struct buffer out = buffer_over(bytes, sizeof(bytes));
    const struct sip_reply_via via = {.received = SPAN("192.0.2.9"), .rport = 1};
    struct span sdp;
    (void)state;
    failing_malloc_at(1);
    parse_request();
    sip_reply_begin(&out, &message, 410, SPAN(""), &via, SPAN("t"));
    sip_reply_end(&out, SPAN(""), SPAN(""));
    enum err err = sip_multipart_sdp(&message, &sdp);
    bool failed = failing_malloc_off();
    assert_false(failed);
    assert_int_equal(err, ERR_NOT_FOUND);
    assert_false(out.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_found),
        cmocka_unit_test(the_struct_is_reusable),
        cmocka_unit_test(every_prefix_is_survived),
        cmocka_unit_test(every_flipped_byte_is_survived),
        cmocka_unit_test(blocks_do_not_matter),
        cmocka_unit_test(problems_become_reason_phrases),
        cmocka_unit_test(addresses_of_all_fields_are_walked),
        cmocka_unit_test(nothing_is_allocated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
