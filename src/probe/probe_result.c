/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer means, in words: the promises that each status makes to whoever asked. */
#include "probe/probe_exchange.h"

static const struct {
    unsigned code;
    const char *text;
} meanings[] = {
    {200, "here, and it takes this request"},
    {202, "here, and the request was taken; what becomes of it is said later"},
    {300, "one of several places: see Contact"},
    {301, "moved for good; update what you have stored"},
    {302, "elsewhere for now"},
    {400, "the request is malformed"},
    {401, "credentials are wanted"},
    {403, "refused; credentials will not help"},
    {404, "never existed here, or nobody can say that it is gone for ever"},
    {405, "this method is not allowed for it"},
    {407, "credentials are wanted by a proxy"},
    {408, "nobody answered in time"},
    {410, "once existed here, no forwarding address, permanent"},
    {415, "this kind of body is not understood"},
    {416, "this kind of URI is not understood"},
    {420, "an extension was required that is not supported"},
    {480, "known here, not available now"},
    {481, "no such call or transaction"},
    {482, "the same request came by two ways"},
    {484, "the number is not complete"},
    {486, "busy"},
    {487, "cancelled"},
    {488, "no media in common"},
    {500, "the server or its policy failed; this says nothing about whom you asked for"},
    {501, "the server does not know this method"},
    {503, "the whole server cannot answer now; this says nothing about whom you asked for"},
    {505, "this version of SIP is not spoken here"},
    {600, "busy everywhere"},
    {603, "declined everywhere"},
    {604, "does not exist anywhere"},
    {606, "not acceptable anywhere"},
    {607, "unwanted by whom you asked for"},
    {608, "refused on behalf of whom you asked for"},
};

static const char *meaning_of(unsigned code)
{
    static const char *const classes[] = {"not final",    "not final",         "accepted",          "elsewhere",
                                          "refused here", "the server failed", "refused everywhere"};
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        if (meanings[i].code == code)
            return meanings[i].text;
    }
    return code / 100 < sizeof(classes) / sizeof(classes[0]) ? classes[code / 100] : "an unknown class of answer";
}

static void add_note(struct buffer *out, const char *name, const char *value)
{
    if (value[0])
        buffer_addf(out, "  %s: %s\n", name, value);
}

/* How the call went on behind the final answer of an INVITE. */
static void add_ending(const struct probe_exchange *exchange, struct buffer *out)
{
    const struct probe_result *result = &exchange->result;
    if (result->finals > 1)
        buffer_addf(out, "  the final answer came %u times\n", result->finals);
    if (strcmp(exchange->options->method, "INVITE") != 0)
        return;
    if (exchange->options->no_ack)
        buffer_add_text(out, "  not acknowledged, as asked\n");
    if (result->bye_received)
        buffer_addf(out, "  the other side hung up%s%s\n", result->bye_reason[0] ? ": " : "", result->bye_reason);
    else if (exchange->options->no_ack && result->code < 300)
        buffer_add_text(out, "  no BYE came for the call that was never acknowledged (RFC 3261 13.3.1.4)\n");
    else if (result->acknowledged && result->code < 300 && !result->bye_answered)
        buffer_add_text(out, "  our BYE was not answered\n");
}

void probe_verdict(const struct probe_exchange *exchange, struct buffer *out)
{
    const struct probe_result *result = &exchange->result;
    if (result->code) {
        buffer_addf(out, "%u %s: %s\n", result->code, result->phrase, meaning_of(result->code));
        if (result->code >= 300 && result->code < 400)
            add_note(out, "Contact", result->contact);
        add_note(out, "Reason", result->reason);
        add_note(out, "Retry-After", result->retry_after);
        add_note(out, "Error-Info", result->error_info);
        add_note(out, "Warning", result->warning);
        add_ending(exchange, out);
    }
    if (result->err != OK && result->err != ERR_TIMEOUT)
        buffer_addf(out, "%s: %s\n", result->code ? "  then" : "no answer", result->fault.text);
    else if (!result->code)
        buffer_addf(out, "no final answer: %s\n",
                    result->provisionals ? "still being worked on when time was up"
                                         : "lost, dropped by a policy, or nobody is there");
}

static void put_if(struct json *json, const char *key, const char *value)
{
    if (value[0])
        json_put_text(json, key, value);
}

void probe_json(const struct probe_exchange *exchange, struct json *json)
{
    const struct probe_result *result = &exchange->result;
    json_object_begin(json);
    json_put_text(json, "method", exchange->options->method);
    json_put_text(json, "target", exchange->options->target);
    json_put_text(json, "call_id", exchange->call_id);
    json_put_text(json, "local", exchange->wire.local);
    json_put_text(json, "remote", exchange->wire.remote);
    json_key(json, "code");
    if (result->code)
        json_u64(json, result->code);
    else
        json_none(json);
    put_if(json, "phrase", result->phrase);
    if (result->code) {
        json_put_text(json, "meaning", meaning_of(result->code));
        json_key(json, "answered_ms");
        json_double(json, (double)result->answered_us / 1000);
    }
    put_if(json, "contact", result->contact);
    put_if(json, "reason", result->reason);
    put_if(json, "retry_after", result->retry_after);
    put_if(json, "error_info", result->error_info);
    put_if(json, "warning", result->warning);
    json_put_u64(json, "finals", result->finals);
    json_put_bool(json, "acknowledged", result->acknowledged);
    json_put_bool(json, "bye_received", result->bye_received);
    put_if(json, "bye_reason", result->bye_reason);
    json_put_bool(json, "bye_answered", result->bye_answered);
    if (result->err != OK)
        json_put_text(json, "error", result->err == ERR_TIMEOUT ? "timeout" : result->fault.text);
    json_key(json, "messages");
    probe_ladder_json(&exchange->ladder, json);
    json_object_end(json);
}
