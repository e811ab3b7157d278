/* SPDX-License-Identifier: Apache-2.0 */
/* Session descriptions in a simulation: what the callers say, and what must hold of what the engine says (RFC 3264). */
#pragma once

#include "sdp/sdp_answer.h"
#include "sip/sip_multipart.h"
#include "support/call_simulator_state.h"

enum { SIM_STREAMS_MAX = 4 };

/* Marks an offer with the streams of the session as it stands, none of them ended: only a hold, or a resume. */
#define SIM_SAME "a=x-same"

/* A policy's own body: two streams. */
#define SIM_MEDIA_SERVER                                                                                               \
    "v=0\r\no=- 5 7 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n"                                  \
    "m=audio 5000 RTP/AVP 0\r\nm=video 5002 RTP/AVP 31\r\na=sendrecv\r\n"

/* The stream at a place of a session is the same in all descriptions; what is there from the third on nobody can take. */
static inline void sim_add_stream(struct buffer *out, unsigned at, unsigned port, const char *direction)
{
    static const char *const media[SIM_STREAMS_MAX][2] = {
        {"audio", "RTP/AVP 0"}, {"video", "RTP/AVP 31"}, {"audio", "RTP/SAVP 0"}, {"video", "RTP/SAVP 31"}};
    buffer_addf(out, "m=%s %u %s\r\na=%s\r\n", media[at][0], port, media[at][1], direction);
}

static inline void sim_begin_session(struct buffer *out)
{
    buffer_add_literal(out, "v=0\r\no=a 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n");
}

/* An offer of at least as many streams as the session has (RFC 3264 8), now and then of one more. */
static inline const char *sim_offer(struct sim *sim, const struct sim_caller *caller)
{
    static const char *const directions[] = {"sendrecv", "sendonly", "recvonly", "inactive"};
    struct buffer out = buffer_over(sim->offer_text, sizeof(sim->offer_text) - 1);
    unsigned count = caller->streams ? caller->streams : 1 + (unsigned)random_below(&sim->random, 3);
    bool is_same = caller->streams != 0;
    if (count < SIM_STREAMS_MAX && random_below(&sim->random, 5) == 0) {
        count++;
        is_same = false;
    }
    unsigned ended = random_below(&sim->random, 4) == 0 ? (unsigned)random_below(&sim->random, count) : 0;
    sim_begin_session(&out);
    if (is_same && !ended)
        buffer_add_literal(&out, SIM_SAME "\r\n");
    for (unsigned at = 0; at < count; at++)
        sim_add_stream(&out, at, ended && at == ended ? 0 : 4000 + 2 * at, directions[random_below(&sim->random, 4)]);
    sim->offer_text[out.len] = '\0';
    return sim->offer_text;
}

/* A good answer to an offer of ours with so many streams: the first is taken. */
static inline const char *sim_answer(struct sim *sim, unsigned streams)
{
    struct buffer out = buffer_over(sim->offer_text, sizeof(sim->offer_text) - 1);
    sim_begin_session(&out);
    for (unsigned at = 0; at < streams && at < SIM_STREAMS_MAX; at++)
        sim_add_stream(&out, at, at ? 0 : 4000, "inactive");
    sim->offer_text[out.len] = '\0';
    return sim->offer_text;
}

static inline unsigned sim_streams_of(struct span body)
{
    unsigned count = 0;
    for (size_t at = 0; at + 3 < body.len; at++)
        count += body.at[at] == '\n' && body.at[at + 1] == 'm' && body.at[at + 2] == '=';
    return count;
}

