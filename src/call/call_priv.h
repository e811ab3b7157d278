/* SPDX-License-Identifier: Apache-2.0 */
/* Private to call: the call itself, its states, the runner. */
#pragma once

#include "call/call_table.h"
#include "sdp/sdp.h"
#include "sip/sip_reply.h"
#include "txn/txn_slab.h"
#include "util/map.h"

enum call_event {
    CALL_EV_ACK,      /* for the 2xx that is out */
    CALL_EV_NO_ACK,   /* 64*T1 have passed */
    CALL_EV_RESEND,   /* the 2xx is due again */
    CALL_EV_PEER_BYE, /* it was answered */
    CALL_EV_HANGUP,   /* we want to end */
    CALL_EV_REANSWER, /* a 2xx to a re-INVITE is out */
    CALL_EV_TURN,     /* a delayed BYE may go now */
    CALL_EV_NO_TURN,  /* it never may */
    CALL_EV_BYE_DONE, /* answered, timed out, or not to be sent */
    CALL_EV_RING,     /* the 1xx is due again */
    CALL_EV_ANSWER,   /* it has rung for long enough */
    CALL_EV_CANCEL,
    CALL_EV_EXPIRED,
    CALL_EV_NO_PRACK, /* 64*T1 without one */
    CALL_EV_REFRESH,  /* our refresh of the session is due */
    CALL_EVENT_COUNT
};

/* What a step does, in this order. */
enum call_action {
    CALL_DO_START_2XX = 1 << 0, /* count it, and repeat it until its ACK */
    CALL_DO_RESEND = 1 << 1,
    CALL_DO_STOP_2XX = 1 << 2, /* no longer repeated, no longer counted, forgotten */
    CALL_DO_TELL_ACK = 1 << 3,
    CALL_DO_TELL_NO_ACK = 1 << 4,
    CALL_DO_ASK_TURN = 1 << 5, /* when may a BYE go that no ACK allowed? */
    CALL_DO_SEND_BYE = 1 << 6,
    CALL_DO_RING = 1 << 7,
    CALL_DO_SEND_2XX = 1 << 8, /* that was built when it began to ring */
    CALL_DO_REFUSE_480 = 1 << 9,
    CALL_DO_REFUSE_487 = 1 << 10,
    CALL_DO_REFUSE_504 = 1 << 11,
    CALL_DO_REFRESH = 1 << 12
};

/* One cell of the table; not set: the event is ignored. */
struct call_step {
    bool is_set;
    uint8_t next; /* enum call_state */
    uint16_t actions;
};
extern const struct call_step call_steps[CALL_STATE_COUNT][CALL_EVENT_COUNT];

/* A run of bytes from the slab. */
struct call_bytes {
    char *at;
    uint32_t len;
};

#define CALL_NEVER UINT64_MAX

/* A 2xx on its way: the bytes, and the schedule on which they are sent again. */
struct call_answer {
    struct call_bytes bytes;
    uint32_t offer_at,
        offer_len; /* our offer in `bytes`, which the ACK must answer; 0: the 2xx holds an answer there */
    uint32_t cseq;
    uint32_t resends;
    uint32_t interval_ms;
    uint64_t sent_ms;
    uint64_t resend_ms;
    uint64_t deadline_ms;
    bool is_waiting;
    bool is_reinvite;
};

/* A call that rings: the 1xx that is out, and what ends the ringing.  Times are CALL_NEVER when nothing is due. */
struct call_early {
    struct txn *txn;            /* the INVITE's, which lasts as long as this */
    struct call_bytes bytes;    /* the 1xx */
    uint32_t body_at, body_len; /* the session description in `bytes`; 0: none */
    uint32_t rseq;              /* RFC 3262; 0: not reliable */
    uint16_t code;              /* 180, or 183 */
    bool is_offer;              /* the description is ours to be answered */
    bool is_pracked;
    bool is_due; /* the 2xx waits for the PRACK */
    uint32_t interval_ms;
    uint64_t ring_ms; /* again */
    uint64_t answer_ms;
    uint64_t expires_ms;
    uint64_t deadline_ms; /* for the PRACK */
};

/* The texts of a dialog, kept in one block behind each other. */
enum call_text {
    CALL_TEXT_ID,         /* Call-ID */
    CALL_TEXT_REMOTE_TAG, /* may be empty (RFC 2543) */
    CALL_TEXT_FROM,       /* the caller's From value: the To of our requests */
    CALL_TEXT_TO,         /* the INVITE's To value without tag: the From of our requests, with ours */
    CALL_TEXT_ROUTES,     /* route set in order of travel, each value ended by NUL */
    CALL_TEXT_CONTACT,    /* ours */
    CALL_TEXT_AOR,        /* the user who was called */
    CALL_TEXT_MEDIA,      /* our media address */
    CALL_TEXT_BODY,       /* CALL_SDP_BODY */
    CALL_TEXT_BODY_TYPE,
    CALL_TEXT_COUNT
};

