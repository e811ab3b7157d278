/* SPDX-License-Identifier: Apache-2.0 */
/* A seeded simulation of transactions and calls: scripted callers on a network that loses, doubles, delays and reorders,
 * against the real code on a fake clock.  The same seed gives the same schedule.  What must always hold is checked at
 * every message that leaves (call_simulator_watch.h); what must hold at last, when a schedule is over.
 * A reload changes who decides, which is above this floor: here it is an INVITE that is held while others come and go. */
#pragma once

#include "support/call_simulator_watch.h"

static inline uint64_t sim_below(struct sim *sim, uint64_t bound)
{
    return random_below(&sim->random, bound);
}

static inline bool sim_chance(struct sim *sim, unsigned percent)
{
    return sim_below(sim, 100) < percent;
}

static inline struct sim_event *sim_plan(struct sim *sim, enum sim_event_kind kind, unsigned caller, uint64_t after_ms)
{
    if (sim->event_count == SIM_EVENTS_MAX) {
        sim_fail(sim, "the simulator's own queue is full");
        return &sim->spill;
    }
    struct sim_event *event = &sim->events[sim->event_count++];
    event->at_ms = sim->fake.clock.mono_ms + after_ms;
    event->order = sim->next_order++;
    event->kind = kind;
    event->caller = caller;
    event->len = 0;
    event->streams = 0;
    return event;
}

/* Puts bytes on the network, where they are lost, doubled, or arrive after a while. */
static inline void sim_carry(struct sim *sim, enum sim_event_kind kind, unsigned caller, struct span bytes)
{
    unsigned copies = sim_chance(sim, sim->loss) ? 0 : sim_chance(sim, sim->doubling) ? 2 : 1;
    while (copies--) {
        struct sim_event *event = sim_plan(sim, kind, caller, sim_below(sim, sim->delay_ms + 1));
        if (bytes.len > sizeof(event->bytes)) {
            sim_fail(sim, "a message is longer than the simulator expects");
            return;
        }
        memcpy(event->bytes, bytes.at, bytes.len);
        event->len = bytes.len;
    }
}

/* What a dead wire refuses was said all the same: it counts for all that must hold, but nobody hears it. */
static inline enum err sim_wire_send(void *ctx, const struct net_flow *flow, struct span bytes)
{
    struct sim *sim = ctx;
    sim->leaves_by = flow;
    sim_watch(sim, bytes);
    if (sim->wire_is_dead || (sim->closed.remote.port && net_flow_equal(flow, &sim->closed)))
        return ERR_CLOSED;
    struct sim_sent sent = sim_sent_of(sim, bytes);
    if (sent.caller < sim->caller_count)
        sim_carry(sim, SIM_TO_CALLER, sent.caller, bytes);
    return OK;
}

/* ---- the callers ---- */

static inline struct sip_ask sim_ask(struct sim_caller *caller, const char *method, unsigned cseq, char branch[64])
{
    snprintf(branch, 64, "z9hG4bK-%s-%s-%u", method, caller->call_id, cseq);
    return (struct sip_ask){.method = method,
                            .branch = branch,
                            .call_id = caller->call_id,
                            .cseq = cseq,
                            .to_tag = *caller->to_tag ? caller->to_tag : NULL};
}

static inline void sim_send(struct sim *sim, unsigned index, struct sip_ask ask)
{
    const struct sip_message *message = sip_ask(&sim->asked, ask);
    sim_carry(sim, SIM_TO_ENGINE, index, message->bytes);
}

static inline void sim_send_invite(struct sim *sim, unsigned index)
{
    struct sim_caller *caller = &sim->callers[index];
    char branch[64];
    struct sip_ask ask = sim_ask(caller, "INVITE", caller->invite_cseq, branch);
    if (caller->invite_cseq == 1)
        ask.to_tag = NULL;
    ask.body = *caller->offer ? caller->offer : NULL;
    ask.extra = caller->extra;
    sim_send(sim, index, ask);
    /* No copy may arrive when its transaction has ended: the last one goes out after 31 T1. */
    if (caller->interval_ms < 16 * SIM_T1_MS && !sim->is_stream)
        sim_plan(sim, SIM_RESEND_INVITE, index, caller->interval_ms);
    caller->interval_ms *= 2;
}

