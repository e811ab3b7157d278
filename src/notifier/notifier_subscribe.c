/* SPDX-License-Identifier: Apache-2.0 */
/* SUBSCRIBE: opens a subscription, refreshes it, ends it (RFC 6665 4.2.1). */
#include "notifier/notifier_check.h"

#include "notifier/notifier_tag.h"
#include "sip/sip_value.h"

/* Our tags are keyed and random behind their first three characters: no hash of them is needed. */
static uint64_t hash_of_tag(const char *tag)
{
    uint64_t halves[2];
    memcpy(halves, tag, sizeof(halves));
    return halves[0] * 0x9e3779b97f4a7c15ULL ^ halves[1] * 0xc2b2ae3d27d4eb4fULL;
}

static bool has_tag(const struct map_node *node, const void *key)
{
    const struct notifier_subscription *subscription = container_of_const(node, struct notifier_subscription, node);
    return memcmp(subscription->tag, key, TXN_TAG_LEN) == 0;
}

struct notifier_subscription *notifier_find(struct notifier_table *table, const struct sip_message *request)
{
    struct span tag = request->to.tag;
    if (tag.len != TXN_TAG_LEN)
        return NULL;
    struct map_node *node = map_find(&table->by_tag, hash_of_tag(tag.at), has_tag, tag.at);
    if (!node)
        return NULL;
    struct notifier_subscription *subscription = container_of(node, struct notifier_subscription, node);
    bool fits = span_equal(notifier_text(subscription, NOTIFIER_TEXT_CALL_ID), request->call_id) &&
                span_equal(notifier_text(subscription, NOTIFIER_TEXT_REMOTE_TAG), request->from.tag);
    /* One that ends is over for its subscriber already. */
    return fits && subscription->state < NOTIFIER_LAST && !subscription->user->ends ? subscription : NULL;
}

struct notifier_subscription *notifier_next(const struct notifier_table *table,
                                            const struct notifier_subscription *after)
{
    struct map_node *node = map_next(&table->by_tag, after ? &after->node : NULL);
    return node ? container_of(node, struct notifier_subscription, node) : NULL;
}

static size_t watchers_of(const struct notifier_user *user)
{
    size_t count = 0;
    for (unsigned i = 0; i < NOTIFIER_PACKAGES_MAX; i++)
        count += user->subscription_count[i];
    return count;
}

static enum err refuse_full(struct notifier_table *table, struct notifier_refusal *out_refusal, unsigned code,
                            const char *reason)
{
    table->counters.refused_full++;
    notifier_refuse(out_refusal, code, reason);
    return ERR_FULL;
}

/* This server has no room: 503, without Retry-After, for it says nothing of its other work.  That one user has too many
 * watchers is that user's matter: 480. */
static enum err take_place(struct notifier_table *table, const struct notifier_accept *accept,
                           struct notifier_peer **out_peer, struct notifier_refusal *out_refusal)
{
    const struct notifier_user *user = notifier_user_find(table, accept->aor);
    if (table->is_closed || table->by_tag.count >= table->options.caps.subscriptions)
        return refuse_full(table, out_refusal, 503, NULL);
    if (user && watchers_of(user) >= table->options.caps.per_user)
        return refuse_full(table, out_refusal, 480, "Too Many Watchers");
    if (accept->is_trusted)
        return OK;
    enum err err = notifier_peer_take(table, &accept->source, out_peer);
    return err == OK ? OK : refuse_full(table, out_refusal, 503, NULL);
}

static void join_user(struct notifier_subscription *subscription, struct notifier_user *user)
{
    subscription->user = user;
    subscription->round = user->round;
    user->subscription_count[subscription->package]++;
    list_push_back(&user->subscriptions, &subscription->link);
}

static void set_expires(struct notifier_subscription *subscription, uint32_t seconds)
{
    struct notifier_table *table = subscription->table;
    subscription->leaves = seconds == 0;
    subscription->expires_ms = table->clock->mono_ms + 1000 * (uint64_t)seconds;
}

static enum err open(struct notifier_subscription *subscription, const struct sip_message *request,
                     const struct notifier_accept *accept)
{
    struct notifier_table *table = subscription->table;
    struct notifier_user *user;
    enum err err = notifier_dialog_init(subscription, request, accept);
    if (err == OK)
        err = notifier_user_take(table, accept->aor, &user);
    if (err != OK)
        return err;
    join_user(subscription, user);
    notifier_tag_new(table->txns, table->options.worker, subscription->tag);
    map_add(&table->by_tag, &subscription->node, hash_of_tag(subscription->tag));
    return OK;
}

