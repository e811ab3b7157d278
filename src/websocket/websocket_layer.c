/* SPDX-License-Identifier: Apache-2.0 */
#include "websocket/websocket_layer.h"

#include "util/invariant.h"
#include "websocket/websocket_text.h"
#include <stdlib.h>
#include <wslay/wslay.h>

enum {
    BACKLOG_BYTES = 2 * 65536, /* beside a message: what one read can bring while messages are refused */
    CLOSE_GOING_AWAY = 1001,
    FRAME_HEAD_MAX = 10,
    SMALL_FRAME = 4096,
};

struct session {
    struct net_layer *layer;
    wslay_event_context_ptr frames; /* NULL until the upgrade is done */
    struct span incoming;           /* came from below and was not read yet */
    struct buffer head;             /* of the upgrade; empty once it is done */
    struct buffer message;          /* as much as has come of the one that comes in */
    struct buffer backlog;          /* messages that could not be taken yet, each behind its length */
    bool is_control;                /* the frame that comes in is none of a message */
    bool in_message;                /* a frame of a message has begun, and its last one has not ended */
    bool whole;                     /* a message was completed in this pass */
    bool too_long;
    bool is_ending; /* what follows the backlog is the end */
    bool bad_frame; /* ... for a frame that wslay could not read */
    bool is_over;   /* we have said goodbye without wslay */
    enum err err;   /* of a callback */
};

static struct websocket_worker *worker_of(const struct net_layer *layer)
{
    return layer->ctx;
}

/* ---- Callbacks of wslay ---- */

