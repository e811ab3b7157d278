/* SPDX-License-Identifier: Apache-2.0 */
/* NOTIFY (RFC 6665 4.2.2): its bytes, and what its answer means. */
#include "notifier/notifier_priv.h"

#include "sip/sip_request.h"

static size_t route_spans(const struct notifier_subscription *subscription, struct span routes[SIP_REQUEST_ROUTES_MAX])
{
    struct span rest = notifier_text(subscription, NOTIFIER_TEXT_ROUTES);
    size_t count = 0;
    while (rest.len && count < SIP_REQUEST_ROUTES_MAX) {
        size_t len = span_find(rest, '\0');
        routes[count++] = span_make(rest.at, len);
        rest = span_slice(rest, len + 1, rest.len);
    }
    return count;
}

/* Our sent-by is what our Contact names, "<sip:host:port...>". */
static struct span sent_by(struct span contact)
{
    struct span rest = span_slice(contact, span_find(contact, ':') + 1, contact.len);
    size_t at = span_find(rest, '@'), end = 0;
    if (at < rest.len)
        rest = span_slice(rest, at + 1, rest.len);
    while (end < rest.len && rest.at[end] != ';' && rest.at[end] != '>')
        end++;
    return span_slice(rest, 0, end);
}

static void add_state(const struct notifier_subscription *subscription, bool is_last, struct buffer *out)
{
    buffer_add_literal(out, "Subscription-State: ");
    if (is_last) {
        buffer_add_literal(out, "terminated;reason=");
        buffer_add_text(out, notifier_reason_text(subscription->reason));
    } else {
        buffer_add_literal(out, "active;expires=");
        buffer_add_u64(out, notifier_expires_s(subscription));
    }
    buffer_add_literal(out, "\r\n");
}

/* The document in the table's body buffer.  False: there is nothing to tell. */
static bool write_body(struct notifier_subscription *subscription, struct span *out_type, struct buffer *out)
{
    const struct notifier_table *table = subscription->table;
    const struct notifier_entry *entry = &table->packages[subscription->package];
    struct notifier_view view = {
        .aor = notifier_user_aor(subscription->user),
        .full = subscription->is_full,
        .last = subscription->state == NOTIFIER_LAST,
        .reason = subscription->reason,
        .version = subscription->version,
        .mark = subscription->mark,
        .media_type = entry->media_type,
    };
    enum err err = entry->package->build(entry->ctx, &view, out);
    if (err == ERR_NOT_FOUND && !view.full && !view.last)
        return false;
    /* The state is still told by Subscription-State; the next document is full. */
    if (err != OK || out->overflow) {
        buffer_clear(out);
        subscription->wants_full = true;
    }
    subscription->next_mark = view.mark;
    *out_type = view.media_type;
    return true;
}

static bool build(void *user, const struct errand_way *way, struct buffer *out)
{
    struct notifier_subscription *subscription = user;
    struct span routes[SIP_REQUEST_ROUTES_MAX], type;
    char from_text[4096];
    struct buffer body = buffer_over(subscription->table->body, NOTIFIER_BODY_MAX);
    struct buffer from = buffer_over(from_text, sizeof(from_text));
    subscription->is_nothing = !write_body(subscription, &type, &body);
    if (subscription->is_nothing)
        return false;
    buffer_add_span(&from, notifier_text(subscription, NOTIFIER_TEXT_LOCAL));
    buffer_add_literal(&from, ";tag=");
    buffer_add_span(&from, notifier_tag(subscription));
    struct sip_request notify = {
        .method = SPAN("NOTIFY"),
        .via_transport = span_of(net_transport_name(way->flow->transport)),
        .via_host = sent_by(notifier_contact(subscription)),
        .via_rport = way->flow->transport == NET_UDP,
        .target = span_make(subscription->target.at, subscription->target.len),
        .branch = way->branch,
        .from = buffer_span(&from),
        .to = notifier_text(subscription, NOTIFIER_TEXT_REMOTE),
        .call_id = notifier_text(subscription, NOTIFIER_TEXT_CALL_ID),
        .cseq = subscription->local_cseq,
        .routes = routes,
        .route_count = route_spans(subscription, routes),
    };
    if (way->detour) {
        notify.target = way->detour->target;
        notify.route_count = errand_detour_routes(way->detour, routes);
    }
    sip_request_begin(out, &notify);
    sip_request_header(out, SPAN("Contact"), notifier_contact(subscription));
    sip_request_header(out, SPAN("Event"), notifier_text(subscription, NOTIFIER_TEXT_EVENT));
    add_state(subscription, subscription->state == NOTIFIER_LAST, out);
    sip_request_end(out, type, buffer_span(&body));
    return !out->overflow && !from.overflow;
}

