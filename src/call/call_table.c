/* SPDX-License-Identifier: Apache-2.0 */
/* The table of calls: what it owns, how a call is found, what can be asked of one. */
#include "call/call_priv.h"

#include <stdlib.h>

enum { CAP_DEFAULT = 250000, MIN_SE_DEFAULT_S = 90 };

enum err call_table_new(const struct call_options *options, struct call_table **out_table)
{
    struct call_table *table = calloc(1, sizeof(*table));
    if (!table)
        return ERR_NOMEM;
    table->options = *options;
    if (!table->options.cap)
        table->options.cap = CAP_DEFAULT;
    if (!table->options.min_se_s)
        table->options.min_se_s = MIN_SE_DEFAULT_S;
    table->clock = txn_table_clock(options->txns);
    table->wheel = txn_table_wheel(options->txns);
    table->slab = txn_table_slab(options->txns);
    table->timers = *txn_table_timers(options->txns);
    enum err err = map_init(&table->by_tag);
    const struct errand_options errands = {.txns = options->txns, .ways = options->ways};
    if (err == OK && (err = errand_table_new(&errands, &table->errands)) != OK)
        map_done(&table->by_tag);
    if (err != OK) {
        free(table);
        return err;
    }
    table->scratch = malloc(CALL_SCRATCH_LEN);
    table->offer = malloc(sizeof(*table->offer));
    table->reply = malloc(sizeof(*table->reply));
    table->held = malloc(sizeof(*table->held));
    if (!table->scratch || !table->offer || !table->reply || !table->held) {
        call_table_free(table);
        return ERR_NOMEM;
    }
    *out_table = table;
    return OK;
}

void call_table_free(struct call_table *table)
{
    if (!table)
        return;
    struct map_node *next = table->by_tag.count ? map_next(&table->by_tag, NULL) : NULL;
    while (next) {
        struct call *call = container_of(next, struct call, node);
        next = map_next(&table->by_tag, next);
        map_remove(&table->by_tag, &call->node);
        call_free(call);
    }
    map_done(&table->by_tag);
    errand_table_free(table->errands);
    free(table->scratch);
    free(table->offer);
    free(table->reply);
    free(table->held);
    free(table);
}

/* Our tags are random and keyed: no hash of them is needed. */
static uint64_t hash_of_tag(struct span tag)
{
    uint64_t halves[2];
    memcpy(halves, tag.at, sizeof(halves));
    return halves[0] * 0x9e3779b97f4a7c15ULL ^ halves[1] * 0xc2b2ae3d27d4eb4fULL;
}

static bool has_tag(const struct map_node *node, const void *key)
{
    const struct call *call = (const void *)node; /* its first member */
    return memcmp(call->local_tag, key, TXN_TAG_LEN) == 0;
}

struct call *call_of_tag(struct call_table *table, struct span local_tag)
{
    if (local_tag.len != TXN_TAG_LEN)
        return NULL;
    struct map_node *node = map_find(&table->by_tag, hash_of_tag(local_tag), has_tag, local_tag.at);
    return node ? container_of(node, struct call, node) : NULL;
}

struct call *call_find(struct call_table *table, struct span call_id, struct span local_tag, struct span remote_tag)
{
    struct call *call = call_of_tag(table, local_tag);
    bool fits = call && span_equal(call_text(call, CALL_TEXT_ID), call_id) &&
                span_equal(call_text(call, CALL_TEXT_REMOTE_TAG), remote_tag);
    return fits ? call : NULL;
}

struct call *call_match(struct call_table *table, const struct sip_message *request, bool *out_mistagged)
{
    struct call *call = call_of_tag(table, request->to.tag);
    *out_mistagged = false;
    if (!call || !span_equal(call_text(call, CALL_TEXT_ID), request->call_id))
        return NULL;
    *out_mistagged = !span_equal(call_text(call, CALL_TEXT_REMOTE_TAG), request->from.tag);
    return *out_mistagged ? NULL : call;
}

bool call_knows(struct call_table *table, const struct sip_message *request)
{
    bool mistagged;
    return call_match(table, request, &mistagged) != NULL;
}

void call_link(struct call *call)
{
    struct call_table *table = call->table;
    map_add(&table->by_tag, &call->node, hash_of_tag(call_local_tag(call)));
}

void call_drop(struct call *call)
{
    struct call_table *table = call->table;
    const struct call_handlers *handlers = &table->options.handlers;
    map_remove(&table->by_tag, &call->node);
    table->leaving--;
    table->counters.ended[call->end]++;
    if (handlers->on_end)
        handlers->on_end(handlers->ctx, call, call->end);
    call_free(call);
}

