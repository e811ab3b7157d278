/* SPDX-License-Identifier: Apache-2.0 */
/* What a simulation of calls watches: the truths that no schedule may break. */
#pragma once

#include "sip/sip_value.h"
#include "support/call_simulator_sdp.h"

/* What left, in short. */
struct sim_sent {
    unsigned caller;
    bool is_request;
};

static inline struct sim_sent sim_sent_of(struct sim *sim, struct span bytes)
{
    (void)bytes;
    struct sim_sent sent = {.caller = SIM_CALLERS_MAX, .is_request = sim->watched.is_request};
    for (unsigned i = 0; i < sim->caller_count; i++) {
        if (span_equal(sim->watched.call_id, span_of(sim->callers[i].call_id)))
            sent.caller = i;
    }
    return sent;
}

static inline struct sim_final *sim_final_find(struct sim_caller *caller, struct span branch, enum sip_method method)
{
    for (unsigned i = 0; i < caller->final_count; i++) {
        struct sim_final *final = &caller->finals[i];
        if (final->method == method && span_equal(branch, span_of(final->branch)))
            return final;
    }
    return NULL;
}

/* The 2xx to INVITE with this CSeq, or with 0 the latest. */
static inline struct sim_final *sim_final_2xx(struct sim_caller *caller, unsigned cseq)
{
    struct sim_final *found = NULL;
    for (unsigned i = 0; i < caller->final_count; i++) {
        struct sim_final *final = &caller->finals[i];
        if (final->method == SIP_METHOD_INVITE && final->status < 300 && (!cseq || final->cseq == cseq))
            found = final;
    }
    return found;
}

static inline void sim_watch_repeat(struct sim *sim, struct sim_final *final, uint64_t hash)
{
    uint64_t age = sim->fake.clock.mono_ms - final->first_ms;
    final->is_owed = false;
    if (final->hash != hash || final->status != sim->watched.status)
        sim_fail(sim, "one transaction got two different final answers");
    final->sendings++;
    if (final->method != SIP_METHOD_INVITE)
        return;
    if (final->is_acked)
        sim_fail(sim, "a final answer was repeated after its ACK");
    if (age >= 64 * SIM_T1_MS)
        sim_fail(sim, "a final answer was repeated after 64*T1");
    if (final->sendings > SIM_SENDINGS + (final->status < 300 ? 0 : final->asked))
        sim_fail(sim, "a final answer was sent too often");
}

static inline void sim_watch_final(struct sim *sim, struct sim_caller *caller, struct span bytes)
{
    static const struct siphash_key key = {9, 9};
    const struct sip_message *response = &sim->watched;
    uint64_t hash = siphash(&key, bytes.at, bytes.len);
    struct sim_final *final = sim_final_find(caller, response->via.branch, response->cseq_method);
    if (final) {
        sim_watch_repeat(sim, final, hash);
        return;
    }
    if (caller->final_count == SIM_FINALS_MAX) {
        sim_fail(sim, "more transactions than the simulator expects");
        return;
    }
    final = &caller->finals[caller->final_count++];
    *final = (struct sim_final){.cseq = response->cseq,
                                .status = response->status,
                                .sendings = 1,
                                .method = response->cseq_method,
                                .hash = hash,
                                .first_ms = sim->fake.clock.mono_ms};
    span_copy(response->via.branch, final->branch, sizeof(final->branch));
    sim->finals++;
    if (response->cseq_method != SIP_METHOD_INVITE || response->cseq > 1)
        sim_judge_final(sim, caller, response);
    else if (response->status < 300)
        sim_judge_first(sim, caller, response);
    if (caller->stale_cseq && response->cseq == caller->stale_cseq && response->status < 400)
        sim_fail(sim, "a request with an old number was accepted");
    bool takes_offer = (response->cseq_method == SIP_METHOD_INVITE && response->cseq > 1) ||
                       (response->cseq_method == SIP_METHOD_UPDATE && response->body.len);
    if (takes_offer && response->status < 300 && caller->is_offering)
        sim_fail(sim, "an offer was taken while one of ours was out");
    if (response->cseq_method == SIP_METHOD_PRACK && response->status == 200) {
        caller->is_pracked = true;
        if (caller->is_wrongly_acked)
            sim_fail(sim, "a PRACK for another response was accepted");
    }
    if (response->cseq_method == SIP_METHOD_INVITE && response->cseq == 1 && response->status < 300 &&
        caller->needs_prack && !caller->is_pracked)
        sim_fail(sim, "a 2xx came before the PRACK of an offer");
    if (response->cseq_method == SIP_METHOD_INVITE && response->cseq == 1 && response->status < 300 &&
        caller->needs_prack && response->body.len)
        sim_fail(sim, "a 2xx says again what a reliable 1xx has said");
    if (response->cseq_method == SIP_METHOD_BYE && response->status == 200)
        caller->peer_ended = true;
    bool is_session = response->cseq_method == SIP_METHOD_INVITE || response->cseq_method == SIP_METHOD_UPDATE;
    if (is_session && response->status == 200)
        caller->expires = sip_message_has(response, SIP_HEADER_SESSION_EXPIRES);
}

