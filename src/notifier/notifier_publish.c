/* SPDX-License-Identifier: Apache-2.0 */
/* PUBLISH (RFC 3903 6): what was published for a user, by entity-tag.  The newest comes first. */
#include "notifier/notifier_check.h"

static struct notifier_publication *publication_of(struct list *link)
{
    return container_of(link, struct notifier_publication, link);
}

static void free_publication(struct notifier_publication *publication)
{
    struct notifier_table *table = publication->table;
    wheel_cancel(table->wheel, &publication->timer);
    list_remove(&publication->link);
    publication->user->publication_count--;
    table->publications--;
    notifier_peer_give(table, publication->peer);
    notifier_bytes_clear(table, &publication->body);
    txn_slab_give(table->slab, publication, sizeof(*publication));
}

/* Its user, where that is all there was, goes too. */
static void remove_publication(struct notifier_publication *publication)
{
    struct notifier_table *table = publication->table;
    struct notifier_user *user = publication->user;
    unsigned package = publication->package;
    free_publication(publication);
    notifier_user_changed(table, user, package);
    notifier_user_give(table, user);
}

static void on_expired(struct timer *timer, void *ctx)
{
    (void)ctx;
    struct notifier_publication *publication = container_of(timer, struct notifier_publication, timer);
    publication->table->counters.publications_expired++;
    remove_publication(publication);
}

void notifier_publications_drop(struct notifier_table *table, struct notifier_user *user)
{
    (void)table;
    struct list *first;
    while ((first = list_first(&user->publications)))
        free_publication(publication_of(first));
}

struct span notifier_published(const struct notifier_user *user, unsigned package)
{
    for (const struct list *at = user->publications.next; at != &user->publications; at = at->next) {
        const struct notifier_publication *publication = container_of_const(at, struct notifier_publication, link);
        if (publication->package == package)
            return span_make(publication->body.at, publication->body.len);
    }
    return (struct span){NULL, 0};
}

static struct notifier_publication *find_publication(struct notifier_user *user, unsigned package, struct span etag)
{
    if (!user || etag.len != TXN_TAG_LEN)
        return NULL;
    for (struct list *at = user->publications.next; at != &user->publications; at = at->next) {
        struct notifier_publication *publication = publication_of(at);
        if (publication->package == package && memcmp(publication->etag, etag.at, etag.len) == 0)
            return publication;
    }
    return NULL;
}

static enum err refuse(struct notifier_table *table, struct notifier_refusal *out_refusal, unsigned code, enum err err)
{
    if (code == 503 || code == 480)
        table->counters.refused_full++;
    notifier_refuse(out_refusal, code, code == 480 ? "Too Many Publications" : NULL);
    return err;
}

static enum err take_place(struct notifier_table *table, const struct notifier_accept *accept,
                           struct notifier_peer **out_peer, struct notifier_refusal *out_refusal)
{
    const struct notifier_user *user = notifier_user_find(table, accept->aor);
    const struct notifier_caps *caps = &table->options.caps;
    if (table->is_closed || table->publications >= caps->publications)
        return refuse(table, out_refusal, 503, ERR_FULL);
    if (user && user->publication_count >= caps->publications_per_user)
        return refuse(table, out_refusal, 480, ERR_FULL);
    if (accept->is_trusted)
        return OK;
    enum err err = notifier_peer_take(table, &accept->source, out_peer);
    return err == OK ? OK : refuse(table, out_refusal, 503, err);
}

/* Every 200 brings a new entity-tag (RFC 3903 6, 11.3.1). */
static void grant(struct notifier_publication *publication, uint32_t seconds, struct notifier_grant *out_grant)
{
    struct notifier_table *table = publication->table;
    txn_tag_new(table->txns, publication->etag);
    wheel_arm(table->wheel, &publication->timer, table->clock->mono_ms + 1000 * (uint64_t)seconds);
    memcpy(out_grant->etag, publication->etag, TXN_TAG_LEN);
    out_grant->expires_s = seconds;
    table->counters.published++;
}

