/* SPDX-License-Identifier: Apache-2.0 */
/* CANCEL (RFC 3261 9.2). */
#include "call/call_priv.h"

#include "txn/txn_reply_via.h"

static const struct span no_span;

/* 487 to an INVITE that still waits for its answer, from the copy that was held. */
static void terminate(struct call_table *table, struct txn *invite)
{
    struct sip_problem problem;
    if (txn_state(invite) != TXN_PROCEEDING || !txn_request(invite).len ||
        sip_message_parse(table->held, txn_request(invite), SIP_DATAGRAM, &problem) != OK)
        return;
    struct call_reply reply = {.txn = invite, .request = table->held, .source = &txn_flow(invite)->remote};
    call_reply_plain(table, &reply, 487);
}

enum err call_cancel(struct call_table *table, const struct sip_message *cancel, struct txn *invite,
                     const struct net_flow *flow, const struct net_address *source)
{
    struct call_reply reply = {.request = cancel, .source = source};
    enum err err = txn_server_new(table->options.txns, cancel, flow, &reply.txn);
    if (err != OK)
        return err;
    if (!invite) {
        call_reply_plain(table, &reply, 481);
        return OK;
    }
    char received[TXN_RECEIVED_MAX];
    struct sip_reply_via via;
    txn_reply_via(cancel, source, received, &via);
    struct buffer out = buffer_over(table->scratch, CALL_SCRATCH_LEN);
    sip_reply_begin(&out, cancel, 200, no_span, &via, txn_tag(invite));
    call_reply_end(&reply, 200, &out);
    struct call *call = call_of_tag(table, txn_tag(invite));
    if (!call || !call_run(call, CALL_EV_CANCEL))
        terminate(table, invite);
    return OK;
}