/* Each new request of ours has a higher number than the one before, whatever it is (RFC 3261 12.2.1.1). */
static inline void sim_watch_number(struct sim *sim, struct sim_caller *caller)
{
    if (sim->watched.cseq <= caller->our_cseq)
        sim_fail(sim, "a request of ours has no higher number than the one before");
    caller->our_cseq = sim->watched.cseq;
}

static inline void sim_watch_bye(struct sim *sim, struct sim_caller *caller)
{
    struct span branch = sim->watched.via.branch;
    if (span_equal(branch, span_of(caller->bye_branch)))
        return; /* once more, by timer E */
    span_copy(branch, caller->bye_branch, sizeof(caller->bye_branch));
    sim->byes++;
    sim_watch_number(sim, caller);
    struct sim_final *last = sim_final_2xx(caller, 0);
    if (++caller->byes > 1)
        sim_fail(sim, "a call got two BYEs of ours");
    if (caller->way.remote.port && !net_flow_equal(&caller->way, sim->leaves_by))
        sim_fail(sim, "our BYE left by another connection than the ACK came by");
    if (caller->peer_ended)
        sim_fail(sim, "our BYE followed the peer's");
    if (!last)
        sim_fail(sim, "a BYE without a call");
    if (last && !last->is_acked && sim->fake.clock.mono_ms - last->first_ms < 64 * SIM_T1_MS)
        sim_fail(sim, "our BYE came before the ACK and before 64*T1");
}

/* UPDATE, or a re-INVITE: in a call that was acknowledged and that nobody has ended. */
static inline void sim_watch_refresh(struct sim *sim, struct sim_caller *caller)
{
    struct span branch = sim->watched.via.branch;
    if (span_equal(branch, span_of(caller->refresh_branch)))
        return; /* once more, by timer A or E */
    span_copy(branch, caller->refresh_branch, sizeof(caller->refresh_branch));
    sim_watch_number(sim, caller);
    sim->refreshes++;
    caller->refreshes++;
    caller->is_offering = sim->watched.method == SIP_METHOD_INVITE;
    caller->offered_ms = sim->fake.clock.mono_ms;
    const struct sim_final *last = sim_final_2xx(caller, 0);
    if (!caller->expires)
        sim_fail(sim, "a refresh of a session that does not expire");
    if (caller->byes || caller->peer_ended)
        sim_fail(sim, "a refresh followed the end of its call");
    if (last && !last->is_acked)
        sim_fail(sim, "a refresh came before the ACK");
    if (sim->watched.method == SIP_METHOD_INVITE && !sim->watched.body.len)
        sim_fail(sim, "a re-INVITE of ours without the session");
    if (sim->watched.method == SIP_METHOD_INVITE)
        sim_judge(sim, caller, sim->watched.body, span_make(NULL, 0));
}