static inline void sim_send_ack(struct sim *sim, unsigned index, unsigned cseq, bool is_2xx, unsigned streams)
{
    struct sim_caller *caller = &sim->callers[index];
    char branch[64];
    struct sip_ask ask = sim_ask(caller, is_2xx ? "ACK" : "INVITE", cseq, branch);
    ask.method = "ACK";
    ask.body = streams && !caller->answers_badly ? sim_answer(sim, streams) : NULL;
    if (is_2xx && sim_chance(sim, 5))
        ask.to_tag = "0123456789abcdef";
    else if (is_2xx && sim_chance(sim, 5))
        ask.cseq++;
    else if (is_2xx && sim_chance(sim, 5))
        ask.from_tag = "mallory";
    sim_send(sim, index, ask);
}

static inline void sim_new_invite(struct sim *sim, unsigned index)
{
    struct sim_caller *caller = &sim->callers[index];
    caller->invite_cseq = ++caller->cseq;
    caller->invite_answered = caller->has_cancelled = false;
    caller->interval_ms = SIM_T1_MS;
    bool offers = caller->cseq == 1 ? caller->has_offer : sim_chance(sim, 60);
    span_copy(span_of(offers ? sim_offer(sim, caller) : ""), caller->offer, sizeof(caller->offer));
    if (caller->cseq == 1)
        memcpy(caller->first_offer, caller->offer, sizeof(caller->first_offer));
    caller->invited_ms = sim->fake.clock.mono_ms;
    sim_send_invite(sim, index);
}

/* An offer; or, now and then, what is none. */
static inline void sim_set_body(struct sim *sim, struct sim_caller *caller, struct sip_ask *ask)
{
    unsigned lot = (unsigned)sim_below(sim, 10);
    ask->body = lot < 2 ? "hello" : sim_offer(sim, caller);
    ask->type = lot < 2 ? "text/plain" : NULL;
    if (lot == 0)
        ask->type = "application/isup";
}

static inline void sim_act(struct sim *sim, unsigned index)
{
    static const char *const methods[] = {"BYE", "MESSAGE", "UPDATE", "INFO", "OPTIONS", "PRACK", "REFER", "FOO"};
    struct sim_caller *caller = &sim->callers[index];
    char branch[64];
    unsigned what = (unsigned)sim_below(sim, 11);
    if (what == 8 && !caller->invite_answered && !(sim->is_stream && caller->has_cancelled) &&
        sim->fake.clock.mono_ms - caller->invited_ms < 40 * SIM_T1_MS) {
        struct sip_ask stray = sim_ask(caller, "INVITE", caller->invite_cseq, branch);
        stray.to_tag = caller->invite_cseq == 1 ? NULL : stray.to_tag;
        stray.body = *caller->offer ? caller->offer : NULL;
        stray.extra = caller->extra;
        if (!sim->is_stream)
            sim_send(sim, index, stray);
        struct sip_ask cancel = sim_ask(caller, "INVITE", caller->invite_cseq, branch);
        cancel.method = "CANCEL";
        caller->has_cancelled = true;
        sim_send(sim, index, cancel);
    } else if (what == 9 && *caller->to_tag && caller->invite_answered) {
        sim_new_invite(sim, index);
    } else if (what == 10 && caller->call) {
        call_hangup(caller->call, SPAN("Q.850;cause=16"));
    } else if (what < 8 && *caller->to_tag) {
        struct sip_ask ask = sim_ask(caller, methods[what], ++caller->cseq, branch);
        if (what == 2 && sim_chance(sim, 60))
            sim_set_body(sim, caller, &ask);
        if (what == 2 && sim_chance(sim, 50))
            ask.extra = caller->extra;
        sim_send(sim, index, ask);
        if (!sim->is_stream)
            sim_send(sim, index, ask);
    }
}

