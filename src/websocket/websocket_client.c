/* SPDX-License-Identifier: Apache-2.0 */
#include "websocket/websocket_client.h"

#include "util/random.h"
#include "websocket/websocket_text.h"
#include "websocket/websocket_upgrade.h"
#include <openssl/evp.h>
#include <stdlib.h>
#include <wslay/wslay.h>

enum { MESSAGE_MAX = 65536, WAITING_MAX = 4 * MESSAGE_MAX };

struct websocket_client {
    wslay_event_context_ptr frames; /* NULL until the upgrade is done */
    unsigned char key[WEBSOCKET_KEY_LEN + 1];
    struct buffer head;     /* of the server's answer; empty once it is done */
    struct buffer out;      /* to be sent */
    struct buffer messages; /* that came, each behind its length */
    size_t taken;           /* of them */
    struct span incoming;   /* frames that were not read yet */
};

static ssize_t on_recv(wslay_event_context_ptr frames, uint8_t *out, size_t cap, int flags, void *user)
{
    struct websocket_client *client = user;
    size_t len = client->incoming.len < cap ? client->incoming.len : cap;
    (void)flags;
    if (len == 0) {
        wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(out, client->incoming.at, len);
    client->incoming = span_slice(client->incoming, len, client->incoming.len);
    return (ssize_t)len;
}

static ssize_t on_send(wslay_event_context_ptr frames, const uint8_t *bytes, size_t len, int flags, void *user)
{
    struct websocket_client *client = user;
    (void)flags;
    buffer_add(&client->out, bytes, len);
    if (!client->out.overflow)
        return (ssize_t)len;
    wslay_event_set_error(frames, WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

/* RFC 6455 10.3: a mask that nobody can foresee. */
static int on_mask(wslay_event_context_ptr frames, uint8_t *out, size_t len, void *user)
{
    (void)frames;
    (void)user;
    return random_system(out, len) == OK ? 0 : -1;
}

static void on_message(wslay_event_context_ptr frames, const struct wslay_event_on_msg_recv_arg *got, void *user)
{
    struct websocket_client *client = user;
    uint32_t len = (uint32_t)got->msg_length;
    (void)frames;
    if (wslay_is_ctrl_frame(got->opcode))
        return;
    buffer_add(&client->messages, &len, sizeof(len));
    buffer_add(&client->messages, got->msg, got->msg_length);
}

static const struct wslay_event_callbacks callbacks = {
    .recv_callback = on_recv,
    .send_callback = on_send,
    .genmask_callback = on_mask,
    .on_msg_recv_callback = on_message,
};

enum err websocket_client_new(struct span host, struct websocket_client **out_client)
{
    unsigned char nonce[16];
    struct websocket_client *client = calloc(1, sizeof(*client));
    if (!client || random_system(nonce, sizeof(nonce)) != OK) {
        free(client);
        return ERR_NOMEM;
    }
    (void)EVP_EncodeBlock(client->key, nonce, sizeof(nonce));
    client->head = buffer_heap(WEBSOCKET_UPGRADE_MAX);
    client->out = buffer_heap(WAITING_MAX);
    client->messages = buffer_heap(WAITING_MAX);
    buffer_addf(&client->out,
                "GET / HTTP/1.1\r\nHost: %.*s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n",
                SPAN_ARG(host), (const char *)client->key);
    *out_client = client;
    return OK;
}

void websocket_client_free(struct websocket_client *client)
{
    if (!client)
        return;
    if (client->frames)
        wslay_event_context_free(client->frames);
    buffer_done(&client->head);
    buffer_done(&client->out);
    buffer_done(&client->messages);
    free(client);
}

static enum err flush(struct websocket_client *client)
{
    return wslay_event_send(client->frames) == 0 ? OK : ERR_NOMEM;
}

static enum err closed_by_server(const struct websocket_client *client, struct fault *fault)
{
    unsigned code = wslay_event_get_status_code_received(client->frames);
    if (code == 0 || code == WSLAY_CODE_NO_STATUS_RCVD)
        return fault_set(fault, ERR_CLOSED, NULL, 0, "closed the WebSocket without a code");
    return fault_set(fault, ERR_CLOSED, NULL, 0, "closed the WebSocket with code %u", code);
}

static enum err read_frames(struct websocket_client *client, struct span bytes, struct fault *fault)
{
    client->incoming = bytes;
    int failed = wslay_event_recv(client->frames);
    client->incoming = span_make(NULL, 0);
    if (failed == WSLAY_ERR_NOMEM || client->messages.overflow)
        return fault_set(fault, ERR_FULL, NULL, 0, "more came than there is room for");
    if (failed || (!wslay_event_want_read(client->frames) && !wslay_event_get_close_received(client->frames)))
        return fault_set(fault, ERR_SYNTAX, NULL, 0, "sent what is no WebSocket frame");
    if (flush(client) != OK)
        return fault_set(fault, ERR_NOMEM, NULL, 0, "out of memory");
    /* What came before the goodbye is given out first. */
    if (wslay_event_get_close_received(client->frames) && client->taken == client->messages.len)
        return closed_by_server(client, fault);
    return OK;
}

/* The value of the first field of that name; at == NULL where there is none. */
static struct span field_of(struct span head, struct span name)
{
    while (head.len) {
        size_t end = span_find(head, '\n');
        struct span line = span_slice(head, 0, end);
        size_t colon = span_find(line, ':');
        if (colon < line.len && span_equal_nocase(span_slice(line, 0, colon), name))
            return span_trim(span_slice(line, colon + 1, line.len));
        head = span_slice(head, end + 1, head.len);
    }
    return span_make(NULL, 0);
}

/* RFC 6455 4.1, what a client has to look at; `head` begins with the status line, `body` is what came behind it. */
static enum err judge(const struct websocket_client *client, struct span head, struct span body, struct fault *fault)
{
    char text[64];
    struct buffer accept = buffer_over(text, sizeof(text));
    struct span status = span_trim(span_slice(head, 0, span_find(head, '\n')));
    body = span_trim(span_slice(body, 0, span_find(body, '\n')));
    if (!span_starts_with(status, SPAN("HTTP/1.")))
        return fault_set(fault, ERR_SYNTAX, NULL, 0, "answered the upgrade with no HTTP");
    if (!span_starts_with(status, SPAN("HTTP/1.1 101")))
        return fault_set(fault, ERR_CLOSED, NULL, 0, "refused the upgrade to WebSocket: %.*s%s%.*s", SPAN_ARG(status),
                         body.len ? ": " : "", SPAN_ARG(body));
    enum err err = websocket_upgrade_add_accept(span_make((const char *)client->key, WEBSOCKET_KEY_LEN), &accept);
    if (err != OK)
        return fault_set(fault, err, NULL, 0, "no SHA-1 is to be had here");
    if (!span_equal(field_of(head, SPAN("Sec-WebSocket-Accept")), buffer_span(&accept)))
        return fault_set(fault, ERR_SYNTAX, NULL, 0, "is no WebSocket server: a wrong Sec-WebSocket-Accept");
    if (!span_equal_nocase(field_of(head, SPAN("Sec-WebSocket-Protocol")), SPAN("sip")))
        return fault_set(fault, ERR_SYNTAX, NULL, 0, "speaks WebSocket, but not its subprotocol sip");
    return OK;
}

/* Where the head ends; 0: not yet. */
static size_t head_len(struct span bytes)
{
    for (size_t i = 4; i <= bytes.len; i++)
        if (memcmp(bytes.at + i - 4, "\r\n\r\n", 4) == 0)
            return i;
    return 0;
}

static enum err take_answer(struct websocket_client *client, struct span bytes, struct fault *fault)
{
    static const char http[] = "HTTP/";
    buffer_add_span(&client->head, bytes);
    struct span all = buffer_span(&client->head);
    size_t begun = all.len < sizeof(http) - 1 ? all.len : sizeof(http) - 1;
    if (client->head.overflow || memcmp(all.at, http, begun) != 0)
        return fault_set(fault, ERR_SYNTAX, NULL, 0, "answered the upgrade with no HTTP");
    size_t len = head_len(all);
    if (len == 0)
        return OK;
    struct span rest = span_slice(all, len, all.len);
    enum err err = judge(client, span_slice(all, 0, len), rest, fault);
    if (err == OK && wslay_event_context_client_init(&client->frames, &callbacks, client) != 0)
        err = fault_set(fault, ERR_NOMEM, NULL, 0, "out of memory");
    if (err != OK)
        return err;
    wslay_event_config_set_max_recv_msg_length(client->frames, MESSAGE_MAX);
    err = rest.len ? read_frames(client, rest, fault) : OK;
    buffer_done(&client->head);
    return err;
}

enum err websocket_client_feed(struct websocket_client *client, struct span bytes, struct fault *fault)
{
    return client->frames ? read_frames(client, bytes, fault) : take_answer(client, bytes, fault);
}

bool websocket_client_is_open(const struct websocket_client *client)
{
    return client->frames != NULL;
}

bool websocket_client_take(struct websocket_client *client, struct span *out_message)
{
    struct buffer *messages = &client->messages;
    uint32_t len;
    if (client->taken == messages->len) {
        messages->len = client->taken = 0;
        return false;
    }
    memcpy(&len, messages->at + client->taken, sizeof(len));
    *out_message = span_make(messages->at + client->taken + sizeof(len), len);
    client->taken += sizeof(len) + len;
    return true;
}

enum err websocket_client_put(struct websocket_client *client, struct span message)
{
    uint8_t opcode = websocket_is_utf8(message) ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME;
    struct wslay_event_msg frame = {opcode, (const uint8_t *)message.at, message.len};
    int failed = wslay_event_queue_msg(client->frames, &frame);
    if (failed)
        return failed == WSLAY_ERR_NO_MORE_MSG ? ERR_CLOSED : ERR_NOMEM;
    return flush(client);
}

void websocket_client_finish(struct websocket_client *client)
{
    if (!client->frames || wslay_event_get_close_sent(client->frames))
        return;
    (void)wslay_event_queue_close(client->frames, WSLAY_CODE_NORMAL_CLOSURE, NULL, 0);
    (void)flush(client);
}

struct buffer *websocket_client_out(struct websocket_client *client)
{
    return &client->out;
}
