/* SPDX-License-Identifier: Apache-2.0 */
/* One request on its way through the engine.  Private to this folder. */
#pragma once

#include "engine/engine_core.h"
#include "engine/engine_methods.h"

struct engine_request {
    struct engine_core *core;
    const struct sip_message *message;
    const struct net_flow *flow; /* where it came from */
    struct net_flow back;        /* where its answer goes (RFC 3261 18.2.2) */
    struct txn *txn;             /* NULL: it is answered without state */
    struct sip_reply_via via;
    char received[TXN_RECEIVED_MAX];
    char tag[TXN_TAG_LEN];      /* of our answers; all zero: none was made */
    struct policy_request view; /* what the policy saw, once it was asked */
    uint64_t call_hash;         /* of the Call-ID, for sampling */
    uint64_t user_hash;         /* of who registers; 0: not reckoned */
    uint64_t started_ns;        /* 0: this decision is not logged */
    bool logs;
};

/* engine_answer.c: how answers are built and sent. */

void engine_request_init(struct engine_request *request, struct engine_core *core, const struct net_flow *flow);
/* Status line and what every answer copies; further headers by sip_reply_header. */
struct buffer engine_answer_begin(struct engine_request *request, unsigned code, struct span reason);
/* Ends the message, sends it through the transaction or without state, and counts it. */
void engine_answer_end(struct engine_request *request, struct buffer *answer, unsigned code);
/* A whole answer that was built before, through its transaction; counted. */
void engine_answer_bytes(struct engine_core *core, struct txn *txn, unsigned code, struct span bytes);
/* An answer with at most one further header (an empty name: none). */
void engine_answer(struct engine_request *request, unsigned code, struct span reason, struct span name,
                   struct span value);
/* 503 without state: for what cannot even be given a transaction.  `whole_server`: with Retry-After, so that an upstream
 * sends nothing for that long (RFC 3261 21.5.4). */
void engine_answer_busy(struct engine_request *request, bool whole_server);
/* Allow, Accept, Allow-Events and Supported: what a 200 to OPTIONS says (RFC 3261 11.2, RFC 6665 4.4.4).  They are written
 * once, when all event packages are there; false: they do not fit. */
bool engine_write_abilities(struct engine_core *core);
void engine_add_abilities(const struct engine_request *request, struct buffer *answer);
/* 503 with Retry-After through the transaction: the directory cannot be read. */
void engine_answer_unavailable(struct engine_request *request);
/* Whether one more answer that must be acknowledged may go to this source: an untrusted one has a cap (reflection). */
bool engine_may_answer(const struct engine_request *request);
/* Opens the transaction; false: it was answered 503 without state. */
bool engine_request_open(struct engine_request *request);
/* Our Contact for this request, as "<sip:host:port>"; written into `text`. */
enum { ENGINE_CONTACT_MAX = 320 };
struct span engine_contact(const struct engine_request *request, char text[static ENGINE_CONTACT_MAX]);

/* engine_checks.c: RFC 3261 8.2 in its order.  True: the request was answered. */
bool engine_checks(struct engine_request *request);
bool engine_check_require(struct engine_request *request);

/* engine_decide.c: asks the policy; engine_verdict.c: carries its decision out. */
void engine_decide(struct engine_request *request);
void engine_carry_out(struct engine_request *request);
/* Asks on_request about a request in a call; false: the engine answers by itself. */
bool engine_ask_in_call(struct engine_core *core, struct call *call, const struct sip_message *request,
                        struct call_say *out_say);
/* The policy's own header fields as whole lines; empty when they do not fit. */
struct span engine_answer_lines(const struct policy_answer *answer, char text[static ENGINE_LINES_MAX]);
/* engine_decide.c: who sent the request at hand, judged once; an empty *out_aor: nobody is proven.  An error: it cannot be
 * known now (503). */
enum err engine_identify(struct engine_core *core, struct span *out_aor);