/* RFC 3262: each reliable 1xx is acknowledged, a repeated one again. */
static inline void sim_send_prack(struct sim *sim, unsigned index, const struct sip_message *response)
{
    struct sim_caller *caller = &sim->callers[index];
    struct span rseq = sip_message_value(response, SIP_HEADER_RSEQ);
    char extra[160], branch[64];
    if (!caller->pracks || sim_chance(sim, 20) || response->to.tag.len != TXN_TAG_LEN)
        return;
    memcpy(caller->to_tag, response->to.tag.at, TXN_TAG_LEN);
    if (sim_chance(sim, 10)) /* for a response that never was */
        snprintf(extra, sizeof(extra), "RAck: 7%.*s %u INVITE\r\n", (int)rseq.len - 1, rseq.at, response->cseq);
    else
        snprintf(extra, sizeof(extra), "RAck: %.*s %u INVITE\r\n", SPAN_ARG(rseq), response->cseq);
    struct sip_ask ask = sim_ask(caller, "PRACK", ++caller->cseq, branch);
    ask.extra = extra;
    bool is_ours = response->body.len && !*caller->first_offer;
    if (is_ours && !caller->answers_badly)
        ask.body = sim_answer(sim, sim_streams_of(response->body));
    else if (!is_ours && sim_chance(sim, 50))
        sim_set_body(sim, caller, &ask);
    if (ask.type && *ask.type == 'a') /* nobody minds when it is left unread */
        snprintf(extra + strlen(extra), sizeof(extra) - strlen(extra),
                 "Content-Disposition: signal;handling=optional\r\n");
    sim_send(sim, index, ask);
}

static inline void sim_plan_ack(struct sim *sim, unsigned index, const struct sip_message *response)
{
    const struct sim_caller *caller = &sim->callers[index];
    struct sim_event *event = sim_plan(sim, SIM_ACK, index, sim_below(sim, 2000));
    event->cseq = response->cseq;
    if (response->cseq == caller->invite_cseq && !*caller->offer)
        event->streams = sim_streams_of(response->body);
}

static inline void sim_hear_response(struct sim *sim, unsigned index, const struct sip_message *response)
{
    struct sim_caller *caller = &sim->callers[index];
    if (response->cseq_method != SIP_METHOD_INVITE)
        return;
    if (response->cseq == caller->invite_cseq)
        caller->invite_answered = true;
    if (response->status < 200 && sip_message_has(response, SIP_HEADER_RSEQ))
        sim_send_prack(sim, index, response);
    if (response->status >= 200 && response->status < 300 && response->to.tag.len == TXN_TAG_LEN) {
        memcpy(caller->to_tag, response->to.tag.at, TXN_TAG_LEN);
        if (caller->acks && !sim_chance(sim, 10))
            sim_plan_ack(sim, index, response);
    } else if (response->status >= 300 && caller->acks) {
        sim_send_ack(sim, index, response->cseq, false, 0);
    }
}

/* A refresh is answered well for a while; then the peer has enough of it, or goes silent.  A copy gets the same answer, so
 * it follows from the number. */
static inline unsigned sim_answer_to(struct sim *sim, struct sim_caller *caller)
{
    static const unsigned codes[] = {491, 488, 500, 405, 422, 481, 408, 0, 0, 0};
    static const struct siphash_key key = {3, 4};
    uint64_t which[] = {sim->seed, sim->heard.cseq, sim->heard.method};
    uint64_t lot = siphash(&key, which, sizeof(which));
    if (sim->heard.method == SIP_METHOD_BYE)
        return sim_chance(sim, 90) ? 200 : 481;
    if (sim->heard.cseq <= caller->patience && lot % 5)
        return 200;
    return codes[lot / 5 % (sizeof(codes) / sizeof(*codes))];
}

