/* SPDX-License-Identifier: Apache-2.0 */
/* A call that a trial's INVITE began: its ACK, and a request inside it. */
#include "offline/offline_trial.h"
#include "sdp/sdp_answer.h"

enum { RING_STEP_MS = 100, RING_MAX_MS = 200 * 1000, REQUEST_MAX = 65535 };

/* What every request of the caller in this call says, from the answer to its INVITE. */
static void begin(const struct offline_trial *trial, const char *method, size_t method_len, uint32_t cseq,
                  struct buffer *out)
{
    const struct sip_message *reply = &trial->reply;
    buffer_addf(out, "%.*s %.*s SIP/2.0\r\nVia: SIP/2.0/UDP client.example;branch=z9hG4bK-in-call-%u\r\n",
                (int)method_len, method, SPAN_ARG(reply->contact.uri.text), cseq);
    buffer_addf(out, "Max-Forwards: 70\r\nFrom: %.*s\r\nTo: %.*s\r\nCall-ID: %.*s\r\nCSeq: %u %.*s\r\n",
                SPAN_ARG(sip_message_value(reply, SIP_HEADER_FROM)), SPAN_ARG(sip_message_value(reply, SIP_HEADER_TO)),
                SPAN_ARG(reply->call_id), cseq, (int)method_len, method);
}

static void end(struct buffer *out, struct span body, struct span type)
{
    if (body.len > 0)
        buffer_addf(out, "Content-Type: %.*s\r\n", SPAN_ARG(type));
    buffer_addf(out, "Content-Length: %zu\r\n\r\n", body.len);
    buffer_add_span(out, body);
}

static void receive(struct offline_trial *trial, const struct buffer *bytes)
{
    engine_core_receive(trial->core, &trial->flow, buffer_span(bytes), engine_framing_of(&trial->flow));
}

/* Where the INVITE had no offer, ours is in the 200 and its answer belongs into the ACK (RFC 3261 13.2.1). */
static void acknowledge(struct offline_trial *trial, bool offered)
{
    char bytes[8192], body[4096];
    struct buffer out = buffer_over(bytes, sizeof(bytes)), answer = buffer_over(body, sizeof(body));
    const struct sdp_local local = {.address = SPAN("192.0.2.1"), .session_id = 1, .session_version = 1};
    struct sdp offer;
    unsigned accepted;
    if (!offered && sdp_parse(trial->reply.body, &offer, NULL) == OK)
        sdp_answer(&offer, &local, &answer, &accepted);
    begin(trial, "ACK", 3, trial->reply.cseq, &out);
    end(&out, buffer_span(&answer), SPAN("application/sdp"));
    receive(trial, &out);
}

static bool has_body(struct span message)
{
    const char *head = memmem(message.at, message.len, "\r\n\r\n", 4);
    return head && head + 4 < message.at + message.len;
}

/* The 200 may come after some ringing. */
static bool is_up(struct offline_trial *trial)
{
    struct sip_problem problem;
    for (unsigned waited = 0; !trial->answer_len && waited < RING_MAX_MS; waited += RING_STEP_MS)
        offline_trial_wait(trial, RING_STEP_MS);
    return trial->answer_len &&
           sip_message_parse(&trial->reply, span_make(trial->answer, trial->answer_len), SIP_DATAGRAM, &problem) ==
               OK &&
           trial->reply.status == 200 && trial->reply.cseq_method == SIP_METHOD_INVITE;
}

enum err offline_trial_in_call(struct offline_trial *trial, const struct authoring_test_case *test,
                               const char **out_why)
{
    const struct authoring_test_in_call *in_call = &test->in_call;
    if (!is_up(trial)) {
        *out_why = "in_call: the request began no call: it is no INVITE, or its answer is no 200";
        return ERR_INVALID;
    }
    struct buffer out = buffer_heap(REQUEST_MAX);
    acknowledge(trial, has_body(test->message));
    begin(trial, in_call->method.at, in_call->method.len, trial->reply.cseq + 1, &out);
    buffer_add_span(&out, in_call->lines);
    end(&out, in_call->body, in_call->body_type);
    trial->sent_count = 0;
    trial->answer_len = 0;
    trial->began_ms = trial->clock.mono_ms;
    enum err err = out.overflow ? ERR_TOO_LONG : OK;
    if (err == OK)
        receive(trial, &out);
    *out_why = err == OK ? "" : "in_call: the request is too long";
    buffer_done(&out);
    return err;
}
