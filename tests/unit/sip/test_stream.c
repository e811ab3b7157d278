/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cmocka_all.h"

#include "sip/sip_stream.h"
#include "support/span_guard.h"

#define HEAD "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP h\r\n"

struct expectation {
    const char *text;
    size_t text_len;
    int kind;
    size_t len;
    int code;
};

#define ROW(text, kind, len, code)                                                                                     \
    {                                                                                                                  \
        text, sizeof(text) - 1, kind, len, code                                                                        \
    }

static void check_frame(void *ctx, struct span input)
{
    const struct expectation *want = ctx;
    struct sip_stream_state state = {0};
    struct sip_stream_frame frame = sip_stream_frame(&state, input, 200);
    if ((int)frame.kind != want->kind || frame.len != want->len || frame.problem.code != want->code)
        fail_msg("%s: kind %d len %zu code %d", want->text, (int)frame.kind, frame.len, frame.problem.code);
    assert_true((frame.kind == SIP_STREAM_ERROR) == (frame.problem.reason != NULL));
}

static void frames_are_told_apart(void **state)
{
    struct expectation rows[] = {
        ROW("", SIP_STREAM_MORE, 0, 0),
        ROW("\r", SIP_STREAM_MORE, 0, 0),
        ROW("\r\n", SIP_STREAM_MORE, 0, 0),
        ROW("\r\n\r", SIP_STREAM_MORE, 0, 0),
        ROW("\r\n\r\n", SIP_STREAM_PING, 4, 0),
        ROW("\r\n\r\n\r\n", SIP_STREAM_PING, 4, 0),
        ROW("\r\nO", SIP_STREAM_SKIP, 2, 0),
        ROW("\r\n\rx", SIP_STREAM_SKIP, 2, 0),
        ROW("\rx", SIP_STREAM_ERROR, 2, 0),
        ROW("\n", SIP_STREAM_ERROR, 1, 0),
        ROW("\x16\x03\x01", SIP_STREAM_ERROR, 3, 0),
        ROW("O", SIP_STREAM_MORE, 0, 0),
        ROW(HEAD "l: 0\r\n\r", SIP_STREAM_MORE, 0, 0),
        ROW(HEAD "l: 0\r\n\r\n", SIP_STREAM_MESSAGE, 51, 0),
        ROW(HEAD "l: 0\r\n\r\nOPTIONS", SIP_STREAM_MESSAGE, 51, 0),
        ROW(HEAD "Content-Length \t:\r\n 3\r\n\r\nab", SIP_STREAM_MORE, 0, 0),
        ROW(HEAD "Content-Length \t:\r\n 3\r\n\r\nabc", SIP_STREAM_MESSAGE, 71, 0),
        ROW(HEAD "Content-Length: 3\r\nl: 3\r\n\r\nabcd", SIP_STREAM_MESSAGE, 73, 0),
        ROW(HEAD "\r\n", SIP_STREAM_ERROR, 45, 400),
        ROW("OPTIONS sip:a SIP/2.0\r\n\r\n", SIP_STREAM_ERROR, 25, 400),
        ROW(HEAD "l: 3\r\nl: 4\r\n\r\nabc", SIP_STREAM_ERROR, 57, 400),
        ROW(HEAD "l: five\r\n\r\n", SIP_STREAM_ERROR, 54, 400),
        ROW(HEAD "l:\r\n\r\n", SIP_STREAM_ERROR, 49, 400),
        ROW(HEAD "l: 3\r\n 4\r\n\r\nabc", SIP_STREAM_ERROR, 55, 400),
        ROW(HEAD "X: l: 0\r\n\r\n", SIP_STREAM_ERROR, 54, 400),
        ROW(HEAD "X: y\r\n l: 0\r\n\r\n", SIP_STREAM_ERROR, 58, 400),
        ROW(HEAD "ll: 0\r\n\r\n", SIP_STREAM_ERROR, 52, 400),
        ROW(HEAD "l: 148\r\n\r\n", SIP_STREAM_ERROR, 53, 513),
        ROW(HEAD "l: 147\r\n\r\n", SIP_STREAM_MORE, 0, 0),
        ROW(HEAD "l: 99999999999\r\n\r\n", SIP_STREAM_ERROR, 61, 400),
    };
    (void)state;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++)
        guard_both(span_make(rows[row].text, rows[row].text_len), check_frame, &rows[row]);
}

static void stun_is_framed(void **state)
{
    struct expectation rows[] = {
        ROW("\x00\x01", SIP_STREAM_MORE, 0, 0),
        ROW("\x00\x01\x00\x00\x21\x12\xa4", SIP_STREAM_MORE, 0, 0),
        ROW("\x00\x01\x00\x00\x21\x12\xa4\x42 23456789ab", SIP_STREAM_MORE, 0, 0),
        ROW("\x00\x01\x00\x00\x21\x12\xa4\x42 23456789ab\r", SIP_STREAM_STUN, 20, 0),
        ROW("\x01\x01\x00\x04\x21\x12\xa4\x42 23456789abcABCDmore", SIP_STREAM_STUN, 24, 0),
        ROW("\x00\x01\x00\x00\x21\x12\xa4\x43 23456789abc", SIP_STREAM_ERROR, 20, 0),
        ROW("\x00\x01\x00\x01\x21\x12\xa4\x42 23456789abc", SIP_STREAM_ERROR, 20, 0),
    };
    (void)state;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++)
        guard_both(span_make(rows[row].text, rows[row].text_len), check_frame, &rows[row]);
}

static void too_long_headers_end_the_stream(void **state)
{
    char text[300];
    struct expectation more = {"", 0, SIP_STREAM_MORE, 0, 0}, over = {"", 0, SIP_STREAM_ERROR, 200, 513};
    struct expectation late = {"", 0, SIP_STREAM_ERROR, 250, 513};
    (void)state;
    memset(text, 'a', sizeof(text));
    guard_both(span_make(text, 199), check_frame, &more);
    guard_both(span_make(text, 200), check_frame, &over);
    memcpy(text + 246 - 6, "\r\nl: 0\r\n\r\n", 10);
    guard_both(span_make(text, 250), check_frame, &late);
}

/* However the bytes trickle in, the same frames come out. */
static void pieces_make_no_difference(void **state)
{
    const char text[] = "\r\n\r\n" HEAD "l: 2\r\n\r\nxy\r\n" HEAD "Content-Length: 1\r\n\r\nz";
    const size_t want[] = {4, sizeof(HEAD "l: 2\r\n\r\nxy") - 1, 2, sizeof(HEAD "Content-Length: 1\r\n\r\nz") - 1};
    (void)state;
    for (size_t piece = 1; piece < sizeof(text); piece++) {
        struct sip_stream_state stream = {0};
        size_t from = 0, to = 0, frames = 0;
        while (from < sizeof(text) - 1) {
            struct sip_stream_frame frame = sip_stream_frame(&stream, span_make(text + from, to - from), 4096);
            if (frame.kind == SIP_STREAM_MORE) {
                to = to + piece < sizeof(text) - 1 ? to + piece : sizeof(text) - 1;
                continue;
            }
            assert_int_not_equal(frame.kind, SIP_STREAM_ERROR);
            assert_int_equal(frame.len, want[frames++]);
            from += frame.len;
            stream = (struct sip_stream_state){0};
        }
        assert_int_equal(frames, 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_told_apart),
        cmocka_unit_test(stun_is_framed),
        cmocka_unit_test(too_long_headers_end_the_stream),
        cmocka_unit_test(pieces_make_no_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
