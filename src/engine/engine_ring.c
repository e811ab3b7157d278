/* SPDX-License-Identifier: Apache-2.0 */
/* ok { ring = SECONDS }: 180 now, the 200 later.  Until then the transaction keeps the INVITE and all of its machine (a
 * CANCEL gets 487, RFC 3261 9.2), and what the answer is made of is kept here: a reload changes nothing about it. */
#include "engine/engine_priv.h"
#include "util/list.h"
#include <stdlib.h>

struct engine_ringing {
    struct list node; /* in core->ringing */
    struct timer timer;
    struct engine_core *core;
    struct txn *txn;
    struct net_flow flow; /* where the INVITE came from */
    struct call_accept accept;
    char text[]; /* what the spans of `accept` point into */
};

static void ringing_free(struct engine_ringing *ringing)
{
    wheel_cancel(ringing->core->wheel, &ringing->timer);
    list_remove(&ringing->node);
    txn_set_user(ringing->txn, NULL);
    free(ringing);
}

void engine_ring_forget(struct txn *txn)
{
    struct engine_ringing *ringing = txn_user(txn);
    if (ringing)
        ringing_free(ringing);
}

void engine_ring_forget_all(struct engine_core *core)
{
    struct list *node;
    while ((node = list_first(&core->ringing)) != NULL)
        ringing_free(container_of(node, struct engine_ringing, node));
}

/* The time is over.  A transaction that was answered meanwhile was cancelled. */
static void on_answer_due(struct timer *timer, void *ctx)
{
    struct engine_ringing *ringing = container_of(timer, struct engine_ringing, timer);
    struct engine_core *core = ringing->core;
    struct sip_problem problem;
    struct engine_request request;
    (void)ctx;
    if (txn_state(ringing->txn) == TXN_PROCEEDING &&
        sip_message_parse(&core->message, txn_request(ringing->txn), SIP_STREAM, &problem) == OK) {
        engine_request_init(&request, core, &ringing->flow);
        request.txn = ringing->txn;
        engine_accept(&request, &ringing->accept);
    }
    ringing_free(ringing);
}

static struct span keep(char **at, struct span text)
{
    char *copy = *at;
    if (text.len)
        memcpy(copy, text.at, text.len);
    *at += text.len;
    return span_make(copy, text.len);
}

/* A copy of `accept` with its texts in one block. */
static struct engine_ringing *ringing_new(const struct engine_request *request, const struct call_accept *accept)
{
    size_t len = accept->reason.len + accept->contact.len + accept->media_address.len + accept->body.len +
                 accept->body_type.len + accept->extra.len;
    struct engine_ringing *ringing = malloc(sizeof(*ringing) + len);
    if (!ringing)
        return NULL;
    char *at = ringing->text;
    ringing->core = request->core;
    ringing->txn = request->txn;
    ringing->flow = *request->flow;
    ringing->accept = *accept;
    ringing->accept.reason = keep(&at, accept->reason);
    ringing->accept.contact = keep(&at, accept->contact);
    ringing->accept.media_address = keep(&at, accept->media_address);
    ringing->accept.body = keep(&at, accept->body);
    ringing->accept.body_type = keep(&at, accept->body_type);
    ringing->accept.extra = keep(&at, accept->extra);
    timer_init(&ringing->timer, on_answer_due);
    list_push_back(&request->core->ringing, &ringing->node);
    txn_set_user(request->txn, ringing);
    return ringing;
}

static void send_ringing(struct engine_request *request, struct span contact)
{
    struct buffer answer = engine_answer_begin(request, 180, SPAN(""));
    sip_reply_header(&answer, SPAN("Contact"), contact);
    sip_reply_header(&answer, SPAN("Allow"), engine_allow());
    sip_reply_end(&answer, SPAN(""), SPAN(""));
    /* A 180 that cannot be sent is no reason not to answer. */
    if (!answer.overflow && txn_reply(request->txn, 180, buffer_span(&answer)) != OK && request->core->meters)
        metric_count(request->core->meters->noise[ENGINE_NOISE_SEND_FAILED], request->core->worker, 1);
}

bool engine_ring(struct engine_request *request, const struct call_accept *accept, int32_t ring_ms)
{
    send_ringing(request, accept->contact);
    if (ring_ms <= 0 || txn_hold(request->txn, request->message) != OK)
        return false;
    struct engine_ringing *ringing = ringing_new(request, accept);
    if (!ringing)
        return false;
    wheel_arm(request->core->wheel, &ringing->timer, request->core->clock->mono_ms + (uint64_t)ring_ms);
    request->core->last.code = 200; /* what is decided; only a CANCEL can change it */
    return true;
}
