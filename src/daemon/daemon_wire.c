/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/daemon_wire.h"
#include "net/net_stun.h"
#include "sip/sip_stream.h"

/* What a ring's message is. */
enum post_kind {
    POST_DATAGRAM, /* for its owner to receive */
    POST_STREAM,   /* the same, cut from a stream */
    POST_SEND,     /* for the worker that holds the connection to send */
    POST_NO_FLOW,  /* for the worker that owns a user: one of his phones is not at the end of its Path any more */
    POST_LOST      /* back to whom a POST_SEND came from: that connection has gone */
};

static void count_noise(struct daemon_worker *self, enum engine_noise kind)
{
    metric_count(self->shared->meters->noise[kind], worker_index(self->worker), 1);
}

static enum err hand_over(struct daemon_worker *self, unsigned owner, const struct net_flow *flow, struct span bytes)
{
    struct worker_post post = {
        .flow = *flow,
        .bytes = bytes,
        .kind = flow->transport == NET_UDP ? POST_DATAGRAM : POST_STREAM,
        .priority = gate_is_urgent(bytes),
        .patient = flow->transport != NET_UDP,
    };
    return worker_post(self->worker, owner, &post);
}

/* All messages of a call come here, to the worker that owns it. */
static void take(struct daemon_worker *self, const struct net_flow *flow, struct span bytes, enum sip_framing framing)
{
    if (self->trace)
        trace_put(self->trace, TRACE_IN, flow, bytes);
    self->core->refuse_new = daemon_shed_refuses(self, flow, bytes);
    engine_core_receive(self->core, flow, bytes, framing);
}

static void handle_group(struct daemon_worker *self)
{
    struct daemon_group *group = &self->group;
    unsigned count = group->count;
    group->count = 0;
    for (unsigned i = 0; i < count; i++) {
        if (self->trace)
            trace_put(self->trace, TRACE_IN, &group->flows[i], group->bytes[i]);
        self->core->refuse_new = daemon_shed_refuses(self, &group->flows[i], group->bytes[i]);
        engine_core_handle(self->core, i, &group->flows[i]);
    }
}

/* A datagram is read now, and handled when its group is full or nothing more has come with it. */
static void take_datagram(struct daemon_worker *self, const struct net_flow *flow, struct span bytes)
{
    struct daemon_group *group = &self->group;
    group->flows[group->count] = *flow;
    group->bytes[group->count] = bytes;
    engine_core_read(self->core, group->count, bytes, SIP_DATAGRAM);
    if (++group->count == ENGINE_GROUP)
        handle_group(self);
}

/* Here, whoever owns it: so that what a source sends too much costs nobody else. */
static void refuse(struct daemon_worker *self, const struct net_flow *flow, struct span bytes, enum sip_framing framing)
{
    handle_group(self); /* what came before */
    if (self->trace)
        trace_put(self->trace, TRACE_IN, flow, bytes);
    self->core->refuse_new = true;
    engine_core_receive(self->core, flow, bytes, framing);
}

/* Before anything else is done for a message: whether its source may send it now. */
static enum gate_admission admit(struct daemon_worker *self, const struct net_flow *flow, struct span bytes)
{
    const struct clock *clock = worker_clock(self->worker);
    struct gate_question question = {flow, bytes, clock->mono_ms, clock->wall_ms};
    enum gate_admission admission = gate_ask(self->shared->gate, &self->gate, &question);
    if (admission != GATE_ADMIT)
        count_noise(self, ENGINE_NOISE_SOURCE);
    return admission;
}

static void on_turn_begin(void *ctx)
{
    struct daemon_worker *self = ctx;
    worker_turn_begin(self->worker);
}