static inline void sim_hear_request(struct sim *sim, const struct sim_event *event)
{
    struct sim_caller *caller = &sim->callers[event->caller];
    if (caller->is_deaf || sim->heard.method == SIP_METHOD_ACK)
        return;
    char text[SIM_MESSAGE_MAX + 1];
    unsigned code = sim_answer_to(sim, caller);
    if (!code)
        return;
    caller->answered_ours |= sim->heard.method == SIP_METHOD_INVITE;
    snprintf(text, sizeof(text), "%.*s", (int)event->len, event->bytes);
    if (sim_chance(sim, 10))
        sim_carry(sim, SIM_TO_ENGINE, event->caller, sip_ask_answer(&sim->asked, text, 100)->bytes);
    sim_carry(sim, SIM_TO_ENGINE, event->caller, sip_ask_answer(&sim->asked, text, code)->bytes);
}

static inline void sim_hear(struct sim *sim, const struct sim_event *event)
{
    struct sip_problem problem;
    struct sip_message *message = &sim->heard;
    if (sip_message_parse(message, span_make(event->bytes, event->len), SIP_DATAGRAM, &problem) != OK) {
        sim_fail(sim, "the engine sent what its own parser refuses");
        return;
    }
    if (!message->is_request) {
        sim_hear_response(sim, event->caller, message);
        return;
    }
    sim_hear_request(sim, event);
}

/* ---- what an engine does ---- */

static inline void sim_answer_plain(struct sim *sim, struct txn *txn, const struct sip_message *request, unsigned code)
{
    char memory[4096];
    struct buffer out = buffer_over(memory, sizeof(memory));
    struct sip_reply_via via = {0};
    sip_reply_begin(&out, request, code, SPAN(""), &via, txn_tag(txn));
    sip_reply_end(&out, SPAN(""), SPAN(""));
    if (txn_reply(txn, code, buffer_span(&out)) != OK)
        sim_fail(sim, "an answer was refused");
}

static inline void sim_accept(struct sim *sim, unsigned index, struct txn *txn, const struct sip_message *invite)
{
    struct call_accept accept = {.contact = SPAN("<sip:verdict@192.0.2.1:5060>"),
                                 .media_address = SPAN("192.0.2.1"),
                                 .source = sim->flow.remote,
                                 .user = &sim->callers[index]};
    static const enum call_sdp sdps[] = {CALL_SDP_INACTIVE, CALL_SDP_SENDRECV, CALL_SDP_REJECT, CALL_SDP_BODY};
    accept.sdp = sdps[sim_below(sim, 4)];
    accept.body = SPAN(SIM_MEDIA_SERVER);
    if (sim_chance(sim, 40)) {
        accept.rings = true;
        accept.ring_ms = (uint32_t)sim_below(sim, 20000);
        accept.progress = sim_chance(sim, 40);
    }
    if (sim_chance(sim, 15))
        accept.hangup_after_s = 1 + (uint32_t)sim_below(sim, 40);
    if (sim_chance(sim, 15))
        accept.session_expires_s = 12 + (uint32_t)sim_below(sim, 60);
    const char *why;
    struct call *call;
    if (call_new(sim->calls, txn, invite, &accept, &call, &why) != OK)
        sim_answer_plain(sim, txn, invite, 503);
    else {
        sim->callers[index].opened++;
        sim->callers[index].is_limited = accept.hangup_after_s != 0;
    }
}

static inline void sim_decide(struct sim *sim, unsigned index, struct txn *txn, const struct sip_message *invite)
{
    struct sim_caller *caller = &sim->callers[index];
    switch (caller->decision) {
    case SIM_ACCEPT:
        sim_accept(sim, index, txn, invite);
        break;
    case SIM_REFUSE:
        sim_answer_plain(sim, txn, invite, 410);
        break;
    case SIM_DROP:
        txn_absorb(txn);
        break;
    case SIM_HOLD:
        if (txn_hold(txn, invite) != OK)
            sim_fail(sim, "an INVITE could not be held");
        caller->held = txn;
        txn_set_user(txn, caller);
        if (sim_chance(sim, 50))
            sim_plan(sim, SIM_RING, index, sim_below(sim, 3000));
        sim_plan(sim, SIM_DECIDE, index, sim_below(sim, 20000));
        break;
    }
}