/* The same version means the same description, and a later one has a higher version (RFC 3264 8). */
static inline void sim_judge_version(struct sim *sim, struct sim_caller *caller, struct span body)
{
    static const struct siphash_key key = {5, 6};
    uint64_t version = 0, hash = siphash(&key, body.at, body.len);
    if (!span_to_u64(sim->described.session_version, &version))
        sim_fail(sim, "an o= without a version");
    if (caller->is_described && version < caller->version)
        sim_fail(sim, "the version of a description has fallen");
    if (caller->is_described && version == caller->version && hash != caller->described_hash)
        sim_fail(sim, "two descriptions have one version");
    caller->is_described = true;
    caller->version = version;
    caller->described_hash = hash;
}

/* A description of ours; `offer` is what it answers, empty for an offer of ours. */
static inline void sim_judge(struct sim *sim, struct sim_caller *caller, struct span body, struct span offer)
{
    unsigned streams = sim_streams_of(body);
    if (sdp_parse(body, &sim->described, NULL) != OK) {
        sim_fail(sim, "a description that cannot be read");
        return;
    }
    sim_judge_version(sim, caller, body);
    if (!offer.len && streams < caller->streams)
        sim_fail(sim, "an offer of ours has lost streams");
    if (offer.len && streams != sim_streams_of(offer))
        sim_fail(sim, "an answer has not as many streams as its offer");
    if (offer.len &&
        (sdp_parse(offer, &sim->offered, NULL) != OK || sdp_answer_check(&sim->offered, &sim->described, NULL) != OK))
        sim_fail(sim, "an answer does not fit its offer");
    if (streams > caller->streams)
        caller->streams = streams;
}

/* The offer in the request at hand; empty: none. */
static inline struct span sim_offer_at_hand(const struct sim *sim)
{
    struct span body;
    if (!sim->at_hand || sip_multipart_sdp(sim->at_hand, &body) != OK)
        return span_make(NULL, 0);
    return body;
}

/* A response to the caller's first INVITE, whose offer may be long ago. */
static inline void sim_judge_first(struct sim *sim, struct sim_caller *caller, const struct sip_message *response)
{
    if (!response->body.len)
        return;
    sim_judge(sim, caller, response->body, span_of(caller->first_offer));
    if (response->status < 200 && !*caller->first_offer && sip_message_has(response, SIP_HEADER_RSEQ))
        caller->is_offered_early = !caller->is_pracked;
}

/* A final answer to any other request: it is at hand. */
static inline void sim_judge_final(struct sim *sim, struct sim_caller *caller, const struct sip_message *response)
{
    struct span offer = sim_offer_at_hand(sim);
    bool is_prack = response->cseq_method == SIP_METHOD_PRACK;
    bool is_update = response->cseq_method == SIP_METHOD_UPDATE;
    bool is_invite = response->cseq_method == SIP_METHOD_INVITE;
    if (!is_prack && !is_update && !is_invite)
        return;
    if (is_update && offer.len && caller->is_offered_early && response->status / 100 == 2)
        sim_fail(sim, "an UPDATE's offer was taken while ours was out in a 1xx");
    /* One that was overtaken is 500 whatever it brings (RFC 3261 12.2.2). */
    bool is_overtaken = caller->stale_cseq && caller->stale_cseq == response->cseq;
    if (is_update && offer.len && caller->is_offered_early && response->status == 500 && !is_overtaken)
        sim_fail(sim, "an offer that crossed ours got another refusal than 491");
    if (!is_prack && response->status == 488 && memmem(offer.at, offer.len, SPAN(SIM_SAME).at, SPAN(SIM_SAME).len))
        sim_fail(sim, "a hold or a resume was refused");
    if (is_prack && response->status / 100 == 2 && caller->is_offered_early) {
        caller->is_offered_early = false;
        offer = span_make(NULL, 0); /* it was the answer to ours */
    }
    if (response->status / 100 != 2)
        return;
    if (!is_invite && !offer.len && response->body.len)
        sim_fail(sim, "a description that nobody asked for");
    if (offer.len && !response->body.len)
        sim_fail(sim, "an offer without an answer");
    if (response->body.len)
        sim_judge(sim, caller, response->body, offer);
}