static void on_datagram(void *ctx, const struct net_flow *flow, struct span bytes)
{
    struct daemon_worker *self = ctx;
    enum gate_admission admission = admit(self, flow, bytes);
    if (admission == GATE_REFUSE)
        refuse(self, flow, bytes, SIP_DATAGRAM);
    if (admission != GATE_ADMIT)
        return;
    if (net_stun_serve(self->stack, flow, bytes)) /* RFC 5626 4.4.2 */
        return;
    unsigned owner = worker_owner_of(self->worker, bytes);
    if (owner == worker_index(self->worker))
        take_datagram(self, flow, bytes);
    else if (hand_over(self, owner, flow, bytes) != OK)
        count_noise(self, ENGINE_NOISE_RING_FULL); /* the sender will send it again */
}

static void on_batch(void *ctx)
{
    struct daemon_worker *self = ctx;
    handle_group(self);
}

/* Another worker wants to know when this connection ends: it has a user who registered by it, or a request of its own out on it.  Where
 * several do, and for places beyond the table, all are told. */
static void note_owner(struct daemon_worker *self, const struct net_flow *flow, unsigned owner)
{
    if (flow->slot >= DAEMON_REGISTERED_MAX)
        return;
    struct daemon_registered *known = &self->registered[flow->slot];
    bool is_first = known->generation != flow->generation;
    known->generation = flow->generation;
    known->owner = is_first || known->owner == owner + 1 ? (uint8_t)(owner + 1) : UINT8_MAX;
}

/* False: the ring is full, and the connection waits. */
static bool on_message(void *ctx, const struct net_flow *flow, struct span bytes)
{
    struct daemon_worker *self = ctx;
    enum gate_admission admission = admit(self, flow, bytes);
    if (admission == GATE_REFUSE)
        refuse(self, flow, bytes, engine_framing_of(flow));
    if (admission != GATE_ADMIT)
        return true;
    unsigned owner = worker_owner_of(self->worker, bytes);
    if (owner != worker_index(self->worker)) {
        if (span_starts_with(bytes, SPAN("REGISTER ")))
            note_owner(self, flow, owner);
        return hand_over(self, owner, flow, bytes) != ERR_FULL;
    }
    take(self, flow, bytes, engine_framing_of(flow));
    return true;
}

/* What a stream cannot be read on after is answered here, and seen by whoever looks on. */
static struct span refuse_stream(const struct daemon_worker *self, const struct net_flow *flow,
                                 const struct sip_stream_frame *found, struct span bytes)
{
    struct span broken = span_slice(bytes, 0, found->len);
    struct span answer = engine_core_refuse_stream(self->core, flow, broken, &found->problem);
    if (self->trace && answer.len) {
        trace_put(self->trace, TRACE_IN, flow, broken);
        trace_put(self->trace, TRACE_OUT, flow, answer);
    }
    return answer;
}

static struct net_frame frame(void *ctx, const struct net_flow *flow, struct span bytes,
                              struct net_frame_memory *memory)
{
    const struct daemon_worker *self = ctx;
    struct sip_stream_state state = {memory->words[0], memory->words[1]};
    struct sip_stream_frame found = sip_stream_frame(&state, bytes, self->shared->config->max_message_bytes);
    struct net_frame out = {.len = found.len, .need = state.need};
    *memory = (struct net_frame_memory){{state.scanned, state.need}};
    switch (found.kind) {
    case SIP_STREAM_MORE:
        out.kind = NET_FRAME_MORE;
        break;
    case SIP_STREAM_MESSAGE:
        out.kind = NET_FRAME_MESSAGE;
        break;
    case SIP_STREAM_PING: /* RFC 5626 4.4.1 */
        out.kind = NET_FRAME_KEEP_ALIVE;
        out.reply = SPAN("\r\n");
        break;
    case SIP_STREAM_SKIP:
    case SIP_STREAM_STUN:
        out.kind = NET_FRAME_KEEP_ALIVE;
        break;
    case SIP_STREAM_ERROR:
        out.kind = NET_FRAME_FATAL;
        out.reply = refuse_stream(self, flow, &found, bytes);
        break;
    }
    return out;
}