enum err notifier_subscribe(struct notifier_table *table, const struct sip_message *request,
                            const struct net_flow *flow, const struct notifier_accept *accept,
                            struct notifier_subscription **out_subscription, struct notifier_refusal *out_refusal)
{
    struct notifier_peer *peer = NULL;
    enum err err = take_place(table, accept, &peer, out_refusal);
    if (err != OK)
        return err;
    struct notifier_subscription *subscription = txn_slab_take(table->slab, sizeof(*subscription));
    if (!subscription) {
        notifier_peer_give(table, peer);
        return refuse_full(table, out_refusal, 503, NULL);
    }
    *subscription = (struct notifier_subscription){
        .table = table,
        .peer = peer,
        .flow = *flow,
        .source = accept->source,
        .remote_cseq = request->cseq,
        .package = (uint8_t)notifier_check_event(table, request),
        .reason = NOTIFIER_TIMEOUT,
        .due_ms = NOTIFIER_NEVER,
    };
    timer_init(&subscription->timer, notifier_timer);
    set_expires(subscription, notifier_check_lifetime(&table->options.subscribe, request, accept->expires_s));
    subscription->is_fetch = subscription->leaves;
    err = open(subscription, request, accept);
    if (err != OK) {
        notifier_free(subscription);
        if (err != ERR_TOO_LONG)
            return refuse_full(table, out_refusal, 503, NULL);
        notifier_refuse(out_refusal, 513, NULL);
        return err;
    }
    if (!accept->is_trusted) {
        subscription->is_unproven = true;
        txn_reflect_answered(txn_table_reflect(table->txns), &subscription->source);
    }
    *out_subscription = subscription;
    return OK;
}

void notifier_drop(struct notifier_subscription *subscription)
{
    notifier_free(subscription);
}

/* RFC 3261 12.2.2: a number must grow. */
bool notifier_take_cseq(struct notifier_subscription *subscription, const struct sip_message *request)
{
    if (request->cseq <= subscription->remote_cseq)
        return false;
    subscription->remote_cseq = request->cseq;
    return true;
}

/* The same package and the same id, byte by byte (RFC 6665 8.2.1); another one would be a second usage of this dialog,
 * which a notifier need not take (RFC 6665 4.5.2). */
static bool is_same_event(const struct notifier_subscription *subscription, const struct sip_message *request)
{
    struct sip_value theirs, ours;
    if (sip_value_token(sip_message_value(request, SIP_HEADER_EVENT), &theirs) != OK ||
        sip_value_token(notifier_text(subscription, NOTIFIER_TEXT_EVENT), &ours) != OK)
        return false;
    return span_equal(theirs.token, ours.token) &&
           span_equal(sip_param_value(theirs.params, SPAN("id")), sip_param_value(ours.params, SPAN("id")));
}

enum err notifier_refresh(struct notifier_subscription *subscription, const struct sip_message *request,
                          const struct net_flow *flow, struct notifier_refusal *out_refusal)
{
    struct notifier_table *table = subscription->table;
    if (!notifier_take_cseq(subscription, request)) {
        notifier_refuse(out_refusal, 500, "CSeq is out of order");
        return ERR_INVALID;
    }
    if (notifier_check_event(table, request) == table->package_count) {
        (void)notifier_refuses(table, request, out_refusal); /* 489 with Allow-Events */
        return ERR_INVALID;
    }
    if (!is_same_event(subscription, request)) {
        notifier_refuse(out_refusal, 403, "One subscription a dialog");
        return ERR_INVALID;
    }
    if (notifier_check_expires(&table->options.subscribe, request, out_refusal))
        return ERR_INVALID;
    subscription->flow = *flow;
    notifier_dialog_refresh(subscription, request);
    set_expires(subscription, notifier_check_lifetime(&table->options.subscribe, request, -1));
    notifier_arm(subscription);
    return OK;
}

void notifier_begin(struct notifier_subscription *subscription)
{
    struct notifier_counters *counters = &subscription->table->counters;
    if (subscription->is_fetch)
        counters->fetched++;
    else if (subscription->leaves)
        counters->unsubscribed++;
    else if (subscription->is_begun)
        counters->refreshed++;
    else
        counters->subscribed++;
    subscription->is_begun = true;
    notifier_run(subscription, subscription->leaves ? NOTIFIER_EV_LEFT : NOTIFIER_EV_ASKED);
}
