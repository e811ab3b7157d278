/* SPDX-License-Identifier: Apache-2.0 */
/* The upgrade's request between unreadable pages; what is answered.  More cases: tests/integration/test_websocket.py. */
#include "support/cmocka_all.h"
#include "support/page_guard.h"

#include "websocket/websocket_text.h"
#include "websocket/websocket_upgrade.h"

static const char good[] =
    "GET /sip HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n";
static const struct websocket_origins anybody;

/* The example of RFC 6455 1.3. */
static void the_key_is_answered(void **state)
{
    (void)state;
    struct websocket_upgrade upgrade;
    char text[512];
    struct buffer out = buffer_over(text, sizeof(text) - 1);
    assert_int_equal(websocket_upgrade_read(SPAN(good), &anybody, &upgrade), OK);
    assert_int_equal(upgrade.status, 101);
    assert_int_equal(upgrade.len, sizeof(good) - 1);
    assert_int_equal(websocket_upgrade_answer(&upgrade, &out), OK);
    text[out.len] = '\0';
    assert_non_null(strstr(text, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
}

static void nothing_is_said_before_the_end(void **state)
{
    (void)state;
    struct websocket_upgrade upgrade;
    struct page_guard guard = page_guard_new(sizeof(good));
    for (size_t len = 0; len + 1 < sizeof(good); len++) {
        struct span part = page_guard_put(&guard, span_make(good, len));
        assert_int_equal(websocket_upgrade_read(part, &anybody, &upgrade), ERR_AGAIN);
    }
    struct span all = page_guard_put(&guard, span_make(good, sizeof(good) - 1));
    assert_int_equal(websocket_upgrade_read(all, &anybody, &upgrade), OK);
    page_guard_done(&guard);
}

static void every_single_change_is_judged(void **state)
{
    (void)state;
    struct websocket_upgrade upgrade;
    char changed[sizeof(good)];
    struct page_guard guard = page_guard_new(sizeof(good));
    static const char bytes[] = {'\0', '\r', '\n', ':', ' ', ',', '\x7f', '\xff'};
    for (size_t at = 0; at + 1 < sizeof(good); at++) {
        for (size_t i = 0; i < sizeof(bytes); i++) {
            memcpy(changed, good, sizeof(good));
            changed[at] = bytes[i];
            struct span input = page_guard_put(&guard, span_make(changed, sizeof(good) - 1));
            enum err err = websocket_upgrade_read(input, &anybody, &upgrade);
            assert_true(err == ERR_AGAIN || upgrade.status == 101 || (upgrade.status >= 400 && upgrade.why));
            bool is_control = bytes[i] == '\0' || bytes[i] == '\x7f';
            if (err == OK && is_control)
                assert_int_equal(upgrade.status, 400);
        }
    }
    page_guard_done(&guard);
}

static void text_is_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool fine;
    } cases[] = {
        {"", true},
        {"abc", true},
        {"\xc3\xa9", true},
        {"\xe2\x82\xac", true},
        {"\xf0\x90\x8d\x88", true},
        {"\xc3", false},
        {"\x80", false},
        {"\xc0\xaf", false},
        {"\xed\xa0\x80", false},
        {"\xf4\x90\x80\x80", false},
        {"\xff", false},
        {"a\xe2\x82", false},
    };
    struct page_guard guard = page_guard_new(16);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(websocket_is_utf8(page_guard_put(&guard, span_of(cases[i].text))), cases[i].fine);
    page_guard_done(&guard);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_key_is_answered),
        cmocka_unit_test(nothing_is_said_before_the_end),
        cmocka_unit_test(every_single_change_is_judged),
        cmocka_unit_test(text_is_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
