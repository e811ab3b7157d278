/* SPDX-License-Identifier: Apache-2.0 */
/* The only runner: an event meets a state in one of the three tables, and the actions of that cell are performed here. */
#include "txn/txn_priv.h"

#include "sip/sip_reply.h"
#include "txn/txn_reply_via.h"
#include "util/invariant.h"

typedef const struct txn_step steps_of_kind[TXN_STATE_COUNT][TXN_EVENT_COUNT];

static const struct txn_step *step_of(const struct txn *txn, enum txn_event event)
{
    static steps_of_kind *const tables[TXN_KIND_COUNT] = {
        [TXN_INVITE_SERVER] = &txn_invite_server_steps,
        [TXN_SERVER] = &txn_server_steps,
        [TXN_CLIENT] = &txn_client_steps,
        [TXN_INVITE_CLIENT] = &txn_invite_client_steps,
    };
    return &(*tables[txn->kind])[txn->state][event];
}

static bool is_reliable(const struct txn *txn)
{
    return net_transport_is_reliable(txn->flow.transport);
}

void txn_arm(struct txn *txn)
{
    uint64_t due = txn->repeat_ms < txn->end_ms ? txn->repeat_ms : txn->end_ms;
    if (txn->trying_ms < due)
        due = txn->trying_ms;
    struct wheel *wheel = txn->table->options.wheel;
    if (due == TXN_NEVER)
        wheel_cancel(wheel, &txn->timer);
    else if (!timer_is_armed(&txn->timer) || txn->timer.due_ms != due)
        wheel_arm(wheel, &txn->timer, due);
}

static void start_end(struct txn *txn, enum txn_event event, uint64_t after_ms)
{
    txn->end_ms = txn->table->options.clock->mono_ms + after_ms;
    txn->end_event = (uint8_t)event;
}

/* E and G: at T1, then doubling up to T2.  The next one is reckoned from when the last was due, so a late loop does not
 * stretch the schedule; one that was held up for longer sends once, not in a burst. */
static void start_repeat(struct txn *txn, enum txn_event event, uint32_t interval_ms)
{
    uint64_t now = txn->table->options.clock->mono_ms;
    uint64_t from = txn->repeat_ms == TXN_NEVER ? now : txn->repeat_ms;
    txn->interval_ms = interval_ms;
    txn->repeat_ms = from + interval_ms > now ? from + interval_ms : now + interval_ms;
    txn->repeat_event = (uint8_t)event;
}

static void start_doubling(struct txn *txn, enum txn_event event)
{
    const struct txn_timers *timers = &txn->table->options.timers;
    uint32_t next = txn->repeat_ms == TXN_NEVER ? timers->t1_ms : 2 * txn->interval_ms;
    start_repeat(txn, event, next < timers->t2_ms ? next : timers->t2_ms);
}

static void start_timers(struct txn *txn, uint32_t actions)
{
    const struct txn_timers *timers = &txn->table->options.timers;
    uint64_t whole = 64 * (uint64_t)timers->t1_ms;
    bool reliable = is_reliable(txn);
    if (actions & TXN_DO_START_G && !reliable)
        start_doubling(txn, TXN_EV_TIMER_G);
    if (actions & TXN_DO_START_A && !reliable)
        start_repeat(txn, TXN_EV_TIMER_E, txn->repeat_ms == TXN_NEVER ? timers->t1_ms : 2 * txn->interval_ms);
    if (actions & TXN_DO_START_E && !reliable)
        start_doubling(txn, TXN_EV_TIMER_E);
    if (actions & TXN_DO_SLOW_E && !reliable)
        start_repeat(txn, TXN_EV_TIMER_E, timers->t2_ms);
    if (actions & TXN_DO_START_F)
        start_end(txn, TXN_EV_TIMER_F, whole);
    if (actions & TXN_DO_START_H)
        start_end(txn, TXN_EV_TIMER_H, whole);
    if (actions & TXN_DO_START_I)
        start_end(txn, TXN_EV_TIMER_I, reliable ? 0 : timers->t4_ms);
    if (actions & TXN_DO_START_J)
        start_end(txn, TXN_EV_TIMER_J, reliable ? 0 : whole);
    if (actions & TXN_DO_START_K)
        start_end(txn, TXN_EV_TIMER_K, reliable ? 0 : timers->t4_ms);
    if (actions & TXN_DO_START_C)
        start_end(txn, TXN_EV_TIMER_F, 360 * (uint64_t)timers->t1_ms);
    if (actions & TXN_DO_START_D)
        start_end(txn, TXN_EV_TIMER_K, reliable ? 0 : whole);
    if (actions & TXN_DO_START_M)
        start_end(txn, TXN_EV_TIMER_K, whole);
    if (actions & TXN_DO_START_L)
        start_end(txn, TXN_EV_TIMER_L, whole);
}