static inline void sim_receive_new(struct sim *sim, unsigned index, const struct sip_message *request, bool is_merged)
{
    struct txn *txn;
    if (request->to.tag.at && !is_merged) {
        if (call_receive(sim->calls, request, &sim->flow, &sim->flow.remote) != OK)
            sim_fail(sim, "a request in a dialog was refused");
        return;
    }
    if (txn_server_new(sim->txns, request, &sim->flow, &txn) != OK) {
        sim_fail(sim, "no transaction could be opened");
        return;
    }
    if (is_merged)
        sim_answer_plain(sim, txn, request, 482);
    else if (request->method == SIP_METHOD_INVITE)
        sim_decide(sim, index, txn, request);
    else
        sim_answer_plain(sim, txn, request, 481);
}

/* A 2xx to our INVITE gets an ACK at once, each time, as long as there is a call. */
static inline void sim_receive_response(struct sim *sim, unsigned index, const struct sip_message *response)
{
    uint64_t acks = sim->acks;
    bool is_accepted = response->cseq_method == SIP_METHOD_INVITE && response->status / 100 == 2;
    bool is_call = sim->callers[index].call != NULL;
    if (response->cseq_method == SIP_METHOD_INVITE && response->status >= 200)
        sim->callers[index].is_offering = false;
    if (txn_receive_response(sim->txns, response) && is_accepted && is_call && !sim->wire_is_dead && sim->acks == acks)
        sim_fail(sim, "a 2xx to our INVITE was not acknowledged");
}

static inline void sim_receive(struct sim *sim, struct sim_event *event)
{
    struct sip_problem problem;
    struct sip_message *message = &sim->heard;
    if (sip_message_parse(message, span_make(event->bytes, event->len), SIP_DATAGRAM, &problem) != OK) {
        sim_fail(sim, "the simulator sent what the parser refuses");
        return;
    }
    if (!message->is_request) {
        sim_receive_response(sim, event->caller, message);
        return;
    }
    sim->arrived_by = message->method == SIP_METHOD_ACK && sim_chance(sim, 20) ? &sim->other : &sim->flow;
    sim_watch_arrival(sim, event->caller, message);
    sim->at_hand = message;
    struct txn_arrival arrival = txn_receive(sim->txns, message, &sim->flow);
    if (arrival.class == TXN_NEW || arrival.class == TXN_MERGED)
        sim_receive_new(sim, event->caller, message, arrival.class == TXN_MERGED);
    else if (arrival.class == TXN_ACK_FOR_CALL)
        call_receive_ack(sim->calls, message, sim->arrived_by);
    else if ((arrival.class == TXN_CANCEL_MATCHED || arrival.class == TXN_CANCEL_UNMATCHED) &&
             call_cancel(sim->calls, message, arrival.txn, &sim->flow, &sim->flow.remote) != OK)
        sim_fail(sim, "a CANCEL was refused");
    sim->at_hand = NULL;
    sim_watch_done(sim, event->caller);
}

/* The held INVITE's turn has come, unless it was cancelled. */
static inline void sim_continue(struct sim *sim, unsigned index, bool is_final)
{
    struct sim_caller *caller = &sim->callers[index];
    struct txn *txn = caller->held;
    struct sip_problem problem;
    if (!txn || txn_state(txn) != TXN_PROCEEDING)
        return;
    if (sip_message_parse(&sim->heard, txn_request(txn), SIP_DATAGRAM, &problem) != OK)
        sim_fail(sim, "the held request was spoilt");
    else if (!is_final)
        sim_answer_plain(sim, txn, &sim->heard, 180);
    else if (sim_chance(sim, 50))
        sim_accept(sim, index, txn, &sim->heard);
    else
        sim_answer_plain(sim, txn, &sim->heard, 486);
}