static void lost(struct daemon_worker *self, const struct net_flow *flow)
{
    if (flow->transport == NET_TLS && self->shared->tls->aliases)
        tls_aliases_forget(self->shared->tls->aliases, flow);
    call_table_flow_closed(self->core->calls, flow);
    notifier_flow_closed(self->core->notifier, flow);
    registrar_flow_closed(self->core->registrar, flow);
}

/* The address-of-record, a line's end, the Path: neither has one. */
static void path_failed(struct daemon_worker *self, struct span bytes)
{
    size_t end = span_find(bytes, '\n');
    registrar_path_failed(self->core->registrar, span_slice(bytes, 0, end), span_slice(bytes, end + 1, bytes.len));
}

void daemon_wire_path_failed(struct worker *worker, struct span aor, struct span path)
{
    struct daemon_worker *self = worker_data(worker);
    char text[ERRAND_DETOUR_TEXT_MAX + 1];
    struct buffer bytes = buffer_over(text, sizeof(text));
    buffer_add_span(&bytes, aor);
    buffer_add_byte(&bytes, '\n');
    buffer_add_span(&bytes, path);
    struct worker_post post = {.bytes = buffer_span(&bytes), .kind = POST_NO_FLOW};
    /* Each knows its own users; one without room hears of it with the next 430. */
    for (unsigned i = 0; i < self->shared->config->workers; i++)
        if (i == worker_index(worker))
            path_failed(self, post.bytes);
        else
            (void)!worker_post(worker, i, &post);
}

/* What `owner` has under way on this flow will not be answered.  A ring without room: its own timers find out. */
static void tell_lost(struct daemon_worker *self, unsigned owner, const struct net_flow *flow)
{
    struct worker_post post = {.flow = *flow, .bytes = SPAN("lost"), .kind = POST_LOST};
    if (owner == worker_index(self->worker))
        lost(self, flow);
    else
        (void)!worker_post(self->worker, owner, &post);
}

/* Who wants to know of its end: the worker plus one; 0: nobody; UINT8_MAX: several, or whose place has a new tenant by now, who
 * is of interest, too. */
static uint8_t owner_of_registered(const struct daemon_worker *self, const struct net_flow *flow)
{
    if (flow->slot >= DAEMON_REGISTERED_MAX)
        return UINT8_MAX;
    const struct daemon_registered *known = &self->registered[flow->slot];
    if (known->generation == flow->generation)
        return known->owner;
    return known->generation > flow->generation ? UINT8_MAX : 0;
}

static void tell_owners(struct daemon_worker *self, const struct net_flow *flow)
{
    uint8_t known = owner_of_registered(self, flow);
    for (unsigned i = 0; known && i < self->shared->config->workers; i++)
        if (i != worker_index(self->worker) && (known == UINT8_MAX || known == i + 1))
            tell_lost(self, i, flow);
}

/* Not at the end, when every connection goes and nothing can be sent any more. */
static void on_flow_closed(void *ctx, const struct net_flow *flow, enum net_close reason)
{
    (void)reason;
    struct daemon_worker *self = ctx;
    if (!self->stack || !self->core)
        return;
    lost(self, flow);
    tell_owners(self, flow);
    for (unsigned i = 0; flow->outgoing && i < DAEMON_REOPENED_MAX; i++) {
        struct daemon_reopened *one = &self->reopened[i];
        if (one->used && one->slot == flow->slot && one->generation == flow->generation) {
            one->used = false;
            tell_lost(self, one->owner, &one->was);
        }
    }
}

struct net_handlers daemon_wire_handlers(struct daemon_worker *self)
{
    return (struct net_handlers){
        .ctx = self,
        .on_turn_begin = on_turn_begin,
        .on_datagram = on_datagram,
        .on_batch = on_batch,
        .on_message = on_message,
        .frame = frame,
        .on_flow_closed = on_flow_closed,
    };
}

