/* SPDX-License-Identifier: Apache-2.0 */
/* The only runner of a subscription: looks the step up and performs its actions; its one timer. */
#include "notifier/notifier_priv.h"

enum { UNSENT_MS = 1000 };

void notifier_arm(struct notifier_subscription *subscription)
{
    struct wheel *wheel = subscription->table->wheel;
    bool is_due = subscription->state == NOTIFIER_DUE && subscription->due_ms < subscription->expires_ms;
    uint64_t due = is_due ? subscription->due_ms : subscription->expires_ms;
    if (subscription->state >= NOTIFIER_LAST)
        wheel_cancel(wheel, &subscription->timer); /* the NOTIFY that is out has a time of its own */
    else if (!timer_is_armed(&subscription->timer) || subscription->timer.due_ms != due)
        wheel_arm(wheel, &subscription->timer, due);
}

/* A SUBSCRIBE is answered by a NOTIFY at once, a change when the interval since the last one is over. */
static void wait(struct notifier_subscription *subscription)
{
    uint64_t now = subscription->table->clock->mono_ms;
    uint64_t next = subscription->sent_ms + subscription->table->options.interval_ms;
    if (subscription->is_asked)
        next = now;
    else if (subscription->retry_ms)
        next = now + subscription->retry_ms;
    subscription->due_ms = next > now ? next : now;
    subscription->retry_ms = 0;
}

static void send_now(struct notifier_subscription *subscription)
{
    bool is_nothing;
    if (notifier_send(subscription, &is_nothing))
        return;
    if (!is_nothing) {
        subscription->is_asked = false; /* what kept this one back keeps the next one back too */
        subscription->retry_ms = UNSENT_MS;
    }
    notifier_run(subscription, is_nothing ? NOTIFIER_EV_TOLD : NOTIFIER_EV_LATER);
}

/* What the end says of itself, before the last NOTIFY is built. */
static void note_end(struct notifier_subscription *subscription, enum notifier_event event)
{
    struct notifier_counters *counters = &subscription->table->counters;
    if (event == NOTIFIER_EV_EXPIRED)
        counters->expired++;
    else if (event == NOTIFIER_EV_END)
        counters->ended++;
    else if (event == NOTIFIER_EV_LOST && subscription->state != NOTIFIER_LAST)
        counters->lost++;
    if (event == NOTIFIER_EV_END && subscription->user->ends)
        subscription->reason = subscription->user->reason;
}

/* The NOTIFY that is out is overtaken by a full one of a higher CSeq and version. */
static void pass(struct notifier_subscription *subscription)
{
    errand_cancel(subscription->errand);
    subscription->errand = NULL;
    subscription->version++; /* somebody may have read it */
    subscription->is_passed = subscription->wants_full = true;
}

/* Who asks again and again and answers nothing has two out, and the next when one is answered. */
static enum notifier_event note_asked(struct notifier_subscription *subscription)
{
    subscription->is_asked = subscription->wants_full = true;
    return subscription->is_passed ? NOTIFIER_EV_CHANGED : NOTIFIER_EV_ASKED;
}

void notifier_run(struct notifier_subscription *subscription, enum notifier_event event)
{
    if (event == NOTIFIER_EV_ASKED)
        event = note_asked(subscription);
    const struct notifier_step *step = &notifier_steps[subscription->state][event];
    if (!step->is_set)
        return;
    note_end(subscription, event);
    subscription->state = step->next;
    if (step->actions & NOTIFIER_DO_PASS)
        pass(subscription);
    if (step->actions & NOTIFIER_DO_MISSED)
        subscription->wants_full = true;
    if (step->actions & NOTIFIER_DO_WAIT)
        wait(subscription);
    if (step->next == NOTIFIER_OVER) {
        notifier_free(subscription);
        return;
    }
    notifier_arm(subscription);
    if (step->actions & (NOTIFIER_DO_SEND | NOTIFIER_DO_SEND_LAST))
        send_now(subscription);
}

void notifier_timer(struct timer *timer, void *ctx)
{
    (void)ctx;
    struct notifier_subscription *subscription = container_of(timer, struct notifier_subscription, timer);
    uint64_t now = subscription->table->clock->mono_ms;
    if (subscription->expires_ms <= now)
        notifier_run(subscription, NOTIFIER_EV_EXPIRED);
    else if (subscription->state == NOTIFIER_DUE && subscription->due_ms <= now)
        notifier_run(subscription, NOTIFIER_EV_DUE);
    else
        notifier_arm(subscription);
}