/* ---- the schedule ---- */

static inline void sim_perform(struct sim *sim, struct sim_event *event)
{
    if (sim->is_verbose && event->len)
        printf("%8llu to %s %u: %.*s\n", (unsigned long long)sim->fake.clock.mono_ms,
               event->kind == SIM_TO_ENGINE ? "engine by" : "caller", event->caller, (int)event->len, event->bytes);
    struct sim_caller *caller = &sim->callers[event->caller];
    switch (event->kind) {
    case SIM_TO_ENGINE:
        sim_receive(sim, event);
        break;
    case SIM_TO_CALLER:
        sim_hear(sim, event);
        break;
    case SIM_RESEND_INVITE:
        if (!caller->invite_answered)
            sim_send_invite(sim, event->caller);
        break;
    case SIM_ACK:
        sim_send_ack(sim, event->caller, event->cseq, true, event->streams);
        break;
    case SIM_ACT:
        sim_act(sim, event->caller);
        break;
    case SIM_RING:
        sim_continue(sim, event->caller, false);
        break;
    case SIM_DECIDE:
        sim_continue(sim, event->caller, true);
        break;
    case SIM_SHUTDOWN:
        sim->was_shut_down = true;
        call_table_shutdown(sim->calls);
        break;
    case SIM_FLOW_CLOSES: /* the callers come back over another connection */
        sim->closed = sim->flow;
        sim->flow = sim->other;
        call_table_flow_closed(sim->calls, &sim->closed);
        break;
    case SIM_WIRE_DIES:
        sim->wire_is_dead = true;
        break;
    case SIM_WIRE_LIVES:
        sim->wire_is_dead = false;
        break;
    }
}

static inline void sim_set_up_caller(struct sim *sim, unsigned index)
{
    struct sim_caller *caller = &sim->callers[index];
    *caller = (struct sim_caller){.acks = !sim_chance(sim, 20),
                                  .is_deaf = sim_chance(sim, 10),
                                  .has_offer = sim_chance(sim, 75),
                                  .answers_badly = sim_chance(sim, 20),
                                  .pracks = !sim_chance(sim, 20)};
    static const char *const extras[] = {"", "Expires: 7\r\n", "Require: 100rel\r\n", "Supported: 100rel\r\n"};
    static const char *const timers[] = {"",
                                         "",
                                         "Supported: timer\r\n",
                                         "k: timer\r\nx: 30;refresher=uac\r\n",
                                         "k: timer\r\nx: 20;refresher=uas\r\n",
                                         "x: 25\r\n",
                                         "k: timer\r\nx: 5\r\n"};
    snprintf(caller->extra_text, sizeof(caller->extra_text), "%s%s%s", extras[sim_below(sim, 4)],
             timers[sim_below(sim, 7)], sim_chance(sim, 50) ? "Allow: INVITE, UPDATE\r\n" : "");
    caller->extra = caller->extra_text;
    caller->patience = (unsigned)sim_below(sim, 4);
    static const enum sim_decision decisions[] = {SIM_ACCEPT, SIM_ACCEPT, SIM_ACCEPT, SIM_REFUSE, SIM_HOLD, SIM_DROP};
    caller->decision = decisions[sim_below(sim, sizeof(decisions) / sizeof(*decisions))];
    snprintf(caller->call_id, sizeof(caller->call_id), "c%u-%llu", index, (unsigned long long)sim->seed % 100000);
    sim->caller_count = index + 1;
    sim_new_invite(sim, index);
    for (uint64_t actions = sim_below(sim, 5); actions; actions--)
        sim_plan(sim, SIM_ACT, index, sim_below(sim, sim_chance(sim, 50) ? 3000 : 40000));
}