/* What has gone is forgotten first: so nothing goes in circles between workers. */
static enum err send_by_alias(struct daemon_worker *self, const struct net_flow *gone, struct span bytes)
{
    struct tls_aliases *aliases = self->shared->tls->aliases;
    struct net_flow flow;
    if (!aliases)
        return ERR_CLOSED;
    tls_aliases_forget(aliases, gone);
    if (!tls_aliases_find_again(aliases, gone, &flow))
        return ERR_CLOSED;
    if (flow.worker == worker_index(self->worker))
        return net_send(self->stack, &flow, bytes);
    struct worker_post post = {.flow = flow, .bytes = bytes, .kind = POST_SEND, .answer = true};
    return worker_post(self->worker, flow.worker, &post);
}

/* Over the connection that the request came by, or, when it has gone, over one to the address that the request came
 * from and the port of its sent-by (RFC 3261 18.2.2), which is what flow->remote holds by now. */
static enum err send_here(struct daemon_worker *self, const struct net_flow *flow, struct span bytes, unsigned owner)
{
    if (!self->stack)
        return ERR_CLOSED;
    enum err err = net_send(self->stack, flow, bytes);
    /* Over TLS nobody could say whose certificate to expect there, and a WebSocket client cannot be called; but the same
     * peer may have lent another connection since (RFC 5923). */
    if (err == ERR_CLOSED && flow->transport == NET_TLS)
        return send_by_alias(self, flow, bytes);
    if (err != ERR_CLOSED || flow->transport != NET_TCP)
        return err;
    struct net_flow anew;
    err = net_connect(self->stack, (enum net_transport)flow->transport, &flow->remote, &anew);
    if (err != OK)
        return err;
    /* Who sends knows the flow that has gone; when the new one fails, he has to hear of that one. */
    self->reopened[self->reopened_next++ % DAEMON_REOPENED_MAX] = (struct daemon_reopened){
        .used = true, .slot = anew.slot, .generation = anew.generation, .owner = (uint16_t)owner, .was = *flow};
    return net_send(self->stack, &anew, bytes);
}

static enum err wire_send(void *ctx, const struct net_flow *flow, struct span bytes)
{
    struct daemon_worker *self = ctx;
    enum err err;
    if (flow->transport == NET_UDP || flow->worker == worker_index(self->worker)) {
        err = send_here(self, flow, bytes, worker_index(self->worker));
    } else {
        struct worker_post post = {.flow = *flow, .bytes = bytes, .kind = POST_SEND, .answer = true};
        err = worker_post(self->worker, flow->worker, &post);
    }
    if (self->trace && err == OK)
        trace_put(self->trace, TRACE_OUT, flow, bytes);
    return err;
}

struct txn_wire daemon_wire(struct daemon_worker *self)
{
    return (struct txn_wire){self, wire_send};
}

void daemon_wire_on_posted(void *ctx, struct worker *worker)
{
    (void)ctx;
    handle_group(worker_data(worker));
}

void daemon_wire_on_post(void *ctx, struct worker *worker, const struct worker_post *post)
{
    (void)ctx;
    struct daemon_worker *self = worker_data(worker);
    struct net_flow flow = post->flow;
    if (post->kind != POST_DATAGRAM)
        handle_group(self);
    switch ((enum post_kind)post->kind) {
    case POST_DATAGRAM:
        /* A datagram's answer leaves from our own socket of the same listener. */
        flow.worker = (uint16_t)worker_index(worker);
        take_datagram(self, &flow, post->bytes);
        break;
    case POST_STREAM:
        take(self, &flow, post->bytes, engine_framing_of(&flow));
        break;
    case POST_SEND:
        if (send_here(self, &flow, post->bytes, post->from) == OK) {
            if (!span_starts_with(post->bytes, SPAN("SIP/2.0 ")))
                note_owner(self, &flow, post->from);
            break;
        }
        count_noise(self, ENGINE_NOISE_SEND_FAILED);
        tell_lost(self, post->from, &flow);
        break;
    case POST_LOST:
        lost(self, &flow);
        break;
    case POST_NO_FLOW:
        path_failed(self, post->bytes);
        break;
    }
}
