/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a SUBSCRIBE or a PUBLISH by itself (RFC 6665 4.2.1.1, RFC 3903 6): asked before anybody decides, and
 * of no state. */
#include "notifier/notifier_check.h"

#include "sip/sip_text.h"
#include "sip/sip_value.h"

/* A bound under which nobody is refused an interval (RFC 6665 4.2.1.1, RFC 3903 6 step 4). */
enum { HOUR_S = 3600 };

bool notifier_refuse(struct notifier_refusal *out_refusal, unsigned code, const char *reason)
{
    *out_refusal = (struct notifier_refusal){.code = code, .reason = span_of(reason ? reason : "")};
    return true;
}

static bool refuse_event(const struct notifier_table *table, struct notifier_refusal *out_refusal)
{
    notifier_refuse(out_refusal, 489, NULL);
    out_refusal->name = SPAN("Allow-Events");
    out_refusal->value = notifier_events(table);
    return true;
}

static bool refuse_brief(uint32_t min_s, struct notifier_refusal *out_refusal)
{
    notifier_refuse(out_refusal, 423, NULL);
    struct buffer text = buffer_over(out_refusal->text, sizeof(out_refusal->text));
    buffer_add_u64(&text, min_s);
    out_refusal->name = SPAN("Min-Expires");
    out_refusal->value = buffer_span(&text);
    return true;
}

unsigned notifier_check_event(const struct notifier_table *table, const struct sip_message *request)
{
    struct sip_value event;
    if (sip_value_token(sip_message_value(request, SIP_HEADER_EVENT), &event) != OK)
        return table->package_count;
    return notifier_package_find(table, event.token);
}

uint32_t notifier_check_lifetime(const struct notifier_lifetime *lifetime, const struct sip_message *request,
                                 int64_t bound_s)
{
    uint32_t seconds = lifetime->default_s;
    struct span value = sip_message_value(request, SIP_HEADER_EXPIRES);
    if (value.at && sip_value_seconds(value, &seconds) != OK)
        seconds = lifetime->default_s; /* refused before this is asked */
    if (seconds > lifetime->max_s)
        seconds = lifetime->max_s;
    return bound_s >= 0 && (uint64_t)bound_s < seconds ? (uint32_t)bound_s : seconds;
}

/* Expires 0 is never too brief: it fetches, unsubscribes or removes. */
bool notifier_check_expires(const struct notifier_lifetime *lifetime, const struct sip_message *request,
                            struct notifier_refusal *out_refusal)
{
    uint32_t seconds;
    struct span value = sip_message_value(request, SIP_HEADER_EXPIRES);
    if (!value.at)
        return false;
    if (sip_value_seconds(value, &seconds) != OK)
        return notifier_refuse(out_refusal, 400, "Expires is no number of seconds");
    bool is_brief = seconds > 0 && seconds < lifetime->min_s && seconds < HOUR_S;
    return is_brief && refuse_brief(lifetime->min_s, out_refusal);
}

static struct sip_media_type media_of(const struct notifier_entry *entry)
{
    size_t slash = span_find(entry->media_type, '/');
    return (struct sip_media_type){.type = span_slice(entry->media_type, 0, slash),
                                   .subtype = span_slice(entry->media_type, slash + 1, entry->media_type.len)};
}

/* Where nothing is said, every package has a type that its subscribers understand (RFC 6665 5.4.5). */
static bool accepts(const struct notifier_entry *entry, const struct sip_message *request)
{
    struct sip_media_type media = media_of(entry);
    return !sip_message_has(request, SIP_HEADER_ACCEPT) || sip_value_accepts(request, media.type, media.subtype);
}

static bool refuses_subscribe(const struct notifier_table *table, const struct notifier_entry *entry,
                              const struct sip_message *request, struct notifier_refusal *out_refusal)
{
    const struct sip_address *contact = &request->contact;
    if (!contact->text.at || contact->star || !contact->uri.text.len)
        return notifier_refuse(out_refusal, 400, "Contact: there is none, and NOTIFY needs it");
    if (contact->uri.scheme != SIP_SCHEME_SIP && contact->uri.scheme != SIP_SCHEME_SIPS)
        return notifier_refuse(out_refusal, 400, "Contact: no SIP URI, and NOTIFY needs one");
    if (!request->from.tag.len)
        return notifier_refuse(out_refusal, 400, "From: no tag, and a dialog needs one");
    if (!accepts(entry, request))
        return notifier_refuse(out_refusal, 406, NULL);
    return notifier_check_expires(&table->options.subscribe, request, out_refusal);
}

static bool refuses_body(const struct notifier_table *table, const struct notifier_entry *entry,
                         const struct sip_message *request, struct notifier_refusal *out_refusal)
{
    struct sip_media_type media = media_of(entry), said;
    const char *why = NULL;
    if (!request->body.len)
        return false;
    struct span type = sip_message_value(request, SIP_HEADER_CONTENT_TYPE);
    if (sip_value_media_type(type, &said) != OK || !sip_media_type_is(&said, media.type, media.subtype)) {
        notifier_refuse(out_refusal, 415, NULL);
        out_refusal->name = SPAN("Accept");
        out_refusal->value = entry->media_type;
        return true;
    }
    if (request->body.len > table->options.caps.publication_bytes)
        return notifier_refuse(out_refusal, 413, NULL);
    if (entry->package->check && !entry->package->check(entry->ctx, request->body, &why))
        return notifier_refuse(out_refusal, 400, why);
    return false;
}

bool notifier_check_publication(const struct notifier_table *table, const struct notifier_entry *entry,
                                const struct sip_message *request, struct notifier_refusal *out_refusal)
{
    return notifier_check_expires(&table->options.publish, request, out_refusal) ||
           refuses_body(table, entry, request, out_refusal);
}

static bool refuses_publish(const struct notifier_table *table, const struct notifier_entry *entry,
                            const struct sip_message *request, struct notifier_refusal *out_refusal)
{
    struct span match = sip_message_value(request, SIP_HEADER_SIP_IF_MATCH);
    if (match.at && (!match.len || sip_text_run(match.at, sip_text_end(match), SIP_TEXT_TOKEN) != match.len))
        return notifier_refuse(out_refusal, 400, "SIP-If-Match is no entity-tag");
    if (!match.at && !request->body.len)
        return notifier_refuse(out_refusal, 400, "an initial PUBLISH has a body");
    /* RFC 3903 6: what the entity-tag names is looked for before Expires and body are read. */
    return !match.at && notifier_check_publication(table, entry, request, out_refusal);
}

bool notifier_refuses(const struct notifier_table *table, const struct sip_message *request,
                      struct notifier_refusal *out_refusal)
{
    bool is_publish = request->method == SIP_METHOD_PUBLISH;
    unsigned index = notifier_check_event(table, request);
    if (index == table->package_count || (is_publish && !table->packages[index].package->is_published))
        return refuse_event(table, out_refusal);
    const struct notifier_entry *entry = &table->packages[index];
    return is_publish ? refuses_publish(table, entry, request, out_refusal)
                      : refuses_subscribe(table, entry, request, out_refusal);
}
