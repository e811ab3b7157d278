/* SPDX-License-Identifier: Apache-2.0 */
/* The client's side against bytes of servers, good and bad.  Against the engine itself: tests/integration/test_websocket.py. */
#include "support/cmocka_all.h"

#include "websocket/websocket_client.h"
#include "websocket/websocket_upgrade.h"
#include <string.h>

static struct websocket_client *client;
static struct fault fault;

static int set_up(void **state)
{
    (void)state;
    memset(&fault, 0, sizeof(fault));
    assert_int_equal(websocket_client_new(SPAN("127.0.0.1:80"), &client), OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    websocket_client_free(client);
    return 0;
}

/* The engine's answer to what the client has sent. */
static void answer(char text[512])
{
    static const struct websocket_origins anybody;
    struct websocket_upgrade upgrade;
    struct buffer out = buffer_over(text, 511);
    assert_int_equal(websocket_upgrade_read(buffer_span(websocket_client_out(client)), &anybody, &upgrade), OK);
    assert_int_equal(upgrade.status, 101);
    assert_int_equal(websocket_upgrade_answer(&upgrade, &out), OK);
    text[out.len] = '\0';
    websocket_client_out(client)->len = 0;
}

static void open_it(void)
{
    char text[512];
    answer(text);
    for (size_t i = 0; text[i]; i++) /* in pieces of one byte */
        assert_int_equal(websocket_client_feed(client, span_make(text + i, 1), &fault), OK);
    assert_true(websocket_client_is_open(client));
}

static void messages_come_in_any_pieces(void **state)
{
    (void)state;
    static const char frames[] = "\x01\x03one\x80\x03two\x81\x02hi";
    struct span message;
    open_it();
    for (size_t i = 0; i + 1 < sizeof(frames); i++)
        assert_int_equal(websocket_client_feed(client, span_make(frames + i, 1), &fault), OK);
    assert_true(websocket_client_take(client, &message));
    assert_true(span_equal(message, SPAN("onetwo")));
    assert_true(websocket_client_take(client, &message));
    assert_true(span_equal(message, SPAN("hi")));
    assert_false(websocket_client_take(client, &message));
}

static void what_goes_is_masked(void **state)
{
    (void)state;
    open_it();
    assert_int_equal(websocket_client_put(client, SPAN("hello")), OK);
    struct buffer *out = websocket_client_out(client);
    assert_int_equal(out->len, 2 + 4 + 5);
    assert_int_equal((unsigned char)out->at[0], 0x81);
    assert_int_equal((unsigned char)out->at[1], 0x80 | 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(out->at[6 + i] ^ out->at[2 + i % 4], "hello"[i]);
}

static void a_ping_gets_its_pong(void **state)
{
    (void)state;
    open_it();
    assert_int_equal(websocket_client_feed(client, SPAN("\x89\x01x"), &fault), OK);
    assert_int_equal((unsigned char)websocket_client_out(client)->at[0], 0x8a);
}

static void an_end_is_said_with_its_code(void **state)
{
    (void)state;
    open_it();
    assert_int_equal(websocket_client_feed(client, span_make("\x88\x02\x03\xe9", 4), &fault), ERR_CLOSED);
    assert_string_equal(fault.text, "closed the WebSocket with code 1001");
    assert_int_equal((unsigned char)websocket_client_out(client)->at[0], 0x88); /* and is answered */
}

static void a_bad_frame_is_said(void **state)
{
    (void)state;
    open_it();
    assert_int_equal(websocket_client_feed(client, SPAN("\xf1\x02hi"), &fault), ERR_SYNTAX);
    assert_string_equal(fault.text, "sent what is no WebSocket frame");
}

static void refuses(const char *bytes, const char *text)
{
    enum err err = websocket_client_feed(client, span_of(bytes), &fault);
    assert_int_not_equal(err, OK);
    assert_string_equal(fault.text, text);
    tear_down(NULL);
    set_up(NULL);
}

static void refusals_say_what_is_wrong(void **state)
{
    (void)state;
    char text[512];
    refuses("SIP/2.0 400 Bad Request\r\n\r\n", "answered the upgrade with no HTTP");
    refuses("HTTP/2 101\r\n\r\n", "answered the upgrade with no HTTP");
    refuses("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\nnot from here\n",
            "refused the upgrade to WebSocket: HTTP/1.1 403 Forbidden: not from here");
    refuses("HTTP/1.1 200 OK\r\n\r\n", "refused the upgrade to WebSocket: HTTP/1.1 200 OK");
    refuses("HTTP/1.1 101 X\r\n\r\n", "is no WebSocket server: a wrong Sec-WebSocket-Accept");
    answer(text);
    memcpy(strstr(text, "Accept: ") + strlen("Accept: "), "AAAA", 4);
    refuses(text, "is no WebSocket server: a wrong Sec-WebSocket-Accept");
    answer(text);
    memcpy(strstr(text, "Protocol: sip"), "Protocol: xmp", strlen("Protocol: xmp"));
    refuses(text, "speaks WebSocket, but not its subprotocol sip");
}

static void a_head_without_end_is_refused(void **state)
{
    (void)state;
    char line[100];
    memset(line, 'x', sizeof(line));
    assert_int_equal(websocket_client_feed(client, SPAN("HTTP/1.1 101 "), &fault), OK);
    enum err err = OK;
    for (unsigned i = 0; i < WEBSOCKET_UPGRADE_MAX && err == OK; i++)
        err = websocket_client_feed(client, span_make(line, sizeof(line)), &fault);
    assert_int_equal(err, ERR_SYNTAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(messages_come_in_any_pieces),   TEST(what_goes_is_masked), TEST(a_ping_gets_its_pong),
        TEST(an_end_is_said_with_its_code),  TEST(a_bad_frame_is_said), TEST(refusals_say_what_is_wrong),
        TEST(a_head_without_end_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