/* What the call says before its answer is said with the same bytes each time (RFC 3262 3). */
static inline void sim_watch_early(struct sim *sim, struct sim_caller *caller)
{
    static const struct siphash_key key = {7, 8};
    struct span bytes = sim->watched.bytes;
    uint64_t hash = siphash(&key, bytes.at, bytes.len);
    if (caller->early_hash && caller->early_hash != hash)
        sim_fail(sim, "a 1xx was repeated with other bytes");
    if (caller->early_hash)
        return; /* a copy of its INVITE gets it also when the session has changed since */
    caller->early_hash = hash;
    sim_judge_first(sim, caller, &sim->watched);
}

static inline void sim_watch_provisional(struct sim *sim, struct sim_caller *caller)
{
    const struct sip_message *response = &sim->watched;
    if (sip_message_has(response, SIP_HEADER_CONTACT))
        sim_watch_early(sim, caller);
    if (sim_final_find(caller, response->via.branch, response->cseq_method))
        sim_fail(sim, "a provisional answer followed the final one");
    bool is_reliable = sip_message_has(response, SIP_HEADER_RSEQ);
    if (is_reliable && !span_to_u32(sip_message_value(response, SIP_HEADER_RSEQ), &caller->rseq))
        sim_fail(sim, "an RSeq that is no number");
    if (is_reliable && response->body.len)
        caller->needs_prack = true;
    sim->early_media += response->status == 183;
}

/* Everything that leaves passes here. */
static inline void sim_watch(struct sim *sim, struct span bytes)
{
    struct sip_problem problem;
    sim->sent++;
    if (sip_message_parse(&sim->watched, bytes, SIP_DATAGRAM, &problem) != OK) {
        sim_fail(sim, "the engine sent what its own parser refuses");
        return;
    }
    struct sim_sent sent = sim_sent_of(sim, bytes);
    if (sent.caller >= sim->caller_count) {
        sim_fail(sim, "a message for nobody");
        return;
    }
    struct sim_caller *caller = &sim->callers[sent.caller];
    if (!sent.is_request && sim->watched.cseq_method == SIP_METHOD_ACK)
        sim_fail(sim, "an ACK was answered");
    else if (sent.is_request && sim->watched.method == SIP_METHOD_BYE)
        sim_watch_bye(sim, caller);
    else if (sent.is_request && (sim->watched.method == SIP_METHOD_UPDATE || sim->watched.method == SIP_METHOD_INVITE))
        sim_watch_refresh(sim, caller);
    else if (sent.is_request && sim->watched.method == SIP_METHOD_ACK) {
        sim->acks++;
        if (!caller->answered_ours)
            sim_fail(sim, "an ACK for no answer");
    } else if (sent.is_request)
        sim_fail(sim, "a request that nobody asked for");
    else if (sim->watched.status >= 200)
        sim_watch_final(sim, caller, bytes);
    else
        sim_watch_provisional(sim, caller);
}

/* Whether a copy of the request has to be answered once more: a refused INVITE that nobody acknowledged (RFC 3261 17.2.1), and
 * any other request as long as its transaction lives (17.2.2).  A 2xx to INVITE is repeated by its own timer alone. */
static inline bool sim_is_owed(const struct sim *sim, const struct sim_final *final)
{
    uint64_t age = sim->fake.clock.mono_ms - final->first_ms;
    if (age >= 64 * SIM_T1_MS)
        return false;
    return final->method != SIP_METHOD_INVITE || (final->status >= 300 && !final->is_acked);
}

/* A number that is not above those before it is no new request of this dialog (RFC 3261 12.2.2); our BYE for an early call may
 * have ended it by then, so any refusal will do. */
static inline void sim_watch_order(struct sim_caller *caller, const struct sip_message *request, bool is_copy)
{
    bool counts = request->to.tag.at && request->method != SIP_METHOD_CANCEL && !is_copy;
    if (!counts)
        return;
    if (request->method != SIP_METHOD_BYE && request->cseq <= caller->seen_cseq)
        caller->stale_cseq = request->cseq;
    else
        caller->seen_cseq = request->cseq > caller->seen_cseq ? request->cseq : caller->seen_cseq;
}

