/* SPDX-License-Identifier: Apache-2.0 */
/* A core without sockets, and the requests of an ordinary load for it: what the benchmarks of the engine share. */
#pragma once

#include "engine/engine_beside.h"
#include "engine/engine_core.h"
#include <semaphore.h>

enum { BATCH = 32, TEXT_CAP = 1280, TAG_CAP = 64 };

struct bench {
    struct engine_config config;
    struct engine_site site;
    struct clock clock;
    struct wheel wheel;
    struct engine_core *core;
    struct policy *policy;
    struct policy *second; /* decides beside; NULL: none does */
    struct net_flow flow;
    char texts[BATCH][TEXT_CAP]; /* the requests of one step */
    size_t lens[BATCH];
    unsigned at;                   /* the one that is being received */
    char answers[BATCH][TEXT_CAP]; /* the last one to each */
    size_t answer_lens[BATCH];
    char tags[BATCH][TAG_CAP]; /* of the answers to the first step */
    uint64_t answer_count;
    unsigned long users, registering;
    char folder[64]; /* of the journal of bindings; empty: bindings are kept in memory alone */
    struct registrar_journal *journal;
    struct registrar_batch *written; /* the store thread's, until `came` is posted */
    sem_t came;
};

struct engine_load_options {
    unsigned t1_ms;
    const char *policy;          /* its text; NULL: user "gone..." is gone, others are answered 200 */
    struct source *source;       /* instead of the text; NULL: none */
    struct engine_lookup lookup; /* all zero: nobody is known */
    unsigned long users;         /* that requests are for in turn; 0: 10,000, of whom 256 register */
    bool keeps;                  /* bindings: in a journal of their own, in a folder under /tmp */
    struct release_tally *tally; /* of a second version that decides each request once more; NULL: none does */
};
MUST_CHECK enum err engine_load_open(struct bench *bench, const struct engine_load_options *options,
                                     struct fault *fault);
void engine_load_close(struct bench *bench);
/* Waits until the bindings that left with the last turn are on the disk. */
void engine_load_wait(struct bench *bench);
/* Request `number` of the batch, by method and user ("gone": 410, "user": 200). */
void engine_load_request(struct bench *bench, const char *method, bool gone, unsigned long number);
/* The 200 to the NOTIFY that was sent last: the lines that a response copies. */
void engine_load_answer(struct bench *bench, unsigned long number);
/* The tag of the answer to request `at`, for those that follow in its dialog. */
void engine_load_keep_tag(struct bench *bench, unsigned at);
/* Makes a batch of requests and receives them: no more is measured here. */
void engine_load_batch(struct bench *bench, const char *method, bool gone, unsigned long first);
