/* SPDX-License-Identifier: Apache-2.0 */
/* What the user of a transaction does with it: open, answer, hold, absorb, ask. */
#include "txn/txn_priv.h"

enum { TRYING_AFTER_MS = 200 };

/* What txn_receive() reckoned for this request, or the same anew. */
static struct txn_sorted sorted_of(struct txn_table *table, const struct sip_message *request)
{
    struct txn_sorted sorted = table->sorted;
    table->sorted.request = NULL;
    if (sorted.request == request)
        return sorted;
    return (struct txn_sorted){.request = request,
                               .key = txn_key_server(table, request, request->method),
                               .merge = txn_key_merge(table, request)};
}

enum err txn_server_new(struct txn_table *table, const struct sip_message *request, const struct net_flow *flow,
                        struct txn **out_txn)
{
    if (request->method == SIP_METHOD_ACK || !request->is_request)
        return ERR_INVALID;
    if (table->servers >= table->options.cap) {
        table->counters.full++;
        return ERR_FULL;
    }
    bool is_invite = request->method == SIP_METHOD_INVITE;
    struct txn *txn =
        is_invite ? txn_take(table, TXN_INVITE_SERVER, TXN_PROCEEDING) : txn_take(table, TXN_SERVER, TXN_TRYING);
    if (!txn)
        return ERR_NOMEM;
    struct txn_sorted sorted = sorted_of(table, request);
    txn->print = sorted.key.print;
    txn->flow = *flow;
    txn->method = request->method;
    txn->has_to_tag = request->to.tag.at != NULL;
    txn_tag_new(table, txn->tag);
    txn_index_add(&table->by_key, &txn->link, sorted.key.hash);
    /* A CANCEL shares From tag, Call-ID and CSeq with its INVITE by design; only the first of merged requests counts. */
    if (sorted.merge && !sorted.is_merged && request->method != SIP_METHOD_CANCEL)
        txn_index_add(&table->by_merge, &txn->merged, sorted.merge);
    *out_txn = txn;
    return OK;
}

/* The time at which a client's timer E reaches T2, before which RFC 4320 allows no 100 over UDP. */
static uint64_t late_ms(const struct txn_timers *timers)
{
    uint64_t elapsed = 0;
    for (uint64_t interval = timers->t1_ms; interval < timers->t2_ms; interval *= 2)
        elapsed += interval;
    return elapsed;
}

static bool is_allowed_to_others(const struct txn *txn, unsigned code)
{
    if (code == 408) /* it could only come too late (RFC 4320 4.2) */
        return false;
    if (code >= 200)
        return true;
    bool reliable = net_transport_is_reliable(txn->flow.transport);
    return code == 100 && (reliable || txn_age_ms(txn) >= late_ms(&txn->table->options.timers));
}

static enum txn_event event_of(const struct txn *txn, unsigned code)
{
    if (code < 200)
        return TXN_EV_REPLY_1XX;
    return code < 300 && txn->kind == TXN_INVITE_SERVER ? TXN_EV_REPLY_2XX : TXN_EV_REPLY_FINAL;
}

enum err txn_reply(struct txn *txn, unsigned code, struct span bytes)
{
    if (code < 100 || code > 699 || !bytes.len || txn_is_client(txn))
        return ERR_INVALID;
    if (txn->kind == TXN_SERVER && !is_allowed_to_others(txn, code))
        return ERR_INVALID;
    return txn_run(txn, event_of(txn, code), &(struct txn_cause){.bytes = bytes, .code = code});
}

void txn_absorb(struct txn *txn)
{
    txn_run(txn, TXN_EV_ABSORB, &(struct txn_cause){0});
}

enum err txn_hold(struct txn *txn, const struct sip_message *request)
{
    bool is_open = txn->state == TXN_TRYING || txn->state == TXN_PROCEEDING;
    if (!is_open || txn_is_client(txn))
        return ERR_INVALID;
    struct txn_table *table = txn->table;
    bool is_held = txn->held.len && request->bytes.at == txn->held.at;
    if (!is_held && !txn_bytes_set(table, &txn->held, request->bytes))
        return ERR_NOMEM;
    const struct txn_timers *timers = &table->options.timers;
    bool is_invite = txn->kind == TXN_INVITE_SERVER;
    if (!txn->code)
        txn->trying_ms = txn->began_ms + (is_invite ? TRYING_AFTER_MS : late_ms(timers));
    if (!is_invite) {
        txn->end_ms = txn->began_ms + 64 * (uint64_t)timers->t1_ms;
        txn->end_event = TXN_EV_TIMER_F;
    }
    txn_arm(txn);
    return OK;
}

enum err txn_client_new(struct txn_table *table, const struct txn_client_request *request, struct txn **out_txn)
{
    if (table->clients >= table->options.cap)
        return ERR_FULL;
    enum sip_method method = sip_method_find(request->method);
    struct txn *txn = txn_take(table, method == SIP_METHOD_INVITE ? TXN_INVITE_CLIENT : TXN_CLIENT, TXN_TRYING);
    if (!txn)
        return ERR_NOMEM;
    struct txn_key key = txn_key_client(table, request->branch, request->method, request->call_id);
    txn->print = key.print;
    txn->flow = request->flow;
    txn->method = (uint8_t)method;
    txn->handlers = request->handlers;
    txn->user = request->user;
    txn_index_add(&table->by_key, &txn->link, key.hash);
    if (!txn_bytes_set(table, &txn->kept, request->bytes)) {
        txn_drop(txn);
        return ERR_NOMEM;
    }
    txn_client_start(txn);
    *out_txn = txn;
    return OK;
}

void txn_client_acknowledge(struct txn *txn, struct span ack)
{
    /* Without memory for it, the peer repeats its 2xx until it gives up. */
    enum err err = txn_run(txn, TXN_EV_ACKNOWLEDGE, &(struct txn_cause){.bytes = ack, .code = txn->code});
    (void)err;
}

void txn_client_detach(struct txn *txn)
{
    txn->handlers = NULL;
    txn->user = NULL;
}

void txn_client_fail(struct txn *txn, enum err err)
{
    bool is_open = txn_is_client(txn) && (txn->state == TXN_TRYING || txn->state == TXN_PROCEEDING);
    if (is_open && txn_run(txn, TXN_EV_TRANSPORT_ERROR, &(struct txn_cause){.err = err}) != OK)
        return; /* nothing is stored that could fail */
}

struct span txn_request(const struct txn *txn)
{
    return span_make(txn->held.at, txn->held.len);
}

struct span txn_answer(const struct txn *txn)
{
    return txn_is_client(txn) ? span_make(NULL, 0) : span_make(txn->kept.at, txn->kept.len);
}

struct span txn_tag(const struct txn *txn)
{
    return span_make(txn->tag, TXN_TAG_LEN);
}

enum txn_kind txn_kind(const struct txn *txn)
{
    return txn->kind;
}

enum txn_state txn_state(const struct txn *txn)
{
    return txn->state;
}

enum sip_method txn_method(const struct txn *txn)
{
    return txn->method;
}

unsigned txn_code(const struct txn *txn)
{
    return txn->code;
}

const struct net_flow *txn_flow(const struct txn *txn)
{
    return &txn->flow;
}

uint32_t txn_resends(const struct txn *txn)
{
    return txn->resends;
}

uint64_t txn_age_ms(const struct txn *txn)
{
    return txn->table->options.clock->mono_ms - txn->began_ms;
}

void txn_set_user(struct txn *txn, void *user)
{
    txn->user = user;
}

void *txn_user(const struct txn *txn)
{
    return txn->user;
}