static inline bool sim_is_wrong_rack(const struct sim_caller *caller, const struct sip_message *request)
{
    struct span value = sip_message_value(request, SIP_HEADER_RACK), method;
    uint32_t rseq, cseq;
    return request->method == SIP_METHOD_PRACK && value.at &&
           (sip_value_rack(value, &rseq, &cseq, &method) != OK || rseq != caller->rseq || cseq != 1);
}

/* What had to follow at once from a request did. */
static inline void sim_watch_done(struct sim *sim, unsigned index)
{
    struct sim_caller *caller = &sim->callers[index];
    caller->stale_cseq = 0;
    for (unsigned i = 0; i < caller->final_count; i++)
        if (caller->finals[i].is_owed)
            sim_fail(sim, "a copy of a request did not get the answer again");
}

/* And every request that arrives. */
static inline void sim_watch_arrival(struct sim *sim, unsigned index, const struct sip_message *request)
{
    struct sim_caller *caller = &sim->callers[index];
    uint64_t now = sim->fake.clock.mono_ms;
    struct sim_final *final = sim_final_find(caller, request->via.branch, request->method);
    if (final) {
        final->asked++;
        final->is_owed = sim_is_owed(sim, final);
    }
    if (request->method != SIP_METHOD_ACK) {
        sim_watch_order(caller, request, final != NULL);
        caller->way.remote.port = 0;
        caller->is_wrongly_acked = sim_is_wrong_rack(caller, request);
        return;
    }
    struct sim_final *refusal = sim_final_find(caller, request->via.branch, SIP_METHOD_INVITE);
    if (refusal && refusal->status >= 300)
        refusal->is_acked = true;
    struct sim_final *accepted = sim_final_2xx(caller, request->cseq);
    bool fits = span_equal(request->to.tag, span_of(caller->to_tag)) && span_equal(request->from.tag, SPAN("alice"));
    if (accepted && fits && !caller->peer_ended && now - accepted->first_ms < 64 * SIM_T1_MS)
        accepted->is_acked = true;
}

static inline struct sim_caller *sim_caller_of(const struct call *call)
{
    return call_user(call);
}

static inline void sim_on_start(void *ctx, struct call *call)
{
    (void)ctx;
    sim_caller_of(call)->call = call;
    sim_caller_of(call)->starts++;
}

static inline void sim_on_ack(void *ctx, struct call *call, const struct call_ack *ack)
{
    struct sim *sim = ctx;
    struct sim_final *final = sim_final_2xx(sim_caller_of(call), ack->cseq);
    if (!final || !final->is_acked || final->told_acks++ || final->told_missing)
        sim_fail(sim, "on_ack without an ACK, or twice");
    sim_caller_of(call)->way = *sim->arrived_by;
}

static inline void sim_on_ack_missing(void *ctx, struct call *call, const struct call_ack *ack)
{
    struct sim *sim = ctx;
    struct sim_final *final = sim_final_2xx(sim_caller_of(call), ack->cseq);
    if (!final || final->is_acked || final->told_acks || final->told_missing++)
        sim_fail(sim, "on_ack_missing although an ACK came, or twice");
}

static inline void sim_on_call_end(void *ctx, struct call *call, enum call_end end)
{
    (void)ctx;
    (void)end;
    sim_caller_of(call)->call = NULL;
    sim_caller_of(call)->ends++;
}

static inline void sim_on_txn_end(void *ctx, struct txn *txn)
{
    (void)ctx;
    struct sim_caller *caller = txn_user(txn);
    if (caller && caller->held == txn)
        caller->held = NULL;
}

static inline void sim_watch_end_of(struct sim *sim, struct sim_caller *caller)
{
    struct sim_final *last = sim_final_2xx(caller, 0);
    if (caller->opened > 1 || caller->opened != caller->ends || caller->starts > caller->opened)
        sim_fail(sim, "a call did not end once");
    if (!last)
        return;
    if (!last->is_acked && !caller->peer_ended && caller->byes != 1)
        sim_fail(sim, "a 2xx without ACK was not followed by one BYE");
    if (!last->is_acked && !caller->peer_ended && !last->told_missing)
        sim_fail(sim, "a missing ACK was not told");
    if (!last->is_acked && !caller->peer_ended && last->sendings != SIM_SENDINGS)
        sim_fail(sim, "a 2xx without ACK was not sent eleven times");
    if (last->is_acked && !last->told_acks)
        sim_fail(sim, "an ACK was not told");
    if (sim->was_shut_down && caller->byes + caller->peer_ended == 0)
        sim_fail(sim, "the shutdown left a call behind");
}