/* Datagrams, or a connection, on which nothing is lost or doubled, until it closes. */
static inline void sim_set_up_flows(struct sim *sim)
{
    enum net_transport transport = (sim->is_stream = sim_chance(sim, 25)) ? NET_TCP : NET_UDP;
    sim->flow = sip_ask_flow(transport, "192.0.2.9:5060");
    sim->other = sip_ask_flow(transport, "192.0.2.9:5070");
    sim->closed = (struct net_flow){0};
    if (!sim->is_stream)
        return;
    sim->loss = sim->doubling = 0;
    if (sim_chance(sim, 50))
        sim_plan(sim, SIM_FLOW_CLOSES, 0, sim_below(sim, 40000));
}

static inline void sim_set_up(struct sim *sim, uint64_t seed)
{
    random_seed(&sim->random, seed);
    sim->seed = seed;
    sim->caller_count = sim->event_count = 0;
    sim->wire_is_dead = sim->was_shut_down = false;
    static const unsigned losses[] = {0, 5, 30, 70};
    static const unsigned delays[] = {0, 20, 700, 4000};
    sim->loss = losses[sim_below(sim, 4)];
    sim->doubling = losses[sim_below(sim, 3)];
    sim->delay_ms = delays[sim_below(sim, 4)];
    sim_set_up_flows(sim);
    for (unsigned i = 0, count = 1 + (unsigned)sim_below(sim, SIM_CALLERS_MAX); i < count; i++)
        sim_set_up_caller(sim, i);
    if (sim_chance(sim, 10))
        sim_plan(sim, SIM_SHUTDOWN, 0, sim_below(sim, 40000));
    if (sim_chance(sim, 10)) {
        uint64_t dies_ms = sim_below(sim, 20000);
        sim_plan(sim, SIM_WIRE_DIES, 0, dies_ms);
        sim_plan(sim, SIM_WIRE_LIVES, 0, dies_ms + sim_below(sim, 10000));
    }
}

static inline unsigned sim_next_event(const struct sim *sim)
{
    unsigned best = 0;
    for (unsigned i = 1; i < sim->event_count; i++) {
        const struct sim_event *event = &sim->events[i], *first = &sim->events[best];
        if (event->at_ms < first->at_ms || (event->at_ms == first->at_ms && event->order < first->order))
            best = i;
    }
    return best;
}

/* Runs one schedule to its very end.  False: sim->failure says what did not hold. */
static inline bool sim_run(struct sim *sim, uint64_t seed)
{
    sim_set_up(sim, seed);
    static const uint64_t whole = 64 * SIM_T1_MS;
    for (unsigned turns = 0; !sim->failure; turns++) {
        if (turns == SIM_TURNS_MAX) {
            sim_fail(sim, "time stands still, or a schedule has no end");
            break;
        }
        /* Nothing is left after the last event, 64*T1 for the ACK, 64*T1 for our BYE and T4. */
        uint64_t now = sim->fake.clock.mono_ms;
        unsigned next = sim_next_event(sim);
        bool is_quiet = sim->event_count == 0;
        uint64_t wake = wheel_next_ms(&sim->fake.wheel);
        if (is_quiet && wake == UINT64_MAX)
            break;
        if (is_quiet && wake > 6 * whole) { /* 360*T1 is the longest: a re-INVITE of ours that got a 1xx alone */
            sim_fail(sim, "a timer runs far into the future");
            break;
        }
        if (is_quiet || (wake != UINT64_MAX && now + wake <= sim->events[next].at_ms)) {
            fake_clock_leap(&sim->fake, wake);
            continue;
        }
        fake_clock_leap(&sim->fake, sim->events[next].at_ms - now);
        struct sim_event event = sim->events[next];
        sim->events[next] = sim->events[--sim->event_count];
        sim_perform(sim, &event);
    }
    sim->schedules++;
    if (!sim->failure)
        sim_watch_end(sim);
    return !sim->failure && sim_refresh(sim);
}