/* An initial one with Expires 0 has come and gone: nothing is kept of it. */
static void grant_nothing(struct notifier_table *table, struct notifier_grant *out_grant)
{
    txn_tag_new(table->txns, out_grant->etag);
    out_grant->expires_s = 0;
    table->counters.published++;
}

static void move_to_front(struct notifier_publication *publication)
{
    list_remove(&publication->link);
    list_push_front(&publication->user->publications, &publication->link);
}

static enum err add_publication(struct notifier_table *table, const struct notifier_publication *model, struct span aor,
                                struct span body, struct notifier_publication **out_publication)
{
    struct notifier_publication *publication = txn_slab_take(table->slab, sizeof(*publication));
    if (!publication)
        return ERR_NOMEM;
    *publication = *model;
    struct notifier_user *user;
    if (!notifier_bytes_set(table, &publication->body, body) || notifier_user_take(table, aor, &user) != OK) {
        notifier_bytes_clear(table, &publication->body);
        txn_slab_give(table->slab, publication, sizeof(*publication));
        return ERR_NOMEM;
    }
    timer_init(&publication->timer, on_expired);
    publication->user = user;
    list_push_front(&user->publications, &publication->link);
    user->publication_count++;
    table->publications++;
    *out_publication = publication;
    return OK;
}

static enum err publish_new(struct notifier_table *table, const struct sip_message *request,
                            const struct notifier_accept *accept, struct notifier_grant *out_grant,
                            struct notifier_refusal *out_refusal)
{
    uint32_t seconds = notifier_check_lifetime(&table->options.publish, request, accept->expires_s);
    struct notifier_publication model = {.table = table, .package = (uint8_t)notifier_check_event(table, request)};
    struct notifier_publication *publication;
    enum err err = take_place(table, accept, &model.peer, out_refusal);
    if (err != OK)
        return err;
    if (!seconds) {
        notifier_peer_give(table, model.peer);
        grant_nothing(table, out_grant);
        return OK;
    }
    err = add_publication(table, &model, accept->aor, request->body, &publication);
    if (err != OK) {
        notifier_peer_give(table, model.peer);
        return refuse(table, out_refusal, 503, err);
    }
    grant(publication, seconds, out_grant);
    notifier_user_changed(table, publication->user, publication->package);
    return OK;
}

static enum err publish_again(struct notifier_publication *publication, const struct sip_message *request,
                              const struct notifier_accept *accept, struct notifier_grant *out_grant,
                              struct notifier_refusal *out_refusal)
{
    struct notifier_table *table = publication->table;
    uint32_t seconds = notifier_check_lifetime(&table->options.publish, request, accept->expires_s);
    if (!seconds) {
        remove_publication(publication);
        grant_nothing(table, out_grant);
        return OK;
    }
    if (request->body.len) {
        if (!notifier_bytes_set(table, &publication->body, request->body))
            return refuse(table, out_refusal, 503, ERR_NOMEM);
        move_to_front(publication);
        notifier_user_changed(table, publication->user, publication->package);
    }
    grant(publication, seconds, out_grant);
    return OK;
}

enum err notifier_publish(struct notifier_table *table, const struct sip_message *request,
                          const struct notifier_accept *accept, struct notifier_grant *out_grant,
                          struct notifier_refusal *out_refusal)
{
    struct span etag = sip_message_value(request, SIP_HEADER_SIP_IF_MATCH);
    if (!etag.at)
        return publish_new(table, request, accept, out_grant, out_refusal);
    struct notifier_publication *publication =
        find_publication(notifier_user_find(table, accept->aor), notifier_check_event(table, request), etag);
    if (!publication)
        return refuse(table, out_refusal, 412, ERR_CONFLICT);
    if (notifier_check_publication(table, &table->packages[publication->package], request, out_refusal))
        return ERR_INVALID;
    return publish_again(publication, request, accept, out_grant, out_refusal);
}
