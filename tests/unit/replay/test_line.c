/* SPDX-License-Identifier: Apache-2.0 */
/* A decision log's line, read back to the byte, and what is no such line. */
#include "decisions/decisions_log.h"
#include "replay/replay_line.h"
#include "support/cmocka_all.h"
#include "support/page_guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char written[1 << 20];

/* The one line that the log makes of `request`. */
static struct span logged(struct span request)
{
    char path[] = "/tmp/verdict-line-XXXXXX";
    close(mkstemp(path));
    struct decisions_options options = {.mode = DECISIONS_ALL, .file = path};
    struct decisions_log *log = NULL;
    struct fault fault = {0};
    assert_int_equal(decisions_log_new(&options, 1, &log, &fault), OK);
    const struct decisions_record record = {
        .kind = DECISIONS_RECORD_DECISION,
        .wall_ms = 1767225600123,
        .version = 1,
        .status = 410,
        .fuel = 77,
        .call_id = SPAN("a@b"),
        .source = SPAN("[2001:db8::1]:5080"),
        .rule = SPAN("retired \"x\""),
        .verdict = SPAN("gone"),
        .transport = SPAN("TCP"),
        .local = SPAN("192.0.2.9:5060"),
        .authenticated_as = SPAN("sip:alice@example.com"),
        .tag = SPAN("0123456789abcdef"),
        .request = request,
    };
    decisions_log_put(log, 0, &record);
    decisions_log_free(log);
    FILE *file = fopen(path, "r");
    size_t len = fread(written, 1, sizeof(written), file);
    fclose(file);
    unlink(path);
    assert_true(len > 0 && written[len - 1] == '\n');
    return span_make(written, len - 1);
}

static void comes_back(struct span request)
{
    struct replay_line line = {0};
    const char *why = "";
    struct span text = logged(request);
    struct page_guard guard = page_guard_new(text.len);
    assert_int_equal(replay_line_read(page_guard_put(&guard, text), &line, &why), REPLAY_LINE_DECISION);
    page_guard_done(&guard);
    assert_true(span_equal(line.message.bytes, request));
    assert_true(span_equal(line.message.tag, SPAN("0123456789abcdef")));
    assert_int_equal(line.message.wall_ms, 1767225600123);
    assert_int_equal(line.message.flow.transport, NET_TCP);
    assert_int_equal(line.message.flow.remote.port, 5080);
    assert_int_equal(line.message.flow.remote.family, NET_FAMILY_IP6);
    assert_int_equal(line.message.flow.local.ip[3], 9);
    assert_int_equal(line.then.status, 410);
    assert_true(span_equal(line.then.rule, SPAN("retired \"x\"")));
    assert_true(span_equal(line.then.verdict, SPAN("gone")));
    assert_true(span_equal(line.message.authenticated_as, SPAN("sip:alice@example.com")));
    replay_line_done(&line);
}

static void every_byte_comes_back(void **state)
{
    (void)state;
    static char all[65535];
    comes_back(SPAN("INVITE sip:a@b SIP/2.0\r\n\r\n"));
    comes_back(SPAN("INVITE sip:\xc3\xa9@b SIP/2.0\r\nS: \xe2\x82\xac\\\"\r\n\r\n"));
    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (char)i;
    comes_back(span_make(all, 256));
    comes_back(span_make(all, sizeof(all)));
    memset(all, '"', sizeof(all));
    comes_back(span_make(all, sizeof(all)));
    memset(all, 1, sizeof(all));
    comes_back(span_make(all, sizeof(all)));
}

#define LINE(time, rest) "{\"time\":\"" time "\",\"event\":\"decision\"," rest "}"

static void what_is_no_decision(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum replay_line_kind kind;
        const char *why;
    } cases[] = {
        {"", REPLAY_LINE_OTHER, ""},
        {"\r", REPLAY_LINE_OTHER, ""},
        {"{\"event\":\"ack\"}", REPLAY_LINE_OTHER, ""},
        {"{\"event\":\"decision\",\"status\":404}", REPLAY_LINE_NO_REQUEST, ""},
        {"{\"event\":\"decision\",", REPLAY_LINE_BAD, "no JSON object, or one that was cut"},
        {"[1]", REPLAY_LINE_BAD, "no JSON object, or one that was cut"},
        {"nonsense", REPLAY_LINE_BAD, "no JSON object, or one that was cut"},
        {"{\"a\":1}", REPLAY_LINE_BAD, "not a line of a decision log"},
        {LINE("2026-01-31T12:00:00.123Z", "\"request\":\"x\""), REPLAY_LINE_BAD, "no usable transport"},
        {LINE("2026-01-31T12:00:00.123Z", "\"request\":\"x\",\"transport\":\"UDP\""), REPLAY_LINE_BAD,
         "no usable source"},
        {LINE("yesterday", "\"request\":\"x\",\"transport\":\"UDP\",\"source\":\"192.0.2.1:1\""), REPLAY_LINE_BAD,
         "no usable time"},
        {LINE("2026-13-31T12:00:00.123Z", "\"request\":\"x\",\"transport\":\"UDP\",\"source\":\"192.0.2.1:1\""),
         REPLAY_LINE_BAD, "no usable time"},
        {LINE("2026-01-31T12:00:00.123Z", "\"request_bytes\":\"\\u0100\""), REPLAY_LINE_BAD, "above U+00FF"},
        {LINE("2026-01-31T12:00:00.123Z", "\"request\":\"x\",\"transport\":\"udp\",\"source\":\"192.0.2.1:1\""),
         REPLAY_LINE_DECISION, ""},
    };
    struct replay_line line = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *why = "";
        enum replay_line_kind kind = replay_line_read(span_of(cases[i].text), &line, &why);
        if (kind != cases[i].kind || !strstr(kind == REPLAY_LINE_BAD ? why : "", cases[i].why))
            fail_msg("%s: kind %d, %s", cases[i].text, (int)kind, why);
    }
    replay_line_done(&line);
}

static void days_are_those_of_the_calendar(void **state)
{
    (void)state;
    static const struct {
        const char *time;
        int64_t seconds;
    } cases[] = {{"1970-01-01T00:00:00.000Z", 0},
                 {"2000-02-29T12:00:00.000Z", 951825600},
                 {"2024-12-31T23:59:59.000Z", 1735689599},
                 {"2026-03-01T00:00:00.000Z", 1772323200},
                 {"2100-03-01T00:00:00.000Z", 4107542400}};
    struct replay_line line = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char text[256];
        const char *why = "";
        int len =
            snprintf(text, sizeof(text),
                     LINE("%s", "\"request\":\"x\",\"transport\":\"udp\",\"source\":\"192.0.2.1:1\""), cases[i].time);
        assert_int_equal(replay_line_read(span_make(text, (size_t)len), &line, &why), REPLAY_LINE_DECISION);
        assert_int_equal(line.message.wall_ms, cases[i].seconds * 1000);
    }
    replay_line_done(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_comes_back),
        cmocka_unit_test(what_is_no_decision),
        cmocka_unit_test(days_are_those_of_the_calendar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