/* engine_register.c: REGISTER, and what the core's registrar tells it. */
void engine_register(struct engine_request *request);
/* What comes next for a request; a REGISTER's user is fetched into the cache meanwhile. */
enum engine_expect { ENGINE_EXPECT_TARGET, ENGINE_EXPECT_DECISION, ENGINE_EXPECT_CHANGE };
void engine_register_expect(struct engine_request *request, enum engine_expect step);
static inline void engine_expect(struct engine_request *request, enum engine_expect step)
{
    if (request->message->method == SIP_METHOD_REGISTER)
        engine_register_expect(request, step);
}
MUST_CHECK enum err engine_registrar_new(struct engine_core *core);

/* What the policy's answer adds to any response. */
void engine_add_headers(struct buffer *answer, const struct policy_answer *from);

/* engine_event.c: one of the checks; a SUBSCRIBE or PUBLISH that the policy accepted; a request inside a subscription
 * (false: it belongs to none). */
bool engine_check_event(struct engine_request *request);
void engine_accept_subscription(struct engine_request *request);
void engine_accept_publication(struct engine_request *request);
bool engine_receive_subscribed(struct engine_request *request);

/* engine_resolve.c: what a decision comes to on the wire, past the guard, without doing it. */
struct engine_resolving {
    const struct policy *policy; /* that decided */
    const struct policy_decision *decision;
    const struct sip_message *message;
    const struct policy_target *target;
    struct span authenticated_as; /* empty: nobody, or nobody asked */
};
struct engine_resolved {
    enum policy_verdict verdict;        /* as it is to be carried out */
    unsigned code;                      /* 0: nothing is sent */
    const char *note;                   /* why it is not what the policy said, "" otherwise */
    bool unreadable;                    /* 503 for the whole server */
    enum engine_guard_kind guard;       /* gone{}: what the guard made of it */
    const struct policy_record *record; /* of a gone or moved target; NULL: none, or not asked for */
};
/* `space` is where the record goes when the policy did not ask for it. */
struct engine_resolved engine_resolve(const struct engine_core *core, const struct engine_resolving *from,
                                      struct policy_record *space);

/* engine_decide.c: what a policy sees of a message. */
void engine_view(struct engine_core *core, const struct sip_message *message, const struct net_flow *flow,
                 const struct policy_target *target, struct policy_request *out_view);

/* Whose credentials the request at hand bears, as far as anybody has asked; else empty. */
static inline struct span engine_identified(const struct engine_core *core)
{
    const struct engine_identity *identity = &core->identity;
    if (identity->asked)
        return identity->err == OK ? identity->aor : SPAN("");
    return core->said ? core->said->authenticated_as : SPAN("");
}

/* engine_beside.c: puts the request by, with the decision just made, where a second version is to decide it too. */
void engine_beside_note(const struct engine_request *request);

/* engine_report.c: the decision log and the events. */
void engine_report_decision(struct engine_request *request);
/* A line for what C refused by itself, before any policy; `why` may be empty. */
void engine_report_refusal(struct engine_request *request, const char *why);
/* A handler of the policy's has failed: log and metric. */
void engine_report_event(struct engine_core *core, enum policy_event event, const struct policy_decision *outcome,
                         struct span call_id);
/* By what `max_calls_per_user` counts the calls of a user. */
uint64_t engine_gauge_key(const struct engine_core *core, struct span aor);
/* What the policy is told of a call. */
struct policy_call engine_view_of_call(const struct call *call, uint64_t age_ms, struct span reason);
/* Tells the policy of the call that its decision began. */
void engine_report_started(struct engine_core *core);
/* Tells the policy of the MESSAGE that it accepted (RFC 3428). */
void engine_report_message(struct engine_request *request);
struct txn_handlers engine_txn_handlers(struct engine_core *core);
struct call_handlers engine_call_handlers(struct engine_core *core);