/* When nothing moves any more: calls that stand are ended by shutting down; then nothing may be left. */
static inline void sim_watch_end(struct sim *sim)
{
    struct txn_census census;
    txn_table_census(sim->txns, &census);
    if (census.servers + census.clients)
        sim_fail(sim, "transactions are left");
    for (struct call *call = call_next(sim->calls, NULL); call; call = call_next(sim->calls, call)) {
        if (call_state(call) != CALL_UP)
            sim_fail(sim, "a call is left that does not stand");
        if ((sim_caller_of(call)->expires || sim_caller_of(call)->is_limited))
            sim_fail(sim, "a call has outlived its time");
    }
    if (!sim->was_shut_down && !sim->failure) {
        sim->was_shut_down = true;
        sim->loss = sim->doubling = 0;
        call_table_shutdown(sim->calls);
        fake_clock_pass(&sim->fake, 200 * SIM_T1_MS); /* nobody hears our BYEs any more */
        sim->event_count = 0;
    }
    for (unsigned i = 0; i < sim->caller_count; i++)
        sim_watch_end_of(sim, &sim->callers[i]);
    txn_table_census(sim->txns, &census);
    if (call_table_count(sim->calls) || census.servers + census.clients || sim->fake.wheel.armed ||
        txn_slab_blocks(txn_table_slab(sim->txns)) ||
        txn_reflect_outstanding(txn_table_reflect(sim->txns), &sim->flow.remote))
        sim_fail(sim, "a call, transaction, timer or block of memory is left");
}

static inline uint64_t sim_below(struct sim *sim, uint64_t bound);

static inline bool sim_on_ask(void *ctx, struct call *call, const struct sip_message *request, struct call_say *out_say)
{
    (void)call;
    (void)request;
    static const unsigned codes[] = {200, 486, 603};
    uint64_t which = sim_below(ctx, 4);
    if (which < 3)
        *out_say = (struct call_say){.code = codes[which], .extra = SPAN("X-Said: yes\r\n")};
    return which < 3;
}

static inline bool sim_new_calls(struct sim *sim)
{
    struct call_options options = {.txns = sim->txns,
                                   .session_expires_s = 40,
                                   .min_se_s = 10,
                                   .handlers = {.ctx = sim,
                                                .on_start = sim_on_start,
                                                .on_ack = sim_on_ack,
                                                .on_ack_missing = sim_on_ack_missing,
                                                .on_end = sim_on_call_end,
                                                .on_ask = sim_on_ask}};
    return call_table_new(&options, &sim->calls) == OK;
}

/* A table that was shut down takes no more calls: the next schedule gets a new one. */
static inline bool sim_refresh(struct sim *sim)
{
    call_table_free(sim->calls);
    sim->calls = NULL;
    return sim_new_calls(sim);
}

static inline enum err sim_wire_send(void *ctx, const struct net_flow *flow, struct span bytes);

static inline struct sim *sim_new(void)
{
    struct sim *sim = calloc(1, sizeof(*sim));
    if (!sim)
        abort();
    fake_clock_init(&sim->fake, NULL);
    sim->flow = sip_ask_flow(NET_UDP, "192.0.2.9:5060");
    struct txn_options options = {.clock = &sim->fake.clock,
                                  .wheel = &sim->fake.wheel,
                                  .wire = {sim, sim_wire_send},
                                  .key = {1, 2},
                                  .seed = 7,
                                  .timers = {.t1_ms = SIM_T1_MS},
                                  .handlers = {.ctx = sim, .on_end = sim_on_txn_end}};
    if (txn_table_new(&options, &sim->txns) != OK || !sim_new_calls(sim))
        abort();
    return sim;
}

static inline void sim_free(struct sim *sim)
{
    call_table_free(sim->calls);
    txn_table_free(sim->txns);
    free(sim);
}