static ssize_t on_recv(wslay_event_context_ptr frames, uint8_t *out, size_t cap, int flags, void *user)
{
    struct session *session = user;
    size_t len = session->incoming.len < cap ? session->incoming.len : cap;
    (void)flags;
    if (len == 0) {
        wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(out, session->incoming.at, len);
    session->incoming = span_slice(session->incoming, len, session->incoming.len);
    return (ssize_t)len;
}

static ssize_t on_send(wslay_event_context_ptr frames, const uint8_t *bytes, size_t len, int flags, void *user)
{
    struct session *session = user;
    (void)flags;
    session->err = net_layer_down(session->layer, span_make((const char *)bytes, len));
    if (session->err == OK)
        return (ssize_t)len;
    wslay_event_set_error(frames, WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static void on_frame_start(wslay_event_context_ptr frames, const struct wslay_event_on_frame_recv_start_arg *frame,
                           void *user)
{
    struct session *session = user;
    (void)frames;
    session->is_control = wslay_is_ctrl_frame(frame->opcode);
    session->in_message |= !session->is_control;
}

static void on_frame_chunk(wslay_event_context_ptr frames, const struct wslay_event_on_frame_recv_chunk_arg *chunk,
                           void *user)
{
    struct session *session = user;
    struct buffer *message = &session->message;
    if (session->is_control || session->too_long)
        return;
    if (message->len + chunk->data_length > net_layer_limits(session->layer)->message_max) {
        session->too_long = true;
        wslay_event_shutdown_read(frames);
        return;
    }
    buffer_add(message, chunk->data, chunk->data_length);
    if (!message->overflow)
        return;
    session->err = ERR_NOMEM;
    wslay_event_shutdown_read(frames);
}

static void keep(struct session *session, struct span message)
{
    uint32_t len = (uint32_t)message.len;
    buffer_add(&session->backlog, &len, sizeof(len));
    buffer_add_span(&session->backlog, message);
    if (session->backlog.overflow)
        session->err = ERR_NOMEM;
}

static enum err send_frame(struct session *session, uint8_t opcode, struct span bytes);

/* RFC 7118 has no framing of its own: what is no message is a keep-alive or nothing. */
static enum err take_blank(struct session *session, struct span message)
{
    net_layer_counters(session->layer)->stream_keep_alives++;
    return span_equal(message, SPAN("\r\n\r\n")) ? send_frame(session, WSLAY_TEXT_FRAME, SPAN("\r\n")) : OK;
}

static bool is_blank(struct span message)
{
    return message.len <= 4 && span_trim(message).len == 0;
}

static void take_message(struct session *session, struct span message)
{
    if (is_blank(message))
        session->err = take_blank(session, message);
    else if (session->backlog.len || net_layer_must_stop(session->layer) || !net_layer_message(session->layer, message))
        keep(session, message);
}

static void on_message(wslay_event_context_ptr frames, const struct wslay_event_on_msg_recv_arg *got, void *user)
{
    struct session *session = user;
    struct websocket_counters *counters = &worker_of(session->layer)->counters;
    counters->pings += got->opcode == WSLAY_PING;
    counters->pongs += got->opcode == WSLAY_PONG;
    if (got->opcode == WSLAY_PING)
        (void)wslay_event_send(frames); /* at once: a thousand pings are not a thousand pongs in memory */
    if (wslay_is_ctrl_frame(got->opcode) || session->too_long || session->err != OK)
        return;
    take_message(session, buffer_span(&session->message));
    buffer_done(&session->message);
    session->in_message = false;
    session->whole = true;
}

static const struct wslay_event_callbacks callbacks = {
    .recv_callback = on_recv,
    .send_callback = on_send,
    .on_frame_recv_start_callback = on_frame_start,
    .on_frame_recv_chunk_callback = on_frame_chunk,
    .on_msg_recv_callback = on_message,
};

/* ---- The layer ---- */

static enum err start(struct net_layer *layer, bool client)
{
    struct session *session = client ? NULL : calloc(1, sizeof(*session));
    if (client)
        return net_layer_fail(layer, NET_CLOSE_WEBSOCKET, false);
    if (!session)
        return net_layer_fail(layer, NET_CLOSE_NO_MEMORY, false);
    size_t most = net_layer_limits(layer)->message_max;
    session->layer = layer;
    session->head = buffer_heap(BACKLOG_BYTES);
    session->message = buffer_heap(most);
    session->backlog = buffer_heap(most + BACKLOG_BYTES);
    layer->state = session;
    return OK;
}

static void free_state(struct net_layer *layer)
{
    struct session *session = layer->state;
    if (!session)
        return;
    if (session->frames)
        wslay_event_context_free(session->frames);
    buffer_done(&session->head);
    buffer_done(&session->message);
    buffer_done(&session->backlog);
    free(session);
    layer->state = NULL;
}

static enum err flush(struct session *session)
{
    if (wslay_event_send(session->frames) == 0)
        return OK;
    return session->err != OK ? session->err : net_layer_fail(session->layer, NET_CLOSE_NO_MEMORY, false);
}

/* A server's frame is a few bytes before the message (RFC 6455 5.2), unmasked; wslay would copy the message to say so, and
 * would refuse answers once the peer has said goodbye, which still belong to what it said before. */
static size_t frame_head(char out[static FRAME_HEAD_MAX], uint8_t opcode, size_t len)
{
    size_t count = 0, width = len < 126 ? 0 : len <= UINT16_MAX ? 2 : 8;
    out[count++] = (char)(0x80 | opcode);
    out[count++] = (char)(width == 0 ? len : width == 2 ? 126 : 127);
    for (size_t i = width; i > 0; i--)
        out[count++] = (char)((uint64_t)len >> (8 * (i - 1)));
    return count;
}

static enum err send_frame(struct session *session, uint8_t opcode, struct span bytes)
{
    char small[SMALL_FRAME];
    size_t head = frame_head(small, opcode, bytes.len);
    if (session->is_over || wslay_event_get_close_sent(session->frames))
        return ERR_CLOSED;
    if (bytes.len <= sizeof(small) - head) { /* one record of TLS */
        memcpy(small + head, bytes.at, bytes.len);
        return net_layer_down(session->layer, span_make(small, head + bytes.len));
    }
    enum err err = net_layer_down(session->layer, span_make(small, head));
    return err == OK ? net_layer_down(session->layer, bytes) : err;
}

/* Nothing more is read: wslay said why in a close frame, or we do, or the peer did. */
static enum err end(struct session *session, bool bad_frame)
{
    /* wslay closes without a code where a frame's head is wrong. */
    static const char protocol_error[] = {(char)0x88, 2, WSLAY_CODE_PROTOCOL_ERROR >> 8,
                                          (char)(WSLAY_CODE_PROTOCOL_ERROR & 0xff)};
    struct net_layer *layer = session->layer;
    bool by_peer = wslay_event_get_close_received(session->frames);
    if (session->err != OK)
        return session->err == ERR_NOMEM ? net_layer_fail(layer, NET_CLOSE_NO_MEMORY, false) : session->err;
    if (session->too_long)
        (void)wslay_event_queue_close(session->frames, WSLAY_CODE_MESSAGE_TOO_BIG, NULL, 0);
    session->is_over = bad_frame;
    enum err err =
        bad_frame ? net_layer_down(layer, span_make(protocol_error, sizeof(protocol_error))) : flush(session);
    if (err != OK)
        return err;
    worker_of(layer)->counters.broken += !by_peer;
    return net_layer_fail(layer, by_peer ? NET_CLOSE_BY_PEER : NET_CLOSE_WEBSOCKET, true);
}

static enum err read_frames(struct session *session, struct span bytes)
{
    struct net_layer *layer = session->layer;
    session->incoming = bytes;
    session->whole = false;
    int failed = wslay_event_recv(session->frames);
    session->incoming = span_make(NULL, 0);
    if (failed && session->err == OK && failed == WSLAY_ERR_NOMEM)
        session->err = ERR_NOMEM;
    if (failed || session->err != OK || !wslay_event_want_read(session->frames)) {
        session->is_ending = true;
        session->bad_frame = failed != 0;
        /* What came before is taken first; meanwhile nothing is read. */
        return session->backlog.len && session->err == OK ? OK : end(session, session->bad_frame);
    }
    enum err err = flush(session);
    if (err == OK && !net_layer_must_stop(layer))
        net_layer_progress(layer, session->whole, session->in_message);
    return err;
}

static enum err open_frames(struct session *session)
{
    struct net_layer *layer = session->layer;
    if (wslay_event_context_server_init(&session->frames, &callbacks, session) != 0)
        return net_layer_fail(layer, NET_CLOSE_NO_MEMORY, false);
    wslay_event_config_set_no_buffering(session->frames, 1);
    wslay_event_config_set_max_recv_msg_length(session->frames, net_layer_limits(layer)->message_max);
    enum err err = net_layer_ready(layer);
    if (err == OK)
        net_layer_progress(layer, true, false); /* the upgrade was its first message */
    return err;
}

static enum err upgrade(struct session *session)
{
    struct net_layer *layer = session->layer;
    struct websocket_worker *worker = worker_of(layer);
    struct websocket_upgrade found;
    char text[512];
    struct buffer answer = buffer_over(text, sizeof(text));
    enum err err = websocket_upgrade_read(buffer_span(&session->head), &worker->origins, &found);
    if (err != OK)
        return OK; /* more is to come */
    err = websocket_upgrade_answer(&found, &answer);
    invariant(err != OK || !answer.overflow);
    if (err == OK)
        err = net_layer_down(layer, buffer_span(&answer));
    worker->counters.upgrades += found.status == 101;
    worker->counters.refused += found.status != 101;
    if (err == OK && found.status != 101)
        err = net_layer_fail(layer, NET_CLOSE_WEBSOCKET, true);
    if (err == OK)
        err = open_frames(session);
    if (err == OK && found.len < session->head.len)
        err = read_frames(session, span_slice(buffer_span(&session->head), found.len, session->head.len));
    buffer_done(&session->head);
    return err;
}

static enum err unwrap(struct net_layer *layer, struct span bytes)
{
    struct session *session = layer->state;
    if (session->is_ending)
        return OK;
    if (session->frames)
        return read_frames(session, bytes);
    buffer_add_span(&session->head, bytes);
    return session->head.overflow ? net_layer_fail(layer, NET_CLOSE_NO_MEMORY, false) : upgrade(session);
}

static enum err wrap(struct net_layer *layer, struct span bytes)
{
    /* RFC 7118 4.2: text where it is UTF-8, else binary. */
    return send_frame(layer->state, websocket_is_utf8(bytes) ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME, bytes);
}

static enum err ping(struct net_layer *layer)
{
    return send_frame(layer->state, WSLAY_PING, SPAN(""));
}

static enum err resume(struct net_layer *layer)
{
    struct session *session = layer->state;
    struct buffer *backlog = &session->backlog;
    size_t at = 0;
    while (at < backlog->len && !net_layer_must_stop(layer)) {
        uint32_t len;
        memcpy(&len, backlog->at + at, sizeof(len));
        if (!net_layer_message(layer, span_make(backlog->at + at + sizeof(len), len)))
            break;
        at += sizeof(len) + len;
    }
    backlog->len -= at;
    if (backlog->len == 0)
        buffer_done(backlog);
    else if (at > 0)
        memmove(backlog->at, backlog->at + at, backlog->len);
    return session->is_ending && backlog->len == 0 ? end(session, session->bad_frame) : OK;
}

static void finish(struct net_layer *layer)
{
    struct session *session = layer->state;
    if (session->is_over || wslay_event_get_close_sent(session->frames))
        return;
    (void)wslay_event_queue_close(session->frames, CLOSE_GOING_AWAY, NULL, 0);
    (void)wslay_event_send(session->frames);
}

const struct net_layer_ops websocket_layer = {
    .name = "websocket",
    .start = start,
    .unwrap = unwrap,
    .wrap = wrap,
    .resume = resume,
    .ping = ping,
    .finish = finish,
    .free = free_state,
};
