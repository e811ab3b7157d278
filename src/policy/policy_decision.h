/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy decided: a value that only the engine acts upon.  All spans and texts live in the policy until its next
 * decision (or in the rule, as long as the policy). */
#pragma once

#include "policy/policy_request.h"
#include "util/err.h"

enum policy_verdict {
    POLICY_OK,
    POLICY_GONE,
    POLICY_MOVED,
    POLICY_REDIRECT,
    POLICY_NOT_FOUND,
    POLICY_UNAVAILABLE,
    POLICY_CHALLENGE,
    POLICY_REJECT,
    POLICY_DROP,
    POLICY_VERDICT_COUNT
};

/* "ok", "gone", "moved", "redirect", "not_found", "unavailable", "challenge", "reject", "drop". */
const char *policy_verdict_name(enum policy_verdict verdict);
/* False when no verdict has that name. */
bool policy_verdict_parse(struct span name, enum policy_verdict *out_verdict);
/* The status that the verdict has by itself: 200, 410, 301, 302, 404, 480, 401, 0 (reject has its own), 0 (drop). */
int policy_verdict_code(enum policy_verdict verdict);

enum { POLICY_CONTACT_MAX = 8, POLICY_HEADER_MAX = 16 };

/* The SDP of an accepted INVITE. */
enum policy_sdp {
    POLICY_SDP_INACTIVE,
    POLICY_SDP_SENDONLY,
    POLICY_SDP_RECVONLY,
    POLICY_SDP_SENDRECV,
    POLICY_SDP_REJECT,
    POLICY_SDP_BODY
};

struct policy_header {
    struct span name;  /* a token; never one of those that C writes */
    struct span value; /* no control bytes */
};

/* The content of a verdict.  Absent: empty spans, 0 counts, and -1 where 0 would mean something. */
struct policy_answer {
    enum policy_verdict verdict;
    int code;           /* 200, 410, 301, 302, 404, 480, 401, reject's own (400-699), 0 for drop */
    struct span reason; /* the reason phrase; empty: the default one */
    struct span contacts[POLICY_CONTACT_MAX]; /* moved (none: the directory's address), redirect (at least one), ok */
    unsigned contact_count;
    int q850;               /* cause for "Reason: Q.850;cause=N", 1-127; 0: not known */
    struct span error_info; /* a URI for Error-Info */
    struct span evidence;   /* gone: why this is believed; a data set's name or free text */
    struct span realm;      /* challenge; empty: the configured one */
    enum policy_sdp sdp;    /* ok to an INVITE */
    struct span sdp_body;   /* POLICY_SDP_BODY */
    int32_t ring_ms;        /* ok to an INVITE: 180 first, the 200 after so many milliseconds; -1: no 180 */
    bool progress;          /* ok to an INVITE: 183 with the session description instead of 180 */
    int32_t hangup_after_s; /* ok to an INVITE: BYE so long after the 200; 0: not */
    int32_t
        session_expires_s; /* ok to an INVITE: refreshed so often, whether the caller knows RFC 4028 or not; 0: not said */
    int32_t retry_after; /* seconds; -1: none */
    int64_t expires;     /* seconds; -1: not said */
    unsigned header_count;
    struct policy_header headers[POLICY_HEADER_MAX];
};

enum policy_failure {
    POLICY_FAILED_NOT,       /* all is well */
    POLICY_FAILED_ERROR,     /* the script raised an error */
    POLICY_FAILED_FUEL,      /* killed: over its fuel */
    POLICY_FAILED_MEMORY,    /* killed: over its memory, or a string or block over its cap */
    POLICY_FAILED_CLOCK,     /* killed by the watchdog */
    POLICY_FAILED_NONSENSE,  /* it returned something that is no verdict */
    POLICY_FAILED_ASIDE,     /* the rule was killed too often, and does not run until the next version */
    POLICY_FAILED_DIRECTORY, /* the directory could not be read: the whole server answers 503; `answer` is on_error's */
    POLICY_FAILURE_COUNT
};

/* "none", "error", "fuel", "memory", "clock", "nonsense", "set_aside", "directory". */
const char *policy_failure_name(enum policy_failure failure);

struct policy_decision {
    const struct policy_answer *answer; /* never NULL after policy_decide(); on_error's when `failure` is set */
    const char *rule;                   /* "" for the plain function, "default", or the rule's name; on a failure the
                                           rule that failed */
    int rule_index;                     /* from 0; -1: default, plain function */
    enum policy_failure failure;
    int line;                           /* where it failed, 0: unknown */
    char file[64];                      /* where it failed, "" : unknown */
    char text[256];                     /* what failed, one line without control bytes, "" when nothing did */
    uint64_t fuel;                      /* spent; 0 when no Lua ran */
    bool set_aside;                     /* this very kill was one too many, see POLICY_KILLS_MAX */
    bool asked_record;                  /* the directory was consulted */
    const struct policy_record *record; /* what it said; NULL when it was not asked or has no record */
};
