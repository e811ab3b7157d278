/* SPDX-License-Identifier: Apache-2.0 */
/* From an INVITE that is accepted to a call (RFC 3261 13.3.1.4). */
#include "call/call_priv.h"

static enum err check(struct call_table *table, const struct sip_message *invite, const char **out_why)
{
    if (table->is_closed || call_table_count(table) >= table->options.cap) {
        table->counters.refused_full++;
        *out_why = "no room for another call";
        return ERR_FULL;
    }
    if (!invite->contact.text.at || invite->contact.star) {
        *out_why = "INVITE without a Contact";
        return ERR_INVALID;
    }
    return OK;
}

enum err call_new(struct call_table *table, struct txn *txn, const struct sip_message *invite,
                  const struct call_accept *accept, struct call **out_call, const char **out_why)
{
    *out_why = "";
    enum err err = check(table, invite, out_why);
    if (err != OK)
        return err;
    struct call *call = NULL;
    err = call_dialog_new(table, invite, accept, &call);
    if (err != OK)
        return err;
    memcpy(call->local_tag, txn_tag(txn).at, TXN_TAG_LEN);
    call->flow = *txn_flow(txn);
    struct call_reply reply = {.txn = txn, .request = invite, .source = &accept->source};
    struct buffer out;
    err = call_reply_2xx(call, &reply, accept, &out, out_why);
    if (err == OK && !call_bytes_set(table, &call->answer.bytes, buffer_span(&out)))
        err = ERR_NOMEM;
    if (err == OK)
        err = txn_reply(txn, 200, buffer_span(&out));
    if (err != OK) {
        call_free(call);
        return err;
    }
    call->answer.cseq = invite->cseq;
    call_link(call);
    call_start_answer(call);
    if (table->options.handlers.on_start)
        table->options.handlers.on_start(table->options.handlers.ctx, call);
    *out_call = call;
    return OK;
}
