/* SPDX-License-Identifier: Apache-2.0 */
/* The dialog that a SUBSCRIBE opens (RFC 6665 4.2.1, RFC 3261 12.1.1): what is kept of it, in one block of text, and what
 * goes with it. */
#include "notifier/notifier_priv.h"

#include "sip/sip_address.h"
#include "sip/sip_text.h"
#include "sip/sip_value.h"

struct span notifier_text(const struct notifier_subscription *subscription, enum notifier_text text)
{
    size_t at = 0;
    for (unsigned i = 0; i < (unsigned)text; i++)
        at += subscription->text_len[i];
    return span_make(subscription->texts.at + at, subscription->text_len[text]);
}

/* A notifier takes the Record-Route values in their order (12.1.1). */
static void add_routes(const struct sip_message *request, struct buffer *out)
{
    struct sip_address_walk walk = sip_address_walk_begin(request, SIP_HEADER_RECORD_ROUTE);
    struct sip_address route;
    unsigned count = 0;
    while (sip_address_walk_next(&walk, &route) == OK) {
        if (++count > SIP_ROUTES_MAX)
            out->overflow = true;
        sip_text_unfold(out, route.text);
        buffer_add_byte(out, '\0');
    }
}

/* "presence" or "presence;id=7": what the subscriber said, and no other parameter (RFC 6665 8.2.1). */
static void add_event(const struct notifier_subscription *subscription, const struct sip_message *request,
                      struct buffer *out)
{
    struct sip_value event;
    buffer_add_span(out, subscription->table->packages[subscription->package].name);
    if (sip_value_token(sip_message_value(request, SIP_HEADER_EVENT), &event) != OK)
        return;
    struct span id = sip_param_value(event.params, SPAN("id"));
    if (!id.len)
        return;
    buffer_add_literal(out, ";id=");
    buffer_add_span(out, id);
}

/* What the parser saw clean is copied as it is. */
static void add_value(const struct sip_message *request, enum sip_header_id id, struct buffer *out)
{
    const struct sip_header *header = sip_message_header(request, id);
    if (header->unclean)
        sip_text_unfold(out, header->value);
    else
        buffer_add_span(out, header->value);
}

static void close_text(struct notifier_subscription *subscription, enum notifier_text text, struct buffer *out,
                       size_t *from)
{
    size_t len = out->len - *from;
    if (len > UINT16_MAX)
        out->overflow = true;
    subscription->text_len[text] = (uint16_t)len;
    *from = out->len;
}

static bool collect_texts(struct notifier_subscription *subscription, const struct sip_message *request,
                          struct span contact, struct buffer *out)
{
    size_t from = 0;
    buffer_add_span(out, request->call_id);
    close_text(subscription, NOTIFIER_TEXT_CALL_ID, out, &from);
    buffer_add_span(out, request->from.tag);
    close_text(subscription, NOTIFIER_TEXT_REMOTE_TAG, out, &from);
    add_value(request, SIP_HEADER_FROM, out);
    close_text(subscription, NOTIFIER_TEXT_REMOTE, out, &from);
    add_value(request, SIP_HEADER_TO, out);
    close_text(subscription, NOTIFIER_TEXT_LOCAL, out, &from);
    if (sip_message_has(request, SIP_HEADER_RECORD_ROUTE))
        add_routes(request, out);
    close_text(subscription, NOTIFIER_TEXT_ROUTES, out, &from);
    buffer_add_span(out, contact);
    close_text(subscription, NOTIFIER_TEXT_CONTACT, out, &from);
    add_event(subscription, request, out);
    close_text(subscription, NOTIFIER_TEXT_EVENT, out, &from);
    return !out->overflow;
}

enum err notifier_dialog_init(struct notifier_subscription *subscription, const struct sip_message *request,
                              const struct notifier_accept *accept)
{
    struct notifier_table *table = subscription->table;
    struct buffer texts = buffer_over(table->texts, NOTIFIER_TEXTS_MAX);
    if (!collect_texts(subscription, request, accept->contact, &texts))
        return ERR_TOO_LONG;
    if (!notifier_bytes_set(table, &subscription->texts, buffer_span(&texts)) ||
        !notifier_bytes_set(table, &subscription->target, request->contact.uri.text))
        return ERR_NOMEM;
    return OK;
}

/* RFC 3261 12.2.2.  Without memory the old target stays. */
void notifier_dialog_refresh(struct notifier_subscription *subscription, const struct sip_message *request)
{
    const struct sip_address *contact = &request->contact;
    struct span present = span_make(subscription->target.at, subscription->target.len);
    if (contact->text.at && !contact->star && !span_equal(contact->uri.text, present))
        (void)notifier_bytes_set(subscription->table, &subscription->target, contact->uri.text);
}

static void leave_user(struct notifier_subscription *subscription)
{
    struct notifier_table *table = subscription->table;
    struct notifier_user *user = subscription->user;
    const struct notifier_entry *entry = &table->packages[subscription->package];
    list_remove(&subscription->link);
    if (--user->subscription_count[subscription->package] == 0 && entry->package->unwatched && entry->ctx)
        entry->package->unwatched(entry->ctx, notifier_user_aor(user));
    notifier_user_give(table, user);
}

void notifier_free(struct notifier_subscription *subscription)
{
    struct notifier_table *table = subscription->table;
    wheel_cancel(table->wheel, &subscription->timer);
    errand_cancel(subscription->errand);
    if (subscription->is_unproven)
        txn_reflect_settled(txn_table_reflect(table->txns), &subscription->source);
    if (subscription->user) {
        map_remove(&table->by_tag, &subscription->node);
        leave_user(subscription);
    }
    notifier_peer_give(table, subscription->peer);
    notifier_bytes_clear(table, &subscription->texts);
    notifier_bytes_clear(table, &subscription->target);
    txn_slab_give(table->slab, subscription, sizeof(*subscription));
}

struct span notifier_tag(const struct notifier_subscription *subscription)
{
    return span_make(subscription->tag, TXN_TAG_LEN);
}

struct span notifier_contact(const struct notifier_subscription *subscription)
{
    return notifier_text(subscription, NOTIFIER_TEXT_CONTACT);
}

struct span notifier_aor(const struct notifier_subscription *subscription)
{
    return notifier_user_aor(subscription->user);
}

struct span notifier_watcher(const struct notifier_subscription *subscription)
{
    return notifier_text(subscription, NOTIFIER_TEXT_REMOTE);
}

struct span notifier_call_id(const struct notifier_subscription *subscription)
{
    return notifier_text(subscription, NOTIFIER_TEXT_CALL_ID);
}

const char *notifier_event(const struct notifier_subscription *subscription)
{
    return subscription->table->packages[subscription->package].package->name;
}

const char *notifier_state_text(const struct notifier_subscription *subscription)
{
    static const char *const texts[NOTIFIER_STATE_COUNT] = {
        [NOTIFIER_IDLE] = "told",    [NOTIFIER_DUE] = "due",     [NOTIFIER_BUSY] = "telling",
        [NOTIFIER_STALE] = "behind", [NOTIFIER_LAST] = "ending", [NOTIFIER_OVER] = "over",
    };
    return texts[subscription->state];
}

uint32_t notifier_expires_s(const struct notifier_subscription *subscription)
{
    uint64_t now = subscription->table->clock->mono_ms;
    return subscription->expires_ms > now ? (uint32_t)((subscription->expires_ms - now + 999) / 1000) : 0;
}

uint32_t notifier_version(const struct notifier_subscription *subscription)
{
    return subscription->version;
}

const struct net_address *notifier_source(const struct notifier_subscription *subscription)
{
    return &subscription->source;
}