static void stop(struct txn *txn)
{
    txn->repeat_ms = txn->end_ms = txn->trying_ms = TXN_NEVER;
    txn_bytes_clear(txn->table, &txn->held);
}

static enum err send_bytes(struct txn *txn, struct span bytes)
{
    const struct txn_wire *wire = &txn->table->options.wire;
    enum err err = wire->send(wire->ctx, &txn->flow, bytes);
    if (err != OK)
        txn->table->counters.transport_errors++;
    return err;
}

/* The 100 that nobody else sent in time (RFC 3261 17.2.1, RFC 4320 4.1). */
static enum err send_trying(struct txn *txn)
{
    struct sip_message *request = txn->table->scratch;
    struct sip_problem problem;
    struct span held = span_make(txn->held.at, txn->held.len);
    /* Held are the bytes of one whole message, whatever wire they came by. */
    if (!held.len || sip_message_parse(request, held, SIP_DATAGRAM, &problem) != OK)
        return OK;
    char memory[8192];
    char received[TXN_RECEIVED_MAX];
    struct buffer out = buffer_over(memory, sizeof(memory));
    struct sip_reply_via via;
    txn_reply_via(request, &txn->flow.remote, received, &via);
    sip_reply_begin(&out, request, 100, span_make(NULL, 0), &via, span_make(NULL, 0));
    sip_reply_end(&out, span_make(NULL, 0), span_make(NULL, 0));
    if (out.overflow)
        return OK;
    txn->code = 100;
    /* When it cannot be kept it is not repeated; the final answer will mend that. */
    (void)txn_bytes_set(txn->table, &txn->kept, buffer_span(&out));
    return send_bytes(txn, buffer_span(&out));
}

static enum err resend(struct txn *txn)
{
    if (!txn->kept.len)
        return OK;
    if (txn->state == TXN_COMPLETED || txn_is_client(txn)) {
        txn->resends++;
        txn->table->counters.resends++;
    }
    return send_bytes(txn, span_make(txn->kept.at, txn->kept.len));
}

/* What is kept of a client that has its final response is the ACK. */
static enum err send_ack(struct txn *txn, const struct sip_message *response)
{
    char memory[8192];
    struct buffer out = buffer_over(memory, sizeof(memory));
    bool is_built = txn_client_ack(txn, response, &out);
    txn_bytes_clear(txn->table, &txn->kept);
    if (!is_built)
        return OK;
    /* Without memory it is not repeated: the refusal is, and then gives up. */
    (void)txn_bytes_set(txn->table, &txn->kept, buffer_span(&out));
    return send_bytes(txn, buffer_span(&out));
}

static enum err send_actions(struct txn *txn, uint32_t actions, const struct txn_cause *cause)
{
    if (actions & (TXN_DO_SEND | TXN_DO_TRYING))
        txn->trying_ms = TXN_NEVER;
    if (actions & TXN_DO_SEND) {
        txn->code = (uint16_t)cause->code;
        txn->replied_ms = txn->table->options.clock->mono_ms;
        return send_bytes(txn, cause->bytes);
    }
    if (actions & TXN_DO_RESEND)
        return resend(txn);
    if (actions & TXN_DO_SEND_ACK)
        return send_ack(txn, cause->message);
    return actions & TXN_DO_TRYING ? send_trying(txn) : OK;
}

static void settle(struct txn *txn, bool acknowledged)
{
    struct txn_table *table = txn->table;
    if (txn->is_counted)
        txn_reflect_settled(table->reflect, &txn->flow.remote);
    txn->is_counted = false;
    txn_ledger_settle(table->ledger, &txn->flow.remote, acknowledged, txn->resends, table->options.clock->mono_ms);
}

static struct txn_ack ack_of(const struct txn *txn, const struct txn_cause *cause)
{
    const struct sip_message *ack = cause->message;
    struct span tag = span_make(txn->tag, TXN_TAG_LEN);
    return (struct txn_ack){
        .resends = txn->resends,
        .waited_ms = (uint32_t)(txn->table->options.clock->mono_ms - txn->replied_ms),
        .mistagged = ack && !txn->has_to_tag && !span_equal(ack->to.tag, tag),
    };
}

