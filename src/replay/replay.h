/* SPDX-License-Identifier: Apache-2.0 */
/* Decides the requests of the past again and says what would change: a decision log (kept with `log_request`) or a packet
 * capture goes through the engine's own dispatch, guard and reply builder, at the time that the traffic had. */
#pragma once

#include "offline/offline_trial.h"
#include "replay/replay_capture.h"
#include "replay/replay_tally.h"

struct replay_progress {
    uint64_t decided, differ;
    uint64_t bytes_read, bytes_total; /* of the file; total 0: not known */
};

struct replay_ask {
    const char *policy;                 /* folder or .lua file */
    const char *against;                /* the policy it is compared with; NULL: with what was answered then */
    const char *traffic;                /* "-" is standard input */
    const char *filter;                 /* of libpcap; NULL: everything */
    const struct engine_config *config; /* NULL: the defaults */
    struct engine_lookup lookup;        /* find == NULL: nobody is known */
    void (*turn)(void *ctx);            /* every so often, so that `lookup` may renew what it reads; NULL: no need */
    unsigned examples;
    /* Each may be NULL; `complain` is called for the first few lines that cannot be used, and for a damaged end. */
    void (*progress)(void *ctx, const struct replay_progress *progress);
    void (*complain)(void *ctx, const char *text);
    void *ctx; /* of all three */
};

struct replay_counters {
    uint64_t decided;         /* requests that were decided again, by a policy or by the engine alone */
    uint64_t by_engine;       /* of those, where no policy was asked */
    uint64_t failed;          /* of those, where the policy failed and on_error answers */
    uint64_t retransmissions; /* capture: the same transaction once more */
    uint64_t in_dialog;       /* requests within a dialog */
    uint64_t acks;            /* ACK and CANCEL */
    uint64_t responses;       /* capture */
    uint64_t unanswered;      /* capture: decided, but without an answer in the capture to compare with */
    uint64_t cancelled;       /* capture: decided, but the caller gave up before there was an answer */
    uint64_t malformed;       /* no SIP message */
    uint64_t bad_lines;       /* of the log */
    uint64_t no_request;      /* lines of a log that was kept without `log_request` */
    uint64_t elapsed_ms;
    bool is_capture;
    struct replay_capture_counters capture;
};

struct replay_result {
    struct replay_counters counters;
    struct replay_tally *tally;
    char damage[256]; /* why the capture could not be read to its end; "" */
};

/* *out_result is the caller's, for replay_result_free.  Damaged input is counted and passed over; errors are a policy that
 * does not load, traffic that cannot be opened, no memory. */
MUST_CHECK enum err replay_run(const struct replay_ask *ask, struct replay_result **out_result, struct fault *fault);
void replay_result_free(struct replay_result *result); /* NULL is fine */

/* The result for people, and as JSON. */
/* Why nothing was decided, a sentence without its end. */
void replay_report_nothing(const struct replay_result *result, struct buffer *out);
void replay_report_text(const struct replay_ask *ask, const struct replay_result *result, struct buffer *out);
void replay_report_json(const struct replay_ask *ask, const struct replay_result *result, struct buffer *out);
