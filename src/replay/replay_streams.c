/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/replay_streams.h"
#include "sip/sip_stream.h"
#include "util/list.h"
#include "util/map.h"
#include "util/siphash.h"

#include <stdlib.h>

enum { BUFFER_MAX = 2 * SIP_MESSAGE_MAX };

/* Bytes that came before their time. */
struct piece {
    struct list node; /* in order of `seq` */
    uint32_t seq;
    uint32_t len;
    char bytes[];
};

struct stream {
    struct map_node node;
    struct list recent; /* the most recent one last */
    struct net_address from, to;
    bool known;       /* `next` is */
    bool foreign;     /* no SIP: nothing is kept of it */
    uint64_t *unread; /* of a foreign one: where its packets are counted */
    bool is_sip;      /* its first bytes said so */
    bool hunting;     /* for the next start of a message */
    uint32_t next;
    int64_t wall_ms;
    int64_t gap_ms; /* when the first piece was put aside */
    struct list pieces;
    size_t aside; /* bytes in them */
    struct buffer data;
    struct sip_stream_state framing;
};

struct replay_streams {
    replay_message_fn message;
    void *ctx;
    struct map map;
    struct list recent;
    size_t held;
    struct replay_streams_counters counters;
};

enum err replay_streams_new(replay_message_fn message, void *ctx, struct replay_streams **out_streams)
{
    struct replay_streams *self = calloc(1, sizeof(*self));
    if (!self)
        return ERR_NOMEM;
    self->message = message;
    self->ctx = ctx;
    list_init(&self->recent);
    enum err err = map_init(&self->map);
    if (err != OK) {
        free(self);
        return err;
    }
    *out_streams = self;
    return OK;
}

static void drop_piece(struct replay_streams *self, struct stream *stream, struct piece *piece)
{
    list_remove(&piece->node);
    stream->aside -= piece->len;
    self->held -= piece->len;
    free(piece);
}

static void forget_bytes(struct replay_streams *self, struct stream *stream)
{
    struct list *node;
    while ((node = list_first(&stream->pieces)))
        drop_piece(self, stream, container_of(node, struct piece, node));
    self->held -= stream->data.len;
    buffer_done(&stream->data);
    stream->data = buffer_heap(BUFFER_MAX);
    stream->framing = (struct sip_stream_state){0};
}

static void drop_stream(struct replay_streams *self, struct stream *stream)
{
    forget_bytes(self, stream);
    map_remove(&self->map, &stream->node);
    list_remove(&stream->recent);
    free(stream);
}

void replay_streams_free(struct replay_streams *self)
{
    if (!self)
        return;
    struct list *node;
    while ((node = list_first(&self->recent)))
        drop_stream(self, container_of(node, struct stream, recent));
    map_done(&self->map);
    free(self);
}

static bool is_stream(const struct map_node *node, const void *key)
{
    const struct stream *stream = container_of_const(node, struct stream, node);
    const struct replay_packet *packet = key;
    return net_address_equal(&stream->from, &packet->from) && net_address_equal(&stream->to, &packet->to);
}

/* The direction that `packet` belongs to, made when it is new; NULL without memory. */
static struct stream *find(struct replay_streams *self, const struct replay_packet *packet)
{
    /* A key that is no secret: who can write a capture can also write a slow one. */
    static const struct siphash_key fixed = {1, 2};
    struct net_address both[2] = {packet->from, packet->to};
    uint64_t hash = siphash(&fixed, both, sizeof(both));
    struct map_node *node = map_find(&self->map, hash, is_stream, packet);
    struct stream *stream = node ? container_of(node, struct stream, node) : NULL;
    if (stream) {
        list_remove(&stream->recent);
        list_push_back(&self->recent, &stream->recent);
        return stream;
    }
    stream = calloc(1, sizeof(*stream));
    if (!stream)
        return NULL;
    stream->from = packet->from;
    stream->to = packet->to;
    list_init(&stream->pieces);
    stream->data = buffer_heap(BUFFER_MAX);
    map_add(&self->map, &stream->node, hash);
    list_push_back(&self->recent, &stream->recent);
    return stream;
}

static void make_room(struct replay_streams *self, const struct stream *but)
{
    while (self->map.count > REPLAY_STREAMS_MAX || self->held > REPLAY_STREAMS_BYTES) {
        struct stream *oldest = container_of(list_first(&self->recent), struct stream, recent);
        if (oldest == but)
            return;
        drop_stream(self, oldest);
    }
}

/* ---- Messages in what has come without a gap ---- */

static void consume(struct replay_streams *self, struct stream *stream, size_t len)
{
    stream->framing = (struct sip_stream_state){0};
    if (!len)
        return;
    memmove(stream->data.at, stream->data.at + len, stream->data.len - len);
    stream->data.len -= len;
    self->held -= len;
}

