/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/daemon_steer.h"
#include "notifier/notifier.h"
#include "sip/sip_address.h"

static unsigned by_call_id(const struct daemon_steering *steering, struct span bytes, unsigned count)
{
    struct span call_id = sip_call_id_scan(bytes);
    return (unsigned)(siphash(&steering->key, call_id.at, call_id.len) % count);
}

unsigned daemon_steer_user(const struct daemon_steering *steering, struct span owner_key, unsigned count)
{
    return (unsigned)(siphash(&steering->key, owner_key.at, owner_key.len) % count);
}

/* True with the owner in *out_worker; false: it is nobody of ours. */
static bool by_user(const struct daemon_steering *steering, const struct sip_uri *uri, unsigned count,
                    unsigned *out_worker)
{
    struct engine_target target;
    if (engine_site_target_of(steering->site, uri, &target) != OK)
        return false;
    *out_worker = daemon_steer_user(steering, target.owner_key, count);
    return true;
}

static bool by_to(const struct daemon_steering *steering, struct span bytes, unsigned count, unsigned *out_worker)
{
    struct sip_address to;
    return sip_address_parse(sip_field_scan(bytes, SIP_HEADER_TO), &to, NULL) == OK &&
           by_user(steering, &to.uri, count, out_worker);
}

static bool by_tag(struct span tag, unsigned count, unsigned *out_worker)
{
    return notifier_tag_worker(tag, out_worker) && *out_worker < count;
}

/* "METHOD uri SIP/2.0" */
static bool by_request_uri(const struct daemon_steering *steering, struct span bytes, unsigned count,
                           unsigned *out_worker)
{
    struct span line = span_slice(bytes, span_find(bytes, ' ') + 1, bytes.len);
    struct sip_uri uri;
    line = span_slice(line, 0, span_find(line, ' '));
    return sip_uri_parse(line, &uri, NULL) == OK && by_user(steering, &uri, count, out_worker);
}

/* Within a subscription by its tag, which the user's owner made. */
static bool by_subscription(const struct daemon_steering *steering, struct span bytes, unsigned count,
                            unsigned *out_worker)
{
    struct sip_address to;
    if (sip_address_parse(sip_field_scan(bytes, SIP_HEADER_TO), &to, NULL) == OK && to.tag.at)
        return by_tag(to.tag, count, out_worker);
    return by_request_uri(steering, bytes, count, out_worker);
}

/* A response to our NOTIFY has our tag in From; one to our BYE is found by its Call-ID. */
static bool by_notify(struct span bytes, unsigned count, unsigned *out_worker)
{
    struct sip_address from;
    return span_ends_with(sip_field_scan(bytes, SIP_HEADER_CSEQ), SPAN("NOTIFY")) &&
           sip_address_parse(sip_field_scan(bytes, SIP_HEADER_FROM), &from, NULL) == OK &&
           by_tag(from.tag, count, out_worker);
}

unsigned daemon_steer(const struct daemon_steering *steering, struct span bytes, unsigned count)
{
    unsigned worker;
    bool found = false;
    struct span start = bytes;
    while (start.len && (*start.at == '\r' || *start.at == '\n'))
        start = span_slice(start, 1, start.len);
    switch (start.len ? *start.at : '\0') {
    case 'R':
        found = span_starts_with(start, SPAN("REGISTER ")) && by_to(steering, start, count, &worker);
        break;
    case 'P':
        found = span_starts_with(start, SPAN("PUBLISH ")) && by_request_uri(steering, start, count, &worker);
        break;
    case 'S':
        found = (span_starts_with(start, SPAN("SUBSCRIBE ")) && by_subscription(steering, start, count, &worker)) ||
                (span_starts_with(start, SPAN("SIP/2.0 ")) && by_notify(start, count, &worker));
        break;
    default:
        break;
    }
    return found ? worker : by_call_id(steering, bytes, count);
}
