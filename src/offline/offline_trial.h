/* SPDX-License-Identifier: Apache-2.0 */
/* A core in a made-up world: its clock, wire and directory are those of the present case.  Tests, explain and replay decide
 * with it, so that they run what the daemon runs. */
#pragma once

#include "authoring/authoring_test.h"
#include "engine/engine_core.h"
#include "policy/policy_trace.h"

enum {
    OFFLINE_TRIAL_SENT_MAX = 128,
    OFFLINE_TRIAL_LINE_MAX = 96,
    OFFLINE_TRIAL_LOST_T1 = 65 /* a lost ACK is given up at 64 */
};

/* A message that went out. */
struct offline_trial_sent {
    uint64_t at_ms; /* since the request came */
    unsigned code;  /* 0: a request of ours */
    bool again;     /* the same bytes as an earlier one */
    uint64_t hash;
    char line[OFFLINE_TRIAL_LINE_MAX]; /* its first line, cut */
};

struct offline_trial {
    struct engine_config defaults;
    const struct engine_config *config;
    struct engine_site site;
    unsigned own_count; /* addresses that the configuration listens on */
    struct clock clock;
    struct wheel wheel;
    struct auth *auth;
    struct engine_core *core;
    struct policy *policy;
    struct policy_trace trace;
    const struct policy_trace *listener; /* the caller's; NULL: none */
    struct engine_lookup lookup;         /* find == NULL: the case's own record */
    const struct authoring_test_case *test;
    uint64_t began_ms;
    struct net_flow flow;     /* of the message that came last */
    struct sip_message reply; /* its answer, read again */
    bool lost_ack_told;       /* on_ack_missing ran, and did not fail */
    unsigned sent_count;
    struct offline_trial_sent sent[OFFLINE_TRIAL_SENT_MAX];
    size_t answer_len;  /* the first final answer; 0: none */
    uint64_t answer_ms; /* since the request came */
    char answer[ENGINE_REPLY_BYTES];
};

/* A message as it came from a network once, to be decided again. */
struct offline_trial_message {
    struct span bytes;
    struct net_flow flow; /* `local` counts as an address of ours */
    int64_t wall_ms;      /* when */
    struct span tag;      /* our To tag in the answer; empty: a new one */
    struct span
        authenticated_as; /* whose credentials were good then, for nonces do not live that long; empty: nobody's */
};

struct offline_trial_options {
    const struct engine_config *config; /* NULL: the defaults */
    const struct policy_trace *trace;   /* NULL: none; its `event` is not called */
    struct engine_lookup lookup;        /* find == NULL: each case's own record */
};

MUST_CHECK enum err offline_trial_new(const struct offline_trial_options *options, struct source *source,
                                      struct offline_trial **out_trial, struct fault *fault);
void offline_trial_free(struct offline_trial *trial); /* NULL is fine */

/* The case's message meets an empty engine: no transaction of an earlier one answers for it.  What came of it is in
 * core->last, `sent` and `answer`. */
MUST_CHECK enum err offline_trial_run(struct offline_trial *trial, const struct authoring_test_case *test);
/* The same for a message of the network: who is trusted is the configuration's word, nothing but its bytes speaks. */
MUST_CHECK enum err offline_trial_receive(struct offline_trial *trial, const struct offline_trial_message *message);
/* The case's `in_call`, once offline_trial_run has answered its INVITE with 200 and the call stands: the ACK, then that request.
 * What came of it is in core->last and `answer`.  ERR_INVALID: there is no call; *out_why says so. */
MUST_CHECK enum err offline_trial_in_call(struct offline_trial *trial, const struct authoring_test_case *test,
                                          const char **out_why);
/* Lets so much time pass, without a message coming in. */
void offline_trial_wait(struct offline_trial *trial, uint64_t ms);
/* How often the final answer went out, and whether a BYE did. */
unsigned offline_trial_answers(const struct offline_trial *trial);
bool offline_trial_hung_up(const struct offline_trial *trial);