static void tell_server(struct txn *txn, uint32_t actions, const struct txn_cause *cause)
{
    struct txn_table *table = txn->table;
    const struct txn_handlers *handlers = &table->options.handlers;
    if (actions & TXN_DO_STRAY_ACK)
        table->counters.stray_acks++;
    if (actions & (TXN_DO_TELL_ACK | TXN_DO_TELL_NO_ACK)) {
        bool acknowledged = actions & TXN_DO_TELL_ACK;
        struct txn_ack ack = ack_of(txn, cause);
        settle(txn, acknowledged);
        if (ack.mistagged)
            txn_ledger_count(table->ledger, &txn->flow.remote, TXN_LEDGER_MISTAGGED, 0, table->options.clock->mono_ms);
        void (*tell)(void *, struct txn *, const struct txn_ack *) =
            acknowledged ? handlers->on_ack : handlers->on_no_ack;
        if (tell)
            tell(handlers->ctx, txn, &ack);
    }
    if (actions & TXN_DO_TELL_TRANSPORT && handlers->on_transport_error)
        handlers->on_transport_error(handlers->ctx, txn, cause->err);
}

static void tell_client(struct txn *txn, uint32_t actions, const struct txn_cause *cause)
{
    const struct txn_client_handlers *handlers = txn->handlers;
    if (!handlers)
        return;
    if (actions & TXN_DO_TELL_PROVISIONAL && handlers->on_provisional)
        handlers->on_provisional(txn->user, txn, cause->message);
    if (actions & TXN_DO_TELL_FINAL && handlers->on_final)
        handlers->on_final(txn->user, txn, cause->message);
    if (actions & TXN_DO_TELL_TIMEOUT && handlers->on_timeout)
        handlers->on_timeout(txn->user, txn);
    if (actions & TXN_DO_TELL_TRANSPORT && handlers->on_transport_error)
        handlers->on_transport_error(txn->user, txn, cause->err != OK ? cause->err : ERR_IO);
}

/* The wire refused.  A server transaction goes on; a client's ends, from the wheel, so that whoever is sending now finds
 * it alive. */
static void transport_failed(struct txn *txn, enum err err)
{
    if (!txn_is_client(txn)) {
        txn_run(txn, TXN_EV_TRANSPORT_ERROR, &(struct txn_cause){.err = err});
        return;
    }
    if (txn->state != TXN_TRYING && txn->state != TXN_PROCEEDING)
        return; /* an ACK: it is sent again when the response is */
    txn->repeat_ms = TXN_NEVER;
    start_end(txn, TXN_EV_TRANSPORT_ERROR, 0);
}

void txn_client_start(struct txn *txn)
{
    enum err sent = send_bytes(txn, span_make(txn->kept.at, txn->kept.len));
    start_timers(txn, (txn->kind == TXN_INVITE_CLIENT ? TXN_DO_START_A : TXN_DO_START_E) | TXN_DO_START_F);
    if (sent != OK)
        transport_failed(txn, sent);
    txn_arm(txn);
}

enum err txn_run(struct txn *txn, enum txn_event event, const struct txn_cause *cause)
{
    const struct txn_step *step = step_of(txn, event);
    if (!step->is_set)
        return ERR_INVALID;
    uint32_t actions = step->actions;
    struct txn_table *table = txn->table;
    if (actions & TXN_DO_STOP)
        stop(txn);
    txn_set_state(txn, step->next);
    enum err sent = send_actions(txn, actions, cause);
    bool is_kept = true;
    if (actions & TXN_DO_STORE)
        is_kept = txn_bytes_set(table, &txn->kept, cause->bytes);
    if (actions & TXN_DO_FORGET)
        txn_bytes_clear(table, &txn->kept);
    start_timers(txn, actions);
    if (actions & TXN_DO_EXPECT_ACK) {
        txn_reflect_answered(table->reflect, &txn->flow.remote);
        txn->is_counted = true;
    }
    if (sent != OK)
        transport_failed(txn, sent);
    txn_arm(txn);
    if (txn_is_client(txn))
        tell_client(txn, actions, cause);
    else
        tell_server(txn, actions, cause);
    if (step->next == TXN_TERMINATED)
        txn_drop(txn);
    return is_kept ? OK : ERR_NOMEM;
}

void txn_timer(struct timer *timer, void *ctx)
{
    (void)ctx;
    struct txn *txn = container_of(timer, struct txn, timer);
    txn_prefetch(txn);
    uint64_t now = txn->table->options.clock->mono_ms;
    enum err err = OK;
    struct txn_cause none = {0};
    if (txn->end_ms <= now) {
        txn_index_prefetch(&txn->table->by_key, txn->link.hash);
        txn_index_prefetch(&txn->table->by_merge, txn->merged.hash);
        err = txn_run(txn, txn->end_event, &none);
    } else if (txn->trying_ms <= now) {
        err = txn_run(txn, TXN_EV_TIMER_100, &none);
    } else if (txn->repeat_ms <= now) {
        err = txn_run(txn, txn->repeat_event, &none);
    } else {
        txn_arm(txn);
    }
    invariant(err == OK); /* no timer runs in a state whose table does not know it */
}
