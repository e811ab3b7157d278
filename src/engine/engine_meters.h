/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's own metrics: registered once, counted by worker. */
#pragma once

#include "auth/auth_check.h"
#include "policy/policy_decision.h"
#include "sip/sip_method.h"
#include "util/metric.h"

/* Messages that get no answer, or none by a policy, by kind. */
#define ENGINE_NOISE_TABLE(X)                                                                                          \
    X(ENGINE_NOISE_EMPTY, "no_sip")              /* empty, CRLF, NUL or STUN bytes */                                  \
    X(ENGINE_NOISE_MALFORMED, "malformed")       /* answered 400 or 505 */                                             \
    X(ENGINE_NOISE_UNANSWERABLE, "unanswerable") /* no usable Via, From, To, Call-ID or CSeq; a bad ACK */             \
    X(ENGINE_NOISE_STRAY_RESPONSE, "stray_response")                                                                   \
    X(ENGINE_NOISE_TRAILING, "trailing_bytes") /* discarded behind Content-Length (datagram) */                        \
    X(ENGINE_NOISE_RING_FULL, "ring_full")     /* a datagram for a worker whose ring is full */                        \
    X(ENGINE_NOISE_OVERLOAD, "overload")       /* answered 503: too much is going on, or one source sends too much */  \
    X(ENGINE_NOISE_SOURCE, "source_limit")     /* from a banned source, or one that sends too many new requests */     \
    X(ENGINE_NOISE_SEND_FAILED, "send_failed") /* an answer that the wire refused */

enum engine_noise {
#define X(name, text) name,
    ENGINE_NOISE_TABLE(X)
#undef X
        ENGINE_NOISE_COUNT
};

enum { ENGINE_CODE_MAX = 700 };

struct engine_meters {
    struct metric_registry *registry;
    struct metric *requests[SIP_METHOD_COUNT];
    struct metric *answers[ENGINE_CODE_MAX]; /* by status; the ones that are not listed share "other" */
    struct metric *verdicts[POLICY_VERDICT_COUNT];
    struct metric *failures[POLICY_FAILURE_COUNT];
    struct metric *guards[8]; /* by enum engine_guard_kind */
    struct metric *noise[ENGINE_NOISE_COUNT];
    struct metric *credentials[AUTH_OUTCOME_COUNT]; /* of requests whose policy asked */
    struct metric *no_acks;                         /* INVITEs whose 300-699 was never acknowledged */
};

/* `registry` is borrowed. */
MUST_CHECK enum err engine_meters_init(struct engine_meters *meters, struct metric_registry *registry);