/* What the latest 2xx of ours agreed on, or the answer to our refresh (RFC 4028). */
struct call_terms {
    uint32_t interval_s; /* 0: the session does not expire */
    uint32_t min_s;      /* the largest Min-SE of both sides */
    bool is_ours;        /* we refresh */
    bool peer_knows;     /* the extension */
    bool peer_updates;   /* UPDATE is in its Allow */
};

struct call {
    struct map_node node; /* by local tag; first */
    struct call_table *table;
    struct timer timer; /* the earliest of the answer's times and of those below */
    struct call_answer answer;
    struct call_bytes texts;
    struct call_bytes target; /* the remote target's URI, which the peer may refresh */
    struct call_bytes reason; /* of a hang-up that waits */
    uint16_t text_len[CALL_TEXT_COUNT];
    struct call_bytes session; /* the description that we sent last, where it is said again (call_expiry_start) */
    uint64_t turn_ms;
    uint64_t hangup_ms;  /* by hangup_after; CALL_NEVER: it may last */
    uint64_t refresh_ms; /* our refresh is due */
    uint64_t expire_ms;  /* without a refresh it ends */
    struct call_terms terms;
    uint32_t wanted_s;       /* interval that the policy asked for, 0: it did not */
    uint32_t hangup_after_s; /* from the 2xx; 0: not */
    uint64_t began_ms;
    uint64_t session_id;
    void *user;
    struct errand *bye;       /* ours, on its way */
    struct errand *refresh;   /* UPDATE or re-INVITE of ours, on its way */
    struct call_early *early; /* CALL_RINGING */
    struct net_flow flow;
    struct net_address source;
    uint32_t remote_cseq, local_cseq;
    uint32_t bye_cseq, refresh_cseq; /* of what is on its way */
    uint32_t session_version;        /* of ours; with CALL_SDP_BODY what is added to the policy's */
    uint32_t resends;
    uint8_t state;       /* enum call_state */
    uint8_t end;         /* enum call_end */
    uint8_t sdp;         /* enum call_sdp */
    bool refresh_offers; /* `refresh` is a re-INVITE */
    uint8_t refusals;    /* of our refreshes, one after the other */
    bool media_is_ipv6;
    bool acked_once;
    uint32_t acked_cseq;
    char local_tag[TXN_TAG_LEN];
};

enum { CALL_SCRATCH_LEN = 65536 };

struct call_table {
    struct call_options options;
    struct map by_tag;
    struct errand_table *errands;
    const struct clock *clock;
    struct wheel *wheel;
    struct txn_slab *slab;
    struct txn_timers timers;
    struct call_counters counters;
    size_t leaving;            /* whose BYE is out, or will never be */
    bool is_closed;            /* shutting down */
    char *scratch;             /* where messages are built; CALL_SCRATCH_LEN */
    struct sdp *offer, *reply; /* parsed ones, for the length of one call */
    struct sip_message *held;  /* a held INVITE, parsed again */
};

struct span call_text(const struct call *call, enum call_text text);
/* Copies into the slab; false when memory is out, what was there before is then unchanged. */
bool call_bytes_set(struct call_table *table, struct call_bytes *out, struct span bytes);
void call_bytes_clear(struct call_table *table, struct call_bytes *bytes);

/* The only way in which a call changes: looks the step up and performs its actions.  The call is gone afterwards when the
 * step ends in CALL_OVER.  False: the event means nothing in this state. */
bool call_run(struct call *call, enum call_event event);
void call_timer(struct timer *timer, void *ctx);
/* Puts the first 2xx, already sent, on its schedule. */
void call_start_answer(struct call *call);
/* Arms the wheel for the earliest of a call's times. */
void call_arm(struct call *call);
void call_tell_start(struct call *call);
/* The session description of the 2xx at hand, or of the 1xx that stood for it; empty: there is none, or what counts now was
 * kept since (call_ring_keep). */
struct span call_answer_body(const struct call *call);

/* Fills and frees (call_dialog.c).  call_dialog_new links nothing. */
MUST_CHECK enum err call_dialog_new(struct call_table *table, const struct sip_message *invite,
                                    const struct call_accept *accept, struct call **out_call);
/* A Contact in a request that refreshes the target (RFC 3261 12.2.2). */
void call_dialog_refresh(struct call *call, const struct sip_message *request);
void call_free(struct call *call);
/* Links a call, and takes it out, tells its end and frees it. */
void call_link(struct call *call);
void call_drop(struct call *call);
/* By our tag alone. */
struct call *call_of_tag(struct call_table *table, struct span local_tag);
struct call *call_match(struct call_table *table, const struct sip_message *request, bool *out_mistagged);

/* Session descriptions (call_session.c).  Whether a request brings one, for better or worse. */
bool call_session_is_in(const struct sip_message *request);
/* Appends the body of a 2xx: an answer to the request's offer, or our offer when
 * it has none (*out_is_offer).  ERR_SYNTAX and ERR_UNSUPPORTED with *out_why. */
MUST_CHECK enum err call_session_body(struct call *call, const struct sip_message *request, struct buffer *out,
                                      bool *out_is_offer, const char **out_why);
