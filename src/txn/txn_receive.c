/* SPDX-License-Identifier: Apache-2.0 */
/* What arrives is sorted here: requests by RFC 3261 17.2.3, responses by 17.1.3. */
#include "txn/txn_priv.h"

/* A client that comes back on a new connection, or whose port was mapped anew, is answered there; another host is not. */
static void follow(struct txn *txn, const struct net_flow *flow)
{
    if (!net_flow_equal(&txn->flow, flow) && net_address_equal_ip(&txn->flow.remote, &flow->remote))
        txn->flow = *flow;
}

/* RFC 2543 wants the ACK's To tag to be the answer's (RFC 3261 17.2.3); with a cookie the branch alone decides. */
static bool is_ack_for(const struct sip_message *ack, const struct txn *txn)
{
    return ack->via.has_cookie || txn->has_to_tag || !ack->to.tag.at ||
           span_equal(ack->to.tag, span_make(txn->tag, TXN_TAG_LEN));
}

static enum txn_class receive_ack(struct txn_table *table, const struct sip_message *ack)
{
    struct txn *txn = txn_find(table, txn_key_server(table, ack, SIP_METHOD_INVITE));
    if (!txn || !is_ack_for(ack, txn))
        return txn_is_stateless_ack(table, ack) ? TXN_ACK_ABSORBED : TXN_ACK_FOR_CALL;
    bool is_for_call = txn->state == TXN_ACCEPTED;
    if (txn_run(txn, TXN_EV_ACK, &(struct txn_cause){.message = ack}) != OK)
        table->counters.stray_acks++;
    return is_for_call ? TXN_ACK_FOR_CALL : TXN_ACK_ABSORBED;
}

static struct txn_arrival receive_cancel(struct txn_table *table, const struct sip_message *cancel)
{
    struct txn *invite = txn_find(table, txn_key_server(table, cancel, SIP_METHOD_INVITE));
    if (!invite)
        return (struct txn_arrival){TXN_CANCEL_UNMATCHED, NULL};
    if (invite->state == TXN_ABSORBING) /* nothing is said to whom nothing was said before */
        return (struct txn_arrival){TXN_ABSORBED, NULL};
    return (struct txn_arrival){TXN_CANCEL_MATCHED, invite};
}

static struct txn_arrival receive_request(struct txn_table *table, const struct sip_message *request,
                                          const struct net_flow *flow)
{
    struct txn_sorted *sorted = &table->sorted;
    *sorted = (struct txn_sorted){.request = request, .key = txn_key_server(table, request, request->method)};
    txn_index_prefetch(&table->by_key, sorted->key.hash);
    sorted->merge = txn_key_merge(table, request);
    txn_index_prefetch(&table->by_merge, sorted->merge);
    struct txn *txn = txn_find(table, sorted->key);
    if (txn) {
        follow(txn, flow);
        sorted->request = NULL;
        txn_run(txn, TXN_EV_REQUEST_AGAIN, &(struct txn_cause){0});
        return (struct txn_arrival){TXN_ABSORBED, NULL};
    }
    if (request->method == SIP_METHOD_CANCEL)
        return receive_cancel(table, request);
    sorted->is_merged = sorted->merge && txn_index_find(&table->by_merge, sorted->merge);
    return (struct txn_arrival){sorted->is_merged ? TXN_MERGED : TXN_NEW, NULL};
}

struct txn_arrival txn_receive(struct txn_table *table, const struct sip_message *request, const struct net_flow *flow)
{
    struct txn_arrival arrival = {TXN_ACK_ABSORBED, NULL};
    if (request->method == SIP_METHOD_ACK)
        arrival.class = receive_ack(table, request);
    else
        arrival = receive_request(table, request, flow);
    table->counters.received[arrival.class]++;
    return arrival;
}

void txn_receive_stateless(struct txn_table *table)
{
    table->sorted.request = NULL;
    table->counters.received[TXN_NEW]++;
}

bool txn_receive_response(struct txn_table *table, const struct sip_message *response)
{
    /* One Via, ours: more would mean a response to somebody else (RFC 3261 8.1.3.3). */
    struct txn *txn = NULL;
    if (response->via_count == 1 && response->via.branch.at)
        txn =
            txn_find(table, txn_key_client(table, response->via.branch, response->cseq_method_text, response->call_id));
    if (!txn || !txn_is_client(txn)) {
        table->counters.stray_responses++;
        return false;
    }
    enum txn_event event = response->status < 200 ? TXN_EV_RESPONSE_1XX : TXN_EV_RESPONSE_FINAL;
    if (txn->kind == TXN_INVITE_CLIENT && response->status >= 200 && response->status < 300)
        event = TXN_EV_RESPONSE_2XX;
    if (txn->state != TXN_COMPLETED)
        txn->code = response->status;
    return txn_run(txn, event, &(struct txn_cause){.message = response}) == OK;
}