void call_hangup(struct call *call, struct span reason)
{
    call_hangup_as(call, reason, CALL_END_HANGUP);
}

void call_hangup_as(struct call *call, struct span reason, enum call_end end)
{
    if (!call_steps[call->state][CALL_EV_HANGUP].is_set) {
        /* It is leaving already; why is for whoever knows best. */
        if (call->state == CALL_LEAVING)
            call->end = (uint8_t)end;
        return;
    }
    call->end = (uint8_t)end;
    if (reason.len > CALL_REASON_MAX)
        reason.len = CALL_REASON_MAX;
    /* Without memory for its reason a BYE is still a BYE. */
    if (reason.len)
        (void)call_bytes_set(call->table, &call->reason, reason);
    call_run(call, CALL_EV_HANGUP);
}

void call_table_shutdown(struct call_table *table)
{
    table->is_closed = true;
    struct call *next;
    for (struct call *call = call_next(table, NULL); call; call = next) {
        next = call_next(table, call);
        call_hangup_as(call, SPAN("SIP;cause=503;text=\"Shutting down\""), CALL_END_SHUTDOWN);
    }
}

void call_table_flow_closed(struct call_table *table, const struct net_flow *flow)
{
    errand_table_flow_closed(table->errands, flow);
}

size_t call_table_count(const struct call_table *table)
{
    return table->by_tag.count;
}

size_t call_table_open(const struct call_table *table)
{
    return table->by_tag.count - table->leaving;
}

struct call *call_next(struct call_table *table, struct call *after)
{
    struct map_node *node = map_next(&table->by_tag, after ? &after->node : NULL);
    return node ? container_of(node, struct call, node) : NULL;
}

size_t call_table_buckets(const struct call_table *table)
{
    return map_buckets(&table->by_tag);
}

void call_table_bucket(struct call_table *table, size_t index, call_fn fn, void *ctx)
{
    struct map_node *next;
    for (struct map_node *node = map_bucket(&table->by_tag, index); node; node = next) {
        next = node->next;
        fn(ctx, container_of(node, struct call, node));
    }
}

const struct call_counters *call_table_counters(const struct call_table *table)
{
    return &table->counters;
}

enum call_state call_state(const struct call *call)
{
    return call->state;
}

const char *call_state_text(enum call_state state)
{
    static const char *const texts[CALL_STATE_COUNT] = {
        [CALL_RINGING] = "ringing", [CALL_ANSWERED] = "answered", [CALL_UP] = "up",     [CALL_LEAVING] = "leaving",
        [CALL_WAITING] = "waiting", [CALL_ENDING] = "ending",     [CALL_OVER] = "over",
    };
    return texts[state];
}

const char *call_end_text(enum call_end end)
{
    static const char *const texts[CALL_END_COUNT] = {
        [CALL_END_PEER] = "peer",
        [CALL_END_HANGUP] = "hangup",
        [CALL_END_SHUTDOWN] = "shutdown",
        [CALL_END_CANCELLED] = "cancelled",
        [CALL_END_EXPIRED] = "expired",
        [CALL_END_NO_PRACK] = "no_prack",
        [CALL_END_SESSION_EXPIRED] = "session_expired",
        [CALL_END_TIME_UP] = "time_up",
        [CALL_END_NO_ACK] = "no_ack",
        [CALL_END_BAD_ANSWER] = "bad_answer",
    };
    return texts[end];
}

struct span call_id(const struct call *call)
{
    return call_text(call, CALL_TEXT_ID);
}

struct span call_from(const struct call *call)
{
    return call_text(call, CALL_TEXT_FROM);
}

struct span call_to(const struct call *call)
{
    return call_text(call, CALL_TEXT_TO);
}

struct span call_local_tag(const struct call *call)
{
    return span_make(call->local_tag, TXN_TAG_LEN);
}

const struct net_flow *call_flow(const struct call *call)
{
    return &call->flow;
}

const struct net_address *call_source(const struct call *call)
{
    return &call->source;
}

uint64_t call_age_ms(const struct call *call)
{
    return call->table->clock->mono_ms - call->began_ms;
}

uint32_t call_resends(const struct call *call)
{
    return call->resends;
}

const char *call_ack_text(const struct call *call)
{
    if (call->answer.is_waiting)
        return "awaited";
    if (call->end == CALL_END_NO_ACK)
        return "missing";
    return call->acked_once ? "acknowledged" : "none";
}

void *call_user(const struct call *call)
{
    return call->user;
}

struct span call_aor(const struct call *call)
{
    return call_text(call, CALL_TEXT_AOR);
}
