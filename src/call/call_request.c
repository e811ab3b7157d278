/* SPDX-License-Identifier: Apache-2.0 */
/* Requests in a dialog (RFC 3261 12.2.2).  No answer here destroys a dialog that stands (RFC 5057). */
#include "call/call_priv.h"

#include "sip/sip_multipart.h"
#include "sip/sip_text.h"

static const struct span no_span;

/* Answers, and returns the code.  The call may be gone afterwards only where the table below says so. */
typedef unsigned (*handle_fn)(struct call *call, const struct call_reply *reply);

static unsigned answer_options(struct call *call, const struct call_reply *reply)
{
    struct buffer out = call_reply_begin(call->table, reply, 200, no_span);
    call_reply_contact(call, &out);
    call_reply_abilities(&out);
    sip_reply_header(&out, SPAN("Accept"), SPAN("application/sdp"));
    call_reply_end(reply, 200, &out);
    return 200;
}

/* RFC 6086: no package is ours.  A bare INFO proves that the call stands; a body would ask for more than we do. */
static unsigned answer_info(struct call *call, const struct call_reply *reply)
{
    bool has_package = sip_message_find(reply->request, SPAN("Info-Package"), NULL) != NULL;
    unsigned code = has_package ? 469 : reply->request->body.len ? 415 : 200;
    struct buffer out = call_reply_begin(call->table, reply, code, no_span);
    if (has_package)
        buffer_add_literal(&out, "Recv-Info: \r\n");
    if (code == 415)
        buffer_add_literal(&out, "Accept: \r\n");
    call_reply_end(reply, code, &out);
    return code;
}

static unsigned refuse_with(struct call *call, const struct call_reply *reply, unsigned code)
{
    struct buffer out = call_reply_begin(call->table, reply, code, no_span);
    call_reply_abilities(&out);
    if (code == 489)
        buffer_add_literal(&out, "Allow-Events: \r\n");
    call_reply_end(reply, code, &out);
    return code;
}

/* NOTIFY: for no subscription (RFC 6665 4.1.3). */
static unsigned refuse_unmatched(struct call *call, const struct call_reply *reply)
{
    return refuse_with(call, reply, 481);
}

static unsigned refuse_event(struct call *call, const struct call_reply *reply)
{
    return refuse_with(call, reply, 489);
}

static unsigned decline(struct call *call, const struct call_reply *reply)
{
    return refuse_with(call, reply, 603);
}

static unsigned refuse_method(struct call *call, const struct call_reply *reply)
{
    return refuse_with(call, reply, reply->request->method == SIP_METHOD_OTHER ? 501 : 405);
}

static unsigned answer_bye(struct call *call, const struct call_reply *reply)
{
    call_reply_plain(call->table, reply, 200);
    return 200;
}

/* A policy may take part in these; they change neither the dialog nor the session. */
static bool is_open_to_policies(enum sip_method method)
{
    return method == SIP_METHOD_INFO || method == SIP_METHOD_OPTIONS || method == SIP_METHOD_MESSAGE ||
           method == SIP_METHOD_REFER;
}

/* A transfer that is taken asks for NOTIFYs of its progress, and nobody here transfers; but who asks for none may have its
 * way (RFC 4488). */
static bool may_say(const struct sip_message *request, const struct call_say *say)
{
    struct span value = sip_message_value(request, SIP_HEADER_REFER_SUB);
    return request->method != SIP_METHOD_REFER || say->code >= 300 ||
           span_equal_nocase(span_trim(span_slice(value, 0, span_find(value, ';'))), SPAN("false"));
}

static unsigned say(struct call *call, const struct call_reply *reply, const struct call_say *what)
{
    struct buffer out = call_reply_begin(call->table, reply, what->code, what->reason);
    if (reply->request->method == SIP_METHOD_OPTIONS && what->code < 300) {
        call_reply_contact(call, &out);
        call_reply_abilities(&out);
        sip_reply_header(&out, SPAN("Accept"), SPAN("application/sdp"));
    }
    if (reply->request->method == SIP_METHOD_REFER && what->code < 300)
        sip_reply_header(&out, SPAN("Refer-Sub"), SPAN("false"));
    buffer_add_span(&out, what->extra);
    call_reply_end(reply, what->code, &out);
    return what->code;
}

/* 0: no policy wants to answer this. */
static unsigned ask_policy(struct call *call, const struct call_reply *reply)
{
    const struct call_handlers *handlers = &call->table->options.handlers;
    struct call_say what = {0};
    if (!is_open_to_policies(reply->request->method) || !handlers->on_ask ||
        !handlers->on_ask(handlers->ctx, call, reply->request, &what) || !may_say(reply->request, &what))
        return 0;
    return say(call, reply, &what);
}