static struct span next_hop(void *user)
{
    const struct notifier_subscription *subscription = user;
    struct span routes[SIP_REQUEST_ROUTES_MAX];
    struct sip_request notify = {.target = span_make(subscription->target.at, subscription->target.len),
                                 .routes = routes,
                                 .route_count = route_spans(subscription, routes)};
    return sip_request_next_hop(&notify);
}

static struct span id_of(void *user)
{
    return notifier_call_id(user);
}

static void sent(void *user)
{
    ((struct notifier_subscription *)user)->table->counters.notified++;
}

static void proven(struct notifier_subscription *subscription)
{
    if (subscription->is_unproven)
        txn_reflect_settled(txn_table_reflect(subscription->table->txns), &subscription->source);
    subscription->is_unproven = false;
}

/* The responses to a NOTIFY that end a subscription (RFC 6665 4.2.2, RFC 5057 5.1); any other only says that this one
 * NOTIFY was not taken, as 401 does, which we have no credentials for. */
static bool ends_subscription(unsigned code)
{
    return code == 404 || code == 405 || code == 410 || code == 416 || (code >= 480 && code <= 485) || code == 489 ||
           code == 501 || code == 604;
}

static uint32_t retry_after_ms(const struct sip_message *response)
{
    uint32_t seconds;
    struct span value = sip_message_value(response, SIP_HEADER_RETRY_AFTER);
    size_t digits = 0;
    while (digits < value.len && value.at[digits] >= '0' && value.at[digits] <= '9')
        digits++;
    if (!span_to_u32(span_slice(value, 0, digits), &seconds) || !seconds)
        return 0;
    return seconds < UINT32_MAX / 1000 ? 1000 * seconds : UINT32_MAX;
}

static enum notifier_event refused(struct notifier_subscription *subscription, const struct sip_message *response)
{
    subscription->table->counters.refused++;
    if (ends_subscription(response->status))
        return NOTIFIER_EV_LOST;
    subscription->retry_ms = retry_after_ms(response);
    return subscription->retry_ms ? NOTIFIER_EV_LATER : NOTIFIER_EV_UNTOLD;
}

static void done(void *user, enum errand_end end, const struct sip_message *response)
{
    struct notifier_subscription *subscription = user;
    enum notifier_event event = NOTIFIER_EV_LOST;
    subscription->errand = NULL;
    subscription->is_passed = false;
    subscription->version++; /* whatever became of it, somebody may have read it */
    if (end != ERRAND_ANSWERED) {
        subscription->table->counters.failed++;
    } else if (response->status >= 300) {
        event = refused(subscription, response);
    } else {
        proven(subscription);
        subscription->mark = subscription->next_mark;
        event = NOTIFIER_EV_TOLD;
    }
    notifier_run(subscription, event);
}

static const struct errand_job notify_job = {
    .method = {"NOTIFY", 6}, .call_id = id_of, .next_hop = next_hop, .build = build, .sent = sent, .done = done};

/* Where the Contact is the host that the SUBSCRIBE came from: no translator stands between, and a stream to it may get
 * through. */
static struct net_address stream_of(const struct notifier_subscription *subscription)
{
    struct net_address address = {0};
    struct sip_uri uri;
    const struct notifier_bytes *target = &subscription->target;
    if (subscription->flow.transport != NET_UDP || subscription->text_len[NOTIFIER_TEXT_ROUTES] ||
        sip_uri_parse(span_make(target->at, target->len), &uri, NULL) != OK || uri.scheme != SIP_SCHEME_SIP ||
        net_address_parse_ip(uri.host, uri.port ? uri.port : 5060, &address) != OK ||
        !net_address_equal_ip(&address, &subscription->flow.remote))
        return (struct net_address){0};
    return address;
}

bool notifier_send(struct notifier_subscription *subscription, bool *out_nothing)
{
    struct notifier_table *table = subscription->table;
    struct errand_order order = {.job = &notify_job, .user = subscription, .flow = subscription->flow};
    if (table->options.ways.open)
        order.stream = stream_of(subscription);
    subscription->change = subscription->user->change[subscription->package];
    subscription->local_cseq++;
    subscription->is_full = subscription->wants_full || subscription->version == 0;
    subscription->wants_full = false;
    enum err err = errand_send(table->errands, &order, &subscription->errand);
    *out_nothing = err != OK && subscription->is_nothing;
    if (err != OK) {
        if (*out_nothing)
            subscription->local_cseq--; /* nobody saw it: numbers go up by one (RFC 3261 12.2.1.1) */
        subscription->wants_full = subscription->is_full;
        return false;
    }
    subscription->is_asked = false;
    subscription->sent_ms = table->clock->mono_ms;
    return true;
}