/* Where in a request line its method begins: the end of a body without a line's end may stick to it.  Only methods that are
 * known end a hunt, for the rest of a body has lines too. */
static size_t method_offset(struct span line)
{
    size_t end = span_find(line, ' ');
    for (size_t at = 0; at < end; at++)
        if (sip_method_find(span_slice(line, at, end)) != SIP_METHOD_OTHER)
            return at;
    return line.len;
}

/* How many bytes at the start of a line come before a message; the line's length: none begins in it. */
static size_t start_in_line(struct span rest, bool *out_sure)
{
    size_t end = span_find(rest, '\n');
    struct span line = span_slice(rest, 0, end);
    enum replay_is_sip is_sip = span_trim(line).len ? replay_is_sip(rest) : REPLAY_IS_NO_SIP;
    *out_sure = is_sip == REPLAY_IS_SIP;
    if (is_sip == REPLAY_IS_NO_SIP)
        return line.len;
    return *out_sure && !span_starts_with(line, SPAN("SIP/")) ? method_offset(line) : 0;
}

/* Cuts what is in front of the next message; false: there is none yet. */
static bool hunt(struct replay_streams *self, struct stream *stream)
{
    struct span data = buffer_span(&stream->data);
    size_t at = 0;
    while (at < data.len) {
        struct span rest = span_slice(data, at, data.len);
        size_t line_len = span_find(rest, '\n');
        bool sure;
        size_t offset = start_in_line(rest, &sure);
        if (offset < line_len) {
            consume(self, stream, at + offset);
            stream->hunting = !sure;
            return sure;
        }
        at += line_len + 1;
    }
    consume(self, stream, data.len);
    return false;
}

static void tell(struct replay_streams *self, const struct stream *stream, size_t len)
{
    const struct replay_message message = {
        .bytes = span_make(stream->data.at, len),
        .flow = {.remote = stream->from, .local = stream->to, .transport = NET_TCP},
        .wall_ms = stream->wall_ms,
    };
    self->message(self->ctx, &message);
}

/* Takes one thing off the front; false: more bytes are needed. */
static bool take_frame(struct replay_streams *self, struct stream *stream)
{
    if (stream->data.len == 0 || (stream->hunting && !hunt(self, stream)))
        return false;
    struct sip_stream_frame frame = sip_stream_frame(&stream->framing, buffer_span(&stream->data), SIP_MESSAGE_MAX);
    switch (frame.kind) {
    case SIP_STREAM_MORE:
        return false;
    case SIP_STREAM_MESSAGE:
        tell(self, stream, frame.len);
        break;
    case SIP_STREAM_PING:
    case SIP_STREAM_SKIP:
    case SIP_STREAM_STUN:
        break;
    case SIP_STREAM_ERROR:
        self->counters.unframed++;
        stream->hunting = true;
        frame.len = span_find(buffer_span(&stream->data), '\n') + 1; /* behind the line that began it */
        break;
    }
    consume(self, stream, frame.len < stream->data.len ? frame.len : stream->data.len);
    return true;
}

/* Which packets of this kind were left unread: a TLS record (RFC 8446 5.1), a WebSocket's handshake (RFC 6455 4), or something else. */
static uint64_t *unread(struct replay_streams *self, struct span bytes, uint64_t *otherwise)
{
    if (bytes.len > 2 && bytes.at[0] >= 0x14 && bytes.at[0] <= 0x17 && bytes.at[1] == 3)
        return &self->counters.tls;
    bool handshake = span_starts_with(bytes, SPAN("HTTP/1.1 101")) ||
                     (span_starts_with(bytes, SPAN("GET ")) && memmem(bytes.at, bytes.len, "Sec-WebSocket-Key", 17));
    return handshake ? &self->counters.websocket : otherwise;
}

/* What the connection carries shows in its first bytes. */
static bool is_of_interest(struct replay_streams *self, struct stream *stream)
{
    if (stream->is_sip || stream->hunting) /* what follows a gap says nothing of what came first */
        return true;
    switch (replay_is_sip(buffer_span(&stream->data))) {
    case REPLAY_IS_SIP:
        stream->is_sip = true;
        return true;
    case REPLAY_MAY_BE_SIP:
        return false;
    case REPLAY_IS_NO_SIP:
        break;
    }
    self->counters.foreign++;
    stream->foreign = true;
    stream->unread = unread(self, buffer_span(&stream->data), &self->counters.other);
    (*stream->unread)++; /* the packet that showed it; those before it were the start of its first line */
    forget_bytes(self, stream);
    return false;
}

static void append(struct replay_streams *self, struct stream *stream, struct span bytes)
{
    size_t before = stream->data.len;
    buffer_add_span(&stream->data, bytes);
    stream->next += (uint32_t)bytes.len;
    self->held += stream->data.len - before;
    if (is_of_interest(self, stream)) {
        while (take_frame(self, stream))
            ;
    }
    stream->data.overflow = false;
}

