/* SPDX-License-Identifier: Apache-2.0 */
/* The only runner of call_steps, and the one timer of a call. */
#include "call/call_priv.h"
#include "util/invariant.h"

static uint64_t earliest(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

/* Answered, and nobody has ended it. */
static bool is_standing(const struct call *call)
{
    return call->state == CALL_ANSWERED || call->state == CALL_UP;
}

void call_arm(struct call *call)
{
    uint64_t due = call->early ? call_ring_due(call) : call->turn_ms;
    const struct call_answer *answer = &call->answer;
    if (answer->is_waiting && answer->deadline_ms < due)
        due = answer->deadline_ms;
    if (answer->is_waiting && answer->resend_ms < due)
        due = answer->resend_ms;
    if (is_standing(call))
        due = earliest(due, earliest(call->hangup_ms, call->expire_ms));
    if (call->state == CALL_UP)
        due = earliest(due, call->refresh_ms);
    if (due == CALL_NEVER)
        wheel_cancel(call->table->wheel, &call->timer);
    else if (!timer_is_armed(&call->timer) || call->timer.due_ms != due)
        wheel_arm(call->table->wheel, &call->timer, due);
}

/* On every transport (13.3.1.4): a hop further on may lose it. */
static void start_2xx(struct call *call)
{
    struct call_table *table = call->table;
    struct call_answer *answer = &call->answer;
    answer->is_waiting = true;
    answer->resends = 0;
    answer->sent_ms = table->clock->mono_ms;
    answer->interval_ms = table->timers.t1_ms;
    answer->resend_ms = answer->sent_ms + answer->interval_ms;
    answer->deadline_ms = answer->sent_ms + 64 * (uint64_t)table->timers.t1_ms;
    txn_reflect_answered(txn_table_reflect(table->options.txns), &call->source);
}

static void resend(struct call *call)
{
    struct call_table *table = call->table;
    struct call_answer *answer = &call->answer;
    uint64_t now = table->clock->mono_ms;
    answer->resends++;
    call->resends++;
    table->counters.resends++;
    /* A wire that refuses now may take the next one: the schedule goes on to its end. */
    enum err err = txn_table_send(table->options.txns, &call->flow, span_make(answer->bytes.at, answer->bytes.len));
    (void)err;
    uint32_t doubled = 2 * answer->interval_ms;
    answer->interval_ms = doubled < table->timers.t2_ms ? doubled : table->timers.t2_ms;
    /* From when it was due, so that a late loop does not stretch the schedule; but never in a burst. */
    answer->resend_ms += answer->interval_ms;
    if (answer->resend_ms <= now)
        answer->resend_ms = now + answer->interval_ms;
}

static void stop_2xx(struct call *call)
{
    struct call_answer *answer = &call->answer;
    if (!answer->is_waiting)
        return;
    answer->is_waiting = false;
    txn_reflect_settled(txn_table_reflect(call->table->options.txns), &call->source);
    call_bytes_clear(call->table, &answer->bytes);
}

static void tell_ack(struct call *call, bool acknowledged)
{
    struct call_table *table = call->table;
    const struct call_handlers *handlers = &table->options.handlers;
    const struct call_answer *answer = &call->answer;
    struct call_ack ack = {.cseq = answer->cseq,
                           .resends = answer->resends,
                           .waited_ms = (uint32_t)(table->clock->mono_ms - answer->sent_ms),
                           .reinvite = answer->is_reinvite};
    txn_ledger_settle(txn_table_ledger(table->options.txns), &call->flow.remote, acknowledged, answer->resends,
                      table->clock->mono_ms);
    if (acknowledged) {
        call->acked_once = true;
        call->acked_cseq = answer->cseq;
        table->counters.acks++;
        table->counters.late_acks += answer->resends != 0;
    } else {
        table->counters.missing_acks++;
        call->end = CALL_END_NO_ACK;
    }
    void (*tell)(void *, struct call *, const struct call_ack *) =
        acknowledged ? handlers->on_ack : handlers->on_ack_missing;
    if (tell)
        tell(handlers->ctx, call, &ack);
}

/* A forged source must not make us send BYEs at will: they take turns, a destination. */
static enum call_event ask_turn(struct call *call)
{
    struct call_table *table = call->table;
    uint64_t now = table->clock->mono_ms;
    uint32_t wait_ms = txn_reflect_bye_wait_ms(txn_table_reflect(table->options.txns), &call->flow.remote, now);
    if (wait_ms == 0)
        return CALL_EV_TURN;
    if (wait_ms == UINT32_MAX) {
        table->counters.byes_suppressed++;
        return CALL_EV_NO_TURN;
    }
    table->counters.byes_delayed++;
    call->turn_ms = now + wait_ms;
    return CALL_EVENT_COUNT;
}

static void count_leaving(struct call *call, enum call_state next)
{
    if (call->state < CALL_ENDING && next >= CALL_ENDING)
        call->table->leaving++;
}

/* While it rings. */
static void before_answer(struct call *call, enum call_event event, unsigned actions)
{
    if (actions & CALL_DO_RING)
        call_ring_again(call);
    if (actions & CALL_DO_SEND_2XX) {
        call_expiry_start(call, call_answer_body(call));
        call_ring_answer(call);
        call_tell_start(call);
    }
    if (event == CALL_EV_CANCEL || (event == CALL_EV_PEER_BYE && actions & CALL_DO_REFUSE_487))
        call->end = CALL_END_CANCELLED;
    else if (event == CALL_EV_EXPIRED)
        call->end = CALL_END_EXPIRED;
    else if (event == CALL_EV_NO_PRACK)
        call->end = CALL_END_NO_PRACK;
    if (actions & CALL_DO_REFUSE_480)
        call_ring_refuse(call, 480);
    if (actions & CALL_DO_REFUSE_487)
        call_ring_refuse(call, 487);
    if (actions & CALL_DO_REFUSE_504)
        call_ring_refuse(call, 504);
}

bool call_run(struct call *call, enum call_event event)
{
    const struct call_step *step = &call_steps[call->state][event];
    if (!step->is_set)
        return false;
    count_leaving(call, step->next);
    call->state = step->next;
    before_answer(call, event, step->actions);
    if (step->actions & CALL_DO_START_2XX)
        start_2xx(call);
    if (step->actions & CALL_DO_RESEND)
        resend(call);
    if (step->actions & CALL_DO_STOP_2XX)
        stop_2xx(call);
    if (step->actions & (CALL_DO_TELL_ACK | CALL_DO_TELL_NO_ACK))
        tell_ack(call, step->actions & CALL_DO_TELL_ACK);
    enum call_event then = CALL_EVENT_COUNT;
    if (step->actions & CALL_DO_ASK_TURN)
        then = ask_turn(call);
    /* Over without a BYE, but not before the wheel turns: whoever asked for the hang-up still holds the call. */
    if (step->actions & CALL_DO_SEND_BYE && !call_bye_send(call))
        call->turn_ms = call->table->clock->mono_ms;
    if (step->actions & CALL_DO_REFRESH)
        call_refresh_send(call);
    if (step->next == CALL_OVER) {
        call_drop(call);
        return true;
    }
    if (then != CALL_EVENT_COUNT)
        return call_run(call, then);
    call_arm(call);
    return true;
}

void call_start_answer(struct call *call)
{
    start_2xx(call);
    call_expiry_start(call, call_answer_body(call));
    call_tell_start(call);
    call_arm(call);
}

void call_tell_start(struct call *call)
{
    const struct call_handlers *handlers = &call->table->options.handlers;
    call->table->counters.started++;
    if (call->hangup_after_s)
        call->hangup_ms = call->table->clock->mono_ms + 1000 * (uint64_t)call->hangup_after_s;
    if (handlers->on_start)
        handlers->on_start(handlers->ctx, call);
}

/* Time is up for a call that stands; false: it is not. */
static bool time_is_up(struct call *call, uint64_t now)
{
    if (!is_standing(call))
        return false;
    if (call->hangup_ms <= now) {
        call->hangup_ms = CALL_NEVER;
        call_hangup_as(call, SPAN("Q.850;cause=16;text=\"Time is up\""), CALL_END_TIME_UP);
        return true;
    }
    if (call->expire_ms > now)
        return false;
    call->expire_ms = CALL_NEVER;
    call_hangup_as(call, SPAN("SIP;cause=408;text=\"Session expired\""), CALL_END_SESSION_EXPIRED);
    return true;
}

void call_timer(struct timer *timer, void *ctx)
{
    (void)ctx;
    struct call *call = container_of(timer, struct call, timer);
    uint64_t now = call->table->clock->mono_ms;
    const struct call_answer *answer = &call->answer;
    bool is_known = true;
    if (call->early) {
        enum call_event event = call_ring_event(call, now);
        if (event != CALL_EVENT_COUNT)
            is_known = call_run(call, event);
        else
            call_arm(call);
    } else if (call->turn_ms <= now) {
        call->turn_ms = CALL_NEVER;
        is_known = call_run(call, call->state == CALL_WAITING ? CALL_EV_TURN : CALL_EV_BYE_DONE);
    } else if (answer->is_waiting && answer->deadline_ms <= now) {
        is_known = call_run(call, CALL_EV_NO_ACK);
    } else if (answer->is_waiting && answer->resend_ms <= now) {
        is_known = call_run(call, CALL_EV_RESEND);
    } else if (time_is_up(call, now)) {
        return;
    } else if (call->state == CALL_UP && call->refresh_ms <= now) {
        is_known = call_run(call, CALL_EV_REFRESH);
    } else {
        call_arm(call);
    }
    invariant(is_known); /* no timer runs in a state whose table does not know it */
}
