/* SPDX-License-Identifier: Apache-2.0 */
/* The framing layer: cuts a stream into messages by the injected function.  Memory is held only for a message that has
 * not come whole. */
#include "net/net_layer.h"

#include "util/invariant.h"
#include <stdlib.h>

/* What a read may bring behind an incomplete message, or while a message cannot be taken. */
enum { READ_AHEAD = 2 * 65536 };

struct framing {
    struct buffer input; /* starts at a message's first byte */
    size_t need;         /* bytes below which asking again is idle */
    struct net_frame_memory memory;
};

/* What one pass over buffered bytes came to. */
struct pass {
    size_t used;
    bool whole;
};

static enum err start(struct net_layer *layer, bool client)
{
    (void)client;
    struct framing *framing = calloc(1, sizeof(*framing));
    if (!framing)
        return net_layer_fail(layer, NET_CLOSE_NO_MEMORY, false);
    framing->input = buffer_heap(net_layer_limits(layer)->message_max + READ_AHEAD);
    layer->state = framing;
    return net_layer_ready(layer);
}

static void free_state(struct net_layer *layer)
{
    struct framing *framing = layer->state;
    if (framing)
        buffer_done(&framing->input);
    free(framing);
    layer->state = NULL;
}

static enum err reply_with(struct net_layer *layer, struct span reply)
{
    return reply.len > 0 ? net_layer_down(layer, reply) : OK;
}

/* Handles the first unit of `rest`; what it used goes into `pass`, nothing when it is incomplete. */
static enum err take_unit(struct net_layer *layer, struct span rest, struct pass *pass)
{
    struct framing *framing = layer->state;
    const struct net_handlers *handlers = net_layer_handlers(layer);
    size_t most = net_layer_limits(layer)->message_max;
    struct net_frame frame = handlers->frame(handlers->ctx, net_layer_flow(layer), rest, &framing->memory);
    invariant(frame.kind == NET_FRAME_MORE || frame.kind == NET_FRAME_FATAL ||
              (frame.len > 0 && frame.len <= rest.len));
    enum err err = OK;
    switch (frame.kind) {
    case NET_FRAME_MORE:
        framing->need = frame.need;
        return rest.len >= most || frame.need > most ? net_layer_fail(layer, NET_CLOSE_TOO_LONG, true) : OK;
    case NET_FRAME_FATAL:
        err = reply_with(layer, frame.reply);
        return err == OK ? net_layer_fail(layer, NET_CLOSE_FRAMING, true) : err;
    case NET_FRAME_KEEP_ALIVE:
        net_layer_counters(layer)->stream_keep_alives++;
        err = reply_with(layer, frame.reply);
        break;
    case NET_FRAME_MESSAGE:
        if (frame.len > most)
            return net_layer_fail(layer, NET_CLOSE_TOO_LONG, true);
        if (!net_layer_message(layer, span_slice(rest, 0, frame.len)))
            return OK; /* stalled: it stays buffered */
        break;
    }
    framing->memory = (struct net_frame_memory){0};
    pass->used += frame.len;
    pass->whole = true;
    return err;
}

static enum err take_units(struct net_layer *layer, struct span bytes, struct pass *pass)
{
    struct framing *framing = layer->state;
    framing->need = 0;
    while (pass->used < bytes.len && !net_layer_must_stop(layer)) {
        size_t before = pass->used;
        enum err err = take_unit(layer, span_slice(bytes, before, bytes.len), pass);
        if (err != OK)
            return err;
        if (pass->used == before)
            break;
    }
    return OK;
}

/* Takes units out of what is held. */
static enum err take_held(struct net_layer *layer)
{
    struct framing *framing = layer->state;
    struct pass pass = {0};
    enum err err = take_units(layer, buffer_span(&framing->input), &pass);
    if (err != OK)
        return err;
    framing->input.len -= pass.used;
    if (framing->input.len == 0)
        buffer_done(&framing->input);
    else if (pass.used > 0)
        memmove(framing->input.at, framing->input.at + pass.used, framing->input.len);
    if (!net_layer_must_stop(layer))
        net_layer_progress(layer, pass.whole, framing->input.len > 0);
    return OK;
}

static enum err hold(struct net_layer *layer, struct span bytes)
{
    struct framing *framing = layer->state;
    buffer_add_span(&framing->input, bytes);
    return framing->input.overflow ? net_layer_fail(layer, NET_CLOSE_NO_MEMORY, false) : OK;
}

static enum err unwrap(struct net_layer *layer, struct span bytes)
{
    struct framing *framing = layer->state;
    struct pass pass = {0};
    if (framing->input.len > 0) {
        enum err err = hold(layer, bytes);
        if (err != OK || net_layer_must_stop(layer) || framing->input.len < framing->need)
            return err;
        return take_held(layer);
    }
    enum err err = take_units(layer, bytes, &pass);
    if (err == OK && pass.used < bytes.len)
        err = hold(layer, span_slice(bytes, pass.used, bytes.len));
    if (err == OK && !net_layer_must_stop(layer))
        net_layer_progress(layer, pass.whole, pass.used < bytes.len);
    return err;
}

static enum err resume(struct net_layer *layer)
{
    return take_held(layer);
}

const struct net_layer_ops net_layer_frame = {
    .name = "frame",
    .start = start,
    .unwrap = unwrap,
    .wrap = net_layer_down,
    .resume = resume,
    .free = free_state,
};
