/* SPDX-License-Identifier: Apache-2.0 */
/* SUBSCRIBE and PUBLISH: what is wrong with one by itself, an accepted one, and requests inside a subscription. */
#include "engine/engine_priv.h"

static void refuse(struct engine_request *request, const struct notifier_refusal *refusal)
{
    engine_answer(request, refusal->code, refusal->reason, refusal->name, refusal->value);
}

bool engine_check_event(struct engine_request *request)
{
    struct notifier_refusal refusal;
    const struct sip_message *message = request->message;
    if (message->method != SIP_METHOD_SUBSCRIBE && message->method != SIP_METHOD_PUBLISH)
        return false;
    if (!notifier_refuses(request->core->notifier, message, &refusal))
        return false;
    refuse(request, &refusal);
    return true;
}

static struct notifier_accept accept_of(struct engine_request *request, char contact[static ENGINE_CONTACT_MAX])
{
    struct engine_core *core = request->core;
    return (struct notifier_accept){
        .aor = core->target.aor,
        .contact = engine_contact(request, contact),
        .source = request->flow->remote,
        .is_trusted = engine_site_trusts(core->site, &request->flow->remote),
        .expires_s = core->last.decision.answer->expires,
    };
}

/* The 200 goes first, and the NOTIFY right behind it (RFC 6665 4.2.1.2). */
static void answer_subscribed(struct engine_request *request, struct notifier_subscription *subscription,
                              const struct policy_answer *from)
{
    memcpy(request->tag, notifier_tag(subscription).at, sizeof(request->tag));
    struct buffer answer = engine_answer_begin(request, 200, from ? from->reason : SPAN(""));
    sip_reply_copy(&answer, request->message, SIP_HEADER_RECORD_ROUTE);
    sip_reply_header(&answer, SPAN("Contact"), notifier_contact(subscription));
    sip_reply_header_u64(&answer, SPAN("Expires"), notifier_expires_s(subscription));
    if (from)
        engine_add_headers(&answer, from);
    engine_answer_end(request, &answer, 200);
}

void engine_accept_subscription(struct engine_request *request)
{
    struct engine_core *core = request->core;
    char contact[ENGINE_CONTACT_MAX];
    const struct notifier_accept accept = accept_of(request, contact);
    struct notifier_subscription *subscription;
    struct notifier_refusal refusal;
    if (notifier_subscribe(core->notifier, request->message, &request->back, &accept, &subscription, &refusal) != OK) {
        refuse(request, &refusal);
        return;
    }
    answer_subscribed(request, subscription, core->last.decision.answer);
    if (core->last.code == 200)
        notifier_begin(subscription);
    else
        notifier_drop(subscription);
}

void engine_accept_publication(struct engine_request *request)
{
    struct engine_core *core = request->core;
    const struct policy_answer *from = core->last.decision.answer;
    char contact[ENGINE_CONTACT_MAX];
    const struct notifier_accept accept = accept_of(request, contact);
    struct notifier_grant grant;
    struct notifier_refusal refusal;
    if (notifier_publish(core->notifier, request->message, &accept, &grant, &refusal) != OK) {
        refuse(request, &refusal);
        return;
    }
    struct buffer answer = engine_answer_begin(request, 200, from->reason);
    sip_reply_header(&answer, SPAN("SIP-ETag"), span_make(grant.etag, sizeof(grant.etag)));
    sip_reply_header_u64(&answer, SPAN("Expires"), grant.expires_s);
    engine_add_headers(&answer, from);
    engine_answer_end(request, &answer, 200);
}

static void refresh(struct engine_request *request, struct notifier_subscription *subscription)
{
    struct notifier_refusal refusal;
    if (notifier_refresh(subscription, request->message, &request->back, &refusal) != OK) {
        refuse(request, &refusal);
        return;
    }
    answer_subscribed(request, subscription, NULL);
    notifier_begin(subscription);
}

/* No answer to another method may end the subscription (RFC 5057 5.1), so none is 481 or 501. */
static void answer_other(struct engine_request *request, struct notifier_subscription *subscription)
{
    if (!notifier_take_cseq(subscription, request->message)) {
        engine_answer(request, 500, SPAN("CSeq is out of order"), SPAN(""), SPAN(""));
        return;
    }
    if (request->message->method != SIP_METHOD_OPTIONS) {
        engine_answer(request, 405, SPAN(""), SPAN("Allow"), SPAN("SUBSCRIBE, OPTIONS"));
        return;
    }
    struct buffer answer = engine_answer_begin(request, 200, SPAN(""));
    engine_add_abilities(request, &answer);
    engine_answer_end(request, &answer, 200);
}

bool engine_receive_subscribed(struct engine_request *request)
{
    struct notifier_subscription *subscription = notifier_find(request->core->notifier, request->message);
    if (!subscription)
        return false;
    if (!engine_request_open(request) || engine_check_require(request))
        return true;
    if (request->message->method == SIP_METHOD_SUBSCRIBE)
        refresh(request, subscription);
    else
        answer_other(request, subscription);
    return true;
}
