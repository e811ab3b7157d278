/* SPDX-License-Identifier: Apache-2.0 */
/* What a simulation of calls knows. */
#pragma once

#include "call/call_table.h"
#include "sdp/sdp.h"
#include "sip/sip_reply.h"
#include "sip/sip_value.h"
#include "support/fake_clock.h"
#include "support/sip_ask.h"
#include "txn/txn_slab.h"
#include "util/random.h"

enum {
    SIM_T1_MS = 500,
    SIM_CALLERS_MAX = 3,
    SIM_EVENTS_MAX = 1024,
    SIM_MESSAGE_MAX = 1536,
    SIM_FINALS_MAX = 64,   /* transactions of one caller */
    SIM_TURNS_MAX = 20000, /* of one schedule; the longest of many needs some hundreds */
    SIM_SENDINGS = 11      /* of a final answer to INVITE, by the timers alone */
};

enum sim_decision { SIM_ACCEPT, SIM_REFUSE, SIM_HOLD, SIM_DROP };

enum sim_event_kind {
    SIM_TO_ENGINE,
    SIM_TO_CALLER,
    SIM_RESEND_INVITE,
    SIM_ACK,
    SIM_ACT,
    SIM_RING,
    SIM_DECIDE,
    SIM_SHUTDOWN,
    SIM_FLOW_CLOSES,
    SIM_WIRE_DIES,
    SIM_WIRE_LIVES
};

struct sim_event {
    uint64_t at_ms, order;
    enum sim_event_kind kind;
    unsigned caller, cseq;
    unsigned streams; /* of an offer of ours, which an ACK is to answer; 0: none */
    size_t len;
    char bytes[SIM_MESSAGE_MAX];
};

/* A final answer of ours, by the transaction that it belongs to. */
struct sim_final {
    char branch[48];
    unsigned cseq, status, sendings, asked; /* asked: copies of the request that arrived after it */
    enum sip_method method;
    uint64_t hash, first_ms;
    bool is_acked; /* a fitting ACK arrived in time */
    bool is_owed;  /* a copy of the request arrived, and the answer has not gone out again yet */
    unsigned told_acks, told_missing;
};

struct sim_caller {
    char call_id[24], to_tag[TXN_TAG_LEN + 1];
    unsigned cseq, invite_cseq;
    uint64_t interval_ms, invited_ms;
    const char *extra; /* header fields of its INVITE */
    char extra_text[160];
    unsigned our_cseq;              /* of the latest request of ours */
    unsigned seen_cseq, stale_cseq; /* the highest of its requests in the dialog; of one at hand that is not higher */
    char refresh_branch[48];
    uint64_t offered_ms;
    unsigned refreshes, patience; /* of ours; how many of them it answers well */
    bool answered_ours;           /* an INVITE of ours, finally */
    bool is_offering;             /* an INVITE of ours is out, and nothing final came in yet */
    bool expires, is_limited;     /* by the latest 2xx; by hangup_after */
    bool pracks, needs_prack, is_pracked;
    uint32_t rseq;         /* of our latest reliable 1xx */
    bool is_wrongly_acked; /* by the PRACK at hand */
    char first_offer[512]; /* of its first INVITE; empty: none */
    char offer[512];       /* of the INVITE that is out */
    unsigned streams;      /* in the session, by what we described */
    uint64_t version, described_hash;
    uint64_t early_hash; /* of the call's 1xx */
    struct net_flow way; /* of its latest ACK, until another request comes; port 0: unknown */
    bool has_cancelled;  /* the INVITE that is out */
    bool is_described, is_offered_early;
    bool acks, is_deaf, has_offer, answers_badly, invite_answered;
    enum sim_decision decision;
    struct txn *held;
    struct call *call;
    struct sim_final finals[SIM_FINALS_MAX];
    unsigned final_count;
    char bye_branch[48]; /* of ours */
    unsigned byes;       /* of ours, copies not counted */
    bool peer_ended;     /* its BYE was answered 200 */
    unsigned opened, starts, ends;
};

struct sim {
    struct fake_clock fake;
    struct random random;
    struct txn_table *txns;
    struct call_table *calls;
    struct net_flow flow;   /* that requests come by */
    struct net_flow other;  /* another, by which an ACK may come */
    struct net_flow closed; /* a connection that has gone, once one has */
    const struct net_flow *arrived_by, *leaves_by;
    uint64_t seed, schedules, next_order;
    unsigned loss, doubling; /* percent */
    uint64_t delay_ms;
    bool is_verbose; /* print what arrives */
    bool wire_is_dead, was_shut_down;
    bool is_stream; /* the callers come over a connection: nothing is repeated by transactions */
    struct sim_caller callers[SIM_CALLERS_MAX];
    unsigned caller_count;
    unsigned event_count;
    const char *failure;
    uint64_t sent, finals, byes, refreshes, early_media, acks; /* of ours */
    struct sip_asked asked;
    struct sip_message heard, watched;
    const struct sip_message *at_hand; /* the request that the engine is given */
    struct sdp offered, described;
    char offer_text[512];
    struct sim_event spill;
    struct sim_event events[SIM_EVENTS_MAX];
};

static inline void sim_fail(struct sim *sim, const char *what)
{
    if (!sim->failure)
        sim->failure = what;
}
