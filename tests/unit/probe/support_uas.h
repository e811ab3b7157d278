/* SPDX-License-Identifier: Apache-2.0 */
/* A small SIP server in a thread of its own, on a loopback port that the kernel chooses, that behaves as a test says. */
#pragma once

#include "sip/sip_message.h"

#include <pthread.h>
#include <stdatomic.h>

enum { UAS_SEEN_MAX = 64 };

struct uas_plan {
    bool is_stream;
    bool is_silent;         /* answers nothing */
    bool says_trying;       /* a 100 first */
    unsigned code;          /* final answer to the first request */
    const char *header;     /* one more header line of it, with its CRLF, or NULL */
    unsigned repeats;       /* copies of the final answer beyond the first, sent at once */
    bool hangs_up;          /* a BYE behind them */
    bool ignores_bye;       /* theirs is not answered */
    unsigned ignores_first; /* so many requests are taken for lost */
};

struct uas {
    struct uas_plan plan;
    pthread_t thread;
    int fd;   /* bound */
    int peer; /* accepted, or fd */
    uint16_t port;
    _Atomic bool ends;
    /* What came, by method; read after uas_stop. */
    unsigned invites, acks, byes, others, answers;
    char last_ack[2048], last_bye[2048];
};

void uas_start(struct uas *uas, const struct uas_plan *plan);
void uas_stop(struct uas *uas);