/* ---- Segments into order ---- */

static void put_aside(struct replay_streams *self, struct stream *stream, uint32_t seq, struct span bytes)
{
    struct list *at = stream->pieces.next;
    while (at != &stream->pieces && (int32_t)(container_of(at, struct piece, node)->seq - seq) < 0)
        at = at->next;
    if (at != &stream->pieces) {
        const struct piece *same = container_of(at, struct piece, node);
        if (same->seq == seq && same->len >= bytes.len)
            return;
    }
    struct piece *piece = malloc(sizeof(*piece) + bytes.len);
    if (!piece)
        return; /* it becomes a gap */
    piece->seq = seq;
    piece->len = (uint32_t)bytes.len;
    memcpy(piece->bytes, bytes.at, bytes.len);
    if (list_is_empty(&stream->pieces))
        stream->gap_ms = stream->wall_ms;
    list_push_back(at, &piece->node); /* before `at` */
    stream->aside += bytes.len;
    self->held += bytes.len;
}

/* Appends the part of `bytes` that is new; false: it lies behind a gap. */
static bool take_in_order(struct replay_streams *self, struct stream *stream, uint32_t seq, struct span bytes)
{
    int32_t ahead = (int32_t)(seq - stream->next);
    if (ahead > 0)
        return false;
    if ((size_t) - (int64_t)ahead < bytes.len)
        append(self, stream, span_slice(bytes, (size_t) - (int64_t)ahead, bytes.len));
    return true;
}

static void take_aside(struct replay_streams *self, struct stream *stream)
{
    struct list *node;
    while (!stream->foreign && (node = list_first(&stream->pieces))) {
        struct piece *piece = container_of(node, struct piece, node);
        if (!take_in_order(self, stream, piece->seq, span_make(piece->bytes, piece->len)))
            break;
        if (!stream->foreign) /* else all is forgotten already */
            drop_piece(self, stream, piece);
    }
    if (!list_is_empty(&stream->pieces))
        stream->gap_ms = stream->wall_ms;
}

/* What is missing will not come: goes on behind it, at the next start of a message. */
static void skip_gap(struct replay_streams *self, struct stream *stream)
{
    const struct list *first = list_first(&stream->pieces);
    self->counters.gaps++;
    stream->next = container_of_const(first, struct piece, node)->seq;
    consume(self, stream, stream->data.len);
    stream->hunting = true;
    take_aside(self, stream);
}

static void restart(struct replay_streams *self, struct stream *stream, bool known, uint32_t next)
{
    forget_bytes(self, stream);
    stream->known = known;
    stream->next = next;
    stream->foreign = stream->is_sip = stream->hunting = false;
}

static void take_data(struct replay_streams *self, struct stream *stream, uint32_t seq, struct span bytes)
{
    int64_t ahead = (int32_t)(seq - stream->next);
    /* The capture began in the middle, or another connection took this one's place. */
    if (!stream->known || ahead > 4 * REPLAY_STREAM_AHEAD || ahead < -(int64_t)(1 << 30)) {
        if (replay_is_sip(bytes) != REPLAY_IS_SIP) {
            (*unread(self, bytes, &self->counters.headless))++;
            return;
        }
        restart(self, stream, true, seq);
    }
    if (take_in_order(self, stream, seq, bytes))
        take_aside(self, stream);
    else
        put_aside(self, stream, seq, bytes);
    if (!list_is_empty(&stream->pieces) &&
        (stream->aside > REPLAY_STREAM_AHEAD || stream->wall_ms - stream->gap_ms > REPLAY_STREAM_GAP_MS))
        skip_gap(self, stream);
}

void replay_streams_add(struct replay_streams *self, int64_t wall_ms, const struct replay_packet *packet,
                        const struct replay_segment *segment)
{
    struct stream *stream = find(self, packet);
    if (!stream)
        return;
    stream->wall_ms = wall_ms;
    uint32_t seq = segment->seq;
    if (segment->rst) {
        drop_stream(self, stream);
        return;
    }
    if (segment->syn && !(stream->known && stream->next == seq + 1)) /* not the same SYN again */
        restart(self, stream, true, seq + 1);
    seq += segment->syn;
    if (packet->payload.len && stream->foreign)
        (*stream->unread)++;
    else if (packet->payload.len)
        take_data(self, stream, seq, packet->payload);
    if (segment->fin && stream->known && stream->next == seq + (uint32_t)packet->payload.len)
        drop_stream(self, stream);
    else
        make_room(self, stream);
}

void replay_streams_end(struct replay_streams *self)
{
    for (struct list *at = self->recent.next; at != &self->recent; at = at->next) {
        struct stream *stream = container_of(at, struct stream, recent);
        while (!list_is_empty(&stream->pieces))
            skip_gap(self, stream);
    }
}

const struct replay_streams_counters *replay_streams_counters(const struct replay_streams *self)
{
    return &self->counters;
}