static const handle_fn handlers_by_method[SIP_METHOD_COUNT] = {
    [SIP_METHOD_BYE] = answer_bye,          [SIP_METHOD_INVITE] = call_reinvite,   [SIP_METHOD_UPDATE] = call_update,
    [SIP_METHOD_OPTIONS] = answer_options,  [SIP_METHOD_INFO] = answer_info,       [SIP_METHOD_PRACK] = call_prack,
    [SIP_METHOD_NOTIFY] = refuse_unmatched, [SIP_METHOD_SUBSCRIBE] = refuse_event, [SIP_METHOD_REFER] = decline,
};

/* The first token of Require that we do not know; with `out`, all of them as Unsupported. */
static bool find_unknown(const struct sip_message *request, struct buffer *out, struct span *out_token)
{
    bool is_found = false;
    const struct sip_header *header = sip_message_header(request, SIP_HEADER_REQUIRE);
    for (; header; header = sip_message_header_next(request, header)) {
        struct span rest = header->value;
        while (sip_text_list_next(&rest, out_token)) {
            if (span_equal_nocase(*out_token, SPAN("100rel")) || span_equal_nocase(*out_token, SPAN("timer")))
                continue;
            is_found = true;
            if (!out)
                return true;
            sip_reply_header(out, SPAN("Unsupported"), *out_token);
        }
    }
    return is_found;
}

/* Extensions are required that no answer of ours knows (8.2.2.3).  False: none is. */
static bool refuse_extensions(struct call_table *table, const struct call_reply *reply)
{
    struct span token;
    if (!find_unknown(reply->request, NULL, &token))
        return false;
    struct buffer out = call_reply_begin(table, reply, 420, no_span);
    find_unknown(reply->request, &out, &token);
    call_reply_end(reply, 420, &out);
    return true;
}

/* A body that describes a session has to be one that we can read (8.2.3); what cannot be read changes nothing about the
 * call (RFC 5057). */
static bool refuse_body(struct call_table *table, const struct call_reply *reply)
{
    const struct sip_message *request = reply->request;
    bool describes = request->method == SIP_METHOD_INVITE || request->method == SIP_METHOD_UPDATE ||
                     request->method == SIP_METHOD_PRACK;
    if (!describes || !request->body.len || call_session_is_in(request) || sip_multipart_is_optional(request))
        return false;
    bool is_coded = sip_multipart_is_coded(request);
    struct buffer out = call_reply_begin(table, reply, 415, no_span);
    if (is_coded)
        sip_reply_header(&out, SPAN("Accept-Encoding"), SPAN("identity"));
    else
        sip_reply_header(&out, SPAN("Accept"), SPAN("application/sdp"));
    call_reply_end(reply, 415, &out);
    return true;
}

/* RFC 3261 12.2.2: a number must grow.  A BYE that only repeats the last one is let through, since ending late is worse. */
static bool is_out_of_order(const struct call *call, const struct sip_message *request)
{
    return request->cseq < call->remote_cseq ||
           (request->cseq == call->remote_cseq && request->method != SIP_METHOD_BYE);
}

static unsigned answer(struct call *call, const struct call_reply *reply)
{
    const struct sip_message *request = reply->request;
    if (is_out_of_order(call, request)) {
        call_reply_plain(call->table, reply, 500);
        return 500;
    }
    call->remote_cseq = request->cseq;
    call->flow = *txn_flow(reply->txn);
    /* Our BYE ended the dialog (15.1.1); theirs may have crossed it. */
    if (call->state >= CALL_WAITING && request->method != SIP_METHOD_BYE) {
        call_reply_plain(call->table, reply, 481);
        return 481;
    }
    if (refuse_extensions(call->table, reply))
        return 420;
    if (refuse_body(call->table, reply))
        return 415;
    unsigned said = ask_policy(call, reply);
    if (said)
        return said;
    handle_fn handle = handlers_by_method[request->method];
    return handle ? handle(call, reply) : refuse_method(call, reply);
}

enum err call_receive(struct call_table *table, const struct sip_message *request, const struct net_flow *flow,
                      const struct net_address *source)
{
    struct call_reply reply = {.request = request, .source = source};
    enum err err = txn_server_new(table->options.txns, request, flow, &reply.txn);
    if (err != OK)
        return err;
    bool mistagged;
    struct call *call = call_match(table, request, &mistagged);
    if (!call) {
        table->counters.unknown_dialog++;
        call_reply_plain(table, &reply, 481);
        return OK;
    }
    unsigned code = answer(call, &reply);
    const struct call_handlers *handlers = &table->options.handlers;
    if (handlers->on_request)
        handlers->on_request(handlers->ctx, call, request, code);
    if (request->method == SIP_METHOD_BYE && code == 200)
        call_run(call, CALL_EV_PEER_BYE);
    else
        call_arm(call); /* a PRACK may have made the answer due */
    return OK;
}