/* Whether this description need not be kept: our own offer, one stream of audio, has a place for every stream of it, or
 * it is the policy's, word by word. */
bool call_session_is_plain(const struct call *call, struct span session);
/* Whether `from`, an ACK or a PRACK, answers our offer. */
MUST_CHECK enum err call_session_take_answer(struct call *call, struct span offer, const struct sip_message *from,
                                             const char **out_why);

/* Answers in a dialog (call_reply.c). */
struct call_reply {
    struct txn *txn;
    const struct sip_message *request;
    const struct net_address *source;
};
/* Status line and what every response has, in the table's scratch; then the caller adds to it. */
struct buffer call_reply_begin(struct call_table *table, const struct call_reply *reply, unsigned code,
                               struct span reason);
/* Ends a response without a body and sends it through its transaction. */
void call_reply_end(const struct call_reply *reply, unsigned code, struct buffer *out);
/* The same with a session description, which may be empty. */
void call_reply_end_with(const struct call *call, const struct call_reply *reply, unsigned code, struct buffer *out,
                         struct span session);
void call_reply_plain(struct call_table *table, const struct call_reply *reply, unsigned code);
/* Allow and Supported, and what a 2xx to INVITE or UPDATE has besides. */
void call_reply_abilities(struct buffer *out);
void call_reply_contact(const struct call *call, struct buffer *out);
/* What a 1xx or 2xx to an INVITE holds; the body may be empty. */
struct buffer call_reply_invite(struct call *call, const struct call_reply *reply, unsigned code,
                                const struct call_accept *accept, struct span body);
/* The 200 to an INVITE, in scratch; the body's place is told when it is an offer of ours. */
MUST_CHECK enum err call_reply_2xx(struct call *call, const struct call_reply *reply, const struct call_accept *accept,
                                   struct buffer *out, const char **out_why);

/* Ringing (call_ring.c).  call_ring_begin takes a call whose 2xx is built but not sent, and sends the 1xx. */
bool call_ring_is_reliable(const struct sip_message *invite, const struct call_accept *accept);
MUST_CHECK enum err call_ring_begin(struct call *call, const struct call_reply *reply, const struct call_accept *accept,
                                    struct span body);
/* Whether offer and answer are through before the 2xx (RFC 3262 5). */
bool call_ring_is_agreed(const struct call *call);
/* Whether an offer of ours is out in a reliable 1xx. */
bool call_ring_is_offering(const struct call *call);
/* Keeps what was agreed on after the 1xx and before the 2xx, which says nothing of it.  ERR_TOO_LONG, ERR_NOMEM. */
MUST_CHECK enum err call_ring_keep(struct call *call, const struct buffer *session);
void call_ring_again(struct call *call);
void call_ring_answer(struct call *call);
/* The final answer to the INVITE is `code`. */
void call_ring_refuse(struct call *call, unsigned code);
void call_ring_free(struct call *call);
/* The earliest of its times, and what to do when that has come; CALL_EVENT_COUNT: nothing. */
uint64_t call_ring_due(const struct call *call);
enum call_event call_ring_event(struct call *call, uint64_t now_ms);
/* PRACK (RFC 3262). */
unsigned call_prack(struct call *call, const struct call_reply *reply);

/* Hangs up with another end than CALL_END_HANGUP. */
void call_hangup_as(struct call *call, struct span reason, enum call_end end);
/* 500 with Retry-After: the peer is to try again (14.2). */
unsigned call_refuse_overlap(struct call *call, const struct call_reply *reply);

/* A re-INVITE in CALL_UP or later (call_reinvite.c); returns the code that it was answered with. */
unsigned call_reinvite(struct call *call, const struct call_reply *reply);
/* UPDATE (RFC 3311). */
unsigned call_update(struct call *call, const struct call_reply *reply);

/* Our own requests in the dialog (call_outgoing.c), on their way: false when none was found at once; else
 * CALL_EV_BYE_DONE follows, or call_refresh_done(). */
bool call_bye_send(struct call *call);
bool call_update_send(struct call *call);
bool call_reinvite_send(struct call *call);

/* Expiry of the session (call_expiry.c).  A 2xx is built with what call_expiry_agree() found, and counts from when it is
 * sent: call_expiry_start(), whose `session` is the description in it. */
void call_expiry_agree(struct call *call, const struct sip_message *request);
void call_expiry_say(const struct call *call, struct buffer *out); /* in a 2xx */
void call_expiry_ask(const struct call *call, struct buffer *out); /* in our refresh */
void call_expiry_start(struct call *call, struct span session);
/* From the 2xx to our refresh. */
void call_expiry_take(struct call *call, const struct sip_message *response);
/* From a 422: false when it asks for nothing more than we offered. */
bool call_expiry_widen(struct call *call, const struct sip_message *response);

/* Our refreshes (call_refresh.c).  call_refresh_done: what came of one; `response` is NULL when nothing came.  The call may
 * be ending afterwards. */
void call_refresh_send(struct call *call);
void call_refresh_done(struct call *call, const struct sip_message *response);
/* Whether an offer of ours is out in one. */
bool call_refresh_is_offering(const struct call *call);
