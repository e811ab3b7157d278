/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a policy's own test.lua without a network.  How a case is decided comes in as a callback, so that the engine's
 * dispatch and guard are part of what is tested; authoring_test_decide() is the callback without an engine. */
#pragma once

#include "policy/policy.h"

enum authoring_test_record {
    AUTHORING_TEST_NO_RECORD,  /* the directory knows nothing */
    AUTHORING_TEST_RECORD,     /* `record` */
    AUTHORING_TEST_UNREADABLE, /* the directory cannot be read */
};

/* A request inside the call that the case's request begins: what `on_request` is asked about. */
struct authoring_test_in_call {
    struct span method; /* at == NULL: the case has none */
    struct span lines;  /* further header fields, whole lines */
    struct span body;
    struct span body_type;
};

/* One request of a case, ready to be parsed; whom it is for follows from it. */
struct authoring_test_case {
    const char *name;
    const char *file;    /* "test.lua" */
    int line;            /* where the case is written, 0: unknown */
    struct span message; /* raw SIP */
    struct policy_peer source;
    struct span authenticated_as;
    bool in_dialog;
    struct authoring_test_in_call in_call;
    bool ack_lost; /* `ack = false`: none comes, and the time of a lost one passes */
    enum authoring_test_record has_record;
    struct policy_record record;
    int64_t now_ms; /* Unix time of this request */
};

/* What came of it.  Spans must live until the next call of the callback. */
struct authoring_test_got {
    enum policy_verdict verdict; /* as carried out (after the guard, where the callback has one) */
    int code;                    /* final status; 0: nothing is sent */
    const char *rule;            /* "default", "" for the plain function */
    enum policy_failure failure;
    const char *failure_text;
    bool on_ack_missing;                /* the handler ran and did not fail */
    bool bye;                           /* the call was ended by a BYE */
    unsigned sent;                      /* how often the final answer went out */
    const struct policy_answer *answer; /* for expect.reason, contact, q850, evidence, headers; may be NULL */
};

typedef enum err (*authoring_test_run_fn)(void *ctx, const struct authoring_test_case *test,
                                          struct authoring_test_got *out_got);

struct authoring_test_result {
    const char *name;
    const char *file;
    int line;
    bool passed;
    char text[512]; /* "expected rule \"retired\", got \"default\"" */
};

/* Called after each case, in order. */
typedef void (*authoring_test_report_fn)(void *ctx, const struct authoring_test_result *result);

struct authoring_test_summary {
    size_t passed;
    size_t failed;
};

/* Runs every case of `source`'s test.lua.  ERR_NOT_FOUND when the policy has none; any other error is about test.lua
 * itself (with file and line in `fault`): cases that fail are in the summary, not errors. */
MUST_CHECK enum err authoring_test_run(struct source *source, authoring_test_run_fn run,
                                       authoring_test_report_fn report, void *ctx,
                                       struct authoring_test_summary *out_summary, struct fault *fault);

/* A policy under test with a host whose clock and directory are the case's: authoring_test_decide is a
 * authoring_test_run_fn with this as ctx.  Parses, derives the target simply (no aliases, no numbering plan), decides. */
struct authoring_test_bench;
MUST_CHECK enum err authoring_test_bench_new(struct source *source, bool fresh_request,
                                             struct authoring_test_bench **out_bench, struct fault *fault);
void authoring_test_bench_free(struct authoring_test_bench *bench);

/* What a decision costs, by `rounds` of them for the same request. */
struct authoring_measure {
    uint64_t ns;    /* on average, in the best tenth */
    uint64_t fuel;  /* of one */
    uint64_t bytes; /* that one leaves for the collector */
    const char *verdict;
    const char *rule;
    enum policy_failure
        failure; /* of the first one, which is then all that was measured: a rule that is killed too often
                                  * is set aside, and costs nothing any more */
};
/* A bench with fresh_request measures what a test does; one without, what live traffic does. */
MUST_CHECK enum err authoring_test_measure(struct authoring_test_bench *bench, const struct authoring_test_case *test,
                                           unsigned rounds, struct authoring_measure *out_measure);
enum err authoring_test_decide(void *bench, const struct authoring_test_case *test, struct authoring_test_got *out_got);
