/* SPDX-License-Identifier: Apache-2.0 */
/* Spreads NOTIFYs over time: a change or an end marks a user in constant time, and from the wheel its subscriptions take
 * their turns, as many at once as the rate allows.  Ends come before changes. */
#include "notifier/notifier_priv.h"

/* In one go at most: a subscription that has nothing to be told costs a look. */
enum { PUMP_MS = 2, LOOKS_MAX = 2000, WHOLE = 1000 };

static void on_pump(struct timer *timer, void *ctx);

void notifier_pump_init(struct notifier_table *table)
{
    list_init(&table->changed);
    list_init(&table->ending);
    timer_init(&table->pump, on_pump);
    table->rate = table->options.rate;
}

void notifier_pump_start(struct notifier_table *table)
{
    if (!timer_is_armed(&table->pump))
        wheel_arm(table->wheel, &table->pump, table->clock->mono_ms);
}

/* Thousandths of a NOTIFY; what was not used is not saved up for longer than two rounds. */
static void earn(struct notifier_table *table)
{
    uint64_t now = table->clock->mono_ms, rate = table->rate;
    uint64_t most = 2 * PUMP_MS * rate > WHOLE ? 2 * PUMP_MS * rate : WHOLE;
    uint64_t elapsed = now - table->pumped_ms;
    table->allowance += elapsed > most / rate ? most : elapsed * rate;
    if (table->allowance > most)
        table->allowance = most;
    table->pumped_ms = now;
}

/* The next one of this user that this round has not seen; it goes to the end of the row.  NULL: all were seen. */
static struct notifier_subscription *next_of(struct notifier_user *user)
{
    struct list *first = list_first(&user->subscriptions);
    if (!first)
        return NULL;
    struct notifier_subscription *subscription = container_of(first, struct notifier_subscription, link);
    if (subscription->round == user->round)
        return NULL;
    subscription->round = user->round;
    list_remove(first);
    list_push_back(&user->subscriptions, first);
    return subscription;
}

static void step(struct notifier_table *table, struct notifier_user *user)
{
    struct notifier_subscription *subscription = next_of(user);
    if (!subscription) {
        list_remove(&user->queue);
        return;
    }
    bool is_behind = subscription->change != user->change[subscription->package];
    if (user->ends || is_behind) {
        table->allowance -= WHOLE;
        /* It may end the subscription, and with it the user. */
        notifier_run(subscription, user->ends ? NOTIFIER_EV_END : NOTIFIER_EV_CHANGED);
    }
}

static struct notifier_user *first_user(struct notifier_table *table)
{
    struct list *first = list_first(&table->ending);
    if (!first)
        first = list_first(&table->changed);
    return first ? container_of(first, struct notifier_user, queue) : NULL;
}

static void on_pump(struct timer *timer, void *ctx)
{
    (void)ctx;
    struct notifier_table *table = container_of(timer, struct notifier_table, pump);
    struct notifier_user *user;
    unsigned looks = 0;
    earn(table);
    while ((user = first_user(table)) && table->allowance >= WHOLE && looks++ < LOOKS_MAX)
        step(table, user);
    if (!user)
        return;
    uint64_t wait_ms = PUMP_MS;
    if (table->allowance < WHOLE && (WHOLE - table->allowance) / table->rate > wait_ms)
        wait_ms = (WHOLE - table->allowance) / table->rate;
    wheel_arm(table->wheel, &table->pump, table->clock->mono_ms + wait_ms);
}
